/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The I/O APIC (82093AA) of a VM with a full in-kernel irqchip. ioapic.c;
 * called by irqchip.c and, for EOIs, by lapic.c.
 */
#ifndef X86_IOAPIC_H
#define X86_IOAPIC_H

#include <kvmx/x86.h>

#define IOAPIC_ADDR		0xfec00000ull
#define IOAPIC_PINS		24

int ioapic_create(struct x86_vm *vm);	/* sets vm->ioapic and registers it; may sleep */
void ioapic_destroy(struct x86_vm *vm);	/* may sleep */

/* Any context. > 0 delivered to so many, 0 coalesced, -1 masked or nobody there. */
int ioapic_set_irq(struct x86_vm *vm, u32 pin, int source, int level);
/* Any context, no lock: some redirection entry carries @vector. */
bool ioapic_handles(struct ioapic *ioapic, u8 vector);
u64 ioapic_vectors(struct ioapic *ioapic, u32 i);	/* the same of vectors 64 * @i, 0 to 3, and up */
/* Any context. A local APIC ended @vector, which came to it as a @level interrupt or as an edge. */
void ioapic_eoi(struct x86_vm *vm, u8 vector, bool level);

void ioapic_get_state(struct ioapic *ioapic, struct kvmx_ioapic_state *s);
void ioapic_set_state(struct x86_vm *vm, const struct kvmx_ioapic_state *s);

#endif
