/* SPDX-License-Identifier: GPL-2.0-only */
/* See preempt.h. */
#pragma once

#include <linux/preempt.h>
