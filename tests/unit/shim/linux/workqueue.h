/* SPDX-License-Identifier: GPL-2.0-only */
/* Work waits until it is flushed or the test calls shim_works_run(). */
#pragma once

#include <linux/jiffies.h>
#include <linux/list.h>

struct work_struct;
struct workqueue_struct;
typedef void (*work_func_t)(struct work_struct *work);
struct work_struct {
	struct list_head entry;
	work_func_t func;
	struct workqueue_struct *shim_wq;
	u64 shim_due;
	bool shim_pending;
};
struct delayed_work { struct work_struct work; };

#define WQ_UNBOUND	0x1U
#define WQ_MEM_RECLAIM	0x2U
#define WQ_HIGHPRI	0x4U
#define WQ_FREEZABLE	0x8U
#define WQ_PERCPU	0x10U
extern struct workqueue_struct *system_wq, *system_unbound_wq, *system_long_wq;

void shim_work_init(struct work_struct *work, work_func_t func);
bool shim_work_queue(struct workqueue_struct *wq, struct work_struct *work, unsigned long ticks);
bool shim_work_flush(struct work_struct *work);
bool shim_work_cancel(struct work_struct *work, bool wait);
struct workqueue_struct *shim_workqueue_new(void);
void flush_workqueue(struct workqueue_struct *wq);
void destroy_workqueue(struct workqueue_struct *wq);

#define INIT_WORK(work, func)	shim_work_init(work, func)
#define INIT_DELAYED_WORK(dwork, func)	shim_work_init(&(dwork)->work, func)
#define DECLARE_WORK(name, fn)	struct work_struct name = { .func = (fn) }
#define to_delayed_work(w)	container_of(w, struct delayed_work, work)
#define queue_work(wq, work)	shim_work_queue(wq, work, 0)
#define schedule_work(work)	shim_work_queue(system_wq, work, 0)
#define queue_delayed_work(wq, dwork, ticks)	shim_work_queue(wq, &(dwork)->work, ticks)
#define schedule_delayed_work(dwork, ticks)	shim_work_queue(system_wq, &(dwork)->work, ticks)
#define flush_work(work)	shim_work_flush(work)
#define flush_delayed_work(dwork)	shim_work_flush(&(dwork)->work)
#define cancel_work(work)	shim_work_cancel(work, false)
#define cancel_work_sync(work)	shim_work_cancel(work, true)
#define cancel_delayed_work(dwork)	shim_work_cancel(&(dwork)->work, false)
#define cancel_delayed_work_sync(dwork)	shim_work_cancel(&(dwork)->work, true)
#define work_pending(work)	((work)->shim_pending)
#define alloc_workqueue(fmt, flags, max, args...)	shim_workqueue_new()
#define alloc_ordered_workqueue(fmt, flags, args...)	shim_workqueue_new()
