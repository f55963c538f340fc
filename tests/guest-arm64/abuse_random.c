// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random ioctls with payloads that make half sense, from several threads on one
 * VM whose guest runs random words. Nothing is expected but that each returns,
 * with an errno of a sane set, and that the kernel stays well.
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
#include <unistd.h>

#include "abuse.h"

#define THREADS		3
#define PER_VM		600	/* ioctls on one VM, all threads together */
#define TICK_US		3000	/* a guest is interrupted this often */

struct worker {
	pthread_t thread;
	uint64_t random;
	unsigned long todo, runs, insane;
	struct target *t;
	int event;
	uint64_t payload[8192];
};

static uint64_t next(struct worker *w)
{
	uint64_t x = w->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	w->random = x;
	return x * 0x2545f4914f6cdd1dull;
}

static uint64_t below(struct worker *w, uint64_t n)
{
	return (next(w) >> 16) % n;
}

static void one_reg(struct worker *w, void *data)
{
	static const uint64_t kinds[] = {
		KVMX_REG_ARM_CORE, KVMX_REG_ARM64_SYSREG, KVMX_REG_ARM64_SYSREG, KVMX_REG_ARM_FW, 0,
	};
	static const uint16_t known[] = { 0xdf19, 0xdf1a, 0xdf02, 0xc080, 0xc102, 0xc600, 0x8012 };
	struct kvmx_one_reg *reg = data;
	uint64_t kind = kinds[below(w, 5)];

	reg->id = KVMX_REG_ARM64 | (below(w, 4) ? 3 : below(w, 16)) << 52 | kind;
	if (kind == KVMX_REG_ARM_CORE)
		reg->id |= below(w, 8) ? below(w, 0x80) * 2 : below(w, 0x10000);
	else
		reg->id |= below(w, 2) ? known[below(w, 7)] : below(w, 0x10000);
	if (!below(w, 20))
		reg->id = next(w);
	reg->addr = (uintptr_t)&w->payload[64];
}

static void attribute(struct worker *w, void *data)
{
	struct kvmx_device_attr *attr = data;

	memset(attr, 0, sizeof(*attr));
	attr->group = below(w, 12);
	attr->flags = !below(w, 20);
	attr->attr = below(w, 4) ? below(w, 0x400) * 4 : below(w, 0x30000);
	if (attr->group == KVMX_DEV_ARM_VGIC_GRP_CPU_SYSREGS)
		attr->attr = below(w, 2) ? 0xc660 + below(w, 8) : 0xc230 + below(w, 0x700);
	attr->attr |= (below(w, 8) ? 0 : next(w)) << 32;
	attr->addr = (uintptr_t)&w->payload[64];
}

/* Registers, with tables in what the guest writes to; and that these are saved and restored. */
static void its_attribute(struct worker *w, void *data)
{
	static const uint16_t known[] = { 0, 4, 0x80, 0x88, 0x90, 0x100, 0x108 };
	struct kvmx_device_attr *attr = data;

	attribute(w, data);
	if (!below(w, 4))
		return;
	attr->group = below(w, 3) ? KVMX_DEV_ARM_VGIC_GRP_ITS_REGS : KVMX_DEV_ARM_VGIC_GRP_CTRL;
	attr->attr = below(w, 5);
	if (attr->group == KVMX_DEV_ARM_VGIC_GRP_ITS_REGS)
		attr->attr = known[below(w, 7)];
	if (below(w, 2))
		w->payload[64] = below(w, 4) << 62 | below(w, 8) << 12 | below(w, 4) << 8 | below(w, 3);
}

static void message(struct worker *w, void *data)
{
	struct kvmx_msi *msi = data;

	memset(msi, 0, sizeof(*msi));
	msi->address_lo = ITS + 0x10040 + !below(w, 8);
	msi->data = below(w, 16);
	msi->devid = below(w, 16);
	msi->flags = below(w, 8) ? KVMX_MSI_VALID_DEVID : below(w, 4);
}

