// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds and ioeventfds over the user-space eventfds: binding, signalling,
 * resampling, every way to end one, and which guest writes signal which.
 */
/* links: src/core/irqfd.c src/core/ioeventfd.c src/core/bus.c src/core/irq_routing.c */
#include <linux/slab.h>

#include <kvmx/vm.h>
#include <pthread.h>
#include "unit.h"

static struct kvmx_vm *vm;
static struct kvmx_vcpu vcpu;

static DEFINE_SPINLOCK(chip_lock);
static struct {
	unsigned long state[KVMX_IRQCHIP_PINS];
	unsigned int rises[KVMX_IRQCHIP_PINS];
	int refuse[4];
} chip;

static int sink_set(struct kvmx_vm *v, const struct kvmx_irq_route *route, int source, int level)
{
	unsigned long *state = &chip.state[route->chip.pin];
	unsigned long flags;
	bool was;

	spin_lock_irqsave(&chip_lock, flags);
	was = *state;
	if (kvmx_irq_level_or(state, source, level) && !was)
		chip.rises[route->chip.pin]++;
	spin_unlock_irqrestore(&chip_lock, flags);
	return 1;
}

static int sink_check(struct kvmx_vm *v, const struct kvmx_irq_route *route)
{
	return route->kind == KVMX_ROUTE_CHIP && route->chip.pin < KVMX_IRQCHIP_PINS ? 0 : -EINVAL;
}

static int sink_allow(struct kvmx_vm *v, enum kvmx_irq_use use)
{
	return chip.refuse[use];
}

static const struct kvmx_irq_sink sink = {
	.set = sink_set, .check = sink_check, .allow = sink_allow,
};

static void setup(void)
{
	struct kvmx_irq_routing_entry routes[KVMX_IRQCHIP_PINS] = { };
	int i;

	vm = calloc(1, sizeof(*vm));
	memset(&chip, 0, sizeof(chip));
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.vm = vm;
	mutex_init(&vm->memory.slots_lock);
	INIT_LIST_HEAD(&vm->ioeventfds);
	ck_assert_int_eq(kvmx_eventfd_init(), 0);
	ck_assert_int_eq(kvmx_bus_init(vm), 0);
	ck_assert_int_eq(kvmx_irqs_init(vm, &sink), 0);
	for (i = 0; i < KVMX_IRQCHIP_PINS; i++) {
		routes[i].gsi = i;
		routes[i].type = KVMX_IRQ_ROUTING_IRQCHIP;
		routes[i].u.irqchip.irqchip = 2;
		routes[i].u.irqchip.pin = i;
	}
	ck_assert_int_eq(kvmx_irq_routing_set(vm, routes, KVMX_IRQCHIP_PINS, 0), 0);
}

/* Ends the VM; a test closes its file numbers before or after. */
static void end_vm(void)
{
	kvmx_irqfd_release(vm);
	kvmx_ioeventfd_release(vm);
	kvmx_irqs_destroy(vm);
	kvmx_bus_destroy(vm);
	kvmx_eventfd_exit();
	shim_rcu_run();
	free(vm);
	vm = NULL;
}

static void teardown(void)
{
	if (vm)
		end_vm();
	ck_assert_uint_eq(shim_alloc_live(), 0);
}

static int bind(int fd, u32 gsi)
{
	struct kvmx_irqfd args = { .fd = fd, .gsi = gsi };

	return kvmx_irqfd(vm, &args);
}

static int bind_resample(int fd, u32 gsi, int resamplefd)
{
	struct kvmx_irqfd args = { .fd = fd, .gsi = gsi, .flags = KVMX_IRQFD_FLAG_RESAMPLE,
				   .resamplefd = resamplefd };

	return kvmx_irqfd(vm, &args);
}

static int unbind(int fd, u32 gsi)
{
	struct kvmx_irqfd args = { .fd = fd, .gsi = gsi, .flags = KVMX_IRQFD_FLAG_DEASSIGN };

	return kvmx_irqfd(vm, &args);
}

