// SPDX-License-Identifier: GPL-2.0-only
/* A disk driven as a guest's driver drives it: registers, rings, requests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "tests.h"
#include "virtio_blk.h"

#define RAM	0x20000u
#define DESC	0x1000u
#define AVAIL	0x2000u
#define USED	0x3000u
#define HEAD	0x4000u
#define STATUS	0x4100u
#define DATA	0x8000u
#define SECTORS	64u

enum { NEXT = 1, WRITE = 2 };
enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8 };

static struct guest_ram ram;
static struct virtio_blk *blk;
static unsigned int interrupts;
static uint16_t offered;
static char path[64];

static void on_interrupt(void *opaque)
{
	(void)opaque;
	interrupts++;
}

static void reg_write(uint64_t offset, uint32_t value)
{
	virtio_mmio_device.write(&blk->virtio, offset, 4, value);
}

static uint32_t reg_read(uint64_t offset)
{
	return (uint32_t)virtio_mmio_device.read(&blk->virtio, offset, 4);
}

/* Virtio 1.2, 3.1.1 "Driver Requirements: Device Initialization" */
static void negotiate(void)
{
	reg_write(0x070, 0);
	reg_write(0x070, 1 | 2);
	reg_write(0x024, 1);
	reg_write(0x020, 1);		/* VERSION_1 */
	reg_write(0x024, 0);
	reg_write(0x020, 1 << 9);	/* FLUSH */
	reg_write(0x070, 1 | 2 | 8);
	ck_assert_uint_eq(reg_read(0x070), 1 | 2 | 8);
	reg_write(0x030, 0);
	reg_write(0x038, 8);
	reg_write(0x080, DESC);
	reg_write(0x090, AVAIL);
	reg_write(0x0a0, USED);
	reg_write(0x044, 1);
	ck_assert_uint_eq(reg_read(0x044), 1);
	reg_write(0x070, 1 | 2 | 4 | 8);
	offered = 0;
}

static void disk_open(bool read_only)
{
	uint8_t sector[512];
	int fd;

	strcpy(path, "/tmp/kvmx-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	for (unsigned int i = 0; i < SECTORS; i++) {
		memset(sector, i, sizeof(sector));
		ck_assert_int_eq(write(fd, sector, sizeof(sector)), 512);
	}
	/* half a sector more, which the guest must not see */
	ck_assert_int_eq(write(fd, sector, 256), 256);
	close(fd);
	ck_assert_int_eq(virtio_blk_open(path, read_only, &blk), 0);
	ram_make(&ram, 0, RAM);
	virtio_blk_init(blk, &ram, 0);
	blk->virtio.interrupt = on_interrupt;
	blk->virtio.notify_fd = eventfd(0, EFD_NONBLOCK);
	interrupts = 0;
	negotiate();
}

static void setup(void)
{
	disk_open(false);
}

static void teardown(void)
{
	close(blk->virtio.notify_fd);
	virtio_destroy(&blk->virtio);
	virtio_blk_close(blk);
	ram_free(&ram);
	unlink(path);
}

static uint8_t *at(uint64_t address)
{
	return guest_ram_pointer(&ram, address, 1);
}

static void desc(unsigned int i, uint64_t address, uint32_t length,
		 uint16_t flags, uint16_t next)
{
	uint8_t *p = guest_ram_pointer(&ram, DESC + 16 * i, 16);

	memcpy(p, &address, 8);
	memcpy(p + 8, &length, 4);
	memcpy(p + 12, &flags, 2);
	memcpy(p + 14, &next, 2);
}

static void head(uint32_t type, uint64_t sector)
{
	uint32_t zero = 0;

	memcpy(at(HEAD), &type, 4);
	memcpy(at(HEAD + 4), &zero, 4);
	memcpy(at(HEAD + 8), &sector, 8);
}

static void offer(uint16_t index)
{
	memcpy(at(AVAIL + 4 + 2 * (offered % 8)), &index, 2);
	offered++;
	memcpy(at(AVAIL + 2), &offered, 2);
	virtio_blk_serve(blk);
}

