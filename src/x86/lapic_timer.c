// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline (Intel SDM,
 * "APIC Timer"). It counts the VM's bus cycles, divided; one hrtimer stands for it and
 * only asks its vCPU (KVMX_REQ_TIMER) to call lapic_timer_expired(). A TSC deadline is
 * left to the unit instead, where it can leave the guest in time: the guest sets a new
 * one with each tick, and an hrtimer is dear to set. Between entries nobody waits for the
 * deadline but a vCPU that sleeps, which takes the hrtimer.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>

#include <kvmx/host.h>

#include "clock.h"
#include "lapic_regs.h"

/* Shorter periods than this would let a guest keep the host busy with interrupts. */
unsigned int x86_min_timer_period_us = 200;
module_param_named(min_timer_period_us, x86_min_timer_period_us, uint, 0644);
MODULE_PARM_DESC(min_timer_period_us, "shortest period of a guest's APIC timer and PIT, in us");

/* Longest wait for a deadline at one go, in TSC cycles: keeps the conversion in range. */
#define MAX_DEADLINE_STEP	(1ull << 40)

static u32 timer_mode(const struct lapic *lapic)
{
	return (lapic_reg(lapic, LAPIC_LVTT) >> 17) & 3;
}

/* Divide configuration bits 0, 1 and 3: 000 is 2, 001 is 4, ... 110 is 128, 111 is 1. */
static u64 ns_per_tick(const struct lapic *lapic)
{
	u32 tdcr = lapic_reg(lapic, LAPIC_TDCR);
	u64 ns = x86_vm_of(lapic->vcpu)->apic_bus_ns;

	return ns << ((((tdcr & 3) | ((tdcr & 8) >> 1)) + 1) & 7);
}

/* Of the initial count; 0 when that is 0. */
static u64 period_ns(const struct lapic *lapic)
{
	u64 ns = lapic_reg(lapic, LAPIC_TMICT) * ns_per_tick(lapic);
	u64 shortest = READ_ONCE(x86_min_timer_period_us) * 1000ull;

	if (ns && timer_mode(lapic) == LAPIC_TIMER_PERIODIC)
		ns = max3(ns, shortest, 1000ull);
	return ns;
}

/* In hard interrupt context on PREEMPT_RT, too. */
static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	struct lapic *lapic = container_of(timer, struct lapic, timer);
	struct kvmx_vcpu *vcpu = &lapic->vcpu->vcpu;

	kvmx_vcpu_request(vcpu, KVMX_REQ_TIMER);
	kvmx_vcpu_kick(vcpu);
	return HRTIMER_NORESTART;
}

void lapic_timer_init(struct lapic *lapic)
{
	kvmx_host_hrtimer_setup(&lapic->timer, timer_fn, CLOCK_MONOTONIC,
				HRTIMER_MODE_ABS_HARD);
}

static void leave_unit(struct lapic *lapic)
{
	if (!lapic->timer_in_unit)
		return;
	lapic->timer_in_unit = false;
	x86_unit->arm_deadline(lapic->vcpu, 0);
}

/* A callback that runs meanwhile is harmless: lapic_timer_expired() looks at the clock. */
void lapic_timer_stop(struct lapic *lapic)
{
	lapic->timer_armed = false;
	leave_unit(lapic);
	hrtimer_try_to_cancel(&lapic->timer);
	clear_bit(KVMX_REQ_TIMER, &lapic->vcpu->vcpu.requests);
}

static void start_at(struct lapic *lapic, u64 target)
{
	leave_unit(lapic);
	lapic->timer_target = target;
	lapic->timer_armed = true;
	hrtimer_start(&lapic->timer, ns_to_ktime(target), HRTIMER_MODE_ABS_HARD);
}

static void start_hrtimer(struct lapic *lapic, u64 delta)
{
	s64 ns = max_t(s64, x86_tsc_to_ns(lapic->vcpu, delta), 0) + 1;

	start_at(lapic, ktime_get_ns() + ns);
}

