/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loops that are measured on arm64, copied to guest memory at 0 by vm.c: x27
 * rounds, x21 memory, x19 the device, whose store of 64 bits at 0 tells how many
 * ticks of the counter the rounds took and ends the run.
 */
#define GICD		0x08000000
#define GICR_SGI_FRAME	0x080b0000
#define ISENABLER0	0x100
#define ICC_PMR		s3_0_c4_c6_0
#define ICC_IAR1	s3_0_c12_c12_0
#define ICC_EOIR1	s3_0_c12_c12_1
#define ICC_SGI1R	s3_0_c12_c11_5
#define ICC_IGRPEN1	s3_0_c12_c12_7

	.macro	GUEST name
	.balign	4096
	.globl	\name
\name:
	ldr	x22, =GICD
	.endm

	.macro	END name
	.ltorg
	.balign	2048
\name\()_vectors:
	.rept	5
	.balign	128
	b	.
	.endr
	.balign	128
	mrs	x23, ICC_IAR1
	msr	cntv_ctl_el0, xzr
	add	x28, x28, #1
	msr	ICC_EOIR1, x23
	eret
	.balign	128
	.globl	\name\()_end
\name\()_end:
	.endm

	.macro	BEGIN
	isb
	mrs	x24, cntvct_el0
1:
	.endm

	.macro	REPEAT
	subs	x27, x27, #1
	b.ne	1b
	isb
	mrs	x25, cntvct_el0
	sub	x25, x25, x24
	str	x25, [x19]
	b	.
	.endm

	/* The controller, and this CPU's interface; its redistributor is at \redist. */
	.macro	GIC_ON name, redist
	mov	x28, #0
	adr	x0, \name\()_vectors
	msr	vbar_el1, x0
	mov	w1, #2
	str	w1, [x22]
	ldr	x0, =\redist
	ldr	w1, =0x0800ffff
	str	w1, [x0, #ISENABLER0]
	mov	x1, #0xf0
	msr	ICC_PMR, x1
	mov	x1, #1
	msr	ICC_IGRPEN1, x1
	isb
	.endm

	.section .rodata

GUEST guest_hypercall
	BEGIN
	ldr	w0, =0x84000000		/* PSCI_VERSION */
	hvc	#0
	REPEAT
END guest_hypercall

GUEST guest_mmio_kernel
	BEGIN
	ldr	w1, [x22, #8]		/* GICD_IIDR */
	REPEAT
END guest_mmio_kernel

GUEST guest_mmio_write
	BEGIN
	str	w1, [x19, #0x200]
	REPEAT
END guest_mmio_write

GUEST guest_mmio_read
	BEGIN
	ldr	w1, [x19, #0x200]
	REPEAT
END guest_mmio_read

GUEST guest_touch
	BEGIN
	str	x1, [x21]
	add	x21, x21, #4096
	REPEAT
END guest_touch

GUEST guest_timer
	GIC_ON	guest_timer, GICR_SGI_FRAME
	msr	daifclr, #2
	mov	x20, #1
	BEGIN
	mov	x28, #0
	msr	cntv_tval_el0, xzr
	msr	cntv_ctl_el0, x20
2:	cbz	x28, 2b
	REPEAT
END guest_timer

GUEST guest_ipi_self
	GIC_ON	guest_ipi_self, GICR_SGI_FRAME
	msr	daifclr, #2
	ldr	x20, =(7 << 24 | 1)
	BEGIN
	mov	x28, #0
	msr	ICC_SGI1R, x20
2:	cbz	x28, 2b
	REPEAT
END guest_ipi_self

	/* An interrupt that comes while they are masked ends the WFI, too. */
	.macro	AWAIT
2:	wfi
	msr	daifclr, #2
	isb
	msr	daifset, #2
	cbz	x28, 2b
	mov	x28, #0
	.endm

/* CPU 0 asks by an SGI, CPU 1 answers by another; both sleep meanwhile. x26: which CPU. */
GUEST guest_ipi_sleeping
	cbnz	x26, second
	GIC_ON	guest_ipi_sleeping, GICR_SGI_FRAME
	ldr	x20, =(7 << 24 | 2)
	BEGIN
	msr	ICC_SGI1R, x20
	AWAIT
	REPEAT
second:
	GIC_ON	guest_ipi_sleeping, (GICR_SGI_FRAME + 0x20000)
	ldr	x20, =(7 << 24 | 1)
3:	AWAIT
	msr	ICC_SGI1R, x20
	b	3b
END guest_ipi_sleeping
