// SPDX-License-Identifier: GPL-2.0-only
/* Coalesced writes: which go to the ring, what the ring holds, a full ring, a spoilt one. */
/* links: src/core/coalesced.c src/core/bus.c */
#include <linux/slab.h>
#include <pthread.h>

#include <kvmx/vm.h>
#include "unit.h"

#define MAX	((u32)KVMX_COALESCED_MMIO_MAX)

static struct kvmx_vm *vm;
static struct kvmx_vcpu vcpu;
static struct kvmx_coalesced_mmio_ring *ring;

static void setup(void)
{
	vm = calloc(1, sizeof(*vm));
	vcpu.vm = vm;
	mutex_init(&vm->memory.slots_lock);
	ck_assert_int_eq(kvmx_bus_init(vm), 0);
	ck_assert_int_eq(kvmx_coalesced_init(vm), 0);
	ring = vm->coalesced.ring;
	ck_assert_uint_eq(MAX, 170);	/* (4096 - 8) / 24 */
}

static void teardown(void)
{
	kvmx_bus_destroy(vm);
	kvmx_coalesced_destroy(vm);
	shim_rcu_run();
	ck_assert_uint_eq(shim_alloc_live(), 0);
	free(vm);
}

static int zone(u64 addr, u32 size, u32 pio)
{
	struct kvmx_coalesced_mmio_zone z = { .addr = addr, .size = size, .pio = pio };

	return kvmx_coalesced_register(vm, &z);
}

static int no_zone(u64 addr, u32 size, u32 pio)
{
	struct kvmx_coalesced_mmio_zone z = { .addr = addr, .size = size, .pio = pio };

	return kvmx_coalesced_unregister(vm, &z);
}

static int wr(enum kvmx_bus_id bus, u64 addr, int len, u64 val)
{
	return kvmx_bus_write(&vcpu, bus, addr, len, &val);
}

START_TEST(writes_go_to_the_ring)
{
	u64 val = 0;

	ck_assert_int_eq(zone(0x1000, 0x10, 0), 0);
	ck_assert_int_eq(zone(0x1000, 4, 1), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1008, 8, 0x1122334455667788), 0);
	ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x1002, 2, 0xabcd), 0);
	ck_assert_uint_eq(ring->first, 0);
	ck_assert_uint_eq(ring->last, 2);
	ck_assert_uint_eq(ring->coalesced_mmio[0].phys_addr, 0x1008);
	ck_assert_uint_eq(ring->coalesced_mmio[0].len, 8);
	ck_assert_uint_eq(ring->coalesced_mmio[0].pio, 0);
	memcpy(&val, ring->coalesced_mmio[0].data, 8);
	ck_assert_uint_eq(val, 0x1122334455667788);
	ck_assert_uint_eq(ring->coalesced_mmio[1].phys_addr, 0x1002);
	ck_assert_uint_eq(ring->coalesced_mmio[1].len, 2);
	ck_assert_uint_eq(ring->coalesced_mmio[1].pio, 1);
	ck_assert_uint_eq(ring->coalesced_mmio[1].data[0], 0xcd);
	/* Reads, and what is not wholly in a zone, are not for the ring. */
	ck_assert_int_eq(kvmx_bus_read(&vcpu, KVMX_BUS_MMIO, 0x1000, 4, &val), -EOPNOTSUPP);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x100c, 8, 0), -EOPNOTSUPP);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0xffe, 4, 0), -EOPNOTSUPP);
	ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x1004, 1, 0), -EOPNOTSUPP);
	ck_assert_uint_eq(ring->last, 2);
}
END_TEST

START_TEST(refusals)
{
	ck_assert_int_eq(zone(0x1000, 4, 2), -EINVAL);
	ck_assert_int_eq(zone(-2ULL, 4, 0), -EINVAL);
	ck_assert_int_eq(no_zone(0x1000, 4, 2), -EINVAL);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(zone(0x1000, 4, 0), -ENOMEM);
	shim_fail_alloc_after(1);
	ck_assert_int_eq(zone(0x1000, 4, 0), -ENOMEM);
	shim_fail_alloc_after(-1);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 4, 0), -EOPNOTSUPP);
	/* One without bytes is taken, and catches nothing. */
	ck_assert_int_eq(zone(0x1000, 0, 0), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 1, 0), -EOPNOTSUPP);
	ck_assert_int_eq(zone(~0ULL - 7, 8, 0), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, ~0ULL - 7, 8, 0), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, ~0ULL, 2, 0), -EOPNOTSUPP);
}
END_TEST

