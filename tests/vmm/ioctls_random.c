// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random ioctls with payloads that make half sense, from several threads on
 * one VM, whose guest runs random bytes; its memory changes under it and VMs
 * come and go. Nothing is expected but that the kernel stays well, that every
 * ioctl returns, and that the answers are errnos of a sane set.
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
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ioctls.h"

#define THREADS		4
#define PER_VM		1000		/* ioctls on one VM, all threads together */
#define PAYLOAD_MAX	(64 << 10)
#define TICK_NS		3000000		/* a guest is interrupted this often */
#define ERRNO_MAX	160

#define MSR_EFER	0xc0000080
#define EFER_LME	(1u << 8)
#define CR4_PAE		(1u << 5)

struct worker {
	pthread_t thread;
	uint64_t random;
	unsigned long todo, done, runs;
	unsigned long answers[ERRNO_MAX];
	const struct test_vm *t;
	const int *eventfds;
	uint8_t *payload;
};

static uint64_t next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

static uint64_t below(struct worker *w, uint64_t n)
{
	return (next(&w->random) >> 16) % n;
}

static uint64_t pick(struct worker *w, const uint64_t *from, size_t n)
{
	return from[below(w, n)];
}
#define PICK(w, ...) \
	pick(w, (const uint64_t[]){ __VA_ARGS__ }, \
	     sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void fill(struct worker *w, void *data, size_t size)
{
	uint8_t *byte = data;

	while (size--)
		*byte++ = next(&w->random) >> 32;
}

static const unsigned long pairs[][2] = {	/* SET, and its GET */
	{ KVMX_SET_REGS, KVMX_GET_REGS }, { KVMX_SET_SREGS, KVMX_GET_SREGS },
	{ KVMX_SET_SREGS2, KVMX_GET_SREGS2 }, { KVMX_SET_FPU, KVMX_GET_FPU },
	{ KVMX_SET_LAPIC, KVMX_GET_LAPIC }, { KVMX_SET_VCPU_EVENTS, KVMX_GET_VCPU_EVENTS },
	{ KVMX_SET_DEBUGREGS, KVMX_GET_DEBUGREGS }, { KVMX_SET_XSAVE, KVMX_GET_XSAVE },
	{ KVMX_SET_XCRS, KVMX_GET_XCRS }, { KVMX_SET_MP_STATE, KVMX_GET_MP_STATE },
	{ KVMX_SET_PIT2, KVMX_GET_PIT2 }, { KVMX_SET_CLOCK, KVMX_GET_CLOCK },
	{ KVMX_SET_IRQCHIP, KVMX_GET_IRQCHIP },
};

/* Segments, control registers and page tables of a guest that can run for a while. */
static void sane_sregs(struct worker *w, struct kvmx_sregs *s)
{
	bool wide = below(w, 2), protected = wide || below(w, 2);
	struct kvmx_segment code = {
		.limit = protected ? 0xffffffff : 0xffff, .selector = protected ? 8 : 0,
		.type = 11, .present = 1, .db = protected && !wide, .s = 1, .l = wide, .g = protected,
	}, data = code;

	if (ioctl(w->t->cpu, KVMX_GET_SREGS, s))
		memset(s, 0, sizeof(*s));
	data.type = 3;
	data.l = 0;
	s->cs = code;
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->cr0 = wide ? 0x80000011 : protected ? 0x11 : 0x10;
	s->cr4 = wide ? 0x6b0 : 0x600;
	s->cr3 = 0x10000;
	s->efer = wide ? 0xd01 : 0;
	s->cr8 = 0;
	if (below(w, 3) == 0)
		s->idt.limit = 0;
}

/*
 * QEMU's CPU, when it leaves a guest that has EFER.LME and not CR4.PAE, forgets
 * to switch the host's paging on again, whoever runs the guest.
 */
static void tame_sregs(struct kvmx_sregs *s)
{
	if (s->efer & EFER_LME)
		s->cr4 |= CR4_PAE;
}

static void payload_memory(struct worker *w, void *data)
{
	struct kvmx_userspace_memory_region *r = data;

	memset(data, 0, sizeof(struct kvmx_userspace_memory_region2));
	r->slot = below(w, 16) ? below(w, 6) : next(&w->random);
	r->flags = below(w, 8) ? below(w, 4) : next(&w->random);
	r->guest_phys_addr = PICK(w, 0, 0x1000, 0x100000, 0x200000, 0x10000000, 0xfee00000,
				  0xfffff000, 1ull << 39, ~0xfffull, 0x123);
	/* A guest may write wherever a slot leads: only to what is meant for it. */
	r->memory_size = PICK(w, 0, 0x1000, 0x3000, 0x100000, 0x200000, 0x200000, 0x200000,
			      1ull << 48, 1ull << 63, 0x1001);
	r->userspace_addr = (uintptr_t)memory +
		PICK(w, 0, 0, 0, 0x1000, 0x200000, MEM_SIZE, 2 * MEM_SIZE, MEM_SIZE - 0x1000, 1);
}

static void payload_msrs(struct worker *w, void *data)
{
	struct kvmx_msrs *m = data;
	unsigned int i;

	m->nmsrs = below(w, 12) ? 1 + below(w, 20) : (uint32_t)next(&w->random);
	for (i = 0; i < 20; i++) {
		struct kvmx_msr_entry *e = &m->entries[i];

		e->index = PICK(w, 0x10, 0x1b, 0x174, 0x175, 0x176, 0x277, 0x2ff, 0x3a, 0x179, 0x17a,
				0x1a0, 0x1d9, 0x200, 0x250, 0x400, 0x6e0, 0x808, 0x80b, 0x830, 0x83f,
				0xda0, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100,
				0xc0000101, 0xc0000102, 0xc0000103, 0xc0010015, 0xc001001f,
				0xc0010114, 0xc0010117, 0x11, 0x12, 0x4b564d00, 0x4b564d01,
				0x4b564d02, 0x4b564d03, 0x4b564d04, 0x3b, 0x48, 0x49, next(&w->random));
		e->data = PICK(w, 0, 1, 0xd01, 0x0007040600070406, 0xfee00900, 0xfee00d00, 0x3001,
			       1000, ~0ull, 1ull << below(w, 64), next(&w->random));
		if (e->index == MSR_EFER)
			e->data &= ~(uint64_t)EFER_LME;	/* as in tame_sregs() */
	}
}

static void payload_routing(struct worker *w, void *data)
{
	struct kvmx_irq_routing *r = data;
	unsigned int i;

	memset(data, 0, sizeof(*r) + 40 * sizeof(r->entries[0]));
	r->nr = below(w, 12) ? below(w, 40) : (uint32_t)next(&w->random);
	for (i = 0; i < 40; i++) {
		struct kvmx_irq_routing_entry *e = &r->entries[i];

		e->gsi = below(w, 20) ? i % 32 : below(w, 5000);
		e->type = 1 + below(w, 2);
		if (!below(w, 50))
			e->type = next(&w->random);
		if (e->type == KVMX_IRQ_ROUTING_MSI) {
			e->u.msi.address_lo = 0xfee00000 | (below(w, 4) << 12);
			e->u.msi.data = below(w, 0x800);
		} else {
			e->u.irqchip.irqchip = below(w, 30) ? 2 : below(w, 5);
			e->u.irqchip.pin = below(w, 30) ? below(w, 24) : below(w, 40);
		}
	}
}

static int some_fd(struct worker *w)
{
	switch (below(w, 8)) {
	case 0:
		return -1;
	case 1:
		return w->t->vm;
	case 2:
		return w->t->cpu;
	default:
		return w->eventfds[below(w, 4)];
	}
}

static void payload_eventfd(struct worker *w, unsigned long cmd, void *data)
{
	struct kvmx_ioeventfd *io = data;
	struct kvmx_irqfd *irq = data;

	memset(data, 0, 64);
	if (cmd == KVMX_IRQFD) {
		irq->fd = some_fd(w);
		irq->resamplefd = some_fd(w);
		irq->gsi = below(w, 10) ? below(w, 24) : next(&w->random);
		irq->flags = below(w, 10) ? below(w, 4) : next(&w->random);
		return;
	}
	io->fd = some_fd(w);
	io->addr = below(w, 10) ? below(w, 4) * 0x80 : next(&w->random);
	io->len = PICK(w, 0, 1, 2, 4, 8, 3, 1u << 31);
	io->flags = below(w, 10) ? below(w, 8) : next(&w->random);
	io->datamatch = below(w, 2);
}

/* The masks that a guest runs under must let the ticks through, or it never ends. */
static void payload_mask(struct worker *w, void *data)
{
	struct kvmx_signal_mask *mask = data;

	mask->len = below(w, 8) ? 8 : next(&w->random);
	fill(w, mask->sigset, 8);
	mask->sigset[(SIGALRM - 1) / 8] &= ~(1 << (SIGALRM - 1) % 8);
}

static void payload_cpuid(struct worker *w, void *data)
{
	struct kvmx_cpuid2 *c = data;
	unsigned int i;

	c->nent = 256;
	if (ioctl(dev, KVMX_GET_SUPPORTED_CPUID, c))
		c->nent = 0;
	for (i = below(w, 4); i && c->nent; i--)
		fill(w, (uint8_t *)c->entries + below(w, c->nent * sizeof(c->entries[0])), 1);
	if (!below(w, 8))
		c->nent = PICK(w, 0, 1, 5, 257, 0xffffffff);
}

static void payload_any(struct worker *w, unsigned long cmd, uint8_t *data)
{
	size_t size = _IOC_SIZE(cmd), i;
	int fd = w->t->cpu;

	size = size > PAYLOAD_MAX ? PAYLOAD_MAX : size;
	memset(data, 0, PAYLOAD_MAX / 16);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && pairs[i][0] != cmd; i++)
		;
	if (i < sizeof(pairs) / sizeof(pairs[0])) {
		if (cmd == KVMX_SET_PIT2 || cmd == KVMX_SET_CLOCK || cmd == KVMX_SET_IRQCHIP) {
			fd = w->t->vm;
			*(uint32_t *)data = below(w, 4);
		}
		ioctl(fd, pairs[i][1], data);
		for (i = below(w, 6); i && size; i--)
			data[below(w, size)] ^= 1 << below(w, 8);
	} else if (below(w, 2)) {
		fill(w, data, size < 8 ? 8 : size);
	} else {
		for (i = below(w, 8); i && size; i--)
			data[below(w, size)] = below(w, 256);
	}
}

