// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into a VMM: a thread that keeps moving the memory under the guest.
 * It pages the VMM's largest mapping out, offers it to KSM, and forks children
 * that share it copy-on-write for a while. Ends with the VMM; its figures go
 * to standard error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static unsigned long forks, pageouts;

/* All of it, or only what KVMX_STRESS names: "merge", "pageout", "fork". */
static bool wanted(const char *what)
{
	const char *list = getenv("KVMX_STRESS");

	return !list || strstr(list, what);
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* The largest anonymous or shared-memory mapping that can be written: the guest's memory. */
static size_t largest_mapping(char **at)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512], mode[8];
	size_t size = 0;

	if (!maps)
		return 0;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) != 3 || mode[1] != 'w')
			continue;
		if (end - start > size) {
			size = end - start;
			*at = (char *)start;
		}
	}
	fclose(maps);
	return size;
}

static void fork_once(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause_ms(200);
		_exit(0);
	}
	if (pid > 0) {
		forks++;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

static void *stress(void *unused)
{
	size_t size, part = 8 << 20, at = 0, rounds = 0;
	char *memory = NULL;
	sigset_t all;

	(void)unused;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	do {
		pause_ms(100);
		size = largest_mapping(&memory);
	} while (size < part);
	if (wanted("merge") && madvise(memory, size, MADV_MERGEABLE))
		fprintf(stderr, "stress: KSM: %s\n", strerror(errno));
	for (;;) {
		if (wanted("pageout") && !madvise(memory + at, part, MADV_PAGEOUT))
			pageouts++;
		at = at + 2 * part <= size ? at + part : 0;
		pause_ms(150);
		if (++rounds % 16 == 0 && wanted("fork"))
			fork_once();
	}
	return NULL;
}

__attribute__((constructor)) static void start(void)
{
	pthread_t thread;

	unsetenv("LD_PRELOAD");
	if (pthread_create(&thread, NULL, stress, NULL))
		abort();
}

__attribute__((destructor)) static void stop(void)
{
	fprintf(stderr, "stress: %lu forks, %lu page-outs of 8 MiB\n", forks, pageouts);
}
