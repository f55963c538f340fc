// SPDX-License-Identifier: GPL-2.0-only
/* A kernel and an initrd in guest memory, with the zero page that tells of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "boot.h"
#include "fake_bzimage.h"
#include "layout.h"
#include "tests.h"

#define RAM (UINT64_C(64) << 20)

static char kernel_path[64], initrd_path[64];

static void file_write(char *path, const void *data, size_t size)
{
	int fd;

	strcpy(path, "/tmp/kvmx-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static void files_make(size_t initrd_size)
{
	uint8_t kernel[FAKE_SIZE];
	uint8_t *initrd = malloc(initrd_size);

	fake_bzimage(kernel);
	file_write(kernel_path, kernel, sizeof(kernel));
	memset(initrd, 0x5a, initrd_size);
	file_write(initrd_path, initrd, initrd_size);
	free(initrd);
}

static void files_remove(void)
{
	unlink(kernel_path);
	unlink(initrd_path);
}

static int load(const struct guest_ram *ram, const char *cmdline, uint64_t *entry)
{
	const struct boot_files files = { kernel_path, initrd_path, cmdline };

	return boot_load(ram, &files, ACPI_ADDRESS, entry);
}

START_TEST(loaded)
{
	const struct boot_params *zero;
	const uint8_t *kernel;
	struct guest_ram ram;
	uint64_t entry, start;

	files_make(5000);
	ram_make(&ram, 0, RAM);
	ck_assert_int_eq(load(&ram, "console=ttyS0", &entry), 0);
	ck_assert_uint_eq(entry, 0x1000200);
	kernel = guest_ram_pointer(&ram, 0x1000000, FAKE_PAYLOAD);
	for (unsigned int i = 0; i < FAKE_PAYLOAD; i++)
		ck_assert_uint_eq(kernel[i], (uint8_t)(i * 7));
	zero = guest_ram_pointer(&ram, ZERO_PAGE_ADDRESS, sizeof(*zero));
	ck_assert_uint_eq(zero->acpi_rsdp_addr, ACPI_ADDRESS);
	ck_assert_str_eq(guest_ram_pointer(&ram, zero->hdr.cmd_line_ptr, 64),
			 "console=ttyS0");
	ck_assert_uint_eq(zero->hdr.ramdisk_size, 5000);
	start = zero->hdr.ramdisk_image;
	ck_assert_uint_eq(start % 4096, 0);
	ck_assert_uint_le(start + 5000, RAM);
	ck_assert_uint_gt(start + 5000 + 4096, RAM);
	ck_assert_uint_eq(*(uint8_t *)guest_ram_pointer(&ram, start + 4999, 1), 0x5a);
	ram_free(&ram);
	files_remove();
}
END_TEST

/* The map must name all memory, no byte twice, and keep the tables out of it. */
START_TEST(memory_map)
{
	const struct boot_params *zero;
	struct guest_ram ram;
	uint64_t entry, usable = 0, end = 0;

	files_make(16);
	ram_make(&ram, 0, RAM);
	ck_assert_int_eq(load(&ram, "", &entry), 0);
	zero = guest_ram_pointer(&ram, ZERO_PAGE_ADDRESS, sizeof(*zero));
	for (unsigned int i = 0; i < zero->e820_entries; i++) {
		const struct boot_e820_entry *e = &zero->e820_table[i];

		ck_assert_uint_ge(e->addr, end);
		end = e->addr + e->size;
		if (e->type != 1)
			continue;
		usable += e->size;
		ck_assert(end <= ACPI_ADDRESS || e->addr >= HIGH_RAM_START);
	}
	ck_assert_uint_eq(usable, LOW_RAM_END + RAM - HIGH_RAM_START);
	ram_free(&ram);
	files_remove();
}
END_TEST

START_TEST(refused)
{
	struct guest_ram ram;
	uint64_t entry;
	char *longest = malloc(4096);

	files_make(16);
	ram_make(&ram, 0, RAM);
	memset(longest, 'x', 4095);
	longest[4095] = 0;
	ck_assert_int_eq(load(&ram, longest, &entry), -E2BIG);
	longest[2047] = 0;
	ck_assert_int_eq(load(&ram, longest, &entry), 0);
	free(longest);
	files_remove();

	/* The initrd would have to lie on the kernel. */
	files_make(RAM - 0x1800000 + 1);
	ck_assert_int_eq(load(&ram, "", &entry), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(last_message, "--memory"));
	files_remove();
	ck_assert_int_eq(load(&ram, "", &entry), -EINVAL);
	ram_free(&ram);
}
END_TEST

TCase *boot_tests(void)
{
	TCase *tc = tcase_create("boot");

	tcase_add_test(tc, loaded);
	tcase_add_test(tc, memory_map);
	tcase_add_test(tc, refused);
	return tc;
}
