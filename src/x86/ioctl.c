// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of the x86 floor that are not an interrupt controller's: one row
 * and one small handler each. Called by the door through its table.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kvmx/arch.h>

#include "clock.h"
#include "cpuid.h"
#include "fpu.h"
#include "msr.h"
#include "run.h"
#include "state.h"
#include "walk.h"

#define MAX_MSRS	255	/* of one KVMX_GET_MSRS, KVMX_SET_MSRS */

static struct x86_vcpu *vcpu_of(struct kvmx_call *call)
{
	return to_x86(call->vcpu);
}

static struct x86_vm *vm_of(struct kvmx_call *call)
{
	return to_x86_vm(call->vm);
}

/* --- /dev/kvmx --- */

static long get_supported_cpuid(struct kvmx_call *call)
{
	struct kvmx_cpuid2 *cpuid = call->data;

	return x86_cpuid_supported(call->items, &cpuid->nent, call->nr_items);
}

static long list_msrs(struct kvmx_call *call, u32 (*fill)(u32 *list, u32 room))
{
	struct kvmx_msr_list *list = call->data;

	list->nmsrs = fill(call->items, call->nr_items);
	return list->nmsrs > call->nr_items ? -E2BIG : 0;
}

static long get_msr_index_list(struct kvmx_call *call)
{
	return list_msrs(call, x86_msr_list);
}

static long get_msr_feature_index_list(struct kvmx_call *call)
{
	return list_msrs(call, x86_msr_feature_list);
}

static long get_feature_msrs(struct kvmx_call *call)
{
	struct kvmx_msr_entry *e = call->items;
	u32 i;

	for (i = 0; i < call->nr_items; i++)
		if (x86_msr_feature(e[i].index, &e[i].data))
			break;
	return i;
}

static long get_mce_cap(struct kvmx_call *call)
{
	*(u64 *)call->data = X86_MCG_CAP_SUPPORTED;
	return 0;
}

static long has_system_attr(struct kvmx_call *call)
{
	const struct kvmx_device_attr *attr = call->data;

	return attr->group || attr->attr != KVMX_X86_XCOMP_GUEST_SUPP ? -ENXIO : 0;
}

static long get_system_attr(struct kvmx_call *call)
{
	const struct kvmx_device_attr *attr = call->data;

	return has_system_attr(call) ?:
		kvmx_call_put(attr->addr, &x86_xcr0_supported, sizeof(x86_xcr0_supported));
}

/* --- a VM --- */

/*
 * KVM on Intel CPUs without real mode for guests needs these pages; the API
 * has them given in any case. Both units here run real mode as it is.
 */
static long set_tss_addr(struct kvmx_call *call)
{
	if (call->arg > (u32)(-3 * PAGE_SIZE))
		return -EINVAL;
	vm_of(call)->tss_addr = call->arg;
	return 0;
}

/* A limit on page tables that shadow the guest's: there are none, so any limit holds. */
static long set_nr_mmu_pages(struct kvmx_call *call)
{
	return call->arg ? 0 : -EINVAL;
}

static long set_identity_map_addr(struct kvmx_call *call)
{
	if (kvmx_vm_nr_vcpus(call->vm))
		return -EINVAL;
	vm_of(call)->identity_addr = *(u64 *)call->data;
	return 0;
}

static long set_boot_cpu_id(struct kvmx_call *call)
{
	if (kvmx_vm_nr_vcpus(call->vm))
		return -EBUSY;
	if (call->arg >= call->vm->max_vcpu_id)
		return -EINVAL;
	vm_of(call)->boot_cpu_id = call->arg;
	return 0;
}

static long get_clock(struct kvmx_call *call)
{
	x86_clock_get(vm_of(call), call->data);
	return 0;
}

static long set_clock(struct kvmx_call *call)
{
	return x86_clock_set(vm_of(call), call->data);
}

