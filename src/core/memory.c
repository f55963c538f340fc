// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's memory as a whole: its creation and end, the handling of stage-2
 * faults, and access to guest memory from the kernel. Called by the guest
 * floor and the door.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <kvmx/vm.h>
#include <kvmx/host.h>

/* How much one hold of mmu_lock unmaps or write-protects: one table of 2 MiB entries. */
#define ZAP_PAGES	(1ULL << 18)
/* Rounds of a fault that meets invalidations, before the vCPU looks at its requests. */
#define FAULT_ROUNDS	32

/* ---- creation and end ---- */

static void flush_all(void *owner, u64 start, u64 end)
{
	struct kvmx_vm *vm = owner;

	atomic64_inc((atomic64_t *)&vm->stat[KVMX_STAT_TLB_FLUSHES]);
	kvmx_vm_request_all(vm, KVMX_REQ_TLB_FLUSH, true);
}

int kvmx_memory_init(struct kvmx_vm *vm, const struct stage2_format *format)
{
	struct kvmx_memory *mem = &vm->memory;
	int ret;

	/* gfns are frames of 4 KiB, and so must the host's be. */
	BUILD_BUG_ON(PAGE_SHIFT != 12);

	mutex_init(&mem->slots_lock);
	rwlock_init(&mem->mmu_lock);
	ret = kvmx_memslots_init(vm);
	if (ret)
		return ret;
	ret = -ENOMEM;
	mem->s2 = stage2_create(format, flush_all, vm, &vm->stat[KVMX_STAT_PAGES_4K]);
	if (mem->s2)
		ret = kvmx_memory_attach(vm);
	if (ret)
		kvmx_memory_destroy(vm);
	return ret;
}

void kvmx_memory_destroy(struct kvmx_vm *vm)
{
	struct kvmx_memory *mem = &vm->memory;

	/* Ends with the notifier's release, which unmaps every slot. */
	kvmx_memory_detach(vm);
	if (mem->s2)
		stage2_destroy(mem->s2);
	mem->s2 = NULL;
	kvmx_memslots_destroy(vm);
}

/* ---- ranges ---- */

bool kvmx_memory_zap(struct kvmx_vm *vm, gfn_t start, gfn_t end, bool may_sleep)
{
	struct kvmx_memory *mem = &vm->memory;
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	bool zapped = false;
	gfn_t next;

	end = min(end, stage2_limit(mem->s2));
	for (; start < end; start = next) {
		next = min((start | (ZAP_PAGES - 1)) + 1, end);
		write_lock(&mem->mmu_lock);
		stage2_unmap(mem->s2, start, next, &gather);
		zapped |= stage2_gather_pending(&gather);
		/* Under the lock: nothing else may be mapped there before the flush. */
		stage2_gather_finish(mem->s2, &gather);
		write_unlock(&mem->mmu_lock);
		if (may_sleep)
			cond_resched();
	}
	return zapped;
}

void kvmx_memory_watch_writes(struct kvmx_vm *vm, gfn_t start, gfn_t end)
{
	struct kvmx_memory *mem = &vm->memory;
	struct stage2_gather gather = STAGE2_GATHER_INIT;
	gfn_t next;

	end = min(end, stage2_limit(mem->s2));
	for (; start < end; start = next) {
		next = min((start | (ZAP_PAGES - 1)) + 1, end);
		write_lock(&mem->mmu_lock);
		kvmx_dirty_watch(vm, start, next, &gather);
		write_unlock(&mem->mmu_lock);
		cond_resched();
	}
	stage2_gather_finish(mem->s2, &gather);
}

/* ---- faults ---- */

struct fault {
	struct kvmx_vm *vm;
	struct kvmx_vcpu *vcpu;
	struct kvmx_memslot *slot;
	gfn_t gfn;
	unsigned long hva;
	u32 access;
	bool atomic;
	unsigned long seq;		/* of invalidations, before the page was looked up */
	struct kvmx_host_page page;
	u8 level;			/* what is installed: */
	gfn_t base;
	u64 pfn;
	u32 rights;
};

/* The largest leaf that a fault may have where the unit lets only smaller ones have code. */
static u8 code_level(const struct fault *fault, u8 level, u8 exec_levels)
{
	const struct stage2 *s2 = fault->vm->memory.s2;

	if (fault->access & STAGE2_EXEC)
		return min(level, exec_levels);
	/* Data beside code that is there leaves it there. */
	rcu_read_lock();
	while (level > exec_levels && stage2_divided(s2, fault->gfn, level))
		level--;
	rcu_read_unlock();
	return level;
}

