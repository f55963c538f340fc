// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254: counters and outputs in each mode, latches and read-back, byte orders, BCD, the gate
 * and port 0x61, interrupts of channel 0, their bound and re-injection, saved state.
 */
/* links: src/x86/pv_eoi.c src/x86/lapic.c src/x86/lapic_timer.c src/x86/lapic_state.c src/x86/lapic_unit.c src/x86/apic_msg.c */
/* links: src/x86/ioapic.c src/x86/pic.c src/x86/pit.c src/x86/irqchip.c src/x86/vapic.c */
/* links: src/core/bus.c src/core/irq_routing.c */
#include <linux/math64.h>

#include "irqchip_world.h"

static u64 epoch;	/* when the count under test began */

/* To the moment at which so many ticks have passed since then. */
static void at_tick(u64 ticks)
{
	u64 ns = epoch + mul_u64_u32_div(ticks, NSEC_PER_SEC, 1193182) + !!ticks;

	if (ns > ktime_get_ns())
		shim_clock_set(ns);
}

static void create(void)
{
	struct kvmx_pit_config config = { .flags = KVMX_PIT_SPEAKER_DUMMY };

	world_full(1);
	ck_assert_int_eq(call(KVMX_CREATE_PIT2, NULL, &config, 0), 0);
	port_write(0x20, 0x11); port_write(0x21, 0x20); port_write(0x21, 4); port_write(0x21, 1);
}

/* Control word with both bytes, then the count. */
static void load(u8 channel, u8 mode, u16 count)
{
	port_write(0x43, channel << 6 | 0x30 | mode << 1);
	port_write(0x40 + channel, count);
	port_write(0x40 + channel, count >> 8);
	epoch = ktime_get_ns();
}

static u16 count_of(u8 channel)
{
	u8 low;

	port_write(0x43, channel << 6);
	low = port_read(0x40 + channel);
	return low | port_read(0x40 + channel) << 8;
}

static u8 status_of(u8 channel)
{
	port_write(0x43, 0xe0 | 2 << channel);
	return port_read(0x40 + channel);
}

static bool out(u8 channel)
{
	return status_of(channel) >> 7;
}

static int tick_taken(void)
{
	int vector = take(cpu[0]);

	if (vector >= 0)
		port_write(0x20, 0x20);
	return vector;
}

/* --- counters --- */

START_TEST(mode_0)
{
	create();
	port_write(0x43, 0x30);
	ck_assert_uint_eq(status_of(0), 0x70);	/* OUT low, null count, word, mode 0 */
	load(0, 0, 1000);
	ck_assert_uint_eq(status_of(0), 0x30);
	at_tick(400);
	ck_assert_uint_eq(count_of(0), 600);
	at_tick(999);
	ck_assert(!out(0));
	ck_assert_int_eq(take(cpu[0]), -1);
	at_tick(1000);
	ck_assert(out(0));
	ck_assert_int_eq(tick_taken(), 0x20);
	/* It counts on through 0 without another edge. */
	at_tick(1001);
	ck_assert_uint_eq(count_of(0), 0xffff);
	at_tick(200000);
	ck_assert(out(0));
	ck_assert_int_eq(tick_taken(), -1);
	world_end();
}
END_TEST

START_TEST(mode_2)
{
	u32 i;

	create();
	load(0, 2, 1000);
	for (i = 0; i < 5; i++) {
		at_tick(i * 1000 + 1);
		ck_assert_uint_eq(count_of(0), 999);
		ck_assert(out(0));
		at_tick(i * 1000 + 999);
		ck_assert_uint_eq(count_of(0), 1);
		ck_assert(!out(0));
		ck_assert_int_eq(tick_taken(), -1);
		at_tick(i * 1000 + 1000);
		ck_assert_int_eq(tick_taken(), 0x20);
	}
	/* 0 is the largest count; mode 6 is mode 2. */
	load(0, 6, 0);
	ck_assert_uint_eq(status_of(0), 0xb4);
	at_tick(65535);
	ck_assert_int_eq(tick_taken(), -1);
	at_tick(65536);
	ck_assert_int_eq(tick_taken(), 0x20);
	world_end();
}
END_TEST

