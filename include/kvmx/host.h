/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel under us: every call whose name, prototype or availability
 * differs between the kernels we build for, and nothing else. src/host, from
 * facts that src/host/configure probes and writes to kvmx-facts.h.
 */
#ifndef KVMX_HOST_H
#define KVMX_HOST_H

#include <linux/types.h>
#include <linux/hrtimer.h>
#include <linux/eventfd.h>
#include <linux/wait.h>
#include <linux/mm_types.h>

/* Timers: hrtimer_init() or hrtimer_setup(). */
void kvmx_host_hrtimer_setup(struct hrtimer *timer,
			     enum hrtimer_restart (*fn)(struct hrtimer *timer),
			     clockid_t clock, enum hrtimer_mode mode);

/* Adds one to an eventfd's counter. Any context. */
void kvmx_host_eventfd_signal(struct eventfd_ctx *ctx);

/* Empties an eventfd's counter; from a wake function on it (its wait queue is locked). */
void kvmx_host_eventfd_drain(struct eventfd_ctx *ctx);
/*
 * Queues @wait before the ordinary waiters, where the kernel can; false, and
 * nothing was done, when a waiter with the same function is there already.
 */
bool kvmx_host_wait_first(struct wait_queue_head *head, struct wait_queue_entry *wait);

/* Makes CPU @cpu leave guest code, if it is in it. Any context; does not wait. */
void kvmx_host_kick_cpu(int cpu);

/* A page of current->mm (or of the VM's mm, which is the same) for a stage-2 fault. */
struct kvmx_host_page {
	u64 pfn;
	bool writable;		/* may be mapped writable */
	bool device;		/* no RAM: must not be cached */
	struct page *page;	/* reference held, or NULL (VM_PFNMAP memory) */
};

/*
 * Finds, faulting it in if need be, the page at @hva. @write: for writing.
 * @atomic: never sleeps (-EAGAIN when it would).
 * 0, -EFAULT (no mapping), -EHWPOISON, -EINTR, -EAGAIN, -ENOMEM.
 */
int kvmx_host_get_page(struct mm_struct *mm, unsigned long hva, bool write, bool atomic,
		       struct kvmx_host_page *out);
/* Drops the reference; @dirtied when it was mapped writable. Any context. */
void kvmx_host_put_page(struct kvmx_host_page *page, bool dirtied);
/*
 * The size at which @mm maps @hva now (1: 4 KiB, 2: 2 MiB, 3: 1 GiB); call
 * after a valid get_page and use the answer only if no invalidation came between.
 */
u8 kvmx_host_mapping_level(struct mm_struct *mm, unsigned long hva);

/* Guest FPU section: begin saves the user's registers, end lets them come back. */
void kvmx_host_fpu_begin(void);
void kvmx_host_fpu_end(void);

/* Whether the task has to go to user space: a signal, or work that waits for its return. */
bool kvmx_host_user_work_pending(void);
/*
 * What a system call returns to be made again once that work is done; it ends with
 * EINTR instead if a signal comes up meanwhile that the task handles. Called last.
 */
int kvmx_host_call_again(void);
/* That, or the scheduler wants the CPU, or softirqs wait that the FPU section keeps off. */
bool kvmx_host_must_leave(void);

/*
 * Power events, for whoever enabled the CPUs' virtualization units: power.c.
 * suspend and resume: one CPU is left, interrupts off. shutdown: reboot, halt
 * or kexec; may sleep. emergency: on each CPU of a crashing kernel, any
 * context. Registered while a unit is enabled.
 */
struct kvmx_host_power {
	void (*suspend)(void);
	void (*resume)(void);
	void (*shutdown)(void);
	void (*emergency)(void);
};
int kvmx_host_power_register(const struct kvmx_host_power *hooks);
void kvmx_host_power_unregister(void);

/*
 * For how many ns the current task could have run and did not; whether the
 * kernel counts it.
 */
u64 kvmx_host_run_delay(void);
bool kvmx_host_has_run_delay(void);

/*
 * arm64: what the kernel says of its CPUs' speculation (any of them affected), and whether
 * it was told to do nothing about it. Then: what the firmware says of one of its calls on
 * this CPU, as SMCCC_ARCH_FEATURES answers; -1 too if EL2 cannot call it.
 */
struct kvmx_host_spectre {
	bool v2, v4, bhb;
	bool off;
};
struct kvmx_host_spectre kvmx_host_spectre(void);
s32 kvmx_host_firmware_has(u32 function);

/* arm64: what all CPUs have in common of an identification register. */
u64 kvmx_host_id_reg(u32 encoding);

/*
 * arm64, process context: the Linux interrupt of this computer's EL1 virtual
 * timers, and of the GIC's maintenance of virtual interrupts, or -errno.
 */
int kvmx_host_timer_irq(void);
int kvmx_host_maintenance_irq(void);

/* Reads an MSR that may not exist: 0 or -EIO. */
int kvmx_host_rdmsr_safe(u32 msr, u64 *val);

/*
 * Tells RCU that this CPU is in no reader now, as after a stay in user space.
 * Interrupts off; nothing found under RCU may be held across the call.
 */
void kvmx_host_rcu_quiescent(void);

/*
 * VT-x on this CPU: CR4.VMXE has to be set through the kernel, which keeps a
 * copy of CR4 and would clear it again. Whether this kernel lets modules do
 * that; then around VMXON and VMXOFF, interrupts off.
 */
bool kvmx_host_vmx_available(void);
void kvmx_host_vmx_begin(void);
void kvmx_host_vmx_end(void);

/*
 * Keeps in-tree KVM from disabling the virtualization unit: 0, or -errno when
 * it is not there. Process context, one holder.
 */
int kvmx_host_kvm_hold(void);
void kvmx_host_kvm_release(void);

/* An NMI that ended a guest, on VT-x: the host's handler sees it. NMIs are open afterwards. */
void kvmx_host_nmi(void);
/* A machine check that came while the guest ran: the host's handler sees it. */
void kvmx_host_machine_check(void);

#endif
