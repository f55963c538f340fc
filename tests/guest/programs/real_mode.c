// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real mode: segment arithmetic, interrupts through the vector table, 32-bit
 * operands and addresses, exceptions, and "big real mode" segments.
 * AMD APM vol. 2, "Real Mode"; vol. 3, INT, IRET.
 * Segment limits are not looked at: QEMU's TCG does not enforce them.
 */
#include "lib.h"

PROGRAM();

extern volatile u32 r_linear, r_flags_in, r_flags_after, r_from_int, r_cs_pushed, r_ip_ok;
extern volatile u32 r_de, r_bp, r_of, r_ud, r_big, r_string, r_far, r_wrap, r_loop;

asm(
"	.section .text16, \"ax\"\n"
"	.code16\n"
"	.globl	real_test\n"
"real_test:\n"
"	pushal\n"
/* 0x6000:0x234 and 0x6020:0x34 are the same byte */
"	movw	$0x6000, %ax\n"
"	movw	%ax, %es\n"
"	movl	$0x12345678, %es:0x234\n"
"	movw	$0x6020, %ax\n"
"	movw	%ax, %es\n"
"	movl	%es:0x34, %eax\n"
"	movl	%eax, r_linear\n"
/* INT 0x40 clears IF and pushes flags, CS and IP of the next instruction */
"	movw	$int40, 0x40 * 4\n"
"	movw	$0, 0x40 * 4 + 2\n"
"	pushfl\n"
"	popl	%eax\n"
"	movl	$0x1111, %ebx\n"
"	stc\n"
"	int	$0x40\n"
"1:	pushfl\n"
"	popl	r_flags_after\n"
"	movl	%ebx, r_from_int\n"
"	movw	$1b, %ax\n"
"	cmpw	%ax, int40_ip\n"
"	sete	r_ip_ok\n"
/* exceptions through the table */
"	movw	$skip2, 0 * 4\n"
"	movw	$0, 0 * 4 + 2\n"
"	movl	$0, except_count\n"
"	xorw	%cx, %cx\n"
"	movw	$7, %ax\n"
"	xorw	%dx, %dx\n"
"	divw	%cx\n"
"	movl	except_count, %eax\n"
"	movl	%eax, r_de\n"
"	movw	$count_only, 3 * 4\n"
"	movw	$0, 3 * 4 + 2\n"
"	movl	$0, except_count\n"
"	int3\n"
"	movl	except_count, %eax\n"
"	movl	%eax, r_bp\n"
"	movw	$count_only, 4 * 4\n"
"	movw	$0, 4 * 4 + 2\n"
"	movl	$0, except_count\n"
"	into\n"
"	movb	$0x7f, %al\n"
"	addb	$1, %al\n"
"	into\n"
"	movl	except_count, %eax\n"
"	movl	%eax, r_of\n"
"	movw	$skip2, 6 * 4\n"
"	movw	$0, 6 * 4 + 2\n"
"	movl	$0, except_count\n"
"	ud2\n"
"	movl	except_count, %eax\n"
"	movl	%eax, r_ud\n"
/* string copy between segments */
"	movw	$0x6100, %ax\n"
"	movw	%ax, %es\n"
"	movw	$0x6000, %ax\n"
"	movw	%ax, %ds\n"
"	movl	$0xcafe1234, 0x100\n"
"	movw	$0x100, %si\n"
"	movw	$0x200, %di\n"
"	movw	$4, %cx\n"
"	cld\n"
"	rep movsb\n"
"	xorw	%ax, %ax\n"
"	movw	%ax, %ds\n"
"	movl	%es:0x200, %eax\n"
"	movl	%eax, r_string\n"
/* far call to the same code through another segment */
"	movw	$0, r_far\n"
"	lcall	$0x10, $(far_function - 0x100)\n"
/* loop, with 16-bit CX */
"	movl	$0x50010, %ecx\n"
"	xorl	%eax, %eax\n"
"1:	incl	%eax\n"
"	loopw	1b\n"
"	movl	%eax, r_loop\n"
/* big real mode: a 4 GiB limit survives the way back to real mode */
"	lgdtl	gdt_pointer\n"
"	movl	%cr0, %eax\n"
"	orb	$1, %al\n"
"	movl	%eax, %cr0\n"
"	movw	$0x10, %bx\n"
"	movw	%bx, %fs\n"
"	andb	$0xfe, %al\n"
"	movl	%eax, %cr0\n"
"	movl	$0x180000, %esi\n"
"	movl	$0xb16b00b5, %fs:(%esi)\n"
"	movl	%fs:(%esi), %eax\n"
"	movl	%eax, r_big\n"
"	popal\n"
"	movl	$0x600d, %eax\n"
"	ret\n"
"far_function:\n"
"	movw	%cs, %ax\n"
"	movw	%ax, r_far\n"
"	lret\n"
"int40:\n"
"	pushfl\n"
"	popl	r_flags_in\n"
"	pushw	%bp\n"
"	movw	%sp, %bp\n"
"	movw	2(%bp), %ax\n"
"	movw	%ax, int40_ip\n"
"	movw	4(%bp), %ax\n"
"	movw	%ax, r_cs_pushed\n"
"	popw	%bp\n"
"	movl	$0x2222, %ebx\n"
"	iretw\n"
"skip2:\n"			/* both faulting instructions have two bytes */
"	pushw	%bp\n"
"	movw	%sp, %bp\n"
"	addw	$2, 2(%bp)\n"
"	popw	%bp\n"
"count_only:\n"
"	incl	except_count\n"
"	iretw\n"
"	.balign	4\n"
"except_count:	.long 0\n"
"int40_ip:	.long 0\n"
"	.globl r_linear, r_flags_in, r_flags_after, r_from_int, r_cs_pushed, r_ip_ok, r_de, r_bp\n"
"	.globl r_of, r_ud, r_big, r_string, r_far, r_loop\n"
"r_linear:	.long 0\n"
"r_flags_in:	.long 0\n"
"r_flags_after:	.long 0\n"
"r_from_int:	.long 0\n"
"r_cs_pushed:	.long 0\n"
"r_ip_ok:	.long 0\n"
"r_de:		.long 0\n"
"r_bp:		.long 0\n"
"r_of:		.long 0\n"
"r_ud:		.long 0\n"
"r_big:		.long 0\n"
"r_string:	.long 0\n"
"r_far:		.long 0\n"
"r_loop:	.long 0\n"
"	.text\n"
"	.code64\n");

