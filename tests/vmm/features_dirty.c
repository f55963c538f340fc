// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log of a slot, cleared by asking or by hand, from clean or all set,
 * under large pages; and the vCPUs' dirty rings, full ones included.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "features.h"

#define LOGGED		0x2000000u	/* guest address of slot 1 */
#define PAGES		1024u
#define SIZE		(PAGES * PAGE_SIZE)
#define LOG		KVMX_MEM_LOG_DIRTY_PAGES
#define WORDS		(PAGES / 64)

static char *area;			/* what slot 1 has, in large pages if the host likes */
static uint64_t bitmap[WORDS];

static int enable(struct guest *g, uint32_t number, uint64_t arg)
{
	struct kvmx_enable_cap c = { .cap = number, .args = { arg } };

	return ioctl(g->vm, KVMX_ENABLE_CAP, &c);
}

static int get(struct guest *g)
{
	struct kvmx_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };

	memset(bitmap, 0xa5, sizeof(bitmap));
	return ioctl(g->vm, KVMX_GET_DIRTY_LOG, &log);
}

static int clear(struct guest *g, uint64_t first, uint32_t nr)
{
	struct kvmx_clear_dirty_log log = {
		.slot = 1, .first_page = first, .num_pages = nr,
		.dirty_bitmap = bitmap + first / 64,
	};

	return ioctl(g->vm, KVMX_CLEAR_DIRTY_LOG, &log);
}

static unsigned int count(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < WORDS; i++)
		n += __builtin_popcountll(bitmap[i]);
	return n;
}

static bool is_set(unsigned int page)
{
	return bitmap[page / 64] >> page % 64 & 1;
}

/* The guest writes to @n pages, each @step pages from the one before. */
static bool writes(struct guest *g, uint32_t first, uint32_t step, uint32_t n)
{
	guest_task(g, 0, DO_WRITE, LOGGED + first * PAGE_SIZE, step * PAGE_SIZE, n, 1);
	return guest_run(g, 0) == KVMX_EXIT_HLT;
}

static void automatic(struct guest *g)
{
	must("slot 1", guest_slot(g, 1, 0, LOGGED, SIZE, area));
	check(writes(g, 0, 1, PAGES), "the guest has written to all");
	must("slot 1, logged", guest_slot(g, 1, LOG, LOGGED, SIZE, area));
	check(!get(g) && !count(), "nothing of that is in the log");
	check(writes(g, 3, 100, 10), "the guest writes to ten pages");
	check(!get(g) && count() == 10 && is_set(3) && is_set(903), "these are in the log");
	check(!get(g) && !count(), "and then no longer");
	check(writes(g, 3, 0, 5) && !get(g) && count() == 1 && is_set(3), "one of them again");
	guest_task(g, 0, DO_READ, LOGGED, PAGE_SIZE, PAGES, 0);
	check(guest_run(g, 0) == KVMX_EXIT_HLT && !get(g) && !count(), "reading is not logged");
	guest_task(g, 0, DO_LOCKED, LOGGED + 511 * PAGE_SIZE, PAGE_SIZE, 2, 1);
	check(guest_run(g, 0) == KVMX_EXIT_HLT && !get(g) && count() == 2 && is_set(511) &&
	      is_set(512), "read-modify-write is");
	must("slot 1 goes", guest_slot(g, 1, 0, LOGGED, 0, area));
}

static void manual(struct guest *g)
{
	check(!enable(g, KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVMX_DIRTY_LOG_MANUAL_PROTECT_ENABLE),
	      "clearing by hand");
	must("slot 1", guest_slot(g, 1, LOG, LOGGED, SIZE, area));
	check(writes(g, 60, 1, 8) && !get(g) && count() == 8, "eight pages are in the log");
	check(!get(g) && count() == 8, "and stay in it");
	check(!clear(g, 0, 64), "those of the first word are cleared");
	check(!get(g) && count() == 4 && is_set(64) && !is_set(63), "the others stay");
	check(writes(g, 60, 1, 2) && !get(g) && count() == 6, "what is written again comes again");
	memset(bitmap, 0xff, sizeof(bitmap));
	check(!clear(g, 64, PAGES - 64) && !get(g) && count() == 2, "the end of the slot is cleared");
	must("slot 1 goes", guest_slot(g, 1, 0, LOGGED, 0, area));
}

