// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arm64 room as the door sees it: whether this computer can run guests,
 * who holds its timers, and VMs. Called by the door (kvmx/arch.h).
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kvmx/arch.h>

#include "enter.h"
#include "firmware.h"
#include "ppi.h"
#include "spectre.h"
#include "timer.h"
#include "vgic.h"

int kvmx_arch_init(void)
{
	int ret = arm64_cpu_probe();

	if (!ret)
		ret = arm64_stage2_init();
	if (!ret)
		spectre_init();
	return ret;
}

void kvmx_arch_exit(void)
{
}

/*
 * On a host at EL1 the virtual timer's interrupt also tells whether EL2 is free to
 * be called: a kernel that was not booted there uses that timer for itself, and
 * in-tree KVM holds it while it has EL2.
 */
int kvmx_arch_unit_take(void)
{
	int ret = ppi_take();

	if (ret == -EBUSY && arm64_nvhe)
		pr_err_ratelimited("kvmx: cannot create a VM: this kernel was not booted at EL2, or in-tree KVM holds EL2: boot with kvm-arm.mode=none\n");
	else if (ret == -EBUSY)
		pr_err_ratelimited("kvmx: cannot create a VM: in-tree KVM holds EL2's timer: boot with kvm-arm.mode=none\n");
	else if (ret)
		pr_err_ratelimited("kvmx: cannot create a VM: no interrupt of the virtual timer (%d)\n",
				   ret);
	if (ret || !arm64_nvhe)
		return ret;
	ret = nvhe_take();
	if (ret)
		ppi_give();
	return ret;
}

void kvmx_arch_unit_give(void)
{
	ppi_give();
	if (arm64_nvhe)
		nvhe_give();
}

int kvmx_arch_cpu_enable(void)
{
	int ret = arm64_nvhe ? nvhe_cpu_enable() : 0;

	if (ret)
		return ret;
	spectre_cpu_enable();
	ppi_enable();
	return 0;
}

void kvmx_arch_cpu_disable(void)
{
	ppi_disable();
}

const char *kvmx_arch_unit_name(void)
{
	return "in-tree KVM";
}

/* Type 0: 40 bits of guest physical addresses, which may also be said. */
struct kvmx_vm *kvmx_arch_vm_alloc(unsigned long type)
{
	struct arm64_vm *vm;

	if (type && type != KVMX_IPA_BITS)
		return ERR_PTR(-EINVAL);
	vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	return vm ? &vm->vm : ERR_PTR(-ENOMEM);
}

int kvmx_arch_vm_init(struct kvmx_vm *vm)
{
	struct arm64_vm *avm = to_arm64_vm(vm);
	int ret, cpu;

	spin_lock_init(&avm->psci_lock);
	avm->vtcr = arm64_vtcr();
	avm->counter_offset = timer_counter();
	arm64_id_init(avm);
	avm->psci_version = PSCI_1_1;
	memcpy(avm->workaround, spectre_levels, sizeof(avm->workaround));
	avm->last_vcpu = alloc_percpu_gfp(int, GFP_KERNEL_ACCOUNT);
	if (!avm->last_vcpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		*per_cpu_ptr(avm->last_vcpu, cpu) = -1;
	ret = kvmx_irqs_init(vm, &vgic_irq_sink);
	if (ret)
		return ret;	/* kvmx_arch_vm_free() frees the rest */
	ret = kvmx_memory_init(vm, &arm64_stage2);
	if (ret)
		kvmx_irqs_destroy(vm);
	return ret;
}

void kvmx_arch_vm_quiesce(struct kvmx_vm *vm)
{
}

void kvmx_arch_vm_free(struct kvmx_vm *vm)
{
	struct arm64_vm *avm = to_arm64_vm(vm);

	vgic_destroy(avm);
	free_percpu(avm->last_vcpu);
	kvfree(avm);
}