void real_test(void);

int main(void)
{
	*(volatile u32 *)0x180000 = 0;
	CHECK_EQ("the function's value", call_real(real_test), 0x600d);
	CHECK_EQ("a segmented access", r_linear, 0x12345678);
	CHECK_EQ("IF in the handler", r_flags_in & RFLAGS_IF, 0);
	CHECK_EQ("CF after IRET", r_flags_after & RFLAGS_CF, RFLAGS_CF);
	CHECK_EQ("EBX from the handler", r_from_int, 0x2222);
	CHECK_EQ("the pushed CS", r_cs_pushed, 0);
	CHECK_EQ("the pushed IP is the next instruction's", r_ip_ok, 1);
	CHECK_EQ("#DE count", r_de, 1);
	CHECK_EQ("#BP count", r_bp, 1);
	CHECK_EQ("#OF count", r_of, 1);
	CHECK_EQ("#UD count", r_ud, 1);
	CHECK_EQ("string copy", r_string, 0xcafe1234);
	CHECK_EQ("CS in the far function", r_far & 0xffff, 0x10);
	CHECK_EQ("16-bit LOOP", r_loop, 0x10);
	CHECK_EQ("big real mode read", r_big, 0xb16b00b5);
	CHECK_EQ("big real mode write", *(volatile u32 *)0x180000, 0xb16b00b5);
	return 0;
}
