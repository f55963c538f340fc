// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage-2 engine: a radix tree from guest to host page frames, in the
 * format of whichever unit walks it. Owns the tables and every entry in them;
 * called by memory.c, memslot.c and notifier.c, which own the lock.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <kvmx/stage2.h>

#define ENTRY_BITS	9			/* a table is a page of 512 entries */
#define NR_ENTRIES	(1U << ENTRY_BITS)
#define PAGE_BITS	12

struct stage2 {
	const struct stage2_format *format;	/* [I] */
	stage2_flush_fn flush;			/* [I] */
	void *owner;				/* [I] */
	u64 *root;				/* [I] */
	u64 *leaves;				/* [a] counters by level, the owner's */
};

/* ---- entries ---- */

static bool is_present(const struct stage2_format *f, u64 entry)
{
	return entry & f->present;
}

/* Of a present entry. */
static bool is_leaf(const struct stage2_format *f, u64 entry, u8 level)
{
	return level == 1 ||
	       (level <= f->leaf_levels && (entry & f->leaf_mask[level]) == f->leaf_value[level]);
}

static u64 entry_pfn(const struct stage2_format *f, u64 entry)
{
	return (entry & f->addr_mask) >> PAGE_BITS;
}

static u64 *entry_table(const struct stage2_format *f, u64 entry)
{
	return phys_to_virt(entry & f->addr_mask);
}

static u64 table_entry(const struct stage2_format *f, const u64 *table)
{
	return (virt_to_phys((void *)table) & f->addr_mask) | f->table;
}

static u64 access_bits(const struct stage2_format *f, u32 access)
{
	u64 bits = 0;

	if (access & STAGE2_READ)
		bits |= f->allow_read;
	/* Whoever gives the right to write knows of it: the unit need not tell. */
	if (access & STAGE2_WRITE)
		bits |= f->allow_write | (f->logs_writes ? f->dirty : 0);
	if (access & STAGE2_EXEC)
		bits |= f->allow_exec;
	return bits;
}

static u64 leaf_entry(const struct stage2_format *f, u64 pfn, u8 level, u32 access)
{
	u64 entry = ((pfn << PAGE_BITS) & f->addr_mask) | f->leaf[level] | access_bits(f, access);

	if (access & STAGE2_DEVICE)
		entry = (entry & ~f->memory_type) | f->device_type;
	return access & STAGE2_EXEC ? entry : entry | f->deny_exec;
}

static u32 entry_access(const struct stage2_format *f, u64 entry)
{
	u32 access = 0;

	if ((entry & f->allow_read) == f->allow_read)
		access |= STAGE2_READ;
	if ((entry & f->allow_write) == f->allow_write)
		access |= STAGE2_WRITE;
	if ((entry & f->allow_exec) == f->allow_exec && !(entry & f->deny_exec))
		access |= STAGE2_EXEC;
	if (f->memory_type && (entry & f->memory_type) == f->device_type)
		access |= STAGE2_DEVICE;
	return access;
}

static unsigned int entry_index(const struct stage2_format *f, u64 gfn, u8 level)
{
	unsigned int mask = NR_ENTRIES - 1;

	if (level == f->levels)
		mask = (NR_ENTRIES << f->root_pages_shift) - 1;
	return (gfn >> (ENTRY_BITS * (level - 1))) & mask;
}

static void entry_sync(const struct stage2_format *f, u64 *entry)
{
	if (f->sync)
		f->sync(entry, sizeof(*entry));
}

/* Takes an entry out. The unit may set accessed and dirty until the last moment. */
static u64 entry_take(const struct stage2_format *f, u64 *entry)
{
	u64 old = xchg(entry, 0);

	entry_sync(f, entry);
	return old;
}

/* False when it was no longer @old. A full barrier: a new table's content comes first. */
static bool entry_change(const struct stage2_format *f, u64 *entry, u64 old, u64 new)
{
	if (cmpxchg64(entry, old, new) != old)
		return false;
	entry_sync(f, entry);
	return true;
}

static void count_leaves(struct stage2 *s2, u8 level, long n)
{
	if (n)
		atomic64_add(n, (atomic64_t *)&s2->leaves[level - 1]);
}

/* ---- tables ---- */

static void table_free(const u64 *table)
{
	free_page((unsigned long)table);
}

