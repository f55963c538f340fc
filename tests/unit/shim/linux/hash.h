/* SPDX-License-Identifier: GPL-2.0-only */
/* Multiplicative hashes: the upper bits of a product with an odd number. */
#pragma once

#include <linux/types.h>

static inline u32 hash_64(u64 val, unsigned int bits)
{
	return val * 0x9e3779b97f4a7c15ull >> (64 - bits);
}

static inline u32 hash_32(u32 val, unsigned int bits)
{
	return val * 0x9e3779b1u >> (32 - bits);
}

#define hash_long(val, bits)	hash_64(val, bits)
#define hash_ptr(ptr, bits)	hash_64((unsigned long)(ptr), bits)
