/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: slots (guest physical ranges backed by the VMM's memory), the
 * stage-2 tree that maps them, the mmu notifier that follows the host's
 * changes, and access to guest memory from the kernel. src/core/memslot.c,
 * memory.c, notifier.c; called by the door and by the guest floor.
 */
#ifndef KVMX_MEMORY_H
#define KVMX_MEMORY_H

#include <linux/mmu_notifier.h>
#include <kvmx/stage2.h>

#define KVMX_MAX_SLOTS		32764	/* slot ids run from 0 to this - 1 */
#define KVMX_INTERNAL_SLOTS	3	/* ids above that, for the guest floor */

struct kvmx_memslot {
	u64 base_gfn;			/* [I] */
	u64 npages;			/* [I] */
	unsigned long hva;		/* [I] user address of base_gfn */
	u32 flags;			/* [I] KVMX_MEM_* */
	u32 id;				/* [I] */
	unsigned long *dirty_bitmap;	/* [a] NULL unless KVMX_MEM_LOG_DIRTY_PAGES */
};

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

void kvmx_mark_dirty(struct kvmx_vm *vm, struct kvmx_memslot *slot, gfn_t gfn);

/*
 * KVMX_GET_DIRTY_LOG: the pages of slot @id written to since it was asked
 * last, one bit each, in *@bitmap: *@bytes bytes that the caller kvfree()s.
 * -EINVAL (no such id), -ENOENT (no such slot, or it is not logged), -ENOMEM.
 */
int kvmx_dirty_log_get(struct kvmx_vm *vm, u32 id, unsigned long **bitmap, size_t *bytes);

/* ---- between the files of this room ---- */

/* memory.c: unmaps [@start, @end) and flushes; gives way between parts if it @may_sleep. */
bool kvmx_memory_zap(struct kvmx_vm *vm, gfn_t start, gfn_t end, bool may_sleep);
/* memory.c: takes the right to write to [@start, @end) and flushes. May sleep. */
void kvmx_memory_write_protect(struct kvmx_vm *vm, gfn_t start, gfn_t end);
/* memslot.c: the empty set of slots, and the end of them all. */
int kvmx_memslots_init(struct kvmx_vm *vm);
void kvmx_memslots_destroy(struct kvmx_vm *vm);
/* notifier.c: starts following vm->mm. kvmx_memory_detach() ends it. */
int kvmx_memory_attach(struct kvmx_vm *vm);

#endif
