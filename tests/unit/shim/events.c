// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bodies of the user-space kernel, second part: all that happens at some moment. The clock and
 * its timers, waiting, deferred work, files and eventfds, mmu notifiers.
 * Nothing here runs by itself: the test moves the clock and runs what is pending.
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/cpuhotplug.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mmu_notifier.h>
#include <linux/refcount.h>
#include <linux/smp.h>
#include <linux/workqueue.h>
#include <asm/tsc.h>
#include <time.h>

#include "shim.h"

/* --- clock and timers --- */

#define TIMER_MAGIC	0x71e6a11eU

static pthread_mutex_t timer_lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(timers);		/* by expiry, equal ones in order of start */
static struct hrtimer *running_timer;
static struct task_struct *running_in;
unsigned int tsc_khz = 2500000, cpu_khz = 2500000;
static u64 clock_now = NSEC_PER_SEC;
static u64 wall_offset = 1700000000ULL * NSEC_PER_SEC;

u64 shim_clock(void) { return __atomic_load_n(&clock_now, __ATOMIC_SEQ_CST); }
u64 shim_clock_wall(void) { return shim_clock() + wall_offset; }
void shim_clock_set_wall(u64 ns) { wall_offset = ns - shim_clock(); }

void shim_hrtimer_setup(struct hrtimer *timer, int clock, enum hrtimer_mode mode)
{
	memset(timer, 0, sizeof(*timer));
	timer->shim_magic = TIMER_MAGIC;
	timer->shim_soft = mode & HRTIMER_MODE_SOFT;
}

static void timer_check(const struct hrtimer *timer)
{
	if (timer->shim_magic != TIMER_MAGIC)
		shim_bug("hrtimer used before it was set up");
}

/* Both run under timer_lock. */
static void timer_enqueue(struct hrtimer *timer)
{
	struct hrtimer *other;
	struct list_head *before = &timers;

	list_for_each_entry(other, &timers, shim_queue)
		if (other->node.expires > timer->node.expires) {
			before = &other->shim_queue;
			break;
		}
	list_add_tail(&timer->shim_queue, before);
	timer->shim_queued = true;
}

static bool timer_dequeue(struct hrtimer *timer)
{
	bool was = timer->shim_queued;

	if (was)
		list_del(&timer->shim_queue);
	timer->shim_queued = false;
	return was;
}

void hrtimer_start(struct hrtimer *timer, ktime_t t, enum hrtimer_mode mode)
{
	timer_check(timer);
	if (!timer->function)
		shim_bug("hrtimer started without a function");
	pthread_mutex_lock(&timer_lock);
	timer_dequeue(timer);
	hrtimer_set_expires(timer, mode & HRTIMER_MODE_REL ? ktime_add_safe(ktime_get(), t) : t);
	timer_enqueue(timer);
	pthread_mutex_unlock(&timer_lock);
}

void hrtimer_restart(struct hrtimer *timer)
{
	hrtimer_start_expires(timer, HRTIMER_MODE_ABS);
}

int hrtimer_try_to_cancel(struct hrtimer *timer)
{
	int ret;

	timer_check(timer);
	pthread_mutex_lock(&timer_lock);
	ret = running_timer == timer ? -1 : timer_dequeue(timer);
	pthread_mutex_unlock(&timer_lock);
	return ret;
}

int hrtimer_cancel(struct hrtimer *timer)
{
	int ret;

	while ((ret = hrtimer_try_to_cancel(timer)) < 0) {
		if (READ_ONCE(running_in) == current)
			shim_bug("hrtimer_cancel inside the timer's own function waits for ever");
		cpu_relax();
	}
	return ret;
}

bool hrtimer_is_queued(struct hrtimer *timer) { return READ_ONCE(timer->shim_queued); }
bool hrtimer_callback_running(struct hrtimer *timer) { return READ_ONCE(running_timer) == timer; }

bool hrtimer_active(const struct hrtimer *timer)
{
	return READ_ONCE(timer->shim_queued) || READ_ONCE(running_timer) == timer;
}

u64 hrtimer_forward(struct hrtimer *timer, ktime_t now, ktime_t interval)
{
	s64 late = ktime_sub(now, timer->node.expires);
	u64 periods;

	timer_check(timer);
	if (late < 0)
		return 0;
	if (timer->shim_queued)
		shim_bug("WARN: hrtimer_forward of a queued timer");
	interval = max_t(ktime_t, interval, 1);
	periods = late / interval + 1;
	hrtimer_set_expires(timer, ktime_add_safe(timer->node.expires, periods * interval));
	return periods;
}

