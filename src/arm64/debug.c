// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug exceptions of guests: breakpoints, watchpoints and single steps of the
 * guest's own, or of user space that debugs it (KVMX_SET_GUEST_DEBUG), which then
 * has them alone. Called by the switch (enter.c), the exits and the ioctls.
 *
 * All accesses to these registers trap (sysreg.c), so memory has them always; the
 * CPU has them only between an entry and the exit, and only if something of them is
 * switched on. The host's are in it at all other times: its interrupts come within
 * the window, and may set breakpoints of the host.
 */
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <asm/barrier.h>
#include <asm/sysreg.h>
#include <kvmx/host.h>

#include "enter.h"
#include "ioctls.h"

#define TRAPPING	(KVMX_GUESTDBG_SINGLESTEP | KVMX_GUESTDBG_USE_SW_BP | \
			 KVMX_GUESTDBG_USE_HW)
#define CONTROL		(KVMX_GUESTDBG_ENABLE | TRAPPING)

/*
 * What is not reserved (Arm ARM, "DBGBCR<n>_EL1", "DBGWCR<n>_EL1"). Types from 8 on
 * compare what belongs to EL2, which is not there for guests: reserved, too.
 */
#define BCR_DEFINED	0x00ffe1e7ULL
#define BCR_TYPE_EL2	BIT_ULL(23)
#define WCR_DEFINED	0x1f1fffffULL

struct debug_host {
	u64 mdscr;
	bool switched;		/* the breakpoints and watchpoints are the guest's */
	u64 own[A64_DBG_KINDS][A64_DBG_REGS];
	u64 guest[A64_DBG_KINDS][A64_DBG_REGS];
};
static DEFINE_PER_CPU(struct debug_host, debug_host);

#define A64_DBG(kind, n)	A64_REG(2, 0, 0, n, 4 + (kind))
#define BVR	0
#define BCR	1
#define WVR	2
#define WCR	3

static void regs_load(const u64 (*reg)[A64_DBG_REGS], unsigned int bps, unsigned int wps)
{
#define LOAD(n, value, control) \
	case (n) + 1: \
		write_reg(reg[value][n], A64_DBG(value, n)); \
		write_reg(reg[control][n], A64_DBG(control, n)); \
		fallthrough;
	switch (bps) {
	EACH_DOWN(LOAD, BVR, BCR)
	default:
		break;
	}
	switch (wps) {
	EACH_DOWN(LOAD, WVR, WCR)
	default:
		break;
	}
#undef LOAD
}

static void regs_save(u64 (*reg)[A64_DBG_REGS], unsigned int bps, unsigned int wps)
{
#define SAVE(n, value, control) \
	case (n) + 1: \
		reg[value][n] = read_reg(A64_DBG(value, n)); \
		reg[control][n] = read_reg(A64_DBG(control, n)); \
		fallthrough;
	switch (bps) {
	EACH_DOWN(SAVE, BVR, BCR)
	default:
		break;
	}
	switch (wps) {
	EACH_DOWN(SAVE, WVR, WCR)
	default:
		break;
	}
#undef SAVE
}

static void filter(u64 (*to)[A64_DBG_REGS], const u64 (*from)[A64_DBG_REGS])
{
	unsigned int i;

	memcpy(to, from, A64_DBG_KINDS * sizeof(*to));
	for (i = 0; i < A64_DBG_REGS; i++) {
		to[BCR][i] &= from[BCR][i] & BCR_TYPE_EL2 ? 0 : BCR_DEFINED;
		to[WCR][i] &= WCR_DEFINED;
	}
}

void arm64_debug_update(struct arm64_vcpu *v)
{
	bool locked = v->sys[A64_SYS_OSLSR] & OSLSR_OSLK;

	v->mdcr = GUEST_MDCR | (v->guest_debug & TRAPPING ? MDCR_TDE_BIT : 0);
	v->debugging = (v->guest_debug & TRAPPING) ||
		(!locked && (v->sys[A64_SYS_MDSCR] & (MDSCR_MDE_BIT | MDSCR_SS_BIT)));
}

