/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every fuzz target shares: reading its input, and demanding something. A target is
 * fuzz_<name>.c with LLVMFuzzerTestOneInput(); an input is a sequence of steps, and reads as
 * zeros once it is over.
 */
#ifndef KVMX_FUZZ_H
#define KVMX_FUZZ_H

#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/shim.h"

struct fuzz_input {
	const u8 *data;
	size_t left;
};

static inline void fuzz_bytes(struct fuzz_input *in, void *buf, size_t len)
{
	size_t have = min(len, in->left);

	memset(buf, 0, len);
	if (have)
		memcpy(buf, in->data, have);
	in->data += have;
	in->left -= have;
}

#define FUZZ_READ(type)								\
static inline type fuzz_##type(struct fuzz_input *in)				\
{										\
	type val;								\
										\
	fuzz_bytes(in, &val, sizeof(val));					\
	return val;								\
}
FUZZ_READ(u8)
FUZZ_READ(u16)
FUZZ_READ(u32)
FUZZ_READ(u64)

static inline u32 fuzz_below(struct fuzz_input *in, u32 n)
{
	return (n <= 256 ? fuzz_u8(in) : fuzz_u16(in)) % n;
}

/* A number that is often small, or at an edge. */
static inline u64 fuzz_edge(struct fuzz_input *in)
{
	u8 how = fuzz_u8(in);

	switch (how & 7) {
	case 0:	return how >> 3;
	case 1:	return 1ull << (how >> 3) << (fuzz_u8(in) & 32);
	case 2:	return (1ull << (how >> 3) << (fuzz_u8(in) & 32)) - 1;
	case 3:	return -(1ull << (how >> 3) << (fuzz_u8(in) & 32));
	case 4:	return fuzz_u8(in);
	case 5:	return fuzz_u16(in);
	case 6:	return fuzz_u32(in);
	default: return fuzz_u64(in);
	}
}

/* Ends the run with the input as a finding. */
#define fuzz_demand(cond, ...)							\
do {										\
	if (!(cond))								\
		shim_bug("not so: %s%s", #cond, "" __VA_ARGS__);		\
} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
