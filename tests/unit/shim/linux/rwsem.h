/* SPDX-License-Identifier: GPL-2.0-only */
/* Reader-writer semaphores. */
#pragma once

#include <linux/lockdep.h>

struct rw_semaphore { struct shim_lock dep_map; };
#define __RWSEM_INITIALIZER(name)	{ SHIM_LOCK_INIT(#name) }
#define DECLARE_RWSEM(name)	struct rw_semaphore name = __RWSEM_INITIALIZER(name)
#define init_rwsem(s)		shim_lock_init(&(s)->dep_map, #s)
#define down_read(s)		((void)SHIM_TAKE(s, SHIM_SLEEPS | SHIM_SHARED))
#define down_read_trylock(s)	SHIM_TAKE(s, SHIM_SLEEPS | SHIM_SHARED | SHIM_TRY)
#define down_read_killable(s)	(down_read(s), 0)
#define up_read(s)		SHIM_DROP(s, SHIM_SLEEPS | SHIM_SHARED)
#define down_write(s)		((void)SHIM_TAKE(s, SHIM_SLEEPS))
#define down_write_trylock(s)	SHIM_TAKE(s, SHIM_SLEEPS | SHIM_TRY)
#define down_write_killable(s)	(down_write(s), 0)
#define up_write(s)		SHIM_DROP(s, SHIM_SLEEPS)
#define rwsem_is_locked(s)	shim_lock_held_by_any(&(s)->dep_map)
