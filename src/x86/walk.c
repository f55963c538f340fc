// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest page-table walker (Intel SDM, "Paging"; AMD APM volume 2, "Page
 * Translation and Protection"). Owns no state: guest memory is reached through
 * the caller's functions. Called by mmio.c and for KVMX_TRANSLATE.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include <kvmx/x86_regs.h>
#include "walk.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)

#define LEVELS_MAX	5
#define RESTARTS_MAX	16

/* The paging mode, and what was found on the way down; index 1 is the level of 4 KiB pages. */
struct walk {
	const struct x86_walk *w;
	bool pae, lma;
	u8 levels, bits, size;		/* of the mode: levels, index bits, bytes an entry */
	u8 leaf;			/* level where the walk ended */
	u64 pa_reserved;		/* address bits above MAXPHYADDR */
	u64 gpa[LEVELS_MAX + 1];
	u64 entry[LEVELS_MAX + 1];
	bool user, writable, nx;
};

static void walk_mode(struct walk *k, const struct x86_walk *w)
{
	u8 maxpa = clamp_t(u8, w->maxphyaddr, 32, 52);

	k->w = w;
	k->pae = w->cr4 & X86_CR4_PAE;
	k->lma = k->pae && (w->efer & X86_EFER_LMA);
	k->levels = k->lma ? (w->cr4 & X86_CR4_LA57 ? 5 : 4) : k->pae ? 3 : 2;
	k->bits = k->pae ? 9 : 10;
	k->size = k->pae ? 8 : 4;
	k->pa_reserved = 0;
	if (maxpa < 52)
		k->pa_reserved = GENMASK_ULL(51, maxpa);
	/* Legacy PAE entries have no ignored bits above the address. */
	if (k->pae && !k->lma)
		k->pa_reserved |= GENMASK_ULL(62, 52);
}

static bool walk_is_leaf(const struct walk *k, int level)
{
	u64 entry = k->entry[level];

	if (level == 1)
		return true;
	if (!(entry & PTE_PS))
		return false;
	if (level == 2)
		return k->pae || (k->w->cr4 & X86_CR4_PSE);
	return level == 3 && k->lma && !k->w->no_1g;
}

static unsigned int walk_shift(const struct walk *k, int level)
{
	return 12 + k->bits * (level - 1);
}

/* Reserved bits of a present entry ("Reserved bits in paging-structure entries"). */
static u64 walk_reserved(const struct walk *k, int level)
{
	bool leaf = walk_is_leaf(k, level);
	u64 rsvd = k->pa_reserved;

	if (!k->pae) {
		u8 maxpa = clamp_t(u8, k->w->maxphyaddr, 32, 40);

		if (!leaf || level == 1)
			return 0;
		/* Bits 20-13 of a 4 MiB entry are address bits 39-32; bit 21 is reserved. */
		return GENMASK_ULL(21, maxpa - 32 + 13);
	}
	if (level == 3 && !k->lma)
		return rsvd | PTE_NX | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1);
	if (!(k->w->efer & X86_EFER_NX))
		rsvd |= PTE_NX;
	if (level > 3 || (level == 3 && k->w->no_1g))
		rsvd |= PTE_PS;
	if (leaf && level > 1)
		rsvd |= GENMASK_ULL(walk_shift(k, level) - 1, 13);
	return rsvd;
}

static u64 walk_root(const struct walk *k)
{
	if (!k->pae)
		return k->w->cr3 & GENMASK_ULL(31, 12);
	if (!k->lma)
		return k->w->cr3 & GENMASK_ULL(31, 5);
	return k->w->cr3 & GENMASK_ULL(51, 12);
}

