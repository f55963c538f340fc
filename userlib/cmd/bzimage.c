// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads and checks the header of a Linux bzImage. The file comes from the
 * user, who may not have made it: nothing in it is believed unchecked. Called
 * by boot.c. Source: the kernel's Documentation/arch/x86/boot.rst.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "bzimage.h"
#include "layout.h"

#define HEADER_OFFSET	0x1f1u
#define MAGIC		0x53726448u	/* "HdrS" */
#define BOOT_FLAG	0xaa55u
#define VERSION_MIN	0x020cu		/* 2.12: xloadflags */
#define SECTOR		512u
#define PARAGRAPH	16u

/* 0, or -ENOEXEC with *why saying what is wrong with the file. */
int bzimage_parse(const uint8_t *file, size_t size, struct bzimage *out,
		  const char **why)
{
	struct setup_header *h = &out->header;
	size_t header_end, setup, payload;

	memset(out, 0, sizeof(*out));
	*why = "too short for a kernel image";
	if (size < HEADER_OFFSET + sizeof(*h))
		return -ENOEXEC;
	memcpy(h, file + HEADER_OFFSET, sizeof(*h));
	*why = "not a bzImage (no boot signature)";
	if (h->boot_flag != BOOT_FLAG || h->header != MAGIC)
		return -ENOEXEC;
	*why = "boot protocol older than 2.12";
	if (h->version < VERSION_MIN)
		return -ENOEXEC;

	/* The jump at 0x200 leads past the header's end: that tells its size. */
	header_end = 0x202 + file[0x201];
	if (header_end < HEADER_OFFSET + sizeof(*h))
		memset((uint8_t *)h + (header_end - HEADER_OFFSET), 0,
		       HEADER_OFFSET + sizeof(*h) - header_end);

	*why = "not a kernel with a 64-bit entry that loads high";
	if (!(h->loadflags & LOADED_HIGH) || !(h->xloadflags & XLF_KERNEL_64))
		return -ENOEXEC;
	*why = "truncated: the header announces more than the file holds";
	setup = ((h->setup_sects ? h->setup_sects : 4) + 1) * SECTOR;
	payload = (size_t)h->syssize * PARAGRAPH;
	if (setup >= size)
		return -ENOEXEC;
	/* syssize is rounded up, so the last paragraph may be partial. */
	if (payload > size - setup) {
		if (payload - (size - setup) >= PARAGRAPH)
			return -ENOEXEC;
		payload = size - setup;
	}
	*why = "alignment is not a power of two";
	if (!h->kernel_alignment ||
	    (h->kernel_alignment & (h->kernel_alignment - 1)))
		return -ENOEXEC;

	out->payload = file + setup;
	out->payload_size = payload;
	out->run_size = h->init_size > payload ? h->init_size : payload;
	out->initrd_max = h->initrd_addr_max;
	out->cmdline_max = h->cmdline_size;
	*why = NULL;
	return 0;
}

/*
 * Where to load the kernel, given where the memory that starts at 1 MiB ends:
 * at the address it prefers, or as low as it can go.
 */
int bzimage_place(const struct bzimage *image, uint64_t ram_end, uint64_t *out)
{
	const struct setup_header *h = &image->header;
	uint64_t align = h->kernel_alignment;
	uint64_t address = h->pref_address;

	if (address >= HIGH_RAM_START && address <= ram_end &&
	    image->run_size <= ram_end - address) {
		*out = address;
		return 0;
	}
	address = (HIGH_RAM_START + align - 1) & ~(align - 1);
	if (!h->relocatable_kernel || address > ram_end ||
	    image->run_size > ram_end - address)
		return -ENOSPC;
	*out = address;
	return 0;
}
