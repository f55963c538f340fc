// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVMX_SET_GUEST_DEBUG. QEMU's TCG neither intercepts INT3 nor arms breakpoints
 * from a control block's DR7: what needs them is left out there, and said so.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vcpu.h"

#define ENABLE	KVMX_GUESTDBG_ENABLE
#define STEP	(ENABLE | KVMX_GUESTDBG_SINGLESTEP)
#define SW_BP	(ENABLE | KVMX_GUESTDBG_USE_SW_BP)
#define HW_BP	(ENABLE | KVMX_GUESTDBG_USE_HW_BP)
#define TF	0x100

#define DB	1
#define NMI	2
#define BP	3
#define UD	6

static int debug(struct guest *g, uint32_t control, uint64_t dr7)
{
	struct kvmx_guest_debug d = { .control = control, .arch.debugreg = {
		DATA, DATA + 8, DATA + 16, DATA + 24, 0, 0, 0, dr7 | 0x400 } };

	return ioctl(g->cpu, KVMX_SET_GUEST_DEBUG, &d);
}

/* The next exit is the debugger's: @exception, at CODE + @at. */
static void stops(struct guest *g, uint32_t exception, uint64_t at, uint64_t dr6, const char *what)
{
	const struct kvmx_debug_exit_arch *a = &g->run->debug.arch;
	uint32_t reason = guest_run(g);
	bool good = reason == KVMX_EXIT_DEBUG && a->exception == exception &&
		    a->pc == CODE + at && (!dr6 || a->dr6 == dr6);

	check(good, "%s", what);
	if (!good)
		note("exit %u, exception %u, pc %#llx, dr6 %#llx, rip %#llx", reason, a->exception,
		     a->pc, a->dr6, guest_regs(g).rip);
}

static void handled(struct guest *g, uint8_t vector, const char *what)
{
	uint32_t reason = guest_run(g);
	uint8_t got = 0xff;

	if (reason == KVMX_EXIT_IO && g->run->io.port == 0xee)
		got = *((uint8_t *)g->run + g->run->io.data_offset);
	check(got == vector, "%s", what);
	if (got != vector)
		note("exit %u, vector %u, rip %#llx", reason, got, guest_regs(g).rip);
}

GUEST_CODE(bp, "nop; int3; nop; out %al, $0xef");

static void software_breakpoints(void)
{
	struct guest g = guest_make(0);

	LOAD(&g, bp);
	guest_handler(&g, BP, false);
	check(!debug(&g, SW_BP, 0), "software breakpoints");
	stops(&g, BP, 1, 0, "INT3 stops the guest, RIP at it");
	stops(&g, BP, 1, 0, "and stops it again");
	check_is(guest_regs(&g).rip, CODE + 1, "RIP has not moved");

	check(!debug(&g, SW_BP | KVMX_GUESTDBG_INJECT_BP, 0), "the breakpoint is the guest's");
	handled(&g, BP, "its handler runs");
	check_is(guest_stack(&g, 0), CODE + 2, "the frame's RIP is behind INT3");
	check_is(guest_run(&g), KVMX_EXIT_IO, "and the guest goes on");
	check_is(g.run->io.port, 0xef, "to its end");
	guest_end(&g);
}

static void injected(void)
{
	struct guest g = guest_make(0);
	struct kvmx_regs regs;

	LOAD(&g, bp);
	guest_handler(&g, BP, false);
	guest_handler(&g, DB, false);
	handled(&g, BP, "without the debugger INT3 is the guest's");
	check_is(guest_stack(&g, 0), CODE + 2, "with RIP behind it");
	check(!debug(&g, ENABLE | KVMX_GUESTDBG_INJECT_DB, 0), "a #DB is injected");
	handled(&g, DB, "its handler runs");
	guest_end(&g);

	g = guest_make(0);
	LOAD(&g, bp);
	guest_handler(&g, BP, false);
	regs = guest_regs(&g);
	regs.rip++;
	guest_set_regs(&g, &regs);
	check(!debug(&g, KVMX_GUESTDBG_INJECT_BP, 0), "at an INT3 a #BP is injected");
	check(debug(&g, KVMX_GUESTDBG_INJECT_BP, 0) && errno == EBUSY, "a second one is refused");
	handled(&g, BP, "its handler runs");
	check_is(guest_stack(&g, 0), CODE + 2, "the frame's RIP is behind INT3");
	check_is(guest_run(&g), KVMX_EXIT_IO, "and the guest goes on");
	check_is(g.run->io.port, 0xef, "to its end");
	guest_end(&g);
}

GUEST_CODE(hw, "mov $0x30000, %ebx; nop;"	/* 5: DR0 */
	       "mov %eax, 8(%rbx); nop;"	/* DR1, a write; trap at 9 */
	       "mov 8(%rbx), %eax; out %al, $0xef");