/*
 * The largest leaf for the fault: no larger than the host maps the memory, so
 * that one invalidation takes all of it; within the slot; and, like every
 * leaf, as aligned in host as in guest memory. Logging wants single pages.
 */
static u8 fault_level(const struct fault *fault)
{
	const struct stage2_format *f = stage2_format(fault->vm->memory.s2);
	const struct kvmx_memslot *slot = fault->slot;
	u8 level;

	if (kvmx_memslot_logged(slot))
		return 1;
	level = min(kvmx_host_mapping_level(fault->vm->mm, fault->hva), f->leaf_levels);
	for (; level > 1; level--) {
		u64 pages = stage2_pages(level), base = fault->gfn & ~(pages - 1);

		if ((slot->base_gfn ^ (slot->hva >> PAGE_SHIFT)) & (pages - 1))
			continue;
		if (base >= slot->base_gfn && base + pages <= slot->base_gfn + slot->npages)
			break;
	}
	level = max_t(u8, level, 1);
	return f->exec_levels && level > f->exec_levels ?
	       code_level(fault, level, f->exec_levels) : level;
}

/* What data gets beside the right it wants, so that code there does not fault once more. */
static bool fault_may_be_code(const struct fault *fault, u8 exec_levels)
{
	if (!exec_levels || (fault->access & STAGE2_EXEC))
		return true;
	/* A log finds large leaves, which have no code, and leaves them to those who read. */
	return fault->level <= exec_levels && !kvmx_memslot_logged(fault->slot);
}

/*
 * Whether the page that was looked up may have gone since. Under mmu_lock: an
 * invalidation that begins after this zaps what is installed now.
 */
static bool fault_stale(const struct fault *fault)
{
	const struct kvmx_memory *mem = &fault->vm->memory;
	unsigned long start = fault->hva - ((fault->gfn - fault->base) << PAGE_SHIFT);
	unsigned long end = start + (stage2_pages(fault->level) << PAGE_SHIFT);

	if (mem->invalidating && start < mem->invalidate_end && end > mem->invalidate_start)
		return true;
	return mem->invalidate_seq != fault->seq;
}

/*
 * After an install, still under mmu_lock, which keeps the page mapped by the
 * host: what the guest may write is marked dirty before the host can unmap it.
 */
static void fault_installed(struct fault *fault)
{
	if (fault->access & STAGE2_WRITE)
		kvmx_mark_dirty(fault->vm, fault->vcpu, fault->slot, fault->gfn);
	kvmx_host_put_page(&fault->page, fault->rights & STAGE2_WRITE);
}

static int fault_install_shared(struct fault *fault, struct stage2_cache *cache)
{
	struct kvmx_memory *mem = &fault->vm->memory;
	int ret = -EAGAIN;

	read_lock(&mem->mmu_lock);
	if (!fault_stale(fault))
		ret = stage2_map(mem->s2, cache, fault->base, fault->pfn, fault->level,
				 fault->rights);
	if (ret >= 0)
		fault_installed(fault);
	read_unlock(&mem->mmu_lock);
	return ret;
}

/* Code came since the leaf's size was chosen: a leaf that cannot have it is not to replace it. */
static bool fault_in_the_way(const struct fault *fault)
{
	const struct stage2 *s2 = fault->vm->memory.s2;

	return !(fault->rights & STAGE2_EXEC) && stage2_divided(s2, fault->gfn, fault->level);
}

static int fault_install_exclusive(struct fault *fault, struct stage2_cache *cache)
{
	struct kvmx_memory *mem = &fault->vm->memory;
	int ret = -EAGAIN;

	write_lock(&mem->mmu_lock);
	if (!fault_stale(fault) && !fault_in_the_way(fault))
		ret = stage2_replace(mem->s2, cache, fault->base, fault->pfn, fault->level,
				     fault->rights);
	if (ret >= 0)
		fault_installed(fault);
	write_unlock(&mem->mmu_lock);
	return ret;
}

