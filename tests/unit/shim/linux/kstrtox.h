/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers from text; trailing newline allowed, anything else refused. */
#pragma once

#include <linux/types.h>

int kstrtoull(const char *s, unsigned int base, unsigned long long *res);
int kstrtouint(const char *s, unsigned int base, unsigned int *res);
int kstrtobool(const char *s, bool *res);
#define kstrtou64 kstrtoull
#define kstrtou32 kstrtouint
