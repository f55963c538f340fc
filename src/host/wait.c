// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting on eventfds from the kernel, where releases differ. Declared in
 * kvmx/host.h; called by core/irqfd.c.
 */
#include <linux/kernel.h>
#include <linux/eventfd.h>
#include <linux/wait.h>

#include <kvmx/host.h>

#include "kvmx-facts.h"

void kvmx_host_wait_first(struct wait_queue_head *head, struct wait_queue_entry *wait)
{
#if KVMX_HAVE_WAIT_QUEUE_PRIORITY
	add_wait_queue_priority(head, wait);
#else
	add_wait_queue(head, wait);
#endif
}

/* Where it cannot be emptied the counter only grows, which disturbs nobody who does not read it. */
void kvmx_host_eventfd_drain(struct eventfd_ctx *ctx)
{
#if KVMX_HAVE_EVENTFD_DO_READ
	u64 count;

	eventfd_ctx_do_read(ctx, &count);
#endif
}