START_TEST(mode_3)
{
	create();
	load(0, 3, 1001);
	ck_assert_uint_eq(status_of(0), 0xb6);
	at_tick(500);
	ck_assert(out(0));
	at_tick(501);
	ck_assert(!out(0));
	ck_assert_int_eq(tick_taken(), -1);
	at_tick(1000);
	ck_assert(!out(0));
	at_tick(1001);
	ck_assert(out(0));
	ck_assert_int_eq(tick_taken(), 0x20);
	load(0, 7, 1000);
	at_tick(100);
	ck_assert_uint_eq(count_of(0), 800);
	at_tick(600);
	ck_assert_uint_eq(count_of(0), 800);
	world_end();
}
END_TEST

START_TEST(mode_4)
{
	create();
	load(0, 4, 1000);
	at_tick(999);
	ck_assert(out(0));
	ck_assert_int_eq(tick_taken(), -1);
	at_tick(1000);
	ck_assert(!out(0));
	at_tick(1001);
	ck_assert(out(0));
	ck_assert_int_eq(tick_taken(), 0x20);
	at_tick(100000);
	ck_assert_int_eq(tick_taken(), -1);
	world_end();
}
END_TEST

/* The gate of channel 2 is bit 0 of port 0x61, its OUT bit 5. */
START_TEST(modes_1_and_5)
{
	create();
	load(2, 1, 1000);
	ck_assert(out(2));
	ck_assert_uint_eq(count_of(2), 1000);
	shim_clock_advance(NSEC_PER_SEC);
	ck_assert(out(2));
	port_write(0x61, 1);
	epoch = ktime_get_ns();
	ck_assert(!out(2));
	at_tick(900);
	ck_assert_uint_eq(count_of(2), 100);
	port_write(0x61, 0);		/* goes on */
	port_write(0x61, 1);		/* from the beginning */
	epoch = ktime_get_ns();
	at_tick(999);
	ck_assert_uint_eq(port_read(0x61) & 0x20, 0);
	at_tick(1000);
	ck_assert_uint_eq(port_read(0x61) & 0x20, 0x20);

	port_write(0x61, 0);
	load(2, 5, 1000);
	port_write(0x61, 1);
	epoch = ktime_get_ns();
	at_tick(999);
	ck_assert(out(2));
	at_tick(1000);
	ck_assert(!out(2));
	at_tick(1001);
	ck_assert(out(2));
	/* An edge before the count is there triggers nothing. */
	port_write(0x61, 0);
	port_write(0x43, 0xb2);
	port_write(0x61, 1);
	port_write(0x42, 100);
	port_write(0x42, 0);
	ck_assert(out(2));
	/* Channel 0's gate is always high and never rises. */
	load(0, 1, 1000);
	at_tick(100000);
	ck_assert_int_eq(tick_taken(), -1);
	world_end();
}
END_TEST

START_TEST(gate_stops_counting)
{
	create();
	load(2, 0, 1000);
	shim_clock_advance(NSEC_PER_SEC);
	ck_assert_uint_eq(count_of(2), 1000);
	ck_assert_uint_eq(port_read(0x61) & 0x21, 0);
	port_write(0x61, 1);
	epoch = ktime_get_ns();
	at_tick(300);
	ck_assert_uint_eq(count_of(2), 700);
	port_write(0x61, 0);
	shim_clock_advance(NSEC_PER_SEC);
	ck_assert_uint_eq(count_of(2), 700);
	epoch = ktime_get_ns();
	port_write(0x61, 1);
	at_tick(699);
	ck_assert(!out(2));
	at_tick(701);
	ck_assert(out(2));
	/* In the periodic modes it restarts. */
	load(2, 2, 1000);
	at_tick(700);
	port_write(0x61, 0);
	ck_assert(out(2));
	port_write(0x61, 1);
	epoch = ktime_get_ns();
	ck_assert_uint_eq(count_of(2), 1000);
	/* Speaker data, and the refresh bit toggles. */
	port_write(0x61, 3);
	ck_assert_uint_eq(port_read(0x61) & 3, 3);
	{
		u8 first = port_read(0x61) & 0x10;

		shim_clock_advance(15085);
		ck_assert_uint_ne(port_read(0x61) & 0x10, first);
	}
	world_end();
}
END_TEST

