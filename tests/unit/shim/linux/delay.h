/* SPDX-License-Identifier: GPL-2.0-only */
/* Delays move no clock: a test that needs time to pass advances it. */
#pragma once

#include <linux/kernel.h>

#define udelay(us)		((void)(us))
#define ndelay(ns)		((void)(ns))
#define mdelay(ms)		((void)(ms))
#define msleep(ms)		might_sleep()
#define usleep_range(lo, hi)	might_sleep()
