/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole module in user space, over a processor and a virtualization unit that do what the
 * fuzzer's input says: ioctls reach it through its files, guests through the unit's exits.
 */
#ifndef KVMX_FUZZ_MACHINE_H
#define KVMX_FUZZ_MACHINE_H

#include <kvmx/arch.h>
#include <kvmx/ioctl.h>
#include <kvmx/x86.h>

#include "fuzz.h"

/* What the VMM has: memory for guests, and room for the arguments of ioctls. */
#define MACHINE_PAGES	64
#define MACHINE_ARG	(64 << 10)
extern u8 machine_ram[MACHINE_PAGES << 12];
extern u8 machine_arg[MACHINE_ARG];

/* Once, before the first input: loads the module. */
void machine_load(void);
/* Before and after each input; the end demands that nothing is left. */
void machine_begin(struct fuzz_input *in);
void machine_end(void);

/* An ioctl with what lies in machine_arg, or with a number. */
long machine_ioctl(int fd, u32 cmd, unsigned long arg);
static inline long machine_call(int fd, u32 cmd)
{
	return machine_ioctl(fd, cmd, (unsigned long)machine_arg);
}
void machine_close(int fd);
/* /dev/kvmx. */
#define MACHINE_SYSTEM	(-1)

/* The rows of the module's table, all sets one after the other. */
extern unsigned int machine_nr_rows;
const struct kvmx_ioctl *machine_row(unsigned int i);

/* How many guest exits may come in this run of KVMX_RUN. */
extern unsigned int machine_exits;
/* Some bytes of guest memory become what the input says. */
void machine_poke(struct fuzz_input *in);
/* The memory slot of most guests: all of machine_ram at guest physical 0. */
long machine_add_ram(int vm);

#endif
