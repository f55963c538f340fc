// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading and writing a vCPU's registers: one ioctl each. Called by users of
 * libkvmx.
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

static int vcpu_ioctl(struct kvmx_vcpu *vcpu, unsigned long request,
		      const void *arg)
{
	return vcpu && arg ? kvmx_ioctl(vcpu->fd, request, arg) : -EINVAL;
}

int kvmx_vcpu_get_mp_state(struct kvmx_vcpu *vcpu, struct kvmx_mp_state *state)
{
	return vcpu_ioctl(vcpu, KVMX_GET_MP_STATE, state);
}

int kvmx_vcpu_set_mp_state(struct kvmx_vcpu *vcpu,
			   const struct kvmx_mp_state *state)
{
	return vcpu_ioctl(vcpu, KVMX_SET_MP_STATE, state);
}

int kvmx_vcpu_get_one_reg(struct kvmx_vcpu *vcpu, uint64_t id, void *value)
{
	struct kvmx_one_reg reg = { .id = id, .addr = (uintptr_t)value };

	return value ? vcpu_ioctl(vcpu, KVMX_GET_ONE_REG, &reg) : -EINVAL;
}

int kvmx_vcpu_set_one_reg(struct kvmx_vcpu *vcpu, uint64_t id, const void *value)
{
	struct kvmx_one_reg reg = { .id = id, .addr = (uintptr_t)value };

	return value ? vcpu_ioctl(vcpu, KVMX_SET_ONE_REG, &reg) : -EINVAL;
}

#if defined(__x86_64__)
#define MSRS_LIMIT 1024u

int kvmx_vcpu_get_regs(struct kvmx_vcpu *vcpu, struct kvmx_regs *regs)
{
	return vcpu_ioctl(vcpu, KVMX_GET_REGS, regs);
}

int kvmx_vcpu_set_regs(struct kvmx_vcpu *vcpu, const struct kvmx_regs *regs)
{
	return vcpu_ioctl(vcpu, KVMX_SET_REGS, regs);
}

int kvmx_vcpu_get_sregs(struct kvmx_vcpu *vcpu, struct kvmx_sregs *sregs)
{
	return vcpu_ioctl(vcpu, KVMX_GET_SREGS, sregs);
}

int kvmx_vcpu_set_sregs(struct kvmx_vcpu *vcpu, const struct kvmx_sregs *sregs)
{
	return vcpu_ioctl(vcpu, KVMX_SET_SREGS, sregs);
}

int kvmx_vcpu_get_fpu(struct kvmx_vcpu *vcpu, struct kvmx_fpu *fpu)
{
	return vcpu_ioctl(vcpu, KVMX_GET_FPU, fpu);
}

int kvmx_vcpu_set_fpu(struct kvmx_vcpu *vcpu, const struct kvmx_fpu *fpu)
{
	return vcpu_ioctl(vcpu, KVMX_SET_FPU, fpu);
}

int kvmx_vcpu_get_lapic(struct kvmx_vcpu *vcpu, struct kvmx_lapic_state *lapic)
{
	return vcpu_ioctl(vcpu, KVMX_GET_LAPIC, lapic);
}

int kvmx_vcpu_set_lapic(struct kvmx_vcpu *vcpu,
			const struct kvmx_lapic_state *lapic)
{
	return vcpu_ioctl(vcpu, KVMX_SET_LAPIC, lapic);
}

static int msrs_alloc(const struct kvmx_msr_entry *entries, uint32_t count,
		      struct kvmx_msrs **out)
{
	struct kvmx_msrs *msrs;

	if (!entries || !count)
		return -EINVAL;
	if (count > MSRS_LIMIT)
		return -E2BIG;
	msrs = calloc(1, sizeof(*msrs) + count * sizeof(*entries));
	if (!msrs)
		return -ENOMEM;
	msrs->nmsrs = count;
	memcpy(msrs->entries, entries, count * sizeof(*entries));
	*out = msrs;
	return 0;
}

int kvmx_vcpu_get_msrs(struct kvmx_vcpu *vcpu, struct kvmx_msr_entry *entries,
		       uint32_t count)
{
	struct kvmx_msrs *msrs;
	int ret = msrs_alloc(entries, count, &msrs);

	if (ret)
		return ret;
	ret = vcpu_ioctl(vcpu, KVMX_GET_MSRS, msrs);
	if (ret > 0 && (uint32_t)ret <= count)
		memcpy(entries, msrs->entries, ret * sizeof(*entries));
	free(msrs);
	return ret;
}

int kvmx_vcpu_set_msrs(struct kvmx_vcpu *vcpu,
		       const struct kvmx_msr_entry *entries, uint32_t count)
{
	struct kvmx_msrs *msrs;
	int ret = msrs_alloc(entries, count, &msrs);

	if (ret)
		return ret;
	ret = vcpu_ioctl(vcpu, KVMX_SET_MSRS, msrs);
	free(msrs);
	return ret;
}

int kvmx_vcpu_set_cpuid(struct kvmx_vcpu *vcpu, const struct kvmx_cpuid2 *cpuid)
{
	return vcpu_ioctl(vcpu, KVMX_SET_CPUID2, cpuid);
}

int kvmx_vcpu_get_cpuid(struct kvmx_vcpu *vcpu, struct kvmx_cpuid2 **out)
{
	if (!vcpu || !out)
		return -EINVAL;
	return kvmx_cpuid_list(vcpu->fd, KVMX_GET_CPUID2, out);
}
#endif
