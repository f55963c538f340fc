// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark's VMM: measures every row on one device and prints each as
 * "row NAME VALUE". run starts it inside of the machine, once for each device;
 * report.py judges.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct kvmx *device;
bool quick;

int must(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "bench: %s: %s\n", what, strerror(-result));
		exit(1);
	}
	return result;
}

void row(const char *name, double value)
{
	printf("row %s %.1f\n", name, value);
	fflush(stdout);
}

static void nothing(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = nothing };
	const char *only = NULL, *path = KVMX_DEFAULT_DEVICE;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick")) {
			quick = true;
		} else if (!strcmp(argv[i], "--device") && i + 1 < argc) {
			path = argv[++i];
		} else if (!strcmp(argv[i], "--only") && i + 1 < argc) {
			only = argv[++i];
		} else {
			fprintf(stderr, "bench: [--quick] [--device PATH] [--only exits|memory|ipi|objects]\n");
			return 1;
		}
	}
	must(sigaction(SIGUSR1, &action, NULL) ? -errno : 0, "setting a signal handler");
	must(kvmx_open(path, &device), path);
	printf("device %s\n", path);
	if (!only || !strcmp(only, "objects"))
		rows_objects();
	if (!only || !strcmp(only, "exits"))
		rows_exits();
	if (!only || !strcmp(only, "memory"))
		rows_memory();
	if (!only || !strcmp(only, "ipi"))
		rows_ipi();
	kvmx_close(device);
	return 0;
}
