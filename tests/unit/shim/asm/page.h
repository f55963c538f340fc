/* SPDX-License-Identifier: GPL-2.0-only */
/* See linux/mm.h. */
#pragma once

#include <linux/mm.h>
