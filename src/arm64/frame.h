/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU has at EL2 while it switches to a guest and back on a host that runs
 * at EL1: one page, filled and read by nvhe.c, used by world.S.
 */
#ifndef ARM64_FRAME_H
#define ARM64_FRAME_H

#define FRAME_VCPU	0
#define FRAME_GUEST	16
#define FRAME_HOST	280
#define FRAME_LR	544
#define FRAME_APR	672
#define FRAME_USED	736
#define FRAME_NR_LRS	744
#define FRAME_NR_APRS	752
#define FRAME_FLUSH	760
#define FRAME_FRESH	768
#define FRAME_HCRX	776
#define FRAME_HARDEN	784
#define FRAME_KEPT	792
#define FRAME_END	4096	/* the stack is below */

/* In a world. */
#define WORLD_MDCR	(8 * 22)
#define WORLD_OTHER	(8 * 26)

#ifndef __ASSEMBLER__
#include "arm64.h"

struct arm64_world {
	u64 sys[A64_SYS_SWITCHED];
#define ARM64_FIELD(name, reg) u64 name;
	ARM64_EACH_FIXED_REG(ARM64_FIELD)
	ARM64_EACH_OTHER_REG(ARM64_FIELD)
#undef ARM64_FIELD
};

struct arm64_frame {
	u64 regs, exit;			/* addresses: the guest's registers, how it was left */
	struct arm64_world guest, host;
	u64 lr[16], apr[2][4];
	u64 used;		/* list registers of these */
	u64 nr_lrs, nr_aprs;	/* that the CPU has */
	u64 flush;		/* the guest's translations, before it is entered */
	u64 fresh;		/* the first entry of a window */
	u64 hcrx;		/* whether there is an HCRX_EL2 */
	u64 harden;		/* spectre.h */
	u64 kept[4];		/* where EL2 was called from, and how */
	u64 stack[(FRAME_END - FRAME_KEPT) / sizeof(u64) - 4];
};

static_assert(offsetof(struct arm64_exit, par) == 3 * sizeof(u64));
static_assert(offsetof(struct arm64_frame, regs) == FRAME_VCPU);
static_assert(offsetof(struct arm64_frame, exit) == FRAME_VCPU + sizeof(u64));
static_assert(offsetof(struct arm64_frame, guest) == FRAME_GUEST);
static_assert(offsetof(struct arm64_frame, host) == FRAME_HOST);
static_assert(offsetof(struct arm64_frame, lr) == FRAME_LR);
static_assert(offsetof(struct arm64_frame, apr) == FRAME_APR);
static_assert(offsetof(struct arm64_frame, used) == FRAME_USED);
static_assert(offsetof(struct arm64_frame, nr_lrs) == FRAME_NR_LRS);
static_assert(offsetof(struct arm64_frame, nr_aprs) == FRAME_NR_APRS);
static_assert(offsetof(struct arm64_frame, flush) == FRAME_FLUSH);
static_assert(offsetof(struct arm64_frame, fresh) == FRAME_FRESH);
static_assert(offsetof(struct arm64_frame, hcrx) == FRAME_HCRX);
static_assert(offsetof(struct arm64_frame, harden) == FRAME_HARDEN);
static_assert(offsetof(struct arm64_frame, kept) == FRAME_KEPT);
static_assert(sizeof(struct arm64_frame) == FRAME_END);
static_assert(A64_SYS_SCTLR == 0 && A64_SYS_TCR == 1);
static_assert(offsetof(struct arm64_world, mdcr) == WORLD_MDCR);
static_assert(offsetof(struct arm64_world, sp) == WORLD_OTHER);

#endif

#endif
