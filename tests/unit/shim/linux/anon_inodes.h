/* SPDX-License-Identifier: GPL-2.0-only */
/* Anonymous files get a number in the small table of file.h. */
#pragma once

#include <linux/file.h>

struct file *anon_inode_getfile(const char *name, const struct file_operations *ops, void *priv, int flags);
int anon_inode_getfd(const char *name, const struct file_operations *ops, void *priv, int flags);
