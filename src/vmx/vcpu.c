// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's control structure: its creation, the fields that stay, the MSRs
 * that the driver keeps, what exits. Called by the x86 floor through vmx.c's
 * table.
 */
#include <linux/kernel.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "vmx.h"
#include "cpu.h"

/* PAUSEs this close together are a spinning guest, which leaves after this long (TSC ticks). */
#define PAUSE_GAP	128
#define PAUSE_WINDOW	4096

const u32 vmx_msr_number[VMX_MSRS] = {
	[VMX_STAR] = X86_MSR_STAR,
	[VMX_LSTAR] = X86_MSR_LSTAR,
	[VMX_SFMASK] = X86_MSR_SFMASK,
	[VMX_KERNEL_GS_BASE] = X86_MSR_KERNEL_GS_BASE,
};

/* Instructions that user space lets the guest run by itself (KVMX_CAP_X86_DISABLE_EXITS). */
static void vmx_disable_exits(struct vmx_vcpu *vmx, u64 disabled)
{
	if (disabled & KVMX_X86_DISABLE_EXITS_HLT)
		vmx->cpu_controls &= ~CPU_HLT;
	if (disabled & KVMX_X86_DISABLE_EXITS_MWAIT)
		vmx->cpu_controls &= ~(CPU_MWAIT | CPU_MONITOR);
	if (disabled & KVMX_X86_DISABLE_EXITS_PAUSE)
		vmx->cpu2_controls &= ~CPU2_PAUSE_LOOP;
}

/* The log of written pages, if anybody wants it. 0 or -ENOMEM. */
static int vmx_pml_create(struct x86_vcpu *v, struct vmx_vcpu *vmx)
{
	if (!kvmx_dirty_by_unit(&v->vcpu.vm->memory)) {
		vmx->cpu2_controls &= ~CPU2_PML;
		return 0;
	}
	vmx->pml = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vmx->pml ? 0 : -ENOMEM;
}

/* What entries and exits load of the host's precise events, if there are any. 0 or -ENOMEM. */
static int vmx_pebs_create(struct vmx_vcpu *vmx)
{
	if (!boot_cpu_has(X86_FEATURE_PEBS))
		return 0;
	vmx->pebs = kzalloc(sizeof(*vmx->pebs), GFP_KERNEL_ACCOUNT);
	if (!vmx->pebs)
		return -ENOMEM;
	vmx->pebs->entry.msr = X86_MSR_PEBS_ENABLE;
	vmx->pebs->exit.msr = X86_MSR_PEBS_ENABLE;
	return 0;
}

int vmx_vcpu_create(struct x86_vcpu *v)
{
	struct vmx_vcpu *vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);

	if (!vmx)
		return -ENOMEM;
	v->unit = vmx;
	vmx->vmcs_cpu = -1;
	vmx->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vmx->apic_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vmx->cpu2_controls = vmx_config.cpu2;
	if (!vmx->vmcs || !vmx->apic_page || vmx_pml_create(v, vmx) || vmx_pebs_create(vmx)) {
		vmx_vcpu_destroy(v);
		return -ENOMEM;
	}
	*(u32 *)vmx->vmcs = vmx_config.revision;
	vmx->vmcs_pa = virt_to_phys(vmx->vmcs);
	vmx->eptp = stage2_root(v->vcpu.vm->memory.s2) | vmx_config.eptp;
	vmx->cpu_controls = vmx_config.cpu;
	vmx_disable_exits(vmx, x86_vm_of(v)->disabled_exits);
	vmx->todo = VMX_NEW_TSC | VMX_NEW_MSRS;
	vmx_set_intercepts(v);
	return 0;
}

void vmx_vcpu_destroy(struct x86_vcpu *v)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	int cpu;

	if (!vmx)
		return;
	vmx_vmcs_leave(vmx);
	/* A later vCPU at the same address is another guest. */
	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu_ptr(&vmx_cpu, cpu)->last, (void *)v, NULL);
	free_page((unsigned long)vmx->vmcs);
	free_page((unsigned long)vmx->apic_page);
	free_page((unsigned long)vmx->pml);
	kfree(vmx->pebs);
	kfree(vmx);
	v->unit = NULL;
}

