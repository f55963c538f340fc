/* SPDX-License-Identifier: GPL-2.0-only */
/* Privilege is what shim_set_capable() said; everything at first. */
#pragma once

#include <linux/types.h>

bool shim_capable(int cap);
#define CAP_SYS_RAWIO	17
#define CAP_SYS_ADMIN	21
#define capable(cap)	shim_capable(cap)
