/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands where a kernel image has its decompressor: goes from 32-bit protected mode (or
 * 64-bit mode), as the boot loader leaves the processor, to the entry of the unpacked
 * kernel behind it. What either side wants: Linux, Documentation/arch/x86/boot.rst, "32-bit Boot
 * Protocol" and "64-bit Boot Protocol".  Put together by lib/unpacked.sh.
 */
	.code32
	.globl	_start
_start:			/* %esi: boot_params; interrupts off, flat segments */
	cli
	lgdt	gdt_pointer
	movl	%cr4, %eax
	orl	$(1 << 5), %eax		/* PAE */
	movl	%eax, %cr4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orl	$(1 << 8), %eax		/* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$(1 << 31 | 1 << 0), %eax
	movl	%eax, %cr0
	ljmp	$0x10, $1f

	.code64
1:	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%esi, %esi
	movl	$KERNEL_ENTRY, %eax
	jmp	*%rax

	.org	0x200		/* the 64-bit entry; %rsi: boot_params */
	movl	$KERNEL_ENTRY, %eax
	jmp	*%rax

	.balign	8
gdt:
	.quad	0, 0
	.quad	0x00af9b000000ffff	/* 0x10: code, 64-bit */
	.quad	0x00cf93000000ffff	/* 0x18: data */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	/* The first GiB one to one, in 2 MiB pages. */
	.balign	4096
pml4:
	.quad	pdpt + 3
	.fill	511, 8, 0
pdpt:
	.quad	pd + 3
	.fill	511, 8, 0
pd:
	.set	page, 0
	.rept	512
	.quad	(page << 21) | 0x83
	.set	page, page + 1
	.endr
	.section .note.GNU-stack, "", @progbits
