// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs all unit tests of userlib. The code under test tells the user what is
 * wrong through complain(): here that is kept, to be looked at.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "tests.h"

char last_message[512];

void complain(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(last_message, sizeof(last_message), format, ap);
	va_end(ap);
}

void complain_open(const char *device, int error)
{
	complain("%s: %s", device, strerror(-error));
}

void ram_make(struct guest_ram *ram, uint64_t base, uint64_t length)
{
	memset(ram, 0, sizeof(*ram));
	ram->count = 1;
	ram->range[0].base = base;
	ram->range[0].length = length;
	ram->range[0].host = aligned_alloc(4096, length);
	ck_assert_ptr_nonnull(ram->range[0].host);
	memset(ram->range[0].host, 0, length);
}

void ram_free(struct guest_ram *ram)
{
	for (unsigned int i = 0; i < ram->count; i++)
		free(ram->range[i].host);
	ram->count = 0;
}

int main(void)
{
	Suite *suite = suite_create("userlib");
	SRunner *runner;
	int failed, run;

	suite_add_tcase(suite, parse_tests());
	suite_add_tcase(suite, bzimage_tests());
	suite_add_tcase(suite, boot_tests());
	suite_add_tcase(suite, virtqueue_tests());
	suite_add_tcase(suite, virtio_blk_tests());
	suite_add_tcase(suite, acpi_tests());
	suite_add_tcase(suite, cpuid_tests());
	suite_add_tcase(suite, serial_tests());
	suite_add_tcase(suite, legacy_tests());
	suite_add_tcase(suite, library_tests());
	suite_add_tcase(suite, top_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	run = srunner_ntests_run(runner);
	srunner_free(runner);
	printf("%d passed, %d failed\n", run - failed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