static void payload(struct worker *w, unsigned long cmd)
{
	static char bitmap[1 << 16];
	void *data = w->payload;
	struct kvmx_regs *regs = data;

	switch (cmd) {
	case KVMX_SET_USER_MEMORY_REGION:
	case KVMX_SET_USER_MEMORY_REGION2:
		return payload_memory(w, data);
	case KVMX_GET_MSRS:
	case KVMX_SET_MSRS:
		return payload_msrs(w, data);
	case KVMX_SET_GSI_ROUTING:
		return payload_routing(w, data);
	case KVMX_IRQFD:
	case KVMX_IOEVENTFD:
		return payload_eventfd(w, cmd, data);
	case KVMX_SET_SIGNAL_MASK:
		return payload_mask(w, data);
	case KVMX_SET_CPUID2:
		return payload_cpuid(w, data);
	}
	payload_any(w, cmd, data);
	switch (cmd) {
	case KVMX_SET_SREGS:
	case KVMX_SET_SREGS2:	/* begins the same */
		if (cmd == KVMX_SET_SREGS && below(w, 3))
			sane_sregs(w, data);
		tame_sregs(data);
		break;
	case KVMX_SET_REGS:
		if (below(w, 3)) {
			regs->rip = below(w, 0x8000);
			regs->rsp = 0x8000;
			regs->rflags = 2 | (below(w, 2) << 9) | (below(w, 8) ? 0 : 1 << 8);
		}
		break;
	case KVMX_GET_DIRTY_LOG:
	case KVMX_CLEAR_DIRTY_LOG:
		/* The bitmap's place is written to: it must be ours. */
		memset(data, 0, 64);
		((struct kvmx_dirty_log *)data)->slot = below(w, 8);
		if (cmd == KVMX_GET_DIRTY_LOG)
			((struct kvmx_dirty_log *)data)->dirty_bitmap = below(w, 8) ? bitmap : hole;
		else
			((struct kvmx_clear_dirty_log *)data)->dirty_bitmap = bitmap;
		break;
	case KVMX_ENABLE_CAP:
		if (below(w, 8)) {
			struct kvmx_enable_cap *c = data;

			memset(c, 0, sizeof(*c));
			c->cap = PICK(w, KVMX_CAP_SPLIT_IRQCHIP, KVMX_CAP_X2APIC_API,
				      KVMX_CAP_EXCEPTION_PAYLOAD, KVMX_CAP_X86_TRIPLE_FAULT_EVENT,
				      KVMX_CAP_DISABLE_QUIRKS, KVMX_CAP_DISABLE_QUIRKS2,
				      KVMX_CAP_HALT_POLL, below(w, 250));
			c->args[0] = PICK(w, 0, 1, 2, 24, 100000, next(&w->random));
		}
		break;
	/* These take pointers to lists that they write, or are handed to a security processor. */
	case KVMX_SET_CPUID:
	case KVMX_GET_CPUID2:
	case KVMX_GET_SUPPORTED_CPUID:
	case KVMX_GET_MSR_INDEX_LIST:
	case KVMX_GET_MSR_FEATURE_INDEX_LIST:
	case KVMX_GET_EMULATED_CPUID:
	case KVMX_GET_SUPPORTED_HV_CPUID:
	case KVMX_GET_REG_LIST:
		*(uint64_t *)data = below(w, 8) ? below(w, 260) : next(&w->random);
		break;
	}
}

