/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch of VT-x: from the host into the guest and back (Intel SDM
 * volume 3, "VM Entries" and "VM Exits"). Called by vmx_enter() only.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/msr-index.h>
#include <asm/segment.h>

#include <kvmx/return_stack.h>
#include "vmx/vmcs.h"

#ifndef RET
#define RET ret
#endif
#ifndef ENDBR
#define ENDBR
#endif

/* The feature has had three names; without any the host's kernel offers no such mitigation. */
#if defined(X86_FEATURE_CLEAR_BHB_VMEXIT)
#define BHB_FEATURE X86_FEATURE_CLEAR_BHB_VMEXIT
#elif defined(X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT)
#define BHB_FEATURE X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#endif

#define GPR(n) ((n) * 8)

	.text

/*
 * bool vmx_switch(u64 *gpr, u64 *host_rsp, u64 flags, u64 host_spec_ctrl)
 *
 * @gpr: the guest's general registers in encoding order; RSP is in the VMCS
 * instead. @host_rsp: what the VMCS has as the host's stack. @flags: SWITCH_*.
 * True when the CPU refused to enter with this VMCS. Interrupts are off on
 * entry, in the guest (where they end it), and on return.
 */
SYM_FUNC_START(vmx_switch)
	push %rbp
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbx

	push %rcx
	push %rdx
	push %rdi

	cmp %rsp, (%rsi)
	je .Lrsp_known
	mov %rsp, (%rsi)
	mov $VMCS_HOST_RSP, %eax
	vmwrite %rsp, %rax
.Lrsp_known:

	mov GPR(0)(%rdi), %rax
	mov GPR(1)(%rdi), %rcx
	mov GPR(2)(%rdi), %rdx
	mov GPR(3)(%rdi), %rbx
	mov GPR(5)(%rdi), %rbp
	mov GPR(6)(%rdi), %rsi
	mov GPR(8)(%rdi), %r8
	mov GPR(9)(%rdi), %r9
	mov GPR(10)(%rdi), %r10
	mov GPR(11)(%rdi), %r11
	mov GPR(12)(%rdi), %r12
	mov GPR(13)(%rdi), %r13
	mov GPR(14)(%rdi), %r14
	mov GPR(15)(%rdi), %r15
	mov GPR(7)(%rdi), %rdi

	/* What the host has left in the CPU's buffers is not for the guest. */
	btl $SWITCH_VERW, 8(%rsp)
	jnc .Lno_verw
	verw vmx_verw_selector(%rip)
.Lno_verw:
	btl $SWITCH_RESUME, 8(%rsp)
	jc .Lresume
	vmlaunch
	jmp .Lback
.Lresume:
	vmresume
.Lback:
	/*
	 * VM exits arrive here with all flags clear, an instruction that failed
	 * sets CF or ZF (Intel SDM, "VMX Instruction Conventions"). All registers
	 * but RSP are the guest's.
	 */
SYM_INNER_LABEL(vmx_switch_exit, SYM_L_GLOBAL)
	ENDBR
	xchg %rdi, (%rsp)		/* gpr, the guest's RDI in its place */
	mov %rax, GPR(0)(%rdi)
	mov %rcx, GPR(1)(%rdi)
	mov %rdx, GPR(2)(%rdi)
	mov %rbx, GPR(3)(%rdi)
	mov %rbp, GPR(5)(%rdi)
	mov %rsi, GPR(6)(%rdi)
	mov %r8, GPR(8)(%rdi)
	mov %r9, GPR(9)(%rdi)
	mov %r10, GPR(10)(%rdi)
	mov %r11, GPR(11)(%rdi)
	mov %r12, GPR(12)(%rdi)
	mov %r13, GPR(13)(%rdi)
	mov %r14, GPR(14)(%rdi)
	mov %r15, GPR(15)(%rdi)
	setbe %bl
	pop %rsi
	mov %rsi, GPR(7)(%rdi)

	/*
	 * The guest has trained the branch predictors; nothing below may follow
	 * it, and no value of the guest stays in a register. No return comes
	 * before the host's IA32_SPEC_CTRL is back, whatever is predicted.
	 */
	fill_return_stack
	pop %rsi			/* flags */
	pop %rax			/* host_spec_ctrl */
	bt $SWITCH_SPEC_CTRL, %esi
	jnc .Lspec_ctrl_kept
	mov %rax, %rdx
	shr $32, %rdx
	mov $MSR_IA32_SPEC_CTRL, %ecx
	wrmsr
.Lspec_ctrl_kept:
	lfence

	movzbl %bl, %ebx
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %ebp, %ebp
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
#ifdef BHB_FEATURE
	ALTERNATIVE "", "call vmx_clear_bhb", BHB_FEATURE
#endif
	mov %ebx, %eax

	pop %rbx
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	pop %rbp
	RET
SYM_FUNC_END(vmx_switch)

#ifdef BHB_FEATURE
/*
 * More taken branches than the branch history holds, so that none of the
 * guest's are left in it (Intel, "Branch History Injection"). Uses RAX, RCX.
 */
SYM_FUNC_START_LOCAL(vmx_clear_bhb)
	mov $12, %ecx
.Lbhb_outer:
	mov $8, %eax
	jmp .Lbhb_inner
.Lbhb_inner:
	jmp .Lbhb_count
.Lbhb_count:
	sub $1, %eax
	jnz .Lbhb_inner
	sub $1, %ecx
	jnz .Lbhb_outer
	lfence
	RET
SYM_FUNC_END(vmx_clear_bhb)
#endif

	.section .rodata
	.balign 2
vmx_verw_selector:
	.word __KERNEL_DS

	.section .note.GNU-stack, "", @progbits
