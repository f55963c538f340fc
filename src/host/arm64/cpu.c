// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only an arm64 kernel has or does in its own way: kicks, the section in
 * which guests have the floating-point registers, per-CPU interrupts. Declared
 * in kvmx/host.h.
 */
#include <linux/kernel.h>
#include <linux/acpi.h>
#include <linux/arm-smccc.h>
#include <linux/cpu.h>
#include <linux/interrupt.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/neon.h>
#include <kvmx/host.h>

#include "kvmx-facts.h"

/* The reschedule interrupt is not exported: an empty call across CPUs does as well. */
static DEFINE_PER_CPU(int, kick_pending);
static DEFINE_PER_CPU(call_single_data_t, kick_call);

static void kick_arrived(void *unused)
{
	smp_store_release(this_cpu_ptr(&kick_pending), 0);
}

/*
 * One that is on its way already will interrupt the guest that this one is for.
 * The function is set here: pointers in the initial values of per-CPU data are
 * not relocated when a module is loaded.
 */
void kvmx_host_kick_cpu(int cpu)
{
	call_single_data_t *call = per_cpu_ptr(&kick_call, cpu);

	if (xchg(per_cpu_ptr(&kick_pending, cpu), 1))
		return;
	call->func = kick_arrived;
	/* A CPU that is gone runs no guest; when it is back it is kicked again. */
	if (smp_call_function_single_async(cpu, call))
		smp_store_release(per_cpu_ptr(&kick_pending, cpu), 0);
}

/* Where the kernel may put its own use of the registers, if it interrupts the section. */
#if KVMX_HAVE_NEON_STATE
static DEFINE_PER_CPU(struct user_fpsimd_state, neon_state);

void kvmx_host_fpu_begin(void)
{
	kernel_neon_begin(this_cpu_ptr(&neon_state));
}

void kvmx_host_fpu_end(void)
{
	kernel_neon_end(this_cpu_ptr(&neon_state));
}
#else
void kvmx_host_fpu_begin(void)
{
	kernel_neon_begin();
}

void kvmx_host_fpu_end(void)
{
	kernel_neon_end();
}
#endif

u64 kvmx_host_id_reg(u32 encoding)
{
	return read_sanitised_ftr_reg(encoding);
}

struct kvmx_host_spectre kvmx_host_spectre(void)
{
	return (struct kvmx_host_spectre){
		.v2 = cpus_have_cap(ARM64_SPECTRE_V2),
		.v4 = cpus_have_cap(ARM64_SPECTRE_V4),
		.bhb = cpus_have_cap(ARM64_SPECTRE_BHB),
		.off = cpu_mitigations_off(),
	};
}

/* EL2 has nobody above it but by SMC. */
s32 kvmx_host_firmware_has(u32 function)
{
	struct arm_smccc_res res;

	if (arm_smccc_1_1_get_conduit() != SMCCC_CONDUIT_SMC)
		return -1;
	arm_smccc_1_1_smc(ARM_SMCCC_ARCH_FEATURES_FUNC_ID, function, &res);
	return (s32)res.a0;
}

/* The device tree's timer and controller nodes, and which of their interrupts is meant. */
static const struct of_device_id timer_nodes[] = {
	{ .compatible = "arm,armv8-timer" },
	{ },
};

static const struct of_device_id gic_nodes[] = {
	{ .compatible = "arm,gic-v3" },
	{ },
};

#define OF_VIRTUAL_TIMER	2

static int of_ppi(const struct of_device_id *nodes, int index)
{
	struct device_node *node = of_find_matching_node(NULL, nodes);
	int irq;

	if (!node)
		return -ENODEV;
	irq = of_irq_get(node, index);
	of_node_put(node);
	return irq ? irq : -ENODEV;
}

/* ACPI's tables GTDT and MADT, which say the same. */
#ifdef CONFIG_ACPI
static int acpi_virtual_timer(void)
{
	struct acpi_table_header *header;
	struct acpi_table_gtdt *gtdt;
	u32 gsi, flags;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_GTDT, 0, &header)))
		return -ENODEV;
	gtdt = (struct acpi_table_gtdt *)header;
	gsi = gtdt->virtual_timer_interrupt;
	flags = gtdt->virtual_timer_flags;
	acpi_put_table(header);
	/* The kernel has it already: it is to be asked for in the same way. */
	return acpi_register_gsi(NULL, gsi,
				 flags & ACPI_GTDT_INTERRUPT_MODE ? ACPI_EDGE_SENSITIVE :
								    ACPI_LEVEL_SENSITIVE,
				 flags & ACPI_GTDT_INTERRUPT_POLARITY ? ACPI_ACTIVE_LOW :
									ACPI_ACTIVE_HIGH);
}

/* Each CPU's entry has it; it is the same PPI in all. */
static int acpi_maintenance(void)
{
	struct acpi_table_header *header;
	struct acpi_subtable_header *entry;
	struct acpi_madt_generic_interrupt *cpu;
	unsigned long at, end;
	int trigger = ACPI_LEVEL_SENSITIVE;
	u32 gsi = 0;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 0, &header)))
		return -ENODEV;
	at = (unsigned long)header + sizeof(struct acpi_table_madt);
	end = (unsigned long)header + header->length;
	for (; at + sizeof(*entry) <= end && !gsi; at += entry->length) {
		entry = (struct acpi_subtable_header *)at;
		if (entry->length < sizeof(*entry))
			break;
		cpu = (struct acpi_madt_generic_interrupt *)at;
		if (entry->type != ACPI_MADT_TYPE_GENERIC_INTERRUPT ||
		    at + offsetofend(typeof(*cpu), vgic_interrupt) > end)
			continue;
		gsi = cpu->vgic_interrupt;
		if (cpu->flags & ACPI_MADT_VGIC_IRQ_MODE)
			trigger = ACPI_EDGE_SENSITIVE;
	}
	acpi_put_table(header);
	return gsi ? acpi_register_gsi(NULL, gsi, trigger, ACPI_ACTIVE_HIGH) : -ENODEV;
}
#else
static int acpi_virtual_timer(void)
{
	return -ENODEV;
}

static int acpi_maintenance(void)
{
	return -ENODEV;
}
#endif

int kvmx_host_timer_irq(void)
{
	int irq = of_ppi(timer_nodes, OF_VIRTUAL_TIMER);

	return irq == -ENODEV ? acpi_virtual_timer() : irq;
}

int kvmx_host_maintenance_irq(void)
{
	int irq = of_ppi(gic_nodes, 0);

	return irq == -ENODEV ? acpi_maintenance() : irq;
}
