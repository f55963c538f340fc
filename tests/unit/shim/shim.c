// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bodies of the user-space kernel: context and locks, RCU, heap and pages, user memory.
 * Linked into every unit test and fuzzer; what a test may steer is in shim.h.
 * Misuse that a debug kernel would report aborts here with the place and a stack.
 */
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <ctype.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"

/* --- what each thread is doing --- */

#define MAX_THREADS	1024
#define MAX_HELD	64

struct held {
	const struct shim_lock *lock;
	int how;
	const char *file;
	int line;
};

struct srcu_held {
	const struct srcu_struct *s;
	int side;
};

static __thread struct {
	unsigned int id;	/* 0 = not yet numbered */
	int rcu_depth, atomic_depth, pagefault_off;
	bool irqs_off, in_irq;
	int held_count, srcu_count;
	struct held held[MAX_HELD];
	struct srcu_held srcu[MAX_HELD];
	struct task_struct task;
} self;

int shim_fence_word;
static unsigned int thread_count;
static u64 rcu_clock = 1;
static u64 rcu_seen[MAX_THREADS];	/* per thread: rcu_clock at read lock, 0 outside */

extern void __sanitizer_print_stack_trace(void) __attribute__((__weak__));

void shim_die(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	if (__sanitizer_print_stack_trace && !getenv("UNIT_NO_STACK"))
		__sanitizer_print_stack_trace();
	abort();
}

static unsigned int self_id(void)
{
	if (!self.id) {
		self.id = __atomic_add_fetch(&thread_count, 1, __ATOMIC_SEQ_CST);
		if (self.id >= MAX_THREADS)
			shim_bug("more threads than the shim has room for");
	}
	return self.id;
}

void shim_might_sleep(const char *file, int line)
{
	if (self.atomic_depth || self.irqs_off || self.in_irq || self.rcu_depth)
		shim_die(file, line,
			 "sleeps in atomic context (locks and preempt %d, rcu %d, irqs off %d, in irq %d)",
			 self.atomic_depth, self.rcu_depth, self.irqs_off, self.in_irq);
}

bool shim_irqs_off(void) { return self.irqs_off; }
bool shim_in_irq(void) { return self.in_irq; }
bool shim_in_atomic(void) { return self.atomic_depth != 0; }
void shim_atomic_enter(void) { self.atomic_depth++; }

bool shim_irqs_set_off(bool off)
{
	bool before = self.irqs_off;

	if (!off && self.in_irq)
		shim_bug("interrupts switched on inside an interrupt");
	self.irqs_off = off;
	return before;
}

void shim_atomic_leave(const char *file, int line)
{
	if (--self.atomic_depth < 0)
		shim_die(file, line, "preemption enabled more often than disabled");
}

void shim_set_in_irq(bool on)
{
	self.in_irq = on;
	self.irqs_off = on;
	self.atomic_depth += on ? 1 : -1;
}

void shim_assert_idle(void)
{
	if (self.held_count)
		shim_bug("lock %s still held, taken at %s:%d", self.held[0].lock->name,
			 self.held[0].file, self.held[0].line);
	if (self.atomic_depth || self.irqs_off || self.rcu_depth || self.srcu_count ||
	    self.pagefault_off)
		shim_bug("context left: preempt %d, irqs off %d, rcu %d, srcu %d, page faults %d",
			 self.atomic_depth, self.irqs_off, self.rcu_depth, self.srcu_count,
			 self.pagefault_off);
}

static struct mm_struct the_mm = {
	.mmap_lock = __RWSEM_INITIALIZER(mmap_lock),
	.mm_count = ATOMIC_INIT(1),
	.mm_users = ATOMIC_INIT(1),
	.shim_notifiers = LIST_HEAD_INIT(the_mm.shim_notifiers),
};

struct mm_struct *shim_mm(void) { return &the_mm; }

struct task_struct *shim_current(void)
{
	if (!self.task.pid) {
		self.task.pid = 100 + self_id();
		self.task.tgid = 100;
		self.task.mm = &the_mm;
		self.task.active_mm = &the_mm;
		self.task.group_leader = &self.task;
		self.task.usage = 1;
		strcpy(self.task.comm, "unit");
	}
	return &self.task;
}

/* --- locks --- */

