// SPDX-License-Identifier: GPL-2.0-only
/*
 * XCR0: which values XSETBV takes, CPUID's sizes and OSXSAVE bit, who may write it.
 * QEMU's TCG does not intercept XSETBV, so the checks of the value are its own here;
 * what the hypervisor has to know comes through the library's set_xcr0().
 * Intel SDM vol. 1, "Enabling the XSAVE Feature Set".
 */
#include "lib.h"

PROGRAM();

static u64 user_xsetbv(u64 v)
{
	xsetbv(0, v);
	return 0;
}

static u64 xgetbv(u32 index)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
	return low | (u64)high << 32;
}

int main(void)
{
	u64 stack = (u64)page_alloc() + 4096, all;
	struct cpuid d;

	if (!(cpuid(1, 0).ecx >> 26 & 1))
		skip("no XSAVE");
	CHECK_EQ("CPUID's OSXSAVE at first", cpuid(1, 0).ecx >> 27 & 1, 0);
	EXPECT(UD, "XGETBV without CR4.OSXSAVE", xgetbv(0));
	write_cr4(read_cr4() | CR4_OSXSAVE);
	CHECK_EQ("CPUID's OSXSAVE", cpuid(1, 0).ecx >> 27 & 1, 1);
	CHECK_EQ("XCR0 at reset", xgetbv(0), 1);
	d = cpuid(0xd, 0);
	all = d.eax | (u64)d.edx << 32;
	CHECK_EQ("x87 and SSE in leaf 0xd", all & 3, 3);
	CHECK_EQ("the size at reset", d.ebx, 576);

	EXPECT(GP, "XCR0 without x87", xsetbv(0, 2));
	EXPECT(GP, "XCR0 = 0", xsetbv(0, 0));
	EXPECT(GP, "AVX without SSE", xsetbv(0, 5));
	EXPECT(GP, "bit 63", xsetbv(0, 1ull << 63 | 3));
	EXPECT(GP, "a bit that is not offered", xsetbv(0, 1ull << 40 | 3));
	EXPECT(GP, "XCR 1", xsetbv(1, 1));
	EXPECT(GP, "XSETBV at CPL 3", call_user(user_xsetbv, 1, stack));
	CHECK_EQ("XCR0 after all that", xgetbv(0), 1);
	EXPECT(GP, "XGETBV of register 2", xgetbv(2));

	set_xcr0(3);
	CHECK_EQ("the size with SSE", cpuid(0xd, 0).ebx, 576);
	if (all & 4) {
		set_xcr0(7);
		CHECK_EQ("XCR0", xgetbv(0), 7);
		d = cpuid(0xd, 2);
		CHECK_EQ("the size with AVX", cpuid(0xd, 0).ebx, d.ebx + d.eax);
		CHECK_EQ("AVX's size", d.eax, 256);
		/* It stays over exits of all kinds. */
		inb(PORT_ECHO);
		host(CALL_ROUND_TRIP, 0, 0, 0, 0);
		CHECK_EQ("XCR0 after exits", xgetbv(0), 7);
	}
	return 0;
}
