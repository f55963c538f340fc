// SPDX-License-Identifier: GPL-2.0-only
/* The port and memory buses: who answers an access, overlaps, wildcards, coming and going. */
/* links: src/core/bus.c */
#include <linux/slab.h>

#include <kvmx/vm.h>
#include "unit.h"

static struct kvmx_vm *vm;
static struct kvmx_vcpu vcpu;

struct device {
	struct kvmx_io_device dev;
	unsigned int reads, writes;
	u64 addr;
	int len;
	bool declines;
};

static int device_read(struct kvmx_io_device *dev, struct kvmx_vcpu *v, u64 addr, int len,
		       void *val)
{
	struct device *d = container_of(dev, struct device, dev);

	ck_assert_ptr_eq(v, &vcpu);
	ck_assert(rcu_read_lock_held());
	d->reads++;
	d->addr = addr;
	d->len = len;
	memset(val, 0x77, len);
	return d->declines ? -EOPNOTSUPP : 0;
}

static int device_write(struct kvmx_io_device *dev, struct kvmx_vcpu *v, u64 addr, int len,
			const void *val)
{
	struct device *d = container_of(dev, struct device, dev);

	ck_assert(rcu_read_lock_held());
	d->writes++;
	d->addr = addr;
	d->len = len;
	return d->declines ? -EOPNOTSUPP : 0;
}

static const struct kvmx_io_ops ops = { .read = device_read, .write = device_write };

static void device_init(struct device *d)
{
	memset(d, 0, sizeof(*d));
	d->dev.ops = &ops;
}

static void setup(void)
{
	vm = calloc(1, sizeof(*vm));
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.vm = vm;
	ck_assert_int_eq(kvmx_bus_init(vm), 0);
}

static void teardown(void)
{
	kvmx_bus_destroy(vm);
	shim_rcu_run();
	ck_assert_uint_eq(shim_alloc_live(), 0);
	free(vm);
}

static int add(struct device *d, u64 addr, u64 len)
{
	return kvmx_bus_register(vm, KVMX_BUS_MMIO, addr, len, &d->dev);
}

static int wr(u64 addr, int len)
{
	u64 val = 0;

	return kvmx_bus_write(&vcpu, KVMX_BUS_MMIO, addr, len, &val);
}

static int rd(u64 addr, int len)
{
	u64 val = 0;

	return kvmx_bus_read(&vcpu, KVMX_BUS_MMIO, addr, len, &val);
}

START_TEST(empty_bus)
{
	struct device d;

	device_init(&d);
	ck_assert_int_eq(wr(0, 1), -EOPNOTSUPP);
	ck_assert_int_eq(rd(~0ULL, 8), -EOPNOTSUPP);
	kvmx_bus_unregister(vm, KVMX_BUS_MMIO, &d.dev);
}
END_TEST

/* A VM's buses go before its devices do. */
START_TEST(late_device)
{
	struct device d;

	device_init(&d);
	ck_assert_int_eq(add(&d, 0x1000, 4), 0);
	kvmx_bus_destroy(vm);
	kvmx_bus_unregister(vm, KVMX_BUS_MMIO, &d.dev);
	ck_assert_uint_eq(shim_alloc_live(), 0);
}
END_TEST

START_TEST(inside_and_outside)
{
	struct device d;

	device_init(&d);
	ck_assert_int_eq(add(&d, 0x1000, 0x10), 0);
	ck_assert_int_eq(wr(0x1000, 1), 0);
	ck_assert_int_eq(rd(0x100f, 1), 0);
	ck_assert_uint_eq(d.addr, 0x100f);
	ck_assert_int_eq(rd(0x1008, 8), 0);
	ck_assert_int_eq(d.len, 8);
	ck_assert_int_eq(rd(0x1009, 8), -EOPNOTSUPP);	/* reaches over the end */
	ck_assert_int_eq(wr(0xfff, 2), -EOPNOTSUPP);	/* begins before it */
	ck_assert_int_eq(wr(0x1010, 1), -EOPNOTSUPP);
	ck_assert_uint_eq(d.reads, 2);
	ck_assert_uint_eq(d.writes, 1);
	/* The other bus does not know the device. */
	ck_assert_int_eq(kvmx_bus_write(&vcpu, KVMX_BUS_PIO, 0x1000, 1, ""), -EOPNOTSUPP);
}
END_TEST

