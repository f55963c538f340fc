// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to /dev/kvmx on arm64: every ioctl number of the interface on every
 * kind of file with every kind of bad pointer, then random ioctls (abuse_random.c).
 * Arguments: how many of these, a seed. Ends with `N passed, N failed`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "abuse.h"

#define SECONDS_MAX	300	/* then something hangs */

char *arena;
static char *hole, *readonly, *edge;

bool makes_file(unsigned long cmd)
{
	return cmd == KVMX_CREATE_VM || cmd == KVMX_CREATE_VCPU || cmd == KVMX_GET_STATS_FD;
}

/* ENOMEM is not sane: nothing here asks for much. */
bool is_sane(int error)
{
	switch (error) {
	case 0: case EFAULT: case EINVAL: case ENOTTY: case ENXIO: case EEXIST: case ENOENT:
	case E2BIG: case EBADF: case EPERM: case EBUSY: case ENODEV: case EOPNOTSUPP: case ENOSPC:
	case EAGAIN: case EINTR: case EIO: case ENOEXEC: case ENOSYS:
		return true;
	}
	return false;
}

static int create_vm(void)
{
	int fd;

	do
		fd = ioctl(device, KVMX_CREATE_VM, 0);
	while (fd < 0 && errno == EINTR);
	return must(fd, "create a VM");
}

struct target target_make(void)
{
	struct target t = { .fd = { device, create_vm() } };
	struct kvmx_create_device create = { .type = KVMX_DEV_TYPE_ARM_VGIC_V3 };
	struct kvmx_vcpu_init init = { .target = KVMX_ARM_TARGET_GENERIC_V8 };
	struct kvmx_userspace_memory_region region = {
		.memory_size = ARENA / 2, .userspace_addr = (uintptr_t)arena,
	};
	uint64_t dist = GICD, redist = GICR, its = ITS;
	struct kvmx_device_attr attrs[] = {
		{ .group = KVMX_DEV_ARM_VGIC_GRP_ADDR, .attr = KVMX_VGIC_V3_ADDR_TYPE_DIST,
		  .addr = (uintptr_t)&dist },
		{ .group = KVMX_DEV_ARM_VGIC_GRP_ADDR, .attr = KVMX_VGIC_V3_ADDR_TYPE_REDIST,
		  .addr = (uintptr_t)&redist },
		{ .group = KVMX_DEV_ARM_VGIC_GRP_CTRL, .attr = KVMX_DEV_ARM_VGIC_CTRL_INIT },
		{ .group = KVMX_DEV_ARM_VGIC_GRP_ADDR, .attr = KVMX_VGIC_ITS_ADDR_TYPE,
		  .addr = (uintptr_t)&its },
		{ .group = KVMX_DEV_ARM_VGIC_GRP_CTRL, .attr = KVMX_DEV_ARM_VGIC_CTRL_INIT },
	};
	unsigned int i;

	must(ioctl(t.fd[VM_FILE], KVMX_SET_USER_MEMORY_REGION, &region), "memory");
	t.fd[VCPU_FILE] = must(ioctl(t.fd[VM_FILE], KVMX_CREATE_VCPU, 0), "create a vCPU");
	must(ioctl(t.fd[VCPU_FILE], KVMX_ARM_VCPU_INIT, &init), "init a vCPU");
	must(ioctl(t.fd[VM_FILE], KVMX_CREATE_DEVICE, &create), "create a GIC");
	t.fd[GIC_FILE] = create.fd;
	create.type = KVMX_DEV_TYPE_ARM_VGIC_ITS;
	must(ioctl(t.fd[VM_FILE], KVMX_CREATE_DEVICE, &create), "create an ITS");
	t.fd[ITS_FILE] = create.fd;
	for (i = 0; i < 5; i++)
		must(ioctl(t.fd[i < 3 ? GIC_FILE : ITS_FILE], KVMX_SET_DEVICE_ATTR, &attrs[i]),
		     "set up a GIC and an ITS");
	t.run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, t.fd[VCPU_FILE], 0);
	must(t.run == MAP_FAILED ? -1 : 0, "map a vCPU");
	return t;
}

void target_end(struct target *t)
{
	munmap(t->run, 4096);
	close(t->fd[ITS_FILE]);
	close(t->fd[GIC_FILE]);
	close(t->fd[VCPU_FILE]);
	close(t->fd[VM_FILE]);
}

#define D	(1 << DEVICE_FILE)
#define V	(1 << VM_FILE)
#define C	(1 << VCPU_FILE)
#define G	(1 << GIC_FILE | 1 << ITS_FILE)

/* On which files an ioctl is, and that it looks at its pointer before all else. */
static const struct {
	unsigned long cmd;
	int scopes;
} rules[] = {
	{ KVMX_CREATE_DEVICE, V }, { KVMX_SET_DEVICE_ATTR, G }, { KVMX_GET_DEVICE_ATTR, G },
	{ KVMX_HAS_DEVICE_ATTR, G }, { KVMX_IRQ_LINE, V }, { KVMX_SET_GSI_ROUTING, V },
	{ KVMX_IRQFD, V }, { KVMX_IOEVENTFD, V }, { KVMX_GET_DIRTY_LOG, V },
	{ KVMX_CLEAR_DIRTY_LOG, V }, { KVMX_SET_USER_MEMORY_REGION, V },
	{ KVMX_ENABLE_CAP, V | C }, { KVMX_REGISTER_COALESCED_MMIO, V },
	{ KVMX_ARM_PREFERRED_TARGET, V }, { KVMX_ARM_VCPU_INIT, C }, { KVMX_GET_ONE_REG, C },
	{ KVMX_SET_ONE_REG, C }, { KVMX_GET_REG_LIST, C }, { KVMX_GET_MP_STATE, C },
	{ KVMX_SET_MP_STATE, C }, { KVMX_GET_VCPU_EVENTS, C }, { KVMX_SET_VCPU_EVENTS, C },
	{ KVMX_SET_GUEST_DEBUG, C },
};

