/* SPDX-License-Identifier: GPL-2.0-only */
/* Mutexes. */
#pragma once

#include <linux/list.h>
#include <linux/lockdep.h>

struct mutex { struct shim_lock dep_map; };
#define __MUTEX_INITIALIZER(name)	{ SHIM_LOCK_INIT(#name) }
#define DEFINE_MUTEX(name)	struct mutex name = __MUTEX_INITIALIZER(name)
#define mutex_init(m)		shim_lock_init(&(m)->dep_map, #m)
#define __mutex_init(m, name, key)	shim_lock_init(&(m)->dep_map, name)
#define mutex_destroy(m)	((void)((m)->dep_map.magic = 0))
#define mutex_lock(m)		((void)SHIM_TAKE(m, SHIM_SLEEPS))
#define mutex_lock_nested(m, subclass)	mutex_lock(m)
#define mutex_trylock(m)	SHIM_TAKE(m, SHIM_SLEEPS | SHIM_TRY)
#define mutex_unlock(m)		SHIM_DROP(m, SHIM_SLEEPS)
#define mutex_is_locked(m)	shim_lock_held_by_any(&(m)->dep_map)

bool shim_signal_is_pending(void);
#define mutex_lock_interruptible(m) \
	(shim_signal_is_pending() ? -EINTR : ((void)SHIM_TAKE(m, SHIM_SLEEPS), 0))
#define mutex_lock_killable	mutex_lock_interruptible
#include <linux/errno.h>
