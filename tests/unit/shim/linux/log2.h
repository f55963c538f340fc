/* SPDX-License-Identifier: GPL-2.0-only */
/* Powers of two. */
#pragma once

#include <linux/bitops.h>

#define ilog2(n)	(63 - __builtin_clzll(n))
#define is_power_of_2(n)	((n) != 0 && ((n) & ((n) - 1)) == 0)
#define order_base_2(n)	((n) > 1 ? ilog2((n) - 1) + 1 : 0)
#define roundup_pow_of_two(n)	(1UL << order_base_2(n))
#define rounddown_pow_of_two(n)	(1UL << ilog2(n))

static inline int get_order(unsigned long size)
{
	return size <= 4096 ? 0 : ilog2(size - 1) - 12 + 1;
}
