// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user-space kernel tested itself: what it promises to detect, it detects, and what other
 * tests rely on (order of timers, grace periods, partial user copies) holds.
 */
#include <linux/anon_inodes.h>
#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/math64.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/rwsem.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>
#include <linux/workqueue.h>
#include <asm/tsc.h>
#include <pthread.h>

#include "unit.h"

/* --- locks --- */

static DEFINE_MUTEX(mutex_a);
static DEFINE_SPINLOCK(spin_a);
static DECLARE_RWSEM(rwsem_a);
static struct hrtimer timer_a;

static void mutex_twice(void) { mutex_lock(&mutex_a); mutex_lock(&mutex_a); }
static void mutex_stray_unlock(void) { mutex_unlock(&mutex_a); }
static void spin_twice(void) { spin_lock(&spin_a); spin_lock(&spin_a); }
static void mutex_under_spin(void) { spin_lock(&spin_a); mutex_lock(&mutex_a); }
static void sleep_under_spin(void) { spin_lock(&spin_a); kfree(kmalloc(8, GFP_KERNEL)); }
static void sleep_irqs_off(void) { local_irq_disable(); might_sleep(); }
static void held_but_is_not(void) { lockdep_assert_held(&mutex_a); }
static void read_is_no_write(void) { down_read(&rwsem_a); lockdep_assert_held_write(&rwsem_a); }
static void read_dropped_as_write(void) { down_read(&rwsem_a); up_write(&rwsem_a); }
static void leaves_lock(void) { mutex_lock(&mutex_a); shim_assert_idle(); }
static void leaves_preempt(void) { preempt_disable(); shim_assert_idle(); }
static void preempt_unbalanced(void) { preempt_enable(); }

static void mutex_never_initialized(void)
{
	struct mutex *m = kzalloc(sizeof(*m), GFP_KERNEL);

	mutex_lock(m);
}

static enum hrtimer_restart takes_spin(struct hrtimer *timer)
{
	spin_lock(&spin_a);
	spin_unlock(&spin_a);
	return HRTIMER_NORESTART;
}

static void irq_unsafe(void)
{
	hrtimer_setup(&timer_a, takes_spin, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	hrtimer_start(&timer_a, 0, HRTIMER_MODE_ABS);
	shim_clock_advance(1);
	spin_lock(&spin_a);
}

START_TEST(lock_misuse_aborts)
{
	ck_assert(unit_dies(mutex_twice, "taken twice"));
	ck_assert(unit_dies(mutex_stray_unlock, "does not hold it"));
	ck_assert(unit_dies(spin_twice, "taken twice"));
	ck_assert(unit_dies(mutex_under_spin, "sleeps in atomic context"));
	ck_assert(unit_dies(sleep_under_spin, "sleeps in atomic context"));
	ck_assert(unit_dies(sleep_irqs_off, "sleeps in atomic context"));
	ck_assert(unit_dies(held_but_is_not, "lockdep"));
	ck_assert(unit_dies(read_is_no_write, "lockdep"));
	ck_assert(unit_dies(read_dropped_as_write, "in another way"));
	ck_assert(unit_dies(leaves_lock, "still held"));
	ck_assert(unit_dies(leaves_preempt, "context left"));
	ck_assert(unit_dies(preempt_unbalanced, "more often"));
	ck_assert(unit_dies(mutex_never_initialized, "before it was initialized"));
	ck_assert(unit_dies(irq_unsafe, "taken in an interrupt"));
}
END_TEST

START_TEST(locks_used_rightly)
{
	unsigned long flags;

	mutex_lock(&mutex_a);
	lockdep_assert_held(&mutex_a);
	ck_assert(!mutex_trylock(&mutex_a));
	ck_assert(mutex_is_locked(&mutex_a));
	spin_lock_irqsave(&spin_a, flags);
	ck_assert(irqs_disabled() && !preemptible());
	spin_unlock_irqrestore(&spin_a, flags);
	ck_assert(!irqs_disabled() && preemptible());
	mutex_unlock(&mutex_a);
	ck_assert(!mutex_is_locked(&mutex_a));
	down_read(&rwsem_a);
	lockdep_assert_held(&rwsem_a);
	up_read(&rwsem_a);
	shim_set_signal_pending(true);
	ck_assert_int_eq(mutex_lock_interruptible(&mutex_a), -EINTR);
	shim_set_signal_pending(false);
}
END_TEST

#define ROUNDS 20000

static unsigned long shared_count;

static void *count_up(void *unused)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		mutex_lock(&mutex_a);
		shared_count++;
		mutex_unlock(&mutex_a);
	}
	return NULL;
}

