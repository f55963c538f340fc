/* SPDX-License-Identifier: GPL-2.0-only */
/* Reference counts that abort where the kernel would warn and saturate. */
#pragma once

#include <linux/atomic.h>
#include <linux/bug.h>

typedef struct { atomic_t refs; } refcount_t;
#define REFCOUNT_INIT(n)	{ .refs = ATOMIC_INIT(n) }

static inline void refcount_set(refcount_t *r, int n) { atomic_set(&r->refs, n); }
static inline unsigned int refcount_read(const refcount_t *r) { return atomic_read(&r->refs); }

static inline bool refcount_inc_not_zero(refcount_t *r)
{
	return atomic_inc_not_zero(&r->refs);
}

static inline void refcount_add(int n, refcount_t *r)
{
	if (atomic_fetch_add(n, &r->refs) <= 0)
		shim_bug("refcount: taken from 0");
}

static inline bool refcount_sub_and_test(int n, refcount_t *r)
{
	int old = atomic_fetch_sub(n, &r->refs);

	if (old < n)
		shim_bug("refcount: dropped below 0");
	return old == n;
}

static inline void refcount_inc(refcount_t *r) { refcount_add(1, r); }
static inline bool refcount_dec_and_test(refcount_t *r) { return refcount_sub_and_test(1, r); }

static inline void refcount_dec(refcount_t *r)
{
	if (refcount_dec_and_test(r))
		shim_bug("refcount_dec reached 0");
}
