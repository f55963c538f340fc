/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Architectural constants of arm64 that this room uses: encodings of system
 * registers, bits of EL2's controls, syndromes (Arm ARM, "AArch64 System
 * Register Descriptions"). No more than the tests in user space can compile.
 */
#ifndef ARM64_REGS_H
#define ARM64_REGS_H

#include <linux/bits.h>
#include <linux/types.h>

/* An encoding as MRS and MSR have it in their bits 20 to 5; the kernel's sys_reg() is the same. */
#define A64_REG(op0, op1, crn, crm, op2) \
	((op0) << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)

#define A64_OP0(enc)	((enc) >> 19 & 3)
#define A64_OP1(enc)	((enc) >> 16 & 7)
#define A64_CRN(enc)	((enc) >> 12 & 15)
#define A64_CRM(enc)	((enc) >> 8 & 15)
#define A64_OP2(enc)	((enc) >> 5 & 7)

/* Registers that both rooms of the switch and the tables name. */
#define A64_OSDTRRX_EL1		A64_REG(2, 0, 0, 0, 2)
#define A64_MDSCR_EL1		A64_REG(2, 0, 0, 2, 2)
#define A64_OSLAR_EL1		A64_REG(2, 0, 1, 0, 4)
#define A64_OSLSR_EL1		A64_REG(2, 0, 1, 1, 4)
#define A64_OSDLR_EL1		A64_REG(2, 0, 1, 3, 4)
#define A64_DBGPRCR_EL1		A64_REG(2, 0, 1, 4, 4)
#define A64_DBGAUTHSTATUS_EL1	A64_REG(2, 0, 7, 14, 6)
#define A64_MDCCSR_EL0		A64_REG(2, 3, 0, 1, 0)
#define A64_DBGDTR_EL0		A64_REG(2, 3, 0, 4, 0)

#define A64_MIDR_EL1		A64_REG(3, 0, 0, 0, 0)
#define A64_MPIDR_EL1		A64_REG(3, 0, 0, 0, 5)
#define A64_REVIDR_EL1		A64_REG(3, 0, 0, 0, 6)
#define A64_ID_AA64PFR0_EL1	A64_REG(3, 0, 0, 4, 0)
#define A64_ID_AA64PFR1_EL1	A64_REG(3, 0, 0, 4, 1)
#define A64_ID_AA64DFR0_EL1	A64_REG(3, 0, 0, 5, 0)
#define A64_ID_AA64ISAR0_EL1	A64_REG(3, 0, 0, 6, 0)
#define A64_ID_AA64ISAR1_EL1	A64_REG(3, 0, 0, 6, 1)
#define A64_ID_AA64ISAR2_EL1	A64_REG(3, 0, 0, 6, 2)
#define A64_ID_AA64MMFR0_EL1	A64_REG(3, 0, 0, 7, 0)
#define A64_ID_AA64MMFR1_EL1	A64_REG(3, 0, 0, 7, 1)
#define A64_ID_AA64MMFR2_EL1	A64_REG(3, 0, 0, 7, 2)

