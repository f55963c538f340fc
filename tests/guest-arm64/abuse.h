/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the test of bad input share: abuse.c, abuse_random.c. */
#ifndef GUEST_ARM64_ABUSE_H
#define GUEST_ARM64_ABUSE_H

#include "vm.h"

struct ioctl_number {
	const char *name;
	unsigned long cmd;
};
extern const struct ioctl_number ioctl_numbers[];	/* made from the interface's header */
extern const unsigned int nr_ioctl_numbers;

/* A VM's files: itself, a vCPU that was initialized, a GIC and an ITS that were set up. */
enum scope { DEVICE_FILE, VM_FILE, VCPU_FILE, GIC_FILE, ITS_FILE, SCOPES };
struct target {
	int fd[SCOPES];
	struct kvmx_run *run;
};
struct target target_make(void);
void target_end(struct target *t);

#define ARENA	(4ul << 20)
extern char *arena;	/* what guests may have for memory */
bool makes_file(unsigned long cmd);	/* its result is a file descriptor */
bool is_sane(int error);		/* an errno that bad input is answered with, or 0 */

void test_random(unsigned long count, uint64_t seed);

#endif
