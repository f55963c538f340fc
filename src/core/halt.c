// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a halted vCPU waits: it polls for a while that adapts to how long its
 * halts take, because a wake-up costs more than a short poll, and then sleeps.
 * Called by the run loop of the guest floor.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/srcu.h>

#include <kvmx/arch.h>

static unsigned int halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns, "longest time in ns that a halted vCPU polls before it sleeps");

static unsigned int halt_poll_ns_grow = 2;
module_param(halt_poll_ns_grow, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_grow, "factor by which the poll time grows");

static unsigned int halt_poll_ns_grow_start = 10000;
module_param(halt_poll_ns_grow_start, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_grow_start, "poll time in ns to begin with");

static unsigned int halt_poll_ns_shrink;
module_param(halt_poll_ns_shrink, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_shrink, "divisor by which the poll time shrinks; 0: to nothing");

static u64 longest_poll(struct kvmx_vcpu *vcpu)
{
	struct kvmx_vm *vm = vcpu->vm;

	if (vcpu->no_halt_poll)
		return 0;
	/* Pairs with the release in KVMX_ENABLE_CAP of KVMX_CAP_HALT_POLL. */
	if (smp_load_acquire(&vm->halt_poll_set))
		return READ_ONCE(vm->halt_poll_max_ns);
	return READ_ONCE(halt_poll_ns);
}

static bool must_wake(struct kvmx_vcpu *vcpu)
{
	return kvmx_arch_vcpu_runnable(vcpu) || test_bit(KVMX_REQ_UNBLOCK, &vcpu->requests) ||
	       test_bit(KVMX_REQ_VM_DEAD, &vcpu->requests) || signal_pending(current);
}

/* True when the reason to run came before the poll time was over. */
static bool poll_for_reason(struct kvmx_vcpu *vcpu, u64 start)
{
	u64 now = start;

	/* Whoever else wants this CPU may be the one who has the reason. */
	while (now - start < vcpu->halt_poll_ns && !need_resched() && single_task_running()) {
		if (must_wake(vcpu))
			return true;
		cpu_relax();
		now = ktime_get_ns();
	}
	return false;
}

static void wait_for_reason(struct kvmx_vcpu *vcpu) __must_hold(&vcpu->vm->memory.srcu)
{
	struct srcu_struct *srcu = &vcpu->vm->memory.srcu;

	srcu_read_unlock(srcu, vcpu->srcu_idx);
	WRITE_ONCE(vcpu->blocked, true);
	/* Looks for a reason after it can be found: kvmx_vcpu_wake() relies on it. */
	rcuwait_wait_event(&vcpu->wait, must_wake(vcpu), TASK_INTERRUPTIBLE);
	WRITE_ONCE(vcpu->blocked, false);
	vcpu->srcu_idx = srcu_read_lock(srcu);
}

/*
 * A halt that a longer poll would have caught makes the poll time grow; one
 * that no poll would have caught makes it shrink.
 */
static void adapt(struct kvmx_vcpu *vcpu, u64 waited, u64 longest)
{
	u64 poll_ns = vcpu->halt_poll_ns;

	if (waited > longest) {
		unsigned int divisor = READ_ONCE(halt_poll_ns_shrink);

		poll_ns = divisor ? div_u64(poll_ns, divisor) : 0;
		if (poll_ns < READ_ONCE(halt_poll_ns_grow_start))
			poll_ns = 0;
	} else if (waited > poll_ns) {
		poll_ns = max_t(u64, poll_ns * READ_ONCE(halt_poll_ns_grow),
				READ_ONCE(halt_poll_ns_grow_start));
	}
	vcpu->halt_poll_ns = min(poll_ns, longest);
}

void kvmx_vcpu_block(struct kvmx_vcpu *vcpu)
{
	u64 longest = longest_poll(vcpu);
	u64 start = ktime_get_ns();

	vcpu->halt_poll_ns = min(vcpu->halt_poll_ns, longest);
	if (poll_for_reason(vcpu, start)) {
		vcpu->stat[KVMX_STAT_HALT_POLLED]++;
	} else {
		vcpu->stat[KVMX_STAT_HALT_SLEPT]++;
		wait_for_reason(vcpu);
	}
	adapt(vcpu, ktime_get_ns() - start, longest);
	kvmx_vcpu_take(vcpu, KVMX_REQ_UNBLOCK);
}
