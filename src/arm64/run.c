// SPDX-License-Identifier: GPL-2.0-only
/*
 * An arm64 vCPU's parts of the run loop (kvmx/run.h): requests and waits outside
 * of the run window, entries and fast exits inside of it. Called by the door.
 */
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <kvmx/arch.h>
#include <kvmx/host.h>

#include "enter.h"
#include "timer.h"
#include "vgic.h"

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

static enum run_next run_window(struct arm64_vcpu *v)
{
	enum run_next next = RUN_STAY;
	bool down;

	window_open(v);
	while (next == RUN_STAY) {
		if (READ_ONCE(v->vcpu.requests) && window_requests(v))
			next = RUN_LEAVE;
		else if (enter(v))
			next = arm64_exit_fast(v);
		else if (kvmx_host_must_leave() || !kvmx_unit_ready() ||
			 !arm64_vmid_valid(arm64_vm_of(v)))
			next = RUN_LEAVE;
	}
	/* This CPU, or the machine, goes down: another CPU takes over, or the VM is killed. */
	down = next == RUN_LEAVE && !kvmx_unit_ready();
	window_close(v);
	if (unlikely(down))
		schedule_timeout_interruptible(1);
	return next;
}

enum run_next kvmx_arch_run_requests(struct kvmx_vcpu *vcpu)
{
	struct arm64_vcpu *v = to_arm64(vcpu);

	if (kvmx_vcpu_take(vcpu, KVMX_REQ_POWER))
		arm64_psci_start(v);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_ITS))
		vgic_its_work(v);
	window_requests(v);
	return RUN_STAY;
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

bool kvmx_arch_run_wait(struct kvmx_vcpu *vcpu)
{
	struct arm64_vcpu *v = to_arm64(vcpu);

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

enum run_next kvmx_arch_run_complete(struct kvmx_vcpu *vcpu)
{
	return arm64_mmio_complete(to_arm64(vcpu));
}

enum run_next kvmx_arch_run_guest(struct kvmx_vcpu *vcpu)
{
	struct arm64_vcpu *v = to_arm64(vcpu);
	enum run_next next = run_window(v);

	return next == RUN_SLOW ? arm64_exit_slow(v) : next;
}

int kvmx_arch_run_begin(struct kvmx_vcpu *vcpu)
{
	struct arm64_vcpu *v = to_arm64(vcpu);

	if (!v->initialized)
		return -ENOEXEC;
	/* A controller without addresses. */
	if (!vgic_can_run(v))
		return -ENXIO;
	vcpu->run->flags = 0;
	return 0;
}

void kvmx_arch_run_end(struct kvmx_vcpu *vcpu)
{
}