void shim_lock_init(struct shim_lock *lock, const char *name)
{
	*lock = (struct shim_lock)SHIM_LOCK_INIT(name);
}

static struct held *find_held(const struct shim_lock *lock)
{
	int i;

	for (i = self.held_count - 1; i >= 0; i--)
		if (self.held[i].lock == lock)
			return &self.held[i];
	return NULL;
}

/* An interrupt that takes a lock this CPU holds with interrupts on would wait for ever. */
static void note_context(struct shim_lock *lock, int how, const char *file, int line)
{
	u8 bit = how & SHIM_SHARED ? 1 : 2, in, on;

	if (self.in_irq)
		__atomic_fetch_or(&lock->used_in_irq, bit, __ATOMIC_RELAXED);
	else if (!self.irqs_off)
		__atomic_fetch_or(&lock->used_irqs_on, bit, __ATOMIC_RELAXED);
	in = __atomic_load_n(&lock->used_in_irq, __ATOMIC_RELAXED);
	on = __atomic_load_n(&lock->used_irqs_on, __ATOMIC_RELAXED);
	if ((in & 2 && on) || (on & 2 && in))
		shim_die(file, line, "lock %s: taken in an interrupt, and elsewhere with interrupts on",
			 lock->name);
}

bool shim_lock_take(struct shim_lock *lock, int how, const char *file, int line)
{
	struct held *held;
	int err;

	if (lock->magic != SHIM_LOCK_MAGIC)
		shim_die(file, line, "lock used before it was initialized or after it was destroyed");
	held = find_held(lock);
	if (held && how & SHIM_TRY)
		return false;
	if (held)
		shim_die(file, line, "lock %s taken twice, first at %s:%d", lock->name,
			 held->file, held->line);
	if (self.held_count == MAX_HELD)
		shim_die(file, line, "too many locks held");
	if (how & SHIM_SLEEPS && !(how & SHIM_TRY))
		shim_might_sleep(file, line);
	if (how & SHIM_TRY)
		err = how & SHIM_SHARED ? pthread_rwlock_tryrdlock(&lock->rw) :
					  pthread_rwlock_trywrlock(&lock->rw);
	else
		err = how & SHIM_SHARED ? pthread_rwlock_rdlock(&lock->rw) :
					  pthread_rwlock_wrlock(&lock->rw);
	if (err && how & SHIM_TRY)
		return false;
	if (err)
		shim_die(file, line, "lock %s: %s", lock->name, strerror(err));
	if (!(how & SHIM_SLEEPS)) {
		if (!(how & SHIM_TRY))
			note_context(lock, how, file, line);
		self.atomic_depth++;
	}
	self.held[self.held_count++] = (struct held){ lock, how & ~SHIM_TRY, file, line };
	return true;
}

void shim_lock_drop(struct shim_lock *lock, int how, const char *file, int line)
{
	struct held *held = find_held(lock);

	if (!held)
		shim_die(file, line, "lock %s released by a thread that does not hold it",
			 lock->magic == SHIM_LOCK_MAGIC ? lock->name : "(uninitialized)");
	if (held->how != how)
		shim_die(file, line, "lock %s released in another way than it was taken at %s:%d",
			 lock->name, held->file, held->line);
	self.held_count--;
	memmove(held, held + 1, (char *)&self.held[self.held_count] - (char *)held);
	if (!(how & SHIM_SLEEPS))
		self.atomic_depth--;
	pthread_rwlock_unlock(&lock->rw);
}

int shim_lock_held(const struct shim_lock *lock)
{
	struct held *held = find_held(lock);

	return !held ? 0 : held->how & SHIM_SHARED ? 1 : 2;
}

bool shim_lock_held_by_any(struct shim_lock *lock)
{
	if (find_held(lock))
		return true;
	if (pthread_rwlock_trywrlock(&lock->rw))
		return true;
	pthread_rwlock_unlock(&lock->rw);
	return false;
}

/* --- RCU: a reader notes the clock; a grace period moves it and waits for older notes --- */

struct rcu_work {
	struct rcu_work *next;
	struct rcu_head *head;		/* call_rcu */
	struct srcu_struct *srcu;	/* its domain, NULL for plain RCU */
	void *object;			/* kfree_rcu */
};

