// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Counters of VMs at one moment, and the table of what two moments differ by.
 * Called by cmd_top.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "top.h"

#define KIND_PREFIX	"exit_"		/* counters of exits by kind */
#define KINDS_MAX	64		/* columns of kinds; more are "other" */

static const char separator[] = "/vcpu-";

static struct top_vm *vm_find(const struct top_sample *sample, const char *id, size_t length)
{
	for (size_t i = 0; i < sample->vms; i++)
		if (!strncmp(sample->vm[i].id, id, length) && !sample->vm[i].id[length])
			return &sample->vm[i];
	return NULL;
}

/* VMs are known by their CPUs, too: a CPU's descriptor may be found first. */
static struct top_vm *vm_make(struct top_sample *sample, const char *id, size_t length)
{
	struct top_vm *vm = reallocarray(sample->vm, sample->vms + 1, sizeof(*vm));

	if (!vm)
		return NULL;
	sample->vm = vm;
	vm += sample->vms++;
	memset(vm, 0, sizeof(*vm));
	memcpy(vm->id, id, length);
	return vm;
}

static struct top_counter *counter_find(const struct top_vm *vm, const char *name)
{
	for (size_t i = 0; i < vm->counters; i++)
		if (!strcmp(vm->counter[i].name, name))
			return &vm->counter[i];
	return NULL;
}

static int counter_add(struct top_vm *vm, const char *name, uint64_t value)
{
	struct top_counter *counter = counter_find(vm, name);

	if (!counter) {
		if (strlen(name) >= sizeof(counter->name))
			return 0;
		counter = reallocarray(vm->counter, vm->counters + 1, sizeof(*counter));
		if (!counter)
			return -ENOMEM;
		vm->counter = counter;
		counter += vm->counters++;
		strcpy(counter->name, name);
		counter->value = 0;
	}
	counter->value += value;
	return 0;
}

/* 1: for the first time. */
static int see(struct top_sample *sample, const char *id)
{
	char (*seen)[48];

	for (size_t i = 0; i < sample->nr_seen; i++)
		if (!strcmp(sample->seen[i], id))
			return 0;
	seen = reallocarray(sample->seen, sample->nr_seen + 1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	sample->seen = seen;
	strcpy(seen[sample->nr_seen++], id);
	return 1;
}

int top_add(struct top_sample *sample, int pid, const char *command,
	    const struct kvmx_stats *stats)
{
	const char *id = kvmx_stats_id(stats), *cpu = strstr(id, separator);
	size_t length = cpu ? (size_t)(cpu - id) : strlen(id);
	struct kvmx_stat stat;
	struct top_vm *vm;
	int ret;

	if (strlen(id) >= sizeof(vm->id))
		return -EPROTO;
	ret = see(sample, id);
	if (ret <= 0)
		return ret;
	vm = vm_find(sample, id, length);
	if (!vm) {
		vm = vm_make(sample, id, length);
		if (!vm)
			return -ENOMEM;
		vm->pid = pid;
		snprintf(vm->command, sizeof(vm->command), "%s", command);
	}
	if (!cpu)
		return 0;
	vm->cpus++;
	for (uint32_t i = 0; !kvmx_stats_get(stats, i, &stat); i++) {
		if (stat.count != 1 ||
		    (stat.flags & KVMX_STATS_TYPE_MASK) != KVMX_STATS_TYPE_CUMULATIVE)
			continue;
		ret = counter_add(vm, stat.name, stat.values[0]);
		if (ret)
			return ret;
	}
	return 0;
}

void top_free(struct top_sample *sample)
{
	for (size_t i = 0; i < sample->vms; i++)
		free(sample->vm[i].counter);
	free(sample->vm);
	free(sample->seen);
	memset(sample, 0, sizeof(*sample));
}

/* ---- the table ---- */

struct kind {
	const char *name;	/* of the counter */
	double rate;		/* of all VMs */
};

struct row {
	const struct top_vm *vm, *before;
	double exits;
};

/* A VM that is new has counted from 0; of CPUs that are gone nothing is known. */
static double rate(const struct row *row, const char *name, double seconds)
{
	const struct top_counter *now = counter_find(row->vm, name);
	const struct top_counter *before = row->before ? counter_find(row->before, name) : NULL;
	uint64_t from = before ? before->value : 0;

	return now && now->value > from ? (double)(now->value - from) / seconds : 0;
}

static int row_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->exits != y->exits)
		return x->exits < y->exits ? 1 : -1;
	return strcmp(x->vm->id, y->vm->id);
}