START_TEST(signal_raises)
{
	int fd = shim_eventfd_new();

	ck_assert_int_eq(bind(fd, 5), 0);
	shim_eventfd_write(fd, 1);
	ck_assert_uint_eq(chip.rises[5], 1);
	ck_assert_uint_eq(chip.state[5], 0);	/* an edge */
	shim_eventfd_write(fd, 3);
	ck_assert_uint_eq(chip.rises[5], 2);
	/* Who else reads it finds nothing left. */
	ck_assert_uint_eq(shim_eventfd_read(fd), 0);
	shim_fd_close(fd);
}
END_TEST

START_TEST(signal_before_bind)
{
	int fd = shim_eventfd_new();

	shim_eventfd_write(fd, 1);
	ck_assert_int_eq(bind(fd, 5), 0);
	ck_assert_uint_eq(chip.rises[5], 1);
	shim_fd_close(fd);
}
END_TEST

START_TEST(bad_irqfds)
{
	struct kvmx_irqfd args = { .gsi = 1 };
	int fd = shim_eventfd_new(), other = shim_eventfd_new();

	args.fd = fd;
	args.flags = 4;
	ck_assert_int_eq(kvmx_irqfd(vm, &args), -EINVAL);
	args.flags = ~0U;
	ck_assert_int_eq(kvmx_irqfd(vm, &args), -EINVAL);
	ck_assert_int_eq(bind(fd, KVMX_MAX_IRQ_ROUTES), -EINVAL);
	ck_assert_int_eq(bind(fd, ~0U), -EINVAL);
	ck_assert_int_eq(bind(999, 1), -EBADF);
	ck_assert_int_eq(bind(-1, 1), -EBADF);
	ck_assert_int_eq(bind_resample(fd, 1, 999), -EBADF);
	ck_assert_int_eq(unbind(999, 1), -EBADF);
	chip.refuse[KVMX_IRQ_USE_IRQFD] = -EINVAL;
	ck_assert_int_eq(bind(fd, 1), -EINVAL);
	chip.refuse[KVMX_IRQ_USE_IRQFD] = 0;
	chip.refuse[KVMX_IRQ_USE_RESAMPLE] = -EINVAL;
	ck_assert_int_eq(bind_resample(fd, 1, other), -EINVAL);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(bind(fd, 1), -ENOMEM);
	chip.refuse[KVMX_IRQ_USE_RESAMPLE] = 0;
	shim_fail_alloc_after(1);
	ck_assert_int_eq(bind_resample(fd, 1, other), -ENOMEM);
	shim_fail_alloc_after(-1);
	shim_eventfd_write(fd, 1);
	ck_assert_uint_eq(chip.rises[1], 0);
	ck_assert_uint_eq(shim_eventfd_read(fd), 1);
	shim_fd_close(fd);
	shim_fd_close(other);
}
END_TEST

START_TEST(bound_twice)
{
	int fd = shim_eventfd_new(), other = shim_eventfd_new();

	ck_assert_int_eq(bind(fd, 5), 0);
	ck_assert_int_eq(bind(fd, 5), -EBUSY);
	ck_assert_int_eq(bind(fd, 6), -EBUSY);
	ck_assert_int_eq(bind_resample(fd, 6, other), -EBUSY);
	ck_assert_uint_eq(chip.rises[6], 0);
	ck_assert_int_eq(bind(other, 5), 0);	/* two eventfds, one line */
	shim_eventfd_write(fd, 1);
	shim_eventfd_write(other, 1);
	ck_assert_uint_eq(chip.rises[5], 2);
	ck_assert_uint_eq(chip.rises[6], 0);
	shim_fd_close(fd);
	shim_fd_close(other);
}
END_TEST

START_TEST(unbound)
{
	int fd = shim_eventfd_new();

	ck_assert_int_eq(bind(fd, 5), 0);
	ck_assert_int_eq(unbind(fd, 6), 0);	/* another line: not that one */
	shim_eventfd_write(fd, 1);
	ck_assert_uint_eq(chip.rises[5], 1);
	ck_assert_int_eq(unbind(fd, 5), 0);
	shim_eventfd_write(fd, 1);
	ck_assert_uint_eq(chip.rises[5], 1);
	ck_assert_uint_eq(shim_eventfd_read(fd), 1);
	ck_assert_int_eq(unbind(fd, 5), 0);
	ck_assert_int_eq(bind(fd, 7), 0);
	shim_eventfd_write(fd, 1);
	ck_assert_uint_eq(chip.rises[7], 1);
	shim_fd_close(fd);
}
END_TEST

