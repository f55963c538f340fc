// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254: counting in modes 0, 2 and 3, latch and read-back, byte order,
 * channel 2's gate at port 0x61, and its rate.
 * Intel 8254 data sheet.
 */
#include "lib.h"

PROGRAM();

static void start(u8 channel, u8 mode, u16 count)
{
	outb(0x43, channel << 6 | 0x30 | mode << 1);
	outb(0x40 + channel, count);
	outb(0x40 + channel, count >> 8);
}

static u16 latch(u8 channel)
{
	u16 low;

	outb(0x43, channel << 6);
	low = inb(0x40 + channel);
	return low | inb(0x40 + channel) << 8;
}

static u8 status(u8 channel)
{
	outb(0x43, 0xe0 | 2 << channel);
	return inb(0x40 + channel);
}

/* The host may have been away for longer than 60000 counts take, 50 ms. */
static bool late(u64 begin)
{
	return rdtsc() - begin > 40ull * header.tsc_khz;
}

int main(void)
{
	u16 a, b;
	u64 begin, end;

	outb(0x21, 0xff);

	/* Mode 0: down to 0, then OUT is high and it counts on. */
	begin = rdtsc();
	start(0, 0, 60000);
	a = status(0);
	CHECK(!(a & 0x80) || late(begin), "mode 0: OUT is high before the end");
	CHECK_EQ("mode 0: status", a & 0x3f, 0x30);
	a = latch(0);
	CHECK(a <= 60000 || late(begin), "mode 0: the count is %u", a);
	sleep_ms(5);
	b = latch(0);
	CHECK(b < a || late(begin), "mode 0: the count went from %u to %u", a, b);
	sleep_ms(60);
	CHECK_EQ("mode 0: OUT after", status(0) & 0x80, 0x80);

	/* A latched count stays until it is read. */
	start(0, 2, 0);
	sleep_ms(1);
	outb(0x43, 0);
	sleep_ms(3);
	a = inb(0x40);
	a |= inb(0x40) << 8;
	b = latch(0);
	CHECK(a > b || b > a + 1000, "a latched count, %u, moved on: %u", a, b);
	/* Latched twice: the first counts. */
	outb(0x43, 0);
	sleep_ms(2);
	outb(0x43, 0);
	a = inb(0x40);
	a |= inb(0x40) << 8;
	b = latch(0);
	CHECK((u16)(a - b) > 1000, "the second latch replaced the first: %u, then %u", a, b);

	/* Mode 2: wraps at the initial count. */
	start(0, 2, 5000);
	for (int i = 0; i < 50; i++) {
		a = latch(0);
		CHECK(a >= 1 && a <= 5000, "mode 2: the count is %u", a);
	}
	CHECK_EQ("mode 2: status", status(0) & 0x3f, 0x34);

	/* Mode 3: in steps of two. */
	start(0, 3, 10000);
	for (int i = 0; i < 50; i++) {
		a = latch(0);
		CHECK(a <= 10000, "mode 3: the count is %u", a);
		CHECK(!(a & 1), "mode 3: the count is odd, %u", a);
	}
	CHECK_EQ("mode 3: status", status(0) & 0x3f, 0x36);

	/* One byte only. */
	outb(0x43, 0x14);
	outb(0x40, 200);
	a = inb(0x40);
	CHECK(a <= 200, "low byte only: %u", a);
	CHECK_EQ("low byte only: status", status(0) & 0x3f, 0x14);

	/* Channel 2: counts while its gate is open; OUT is bit 5 of port 0x61. */
	outb(0x61, 1);
	CHECK_EQ("port 0x61", inb(0x61) & 3, 1);
	begin = host(CALL_NOW, 0, 0, 0, 0).a;
	start(2, 0, 30000);
	CHECK_EQ("channel 2: OUT before", inb(0x61) & 0x20, 0);
	while (!(inb(0x61) & 0x20))
		;
	end = host(CALL_NOW, 0, 0, 0, 0).a;
	CHECK(end - begin > 25000000, "30000 counts took %lu us", (end - begin) / 1000);
	checks++;

	/* The rate, by the TSC: 20 ms are 23864 counts. */
	start(0, 2, 0);
	a = latch(0);
	begin = rdtsc();
	sleep_ms(20);
	b = latch(0);
	end = rdtsc();
	u64 expected = (end - begin) * 1193 / header.tsc_khz;
	u64 counted = (u16)(a - b);
	CHECK(expected > 60000 || (counted > expected / 2 && counted < expected * 2),
	      "%lu counts, expected %lu", counted, expected);
	return 0;
}
