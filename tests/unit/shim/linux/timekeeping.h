/* SPDX-License-Identifier: GPL-2.0-only */
/* See ktime.h. */
#pragma once

#include <linux/ktime.h>
