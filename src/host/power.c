// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspend, resume, reboot and crash of the host: tells whoever has enabled
 * virtualization units (core/unit.c), through what each kernel has for it.
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/syscore_ops.h>

#include <kvmx/host.h>

#include "kvmx-facts.h"

#if KVMX_HAVE_EMERGENCY_VIRT_CALLBACK
#include <asm/reboot.h>
#endif

/* Set while registered. */
static const struct kvmx_host_power *power;

static int power_suspend(void)
{
	power->suspend();
	return 0;
}

static void power_resume(void)
{
	power->resume();
}

#if KVMX_HAVE_REGISTER_SYSCORE
static int syscore_suspend_hook(void *unused)
{
	return power_suspend();
}

static void syscore_resume_hook(void *unused)
{
	power_resume();
}

static const struct syscore_ops syscore_hooks = {
	.suspend = syscore_suspend_hook,
	.resume = syscore_resume_hook,
};
static struct syscore syscore_entry = { .ops = &syscore_hooks };

static void syscore_add(void)
{
	register_syscore(&syscore_entry);
}

static void syscore_remove(void)
{
	unregister_syscore(&syscore_entry);
}
#else
static struct syscore_ops syscore_hooks = {
	.suspend = power_suspend,
	.resume = power_resume,
};

static void syscore_add(void)
{
	register_syscore_ops(&syscore_hooks);
}

static void syscore_remove(void)
{
	unregister_syscore_ops(&syscore_hooks);
}
#endif

static int power_reboot(struct notifier_block *nb, unsigned long event, void *unused)
{
	power->shutdown();
	return NOTIFY_OK;
}

/* In-tree KVM's hook (up to 6.1) takes away a unit that may be borrowed from it: after ours. */
static struct notifier_block reboot_hook = { .notifier_call = power_reboot, .priority = 1 };

#if KVMX_HAVE_EMERGENCY_VIRT_CALLBACK
static bool emergency_registered;

static void power_emergency(void)
{
	power->emergency();
}

/* Whether a module, or a built-in one with parameters, has this name. */
static bool module_is_present(const char *name)
{
	struct kobject *found = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);

	if (!found)
		return false;
	kobject_put(found);
	return true;
}

/*
 * There is one slot. In-tree KVM fills it while it is loaded, and its callback
 * turns off a unit that it does not own as well; the kernel warns when the
 * slot is filled twice.
 */
static void emergency_add(void)
{
	if (module_is_present("kvm_intel") || module_is_present("kvm_amd"))
		return;
	cpu_emergency_register_virt_callback(power_emergency);
	emergency_registered = true;
}

static void emergency_remove(void)
{
	if (emergency_registered)
		cpu_emergency_unregister_virt_callback(power_emergency);
	emergency_registered = false;
}
#else
/* The other kernels test the CPU's own register when they crash, whoever set it. */
static void emergency_add(void)
{
}

static void emergency_remove(void)
{
}
#endif

int kvmx_host_power_register(const struct kvmx_host_power *hooks)
{
	int err;

	power = hooks;
	err = register_reboot_notifier(&reboot_hook);
	if (err)
		return err;
	syscore_add();
	emergency_add();
	return 0;
}

void kvmx_host_power_unregister(void)
{
	emergency_remove();
	syscore_remove();
	unregister_reboot_notifier(&reboot_hook);
	power = NULL;
}