static void all_set(struct guest *g)
{
	check(!enable(g, KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		      KVMX_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVMX_DIRTY_LOG_INITIALLY_SET),
	      "all set in the beginning");
	must("slot 1", guest_slot(g, 1, 0, LOGGED, SIZE, area));
	check(writes(g, 0, 1, PAGES), "the guest has written to all");
	must("slot 1, logged", guest_slot(g, 1, LOG, LOGGED, SIZE, area));
	check(!get(g) && count() == PAGES, "all are in the log");
	check(!clear(g, 128, 64), "a word is cleared");
	check(writes(g, 100, 1, 64) && !get(g) && count() == PAGES - 28 && is_set(128) &&
	      !is_set(164), "of it those count that are written to");
	check(!clear(g, 0, PAGES) && !get(g) && !count(), "all are cleared");
	check(writes(g, 0, 2, PAGES / 2) && !get(g) && count() == PAGES / 2, "and caught again");
	must("slot 1 goes", guest_slot(g, 1, 0, LOGGED, 0, area));
}

/* ---- rings ---- */

#define RING	256u			/* the smallest */

static uint64_t ring_bytes = RING * sizeof(struct kvmx_dirty_gfn);
static struct kvmx_dirty_gfn *ring[CPUS_MAX];
static unsigned int at[CPUS_MAX];
static bool told[PAGES];

static int rings(struct guest *g)
{
	return enable(g, KVMX_CAP_DIRTY_LOG_RING, ring_bytes);
}

/* How many of the entries are new; marks them as harvested and their pages in told[]. */
static unsigned int harvest(int cpu)
{
	struct kvmx_dirty_gfn *e;
	unsigned int n = 0;

	for (;; at[cpu]++, n++) {
		e = &ring[cpu][at[cpu] % RING];
		if ((__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) & KVMX_DIRTY_GFN_F_MASK) !=
		    KVMX_DIRTY_GFN_F_DIRTY)
			return n;
		if (e->slot == 1 && e->offset < PAGES)
			told[e->offset] = true;
		__atomic_store_n(&e->flags, KVMX_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	}
}

static unsigned int told_pages(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < PAGES; i++)
		n += told[i];
	memset(told, 0, sizeof(told));
	return n;
}

static void one_ring(struct guest *g)
{
	unsigned int n;

	check(writes(g, 5, 7, 20), "the guest writes to twenty pages");
	check(harvest(0) == 20 && told[5] && told[5 + 7 * 19] && told_pages() == 20,
	      "they are in the vCPU's ring");
	check(writes(g, 5, 7, 20) && !harvest(0), "before the reset they come but once");
	check(ioctl(g->vm, KVMX_RESET_DIRTY_RINGS, 0) == 20, "twenty are reset");
	check(writes(g, 5, 7, 3) && harvest(0) == 3 && told_pages() == 3, "then they come again");
	check(ioctl(g->vm, KVMX_RESET_DIRTY_RINGS, 0) == 3, "three are reset");
	check(ioctl(g->vm, KVMX_RESET_DIRTY_RINGS, 0) == 0, "none is left");

	guest_task(g, 0, DO_WRITE, LOGGED, PAGE_SIZE, PAGES, 1);
	check(guest_run(g, 0) == KVMX_EXIT_DIRTY_RING_FULL, "a ring gets full");
	check(guest_run(g, 0) == KVMX_EXIT_DIRTY_RING_FULL, "and stays so");
	n = harvest(0);
	check(n >= RING - 64 && n <= RING, "with %u of %u entries", n, RING);
	check(guest_run(g, 0) == KVMX_EXIT_DIRTY_RING_FULL, "harvesting alone is not enough");
	check(ioctl(g->vm, KVMX_RESET_DIRTY_RINGS, 0) == (int)n, "they are reset");
	for (n = 0; n < 20; n++) {
		if (guest_run(g, 0) != KVMX_EXIT_DIRTY_RING_FULL)
			break;
		harvest(0);
		ioctl(g->vm, KVMX_RESET_DIRTY_RINGS, 0);
	}
	check(g->run[0]->exit_reason == KVMX_EXIT_HLT && n > 2, "the guest goes on, %u times", n + 1);
	harvest(0);
	check(told_pages() == PAGES, "every page was told");
	ioctl(g->vm, KVMX_RESET_DIRTY_RINGS, 0);
}

