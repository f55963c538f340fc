// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to every ioctl of a device that speaks the KVM ABI, kvmx's or the
 * kernel's own: the parts are in ioctls_*.c, what they share is here. Started
 * by tests/vmm/ioctls; arguments: the device, how many random ioctls, a seed.
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

#include "ioctls.h"

#define SECONDS_MAX	240	/* then something hangs */

int dev;
bool in_tree;
char *memory, *hole, *readonly;

int cap(int fd, long number)
{
	return ioctl(fd, KVMX_CHECK_EXTENSION, number);
}

bool makes_file(unsigned long cmd)
{
	return cmd == KVMX_CREATE_VM || cmd == KVMX_CREATE_VCPU || cmd == KVMX_GET_STATS_FD ||
	       cmd == KVMX_CREATE_GUEST_MEMFD;
}

/* ENOMEM is not sane: nothing here asks for much. */
bool is_sane_errno(int err)
{
	switch (err) {
	case 0: case EFAULT: case EINVAL: case ENOTTY: case ENXIO: case EEXIST: case ENOENT:
	case E2BIG: case EBADF: case EPERM: case EBUSY: case ENODEV: case EOPNOTSUPP:
	case EAGAIN: case EINTR: case EIO:
		return true;
	}
	return false;
}

/* Registering with the process' memory management ends early on a signal. */
static int create_vm(void)
{
	int vm;

	do
		vm = ioctl(dev, KVMX_CREATE_VM, 0);
	while (vm < 0 && errno == EINTR);
	return must("CREATE_VM", vm);
}

struct test_vm test_vm_make(int with)
{
	struct test_vm t = { .vm = create_vm(), .cpu = -1 };
	struct kvmx_pit_config pit = { 0 };
	struct kvmx_enable_cap split = { .cap = KVMX_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvmx_userspace_memory_region region = {
		.memory_size = MEM_SIZE / 2, .userspace_addr = (uintptr_t)memory,
	};

	if (with & WITH_IRQCHIP)
		must("CREATE_IRQCHIP", ioctl(t.vm, KVMX_CREATE_IRQCHIP, 0));
	if (with & WITH_SPLIT)
		must("split irqchip", ioctl(t.vm, KVMX_ENABLE_CAP, &split));
	if (with & WITH_PIT)
		must("CREATE_PIT2", ioctl(t.vm, KVMX_CREATE_PIT2, &pit));
	if (with & WITH_MEMORY)
		must("memory", ioctl(t.vm, KVMX_SET_USER_MEMORY_REGION, &region));
	if (with & WITH_CPU) {
		t.cpu = must("CREATE_VCPU", ioctl(t.vm, KVMX_CREATE_VCPU, 0));
		t.run = mmap(NULL, RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, t.cpu, 0);
		must("mmap of a vCPU", t.run == MAP_FAILED ? -1 : 0);
	}
	return t;
}

void test_vm_end(struct test_vm *t)
{
	if (t->run)
		munmap(t->run, RUN_SIZE);
	if (t->cpu >= 0)
		close(t->cpu);
	close(t->vm);
	t->run = NULL;
	t->cpu = t->vm = -1;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double started;

static void took(const char *what)
{
	double now = seconds();

	note("%s took %.1f s", what, now - started);
	started = now;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/kvmx";
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 0) : 30000;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)time(NULL) << 16 ^ getpid();

	watch(SECONDS_MAX);
	started = seconds();
	dev = must(path, open(path, O_RDWR | O_CLOEXEC));
	in_tree = !cap(dev, KVMX_CAP_KVMX_VERSION);
	note("%s is %s", path, in_tree ? "the kernel's own KVM" : "kvmx");

	memory = mmap(NULL, 3 * MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("memory", memory == MAP_FAILED ? -1 : 0);
	hole = memory + MEM_SIZE;
	readonly = hole + MEM_SIZE;
	must("mprotect", mprotect(hole, MEM_SIZE, PROT_NONE));
	must("mprotect", mprotect(readonly, MEM_SIZE, PROT_READ));

	test_errnos();
	test_lifetime();
	took("the table of errors");
	test_round_trips();
	took("GET, SET, GET");
	test_sweep();
	took("every number");
	if (count)
		test_random(seed, count);
	took("random ioctls");
	return verdict();
}
