/* SPDX-License-Identifier: GPL-2.0-only */
/* sort(). */
#pragma once

#include <linux/types.h>
#include <stdlib.h>

#define sort(base, n, size, cmp, swap_fn)	qsort(base, n, size, cmp)
