// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMMs that have much in use, each killed at a random instant: two vCPUs that
 * run and send each other SGIs, lines, messages, irqfds and ioeventfds that come and
 * go, a dirty log, memory that is taken away. Argument: how many. What they leave
 * behind is looked at by inside. Ends with `N passed, N failed`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vm.h"

#define SECONDS_MAX	240
#define AT_ONCE		2
#define LIFE_MAX_MS	250
#define AREA		0x10000000
#define PAGES		256
#define EVENTS		4
#define TABLES		0x800000ull	/* the ITS's, in memory that the guest does not touch */
#define MESSAGES	64

GUEST(busy);

static struct vm *vm;
static char *area;

static void *run(void *opaque)
{
	int i = (intptr_t)opaque;

	for (;;) {
		if (ioctl(vm->vcpu[i], KVMX_RUN, 0) && errno != EINTR) {
			printf("vCPU %d: %s\n", i, strerror(errno));
			exit(1);
		}
	}
	return NULL;
}

static int slot(uint32_t flags)
{
	struct kvmx_userspace_memory_region region = {
		.slot = 1, .flags = flags, .guest_phys_addr = AREA, .memory_size = PAGES * 4096,
		.userspace_addr = (uintptr_t)area,
	};

	return ioctl(vm->fd, KVMX_SET_USER_MEMORY_REGION, &region);
}

static void bind_events(const int *events, bool on)
{
	struct kvmx_ioeventfd doorbell = {
		.fd = events[0], .addr = DEVICE + 0x1000, .len = 4,
		.flags = on ? 0 : KVMX_IOEVENTFD_FLAG_DEASSIGN,
	};
	struct kvmx_irqfd irq = { .flags = on ? 0 : KVMX_IRQFD_FLAG_DEASSIGN };
	int i;

	ioctl(vm->fd, KVMX_IOEVENTFD, &doorbell);
	for (i = 1; i < EVENTS; i++) {
		irq.fd = events[i];
		irq.gsi = i;
		ioctl(vm->fd, KVMX_IRQFD, &irq);
	}
}

static void set(int fd, uint32_t group, uint64_t number, uint64_t val)
{
	struct kvmx_device_attr attr = { .group = group, .attr = number, .addr = (uintptr_t)&val };

	must(ioctl(fd, KVMX_SET_DEVICE_ATTR, &attr), "an attribute");
}

/* An ITS whose tables say that device 0 has 64 events, half of them each CPU's. */
static void its_make(void)
{
	struct kvmx_create_device create = { .type = KVMX_DEV_TYPE_ARM_VGIC_ITS };
	const uint32_t regs = KVMX_DEV_ARM_VGIC_GRP_ITS_REGS, redist = KVMX_DEV_ARM_VGIC_GRP_REDIST_REGS,
		       ctrl = KVMX_DEV_ARM_VGIC_GRP_CTRL;
	uint64_t *devices = (uint64_t *)(vm->memory + TABLES), *events = devices + 0x4000,
		 *collections = devices + 0x8000, valid = 1ull << 63, cpu, n;

	must(ioctl(vm->fd, KVMX_CREATE_DEVICE, &create), "create an ITS");
	set(create.fd, KVMX_DEV_ARM_VGIC_GRP_ADDR, KVMX_VGIC_ITS_ADDR_TYPE, ITS);
	set(create.fd, ctrl, KVMX_DEV_ARM_VGIC_CTRL_INIT, 0);
	devices[0] = valid | (TABLES + 0x20000) >> 8 << 5 | 5;
	for (n = 0; n < MESSAGES; n++)
		events[n] = 1ull << 48 | (8192 + n) << 16 | (n & 1);
	events[n - 1] &= ~(1ull << 48);
	memset(vm->memory + TABLES + 0x60000, 0xa1, MESSAGES);
	set(vm->gic, redist, 0x70, (TABLES + 0x60000) | 15);
	for (cpu = 0; cpu < 2; cpu++) {
		collections[cpu] = valid | cpu << 16 | cpu;
		set(vm->gic, redist, cpu << 32 | 0x78, TABLES + 0x70000 + 0x10000 * cpu);
		set(vm->gic, redist, cpu << 32, 1);
	}
	set(create.fd, regs, 0x100, valid | TABLES | 2 << 8);
	set(create.fd, regs, 0x108, valid | (TABLES + 0x40000) | 2 << 8);
	set(create.fd, ctrl, KVMX_DEV_ARM_ITS_RESTORE_TABLES, 0);
	set(create.fd, regs, 0, 1);
}