/* Of vCPUs that are yet to be created. */
static long vm_set_tsc_khz(struct kvmx_call *call)
{
	if (kvmx_vm_nr_vcpus(call->vm) || call->arg > U32_MAX || !x86_tsc_khz_valid(call->arg))
		return -EINVAL;
	vm_of(call)->default_tsc_khz = call->arg ?: x86_host_tsc_khz();
	return 0;
}

static long vm_get_tsc_khz(struct kvmx_call *call)
{
	return vm_of(call)->default_tsc_khz;
}

static long set_msr_filter(struct kvmx_call *call)
{
	return x86_msr_filter_set(vm_of(call), call->data);
}

/* --- a vCPU: registers --- */

static long get_regs(struct kvmx_call *call)
{
	x86_regs_get(vcpu_of(call), call->data);
	return 0;
}

static long set_regs(struct kvmx_call *call)
{
	x86_regs_set(vcpu_of(call), call->data);
	return 0;
}

static long get_sregs(struct kvmx_call *call)
{
	x86_sregs_get(vcpu_of(call), call->data);
	return 0;
}

static long set_sregs(struct kvmx_call *call)
{
	return x86_sregs_set(vcpu_of(call), call->data);
}

static long get_sregs2(struct kvmx_call *call)
{
	x86_sregs2_get(vcpu_of(call), call->data);
	return 0;
}

static long set_sregs2(struct kvmx_call *call)
{
	return x86_sregs2_set(vcpu_of(call), call->data);
}

static long get_debugregs(struct kvmx_call *call)
{
	x86_debugregs_get(vcpu_of(call), call->data);
	return 0;
}

static long set_debugregs(struct kvmx_call *call)
{
	return x86_debugregs_set(vcpu_of(call), call->data);
}

static long set_guest_debug(struct kvmx_call *call)
{
	return x86_guest_debug_set(vcpu_of(call), call->data);
}

static long get_fpu(struct kvmx_call *call)
{
	x86_fpu_get(vcpu_of(call), call->data);
	return 0;
}

static long set_fpu(struct kvmx_call *call)
{
	return x86_fpu_set(vcpu_of(call), call->data);
}

static long get_xsave(struct kvmx_call *call)
{
	x86_xsave_get(vcpu_of(call), call->data, sizeof(struct kvmx_xsave));
	return 0;
}

static long set_xsave(struct kvmx_call *call)
{
	return x86_xsave_set(vcpu_of(call), call->data, sizeof(struct kvmx_xsave));
}

static long get_xcrs(struct kvmx_call *call)
{
	if (!x86_xcr0_supported)
		return -EINVAL;
	x86_xcrs_get(vcpu_of(call), call->data);
	return 0;
}

static long set_xcrs(struct kvmx_call *call)
{
	return x86_xcrs_set(vcpu_of(call), call->data);
}

/* --- a vCPU: CPUID and MSRs --- */

static long set_cpuid2(struct kvmx_call *call)
{
	return x86_cpuid_set(vcpu_of(call), call->items, call->nr_items);
}

