// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page-table walker: every paging mode and page size, with what each level can forbid,
 * reserved bits one by one, accessed and dirty bits, changes under the walk, and errors of the
 * memory below. The expected rights are worked out here from the manual, not by the walker.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include <kvmx/x86_regs.h>
#include "walk.h"

#include "unit.h"

/* links: src/x86/walk.c */

#define P	0x1ull
#define W	0x2ull
#define U	0x4ull
#define A	0x20ull
#define D	0x40ull
#define PS	0x80ull
#define NX	(1ull << 63)

#define M52	0x000fffffffffffffull
#define ABOVE(maxpa) (M52 & ~((1ull << (maxpa)) - 1))

/* --- guest memory --- */

static u8 mem[64 * 1024] __aligned(16);
static int read_error, reads, writes;
static u64 fail_read_at;
static void (*before_cmpxchg)(void);

static int mem_read(void *ctx, u64 gpa, void *buf, unsigned int len)
{
	reads++;
	ck_assert_ptr_eq(ctx, mem);
	ck_assert(len == 4 || len == 8);
	ck_assert_uint_eq(gpa % len, 0);
	if (read_error && gpa == fail_read_at)
		return read_error;
	if (gpa > sizeof(mem) - len)
		return -EFAULT;
	memcpy(buf, mem + gpa, len);
	return 0;
}

static int mem_cmpxchg(void *ctx, u64 gpa, unsigned int size, u64 *old, u64 new)
{
	u64 found = 0;

	if (before_cmpxchg)
		before_cmpxchg();
	ck_assert(size == 4 || size == 8);
	ck_assert_uint_le(gpa, sizeof(mem) - size);
	memcpy(&found, mem + gpa, size);
	if (found == *old) {
		memcpy(mem + gpa, &new, size);
		writes++;
	}
	*old = found;
	return 0;
}

/* --- the modes --- */

struct mode {
	const char *name;
	u64 cr4, efer;
	u8 top;			/* level of the root table */
	u8 leaf;		/* level of the page */
	u8 size;		/* of an entry */
	u64 page;
};

static const struct mode modes[] = {
	{ "32-bit 4K", 0, 0, 2, 1, 4, 1ull << 12 },
	{ "32-bit 4K, PSE", X86_CR4_PSE, 0, 2, 1, 4, 1ull << 12 },
	{ "32-bit 4M", X86_CR4_PSE, 0, 2, 2, 4, 1ull << 22 },
	{ "PAE 4K", X86_CR4_PAE, 0, 3, 1, 8, 1ull << 12 },
	{ "PAE 2M", X86_CR4_PAE, 0, 3, 2, 8, 1ull << 21 },
	{ "4-level 4K", X86_CR4_PAE, X86_EFER_LMA, 4, 1, 8, 1ull << 12 },
	{ "4-level 2M", X86_CR4_PAE, X86_EFER_LMA, 4, 2, 8, 1ull << 21 },
	{ "4-level 1G", X86_CR4_PAE, X86_EFER_LMA, 4, 3, 8, 1ull << 30 },
	{ "5-level 4K", X86_CR4_PAE | X86_CR4_LA57, X86_EFER_LMA, 5, 1, 8, 1ull << 12 },
	{ "5-level 2M", X86_CR4_PAE | X86_CR4_LA57, X86_EFER_LMA, 5, 2, 8, 1ull << 21 },
	{ "5-level 1G", X86_CR4_PAE | X86_CR4_LA57, X86_EFER_LMA, 5, 3, 8, 1ull << 30 },
};

#define LINEAR	0x00fedcba98765432ull	/* its top byte is for 5 levels */
#define FRAME	0xc0000000ull		/* of the page */

static const struct mode *m;
static struct x86_walk w;
static u64 linear;
static u64 entry_at[6];			/* by level */

static bool pae3(int level)
{
	return m->top == 3 && level == 3;
}

static void entry_set(int level, u64 val)
{
	memcpy(mem + entry_at[level], &val, m->size);
}

static u64 entry(int level)
{
	u64 val = 0;

	memcpy(&val, mem + entry_at[level], m->size);
	return val;
}

static u64 entry_default(int level)
{
	if (level == m->leaf)
		return FRAME | P | W | U | (level > 1 ? PS : 0);
	return (u64)(level - 1) << 12 | (pae3(level) ? P : P | W | U);
}

