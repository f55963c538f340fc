// SPDX-License-Identifier: GPL-2.0-only
/* Virtqueues of honest drivers, of lying ones, and of random bytes. */
#include <stdlib.h>
#include <string.h>
#include "tests.h"
#include "virtqueue.h"

#define BASE	UINT64_C(0x100000)
#define RAM	0x10000u
#define SIZE	8u
#define DESC	BASE
#define AVAIL	(BASE + 0x1000)
#define USED	(BASE + 0x2000)
#define TABLE	(BASE + 0x3000)
#define DATA	(BASE + 0x4000)

enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

static struct guest_ram ram;
static struct virtqueue q;
static struct chain chain;

static void setup(void)
{
	ram_make(&ram, BASE, RAM);
	virtqueue_reset(&q, &ram);
	q.size = SIZE;
	q.desc_address = DESC;
	q.avail_address = AVAIL;
	q.used_address = USED;
	ck_assert(virtqueue_start(&q));
}

static void teardown(void)
{
	ram_free(&ram);
}

static void put16(uint64_t address, uint16_t v)
{
	memcpy(guest_ram_pointer(&ram, address, 2), &v, 2);
}

static void desc(uint64_t table, unsigned int i, uint64_t address,
		 uint32_t length, uint16_t flags, uint16_t next)
{
	uint8_t *p = guest_ram_pointer(&ram, table + 16 * i, 16);

	memcpy(p, &address, 8);
	memcpy(p + 8, &length, 4);
	memcpy(p + 12, &flags, 2);
	memcpy(p + 14, &next, 2);
}

/* Puts @head into the avail ring as entry @n, and tells the device. */
static void offer(uint16_t n, uint16_t head)
{
	put16(AVAIL + 4 + 2 * (n % SIZE), head);
	put16(AVAIL + 2, n + 1);
}

static bool pop(void)
{
	return virtqueue_pop(&q, &chain);
}

START_TEST(direct_chain)
{
	const uint32_t *used;

	desc(DESC, 3, DATA, 16, NEXT, 1);
	desc(DESC, 1, DATA + 0x100, 512, NEXT | WRITE, 7);
	desc(DESC, 7, DATA + 0x800, 1, WRITE, 0);
	ck_assert(!pop());
	offer(0, 3);
	ck_assert(virtqueue_has_more(&q));
	ck_assert(pop());
	ck_assert_uint_eq(chain.head, 3);
	ck_assert_uint_eq(chain.out_count, 1);
	ck_assert_uint_eq(chain.in_count, 2);
	ck_assert_uint_eq(chain.out_bytes, 16);
	ck_assert_uint_eq(chain.in_bytes, 513);
	ck_assert_ptr_eq(chain.iov[2].iov_base,
			 guest_ram_pointer(&ram, DATA + 0x800, 1));
	ck_assert(!pop());
	ck_assert(!q.broken);
	virtqueue_push(&q, chain.head, 513);
	used = guest_ram_pointer(&ram, USED, 12);
	ck_assert_uint_eq(used[0] >> 16, 1);
	ck_assert_uint_eq(used[1], 3);
	ck_assert_uint_eq(used[2], 513);
}
END_TEST

START_TEST(index_wraps)
{
	desc(DESC, 0, DATA, 1, WRITE, 0);
	for (uint32_t n = 0; n < 70000; n++) {
		offer((uint16_t)n, 0);
		ck_assert(pop());
		virtqueue_push(&q, chain.head, 1);
	}
	ck_assert(!pop());
	ck_assert(!q.broken);
}
END_TEST

START_TEST(indirect_chain)
{
	desc(TABLE, 0, DATA, 16, NEXT, 2);
	desc(TABLE, 2, DATA + 16, 8, WRITE, 0);
	desc(DESC, 0, TABLE, 3 * 16, INDIRECT, 0);
	offer(0, 0);
	ck_assert(pop());
	ck_assert_uint_eq(chain.out_bytes, 16);
	ck_assert_uint_eq(chain.in_bytes, 8);
}
END_TEST

