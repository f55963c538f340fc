// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs guest programs (tests/guest/programs) on any device that speaks the ABI,
 * each in a process of its own, and tells what each found. It is the programs'
 * VMM: memory, vCPU threads, two test devices, and the calls of protocol.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <kvmx.h>
#include "protocol.h"

#define MAX_VCPUS	4
#define RESET_PAGE	0xfffff000ul
#define EXIT_SKIPPED	77

/* The state to go back to, and what made it necessary. */
struct attack {
	volatile bool on;
	volatile unsigned long long deadline;	/* ns */
	unsigned int call_address;
	unsigned long long ended_by;
	struct kvmx_regs regs;
	struct kvmx_sregs sregs;
	struct kvmx_debugregs debugregs;
	struct kvmx_vcpu_events events;
};

struct vcpu {
	struct kvmx_vcpu *handle;
	pthread_t thread;
	unsigned int index;
	unsigned long exits[64], all_exits;
	unsigned long long last_rip;
	int last_state;
	int stopped;
	volatile int pending_vector;	/* without an irqchip; -1: none */
	volatile int pending_nmi;
	int expect_reason, expect_then;
	struct attack attack;
};

struct access {
	unsigned long long address, value;
	unsigned int flags, vcpu;
};

struct slot {
	unsigned long long address, length;
	void *host;
};

static const char *name;
static struct kvmx *device;
static unsigned char *reset_page;
static struct kvmx_vm *vm;
static struct vcpu vcpus[MAX_VCPUS];
static unsigned int vcpu_count;
static struct program_header header;
static unsigned char *memory;
static unsigned long memory_size;
static unsigned char mmio[MMIO_SIZE], ports[PORT_ECHO_COUNT];
static unsigned int counter;
static struct slot slots[32];
static struct access accesses[4096];
static unsigned int access_count;
static char text[4096];
static size_t text_length;
static volatile int stopping;
static volatile int kick_interval;
static unsigned long long started;	/* ns */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* ---- Verdict ---- */

static void finish(int status, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));

static void finish(int status, const char *what, const char *format, ...)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	va_list args;

	pthread_mutex_lock(&once);	/* never released: the first verdict counts */
	va_start(args, format);
	printf("%s %s", what, name);
	vprintf(format, args);
	printf(" [%.1f s]\n", (now_ns() - started) / 1e9);
	va_end(args);
	fflush(stdout);
	_exit(status);
}

#define DIE(...) finish(1, "not ok", ": " __VA_ARGS__)

static void must(int error, const char *what)
{
	if (error < 0)
		DIE("%s: %s", what, strerror(-error));
}

static int vm_ioctl(unsigned long command, void *argument)
{
	int ret = ioctl(kvmx_vm_fd(vm), command, argument);

	return ret < 0 ? -errno : ret;
}

static int vcpu_ioctl(struct vcpu *v, unsigned long command, void *argument)
{
	int ret = ioctl(kvmx_vcpu_fd(v->handle), command, argument);

	return ret < 0 ? -errno : ret;
}

