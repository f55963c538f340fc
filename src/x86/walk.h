/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest page-table walker: linear to guest physical address in every paging
 * mode of x86, with the permission checks and the accessed and dirty bits of
 * the CPU's own walker. walk.c; called by mmio.c and for KVMX_TRANSLATE.
 */
#ifndef KVMX_X86_WALK_H
#define KVMX_X86_WALK_H

#include <linux/types.h>
#include <linux/bits.h>

/* What the access is. 0 is an explicit read at the privilege of @cpl. */
#define X86_WALK_READ		0
#define X86_WALK_WRITE		BIT(0)
#define X86_WALK_EXEC		BIT(1)
#define X86_WALK_USER		BIT(2)	/* as user mode, whatever @cpl is */
#define X86_WALK_IMPLICIT	BIT(3)	/* supervisor at any @cpl: descriptor tables, TSS */
#define X86_WALK_NO_AD		BIT(4)	/* leave accessed and dirty bits alone */

/* x86_walk(): not a positive errno, not 0. */
#define X86_WALK_FAULT		1

struct x86_walk {
	u64 cr0, cr3, cr4, efer;
	u8 cpl;
	bool ac;		/* RFLAGS.AC, for SMAP */
	u8 maxphyaddr;		/* CPUID 0x80000008; address bits from here up are reserved */
	bool no_1g;		/* CPUID has no 1 GiB pages: the bit is reserved */

	/*
	 * Guest physical memory: 0 or a negative errno, which x86_walk() returns
	 * (and then the walk has no result). @cmpxchg: size 4 or 8, *@old becomes
	 * what was found; not called with X86_WALK_NO_AD.
	 */
	int (*read)(void *ctx, u64 gpa, void *buf, unsigned int len);
	int (*cmpxchg)(void *ctx, u64 gpa, unsigned int size, u64 *old, u64 new);
	void *ctx;
};

struct x86_walk_result {
	u64 gpa;
	u64 page_size;		/* of the guest's mapping; paging off: 4 GiB */
	bool writable, user;	/* by the tables alone, all levels together */
	u32 error;		/* of X86_WALK_FAULT: page-fault error code, X86_PF_* */
};

/*
 * Translates @linear (canonical: the caller has checked). 0 with gpa,
 * page_size, writable and user; X86_WALK_FAULT with error; or what read or
 * cmpxchg returned. -EAGAIN also when the tables change under the walk all the time.
 */
int x86_walk(const struct x86_walk *w, u64 linear, u32 access, struct x86_walk_result *res);

#endif
