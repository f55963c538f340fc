/* SPDX-License-Identifier: GPL-2.0-only */
/* See irqflags.h and preempt.h. */
#pragma once

#include <linux/preempt.h>
#include <linux/hardirq.h>
