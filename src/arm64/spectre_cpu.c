// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this computer's CPUs, their firmware and the kernel say of speculation, for
 * spectre.c to choose by. Called by init.c.
 */
#include <linux/kernel.h>
#include <linux/cpu.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/cputype.h>
#include <asm/sysreg.h>
#include <kvmx/host.h>

#include "enter.h"
#include "spectre.h"

u8 spectre_levels[3] __ro_after_init;

static struct kvmx_host_spectre host __ro_after_init;
DEFINE_PER_CPU(struct spectre_choice, spectre_choice);

static void look(void *unused)
{
	struct spectre_cpu cpu = {
		.midr = read_cpuid_id(),
		.pfr0 = read_sysreg(id_aa64pfr0_el1),
		.isar2 = read_reg(A64_ID_AA64ISAR2_EL1),
		.v2 = host.v2, .bhb = host.bhb, .off = host.off,
		.workaround_1 = kvmx_host_firmware_has(SMCCC_WORKAROUND_1),
		.workaround_3 = kvmx_host_firmware_has(SMCCC_WORKAROUND_3),
	};

	*this_cpu_ptr(&spectre_choice) = spectre_choose(&cpu);
}

/* What guests are told holds for the CPUs that are online by now. */
void spectre_init(void)
{
	int cpu;

	host = kvmx_host_spectre();
	spectre_levels[0] = KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED;
	spectre_levels[1] = host.v4 ? KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_AVAIL :
				      KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_REQUIRED;
	spectre_levels[2] = KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_REQUIRED;
	cpus_read_lock();
	on_each_cpu(look, NULL, 1);
	for_each_online_cpu(cpu) {
		const struct spectre_choice *c = per_cpu_ptr(&spectre_choice, cpu);

		spectre_levels[0] = min(spectre_levels[0], c->v2);
		spectre_levels[2] = min(spectre_levels[2], c->bhb);
	}
	cpus_read_unlock();
	if (!spectre_levels[0] || !spectre_levels[2])
		pr_info("kvmx: guests can steer this computer's speculation: %s\n",
			host.off ? "mitigations are off" : "there is no call of its firmware against it");
}

void spectre_cpu_enable(void)
{
	look(NULL);
}
