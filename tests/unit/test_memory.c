// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 faults over a host that changes its mind: rights, leaf sizes, errors, invalidations
 * at the worst moments, and many threads; the mmu notifier; access from the kernel.
 */
/* links: src/core/memslot.c src/core/dirty.c src/core/notifier.c src/core/stage2.c src/svm/npt.c src/vmx/ept.c */
/* links: src/arm64/stage2_format.c */
#include <linux/srcu.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "unit.h"
#include "memory_vm.h"

/* What happens while memory.c allocates tables, with no lock held: the n-th time from now. */
static void (*fill_hook)(void);
static unsigned int fill_hook_in;

static int hooked_cache_fill(struct stage2_cache *cache, unsigned int nr, bool atomic)
{
	if (fill_hook_in && --fill_hook_in == 0)
		fill_hook();
	return stage2_cache_fill(cache, nr, atomic);
}

#define stage2_cache_fill hooked_cache_fill
#include "core/memory.c"
#undef stage2_cache_fill

#define must(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

/* --- the host: which page lies at each user address --- */

#define HOST_PAGES	(USER_SIZE / PAGE)
#define HOST_PFN	0x1000000ULL	/* of the first page; 2 MiB and 1 GiB aligned */

static struct {
	u64 pfn[HOST_PAGES];
	u8 level[HOST_PAGES];
	bool read_only[HOST_PAGES];
	bool real;			/* struct pages, of the user memory itself */
	int error, errors;		/* what to answer, and how many times; < 0: always */
	bool device;			/* it is no RAM */
	bool sleeps;			/* atomic look-ups fail */
	void (*hook)(void);		/* after the look-up, before it is told */
	unsigned long gets, puts, dirtied;
	bool yield;
} host;

static u64 host_index(unsigned long hva)
{
	must(hva >= (unsigned long)user && hva < (unsigned long)user + USER_SIZE);
	return (hva - (unsigned long)user) / PAGE;
}

int kvmx_host_get_page(struct mm_struct *mm, unsigned long hva, bool write, bool atomic,
		       struct kvmx_host_page *out)
{
	u64 i = host_index(hva);
	void (*hook)(void) = host.hook;

	must(mm == shim_mm());
	if (!atomic)
		might_sleep();
	if (atomic && host.sleeps)
		return -EAGAIN;
	if (host.error && host.errors) {
		host.errors--;
		return host.error;
	}
	if (write && host.read_only[i])
		return -EFAULT;
	out->pfn = __atomic_load_n(&host.pfn[i], __ATOMIC_SEQ_CST);
	out->writable = !host.read_only[i];
	out->device = host.device;
	/* Any pointer will do that is not NULL: core code must not look into it. */
	out->page = host.real ? virt_to_page(user + i * PAGE) : (struct page *)&host.pfn[i];
	__atomic_add_fetch(&host.gets, 1, __ATOMIC_RELAXED);
	if (hook) {
		host.hook = NULL;
		hook();
	}
	if (host.yield)
		sched_yield();
	return 0;
}

u8 kvmx_host_mapping_level(struct mm_struct *mm, unsigned long at)
{
	return __atomic_load_n(&host.level[host_index(at)], __ATOMIC_SEQ_CST);
}

void kvmx_host_put_page(struct kvmx_host_page *page, bool dirtied)
{
	if (!page->page)
		return;
	page->page = NULL;
	__atomic_add_fetch(&host.puts, 1, __ATOMIC_RELAXED);
	if (dirtied)
		__atomic_add_fetch(&host.dirtied, 1, __ATOMIC_RELAXED);
}

static unsigned long hva(u64 offset)
{
	return (unsigned long)user + offset;
}

static void begin_format(const struct stage2_format *format)
{
	u64 i;

	memset(&host, 0, sizeof(host));
	for (i = 0; i < HOST_PAGES; i++) {
		host.pfn[i] = HOST_PFN + i;
		host.level[i] = 1;
	}
	vm_begin_format(format);
}

static void begin(void)
{
	begin_format(&format_npt);
}

static void end(void)
{
	ck_assert_uint_eq(host.gets, host.puts);
	vm_end();
}

static void host_levels(u8 level)
{
	memset(host.level, level, sizeof(host.level));
}

static struct stage2_leaf leaf_at(u64 gpa)
{
	struct stage2_leaf leaf = { 0 };

	rcu_read_lock();
	stage2_lookup(vm.memory.s2, gpa / PAGE, &leaf);
	rcu_read_unlock();
	return leaf;
}

static bool mapped(u64 gpa)
{
	return leaf_at(gpa).level;
}

/* --- faults --- */

