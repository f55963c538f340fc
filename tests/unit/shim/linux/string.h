/* SPDX-License-Identifier: GPL-2.0-only */
/* libc has most of it. */
#pragma once

#include <linux/errno.h>
#include <linux/types.h>
#include <string.h>

ssize_t strscpy(char *to, const char *from, size_t size);
ssize_t strscpy_pad(char *to, const char *from, size_t size);
void *memchr_inv(const void *p, int c, size_t n);
void *kmemdup(const void *p, size_t n, gfp_t gfp);
void *kvmemdup(const void *p, size_t n, gfp_t gfp);
char *kstrdup(const char *s, gfp_t gfp);
void *memdup_user(const void __user *p, size_t n);
void *vmemdup_user(const void __user *p, size_t n);

static inline void *memset64(u64 *p, u64 v, size_t n)
{
	while (n--)
		p[n] = v;
	return p;
}

#define memzero_explicit(p, n)	memset(p, 0, n)
#define str_has_prefix(s, prefix) \
	(strncmp(s, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0)
