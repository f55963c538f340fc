/* SPDX-License-Identifier: GPL-2.0-only */
/* UL and ULL for headers shared with assembly. */
#pragma once

#include_next <linux/const.h>

#define UL(x)	_UL(x)
#define ULL(x)	_ULL(x)
