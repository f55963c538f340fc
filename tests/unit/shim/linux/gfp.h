/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocation flags and whole pages. */
#pragma once

#include <linux/types.h>

#define __GFP_DIRECT_RECLAIM	0x1U	/* may sleep */
#define __GFP_ACCOUNT		0x2U
#define __GFP_ZERO		0x4U
#define __GFP_NOWARN		0x8U
#define __GFP_NOFAIL		0x10U
#define __GFP_HIGH		0x20U
#define __GFP_NORETRY		0x40U
#define __GFP_RETRY_MAYFAIL	0x80U
#define __GFP_COMP		0x100U
#define __GFP_THISNODE		0x200U
#define __GFP_DMA32		0x400U
#define GFP_KERNEL		__GFP_DIRECT_RECLAIM
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_USER		GFP_KERNEL
#define GFP_ATOMIC		__GFP_HIGH
#define GFP_NOWAIT		0U

struct page;
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);
void free_pages(unsigned long addr, unsigned int order);
struct page *alloc_pages(gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);
void *alloc_pages_exact(size_t size, gfp_t gfp);
void free_pages_exact(void *p, size_t size);

#define __get_free_page(gfp)	__get_free_pages(gfp, 0)
#define get_zeroed_page(gfp)	__get_free_pages((gfp) | __GFP_ZERO, 0)
#define free_page(addr)		free_pages(addr, 0)
#define alloc_page(gfp)		alloc_pages(gfp, 0)
#define alloc_pages_node(node, gfp, order)	alloc_pages(gfp, order)
#define __free_page(page)	__free_pages(page, 0)