/* Those that change most are asked most. */
static unsigned long some_cmd(struct worker *w)
{
	if (below(w, 4) == 0)
		return ioctl_numbers[below(w, nr_ioctl_numbers)].cmd;
	return PICK(w, KVMX_SET_USER_MEMORY_REGION, KVMX_SET_REGS, KVMX_SET_REGS, KVMX_SET_SREGS,
		    KVMX_SET_SREGS, KVMX_SET_MSRS, KVMX_GET_MSRS, KVMX_SET_GSI_ROUTING, KVMX_IRQFD,
		    KVMX_IOEVENTFD, KVMX_SET_VCPU_EVENTS, KVMX_SET_LAPIC, KVMX_SET_MP_STATE,
		    KVMX_IRQ_LINE, KVMX_SIGNAL_MSI, KVMX_SET_IRQCHIP, KVMX_SET_PIT2, KVMX_NMI,
		    KVMX_INTERRUPT, KVMX_SET_XCRS, KVMX_SET_XSAVE, KVMX_SET_DEBUGREGS,
		    KVMX_SET_CLOCK, KVMX_SET_CPUID2, KVMX_ENABLE_CAP, KVMX_GET_DIRTY_LOG,
		    KVMX_SET_TSC_KHZ, KVMX_TRANSLATE, KVMX_SET_GUEST_DEBUG);
}

