/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects that every room shares: a virtual machine and its vCPUs, as far
 * as they are the same on every CPU. src/core owns them; the guest floor
 * embeds each in a larger structure of its own (see arch.h).
 */
#ifndef KVMX_VM_H
#define KVMX_VM_H

#include <linux/kernel.h>
#include <linux/types.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/refcount.h>
#include <linux/list.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/rcuwait.h>
#include <linux/srcu.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/kvmx.h>

#define KVMX_MAX_VCPUS		1024	/* vCPUs of one VM */
#define KVMX_MAX_VCPU_ID	1024	/* vCPU ids run from 0 to this - 1 */

typedef u64 gpa_t;			/* guest physical address (IPA on Arm) */
typedef u64 gva_t;			/* guest virtual (on x86: linear) address */
typedef u64 gfn_t;			/* guest page frame number, 4 KiB units */

struct kvmx_vm;
struct kvmx_vcpu;

#include <kvmx/memory.h>
#include <kvmx/bus.h>
#include <kvmx/irq.h>
#include <kvmx/stats.h>

/*
 * Locks, outermost first: vm->lock, vcpu->mutex, slots_lock, mmu_lock.
 * Letters: [I] immutable after creation, [l] vm->lock, [m] vCPU mutex,
 * [s] slots_lock, [S] SRCU-published under slots_lock, [r] RCU-published,
 * [a] atomic, [w] run window only.
 */
struct kvmx_vm {
	refcount_t refs;		/* [a] VM file, each vCPU file, each device */
	struct mm_struct *mm;		/* [I] the only address space that may use us */
	struct list_head link;		/* door's list of VMs */
	char name[32];			/* [I] "kvmx-", its maker's pid, and a number of its own */
	struct mutex lock;		/* vCPU and irqchip creation, capabilities */
	bool dead;			/* [l] a failed VM: every ioctl is -EIO */

	struct kvmx_vcpu *vcpus[KVMX_MAX_VCPUS];	/* [I] once below nr_vcpus */
	atomic_t nr_vcpus;		/* [a] published with release */
	u32 max_vcpu_id;		/* [l] ids below this are accepted */
	bool halt_poll_set;		/* [l] KVMX_CAP_HALT_POLL was enabled: its value counts */
	u32 halt_poll_max_ns;		/* [l] */

	struct kvmx_memory memory;	/* slots, stage 2, notifier: memory.h */
	struct kvmx_buses buses;	/* in-kernel devices: bus.h */
	struct kvmx_coalesced coalesced;/* writes that wait for user space: bus.h */
	struct kvmx_irqs irqs;		/* routing, irqfds: irq.h */
	struct list_head ioeventfds;	/* [s] */
	u64 stat[KVMX_VM_STATS];	/* stats.h */
};

/* Requests, asked of a vCPU from anywhere; see kvmx_vcpu_request(). */
enum {
	KVMX_REQ_TLB_FLUSH,		/* drop cached stage-2 translations before entry */
	KVMX_REQ_EVENT,			/* look at interrupts, NMIs, INIT, SIPI again */
	KVMX_REQ_UNBLOCK,		/* leave the halted wait */
	KVMX_REQ_VM_DEAD,		/* return -EIO from KVMX_RUN */
	KVMX_REQ_SLOTS,			/* kvmx_memslots_let_go(): somebody waits */
	KVMX_REQ_DIRTY_RING,		/* leave to user space if the dirty ring is full */
	KVMX_REQ_ARCH = 8,		/* first of the guest floor's own */
};

/* Where a vCPU is, for whoever wants it to notice something. */
enum kvmx_vcpu_mode {
	KVMX_OUTSIDE,			/* not in guest code; will see requests before entry */
	KVMX_IN_GUEST,			/* in guest code, or committed to enter it */
	KVMX_LEAVING,			/* was IN_GUEST, an IPI is on its way */
};