/*
 * Before its first launch the VMCS has arbitrary values, so every field that
 * the CPU will look at is written here or before each entry.
 */
void vmx_vmcs_setup(struct x86_vcpu *v)
{
	struct vmx_vcpu *vmx = to_vmx(v);

	vmx_write(VMCS_PIN_CONTROLS, vmx_config.pin);
	vmx_write(VMCS_CPU2_CONTROLS, vmx->cpu2_controls);
	vmx_write(VMCS_EXIT_CONTROLS, vmx_config.exit);
	/* A page fault exits if its bit in the exception bitmap says so, whatever its code. */
	vmx_write(VMCS_PF_MASK, 0);
	vmx_write(VMCS_PF_MATCH, 0);
	vmx_write(VMCS_CR3_TARGETS, 0);
	vmx_write(VMCS_EXIT_MSR_STORES, 0);
	vmx_write(VMCS_EXIT_MSR_LOADS, 0);
	vmx_write(VMCS_ENTRY_MSR_LOADS, 0);
	if (vmx->pebs) {
		vmx_write(VMCS_ENTRY_MSR_LOAD_LIST, virt_to_phys(&vmx->pebs->entry));
		vmx_write(VMCS_EXIT_MSR_LOAD_LIST, virt_to_phys(&vmx->pebs->exit));
	}
	vmx_write(VMCS_ENTRY_EVENT, 0);
	vmx_write(VMCS_TPR_THRESHOLD, 0);
	vmx->virtual_apic = vmx_config.apic_controls && v->apic_page ? v->apic_page : vmx->apic_page;
	vmx_write(VMCS_VIRTUAL_APIC, virt_to_phys(vmx->virtual_apic));
	if (vmx_config.apic_controls)
		vmx->todo |= VMX_NEW_EOI_EXITS;
	/* No leaf function of SGX is the guest's: in the CPU's own eyes it would have them. */
	if (vmx_config.cpu2 & CPU2_ENCLS)
		vmx_write(VMCS_ENCLS_EXITS, ~0ull);
	vmx_write(VMCS_EPT_POINTER, vmx->eptp);
	/* Translations are told apart by EPT pointer and VPID: it is enough for one VM. */
	vmx_write(VMCS_VPID, v->vcpu.id + 1);
	if (vmx->cpu2_controls & CPU2_PAUSE_LOOP) {
		vmx_write(VMCS_PLE_GAP, PAUSE_GAP);
		vmx_write(VMCS_PLE_WINDOW, PAUSE_WINDOW);
	}
	if (vmx->pml) {
		vmx_write(VMCS_PML_ADDRESS, virt_to_phys(vmx->pml));
		vmx_write(VMCS_GUEST_PML_INDEX, PML_ENTRIES - 1);
	}
	vmx_write(VMCS_LINK_POINTER, ~0ull);
	vmx_write(VMCS_GUEST_DEBUGCTL, 0);
	vmx_write(VMCS_GUEST_ACTIVITY, 0);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmx_write(VMCS_GUEST_INT_STATE, 0);
	vmx_write(VMCS_GUEST_RIP, 0);
	vmx_write(VMCS_GUEST_RSP, 0);
	vmx_write(VMCS_GUEST_RFLAGS, X86_EFLAGS_FIXED);
	memset(&vmx->written, 0, sizeof(vmx->written));
	vmx->written.rflags = X86_EFLAGS_FIXED;
	vmx->host_rsp = 0;
	v->state_dirty = X86_STATE_ALL;
	vmx->filled = true;
}

static int vmx_msr_index(u32 msr)
{
	int i;

	for (i = 0; i < VMX_MSRS; i++)
		if (vmx_msr_number[i] == msr)
			return i;
	return -1;
}

