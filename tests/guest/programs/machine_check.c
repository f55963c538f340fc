// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine check registers, PAT and MTRRs: how many there are, which values they
 * take, what a write leaves.
 * AMD APM vol. 2, "Machine Check Architecture", "Memory-Type Range Registers".
 */
#include "lib.h"

PROGRAM();

#define MCG_CAP		0x179
#define MCG_STATUS	0x17a
#define MCG_CTL		0x17b
#define BANK(n)		(0x400 + (n) * 4)
#define MTRR_CAP	0xfe
#define MTRR_DEFAULT	0x2ff

static const u32 fixed[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e,
			     0x26f };

static void machine_check(void)
{
	u64 capabilities = rdmsr(MCG_CAP);
	u32 banks = capabilities & 0xff;

	CHECK(banks >= 1 && banks <= 32, "%u banks", banks);
	CHECK_EQ("MCG_STATUS at reset", rdmsr(MCG_STATUS), 0);
	EXPECT(GP, "writing MCG_CAP", wrmsr(MCG_CAP, capabilities));
	wrmsr(MCG_STATUS, 0);
	if (capabilities >> 8 & 1) {
		EXPECT(-1, "MCG_CTL", wrmsr(MCG_CTL, ~0ull));
		CHECK_EQ("MCG_CTL", rdmsr(MCG_CTL), ~0ull);
		EXPECT(GP, "MCG_CTL, neither 0 nor all ones", wrmsr(MCG_CTL, 5));
	}
	for (u32 i = 0; i < banks; i++) {
		EXPECT(-1, "a bank's control", wrmsr(BANK(i), ~0ull));
		CHECK_EQ("a bank's control", rdmsr(BANK(i)), ~0ull);
		CHECK_EQ("a bank's status at reset", rdmsr(BANK(i) + 1), 0);
		EXPECT(-1, "clearing a bank's status", wrmsr(BANK(i) + 1, 0));
		EXPECT(GP, "writing a bank's status", wrmsr(BANK(i) + 1, 1));
		rdmsr(BANK(i) + 2);
		rdmsr(BANK(i) + 3);
	}
	EXPECT(GP, "the bank behind the last", rdmsr(BANK(32) + 1));
}

static void mtrrs(void)
{
	static const u8 types[] = { 0, 1, 4, 5, 6 };
	u64 capabilities = rdmsr(MTRR_CAP), old;
	u32 pairs = capabilities & 0xff;
	u64 beyond = 1ull << (cpuid(0x80000008, 0).eax & 0xff);

	CHECK(pairs >= 8, "%u variable ranges", pairs);
	CHECK(capabilities >> 8 & 1, "no fixed ranges");
	EXPECT(GP, "writing MTRRcap", wrmsr(MTRR_CAP, capabilities));
	for (unsigned int i = 0; i < ARRAY_SIZE(fixed); i++) {
		for (unsigned int t = 0; t < ARRAY_SIZE(types); t++) {
			u64 v = types[t] * 0x0101010101010101ull;

			EXPECT(-1, "a fixed range", wrmsr(fixed[i], v));
			CHECK_EQ("a fixed range", rdmsr(fixed[i]), v);
		}
		EXPECT(GP, "a fixed range of type 3", wrmsr(fixed[i], 3));
		EXPECT(GP, "a fixed range of type 7", wrmsr(fixed[i], 7ull << 40));
	}
	for (u32 i = 0; i < pairs; i++) {
		u32 base = 0x200 + i * 2;

		EXPECT(-1, "a base", wrmsr(base, 0x80000000 | types[i % 5]));
		CHECK_EQ("a base", rdmsr(base), 0x80000000 | types[i % 5]);
		EXPECT(GP, "a base of type 2", wrmsr(base, 0x80000002));
		EXPECT(-1, "a mask", wrmsr(base + 1, 0xf0000800));
		CHECK_EQ("a mask", rdmsr(base + 1), 0xf0000800);
		EXPECT(GP, "a mask beyond the physical addresses", wrmsr(base + 1, beyond | 0x800));
		wrmsr(base + 1, 0);
	}
	old = rdmsr(MTRR_DEFAULT);
	EXPECT(-1, "the default type", wrmsr(MTRR_DEFAULT, 0xc00));
	CHECK_EQ("the default type", rdmsr(MTRR_DEFAULT), 0xc00);
	EXPECT(GP, "the default type, 7", wrmsr(MTRR_DEFAULT, 0xc07));
	EXPECT(GP, "the default type, bit 9", wrmsr(MTRR_DEFAULT, 0x200));
	wrmsr(MTRR_DEFAULT, old);
}

static void pat(void)
{
	u64 old = rdmsr(MSR_PAT);

	for (int slot = 0; slot < 8; slot++)
		for (u64 type = 0; type < 256; type = type < 9 ? type + 1 : type * 2) {
			bool good = type < 8 && type != 2 && type != 3;
			u64 v = (old & ~(0xffull << slot * 8)) | type << slot * 8;

			EXPECT(good ? -1 : GP, "a type in the PAT", wrmsr(MSR_PAT, v));
			if (good)
				CHECK_EQ("the PAT", rdmsr(MSR_PAT), v);
		}
	wrmsr(MSR_PAT, old);
}

int main(void)
{
	machine_check();
	mtrrs();
	pat();
	return 0;
}
