/* SPDX-License-Identifier: GPL-2.0-only */
/* container_of. */
#pragma once

#include <linux/build_bug.h>
#include <linux/stddef.h>

#define container_of(ptr, type, member) ({				\
	void *shim_member = (void *)(ptr);				\
	_Static_assert(__same_type(*(ptr), ((type *)0)->member) ||	\
		       __same_type(*(ptr), void), "container_of: type");	\
	(type *)(shim_member - offsetof(type, member)); })
