/* SPDX-License-Identifier: GPL-2.0-only */
/* Spinlocks and reader-writer locks: whoever holds one must not sleep. */
#pragma once

#include <linux/lockdep.h>
#include <asm/barrier.h>

struct raw_spinlock { struct shim_lock dep_map; };
struct spinlock { struct shim_lock dep_map; };
typedef struct raw_spinlock raw_spinlock_t;
typedef struct spinlock spinlock_t;
typedef struct { struct shim_lock dep_map; } rwlock_t;

#define __SPIN_LOCK_UNLOCKED(name)	(spinlock_t){ SHIM_LOCK_INIT(#name) }
#define DEFINE_SPINLOCK(name)	spinlock_t name = { SHIM_LOCK_INIT(#name) }
#define DEFINE_RAW_SPINLOCK(name)	raw_spinlock_t name = { SHIM_LOCK_INIT(#name) }
#define DEFINE_RWLOCK(name)	rwlock_t name = { SHIM_LOCK_INIT(#name) }

#define spin_lock_init(l)	shim_lock_init(&(l)->dep_map, #l)
#define spin_lock(l)		((void)SHIM_TAKE(l, 0))
#define spin_lock_nested(l, subclass)	spin_lock(l)
#define spin_unlock(l)		SHIM_DROP(l, 0)
#define spin_trylock(l)		SHIM_TAKE(l, SHIM_TRY)
#define spin_lock_bh		spin_lock
#define spin_unlock_bh		spin_unlock
#define spin_lock_irq(l)	do { local_irq_disable(); spin_lock(l); } while (0)
#define spin_unlock_irq(l)	do { spin_unlock(l); local_irq_enable(); } while (0)
#define spin_lock_irqsave(l, flags)	do { local_irq_save(flags); spin_lock(l); } while (0)
#define spin_unlock_irqrestore(l, flags) \
	do { spin_unlock(l); local_irq_restore(flags); } while (0)
#define spin_is_locked(l)	shim_lock_held_by_any(&(l)->dep_map)
#define assert_spin_locked	lockdep_assert_held

#define raw_spin_lock_init	spin_lock_init
#define raw_spin_lock		spin_lock
#define raw_spin_unlock		spin_unlock
#define raw_spin_trylock	spin_trylock
#define raw_spin_lock_irq	spin_lock_irq
#define raw_spin_unlock_irq	spin_unlock_irq
#define raw_spin_lock_irqsave	spin_lock_irqsave
#define raw_spin_unlock_irqrestore	spin_unlock_irqrestore
#define raw_spin_is_locked	spin_is_locked

#define rwlock_init(l)		shim_lock_init(&(l)->dep_map, #l)
#define read_lock(l)		((void)SHIM_TAKE(l, SHIM_SHARED))
#define read_trylock(l)		SHIM_TAKE(l, SHIM_SHARED | SHIM_TRY)
#define read_unlock(l)		SHIM_DROP(l, SHIM_SHARED)
#define write_lock(l)		((void)SHIM_TAKE(l, 0))
#define write_trylock(l)	SHIM_TAKE(l, SHIM_TRY)
#define write_unlock(l)		SHIM_DROP(l, 0)
#define read_lock_irqsave(l, flags)	do { local_irq_save(flags); read_lock(l); } while (0)
#define read_unlock_irqrestore(l, flags)	do { read_unlock(l); local_irq_restore(flags); } while (0)
#define write_lock_irqsave(l, flags)	do { local_irq_save(flags); write_lock(l); } while (0)
#define write_unlock_irqrestore(l, flags) \
	do { write_unlock(l); local_irq_restore(flags); } while (0)
#define write_lock_irq(l)	do { local_irq_disable(); write_lock(l); } while (0)
#define write_unlock_irq(l)	do { write_unlock(l); local_irq_enable(); } while (0)
#define rwlock_needbreak(l)	0
#define spin_needbreak(l)	0
