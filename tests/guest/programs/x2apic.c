// SPDX-License-Identifier: GPL-2.0-only
/*
 * x2APIC mode: the ways in and out, which registers can be read and written,
 * self IPI, logical ids, interrupts between CPUs.
 * Intel SDM vol. 3, "Extended XAPIC (x2APIC)".
 */
#include "lib.h"

PROGRAM(.vcpus = 2);

#define X2(reg) (MSR_X2APIC + (reg) / 16)
#define BASE 0xfee00000ull
#define EN 0x800
#define EXTD 0x400

static volatile u32 got[MAX_CPUS];

static void on_irq(struct frame *f)
{
	got[this_cpu()]++;
	apic_eoi();
}

static void ready(void *unused)
{
	apic_x2();
	apic_enable();
	sti();
}

static void registers(void)
{
	static const u32 read_only[] = { APIC_ID, APIC_VERSION, APIC_PPR, APIC_LDR, APIC_ISR,
					 APIC_TMR, APIC_IRR, APIC_TIMER_NOW };
	static const u32 missing[] = { 0, 0x90, APIC_DFR, APIC_ICR2, 0x3b0, 0x7f0 };

	for (unsigned int i = 0; i < ARRAY_SIZE(read_only); i++) {
		EXPECT(-1, "reading a register", rdmsr(X2(read_only[i])));
		EXPECT(GP, "writing a read-only register", wrmsr(X2(read_only[i]), 0));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(missing); i++) {
		EXPECT(GP, "reading a register that is not there", rdmsr(X2(missing[i])));
		EXPECT(GP, "writing a register that is not there", wrmsr(X2(missing[i]), 0));
	}
	EXPECT(GP, "reading EOI", rdmsr(X2(APIC_EOI)));
	EXPECT(GP, "reading SELF IPI", rdmsr(0x83f));
	/* In-tree KVM of 6.1 takes any value. */
	CHECK(CATCH(wrmsr(X2(APIC_EOI), 1)) != UD, "writing EOI with a value");
	EXPECT(-1, "writing EOI", wrmsr(X2(APIC_EOI), 0));
	EXPECT(GP, "writing ESR with a value", wrmsr(X2(APIC_ESR), 1));
	EXPECT(-1, "writing ESR", wrmsr(X2(APIC_ESR), 0));
	CHECK_EQ("the id", rdmsr(X2(APIC_ID)), 0);
	CHECK_EQ("the logical id", rdmsr(X2(APIC_LDR)), 1);
	/* Without the sub-class: see tpr.c. */
	wrmsr(X2(APIC_TPR), 0x30);
	CHECK_EQ("TPR", rdmsr(X2(APIC_TPR)), 0x30);
	CHECK_EQ("CR8", read_cr8(), 3);
	wrmsr(X2(APIC_TPR), 0);
	wrmsr(X2(APIC_ICR), 1ull << 32 | ICR_ASSERT | 0x60);
	CHECK_EQ("ICR, 64 bits", rdmsr(X2(APIC_ICR)), 1ull << 32 | ICR_ASSERT | 0x60);
}

int main(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	set_handler(0x60, on_irq);
	CHECK_EQ("APIC base at reset", base, BASE | EN | 0x100);
	EXPECT(GP, "an x2APIC register in xAPIC mode", rdmsr(X2(APIC_ID)));
	apic_enable();

	/* Modes. */
	EXPECT(GP, "x2APIC without the enable bit", wrmsr(MSR_APIC_BASE, BASE | EXTD | 0x100));
	EXPECT(GP, "a reserved bit", wrmsr(MSR_APIC_BASE, base | 1));
	wrmsr(MSR_APIC_BASE, BASE | 0x100);
	EXPECT(GP, "x2APIC straight from disabled", wrmsr(MSR_APIC_BASE, BASE | EN | EXTD | 0x100));
	EXPECT(GP, "an x2APIC register of a disabled APIC", rdmsr(X2(APIC_ID)));
	wrmsr(MSR_APIC_BASE, base);
	apic_enable();
	smp_start(1);
	ready(NULL);
	CHECK_EQ("APIC base", rdmsr(MSR_APIC_BASE), BASE | EN | EXTD | 0x100);
	EXPECT(GP, "xAPIC straight from x2APIC", wrmsr(MSR_APIC_BASE, base));
	run_on(1, ready, NULL);
	wait_for(1);
	registers();
	/* A caught exception leaves interrupts masked. */
	sti();
	CHECK(WAIT(got[1] == 1, 1000), "the ICR write did not reach CPU 1");

	wrmsr(0x83f, 0x60);
	CHECK(WAIT(got[0] == 1, 1000), "no self IPI");
	for (u32 i = 0; i < 100; i++) {
		apic_ipi(ICR_ASSERT | 0x60, 1);
		CHECK(WAIT(got[1] == i + 2, 1000), "no IPI at CPU 1");
	}
	apic_ipi(ICR_ASSERT | ICR_LOGICAL | 0x60, 2);
	CHECK(WAIT(got[1] == 102, 1000), "no logical IPI at CPU 1");
	apic_ipi(ICR_ASSERT | ICR_LOGICAL | 0x60, 3);
	CHECK(WAIT(got[1] == 103 && got[0] == 2, 1000), "a logical IPI to both: %u and %u", got[0],
	      got[1]);
	apic_ipi(ICR_ASSERT | 0x60, 0xffffffff);
	CHECK(WAIT(got[1] == 104 && got[0] == 3, 1000), "a broadcast: %u and %u", got[0], got[1]);
	apic_ipi(ICR_ASSERT | ICR_LOGICAL | 0x60, 0x10001);
	sleep_ms(3);
	CHECK(got[1] == 104 && got[0] == 3, "cluster 1 has nobody, but somebody got it");
	return 0;
}