static void hardware_breakpoints(void)
{
	struct kvmx_guest_debug d = { .control = HW_BP, .arch.debugreg = {
		CODE + 5, DATA + 8, 0, 0, 0, 0, 0, 0x400 | 0x00d0000a } };
	struct guest g = guest_make(0);

	LOAD(&g, hw);
	check(!ioctl(g.cpu, KVMX_SET_GUEST_DEBUG, &d), "an instruction and a datum");
	stops(&g, DB, 5, 0xffff0ff1, "the instruction stops the guest");
	d.arch.debugreg[7] &= ~2ull;
	check(!ioctl(g.cpu, KVMX_SET_GUEST_DEBUG, &d), "only the datum");
	stops(&g, DB, 9, 0xffff0ff2, "the write stops it behind");
	check_is(guest_run(&g), KVMX_EXIT_IO, "the read does not");
	guest_end(&g);
}

/* Offsets are those of the next instruction. */
GUEST_CODE(step, "xor %eax, %eax;"		/* 2 */
		 "cpuid;"			/* 4 */
		 "mov $0x1b, %ecx;"		/* 9 */
		 "rdmsr;"			/* b */
		 "in $0xee, %al;"		/* d */
		 "mov $0x40000000, %ebx;"	/* 12 */
		 "mov (%rbx), %eax;"		/* 14 */
		 "mov %eax, (%rbx);"		/* 16 */
		 "pushf; pop %rax;"		/* 17, 18 */
		 "xor $0x100, %eax;"		/* 1d */
		 "jmp 1f; nop; 1: nop;"		/* 20 */
		 "out %al, $0xef");

static void single_step(void)
{
	static const uint8_t begin[] = { 2, 4, 9, 0xb };
	struct guest g = guest_make(0);
	unsigned int i;

	LOAD(&g, step);
	check(!debug(&g, STEP, 0), "single step");
	for (i = 0; i < sizeof(begin); i++)
		stops(&g, DB, begin[i], 0xffff4ff0, "a step, also over CPUID and RDMSR");
	check_is(guest_regs(&g).rflags & TF, 0, "TF is not the guest's");
	check(guest_run(&g) == KVMX_EXIT_IO, "IN comes to user space");
	stops(&g, DB, 0xd, 0xffff4ff0, "and is a step");
	stops(&g, DB, 0x12, 0xffff4ff0, "a step");
	check(guest_run(&g) == KVMX_EXIT_MMIO && !g.run->mmio.is_write, "a device is read");
	stops(&g, DB, 0x14, 0xffff4ff0, "which is a step");
	check(guest_run(&g) == KVMX_EXIT_MMIO && g.run->mmio.is_write, "and written");
	if (in_tree) {	/* 6.1 loses this step */
		guest_end(&g);
		return;
	}
	stops(&g, DB, 0x16, 0xffff4ff0, "which is another");
	stops(&g, DB, 0x17, 0xffff4ff0, "PUSHF is a step");
	stops(&g, DB, 0x18, 0xffff4ff0, "POP is a step");
	check_is(guest_regs(&g).rax & TF, 0, "the flags that were pushed are without TF");
	check(!debug(&g, 0, 0), "no more debugging");
	check(guest_run(&g) == KVMX_EXIT_IO && g.run->io.port == 0xef, "the guest runs to its end");
	guest_end(&g);
}

GUEST_CODE(db, "nop; nop; nop; out %al, $0xef");

/* In-tree KVM gives the guest's own traps to user space while the debugger steps. */
static void guests_own_step(void)
{
	struct guest g = guest_make(0);
	struct kvmx_regs regs;

	LOAD(&g, db);
	guest_handler(&g, DB, false);
	regs = guest_regs(&g);
	regs.rflags |= TF;
	guest_set_regs(&g, &regs);
	check(!debug(&g, STEP, 0), "debugger and guest step");
	stops(&g, DB, 1, 0xffff4ff0, "the debugger sees the step");
	check_is(guest_regs(&g).rflags & TF, TF, "TF is still the guest's");
	check(!debug(&g, 0, 0), "the debugger leaves");
	handled(&g, DB, "and the guest's trap comes to its handler");
	check_is(guest_stack(&g, 0), CODE + 1, "behind the same instruction");
	check_is(guest_stack(&g, 2) & TF, TF, "with TF in the frame");
	handled(&g, DB, "as does the next");
	check_is(guest_stack(&g, 0), CODE + 2, "behind the next instruction");
	guest_end(&g);
}

GUEST_CODE(popf, "pushf; orl $0x100, (%rsp); popf; nop; nop; out %al, $0xef");	/* 1 8 9 a */

