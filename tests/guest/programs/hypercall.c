// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls: an unknown number, from CPL 3, in 32-bit mode, and by the other
 * vendor's instruction, which KVM replaces (KVM_X86_QUIRK_FIX_HYPERCALL_INSN).
 * Documentation/virt/kvm/x86/hypercalls.rst.
 */
#include "lib.h"

PROGRAM();

/* The last bytes of both. */
#define VMCALL		0xc1
#define VMMCALL		0xd9

#define NOT_THERE	-1000l
#define NOT_ALLOWED	-1l
#define POLL_IRQ	1
#define SCHED_YIELD	11

/* VMCALL on Intel's CPUs, VMMCALL on AMD's; the other one is #UD. */
#define HYPERCALL							\
	"	testb	$1, on_intel\n"					\
	"	jnz	1f\n"						\
	"	vmmcall\n"						\
	"	jmp	2f\n"						\
	"1:	vmcall\n"						\
	"2:\n"
volatile u8 on_intel;

static s64 hypercall(u64 number, u64 a, u64 b)
{
	s64 r;

	asm volatile(HYPERCALL : "=a"(r) : "a"(number), "b"(a), "c"(b), "d"(0), "S"(0)
		     : "memory", "cc");
	return r;
}

static u64 from_user(u64 number)
{
	return hypercall(number, 0, 0);
}

extern u8 foreign_hypercall[];
void compat_hypercall(void);
void protected_hypercall(void);
asm(
"	.code32\n"
"compat_hypercall:\n"
"	movl	$12345, %eax\n"
HYPERCALL
"	movl	%eax, from_32\n"
"	lret\n"
"protected_hypercall:\n"
"	movl	$12345, %eax\n"
HYPERCALL
"	ret\n"
"	.code64\n");
volatile s32 from_32;

int main(void)
{
	u64 stack = (u64)page_alloc() + 4096, rbx = 0x1111, rcx = 0x2222, rdx = 0x3333, rsi = 0x4444;
	s64 r;

	on_intel = cpuid(0, 0).ecx == 0x6c65746e;	/* "ntel" of GenuineIntel */
	CHECK_EQ("an unknown hypercall", hypercall(12345, 0, 0), NOT_THERE);
	CHECK_EQ("number -1", hypercall(-1, 0, 0), NOT_THERE);
	CHECK_EQ("an unknown hypercall at CPL 3", call_user(from_user, 12345, stack), NOT_ALLOWED);
	CHECK_EQ("a known one at CPL 3", call_user(from_user, POLL_IRQ, stack), NOT_ALLOWED);
	CHECK_EQ("KVM_HC_VAPIC_POLL_IRQ", hypercall(POLL_IRQ, 0, 0), 0);
	CHECK_EQ("KVM_HC_SCHED_YIELD", hypercall(SCHED_YIELD, 0, 0), 0);
	/* Nothing but RAX changes. */
	asm volatile(HYPERCALL : "=a"(r), "+b"(rbx), "+c"(rcx), "+d"(rdx), "+S"(rsi)
		     : "a"(777) : "memory", "cc");
	CHECK(rbx == 0x1111 && rcx == 0x2222 && rdx == 0x3333 && rsi == 0x4444, "a register changed");
	call_compat(compat_hypercall, SEL_CODE32);
	CHECK_EQ("an unknown hypercall in compatibility mode", from_32, NOT_THERE);
	CHECK_EQ("an unknown hypercall in protected mode", call_protected(protected_hypercall),
		 NOT_THERE);
	foreign_hypercall[2] = on_intel ? VMMCALL : VMCALL;
	cpuid(0, 0);
	asm volatile("foreign_hypercall: vmcall" : "=a"(r) : "a"(12345) : "rbx", "rcx", "rdx", "rsi",
		     "memory");
	CHECK_EQ("an unknown hypercall by the other vendor's instruction", r, NOT_THERE);
	CHECK_EQ("its last byte now", foreign_hypercall[2], on_intel ? VMCALL : VMMCALL);
	return 0;
}
