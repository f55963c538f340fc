// SPDX-License-Identifier: GPL-2.0-only
/* CPUID for a machine of several CPUs, from what a device supports. */
#include <stdlib.h>
#include <string.h>
#include "cpuid.h"
#include "tests.h"

static struct kvmx_cpuid2 *supported(const struct kvmx_cpuid_entry2 *entries,
				     uint32_t count)
{
	struct kvmx_cpuid2 *c = calloc(1, sizeof(*c) + count * sizeof(*entries));

	c->nent = count;
	memcpy(c->entries, entries, count * sizeof(*entries));
	return c;
}

static const struct kvmx_cpuid_entry2 *leaf(const struct kvmx_cpuid2 *c,
					    uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == function &&
		    c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

static struct kvmx_cpuid2 *make(struct kvmx_cpuid2 *from, uint32_t cpu,
				uint32_t count)
{
	const struct cpuid_topology t = { .cpu = cpu, .count = count };
	struct kvmx_cpuid2 *c;

	ck_assert_int_eq(cpuid_make(from, &t, &c), 0);
	free(from);
	return c;
}

static const struct kvmx_cpuid_entry2 amd[] = {
	{ .function = 0, .eax = 0xd, .ebx = 0x68747541 },
	{ .function = 1, .ebx = 0x12345678, .edx = 1 << 28 },
	{ .function = 0xb, .index = 0, .edx = 77 },
	{ .function = 0x80000001, .ecx = 0 },
	{ .function = 0x80000008, .eax = 0x3030, .ecx = 0x7fff },
	{ .function = 0x8000001d, .index = 3, .eax = 3 << 5 | 1 | 0xfff << 14 },
	{ .function = 0x8000001e, .eax = 9, .ebx = 0x0109, .ecx = 1 },
};

START_TEST(amd_cores)
{
	struct kvmx_cpuid2 *c = make(supported(amd, 7), 2, 3);
	const struct kvmx_cpuid_entry2 *e = leaf(c, 1, 0);

	ck_assert_uint_eq(e->ebx, 2 << 24 | 4 << 16 | 0x5678);
	ck_assert_uint_ne(e->edx & 1 << 28, 0);
	ck_assert_uint_ne(e->ecx & 1u << 31, 0);
	ck_assert_uint_ne(leaf(c, 0x80000001, 0)->ecx & 2, 0);
	ck_assert_uint_eq(leaf(c, 0x80000008, 0)->ecx & 0xf0ff, 2 << 12 | 2);
	ck_assert_uint_eq(leaf(c, 0x8000001d, 3)->eax >> 14 & 0xfff, 3);
	ck_assert_uint_eq(leaf(c, 0x8000001e, 0)->eax, 2);
	ck_assert_uint_eq(leaf(c, 0x8000001e, 0)->ebx, 2);
	ck_assert_uint_eq(leaf(c, 0xb, 0)->edx, 2);
	ck_assert_uint_eq(leaf(c, 0xb, 1)->eax, 2);
	ck_assert_uint_eq(leaf(c, 0xb, 1)->ebx, 3);
	ck_assert_uint_eq(leaf(c, 0xb, 2)->ebx, 0);
	free(c);
}
END_TEST

START_TEST(one_cpu)
{
	struct kvmx_cpuid2 *c = make(supported(amd, 7), 0, 1);
	const struct kvmx_cpuid_entry2 *e = leaf(c, 1, 0);

	ck_assert_uint_eq(e->ebx, 0x5678);
	ck_assert_uint_eq(e->edx & 1 << 28, 0);
	ck_assert_uint_eq(leaf(c, 0x80000001, 0)->ecx & 2, 0);
	free(c);
}
END_TEST

START_TEST(intel_cores)
{
	static const struct kvmx_cpuid_entry2 intel[] = {
		{ .function = 0, .eax = 0x1f, .ebx = 0x756e6547 },
		{ .function = 4, .index = 0, .eax = 0xfc0fc121 },
		{ .function = 4, .index = 3, .eax = 0xfc0fc163 },
		{ .function = 4, .index = 4, .eax = 0 },
		{ .function = 0x1f, .index = 0, .eax = 1 },
		{ .function = 0x80000008, .ecx = 0 },
	};
	struct kvmx_cpuid2 *c = make(supported(intel, 6), 5, 8);

	ck_assert_uint_eq(leaf(c, 4, 0)->eax, 7u << 26 | 0x121);
	ck_assert_uint_eq(leaf(c, 4, 3)->eax, 7u << 26 | 7 << 14 | 0x163);
	ck_assert_uint_eq(leaf(c, 4, 4)->eax, 0);
	ck_assert_ptr_null(leaf(c, 0x1f, 0));
	ck_assert_uint_eq(leaf(c, 0xb, 1)->eax, 3);
	ck_assert_uint_eq(leaf(c, 0x80000008, 0)->ecx, 0);
	free(c);
}
END_TEST

TCase *cpuid_tests(void)
{
	TCase *tc = tcase_create("cpuid");

	tcase_add_test(tc, amd_cores);
	tcase_add_test(tc, one_cpu);
	tcase_add_test(tc, intel_cores);
	return tc;
}
