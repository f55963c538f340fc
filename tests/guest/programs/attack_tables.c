// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attack: page tables with random entries, that point to each other, to nothing, to
 * devices and beyond the physical memory; descriptor tables with random content.
 *
 * What is written through such tables must not be the program: entries that lead to
 * memory lead to the arena, 2 MiB that hold nothing else, and never to code.
 */
#include "lib.h"

PROGRAM(.memory_mb = 16, .seconds = 60);

#define ARENA		0x800000ul
#define ARENA_SIZE	0x200000ul
#define NOWHERE		0x40000000ul	/* 1 GiB aligned, and no memory */

static u64 tables[6];		/* PML4, PDPT, four PDs */
static u64 limit;		/* bytes of physical address space */

/* A place that may be written to: in the arena, or where no memory is. */
static u64 random_place(void)
{
	switch (random_below(8)) {
	case 0: return NOWHERE + (random64() & 0x3ffff000);
	case 1: return MMIO_ADDRESS;
	case 2: return 0xfee00000;
	case 3: return (limit - 4096) & (random64() | NOWHERE) & ~0xffful;
	case 4: return random64() & ~(limit - 1) & 0xffffffffff000;
	default: return ARENA + (random64() & (ARENA_SIZE - 4096));
	}
}

/* An entry of any table but that its page is none of the program's. */
static u64 random_entry(void)
{
	u64 entry = random_place() | (random64() & 0xfff) | (random64() & 0xff00000000000000ul);

	if (random_below(4))
		entry |= PTE_P | PTE_W | PTE_U;
	if (random_below(4))
		entry &= ~0x7f00000000000000ul;
	/* 1 GiB of identity would be the program's memory; 2 MiB of the arena are its own. */
	if ((entry & PTE_PS) && random_below(2))
		entry = (entry & 0xfff) | NOWHERE;
	else if ((entry & 0xffffffffff000) < NOWHERE)
		entry &= ~(u64)PTE_PS;
	return entry | PTE_NX;
}

static void boot_tables(void)
{
	u64 *pd = (u64 *)tables[2];

	memset((void *)tables[0], 0, 2 * 4096);
	((u64 *)tables[0])[0] = tables[1] | 7;
	for (int i = 0; i < 4; i++)
		((u64 *)tables[1])[i] = tables[2 + i] | 7;
	for (u64 i = 0; i < 2048; i++)
		pd[i] = i << 21 | PTE_PS | 7;
	pd[ARENA >> 21] |= PTE_NX;
}

/* The arena's pages are tables, too, for entries that lead there. */
static void fill_arena(void)
{
	for (u64 *entry = (u64 *)ARENA; entry < (u64 *)(ARENA + ARENA_SIZE);
	     entry += 1 + random_below(16))
		*entry = random_entry();
}

/* Damage to tables that are not in use; those of the program's first 4 MiB seldom. */
static void damage(void)
{
	u64 count = 1 + random_below(20);

	boot_tables();
	for (u64 i = 0; i < count; i++) {
		u64 *table = (u64 *)tables[random_below(ARRAY_SIZE(tables))];
		u32 slot = random_below(random_below(4) ? 512 : 8);

		if (slot < 2 && table == (u64 *)tables[2] && random_below(8))
			continue;
		if (!slot && table != (u64 *)tables[2] && random_below(8))
			continue;
		table[slot] = random_entry();
	}
}

/* Where the tables of damage() decide. Accesses of up to 8 bytes, also across pages. */
static void touch(void)
{
	for (int i = 0; i < 12; i++) {
		u64 at = (random64() & 0x7fffffffful) | ARENA_SIZE * 2;

		if (random_below(4) == 0)
			at = ARENA + (random64() & (ARENA_SIZE - 1));
		/* Identity of what is not the program's. */
		if ((at & 0x3fffffff) < ARENA || (at & 0x3fffffff) >= ARENA + ARENA_SIZE)
			at |= 0x20000000;
		switch (random_below(4)) {
		case 0: *(volatile u64 *)at; break;
		case 1: *(volatile u8 *)at = i; break;
		case 2: asm volatile("lock incl (%0)" :: "r"(at) : "memory", "cc"); break;
		case 3: asm volatile("call *%0" :: "r"(at) : "memory"); break;
		}
	}
}

