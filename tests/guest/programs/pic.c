// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two 8259 PICs: masks, priorities, edge and level, ISR and IRR, specific
 * and automatic EOI, the slave.
 * Intel 8259A data sheet; ELCR: PIIX4, "Edge/Level Control Registers".
 */
#include "lib.h"

PROGRAM();

static volatile u32 order[16], count;
static volatile bool eoi = true;
static volatile u32 lower_at;

static void on_irq(struct frame *f)
{
	order[count++ % 16] = f->vector - 0x20;
	if (count == lower_at)
		host(CALL_IRQ_LINE, f->vector - 0x20, 0, 0, 0);
	if (!eoi)
		return;
	if (f->vector >= 0x28)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

static void line(u32 irq, u32 level)
{
	CHECK_EQ("the runner's KVMX_IRQ_LINE", host(CALL_IRQ_LINE, irq, level, 0, 0).result, 0);
}

static void pulse(u32 irq)
{
	line(irq, 1);
	line(irq, 0);
}

static void window(void)
{
	sti();
	for (int i = 0; i < 4; i++)
		asm volatile("nop; nop; nop");
	sleep_ms(1);
	cli();
}

static u8 irr(u16 port)
{
	outb(port, 0x0a);
	return inb(port);
}

static u8 isr(u16 port)
{
	outb(port, 0x0b);
	return inb(port);
}

int main(void)
{
	for (int i = 0x20; i < 0x30; i++)
		set_handler(i, on_irq);
	apic_enable();
	apic_write(APIC_LVT_LINT0, 0x700);
	pic_init(0x20);
	CHECK_EQ("the mask", inb(0x21), 0xff);

	/* Masked: latched, delivered when unmasked. */
	line(3, 1);
	window();
	CHECK_EQ("interrupts while masked", count, 0);
	CHECK_EQ("IRR", irr(0x20) & 8, 8);
	outb(0x21, 0xf7);
	window();
	CHECK_EQ("interrupts after unmasking", count, 1);
	CHECK_EQ("which", order[0], 3);
	line(3, 0);
	window();
	CHECK_EQ("interrupts of one edge", count, 1);

	/* Priorities: 1 before 3 before 5; slave's at 2. */
	outb(0x21, 0x01);
	outb(0xa1, 0);
	count = 0;
	line(5, 1);
	line(3, 1);
	line(1, 1);
	line(12, 1);
	line(9, 1);
	window();
	CHECK_EQ("interrupts", count, 5);
	CHECK(order[0] == 1 && order[1] == 9 && order[2] == 12 && order[3] == 3 && order[4] == 5,
	      "in the order %u %u %u %u %u", order[0], order[1], order[2], order[3], order[4]);
	line(5, 0);
	line(3, 0);
	line(1, 0);
	line(12, 0);
	line(9, 0);

	/* Without EOI lower ones wait, higher ones come. */
	count = 0;
	eoi = false;
	line(4, 1);
	window();
	CHECK_EQ("interrupts", count, 1);
	CHECK_EQ("ISR", isr(0x20), 0x10);
	line(6, 1);
	window();
	CHECK_EQ("a lower one during service: interrupts", count, 1);
	line(3, 1);
	window();
	CHECK_EQ("a higher one during service: interrupts", count, 2);
	CHECK_EQ("ISR", isr(0x20), 0x18);
	outb(0x20, 0x64);		/* specific EOI of 4 */
	CHECK_EQ("ISR after a specific EOI", isr(0x20), 0x08);
	window();
	CHECK_EQ("a lower one still waits: interrupts", count, 2);
	outb(0x20, 0x20);		/* ends 3 */
	window();
	CHECK_EQ("interrupts", count, 3);
	CHECK_EQ("which", order[2], 6);
	outb(0x20, 0x20);
	CHECK_EQ("ISR at last", isr(0x20), 0);
	line(3, 0);
	line(4, 0);
	line(6, 0);

	/* The slave needs both. */
	count = 0;
	pulse(10);
	window();
	/* An edge that fell before it was taken is gone, or counts as spurious (7 of the slave). */
	outb(0xa0, 0x20);
	outb(0x20, 0x20);
	count = 0;
	line(10, 1);
	window();
	CHECK_EQ("interrupts", count, 1);
	CHECK_EQ("which", order[0], 10);
	CHECK_EQ("the slave's ISR", isr(0xa0), 4);
	CHECK_EQ("the master's ISR", isr(0x20), 4);
	outb(0xa0, 0x20);
	outb(0x20, 0x20);
	line(10, 0);

	/* Automatic EOI, on the master. */
	outb(0x20, 0x11);
	outb(0x21, 0x20);
	outb(0x21, 4);
	outb(0x21, 3);
	outb(0x21, 0x01);
	count = 0;
	line(4, 1);
	window();
	CHECK_EQ("interrupts", count, 1);
	CHECK_EQ("ISR with automatic EOI", isr(0x20), 0);
	line(4, 0);
	pic_init(0x20);

	/* Level: again until the line falls. */
	eoi = true;
	outb(0x4d0, 1 << 5);
	CHECK_EQ("ELCR", inb(0x4d0), 1 << 5);
	outb(0x21, 0xdf);
	count = 0;
	lower_at = 5;
	line(5, 1);
	sti();
	CHECK(WAIT(count >= 5, 1000), "a level interrupted %u times", count);
	window();
	CHECK_EQ("interrupts after the level fell", count, 5);
	/* Lines 0, 1, 2 cannot be level. */
	outb(0x4d0, 0xff);
	CHECK_EQ("ELCR's writable bits", inb(0x4d0), 0xf8);
	outb(0x4d1, 0xff);
	CHECK_EQ("the slave's", inb(0x4d1), 0xde);
	return 0;
}