/* One request with one data buffer; returns its status byte. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t bytes)
{
	head(type, sector);
	*at(STATUS) = 0xee;
	desc(0, HEAD, 16, NEXT, 1);
	desc(1, DATA, bytes, NEXT | (type == OUT ? 0 : WRITE), 2);
	desc(2, STATUS, 1, WRITE, 0);
	offer(0);
	return *at(STATUS);
}

static uint32_t used_length(void)
{
	uint32_t length;

	memcpy(&length, at(USED + 4 + 8 * ((offered - 1) % 8) + 4), 4);
	return length;
}

START_TEST(identity)
{
	uint64_t sectors;

	ck_assert_uint_eq(reg_read(0x000), 0x74726976);
	ck_assert_uint_eq(reg_read(0x004), 2);
	ck_assert_uint_eq(reg_read(0x008), 2);
	sectors = virtio_mmio_device.read(&blk->virtio, 0x100, 8);
	ck_assert_uint_eq(sectors, SECTORS);
	reg_write(0x030, 1);
	ck_assert_uint_eq(reg_read(0x034), 0);
	reg_write(0x030, 0);
	ck_assert_uint_eq(reg_read(0x034), QUEUE_SIZE_MAX);
}
END_TEST

START_TEST(read_and_write)
{
	ck_assert_uint_eq(request(IN, 5, 1024), 0);
	ck_assert_uint_eq(*at(DATA), 5);
	ck_assert_uint_eq(*at(DATA + 1023), 6);
	ck_assert_uint_eq(used_length(), 1025);
	ck_assert_uint_eq(interrupts, 1);
	ck_assert_uint_eq(reg_read(0x060), 1);
	reg_write(0x064, 1);
	ck_assert_uint_eq(reg_read(0x060), 0);

	memset(at(DATA), 0xab, 512);
	ck_assert_uint_eq(request(OUT, 63, 512), 0);
	ck_assert_uint_eq(used_length(), 1);
	memset(at(DATA), 0, 512);
	ck_assert_uint_eq(request(IN, 63, 512), 0);
	ck_assert_uint_eq(*at(DATA + 511), 0xab);
	ck_assert_uint_eq(request(FLUSH, 0, 0), 0);
}
END_TEST

START_TEST(bounds)
{
	ck_assert_uint_eq(request(IN, SECTORS, 512), 1);
	ck_assert_uint_eq(used_length(), 1);
	ck_assert_uint_eq(request(IN, SECTORS - 1, 1024), 1);
	ck_assert_uint_eq(request(IN, UINT64_MAX, 512), 1);
	ck_assert_uint_eq(request(IN, UINT64_MAX / 512, 512), 1);
	ck_assert_uint_eq(request(OUT, SECTORS, 512), 1);
	ck_assert_uint_eq(request(IN, 0, 100), 1);
	ck_assert_uint_eq(request(99, 0, 512), 2);
	ck_assert_uint_eq(request(IN, SECTORS - 1, 512), 0);
}
END_TEST

START_TEST(serial_number)
{
	ck_assert_uint_eq(request(GET_ID, 0, 20), 0);
	ck_assert_str_eq((char *)at(DATA), "kvmx-disk-0");
}
END_TEST

/* Any framing is allowed: the head in two pieces, the status with the data. */
START_TEST(odd_framing)
{
	head(IN, 7);
	desc(0, HEAD, 5, NEXT, 1);
	desc(1, HEAD + 5, 11, NEXT, 2);
	desc(2, DATA, 512 + 1, WRITE, 0);
	offer(0);
	ck_assert_uint_eq(*at(DATA + 511), 7);
	ck_assert_uint_eq(*at(DATA + 512), 0);
}
END_TEST

START_TEST(no_head)
{
	*at(STATUS) = 0xee;
	desc(0, HEAD, 15, NEXT, 1);
	desc(1, STATUS, 1, WRITE, 0);
	offer(0);
	ck_assert_uint_eq(*at(STATUS), 1);
}
END_TEST