/* MDSCR_EL1 for the guest. Exceptions to EL2 need no KDE: they come from below. */
static u64 guest_mdscr(struct arm64_vcpu *v)
{
	if (!(v->guest_debug & TRAPPING))
		return v->sys[A64_SYS_MDSCR] & MDSCR_DEBUG;
	return (v->guest_debug & KVMX_GUESTDBG_SINGLESTEP ? MDSCR_SS_BIT : 0) |
	       (v->guest_debug & KVMX_GUESTDBG_USE_HW ? MDSCR_MDE_BIT : 0);
}

void arm64_debug_enter(struct arm64_vcpu *v)
{
	struct debug_host *host = this_cpu_ptr(&debug_host);
	u64 dfr0 = arm64_dfr0(v), mdscr = v->debugging ? guest_mdscr(v) : 0;

	host->mdscr = read_reg(A64_MDSCR_EL1);
	host->switched = mdscr & MDSCR_MDE_BIT;
	if (host->switched) {
		regs_save(host->own, A64_DFR0_BPS(dfr0), A64_DFR0_WPS(dfr0));
		filter(host->guest, v->guest_debug & TRAPPING ? v->user_dbg : v->dbg);
		regs_load(host->guest, A64_DFR0_BPS(dfr0), A64_DFR0_WPS(dfr0));
	}
	/* One step for each time that user space asks: what is emulated clears the bit, too. */
	if (v->step && v->guest_debug & KVMX_GUESTDBG_SINGLESTEP) {
		v->core.regs.pstate |= PS_SS;
		v->step = false;
	}
	/* They come with the return to the guest; until then PSTATE.D keeps them off. */
	write_reg(mdscr, A64_MDSCR_EL1);
}

void arm64_debug_leave(struct arm64_vcpu *v)
{
	struct debug_host *host = this_cpu_ptr(&debug_host);
	u64 dfr0 = arm64_dfr0(v);

	if (host->switched) {
		/* Not the host's breakpoints with the guest's MDSCR_EL1, nor the other way round. */
		write_reg(0, A64_MDSCR_EL1);
		regs_load(host->own, A64_DFR0_BPS(dfr0), A64_DFR0_WPS(dfr0));
	}
	write_reg(host->mdscr, A64_MDSCR_EL1);
	isb();
}

/* Exceptions come to EL2 only while user space debugs. A BRK may be the guest's own. */
enum run_next arm64_debug_exit(struct arm64_vcpu *v)
{
	struct kvmx_run *run = v->vcpu.run;
	u64 esr = v->exit.esr;

	if (ESR_EC(esr) == EC_BRK && !(v->guest_debug & KVMX_GUESTDBG_USE_SW_BP)) {
		arm64_inject_sync(v, esr);
		return RUN_LEAVE;
	}
	run->exit_reason = KVMX_EXIT_DEBUG;
	run->flags = KVMX_DEBUG_ARCH_HSR_HIGH_VALID;
	memset(&run->debug, 0, sizeof(run->debug));
	run->debug.arch.hsr = esr;
	run->debug.arch.hsr_high = esr >> 32;
	if (ESR_EC(esr) == EC_WATCHPOINT_LOWER)
		run->debug.arch.far = v->exit.far;
	v->step = true;
	return RUN_USER;
}

long arm64_set_guest_debug(struct kvmx_call *call)
{
	const struct kvmx_guest_debug *debug = call->data;
	struct arm64_vcpu *v = to_arm64(call->vcpu);

	if (debug->control & ~(u32)CONTROL)
		return -EINVAL;
	/* A step that was not made is not left to the guest. */
	if (v->guest_debug & KVMX_GUESTDBG_SINGLESTEP)
		v->core.regs.pstate &= ~PS_SS;
	v->guest_debug = debug->control & KVMX_GUESTDBG_ENABLE ? debug->control : 0;
	v->step = true;
	arm64_debug_update(v);
	BUILD_BUG_ON(sizeof(v->user_dbg[0]) != sizeof(debug->arch.dbg_bcr));
	memcpy(v->user_dbg[BVR], debug->arch.dbg_bvr, sizeof(v->user_dbg[BVR]));
	memcpy(v->user_dbg[BCR], debug->arch.dbg_bcr, sizeof(v->user_dbg[BCR]));
	memcpy(v->user_dbg[WVR], debug->arch.dbg_wvr, sizeof(v->user_dbg[WVR]));
	memcpy(v->user_dbg[WCR], debug->arch.dbg_wcr, sizeof(v->user_dbg[WCR]));
	return 0;
}