static void table_free_rcu(struct rcu_head *head)
{
	table_free(page_address(container_of(head, struct page, rcu_head)));
}

unsigned int stage2_tables_missing(const struct stage2 *s2, u64 gfn, u8 level)
{
	const struct stage2_format *f = s2->format;
	const u64 *table = s2->root;
	u8 at;

	for (at = f->levels; at > level; at--) {
		u64 entry = READ_ONCE(table[entry_index(f, gfn, at)]);

		if (!is_present(f, entry))
			return at - level;
		if (is_leaf(f, entry, at))
			break;
		table = entry_table(f, entry);
	}
	return 0;
}

int stage2_cache_fill(struct stage2_cache *cache, unsigned int nr, bool atomic)
{
	gfp_t gfp = atomic ? GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT : GFP_KERNEL_ACCOUNT;

	while (cache->nr < nr) {
		u64 *table = (u64 *)get_zeroed_page(gfp);

		if (!table)
			return -ENOMEM;
		cache->table[cache->nr++] = table;
	}
	return 0;
}

void stage2_cache_drain(struct stage2_cache *cache)
{
	while (cache->nr)
		table_free(cache->table[--cache->nr]);
}

static u64 *cache_take(struct stage2_cache *cache)
{
	return cache->nr ? cache->table[--cache->nr] : NULL;
}

static void gather_range(struct stage2_gather *gather, u64 start, u64 end)
{
	gather->start = min(gather->start, start);
	gather->end = max(gather->end, end);
}

/* The page's own rcu_head links tables here first, for call_rcu() after the flush. */
static void gather_table(struct stage2_gather *gather, u64 *table)
{
	struct rcu_head *head = &virt_to_page(table)->rcu_head;

	head->next = gather->tables;
	gather->tables = head;
}

void stage2_gather_finish(struct stage2 *s2, struct stage2_gather *gather)
{
	struct rcu_head *head, *next;

	if (stage2_gather_pending(gather))
		s2->flush(s2->owner, gather->start << PAGE_BITS, gather->end << PAGE_BITS);
	for (head = gather->tables; head; head = next) {
		next = head->next;
		call_rcu(head, table_free_rcu);
	}
	*gather = (struct stage2_gather)STAGE2_GATHER_INIT;
}

/* ---- creation and end ---- */

struct stage2 *stage2_create(const struct stage2_format *format, stage2_flush_fn flush,
			     void *owner, u64 *leaves)
{
	struct stage2 *s2 = kzalloc(sizeof(*s2), GFP_KERNEL_ACCOUNT);

	if (!s2)
		return NULL;
	s2->format = format;
	s2->flush = flush;
	s2->owner = owner;
	s2->leaves = leaves;
	s2->root = (u64 *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO,
					   format->root_pages_shift);
	if (!s2->root) {
		kfree(s2);
		return NULL;
	}
	return s2;
}

u64 stage2_root(const struct stage2 *s2)
{
	return virt_to_phys(s2->root);
}

const struct stage2_format *stage2_format(const struct stage2 *s2)
{
	return s2->format;
}

u64 stage2_limit(const struct stage2 *s2)
{
	return 1ULL << (ENTRY_BITS * s2->format->levels + s2->format->root_pages_shift);
}

void stage2_destroy(struct stage2 *s2)
{
	struct stage2_gather gather = STAGE2_GATHER_INIT;

	stage2_unmap(s2, 0, stage2_limit(s2), &gather);
	/* Nobody is left to flush; readers under RCU may be. */
	gather.end = 0;
	stage2_gather_finish(s2, &gather);
	free_pages((unsigned long)s2->root, s2->format->root_pages_shift);
	kfree(s2);
}

/* ---- one gfn ---- */

/*
 * The entry that decides about @gfn: a leaf, or where the walk ends with
 * nothing present. Its value goes to *@value, its level to *@level.
 */
static u64 *find_entry(const struct stage2 *s2, u64 gfn, u64 *value, u8 *level)
{
	const struct stage2_format *f = s2->format;
	u64 *table = s2->root;
	u8 at = f->levels;

	for (;;) {
		u64 *entry = &table[entry_index(f, gfn, at)];

		*value = READ_ONCE(*entry);
		*level = at;
		if (!is_present(f, *value) || is_leaf(f, *value, at))
			return entry;
		table = entry_table(f, *value);
		at--;
	}
}