static int fault_install(struct fault *fault)
{
	struct stage2 *s2 = fault->vm->memory.s2;
	struct stage2_cache cache = { .nr = 0 };
	unsigned int tables;
	int ret;

	/* Mostly the tables are there. */
	ret = fault_install_shared(fault, &cache);
	if (ret == -ENOMEM) {
		rcu_read_lock();
		tables = stage2_tables_missing(s2, fault->base, fault->level);
		rcu_read_unlock();
		ret = stage2_cache_fill(&cache, tables, fault->atomic);
		if (!ret)
			ret = fault_install_shared(fault, &cache);
	}
	/* A zap took tables away meanwhile, or a leaf of another size is in the way. */
	if ((ret == -ENOMEM || ret == -EEXIST) && !fault->atomic) {
		ret = stage2_cache_fill(&cache, stage2_format(s2)->levels - 1, false);
		if (!ret)
			ret = fault_install_exclusive(fault, &cache);
	}
	stage2_cache_drain(&cache);
	return ret;
}

/* One try: 1 or 0 as stage2_map(), -EAGAIN: the host's mapping changed, or -errno. */
static int fault_try(struct fault *fault)
{
	struct kvmx_memory *mem = &fault->vm->memory;
	const struct stage2_format *format = stage2_format(mem->s2);
	bool write = fault->access & STAGE2_WRITE;
	int ret;

	fault->seq = READ_ONCE(mem->invalidate_seq);
	smp_rmb();	/* pairs with mmu_lock around the count: the look-up comes after it */
	ret = kvmx_host_get_page(fault->vm->mm, fault->hva, write, fault->atomic, &fault->page);
	if (ret)
		return ret;

	fault->rights = STAGE2_READ | STAGE2_EXEC;
	if (fault->page.writable && !(fault->slot->flags & KVMX_MEM_READONLY) &&
	    (write || !kvmx_memslot_logged(fault->slot)))
		fault->rights |= STAGE2_WRITE;
	if (fault->page.device)
		fault->rights |= STAGE2_DEVICE;
	fault->level = fault_level(fault);
	if (!fault_may_be_code(fault, format->exec_levels))
		fault->rights &= ~STAGE2_EXEC;
	fault->base = fault->gfn & ~(stage2_pages(fault->level) - 1);
	fault->pfn = fault->page.pfn & ~(stage2_pages(fault->level) - 1);

	if (format->prepare && !fault->page.device)
		format->prepare(fault->pfn, stage2_pages(fault->level));

	/* Without the right to write the guest would only fault again. */
	ret = write && !(fault->rights & STAGE2_WRITE) ? -EFAULT : fault_install(fault);
	kvmx_host_put_page(&fault->page, false);
	return ret;
}

static enum kvmx_fault_result fault_result(const struct fault *fault, int error)
{
	switch (error) {
	case -EHWPOISON:
		return KVMX_FAULT_HWPOISON;
	case -EINTR:
		return KVMX_FAULT_SIGNAL;
	case -ENOMEM:
		return fault->atomic ? KVMX_FAULT_SLOW : KVMX_FAULT_NOMEM;
	case -EEXIST:
	case -EAGAIN:
		/* Not atomic: so many rounds that the vCPU shall look around and fault again. */
		return fault->atomic ? KVMX_FAULT_SLOW : KVMX_FAULT_MAPPED;
	default:
		return KVMX_FAULT_BAD;
	}
}

enum kvmx_fault_result kvmx_memory_fault(struct kvmx_vcpu *vcpu, gpa_t gpa, u32 access,
					 bool atomic)
{
	struct kvmx_vm *vm = vcpu->vm;
	struct fault fault = { .vm = vm, .vcpu = vcpu, .gfn = gpa >> PAGE_SHIFT,
			       .access = access, .atomic = atomic };
	unsigned int round;
	bool mapped;
	int ret;

	fault.slot = kvmx_memslot_find(vm, fault.gfn);
	if (!fault.slot)
		return KVMX_FAULT_MMIO;
	if ((access & STAGE2_WRITE) && (fault.slot->flags & KVMX_MEM_READONLY))
		return KVMX_FAULT_MMIO;
	fault.hva = fault.slot->hva + ((fault.gfn - fault.slot->base_gfn) << PAGE_SHIFT);

	if (stage2_format(vm->memory.s2)->accessed_faults) {
		rcu_read_lock();
		mapped = stage2_touch(vm->memory.s2, fault.gfn, access);
		rcu_read_unlock();
		if (mapped)
			return KVMX_FAULT_MAPPED;
	}

	for (round = 0; round < FAULT_ROUNDS; round++) {
		ret = fault_try(&fault);
		if (ret >= 0) {
			vcpu->stat[KVMX_STAT_FAULTS] += ret;
			return KVMX_FAULT_MAPPED;
		}
		if (ret != -EAGAIN || atomic)
			break;
		if (fatal_signal_pending(current))
			return KVMX_FAULT_SIGNAL;
		cond_resched();
	}
	return fault_result(&fault, ret);
}

