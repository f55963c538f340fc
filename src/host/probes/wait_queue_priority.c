/* KVMX_HAVE_WAIT_QUEUE_PRIORITY: add_wait_queue_priority() is there; 5.11 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/wait.h>
void probe(struct wait_queue_head *head, struct wait_queue_entry *wait);
void probe(struct wait_queue_head *head, struct wait_queue_entry *wait)
{
	add_wait_queue_priority(head, wait);
}
