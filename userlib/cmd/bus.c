// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table of emulated devices, by port or by address. Filled by machine.c,
 * searched by the vCPU threads.
 */
#include <errno.h>
#include <string.h>
#include "bus.h"

int bus_add(struct bus *bus, uint64_t base, uint64_t length,
	    const struct bus_device *device, void *opaque)
{
	if (bus->count == BUS_RANGES)
		return -ENOSPC;
	bus->range[bus->count].base = base;
	bus->range[bus->count].length = length;
	bus->range[bus->count].device = device;
	bus->range[bus->count].opaque = opaque;
	bus->count++;
	return 0;
}

/*
 * One access of up to 8 bytes, little endian at @data. Where no device answers,
 * a read gives all ones, as a bus nobody drives does, and false comes back.
 */
bool bus_access(const struct bus *bus, uint64_t address, unsigned int length,
		bool write, void *data)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bus->count; i++) {
		uint64_t offset = address - bus->range[i].base;
		const struct bus_device *device = bus->range[i].device;

		if (address < bus->range[i].base ||
		    offset >= bus->range[i].length ||
		    length > bus->range[i].length - offset)
			continue;
		if (write) {
			memcpy(&value, data, length);
			device->write(bus->range[i].opaque, offset, length, value);
		} else {
			value = device->read(bus->range[i].opaque, offset, length);
			memcpy(data, &value, length);
		}
		return true;
	}
	if (!write)
		memset(data, 0xff, length);
	return false;
}
