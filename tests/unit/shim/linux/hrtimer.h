/* SPDX-License-Identifier: GPL-2.0-only */
/* High resolution timers; they fire while the test moves the clock. */
#pragma once

#include <linux/ktime.h>
#include <linux/list.h>

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum hrtimer_mode {
	HRTIMER_MODE_ABS = 0x00,
	HRTIMER_MODE_REL = 0x01,
	HRTIMER_MODE_PINNED = 0x02,
	HRTIMER_MODE_SOFT = 0x04,
	HRTIMER_MODE_HARD = 0x08,
	HRTIMER_MODE_ABS_PINNED = 0x02,
	HRTIMER_MODE_REL_PINNED = 0x03,
	HRTIMER_MODE_ABS_SOFT = 0x04,
	HRTIMER_MODE_REL_SOFT = 0x05,
	HRTIMER_MODE_ABS_HARD = 0x08,
	HRTIMER_MODE_REL_HARD = 0x09,
	HRTIMER_MODE_ABS_PINNED_HARD = 0x0a,
	HRTIMER_MODE_REL_PINNED_HARD = 0x0b,
};

struct hrtimer {
	struct { ktime_t expires; } node;
	ktime_t _softexpires;
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	struct list_head shim_queue;
	u32 shim_magic;
	bool shim_soft, shim_queued;
};

void shim_hrtimer_setup(struct hrtimer *timer, int clock, enum hrtimer_mode mode);
void hrtimer_start(struct hrtimer *timer, ktime_t t, enum hrtimer_mode mode);
void hrtimer_restart(struct hrtimer *timer);
int hrtimer_cancel(struct hrtimer *timer);
int hrtimer_try_to_cancel(struct hrtimer *timer);
bool hrtimer_active(const struct hrtimer *timer);
bool hrtimer_is_queued(struct hrtimer *timer);
bool hrtimer_callback_running(struct hrtimer *timer);
u64 hrtimer_forward(struct hrtimer *timer, ktime_t now, ktime_t interval);

#define hrtimer_init(timer, clock, mode)	shim_hrtimer_setup(timer, clock, mode)
#define hrtimer_setup(timer, fn, clock, mode) do {	\
	shim_hrtimer_setup(timer, clock, mode);		\
	(timer)->function = (fn);			\
} while (0)
#define hrtimer_start_range_ns(timer, t, range, mode)	hrtimer_start(timer, t, mode)
#define hrtimer_start_expires(timer, mode)	hrtimer_start(timer, (timer)->node.expires, HRTIMER_MODE_ABS)
#define hrtimer_forward_now(timer, interval)	hrtimer_forward(timer, ktime_get(), interval)
#define hrtimer_get_expires(timer)	((timer)->node.expires)
#define hrtimer_get_softexpires(timer)	((timer)->node.expires)
#define hrtimer_get_expires_ns(timer)	((timer)->node.expires)
#define hrtimer_expires_remaining(timer)	ktime_sub((timer)->node.expires, ktime_get())
#define hrtimer_get_remaining(timer)	ktime_sub((timer)->node.expires, ktime_get())
#define hrtimer_cb_get_time(timer)	ktime_get()

static inline void hrtimer_set_expires(struct hrtimer *timer, ktime_t t)
{
	timer->node.expires = t;
	timer->_softexpires = t;
}

static inline void hrtimer_add_expires_ns(struct hrtimer *timer, u64 ns)
{
	hrtimer_set_expires(timer, ktime_add_safe(timer->node.expires, ns));
}

#define hrtimer_add_expires hrtimer_add_expires_ns
