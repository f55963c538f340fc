// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory type range registers and the checks of memory types. Stage 2 gives
 * guest memory its type; what the guest writes here is kept and read back.
 * Called by the MSR table.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>

#include "msr.h"

#define VARIABLE_RANGES	8

/* Places in x86_vcpu.mtrr. */
enum { DEFTYPE = 0, FIXED = 1, VARIABLE = 16 };

/* Intel SDM volume 3, "Memory Types and Their Properties": UC WC WT WP WB. */
static bool type_valid(u8 type)
{
	return type < 8 && (BIT(type) & 0x73);
}

/* The same and, in the PAT only, UC- (7). */
bool x86_pat_valid(u64 val)
{
	int i;

	for (i = 0; i < 8; i++, val >>= 8)
		if (!type_valid(val) && (val & 0xff) != 7)
			return false;
	return true;
}

static u64 *place(struct x86_vcpu *v, u32 msr)
{
	u32 i;

	if (msr == X86_MSR_MTRR_DEFTYPE)
		i = DEFTYPE;
	else if (msr == X86_MSR_MTRR_FIX64K)
		i = FIXED;
	else if (msr == X86_MSR_MTRR_FIX16K_80 || msr == X86_MSR_MTRR_FIX16K_A0)
		i = FIXED + 1 + msr - X86_MSR_MTRR_FIX16K_80;
	else if (msr >= X86_MSR_MTRR_FIX4K_C0 && msr <= X86_MSR_MTRR_FIX4K_F8)
		i = FIXED + 3 + msr - X86_MSR_MTRR_FIX4K_C0;
	else
		i = VARIABLE + msr - X86_MSR_MTRR_PHYSBASE0;
	return &v->mtrr[array_index_nospec(i, ARRAY_SIZE(v->mtrr))];
}

int x86_mtrr_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	/* Ranges, and that fixed ones and write combining exist. */
	*val = msr == X86_MSR_MTRRCAP ? VARIABLE_RANGES | BIT(8) | BIT(10) : *place(v, msr);
	return 0;
}

/* Reserved bits and types (Intel SDM volume 3, "Memory Type Range Registers"). */
static bool value_valid(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	/* User space may set them before CPUID says how wide addresses are. */
	u64 address = GENMASK_ULL((host ? 52 : v->maxphyaddr) - 1, 12);
	int i;

	if (msr == X86_MSR_MTRR_DEFTYPE)
		return !(val & ~0xcffull) && type_valid(val);
	if (msr >= X86_MSR_MTRR_FIX64K) {
		for (i = 0; i < 8; i++, val >>= 8)
			if (!type_valid(val))
				return false;
		return true;
	}
	if (msr & 1)	/* a mask, with its valid bit */
		return !(val & ~(address | BIT(11)));
	return !(val & ~(address | 0xff)) && type_valid(val);
}

int x86_mtrr_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (msr == X86_MSR_MTRRCAP) {
		u64 cap;

		x86_mtrr_get(v, msr, &cap, host);
		return host && val == cap ? 0 : -EINVAL;
	}
	if (!value_valid(v, msr, val, host))
		return -EINVAL;
	*place(v, msr) = val;
	return 0;
}
