// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults in 4-level paging: for each combination of entry bits and kind
 * of access, whether it faults, the error code, and CR2.
 * QEMU's TCG forgets P in the error code of a reserved bit; it is not looked at.
 * AMD APM vol. 2, "Page-Protection Checks", "#PF-Page-Fault Exception".
 */
#include "lib.h"

PROGRAM();

#define ADDRESS 0x40000000000ul		/* nothing else is there */

enum access { READ, WRITE, FETCH };

static u64 do_access(u64 how)
{
	volatile u64 *p = (volatile u64 *)(ADDRESS + 0x128);

	switch (how) {
	case READ:
		return *p;
	case WRITE:
		*p = 1;
		return 0;
	default:
		((void (*)(void))(ADDRESS + 0x800))();
		return 0;
	}
}

static const struct {
	u64 bits;		/* of the entry, beside the address */
	u64 wp;
	bool user;
	enum access how;
	int error;		/* -1: no fault */
} cases[] = {
	{ 0, CR0_WP, false, READ, 0 },
	{ 0, CR0_WP, false, WRITE, PF_W },
	{ 0, CR0_WP, false, FETCH, PF_I },
	{ 0, CR0_WP, true, READ, PF_U },
	{ 0, CR0_WP, true, WRITE, PF_U | PF_W },
	{ 0, CR0_WP, true, FETCH, PF_U | PF_I },
	{ PTE_P, CR0_WP, false, READ, -1 },
	{ PTE_P, CR0_WP, false, WRITE, PF_P | PF_W },
	{ PTE_P, 0, false, WRITE, -1 },
	{ PTE_P, CR0_WP, false, FETCH, -1 },
	{ PTE_P, CR0_WP, true, READ, PF_P | PF_U },
	{ PTE_P, CR0_WP, true, WRITE, PF_P | PF_U | PF_W },
	{ PTE_P, CR0_WP, true, FETCH, PF_P | PF_U | PF_I },
	{ PTE_P | PTE_W, CR0_WP, false, WRITE, -1 },
	{ PTE_P | PTE_W, CR0_WP, true, WRITE, PF_P | PF_U | PF_W },
	{ PTE_P | PTE_U, CR0_WP, true, READ, -1 },
	{ PTE_P | PTE_U, CR0_WP, true, WRITE, PF_P | PF_U | PF_W },
	{ PTE_P | PTE_U, 0, true, WRITE, PF_P | PF_U | PF_W },
	{ PTE_P | PTE_U, CR0_WP, false, WRITE, PF_P | PF_W },
	{ PTE_P | PTE_U | PTE_W, CR0_WP, true, WRITE, -1 },
	{ PTE_P | PTE_U | PTE_W, CR0_WP, true, FETCH, -1 },
	{ PTE_P | PTE_W | PTE_NX, CR0_WP, false, READ, -1 },
	{ PTE_P | PTE_W | PTE_NX, CR0_WP, false, WRITE, -1 },
	{ PTE_P | PTE_W | PTE_NX, CR0_WP, false, FETCH, PF_P | PF_I },
	{ PTE_P | PTE_U | PTE_NX, CR0_WP, true, FETCH, PF_P | PF_U | PF_I },
	{ PTE_P | PTE_U | PTE_NX, CR0_WP, true, READ, -1 },
};

int main(void)
{
	u64 cr3 = tables_copy(), stack = (u64)page_alloc() + 4096;
	u8 *page = page_alloc();
	u64 *pte = pte_get(cr3, ADDRESS), address;
	u64 *pml4e = &((u64 *)cr3)[ADDRESS >> 39];

	page[0x800] = 0xc3;		/* RET */
	write_cr3(cr3);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		int vector;

		write_cr0((read_cr0() & ~(u64)CR0_WP) | cases[i].wp);
		*pte = (u64)page | cases[i].bits;
		invlpg(ADDRESS);
		write_cr2(0);
		if (cases[i].user)
			vector = CATCH(call_user(do_access, cases[i].how, stack));
		else
			vector = CATCH(do_access(cases[i].how));
		if (cases[i].error < 0) {
			CHECK(vector < 0, "case %u: vector %d", i, vector);
			continue;
		}
		CHECK(vector == PF, "case %u: vector %d, not a page fault", i, vector);
		CHECK(caught()->error == (u64)cases[i].error, "case %u: error code 0x%lx, not 0x%x", i,
		      caught()->error, cases[i].error);
		address = ADDRESS + (cases[i].how == FETCH ? 0x800 : 0x128);
		CHECK(caught()->cr2 == address, "case %u: CR2 is 0x%lx", i, caught()->cr2);
	}
	write_cr0(read_cr0() | CR0_WP);

	/* Rights add up over the levels. */
	*pte = (u64)page | PTE_P | PTE_W | PTE_U;
	*pml4e &= ~PTE_W;
	write_cr3(cr3);
	EXPECT(PF, "a write below an upper entry without W", do_access(WRITE));
	CHECK_EQ("its error code", caught()->error, PF_P | PF_W);
	*pml4e = (*pml4e | PTE_W) & ~PTE_U;
	write_cr3(cr3);
	EXPECT(PF, "a user read below an upper entry without U", call_user(do_access, READ, stack));
	CHECK_EQ("its error code", caught()->error, PF_P | PF_U);
	*pml4e |= PTE_U | PTE_NX;
	write_cr3(cr3);
	EXPECT(PF, "a fetch below an upper entry with NX", do_access(FETCH));
	CHECK_EQ("its error code", caught()->error, PF_P | PF_I);
	*pml4e &= ~PTE_NX;

	/* Reserved bits: NX without EFER.NXE, PS in a PML4 entry, address bits beyond the CPU's. */
	*pte = (u64)page | PTE_P | PTE_W | PTE_NX;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(u64)EFER_NXE);
	write_cr3(cr3);
	EXPECT(PF, "NX without EFER.NXE", do_access(READ));
	CHECK_EQ("its error code", caught()->error | PF_P, PF_P | PF_RSVD);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	*pte = (u64)page | PTE_P | PTE_W;
	*pml4e |= PTE_PS;
	write_cr3(cr3);
	EXPECT(PF, "PS in a PML4 entry", do_access(WRITE));
	CHECK_EQ("its error code", caught()->error | PF_P, PF_P | PF_W | PF_RSVD);
	*pml4e &= ~PTE_PS;
	write_cr3(cr3);
	EXPECT(-1, "the page again", do_access(WRITE));

	/* An access over a page's end faults with the address in the second page. */
	EXPECT(PF, "an access that runs into a missing page", *(volatile u64 *)(ADDRESS + 0xffc));
	CHECK_EQ("CR2", caught()->cr2, ADDRESS + 0x1000);
	return 0;
}
