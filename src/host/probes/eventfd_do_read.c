/* KVMX_HAVE_EVENTFD_DO_READ: eventfd_ctx_do_read() can be called under the wait queue's lock; 5.12, backported to 5.10 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/eventfd.h>
void probe(struct eventfd_ctx *ctx, __u64 *count);
void probe(struct eventfd_ctx *ctx, __u64 *count)
{
	eventfd_ctx_do_read(ctx, count);
}
