/* SPDX-License-Identifier: GPL-2.0-only */
/* Single-copy accesses and compiler barriers. Relaxed atomics, so that TSan understands them too. */
#pragma once

#include <linux/compiler_types.h>

#define barrier()	__asm__ __volatile__("" ::: "memory")
#define OPTIMIZER_HIDE_VAR(v)	__asm__("" : "=r"(v) : "0"(v))

#define READ_ONCE(x) ({							\
	__unqual_scalar_typeof(x) shim_once;				\
	__atomic_load((__unqual_scalar_typeof(x) *)&(x), &shim_once,	\
		      __ATOMIC_RELAXED);				\
	shim_once; })
#define WRITE_ONCE(x, v) \
	__atomic_store_n((__unqual_scalar_typeof(x) *)&(x), (v), __ATOMIC_RELAXED)
#define data_race(x)	(x)
