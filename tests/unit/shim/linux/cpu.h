/* SPDX-License-Identifier: GPL-2.0-only */
/* See cpumask.h. */
#pragma once

#include <linux/cpumask.h>
