/* SPDX-License-Identifier: GPL-2.0-only */
/* __stringify. */
#pragma once

#include <linux/kernel.h>
