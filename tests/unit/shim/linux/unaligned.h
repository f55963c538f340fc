/* SPDX-License-Identifier: GPL-2.0-only */
/* Integers at any address. */
#pragma once

#include <linux/types.h>
#include <asm/byteorder.h>

#define get_unaligned(p) ({						\
	struct { __unqual_scalar_typeof(*(p)) v; } __packed shim_u;	\
	__builtin_memcpy(&shim_u, (p), sizeof(shim_u));			\
	shim_u.v; })
#define put_unaligned(val, p) do {					\
	__unqual_scalar_typeof(*(p)) shim_u = (val);			\
	__builtin_memcpy((p), &shim_u, sizeof(shim_u));			\
} while (0)

#define SHIM_UNALIGNED_LE(bits)						\
static inline u##bits get_unaligned_le##bits(const void *p)		\
{									\
	u##bits v;							\
									\
	__builtin_memcpy(&v, p, sizeof(v));				\
	return v;							\
}									\
static inline void put_unaligned_le##bits(u##bits v, void *p)		\
{									\
	__builtin_memcpy(p, &v, sizeof(v));				\
}
SHIM_UNALIGNED_LE(16)
SHIM_UNALIGNED_LE(32)
SHIM_UNALIGNED_LE(64)