START_TEST(closed_by_its_owner)
{
	int fd = shim_eventfd_new(), other = shim_eventfd_new();

	ck_assert_int_eq(bind(fd, 5), 0);
	ck_assert_int_eq(bind(other, 5), 0);
	shim_fd_close(fd);
	shim_works_run();
	shim_eventfd_write(other, 1);
	ck_assert_uint_eq(chip.rises[5], 1);
	/* Closed, and the VM ends before the clean-up has run. */
	shim_fd_close(other);
	end_vm();
}
END_TEST

START_TEST(outlives_the_vm)
{
	int fd = shim_eventfd_new(), resample = shim_eventfd_new();

	ck_assert_int_eq(bind_resample(fd, 5, resample), 0);
	end_vm();
	shim_eventfd_write(fd, 1);
	ck_assert_uint_eq(chip.rises[5], 0);
	shim_fd_close(fd);
	shim_fd_close(resample);
}
END_TEST

START_TEST(routes_change_under_it)
{
	struct kvmx_irq_routing_entry route = {
		.gsi = 5, .type = KVMX_IRQ_ROUTING_IRQCHIP, .u.irqchip = { 2, 11 },
	};
	int fd = shim_eventfd_new();

	ck_assert_int_eq(bind(fd, 5), 0);
	ck_assert_int_eq(kvmx_irq_routing_set(vm, &route, 1, 0), 0);
	shim_eventfd_write(fd, 1);
	ck_assert_uint_eq(chip.rises[5], 0);
	ck_assert_uint_eq(chip.rises[11], 1);
	ck_assert_int_eq(kvmx_irq_routing_set(vm, NULL, 0, 0), 0);
	shim_eventfd_write(fd, 1);
	ck_assert_uint_eq(chip.rises[11], 1);
	shim_fd_close(fd);
}
END_TEST

START_TEST(resampled)
{
	int fd[2], resample[2], i;

	for (i = 0; i < 2; i++) {
		fd[i] = shim_eventfd_new();
		resample[i] = shim_eventfd_new();
		ck_assert_int_eq(bind_resample(fd[i], 9, resample[i]), 0);
	}
	ck_assert(kvmx_irq_has_ack(vm, 2, 9));
	shim_eventfd_write(fd[0], 1);
	ck_assert_uint_ne(chip.state[9], 0);	/* a level */
	shim_eventfd_write(fd[1], 1);
	ck_assert_uint_eq(chip.rises[9], 1);
	/* The EOI lowers the line and asks both devices whether they still mean it. */
	kvmx_irq_acked(vm, 2, 9);
	ck_assert_uint_eq(chip.state[9], 0);
	ck_assert_uint_eq(shim_eventfd_read(resample[0]), 1);
	ck_assert_uint_eq(shim_eventfd_read(resample[1]), 1);
	kvmx_irq_acked(vm, 2, 8);
	ck_assert_uint_eq(shim_eventfd_read(resample[0]), 0);

	/* One leaves: the other goes on. */
	ck_assert_int_eq(unbind(fd[0], 9), 0);
	shim_eventfd_write(fd[1], 1);
	ck_assert_uint_eq(chip.rises[9], 2);
	kvmx_irq_acked(vm, 2, 9);
	ck_assert_uint_eq(shim_eventfd_read(resample[0]), 0);
	ck_assert_uint_eq(shim_eventfd_read(resample[1]), 1);

	/* The last one leaves with the line up: it falls, and user space's own level stays. */
	kvmx_irq_set(vm, KVMX_IRQ_SOURCE_USER, 9, 1);
	shim_eventfd_write(fd[1], 1);
	ck_assert_int_eq(unbind(fd[1], 9), 0);
	ck_assert_uint_eq(chip.state[9], BIT(KVMX_IRQ_SOURCE_USER));
	ck_assert(!kvmx_irq_has_ack(vm, 2, 9));
	for (i = 0; i < 2; i++) {
		shim_fd_close(fd[i]);
		shim_fd_close(resample[i]);
	}
}
END_TEST

