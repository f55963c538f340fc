// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells which CPUs are in VMX operation: when asked, through the parameter
 * "vmx", for the last CPU that fell asleep through "asleep", and on the console
 * when the machine goes down: each after all modules that were loaded later
 * have had their say.
 */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/asm.h>

static struct cpumask in_vmx;

/* Outside of VMX operation the instruction is undefined (Intel SDM, "VMPTRST"). */
static void look(void *unused)
{
	u64 pa;

	asm goto("1: vmptrst %[pa]\n\t"
		 _ASM_EXTABLE(1b, %l[outside])
		 : : [pa] "m" (pa) : "cc", "memory" : outside);
	cpumask_set_cpu(smp_processor_id(), &in_vmx);
outside:
	return;
}

static unsigned int count(void)
{
	cpumask_clear(&in_vmx);
	on_each_cpu(look, NULL, 1);
	return cpumask_weight(&in_vmx);
}

static int vmx_get(char *buffer, const struct kernel_param *param)
{
	return sprintf(buffer, "%u\n", count());
}

static const struct kernel_param_ops vmx_ops = { .get = vmx_get };
module_param_cb(vmx, &vmx_ops, NULL, 0400);
MODULE_PARM_DESC(vmx, "how many CPUs are in VMX operation");

static int asleep = -1;
module_param(asleep, int, 0600);
MODULE_PARM_DESC(asleep, "whether the last CPU fell asleep in VMX operation; -1: none did");

/* The machine is suspended; the other CPUs are offline. */
static int fall_asleep(void)
{
	cpumask_clear(&in_vmx);
	look(NULL);
	asleep = cpumask_weight(&in_vmx);
	return 0;
}

static void say(void)
{
	unsigned int in = count();

	pr_warn("witness: %u of %u processors in VMX operation\n", in, num_online_cpus());
}

#ifdef SYSCORE_TAKES_DATA
static void going_down(void *unused)
{
	say();
}

static int suspending(void *unused)
{
	return fall_asleep();
}

static const struct syscore_ops hooks = { .suspend = suspending, .shutdown = going_down };
static struct syscore entry = { .ops = &hooks };
#define register_hooks()	register_syscore(&entry)
#define unregister_hooks()	unregister_syscore(&entry)
#else
static struct syscore_ops hooks = { .suspend = fall_asleep, .shutdown = say };
#define register_hooks()	register_syscore_ops(&hooks)
#define unregister_hooks()	unregister_syscore_ops(&hooks)
#endif

static int __init witness_init(void)
{
	register_hooks();
	return 0;
}
module_init(witness_init);

static void __exit witness_exit(void)
{
	unregister_hooks();
}
module_exit(witness_exit);

MODULE_DESCRIPTION("Tells which CPUs are in VMX operation");
MODULE_LICENSE("GPL");
