// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format of AMD's nested page tables for the stage-2 engine: that of long
 * mode's page tables, every access being a user access (AMD APM volume 2,
 * "Nested Paging").
 */
#include <linux/cache.h>

#include "svm.h"

#define NPT_PRESENT	BIT_ULL(0)
#define NPT_WRITE	BIT_ULL(1)
#define NPT_USER	BIT_ULL(2)
#define NPT_ACCESSED	BIT_ULL(5)
#define NPT_DIRTY	BIT_ULL(6)
#define NPT_LARGE	BIT_ULL(7)
#define NPT_SOFTWARE	BIT_ULL(52)
#define NPT_NX		BIT_ULL(63)

struct stage2_format svm_npt __ro_after_init = {
	.name		= "NPT",
	.levels		= 4,	/* or 5: svm_probe() */
	.leaf_levels	= 3,
	.addr_mask	= GENMASK_ULL(51, 12),
	.present	= NPT_PRESENT,
	.table		= NPT_PRESENT | NPT_WRITE | NPT_USER,
	.leaf_mask	= { [2] = NPT_LARGE, [3] = NPT_LARGE },
	.leaf_value	= { [2] = NPT_LARGE, [3] = NPT_LARGE },
	.leaf		= {
		[1] = NPT_PRESENT | NPT_USER,
		[2] = NPT_PRESENT | NPT_USER | NPT_LARGE,
		[3] = NPT_PRESENT | NPT_USER | NPT_LARGE,
	},
	.allow_write	= NPT_WRITE,
	.deny_exec	= NPT_NX,
	.accessed	= NPT_ACCESSED,
	.dirty		= NPT_DIRTY,
	.software	= NPT_SOFTWARE,
};
