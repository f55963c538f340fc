// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage-2 engine against a naive model: random operations on three formats, with a TLB
 * that remembers what it may until it is flushed; then many threads at once.
 */
/* links: src/core/stage2.c src/svm/npt.c src/vmx/ept.c */
/* links: src/arm64/stage2_format.c */
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "unit.h"
#include "stage2_formats.h"

/* check's own assertions each write to a file, and here are hundreds of millions. */
#define must(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)
#define must_eq(a, b) do {							\
	long long a_ = (a), b_ = (b);						\
										\
	if (a_ != b_)								\
		ck_abort_msg("%s is %#llx, not %#llx", #a, a_, b_);		\
} while (0)

#define RWX	(STAGE2_READ | STAGE2_WRITE | STAGE2_EXEC)

static const struct stage2_format *const formats[] = { &format_npt, &format_ept, &format_arm64 };

/* --- the model: one record a page, and where tables are --- */

#define WINDOW_PAGES	(3ULL << 18)		/* 3 GiB */
#define REGIONS		(WINDOW_PAGES >> 9)
#define GIGS		(WINDOW_PAGES >> 18)
#define TLB_ENTRIES	4096

struct page_model {
	u64 pfn;
	u8 level, access;		/* level 0: not mapped */
	bool accessed, dirty;
};

static struct {
	struct stage2 *s2;
	const struct stage2_format *f;
	u64 base;			/* first gfn of the window */
	struct page_model *page;
	bool table2[REGIONS];		/* the entry of level 2 points to a table */
	bool table3[GIGS];
	u64 leaves[3];			/* the engine's counters */
	u64 model_leaves[3];
	u64 flushes, flush_start, flush_end;
	unsigned long long operations;
} m;

/* What CPUs may have cached, by gfn. */
static struct tlb_entry {
	u64 gfn, pfn;
	u8 level, access;		/* level 0: empty */
} tlb[TLB_ENTRIES];

static void tlb_flush(void *owner, u64 start, u64 end)
{
	unsigned int i;

	must(owner == &m);
	must(start < end && !((start | end) & 0xfff));
	m.flushes++;
	m.flush_start = start;
	m.flush_end = end;
	for (i = 0; i < TLB_ENTRIES; i++) {
		struct tlb_entry *t = &tlb[i];
		u64 pages = t->level ? stage2_pages(t->level) : 0;

		if (pages && (t->gfn & ~(pages - 1)) < end >> 12 &&
		    (t->gfn & ~(pages - 1)) + pages > start >> 12)
			t->level = 0;
	}
}

static void tlb_cache(u64 gfn, const struct unit_walk *walk)
{
	struct tlb_entry *t = &tlb[gfn % TLB_ENTRIES];

	*t = (struct tlb_entry){ gfn, walk->pfn, walk->level, walk->access };
}

/* No CPU may go on using what the tree no longer says. More rights in the tree do no harm. */
static void tlb_check_one(const struct tlb_entry *t)
{
	struct unit_walk walk;

	if (!t->level)
		return;
	must(unit_walk(m.s2, t->gfn, &walk));
	must_eq(walk.pfn, t->pfn);
	must_eq(walk.level, t->level);
	must_eq(t->access & ~walk.access, 0);
	/* Arm: nor may it keep fewer rights, or the guest would fault for ever. */
	if (m.f->break_before_make)
		must_eq(t->access, walk.access);
}

static void model_begin(const struct stage2_format *f)
{
	memset(&m, 0, sizeof(m));
	memset(tlb, 0, sizeof(tlb));
	m.f = f;
	/* Over the edge of the entry above: of the root table on Arm, of its entry elsewhere. */
	m.base = (1ULL << 27) - (1ULL << 18);
	m.page = calloc(WINDOW_PAGES, sizeof(*m.page));
	m.s2 = stage2_create(f, tlb_flush, &m, m.leaves);
	must(m.s2);
}

static void model_end(void)
{
	stage2_destroy(m.s2);
	shim_rcu_run();
	must_eq(m.leaves[0] | m.leaves[1] | m.leaves[2], 0);
	must_eq(shim_alloc_live(), 0);
	free(m.page);
}