bool stage2_lookup(const struct stage2 *s2, u64 gfn, struct stage2_leaf *leaf)
{
	const struct stage2_format *f = s2->format;
	u64 value;
	u8 level;

	if (gfn >= stage2_limit(s2))
		return false;
	find_entry(s2, gfn, &value, &level);
	if (!is_present(f, value))
		return false;
	leaf->gfn = gfn & ~(stage2_pages(level) - 1);
	leaf->pfn = entry_pfn(f, value);
	leaf->level = level;
	leaf->access = entry_access(f, value);
	leaf->accessed = value & f->accessed;
	leaf->dirty = value & f->dirty;
	return true;
}

bool stage2_divided(const struct stage2 *s2, u64 gfn, u8 level)
{
	u64 value;
	u8 at;

	if (gfn >= stage2_limit(s2))
		return false;
	find_entry(s2, gfn, &value, &at);
	return at < level;
}

bool stage2_touch(struct stage2 *s2, u64 gfn, u32 access)
{
	const struct stage2_format *f = s2->format;
	u64 *entry, value;
	u8 level;

	if (gfn >= stage2_limit(s2))
		return false;
	do {
		entry = find_entry(s2, gfn, &value, &level);
		if (!is_present(f, value) || (access & ~entry_access(f, value)))
			return false;
		if ((value & f->accessed) == f->accessed)
			return true;
	} while (!entry_change(f, entry, value, value | f->accessed));
	return true;
}

/* A leaf of the same memory is there: adds rights to it if need be. */
static int leaf_upgrade(struct stage2 *s2, u64 *entry, u64 old, u64 gfn, u8 level, u32 access)
{
	const struct stage2_format *f = s2->format;
	u64 new = old | access_bits(f, access) | f->accessed;

	if (access & STAGE2_EXEC)
		new &= ~f->deny_exec;
	if (new == old)
		return 0;
	if (!entry_change(f, entry, old, new))
		return -EAGAIN;
	/*
	 * x86 forgets a translation that faulted. The Arm ARM lets a TLB keep
	 * one with fewer rights until it is invalidated (TLB maintenance).
	 */
	if (f->break_before_make && entry_access(f, new) != entry_access(f, old))
		s2->flush(s2->owner, gfn << PAGE_BITS, (gfn + stage2_pages(level)) << PAGE_BITS);
	return 1;
}

/* The entry at the level wanted. -EAGAIN: it changed under us. */
static int leaf_install(struct stage2 *s2, u64 *entry, u64 gfn, u64 pfn, u8 level, u32 access)
{
	const struct stage2_format *f = s2->format;
	u64 old = READ_ONCE(*entry);

	if (!is_present(f, old)) {
		u64 new = leaf_entry(f, pfn, level, access) | f->accessed;

		if (!entry_change(f, entry, old, new))
			return -EAGAIN;
		count_leaves(s2, level, 1);
		return 1;
	}
	if (!is_leaf(f, old, level) || entry_pfn(f, old) != pfn)
		return -EEXIST;
	return leaf_upgrade(s2, entry, old, gfn, level, access);
}

/* Whether the larger leaf @entry at @level maps @gfn to @pfn with all of @access. */
static bool leaf_covers(const struct stage2_format *f, u64 entry, u8 level, u64 gfn, u64 pfn,
			u32 access)
{
	return entry_pfn(f, entry) + (gfn & (stage2_pages(level) - 1)) == pfn &&
	       !(access & ~STAGE2_DEVICE & ~entry_access(f, entry));
}

