// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages of logged slots were written to: in a bitmap of each slot or, if
 * the VM has them, in a ring of each vCPU. Marked by memory.c; read, cleared
 * and reset through the door.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <kvmx/vm.h>

/* Words of a dirty bitmap that one hold of mmu_lock goes through. */
#define DIRTY_WORDS	256
/* Entries of a ring that one hold of mmu_lock resets. */
#define RESET_ENTRIES	32
/* Room that a ring keeps for what is written on the way to user space. */
#define RING_RESERVED	64

/* ---- marking ---- */

/* Another entry for @vcpu's ring. It leaves the guest long before the ring is full to the brim. */
static void ring_push(struct kvmx_vcpu *vcpu, const struct kvmx_memslot *slot, u64 page)
{
	struct kvmx_dirty_ring *ring = &vcpu->dirty_ring;
	struct kvmx_dirty_gfn *entry;

	raw_spin_lock(&ring->lock);
	if (ring->used < ring->size) {
		entry = &ring->entries[(ring->first + ring->used) & (ring->size - 1)];
		entry->slot = slot->id;
		entry->offset = page;
		/* Pairs with the VMM, which looks at the flags first. */
		smp_store_release(&entry->flags, KVMX_DIRTY_GFN_F_DIRTY);
		WRITE_ONCE(ring->used, ring->used + 1);
	}
	raw_spin_unlock(&ring->lock);
	if (kvmx_dirty_ring_full(vcpu))
		kvmx_vcpu_request(vcpu, KVMX_REQ_DIRTY_RING);
}

/* The vCPU whose KVMX_RUN this task is in; the first, for an ioctl that writes guest memory. */
static struct kvmx_vcpu *current_vcpu(struct kvmx_vm *vm)
{
	u32 nr = kvmx_vm_nr_vcpus(vm), i;

	for (i = 0; i < nr; i++)
		if (READ_ONCE(vm->vcpus[i]->runner) == current)
			return vm->vcpus[i];
	return nr ? vm->vcpus[0] : NULL;
}

void kvmx_mark_dirty(struct kvmx_vm *vm, struct kvmx_vcpu *vcpu, struct kvmx_memslot *slot,
		     gfn_t gfn)
{
	u64 page = gfn - slot->base_gfn;

	if (!kvmx_memslot_logged(slot) || WARN_ON_ONCE(page >= slot->npages))
		return;
	if (vm->memory.dirty_ring_size) {
		if (!vcpu)
			vcpu = current_vcpu(vm);
		if (vcpu)
			ring_push(vcpu, slot, page);
	} else if (!test_bit(page, slot->dirty_bitmap)) {
		set_bit(page, slot->dirty_bitmap);
	}
}

void kvmx_mark_written(struct kvmx_vcpu *vcpu, const u64 *gpa, unsigned int nr)
{
	struct kvmx_memslot *slot;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		slot = kvmx_memslot_find(vcpu->vm, gpa[i] >> PAGE_SHIFT);
		if (slot)
			kvmx_mark_dirty(vcpu->vm, vcpu, slot, gpa[i] >> PAGE_SHIFT);
	}
}

/* What the unit has noted so far is in the log when this returns. */
static void dirty_collect(struct kvmx_vm *vm)
{
	if (kvmx_dirty_by_unit(&vm->memory))
		kvmx_vm_request_all(vm, KVMX_REQ_TLB_FLUSH, true);
}

void kvmx_dirty_watch(struct kvmx_vm *vm, gfn_t start, gfn_t end, struct stage2_gather *gather)
{
	if (kvmx_dirty_by_unit(&vm->memory))
		stage2_watch_writes(vm->memory.s2, start, end, gather);
	else
		stage2_write_protect(vm->memory.s2, start, end, gather);
}

