/* SPDX-License-Identifier: GPL-2.0-only */
/* Single-copy accesses and compiler barriers. Relaxed atomics, so that TSan understands them too. */
#pragma once

#include <linux/compiler_types.h>

#define barrier()	__asm__ __volatile__("" ::: "memory")
#define OPTIMIZER_HIDE_VAR(v)	__asm__("" : "=r"(v) : "0"(v))

#if defined(__SANITIZE_THREAD__)
#define SHIM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHIM_TSAN 1
#endif
#endif

/*
 * What is read through a pointer that READ_ONCE gave comes after it: an address dependency.
 * TSan cannot see that, so for it the read is an acquire.
 */
#ifdef SHIM_TSAN
#define SHIM_READ_ORDER	__ATOMIC_ACQUIRE
#else
#define SHIM_READ_ORDER	__ATOMIC_RELAXED
#endif

#define READ_ONCE(x) ({							\
	__unqual_scalar_typeof(x) shim_once;				\
	__atomic_load((__unqual_scalar_typeof(x) *)&(x), &shim_once,	\
		      SHIM_READ_ORDER);					\
	shim_once; })
#define WRITE_ONCE(x, v) \
	__atomic_store_n((__unqual_scalar_typeof(x) *)&(x), (v), __ATOMIC_RELAXED)
#define data_race(x)	(x)