/* --- everything at once --- */

static struct {
	int fd[3], resample;
	atomic_t stop, signals, acks;
	unsigned long rebinds;
} race;

static void *signaller(void *unused)
{
	while (!atomic_read(&race.stop)) {
		shim_eventfd_write(race.fd[atomic_read(&race.signals) % 2], 1);
		atomic_inc(&race.signals);
	}
	return NULL;
}

static void *acknowledger(void *unused)
{
	struct kvmx_irq_routing_entry route = {
		.gsi = 5, .type = KVMX_IRQ_ROUTING_IRQCHIP, .u.irqchip = { 2, 5 },
	};

	while (!atomic_read(&race.stop)) {
		kvmx_irq_acked(vm, 2, 5);
		if (!(atomic_inc_return(&race.acks) % 16))
			kvmx_irq_routing_set(vm, &route, 1, 0);
	}
	return NULL;
}

/* Has each of the threads had its share of a busy computer? */
static bool races_were_run(void)
{
	return atomic_read(&race.signals) > 1000 && atomic_read(&race.acks) > 1000;
}

/* Binds and unbinds one eventfd while it is signalled, and closes others that are bound. */
START_TEST(races)
{
	pthread_t threads[2];
	int i;

	memset(&race, 0, sizeof(race));
	for (i = 0; i < 2; i++)
		race.fd[i] = shim_eventfd_new();
	race.resample = shim_eventfd_new();
	ck_assert_int_eq(bind(race.fd[1], 5), 0);
	pthread_create(&threads[0], NULL, signaller, NULL);
	pthread_create(&threads[1], NULL, acknowledger, NULL);
	for (i = 0; i < 1500 || !races_were_run(); i++, race.rebinds++) {
		if (i % 2)
			ck_assert_int_eq(bind(race.fd[0], 5), 0);
		else
			ck_assert_int_eq(bind_resample(race.fd[0], 5, race.resample), 0);
		race.fd[2] = shim_eventfd_new();
		ck_assert_int_eq(bind_resample(race.fd[2], 5, race.resample), 0);
		shim_eventfd_write(race.fd[2], 1);
		shim_fd_close(race.fd[2]);
		ck_assert_int_eq(unbind(race.fd[0], 5), 0);
	}
	atomic_set(&race.stop, 1);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_gt(chip.rises[5], 100);
	/* Whatever was raised for resampling has been lowered with the last of them. */
	ck_assert_uint_eq(chip.state[5] & BIT(KVMX_IRQ_SOURCE_RESAMPLE), 0);
	ck_assert(!kvmx_irq_has_ack(vm, 2, 5));
	shim_fd_close(race.fd[0]);
	shim_fd_close(race.fd[1]);
	shim_fd_close(race.resample);
	unit_figure("irqfd rebinds under fire", race.rebinds);
}
END_TEST

/* --- ioeventfds --- */

static int io(int fd, u64 addr, u32 len, u32 flags, u64 match)
{
	struct kvmx_ioeventfd args = { .fd = fd, .addr = addr, .len = len, .flags = flags,
				       .datamatch = match };

	return kvmx_ioeventfd(vm, &args);
}

#define PIO	KVMX_IOEVENTFD_FLAG_PIO
#define MATCH	KVMX_IOEVENTFD_FLAG_DATAMATCH
#define OFF	KVMX_IOEVENTFD_FLAG_DEASSIGN

static int wr(enum kvmx_bus_id bus, u64 addr, int len, u64 val)
{
	return kvmx_bus_write(&vcpu, bus, addr, len, &val);
}