#define A64_SCTLR_EL1		A64_REG(3, 0, 1, 0, 0)
#define A64_ACTLR_EL1		A64_REG(3, 0, 1, 0, 1)
#define A64_CPACR_EL1		A64_REG(3, 0, 1, 0, 2)
#define A64_TTBR0_EL1		A64_REG(3, 0, 2, 0, 0)
#define A64_TTBR1_EL1		A64_REG(3, 0, 2, 0, 1)
#define A64_TCR_EL1		A64_REG(3, 0, 2, 0, 2)
#define A64_AFSR0_EL1		A64_REG(3, 0, 5, 1, 0)
#define A64_AFSR1_EL1		A64_REG(3, 0, 5, 1, 1)
#define A64_ESR_EL1		A64_REG(3, 0, 5, 2, 0)
#define A64_FAR_EL1		A64_REG(3, 0, 6, 0, 0)
#define A64_PAR_EL1		A64_REG(3, 0, 7, 4, 0)
#define A64_MAIR_EL1		A64_REG(3, 0, 10, 2, 0)
#define A64_AMAIR_EL1		A64_REG(3, 0, 10, 3, 0)
#define A64_VBAR_EL1		A64_REG(3, 0, 12, 0, 0)
#define A64_ICC_SGI1R_EL1	A64_REG(3, 0, 12, 11, 5)
#define A64_ICC_ASGI1R_EL1	A64_REG(3, 0, 12, 11, 6)
#define A64_ICC_SGI0R_EL1	A64_REG(3, 0, 12, 11, 7)
#define A64_ICC_SRE_EL1		A64_REG(3, 0, 12, 12, 5)
#define A64_ICC_PMR_EL1		A64_REG(3, 0, 4, 6, 0)
#define A64_ICC_BPR0_EL1	A64_REG(3, 0, 12, 8, 3)
#define A64_ICC_AP0R_EL1(n)	A64_REG(3, 0, 12, 8, 4 + (n))
#define A64_ICC_AP1R_EL1(n)	A64_REG(3, 0, 12, 9, n)
#define A64_ICC_BPR1_EL1	A64_REG(3, 0, 12, 12, 3)
#define A64_ICC_CTLR_EL1	A64_REG(3, 0, 12, 12, 4)
#define A64_ICC_IGRPEN0_EL1	A64_REG(3, 0, 12, 12, 6)
#define A64_ICC_IGRPEN1_EL1	A64_REG(3, 0, 12, 12, 7)
#define A64_CONTEXTIDR_EL1	A64_REG(3, 0, 13, 0, 1)
#define A64_TPIDR_EL1		A64_REG(3, 0, 13, 0, 4)
#define A64_CNTKCTL_EL1		A64_REG(3, 0, 14, 1, 0)
#define A64_CSSELR_EL1		A64_REG(3, 2, 0, 0, 0)
#define A64_TPIDR_EL0		A64_REG(3, 3, 13, 0, 2)
#define A64_TPIDRRO_EL0		A64_REG(3, 3, 13, 0, 3)
#define A64_CNTFRQ_EL0		A64_REG(3, 3, 14, 0, 0)
#define A64_CNTPCT_EL0		A64_REG(3, 3, 14, 0, 1)
#define A64_CNTVCT_EL0		A64_REG(3, 3, 14, 0, 2)
#define A64_CNTP_TVAL_EL0	A64_REG(3, 3, 14, 2, 0)
#define A64_CNTP_CTL_EL0	A64_REG(3, 3, 14, 2, 1)
#define A64_CNTP_CVAL_EL0	A64_REG(3, 3, 14, 2, 2)
#define A64_CNTV_CTL_EL0	A64_REG(3, 3, 14, 3, 1)
#define A64_CNTV_CVAL_EL0	A64_REG(3, 3, 14, 3, 2)

/* EL1's registers as EL2 with VHE reaches them: the same with op1 = 5. */
#define A64_EL12(enc)		((enc) | A64_REG(0, 5, 0, 0, 0))
#define A64_CNTV_CTL_EL02	A64_REG(3, 5, 14, 3, 1)
#define A64_CNTV_CVAL_EL02	A64_REG(3, 5, 14, 3, 2)
#define A64_SPSR_EL12		A64_REG(3, 5, 4, 0, 0)
#define A64_ELR_EL12		A64_REG(3, 5, 4, 0, 1)

#define A64_VPIDR_EL2		A64_REG(3, 4, 0, 0, 0)
#define A64_VMPIDR_EL2		A64_REG(3, 4, 0, 0, 5)
#define A64_HCR_EL2		A64_REG(3, 4, 1, 1, 0)
#define A64_MDCR_EL2		A64_REG(3, 4, 1, 1, 1)
#define A64_HCRX_EL2		A64_REG(3, 4, 1, 2, 2)
#define A64_VTTBR_EL2		A64_REG(3, 4, 2, 1, 0)
#define A64_VTCR_EL2		A64_REG(3, 4, 2, 1, 2)
#define A64_ESR_EL2		A64_REG(3, 4, 5, 2, 0)
#define A64_FAR_EL2		A64_REG(3, 4, 6, 0, 0)
#define A64_HPFAR_EL2		A64_REG(3, 4, 6, 0, 4)
#define A64_CNTVOFF_EL2		A64_REG(3, 4, 14, 0, 3)
#define A64_CNTHCTL_EL2		A64_REG(3, 4, 14, 1, 0)
#define A64_SP_EL1		A64_REG(3, 4, 4, 1, 0)

