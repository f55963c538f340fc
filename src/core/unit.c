// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who owns the CPUs' virtualization units: the first VM enables the unit of
 * every CPU, the last gives them back, and CPU hotplug, suspend, reboot and
 * crash are followed in between. Called by the creation and end of VMs.
 */
#include <linux/kernel.h>
#include <linux/cpuhotplug.h>
#include <linux/irqflags.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include <kvmx/arch.h>
#include <kvmx/host.h>

#include "door.h"

DEFINE_PER_CPU(bool, kvmx_unit_on);

/*
 * The hotplug callbacks run while the CPU hotplug lock is held, which taking
 * the unit acquires inside unit_mutex: they must not take unit_mutex.
 */
static DEFINE_MUTEX(unit_mutex);
static unsigned int unit_users;		/* [unit_mutex] */
static int unit_state;			/* [unit_mutex] the hotplug state */
static bool unit_down;			/* set once: the machine goes down, nothing is enabled again */
static bool unit_resume;		/* suspend to resume, one CPU */

/* Interrupts are off. */
static int enable_here(void)
{
	int err;

	if (__this_cpu_read(kvmx_unit_on))
		return 0;
	err = kvmx_arch_cpu_enable();
	if (!err)
		__this_cpu_write(kvmx_unit_on, true);
	return err;
}

static void disable_here(void)
{
	if (!__this_cpu_read(kvmx_unit_on))
		return;
	__this_cpu_write(kvmx_unit_on, false);
	kvmx_arch_cpu_disable();
}

static int unit_online(unsigned int cpu)
{
	unsigned long flags;
	int err = 0;

	local_irq_save(flags);
	if (!READ_ONCE(unit_down))
		err = enable_here();
	local_irq_restore(flags);
	return err;
}

static int unit_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	disable_here();
	local_irq_restore(flags);
	return 0;
}

static void unit_suspend(void)
{
	unit_resume = kvmx_unit_ready();
	disable_here();
}

static void unit_wake(void)
{
	if (unit_resume && enable_here())
		pr_err("kvmx: this CPU's virtualization unit did not come back after suspend\n");
}

static void disable_ipi(void *unused)
{
	disable_here();
}

/* First no VM can run any more, nor a new one come to be; then the units go. */
static void unit_shutdown(void)
{
	mutex_lock(&unit_mutex);
	WRITE_ONCE(unit_down, true);
	mutex_unlock(&unit_mutex);
	kvmx_vm_kill_all();
	on_each_cpu(disable_ipi, NULL, 1);
}

bool kvmx_unit_is_down(void)
{
	return READ_ONCE(unit_down);
}

static const struct kvmx_host_power unit_power = {
	.suspend = unit_suspend,
	.resume = unit_wake,
	.shutdown = unit_shutdown,
	.emergency = disable_here,
};

static int take_units(void)
{
	int state, err;

	err = kvmx_arch_unit_take();
	if (err)
		return err;
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "kvmx:unit", unit_online, unit_offline);
	if (state == -EBUSY)
		pr_err_ratelimited("kvmx: cannot create a VM: %s holds the CPU's virtualization unit\n",
				   kvmx_arch_unit_name());
	else if (state < 0)
		pr_err_ratelimited("kvmx: cannot create a VM: the CPU's virtualization unit failed (%d)\n",
				   state);
	err = state < 0 ? state : kvmx_host_power_register(&unit_power);
	if (err) {
		if (state >= 0)
			cpuhp_remove_state(state);
		kvmx_arch_unit_give();
		return err;
	}
	unit_state = state;
	return 0;
}

int kvmx_unit_get(void)
{
	int err = 0;

	mutex_lock(&unit_mutex);
	if (unit_down)
		err = -ESHUTDOWN;
	else if (!unit_users)
		err = take_units();
	if (!err)
		unit_users++;
	mutex_unlock(&unit_mutex);
	return err;
}

void kvmx_unit_put(void)
{
	mutex_lock(&unit_mutex);
	if (!--unit_users) {
		kvmx_host_power_unregister();
		cpuhp_remove_state(unit_state);
		kvmx_arch_unit_give();
	}
	mutex_unlock(&unit_mutex);
}
