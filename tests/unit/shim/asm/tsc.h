/* SPDX-License-Identifier: GPL-2.0-only */
/* A time stamp counter that follows the simulated clock. */
#pragma once

#include <linux/ktime.h>

extern unsigned int tsc_khz, cpu_khz;

static inline u64 rdtsc(void)
{
	return (u64)((unsigned __int128)shim_clock() * tsc_khz / 1000000);
}

#define rdtsc_ordered rdtsc
int check_tsc_unstable(void);	/* the test says */
