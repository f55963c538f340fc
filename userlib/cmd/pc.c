// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The board of an x86 machine: a PC with ACPI. Called through board.h.
 */
#include <stdlib.h>
#include <string.h>
#include "acpi.h"
#include "board.h"
#include "boot.h"
#include "cmd.h"
#include "cpuid.h"
#include "legacy.h"

#define MSR_MTRR_DEF_TYPE	0x2ffu
#define MTRR_ENABLE_WRITE_BACK	0x806u

int board_memory(struct machine *m)
{
	uint64_t memory = m->config->memory;
	uint64_t low = memory < RAM_GAP_START ? memory : RAM_GAP_START;
	int ret = machine_ram_add(m, 0, 0, low);

	if (!ret && memory > low)
		ret = machine_ram_add(m, 1, RAM_GAP_END, memory - low);
	return ret;
}

/* What the kernel emulates, in the order the API wants. */
int board_chips(struct machine *m)
{
	const char *what = "real-mode pages";
	int ret = 0;

	if (kvmx_vm_check_extension(m->vm, KVMX_CAP_SET_IDENTITY_MAP_ADDR) > 0)
		ret = kvmx_vm_set_identity_map_addr(m->vm, IDENTITY_MAP_ADDRESS);
	if (!ret && kvmx_vm_check_extension(m->vm, KVMX_CAP_SET_TSS_ADDR) > 0)
		ret = kvmx_vm_set_tss_addr(m->vm, TSS_ADDRESS);
	if (!ret) {
		what = "interrupt controllers";
		ret = kvmx_vm_create_irqchip(m->vm);
	}
	if (!ret) {
		what = "timer";
		ret = kvmx_vm_create_pit(m->vm, KVMX_PIT_SPEAKER_DUMMY);
	}
	if (ret)
		complain("cannot create the %s: %s", what, strerror(-ret));
	return ret;
}

static void on_poweroff(void *opaque)
{
	machine_end(opaque, END_POWEROFF);
}

static void on_reset(void *opaque)
{
	machine_end(opaque, END_RESET);
}

int board_devices(struct machine *m)
{
	struct legacy *legacy = calloc(1, sizeof(*legacy));
	int ret;

	if (!legacy) {
		complain("no memory");
		return EXIT_VM;
	}
	m->board = legacy;
	ret = legacy_init(legacy, &m->ports, on_poweroff, on_reset, m);
	if (!ret)
		ret = bus_add(&m->ports, SERIAL_PORT, SERIAL_PORTS,
			      &serial_device, &m->serial);
	return ret;
}

void board_destroy(struct machine *m)
{
	if (m->board)
		legacy_destroy(m->board);
	free(m->board);
	m->board = NULL;
}

/*
 * Firmware leaves memory write-back by default, on every CPU. A device without
 * emulated MTRRs refuses the register; then there is nothing to set.
 */
static void mtrr_set(struct kvmx_vcpu *vcpu)
{
	const struct kvmx_msr_entry mtrr = {
		.index = MSR_MTRR_DEF_TYPE,
		.data = MTRR_ENABLE_WRITE_BACK,
	};

	kvmx_vcpu_set_msrs(vcpu, &mtrr, 1);
}

int board_cpu(struct machine *m, struct kvmx *kvmx, unsigned int i)
{
	const struct cpuid_topology topology = {
		.cpu = i,
		.count = m->config->cpus,
		.tsc_deadline = kvmx_vm_check_extension(m->vm,
					KVMX_CAP_TSC_DEADLINE_TIMER) > 0,
	};
	struct kvmx_vcpu *vcpu = m->cpu[i].vcpu;
	struct kvmx_cpuid2 *supported, *cpuid;
	int ret;

	ret = kvmx_supported_cpuid(kvmx, &supported);
	if (ret)
		return ret;
	ret = cpuid_make(supported, &topology, &cpuid);
	free(supported);
	if (ret)
		return ret;
	ret = kvmx_vcpu_set_cpuid(vcpu, cpuid);
	free(cpuid);
	if (!ret)
		mtrr_set(vcpu);
	return ret;
}

int board_boot(struct machine *m)
{
	const struct boot_files files = {
		.kernel = m->config->kernel,
		.initrd = m->config->initrd,
		.cmdline = m->config->append,
	};
	uint64_t rsdp, entry;
	int ret;

	ret = acpi_write(&m->ram, m->config->cpus, m->config->disks, &rsdp);
	if (!ret)
		ret = boot_load(&m->ram, &files, rsdp, &entry);
	if (ret)
		return EXIT_USAGE;
	ret = boot_vcpu(&m->ram, m->cpu[0].vcpu, entry);
	if (ret)
		complain("cannot set the first CPU's registers: %s",
			 strerror(-ret));
	return ret ? EXIT_VM : 0;
}
