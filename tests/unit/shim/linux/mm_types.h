/* SPDX-License-Identifier: GPL-2.0-only */
/* struct page and struct mm_struct. */
#pragma once

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct page {
	atomic_t shim_refs;
	u32 shim_order;
	struct rcu_head rcu_head;
};

struct mm_struct {
	struct rw_semaphore mmap_lock;
	atomic_t mm_count, mm_users;
	struct list_head shim_notifiers;
	unsigned long locked_vm;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_flags, vm_pgoff;
	struct mm_struct *vm_mm;
	struct file *vm_file;
	void *vm_private_data;
	const struct vm_operations_struct *vm_ops;
};
