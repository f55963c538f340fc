/* SPDX-License-Identifier: GPL-2.0-only */
/* Large allocations; page-aligned as in the kernel. */
#pragma once

#include <linux/slab.h>

#define vmalloc(size)		shim_alloc(size, 4096, GFP_KERNEL, __FILE__, __LINE__)
#define vzalloc(size)		shim_alloc(size, 4096, GFP_KERNEL | __GFP_ZERO, __FILE__, __LINE__)
#define __vmalloc(size, gfp)	shim_alloc(size, 4096, gfp, __FILE__, __LINE__)
#define vcalloc(n, size)	vzalloc(array_size(n, size))
#define vmalloc_user(size)	vzalloc(size)
#define vfree(p)		kfree(p)
#define vmalloc_to_page(p)	virt_to_page(p)
#define is_vmalloc_addr(p)	false