int kvmx_dirty_bitmap_init(struct kvmx_vm *vm, struct kvmx_memslot *slot)
{
	if (vm->memory.dirty_ring_size)
		return 0;
	slot->dirty_bitmap = kvcalloc(BITS_TO_LONGS(slot->npages), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!slot->dirty_bitmap)
		return -ENOMEM;
	if (kvmx_dirty_initially_set(&vm->memory))
		bitmap_set(slot->dirty_bitmap, 0, slot->npages);
	return 0;
}

/* ---- bitmaps ---- */

/* Watches the pages of @bits, which are those from @gfn on. */
static void watch_bits(struct kvmx_vm *vm, gfn_t gfn, unsigned long bits,
		       struct stage2_gather *gather)
{
	while (bits) {
		unsigned int first = __ffs(bits);
		unsigned long run = ~(bits >> first);
		unsigned int n = run ? __ffs(run) : BITS_PER_LONG;

		kvmx_dirty_watch(vm, gfn + first, gfn + first + n, gather);
		if (first + n >= BITS_PER_LONG)
			break;
		bits &= ~0UL << (first + n);
	}
}

/* From word @i of @log on the first that has bits set; @end: none. Most have none. */
static size_t next_word(const unsigned long *log, size_t i, size_t end)
{
	while (i + 4 <= end && !(READ_ONCE(log[i]) | READ_ONCE(log[i + 1]) |
				 READ_ONCE(log[i + 2]) | READ_ONCE(log[i + 3])))
		i += 4;
	while (i < end && !READ_ONCE(log[i]))
		i++;
	return i;
}

/*
 * Takes bits off the log, from word @first on, and watches their pages: those
 * of @wanted, or all (NULL). Adds what was set to @taken, unless NULL.
 * Faults set bits with mmu_lock held for reading, after they mapped the page
 * writable: with it held for writing, a bit and its mapping go together. The
 * unit marks a leaf first, and its bit follows at the exit, without the lock:
 * a bit too many is all that may come of it.
 */
static void dirty_take(struct kvmx_vm *vm, struct kvmx_memslot *slot, size_t first, size_t words,
		       const unsigned long *wanted, unsigned long *taken)
{
	struct kvmx_memory *mem = &vm->memory;
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	unsigned long *log = slot->dirty_bitmap + first, bits;
	size_t i = 0, end;

	while ((i = next_word(log, i, words)) < words) {
		end = min_t(size_t, i + DIRTY_WORDS, words);
		write_lock(&mem->mmu_lock);
		for (; i < end; i++) {
			bits = wanted ? wanted[i] : ~0UL;
			if (!(bits & READ_ONCE(log[i])))
				continue;
			bits &= atomic_long_fetch_andnot(bits, (atomic_long_t *)&log[i]);
			if (taken)
				taken[i] |= bits;
			watch_bits(vm, slot->base_gfn + (first + i) * BITS_PER_LONG, bits, &gather);
		}
		write_unlock(&mem->mmu_lock);
		cond_resched();
	}
	/* Before user space copies the pages: what is written after that is logged again. */
	stage2_gather_finish(mem->s2, &gather);
}

/* The slot @id that has a bitmap; ERR_PTR if not. Under slots_lock. */
static struct kvmx_memslot *bitmap_slot(struct kvmx_vm *vm, u32 id)
{
	struct kvmx_memslot *slot;

	if (vm->memory.dirty_ring_size)
		return ERR_PTR(-ENXIO);
	if (id >= KVMX_MAX_SLOTS)
		return ERR_PTR(-EINVAL);
	slot = kvmx_memslot_by_id(vm, id);
	return slot && slot->dirty_bitmap ? slot : ERR_PTR(-ENOENT);
}

