// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC of a vCPU whose unit does a part of it without exits: how much,
 * what it is told before an entry, and what it has left to be done behind one.
 * Called by the run loop and the exit table; posting by lapic.c.
 */
#include <linux/kernel.h>
#include <linux/bitmap.h>

#include "ioapic.h"
#include "lapic_regs.h"

bool lapic_post(struct lapic *lapic, u8 vector)
{
	/* If the unit takes it right now, its handler sees what came before this. */
	smp_mb();
	return !lapic_test(lapic, LAPIC_IRR, vector) &&
	       !test_and_set_bit(vector, (unsigned long *)lapic->posted);
}

void lapic_take_posted(struct lapic *lapic)
{
	u32 i, offset;

	for (i = 0; i < ARRAY_SIZE(lapic->posted); i++) {
		offset = LAPIC_IRR + i * 16;
		if (READ_ONCE(lapic->posted[i]))
			lapic_reg_set(lapic, offset,
				      lapic_reg(lapic, offset) | xchg(&lapic->posted[i], 0));
	}
}

int lapic_requested_or_posted(struct lapic *lapic, unsigned long words)
{
	int irr = lapic_highest(lapic, LAPIC_IRR, words);
	unsigned long posted = find_last_bit((unsigned long *)lapic->posted, LAPIC_VECTORS);

	return posted < LAPIC_VECTORS ? max_t(int, irr, posted) : irr;
}

/*
 * Not where each interrupt, EOI or use of the task priority has to be noticed, and not
 * in xAPIC mode, where a guest's accesses are to memory.
 */
void lapic_unit_choose(struct x86_vcpu *v)
{
	v->apic_virtual = lapic_x2apic(v) && !v->vapic.addr && !v->vapic.report &&
			  !v->pv_eoi.offered && !(v->guest_debug & KVMX_GUESTDBG_BLOCKIRQ);
}

/* Vectors whose EOI the I/O APIC, here or in user space, waits for: lapic_broadcast_eoi(). */
static void eoi_exits(struct x86_vcpu *v, u64 *map)
{
	struct ioapic *ioapic = x86_vm_of(v)->ioapic;
	u32 i, offset;

	for (i = 0; i < 4; i++) {
		offset = LAPIC_TMR + i * 32;
		map[i] = ioapic ? ioapic_vectors(ioapic, i) :
				  lapic_reg(v->lapic, offset) |
				  (u64)lapic_reg(v->lapic, offset + 16) << 32;
	}
}

bool lapic_unit_enter(struct x86_vcpu *v)
{
	struct lapic *lapic = v->lapic;
	unsigned long words;
	int requested, serving;
	u64 map[4];

	/* An injection does not change it: the bit of pv_eoi.c is not offered where it is true. */
	lapic_unit_choose(v);
	if (!v->apic_virtual) {
		if (lapic->in_unit)
			x86_unit->sync_apic(v, 0, 0, NULL);
		lapic->in_unit = false;
		return false;
	}
	lapic->in_unit = true;
	/* Who posts after that makes a request: run.c looked after it had said IN_GUEST. */
	words = READ_ONCE(lapic->irr_words);
	if (words)
		lapic_take_posted(lapic);
	requested = lapic_highest(lapic, LAPIC_IRR, words);
	serving = lapic_in_service(lapic);
	eoi_exits(v, map);
	x86_unit->sync_apic(v, max(requested, 0), max(serving, 0), map);
	return true;
}

/* The unit has moved vectors, and the guest has changed its task priority. */
void lapic_unit_leave(struct x86_vcpu *v)
{
	struct lapic *lapic = v->lapic;
	unsigned long words;
	u32 i;

	if (!v->apic_virtual)
		return;
	words = READ_ONCE(lapic->irr_words);
	lapic->isr_words = 0;
	for (i = 0; i < 8; i++) {
		if (lapic_reg(lapic, LAPIC_ISR + i * 16))
			lapic->isr_words |= BIT(i);
		if (!lapic_reg(lapic, LAPIC_IRR + i * 16) != !(words & BIT(i)))
			lapic_irr_left(lapic, i);
	}
	lapic_update_ppr(lapic);
}

void lapic_unit_eoi(struct x86_vcpu *v, u8 vector)
{
	lapic_broadcast_eoi(v, vector);
}

/* A self IPI of a vector that does not exist. */
void lapic_unit_write(struct x86_vcpu *v, u16 offset)
{
	lapic_msr_write(v, X86_MSR_X2APIC + offset / 16, lapic_reg(v->lapic, offset));
}
