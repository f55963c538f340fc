// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVMX_CHECK_EXTENSION and KVMX_ENABLE_CAP of the x86 floor: what it can do
 * and what a VM switches on. Called by the door for what is not generic.
 */
#include <linux/kernel.h>

#include <linux/kvmx_para.h>
#include <kvmx/arch.h>

#include "cpu.h"
#include "cpuid.h"
#include "fpu.h"
#include "irqchip.h"
#include "msr.h"
#include "run.h"

/* Behaviour of KVM's that differs from a CPU's and that we have, too. */
#define QUIRKS	(KVMX_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVMX_X86_QUIRK_MWAIT_NEVER_UD_FAULTS | \
		 KVMX_X86_QUIRK_FIX_HYPERCALL_INSN)

#define APIC_BUS_NS_MAX	BIT(22)

/* Hypercalls that user space may serve. */
#define HYPERCALL_EXITS	BIT(KVMX_HC_MAP_GPA_RANGE)

/* MWAIT in a guest needs a timer that runs on (CPUID "Thermal and Power Management", ARAT). */
static u32 exits_to_disable(void)
{
	struct x86_cpuid_regs basic, power;

	x86_cpuid_native(1, 0, &basic);
	x86_cpuid_native(6, 0, &power);
	return KVMX_X86_DISABLE_EXITS_HLT | KVMX_X86_DISABLE_EXITS_PAUSE |
	       (basic.ecx & BIT(3) && power.eax & BIT(2) ? KVMX_X86_DISABLE_EXITS_MWAIT : 0);
}

int kvmx_arch_check_extension(struct kvmx_vm *vm, u32 cap)
{
	switch (cap) {
	case KVMX_CAP_DIRTY_LOG_RING:
		return KVMX_DIRTY_RING_BYTES_MAX;
	case KVMX_CAP_IRQFD_RESAMPLE:
	case KVMX_CAP_COALESCED_PIO:
	case KVMX_CAP_SIGNAL_MSI:
	case KVMX_CAP_IRQCHIP:
	case KVMX_CAP_HLT:
	case KVMX_CAP_MMU_SHADOW_CACHE_CONTROL:
	case KVMX_CAP_SET_TSS_ADDR:
	case KVMX_CAP_VAPIC:
	case KVMX_CAP_EXT_CPUID:
	case KVMX_CAP_CLOCKSOURCE:
	case KVMX_CAP_NOP_IO_DELAY:
	case KVMX_CAP_MP_STATE:
	case KVMX_CAP_USER_NMI:
	case KVMX_CAP_REINJECT_CONTROL:
	case KVMX_CAP_IRQ_INJECT_STATUS:
	case KVMX_CAP_PIT2:
	case KVMX_CAP_SET_BOOT_CPU_ID:
	case KVMX_CAP_PIT_STATE2:
	case KVMX_CAP_SET_IDENTITY_MAP_ADDR:
	case KVMX_CAP_VCPU_EVENTS:
	case KVMX_CAP_DEBUGREGS:
	case KVMX_CAP_ENABLE_CAP:
	case KVMX_CAP_XSAVE:
	case KVMX_CAP_GET_TSC_KHZ:
	case KVMX_CAP_TSC_DEADLINE_TIMER:
	case KVMX_CAP_KVMCLOCK_CTRL:
	case KVMX_CAP_IOAPIC_POLARITY_IGNORED:
	case KVMX_CAP_SPLIT_IRQCHIP:
	case KVMX_CAP_GET_MSR_FEATURES:
	case KVMX_CAP_EXCEPTION_PAYLOAD:
	case KVMX_CAP_DISABLE_QUIRKS:
	case KVMX_CAP_SREGS2:
	case KVMX_CAP_X86_TRIPLE_FAULT_EVENT:
	case KVMX_CAP_SET_GUEST_DEBUG:
	case KVMX_CAP_X86_USER_SPACE_MSR:
	case KVMX_CAP_X86_MSR_FILTER:
	case KVMX_CAP_ENFORCE_PV_FEATURE_CPUID:
	case KVMX_CAP_LAST_CPU:
	case KVMX_CAP_X86_ROBUST_SINGLESTEP:
	case KVMX_CAP_MSR_PLATFORM_INFO:
	case KVMX_CAP_EXIT_ON_EMULATION_FAILURE:
	case KVMX_CAP_MEMORY_FAULT_INFO:
	case KVMX_CAP_VCPU_ATTRIBUTES:
	case KVMX_CAP_SYS_ATTRIBUTES:
		return 1;
	case KVMX_CAP_SET_GUEST_DEBUG2:
		return X86_GUESTDBG_SUPPORTED;
	case KVMX_CAP_STEAL_TIME:
		return x86_supports(X86F_KVM_STEAL_TIME);
	case KVMX_CAP_EXIT_HYPERCALL:
		return HYPERCALL_EXITS;
	case KVMX_CAP_SYNC_REGS:
		return KVMX_SYNC_X86_VALID_FIELDS;
	case KVMX_CAP_X86_DISABLE_EXITS:
		return exits_to_disable();
	case KVMX_CAP_XCRS:
		return !!x86_xcr0_supported;
	case KVMX_CAP_XSAVE2:
		return max_t(u32, x86_xsave_size, sizeof(struct kvmx_xsave));
	case KVMX_CAP_MCE:
		return X86_MCE_BANKS;
	case KVMX_CAP_ADJUST_CLOCK:
		return KVMX_CLOCK_TSC_STABLE | KVMX_CLOCK_REALTIME | KVMX_CLOCK_HOST_TSC;
	case KVMX_CAP_TSC_CONTROL:
	case KVMX_CAP_VM_TSC_CONTROL:
		return x86_unit_caps.tsc_scale;
	case KVMX_CAP_X2APIC_API:
		return x86_irqchip_x2apic_api_flags();
	case KVMX_CAP_DISABLE_QUIRKS2:
		return QUIRKS;
	case KVMX_CAP_X86_APIC_BUS_CYCLES_NS:
		return vm ? to_x86_vm(vm)->apic_bus_ns : 1;
	case KVMX_CAP_VM_TYPES:
		return BIT(KVMX_X86_DEFAULT_VM);
	default:
		return 0;
	}
}