START_TEST(locks_exclude_threads)
{
	pthread_t threads[4];
	int i;

	for (i = 0; i < 4; i++)
		ck_assert(!pthread_create(&threads[i], NULL, count_up, NULL));
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(shared_count, 4 * ROUNDS);
}
END_TEST

/* --- RCU --- */

struct box {
	int value;
	struct list_head link;
	struct rcu_head rcu;
};

static struct box __rcu *shared_box;

static void deref_outside(void) { (void)rcu_dereference(shared_box); }
static void protected_by_nothing(void) { (void)rcu_dereference_protected(shared_box, 0); }
static void rcu_unlock_alone(void) { rcu_read_unlock(); }
static void synchronize_inside(void) { rcu_read_lock(); synchronize_rcu(); }
static void sleeps_inside(void) { rcu_read_lock(); mutex_lock(&mutex_a); }

static void walk_outside(void)
{
	LIST_HEAD(head);
	struct box *pos;

	list_for_each_entry_rcu(pos, &head, link)
		;
}

START_TEST(rcu_misuse_aborts)
{
	ck_assert(unit_dies(deref_outside, "RCU pointer"));
	ck_assert(unit_dies(protected_by_nothing, "RCU pointer"));
	ck_assert(unit_dies(walk_outside, "RCU pointer"));
	ck_assert(unit_dies(rcu_unlock_alone, "outside a read section"));
	ck_assert(unit_dies(synchronize_inside, "sleeps in atomic"));
	ck_assert(unit_dies(sleeps_inside, "sleeps in atomic"));
}
END_TEST

static int freed;

static void box_free(struct rcu_head *head)
{
	kfree(container_of(head, struct box, rcu));
	freed++;
}

START_TEST(rcu_callbacks_wait_for_the_test)
{
	struct box *box = kzalloc(sizeof(*box), GFP_KERNEL);
	unsigned long live = shim_alloc_live();

	call_rcu(&box->rcu, box_free);
	ck_assert_int_eq(freed, 0);
	ck_assert_uint_eq(shim_rcu_run(), 1);
	ck_assert_int_eq(freed, 1);
	ck_assert_uint_eq(shim_alloc_live(), live - 1);

	box = kzalloc(sizeof(*box), GFP_KERNEL);
	kfree_rcu(box, rcu);
	ck_assert_uint_eq(shim_alloc_live(), live);
	synchronize_rcu();
	ck_assert_uint_eq(shim_alloc_live(), live - 1);
}
END_TEST

static bool stop_readers;

/* A box is freed as soon as the grace period is over: ASan sees a reader that was not waited for. */
static void *read_boxes(void *bad)
{
	struct box *box;

	while (!READ_ONCE(stop_readers)) {
		rcu_read_lock();
		box = rcu_dereference(shared_box);
		if (READ_ONCE(box->value) != 42)
			WRITE_ONCE(*(bool *)bad, true);
		sched_yield();
		if (READ_ONCE(box->value) != 42)
			WRITE_ONCE(*(bool *)bad, true);
		rcu_read_unlock();
	}
	return NULL;
}

START_TEST(rcu_grace_periods_cover_threads)
{
	struct box *box, *old = NULL;
	pthread_t threads[3];
	bool bad = false;
	int i;

	for (i = -3; i < 2000; i++) {
		box = kzalloc(sizeof(*box), GFP_KERNEL);
		box->value = 42;
		old = rcu_replace_pointer(shared_box, box, true);
		if (old)
			synchronize_rcu();
		if (old)
			WRITE_ONCE(old->value, 0);
		kfree(old);
		if (i < 0)
			ck_assert(!pthread_create(&threads[i + 3], NULL, read_boxes, &bad));
	}
	WRITE_ONCE(stop_readers, true);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	kfree(shared_box);
	ck_assert(!bad);
}
END_TEST

