/* SPDX-License-Identifier: GPL-2.0-only */
/* User memory: what shim_user_register() named, everything else faults. */
#pragma once

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>

/* Each gives the number of bytes it could not copy. */
unsigned long shim_from_user(void *to, const void __user *from, unsigned long n);
unsigned long shim_to_user(void __user *to, const void *from, unsigned long n);
bool shim_access_ok(const void __user *p, unsigned long n);
void pagefault_disable(void);
void pagefault_enable(void);
void shim_user_may_fault(const char *file, int line);

#define u64_to_user_ptr(x)	((void __user *)(unsigned long)(u64)(x))
#define untagged_addr(x)	(x)
#define access_ok(p, n)		shim_access_ok((const void __user *)(p), n)
#define copy_from_user(to, from, n) \
	(shim_user_may_fault(__FILE__, __LINE__), shim_from_user(to, from, n))
#define copy_to_user(to, from, n) \
	(shim_user_may_fault(__FILE__, __LINE__), shim_to_user(to, from, n))
#define __copy_from_user	copy_from_user
#define __copy_to_user		copy_to_user
#define __copy_from_user_inatomic(to, from, n)	shim_from_user(to, from, n)
#define __copy_to_user_inatomic(to, from, n)	shim_to_user(to, from, n)
#define copy_from_user_nofault(to, from, n)	(shim_from_user(to, from, n) ? -EFAULT : 0)
#define copy_to_user_nofault(to, from, n)	(shim_to_user(to, from, n) ? -EFAULT : 0)
#define get_user(x, p) ({						\
	__unqual_scalar_typeof(*(p)) shim_v = 0;			\
	int shim_e = copy_from_user(&shim_v, (p), sizeof(shim_v)) ? -EFAULT : 0; \
	(x) = (__typeof__(x))(shim_e ? 0 : shim_v);			\
	shim_e; })
#define put_user(x, p) ({						\
	__unqual_scalar_typeof(*(p)) shim_v = (x);			\
	copy_to_user((p), &shim_v, sizeof(shim_v)) ? -EFAULT : 0; })
#define user_access_begin(p, n)	access_ok(p, n)
#define user_access_end()	do { } while (0)
#define unsafe_get_user(x, p, label) do {				\
	if (shim_from_user(&(x), (p), sizeof(*(p))))			\
		goto label;						\
} while (0)
#define __get_user		get_user
#define __put_user		put_user
unsigned long clear_user(void __user *to, unsigned long n);
int copy_struct_from_user(void *to, size_t ksize, const void __user *from, size_t usize);
