/* SPDX-License-Identifier: GPL-2.0-only */
/* RCU with real grace periods; a dereference outside a read section aborts. */
#pragma once

#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/types.h>
#include <asm/barrier.h>

void rcu_read_lock(void);
void shim_rcu_read_unlock(const char *file, int line);
int rcu_read_lock_held(void);
void shim_rcu_assert(bool safe, const char *file, int line);
void synchronize_rcu(void);
/* Callbacks wait for a grace period: rcu_barrier(), synchronize_rcu() and shim_rcu_run() run them. */
void call_rcu(struct rcu_head *head, rcu_callback_t func);
void rcu_barrier(void);
void shim_kfree_rcu(void *p);

#define rcu_read_unlock()		shim_rcu_read_unlock(__FILE__, __LINE__)
/* Readers of all flavours are one, as in the kernel since 5.0. */
#define rcu_read_lock_sched()		rcu_read_lock()
#define rcu_read_unlock_sched()		rcu_read_unlock()
#define rcu_dereference_sched(p)	rcu_dereference(p)
#define synchronize_rcu_expedited	synchronize_rcu
#define call_rcu_hurry			call_rcu
#define rcu_read_lock_any_held()	(rcu_read_lock_held() || !preemptible())
#define rcu_sleep_check()		((void)0)
#define RCU_LOCKDEP_WARN(cond, msg)	shim_rcu_assert(!(cond), __FILE__, __LINE__)
#define RCU_INIT_POINTER(p, v)		((void)((p) = (v)))
#define RCU_INITIALIZER(v)		(v)

#define rcu_dereference_raw(p)		__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_access_pointer(p)		__atomic_load_n(&(p), __ATOMIC_RELAXED)
#define rcu_dereference_check(p, cond) ({				\
	shim_rcu_assert((cond) || rcu_read_lock_held(), __FILE__, __LINE__); \
	rcu_dereference_raw(p); })
#define rcu_dereference(p)		rcu_dereference_check(p, 0)
#define rcu_dereference_protected(p, cond) ({				\
	shim_rcu_assert((cond), __FILE__, __LINE__);			\
	rcu_access_pointer(p); })
#define rcu_assign_pointer(p, v)	__atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define rcu_replace_pointer(p, v, cond) ({				\
	__auto_type shim_old = rcu_dereference_protected(p, cond);	\
	rcu_assign_pointer(p, v);					\
	shim_old; })
#define unrcu_pointer(p)		(p)
#define rcu_pointer_handoff(p)		(p)

#define kfree_rcu(p, rcu_member...)	shim_kfree_rcu(p)
#define kvfree_rcu			kfree_rcu
#define kfree_rcu_mightsleep(p)		shim_kfree_rcu(p)
#define kvfree_rcu_mightsleep(p)	shim_kfree_rcu(p)
