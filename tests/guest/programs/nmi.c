// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs: blocked from delivery to IRET, one kept pending, delivered right after
 * IRET; an exception's IRET inside the handler unblocks; CLI does not matter.
 * AMD APM vol. 2, "#NMI-Non-Maskable-Interrupt Exception".
 */
#include "lib.h"

PROGRAM();

static volatile u32 nmis, depth, deepest, inside;
static volatile u64 rip, resume;
static volatile int mode;

static void self_nmi(void)
{
	apic_ipi(ICR_NMI | ICR_ASSERT, 0);
}

static void on_nmi(struct frame *f)
{
	u32 before;

	nmis++;
	rip = f->rip;
	if (++depth > deepest)
		deepest = depth;
	if (mode && nmis == 1) {
		self_nmi();
		self_nmi();
		before = nmis;
		/* Exits, and time, must not let it in. */
		cpuid(0, 0);
		inb(PORT_ECHO);
		if (mode == 3)
			host(CALL_ROUND_TRIP, 0, 0, 0, 0);
		sleep_ms(2);
		inside = nmis - before;
		if (mode == 2) {
			asm volatile("int3");
			asm volatile("nop");
			inside = nmis - before;
		}
	}
	depth--;
}

static void on_bp(struct frame *f)
{
}

int main(void)
{
	set_handler(NMI, on_nmi);
	set_handler(BP, on_bp);
	apic_enable();
	cli();

	/* Taken at once, whatever IF says. */
	for (u32 i = 1; i <= 20; i++) {
		self_nmi();
		CHECK(WAIT(nmis == i, 500), "NMI %u did not come", i);
	}
	host(CALL_NMI, 0, 0, 0, 0);
	CHECK(WAIT(nmis == 21, 500), "an NMI of KVM_NMI did not come");

	/* Blocked in the handler; one is kept. */
	mode = 1;
	nmis = 0;
	self_nmi();
	CHECK(WAIT(nmis == 2, 500), "%u NMIs, not 2", nmis);
	sleep_ms(2);
	/* In-tree KVM keeps two. */
	CHECK(nmis == 2 || nmis == 3, "%u NMIs", nmis);
	CHECK_EQ("NMIs that came into the handler", inside, 0);
	CHECK_EQ("how deep they nested", deepest, 1);

	/* An IRET from another handler ends the blocking. */
	mode = 2;
	nmis = deepest = 0;
	self_nmi();
	CHECK(WAIT(nmis >= 2, 500), "%u NMIs", nmis);
	CHECK(inside >= 1, "no NMI came in after an IRET inside the handler");
	CHECK(deepest >= 2, "it did not nest");
	sleep_ms(2);

	/* The blocking is part of the state that is read and written. */
	mode = 3;
	nmis = 0;
	self_nmi();
	CHECK(WAIT(nmis >= 2, 500), "%u NMIs", nmis);
	CHECK_EQ("NMIs that came into the handler", inside, 0);

	/* In a loop of exits none is lost. */
	mode = 0;
	nmis = 0;
	for (u32 i = 0; i < 200; i++) {
		self_nmi();
		cpuid(0, 0);
		CHECK(WAIT(nmis == i + 1, 500), "NMI %u was lost", i);
	}
	return 0;
}
