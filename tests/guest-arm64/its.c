// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests with an ITS: messages of devices that become LPIs. A guest's script says which
 * registers it writes; what is in its tables and in the ring of commands is put there here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm.h"

GUEST(script);

#define ITS_CTLR	(ITS + 0x00)
#define ITS_CBASER	(ITS + 0x80)
#define ITS_CWRITER	(ITS + 0x88)
#define ITS_CREADR	(ITS + 0x90)
#define ITS_BASER(n)	(ITS + 0x100 + 8 * (n))
#define DOORBELL	(ITS + 0x10040)
#define REDIST(cpu)	(GICR + 0x20000ull * (cpu))
#define VALID		(1ull << 63)
#define PAGE_64K	(2 << 8)

/* In the guest's memory. */
#define SCRIPT(cpu)	(0x100000ull + 0x10000 * (cpu))
#define RING		0x200000ull
#define DEVICES		0x210000ull
#define COLLECTIONS	0x220000ull
#define CONFIG		0x230000ull
#define PENDING(cpu)	(0x240000ull + 0x10000 * (cpu))
#define ITT		0x260000ull
#define NOWHERE		0x7f00000000ull

#define LPI		8192u
#define DEVICE_ID	5u

enum { END, STORE32, STORE64, UNTIL, TELL, AWAIT };

/* A VM with an ITS, and what its CPUs are to do. */
struct world {
	struct vm *vm;
	int its;
	uint64_t *script[2];
	uint64_t written;	/* offset in the ring */
};

static void say(struct world *w, int cpu, uint64_t what, uint64_t address, uint64_t value)
{
	*w->script[cpu]++ = what;
	*w->script[cpu]++ = address;
	*w->script[cpu]++ = value;
}

static int attr(int fd, unsigned long what, uint32_t group, uint64_t number, uint64_t *val)
{
	struct kvmx_device_attr access = { .group = group, .attr = number, .addr = (uintptr_t)val };

	return ioctl(fd, what, &access);
}

static int its_attr(struct world *w, uint32_t group, uint64_t number, uint64_t *val)
{
	return attr(w->its, KVMX_SET_DEVICE_ATTR, group, number, val);
}

static struct world world_make(void)
{
	struct kvmx_create_device create = { .type = KVMX_DEV_TYPE_ARM_VGIC_ITS };
	struct world w = { .vm = vm_make(2, true) };
	uint64_t base = ITS;
	int cpu;

	must(ioctl(w.vm->fd, KVMX_CREATE_DEVICE, &create), "create an ITS");
	w.its = create.fd;
	must(its_attr(&w, KVMX_DEV_ARM_VGIC_GRP_ADDR, KVMX_VGIC_ITS_ADDR_TYPE, &base), "its address");
	must(its_attr(&w, KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_VGIC_CTRL_INIT, NULL), "its init");
	for (cpu = 0; cpu < 2; cpu++)
		w.script[cpu] = (uint64_t *)(w.vm->memory + SCRIPT(cpu));
	memset(w.vm->memory + CONFIG, 0xa1, 64);
	return w;
}

static void world_free(struct world *w)
{
	close(w->its);
	vm_free(w->vm);
}

static void tables(struct world *w, uint64_t devices, uint64_t collections, uint64_t ring,
		   uint64_t config)
{
	int cpu;

	say(w, 0, STORE32, GICD, 2);
	say(w, 0, STORE64, REDIST(0) + 0x70, config | 15);
	for (cpu = 0; cpu < 2; cpu++) {
		say(w, 0, STORE64, REDIST(cpu) + 0x78, PENDING(cpu));
		say(w, 0, STORE32, REDIST(cpu), 1);
	}
	say(w, 0, STORE64, ITS_BASER(0), VALID | devices | PAGE_64K);
	say(w, 0, STORE64, ITS_BASER(1), VALID | collections | PAGE_64K);
	say(w, 0, STORE64, ITS_CBASER, VALID | ring | 15);
	say(w, 0, STORE32, ITS_CTLR, 1);
}

