/* SPDX-License-Identifier: GPL-2.0-only */
/* Polling: a poll table is a function to be told of the queue. */
#pragma once

#include <linux/wait.h>
#include <sys/epoll.h>

typedef unsigned int __poll_t;
struct file;
struct poll_table_struct;
typedef void (*poll_queue_proc)(struct file *file, wait_queue_head_t *wq, struct poll_table_struct *pt);
typedef struct poll_table_struct {
	poll_queue_proc _qproc;
	__poll_t _key;
} poll_table;

static inline void init_poll_funcptr(poll_table *pt, poll_queue_proc proc)
{
	pt->_qproc = proc;
	pt->_key = ~0U;
}

static inline void poll_wait(struct file *file, wait_queue_head_t *wq, poll_table *pt)
{
	if (pt && pt->_qproc)
		pt->_qproc(file, wq, pt);
}

__poll_t vfs_poll(struct file *file, poll_table *pt);