static void attack_pages(void)
{
	for (int round = 0; round < 400; round++) {
		u64 old = read_cr3();

		if (round % 40 == 0)
			fill_arena();
		damage();
		ATTACK(20, write_cr3(tables[0]); touch(); write_cr3(old));
		checks++;
	}
	/* The arena itself as root. */
	for (int round = 0; round < 40; round++) {
		u64 root = ARENA + (random64() & (ARENA_SIZE - 4096));

		ATTACK(20, write_cr3(root | random_below(4096)); touch());
		checks++;
	}
}

struct table { u16 limit; u64 base; } __attribute__((packed));

/* Gates lead to where nothing can run; descriptors are anything. */
static u64 random_descriptor(void)
{
	u64 d = random64();

	if (random_below(2))
		d |= 1ull << 47;
	return d;
}

static void random_gate(u64 *gate)
{
	u64 to = random_below(2) ? NOWHERE + random_below(1 << 30) : random64() | 1ull << 46;

	gate[0] = (to & 0xffff) | (random64() & 0xffff) << 16 | (random64() & 0xffff) << 32 |
		  (to >> 16 & 0xffff) << 48;
	if (random_below(4))
		gate[0] = (gate[0] & ~(0xffull << 40)) | 0x8eull << 40;
	gate[1] = to >> 32 | (random_below(4) ? 0 : random64() << 32);
}

static void attack_descriptors(void)
{
	u64 *gates = page_alloc(), *segments = page_alloc();
	struct table to_idt = { 4095, (u64)gates }, to_gdt = { 4095, (u64)segments };

	for (int round = 0; round < 400; round++) {
		u32 selector = random64() & 0xffff;

		for (int i = 0; i < 256; i++)
			random_gate(gates + 2 * i);
		for (int i = 0; i < 512; i++)
			segments[i] = random_descriptor();
		switch (round % 8) {
		case 0: ATTACK(20, asm volatile("lidt %0; int $0x31" :: "m"(to_idt) : "memory")); break;
		case 1: ATTACK(20, asm volatile("lidt %0; ud2" :: "m"(to_idt) : "memory")); break;
		case 2: ATTACK(20, asm volatile("lidt %0; int3" :: "m"(to_idt) : "memory")); break;
		case 3: ATTACK(20, asm volatile("lgdt %0; mov %1, %%fs; mov %1, %%gs; mov %1, %%ss"
						:: "m"(to_gdt), "r"(selector) : "memory")); break;
		case 4: ATTACK(20, asm volatile("lgdt %0; ltr %w1" :: "m"(to_gdt), "r"(selector) : "memory"));
			break;
		case 5: ATTACK(20, asm volatile("lgdt %0; lldt %w1" :: "m"(to_gdt), "r"(selector) : "memory"));
			break;
		case 6: ATTACK(20, asm volatile("lgdt %0; push %1; push %2; lretq"
						:: "m"(to_gdt), "r"((u64)selector), "r"(NOWHERE) : "memory"));
			break;
		case 7: ATTACK(20, asm volatile("lgdt %0; push %1; push %2; push $2; push %1; push %2; iretq"
						:: "m"(to_gdt), "r"((u64)selector), "r"(NOWHERE) : "memory"));
			break;
		}
		checks++;
	}
}

int main(void)
{
	random_seed();
	limit = 1ull << (cpuid(0x80000008, 0).eax & 0xff);
	for (unsigned int i = 0; i < 2; i++)
		tables[i] = (u64)page_alloc();
	tables[2] = (u64)pages_alloc(4, 4096);
	for (unsigned int i = 3; i < ARRAY_SIZE(tables); i++)
		tables[i] = tables[i - 1] + 4096;
	attack_pages();
	attack_descriptors();
	/* The vCPU still works, and the program is what it was. */
	EXPECT(6, "UD2", asm volatile("ud2"));
	boot_tables();
	write_cr3(tables[0]);
	*(volatile u64 *)ARENA = 0x5a5a;
	CHECK_EQ("memory through fresh tables", *(volatile u64 *)ARENA, 0x5a5a);
	return 0;
}
