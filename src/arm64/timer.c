// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic timers (Arm ARM, "The Generic Timer"). The virtual one runs in
 * the CPU while the guest does, and its interrupt ends the guest; a waiting
 * vCPU is woken by a timer of the host. The physical one is emulated: its
 * registers trap. Called by the run loop, the switch and trapped accesses.
 */
#include <linux/kernel.h>
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <asm/barrier.h>
#include <asm/sysreg.h>
#include <kvmx/host.h>

#include "ppi.h"
#include "timer.h"
#include "vgic.h"

/* Where the timers' interrupts are, by the recommendation that all systems follow. */
#define VTIMER_INTID	27
#define PTIMER_INTID	30

#define LONGEST_WAIT	3600		/* seconds; then it is looked at again */

u64 timer_counter(void)
{
	isb();
	return read_sysreg(cntvct_el0);
}

static u64 virtual_counter(struct arm64_vcpu *v)
{
	return timer_counter() - READ_ONCE(arm64_vm_of(v)->counter_offset);
}

static bool expired(u64 ctl, u64 cval, u64 now)
{
	return (ctl & TIMER_CTL_ENABLE) && cval <= now;
}

static bool level(u64 ctl, u64 cval, u64 now)
{
	return !(ctl & TIMER_CTL_IMASK) && expired(ctl, cval, now);
}

static ktime_t until(u64 cval, u64 now)
{
	u64 hz = read_sysreg(cntfrq_el0);
	u64 ticks = min_t(u64, cval > now ? cval - now : 0, LONGEST_WAIT * hz);

	/* Not before the counter has come there. */
	return ns_to_ktime(mul_u64_u32_div(ticks, NSEC_PER_SEC, hz) + 1);
}

/* ---- the virtual timer ---- */

static void vtimer_line(struct arm64_vcpu *v, bool high)
{
	if (!v->vtimer_level && !high)
		return;
	v->vtimer_level = high;
	vgic_set_line(arm64_vm_of(v), v, VTIMER_INTID, KVMX_IRQ_SOURCE_USER, high);
}

void timer_look(struct arm64_vcpu *v)
{
	bool high = (v->vtimer.ctl & TIMER_CTL_ENABLE) &&
		    level(v->vtimer.ctl, v->vtimer.cval, virtual_counter(v));

	vtimer_line(v, high);
}

/* An interrupt that the guest knows of is not to end it again at once. */
static void vtimer_hold(struct arm64_vcpu *v, bool hold)
{
	if (v->vtimer_held == hold)
		return;
	v->vtimer_held = hold;
	ppi_timer_hold(hold);
}

void timer_enter(struct arm64_vcpu *v)
{
	vtimer_hold(v, v->vtimer_level);
}

void timer_close(struct arm64_vcpu *v)
{
	vtimer_hold(v, false);
}

u32 timer_hw_intid(u32 intid)
{
	return intid == VTIMER_INTID ? ppi_timer_intid() : 0;
}

/* In hard interrupt context, on PREEMPT_RT, too; as ptimer_tick(). */
static enum hrtimer_restart vtimer_wake(struct hrtimer *timer)
{
	struct arm64_vcpu *v = container_of(timer, struct arm64_vcpu, vtimer_wake);

	if (level(v->vtimer.ctl, v->vtimer.cval, virtual_counter(v)))
		vtimer_line(v, true);
	/* Else it came too early: the vCPU looks, and waits again. */
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_UNBLOCK);
	kvmx_vcpu_wake(&v->vcpu);
	return HRTIMER_NORESTART;
}

void timer_block(struct arm64_vcpu *v)
{
	u64 now;

	if ((v->vtimer.ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK)) != TIMER_CTL_ENABLE)
		return;
	now = virtual_counter(v);
	if (level(v->vtimer.ctl, v->vtimer.cval, now))
		vtimer_line(v, true);
	else
		hrtimer_start(&v->vtimer_wake, until(v->vtimer.cval, now), HRTIMER_MODE_REL_HARD);
}

void timer_unblock(struct arm64_vcpu *v)
{
	hrtimer_cancel(&v->vtimer_wake);
}

/* ---- the physical timer ---- */

static void ptimer_update(struct arm64_vcpu *v)
{
	u64 ctl = READ_ONCE(v->ptimer.ctl), cval = READ_ONCE(v->ptimer.cval);
	u64 now = timer_counter();
	bool high = level(ctl, cval, now);

	vgic_set_line(arm64_vm_of(v), v, PTIMER_INTID, KVMX_IRQ_SOURCE_USER, high);
	if (!high && (ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK)) == TIMER_CTL_ENABLE)
		hrtimer_start(&v->ptimer_tick, until(cval, now), HRTIMER_MODE_REL_HARD);
}

static enum hrtimer_restart ptimer_tick(struct hrtimer *timer)
{
	struct arm64_vcpu *v = container_of(timer, struct arm64_vcpu, ptimer_tick);
	u64 ctl = READ_ONCE(v->ptimer.ctl), cval = READ_ONCE(v->ptimer.cval);
	u64 now = timer_counter();

