/* SPDX-License-Identifier: GPL-2.0-only */
/* A warning in a unit test is a failure: WARN and BUG both print and abort. */
#pragma once

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/printk.h>
#include <stdbool.h>

__printf(3, 4) __noreturn __cold
void shim_die(const char *file, int line, const char *fmt, ...);
#define shim_bug(fmt, ...)	shim_die(__FILE__, __LINE__, fmt, ##__VA_ARGS__)

#define WARN(cond, fmt, ...) ({						\
	bool shim_warn = !!(cond);					\
	if (shim_warn)							\
		shim_bug("WARN: %s: " fmt, #cond, ##__VA_ARGS__);	\
	shim_warn; })
#define WARN_ON(cond)		WARN(cond, "")
#define WARN_ON_ONCE(cond)	WARN(cond, "")
#define WARN_ONCE		WARN
#define WARN_RATELIMIT		WARN
#define BUG_ON(cond)		do { if (cond) shim_bug("BUG: %s", #cond); } while (0)
#define BUG()			shim_bug("BUG")
#define VM_WARN_ON_ONCE		WARN_ON_ONCE
#define VM_BUG_ON		BUG_ON
#define dump_stack()		((void)0)
#define panic(...)		shim_bug(__VA_ARGS__)
