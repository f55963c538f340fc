// SPDX-License-Identifier: GPL-2.0-only
/*
 * IRET, far returns, far jumps and call gates in long mode: where they may go,
 * what they load, and the faults with their error codes.
 * AMD APM vol. 2, "Control Transfers Through Gates"; vol. 3, IRET, RET (Far), CALL (Far).
 */
#include "lib.h"

PROGRAM();

#define SEL_NOT_PRESENT	SEL_FREE
#define SEL_GATE	(SEL_FREE + 0x08)	/* 16 bytes */
#define SEL_CONFORMING	(SEL_FREE + 0x18)

struct iret { u64 rip, cs, rflags, rsp, ss; };

/* Goes where the frame says; what is there returns with RSP as it was here. */
u64 iret_to(const struct iret *frame);
void landing(void), landing32(void);
extern volatile u64 landed_cs, landed_ss, landed_rsp, landed_flags, back_rsp;
volatile u64 landed_cs, landed_ss, landed_rsp, landed_flags, back_rsp;
asm(
"iret_to:\n"
"	pushq	%rbx\n"
"	movq	%rsp, back_rsp\n"
"	pushq	32(%rdi)\n"
"	pushq	24(%rdi)\n"
"	pushq	16(%rdi)\n"
"	pushq	8(%rdi)\n"
"	pushq	(%rdi)\n"
"	movq	$0, landed_cs\n"
"	iretq\n"
"landing:\n"
"	movw	%cs, landed_cs\n"
"	movw	%ss, landed_ss\n"
"	movq	%rsp, landed_rsp\n"
"	movq	back_rsp, %rsp\n"
"	pushfq\n"
"	popq	landed_flags\n"
"	movl	$0x10, %eax\n"			/* SEL_DATA */
"	movl	%eax, %ss\n"
"	popq	%rbx\n"
"	ret\n"
"	.code32\n"
"landing32:\n"
"	movw	%cs, landed_cs\n"
"	movl	back_rsp, %esp\n"
"	ljmp	$8, $1f\n"			/* SEL_CODE64 */
"	.code64\n"
"1:	movq	back_rsp, %rsp\n"
"	popq	%rbx\n"
"	ret\n");

static void iret(void)
{
	u64 stack = (u64)page_alloc() + 2048;
	struct iret f = { (u64)landing, SEL_CODE64, 2, stack, SEL_DATA };

	EXPECT(-1, "IRET to the same level", iret_to(&f));
	CHECK_EQ("CS", landed_cs, SEL_CODE64);
	CHECK_EQ("RSP", landed_rsp, stack);
	/* In 64-bit mode SS may be null, below CPL 3. */
	f.ss = 0;
	EXPECT(-1, "IRET with a null SS", iret_to(&f));
	CHECK_EQ("SS", landed_ss & 0xffff, 0);
	f.ss = SEL_DATA;
	f.rflags = RFLAGS_CF | RFLAGS_ZF | RFLAGS_DF | RFLAGS_AC | RFLAGS_ID | 2;
	EXPECT(-1, "IRET with flags", iret_to(&f));
	CHECK_EQ("flags", landed_flags & ~(u64)RFLAGS_RF, f.rflags);
	asm volatile("cld; push $2; popfq");
	f.rflags = 2;
	f.rip = (u64)landing32;
	f.cs = SEL_CODE32;
	EXPECT(-1, "IRET to compatibility mode", iret_to(&f));
	CHECK_EQ("CS", landed_cs, SEL_CODE32);

	f = (struct iret){ (u64)landing, 0, 2, stack, SEL_DATA };
	EXPECT(GP, "IRET to a null CS", iret_to(&f));
	CHECK_EQ("error code", caught()->error, 0);
	f.cs = SEL_DATA;
	EXPECT(GP, "IRET to a data segment", iret_to(&f));
	CHECK_EQ("error code", caught()->error, SEL_DATA);
	f.cs = SEL_NOT_PRESENT;
	EXPECT(NP, "IRET to a segment that is not present", iret_to(&f));
	CHECK_EQ("error code", caught()->error, SEL_NOT_PRESENT);
	f.cs = SEL_USER_CODE64;
	EXPECT(GP, "IRET to a segment of another DPL", iret_to(&f));
	CHECK_EQ("error code", caught()->error, SEL_USER_CODE64);
	f.cs = 0xfff8;
	EXPECT(GP, "IRET beyond the GDT", iret_to(&f));
	CHECK_EQ("error code", caught()->error, 0xfff8);
	f.cs = SEL_USER_CODE64 | 3;
	f.ss = SEL_DATA;
	EXPECT(GP, "IRET to CPL 3 with a kernel's SS", iret_to(&f));
	CHECK_EQ("error code", caught()->error, SEL_DATA);
	f.ss = 0;
	EXPECT(GP, "IRET to CPL 3 with a null SS", iret_to(&f));
	CHECK_EQ("error code", caught()->error, 0);
	EXPECT(GP, "IRET with NT in long mode",
	       asm volatile("pushfq; orl $0x4000, (%%rsp); popfq; iretq" ::: "memory"));
	asm volatile("push $2; popfq");
}

