/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest code of main.c (guest.h). */
#include "guest.h"

	/* Vectors that step over the instruction and leave the syndrome in x20. */
	.macro	VECTORS name
	.balign	2048
\name:
	.rept	16
	.balign	128
	mrs	x20, esr_el1
	mrs	x21, elr_el1
	mrs	x22, far_el1
	add	x21, x21, #4
	msr	elr_el1, x21
	eret
	.endr
	.endm

	.section .rodata

GUEST guest_hello
	mov	w0, #42
	REPORT	w0
	DONE
END guest_hello

/* Loads and stores of every size; main.c answers loads with 0xfedcba9876543280. */
GUEST guest_mmio
	mov	x0, #0x5678
	movk	x0, #0x1234, lsl #16
	movk	x0, #0x9abc, lsl #32
	movk	x0, #0xdef0, lsl #48
	strb	w0, [x19, #0x200]
	strh	w0, [x19, #0x200]
	str	w0, [x19, #0x200]
	str	x0, [x19, #0x200]
	ldrb	w1, [x19, #0x200]
	bl	tell
	ldrsb	w1, [x19, #0x200]
	bl	tell
	ldrsb	x1, [x19, #0x200]
	bl	tell
	ldrh	w1, [x19, #0x200]
	bl	tell
	ldrsh	x1, [x19, #0x200]
	bl	tell
	ldr	w1, [x19, #0x200]
	bl	tell
	ldrsw	x1, [x19, #0x200]
	bl	tell
	ldr	x1, [x19, #0x200]
	bl	tell
	ldr	wzr, [x19, #0x200]
	DONE
tell:
	REPORT	w1
	lsr	x1, x1, #32
	REPORT	w1
	ret
END guest_mmio

/* Those that the CPU does not describe: of two registers, and with writeback. */
GUEST guest_pairs
	mov	x0, #1
	mov	x1, #2
	add	x2, x19, #0x200
	stp	x0, x1, [x2]
	str	w1, [x2], #8
	ldr	x3, [x2, #8]!
	ldp	w4, w5, [x2], #-16
	sub	x2, x2, x19
	REPORT	w2
	REPORT	w3
	REPORT	w4
	REPORT	w5
	add	x7, x19, #0x220
	mov	sp, x7
	strh	w0, [sp, #2]!
	mov	x7, sp
	sub	x7, x7, x19
	REPORT	w7
	DONE
END guest_pairs

/* x0 to x3 of HVC and SMC come from main.c; both report x0. */
GUEST guest_hvc
	mov	x20, x0
	hvc	#0
	REPORT	w0
	mov	x0, x20
	smc	#0
	REPORT	w0
	mov	x0, x20
	hvc	#7
	REPORT	w0
	DONE
END guest_hvc

GUEST guest_off
	mov	x0, #0x8
	movk	x0, #0x8400, lsl #16
	hvc	#0
	mov	w0, #99
	REPORT	w0
	DONE
END guest_off

/* Identification, trapped registers that exist, and ones that do not. */
GUEST guest_sysregs
	adr	x0, sysregs_vectors
	msr	vbar_el1, x0
	isb
	mrs	x0, id_aa64pfr0_el1
	REPORT	w0
	lsr	x0, x0, #32
	REPORT	w0
	mrs	x0, mpidr_el1
	REPORT	w0
	mrs	x0, id_aa64dfr0_el1
	REPORT	w0
	mov	x0, #0x55
	msr	mdscr_el1, x0
	mrs	x0, mdscr_el1
	REPORT	w0
	msr	oslar_el1, x0
	mrs	x0, oslsr_el1
	REPORT	w0
	mrs	x0, s3_0_c0_c7_7		/* reserved: reads as zero */
	REPORT	w0
	mov	x20, #0
	mrs	x0, s3_3_c9_c12_0		/* PMCR_EL0: no PMU */
	lsr	x20, x20, #26
	add	x20, x20, #0x100
	REPORT	w20
	mov	x20, #1
	lsl	x20, x20, #30
	mrs	x0, s3_0_c5_c3_0		/* ERRIDR_EL1: no RAS */
	lsr	x20, x20, #26
	add	x20, x20, #0x100
	REPORT	w20
	mov	x20, #1
	lsl	x20, x20, #30
	mrs	x0, s3_0_c10_c4_4		/* MPAM: none */
	lsr	x20, x20, #26
	add	x20, x20, #0x100
	REPORT	w20
	mov	x20, #1
	lsl	x20, x20, #30
	msr	s3_0_c2_c1_0, x0		/* APIAKeyLo_EL1: no pointer authentication */
	lsr	x20, x20, #26
	add	x20, x20, #0x100
	REPORT	w20
	DONE
	VECTORS sysregs_vectors
END guest_sysregs

/* Memory: a word in each of 1024 pages from 1 MiB on, twice; then where none is. */
GUEST guest_memory
	adr	x0, memory_vectors
	msr	vbar_el1, x0
	isb
	mov	x0, #0x100000
	mov	x1, #1024
1:	str	x1, [x0]
	add	x0, x0, #4096
	subs	x1, x1, #1
	b.ne	1b
	mov	x0, #0x100000
	mov	x1, #1024
	mov	x2, #0
1:	ldr	x3, [x0]
	add	x2, x2, x3
	add	x0, x0, #4096
	subs	x1, x1, #1
	b.ne	1b
	REPORT	w2
	DONE
	VECTORS memory_vectors
END guest_memory

/* Floating-point registers over exits to user space. */
GUEST guest_fp
	mov	x0, #3 << 20
	msr	cpacr_el1, x0
	isb
	mov	x0, #0x1111
	dup	v0.2d, x0
	mov	x0, #0x3131
	dup	v31.2d, x0
	REPORT	wzr
	umov	x0, v0.d[1]
	REPORT	w0
	umov	x0, v31.d[0]
	REPORT	w0
	DONE
END guest_fp

/* Counts until main.c stops it. */
GUEST guest_spin
	REPORT	wzr
1:	add	x1, x1, #1
	b	1b
END guest_spin

/* Fetches an instruction where no memory is: an external abort, which is reported. */
GUEST guest_nowhere
	adr	x0, nowhere_vectors
	msr	vbar_el1, x0
	isb
	adr	x21, 2f
	mov	x0, #0x30000000
	br	x0
2:	REPORT	w20
	DONE
	.balign	2048
nowhere_vectors:
	.rept	16
	.balign	128
	mrs	x20, esr_el1
	msr	elr_el1, x21
	eret
	.endr
END guest_nowhere