static pthread_mutex_t rcu_queue_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rcu_work *rcu_queue, **rcu_queue_end = &rcu_queue;

void rcu_read_lock(void)
{
	unsigned int id = self_id();

	if (self.rcu_depth++ == 0)
		__atomic_exchange_n(&rcu_seen[id], __atomic_load_n(&rcu_clock, __ATOMIC_SEQ_CST),
				    __ATOMIC_SEQ_CST);
}

void shim_rcu_read_unlock(const char *file, int line)
{
	if (self.rcu_depth == 0)
		shim_die(file, line, "rcu_read_unlock outside a read section");
	if (--self.rcu_depth == 0)
		__atomic_store_n(&rcu_seen[self.id], 0, __ATOMIC_SEQ_CST);
}

int rcu_read_lock_held(void)
{
	return self.rcu_depth > 0;
}

void shim_rcu_assert(bool safe, const char *file, int line)
{
	if (!safe)
		shim_die(file, line, "RCU pointer used without the protection it needs");
}

static void wait_for_readers(void)
{
	u64 now = __atomic_add_fetch(&rcu_clock, 1, __ATOMIC_SEQ_CST), seen;
	unsigned int id;

	for (id = 1; id <= __atomic_load_n(&thread_count, __ATOMIC_SEQ_CST); id++)
		for (;;) {
			seen = __atomic_load_n(&rcu_seen[id], __ATOMIC_SEQ_CST);
			if (!seen || seen >= now)
				break;
			sched_yield();
		}
}

static void rcu_enqueue(struct rcu_head *head, struct srcu_struct *srcu, void *object)
{
	struct rcu_work *work = malloc(sizeof(*work));

	*work = (struct rcu_work){ NULL, head, srcu, object };
	pthread_mutex_lock(&rcu_queue_lock);
	*rcu_queue_end = work;
	rcu_queue_end = &work->next;
	pthread_mutex_unlock(&rcu_queue_lock);
}

unsigned int shim_rcu_run(void)
{
	struct rcu_work *work, *next;
	unsigned int ran = 0;

	might_sleep();
	for (;;) {
		pthread_mutex_lock(&rcu_queue_lock);
		work = rcu_queue;
		rcu_queue = NULL;
		rcu_queue_end = &rcu_queue;
		pthread_mutex_unlock(&rcu_queue_lock);
		wait_for_readers();
		if (!work)
			return ran;
		for (; work; work = next, ran++) {
			next = work->next;
			if (work->srcu)
				synchronize_srcu(work->srcu);
			self.atomic_depth++;
			if (work->head)
				work->head->func(work->head);
			else
				kfree(work->object);
			self.atomic_depth--;
			free(work);
		}
	}
}

void synchronize_rcu(void) { shim_rcu_run(); }
void rcu_barrier(void) { shim_rcu_run(); }

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	rcu_enqueue(head, NULL, NULL);
}

void shim_kfree_rcu(void *p)
{
	if (p)
		rcu_enqueue(NULL, NULL, p);
}

int init_srcu_struct(struct srcu_struct *s)
{
	memset(s, 0, sizeof(*s));
	shim_lock_init(&s->writers, "srcu");
	s->ready = SHIM_LOCK_MAGIC;
	return 0;
}

static void srcu_check(const struct srcu_struct *s)
{
	if (s->ready != SHIM_LOCK_MAGIC)
		shim_bug("srcu_struct used before initialization or after cleanup");
}

void cleanup_srcu_struct(struct srcu_struct *s)
{
	srcu_check(s);
	if (__atomic_load_n(&s->readers[0], __ATOMIC_SEQ_CST) ||
	    __atomic_load_n(&s->readers[1], __ATOMIC_SEQ_CST))
		shim_bug("srcu_struct cleaned up under its readers");
	s->ready = 0;
}

int srcu_read_lock(struct srcu_struct *s)
{
	int side;

	srcu_check(s);
	if (self.srcu_count == MAX_HELD)
		shim_bug("too many srcu sections");
	side = __atomic_load_n(&s->current_side, __ATOMIC_SEQ_CST) & 1;
	__atomic_fetch_add(&s->readers[side], 1, __ATOMIC_SEQ_CST);
	self.srcu[self.srcu_count++] = (struct srcu_held){ s, side };
	return side;
}