static void sleep_for_ms(unsigned long long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* ---- State out and in ---- */

/*
 * VT-x wants segments in use to be marked as accessed, and in-tree KVM marks those
 * that are not in use, too.
 */
static void mark_accessed(void *state)
{
	struct kvmx_sregs *sregs = state;
	struct kvmx_segment *seg[] = { &sregs->cs, &sregs->ds, &sregs->es, &sregs->fs, &sregs->gs,
				       &sregs->ss };

	for (unsigned int i = 0; i < sizeof(seg) / sizeof(seg[0]); i++)
		seg[i]->type |= 1;
}

/* KVMX_GET_X and KVMX_SET_X of one structure; scrambled in between where that is harmless. */
static void trip(struct vcpu *v, const char *what, unsigned long get, unsigned long set,
		 void *state, size_t length, bool scramble)
{
	unsigned char other[8192];

	if (length > sizeof(other))
		DIE("%s is too large", what);
	memset(state, 0, length);
	must(vcpu_ioctl(v, get, state), what);
	if (scramble) {
		memcpy(other, state, length);
		memset(other, 0x15, length < 64 ? length : 64);
		vcpu_ioctl(v, set, other);
	}
	must(vcpu_ioctl(v, set, state), what);
	memset(other, 0, length);
	must(vcpu_ioctl(v, get, other), what);
	if (set == KVMX_SET_SREGS) {
		mark_accessed(state);
		mark_accessed(other);
	}
	if (memcmp(other, state, length)) {
		size_t at = 0;

		while (other[at] == ((unsigned char *)state)[at])
			at++;
		/* A timer runs on. */
		if (set != KVMX_SET_LAPIC || at < 0x390 || at > 0x393)
			DIE("state of %s differs after GET, SET, GET at offset %zu: %#x, was %#x", what,
			    at, other[at], ((unsigned char *)state)[at]);
	}
}

static void trip_msrs(struct vcpu *v)
{
	struct kvmx_msr_list *list;
	struct { struct kvmx_msrs head; struct kvmx_msr_entry entry; } one, again;

	must(kvmx_msr_index_list(device, &list), "MSR list");
	for (unsigned int i = 0; i < list->nmsrs; i++) {
		memset(&one, 0, sizeof(one));
		one.head.nmsrs = 1;
		one.entry.index = list->indices[i];
		/* One that this vCPU's CPUID does not offer may be refused. */
		if (vcpu_ioctl(v, KVMX_GET_MSRS, &one) != 1 || one.entry.index == 0x10)
			continue;
		if (vcpu_ioctl(v, KVMX_SET_MSRS, &one) != 1)
			DIE("MSR %#x: its own value %#llx is refused", one.entry.index,
			    (unsigned long long)one.entry.data);
		again = one;
		if (vcpu_ioctl(v, KVMX_GET_MSRS, &again) != 1)
			DIE("MSR %#x cannot be read again", one.entry.index);
		/* Hyper-V's run time and clock. */
		if (again.entry.data != one.entry.data && one.entry.index != 0x40000010 &&
		    one.entry.index != 0x40000020)
			DIE("MSR %#x reads %#llx after %#llx was set", one.entry.index,
			    (unsigned long long)again.entry.data,
			    (unsigned long long)one.entry.data);
	}
	free(list);
}

static void round_trip(struct vcpu *v)
{
	static union {
		struct kvmx_regs regs;
		struct kvmx_sregs sregs;
		struct kvmx_fpu fpu;
		struct kvmx_xsave xsave;
		struct kvmx_xcrs xcrs;
		struct kvmx_lapic_state lapic;
		struct kvmx_mp_state mp_state;
		struct kvmx_vcpu_events events;
		struct kvmx_debugregs debugregs;
	} u;

#define TRIP(name, member, scramble) trip(v, #name, KVMX_GET_##name, KVMX_SET_##name, &u, \
					  sizeof(u.member), scramble)
	TRIP(SREGS, sregs, false);
	TRIP(REGS, regs, true);
	TRIP(FPU, fpu, true);
	if (kvmx_check_extension(device, KVMX_CAP_XSAVE))
		TRIP(XSAVE, xsave, false);
	if (kvmx_check_extension(device, KVMX_CAP_XCRS))
		TRIP(XCRS, xcrs, false);
	TRIP(DEBUGREGS, debugregs, true);
	TRIP(MP_STATE, mp_state, false);
	trip_msrs(v);
	if (!(header.flags & PROGRAM_NO_IRQCHIP))
		TRIP(LAPIC, lapic, false);
	TRIP(VCPU_EVENTS, events, false);

	if (!(header.flags & (PROGRAM_NO_IRQCHIP | PROGRAM_SPLIT))) {
		struct kvmx_irqchip chip;
		struct kvmx_pit_state2 pit;

		for (unsigned int i = 0; i < 3; i++) {
			memset(&chip, 0, sizeof(chip));
			chip.chip_id = i;
			must(vm_ioctl(KVMX_GET_IRQCHIP, &chip), "GET_IRQCHIP");
			must(vm_ioctl(KVMX_SET_IRQCHIP, &chip), "SET_IRQCHIP");
		}
		must(vm_ioctl(KVMX_GET_PIT2, &pit), "GET_PIT2");
		must(vm_ioctl(KVMX_SET_PIT2, &pit), "SET_PIT2");
	}
}

/* ---- The programs' calls ---- */

