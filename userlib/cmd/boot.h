/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bringing a kernel into guest memory and the first vCPU to its entry.
 */
#ifndef KVMX_BOOT_H
#define KVMX_BOOT_H

#include <kvmx.h>
#include "guest_ram.h"

struct boot_files {
	const char *kernel;
	const char *initrd;	/* or NULL */
	const char *cmdline;
};

int boot_load(const struct guest_ram *ram, const struct boot_files *files,
	      uint64_t rsdp, uint64_t *entry);
int boot_vcpu(const struct guest_ram *ram, struct kvmx_vcpu *vcpu,
	      uint64_t entry);

#endif
