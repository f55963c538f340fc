// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writes RSDP, XSDT, FADT, FACS, MADT and DSDT into guest memory. They carry
 * what a stock kernel needs: CPUs and I/O APIC, the way to power off and to
 * reset, and the virtio-mmio devices. Called by machine.c. Source: ACPI
 * specification 6.5, chapter 5 "ACPI Software Programming Model".
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "acpi.h"
#include "aml.h"
#include "layout.h"

#define FADT_SIZE	276u		/* revision 6 */
#define FACS_SIZE	64u

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

/* Where the next table goes, and where that is for the guest. */
struct area {
	struct aml out;
	uint64_t base;
};

static uint8_t checksum(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (size--)
		sum += *p++;
	return -sum;
}

static size_t table_open(struct area *area, const char *signature,
			 uint8_t revision)
{
	struct header h = {
		.revision = revision,
		.oem_id = { 'K', 'V', 'M', 'X', ' ', ' ' },
		.oem_table_id = { 'K', 'V', 'M', 'X', 'R', 'U', 'N', ' ' },
		.oem_revision = 1,
		.creator_id = { 'K', 'V', 'M', 'X' },
		.creator_revision = 1,
	};
	size_t start;

	while (area->out.size % 16 && !area->out.overflow)
		aml_byte(&area->out, 0);
	start = area->out.size;
	memcpy(h.signature, signature, 4);
	aml_bytes(&area->out, &h, sizeof(h));
	return start;
}

static uint64_t table_close(struct area *area, size_t start)
{
	uint32_t length = area->out.size - start;
	uint8_t *table = area->out.data + start;

	if (area->out.overflow)
		return 0;
	memcpy(table + offsetof(struct header, length), &length, sizeof(length));
	table[offsetof(struct header, checksum)] = checksum(table, length);
	return area->base + start;
}

static uint64_t dsdt_write(struct area *area, unsigned int disks)
{
	struct aml *aml = &area->out;
	size_t start = table_open(area, "DSDT", 2);
	size_t scope, device, package;

	/* \_S5: what the guest writes to PM1 control to power off. */
	aml_name(aml, "_S5_");
	package = aml_open_package(aml, 4);
	aml_integer(aml, SLEEP_TYPE_S5);
	aml_integer(aml, SLEEP_TYPE_S5);
	aml_integer(aml, 0);
	aml_integer(aml, 0);
	aml_close(aml, package);

	scope = aml_open_scope(aml, "\\_SB_");
	for (unsigned int i = 0; i < disks; i++) {
		const char name[5] = { 'V', 'I', 'O', '0' + i, 0 };

		device = aml_open_device(aml, name);
		aml_name_string(aml, "_HID", "LNRO0005");
		aml_name_integer(aml, "_UID", i);
		aml_resources(aml, VIRTIO_ADDRESS + i * VIRTIO_STRIDE,
			      VIRTIO_STRIDE, VIRTIO_GSI + i);
		aml_close(aml, device);
	}
	aml_close(aml, scope);
	return table_close(area, start);
}

static void put16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* Generic Address Structure for I/O ports. */
static void put_port(uint8_t *p, uint32_t port, uint8_t bits)
{
	p[0] = 1;			/* system I/O */
	p[1] = bits;
	p[3] = bits == 8 ? 1 : bits == 16 ? 2 : 3;
	put64(p + 4, port);
}

