// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor's own MSRs ("KVM-specific MSRs" in the kernel's
 * documentation), each there for a guest if CPUID offers its feature. Rows of
 * the table in msr.c.
 */
#include <linux/kernel.h>
#include <linux/kvmx_para.h>

#include "clock.h"
#include "cpuid.h"
#include "msr.h"
#include "pv_eoi.h"
#include "steal.h"

static bool offered(struct x86_vcpu *v, u32 msr)
{
	switch (msr) {
	case KVMX_MSR_WALL_CLOCK:
	case KVMX_MSR_SYSTEM_TIME:
		return x86_pv_has(v, X86F_KVM_CLOCKSOURCE);
	case KVMX_MSR_WALL_CLOCK_NEW:
	case KVMX_MSR_SYSTEM_TIME_NEW:
		return x86_pv_has(v, X86F_KVM_CLOCKSOURCE2);
	case KVMX_MSR_STEAL_TIME:
		return x86_pv_has(v, X86F_KVM_STEAL_TIME);
	case KVMX_MSR_PV_EOI_EN:
		return x86_pv_has(v, X86F_KVM_PV_EOI);
	case KVMX_MSR_POLL_CONTROL:
		return x86_pv_has(v, X86F_KVM_POLL_CONTROL);
	}
	return false;
}

int x86_pv_msr_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !offered(v, msr))
		return -EINVAL;
	switch (msr) {
	case KVMX_MSR_WALL_CLOCK:
	case KVMX_MSR_WALL_CLOCK_NEW:
		*val = READ_ONCE(x86_vm_of(v)->wall_clock_msr);
		return 0;
	case KVMX_MSR_SYSTEM_TIME:
	case KVMX_MSR_SYSTEM_TIME_NEW:
		*val = v->clock.system_time_msr;
		return 0;
	case KVMX_MSR_STEAL_TIME:
		*val = v->steal.msr;
		return 0;
	case KVMX_MSR_PV_EOI_EN:
		*val = v->pv_eoi.msr;
		return 0;
	case KVMX_MSR_POLL_CONTROL:
		*val = !v->vcpu.no_halt_poll;
		return 0;
	}
	return -EINVAL;
}

/* A guest asks for the time; user space puts back where it was asked for. */
static int set_wall_clock(struct x86_vcpu *v, u64 val, bool host)
{
	WRITE_ONCE(x86_vm_of(v)->wall_clock_msr, val);
	if (!host && val)
		x86_clock_write_wall(x86_vm_of(v), val);
	return 0;
}

/* Bit 0: the host may poll while the guest halts. */
static int set_poll_control(struct x86_vcpu *v, u64 val)
{
	if (val & ~1ull)
		return -EINVAL;
	v->vcpu.no_halt_poll = !val;
	return 0;
}

int x86_pv_msr_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && !offered(v, msr))
		return -EINVAL;
	switch (msr) {
	case KVMX_MSR_WALL_CLOCK:
	case KVMX_MSR_WALL_CLOCK_NEW:
		return set_wall_clock(v, val, host);
	case KVMX_MSR_SYSTEM_TIME:
	case KVMX_MSR_SYSTEM_TIME_NEW:
		x86_clock_set_msr(v, val);
		return 0;
	case KVMX_MSR_STEAL_TIME:
		return x86_steal_set_msr(v, val);
	case KVMX_MSR_PV_EOI_EN:
		return x86_pv_eoi_set_msr(v, val);
	case KVMX_MSR_POLL_CONTROL:
		return set_poll_control(v, val);
	}
	return -EINVAL;
}
