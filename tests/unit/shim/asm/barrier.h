/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory barriers. */
#pragma once

#include <linux/compiler.h>

/* TSan knows no fences: there, an atomic that all threads share takes their place. */
#ifdef SHIM_TSAN
extern int shim_fence_word;
#define SHIM_FENCE(order)	((void)__atomic_fetch_add(&shim_fence_word, 1, __ATOMIC_SEQ_CST))
#else
#define SHIM_FENCE(order)	__atomic_thread_fence(order)
#endif

#define mb()		SHIM_FENCE(__ATOMIC_SEQ_CST)
#define rmb()		mb()
#define wmb()		mb()
#define smp_mb()	mb()
#define smp_rmb()	SHIM_FENCE(__ATOMIC_ACQUIRE)
#define smp_wmb()	SHIM_FENCE(__ATOMIC_RELEASE)
#define smp_mb__before_atomic()	mb()
#define smp_mb__after_atomic()	mb()
#define smp_mb__after_spinlock()	mb()
#define smp_mb__after_srcu_read_unlock()	mb()
#define smp_acquire__after_ctrl_dep()	smp_rmb()
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_store_mb(x, v)	__atomic_store_n(&(x), v, __ATOMIC_SEQ_CST)
#define barrier_nospec()	barrier()