START_TEST(range_shorter_than_access)
{
	struct device d;

	device_init(&d);
	ck_assert_int_eq(add(&d, 0x1000, 2), 0);
	ck_assert_int_eq(wr(0x1000, 4), -EOPNOTSUPP);
	ck_assert_int_eq(wr(0x1000, 2), 0);
}
END_TEST

START_TEST(wildcard_length)
{
	struct device d;
	int len;

	device_init(&d);
	ck_assert_int_eq(add(&d, 0x2000, 0), 0);
	for (len = 1; len <= 8; len <<= 1)
		ck_assert_int_eq(wr(0x2000, len), 0);
	ck_assert_int_eq(wr(0x2001, 1), -EOPNOTSUPP);
	ck_assert_int_eq(wr(0x1fff, 2), -EOPNOTSUPP);
	ck_assert_uint_eq(d.writes, 4);
}
END_TEST

START_TEST(ends_of_the_address_space)
{
	struct device low, high, all, below;

	device_init(&low);
	device_init(&high);
	device_init(&all);
	device_init(&below);
	ck_assert_int_eq(add(&low, 0, 8), 0);
	ck_assert_int_eq(add(&high, ~0ULL - 7, 8), 0);
	ck_assert_int_eq(add(&all, ~0ULL - 7, 9), -EINVAL);
	ck_assert_int_eq(add(&all, 1, ~0ULL), 0);
	ck_assert_int_eq(add(&all, 2, ~0ULL), -EINVAL);
	/* The sum of this address and length is in the range below; the access is not. */
	ck_assert_int_eq(add(&below, ~0ULL - 15, 4), 0);
	ck_assert_int_eq(wr(~0ULL, 2), -EOPNOTSUPP);
	ck_assert_uint_eq(below.writes, 0);
	kvmx_bus_unregister(vm, KVMX_BUS_MMIO, &all.dev);
	ck_assert_int_eq(wr(~0ULL - 7, 8), 0);
	ck_assert_int_eq(wr(~0ULL, 1), 0);
	ck_assert_int_eq(wr(~0ULL, 2), -EOPNOTSUPP);	/* would wrap round to the low one */
	ck_assert_int_eq(wr(~0ULL - 3, 8), -EOPNOTSUPP);
	ck_assert_int_eq(wr(0, 8), 0);
	ck_assert_uint_eq(high.writes, 2);
	ck_assert_uint_eq(low.writes, 1);
}
END_TEST

START_TEST(overlaps)
{
	struct device wide, inner;

	device_init(&wide);
	device_init(&inner);
	ck_assert_int_eq(add(&wide, 0x1000, 0x1000), 0);
	ck_assert_int_eq(add(&inner, 0x1100, 4), 0);
	ck_assert_int_eq(wr(0x1100, 4), 0);
	ck_assert_uint_eq(inner.writes, 1);
	ck_assert_uint_eq(wide.writes, 0);
	/* What the inner one does not cover, or declines, is the wide one's. */
	ck_assert_int_eq(wr(0x1800, 4), 0);
	ck_assert_int_eq(wr(0x1102, 4), 0);
	ck_assert_uint_eq(wide.writes, 2);
	inner.declines = true;
	ck_assert_int_eq(wr(0x1100, 4), 0);
	ck_assert_uint_eq(inner.writes, 2);
	ck_assert_uint_eq(wide.writes, 3);
	wide.declines = true;
	ck_assert_int_eq(wr(0x1100, 4), -EOPNOTSUPP);
}
END_TEST