enum pointer { NOWHERE, NO_ACCESS, KERNEL, STRADDLE, READ_ONLY, ZEROS, ONES, POINTERS };
static const char * const pointer_names[] = {
	"NULL", "unmapped", "the kernel's", "straddling", "read-only", "zeros", "ones",
};

static void *pointer(enum pointer kind, size_t size)
{
	static char buffer[65536];

	switch (kind) {
	case NOWHERE:
		return NULL;
	case NO_ACCESS:
		return hole + 64;
	case KERNEL:
		return (void *)0xffff800008001000ul;
	case STRADDLE:
		return edge - (size ? size - 1 : 0);
	case READ_ONLY:
		return readonly + 64;
	default:
		memset(buffer, kind == ONES ? 0xff : 0, sizeof(buffer));
		return buffer;
	}
}

static int scopes_of(unsigned long cmd)
{
	unsigned int i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].cmd == cmd)
			return rules[i].scopes;
	return 0;
}

static int answer(struct target *t, enum scope scope, unsigned long cmd, void *arg)
{
	int result;

	t->run->immediate_exit = 1;
	result = ioctl(t->fd[scope], cmd, arg);
	if (result < 0)
		return errno;
	if (makes_file(cmd) && result > 2)
		close(result);
	return 0;
}

static bool pointer_ok(const struct ioctl_number *n, enum scope scope, enum pointer kind, int error,
		       bool absent)
{
	int scopes = scopes_of(n->cmd);

	if (!is_sane(error))
		return false;
	/* What is not there is not there, whatever the pointer. */
	if (kind != NOWHERE && (error == ENOTTY) != absent)
		return false;
	if (!scopes || kind > STRADDLE)
		return true;
	return scopes >> scope & 1 ? error == EFAULT : error == ENOTTY;
}

static bool sweep(const struct ioctl_number *n, enum scope scope)
{
	struct target t = target_make();
	bool ok = true, absent = false;
	enum pointer kind;

	for (kind = 0; kind < POINTERS; kind++) {
		int error = answer(&t, scope, n->cmd, pointer(kind, _IOC_SIZE(n->cmd)));

		if (kind == NOWHERE)
			absent = error == ENOTTY;
		if (pointer_ok(n, scope, kind, error, absent))
			continue;
		printf("%s on file %d, %s: %s\n", n->name, scope, pointer_names[kind],
		       error ? strerror(error) : "success");
		ok = false;
	}
	target_end(&t);
	return ok;
}

static void test_sweep(void)
{
	unsigned int i, bad = 0;
	enum scope scope;

	for (i = 0; i < nr_ioctl_numbers; i++)
		for (scope = 0; scope < SCOPES; scope++)
			bad += !sweep(&ioctl_numbers[i], scope);
	printf("%u ioctl numbers\n", nr_ioctl_numbers);
	check(nr_ioctl_numbers > 50 && !bad, "bad pointers to every ioctl on every kind of file");
}

/* The same number with another size or direction is another ioctl, which is nobody's. */
static void test_sizes(void)
{
	struct target t = target_make();
	unsigned int i, j, k, bad = 0;
	enum scope scope;

	for (i = 0; i < nr_ioctl_numbers; i++) {
		unsigned int nr = _IOC_NR(ioctl_numbers[i].cmd), dir = _IOC_DIR(ioctl_numbers[i].cmd);
		unsigned int size = _IOC_SIZE(ioctl_numbers[i].cmd);
		unsigned long cmds[] = {
			_IOC(dir ? dir : 2, KVMXIO, nr, size + 1), _IOC(dir, KVMXIO, nr, 0x3fff),
			_IOC(dir ^ 3, KVMXIO, nr, size), _IOC(dir, KVMXIO ^ 1, nr, size),
		};

		for (j = 0; j < 4; j++) {
			for (k = 0; k < nr_ioctl_numbers && ioctl_numbers[k].cmd != cmds[j]; k++)
				;
			for (scope = 0; k == nr_ioctl_numbers && scope < SCOPES; scope++)
				bad += answer(&t, scope, cmds[j], pointer(ZEROS, 0)) != ENOTTY;
		}
	}
	check(!bad, "no ioctl has another size or direction");
	target_end(&t);
}

static char *map(size_t size, int protection)
{
	char *at = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at == MAP_FAILED ? -1 : 0, "memory");
	return at;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 5000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL) << 16 ^ getpid();

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(SECONDS_MAX);
	device = must(open("/dev/kvmx", O_RDWR | O_CLOEXEC), "open the device");
	arena = map(ARENA, PROT_READ | PROT_WRITE);
	hole = map(4096, PROT_NONE);
	readonly = map(65536, PROT_READ);
	edge = map(2 << 16, PROT_READ | PROT_WRITE) + (1 << 16);
	must(mprotect(edge, 1 << 16, PROT_NONE), "mprotect");
	test_sweep();
	test_sizes();
	test_random(count, seed);
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
