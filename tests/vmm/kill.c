// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMMs that have everything in use, each killed at a random instant: vCPUs that
 * run, dirty rings or logs, coalesced writes, irqfds and ioeventfds that come
 * and go, slots that move. Started by tests/vmm/kill: how many, how many at once.
 */
#define _GNU_SOURCE
#include <errno.h>
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

#include "guest.h"

#define LOGGED		0x2000000u
#define PAGES		1024u
#define DEVICE		0x10000000u
#define DOORBELL	0x11000000u
#define CODE		0x5000u
#define RING		256u
#define EVENTS		6
#define LIFE_MAX_MS	200

/* Two bits that choose what a VMM is like. */
#define WITH_IRQCHIP	1
#define WITH_RING	2

static int kind;
static struct guest guest;
static char *area;
static int events[EVENTS];

static int choose(struct guest *g)
{
	struct kvmx_enable_cap log = {
		.cap = kind & WITH_RING ? KVMX_CAP_DIRTY_LOG_RING : KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args = { kind & WITH_RING ? RING * sizeof(struct kvmx_dirty_gfn) : 3 },
	};

	if (ioctl(g->vm, KVMX_ENABLE_CAP, &log))
		return -1;
	return kind & WITH_IRQCHIP ? ioctl(g->vm, KVMX_CREATE_IRQCHIP, 0) : 0;
}

/*
 * 0: mov $LOGGED,%edi; mov $PAGES,%ecx
 * 1: lock add %eax,(%edi); add %ebx,%edi; mov %eax,(%esi); mov %eax,(%ebp); dec %ecx; jnz 1b
 * out %al,$0x80; jmp 0b
 */
static const char code[] = "\xbf\x00\x00\x00\x02\xb9\x00\x04\x00\x00"
			   "\xf0\x01\x07\x01\xdf\x89\x06\x89\x45\x00\x49\x75\xf3"
			   "\xe6\x80\xeb\xe5";