static int xcr0_set(struct vcpu *v, unsigned long long value)
{
	struct kvmx_xcrs xcrs;

	must(vcpu_ioctl(v, KVMX_GET_XCRS, &xcrs), "GET_XCRS");
	xcrs.xcrs[0].value = value;
	return vcpu_ioctl(v, KVMX_SET_XCRS, &xcrs);
}

static struct slot *slot_find(unsigned long long address)
{
	for (unsigned int i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (slots[i].length && slots[i].address == address)
			return &slots[i];
	return NULL;
}

static int slot_make(struct host_call *c)
{
	struct kvmx_memory_config config = { .size = sizeof(config) };
	struct slot *s = NULL;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (!slots[i].length) {
			s = &slots[i];
			break;
		}
	if (!s)
		return -ENOSPC;
	if (c->d && (c->b > memory_size || c->d > memory_size - c->b))
		return -EINVAL;
	s->host = mmap(NULL, c->b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->host == MAP_FAILED)
		return -errno;
	if (c->d)
		memcpy(s->host, memory + c->d, c->b);
	config.slot = 8 + i;
	config.flags = c->c;
	config.guest_address = c->a;
	config.length = c->b;
	config.host = s->host;
	ret = kvmx_vm_memory_add(vm, &config, NULL);
	if (ret < 0)
		return ret;
	s->address = c->a;
	s->length = c->b;
	return 0;
}

static int dirty(struct host_call *c)
{
	static uint64_t bitmap[4096];
	unsigned long page = c->a / 4096;
	int ret;

	ret = kvmx_vm_memory_dirty(vm, 0, bitmap, 4096);
	if (ret < 0)
		return ret;
	c->b = 0;
	for (unsigned int i = 0; i < 64 && page + i < memory_size / 4096; i++)
		c->b |= (bitmap[(page + i) / 64] >> (page + i) % 64 & 1) << i;
	return 0;
}

static void *kicker(void *unused)
{
	(void)unused;
	while (kick_interval) {
		struct timespec t = { 0, kick_interval * 1000l };

		nanosleep(&t, NULL);
		for (unsigned int i = 0; i < vcpu_count; i++)
			kvmx_vcpu_kick(vcpus[i].handle);
	}
	return NULL;
}

/* Kicks vCPUs whose attack lasts too long. */
static void *watchdog(void *unused)
{
	(void)unused;
	for (;;) {
		sleep_for_ms(2);
		for (unsigned int i = 0; i < vcpu_count; i++)
			if (vcpus[i].attack.on && now_ns() > vcpus[i].attack.deadline)
				kvmx_vcpu_kick(vcpus[i].handle);
	}
	return NULL;
}

static void watchdog_start(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, watchdog, NULL))
		DIE("no thread");
}

/* Where INIT leads: to the program's start, or in an attack to its end. */
static void reset_to(bool peace)
{
	static const unsigned char jump[] = { 0xea, IMAGE_ADDRESS & 0xff, IMAGE_ADDRESS >> 8, 0, 0 };
	static const unsigned char out[] = { 0xe6, PORT_PEACE, 0xf4, 0xeb, 0xfd };

	memcpy(reset_page + 0xff0, peace ? out : jump, sizeof(jump));
}

static void attack_begin(struct vcpu *v, const struct host_call *c, unsigned int address)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct attack *a = &v->attack;

	pthread_once(&once, watchdog_start);
	must(kvmx_vcpu_get_sregs(v->handle, &a->sregs), "GET_SREGS");
	must(kvmx_vcpu_get_regs(v->handle, &a->regs), "GET_REGS");
	must(vcpu_ioctl(v, KVMX_GET_DEBUGREGS, &a->debugregs), "GET_DEBUGREGS");
	must(vcpu_ioctl(v, KVMX_GET_VCPU_EVENTS, &a->events), "GET_VCPU_EVENTS");
	a->regs.rip = c->c;
	a->regs.rdi = c->d;
	reset_to(true);
	a->call_address = address;
	a->deadline = now_ns() + c->a * 1000000;
	a->on = true;
}

