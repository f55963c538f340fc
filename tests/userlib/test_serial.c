// SPDX-License-Identifier: GPL-2.0-only
/* The serial port as a driver sees it: bytes, interrupts, probing. */
#include <string.h>
#include "serial.h"
#include "tests.h"

static struct serial serial;
static char sent[16];
static unsigned int sent_count, edges;
static int level;

static void on_transmit(void *opaque, uint8_t byte)
{
	(void)opaque;
	if (sent_count < sizeof(sent))
		sent[sent_count++] = byte;
}

static void on_irq(void *opaque, int to)
{
	(void)opaque;
	ck_assert_int_ne(level, to);
	edges += to;
	level = to;
}

static void setup(void)
{
	sent_count = edges = 0;
	level = 0;
	serial_init(&serial, on_transmit, on_irq, NULL);
}

static void teardown(void)
{
	serial_destroy(&serial);
}

static uint8_t in(unsigned int reg)
{
	return (uint8_t)serial_device.read(&serial, reg, 1);
}

static void out(unsigned int reg, uint8_t value)
{
	serial_device.write(&serial, reg, 1, value);
}

START_TEST(transmit)
{
	out(0, 'o');
	out(0, 'k');
	ck_assert_mem_eq(sent, "ok", 2);
	ck_assert_uint_eq(in(5) & 0x60, 0x60);
	ck_assert_uint_eq(edges, 0);
}
END_TEST

/* Each byte sent makes a new edge, or an edge-triggered driver would stall. */
START_TEST(transmit_interrupts)
{
	out(1, 2);
	ck_assert_int_eq(level, 1);
	ck_assert_uint_eq(in(2) & 0xf, 2);
	ck_assert_int_eq(level, 0);
	ck_assert_uint_eq(in(2) & 0xf, 1);
	out(0, 'x');
	out(0, 'y');
	ck_assert_uint_eq(edges, 3);
	out(1, 0);
	ck_assert_int_eq(level, 0);
	out(1, 2);
	ck_assert_uint_eq(in(2) & 0xf, 2);
}
END_TEST

START_TEST(receive)
{
	serial_receive(&serial, (const uint8_t *)"hi", 2);
	ck_assert_int_eq(level, 0);
	out(1, 1);
	ck_assert_int_eq(level, 1);
	ck_assert_uint_eq(in(2) & 0xf, 4);
	ck_assert_uint_eq(in(5) & 1, 1);
	ck_assert_uint_eq(in(0), 'h');
	ck_assert_int_eq(level, 1);
	ck_assert_uint_eq(in(0), 'i');
	ck_assert_int_eq(level, 0);
	ck_assert_uint_eq(in(5) & 1, 0);
	ck_assert_uint_eq(in(0), 0);
}
END_TEST

START_TEST(overrun)
{
	static uint8_t flood[SERIAL_QUEUE + 100];

	for (unsigned int i = 0; i < sizeof(flood); i++)
		flood[i] = (uint8_t)i;
	ck_assert_uint_eq(serial_room(&serial), SERIAL_QUEUE);
	serial_receive(&serial, flood, sizeof(flood));
	ck_assert_uint_eq(serial_room(&serial), 0);
	for (unsigned int i = 0; i < SERIAL_QUEUE; i++)
		ck_assert_uint_eq(in(0), (uint8_t)i);
	ck_assert_uint_eq(in(5) & 1, 0);
	serial_receive(&serial, flood, 8);
	out(2, 1 | 2);
	ck_assert_uint_eq(in(5) & 1, 0);
	ck_assert_uint_eq(in(2), 0xc1);
}
END_TEST

/* How drivers tell a 16550A from nothing. */
START_TEST(probing)
{
	out(7, 0x5a);
	ck_assert_uint_eq(in(7), 0x5a);
	out(3, 0x80);
	out(0, 1);
	out(1, 2);
	ck_assert_uint_eq(in(0), 1);
	ck_assert_uint_eq(in(1), 2);
	out(3, 3);
	ck_assert_uint_eq(in(1), 0);
	out(4, 0x1a);
	ck_assert_uint_eq(in(6) & 0xf0, 0x90);
	out(0, 'L');
	ck_assert_uint_eq(in(0), 'L');
	ck_assert_uint_eq(sent_count, 0);
}
END_TEST

TCase *serial_tests(void)
{
	TCase *tc = tcase_create("serial");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, transmit);
	tcase_add_test(tc, transmit_interrupts);
	tcase_add_test(tc, receive);
	tcase_add_test(tc, overrun);
	tcase_add_test(tc, probing);
	return tc;
}