static int enable_quirks(struct x86_vm *vm, u64 disabled, bool strict)
{
	if (strict && (disabled & ~(u64)QUIRKS))
		return -EINVAL;
	vm->disabled_quirks = disabled & QUIRKS;
	return 0;
}

/* Before there are vCPUs, and once. Ids below it are accepted, and the boot CPU's is one. */
static int set_max_vcpu_id(struct x86_vm *vm, u64 max)
{
	if (max > KVMX_MAX_VCPU_ID || max < vm->boot_cpu_id || kvmx_vm_nr_vcpus(&vm->vm))
		return -EINVAL;
	if (vm->vm.max_vcpu_id != KVMX_MAX_VCPU_ID && vm->vm.max_vcpu_id != max)
		return -EINVAL;
	if (max)
		vm->vm.max_vcpu_id = max;
	return 0;
}

/* Of the undivided APIC timer. The longest count, divided by 128, has to remain a time. */
static int set_apic_bus_ns(struct x86_vm *vm, u64 ns)
{
	if (!vm->irqchip && !vm->split_irqchip)
		return -ENXIO;
	if (!ns || ns > APIC_BUS_NS_MAX || kvmx_vm_nr_vcpus(&vm->vm))
		return -EINVAL;
	vm->apic_bus_ns = ns;
	return 0;
}

static int enable_vcpu_cap(struct x86_vcpu *v, const struct kvmx_enable_cap *cap)
{
	if (cap->cap != KVMX_CAP_ENFORCE_PV_FEATURE_CPUID || cap->flags)
		return -EINVAL;
	v->pv_enforced = cap->args[0];
	return 0;
}

/* A VM's under vm->lock, a vCPU's under its mutex. */
int kvmx_arch_enable_cap(struct kvmx_vm *vm, struct kvmx_vcpu *vcpu,
			 const struct kvmx_enable_cap *cap)
{
	struct x86_vm *xvm = to_x86_vm(vm);
	u64 arg = cap->args[0];

	if (vcpu)
		return enable_vcpu_cap(to_x86(vcpu), cap);
	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVMX_CAP_SPLIT_IRQCHIP:
		return x86_irqchip_split(xvm, arg);
	case KVMX_CAP_X2APIC_API:
		return x86_irqchip_x2apic_api(xvm, arg);
	case KVMX_CAP_EXCEPTION_PAYLOAD:
		WRITE_ONCE(xvm->exception_payload, arg);
		return 0;
	case KVMX_CAP_X86_TRIPLE_FAULT_EVENT:
		WRITE_ONCE(xvm->triple_fault_event, arg);
		return 0;
	case KVMX_CAP_X86_DISABLE_EXITS:
		if ((arg & ~(u64)exits_to_disable()) || kvmx_vm_nr_vcpus(vm))
			return -EINVAL;
		xvm->disabled_exits |= arg;
		return 0;
	case KVMX_CAP_EXIT_HYPERCALL:
		if (arg & ~(u64)HYPERCALL_EXITS)
			return -EINVAL;
		WRITE_ONCE(xvm->hypercall_exits, arg);
		return 0;
	case KVMX_CAP_X86_USER_SPACE_MSR:
		if (arg & ~(u64)KVMX_MSR_EXIT_REASON_VALID_MASK)
			return -EINVAL;
		WRITE_ONCE(xvm->msr_exit_reasons, arg);
		return 0;
	case KVMX_CAP_MAX_VCPU_ID:
		return set_max_vcpu_id(xvm, arg);
	case KVMX_CAP_X86_APIC_BUS_CYCLES_NS:
		return set_apic_bus_ns(xvm, arg);
	case KVMX_CAP_MSR_PLATFORM_INFO:
		WRITE_ONCE(xvm->hide_platform_info, !arg);
		return 0;
	case KVMX_CAP_EXIT_ON_EMULATION_FAILURE:
		if (arg & ~1ull)
			return -EINVAL;
		WRITE_ONCE(xvm->exit_on_emulation_failure, arg);
		return 0;
	case KVMX_CAP_DISABLE_QUIRKS:
		return enable_quirks(xvm, arg, false);
	case KVMX_CAP_DISABLE_QUIRKS2:
		return enable_quirks(xvm, arg, true);
	default:
		return -EINVAL;
	}
}
