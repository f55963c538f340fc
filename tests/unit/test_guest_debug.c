// SPDX-License-Identifier: GPL-2.0-only
/* A guest under a debugger: what is the debugger's, what stays the guest's. */
/* links: src/x86/guest_debug.c src/x86/clock.c src/x86/tsc.c */
/* links: src/x86/cpuid.c src/x86/cpuid_host.c src/x86/fpu.c */
#include "x86_world.h"

#define STEP	(KVMX_GUESTDBG_ENABLE | KVMX_GUESTDBG_SINGLESTEP)
#define HW_BP	(KVMX_GUESTDBG_ENABLE | KVMX_GUESTDBG_USE_HW_BP)
#define B0	1ull
#define B2	4ull

static struct kvmx_guest_debug dbg;
static u8 code[2];
static int code_result;
static unsigned int emulated;

int x86_linear_read(struct x86_linear *l, u64 addr, void *buf, unsigned int len, u32 access)
{
	ck_assert_uint_eq(addr, cpu[0]->rip);
	ck_assert_uint_eq(len, sizeof(code));
	memcpy(buf, code, len);
	return code_result;
}

enum run_next x86_emulate_insn(struct x86_vcpu *v, bool atomic)
{
	ck_assert(!atomic);
	ck_assert_uint_eq(v->exit.nr_bytes, 0);
	emulated++;
	return RUN_LEAVE;
}

static int debug(u32 control)
{
	dbg.control = control;
	return x86_guest_debug_set(cpu[0], &dbg);
}

static void start(void)
{
	build_host(HOST_AMD);
	build_vm(1);
	memset(&dbg, 0, sizeof(dbg));
	cpu[0]->rflags = X86_EFLAGS_FIXED;
	cpu[0]->rip = 0x1234;
}

/*
 * The CPU runs one instruction: what the unit gets, and what the guest makes of it.
 * An entry takes the dirty parts to the unit; behind it nothing is here any more.
 */
static u64 in_cpu_dr7, in_cpu_tf;

static void run_guest(u64 dr6_bits, u64 rflags)
{
	struct x86_vcpu *v = cpu[0];

	x86_guest_debug_enter(v);
	x86_state(v, X86_STATE_DRS);
	in_cpu_dr7 = v->state.dr7;
	in_cpu_tf = v->rflags & X86_EFLAGS_TF;
	unit_state.dr6 = v->state.dr6 | dr6_bits;
	unit_state.dr7 = v->state.dr7;
	v->state_dirty = 0;
	v->state_valid = 0;
	v->rflags = rflags;
	x86_guest_debug_leave(v);
	unit_state.dr6 = v->state.dr6;
	unit_state.dr7 = v->state.dr7;
}

static enum run_next trap(u64 dr6_bits)
{
	memset(raised, 0, sizeof(raised));
	raised_dr6 = 0;
	memset(cpu[0]->vcpu.run, 0, sizeof(*cpu[0]->vcpu.run));
	return x86_guest_debug_trap(cpu[0], dr6_bits);
}

START_TEST(control)
{
	struct x86_vcpu *v;

	start();
	v = cpu[0];
	ck_assert_int_eq(debug(0x80000000), -EINVAL);
	ck_assert_int_eq(debug(KVMX_GUESTDBG_ENABLE | 4), -EINVAL);
	ck_assert_uint_eq(v->guest_debug, 0);

	memset(dbg.arch.debugreg, 0xff, sizeof(dbg.arch.debugreg));
	ck_assert_int_eq(debug(HW_BP | KVMX_GUESTDBG_USE_SW_BP), 0);
	ck_assert_uint_eq(v->guest_debug, HW_BP | KVMX_GUESTDBG_USE_SW_BP);
	ck_assert_uint_eq(v->debug.db[3], ~0ull);
	ck_assert_uint_eq(v->debug.dr7, 0xffff2fff);
	ck_assert_uint_eq(v->exceptions, BIT(X86_EXC_BP));
	ck_assert_uint_eq(unit_intercept_changes, 1);

	/* Without ENABLE nothing is on, whatever else is asked for. */
	ck_assert_int_eq(debug(KVMX_GUESTDBG_SINGLESTEP | KVMX_GUESTDBG_USE_SW_BP), 0);
	ck_assert_uint_eq(v->guest_debug, 0);
	ck_assert_uint_eq(v->exceptions, 0);
	ck_assert(!v->debug.stepping);

	ck_assert_int_eq(debug(KVMX_GUESTDBG_INJECT_BP), 0);
	ck_assert_uint_eq(raised[X86_EXC_BP], 1);
	ck_assert_int_eq(debug(KVMX_GUESTDBG_INJECT_DB | STEP), 0);
	ck_assert_uint_eq(raised[X86_EXC_DB], 1);
	ck_assert_uint_eq(v->guest_debug, STEP);
	v->ev.exception.type = X86_EVENT_EXCEPTION;
	ck_assert_int_eq(debug(KVMX_GUESTDBG_INJECT_DB), -EBUSY);
	ck_assert_uint_eq(v->guest_debug, STEP);
	ck_assert_int_eq(debug(0), 0);
	end_vm();
}
END_TEST

