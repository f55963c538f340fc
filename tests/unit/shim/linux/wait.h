/* SPDX-License-Identifier: GPL-2.0-only */
/* Wait queues. Functions on the queue are called; real threads are woken. */
#pragma once

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct wait_queue_entry;
typedef int (*wait_queue_func_t)(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key);
struct wait_queue_entry {
	unsigned int flags;
	void *private;
	wait_queue_func_t func;
	struct list_head entry;
};
struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;
};
typedef struct wait_queue_entry wait_queue_entry_t;
typedef struct wait_queue_head wait_queue_head_t;

#define WQ_FLAG_EXCLUSIVE	0x01
#define __WAIT_QUEUE_HEAD_INITIALIZER(name) \
	{ { SHIM_LOCK_INIT(#name) }, LIST_HEAD_INIT((name).head) }
#define DECLARE_WAIT_QUEUE_HEAD(name) \
	wait_queue_head_t name = __WAIT_QUEUE_HEAD_INITIALIZER(name)

void init_waitqueue_head(wait_queue_head_t *wq);
void init_waitqueue_func_entry(wait_queue_entry_t *entry, wait_queue_func_t func);
void add_wait_queue(wait_queue_head_t *wq, wait_queue_entry_t *entry);
void add_wait_queue_priority(wait_queue_head_t *wq, wait_queue_entry_t *entry);
void remove_wait_queue(wait_queue_head_t *wq, wait_queue_entry_t *entry);
bool waitqueue_active(wait_queue_head_t *wq);
void shim_wake(wait_queue_head_t *wq, void *key);
void shim_wake_threads(void);
/* Sleeps until something is woken or a moment has passed; gives up with an abort after 20 s. */
void shim_wait_moment(u64 *waited, const char *file, int line);

#define wake_up(wq)			shim_wake(wq, NULL)
#define wake_up_all(wq)			shim_wake(wq, NULL)
#define wake_up_interruptible(wq)	shim_wake(wq, NULL)
#define wake_up_interruptible_all(wq)	shim_wake(wq, NULL)
#define wake_up_poll(wq, mask)		shim_wake(wq, (void *)(unsigned long)(mask))
#define wake_up_locked_poll(wq, mask)	shim_wake(wq, (void *)(unsigned long)(mask))
#define wq_has_sleeper(wq)		waitqueue_active(wq)

#define wait_event(wq, cond) do {					\
	u64 shim_waited = 0;						\
	while (!(cond))							\
		shim_wait_moment(&shim_waited, __FILE__, __LINE__);	\
} while (0)
#define wait_event_interruptible(wq, cond) ({				\
	u64 shim_waited = 0;						\
	int shim_ret = 0;						\
	while (!(cond)) {						\
		if (signal_pending(current)) {				\
			shim_ret = -ERESTARTSYS;			\
			break;						\
		}							\
		shim_wait_moment(&shim_waited, __FILE__, __LINE__);	\
	}								\
	shim_ret; })
#define wait_event_killable	wait_event_interruptible
#define key_to_poll(key)	((__poll_t)(unsigned long)(key))
#include <linux/errno.h>
