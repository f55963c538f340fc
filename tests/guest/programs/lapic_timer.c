// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer: one-shot, periodic, TSC deadline, dividers, masking.
 * Intel SDM vol. 3, "APIC Timer".
 */
#include "lib.h"

PROGRAM(.seconds = 40);

static volatile u32 irqs;
static volatile u64 irq_tsc;

static void on_irq(struct frame *f)
{
	irqs++;
	irq_tsc = rdtsc();
	apic_eoi();
}

static u32 rate;	/* counts in 10 ms with divider 16 */

/* However long the guest does not run in between. */
static u32 counts_in_10_ms(void)
{
	u64 start = rdtsc(), counts;

	apic_write(APIC_TIMER_INIT, 0xffffffff);
	sleep_ms(10);
	counts = 0xffffffff - apic_read(APIC_TIMER_NOW);
	return counts * 10 * header.tsc_khz / (rdtsc() - start);
}

int main(void)
{
	u64 start, end;
	u32 a, b, counts;

	set_handler(0x40, on_irq);
	apic_enable();
	sti();

	/* How fast does it count? */
	apic_write(APIC_TIMER_DIV, 3);
	apic_write(APIC_LVT_TIMER, 1 << 16 | 0x40);
	rate = counts_in_10_ms();
	CHECK(rate > 1000, "the timer counts %u in 10 ms", rate);
	apic_write(APIC_TIMER_INIT, 0xffffffff);
	apic_write(APIC_TIMER_DIV, 0xb);
	counts = counts_in_10_ms();
	CHECK(counts / 16 > rate / 3 && counts / 16 < rate * 3,
	      "divided by 1 it counts %u, by 16 %u", counts, rate);
	apic_write(APIC_TIMER_DIV, 3);

	/* One-shot: once, not before its time, and the count stays 0. */
	apic_write(APIC_LVT_TIMER, 0x40);
	start = rdtsc();
	apic_write(APIC_TIMER_INIT, rate);
	CHECK(WAIT(irqs == 1, 2000), "the one-shot timer does not come");
	CHECK(irq_tsc - start > 5ull * header.tsc_khz, "it came after %lu cycles of %u in a ms",
	      irq_tsc - start, header.tsc_khz);
	sleep_ms(40);
	CHECK_EQ("one-shot interrupts", irqs, 1);
	CHECK_EQ("the count after it", apic_read(APIC_TIMER_NOW), 0);
	CHECK_EQ("the initial count after it", apic_read(APIC_TIMER_INIT), rate);

	/* Masked: no interrupt; written 0: stopped. */
	apic_write(APIC_LVT_TIMER, 1 << 16 | 0x40);
	apic_write(APIC_TIMER_INIT, rate / 10);
	sleep_ms(10);
	CHECK_EQ("interrupts while masked", irqs, 1);
	apic_write(APIC_LVT_TIMER, 0x40);
	/*
	 * In-tree KVM keeps an expiry that happened while masked and delivers it
	 * when unmasked; a real APIC does not. Both are let by.
	 */
	sleep_ms(10);
	CHECK(irqs <= 2, "%u interrupts after unmasking", irqs - 1);
	irqs = 1;
	apic_write(APIC_TIMER_INIT, rate * 4);
	apic_write(APIC_TIMER_INIT, 0);
	sleep_ms(80);
	CHECK_EQ("interrupts after it was stopped", irqs, 1);
	CHECK_EQ("the count", apic_read(APIC_TIMER_NOW), 0);

	/* Periodic. */
	irqs = 0;
	apic_write(APIC_LVT_TIMER, 1 << 17 | 0x40);
	start = rdtsc();
	apic_write(APIC_TIMER_INIT, rate / 2);
	CHECK(WAIT(irqs >= 20, 10000), "the periodic timer came only %u times", irqs);
	end = rdtsc();
	CHECK(end - start > 60ull * header.tsc_khz, "20 periods of 5 ms took %lu cycles", end - start);
	a = apic_read(APIC_TIMER_NOW);
	CHECK(a <= rate / 2, "the count is 0x%x", a);
	/* From periodic to one-shot: it ends. */
	apic_write(APIC_LVT_TIMER, 0x40);
	sleep_ms(30);
	a = irqs;
	sleep_ms(30);
	CHECK_EQ("interrupts after periodic mode", irqs, a);
	apic_write(APIC_TIMER_INIT, 0);

	/* HLT between periods. */
	irqs = 0;
	apic_write(APIC_LVT_TIMER, 1 << 17 | 0x40);
	apic_write(APIC_TIMER_INIT, rate / 5);
	while (irqs < 20)
		asm volatile("cli; cmpl $20, %0; jae 1f; sti; hlt; 1: sti" :: "m"(irqs) : "memory");
	checks++;
	apic_write(APIC_TIMER_INIT, 0);
	apic_write(APIC_LVT_TIMER, 1 << 16);

	/* TSC deadline. */
	if (!(cpuid(1, 0).ecx >> 24 & 1))
		return 0;
	irqs = 0;
	apic_write(APIC_LVT_TIMER, 2 << 17 | 0x40);
	asm volatile("mfence");
	apic_write(APIC_TIMER_INIT, 1000);	/* ignored in this mode */
	CHECK_EQ("the count in deadline mode", apic_read(APIC_TIMER_NOW), 0);
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start + 10ul * header.tsc_khz);
	CHECK(WAIT(irqs == 1, 2000), "the deadline does not come");
	CHECK(irq_tsc >= start + 10ul * header.tsc_khz, "the deadline came %lu cycles early",
	      start + 10ul * header.tsc_khz - irq_tsc);
	CHECK_EQ("the deadline after it", rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, 1);
	CHECK(WAIT(irqs == 2, 2000), "a deadline in the past does not come");
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 50ull * header.tsc_khz);
	b = irqs;
	wrmsr(MSR_TSC_DEADLINE, 0);
	sleep_ms(80);
	CHECK_EQ("interrupts of a cancelled deadline", irqs, b);
	/* Leaving the mode disarms. */
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 50ull * header.tsc_khz);
	apic_write(APIC_LVT_TIMER, 0x40);
	sleep_ms(80);
	CHECK_EQ("interrupts after deadline mode", irqs, b);
	wrmsr(MSR_TSC_DEADLINE, rdtsc());
	CHECK_EQ("the deadline outside of its mode", rdmsr(MSR_TSC_DEADLINE), 0);
	/* HLT until a deadline. */
	apic_write(APIC_LVT_TIMER, 2 << 17 | 0x40);
	for (int i = 0; i < 20; i++) {
		cli();
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + header.tsc_khz);
		sti_hlt();
	}
	CHECK_EQ("interrupts that ended HLT", irqs, b + 20);
	return 0;
}