void srcu_read_unlock(struct srcu_struct *s, int side)
{
	int i;

	for (i = self.srcu_count - 1; i >= 0; i--)
		if (self.srcu[i].s == s && self.srcu[i].side == side)
			break;
	if (i < 0)
		shim_bug("srcu_read_unlock without its lock, or with another index");
	self.srcu[i] = self.srcu[--self.srcu_count];
	__atomic_fetch_sub(&s->readers[side], 1, __ATOMIC_SEQ_CST);
}

int srcu_read_lock_held(const struct srcu_struct *s)
{
	int i;

	for (i = 0; i < self.srcu_count; i++)
		if (self.srcu[i].s == s)
			return 1;
	return 0;
}

/* Both sides are drained: a reader may have read the side before it counted itself there. */
void synchronize_srcu(struct srcu_struct *s)
{
	int round;
	unsigned int old;

	srcu_check(s);
	might_sleep();
	if (srcu_read_lock_held(s))
		shim_bug("synchronize_srcu inside a read section of the same domain");
	shim_lock_take(&s->writers, SHIM_SLEEPS, __FILE__, __LINE__);
	for (round = 0; round < 2; round++) {
		old = __atomic_fetch_add(&s->current_side, 1, __ATOMIC_SEQ_CST) & 1;
		while (__atomic_load_n(&s->readers[old], __ATOMIC_SEQ_CST))
			sched_yield();
	}
	shim_lock_drop(&s->writers, SHIM_SLEEPS, __FILE__, __LINE__);
}

void call_srcu(struct srcu_struct *s, struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	rcu_enqueue(head, s, NULL);
}

void srcu_barrier(struct srcu_struct *s)
{
	srcu_check(s);
	shim_rcu_run();
}

/* --- heap and pages --- */

#define PAGES_IN_ADDRESS_SPACE	(1UL << (47 - PAGE_SHIFT))

struct page *shim_pages;
static unsigned long alloc_live, alloc_refused;
static long alloc_allowed = -1;

__attribute__((__constructor__)) static void map_pages(void)
{
	/* The bare call, since sanitizers would prepare a shadow for all of it. */
	shim_pages = (struct page *)syscall(SYS_mmap, NULL,
					    PAGES_IN_ADDRESS_SPACE * sizeof(struct page),
					    PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shim_pages == MAP_FAILED)
		shim_bug("no address space for struct pages");
}

void shim_fail_alloc_after(long n)
{
	__atomic_store_n(&alloc_allowed, n < 0 ? -1 : n, __ATOMIC_SEQ_CST);
	__atomic_store_n(&alloc_refused, 0, __ATOMIC_SEQ_CST);
}

unsigned long shim_alloc_refused(void) { return __atomic_load_n(&alloc_refused, __ATOMIC_SEQ_CST); }
unsigned long shim_alloc_live(void) { return __atomic_load_n(&alloc_live, __ATOMIC_SEQ_CST); }

