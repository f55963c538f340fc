/* SPDX-License-Identifier: GPL-2.0-only */
/* Files and their operations. */
#pragma once

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/poll.h>
#include <linux/types.h>
#include <fcntl.h>

struct inode { void *i_private; dev_t i_rdev; };
struct module;
struct vm_area_struct;
struct file_operations {
	struct module *owner;
	loff_t (*llseek)(struct file *file, loff_t off, int whence);
	ssize_t (*read)(struct file *file, char __user *buf, size_t n, loff_t *pos);
	ssize_t (*write)(struct file *file, const char __user *buf, size_t n, loff_t *pos);
	__poll_t (*poll)(struct file *file, poll_table *pt);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	long (*compat_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	int (*mmap)(struct file *file, struct vm_area_struct *vma);
	int (*open)(struct inode *inode, struct file *file);
	int (*release)(struct inode *inode, struct file *file);
};
struct file {
	const struct file_operations *f_op;
	void *private_data;
	unsigned int f_flags;
	fmode_t f_mode;
	struct inode *f_inode;
	atomic_t shim_refs;
};
#define FMODE_READ	0x1U
#define FMODE_WRITE	0x2U
#define FMODE_PREAD	0x8U
#define file_inode(f)	((f)->f_inode)
loff_t noop_llseek(struct file *file, loff_t off, int whence);
#define no_llseek	NULL
#define compat_ptr_ioctl	NULL