static void timer_run(struct hrtimer *timer)
{
	enum hrtimer_restart again;

	if (timer->shim_soft)
		shim_atomic_enter();
	else
		shim_set_in_irq(true);
	again = timer->function(timer);
	if (timer->shim_soft)
		shim_atomic_leave(__FILE__, __LINE__);
	else
		shim_set_in_irq(false);

	pthread_mutex_lock(&timer_lock);
	if (again == HRTIMER_RESTART && !timer->shim_queued)
		timer_enqueue(timer);
	running_timer = NULL;
	running_in = NULL;
	pthread_mutex_unlock(&timer_lock);
}

unsigned int shim_clock_set(u64 ns)
{
	struct hrtimer *timer;
	unsigned int fired = 0;

	might_sleep();
	if (ns < shim_clock())
		shim_bug("the clock cannot go back");
	for (;;) {
		pthread_mutex_lock(&timer_lock);
		timer = list_first_entry_or_null(&timers, struct hrtimer, shim_queue);
		if (!timer || timer->node.expires > (s64)min_t(u64, ns, KTIME_MAX))
			break;
		if (timer->node.expires > (s64)shim_clock())
			__atomic_store_n(&clock_now, timer->node.expires, __ATOMIC_SEQ_CST);
		timer_dequeue(timer);
		running_timer = timer;
		running_in = current;
		pthread_mutex_unlock(&timer_lock);
		timer_run(timer);
		if (++fired == 1000000)
			shim_bug("a million timer interrupts in one step of the clock");
	}
	__atomic_store_n(&clock_now, ns, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&timer_lock);
	shim_wake_threads();
	return fired;
}

unsigned int shim_clock_advance(u64 ns)
{
	return shim_clock_set(shim_clock() + ns);
}

bool shim_timer_next(u64 *ns)
{
	struct hrtimer *timer;

	pthread_mutex_lock(&timer_lock);
	timer = list_first_entry_or_null(&timers, struct hrtimer, shim_queue);
	if (timer)
		*ns = timer->node.expires;
	pthread_mutex_unlock(&timer_lock);
	return timer != NULL;
}

/* --- waiting --- */

static pthread_mutex_t wait_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wait_cond = PTHREAD_COND_INITIALIZER;

void shim_wake_threads(void)
{
	pthread_mutex_lock(&wait_lock);
	pthread_cond_broadcast(&wait_cond);
	pthread_mutex_unlock(&wait_lock);
}

/*
 * A wake-up may slip in before the wait; the short time-out makes up for it. Weak: a fuzzer
 * has no other threads that could end the wait.
 */
__weak void shim_wait_moment(u64 *waited, const char *file, int line)
{
	struct timespec until;

	shim_might_sleep(file, line);
	if (++*waited > 20000)
		shim_die(file, line, "waited 20 s for a condition that did not come");
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 1000000;
	if (until.tv_nsec >= NSEC_PER_SEC) {
		until.tv_nsec -= NSEC_PER_SEC;
		until.tv_sec++;
	}
	pthread_mutex_lock(&wait_lock);
	pthread_cond_timedwait(&wait_cond, &wait_lock, &until);
	pthread_mutex_unlock(&wait_lock);
}

void schedule(void)
{
	u64 waited = 0;

	shim_wait_moment(&waited, __FILE__, __LINE__);
}

void init_waitqueue_head(wait_queue_head_t *wq)
{
	spin_lock_init(&wq->lock);
	INIT_LIST_HEAD(&wq->head);
}

void init_waitqueue_func_entry(wait_queue_entry_t *entry, wait_queue_func_t func)
{
	*entry = (wait_queue_entry_t){ .func = func };
	INIT_LIST_HEAD(&entry->entry);
}

void add_wait_queue(wait_queue_head_t *wq, wait_queue_entry_t *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_add(&entry->entry, &wq->head);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void add_wait_queue_priority(wait_queue_head_t *wq, wait_queue_entry_t *entry)
{
	add_wait_queue(wq, entry);
}

void remove_wait_queue(wait_queue_head_t *wq, wait_queue_entry_t *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&entry->entry);
	spin_unlock_irqrestore(&wq->lock, flags);
}

bool waitqueue_active(wait_queue_head_t *wq)
{
	return !list_empty(&wq->head);
}

