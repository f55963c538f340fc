// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that talks to its interrupt controllers and to the PIT, with any access at any time,
 * and the lines and messages of devices, and a VMM that reads and writes their state meanwhile.
 * Reading state changes nothing, and what was read can be put back.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/srcu.h>

#include "irqchip.h"
#include "lapic.h"
#include "msr.h"

#include "machine.h"

#define VCPUS	3
#define STEPS	64

static int vm_fd, vcpu_fd[VCPUS];
static struct kvmx_vm *vm;
static struct x86_vcpu *vcpu[VCPUS];

static void *behind(int fd)
{
	struct file *file = fget(fd);
	void *object = file->private_data;

	fput(file);
	return object;
}

static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61 };

static void touch(struct fuzz_input *in, struct x86_vcpu *v)
{
	u8 how = fuzz_u8(in);
	int len = 1 << (how >> 4 & 3), bus = how & 1;
	bool write = how & 2;
	u64 addr, val;

	if (bus == KVMX_BUS_PIO) {
		addr = ports[fuzz_below(in, ARRAY_SIZE(ports))];
		len = min(len, 4);
	} else {
		addr = fuzz_u16(in) & (how & 8 ? 0xfff : 0xff0);
		len = how & 0x40 ? len : 4;
	}
	val = fuzz_edge(in);
	/* The local APIC's page is looked for before the bus; what crosses its end is cut off. */
	if (bus == KVMX_BUS_MMIO && (how & 4)) {
		if (addr + len > PAGE_SIZE || !lapic_mmio_match(v, APIC_BASE_ADDR + addr))
			return;
		if (write)
			lapic_mmio_write(v, addr, len, &val);
		else
			lapic_mmio_read(v, addr, len, &val);
		return;
	}
	if (bus == KVMX_BUS_MMIO)
		addr += 0xfec00000;
	if (write)
		kvmx_bus_write(&v->vcpu, bus, addr, len, &val);
	else
		kvmx_bus_read(&v->vcpu, bus, addr, len, &val);
}

static void x2apic(struct fuzz_input *in, struct x86_vcpu *v)
{
	u32 msr = 0x800 + fuzz_u8(in) % 0x60;
	u64 val;

	if (fuzz_u8(in) & 1)
		x86_msr_set(v, msr, fuzz_edge(in), false);
	else
		x86_msr_get(v, msr, &val, false);
}

/* The run loop's part: takes an interrupt, sees what others asked of the vCPU. */
static void guest_runs(struct fuzz_input *in, int i)
{
	machine_exits = fuzz_u8(in) & 7;
	machine_ioctl(vcpu_fd[i], KVMX_RUN, 0);
}

static void device(struct fuzz_input *in)
{
	struct kvmx_irq_level line = { .irq = fuzz_u8(in) % 28, .level = fuzz_u8(in) & 1 };
	struct kvmx_msi msi = { };

	if (fuzz_u8(in) & 1) {
		memcpy(machine_arg, &line, sizeof(line));
		machine_call(vm_fd, KVMX_IRQ_LINE_STATUS);
		return;
	}
	msi.address_lo = 0xfee00000 | (fuzz_u32(in) & 0xffffc);
	msi.data = fuzz_u16(in);
	memcpy(machine_arg, &msi, sizeof(msi));
	machine_call(vm_fd, KVMX_SIGNAL_MSI);
}

static const struct { u32 get, set; bool of_vm; size_t size; } states[] = {
	{ KVMX_GET_LAPIC, KVMX_SET_LAPIC, false, sizeof(struct kvmx_lapic_state) },
	{ KVMX_GET_IRQCHIP, KVMX_SET_IRQCHIP, true, sizeof(struct kvmx_irqchip) },
	{ KVMX_GET_PIT2, KVMX_SET_PIT2, true, sizeof(struct kvmx_pit_state2) },
	{ KVMX_GET_VCPU_EVENTS, KVMX_SET_VCPU_EVENTS, false, sizeof(struct kvmx_vcpu_events) },
	{ KVMX_GET_MP_STATE, KVMX_SET_MP_STATE, false, sizeof(struct kvmx_mp_state) },
};

