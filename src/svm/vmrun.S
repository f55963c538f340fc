/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch of AMD-V: from the host into the guest and back (AMD APM
 * volume 2, "VMRUN Instruction" and "#VMEXIT"). Called by svm_enter() only.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/msr-index.h>
#include <asm/segment.h>
#include <kvmx/return_stack.h>

#ifndef RET
#define RET ret
#endif

#define GPR(n) ((n) * 8)

	.text

/*
 * void svm_vmrun(u64 *gpr, u64 vmcb_pa, u64 host_pa, u32 spec_ctrl, u32 host_spec_ctrl)
 *
 * @gpr: the guest's general registers in encoding order; RAX and RSP are in
 * the VMCB instead. @vmcb_pa: its VMCB. @host_pa: where VMSAVE has put this
 * CPU's segment state. @spec_ctrl, @host_spec_ctrl: IA32_SPEC_CTRL for the guest
 * and after it; equal where the CPU has none. Interrupts are off on entry and on return; between, GIF
 * is clear but for the guest, and RFLAGS.IF set so that a host interrupt ends
 * the guest ("Virtual Interrupts", V_INTR_MASKING).
 */
SYM_FUNC_START(svm_vmrun)
	push %rbp
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbx

	push %r8
	push %rcx
	push %rdx
	push %rsi
	push %rdi

	cmp %ecx, %r8d
	je .Lguest_spec_ctrl
	mov %ecx, %eax
	mov $MSR_IA32_SPEC_CTRL, %ecx
	xor %edx, %edx
	wrmsr
.Lguest_spec_ctrl:
	mov %rsi, %rax
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
	ALTERNATIVE "jmp .Lno_verw", "", X86_FEATURE_CLEAR_CPU_BUF_VM
	verw svm_verw_selector(%rip)
.Lno_verw:
	clgi
	sti
	vmload %rax
	vmrun %rax
	vmsave %rax
	/* RAX is the VMCB's address again, RSP the host's; all else is the guest's. */

	xchg %rdi, (%rsp)		/* gpr, the guest's RDI in its place */
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
	pop %rsi
	mov %rsi, GPR(7)(%rdi)

	pop %rsi			/* vmcb_pa, not needed any more */
	pop %rax			/* host_pa */
	vmload %rax
	cli

	/*
	 * The guest has trained the branch predictors; nothing below may follow
	 * it, nor an NMI that STGI lets in, and no value of the guest stays in a
	 * register.
	 */
	fill_return_stack
	pop %rcx			/* spec_ctrl */
	pop %rax			/* host_spec_ctrl */
	cmp %ecx, %eax
	je .Lhost_spec_ctrl
	mov $MSR_IA32_SPEC_CTRL, %ecx
	xor %edx, %edx
	wrmsr
.Lhost_spec_ctrl:
	CALL_UNTRAIN_RET
	ALTERNATIVE_2 "jmp .Lno_ibpb", "", X86_FEATURE_ENTRY_IBPB, "", X86_FEATURE_IBPB_ON_VMEXIT
	mov $MSR_IA32_PRED_CMD, %ecx
	mov $PRED_CMD_IBPB, %eax
	xor %edx, %edx
	wrmsr
.Lno_ibpb:
	stgi
	xor %eax, %eax
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d

	pop %rbx
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	pop %rbp
	RET
SYM_FUNC_END(svm_vmrun)

	.section .rodata
	.balign 2
svm_verw_selector:
	.word __KERNEL_DS

	.section .note.GNU-stack, "", @progbits
