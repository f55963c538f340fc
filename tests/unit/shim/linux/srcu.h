/* SPDX-License-Identifier: GPL-2.0-only */
/* Sleepable RCU. */
#pragma once

#include <linux/lockdep.h>
#include <linux/rcupdate.h>

struct srcu_struct {
	struct shim_lock writers;
	unsigned int current_side;
	int readers[2];
	u32 ready;
};

int init_srcu_struct(struct srcu_struct *s);
void cleanup_srcu_struct(struct srcu_struct *s);
int srcu_read_lock(struct srcu_struct *s);
void srcu_read_unlock(struct srcu_struct *s, int idx);
int srcu_read_lock_held(const struct srcu_struct *s);
void synchronize_srcu(struct srcu_struct *s);
void call_srcu(struct srcu_struct *s, struct rcu_head *head, rcu_callback_t func);
void srcu_barrier(struct srcu_struct *s);

#define synchronize_srcu_expedited	synchronize_srcu
#define srcu_dereference_check(p, s, cond) ({				\
	shim_rcu_assert((cond) || srcu_read_lock_held(s), __FILE__, __LINE__); \
	rcu_dereference_raw(p); })
#define srcu_dereference(p, s)		srcu_dereference_check(p, s, 0)
#define DEFINE_STATIC_SRCU(name)	static struct srcu_struct name = { \
	.writers = SHIM_LOCK_INIT(#name), .ready = SHIM_LOCK_MAGIC }
