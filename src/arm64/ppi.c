// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's per-CPU interrupts that guests need. When one arrives it has
 * ended the guest, and whoever runs it looks at the cause before the next
 * entry; the handlers have nothing to do. Called by init.c.
 */
#include <linux/kernel.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/percpu.h>
#include <kvmx/host.h>

#include "ppi.h"

static int timer_irq;
static u32 timer_intid;
static int maintenance_irq;	/* 0: there is none */
static int __percpu *cookie;

static irqreturn_t arrived(int irq, void *unused)
{
	return IRQ_HANDLED;
}

int ppi_take(void)
{
	int ret;

	cookie = alloc_percpu(int);
	if (!cookie)
		return -ENOMEM;
	timer_irq = kvmx_host_timer_irq();
	ret = timer_irq < 0 ? timer_irq :
		request_percpu_irq(timer_irq, arrived, "kvmx timer", cookie);
	if (ret) {
		free_percpu(cookie);
		/* What newer kernels say when somebody has it for the same CPUs. */
		return timer_irq >= 0 && ret == -EINVAL ? -EBUSY : ret;
	}
	timer_intid = irq_get_irq_data(timer_irq)->hwirq;
	maintenance_irq = kvmx_host_maintenance_irq();
	if (maintenance_irq < 0 ||
	    request_percpu_irq(maintenance_irq, arrived, "kvmx vgic", cookie))
		maintenance_irq = 0;
	return 0;
}

void ppi_give(void)
{
	free_percpu_irq(timer_irq, cookie);
	if (maintenance_irq)
		free_percpu_irq(maintenance_irq, cookie);
	free_percpu(cookie);
}

u32 ppi_timer_intid(void)
{
	return timer_intid;
}

/* An interrupt that is active already does not come. */
void ppi_timer_hold(bool hold)
{
	irq_set_irqchip_state(timer_irq, IRQCHIP_STATE_ACTIVE, hold);
}

void ppi_enable(void)
{
	enable_percpu_irq(timer_irq, IRQ_TYPE_NONE);
	if (maintenance_irq)
		enable_percpu_irq(maintenance_irq, IRQ_TYPE_NONE);
}

void ppi_disable(void)
{
	disable_percpu_irq(timer_irq);
	if (maintenance_irq)
		disable_percpu_irq(maintenance_irq);
}
