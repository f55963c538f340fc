// SPDX-License-Identifier: GPL-2.0-only
/*
 * Priorities: TPR and CR8 hold interrupts off, PPR, nesting, and the order in
 * which EOIs end what is in service.
 * Intel SDM vol. 3, "Interrupt, Task, and Processor Priority"; AMD APM vol. 2,
 * "Task Priority Register (CR8)".
 *
 * A write of CR8 clears the TPR's sub-class. AMD-V, which gives the guest a CR8 of
 * its own, does not tell of a write that leaves the class as it is: in-tree KVM
 * loses the sub-class at any exit, kvmx keeps it until the class changes.
 */
#include "lib.h"

PROGRAM();

static volatile u32 order[16], count, depth, deepest;

static void note(struct frame *f)
{
	order[count++ % 16] = f->vector;
}

static void on_plain(struct frame *f)
{
	note(f);
	apic_eoi();
}

/* Lets higher ones in while it runs. */
static void on_nesting(struct frame *f)
{
	note(f);
	if (++depth > deepest)
		deepest = depth;
	if (f->vector == 0x50) {
		CHECK(apic_bit(APIC_ISR, 0x50), "0x50 is not in service in its handler");
		CHECK_EQ("PPR in the handler", apic_read(APIC_PPR) & 0xf0, 0x50);
		apic_ipi(ICR_SELF | ICR_ASSERT | 0x40, 0);
		apic_ipi(ICR_SELF | ICR_ASSERT | 0x58, 0);
		apic_ipi(ICR_SELF | ICR_ASSERT | 0x70, 0);
		sti();
		asm volatile("nop; nop");
		cli();
		CHECK_EQ("interrupts inside", count, 2);
		CHECK_EQ("which", order[1], 0x70);
		CHECK(apic_bit(APIC_IRR, 0x58), "0x58, of the same class, did not wait");
		CHECK(apic_bit(APIC_IRR, 0x40), "0x40, lower, did not wait");
	}
	depth--;
	apic_eoi();
}

static void self(u32 vector)
{
	apic_ipi(ICR_SELF | ICR_ASSERT | vector, 0);
}

int main(void)
{
	for (int i = 0x30; i < 0x90; i++)
		set_handler(i, on_plain);
	apic_enable();
	sti();

	for (u32 cr8 = 0; cr8 < 16; cr8++) {
		write_cr8(cr8);
		CHECK_EQ("CR8", read_cr8(), cr8);
		CHECK_EQ("TPR", apic_read(APIC_TPR), cr8 << 4);
		CHECK_EQ("PPR", apic_read(APIC_PPR), cr8 << 4);
		apic_write(APIC_TPR, (15 - cr8) << 4);
		CHECK_EQ("CR8 from TPR", read_cr8(), 15 - cr8);
	}
	write_cr8(0);

	/* Held while CR8 is at or above the class, delivered when it falls below. */
	for (u32 class = 3; class < 9; class++) {
		count = 0;
		write_cr8(class);
		self(class << 4 | 3);
		asm volatile("nop; nop");
		CHECK_EQ("interrupts held by CR8", count, 0);
		CHECK(apic_bit(APIC_IRR, class << 4 | 3), "a held interrupt is not in IRR");
		write_cr8(class - 1);
		asm volatile("nop");
		CHECK_EQ("interrupts after CR8 fell", count, 1);
		/* The same through the APIC's register. */
		apic_write(APIC_TPR, class << 4 | 15);
		self(class << 4);
		sleep_ms(1);
		CHECK_EQ("interrupts held by TPR", count, 1);
		apic_write(APIC_TPR, (class - 1) << 4 | 15);
		asm volatile("nop");
		CHECK_EQ("interrupts after TPR fell", count, 2);
		write_cr8(0);
	}

	/* A higher one passes a held one. */
	count = 0;
	write_cr8(5);
	self(0x44);
	self(0x66);
	asm volatile("nop");
	CHECK_EQ("interrupts above CR8", count, 1);
	CHECK_EQ("which", order[0], 0x66);
	write_cr8(0);
	asm volatile("nop");
	CHECK_EQ("which came at last", order[1], 0x44);

	/* Several at once: highest first. */
	cli();
	count = 0;
	self(0x35);
	self(0x81);
	self(0x52);
	self(0x36);
	sti();
	WAIT(count == 4, 500);
	cli();
	CHECK_EQ("interrupts", count, 4);
	CHECK(order[0] == 0x81 && order[1] == 0x52 && order[2] == 0x36 && order[3] == 0x35,
	      "in the order 0x%x 0x%x 0x%x 0x%x", order[0], order[1], order[2], order[3]);
	/* The same vector twice before it is taken is one interrupt. */
	count = 0;
	self(0x35);
	self(0x35);
	sti();
	sleep_ms(2);
	CHECK_EQ("interrupts of one vector sent twice", count, 1);

	/* Nesting. */
	count = 0;
	for (int i = 0x30; i < 0x90; i++)
		set_handler(i, on_nesting);
	self(0x50);
	WAIT(count == 4, 500);
	cli();
	CHECK_EQ("interrupts in all", count, 4);
	CHECK_EQ("how deep they nested", deepest, 2);
	CHECK(order[0] == 0x50 && order[1] == 0x70 && order[2] == 0x58 && order[3] == 0x40,
	      "in the order 0x%x 0x%x 0x%x 0x%x", order[0], order[1], order[2], order[3]);
	for (u32 i = 0; i < 8; i++)
		CHECK_EQ("ISR at last", apic_read(APIC_ISR + i * 16), 0);
	return 0;
}
