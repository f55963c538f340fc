/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes a flattened device tree (Devicetree Specification 0.4, chapter 5).
 * Nodes are begun and ended like brackets; a tree that does not fit says so once,
 * at its end.
 */
#ifndef KVMX_FDT_H
#define KVMX_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_STRINGS 1024

struct fdt {
	uint8_t *data;		/* room for the whole of it */
	size_t room, size;
	char strings[FDT_STRINGS];
	size_t strings_size;
	bool full;
};

void fdt_start(struct fdt *fdt, void *data, size_t room);
void fdt_begin(struct fdt *fdt, const char *name);
void fdt_end(struct fdt *fdt);
void fdt_prop(struct fdt *fdt, const char *name, const void *value, size_t size);
void fdt_string(struct fdt *fdt, const char *name, const char *value);
void fdt_cells(struct fdt *fdt, const char *name, const uint32_t *cells, unsigned int n);
void fdt_range(struct fdt *fdt, const char *name, uint64_t base, uint64_t length);
/* Its size in bytes, or 0: it did not fit. */
size_t fdt_finish(struct fdt *fdt);

#define FDT_CELLS(fdt, name, ...) \
	fdt_cells(fdt, name, (const uint32_t[]){ __VA_ARGS__ }, \
		  sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

#endif