START_TEST(step_is_invisible)
{
	struct kvmx_debug_exit_arch *arch;

	start();
	arch = &cpu[0]->vcpu.run->debug.arch;
	unit_state.dr6 = X86_DR6_FIXED | X86_DR6_BS | B2;
	unit_state.dr7 = 0x401;
	unit_state.seg[X86_SEG_CS].base = 0x10000;
	ck_assert_int_eq(debug(STEP), 0);
	run_guest(X86_DR6_BS, X86_EFLAGS_FIXED | X86_EFLAGS_TF);
	ck_assert(in_cpu_tf);
	ck_assert_uint_eq(in_cpu_dr7, 0x401);
	ck_assert_uint_eq(cpu[0]->rflags, X86_EFLAGS_FIXED);
	ck_assert_uint_eq(unit_state.dr6, X86_DR6_FIXED | X86_DR6_BS | B2);

	ck_assert_int_eq(trap(X86_DR6_BS), RUN_USER);
	ck_assert_uint_eq(raised[X86_EXC_DB], 0);
	ck_assert_uint_eq(cpu[0]->vcpu.run->exit_reason, KVMX_EXIT_DEBUG);
	ck_assert_uint_eq(arch->exception, X86_EXC_DB);
	ck_assert_uint_eq(arch->pc, 0x11234);
	ck_assert_uint_eq(arch->dr6, 0xffff4ff0);
	ck_assert_uint_eq(arch->dr7, 0x401);
	end_vm();
}
END_TEST

/* The guest steps itself, and so does the debugger: each gets the trap. */
START_TEST(both_step)
{
	start();
	cpu[0]->rflags |= X86_EFLAGS_TF;
	ck_assert_int_eq(debug(STEP), 0);
	run_guest(X86_DR6_BS, X86_EFLAGS_FIXED | X86_EFLAGS_TF);
	ck_assert_uint_eq(cpu[0]->rflags, X86_EFLAGS_FIXED | X86_EFLAGS_TF);
	ck_assert_int_eq(trap(X86_DR6_BS), RUN_USER);
	ck_assert_uint_eq(raised[X86_EXC_DB], 1);
	ck_assert_uint_eq(raised_dr6, X86_DR6_BS);

	/* Without the debugger's step it is the guest's alone, with breakpoints, too. */
	ck_assert_int_eq(debug(HW_BP), 0);
	ck_assert_int_eq(trap(X86_DR6_BS), RUN_STAY);
	ck_assert_uint_eq(raised_dr6, X86_DR6_BS);
	ck_assert_int_eq(debug(0), 0);
	ck_assert_int_eq(trap(X86_DR6_BS | B0), RUN_STAY);
	ck_assert_uint_eq(raised_dr6, X86_DR6_BS | B0);
	end_vm();
}
END_TEST

/* An event clears TF and keeps it in its frame; IRET brings it back. */
START_TEST(handler_is_stepped_over)
{
	start();
	ck_assert_int_eq(debug(STEP), 0);
	run_guest(0, X86_EFLAGS_FIXED);
	ck_assert(!cpu[0]->debug.stepping);
	run_guest(0, X86_EFLAGS_FIXED);
	ck_assert(!in_cpu_tf);
	x86_guest_debug_skipped(cpu[0]);
	ck_assert(!kvmx_vcpu_take(&cpu[0]->vcpu, KVMX_REQ_STEPPED));

	run_guest(X86_DR6_BS, X86_EFLAGS_FIXED | X86_EFLAGS_TF);
	ck_assert_uint_eq(cpu[0]->rflags, X86_EFLAGS_FIXED);
	ck_assert_int_eq(trap(X86_DR6_BS), RUN_USER);

	/* POPF has cleared TF, and the trap behind it still comes. */
	run_guest(X86_DR6_BS, X86_EFLAGS_FIXED);
	ck_assert_int_eq(trap(X86_DR6_BS), RUN_USER);
	ck_assert(cpu[0]->debug.stepping);
	end_vm();
}
END_TEST

