/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EL1's registers that belong to whoever runs at EL1, in the order in which they
 * lie in memory, for C and assembler: on a host at EL2 (VHE) they are a guest's
 * for the whole window (vhe.c), on one at EL1 they change at each entry (world.S).
 */
#ifndef ARM64_WORLD_REGS_H
#define ARM64_WORLD_REGS_H

/* Those that decide whether and how EL1 and EL0 translate: world.S has an order for them. */
#define ARM64_EACH_REGIME_REG(what) \
	what(SCTLR, sctlr_el1) what(TCR, tcr_el1)

/* And all others that EL2 reaches by another name when it has VHE. */
#define ARM64_EACH_OTHER_EL12_REG(what) \
	what(CPACR, cpacr_el1) what(TTBR0, ttbr0_el1) what(TTBR1, ttbr1_el1) \
	what(ESR, esr_el1) what(AFSR0, afsr0_el1) what(AFSR1, afsr1_el1) what(FAR, far_el1) \
	what(MAIR, mair_el1) what(AMAIR, amair_el1) what(VBAR, vbar_el1) \
	what(CONTEXTIDR, contextidr_el1) what(CNTKCTL, cntkctl_el1)

#define ARM64_EACH_EL12_REG(what) \
	ARM64_EACH_REGIME_REG(what) ARM64_EACH_OTHER_EL12_REG(what)

#define ARM64_EACH_EL1_REG(what) \
	what(PAR, par_el1) what(TPIDR, tpidr_el1) what(CSSELR, csselr_el1)

/*
 * And what belongs to the world besides, on a host at EL1: what a guest does not change
 * while it runs, and what it does. TTBR0_EL2 and the like are not among it: nobody but
 * kvmx uses them there.
 */
#define ARM64_EACH_FIXED_REG(what) \
	what(vtcr, vtcr_el2) what(vttbr, vttbr_el2) what(vpidr, vpidr_el2) \
	what(vmpidr, vmpidr_el2) what(cptr, cptr_el2) what(mdcr, mdcr_el2) \
	what(cnthctl, cnthctl_el2) what(cntvoff, cntvoff_el2) what(ich_hcr, s3_4_c12_c11_0)

#define ARM64_EACH_OTHER_REG(what) \
	what(sp, sp_el1) what(elr, elr_el1) what(spsr, spsr_el1) what(hcr, hcr_el2) \
	what(cntv_cval, cntv_cval_el0) what(cntv_ctl, cntv_ctl_el0) \
	what(ich_vmcr, s3_4_c12_c11_7)

#endif
