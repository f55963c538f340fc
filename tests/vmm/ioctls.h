/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the test of bad input (ioctls.c) share. */
#ifndef TESTS_VMM_IOCTLS_H
#define TESTS_VMM_IOCTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvmx.h>
#include "check.h"

#define MEM_SIZE	(4ul << 20)	/* of each of the three parts below */
#define RUN_SIZE	(3 * 4096)	/* with the ring of coalesced writes */

/* How test_vm_make() makes a VM. */
#define WITH_IRQCHIP	1
#define WITH_PIT	2
#define WITH_CPU	4
#define WITH_MEMORY	8
#define WITH_SPLIT	16
#define WITH_ALL	(WITH_IRQCHIP | WITH_PIT | WITH_CPU | WITH_MEMORY)

struct test_vm {
	int vm, cpu;			/* -1: none */
	struct kvmx_run *run;
};

struct ioctl_number {
	const char *name;
	unsigned long cmd;
};

extern const struct ioctl_number ioctl_numbers[];	/* made from the header */
extern const unsigned int nr_ioctl_numbers;

extern int dev;				/* the device under test */
extern bool in_tree;			/* it is the kernel's own KVM */
extern char *memory;			/* MEM_SIZE that a guest may have, ... */
extern char *hole, *readonly;		/* ... without access, read-only */

struct test_vm test_vm_make(int with);
void test_vm_end(struct test_vm *t);
int cap(int fd, long number);
bool makes_file(unsigned long cmd);	/* its result is a file descriptor */
bool is_sane_errno(int err);		/* or 0 */

void test_sweep(void);			/* every number with every bad pointer */
void test_errnos(void);			/* what each refusal is told with, and that it changes nothing */
void test_lifetime(void);		/* other processes, closed files, mappings */
void test_round_trips(void);		/* GET, SET, GET */
void test_random(uint64_t seed, unsigned long count);

#endif
