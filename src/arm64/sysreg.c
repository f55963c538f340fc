// SPDX-License-Identifier: GPL-2.0-only
/*
 * System registers whose accesses trap, and their values after reset. What is
 * not here does not exist for guests: UNDEFINED. Called by the exits; pure.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "arm64.h"
#include "timer.h"
#include "vgic.h"

void arm64_sysreg_reset(struct arm64_vcpu *v)
{
	memset(v->sys, 0, sizeof(v->sys));
	memset(v->dbg, 0, sizeof(v->dbg));
	v->sys[A64_SYS_SCTLR] = SCTLR_RESET;
	v->sys[A64_SYS_OSLSR] = OSLSR_OSLM;
	arm64_debug_update(v);
}

/* DBGBVR, DBGBCR, DBGWVR, DBGWCR: op2 4 to 7, the number in CRm. NULL: none that there is. */
static u64 *breakpoint_reg(struct arm64_vcpu *v, u32 enc)
{
	u32 op2 = A64_OP2(enc);
	u64 dfr0 = arm64_dfr0(v);

	if (A64_OP0(enc) != 2 || A64_OP1(enc) || A64_CRN(enc) || op2 < 4)
		return NULL;
	if (A64_CRM(enc) >= (op2 < 6 ? A64_DFR0_BPS(dfr0) : A64_DFR0_WPS(dfr0)))
		return NULL;
	return &v->dbg[array_index_nospec(op2 - 4, 4)][array_index_nospec(A64_CRM(enc), 16)];
}

static void access_u64(u64 *reg, bool write, u64 *val)
{
	if (write)
		*reg = *val;
	else
		*val = *reg;
}

/* DC ISW, CSW, CISW: guests' memory is coherent without them. */
static bool is_set_way(u32 enc)
{
	return A64_OP0(enc) == 1 && !A64_OP1(enc) && A64_CRN(enc) == 7 && A64_OP2(enc) == 2;
}

static bool debug_access(struct arm64_vcpu *v, u32 enc, bool write, u64 *val)
{
	u64 *reg = breakpoint_reg(v, enc);

	if (reg) {
		access_u64(reg, write, val);
		return true;
	}
	switch (enc) {
	case A64_MDSCR_EL1:
		access_u64(&v->sys[A64_SYS_MDSCR], write, val);
		arm64_debug_update(v);
		return true;
	case A64_OSLAR_EL1:
		if (!write)
			return false;
		v->sys[A64_SYS_OSLSR] = OSLSR_OSLM | (*val & 1 ? OSLSR_OSLK : 0);
		arm64_debug_update(v);
		return true;
	case A64_OSLSR_EL1:
		if (write)
			return false;
		*val = v->sys[A64_SYS_OSLSR];
		return true;
	case A64_OSDLR_EL1:
	case A64_DBGPRCR_EL1:
	case A64_DBGAUTHSTATUS_EL1:
	case A64_MDCCSR_EL0:
	case A64_DBGDTR_EL0:
	case A64_OSDTRRX_EL1:
		/* Nothing is connected there. */
		if (!write)
			*val = 0;
		return true;
	default:
		return false;
	}
}

bool arm64_sysreg_access(struct arm64_vcpu *v, u32 enc, bool write, u64 *val)
{
	int id = arm64_id_index(enc);

	if (id >= 0) {
		if (!write)
			*val = arm64_vm_of(v)->id[array_index_nospec(id, A64_ID_REGS)];
		return !write;
	}
	if (is_set_way(enc))
		return true;
	if (A64_OP0(enc) == 2)
		return debug_access(v, enc, write, val);
	if (enc == A64_ACTLR_EL1) {
		if (!write)
			*val = v->sys[A64_SYS_ACTLR];
		return true;
	}
	return timer_sysreg(v, enc, write, val) || vgic_sysreg(v, enc, write, val);
}
