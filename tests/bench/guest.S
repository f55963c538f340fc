/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest runs: one loop for each kind of exit, once for real mode and
 * once for 64-bit mode. bench.c copies all of it to GUEST_CODE and starts a
 * vCPU at one of the labels: EBP says how many rounds, ESI which address.
 */
#include "bench.h"

	.macro	begin
	rdtsc
	mov	%eax, %edi
	.endm

	/* Tells the ticks since begin, and is never resumed. */
	.macro	end
	rdtsc
	sub	%edi, %eax
	out	%eax, $PORT_DONE
	.endm

	.macro	loop name, bits
	.globl	guest_\name\()_\bits
guest_\name\()_\bits:
	begin
1:
	.endm

	.macro	again
	dec	%ebp
	jnz	1b
	end
	.endm

	.macro	loops bits, si
	.code\bits

	loop	cpuid, \bits
	mov	$1, %eax
	xor	%ecx, %ecx
	cpuid
	again

	loop	vmmcall, \bits
	mov	$HYPERCALL_NONE, %eax
	vmmcall
	again

	loop	vmcall, \bits
	mov	$HYPERCALL_NONE, %eax
	vmcall
	again

	loop	rdmsr, \bits
	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	again

	loop	wrmsr, \bits
	mov	$MSR_MCG_STATUS, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	again

	loop	pic, \bits
	in	$PORT_PIC_MASK, %al
	again

	loop	port_out, \bits
	out	%al, $PORT_USER
	again

	loop	port_in, \bits
	in	$PORT_USER, %al
	again

	loop	mmio_write, \bits
	mov	%eax, (%\si)
	again

	loop	mmio_read, \bits
	mov	(%\si), %eax
	again

	loop	touch_4k, \bits
	mov	%eax, (%\si)
	add	$0x1000, %esi
	again

	loop	touch_2m, \bits
	mov	%eax, (%\si)
	add	$0x200000, %esi
	again
	.endm

	.section .rodata
	.globl	guest_begin, guest_end
guest_begin:
	loops	16, esi
	loops	64, rsi

	/* From here on 64-bit only, with the local APIC in x2APIC mode. */
	.macro	write_msr msr, low, high=$0
	mov	$\msr, %ecx
	mov	\low, %eax
	mov	\high, %edx
	wrmsr
	.endm

	.macro	apic_on
	write_msr MSR_X2APIC_SPIV, $0x1ff
	write_msr MSR_X2APIC_LVTT, $(APIC_TSC_DEADLINE | VECTOR)
	.endm

	.globl	guest_timer, guest_ipi_self, guest_ipi_send, guest_ipi_ask, guest_ipi_answer
	.globl	guest_spin, guest_handler

	/* As a tickless guest does: the next deadline, far enough not to be met. */
guest_timer:
	apic_on
	begin
1:	rdtsc
	add	$0x40000000, %eax
	adc	$0, %edx
	mov	$MSR_TSC_DEADLINE, %ecx
	wrmsr
	again

guest_ipi_self:
	apic_on
	sti
	begin
1:	write_msr MSR_X2APIC_ICR, $VECTOR, $0
	again

guest_ipi_send:
	apic_on
	begin
1:	write_msr MSR_X2APIC_ICR, $VECTOR, $1
	again

	/* There and back, each side asleep while the other works. */
guest_ipi_ask:
	apic_on
	cli
	begin
1:	write_msr MSR_X2APIC_ICR, $VECTOR, $1
	sti
	hlt
	cli
	again

guest_ipi_answer:
	apic_on
1:	sti
	hlt
	cli
	write_msr MSR_X2APIC_ICR, $VECTOR, $0
	jmp	1b

guest_spin:
	apic_on
	sti
1:	pause
	jmp	1b

guest_handler:
	push	%rax
	push	%rcx
	push	%rdx
	write_msr MSR_X2APIC_EOI, $0
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
guest_end:

	.section .note.GNU-stack, "", @progbits
