// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format of Intel's extended page tables for the stage-2 engine (Intel
 * SDM volume 3, "The Extended Page Table Mechanism"). vmx_probe() fits it to
 * what the CPU has.
 */
#include <linux/cache.h>

#include "vmx.h"

#define EPT_READ	BIT_ULL(0)
#define EPT_WRITE	BIT_ULL(1)
#define EPT_EXEC	BIT_ULL(2)
#define EPT_TYPE	(7ull << 3)	/* 0: uncached, which the guest's PAT may make write-combining */
#define EPT_WB		(6ull << 3)	/* memory type, which the guest's PAT may lower */
#define EPT_LARGE	BIT_ULL(7)
#define EPT_ACCESSED	BIT_ULL(8)
#define EPT_DIRTY	BIT_ULL(9)
#define EPT_SOFTWARE	BIT_ULL(11)

struct stage2_format vmx_ept __ro_after_init = {
	.name		= "EPT",
	.levels		= 4,
	.leaf_levels	= 3,
	.addr_mask	= GENMASK_ULL(51, 12),
	.present	= EPT_READ | EPT_WRITE | EPT_EXEC,
	.table		= EPT_READ | EPT_WRITE | EPT_EXEC,
	.leaf_mask	= { [2] = EPT_LARGE, [3] = EPT_LARGE },
	.leaf_value	= { [2] = EPT_LARGE, [3] = EPT_LARGE },
	.leaf		= {
		[1] = EPT_WB,
		[2] = EPT_WB | EPT_LARGE,
		[3] = EPT_WB | EPT_LARGE,
	},
	.memory_type	= EPT_TYPE,
	.allow_read	= EPT_READ,
	.allow_write	= EPT_WRITE,
	.allow_exec	= EPT_EXEC,
	.accessed	= EPT_ACCESSED,
	.dirty		= EPT_DIRTY,
	.software	= EPT_SOFTWARE,
};
