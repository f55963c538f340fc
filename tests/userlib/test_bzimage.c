// SPDX-License-Identifier: GPL-2.0-only
/* The kernel image's header: what is taken, what is refused, and where to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bzimage.h"
#include "fake_bzimage.h"
#include "tests.h"

struct setup_header *fake_bzimage(uint8_t *file)
{
	struct setup_header *h = (struct setup_header *)(file + 0x1f1);

	memset(file, 0, FAKE_SIZE);
	for (unsigned int i = 0; i < FAKE_PAYLOAD; i++)
		file[FAKE_SETUP + i] = (uint8_t)(i * 7);
	h->setup_sects = 2;
	h->syssize = (FAKE_PAYLOAD + 15) / 16;
	h->boot_flag = 0xaa55;
	h->jump = 0x6aeb;	/* short jump to 0x26c */
	h->header = 0x53726448;
	h->version = 0x020f;
	h->loadflags = LOADED_HIGH;
	h->xloadflags = XLF_KERNEL_64;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->pref_address = 0x1000000;
	h->init_size = 0x800000;
	h->initrd_addr_max = 0x7fffffff;
	h->cmdline_size = 2047;
	return h;
}

/* setup_header lies unaligned in the file: fields are patched by offset. */
static void patch(uint8_t *file, size_t field, const void *value, size_t size)
{
	memcpy(file + 0x1f1 + field, value, size);
}

#define PATCH(file, field, value) do {					\
	__typeof__(((struct setup_header *)0)->field) v_ = (value);	\
	patch(file, offsetof(struct setup_header, field), &v_, sizeof(v_)); \
} while (0)

static int parse(const uint8_t *file, size_t size, struct bzimage *image)
{
	/* A copy of exactly that size: reading beyond it is an error. */
	uint8_t *copy = malloc(size ? size : 1);
	const char *why;
	int ret;

	memcpy(copy, file, size);
	ret = bzimage_parse(copy, size, image, &why);
	ck_assert(ret ? why != NULL : why == NULL);
	if (!ret) {
		ck_assert(image->payload >= copy);
		ck_assert_uint_le(image->payload_size,
				  size - (image->payload - copy));
		image->payload = file + (image->payload - copy);
	}
	free(copy);
	return ret;
}

START_TEST(good)
{
	uint8_t file[FAKE_SIZE];
	struct bzimage image;

	fake_bzimage(file);
	ck_assert_int_eq(parse(file, sizeof(file), &image), 0);
	ck_assert_ptr_eq(image.payload, file + FAKE_SETUP);
	ck_assert_uint_eq(image.payload_size, FAKE_PAYLOAD);
	ck_assert_uint_eq(image.run_size, 0x800000);
	ck_assert_uint_eq(image.cmdline_max, 2047);
	ck_assert_uint_eq(image.initrd_max, 0x7fffffff);
}
END_TEST

START_TEST(truncated)
{
	uint8_t file[FAKE_SIZE];
	struct bzimage image;

	fake_bzimage(file);
	/* the last paragraph may be partial, no other */
	for (size_t size = 0; size <= FAKE_SETUP + FAKE_PAYLOAD / 16 * 16; size++)
		ck_assert_int_eq(parse(file, size, &image), -ENOEXEC);
}
END_TEST

START_TEST(refused)
{
	uint8_t file[FAKE_SIZE];
	struct bzimage image;

	fake_bzimage(file);
	PATCH(file, boot_flag, 0xaa54);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
	fake_bzimage(file);
	PATCH(file, header, 0);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
	fake_bzimage(file);
	PATCH(file, version, 0x020b);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
	fake_bzimage(file);
	PATCH(file, loadflags, 0);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
	fake_bzimage(file);
	PATCH(file, xloadflags, 0);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
	fake_bzimage(file);
	PATCH(file, kernel_alignment, 0x180000);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
	fake_bzimage(file);
	PATCH(file, kernel_alignment, 0);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
	fake_bzimage(file);
	PATCH(file, syssize, 0xffffffff);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
	fake_bzimage(file);
	PATCH(file, setup_sects, 255);
	ck_assert_int_eq(parse(file, sizeof(file), &image), -ENOEXEC);
}
END_TEST

/* An old kernel's header ends before the fields of newer protocols. */
START_TEST(short_header)
{
	uint8_t file[FAKE_SIZE];
	struct bzimage image;

	fake_bzimage(file);
	file[0x201] = 0x258 - 0x202;	/* pref_address and on are code */
	ck_assert_int_eq(parse(file, sizeof(file), &image), 0);
	ck_assert_uint_eq(image.header.pref_address, 0);
	ck_assert_uint_eq(image.header.init_size, 0);
	ck_assert_uint_eq(image.run_size, FAKE_PAYLOAD);
}
END_TEST

START_TEST(random_headers)
{
	uint8_t file[FAKE_SIZE];
	struct bzimage image;
	unsigned int accepted = 0;

	srandom(1);
	for (unsigned int i = 0; i < 50000; i++) {
		fake_bzimage(file);
		for (unsigned int n = random() % 6; n; n--)
			file[0x1f1 + random() % 0x7b] = (uint8_t)random();
		if (!parse(file, random() % 2 ? sizeof(file) :
			   (size_t)random() % sizeof(file), &image)) {
			uint64_t address;

			accepted++;
			if (!bzimage_place(&image, UINT64_C(512) << 20, &address)) {
				ck_assert_uint_ge(address, 0x100000);
				ck_assert_uint_le(address + image.payload_size,
						  UINT64_C(512) << 20);
			}
		}
	}
	ck_assert_uint_gt(accepted, 1000);
}
END_TEST

START_TEST(placement)
{
	struct bzimage image = {
		.header = {
			.pref_address = 0x1000000,
			.kernel_alignment = 0x200000,
			.relocatable_kernel = 1,
		},
		.run_size = 0x800000,
	};
	uint64_t address;

	ck_assert_int_eq(bzimage_place(&image, 0x1800000, &address), 0);
	ck_assert_uint_eq(address, 0x1000000);
	/* one byte short there: as low as its alignment lets it */
	ck_assert_int_eq(bzimage_place(&image, 0x17fffff, &address), 0);
	ck_assert_uint_eq(address, 0x200000);
	ck_assert_int_eq(bzimage_place(&image, 0x9fffff, &address), -ENOSPC);
	image.header.relocatable_kernel = 0;
	ck_assert_int_eq(bzimage_place(&image, 0x17fffff, &address), -ENOSPC);
	image.header.pref_address = UINT64_MAX - 0x1000;
	ck_assert_int_eq(bzimage_place(&image, 0x10000000, &address), -ENOSPC);
	image.header.pref_address = 0x1000000;
	image.run_size = UINT64_MAX;
	ck_assert_int_eq(bzimage_place(&image, 0x10000000, &address), -ENOSPC);
}
END_TEST

TCase *bzimage_tests(void)
{
	TCase *tc = tcase_create("bzimage");

	tcase_add_test(tc, good);
	tcase_add_test(tc, truncated);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, short_header);
	tcase_add_test(tc, random_headers);
	tcase_add_test(tc, placement);
	return tc;
}