DEFINE_STATIC_SRCU(srcu_a);
static void srcu_outside(void) { (void)srcu_dereference(shared_box, &srcu_a); }
static void srcu_inside(void) { srcu_read_lock(&srcu_a); synchronize_srcu(&srcu_a); }

static void srcu_wrong_index(void)
{
	srcu_read_unlock(&srcu_a, srcu_read_lock(&srcu_a) ^ 1);
}

static void *srcu_sleeper(void *state)
{
	int idx = srcu_read_lock(&srcu_a);

	WRITE_ONCE(*(int *)state, 1);
	usleep(20000);
	WRITE_ONCE(*(int *)state, 2);
	srcu_read_unlock(&srcu_a, idx);
	return NULL;
}

START_TEST(srcu_waits_and_checks)
{
	struct srcu_struct own;
	pthread_t thread;
	int state = 0, idx;

	ck_assert(unit_dies(srcu_outside, "RCU pointer"));
	ck_assert(unit_dies(srcu_inside, "same domain"));
	ck_assert(unit_dies(srcu_wrong_index, "another index"));
	ck_assert(!pthread_create(&thread, NULL, srcu_sleeper, &state));
	while (!READ_ONCE(state))
		sched_yield();
	synchronize_srcu(&srcu_a);
	ck_assert_int_eq(READ_ONCE(state), 2);
	pthread_join(thread, NULL);

	ck_assert_int_eq(init_srcu_struct(&own), 0);
	idx = srcu_read_lock(&own);
	might_sleep();
	ck_assert(srcu_read_lock_held(&own) && !srcu_read_lock_held(&srcu_a));
	srcu_read_unlock(&own, idx);
	cleanup_srcu_struct(&own);
}
END_TEST

/* --- time --- */

static struct ticker {
	struct hrtimer timer;
	u64 period;
	int left;
	char name;
} tickers[3];
static char fired[64];
static u64 fired_at[64];
static int fired_count;

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct ticker *t = container_of(timer, struct ticker, timer);

	ck_assert(in_interrupt() && irqs_disabled());
	fired[fired_count] = t->name;
	fired_at[fired_count++] = ktime_get_ns();
	if (--t->left <= 0)
		return HRTIMER_NORESTART;
	hrtimer_forward(timer, hrtimer_get_expires(timer), t->period);
	return HRTIMER_RESTART;
}

