/* SPDX-License-Identifier: GPL-2.0-only */
/* Completions. */
#pragma once

#include <linux/wait.h>

struct completion { unsigned int done; };
#define COMPLETION_INITIALIZER(name)	{ 0 }
#define DECLARE_COMPLETION(name)	struct completion name = { 0 }
#define DECLARE_COMPLETION_ONSTACK	DECLARE_COMPLETION
#define init_completion(c)	((void)((c)->done = 0))
#define reinit_completion(c)	((void)((c)->done = 0))
#define completion_done(c)	(READ_ONCE((c)->done) != 0)
void complete(struct completion *c);
void complete_all(struct completion *c);
bool try_wait_for_completion(struct completion *c);
#define wait_for_completion(c)	wait_event(c, try_wait_for_completion(c))
#define wait_for_completion_interruptible(c)	wait_event_interruptible(c, try_wait_for_completion(c))
