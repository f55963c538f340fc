/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest code of interrupts.c, its.c and kill.c (guest.h): what needs a GICv3 and timers. An
 * interrupt reports its number and counts in x28; the device's store at 0x300
 * raises SPI 40, at 0x304 lowers it.
 */
#define GICD		0x08000000
#define GICD_ISENABLER1	0x104
#define GICD_IROUTER40	0x6140
#define GICR_SGI_FRAME	0x080b0000
#define ISENABLER0	0x100

#define ICC_PMR		s3_0_c4_c6_0
#define ICC_IAR1	s3_0_c12_c12_0
#define ICC_EOIR1	s3_0_c12_c12_1
#define ICC_SGI1R	s3_0_c12_c11_5
#define ICC_IGRPEN1	s3_0_c12_c12_7

#include "guest.h"

	/* One that counts its interrupts. */
	.macro	INTERRUPTED name
	GUEST	\name
	mov	x19, #0x20000000
	mov	x28, #0
	.endm

	/* The CPU takes interrupts of any priority. */
	.macro	TAKE_INTERRUPTS
	mov	x1, #0xf0
	msr	ICC_PMR, x1
	mov	x1, #1
	msr	ICC_IGRPEN1, x1
	isb
	msr	daifclr, #2
	.endm

	/* Private interrupts of \mask and SPI 40, to CPU 0; the CPU takes all of them. */
	.macro	GIC_ON vectors, mask
	adr	x0, \vectors
	msr	vbar_el1, x0
	ldr	x0, =GICD
	mov	w1, #2
	str	w1, [x0]
	mov	w1, #0x100
	str	w1, [x0, #GICD_ISENABLER1]
	add	x1, x0, #0x6000
	str	xzr, [x1, #(GICD_IROUTER40 - 0x6000)]
	ldr	x0, =GICR_SGI_FRAME
	ldr	w1, =\mask
	str	w1, [x0, #ISENABLER0]
	TAKE_INTERRUPTS
	.endm

	/* Waits until \n interrupts came. */
	.macro	AWAIT n
1:	cmp	x28, #\n
	b.ge	2f
	wfi
	b	1b
2:
	.endm

	/* The timers are switched off, the line of SPI 40 is lowered. */
	.macro	VECTORS name
	.ltorg
	.balign	2048
\name:
	.rept	5
	.balign	128
	mov	w20, #0xbad
	REPORT	w20
	DONE
	.endr
	.balign	128
	mrs	x20, ICC_IAR1
	REPORT	w20
	msr	cntv_ctl_el0, xzr
	msr	cntp_ctl_el0, xzr
	str	wzr, [x19, #0x304]
	add	x28, x28, #1
	msr	ICC_EOIR1, x20
	eret
	.balign	128
	.endm

	.section .rodata

/* The virtual timer twice, by WFI and in a loop, then the physical one. */
INTERRUPTED guest_timers
	GIC_ON	timers_vectors, 0x48000000
	mrs	x0, cntfrq_el0
	lsr	x0, x0, #6
	msr	cntv_tval_el0, x0
	mov	x1, #1
	msr	cntv_ctl_el0, x1
	AWAIT	1
	msr	cntv_tval_el0, x0
	msr	cntv_ctl_el0, x1
3:	cmp	x28, #2
	b.ne	3b
	msr	cntp_tval_el0, x0
	msr	cntp_ctl_el0, x1
	AWAIT	3
	DONE
	VECTORS timers_vectors
END guest_timers

/* An SGI to itself, an SPI, an SPI that stays up until it is lowered. */
INTERRUPTED guest_lines
	GIC_ON	lines_vectors, 0xffff
	ldr	x0, =(5 << 24 | 1)
	msr	ICC_SGI1R, x0
	AWAIT	1
	str	wzr, [x19, #0x300]
	AWAIT	2
	str	wzr, [x19, #0x300]
	AWAIT	3
	DONE
	VECTORS lines_vectors
END guest_lines

/* CPU 0 starts CPU 1, sends it an SGI, and hears of it by one of its own. */
INTERRUPTED guest_two
	GIC_ON	two_vectors, 0xffff
	msr	daifset, #2		/* its SGI may come before the second call */
	ldr	x0, =0xc4000003
	mov	x1, #1
	adr	x2, second
	mov	x3, #0x77
	hvc	#0
	REPORT	w0
	ldr	x0, =0xc4000003
	mov	x1, #1
	hvc	#0
	REPORT	w0
	msr	daifclr, #2
	AWAIT	1
	ldr	x0, =(3 << 24 | 2)
	msr	ICC_SGI1R, x0
	AWAIT	2
	/* AFFINITY_INFO, until it is off. */
1:	ldr	x0, =0xc4000004
	mov	x1, #1
	mov	x2, #0
	hvc	#0
	cmp	x0, #1
	b.ne	1b
	DONE
second:
	mov	x19, #0x20000000
	mov	x28, #0
	REPORT	w0
	adr	x0, two_vectors
	msr	vbar_el1, x0
	ldr	x0, =(GICR_SGI_FRAME + 0x20000)
	mov	w1, #0xffff
	str	w1, [x0, #ISENABLER0]
	TAKE_INTERRUPTS
	ldr	x0, =(7 << 24 | 1)
	msr	ICC_SGI1R, x0
	AWAIT	1
	ldr	x0, =(8 << 24 | 1)
	msr	ICC_SGI1R, x0
	/* Off: comes back to user space never. */
	ldr	x0, =0x84000002
	hvc	#0
	mov	w0, #0xbad
	REPORT	w0
	VECTORS two_vectors
END guest_two

/*
 * For kill.c: stores to 256 pages at x21 and a doorbell, SGIs to two CPUs, a device
 * that nobody answers, without end.
 */
INTERRUPTED guest_busy
	GIC_ON	busy_vectors, 0xffff
3:	mov	x0, x21
	mov	x1, #256
	add	x2, x19, #1, lsl #12
4:	str	x1, [x0]
	str	w1, [x2]
	add	x0, x0, #4096
	subs	x1, x1, #1
	b.ne	4b
	ldr	x0, =(7 << 24 | 3)
	msr	ICC_SGI1R, x0
	REPORT	wzr
	b	3b
	VECTORS busy_vectors
END guest_busy

/*
 * For its.c: does what a list at x21 says, of three words each: what to do, an
 * address, a value.
 */
INTERRUPTED guest_script
	adr	x0, script_vectors
	msr	vbar_el1, x0
	TAKE_INTERRUPTS
1:	ldp	x0, x1, [x21], #16
	ldr	x2, [x21], #8
	adr	x3, 2f
	add	x3, x3, x0, lsl #4
	br	x3
	.balign	16
2:	b	6f			/* 0: the end */
	.balign	16
	str	w2, [x1]		/* 1: store 32 bits */
	b	1b
	.balign	16
	str	x2, [x1]		/* 2: store 64 bits */
	b	1b
	.balign	16
3:	ldr	x3, [x1]		/* 3: until the load of 64 bits gives the value */
	cmp	x3, x2
	b.ne	3b
	b	1b
	.balign	16
	ldr	w3, [x1]		/* 4: report 32 bits */
	REPORT	w3
	b	1b
	.balign	16
4:	cmp	x28, x2			/* 5: so many interrupts came */
	b.ge	1b
	wfi
	b	4b
6:	DONE
	VECTORS script_vectors
END guest_script