/* Tables at 0x1000 * level, all rights. */
static void setup(const struct mode *mode)
{
	int level, bits = mode->size == 4 ? 10 : 9;

	m = mode;
	memset(mem, 0, sizeof(mem));
	linear = m->top == 5 ? LINEAR : m->top == 4 ? 0xffffdcba98765432ull : (u32)LINEAR;
	w = (struct x86_walk) {
		.cr0 = X86_CR0_PE | X86_CR0_PG, .cr3 = (u64)m->top << 12, .cr4 = m->cr4,
		.efer = m->efer, .maxphyaddr = 40,
		.read = mem_read, .cmpxchg = mem_cmpxchg, .ctx = mem,
	};
	for (level = m->top; level >= m->leaf; level--) {
		u64 shift = 12 + bits * (level - 1);

		entry_at[level] = ((u64)level << 12) +
				  ((linear >> shift) & ((1u << bits) - 1)) * m->size;
		if (pae3(level))
			entry_at[level] = ((u64)level << 12) + (linear >> 30 & 3) * 8;
		entry_set(level, entry_default(level));
	}
	reads = writes = read_error = 0;
	before_cmpxchg = NULL;
}

static int walk(u32 access, struct x86_walk_result *res)
{
	memset(res, 0xa5, sizeof(*res));
	return x86_walk(&w, linear, access, res);
}

#define EACH_MODE(i)	(i = 0; i < ARRAY_SIZE(modes); i++)

/* --- tests --- */

START_TEST(translates)
{
	struct x86_walk_result r;
	unsigned int i;
	int level;

	for EACH_MODE(i) {
		setup(&modes[i]);
		ck_assert_int_eq(walk(X86_WALK_READ, &r), 0);
		ck_assert_msg(r.gpa == (FRAME | (linear & (m->page - 1))), "%s", m->name);
		ck_assert_uint_eq(r.page_size, m->page);
		ck_assert(r.writable && r.user);
		ck_assert_int_eq(reads, m->top - m->leaf + 1);
		for (level = m->top; level >= m->leaf; level--)
			ck_assert_uint_eq(entry(level), entry_default(level) | (pae3(level) ? 0 : A));

		/* A write makes the leaf dirty, and only that; then nothing is left to set. */
		ck_assert_int_eq(walk(X86_WALK_WRITE, &r), 0);
		for (level = m->top; level >= m->leaf; level--)
			ck_assert_uint_eq(entry(level), entry_default(level) |
					  (pae3(level) ? 0 : level == m->leaf ? A | D : A));
		writes = 0;
		ck_assert_int_eq(walk(X86_WALK_WRITE, &r), 0);
		ck_assert_int_eq(walk(X86_WALK_EXEC, &r), 0);
		ck_assert_int_eq(writes, 0);

		setup(&modes[i]);
		ck_assert_int_eq(walk(X86_WALK_WRITE | X86_WALK_NO_AD, &r), 0);
		ck_assert_int_eq(writes, 0);
		ck_assert_uint_eq(entry(m->leaf), entry_default(m->leaf));
	}
}
END_TEST

START_TEST(root_and_frame)
{
	struct x86_walk_result r;

	/* CR3's low bits are no address: PCD, PWT, PCID; PAE aligns to 32 bytes only. */
	setup(&modes[5]);
	w.cr3 |= 0xfff | 1ull << 63;
	ck_assert_int_eq(walk(0, &r), 0);
	setup(&modes[0]);
	w.cr3 |= 0xfff | 1ull << 40;
	ck_assert_int_eq(walk(0, &r), 0);
	setup(&modes[3]);
	memmove(mem + 0x3020, mem + 0x3000, 32);
	memset(mem + 0x3000, 0, 32);
	ck_assert_int_eq(walk(0, &r), X86_WALK_FAULT);
	w.cr3 = 0x303f;
	ck_assert_int_eq(walk(0, &r), 0);

	/* PSE-36: bits 20-13 are address bits 39-32. */
	setup(&modes[2]);
	entry_set(2, FRAME | 0xa5 << 13 | P | W | U | PS);
	ck_assert_int_eq(walk(0, &r), 0);
	ck_assert_uint_eq(r.gpa, 0xa5ull << 32 | FRAME | (linear & 0x3fffff));
	/* Without CR4.PSE the bit says nothing: the entry points to a table. */
	setup(&modes[0]);
	entry_set(2, entry(2) | PS);
	ck_assert_int_eq(walk(0, &r), 0);
	ck_assert_uint_eq(r.page_size, 4096);
	/* The PAT bit of large pages is not part of the address. */
	setup(&modes[6]);
	entry_set(2, entry(2) | 1 << 12);
	ck_assert_int_eq(walk(0, &r), 0);
	ck_assert_uint_eq(r.gpa, FRAME | (linear & 0x1fffff));

	/* Paging off; addresses of 32 bits wrap. */
	setup(&modes[0]);
	w.cr0 = X86_CR0_PE;
	linear = 0x1ffffffff;
	ck_assert_int_eq(walk(X86_WALK_WRITE, &r), 0);
	ck_assert_uint_eq(r.gpa, 0xffffffff);
	ck_assert(r.writable && r.user && r.page_size == 1ull << 32);
	ck_assert_int_eq(reads, 0);
	setup(&modes[3]);
	linear |= 0xff00000000;
	ck_assert_int_eq(walk(0, &r), 0);
}
END_TEST

