/* SPDX-License-Identifier: GPL-2.0-only */
/* Time is what the test sets: see shim_clock_set() and shim_clock_advance(). */
#pragma once

#include <linux/time64.h>
#include <linux/types.h>

#define KTIME_MAX	((s64)~((u64)1 << 63))
#define KTIME_SEC_MAX	(KTIME_MAX / NSEC_PER_SEC)

u64 shim_clock(void);
u64 shim_clock_wall(void);

static inline ktime_t ktime_set(s64 secs, unsigned long nsecs)
{
	return secs >= KTIME_SEC_MAX ? KTIME_MAX : secs * NSEC_PER_SEC + (s64)nsecs;
}

static inline ktime_t ktime_add_safe(ktime_t a, ktime_t b)
{
	ktime_t sum;

	return __builtin_add_overflow(a, b, &sum) || sum < 0 ? KTIME_MAX : sum;
}

/* The plain additions wrap, as they do in the kernel. */
static inline ktime_t ktime_add(ktime_t a, ktime_t b) { return (u64)a + (u64)b; }
static inline ktime_t ktime_sub(ktime_t a, ktime_t b) { return (u64)a - (u64)b; }
#define ktime_add_ns(t, ns)	ktime_add(t, ns)
#define ktime_sub_ns(t, ns)	ktime_sub(t, ns)
#define ktime_add_us(t, us)	ktime_add(t, (us) * 1000ULL)
#define ktime_add_ms(t, ms)	ktime_add(t, (ms) * 1000000ULL)
#define ns_to_ktime(ns)		((ktime_t)(ns))
#define us_to_ktime(us)		((ktime_t)((us) * 1000ULL))
#define ms_to_ktime(ms)		((ktime_t)((ms) * 1000000ULL))
#define ktime_to_ns(t)		((s64)(t))
#define ktime_to_us(t)		((s64)(t) / 1000)
#define ktime_to_ms(t)		((s64)(t) / 1000000)
#define ktime_us_delta(a, b)	ktime_to_us(ktime_sub(a, b))

static inline int ktime_compare(ktime_t a, ktime_t b) { return a < b ? -1 : a > b; }
static inline bool ktime_after(ktime_t a, ktime_t b) { return a > b; }
static inline bool ktime_before(ktime_t a, ktime_t b) { return a < b; }
static inline ktime_t ktime_get(void) { return shim_clock(); }
static inline u64 ktime_get_ns(void) { return shim_clock(); }
static inline u64 ktime_get_raw_ns(void) { return shim_clock(); }
static inline u64 ktime_get_mono_fast_ns(void) { return shim_clock(); }
static inline ktime_t ktime_get_boottime(void) { return shim_clock(); }
static inline u64 ktime_get_boottime_ns(void) { return shim_clock(); }
static inline ktime_t ktime_get_real(void) { return shim_clock_wall(); }
static inline u64 ktime_get_real_ns(void) { return shim_clock_wall(); }
static inline time64_t ktime_get_real_seconds(void) { return shim_clock_wall() / NSEC_PER_SEC; }

static inline void ktime_get_real_ts64(struct timespec64 *ts)
{
	ts->tv_sec = shim_clock_wall() / NSEC_PER_SEC;
	ts->tv_nsec = shim_clock_wall() % NSEC_PER_SEC;
}