START_TEST(zones_go)
{
	ck_assert_int_eq(zone(0x1000, 0x10, 0), 0);
	ck_assert_int_eq(zone(0x1000, 0x10, 0), 0);	/* twice is no error */
	ck_assert_int_eq(zone(0x1000, 0x10, 1), 0);
	ck_assert_int_eq(zone(0x2000, 4, 0), 0);
	ck_assert_int_eq(no_zone(0x3000, 4, 0), 0);
	ck_assert_int_eq(no_zone(0xfff, 4, 0), 0);
	ck_assert_int_eq(no_zone(0x1000, 0x11, 0), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 4, 0), 0);
	/* What lies in a zone takes all of it away, with each zone around it. */
	ck_assert_int_eq(no_zone(0x1004, 4, 0), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x1000, 4, 0), -EOPNOTSUPP);
	ck_assert_int_eq(wr(KVMX_BUS_PIO, 0x1000, 4, 0), 0);
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x2000, 4, 0), 0);
}
END_TEST

START_TEST(full)
{
	u32 i, round;

	ck_assert_int_eq(zone(0, 0x1000, 0), 0);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < MAX - 1; i++)
			ck_assert_int_eq(wr(KVMX_BUS_MMIO, i, 1, i), 0);
		ck_assert_int_eq(wr(KVMX_BUS_MMIO, i, 1, i), -EOPNOTSUPP);
		/* One read, one more fits. */
		ring->first = (ring->first + 1) % MAX;
		ck_assert_int_eq(wr(KVMX_BUS_MMIO, 0x777, 1, 7), 0);
		ck_assert_uint_eq(ring->coalesced_mmio[(ring->last + MAX - 1) % MAX].phys_addr, 0x777);
		ck_assert_int_eq(wr(KVMX_BUS_MMIO, i, 1, i), -EOPNOTSUPP);
		ring->first = ring->last;
	}
}
END_TEST

/* The VMM may write anything to the page: nothing outside of it changes, and accesses get out. */
START_TEST(spoilt)
{
	static char saved[4096];
	unsigned int i, taken = 0;

	ck_assert_int_eq(zone(0, 0x1000, 0), 0);
	ring->last = MAX;
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 8, 8, 0), -EOPNOTSUPP);
	ring->last = ~0U;
	ck_assert_int_eq(wr(KVMX_BUS_MMIO, 8, 8, 0), -EOPNOTSUPP);
	for (i = 0; i < 100000; i++) {
		memcpy(saved, ring, 4096);
		ring->first = unit_random_edge();
		ring->last = unit_random_below(2) ? unit_random_below(MAX + 2) : unit_random_edge();
		taken += !wr(KVMX_BUS_MMIO, 8, 8, 0);
		memcpy(ring, saved, 4096);
	}
	ck_assert_uint_gt(taken, 1000);
}
END_TEST

static void *writer(void *id)
{
	unsigned long i;

	for (i = 0; i < 20000; i++)
		while (kvmx_bus_write(&vcpu, KVMX_BUS_MMIO, (unsigned long)id, 4, &i))
			sched_yield();
	return NULL;
}

/* Several vCPUs and the VMM at once: nothing is lost, doubled or torn, each writer in order. */
START_TEST(writers)
{
	enum { WRITERS = 3 };
	pthread_t thread[WRITERS];
	u32 next[WRITERS] = { }, got = 0, first, value;
	unsigned long i;

	ck_assert_int_eq(zone(0, 0x1000, 0), 0);
	for (i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, writer, (void *)(i * 16)), 0);
	while (got < WRITERS * 20000) {
		first = ring->first;
		if (first == smp_load_acquire(&ring->last)) {
			sched_yield();
			continue;
		}
		i = ring->coalesced_mmio[first].phys_addr / 16;
		memcpy(&value, ring->coalesced_mmio[first].data, 4);
		ck_assert_uint_eq(value, next[i]);
		next[i]++;
		got++;
		smp_store_release(&ring->first, (first + 1) % MAX);
	}
	for (i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(ring->first, ring->last);
}
END_TEST

static TCase *rings(void)
{
	TCase *tc = UNIT_CASE("ring", writes_go_to_the_ring, refusals, zones_go, full, spoilt, writers);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("coalesced", rings())