static void ticker_start(struct ticker *t, char name, u64 first, u64 period, int n)
{
	*t = (struct ticker){ .period = period, .left = n, .name = name };
	hrtimer_setup(&t->timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hrtimer_start(&t->timer, first, HRTIMER_MODE_REL);
}

START_TEST(timers_fire_in_order_of_expiry)
{
	u64 start = ktime_get_ns(), next;

	ticker_start(&tickers[0], 'a', 30, 30, 3);	/* 30 60 90 */
	ticker_start(&tickers[1], 'b', 20, 25, 3);	/* 20 45 70 */
	ticker_start(&tickers[2], 'c', 60, 1, 1);	/* 60: a restarts for 60 later than c started */
	ck_assert(shim_timer_next(&next) && next == start + 20);
	ck_assert_uint_eq(shim_clock_advance(19), 0);
	ck_assert_uint_eq(shim_clock_advance(1), 1);
	ck_assert_uint_eq(shim_clock_advance(80), 6);
	ck_assert_str_eq(fired, "babcaba");
	ck_assert_uint_eq(fired_at[6], start + 90);
	ck_assert_uint_eq(ktime_get_ns(), start + 100);
	ck_assert_uint_eq(rdtsc(), (start + 100) / 2 * 5);	/* 2.5 GHz */
	ck_assert(!shim_timer_next(&next));
}
END_TEST

START_TEST(timers_are_cancelled_and_restarted)
{
	struct hrtimer *timer = &tickers[0].timer;

	ticker_start(&tickers[0], 'a', 30, 30, 9);
	ck_assert(hrtimer_active(timer));
	ck_assert_int_eq(hrtimer_get_remaining(timer), 30);
	ck_assert_int_eq(hrtimer_cancel(timer), 1);
	ck_assert_int_eq(hrtimer_cancel(timer), 0);
	ck_assert(!hrtimer_active(timer));
	ck_assert_uint_eq(shim_clock_advance(100), 0);
	hrtimer_start(timer, ktime_get() - 5, HRTIMER_MODE_ABS);
	ck_assert_uint_eq(shim_clock_advance(0), 1);	/* overdue: fires at once, when let */
	ck_assert_uint_eq(hrtimer_forward(timer, ktime_get(), 10), 0);
	hrtimer_cancel(timer);
	hrtimer_set_expires(timer, ktime_get() - 35);
	ck_assert_uint_eq(hrtimer_forward_now(timer, 10), 4);
	ck_assert_int_eq(hrtimer_get_expires(timer), ktime_get() + 5);
}
END_TEST

static enum hrtimer_restart cancels_itself(struct hrtimer *timer)
{
	hrtimer_cancel(timer);
	return HRTIMER_NORESTART;
}

static enum hrtimer_restart never_moves(struct hrtimer *timer) { return HRTIMER_RESTART; }

static void run_timer(enum hrtimer_restart (*fn)(struct hrtimer *timer))
{
	hrtimer_setup(&timer_a, fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	hrtimer_start(&timer_a, 0, HRTIMER_MODE_ABS);
	shim_clock_advance(1);
}

static void timer_waits_for_itself(void) { run_timer(cancels_itself); }
static void timer_storm(void) { run_timer(never_moves); }
static void timer_not_set_up(void) { memset(&timer_a, 0, sizeof(timer_a)); hrtimer_cancel(&timer_a); }
static void clock_back(void) { shim_clock_set(1); }

START_TEST(timer_misuse_aborts)
{
	ck_assert(unit_dies(timer_waits_for_itself, "waits for ever"));
	ck_assert(unit_dies(timer_storm, "a million timer interrupts"));
	ck_assert(unit_dies(timer_not_set_up, "before it was set up"));
	ck_assert(unit_dies(clock_back, "cannot go back"));
}
END_TEST

static int worked;
static void work(struct work_struct *w) { worked++; }

START_TEST(work_runs_when_told)
{
	struct delayed_work later;
	struct work_struct now;

	INIT_WORK(&now, work);
	INIT_DELAYED_WORK(&later, work);
	ck_assert(schedule_work(&now));
	ck_assert(!schedule_work(&now));
	ck_assert(schedule_delayed_work(&later, HZ));
	ck_assert_int_eq(worked, 0);
	ck_assert_uint_eq(shim_works_run(), 1);
	shim_clock_advance(NSEC_PER_SEC - 1);
	ck_assert_uint_eq(shim_works_run(), 0);
	shim_clock_advance(1);
	ck_assert_uint_eq(shim_works_run(), 1);
	schedule_work(&now);
	ck_assert(cancel_work_sync(&now));
	ck_assert(!flush_work(&now));
	ck_assert_int_eq(worked, 2);
}
END_TEST

static struct completion done;
static void *finish(void *unused) { complete(&done); return NULL; }

START_TEST(waiters_are_woken)
{
	wait_queue_head_t wq;
	pthread_t thread;

	init_completion(&done);
	init_waitqueue_head(&wq);
	ck_assert(!pthread_create(&thread, NULL, finish, NULL));
	wait_for_completion(&done);
	pthread_join(thread, NULL);
	ck_assert(!completion_done(&done));
	shim_set_signal_pending(true);
	ck_assert_int_eq(wait_event_interruptible(wq, false), -ERESTARTSYS);
}
END_TEST

/* --- memory --- */

static void free_twice_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	__free_page(page);
	put_page(page);
}

static void user_sized(void) { kfree(kvmalloc(1UL << 40, GFP_KERNEL)); }
static void ref_from_zero(void) { refcount_t r = REFCOUNT_INIT(0); refcount_inc(&r); }
static void ref_below_zero(void) { refcount_t r = REFCOUNT_INIT(0); (void)refcount_dec_and_test(&r); }
static void warns(void) { int three = 3; WARN_ON(three == 3); }

static void cache_leak(void)
{
	struct kmem_cache *cache = KMEM_CACHE(box, 0);

	(void)!kmem_cache_alloc(cache, GFP_KERNEL);
	kmem_cache_destroy(cache);
}

START_TEST(heap_misuse_aborts)
{
	ck_assert(unit_dies(free_twice_page, "dropped more often"));
	ck_assert(unit_dies(user_sized, "WARN: allocation"));
	ck_assert(unit_dies(cache_leak, "1 objects in use"));
	ck_assert(unit_dies(ref_from_zero, "taken from 0"));
	ck_assert(unit_dies(ref_below_zero, "below 0"));
	ck_assert(unit_dies(warns, "three == 3"));
}
END_TEST

START_TEST(allocations_fail_on_order)
{
	unsigned long live = shim_alloc_live();
	void *a, *b;

	shim_fail_alloc_after(1);
	a = kmalloc(64, GFP_KERNEL);
	b = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	ck_assert(a && !b && !kvcalloc(2, 8, GFP_KERNEL));
	ck_assert_uint_eq(shim_alloc_refused(), 2);
	shim_fail_alloc_after(-1);
	b = kcalloc(3, 5, GFP_KERNEL);
	ck_assert(b && !memchr_inv(b, 0, 15) && *(u8 *)a == 0xa5);
	ck_assert_uint_eq(shim_alloc_live(), live + 2);
	ck_assert(!kvmalloc_array(SIZE_MAX / 2, 4, GFP_KERNEL));
	kfree(a);
	kvfree(b);
	kfree(kmalloc(0, GFP_KERNEL));
	ck_assert_uint_eq(shim_alloc_live(), live);
}
END_TEST

START_TEST(pages_have_addresses)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, 2);
	void *p = page_address(page);

	ck_assert(IS_ALIGNED((unsigned long)p, 4 * PAGE_SIZE));
	ck_assert(virt_to_page(p) == page && pfn_to_page(page_to_pfn(page)) == page);
	ck_assert(__va(__pa(p)) == p && page_to_phys(page) == virt_to_phys(p));
	ck_assert(!memchr_inv(p, 0, 4 * PAGE_SIZE));
	get_page(page);
	__free_pages(page, 2);
	ck_assert_int_eq(page_count(page), 1);
	*(u8 *)p = 1;	/* still there */
	put_page(page);
}
END_TEST