static u32 error_bits(u32 access, bool user)
{
	u32 error = (access & X86_WALK_WRITE ? X86_PF_W : 0) | (user ? X86_PF_U : 0);

	if ((access & X86_WALK_EXEC) && ((w.cr4 & X86_CR4_SMEP) ||
					 ((w.cr4 & X86_CR4_PAE) && (w.efer & X86_EFER_NX))))
		error |= X86_PF_I;
	return error;
}

START_TEST(not_present)
{
	static const u32 accesses[] = { 0, X86_WALK_WRITE, X86_WALK_EXEC };
	struct x86_walk_result r;
	unsigned int i, a, cpl;
	int level;

	for EACH_MODE(i) {
		for (level = modes[i].top; level >= modes[i].leaf; level--) {
			for (a = 0; a < 6; a++) {
				setup(&modes[i]);
				cpl = a & 1 ? 3 : 0;
				w.cpl = cpl;
				w.efer |= i & 1 ? X86_EFER_NX : 0;
				w.cr4 |= a >= 3 ? X86_CR4_SMEP : 0;
				/* Other bits of an entry that is not present mean nothing. */
				entry_set(level, ~P);
				ck_assert_int_eq(walk(accesses[a % 3], &r), X86_WALK_FAULT);
				ck_assert_uint_eq(r.error, error_bits(accesses[a % 3], cpl == 3));
				ck_assert_int_eq(reads, m->top - level + 1);
				ck_assert_int_eq(writes, 0);
			}
		}
	}
}
END_TEST

/* Intel SDM, "Determination of Access Rights", for a page with the given rights. */
static bool allowed(u32 access, bool user, bool page_u, bool page_w, bool page_nx)
{
	bool implicit = access & X86_WALK_IMPLICIT;

	if (user && !page_u)
		return false;
	if (access & X86_WALK_EXEC) {
		if (!user && page_u && (w.cr4 & X86_CR4_SMEP))
			return false;
		return !page_nx;
	}
	if (!user && page_u && (w.cr4 & X86_CR4_SMAP) && (implicit || !w.ac))
		return false;
	if (access & X86_WALK_WRITE)
		return page_w || (!user && !(w.cr0 & X86_CR0_WP));
	return true;
}

static unsigned long rights_checked;

