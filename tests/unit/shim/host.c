// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host contract (include/kvmx/host.h) over the user-space kernel. Weak, so that a test
 * may put its own body in place of any of them.
 */
#include <kvmx/host.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "shim.h"

__weak void kvmx_host_hrtimer_setup(struct hrtimer *timer,
				    enum hrtimer_restart (*fn)(struct hrtimer *timer),
				    clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_setup(timer, fn, clock, mode);
}

__weak void kvmx_host_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}

__weak void kvmx_host_eventfd_drain(struct eventfd_ctx *ctx)
{
	__u64 count;

	eventfd_ctx_do_read(ctx, &count);
}

__weak bool kvmx_host_wait_first(struct wait_queue_head *head, struct wait_queue_entry *wait)
{
	struct wait_queue_entry *other;
	unsigned long flags;
	bool alone = true;

	spin_lock_irqsave(&head->lock, flags);
	list_for_each_entry(other, &head->head, entry)
		alone &= other->func != wait->func;
	if (alone)
		list_add(&wait->entry, &head->head);
	spin_unlock_irqrestore(&head->lock, flags);
	return alone;
}

static atomic_t kicks;

int shim_host_kicks(void) { return atomic_read(&kicks); }

__weak void kvmx_host_kick_cpu(int cpu)
{
	atomic_inc(&kicks);
}

/* Registered user memory; the host maps it in 4 KiB pages unless shim_host_set_level() said more. */
static u8 host_level = 1;

void shim_host_set_level(u8 level) { host_level = level; }

__weak int kvmx_host_get_page(struct mm_struct *mm, unsigned long hva, bool write, bool atomic,
			      struct kvmx_host_page *out)
{
	struct page *page;

	if (!atomic)
		might_sleep();
	out->writable = true;
	if (shim_get_user_pages(hva, 1, FOLL_WRITE, &page) != 1) {
		if (write || shim_get_user_pages(hva, 1, 0, &page) != 1)
			return -EFAULT;
		out->writable = false;
	}
	out->pfn = page_to_pfn(page);
	out->page = page;
	return 0;
}

__weak void kvmx_host_put_page(struct kvmx_host_page *page, bool dirtied)
{
	if (page->page)
		put_page(page->page);
	page->page = NULL;
}

__weak u8 kvmx_host_mapping_level(struct mm_struct *mm, unsigned long hva)
{
	return host_level;
}

__weak void kvmx_host_fpu_begin(void) { preempt_disable(); }
__weak void kvmx_host_fpu_end(void) { preempt_enable(); }
__weak bool kvmx_host_must_leave(void) { return false; }
__weak int kvmx_host_call_again(void) { return -ERESTARTNOHAND; }

__weak bool kvmx_host_has_run_delay(void)
{
	return true;
}

__weak u64 kvmx_host_run_delay(void)
{
	return 0;
}