static void copy_under_spin(void)
{
	u32 v;

	spin_lock(&spin_a);
	(void)!get_user(v, (u32 *)&freed);
}

START_TEST(user_copies_fault_outside_what_is_registered)
{
	u8 *user = kmalloc(64, GFP_KERNEL), buf[64];
	struct page *page;
	u32 v = 7;

	memset(user, 0x5a, 64);
	ck_assert_uint_eq(copy_from_user(buf, user, 8), 8);
	shim_user_register(user + 8, 16);
	shim_user_register_ro(user + 24, 16);
	memset(buf, 1, sizeof(buf));
	ck_assert_uint_eq(copy_from_user(buf, user + 8, 48), 16);	/* both ranges, then a fault */
	ck_assert(buf[31] == 0x5a && !memchr_inv(buf + 32, 0, 16) && buf[48] == 1);
	ck_assert_uint_eq(copy_to_user(user + 8, buf + 48, 16), 0);
	ck_assert_uint_eq(copy_to_user(user + 16, buf + 48, 16), 8);
	ck_assert(user[23] == 1 && user[24] == 0x5a);
	ck_assert_int_eq(put_user(0x11223344U, (u32 *)(user + 20)), 0);
	ck_assert_int_eq(put_user(v, (u32 *)(user + 24)), -EFAULT);
	ck_assert_int_eq(get_user(v, (u32 *)(user + 20)), 0);
	ck_assert_uint_eq(v, 0x11223344);
	ck_assert_int_eq(get_user(v, (u32 *)(user + 38)), -EFAULT);
	ck_assert_uint_eq(v, 0);
	ck_assert(PTR_ERR(memdup_user(user, 16)) == -EFAULT);
	ck_assert_int_eq(get_user_pages_fast((unsigned long)user, 1, FOLL_WRITE, &page), -EFAULT);
	shim_user_unregister(user + 8);
	ck_assert_int_eq(get_user(v, (u32 *)(user + 20)), -EFAULT);
	ck_assert(!access_ok(~0UL - 3, 8) && !access_ok(0, ~0UL) && access_ok(user, 8));
	ck_assert(unit_dies(copy_under_spin, "sleeps in atomic"));
	kfree(user);
}
END_TEST

