/* SPDX-License-Identifier: GPL-2.0-only */
/* See spinlock.h. */
#pragma once

#include <linux/spinlock.h>
