/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments of the right shape for ioctls that refuse all others. For fuzz_ioctl.c. */
#ifndef KVMX_FUZZ_SHAPES_H
#define KVMX_FUZZ_SHAPES_H

#include "machine.h"

/* What VMMs ask for: fills machine_arg; gives the command, and in *@scope whose it is. */
u32 shape_argument(struct fuzz_input *in, const int *events, unsigned int nr_events, u8 *scope);
/* The same for MSRs: those of @list are known to the module. */
u32 shape_msrs(struct fuzz_input *in, const u32 *list, unsigned int nr);
/* A processor mode, with page tables in guest memory: the argument of KVMX_SET_SREGS. */
void shape_mode(struct fuzz_input *in, struct kvmx_sregs *sregs);

#endif
