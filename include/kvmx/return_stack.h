/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the assembler, in both units' world switches: the CPU's return stack
 * buffer after a guest has run. The kernel's own FILL_RETURN_BUFFER does the
 * same in a loop, at half as many instructions again.
 */
#ifndef KVMX_RETURN_STACK_H
#define KVMX_RETURN_STACK_H

#include <asm/nospec-branch.h>

/* No CPU predicts more returns than this. */
#define RETURN_STACK_SIZE	32

	/* A return that is predicted from here on runs into the trap. */
	.macro	return_stack_slot
	ANNOTATE_INTRA_FUNCTION_CALL
	call	.Lslot\@
	int3
.Lslot\@:
	.endm

	/* As far as the host has decided that this CPU needs it. Needs 256 bytes of stack. */
	.macro	fill_return_stack
#ifdef X86_FEATURE_RSB_VMEXIT_LITE
	ALTERNATIVE_2 "jmp .Lfilled\@", "", X86_FEATURE_RSB_VMEXIT, \
		"jmp .Llite\@", X86_FEATURE_RSB_VMEXIT_LITE
#else
	ALTERNATIVE "jmp .Lfilled\@", "", X86_FEATURE_RSB_VMEXIT
#endif
	.rept	RETURN_STACK_SIZE
	return_stack_slot
	.endr
	add	$(8 * RETURN_STACK_SIZE), %rsp
	lfence
#ifdef X86_FEATURE_RSB_VMEXIT_LITE
	jmp	.Lfilled\@
.Llite\@:
	return_stack_slot
	add	$8, %rsp
	lfence
#endif
.Lfilled\@:
	.endm

#endif
