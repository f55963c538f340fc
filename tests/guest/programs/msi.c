// SPDX-License-Identifier: GPL-2.0-only
/*
 * Message-signalled interrupts from user space: destinations, modes, and the
 * answer of KVM_SIGNAL_MSI.
 * Intel SDM vol. 3, "Message Signalled Interrupts".
 */
#include "lib.h"

PROGRAM(.vcpus = 2);

static volatile u32 got[MAX_CPUS], nmis[MAX_CPUS];

static void on_irq(struct frame *f)
{
	got[this_cpu()]++;
	apic_eoi();
}

static void on_nmi(struct frame *f)
{
	nmis[this_cpu()]++;
}

static void ready(void *unused)
{
	apic_enable();
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_LDR, 1u << (24 + this_cpu()));
	sti();
}

static s32 msi(u64 destination, u32 flags, u32 data)
{
	return host(CALL_MSI, 0xfee00000 | destination << 12 | flags, data, 0, 0).result;
}

int main(void)
{
	set_handler(0x70, on_irq);
	set_handler(NMI, on_nmi);
	ready(NULL);
	smp_start(1);
	run_on(1, ready, NULL);
	wait_for(1);

	for (u32 i = 1; i <= 20; i++) {
		CHECK(msi(0, 0, 0x70) > 0, "nobody took an MSI to CPU 0");
		CHECK(WAIT(got[0] == i, 1000), "no MSI at CPU 0");
		CHECK(msi(1, 0, 0x70) > 0, "nobody took an MSI to CPU 1");
		CHECK(WAIT(got[1] == i, 1000), "no MSI at CPU 1");
	}
	/* Logical: redirection hint, destination mode. */
	msi(2, 4, 0x70);
	CHECK(WAIT(got[1] == 21, 1000), "no logical MSI at CPU 1");
	msi(3, 4, 0x70);
	CHECK(WAIT(got[1] == 22 && got[0] == 21, 1000), "a logical MSI to both: %u and %u", got[0],
	      got[1]);
	/* Lowest priority: exactly one; the next after it, or they might be one. */
	for (u32 i = 1; i <= 10; i++) {
		msi(3, 0xc, 0x70 | 1 << 8);
		CHECK(WAIT(got[0] + got[1] == 43 + i, 1000), "%u lowest-priority MSIs of %u",
		      got[0] + got[1] - 43, i);
	}
	msi(0xff, 0, 0x70);
	CHECK(WAIT(got[0] + got[1] == 55, 1000), "a broadcast MSI: %u", got[0] + got[1] - 53);
	msi(0, 0, 4 << 8);
	CHECK(WAIT(nmis[0] == 1, 1000), "no NMI by MSI");

	/* To nobody. */
	CHECK(msi(9, 0, 0x70) <= 0, "somebody took an MSI to nobody");

	/* IF clear: it waits. */
	cli();
	u32 before = got[0];
	msi(0, 0, 0x70);
	sleep_ms(1);
	CHECK_EQ("MSIs while IF is clear", got[0], before);
	CHECK(apic_bit(APIC_IRR, 0x70), "the MSI is not in IRR");
	sti();
	asm volatile("nop");
	CHECK_EQ("MSIs after STI", got[0], before + 1);
	return 0;
}
