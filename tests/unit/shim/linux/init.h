/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry points of the module become plain functions of a known name. */
#pragma once

#include <linux/compiler_types.h>

#define module_init(fn)	int shim_module_init(void) { return fn(); }
#define module_exit(fn)	void shim_module_exit(void) { fn(); }
