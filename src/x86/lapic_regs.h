/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the local APIC: its registers as the Intel SDM's "Local APIC Register
 * Address Map" lists them, its state, and what its files need of each other.
 * For lapic*.c and apic_msg.c only.
 */
#ifndef X86_LAPIC_REGS_H
#define X86_LAPIC_REGS_H

#include <linux/hrtimer.h>

#include "lapic.h"

/* Offsets in the page; in x2APIC mode MSR 0x800 + offset / 16. */
#define LAPIC_ID		0x020
#define LAPIC_VERSION		0x030
#define LAPIC_TPR		0x080
#define LAPIC_APR		0x090
#define LAPIC_PPR		0x0a0
#define LAPIC_EOI		0x0b0
#define LAPIC_RRD		0x0c0
#define LAPIC_LDR		0x0d0
#define LAPIC_DFR		0x0e0
#define LAPIC_SVR		0x0f0
#define LAPIC_ISR		0x100	/* eight registers each */
#define LAPIC_TMR		0x180
#define LAPIC_IRR		0x200
#define LAPIC_ESR		0x280
#define LAPIC_ICR		0x300
#define LAPIC_ICR2		0x310
#define LAPIC_LVTT		0x320
#define LAPIC_LVT_THERMAL	0x330
#define LAPIC_LVT_PERF		0x340
#define LAPIC_LVT0		0x350
#define LAPIC_LVT1		0x360
#define LAPIC_LVT_ERROR		0x370
#define LAPIC_TMICT		0x380
#define LAPIC_TMCCT		0x390
#define LAPIC_TDCR		0x3e0
#define LAPIC_SELF_IPI		0x3f0	/* x2APIC mode only */
#define LAPIC_LAST		0x3f0

#define LAPIC_VERSION_VALUE	0x00050014u	/* integrated APIC, six LVT entries */
#define LAPIC_VERSION_DIRECTED	BIT(24)		/* EOI broadcasts can be suppressed */
#define LAPIC_SVR_ENABLE	BIT(8)
#define LAPIC_SVR_NO_BROADCAST	BIT(12)
#define LAPIC_DFR_RESERVED	0x0fffffffu	/* read as ones */
#define LAPIC_LVT_MASKED	BIT(16)
#define LAPIC_ICR_LOGICAL	BIT(11)
#define LAPIC_ICR_STATUS	BIT(12)
#define LAPIC_ICR_ASSERT	BIT(14)
#define LAPIC_ICR_LEVEL		BIT(15)
#define LAPIC_ICR_RESERVED	0xfff32000u	/* in x2APIC mode: #GP */

/* Bits of the error status register, by number. */
#define LAPIC_ERR_SEND_VECTOR	5
#define LAPIC_ERR_RECV_VECTOR	6
#define LAPIC_ERR_REGISTER	7

/* Timer mode, LVTT bits 17 and 18. */
#define LAPIC_TIMER_ONESHOT	0
#define LAPIC_TIMER_PERIODIC	1
#define LAPIC_TIMER_DEADLINE	2

/* What the saved state says of the timer beside its registers; 0: nothing. */
#define LAPIC_SAVED_IDLE	1	/* not counting */
#define LAPIC_SAVED_RUNNING	2	/* counting */
#define LAPIC_SAVED_DUE		3	/* counted down, its interrupt is still owed */

#define LAPIC_VECTORS		256

/*
 * The registers are where the hardware has them, in a page of their own: a unit
 * may let the guest use that. ID, VERSION, LDR in x2APIC mode and TMCCT follow
 * from other state and are not kept there, nor is the mode's ICR as a whole.
 *
 * Interrupts arrive from every CPU without a lock: they only set bits of TMR,
 * IRR, irr_words and errors. A unit that changes IRR by itself does so without
 * regard to other CPUs: with such a one they set bits of @posted instead, which
 * the vCPU takes to IRR before it enters the guest. Other registers are the vCPU's
 * own; other CPUs read those that decide on acceptance and priority (SVR, LDR, DFR,
 * LVT0, PPR) as they are at that moment, as the interrupt bus would.
 */
