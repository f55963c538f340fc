/* SPDX-License-Identifier: GPL-2.0-only */
/* One CPU; calls to other CPUs run here. */
#pragma once

#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>

#define smp_processor_id()	0
#define raw_smp_processor_id()	0
#define get_cpu()		(preempt_disable(), 0)
#define put_cpu()		preempt_enable()
#define smp_send_reschedule(cpu)	((void)(cpu))

typedef void (*smp_call_func_t)(void *info);
static inline int smp_call_function_single(int cpu, smp_call_func_t func, void *info, int wait)
{
	unsigned long flags;

	local_irq_save(flags);
	func(info);
	local_irq_restore(flags);
	return 0;
}

#define on_each_cpu(func, info, wait)	((void)smp_call_function_single(0, func, info, wait))
/* The CPUs that were called since the test cleared it; they are not there to answer. */
extern struct cpumask shim_called_cpus;
#define smp_call_function_many(mask, func, info, wait) \
	((void)(func), (void)(shim_called_cpus.bits[0] |= (mask)->bits[0]))
#define on_each_cpu_mask(mask, func, info, wait) \
	do { if (cpumask_test_cpu(0, mask)) on_each_cpu(func, info, wait); } while (0)
