/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage-2 engine: one radix tree of translations from guest physical to
 * host physical addresses, for every format (NPT, EPT, arm64 stage 2) that a
 * unit describes. src/core/stage2.c; called by src/core/memory.c only.
 */
#ifndef KVMX_STAGE2_H
#define KVMX_STAGE2_H

#include <linux/bits.h>
#include <linux/types.h>

#define STAGE2_READ	BIT(0)
#define STAGE2_WRITE	BIT(1)
#define STAGE2_EXEC	BIT(2)
#define STAGE2_DEVICE	BIT(3)		/* with the rights to a leaf: the pages are no RAM */

#define STAGE2_LEVELS_MAX	5

/*
 * Level 1 holds 4 KiB leaves, level 2 leaves of 2 MiB, level 3 of 1 GiB; the
 * root is at level @levels. An entry is absent when (entry & present) == 0, a
 * leaf when it is present and (entry & leaf_mask[level]) == leaf_value[level],
 * else a pointer to a table.
 */
struct stage2_format {
	const char *name;
	u8 levels;			/* 4, for 48 bits */
	u8 leaf_levels;			/* leaves may be at levels 1 to this (3: 1 GiB), */
	u8 exec_levels;			/* with code at levels 1 to this; 0: the same */
	u8 root_pages_shift;		/* arm64: 2^this concatenated root tables */
	u64 addr_mask;			/* address bits of an entry */
	u64 present;			/* mask: any bit set = present */
	u64 table;			/* bits of an entry that points to a table */
	u64 leaf_mask[STAGE2_LEVELS_MAX + 1];
	u64 leaf_value[STAGE2_LEVELS_MAX + 1];
	u64 leaf[STAGE2_LEVELS_MAX + 1];/* bits of every leaf of that level, memory type included */
	u64 memory_type;		/* mask; 0: the host's type of the memory counts anyway */
	u64 device_type;		/* its value for STAGE2_DEVICE */
	u64 allow_read;			/* bits to set when the access is allowed */
	u64 allow_write;
	u64 allow_exec;
	u64 deny_exec;			/* bits to set when execution is not allowed */
	u64 accessed;			/* set by the unit (or by us) on access; 0: none */
	bool accessed_faults;		/* an access to a leaf without it faults: we set it */
	u64 dirty;			/* set by the unit on write; 0: none */
	bool logs_writes;		/* the unit tells of each page whose leaf it marks dirty */
	u64 software;			/* one bit that the unit ignores */
	bool break_before_make;		/* replacing a present entry goes through absent + flush */
	void (*sync)(void *entry, size_t len);	/* make writes visible to the walker, or NULL */
	/* Before RAM is mapped: what caches have of it must not be missed by guests; or NULL. */
	void (*prepare)(u64 pfn, u64 npages);
};

struct stage2;

/* Drops cached translations of [@start, @end) in every CPU before returning. */
typedef void (*stage2_flush_fn)(void *owner, u64 start, u64 end);

/*
 * A new, empty tree, or NULL. @leaves: three counters of the leaves mapped, of
 * 4 KiB, 2 MiB and 1 GiB, which the engine changes with atomic additions.
 */
struct stage2 *stage2_create(const struct stage2_format *format, stage2_flush_fn flush,
			     void *owner, u64 *leaves);
void stage2_destroy(struct stage2 *s2);	/* no vCPU can use it any more */
u64 stage2_root(const struct stage2 *s2);	/* physical address of the root table */
const struct stage2_format *stage2_format(const struct stage2 *s2);
u64 stage2_limit(const struct stage2 *s2);	/* gfns run from 0 to this - 1 */

/* Pages that one entry of a table at @level spans. */
static inline u64 stage2_pages(u8 level)
{
	return 1ULL << (9 * (level - 1));
}

/*
 * Locking. The owner has a lock for the tree: "shared" below means held for
 * reading at least, "exclusive" held for writing. Readers that say RCU need
 * neither, only rcu_read_lock(). No call here sleeps, except where it says so.
 */

/* Tables for the next installs, allocated before the lock is taken. */
struct stage2_cache {
	unsigned int nr;
	u64 *table[STAGE2_LEVELS_MAX];
};

