/* SPDX-License-Identifier: GPL-2.0-only */
/* current, signals and rescheduling; all under the control of the test. */
#pragma once

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/types.h>
#include <asm/processor.h>
#include <signal.h>
#undef F_LOCK	/* of unistd.h, which that includes */

#define TASK_COMM_LEN 16
struct mm_struct;
struct task_struct {
	unsigned int flags, __state;
	pid_t pid, tgid;
	struct mm_struct *mm, *active_mm;
	struct task_struct *group_leader;
	char comm[TASK_COMM_LEN];
	int usage;
	sigset_t real_blocked;
};

struct task_struct *shim_current(void);
bool shim_signal_is_pending(void);
bool shim_resched_is_needed(void);
void schedule(void);
long schedule_timeout_interruptible(long timeout);	/* the program's */
#define yield()		((void)sched_yield())

#define current		shim_current()
#define get_current()	shim_current()
#define PF_VCPU			0x1U
#define TASK_RUNNING		0
#define TASK_INTERRUPTIBLE	1
#define TASK_UNINTERRUPTIBLE	2
#define set_current_state(s)	((void)WRITE_ONCE(current->__state, s))
#define __set_current_state(s)	((void)WRITE_ONCE(current->__state, s))
#define signal_pending(task)	shim_signal_is_pending()
#define fatal_signal_pending(task)	shim_signal_is_pending()
#define need_resched()		shim_resched_is_needed()
#define cond_resched()		({ might_sleep(); 0; })
#define cond_resched_lock(lock)	((void)(lock), 0)
#define get_task_struct(t)	((void)(t)->usage++)
#define put_task_struct(t)	((void)(t)->usage--)
#define task_pid_nr(t)		((t)->pid)
#define task_tgid_vnr(t)	((t)->tgid)
#define single_task_running()	true
#define wake_up_process(t)	((void)(t), shim_wake_threads(), 1)
void shim_wake_threads(void);
