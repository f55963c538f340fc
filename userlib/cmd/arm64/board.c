// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The board of an arm64 machine: a GICv3 in the kernel, CPUs that PSCI starts, a
 * kernel in the Image format (Linux, Documentation/arch/arm64/booting.rst) and
 * the device tree that tells it of all this. Called through board.h.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../board.h"
#include "../cmd.h"
#include "fdt.h"

#define ALIGNMENT	(UINT64_C(2) << 20)
#define TREE_ROOM	(UINT64_C(1) << 20)
#define IMAGE_MAGIC	0x644d5241u	/* "ARM\x64" */
#define GIC_PHANDLE	1u
#define EDGE		1u
#define LEVEL		4u

struct image_header {
	uint32_t code[2];
	uint64_t text_offset, image_size, flags, reserved[3];
	uint32_t magic, pe_offset;
};

/* What lies where in memory. */
struct placed {
	uint64_t kernel, tree, initrd, initrd_size;
};

struct board {
	int gic;
};

int board_memory(struct machine *m)
{
	return machine_ram_add(m, 0, RAM_START, m->config->memory);
}

/* ---- the interrupt controller -------------------------------------------- */

static int gic_set(int gic, uint32_t group, uint64_t attr, uint64_t value)
{
	struct kvmx_device_attr set = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)&value,
	};

	return ioctl(gic, KVMX_SET_DEVICE_ATTR, &set) ? -errno : 0;
}

int board_chips(struct machine *m)
{
	struct kvmx_create_device create = { .type = KVMX_DEV_TYPE_ARM_VGIC_V3 };
	struct board *board = calloc(1, sizeof(*board));
	int ret = -ENOMEM;

	if (board) {
		m->board = board;
		ret = ioctl(kvmx_vm_fd(m->vm), KVMX_CREATE_DEVICE, &create) ? -errno : 0;
		board->gic = ret ? -1 : (int)create.fd;
	}
	if (!ret)
		ret = gic_set(board->gic, KVMX_DEV_ARM_VGIC_GRP_ADDR,
			      KVMX_VGIC_V3_ADDR_TYPE_DIST, GICD_ADDRESS);
	if (!ret)
		ret = gic_set(board->gic, KVMX_DEV_ARM_VGIC_GRP_ADDR,
			      KVMX_VGIC_V3_ADDR_TYPE_REDIST, GICR_ADDRESS);
	if (ret)
		complain("cannot create the interrupt controller: %s", strerror(-ret));
	return ret;
}

int board_devices(struct machine *m)
{
	return bus_add(&m->memory, SERIAL_ADDRESS, SERIAL_PORTS, &serial_device,
		       &m->serial);
}

void board_destroy(struct machine *m)
{
	struct board *board = m->board;

	if (board && board->gic >= 0)
		close(board->gic);
	free(board);
	m->board = NULL;
}

/* ---- CPUs ------------------------------------------------------------------ */

int board_cpu(struct machine *m, struct kvmx *kvmx, unsigned int cpu)
{
	struct kvmx_vcpu_init init;
	int fd = kvmx_vcpu_fd(m->cpu[cpu].vcpu);

	(void)kvmx;
	if (ioctl(kvmx_vm_fd(m->vm), KVMX_ARM_PREFERRED_TARGET, &init))
		return -errno;
	init.features[0] |= 1u << KVMX_ARM_VCPU_PSCI_0_2;
	if (cpu)
		init.features[0] |= 1u << KVMX_ARM_VCPU_POWER_OFF;
	return ioctl(fd, KVMX_ARM_VCPU_INIT, &init) ? -errno : 0;
}

static int core_set(struct kvmx_vcpu *vcpu, uint64_t at, uint64_t value)
{
	const struct kvmx_one_reg reg = {
		.id = KVMX_REG_ARM64 | KVMX_REG_SIZE_U64 | KVMX_REG_ARM_CORE | at,
		.addr = (uintptr_t)&value,
	};

	return ioctl(kvmx_vcpu_fd(vcpu), KVMX_SET_ONE_REG, &reg) ? -errno : 0;
}

/* ---- files ----------------------------------------------------------------- */