static uint64_t fadt_write(struct area *area, uint64_t facs, uint64_t dsdt)
{
	uint8_t f[FADT_SIZE] = { 0 };
	size_t start = table_open(area, "FACP", 6);

	put32(f + 36, facs);
	put32(f + 40, dsdt);
	put16(f + 46, SCI_GSI);
	put32(f + 56, PM1_EVENT_PORT);
	put32(f + 64, PM1_CONTROL_PORT);
	f[88] = 4;			/* PM1_EVT_LEN */
	f[89] = 2;			/* PM1_CNT_LEN */
	put16(f + 96, 0xffff);		/* P_LVL2_LAT: no C2 */
	put16(f + 98, 0xffff);		/* P_LVL3_LAT: no C3 */
	f[108] = 0x32;			/* CENTURY, in the RTC */
	/* legacy devices, no VGA; no 8042: its port here only resets */
	put16(f + 109, 1 << 0 | 1 << 2);
	/* WBINVD, C1, no fixed buttons, no RTC wake, reset register, headless */
	put32(f + 112, 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 10 |
		       1 << 12);
	put_port(f + 116, RESET_PORT, 8);
	f[128] = RESET_VALUE;
	f[131] = 5;			/* minor version */
	put64(f + 140, dsdt);
	put_port(f + 148, PM1_EVENT_PORT, 32);
	put_port(f + 172, PM1_CONTROL_PORT, 16);
	memcpy(f + 268, "KVMX    ", 8);
	aml_bytes(&area->out, f + sizeof(struct header),
		  sizeof(f) - sizeof(struct header));
	return table_close(area, start);
}

static uint64_t facs_write(struct area *area)
{
	uint8_t f[FACS_SIZE] = { 'F', 'A', 'C', 'S' };
	size_t start;

	while (area->out.size % FACS_SIZE && !area->out.overflow)
		aml_byte(&area->out, 0);
	start = area->out.size;
	put32(f + 4, FACS_SIZE);
	f[32] = 2;			/* version */
	aml_bytes(&area->out, f, sizeof(f));
	return area->base + start;
}

static uint64_t madt_write(struct area *area, unsigned int cpus)
{
	struct aml *out = &area->out;
	size_t start = table_open(area, "APIC", 5);
	uint8_t fixed[8] = { 0 };
	uint8_t ioapic[12] = { 1, 12 };
	/* SCI: ISA interrupt 9, level-triggered, active high */
	const uint8_t sci[10] = { 2, 10, 0, SCI_GSI, SCI_GSI, 0, 0, 0, 0x0d, 0 };
	const uint8_t nmi[6] = { 4, 6, 0xff, 0, 0, 1 };

	put32(fixed, LAPIC_ADDRESS);
	put32(fixed + 4, 1);		/* the two PICs are there, too */
	aml_bytes(out, fixed, sizeof(fixed));
	for (unsigned int i = 0; i < cpus; i++) {
		const uint8_t lapic[8] = { 0, 8, i, i, 1, 0, 0, 0 };

		aml_bytes(out, lapic, sizeof(lapic));
	}
	put32(ioapic + 4, IOAPIC_ADDRESS);
	aml_bytes(out, ioapic, sizeof(ioapic));
	aml_bytes(out, sci, sizeof(sci));
	aml_bytes(out, nmi, sizeof(nmi));
	return table_close(area, start);
}

int acpi_write(const struct guest_ram *ram, unsigned int cpus,
	       unsigned int disks, uint64_t *rsdp)
{
	struct area area = {
		.out = {
			.data = guest_ram_pointer(ram, ACPI_ADDRESS, ACPI_LIMIT),
			.limit = ACPI_LIMIT,
		},
		.base = ACPI_ADDRESS,
	};
	struct rsdp r = {
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem_id = { 'K', 'V', 'M', 'X', ' ', ' ' },
		.revision = 2,
		.length = sizeof(r),
	};
	uint64_t facs, dsdt, tables[2];
	size_t start;

	if (!area.out.data)
		return -ENOSPC;
	area.out.size = sizeof(r);	/* it comes first, and is written last */
	facs = facs_write(&area);
	dsdt = dsdt_write(&area, disks);
	tables[0] = fadt_write(&area, facs, dsdt);
	tables[1] = madt_write(&area, cpus);
	start = table_open(&area, "XSDT", 1);
	aml_bytes(&area.out, tables, sizeof(tables));
	r.xsdt = table_close(&area, start);
	if (area.out.overflow)
		return -ENOSPC;
	r.checksum = checksum(&r, 20);
	r.extended_checksum = checksum(&r, sizeof(r));
	memcpy(area.out.data, &r, sizeof(r));
	*rsdp = area.base;
	return 0;
}
