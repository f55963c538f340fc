// SPDX-License-Identifier: GPL-2.0-only
/*
 * The switch between host and guest: what is alike on a host at EL2 and on one at
 * EL1. The rest is in vhe.c and nvhe.c. Called by the run loop (run.c) and, for
 * probing, by init.c.
 */
#include <linux/kernel.h>
#include <linux/smp.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>
#include <kvmx/host.h>

#include "enter.h"
#include "frame.h"
#include "timer.h"
#include "vgic.h"

bool arm64_nvhe __ro_after_init;
bool arm64_has_hcrx __ro_after_init;

#define CURRENT_EL2	(2 << 2)

int arm64_cpu_probe(void)
{
	u64 pfr0 = read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1);

	/* Whether EL2 is there at all is seen when a VM takes it. */
	arm64_nvhe = read_sysreg(CurrentEL) != CURRENT_EL2;
	if ((pfr0 >> 24 & 0xf) == 0) {
		pr_err("kvmx: this computer's interrupt controller is no GICv3: no virtual interrupts\n");
		return -ENODEV;
	}
	arm64_has_hcrx = (read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1) >> 40 & 0xf) != 0;
	if (!arm64_nvhe)
		vgic_cpu_init(read_reg(A64_ICH_VTR_EL2));
	return 0;
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
	host->tpidr = read_reg(A64_TPIDR_EL0);
	host->tpidrro = read_reg(A64_TPIDRRO_EL0);
	write_reg(v->sys[A64_SYS_TPIDR_EL0], A64_TPIDR_EL0);
	write_reg(v->sys[A64_SYS_TPIDRRO], A64_TPIDRRO_EL0);
	arm64_vmid_update(vm);
	if (arm64_nvhe)
		nvhe_load(v);
	else
		vhe_load(v);

	/* Translations of another vCPU of this VM: its ASIDs are its own. */
	if (*this_cpu_ptr(vm->last_vcpu) != (int)v->vcpu.index) {
		*this_cpu_ptr(vm->last_vcpu) = v->vcpu.index;
		v->flush = true;
	}
	vgic_load(v);
}

void arm64_world_save(struct arm64_vcpu *v)
{
	struct host_user *host = this_cpu_ptr(&host_user);

	timer_close(v);
	vgic_save(v);
	if (arm64_nvhe)
		nvhe_save(v);
	else
		vhe_save(v);
	v->sys[A64_SYS_TPIDR_EL0] = read_reg(A64_TPIDR_EL0);
	v->sys[A64_SYS_TPIDRRO] = read_reg(A64_TPIDRRO_EL0);
	write_reg(host->tpidr, A64_TPIDR_EL0);
	write_reg(host->tpidrro, A64_TPIDRRO_EL0);
	arm64_fp_save(&v->core.fp_regs);
}

u64 arm64_world_sctlr(void)
{
	return arm64_nvhe ? nvhe_frame()->guest.sys[A64_SYS_SCTLR] :
			    read_reg(A64_EL12(A64_SCTLR_EL1));
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

/* Where the address of a stage-2 abort is: world.S asked the guest's tables if need be. */
static void find_ipa(struct arm64_exit *exit)
{
	exit->stale = false;
	if (ABT_FSC_TYPE(exit->esr) != ABT_FSC_PERMISSION || (exit->esr & ABT_S1PTW)) {
		exit->ipa = (exit->hpfar & GENMASK_ULL(39, 4)) << 8;
	} else {
		exit->stale = exit->par & PAR_FAILED;
		exit->ipa = exit->par & GENMASK_ULL(47, 12);
	}
	exit->ipa |= exit->far & 0xfff;
}

void arm64_world_run(struct arm64_vcpu *v)
{
	unsigned long daif = read_sysreg(daif);
	bool debug;

	asm volatile("msr daifset, #0xf" : : : "memory");
	timer_enter(v);
	vgic_enter(v);
	/*
	 * An interrupt within the window may have brought the host a breakpoint. What else
	 * its kernel has there, no debug channel for EL0, stays.
	 */
	debug = v->debugging || (read_reg(A64_MDSCR_EL1) & MDSCR_DEBUG);
	if (unlikely(debug))
		arm64_debug_enter(v);
	v->exit.vector = arm64_nvhe ? nvhe_run(v) : vhe_run(v);
	v->flush = false;
	if (unlikely(debug))
		arm64_debug_leave(v);
	if (v->exit.vector == A64_EXIT_SYNC && is_abort(v->exit.esr))
		find_ipa(&v->exit);
	vgic_leave(v);
	write_sysreg(daif, daif);
}
