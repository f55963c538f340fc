// SPDX-License-Identifier: GPL-2.0-only
/*
 * An x86 vCPU's parts of the run loop (kvmx/run.h): requests and waits outside
 * of the run window, entries and fast exits inside of it. Called by the door.
 */
#include <linux/kernel.h>
#include <linux/irqflags.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <asm/debugreg.h>
#include <kvmx/arch.h>
#include <kvmx/host.h>

#include "run.h"
#include "clock.h"
#include "fpu.h"
#include "irqchip.h"
#include "lapic.h"
#include "msr.h"
#include "pic.h"
#include "pv_eoi.h"
#include "steal.h"
#include "trace.h"
#include "vapic.h"

static void x86_window_open(struct x86_vcpu *v)
{
	preempt_disable();
	v->vcpu.cpu = smp_processor_id();
	v->vcpu.stat[KVMX_STAT_WINDOWS]++;
	kvmx_host_fpu_begin();
	x86_fpu_load(v);
	x86_msr_load(v);
	x86_debug_open(v);
	x86_unit->window_open(v);
	if (v->last_cpu != v->vcpu.cpu) {
		v->last_cpu = v->vcpu.cpu;
		if (x86_clock_unstable())
			kvmx_vcpu_request(&v->vcpu, KVMX_REQ_CLOCK);
	}
	/* Ticks that come while the guest runs count as guest time. */
	current->flags |= PF_VCPU;
}

static void x86_window_close(struct x86_vcpu *v)
{
	current->flags &= ~PF_VCPU;
	x86_unit->window_close(v);
	x86_debug_close(v);
	x86_msr_save(v);
	x86_fpu_save(v);
	kvmx_host_fpu_end();
	v->vcpu.cpu = -1;
	if (unlikely(need_resched()) && x86_steal_enabled(v))
		x86_steal_preempted(v);
	preempt_enable();
}

/* Requests that are served in the window; true when others remain. */
static bool x86_window_requests(struct x86_vcpu *v)
{
	struct kvmx_vcpu *vcpu = &v->vcpu;

	/* Whether another interrupt may go in depends on the last one's end. */
	if (unlikely(v->pv_eoi.offered) &&
	    (IS_ENABLED(CONFIG_PREEMPT_RT) || !x86_pv_eoi_collect(v, true)))
		return true;
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_TLB_FLUSH))
		x86_unit->flush_tlb(v);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_TIMER) && v->lapic)
		lapic_timer_expired(v);
	kvmx_vcpu_take(vcpu, KVMX_REQ_UNBLOCK);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_EVENT) &&
	    (READ_ONCE(v->ev.init_pending) || READ_ONCE(v->ev.sipi_vector) >= 0)) {
		kvmx_vcpu_request(vcpu, KVMX_REQ_EVENT);
		return true;
	}
	return READ_ONCE(vcpu->requests);
}

/* No CR8 is equal to it: there is something to be done behind the entry, whatever CR8 is. */
#define X86_TPR_NONE	0xff

/*
 * One entry. Interrupts go off, the vCPU says that it is in the guest, and
 * only then are requests and signals looked at for the last time: whoever
 * makes one later sends an interrupt, which ends the guest at once. False when
 * the guest was not entered.
 */
static bool x86_enter(struct x86_vcpu *v)
{
	struct kvmx_vcpu *vcpu = &v->vcpu;
	bool debug;
	u8 tpr;

	local_irq_disable();
	smp_store_mb(vcpu->mode, KVMX_IN_GUEST);
	if (READ_ONCE(vcpu->requests) || kvmx_host_must_leave() || !kvmx_unit_ready()) {
		smp_store_mb(vcpu->mode, KVMX_OUTSIDE);
		local_irq_enable();
		return false;
	}

	if (!x86_events_none(v)) {
		if (x86_unit_caps.virtual_apic && v->lapic)
			lapic_unit_choose(v);
		x86_events_inject(v);
	}
	if (v->lapic)
		v->cr8 = lapic_get_tpr(v);
	tpr = v->cr8;
	if (unlikely(x86_unit_caps.virtual_apic) && v->lapic && lapic_unit_enter(v))
		tpr = X86_TPR_NONE;

	debug = v->dr_live || v->guest_debug || hw_breakpoint_active();
	if (unlikely(debug)) {
		x86_debug_swap_in(v);
		if (v->guest_debug)
			x86_guest_debug_enter(v);
	}

	trace_kvmx_entry(v);
	x86_unit->enter(v, &v->exit);
	if (unlikely(v->nr_written)) {
		/* Whoever has seen the vCPU outside of the guest relies on it. */
		kvmx_mark_written(vcpu, v->written, v->nr_written);
		v->nr_written = 0;
	}

	if (unlikely(debug)) {
		if (v->guest_debug)
			x86_guest_debug_leave(v);
		x86_debug_swap_out(v);
	}
	trace_kvmx_exit(v);
	vcpu->stat[KVMX_STAT_EXITS]++;
	smp_store_mb(vcpu->mode, KVMX_OUTSIDE);
	/* While the guest ran this CPU was in no RCU reader, whatever the preempt count says. */
	if (v->exit.kind == X86_EXIT_HOST)
		kvmx_host_rcu_quiescent();
	local_irq_enable();

	if (unlikely(v->cr8 != tpr)) {
		if (v->apic_virtual)
			lapic_unit_leave(v);
		else if (v->lapic)
			lapic_set_tpr(v, v->cr8);
		else if (v->cr8 < tpr)
			kvmx_vcpu_request(vcpu, KVMX_REQ_SET_TPR);
	}
	x86_events_requeue(v);
	return true;
}

static enum run_next x86_run_window(struct x86_vcpu *v)
{
	enum run_next next = RUN_STAY;
	bool down;

