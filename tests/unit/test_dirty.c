// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: that it tells what was written to, no less and no more; its
 * manual clearing; the vCPUs' rings, full ones and spoilt ones.
 */
/* links: src/core/dirty.c src/core/memslot.c src/core/memory.c src/core/notifier.c */
/* links: src/core/stage2.c src/svm/npt.c src/vmx/ept.c */
/* links: src/arm64/stage2_format.c */
#include <linux/srcu.h>
#include <pthread.h>

#include "unit.h"
#include "memory_vm.h"

#define LOG	KVMX_MEM_LOG_DIRTY_PAGES
#define MANUAL	KVMX_DIRTY_LOG_MANUAL_PROTECT_ENABLE
#define ALL_SET	KVMX_DIRTY_LOG_INITIALLY_SET

static unsigned long hva(u64 offset)
{
	return (unsigned long)user + offset;
}

/* --- bitmaps --- */

static unsigned long *dirty_log(u32 id, size_t expected_bytes)
{
	unsigned long *bitmap = NULL;
	size_t bytes = 0;

	ck_assert_int_eq(kvmx_dirty_log_get(&vm, id, &bitmap, &bytes), 0);
	ck_assert_uint_eq(bytes, expected_bytes);
	return bitmap;
}

START_TEST(log_errors)
{
	unsigned long *bitmap;
	size_t bytes;

	vm_begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	ck_assert_int_eq(slot_set(2, LOG, MB, MB, hva(MB)), 0);
	ck_assert_int_eq(kvmx_dirty_log_get(&vm, KVMX_MAX_SLOTS, &bitmap, &bytes), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_log_get(&vm, 0x10002, &bitmap, &bytes), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_log_get(&vm, 0, &bitmap, &bytes), -ENOENT);
	ck_assert_int_eq(kvmx_dirty_log_get(&vm, 1, &bitmap, &bytes), -ENOENT);
	/* Without memory for the answer nothing is forgotten. */
	ck_assert_int_eq(fault_at(MB, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(kvmx_dirty_log_get(&vm, 2, &bitmap, &bytes), -ENOMEM);
	shim_fail_alloc_after(-1);
	bitmap = dirty_log(2, MB / PAGE / 8);
	ck_assert_uint_eq(bitmap[0], 1);
	kvfree(bitmap);
	vm_end();
}
END_TEST

START_TEST(log_follows_writes)
{
	unsigned long *bitmap;
	u64 v = 5;
	int idx;

	vm_begin();
	/* 65 pages: the bitmap is rounded up to whole words. */
	ck_assert_int_eq(slot_set(1, 0, 0, 65 * PAGE, hva(0)), 0);
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(slot_set(1, LOG, 0, 65 * PAGE, hva(0)), 0);
	/* What was writable no longer is, and counts as clean. */
	ck_assert(guest_reaches(3 * PAGE, STAGE2_READ));
	ck_assert(!guest_reaches(3 * PAGE, STAGE2_WRITE));
	bitmap = dirty_log(1, 16);
	ck_assert_uint_eq(bitmap[0] | bitmap[1], 0);
	kvfree(bitmap);

	/* Reading is no writing, and leaves no way to write unseen. */
	ck_assert_int_eq(fault_at(4 * PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(!guest_reaches(4 * PAGE, STAGE2_WRITE));
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(fault_at(64 * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	idx = srcu_read_lock(&vm.memory.srcu);
	ck_assert_int_eq(kvmx_guest_write(&vm, 7 * PAGE - 4, &v, 8), 0);
	ck_assert_int_eq(kvmx_guest_write_atomic(&vm, 9 * PAGE, &v, 8), 0);
	ck_assert_int_eq(kvmx_guest_cmpxchg(&vm, 11 * PAGE, 8, &v, 1, false), 0);
	ck_assert_int_eq(kvmx_guest_read(&vm, 13 * PAGE, &v, 8), 0);
	srcu_read_unlock(&vm.memory.srcu, idx);
	flushes = 0;
	bitmap = dirty_log(1, 16);
	ck_assert_uint_eq(bitmap[0], 1UL << 3 | 1UL << 6 | 1UL << 7 | 1UL << 9 | 1UL << 11);
	ck_assert_uint_eq(bitmap[1], 1);
	kvfree(bitmap);
	ck_assert_uint_eq(flushes, 1);
	ck_assert(!guest_reaches(3 * PAGE, STAGE2_WRITE));
	ck_assert(!guest_reaches(64 * PAGE, STAGE2_WRITE));
	bitmap = dirty_log(1, 16);
	ck_assert_uint_eq(bitmap[0] | bitmap[1], 0);
	kvfree(bitmap);
	ck_assert_uint_eq(flushes, 1);

	/* A moved slot keeps its log; one no longer logged forgets it, and maps freely. */
	ck_assert_int_eq(fault_at(5 * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(slot_set(1, LOG, 16 * MB, 65 * PAGE, hva(0)), 0);
	bitmap = dirty_log(1, 16);
	ck_assert_uint_eq(bitmap[0], 1UL << 5);
	kvfree(bitmap);
	ck_assert_int_eq(slot_set(1, 0, 16 * MB, 65 * PAGE, hva(0)), 0);
	ck_assert_int_eq(fault_at(16 * MB, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(guest_reaches(16 * MB, STAGE2_WRITE));
	vm_end();
}
END_TEST

/* A guest that writes at random, read out at random: the sum of the logs is what it wrote. */
START_TEST(log_random)
{
	static bool written[16 * MB / PAGE];
	unsigned long *bitmap;
	u64 i, page, nr = ARRAY_SIZE(written);
	unsigned long long writes = 0;

	vm_begin();
	shim_host_set_level(2);
	ck_assert_int_eq(slot_set(1, 0, 0, 16 * MB, hva(0)), 0);
	for (page = 0; page < nr; page += 512)
		ck_assert_int_eq(fault_at(page * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], nr / 512);
	ck_assert_int_eq(slot_set(1, LOG, 0, 16 * MB, hva(0)), 0);
	for (i = 0; i < 20000; i++) {
		page = unit_random_below(8) ? unit_random_below(700) : unit_random_below(nr);
		if (!guest_reaches(page * PAGE, STAGE2_WRITE) &&
		    fault_at(page * PAGE, STAGE2_WRITE, unit_random_below(2)) !=
		    KVMX_FAULT_MAPPED &&
		    fault_at(page * PAGE, STAGE2_WRITE, false) != KVMX_FAULT_MAPPED)
			ck_abort_msg("page %llu does not fault in", page);
		if (!guest_reaches(page * PAGE, STAGE2_WRITE))
			ck_abort_msg("page %llu is not writable", page);
		written[page] = true;
		writes++;
		if (unit_random_below(500))
			continue;
		bitmap = dirty_log(1, nr / 8);
		for (page = 0; page < nr; page++) {
			if (test_bit(page, bitmap) != written[page])
				ck_abort_msg("page %llu: log and writes differ", page);
			written[page] = false;
		}
		kvfree(bitmap);
	}
	/* The large leaves were split, not lost: what was only there for reading still is. */
	for (page = 0; page < nr; page++)
		if (!guest_reaches(page * PAGE, STAGE2_READ))
			ck_abort_msg("page %llu was lost", page);
	unit_figure("writes followed by the dirty log", writes);
	shim_host_set_level(1);
	vm_end();
}
END_TEST

/*
 * A unit that logs writes itself: it notes a page when it marks its leaf dirty, and writes
 * through a translation that it remembers as dirty without looking at the leaf.
 */
static struct {
	u64 noted[512];
	unsigned int nr, faults;
	bool tlb[16 * MB / PAGE];
} logger;

static void logger_leaves_guest(void)
{
	int idx = srcu_read_lock(&vm.memory.srcu);

	kvmx_mark_written(&vcpu, logger.noted, logger.nr);
	srcu_read_unlock(&vm.memory.srcu, idx);
	logger.nr = 0;
}

static void logger_flushed(void)
{
	logger_leaves_guest();
	memset(logger.tlb, 0, sizeof(logger.tlb));
}

static void logger_writes(u64 page)
{
	struct unit_walk walk;

	if (logger.tlb[page])
		return;
	if (!unit_access(vm.memory.s2, page, STAGE2_WRITE, &walk)) {
		logger.faults++;
		logger_leaves_guest();
		ck_assert_int_eq(fault_at(page * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
		ck_assert(unit_access(vm.memory.s2, page, STAGE2_WRITE, &walk));
	}
	logger.tlb[page] = true;
	if (walk.dirty)
		return;
	logger.noted[logger.nr++] = page * PAGE + 8 * unit_random_below(512);
	if (logger.nr == ARRAY_SIZE(logger.noted))
		logger_leaves_guest();
}

static void logger_begin(void)
{
	memset(&logger, 0, sizeof(logger));
	vmx_ept.logs_writes = true;
	on_flush = logger_flushed;
	vm_begin_format(&vmx_ept);
}

static void logger_end(void)
{
	vm_end();
	on_flush = NULL;
	vmx_ept.logs_writes = false;
	shim_host_set_level(1);
}

/* The same sum as log_random's; a page that was mapped singly never faults again. */
START_TEST(unit_logs_random)
{
	static bool written[16 * MB / PAGE], single[16 * MB / PAGE];
	u64 i, page, nr = ARRAY_SIZE(written);
	unsigned int faults = 0, before;
	unsigned long *bitmap;

	logger_begin();
	shim_host_set_level(2);
	ck_assert_int_eq(slot_set(1, 0, 0, 16 * MB, hva(0)), 0);
	for (page = 0; page < nr; page += 512)
		logger_writes(page);
	/* Without a log nothing is noted. */
	ck_assert_uint_eq(logger.nr, 0);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], nr / 512);
	ck_assert_int_eq(slot_set(1, LOG, 0, 16 * MB, hva(0)), 0);
	for (i = 0; i < 40000; i++) {
		page = unit_random_below(8) ? unit_random_below(700) : unit_random_below(nr);
		before = logger.faults;
		logger_writes(page);
		if (logger.faults != before && single[page])
			ck_abort_msg("page %llu faulted again", page);
		single[page] = true;
		written[page] = true;
		if (unit_random_below(700))
			continue;
		bitmap = dirty_log(1, nr / 8);
		for (page = 0; page < nr; page++) {
			if (test_bit(page, bitmap) != written[page])
				ck_abort_msg("page %llu: log and writes differ", page);
			written[page] = false;
		}
		kvfree(bitmap);
	}
	faults = logger.faults;
	ck_assert_uint_le(faults, nr + nr / 512);
	unit_figure("writes followed by a unit's own log", i);
	logger_end();
}
END_TEST

START_TEST(unit_logs_manual)
{
	unsigned long *bitmap, wanted = 1UL << 5;

	logger_begin();
	ck_assert_int_eq(kvmx_dirty_manual_set(&vm, MANUAL), 0);
	ck_assert_int_eq(slot_set(1, LOG, 0, 64 * PAGE, hva(0)), 0);
	logger_writes(5);
	logger_writes(6);
	ck_assert_int_eq(kvmx_dirty_log_clear(&vm, 1, 0, 64, &wanted), 0);
	ck_assert_uint_eq(logger.nr, 0);
	logger_writes(5);
	logger_writes(6);
	ck_assert_uint_eq(logger.nr, 1);
	/* What it has noted comes out without an exit of the guest's own. */
	bitmap = dirty_log(1, 8);
	ck_assert_uint_eq(bitmap[0], 1UL << 5 | 1UL << 6);
	kvfree(bitmap);
	/* Nobody's page, and one that is not logged, are passed over. */
	ck_assert_int_eq(slot_set(2, 0, MB, MB, hva(MB)), 0);
	logger.noted[0] = MB;
	logger.noted[1] = GB;
	logger.nr = 2;
	logger_leaves_guest();
	logger_end();
}
END_TEST

/* A ring could overflow: writes that belong in one fault. */
START_TEST(unit_leaves_rings_alone)
{
	logger_begin();
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, PAGE_SIZE), 0);
	ck_assert(!kvmx_dirty_by_unit(&vm.memory));
	ck_assert_int_eq(slot_set(1, 0, 0, 64 * PAGE, hva(0)), 0);
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(slot_set(1, LOG, 0, 64 * PAGE, hva(0)), 0);
	ck_assert(!guest_reaches(3 * PAGE, STAGE2_WRITE));
	logger_end();
}
END_TEST

/* A guest's write to a page, faulting as often as it must. */
static void guest_writes(u64 page)
{
	if (!guest_reaches(page * PAGE, STAGE2_WRITE))
		ck_assert_int_eq(fault_at(page * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	if (!guest_reaches(page * PAGE, STAGE2_WRITE))
		ck_abort_msg("page %llu is not writable", page);
}

static int clear(u64 first, u32 nr, unsigned long first_word)
{
	static unsigned long bits[1024];

	memset(bits, 0, sizeof(bits));
	bits[0] = first_word;
	return kvmx_dirty_log_clear(&vm, 1, first, nr, bits);
}

START_TEST(manual_errors)
{
	unsigned long bits[16];

	vm_begin();
	ck_assert_int_eq(kvmx_dirty_manual_set(&vm, ALL_SET), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_manual_set(&vm, 4), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_manual_set(&vm, 1ULL << 32 | MANUAL), -EINVAL);
	ck_assert_uint_eq(vm.memory.dirty_manual, 0);
	ck_assert_int_eq(slot_set(1, LOG, 0, 200 * PAGE, hva(0)), 0);
	ck_assert_int_eq(slot_set(2, 0, MB, MB, hva(MB)), 0);
	ck_assert_int_eq(kvmx_dirty_log_clear(&vm, 2, 0, 64, bits), -ENOENT);
	ck_assert_int_eq(kvmx_dirty_log_clear(&vm, 3, 0, 64, bits), -ENOENT);
	ck_assert_int_eq(kvmx_dirty_log_clear(&vm, 0x10001, 0, 64, bits), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_log_clear(&vm, ~0U, 0, 64, NULL), -EINVAL);
	/* Whole words, but for the slot's end; nothing beyond it. */
	ck_assert_int_eq(clear(1, 64, 0), -EINVAL);
	ck_assert_int_eq(clear(32, 64, 0), -EINVAL);
	ck_assert_int_eq(clear(0, 63, 0), -EINVAL);
	ck_assert_int_eq(clear(0, 199, 0), -EINVAL);
	ck_assert_int_eq(clear(0, 201, 0), -EINVAL);
	ck_assert_int_eq(clear(192, 9, 0), -EINVAL);
	ck_assert_int_eq(clear(192, 64, 0), -EINVAL);
	ck_assert_int_eq(clear(256, 0, 0), -EINVAL);
	ck_assert_int_eq(clear(-64ULL, 64, 0), -EINVAL);
	ck_assert_int_eq(clear(-64ULL, 128, 0), -EINVAL);
	ck_assert_int_eq(clear(0, ~0U, 0), -EINVAL);
	ck_assert_int_eq(clear(192, 8, 0), 0);
	ck_assert_int_eq(clear(192, 0, 0), 0);
	ck_assert_int_eq(clear(0, 200, 0), 0);
	ck_assert_int_eq(clear(64, 128, 0), 0);
	vm_end();
}
END_TEST

START_TEST(manual_clearing)
{
	unsigned long *bitmap;

	vm_begin();
	ck_assert_int_eq(kvmx_dirty_manual_set(&vm, MANUAL), 0);
	ck_assert_int_eq(slot_set(1, LOG, 0, 200 * PAGE, hva(0)), 0);
	guest_writes(3);
	guest_writes(5);
	guest_writes(70);
	guest_writes(199);
	/* Asking changes nothing. */
	flushes = 0;
	bitmap = dirty_log(1, 32);
	ck_assert_uint_eq(bitmap[0], 1UL << 3 | 1UL << 5);
	ck_assert_uint_eq(bitmap[1], 1UL << 6);
	ck_assert_uint_eq(bitmap[3], 1UL << 7);
	kvfree(bitmap);
	ck_assert(guest_reaches(3 * PAGE, STAGE2_WRITE));
	/* Nor does clearing what is clear, or looking for errors. */
	ck_assert_int_eq(clear(0, 64, 1UL << 4), 0);
	ck_assert_int_eq(kvmx_dirty_log_clear(&vm, 1, 0, 64, NULL), 0);
	ck_assert_uint_eq(flushes, 0);
	/* One of two; the other stays as it is. */
	ck_assert_int_eq(clear(0, 64, 1UL << 3 | 1UL << 9), 0);
	ck_assert_uint_eq(flushes, 1);
	ck_assert(!guest_reaches(3 * PAGE, STAGE2_WRITE));
	ck_assert(guest_reaches(5 * PAGE, STAGE2_WRITE));
	/* Bit 0 is the first page asked for; bits past the slot are nobody's. */
	ck_assert_int_eq(clear(192, 8, ~0UL), 0);
	ck_assert(!guest_reaches(199 * PAGE, STAGE2_WRITE));
	bitmap = dirty_log(1, 32);
	ck_assert_uint_eq(bitmap[0], 1UL << 5);
	ck_assert_uint_eq(bitmap[1], 1UL << 6);
	ck_assert_uint_eq(bitmap[2] | bitmap[3], 0);
	kvfree(bitmap);
	guest_writes(3);
	/* Back to automatic: asking clears again. */
	ck_assert_int_eq(kvmx_dirty_manual_set(&vm, 0), 0);
	bitmap = dirty_log(1, 32);
	ck_assert_uint_eq(bitmap[0], 1UL << 3 | 1UL << 5);
	kvmx_dirty_log_put_back(&vm, 1, bitmap, 32);
	kvfree(bitmap);
	bitmap = dirty_log(1, 32);
	ck_assert_uint_eq(bitmap[0], 1UL << 3 | 1UL << 5);
	kvfree(bitmap);
	ck_assert(!guest_reaches(5 * PAGE, STAGE2_WRITE));
	vm_end();
}
END_TEST

/* All pages count as written: nothing is protected before it is cleared, large pages included. */
START_TEST(initially_set)
{
	unsigned long *bitmap;

	vm_begin();
	shim_host_set_level(2);
	ck_assert_int_eq(kvmx_dirty_manual_set(&vm, MANUAL | ALL_SET), 0);
	ck_assert_int_eq(slot_set(1, 0, 0, 4 * MB + 5 * PAGE, hva(0)), 0);
	guest_writes(0);
	guest_writes(512);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 2);
	flushes = 0;
	ck_assert_int_eq(slot_set(1, LOG, 0, 4 * MB + 5 * PAGE, hva(0)), 0);
	ck_assert_uint_eq(flushes, 0);
	ck_assert(guest_reaches(0, STAGE2_WRITE));
	bitmap = dirty_log(1, 136);
	ck_assert_uint_eq(bitmap[0] & bitmap[15], ~0UL);
	ck_assert_uint_eq(bitmap[16], 31);	/* none past the end */
	kvfree(bitmap);
	/* One word cleared: the large page around it is protected, and is split when written to. */
	ck_assert_int_eq(clear(64, 64, ~0UL), 0);
	ck_assert_uint_eq(flushes, 1);
	ck_assert(!guest_reaches(70 * PAGE, STAGE2_WRITE));
	ck_assert(guest_reaches(512 * PAGE, STAGE2_WRITE));
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 2);
	guest_writes(70);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 1);
	ck_assert(!guest_reaches(71 * PAGE, STAGE2_WRITE));
	ck_assert(guest_reaches(71 * PAGE, STAGE2_READ));
	bitmap = dirty_log(1, 136);
	ck_assert_uint_eq(bitmap[0], ~0UL);
	ck_assert_uint_eq(bitmap[1], 1UL << 6);
	ck_assert_uint_eq(bitmap[2], ~0UL);
	kvfree(bitmap);
	shim_host_set_level(1);
	vm_end();
}
END_TEST

/* A VMM that copies what is told, as migration does: in the end its copy has every write. */
START_TEST(manual_random)
{
	enum { PAGES = 2048 };
	static u32 memory[PAGES], copy[PAGES];
	static unsigned long bits[PAGES / 64];
	unsigned long *bitmap, i, copied = 0;
	u64 page, first, n;
	u32 stamp = 0;

	vm_begin();
	shim_host_set_level(2);
	ck_assert_int_eq(kvmx_dirty_manual_set(&vm, MANUAL | ALL_SET), 0);
	ck_assert_int_eq(slot_set(1, 0, 0, PAGES * PAGE, hva(0)), 0);
	for (page = 0; page < PAGES; page += 512)
		guest_writes(page);
	ck_assert_int_eq(slot_set(1, LOG, 0, PAGES * PAGE, hva(0)), 0);
	for (i = 0; i < 20000; i++) {
		page = unit_random_below(8) ? unit_random_below(200) : unit_random_below(PAGES);
		guest_writes(page);
		memory[page] = ++stamp;
		if (unit_random_below(100) && i != 19999)
			continue;
		/* Clear first, then copy: some words, or in the end all. */
		first = i == 19999 ? 0 : 64 * unit_random_below(PAGES / 64);
		n = i == 19999 ? PAGES : 64 * (1 + unit_random_below((PAGES - first) / 64));
		bitmap = dirty_log(1, PAGES / 8);
		memcpy(bits, bitmap + first / 64, n / 8);
		kvfree(bitmap);
		ck_assert_int_eq(kvmx_dirty_log_clear(&vm, 1, first, n, bits), 0);
		for (page = 0; page < n; page++)
			if (test_bit(page, bits)) {
				copy[first + page] = memory[first + page];
				copied++;
			}
	}
	for (page = 0; page < PAGES; page++)
		if (copy[page] != memory[page])
			ck_abort_msg("page %llu was not told", page);
	ck_assert_uint_gt(copied, 1000);
	unit_figure("pages copied after manual clearing", copied);
	shim_host_set_level(1);
	vm_end();
}
END_TEST

/* --- rings --- */

#define RING	256	/* entries of the smallest ring */
#define SOFT	(RING - 64)

static struct kvmx_vcpu second;

static void rings_begin(void)
{
	vm_begin();
	memset(&second, 0, sizeof(second));
	second.vm = &vm;
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, RING * 16), 0);
	ck_assert_int_eq(kvmx_dirty_ring_init(&vcpu), 0);
	ck_assert_int_eq(kvmx_dirty_ring_init(&second), 0);
	vm.vcpus[0] = &vcpu;
	vm.vcpus[1] = &second;
	atomic_set(&vm.nr_vcpus, 2);
	ck_assert_int_eq(slot_set(1, LOG, 0, 16 * MB, hva(0)), 0);
	ck_assert_ptr_null(rcu_access_pointer(vm.memory.slots)->slot[0]->dirty_bitmap);
}

static void rings_end(void)
{
	kvmx_dirty_ring_destroy(&vcpu);
	kvmx_dirty_ring_destroy(&second);
	vm_end();
}

/* As a VMM: the page told by entry @at, or -1. */
static long harvest(struct kvmx_vcpu *v, u32 at)
{
	struct kvmx_dirty_gfn *entry = &v->dirty_ring.entries[at & (RING - 1)];

	if (smp_load_acquire(&entry->flags) != KVMX_DIRTY_GFN_F_DIRTY)
		return -1;
	ck_assert_uint_eq(entry->slot, 1);
	smp_store_release(&entry->flags, KVMX_DIRTY_GFN_F_RESET);
	return entry->offset;
}

START_TEST(ring_sizes)
{
	struct kvmx_vcpu *v = &vcpu;

	vm_begin();
	ck_assert_int_eq(kvmx_dirty_rings_reset(&vm), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, 0), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, 2048), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, 4096 + 16), -EINVAL);
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, KVMX_DIRTY_RING_BYTES_MAX * 2), -E2BIG);
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, 1ULL << 63), -E2BIG);
	ck_assert_int_eq(kvmx_dirty_ring_init(v), 0);
	ck_assert_ptr_null(kvmx_dirty_ring_page(v, 0));
	ck_assert(!kvmx_dirty_ring_full(v));
	atomic_set(&vm.nr_vcpus, 1);
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, 8192), -EINVAL);
	atomic_set(&vm.nr_vcpus, 0);
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, 8192), 0);
	ck_assert_int_eq(kvmx_dirty_rings_enable(&vm, 8192), -EINVAL);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(kvmx_dirty_ring_init(v), -ENOMEM);
	shim_fail_alloc_after(-1);
	kvmx_dirty_ring_destroy(v);
	ck_assert_int_eq(kvmx_dirty_ring_init(v), 0);
	ck_assert_ptr_eq(page_address(kvmx_dirty_ring_page(v, 0)), v->dirty_ring.entries);
	ck_assert_ptr_eq(page_address(kvmx_dirty_ring_page(v, 1)), v->dirty_ring.entries + 256);
	ck_assert_ptr_null(kvmx_dirty_ring_page(v, 2));
	ck_assert_ptr_null(kvmx_dirty_ring_page(v, 1UL << 52));
	ck_assert_int_eq(kvmx_dirty_rings_reset(&vm), 0);
	kvmx_dirty_ring_destroy(v);
	vm_end();
}
END_TEST

