// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVMX_RUN: requests and waits outside of the window, entries and fast exits
 * inside of it (src/README.md, "The run loop"). Called by the door.
 */
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/srcu.h>
#include <kvmx/arch.h>
#include <kvmx/host.h>

#include "enter.h"
#include "timer.h"
#include "vgic.h"

enum arm64_next arm64_fail(struct arm64_vcpu *v, int error)
{
	v->run_error = error;
	return A64_ERROR;
}

static void window_open(struct arm64_vcpu *v)
{
	preempt_disable();
	v->vcpu.cpu = smp_processor_id();
	v->vcpu.stat[KVMX_STAT_WINDOWS]++;
	kvmx_host_fpu_begin();
	arm64_world_load(v);
	/* Ticks that come while the guest runs count as guest time. */
	current->flags |= PF_VCPU;
}

static void window_close(struct arm64_vcpu *v)
{
	current->flags &= ~PF_VCPU;
	arm64_world_save(v);
	kvmx_host_fpu_end();
	v->vcpu.cpu = -1;
	preempt_enable();
}

/* Requests that are served in the window; true when others remain. */
static bool window_requests(struct arm64_vcpu *v)
{
	struct kvmx_vcpu *vcpu = &v->vcpu;

	if (kvmx_vcpu_take(vcpu, KVMX_REQ_TLB_FLUSH))
		v->flush = true;
	kvmx_vcpu_take(vcpu, KVMX_REQ_UNBLOCK);
	kvmx_vcpu_take(vcpu, KVMX_REQ_EVENT);
	return READ_ONCE(vcpu->requests);
}

/*
 * One entry; false when the guest was not entered. Interrupts go off, the vCPU
 * says that it is in the guest, and only then are requests looked at for the
 * last time: whoever makes one later sends an interrupt, which ends the guest.
 */
static bool enter(struct arm64_vcpu *v)
{
	struct kvmx_vcpu *vcpu = &v->vcpu;

	local_irq_disable();
	timer_look(v);
	smp_store_mb(vcpu->mode, KVMX_IN_GUEST);
	if (READ_ONCE(vcpu->requests) || kvmx_host_must_leave() || !kvmx_unit_ready() ||
	    !arm64_vmid_valid(arm64_vm_of(v))) {
		smp_store_mb(vcpu->mode, KVMX_OUTSIDE);
		local_irq_enable();
		return false;
	}
	arm64_world_run(v);
	vcpu->stat[KVMX_STAT_EXITS]++;
	smp_store_mb(vcpu->mode, KVMX_OUTSIDE);
	/* While the guest ran this CPU was in no RCU reader, whatever the preempt count says. */
	if (v->exit.vector != A64_EXIT_SYNC)
		kvmx_host_rcu_quiescent();
	local_irq_enable();
	return true;
}

static enum arm64_next run_window(struct arm64_vcpu *v)
{
	enum arm64_next next = A64_STAY;
	bool down;

	window_open(v);
	while (next == A64_STAY) {
		if (READ_ONCE(v->vcpu.requests) && window_requests(v))
			next = A64_LEAVE;
		else if (enter(v))
			next = arm64_exit_fast(v);
		else if (kvmx_host_must_leave() || !kvmx_unit_ready() ||
			 !arm64_vmid_valid(arm64_vm_of(v)))
			next = A64_LEAVE;
	}
	/* This CPU, or the machine, goes down: another CPU takes over, or the VM is killed. */
	down = next == A64_LEAVE && !kvmx_unit_ready();
	window_close(v);
	if (unlikely(down))
		schedule_timeout_interruptible(1);
	return next;
}

/* Requests that need the window closed. A64_STAY: go on. */
static enum arm64_next requests(struct arm64_vcpu *v)
{
	struct kvmx_vcpu *vcpu = &v->vcpu;

	if (kvmx_vcpu_take(vcpu, KVMX_REQ_VM_DEAD))
		return arm64_fail(v, -EIO);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_SLOTS))
		kvmx_memslots_let_go(vcpu);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_DIRTY_RING) && kvmx_dirty_ring_full(vcpu)) {
		/* Until the ring is reset there is no way back in. */
		kvmx_vcpu_request(vcpu, KVMX_REQ_DIRTY_RING);
		vcpu->run->exit_reason = KVMX_EXIT_DIRTY_RING_FULL;
		return A64_USER;
	}
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_POWER))
		arm64_psci_start(v);
	window_requests(v);
	return A64_STAY;
}

bool kvmx_arch_vcpu_runnable(struct kvmx_vcpu *vcpu)
{
	struct arm64_vcpu *v = to_arm64(vcpu);

	if (READ_ONCE(vcpu->requests) & ~BIT(KVMX_REQ_TLB_FLUSH))
		return true;
	if (READ_ONCE(v->power) != A64_ON)
		return false;
	return !v->wfi || v->serror || vgic_wakes(v);
}

/* True when the guest may run; false when a request or a signal has to be looked at first. */
static bool wait_runnable(struct arm64_vcpu *v)
{
	if (v->power == A64_ON && !v->wfi)
		return true;
	v->vcpu.stat[KVMX_STAT_HALTS]++;
	timer_block(v);
	kvmx_vcpu_block(&v->vcpu);
	timer_unblock(v);
	if (READ_ONCE(v->power) != A64_ON)
		return false;
	/* A WFI may end for no reason; it must not before a request was served. */
	if (kvmx_arch_vcpu_runnable(&v->vcpu))
		v->wfi = false;
	return !v->wfi;
}

static enum arm64_next signal(struct arm64_vcpu *v)
{
	v->vcpu.run->exit_reason = KVMX_EXIT_INTR;
	return arm64_fail(v, -EINTR);
}

static enum arm64_next loop(struct arm64_vcpu *v)
{
	enum arm64_next next = A64_STAY;
	bool again = false;

	arm64_mmio_complete(v);
	/* Leaves the reason of the exit that was completed: user space may not have looked yet. */
	if (READ_ONCE(v->vcpu.run->immediate_exit))
		next = arm64_fail(v, -EINTR);
	while (next != A64_USER && next != A64_ERROR) {
		next = A64_STAY;
		if (READ_ONCE(v->vcpu.requests))
			next = requests(v);
		if (next != A64_STAY)
			continue;
		/* The first time, the look before the entry is enough. */
		if (again) {
			if (kvmx_host_user_work_pending()) {
				next = signal(v);
				continue;
			}
			cond_resched();
		}
		again = true;
		if (!wait_runnable(v))
			continue;
		next = run_window(v);
		if (next == A64_SLOW)
			next = arm64_exit_slow(v);
	}
	return next;
}

int kvmx_arch_vcpu_run(struct kvmx_vcpu *vcpu)
{
	struct arm64_vcpu *v = to_arm64(vcpu);
	enum arm64_next next;

	if (!v->initialized)
		return -ENOEXEC;
	/* A controller without addresses. */
	if (arm64_vm_of(v)->gic && !vgic_ready(v))
		return -ENXIO;
	vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->memory.srcu);
	next = loop(v);
	srcu_read_unlock(&vcpu->vm->memory.srcu, vcpu->srcu_idx);
	return next == A64_ERROR ? v->run_error : 0;
}
