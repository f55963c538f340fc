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

bool kvmx_host_wait_first(struct wait_queue_head *head, struct wait_queue_entry *wait)
{
	struct wait_queue_entry *other;
	unsigned long flags;
	bool alone = true;

	spin_lock_irqsave(&head->lock, flags);
	list_for_each_entry(other, &head->head, entry)
		alone &= other->func != wait->func;
	if (alone) {
#if KVMX_HAVE_WAIT_QUEUE_PRIORITY
		wait->flags |= WQ_FLAG_EXCLUSIVE | WQ_FLAG_PRIORITY;
#endif
		__add_wait_queue(head, wait);
	}
	spin_unlock_irqrestore(&head->lock, flags);
	return alone;
}

/* Where it cannot be emptied the counter only grows, which disturbs nobody who does not read it. */
void kvmx_host_eventfd_drain(struct eventfd_ctx *ctx)
{
#if KVMX_HAVE_EVENTFD_DO_READ
	u64 count;

	eventfd_ctx_do_read(ctx, &count);
#endif
}