#define A64_ICC_SRE_EL2		A64_REG(3, 4, 12, 9, 5)
#define A64_ICH_AP0R(n)		A64_REG(3, 4, 12, 8, n)
#define A64_ICH_AP1R(n)		A64_REG(3, 4, 12, 9, n)
#define A64_ICH_HCR_EL2		A64_REG(3, 4, 12, 11, 0)
#define A64_ICH_VTR_EL2		A64_REG(3, 4, 12, 11, 1)
#define A64_ICH_VMCR_EL2	A64_REG(3, 4, 12, 11, 7)
#define A64_ICH_LR(n)		A64_REG(3, 4, 12, 12 + ((n) >> 3), (n) & 7)

/* HCR_EL2 */
#define HCR_VM_BIT		BIT_ULL(0)
#define HCR_SWIO_BIT		BIT_ULL(1)
#define HCR_FMO_BIT		BIT_ULL(3)
#define HCR_IMO_BIT		BIT_ULL(4)
#define HCR_AMO_BIT		BIT_ULL(5)
#define HCR_VSE_BIT		BIT_ULL(8)
#define HCR_FB_BIT		BIT_ULL(9)
#define HCR_BSU_IS_BIT		BIT_ULL(10)
#define HCR_TWI_BIT		BIT_ULL(13)
#define HCR_TWE_BIT		BIT_ULL(14)
#define HCR_TID3_BIT		BIT_ULL(18)
#define HCR_TSC_BIT		BIT_ULL(19)
#define HCR_TIDCP_BIT		BIT_ULL(20)
#define HCR_TACR_BIT		BIT_ULL(21)
#define HCR_TSW_BIT		BIT_ULL(22)
#define HCR_TGE_BIT		BIT_ULL(27)
#define HCR_RW_BIT		BIT_ULL(31)
#define HCR_E2H_BIT		BIT_ULL(34)
#define HCR_TLOR_BIT		BIT_ULL(35)
#define HCR_TERR_BIT		BIT_ULL(36)
#define HCR_FWB_BIT		BIT_ULL(46)

/* MDCR_EL2 */
#define MDCR_TPMCR_BIT		BIT_ULL(5)
#define MDCR_TPM_BIT		BIT_ULL(6)
#define MDCR_TDE_BIT		BIT_ULL(8)
#define MDCR_TDA_BIT		BIT_ULL(9)
#define MDCR_TDOSA_BIT		BIT_ULL(10)
#define MDCR_TDRA_BIT		BIT_ULL(11)
#define MDCR_TTRF_BIT		BIT_ULL(19)
#define MDCR_HPMN_MASK		0x1fULL

/* MDSCR_EL1, OSLSR_EL1 */
#define MDSCR_SS_BIT		BIT_ULL(0)
#define MDSCR_KDE_BIT		BIT_ULL(13)
#define MDSCR_MDE_BIT		BIT_ULL(15)
#define MDSCR_DEBUG		(MDSCR_SS_BIT | MDSCR_KDE_BIT | MDSCR_MDE_BIT)
#define OSLSR_OSLK		BIT_ULL(1)	/* locked */
#define OSLSR_OSLM		BIT_ULL(3)	/* the lock is implemented */

/* Breakpoints and watchpoints: a control and a value each; how many ID_AA64DFR0_EL1 shows. */
#define A64_DBG_KINDS		4	/* DBGBVR, DBGBCR, DBGWVR, DBGWCR */
#define A64_DBG_REGS		16
#define A64_DFR0_BPS(dfr0)	(((dfr0) >> 12 & 0xf) + 1)
#define A64_DFR0_WPS(dfr0)	(((dfr0) >> 20 & 0xf) + 1)

/* CPTR_EL2 in its layout with E2H: floating point free, SVE, SME and activity monitors trap. */
#define CPTR_FPEN_FREE		(3ULL << 20)
#define CPTR_TAM		BIT_ULL(30)

/* The same without E2H: what is fixed to one, which is where SVE and SME trap if there are any. */
#define CPTR_NVHE_TRAPS		0x33ffULL

/* What traps, and is routed to EL2, while a guest runs. */
#define GUEST_HCR	(HCR_VM_BIT | HCR_SWIO_BIT | HCR_FMO_BIT | HCR_IMO_BIT | HCR_AMO_BIT | \
			 HCR_FB_BIT | HCR_BSU_IS_BIT | HCR_TWI_BIT | HCR_TID3_BIT | HCR_TSC_BIT | \
			 HCR_TIDCP_BIT | HCR_TACR_BIT | HCR_TSW_BIT | HCR_RW_BIT | HCR_TLOR_BIT | \
			 HCR_TERR_BIT)
