// SPDX-License-Identifier: GPL-2.0-only
/*
 * The x86 floor as the door sees it: which unit drives this computer, VMs and
 * what they have beside vCPUs. Called by the door (kvmx/arch.h).
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <kvmx/arch.h>

#include "clock.h"
#include "cpuid.h"
#include "fpu.h"
#include "irqchip.h"
#include "msr.h"

const struct x86_backend *x86_unit;
struct x86_unit_caps x86_unit_caps;

static const struct x86_backend * const x86_backends[] = { &svm_backend, &vmx_backend };

int kvmx_arch_init(void)
{
	unsigned int i;
	int ret = -ENOENT;

	for (i = 0; i < ARRAY_SIZE(x86_backends) && ret == -ENOENT; i++) {
		x86_unit = x86_backends[i];
		ret = x86_unit->probe(&x86_unit_caps);
	}
	if (ret) {
		if (ret == -ENOENT) {
			pr_err("kvmx: there is no driver for this CPU's virtualization unit\n");
			ret = -ENODEV;
		}
		x86_unit = NULL;
		return ret;
	}
	ret = x86_fpu_init();
	if (!ret)
		ret = x86_cpuid_init();
	if (ret) {
		kvmx_arch_exit();
		return ret;
	}
	x86_msr_init();
	return 0;
}

void kvmx_arch_exit(void)
{
	x86_unit->remove();
	x86_unit = NULL;
}

int kvmx_arch_unit_take(void)
{
	return x86_unit->take ? x86_unit->take() : 0;
}

void kvmx_arch_unit_give(void)
{
	if (x86_unit->give)
		x86_unit->give();
}

int kvmx_arch_cpu_enable(void)
{
	return x86_unit->cpu_enable();
}

void kvmx_arch_cpu_disable(void)
{
	x86_unit->cpu_disable();
}

const char *kvmx_arch_unit_name(void)
{
	return x86_unit->holder;
}

struct kvmx_vm *kvmx_arch_vm_alloc(unsigned long type)
{
	struct x86_vm *vm;

	if (type != KVMX_X86_DEFAULT_VM)
		return ERR_PTR(-EINVAL);
	vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	return vm ? &vm->vm : ERR_PTR(-ENOMEM);
}

int kvmx_arch_vm_init(struct kvmx_vm *vm)
{
	struct x86_vm *xvm = to_x86_vm(vm);
	int ret;

	spin_lock_init(&xvm->clock_lock);
	x86_clock_vm_init(xvm);
	xvm->apic_bus_ns = 1;
	ret = kvmx_irqs_init(vm, &x86_irq_sink);
	if (ret)
		return ret;
	ret = kvmx_memory_init(vm, x86_unit->stage2);
	if (ret)
		kvmx_irqs_destroy(vm);
	return ret;
}

void kvmx_arch_vm_quiesce(struct kvmx_vm *vm)
{
	x86_irqchip_quiesce(to_x86_vm(vm));
}

void kvmx_arch_vm_free(struct kvmx_vm *vm)
{
	struct x86_vm *xvm = to_x86_vm(vm);

	x86_irqchip_destroy(xvm);
	x86_msr_filter_destroy(xvm);
	kvfree(xvm);
}
