// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page in which a guest finds for how long its vCPU waited for a CPU, and
 * whether it runs (MSR_KVM_STEAL_TIME in the kernel's "KVM-specific MSRs").
 * Others leave a TLB flush there for a vCPU that does not run. Called by the
 * run loop and the MSR table.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/kvmx_para.h>

#include <kvmx/host.h>

#include "steal.h"

#define PREEMPTED_AT	offsetof(struct kvmx_steal_time, preempted)

static u64 steal_gpa(struct x86_vcpu *v)
{
	return v->steal.msr & KVMX_STEAL_VALID_BITS;
}

int x86_steal_set_msr(struct x86_vcpu *v, u64 val)
{
	if (val & KVMX_STEAL_RESERVED_MASK)
		return -EINVAL;
	v->steal.msr = val;
	v->steal.preempted = false;
	v->steal.task = NULL;
	return 0;
}

/*
 * Window, preemption off: this vCPU's task is about to lose its CPU. A page
 * that is not there now says that it runs, and others send it an interrupt.
 */
void x86_steal_preempted(struct x86_vcpu *v)
{
	static const u8 preempted = KVMX_VCPU_PREEMPTED;

	if (!v->steal.preempted)
		v->steal.preempted = !kvmx_guest_write_atomic(v->vcpu.vm,
				steal_gpa(v) + PREEMPTED_AT, &preempted, sizeof(preempted));
}

/* The flags are taken and cleared in one go: from then on others interrupt it. */
static void runs_again(struct x86_vcpu *v)
{
	u64 gpa = steal_gpa(v) + PREEMPTED_AT, flags = KVMX_VCPU_PREEMPTED, seen;
	int ret;

	do {
		seen = flags;
		ret = kvmx_guest_cmpxchg(v->vcpu.vm, gpa, sizeof(u8), &flags, 0, false);
	} while (!ret && flags != seen);
	if (ret || (flags & KVMX_VCPU_FLUSH_TLB))
		x86_unit->flush_tlb(v);
	v->steal.preempted = false;
}

/* The version is odd while the rest changes. */
static void add_steal(struct x86_vcpu *v, u64 ns)
{
	struct kvmx_vm *vm = v->vcpu.vm;
	u64 gpa = steal_gpa(v), at = gpa + offsetof(struct kvmx_steal_time, version);
	struct kvmx_steal_time st;

	if (kvmx_guest_read(vm, gpa, &st, sizeof(st)))
		return;
	st.version = (st.version + 1) | 1;
	if (kvmx_guest_write(vm, at, &st.version, sizeof(st.version)))
		return;
	smp_wmb();
	st.steal += ns;
	if (kvmx_guest_write(vm, gpa, &st.steal, sizeof(st.steal)))
		return;
	smp_wmb();
	st.version++;
	kvmx_guest_write(vm, at, &st.version, sizeof(st.version));
}

/* Time is that of the task that runs the vCPU; with another one it starts anew. */
void x86_steal_update(struct x86_vcpu *v)
{
	u64 delay = kvmx_host_run_delay();

	if (v->steal.preempted)
		runs_again(v);
	if (v->steal.task != current) {
		v->steal.task = current;
		v->steal.last = delay;
		add_steal(v, 0);
	} else if (delay != v->steal.last) {
		add_steal(v, delay - v->steal.last);
		v->steal.last = delay;
	}
}