#define GUEST_MDCR	(MDCR_TPMCR_BIT | MDCR_TPM_BIT | MDCR_TDA_BIT | MDCR_TDOSA_BIT | \
			 MDCR_TDRA_BIT | MDCR_TTRF_BIT)

/* CNTHCTL_EL2 in its layout with E2H, and without */
#define A64_CNTHCTL_EL1PCTEN	BIT_ULL(10)
#define A64_CNTHCTL_EL1PTEN		BIT_ULL(11)
#define CNTHCTL_NVHE_EL1PCTEN	BIT_ULL(0)

/* VTCR_EL2 */
#define VTCR_T0SZ(bits)		(64 - (bits))
#define VTCR_SL0_LEVEL1		(1ULL << 6)
#define VTCR_IRGN0_WBWA		(1ULL << 8)
#define VTCR_ORGN0_WBWA		(1ULL << 10)
#define VTCR_SH0_INNER		(3ULL << 12)
#define VTCR_PS_SHIFT		16
#define VTCR_VS_16BIT		BIT_ULL(19)
#define VTCR_RES1_BIT		BIT_ULL(31)

/* ESR_EL2 and ESR_EL1 (Arm ARM, "ESR_ELx, Exception Syndrome Register"). */
#define ESR_EC(esr)		((esr) >> 26 & 0x3f)
#define ESR_EC_OF(ec)		((u64)(ec) << 26)
#define ESR_IL_BIT		BIT_ULL(25)
enum {
	EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_FP = 0x07, EC_HVC32 = 0x12, EC_SMC32 = 0x13,
	EC_HVC64 = 0x16, EC_SMC64 = 0x17, EC_SYSREG = 0x18, EC_IABT_LOWER = 0x20,
	EC_IABT_SAME = 0x21, EC_DABT_LOWER = 0x24, EC_DABT_SAME = 0x25,
	EC_BREAKPOINT_LOWER = 0x30, EC_STEP_LOWER = 0x32, EC_WATCHPOINT_LOWER = 0x34,
	EC_BRK = 0x3c,
};

/* ISS of data and instruction aborts. */
#define ABT_FSC(esr)		((esr) & 0x3f)
#define ABT_FSC_TYPE(esr)	((esr) & 0x3c)
#define ABT_FSC_TRANSLATION	0x04
#define ABT_FSC_ACCESS		0x08
#define ABT_FSC_PERMISSION	0x0c
#define ABT_FSC_EXTERNAL	0x10
#define ABT_WNR			BIT_ULL(6)
#define ABT_S1PTW		BIT_ULL(7)
#define ABT_CM			BIT_ULL(8)
#define ABT_SF			BIT_ULL(15)
#define ABT_SRT(esr)		((esr) >> 16 & 0x1f)
#define ABT_SSE			BIT_ULL(21)
#define ABT_SAS(esr)		((esr) >> 22 & 3)
#define ABT_ISV			BIT_ULL(24)

/* PAR_EL1 */
#define PAR_FAILED		BIT_ULL(0)
#define PAR_FST_TYPE(par)	((par) >> 1 & 0x3c)

/* ISS of WFI and WFE; of MRS and MSR. */
#define WFX_IS_WFE		BIT_ULL(0)
#define SYS_IS_READ(esr)	((esr) & 1)
#define SYS_RT(esr)		((esr) >> 5 & 0x1f)
#define SYS_ENC(esr) \
	A64_REG((esr) >> 20 & 3, (esr) >> 14 & 7, (esr) >> 10 & 15, (esr) >> 1 & 15, \
		(esr) >> 17 & 7)

/* PSTATE as in SPSR. */
#define PS_MODE_MASK		0x1fULL
#define PS_MODE_EL0		0x00ULL
#define PS_MODE_EL1T		0x04ULL
#define PS_MODE_EL1H		0x05ULL
#define PS_AARCH32		BIT_ULL(4)
#define PS_DAIF			(0xfULL << 6)
#define PS_IRQ_MASKED		BIT_ULL(7)
#define PS_SSBS			BIT_ULL(12)
#define PS_SS			BIT_ULL(21)
#define PS_PAN			BIT_ULL(22)
#define PS_DIT			BIT_ULL(24)
#define PS_NZCV			(0xfULL << 28)

#define SCTLR_SPAN		BIT_ULL(23)
#define SCTLR_DSSBS		BIT_ULL(44)
/* Bits that read as one where later features are absent. */
#define SCTLR_RESET		0x00c50838ULL

#define MPIDR_RES1		BIT_ULL(31)

#endif