/* Not one that is scaled, nor one that differs from CPU to CPU. */
static bool start_in_unit(struct lapic *lapic, u64 guest_tsc, u64 delta)
{
	struct x86_vcpu *v = lapic->vcpu;
	u64 tsc = guest_tsc - v->tsc_offset + delta;

	if (!x86_unit->arm_deadline || v->tsc_ratio || x86_clock_unstable() ||
	    !x86_unit->arm_deadline(v, tsc ?: 1))
		return false;
	lapic->timer_in_unit = true;
	lapic->timer_armed = true;
	if (hrtimer_is_queued(&lapic->timer))
		hrtimer_try_to_cancel(&lapic->timer);
	return true;
}

/* To the deadline, or as far towards it as one step goes. It lies ahead. */
static void start_deadline(struct lapic *lapic, u64 guest_tsc)
{
	u64 delta = min_t(u64, lapic->deadline - guest_tsc, MAX_DEADLINE_STEP);

	if (!start_in_unit(lapic, guest_tsc, delta))
		start_hrtimer(lapic, delta);
}

void lapic_timer_halt(struct x86_vcpu *v)
{
	struct lapic *lapic = v->lapic;
	u64 now;

	if (!lapic || !lapic->timer_in_unit)
		return;
	now = x86_guest_tsc(v);
	start_hrtimer(lapic, now < lapic->deadline ?
			     min_t(u64, lapic->deadline - now, MAX_DEADLINE_STEP) : 0);
}

static void start(struct lapic *lapic)
{
	u64 ns = period_ns(lapic);

	if (ns)
		start_at(lapic, ktime_get_ns() + ns);
	else
		lapic_timer_stop(lapic);
}

/* Leaves the timer due: the vCPU looks at the clock before it runs guest code again. */
static void start_due(struct lapic *lapic)
{
	lapic->timer_target = ktime_get_ns();
	lapic->timer_armed = true;
	kvmx_vcpu_request(&lapic->vcpu->vcpu, KVMX_REQ_TIMER);
	kvmx_vcpu_kick(&lapic->vcpu->vcpu);
}

void lapic_timer_expired(struct x86_vcpu *v)
{
	struct lapic *lapic = v->lapic;
	u64 now, period;

	if (!lapic || !lapic->timer_armed)
		return;
	if (timer_mode(lapic) == LAPIC_TIMER_DEADLINE) {
		now = x86_guest_tsc(v);
		if (now < lapic->deadline) {
			start_deadline(lapic, now);
			return;
		}
		lapic_timer_stop(lapic);
		lapic->deadline = 0;
	} else {
		now = ktime_get_ns();
		if (now < lapic->timer_target) {
			start_at(lapic, lapic->timer_target);
			return;
		}
		period = period_ns(lapic);
		if (timer_mode(lapic) == LAPIC_TIMER_PERIODIC && period)
			/* Ticks that came and went while the vCPU did not run are one. */
			start_at(lapic, lapic->timer_target + period +
				 div64_u64(now - lapic->timer_target, period) * period);
		else
			lapic_timer_stop(lapic);
	}
	lapic_fire_lvt(v, LAPIC_LVTT);
}

/* The current count register: ticks that are left. */
u32 lapic_timer_count(struct lapic *lapic)
{
	u64 now = ktime_get_ns(), left, over, period;

	if (!lapic->timer_armed || timer_mode(lapic) == LAPIC_TIMER_DEADLINE)
		return 0;
	if (now < lapic->timer_target) {
		left = lapic->timer_target - now;
	} else if (timer_mode(lapic) == LAPIC_TIMER_PERIODIC) {
		period = period_ns(lapic);
		div64_u64_rem(now - lapic->timer_target, max_t(u64, period, 1), &over);
		left = period - over;
	} else {
		left = 0;
	}
	left = DIV64_U64_ROUND_UP(left, ns_per_tick(lapic));
	return min_t(u64, left, lapic_reg(lapic, LAPIC_TMICT));
}

static void write_lvtt(struct lapic *lapic, u32 val)
{
	u32 old = timer_mode(lapic);

	lapic_reg_set(lapic, LAPIC_LVTT, val);
	if (timer_mode(lapic) == old)
		return;
	/* "Transitioning between TSC-deadline mode and other timer modes also disarms the timer." */
	if (old >= LAPIC_TIMER_DEADLINE || timer_mode(lapic) >= LAPIC_TIMER_DEADLINE) {
		lapic_timer_stop(lapic);
		lapic->deadline = 0;
		lapic_reg_set(lapic, LAPIC_TMICT, 0);
	}
}