static void attack_end(struct vcpu *v, unsigned long long reason)
{
	struct kvmx_mp_state runnable = { .mp_state = KVMX_MP_STATE_RUNNABLE };
	struct attack *a = &v->attack;

	reset_to(false);
	a->on = false;
	a->ended_by = reason;
	must(vcpu_ioctl(v, KVMX_SET_MP_STATE, &runnable), "SET_MP_STATE");
	must(kvmx_vcpu_set_sregs(v->handle, &a->sregs), "SET_SREGS");
	must(kvmx_vcpu_set_regs(v->handle, &a->regs), "SET_REGS");
	must(vcpu_ioctl(v, KVMX_SET_DEBUGREGS, &a->debugregs), "SET_DEBUGREGS");
	must(vcpu_ioctl(v, KVMX_SET_VCPU_EVENTS, &a->events), "SET_VCPU_EVENTS");
}

/* An exit has to be finished before the vCPU's state is touched. */
static void finish_exit(struct vcpu *v)
{
	kvmx_vcpu_kick(v->handle);
	if (kvmx_vcpu_run(v->handle) != -EINTR)
		DIE("a kicked vCPU ran");
}

static void act(struct vcpu *v, struct host_call *c)
{
	struct slot *s;
	pthread_t thread;

	c->result = 0;
	switch (c->op) {
	case CALL_IRQ_LINE:
		c->result = kvmx_vm_irq_line(vm, c->a, c->b);
		break;
	case CALL_MSI:
		c->result = kvmx_vm_signal_msi(vm, c->a, c->b);
		break;
	case CALL_NMI:
		if (c->a >= vcpu_count) {
			c->result = -EINVAL;
			break;
		}
		/* The ioctl waits for a running vCPU, so its own thread makes it. */
		vcpus[c->a].pending_nmi = 1;
		kvmx_vcpu_kick(vcpus[c->a].handle);
		break;
	case CALL_INTERRUPT:
		v->pending_vector = c->a;
		break;
	case CALL_SLEEP:
		sleep_for_ms(c->a);
		break;
	case CALL_NOW:
		c->a = now_ns();
		break;
	case CALL_EXPECT:
		v->expect_reason = c->a;
		v->expect_then = c->b;
		break;
	case CALL_EXITS:
		c->a = c->a < 64 ? v->exits[c->a] : 0;
		break;
	case CALL_LOG_CLEAR:
		access_count = 0;
		break;
	case CALL_LOG_GET:
		if (c->a >= access_count) {
			c->result = -ENOENT;
			break;
		}
		c->c = accesses[c->a].flags;
		c->b = accesses[c->a].value;
		c->d = accesses[c->a].vcpu;
		c->a = accesses[c->a].address;
		break;
	case CALL_SLOT:
		c->result = slot_make(c);
		break;
	case CALL_TAKE_SLOT:
		s = slot_find(c->a);
		if (!s) {
			c->result = -ENOENT;
			break;
		}
		c->result = kvmx_vm_memory_remove(vm, 8 + (s - slots));
		s->length = 0;
		break;
	case CALL_DIRTY:
		c->result = dirty(c);
		break;
	case CALL_KICKS:
		if (!kick_interval && c->a) {
			kick_interval = c->a;
			if (pthread_create(&thread, NULL, kicker, NULL))
				DIE("no thread");
		}
		kick_interval = c->a;
		break;
	case CALL_XCR0:
		c->result = xcr0_set(v, c->a);
		break;
	case CALL_ROUND_TRIP:
		finish_exit(v);
		round_trip(v);
		break;
	case CALL_PEACE:
		c->a = v->attack.ended_by;
		break;
	default:
		DIE("unknown call %u", c->op);
	}
}

struct later {
	struct vcpu *v;
	struct host_call call;
};

static void *act_later(void *argument)
{
	struct later *l = argument;

	sleep_for_ms(l->call.delay_ms);
	act(l->v, &l->call);
	/* -EPERM: nobody takes the MSI, as an attacked APIC may have it. */
	if (l->call.result < 0 && !(l->call.op == CALL_MSI && l->call.result == -EPERM))
		DIE("a delayed call (%u) failed: %s", l->call.op, strerror(-l->call.result));
	free(l);
	return NULL;
}

static void call(struct vcpu *v, unsigned int address)
{
	struct host_call *c;
	struct later *l;
	pthread_t thread;

	if (address > memory_size - sizeof(*c) && !v->attack.on)
		DIE("a call outside of memory: %#x", address);
	/* Not a call: the random instructions of an attack. */
	if (v->attack.on && address != v->attack.call_address)
		return;
	c = (void *)(memory + address);
	if (c->op == CALL_ATTACK) {
		c->result = 0;
		attack_begin(v, c, address);
		return;
	}
	if (!c->delay_ms) {
		act(v, c);
		return;
	}
	l = malloc(sizeof(*l));
	l->v = v;
	l->call = *c;
	c->result = 0;
	if (pthread_create(&thread, NULL, act_later, l))
		DIE("no thread");
	pthread_detach(thread);
}

