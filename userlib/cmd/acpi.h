/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ACPI tables that describe the machine of layout.h to its guest.
 */
#ifndef KVMX_ACPI_H
#define KVMX_ACPI_H

#include "guest_ram.h"

int acpi_write(const struct guest_ram *ram, unsigned int cpus,
	       unsigned int disks, uint64_t *rsdp);

#endif