static bool alloc_permitted(gfp_t gfp)
{
	long left = __atomic_load_n(&alloc_allowed, __ATOMIC_SEQ_CST);

	if (gfp & __GFP_NOFAIL)
		return true;
	while (left > 0)
		if (__atomic_compare_exchange_n(&alloc_allowed, &left, left - 1, 0,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	if (left < 0)
		return true;
	__atomic_fetch_add(&alloc_refused, 1, __ATOMIC_SEQ_CST);
	return false;
}

/*
 * "align" tells the callers apart: 0 is kmalloc (naturally aligned powers of two, 4 MiB at
 * most), 8 is kvmalloc (INT_MAX at most), a page is vmalloc. Beyond its bound the kernel warns,
 * unless told not to: a size from user space must never get that far.
 */
void *shim_alloc(size_t size, size_t align, gfp_t gfp, const char *file, int line)
{
	size_t most = align == 0 ? 4UL << 20 : align == 8 ? INT_MAX : 1UL << 40;
	void *p;

	if (gfp & __GFP_DIRECT_RECLAIM)
		shim_might_sleep(file, line);
	if (size == 0)
		return ZERO_SIZE_PTR;
	if (size > most) {
		if (size != SIZE_MAX && align <= 8 && !(gfp & __GFP_NOWARN))
			shim_die(file, line, "WARN: allocation of %zu bytes", size);
		return NULL;
	}
	if (!alloc_permitted(gfp))
		return NULL;
	if (align == 0)
		align = is_power_of_2(size) ? clamp_t(size_t, size, 8, PAGE_SIZE) : 8;
	if (posix_memalign(&p, align, size))
		return NULL;
	memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	__atomic_fetch_add(&alloc_live, 1, __ATOMIC_SEQ_CST);
	return p;
}

void kfree(const void *p)
{
	if (ZERO_OR_NULL_PTR(p))
		return;
	free((void *)p);
	__atomic_fetch_sub(&alloc_live, 1, __ATOMIC_SEQ_CST);
}

size_t ksize(const void *p)
{
	return ZERO_OR_NULL_PTR(p) ? 0 : malloc_usable_size((void *)p);
}

void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	void *q;

	if (!size) {
		kfree(p);
		return ZERO_SIZE_PTR;
	}
	q = kmalloc(size, gfp);
	if (!q)
		return NULL;
	if (!ZERO_OR_NULL_PTR(p))
		memcpy(q, p, min(size, ksize(p)));
	kfree(p);
	return q;
}

void *kmemdup(const void *p, size_t n, gfp_t gfp)
{
	void *q = kmalloc(n, gfp);

	return q ? memcpy(q, p, n) : NULL;
}

void *kvmemdup(const void *p, size_t n, gfp_t gfp)
{
	void *q = kvmalloc(n, gfp);

	return q ? memcpy(q, p, n) : NULL;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return s ? kmemdup(s, strlen(s) + 1, gfp) : NULL;
}

struct kmem_cache {
	const char *name;
	size_t size, align;
	void (*ctor)(void *object);
	unsigned long live;
};

struct kmem_cache *shim_cache_create(const char *name, size_t size, size_t align,
				     void (*ctor)(void *object))
{
	struct kmem_cache *cache = kmalloc(sizeof(*cache), GFP_KERNEL);

	if (cache)
		*cache = (struct kmem_cache){ name, size, max_t(size_t, align, 16), ctor, 0 };
	return cache;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	if (cache && __atomic_load_n(&cache->live, __ATOMIC_SEQ_CST))
		shim_bug("cache %s destroyed with %lu objects in use", cache->name, cache->live);
	kfree(cache);
}

void *shim_cache_alloc(struct kmem_cache *cache, gfp_t gfp, const char *file, int line)
{
	void *object = shim_alloc(cache->size, cache->align, gfp, file, line);

	if (!object)
		return NULL;
	if (cache->ctor)
		cache->ctor(object);
	__atomic_fetch_add(&cache->live, 1, __ATOMIC_SEQ_CST);
	return object;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	if (__atomic_fetch_sub(&cache->live, 1, __ATOMIC_SEQ_CST) == 0)
		shim_bug("cache %s: freed an object that is not its own", cache->name);
	kfree(object);
}

/* shim_order is order + 1 in the first page of an allocation, 0 in every other page. */
struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;
	void *p;

	if (gfp & __GFP_DIRECT_RECLAIM)
		might_sleep();
	if (order > 10)
		shim_bug("WARN: page order %u", order);
	if (!alloc_permitted(gfp) || posix_memalign(&p, PAGE_SIZE << order, PAGE_SIZE << order))
		return NULL;
	memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, PAGE_SIZE << order);
	page = virt_to_page(p);
	page->shim_order = order + 1;
	atomic_set(&page->shim_refs, 1);
	__atomic_fetch_add(&alloc_live, 1, __ATOMIC_SEQ_CST);
	return page;
}

void get_page(struct page *page)
{
	atomic_inc(&page->shim_refs);
}

void put_page(struct page *page)
{
	int left = atomic_dec_return(&page->shim_refs);

	if (left < 0)
		shim_bug("page dropped more often than it was taken");
	if (left == 0 && page->shim_order) {
		page->shim_order = 0;
		free(page_address(page));
		__atomic_fetch_sub(&alloc_live, 1, __ATOMIC_SEQ_CST);
	}
}

void __free_pages(struct page *page, unsigned int order)
{
	if (page->shim_order != order + 1)
		shim_bug("pages freed with order %u, allocated with %d", order,
			 (int)page->shim_order - 1);
	put_page(page);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	return page ? (unsigned long)page_address(page) : 0;
}

