/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel image that is all header, for the loader's tests. */
#ifndef FAKE_BZIMAGE_H
#define FAKE_BZIMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <asm/bootparam.h>

#define FAKE_SETUP	(3 * 512)	/* boot sector and two more */
#define FAKE_PAYLOAD	1000		/* not a multiple of 16 */
#define FAKE_SIZE	(FAKE_SETUP + FAKE_PAYLOAD)

/* @file is FAKE_SIZE bytes; returns the header in it. */
struct setup_header *fake_bzimage(uint8_t *file);

#endif