/* One level forbids what @bits says, under all settings of the control bits. */
static void check_rights(const struct mode *mode, int level, unsigned int bits)
{
	bool no_w = bits & 1, no_u = bits & 2, nx = bits & 4;
	struct x86_walk_result r;
	unsigned int c;

	for (c = 0; c < 512; c++) {
		static const u32 kinds[4] = { 0, X86_WALK_WRITE, X86_WALK_EXEC, X86_WALK_WRITE };
		bool nxe = c & 4, user;
		u32 access = kinds[c & 3];
		u64 val;
		int ret;

		setup(mode);
		if (nx && (m->size == 4 || !nxe))
			continue;
		w.efer |= nxe ? X86_EFER_NX : 0;
		w.cr0 |= c & 8 ? X86_CR0_WP : 0;
		w.cr4 |= (c & 16 ? X86_CR4_SMEP : 0) | (c & 32 ? X86_CR4_SMAP : 0);
		w.ac = c & 64;
		w.cpl = c & 128 ? 3 : 0;
		if (c & 256)
			access |= c & 128 ? X86_WALK_IMPLICIT : X86_WALK_USER;
		user = (access & X86_WALK_USER) || (w.cpl == 3 && !(access & X86_WALK_IMPLICIT));

		val = entry(level);
		val &= ~((no_w ? W : 0) | (no_u ? U : 0));
		entry_set(level, val | (nx ? NX : 0));
		ret = walk(access, &r);
		rights_checked++;
		if (allowed(access, user, !no_u, !no_w, nx)) {
			ck_assert_msg(ret == 0, "%s level %d bits %u case %u", m->name, level, bits, c);
			ck_assert(r.writable == !no_w && r.user == !no_u);
		} else {
			ck_assert_msg(ret == X86_WALK_FAULT, "%s level %d bits %u case %u", m->name,
				      level, bits, c);
			ck_assert_uint_eq(r.error, X86_PF_P | error_bits(access, user));
			ck_assert_int_eq(writes, 0);
		}
	}
}

START_TEST(rights)
{
	unsigned int i, bits;
	int level;

	for EACH_MODE(i) {
		for (level = modes[i].top; level >= modes[i].leaf; level--) {
			if (modes[i].top == 3 && level == 3)
				continue;
			for (bits = 0; bits < 8; bits++)
				check_rights(&modes[i], level, bits);
		}
	}
	unit_figure("page rights checked", rights_checked);
}
END_TEST

/* The reserved bits of a present entry, from the manual's figures; MAXPHYADDR is 36. */
static u64 reserved(int level, bool nxe)
{
	u64 rsvd = ABOVE(36);

	if (m->size == 4)
		return level == 2 && m->leaf == 2 ? 0x3e0000ull : 0;	/* bits 21-17 */
	if (m->top == 3)
		rsvd |= 0x7ff0000000000000ull;		/* bits 62-52 */
	if (pae3(level))
		return rsvd | NX | 0x1e6;
	if (!nxe)
		rsvd |= NX;
	if (level >= 4)
		rsvd |= PS;
	if (level == m->leaf && level == 3)
		rsvd |= 0x3fffe000;
	if (level == m->leaf && level == 2)
		rsvd |= 0x1fe000;
	return rsvd;
}

static bool is_ps(int level, int bit)
{
	return bit == 7 && level > 1 && !pae3(level) && (m->size == 8 || m->cr4 & X86_CR4_PSE) &&
	       level < 4;
}

START_TEST(reserved_bits)
{
	struct x86_walk_result r;
	unsigned int i, nxe, checked = 0;
	int level, bit;

	for EACH_MODE(i) {
		for (level = modes[i].top; level >= modes[i].leaf; level--) {
			for (bit = 1; bit < modes[i].size * 8; bit++) {
				for (nxe = 0; nxe < 2; nxe++) {
					bool rsvd;
					int ret;

					setup(&modes[i]);
					w.maxphyaddr = 36;
					w.efer |= nxe ? X86_EFER_NX : 0;
					rsvd = reserved(level, nxe) >> bit & 1;
					/* Address bits lead elsewhere, PS changes the level. */
					if (!rsvd && (is_ps(level, bit) || (level != m->leaf && bit >= 12)))
						continue;
					entry_set(level, entry(level) | 1ull << bit);
					ret = walk(X86_WALK_WRITE, &r);
					ck_assert_msg(ret == (rsvd ? X86_WALK_FAULT : 0),
						      "%s level %d bit %d nxe %u", m->name, level, bit, nxe);
					if (rsvd)
						ck_assert_uint_eq(r.error, X86_PF_P | X86_PF_RSVD | X86_PF_W);
					checked++;
				}
			}
		}
	}
	ck_assert_uint_gt(checked, 1500);

	/* 1 GiB pages that CPUID does not have. */
	setup(&modes[7]);
	w.no_1g = true;
	ck_assert_int_eq(walk(0, &r), X86_WALK_FAULT);
	ck_assert_uint_eq(r.error, X86_PF_P | X86_PF_RSVD);
	/* PSE-36 with fewer than 40 bits, and with more. */
	setup(&modes[2]);
	w.maxphyaddr = 52;
	entry_set(2, entry(2) | 0x1fe000);
	ck_assert_int_eq(walk(0, &r), 0);
	entry_set(2, entry(2) | 0x200000);
	ck_assert_int_eq(walk(0, &r), X86_WALK_FAULT);
	w.maxphyaddr = 32;
	entry_set(2, entry_default(2) | 0x2000);
	ck_assert_int_eq(walk(0, &r), X86_WALK_FAULT);
}
END_TEST

