// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which CPU has a vCPU's VMCS. From VMPTRLD to VMCLEAR a CPU may keep in itself
 * what is in one (Intel SDM volume 3, "Software Use of the VMCS and Related
 * Structures"), and here it stays there from window to window, until the vCPU
 * runs elsewhere or the unit is given back: registers that nobody asks for are
 * never read. Called by the driver's other files.
 */
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include "vmx.h"
#include "cpu.h"

static bool vmcs_load(u64 pa)
{
	bool failed;

	asm volatile("vmptrld %[pa]" : "=@ccbe" (failed) : [pa] "m" (pa) : "memory");
	return !failed;
}

/* What the CPU keeps of it goes to memory; its next entry is a launch. */
static void vmcs_clear(u64 pa)
{
	asm volatile("vmclear %[pa]" : : [pa] "m" (pa) : "cc", "memory");
}

/* All ones: none is. */
static u64 vmcs_current(void)
{
	u64 pa;

	asm volatile("vmptrst %[pa]" : [pa] "=m" (pa) : : "cc", "memory");
	return pa;
}

/*
 * KVM's interrupts between CPUs may clear and free a VMCS of its own, so that
 * is what is current again before interrupts are on.
 */
u64 vmx_vmcs_swap(struct vmx_vcpu *vmx)
{
	u64 before = vmcs_current();

	vmcs_load(vmx->vmcs_pa);
	return before;
}

/* Without one of KVM's ours stays: KVM loads its own before it uses one. */
void vmx_vmcs_swap_back(u64 before)
{
	if (before != ~0ull)
		vmcs_load(before);
}

/*
 * The VMCS is current for the use that ends with vmx_vmcs_done(@before).
 * False: the unit is gone, or the CPU refused.
 */
bool vmx_vmcs_take(struct vmx_vcpu *vmx, u64 *before)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);

	if (!vc->enabled)
		return false;
	*before = vmcs_current();
	/* Its memory has not been a VMCS yet. */
	if (!vmx->filled)
		vmcs_clear(vmx->vmcs_pa);
	if (*before != vmx->vmcs_pa && !vmcs_load(vmx->vmcs_pa))
		return false;
	if (vmx->vmcs_cpu < 0) {
		list_add(&vmx->held, &vc->held);
		vmx->vmcs_cpu = smp_processor_id();
		vmx->launched = false;
	}
	return true;
}

/* On the CPU that has it, interrupts off. */
static void vmcs_drop(struct vmx_vcpu *vmx)
{
	vmcs_clear(vmx->vmcs_pa);
	list_del(&vmx->held);
	/* Its registers are there for whoever sees this. */
	smp_store_release(&vmx->vmcs_cpu, -1);
}

static void vmcs_drop_here(void *data)
{
	struct vmx_vcpu *vmx = data;

	if (vmx->vmcs_cpu == smp_processor_id())
		vmcs_drop(vmx);
}

void vmx_vmcs_leave(struct vmx_vcpu *vmx)
{
	int cpu = READ_ONCE(vmx->vmcs_cpu);

	/* A CPU that is not there any more has given all of them up. */
	if (cpu >= 0)
		smp_call_function_single(cpu, vmcs_drop_here, vmx, 1);
}

/* Between windows another one is current, maybe that of a window which this interrupts. */
static void vmcs_read(struct vmx_vcpu *vmx, struct x86_state *state, u32 parts)
{
	u64 before = vmcs_current();

	if (before == vmx->vmcs_pa) {
		vmx_read_state(vmx, state, parts);
		return;
	}
	vmcs_load(vmx->vmcs_pa);
	vmx_read_state(vmx, state, parts);
	if (before != ~0ull)
		vmcs_load(before);
}

/* The unit is given back, whatever runs: registers that may be asked for come out first. */
void vmx_vmcs_drop_all(void)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);
	struct vmx_vcpu *vmx, *next;

	list_for_each_entry_safe(vmx, next, &vc->held, held) {
		vmcs_read(vmx, &vmx->parked, X86_STATE_ALL);
		vmcs_drop(vmx);
	}
}

struct vmcs_load_work {
	struct x86_vcpu *v;
	u32 parts;
	bool done;
};

/* On the CPU that was seen to have it, interrupts off. */
static void vmcs_load_here(void *data)
{
	struct vmcs_load_work *work = data;
	struct vmx_vcpu *vmx = to_vmx(work->v);

	if (vmx->vmcs_cpu != smp_processor_id())
		return;
	vmcs_read(vmx, &work->v->state, work->parts);
	work->done = true;
}

/*
 * The vCPU's mutex keeps its VMCS where it is, except that a CPU gives it up
 * with the unit, once; then the registers are parked.
 */
void vmx_load_state(struct x86_vcpu *v, u32 parts)
{
	struct vmcs_load_work work = { .v = v, .parts = parts };
	struct vmx_vcpu *vmx = to_vmx(v);
	unsigned long flags;
	int cpu;

	if (vmx->open) {
		/* Until a reboot takes the unit away, it is current. */
		local_irq_save(flags);
		if (unlikely(vmx_config.borrowed)) {
			vmcs_load_here(&work);
		} else if (vmx->vmcs_cpu >= 0) {
			vmx_read_state(vmx, &v->state, parts);
			work.done = true;
		}
		local_irq_restore(flags);
	} else {
		cpu = READ_ONCE(vmx->vmcs_cpu);
		if (cpu >= 0)
			smp_call_function_single(cpu, vmcs_load_here, &work, 1);
	}
	if (!work.done)
		vmx_copy_state(&v->state, &vmx->parked, parts);
}
