/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the unit tests of userlib share: their suites, guest memory that the
 * sanitizer watches, and the last message the code under test gave.
 */
#ifndef TESTS_USERLIB_H
#define TESTS_USERLIB_H

#include <check.h>
#include "guest_ram.h"

TCase *parse_tests(void);
TCase *bzimage_tests(void);
TCase *boot_tests(void);
TCase *virtqueue_tests(void);
TCase *virtio_blk_tests(void);
TCase *acpi_tests(void);
TCase *cpuid_tests(void);
TCase *serial_tests(void);
TCase *legacy_tests(void);
TCase *library_tests(void);
TCase *top_tests(void);

/* One range of @length bytes at @base; released by ram_free(). */
void ram_make(struct guest_ram *ram, uint64_t base, uint64_t length);
void ram_free(struct guest_ram *ram);

extern char last_message[512];

#endif
