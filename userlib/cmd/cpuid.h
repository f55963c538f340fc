/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CPUID leaves each vCPU gets, made from what the device supports.
 */
#ifndef KVMX_CMD_CPUID_H
#define KVMX_CMD_CPUID_H

#include <kvmx.h>

struct cpuid_topology {
	uint32_t cpu;		/* this one, also its APIC id */
	uint32_t count;		/* of CPUs in the machine */
	int tsc_deadline;	/* the local APIC timer has that mode */
};

int cpuid_make(const struct kvmx_cpuid2 *supported,
	       const struct cpuid_topology *topology, struct kvmx_cpuid2 **out);

#endif