START_TEST(byte_orders_and_latches)
{
	create();
	/* Low byte only, high byte only. */
	port_write(0x43, 0x54);
	port_write(0x41, 200);
	epoch = ktime_get_ns();
	at_tick(50);
	ck_assert_uint_eq(port_read(0x41), 150);
	ck_assert_uint_eq(port_read(0x41), 150);
	port_write(0x43, 0x64);
	port_write(0x41, 0x20);
	epoch = ktime_get_ns();
	at_tick(0x1000);
	ck_assert_uint_eq(port_read(0x41), 0x10);
	/* Without a latch the halves are read at different times. */
	load(1, 2, 0x1000);
	at_tick(1);
	ck_assert_uint_eq(port_read(0x41), 0xff);
	ck_assert_uint_eq(port_read(0x41), 0x0f);
	/* A latched count stays until it is read; a second latch changes nothing. */
	port_write(0x43, 0x40);
	at_tick(0x100);
	port_write(0x43, 0x40);
	ck_assert_uint_eq(port_read(0x41), 0xff);
	ck_assert_uint_eq(port_read(0x41), 0x0f);
	ck_assert_uint_eq(port_read(0x41), 0x00);
	ck_assert_uint_eq(port_read(0x41), 0x0f);
	/* Read-back of count and status: the status comes first. */
	load(0, 2, 0x1000);
	at_tick(2);
	port_write(0x43, 0xc2);
	at_tick(50);
	ck_assert_uint_eq(port_read(0x40), 0xb4);
	ck_assert_uint_eq(port_read(0x40), 0xfe);
	ck_assert_uint_eq(port_read(0x40), 0x0f);
	/* Several channels at once, each kept for itself. */
	load(1, 2, 0x2000);
	port_write(0x43, 0xd6);
	shim_clock_advance(1000000);
	ck_assert_uint_eq(port_read(0x41), 0x00);
	ck_assert_uint_eq(port_read(0x41), 0x20);
	ck_assert_uint_eq(port_read(0x43), 0xff);
	world_end();
}
END_TEST

START_TEST(decimal)
{
	create();
	port_write(0x43, 0x35);		/* mode 2, BCD */
	port_write(0x40, 0x34);
	port_write(0x40, 0x12);
	epoch = ktime_get_ns();
	ck_assert_uint_eq(count_of(0), 0x1234);
	at_tick(35);
	ck_assert_uint_eq(count_of(0), 0x1199);
	at_tick(1233);
	ck_assert_int_eq(tick_taken(), -1);
	at_tick(1234);
	ck_assert_int_eq(tick_taken(), 0x20);
	/* 0 is 10000. */
	port_write(0x43, 0x31);
	port_write(0x40, 0);
	port_write(0x40, 0);
	epoch = ktime_get_ns();
	ck_assert_uint_eq(count_of(0), 0);
	at_tick(1);
	ck_assert_uint_eq(count_of(0), 0x9999);
	at_tick(9999);
	ck_assert_int_eq(tick_taken(), -1);
	at_tick(10000);
	ck_assert_int_eq(tick_taken(), 0x20);
	/* Digits that are none do no harm. */
	port_write(0x43, 0x35);
	port_write(0x40, 0xff);
	port_write(0x40, 0xff);
	shim_clock_advance(123456);
	count_of(0);
	world_end();
}
END_TEST

/* --- interrupts --- */

START_TEST(no_drift)
{
	u64 start;
	u32 n = 0;

	create();
	load(0, 2, 11932);	/* about 100 Hz */
	for (start = ktime_get_ns(); ktime_get_ns() < start + 100 * NSEC_PER_SEC; ) {
		shim_clock_advance(NSEC_PER_MSEC);
		n += tick_taken() >= 0;
	}
	ck_assert_uint_eq(n, 100ull * 1193182 / 11932);
	world_end();
}
END_TEST

START_TEST(bound)
{
	u64 start;
	u32 fired = 0;

	create();
	load(0, 2, 1);
	for (start = ktime_get_ns(); ktime_get_ns() < start + 10 * NSEC_PER_MSEC; )
		fired += shim_clock_advance(500);
	ck_assert_uint_le(fired, 50);
	ck_assert_uint_ge(fired, 48);
	world_end();
}
END_TEST

/* The guest does not run for ten ticks. */
static u32 ticks_after_pause(bool reinject)
{
	struct kvmx_reinject_control control = { .pit_reinject = reinject };
	u32 n = 0;

	ck_assert_int_eq(call(KVMX_REINJECT_CONTROL, NULL, NULL, (uintptr_t)&control), 0);
	load(0, 2, 1193);
	shim_clock_advance(10 * NSEC_PER_MSEC + 500000);
	while (tick_taken() >= 0)
		n++;
	return n;
}

