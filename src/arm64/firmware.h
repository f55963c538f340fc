/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's firmware as user space sees it (firmware.c). False: there is no such
 * register; set is for those that get knows.
 */
#ifndef ARM64_FIRMWARE_H
#define ARM64_FIRMWARE_H

#include "arm64.h"

#define PSCI_0_2	0x2
#define PSCI_1_0	0x10000
#define PSCI_1_1	0x10001

bool firmware_get_reg(struct arm64_vm *vm, u64 id, u64 *val);
int firmware_set_reg(struct arm64_vm *vm, u64 id, u64 val);
extern const u64 firmware_regs[];
extern const unsigned int firmware_nr_regs;

#endif