/* Reads the tables down to the leaf. 0, X86_WALK_FAULT with P and RSVD of *error, or an errno. */
static int walk_down(struct walk *k, u64 linear, u32 *error)
{
	u64 table = walk_root(k);
	int level, err;

	k->user = k->writable = true;
	k->nx = false;
	for (level = k->levels; level > 0; level--) {
		u64 index = (linear >> walk_shift(k, level)) & (BIT(k->bits) - 1);
		u32 low;
		u64 entry;

		k->gpa[level] = table + index * k->size;
		if (k->size == 4) {
			err = k->w->read(k->w->ctx, k->gpa[level], &low, 4);
			entry = low;
		} else {
			err = k->w->read(k->w->ctx, k->gpa[level], &entry, 8);
		}
		if (err)
			return err;
		k->entry[level] = entry;
		if (!(entry & PTE_P))
			return X86_WALK_FAULT;
		if (entry & walk_reserved(k, level)) {
			*error |= X86_PF_P | X86_PF_RSVD;
			return X86_WALK_FAULT;
		}
		/* A PDPTE of legacy PAE carries no rights. */
		if (k->lma || level < 3) {
			k->user &= !!(entry & PTE_U);
			k->writable &= !!(entry & PTE_W);
			k->nx |= k->pae && (entry & PTE_NX);
		}
		if (walk_is_leaf(k, level))
			break;
		table = entry & (k->pae ? GENMASK_ULL(51, 12) : GENMASK_ULL(31, 12));
	}
	k->leaf = level;
	return 0;
}

/* Access rights ("Determination of Access Rights"). */
static bool walk_allowed(const struct walk *k, u32 access, bool user)
{
	const struct x86_walk *w = k->w;

	if (access & X86_WALK_EXEC) {
		if (k->nx)
			return false;
		return user ? k->user : !(k->user && (w->cr4 & X86_CR4_SMEP));
	}
	if ((access & X86_WALK_WRITE) && !k->writable && (user || (w->cr0 & X86_CR0_WP)))
		return false;
	if (user)
		return k->user;
	if (k->user && (w->cr4 & X86_CR4_SMAP))
		return w->ac && !(access & X86_WALK_IMPLICIT);
	return true;
}

/* Sets accessed on the way and dirty in the leaf. 0, 1: an entry has changed, or an errno. */
static int walk_set_ad(struct walk *k, bool write)
{
	int level, err;

	for (level = k->levels; level >= k->leaf; level--) {
		u64 old = k->entry[level];
		u64 new = old | PTE_A;

		if (level == 3 && k->pae && !k->lma)
			continue;
		if (level == k->leaf && write)
			new |= PTE_D;
		if (new == old)
			continue;
		err = k->w->cmpxchg(k->w->ctx, k->gpa[level], k->size, &old, new);
		if (err)
			return err;
		if (old != k->entry[level])
			return 1;
		k->entry[level] = new;
	}
	return 0;
}

static void walk_result(const struct walk *k, u64 linear, struct x86_walk_result *res)
{
	u64 entry = k->entry[k->leaf];
	u64 base = entry & GENMASK_ULL(51, 12);

	res->page_size = BIT_ULL(walk_shift(k, k->leaf));
	if (!k->pae && k->leaf == 2)
		base = (entry & GENMASK_ULL(31, 22)) | ((entry & GENMASK_ULL(20, 13)) << 19);
	res->gpa = (base & ~(res->page_size - 1)) | (linear & (res->page_size - 1));
	res->user = k->user;
	res->writable = k->writable;
}

int x86_walk(const struct x86_walk *w, u64 linear, u32 access, struct x86_walk_result *res)
{
	bool user = (access & X86_WALK_USER) || (w->cpl == 3 && !(access & X86_WALK_IMPLICIT));
	int tries, ret;
	struct walk k;

	res->error = 0;
	if (!(w->cr0 & X86_CR0_PG)) {
		res->gpa = (u32)linear;
		res->page_size = BIT_ULL(32);
		res->writable = res->user = true;
		return 0;
	}

	walk_mode(&k, w);
	if (!k.lma)
		linear = (u32)linear;
	if (access & X86_WALK_WRITE)
		res->error |= X86_PF_W;
	if (user)
		res->error |= X86_PF_U;
	if ((access & X86_WALK_EXEC) &&
	    ((w->cr4 & X86_CR4_SMEP) || (k.pae && (w->efer & X86_EFER_NX))))
		res->error |= X86_PF_I;

	for (tries = 0; tries < RESTARTS_MAX; tries++) {
		ret = walk_down(&k, linear, &res->error);
		if (ret)
			return ret;
		if (!walk_allowed(&k, access, user)) {
			res->error |= X86_PF_P;
			return X86_WALK_FAULT;
		}
		ret = 0;
		if (!(access & X86_WALK_NO_AD))
			ret = walk_set_ad(&k, access & X86_WALK_WRITE);
		if (ret < 0)
			return ret;
		if (!ret) {
			walk_result(&k, linear, res);
			return 0;
		}
	}
	return -EAGAIN;
}
