// SPDX-License-Identifier: GPL-2.0-only
/*
 * SYSCALL and SYSRET in 64-bit and compatibility mode, SYSENTER and SYSEXIT.
 * AMD APM vol. 2, "SYSCALL and SYSRET"; vol. 3, SYSENTER.
 */
#include "lib.h"

PROGRAM();

#define USER32 SEL_USER_CODE32	/* STAR[63:48]: + 8 is its stack, + 16 the 64-bit code */

static u64 stack;
extern volatile struct entry { u64 rcx, r11, rsp, rflags, cs, ss; } seen;
volatile struct entry seen;
extern volatile u64 from_rip, user_sp;
volatile u64 from_rip, user_sp;
volatile u64 kernel_sp;
void kernel_entry64(void), kernel_entry32(void);
u64 user64(u64 unused);

asm(
"kernel_entry64:\n"
"	movq	%rcx, seen\n"
"	movq	%r11, seen + 8\n"
"	movq	%rsp, seen + 16\n"
"	movq	kernel_sp, %rsp\n"
"	pushfq\n"
"	popq	seen + 24\n"
"	movw	%cs, seen + 32\n"
"	movw	%ss, seen + 40\n"
"	movq	seen + 16, %rsp\n"
"	sysretq\n"
"user64:\n"
"	movq	%rsp, user_sp\n"
"	leaq	1f(%rip), %rax\n"
"	movq	%rax, from_rip\n"
"	pushq	$0x4c7\n"		/* CF PF ZF SF DF set: SFMASK clears DF */
"	popfq\n"
"	syscall\n"
"1:	pushfq\n"
"	popq	%rax\n"
"	cld\n"
"	movq	%cs, %rdx\n"
"	shlq	$32, %rdx\n"
"	orq	%rdx, %rax\n"
"	ret\n");

static u64 user_syscall(u64 unused)
{
	asm volatile("syscall" ::: "rcx", "r11", "memory");
	return 0;
}

static u64 user_sysenter(u64 unused)
{
	asm volatile("sysenter" ::: "memory");
	return 0;
}

static u64 user_sysret(u64 unused)
{
	asm volatile("sysretq" ::: "memory");
	return 0;
}

/*
 * SYSCALL from compatibility mode goes to CSTAR; SYSRET with 32-bit operands returns there.
 * DS is null at CPL 3, so memory is touched in 64-bit mode only.
 */
void kernel_entry_compat(void);
extern volatile u32 compat_cs;
u64 user_to_compat(u64 unused);
volatile u32 compat_cs;
asm(
"kernel_entry_compat:\n"
"	movq	%rcx, seen\n"
"	movq	%r11, seen + 8\n"
"	sysretl\n"
"user_to_compat:\n"
"	movq	%rsp, user_sp\n"
"	movq	$2f, from_rip\n"
"	pushq	$0x33\n"			/* USER32 | 3 */
"	leaq	1f(%rip), %rax\n"
"	pushq	%rax\n"
"	lretq\n"
"	.code32\n"
"1:	syscall\n"
"2:	movl	%cs, %eax\n"
"	ljmp	$0x43, $3f\n"			/* SEL_USER_CODE64 | 3 */
"	.code64\n"
"3:	movl	%eax, compat_cs\n"
"	movq	user_sp, %rsp\n"
"	ret\n");

/* In legacy protected mode. */
void sysenter32(void);
extern volatile u32 s32_eip, s32_cs, s32_esp;
volatile u32 s32_eip, s32_cs, s32_esp;
void sysenter32_entry(void);
asm(
"	.code32\n"
"sysenter32:\n"
"	movl	%esp, s32_eip\n"
"	sysenter\n"
"	ud2\n"
"sysenter32_entry:\n"
"	movl	%cs, %eax\n"
"	movl	%eax, s32_cs\n"
"	movl	%esp, s32_esp\n"
"	movl	s32_eip, %esp\n"
"	movl	$0x600d, %eax\n"
"	ret\n"
"	.code64\n");

int main(void)
{
	/* SYSCALL is for AMD's compatibility mode too, SYSENTER for Intel's 64-bit mode. */
	bool amd = cpuid(0, 0).ebx == 0x68747541;
	u64 efer = rdmsr(MSR_EFER), r;

	stack = (u64)page_alloc() + 4096;
	kernel_sp = (u64)page_alloc() + 4096;
	EXPECT(UD, "SYSCALL without EFER.SCE", call_user(user_syscall, 0, stack));
	wrmsr(MSR_STAR, (u64)(USER32 | 3) << 48 | (u64)SEL_CODE64 << 32);
	wrmsr(MSR_LSTAR, (u64)kernel_entry64);
	wrmsr(MSR_CSTAR, (u64)kernel_entry_compat);
	wrmsr(MSR_SFMASK, RFLAGS_DF | RFLAGS_IF | RFLAGS_TF);
	wrmsr(MSR_EFER, efer | EFER_SCE);
	for (int i = 0; i < 3; i++) {
		r = call_user(user64, 0, stack);
		CHECK_EQ("RCX", seen.rcx, from_rip);
		CHECK_EQ("R11", seen.r11 & 0xcd5, 0x4c5);
		CHECK_EQ("RSP", seen.rsp, user_sp);
		/* QEMU's TCG loses the arithmetic flags here. */
		CHECK_EQ("RFLAGS in the kernel", seen.rflags & (RFLAGS_DF | RFLAGS_IF | RFLAGS_TF), 0);
		CHECK_EQ("CS in the kernel", seen.cs & 0xffff, SEL_CODE64);
		CHECK_EQ("SS in the kernel", seen.ss & 0xffff, SEL_DATA);
		CHECK_EQ("RFLAGS after SYSRET", r & 0xcd5, 0x4c5);
		CHECK_EQ("CS after SYSRET", r >> 32, SEL_USER_CODE64 | 3);
		/* The values have to survive the host's own. */
		inb(PORT_ECHO);
		CHECK_EQ("STAR", rdmsr(MSR_STAR), (u64)(USER32 | 3) << 48 | (u64)SEL_CODE64 << 32);
	}
	if (amd) {
		call_user(user_to_compat, 0, stack);
		CHECK_EQ("ECX of a SYSCALL in compatibility mode", seen.rcx, from_rip);
		CHECK_EQ("CS after SYSRET to it", compat_cs, USER32 | 3);
	} else {
		EXPECT(UD, "SYSCALL in compatibility mode", call_user(user_to_compat, 0, stack));
	}
	EXPECT(GP, "SYSRET at CPL 3", call_user(user_sysret, 0, stack));
	wrmsr(MSR_EFER, efer);
	EXPECT(UD, "SYSRET without EFER.SCE", asm volatile("sysretq"));

	wrmsr(MSR_SYSENTER_CS, SEL_CODE64);
	if (amd)
		EXPECT(UD, "SYSENTER in 64-bit mode", call_user(user_sysenter, 0, stack));
	gdt[SEL_FREE / 8] = gdt[SEL_CODE32 / 8];
	gdt[SEL_FREE / 8 + 1] = gdt[SEL_DATA / 8];
	wrmsr(MSR_SYSENTER_CS, SEL_FREE);
	wrmsr(MSR_SYSENTER_EIP, (u64)sysenter32_entry);
	wrmsr(MSR_SYSENTER_ESP, 0x12340);
	CHECK_EQ("SYSENTER in protected mode", call_protected(sysenter32), 0x600d);
	CHECK_EQ("CS after it", s32_cs, SEL_FREE);
	CHECK_EQ("ESP after it", s32_esp, 0x12340);
	return 0;
}
