// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: registers, edge and level, masks, remote IRR, destinations.
 * Intel 82093AA data sheet, "I/O Redirection Table Registers".
 */
#include "lib.h"

PROGRAM(.vcpus = 2);

#define PIN	20
#define LEVEL	(1 << 15)
#define MASKED	(1 << 16)
#define REMOTE	(1 << 14)
#define LOW	(1 << 13)

static volatile u32 got[MAX_CPUS];
static volatile bool lower;
static volatile u32 lower_at;

static void on_irq(struct frame *f)
{
	got[this_cpu()]++;
	if (lower || got[0] == lower_at)
		host(CALL_IRQ_LINE, PIN, 0, 0, 0);
	apic_eoi();
}

static void line(int level)
{
	CHECK_EQ("the runner's KVMX_IRQ_LINE", host(CALL_IRQ_LINE, PIN, level, 0, 0).result, 0);
}

static void settle(u32 wanted, const char *what)
{
	WAIT(got[0] >= wanted, 1000);
	sleep_ms(3);
	CHECK(got[0] == wanted, "%s: %u interrupts, not %u", what, got[0], wanted);
}

static void ready(void *unused)
{
	apic_enable();
	sti();
}

int main(void)
{
	u32 low;

	set_handler(0x60, on_irq);
	apic_enable();
	sti();
	smp_start(1);
	run_on(1, ready, NULL);
	wait_for(1);

	CHECK_EQ("the version register's pins", ioapic_read(1) >> 16 & 0xff, 23);
	for (unsigned int pin = 0; pin < 24; pin++)
		CHECK(ioapic_read(0x10 + pin * 2) & MASKED, "pin %u is not masked at reset", pin);
	ioapic_write(0x10 + PIN * 2, 0xffffffff);
	low = ioapic_read(0x10 + PIN * 2);
	CHECK_EQ("bits 12 and 14, which are read-only", low & 0x5000, 0);
	ioapic_write(0, 0x05000000);
	CHECK_EQ("the id register", ioapic_read(0) >> 24 & 15, 5);

	/* Edge. */
	ioapic_route(PIN, 0x60);
	line(1);
	settle(1, "a rising edge");
	line(1);
	settle(1, "a level that stays");
	line(0);
	settle(1, "a falling edge");
	line(1);
	settle(2, "a second rising edge");
	line(0);
	ioapic_route(PIN, MASKED | 0x60);
	line(1);
	settle(2, "an edge while masked");
	line(0);

	/* Level: again and again until the line falls. */
	ioapic_route(PIN, LEVEL | MASKED | 0x60);
	line(1);
	settle(2, "a masked level");
	lower = true;
	ioapic_write(0x10 + PIN * 2, LEVEL | 0x60);
	settle(3, "a level that was unmasked");
	CHECK_EQ("remote IRR after EOI", ioapic_read(0x10 + PIN * 2) & REMOTE, 0);
	lower = false;
	cli();
	line(1);
	CHECK(WAIT(apic_bit(APIC_IRR, 0x60), 1000), "the level is not in IRR");
	CHECK(apic_bit(APIC_TMR, 0x60), "a level-triggered vector is not in TMR");
	CHECK_EQ("remote IRR before EOI", ioapic_read(0x10 + PIN * 2) & REMOTE, REMOTE);
	line(0);
	sti();
	settle(4, "a level that fell before it was served");
	CHECK_EQ("remote IRR after EOI", ioapic_read(0x10 + PIN * 2) & REMOTE, 0);
	/* The line stays up: it interrupts again after each EOI. */
	lower_at = 14;
	line(1);
	settle(14, "a level that stays up for ten interrupts");
	lower_at = 0;

	/* Two CPUs. */
	got[0] = got[1] = 0;
	ioapic_route(PIN, 0x60 | 1ull << 56);
	line(1);
	line(0);
	CHECK(WAIT(got[1] == 1, 1000), "an edge to CPU 1 did not come");
	CHECK_EQ("interrupts at CPU 0", got[0], 0);
	/* Broadcast. */
	ioapic_route(PIN, 0x60 | 0xffull << 56);
	line(1);
	line(0);
	CHECK(WAIT(got[0] == 1 && got[1] == 2, 1000), "a broadcast: %u at CPU 0, %u at CPU 1", got[0],
	      got[1]);
	return 0;
}
