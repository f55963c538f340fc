/* SPDX-License-Identifier: GPL-2.0-only */
/* Arithmetic that tells when it overflowed; saturating sizes. */
#pragma once

#include <linux/compiler_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define check_add_overflow(a, b, d)	((bool)__builtin_add_overflow(a, b, d))
#define check_sub_overflow(a, b, d)	((bool)__builtin_sub_overflow(a, b, d))
#define check_mul_overflow(a, b, d)	((bool)__builtin_mul_overflow(a, b, d))

static inline size_t size_add(size_t a, size_t b)
{
	return __builtin_add_overflow(a, b, &a) ? SIZE_MAX : a;
}

static inline size_t size_mul(size_t a, size_t b)
{
	return __builtin_mul_overflow(a, b, &a) ? SIZE_MAX : a;
}

#define array_size(n, size)	size_mul(n, size)
#define array3_size(a, b, c)	size_mul(size_mul(a, b), c)
#define flex_array_size(p, member, n)	size_mul(n, sizeof(*(p)->member))
#define struct_size(p, member, n)	size_add(sizeof(*(p)), flex_array_size(p, member, n))
#define struct_size_t(type, member, n)	struct_size((type *)0, member, n)
