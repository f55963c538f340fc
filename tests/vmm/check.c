// SPDX-License-Identifier: GPL-2.0-only
/* How the C programs of this directory tell what they found. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static unsigned int passed, failed;

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("# ", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

void check(bool good, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs(good ? "ok: " : "not ok: ", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	if (good)
		passed++;
	else
		failed++;
}

int must(const char *what, int result)
{
	if (result >= 0)
		return result;
	printf("not ok: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *wait_for_the_end(void *seconds)
{
	sleep((uintptr_t)seconds);
	printf("not ok: something hangs\n");
	fflush(stdout);
	_exit(1);
}

void watch(unsigned int seconds)
{
	pthread_t watcher;

	setvbuf(stdout, NULL, _IOLBF, 0);
	must("thread", -pthread_create(&watcher, NULL, wait_for_the_end, (void *)(uintptr_t)seconds));
}

int verdict(void)
{
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
