// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PIT's interrupts through the PIC in real mode, as a BIOS uses them.
 * Intel 8259A and 8254 data sheets.
 */
#include "lib.h"

PROGRAM();

extern volatile u32 ticks, slave_ticks;
void real_timer(void);

asm(
"	.section .text16, \"ax\"\n"
"	.code16\n"
"	.globl	real_timer, ticks\n"
"real_timer:\n"
"	movw	$on_tick, 8 * 4\n"
"	movw	$0, 8 * 4 + 2\n"
"	movb	$0xfe, %al\n"
"	outb	%al, $0x21\n"
"	movb	$0x34, %al\n"		/* channel 0, both bytes, mode 2 */
"	outb	%al, $0x43\n"
"	movb	$0xa9, %al\n"		/* 1193: about 1 kHz */
"	outb	%al, $0x40\n"
"	movb	$4, %al\n"
"	outb	%al, $0x40\n"
"1:	sti\n"
"	hlt\n"
"	cli\n"
"	cmpl	$50, ticks\n"
"	jb	1b\n"
"	movb	$0xff, %al\n"
"	outb	%al, $0x21\n"
"	movl	ticks, %eax\n"
"	ret\n"
"on_tick:\n"
"	pushw	%ax\n"
"	incl	ticks\n"
"	movb	$0x20, %al\n"
"	outb	%al, $0x20\n"
"	popw	%ax\n"
"	iretw\n"
"	.balign	4\n"
"ticks:	.long 0\n"
"	.text\n"
"	.code64\n");

int main(void)
{
	u64 start, end;
	int count;

	apic_enable();
	apic_write(APIC_LVT_LINT0, 0x700);
	pic_init(8);
	start = host(CALL_NOW, 0, 0, 0, 0).a;
	count = call_real(real_timer);
	/* Ticks that a late host owes come one behind the other, before CLI. */
	CHECK(count >= 50 && count < 100, "%d ticks", count);
	end = host(CALL_NOW, 0, 0, 0, 0).a;
	/* No upper bound that a loaded host could break. */
	CHECK(end - start > 25000000, "50 ticks of 1 ms took %lu us", (end - start) / 1000);
	return 0;
}