/* The first form of the API, without subleaves. */
static long set_cpuid(struct kvmx_call *call)
{
	const struct kvmx_cpuid_entry *old = call->items;
	struct kvmx_cpuid_entry2 *e;
	long ret;
	u32 i;

	e = kcalloc(call->nr_items, sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	for (i = 0; i < call->nr_items; i++) {
		e[i].function = old[i].function;
		e[i].eax = old[i].eax;
		e[i].ebx = old[i].ebx;
		e[i].ecx = old[i].ecx;
		e[i].edx = old[i].edx;
	}
	ret = x86_cpuid_set(vcpu_of(call), e, call->nr_items);
	kfree(e);
	return ret;
}

static long get_cpuid2(struct kvmx_call *call)
{
	const struct x86_cpuid *c = vcpu_of(call)->cpuid;
	struct kvmx_cpuid2 *cpuid = call->data;

	if (c->nr > call->nr_items)
		return -E2BIG;
	cpuid->nent = c->nr;
	if (c->nr)
		memcpy(call->items, c->entry, c->nr * sizeof(c->entry[0]));
	return 0;
}

static long get_msrs(struct kvmx_call *call)
{
	struct kvmx_msr_entry *e = call->items;
	u32 i;

	for (i = 0; i < call->nr_items; i++)
		if (x86_msr_get(vcpu_of(call), e[i].index, &e[i].data, true))
			break;
	return i;
}

static long set_msrs(struct kvmx_call *call)
{
	const struct kvmx_msr_entry *e = call->items;
	u32 i;

	for (i = 0; i < call->nr_items; i++)
		if (x86_msr_set(vcpu_of(call), e[i].index, e[i].data, true))
			break;
	return i;
}

/* --- a vCPU: events and the rest --- */

static long get_vcpu_events(struct kvmx_call *call)
{
	x86_vcpu_events_get(vcpu_of(call), call->data);
	return 0;
}

static long set_vcpu_events(struct kvmx_call *call)
{
	return x86_vcpu_events_set(vcpu_of(call), call->data);
}

static long get_mp_state(struct kvmx_call *call)
{
	x86_mp_state_get(vcpu_of(call), call->data);
	return 0;
}

static long set_mp_state(struct kvmx_call *call)
{
	return x86_mp_state_set(vcpu_of(call), call->data);
}

static long interrupt(struct kvmx_call *call)
{
	const struct kvmx_interrupt *irq = call->data;

	return x86_user_interrupt(vcpu_of(call), irq->irq);
}

static long nmi(struct kvmx_call *call)
{
	x86_queue_nmi(vcpu_of(call));
	return 0;
}

/* As supervisor, and without setting accessed bits. */
static long translate(struct kvmx_call *call)
{
	struct kvmx_translation *t = call->data;
	struct x86_linear l = { .v = vcpu_of(call) };
	u64 gpa = 0;
	int idx, ret = -EFAULT;

	if (x86_msr_canonical(l.v, t->linear_address)) {
		idx = srcu_read_lock(&call->vm->memory.srcu);
		ret = x86_linear_translate(&l, t->linear_address,
					   X86_WALK_IMPLICIT | X86_WALK_NO_AD, &gpa);
		srcu_read_unlock(&call->vm->memory.srcu, idx);
	}
	t->physical_address = ret ? ~0ull : gpa;
	t->valid = !ret;
	t->writeable = 1;
	t->usermode = 0;
	return 0;
}

static long set_tsc_khz(struct kvmx_call *call)
{
	if (call->arg > U32_MAX)
		return -EINVAL;
	return x86_tsc_set_khz(vcpu_of(call), call->arg);
}

static long get_tsc_khz(struct kvmx_call *call)
{
	return vcpu_of(call)->tsc_khz;
}

static long has_vcpu_attr(struct kvmx_call *call)
{
	const struct kvmx_device_attr *attr = call->data;

	return attr->group != KVMX_VCPU_TSC_CTRL || attr->attr != KVMX_VCPU_TSC_OFFSET ? -ENXIO : 0;
}

static long get_vcpu_attr(struct kvmx_call *call)
{
	const struct kvmx_device_attr *attr = call->data;
	u64 offset = vcpu_of(call)->tsc_offset;

	return has_vcpu_attr(call) ?: kvmx_call_put(attr->addr, &offset, sizeof(offset));
}

static long set_vcpu_attr(struct kvmx_call *call)
{
	const struct kvmx_device_attr *attr = call->data;
	u64 offset;
	long ret;

	ret = has_vcpu_attr(call) ?: kvmx_call_get(attr->addr, &offset, sizeof(offset));
	if (!ret)
		x86_tsc_set_offset(vcpu_of(call), offset);
	return ret;
}

static long kvmclock_ctrl(struct kvmx_call *call)
{
	return x86_clock_stopped(vcpu_of(call));
}

static long setup_mce(struct kvmx_call *call)
{
	return x86_mce_setup(vcpu_of(call), *(u64 *)call->data);
}

static long set_mce(struct kvmx_call *call)
{
	return x86_mce_inject(vcpu_of(call), call->data);
}

const struct kvmx_ioctl kvmx_arch_ioctls[] = {
	KVMX_ROW_ITEMS(SYSTEM, KVMX_GET_SUPPORTED_CPUID, KVMX_IOC_ITEMS_OUT | KVMX_IOC_OUT_ALWAYS,
		       get_supported_cpuid, struct kvmx_cpuid2, nent,
		       struct kvmx_cpuid_entry2, X86_CPUID_ENTRIES),
	KVMX_ROW_ITEMS(SYSTEM, KVMX_GET_MSR_INDEX_LIST, KVMX_IOC_ITEMS_OUT | KVMX_IOC_OUT_ALWAYS,
		       get_msr_index_list, struct kvmx_msr_list, nmsrs, u32, 1024),
	KVMX_ROW_ITEMS(SYSTEM, KVMX_GET_MSR_FEATURE_INDEX_LIST,
		       KVMX_IOC_ITEMS_OUT | KVMX_IOC_OUT_ALWAYS, get_msr_feature_index_list,
		       struct kvmx_msr_list, nmsrs, u32, 1024),
	KVMX_ROW_ITEMS(SYSTEM, KVMX_GET_MSRS, KVMX_IOC_ITEMS_IN | KVMX_IOC_ITEMS_OUT,
		       get_feature_msrs, struct kvmx_msrs, nmsrs, struct kvmx_msr_entry,
		       MAX_MSRS),
	KVMX_ROW(SYSTEM, KVMX_X86_GET_MCE_CAP_SUPPORTED, 0, get_mce_cap),
	KVMX_ROW(SYSTEM, KVMX_HAS_DEVICE_ATTR, 0, has_system_attr),
	KVMX_ROW(SYSTEM, KVMX_GET_DEVICE_ATTR, 0, get_system_attr),

	KVMX_ROW(VM, KVMX_SET_TSS_ADDR, KVMX_IOC_PLAIN_ARG | KVMX_IOC_VM_LOCK, set_tss_addr),
	KVMX_ROW(VM, KVMX_SET_NR_MMU_PAGES, KVMX_IOC_PLAIN_ARG, set_nr_mmu_pages),
	KVMX_ROW(VM, KVMX_SET_IDENTITY_MAP_ADDR, KVMX_IOC_VM_LOCK, set_identity_map_addr),
	KVMX_ROW(VM, KVMX_SET_BOOT_CPU_ID, KVMX_IOC_PLAIN_ARG | KVMX_IOC_VM_LOCK,
		 set_boot_cpu_id),
	KVMX_ROW(VM, KVMX_GET_CLOCK, 0, get_clock),
	KVMX_ROW(VM, KVMX_SET_CLOCK, 0, set_clock),
	KVMX_ROW(VM, KVMX_SET_TSC_KHZ, KVMX_IOC_PLAIN_ARG | KVMX_IOC_VM_LOCK, vm_set_tsc_khz),
	KVMX_ROW(VM, KVMX_GET_TSC_KHZ, KVMX_IOC_PLAIN_ARG, vm_get_tsc_khz),
	KVMX_ROW(VM, KVMX_X86_SET_MSR_FILTER, KVMX_IOC_VM_LOCK, set_msr_filter),

	KVMX_ROW(VCPU, KVMX_GET_REGS, 0, get_regs),
	KVMX_ROW(VCPU, KVMX_SET_REGS, 0, set_regs),
	KVMX_ROW(VCPU, KVMX_GET_SREGS, 0, get_sregs),
	KVMX_ROW(VCPU, KVMX_SET_SREGS, 0, set_sregs),
	KVMX_ROW(VCPU, KVMX_GET_SREGS2, 0, get_sregs2),
	KVMX_ROW(VCPU, KVMX_SET_SREGS2, 0, set_sregs2),
	KVMX_ROW(VCPU, KVMX_GET_DEBUGREGS, 0, get_debugregs),
	KVMX_ROW(VCPU, KVMX_SET_DEBUGREGS, 0, set_debugregs),
	KVMX_ROW(VCPU, KVMX_SET_GUEST_DEBUG, 0, set_guest_debug),
	KVMX_ROW(VCPU, KVMX_GET_FPU, 0, get_fpu),
	KVMX_ROW(VCPU, KVMX_SET_FPU, 0, set_fpu),
	KVMX_ROW(VCPU, KVMX_GET_XSAVE, 0, get_xsave),
	KVMX_ROW(VCPU, KVMX_GET_XSAVE2, 0, get_xsave),
	KVMX_ROW(VCPU, KVMX_SET_XSAVE, 0, set_xsave),
	KVMX_ROW(VCPU, KVMX_GET_XCRS, 0, get_xcrs),
	KVMX_ROW(VCPU, KVMX_SET_XCRS, 0, set_xcrs),
	KVMX_ROW_ITEMS(VCPU, KVMX_SET_CPUID, KVMX_IOC_ITEMS_IN, set_cpuid,
		       struct kvmx_cpuid, nent, struct kvmx_cpuid_entry, X86_CPUID_ENTRIES),
	KVMX_ROW_ITEMS(VCPU, KVMX_SET_CPUID2, KVMX_IOC_ITEMS_IN, set_cpuid2,
		       struct kvmx_cpuid2, nent, struct kvmx_cpuid_entry2, X86_CPUID_ENTRIES),
	KVMX_ROW_ITEMS(VCPU, KVMX_GET_CPUID2, KVMX_IOC_ITEMS_OUT, get_cpuid2,
		       struct kvmx_cpuid2, nent, struct kvmx_cpuid_entry2, X86_CPUID_ENTRIES),
	KVMX_ROW_ITEMS(VCPU, KVMX_GET_MSRS, KVMX_IOC_ITEMS_IN | KVMX_IOC_ITEMS_OUT, get_msrs,
		       struct kvmx_msrs, nmsrs, struct kvmx_msr_entry, MAX_MSRS),
	KVMX_ROW_ITEMS(VCPU, KVMX_SET_MSRS, KVMX_IOC_ITEMS_IN, set_msrs,
		       struct kvmx_msrs, nmsrs, struct kvmx_msr_entry, MAX_MSRS),
	KVMX_ROW(VCPU, KVMX_GET_VCPU_EVENTS, 0, get_vcpu_events),
	KVMX_ROW(VCPU, KVMX_SET_VCPU_EVENTS, 0, set_vcpu_events),
	KVMX_ROW(VCPU, KVMX_GET_MP_STATE, 0, get_mp_state),
	KVMX_ROW(VCPU, KVMX_SET_MP_STATE, 0, set_mp_state),
	KVMX_ROW(VCPU, KVMX_INTERRUPT, 0, interrupt),
	KVMX_ROW(VCPU, KVMX_NMI, KVMX_IOC_PLAIN_ARG, nmi),
	KVMX_ROW(VCPU, KVMX_TRANSLATE, 0, translate),
	KVMX_ROW(VCPU, KVMX_SET_TSC_KHZ, KVMX_IOC_PLAIN_ARG, set_tsc_khz),
	KVMX_ROW(VCPU, KVMX_GET_TSC_KHZ, KVMX_IOC_PLAIN_ARG, get_tsc_khz),
	KVMX_ROW(VCPU, KVMX_HAS_DEVICE_ATTR, 0, has_vcpu_attr),
	KVMX_ROW(VCPU, KVMX_GET_DEVICE_ATTR, 0, get_vcpu_attr),
	KVMX_ROW(VCPU, KVMX_SET_DEVICE_ATTR, 0, set_vcpu_attr),
	KVMX_ROW(VCPU, KVMX_KVMCLOCK_CTRL, KVMX_IOC_PLAIN_ARG, kvmclock_ctrl),
	KVMX_ROW(VCPU, KVMX_X86_SETUP_MCE, 0, setup_mce),
	KVMX_ROW(VCPU, KVMX_X86_SET_MCE, 0, set_mce),
};
const unsigned int kvmx_arch_nr_ioctls = ARRAY_SIZE(kvmx_arch_ioctls);
