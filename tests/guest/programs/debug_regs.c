// SPDX-License-Identifier: GPL-2.0-only
/*
 * The debug registers: which bits hold, DR4 and DR5, who may touch them;
 * breakpoints on instructions and data. (QEMU's TCG has no ICEBP and no DR7.GD.)
 * AMD APM vol. 2, "Debug Breakpoints", "Debug Registers".
 */
#include "lib.h"

PROGRAM();

static volatile u64 dr6, rip, traps, flags;
static volatile u32 data;

static void on_db(struct frame *f)
{
	dr6 = read_dr6();
	rip = f->rip;
	flags = f->rflags;
	traps++;
	write_dr6(0xffff0ff0);
	/* A breakpoint on an instruction would come again. */
	f->rflags |= RFLAGS_RF;
}

static void registers(void)
{
	for (int round = 0; round < 2; round++) {
		u64 salt = round ? 0x1111111111111111 : 0;

		write_dr0(0x123456789abc ^ salt);
		write_dr1(0xffff812345678900 ^ salt);
		write_dr2(salt);
		write_dr3(0x7fffffffffff);
		/* With exits in between, to user space too. */
		cpuid(0, 0);
		inb(PORT_ECHO);
		if (round)
			host(CALL_ROUND_TRIP, 0, 0, 0, 0);
		CHECK_EQ("DR0", read_dr0(), 0x123456789abc ^ salt);
		CHECK_EQ("DR1", read_dr1(), 0xffff812345678900 ^ salt);
		CHECK_EQ("DR2", read_dr2(), salt);
		CHECK_EQ("DR3", read_dr3(), 0x7fffffffffff);
	}
	write_dr0(0);
	write_dr1(0);
	write_dr2(0);
	write_dr3(0);
	write_dr6(0);
	/* QEMU's TCG keeps bit 12, which a CPU holds at 0; RTM and bus locks are not every CPU's. */
	CHECK_EQ("DR6 after 0", read_dr6() & 0x67ff, 0x07f0);
	write_dr6(0xffffffff);
	CHECK_EQ("DR6 after all ones", read_dr6() & 0xfffee7ff, 0xfffee7ff);
	write_dr6(0xffff0ff0);
	CHECK_EQ("DR6", read_dr6(), 0xffff0ff0);
	write_dr7(0);
	CHECK_EQ("DR7 after 0", read_dr7(), 0x400);
	write_dr7(0xffff0300);
	CHECK_EQ("DR7, type and length bits", read_dr7(), 0xffff0700);
	write_dr7(0x400);
	EXPECT(GP, "DR6 with an upper half", write_dr6(1ull << 32));
	EXPECT(GP, "DR7 with an upper half", write_dr7(1ull << 32));
	CHECK_EQ("DR7 after that", read_dr7(), 0x400);
}

static void aliases(void)
{
	u64 v;

	write_cr4(read_cr4() & ~(u64)CR4_DE);
	asm volatile("mov %%dr4, %0" : "=r"(v));
	CHECK_EQ("DR4", v, read_dr6());
	asm volatile("mov %%dr5, %0" : "=r"(v));
	CHECK_EQ("DR5", v, read_dr7());
	write_cr4(read_cr4() | CR4_DE);
	EXPECT(UD, "DR4 with CR4.DE", asm volatile("mov %%dr4, %0" : "=r"(v)));
	EXPECT(UD, "DR5 with CR4.DE", asm volatile("mov %0, %%dr5" :: "r"(0x400ull)));
	write_cr4(read_cr4() & ~(u64)CR4_DE);
}

static u64 user_read(u64 unused)
{
	return read_dr7();
}

static u64 user_write(u64 unused)
{
	write_dr0(1);
	return 0;
}

void bp_code(volatile u32 *at);
extern const u8 bp_insn[], bp_after_write[], bp_after_read[];
asm(
"bp_code:\n"
"	nop\n"
"bp_insn:\n"
"	nop\n"
"	movl	$7, (%rdi)\n"
"bp_after_write:\n"
"	movl	(%rdi), %eax\n"
"bp_after_read:\n"
"	nop\n"
"	ret\n");

#define ENABLE(n)		(2ull << (n) * 2)
#define ON_EXECUTE(n)		ENABLE(n)
#define ON_WRITE(n, length)	(ENABLE(n) | (1ull | ((length) - 1) << 2) << (16 + (n) * 4))
#define ON_ACCESS(n, length)	(ENABLE(n) | (3ull | ((length) - 1) << 2) << (16 + (n) * 4))

static void breakpoint(const char *name, u64 dr7, int n, const u8 *where)
{
	traps = dr6 = 0;
	write_dr7(0x400 | dr7);
	bp_code(&data);
	write_dr7(0x400);
	CHECK(traps == 1, "%s: %lu traps", name, traps);
	CHECK(rip == (u64)where, "%s: at 0x%lx, not %p", name, rip, where);
	/* The bits of those that are not enabled may be set too. */
	CHECK_EQ("DR6", dr6 & ~(0xfull & ~(1ull << n)), 0xffff0ff0 | 1 << n);
}

static void breakpoints(void)
{
	write_dr0((u64)bp_insn);
	write_dr1((u64)bp_insn);
	write_dr2((u64)&data);
	write_dr3((u64)&data + 2);
	for (int i = 0; i < 3; i++) {
		breakpoint("an instruction", ON_EXECUTE(0), 0, bp_insn);
		breakpoint("an instruction, another register", ON_EXECUTE(1), 1, bp_insn);
		breakpoint("a write", ON_WRITE(2, 4), 2, bp_after_write);
		breakpoint("a write to a part", ON_WRITE(3, 1), 3, bp_after_write);
		/* What comes back with the next KVM_RUN. */
		inb(PORT_ECHO);
	}
	traps = 0;
	write_dr7(0x400 | ON_ACCESS(2, 4));
	bp_code(&data);
	write_dr7(0x400);
	CHECK_EQ("traps of a write and a read", traps, 2);
	/* Disabled, they do nothing. */
	traps = 0;
	write_dr7(0x400);
	bp_code(&data);
	CHECK_EQ("traps while disabled", traps, 0);
}

int main(void)
{
	u64 stack = (u64)page_alloc() + 4096;

	set_handler(DB, on_db);
	registers();
	aliases();
	EXPECT(GP, "reading DR7 at CPL 3", call_user(user_read, 0, stack));
	EXPECT(GP, "writing DR0 at CPL 3", call_user(user_write, 0, stack));
	CHECK_EQ("DR0 after that", read_dr0(), 0);
	breakpoints();
	return 0;
}
