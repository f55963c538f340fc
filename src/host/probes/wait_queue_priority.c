/* KVMX_HAVE_WAIT_QUEUE_PRIORITY: a wait queue keeps waiters of priority first; 5.11 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/wait.h>
void probe(struct wait_queue_head *head, struct wait_queue_entry *wait);
void probe(struct wait_queue_head *head, struct wait_queue_entry *wait)
{
	wait->flags |= WQ_FLAG_PRIORITY;
	__add_wait_queue(head, wait);
}
