/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Linux kernel image: what its header says, checked. Source: the kernel's
 * Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
 */
#ifndef KVMX_BZIMAGE_H
#define KVMX_BZIMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <asm/bootparam.h>

struct bzimage {
	struct setup_header header;
	const uint8_t *payload;	/* the protected-mode kernel, in the file */
	size_t payload_size;
	uint64_t run_size;	/* memory it needs from where it is loaded */
	uint64_t initrd_max;	/* highest address of the initrd's last byte */
	uint32_t cmdline_max;	/* longest command line without its NUL */
};

int bzimage_parse(const uint8_t *file, size_t size, struct bzimage *out,
		  const char **why);
int bzimage_place(const struct bzimage *image, uint64_t ram_end, uint64_t *out);

#endif
