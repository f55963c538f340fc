/* SPDX-License-Identifier: GPL-2.0-only */
/* The user-visible numbers, and those only the kernel has. */
#pragma once

#include_next <linux/errno.h>

#define ERESTARTSYS	512
#define ERESTARTNOINTR	513
#define ERESTARTNOHAND	514
#define ENOIOCTLCMD	515
#define ENOTSUPP	524