int kvmx_dirty_log_get(struct kvmx_vm *vm, u32 id, unsigned long **bitmap, size_t *bytes)
{
	struct kvmx_memslot *slot;
	unsigned long *bits;
	size_t words;
	int ret = 0;

	mutex_lock(&vm->memory.slots_lock);
	slot = bitmap_slot(vm, id);
	if (IS_ERR(slot)) {
		ret = PTR_ERR(slot);
		goto unlock;
	}
	dirty_collect(vm);
	words = BITS_TO_LONGS(slot->npages);
	bits = kvcalloc(words, sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!bits) {
		ret = -ENOMEM;
		goto unlock;
	}
	if (vm->memory.dirty_manual)
		memcpy(bits, slot->dirty_bitmap, words * sizeof(long));
	else
		dirty_take(vm, slot, 0, words, NULL, bits);
	*bitmap = bits;
	*bytes = words * sizeof(long);
unlock:
	mutex_unlock(&vm->memory.slots_lock);
	return ret;
}

void kvmx_dirty_log_put_back(struct kvmx_vm *vm, u32 id, const unsigned long *bitmap,
			     size_t bytes)
{
	struct kvmx_memslot *slot;
	size_t i, words = bytes / sizeof(long);

	mutex_lock(&vm->memory.slots_lock);
	slot = bitmap_slot(vm, id);
	/* If it is another by now, it has pages that count as written for nothing. */
	if (!IS_ERR(slot) && BITS_TO_LONGS(slot->npages) == words)
		for (i = 0; i < words; i++)
			atomic_long_or(bitmap[i], (atomic_long_t *)&slot->dirty_bitmap[i]);
	mutex_unlock(&vm->memory.slots_lock);
}

int kvmx_dirty_log_clear(struct kvmx_vm *vm, u32 id, u64 first, u32 nr,
			 const unsigned long *bitmap)
{
	struct kvmx_memslot *slot;
	int ret = 0;

	mutex_lock(&vm->memory.slots_lock);
	slot = bitmap_slot(vm, id);
	/* KVM API, KVM_CLEAR_DIRTY_LOG: whole words, but for the end of the slot. */
	if (IS_ERR(slot))
		ret = PTR_ERR(slot);
	else if (first % 64 || first > slot->npages || nr > slot->npages - first ||
		 (nr % 64 && nr < slot->npages - first))
		ret = -EINVAL;
	else if (bitmap)
		dirty_take(vm, slot, first / BITS_PER_LONG, BITS_TO_LONGS(nr), bitmap, NULL);
	mutex_unlock(&vm->memory.slots_lock);
	return ret;
}

