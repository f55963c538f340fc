// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accessed and dirty bits, large pages, and which translations INVLPG and
 * moves to CR3 and CR4 drop.
 * QEMU's TCG forgets P in the error code of a reserved bit; it is not looked at.
 * AMD APM vol. 2, "Page Translation and Protection", "TLB Management".
 */
#include "lib.h"

PROGRAM(.memory_mb = 64);

#define ADDRESS 0x40000000000ul

static u64 cr3;

static volatile u64 *at(u64 offset)
{
	return (volatile u64 *)(ADDRESS + offset);
}

static void accessed_dirty(void)
{
	u64 *pte = pte_get(cr3, ADDRESS), *page = page_alloc(), ad = PTE_A | PTE_D;

	*pte = (u64)page | PTE_P | PTE_W;
	invlpg(ADDRESS);
	CHECK_EQ("A and D before", *pte & ad, 0);
	(void)*at(0);
	CHECK_EQ("A and D after a read", *pte & ad, PTE_A);
	*at(0) = 1;
	CHECK_EQ("A and D after a write", *pte & ad, ad);
	*pte &= ~ad;
	invlpg(ADDRESS);
	*at(8) = 1;
	CHECK_EQ("A and D after a write at once", *pte & ad, ad);
	*pte = ((u64)page | PTE_P) & ~ad;
	invlpg(ADDRESS);
	EXPECT(PF, "a write to a read-only page", *at(0) = 2);
	CHECK_EQ("D after a refused write", *pte & PTE_D, 0);
	CHECK_EQ("what was written", page[0], 1);
	/* Upper entries get A too. */
	CHECK(((u64 *)cr3)[ADDRESS >> 39] & PTE_A, "no A in the PML4 entry");
}

static void large_pages(void)
{
	u8 *memory = pages_alloc(512, 1 << 21);
	u64 *pml4 = (u64 *)cr3, *pdpt, *pd;

	pdpt = page_alloc();
	pd = page_alloc();
	pml4[(ADDRESS >> 39) + 1] = (u64)pdpt | 7;
	pdpt[0] = (u64)pd | 7;
	pd[3] = (u64)memory | PTE_PS | PTE_P | PTE_W;
	*(volatile u64 *)(ADDRESS + (1ul << 39) + 0x600000 + 0x12340) = 0x2222;
	CHECK_EQ("2 MiB page", *(u64 *)(memory + 0x12340), 0x2222);
	CHECK_EQ("its A and D", pd[3] & (PTE_A | PTE_D), PTE_A | PTE_D);
	/* Reserved low address bits of a large page */
	pd[4] = ((u64)memory + 0x4000) | PTE_PS | PTE_P | PTE_W;
	EXPECT(PF, "a 2 MiB page at an odd address",
	       *(volatile u64 *)(ADDRESS + (1ul << 39) + 0x800000));
	CHECK_EQ("its error code", caught()->error | PF_P, PF_P | PF_RSVD);
	if (!(cpuid(0x80000001, 0).edx >> 26 & 1))
		return;
	pdpt[1] = PTE_PS | PTE_P | PTE_W;
	*(u64 *)(memory + 0x777000) = 0;
	*(volatile u64 *)(ADDRESS + (1ul << 39) + (1ul << 30) + (u64)memory + 0x8880) = 0x1111;
	CHECK_EQ("1 GiB page", *(u64 *)(memory + 0x8880), 0x1111);
	CHECK_EQ("its A and D", pdpt[1] & (PTE_A | PTE_D), PTE_A | PTE_D);
}

/* Reads through ADDRESS must show the new page after the flush in question. */
static void flushes(void)
{
	u64 *pte = pte_get(cr3, ADDRESS), *a = page_alloc(), *b = page_alloc(), cr4;

	a[0] = 0xa;
	b[0] = 0xb;
	*pte = (u64)a | PTE_P | PTE_W;
	invlpg(ADDRESS);
	CHECK_EQ("the page", *at(0), 0xa);
	*pte = (u64)b | PTE_P | PTE_W;
	invlpg(ADDRESS);
	CHECK_EQ("the page after INVLPG", *at(0), 0xb);
	*pte = (u64)a | PTE_P | PTE_W;
	write_cr3(cr3);
	CHECK_EQ("the page after a move to CR3", *at(0), 0xa);

	write_cr4(read_cr4() | CR4_PGE);
	*pte = (u64)b | PTE_P | PTE_W | PTE_G;
	invlpg(ADDRESS);
	CHECK_EQ("the global page", *at(0), 0xb);
	*pte = (u64)a | PTE_P | PTE_W | PTE_G;
	invlpg(ADDRESS);
	CHECK_EQ("the global page after INVLPG", *at(0), 0xa);
	*pte = (u64)b | PTE_P | PTE_W | PTE_G;
	cr4 = read_cr4();
	write_cr4(cr4 & ~(u64)CR4_PGE);
	CHECK_EQ("the global page after a move to CR4", *at(0), 0xb);
	write_cr4(cr4);

	*pte = 0;
	invlpg(ADDRESS);
	EXPECT(PF, "a page taken away", *at(0));
	*pte = (u64)a | PTE_P;
	CHECK_EQ("a page that became present needs no flush", *at(0), 0xa);

	/* Upper levels: another table in place. */
	u64 *pde = NULL, *pdpt, *table = page_alloc();
	pdpt = (u64 *)(((u64 *)cr3)[ADDRESS >> 39] & PTE_ADDRESS);
	pde = (u64 *)(pdpt[0] & PTE_ADDRESS);
	table[0] = (u64)b | PTE_P | PTE_W;
	pde[0] = (u64)table | 7;
	invlpg(ADDRESS);
	CHECK_EQ("the page through another table", *at(0), 0xb);
}

int main(void)
{
	cr3 = tables_copy();
	write_cr3(cr3);
	accessed_dirty();
	large_pages();
	flushes();
	return 0;
}