static struct page_model *model_page(u64 gfn)
{
	return &m.page[gfn - m.base];
}

/* Whether a page of the window is where a smaller table would have to go. */
static bool model_table_at(u64 gfn, u8 level)
{
	u64 i = gfn - m.base;

	return level == 3 ? m.table3[i >> 18] : level == 2 ? m.table2[i >> 9] : false;
}

static void model_tables_for(u64 gfn, u8 level)
{
	if (level < 3)
		m.table3[(gfn - m.base) >> 18] = true;
	if (level < 2)
		m.table2[(gfn - m.base) >> 9] = true;
}

static void model_set(u64 gfn, u64 pfn, u8 level, u8 access, bool accessed, bool dirty)
{
	u64 i, pages = stage2_pages(level);

	for (i = 0; i < pages; i++)
		*model_page(gfn + i) = (struct page_model){ pfn + i, level, access, accessed,
							    dirty };
	m.model_leaves[level - 1]++;
}

/* The leaf that holds @gfn, cut away whole. */
static void model_clear_leaf(u64 gfn)
{
	u8 level = model_page(gfn)->level;
	u64 i, pages = stage2_pages(level), first = gfn & ~(pages - 1);

	for (i = 0; i < pages; i++)
		model_page(first + i)->level = 0;
	m.model_leaves[level - 1]--;
}

static void model_unmap(u64 start, u64 end)
{
	u64 gfn, i;

	for (gfn = start; gfn < end; gfn++)
		if (model_page(gfn)->level)
			model_clear_leaf(gfn);
	for (i = 0; i < REGIONS; i++)
		if (start <= m.base + (i << 9) && m.base + ((i + 1) << 9) <= end)
			m.table2[i] = false;
	for (i = 0; i < GIGS; i++)
		if (start <= m.base + (i << 18) && m.base + ((i + 1) << 18) <= end)
			m.table3[i] = false;
}

static void model_split(u64 gfn, u8 level)
{
	struct page_model old = *model_page(gfn);
	u64 pages, first, i;

	while (old.level > level) {
		pages = stage2_pages(old.level);
		first = gfn & ~(pages - 1);
		old.pfn = model_page(first)->pfn;
		model_clear_leaf(gfn);
		model_tables_for(gfn, old.level - 1);
		for (i = 0; i < pages; i += stage2_pages(old.level - 1))
			model_set(first + i, old.pfn + i, old.level - 1, old.access,
				  old.accessed, old.dirty);
		old = *model_page(gfn);
	}
}

/* What stage2_map() must answer, and its effect. */
static int model_map(u64 gfn, u64 pfn, u8 level, u32 access)
{
	struct page_model *p = model_page(gfn), old = *p;
	u64 i, pages = stage2_pages(level);

	if (old.level > level)
		return p->pfn == pfn && !(access & ~p->access) ? 0 : -EEXIST;
	if (model_table_at(gfn, level))
		return -EEXIST;
	if (!old.level) {
		model_tables_for(gfn, level);
		model_set(gfn, pfn, level, access, true, false);
		return 1;
	}
	if (old.pfn != pfn)
		return -EEXIST;
	if (!(access & ~old.access) && old.accessed)
		return 0;
	for (i = 0; i < pages; i++) {
		p[i].access |= access;
		p[i].accessed = true;
	}
	return 1;
}

/* --- checks --- */

static void check_page(u64 gfn)
{
	struct page_model *p = model_page(gfn);
	struct stage2_leaf leaf;
	struct unit_walk walk;

	if (!p->level) {
		must(!stage2_lookup(m.s2, gfn, &leaf));
		must(!unit_walk(m.s2, gfn, &walk));
		return;
	}
	must(unit_walk(m.s2, gfn, &walk));
	must_eq(walk.level, p->level);
	must_eq(walk.pfn, p->pfn);
	must_eq(walk.access, p->access);
	must_eq(walk.accessed, p->accessed);
	must_eq(walk.dirty, p->dirty);
	must(stage2_lookup(m.s2, gfn, &leaf));
	must_eq(leaf.level, p->level);
	must_eq(leaf.gfn, gfn & ~(stage2_pages(p->level) - 1));
	must_eq(leaf.pfn + (gfn - leaf.gfn), p->pfn);
	must_eq(leaf.access, p->access);
	must_eq(leaf.accessed, p->accessed);
	must_eq(leaf.dirty, p->dirty);
}