START_TEST(no_status)
{
	head(OUT, 0);
	desc(0, HEAD, 16, NEXT, 1);
	desc(1, DATA, 512, 0, 0);
	offer(0);
	ck_assert_uint_ne(reg_read(0x070) & 0x40, 0);
	ck_assert_uint_eq(reg_read(0x060) & 2, 2);
	/* Reset heals it. */
	negotiate();
	memset(at(AVAIL), 0, 64);
	memset(at(USED), 0, 128);
	ck_assert_uint_eq(request(IN, 1, 512), 0);
}
END_TEST

START_TEST(broken_queue)
{
	desc(0, RAM, 16, 0, 0);
	offer(0);
	ck_assert_uint_ne(reg_read(0x070) & 0x40, 0);
	/* It cannot be talked away. */
	reg_write(0x070, 1 | 2 | 4 | 8);
	ck_assert_uint_ne(reg_read(0x070) & 0x40, 0);
}
END_TEST

START_TEST(refused_features)
{
	reg_write(0x070, 0);
	reg_write(0x070, 1 | 2);
	/* no VERSION_1 */
	reg_write(0x070, 1 | 2 | 8);
	ck_assert_uint_eq(reg_read(0x070) & 8, 0);
	/* something that was not offered */
	reg_write(0x024, 1);
	reg_write(0x020, 1 | 2);
	reg_write(0x070, 1 | 2 | 8);
	ck_assert_uint_eq(reg_read(0x070) & 8, 0);
}
END_TEST

START_TEST(set_up_is_fixed_while_ready)
{
	reg_write(0x080, 0x10000);
	reg_write(0x038, 256);
	ck_assert_uint_eq(request(IN, 2, 512), 0);
	ck_assert_uint_eq(*at(DATA), 2);
}
END_TEST

START_TEST(nothing_before_driver_ok)
{
	reg_write(0x070, 0);
	*at(STATUS) = 0xee;
	ck_assert_uint_eq(request(IN, 0, 512), 0xee);
	ck_assert_uint_eq(interrupts, 0);
}
END_TEST

START_TEST(write_protected)
{
	teardown();
	disk_open(true);
	reg_write(0x014, 0);
	ck_assert_uint_ne(reg_read(0x010) & (1 << 5), 0);
	ck_assert_uint_eq(request(OUT, 0, 512), 1);
	ck_assert_uint_eq(request(IN, 0, 512), 0);
	ck_assert_uint_eq(*at(DATA), 0);
}
END_TEST

START_TEST(files)
{
	struct virtio_blk *other;

	ck_assert_int_eq(virtio_blk_open("/nonexistent", true, &other), -ENOENT);
	ck_assert_int_eq(virtio_blk_open("/tmp", true, &other), -EINVAL);
	ck_assert_int_eq(virtio_blk_open("/dev/null", true, &other), -EINVAL);
}
END_TEST

/* Any register, any value, and the rings full of noise. */
START_TEST(random_driver)
{
	srandom(3);
	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t offset = random() % 0x200;
		unsigned int length = 1 << random() % 4;

		if (random() % 4)
			offset &= ~UINT64_C(3);
		if (random() % 2)
			virtio_mmio_device.write(&blk->virtio, offset,
					random() % 2 ? 4 : length,
					random() % 4 ? (uint64_t)random() % RAM :
					(uint64_t)random() << 32 | random());
		else
			virtio_mmio_device.read(&blk->virtio, offset, length);
		if (random() % 64 == 0) {
			memset(at(AVAIL), 0, 64);
			negotiate();
		}
		for (unsigned int n = 0; n < 4; n++)
			*at(DESC + random() % 0x4000) = (uint8_t)random();
		virtio_blk_serve(blk);
	}
}
END_TEST

TCase *virtio_blk_tests(void)
{
	TCase *tc = tcase_create("virtio_blk");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, identity);
	tcase_add_test(tc, read_and_write);
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, serial_number);
	tcase_add_test(tc, odd_framing);
	tcase_add_test(tc, no_head);
	tcase_add_test(tc, no_status);
	tcase_add_test(tc, broken_queue);
	tcase_add_test(tc, refused_features);
	tcase_add_test(tc, set_up_is_fixed_while_ready);
	tcase_add_test(tc, nothing_before_driver_ok);
	tcase_add_test(tc, write_protected);
	tcase_add_test(tc, files);
	tcase_add_test(tc, random_driver);
	return tc;
}