START_TEST(rights)
{
	begin();
	ck_assert_int_eq(slot_set(1, 0, MB, 4 * MB, hva(0)), 0);
	ck_assert_int_eq(slot_set(2, KVMX_MEM_READONLY, 16 * MB, MB, hva(8 * MB)), 0);
	ck_assert_int_eq(fault_at(0, STAGE2_READ, false), KVMX_FAULT_MMIO);
	ck_assert_int_eq(fault_at(5 * MB, STAGE2_WRITE, false), KVMX_FAULT_MMIO);
	ck_assert_uint_eq(host.gets, 0);

	/* What the host has writable is mapped so at the first touch. */
	ck_assert_int_eq(fault_at(MB + 123, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(MB).access, RWX);
	ck_assert_uint_eq(leaf_at(MB).pfn, HOST_PFN);
	ck_assert(leaf_at(MB).accessed);
	ck_assert_uint_eq(host.dirtied, 1);
	ck_assert_uint_eq(vcpu.stat[KVMX_STAT_FAULTS], 1);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 1);
	/* Again, as when another vCPU was first: nothing changes. */
	ck_assert_int_eq(fault_at(MB, STAGE2_WRITE, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(vcpu.stat[KVMX_STAT_FAULTS], 1);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 1);
	ck_assert_uint_eq(host.dirtied, 2);

	/* A page shared by KSM: read-only until written to. */
	host.read_only[1] = true;
	ck_assert_int_eq(fault_at(MB + PAGE, STAGE2_EXEC, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(MB + PAGE).access, STAGE2_READ | STAGE2_EXEC);
	ck_assert_uint_eq(host.dirtied, 2);
	ck_assert_int_eq(fault_at(MB + PAGE, STAGE2_WRITE, false), KVMX_FAULT_BAD);
	host.read_only[1] = false;
	ck_assert_int_eq(fault_at(MB + PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(MB + PAGE).access, RWX);

	/* A read-only slot: never writable, however the host maps it. */
	ck_assert_int_eq(fault_at(16 * MB, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(16 * MB).access, STAGE2_READ | STAGE2_EXEC);
	ck_assert_int_eq(fault_at(16 * MB, STAGE2_WRITE, false), KVMX_FAULT_MMIO);
	ck_assert_uint_eq(leaf_at(16 * MB).access, STAGE2_READ | STAGE2_EXEC);
	end();
}
END_TEST

START_TEST(errors)
{
	static const struct { int error; enum kvmx_fault_result result; } table[] = {
		{ -EFAULT, KVMX_FAULT_BAD }, { -EHWPOISON, KVMX_FAULT_HWPOISON },
		{ -EINTR, KVMX_FAULT_SIGNAL }, { -ENOMEM, KVMX_FAULT_NOMEM },
		{ -EIO, KVMX_FAULT_BAD },
		/* So often that the vCPU goes round. */
		{ -EAGAIN, KVMX_FAULT_MAPPED },
	};
	unsigned int i;
	long n;

	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		host.error = table[i].error;
		host.errors = -1;
		ck_assert_int_eq(fault_at(0, STAGE2_READ, false), table[i].result);
		ck_assert(!mapped(0));
	}
	ck_assert_int_eq(fault_at(0, STAGE2_READ, true), KVMX_FAULT_SLOW);
	/* A fatal signal ends the rounds. */
	shim_set_signal_pending(true);
	if (fatal_signal_pending(current))
		ck_assert_int_eq(fault_at(0, STAGE2_READ, false), KVMX_FAULT_SIGNAL);
	shim_set_signal_pending(false);
	host.errors = 3;
	ck_assert_int_eq(fault_at(0, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(mapped(0));
	host.error = 0;
	host.sleeps = true;
	ck_assert_int_eq(fault_at(PAGE, STAGE2_READ, true), KVMX_FAULT_SLOW);
	ck_assert_int_eq(fault_at(PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	host.sleeps = false;

	/* No memory for tables. */
	ck_assert_int_eq(slot_set(2, 0, 1ULL << 40, MB, hva(MB)), 0);
	for (n = 0; n < 3; n++) {
		shim_fail_alloc_after(n);
		ck_assert_int_eq(fault_at(1ULL << 40, STAGE2_READ, true), KVMX_FAULT_SLOW);
		shim_fail_alloc_after(n);
		ck_assert_int_eq(fault_at(1ULL << 40, STAGE2_READ, false), KVMX_FAULT_NOMEM);
		ck_assert(!mapped(1ULL << 40));
	}
	shim_fail_alloc_after(-1);
	ck_assert_int_eq(fault_at(1ULL << 40, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	end();
}
END_TEST

static u8 level_for(u64 gpa, u64 size, u64 offset, u64 at)
{
	u8 level;

	ck_assert_int_eq(slot_set(9, 0, gpa, size, hva(offset)), 0);
	ck_assert_int_eq(fault_at(at, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	level = leaf_at(at).level;
	/* Whatever the size, it is the right page, and nothing beside the slot is mapped. */
	ck_assert_uint_eq(leaf_at(at).pfn + at / PAGE - leaf_at(at).gfn,
			  HOST_PFN + (offset + at - gpa) / PAGE);
	ck_assert(!mapped(gpa - PAGE));
	ck_assert(!mapped(gpa + size));
	ck_assert_int_eq(slot_set(9, 0, 0, 0, 0), 0);
	return level;
}

START_TEST(levels)
{
	begin();
	host_levels(2);
	ck_assert_uint_eq(level_for(32 * MB, 8 * MB, 0, 33 * MB), 2);
	/* the host's alignment differs from the guest's */
	ck_assert_uint_eq(level_for(32 * MB, 8 * MB, PAGE, 33 * MB), 1);
	ck_assert_uint_eq(level_for(33 * MB, 8 * MB, 0, 35 * MB), 1);
	/* alike, but the ends of the slot are in the way */
	ck_assert_uint_eq(level_for(33 * MB, 8 * MB, MB, 33 * MB), 1);
	ck_assert_uint_eq(level_for(33 * MB, 8 * MB, MB, 34 * MB), 2);
	ck_assert_uint_eq(level_for(33 * MB, 8 * MB, MB, 40 * MB), 1);
	ck_assert_uint_eq(level_for(32 * MB, 2 * MB - PAGE, 0, 32 * MB), 1);
	ck_assert_uint_eq(level_for(32 * MB, 2 * MB, 0, 34 * MB - 1), 2);
	/* the host has it in small pages; more than the slot can hold */
	host_levels(1);
	ck_assert_uint_eq(level_for(32 * MB, 8 * MB, 0, 33 * MB), 1);
	host_levels(3);
	ck_assert_uint_eq(level_for(32 * MB, 8 * MB, 0, 33 * MB), 2);
	ck_assert_uint_eq(level_for(33 * MB, MB, MB, 33 * MB), 1);
	/* with a dirty log, single pages */
	ck_assert_int_eq(slot_set(1, KVMX_MEM_LOG_DIRTY_PAGES, 0, 8 * MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(MB, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(MB).level, 1);
	end();
}
END_TEST

START_TEST(leaf_sizes_change)
{
	u64 gpa;

	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, 8 * MB, hva(0)), 0);
	for (gpa = 0; gpa < 2 * MB; gpa += PAGE)
		ck_assert_int_eq(fault_at(gpa, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 512);
	/* Collapse: the host made one large page of 511 others, and lost the fault's page. */
	host_levels(2);
	shim_mmu_invalidate_start(shim_mm(), hva(PAGE), hva(2 * PAGE), true);
	shim_mmu_invalidate_end(shim_mm(), hva(PAGE), hva(2 * PAGE));
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 511);
	ck_assert_int_eq(fault_at(PAGE, STAGE2_READ, true), KVMX_FAULT_SLOW);
	flushes = 0;
	ck_assert_int_eq(fault_at(PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(flushes, 1);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 0);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 1);

	/* Split: only for one who wants rights that the large leaf has not. */
	ck_assert_int_eq(slot_set(1, KVMX_MEM_LOG_DIRTY_PAGES, 0, 8 * MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 1);
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_WRITE, true), KVMX_FAULT_SLOW);
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 0);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 512);
	ck_assert_uint_eq(leaf_at(3 * PAGE).access, RWX);
	ck_assert_uint_eq(leaf_at(4 * PAGE).access, STAGE2_READ | STAGE2_EXEC);

	/* Large again after the log. */
	ck_assert_int_eq(slot_set(1, 0, 0, 8 * MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(0).level, 2);
	end();
}
END_TEST

static void no_large_code(void)
{
	u64 gpa;

	for (gpa = 0; gpa < 8 * MB; gpa += PAGE)
		ck_assert(leaf_at(gpa).level < 2 || !(leaf_at(gpa).access & STAGE2_EXEC));
}

/* A unit that is not to have code in large leaves: vmx_choose_mitigations(). */
START_TEST(code_in_small_leaves)
{
	const u32 rw = STAGE2_READ | STAGE2_WRITE;
	struct stage2_format format = format_ept;
	u64 gpa;

	format.exec_levels = 1;
	begin_format(&format);
	host_levels(2);
	ck_assert_int_eq(slot_set(1, 0, 0, 8 * MB, hva(0)), 0);

	/* Data first: large, without code; then code splits it, and only its page has the right. */
	ck_assert_int_eq(fault_at(0, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(0).level, 2);
	ck_assert_uint_eq(leaf_at(0).access, rw);
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_EXEC, true), KVMX_FAULT_SLOW);
	ck_assert_uint_eq(leaf_at(0).level, 2);
	flushes = 0;
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_EXEC, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(flushes, 1);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 0);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 512);
	ck_assert_uint_eq(leaf_at(3 * PAGE).access, RWX);
	ck_assert_uint_eq(leaf_at(4 * PAGE).access, rw);
	/* More code there is a matter of rights. */
	flushes = 0;
	ck_assert_int_eq(fault_at(4 * PAGE, STAGE2_EXEC, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(4 * PAGE).access, RWX);
	ck_assert_uint_eq(flushes, 0);

	/* Code first: data beside it is mapped beside it, also what is written for the first time. */
	host.read_only[512 + 1] = true;
	ck_assert_int_eq(fault_at(2 * MB, STAGE2_EXEC, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(2 * MB).level, 1);
	ck_assert_int_eq(fault_at(2 * MB + PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(2 * MB + PAGE).level, 1);
	ck_assert_uint_eq(leaf_at(2 * MB + PAGE).access, STAGE2_READ | STAGE2_EXEC);
	host.read_only[512 + 1] = false;
	ck_assert_int_eq(fault_at(2 * MB + PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(2 * MB + PAGE).access, RWX);
	ck_assert_uint_eq(leaf_at(2 * MB).access, RWX);
	ck_assert_uint_eq(flushes, 0);

	/* A large leaf that the host let be read only, and now written: it stays large. */
	host.read_only[1024] = true;
	ck_assert_int_eq(fault_at(4 * MB, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(4 * MB).access, STAGE2_READ);
	host.read_only[1024] = false;
	ck_assert_int_eq(fault_at(4 * MB, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(4 * MB).level, 2);
	ck_assert_uint_eq(leaf_at(4 * MB).access, rw);

	/* Reading under a log leaves large leaves alone; code comes all the same. */
	ck_assert_int_eq(fault_at(6 * MB, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(slot_set(1, KVMX_MEM_LOG_DIRTY_PAGES, 0, 8 * MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(6 * MB, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(6 * MB).level, 2);
	ck_assert_int_eq(fault_at(6 * MB, STAGE2_EXEC, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(6 * MB).level, 1);
	ck_assert_uint_eq(leaf_at(6 * MB).access, STAGE2_READ | STAGE2_EXEC);
	ck_assert_int_eq(slot_set(1, 0, 0, 8 * MB, hva(0)), 0);

	for (gpa = 0; gpa < 8 * MB; gpa += 127 * PAGE) {
		ck_assert_int_eq(fault_at(gpa, gpa & PAGE ? STAGE2_EXEC : STAGE2_WRITE, false),
				 KVMX_FAULT_MAPPED);
		no_large_code();
	}
	ck_assert_uint_gt(vm.stat[KVMX_STAT_PAGES_4K], 0);
	end();
}
END_TEST

static void code_beside(void)
{
	must(fault_at(3 * PAGE, STAGE2_EXEC, false) == KVMX_FAULT_MAPPED);
}

/* Another vCPU's code comes while data is about to be mapped: neither undoes the other. */
START_TEST(code_meets_data)
{
	struct stage2_format format = format_ept;

	format.exec_levels = 1;
	begin_format(&format);
	host_levels(2);
	ck_assert_int_eq(slot_set(1, 0, 0, 8 * MB, hva(0)), 0);
	fill_hook = code_beside;
	fill_hook_in = 1;
	ck_assert_int_eq(fault_at(0, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(fill_hook_in, 0);
	ck_assert_uint_eq(leaf_at(0).level, 1);
	ck_assert_uint_eq(leaf_at(3 * PAGE).access, RWX);
	ck_assert_uint_eq(flushes, 0);

	end();
}
END_TEST

/* The memory type of the leaf at @gpa, as Intel's unit finds it (SDM, "EPT paging-structure"). */
static unsigned int ept_type(u64 gpa)
{
	struct unit_walk walk;

	must(unit_walk(vm.memory.s2, gpa / PAGE, &walk));
	return *walk.entry >> 3 & 7;
}

/* What is no RAM is not cached; a split keeps that. */
START_TEST(device_memory)
{
	begin_format(&format_ept);
	host_levels(2);
	ck_assert_int_eq(slot_set(1, 0, 0, 4 * MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(2 * MB, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(ept_type(2 * MB), 6);
	host.device = true;
	ck_assert_int_eq(fault_at(PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(ept_type(0), 0);
	ck_assert_uint_eq(leaf_at(0).access, RWX | STAGE2_DEVICE);
	ck_assert_uint_eq(leaf_at(0).level, 2);
	ck_assert_uint_eq(host.gets, 2);
	ck_assert_int_eq(fault_at(5 * PAGE, STAGE2_WRITE, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(0).level, 2);
	ck_assert_int_eq(slot_set(1, KVMX_MEM_LOG_DIRTY_PAGES, 0, 4 * MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(PAGE, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(PAGE).level, 1);
	ck_assert_uint_eq(ept_type(PAGE), 0);
	ck_assert_uint_eq(ept_type(2 * PAGE), 0);
	ck_assert_uint_eq(leaf_at(PAGE).access, RWX | STAGE2_DEVICE);
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(ept_type(2 * MB), 6);
	end();
}
END_TEST

static int prefault(u64 gpa, u64 size, struct kvmx_pre_fault_memory *range)
{
	*range = (struct kvmx_pre_fault_memory){ .gpa = gpa, .size = size };
	return kvmx_memory_prefault(&vcpu, range);
}

START_TEST(prefaults)
{
	struct kvmx_pre_fault_memory range = { .size = PAGE, .flags = 1 };

	begin();
	ck_assert_int_eq(kvmx_memory_prefault(&vcpu, &range), -EINVAL);
	ck_assert_int_eq(prefault(0, 0, &range), -EINVAL);
	ck_assert_int_eq(prefault(1, PAGE, &range), -EINVAL);
	ck_assert_int_eq(prefault(0, PAGE + 1, &range), -EINVAL);
	ck_assert_int_eq(prefault(-PAGE, PAGE, &range), -EINVAL);
	ck_assert_int_eq(prefault(0, PAGE, &range), -ENOENT);
	ck_assert_uint_eq(range.size, PAGE);

	/* Small pages and a large one; a mapping that begins before the range counts from there. */
	ck_assert_int_eq(slot_set(1, 0, MB, 4 * MB, hva(MB)), 0);
	memset(host.level + 2 * MB / PAGE, 2, 2 * MB / PAGE);
	ck_assert_int_eq(prefault(2 * MB - 3 * PAGE, 5 * PAGE, &range), 0);
	ck_assert_uint_eq(range.gpa, 2 * MB + 2 * PAGE);
	ck_assert_uint_eq(range.size, 0);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 3);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 1);
	ck_assert_uint_eq(host.gets, 4);
	ck_assert_int_eq(prefault(2 * MB + 5 * PAGE, 2 * MB, &range), 0);
	ck_assert_uint_eq(host.gets, 10);
	ck_assert_uint_eq(range.size, 0);
	/* It ends where the slot does, and says how far it came. */
	ck_assert_int_eq(prefault(5 * MB - PAGE, 3 * PAGE, &range), 0);
	ck_assert_uint_eq(range.gpa, 5 * MB);
	ck_assert_uint_eq(range.size, 2 * PAGE);
	ck_assert_int_eq(kvmx_memory_prefault(&vcpu, &range), -ENOENT);
	ck_assert_uint_eq(range.size, 2 * PAGE);
	/* A slot that is read-only is mapped for reading. */
	ck_assert_int_eq(slot_set(2, KVMX_MEM_READONLY, 16 * MB, MB, hva(16 * MB)), 0);
	ck_assert_int_eq(prefault(16 * MB, PAGE, &range), 0);
	ck_assert_uint_eq(leaf_at(16 * MB).access, STAGE2_READ | STAGE2_EXEC);

	host.error = -EFAULT;
	host.errors = 1;
	ck_assert_int_eq(prefault(MB, PAGE, &range), -EFAULT);
	host.error = -EHWPOISON;
	host.errors = 1;
	ck_assert_int_eq(prefault(MB, PAGE, &range), -EHWPOISON);
	shim_set_signal_pending(true);
	ck_assert_int_eq(prefault(MB, PAGE, &range), -EINTR);
	shim_set_signal_pending(false);
	ck_assert_int_eq(prefault(MB, PAGE, &range), 0);
	end();
}
END_TEST

/* Memory that changed its page without a word (VM_PFNMAP drivers do) is replaced, flushed. */
START_TEST(another_page)
{
	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	host.read_only[0] = true;
	ck_assert_int_eq(fault_at(0, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	host.read_only[0] = false;
	host.pfn[0] = HOST_PFN + 77777;
	flushes = 0;
	ck_assert_int_eq(fault_at(0, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(flushes, 1);
	ck_assert_uint_eq(leaf_at(0).pfn, HOST_PFN + 77777);
	end();
}
END_TEST

/* Arm without hardware management: the fault is for the accessed mark alone. */
START_TEST(access_flag)
{
	struct unit_walk walk;

	arm64_cleaned = 0;
	begin_format(&format_arm64);
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	ck_assert_int_eq(slot_set(2, 0, (1ULL << 40) - PAGE, PAGE, hva(MB)), 0);
	ck_assert_int_eq(slot_set(3, 0, 1ULL << 40, PAGE, hva(MB)), -EINVAL);
	ck_assert_int_eq(fault_at(0, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(unit_access(vm.memory.s2, 0, STAGE2_READ, &walk));
	*walk.entry &= ~BIT(10);
	ck_assert(!unit_access(vm.memory.s2, 0, STAGE2_READ, &walk));
	ck_assert_int_eq(fault_at(0, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert(unit_access(vm.memory.s2, 0, STAGE2_READ, &walk));
	ck_assert_uint_eq(host.gets, 1);
	ck_assert_int_eq(fault_at((1ULL << 40) - 1, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	/* Once for each page that was mapped, not for its mark. */
	ck_assert_uint_eq(arm64_cleaned, 2);
	end();
}
END_TEST

/* --- invalidations at the worst moment --- */

static void host_moves_page_0(void)
{
	shim_mmu_invalidate_start(shim_mm(), hva(0), hva(PAGE), true);
	host.pfn[0] += 1000;
	shim_mmu_invalidate_end(shim_mm(), hva(0), hva(PAGE));
}

static void host_begins(void)
{
	shim_mmu_invalidate_start(shim_mm(), hva(0), hva(PAGE), true);
	host.pfn[0] += 1000;
}

static void host_ends(void)
{
	shim_mmu_invalidate_end(shim_mm(), hva(0), hva(PAGE));
}

static void host_begins_elsewhere(void)
{
	shim_mmu_invalidate_start(shim_mm(), hva(8 * MB), hva(9 * MB), true);
}

static void host_ends_elsewhere(void)
{
	shim_mmu_invalidate_end(shim_mm(), hva(8 * MB), hva(9 * MB));
}

START_TEST(invalidated_while_looked_up)
{
	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	/* Begun and ended between look-up and install: once more, with the new page. */
	host.hook = host_moves_page_0;
	ck_assert_int_eq(fault_at(0, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(host.gets, 2);
	ck_assert_uint_eq(leaf_at(0).pfn, HOST_PFN + 1000);
	/* The same where it must not sleep: later, then. */
	shim_mmu_invalidate_start(shim_mm(), hva(0), hva(PAGE), true);
	shim_mmu_invalidate_end(shim_mm(), hva(0), hva(PAGE));
	ck_assert(!mapped(0));
	host.hook = host_moves_page_0;
	ck_assert_int_eq(fault_at(0, STAGE2_WRITE, true), KVMX_FAULT_SLOW);
	ck_assert(!mapped(0));
	/* Begun there and still under way: rounds, but nothing is ever installed. */
	host.hook = host_begins;
	ck_assert_int_eq(fault_at(0, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert(!mapped(0));
	ck_assert_uint_eq(vcpu.stat[KVMX_STAT_FAULTS], 1);
	/* Begun before, ended there. */
	host.hook = host_ends;
	ck_assert_int_eq(fault_at(0, STAGE2_WRITE, true), KVMX_FAULT_SLOW);
	ck_assert(!mapped(0));
	ck_assert_int_eq(fault_at(0, STAGE2_WRITE, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(0).pfn, HOST_PFN + 3000);
	end();
}
END_TEST

START_TEST(invalidated_elsewhere)
{
	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	/* Another range under way is no reason to wait, before or within. */
	host.hook = host_begins_elsewhere;
	ck_assert_int_eq(fault_at(0, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(fault_at(PAGE, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	/* The two together cover what lies between; what lies beside is free still. */
	host_begins();
	ck_assert_int_eq(fault_at(0, STAGE2_READ, true), KVMX_FAULT_SLOW);
	ck_assert_int_eq(fault_at(2 * PAGE, STAGE2_READ, true), KVMX_FAULT_SLOW);
	host_ends_elsewhere();
	ck_assert_int_eq(fault_at(0, STAGE2_READ, true), KVMX_FAULT_SLOW);
	host_ends();
	ck_assert_int_eq(fault_at(0, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(fault_at(2 * PAGE, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	/* In the other order. */
	ck_assert_int_eq(slot_set(2, 0, 32 * MB, MB, hva(8 * MB)), 0);
	host_begins();
	host_begins_elsewhere();
	ck_assert_int_eq(fault_at(32 * MB, STAGE2_READ, true), KVMX_FAULT_SLOW);
	host_ends_elsewhere();
	host_ends();
	ck_assert_int_eq(fault_at(32 * MB, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	end();
}
END_TEST

/* Between finding that a leaf of another size is in the way and replacing it. */
START_TEST(invalidated_before_replacing)
{
	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, 4 * MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	host_levels(2);
	fill_hook = host_begins;
	fill_hook_in = 1;
	ck_assert_int_eq(fault_at(3 * PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(fill_hook_in, 0);
	ck_assert(!mapped(0) && !mapped(3 * PAGE));
	host_ends();
	end();
}
END_TEST

static void zap_all(void)
{
	kvmx_memory_zap(&vm, 0, 1ULL << 18, true);
}

/* The tables counted on are gone when the lock is taken. */
START_TEST(tables_zapped_meanwhile)
{
	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, 4 * MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	fill_hook = zap_all;
	fill_hook_in = 1;
	ck_assert_int_eq(fault_at(3 * MB, STAGE2_READ, true), KVMX_FAULT_SLOW);
	ck_assert(!mapped(PAGE) && !mapped(3 * MB));
	ck_assert_int_eq(fault_at(PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	fill_hook_in = 1;
	ck_assert_int_eq(fault_at(3 * MB, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(!mapped(PAGE) && mapped(3 * MB));
	end();
}
END_TEST

/* A large leaf must wait for an invalidation of any of its pages. */
START_TEST(invalidated_beside)
{
	begin();
	host_levels(2);
	ck_assert_int_eq(slot_set(1, 0, 0, 4 * MB, hva(0)), 0);
	host_begins();
	ck_assert_int_eq(fault_at(MB, STAGE2_READ, true), KVMX_FAULT_SLOW);
	ck_assert_int_eq(fault_at(2 * MB, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	host_ends();
	/* It looks up page 0, whose number the hook changed: that one is the leaf's first. */
	host.pfn[0] = HOST_PFN;
	ck_assert_int_eq(fault_at(MB, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 2);
	/* And goes with one. */
	shim_mmu_invalidate_start(shim_mm(), hva(MB), hva(MB + PAGE), false);
	shim_mmu_invalidate_end(shim_mm(), hva(MB), hva(MB + PAGE));
	ck_assert(!mapped(0) && !mapped(MB) && mapped(2 * MB));
	end();
}
END_TEST

/* A slot that comes while its memory is invalidated: the notifier could not know it. */
static void slot_comes(void)
{
	ck_assert_int_eq(slot_set(2, 0, 16 * MB, MB, hva(0)), 0);
}

START_TEST(slot_during_invalidation)
{
	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(MB)), 0);
	host_begins();
	slot_comes();
	ck_assert_int_eq(fault_at(16 * MB, STAGE2_READ, true), KVMX_FAULT_SLOW);
	host_ends();
	ck_assert_int_eq(fault_at(16 * MB, STAGE2_READ, true), KVMX_FAULT_MAPPED);
	ck_assert_uint_eq(leaf_at(16 * MB).pfn, HOST_PFN + 1000);
	end();
}
END_TEST

/* --- many threads over a host that moves pages --- */

#define FAULTERS	4
#define RACE_FAULTS	40000
#define RACE_SIZE	(16 * MB)
#define RACE_REGIONS	(RACE_SIZE / (2 * MB))

static struct {
	bool done;
	unsigned long long faults, installs, moves;
} race;

static u64 thread_random(u64 *state, u64 n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state >> 33) % n;
}

static void *race_faulter(void *arg)
{
	u64 rnd = (u64)(unsigned long)arg, gpa;
	struct kvmx_vcpu mine = { .vm = &vm };
	enum kvmx_fault_result result;
	unsigned int i;
	int idx;

	for (i = 0; i < RACE_FAULTS; i++) {
		gpa = thread_random(&rnd, RACE_SIZE / PAGE) * PAGE;
		idx = srcu_read_lock(&vm.memory.srcu);
		result = kvmx_memory_fault(&mine, gpa, thread_random(&rnd, 2) ? STAGE2_READ :
					   STAGE2_WRITE, thread_random(&rnd, 2));
		srcu_read_unlock(&vm.memory.srcu, idx);
		if (result != KVMX_FAULT_MAPPED && result != KVMX_FAULT_SLOW)
			abort();
		__atomic_add_fetch(&race.faults, 1, __ATOMIC_RELAXED);
	}
	__atomic_add_fetch(&race.installs, mine.stat[KVMX_STAT_FAULTS], __ATOMIC_RELAXED);
	return NULL;
}

/* Between start and end nothing of the range may be mapped, whatever the faulters do. */
static void race_check_unmapped(u64 start, u64 n)
{
	u64 i;

	for (i = start; i < start + n; i += n > 1 ? 61 : 1)
		if (mapped(i * PAGE))
			abort();
}

static void *race_host(void *arg)
{
	u64 rnd = (u64)(unsigned long)arg, next = HOST_PFN + (1ULL << 18), first, n, i;
	u8 level;

	while (!READ_ONCE(race.done)) {
		bool whole = thread_random(&rnd, 3) == 0;

		first = whole ? thread_random(&rnd, RACE_REGIONS) * 512 :
			thread_random(&rnd, RACE_SIZE / PAGE);
		/* A page of a large one cannot move alone. */
		if (host.level[first] == 2)
			whole = true;
		if (whole)
			first &= ~511ULL;
		n = whole ? 512 : 1;
		level = whole ? 1 + thread_random(&rnd, 2) : 1;
		next += 512;
		shim_mmu_invalidate_start(shim_mm(), hva(first * PAGE), hva((first + n) * PAGE),
					  thread_random(&rnd, 2));
		race_check_unmapped(first, n);
		for (i = 0; i < n; i++) {
			__atomic_store_n(&host.level[first + i], level, __ATOMIC_SEQ_CST);
			__atomic_store_n(&host.pfn[first + i], next + i, __ATOMIC_SEQ_CST);
			if (i % 128 == 0)
				sched_yield();
		}
		race_check_unmapped(first, n);
		shim_mmu_invalidate_end(shim_mm(), hva(first * PAGE), hva((first + n) * PAGE));
		race.moves++;
		if (race.moves % 64 == 0)
			shim_rcu_run();
	}
	return NULL;
}

/* For the first half slots change under the faults as well: logged and not. */
static void *race_slots(void *arg)
{
	u64 rnd = (u64)(unsigned long)arg;
	unsigned long *bitmap;
	size_t bytes;

	while (READ_ONCE(race.faults) < FAULTERS * RACE_FAULTS / 2) {
		slot_set(1, KVMX_MEM_LOG_DIRTY_PAGES, 0, RACE_SIZE, hva(0));
		if (thread_random(&rnd, 2) && !kvmx_dirty_log_get(&vm, 1, &bitmap, &bytes))
			kvfree(bitmap);
		sched_yield();
		slot_set(1, 0, 0, RACE_SIZE, hva(0));
		usleep(200);
	}
	return NULL;
}

START_TEST(race_of_faults_and_host)
{
	pthread_t faulter[FAULTERS], host_thread, slots_thread;
	unsigned long i;
	u64 page;

	begin();
	memset(&race, 0, sizeof(race));
	host.yield = true;
	ck_assert_int_eq(slot_set(1, 0, 0, RACE_SIZE, hva(0)), 0);
	pthread_create(&host_thread, NULL, race_host, (void *)(unit_random() | 1));
	pthread_create(&slots_thread, NULL, race_slots, (void *)(unit_random() | 1));
	for (i = 0; i < FAULTERS; i++)
		pthread_create(&faulter[i], NULL, race_faulter, (void *)unit_random());
	for (i = 0; i < FAULTERS; i++)
		pthread_join(faulter[i], NULL);
	WRITE_ONCE(race.done, true);
	pthread_join(host_thread, NULL);
	pthread_join(slots_thread, NULL);
	for (page = 0; page < RACE_SIZE / PAGE; page++) {
		struct stage2_leaf leaf = leaf_at(page * PAGE);

		if (!leaf.level)
			continue;
		must(leaf.level <= host.level[page]);
		must(leaf.pfn + page - leaf.gfn == host.pfn[page]);
	}
	ck_assert_uint_gt(race.installs, 0);
	ck_assert_uint_gt(race.moves, 0);
	unit_figure("faults raced with a host that moves pages", race.faults);
	unit_figure("of them installed something", race.installs);
	unit_figure("pages moved under them", race.moves);
	end();
}
END_TEST

/* --- the notifier --- */

static const struct mmu_notifier_ops *ops(void)
{
	return vm.memory.notifier.ops;
}

START_TEST(invalidation_ranges)
{
	begin();
	/* The same memory twice, and not aligned to it. */
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(MB)), 0);
	ck_assert_int_eq(slot_set(2, 0, 8 * MB, MB, hva(MB + 512 * 1024)), 0);
	ck_assert_int_eq(fault_at(MB - PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(fault_at(512 * 1024 - PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(fault_at(8 * MB, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert_int_eq(fault_at(8 * MB + 512 * 1024, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	flushes = 0;
	/* Nothing there: nothing to do. */
	shim_mmu_invalidate_start(shim_mm(), 0, hva(MB), true);
	shim_mmu_invalidate_end(shim_mm(), 0, hva(MB));
	shim_mmu_invalidate_start(shim_mm(), hva(4 * MB), ~0UL, false);
	shim_mmu_invalidate_end(shim_mm(), hva(4 * MB), ~0UL);
	ck_assert_uint_eq(flushes, 0);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_INVALIDATIONS], 0);
	/* Half of the first slot, which is all it shares with the second. */
	shim_mmu_invalidate_start(shim_mm(), hva(MB + 512 * 1024), hva(2 * MB), false);
	ck_assert(!mapped(MB - PAGE) && !mapped(8 * MB));
	ck_assert(mapped(512 * 1024 - PAGE) && mapped(8 * MB + 512 * 1024));
	ck_assert_uint_eq(flushes, 2);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_INVALIDATIONS], 1);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_TLB_FLUSHES], 2);
	shim_mmu_invalidate_end(shim_mm(), hva(MB + 512 * 1024), hva(2 * MB));
	/* Everything, as when the address space goes. */
	shim_mm_exit(shim_mm());
	ck_assert(!mapped(512 * 1024 - PAGE) && !mapped(8 * MB + 512 * 1024));
	end();
}
END_TEST

static bool young(u64 offset, u64 size)
{
	bool any = false;

	for (; size; size -= PAGE, offset += PAGE)
		any |= ops()->test_young(&vm.memory.notifier, shim_mm(), hva(offset));
	return any;
}

START_TEST(young_pages)
{
	struct unit_walk walk;

	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	ck_assert(!young(0, MB));
	ck_assert_int_eq(fault_at(5 * PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(young(5 * PAGE, PAGE) && !young(0, 5 * PAGE) && !young(6 * PAGE, MB));
	flushes = 0;
	/* The callers hold a page-table lock. */
	preempt_disable();
	ck_assert(ops()->clear_young(&vm.memory.notifier, shim_mm(), hva(0), hva(MB)));
	ck_assert(!ops()->clear_young(&vm.memory.notifier, shim_mm(), hva(0), hva(MB)));
	preempt_enable();
	ck_assert_uint_eq(flushes, 0);
	ck_assert(!young(0, MB));
	ck_assert(unit_access(vm.memory.s2, 5, STAGE2_READ, &walk));
	ck_assert(young(5 * PAGE, PAGE));
	preempt_disable();
	ck_assert(!ops()->clear_flush_young(&vm.memory.notifier, shim_mm(), hva(MB), hva(2 * MB)));
	ck_assert_uint_eq(flushes, 0);
	ck_assert(ops()->clear_flush_young(&vm.memory.notifier, shim_mm(), hva(0), hva(MB)));
	preempt_enable();
	ck_assert_uint_eq(flushes, 1);
	ck_assert(!young(0, MB));
	ck_assert(mapped(5 * PAGE));
	end();
}
END_TEST

/* A unit that keeps no accessed bits: ageing takes the mapping, use brings it back. */
START_TEST(young_without_bits)
{
	struct stage2_format format = format_ept;

	format.accessed = 0;
	format.dirty = 0;
	begin_format(&format);
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(5 * PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	preempt_disable();
	ck_assert(ops()->clear_young(&vm.memory.notifier, shim_mm(), hva(0), hva(MB)));
	ck_assert(!ops()->clear_flush_young(&vm.memory.notifier, shim_mm(), hva(0), hva(MB)));
	preempt_enable();
	ck_assert(!mapped(5 * PAGE));
	ck_assert_int_eq(fault_at(5 * PAGE, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(mapped(5 * PAGE));
	end();
}
END_TEST

START_TEST(detach)
{
	begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	ck_assert_int_eq(fault_at(0, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(!list_empty(&shim_mm()->shim_notifiers));
	kvmx_memory_detach(&vm);
	ck_assert(!mapped(0));
	ck_assert(list_empty(&shim_mm()->shim_notifiers));
	kvmx_memory_detach(&vm);
	end();
}
END_TEST

/* --- access from the kernel --- */

static int guest_rw(u64 gpa, void *data, size_t len, bool write, bool atomic)
{
	int idx = srcu_read_lock(&vm.memory.srcu), ret;

	if (write)
		ret = (atomic ? kvmx_guest_write_atomic : kvmx_guest_write)(&vm, gpa, data, len);
	else
		ret = (atomic ? kvmx_guest_read_atomic : kvmx_guest_read)(&vm, gpa, data, len);
	srcu_read_unlock(&vm.memory.srcu, idx);
	return ret;
}

static void check_access(bool atomic)
{
	u8 buf[3 * PAGE], back[3 * PAGE];
	int gone = atomic ? -EAGAIN : -EFAULT;
	u64 i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = unit_random();
	/* In one slot, over the seam of two, to the last byte. */
	ck_assert_int_eq(guest_rw(MB + 5, buf, 3 * PAGE, true, atomic), 0);
	ck_assert_int_eq(memcmp(user + 5, buf, 3 * PAGE), 0);
	ck_assert_int_eq(guest_rw(2 * MB - 7, buf, 2 * PAGE, true, atomic), 0);
	ck_assert_int_eq(memcmp(user + MB - 7, buf, 7), 0);
	ck_assert_int_eq(memcmp(user + 4 * MB, buf + 7, 2 * PAGE - 7), 0);
	ck_assert_int_eq(guest_rw(2 * MB - 7, back, 2 * PAGE, false, atomic), 0);
	ck_assert_int_eq(memcmp(back, buf, 2 * PAGE), 0);
	ck_assert_int_eq(guest_rw(3 * MB - 1, buf, 1, true, atomic), 0);
	/* Off the end, no slot, nothing at all, round the end of the world. */
	ck_assert_int_eq(guest_rw(3 * MB - 1, buf, 2, true, atomic), -EFAULT);
	ck_assert_int_eq(guest_rw(0, buf, 1, false, atomic), -EFAULT);
	ck_assert_int_eq(guest_rw(0, buf, 0, false, atomic), 0);
	ck_assert_int_eq(guest_rw(~0ULL, buf, 1, false, atomic), -EFAULT);
	ck_assert_int_eq(guest_rw(-4ULL, buf, 8, false, atomic), -EFAULT);
	/* Read-only: by the slot, and by the VMM's mapping. */
	ck_assert_int_eq(guest_rw(16 * MB, buf, 8, false, atomic), 0);
	ck_assert_int_eq(guest_rw(16 * MB, buf, 8, true, atomic), -EFAULT);
	ck_assert_int_eq(guest_rw(24 * MB, buf, 8, false, atomic), gone);
	ck_assert_int_eq(guest_rw(24 * MB, buf, 8, true, atomic), gone);
}

static void access_begin(void)
{
	begin();
	host.real = true;
	ck_assert_int_eq(slot_set(1, 0, MB, MB, hva(0)), 0);
	ck_assert_int_eq(slot_set(2, 0, 2 * MB, MB, hva(4 * MB)), 0);
	ck_assert_int_eq(slot_set(3, KVMX_MEM_READONLY, 16 * MB, MB, hva(8 * MB)), 0);
	/* Nothing behind this one. */
	ck_assert_int_eq(slot_set(4, 0, 24 * MB, MB, hva(2 * USER_SIZE)), 0);
}

START_TEST(read_and_write)
{
	access_begin();
	check_access(false);
	preempt_disable();
	check_access(true);
	preempt_enable();
	end();
}
END_TEST

static int guest_cmpxchg(u64 gpa, unsigned int size, u64 *old, u64 new, bool atomic)
{
	int idx = srcu_read_lock(&vm.memory.srcu);
	int ret = kvmx_guest_cmpxchg(&vm, gpa, size, old, new, atomic);

	srcu_read_unlock(&vm.memory.srcu, idx);
	return ret;
}

START_TEST(compare_exchange)
{
	static const u64 before = 0x8877665544332211ULL, new = 0xf1f2f3f4f5f6f7f8ULL;
	unsigned int size;
	u64 mask, old, is;

	access_begin();
	for (size = 1; size <= 8; size *= 2) {
		mask = size == 8 ? ~0ULL : (1ULL << 8 * size) - 1;
		memcpy(user + 64, &before, 8);
		/* Not equal: nothing happens, and we hear what is there. */
		old = 0x1234;
		ck_assert_int_eq(guest_cmpxchg(MB + 64, size, &old, new, false), 0);
		ck_assert_uint_eq(old, before & mask);
		ck_assert_int_eq(memcmp(user + 64, &before, 8), 0);
		ck_assert_int_eq(guest_cmpxchg(MB + 64, size, &old, new, true), 0);
		ck_assert_uint_eq(old, before & mask);
		memcpy(&is, user + 64, 8);
		ck_assert_uint_eq(is, (before & ~mask) | (new & mask));
		if (size > 1)
			ck_assert_int_eq(guest_cmpxchg(MB + 65, size, &old, new, false), -EFAULT);
	}
	ck_assert_int_eq(guest_cmpxchg(MB + 64, 3, &old, new, false), -EFAULT);
	ck_assert_int_eq(guest_cmpxchg(MB + 64, 16, &old, new, false), -EFAULT);
	ck_assert_int_eq(guest_cmpxchg(MB + 64, 0, &old, new, false), -EFAULT);
	ck_assert_int_eq(guest_cmpxchg(0, 8, &old, new, false), -EFAULT);
	ck_assert_int_eq(guest_cmpxchg(16 * MB, 8, &old, new, false), -EFAULT);
	host.sleeps = true;
	ck_assert_int_eq(guest_cmpxchg(MB, 8, &old, new, true), -EAGAIN);
	ck_assert_int_eq(guest_cmpxchg(MB, 8, &old, new, false), 0);
	end();
}
END_TEST

START_TEST(looked_again)
{
	struct kvmx_look look[2] = {
		{ .mask = 0xffffff00, .val = 0x11223300 },
		{ .mask = ~0ULL, .val = 7 },
	};
	u64 words[2] = { 0x5511223344, 7 }, generation;
	unsigned long at;
	int idx;

	access_begin();
	idx = srcu_read_lock(&vm.memory.srcu);
	ck_assert_int_eq(kvmx_guest_hva(&vm, 0, &at), -EFAULT);
	ck_assert_int_eq(kvmx_guest_hva(&vm, MB + 64, &at), 0);
	ck_assert_uint_eq(at, hva(64));
	look[0].at = (const u64 __user *)at;
	look[1].at = (const u64 __user *)at + 1;
	memcpy(user + 64, words, 16);
	ck_assert(kvmx_guest_same(look, 2));
	user[64] ^= 1;			/* outside of the mask */
	user[71] ^= 1;
	ck_assert(kvmx_guest_same(look, 2));
	user[65] ^= 1;
	ck_assert(!kvmx_guest_same(look, 2));
	user[65] ^= 1;
	user[79] ^= 1;
	ck_assert(kvmx_guest_same(look, 1) && !kvmx_guest_same(look, 2));
	user[79] ^= 1;
	look[1].at = (const u64 __user *)(user + USER_SIZE);	/* nothing there */
	ck_assert(!kvmx_guest_same(look, 2));
	generation = kvmx_memslots_generation(&vm);
	srcu_read_unlock(&vm.memory.srcu, idx);
	/* A slot that goes takes the addresses with it. */
	ck_assert_int_eq(slot_set(1, 0, 0, 0, 0), 0);
	idx = srcu_read_lock(&vm.memory.srcu);
	ck_assert_uint_ne(kvmx_memslots_generation(&vm), generation);
	srcu_read_unlock(&vm.memory.srcu, idx);
	end();
}
END_TEST

UNIT_MAIN("memory",
	  UNIT_CASE("faults", rights, errors, levels, leaf_sizes_change,
		    code_in_small_leaves, code_meets_data, another_page,
		    access_flag, device_memory, prefaults),
	  UNIT_CASE("invalidations", invalidated_while_looked_up, invalidated_elsewhere,
		    invalidated_before_replacing, tables_zapped_meanwhile, invalidated_beside,
		    slot_during_invalidation, race_of_faults_and_host),
	  UNIT_CASE("notifier", invalidation_ranges, young_pages, young_without_bits, detach),
	  UNIT_CASE("access", read_and_write, compare_exchange, looked_again))