static void check_counters(void)
{
	must_eq(m.leaves[0], m.model_leaves[0]);
	must_eq(m.leaves[1], m.model_leaves[1]);
	must_eq(m.leaves[2], m.model_leaves[2]);
}

static void check_all(void)
{
	u64 i;

	for (i = 0; i < WINDOW_PAGES; i++)
		check_page(m.base + i);
	for (i = 0; i < TLB_ENTRIES; i++)
		tlb_check_one(&tlb[i]);
	check_counters();
}

static void check_around(u64 start, u64 end)
{
	u64 i, gfn;

	if (start > m.base)
		check_page(start - 1);
	if (end < m.base + WINDOW_PAGES)
		check_page(end);
	for (i = 0; i < 3; i++)
		check_page(start + unit_random_below(end - start));
	for (i = 0; i < 16; i++) {
		gfn = start + unit_random_below(end - start);
		tlb_check_one(&tlb[gfn % TLB_ENTRIES]);
	}
	check_counters();
}

/* --- operations --- */

static u64 random_gfn(u8 level)
{
	/* Half of all in two regions of 2 MiB, so that they meet. */
	u64 gfn = unit_random_below(2) ? (1ULL << 18) - 512 + unit_random_below(1024) :
		  unit_random_below(WINDOW_PAGES);

	return m.base + (gfn & ~(stage2_pages(level) - 1));
}

static u64 random_pfn(u64 gfn)
{
	return gfn + ((4 + (unit_random_below(16) == 0)) << 18);
}

static u8 random_level(void)
{
	u64 r = unit_random_below(20000);

	return min_t(u8, r < 1 ? 3 : r < 3000 ? 2 : 1, m.f->leaf_levels);
}

static void random_range(u64 *start, u64 *end)
{
	static const u64 sizes[] = { 1, 1, 1, 4, 4, 16, 16, 64, 64, 512, 512, 1024, 3000 };
	u64 pages = unit_random_below(4000) == 0 ? 1 << 18 : sizes[unit_random_below(13)];

	*start = random_gfn(pages >= 512 && unit_random_below(2) ? (pages >> 18 ? 3 : 2) : 1);
	if (pages < 512)
		pages = 1 + unit_random_below(pages);
	*end = min(*start + pages, m.base + WINDOW_PAGES);
}

static u32 random_access(void)
{
	return STAGE2_READ | (unit_random() & (STAGE2_WRITE | STAGE2_EXEC));
}

static void op_map(void)
{
	u8 level = random_level();
	u64 gfn = random_gfn(level), pfn = random_pfn(gfn);
	u32 access = random_access();
	struct stage2_cache cache = { 0 };
	unsigned int need = stage2_tables_missing(m.s2, gfn, level), want = 0;
	u8 at;
	int expected;

	/* The model does not know the level-3 table of a root with four levels: count it as found. */
	if (!model_page(gfn)->level)
		for (at = level + 1; at <= 3; at++)
			want += !model_table_at(gfn, at);
	must(need >= want);
	must(need <= want + 1);
	if (need && unit_random_below(8) == 0) {
		must_eq(stage2_cache_fill(&cache, need - 1, false), 0);
		must_eq(stage2_map(m.s2, &cache, gfn, pfn, level, access), -ENOMEM);
		must_eq(cache.nr, 0);
		/* What it had it put in, which is as if somebody else had been here. */
		if (need - 1 >= want - (level < 2))
			model_tables_for(gfn, need - 1 < want ? level + 1 : level);
		else if (need > 1 && want > 1)
			model_tables_for(gfn, 2);
		need = stage2_tables_missing(m.s2, gfn, level);
		must_eq(need, 1);
	}
	must_eq(stage2_cache_fill(&cache, need, false), 0);
	expected = model_map(gfn, pfn, level, access);
	must_eq(stage2_map(m.s2, &cache, gfn, pfn, level, access), expected);
	must_eq(cache.nr, 0);
	check_around(gfn, gfn + stage2_pages(level));
}

