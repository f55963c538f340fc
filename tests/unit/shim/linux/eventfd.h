/* SPDX-License-Identifier: GPL-2.0-only */
/* Event counters with a file number: shim_eventfd_new() makes one. */
#pragma once

#include <linux/file.h>

struct eventfd_ctx;
struct eventfd_ctx *eventfd_ctx_fdget(int fd);
struct eventfd_ctx *eventfd_ctx_fileget(struct file *file);
struct file *eventfd_fget(int fd);
void eventfd_ctx_put(struct eventfd_ctx *ctx);
int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, __u64 *count);
void eventfd_ctx_do_read(struct eventfd_ctx *ctx, __u64 *count);
u64 shim_eventfd_add(struct eventfd_ctx *ctx, u64 n);
/* One argument or two: the kernel dropped the count in 6.8. */
#define SHIM_SIGNAL(ctx, n, ...)	shim_eventfd_add(ctx, n)
#define eventfd_signal(ctx, n...)	SHIM_SIGNAL(ctx, ##n, 1, 0)