static void guest_begins_to_step(void)
{
	struct guest g = guest_make(0);

	LOAD(&g, popf);
	guest_handler(&g, DB, false);
	check(!debug(&g, STEP, 0), "the debugger steps");
	stops(&g, DB, 1, 0xffff4ff0, "over PUSHF");
	stops(&g, DB, 8, 0xffff4ff0, "over OR");
	check_is(guest_regs(&g).rflags & TF, 0, "TF is not the guest's");
	stops(&g, DB, 9, 0xffff4ff0, "over POPF");
	check_is(guest_regs(&g).rflags & TF, TF, "now TF is the guest's");
	check(!debug(&g, 0, 0), "the debugger leaves");
	handled(&g, DB, "the guest steps itself");
	check_is(guest_stack(&g, 0), CODE + 0xa, "from there on");
	guest_end(&g);
}

static void blocked_interrupts(void)
{
	struct guest g = guest_make(WITH_IRQCHIP);

	LOAD(&g, db);
	guest_handler(&g, NMI, false);
	check(!ioctl(g.cpu, KVMX_NMI, 0), "an NMI waits");
	check(!debug(&g, STEP | KVMX_GUESTDBG_BLOCKIRQ, 0), "steps without interrupts");
	stops(&g, DB, 1, 0xffff4ff0, "the step is not disturbed");
	stops(&g, DB, 2, 0xffff4ff0, "nor the next");
	check(!debug(&g, 0, 0), "no more debugging");
	handled(&g, NMI, "the NMI comes");
	check_is(guest_stack(&g, 0), CODE + 2, "where the guest was left");
	check_is(guest_stack(&g, 2) & TF, 0, "without TF");
	guest_end(&g);
}

GUEST_CODE(dr, "mov $0x1234, %eax; mov %rax, %db0;"
	       "mov $0x701, %eax; mov %rax, %db7;"
	       "mov %db0, %rcx; mov %db7, %rdx; mov %db6, %rsi; out %al, $0xef;"
	       ".byte 0x0f, 0x21, 0xe7; out %al, $0xef");	/* mov %db4, %rdi */

static void debug_registers(void)
{
	struct guest g = guest_make(0);
	struct kvmx_debugregs regs;
	struct kvmx_sregs sregs;

	LOAD(&g, dr);
	guest_handler(&g, UD, false);
	check(!debug(&g, HW_BP, 2), "hardware breakpoints");
	check(guest_run(&g) == KVMX_EXIT_IO && g.run->io.port == 0xef, "the guest sets its own");
	check_is(guest_regs(&g).rcx, 0x1234, "it reads back its DR0");
	check_is(guest_regs(&g).rdx, 0x701, "and its DR7");
	check_is(guest_regs(&g).rsi, 0xffff0ff0, "and DR6 is untouched");
	check(!ioctl(g.cpu, KVMX_GET_DEBUGREGS, &regs), "GET_DEBUGREGS");
	check_is(regs.db[0], 0x1234, "it has the guest's DR0");
	check_is(regs.dr7, 0x701, "and the guest's DR7");
	guest_run(&g);
	check_is(guest_regs(&g).rdi, 0xffff0ff0, "DR4 is DR6");

	LOAD(&g, dr);
	check(!ioctl(g.cpu, KVMX_GET_SREGS, &sregs), "GET_SREGS");
	sregs.cr4 |= 8;
	check(!ioctl(g.cpu, KVMX_SET_SREGS, &sregs), "CR4.DE");
	guest_run(&g);
	handled(&g, UD, "now DR4 is undefined");

	if (!in_tree || !on_tcg) {
		LOAD(&g, dr);
		check(!debug(&g, HW_BP, 0x2000), "the debugger guards the debug registers");
		stops(&g, DB, 5, 0xffff2ff0, "MOV to DR0 stops the guest");
	}
	guest_end(&g);
}

void test_debug(void)
{
	struct guest g = guest_make(0);

	check(cap(dev, KVMX_CAP_SET_GUEST_DEBUG) == 1 && cap(dev, KVMX_CAP_X86_ROBUST_SINGLESTEP) == 1,
	      "there is guest debugging");
	check_is(cap(dev, KVMX_CAP_SET_GUEST_DEBUG2), 0x1f0003, "all flags are known");
	if (!in_tree)
		check(debug(&g, ENABLE | 4, 0) && errno == EINVAL, "an unknown flag is refused");
	guest_end(&g);
	if (on_tcg) {
		note("on TCG breakpoints cannot be shown to hit");
	} else {
		software_breakpoints();
		hardware_breakpoints();
	}
	injected();
	single_step();
	if (!in_tree) {
		guests_own_step();
		guest_begins_to_step();
	}
	blocked_interrupts();
	debug_registers();
}
