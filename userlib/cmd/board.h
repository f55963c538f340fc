/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine has beside CPUs, a serial port and disks: a PC (pc.c), or on
 * arm64 a board that a device tree describes (arm64/board.c). Called by
 * machine.c and cpu.c in this order; each answers 0, or non-zero after a message.
 */
#ifndef KVMX_BOARD_H
#define KVMX_BOARD_H

#include "machine.h"

int board_memory(struct machine *m);
int board_chips(struct machine *m);	/* that the kernel emulates */
int board_devices(struct machine *m);	/* others; gives the serial port its place */
int board_cpu(struct machine *m, struct kvmx *kvmx, unsigned int cpu);	/* -errno, no message */
int board_boot(struct machine *m);	/* loads the kernel; an exit code */
void board_destroy(struct machine *m);	/* also what was never built */

#endif
