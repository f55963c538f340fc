/* SPDX-License-Identifier: GPL-2.0-only */
/* Byte swaps. */
#pragma once

#include_next <linux/swab.h>
#include <asm/byteorder.h>
