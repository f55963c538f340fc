// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging below long mode: 32-bit with 4 KiB and 4 MiB pages, PAE with its four
 * pointers; who may read, write and fetch, error codes, A and D; device accesses
 * in the first, which make the hypervisor walk the tables.
 * AMD APM vol. 2, "Legacy-Mode Page Translation".
 */
#include "lib.h"

PROGRAM();

#define VA	0x50000000u	/* nothing else is there */
#define BIG_VA	0x60000000u
#define DEV_VA	0x70000000u

/* Values for the 32-bit part, and what it found: vector (or -1), error, CR2, data. */
extern volatile u32 p_cr3, p_cr4, p_cr0, p_address, p_how, p_vector, p_error, p_cr2, p_data;
volatile u32 p_cr3, p_cr4, p_cr0, p_address, p_how, p_vector, p_error, p_cr2, p_data;
void paged(void);
asm(
"	.code32\n"
"paged:\n"
"	movl	p_cr4, %eax\n"
"	movl	%eax, %cr4\n"
"	movl	p_cr3, %eax\n"
"	movl	%eax, %cr3\n"
"	movl	p_cr0, %eax\n"
"	movl	%eax, %cr0\n"
"	jmp	1f\n"
"1:	movl	$paged_trapped, trap32_resume\n"
"	movl	%esp, trap32_esp\n"
"	movl	$-1, p_vector\n"
"	movl	p_address, %ebx\n"
"	cmpl	$1, p_how\n"
"	je	2f\n"
"	ja	3f\n"
"	movl	(%ebx), %eax\n"
"	movl	%eax, p_data\n"
"	jmp	paged_end\n"
"2:	movl	$0x77778888, (%ebx)\n"
"	jmp	paged_end\n"
"3:	call	*%ebx\n"
"	jmp	paged_end\n"
"paged_trapped:\n"
"	movl	trap32_vector, %eax\n"
"	movl	%eax, p_vector\n"
"	movl	trap32_error, %eax\n"
"	movl	%eax, p_error\n"
"	movl	trap32_cr2, %eax\n"
"	movl	%eax, p_cr2\n"
"paged_end:\n"
"	ret\n"
"	.code64\n");

enum { READ, WRITE, FETCH };

static u64 *pae_pointers;

static void try(const char *what, u32 address, u32 how, int error)
{
	/* QEMU's TCG sets A in these, where it is reserved: no walk by the hypervisor works then. */
	for (int i = 0; pae_pointers && i < 4; i++)
		pae_pointers[i] &= ~(u64)PTE_A;
	p_address = address;
	p_how = how;
	call_protected(paged);
	if (error < 0) {
		CHECK(p_vector == ~0u, "%s: vector %u, error 0x%x", what, p_vector, p_error);
		return;
	}
	CHECK(p_vector == PF, "%s: vector %d", what, p_vector);
	/* TCG forgets P in the error code of a reserved bit. */
	CHECK(p_error == (u32)error || (error & PF_RSVD && (p_error | PF_P) == (u32)error),
	      "%s: error 0x%x, not 0x%x", what, p_error, error);
	CHECK(p_cr2 == address, "%s: CR2 is 0x%x", what, p_cr2);
}

