/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back, on a host that runs at EL2 (VHE): general registers,
 * SP_EL0, and the vectors that the guest's exits come through. The rest of the
 * switch is enter.c's, which calls this with all exceptions masked.
 */
#include <linux/linkage.h>
#include <asm/assembler.h>

/* struct user_pt_regs */
#define REGS_SP		248
#define REGS_PC		256
#define REGS_PSTATE	264

/* The frame below the host's registers x19 to x30. */
#define FRAME_REGS	96
#define FRAME_SP_EL0	104
#define FRAME_VBAR	112
#define FRAME_X18	120
#define FRAME_SIZE	128

	.text

/*
 * unsigned int arm64_world_enter(struct user_pt_regs *regs, const void *vectors)
 * Answers which vector the guest left by: enum in struct arm64_exit.
 */
SYM_FUNC_START(arm64_world_enter)
	stp	x19, x20, [sp, #-FRAME_SIZE]!
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	mrs	x2, sp_el0			// the kernel's current task
	stp	x0, x2, [sp, #FRAME_REGS]
	mrs	x2, vbar_el1			// with E2H: VBAR_EL2
	stp	x2, x18, [sp, #FRAME_VBAR]
	msr	vbar_el1, x1
	isb

	ldr	x2, [x0, #REGS_SP]
	msr	sp_el0, x2
	ldp	x2, x3, [x0, #REGS_PC]
	msr	elr_el2, x2
	msr	spsr_el2, x3

	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	eret
	/* Nothing behind it is to be speculated. */
	dsb	nsh
	isb
SYM_FUNC_END(arm64_world_enter)

/* x0: the vector; the guest's x0 and x1 lie on the stack above the frame. */
SYM_CODE_START_LOCAL(arm64_world_leave)
	ldr	x1, [sp, #16 + FRAME_REGS]
	stp	x2, x3, [x1, #16]
	stp	x4, x5, [x1, #32]
	stp	x6, x7, [x1, #48]
	stp	x8, x9, [x1, #64]
	stp	x10, x11, [x1, #80]
	stp	x12, x13, [x1, #96]
	stp	x14, x15, [x1, #112]
	stp	x16, x17, [x1, #128]
	stp	x18, x19, [x1, #144]
	stp	x20, x21, [x1, #160]
	stp	x22, x23, [x1, #176]
	stp	x24, x25, [x1, #192]
	stp	x26, x27, [x1, #208]
	stp	x28, x29, [x1, #224]
	str	x30, [x1, #240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x1]
	mrs	x2, sp_el0
	str	x2, [x1, #REGS_SP]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x1, #REGS_PC]

	ldp	x2, x18, [sp, #FRAME_VBAR]
	msr	vbar_el1, x2
	ldr	x2, [sp, #FRAME_SP_EL0]
	msr	sp_el0, x2
	isb
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	x19, x20, [sp], #FRAME_SIZE
	ret
SYM_CODE_END(arm64_world_leave)

/*
 * An exception of the host's own between the two: it comes once more, through
 * the host's vectors.
 */
.macro own_exception
	.align	7
	stp	x0, x1, [sp, #-16]!
	ldr	x0, [sp, #16 + FRAME_VBAR]
	msr	vbar_el1, x0
	isb
	ldp	x0, x1, [sp], #16
	eret
.endm

.macro guest_exception vector
	.align	7
	stp	x0, x1, [sp, #-16]!
	mov	x0, #\vector
	b	arm64_world_leave
.endm

	.align	11
SYM_CODE_START(arm64_vectors)
	.rept	8			// EL2 itself, by either stack pointer
	own_exception
	.endr
	.rept	2			// a guest in AArch64, in AArch32
	guest_exception 0
	guest_exception 1
	guest_exception 2
	guest_exception 3
	.endr
SYM_CODE_END(arm64_vectors)

/* void arm64_fp_save(struct user_fpsimd_state *fp), and back: all 32 registers of 128 bits. */
SYM_FUNC_START(arm64_fp_save)
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x0, #64]
	stp	q6, q7, [x0, #96]
	stp	q8, q9, [x0, #128]
	stp	q10, q11, [x0, #160]
	stp	q12, q13, [x0, #192]
	stp	q14, q15, [x0, #224]
	stp	q16, q17, [x0, #256]
	stp	q18, q19, [x0, #288]
	stp	q20, q21, [x0, #320]
	stp	q22, q23, [x0, #352]
	stp	q24, q25, [x0, #384]
	stp	q26, q27, [x0, #416]
	stp	q28, q29, [x0, #448]
	stp	q30, q31, [x0, #480]
	mrs	x1, fpsr
	mrs	x2, fpcr
	str	w1, [x0, #512]
	str	w2, [x0, #516]
	ret
SYM_FUNC_END(arm64_fp_save)

SYM_FUNC_START(arm64_fp_load)
	ldp	q0, q1, [x0]
	ldp	q2, q3, [x0, #32]
	ldp	q4, q5, [x0, #64]
	ldp	q6, q7, [x0, #96]
	ldp	q8, q9, [x0, #128]
	ldp	q10, q11, [x0, #160]
	ldp	q12, q13, [x0, #192]
	ldp	q14, q15, [x0, #224]
	ldp	q16, q17, [x0, #256]
	ldp	q18, q19, [x0, #288]
	ldp	q20, q21, [x0, #320]
	ldp	q22, q23, [x0, #352]
	ldp	q24, q25, [x0, #384]
	ldp	q26, q27, [x0, #416]
	ldp	q28, q29, [x0, #448]
	ldp	q30, q31, [x0, #480]
	ldr	w1, [x0, #512]
	ldr	w2, [x0, #516]
	msr	fpsr, x1
	msr	fpcr, x2
	ret
SYM_FUNC_END(arm64_fp_load)