/* All harvested, whether it is new or not. */
static void reset_ring(struct kvmx_dirty_gfn *ring)
{
	unsigned int i;

	for (i = 0; i < RING; i++)
		__atomic_fetch_or(&ring[i].flags, KVMX_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	ioctl(guest.vm, KVMX_RESET_DIRTY_RINGS, 0);
}

static void *run(void *arg)
{
	int cpu = (intptr_t)arg;
	struct kvmx_regs r = {
		.rip = CODE, .rflags = 2, .rax = 1, .rbx = PAGE_SIZE, .rsi = DEVICE, .rbp = DOORBELL,
	};
	struct kvmx_coalesced_mmio_ring *writes =
		(void *)((char *)guest.run[cpu] + KVMX_COALESCED_MMIO_PAGE_OFFSET * PAGE_SIZE);
	struct kvmx_mp_state runnable = { KVMX_MP_STATE_RUNNABLE };
	struct kvmx_dirty_gfn *ring = NULL;

	if (kind & WITH_RING) {
		ring = mmap(NULL, RING * sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED,
			    guest.cpu[cpu], KVMX_DIRTY_LOG_PAGE_OFFSET * PAGE_SIZE);
		must("ring", ring == MAP_FAILED ? -1 : 0);
	}
	if (kind & WITH_IRQCHIP)
		must("MP_STATE", ioctl(guest.cpu[cpu], KVMX_SET_MP_STATE, &runnable));
	must("SET_REGS", ioctl(guest.cpu[cpu], KVMX_SET_REGS, &r));
	for (;;) {
		switch (guest_run(&guest, cpu)) {
		case KVMX_EXIT_DIRTY_RING_FULL:
			reset_ring(ring);
			break;
		case KVMX_EXIT_MMIO:
			__atomic_store_n(&writes->first, writes->last, __ATOMIC_RELEASE);
			break;
		case KVMX_EXIT_IO:
		case -EINTR:
			break;
		default:
			/* Of a failed emulation the unit's exit code, our kind, RIP and address. */
			printf("vCPU %d left with %u, %#llx %llu %#llx %#llx\n", cpu,
			       guest.run[cpu]->exit_reason, guest.run[cpu]->internal.data[3],
			       guest.run[cpu]->internal.data[4], guest.run[cpu]->internal.data[5],
			       guest.run[cpu]->internal.data[6]);
			exit(1);
		}
	}
	return NULL;
}

static void bind_events(bool on)
{
	struct kvmx_ioeventfd doorbell = {
		.fd = events[0], .addr = DOORBELL, .len = 4,
		.flags = on ? 0 : KVMX_IOEVENTFD_FLAG_DEASSIGN,
	};
	struct kvmx_irqfd irq = { .flags = on ? 0 : KVMX_IRQFD_FLAG_DEASSIGN };
	int i;

	ioctl(guest.vm, KVMX_IOEVENTFD, &doorbell);
	for (i = 1; kind & WITH_IRQCHIP && i < EVENTS - 1; i++) {
		irq.fd = events[i];
		irq.gsi = 4 + i / 2;
		irq.resamplefd = events[EVENTS - 1];
		if (on && i > 2)
			irq.flags = KVMX_IRQFD_FLAG_RESAMPLE;
		ioctl(guest.vm, KVMX_IRQFD, &irq);
	}
}

/* Never comes back. */
static void victim(unsigned int seed)
{
	struct kvmx_coalesced_mmio_zone zone = { .addr = DEVICE, .size = PAGE_SIZE };
	uint64_t bitmap[PAGES / 64], one = 1;
	struct kvmx_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };
	struct kvmx_clear_dirty_log clear = { .slot = 1, .num_pages = PAGES, .dirty_bitmap = bitmap };
	unsigned int round, i;
	pthread_t thread;

	kind = seed % 4;
	guest = guest_make(2, choose);
	memcpy(guest.memory + CODE, code, sizeof(code) - 1);
	area = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("memory", area == MAP_FAILED ? -1 : 0);
	must("slot 1", guest_slot(&guest, 1, KVMX_MEM_LOG_DIRTY_PAGES, LOGGED, PAGES * PAGE_SIZE, area));
	must("zone", ioctl(guest.vm, KVMX_REGISTER_COALESCED_MMIO, &zone));
	for (i = 0; i < EVENTS; i++)
		events[i] = must("eventfd", eventfd(0, EFD_NONBLOCK));
	for (i = 0; i < 2; i++)
		must("thread", -pthread_create(&thread, NULL, run, (void *)(intptr_t)i));
	for (round = 0;; round++) {
		bind_events(round & 1);
		for (i = 1; i < EVENTS - 1; i++)
			must("signal", write(events[i], &one, sizeof(one)));
		if (!(kind & WITH_RING)) {
			/* Refused while the slot is not logged. */
			ioctl(guest.vm, KVMX_GET_DIRTY_LOG, &log);
			ioctl(guest.vm, KVMX_CLEAR_DIRTY_LOG, &clear);
		}
		madvise(area, PAGES * PAGE_SIZE, MADV_DONTNEED);
		must("flags", guest_slot(&guest, 1, round & 2 ? KVMX_MEM_LOG_DIRTY_PAGES : 0, LOGGED,
					 PAGES * PAGE_SIZE, area));
	}
}

/* Starts and kills @count VMMs, one after the other; how many ended in another way. */
static int kill_one_after_the_other(unsigned int count, unsigned int seed)
{
	int status, wrong = 0;
	struct timespec t = { 0 };
	pid_t pid;

	for (; count; count--) {
		seed = seed * 1103515245 + 12345;
		t.tv_nsec = (seed >> 8) % LIFE_MAX_MS * 1000000;
		pid = must("fork", fork());
		if (!pid)
			victim(seed >> 16);
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		must("wait", waitpid(pid, &status, 0));
		wrong += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
	}
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 1 ? atoi(argv[1]) : 200, at_once = argc > 2 ? atoi(argv[2]) : 4, i;
	unsigned int seed = time(NULL);
	int status, wrong = 0;

	watch(240);
	note("seed %u", seed);
	device_open(argc > 3 ? argv[3] : "/dev/kvmx");
	for (i = 0; i < at_once; i++)
		if (!must("fork", fork()))
			_exit(kill_one_after_the_other(count / at_once, seed + i));
	for (i = 0; i < at_once; i++) {
		must("wait", wait(&status));
		wrong += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
	check(!wrong, "%u VMMs killed, %d of them ended otherwise", count, wrong);
	return verdict();
}
