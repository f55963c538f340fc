/* SPDX-License-Identifier: GPL-2.0-only */
/* cpu_relax. */
#pragma once

#include <sched.h>

#define cpu_relax()	sched_yield()
