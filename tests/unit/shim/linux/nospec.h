/* SPDX-License-Identifier: GPL-2.0-only */
/* array_index_nospec, with its contract checked: the index is in bounds or becomes 0. */
#pragma once

#include <linux/types.h>
#include <asm/barrier.h>

#define array_index_nospec(index, size) ({				\
	__typeof__(index) shim_index = (index);				\
	(size_t)shim_index < (size_t)(size) ? shim_index : 0; })