static void count_answer(struct worker *w, int result)
{
	int err = result < 0 ? errno : 0;

	w->done++;
	w->answers[err < ERRNO_MAX ? err : ERRNO_MAX - 1]++;
}

static void run(struct worker *w)
{
	struct kvmx_run *page = w->t->run;
	int i;

	if (!below(w, 6))
		fill(w, (uint8_t *)page + below(w, RUN_SIZE - 16), 1 + below(w, 16));
	page->kvmx_valid_regs = page->kvmx_dirty_regs = 0;
	page->request_interrupt_window = below(w, 2);
	page->immediate_exit = !below(w, 5);
	for (i = 1 + below(w, 8); i && w->done < w->todo; i--) {
		count_answer(w, ioctl(w->t->cpu, KVMX_RUN, below(w, 40) ? 0 : 1));
		w->runs++;
	}
}

/* The memory under the guest goes, comes back as zeros, and gets new bytes. */
static void change_memory(struct worker *w)
{
	size_t at = below(w, MEM_SIZE / 4096) * 4096, size = 4096 << below(w, 9);

	if (at + size > MEM_SIZE)
		size = MEM_SIZE - at;
	madvise(memory + at, size, below(w, 2) ? MADV_DONTNEED : MADV_PAGEOUT);
	if (at >= 0x14000)
		fill(w, memory + at, 64);
	fill(w, memory + 0x1000 + below(w, 0x7000), 256);
}

/* A VM of its own, ended in one order or the other. */
static void come_and_go(struct worker *w)
{
	int with = below(w, 16) | WITH_MEMORY;
	struct test_vm t;
	int result;

	if ((with & WITH_PIT) && !(with & WITH_IRQCHIP))
		with &= ~WITH_PIT;
	t = test_vm_make(with);
	count_answer(w, t.vm);
	if (t.cpu >= 0) {
		result = ioctl(t.cpu, KVMX_RUN, 0);
		count_answer(w, result);
	}
	if (below(w, 2)) {
		close(t.vm);
		t.vm = -1;
	}
	test_vm_end(&t);
}