static int changes;

static void change_leaf_once(void)
{
	if (changes++ == 0)
		entry_set(m->leaf, entry_default(m->leaf) + m->page);
}

static void change_leaf_always(void)
{
	entry_set(m->leaf, entry_default(m->leaf) + (u64)(++changes & 1) * m->page);
}

static void remove_leaf(void)
{
	entry_set(m->leaf, 0);
}

START_TEST(changed_under_us)
{
	struct x86_walk_result r;
	unsigned int i;

	for EACH_MODE(i) {
		/* Only the leaf is left to be marked, and it changes just then: the new one counts. */
		setup(&modes[i]);
		ck_assert_int_eq(walk(0, &r), 0);
		changes = 0;
		before_cmpxchg = change_leaf_once;
		ck_assert_int_eq(walk(X86_WALK_WRITE, &r), 0);
		ck_assert_uint_eq(r.gpa, (FRAME + m->page) | (linear & (m->page - 1)));
		ck_assert_uint_eq(entry(m->leaf), (entry_default(m->leaf) + m->page) | A | D);

		setup(&modes[i]);
		before_cmpxchg = remove_leaf;
		ck_assert_int_eq(walk(X86_WALK_WRITE, &r), X86_WALK_FAULT);
		ck_assert_uint_eq(r.error, X86_PF_W);

		setup(&modes[i]);
		ck_assert_int_eq(walk(0, &r), 0);
		before_cmpxchg = change_leaf_always;
		ck_assert_int_eq(walk(X86_WALK_WRITE, &r), -EAGAIN);
	}
}
END_TEST

static int refuse_cmpxchg(void *ctx, u64 gpa, unsigned int size, u64 *old, u64 new)
{
	return -EFAULT;
}

START_TEST(memory_errors)
{
	struct x86_walk_result r;
	unsigned int i;
	int level;

	for EACH_MODE(i) {
		for (level = modes[i].top; level >= modes[i].leaf; level--) {
			setup(&modes[i]);
			read_error = -EAGAIN;
			fail_read_at = entry_at[level];
			ck_assert_int_eq(walk(0, &r), -EAGAIN);
			ck_assert_int_eq(writes, 0);
		}
		setup(&modes[i]);
		w.cr3 = 0x7ffff000;
		ck_assert_int_eq(walk(0, &r), -EFAULT);
		setup(&modes[i]);
		w.cmpxchg = refuse_cmpxchg;
		ck_assert_int_eq(walk(0, &r), -EFAULT);
	}
}
END_TEST

/* Whatever the tables hold, the walk ends with one of its results. */
START_TEST(random_tables)
{
	unsigned int n, i, kinds[3] = {};
	struct x86_walk_result r;

	for (n = 0; n < 100000; n++) {
		int ret, level;

		setup(&modes[unit_random_below(ARRAY_SIZE(modes))]);
		for (i = 0; i < sizeof(mem); i += 512) {
			u64 junk = unit_random();

			memcpy(mem + i, &junk, 8);
		}
		for (level = m->top; level >= m->leaf; level--)
			entry_set(level, entry_default(level) ^ (1ull << unit_random_below(64)));
		linear = n & 1 ? linear : unit_random();
		w.cr4 ^= unit_random() & (X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_LA57 | X86_CR4_PSE);
		w.efer ^= unit_random() & X86_EFER_NX;
		w.maxphyaddr = unit_random();
		w.cpl = unit_random() & 3;
		ret = walk(unit_random() & 31, &r);
		ck_assert(ret == 0 || ret == X86_WALK_FAULT || ret == -EFAULT);
		kinds[ret == 0 ? 0 : ret > 0 ? 1 : 2]++;
	}
	for (i = 0; i < 3; i++)
		ck_assert_uint_gt(kinds[i], 100);
}
END_TEST

UNIT_MAIN("walk", UNIT_CASE("walk", translates, root_and_frame, not_present, rights, reserved_bits,
			    changed_under_us, memory_errors, random_tables))
