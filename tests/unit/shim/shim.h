/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test asks of the user-space kernel: the clock, user memory, failing allocations,
 * pending work, and whether anything was left behind. shim.c holds the bodies.
 */
#pragma once

#include <linux/types.h>

struct eventfd_ctx;
struct mm_struct;

/* Clock in ns, monotonic; starts at 1 s. Both run the timers that became due, in order of
 * expiry, and give how many ran. Setting it back is an abort. advance(0) runs what is due.
 */
unsigned int shim_clock_set(u64 ns);
unsigned int shim_clock_advance(u64 ns);
void shim_clock_set_wall(u64 ns);	/* CLOCK_REALTIME at this moment */
bool shim_timer_next(u64 *ns);		/* earliest queued expiry */

/* User memory: the only addresses that user-copy functions reach. Ranges may adjoin. */
void shim_user_register(void *p, size_t len);
void shim_user_register_ro(void *p, size_t len);
void shim_user_unregister(void *p);	/* the range that starts at p */

/* After n more successful allocations every one fails; a negative n ends that. */
void shim_fail_alloc_after(long n);
unsigned long shim_alloc_refused(void);	/* how many failed since then */
unsigned long shim_alloc_live(void);	/* objects and pages not yet freed */

/* RCU callbacks and kfree_rcu: after a grace period run what is queued; gives how many ran. */
unsigned int shim_rcu_run(void);
/* Deferred work that is due; gives how many ran. Work queued meanwhile runs too. */
unsigned int shim_works_run(void);

void shim_set_signal_pending(bool pending);
void shim_set_need_resched(bool needed);
void shim_set_capable(bool capable);
void shim_random_seed(u64 seed);
void shim_set_in_irq(bool on);		/* what follows runs in interrupt context */

/* Eventfds: a file number for ioctl structures, its counter read and cleared, a user's write. */
int shim_eventfd_new(void);
u64 shim_eventfd_read(int fd);
void shim_eventfd_write(int fd, u64 n);
void shim_fd_close(int fd);

/* An invalidation of [start, end) as the kernel would send it to mm's notifiers. */
int shim_mmu_invalidate_start(struct mm_struct *mm, unsigned long start, unsigned long end, bool blockable);
void shim_mmu_invalidate_end(struct mm_struct *mm, unsigned long start, unsigned long end);
struct mm_struct *shim_mm(void);	/* current->mm */
void shim_mm_exit(struct mm_struct *mm);	/* runs the release hooks */

/* Messages: the last one's text without level, and how many at or above (below) a level. */
const char *shim_printk_last(void);
unsigned int shim_printk_count(int level);

/* Aborts with a message unless this thread holds no lock, read section or disabled state. */
void shim_assert_idle(void);

/* The host contract's bodies (host.c): page size of the host's mappings, and kicks sent. */
void shim_host_set_level(u8 level);
int shim_host_kicks(void);
