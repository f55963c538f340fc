// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: which ranges of guest memory there are and which user memory
 * backs each, published as a whole sorted set. Called by the door to change
 * them, by memory.c, dirty.c and notifier.c to look them up.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <kvmx/vm.h>

/* The KVM API's limit on a slot, which keeps page numbers in a slot below 2^31. */
#define SLOT_PAGES_MAX	((1ULL << 31) - 1)

/* ---- sets of slots ---- */

static struct kvmx_memslots *slots_locked(struct kvmx_vm *vm)
{
	return rcu_dereference_protected(vm->memory.slots,
					 lockdep_is_held(&vm->memory.slots_lock));
}

static struct kvmx_memslots *slots_alloc(u32 nr)
{
	struct kvmx_memslots *slots;

	slots = kvzalloc(struct_size(slots, slot, nr), GFP_KERNEL_ACCOUNT);
	if (slots)
		slots->nr = nr;
	return slots;
}

static void slots_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct kvmx_memslots, rcu));
}

/* How many slots begin at or below @gfn. */
static u32 slots_upto(const struct kvmx_memslots *slots, gfn_t gfn)
{
	u32 low = 0, high = slots->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (slots->slot[mid]->base_gfn <= gfn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

u64 kvmx_memslots_generation(struct kvmx_vm *vm)
{
	struct kvmx_memory *mem = &vm->memory;

	return srcu_dereference_check(mem->slots, &mem->srcu,
				      lockdep_is_held(&mem->slots_lock))->generation;
}

struct kvmx_memslot *kvmx_memslot_find(struct kvmx_vm *vm, gfn_t gfn)
{
	struct kvmx_memory *mem = &vm->memory;
	struct kvmx_memslots *slots;
	struct kvmx_memslot *slot;
	u32 n;

	slots = srcu_dereference_check(mem->slots, &mem->srcu,
				       lockdep_is_held(&mem->slots_lock));
	n = slots_upto(slots, gfn);
	if (!n)
		return NULL;
	slot = slots->slot[array_index_nospec(n - 1, slots->nr)];
	return gfn - slot->base_gfn < slot->npages ? slot : NULL;
}

struct kvmx_memslot *kvmx_memslot_by_id(struct kvmx_vm *vm, u32 id)
{
	const struct kvmx_memslots *slots = slots_locked(vm);
	u32 i;

	for (i = 0; i < slots->nr; i++)
		if (slots->slot[i]->id == id)
			return slots->slot[i];
	return NULL;
}

/* Whether a slot other than @except has a page in [@base, @base + @npages). */
static bool slots_overlap(const struct kvmx_memslots *slots, u64 base, u64 npages,
			  const struct kvmx_memslot *except)
{
	u32 i;

	for (i = 0; i < slots->nr; i++) {
		const struct kvmx_memslot *slot = slots->slot[i];

		if (slot != except && base < slot->base_gfn + slot->npages &&
		    slot->base_gfn < base + npages)
			return true;
	}
	return false;
}

/* A copy of @slots without @remove and with @add, each of which may be NULL. */
static struct kvmx_memslots *slots_copy(const struct kvmx_memslots *slots,
					const struct kvmx_memslot *remove,
					struct kvmx_memslot *add)
{
	struct kvmx_memslots *copy = slots_alloc(slots->nr - !!remove + !!add);
	u32 i, n = 0;

	if (!copy)
		return NULL;
	for (i = 0; i < slots->nr; i++) {
		struct kvmx_memslot *slot = slots->slot[i];

		if (slot == remove)
			continue;
		if (add && add->base_gfn < slot->base_gfn) {
			copy->slot[n++] = add;
			add = NULL;
		}
		copy->slot[n++] = slot;
	}
	if (add)
		copy->slot[n++] = add;
	return copy;
}

/* From here on new readers see @slots; the old set goes when the last reader has left it. */
static void slots_publish(struct kvmx_vm *vm, struct kvmx_memslots *slots)
{
	struct kvmx_memory *mem = &vm->memory;
	struct kvmx_memslots *old = slots_locked(vm);

	slots->generation = old->generation + 1;
	rcu_assign_pointer(mem->slots, slots);
	call_srcu(&mem->srcu, &old->rcu, slots_free_rcu);
}

int kvmx_memslots_init(struct kvmx_vm *vm)
{
	struct kvmx_memory *mem = &vm->memory;
	struct kvmx_memslots *slots = slots_alloc(0);
	int ret;

	if (!slots)
		return -ENOMEM;
	ret = init_srcu_struct(&mem->srcu);
	if (ret) {
		kvfree(slots);
		return ret;
	}
	rcu_assign_pointer(mem->slots, slots);
	return 0;
}

static void slot_free(struct kvmx_memslot *slot)
{
	if (slot)
		kvfree(slot->dirty_bitmap);
	kfree(slot);
}

void kvmx_memslots_destroy(struct kvmx_vm *vm)
{
	struct kvmx_memory *mem = &vm->memory;
	struct kvmx_memslots *slots = rcu_dereference_protected(mem->slots, true);
	u32 i;

	if (!slots)
		return;
	RCU_INIT_POINTER(mem->slots, NULL);
	for (i = 0; i < slots->nr; i++)
		slot_free(slots->slot[i]);
	kvfree(slots);
	srcu_barrier(&mem->srcu);
	cleanup_srcu_struct(&mem->srcu);
}

/* ---- changes ---- */

/* KVM API, KVM_SET_USER_MEMORY_REGION: everything that a look at the request alone can refuse. */
static int region_check(struct kvmx_vm *vm, const struct kvmx_userspace_memory_region2 *mem)
{
	u64 size = mem->memory_size;

	if (mem->slot >= KVMX_MAX_SLOTS)
		return -EINVAL;
	if (mem->flags & ~(KVMX_MEM_LOG_DIRTY_PAGES | KVMX_MEM_READONLY))
		return -EINVAL;
	if ((size | mem->guest_phys_addr | mem->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (size >> PAGE_SHIFT > SLOT_PAGES_MAX)
		return -EINVAL;
	if (mem->guest_phys_addr + size < mem->guest_phys_addr ||
	    (mem->guest_phys_addr + size) >> PAGE_SHIFT > stage2_limit(vm->memory.s2))
		return -EINVAL;
	/* The first also refuses tagged addresses, which access_ok() lets pass. */
	if (size > TASK_SIZE_MAX || mem->userspace_addr > TASK_SIZE_MAX - size ||
	    !access_ok((void __user *)(unsigned long)mem->userspace_addr, size))
		return -EINVAL;
	return 0;
}

/* A slot as @mem describes it; takes over the dirty log of @old when both are logged. */
static struct kvmx_memslot *slot_alloc(struct kvmx_vm *vm,
				       const struct kvmx_userspace_memory_region2 *mem,
				       const struct kvmx_memslot *old)
{
	struct kvmx_memslot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);

	if (!slot)
		return NULL;
	slot->base_gfn = mem->guest_phys_addr >> PAGE_SHIFT;
	slot->npages = mem->memory_size >> PAGE_SHIFT;
	slot->hva = mem->userspace_addr;
	slot->flags = mem->flags;
	slot->id = mem->slot;
	if (!kvmx_memslot_logged(slot))
		return slot;
	if (old && old->dirty_bitmap) {
		slot->dirty_bitmap = old->dirty_bitmap;
	} else if (kvmx_dirty_bitmap_init(vm, slot)) {
		kfree(slot);
		return NULL;
	}
	return slot;
}

/* Frees a slot that no reader knows any more, but for what @heir took over. */
static void slot_retire(struct kvmx_memslot *slot, const struct kvmx_memslot *heir)
{
	if (heir && heir->dirty_bitmap == slot->dirty_bitmap)
		slot->dirty_bitmap = NULL;
	slot_free(slot);
}

/*
 * Waits until nobody uses a set of slots that is no longer published. A vCPU
 * lets go of its set when it looks at requests, so it is made to.
 */
static void slots_wait(struct kvmx_vm *vm)
{
	kvmx_vm_request_all(vm, KVMX_REQ_SLOTS, false);
	synchronize_srcu_expedited(&vm->memory.srcu);
}

/*
 * A grace period may look for readers twice. A vCPU that came back in between
 * would be waited for again, with no request to tell it.
 */
void kvmx_memslots_let_go(struct kvmx_vcpu *vcpu)
{
	struct kvmx_memory *mem = &vcpu->vm->memory;

	srcu_read_unlock(&mem->srcu, vcpu->srcu_idx);
	mutex_lock(&mem->slots_lock);
	mutex_unlock(&mem->slots_lock);
	vcpu->srcu_idx = srcu_read_lock(&mem->srcu);
}

/*
 * Once @slot is unpublished and every reader has left, no fault can map it
 * again: then its mappings go.
 */
static void slot_unmap(struct kvmx_vm *vm, const struct kvmx_memslot *slot)
{
	slots_wait(vm);
	kvmx_memory_zap(vm, slot->base_gfn, slot->base_gfn + slot->npages, true);
}

static int slot_add(struct kvmx_vm *vm, struct kvmx_memslot *new)
{
	struct kvmx_memslots *slots = slots_copy(slots_locked(vm), NULL, new);

	if (!slots)
		return -ENOMEM;
	slots_publish(vm, slots);
	return 0;
}

static int slot_delete(struct kvmx_vm *vm, struct kvmx_memslot *old)
{
	struct kvmx_memslots *slots = slots_copy(slots_locked(vm), old, NULL);

	if (!slots)
		return -ENOMEM;
	slots_publish(vm, slots);
	slot_unmap(vm, old);
	slot_retire(old, NULL);
	return 0;
}

static int slot_move(struct kvmx_vm *vm, struct kvmx_memslot *old, struct kvmx_memslot *new)
{
	struct kvmx_memslots *without = slots_copy(slots_locked(vm), old, NULL);
	struct kvmx_memslots *with = without ? slots_copy(without, NULL, new) : NULL;

	if (!with) {
		kvfree(without);
		return -ENOMEM;
	}
	slots_publish(vm, without);
	slot_unmap(vm, old);
	slots_publish(vm, with);
	slot_retire(old, new);
	return 0;
}

/* Only logging can change. */
static int slot_change_flags(struct kvmx_vm *vm, struct kvmx_memslot *old,
			     struct kvmx_memslot *new)
{
	struct kvmx_memslots *slots = slots_copy(slots_locked(vm), old, new);

	if (!slots)
		return -ENOMEM;
	slots_publish(vm, slots);
	if (kvmx_memslot_logged(new)) {
		/* A fault that still sees the old slot maps writable without logging. */
		slots_wait(vm);
		/* What counts as written to need not be caught at its first write. */
		if (!kvmx_dirty_initially_set(&vm->memory))
			kvmx_memory_watch_writes(vm, new->base_gfn, new->base_gfn + new->npages);
	} else {
		/* Single pages were mapped for the log; larger ones may come again. */
		slot_unmap(vm, old);
	}
	slot_retire(old, new);
	return 0;
}

static int slot_set(struct kvmx_vm *vm, const struct kvmx_userspace_memory_region2 *mem)
{
	struct kvmx_memslot *old = kvmx_memslot_by_id(vm, mem->slot), *new;
	u64 base = mem->guest_phys_addr >> PAGE_SHIFT, npages = mem->memory_size >> PAGE_SHIFT;
	int ret;

	if (!npages)
		return old ? slot_delete(vm, old) : -EINVAL;
	if (old) {
		if (npages != old->npages || mem->userspace_addr != old->hva ||
		    ((mem->flags ^ old->flags) & KVMX_MEM_READONLY))
			return -EINVAL;
		if (base == old->base_gfn && mem->flags == old->flags)
			return 0;
	}
	if (slots_overlap(slots_locked(vm), base, npages, old))
		return -EEXIST;

	new = slot_alloc(vm, mem, old);
	if (!new)
		return -ENOMEM;
	if (!old)
		ret = slot_add(vm, new);
	else if (base != old->base_gfn)
		ret = slot_move(vm, old, new);
	else
		ret = slot_change_flags(vm, old, new);
	if (ret) {
		if (old)
			slot_retire(new, old);
		else
			slot_free(new);
	}
	return ret;
}

int kvmx_memslot_set(struct kvmx_vm *vm, const struct kvmx_userspace_memory_region2 *mem)
{
	int ret = region_check(vm, mem);

	if (ret)
		return ret;
	mutex_lock(&vm->memory.slots_lock);
	ret = slot_set(vm, mem);
	mutex_unlock(&vm->memory.slots_lock);
	return ret;
}