static void wake_locked(wait_queue_head_t *wq, void *key)
{
	wait_queue_entry_t *entry, *next;

	lockdep_assert_held(&wq->lock);
	list_for_each_entry_safe(entry, next, &wq->head, entry)
		entry->func(entry, 0, 0, key);
}

void shim_wake(wait_queue_head_t *wq, void *key)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	wake_locked(wq, key);
	spin_unlock_irqrestore(&wq->lock, flags);
	shim_wake_threads();
}

void complete(struct completion *c)
{
	__atomic_fetch_add(&c->done, 1, __ATOMIC_SEQ_CST);
	shim_wake_threads();
}

void complete_all(struct completion *c)
{
	__atomic_store_n(&c->done, UINT_MAX / 2, __ATOMIC_SEQ_CST);
	shim_wake_threads();
}

bool try_wait_for_completion(struct completion *c)
{
	unsigned int done = __atomic_load_n(&c->done, __ATOMIC_SEQ_CST);

	while (done && done < UINT_MAX / 2)
		if (try_cmpxchg(&c->done, &done, done - 1))
			return true;
	return done != 0;
}

/* --- deferred work --- */

struct workqueue_struct { char unused; };

static struct workqueue_struct shim_system_wq;
struct workqueue_struct *system_wq = &shim_system_wq;
struct workqueue_struct *system_unbound_wq = &shim_system_wq;
struct workqueue_struct *system_long_wq = &shim_system_wq;
static pthread_mutex_t works_lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(works);
static struct work_struct *running_work;
static struct task_struct *work_runs_in;

void shim_work_init(struct work_struct *work, work_func_t func)
{
	*work = (struct work_struct){ .func = func };
}

bool shim_work_queue(struct workqueue_struct *wq, struct work_struct *work, unsigned long ticks)
{
	bool fresh;

	if (!work->func || !wq)
		shim_bug("work queued before it was initialized, or on no queue");
	pthread_mutex_lock(&works_lock);
	fresh = !work->shim_pending;
	if (fresh) {
		work->shim_pending = true;
		work->shim_wq = wq;
		work->shim_due = shim_clock() + ticks * (NSEC_PER_SEC / HZ);
		list_add_tail(&work->entry, &works);
	}
	pthread_mutex_unlock(&works_lock);
	return fresh;
}

/* Takes one work off the queue and runs it. The work may free itself. */
static bool work_run(struct work_struct *only, struct workqueue_struct *wq, bool early)
{
	struct work_struct *work, *found = NULL;

	pthread_mutex_lock(&works_lock);
	list_for_each_entry(work, &works, entry)
		if ((!only || work == only) && (!wq || work->shim_wq == wq) &&
		    (early || work->shim_due <= shim_clock())) {
			found = work;
			break;
		}
	if (found) {
		list_del(&found->entry);
		found->shim_pending = false;
		running_work = found;
		work_runs_in = current;
	}
	pthread_mutex_unlock(&works_lock);
	if (!found)
		return false;
	found->func(found);
	WRITE_ONCE(running_work, NULL);
	return true;
}

unsigned int shim_works_run(void)
{
	unsigned int ran = 0;

	might_sleep();
	while (work_run(NULL, NULL, false))
		ran++;
	return ran;
}

static void work_wait(struct work_struct *work)
{
	if (READ_ONCE(running_work) == work && work_runs_in == current)
		shim_bug("work waits for itself");
	while (READ_ONCE(running_work) == work)
		cpu_relax();
}

bool shim_work_flush(struct work_struct *work)
{
	bool ran;

	might_sleep();
	ran = work_run(work, NULL, true);
	if (!ran)
		work_wait(work);
	return ran;
}

bool shim_work_cancel(struct work_struct *work, bool wait)
{
	bool was;

	pthread_mutex_lock(&works_lock);
	was = work->shim_pending;
	if (was)
		list_del(&work->entry);
	work->shim_pending = false;
	pthread_mutex_unlock(&works_lock);
	if (wait) {
		might_sleep();
		work_wait(work);
	}
	return was;
}

struct workqueue_struct *shim_workqueue_new(void)
{
	return kzalloc(sizeof(struct workqueue_struct), GFP_KERNEL);
}

void flush_workqueue(struct workqueue_struct *wq)
{
	might_sleep();
	while (work_run(NULL, wq, true))
		;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	flush_workqueue(wq);
	kfree(wq);
}

/* --- other CPUs --- */

struct cpumask shim_called_cpus;
int (*shim_cpuhp_online)(unsigned int cpu), (*shim_cpuhp_offline)(unsigned int cpu);

