/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which emulated device answers at an I/O port or a guest-physical address.
 * Ranges are added while the machine is built; afterwards the table is only
 * read, from all vCPU threads. Devices do their own locking.
 */
#ifndef KVMX_BUS_H
#define KVMX_BUS_H

#include <stdbool.h>
#include <stdint.h>

#define BUS_RANGES 24

struct bus_device {
	/* @offset into the range; offset + length never exceeds it. */
	uint64_t (*read)(void *opaque, uint64_t offset, unsigned int length);
	void (*write)(void *opaque, uint64_t offset, unsigned int length,
		      uint64_t value);
};

struct bus {
	unsigned int count;
	struct {
		uint64_t base;
		uint64_t length;
		const struct bus_device *device;
		void *opaque;
	} range[BUS_RANGES];
};

int bus_add(struct bus *bus, uint64_t base, uint64_t length,
	    const struct bus_device *device, void *opaque);
bool bus_access(const struct bus *bus, uint64_t address, unsigned int length,
		bool write, void *data);

#endif
