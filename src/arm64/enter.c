// SPDX-License-Identifier: GPL-2.0-only
/*
 * The switch between host and guest on a VHE host: which of EL1's and EL2's
 * registers change at the window's ends, and which at each entry. Called by
 * the run loop (run.c) and, for probing, by init.c.
 */
#include <linux/kernel.h>
#include <linux/smp.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>
#include <kvmx/host.h>

#include "enter.h"
#include "timer.h"
#include "vgic.h"

#define GUEST_HCR	(HCR_VM_BIT | HCR_SWIO_BIT | HCR_FMO_BIT | HCR_IMO_BIT | HCR_AMO_BIT | \
			 HCR_FB_BIT | HCR_BSU_IS_BIT | HCR_TWI_BIT | HCR_TID3_BIT | HCR_TSC_BIT | \
			 HCR_TIDCP_BIT | HCR_TACR_BIT | HCR_TSW_BIT | HCR_RW_BIT | HCR_E2H_BIT | \
			 HCR_TLOR_BIT | HCR_TERR_BIT)
#define GUEST_MDCR	(MDCR_TPMCR_BIT | MDCR_TPM_BIT | MDCR_TDA_BIT | MDCR_TDOSA_BIT | \
			 MDCR_TDRA_BIT | MDCR_TTRF_BIT)

#define read_reg(enc)		read_sysreg_s(enc)
#define write_reg(val, enc)	write_sysreg_s(val, enc)

static bool has_hcrx __ro_after_init;

#define CURRENT_EL2	(2 << 2)

int arm64_cpu_probe(void)
{
	u64 pfr0 = read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1);

	if (read_sysreg(CurrentEL) != CURRENT_EL2) {
		pr_err("kvmx: this kernel does not run at EL2 with VHE (it was not booted there, or the CPU has no VHE), which kvmx needs on arm64\n");
		return -ENODEV;
	}
	if ((pfr0 >> 24 & 0xf) == 0) {
		pr_err("kvmx: this computer's interrupt controller is no GICv3: no virtual interrupts\n");
		return -ENODEV;
	}
	has_hcrx = (read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1) >> 40 & 0xf) != 0;
	return 0;
}

/* Those of enum arm64_sys that the CPU holds: EL1's own by their names for EL2. */
static void sys_load(const u64 *sys)
{
	write_reg(sys[A64_SYS_SCTLR], A64_EL12(A64_SCTLR_EL1));
	write_reg(sys[A64_SYS_CPACR], A64_EL12(A64_CPACR_EL1));
	write_reg(sys[A64_SYS_TTBR0], A64_EL12(A64_TTBR0_EL1));
	write_reg(sys[A64_SYS_TTBR1], A64_EL12(A64_TTBR1_EL1));
	write_reg(sys[A64_SYS_TCR], A64_EL12(A64_TCR_EL1));
	write_reg(sys[A64_SYS_ESR], A64_EL12(A64_ESR_EL1));
	write_reg(sys[A64_SYS_AFSR0], A64_EL12(A64_AFSR0_EL1));
	write_reg(sys[A64_SYS_AFSR1], A64_EL12(A64_AFSR1_EL1));
	write_reg(sys[A64_SYS_FAR], A64_EL12(A64_FAR_EL1));
	write_reg(sys[A64_SYS_MAIR], A64_EL12(A64_MAIR_EL1));
	write_reg(sys[A64_SYS_AMAIR], A64_EL12(A64_AMAIR_EL1));
	write_reg(sys[A64_SYS_VBAR], A64_EL12(A64_VBAR_EL1));
	write_reg(sys[A64_SYS_CONTEXTIDR], A64_EL12(A64_CONTEXTIDR_EL1));
	write_reg(sys[A64_SYS_CNTKCTL], A64_EL12(A64_CNTKCTL_EL1));
	write_reg(sys[A64_SYS_PAR], A64_PAR_EL1);
	write_reg(sys[A64_SYS_TPIDR_EL1], A64_TPIDR_EL1);
	write_reg(sys[A64_SYS_CSSELR], A64_CSSELR_EL1);
}