/* --- files and eventfds --- */

#define FIRST_FD	1000U
#define MAX_FDS		256U

static pthread_mutex_t fd_lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *fds[MAX_FDS];
static bool fd_used[MAX_FDS];

int get_unused_fd_flags(unsigned int flags)
{
	unsigned int i;

	pthread_mutex_lock(&fd_lock);
	for (i = 0; i < MAX_FDS && fd_used[i]; i++)
		;
	if (i < MAX_FDS)
		fd_used[i] = true;
	pthread_mutex_unlock(&fd_lock);
	return i < MAX_FDS ? (int)(FIRST_FD + i) : -EMFILE;
}

static struct file *fd_swap(unsigned int fd, struct file *file, bool used)
{
	struct file *old = NULL;

	pthread_mutex_lock(&fd_lock);
	if (fd - FIRST_FD >= MAX_FDS || !fd_used[fd - FIRST_FD])
		shim_bug("file number %u is not in use", fd);
	swap(old, fds[fd - FIRST_FD]);
	fds[fd - FIRST_FD] = file;
	fd_used[fd - FIRST_FD] = used;
	pthread_mutex_unlock(&fd_lock);
	return old;
}

void put_unused_fd(unsigned int fd) { fd_swap(fd, NULL, false); }
void fd_install(unsigned int fd, struct file *file) { fd_swap(fd, file, true); }

struct file *fget(unsigned int fd)
{
	struct file *file = NULL;

	pthread_mutex_lock(&fd_lock);
	if (fd - FIRST_FD < MAX_FDS)
		file = fds[fd - FIRST_FD];
	if (file)
		atomic_inc(&file->shim_refs);
	pthread_mutex_unlock(&fd_lock);
	return file;
}

void fput(struct file *file)
{
	int left = atomic_dec_return(&file->shim_refs);

	if (left < 0)
		shim_bug("file dropped more often than it was taken");
	if (left)
		return;
	if (file->f_op->release)
		file->f_op->release(NULL, file);
	kfree(file);
}

void shim_fd_close(int fd)
{
	struct file *file = fd_swap(fd, NULL, false);

	if (file)
		fput(file);
}

struct file *anon_inode_getfile(const char *name, const struct file_operations *ops, void *priv, int flags)
{
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->f_op = ops;
	file->private_data = priv;
	file->f_flags = flags;
	file->f_mode = FMODE_READ | FMODE_WRITE;
	atomic_set(&file->shim_refs, 1);
	return file;
}

int anon_inode_getfd(const char *name, const struct file_operations *ops, void *priv, int flags)
{
	struct file *file;
	int fd = get_unused_fd_flags(flags);

	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, ops, priv, flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

loff_t noop_llseek(struct file *file, loff_t off, int whence) { return 0; }

__poll_t vfs_poll(struct file *file, poll_table *pt)
{
	return file->f_op->poll ? file->f_op->poll(file, pt) : EPOLLIN | EPOLLOUT;
}

struct eventfd_ctx {
	refcount_t refs;
	wait_queue_head_t wq;
	u64 count;	/* under wq.lock */
};

static __poll_t eventfd_poll(struct file *file, poll_table *pt)
{
	struct eventfd_ctx *ctx = file->private_data;

	poll_wait(file, &ctx->wq, pt);
	return READ_ONCE(ctx->count) ? EPOLLIN | EPOLLOUT : EPOLLOUT;
}

static int eventfd_release(struct inode *inode, struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;

	wake_up_poll(&ctx->wq, EPOLLHUP);
	eventfd_ctx_put(ctx);
	return 0;
}

static const struct file_operations eventfd_fops = {
	.poll = eventfd_poll,
	.release = eventfd_release,
};

int shim_eventfd_new(void)
{
	struct eventfd_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	int fd;

	if (!ctx)
		return -ENOMEM;
	refcount_set(&ctx->refs, 1);
	init_waitqueue_head(&ctx->wq);
	fd = anon_inode_getfd("eventfd", &eventfd_fops, ctx, O_RDWR);
	if (fd < 0)
		kfree(ctx);
	return fd;
}

struct file *eventfd_fget(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &eventfd_fops)
		return file;
	fput(file);
	return ERR_PTR(-EINVAL);
}

struct eventfd_ctx *eventfd_ctx_fileget(struct file *file)
{
	struct eventfd_ctx *ctx = file->private_data;

