/* SPDX-License-Identifier: GPL-2.0-only */
/* offsetof and its relatives. */
#pragma once

#include_next <linux/stddef.h>
#include <linux/compiler_types.h>
#include <stdbool.h>
#include <stddef.h>

#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define offsetofend(type, member)	(offsetof(type, member) + sizeof_field(type, member))
#ifndef struct_group
#define struct_group(name, members...)	__struct_group(/* no tag */, name, /* no attrs */, members)
#endif
#ifndef DECLARE_FLEX_ARRAY
#define DECLARE_FLEX_ARRAY(type, name)	__DECLARE_FLEX_ARRAY(type, name)
#endif
