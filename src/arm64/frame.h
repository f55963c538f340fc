/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU has at EL2 while it switches to a guest and back on a host that runs
 * at EL1: one page, filled and read by nvhe.c, used by world.S.
 */
#ifndef ARM64_FRAME_H
#define ARM64_FRAME_H

#define FRAME_FAULT	272
#define FRAME_GUEST	304
#define FRAME_HOST	568
#define FRAME_LR	832
#define FRAME_APR	960
#define FRAME_USED	1024
#define FRAME_NR_LRS	1032
#define FRAME_NR_APRS	1040
#define FRAME_FLUSH	1048
#define FRAME_FRESH	1056
#define FRAME_HCRX	1064
#define FRAME_KEPT	1072
#define FRAME_END	4096	/* the stack is below */

/* In a world. */
#define WORLD_MDCR	(8 * 26)

#ifndef __ASSEMBLER__
#include "arm64.h"

struct arm64_world {
	u64 sys[A64_SYS_SWITCHED];
#define ARM64_FIELD(name, reg) u64 name;
	ARM64_EACH_OTHER_REG(ARM64_FIELD)
#undef ARM64_FIELD
};

struct arm64_frame {
	struct user_pt_regs regs;	/* the guest's */
	u64 fault[4];			/* the beginning of struct arm64_exit */
	struct arm64_world guest, host;
	u64 lr[16], apr[2][4];
	u64 used;		/* list registers of these */
	u64 nr_lrs, nr_aprs;	/* that the CPU has */
	u64 flush;		/* the guest's translations, before it is entered */
	u64 fresh;		/* nobody has cleared the list registers yet */
	u64 hcrx;		/* whether there is an HCRX_EL2 */
	u64 kept[4];		/* where EL2 was called from, and how */
	u64 stack[(FRAME_END - FRAME_KEPT) / sizeof(u64) - 4];
};

static_assert(offsetof(struct arm64_exit, par) == 3 * sizeof(u64));
static_assert(offsetof(struct arm64_frame, fault) == FRAME_FAULT);
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
static_assert(offsetof(struct arm64_frame, kept) == FRAME_KEPT);
static_assert(sizeof(struct arm64_frame) == FRAME_END);
static_assert(offsetof(struct arm64_world, mdcr) == WORLD_MDCR);

#endif

#endif
