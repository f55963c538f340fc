/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of every CPU of a guest program from real mode (reset or SIPI) to
 * long mode, the tables it needs, the trap stubs, and the ways down to 32-bit
 * and real mode and back.
 */
#include "cpu.h"

	.section .start, "ax"
	.code16
	.globl	start16
start16:
	cli
	ljmp	$0, $entry16

	.section .text16, "ax"
entry16:
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$REAL_STACK, %sp
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	andl	$~(CR0_CD | CR0_NW), %eax
	orl	$CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE32, $entry32

	/* From 16-bit protected mode (see call_real) to real mode. */
leave_protected:
	movw	$SEL_DATA16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	movl	%cr0, %eax
	andl	$~CR0_PE, %eax
	movl	%eax, %cr0
	ljmp	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movl	$REAL_STACK, %esp
	lidtl	real_idt_pointer
	call	*thunk_function
	cli
	xorw	%cx, %cx
	movw	%cx, %ds
	movl	%eax, thunk_result
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orl	$CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE32, $enter_long

	.balign	8
	.globl	gdt_pointer
gdt_pointer:
	.word	GDT_SIZE - 1
	.long	gdt
	.balign	8
real_idt_pointer:
	.word	0x3ff
	.long	0
	.balign	8
	.globl	thunk_function, thunk_result
thunk_function:
	.quad	0
thunk_result:
	.quad	0
thunk_rsp:
	.quad	0
thunk_cr0:
	.quad	0
thunk_cr4:
	.quad	0
	.globl	thunk_cr3
thunk_cr3:
	.quad	0

	.text
	.code32
entry32:
	movw	$SEL_DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	xorw	%ax, %ax
	movw	%ax, %fs
	movw	%ax, %gs
	movl	$(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
	movl	%eax, %cr4
	movl	$boot_pml4, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_LME | EFER_NXE), %eax
	wrmsr
	movl	%cr0, %eax
	orl	$(CR0_PG | CR0_PE | CR0_NE | CR0_MP | CR0_WP), %eax
	andl	$~(CR0_EM | CR0_TS), %eax
	movl	%eax, %cr0
	ljmp	$SEL_CODE64, $entry64

	/* call_real's way back, and call_protected's. */
enter_long:
	movw	$SEL_DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	thunk_cr4, %eax
	movl	%eax, %cr4
	movl	thunk_cr3, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_LME | EFER_NXE), %eax
	wrmsr
	movl	thunk_cr0, %eax
	movl	%eax, %cr0
	ljmp	$SEL_CODE64, $thunk_return

leave_long_real:
	call	leave_long
	ljmp	$SEL_CODE16, $leave_protected

leave_long_protected:
	call	leave_long
	lidt	idt32_pointer
	call	*thunk_function
	cli
	movl	%eax, thunk_result
	/* The function may have switched paging on. */
	movl	%cr0, %eax
	andl	$~CR0_PG, %eax
	movl	%eax, %cr0
	movl	$SEL_DATA, %eax
	movw	%ax, %ds
	movw	%ax, %ss
	lgdt	gdt_pointer
	jmp	enter_long

leave_long:
	popl	%ebx
	movw	$SEL_DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	movl	%cr0, %eax
	andl	$~CR0_PG, %eax
	movl	%eax, %cr0
	movl	$MSR_EFER, %ecx
	rdmsr
	andl	$~EFER_LME, %eax
	wrmsr
	movl	$thunk_stack_top, %esp
	jmp	*%ebx

	/* Traps in 32-bit protected mode: note it, go on at trap32.resume. */
	.balign	32
	.globl	stubs32
stubs32:
	.set	vector, 0
	.rept	32
	.balign	32
	.if	!((1 << vector) & ERROR_CODE_VECTORS)
	pushl	$0
	.endif
	movl	$vector, trap32_vector
	jmp	trap32_common
	.set	vector, vector + 1
	.endr
trap32_common:
	popl	trap32_error
	popl	trap32_eip
	movl	%cr2, %eax
	movl	%eax, trap32_cr2
	movl	trap32_esp, %esp
	jmp	*trap32_resume

	.data
	.balign	8
	.globl	trap32_vector, trap32_error, trap32_eip, trap32_cr2
	.globl	trap32_esp, trap32_resume
trap32_vector:
	.long	0
trap32_error:
	.long	0
trap32_eip:
	.long	0
trap32_cr2:
	.long	0
trap32_esp:
	.long	0
trap32_resume:
	.long	0

	.text
	.code64
entry64:
	movl	$1, %eax
	cpuid
	shrl	$24, %ebx
	movl	%ebx, %edi
	imull	$CPU_STACK, %edi, %eax
	leaq	stacks + CPU_STACK(%rax), %rsp
	xorl	%ebp, %ebp
	movl	$SEL_DATA, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	call	cpu_main
1:	cli
	hlt
	jmp	1b

/* int call_real(void (*function)(void)): calls it in real mode, with all segments 0. */
	.globl	call_real
call_real:
	leaq	leave_long_real(%rip), %rax
	jmp	thunk

/* int call_protected(void (*function)(void)): calls it in 32-bit mode, unpaged. */
	.globl	call_protected
call_protected:
	leaq	leave_long_protected(%rip), %rax
thunk:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
	cli
	movq	%rdi, thunk_function
	movq	%rsp, thunk_rsp
	movq	%cr0, %rdx
	movq	%rdx, thunk_cr0
	movq	%cr3, %rdx
	movq	%rdx, thunk_cr3
	movq	%cr4, %rdx
	movq	%rdx, thunk_cr4
	leaq	thunk_stack_top(%rip), %rsp
	pushq	$SEL_CODE32
	pushq	%rax
	lretq
