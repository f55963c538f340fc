/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything is mapped already. */
#pragma once

#include <linux/mm.h>

#define kmap_local_page(page)	page_address(page)
#define kunmap_local(p)		((void)(p))
#define kmap_atomic(page)	(preempt_disable(), page_address(page))
#define kunmap_atomic(p)	preempt_enable()
#define kmap(page)		page_address(page)
#define kunmap(page)		((void)(page))
