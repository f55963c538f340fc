/* SPDX-License-Identifier: GPL-2.0-only */
/* IS_ENABLED and the few config symbols a 64-bit x86 host has. */
#pragma once

#include <linux/compiler_types.h>

#define CONFIG_64BIT 1
#define CONFIG_X86 1
#define CONFIG_X86_64 1
#define CONFIG_SMP 1
#define CONFIG_MMU_NOTIFIER 1
#define CONFIG_EVENTFD 1
#define CONFIG_LOCKDEP 1
#define CONFIG_PROVE_LOCKING 1
#define CONFIG_HZ 250

#define SHIM_COMMA_1 0,
#define SHIM_SECOND(ignored, value, ...) value
#define SHIM_IS_SET3(comma_or_junk) SHIM_SECOND(comma_or_junk 1, 0, 0)
#define SHIM_IS_SET2(value) SHIM_IS_SET3(SHIM_COMMA_##value)
#define SHIM_IS_SET(value) SHIM_IS_SET2(value)
#define IS_BUILTIN(option) SHIM_IS_SET(option)
#define IS_MODULE(option) SHIM_IS_SET(option##_MODULE)
#define IS_ENABLED(option) (IS_BUILTIN(option) || IS_MODULE(option))
#define IS_REACHABLE(option) IS_BUILTIN(option)