static void op_replace(void)
{
	u8 level = random_level();
	u64 gfn = random_gfn(level), pfn = random_pfn(gfn);
	u32 access = random_access();
	struct stage2_cache cache = { 0 };
	int expected = 0, ret;

	must_eq(stage2_cache_fill(&cache, m.f->levels - 1, false), 0);
	if (model_page(gfn)->level > level && model_page(gfn)->pfn == pfn)
		model_split(gfn, level);
	else
		expected = model_map(gfn, pfn, level, access);
	if (expected == -EEXIST)
		model_unmap(gfn, gfn + stage2_pages(level));
	if (expected != 1)
		expected = model_map(gfn, pfn, level, access);
	ret = stage2_replace(m.s2, &cache, gfn, pfn, level, access);
	must(ret >= 0);
	must(expected >= 0);
	stage2_cache_drain(&cache);
	check_around(gfn, gfn + stage2_pages(level));
}

static void op_unmap(void)
{
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	u64 start, end, flushes = m.flushes;
	bool pending;

	random_range(&start, &end);
	model_unmap(start, end);
	stage2_unmap(m.s2, start, end, &gather);
	pending = stage2_gather_pending(&gather);
	must(pending || !gather.tables);
	stage2_gather_finish(m.s2, &gather);
	must_eq(m.flushes - flushes, pending);
	must(!stage2_gather_pending(&gather) && !gather.tables);
	check_around(start, end);
}

static void op_write_protect(void)
{
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	u64 start, end, gfn, i, pages, first;
	bool any = false;

	random_range(&start, &end);
	for (gfn = start; gfn < end; gfn++) {
		if (!model_page(gfn)->level || !(model_page(gfn)->access & STAGE2_WRITE))
			continue;
		any = true;
		pages = stage2_pages(model_page(gfn)->level);
		first = gfn & ~(pages - 1);
		for (i = 0; i < pages; i++)
			model_page(first + i)->access &= ~STAGE2_WRITE;
	}
	stage2_write_protect(m.s2, start, end, &gather);
	must_eq(stage2_gather_pending(&gather), any);
	stage2_gather_finish(m.s2, &gather);
	check_around(start, end);
}

static u64 leaf_pages;

static void count_leaf(void *arg, u64 gfn, u64 npages)
{
	struct page_model *p = model_page(gfn);

	must_eq(npages, stage2_pages(p->level));
	must_eq(gfn & (npages - 1), 0);
	leaf_pages++;
}

static void op_harvest(void)
{
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	bool dirty = unit_random_below(2), clear = unit_random_below(2), any;
	u64 start, end, gfn, i, pages, first, marked = 0;

	random_range(&start, &end);
	for (gfn = start; gfn < end; gfn = first + pages) {
		struct page_model *p = model_page(gfn);

		pages = p->level ? stage2_pages(p->level) : 1;
		first = gfn & ~(pages - 1);
		if (p->level && (dirty ? p->dirty : p->accessed))
			marked++;
	}
	/* The callback looks at the model, so the model goes last. */
	leaf_pages = 0;
	any = (dirty ? stage2_harvest_dirty : stage2_harvest_accessed)
		(m.s2, start, end, clear ? &gather : NULL, count_leaf, NULL);
	must_eq(any, marked > 0);
	must_eq(leaf_pages, marked);
	must_eq(stage2_gather_pending(&gather), clear && marked);
	for (gfn = start; clear && gfn < end; gfn = first + pages) {
		struct page_model *p = model_page(gfn);

		pages = p->level ? stage2_pages(p->level) : 1;
		first = gfn & ~(pages - 1);
		for (i = 0; i < pages && p->level; i++)
			*(dirty ? &model_page(first + i)->dirty :
			  &model_page(first + i)->accessed) = false;
	}
	stage2_gather_finish(m.s2, &gather);
	check_around(start, end);
}