static void start(unsigned int i)
{
	struct kvmx_mp_state runnable = { KVMX_MP_STATE_RUNNABLE };
	pthread_t thread;

	vm_start(vm, i, guest_busy, guest_busy_end);
	reg_set(vm, i, CORE_REG(regs.regs[21]), AREA);
	must(ioctl(vm->vcpu[i], KVMX_SET_MP_STATE, &runnable), "start a vCPU");
	must(-pthread_create(&thread, NULL, run, (void *)(intptr_t)i), "a thread");
}

/* Never comes back. */
static void victim(void)
{
	static uint64_t bitmap[PAGES / 64];
	struct kvmx_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };
	int events[EVENTS];
	unsigned int round, i;
	struct kvmx_msi msi = { .address_lo = ITS + 0x10040, .flags = KVMX_MSI_VALID_DEVID };
	uint64_t one = 1;

	vm = vm_make(2, true);
	its_make();
	area = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(area == MAP_FAILED ? -1 : 0, "memory");
	must(slot(KVMX_MEM_LOG_DIRTY_PAGES), "a slot");
	for (i = 0; i < EVENTS; i++)
		events[i] = must(eventfd(0, EFD_NONBLOCK), "eventfd");
	for (i = 0; i < 2; i++)
		start(i);
	for (round = 0;; round++) {
		bind_events(events, round & 1);
		for (i = 1; i < EVENTS; i++)
			must(write(events[i], &one, sizeof(one)), "signal");
		for (msi.data = 0; msi.data < MESSAGES; msi.data++)
			must(ioctl(vm->fd, KVMX_SIGNAL_MSI, &msi) - 1, "a message");
		vm_line(vm, SPI, round & 1);
		/* Refused while the slot is not logged. */
		ioctl(vm->fd, KVMX_GET_DIRTY_LOG, &log);
		madvise(area, PAGES * 4096, MADV_DONTNEED);
		must(slot(round & 2 ? KVMX_MEM_LOG_DIRTY_PAGES : 0), "a slot's flags");
	}
}

/* How many of @count ended in another way. */
static int kill_one_after_the_other(unsigned int count, unsigned int seed)
{
	struct timespec t = { 0 };
	int status, wrong = 0;
	pid_t pid;

	for (; count; count--) {
		seed = seed * 1103515245 + 12345;
		t.tv_nsec = (seed >> 8) % LIFE_MAX_MS * 1000000;
		pid = must(fork(), "fork");
		if (!pid)
			victim();
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		must(waitpid(pid, &status, 0), "wait");
		wrong += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
	}
	return wrong;
}

/* An eventfd that was left behind keeps its number. */
static int eventfd_id(void)
{
	char path[64], line[128];
	int fd = must(eventfd(0, 0), "eventfd"), id = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "eventfd-id: %d", &id);
	if (file)
		fclose(file);
	close(fd);
	return id;
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 1 ? atoi(argv[1]) : 40, seed = time(NULL), i;
	int status, wrong = 0, id = eventfd_id();

	alarm(SECONDS_MAX);
	printf("seed %u\n", seed);
	fflush(stdout);
	device = must(open("/dev/kvmx", O_RDWR | O_CLOEXEC), "open the device");
	for (i = 0; i < AT_ONCE; i++)
		if (!must(fork(), "fork"))
			_exit(kill_one_after_the_other(count / AT_ONCE, seed + i));
	for (i = 0; i < AT_ONCE; i++) {
		must(wait(&status), "wait");
		wrong += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
	printf("%u VMMs, %d of them ended otherwise\n", count / AT_ONCE * AT_ONCE, wrong);
	check(!wrong, "VMMs killed at work");
	check(id >= 0 && eventfd_id() == id, "and no eventfd of theirs is left");
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
