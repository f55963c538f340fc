/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `kvmx top` makes of statistics: counters of VMs at one moment, and the
 * table of what two moments differ by. Filled and printed by cmd_top.c.
 */
#ifndef TOP_H
#define TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <kvmx.h>

struct top_counter {
	char name[48];
	uint64_t value;
};

struct top_vm {
	char id[48];			/* kvmx_stats_id() of the VM */
	char command[32];
	int pid;
	unsigned int cpus;
	struct top_counter *counter;	/* sums over the CPUs */
	size_t counters;
};

struct top_sample {
	double seconds;			/* when, on any clock */
	unsigned int hidden;		/* VMs and CPUs that this user may not look at */
	struct top_vm *vm;
	size_t vms;
	char (*seen)[48];		/* ids of all that was added */
	size_t nr_seen;
};

/*
 * Adds a VM's or a CPU's counters, unless another descriptor of the same was
 * added before. @command is cut to what there is room for. 0 or -errno.
 */
int top_add(struct top_sample *sample, int pid, const char *command,
	    const struct kvmx_stats *stats);

/*
 * What happened from @before to @now, per second: a line of sums, one of names,
 * and a line for each VM, the busiest first, with a column for each kind of exit
 * that occurred. What does not fit into @width columns (0: no limit) is summed
 * up as "other". At most @lines lines (0: no limit). 0 or -ENOMEM.
 */
int top_print(FILE *out, const struct top_sample *before, const struct top_sample *now,
	      unsigned int width, unsigned int lines);

void top_free(struct top_sample *sample);

#endif
