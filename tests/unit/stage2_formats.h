/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The three formats of the stage-2 tree as the units have them: AMD nested paging, Intel EPT,
 * Arm stage 2; and a walker of the tests' own that plays the unit: it reads bits as the
 * manuals have them (APM Vol. 2 "Page-Translation Tables", SDM Vol. 3 "EPT Translation
 * Mechanism", Arm ARM "VMSAv8-64 descriptors"), not the engine's idea of them.
 */
#ifndef STAGE2_FORMATS_H
#define STAGE2_FORMATS_H

#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <kvmx/stage2.h>

#define ADDR_51_12	0x000ffffffffff000ULL
#define ADDR_47_12	0x0000fffffffff000ULL

/* src/svm/npt.c, src/vmx/ept.c, src/arm64/stage2_format.c */
extern struct stage2_format svm_npt, vmx_ept, arm64_stage2;
#define format_npt svm_npt
#define format_ept vmx_ept
#define format_arm64 arm64_stage2

/* What Arm's format asks of the CPU for each page that is mapped. */
void arm64_cache_clean(const void *at, size_t size);
static unsigned long arm64_cleaned;

void arm64_cache_clean(const void *at, size_t size)
{
	__atomic_add_fetch(&arm64_cleaned, size >> PAGE_SHIFT, __ATOMIC_RELAXED);
}

/* What the unit finds at a gfn. */
struct unit_walk {
	u64 *entry;
	u64 pfn;			/* of that gfn */
	u8 level;
	u32 access;
	bool accessed, dirty;
};

static inline u32 unit_entry_access(const struct stage2_format *f, u64 e)
{
	if (f == &format_npt)
		return STAGE2_READ | (e & 2 ? STAGE2_WRITE : 0) | (e >> 63 ? 0 : STAGE2_EXEC);
	if (f == &format_ept)
		return e & 7;
	return ((e >> 6) & 3) | (e >> 54 & 1 ? 0 : STAGE2_EXEC);
}

/* Faults (false) where nothing is mapped. */
static inline bool unit_walk(const struct stage2 *s2, u64 gfn, struct unit_walk *walk)
{
	const struct stage2_format *f = stage2_format(s2);
	bool arm = f == &format_arm64;
	u64 table = stage2_root(s2), e, mask = arm ? ADDR_47_12 : ADDR_51_12;
	u64 index = arm ? gfn >> 18 : (gfn >> 27) & 511;
	u8 level = arm ? 3 : 4;

	for (;; level--, index = (gfn >> (9 * (level - 1))) & 511) {
		walk->entry = (u64 *)phys_to_virt(table) + index;
		e = READ_ONCE(*walk->entry);
		if (!(e & (f == &format_ept ? 7 : 1)))
			return false;
		if (level == 1 || (arm ? !(e & 2) : level < 4 && (e & 0x80)))
			break;
		table = e & mask;
	}
	walk->level = level;
	walk->pfn = ((e & mask) >> 12) + (gfn & ((1ULL << (9 * (level - 1))) - 1));
	walk->access = unit_entry_access(f, e);
	walk->accessed = e & (arm ? BIT(10) : f == &format_ept ? BIT(8) : BIT(5));
	walk->dirty = !arm && (e & (f == &format_ept ? BIT(9) : BIT(6)));
	return true;
}

/* The guest accesses a page: false is a fault. The unit marks it accessed and dirty. */
static inline bool unit_access(const struct stage2 *s2, u64 gfn, u32 access,
			       struct unit_walk *walk)
{
	u64 bits;

	if (!unit_walk(s2, gfn, walk) || (access & ~walk->access))
		return false;
	if (stage2_format(s2) == &format_arm64)
		return walk->accessed;	/* else an access flag fault */
	bits = stage2_format(s2) == &format_ept ? BIT(8) : BIT(5);
	if (access & STAGE2_WRITE)
		bits |= bits << 1;
	__atomic_fetch_or(walk->entry, bits, __ATOMIC_SEQ_CST);
	return true;
}

#endif
