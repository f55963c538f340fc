/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For both units, where a run window opens: nobody is to go by the branches that a guest
 * has taught this CPU's predictors. Within the window the world switches see to it.
 */
#ifndef X86_PREDICTORS_H
#define X86_PREDICTORS_H

#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>

#include "cpu.h"

/* @other: the last guest here was another one. Preemption off. */
static inline void x86_predictors_open(bool other)
{
	if (other && boot_cpu_has(X86_FEATURE_IBPB))
		x86_wrmsr(X86_MSR_PRED_CMD, 1);
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	/* The next program, the VMM first of all: the kernel's part, once it knows ("VMSCAPE"). */
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
}

#endif
