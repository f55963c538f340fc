/* SPDX-License-Identifier: GPL-2.0-only */
/* How the C programs of this directory tell what they found. */
#ifndef TESTS_VMM_CHECK_H
#define TESTS_VMM_CHECK_H

#include <stdbool.h>

/* One line, which counts as passed or failed. */
void check(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* @result of a call that sets errno, without which the test cannot go on. */
int must(const char *what, int result);
/* After this long something hangs, and the program ends as failed. */
void watch(unsigned int seconds);
/* Says how it went; what main() returns. */
int verdict(void);

#endif