/* The end of the leaf that maps @gfn, or @gfn itself when the host has taken it away again. */
static gfn_t mapped_up_to(struct kvmx_vm *vm, gfn_t gfn)
{
	struct stage2_leaf leaf;
	bool mapped;

	rcu_read_lock();
	mapped = stage2_lookup(vm->memory.s2, gfn, &leaf);
	rcu_read_unlock();
	return mapped ? leaf.gfn + stage2_pages(leaf.level) : gfn;
}

/* Maps a page, or the large one around it: how many bytes from @gpa on are done, or -errno. */
static s64 prefault_one(struct kvmx_vcpu *vcpu, gpa_t gpa)
{
	struct kvmx_vm *vm = vcpu->vm;
	enum kvmx_fault_result result;
	int idx;

	if (signal_pending(current))
		return -EINTR;
	cond_resched();
	idx = srcu_read_lock(&vm->memory.srcu);
	result = kvmx_memory_fault(vcpu, gpa, STAGE2_READ, false);
	srcu_read_unlock(&vm->memory.srcu, idx);
	switch (result) {
	case KVMX_FAULT_MAPPED:
		return (mapped_up_to(vm, gpa >> PAGE_SHIFT) << PAGE_SHIFT) - gpa;
	case KVMX_FAULT_MMIO:
		return -ENOENT;
	case KVMX_FAULT_SIGNAL:
		return -EINTR;
	case KVMX_FAULT_NOMEM:
		return -ENOMEM;
	case KVMX_FAULT_HWPOISON:
		return -EHWPOISON;
	default:
		return -EFAULT;
	}
}

int kvmx_memory_prefault(struct kvmx_vcpu *vcpu, struct kvmx_pre_fault_memory *range)
{
	u64 left = range->size;
	s64 done = 0;

	if (range->flags || ((range->gpa | left) & ~PAGE_MASK) || range->gpa + left <= range->gpa)
		return -EINVAL;
	while (left) {
		done = prefault_one(vcpu, range->gpa + range->size - left);
		if (done < 0)
			break;
		left -= min_t(u64, done, left);
	}
	if (left == range->size)
		return done;
	range->gpa += range->size - left;
	range->size = left;
	return 0;
}

/* ---- access from the kernel ---- */

/*
 * The user address of guest memory at @gpa, and in *@n how many of @len bytes
 * lie in the same slot. -EFAULT: no slot, or a read-only one for writing.
 */
static int guest_segment(struct kvmx_vm *vm, gpa_t gpa, size_t len, bool write,
			 struct kvmx_memslot **slot, unsigned long *hva, size_t *n)
{
	u64 offset;

	*slot = kvmx_memslot_find(vm, gpa >> PAGE_SHIFT);
	if (!*slot || (write && ((*slot)->flags & KVMX_MEM_READONLY)))
		return -EFAULT;
	offset = gpa - ((*slot)->base_gfn << PAGE_SHIFT);
	*hva = (*slot)->hva + offset;
	*n = min_t(u64, len, ((*slot)->npages << PAGE_SHIFT) - offset);
	return 0;
}

static void mark_range_dirty(struct kvmx_vm *vm, struct kvmx_memslot *slot, gpa_t gpa, size_t n)
{
	gfn_t gfn, last = (gpa + n - 1) >> PAGE_SHIFT;

	if (!kvmx_memslot_logged(slot))
		return;
	for (gfn = gpa >> PAGE_SHIFT; gfn <= last; gfn++)
		kvmx_mark_dirty(vm, NULL, slot, gfn);
}

/* How many bytes were not copied. */
static size_t copy_atomic(void *data, void __user *user, size_t n, bool write)
{
	size_t left = n;

	pagefault_disable();
	if (access_ok(user, n))
		left = write ? __copy_to_user_inatomic(user, data, n) :
			       __copy_from_user_inatomic(data, user, n);
	pagefault_enable();
	return left;
}

