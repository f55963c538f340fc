// SPDX-License-Identifier: LGPL-2.1-or-later
/* Writes a flattened device tree: see fdt.h. Called by board.c. */
#include <endian.h>
#include <string.h>
#include "fdt.h"

#define MAGIC		0xd00dfeedu
#define VERSION		17u
#define COMPATIBLE	16u
#define BEGIN_NODE	1u
#define END_NODE	2u
#define PROP		3u
#define END		9u

struct header {
	uint32_t magic, total, structure, strings, reserved, version, compatible, boot_cpu;
	uint32_t strings_size, structure_size;
};

/* Behind the header: the list of reserved memory, which is empty. */
#define RESERVED_SIZE	16u

static void put(struct fdt *fdt, const void *data, size_t size)
{
	size_t padded = (size + 3) & ~(size_t)3;

	if (fdt->full || padded > fdt->room - fdt->size) {
		fdt->full = true;
		return;
	}
	memset(fdt->data + fdt->size, 0, padded);
	if (size)
		memcpy(fdt->data + fdt->size, data, size);
	fdt->size += padded;
}

static void put32(struct fdt *fdt, uint32_t val)
{
	val = htobe32(val);
	put(fdt, &val, sizeof(val));
}

void fdt_start(struct fdt *fdt, void *data, size_t room)
{
	memset(fdt, 0, sizeof(*fdt));
	fdt->data = data;
	fdt->room = room;
	if (room < sizeof(struct header) + RESERVED_SIZE) {
		fdt->full = true;
		return;
	}
	memset(data, 0, sizeof(struct header) + RESERVED_SIZE);
	fdt->size = sizeof(struct header) + RESERVED_SIZE;
}

void fdt_begin(struct fdt *fdt, const char *name)
{
	put32(fdt, BEGIN_NODE);
	put(fdt, name, strlen(name) + 1);
}

void fdt_end(struct fdt *fdt)
{
	put32(fdt, END_NODE);
}

/* Where @name is among the names of properties. */
static uint32_t string_offset(struct fdt *fdt, const char *name)
{
	size_t size = strlen(name) + 1, at = 0;

	for (; at < fdt->strings_size; at += strlen(fdt->strings + at) + 1)
		if (!strcmp(fdt->strings + at, name))
			return at;
	if (size > FDT_STRINGS - at) {
		fdt->full = true;
		return 0;
	}
	memcpy(fdt->strings + at, name, size);
	fdt->strings_size += size;
	return at;
}

void fdt_prop(struct fdt *fdt, const char *name, const void *value, size_t size)
{
	put32(fdt, PROP);
	put32(fdt, size);
	put32(fdt, string_offset(fdt, name));
	put(fdt, value, size);
}

void fdt_string(struct fdt *fdt, const char *name, const char *value)
{
	fdt_prop(fdt, name, value, strlen(value) + 1);
}

void fdt_cells(struct fdt *fdt, const char *name, const uint32_t *cells, unsigned int n)
{
	put32(fdt, PROP);
	put32(fdt, n * sizeof(*cells));
	put32(fdt, string_offset(fdt, name));
	for (unsigned int i = 0; i < n; i++)
		put32(fdt, cells[i]);
}

void fdt_range(struct fdt *fdt, const char *name, uint64_t base, uint64_t length)
{
	FDT_CELLS(fdt, name, base >> 32, base, length >> 32, length);
}

size_t fdt_finish(struct fdt *fdt)
{
	struct header h = {
		.magic = htobe32(MAGIC),
		.structure = htobe32(sizeof(h) + RESERVED_SIZE),
		.reserved = htobe32(sizeof(h)),
		.version = htobe32(VERSION),
		.compatible = htobe32(COMPATIBLE),
		.strings_size = htobe32(fdt->strings_size),
	};

	put32(fdt, END);
	h.structure_size = htobe32(fdt->size - sizeof(h) - RESERVED_SIZE);
	h.strings = htobe32(fdt->size);
	put(fdt, fdt->strings, fdt->strings_size);
	h.total = htobe32(fdt->size);
	if (fdt->full)
		return 0;
	memcpy(fdt->data, &h, sizeof(h));
	return fdt->size;
}