static void two_level(void)
{
	u32 *pd = page_alloc(), *pt = page_alloc(), *page = page_alloc();
	u8 *big = pages_alloc(1024, 4 << 20);

	/* The first 16 MiB one to one with large pages. */
	for (u32 i = 0; i < 4; i++)
		pd[i] = i << 22 | 0x83;
	pd[VA >> 22] = (u64)pt | 3;
	pd[DEV_VA >> 22] = (u64)pt | 3;
	pd[BIG_VA >> 22] = (u64)big | 0x83;
	pt[1] = MMIO_ADDRESS | 3;
	page[0] = 0xcafe;
	page[1] = 0xc3;
	p_cr3 = (u64)pd;
	p_cr4 = CR4_PSE;
	p_cr0 = CR0_PG | CR0_PE | CR0_WP | CR0_NE;

	try("32-bit paging, not present", VA, READ, 0);
	try("32-bit paging, not present", VA + 5, WRITE, PF_W);
	pt[0] = (u64)page | 1;
	try("32-bit paging, a read", VA, READ, -1);
	CHECK_EQ("what it reads", p_data, 0xcafe);
	CHECK_EQ("A and D", pt[0] & 0x60, PTE_A);
	try("32-bit paging, a write to a read-only page", VA, WRITE, PF_P | PF_W);
	p_cr0 &= ~CR0_WP;
	try("32-bit paging, the same without WP", VA + 8, WRITE, -1);
	CHECK_EQ("A and D", pt[0] & 0x60, PTE_A | PTE_D);
	p_cr0 |= CR0_WP;
	try("32-bit paging, a fetch", VA + 4, FETCH, -1);
	*(u32 *)(big + 0x123450) = 0xb16;
	try("a 4 MiB page", BIG_VA + 0x123450, READ, -1);
	CHECK_EQ("what it reads", p_data, 0xb16);
	CHECK_EQ("its A and D", pd[BIG_VA >> 22] & 0x60, PTE_A);
	pd[BIG_VA >> 22] |= 1 << 21;
	try("a 4 MiB page with a reserved bit", BIG_VA, READ, PF_P | PF_RSVD);
	/* DEV_VA and VA have the same table: page 1. */
	*(volatile u32 *)MMIO_ADDRESS = 0x1234abcd;
	try("reading a device", DEV_VA + 4096, READ, -1);
	CHECK_EQ("what it reads", p_data, 0x1234abcd);
	try("writing a device", DEV_VA + 4096, WRITE, -1);
	CHECK_EQ("what was written", *(volatile u32 *)MMIO_ADDRESS, 0x77778888);
	pt[1] = MMIO_ADDRESS | 1;
	try("writing a device through a read-only page", DEV_VA + 4096, WRITE, PF_P | PF_W);
}

static void pae(void)
{
	u64 *pdpt = page_alloc(), *pd = page_alloc(), *pd1 = page_alloc(), *pt = page_alloc();
	u32 *page = page_alloc();
	u8 *big = pages_alloc(512, 2 << 20);

	pdpt[0] = (u64)pd | 1;
	pdpt[1] = (u64)pd1 | 1;
	for (u64 i = 0; i < 16; i++)
		pd[i] = i << 21 | 0x83;
	pd1[VA >> 21 & 511] = (u64)pt | 3;
	pd1[BIG_VA >> 21 & 511] = (u64)big | 0x83;
	page[0] = 0xbeef;
	page[1] = 0xc3;
	pae_pointers = pdpt;
	p_cr3 = (u64)pdpt;
	p_cr4 = CR4_PAE;
	p_cr0 = CR0_PG | CR0_PE | CR0_WP | CR0_NE;

	try("PAE, not present", VA, READ, 0);
	pt[0] = (u64)page | 1;
	try("PAE, a read", VA, READ, -1);
	CHECK_EQ("what it reads", p_data, 0xbeef);
	CHECK_EQ("A and D", pt[0] & 0x60, PTE_A);
	try("PAE, a write to a read-only page", VA, WRITE, PF_P | PF_W);
	pt[0] |= 2;
	try("PAE, a write", VA + 12, WRITE, -1);
	CHECK_EQ("A and D", pt[0] & 0x60, PTE_A | PTE_D);
	try("PAE, a fetch", VA + 4, FETCH, -1);
	/* EFER.NXE is set by the library. */
	pt[0] |= PTE_NX;
	try("PAE, a read with NX", VA, READ, -1);
	*(u32 *)(big + 0x54320) = 0xb16;
	try("a 2 MiB page", BIG_VA + 0x54320, READ, -1);
	CHECK_EQ("what it reads", p_data, 0xb16);
	try("an absent pointer", 0x90000000, READ, 0);
}

int main(void)
{
	two_level();
	pae();
	return 0;
}