START_TEST(bad_ioeventfds)
{
	int fd = shim_eventfd_new();
	u32 len;

	for (len = 0; len <= 16; len++)
		if (len != 0 && len != 1 && len != 2 && len != 4 && len != 8)
			ck_assert_int_eq(io(fd, 0x1000, len, 0, 0), -EINVAL);
	ck_assert_int_eq(io(fd, 0x1000, ~0U, 0, 0), -EINVAL);
	ck_assert_int_eq(io(fd, 0x1000, 4, BIT(3), 0), -EINVAL);	/* virtio-ccw: not ours */
	ck_assert_int_eq(io(fd, 0x1000, 4, BIT(4), 0), -EINVAL);
	ck_assert_int_eq(io(fd, 0x1000, 4, ~0U, 0), -EINVAL);
	ck_assert_int_eq(io(fd, ~0ULL - 2, 4, 0, 0), -EINVAL);
	ck_assert_int_eq(io(fd, 0x1000, 0, MATCH, 1), -EINVAL);
	ck_assert_int_eq(io(999, 0x1000, 4, 0, 0), -EBADF);
	ck_assert_int_eq(io(999, 0x1000, 4, OFF, 0), -EBADF);
	ck_assert_int_eq(io(fd, 0x1000, 4, OFF, 0), -ENOENT);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(io(fd, 0x1000, 4, 0, 0), -ENOMEM);
	shim_fail_alloc_after(1);
	ck_assert_int_eq(io(fd, 0x1000, 4, 0, 0), -ENOMEM);
	shim_fail_alloc_after(-1);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 4, 0), -EOPNOTSUPP);
	ck_assert_int_eq(io(fd, ~0ULL - 3, 4, 0, 0), 0);
	shim_fd_close(fd);
}
END_TEST

START_TEST(length_and_bus)
{
	int mmio = shim_eventfd_new(), pio = shim_eventfd_new();

	ck_assert_int_eq(io(mmio, 0x1000, 4, 0, 0), 0);
	ck_assert_int_eq(io(pio, 0x1000, 2, PIO, 0), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 4, 1), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 2, 1), -EOPNOTSUPP);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 8, 1), -EOPNOTSUPP);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1002, 2, 1), -EOPNOTSUPP);
	ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x1000, 2, 1), 0);
	ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x1000, 4, 1), -EOPNOTSUPP);
	ck_assert_uint_eq(shim_eventfd_read(mmio), 1);
	ck_assert_uint_eq(shim_eventfd_read(pio), 1);
	/* Reads are not theirs. */
	ck_assert_int_eq(kvmx_bus_read(&vcpu, KVMX_BUS_MMIO, 0x1000, 4, &(u32){ 0 }), -EOPNOTSUPP);
	shim_fd_close(mmio);
	shim_fd_close(pio);
}
END_TEST

START_TEST(any_length)
{
	int fd = shim_eventfd_new(), len;

	ck_assert_int_eq(io(fd, 0x1000, 0, 0, 0), 0);
	for (len = 1; len <= 8; len <<= 1)
		ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, len, len), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1001, 1, 0), -EOPNOTSUPP);
	ck_assert_uint_eq(shim_eventfd_read(fd), 4);
	shim_fd_close(fd);
}
END_TEST

START_TEST(data_match)
{
	int fd[3], len, i;

	for (i = 0; i < 3; i++)
		fd[i] = shim_eventfd_new();
	for (len = 1; len <= 8; len <<= 1) {
		u64 ones = len == 8 ? ~0ULL : (1ULL << len * 8) - 1;

		for (i = 0; i < 3; i++)
			ck_assert_int_eq(io(fd[i], 0x2000 + len, len, PIO | MATCH, i == 2 ? ones : i), 0);
		ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x2000 + len, len, 0), 0);
		ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x2000 + len, len, 1), 0);
		ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x2000 + len, len, ones), 0);
		ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x2000 + len, len, 2), -EOPNOTSUPP);
		for (i = 0; i < 3; i++)
			ck_assert_uint_eq(shim_eventfd_read(fd[i]), 1);
	}
	/* More bits than the write has: no write has that value. */
	ck_assert_int_eq(io(fd[0], 0x3000, 1, PIO | MATCH, 0x101), 0);
	ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x3000, 1, 0x101), -EOPNOTSUPP);
	for (i = 0; i < 3; i++)
		shim_fd_close(fd[i]);
}
END_TEST

