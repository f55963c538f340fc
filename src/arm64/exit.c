// SPDX-License-Identifier: GPL-2.0-only
/*
 * What to do about an exit, by its exception class. Each is first handled in
 * the window; what may sleep, or needs EL1's registers in memory, comes back
 * outside of it. Called by the run loop.
 */
#include <linux/kernel.h>
#include <kvmx/arch.h>

#include "arm64.h"

/* The guest floor's counters, in the order of KVMX_STAT_ARCH. */
enum { STAT_SYSREG, STAT_WFX, STAT_HVC, STAT_MMIO, STAT_IRQ, STAT_UNDEF, STATS };

const char * const kvmx_arch_vcpu_stat_names[] = {
	[STAT_SYSREG] = "sysreg_exits", [STAT_WFX] = "wfx_exits", [STAT_HVC] = "hvc_exits",
	[STAT_MMIO] = "mmio_exits", [STAT_IRQ] = "irq_exits", [STAT_UNDEF] = "undefined",
};
const unsigned int kvmx_arch_nr_vcpu_stats = STATS;

static void count(struct arm64_vcpu *v, int stat)
{
	v->vcpu.stat[KVMX_STAT_ARCH + stat]++;
}

static u32 abort_access(u64 esr)
{
	if (ESR_EC(esr) == EC_IABT_LOWER)
		return STAGE2_READ | STAGE2_EXEC;
	/* The CPU's own update of a table entry is told as a write, or a fault of its walk. */
	if (!(esr & ABT_CM) && (esr & ABT_WNR))
		return STAGE2_WRITE;
	return STAGE2_READ;
}

/* A walk of the guest's tables that may not write, to mark an entry accessed or dirty. */
static u32 walk_access(u64 esr)
{
	return ABT_FSC_TYPE(esr) == ABT_FSC_PERMISSION ? STAGE2_WRITE : STAGE2_READ;
}

/* A device, or nothing at all. */
static enum run_next no_memory(struct arm64_vcpu *v, bool atomic)
{
	enum run_next next = RUN_SLOW;

	if (ESR_EC(v->exit.esr) == EC_DABT_LOWER) {
		next = arm64_mmio(v, atomic ? arm64_world_sctlr() : v->sys[A64_SYS_SCTLR], atomic);
	} else if (!atomic) {
		arm64_inject_abort(v, true, v->exit.far);
		next = RUN_LEAVE;
	}
	if (next != RUN_SLOW)
		count(v, STAT_MMIO);
	return next;
}

static enum run_next memory_abort(struct arm64_vcpu *v, bool atomic)
{
	const struct arm64_exit *exit = &v->exit;
	u64 type = ABT_FSC_TYPE(exit->esr);
	u32 access = exit->esr & ABT_S1PTW ? walk_access(exit->esr) : abort_access(exit->esr);

	if (exit->stale)
		return RUN_STAY;
	if (type != ABT_FSC_TRANSLATION && type != ABT_FSC_ACCESS && type != ABT_FSC_PERMISSION) {
		/* Anything else is no fault of stage 2 but of the memory. */
		if (atomic)
			return RUN_SLOW;
		v->serror = true;
		return RUN_LEAVE;
	}
	switch (kvmx_memory_fault(&v->vcpu, exit->ipa, access, atomic)) {
	case KVMX_FAULT_MAPPED:
		return RUN_STAY;
	case KVMX_FAULT_MMIO:
		return no_memory(v, atomic);
	case KVMX_FAULT_SLOW:
		return atomic ? RUN_SLOW : RUN_LEAVE;
	case KVMX_FAULT_SIGNAL:
		v->vcpu.run->exit_reason = KVMX_EXIT_INTR;
		return run_fail(&v->vcpu, -EINTR);
	case KVMX_FAULT_HWPOISON:
		return run_fail(&v->vcpu, -EHWPOISON);
	case KVMX_FAULT_NOMEM:
		return run_fail(&v->vcpu, -ENOMEM);
	default:
		return run_fail(&v->vcpu, -EFAULT);
	}
}

/* Its registers may be in the CPU or in memory: the trapped ones never are in the CPU. */
static enum run_next sysreg(struct arm64_vcpu *v)
{
	u64 esr = v->exit.esr, val = 0;
	bool read = SYS_IS_READ(esr);

	count(v, STAT_SYSREG);
	if (!read)
		val = arm64_reg(v, SYS_RT(esr));
	if (!arm64_sysreg_access(v, SYS_ENC(esr), !read, &val))
		return RUN_SLOW;
	if (read)
		arm64_set_reg(v, SYS_RT(esr), val);
	arm64_skip(v);
	return RUN_STAY;
}

static enum run_next undefined(struct arm64_vcpu *v)
{
	count(v, STAT_UNDEF);
	arm64_inject_undef(v);
	return RUN_LEAVE;
}

static enum run_next wfx(struct arm64_vcpu *v)
{
	count(v, STAT_WFX);
	arm64_skip(v);
	if (!(v->exit.esr & WFX_IS_WFE))
		v->wfi = true;
	return RUN_LEAVE;
}

/* The convention knows immediate 0 only. */
static bool is_call(u64 esr)
{
	return !(esr & 0xffff);
}

static enum run_next hypercall(struct arm64_vcpu *v)
{
	if (!is_call(v->exit.esr) || !arm64_smccc_fast(v))
		return RUN_SLOW;
	count(v, STAT_HVC);
	return RUN_STAY;
}

enum run_next arm64_exit_fast(struct arm64_vcpu *v)
{
	if (v->exit.vector != A64_EXIT_SYNC) {
		if (v->exit.vector == A64_EXIT_SERROR)
			v->serror = true;	/* whatever failed, the guest was running */
		else
			count(v, STAT_IRQ);
		return RUN_STAY;
	}
	switch (ESR_EC(v->exit.esr)) {
	case EC_DABT_LOWER:
	case EC_IABT_LOWER:
		/* The locks of guest memory's tables, of devices and of eventfds sleep there. */
		return IS_ENABLED(CONFIG_PREEMPT_RT) ? RUN_SLOW : memory_abort(v, true);
	case EC_SYSREG:
		return sysreg(v);
	case EC_WFX:
		return wfx(v);
	case EC_HVC64:
		return hypercall(v);
	default:
		return RUN_SLOW;
	}
}

/* The address of HVC is the next instruction's already; that of a trapped SMC is its own. */
enum run_next arm64_exit_slow(struct arm64_vcpu *v)
{
	switch (ESR_EC(v->exit.esr)) {
	case EC_DABT_LOWER:
	case EC_IABT_LOWER:
		return memory_abort(v, false);
	case EC_SMC64:
		arm64_skip(v);
		fallthrough;
	case EC_HVC64:
		count(v, STAT_HVC);
		if (!is_call(v->exit.esr)) {
			v->core.regs.regs[0] = ~0ULL;
			return RUN_LEAVE;
		}
		return arm64_smccc(v);
	case EC_BREAKPOINT_LOWER:
	case EC_STEP_LOWER:
	case EC_WATCHPOINT_LOWER:
	case EC_BRK:
		return arm64_debug_exit(v);
	default:
		return undefined(v);
	}
}
