// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMEP and SMAP: what the kernel may not do with user pages, STAC and CLAC, also for
 * accesses that the hypervisor does; NX and write protection there.
 * AMD APM vol. 2, "Supervisor-Mode Execution Prevention", "... Access Prevention".
 */
#include "lib.h"

PROGRAM();

#define USER	0x40000000000ul		/* a user page */
#define DEVICE	0x40000001000ul		/* the device, as a user page */
#define READ_ONLY 0x40000002000ul	/* the device, as a read-only kernel page */

static u64 cr3;

static void make_kernel(void)
{
	/* All the program is user pages in the library's tables. */
	for (int t = 0; t < 4; t++) {
		u64 *pdpt = (u64 *)(((u64 *)cr3)[0] & PTE_ADDRESS), *pd = (u64 *)(pdpt[t] & PTE_ADDRESS);

		for (int i = 0; i < 512; i++)
			pd[i] &= ~PTE_U;
	}
}

static void expect_pf(const char *what, int vector, u64 address, u64 error)
{
	CHECK(vector == PF, "%s: vector %d", what, vector);
	CHECK(caught()->cr2 == address, "%s: CR2 is 0x%lx", what, caught()->cr2);
	CHECK(caught()->error == error, "%s: error 0x%lx, not 0x%lx", what, caught()->error, error);
}

static void stac(void) { asm volatile("stac" ::: "memory", "cc"); }
static void clac(void) { asm volatile("clac" ::: "memory", "cc"); }

int main(void)
{
	struct cpuid seven = cpuid(7, 0);
	u8 *page = page_alloc(), *local = page_alloc();

	cr3 = tables_copy();
	make_kernel();
	page[0x800] = 0xc3;
	*pte_get(cr3, USER) = (u64)page | PTE_P | PTE_W | PTE_U;
	*pte_get(cr3, DEVICE) = MMIO_ADDRESS | PTE_P | PTE_W | PTE_U;
	*pte_get(cr3, READ_ONLY) = MMIO_ADDRESS | PTE_P;
	write_cr3(cr3);

	/* Write protection of a device, with and without CR0.WP. */
	expect_pf("a write to a read-only device", CATCH(*(volatile u32 *)READ_ONLY = 1), READ_ONLY,
		  PF_P | PF_W);
	expect_pf("MOVS to it", CATCH(asm volatile("movsl" :: "S"(local), "D"(READ_ONLY) : "memory")),
		  READ_ONLY, PF_P | PF_W);
	write_cr0(read_cr0() & ~(u64)CR0_WP);
	EXPECT(-1, "a write to a read-only device without CR0.WP", *(volatile u32 *)READ_ONLY = 0x1111);
	CHECK_EQ("what was written", *(volatile u32 *)READ_ONLY, 0x1111);
	write_cr0(read_cr0() | CR0_WP);

	EXPECT(-1, "a call of a user page", ((void (*)(void))(USER + 0x800))());
	if (seven.ebx >> 7 & 1) {
		write_cr4(read_cr4() | CR4_SMEP);
		expect_pf("a call of a user page with SMEP", CATCH(((void (*)(void))(USER + 0x800))()),
			  USER + 0x800, PF_P | PF_I);
		EXPECT(-1, "a read of a user page with SMEP", *(volatile u32 *)USER);
		write_cr4(read_cr4() & ~(u64)CR4_SMEP);
		EXPECT(-1, "a call of a user page", ((void (*)(void))(USER + 0x800))());
	}
	if (!(seven.ebx >> 20 & 1)) {
		EXPECT(UD, "STAC without SMAP", stac());
		return 0;
	}
	write_cr4(read_cr4() | CR4_SMAP);
	clac();
	expect_pf("a read of a user page with SMAP", CATCH(*(volatile u32 *)USER), USER, PF_P);
	expect_pf("a write", CATCH(*(volatile u32 *)(USER + 4) = 1), USER + 4, PF_P | PF_W);
	expect_pf("a read of a user's device", CATCH(*(volatile u32 *)DEVICE), DEVICE, PF_P);
	expect_pf("a write of a user's device", CATCH(*(volatile u32 *)DEVICE = 1), DEVICE, PF_P | PF_W);
	expect_pf("OUTS from a user page", CATCH(asm volatile("outsb" :: "S"(USER), "d"(PORT_ECHO) : "memory")),
		  USER, PF_P);
	expect_pf("INS to a user page", CATCH(asm volatile("insb" :: "D"(USER), "d"(PORT_ECHO) : "memory")),
		  USER, PF_P | PF_W);
	expect_pf("MOVS from a device to a user page",
		  CATCH(asm volatile("movsl" :: "S"(MMIO_ADDRESS), "D"(USER) : "memory")), USER, PF_P | PF_W);
	stac();
	*(volatile u32 *)USER = 0x2222;
	*(volatile u32 *)DEVICE = 0x3333;
	CHECK_EQ("a user page after STAC", *(volatile u32 *)USER, 0x2222);
	CHECK_EQ("a user's device after STAC", *(volatile u32 *)DEVICE, 0x3333);
	asm volatile("outsb" :: "S"(USER), "d"(PORT_ECHO) : "memory");
	clac();
	expect_pf("a read after CLAC", CATCH(*(volatile u32 *)USER), USER, PF_P);
	write_cr4(read_cr4() & ~(u64)CR4_SMAP);
	EXPECT(-1, "a read without SMAP", *(volatile u32 *)USER);
	return 0;
}