struct lapic {
	struct x86_vcpu *vcpu;				/* [I] */
	void *page;					/* [m] IRR, TMR: [a] */
	unsigned long irr_words;			/* [a] of IRR's registers, or of @posted, all that have bits */
	u8 isr_words;					/* [m] of ISR's */
	bool posting;					/* [I] caps.virtual_apic */
	bool in_unit;					/* [w] it was told to do a part */
	u32 posted[LAPIC_VECTORS / 32] __aligned(8);	/* [a] on their way to IRR */
	unsigned long errors;				/* [a] since the last write to ESR */
	DECLARE_BITMAP(eoi_exit, LAPIC_VECTORS);	/* [m] for lapic_take_eoi_exit() */

	struct hrtimer timer;
	bool timer_armed;				/* [m] */
	bool timer_in_unit;				/* [m] which leaves the guest for it, see there */
	u64 timer_target;				/* [m] ns, CLOCK_MONOTONIC */
	u64 deadline;					/* [m] guest TSC; counts in deadline mode only */
};

/* lapic_unit.c */
bool lapic_post(struct lapic *lapic, u8 vector);	/* any context; false: it was pending */
void lapic_take_posted(struct lapic *lapic);
int lapic_requested_or_posted(struct lapic *lapic, unsigned long words);

/* The mask holds under speculation too: guests choose offsets. */
static inline u32 lapic_reg(const struct lapic *lapic, u32 offset)
{
	return READ_ONCE(*(u32 *)(lapic->page + (offset & LAPIC_LAST)));
}

static inline void lapic_reg_set(struct lapic *lapic, u32 offset, u32 val)
{
	WRITE_ONCE(*(u32 *)(lapic->page + (offset & LAPIC_LAST)), val);
}

/* For bit operations on ISR, TMR and IRR: 32 vectors in every 16 bytes. */
static inline unsigned long *lapic_map(const struct lapic *lapic, u32 base)
{
	return lapic->page + base;
}

static inline unsigned int lapic_bit(u8 vector)
{
	return (vector & ~31u) * 4 + (vector & 31);
}

static inline bool lapic_test(const struct lapic *lapic, u32 base, u8 vector)
{
	return test_bit(lapic_bit(vector), lapic_map(lapic, base));
}

/* The highest vector in the registers at @base that @words names, or -1. */
static inline int lapic_highest(const struct lapic *lapic, u32 base, unsigned long words)
{
	u32 i, vectors;

	for (; words; words &= ~BIT(i)) {
		i = __fls(words);
		vectors = lapic_reg(lapic, base + i * 16);
		if (vectors)
			return i * 32 + __fls(vectors);
	}
	return -1;
}

static inline int lapic_requested(struct lapic *lapic)
{
	unsigned long words = READ_ONCE(lapic->irr_words);

	return unlikely(lapic->posting) ? lapic_requested_or_posted(lapic, words) :
					  lapic_highest(lapic, LAPIC_IRR, words);
}

static inline int lapic_in_service(const struct lapic *lapic)
{
	return lapic_highest(lapic, LAPIC_ISR, lapic->isr_words);
}

/*
 * Register @i of IRR may have become empty. Who sets a bit there meanwhile looks
 * at irr_words after that, and this at the register after irr_words.
 */
static inline void lapic_irr_left(struct lapic *lapic, u32 i)
{
	clear_bit(i, &lapic->irr_words);
	smp_mb__after_atomic();
	if (lapic_reg(lapic, LAPIC_IRR + i * 16) | READ_ONCE(lapic->posted[i]))
		set_bit(i, &lapic->irr_words);
}

/* lapic.c */
void lapic_broadcast_eoi(struct x86_vcpu *v, u8 vector);
int lapic_accept_fixed(struct x86_vcpu *v, u8 vector, bool level);	/* 1, 0 coalesced, -1 refused */
void lapic_fire_lvt(struct x86_vcpu *v, u32 offset);
void lapic_error(struct x86_vcpu *v, int error);
void lapic_update_ppr(struct lapic *lapic);
u32 lapic_read_plain(struct x86_vcpu *v, u32 offset);
u32 lapic_write_mask(struct x86_vcpu *v, u32 offset);	/* writable bits; 0: not writable */

/* lapic_timer.c */
void lapic_timer_init(struct lapic *lapic);
void lapic_timer_stop(struct lapic *lapic);
void lapic_timer_write(struct lapic *lapic, u32 offset, u32 val);	/* LVTT, TMICT, TDCR */
u32 lapic_timer_count(struct lapic *lapic);
u32 lapic_timer_saved(struct lapic *lapic);		/* LAPIC_SAVED_* */
/* LVTT, TMICT and TDCR are in the page already. */
void lapic_timer_restore(struct lapic *lapic, u32 saved, u32 count);

#endif
