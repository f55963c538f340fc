// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: brings up the rooms in order, registers /dev/kvmx last, and
 * takes it all down again. Loading takes no virtualization unit: unit.c does
 * that with the first VM.
 */
#define pr_fmt(fmt) "kvmx: " fmt

#include <linux/kernel.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>

#include <kvmx/arch.h>

#include "door.h"

static long system_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kvmx_call call = { };

	return kvmx_ioctl(KVMX_SCOPE_SYSTEM, &call, cmd, arg);
}

#ifdef CONFIG_COMPAT
static long system_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return system_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
}
#endif

static const struct file_operations system_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = system_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = system_compat_ioctl,
#endif
	.llseek = noop_llseek,
};

static struct miscdevice kvmx_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvmx",
	.mode = 0660,
	.fops = &system_fops,
};

/* For programs that know no other name, on a kernel whose own KVM does not take it. */
static bool claim_dev_kvm;
module_param(claim_dev_kvm, bool, 0444);
MODULE_PARM_DESC(claim_dev_kvm, "Register /dev/kvm (misc minor 232), too");

static struct miscdevice kvm_device = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.mode = 0660,
	.fops = &system_fops,
};

static int register_devices(void)
{
	int err = misc_register(&kvmx_device);

	if (err || !claim_dev_kvm)
		return err;
	err = misc_register(&kvm_device);
	if (err == -EBUSY)
		pr_err("claim_dev_kvm=1, but in-tree KVM has /dev/kvm: unload kvm_amd or kvm_intel first, or load kvmx without it\n");
	if (err)
		misc_deregister(&kvmx_device);
	return err;
}

static int init_ioctls(void)
{
	const struct kvmx_ioctl_set sets[] = {
		{ kvmx_arch_ioctls, kvmx_arch_nr_ioctls },
		{ kvmx_arch_irq_ioctls, kvmx_arch_nr_irq_ioctls },
		{ kvmx_system_ioctls, kvmx_system_nr_ioctls },
		{ kvmx_vm_ioctls, kvmx_vm_nr_ioctls },
		{ kvmx_vcpu_ioctls, kvmx_vcpu_nr_ioctls },
	};

	return kvmx_ioctl_init(sets, ARRAY_SIZE(sets));
}

static int __init kvmx_init(void)
{
	int err;

	err = kvmx_vcpus_init();
	if (err)
		goto refused;
	err = kvmx_eventfd_init();
	if (err)
		goto vcpus;
	err = kvmx_arch_init();
	if (err)
		goto eventfd;		/* it has said why */
	err = init_ioctls();
	if (err)
		goto arch;
	err = register_devices();
	if (err)
		goto ioctls;
	pr_info("version " KVMX_VERSION ", %s ready\n",
		claim_dev_kvm ? "/dev/kvmx and /dev/kvm are" : "/dev/kvmx is");
	return 0;
ioctls:
	kvmx_ioctl_exit();
arch:
	kvmx_arch_exit();
eventfd:
	kvmx_eventfd_exit();
vcpus:
	kvmx_vcpus_exit();
refused:
	pr_err("not loaded (error %d)\n", err);
	return err;
}

static void __exit kvmx_exit(void)
{
	if (claim_dev_kvm)
		misc_deregister(&kvm_device);
	misc_deregister(&kvmx_device);
	kvmx_ioctl_exit();
	kvmx_arch_exit();
	kvmx_eventfd_exit();
	kvmx_vcpus_exit();
	/* Callbacks of call_rcu() are code of this module. */
	rcu_barrier();
}

module_init(kvmx_init);
module_exit(kvmx_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KVM as a package: a hypervisor module with the KVM ABI on /dev/kvmx");
MODULE_VERSION(KVMX_VERSION);
