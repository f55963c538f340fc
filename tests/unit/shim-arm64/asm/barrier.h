/* SPDX-License-Identifier: GPL-2.0-only */
/* Barriers that only arm64 names. */
#pragma once

#include_next <asm/barrier.h>

#define dsb(domain)	mb()
