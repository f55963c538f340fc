// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that changes: written by itself, by another CPU, and under instructions
 * that the hypervisor does; instructions over the end of a page.
 * AMD APM vol. 2, "Self-Modifying Code"; "Cross-Modifying Code".
 */
#include "lib.h"

PROGRAM(.vcpus = 2);

typedef u32 (*function)(void);

static void put(u8 *at, const char *code, u32 length)
{
	memcpy(at, code, length);
	/* Cross-modified code wants a serializing instruction before it runs. */
	cpuid(0, 0);
}

static void own(u8 *page)
{
	for (u32 i = 0; i < 500; i++) {
		*(u8 *)page = 0xb8;		/* MOV EAX, i; RET */
		*(u32 *)(page + 1) = i;
		page[5] = 0xc3;
		CHECK_EQ("what the new code gives", ((function)page)(), i);
	}
}

/* The instruction that exits is another one than last time at the same address. */
static void exiting(u8 *page)
{
	static const struct { const char *code; u32 length; u32 wanted; } codes[] = {
		{ "\xb8\x00\x00\x00\x40\x0f\xa2\x31\xc0\xc3", 10, 0 },		/* CPUID; XOR; RET */
		{ "\xb9\x77\x02\x00\x00\x0f\x32\x31\xc0\xc3", 10, 0 },		/* RDMSR 0x277 */
		{ "\xb8\x39\x30\x00\x00\x0f\x01\xd9\x31\xc0\xc3", 11, 0 },	/* VMMCALL */
		{ "\xba\x00\x06\x00\x00\xec\x31\xc0\xc3", 9, 0 },		/* IN AL, DX */
		{ "\xba\x00\x06\x00\x00\xed\x31\xc0\xc3", 9, 0 },		/* IN EAX, DX */
		{ "\xba\x00\x06\x00\x00\x66\xed\x31\xc0\xc3", 10, 0 },		/* IN AX, DX */
		{ "\xba\x00\x00\x00\xd0\x8b\x02\x31\xc0\xc3", 10, 0 },		/* MOV EAX, [device] */
		{ "\xba\x00\x00\x00\xd0\x8a\x42\x08\x31\xc0\xc3", 11, 0 },	/* MOV AL, [device + 8] */
	};
	u64 rbx;

	for (int i = 0; i < 200; i++) {
		u32 n = (i * 5 + i / 8) % ARRAY_SIZE(codes);

		asm volatile("mov %%rbx, %0" : "=r"(rbx));
		put(page, codes[n].code, codes[n].length);
		asm volatile("push %%rbx; call *%0; pop %%rbx" :: "r"(page)
			     : "rax", "rcx", "rdx", "rsi", "rdi", "memory");
		checks++;
	}
	(void)rbx;
}

/* Each instruction at each place over the end of a page, whose neighbour lies elsewhere. */
static void crossing(void)
{
	static const struct { const char *code; u32 length; } codes[] = {
		{ "\xb8\x44\x33\x22\x11", 5 },
		{ "\x0f\xa2", 2 },				/* CPUID */
		{ "\x0f\x01\xd9", 3 },				/* VMMCALL */
		{ "\x8b\x82\x00\x01\x00\x00", 6 },		/* MOV EAX, [RDX + 0x100] */
		{ "\xc7\x82\x00\x02\x00\x00\x78\x56\x34\x12", 10 },	/* MOV [RDX + 0x200], ... */
		{ "\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", 10 },	/* a long NOP */
		{ "\xe4\x77", 2 },				/* IN AL, 0x77 */
		{ "\xf3\xa4", 2 },				/* REP MOVSB: RCX is 0 */
	};
	u64 cr3 = tables_copy(), address = 0x40000000000ul;
	u8 *first = page_alloc(), *gap = page_alloc(), *second = page_alloc();

	(void)gap;
	*pte_get(cr3, address) = (u64)first | PTE_P | PTE_W;
	*pte_get(cr3, address + 4096) = (u64)second | PTE_P | PTE_W;
	write_cr3(cr3);
	for (unsigned int n = 0; n < ARRAY_SIZE(codes); n++) {
		for (u32 before = 1; before < codes[n].length; before++) {
			u8 *at = (u8 *)address + 4096 - before;
			u64 rax = 0, rcx = 0x277;

			put(at, codes[n].code, codes[n].length);
			at[codes[n].length] = 0xc3;
			if (codes[n].code[0] == '\xf3')
				rcx = 0;
			asm volatile("push %%rbx; call *%2; pop %%rbx" : "+a"(rax), "+c"(rcx)
				     : "r"(at), "d"(MMIO_ADDRESS) : "rsi", "rdi", "memory");
			checks++;
			/* Without the second page: a fault there, on the fetch. */
			*pte_get(cr3, address + 4096) &= ~PTE_P;
			invlpg(address + 4096);
			/* Bochs keeps an instruction over two pages until one is written to. */
			*(volatile u8 *)second = *second;
			EXPECT(PF, "code over the end of a missing page",
			       asm volatile("push %%rbx; call *%0; pop %%rbx" :: "r"(at),
					    "d"(MMIO_ADDRESS) : "rax", "rcx", "rsi", "rdi", "memory"));
			CHECK_EQ("CR2", caught()->cr2, address + 4096);
			CHECK_EQ("RIP", caught()->rip, at);
			*pte_get(cr3, address + 4096) |= PTE_P;
		}
	}
}

/* CPU 1 replaces the code that CPU 0 runs, as one aligned store. */
static volatile bool stop;
static u8 *shared;

static void modify(void *unused)
{
	u64 odd = 0x00c3000000dead00ul, even = odd;

	((u8 *)&odd)[0] = ((u8 *)&even)[0] = 0xb8;
	((u8 *)&odd)[1] = 1;
	((u8 *)&even)[1] = 2;
	((u8 *)&odd)[5] = ((u8 *)&even)[5] = 0xc3;
	for (int i = 0; i < 20000; i++)
		*(volatile u64 *)shared = i & 1 ? odd : even;
	stop = true;
}

static void crossed(void)
{
	u32 seen[2] = { 0, 0 };

	apic_enable();
	smp_start(1);
	shared = page_alloc();
	memcpy(shared, "\xb8\x01\xde\xad\x00\xc3", 6);
	run_on(1, modify, NULL);
	/* With interrupts on, for Bochs: see init_sipi.c. */
	sti();
	while (!stop) {
		u32 v = ((function)shared)();

		if ((v & 0xff) == 1 || (v & 0xff) == 2)
			seen[(v & 0xff) - 1]++;
		else
			fail("the code gave 0x%x", v);
	}
	cli();
	checks++;
	wait_for(1);
}

int main(void)
{
	own(page_alloc());
	exiting(page_alloc());
	crossing();
	crossed();
	return 0;
}
