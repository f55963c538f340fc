/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers of a guest: one table says which there are and how
 * each is read and written. msr.c with msr_pv.c, mtrr.c and mce.c; called by the
 * exit table, the emulator and the ioctls.
 */
#ifndef X86_MSR_H
#define X86_MSR_H

#include <kvmx/x86.h>

/*
 * RDMSR and WRMSR with the checks of the guest's own instruction, or with
 * @host for user space (KVMX_GET_MSRS, KVMX_SET_MSRS): what the guest may not
 * change is settable then, in any order with other state. 0; #GP: -ENOENT (there
 * is no such MSR), -EINVAL.
 */
int x86_msr_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host);
int x86_msr_set(struct x86_vcpu *v, u32 msr, u64 val, bool host);

/*
 * User space's filter (msr_filter.c): replaced under vm->lock, 0, -EINVAL,
 * -EFAULT or -ENOMEM; asked for the guest's own instructions; applied to the
 * unit when KVMX_REQ_MSR_FILTER was taken.
 */
int x86_msr_filter_set(struct x86_vm *vm, const struct kvmx_msr_filter *in);
void x86_msr_filter_destroy(struct x86_vm *vm);
void x86_msr_filter_apply(struct x86_vcpu *v);
bool x86_msr_allowed_by_filter(struct x86_vcpu *v, u32 msr, bool write);
static inline bool x86_msr_allowed(struct x86_vcpu *v, u32 msr, bool write)
{
	return likely(!rcu_access_pointer(x86_vm_of(v)->msr_filter)) ||
	       x86_msr_allowed_by_filter(v, msr, write);
}

/* Whether WRMSR of it may sleep, or touch guest memory: outside of the run window then. */
bool x86_msr_write_sleeps(u32 msr);

/*
 * Run window: MSRs of the CPU that the guest uses directly and no unit swaps
 * (IA32_TSC_AUX, read by RDTSCP and RDPID). Next to x86_fpu_load() and _save().
 */
void x86_msr_load(struct x86_vcpu *v);
void x86_msr_save(struct x86_vcpu *v);

/* Power-up or INIT values of the floor's MSRs (not APIC, TSC, clock, machine check). */
void x86_msr_reset(struct x86_vcpu *v, bool init);

/* Lists for user space: how many there are; the first @room of them go to @list. */
u32 x86_msr_list(u32 *list, u32 room);
u32 x86_msr_feature_list(u32 *list, u32 room);
/* A feature MSR's value on this CPU: 0 or -EINVAL. */
int x86_msr_feature(u32 msr, u64 *val);

/* Module load, after x86_cpuid_init(). */
void x86_msr_init(void);

/* Canonical for this guest's CPU (Intel SDM, "Canonical Addressing"). */
bool x86_msr_canonical(struct x86_vcpu *v, u64 addr);

/* msr_pv.c: the hypervisor's own. */
int x86_pv_msr_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host);
int x86_pv_msr_set(struct x86_vcpu *v, u32 msr, u64 val, bool host);

/* mtrr.c */
int x86_mtrr_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host);
int x86_mtrr_set(struct x86_vcpu *v, u32 msr, u64 val, bool host);
bool x86_pat_valid(u64 val);

/* mce.c: machine-check registers, KVMX_X86_SETUP_MCE and KVMX_X86_SET_MCE. */
#define X86_MCE_BANKS		32
#define X86_MCG_CTL_P		BIT_ULL(8)
#define X86_MCG_SER_P		BIT_ULL(24)
#define X86_MCG_CAP_SUPPORTED	(X86_MCG_CTL_P | X86_MCG_SER_P)
#define X86_HWCR_MC_STATUS_WR_EN BIT_ULL(18)
void x86_mce_init(struct x86_vcpu *v);	/* at creation */
int x86_mce_setup(struct x86_vcpu *v, u64 mcg_cap);
int x86_mce_inject(struct x86_vcpu *v, const struct kvmx_x86_mce *mce);
int x86_mce_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host);
int x86_mce_set(struct x86_vcpu *v, u32 msr, u64 val, bool host);

#endif
