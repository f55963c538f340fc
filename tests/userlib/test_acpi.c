// SPDX-License-Identifier: GPL-2.0-only
/* ACPI tables: found as a kernel finds them, sums right, AML well nested. */
#include <string.h>
#include "acpi.h"
#include "aml.h"
#include "layout.h"
#include "tests.h"

static struct guest_ram ram;

static void setup(void)
{
	ram_make(&ram, 0, 1 << 20);
}

static void teardown(void)
{
	ram_free(&ram);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

static const uint8_t *table(uint64_t address, const char *signature)
{
	const uint8_t *p = guest_ram_pointer(&ram, address, 36);

	ck_assert_ptr_nonnull(p);
	ck_assert_mem_eq(p, signature, 4);
	ck_assert_ptr_nonnull(guest_ram_pointer(&ram, address, get32(p + 4)));
	ck_assert_uint_eq(sum(p, get32(p + 4)), 0);
	return p;
}

static const uint8_t *xsdt(unsigned int cpus, unsigned int disks)
{
	const uint8_t *rsdp;
	uint64_t address;

	ck_assert_int_eq(acpi_write(&ram, cpus, disks, &address), 0);
	rsdp = guest_ram_pointer(&ram, address, 36);
	ck_assert_uint_eq(address % 16, 0);
	ck_assert_mem_eq(rsdp, "RSD PTR ", 8);
	ck_assert_uint_eq(sum(rsdp, 20), 0);
	ck_assert_uint_eq(sum(rsdp, 36), 0);
	return table(get64(rsdp + 24), "XSDT");
}

START_TEST(tables)
{
	const uint8_t *x = xsdt(2, 1), *fadt, *facs;

	ck_assert_uint_eq(get32(x + 4), 36 + 2 * 8);
	fadt = table(get64(x + 36), "FACP");
	ck_assert_uint_eq(get32(fadt + 4), 276);
	ck_assert_uint_eq(get32(fadt + 56), PM1_EVENT_PORT);
	ck_assert_uint_eq(get32(fadt + 64), PM1_CONTROL_PORT);
	ck_assert_uint_eq(get64(fadt + 120), RESET_PORT);
	ck_assert_uint_eq(fadt[128], RESET_VALUE);
	table(get64(fadt + 140), "DSDT");
	facs = guest_ram_pointer(&ram, get32(fadt + 36), 64);
	ck_assert_mem_eq(facs, "FACS", 4);
	ck_assert_uint_eq(get32(fadt + 36) % 64, 0);
}
END_TEST

START_TEST(cpus)
{
	const uint8_t *madt = table(get64(xsdt(MAX_CPUS, 0) + 44), "APIC");
	const uint8_t *end = madt + get32(madt + 4);
	unsigned int found = 0, ioapics = 0;

	for (const uint8_t *p = madt + 44; p < end; p += p[1]) {
		ck_assert_uint_ge(p[1], 2);
		if (p[0] == 0)
			ck_assert_uint_eq(p[3], found++);
		ioapics += p[0] == 1;
	}
	ck_assert_uint_eq(found, MAX_CPUS);
	ck_assert_uint_eq(ioapics, 1);
}
END_TEST

/* Length and size of its encoding ("Package Length Encoding"). */
static size_t package(const uint8_t *p, size_t *bytes)
{
	unsigned int more = p[0] >> 6;
	size_t length = more ? p[0] & 0xf : p[0] & 0x3f;

	for (unsigned int i = 1; i <= more; i++)
		length |= (size_t)p[i] << (8 * i - 4);
	*bytes = more + 1;
	return length;
}

START_TEST(dsdt)
{
	const uint8_t *fadt = table(get64(xsdt(1, MAX_DISKS) + 36), "FACP");
	const uint8_t *d = table(get64(fadt + 140), "DSDT");
	const uint8_t *end = d + get32(d + 4), *p = d + 36;
	unsigned int devices = 0;
	size_t bytes;

	ck_assert_mem_eq(p, "\x08_S5_\x12", 6);
	p += 6 + package(p + 6, &bytes);
	ck_assert_uint_eq(*p, 0x10);
	ck_assert_ptr_eq(p + 1 + package(p + 1, &bytes), end);
	p += 1 + bytes;
	ck_assert_mem_eq(p, "\\_SB_", 5);
	for (p += 5; p < end; p += package(p, &bytes)) {
		const uint8_t *crs;

		ck_assert_mem_eq(p, "\x5b\x82", 2);
		p += 2;
		crs = memmem(p, package(p, &bytes), "\x86\x09\x00\x01", 4);
		ck_assert_ptr_nonnull(crs);
		ck_assert_uint_eq(get32(crs + 4),
				  VIRTIO_ADDRESS + devices * VIRTIO_STRIDE);
		ck_assert_uint_eq(get32(crs + 12 + 5), VIRTIO_GSI + devices);
		devices++;
	}
	ck_assert_ptr_eq(p, end);
	ck_assert_uint_eq(devices, MAX_DISKS);
}
END_TEST

START_TEST(package_lengths)
{
	static const struct {
		size_t content, bytes;
	} cases[] = {
		{ 0, 1 }, { 62, 1 }, { 63, 2 }, { 4093, 2 }, { 4094, 3 },
	};
	static uint8_t data[8192], filler[8192];

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aml aml = { .data = data, .limit = sizeof(data) };
		size_t bytes, start = aml.size;

		aml_bytes(&aml, filler, cases[i].content);
		aml_close(&aml, start);
		ck_assert(!aml.overflow);
		ck_assert_uint_eq(package(data, &bytes), aml.size);
		ck_assert_uint_eq(bytes, cases[i].bytes);
	}
}
END_TEST

START_TEST(overflow)
{
	uint8_t data[10];
	struct aml aml = { .data = data, .limit = sizeof(data) };
	size_t start;

	start = aml_open_scope(&aml, "\\_SB_");
	aml_bytes(&aml, "1234", 4);
	ck_assert(!aml.overflow);
	aml_close(&aml, start);
	ck_assert(aml.overflow);
	ck_assert_uint_le(aml.size, sizeof(data));
}
END_TEST

TCase *acpi_tests(void)
{
	TCase *tc = tcase_create("acpi");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tables);
	tcase_add_test(tc, cpus);
	tcase_add_test(tc, dsdt);
	tcase_add_test(tc, package_lengths);
	tcase_add_test(tc, overflow);
	return tc;
}
