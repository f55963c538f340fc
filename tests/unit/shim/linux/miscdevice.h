/* SPDX-License-Identifier: GPL-2.0-only */
/* Misc devices: registered is remembered, nothing more. */
#pragma once

#include <linux/fs.h>

#define MISC_DYNAMIC_MINOR 255
struct device;
struct miscdevice {
	int minor;
	const char *name;
	const struct file_operations *fops;
	const char *nodename;
	unsigned short mode;
	struct device *this_device;
};
static inline int misc_register(struct miscdevice *m) { return 0; }
static inline void misc_deregister(struct miscdevice *m) { }
