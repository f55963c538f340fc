// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attack: MSRs of all ranges that anything is known in, and random ones, read and
 * written with random values; random CPUID leaves. Each works or raises #GP(0).
 */
#include "lib.h"

PROGRAM(.seconds = 60);

static const struct { u32 first, count; } ranges[] = {
	{ 0, 0x400 }, { 0x400, 0x100 }, { 0x480, 0x20 }, { 0x560, 0x40 }, { 0x600, 0x100 },
	{ 0x6e0, 1 }, { 0x700, 0x100 }, { 0x800, 0x100 }, { 0xc00, 0x200 }, { 0x1200, 0x300 },
	{ 0x40000000, 0x200 }, { 0x4b564d00, 0x10 }, { 0xc0000080, 0x10 }, { 0xc00000e0, 0x10 },
	{ 0xc0000100, 0x10 }, { 0xc0000200, 0x200 }, { 0xc0000300, 0x10 }, { 0xc0002000, 0x100 },
	{ 0xc0010000, 0x200 }, { 0xc0010200, 0x100 }, { 0xc0011000, 0x100 }, { 0xfffffff0, 16 },
};

/* What the host writes to memory goes where nothing is, or into this page. */
static u64 *scratch;

static u64 value(u32 msr)
{
	u64 v = random64();

	switch (random_below(4)) {
	case 0: v &= 0xff; break;
	case 1: v = 1ull << (v & 63); break;
	case 2: v = -(v & 0xffff); break;
	}
	/* Clock, steal time, asynchronous page faults and their like. */
	if (msr == 0x11 || msr == 0x12 || msr >> 12 == 0x4b564 || msr >> 16 == 0x4000)
		v = random_below(2) ? (u64)scratch | (v & 63) : v | 1ull << 40;
	/* Stays in long mode, and on the tables it has. */
	if (msr == MSR_EFER)
		v |= EFER_LME | EFER_NXE;
	return v;
}

static void one(u32 msr)
{
	u64 old = 0;
	int vector;

	vector = CATCH(old = rdmsr(msr));
	CHECK(vector == -1 || vector == GP, "reading MSR 0x%x: vector %d", msr, vector);
	CHECK(vector == -1 || caught()->error == 0, "reading MSR 0x%x: error 0x%lx", msr, caught()->error);
	if (msr == MSR_TSC)
		return;
	vector = CATCH(wrmsr(msr, value(msr)));
	CHECK(vector == -1 || vector == GP, "writing MSR 0x%x: vector %d", msr, vector);
	CATCH(rdmsr(msr));
	if (msr == MSR_APIC_BASE || msr == MSR_EFER)
		CATCH(wrmsr(msr, old));
}

int main(void)
{
	random_seed();
	scratch = page_alloc();
	for (unsigned int r = 0; r < ARRAY_SIZE(ranges); r++)
		for (u32 i = 0; i < ranges[r].count; i++)
			one(ranges[r].first + i);
	for (int i = 0; i < 2000; i++)
		one(random64());
	for (int i = 0; i < 3000; i++) {
		u32 leaf = random64();
		struct cpuid c;

		if (i & 1)
			leaf = (leaf & 0xc0000000) | random_below(0x40);
		c = cpuid(leaf, i & 2 ? random64() : random_below(8));
		(void)c;
		checks++;
	}
	/* It still computes. */
	CHECK_EQ("CPUID's vendor", cpuid(0, 0).ebx, cpuid(0, 0).ebx);
	outb(PORT_ECHO, 0x5a);
	CHECK_EQ("INB", inb(PORT_ECHO), 0x5a);
	return 0;
}