struct kvmx_vcpu {
	struct kvmx_vm *vm;		/* [I] */
	u32 id;				/* [I] as given by user space (x86: initial APIC id) */
	u32 index;			/* [I] position in vm->vcpus */
	struct mutex mutex;		/* one ioctl at a time */
	struct task_struct *runner;	/* [m] whose KVMX_RUN this is; others only compare it */
	struct kvmx_run *run;		/* [I] first page of the mmap area */
	void *pio_page;			/* [I] second page of the mmap area, where the CPU has ports */
	unsigned long requests;		/* [a] bits of KVMX_REQ_ */
	int mode;			/* [a] enum kvmx_vcpu_mode */
	int cpu;			/* [w] where it runs, -1 outside a window */
	struct rcuwait wait;		/* its thread sleeps here while it is halted */
	bool blocked;			/* [a] is sleeping, or about to */
	struct kvmx_dirty_ring dirty_ring;
	int srcu_idx;			/* [m] slots' SRCU, held while KVMX_RUN may touch slots */
	int run_error;			/* [m] what KVMX_RUN returns after RUN_ERROR */
	bool sigset_active;		/* [m] */
	sigset_t sigset;		/* [m] KVMX_SET_SIGNAL_MASK */
	u64 halt_poll_ns;		/* [m] how long to poll before sleeping */
	bool no_halt_poll;		/* [m] not at all: the guest does */
	u64 stat[KVMX_VCPU_STATS];	/* [m] stats.h */
};

/* Sets a request bit. Pair with kvmx_vcpu_kick() when the vCPU must notice now. */
static inline void kvmx_vcpu_request(struct kvmx_vcpu *vcpu, int req)
{
	smp_wmb();	/* what the request announces is seen by who sees the bit */
	set_bit(req, &vcpu->requests);
}

/* Takes a request: true once per request made. */
static inline bool kvmx_vcpu_take(struct kvmx_vcpu *vcpu, int req)
{
	if (!test_bit(req, &vcpu->requests))
		return false;
	clear_bit(req, &vcpu->requests);
	smp_mb__after_atomic();
	return true;
}

/* src/core/vcpu.c. All callable from any context, interrupts on or off. */
void kvmx_vcpu_wake(struct kvmx_vcpu *vcpu);	/* end its halted wait, if any */
void kvmx_vcpu_kick(struct kvmx_vcpu *vcpu);	/* wake, and make it leave guest code */

/*
 * Every vCPU of @vm sees @req before it runs guest code again. With @wait the
 * call returns only when none is in guest code that was entered before it
 * (interrupts must be on then).
 */
void kvmx_vm_request_all(struct kvmx_vm *vm, int req, bool wait);

/*
 * Sleeps until runnable, a request for UNBLOCK, or a signal. Polls first.
 * Called by the vCPU's thread with the slots' SRCU held (vcpu->srcu_idx),
 * which it drops while it sleeps.
 */
void kvmx_vcpu_block(struct kvmx_vcpu *vcpu);

/*
 * Whether this CPU's unit is ours to use; asked with interrupts off before
 * each entry. False while the CPU goes offline or the machine goes down:
 * close the window, sleep a tick (schedule_timeout_interruptible(1)), retry.
 */
DECLARE_PER_CPU(bool, kvmx_unit_on);	/* changed by its own CPU, interrupts off */
static inline bool kvmx_unit_ready(void)
{
	return __this_cpu_read(kvmx_unit_on);
}

static inline u32 kvmx_vm_nr_vcpus(struct kvmx_vm *vm)
{
	return atomic_read_acquire(&vm->nr_vcpus);
}

/* The vCPU with the given id, or NULL. */
struct kvmx_vcpu *kvmx_vm_vcpu_by_id(struct kvmx_vm *vm, u32 id);

void kvmx_vm_get(struct kvmx_vm *vm);
void kvmx_vm_put(struct kvmx_vm *vm);
/* Makes a VM that can no longer be trusted refuse everything with -EIO. */
void kvmx_vm_kill(struct kvmx_vm *vm);

#endif