/* How many tables a leaf of @level at @gfn lacks now (RCU or shared). */
unsigned int stage2_tables_missing(const struct stage2 *s2, u64 gfn, u8 level);
/* Has @nr tables in the cache, or -ENOMEM. Sleeps unless @atomic. */
int stage2_cache_fill(struct stage2_cache *cache, unsigned int nr, bool atomic);
void stage2_cache_drain(struct stage2_cache *cache);

/* What has been taken out of the tree and may still be in a TLB. */
struct stage2_gather {
	u64 start, end;			/* gfns; nothing to flush while start >= end */
	struct rcu_head *tables;	/* unlinked, to be freed after the flush */
};

#define STAGE2_GATHER_INIT	{ .start = ~0ULL }

/* Whether stage2_gather_finish() would flush. */
static inline bool stage2_gather_pending(const struct stage2_gather *gather)
{
	return gather->start < gather->end;
}

/*
 * Flushes what was gathered, then lets the tables go after an RCU grace
 * period, and leaves @gather empty. After unmapping: before the lock is
 * dropped. After write protection: before anyone relies on it.
 */
void stage2_gather_finish(struct stage2 *s2, struct stage2_gather *gather);

struct stage2_leaf {
	u64 gfn, pfn;			/* first page of the leaf */
	u8 level;
	u32 access;			/* STAGE2_READ, WRITE, EXEC, DEVICE */
	bool accessed, dirty;
};

/* The leaf that maps @gfn, or false (RCU or shared). */
bool stage2_lookup(const struct stage2 *s2, u64 gfn, struct stage2_leaf *leaf);
/* Whether smaller leaves than of @level, from 2 on, have a table around @gfn (RCU or shared). */
bool stage2_divided(const struct stage2 *s2, u64 gfn, u8 level);
/* Whether @gfn is mapped for @access; marks it accessed if so (RCU or shared). */
bool stage2_touch(struct stage2 *s2, u64 gfn, u32 access);

/*
 * Installs a leaf (shared): @gfn and @pfn aligned to @level. Rights are added
 * to a leaf of the same page that is there already, never taken away.
 * 1: the tree changed, 0: as much was mapped, -ENOMEM: the cache ran out,
 * -EEXIST: something else is mapped there, use stage2_replace(), -EINVAL.
 */
int stage2_map(struct stage2 *s2, struct stage2_cache *cache, u64 gfn, u64 pfn, u8 level,
	       u32 access);
/*
 * The same (exclusive), after a larger leaf of the same memory has been split,
 * or whatever else is in the way was unmapped and flushed. @cache holds one
 * table less than the tree has levels: then never -ENOMEM or -EEXIST.
 */
int stage2_replace(struct stage2 *s2, struct stage2_cache *cache, u64 gfn, u64 pfn, u8 level,
		   u32 access);
/*
 * Splits the leaf that maps @gfn until it is no larger than @level
 * (exclusive). Rights, accessed and dirty state stay. 0 or -ENOMEM.
 */
int stage2_split(struct stage2 *s2, struct stage2_cache *cache, u64 gfn, u8 level);

/* Unmaps each leaf that has a page in [@start, @end) (exclusive). */
void stage2_unmap(struct stage2 *s2, u64 start, u64 end, struct stage2_gather *gather);
/* Takes the right to write from each leaf that has a page there (exclusive). */
void stage2_write_protect(struct stage2 *s2, u64 start, u64 end,
			  struct stage2_gather *gather);
/*
 * Has each page's next write told (exclusive): by a fault; where the unit logs
 * writes, by it, unless a larger leaf maps the page, of which it could tell
 * only the first.
 */
void stage2_watch_writes(struct stage2 *s2, u64 start, u64 end, struct stage2_gather *gather);

/*
 * Whether a leaf with a page in [@start, @end) was accessed, or written to
 * (shared). With @gather the marks are cleared, and the CPUs set them anew
 * only after a flush. @fn, which may be NULL, is called for each marked leaf.
 * Always false when the format has no such mark.
 */
typedef void (*stage2_leaf_fn)(void *arg, u64 gfn, u64 npages);
bool stage2_harvest_accessed(struct stage2 *s2, u64 start, u64 end,
			     struct stage2_gather *gather, stage2_leaf_fn fn, void *arg);
bool stage2_harvest_dirty(struct stage2 *s2, u64 start, u64 end,
			  struct stage2_gather *gather, stage2_leaf_fn fn, void *arg);

#endif
