/* SPDX-License-Identifier: GPL-2.0-only */
/* Where older kernels keep it. */
#pragma once

#include <linux/unaligned.h>
