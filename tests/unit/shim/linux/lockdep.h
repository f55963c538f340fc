/* SPDX-License-Identifier: GPL-2.0-only */
/* Every lock is a shim_lock that knows who holds it; wrong use aborts. */
#pragma once

#include <linux/bug.h>
#include <linux/types.h>
#include <pthread.h>

/*
 * Checked on every operation: initialized, not taken twice by one thread, not released by
 * another, no sleeping lock where sleeping is forbidden, and no lock that an interrupt takes
 * held with interrupts on. The pthread lock makes it exclude real threads as well.
 */
struct shim_lock {
	u32 magic;
	u8 used_in_irq, used_irqs_on;
	const char *name;
	pthread_rwlock_t rw;
};

enum shim_lock_how { SHIM_SLEEPS = 1, SHIM_SHARED = 2, SHIM_TRY = 4 };

#define SHIM_LOCK_MAGIC	0x10c4ab1eU
#define SHIM_LOCK_INIT(name) { SHIM_LOCK_MAGIC, 0, 0, name, \
	PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP }

void shim_lock_init(struct shim_lock *lock, const char *name);
bool shim_lock_take(struct shim_lock *lock, int how, const char *file, int line);
void shim_lock_drop(struct shim_lock *lock, int how, const char *file, int line);
/* 0 = not held by this thread, 1 = shared, 2 = exclusive */
int shim_lock_held(const struct shim_lock *lock);
bool shim_lock_held_by_any(struct shim_lock *lock);
#define SHIM_TAKE(lock, how)	shim_lock_take(&(lock)->dep_map, how, __FILE__, __LINE__)
#define SHIM_DROP(lock, how)	shim_lock_drop(&(lock)->dep_map, how, __FILE__, __LINE__)

struct lock_class_key { char unused; };
struct lockdep_map { struct shim_lock unused; };

#define lockdep_is_held(lock)	shim_lock_held(&(lock)->dep_map)
#define lockdep_is_held_type(lock, read)	(shim_lock_held(&(lock)->dep_map) == ((read) ? 1 : 2))
#define lockdep_assert(cond)	do { if (!(cond)) shim_bug("lockdep: %s", #cond); } while (0)
#define lockdep_assert_held(lock)	lockdep_assert(lockdep_is_held(lock))
#define lockdep_assert_held_once(lock)	lockdep_assert_held(lock)
#define lockdep_assert_held_write(lock)	lockdep_assert(lockdep_is_held(lock) == 2)
#define lockdep_assert_held_exclusive	lockdep_assert_held_write
#define lockdep_assert_held_read(lock)	lockdep_assert(lockdep_is_held(lock) == 1)
#define lockdep_assert_not_held(lock)	lockdep_assert(!lockdep_is_held(lock))
#define lockdep_assert_irqs_disabled()	lockdep_assert(irqs_disabled())
#define lockdep_assert_irqs_enabled()	lockdep_assert(!irqs_disabled())
#define lockdep_assert_preemption_disabled()	lockdep_assert(!preemptible())
#define lockdep_set_class(lock, key)	((void)(lock), (void)(key))
#define lockdep_set_class_and_name(lock, key, name)	((void)(lock), (void)(key))
#define debug_locks 1

#include <linux/irqflags.h>
#include <linux/preempt.h>