/* A guest may write wherever a slot leads: only to what is meant for it. */
static void region(struct worker *w, void *data)
{
	static const uint64_t at[] = { 0, 0x1000, 0x200000, 0x10000000, GICD, 1ull << 39, 1ull << 40, 5 };
	static const uint64_t sizes[] = { 0, 0x1000, 0x200000, 0x200000, 1ull << 48, 0x1001 };
	struct kvmx_userspace_memory_region *r = data;

	memset(r, 0, sizeof(*r));
	r->slot = below(w, 16) ? below(w, 4) : next(w);
	r->flags = below(w, 8) ? below(w, 4) : next(w);
	r->guest_phys_addr = at[below(w, 8)];
	r->memory_size = sizes[below(w, 6)];
	r->userspace_addr = (uintptr_t)arena + (below(w, 4) ? 0 : below(w, 3) * 0x1000);
}

static void lines(struct worker *w, unsigned long cmd, void *data)
{
	struct kvmx_irq_level *line = data;
	struct kvmx_irqfd *irqfd = data;
	struct kvmx_ioeventfd *ioeventfd = data;

	memset(data, 0, 64);
	if (cmd == KVMX_IRQ_LINE) {
		line->irq = below(w, 4) << 24 | below(w, 3) << 16 | below(w, 300);
		line->level = below(w, 2);
	} else if (cmd == KVMX_IRQFD) {
		irqfd->fd = w->event;
		irqfd->gsi = below(w, 8) ? below(w, 300) : next(w);
		irqfd->flags = below(w, 3);
	} else {
		ioeventfd->fd = w->event;
		ioeventfd->addr = DEVICE + below(w, 4) * 4;
		ioeventfd->len = below(w, 10);
		ioeventfd->flags = below(w, 8);
	}
}

static void init(struct worker *w, void *data)
{
	struct kvmx_vcpu_init *i = data;

	memset(i, 0, sizeof(*i));
	i->target = below(w, 8) ? KVMX_ARM_TARGET_GENERIC_V8 : next(w);
	i->features[0] = below(w, 4) ? 1 << KVMX_ARM_VCPU_PSCI_0_2 : below(w, 32);
	i->features[1] = !below(w, 20);
}

static void log_of(struct worker *w, void *data)
{
	struct kvmx_dirty_log *log = data;

	memset(log, 0, sizeof(*log));
	log->slot = below(w, 5);
	log->dirty_bitmap = &w->payload[64];
}

/* What a random choice of an ioctl is made with: on which file, and with what. */
static unsigned long choose(struct worker *w, enum scope *scope)
{
	static const struct {
		unsigned long cmd;
		enum scope scope;
		void (*fill)(struct worker *w, void *data);
	} choices[] = {
		{ KVMX_GET_ONE_REG, VCPU_FILE, one_reg }, { KVMX_SET_ONE_REG, VCPU_FILE, one_reg },
		{ KVMX_SET_ONE_REG, VCPU_FILE, one_reg }, { KVMX_ARM_VCPU_INIT, VCPU_FILE, init },
		{ KVMX_SET_DEVICE_ATTR, GIC_FILE, attribute },
		{ KVMX_GET_DEVICE_ATTR, GIC_FILE, attribute },
		{ KVMX_HAS_DEVICE_ATTR, GIC_FILE, attribute },
		{ KVMX_SET_DEVICE_ATTR, ITS_FILE, its_attribute },
		{ KVMX_SET_DEVICE_ATTR, ITS_FILE, its_attribute },
		{ KVMX_GET_DEVICE_ATTR, ITS_FILE, its_attribute },
		{ KVMX_SIGNAL_MSI, VM_FILE, message },
		{ KVMX_SET_USER_MEMORY_REGION, VM_FILE, region },
		{ KVMX_GET_DIRTY_LOG, VM_FILE, log_of },
		{ KVMX_IRQ_LINE, VM_FILE, NULL }, { KVMX_IRQFD, VM_FILE, NULL },
		{ KVMX_IOEVENTFD, VM_FILE, NULL },
	};
	unsigned int i = below(w, sizeof(choices) / sizeof(choices[0]));

	*scope = choices[i].scope;
	if (choices[i].fill)
		choices[i].fill(w, w->payload);
	else
		lines(w, choices[i].cmd, w->payload);
	return choices[i].cmd;
}

