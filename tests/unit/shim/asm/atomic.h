/* SPDX-License-Identifier: GPL-2.0-only */
/* See linux/atomic.h. */
#pragma once

#include <linux/atomic.h>
