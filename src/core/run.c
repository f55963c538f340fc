// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVMX_RUN: what happens outside of the run window (src/README.md, "The run
 * loop"). Called by vcpu.c.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/srcu.h>

#include <kvmx/arch.h>
#include <kvmx/host.h>

static enum run_next serve(struct kvmx_vcpu *vcpu)
{
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_VM_DEAD))
		return run_fail(vcpu, -EIO);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_SLOTS))
		kvmx_memslots_let_go(vcpu);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_DIRTY_RING) && kvmx_dirty_ring_full(vcpu)) {
		/* Until the ring is reset there is no way back in. */
		kvmx_vcpu_request(vcpu, KVMX_REQ_DIRTY_RING);
		vcpu->run->exit_reason = KVMX_EXIT_DIRTY_RING_FULL;
		return RUN_USER;
	}
	return kvmx_arch_run_requests(vcpu);
}

static enum run_next interrupted(struct kvmx_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVMX_EXIT_INTR;
	return run_fail(vcpu, -EINTR);
}

static enum run_next loop(struct kvmx_vcpu *vcpu)
{
	enum run_next next = kvmx_arch_run_complete(vcpu);
	bool again = false;

	/* Leaves the reason of the exit that was completed: user space may not have looked yet. */
	if (next == RUN_STAY && READ_ONCE(vcpu->run->immediate_exit))
		next = run_fail(vcpu, -EINTR);
	while (next != RUN_USER && next != RUN_ERROR) {
		next = RUN_STAY;
		if (READ_ONCE(vcpu->requests))
			next = serve(vcpu);
		if (next != RUN_STAY)
			continue;
		/* The first time, the look before the entry is enough. */
		if (again) {
			if (kvmx_host_user_work_pending()) {
				next = interrupted(vcpu);
				continue;
			}
			cond_resched();
		}
		again = true;
		if (kvmx_arch_run_wait(vcpu))
			next = kvmx_arch_run_guest(vcpu);
	}
	return next;
}

int kvmx_run(struct kvmx_vcpu *vcpu)
{
	struct srcu_struct *srcu = &vcpu->vm->memory.srcu;
	enum run_next next;
	int err;

	err = kvmx_arch_run_begin(vcpu);
	if (err)
		return err;
	vcpu->srcu_idx = srcu_read_lock(srcu);
	next = loop(vcpu);
	srcu_read_unlock(srcu, vcpu->srcu_idx);
	kvmx_arch_run_end(vcpu);
	return next == RUN_ERROR ? vcpu->run_error : 0;
}