static void command(struct world *w, uint64_t w0, uint64_t w1, uint64_t w2)
{
	const uint64_t words[4] = { w0, w1, w2, 0 };

	memcpy(w->vm->memory + RING + w->written, words, sizeof(words));
	w->written += sizeof(words);
}

/* The guest has what was put into the ring carried out. */
static void commands(struct world *w, int cpu)
{
	say(w, cpu, STORE64, ITS_CWRITER, w->written);
	say(w, cpu, UNTIL, ITS_CREADR, w->written);
}

#define OF_DEVICE(what)	((uint64_t)DEVICE_ID << 32 | (what))
enum { MOVI = 0x01, INT = 0x03, INV = 0x0c, DISCARD = 0x0f };

static void event(struct world *w, int what, uint32_t event, uint32_t collection)
{
	command(w, OF_DEVICE(what), event, collection);
}

/* Events 0 to 3 are LPIs, at CPU 0; collection 1 is CPU 1. */
static void mapped(struct world *w)
{
	uint64_t n;

	tables(w, DEVICES, COLLECTIONS, RING, CONFIG);
	command(w, OF_DEVICE(0x08), 3, VALID | ITT);
	command(w, 0x09, 0, VALID);
	command(w, 0x09, 0, VALID | 1 << 16 | 1);
	for (n = 0; n < 4; n++)
		command(w, OF_DEVICE(0x0a), n | (LPI + n) << 32, 0);
	commands(w, 0);
}

static void ask(struct world *w, int cpu, uint32_t value)
{
	say(w, cpu, STORE32, DEVICE + 0x308, value);
}

static struct story run(struct world *w)
{
	struct story story = { };

	vm_start(w->vm, 0, guest_script, guest_script_end);
	reg_set(w->vm, 0, CORE_REG(regs.regs[21]), SCRIPT(0));
	vm_run(w->vm, 0, &story);
	return story;
}

static int send(struct vm *vm, uint64_t address, uint32_t device, uint32_t flags, uint32_t number)
{
	struct kvmx_msi msi = {
		.address_lo = address, .address_hi = address >> 32, .data = number,
		.flags = flags, .devid = device,
	};
	int ret = ioctl(vm->fd, KVMX_SIGNAL_MSI, &msi);

	return ret < 0 ? -errno : ret;
}

static int message(struct vm *vm, uint32_t number)
{
	return send(vm, DOORBELL, DEVICE_ID, KVMX_MSI_VALID_DEVID, number);
}

static int answer;

static void on_message(struct vm *vm, uint32_t value)
{
	answer = message(vm, value);
}

static void test_messages(void)
{
	struct world w = world_make();
	struct story story;

	check(ioctl(w.vm->fd, KVMX_CHECK_EXTENSION, KVMX_CAP_MSI_DEVID) == 1 &&
	      ioctl(w.vm->fd, KVMX_CHECK_EXTENSION, KVMX_CAP_SIGNAL_MSI) == 1,
	      "messages of devices are there");
	check(send(w.vm, DOORBELL, 0, 0, 0) == -EINVAL, "a message is a device's");
	check(message(w.vm, 0) == 0, "and comes to nothing before the guest has said what it is");
	mapped(&w);
	w.vm->call = on_message;
	ask(&w, 0, 2);
	say(&w, 0, AWAIT, 0, 1);
	event(&w, INT, 3, 0);
	commands(&w, 0);
	say(&w, 0, AWAIT, 0, 2);
	say(&w, 0, TELL, GICD + 4, 0);
	say(&w, 0, TELL, ITS_CTLR, 0);
	story = run(&w);
	check(story.done && story.n == 4 && story.value[0] == LPI + 2 && story.value[1] == LPI + 3,
	      "LPIs by a message and by a command");
	check((story.value[2] >> 17 & 1) && (story.value[2] >> 19 & 31) == 15 && story.value[3] == 1,
	      "of which the registers tell");
	check(answer == 1 && message(w.vm, 9) == 0, "a message says whether it came to something");
	check(send(w.vm, DOORBELL + 4, DEVICE_ID, KVMX_MSI_VALID_DEVID, 2) == -EINVAL &&
	      send(w.vm, DOORBELL, DEVICE_ID + 1, KVMX_MSI_VALID_DEVID, 2) == 0,
	      "one to another address, or of another device");
	world_free(&w);
}

