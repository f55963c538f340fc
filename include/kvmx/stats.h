/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a VM and of a vCPU, read through the binary statistics file.
 * src/core/stats.c makes the file; the counters are bumped where things
 * happen. The guest floor names its own (arch.h).
 */
#ifndef KVMX_STATS_H
#define KVMX_STATS_H

#include <linux/types.h>

enum kvmx_vm_stat {
	KVMX_STAT_TLB_FLUSHES,		/* remote_tlb_flush */
	KVMX_STAT_PAGES_4K,		/* pages_4k: leaves mapped now */
	KVMX_STAT_PAGES_2M,
	KVMX_STAT_PAGES_1G,
	KVMX_STAT_INVALIDATIONS,	/* host ranges zapped by the mmu notifier */
	KVMX_VM_STATS,
};

/* The generic counters come first, the guest floor's exits by kind after them. */
enum kvmx_vcpu_stat {
	KVMX_STAT_EXITS,		/* times the unit left the guest */
	KVMX_STAT_USER_EXITS,		/* returns from KVMX_RUN */
	KVMX_STAT_WINDOWS,		/* run windows opened */
	KVMX_STAT_HALTS,
	KVMX_STAT_HALT_POLLED,		/* halts that ended while polling */
	KVMX_STAT_HALT_SLEPT,
	KVMX_STAT_INTERRUPTS,		/* external interrupts injected */
	KVMX_STAT_FAULTS,		/* stage-2 faults that mapped something */
	KVMX_STAT_ARCH,			/* the first of the guest floor's */
	KVMX_VCPU_STATS = KVMX_STAT_ARCH + 56,
};

struct kvmx_vm;
struct kvmx_vcpu;

/* A file descriptor in the format of KVMX_GET_STATS_FD, or -errno. */
int kvmx_stats_fd_vm(struct kvmx_vm *vm);
int kvmx_stats_fd_vcpu(struct kvmx_vcpu *vcpu);

#endif
