/* SPDX-License-Identifier: GPL-2.0-only */
/* Preemption and context, kept per thread. */
#pragma once

#include <linux/types.h>

void shim_atomic_enter(void);
void shim_atomic_leave(const char *file, int line);
bool shim_in_atomic(void);
bool shim_in_irq(void);

#define preempt_disable()	shim_atomic_enter()
#define preempt_enable()	shim_atomic_leave(__FILE__, __LINE__)
#define preempt_enable_no_resched()	preempt_enable()
#define local_bh_disable()	shim_atomic_enter()
#define local_bh_enable()	shim_atomic_leave(__FILE__, __LINE__)
#define in_atomic()		shim_in_atomic()
#define preemptible()		(!shim_in_atomic() && !shim_irqs_off())
#define in_interrupt()		shim_in_irq()
#define in_hardirq()		shim_in_irq()
#define in_irq()		shim_in_irq()
#define in_task()		(!shim_in_irq())
#define cant_sleep()		((void)0)

#include <linux/irqflags.h>
