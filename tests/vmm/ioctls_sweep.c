// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every ioctl number of the header on every kind of file with every kind of
 * bad pointer: an errno of a sane set comes back, EFAULT where the number is
 * known to read or write there, ENOTTY for all pointers where it is not known.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ioctls.h"

enum scope { DEVICE, VM, VCPU, SCOPES };
static const char *const scope_names[] = { "device", "VM", "vCPU" };

#define D	(1 << DEVICE)
#define V	(1 << VM)
#define C	(1 << VCPU)

/* What a KVM of today does with the pointer on a file that has the ioctl. */
enum use {
	READS = 1,
	WRITES,
	BOTH,
};

#define NULL_OK		1	/* no pointer is fine */
#define EINVAL_FIRST	2	/* the VM's state may be looked at before the pointer */

/* "The Definitive KVM API Documentation": what is there on x86 at least. */
static const struct rule {
	unsigned long cmd;
	int scopes;
	enum use use;
	int but;
} rules[] = {
	{ KVMX_GET_MSR_INDEX_LIST, D, BOTH, 0 },
	{ KVMX_GET_SUPPORTED_CPUID, D, BOTH, 0 },
	{ KVMX_GET_MSR_FEATURE_INDEX_LIST, D, BOTH, 0 },
	{ KVMX_X86_GET_MCE_CAP_SUPPORTED, D, WRITES, 0 },
	{ KVMX_GET_MSRS, D | C, BOTH, 0 },
	{ KVMX_GET_DIRTY_LOG, V, READS, 0 },
	{ KVMX_CLEAR_DIRTY_LOG, V, READS, 0 },
	{ KVMX_REGISTER_COALESCED_MMIO, V, READS, 0 },
	{ KVMX_UNREGISTER_COALESCED_MMIO, V, READS, 0 },
	{ KVMX_HAS_DEVICE_ATTR, D | C, READS, 0 },
	{ KVMX_GET_DEVICE_ATTR, D | C, READS, 0 },
	{ KVMX_SET_DEVICE_ATTR, C, READS, 0 },
	{ KVMX_SET_USER_MEMORY_REGION, V, READS, 0 },
	{ KVMX_SET_IDENTITY_MAP_ADDR, V, READS, EINVAL_FIRST },
	{ KVMX_IRQ_LINE, V, READS, 0 },
	{ KVMX_IRQ_LINE_STATUS, V, BOTH, 0 },
	{ KVMX_GET_IRQCHIP, V, BOTH, 0 },
	{ KVMX_SET_IRQCHIP, V, READS, 0 },
	{ KVMX_SET_GSI_ROUTING, V, READS, 0 },
	{ KVMX_IRQFD, V, READS, 0 },
	{ KVMX_IOEVENTFD, V, READS, 0 },
	{ KVMX_SIGNAL_MSI, V, READS, 0 },
	{ KVMX_SET_CLOCK, V, READS, 0 },
	{ KVMX_GET_CLOCK, V, WRITES, 0 },
	{ KVMX_CREATE_PIT2, V, READS, 0 },
	{ KVMX_GET_PIT2, V, WRITES, 0 },
	{ KVMX_SET_PIT2, V, READS, 0 },
	{ KVMX_REINJECT_CONTROL, V, READS, 0 },
	{ KVMX_ENABLE_CAP, V | C, READS, 0 },
	{ KVMX_GET_REGS, C, WRITES, 0 },
	{ KVMX_SET_REGS, C, READS, 0 },
	{ KVMX_GET_SREGS, C, WRITES, 0 },
	{ KVMX_SET_SREGS, C, READS, 0 },
	{ KVMX_GET_SREGS2, C, WRITES, 0 },
	{ KVMX_SET_SREGS2, C, READS, 0 },
	{ KVMX_TRANSLATE, C, BOTH, 0 },
	{ KVMX_INTERRUPT, C, READS, 0 },
	{ KVMX_SET_MSRS, C, READS, 0 },
	{ KVMX_SET_CPUID, C, READS, 0 },
	{ KVMX_SET_CPUID2, C, READS, 0 },
	{ KVMX_GET_CPUID2, C, BOTH, 0 },
	{ KVMX_SET_SIGNAL_MASK, C, READS, NULL_OK },
	{ KVMX_GET_FPU, C, WRITES, 0 },
	{ KVMX_SET_FPU, C, READS, 0 },
	{ KVMX_GET_LAPIC, C, WRITES, 0 },
	{ KVMX_SET_LAPIC, C, READS, 0 },
	{ KVMX_GET_MP_STATE, C, WRITES, 0 },
	{ KVMX_SET_MP_STATE, C, READS, 0 },
	{ KVMX_X86_SETUP_MCE, C, READS, 0 },
	{ KVMX_X86_SET_MCE, C, READS, 0 },
	{ KVMX_GET_VCPU_EVENTS, C, WRITES, 0 },
	{ KVMX_SET_VCPU_EVENTS, C, READS, 0 },
	{ KVMX_GET_DEBUGREGS, C, WRITES, 0 },
	{ KVMX_SET_DEBUGREGS, C, READS, 0 },
	{ KVMX_GET_XSAVE, C, WRITES, 0 },
	{ KVMX_SET_XSAVE, C, READS, 0 },
	{ KVMX_GET_XCRS, C, WRITES, 0 },
	{ KVMX_SET_XCRS, C, READS, 0 },
};

enum pointer {
	NOWHERE,	/* NULL */
	NO_ACCESS,
	KERNEL,
	NOT_CANONICAL,
	READ_ONLY,	/* zeros */
	STRADDLE,	/* all but the last byte is there */
	ZEROS,
	ONES,
	COUNT_HUGE,	/* the first word, which is an array's count; the array ends at a hole */
	POINTERS
};