static void read_state(unsigned int i, int fd, unsigned int chip, u8 *into)
{
	memset(machine_arg, 0, states[i].size);
	if (states[i].get == KVMX_GET_IRQCHIP)
		machine_arg[0] = chip;
	fuzz_demand(!machine_call(fd, states[i].get));
	memcpy(into, machine_arg, states[i].size);
}

static void check_state(struct fuzz_input *in, bool change)
{
	static u8 first[4096], second[4096];
	unsigned int i = fuzz_below(in, ARRAY_SIZE(states)), which = fuzz_u8(in) % VCPUS, n, at;
	int fd = states[i].of_vm ? vm_fd : vcpu_fd[which];

	read_state(i, fd, which, first);
	read_state(i, fd, which, second);
	fuzz_demand(!memcmp(first, second, states[i].size));
	memcpy(machine_arg, first, states[i].size);
	if (!change) {
		if (machine_call(fd, states[i].set))
			return;
		read_state(i, fd, which, second);
		for (at = 0; at < states[i].size; at++)
			if (first[at] != second[at])
				shim_bug("%x said %#x at %u, was told so, and says %#x now",
					 states[i].get, first[at], at, second[at]);
		return;
	}
	for (n = fuzz_u8(in) & 7; n; n--) {
		at = fuzz_u16(in) % states[i].size;
		machine_arg[at] = fuzz_u8(in);
	}
	if (!machine_call(fd, states[i].set))
		return;
	read_state(i, fd, which, second);
	fuzz_demand(!memcmp(first, second, states[i].size));
}

static void create(struct fuzz_input *in)
{
	struct kvmx_cpuid2 *cpuid = (void *)machine_arg;
	unsigned int i;

	vm_fd = machine_ioctl(MACHINE_SYSTEM, KVMX_CREATE_VM, 0);
	vm = behind(vm_fd);
	fuzz_demand(!machine_ioctl(vm_fd, KVMX_CREATE_IRQCHIP, 0));
	memset(machine_arg, 0, 64);
	machine_arg[0] = fuzz_u8(in) & 1;
	fuzz_demand(!machine_call(vm_fd, KVMX_CREATE_PIT2));
	for (i = 0; i < VCPUS; i++) {
		vcpu_fd[i] = machine_ioctl(vm_fd, KVMX_CREATE_VCPU, i);
		fuzz_demand(vcpu_fd[i] >= 0);
		vcpu[i] = to_x86(behind(vcpu_fd[i]));
		cpuid->nent = 100;
		fuzz_demand(!machine_call(MACHINE_SYSTEM, KVMX_GET_SUPPORTED_CPUID));
		fuzz_demand(!machine_call(vcpu_fd[i], KVMX_SET_CPUID2));
	}
}

static void step(struct fuzz_input *in)
{
	unsigned int which = fuzz_u8(in) % VCPUS;
	int idx;

	switch (fuzz_u8(in) & 15) {
	case 0: case 1: case 2: case 3: case 4:
		idx = srcu_read_lock(&vm->memory.srcu);
		touch(in, vcpu[which]);
		srcu_read_unlock(&vm->memory.srcu, idx);
		break;
	case 5: case 6:
		x2apic(in, vcpu[which]);
		break;
	case 7: case 8:
		device(in);
		break;
	case 9: case 10:
		guest_runs(in, which);
		break;
	case 11:
		x86_msr_set(vcpu[which], X86_MSR_APIC_BASE,
			    APIC_BASE_ADDR | (fuzz_u16(in) & 0xf00), fuzz_u8(in) & 1);
		break;
	case 12:
		x86_msr_set(vcpu[which], X86_MSR_TSC_DEADLINE, fuzz_edge(in), false);
		break;
	case 13:
		shim_clock_advance(fuzz_u32(in));
		break;
	case 14:
		check_state(in, false);
		break;
	default:
		check_state(in, true);
		break;
	}
	shim_assert_idle();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	machine_load();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int steps, i;

	machine_begin(&in);
	create(&in);
	for (steps = 0; in.left && steps < STEPS; steps++)
		step(&in);
	machine_close(vm_fd);
	for (i = 0; i < VCPUS; i++)
		machine_close(vcpu_fd[i]);
	machine_end();
	return 0;
}
