// SPDX-License-Identifier: GPL-2.0-only
/* What trace.h declares, once. Called through it only. */
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
