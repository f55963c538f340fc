// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose a VM is and how long it lives: ioctls from another process, files that
 * are closed in any order, and what of a vCPU can be mapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ioctls.h"

static sigjmp_buf back;

static void on_bus_error(int signal)
{
	siglongjmp(back, signal);
}

/* The signal that a read of @at gives. */
static int touch(const volatile char *at)
{
	struct sigaction new = { .sa_handler = on_bus_error }, bus, segv;
	int got;

	sigaction(SIGBUS, &new, &bus);
	sigaction(SIGSEGV, &new, &segv);
	got = sigsetjmp(back, 1);
	if (!got)
		(void)*at;
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return got;
}

static void mappings(void)
{
	struct test_vm t = test_vm_make(WITH_ALL);
	long size = ioctl(dev, KVMX_GET_VCPU_MMAP_SIZE, 0);
	char *run;

	check(size >= 8192 && size % 4096 == 0, "a vCPU's mapping has %ld bytes", size);
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, t.vm, 0) == MAP_FAILED, "a VM cannot be mapped");
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, dev, 0) == MAP_FAILED,
	      "the device cannot be mapped");
	run = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, t.cpu, 0);
	if (run == MAP_FAILED) {
		check(true, "a mapping that is too large is refused");
	} else {
		check(!touch(run) && !touch(run + 4096), "its pages are there");
		check(touch(run + size) == SIGBUS, "what is beyond is not");
		munmap(run, size + 4096);
	}
	run = mmap(NULL, 4096, PROT_READ, MAP_SHARED, t.cpu, 1l << 40);
	check(run == MAP_FAILED || touch(run) == SIGBUS, "nor is what is far beyond");
	if (run != MAP_FAILED)
		munmap(run, 4096);
	run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, t.cpu, 0);
	if (run != MAP_FAILED) {
		touch(run);
		munmap(run, 4096);
	}
	test_vm_end(&t);
}

/* What a child finds with files that it has inherited; bits of what is wrong. */
static int from_child(const struct test_vm *t)
{
	struct kvmx_userspace_memory_region r = { 0 };
	struct kvmx_regs regs;
	int wrong = 0;

	wrong |= (ioctl(t->vm, KVMX_SET_USER_MEMORY_REGION, &r) != -1 || errno != EIO) << 0;
	wrong |= (ioctl(t->vm, KVMX_CREATE_VCPU, 1) != -1 || errno != EIO) << 1;
	wrong |= (ioctl(t->cpu, KVMX_GET_REGS, &regs) != -1 || errno != EIO) << 2;
	wrong |= (ioctl(t->cpu, KVMX_RUN, 0) != -1 || errno != EIO) << 3;
	wrong |= (ioctl(t->vm, 0x1234, 0) != -1 || errno != EIO) << 4;
	return wrong;
}

static void other_process(void)
{
	struct test_vm t = test_vm_make(WITH_ALL);
	struct kvmx_regs regs;
	int status = -1, pid = fork();

	if (!pid)
		_exit(from_child(&t));
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status),
	      "another process may do nothing with a VM (%#x)", status);
	check(!ioctl(t.cpu, KVMX_GET_REGS, &regs), "and it goes on");

	/* The child has the last of the files. */
	pid = fork();
	if (!pid) {
		usleep(100000);
		_exit(0);
	}
	test_vm_end(&t);
	waitpid(pid, &status, 0);
	check(WIFEXITED(status), "a VM ends in another process");
}

static void closing(void)
{
	struct test_vm t = test_vm_make(WITH_ALL);
	struct kvmx_regs regs = { 0 };
	char *run;

	close(t.vm);
	check(!ioctl(t.cpu, KVMX_GET_REGS, &regs) && !ioctl(t.cpu, KVMX_SET_REGS, &regs),
	      "a vCPU outlives its VM's file");
	t.run->immediate_exit = 1;
	check(ioctl(t.cpu, KVMX_RUN, 0) == -1 && errno == EINTR, "and runs");
	close(t.cpu);
	check(ioctl(t.cpu, KVMX_GET_REGS, &regs) == -1 && errno == EBADF, "a closed file is no vCPU");
	check(!touch((char *)t.run), "what was mapped stays");
	run = (char *)t.run;
	memset(run, 0xff, RUN_SIZE);
	munmap(run, RUN_SIZE);

	t = test_vm_make(WITH_ALL);
	close(t.cpu);
	check(ioctl(t.vm, KVMX_CREATE_VCPU, 0) == -1 && errno == EEXIST, "a VM keeps its vCPUs");
	t.cpu = -1;
	test_vm_end(&t);
}

void test_lifetime(void)
{
	mappings();
	other_process();
	closing();
}
