/* SPDX-License-Identifier: GPL-2.0-only */
/* Ends of interrupts without an exit: pv_eoi.c. With the vCPU's mutex held. */
#ifndef X86_PV_EOI_H
#define X86_PV_EOI_H

#include <kvmx/x86.h>

int x86_pv_eoi_set_msr(struct x86_vcpu *v, u64 val);	/* outside of the window; 0 or -EINVAL */

/* An interrupt went into service, and v->pv_eoi.msr says enabled. In the window. */
void x86_pv_eoi_offer(struct x86_vcpu *v);
/*
 * v->pv_eoi.offered: takes the offer back, or ends the interrupt that the guest
 * has ended. False if that would sleep (@atomic); the slots' SRCU is held.
 */
bool x86_pv_eoi_collect(struct x86_vcpu *v, bool atomic);
/* The same, and the guest wrote to its EOI register. */
void x86_pv_eoi_written(struct x86_vcpu *v);

#endif
