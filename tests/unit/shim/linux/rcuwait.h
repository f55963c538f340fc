/* SPDX-License-Identifier: GPL-2.0-only */
/* One thread that waits, and is woken. */
#pragma once

#include <linux/sched.h>
#include <linux/wait.h>

struct rcuwait {
	struct task_struct *task;
};

static inline void rcuwait_init(struct rcuwait *w)
{
	w->task = NULL;
}

static inline int rcuwait_active(struct rcuwait *w)
{
	return __atomic_load_n(&w->task, __ATOMIC_RELAXED) != NULL;
}

static inline int rcuwait_wake_up(struct rcuwait *w)
{
	shim_wake_threads();
	return rcuwait_active(w);
}

#define rcuwait_wait_event(w, cond, state) ({				\
	u64 shim_waited = 0;						\
	int shim_ret = 0;						\
	__atomic_store_n(&(w)->task, current, __ATOMIC_SEQ_CST);	\
	while (!(cond)) {						\
		if ((state) == TASK_INTERRUPTIBLE && signal_pending(current)) { \
			shim_ret = -EINTR;				\
			break;						\
		}							\
		shim_wait_moment(&shim_waited, __FILE__, __LINE__);	\
	}								\
	__atomic_store_n(&(w)->task, NULL, __ATOMIC_RELEASE);		\
	shim_ret; })
