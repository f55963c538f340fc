/* SPDX-License-Identifier: GPL-2.0-only */
/* See mm.h. */
#pragma once

#include <linux/mm.h>
