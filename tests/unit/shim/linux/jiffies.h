/* SPDX-License-Identifier: GPL-2.0-only */
/* Ticks of the simulated clock. */
#pragma once

#include <linux/ktime.h>

#ifdef HZ
#undef HZ
#endif
#define HZ	250
#define jiffies	((unsigned long)(shim_clock() / (NSEC_PER_SEC / HZ)))
#define get_jiffies_64()	((u64)jiffies)
#define msecs_to_jiffies(ms)	((unsigned long)(((ms) * (u64)HZ + 999) / 1000))
#define usecs_to_jiffies(us)	((unsigned long)(((us) * (u64)HZ + 999999) / 1000000))
#define nsecs_to_jiffies(ns)	((unsigned long)((ns) / (NSEC_PER_SEC / HZ)))
#define jiffies_to_msecs(j)	((unsigned int)((j) * 1000UL / HZ))
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)
#define time_before_eq(a, b)	time_after_eq(b, a)
