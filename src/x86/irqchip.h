/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt controllers of a VM together: full irqchip (PIC, I/O APIC and
 * local APICs in the kernel) or split (local APICs only), what an interrupt
 * route does, and the one question the run loop asks: which vector is next.
 */
#ifndef X86_IRQCHIP_H
#define X86_IRQCHIP_H

#include <kvmx/x86.h>
#include <kvmx/ioctl.h>

/* Under vm->lock. -EEXIST: it has one; -EINVAL: it has vCPUs, or @routes is too large. */
int x86_irqchip_create(struct x86_vm *vm);
int x86_irqchip_split(struct x86_vm *vm, u64 routes);
/* KVMX_CAP_X2APIC_API: flags it does not know are -EINVAL. Under vm->lock. */
int x86_irqchip_x2apic_api(struct x86_vm *vm, u64 flags);
u64 x86_irqchip_x2apic_api_flags(void);		/* those it knows */
void x86_irqchip_quiesce(struct x86_vm *vm);	/* no vCPU runs any more: stop timers; may sleep */
void x86_irqchip_destroy(struct x86_vm *vm);	/* @vm may have none; may sleep */

/* Local APICs are in the kernel, full or split. */
static inline bool irqchip_in_kernel(struct x86_vm *vm)
{
	return READ_ONCE(vm->irqchip) || READ_ONCE(vm->split_irqchip);
}

extern const struct kvmx_irq_sink x86_irq_sink;

/* Vector of the next external interrupt, or -1. No side effects, any context. */
int x86_interrupt_pending(struct x86_vcpu *v);
/* The same, of those that do not come from a local APIC here. */
int x86_external_pending(struct x86_vcpu *v);
/* Takes it: the vector to inject, or -1 when there is none any more. vCPU mutex. */
int x86_interrupt_ack(struct x86_vcpu *v);

#endif