thunk_return:
	movq	thunk_rsp, %rsp
	movl	$SEL_DATA, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	lidt	idt_pointer
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	movl	thunk_result, %eax
	ret

/*
 * int call_compat(void (*function)(void), unsigned selector): calls it in
 * compatibility mode through a far call; it ends with a far return.
 */
	.globl	call_compat
call_compat:
	pushq	%rbx
	pushq	%rbp
	movq	%rsp, thunk_rsp
	leaq	thunk_stack_top(%rip), %rsp
	subq	$16, %rsp
	movl	%edi, (%rsp)
	movl	%esi, 4(%rsp)
	lcall	*(%rsp)
	movq	thunk_rsp, %rsp
	popq	%rbp
	popq	%rbx
	ret

/* int trap_set(struct trap_buffer *): returns twice, like setjmp. */
	.globl	trap_set
trap_set:
	movq	(%rsp), %rax
	movq	%rax, (%rdi)
	leaq	8(%rsp), %rax
	movq	%rax, 8(%rdi)
	movq	%rbx, 16(%rdi)
	movq	%rbp, 24(%rdi)
	movq	%r12, 32(%rdi)
	movq	%r13, 40(%rdi)
	movq	%r14, 48(%rdi)
	movq	%r15, 56(%rdi)
	xorl	%eax, %eax
	ret

/* With a trap_buffer in %rdi: the second return. */
	.globl	trap_resume
trap_resume:
	movl	$SEL_DATA, %eax
	movw	%ax, %ss
	movw	%ax, %ds
	movw	%ax, %es
	movq	16(%rdi), %rbx
	movq	24(%rdi), %rbp
	movq	32(%rdi), %r12
	movq	40(%rdi), %r13
	movq	48(%rdi), %r14
	movq	56(%rdi), %r15
	movq	8(%rdi), %rsp
	movl	$1, %eax
	jmp	*(%rdi)

/* u64 call_user(u64 (*function)(u64), u64 argument, u64 stack): at CPL 3. */
	.globl	call_user
call_user:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, user_rsp
	movq	%rdi, %rcx
	movq	%rsi, %rdi
	leaq	user_exit(%rip), %rax
	subq	$8, %rdx
	movq	%rax, (%rdx)
	pushq	$(SEL_USER_DATA | 3)
	pushq	%rdx
	pushq	$2
	pushq	$(SEL_USER_CODE64 | 3)
	pushq	%rcx
	iretq
user_exit:
	int	$VECTOR_USER_EXIT
	ud2
	.globl	user_return
user_return:			/* %rdi: the function's value */
	movl	$SEL_DATA, %eax
	movw	%ax, %ss
	movw	%ax, %ds
	movw	%ax, %es
	movq	%rdi, %rax
	movq	user_rsp, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.balign	16
	.globl	stubs
stubs:
	.set	vector, 0
	.rept	32
	.balign	16
	.if	!((1 << vector) & ERROR_CODE_VECTORS)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr
	.rept	224
	.balign	16
	pushq	$0
	pushq	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr
trap_common:
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%r11
	pushq	%r10
	pushq	%r9
	pushq	%r8
	pushq	%rbp
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rbx
	pushq	%rax
	cld
	movq	%rsp, %rdi
	movq	%rsp, %rbx
	andq	$-16, %rsp
	call	trap
	movq	%rbx, %rsp
	popq	%rax
	popq	%rbx
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	popq	%rbp
	popq	%r8
	popq	%r9
	popq	%r10
	popq	%r11
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	addq	$16, %rsp
	iretq

	.data
	.balign	16
	.globl	gdt
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* code, 64-bit */
	.quad	0x00cf93000000ffff	/* data */
	.quad	0x00cf9b000000ffff	/* code, 32-bit */
	.quad	0x00009b000000ffff	/* code, 16-bit */
	.quad	0x000093000000ffff	/* data, 64 KiB */
	.quad	0x00cffb000000ffff	/* user code, 32-bit */
	.quad	0x00cff3000000ffff	/* user data */
	.quad	0x00affb000000ffff	/* user code, 64-bit */
	.fill	(SEL_TSS / 8 - 9), 8, 0	/* for programs */
	.fill	2 * MAX_CPUS, 8, 0
	.equ	GDT_SIZE, . - gdt
	.balign	8
	.globl	idt_pointer
idt_pointer:
	.word	256 * 16 - 1
	.quad	idt
	.balign	8
	.globl	idt32_pointer
idt32_pointer:
	.word	32 * 8 - 1
	.long	idt32
	.balign	8
	.globl	idt32
idt32:
	.skip	32 * 8
user_rsp:
	.quad	0

	/* 4 GiB one to one, in 2 MiB pages, user and writable */
	.balign	4096
	.globl	boot_pml4, boot_pdpt, boot_pd
boot_pml4:
	.quad	boot_pdpt + 7
	.fill	511, 8, 0
boot_pdpt:
	.quad	boot_pd + 7
	.quad	boot_pd + 0x1007
	.quad	boot_pd + 0x2007
	.quad	boot_pd + 0x3007
	.fill	508, 8, 0
boot_pd:
	.set	page, 0
	.rept	2048
	.quad	(page << 21) | 0x87
	.set	page, page + 1
	.endr

	.bss
	.balign	4096
	.globl	stacks, idt
stacks:
	.skip	MAX_CPUS * CPU_STACK
	.skip	4096
thunk_stack_top:
	.balign	4096
idt:
	.skip	256 * 16

	.section .note.GNU-stack, "", @progbits