static int kind_compare(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;

	if (x->rate != y->rate)
		return x->rate < y->rate ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* The kinds that occurred, the most frequent first. */
static size_t find_kinds(const struct row *row, size_t rows, double seconds, struct kind *kind)
{
	size_t found = 0;

	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0; j < row[i].vm->counters; j++) {
			const char *name = row[i].vm->counter[j].name;
			double more = rate(&row[i], name, seconds);
			size_t k = 0;

			if (strncmp(name, KIND_PREFIX, strlen(KIND_PREFIX)) || more == 0)
				continue;
			while (k < found && strcmp(kind[k].name, name))
				k++;
			if (k == KINDS_MAX)
				continue;
			if (k == found)
				kind[found++] = (struct kind){ .name = name };
			kind[k].rate += more;
		}
	}
	qsort(kind, found, sizeof(*kind), kind_compare);
	return found;
}

static const char *kind_label(const struct kind *kind)
{
	return kind->name + strlen(KIND_PREFIX);
}

static int column_width(const char *label)
{
	return strlen(label) > 8 ? (int)strlen(label) : 8;
}

#define OTHER_LABEL	"other"

/* How many columns of kinds have room, next to one for the others. */
static size_t kinds_that_fit(const struct kind *kind, size_t kinds, size_t used, size_t width)
{
	size_t other = 1 + column_width(OTHER_LABEL);

	if (!width)
		return kinds;
	for (size_t i = 0; i < kinds; i++) {
		used += 1 + column_width(kind_label(&kind[i]));
		if (used + (i + 1 < kinds ? other : 0) > width)
			return i;
	}
	return kinds;
}

static void print_row(FILE *out, const struct row *row, double seconds, const struct kind *kind,
		      size_t shown, bool other)
{
	const char *number = strrchr(row->vm->id, '-');
	double rest = row->exits;

	fprintf(out, "%7d %-15.15s %6s %5u %9.0f %8.0f %8.0f", row->vm->pid, row->vm->command,
		number ? number + 1 : "?", row->vm->cpus, row->exits,
		rate(row, "user_exits", seconds), rate(row, "irq_injections", seconds));
	for (size_t i = 0; i < shown; i++) {
		double part = rate(row, kind[i].name, seconds);

		fprintf(out, " %*.0f", column_width(kind_label(&kind[i])), part);
		rest -= part;
	}
	if (other)
		fprintf(out, " %*.0f", column_width(OTHER_LABEL), rest > 0 ? rest : 0);
	fputc('\n', out);
}

static void print_table(FILE *out, const struct row *row, size_t rows, double seconds,
			unsigned int hidden, unsigned int width, unsigned int lines)
{
	struct kind kind[KINDS_MAX];
	size_t kinds = find_kinds(row, rows, seconds, kind), shown;
	unsigned int cpus = 0;
	double exits = 0;
	int used;

	for (size_t i = 0; i < rows; i++) {
		cpus += row[i].vm->cpus;
		exits += row[i].exits;
	}
	fprintf(out, "kvmx: %zu VMs, %u CPUs, %.0f exits/s", rows, cpus, exits);
	if (hidden)
		fprintf(out, "; not permitted to look at %u more", hidden);
	fputc('\n', out);
	if (!rows || lines == 1)
		return;
	used = fprintf(out, "%7s %-15s %6s %5s %9s %8s %8s", "PID", "COMMAND", "VM", "CPUS",
		       "EXITS/s", "USER/s", "INTR/s");
	shown = kinds_that_fit(kind, kinds, used > 0 ? (size_t)used : 0, width);
	for (size_t i = 0; i < shown; i++)
		fprintf(out, " %*s", column_width(kind_label(&kind[i])), kind_label(&kind[i]));
	if (shown < kinds)
		fprintf(out, " %*s", column_width(OTHER_LABEL), OTHER_LABEL);
	fputc('\n', out);
	for (size_t i = 0; i < rows && (!lines || i + 2 < lines); i++)
		print_row(out, &row[i], seconds, kind, shown, shown < kinds);
}

int top_print(FILE *out, const struct top_sample *before, const struct top_sample *now,
	      unsigned int width, unsigned int lines)
{
	double seconds = now->seconds - before->seconds;
	struct row *row = calloc(now->vms + 1, sizeof(*row));

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < now->vms; i++) {
		row[i].vm = &now->vm[i];
		row[i].before = vm_find(before, now->vm[i].id, strlen(now->vm[i].id));
		row[i].exits = rate(&row[i], "exits", seconds);
	}
	qsort(row, now->vms, sizeof(*row), row_compare);
	print_table(out, row, now->vms, seconds, now->hidden, width, lines);
	free(row);
	return 0;
}
