// SPDX-License-Identifier: GPL-2.0-only
/*
 * RFLAGS.TF: a trap after each instruction, also after those that the hypervisor
 * does; which come without one, and what DR6 and the pushed flags say.
 * AMD APM vol. 2, "Single Stepping"; vol. 3, POPF, MOV, IRET.
 */
#include "lib.h"

PROGRAM();

static volatile u64 rips[256], flags[256], dr6s[256];
static volatile u32 steps;

static void on_db(struct frame *f)
{
	if (steps < ARRAY_SIZE(rips)) {
		rips[steps] = f->rip;
		flags[steps] = f->rflags;
		dr6s[steps] = read_dr6();
	}
	steps++;
	write_dr6(0xffff0ff0);
}

static void on_int(struct frame *f)
{
}

/* Instructions between SET and CLEAR are stepped; labels n_0, n_1, ... are where traps are wanted. */
#define SET	"pushfq\n orq $0x100, (%rsp)\n popfq\n"
#define CLEAR	"pushfq\n andq $~0x100, (%rsp)\n popfq\n"

asm(
"plain:\n"
"	pushq	%rbx\n" SET
"	nop\n"
"0:	movl	$5, %eax\n"
"1:	xorl	%ecx, %ecx\n"
"2:	cpuid\n"
"3:	movl	$0x600, %edx\n"
"4:	inb	%dx, %al\n"
"5:	outb	%al, %dx\n"
"6:	movl	$0x277, %ecx\n"
"7:	rdmsr\n"
"8:	wrmsr\n"
"9:	movq	%cr4, %rax\n"
"10:	movq	%rax, %cr4\n"
"11:	vmmcall\n"
"12:	wbinvd\n"
"13:	movl	$0xd0000000, %edx\n"
"14:	movl	(%rdx), %eax\n"
"15:	nop\n"
"16:	nop\n"
"17:	nop\n"
"18:	pushfq\n"
"19:	andq	$~0x100, (%rsp)\n"
"20:	popfq\n"
"21:	popq	%rbx\n"
"	ret\n"
"	.section .rodata\n"
"plain_at:\n"
"	.quad	0b, 1b, 2b, 3b, 4b, 5b, 6b, 7b, 8b, 9b, 10b, 11b, 12b, 13b, 14b, 15b\n"
"	.quad	16b, 17b, 18b, 19b, 20b, 21b, 0\n"
"	.text\n"
/* A trap after each iteration, RIP still at the instruction until the last. */
"repeated:\n"
"	movq	%rdi, %rsi\n"
"	movl	$4, %ecx\n"
"	movl	$0x600, %edx\n" SET
"0:	rep lodsb\n"
"1:	movl	$2, %ecx\n"
"2:	movl	$0xd0000000, %esi\n"
"3:	rep lodsb\n"
"4:	pushfq\n"
"5:	andq	$~0x100, (%rsp)\n"
"6:	popfq\n"
"7:	ret\n"
"	.section .rodata\n"
"repeated_at:\n"
"	.quad	0b, 0b, 0b, 1b, 2b, 3b, 3b, 4b, 5b, 6b, 7b, 0\n"
"	.text\n"
"repeated_out:\n"
"	movq	%rdi, %rsi\n"
"	movl	$3, %ecx\n"
"	movl	$0x600, %edx\n" SET
"0:	rep outsb\n"
"1:	movl	$2, %ecx\n"
"2:	movl	$0xd0000000, %edi\n"
"3:	rep stosb\n"
"4:	pushfq\n"
"5:	andq	$~0x100, (%rsp)\n"
"6:	popfq\n"
"7:	ret\n"
"	.section .rodata\n"
"repeated_out_at:\n"
"	.quad	0b, 0b, 1b, 2b, 3b, 3b, 4b, 5b, 6b, 7b, 0\n"
"	.text\n"
/* No trap behind a MOV to SS, nor inside of an interrupt's handler; one behind INT's return. */
"special:\n"
"	movl	%ss, %ecx\n" SET
"	nop\n"
"0:	movl	%ecx, %ss\n"
"	nop\n"
"1:	int	$0x50\n"
"2:	nop\n"
"3:	pushfq\n"
"4:	andq	$~0x100, (%rsp)\n"
"5:	popfq\n"
"6:	ret\n"
"	.section .rodata\n"
"special_at:\n"
"	.quad	0b, 1b, 3b, 4b, 5b, 6b, 0\n"
"	.text\n");

void plain(void), repeated(void *), repeated_out(void *);
int special(void);
extern const u64 plain_at[], repeated_at[], repeated_out_at[], special_at[];

static void expect(const char *name, const u64 *wanted)
{
	u32 n = 0;

	for (; wanted[n]; n++) {
		CHECK(n < steps, "%s: %u traps only", name, steps);
		CHECK(rips[n] == wanted[n], "%s: trap %u at 0x%lx, not 0x%lx", name, n, rips[n],
		      wanted[n]);
		CHECK_EQ("DR6", dr6s[n], 0xffff4ff0);
		CHECK(flags[n] & RFLAGS_TF || !wanted[n + 1], "%s: trap %u: TF is not in the flags", name, n);
	}
	CHECK(steps == n, "%s: %u traps, not %u", name, steps, n);
	steps = 0;
}

static u64 user_steps(u64 unused)
{
	asm volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop;"
		     "pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
	return read_flags() & RFLAGS_TF;
}

int main(void)
{
	u8 *bytes = page_alloc();

	set_handler(DB, on_db);
	set_handler(0x50, on_int);
	write_dr6(0xffff0ff0);

	/*
	 * On Bochs 2.7 a step in which the second level of page tables is filled traps
	 * twice; this fills it.
	 */
	*(volatile u32 *)0xd0000000;
	*(volatile u8 *)bytes;
	plain();
	expect("plain instructions", plain_at);
	repeated(bytes);
	expect("repeated strings", repeated_at);
	/* In-tree KVM puts several iterations of OUTS into one. */
	if (!header.in_tree) {
		repeated_out(bytes);
		expect("repeated output", repeated_out_at);
	}
	special();
	expect("MOV SS and INT", special_at);

	CHECK_EQ("TF at the end of the user function",
		 call_user(user_steps, 0, (u64)page_alloc() + 4096), 0);
	CHECK_EQ("steps at CPL 3", steps, 5);
	steps = 0;

	/* A fault is no trap; its handler runs without TF, the faulting code goes on with it. */
	EXPECT(GP, "RDMSR of nothing, stepped",
	       asm volatile("pushfq; orq $0x100, (%%rsp); popfq; rdmsr" :: "c"(0x9999) : "rax", "rdx"));
	CHECK(caught()->rflags & RFLAGS_TF, "TF is not in the flags of a fault");
	CHECK_EQ("traps of an instruction that faulted", steps, 0);
	return 0;
}
