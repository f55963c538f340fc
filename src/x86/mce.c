// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's machine-check registers, and machine checks that user space
 * gives a guest. Called by the MSR table and the ioctls.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "cpuid.h"
#include "msr.h"

/* Intel SDM volume 3, "IA32_MCi_STATUS MSRs" and "IA32_MCG_STATUS MSR". */
#define STATUS_VAL	BIT_ULL(63)
#define STATUS_OVER	BIT_ULL(62)
#define STATUS_UC	BIT_ULL(61)
#define MCG_MCIP	BIT_ULL(2)

/* Registers of a bank, in order. */
enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC };

static u32 nr_banks(const struct x86_vcpu *v)
{
	return min_t(u32, v->mce.mcg_cap & 0xff, X86_MCE_BANKS);
}

void x86_mce_init(struct x86_vcpu *v)
{
	memset(&v->mce, 0, sizeof(v->mce));
	v->mce.mcg_cap = X86_MCE_BANKS;
}

int x86_mce_setup(struct x86_vcpu *v, u64 mcg_cap)
{
	u32 banks = mcg_cap & 0xff, i;

	/* Bits 16 to 23 count registers that no guest of ours has: KVM lets them pass. */
	if (!banks || banks > X86_MCE_BANKS ||
	    (mcg_cap & ~(X86_MCG_CAP_SUPPORTED | 0xff00ff)))
		return -EINVAL;
	v->mce.mcg_cap = mcg_cap;
	if (mcg_cap & X86_MCG_CTL_P)
		v->mce.mcg_ctl = ~0ull;
	for (i = 0; i < banks; i++)
		v->mce.bank[4 * i + BANK_CTL] = ~0ull;
	return 0;
}

/*
 * Intel SDM volume 3, "Overwriting of Machine-Check Error Records" and
 * "Machine-Check Exception": an uncorrected error in the midst of another, or
 * with CR4.MCE clear, shuts the CPU down.
 */
int x86_mce_inject(struct x86_vcpu *v, const struct kvmx_x86_mce *mce)
{
	u64 status = mce->status, *bank;

	if (mce->bank >= nr_banks(v) || !(status & STATUS_VAL))
		return -EINVAL;
	bank = &v->mce.bank[4 * array_index_nospec(mce->bank, X86_MCE_BANKS)];

	if (status & STATUS_UC) {
		/* Error reporting is switched off. */
		if (((v->mce.mcg_cap & X86_MCG_CTL_P) && v->mce.mcg_ctl != ~0ull) ||
		    bank[BANK_CTL] != ~0ull)
			return 0;
		if ((v->mce.mcg_status & MCG_MCIP) ||
		    !(x86_state(v, X86_STATE_CRS)->cr4 & X86_CR4_MCE)) {
			x86_triple_fault(v);
			return 0;
		}
		v->mce.mcg_status = mce->mcg_status;
	} else if ((bank[BANK_STATUS] & STATUS_VAL) && (bank[BANK_STATUS] & STATUS_UC)) {
		/* A corrected error does not replace an uncorrected one. */
		bank[BANK_STATUS] |= STATUS_OVER;
		return 0;
	}

	if (bank[BANK_STATUS] & STATUS_VAL)
		status |= STATUS_OVER;
	bank[BANK_ADDR] = mce->addr;
	bank[BANK_MISC] = mce->misc;
	bank[BANK_STATUS] = status;
	if (status & STATUS_UC)
		x86_raise(v, X86_EXC_MC);
	return 0;
}

static u64 *bank_register(struct x86_vcpu *v, u32 msr)
{
	u32 i = msr - X86_MSR_MC0_CTL;

	if (i >= 4 * nr_banks(v))
		return NULL;
	return &v->mce.bank[array_index_nospec(i, ARRAY_SIZE(v->mce.bank))];
}

int x86_mce_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	u64 *reg;

	switch (msr) {
	case X86_MSR_MCG_CAP:
		*val = v->mce.mcg_cap;
		return 0;
	case X86_MSR_MCG_STATUS:
		*val = v->mce.mcg_status;
		return 0;
	case X86_MSR_MCG_CTL:
		if (!(v->mce.mcg_cap & X86_MCG_CTL_P) && !host)
			return -EINVAL;
		*val = v->mce.mcg_ctl;
		return 0;
	}
	reg = bank_register(v, msr);
	if (!reg)
		return -EINVAL;
	*val = *reg;
	return 0;
}

/* A guest clears a record, and may write one on AMD CPUs whose HWCR says so. */
static bool status_writable(struct x86_vcpu *v, u64 val)
{
	return !val || (x86_guest_amd(v) && (v->hwcr & X86_HWCR_MC_STATUS_WR_EN));
}

int x86_mce_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	u64 *reg;

	switch (msr) {
	case X86_MSR_MCG_CAP:
		return host && val == v->mce.mcg_cap ? 0 : -EINVAL;
	case X86_MSR_MCG_STATUS:
		v->mce.mcg_status = val;
		return 0;
	case X86_MSR_MCG_CTL:
		if (!host && (!(v->mce.mcg_cap & X86_MCG_CTL_P) || (val && val != ~0ull)))
			return -EINVAL;
		v->mce.mcg_ctl = val;
		return 0;
	}
	reg = bank_register(v, msr);
	if (!reg)
		return -EINVAL;
	if (!host && (msr & 3) == BANK_STATUS && !status_writable(v, val))
		return -EINVAL;
	*reg = val;
	return 0;
}
