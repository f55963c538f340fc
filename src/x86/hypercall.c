// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's hypercalls ("Linux KVM Hypercall" in the kernel's documentation):
 * number in RAX, arguments in RBX, RCX, RDX and RSI. Called by the exit table.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/kvmx_para.h>

#include "cpuid.h"
#include "lapic.h"
#include "run.h"

/* The vCPU leaves its HLT, or does not stay in its next one. */
static s64 kick_cpu(struct x86_vcpu *v, u64 id)
{
	struct kvmx_vcpu *vcpu;

	if (!v->lapic || !x86_pv_has(v, X86F_KVM_PV_UNHALT))
		return -KVMX_ENOSYS;
	vcpu = id == (u32)id ? kvmx_vm_vcpu_by_id(v->vcpu.vm, id) : NULL;
	if (vcpu) {
		WRITE_ONCE(to_x86(vcpu)->pv_unhalted, true);
		kvmx_vcpu_wake(vcpu);
	}
	return 0;
}

/* For the vCPU that waits for a CPU, which is as good as any that do. */
static s64 sched_yield_to(struct x86_vcpu *v)
{
	if (!x86_pv_has(v, X86F_KVM_PV_SCHED_YIELD))
		return -KVMX_ENOSYS;
	yield();
	return 0;
}

/* @low and @high: bits of the APICs from @first on. How many took the interrupt. */
static s64 send_ipi(struct x86_vcpu *v, u64 low, u64 high, u64 first, u64 icr, bool wide)
{
	struct apic_msg msg = { .vector = icr, .mode = (icr >> 8) & 7, .assert = true };
	unsigned int bits = wide ? 64 : 32, i;
	s64 taken = 0;

	if (!v->lapic || !x86_pv_has(v, X86F_KVM_PV_SEND_IPI))
		return -KVMX_ENOSYS;
	/* Physical destinations and no shorthand: the bits name them all. */
	if ((icr & (BIT(11) | GENMASK(19, 18))) ||
	    (msg.mode != APIC_DELIVER_FIXED && msg.mode != APIC_DELIVER_NMI))
		return -EINVAL;
	for (i = 0; i < 2 * bits; i++) {
		u64 map = i < bits ? low : high, id = first + i;

		if ((map & BIT_ULL(i % bits)) && id < KVMX_MAX_VCPU_ID)
			taken += apic_deliver_to_id(x86_vm_of(v), id, &msg);
	}
	return taken;
}

static int user_complete(struct x86_vcpu *v)
{
	u64 ret = READ_ONCE(v->vcpu.run->hypercall.ret);

	if (x86_user_moved(v))
		return 0;
	v->gpr[X86_RAX] = x86_is_64bit(v) ? ret : (u32)ret;
	x86_skip(v, v->io.insn_len);
	return 0;
}

/* Memory's attributes are user space's: 0 when it was asked, or the guest's error. */
static s64 map_gpa_range(struct x86_vcpu *v, const u64 *arg, u8 insn_len)
{
	struct kvmx_run *run = v->vcpu.run;
	u64 first = arg[0] >> PAGE_SHIFT;

	if (!(READ_ONCE(x86_vm_of(v)->hypercall_exits) & BIT(KVMX_HC_MAP_GPA_RANGE)) ||
	    !x86_pv_has(v, X86F_KVM_HC_MAP_GPA_RANGE))
		return -KVMX_ENOSYS;
	if (offset_in_page(arg[0]) || !arg[1] || first + arg[1] <= first)
		return -EINVAL;
	memset(&run->hypercall, 0, sizeof(run->hypercall));
	run->exit_reason = KVMX_EXIT_HYPERCALL;
	run->hypercall.nr = KVMX_HC_MAP_GPA_RANGE;
	memcpy(run->hypercall.args, arg, 3 * sizeof(*arg));
	run->hypercall.flags = x86_is_64bit(v) ? KVMX_EXIT_HYPERCALL_LONG_MODE : 0;
	x86_ask_user(v, insn_len, sizeof(run->hypercall.ret), user_complete);
	return 0;
}

static enum run_next hypercall_done(struct x86_vcpu *v, bool wide, s64 ret, u8 insn_len)
{
	v->gpr[X86_RAX] = wide ? ret : (u32)ret;
	x86_skip(v, insn_len);
	return RUN_STAY;
}

/* The calls that have arguments: apart, so that the others need no room for them. */
static noinline enum run_next hypercall_arguments(struct x86_vcpu *v, u64 nr, bool wide,
						  u8 insn_len)
{
	u64 arg[4] = { v->gpr[X86_RBX], v->gpr[X86_RCX], v->gpr[X86_RDX], v->gpr[X86_RSI] };
	unsigned int i;
	s64 ret;

	for (i = 0; !wide && i < ARRAY_SIZE(arg); i++)
		arg[i] = (u32)arg[i];
	switch (nr) {
	case KVMX_HC_KICK_CPU:
		ret = kick_cpu(v, arg[1]);
		break;
	case KVMX_HC_SEND_IPI:
		ret = send_ipi(v, arg[0], arg[1], arg[2], arg[3], wide);
		break;
	default:
		ret = map_gpa_range(v, arg, insn_len);
		if (!ret)
			return RUN_USER;
		break;
	}
	return hypercall_done(v, wide, ret, insn_len);
}

enum run_next x86_hypercall(struct x86_vcpu *v, u8 insn_len, bool atomic)
{
	const struct x86_state *s = x86_mode(v);
	bool wide = (s->efer & X86_EFER_LMA) && (s->seg[X86_SEG_CS].attr & X86_ATTR_L);
	u64 nr = wide ? v->gpr[X86_RAX] : (u32)v->gpr[X86_RAX];
	s64 ret = -KVMX_ENOSYS;

	if (X86_ATTR_DPL(s->seg[X86_SEG_SS].attr))
		return hypercall_done(v, wide, -EPERM, insn_len);
	switch (nr) {
	case KVMX_HC_VAPIC_POLL_IRQ:	/* the exit was all that was wanted */
		ret = 0;
		break;
	case KVMX_HC_SCHED_YIELD:
		if (atomic)
			return RUN_SLOW;
		ret = sched_yield_to(v);
		break;
	case KVMX_HC_KICK_CPU:
	case KVMX_HC_SEND_IPI:
	case KVMX_HC_MAP_GPA_RANGE:
		return hypercall_arguments(v, nr, wide, insn_len);
	}
	return hypercall_done(v, wide, ret, insn_len);
}
