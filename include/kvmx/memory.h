/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: slots (guest physical ranges backed by the VMM's memory), the
 * stage-2 tree that maps them, the mmu notifier that follows the host's
 * changes, the log of what was written to, and access to guest memory from the
 * kernel. src/core/memslot.c, memory.c, dirty.c, notifier.c; called by the door
 * and by the guest floor.
 */
#ifndef KVMX_MEMORY_H
#define KVMX_MEMORY_H

#include <linux/mmu_notifier.h>
#include <kvmx/stage2.h>

#define KVMX_MAX_SLOTS		32764	/* slot ids run from 0 to this - 1 */

struct kvmx_memslot {
	u64 base_gfn;			/* [I] */
	u64 npages;			/* [I] */
	unsigned long hva;		/* [I] user address of base_gfn */
	u32 flags;			/* [I] KVMX_MEM_* */
	u32 id;				/* [I] */
	unsigned long *dirty_bitmap;	/* [a] NULL unless logged, and while vCPUs have rings */
};

/* Whether writes to its pages are to be told: see dirty.c below. */
static inline bool kvmx_memslot_logged(const struct kvmx_memslot *slot)
{
	return slot->flags & KVMX_MEM_LOG_DIRTY_PAGES;
}

/* One published set of slots, sorted by base_gfn; replaced as a whole. */
struct kvmx_memslots {
	struct rcu_head rcu;
	u64 generation;			/* grows by one with each set */
	u32 nr;
	struct kvmx_memslot *slot[];
};

struct kvmx_memory {
	struct mutex slots_lock;
	struct srcu_struct srcu;	/* protects readers of slots */
	struct kvmx_memslots __rcu *slots;	/* [S] */
	rwlock_t mmu_lock;		/* read: install an entry; write: zap */
	unsigned long invalidate_seq;	/* [mmu_lock] counts finished invalidations */
	unsigned long invalidating;	/* [mmu_lock] invalidations under way */
	unsigned long invalidate_start;	/* [mmu_lock] user addresses that these cover, */
	unsigned long invalidate_end;	/*	      meaningless while there are none */
	struct stage2 *s2;		/* [I] */
	u64 dirty_manual;		/* [s] KVMX_DIRTY_LOG_MANUAL_PROTECT_ENABLE, INITIALLY_SET */
	u32 dirty_ring_size;		/* [I] once there are vCPUs: entries, 0: bitmaps */
	struct mmu_notifier notifier;
	bool attached;			/* [I] between init and detach */
};

struct kvmx_vm;
struct kvmx_vcpu;

/*
 * Creation and end. Init attaches to vm->mm (whose mmap_lock the caller does
 * not hold); 0 or -errno with nothing left behind.
 * Destroy detaches if that was not done, and takes a VM whose init failed.
 * RCU callbacks of ours may still run: module exit goes through rcu_barrier().
 */
int kvmx_memory_init(struct kvmx_vm *vm, const struct stage2_format *format);
void kvmx_memory_destroy(struct kvmx_vm *vm);
/* Ends the mmu notifier; no callback runs after it returns. */
void kvmx_memory_detach(struct kvmx_vm *vm);

/*
 * KVMX_SET_USER_MEMORY_REGION: add, move, change flags, delete (size 0).
 * 0 or -EINVAL (alignment, flags, wrap, range), -EEXIST (overlap), -ENOMEM.
 * Asks all vCPUs for a TLB flush, then waits for every reader of the slots: the
 * caller must not hold the slots' SRCU, and a vCPU lets go of it for a moment
 * when it has a request.
 */
int kvmx_memslot_set(struct kvmx_vm *vm, const struct kvmx_userspace_memory_region2 *mem);

/* For a vCPU in KVMX_RUN: leaves the slots' SRCU until the change under way is over. */
void kvmx_memslots_let_go(struct kvmx_vcpu *vcpu);

/* The slot that holds @gfn, or NULL. Caller holds the slots' SRCU or slots_lock. */
struct kvmx_memslot *kvmx_memslot_find(struct kvmx_vm *vm, gfn_t gfn);

/* What kvmx_memory_fault() found. */
enum kvmx_fault_result {
	KVMX_FAULT_MAPPED,	/* mapped (or already was): run the guest again */
	KVMX_FAULT_MMIO,	/* no slot there, or a write to a read-only one */
	KVMX_FAULT_SLOW,	/* @atomic, and it would have to sleep */
	KVMX_FAULT_SIGNAL,	/* a fatal signal, or -EINTR from the host's fault */
	KVMX_FAULT_BAD,		/* the VMM's mapping is missing: -EFAULT to user space */
	KVMX_FAULT_HWPOISON,	/* the page is poisoned */
	KVMX_FAULT_NOMEM,
};

/*
 * Handles a stage-2 fault of @vcpu at @gpa; @access is STAGE2_READ/WRITE/EXEC.
 * With @atomic it never sleeps (preemption may be off, interrupts are on).
 * Caller holds the slots' SRCU.
 */
enum kvmx_fault_result kvmx_memory_fault(struct kvmx_vcpu *vcpu, gpa_t gpa, u32 access,
					 bool atomic);

/*
 * KVMX_PRE_FAULT_MEMORY: maps what a read by @vcpu would, from @range->gpa on,
 * and has @range be what is left. 0 once something is mapped, else -EINVAL (no
 * such range), -ENOENT (no slot), -EFAULT, -EHWPOISON, -ENOMEM, -EINTR.
 */
int kvmx_memory_prefault(struct kvmx_vcpu *vcpu, struct kvmx_pre_fault_memory *range);

/*
 * Access to guest memory from vCPU or ioctl context; a range may cross slots.
 * 0, or -EFAULT when any byte has no slot, is not mapped by the VMM, or (write)
 * is read-only. The _atomic ones never sleep: -EAGAIN when they would.
 * Caller holds the slots' SRCU, current->mm is the VM's. Writes mark pages dirty.
 */
int kvmx_guest_read(struct kvmx_vm *vm, gpa_t gpa, void *data, size_t len);
int kvmx_guest_write(struct kvmx_vm *vm, gpa_t gpa, const void *data, size_t len);
int kvmx_guest_read_atomic(struct kvmx_vm *vm, gpa_t gpa, void *data, size_t len);
int kvmx_guest_write_atomic(struct kvmx_vm *vm, gpa_t gpa, const void *data, size_t len);
/* Where in the VMM's address space @gpa lies, for reading. 0 or -EFAULT: no slot. */
int kvmx_guest_hva(struct kvmx_vm *vm, gpa_t gpa, unsigned long *hva);

/* A word of guest memory that was read: an aligned address that kvmx_guest_hva() gave. */
struct kvmx_look {
	const u64 __user *at;
	u64 mask, val;
};
/*
 * Whether every word (@nr of them, one or more) still is what it was. Never
 * sleeps: false when it would. The addresses are good for one generation of slots.
 */
bool kvmx_guest_same(const struct kvmx_look *look, unsigned int nr);
/* Changes with every change of slots. Caller as above. */
u64 kvmx_memslots_generation(struct kvmx_vm *vm);

/*
 * Compare-exchange of a naturally aligned 1, 2, 4 or 8 byte value at @gpa.
 * *@old is updated to what was found. 0 (compare *old yourself), -EFAULT, or
 * -EAGAIN with @atomic when it would have to sleep.
 */
int kvmx_guest_cmpxchg(struct kvmx_vm *vm, gpa_t gpa, unsigned int size, u64 *old, u64 new,
		       bool atomic);

/* ---- which pages were written to: src/core/dirty.c ---- */

/* A vCPU's ring, of which the VMM maps and changes the entries. */
struct kvmx_dirty_ring {
	struct kvmx_dirty_gfn *entries;	/* [I] NULL without rings */
	u32 size;			/* [I] entries, a power of two */
	raw_spinlock_t lock;		/* taken on the way out of the guest */
	u32 first;			/* [lock] the oldest entry in use; counts on without bound */
	u32 used;			/* [lock] */
};

#define KVMX_DIRTY_RING_BYTES_MAX	(65536 * sizeof(struct kvmx_dirty_gfn))

/*
 * A page of @slot was written to, by @vcpu or, if that is NULL, by this task.
 * Does not sleep. With rings, @vcpu has a request when its ring is nearly full.
 */
void kvmx_mark_dirty(struct kvmx_vm *vm, struct kvmx_vcpu *vcpu, struct kvmx_memslot *slot,
		     gfn_t gfn);

/*
 * @nr pages of guest memory that the unit has seen @vcpu's guest write to (a
 * stage-2 format that logs_writes), at guest physical addresses @gpa. By the
 * vCPU itself, before it says that it is outside of the guest; any context.
 */
void kvmx_mark_written(struct kvmx_vcpu *vcpu, const u64 *gpa, unsigned int nr);
/* Whether a VM wants to be told so: with rings, which could overflow, faults do it. */
static inline bool kvmx_dirty_by_unit(const struct kvmx_memory *mem)
{
	return stage2_format(mem->s2)->logs_writes && !mem->dirty_ring_size;
}

/*
 * KVMX_GET_DIRTY_LOG: the pages of slot @id written to since it was asked last
 * (or, with manual clearing, since they were cleared), one bit each, in
 * *@bitmap: *@bytes bytes that the caller kvfree()s. -EINVAL (no such id),
 * -ENOENT (no such slot, or it is not logged), -ENXIO (there are rings), -ENOMEM.
 */
int kvmx_dirty_log_get(struct kvmx_vm *vm, u32 id, unsigned long **bitmap, size_t *bytes);
/* What was got could not be told: the next get tells it. */
void kvmx_dirty_log_put_back(struct kvmx_vm *vm, u32 id, const unsigned long *bitmap,
			     size_t bytes);
/*
 * KVMX_CLEAR_DIRTY_LOG of @nr pages from @first on, those of @bitmap. NULL: only
 * tells what the errors would be, those of get, or -EINVAL (not whole words).
 */
int kvmx_dirty_log_clear(struct kvmx_vm *vm, u32 id, u64 first, u32 nr,
			 const unsigned long *bitmap);
/* KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2. 0 or -EINVAL. */
int kvmx_dirty_manual_set(struct kvmx_vm *vm, u64 flags);

/* KVMX_CAP_DIRTY_LOG_RING, under vm->lock: 0, -EINVAL (also: too late) or -E2BIG. */
int kvmx_dirty_rings_enable(struct kvmx_vm *vm, u64 bytes);
/* KVMX_RESET_DIRTY_RINGS: how many entries are free again, or -EINVAL. May sleep. */
long kvmx_dirty_rings_reset(struct kvmx_vm *vm);
/* The ring of a new vCPU, if the VM has rings. 0 or -ENOMEM; destroy takes both. */
int kvmx_dirty_ring_init(struct kvmx_vcpu *vcpu);
void kvmx_dirty_ring_destroy(struct kvmx_vcpu *vcpu);
/* Page @index of the ring for the vCPU's mapping, or NULL. */
struct page *kvmx_dirty_ring_page(struct kvmx_vcpu *vcpu, unsigned long index);
/* Whether @vcpu has to leave to the VMM because of its ring. */
bool kvmx_dirty_ring_full(const struct kvmx_vcpu *vcpu);

/* ---- between the files of this room ---- */

/* memory.c: unmaps [@start, @end) and flushes; gives way between parts if it @may_sleep. */
bool kvmx_memory_zap(struct kvmx_vm *vm, gfn_t start, gfn_t end, bool may_sleep);
/* memory.c: kvmx_dirty_watch() of [@start, @end), and flushes. May sleep. */
void kvmx_memory_watch_writes(struct kvmx_vm *vm, gfn_t start, gfn_t end);
/* memslot.c: the slot with that number, or NULL. Under slots_lock. */
struct kvmx_memslot *kvmx_memslot_by_id(struct kvmx_vm *vm, u32 id);
/* dirty.c: the next write to each page of [@start, @end) will be told. mmu_lock, exclusive. */
void kvmx_dirty_watch(struct kvmx_vm *vm, gfn_t start, gfn_t end, struct stage2_gather *gather);
/* dirty.c: the bitmap of a slot that is logged, unless there are rings. 0 or -ENOMEM. */
int kvmx_dirty_bitmap_init(struct kvmx_vm *vm, struct kvmx_memslot *slot);
/* Whether a slot that is logged from now on has all its pages in the log. Under slots_lock. */
static inline bool kvmx_dirty_initially_set(const struct kvmx_memory *mem)
{
	return (mem->dirty_manual & KVMX_DIRTY_LOG_INITIALLY_SET) && !mem->dirty_ring_size;
}
/* memslot.c: the empty set of slots, and the end of them all. */
int kvmx_memslots_init(struct kvmx_vm *vm);
void kvmx_memslots_destroy(struct kvmx_vm *vm);
/* notifier.c: starts following vm->mm. kvmx_memory_detach() ends it. */
int kvmx_memory_attach(struct kvmx_vm *vm);

#endif
