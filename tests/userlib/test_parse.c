// SPDX-License-Identifier: GPL-2.0-only
/* Sizes and numbers from the command line, and the console's Ctrl-a keys. */
#include <errno.h>
#include <string.h>
#include "cmd.h"
#include "console.h"
#include "tests.h"

static uint64_t size_of(const char *text)
{
	uint64_t value = 0;

	ck_assert_int_eq(parse_size(text, &value), 0);
	return value;
}

START_TEST(sizes)
{
	ck_assert_uint_eq(size_of("0"), 0);
	ck_assert_uint_eq(size_of("4096"), 4096);
	ck_assert_uint_eq(size_of("1k"), 1024);
	ck_assert_uint_eq(size_of("512M"), UINT64_C(512) << 20);
	ck_assert_uint_eq(size_of("3g"), UINT64_C(3) << 30);
	ck_assert_uint_eq(size_of("2T"), UINT64_C(2) << 40);
	ck_assert_uint_eq(size_of("16777215T"), UINT64_C(16777215) << 40);
}
END_TEST

START_TEST(sizes_refused)
{
	static const char *const bad[] = {
		"", "M", "-1", "+1", " 1", "1 ", "1MB", "1Mi", "0x10", "1.5G", "1MM",
	};
	uint64_t value = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(parse_size(bad[i], &value), -EINVAL);
	ck_assert_int_eq(parse_size("16777216T", &value), -ERANGE);
	ck_assert_int_eq(parse_size("99999999999999999999", &value), -ERANGE);
	ck_assert_uint_eq(value, 42);
}
END_TEST

START_TEST(numbers)
{
	unsigned long value = 42;

	ck_assert_int_eq(parse_number("0", 1, 254, &value), -ERANGE);
	ck_assert_int_eq(parse_number("255", 1, 254, &value), -ERANGE);
	ck_assert_int_eq(parse_number("2x", 1, 254, &value), -EINVAL);
	ck_assert_int_eq(parse_number("-1", 1, 254, &value), -EINVAL);
	ck_assert_uint_eq(value, 42);
	ck_assert_int_eq(parse_number("254", 1, 254, &value), 0);
	ck_assert_uint_eq(value, 254);
}
END_TEST

START_TEST(console_keys)
{
	struct console console = { .terminal = true };
	uint8_t typed[] = { 'a', 1, 'a', 'b', 1, 1, 1, 'q', 'c', 1 };
	uint8_t later[] = { 'x', 'y' };
	bool leave = false;
	size_t n;

	n = console_filter(&console, typed, sizeof(typed), &leave);
	ck_assert(!leave);
	ck_assert_uint_eq(n, 5);
	ck_assert_mem_eq(typed, "a\1b\1c", 5);
	/* The prefix outlives one read. */
	n = console_filter(&console, later, sizeof(later), &leave);
	ck_assert(leave);
	ck_assert_uint_eq(n, 0);
}
END_TEST

TCase *parse_tests(void)
{
	TCase *tc = tcase_create("parse");

	tcase_add_test(tc, sizes);
	tcase_add_test(tc, sizes_refused);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, console_keys);
	return tc;
}
