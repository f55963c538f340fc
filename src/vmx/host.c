// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VM exit does not bring back of the host, and what the VMCS has to
 * know of it (Intel SDM volume 3, "Loading Host State"). Called when the run
 * window opens and closes.
 */
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/desc.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

#include "vmx.h"
#include "cpu.h"

/* The base that a system segment's descriptor of 16 bytes has. */
static u64 vmx_system_base(u64 gdt, u16 selector)
{
	const struct ldttss_desc *d = (void *)(gdt + (selector & ~7));

	return d->base0 | (u64)d->base1 << 16 | (u64)d->base2 << 24 | (u64)d->base3 << 32;
}

void vmx_host_setup(struct vmx_vcpu *vmx)
{
	u16 tr;

	asm("str %0" : "=r" (tr));
	vmx_write(VMCS_HOST_ES, 0);
	vmx_write(VMCS_HOST_CS, __KERNEL_CS);
	vmx_write(VMCS_HOST_SS, __KERNEL_DS);
	vmx_write(VMCS_HOST_DS, 0);
	vmx_write(VMCS_HOST_FS, 0);
	vmx_write(VMCS_HOST_GS, 0);
	vmx_write(VMCS_HOST_TR, tr);
	vmx_write(VMCS_HOST_TR_BASE, vmx_system_base(vmx->host.gdt.base, tr));
	vmx_write(VMCS_HOST_GDTR_BASE, vmx->host.gdt.base);
	vmx_write(VMCS_HOST_IDTR_BASE, vmx->host.idt.base);
	vmx_write(VMCS_HOST_GS_BASE, x86_rdmsr(X86_MSR_GS_BASE));
	vmx_write(VMCS_HOST_CR0, native_read_cr0());
	vmx_write(VMCS_HOST_EFER, x86_rdmsr(X86_MSR_EFER));
	vmx_write(VMCS_HOST_PAT, x86_rdmsr(X86_MSR_PAT));
	vmx_write(VMCS_HOST_SYSENTER_CS, x86_rdmsr(X86_MSR_SYSENTER_CS));
	vmx_write(VMCS_HOST_SYSENTER_ESP, x86_rdmsr(X86_MSR_SYSENTER_ESP));
	vmx_write(VMCS_HOST_SYSENTER_EIP, x86_rdmsr(X86_MSR_SYSENTER_EIP));
	vmx_write(VMCS_HOST_RIP, (unsigned long)vmx_switch_exit);
}

/*
 * Records of the host's precise events are written by linear address, which in a
 * guest is the guest's (SDM, "Debug Store (DS) Mechanism"), so they stop before the
 * entry: early, since one that has begun is still written, and by the entry itself,
 * since the handler of an NMI in between starts them again. Each exit does so, too.
 */
void vmx_pebs_stop(struct vmx_vcpu *vmx, u64 enabled)
{
	u32 loads = enabled ? 1 : 0;

	if (vmx->written.msr_loads != loads) {
		vmx->written.msr_loads = loads;
		vmx_write(VMCS_ENTRY_MSR_LOADS, loads);
		vmx_write(VMCS_EXIT_MSR_LOADS, loads);
	}
	if (enabled) {
		vmx->pebs->exit.val = enabled;
		x86_wrmsr(X86_MSR_PEBS_ENABLE, 0);
	}
}

void vmx_pebs_go_on(struct vmx_vcpu *vmx)
{
	if (vmx->written.msr_loads)
		x86_wrmsr(X86_MSR_PEBS_ENABLE, vmx->pebs->exit.val);
}

void vmx_host_open(struct vmx_vcpu *vmx)
{
	struct vmx_host *h = &vmx->host;
	int i;

	asm volatile("sgdt %0" : "=m" (h->gdt));
	asm volatile("sidt %0" : "=m" (h->idt));
	asm volatile("sldt %0" : "=r" (h->ldt));
	asm volatile("mov %%ds, %0" : "=r" (h->ds));
	asm volatile("mov %%es, %0" : "=r" (h->es));
	asm volatile("mov %%fs, %0" : "=r" (h->fs));
	asm volatile("mov %%gs, %0" : "=r" (h->gs));
	h->fs_base = x86_rdmsr(X86_MSR_FS_BASE);
	h->debugctl = x86_rdmsr(X86_MSR_DEBUGCTL);
	vmx->around &= ~VMX_AROUND_DEBUGCTL;
	if (h->debugctl)
		vmx->around |= VMX_AROUND_DEBUGCTL;
	for (i = 0; i < VMX_MSRS; i++) {
		h->msr[i] = x86_rdmsr(vmx_msr_number[i]);
		if (h->msr[i] != vmx->msr[i])
			x86_wrmsr(vmx_msr_number[i], vmx->msr[i]);
	}
}

/*
 * VM exits give the TSS the least size that there is, which takes away the
 * I/O permissions behind it. The scheduler mends that for the tasks that have
 * some, if it is told; this one's are mended here. The GDT in use is
 * read-only, and loading TR writes to it.
 */
static void vmx_host_tss(void)
{
	struct { u16 limit; u64 base; } __packed gdt = {
		.limit = GDT_SIZE - 1,
		.base = (unsigned long)get_current_gdt_rw(),
	};
	struct ldttss_desc *tss = (void *)(gdt.base + GDT_ENTRY_TSS * 8);

	if (likely(!test_thread_flag(TIF_IO_BITMAP))) {
		this_cpu_write(__tss_limit_invalid, true);
		return;
	}
	asm volatile("lgdt %0" : : "m" (gdt));
	tss->type = DESC_TSS;
	asm volatile("ltr %w0" : : "r" (GDT_ENTRY_TSS * 8) : "memory");
}

void vmx_host_close(struct vmx_vcpu *vmx)
{
	struct vmx_host *h = &vmx->host;
	int i;

	vmx_host_tss();
	/* VM exits leave both tables with the largest limit. */
	asm volatile("lgdt %0" : : "m" (h->gdt));
	asm volatile("lidt %0" : : "m" (h->idt));
	if (unlikely(h->ldt))
		asm volatile("lldt %0" : : "r" (h->ldt) : "memory");
	if (unlikely(h->ds | h->es)) {
		asm volatile("mov %0, %%ds" : : "r" (h->ds) : "memory");
		asm volatile("mov %0, %%es" : : "r" (h->es) : "memory");
	}
	if (unlikely(h->gs))
		load_gs_index(h->gs);
	if (unlikely(h->fs)) {
		loadsegment(fs, h->fs);
		x86_wrmsr(X86_MSR_FS_BASE, h->fs_base);
	}
	/* Loading GS has changed KERNEL_GS_BASE, which is the user's GS base here. */
	for (i = 0; i < VMX_MSRS; i++)
		if (h->msr[i] != vmx->msr[i] || (i == VMX_KERNEL_GS_BASE && h->gs))
			x86_wrmsr(vmx_msr_number[i], h->msr[i]);
}