static void op_split(void)
{
	u64 gfn = random_gfn(1);
	u8 level = 1 + unit_random_below(3), have = model_page(gfn)->level;
	struct stage2_cache cache = { 0 };
	unsigned int need = have > level ? have - level : 0;

	if (need && unit_random_below(4) == 0) {
		must_eq(stage2_split(m.s2, &cache, gfn, level), -ENOMEM);
		check_page(gfn);
	}
	must_eq(stage2_cache_fill(&cache, need, false), 0);
	model_split(gfn, level);
	must_eq(stage2_split(m.s2, &cache, gfn, level), 0);
	must_eq(cache.nr, 0);
	check_around(gfn & ~511ULL, (gfn & ~511ULL) + 512);
}

static void op_access(void)
{
	u64 gfn = random_gfn(1), i, pages, first;
	u32 access = 1U << unit_random_below(3);
	struct page_model *p = model_page(gfn);
	bool allowed = p->level && !(access & ~p->access), touched;
	struct unit_walk walk;

	touched = unit_random_below(2) || m.f == &format_arm64;
	if (touched)
		must_eq(stage2_touch(m.s2, gfn, access), allowed);
	if (allowed)
		must(unit_access(m.s2, gfn, access, &walk));
	else
		must(!unit_access(m.s2, gfn, access, &walk));
	if (!allowed)
		return;
	pages = stage2_pages(p->level);
	first = gfn & ~(pages - 1);
	for (i = 0; i < pages; i++) {
		model_page(first + i)->accessed = true;
		if ((access & STAGE2_WRITE) && m.f->dirty)
			model_page(first + i)->dirty = true;
	}
	tlb_cache(gfn, &walk);
	check_around(gfn, gfn + 1);
}

static void op_invalid(void)
{
	u64 gfn = random_gfn(1), limit = stage2_limit(m.s2);
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	struct stage2_cache cache = { 0 };
	struct stage2_leaf leaf;

	must_eq(stage2_map(m.s2, &cache, gfn | 1, gfn & ~511ULL, 2, RWX), -EINVAL);
	must_eq(stage2_map(m.s2, &cache, gfn & ~511ULL, gfn | 1, 2, RWX), -EINVAL);
	must_eq(stage2_map(m.s2, &cache, gfn, gfn, 0, RWX), -EINVAL);
	must_eq(stage2_map(m.s2, &cache, 0, 0, 4, RWX), -EINVAL);
	must_eq(stage2_map(m.s2, &cache, limit, gfn, 1, RWX), -EINVAL);
	must_eq(stage2_map(m.s2, &cache, gfn, 1ULL << 40, 1, RWX), -EINVAL);
	must(!stage2_lookup(m.s2, limit + gfn, &leaf));
	must(!stage2_touch(m.s2, limit, STAGE2_READ));
	stage2_unmap(m.s2, limit, ~0ULL, &gather);
	stage2_write_protect(m.s2, limit, limit + 1, &gather);
	must(!stage2_gather_pending(&gather) && !gather.tables);
}

static void operation(void)
{
	u64 r = unit_random_below(100);

	m.operations++;
	if (r < 45)
		op_map();
	else if (r < 55)
		op_replace();
	else if (r < 65)
		op_unmap();
	else if (r < 70)
		op_write_protect();
	else if (r < 77)
		op_harvest();
	else if (r < 79)
		op_split();
	else if (r < 99)
		op_access();
	else
		op_invalid();
}

#ifndef OPERATIONS
#define OPERATIONS	350000
#endif

static void run_model(const struct stage2_format *f)
{
	unsigned int i;

	model_begin(f);
	for (i = 0; i < OPERATIONS; i++) {
		operation();
		if (i % 512 == 0)
			shim_rcu_run();
		if (i % 50000 == 49999)
			check_all();
	}
	model_end();
}

