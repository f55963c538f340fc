// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that are not the guest's own doing in the CPU: into EL1, as the
 * CPU would take them (Arm ARM, "AArch64.TakeException"). Outside of the window,
 * where EL1's registers are in memory.
 */
#include <linux/kernel.h>

#include "arm64.h"

/* PSTATE on entry to EL1: what is masked, and the bits that SCTLR_EL1 decides. */
static u64 entry_pstate(u64 old, u64 sctlr)
{
	u64 ps = PS_MODE_EL1H | PS_DAIF | (old & (PS_NZCV | PS_PAN | PS_DIT));

	if (!(sctlr & SCTLR_SPAN))
		ps |= PS_PAN;
	if (sctlr & SCTLR_DSSBS)
		ps |= PS_SSBS;
	return ps;
}

/* Its vectors by where the exception comes from; 0 is that of synchronous ones. */
static u64 entry_offset(u64 pstate)
{
	if (pstate & PS_AARCH32)
		return 0x600;
	switch (pstate & PS_MODE_MASK) {
	case PS_MODE_EL0:
		return 0x400;
	case PS_MODE_EL1T:
		return 0x000;
	default:
		return 0x200;
	}
}

static void inject(struct arm64_vcpu *v, u64 esr)
{
	struct user_pt_regs *regs = &v->core.regs;

	v->core.elr_el1 = regs->pc;
	v->core.spsr[KVMX_SPSR_EL1] = regs->pstate;
	v->sys[A64_SYS_ESR] = esr | (v->exit.esr & ESR_IL_BIT);
	regs->pc = v->sys[A64_SYS_VBAR] + entry_offset(regs->pstate);
	regs->pstate = entry_pstate(regs->pstate, v->sys[A64_SYS_SCTLR]);
}

void arm64_inject_undef(struct arm64_vcpu *v)
{
	inject(v, ESR_EC_OF(EC_UNKNOWN));
}

/* One that came to EL2, as it would have come to EL1. */
void arm64_inject_sync(struct arm64_vcpu *v, u64 esr)
{
	inject(v, esr);
}

/* A synchronous external abort: there is nothing at that address. */
void arm64_inject_abort(struct arm64_vcpu *v, bool insn, u64 far)
{
	bool lower = (v->core.regs.pstate & PS_MODE_MASK) == PS_MODE_EL0 ||
		     (v->core.regs.pstate & PS_AARCH32);
	u8 ec = insn ? EC_IABT_SAME : EC_DABT_SAME;

	v->sys[A64_SYS_FAR] = far;
	inject(v, ESR_EC_OF(lower ? ec - 1 : ec) | ABT_FSC_EXTERNAL);
}
