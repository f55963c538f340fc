/* SPDX-License-Identifier: GPL-2.0-only */
/* Atomics. Operations that answer are fully ordered, the others relaxed. */
#pragma once

#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/barrier.h>

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }
#define ATOMIC_LONG_INIT(i)	{ (i) }

#define SHIM_ATOMIC(pre, type, val)							\
static inline val pre##_read(const type *v)						\
{ return __atomic_load_n(&v->counter, __ATOMIC_RELAXED); }				\
static inline val pre##_read_acquire(const type *v)					\
{ return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE); }				\
static inline void pre##_set(type *v, val i)						\
{ __atomic_store_n(&v->counter, i, __ATOMIC_RELAXED); }					\
static inline void pre##_set_release(type *v, val i)					\
{ __atomic_store_n(&v->counter, i, __ATOMIC_RELEASE); }					\
static inline void pre##_add(val i, type *v)						\
{ __atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED); }				\
static inline void pre##_sub(val i, type *v)						\
{ __atomic_fetch_sub(&v->counter, i, __ATOMIC_RELAXED); }				\
static inline void pre##_or(val i, type *v)						\
{ __atomic_fetch_or(&v->counter, i, __ATOMIC_RELAXED); }				\
static inline void pre##_and(val i, type *v)						\
{ __atomic_fetch_and(&v->counter, i, __ATOMIC_RELAXED); }				\
static inline void pre##_andnot(val i, type *v)						\
{ __atomic_fetch_and(&v->counter, ~i, __ATOMIC_RELAXED); }				\
static inline val pre##_add_return(val i, type *v)					\
{ return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST); }			\
static inline val pre##_sub_return(val i, type *v)					\
{ return __atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST); }			\
static inline val pre##_fetch_add(val i, type *v)					\
{ return __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST); }			\
static inline val pre##_fetch_sub(val i, type *v)					\
{ return __atomic_fetch_sub(&v->counter, i, __ATOMIC_SEQ_CST); }			\
static inline val pre##_fetch_or(val i, type *v)					\
{ return __atomic_fetch_or(&v->counter, i, __ATOMIC_SEQ_CST); }				\
static inline val pre##_fetch_and(val i, type *v)					\
{ return __atomic_fetch_and(&v->counter, i, __ATOMIC_SEQ_CST); }			\
static inline val pre##_fetch_andnot(val i, type *v)					\
{ return __atomic_fetch_and(&v->counter, ~i, __ATOMIC_SEQ_CST); }			\
static inline void pre##_inc(type *v) { pre##_add(1, v); }				\
static inline void pre##_dec(type *v) { pre##_sub(1, v); }				\
static inline val pre##_inc_return(type *v) { return pre##_add_return(1, v); }		\
static inline val pre##_dec_return(type *v) { return pre##_sub_return(1, v); }		\
static inline val pre##_fetch_inc(type *v) { return pre##_fetch_add(1, v); }		\
static inline val pre##_fetch_dec(type *v) { return pre##_fetch_sub(1, v); }		\
static inline bool pre##_inc_and_test(type *v) { return pre##_add_return(1, v) == 0; }	\
static inline bool pre##_dec_and_test(type *v) { return pre##_sub_return(1, v) == 0; }	\
static inline bool pre##_sub_and_test(val i, type *v)					\
{ return pre##_sub_return(i, v) == 0; }							\
static inline val pre##_xchg(type *v, val n)						\
{ return __atomic_exchange_n(&v->counter, n, __ATOMIC_SEQ_CST); }			\
static inline bool pre##_try_cmpxchg(type *v, val *old, val n)				\
{ return __atomic_compare_exchange_n(&v->counter, old, n, 0, __ATOMIC_SEQ_CST,		\
				     __ATOMIC_SEQ_CST); }				\
static inline val pre##_cmpxchg(type *v, val old, val n)				\
{ pre##_try_cmpxchg(v, &old, n); return old; }						\
static inline bool pre##_add_unless(type *v, val a, val u)				\
{											\
	val old = pre##_read(v);							\
											\
	while (old != u)								\
		if (pre##_try_cmpxchg(v, &old, old + a))				\
			return true;							\
	return false;									\
}											\
static inline bool pre##_inc_not_zero(type *v) { return pre##_add_unless(v, 1, 0); }	\
static inline val pre##_dec_if_positive(type *v)					\
{											\
	val old = pre##_read(v);							\
											\
	while (old > 0)									\
		if (pre##_try_cmpxchg(v, &old, old - 1))				\
			break;								\
	return old - 1;									\
}

SHIM_ATOMIC(atomic, atomic_t, int)
SHIM_ATOMIC(atomic64, atomic64_t, s64)
SHIM_ATOMIC(atomic_long, atomic_long_t, s64)

#define xchg(p, v)	__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define try_cmpxchg(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define cmpxchg(p, old, new) ({						\
	__unqual_scalar_typeof(*(p)) shim_old = (old);			\
	try_cmpxchg(p, &shim_old, new);					\
	shim_old; })
#define cmpxchg64		cmpxchg
#define try_cmpxchg64		try_cmpxchg
#define xchg_relaxed		xchg
#define xchg_release		xchg
#define cmpxchg_relaxed		cmpxchg
#define cmpxchg_acquire		cmpxchg
#define cmpxchg_release		cmpxchg
#define cmpxchg64_relaxed	cmpxchg
#define try_cmpxchg_relaxed	try_cmpxchg
#define try_cmpxchg_acquire	try_cmpxchg
#define try_cmpxchg_release	try_cmpxchg
