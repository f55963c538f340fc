// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU whose CPUID offers as little as long mode allows: the registers, bits and
 * modes of what it does not have raise #GP or #UD.
 * AMD APM vol. 3, appendix E; each feature's own section.
 */
#include "lib.h"

PROGRAM(.flags = PROGRAM_BARE_CPU);

static const struct { const char *name; u32 msr; u64 value; } msrs[] = {
	{ "TSC_AUX", MSR_TSC_AUX, 1 },
	{ "XSS", 0xda0, 0 },
	{ "SPEC_CTRL", 0x48, 0 },
	{ "PRED_CMD", 0x49, 1 },
	{ "an x2APIC register", MSR_X2APIC + 2, 0 },
	{ "ARCH_CAPABILITIES", 0x10a, 0 },
	{ "VMX_BASIC", 0x480, 0 },
	{ "BNDCFGS", 0xd90, 0 },
	{ "RTIT_CTL", 0x570, 0 },
	{ "S_CET", 0x6a2, 0 },
};

static const struct { const char *name; u64 bit; } cr4[] = {
	{ "OSXSAVE", CR4_OSXSAVE }, { "FSGSBASE", CR4_FSGSBASE }, { "PCIDE", CR4_PCIDE },
	{ "SMEP", CR4_SMEP }, { "SMAP", CR4_SMAP }, { "UMIP", CR4_UMIP }, { "LA57", CR4_LA57 },
	{ "PKE", 1 << 22 }, { "VMXE", 1 << 13 }, { "CET", 1 << 23 },
};

int main(void)
{
	u64 base = rdmsr(MSR_APIC_BASE), old = read_cr4();

	CHECK_EQ("leaf 7, EBX", cpuid(7, 0).ebx, 0);
	CHECK_EQ("leaf 1's XSAVE", cpuid(1, 0).ecx >> 26 & 3, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++) {
		int vector = CATCH(rdmsr(msrs[i].msr));

		CHECK(vector == GP, "reading %s: vector %d", msrs[i].name, vector);
		vector = CATCH(wrmsr(msrs[i].msr, msrs[i].value));
		CHECK(vector == GP, "writing %s: vector %d", msrs[i].name, vector);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(cr4); i++) {
		int vector = CATCH(write_cr4(old | cr4[i].bit));

		CHECK(vector == GP, "CR4.%s: vector %d", cr4[i].name, vector);
		CHECK_EQ("CR4 after it", read_cr4(), old);
	}
	EXPECT(GP, "x2APIC mode", wrmsr(MSR_APIC_BASE, base | 0x400));
	CHECK_EQ("the APIC's base after it", rdmsr(MSR_APIC_BASE), base);
	EXPECT(GP, "EFER.SVME", wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME));
	EXPECT(GP, "EFER.FFXSR", wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1 << 14));
	EXPECT(UD, "XGETBV", asm volatile("xgetbv" :: "c"(0) : "rax", "rdx"));
	EXPECT(UD, "XSETBV", asm volatile("xsetbv" :: "c"(0), "a"(1), "d"(0)));
	EXPECT(UD, "RDFSBASE", asm volatile("rdfsbase %%rax" ::: "rax"));
	return 0;
}