START_TEST(model)
{
	unsigned long long operations = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		run_model(formats[i]);
		operations += m.operations;
	}
	unit_figure("stage-2 model operations", operations);
}
END_TEST

/* --- by hand --- */

static void check_bits(const struct stage2_format *f)
{
	struct stage2_cache cache = { 0 };
	struct unit_walk walk;
	u64 e;

	model_begin(f);
	must_eq(stage2_cache_fill(&cache, m.f->levels - 1, true), 0);
	must_eq(stage2_map(m.s2, &cache, 0x12345, 0xabcde, 1, STAGE2_READ), 1);
	must_eq(stage2_map(m.s2, &cache, 0x12345, 0xabcde, 1, STAGE2_READ), 0);
	must(unit_walk(m.s2, 0x12345, &walk));
	e = *walk.entry;
	if (m.f == &format_npt)
		must_eq(e, 0x80000000abcde025ULL);
	else if (m.f == &format_ept)
		must_eq(e, 0x00000000abcde131ULL);
	else
		must_eq(e, 0x00400000abcde77fULL);
	must_eq(stage2_map(m.s2, &cache, 0x12345, 0xabcde, 1, RWX), 1);
	e = *walk.entry;
	if (m.f == &format_npt)
		must_eq(e, 0x00000000abcde027ULL);
	else if (m.f == &format_ept)
		must_eq(e, 0x00000000abcde137ULL);
	else
		must_eq(e, 0x00000000abcde7ffULL);
	/* Only Arm's TLBs may keep the entry with fewer rights. */
	must_eq(m.flushes, m.f->break_before_make);
	stage2_cache_drain(&cache);
	model_end();
}

START_TEST(formats_by_hand)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		check_bits(formats[i]);
}
END_TEST

START_TEST(tables_outlive_readers)
{
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	struct stage2_cache cache = { 0 };
	struct unit_walk walk;
	unsigned long live;

	model_begin(&format_npt);
	must_eq(stage2_cache_fill(&cache, 3, false), 0);
	must_eq(stage2_map(m.s2, &cache, 512, 1024, 1, RWX), 1);
	must(unit_walk(m.s2, 512, &walk));
	live = shim_alloc_live();
	rcu_read_lock();
	stage2_unmap(m.s2, 512, 1024, &gather);
	/* Before the flush a CPU may still walk the table, before the grace period a reader. */
	must_eq(READ_ONCE(*walk.entry) >> 12, 1024);
	stage2_gather_finish(m.s2, &gather);
	must_eq(READ_ONCE(*walk.entry) >> 12, 1024);
	must_eq(shim_alloc_live(), live);
	rcu_read_unlock();
	shim_rcu_run();
	must_eq(shim_alloc_live(), live - 1);
	model_end();
}
END_TEST

START_TEST(no_memory)
{
	struct stage2_cache cache = { 0 };
	long n;

	for (n = 0; n < 2; n++) {
		shim_fail_alloc_after(n);
		must(!stage2_create(&format_npt, tlb_flush, &m, m.leaves));
		shim_fail_alloc_after(-1);
		must_eq(shim_alloc_live(), 0);
	}
	for (n = 0; n < 3; n++) {
		shim_fail_alloc_after(n);
		must_eq(stage2_cache_fill(&cache, 3, n & 1), -ENOMEM);
		must_eq(cache.nr, n);
		shim_fail_alloc_after(-1);
		stage2_cache_drain(&cache);
	}
	must_eq(shim_alloc_live(), 0);
}
END_TEST

/* --- many threads --- */

#define THREADS		5
#define ROUNDS		30000
#define CROWD_PAGES	4096ULL		/* eight regions of 2 MiB */

static struct {
	struct stage2 *s2;
	rwlock_t lock;
	u64 leaves[3];
	unsigned long long installs, zaps, replaced, seen;
	bool done;
} crowd;

static void crowd_flush(void *owner, u64 start, u64 end)
{
	__atomic_add_fetch(&crowd.zaps, 1, __ATOMIC_RELAXED);
}