/* Reads all of @path to @address, or says why not. */
static int file_load(const struct guest_ram *ram, const char *path, uint64_t address,
		     uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	struct stat st;
	uint8_t *to;

	if (fd < 0 || fstat(fd, &st)) {
		complain("cannot open %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EINVAL;
	}
	*size = st.st_size;
	to = guest_ram_pointer(ram, address, *size);
	if (!to) {
		complain("%s does not fit: give the guest more --memory", path);
		ret = -ENOSPC;
	}
	for (uint64_t done = 0; !ret && done < *size; ) {
		ssize_t n = read(fd, to + done, *size - done);

		if (n <= 0) {
			complain("cannot read %s: %s", path, n ? strerror(errno) : "it shrank");
			ret = -EIO;
		} else {
			done += n;
		}
	}
	close(fd);
	return ret;
}

static int kernel_load(struct machine *m, struct placed *p)
{
	const char *path = m->config->kernel;
	struct image_header *h;
	uint64_t size, offset, end;
	int ret;

	ret = file_load(&m->ram, path, RAM_START, &size);
	if (ret)
		return ret;
	h = guest_ram_pointer(&m->ram, RAM_START, sizeof(*h));
	if (size < sizeof(*h) || le32toh(h->magic) != IMAGE_MAGIC) {
		complain("%s is not an arm64 Linux kernel in the Image format (a packed one has to be unpacked)",
			 path);
		return -EINVAL;
	}
	offset = le64toh(h->text_offset);
	end = offset + (le64toh(h->image_size) > size ? le64toh(h->image_size) : size);
	if (end < offset || end > m->config->memory) {
		complain("%s does not fit: give the guest more --memory", path);
		return -ENOSPC;
	}
	memmove((uint8_t *)h + offset, h, size);
	p->kernel = RAM_START + offset;
	p->tree = RAM_START + ((end + ALIGNMENT - 1) & ~(ALIGNMENT - 1));
	return 0;
}

/* ---- the device tree ------------------------------------------------------- */

static void tree_cpus(struct fdt *fdt, unsigned int cpus)
{
	char name[32];

	fdt_begin(fdt, "cpus");
	FDT_CELLS(fdt, "#address-cells", 1);
	FDT_CELLS(fdt, "#size-cells", 0);
	for (unsigned int i = 0; i < cpus; i++) {
		uint32_t mpidr = (i & 0xf) | i >> 4 << 8;

		snprintf(name, sizeof(name), "cpu@%x", mpidr);
		fdt_begin(fdt, name);
		fdt_string(fdt, "device_type", "cpu");
		fdt_string(fdt, "compatible", "arm,armv8");
		fdt_string(fdt, "enable-method", "psci");
		FDT_CELLS(fdt, "reg", mpidr);
		fdt_end(fdt);
	}
	fdt_end(fdt);
	fdt_begin(fdt, "psci");
	fdt_prop(fdt, "compatible", "arm,psci-1.0\0arm,psci-0.2", 26);
	fdt_string(fdt, "method", "hvc");
	fdt_end(fdt);
}

static void tree_gic(struct fdt *fdt, unsigned int cpus)
{
	fdt_begin(fdt, "interrupt-controller@8000000");
	fdt_string(fdt, "compatible", "arm,gic-v3");
	fdt_prop(fdt, "interrupt-controller", NULL, 0);
	FDT_CELLS(fdt, "#interrupt-cells", 3);
	FDT_CELLS(fdt, "reg", 0, GICD_ADDRESS, 0, GICD_LENGTH, 0, GICR_ADDRESS, 0,
		  cpus * GICR_LENGTH);
	FDT_CELLS(fdt, "phandle", GIC_PHANDLE);
	fdt_end(fdt);
	/* Secure, non-secure, virtual, hypervisor's: private interrupts, counted from 16. */
	fdt_begin(fdt, "timer");
	fdt_string(fdt, "compatible", "arm,armv8-timer");
	FDT_CELLS(fdt, "interrupts", 1, 13, LEVEL, 1, 14, LEVEL, 1, 11, LEVEL, 1, 10, LEVEL);
	fdt_prop(fdt, "always-on", NULL, 0);
	fdt_end(fdt);
}

static void tree_devices(struct fdt *fdt, unsigned int disks)
{
	char name[32];

	fdt_begin(fdt, "serial@9000000");
	fdt_string(fdt, "compatible", "ns16550a");
	fdt_range(fdt, "reg", SERIAL_ADDRESS, SERIAL_PORTS);
	FDT_CELLS(fdt, "interrupts", 0, SERIAL_GSI, LEVEL);
	FDT_CELLS(fdt, "clock-frequency", 1843200);
	fdt_end(fdt);
	for (unsigned int i = 0; i < disks; i++) {
		uint32_t address = VIRTIO_ADDRESS + i * VIRTIO_STRIDE;

		snprintf(name, sizeof(name), "virtio_mmio@%x", address);
		fdt_begin(fdt, name);
		fdt_string(fdt, "compatible", "virtio,mmio");
		fdt_range(fdt, "reg", address, VIRTIO_STRIDE);
		FDT_CELLS(fdt, "interrupts", 0, VIRTIO_GSI + i, EDGE);
		fdt_prop(fdt, "dma-coherent", NULL, 0);
		fdt_end(fdt);
	}
}

static int tree_write(struct machine *m, const struct placed *p)
{
	uint8_t *to = guest_ram_pointer(&m->ram, p->tree, TREE_ROOM);
	struct fdt fdt;

	if (!to) {
		complain("the device tree does not fit: give the guest more --memory");
		return -ENOSPC;
	}
	fdt_start(&fdt, to, TREE_ROOM);
	fdt_begin(&fdt, "");
	FDT_CELLS(&fdt, "#address-cells", 2);
	FDT_CELLS(&fdt, "#size-cells", 2);
	fdt_string(&fdt, "compatible", "linux,dummy-virt");
	fdt_string(&fdt, "model", "kvmx");
	FDT_CELLS(&fdt, "interrupt-parent", GIC_PHANDLE);
	fdt_begin(&fdt, "chosen");
	fdt_string(&fdt, "bootargs", m->config->append);
	fdt_string(&fdt, "stdout-path", "/serial@9000000");
	if (p->initrd_size) {
		uint64_t end = p->initrd + p->initrd_size;

		FDT_CELLS(&fdt, "linux,initrd-start", p->initrd >> 32, p->initrd);
		FDT_CELLS(&fdt, "linux,initrd-end", end >> 32, end);
	}
	fdt_end(&fdt);
	fdt_begin(&fdt, "memory@40000000");
	fdt_string(&fdt, "device_type", "memory");
	fdt_range(&fdt, "reg", RAM_START, m->config->memory);
	fdt_end(&fdt);
	tree_cpus(&fdt, m->config->cpus);
	tree_gic(&fdt, m->config->cpus);
	tree_devices(&fdt, m->config->disks);
	fdt_end(&fdt);
	if (fdt_finish(&fdt))
		return 0;
	complain("the device tree does not fit: the command line is too long");
	return -ENOSPC;
}

int board_boot(struct machine *m)
{
	struct board *board = m->board;
	struct placed p = { 0 };
	int ret;

	if (kernel_load(m, &p))
		return EXIT_USAGE;
	p.initrd = p.tree + ALIGNMENT;
	if (m->config->initrd && file_load(&m->ram, m->config->initrd, p.initrd, &p.initrd_size))
		return EXIT_USAGE;
	if (tree_write(m, &p))
		return EXIT_USAGE;
	/* After the CPUs: each has its part of it. */
	ret = gic_set(board->gic, KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_VGIC_CTRL_INIT, 0);
	if (!ret)
		ret = core_set(m->cpu[0].vcpu, KVMX_REG_ARM_CORE_REG(regs.pc), p.kernel);
	if (!ret)
		ret = core_set(m->cpu[0].vcpu, KVMX_REG_ARM_CORE_REG(regs.regs[0]), p.tree);
	if (ret)
		complain("cannot set up the first CPU: %s", strerror(-ret));
	return ret ? EXIT_VM : 0;
}
