// SPDX-License-Identifier: GPL-2.0-only
/* Power-off, reset and clock ports, and the bus that leads to them. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "layout.h"
#include "legacy.h"
#include "tests.h"

static struct legacy legacy;
static struct bus bus;
static unsigned int poweroffs, resets;

static void on_poweroff(void *opaque)
{
	(void)opaque;
	poweroffs++;
}

static void on_reset(void *opaque)
{
	(void)opaque;
	resets++;
}

static void setup(void)
{
	memset(&bus, 0, sizeof(bus));
	poweroffs = resets = 0;
	ck_assert_int_eq(legacy_init(&legacy, &bus, on_poweroff, on_reset, NULL), 0);
}

static void teardown(void)
{
	legacy_destroy(&legacy);
}

static uint32_t in(uint16_t port, unsigned int length)
{
	uint32_t value = 0;

	bus_access(&bus, port, length, false, &value);
	return value;
}

static bool out(uint16_t port, unsigned int length, uint32_t value)
{
	return bus_access(&bus, port, length, true, &value);
}

START_TEST(power_off)
{
	ck_assert_uint_eq(in(PM1_CONTROL_PORT, 2) & 1, 1);
	out(PM1_CONTROL_PORT, 2, 5 << 10);
	ck_assert_uint_eq(poweroffs, 0);
	ck_assert_uint_eq(in(PM1_CONTROL_PORT, 2), 5 << 10 | 1);
	out(PM1_CONTROL_PORT, 2, 3 << 10 | 1 << 13);
	ck_assert_uint_eq(poweroffs, 0);
	out(PM1_CONTROL_PORT, 2, 5 << 10 | 1 << 13);
	ck_assert_uint_eq(poweroffs, 1);
}
END_TEST

START_TEST(pm1_events)
{
	out(PM1_EVENT_PORT + 2, 2, 0x0120);
	ck_assert_uint_eq(in(PM1_EVENT_PORT, 4), 0x01200000);
	ck_assert_uint_eq(in(PM1_EVENT_PORT + 2, 2), 0x0120);
	ck_assert_uint_eq(in(PM1_EVENT_PORT, 2), 0);
	out(PM1_EVENT_PORT, 2, 0xffff);
	ck_assert_uint_eq(in(PM1_EVENT_PORT, 4), 0x01200000);
}
END_TEST

START_TEST(reset)
{
	out(RESET_PORT, 1, 2);
	ck_assert_uint_eq(resets, 0);
	out(RESET_PORT, 1, RESET_VALUE);
	ck_assert_uint_eq(resets, 1);
	ck_assert_uint_eq(in(I8042_COMMAND_PORT, 1), 0);
	out(I8042_COMMAND_PORT, 1, 0x20);
	ck_assert_uint_eq(resets, 1);
	out(I8042_COMMAND_PORT, 1, 0xfe);
	ck_assert_uint_eq(resets, 2);
}
END_TEST

static unsigned int cmos(uint8_t index)
{
	out(RTC_PORT, 1, index | 0x80);
	return in(RTC_PORT + 1, 1);
}

static int from_bcd(unsigned int v)
{
	return (v >> 4) * 10 + (v & 0xf);
}

START_TEST(clock_tells_the_time)
{
	time_t before = time(NULL), told;
	struct tm tm = { 0 };

	do {
		tm.tm_sec = from_bcd(cmos(0));
		tm.tm_min = from_bcd(cmos(2));
		tm.tm_hour = from_bcd(cmos(4));
		tm.tm_mday = from_bcd(cmos(7));
		tm.tm_mon = from_bcd(cmos(8)) - 1;
		tm.tm_year = from_bcd(cmos(9)) + from_bcd(cmos(0x32)) * 100 - 1900;
	} while (from_bcd(cmos(0)) != tm.tm_sec);
	told = timegm(&tm);
	ck_assert_int_ge(told, before);
	ck_assert_int_le(told, time(NULL));
	ck_assert_uint_eq(cmos(13), 0x80);
	out(RTC_PORT, 1, 0x7f);
	out(RTC_PORT + 1, 1, 0x99);
	ck_assert_uint_eq(cmos(0x7f), 0x99);
}
END_TEST

START_TEST(nobody_there)
{
	uint64_t value = 0;

	ck_assert(!bus_access(&bus, 0x1234, 4, false, &value));
	ck_assert_uint_eq(value, 0xffffffff);
	ck_assert(!out(0x1234, 4, 1));
	/* over the end of a range is not in it */
	ck_assert(!out(PM1_CONTROL_PORT, 4, 5 << 10 | 1 << 13));
	ck_assert(!out(RTC_PORT + 1, 2, 0));
	ck_assert(!bus_access(&bus, UINT64_MAX, 8, false, &value));
	ck_assert_uint_eq(poweroffs, 0);
}
END_TEST

START_TEST(bus_fills_up)
{
	static const struct bus_device none;
	int ret = 0;

	for (unsigned int i = 0; i <= BUS_RANGES; i++)
		ret = bus_add(&bus, 0x8000 + i, 1, &none, NULL);
	ck_assert_int_eq(ret, -ENOSPC);
}
END_TEST

TCase *legacy_tests(void)
{
	TCase *tc = tcase_create("legacy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, power_off);
	tcase_add_test(tc, pm1_events);
	tcase_add_test(tc, reset);
	tcase_add_test(tc, clock_tells_the_time);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, bus_fills_up);
	return tc;
}