void free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		__free_pages(virt_to_page(addr), order);
}

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	return (void *)__get_free_pages(gfp, get_order(size));
}

void free_pages_exact(void *p, size_t size)
{
	free_pages((unsigned long)p, get_order(size));
}

bool pfn_valid(unsigned long pfn)
{
	return pfn < PAGES_IN_ADDRESS_SPACE;
}

/* --- user memory --- */

#define MAX_USER_RANGES	128

static pthread_mutex_t user_lock = PTHREAD_MUTEX_INITIALIZER;
static struct user_range {
	unsigned long start, end;
	bool writable;
} user_ranges[MAX_USER_RANGES];
static unsigned int user_range_count;

static void user_register(void *p, size_t len, bool writable)
{
	pthread_mutex_lock(&user_lock);
	if (user_range_count == MAX_USER_RANGES)
		shim_bug("too many user ranges");
	user_ranges[user_range_count++] = (struct user_range){
		(unsigned long)p, (unsigned long)p + len, writable };
	pthread_mutex_unlock(&user_lock);
}

void shim_user_register(void *p, size_t len) { user_register(p, len, true); }
void shim_user_register_ro(void *p, size_t len) { user_register(p, len, false); }

void shim_user_unregister(void *p)
{
	unsigned int i;

	pthread_mutex_lock(&user_lock);
	for (i = 0; i < user_range_count; i++)
		if (user_ranges[i].start == (unsigned long)p)
			break;
	if (i == user_range_count)
		shim_bug("%p starts no registered user range", p);
	user_ranges[i] = user_ranges[--user_range_count];
	pthread_mutex_unlock(&user_lock);
}

/* How many bytes from "at" can be reached, up to n. */
static unsigned long user_reach(unsigned long at, unsigned long n, bool write)
{
	unsigned long reached = 0, chunk;
	unsigned int i;

	pthread_mutex_lock(&user_lock);
	for (i = 0; i < user_range_count && reached < n; i++) {
		const struct user_range *r = &user_ranges[i];

		if (at + reached < r->start || at + reached >= r->end || (write && !r->writable))
			continue;
		chunk = min(r->end - (at + reached), n - reached);
		reached += chunk;
		i = -1U;	/* ranges may adjoin in any order: look from the start again */
	}
	pthread_mutex_unlock(&user_lock);
	return reached;
}

void pagefault_disable(void) { self.pagefault_off++; }

void pagefault_enable(void)
{
	if (--self.pagefault_off < 0)
		shim_bug("pagefault_enable without pagefault_disable");
}

void shim_user_may_fault(const char *file, int line)
{
	if (!self.pagefault_off)
		shim_might_sleep(file, line);
}

bool shim_access_ok(const void __user *p, unsigned long n)
{
	return n <= TASK_SIZE_MAX && (unsigned long)p <= TASK_SIZE_MAX - n;
}

unsigned long shim_from_user(void *to, const void __user *from, unsigned long n)
{
	unsigned long done = user_reach((unsigned long)from, n, false);

	if (done)
		memcpy(to, from, done);
	memset(to + done, 0, n - done);
	return n - done;
}

unsigned long shim_to_user(void __user *to, const void *from, unsigned long n)
{
	unsigned long done = user_reach((unsigned long)to, n, true);

	if (done)
		memcpy(to, from, done);
	return n - done;
}

unsigned long clear_user(void __user *to, unsigned long n)
{
	unsigned long done = user_reach((unsigned long)to, n, true);

	might_fault();
	memset(to, 0, done);
	return n - done;
}

int copy_struct_from_user(void *to, size_t ksize, const void __user *from, size_t usize)
{
	size_t both = min(ksize, usize), i;
	char tail;

	for (i = both; i < usize; i++) {
		if (get_user(tail, (const char *)from + i))
			return -EFAULT;
		if (tail)
			return -E2BIG;
	}
	memset(to + both, 0, ksize - both);
	return copy_from_user(to, from, both) ? -EFAULT : 0;
}

static void *dup_user(void *p, const void __user *from, size_t n)
{
	if (!p)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_user(p, from, n))
		return p;
	kfree(p);
	return ERR_PTR(-EFAULT);
}