int stage2_map(struct stage2 *s2, struct stage2_cache *cache, u64 gfn, u64 pfn, u8 level,
	       u32 access)
{
	const struct stage2_format *f = s2->format;
	u64 *table = s2->root, *entry, *new, old;
	u8 at = f->levels;
	int ret;

	if (level < 1 || level > f->leaf_levels || gfn >= stage2_limit(s2) ||
	    ((gfn | pfn) & (stage2_pages(level) - 1)) ||
	    ((pfn << PAGE_BITS) & ~f->addr_mask))
		return -EINVAL;

	while (at > level) {
		entry = &table[entry_index(f, gfn, at)];
		old = READ_ONCE(*entry);
		if (!is_present(f, old)) {
			new = cache_take(cache);
			if (!new)
				return -ENOMEM;
			if (f->sync)
				f->sync(new, PAGE_SIZE);
			if (!entry_change(f, entry, old, table_entry(f, new)))
				cache->table[cache->nr++] = new;
			continue;	/* with whichever table is there now */
		}
		if (is_leaf(f, old, at))
			return leaf_covers(f, old, at, gfn, pfn, access) ? 0 : -EEXIST;
		table = entry_table(f, old);
		at--;
	}

	entry = &table[entry_index(f, gfn, level)];
	do {
		ret = leaf_install(s2, entry, gfn, pfn, level, access);
	} while (ret == -EAGAIN);
	return ret;
}

/*
 * Break before make on every format: the SDM (Vol. 3, Details of TLB Use) and
 * the Arm ARM both leave open which of two page sizes a CPU uses meanwhile.
 */
static void leaf_split(struct stage2 *s2, u64 *entry, u64 gfn, u8 level, u64 *table)
{
	const struct stage2_format *f = s2->format;
	u64 old = entry_take(f, entry), step = stage2_pages(level - 1);
	unsigned int i;

	s2->flush(s2->owner, gfn << PAGE_BITS, (gfn + stage2_pages(level)) << PAGE_BITS);
	for (i = 0; i < NR_ENTRIES; i++)
		table[i] = leaf_entry(f, entry_pfn(f, old) + i * step, level - 1,
				      entry_access(f, old)) | (old & (f->accessed | f->dirty));
	if (f->sync)
		f->sync(table, PAGE_SIZE);
	smp_store_release(entry, table_entry(f, table));
	entry_sync(f, entry);
	count_leaves(s2, level, -1);
	count_leaves(s2, level - 1, NR_ENTRIES);
}

int stage2_split(struct stage2 *s2, struct stage2_cache *cache, u64 gfn, u8 level)
{
	u64 *entry, *table, value;
	u8 at;

	if (gfn >= stage2_limit(s2))
		return 0;
	for (;;) {
		entry = find_entry(s2, gfn, &value, &at);
		if (!is_present(s2->format, value) || at <= level)
			return 0;
		table = cache_take(cache);
		if (!table)
			return -ENOMEM;
		leaf_split(s2, entry, gfn & ~(stage2_pages(at) - 1), at, table);
	}
}

int stage2_replace(struct stage2 *s2, struct stage2_cache *cache, u64 gfn, u64 pfn, u8 level,
		   u32 access)
{
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	struct stage2_leaf leaf;
	int ret;

	if (stage2_lookup(s2, gfn, &leaf) && leaf.level > level &&
	    leaf.pfn + (gfn - leaf.gfn) == pfn)
		ret = stage2_split(s2, cache, gfn, level);
	else
		ret = stage2_map(s2, cache, gfn, pfn, level, access);
	if (ret && ret != -EEXIST)
		return ret;
	if (ret == -EEXIST) {
		stage2_unmap(s2, gfn, gfn + stage2_pages(level), &gather);
		stage2_gather_finish(s2, &gather);
	}
	return stage2_map(s2, cache, gfn, pfn, level, access);
}

/* ---- ranges ---- */

/* Counts the leaves of a subtree that nothing points to any more, and gathers its tables. */
static void reap_table(struct stage2 *s2, u64 *table, u8 level, struct stage2_gather *gather)
{
	const struct stage2_format *f = s2->format;
	long leaves = 0;
	unsigned int i;

	for (i = 0; i < NR_ENTRIES; i++) {
		u64 entry = READ_ONCE(table[i]);

		if (!is_present(f, entry))
			continue;
		if (is_leaf(f, entry, level))
			leaves++;
		else
			reap_table(s2, entry_table(f, entry), level - 1, gather);
	}
	count_leaves(s2, level, -leaves);
	gather_table(gather, table);
}

static void unmap_table(struct stage2 *s2, u64 *table, u8 level, u64 start, u64 end,
			struct stage2_gather *gather)
{
	const struct stage2_format *f = s2->format;
	u64 span = stage2_pages(level), gfn, base, next;

