/* SPDX-License-Identifier: GPL-2.0-only */
/* See sched.h. */
#pragma once

#include <linux/sched.h>