/* The one page that ever backs a gfn. */
static u64 crowd_pfn(u64 gfn)
{
	return gfn + (7ULL << 18);
}

static u64 thread_random(u64 *state, u64 n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state >> 33) % n;
}

static void crowd_install(u64 *rnd)
{
	u64 gfn = thread_random(rnd, CROWD_PAGES);
	u8 level = thread_random(rnd, 8) == 0 ? 2 : 1;
	u32 access = STAGE2_READ | (thread_random(rnd, 2) ? STAGE2_WRITE : 0);
	struct stage2_cache cache = { 0 };
	struct stage2_leaf leaf;
	int ret;

	gfn &= ~(stage2_pages(level) - 1);
	if (stage2_cache_fill(&cache, 3, false))
		abort();
	read_lock(&crowd.lock);
	ret = stage2_map(crowd.s2, &cache, gfn, crowd_pfn(gfn), level, access);
	/* Zaps are kept out, so what we asked for is there whoever put it there. */
	if (ret >= 0 && (!stage2_lookup(crowd.s2, gfn, &leaf) || (access & ~leaf.access)))
		abort();
	read_unlock(&crowd.lock);
	if (ret == -EEXIST) {
		write_lock(&crowd.lock);
		ret = stage2_replace(crowd.s2, &cache, gfn, crowd_pfn(gfn), level, access);
		write_unlock(&crowd.lock);
		__atomic_add_fetch(&crowd.replaced, 1, __ATOMIC_RELAXED);
	}
	if (ret < 0)
		abort();
	__atomic_add_fetch(&crowd.installs, 1, __ATOMIC_RELAXED);
	stage2_cache_drain(&cache);
}

static void *crowd_installer(void *arg)
{
	u64 rnd = (u64)(unsigned long)arg;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		crowd_install(&rnd);
	return NULL;
}

static void *crowd_zapper(void *arg)
{
	u64 rnd = (u64)(unsigned long)arg, start, size;

	while (!READ_ONCE(crowd.done)) {
		struct stage2_gather gather = STAGE2_GATHER_INIT;

		start = thread_random(&rnd, CROWD_PAGES);
		size = 1 + thread_random(&rnd, 2048);
		write_lock(&crowd.lock);
		if (thread_random(&rnd, 4))
			stage2_unmap(crowd.s2, start, start + size, &gather);
		else
			stage2_write_protect(crowd.s2, start, start + size, &gather);
		stage2_gather_finish(crowd.s2, &gather);
		write_unlock(&crowd.lock);
		shim_rcu_run();
		sched_yield();
	}
	return NULL;
}

/* Readers without the lock, and the harvest with it shared. */
static void *crowd_reader(void *arg)
{
	u64 rnd = (u64)(unsigned long)arg, gfn;
	struct stage2_leaf leaf;

	while (!READ_ONCE(crowd.done)) {
		gfn = thread_random(&rnd, CROWD_PAGES);
		rcu_read_lock();
		if (stage2_lookup(crowd.s2, gfn, &leaf)) {
			if (leaf.pfn + (gfn - leaf.gfn) != crowd_pfn(gfn))
				abort();
			__atomic_add_fetch(&crowd.seen, 1, __ATOMIC_RELAXED);
		}
		stage2_touch(crowd.s2, gfn, STAGE2_READ);
		rcu_read_unlock();
		if (thread_random(&rnd, 64) == 0) {
			struct stage2_gather gather = STAGE2_GATHER_INIT;

			read_lock(&crowd.lock);
			stage2_harvest_accessed(crowd.s2, 0, CROWD_PAGES, &gather, NULL, NULL);
			read_unlock(&crowd.lock);
			stage2_gather_finish(crowd.s2, &gather);
		}
	}
	return NULL;
}