static struct guest *racer;

/* vCPU @arg writes to all pages, over and over; waits for the other thread when its ring is full. */
static void *race(void *arg)
{
	int cpu = (intptr_t)arg, round, reason;

	for (round = 0; round < 20; round++) {
		guest_task(racer, cpu, DO_LOCKED, LOGGED, PAGE_SIZE, PAGES, 1);
		do
			reason = guest_run(racer, cpu);
		while (reason == KVMX_EXIT_DIRTY_RING_FULL);
		if (reason != KVMX_EXIT_HLT)
			return (void *)(intptr_t)reason;
	}
	return NULL;
}

/*
 * As migration does: harvest, reset, copy what was told. In the end the copy
 * has all that two vCPUs wrote meanwhile.
 */
static void two_rings(struct guest *g)
{
	static char copy[SIZE];
	unsigned int i, n, running = 3, wrong = 0;
	pthread_t thread[2];
	void *result;

	memcpy(copy, area, SIZE);
	racer = g;
	for (i = 0; i < 2; i++)
		must("thread", -pthread_create(&thread[i], NULL, race, (void *)(intptr_t)i));
	do {
		for (i = 0; i < 2; i++)
			if (running & 1u << i && !pthread_tryjoin_np(thread[i], &result)) {
				running &= ~(1u << i);
				check(!result, "vCPU %u comes to its end", i);
			}
		n = harvest(0) + harvest(1);
		ioctl(g->vm, KVMX_RESET_DIRTY_RINGS, 0);
		for (i = 0; i < PAGES; i++)
			if (told[i])
				memcpy(copy + i * PAGE_SIZE, area + i * PAGE_SIZE, PAGE_SIZE);
		memset(told, 0, sizeof(told));
	} while (running || n);
	for (i = 0; i < PAGES; i++)
		wrong += memcmp(copy + i * PAGE_SIZE, area + i * PAGE_SIZE, PAGE_SIZE) != 0;
	check(!wrong, "a copy of what was told is whole (%u pages differ)", wrong);
}

static void refusals(struct guest *g)
{
	struct kvmx_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };
	int page = KVMX_DIRTY_LOG_PAGE_OFFSET * PAGE_SIZE;

	check(rings(g) && errno == EINVAL, "rings only before vCPUs: EINVAL");
	check(ioctl(g->vm, KVMX_GET_DIRTY_LOG, &log) && errno == ENXIO, "no bitmap with rings: ENXIO");
	check(clear(g, 0, 64) && errno == ENXIO, "nor clearing it: ENXIO");
	check(mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, g->cpu[0], page) == MAP_FAILED &&
	      errno == EINVAL, "a private mapping of a ring: EINVAL");
	check(mmap(NULL, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, g->cpu[0], page) == MAP_FAILED &&
	      errno == EINVAL, "an executable mapping of a ring: EINVAL");
}

static void test_rings(void)
{
	struct guest g;
	int i;

	if (cap(dev, KVMX_CAP_DIRTY_LOG_RING) <= 0) {
		check(false, "dirty rings are there");
		return;
	}
	g = guest_make(2, rings);
	must("slot 1", guest_slot(&g, 1, LOG, LOGGED, SIZE, area));
	for (i = 0; i < 2; i++) {
		ring[i] = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g.cpu[i],
			       KVMX_DIRTY_LOG_PAGE_OFFSET * PAGE_SIZE);
		must("mmap of a ring", ring[i] == MAP_FAILED ? -1 : 0);
	}
	refusals(&g);
	one_ring(&g);
	two_rings(&g);
	for (i = 0; i < 2; i++)
		munmap(ring[i], ring_bytes);
	guest_end(&g);
}

void test_dirty(void)
{
	struct guest g = guest_make(1, NULL);
	char *raw = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must("memory", raw == MAP_FAILED ? -1 : 0);
	area = (char *)(((uintptr_t)raw + SIZE - 1) & -(uintptr_t)SIZE);
	madvise(area, SIZE, MADV_HUGEPAGE);
	automatic(&g);
	manual(&g);
	all_set(&g);
	guest_end(&g);
	test_rings();
	munmap(raw, 2 * SIZE);
}