/*
 * Any ioctl with any payload, but for memory, which guests would write to, and the signals
 * that end a run.
 */
static unsigned long choose_any(struct worker *w, enum scope *scope)
{
	unsigned long cmd;
	unsigned int i;

	do
		cmd = ioctl_numbers[below(w, nr_ioctl_numbers)].cmd;
	while (cmd == KVMX_SET_USER_MEMORY_REGION || cmd == KVMX_SET_USER_MEMORY_REGION2 ||
	       cmd == KVMX_RUN || cmd == KVMX_SET_SIGNAL_MASK);
	*scope = below(w, SCOPES);
	for (i = 0; i < 64; i++)
		w->payload[i] = below(w, 2) ? below(w, 16) : next(w);
	return cmd;
}

static void run(struct worker *w)
{
	uint32_t *word = (uint32_t *)arena;
	struct kvmx_one_reg pc = { .id = CORE_REG(regs.pc), .addr = (uintptr_t)&w->payload[0] };
	unsigned int i;

	for (i = 0; i < 256; i++)
		word[below(w, 4096)] = next(w) >> 32;
	w->payload[0] = below(w, 4096) * 4;
	ioctl(w->t->fd[VCPU_FILE], KVMX_SET_ONE_REG, &pc);
	ioctl(w->t->fd[VCPU_FILE], KVMX_RUN, 0);
	w->runs++;
}

static void *work(void *opaque)
{
	struct worker *w = opaque;
	unsigned long cmd;
	enum scope scope;
	int result;

	for (; w->todo; w->todo--) {
		if (!below(w, 6)) {
			run(w);
			continue;
		}
		w->payload[64] = below(w, 2) ? next(w) : below(w, 64);
		cmd = below(w, 3) ? choose(w, &scope) : choose_any(w, &scope);
		result = ioctl(w->t->fd[scope], cmd, w->payload);
		if (result < 0 && !is_sane(errno)) {
			printf("ioctl 0x%lx: %s\n", cmd, strerror(errno));
			w->insane++;
		}
		if (makes_file(cmd) && result > 2)
			close(result);
	}
	return NULL;
}

static void nothing(int signal)
{
}

/* Until all are done: what runs a guest, or waits for the one that does, is interrupted. */
static void interrupt(struct worker *w)
{
	unsigned int i, alive;

	do {
		usleep(TICK_US);
		for (i = 0, alive = 0; i < THREADS; i++) {
			if (!__atomic_load_n(&w[i].todo, __ATOMIC_RELAXED))
				continue;
			alive++;
			pthread_kill(w[i].thread, SIGUSR1);
		}
	} while (alive);
}

void test_random(unsigned long count, uint64_t seed)
{
	static struct worker w[THREADS];
	struct sigaction action = { .sa_handler = nothing };
	unsigned long done, insane = 0, runs = 0;
	unsigned int i;

	printf("seed %llu\n", (unsigned long long)seed);
	sigaction(SIGUSR1, &action, NULL);
	for (done = 0; done < count; done += PER_VM) {
		struct target t = target_make();

		t.run->immediate_exit = 0;
		for (i = 0; i < THREADS; i++) {
			w[i].random = (seed + done + i) * 0x9e3779b97f4a7c15ull | 1;
			w[i].todo = PER_VM / THREADS;
			w[i].t = &t;
			w[i].event = must(eventfd(0, EFD_NONBLOCK), "eventfd");
			must(-pthread_create(&w[i].thread, NULL, work, &w[i]), "thread");
		}
		interrupt(w);
		for (i = 0; i < THREADS; i++) {
			pthread_join(w[i].thread, NULL);
			close(w[i].event);
		}
		target_end(&t);
	}
	for (i = 0; i < THREADS; i++) {
		insane += w[i].insane;
		runs += w[i].runs;
	}
	printf("%lu random ioctls, %lu of them runs\n", done, runs);
	check(!insane && runs > done / 20, "random ioctls from several threads");
}
