/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest memory as the VMM sees it: at most two ranges, and the one function
 * that turns an address from the guest into a pointer. Every such address goes
 * through it.
 */
#ifndef KVMX_GUEST_RAM_H
#define KVMX_GUEST_RAM_H

#include <stddef.h>
#include <stdint.h>

struct guest_ram {
	unsigned int count;
	struct {
		uint64_t base;	/* guest-physical */
		uint64_t length;
		uint8_t *host;
	} range[2];
};

/* NULL unless all of [address, address + length) lies in one range. */
static inline void *guest_ram_pointer(const struct guest_ram *ram,
				      uint64_t address, uint64_t length)
{
	for (unsigned int i = 0; i < ram->count; i++) {
		uint64_t offset = address - ram->range[i].base;

		if (address >= ram->range[i].base &&
		    offset <= ram->range[i].length &&
		    length <= ram->range[i].length - offset)
			return ram->range[i].host + offset;
	}
	return NULL;
}

#endif