START_TEST(collisions)
{
	int a = shim_eventfd_new(), b = shim_eventfd_new();

	ck_assert_int_eq(io(a, 0x1000, 4, MATCH, 7), 0);
	ck_assert_int_eq(io(b, 0x1000, 4, MATCH, 7), -EEXIST);
	ck_assert_int_eq(io(a, 0x1000, 4, MATCH, 7), -EEXIST);
	ck_assert_int_eq(io(b, 0x1000, 4, 0, 0), -EEXIST);	/* would take 7 as well */
	ck_assert_int_eq(io(b, 0x1000, 0, 0, 0), -EEXIST);
	ck_assert_int_eq(io(b, 0x1000, 4, MATCH, 8), 0);
	ck_assert_int_eq(io(b, 0x1000, 2, MATCH, 7), 0);
	ck_assert_int_eq(io(b, 0x1000, 4, PIO | MATCH, 7), 0);
	ck_assert_int_eq(io(b, 0x1004, 0, 0, 0), 0);
	ck_assert_int_eq(io(b, 0x1004, 8, MATCH, 1), -EEXIST);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 4, 7), 0);
	ck_assert_uint_eq(shim_eventfd_read(a), 1);
	ck_assert_uint_eq(shim_eventfd_read(b), 0);
	shim_fd_close(a);
	shim_fd_close(b);
}
END_TEST

START_TEST(ioeventfd_unbound)
{
	int a = shim_eventfd_new(), b = shim_eventfd_new();

	ck_assert_int_eq(io(a, 0x1000, 4, MATCH, 7), 0);
	/* Only what was bound can be unbound. */
	ck_assert_int_eq(io(b, 0x1000, 4, OFF | MATCH, 7), -ENOENT);
	ck_assert_int_eq(io(a, 0x1000, 4, OFF | MATCH, 8), -ENOENT);
	ck_assert_int_eq(io(a, 0x1000, 4, OFF, 7), -ENOENT);
	ck_assert_int_eq(io(a, 0x1000, 2, OFF | MATCH, 7), -ENOENT);
	ck_assert_int_eq(io(a, 0x1001, 4, OFF | MATCH, 7), -ENOENT);
	ck_assert_int_eq(io(a, 0x1000, 4, OFF | PIO | MATCH, 7), -ENOENT);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 4, 7), 0);
	ck_assert_int_eq(io(a, 0x1000, 4, OFF | MATCH, 7), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 4, 7), -EOPNOTSUPP);
	ck_assert_int_eq(io(a, 0x1000, 4, OFF | MATCH, 7), -ENOENT);
	/* Without DATAMATCH the value is not looked at, neither when binding nor after. */
	ck_assert_int_eq(io(a, 0x1000, 4, 0, 1), 0);
	ck_assert_int_eq(io(a, 0x1000, 4, OFF, 2), 0);
	ck_assert_uint_eq(shim_eventfd_read(a), 1);
	shim_fd_close(a);
	shim_fd_close(b);
}
END_TEST

START_TEST(bus_full)
{
	int fd = shim_eventfd_new(), i;

	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(io(fd, i * 8, 4, 0, 0), 0);
	ck_assert_int_eq(io(fd, 0x100000, 4, 0, 0), -ENOSPC);
	ck_assert_int_eq(io(fd, 0x100000, 4, OFF, 0), -ENOENT);
	ck_assert_int_eq(io(fd, 8, 4, OFF, 0), 0);
	ck_assert_int_eq(io(fd, 0x100000, 4, 0, 0), 0);
	/* The owner closes its number; the VM's end drops the rest. */
	shim_fd_close(fd);
}
END_TEST

static TCase *with_vm(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("eventfd",
	  with_vm(UNIT_CASE("irqfd", signal_raises, signal_before_bind, bad_irqfds, bound_twice,
			    unbound, closed_by_its_owner, outlives_the_vm, routes_change_under_it,
			    resampled, races)),
	  with_vm(UNIT_CASE("ioeventfd", bad_ioeventfds, length_and_bus, any_length, data_match,
			    collisions, ioeventfd_unbound, bus_full)))