static int eventfd_of_message;

static void on_eventfd(struct vm *vm, uint32_t value)
{
	eventfd_write(eventfd_of_message, 1);
}

static void test_irqfd(void)
{
	struct world w = world_make();
	struct {
		struct kvmx_irq_routing table;
		struct kvmx_irq_routing_entry entry;
	} routes = {
		.table.nr = 1,
		.entry = { .gsi = 50, .type = KVMX_IRQ_ROUTING_MSI, .flags = KVMX_MSI_VALID_DEVID,
			   .u.msi = { .address_lo = DOORBELL, .data = 1, .devid = DEVICE_ID } },
	};
	struct kvmx_irqfd irqfd = { .gsi = 50 };
	struct story story;

	eventfd_of_message = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	irqfd.fd = eventfd_of_message;
	must(ioctl(w.vm->fd, KVMX_SET_GSI_ROUTING, &routes), "routes");
	must(ioctl(w.vm->fd, KVMX_IRQFD, &irqfd), "irqfd");
	routes.entry.flags = 0;
	check(ioctl(w.vm->fd, KVMX_SET_GSI_ROUTING, &routes) == -1 && errno == EINVAL,
	      "a route of a message says its device");
	mapped(&w);
	w.vm->call = on_eventfd;
	ask(&w, 0, 0);
	say(&w, 0, AWAIT, 0, 1);
	ask(&w, 0, 0);
	say(&w, 0, AWAIT, 0, 2);
	story = run(&w);
	check(story.done && TOLD(&story, LPI + 1, LPI + 1), "an LPI by an irqfd, twice");
	close(eventfd_of_message);
	world_free(&w);
}

/* What the guest did to its table of configurations, and messages: by value. */
static void on_change(struct vm *vm, uint32_t value)
{
	if (value == 100)
		vm->memory[CONFIG] = 0xa0;
	else if (value == 101)
		vm->memory[CONFIG] = 0xa1;
	else
		answer = answer * 2 + message(vm, value);
}

static void test_changes(void)
{
	struct world w = world_make();
	struct story story;

	mapped(&w);
	w.vm->call = on_change;
	answer = 0;
	ask(&w, 0, 100);
	event(&w, INV, 0, 0);
	commands(&w, 0);
	ask(&w, 0, 0);
	ask(&w, 0, 1);
	say(&w, 0, AWAIT, 0, 1);
	ask(&w, 0, 101);
	event(&w, INV, 0, 0);
	commands(&w, 0);
	say(&w, 0, AWAIT, 0, 2);
	event(&w, DISCARD, 1, 0);
	commands(&w, 0);
	ask(&w, 0, 1);
	ask(&w, 0, 2);
	say(&w, 0, AWAIT, 0, 3);
	story = run(&w);
	check(story.done && TOLD(&story, LPI + 1, LPI, LPI + 2),
	      "one that is not enabled waits until it is");
	check(answer == 0xd, "a message of an event that was discarded comes to nothing");
	world_free(&w);
}

static void test_moves(void)
{
	struct world w = world_make();
	struct kvmx_mp_state state = { .mp_state = KVMX_MP_STATE_RUNNABLE };
	struct second other = { .vm = w.vm };
	struct story story;

	mapped(&w);
	event(&w, MOVI, 0, 1);
	event(&w, INT, 0, 0);
	event(&w, INT, 1, 0);
	commands(&w, 0);
	say(&w, 0, AWAIT, 0, 1);
	/* Then the whole collection. */
	command(&w, 0x09, 0, VALID | 1 << 16);
	event(&w, INT, 2, 0);
	commands(&w, 0);
	say(&w, 1, AWAIT, 0, 2);
	vm_start(w.vm, 1, guest_script, guest_script_end);
	reg_set(w.vm, 1, CORE_REG(regs.regs[21]), SCRIPT(1));
	must(ioctl(w.vm->vcpu[1], KVMX_SET_MP_STATE, &state), "the second CPU on");
	second_start(&other);
	story = run(&w);
	pthread_join(other.thread, NULL);
	check(story.done && TOLD(&story, LPI + 1), "of two events one stays at the first CPU,");
	check(other.story.done && TOLD(&other.story, LPI, LPI + 2),
	      "one moves to the second, and then all do");
	world_free(&w);
}

