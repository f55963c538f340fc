/* SPDX-License-Identifier: GPL-2.0-only */
/* Rounding and division of any integer. */
#pragma once

#include <linux/types.h>

#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d)	DIV_ROUND_UP((u64)(n), (u64)(d))
#define DIV_ROUND_CLOSEST(n, d)	(((n) + (d) / 2) / (d))
#define round_up(x, y)		((((x) - 1) | ((__typeof__(x))((y) - 1))) + 1)
#define round_down(x, y)	((x) & ~((__typeof__(x))((y) - 1)))
#ifndef roundup
#define roundup(x, y)		((((x) + (y) - 1) / (y)) * (y))
#endif
#define rounddown(x, y)		((x) - ((x) % (y)))
#define mult_frac(x, n, d)	((x) / (d) * (n) + (x) % (d) * (n) / (d))
#define abs_diff(a, b)		((a) > (b) ? (a) - (b) : (b) - (a))