/* Far returns and jumps through memory. */
void far_return(u64 cs, u64 rip);
u64 far_jump(const void *pointer);
asm(
"far_return:\n"
"	pushq	%rbx\n"
"	movq	%rsp, back_rsp\n"
"	pushq	%rdi\n"
"	pushq	%rsi\n"
"	lretq\n"
"far_jump:\n"
"	pushq	%rbx\n"
"	movq	%rsp, back_rsp\n"
"	ljmp	*(%rdi)\n");

static void far(void)
{
	struct { u32 offset; u16 selector; } __attribute__((packed)) p = { (u64)landing, SEL_CODE64 };

	EXPECT(-1, "a far return", far_return(SEL_CODE64, (u64)landing));
	CHECK_EQ("CS", landed_cs, SEL_CODE64);
	EXPECT(GP, "a far return to data", far_return(SEL_DATA, (u64)landing));
	CHECK_EQ("error code", caught()->error, SEL_DATA);
	EXPECT(NP, "a far return to what is not present", far_return(SEL_NOT_PRESENT, (u64)landing));
	EXPECT(-1, "a far jump", far_jump(&p));
	p.selector = SEL_CONFORMING;
	EXPECT(-1, "a far jump to a conforming segment", far_jump(&p));
	CHECK_EQ("CS", landed_cs, SEL_CONFORMING);
	p.selector = SEL_USER_CODE64;
	EXPECT(GP, "a far jump to another DPL", far_jump(&p));
	p.selector = SEL_DATA;
	EXPECT(GP, "a far jump to data", far_jump(&p));
	p.selector = SEL_CODE32;
	p.offset = (u64)landing32;
	EXPECT(-1, "a far jump to compatibility mode", far_jump(&p));
	p.selector = SEL_GATE;
	p.offset = 0x12345678;	/* unused */
	EXPECT(-1, "a far jump through a call gate", far_jump(&p));
	CHECK_EQ("CS", landed_cs, SEL_CODE64);
}

/* A call gate from CPL 3: RSP0 of the TSS, four words on it, and the way back. */
void gate_entry(void);
u64 user_gate(u64 unused);
extern volatile u64 gate_frame[4], gate_cs, user_after, user_rsp_there;
volatile u64 gate_frame[4], gate_cs, user_after, user_rsp_there;
asm(
"gate_entry:\n"
"	movw	%cs, gate_cs\n"
"	popq	gate_frame\n"
"	popq	gate_frame + 8\n"
"	popq	gate_frame + 16\n"
"	popq	gate_frame + 24\n"
"	subq	$32, %rsp\n"
"	lretq\n"
"user_gate:\n"
"	subq	$16, %rsp\n"
"	movl	$0, (%rsp)\n"
"	movl	$0x53, 4(%rsp)\n"		/* SEL_GATE | 3 */
"	movq	%rsp, user_rsp_there\n"
"	leaq	1f(%rip), %rax\n"
"	movq	%rax, user_after\n"
"	lcall	*(%rsp)\n"
"1:	addq	$16, %rsp\n"
"	movl	%cs, %eax\n"
"	ret\n");

static void set_gate(void (*to)(void), unsigned int dpl)
{
	u64 at = (u64)to;

	gdt[SEL_GATE / 8] = (at & 0xffff) | SEL_CODE64 << 16 | (0x8c00ull | dpl << 13) << 32 |
			    (at >> 16 & 0xffff) << 48;
	gdt[SEL_GATE / 8 + 1] = at >> 32;
}

static void gates(void)
{
	u64 stack = (u64)page_alloc() + 4096;

	set_gate(gate_entry, 3);
	CHECK_EQ("CS after a call through a gate", call_user(user_gate, 0, stack), SEL_USER_CODE64 | 3);
	CHECK_EQ("CS in it", gate_cs, SEL_CODE64);
	CHECK_EQ("the return address", gate_frame[0], user_after);
	CHECK_EQ("the caller's CS", gate_frame[1] & 0xffff, SEL_USER_CODE64 | 3);
	CHECK_EQ("the caller's RSP", gate_frame[2], user_rsp_there);
	CHECK_EQ("the caller's SS", gate_frame[3] & 0xffff, SEL_USER_DATA | 3);
	set_gate(gate_entry, 0);
	EXPECT(GP, "a gate of DPL 0 from CPL 3", call_user(user_gate, 0, stack));
	CHECK_EQ("error code", caught()->error, SEL_GATE);
	gdt[SEL_GATE / 8] &= ~(1ull << 47);
	gdt[SEL_GATE / 8] |= 3ull << 45;
	EXPECT(NP, "a gate that is not present", call_user(user_gate, 0, stack));
	CHECK_EQ("error code", caught()->error, SEL_GATE);
}

int main(void)
{
	gdt[SEL_NOT_PRESENT / 8] = gdt[SEL_CODE64 / 8] & ~(1ull << 47);
	gdt[SEL_CONFORMING / 8] = gdt[SEL_CODE64 / 8] | 1ull << 42;
	set_gate(landing, 0);
	iret();
	far();
	gates();
	return 0;
}