/* --- files and notifiers --- */

static int wakes;
static int on_wake(wait_queue_entry_t *entry, unsigned int mode, int flags, void *key)
{
	wakes += key_to_poll(key) & EPOLLIN ? 1 : 100;
	return 0;
}

static wait_queue_entry_t wake_entry;
static wait_queue_head_t *wake_on;
static void note_queue(struct file *file, wait_queue_head_t *wq, poll_table *pt)
{
	wake_on = wq;
	add_wait_queue(wq, &wake_entry);
}

START_TEST(eventfds_count_and_wake)
{
	unsigned long live = shim_alloc_live();
	int fd = shim_eventfd_new();
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);
	struct file *file = fget(fd);
	poll_table pt;
	__u64 count;

	ck_assert_int_eq(PTR_ERR(eventfd_ctx_fdget(3)), -EBADF);
	init_waitqueue_func_entry(&wake_entry, on_wake);
	init_poll_funcptr(&pt, note_queue);
	ck_assert_uint_eq(vfs_poll(file, &pt) & EPOLLIN, 0);
	eventfd_signal(ctx);
	eventfd_signal(ctx, 1);
	ck_assert_int_eq(wakes, 2);
	ck_assert_uint_eq(vfs_poll(file, NULL) & EPOLLIN, EPOLLIN);
	ck_assert_int_eq(eventfd_ctx_remove_wait_queue(ctx, &wake_entry, &count), 0);
	ck_assert_uint_eq(count, 2);
	add_wait_queue(wake_on, &wake_entry);
	fput(file);
	shim_fd_close(fd);
	ck_assert_int_eq(wakes, 102);	/* hang-up */
	remove_wait_queue(wake_on, &wake_entry);
	eventfd_ctx_put(ctx);
	ck_assert_uint_eq(shim_alloc_live(), live);
}
END_TEST

static unsigned long seen_start, seen_end;
static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	seen_start = range->start;
	return mmu_notifier_range_blockable(range) ? 0 : -EAGAIN;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	seen_end = range->end;
}

START_TEST(mmu_notifiers_are_told)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = on_start,
		.invalidate_range_end = on_end,
	};
	struct mmu_notifier mn = { .ops = &ops };

	ck_assert_int_eq(mmu_notifier_register(&mn, current->mm), 0);
	ck_assert_int_eq(shim_mmu_invalidate_start(shim_mm(), 4096, 8192, true), 0);
	ck_assert_int_eq(shim_mmu_invalidate_start(shim_mm(), 4096, 8192, false), -EAGAIN);
	shim_mmu_invalidate_end(shim_mm(), 4096, 8192);
	ck_assert(seen_start == 4096 && seen_end == 8192);
	mmu_notifier_unregister(&mn, current->mm);
	ck_assert_int_eq(shim_mmu_invalidate_start(shim_mm(), 0, 1, false), 0);
}
END_TEST

/* --- containers and arithmetic, against plain models --- */

