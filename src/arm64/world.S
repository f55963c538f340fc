/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Into the guest and back: what runs at EL2 with the guest's registers in the CPU.
 * A host at EL2 (VHE) calls arm64_world_enter() where it lies. For a host at EL1
 * all from arm64_el2 to arm64_el2_end is copied to where EL2 finds it (nvhe.c), so
 * it refers to nothing outside. All exceptions are masked.
 */
#include <linux/linkage.h>
#include <asm/assembler.h>
#include "frame.h"
#include "spectre.h"
#include "world_regs.h"

/* struct user_pt_regs */
#define REGS_SP		248
#define REGS_PC		256

/* The stack below the host's registers x19 to x30. */
#define STACK_REGS	96
#define STACK_EXIT	104
#define STACK_SP_EL0	112
#define STACK_VBAR	120
#define STACK_X18	128
#define STACK_HARDEN	136
#define STACK_SIZE	144

	.text
	.align	11
SYM_CODE_START(arm64_el2)

/*
 * An exception of the host's own between the two: it comes once more, through
 * the host's vectors. (On a host at EL1 there is none: they are masked.)
 */
.macro own_exception
	.align	7
	stp	x0, x1, [sp, #-16]!
	ldr	x0, [sp, #16 + STACK_VBAR]
	msr	vbar_el2, x0
	isb
	ldp	x0, x1, [sp], #16
	eret
.endm

/*
 * Before the first branch that could be predicted: the branch predictors, or the history
 * that they go by, have nothing of the guest's any more.
 */
.macro harden kind
	.if	\kind == HARDEN_WORKAROUND_1 || \kind == HARDEN_WORKAROUND_3
	stp	x2, x3, [sp, #-16]!
	.if	\kind == HARDEN_WORKAROUND_1
	mov	w0, #(SMCCC_WORKAROUND_1 & 0xffff)
	.else
	mov	w0, #(SMCCC_WORKAROUND_3 & 0xffff)
	.endif
	movk	w0, #(SMCCC_WORKAROUND_1 >> 16), lsl #16
	smc	#0
	ldp	x2, x3, [sp], #16
	.elseif	\kind == HARDEN_CLRBHB
	hint	#22			// CLRBHB
	isb
	.elseif	\kind == HARDEN_LOOP
	ldr	x0, [sp, #(16 + STACK_HARDEN)]
	lsr	x0, x0, #HARDEN_KIND_BITS
1:	b	2f
2:	subs	x0, x0, #1
	b.ne	1b
	dsb	nsh
	isb
	.endif
.endm

.macro guest_exception vector, kind
	.align	7
	stp	x0, x1, [sp, #-16]!
	harden	\kind
	mov	x0, #\vector
	b	.Lworld_leave
.endm

.macro vectors kind
	.align	11
	.rept	8			// EL2 itself, by either stack pointer
	own_exception
	.endr
	.rept	2			// a guest in AArch64, in AArch32
	guest_exception 0, \kind
	guest_exception 1, \kind
	guest_exception 2, \kind
	guest_exception 3, \kind
	.endr
.endm

.Lvectors:
	vectors	HARDEN_NONE
	vectors	HARDEN_WORKAROUND_1
	vectors	HARDEN_WORKAROUND_3
	vectors	HARDEN_CLRBHB
	vectors	HARDEN_LOOP
SYM_CODE_END(arm64_el2)

/*
 * unsigned int arm64_world_enter(struct user_pt_regs *regs, struct arm64_exit *exit,
 *				  u64 harden)
 * Answers which vector the guest left by, and fills the first four words of *exit.
 */
SYM_FUNC_START(arm64_world_enter)
	stp	x19, x20, [sp, #-STACK_SIZE]!
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	x0, x1, [sp, #STACK_REGS]
	stp	x18, x2, [sp, #STACK_X18]
	mrs	x3, sp_el0			// the kernel's current task
	mrs	x4, vbar_el2
	stp	x3, x4, [sp, #STACK_SP_EL0]
	adr	x3, .Lvectors
	and	x2, x2, #((1 << HARDEN_KIND_BITS) - 1)
	add	x3, x3, x2, lsl #11
	msr	vbar_el2, x3
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

/* x0: the vector; the guest's x0 and x1 lie on the stack above the rest. */
SYM_CODE_START_LOCAL(arm64_world_leave)
.Lworld_leave:
	ldr	x1, [sp, #16 + STACK_REGS]
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

	ldr	x1, [sp, #STACK_EXIT]
	mrs	x2, esr_el2
	mrs	x3, far_el2
	mrs	x4, hpfar_el2
	stp	x2, x3, [x1]
	str	x4, [x1, #16]
	/*
	 * HPFAR_EL2 has the address of translation and access faults and of the
	 * guest's table walks; of other permission faults the guest's tables have to
	 * tell it (Arm ARM, "HPFAR_EL2"). Its translation regime is still in place. Where
	 * the syndrome has no description of the access, it is the instruction's address
	 * that is asked for.
	 */
	cbnz	x0, 1f
	ubfx	x4, x2, #26, #6			// the class: 0x20, 0x24: aborts
	orr	x4, x4, #4
	cmp	x4, #0x24
	b.ne	1f
	tbnz	x2, #7, 1f			// of a table walk
	ubfx	x4, x2, #2, #4			// 3: permission
	cmp	x4, #3
	b.eq	2f
	tbnz	x2, #24, 1f			// there is a description
	mrs	x3, elr_el2
2:	mrs	x4, par_el1
	at	s1e1r, x3
	isb
	mrs	x5, par_el1
	msr	par_el1, x4
	str	x5, [x1, #24]
1:
	ldp	x2, x3, [sp, #STACK_SP_EL0]
	msr	sp_el0, x2
	msr	vbar_el2, x3
	isb
	ldr	x18, [sp, #STACK_X18]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	x19, x20, [sp], #STACK_SIZE
	ret
SYM_CODE_END(arm64_world_leave)

/* ---- for a host at EL1 ---- */

#define SCTLR_M		(1 << 0)
#define TCR_EPD0	(1 << 7)
#define TCR_EPD1	(1 << 23)
#define HCRX_EL2	s3_4_c1_c2_2
#define ICH_VTR_EL2	s3_4_c12_c11_1

/* ICH_LR<n>_EL2; ICH_AP0R<n>_EL2 and ICH_AP1R<n>_EL2 */
#define EACH_LR_DOWN(what) \
	what(15, s3_4_c12_c13_7) what(14, s3_4_c12_c13_6) what(13, s3_4_c12_c13_5) \
	what(12, s3_4_c12_c13_4) what(11, s3_4_c12_c13_3) what(10, s3_4_c12_c13_2) \
	what(9, s3_4_c12_c13_1) what(8, s3_4_c12_c13_0) what(7, s3_4_c12_c12_7) \
	what(6, s3_4_c12_c12_6) what(5, s3_4_c12_c12_5) what(4, s3_4_c12_c12_4) \
	what(3, s3_4_c12_c12_3) what(2, s3_4_c12_c12_2) what(1, s3_4_c12_c12_1) \
	what(0, s3_4_c12_c12_0)
#define EACH_APR_DOWN(what) \
	what(3, s3_4_c12_c8_3, s3_4_c12_c9_3) what(2, s3_4_c12_c8_2, s3_4_c12_c9_2) \
	what(1, s3_4_c12_c8_1, s3_4_c12_c9_1) what(0, s3_4_c12_c8_0, s3_4_c12_c9_0)

/*
 * The list goes through @count's last registers of one kind, counted down: those
 * before them are jumped over. Each takes @size bytes.
 */
.macro last_of count, size, all
	mov	x4, #\all
	sub	x4, x4, \count
	mov	x5, #\size
	adr	x6, 7f
	madd	x4, x4, x5, x6
	br	x4
7:
.endm

/* A world's registers to and from memory, two at a time: "slot" is where the next one lies. */
.macro save_reg reg
	.if	slot & 8
	mrs	x4, \reg
	stp	x3, x4, [x1, #(slot - 8)]
	.else
	mrs	x3, \reg
	.endif
	.set	slot, slot + 8
.endm

.macro save_last
	.if	slot & 8
	str	x3, [x1, #(slot - 8)]
	.endif
.endm

/* The second of the last two may be none of the world's: it is read only. */
.macro load_reg reg
	.if	slot & 8
	msr	\reg, x4
	.else
	ldp	x3, x4, [x1, #slot]
	msr	\reg, x3
	.endif
	.set	slot, slot + 8
.endm

#define SAVE_REG(name, reg) save_reg reg;
#define LOAD_REG(name, reg) load_reg reg;

/* x1: a world. They leave x0 to x2. */
SYM_CODE_START_LOCAL(arm64_save_all)
.Lsave_all:
	.set	slot, 0
	ARM64_EACH_EL12_REG(SAVE_REG)
	ARM64_EACH_EL1_REG(SAVE_REG)
	ARM64_EACH_FIXED_REG(SAVE_REG)
	ARM64_EACH_OTHER_REG(SAVE_REG)
	save_last
	ret
SYM_CODE_END(arm64_save_all)

SYM_CODE_START_LOCAL(arm64_load_all)
.Lload_all:
	.set	slot, 16
	ARM64_EACH_OTHER_EL12_REG(LOAD_REG)
	ARM64_EACH_EL1_REG(LOAD_REG)
	ARM64_EACH_FIXED_REG(LOAD_REG)
	ARM64_EACH_OTHER_REG(LOAD_REG)
	isb
	ldp	x3, x4, [x1]
	msr	sctlr_el1, x3
	isb
	msr	tcr_el1, x4
	isb
	ret
SYM_CODE_END(arm64_load_all)

/*
 * While the two worlds' registers mix, nothing is to be translated by them: stage 1 is on
 * and its tables are not walked. Some CPUs carry out an AT speculatively that lies
 * anywhere, and keep the translation (Cortex-A55: erratum 1530923, A57: 1319537, A72:
 * 1319367, A76: 1165522). arm64_load_all ends it, when all else is in place. The host's
 * stage 1 is on; a guest's may be off.
 */
.macro stop_walks
	mrs	x3, tcr_el1
	orr	x3, x3, #TCR_EPD0
	orr	x3, x3, #TCR_EPD1
	msr	tcr_el1, x3
	isb
.endm

.macro translate_all
	mrs	x3, sctlr_el1
	orr	x3, x3, #SCTLR_M
	msr	sctlr_el1, x3
	isb
.endm

/*
 * The host's stub has come here: x0 is the frame, x1 TTBR0_EL2, x2 TCR_EL2, x5
 * MAIR_EL2, x6 SCTLR_EL2. Translation is off. EL2 is the stub's again at the end.
 */
SYM_CODE_START(arm64_nvhe_enter)
	mrs	x7, sctlr_el2
	msr	ttbr0_el2, x1
	msr	tcr_el2, x2
	msr	mair_el2, x5
	isb
	msr	sctlr_el2, x6
	isb
	add	sp, x0, #FRAME_END
	mrs	x8, elr_el2
	mrs	x9, spsr_el2
	add	x10, x0, #FRAME_KEPT
	stp	x7, x8, [x10]
	stp	x9, x30, [x10, #16]

	ldr	x3, [x0, #FRAME_FRESH]
	cbnz	x3, .Lfresh
.Lnot_fresh:
	/* Nobody promises that each entry of a window finds the host's stack at one depth. */
	mrs	x3, sp_el1
	str	x3, [x0, #(FRAME_HOST + WORLD_OTHER)]
	ldr	x3, [x0, #FRAME_USED]
	cbz	x3, 1f
	last_of	x3, 8, 16
#define LOAD_LR(n, reg) \
	ldr	x3, [x0, #(FRAME_LR + 8 * n)]; \
	msr	reg, x3;
	EACH_LR_DOWN(LOAD_LR)
1:	stop_walks
	add	x1, x0, #FRAME_GUEST
	bl	.Lload_all
	ldr	x3, [x0, #FRAME_HCRX]
	cbz	x3, 1f
	mrs	x3, HCRX_EL2
	str	x3, [x0, #FRAME_HCRX]
	msr	HCRX_EL2, xzr
1:	isb
	ldr	x3, [x0, #FRAME_FLUSH]
	cbz	x3, 1f
	dsb	ishst
	tlbi	vmalls12e1is
	dsb	ish
	ic	ialluis
	dsb	ish
	isb
1:	ldr	x2, [x0, #FRAME_HARDEN]
	ldp	x0, x1, [x0, #FRAME_VCPU]
	bl	arm64_world_enter

	mov	x12, x0
	sub	x0, sp, #FRAME_END
	add	x1, x0, #FRAME_GUEST
	.set	slot, 0
	ARM64_EACH_EL12_REG(SAVE_REG)
	ARM64_EACH_EL1_REG(SAVE_REG)
	save_last
	.set	slot, WORLD_OTHER
	ARM64_EACH_OTHER_REG(SAVE_REG)
	save_last
	stop_walks
	translate_all
	add	x1, x0, #FRAME_HOST
	bl	.Lload_all
	ldr	x3, [x0, #FRAME_HCRX]
	cbz	x3, 1f
	msr	HCRX_EL2, x3
1:	ldr	x3, [x0, #FRAME_USED]
	cbz	x3, 1f
	last_of	x3, 12, 16
#define SAVE_LR(n, reg) \
	mrs	x3, reg; \
	str	x3, [x0, #(FRAME_LR + 8 * n)]; \
	msr	reg, xzr;
	EACH_LR_DOWN(SAVE_LR)
1:	ldr	x3, [x0, #FRAME_NR_APRS]
	last_of	x3, 16, 4
#define SAVE_APR(n, reg0, reg1) \
	mrs	x3, reg0; \
	str	x3, [x0, #(FRAME_APR + 8 * n)]; \
	mrs	x3, reg1; \
	str	x3, [x0, #(FRAME_APR + 32 + 8 * n)];
	EACH_APR_DOWN(SAVE_APR)

	add	x10, x0, #FRAME_KEPT
	ldp	x7, x8, [x10]
	ldp	x9, x30, [x10, #16]
	msr	elr_el2, x8
	msr	spsr_el2, x9
	mov	x0, x12
	msr	sctlr_el2, x7
	isb
	eret
	dsb	nsh
	isb

	/* What is done once in a window. */
.Lfresh:
	str	xzr, [x0, #FRAME_FRESH]
	ldr	x3, [x0, #FRAME_NR_LRS]
	last_of	x3, 4, 16
#define CLEAR_LR(n, reg) msr reg, xzr;
	EACH_LR_DOWN(CLEAR_LR)
	ldr	x3, [x0, #FRAME_NR_APRS]
	last_of	x3, 16, 4
#define LOAD_APR(n, reg0, reg1) \
	ldr	x3, [x0, #(FRAME_APR + 8 * n)]; \
	msr	reg0, x3; \
	ldr	x3, [x0, #(FRAME_APR + 32 + 8 * n)]; \
	msr	reg1, x3;
	EACH_APR_DOWN(LOAD_APR)
	add	x1, x0, #FRAME_HOST
	bl	.Lsave_all
	/* How many counters are the host's is not for guests to change. */
	ldr	x3, [x0, #(FRAME_HOST + WORLD_MDCR)]
	ldr	x4, [x0, #(FRAME_GUEST + WORLD_MDCR)]
	bfi	x4, x3, #0, #5
	str	x4, [x0, #(FRAME_GUEST + WORLD_MDCR)]
	b	.Lnot_fresh
SYM_CODE_END(arm64_nvhe_enter)

/* Also called through the stub. Nothing of any guest, in any CPU. */
SYM_CODE_START(arm64_nvhe_flush)
	dsb	ishst
	tlbi	alle1is
	dsb	ish
	isb
	eret
SYM_CODE_END(arm64_nvhe_flush)

/* Also called through the stub. Answers ICH_VTR_EL2; EL2's own translations go. */
SYM_CODE_START(arm64_nvhe_probe)
	tlbi	alle2
	dsb	nsh
	isb
	mrs	x0, ICH_VTR_EL2
	eret
SYM_CODE_END(arm64_nvhe_probe)

SYM_CODE_START(arm64_el2_end)
SYM_CODE_END(arm64_el2_end)
