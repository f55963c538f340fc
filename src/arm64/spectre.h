/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU's branch predictors have to be told when a guest is left, so that the guest
 * does not steer what the host speculates: chosen in spectre.c from what spectre_cpu.c
 * finds, done by world.S in the vectors, first of all.
 */
#ifndef ARM64_SPECTRE_H
#define ARM64_SPECTRE_H

/* Which of world.S's vectors; above, how often those that loop do it. */
#define HARDEN_NONE		0
#define HARDEN_WORKAROUND_1	1
#define HARDEN_WORKAROUND_3	2
#define HARDEN_CLRBHB		3
#define HARDEN_LOOP		4
#define HARDEN_KIND_BITS	3

/* Calls of the firmware (Arm DEN 0028, "SMCCC_ARCH_WORKAROUND_1" and so on). */
#define SMCCC_WORKAROUND_1	0x80008000
#define SMCCC_WORKAROUND_2	0x80007fff
#define SMCCC_WORKAROUND_3	0x80003fff

#ifndef __ASSEMBLER__
#include <linux/types.h>

struct spectre_cpu {
	u64 midr, pfr0, isar2;
	bool v2, bhb;			/* the kernel says that CPUs here are affected */
	bool off;			/* and that nothing is to be done about it */
	s32 workaround_1, workaround_3;	/* the firmware has them: 0; 1: no need here; negative: no */
};

struct spectre_choice {
	u64 harden;
	u8 v2, bhb;			/* levels as KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1 has them */
};

/* Pure. */
struct spectre_choice spectre_choose(const struct spectre_cpu *cpu);

/* spectre_cpu.c: at load, process context; then on each CPU, when it is enabled. */
void spectre_init(void);
void spectre_cpu_enable(void);

/* The levels of workarounds 1, 2 and 3 on the worst of the CPUs. */
extern u8 spectre_levels[3];
#endif

#endif