int kvmx_dirty_manual_set(struct kvmx_vm *vm, u64 flags)
{
	u64 allowed = KVMX_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	if (flags & KVMX_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		allowed |= KVMX_DIRTY_LOG_INITIALLY_SET;
	if (flags & ~allowed)
		return -EINVAL;
	mutex_lock(&vm->memory.slots_lock);
	vm->memory.dirty_manual = flags;
	mutex_unlock(&vm->memory.slots_lock);
	return 0;
}

/* ---- rings ---- */

int kvmx_dirty_rings_enable(struct kvmx_vm *vm, u64 bytes)
{
	u32 size = bytes / sizeof(struct kvmx_dirty_gfn);
	int ret = 0;

	if (!bytes || (bytes & (bytes - 1)) || bytes < PAGE_SIZE)
		return -EINVAL;
	if (bytes > KVMX_DIRTY_RING_BYTES_MAX)
		return -E2BIG;
	if (kvmx_vm_nr_vcpus(vm))
		return -EINVAL;
	mutex_lock(&vm->memory.slots_lock);
	if (vm->memory.dirty_ring_size)
		ret = -EINVAL;
	else
		WRITE_ONCE(vm->memory.dirty_ring_size, size);
	mutex_unlock(&vm->memory.slots_lock);
	return ret;
}

int kvmx_dirty_ring_init(struct kvmx_vcpu *vcpu)
{
	struct kvmx_dirty_ring *ring = &vcpu->dirty_ring;
	u32 size = vcpu->vm->memory.dirty_ring_size;

	raw_spin_lock_init(&ring->lock);
	if (!size)
		return 0;
	ring->entries = __vmalloc(size * sizeof(*ring->entries), GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!ring->entries)
		return -ENOMEM;
	ring->size = size;
	return 0;
}

void kvmx_dirty_ring_destroy(struct kvmx_vcpu *vcpu)
{
	vfree(vcpu->dirty_ring.entries);
	vcpu->dirty_ring.entries = NULL;
}

struct page *kvmx_dirty_ring_page(struct kvmx_vcpu *vcpu, unsigned long index)
{
	struct kvmx_dirty_ring *ring = &vcpu->dirty_ring;

	if (index >= ring->size * sizeof(*ring->entries) >> PAGE_SHIFT)
		return NULL;
	return vmalloc_to_page((char *)ring->entries + (index << PAGE_SHIFT));
}

bool kvmx_dirty_ring_full(const struct kvmx_vcpu *vcpu)
{
	const struct kvmx_dirty_ring *ring = &vcpu->dirty_ring;

	return ring->size && READ_ONCE(ring->used) >= ring->size - RING_RESERVED;
}

/* Takes up to RESET_ENTRIES that the VMM has harvested off the ring: what it says they are. */
static unsigned int ring_take(struct kvmx_dirty_ring *ring, struct kvmx_dirty_gfn *taken)
{
	struct kvmx_dirty_gfn *entry;
	unsigned int n = 0;

	raw_spin_lock(&ring->lock);
	while (n < RESET_ENTRIES && ring->used) {
		entry = &ring->entries[ring->first & (ring->size - 1)];
		/* Pairs with the VMM, which has read the entry before. */
		if (!(smp_load_acquire(&entry->flags) & KVMX_DIRTY_GFN_F_RESET))
			break;
		taken[n].slot = READ_ONCE(entry->slot);
		taken[n++].offset = READ_ONCE(entry->offset);
		WRITE_ONCE(entry->flags, 0);
		ring->first++;
		WRITE_ONCE(ring->used, ring->used - 1);
	}
	raw_spin_unlock(&ring->lock);
	return n;
}

/* The VMM may have written anything to its ring: pages that are none are passed over. */
static void protect_entries(struct kvmx_vm *vm, const struct kvmx_dirty_gfn *entry, unsigned int n,
			    struct stage2_gather *gather)
{
	const struct kvmx_memslot *slot = NULL;
	gfn_t gfn[RESET_ENTRIES];
	unsigned int i, nr = 0;

	for (i = 0; i < n; i++) {
		if (!slot || slot->id != entry[i].slot)
			slot = kvmx_memslot_by_id(vm, entry[i].slot);
		if (slot && entry[i].offset < slot->npages && kvmx_memslot_logged(slot))
			gfn[nr++] = slot->base_gfn + entry[i].offset;
	}
	write_lock(&vm->memory.mmu_lock);
	for (i = 0; i < nr; i++)
		stage2_write_protect(vm->memory.s2, gfn[i], gfn[i] + 1, gather);
	write_unlock(&vm->memory.mmu_lock);
}

long kvmx_dirty_rings_reset(struct kvmx_vm *vm)
{
	struct kvmx_dirty_gfn taken[RESET_ENTRIES];
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	struct kvmx_dirty_ring *ring;
	unsigned int n;
	long total = 0;
	u32 i, left;

	if (!READ_ONCE(vm->memory.dirty_ring_size))
		return -EINVAL;
	mutex_lock(&vm->memory.slots_lock);
	for (i = 0; i < kvmx_vm_nr_vcpus(vm); i++) {
		ring = &vm->vcpus[i]->dirty_ring;
		/* Once round: a VMM that harvests as fast as this goes on gets its answer. */
		for (left = ring->size; left; left -= min(n, left)) {
			n = ring_take(ring, taken);
			if (!n)
				break;
			protect_entries(vm, taken, n, &gather);
			total += n;
			cond_resched();
		}
	}
	stage2_gather_finish(vm->memory.s2, &gather);
	mutex_unlock(&vm->memory.slots_lock);
	return total;
}