/* ---- Exits ---- */

static void access_note(struct vcpu *v, unsigned long long address, const void *data,
			unsigned int length, unsigned int flags)
{
	struct access *a;

	pthread_mutex_lock(&lock);
	if (access_count < sizeof(accesses) / sizeof(accesses[0])) {
		a = &accesses[access_count++];
		a->address = address;
		a->value = 0;
		memcpy(&a->value, data, length <= 8 ? length : 8);
		a->flags = flags | length;
		a->vcpu = v->index;
	}
	pthread_mutex_unlock(&lock);
}

/* Where the other vCPUs are, for messages. */
static void others(struct vcpu *v, char *out, size_t size)
{
	int at = 0;

	stopping = 1;
	for (unsigned int i = 0; i < vcpu_count; i++)
		if (&vcpus[i] != v)
			kvmx_vcpu_kick(vcpus[i].handle);
	sleep_for_ms(v && vcpu_count == 1 ? 0 : 300);
	out[0] = 0;
	for (unsigned int i = 0; i < vcpu_count; i++) {
		if (&vcpus[i] == v)
			continue;
		if (vcpus[i].stopped)
			at += snprintf(out + at, size - at, "; vCPU %u in state %d at rip %#llx", i,
				       vcpus[i].last_state, vcpus[i].last_rip);
		else
			at += snprintf(out + at, size - at, "; vCPU %u does not come back", i);
		at += snprintf(out + at, size - at, " after %lu exits", vcpus[i].all_exits);
	}
}

static void end(struct vcpu *v, unsigned int value)
{
	static char where[1024];

	int checks = value >> 8;

	switch (value & 0xff) {
	case END_PASS:
		finish(0, "ok", " (%d checks)%s%s", checks, text_length ? " # " : "", text);
	case END_SKIP:
		finish(EXIT_SKIPPED, "skip", ": %s", text);
	default:
		others(v, where, sizeof(where));
		DIE("%s (after %d checks%s)", text, checks, where);
	}
}

static void port_write(struct vcpu *v, unsigned int port, const unsigned char *data,
		       unsigned int size)
{
	unsigned int value = 0;

	memcpy(&value, data, size);
	if (port == PORT_DEBUG && size == 1) {
		if (text_length < sizeof(text) - 1)
			text[text_length++] = value;
		return;
	}
	if (port == PORT_PEACE && size == 1 && v->attack.on) {
		finish_exit(v);
		attack_end(v, ATTACK_FAULT | value);
		return;
	}
	if (port == PORT_END && size == 4 && !v->attack.on)
		end(v, value);
	if (port == PORT_CALL && size == 4) {
		call(v, value);
		return;
	}
	if (port >= PORT_ECHO && port + size <= PORT_ECHO + PORT_ECHO_COUNT)
		memcpy(ports + port - PORT_ECHO, data, size);
	access_note(v, port, data, size, LOG_PORT | LOG_WRITE);
}

static void port_read(struct vcpu *v, unsigned int port, unsigned char *data,
		      unsigned int size)
{
	memset(data, 0xff, size);
	if (port >= PORT_ECHO && port + size <= PORT_ECHO + PORT_ECHO_COUNT) {
		memcpy(data, ports + port - PORT_ECHO, size);
	} else if (port >= PORT_COUNTER && port < PORT_COUNTER + 16) {
		memcpy(data, &counter, size);
		counter++;
	}
	access_note(v, port, data, size, LOG_PORT);
}

static void exit_io(struct vcpu *v)
{
	struct kvmx_exit_io io;

	must(kvmx_vcpu_exit_io(v->handle, &io), "exit_io");
	for (unsigned int i = 0; i < io.count; i++) {
		unsigned char *data = (unsigned char *)io.data + i * io.item_size;

		if (io.is_write)
			port_write(v, io.port, data, io.item_size);
		else
			port_read(v, io.port, data, io.item_size);
	}
}

