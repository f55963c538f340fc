// SPDX-License-Identifier: GPL-2.0-only
/* The arm64 tests' VM: see vm.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

int device;
int passed, failed;

void check(bool ok, const char *what)
{
	printf("%s %s\n", ok ? "ok  " : "FAIL", what);
	fflush(stdout);
	if (ok)
		passed++;
	else
		failed++;
}

int must(int result, const char *what)
{
	if (result >= 0)
		return result;
	printf("FAIL %s: %s\n%d passed, %d failed\n", what, strerror(errno), passed, failed + 1);
	exit(1);
}

static void vcpu_make(struct vm *vm, unsigned int i)
{
	struct kvmx_vcpu_init init;
	int size = must(ioctl(device, KVMX_GET_VCPU_MMAP_SIZE, 0), "mmap size");

	vm->vcpu[i] = must(ioctl(vm->fd, KVMX_CREATE_VCPU, i), "create a vCPU");
	vm->run[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu[i], 0);
	must(vm->run[i] == MAP_FAILED ? -1 : 0, "map a vCPU");
	must(ioctl(vm->fd, KVMX_ARM_PREFERRED_TARGET, &init), "preferred target");
	init.features[0] = 1 << KVMX_ARM_VCPU_PSCI_0_2 | (i ? 1 << KVMX_ARM_VCPU_POWER_OFF : 0);
	must(ioctl(vm->vcpu[i], KVMX_ARM_VCPU_INIT, &init), "init a vCPU");
}

static void gic_set(int gic, uint32_t group, uint64_t attr, uint64_t val)
{
	struct kvmx_device_attr set = { .group = group, .attr = attr, .addr = (uintptr_t)&val };

	must(ioctl(gic, KVMX_SET_DEVICE_ATTR, &set), "attribute of the GIC");
}

static void gic_make(struct vm *vm)
{
	struct kvmx_create_device create = { .type = KVMX_DEV_TYPE_ARM_VGIC_V3 };

	must(ioctl(vm->fd, KVMX_CREATE_DEVICE, &create), "create a GIC");
	gic_set(create.fd, KVMX_DEV_ARM_VGIC_GRP_ADDR, KVMX_VGIC_V3_ADDR_TYPE_DIST, GICD);
	gic_set(create.fd, KVMX_DEV_ARM_VGIC_GRP_ADDR, KVMX_VGIC_V3_ADDR_TYPE_REDIST, GICR);
	gic_set(create.fd, KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_VGIC_CTRL_INIT, 0);
	vm->gic = create.fd;
}

void vm_line(struct vm *vm, uint32_t spi, int level)
{
	struct kvmx_irq_level line = {
		.irq = KVMX_ARM_IRQ_TYPE_SPI << KVMX_ARM_IRQ_TYPE_SHIFT | spi, .level = level,
	};

	must(ioctl(vm->fd, KVMX_IRQ_LINE, &line), "a line");
}

struct vm *vm_make(unsigned int vcpus, bool gic)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	struct kvmx_userspace_memory_region region = { .memory_size = MEMORY };
	unsigned int i;

	vm->fd = must(ioctl(device, KVMX_CREATE_VM, 0), "create a VM");
	vm->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(vm->memory == MAP_FAILED ? -1 : 0, "memory");
	region.userspace_addr = (uintptr_t)vm->memory;
	must(ioctl(vm->fd, KVMX_SET_USER_MEMORY_REGION, &region), "memory region");
	for (i = 0; i < vcpus; i++)
		vcpu_make(vm, i);
	vm->gic = -1;
	if (gic)
		gic_make(vm);
	return vm;
}

void vm_free(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < 2 && vm->run[i]; i++) {
		munmap(vm->run[i], ioctl(device, KVMX_GET_VCPU_MMAP_SIZE, 0));
		close(vm->vcpu[i]);
	}
	munmap(vm->memory, MEMORY);
	if (vm->gic >= 0)
		close(vm->gic);
	close(vm->fd);
	free(vm);
}

uint64_t reg_get(struct vm *vm, unsigned int vcpu, uint64_t id)
{
	uint64_t val = 0;
	struct kvmx_one_reg reg = { .id = id, .addr = (uintptr_t)&val };

	must(ioctl(vm->vcpu[vcpu], KVMX_GET_ONE_REG, &reg), "get a register");
	return val;
}

void reg_set(struct vm *vm, unsigned int vcpu, uint64_t id, uint64_t val)
{
	struct kvmx_one_reg reg = { .id = id, .addr = (uintptr_t)&val };

	must(ioctl(vm->vcpu[vcpu], KVMX_SET_ONE_REG, &reg), "set a register");
}

void vm_start(struct vm *vm, unsigned int vcpu, const void *code, const void *end)
{
	memcpy(vm->memory, code, (const char *)end - (const char *)code);
	__builtin___clear_cache((char *)vm->memory,
				(char *)vm->memory + ((const char *)end - (const char *)code));
	reg_set(vm, vcpu, CORE_REG(regs.pc), 0);
	reg_set(vm, vcpu, CORE_REG(regs.regs[19]), DEVICE);
}

static void mmio(struct vm *vm, struct kvmx_run *run, struct story *story)
{
	uint64_t at = run->mmio.phys_addr - DEVICE, val = 0;

	if (run->mmio.is_write)
		memcpy(&val, run->mmio.data, run->mmio.len);
	if (at == 0 && run->mmio.is_write && story->n < REPORTS) {
		story->value[story->n++] = val;
	} else if (at == 0x100 && run->mmio.is_write) {
		story->done = true;
	} else if (at >= 0x200 && at < 0x240 && run->mmio.is_write) {
		story->stored[story->stores++ % 8] = val;
	} else if (at == 0x300 || at == 0x304) {
		vm_line(vm, SPI, at == 0x300);
	} else if (at == 0x308 && run->mmio.is_write && vm->call) {
		vm->call(vm, val);
	} else if (at >= 0x200 && at < 0x240) {
		val = LOAD_ANSWER + at - 0x200;
		memcpy(run->mmio.data, &val, run->mmio.len);
		story->loads++;
	}
}

/*
 * Until the guest is done, or something else happens than an access to its device.
 * A run may also be interrupted by work of the kernel's own that waits for the
 * return to user space; whoever wants to end one sets immediate_exit.
 */
void vm_run(struct vm *vm, unsigned int vcpu, struct story *story)
{
	while (!story->done) {
		story->error = ioctl(vm->vcpu[vcpu], KVMX_RUN, 0) ? errno : 0;
		story->reason = vm->run[vcpu]->exit_reason;
		if (story->error == EINTR && !vm->run[vcpu]->immediate_exit)
			continue;
		if (story->error || story->reason != KVMX_EXIT_MMIO)
			return;
		mmio(vm, vm->run[vcpu], story);
	}
}

static void *second(void *opaque)
{
	struct second *s = opaque;

	vm_run(s->vm, 1, &s->story);
	return NULL;
}

void second_start(struct second *s)
{
	must(-pthread_create(&s->thread, NULL, second, s), "a thread");
}
