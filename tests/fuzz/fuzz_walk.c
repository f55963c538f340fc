// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's page tables are the input: the walker reads within what a table entry may name,
 * gives an address that the tables gave, changes nothing but accessed and dirty bits, and
 * finds the same again. With a read that is allowed, the tables' own rights allow it.
 */
#include "walk.h"

#include <kvmx/x86_regs.h>

#include "fuzz.h"

#define PAGES	8
#define MEMORY	(PAGES << 12)

static u8 mem[MEMORY], before[MEMORY];
static unsigned int reads, writes, moved;
static u8 moves;		/* the tables change under the walk */

static int walk_read(void *ctx, u64 gpa, void *buf, unsigned int len)
{
	fuzz_demand(len == 4 || len == 8 || len == 32);
	fuzz_demand(!(gpa & (len - 1)));
	fuzz_demand(++reads < 1000);
	/* Every guest physical address is one of these pages. */
	memcpy(buf, mem + (gpa % MEMORY), len);
	return gpa >> 51 ? -EFAULT : 0;
}

static int walk_cmpxchg(void *ctx, u64 gpa, unsigned int size, u64 *old, u64 new)
{
	u8 *at = mem + (gpa % MEMORY);
	u64 found = 0;

	fuzz_demand(size == 4 || size == 8);
	fuzz_demand(!((*old ^ new) & ~0x60ull));
	fuzz_demand((new & *old) == *old && new != *old);
	if (moves && ++moved % moves == 0)
		at[1] ^= 2;
	memcpy(&found, at, size);
	if (found == *old)
		memcpy(at, &new, size);
	*old = found;
	writes++;
	return 0;
}

static void random_tables(struct fuzz_input *in)
{
	unsigned int n = fuzz_u8(in) & 63, at;
	u64 entry;

	memset(mem, 0, sizeof(mem));
	while (n--) {
		at = fuzz_u16(in) % MEMORY & ~3;
		entry = (u64)fuzz_u8(in) % PAGES << 12 | fuzz_u16(in);
		if (fuzz_u8(in) & 1)
			entry ^= fuzz_edge(in);
		memcpy(mem + at, &entry, min_t(size_t, 8, MEMORY - at));
	}
	/* Tables that lead somewhere: each page's first entries name the next. */
	if (fuzz_u8(in) & 1) {
		for (n = 0; n < PAGES; n++) {
			entry = (n + 1ull) % PAGES << 12 | 0x67 | (fuzz_u16(in) & 0x1ff);
			entry ^= (u64)(fuzz_u8(in) & 1) << 63;
			memcpy(mem + (n << 12), &entry, 8);
		}
	}
}

static void check_ad(u32 access)
{
	unsigned int i;

	for (i = 0; i < MEMORY; i++)
		fuzz_demand(mem[i] == before[i] || !((mem[i] ^ before[i]) & ~0x60) || moves);
	if (access & X86_WALK_NO_AD)
		fuzz_demand(!writes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct x86_walk w = { .read = walk_read, .cmpxchg = walk_cmpxchg };
	struct x86_walk_result res, again;
	u32 access;
	u64 linear;
	u8 mode = fuzz_u8(&in);
	int ret, ret2;

	random_tables(&in);
	w.cr0 = X86_CR0_PE | X86_CR0_PG | (mode & 1 ? X86_CR0_WP : 0);
	w.cr4 = fuzz_u32(&in) | (mode & 2 ? X86_CR4_PAE : 0);
	w.efer = mode & 4 ? X86_EFER_LMA | X86_EFER_LME : 0;
	if (w.efer)
		w.cr4 |= X86_CR4_PAE;
	w.efer |= mode & 8 ? X86_EFER_NX : 0;
	w.cpl = mode >> 4 & 3;
	w.ac = mode & 0x40;
	w.no_1g = mode & 0x80;
	w.cr3 = fuzz_u8(&in) % PAGES << 12 | (fuzz_u16(&in) & 0xfff);
	w.maxphyaddr = 32 + fuzz_u8(&in) % 21;
	access = fuzz_u8(&in) & 0x1f;
	if (access & X86_WALK_EXEC)
		access &= ~X86_WALK_WRITE;
	linear = fuzz_u8(&in) & 1 ? fuzz_u16(&in) : fuzz_u64(&in);
	linear = w.efer & X86_EFER_LMA ?
		 (u64)((s64)(linear << (w.cr4 & X86_CR4_LA57 ? 7 : 16)) >> (w.cr4 & X86_CR4_LA57 ? 7 : 16)) :
		 (u32)linear;
	moves = fuzz_u8(&in) & 1 ? fuzz_u8(&in) : 0;

	reads = writes = moved = 0;
	memcpy(before, mem, sizeof(mem));
	ret = x86_walk(&w, linear, access, &res);
	fuzz_demand(ret == 0 || ret == X86_WALK_FAULT || ret == -EFAULT || ret == -EAGAIN);
	check_ad(access);
	if (!ret) {
		fuzz_demand(!(res.gpa >> w.maxphyaddr) || !(w.cr4 & X86_CR4_PAE));
		fuzz_demand(!((res.gpa ^ linear) & 0xfff));
		fuzz_demand(res.page_size >= 4096 && !(res.page_size & (res.page_size - 1)));
	} else if (ret == X86_WALK_FAULT) {
		fuzz_demand(!(res.error & ~(X86_PF_P | X86_PF_W | X86_PF_U | X86_PF_RSVD | X86_PF_I | X86_PF_PK)));
	}
	/* An accessed bit may be part of another entry, where tables lie in each other. */
	if (writes || ret == -EAGAIN)
		return 0;
	ret2 = x86_walk(&w, linear, access, &again);
	fuzz_demand(ret2 == ret);
	if (!ret)
		fuzz_demand(again.gpa == res.gpa && again.page_size == res.page_size);
	if (ret == X86_WALK_FAULT)
		fuzz_demand(again.error == res.error);
	return 0;
}
