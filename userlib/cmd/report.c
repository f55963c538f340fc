// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table that `kvmx run --stats` prints when a machine ends: exits to user
 * space by kind, and the kernel's own statistics where it has them. Called by
 * cmd_run.c after the CPUs stopped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "machine.h"

#define NAME_WIDTH 36

static void line(const char *name, uint64_t value)
{
	if (value)
		fprintf(stderr, "  %-*s %14llu\n", NAME_WIDTH, name,
			(unsigned long long)value);
}

static const char *end_name(enum machine_end end)
{
	switch (end) {
	case END_POWEROFF:
		return "the guest powered off";
	case END_RESET:
		return "the guest reset";
	case END_FAILED:
		return "it failed";
	default:
		return "it was left";
	}
}

static void report_exits(const struct machine *m)
{
	uint64_t interrupted = 0, ports = 0, memory = 0;

	fprintf(stderr, "exits to user space\n");
	for (unsigned int kind = 0; kind < EXIT_KINDS; kind++) {
		uint64_t sum = 0;

		for (unsigned int i = 0; i < m->cpus; i++)
			sum += m->cpu[i].exits[kind];
		line(kvmx_exit_name(kind), sum);
	}
	for (unsigned int i = 0; i < m->cpus; i++) {
		interrupted += m->cpu[i].interrupted;
		ports += m->cpu[i].unclaimed_ports;
		memory += m->cpu[i].unclaimed_memory;
	}
	line("(ended by a signal)", interrupted);
	line("(of these, ports without a device)", ports);
	line("(of these, memory without a device)", memory);
}

/* A file of statistics, read once the guest stood still. */
static struct kvmx_stats *stats_read(int fd)
{
	struct kvmx_stats *stats = NULL;

	if (fd >= 0 && kvmx_stats_open(fd, &stats))
		stats = NULL;
	if (fd >= 0)
		close(fd);
	return stats;
}

/* Sums single values over the files, which all have the same layout. */
static void stats_print(struct kvmx_stats *const *stats, unsigned int count)
{
	struct kvmx_stat stat;

	for (uint32_t i = 0; !kvmx_stats_get(stats[0], i, &stat); i++) {
		uint32_t type = stat.flags & KVMX_STATS_TYPE_MASK;
		const char *name = stat.name;
		uint64_t value = 0;

		if (stat.count != 1)
			continue;
		for (unsigned int j = 0; j < count; j++) {
			if (kvmx_stats_get(stats[j], i, &stat) || stat.count != 1)
				continue;
			if (type != KVMX_STATS_TYPE_PEAK)
				value += stat.values[0];
			else if (stat.values[0] > value)
				value = stat.values[0];
		}
		line(name, value);
	}
}

static void report_kernel(struct machine *m)
{
	struct kvmx_stats **stats;
	unsigned int count = 0;

	if (kvmx_vm_check_extension(m->vm, KVMX_CAP_BINARY_STATS_FD) <= 0) {
		fprintf(stderr, "the kernel offers no statistics\n");
		return;
	}
	stats = calloc(m->cpus, sizeof(struct kvmx_stats *));
	if (!stats)
		return;
	stats[0] = stats_read(kvmx_vm_stats_fd(m->vm));
	if (stats[0]) {
		fprintf(stderr, "in the kernel, for the VM\n");
		stats_print(stats, 1);
		kvmx_stats_close(stats[0]);
	}
	for (unsigned int i = 0; i < m->cpus; i++) {
		stats[count] = stats_read(kvmx_vcpu_stats_fd(m->cpu[i].vcpu));
		if (stats[count])
			count++;
	}
	if (count) {
		fprintf(stderr, "in the kernel, sum of %u CPUs\n", count);
		stats_print(stats, count);
	}
	while (count)
		kvmx_stats_close(stats[--count]);
	free(stats);
}

void report_print(struct machine *m, enum machine_end end)
{
	fprintf(stderr, "kvmx: ran %.3f s on %u CPUs until %s\n", m->seconds,
		m->cpus, end_name(end));
	report_exits(m);
	report_kernel(m);
}
