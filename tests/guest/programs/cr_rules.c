// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be written to CR4, CR8 and EFER, and what CPUID says must hold of
 * their bits; LMSW, SMSW, CLTS; the same registers at CPL 3.
 * QEMU's TCG takes any CR0 (see mode_switch.c) and any CR8.
 * AMD APM vol. 2, "System-Control Registers".
 */
#include "lib.h"

PROGRAM();

static u64 user_cr(u64 n)
{
	switch (n) {
	case 0: return read_cr0();
	case 2: return read_cr2();
	case 3: return read_cr3();
	case 4: return read_cr4();
	case 8: return read_cr8();
	case 10: write_cr0(1); return 0;
	case 13: write_cr3(1); return 0;
	case 14: write_cr4(1); return 0;
	case 18: write_cr8(1); return 0;
	case 20: asm volatile("clts"); return 0;
	case 21: asm volatile("lmsw %w0" :: "r"(1)); return 0;
	case 22: asm volatile("invlpg (%0)" :: "r"(0)); return 0;
	case 23: asm volatile("wbinvd"); return 0;
	case 24: asm volatile("lgdt (%0)" :: "r"(0x1000)); return 0;
	case 25: asm volatile("lidt (%0)" :: "r"(0x1000)); return 0;
	case 26: asm volatile("ltr %w0" :: "r"(SEL_TSS)); return 0;
	case 27: asm volatile("lldt %w0" :: "r"(0)); return 0;
	case 28: rdmsr(MSR_EFER); return 0;
	case 29: wrmsr(MSR_EFER, 0); return 0;
	case 30: asm volatile("swapgs"); return 0;
	case 31: asm volatile("cli"); return 0;
	case 32: asm volatile("sti"); return 0;
	}
	return 0;
}

/* CR4 bits with the CPUID bit that announces them: leaf 1 EDX or ECX (+ 32), leaf 7 EBX (+ 64), ECX (+ 96). */
static const struct { const char *name; u8 bit; u8 cpuid; } cr4_bits[] = {
	{ "VME", 0, 1 }, { "PSE", 3, 3 }, { "PGE", 7, 13 }, { "OSXSAVE", 18, 32 + 26 },
	{ "FSGSBASE", 16, 64 + 0 }, { "SMEP", 20, 64 + 7 }, { "SMAP", 21, 64 + 20 },
	{ "UMIP", 11, 96 + 2 }, { "PKE", 22, 96 + 3 }, { "VMXE", 13, 32 + 5 },
	{ "SMXE", 14, 32 + 6 }, { "CET", 23, 96 + 7 },
};

static bool offered(u8 n)
{
	struct cpuid one = cpuid(1, 0), seven = cpuid(7, 0);

	return (n < 32 ? one.edx : n < 64 ? one.ecx : n < 96 ? seven.ebx : seven.ecx) >> n % 32 & 1;
}

static void cr4(void)
{
	u64 old = read_cr4();

	for (unsigned int i = 0; i < ARRAY_SIZE(cr4_bits); i++) {
		u64 v = old | 1ull << cr4_bits[i].bit;
		/* Supervisor code lies in user pages here. */
		bool hurts = cr4_bits[i].bit == 20 || cr4_bits[i].bit == 21;

		if (offered(cr4_bits[i].cpuid)) {
			if (hurts)
				continue;
			EXPECT(-1, cr4_bits[i].name, write_cr4(v));
			CHECK_EQ(cr4_bits[i].name, read_cr4(), v);
			write_cr4(old);
		} else if (cr4_bits[i].bit != 0) {
			/* In-tree KVM offers VME always. */
			EXPECT(GP, cr4_bits[i].name, write_cr4(v));
			CHECK_EQ("CR4 after a refused write", read_cr4(), old);
		}
	}
	for (int bit = 24; bit < 32; bit++)
		if (bit != 24)
			EXPECT(GP, "a reserved bit of CR4", write_cr4(old | 1ull << bit));
	EXPECT(GP, "clearing CR4.PAE", write_cr4(old & ~(u64)CR4_PAE));
	CHECK_EQ("CR4", read_cr4(), old);
}

static void efer(void)
{
	u64 old = rdmsr(MSR_EFER);

	for (int bit = 1; bit < 64; bit++) {
		if (bit == 8 || bit == 10 || bit == 11 || (bit >= 13 && bit <= 21))
			continue;
		EXPECT(GP, "a reserved bit of EFER", wrmsr(MSR_EFER, old | 1ull << bit));
		CHECK_EQ("EFER after it", rdmsr(MSR_EFER), old);
	}
	/* FFXSR and LMSLE, as CPUID says. */
	EXPECT(cpuid(0x80000001, 0).edx >> 25 & 1 ? -1 : GP, "EFER.FFXSR", wrmsr(MSR_EFER, old | 1 << 14));
	wrmsr(MSR_EFER, old);
}

int main(void)
{
	u64 stack = (u64)page_alloc() + 4096;
	u16 msw;

	for (u64 n = 0; n <= 32; n++)
		if (n <= 4 ? n != 1 : n == 8 || n == 10 || n == 13 || n == 14 || n == 18 || n >= 20) {
			int vector = CATCH(call_user(user_cr, n, stack));

			CHECK(vector == GP, "case %lu at CPL 3: vector %d", n, vector);
			CHECK_EQ("its error code", caught()->error, 0);
		}
	cr4();
	efer();
	EXPECT(UD, "CR1", asm volatile("mov %%cr1, %%rax" ::: "rax"));
	EXPECT(UD, "CR5", asm volatile(".byte 0x0f, 0x20, 0xe8" ::: "rax"));
	EXPECT(UD, "writing CR7", asm volatile(".byte 0x0f, 0x22, 0xf8" ::: "rax"));

	asm volatile("smsw %0" : "=r"(msw));
	CHECK_EQ("SMSW", msw, read_cr0() & 0xffff);
	asm volatile("lmsw %0" :: "r"((u16)(msw | CR0_TS)));
	CHECK_EQ("CR0.TS after LMSW", read_cr0() & CR0_TS, CR0_TS);
	asm volatile("lmsw %0" :: "r"((u16)0));
	CHECK_EQ("CR0.PE after LMSW 0", read_cr0() & CR0_PE, CR0_PE);
	asm volatile("lmsw %0" :: "r"(msw));
	write_cr0(read_cr0() | CR0_TS);
	asm volatile("clts");
	CHECK_EQ("CR0.TS after CLTS", read_cr0() & CR0_TS, 0);
	return 0;
}