	for (gfn = start; gfn < end; gfn = next) {
		u64 *entry = &table[entry_index(f, gfn, level)];
		u64 old = READ_ONCE(*entry);

		base = gfn & ~(span - 1);
		next = min(base + span, end);
		if (!is_present(f, old))
			continue;
		if (is_leaf(f, old, level)) {
			entry_take(f, entry);
			count_leaves(s2, level, -1);
			gather_range(gather, base, base + span);
		} else if (gfn == base && next == base + span) {
			entry_take(f, entry);
			gather_range(gather, base, base + span);
			reap_table(s2, entry_table(f, old), level - 1, gather);
		} else {
			unmap_table(s2, entry_table(f, old), level - 1, gfn, next, gather);
		}
	}
}

void stage2_unmap(struct stage2 *s2, u64 start, u64 end, struct stage2_gather *gather)
{
	unmap_table(s2, s2->root, s2->format->levels, start, min(end, stage2_limit(s2)), gather);
}

/* Clears bits in every leaf of a range that has one of them set, or only looks. */
struct leaf_walk {
	const struct stage2_format *f;
	u64 bits, large_bits;		/* of leaves of one page, of larger ones */
	struct stage2_gather *gather;	/* NULL: only look */
	stage2_leaf_fn fn;		/* told of each leaf found, or NULL */
	void *arg;
	bool found;
};

static void leaf_clear(struct leaf_walk *walk, u64 *entry, u64 old, u64 gfn, u64 npages)
{
	const struct stage2_format *f = walk->f;
	u64 bits = npages == 1 ? walk->bits : walk->large_bits;

	/* The unit, and with the lock held shared other CPUs, may set bits meanwhile. */
	while (is_present(f, old) && (old & bits)) {
		if (walk->gather) {
			if (!entry_change(f, entry, old, old & ~bits)) {
				old = READ_ONCE(*entry);
				continue;
			}
			gather_range(walk->gather, gfn, gfn + npages);
		}
		walk->found = true;
		if (walk->fn)
			walk->fn(walk->arg, gfn, npages);
		return;
	}
}

static void walk_leaves(struct leaf_walk *walk, u64 *table, u8 level, u64 start, u64 end)
{
	u64 span = stage2_pages(level), gfn, base, next;

	for (gfn = start; gfn < end; gfn = next) {
		u64 *entry = &table[entry_index(walk->f, gfn, level)];
		u64 old = READ_ONCE(*entry);

		base = gfn & ~(span - 1);
		next = min(base + span, end);
		if (!is_present(walk->f, old))
			continue;
		if (is_leaf(walk->f, old, level))
			leaf_clear(walk, entry, old, base, span);
		else
			walk_leaves(walk, entry_table(walk->f, old), level - 1, gfn, next);
	}
}

static bool walk_range(struct stage2 *s2, u64 start, u64 end, u64 bits,
		       struct stage2_gather *gather, stage2_leaf_fn fn, void *arg)
{
	struct leaf_walk walk = {
		.f = s2->format, .bits = bits, .large_bits = bits, .gather = gather,
		.fn = fn, .arg = arg,
	};

	if (bits)
		walk_leaves(&walk, s2->root, s2->format->levels, start,
			    min(end, stage2_limit(s2)));
	return walk.found;
}

void stage2_write_protect(struct stage2 *s2, u64 start, u64 end, struct stage2_gather *gather)
{
	walk_range(s2, start, end, s2->format->allow_write, gather, NULL, NULL);
}

void stage2_watch_writes(struct stage2 *s2, u64 start, u64 end, struct stage2_gather *gather)
{
	const struct stage2_format *f = s2->format;
	struct leaf_walk walk = {
		.f = f, .bits = f->logs_writes ? f->dirty : f->allow_write,
		.large_bits = f->allow_write, .gather = gather,
	};

	walk_leaves(&walk, s2->root, f->levels, start, min(end, stage2_limit(s2)));
}

bool stage2_harvest_accessed(struct stage2 *s2, u64 start, u64 end,
			     struct stage2_gather *gather, stage2_leaf_fn fn, void *arg)
{
	return walk_range(s2, start, end, s2->format->accessed, gather, fn, arg);
}

bool stage2_harvest_dirty(struct stage2 *s2, u64 start, u64 end,
			  struct stage2_gather *gather, stage2_leaf_fn fn, void *arg)
{
	return walk_range(s2, start, end, s2->format->dirty, gather, fn, arg);
}