START_TEST(limit)
{
	static struct device d;
	int i;

	device_init(&d);
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(add(&d, i * 16, 16), 0);
	ck_assert_int_eq(add(&d, 0x100000, 16), -ENOSPC);
	ck_assert_int_eq(wr(0x100000, 1), -EOPNOTSUPP);
	/* One device's ranges all go at once. */
	kvmx_bus_unregister(vm, KVMX_BUS_MMIO, &d.dev);
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(wr(i * 16, 1), -EOPNOTSUPP);
	ck_assert_int_eq(add(&d, 0x100000, 16), 0);
}
END_TEST

START_TEST(no_memory)
{
	struct device a, b;

	device_init(&a);
	device_init(&b);
	ck_assert_int_eq(add(&a, 0x1000, 8), 0);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(add(&b, 0x2000, 8), -ENOMEM);
	ck_assert_int_eq(wr(0x2000, 1), -EOPNOTSUPP);
	ck_assert_int_eq(wr(0x1000, 1), 0);
	/* A device leaves all the same. */
	kvmx_bus_unregister(vm, KVMX_BUS_MMIO, &a.dev);
	ck_assert_int_eq(wr(0x1000, 1), -EOPNOTSUPP);
	ck_assert_int_eq(rd(0x1000, 1), -EOPNOTSUPP);
	shim_fail_alloc_after(-1);
	ck_assert_uint_eq(a.writes, 1);
	ck_assert_int_eq(add(&b, 0x2000, 8), 0);
	ck_assert_int_eq(wr(0x2000, 8), 0);
	kvmx_bus_unregister(vm, KVMX_BUS_MMIO, &b.dev);
	ck_assert_int_eq(wr(0x2000, 8), -EOPNOTSUPP);
}
END_TEST

/* Against a model that looks at every range. */
START_TEST(random_ranges)
{
	enum { DEVICES = 40, ROUNDS = 3000, PROBES = 20 };
	static struct device d[DEVICES];
	struct { bool on; u64 addr, len; } model[DEVICES];
	unsigned long n = 0, hits = 0;
	int i, j, round;

	memset(model, 0, sizeof(model));
	for (i = 0; i < DEVICES; i++) {
		device_init(&d[i]);
		d[i].declines = true;	/* so that everybody concerned is asked */
	}
	for (round = 0; round < ROUNDS; round++) {
		i = unit_random_below(DEVICES);
		if (model[i].on) {
			kvmx_bus_unregister(vm, KVMX_BUS_MMIO, &d[i].dev);
		} else {
			model[i].addr = unit_random_below(256);
			model[i].len = unit_random_below(40);
			ck_assert_int_eq(add(&d[i], model[i].addr, model[i].len), 0);
		}
		model[i].on = !model[i].on;
		for (j = 0; j < PROBES; j++, n++) {
			u64 addr = unit_random_below(300);
			int len = 1 << unit_random_below(4);

			for (i = 0; i < DEVICES; i++)
				d[i].reads = 0;
			ck_assert_int_eq(rd(addr, len), -EOPNOTSUPP);
			for (i = 0; i < DEVICES; i++) {
				bool want = model[i].on &&
					(model[i].len ? addr >= model[i].addr &&
					 addr + len <= model[i].addr + model[i].len :
					 addr == model[i].addr);

				ck_assert_uint_eq(d[i].reads, want);
				hits += want;
			}
		}
	}
	ck_assert_uint_gt(hits, n);
	unit_figure("random bus accesses", n);
}
END_TEST

static TCase *buses(void)
{
	TCase *tc = UNIT_CASE("buses", empty_bus, late_device, inside_and_outside, range_shorter_than_access,
			      wildcard_length, ends_of_the_address_space, overlaps, limit, no_memory,
			      random_ranges);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("bus", buses())
