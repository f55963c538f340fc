// SPDX-License-Identifier: GPL-2.0-only
/* MSRs that user space denies to the guest, and those it answers itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>

#include "vcpu.h"

#define GP		13
#define FS_BASE		0xc0000100
#define GS_BASE		0xc0000101
#define UNKNOWN		0x4567
#define DEADLY		0x1b		/* IA32_APIC_BASE with reserved bits: invalid */

static uint8_t bits[0x600];

static int filter(struct guest *g, uint32_t flags, uint32_t base, uint32_t nr, uint32_t access)
{
	struct kvmx_msr_filter f = {
		.flags = flags,
		.ranges = { { .flags = access, .nmsrs = nr, .base = base, .bitmap = bits } },
	};

	return ioctl(g->vm, KVMX_X86_SET_MSR_FILTER, &f);
}

static int to_user(struct guest *g, uint64_t reasons)
{
	struct kvmx_enable_cap c = { .cap = KVMX_CAP_X86_USER_SPACE_MSR, .args = { reasons } };

	return ioctl(g->vm, KVMX_ENABLE_CAP, &c);
}

GUEST_CODE(rd, "rdmsr; out %al, $0xef; jmp code_rd");
GUEST_CODE(wr, "wrmsr; out %al, $0xef; jmp code_wr");

static void start(struct guest *g, bool write, uint32_t msr, uint64_t value)
{
	struct kvmx_regs regs;

	if (write)
		LOAD(g, wr);
	else
		LOAD(g, rd);
	regs = guest_regs(g);
	regs.rcx = msr;
	regs.rax = (uint32_t)value;
	regs.rdx = value >> 32;
	guest_set_regs(g, &regs);
	guest_run(g);
}

static bool is_exit(const struct guest *g, bool write, uint32_t msr, uint32_t reason)
{
	return g->run->exit_reason == (write ? KVMX_EXIT_X86_WRMSR : KVMX_EXIT_X86_RDMSR) &&
	       g->run->msr.index == msr && g->run->msr.reason == reason;
}

static bool is_gp(const struct guest *g)
{
	return g->run->exit_reason == KVMX_EXIT_IO && g->run->io.port == 0xee &&
	       *((uint8_t *)g->run + g->run->io.data_offset) == GP;
}

static bool went_on(const struct guest *g)
{
	return g->run->exit_reason == KVMX_EXIT_IO && g->run->io.port == 0xef;
}

static void user_space_answers(void)
{
	struct guest g = guest_make(0);

	guest_handler(&g, GP, true);
	check(to_user(&g, 8) && errno == EINVAL, "an unknown reason is refused");
	start(&g, false, UNKNOWN, 0);
	check(is_gp(&g), "an unknown MSR is #GP");
	check(!to_user(&g, 7), "all reasons come to user space");

	start(&g, false, UNKNOWN, 0);
	check(is_exit(&g, false, UNKNOWN, KVMX_MSR_EXIT_REASON_UNKNOWN), "RDMSR of an unknown one");
	check_is(guest_regs(&g).rip, CODE, "RIP is at it");
	g.run->msr.data = 0x1122334455667788;
	guest_run(&g);
	check(went_on(&g), "its answer");
	check_is(guest_regs(&g).rax, 0x55667788, "comes to RAX");
	check_is(guest_regs(&g).rdx, 0x11223344, "and RDX");

	start(&g, false, UNKNOWN, 0);
	g.run->msr.error = 1;
	guest_run(&g);
	check(is_gp(&g), "an error is #GP");
	start(&g, true, UNKNOWN, 0x99aabbccddeeff);
	check(is_exit(&g, true, UNKNOWN, KVMX_MSR_EXIT_REASON_UNKNOWN), "WRMSR of an unknown one");
	check_is(g.run->msr.data, 0x99aabbccddeeff, "with the value");
	guest_run(&g);
	check(went_on(&g), "the guest goes on");
	start(&g, true, DEADLY, ~0ull);
	check(is_exit(&g, true, DEADLY, KVMX_MSR_EXIT_REASON_INVAL), "a value that is not valid");
	guest_end(&g);
}

static void denied(void)
{
	struct guest g = guest_make(0);

	guest_handler(&g, GP, true);
	check(filter(&g, 2, 0, 1, 1) && errno == EINVAL, "an unknown flag is refused");
	check(filter(&g, 0, 0, 1, 4) && errno == EINVAL, "an unknown access is refused");
	check(filter(&g, 0, 0, 0x3001, 1) && errno == EINVAL, "too large a range is refused");
	check(filter(&g, 1, 0, 0, 0) && errno == EINVAL, "denying without ranges is refused");

	bits[0] = 1;	/* FS_BASE may be used, GS_BASE not */
	start(&g, true, GS_BASE, 0x1000);
	check(went_on(&g), "GS_BASE is the guest's");
	check(!filter(&g, 0, FS_BASE, 2, KVMX_MSR_FILTER_WRITE), "until it is denied");
	start(&g, true, GS_BASE, 0x2000);
	check(is_gp(&g), "then WRMSR is #GP");
	start(&g, false, GS_BASE, 0);
	check_is(guest_regs(&g).rax, 0x1000, "RDMSR is not");
	start(&g, true, FS_BASE, 0x3000);
	check(went_on(&g), "and FS_BASE may be written");

	check(!to_user(&g, KVMX_MSR_EXIT_REASON_FILTER), "what is denied comes to user space");
	start(&g, true, GS_BASE, 0x2000);
	check(is_exit(&g, true, GS_BASE, KVMX_MSR_EXIT_REASON_FILTER), "GS_BASE does");
	guest_run(&g);
	start(&g, false, UNKNOWN, 0);
	check(is_gp(&g), "an unknown one does not");

	check(!filter(&g, 1, FS_BASE, 2, KVMX_MSR_FILTER_READ), "all but FS_BASE is denied");
	start(&g, false, FS_BASE, 0);
	check_is(guest_regs(&g).rax, 0x3000, "FS_BASE may be read");
	start(&g, false, 0x10, 0);
	check(is_exit(&g, false, 0x10, KVMX_MSR_EXIT_REASON_FILTER), "the TSC may not");
	guest_run(&g);
	check(!filter(&g, 0, 0, 0, 0), "no filter");
	start(&g, true, GS_BASE, 0x4000);
	check(went_on(&g), "GS_BASE is the guest's again");
	guest_end(&g);
}

void test_msr(void)
{
	user_space_answers();
	denied();
}