static void run_threads(const struct stage2_format *f)
{
	pthread_t installer[THREADS], zapper, reader;
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	u64 gfn, leaves[3] = { 0 };
	struct unit_walk walk;
	unsigned long i;

	memset(&crowd, 0, sizeof(crowd));
	rwlock_init(&crowd.lock);
	crowd.s2 = stage2_create(f, crowd_flush, &crowd, crowd.leaves);
	pthread_create(&zapper, NULL, crowd_zapper, (void *)(unit_random() | 1));
	pthread_create(&reader, NULL, crowd_reader, (void *)(unit_random() | 1));
	for (i = 0; i < THREADS; i++)
		pthread_create(&installer[i], NULL, crowd_installer, (void *)unit_random());
	for (i = 0; i < THREADS; i++)
		pthread_join(installer[i], NULL);
	WRITE_ONCE(crowd.done, true);
	pthread_join(zapper, NULL);
	pthread_join(reader, NULL);

	for (gfn = 0; gfn < CROWD_PAGES; gfn++) {
		if (!unit_walk(crowd.s2, gfn, &walk))
			continue;
		must_eq(walk.pfn, crowd_pfn(gfn));
		if (!(gfn & (stage2_pages(walk.level) - 1)))
			leaves[walk.level - 1]++;
	}
	must_eq(leaves[0], crowd.leaves[0]);
	must_eq(leaves[1], crowd.leaves[1]);
	must(crowd.replaced > 0);
	must(crowd.seen > 0);
	must(crowd.zaps > 0);
	stage2_unmap(crowd.s2, 0, CROWD_PAGES, &gather);
	stage2_gather_finish(crowd.s2, &gather);
	must_eq(crowd.leaves[0] | crowd.leaves[1] | crowd.leaves[2], 0);
	stage2_destroy(crowd.s2);
	shim_rcu_run();
	must_eq(shim_alloc_live(), 0);
}

START_TEST(threads)
{
	unsigned long long installs = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		run_threads(formats[i]);
		installs += crowd.installs;
	}
	unit_figure("stage-2 parallel installs", installs);
}
END_TEST

/* The same few leaves, all at once, in an empty tree: one of each must be counted, none lost. */
#define COLLISIONS	3000

static pthread_barrier_t collide;

static void *collider(void *arg)
{
	unsigned int i, round;

	for (round = 0; round < COLLISIONS; round++) {
		struct stage2_cache cache = { 0 };

		if (stage2_cache_fill(&cache, 3, false))
			abort();
		pthread_barrier_wait(&collide);
		read_lock(&crowd.lock);
		for (i = 0; i < 8; i++)
			if (stage2_map(crowd.s2, &cache, i / 2, crowd_pfn(i / 2), 1,
				       i & 1 ? RWX : STAGE2_READ) < 0)
				abort();
		read_unlock(&crowd.lock);
		stage2_cache_drain(&cache);
		pthread_barrier_wait(&collide);
	}
	return NULL;
}

START_TEST(collisions)
{
	pthread_t thread[THREADS];
	unsigned int i, round;

	memset(&crowd, 0, sizeof(crowd));
	rwlock_init(&crowd.lock);
	crowd.s2 = stage2_create(&format_npt, crowd_flush, &crowd, crowd.leaves);
	pthread_barrier_init(&collide, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, collider, NULL);
	for (round = 0; round < COLLISIONS; round++) {
		struct stage2_gather gather = STAGE2_GATHER_INIT;

		pthread_barrier_wait(&collide);
		pthread_barrier_wait(&collide);
		must_eq(crowd.leaves[0], 4);
		/* The whole of the upper table, and all below it. */
		write_lock(&crowd.lock);
		stage2_unmap(crowd.s2, 0, 1ULL << 27, &gather);
		stage2_gather_finish(crowd.s2, &gather);
		write_unlock(&crowd.lock);
		must_eq(crowd.leaves[0], 0);
		shim_rcu_run();
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	stage2_destroy(crowd.s2);
	must_eq(shim_alloc_live(), 0);
}
END_TEST

UNIT_MAIN("stage2",
	  UNIT_CASE("by hand", formats_by_hand, tables_outlive_readers, no_memory),
	  UNIT_CASE("model", model), UNIT_CASE("threads", collisions, threads))
