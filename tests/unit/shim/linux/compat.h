/* SPDX-License-Identifier: GPL-2.0-only */
/* 32-bit callers. */
#pragma once

#include <linux/types.h>

typedef u32 compat_ulong_t;
typedef u32 compat_uptr_t;
#define in_compat_syscall()	false
#define compat_ptr(p)		((void __user *)(unsigned long)(p))
