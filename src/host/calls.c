// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small kernel calls that changed their name or prototype between releases.
 * Declared in kvmx/host.h; called from every room.
 */
#include <linux/kernel.h>
#include <linux/errno.h>
#include <linux/sched/signal.h>
#include <linux/interrupt.h>
#include <linux/rcupdate.h>
#include <kvmx/host.h>

#include "kvmx-facts.h"

void kvmx_host_hrtimer_setup(struct hrtimer *timer,
			     enum hrtimer_restart (*fn)(struct hrtimer *timer),
			     clockid_t clock, enum hrtimer_mode mode)
{
#if KVMX_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
#endif
}

void kvmx_host_eventfd_signal(struct eventfd_ctx *ctx)
{
#if KVMX_HAVE_EVENTFD_SIGNAL_ONE
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/*
 * Besides signals, work that others have queued for the task's return to user
 * space (NUMA balancing, cgroups): it runs only there. The thread flag alone is
 * no reason, each preemption sets it for restartable sequences.
 */
static __always_inline bool user_work_pending(void)
{
	return signal_pending(current) || READ_ONCE(current->task_works);
}

/* What signal_pending() and need_resched() look at, in one go: each entry asks. */
#ifdef TIF_NOTIFY_SIGNAL
#define LEAVE_FLAGS	(BIT(TIF_NEED_RESCHED) | BIT(TIF_SIGPENDING) | BIT(TIF_NOTIFY_SIGNAL))
#else
#define LEAVE_FLAGS	(BIT(TIF_NEED_RESCHED) | BIT(TIF_SIGPENDING))
#endif

bool kvmx_host_user_work_pending(void)
{
	return user_work_pending();
}

/*
 * The value is looked at only where signals are delivered, which comes after the work,
 * so there has to seem to be one. Changing the mask of signals takes the flag back.
 */
int kvmx_host_call_again(void)
{
	set_thread_flag(TIF_SIGPENDING);
	return -ERESTARTNOHAND;
}

bool kvmx_host_must_leave(void)
{
	return (READ_ONCE(current_thread_info()->flags) & LEAVE_FLAGS) ||
	       READ_ONCE(current->task_works) || (softirq_count() && local_softirq_pending());
}

bool kvmx_host_has_run_delay(void)
{
	return IS_ENABLED(CONFIG_SCHEDSTATS);
}

u64 kvmx_host_run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

void kvmx_host_rcu_quiescent(void)
{
	rcu_note_context_switch(false);
}
