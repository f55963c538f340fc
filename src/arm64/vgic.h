/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM's interrupt controller, a GICv3, as the rest of the room sees it.
 */
#ifndef ARM64_VGIC_H
#define ARM64_VGIC_H

#include "arm64.h"

/* Whether the VM has one that is set up. */
bool vgic_ready(struct arm64_vcpu *v);
/* Whether there is nothing left to say about it before a vCPU runs. */
bool vgic_can_run(struct arm64_vcpu *v);

/* What the CPUs' interface has: ICH_VTR_EL2. */
void vgic_cpu_init(u64 vtr);

/* Around the window, and around an entry with interrupts off. */
void vgic_load(struct arm64_vcpu *v);
void vgic_save(struct arm64_vcpu *v);
void vgic_enter(struct arm64_vcpu *v);
void vgic_leave(struct arm64_vcpu *v);

/* Creation and end of vCPUs; KVMX_ARM_VCPU_INIT; 0 or -errno. */
int vgic_vcpu_init(struct arm64_vcpu *v);
void vgic_vcpu_free(struct arm64_vcpu *v);
void vgic_vcpu_reset(struct arm64_vcpu *v);
void vgic_destroy(struct arm64_vm *vm);

/* Whether an interrupt would end a WFI. Any context. */
bool vgic_wakes(struct arm64_vcpu *v);

/*
 * The level of a line from one source (KVMX_IRQ_SOURCE_*): of @v for private
 * interrupts. Any context. 0, -ENXIO (no controller), -EINVAL (no such interrupt).
 */
int vgic_set_line(struct arm64_vm *vm, struct arm64_vcpu *v, u32 intid, int source, bool level);

/* Whether messages need the number of their device, since there is an ITS. */
bool vgic_has_its(struct arm64_vm *vm);
/* Serves KVMX_REQ_ITS, outside of the window. */
void vgic_its_work(struct arm64_vcpu *v);

/* A trapped access to one of its system registers; false: none of them. */
bool vgic_sysreg(struct arm64_vcpu *v, u32 enc, bool write, u64 *val);

extern const struct kvmx_irq_sink vgic_irq_sink;

#endif
