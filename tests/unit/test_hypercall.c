// SPDX-License-Identifier: GPL-2.0-only
/* The guest's hypercalls: numbers, privilege, width, and what each does. */
/* links: src/x86/hypercall.c src/x86/clock.c src/x86/tsc.c */
/* links: src/x86/cpuid.c src/x86/cpuid_host.c src/x86/fpu.c */
#include "x86_world.h"

static u32 sent[8];
static unsigned int nr_sent, woken;
static struct apic_msg last_msg;

int apic_deliver_to_id(struct x86_vm *xvm, u32 id, const struct apic_msg *msg)
{
	ck_assert_uint_lt(nr_sent, ARRAY_SIZE(sent));
	ck_assert_uint_lt(id, KVMX_MAX_VCPU_ID);
	sent[nr_sent++] = id;
	last_msg = *msg;
	return id < 100;
}

struct kvmx_vcpu *kvmx_vm_vcpu_by_id(struct kvmx_vm *kvm, u32 id)
{
	return id < 2 ? &cpu[id]->vcpu : NULL;
}

void kvmx_vcpu_wake(struct kvmx_vcpu *vcpu)
{
	woken++;
}

void x86_skip(struct x86_vcpu *v, u8 insn_len)
{
	v->rip += insn_len;
}

static void start(void)
{
	build_host(HOST_AMD);
	build_vm(2);
	unit_state.efer = X86_EFER_LME | X86_EFER_LMA;
	unit_state.seg[X86_SEG_CS].attr = X86_ATTR_L;
	cpu[0]->rip = 0x1000;
	nr_sent = woken = 0;
}

static enum run_next call(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
	struct x86_vcpu *v = cpu[0];

	v->gpr[X86_RAX] = nr;
	v->gpr[X86_RBX] = a;
	v->gpr[X86_RCX] = b;
	v->gpr[X86_RDX] = c;
	v->gpr[X86_RSI] = d;
	return x86_hypercall(v, 3, false);
}

static s64 result(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
	u64 rip = cpu[0]->rip;

	ck_assert_int_eq(call(nr, a, b, c, d), RUN_STAY);
	ck_assert_uint_eq(cpu[0]->rip, rip + 3);
	return cpu[0]->gpr[X86_RAX];
}

START_TEST(numbers)
{
	start();
	ck_assert_int_eq(result(77, 0, 0, 0, 0), -1000);
	ck_assert_int_eq(result(KVMX_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
	ck_assert_int_eq(result(1ull << 32 | KVMX_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), -1000);
	unit_state.seg[X86_SEG_SS].attr = 3 << X86_ATTR_DPL_SHIFT;
	cpu[0]->state_valid = 0;
	ck_assert_int_eq(result(KVMX_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), -1);
	unit_state.seg[X86_SEG_SS].attr = 0;
	unit_state.seg[X86_SEG_CS].attr = 0;
	cpu[0]->state_valid = 0;
	ck_assert_int_eq(result(1ull << 32 | 77, 0, 0, 0, 0), (u32)-1000);
	end_vm();
}
END_TEST

START_TEST(ipis)
{
	start();
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 5, BIT_ULL(63), 1, 0x41), 2);
	ck_assert_uint_eq(nr_sent, 3);
	ck_assert_uint_eq(sent[0], 1);
	ck_assert_uint_eq(sent[1], 3);
	ck_assert_uint_eq(sent[2], 128);
	ck_assert_uint_eq(last_msg.vector, 0x41);
	ck_assert_uint_eq(last_msg.mode, APIC_DELIVER_FIXED);
	nr_sent = 0;
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1, 0, 0, 0x400), 1);
	ck_assert_uint_eq(last_msg.mode, APIC_DELIVER_NMI);

	/* Ids that no APIC can have, also by wrapping around. */
	nr_sent = 0;
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, ~0ull, ~0ull, 1ull << 32, 0x41), 0);
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1, 0, ~0ull, 0x41), 0);
	ck_assert_uint_eq(nr_sent, 0);
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1, 0, 0, 0x841), -EINVAL);
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1, 0, 0, 0x80041), -EINVAL);
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1, 0, 0, 0x541), -EINVAL);
	ck_assert_uint_eq(nr_sent, 0);

	/* 32 bits each where a register has no more. */
	unit_state.seg[X86_SEG_CS].attr = 0;
	cpu[0]->state_valid = 0;
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1ull << 40 | 1, 1, 0, 0x41), 2);
	ck_assert_uint_eq(sent[1], 32);
	end_vm();
}
END_TEST