void *memdup_user(const void __user *p, size_t n)
{
	return dup_user(kmalloc(n, GFP_USER | __GFP_NOWARN), p, n);
}

void *vmemdup_user(const void __user *p, size_t n)
{
	return dup_user(kvmalloc(n, GFP_USER | __GFP_NOWARN), p, n);
}

long shim_get_user_pages(unsigned long start, long n, unsigned int flags, struct page **pages)
{
	long i;

	for (i = 0; i < n; i++) {
		unsigned long at = (start & PAGE_MASK) + i * PAGE_SIZE;

		if (user_reach(at, PAGE_SIZE, flags & FOLL_WRITE) != PAGE_SIZE)
			break;
		if (!pages)
			continue;
		pages[i] = virt_to_page(at);
		get_page(pages[i]);
	}
	return i || n == 0 ? i : -EFAULT;
}

void unpin_user_page(struct page *page) { put_page(page); }

void unpin_user_pages(struct page **pages, unsigned long n)
{
	while (n--)
		put_page(pages[n]);
}

/* --- messages, text, random numbers, privilege --- */

static char printk_last[512];
static unsigned int printk_counts[8];
static bool not_capable, signal_is_pending, resched_is_needed;
static u64 random_state = 0x853c49e6748fea9bULL;

int printk(const char *fmt, ...)
{
	int level = 4, n;
	va_list args;

	if (fmt[0] == '\001' && fmt[1]) {
		level = (fmt[1] - '0') & 7;
		fmt += 2;
	}
	va_start(args, fmt);
	n = vsnprintf(printk_last, sizeof(printk_last), fmt, args);
	va_end(args);
	printk_counts[level]++;
	if (getenv("UNIT_LOG"))
		fputs(printk_last, stderr);
	return n;
}

const char *shim_printk_last(void) { return printk_last; }

unsigned int shim_printk_count(int level)
{
	unsigned int sum = 0;

	for (level = clamp(level, 0, 7); level >= 0; level--)
		sum += printk_counts[level];
	return sum;
}

int shim_scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return size == 0 ? 0 : min_t(int, n, size - 1);
}

int kstrtoull(const char *s, unsigned int base, unsigned long long *res)
{
	unsigned long long v;
	char *end;

	if (!isalnum((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, base);
	if (errno == ERANGE)
		return -ERANGE;
	if (end == s || (*end && strcmp(end, "\n")))
		return -EINVAL;
	*res = v;
	return 0;
}

int kstrtouint(const char *s, unsigned int base, unsigned int *res)
{
	unsigned long long v;
	int err = kstrtoull(s, base, &v);

	if (err || v > U32_MAX)
		return err ? err : -ERANGE;
	*res = v;
	return 0;
}

int kstrtobool(const char *s, bool *res)
{
	if (!*s || !strchr("yYtT1nNfF0", *s))
		return -EINVAL;
	*res = strchr("yYtT1", *s) != NULL;
	return 0;
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size);

	if (size == 0)
		return -E2BIG;
	if (n == size) {
		memcpy(to, from, size - 1);
		to[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(to, from, n + 1);
	return n;
}

ssize_t strscpy_pad(char *to, const char *from, size_t size)
{
	ssize_t n = strscpy(to, from, size);

	if (n >= 0)
		memset(to + n, 0, size - n);
	return n;
}

void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *at = p;

	for (; n; n--, at++)
		if (*at != (u8)c)
			return (void *)at;
	return NULL;
}

void shim_random_seed(u64 seed) { random_state = seed ? seed : 1; }

u64 get_random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

void get_random_bytes(void *p, size_t n)
{
	u8 *at = p;

	while (n--)
		*at++ = get_random_u64() >> 56;
}

bool shim_capable(int cap) { return !not_capable; }
void shim_set_capable(bool capable) { not_capable = !capable; }
bool shim_signal_is_pending(void) { return READ_ONCE(signal_is_pending); }
bool shim_resched_is_needed(void) { return READ_ONCE(resched_is_needed); }
void shim_set_need_resched(bool needed) { WRITE_ONCE(resched_is_needed, needed); }

void shim_set_signal_pending(bool pending)
{
	WRITE_ONCE(signal_is_pending, pending);
	shim_wake_threads();
}