	if (level(ctl, cval, now)) {
		vgic_set_line(arm64_vm_of(v), v, PTIMER_INTID, KVMX_IRQ_SOURCE_USER, true);
		return HRTIMER_NORESTART;
	}
	if ((ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK)) != TIMER_CTL_ENABLE)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, until(cval, now));
	return HRTIMER_RESTART;
}

static void ptimer_set(struct arm64_vcpu *v, u64 ctl, u64 cval)
{
	hrtimer_cancel(&v->ptimer_tick);
	WRITE_ONCE(v->ptimer.ctl, ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK));
	WRITE_ONCE(v->ptimer.cval, cval);
	ptimer_update(v);
}

void timer_lines_restored(struct arm64_vcpu *v)
{
	v->vtimer_level = true;
	hrtimer_cancel(&v->ptimer_tick);
	ptimer_update(v);
}

bool timer_sysreg(struct arm64_vcpu *v, u32 enc, bool write, u64 *val)
{
	u64 ctl = v->ptimer.ctl, cval = v->ptimer.cval;

	switch (enc) {
	case A64_CNTP_CTL_EL0:
		if (write)
			ptimer_set(v, *val, cval);
		else
			*val = ctl | (expired(ctl, cval, timer_counter()) ? TIMER_CTL_ISTATUS : 0);
		return true;
	case A64_CNTP_CVAL_EL0:
		if (write)
			ptimer_set(v, ctl, *val);
		else
			*val = cval;
		return true;
	case A64_CNTP_TVAL_EL0:
		if (write)
			ptimer_set(v, ctl, timer_counter() + (s32)*val);
		else
			*val = (u32)(cval - timer_counter());
		return true;
	default:
		return false;
	}
}

/* ---- state ---- */

void timer_vcpu_init(struct arm64_vcpu *v)
{
	kvmx_host_hrtimer_setup(&v->vtimer_wake, vtimer_wake, CLOCK_MONOTONIC,
				HRTIMER_MODE_REL_HARD);
	kvmx_host_hrtimer_setup(&v->ptimer_tick, ptimer_tick, CLOCK_MONOTONIC,
				HRTIMER_MODE_REL_HARD);
}

void timer_vcpu_free(struct arm64_vcpu *v)
{
	hrtimer_cancel(&v->vtimer_wake);
	hrtimer_cancel(&v->ptimer_tick);
}

void timer_reset(struct arm64_vcpu *v)
{
	v->vtimer.ctl = 0;
	v->vtimer.cval = 0;
	v->ptimer.ctl = 0;
	v->ptimer.cval = 0;
	vgic_set_line(arm64_vm_of(v), v, PTIMER_INTID, KVMX_IRQ_SOURCE_USER, false);
}

/* The encodings of the virtual counter and compare value are exchanged in the KVM API. */
const u64 timer_regs[] = {
	KVMX_REG_ARM_TIMER_CTL, KVMX_REG_ARM_TIMER_CVAL, KVMX_REG_ARM_TIMER_CNT,
	KVMX_REG_ARM_PTIMER_CTL, KVMX_REG_ARM_PTIMER_CVAL,
};
const unsigned int timer_nr_regs = ARRAY_SIZE(timer_regs);

bool timer_get_reg(struct arm64_vcpu *v, u64 id, u64 *val)
{
	switch (id) {
	case KVMX_REG_ARM_TIMER_CTL:
		*val = v->vtimer.ctl |
		       (expired(v->vtimer.ctl, v->vtimer.cval, virtual_counter(v)) ? TIMER_CTL_ISTATUS : 0);
		return true;
	case KVMX_REG_ARM_TIMER_CVAL:
		*val = v->vtimer.cval;
		return true;
	case KVMX_REG_ARM_TIMER_CNT:
		*val = virtual_counter(v);
		return true;
	case KVMX_REG_ARM_PTIMER_CTL:
		return timer_sysreg(v, A64_CNTP_CTL_EL0, false, val);
	case KVMX_REG_ARM_PTIMER_CVAL:
		return timer_sysreg(v, A64_CNTP_CVAL_EL0, false, val);
	default:
		return false;
	}
}

bool timer_set_reg(struct arm64_vcpu *v, u64 id, u64 val)
{
	switch (id) {
	case KVMX_REG_ARM_TIMER_CTL:
		v->vtimer.ctl = val & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK);
		return true;
	case KVMX_REG_ARM_TIMER_CVAL:
		v->vtimer.cval = val;
		return true;
	case KVMX_REG_ARM_TIMER_CNT:
		WRITE_ONCE(arm64_vm_of(v)->counter_offset, timer_counter() - val);
		return true;
	case KVMX_REG_ARM_PTIMER_CTL:
		return timer_sysreg(v, A64_CNTP_CTL_EL0, true, &val);
	case KVMX_REG_ARM_PTIMER_CVAL:
		return timer_sysreg(v, A64_CNTP_CVAL_EL0, true, &val);
	default:
		return false;
	}
}
