/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's state as user space gets and sets it: the structures of the KVM
 * API to and from struct x86_vcpu. state.c, state_events.c; called by the
 * ioctls. A get changes nothing; a set that fails has changed nothing.
 */
#ifndef X86_STATE_H
#define X86_STATE_H

#include <kvmx/x86.h>

void x86_regs_get(struct x86_vcpu *v, struct kvmx_regs *regs);
void x86_regs_set(struct x86_vcpu *v, const struct kvmx_regs *regs);

void x86_sregs_get(struct x86_vcpu *v, struct kvmx_sregs *sregs);
int x86_sregs_set(struct x86_vcpu *v, const struct kvmx_sregs *sregs);
void x86_sregs2_get(struct x86_vcpu *v, struct kvmx_sregs2 *sregs);
int x86_sregs2_set(struct x86_vcpu *v, const struct kvmx_sregs2 *sregs);

void x86_debugregs_get(struct x86_vcpu *v, struct kvmx_debugregs *regs);
int x86_debugregs_set(struct x86_vcpu *v, const struct kvmx_debugregs *regs);

void x86_xcrs_get(struct x86_vcpu *v, struct kvmx_xcrs *xcrs);
int x86_xcrs_set(struct x86_vcpu *v, const struct kvmx_xcrs *xcrs);

/* INIT and SIPI that have arrived are served first: no register says that they wait. */
void x86_mp_state_get(struct x86_vcpu *v, struct kvmx_mp_state *mp);
int x86_mp_state_set(struct x86_vcpu *v, const struct kvmx_mp_state *mp);

void x86_vcpu_events_get(struct x86_vcpu *v, struct kvmx_vcpu_events *events);
int x86_vcpu_events_set(struct x86_vcpu *v, const struct kvmx_vcpu_events *events);

/* KVMX_INTERRUPT: -EINVAL (vector), -ENXIO (the kernel has the PIC), -EEXIST (one waits). */
int x86_user_interrupt(struct x86_vcpu *v, u32 vector);

/* An interrupt that was in the midst of being delivered; -1: none. */
void x86_accept_interrupt(struct x86_vcpu *v, int vector, bool soft);

/* CR2 and DR6 as user space sees them while an exception that will change them is pending. */
u64 x86_visible_cr2(struct x86_vcpu *v);
u64 x86_visible_dr6(struct x86_vcpu *v);

#endif