/* Each of these lies in another way; the queue must break, and stay so. */
static const struct lie {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next, head;
} lies[] = {
	{ BASE - 1, 1, 0, 0, 0 },			/* before memory */
	{ BASE + RAM - 1, 2, 0, 0, 0 },			/* over its end */
	{ BASE + RAM, 1, 0, 0, 0 },
	{ UINT64_MAX, 1, 0, 0, 0 },			/* wraps */
	{ UINT64_MAX - 15, 0xffffffff, WRITE, 0, 0 },
	{ BASE, 0xffffffff, WRITE, 0, 0 },
	{ DATA, 1, NEXT, SIZE, 0 },			/* beyond the table */
	{ DATA, 1, NEXT, 0xffff, 0 },
	{ DATA, 1, NEXT, 0, 0 },			/* a loop */
	{ DATA, 1, 0, 0, SIZE },			/* no such head */
	{ DATA, 1, 0, 0, 0xffff },
	{ TABLE, 0, INDIRECT, 0, 0 },			/* an empty table */
	{ TABLE, 15, INDIRECT, 0, 0 },
	{ TABLE, 16 * 257, INDIRECT, 0, 0 },		/* an endless one */
	{ TABLE, 0xfffffff0, INDIRECT, 0, 0 },
	{ BASE + RAM - 8, 16, INDIRECT, 0, 0 },
	{ TABLE, 16, INDIRECT | NEXT, 1, 0 },		/* more after it */
};

START_TEST(lies_break_it)
{
	const struct lie *l = &lies[_i];

	desc(TABLE, 0, DATA, 1, 0, 0);
	desc(DESC, 1, DATA, 1, 0, 0);
	desc(DESC, 0, l->address, l->length, l->flags, l->next);
	offer(0, l->head);
	ck_assert(!pop());
	ck_assert(q.broken);
	ck_assert(!virtqueue_has_more(&q));
	/* Telling the truth now does not help. */
	desc(DESC, 0, DATA, 1, 0, 0);
	offer(0, 0);
	ck_assert(!pop());
}
END_TEST

START_TEST(nested_indirect)
{
	desc(TABLE, 0, TABLE, 16, INDIRECT, 0);
	desc(DESC, 0, TABLE, 16, INDIRECT, 0);
	offer(0, 0);
	ck_assert(!pop());
	ck_assert(q.broken);
}
END_TEST

START_TEST(read_after_write)
{
	desc(DESC, 0, DATA, 1, NEXT | WRITE, 1);
	desc(DESC, 1, DATA, 1, 0, 0);
	offer(0, 0);
	ck_assert(!pop());
	ck_assert(q.broken);
}
END_TEST

START_TEST(more_waiting_than_entries)
{
	desc(DESC, 0, DATA, 1, 0, 0);
	put16(AVAIL + 2, SIZE + 1);
	ck_assert(!pop());
	ck_assert(q.broken);
}
END_TEST

START_TEST(too_many_buffers)
{
	struct guest_ram *r = &ram;

	for (unsigned int i = 0; i < 256; i++)
		desc(BASE + 0x8000, i, DATA, 1, i < CHAIN_MAX ? NEXT : 0, i + 1);
	desc(DESC, 0, BASE + 0x8000, 16 * 256, INDIRECT, 0);
	offer(0, 0);
	ck_assert(!pop());
	ck_assert(q.broken);
	virtqueue_reset(&q, r);
	q.size = SIZE;
	q.desc_address = DESC;
	q.avail_address = AVAIL;
	q.used_address = USED;
	ck_assert(virtqueue_start(&q));
	desc(BASE + 0x8000, CHAIN_MAX - 1, DATA, 1, 0, 0);
	ck_assert(pop());
	ck_assert_uint_eq(chain.out_count, CHAIN_MAX);
}
END_TEST