static int guest_copy(struct kvmx_vm *vm, gpa_t gpa, void *data, size_t len, bool write,
		      bool atomic)
{
	struct kvmx_memslot *slot;
	void __user *user;
	unsigned long hva;
	size_t n, left;
	int ret;

	if (gpa + len < gpa)
		return -EFAULT;
	for (; len; len -= n, gpa += n, data += n) {
		ret = guest_segment(vm, gpa, len, write, &slot, &hva, &n);
		if (ret)
			return ret;
		user = (void __user *)hva;
		if (atomic)
			left = copy_atomic(data, user, n, write);
		else if (write)
			left = copy_to_user(user, data, n);
		else
			left = copy_from_user(data, user, n);
		/* What was written is dirty, however far it came. */
		if (write && left < n)
			mark_range_dirty(vm, slot, gpa, n - left);
		if (left)
			return atomic ? -EAGAIN : -EFAULT;
	}
	return 0;
}

int kvmx_guest_read(struct kvmx_vm *vm, gpa_t gpa, void *data, size_t len)
{
	return guest_copy(vm, gpa, data, len, false, false);
}

int kvmx_guest_write(struct kvmx_vm *vm, gpa_t gpa, const void *data, size_t len)
{
	return guest_copy(vm, gpa, (void *)data, len, true, false);
}

int kvmx_guest_read_atomic(struct kvmx_vm *vm, gpa_t gpa, void *data, size_t len)
{
	return guest_copy(vm, gpa, data, len, false, true);
}

int kvmx_guest_write_atomic(struct kvmx_vm *vm, gpa_t gpa, const void *data, size_t len)
{
	return guest_copy(vm, gpa, (void *)data, len, true, true);
}

int kvmx_guest_hva(struct kvmx_vm *vm, gpa_t gpa, unsigned long *hva)
{
	struct kvmx_memslot *slot;
	size_t n;

	return guest_segment(vm, gpa, 1, false, &slot, hva, &n);
}

bool kvmx_guest_same(const struct kvmx_look *look, unsigned int nr)
{
	const struct kvmx_look *end = look + nr;
	u64 now;

	pagefault_disable();
	/* For all of them: slots lie in user space. */
	if (!user_access_begin(look->at, sizeof(*look->at)))
		goto out;
	for (; look != end; look++) {
		unsafe_get_user(now, look->at, fault);
		if ((now & look->mask) != look->val)
			break;
	}
fault:
	user_access_end();
out:
	pagefault_enable();
	return look == end;
}

static u64 cmpxchg_sized(void *at, unsigned int size, u64 old, u64 new)
{
	switch (size) {
	case 1:
		return cmpxchg((u8 *)at, (u8)old, (u8)new);
	case 2:
		return cmpxchg((u16 *)at, (u16)old, (u16)new);
	case 4:
		return cmpxchg((u32 *)at, (u32)old, (u32)new);
	default:
		return cmpxchg64((u64 *)at, old, new);
	}
}

/*
 * Through the kernel's own mapping of the page, held by a reference: there is
 * no exported way to do it through the user's. Memory without a struct page
 * has no such mapping.
 */
int kvmx_guest_cmpxchg(struct kvmx_vm *vm, gpa_t gpa, unsigned int size, u64 *old, u64 new,
		       bool atomic)
{
	struct kvmx_host_page page;
	struct kvmx_memslot *slot;
	unsigned long hva;
	size_t n;
	int ret;

	if ((size != 1 && size != 2 && size != 4 && size != 8) || (gpa & (size - 1)))
		return -EFAULT;
	ret = guest_segment(vm, gpa, size, true, &slot, &hva, &n);
	if (ret)
		return ret;
	ret = kvmx_host_get_page(vm->mm, hva & PAGE_MASK, true, atomic, &page);
	if (ret)
		return ret == -EAGAIN && atomic ? -EAGAIN : -EFAULT;
	ret = -EFAULT;
	if (page.page) {
		*old = cmpxchg_sized(page_address(page.page) + offset_in_page(gpa), size,
				     *old, new);
		kvmx_mark_dirty(vm, NULL, slot, gpa >> PAGE_SHIFT);
		ret = 0;
	}
	kvmx_host_put_page(&page, true);
	return ret;
}
