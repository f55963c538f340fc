// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends of interrupts by a bit in memory, which KVM offers a guest that knows of
 * it (MSR_KVM_EOI_EN in the kernel's "KVM-specific MSRs"): the bit is there when
 * it may be used, not when the end matters to somebody, and counts as an EOI.
 */
#include "lib.h"

PROGRAM(.seconds = 60);

#define FEATURE_PV_EOI	(1 << 6)
#define MSR_PV_EOI	0x4b564d04
#define LOW		0x51
#define HIGH		0x61
#define LEVEL		0x71
#define PIN		20	/* no line of the PICs */

static u32 word __attribute__((aligned(4)));
static volatile u32 count, by_bit, by_write;
static volatile bool bit_seen, ignore, look, nest, round_trip;

static bool end_by_bit(void)
{
	bool was;

	asm volatile("btrl $0, %1; setc %0" : "=q"(was), "+m"(word) :: "memory", "cc");
	return was;
}

static void end(void)
{
	if (!ignore && end_by_bit()) {
		by_bit++;
		return;
	}
	by_write++;
	apic_eoi();
}

static void on_high(struct frame *f)
{
	bit_seen = *(volatile u32 *)&word & 1;
	if (look)
		CHECK(apic_bit(APIC_ISR, HIGH), "it is not in service in its handler");
	if (round_trip)
		CHECK_EQ("a round trip of the state", host(CALL_ROUND_TRIP, 0, 0, 0, 0).result, 0);
	count++;
	end();
}

static void on_low(struct frame *f)
{
	u32 before = count;

	if (nest) {
		sti();
		apic_ipi(ICR_SELF | HIGH, 0);
		CHECK(WAIT(count == before + 1, 1000), "no interrupt within an interrupt");
		cli();
		CHECK(apic_bit(APIC_ISR, LOW), "the outer interrupt ended with the inner one");
	}
	count++;
	end();
}

static void on_level(struct frame *f)
{
	bit_seen = *(volatile u32 *)&word & 1;
	host(CALL_IRQ_LINE, PIN, 0, 0, 0);
	count++;
	end();
}

/* @n interrupts at @vector have come and gone. */
static void settled(u32 n, const char *what)
{
	CHECK(WAIT(count == n, 2000), "%s: %u interrupts, not %u", what, count, n);
	CHECK(!apic_bit(APIC_ISR, HIGH) && !apic_bit(APIC_ISR, LOW), "%s: still in service", what);
	CHECK_EQ("the processor's priority", apic_read(APIC_PPR), 0);
	CHECK_EQ("the word", word & ~1, 0);
	CHECK_EQ("the bit", word, 0);
	count = by_bit = by_write = 0;
}

static void one_by_one(void)
{
	for (u32 i = 1; i <= 100; i++) {
		apic_ipi(ICR_SELF | HIGH, 0);
		CHECK(WAIT(count == i, 1000), "interrupt %u did not come", i);
	}
	CHECK_EQ("ends", by_bit + by_write, 100);
	CHECK(by_bit > 10, "only %u of 100 interrupts were ended by the bit", by_bit);
	print("%u of 100 ended by the bit; ", by_bit);
	settled(100, "one by one");
}

static void waiting(void)
{
	cli();
	apic_ipi(ICR_SELF | LOW, 0);
	apic_ipi(ICR_SELF | HIGH, 0);
	CHECK(WAIT(apic_bit(APIC_IRR, LOW) && apic_bit(APIC_IRR, HIGH), 1000), "they do not wait");
	sti();
	CHECK(WAIT(count == 2, 1000), "%u of two interrupts came", count);
	CHECK(!bit_seen, "the bit is set though an interrupt waits");
	settled(2, "two at once");
}

static void level(void)
{
	ioapic_route(PIN, 1 << 15 | LEVEL);
	host(CALL_IRQ_LINE, PIN, 1, 0, 0);
	CHECK(WAIT(count == 1, 1000), "the level did not come");
	CHECK(!bit_seen, "the bit is set for a level");
	CHECK_EQ("ends by writes", by_write, 1);
	host(CALL_IRQ_LINE, PIN, 1, 0, 0);
	CHECK(WAIT(count == 2, 1000), "the level did not come again");
	settled(2, "a level");
	ioapic_route(PIN, 1 << 16);
}

/* What ended by the bit does not keep the next one from ending a halt. */
static void halted(void)
{
	for (u32 i = 1; i <= 5; i++) {
		cli();
		apic_ipi(ICR_SELF | HIGH, 0);
		sti();
		CHECK(WAIT(count == 2 * i - 1, 1000), "the interrupt before the halt did not come");
		cli();
		host_later(10, CALL_MSI, 0xfee00000, HIGH, 0, 0);
		while (count < 2 * i)
			asm volatile("sti; hlt; cli" ::: "memory");
		sti();
	}
	settled(10, "halts");
}

int main(void)
{
	CHECK(cpuid(0x40000001, 0).eax & FEATURE_PV_EOI, "it is not offered");
	set_handler(HIGH, on_high);
	set_handler(LOW, on_low);
	set_handler(LEVEL, on_level);
	apic_enable();
	EXPECT(GP, "the reserved bit", wrmsr(MSR_PV_EOI, (u64)&word | 3));
	CHECK_EQ("the MSR", rdmsr(MSR_PV_EOI), 0);
	wrmsr(MSR_PV_EOI, (u64)&word | 1);
	CHECK_EQ("the MSR", rdmsr(MSR_PV_EOI), (u64)&word | 1);
	sti();

	one_by_one();
	waiting();
	level();
	halted();
	look = true;
	apic_ipi(ICR_SELF | HIGH, 0);
	settled(1, "a look at the APIC");
	look = false;
	round_trip = true;
	apic_ipi(ICR_SELF | HIGH, 0);
	settled(1, "state read and written");
	round_trip = false;
	nest = true;
	apic_ipi(ICR_SELF | LOW, 0);
	settled(2, "nested");
	nest = false;
	ignore = true;
	for (u32 i = 1; i <= 20; i++) {
		apic_ipi(ICR_SELF | HIGH, 0);
		CHECK(WAIT(count == i, 1000), "interrupt %u did not come", i);
	}
	settled(20, "the bit ignored");
	ignore = false;

	wrmsr(MSR_PV_EOI, 0);
	apic_ipi(ICR_SELF | HIGH, 0);
	CHECK(WAIT(count == 1, 1000), "no interrupt after it was switched off");
	CHECK(!bit_seen && by_write == 1, "the bit is set after it was switched off");
	return 0;
}
