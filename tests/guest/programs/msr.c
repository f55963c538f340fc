// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs: which bits hold, what raises #GP(0), and what the registers then do.
 * AMD APM vol. 2, "Model-Specific Registers" and each register's section.
 */
#include "lib.h"

PROGRAM();

/*
 * #GP on a real CPU. These registers are not intercepted, and QEMU's TCG takes
 * any value; on it only the guest's survival is looked at.
 */
#define MAY_GP	-2

static const struct {
	const char *name;
	u32 msr;
	u64 value;
	int vector;
} writes[] = {
	{ "STAR", MSR_STAR, 0x0023001000000000, -1 },
	{ "STAR", MSR_STAR, ~0ull, -1 },
	{ "LSTAR", MSR_LSTAR, 0xffffffff81000000, -1 },
	{ "LSTAR, not canonical", MSR_LSTAR, 0x8000000000000000, MAY_GP },
	{ "CSTAR", MSR_CSTAR, 0x7fffffffffff, -1 },
	{ "CSTAR, not canonical", MSR_CSTAR, 0x0000800000000000, MAY_GP },
	{ "SFMASK", MSR_SFMASK, 0x47700, -1 },
	{ "FS base", MSR_FS_BASE, 0x7ffffffff000, -1 },
	{ "FS base", MSR_FS_BASE, 0xffff800000000000, -1 },
	{ "FS base, not canonical", MSR_FS_BASE, 0x1000000000000000, MAY_GP },
	{ "GS base", MSR_GS_BASE, 0x123456789000, -1 },
	{ "GS base, not canonical", MSR_GS_BASE, 0xfff0000000000000, MAY_GP },
	{ "kernel GS base", MSR_KERNEL_GS_BASE, 0xffffffffffffffff, -1 },
	{ "kernel GS base, not canonical", MSR_KERNEL_GS_BASE, 0x0001000000000000, MAY_GP },
	{ "SYSENTER CS", MSR_SYSENTER_CS, 0x10, -1 },
	{ "SYSENTER EIP", MSR_SYSENTER_EIP, 0x1234, -1 },
	{ "SYSENTER ESP", MSR_SYSENTER_ESP, 0x5678, -1 },
	{ "PAT", MSR_PAT, 0x0007040600070406, -1 },
	{ "PAT, type 2", MSR_PAT, 0x0002040600070406, GP },
	{ "PAT, type 3", MSR_PAT, 0x0300040600070406, GP },
	{ "PAT, type 8", MSR_PAT, 0x0807040600070406, GP },
	{ "PAT, all types", MSR_PAT, 0x0001040506070100, -1 },
	{ "MTRR default type, WB", 0x2ff, 0xc06, -1 },
	{ "MTRR default type, bad", 0x2ff, 0xc02, GP },
	{ "MTRR fixed", 0x250, 0x0606060606060606, -1 },
	{ "MTRR fixed, bad type", 0x250, 0x0606060606060602, GP },
	{ "MTRR base", 0x200, 0x80000006, -1 },
	{ "EFER, bit 1", MSR_EFER, 0xd03, GP },
	{ "EFER, bit 63", MSR_EFER, 1ull << 63 | 0xd01, GP },
	{ "EFER.SVME without SVM", MSR_EFER, 0x1d01, GP },
	{ "EFER.SCE", MSR_EFER, 0xd01, -1 },
	{ "microcode revision", 0x8b, 0, -1 },
	{ "unknown 0x4", 0x4, 0, GP },
	{ "unknown 0x9abcdef0", 0x9abcdef0, 0, GP },
	{ "unknown 0xc0001fff", 0xc0001fff, 0, GP },
	{ "unknown 0xffffffff", 0xffffffff, 0, GP },
	{ "APIC base, reserved bit", MSR_APIC_BASE, 0xfee00901 , GP },
	{ "APIC base, x2APIC while off", MSR_APIC_BASE, 0xfee00500 , GP },
};

static const u32 unknown[] = { 0x4, 0x1fff, 0x40000200, 0x9abcdef0, 0xc0000fff, 0xc0011fff,
			       0xffffffff };

int main(void)
{
	u64 efer, before, after;

	for (unsigned int i = 0; i < ARRAY_SIZE(writes); i++) {
		before = writes[i].vector < 0 ? 0 : ~0ull;
		CATCH(before = rdmsr(writes[i].msr));
		if (writes[i].vector == MAY_GP)
			CHECK(CATCH(wrmsr(writes[i].msr, writes[i].value)) != UD, "%s", writes[i].name);
		else
			EXPECT(writes[i].vector, writes[i].name,
			       wrmsr(writes[i].msr, writes[i].value));
		if (writes[i].vector == MAY_GP)
			continue;
		if (writes[i].vector == GP) {
			CHECK_EQ("the error code", caught()->error, 0);
			after = ~0ull;
			CATCH(after = rdmsr(writes[i].msr));
			CHECK(before == after, "%s: changed by a refused write", writes[i].name);
		} else if (writes[i].msr != 0x8b) {
			CHECK_EQ(writes[i].name, rdmsr(writes[i].msr), writes[i].value);
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT(GP, "reading an unknown MSR", rdmsr(unknown[i]));
		CHECK_EQ("the error code", caught()->error, 0);
	}

	/* EFER.NXE off makes NX a reserved bit. */
	efer = rdmsr(MSR_EFER);
	wrmsr(MSR_EFER, efer & ~(u64)EFER_NXE);
	CHECK_EQ("EFER.NXE", rdmsr(MSR_EFER) & EFER_NXE, 0);
	wrmsr(MSR_EFER, efer);

	/* EFER.LMA is not written. */
	wrmsr(MSR_EFER, efer & ~(u64)EFER_LMA);
	CHECK_EQ("EFER.LMA", rdmsr(MSR_EFER) & EFER_LMA, EFER_LMA);

	/* FS and GS bases are those of memory accesses, and SWAPGS swaps. */
	static u64 word = 0xfeed, other = 0xbeef;
	u64 v;
	wrmsr(MSR_FS_BASE, (u64)&word - 16);
	asm volatile("mov %%fs:16, %0" : "=r"(v));
	CHECK_EQ("a read by FS", v, 0xfeed);
	wrmsr(MSR_GS_BASE, (u64)&word);
	wrmsr(MSR_KERNEL_GS_BASE, (u64)&other);
	asm volatile("swapgs; mov %%gs:0, %0" : "=r"(v));
	CHECK_EQ("a read by GS after SWAPGS", v, 0xbeef);
	CHECK_EQ("kernel GS base after SWAPGS", rdmsr(MSR_KERNEL_GS_BASE), (u64)&word);
	CHECK_EQ("GS base after SWAPGS", rdmsr(MSR_GS_BASE), (u64)&other);

	/* RDFSBASE and the others, if there are any. */
	if (cpuid(7, 0).ebx & 1) {
		EXPECT(UD, "RDFSBASE without CR4.FSGSBASE", asm volatile("rdfsbase %%rax" ::: "rax"));
		write_cr4(read_cr4() | CR4_FSGSBASE);
		asm volatile("wrgsbase %0" :: "r"(0x1234567000ull));
		CHECK_EQ("GS base by WRGSBASE", rdmsr(MSR_GS_BASE), 0x1234567000);
	}
	return 0;
}