START_TEST(bad_set_up)
{
	static const struct {
		uint32_t size;
		uint64_t desc, avail, used;
	} bad[] = {
		{ 0, DESC, AVAIL, USED },
		{ 3, DESC, AVAIL, USED },
		{ 512, DESC, AVAIL, USED },
		{ 0x80000000, DESC, AVAIL, USED },
		{ SIZE, DESC + 8, AVAIL, USED },
		{ SIZE, DESC, AVAIL + 1, USED },
		{ SIZE, DESC, AVAIL, USED + 2 },
		{ SIZE, BASE + RAM - 64, AVAIL, USED },
		{ SIZE, DESC, BASE + RAM - 16, USED },
		{ SIZE, DESC, AVAIL, BASE + RAM - 64 },
		{ SIZE, UINT64_MAX - 15, AVAIL, USED },
		{ SIZE, 0, AVAIL, USED },
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		virtqueue_reset(&q, &ram);
		q.size = bad[i].size;
		q.desc_address = bad[i].desc;
		q.avail_address = bad[i].avail;
		q.used_address = bad[i].used;
		ck_assert(!virtqueue_start(&q));
		ck_assert(!pop());
		ck_assert(!virtqueue_wants_interrupt(&q));
	}
}
END_TEST

START_TEST(flags)
{
	ck_assert(virtqueue_wants_interrupt(&q));
	put16(AVAIL, 1);
	ck_assert(!virtqueue_wants_interrupt(&q));
	virtqueue_suppress_notify(&q, true);
	ck_assert_uint_eq(*(uint16_t *)guest_ram_pointer(&ram, USED, 2), 1);
	virtqueue_suppress_notify(&q, false);
	ck_assert_uint_eq(*(uint16_t *)guest_ram_pointer(&ram, USED, 2), 0);
}
END_TEST

/* Mostly plausible rings: whatever is popped must lie in memory, all of it. */
START_TEST(random_rings)
{
	unsigned int popped = 0, broken = 0;

	srandom(7);
	for (unsigned int round = 0; round < 20000; round++) {
		virtqueue_reset(&q, &ram);
		q.size = SIZE;
		q.desc_address = DESC;
		q.avail_address = AVAIL;
		q.used_address = USED;
		ck_assert(virtqueue_start(&q));
		for (unsigned int i = 0; i < SIZE; i++) {
			bool wild = random() % 16 == 0;
			bool indirect = random() % 8 == 0;

			desc(DESC, i, wild ? BASE + random() % (2 * RAM) :
			     indirect ? TABLE : DATA,
			     wild ? random() : indirect ? 16 * (random() % 12) : 64,
			     random() % 4 | (indirect ? INDIRECT : 0),
			     random() % (SIZE + 1));
			desc(TABLE, i, DATA, random() % 100, random() % 4,
			     random() % (SIZE + 1));
			put16(AVAIL + 4 + 2 * i, random() % (SIZE + 1));
		}
		put16(AVAIL + 2, random() % (SIZE + 2));
		while (pop()) {
			popped++;
			for (unsigned int i = 0;
			     i < chain.out_count + chain.in_count; i++) {
				uint8_t *p = chain.iov[i].iov_base;
				size_t offset = p - ram.range[0].host;

				ck_assert_uint_le(offset, RAM);
				ck_assert_uint_le(chain.iov[i].iov_len,
						  RAM - offset);
			}
			virtqueue_push(&q, chain.head, 0);
		}
		broken += q.broken;
	}
	ck_assert_uint_gt(popped, 1000);
	ck_assert_uint_gt(broken, 1000);
}
END_TEST

TCase *virtqueue_tests(void)
{
	TCase *tc = tcase_create("virtqueue");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, direct_chain);
	tcase_add_test(tc, index_wraps);
	tcase_add_test(tc, indirect_chain);
	tcase_add_loop_test(tc, lies_break_it, 0, sizeof(lies) / sizeof(lies[0]));
	tcase_add_test(tc, nested_indirect);
	tcase_add_test(tc, read_after_write);
	tcase_add_test(tc, more_waiting_than_entries);
	tcase_add_test(tc, too_many_buffers);
	tcase_add_test(tc, bad_set_up);
	tcase_add_test(tc, flags);
	tcase_add_test(tc, random_rings);
	return tc;
}
