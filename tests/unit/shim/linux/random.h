/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that repeat: see shim_random_seed(). */
#pragma once

#include <linux/types.h>

u64 get_random_u64(void);
static inline u32 get_random_u32(void) { return get_random_u64() >> 32; }
void get_random_bytes(void *p, size_t n);