static void exit_mmio(struct vcpu *v)
{
	struct kvmx_exit_mmio m;
	bool window;

	must(kvmx_vcpu_exit_mmio(v->handle, &m), "exit_mmio");
	window = m.address >= MMIO_ADDRESS && m.address + m.length <= MMIO_ADDRESS + MMIO_SIZE;
	if (m.is_write && window)
		memcpy(mmio + (m.address - MMIO_ADDRESS), m.data, m.length);
	else if (!m.is_write && window)
		memcpy(m.data, mmio + (m.address - MMIO_ADDRESS), m.length);
	else if (!m.is_write)
		memset(m.data, 0xff, m.length);
	access_note(v, m.address, m.data, m.length, m.is_write ? LOG_WRITE : 0);
}

static unsigned long long rip_of(struct vcpu *v)
{
	struct kvmx_regs regs;

	return kvmx_vcpu_get_regs(v->handle, &regs) < 0 ? ~0ull : regs.rip;
}

static void unexpected(struct vcpu *v, unsigned int reason)
{
	struct kvmx_exit_error e;
	char details[256] = "";

	if (kvmx_vcpu_exit_error(v->handle, &e) == 0) {
		int at = snprintf(details, sizeof(details), ", code %#llx",
				  (unsigned long long)e.code);

		for (unsigned int i = 0; i < e.ndata && i < 4; i++)
			at += snprintf(details + at, sizeof(details) - at, " %#llx",
				       (unsigned long long)e.data[i]);
	}
	DIE("vCPU %u left with %s%s at rip %#llx %s", v->index, kvmx_exit_name(reason), details,
	    rip_of(v), text);
}

/* HLT without an irqchip in the kernel: waits for something to inject. */
static void exit_hlt(struct vcpu *v)
{
	while (v->pending_vector < 0 && !stopping)
		sleep_for_ms(1);
}

static void exit_any(struct vcpu *v)
{
	unsigned int reason = kvmx_vcpu_exit_reason(v->handle);

	v->all_exits++;
	if (reason < 64)
		v->exits[reason]++;
	if (v->expect_reason == (int)reason) {
		switch (v->expect_then) {
		case EXPECT_PASS:
			finish(0, "ok", " (%s)", kvmx_exit_name(reason));
		default:
			v->expect_reason = -1;
		}
	}
	switch (reason) {
	case KVMX_EXIT_IO:
		exit_io(v);
		break;
	case KVMX_EXIT_MMIO:
		exit_mmio(v);
		break;
	case KVMX_EXIT_HLT:
		exit_hlt(v);
		break;
	case KVMX_EXIT_IRQ_WINDOW_OPEN:
	case KVMX_EXIT_INTR:
		break;
	default:
		if (v->attack.on) {
			attack_end(v, reason);
			break;
		}
		if (v->expect_then == EXPECT_GO_ON && v->expect_reason == -1)
			break;
		unexpected(v, reason);
	}
}

/* With the PIC in user space: injects what waits, or asks to be told when that is possible. */
static void inject(struct vcpu *v)
{
	struct kvmx_run *run = kvmx_vcpu_run_page(v->handle);
	struct kvmx_interrupt irq;

	run->request_interrupt_window = 0;
	if (v->pending_vector < 0)
		return;
	if (!run->ready_for_interrupt_injection) {
		run->request_interrupt_window = 1;
		return;
	}
	irq.irq = v->pending_vector;
	v->pending_vector = -1;
	must(vcpu_ioctl(v, KVMX_INTERRUPT, &irq), "KVMX_INTERRUPT");
}

static void *vcpu_thread(void *argument)
{
	struct vcpu *v = argument;
	struct kvmx_mp_state state;
	int ret;

	while (!stopping) {
		if (header.flags & (PROGRAM_NO_IRQCHIP | PROGRAM_SPLIT))
			inject(v);
		if (v->pending_nmi) {
			v->pending_nmi = 0;
			must(vcpu_ioctl(v, KVMX_NMI, NULL), "KVMX_NMI");
		}
		ret = kvmx_vcpu_run(v->handle);
		if (ret < 0 && v->attack.on && (ret != -EINTR || now_ns() > v->attack.deadline)) {
			attack_end(v, ret == -EINTR ? ATTACK_TOO_LONG : 0x300 - ret);
			continue;
		}
		if (ret == -EINTR || ret == -EAGAIN)
			continue;
		if (ret < 0)
			DIE("KVMX_RUN: %s at rip %#llx", strerror(-ret), rip_of(v));
		exit_any(v);
	}
	v->last_rip = rip_of(v);
	v->last_state = kvmx_vcpu_get_mp_state(v->handle, &state) ? -1 : (int)state.mp_state;
	v->stopped = 1;
	return NULL;
}

