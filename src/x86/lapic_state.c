// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVMX_GET_LAPIC and KVMX_SET_LAPIC: the local APIC as the image of its
 * register page that the KVM API defines. Called by irqchip.c's ioctls.
 *
 * A register fills 4 of its 16 bytes. What the page has no register for is
 * kept in the bytes between; who does not know of them writes zeros there.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "lapic_regs.h"

#define SAVED_ERRORS	(LAPIC_ESR + 4)		/* errors since the last write to ESR */
#define SAVED_TIMER	(LAPIC_TMCCT + 4)	/* LAPIC_SAVED_* */
#define ERRORS		(BIT(LAPIC_ERR_SEND_VECTOR) | BIT(LAPIC_ERR_RECV_VECTOR) | \
			 BIT(LAPIC_ERR_REGISTER))

/* Registers that are saved and put back as they are, within their writable bits. */
static const u16 plain[] = {
	LAPIC_TPR, LAPIC_DFR, LAPIC_SVR, LAPIC_ICR, LAPIC_LVTT, LAPIC_LVT_THERMAL,
	LAPIC_LVT_PERF, LAPIC_LVT0, LAPIC_LVT1, LAPIC_LVT_ERROR, LAPIC_TMICT, LAPIC_TDCR,
};

static void put(struct kvmx_lapic_state *s, u32 offset, u32 val)
{
	memcpy(&s->regs[offset], &val, sizeof(val));
}

static u32 get(const struct kvmx_lapic_state *s, u32 offset)
{
	u32 val;

	memcpy(&val, &s->regs[offset], sizeof(val));
	return val;
}

static bool ids_are_32bit(struct x86_vcpu *v)
{
	return READ_ONCE(x86_vm_of(v)->x2apic_api) & KVMX_X2APIC_API_USE_32BIT_IDS;
}

void lapic_get_state(struct x86_vcpu *v, struct kvmx_lapic_state *s)
{
	struct lapic *lapic = v->lapic;
	u32 offset, i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < ARRAY_SIZE(plain); i++)
		put(s, plain[i], lapic_reg(lapic, plain[i]));
	for (offset = LAPIC_ISR; offset < LAPIC_ESR; offset += 16)
		put(s, offset, lapic_read_plain(v, offset));
	put(s, LAPIC_ID, lapic_x2apic(v) && ids_are_32bit(v) ? v->vcpu.id : v->vcpu.id << 24);
	put(s, LAPIC_VERSION, lapic_read_plain(v, LAPIC_VERSION));
	put(s, LAPIC_PPR, lapic_read_plain(v, LAPIC_PPR));
	put(s, LAPIC_LDR, lapic_read_plain(v, LAPIC_LDR));
	put(s, LAPIC_ICR2, lapic_reg(lapic, LAPIC_ICR2));
	put(s, LAPIC_ESR, lapic_reg(lapic, LAPIC_ESR));
	put(s, SAVED_ERRORS, READ_ONCE(lapic->errors));
	put(s, LAPIC_TMCCT, lapic_timer_count(lapic));
	put(s, SAVED_TIMER, lapic_timer_saved(lapic));
}

/*
 * ISR, TMR and IRR. Vectors below 16 are never delivered, their class is no higher
 * than any priority's; a VMM finds what it has written all the same.
 */
static void load_vectors(struct lapic *lapic, const struct kvmx_lapic_state *s)
{
	u32 offset, i;

	memset(lapic->posted, 0, sizeof(lapic->posted));
	for (offset = LAPIC_ISR; offset < LAPIC_ESR; offset += 16)
		lapic_reg_set(lapic, offset, get(s, offset));
	lapic->isr_words = 0;
	for (i = 0; i < 8; i++) {
		if (lapic_reg(lapic, LAPIC_ISR + i * 16))
			lapic->isr_words |= BIT(i);
		lapic_irr_left(lapic, i);
	}
}

int lapic_set_state(struct x86_vcpu *v, const struct kvmx_lapic_state *s)
{
	struct lapic *lapic = v->lapic;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(plain); i++) {
		u32 val = get(s, plain[i]);

		/* In x2APIC mode there is no DFR, but it must survive. */
		if (plain[i] == LAPIC_DFR)
			val |= LAPIC_DFR_RESERVED;
		else
			val &= lapic_write_mask(v, plain[i]);
		lapic_reg_set(lapic, plain[i], val);
	}
	if (!lapic_x2apic(v))
		lapic_reg_set(lapic, LAPIC_LDR, get(s, LAPIC_LDR) & 0xff000000);
	lapic_reg_set(lapic, LAPIC_ICR2, get(s, LAPIC_ICR2));
	lapic_reg_set(lapic, LAPIC_ESR, get(s, LAPIC_ESR) & ERRORS);
	WRITE_ONCE(lapic->errors, get(s, SAVED_ERRORS) & ERRORS);
	load_vectors(lapic, s);
	lapic_update_ppr(lapic);
	lapic_timer_restore(lapic, get(s, SAVED_TIMER), get(s, LAPIC_TMCCT));
	x86_event_pending(v);
	return 0;
}
