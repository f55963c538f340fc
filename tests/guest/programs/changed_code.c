// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that exit, from code that changes: the same address holds them
 * with other prefixes, by a store, by another page there, in other tables. The
 * host may remember what it found, and has to notice.
 */
#include "lib.h"

PROGRAM(.memory_mb = 64);

#define ADDRESS 0x50000000000ul
#define OFFSET 0x123

/* CPUID at any length, then `inc edi` twice, `ret`: a wrong length is seen in EAX or EDI. */
static const u8 short_cpuid[] = { 0x0f, 0xa2, 0xff, 0xc7, 0xff, 0xc7, 0xc3 };
static const u8 long_cpuid[] = { 0x66, 0x2e, 0x0f, 0xa2, 0xff, 0xc7, 0xff, 0xc7, 0xc3 };
/* A MOV from, and one to, (RSI). */
static const u8 load[] = { 0x8b, 0x06, 0xff, 0xc7, 0xff, 0xc7, 0xc3 };
static const u8 store[] = { 0x89, 0x06, 0xff, 0xc7, 0xff, 0xc7, 0xc3 };
static const u8 long_load[] = { 0x3e, 0x8b, 0x86, 0x40, 0, 0, 0, 0xff, 0xc7, 0xff, 0xc7, 0xc3 };

static u32 run_at(u64 code, u32 eax, u64 rsi)
{
	u32 rdi = 0;

	asm volatile("call *%3" : "+a"(eax), "+D"(rdi) : "c"(0), "r"(code), "S"(rsi)
		     : "rbx", "rdx", "memory", "cc");
	CHECK_EQ("instructions after it", rdi, 2);
	return eax;
}

static void cpuid_at(u64 code)
{
	u32 wanted = cpuid(0, 0).eax;

	for (int i = 0; i < 3; i++)
		CHECK_EQ("CPUID", run_at(code, 0, 0), wanted);
}

static void put(u64 at, const u8 *code, size_t length)
{
	memcpy((void *)at, code, length);
	cpuid(0, 0);	/* serializes */
}

static void stored(void)
{
	u64 at = (u64)page_alloc() + OFFSET;

	for (int i = 0; i < 3; i++) {
		put(at, short_cpuid, sizeof(short_cpuid));
		cpuid_at(at);
		put(at, long_cpuid, sizeof(long_cpuid));
		cpuid_at(at);
	}
}

/* Across the end of a page. */
static void across(void)
{
	u64 page = (u64)pages_alloc(2, 0x1000);

	for (int i = 1; i < 6; i++) {
		put(page + 0x1000 - i, short_cpuid, sizeof(short_cpuid));
		cpuid_at(page + 0x1000 - i);
		put(page + 0x1000 - i, long_cpuid, sizeof(long_cpuid));
		cpuid_at(page + 0x1000 - i);
	}
}

static void mapped(void)
{
	u8 *one = page_alloc(), *two = page_alloc();
	u64 first = read_cr3(), second = tables_copy();
	u64 *pte = pte_get(first, ADDRESS);

	put((u64)one + OFFSET, short_cpuid, sizeof(short_cpuid));
	put((u64)two + OFFSET, long_cpuid, sizeof(long_cpuid));
	for (int i = 0; i < 3; i++) {
		*pte = (u64)one | PTE_P | PTE_W;
		invlpg(ADDRESS);
		cpuid_at(ADDRESS + OFFSET);
		*pte = (u64)two | PTE_P | PTE_W;
		invlpg(ADDRESS);
		cpuid_at(ADDRESS + OFFSET);
	}
	*pte = (u64)one | PTE_P | PTE_W;
	invlpg(ADDRESS);
	*pte_get(second, ADDRESS) = (u64)two | PTE_P | PTE_W;
	for (int i = 0; i < 3; i++) {
		write_cr3(second);
		cpuid_at(ADDRESS + OFFSET);
		write_cr3(first);
		cpuid_at(ADDRESS + OFFSET);
	}
}

static void moves(void)
{
	volatile u32 *device = (volatile u32 *)MMIO_ADDRESS;
	u64 at = (u64)page_alloc() + OFFSET;

	device[16] = 0x77777777;
	for (u32 i = 1; i < 4; i++) {
		put(at, store, sizeof(store));
		run_at(at, i, MMIO_ADDRESS);
		put(at, load, sizeof(load));
		CHECK_EQ("what was stored", run_at(at, 0, MMIO_ADDRESS), i);
		put(at, long_load, sizeof(long_load));
		CHECK_EQ("a load from beside", run_at(at, 0, MMIO_ADDRESS), 0x77777777);
	}
}

int main(void)
{
	stored();
	across();
	mapped();
	moves();
	return 0;
}
