/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every unit test program shares: its main(), repeatable random numbers, figures for the
 * report. Included once, by test_<subject>.c, after the kernel headers it needs.
 */
#ifndef KVMX_UNIT_H
#define KVMX_UNIT_H

#include <check.h>
#include <inttypes.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shim/shim.h"

/* --- random numbers: xorshift64*, one stream per test case, seeded by UNIT_SEED --- */

static u64 unit_random_state;

static inline u64 unit_seed(void)
{
	const char *text = getenv("UNIT_SEED");
	u64 seed = text ? strtoull(text, NULL, 0) : 0x6b766d78;

	return seed ? seed : 1;
}

static inline u64 unit_random(void)
{
	u64 x = unit_random_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	unit_random_state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

/* 0 .. n-1 */
static inline u64 unit_random_below(u64 n)
{
	return (u64)(((unsigned __int128)unit_random() * n) >> 64);
}

/* A number that is often at an edge: 0, all ones, a power of two or its neighbour. */
static inline u64 unit_random_edge(void)
{
	u64 power = 1ULL << unit_random_below(64);

	switch (unit_random_below(8)) {
	case 0: return 0;
	case 1: return ~0ULL;
	case 2: return power;
	case 3: return power - 1;
	case 4: return -power;
	case 5: return unit_random_below(256);
	default: return unit_random();
	}
}

/* --- figures: counted by a test, collected by "make check" --- */

static inline void unit_figure(const char *name, unsigned long long n)
{
	printf("figure: %s = %llu\n", name, n);
	fflush(stdout);
}

/* --- a call that must abort, and say why --- */

/*
 * Runs "call" in a child and demands that it dies by abort() with "text" in what it printed:
 * for WARN, BUG and the misuse the shim detects. ck_assert(unit_dies(call, "taken twice"))
 */
static inline bool unit_dies(void (*call)(void), const char *text)
{
	char said[4096];
	size_t have = 0;
	ssize_t got;
	int ends[2], status;
	pid_t child;

	if (pipe(ends))
		return false;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		setenv("UNIT_NO_STACK", "1", 1);
		call();
		_exit(0);
	}
	close(ends[1]);
	while (have < sizeof(said) - 1 &&
	       (got = read(ends[0], said + have, sizeof(said) - 1 - have)) > 0)
		have += got;
	said[have] = '\0';
	close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(said, text))
		return true;
	printf("expected to die with \"%s\"; status %#x, said: %s\n", text, status, said);
	return false;
}

/* --- cases and main --- */

/* Each test starts from the seed, and must end holding nothing: locks, read sections, memory. */
static inline void unit_begin(void)
{
	unit_random_state = unit_seed();
	shim_random_seed(unit_seed());
}

static inline void unit_end(void)
{
	shim_assert_idle();
	shim_rcu_run();
}

/* A case of the given tests, ended by NULL. A test's name is its function's. */
static inline TCase *unit_case(const char *name, const TTest *const *tests)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, unit_begin, unit_end);
	tcase_set_timeout(tc, 180);
	for (; *tests; tests++)
		tcase_add_test(tc, *tests);
	return tc;
}

/* UNIT_CASE("ports", test_a, test_b) */
#define UNIT_CASE(name, ...) unit_case(name, (const TTest *const[]){ __VA_ARGS__, NULL })

static inline int unit_main(const char *subject, TCase *const *cases)
{
	Suite *suite = suite_create(subject);
	SRunner *runner;
	int failed;

	for (; *cases; cases++)
		suite_add_tcase(suite, *cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	if (failed || srunner_ntests_run(runner) == 0)
		printf("repeat with UNIT_SEED=%" PRIu64 "\n", (uint64_t)unit_seed());
	failed |= srunner_ntests_run(runner) == 0;
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* UNIT_MAIN("pic", UNIT_CASE(...), some_function_that_gives_a_tcase()) */
#define UNIT_MAIN(subject, ...)							\
	int main(void)								\
	{									\
		return unit_main(subject, (TCase *const[]){ __VA_ARGS__, NULL }); \
	}

#endif