/* Outside of the window only; the guest's instruction is still to be done then. */
START_TEST(yielding)
{
	start();
	cpu[0]->gpr[X86_RAX] = KVMX_HC_SCHED_YIELD;
	ck_assert_int_eq(x86_hypercall(cpu[0], 3, true), RUN_SLOW);
	ck_assert_uint_eq(cpu[0]->rip, 0x1000);
	ck_assert_int_eq(result(KVMX_HC_SCHED_YIELD, 1, 0, 0, 0), 0);
	cpu[0]->pv_enforced = true;
	ck_assert_int_eq(result(KVMX_HC_SCHED_YIELD, 1, 0, 0, 0), -1000);
	end_vm();
}
END_TEST

START_TEST(kick)
{
	start();
	ck_assert_int_eq(result(KVMX_HC_KICK_CPU, 0, 1, 0, 0), 0);
	ck_assert(cpu[1]->pv_unhalted);
	ck_assert_uint_eq(woken, 1);
	ck_assert_int_eq(result(KVMX_HC_KICK_CPU, 0, 1ull << 32, 0, 0), 0);
	ck_assert_int_eq(result(KVMX_HC_KICK_CPU, 0, 9, 0, 0), 0);
	ck_assert(!cpu[0]->pv_unhalted);
	end_vm();
}
END_TEST

/* Without a local APIC, or held to a CPUID that has none of it. */
START_TEST(not_there)
{
	static struct kvmx_cpuid_entry2 offered[X86_CPUID_ENTRIES];
	const struct kvmx_cpuid_entry2 *e;

	start();
	cpu[0]->pv_enforced = true;
	ck_assert_int_eq(result(KVMX_HC_KICK_CPU, 0, 1, 0, 0), -1000);
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1, 0, 0, 0x41), -1000);
	offer_all(cpu[0], offered);
	ck_assert_int_eq(result(KVMX_HC_KICK_CPU, 0, 1, 0, 0), 0);
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1, 0, 0, 0x41), 1);
	e = x86_cpuid_find(cpu[0], KVMX_CPUID_FEATURES, 0);
	ck_assert(e->eax & BIT(KVMX_FEATURE_PV_SEND_IPI));
	ck_assert(e->eax & BIT(KVMX_FEATURE_PV_UNHALT));

	vm->disabled_exits = KVMX_X86_DISABLE_EXITS_HLT;
	offer_all(cpu[0], offered);
	e = x86_cpuid_find(cpu[0], KVMX_CPUID_FEATURES, 0);
	ck_assert(e->eax & BIT(KVMX_FEATURE_PV_SEND_IPI));
	ck_assert(!(e->eax & BIT(KVMX_FEATURE_PV_UNHALT)));
	cpu[0]->lapic = NULL;
	offer_all(cpu[0], offered);
	e = x86_cpuid_find(cpu[0], KVMX_CPUID_FEATURES, 0);
	ck_assert(!(e->eax & BIT(KVMX_FEATURE_PV_SEND_IPI)));
	ck_assert_int_eq(result(KVMX_HC_KICK_CPU, 0, 1, 0, 0), -1000);
	ck_assert_int_eq(result(KVMX_HC_SEND_IPI, 1, 0, 0, 0x41), -1000);
	end_vm();
}
END_TEST

START_TEST(served_by_user_space)
{
	struct kvmx_run *run;

	start();
	run = cpu[0]->vcpu.run;
	ck_assert_int_eq(result(KVMX_HC_MAP_GPA_RANGE, 0x1000, 1, 0, 0), -1000);
	vm->hypercall_exits = BIT(KVMX_HC_MAP_GPA_RANGE);
	ck_assert_int_eq(result(KVMX_HC_MAP_GPA_RANGE, 0x1001, 1, 0, 0), -EINVAL);
	ck_assert_int_eq(result(KVMX_HC_MAP_GPA_RANGE, 0x1000, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(result(KVMX_HC_MAP_GPA_RANGE, 0x1000, ~0ull, 0, 0), -EINVAL);
	ck_assert_int_eq(call(KVMX_HC_MAP_GPA_RANGE, 0x1000, 2, 0x10, 99), RUN_USER);
	ck_assert_uint_eq(run->exit_reason, KVMX_EXIT_HYPERCALL);
	ck_assert_uint_eq(run->hypercall.nr, KVMX_HC_MAP_GPA_RANGE);
	ck_assert_uint_eq(run->hypercall.args[0], 0x1000);
	ck_assert_uint_eq(run->hypercall.args[1], 2);
	ck_assert_uint_eq(run->hypercall.args[2], 0x10);
	ck_assert_uint_eq(run->hypercall.args[3], 0);
	ck_assert_uint_eq(run->hypercall.flags, KVMX_EXIT_HYPERCALL_LONG_MODE);
	run->hypercall.ret = 0x1234567812345678;
	ck_assert_int_eq(cpu[0]->io.complete(cpu[0]), 0);
	ck_assert_uint_eq(cpu[0]->gpr[X86_RAX], 0x1234567812345678);
	end_vm();
}
END_TEST

UNIT_MAIN("hypercall",
	  UNIT_CASE("hypercall", numbers, ipis, yielding, kick, not_there, served_by_user_space))
