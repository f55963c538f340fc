// SPDX-License-Identifier: GPL-2.0-only
/*
 * x87, SSE and AVX registers survive exits of every kind: to the kernel
 * (CPUID), to user space (ports), by signals, and state read and written back.
 */
#include "lib.h"

PROGRAM(.seconds = 40);

static u8 image[32] __attribute__((aligned(32)));
static bool avx;

static void load(u32 seed)
{
	u32 v[8];

	for (int i = 0; i < 8; i++)
		v[i] = seed * 0x01010101u + i;
	memcpy(image, v, 32);
	if (avx)
		asm volatile("vmovdqa %0, %%ymm0; vmovdqa %0, %%ymm7; vmovdqa %0, %%ymm15"
			     :: "m"(image));
	else
		asm volatile("movdqa %0, %%xmm0; movdqa %0, %%xmm7; movdqa %0, %%xmm15"
			     :: "m"(image));
	asm volatile("fninit; fildl %0; fildl %0; fldpi" :: "m"(v[1]));
}

static void check(u32 seed, const char *after)
{
	static u8 now[32] __attribute__((aligned(32)));
	u32 v = seed * 0x01010101u + 1, popped;
	u16 status;

	for (int reg = 0; reg < 3; reg++) {
		memset(now, 0, 32);
		if (avx) {
			if (reg == 0)
				asm volatile("vmovdqa %%ymm0, %0" : "=m"(now));
			else if (reg == 1)
				asm volatile("vmovdqa %%ymm7, %0" : "=m"(now));
			else
				asm volatile("vmovdqa %%ymm15, %0" : "=m"(now));
		} else {
			if (reg == 0)
				asm volatile("movdqa %%xmm0, %0" : "=m"(now));
			else if (reg == 1)
				asm volatile("movdqa %%xmm7, %0" : "=m"(now));
			else
				asm volatile("movdqa %%xmm15, %0" : "=m"(now));
		}
		CHECK(!memcmp(now, image, avx ? 32 : 16), "register %d changed after %s", reg, after);
	}
	asm volatile("fnstsw %0" : "=m"(status));
	CHECK((status >> 11 & 7) == 5, "the x87 stack top is %u after %s", status >> 11 & 7, after);
	asm volatile("fstp %%st; fistpl %0" : "=m"(popped));
	CHECK(popped == v, "an x87 register holds 0x%x, not 0x%x, after %s", popped, v, after);
	asm volatile("fninit");
}

int main(void)
{
	u32 mxcsr = 0x1f80 | 0x6000, now;
	u16 control = 0x27f, control_now;
	u64 end;

	if (cpuid(1, 0).ecx >> 28 & 1) {
		set_xcr0(7);
		avx = true;
	}
	load(1);
	check(1, "nothing");
	for (u32 i = 0; i < 200; i++) {
		load(i);
		cpuid(0, 0);
		check(i, "CPUID");
		load(i + 1);
		inb(PORT_ECHO);
		check(i + 1, "IN");
		load(i + 2);
		*(volatile u32 *)MMIO_ADDRESS = i;
		check(i + 2, "a device write");
	}
	load(7);
	host(CALL_SLEEP, 20, 0, 0, 0);
	check(7, "a pause in user space");

	host(CALL_KICKS, 300, 0, 0, 0);
	for (u32 i = 0; i < 60; i++) {
		load(i);
		end = rdtsc() + 5 * header.tsc_khz;
		while (rdtsc() < end)
			;
		check(i, "signals");
	}
	host(CALL_KICKS, 0, 0, 0, 0);

	for (u32 i = 0; i < 10; i++) {
		load(i);
		host(CALL_ROUND_TRIP, 0, 0, 0, 0);
		check(i, "a state round trip");
	}

	/* Control registers. */
	asm volatile("ldmxcsr %0; fldcw %1" :: "m"(mxcsr), "m"(control));
	inb(PORT_ECHO);
	host(CALL_ROUND_TRIP, 0, 0, 0, 0);
	asm volatile("stmxcsr %0; fnstcw %1" : "=m"(now), "=m"(control_now));
	CHECK_EQ("MXCSR", now, mxcsr);
	CHECK_EQ("the x87 control word", control_now, control);
	return 0;
}