static const char *const pointer_names[] = {
	"NULL", "unmapped", "kernel", "non-canonical", "read-only", "straddling", "zeros", "ones",
	"huge count",
};

static char *area(void)
{
	static char *at;

	if (!at) {
		at = mmap(NULL, 32 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(at + (16 << 20), 16 << 20, PROT_NONE);
	}
	return at;
}

static void *pointer(enum pointer kind, size_t size)
{
	char *end = area() + (16 << 20);

	switch (kind) {
	case NOWHERE:
		return NULL;
	case NO_ACCESS:
		return hole + 64;
	case KERNEL:
		return (void *)0xffff888000001000ul;
	case NOT_CANONICAL:
		return (void *)0x1234567800001000ul;
	case READ_ONLY:
		return readonly + 64;
	case STRADDLE:
		memset(end - 8192, 0xff, 8192);
		return end - (size ? size - 1 : 0);
	case ZEROS:
		memset(area(), 0, 1 << 20);
		return area();
	case ONES:
		memset(area(), 0xff, 1 << 20);
		return area();
	default:
		memset(end - 8192, 0, 8192);
		end -= size < 64 ? 64 : size;
		memset(end, 0xff, 4);
		return end;
	}
}

static const struct rule *rule_of(unsigned long cmd)
{
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].cmd == cmd)
			return &rules[i];
	return NULL;
}

/* Whether the ioctl must say EFAULT. */
static bool must_fault(const struct rule *rule, enum pointer kind)
{
	switch (kind) {
	case NOWHERE:
		return !(rule->but & NULL_OK);
	case NO_ACCESS:
	case KERNEL:
	case NOT_CANONICAL:
		return true;
	case READ_ONLY:
		return rule->use == WRITES;
	case STRADDLE:
		return _IOC_SIZE(rule->cmd) > 1;
	default:
		return false;
	}
}

static int try(const struct test_vm *t, enum scope scope, unsigned long cmd, void *arg)
{
	const int fds[] = { dev, t->vm, t->cpu };
	int result;

	errno = 0;
	t->run->immediate_exit = 1;
	result = ioctl(fds[scope], cmd, arg);
	if (result < 0)
		return errno;
	if (makes_file(cmd) && result > 2)
		close(result);
	return 0;
}

static unsigned int wrong;

static void complain(const struct ioctl_number *n, enum scope scope, const char *with, int err,
		     const char *why)
{
	wrong++;
	note("%s on a %s, %s: %s: %s", n->name, scope_names[scope], with,
	     err ? strerrorname_np(err) : "success", why);
}

static void sweep_pointers(const struct ioctl_number *n, enum scope scope)
{
	const struct rule *rule = rule_of(n->cmd);
	struct test_vm t = test_vm_make(WITH_ALL);
	bool here = rule && (rule->scopes & (1 << scope));
	bool unknown = false;
	enum pointer kind;
	int err;

	for (kind = 0; kind < POINTERS; kind++) {
		err = try(&t, scope, n->cmd, pointer(kind, _IOC_SIZE(n->cmd)));
		if (!is_sane_errno(err))
			complain(n, scope, pointer_names[kind], err, "not a sane answer");
		if (here && must_fault(rule, kind) && err != EFAULT &&
		    !((rule->but & EINVAL_FIRST) && err == EINVAL))
			complain(n, scope, pointer_names[kind], err, "should be EFAULT");
		if (rule && !here && err != ENOTTY && err != EINVAL)
			complain(n, scope, pointer_names[kind], err, "of another kind of file");
		if (in_tree)
			continue;
		/* What is not there is not there, whatever the pointer. */
		if (kind == NOWHERE)
			unknown = err == ENOTTY;
		else if ((err == ENOTTY) != unknown)
			complain(n, scope, pointer_names[kind], err, "depends on the pointer");
	}
	test_vm_end(&t);
}

static bool is_known(unsigned long cmd)
{
	unsigned int i;

	for (i = 0; i < nr_ioctl_numbers; i++)
		if (ioctl_numbers[i].cmd == cmd)
			return true;
	return false;
}

/* The same number with another size or direction is another ioctl, which is nobody's. */
static void sweep_numbers(const struct ioctl_number *n, const struct test_vm *t)
{
	unsigned int size = _IOC_SIZE(n->cmd), dir = _IOC_DIR(n->cmd), nr = _IOC_NR(n->cmd);
	const unsigned long cmds[] = {
		_IOC(dir ? dir : 2, KVMXIO, nr, size + 1), _IOC(dir, KVMXIO, nr, size ? size - 1 : 1),
		_IOC(dir, KVMXIO, nr, size ? 0 : 8), _IOC(dir ^ 3, KVMXIO, nr, size),
		_IOC(dir, KVMXIO, nr, 0x3fff), _IOC(dir, KVMXIO ^ 1, nr, size),
	};
	enum scope scope;
	size_t i;
	int err;

	for (i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		if (is_known(cmds[i]))
			continue;
		for (scope = 0; scope < SCOPES; scope++) {
			err = try(t, scope, cmds[i], pointer(ZEROS, 0));
			if (err != ENOTTY && !(in_tree && err))
				complain(n, scope, "wrong size or direction", err,
					 "should be ENOTTY");
		}
	}
}

void test_sweep(void)
{
	struct test_vm t = test_vm_make(WITH_ALL);
	enum scope scope;
	unsigned int i;

	for (i = 0; i < nr_ioctl_numbers; i++) {
		wrong = 0;
		for (scope = 0; scope < SCOPES; scope++)
			sweep_pointers(&ioctl_numbers[i], scope);
		sweep_numbers(&ioctl_numbers[i], &t);
		check(!wrong, "bad pointers and sizes: %s", ioctl_numbers[i].name);
	}
	test_vm_end(&t);
}