static void sys_save(u64 *sys)
{
	sys[A64_SYS_SCTLR] = read_reg(A64_EL12(A64_SCTLR_EL1));
	sys[A64_SYS_CPACR] = read_reg(A64_EL12(A64_CPACR_EL1));
	sys[A64_SYS_TTBR0] = read_reg(A64_EL12(A64_TTBR0_EL1));
	sys[A64_SYS_TTBR1] = read_reg(A64_EL12(A64_TTBR1_EL1));
	sys[A64_SYS_TCR] = read_reg(A64_EL12(A64_TCR_EL1));
	sys[A64_SYS_ESR] = read_reg(A64_EL12(A64_ESR_EL1));
	sys[A64_SYS_AFSR0] = read_reg(A64_EL12(A64_AFSR0_EL1));
	sys[A64_SYS_AFSR1] = read_reg(A64_EL12(A64_AFSR1_EL1));
	sys[A64_SYS_FAR] = read_reg(A64_EL12(A64_FAR_EL1));
	sys[A64_SYS_MAIR] = read_reg(A64_EL12(A64_MAIR_EL1));
	sys[A64_SYS_AMAIR] = read_reg(A64_EL12(A64_AMAIR_EL1));
	sys[A64_SYS_VBAR] = read_reg(A64_EL12(A64_VBAR_EL1));
	sys[A64_SYS_CONTEXTIDR] = read_reg(A64_EL12(A64_CONTEXTIDR_EL1));
	sys[A64_SYS_CNTKCTL] = read_reg(A64_EL12(A64_CNTKCTL_EL1));
	sys[A64_SYS_PAR] = read_reg(A64_PAR_EL1);
	sys[A64_SYS_TPIDR_EL1] = read_reg(A64_TPIDR_EL1);
	sys[A64_SYS_CSSELR] = read_reg(A64_CSSELR_EL1);
}

/*
 * The host's user registers that its kernel does not use: they are the VMM's
 * thread's, whose own values the kernel keeps only while it does not run.
 */
struct host_user {
	u64 tpidr, tpidrro;
};
static DEFINE_PER_CPU(struct host_user, host_user);

void arm64_world_load(struct arm64_vcpu *v)
{
	struct arm64_vm *vm = arm64_vm_of(v);
	struct host_user *host = this_cpu_ptr(&host_user);

	arm64_fp_load(&v->core.fp_regs);
	sys_load(v->sys);
	host->tpidr = read_reg(A64_TPIDR_EL0);
	host->tpidrro = read_reg(A64_TPIDRRO_EL0);
	write_reg(v->sys[A64_SYS_TPIDR_EL0], A64_TPIDR_EL0);
	write_reg(v->sys[A64_SYS_TPIDRRO], A64_TPIDRRO_EL0);
	write_reg(v->core.sp_el1, A64_SP_EL1);
	write_reg(v->core.elr_el1, A64_ELR_EL12);
	write_reg(v->core.spsr[KVMX_SPSR_EL1], A64_SPSR_EL12);

	arm64_vmid_update(vm);
	write_reg(vm->vtcr, A64_VTCR_EL2);
	write_reg(read_sysreg(midr_el1), A64_VPIDR_EL2);
	write_reg(v->mpidr, A64_VMPIDR_EL2);
	/* Breakpoints are the host's: no debug exceptions but software steps of the guest's own. */
	v->host_mdscr = read_reg(A64_MDSCR_EL1);
	write_reg(0, A64_MDSCR_EL1);
	v->host_cnthctl = read_reg(A64_CNTHCTL_EL2);
	write_reg((v->host_cnthctl | A64_CNTHCTL_EL1PCTEN) & ~A64_CNTHCTL_EL1PTEN, A64_CNTHCTL_EL2);

	/* Translations of another vCPU of this VM: its ASIDs are its own. */
	if (*this_cpu_ptr(vm->last_vcpu) != (int)v->vcpu.index) {
		*this_cpu_ptr(vm->last_vcpu) = v->vcpu.index;
		v->flush = true;
	}
	timer_load(v);
	vgic_load(v);
}

void arm64_world_save(struct arm64_vcpu *v)
{
	struct host_user *host = this_cpu_ptr(&host_user);

	vgic_save(v);
	write_reg(v->host_cnthctl, A64_CNTHCTL_EL2);
	write_reg(v->host_mdscr, A64_MDSCR_EL1);
	v->core.sp_el1 = read_reg(A64_SP_EL1);
	v->core.elr_el1 = read_reg(A64_ELR_EL12);
	v->core.spsr[KVMX_SPSR_EL1] = read_reg(A64_SPSR_EL12);
	v->sys[A64_SYS_TPIDR_EL0] = read_reg(A64_TPIDR_EL0);
	v->sys[A64_SYS_TPIDRRO] = read_reg(A64_TPIDRRO_EL0);
	write_reg(host->tpidr, A64_TPIDR_EL0);
	write_reg(host->tpidrro, A64_TPIDRRO_EL0);
	sys_save(v->sys);
	arm64_fp_save(&v->core.fp_regs);
}

