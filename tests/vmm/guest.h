/* SPDX-License-Identifier: GPL-2.0-only */
/* A small VMM for tests: guest.c. */
#ifndef TESTS_VMM_GUEST_H
#define TESTS_VMM_GUEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvmx.h>
#include "check.h"

#ifndef PAGE_SIZE
#define PAGE_SIZE	4096
#endif

#define CPUS_MAX	2

/* What a guest does next: a few instructions, which end with HLT. */
enum { DO_WRITE, DO_READ, DO_OUT, DO_OUTS, DO_FETCH, DO_LOCKED };

/* 32-bit protected mode without paging; no interrupt controller in the kernel. */
struct guest {
	int vm, cpu[CPUS_MAX];
	struct kvmx_run *run[CPUS_MAX];
	char *memory;			/* slot 0, from guest address 0 on */
	size_t size;
};

extern int dev;
extern bool in_tree;			/* it is the kernel's own KVM */
extern size_t mmap_size;		/* of a vCPU */

/* Fills in what is above. */
void device_open(const char *path);
int cap(int fd, long number);
/* What an ioctl that is not there fails with. In-tree KVM has EINVAL for it on some files. */
static inline bool is_unknown(int err)
{
	return err == ENOTTY || (in_tree && err == EINVAL);
}

/* @before, if any, is called before vCPUs are made. */
struct guest guest_make(unsigned int cpus, int (*before)(struct guest *g));
void guest_end(struct guest *g);
int guest_slot(struct guest *g, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
	       void *at);
/*
 * Has vCPU @cpu do @what, @count times, at @address and every @step bytes
 * from there (ports: only at @address), with @value.
 */
void guest_task(struct guest *g, int cpu, int what, uint32_t address, uint32_t step,
		uint32_t count, uint32_t value);
/* KVMX_RUN: the reason of the exit, or -errno. */
int guest_run(struct guest *g, int cpu);

#endif
