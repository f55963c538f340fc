/* SPDX-License-Identifier: GPL-2.0-only */
/* The header everybody includes. */
#pragma once

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/kstrtox.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]) + \
	BUILD_BUG_ON_ZERO(__same_type((a), &(a)[0])))
#define upper_32_bits(n)	((u32)((u64)(n) >> 32))
#define lower_32_bits(n)	((u32)(n))
#define upper_16_bits(n)	((u16)((n) >> 16))
#define lower_16_bits(n)	((u16)(n))
#define __stringify_1(x...)	#x
#define __stringify(x...)	__stringify_1(x)
#define __CONCAT_1(a, b)	a##b
#define CONCATENATE(a, b)	__CONCAT_1(a, b)
#define typecheck(type, x)	((void)((type *)0 == (__typeof__(x) *)0), 1)
#define might_fault()		might_sleep()

void shim_might_sleep(const char *file, int line);
#define might_sleep()		shim_might_sleep(__FILE__, __LINE__)
#define might_sleep_if(cond)	do { if (cond) might_sleep(); } while (0)
#define scnprintf shim_scnprintf
__printf(3, 4) int shim_scnprintf(char *buf, size_t size, const char *fmt, ...);