/* ---- Making the machine ---- */

static void load(const char *path)
{
	struct kvmx_memory_config config = { .size = sizeof(config) };
	struct stat st;
	void *host;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		DIE("%s: %s", path, strerror(errno));
	if (pread(fd, &header, sizeof(header), HEADER_OFFSET) != sizeof(header) ||
	    header.magic != HEADER_MAGIC || header.vcpus < 1 || header.vcpus > MAX_VCPUS ||
	    header.memory_mb < 2 || header.memory_mb > 1024)
		DIE("%s is no guest program", path);

	must(kvmx_vm_create(device, NULL, &vm), "creating the VM");
	memory_size = (unsigned long)header.memory_mb << 20;
	config.length = memory_size;
	config.flags = header.flags & PROGRAM_DIRTY_LOG ? KVMX_MEM_LOG_DIRTY_PAGES : 0;
	must(kvmx_vm_memory_add(vm, &config, &host), "guest memory");
	memory = host;
	if (read(fd, memory + IMAGE_ADDRESS, st.st_size) != st.st_size)
		DIE("%s: cannot be read", path);
	close(fd);

	config.slot = 1;
	config.flags = kvmx_check_extension(device, KVMX_CAP_READONLY_MEM) ? KVMX_MEM_READONLY : 0;
	config.guest_address = RESET_PAGE;
	config.length = 4096;
	must(kvmx_vm_memory_add(vm, &config, &host), "reset page");
	reset_page = host;
	reset_to(false);
}

/* Takes away what the processor can do beyond long mode. */
static void strip(struct kvmx_cpuid_entry2 *e)
{
	switch (e->function) {
	case 1:
		/* SSE3, CX16, the hypervisor's bit */
		e->ecx &= 1u | 1u << 13 | 1u << 31;
		break;
	case 7:
	case 0xd:
		e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	case 0x80000001:
		/* neither FFXSR nor RDTSCP; LAHF only */
		e->edx &= ~(1u << 25 | 1u << 27);
		e->ecx &= 1;
		break;
	case 0x80000008:
		e->ebx = 0;
	}
}

static void set_cpuid(struct vcpu *v)
{
	struct kvmx_cpuid2 *cpuid;

	must(kvmx_supported_cpuid(device, &cpuid), "supported CPUID");
	for (unsigned int i = 0; i < cpuid->nent; i++) {
		struct kvmx_cpuid_entry2 *e = &cpuid->entries[i];

		switch (e->function) {
		case 1:
			e->ebx = (e->ebx & 0x00ffffff) | v->index << 24;
			e->ecx |= 1u << 31;	/* a hypervisor is there */
			if (!(header.flags & PROGRAM_NO_IRQCHIP) &&
			    kvmx_check_extension(device, KVMX_CAP_TSC_DEADLINE_TIMER))
				e->ecx |= 1u << 24;
			break;
		case 0xb:
		case 0x1f:
			e->edx = v->index;
			break;
		case 0x80000001:
			e->ecx &= ~4u;	/* no nested guests on any device */
			break;
		case 0x8000001e:
			e->eax = v->index;
			break;
		}
		if (header.flags & PROGRAM_BARE_CPU)
			strip(e);
	}
	must(kvmx_vcpu_set_cpuid(v->handle, cpuid), "setting CPUID");
	free(cpuid);
}

static unsigned int measure_tsc_khz(void)
{
	unsigned long long ns = now_ns(), tsc = __rdtsc();

	sleep_for_ms(20);
	tsc = __rdtsc() - tsc;
	ns = now_ns() - ns;
	return tsc * 1000000 / ns;
}

/* Programs that let apic_enable() choose have their local APICs in that mode. */
static bool x2apic;

