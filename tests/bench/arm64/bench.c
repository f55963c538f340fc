// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark on arm64: measures every row on one device and prints each as
 * "row NAME VALUE", in instructions, which the emulated machine's counter counts
 * (../run). Arguments: the device, and a divisor of the rounds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define AREA		0x10000000
#define PAGES		4096u		/* to touch: 16 MiB */
#define VMS		20
#define VCPUS		20

GUEST(hypercall);
GUEST(mmio_kernel);
GUEST(mmio_write);
GUEST(mmio_read);
GUEST(touch);
GUEST(timer);
GUEST(ipi_self);
GUEST(ipi_sleeping);

static unsigned int divisor = 1;

static uint64_t counter(void)
{
	uint64_t val;

	asm volatile("isb; mrs %0, cntvct_el0" : "=r" (val) : : "memory");
	return val;
}

/* One instruction is a nanosecond of the machine's time. */
static void row(const char *name, uint64_t ticks, unsigned int rounds)
{
	uint64_t hz;

	asm("mrs %0, cntfrq_el0" : "=r" (hz));
	printf("row %s %.1f\n", name, ticks * (1e9 / hz) / rounds);
	fflush(stdout);
}

/* Until the guest tells how long it took. */
static uint64_t finish(struct vm *vm)
{
	struct kvmx_run *run = vm->run[0];
	uint64_t ticks;

	for (;;) {
		if (ioctl(vm->vcpu[0], KVMX_RUN, 0)) {
			if (errno == EINTR)
				continue;
			must(-1, "run");
		}
		if (run->exit_reason != KVMX_EXIT_MMIO) {
			fprintf(stderr, "bench: exit %u\n", run->exit_reason);
			exit(1);
		}
		if (run->mmio.phys_addr != DEVICE)
			continue;
		memcpy(&ticks, run->mmio.data, sizeof(ticks));
		return ticks;
	}
}

static void start(struct vm *vm, unsigned int i, const char *code, const char *end, unsigned int rounds)
{
	vm_start(vm, i, code, end);
	reg_set(vm, i, CORE_REG(regs.regs[21]), AREA);
	reg_set(vm, i, CORE_REG(regs.regs[26]), i);
	reg_set(vm, i, CORE_REG(regs.regs[27]), rounds);
}

static void loop(const char *name, const char *code, const char *end, unsigned int rounds)
{
	struct vm *vm = vm_make(1, true);

	rounds /= divisor;
	/* A tenth of the rounds to warm up. */
	start(vm, 0, code, end, rounds / 10);
	finish(vm);
	start(vm, 0, code, end, rounds);
	row(name, finish(vm), rounds);
	vm_free(vm);
}

/* Memory that the host has in pages of 4 KiB. */
static void touch(void)
{
	struct vm *vm = vm_make(1, true);
	struct kvmx_userspace_memory_region region = {
		.slot = 1, .guest_phys_addr = AREA, .memory_size = PAGES * 4096,
	};
	char *area = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(area == MAP_FAILED ? -1 : 0, "memory");
	must(madvise(area, PAGES * 4096, MADV_NOHUGEPAGE), "page size");
	memset(area, 1, PAGES * 4096);
	region.userspace_addr = (uintptr_t)area;
	must(ioctl(vm->fd, KVMX_SET_USER_MEMORY_REGION, &region), "memory region");
	start(vm, 0, guest_touch, guest_touch_end, PAGES);
	row("touch", finish(vm), PAGES);
	vm_free(vm);
	munmap(area, PAGES * 4096);
}

static void objects(void)
{
	uint64_t begin, ticks = 0;
	unsigned int i;
	int fd[VCPUS], vm;

	for (i = 0; i <= VMS; i++) {
		begin = counter();
		close(must(ioctl(device, KVMX_CREATE_VM, 0), "create a VM"));
		/* The first warms up. */
		if (i)
			ticks += counter() - begin;
	}
	row("vm_create", ticks, VMS);
	vm = must(ioctl(device, KVMX_CREATE_VM, 0), "create a VM");
	begin = counter();
	for (i = 0; i < VCPUS; i++)
		fd[i] = must(ioctl(vm, KVMX_CREATE_VCPU, i), "create a vCPU");
	row("vcpu_create", counter() - begin, VCPUS);
	for (i = 0; i < VCPUS; i++)
		close(fd[i]);
	close(vm);
}

static void *second(void *opaque)
{
	struct vm *vm = opaque;

	while (!ioctl(vm->vcpu[1], KVMX_RUN, 0) || errno == EINTR)
		;
	return NULL;
}

/* The second vCPU ends with the program. */
static void sleeping(void)
{
	struct vm *vm = vm_make(2, true);
	struct kvmx_mp_state runnable = { KVMX_MP_STATE_RUNNABLE };
	unsigned int rounds = 2000 / divisor;
	pthread_t thread;

	start(vm, 1, guest_ipi_sleeping, guest_ipi_sleeping_end, 0);
	must(ioctl(vm->vcpu[1], KVMX_SET_MP_STATE, &runnable), "start a vCPU");
	must(-pthread_create(&thread, NULL, second, vm), "a thread");
	start(vm, 0, guest_ipi_sleeping, guest_ipi_sleeping_end, rounds / 10);
	finish(vm);
	start(vm, 0, guest_ipi_sleeping, guest_ipi_sleeping_end, rounds);
	/* Half a round trip. */
	row("ipi_sleeping", finish(vm), 2 * rounds);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/kvmx";

	divisor = argc > 2 ? atoi(argv[2]) : 1;
	device = must(open(path, O_RDWR | O_CLOEXEC), path);
	printf("device %s\n", path);
	objects();
	loop("hypercall", guest_hypercall, guest_hypercall_end, 20000);
	loop("mmio_kernel", guest_mmio_kernel, guest_mmio_kernel_end, 20000);
	loop("mmio_write", guest_mmio_write, guest_mmio_write_end, 20000);
	loop("mmio_read", guest_mmio_read, guest_mmio_read_end, 20000);
	loop("timer", guest_timer, guest_timer_end, 5000);
	loop("ipi_self", guest_ipi_self, guest_ipi_self_end, 20000);
	touch();
	sleeping();
	return 0;
}