/* Whatever the guest says: it only hurts itself, and comes to its end. */
static void test_hostile(void)
{
	static const struct { uint64_t devices, collections, ring, config; } at[] = {
		{ NOWHERE & 0xffff00000000, COLLECTIONS, RING, CONFIG },
		{ DEVICES, NOWHERE & 0xffff00000000, RING, CONFIG },
		{ DEVICES, COLLECTIONS, NOWHERE, CONFIG },
		{ DEVICES, COLLECTIONS, RING, NOWHERE },
		/* The first level of two is the ring; tables that end where memory does. */
		{ 1ull << 62 | RING, COLLECTIONS, RING, CONFIG },
		{ MEMORY - 0x10000, MEMORY - 0x10000, MEMORY - 0x1000, MEMORY - 0x1000 },
	};
	unsigned int i, n, ended = 0;
	struct story story;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct world w = world_make();

		tables(&w, at[i].devices, at[i].collections, at[i].ring, at[i].config);
		command(&w, OF_DEVICE(0x08), 31, VALID | NOWHERE);
		command(&w, OF_DEVICE(0x08), 15, VALID | NOWHERE);
		command(&w, 0xffffffff00000008ull, 15, VALID | NOWHERE);
		command(&w, 0x09, 0, VALID | 0xffffffffffff);
		command(&w, 0x09, 0, VALID | 7 << 16 | 1);
		command(&w, 0x09, 0, VALID);
		for (n = 0; n < 20; n++)
			command(&w, OF_DEVICE(0x0a), 1u << n | (uint64_t)(1u << n) << 32, n % 3 ? 0 : 0xffff);
		event(&w, INT, 1, 0);
		event(&w, MOVI, 1, 0xffff);
		command(&w, 0x0e, 0, 0xffffffffffff);
		command(&w, ~0ull, ~0ull, ~0ull);
		commands(&w, 0);
		say(&w, 0, STORE64, ITS_CWRITER, ~0ull);
		say(&w, 0, STORE32, DOORBELL, 1);
		say(&w, 0, STORE64, ITS_BASER(0), ~0ull);
		say(&w, 0, STORE32, REDIST(0), 0);
		say(&w, 0, STORE32, ITS_CTLR, 0);
		say(&w, 0, STORE64, ITS_CBASER, VALID | 255);
		say(&w, 0, STORE64, ITS_BASER(0), 0);
		say(&w, 0, STORE64, ITS_BASER(1), 0);
		say(&w, 0, STORE32, ITS_CTLR, 1);
		say(&w, 0, STORE64, ITS_CWRITER, 0xfffe0);
		say(&w, 0, UNTIL, ITS_CREADR, 0xfffe0);
		story = run(&w);
		ended += story.done;
		world_free(&w);
	}
	check(ended == i, "tables and commands that make no sense");
}

