// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small kernel calls that changed their name or prototype between releases.
 * Declared in kvmx/host.h; called from every room.
 */
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/interrupt.h>
#include <linux/rcupdate.h>
#include <asm/smp.h>
#include <asm/mce.h>
#include <asm/ptrace.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/tlbflush.h>
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
 * The reschedule interrupt does nothing but interrupt, which is all that is
 * wanted. In brackets: newer kernels have a macro of that name.
 */
void kvmx_host_kick_cpu(int cpu)
{
	(smp_ops.smp_send_reschedule)(cpu);
}

/*
 * Mask 0: the user's registers are saved, none is initialised. Newer kernels
 * keep bottom halves off until the end, hence softirqs in kvmx_host_must_leave().
 */
void kvmx_host_fpu_begin(void)
{
	kernel_fpu_begin_mask(0);
}

void kvmx_host_fpu_end(void)
{
	kernel_fpu_end();
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

bool kvmx_host_must_leave(void)
{
	return (READ_ONCE(current_thread_info()->flags) & LEAVE_FLAGS) ||
	       READ_ONCE(current->task_works) || (softirq_count() && local_softirq_pending());
}

/* The handler wants the interrupted registers: those of a user, interrupts on. */
void kvmx_host_machine_check(void)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
}

int kvmx_host_rdmsr_safe(u32 msr, u64 *val)
{
#if KVMX_HAVE_RDMSRQ
	return rdmsrq_safe(msr, val);
#else
	return rdmsrl_safe(msr, val);
#endif
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

#if KVMX_HAVE_CR4_UPDATE
bool kvmx_host_vmx_available(void)
{
	return true;
}

/* Intel's processor trace would fault VMXON on some CPUs; its driver steps aside. */
void kvmx_host_vmx_begin(void)
{
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
}

void kvmx_host_vmx_end(void)
{
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}
#else
bool kvmx_host_vmx_available(void)
{
	return false;
}

void kvmx_host_vmx_begin(void)
{
}

void kvmx_host_vmx_end(void)
{
}
#endif

/* The gate and the stack are those of an NMI, and its IRET opens NMIs. Not with FRED. */
void kvmx_host_nmi(void)
{
	asm volatile("int $2");
}