START_TEST(reinjection)
{
	struct kvmx_pit_state2 s;
	u32 n = 0;

	create();
	ck_assert_uint_eq(ticks_after_pause(true), 10);
	ck_assert_uint_eq(ticks_after_pause(false), 1);
	/* The same through the I/O APIC: its EOI is the acknowledge. */
	port_write(0x21, 0xff);
	{
		u32 select = 0x10, entry = 0x99;

		kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00000, 4, &select);
		kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00010, 4, &entry);
	}
	pit_set_reinject(vm->pit, true);
	load(0, 2, 1193);
	shim_clock_advance(10 * NSEC_PER_MSEC + 500000);
	while (take(cpu[0]) == 0x99) {
		n++;
		mmio_write(cpu[0], 0xb0, 0);
	}
	ck_assert_uint_eq(n, 10);
	/* Ticks owed are part of the state. */
	load(0, 2, 1193);
	shim_clock_advance(5 * NSEC_PER_MSEC + 500000);
	pit_get_state(vm->pit, &s);
	ck_assert_uint_eq(s.reserved[0], 4);
	/* Masked everywhere: nobody wants those that were missed. */
	{
		u32 select = 0x10, entry = 0x10099;

		kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00000, 4, &select);
		kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00010, 4, &entry);
	}
	shim_clock_advance(NSEC_PER_SEC);
	pit_get_state(vm->pit, &s);
	ck_assert_uint_eq(s.reserved[0], 0);
	world_end();
}
END_TEST

START_TEST(stopped)
{
	struct kvmx_pit_state2 s;
	u64 next;

	create();
	load(0, 2, 1193);
	ck_assert(shim_timer_next(&next));
	/* A control word stops the old count until there is a new one. */
	port_write(0x43, 0x34);
	ck_assert(!shim_timer_next(&next));
	load(0, 2, 1193);
	/* The HPET has taken over. */
	pit_get_state(vm->pit, &s);
	s.flags |= KVMX_PIT_FLAGS_HPET_LEGACY;
	ck_assert_int_eq(pit_set_state(vm->pit, &s), 0);
	ck_assert(!shim_timer_next(&next));
	load(0, 2, 1193);
	ck_assert(!shim_timer_next(&next));
	s.flags = 0;
	ck_assert_int_eq(pit_set_state(vm->pit, &s), 0);
	ck_assert(shim_timer_next(&next));
	/* After the VM is over nothing starts it any more. */
	pit_quiesce(vm);
	ck_assert_int_eq(pit_set_state(vm->pit, &s), 0);
	ck_assert(!shim_timer_next(&next));
	world_end();
	/* Port 0x61 only when asked for. */
	{
		struct kvmx_pit_config config = {};
		u8 val;

		world_full(1);
		ck_assert_int_eq(call(KVMX_CREATE_PIT2, NULL, &config, 0), 0);
		ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_PIO, 0x61, 1, &val), -EOPNOTSUPP);
		world_end();
	}
}
END_TEST

/* --- state --- */

static void round_trip(void)
{
	struct kvmx_pit_state2 before, after, fresh = {};

	ck_assert_int_eq(call(KVMX_GET_PIT2, NULL, &before, 0), 0);
	ck_assert_int_eq(call(KVMX_SET_PIT2, NULL, &fresh, 0), 0);
	ck_assert_int_eq(call(KVMX_SET_PIT2, NULL, &before, 0), 0);
	ck_assert_int_eq(call(KVMX_GET_PIT2, NULL, &after, 0), 0);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}