START_TEST(ring_follows_writes)
{
	unsigned long *bitmap;
	size_t bytes;
	u64 v = 1;
	int idx;

	rings_begin();
	ck_assert_int_eq(kvmx_dirty_log_get(&vm, 1, &bitmap, &bytes), -ENXIO);
	ck_assert_int_eq(clear(0, 64, 0), -ENXIO);
	guest_writes(3);
	guest_writes(3);
	ck_assert_int_eq(fault_at(4 * PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(!guest_reaches(4 * PAGE, STAGE2_WRITE));
	/* The kernel writes for the vCPU whose KVMX_RUN this is, or for the first. */
	idx = srcu_read_lock(&vm.memory.srcu);
	WRITE_ONCE(second.runner, current);
	ck_assert_int_eq(kvmx_guest_write(&vm, 7 * PAGE - 4, &v, 8), 0);
	WRITE_ONCE(second.runner, NULL);
	ck_assert_int_eq(kvmx_guest_cmpxchg(&vm, 11 * PAGE, 8, &v, 1, false), 0);
	srcu_read_unlock(&vm.memory.srcu, idx);
	ck_assert_int_eq(harvest(&vcpu, 0), 3);
	ck_assert_int_eq(harvest(&vcpu, 1), 11);
	ck_assert_int_eq(harvest(&vcpu, 2), -1);
	ck_assert_int_eq(harvest(&second, 0), 6);
	/* What was not harvested stays. */
	flushes = 0;
	ck_assert_int_eq(kvmx_dirty_rings_reset(&vm), 3);
	ck_assert_uint_eq(flushes, 1);
	ck_assert(!guest_reaches(3 * PAGE, STAGE2_WRITE));
	ck_assert_int_eq(harvest(&second, 1), 7);
	ck_assert_uint_eq(second.dirty_ring.used, 1);
	ck_assert_uint_eq(vcpu.dirty_ring.used, 0);
	guest_writes(3);
	ck_assert_int_eq(harvest(&vcpu, 2), 3);
	ck_assert_int_eq(kvmx_dirty_rings_reset(&vm), 2);
	ck_assert_int_eq(kvmx_dirty_rings_reset(&vm), 0);
	rings_end();
}
END_TEST

START_TEST(ring_gets_full)
{
	u64 v = 1;
	int idx, i;

	rings_begin();
	for (i = 0; i < SOFT - 1; i++)
		guest_writes(i);
	ck_assert(!kvmx_dirty_ring_full(&vcpu));
	ck_assert(!test_bit(KVMX_REQ_DIRTY_RING, &vcpu.requests));
	guest_writes(i);
	ck_assert(kvmx_dirty_ring_full(&vcpu));
	ck_assert(kvmx_vcpu_take(&vcpu, KVMX_REQ_DIRTY_RING));
	ck_assert(!kvmx_dirty_ring_full(&second));
	/* To the brim, and beyond: nothing is overwritten. */
	idx = srcu_read_lock(&vm.memory.srcu);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(kvmx_guest_write(&vm, (1000 + i) * PAGE, &v, 8), 0);
	srcu_read_unlock(&vm.memory.srcu, idx);
	ck_assert_uint_eq(vcpu.dirty_ring.used, RING);
	for (i = 0; i < SOFT; i++)
		ck_assert_int_eq(harvest(&vcpu, i), i);
	for (; i < RING; i++)
		ck_assert_int_eq(harvest(&vcpu, i), 1000 + i - SOFT);
	ck_assert_int_eq(kvmx_dirty_rings_reset(&vm), RING);
	ck_assert(!kvmx_dirty_ring_full(&vcpu));
	for (i = 0; i < SOFT; i++)
		ck_assert(!guest_reaches(i * PAGE, STAGE2_WRITE));
	/* Round the end. */
	for (i = 0; i < 100; i++)
		guest_writes(i);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(harvest(&vcpu, RING + i), i);
	ck_assert_int_eq(kvmx_dirty_rings_reset(&vm), 100);
	rings_end();
}
END_TEST

/* A VMM that writes anything to its rings hurts nobody: checked by the sanitizers. */
START_TEST(ring_spoilt)
{
	unsigned long i, n, resets = 0;

	rings_begin();
	ck_assert_int_eq(slot_set(2, 0, 32 * MB, MB, hva(16 * MB)), 0);
	for (i = 0; i < 3000; i++) {
		for (n = unit_random_below(40); n; n--) {
			struct kvmx_dirty_gfn *entry =
				&vcpu.dirty_ring.entries[unit_random_below(RING)];

			entry->flags = unit_random_below(2) ? 2 : unit_random_edge();
			entry->slot = unit_random_below(2) ? unit_random_below(3) : unit_random_edge();
			entry->offset = unit_random_below(2) ? unit_random_below(8192) :
				unit_random_edge();
		}
		for (n = unit_random_below(20); n; n--)
			guest_writes(unit_random_below(4096));
		/* Now and then it gets out of its own way. */
		for (n = i % 4 ? 0 : RING; n; n--)
			vcpu.dirty_ring.entries[n - 1].flags |= KVMX_DIRTY_GFN_F_RESET;
		n = kvmx_dirty_rings_reset(&vm);
		ck_assert_uint_le(n, RING);
		resets += n;
		ck_assert_uint_le(vcpu.dirty_ring.used, RING);
	}
	ck_assert_uint_gt(resets, 1000);
	rings_end();
}
END_TEST

enum { RACE_PAGES = 512 };
static u32 race_memory[RACE_PAGES], race_copy[RACE_PAGES];
static int race_running;

/* Writes pages as a guest does, and waits while its ring is full. */
static void *race_writer(void *arg)
{
	struct kvmx_vcpu *v = arg;
	u64 rnd = (unsigned long)arg, page;
	int i, idx;

	for (i = 0; i < 30000; i++) {
		rnd = rnd * 6364136223846793005ULL + 1;
		page = (rnd >> 33) % RACE_PAGES;
		idx = srcu_read_lock(&vm.memory.srcu);
		/* A write and its right to be made are one on a CPU; here the lock stands for it. */
		for (;;) {
			bool done;

			read_lock(&vm.memory.mmu_lock);
			done = guest_reaches(page * PAGE, STAGE2_WRITE);
			if (done)
				__atomic_add_fetch(&race_memory[page], 1, __ATOMIC_RELAXED);
			read_unlock(&vm.memory.mmu_lock);
			if (done)
				break;
			if (kvmx_memory_fault(v, page * PAGE, STAGE2_WRITE, false) !=
			    KVMX_FAULT_MAPPED)
				abort();
		}
		srcu_read_unlock(&vm.memory.srcu, idx);
		while (kvmx_dirty_ring_full(v))
			sched_yield();
	}
	__atomic_sub_fetch(&race_running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static unsigned long race_harvest(void)
{
	static u32 at[2];
	static long pages[2 * RING];
	struct kvmx_vcpu *v[2] = { &vcpu, &second };
	unsigned long n = 0, i;
	long page;
	int k;

	for (k = 0; k < 2; k++)
		while (n < 2 * RING && (page = harvest(v[k], at[k])) >= 0) {
			pages[n++] = page;
			at[k]++;
		}
	if (n)
		ck_assert_int_ge(kvmx_dirty_rings_reset(&vm), 1);
	for (i = 0; i < n; i++)
		race_copy[pages[i]] = __atomic_load_n(&race_memory[pages[i]], __ATOMIC_RELAXED);
	return n;
}

/* Two vCPUs write while the VMM harvests, resets and copies: its copy has every write. */
START_TEST(ring_race)
{
	pthread_t thread[2];
	unsigned long told = 0;
	u64 page;

	rings_begin();
	race_running = 2;
	pthread_create(&thread[0], NULL, race_writer, &vcpu);
	pthread_create(&thread[1], NULL, race_writer, &second);
	while (READ_ONCE(race_running)) {
		told += race_harvest();
		sched_yield();
	}
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	told += race_harvest();
	for (page = 0; page < RACE_PAGES; page++)
		if (race_copy[page] != race_memory[page])
			ck_abort_msg("page %llu: %u writes, told of %u", page, race_memory[page],
				     race_copy[page]);
	unit_figure("pages told by rings", told);
	rings_end();
}
END_TEST

UNIT_MAIN("dirty",
	  UNIT_CASE("bitmaps", log_errors, log_follows_writes, log_random, manual_errors,
		    manual_clearing, initially_set, manual_random),
	  UNIT_CASE("unit", unit_logs_random, unit_logs_manual, unit_leaves_rings_alone),
	  UNIT_CASE("rings", ring_sizes, ring_follows_writes, ring_gets_full, ring_spoilt, ring_race))