void arm64_cache_clean(const void *at, size_t size)
{
	size_t line = 4UL << (read_sysreg(ctr_el0) >> 16 & 0xf);
	unsigned long p = (unsigned long)at & ~(line - 1), end = (unsigned long)at + size;

	for (; p < end; p += line)
		asm volatile("dc civac, %0" : : "r" (p) : "memory");
	asm volatile("dsb ish; ic ialluis; dsb ish; isb" : : : "memory");
}

static bool is_abort(u64 esr)
{
	return ESR_EC(esr) == EC_DABT_LOWER || ESR_EC(esr) == EC_IABT_LOWER;
}

/*
 * HPFAR_EL2 has the address of translation and access faults and of the
 * guest's table walks; of other permission faults the guest's tables have to
 * tell it (Arm ARM, "HPFAR_EL2"). Its translation regime is still in place.
 */
static void read_ipa(struct arm64_exit *exit)
{
	u64 guest_par, par;

	exit->stale = false;
	if (ABT_FSC_TYPE(exit->esr) != ABT_FSC_PERMISSION || (exit->esr & ABT_S1PTW)) {
		exit->ipa = (read_reg(A64_HPFAR_EL2) & GENMASK_ULL(39, 4)) << 8;
	} else {
		guest_par = read_reg(A64_PAR_EL1);
		asm volatile("at s1e1r, %0" : : "r" (exit->far));
		isb();
		par = read_reg(A64_PAR_EL1);
		write_reg(guest_par, A64_PAR_EL1);
		exit->stale = par & 1;
		exit->ipa = par & GENMASK_ULL(47, 12);
	}
	exit->ipa |= exit->far & 0xfff;
}

static void read_exit(struct arm64_exit *exit, unsigned int vector)
{
	exit->vector = vector;
	exit->esr = read_reg(A64_ESR_EL2);
	if (vector == A64_EXIT_SYNC && is_abort(exit->esr)) {
		exit->far = read_reg(A64_FAR_EL2);
		read_ipa(exit);
	}
}

void arm64_world_run(struct arm64_vcpu *v)
{
	u64 hcr = read_reg(A64_HCR_EL2), cptr = read_sysreg(cpacr_el1);
	u64 mdcr = read_reg(A64_MDCR_EL2), hcrx = has_hcrx ? read_reg(A64_HCRX_EL2) : 0;
	unsigned long daif = read_sysreg(daif);
	unsigned int vector;

	asm volatile("msr daifset, #0xf" : : : "memory");
	timer_enter(v);
	vgic_enter(v);
	/* With E2H these are CPTR_EL2. Traps of SVE, SME, activity monitors. */
	write_sysreg(CPTR_FPEN_FREE | CPTR_TAM, cpacr_el1);
	write_reg((mdcr & MDCR_HPMN_MASK) | GUEST_MDCR, A64_MDCR_EL2);
	if (has_hcrx)
		write_reg(0, A64_HCRX_EL2);
	write_reg(arm64_vttbr(arm64_vm_of(v)), A64_VTTBR_EL2);
	write_reg(GUEST_HCR | (v->serror ? HCR_VSE_BIT : 0), A64_HCR_EL2);
	isb();
	if (v->flush) {
		v->flush = false;
		asm volatile("dsb ishst; tlbi vmalls12e1is; dsb ish; ic ialluis; dsb ish; isb"
			     : : : "memory");
	}

	vector = arm64_world_enter(&v->core.regs, arm64_vectors);

	read_exit(&v->exit, vector);
	/* The bit is gone once the guest has taken it. */
	v->serror = read_reg(A64_HCR_EL2) & HCR_VSE_BIT;
	write_reg(hcr, A64_HCR_EL2);
	if (has_hcrx)
		write_reg(hcrx, A64_HCRX_EL2);
	write_reg(mdcr, A64_MDCR_EL2);
	write_sysreg(cptr, cpacr_el1);
	isb();
	vgic_leave(v);
	timer_leave(v);
	write_sysreg(daif, daif);
}