/* What user space takes from the one world to the other, as the API has it done. */
static void carry(struct world *from, struct world *to)
{
	static const uint32_t redist[] = { 0x70, 0x74, 0x78, 0x7c, 0 },
			      its[] = { 0x80, 4, 0x90, 0x88, 0x100, 0x108 };
	const uint32_t regs = KVMX_DEV_ARM_VGIC_GRP_ITS_REGS;
	uint64_t val = 0;
	unsigned int i;

	must(attr(from->vm->gic, KVMX_SET_DEVICE_ATTR, KVMX_DEV_ARM_VGIC_GRP_CTRL,
		  KVMX_DEV_ARM_VGIC_SAVE_PENDING_TABLES, NULL), "save what is pending");
	must(its_attr(from, KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_ITS_SAVE_TABLES, NULL),
	     "save the ITS");
	memcpy(to->vm->memory, from->vm->memory, MEMORY);
	to->written = from->written;
	for (i = 0; i < 11; i++) {
		uint32_t group = i == 10 ? KVMX_DEV_ARM_VGIC_GRP_DIST_REGS :
					   KVMX_DEV_ARM_VGIC_GRP_REDIST_REGS;
		uint64_t number = i == 10 ? 0 : redist[i % 5] | (uint64_t)(i / 5) << 32;

		must(attr(from->vm->gic, KVMX_GET_DEVICE_ATTR, group, number, &val), "get a register");
		must(attr(to->vm->gic, KVMX_SET_DEVICE_ATTR, group, number, &val), "set a register");
	}
	for (i = 0; i < sizeof(its) / sizeof(its[0]); i++) {
		must(attr(from->its, KVMX_GET_DEVICE_ATTR, regs, its[i], &val), "get a register");
		must(its_attr(to, regs, its[i], &val), "set a register");
	}
	must(its_attr(to, KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_ITS_RESTORE_TABLES, NULL),
	     "restore the ITS");
	must(attr(from->its, KVMX_GET_DEVICE_ATTR, regs, 0, &val), "get a register");
	must(its_attr(to, regs, 0, &val), "set a register");
}

/* Another VM goes on with its events, what is pending of them, and a command that is not done. */
static void test_saved(void)
{
	struct world first = world_make(), w = world_make();
	struct kvmx_mp_state state = { .mp_state = KVMX_MP_STATE_RUNNABLE };
	struct story story, other = { };
	uint64_t val;

	mapped(&first);
	event(&first, MOVI, 3, 1);
	commands(&first, 0);
	story = run(&first);
	check(story.done && message(first.vm, 1) == 1 && message(first.vm, 3) == 1,
	      "two LPIs wait when the VM is saved");
	event(&first, INT, 2, 0);
	val = first.written;
	must(its_attr(&first, KVMX_DEV_ARM_VGIC_GRP_ITS_REGS, 0x88, &val), "another command");
	carry(&first, &w);
	world_free(&first);

	say(&w, 0, AWAIT, 0, 2);
	event(&w, INT, 0, 0);
	commands(&w, 0);
	say(&w, 0, AWAIT, 0, 3);
	say(&w, 0, END, 0, 0);
	story = run(&w);
	/* Which of the first two comes first is the CPU's affair. */
	check(story.done && story.n == 3 && story.value[2] == LPI &&
	      (story.value[0] ^ story.value[1]) == 3 && story.value[0] + story.value[1] == 2 * LPI + 3,
	      "and come in another, with that of a command that was not done");
	say(&w, 1, AWAIT, 0, 1);
	say(&w, 1, END, 0, 0);
	vm_start(w.vm, 1, guest_script, guest_script_end);
	reg_set(w.vm, 1, CORE_REG(regs.regs[21]), SCRIPT(1));
	must(ioctl(w.vm->vcpu[1], KVMX_SET_MP_STATE, &state), "the second CPU on");
	vm_run(w.vm, 1, &other);
	check(other.done && TOLD(&other, LPI + 3), "also at the second CPU");
	world_free(&w);
}

static void test_creation(void)
{
	struct kvmx_create_device create = { .type = KVMX_DEV_TYPE_ARM_VGIC_ITS };
	struct vm *vm = vm_make(1, false);
	struct world w;

	check(ioctl(vm->fd, KVMX_CREATE_DEVICE, &create) == -1 && errno == ENODEV,
	      "no ITS without a GIC");
	check(ioctl(vm->fd, KVMX_CHECK_EXTENSION, KVMX_CAP_MSI_DEVID) == 0 &&
	      message(vm, 0) == -ENODEV, "and no messages without an ITS");
	vm_free(vm);
	w = world_make();
	check(ioctl(w.vm->fd, KVMX_CREATE_DEVICE, &create) == -1 && errno == EEXIST, "there is one ITS");
	check(!its_attr(&w, KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_ITS_CTRL_RESET, NULL),
	      "which can be reset");
	world_free(&w);
}

void test_its(void)
{
	test_creation();
	test_messages();
	test_irqfd();
	test_changes();
	test_moves();
	test_saved();
	test_hostile();
}
