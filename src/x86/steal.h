/* SPDX-License-Identifier: GPL-2.0-only */
/* Steal time of a vCPU, and its flags for other vCPUs: see steal.c. */
#ifndef X86_STEAL_H
#define X86_STEAL_H

#include <linux/kvmx_para.h>
#include <kvmx/x86.h>

static inline bool x86_steal_enabled(struct x86_vcpu *v)
{
	return v->steal.msr & KVMX_MSR_ENABLED;
}

/* 0, or -EINVAL: #GP. */
int x86_steal_set_msr(struct x86_vcpu *v, u64 val);
/* When it is enabled. update(): before the guest runs, may sleep. */
void x86_steal_update(struct x86_vcpu *v);
void x86_steal_preempted(struct x86_vcpu *v);

#endif
