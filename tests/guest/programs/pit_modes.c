// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254's channel 2 with its gate and the speaker's port, in modes 0 to 5; BCD;
 * channel 0's interrupts in modes 0, 2, 3 and 4 through the I/O APIC.
 * Intel 8254 data sheet, "Mode Definitions".
 */
#include "lib.h"

PROGRAM(.seconds = 60);

static volatile u32 ticks;

static void on_tick(struct frame *f)
{
	ticks++;
	apic_eoi();
}

static void start(u8 channel, u8 mode, u16 count)
{
	outb(0x43, channel << 6 | 0x30 | mode << 1);
	outb(0x40 + channel, count);
	outb(0x40 + channel, count >> 8);
}

static u16 latch(u8 channel)
{
	u16 low;

	outb(0x43, channel << 6);
	low = inb(0x40 + channel);
	return low | inb(0x40 + channel) << 8;
}

static bool out(void)
{
	return inb(0x61) & 0x20;
}

static u64 began;

static void begin(u8 mode, u16 count)
{
	began = rdtsc();
	start(2, mode, count);
}

/* The host may have been away for as long as 40000 counts take, 33 ms. */
static bool late(void)
{
	return rdtsc() - began > 25ull * header.tsc_khz;
}

static u16 settled(void)
{
	latch(2);
	return latch(2);
}

static void gate(void)
{
	u16 a, b;

	/* Mode 0: the gate stops the count, and lets it go on. Not so in in-tree KVM. */
	outb(0x61, 0);
	begin(0, 40000);
	a = settled();
	sleep_ms(5);
	b = latch(2);
	CHECK(a == b || header.in_tree, "mode 0 with the gate shut counted from %u to %u", a, b);
	outb(0x61, 1);
	CHECK_EQ("port 0x61", inb(0x61) & 3, 1);
	begin(0, 40000);
	a = settled();
	CHECK(!out() || late(), "mode 0: OUT is high before its end");
	sleep_ms(5);
	b = latch(2);
	CHECK(b < a || late(), "mode 0 with the gate open counted from %u to %u", a, b);
	CHECK(WAIT(out(), 2000), "mode 0: OUT does not rise");

	/* Mode 2 and 3: opening the gate begins anew. OUT is high while it is shut. */
	for (u8 mode = 2; mode <= 3; mode++) {
		outb(0x61, 1);
		start(2, mode, 60000);
		sleep_ms(3);
		outb(0x61, 0);
		CHECK(out() || header.in_tree, "mode %u: OUT is low while the gate is shut", mode);
		began = rdtsc();
		outb(0x61, 1);
		a = latch(2);
		CHECK(a > 30000 || late(), "mode %u: after the gate opened the count is %u", mode, a);
	}
	/* The speaker's data bit holds. */
	outb(0x61, 3);
	CHECK_EQ("port 0x61", inb(0x61) & 3, 3);
	outb(0x61, 0);
	CHECK_EQ("port 0x61", inb(0x61) & 3, 0);
	/* The refresh bit moves. */
	a = inb(0x61) & 0x10;
	CHECK(WAIT((inb(0x61) & 0x10) != a, 1000), "the refresh bit stands still");
}

/* Mode 1: nothing before the gate rises, a pulse then, and again. */
static void trigger(void)
{
	outb(0x61, 0);
	start(2, 1, 40000);
	CHECK(out(), "mode 1: OUT is low before the trigger");
	for (int i = 0; i < 2; i++) {
		began = rdtsc();
		outb(0x61, 1);
		CHECK(!out() || late(), "mode 1: OUT is high after the trigger");
		CHECK(WAIT(out(), 2000), "mode 1: OUT does not rise");
		outb(0x61, 0);
	}
}

static void interrupts(void)
{
	u32 before;

	set_handler(0x60, on_tick);
	apic_enable();
	outb(0x21, 0xff);
	/* IRQ 0 is GSI 0 here, with no override to 2. */
	ioapic_route(0, 0x60);
	sti();
	/* Mode 0: one. */
	ticks = 0;
	start(0, 0, 5000);
	CHECK(WAIT(ticks == 1, 2000), "mode 0: %u interrupts", ticks);
	sleep_ms(20);
	CHECK_EQ("mode 0: interrupts at last", ticks, 1);
	/* Mode 4: one, too. */
	ticks = 0;
	start(0, 4, 5000);
	CHECK(WAIT(ticks == 1, 2000), "mode 4: %u interrupts", ticks);
	sleep_ms(20);
	CHECK_EQ("mode 4: interrupts at last", ticks, 1);
	/* Modes 2 and 3: again and again, until another control word stops them. */
	for (u8 mode = 2; mode <= 3; mode++) {
		ticks = 0;
		start(0, mode, 2386);
		CHECK(WAIT(ticks >= 25, 5000), "mode %u: %u interrupts", mode, ticks);
		outb(0x43, 0x30);
		sleep_ms(10);
		before = ticks;
		sleep_ms(20);
		/* In-tree KVM's go on until there is one. */
		CHECK(ticks == before || header.in_tree,
		      "mode %u: %u interrupts after a control word without a count", mode,
		      ticks - before);
	}
	/* HLT between ticks. */
	ticks = 0;
	start(0, 2, 1193);
	while (ticks < 30)
		asm volatile("cli; cmpl $30, %0; jae 1f; sti; hlt; 1: sti" :: "m"(ticks) : "memory");
	outb(0x43, 0x30);
	checks++;
	cli();
}

static void bcd(void)
{
	u16 a;

	outb(0x61, 1);
	outb(0x43, 0xb5);		/* channel 2, both bytes, mode 2, BCD */
	outb(0x42, 0x00);
	outb(0x42, 0x50);		/* 5000 */
	for (int i = 0; i < 100; i++) {
		a = latch(2);
		CHECK(a <= 0x5000 && (a & 0xf) < 10 && (a >> 4 & 0xf) < 10 && (a >> 8 & 0xf) < 10,
		      "a BCD count of 0x%x", a);
	}
}

int main(void)
{
	gate();
	/* In-tree KVM's OUT stays high. */
	if (!header.in_tree)
		trigger();
	interrupts();
	/* In-tree KVM counts in binary. */
	if (!header.in_tree)
		bcd();
	return 0;
}