/* Where an MSR is kept that the CPU gets on each entry, or never. */
static u64 *vmx_kept_msr(struct vmx_vcpu *vmx, u32 msr)
{
	switch (msr) {
	case X86_MSR_SYSENTER_CS: return &vmx->sysenter_cs;
	case X86_MSR_SYSENTER_ESP: return &vmx->sysenter_esp;
	case X86_MSR_SYSENTER_EIP: return &vmx->sysenter_eip;
	/* No instruction of Intel's CPUs uses it. */
	case X86_MSR_CSTAR: return &vmx->cstar;
	default: return NULL;
	}
}

int vmx_get_msr(struct x86_vcpu *v, u32 msr, u64 *val)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	u64 *place = vmx_kept_msr(vmx, msr);
	int i;

	switch (msr) {
	case X86_MSR_FS_BASE:
		*val = x86_state(v, X86_STATE_DATA)->seg[X86_SEG_FS].base;
		return 0;
	case X86_MSR_GS_BASE:
		*val = x86_state(v, X86_STATE_DATA)->seg[X86_SEG_GS].base;
		return 0;
	case X86_MSR_PAT:
		*val = v->pat;
		return 0;
	}
	if (place) {
		*val = *place;
		return 0;
	}
	i = vmx_msr_index(msr);
	if (i < 0)
		return -ENOENT;
	/* SWAPGS changes this one without an exit. */
	if (i == VMX_KERNEL_GS_BASE && vmx->open)
		vmx->msr[i] = x86_rdmsr(msr);
	*val = vmx->msr[i];
	return 0;
}

int vmx_set_msr(struct x86_vcpu *v, u32 msr, u64 val)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	u64 *place = vmx_kept_msr(vmx, msr);
	int i;

	switch (msr) {
	case X86_MSR_FS_BASE:
		x86_state_dirty(v, X86_STATE_SEGS)->seg[X86_SEG_FS].base = val;
		return 0;
	case X86_MSR_GS_BASE:
		x86_state_dirty(v, X86_STATE_SEGS)->seg[X86_SEG_GS].base = val;
		return 0;
	case X86_MSR_PAT:
		vmx->todo |= VMX_NEW_MSRS;
		return 0;
	}
	if (place) {
		*place = val;
		vmx->todo |= VMX_NEW_MSRS;
		return 0;
	}
	i = vmx_msr_index(msr);
	if (i < 0)
		return -ENOENT;
	/* Its upper half is reserved: the CPU would not take it. */
	if (i == VMX_SFMASK && upper_32_bits(val))
		return -EINVAL;
	vmx->msr[i] = val;
	if (vmx->open)
		x86_wrmsr(msr, val);
	return 0;
}

void vmx_set_tsc(struct x86_vcpu *v)
{
	to_vmx(v)->todo |= VMX_NEW_TSC;
}

void vmx_set_intercepts(struct x86_vcpu *v)
{
	struct vmx_vcpu *vmx = to_vmx(v);

	/*
	 * A guest can keep the CPU in the delivery of #DB or #AC for ever, where
	 * not even an interrupt is taken; both exit always.
	 */
	vmx->exceptions = v->exceptions | BIT(X86_EXC_MC) | BIT(X86_EXC_DB) | BIT(X86_EXC_AC);
	vmx->msr_bitmap_pa = v->msr_exits ? vmx_config.msr_bitmap_all_pa :
			     vmx->apic_controls ? vmx_config.msr_bitmap_apic_pa :
			     vmx_config.msr_bitmap_pa;
	if (v->dr_direct) {
		vmx->cpu_controls &= ~CPU_MOV_DR;
		vmx->around |= VMX_AROUND_DR;
	} else {
		vmx->cpu_controls |= CPU_MOV_DR;
		vmx->around &= ~VMX_AROUND_DR;
	}
	vmx->todo |= VMX_NEW_CONTROLS;
}
