/* SPDX-License-Identifier: GPL-2.0-only */
/* References on an address space are counted, nothing is freed. */
#pragma once

#include <linux/mm.h>
#include <linux/sched.h>

#define mmgrab(mm)	atomic_inc(&(mm)->mm_count)
#define mmdrop(mm)	atomic_dec(&(mm)->mm_count)
#define mmget(mm)	atomic_inc(&(mm)->mm_users)
#define mmget_not_zero(mm)	atomic_inc_not_zero(&(mm)->mm_users)
#define mmput(mm)	atomic_dec(&(mm)->mm_users)