START_TEST(state)
{
	struct kvmx_pit_state2 s;
	u64 next;
	u32 i;

	create();
	round_trip();
	/* Who computes with a count that is not loaded must not divide by zero. */
	pit_get_state(vm->pit, &s);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(s.channels[i].count, 0x10000);
	ck_assert_int_eq(pit_set_state(vm->pit, &s), 0);
	ck_assert(!shim_timer_next(&next));
	ck_assert_uint_eq(status_of(0), 0xc6);
	/* Somebody's idea of a fresh one: the largest count, and it runs. */
	s.channels[0].status = 0;
	ck_assert_int_eq(pit_set_state(vm->pit, &s), 0);
	ck_assert(shim_timer_next(&next));
	load(0, 2, 1000);
	load(2, 0, 2000);
	port_write(0x61, 3);
	at_tick(300);
	port_write(0x61, 2);
	port_write(0x43, 0x40);
	port_write(0x40, 0x55);		/* half of a new count */
	round_trip();
	ck_assert_uint_eq(count_of(0), 700);
	ck_assert_uint_eq(count_of(2), 1700);
	ck_assert_uint_eq(port_read(0x61) & 3, 2);
	at_tick(999);
	ck_assert_int_eq(tick_taken(), -1);
	at_tick(1000);
	ck_assert_int_eq(tick_taken(), 0x20);
	port_write(0x40, 0x02);
	ck_assert_uint_eq(count_of(0), 0x255);
	/* A one-shot under way; and one that is over does not come again. */
	load(0, 0, 1000);
	at_tick(500);
	round_trip();
	at_tick(1000);
	ck_assert_int_eq(tick_taken(), 0x20);
	round_trip();
	at_tick(5000);
	ck_assert_int_eq(tick_taken(), -1);
	/* From a clock that is not ours: from now on. */
	load(0, 2, 1000);
	pit_get_state(vm->pit, &s);
	s.channels[0].count_load_time = ktime_get_ns() + NSEC_PER_SEC;
	s.channels[1].count_load_time = -1;
	shim_clock_advance(100000);
	ck_assert_int_eq(pit_set_state(vm->pit, &s), 0);
	ck_assert_uint_eq(count_of(0), 1000);
	/* The largest count waits for its trigger, and the status was latched before it came. */
	port_write(0x43, 0x72);
	port_write(0x43, 0xe4);
	port_write(0x41, 0);
	port_write(0x41, 0);
	round_trip();
	ck_assert_uint_eq(port_read(0x41), 0xf2);
	ck_assert_uint_eq(status_of(1), 0xb2);
	/* A latched status that does not know of a count that is missing: nobody had one. */
	pit_get_state(vm->pit, &s);
	s.channels[1].count = 0;
	s.channels[1].status_latched = 1;
	s.channels[1].status = 8;
	ck_assert_int_eq(pit_set_state(vm->pit, &s), 0);
	round_trip();
	s.channels[1].count = 0x10001;
	s.channels[0].count = 5;
	ck_assert_int_eq(pit_set_state(vm->pit, &s), -EINVAL);
	ck_assert_uint_eq(count_of(0), 1000);
	world_end();
}
END_TEST

START_TEST(random_operations)
{
	struct kvmx_pit_state2 s, t;
	unsigned long fired = 0;
	u64 start, next;
	u32 i, c, len;

	create();
	start = ktime_get_ns();
	for (i = 0; i < 300000; i++) {
		u64 val = unit_random_edge();

		switch (unit_random_below(8)) {
		case 0: case 1:
			port_write(0x40 + unit_random_below(4), val);
			break;
		case 2:
			port_read(0x40 + unit_random_below(4));
			break;
		case 3:
			port_write(0x61, val);
			port_read(0x61);
			break;
		case 4:
			fired += shim_clock_advance(unit_random_below(300000));
			break;
		case 5:
			tick_taken();
			break;
		case 6:
			len = 1 << unit_random_below(3);
			kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_PIO, 0x40, len, &val);
			kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_PIO, 0x40, len, &val);
			break;
		case 7:
			if (!unit_random_below(50)) {
				for (c = 0; c < sizeof(s); c++)
					((u8 *)&s)[c] = unit_random();
				for (c = 0; c < 3; c++) {
					s.channels[c].count &= 0x1ffff;
					if (unit_random() & 1)
						s.channels[c].count_load_time =
							unit_random_below(ktime_get_ns() * 2);
				}
				pit_set_state(vm->pit, &s);
			}
			break;
		}
		pit_get_state(vm->pit, &s);
		for (c = 0; c < 3; c++)
			ck_assert(s.channels[c].count <= 0x10000 && s.channels[c].mode < 6);
		ck_assert_uint_le(s.reserved[0], 100000);
		if (!unit_random_below(20)) {
			ck_assert_int_eq(pit_set_state(vm->pit, &s), 0);
			pit_get_state(vm->pit, &t);
			ck_assert_mem_eq(&s, &t, sizeof(s));
		}
		if (shim_timer_next(&next))
			ck_assert_uint_gt(next, ktime_get_ns());
	}
	/* Periods are bounded; one-shots cost the guest a write each. */
	ck_assert_uint_lt(fired, (ktime_get_ns() - start) / 200000 + i);
	unit_figure("random operations", i);
	world_end();
}
END_TEST

UNIT_MAIN("pit",
	UNIT_CASE("counters", mode_0, mode_2, mode_3, mode_4, modes_1_and_5, gate_stops_counting,
		  byte_orders_and_latches, decimal),
	UNIT_CASE("interrupts", no_drift, bound, reinjection, stopped),
	UNIT_CASE("state", state),
	UNIT_CASE("bad input", random_operations), NULL)
