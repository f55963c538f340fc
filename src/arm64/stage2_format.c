// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arm's stage 2 for the engine in core (Arm ARM, "VMSAv8-64 translation table
 * format descriptors"): 40 bits of guest physical addresses in three levels of
 * 4 KiB tables, two root tables side by side.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <asm/barrier.h>

#include "enter.h"

#define S2_VALID	BIT_ULL(0)
#define S2_TABLE	BIT_ULL(1)	/* of levels above 1: no leaf; of level 1: has to be set */
#define S2_MEMATTR(a)	((u64)(a) << 2)
#define S2_READ		BIT_ULL(6)
#define S2_WRITE	BIT_ULL(7)
#define S2_INNER	(3ULL << 8)
#define S2_ACCESSED	BIT_ULL(10)
#define S2_XN		BIT_ULL(54)
#define S2_SOFTWARE	BIT_ULL(55)

#define ATTR_NORMAL	0xf		/* write-back, inner and outer */
#define ATTR_DEVICE	0x1		/* nGnRE */

/*
 * A guest whose caches are off, or that maps memory as uncacheable, looks past
 * the caches, so nothing of its memory may be in them only; and what is written
 * there as code by the host is not to be missed by a fetch (Arm ARM, "About cache
 * maintenance in AArch64 state").
 */
static void prepare(u64 pfn, u64 npages)
{
	if (pfn_valid(pfn))
		arm64_cache_clean(__va(PFN_PHYS(pfn)), npages << PAGE_SHIFT);
}

static void table_sync(void *entry, size_t len)
{
	dsb(ishst);
}

struct stage2_format arm64_stage2 __ro_after_init = {
	.name = "arm64",
	.levels = 3,
	.leaf_levels = 2,	/* more is too long to prepare at once */
	.root_pages_shift = 1,
	.addr_mask = GENMASK_ULL(47, 12),
	.present = S2_VALID,
	.table = S2_VALID | S2_TABLE,
	.leaf_mask = { [2] = S2_TABLE, [3] = S2_TABLE },
	.leaf = {
		[1] = S2_VALID | S2_TABLE | S2_MEMATTR(ATTR_NORMAL) | S2_INNER,
		[2] = S2_VALID | S2_MEMATTR(ATTR_NORMAL) | S2_INNER,
	},
	.memory_type = S2_MEMATTR(0xf),
	.device_type = S2_MEMATTR(ATTR_DEVICE),
	.allow_read = S2_READ,
	.allow_write = S2_WRITE,
	.deny_exec = S2_XN,
	.accessed = S2_ACCESSED,
	.accessed_faults = true,
	.software = S2_SOFTWARE,
	.break_before_make = true,
	.sync = table_sync,
	.prepare = prepare,
};