START_TEST(lists_keep_order)
{
	struct box boxes[4] = { { .value = 0 }, { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct box *pos, *next;
	LIST_HEAD(head);
	int i, n = 0;

	for (i = 0; i < 4; i++)
		list_add_tail(&boxes[i].link, &head);
	list_move(&boxes[3].link, &head);
	ck_assert_int_eq(list_first_entry(&head, struct box, link)->value, 3);
	list_for_each_entry_reverse(pos, &head, link)
		n = n * 10 + pos->value;
	ck_assert_int_eq(n, 2103);
	list_for_each_entry_safe(pos, next, &head, link)
		if (pos->value & 1)
			list_del(&pos->link);
	ck_assert(list_is_last(&boxes[2].link, &head) && boxes[1].link.next == LIST_POISON1);
	rcu_read_lock();
	n = 0;
	list_for_each_entry_rcu(pos, &head, link)
		n = n * 10 + pos->value + 1;
	rcu_read_unlock();
	ck_assert_int_eq(n, 13);
}
END_TEST

START_TEST(bucket_lists_unlink)
{
	struct entry { int key; struct hlist_node node; } entries[4], *pos;
	struct hlist_node *next;
	HLIST_HEAD(head);
	int i, n = 0;

	for (i = 0; i < 4; i++) {
		entries[i].key = i;
		hlist_add_head(&entries[i].node, &head);
	}
	hlist_for_each_entry(pos, &head, node)
		n = n * 10 + pos->key;
	ck_assert_int_eq(n, 3210);
	hlist_del_init(&entries[3].node);
	ck_assert(hlist_unhashed(&entries[3].node));
	hlist_for_each_entry_safe(pos, next, &head, node)
		if (pos->key != 1)
			hlist_del(&pos->node);
	rcu_read_lock();
	n = 0;
	hlist_for_each_entry_rcu(pos, &head, node)
		n += pos->key + 100;
	rcu_read_unlock();
	ck_assert_int_eq(n, 101);
}
END_TEST

START_TEST(bits_agree_with_a_model)
{
	DECLARE_BITMAP(map, 200) = { 0 };
	bool model[200] = { false };
	unsigned long bit, n, last;
	int round;

	for (round = 0; round < 3000; round++) {
		bit = unit_random_below(200);
		if (unit_random() & 1)
			ck_assert_int_eq(test_and_set_bit(bit, map), model[bit]);
		else
			ck_assert_int_eq(__test_and_clear_bit(bit, map), model[bit]);
		model[bit] = test_bit(bit, map);
		n = 0;
		last = 200;
		for (bit = 0; bit < 200; bit++) {
			n += model[bit];
			last = model[bit] ? bit : last;
		}
		ck_assert_uint_eq(bitmap_weight(map, 200), n);
		ck_assert_uint_eq(find_last_bit(map, 200), last);
		for_each_clear_bit(bit, map, 200)
			ck_assert(!model[bit]);
	}
	unit_figure("shim bitmap operations", round);
	bitmap_zero(map, 200);
	bitmap_set(map, 60, 10);
	ck_assert_uint_eq(find_first_bit(map, 200), 60);
	ck_assert_uint_eq(find_next_zero_bit(map, 200, 60), 70);
	ck_assert_uint_eq(find_next_bit(map, 65, 65), 65);
}
END_TEST

START_TEST(arithmetic)
{
	u64 n = 1000000007ULL * 5 + 3, rest;
	struct { u32 len; u64 item[]; } *flex = NULL;
	u8 bytes[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };

	rest = do_div(n, 1000000007);
	ck_assert(n == 5 && rest == 3);
	ck_assert_uint_eq(mul_u64_u32_shr(~0ULL, 1U << 31, 32), ~0ULL >> 1);
	ck_assert_uint_eq(mul_u64_u64_div_u64(~0ULL, 6, 12), ~0ULL / 2);
	ck_assert_int_eq(sign_extend64(0x80, 7), -128);
	ck_assert_int_eq(sign_extend32(0x7f, 7), 127);
	ck_assert_uint_eq(GENMASK_ULL(51, 12), 0xffffffffff000ULL);
	ck_assert(fls(0) == 0 && fls64(1ULL << 63) == 64 && __ffs(8) == 3 && hweight64(~0ULL) == 64);
	ck_assert_uint_eq(struct_size(flex, item, 3), 32);
	ck_assert_uint_eq(struct_size(flex, item, SIZE_MAX / 2), SIZE_MAX);
	ck_assert(round_up(4097, 4096) == 8192 && ALIGN_DOWN(8191UL, 4096) == 4096);
	ck_assert(clamp(7, 1, 5) == 5 && min_t(u8, n + 256, 9) == 5);
	ck_assert(is_power_of_2(64) && !is_power_of_2(0) && roundup_pow_of_two(65) == 128);
	ck_assert_uint_eq(FIELD_GET(GENMASK(15, 8), FIELD_PREP(GENMASK(15, 8), 0x5a)), 0x5a);
	ck_assert_uint_eq(get_unaligned((u32 *)(bytes + 1)), 0x04030201);
	ck_assert_uint_eq(get_unaligned_le64(bytes + 1), 0x0807060504030201ULL);
	ck_assert(array_index_nospec(5UL, 4) == 0 && array_index_nospec(3UL, 4) == 3);
	ck_assert_int_eq(ktime_add_safe(KTIME_MAX - 1, 5), KTIME_MAX);
	ck_assert(IS_ENABLED(CONFIG_X86_64) && !IS_ENABLED(CONFIG_ARM64));
	ck_assert(IS_ERR(ERR_PTR(-EINVAL)) && !IS_ERR(flex) && IS_ERR_OR_NULL(flex));
}
END_TEST

START_TEST(text)
{
	unsigned int seven;
	char small[4];

	ck_assert_int_eq(strscpy(small, "abc", 4), 3);
	ck_assert_int_eq(strscpy(small, "abcd", 4), -E2BIG);
	ck_assert_str_eq(small, "abc");
	ck_assert(!kstrtouint("7\n", 10, &seven) && seven == 7);
	ck_assert_int_eq(kstrtouint("7x", 10, &seven), -EINVAL);
	ck_assert_int_eq(kstrtouint("99999999999", 10, &seven), -ERANGE);
	pr_err("no %s\n", "luck");
	ck_assert_str_eq(shim_printk_last(), "no luck\n");
	ck_assert(shim_printk_count(3) == 1 && shim_printk_count(2) == 0);
}
END_TEST

START_TEST(sequence_counters)
{
	seqcount_t s;
	unsigned int seq;

	seqcount_init(&s);
	seq = read_seqcount_begin(&s);
	ck_assert(!read_seqcount_retry(&s, seq));
	write_seqcount_begin(&s);
	ck_assert(read_seqcount_retry(&s, seq));
	write_seqcount_end(&s);
	ck_assert(read_seqcount_retry(&s, seq));
}
END_TEST

START_TEST(random_repeats)
{
	u64 a = unit_random(), b = get_random_u64();

	unit_begin();
	ck_assert(unit_random() == a && get_random_u64() == b);
	ck_assert(unit_random() != a && unit_random_below(10) < 10);
}
END_TEST

UNIT_MAIN("shim",
	  UNIT_CASE("locks", lock_misuse_aborts, locks_used_rightly, locks_exclude_threads),
	  UNIT_CASE("rcu", rcu_misuse_aborts, rcu_callbacks_wait_for_the_test,
		    rcu_grace_periods_cover_threads, srcu_waits_and_checks),
	  UNIT_CASE("time", timers_fire_in_order_of_expiry, timers_are_cancelled_and_restarted,
		    timer_misuse_aborts, work_runs_when_told, waiters_are_woken),
	  UNIT_CASE("memory", heap_misuse_aborts, allocations_fail_on_order, pages_have_addresses,
		    user_copies_fault_outside_what_is_registered),
	  UNIT_CASE("files", eventfds_count_and_wake, mmu_notifiers_are_told),
	  UNIT_CASE("containers", lists_keep_order, bucket_lists_unlink, bits_agree_with_a_model),
	  UNIT_CASE("other", arithmetic, text, sequence_counters, random_repeats))
