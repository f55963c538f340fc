// SPDX-License-Identifier: GPL-2.0-only
/*
 * Follows the VMM's address space: what the host is about to change there is
 * unmapped from stage 2 first, and it learns which pages guests use. Called
 * by the host's memory management; no reverse map: slots are searched.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <kvmx/vm.h>

/*
 * There is no change_pte callback, which kernels before 6.10 would call for
 * KSM: they bracket that change with an invalidation too, and that suffices.
 */

/* bool in newer kernels, int before. */
typedef typeof(((const struct mmu_notifier_ops *)NULL)->test_young(NULL, NULL, 0)) young_t;

static struct kvmx_vm *notifier_vm(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct kvmx_vm, memory.notifier);
}

typedef bool (*range_fn)(struct kvmx_vm *vm, gfn_t start, gfn_t end, bool flag);

/* Calls @fn for the guest range behind each slot's part of [@start, @end). */
static bool for_each_range(struct kvmx_vm *vm, unsigned long start, unsigned long end,
			   range_fn fn, bool flag)
{
	struct kvmx_memory *mem = &vm->memory;
	struct kvmx_memslots *slots;
	bool any = false;
	int idx;
	u32 i;

	idx = srcu_read_lock(&mem->srcu);
	slots = srcu_dereference(mem->slots, &mem->srcu);
	for (i = 0; i < slots->nr; i++) {
		const struct kvmx_memslot *slot = slots->slot[i];
		unsigned long first = max(start, slot->hva);
		unsigned long last = min_t(unsigned long, end,
					   slot->hva + (slot->npages << PAGE_SHIFT));

		if (first >= last)
			continue;
		first = (first - slot->hva) >> PAGE_SHIFT;
		last = (last - slot->hva + PAGE_SIZE - 1) >> PAGE_SHIFT;
		any |= fn(vm, slot->base_gfn + first, slot->base_gfn + last, flag);
	}
	srcu_read_unlock(&mem->srcu, idx);
	return any;
}

/*
 * From here to the end of the invalidation no fault installs a page of the
 * range: one that looked its page up before finds the range under way, or the
 * sequence changed, when it takes mmu_lock. Counted whether or not a slot
 * lies there, because a slot may come while it lasts.
 */
static int invalidate_range_start(struct mmu_notifier *notifier,
				  const struct mmu_notifier_range *range)
{
	struct kvmx_vm *vm = notifier_vm(notifier);
	struct kvmx_memory *mem = &vm->memory;

	write_lock(&mem->mmu_lock);
	if (mem->invalidating++) {
		mem->invalidate_start = min(mem->invalidate_start, range->start);
		mem->invalidate_end = max(mem->invalidate_end, range->end);
	} else {
		mem->invalidate_start = range->start;
		mem->invalidate_end = range->end;
	}
	write_unlock(&mem->mmu_lock);

	if (for_each_range(vm, range->start, range->end, kvmx_memory_zap,
			   mmu_notifier_range_blockable(range)))
		atomic64_inc((atomic64_t *)&vm->stat[KVMX_STAT_INVALIDATIONS]);
	return 0;
}

static void invalidate_range_end(struct mmu_notifier *notifier,
				 const struct mmu_notifier_range *range)
{
	struct kvmx_memory *mem = &notifier_vm(notifier)->memory;

	write_lock(&mem->mmu_lock);
	WRITE_ONCE(mem->invalidate_seq, mem->invalidate_seq + 1);
	WARN_ON_ONCE(!mem->invalidating);
	mem->invalidating--;
	write_unlock(&mem->mmu_lock);
}

static bool test_range(struct kvmx_vm *vm, gfn_t start, gfn_t end, bool unused)
{
	struct kvmx_memory *mem = &vm->memory;
	bool young;

	read_lock(&mem->mmu_lock);
	young = stage2_harvest_accessed(mem->s2, start, end, NULL, NULL, NULL);
	read_unlock(&mem->mmu_lock);
	return young;
}

/*
 * Called with the host's page-table lock held: no sleeping. In a format
 * without accessed bits, what gets mapped anew is what was used.
 */
static bool age_range(struct kvmx_vm *vm, gfn_t start, gfn_t end, bool flush)
{
	struct kvmx_memory *mem = &vm->memory;
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	bool young;

	if (!stage2_format(mem->s2)->accessed)
		return kvmx_memory_zap(vm, start, end, false);
	read_lock(&mem->mmu_lock);
	young = stage2_harvest_accessed(mem->s2, start, end, &gather, NULL, NULL);
	read_unlock(&mem->mmu_lock);
	if (flush)
		stage2_gather_finish(mem->s2, &gather);
	return young;
}

static young_t clear_flush_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				 unsigned long start, unsigned long end)
{
	return for_each_range(notifier_vm(notifier), start, end, age_range, true);
}

static young_t clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			   unsigned long start, unsigned long end)
{
	return for_each_range(notifier_vm(notifier), start, end, age_range, false);
}

static young_t test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			  unsigned long address)
{
	return for_each_range(notifier_vm(notifier), address, address + 1, test_range, false);
}

/* The address space goes: nobody runs on it any more, its pages are about to be freed. */
static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	for_each_range(notifier_vm(notifier), 0, ULONG_MAX, kvmx_memory_zap, true);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release = release,
	.clear_flush_young = clear_flush_young,
	.clear_young = clear_young,
	.test_young = test_young,
	.invalidate_range_start = invalidate_range_start,
	.invalidate_range_end = invalidate_range_end,
};

int kvmx_memory_attach(struct kvmx_vm *vm)
{
	int ret;

	vm->memory.notifier.ops = &notifier_ops;
	ret = mmu_notifier_register(&vm->memory.notifier, vm->mm);
	vm->memory.attached = !ret;
	return ret;
}

void kvmx_memory_detach(struct kvmx_vm *vm)
{
	if (!vm->memory.attached)
		return;
	vm->memory.attached = false;
	mmu_notifier_unregister(&vm->memory.notifier, vm->mm);
}