START_TEST(emulated_instruction)
{
	start();
	x86_guest_debug_skipped(cpu[0]);
	ck_assert_uint_eq(cpu[0]->vcpu.requests, 0);
	ck_assert_int_eq(debug(STEP), 0);
	x86_guest_debug_skipped(cpu[0]);
	ck_assert(kvmx_vcpu_take(&cpu[0]->vcpu, KVMX_REQ_STEPPED));
	ck_assert_int_eq(x86_guest_debug_stepped(cpu[0]), RUN_USER);
	ck_assert_uint_eq(cpu[0]->vcpu.run->debug.arch.dr6, 0xffff4ff0);

	/* It does not outlive the debugger. */
	x86_guest_debug_skipped(cpu[0]);
	ck_assert_int_eq(debug(0), 0);
	ck_assert(!kvmx_vcpu_take(&cpu[0]->vcpu, KVMX_REQ_STEPPED));
	end_vm();
}
END_TEST

static bool emulates(u8 first, u8 second)
{
	emulated = 0;
	code[0] = first;
	code[1] = second;
	cpu[0]->exit.nr_bytes = 3;
	x86_guest_debug_step(cpu[0]);
	return emulated;
}

START_TEST(flags_on_the_stack)
{
	start();
	unit_state.efer = X86_EFER_LME | X86_EFER_LMA;
	unit_state.seg[X86_SEG_CS].attr = X86_ATTR_L;
	ck_assert(!emulates(0x9c, 0));
	ck_assert_int_eq(debug(STEP), 0);
	ck_assert(emulates(0x9c, 0));
	ck_assert(emulates(0x9d, 0));
	ck_assert(emulates(0x66, 0x9d));
	ck_assert(emulates(0x48, 0x9c));
	ck_assert(!emulates(0x90, 0x9c));
	code_result = X86_LINEAR_FAULT;
	ck_assert(!emulates(0x9c, 0));
	code_result = 0;
	cpu[0]->rflags |= X86_EFLAGS_VM;
	ck_assert(!emulates(0x9c, 0));
	cpu[0]->rflags &= ~X86_EFLAGS_VM;
	cpu[0]->ev.exception.type = X86_EVENT_EXCEPTION;
	ck_assert(!emulates(0x9c, 0));
	cpu[0]->ev.exception.type = X86_EVENT_NONE;
	unit_state.seg[X86_SEG_CS].attr = 0;
	cpu[0]->state_valid = 0;
	ck_assert(!emulates(0x48, 0x9c));	/* DEC */
	ck_assert(emulates(0x66, 0x9c));
	end_vm();
}
END_TEST

START_TEST(debug_registers)
{
	struct kvmx_debug_exit_arch *arch;

	start();
	arch = &cpu[0]->vcpu.run->debug.arch;
	unit_state.dr6 = X86_DR6_FIXED | B0;
	unit_state.dr7 = 0x455;
	dbg.arch.debugreg[7] = 0x420;
	ck_assert_int_eq(debug(HW_BP), 0);
	run_guest(B2, X86_EFLAGS_FIXED);
	ck_assert_uint_eq(in_cpu_dr7, 0x420);
	ck_assert(!in_cpu_tf);
	ck_assert_uint_eq(unit_state.dr6, X86_DR6_FIXED | B0);
	ck_assert_uint_eq(unit_state.dr7, 0x455);
	ck_assert_int_eq(trap(B2), RUN_USER);
	ck_assert_uint_eq(raised[X86_EXC_DB], 0);
	ck_assert_uint_eq(arch->dr6, X86_DR6_FIXED | B2);
	ck_assert_uint_eq(arch->dr7, 0x420);

	/* INT1 leaves no bit. */
	ck_assert_int_eq(trap(0), RUN_STAY);
	ck_assert_uint_eq(raised[X86_EXC_DB], 1);

	/* The guest's breakpoint and the debugger's step at once. */
	ck_assert_int_eq(debug(STEP), 0);
	ck_assert_int_eq(trap(X86_DR6_BS | B0), RUN_USER);
	ck_assert_uint_eq(raised_dr6, B0);
	ck_assert_uint_eq(arch->dr6, X86_DR6_FIXED | X86_DR6_BS);

	ck_assert(!x86_guest_debug_guards(cpu[0]));
	dbg.arch.debugreg[7] |= X86_DR7_GD;
	ck_assert_int_eq(debug(HW_BP), 0);
	ck_assert(x86_guest_debug_guards(cpu[0]));
	ck_assert_int_eq(x86_guest_debug_guarded(cpu[0]), RUN_USER);
	ck_assert_uint_eq(arch->dr6, X86_DR6_FIXED | X86_DR6_BD);

	ck_assert_int_eq(debug(KVMX_GUESTDBG_ENABLE | KVMX_GUESTDBG_USE_SW_BP), 0);
	ck_assert_int_eq(x86_guest_debug_breakpoint(cpu[0]), RUN_USER);
	ck_assert_uint_eq(arch->exception, X86_EXC_BP);
	end_vm();
}
END_TEST

UNIT_MAIN("guest_debug",
	  UNIT_CASE("guest_debug", control, step_is_invisible, both_step, handler_is_stepped_over,
		    emulated_instruction, flags_on_the_stack, debug_registers))
