/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the door asks of the guest floor: linked, one implementation a module.
 * src/x86 or src/arm64 implement it, src/core's door calls it.
 */
#ifndef KVMX_ARCH_H
#define KVMX_ARCH_H

#include <kvmx/vm.h>
#include <kvmx/run.h>
#include <kvmx/ioctl.h>

/* Module load and unload. Init prints one line and returns an errno if it cannot be. */
int kvmx_arch_init(void);
void kvmx_arch_exit(void);

/*
 * Around the time in which CPUs' units are enabled; process context. 0, or
 * -errno after one line that says why.
 */
int kvmx_arch_unit_take(void);
void kvmx_arch_unit_give(void);
/*
 * The CPU's virtualization unit on this CPU, interrupts off. -EBUSY: somebody
 * else holds it, -EIO: the CPU refused. Disabling also happens in a crashing
 * kernel (NMI context): no locks, no prints.
 */
int kvmx_arch_cpu_enable(void);
void kvmx_arch_cpu_disable(void);
/* One word for whoever holds the unit when kvmx_arch_cpu_enable() says -EBUSY. */
const char *kvmx_arch_unit_name(void);

/*
 * VMs and vCPUs: the guest floor allocates its larger structure, fills its
 * part (not the generic part: the door does that before it calls vm_init) and
 * frees it. ERR_PTR on failure.
 */
struct kvmx_vm *kvmx_arch_vm_alloc(unsigned long type);
/*
 * The generic part (buses included) is ready; calls kvmx_irqs_init() and
 * kvmx_memory_init() itself. On failure it has undone these and all of its
 * own, and kvmx_arch_vm_free() follows. In the end the door takes down, in
 * this order: irqfds, quiesce, mmu notifier, vCPUs, irqs, buses, memory, and
 * calls kvmx_arch_vm_free() last: by then devices need not be unregistered.
 */
int kvmx_arch_vm_init(struct kvmx_vm *vm);
void kvmx_arch_vm_quiesce(struct kvmx_vm *vm);	/* last vCPU gone: stop timers and other sources */
void kvmx_arch_vm_free(struct kvmx_vm *vm);	/* and the memory of @vm itself */

struct kvmx_vcpu *kvmx_arch_vcpu_alloc(struct kvmx_vm *vm, u32 id);
/* The generic part is ready; under vm->lock. kvmx_arch_vcpu_free() follows also when it fails. */
int kvmx_arch_vcpu_init(struct kvmx_vcpu *vcpu);
void kvmx_arch_vcpu_posted(struct kvmx_vcpu *vcpu);	/* it is in vm->vcpus now */
void kvmx_arch_vcpu_free(struct kvmx_vcpu *vcpu);

/* Whether a halted vCPU has a reason to run. Any context. */
bool kvmx_arch_vcpu_runnable(struct kvmx_vcpu *vcpu);

/* KVMX_CHECK_EXTENSION of what is not generic; @vm NULL on the system file. */
int kvmx_arch_check_extension(struct kvmx_vm *vm, u32 cap);
/* KVMX_ENABLE_CAP: -EINVAL for what it does not know. @vcpu NULL on the VM file. */
int kvmx_arch_enable_cap(struct kvmx_vm *vm, struct kvmx_vcpu *vcpu,
			 const struct kvmx_enable_cap *cap);

/* Its ioctls, for the door's table. A row with number and scope of a generic one replaces it. */
extern const struct kvmx_ioctl kvmx_arch_ioctls[];
extern const unsigned int kvmx_arch_nr_ioctls;
/* And those of its interrupt controllers. */
extern const struct kvmx_ioctl kvmx_arch_irq_ioctls[];
extern const unsigned int kvmx_arch_nr_irq_ioctls;

/* Names of its vCPU counters, for KVMX_STAT_ARCH + i. */
extern const char * const kvmx_arch_vcpu_stat_names[];
extern const unsigned int kvmx_arch_nr_vcpu_stats;

#endif