	if (file->f_op != &eventfd_fops)
		return ERR_PTR(-EINVAL);
	refcount_inc(&ctx->refs);
	return ctx;
}

struct eventfd_ctx *eventfd_ctx_fdget(int fd)
{
	struct file *file = eventfd_fget(fd);
	struct eventfd_ctx *ctx;

	if (IS_ERR(file))
		return ERR_CAST(file);
	ctx = eventfd_ctx_fileget(file);
	fput(file);
	return ctx;
}

void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	if (refcount_dec_and_test(&ctx->refs))
		kfree(ctx);
}

u64 shim_eventfd_add(struct eventfd_ctx *ctx, u64 n)
{
	unsigned long flags;

	spin_lock_irqsave(&ctx->wq.lock, flags);
	n = min(n, U64_MAX - 1 - ctx->count);
	WRITE_ONCE(ctx->count, ctx->count + n);
	wake_locked(&ctx->wq, (void *)(unsigned long)EPOLLIN);
	spin_unlock_irqrestore(&ctx->wq.lock, flags);
	shim_wake_threads();
	return n;
}

void eventfd_ctx_do_read(struct eventfd_ctx *ctx, __u64 *count)
{
	lockdep_assert_held(&ctx->wq.lock);
	*count = ctx->count;
	WRITE_ONCE(ctx->count, 0);
}

int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, __u64 *count)
{
	unsigned long flags;

	spin_lock_irqsave(&ctx->wq.lock, flags);
	eventfd_ctx_do_read(ctx, count);
	list_del_init(&wait->entry);
	spin_unlock_irqrestore(&ctx->wq.lock, flags);
	return *count ? 0 : -EAGAIN;
}

u64 shim_eventfd_read(int fd)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);
	unsigned long flags;
	__u64 count;

	if (IS_ERR(ctx))
		shim_bug("file number %d is no eventfd", fd);
	spin_lock_irqsave(&ctx->wq.lock, flags);
	eventfd_ctx_do_read(ctx, &count);
	spin_unlock_irqrestore(&ctx->wq.lock, flags);
	eventfd_ctx_put(ctx);
	return count;
}

void shim_eventfd_write(int fd, u64 n)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);

	if (IS_ERR(ctx))
		shim_bug("file number %d is no eventfd", fd);
	shim_eventfd_add(ctx, n);
	eventfd_ctx_put(ctx);
}

/* --- mmu notifiers --- */

int mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	might_sleep();
	mmap_write_lock(mm);
	mn->mm = mm;
	list_add_tail(&mn->shim_link, &mm->shim_notifiers);
	atomic_inc(&mm->mm_count);
	mmap_write_unlock(mm);
	return 0;
}

void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_struct *mm)
{
	might_sleep();
	mmap_write_lock(mm);
	list_del(&mn->shim_link);
	mmap_write_unlock(mm);
	if (mn->ops->release)
		mn->ops->release(mn, mm);
	atomic_dec(&mm->mm_count);
}

int shim_mmu_invalidate_start(struct mm_struct *mm, unsigned long start, unsigned long end, bool blockable)
{
	struct mmu_notifier_range range = {
		.mm = mm, .start = start, .end = end, .event = MMU_NOTIFY_UNMAP,
		.flags = blockable ? MMU_NOTIFIER_RANGE_BLOCKABLE : 0,
	};
	struct mmu_notifier *mn;
	int err = 0, one;

	list_for_each_entry(mn, &mm->shim_notifiers, shim_link) {
		if (!mn->ops->invalidate_range_start)
			continue;
		if (!blockable)
			shim_atomic_enter();
		one = mn->ops->invalidate_range_start(mn, &range);
		if (!blockable)
			shim_atomic_leave(__FILE__, __LINE__);
		if (one && blockable)
			shim_bug("a blockable invalidation was refused: %d", one);
		err = err ? err : one;
	}
	return err;
}

void shim_mmu_invalidate_end(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range = {
		.mm = mm, .start = start, .end = end, .event = MMU_NOTIFY_UNMAP,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
	struct mmu_notifier *mn;

	list_for_each_entry(mn, &mm->shim_notifiers, shim_link)
		if (mn->ops->invalidate_range_end)
			mn->ops->invalidate_range_end(mn, &range);
}

void shim_mm_exit(struct mm_struct *mm)
{
	struct mmu_notifier *mn, *next;

	list_for_each_entry_safe(mn, next, &mm->shim_notifiers, shim_link)
		if (mn->ops->release)
			mn->ops->release(mn, mm);
}
