// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the ways to keep a guest out of the host's branch prediction a CPU needs
 * and has (Arm's "Cache Speculation Side-channels" and "Spectre-BHB" papers). Pure:
 * the tests compile it for any computer. Called by spectre_cpu.c.
 */
#include <linux/kernel.h>
#include <linux/bits.h>
#include <linux/kvmx.h>

#include "spectre.h"

/* MIDR_EL1 without variant and revision; an Arm CPU by its part number. */
#define MIDR_MODEL	0xff00fff0ULL
#define ARM_PART(part)	((u64)(part) << 4)
#define MODEL(midr)	((midr) & MIDR_MODEL)
#define ARM_CPU(part)	(0x41000000ULL | ARM_PART(part))
#define AMPERE_CPU(part) (0xc0000000ULL | ARM_PART(part))

#define IMMUNE		0	/* in order: nothing to steer */
#define BY_FIRMWARE	0xff	/* no number of branches does it, or none that is known */

/* How many taken branches fill the branch history. */
static const struct {
	u64 model;
	u8 loops;
} histories[] = {
	{ ARM_CPU(0xd03), IMMUNE },		/* Cortex-A53 */
	{ ARM_CPU(0xd04), IMMUNE },		/* A35 */
	{ ARM_CPU(0xd05), IMMUNE },		/* A55 */
	{ ARM_CPU(0xd46), IMMUNE },		/* A510 */
	{ ARM_CPU(0xd80), IMMUNE },		/* A520 */
	{ ARM_CPU(0xd09), BY_FIRMWARE },	/* A73 */
	{ ARM_CPU(0xd0a), BY_FIRMWARE },	/* A75 */
	{ ARM_CPU(0xd07), 8 },			/* A57 */
	{ ARM_CPU(0xd08), 8 },			/* A72 */
	{ AMPERE_CPU(0xac3), 11 },		/* Ampere-1 */
	{ ARM_CPU(0xd0b), 24 },			/* A76 */
	{ ARM_CPU(0xd0e), 24 },			/* A76AE */
	{ ARM_CPU(0xd0d), 24 },			/* A77 */
	{ ARM_CPU(0xd0c), 24 },			/* Neoverse N1 */
	{ ARM_CPU(0xd41), 32 },			/* A78 */
	{ ARM_CPU(0xd42), 32 },			/* A78AE */
	{ ARM_CPU(0xd4b), 32 },			/* A78C */
	{ ARM_CPU(0xd44), 32 },			/* X1 */
	{ ARM_CPU(0xd4c), 32 },			/* X1C */
	{ ARM_CPU(0xd47), 32 },			/* A710 */
	{ ARM_CPU(0xd48), 32 },			/* X2 */
	{ ARM_CPU(0xd40), 32 },			/* Neoverse V1 */
	{ ARM_CPU(0xd49), 32 },			/* Neoverse N2 */
	{ ARM_CPU(0xd4d), 38 },			/* A715 */
	{ ARM_CPU(0xd81), 38 },			/* A720 */
	{ ARM_CPU(0xd4e), 132 },		/* X3 */
	{ ARM_CPU(0xd4f), 132 },		/* Neoverse V2 */
};

static u8 history(const struct spectre_cpu *cpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(histories); i++)
		if (histories[i].model == MODEL(cpu->midr))
			return histories[i].loops;
	return cpu->workaround_3 == 1 ? IMMUNE : BY_FIRMWARE;
}

static u64 harden(const struct spectre_cpu *cpu, bool v2, bool bhb, u8 loops)
{
	if (cpu->off || (!v2 && !bhb))
		return HARDEN_NONE;
	/* The third call does what the first one does, and forgets the history. */
	if (!cpu->workaround_3)
		return HARDEN_WORKAROUND_3;
	/* Without a prediction the history has nothing to choose from. */
	if (v2 && !cpu->workaround_1)
		return HARDEN_WORKAROUND_1;
	if (bhb && cpu->isar2 >> 28 & 0xf)
		return HARDEN_CLRBHB;
	if (bhb && loops != BY_FIRMWARE)
		return HARDEN_LOOP | loops << HARDEN_KIND_BITS;
	return HARDEN_NONE;
}

struct spectre_choice spectre_choose(const struct spectre_cpu *cpu)
{
	unsigned int csv2 = cpu->pfr0 >> 56 & 0xf;
	u8 loops = history(cpu);
	bool v2 = cpu->v2 && !csv2 && cpu->workaround_1 != 1;
	bool bhb = cpu->bhb && csv2 < 3 && loops != IMMUNE;
	u64 how = harden(cpu, v2, bhb, loops);
	bool call = how == HARDEN_WORKAROUND_1 || how == HARDEN_WORKAROUND_3;

	return (struct spectre_choice){
		.harden = how,
		.v2 = !v2 ? KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED :
		      call ? KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1_AVAIL :
			     KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_AVAIL,
		.bhb = !bhb ? KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_REQUIRED :
		       how ? KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_3_AVAIL :
			     KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_AVAIL,
	};
}
