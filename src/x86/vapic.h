/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Help for guests that access the task priority register all the time
 * (vapic.c): what the run loop, the local APIC and the ioctl table call.
 */
#ifndef X86_VAPIC_H
#define X86_VAPIC_H

#include <kvmx/x86.h>

struct kvmx_call;

/* The register page's TPR is read or written by the instruction that is emulated. */
void x86_vapic_report(struct x86_vcpu *v, bool write);
void x86_vapic_tell(struct x86_vcpu *v);	/* KVMX_REQ_TPR_ACCESS was taken: fills the run page */

/* Before and after each window, when v->vapic.addr is set; slots' SRCU held. */
void x86_vapic_publish(struct x86_vcpu *v);
void x86_vapic_collect(struct x86_vcpu *v);

long x86_vapic_reporting_ioctl(struct kvmx_call *call);
long x86_vapic_addr_ioctl(struct kvmx_call *call);

#endif
