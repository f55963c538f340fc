// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions one by one: vector, error code, where RIP points.
 * AMD APM vol. 2, "Vectors".
 */
#include "lib.h"

PROGRAM();

static u64 user_ud(u64 unused)
{
	asm volatile("ud2");
	return 0;
}

static u64 user_hlt(u64 unused)
{
	asm volatile("hlt");
	return 0;
}

static u64 user_int(u64 unused)
{
	asm volatile("int $0x21");
	return 0;
}

static u64 user_value(u64 v)
{
	return v * 3;
}

static u64 user_ac(u64 address)
{
	asm volatile("pushfq; orl $0x40000, (%%rsp); popfq; mov (%0), %%eax;"
		     "pushfq; andl $~0x40000, (%%rsp); popfq" :: "r"(address) : "rax", "memory");
	return 0;
}

static volatile u64 bp_rip;

static void on_bp(struct frame *f)
{
	bp_rip = f->rip;
}

/* An IDT entry's error code: vector * 8 + 2; QEMU's TCG multiplies by 16 in long mode. */
static void gate_error(u64 vector)
{
	u64 error = caught()->error;

	CHECK(error == vector * 8 + 2 || error == vector * 16 + 2, "its error code is 0x%lx", error);
}

int main(void)
{
	u8 *stack = (u8 *)page_alloc() + 4096;
	u64 label;

	EXPECT(DE, "DIV by 0", asm volatile("xor %%ecx, %%ecx; div %%ecx"
					    :: "a"(1), "d"(0) : "rcx"));
	EXPECT(DE, "IDIV overflow", asm volatile("idivl %0" :: "r"(-1), "a"(0x80000000), "d"(-1)));
	EXPECT(UD, "UD2", asm volatile("ud2"));
	EXPECT(UD, "LOCK on a register", asm volatile(".byte 0xf0, 0x01, 0xc0"));
	EXPECT(UD, "AAA in 64-bit mode", asm volatile(".byte 0x37"));
	EXPECT(GP, "a far pointer to a null selector", asm volatile(
		"sub $16, %%rsp; movl $0, (%%rsp); movl $0, 4(%%rsp); ljmp *(%%rsp)" ::: "memory"));
	CHECK_EQ("its error code", caught()->error, 0);
	EXPECT(GP, "loading DS beyond the GDT", asm volatile("mov %0, %%ds" :: "r"(0xfff0)));
	CHECK_EQ("its error code", caught()->error, 0xfff0);
	EXPECT(GP, "loading SS with a segment of another DPL", asm volatile("mov %0, %%ss"
									    :: "r"(SEL_USER_DATA)));
	CHECK_EQ("its error code", caught()->error, SEL_USER_DATA);
	EXPECT(GP, "a non-canonical address", *(volatile u64 *)(1ull << 60));
	CHECK_EQ("its error code", caught()->error, 0);
	/* #SS on a CPU, but #GP on QEMU's TCG */
	int vector = CATCH(asm volatile(
		"mov %%rbp, %%rcx; mov %0, %%rbp; mov (%%rbp), %%rdx; mov %%rcx, %%rbp"
		:: "a"(1ull << 60) : "rcx", "rdx", "memory"));
	CHECK(vector == SS || vector == GP, "a non-canonical stack address: vector %d", vector);
	CHECK_EQ("its error code", caught()->error, 0);
	EXPECT(GP, "a misaligned MOVAPS", asm volatile("movaps %%xmm0, (%0)"
						       :: "r"((u64)stack - 63) : "memory"));

	/* Not-present segments. */
	gdt[SEL_FREE / 8] = 0x00cf13000000ffff;
	EXPECT(NP, "loading ES with a segment not present", asm volatile("mov %0, %%es"
									 :: "r"(SEL_FREE)));
	CHECK_EQ("its error code", caught()->error, SEL_FREE);
	EXPECT(SS, "loading SS with a segment not present", asm volatile("mov %0, %%ss"
									 :: "r"(SEL_FREE)));
	CHECK_EQ("its error code", caught()->error, SEL_FREE);
	EXPECT(GP, "loading TR with data", asm volatile("ltr %w0" :: "r"(SEL_DATA)));
	CHECK_EQ("its error code", caught()->error, SEL_DATA);

	/* INT n through gates. */
	EXPECT(GP, "INT 0x21 at CPL 3", call_user(user_int, 0, (u64)stack));
	gate_error(0x21);
	set_handler(BP, on_bp);
	asm volatile("lea 1f(%%rip), %0; int3; 1:" : "=r"(label) :: "memory");
	CHECK_EQ("RIP after INT3", bp_rip, label);
	set_handler(BP, NULL);

	/* CPL 3. */
	CHECK_EQ("a user function's value", call_user(user_value, 14, (u64)stack), 42);
	EXPECT(UD, "UD2 at CPL 3", call_user(user_ud, 0, (u64)stack));
	EXPECT(GP, "HLT at CPL 3", call_user(user_hlt, 0, (u64)stack));

	/* #NM: CR0.TS and EM. */
	write_cr0(read_cr0() | CR0_TS);
	EXPECT(NM, "x87 with CR0.TS", asm volatile("fld1"));
	EXPECT(NM, "SSE with CR0.TS", asm volatile("xorps %xmm0, %xmm0"));
	EXPECT(NM, "FWAIT with CR0.TS and MP", asm volatile("fwait"));
	asm volatile("clts");
	EXPECT(-1, "x87 after CLTS", asm volatile("fld1; fstp %st"));
	write_cr0(read_cr0() | CR0_EM);
	EXPECT(NM, "x87 with CR0.EM", asm volatile("fld1"));
	EXPECT(UD, "SSE with CR0.EM", asm volatile("xorps %xmm0, %xmm0"));
	write_cr0(read_cr0() & ~(u64)CR0_EM);
	write_cr4(read_cr4() & ~(u64)CR4_OSFXSR);
	EXPECT(UD, "SSE without CR4.OSFXSR", asm volatile("xorps %xmm0, %xmm0"));
	write_cr4(read_cr4() | CR4_OSFXSR);

	/* #MF and #XM. */
	u16 control = 0x37b;		/* division by zero is not masked */
	EXPECT(MF, "x87 division by zero", asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait"
							:: "m"(control)));
	asm volatile("fninit");
	u32 mxcsr = 0x1f80 & ~(1u << 9), one = 0x3f800000, normal = 0x1f80;
	/* QEMU's TCG has no unmasked SIMD exceptions. */
	vector = CATCH(asm volatile(
		"ldmxcsr %0; movss %1, %%xmm0; xorps %%xmm1, %%xmm1; divss %%xmm1, %%xmm0"
		:: "m"(mxcsr), "m"(one)));
	CHECK(vector == XM || vector == -1, "SSE division by zero: vector %d", vector);
	asm volatile("ldmxcsr %0" :: "m"(normal));

	/* #AC only at CPL 3 with CR0.AM. */
	EXPECT(-1, "a misaligned access without CR0.AM", call_user(user_ac, (u64)stack - 127, (u64)stack));
	write_cr0(read_cr0() | CR0_AM);
	/* QEMU 7.2's TCG checks no alignment. */
	vector = CATCH(call_user(user_ac, (u64)stack - 127, (u64)stack));
	CHECK(vector == AC || vector == -1, "a misaligned access at CPL 3: vector %d", vector);
	write_cr0(read_cr0() & ~(u64)CR0_AM);

	/* #DF: a #PF whose gate is not present. */
	extern u64 idt[512];
	u64 gate = idt[PF * 2];

	idt[PF * 2] = gate & ~(1ull << 47);
	EXPECT(DF, "a page fault through a gate that is not present",
	       *(volatile u64 *)0x7fffff000000);
	CHECK_EQ("its error code", caught()->error, 0);
	idt[PF * 2] = gate;
	EXPECT(PF, "a page fault", *(volatile u64 *)0x7fffff000000);
	/* #NP alone: not while another exception is being delivered. */
	gate = idt[0x21 * 2];
	idt[0x21 * 2] = gate & ~(1ull << 47);
	EXPECT(NP, "INT through a gate that is not present", asm volatile("int $0x21"));
	gate_error(0x21);
	idt[0x21 * 2] = gate;
	return 0;
}
