// SPDX-License-Identifier: GPL-2.0-only
/* Capabilities that a VMM switches on: hypercalls, failing emulation, MSRs, the CPU model. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vcpu.h"

#define GP	13

static int enable(int fd, uint32_t which, uint64_t arg)
{
	struct kvmx_enable_cap c = { .cap = which, .args = { arg } };

	return ioctl(fd, KVMX_ENABLE_CAP, &c);
}

GUEST_CODE(call, "mov $12, %eax; mov $0x1000, %ebx; mov $2, %ecx; mov $0x10, %edx;"
		 "vmmcall; out %al, $0xef");

static void hypercall_to_user_space(void)
{
	struct guest g = guest_make(0);

	LOAD(&g, call);
	check(guest_run(&g) == KVMX_EXIT_IO && guest_regs(&g).rax == -1000ull,
	      "without the capability there is no such hypercall");
	check(cap(dev, KVMX_CAP_EXIT_HYPERCALL) & (1 << 12), "MAP_GPA_RANGE can be user space's");
	check(enable(g.vm, KVMX_CAP_EXIT_HYPERCALL, 1) && errno == EINVAL, "another one cannot");
	check(!enable(g.vm, KVMX_CAP_EXIT_HYPERCALL, 1 << 12), "it is");
	LOAD(&g, call);
	check_is(guest_run(&g), KVMX_EXIT_HYPERCALL, "it comes to user space");
	check_is(g.run->hypercall.nr, 12, "its number");
	check_is(g.run->hypercall.args[0], 0x1000, "its address");
	check_is(g.run->hypercall.args[1], 2, "its pages");
	check_is(g.run->hypercall.flags & 1, 1, "its mode");
	g.run->hypercall.ret = 0x55;
	check_is(guest_run(&g), KVMX_EXIT_IO, "the guest goes on");
	check_is(guest_regs(&g).rax, 0x55, "with the result");
	guest_end(&g);
}

GUEST_CODE(fpu, "mov $0x40000000, %ebx; fldl (%rbx); out %al, $0xef");

static void emulation_fails(void)
{
	static const uint8_t bytes[] = { 0xdd, 0x03 };
	struct guest g = guest_make(0);

	check(!enable(g.vm, KVMX_CAP_EXIT_ON_EMULATION_FAILURE, 1), "failures are told");
	LOAD(&g, fpu);
	check_is(guest_run(&g), KVMX_EXIT_INTERNAL_ERROR, "an x87 load from a device fails");
	check_is(g.run->emulation_failure.suberror, KVMX_INTERNAL_ERROR_EMULATION, "in the emulator");
	check((g.run->emulation_failure.flags & 1) && g.run->emulation_failure.insn_size >= 2 &&
	      !memcmp(g.run->emulation_failure.insn_bytes, bytes, 2), "with its bytes");
	check_is(guest_regs(&g).rip, CODE + 5, "RIP is at it");
	guest_end(&g);
}

GUEST_CODE(rdmsr, "rdmsr; out %al, $0xef");

static uint32_t read_msr(struct guest *g, uint32_t msr)
{
	struct kvmx_regs regs;

	LOAD(g, rdmsr);
	regs = guest_regs(g);
	regs.rcx = msr;
	guest_set_regs(g, &regs);
	return guest_run(g) == KVMX_EXIT_IO ? g->run->io.port : 0;
}

static void platform_info(void)
{
	struct { struct kvmx_msrs head; struct kvmx_msr_entry e; } m = {
		.head.nmsrs = 1, .e = { .index = 0xce, .data = 0xff00 },
	};
	struct guest g = guest_make(0);

	guest_handler(&g, GP, true);
	check(ioctl(g.cpu, KVMX_SET_MSRS, &m) == 1, "MSR_PLATFORM_INFO is set");
	check(read_msr(&g, 0xce) == 0xef && guest_regs(&g).rax == 0xff00, "the guest reads it");
	check(!enable(g.vm, KVMX_CAP_MSR_PLATFORM_INFO, 0), "it is taken away");
	check_is(read_msr(&g, 0xce), 0xee, "then it is #GP");
	guest_end(&g);
}

/* The CPU model of @g, with KVM's features changed by @flip. */
static int set_cpuid(struct guest *g, uint32_t flip)
{
	struct kvmx_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));
	unsigned int i;
	int result;

	cpuid->nent = 256;
	if (ioctl(g->cpu, KVMX_GET_CPUID2, cpuid))
		return -1;
	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x40000001)
			cpuid->entries[i].eax ^= flip;
	result = ioctl(g->cpu, KVMX_SET_CPUID2, cpuid);
	free(cpuid);
	return result;
}

static void cpu_model(void)
{
	struct guest g = guest_make(WITH_IRQCHIP);

	guest_handler(&g, GP, true);
	check(!set_cpuid(&g, 1 << 3), "the clock is not announced");
	check(read_msr(&g, 0x4b564d01) == 0xef, "its MSR is there all the same");
	check(set_cpuid(&g, 1 << 3) && errno == EINVAL, "the model of a CPU that ran is fixed");
	check(!set_cpuid(&g, 0), "but may be set to what it is");
	check(!enable(g.cpu, KVMX_CAP_ENFORCE_PV_FEATURE_CPUID, 1), "only what is announced is there");
	check(read_msr(&g, 0x4b564d01) == 0xee, "that MSR is not");
	check(read_msr(&g, 0x12) == 0xef, "the other number of the same is");
	guest_end(&g);
}

void test_caps(void)
{
	hypercall_to_user_space();
	emulation_fails();
	platform_info();
	cpu_model();
}
