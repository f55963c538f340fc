/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists read under RCU. A removed entry keeps its forward pointer. */
#pragma once

#include <linux/list.h>
#include <linux/rcupdate.h>

#define INIT_LIST_HEAD_RCU	INIT_LIST_HEAD
#define list_add_rcu		list_add
#define list_add_tail_rcu	list_add_tail
#define list_replace_rcu(old, entry) do {	\
	list_replace(old, entry);		\
	(old)->prev = LIST_POISON2;		\
} while (0)
#define hlist_add_head_rcu	hlist_add_head

static inline void list_del_rcu(struct list_head *entry)
{
	__list_del_entry(entry);
	entry->prev = LIST_POISON2;
}

static inline void hlist_del_rcu(struct hlist_node *n)
{
	__hlist_del(n);
	n->pprev = LIST_POISON2;
}

static inline void hlist_del_init_rcu(struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	__hlist_del(n);
	n->pprev = NULL;
}

/* The optional last argument is a condition that also makes the walk safe. */
#define SHIM_RCU_WALK(cond...)	shim_rcu_assert((0, ##cond) || rcu_read_lock_held(), __FILE__, __LINE__)
#define SHIM_LIST_AT(ptr, type, member) \
	container_of(__atomic_load_n(&(ptr), __ATOMIC_ACQUIRE), type, member)
#define SHIM_HLIST_AT(ptr, type, member) \
	hlist_entry_safe(__atomic_load_n(&(ptr), __ATOMIC_ACQUIRE), type, member)

#define list_entry_rcu(ptr, type, member)	SHIM_LIST_AT(ptr, type, member)
#define list_first_or_null_rcu(head, type, member) ({			\
	struct list_head *shim_first = READ_ONCE((head)->next);		\
	SHIM_RCU_WALK();						\
	shim_first == (head) ? NULL : list_entry(shim_first, type, member); })
#define list_for_each_entry_rcu(pos, head, member, cond...)		\
	for (SHIM_RCU_WALK(cond),					\
	     (pos) = SHIM_LIST_AT((head)->next, __typeof__(*(pos)), member); \
	     &(pos)->member != (head);					\
	     (pos) = SHIM_LIST_AT((pos)->member.next, __typeof__(*(pos)), member))
#define list_for_each_entry_srcu list_for_each_entry_rcu
#define hlist_for_each_entry_rcu(pos, head, member, cond...)		\
	for (SHIM_RCU_WALK(cond),					\
	     (pos) = SHIM_HLIST_AT((head)->first, __typeof__(*(pos)), member); \
	     (pos);							\
	     (pos) = SHIM_HLIST_AT((pos)->member.next, __typeof__(*(pos)), member))
#define hlist_for_each_entry_srcu hlist_for_each_entry_rcu
