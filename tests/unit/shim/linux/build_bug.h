/* SPDX-License-Identifier: GPL-2.0-only */
/* Compile-time assertions. */
#pragma once

#include <linux/compiler_types.h>
#include <assert.h>

/* The message is optional, as in the kernel. */
#undef static_assert
#define static_assert(cond, ...)	SHIM_STATIC_ASSERT(cond, ##__VA_ARGS__, #cond, 0)
#define SHIM_STATIC_ASSERT(cond, msg, ...)	_Static_assert(cond, msg)
#define BUILD_BUG_ON_MSG(cond, msg)	_Static_assert(!(cond), msg)
#define BUILD_BUG_ON(cond) \
	do { _Static_assert(!(cond), #cond); } while (0)
#define BUILD_BUG()		__builtin_trap()
#define BUILD_BUG_ON_ZERO(e)	((int)sizeof(struct { int : (-!!(e)); }))
#define BUILD_BUG_ON_NOT_POWER_OF_2(n) \
	BUILD_BUG_ON((n) == 0 || (((n) & ((n) - 1)) != 0))