	x86_window_open(v);
	while (next == RUN_STAY) {
		if (READ_ONCE(v->vcpu.requests) && (x86_window_requests(v) || v->vapic.addr))
			next = RUN_LEAVE;
		else if (x86_enter(v))
			next = x86_exit_fast(v);
		else if (kvmx_host_must_leave() || !kvmx_unit_ready())
			next = RUN_LEAVE;
		/* Its page in guest memory is read and written outside of the window. */
		if (unlikely(v->vapic.addr) && next == RUN_STAY)
			next = RUN_LEAVE;
	}
	/* This CPU, or the machine, goes down: another CPU takes over, or the VM is killed. */
	down = next == RUN_LEAVE && !kvmx_unit_ready();
	x86_window_close(v);
	if (unlikely(down))
		schedule_timeout_interruptible(1);
	return next;
}

enum run_next kvmx_arch_run_requests(struct kvmx_vcpu *vcpu)
{
	struct x86_vcpu *v = to_x86(vcpu);
	int vector;

	if (kvmx_vcpu_take(vcpu, KVMX_REQ_TRIPLE_FAULT)) {
		vcpu->run->exit_reason = KVMX_EXIT_SHUTDOWN;
		v->ev.exception.type = X86_EVENT_NONE;
		return RUN_USER;
	}
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_STEPPED))
		return x86_guest_debug_stepped(v);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_MSR_FILTER))
		x86_msr_filter_apply(v);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_CLOCK))
		x86_clock_update(v);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_PDPTES))
		x86_pdptes_load(v);
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_SET_TPR)) {
		vcpu->run->exit_reason = KVMX_EXIT_SET_TPR;
		return RUN_USER;
	}
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_TPR_ACCESS)) {
		x86_vapic_tell(v);
		return RUN_USER;
	}
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_PIC))
		pic_settle(x86_vm_of(v));
	if (kvmx_vcpu_take(vcpu, KVMX_REQ_IOAPIC_SCAN) && v->lapic) {
		vector = lapic_take_eoi_exit(v);
		if (vector >= 0) {
			vcpu->run->exit_reason = KVMX_EXIT_IOAPIC_EOI;
			vcpu->run->eoi.vector = vector;
			return RUN_USER;
		}
	}
	x86_window_requests(v);
	x86_events_async(v);
	return RUN_STAY;
}

bool kvmx_arch_vcpu_runnable(struct kvmx_vcpu *vcpu)
{
	struct x86_vcpu *v = to_x86(vcpu);

	if (READ_ONCE(vcpu->requests) & ~BIT(KVMX_REQ_TLB_FLUSH))
		return true;
	if (READ_ONCE(v->ev.init_pending))
		return true;
	switch (READ_ONCE(v->mp_state)) {
	case X86_MP_RUNNABLE:
		return true;
	case X86_MP_INIT_RECEIVED:
		return READ_ONCE(v->ev.sipi_vector) >= 0;
	case X86_MP_HALTED:
		if (READ_ONCE(v->pv_unhalted))
			return true;
		if (v->ev.exception.type != X86_EVENT_NONE)
			return true;
		if (READ_ONCE(v->ev.nmi_pending) && !v->nmi_masked)
			return true;
		return x86_interrupt_open(v) && x86_interrupt_pending(v) >= 0;
	}
	return false;
}

bool kvmx_arch_run_wait(struct kvmx_vcpu *vcpu)
{
	struct x86_vcpu *v = to_x86(vcpu);

	if (v->mp_state == X86_MP_RUNNABLE)
		return true;
	lapic_timer_halt(v);
	trace_kvmx_halt(v);
	kvmx_vcpu_block(&v->vcpu);
	trace_kvmx_wake(v);
	if (v->mp_state == X86_MP_HALTED && kvmx_arch_vcpu_runnable(&v->vcpu) &&
	    !READ_ONCE(v->vcpu.requests)) {
		WRITE_ONCE(v->pv_unhalted, false);
		v->mp_state = X86_MP_RUNNABLE;
	}
	return v->mp_state == X86_MP_RUNNABLE;
}

enum run_next kvmx_arch_run_complete(struct kvmx_vcpu *vcpu)
{
	struct x86_vcpu *v = to_x86(vcpu);
	int (*complete)(struct x86_vcpu *v) = v->io.complete;
	int ret;

	if (!complete)
		return RUN_STAY;
	v->io.complete = NULL;
	ret = complete(v);
	if (ret < 0)
		return run_fail(vcpu, ret);
	return ret ? RUN_USER : RUN_STAY;
}

enum run_next kvmx_arch_run_guest(struct kvmx_vcpu *vcpu)
{
	struct x86_vcpu *v = to_x86(vcpu);
	enum run_next next;

	if (unlikely(v->vapic.addr))
		x86_vapic_publish(v);
	if (x86_steal_enabled(v))
		x86_steal_update(v);
	if (unlikely(v->guest_debug)) {
		next = x86_guest_debug_step(v);
		if (next != RUN_STAY)
			return next;
	}
	next = x86_run_window(v);
	if (unlikely(v->pv_eoi.offered))
		x86_pv_eoi_collect(v, false);
	if (unlikely(v->vapic.addr))
		x86_vapic_collect(v);
	return next == RUN_SLOW ? x86_exit_slow(v) : next;
}

int kvmx_arch_run_begin(struct kvmx_vcpu *vcpu)
{
	struct x86_vcpu *v = to_x86(vcpu);
	int err = x86_run_page_in(v);

	if (!err)
		v->ran = true;
	return err;
}

void kvmx_arch_run_end(struct kvmx_vcpu *vcpu)
{
	x86_run_page_out(to_x86(vcpu));
}
