// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Adapts the supported CPUID leaves to one vCPU: its APIC id, and a topology of
 * one socket with as many cores of one thread as there are CPUs. Called by
 * machine.c for each vCPU. Sources: Intel SDM 2A, CPUID; AMD APM 3, appendix E.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "cpuid.h"

#define LEAVES_ADDED	3u

#define LEAF_1_ECX_TSC_DEADLINE	(1u << 24)
#define LEAF_1_ECX_HYPERVISOR	(1u << 31)
#define LEAF_1_EDX_HTT		(1u << 28)
#define AMD_ECX_CMP_LEGACY	(1u << 1)

#define LEVEL_THREAD	1u
#define LEVEL_CORE	2u

/* Bits of an APIC id that number @count things. */
static unsigned int id_bits(uint32_t count)
{
	unsigned int bits = 0;

	while ((UINT32_C(1) << bits) < count)
		bits++;
	return bits;
}

static bool is_amd(const struct kvmx_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		const struct kvmx_cpuid_entry2 *e = &cpuid->entries[i];

		/* AuthenticAMD and HygonGenuine, by EBX */
		if (!e->function)
			return e->ebx == 0x68747541 || e->ebx == 0x6f677948;
	}
	return false;
}

static uint32_t max_leaf(const struct kvmx_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (!cpuid->entries[i].function)
			return cpuid->entries[i].eax;
	return 0;
}

/* Cache leaves 4 and 0x8000001d: the last level is shared by all cores. */
static void cache_fix(struct kvmx_cpuid_entry2 *e, uint32_t ids, bool cores)
{
	uint32_t level = (e->eax >> 5) & 7;
	uint32_t sharing = level >= 3 ? ids - 1 : 0;

	if (!(e->eax & 0x1f))
		return;
	e->eax &= cores ? 0x3fffu : ~UINT32_C(0x03ffc000);
	e->eax |= sharing << 14;
	if (cores)
		e->eax |= ((ids - 1) & 0x3f) << 26;
}

static void entry_fix(struct kvmx_cpuid_entry2 *e,
		      const struct cpuid_topology *t, bool amd)
{
	unsigned int bits = id_bits(t->count);

	switch (e->function) {
	case 1:
		e->ebx = (e->ebx & 0xffff) | (t->cpu << 24);
		e->edx &= ~LEAF_1_EDX_HTT;
		if (t->count > 1) {
			e->ebx |= ((UINT32_C(1) << bits) & 0xff) << 16;
			e->edx |= LEAF_1_EDX_HTT;
		}
		e->ecx |= LEAF_1_ECX_HYPERVISOR;
		if (t->tsc_deadline)
			e->ecx |= LEAF_1_ECX_TSC_DEADLINE;
		break;
	case 4:
		cache_fix(e, UINT32_C(1) << bits, true);
		break;
	case 0x80000001:
		if (amd) {
			e->ecx &= ~AMD_ECX_CMP_LEGACY;
			if (t->count > 1)
				e->ecx |= AMD_ECX_CMP_LEGACY;
		}
		break;
	case 0x80000008:
		if (amd)
			e->ecx = (e->ecx & ~UINT32_C(0xf0ff)) |
				 ((t->count - 1) & 0xff) | (bits << 12);
		break;
	case 0x8000001d:
		cache_fix(e, UINT32_C(1) << bits, false);
		break;
	case 0x8000001e:
		e->eax = t->cpu;
		e->ebx = t->cpu & 0xff;
		e->ecx = 0;
		break;
	default:
		break;
	}
}

static bool is_topology(uint32_t function)
{
	return function == 0xb || function == 0x1f || function == 0x80000026;
}

/* Leaf 0xb, "Extended Topology Enumeration": thread, core, end. */
static void topology_add(struct kvmx_cpuid2 *cpuid,
			 const struct cpuid_topology *t)
{
	for (uint32_t i = 0; i < LEAVES_ADDED; i++) {
		struct kvmx_cpuid_entry2 *e = &cpuid->entries[cpuid->nent++];

		memset(e, 0, sizeof(*e));
		e->function = 0xb;
		e->index = i;
		e->flags = KVMX_CPUID_FLAG_SIGNIFCANT_INDEX;
		e->ecx = i;
		e->edx = t->cpu;
		if (i == 0) {
			e->ebx = 1;
			e->ecx |= LEVEL_THREAD << 8;
		} else if (i == 1) {
			e->eax = id_bits(t->count);
			e->ebx = t->count;
			e->ecx |= LEVEL_CORE << 8;
		}
	}
}

int cpuid_make(const struct kvmx_cpuid2 *supported,
	       const struct cpuid_topology *topology, struct kvmx_cpuid2 **out)
{
	size_t room = (size_t)supported->nent + LEAVES_ADDED;
	bool amd = is_amd(supported);
	struct kvmx_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	for (uint32_t i = 0; i < supported->nent; i++) {
		struct kvmx_cpuid_entry2 *e = &cpuid->entries[cpuid->nent];

		if (is_topology(supported->entries[i].function))
			continue;
		*e = supported->entries[i];
		entry_fix(e, topology, amd);
		cpuid->nent++;
	}
	if (max_leaf(supported) >= 0xb)
		topology_add(cpuid, topology);
	*out = cpuid;
	return 0;
}
