/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests that debug themselves, are debugged by user space, or write nonsense
 * into all debug registers (guest.h).
 */
#include "guest.h"

	.section .rodata

	.macro	VECTORS name, to
	.balign	2048
\name:
	.rept	16
	.balign	128
	b	\to
	.endr
	.endm

/*
 * BRK, a breakpoint, the same under the OS lock, a watchpoint, four single steps of
 * which two are of emulated instructions. The handler reports the exception's class,
 * then the address of a watchpoint or how far the steps have come.
 */
GUEST guest_debugger
	adr	x0, debugger_vectors
	msr	vbar_el1, x0
	isb
	msr	oslar_el1, xzr
	mov	w23, #0
	brk	#7

	adr	x0, 2f
	msr	dbgbvr0_el1, x0
	mov	x0, #0x1e3			/* EL1, four bytes, enabled */
	msr	dbgbcr0_el1, x0
	mov	x0, #0xa000			/* MDE, KDE */
	msr	mdscr_el1, x0
	msr	daifclr, #8
	isb
	bl	4f
	mov	x0, #1
	msr	oslar_el1, x0
	isb
	bl	4f
	msr	oslar_el1, xzr
	msr	dbgbcr0_el1, xzr

	mov	x1, #0x100000
	msr	dbgwvr0_el1, x1
	mov	x0, #0x1ffb			/* EL1, loads and stores, eight bytes, enabled */
	msr	dbgwcr0_el1, x0
	isb
	str	x0, [x1]
	str	x0, [x1, #8]
	msr	dbgwcr0_el1, xzr
	mov	w5, #5
	REPORT	w5

	msr	daifset, #8
	mov	x0, #0x2001			/* KDE, SS */
	msr	mdscr_el1, x0
	isb
	adr	x25, 3f
	msr	elr_el1, x25
	mov	x0, #0x1c5			/* EL1, debug exceptions not masked */
	orr	x0, x0, #1 << 21
	msr	spsr_el1, x0
	eret
3:	mov	w5, #3
	REPORT	w5
	mrs	x6, mdscr_el1
	mov	w5, #4
	DONE

4:	mov	w5, #0
2:	mov	w5, #1
	REPORT	w5
	ret

debugger_handler:
	mrs	x20, esr_el1
	lsr	x20, x20, #26
	REPORT	w20
	mrs	x21, elr_el1
	cmp	w20, #0x33
	b.eq	2f
	cmp	w20, #0x35
	b.ne	1f
	mrs	x22, far_el1
	REPORT	w22
1:	add	x21, x21, #4
	msr	elr_el1, x21
	eret
2:	sub	x22, x21, x25
	REPORT	w22
	mrs	x22, spsr_el1
	orr	x22, x22, #1 << 21
	msr	spsr_el1, x22
	add	w23, w23, #1
	cmp	w23, #4
	b.ne	3f
	msr	mdscr_el1, xzr
3:	eret
	VECTORS	debugger_vectors, debugger_handler
END guest_debugger

/* What user space stops at: debug.c knows where each instruction is. */
GUEST guest_debugged
	mov	x1, #1
	mov	x2, #2
	brk	#5				/* 0x08 */
	mov	x3, #3				/* 0x0c */
	str	x3, [x4]			/* 0x10 */
	REPORT	w3				/* 0x14 */
	mov	x5, #5				/* 0x18 */
	DONE
debugged_handler:
	mrs	x20, esr_el1
	mrs	x21, elr_el1
	add	x21, x21, #4
	msr	elr_el1, x21
	eret
	VECTORS	debugged_vectors, debugged_handler		/* 0x800 */
END guest_debugged

/* x0: ones, or the state of a random sequence. */
	.macro	ALL_ONES n
	msr	s2_0_c0_c\n\()_4, x0
	msr	s2_0_c0_c\n\()_5, x0
	msr	s2_0_c0_c\n\()_6, x0
	msr	s2_0_c0_c\n\()_7, x0
	.endm

	.macro	ANYTHING n
	eor	x0, x0, x0, lsl #13
	eor	x0, x0, x0, lsr #7
	eor	x0, x0, x0, lsl #17
	and	x1, x0, #0xffc
	orr	x2, x0, #1
	msr	s2_0_c0_c\n\()_4, x1
	msr	s2_0_c0_c\n\()_5, x2
	ror	x2, x2, #32
	msr	s2_0_c0_c\n\()_6, x3
	orr	x2, x2, #1
	msr	s2_0_c0_c\n\()_7, x2
	.endm

/*
 * All ones in all registers, also in those that are not there; then 64 rounds of random
 * values, so of all types, links to whatever and reserved fields, with all switched on.
 * Reports how many registers were undefined.
 */
GUEST guest_nonsense
	adr	x0, nonsense_vectors
	msr	vbar_el1, x0
	isb
	msr	oslar_el1, xzr
	mov	w24, #0
	mov	x3, #0x100000
	mov	x0, #-1
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ALL_ONES \n
	.endr
	REPORT	w24
	msr	mdscr_el1, x0
	msr	daifclr, #8
	isb
	str	x0, [x3]
	msr	mdscr_el1, xzr
	msr	daifset, #8
	isb
	mov	w4, #64
1:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ANYTHING \n
	.endr
	orr	x1, x0, #0x8000
	msr	mdscr_el1, x1
	msr	daifclr, #8
	isb
	str	x0, [x3]
	ldr	x1, [x3]
	msr	mdscr_el1, xzr
	msr	daifset, #8
	isb
	subs	w4, w4, #1
	b.ne	1b
	REPORT	w4
	DONE
nonsense_handler:
	mrs	x20, esr_el1
	lsr	x20, x20, #26
	mrs	x21, elr_el1
	cbz	w20, 2f
	cmp	w20, #0x33
	b.eq	3f
	msr	mdscr_el1, xzr
	eret
2:	add	x21, x21, #4
	msr	elr_el1, x21
	add	w24, w24, #1
	eret
3:	mrs	x21, spsr_el1
	orr	x21, x21, #1 << 21
	msr	spsr_el1, x21
	eret
	VECTORS	nonsense_vectors, nonsense_handler
END guest_nonsense