static void one(struct worker *w)
{
	unsigned long cmd = some_cmd(w);
	void *arg = w->payload;
	int fd, result;

	payload(w, cmd);
	fd = below(w, 10) ? (below(w, 3) ? w->t->cpu : w->t->vm) : dev;
	/* Mostly on the file that has it, which the number does not tell; both are tried. */
	if (!_IOC_SIZE(cmd))
		arg = (void *)PICK(w, 0, 0, 1, 2, 1000000, next(&w->random) >> 32, next(&w->random));
	if (cmd == KVMX_RUN)
		return run(w);
	if (cmd == KVMX_MEMORY_ENCRYPT_OP || cmd == KVMX_REINJECT_CONTROL)
		arg = w->payload;
	result = ioctl(fd, cmd, arg);
	if (result < 0 && (errno == ENOTTY || errno == EINVAL) && fd != dev)
		result = ioctl(fd == w->t->cpu ? w->t->vm : w->t->cpu, cmd, arg);
	count_answer(w, result);
	if (result > 2 && makes_file(cmd))
		close(result);
}

static timer_t tick_start(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	struct itimerspec every = { { 0, TICK_NS }, { 0, TICK_NS } };
	timer_t timer;

	event._sigev_un._tid = syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &every, NULL)) {
		perror("timer");
		exit(1);
	}
	return timer;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	timer_t timer = tick_start();

	while (w->done < w->todo) {
		switch (below(w, 40)) {
		case 0: case 1: case 2: case 3:
			run(w);
			break;
		case 4:
			change_memory(w);
			break;
		case 5:
			come_and_go(w);
			break;
		case 6:
			eventfd_write(w->eventfds[below(w, 4)], 1);
			break;
		default:
			one(w);
		}
	}
	timer_delete(timer);
	return NULL;
}

static void tick(int signal)
{
	(void)signal;
}

/* Long mode's page tables at 0x10000: the first GiB as it is. The rest is noise. */
static void fill_memory(uint64_t *seed)
{
	uint64_t *word = (uint64_t *)memory, i;

	for (i = 0; i < MEM_SIZE / 8; i++)
		word[i] = next(seed);
	memset(memory + 0x10000, 0, 0x2000);
	word[0x10000 / 8] = 0x11007;
	word[0x11000 / 8] = 0x12007;
	for (i = 0; i < 512; i++)
		word[0x12000 / 8 + i] = i << 21 | 0x87;
}

static void one_vm(struct worker *workers, uint64_t *seed)
{
	static const int kinds[] = {
		WITH_ALL, WITH_ALL, WITH_CPU | WITH_MEMORY, WITH_CPU | WITH_MEMORY | WITH_SPLIT,
	};
	struct test_vm t = test_vm_make(kinds[next(seed) >> 32 & 3]);
	int eventfds[4], i;

	for (i = 0; i < 4; i++)
		eventfds[i] = eventfd(0, EFD_NONBLOCK);
	fill_memory(seed);
	for (i = 0; i < THREADS; i++) {
		workers[i].t = &t;
		workers[i].eventfds = eventfds;
		workers[i].random = next(seed) | 1;
		workers[i].todo = workers[i].done + PER_VM / THREADS;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	/* Bound eventfds go before the VM, or with it. */
	if (next(seed) >> 32 & 1)
		test_vm_end(&t);
	for (i = 0; i < 4; i++)
		close(eventfds[i]);
	if (t.vm >= 0)
		test_vm_end(&t);
}

void test_random(uint64_t seed, unsigned long count)
{
	struct sigaction quiet = { .sa_handler = tick };
	struct worker workers[THREADS] = { 0 };
	unsigned long done = 0, runs = 0, odd = 0, sum;
	uint64_t state = seed | 1;
	int i, err;

	note("seed %#llx", (unsigned long long)seed);
	sigaction(SIGALRM, &quiet, NULL);
	for (i = 0; i < THREADS; i++)
		workers[i].payload = calloc(1, PAYLOAD_MAX);
	while (done < count) {
		one_vm(workers, &state);
		for (done = 0, i = 0; i < THREADS; i++)
			done += workers[i].done;
	}
	for (err = 0; err < ERRNO_MAX; err++) {
		for (sum = 0, i = 0; i < THREADS; i++)
			sum += workers[i].answers[err];
		if (sum)
			note("%s: %lu", err ? strerrorname_np(err) : "success", sum);
		if (!is_sane_errno(err))
			odd += sum;
	}
	for (i = 0; i < THREADS; i++) {
		runs += workers[i].runs;
		free(workers[i].payload);
	}
	check(!odd, "no odd answers to random ioctls");
	check(runs > count / 20, "guests ran between them (%lu times)", runs);
	printf("figure: random ioctls on the device = %lu\n", done);
}
