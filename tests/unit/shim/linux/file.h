/* SPDX-License-Identifier: GPL-2.0-only */
/* A small table of files. */
#pragma once

#include <linux/fs.h>

struct fd { struct file *file; };
#define fd_file(f)	((f).file)
#define fd_empty(f)	((f).file == NULL)
struct file *fget(unsigned int fd);
void fput(struct file *file);
static inline struct fd fdget(unsigned int fd) { return (struct fd){ fget(fd) }; }
static inline void fdput(struct fd f) { if (f.file) fput(f.file); }
int get_unused_fd_flags(unsigned int flags);
void put_unused_fd(unsigned int fd);
void fd_install(unsigned int fd, struct file *file);
#define get_file(f)	((void)atomic_inc(&(f)->shim_refs), (f))