static void create(const char *device_path)
{
	struct kvmx_vcpu_config config = { .size = sizeof(config), .kick_signal = SIGUSR1 };
	struct kvmx_enable_cap cap = { .cap = KVMX_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct program_header *in_guest;

	must(kvmx_vm_set_identity_map_addr(vm, 0xfffbc000), "identity map address");
	must(kvmx_vm_set_tss_addr(vm, 0xfffbd000), "TSS address");
	if (header.flags & PROGRAM_SPLIT) {
		if (!kvmx_check_extension(device, KVMX_CAP_SPLIT_IRQCHIP))
			finish(EXIT_SKIPPED, "skip", ": no split irqchip");
		must(vm_ioctl(KVMX_ENABLE_CAP, &cap), "split irqchip");
	} else if (!(header.flags & PROGRAM_NO_IRQCHIP)) {
		must(kvmx_vm_create_irqchip(vm), "irqchip");
		must(kvmx_vm_create_pit(vm, KVMX_PIT_SPEAKER_DUMMY), "PIT");
	}
	vcpu_count = header.vcpus;
	for (unsigned int i = 0; i < vcpu_count; i++) {
		vcpus[i].index = config.id = i;
		vcpus[i].pending_vector = vcpus[i].expect_reason = -1;
		vcpus[i].expect_then = -1;
		must(kvmx_vcpu_create(vm, &config, &vcpus[i].handle), "vCPU");
		set_cpuid(&vcpus[i]);
	}
	in_guest = (void *)(memory + IMAGE_ADDRESS + HEADER_OFFSET);
	in_guest->tsc_khz = measure_tsc_khz();
	in_guest->in_tree = !strcmp(device_path, "/dev/kvm");
	in_guest->x2apic = x2apic;
	in_guest->seed = getenv("SEED") ? strtoul(getenv("SEED"), NULL, 0) : now_ns();
}

static void time_is_up(void)
{
	static char where[1024];

	others(NULL, where, sizeof(where));
	DIE("no end after %u s%s %s", header.seconds, where, text);
}

static void on_kick(int signal)
{
	(void)signal;
}

/* In a process of its own; ends it. */
static void run_program(const char *path, const char *device_path)
{
	struct sigaction action = { .sa_handler = on_kick };

	sigaction(SIGUSR1, &action, NULL);
	must(kvmx_open(device_path, &device), device_path);
	load(path);
	create(device_path);
	for (unsigned int i = 0; i < vcpu_count; i++)
		if (pthread_create(&vcpus[i].thread, NULL, vcpu_thread, &vcpus[i]))
			DIE("no thread");
	sleep_for_ms(header.seconds * 1000ull);
	time_is_up();
}

/* ---- Many programs ---- */

static unsigned int passed, failed, skipped;

static void run_one(const char *path, const char *device_path)
{
	static char copy[256];
	char *dot;
	int status, waited = 0;
	pid_t child;

	snprintf(copy, sizeof(copy), "%s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	dot = strrchr(copy, '.');
	if (dot)
		*dot = 0;
	name = copy;
	started = now_ns();
	fflush(stdout);
	child = fork();
	if (child < 0) {
		perror("fork");
		exit(2);
	}
	if (child == 0)
		run_program(path, device_path);
	while (waitpid(child, &status, WNOHANG) == 0) {
		sleep_for_ms(10);
		if (++waited == 12000) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			break;
		}
	}
	if (WIFSIGNALED(status))
		printf("not ok %s: its runner was killed by signal %d\n", name, WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		passed++;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		skipped++;
	else
		failed++;
}

static int is_program(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".bin");
}

static void run_path(const char *path, const char *device_path)
{
	struct dirent **entries;
	struct stat st;
	char file[4096];
	int n;

	if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
		run_one(path, device_path);
		return;
	}
	n = scandir(path, &entries, is_program, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		run_one(file, device_path);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	const char *device_path = KVMX_DEFAULT_DEVICE;
	int i = 1;

	if (argc > 2 && !strcmp(argv[1], "--device")) {
		device_path = argv[2];
		i = 3;
	}
	if (i < argc && !strcmp(argv[i], "--x2apic")) {
		x2apic = true;
		i++;
	}
	if (i >= argc) {
		fprintf(stderr, "Usage: runner [--device PATH] [--x2apic] PROGRAM.bin|DIRECTORY...\n");
		return 2;
	}
	for (; i < argc; i++)
		run_path(argv[i], device_path);
	if (skipped)
		printf("%u skipped\n", skipped);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