/* The count goes on from where it is, at another speed. */
static void write_tdcr(struct lapic *lapic, u32 val)
{
	u64 count = lapic_timer_count(lapic);
	bool running = lapic->timer_armed && timer_mode(lapic) != LAPIC_TIMER_DEADLINE;

	lapic_reg_set(lapic, LAPIC_TDCR, val);
	if (running)
		start_at(lapic, ktime_get_ns() + count * ns_per_tick(lapic));
}

void lapic_timer_write(struct lapic *lapic, u32 offset, u32 val)
{
	switch (offset) {
	case LAPIC_LVTT:
		write_lvtt(lapic, val);
		break;
	case LAPIC_TDCR:
		write_tdcr(lapic, val);
		break;
	case LAPIC_TMICT:
		/* "In TSC-deadline mode, writes to the initial-count register are ignored." */
		if (timer_mode(lapic) >= LAPIC_TIMER_DEADLINE)
			break;
		lapic_reg_set(lapic, LAPIC_TMICT, val);
		start(lapic);
		break;
	}
}

u64 lapic_get_deadline(struct x86_vcpu *v)
{
	if (!v->lapic || timer_mode(v->lapic) != LAPIC_TIMER_DEADLINE)
		return 0;
	return v->lapic->deadline;
}

int lapic_set_deadline(struct x86_vcpu *v, u64 val)
{
	struct lapic *lapic = v->lapic;
	u64 now;

	if (!lapic || timer_mode(lapic) != LAPIC_TIMER_DEADLINE)
		return 0;
	lapic->deadline = val;
	if (!val) {
		lapic_timer_stop(lapic);
		return 0;
	}
	now = x86_guest_tsc(v);
	if (now < val) {
		start_deadline(lapic, now);
	} else {
		lapic->timer_armed = true;
		lapic_timer_expired(v);
	}
	return 0;
}

/*
 * The TSC may be put back later than this: whether the deadline has passed is
 * looked at when the vCPU is about to run, not here.
 */
void lapic_restore_deadline(struct x86_vcpu *v, u64 val)
{
	struct lapic *lapic = v->lapic;

	if (!lapic)
		return;
	lapic->deadline = val;
	if (timer_mode(lapic) != LAPIC_TIMER_DEADLINE)
		return;
	if (val)
		start_due(lapic);
	else
		lapic_timer_stop(lapic);
}

void lapic_tsc_changed(struct x86_vcpu *v)
{
	if (lapic_get_deadline(v))
		start_due(v->lapic);
}

/* How the timer stands, for the saved state. A deadline is saved as the MSR that it is. */
u32 lapic_timer_saved(struct lapic *lapic)
{
	if (!lapic->timer_armed || timer_mode(lapic) == LAPIC_TIMER_DEADLINE)
		return LAPIC_SAVED_IDLE;
	return ktime_get_ns() < lapic->timer_target ? LAPIC_SAVED_RUNNING : LAPIC_SAVED_DUE;
}

void lapic_timer_restore(struct lapic *lapic, u32 saved, u32 count)
{
	u64 left = count * ns_per_tick(lapic), period = period_ns(lapic);
	u32 mode = timer_mode(lapic);

	lapic_timer_stop(lapic);
	if (mode == LAPIC_TIMER_DEADLINE) {
		if (lapic->deadline)
			start_due(lapic);
		return;
	}
	if (mode > LAPIC_TIMER_DEADLINE || !period || saved == LAPIC_SAVED_IDLE)
		return;
	/*
	 * Saved by somebody who does not say: an initial count and nothing left
	 * of it may be an interrupt that is still owed. One too many does no harm.
	 */
	if (saved != LAPIC_SAVED_RUNNING && saved != LAPIC_SAVED_DUE)
		saved = count || mode == LAPIC_TIMER_PERIODIC ? LAPIC_SAVED_RUNNING :
								LAPIC_SAVED_DUE;
	if (saved == LAPIC_SAVED_DUE) {
		start_due(lapic);
		if (mode == LAPIC_TIMER_PERIODIC)
			lapic->timer_target -= period - min(left, period);
	} else {
		start_at(lapic, ktime_get_ns() + (left ? min(left, period) : period));
	}
}
