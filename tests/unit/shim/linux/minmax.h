/* SPDX-License-Identifier: GPL-2.0-only */
/* min, max, clamp, swap. Both sides must have one type, as the oldest kernels demand. */
#pragma once

#include <linux/build_bug.h>

#define SHIM_PICK(op, a, b) ({						\
	__auto_type shim_a = (a);					\
	__auto_type shim_b = (b);					\
	_Static_assert(__same_type(shim_a, shim_b), "min/max: types differ, use min_t/max_t"); \
	shim_a op shim_b ? shim_a : shim_b; })
#define SHIM_PICK_T(type, op, a, b) ({					\
	type shim_a = (a);						\
	type shim_b = (b);						\
	shim_a op shim_b ? shim_a : shim_b; })

#define min(a, b)		SHIM_PICK(<, a, b)
#define max(a, b)		SHIM_PICK(>, a, b)
#define min3(a, b, c)		min(min(a, b), c)
#define max3(a, b, c)		max(max(a, b), c)
#define min_t(type, a, b)	SHIM_PICK_T(type, <, a, b)
#define max_t(type, a, b)	SHIM_PICK_T(type, >, a, b)
#define min_not_zero(a, b) ({						\
	__auto_type shim_x = (a);					\
	__auto_type shim_y = (b);					\
	shim_x == 0 ? shim_y : shim_y == 0 ? shim_x : min(shim_x, shim_y); })

#define SHIM_CLAMP(type, v, lo, hi) ({					\
	type shim_v = (v);						\
	type shim_lo = (lo);						\
	type shim_hi = (hi);						\
	shim_v < shim_lo ? shim_lo : shim_v > shim_hi ? shim_hi : shim_v; })
#define clamp(v, lo, hi)		SHIM_CLAMP(__unqual_scalar_typeof(v), v, lo, hi)
#define clamp_val(v, lo, hi)		SHIM_CLAMP(__unqual_scalar_typeof(v), v, lo, hi)
#define clamp_t(type, v, lo, hi)	SHIM_CLAMP(type, v, lo, hi)

#define swap(a, b) do {				\
	__typeof__(a) shim_swap = (a);		\
	(a) = (b);				\
	(b) = shim_swap;			\
} while (0)
