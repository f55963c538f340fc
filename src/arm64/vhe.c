// SPDX-License-Identifier: GPL-2.0-only
/*
 * The switch on a host that runs at EL2 (VHE): EL1's registers are nobody's but
 * the guest's, so most change only at the window's ends. Called by enter.c.
 */
#include <linux/kernel.h>
#include <asm/barrier.h>
#include <asm/sysreg.h>

#include "enter.h"
#include "timer.h"

static void sys_load(const u64 *sys)
{
#define LOAD(name, reg) write_reg(sys[A64_SYS_##name], A64_EL12(A64_##name##_EL1));
	ARM64_EACH_EL12_REG(LOAD)
#undef LOAD
#define LOAD(name, reg) write_reg(sys[A64_SYS_##name], A64_##name##_EL1);
	ARM64_EACH_EL1_REG(LOAD)
#undef LOAD
}

static void sys_save(u64 *sys)
{
#define SAVE(name, reg) sys[A64_SYS_##name] = read_reg(A64_EL12(A64_##name##_EL1));
	ARM64_EACH_EL12_REG(SAVE)
#undef SAVE
#define SAVE(name, reg) sys[A64_SYS_##name] = read_reg(A64_##name##_EL1);
	ARM64_EACH_EL1_REG(SAVE)
#undef SAVE
}

void vhe_load(struct arm64_vcpu *v)
{
	struct arm64_vm *vm = arm64_vm_of(v);

	sys_load(v->sys);
	write_reg(v->core.sp_el1, A64_SP_EL1);
	write_reg(v->core.elr_el1, A64_ELR_EL12);
	write_reg(v->core.spsr[KVMX_SPSR_EL1], A64_SPSR_EL12);
	write_reg(vm->vtcr, A64_VTCR_EL2);
	write_reg(arm64_vttbr(vm), A64_VTTBR_EL2);
	write_reg(read_sysreg(midr_el1), A64_VPIDR_EL2);
	write_reg(v->mpidr, A64_VMPIDR_EL2);
	v->host_cnthctl = read_reg(A64_CNTHCTL_EL2);
	write_reg((v->host_cnthctl | A64_CNTHCTL_EL1PCTEN) & ~A64_CNTHCTL_EL1PTEN, A64_CNTHCTL_EL2);
	write_reg(READ_ONCE(vm->counter_offset), A64_CNTVOFF_EL2);
	/*
	 * All that translates for the guest is in place before an entry makes it the CPU's
	 * EL1: Cortex-A55 and A76 (errata 1530923, 1165522) would keep a translation that they
	 * find speculatively by half of it.
	 */
	isb();
}

void vhe_save(struct arm64_vcpu *v)
{
	write_reg(v->host_cnthctl, A64_CNTHCTL_EL2);
	v->core.sp_el1 = read_reg(A64_SP_EL1);
	v->core.elr_el1 = read_reg(A64_ELR_EL12);
	v->core.spsr[KVMX_SPSR_EL1] = read_reg(A64_SPSR_EL12);
	sys_save(v->sys);
}

static void vtimer_load(struct arm64_vcpu *v)
{
	write_reg(v->vtimer.cval, A64_CNTV_CVAL_EL02);
	write_reg(v->vtimer.ctl, A64_CNTV_CTL_EL02);
}

/* Off, so that the host gets no interrupt of it. */
static void vtimer_save(struct arm64_vcpu *v)
{
	v->vtimer.ctl = read_reg(A64_CNTV_CTL_EL02) & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK);
	v->vtimer.cval = read_reg(A64_CNTV_CVAL_EL02);
	write_reg(0, A64_CNTV_CTL_EL02);
}

unsigned int vhe_run(struct arm64_vcpu *v)
{
	u64 hcr = read_reg(A64_HCR_EL2), cptr = read_sysreg(cpacr_el1);
	u64 mdcr = read_reg(A64_MDCR_EL2), hcrx = arm64_has_hcrx ? read_reg(A64_HCRX_EL2) : 0;
	unsigned int vector;

	vtimer_load(v);
	/* With E2H these are CPTR_EL2. Traps of SVE, SME, activity monitors. */
	write_sysreg(CPTR_FPEN_FREE | CPTR_TAM, cpacr_el1);
	write_reg((mdcr & MDCR_HPMN_MASK) | v->mdcr, A64_MDCR_EL2);
	if (arm64_has_hcrx)
		write_reg(0, A64_HCRX_EL2);
	write_reg(GUEST_HCR | HCR_E2H_BIT | (v->serror ? HCR_VSE_BIT : 0), A64_HCR_EL2);
	isb();
	if (v->flush)
		asm volatile("dsb ishst; tlbi vmalls12e1is; dsb ish; ic ialluis; dsb ish; isb"
			     : : : "memory");

	vector = arm64_world_enter(&v->core.regs, &v->exit, spectre_harden());

	/* The bit is gone once the guest has taken it. */
	v->serror = read_reg(A64_HCR_EL2) & HCR_VSE_BIT;
	write_reg(hcr, A64_HCR_EL2);
	if (arm64_has_hcrx)
		write_reg(hcrx, A64_HCRX_EL2);
	write_reg(mdcr, A64_MDCR_EL2);
	write_sysreg(cptr, cpacr_el1);
	vtimer_save(v);
	isb();
	return vector;
}
