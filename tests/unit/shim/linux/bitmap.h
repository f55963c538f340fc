/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole bitmaps. */
#pragma once

#include <linux/bitops.h>
#include <linux/slab.h>
#include <string.h>

#define bitmap_bytes(n)	(BITS_TO_LONGS(n) * sizeof(long))

static inline void bitmap_zero(unsigned long *map, unsigned int n)
{
	memset(map, 0, bitmap_bytes(n));
}

static inline void bitmap_fill(unsigned long *map, unsigned int n)
{
	memset(map, 0xff, bitmap_bytes(n));
}

static inline void bitmap_copy(unsigned long *to, const unsigned long *from, unsigned int n)
{
	memcpy(to, from, bitmap_bytes(n));
}

static inline void bitmap_set(unsigned long *map, unsigned int start, unsigned int n)
{
	while (n--)
		__set_bit(start++, map);
}

static inline void bitmap_clear(unsigned long *map, unsigned int start, unsigned int n)
{
	while (n--)
		__clear_bit(start++, map);
}

static inline bool bitmap_empty(const unsigned long *map, unsigned int n)
{
	return find_first_bit(map, n) >= n;
}

static inline bool bitmap_full(const unsigned long *map, unsigned int n)
{
	return find_first_zero_bit(map, n) >= n;
}

static inline unsigned int bitmap_weight(const unsigned long *map, unsigned int n)
{
	unsigned int weight = 0;
	unsigned long bit;

	for_each_set_bit(bit, map, n)
		weight++;
	return weight;
}

static inline bool bitmap_equal(const unsigned long *a, const unsigned long *b, unsigned int n)
{
	unsigned int bit;

	for (bit = 0; bit < n; bit++)
		if (test_bit(bit, a) != test_bit(bit, b))
			return false;
	return true;
}

#define SHIM_BITMAP_OP(name, expr)						\
static inline bool bitmap_##name(unsigned long *to, const unsigned long *a,	\
				 const unsigned long *b, unsigned int n)	\
{										\
	unsigned int i;								\
										\
	for (i = 0; i < BITS_TO_LONGS(n); i++)					\
		to[i] = (expr);							\
	return !bitmap_empty(to, n);						\
}
SHIM_BITMAP_OP(and, a[i] & b[i])
SHIM_BITMAP_OP(or, a[i] | b[i])
SHIM_BITMAP_OP(xor, a[i] ^ b[i])
SHIM_BITMAP_OP(andnot, a[i] & ~b[i])

static inline unsigned long *bitmap_zalloc(unsigned int n, gfp_t gfp)
{
	return kzalloc(bitmap_bytes(n), gfp);
}

static inline void bitmap_free(const unsigned long *map)
{
	kfree(map);
}
