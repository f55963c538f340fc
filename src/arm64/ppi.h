/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's per-CPU interrupts that guests need: of the virtual timer, and of
 * the GIC's maintenance. All they have to do is to end the guest.
 */
#ifndef ARM64_PPI_H
#define ARM64_PPI_H

#include <linux/types.h>

/* 0, or -errno: -EBUSY when somebody else has the timer. Process context. */
int ppi_take(void);
void ppi_give(void);
/* On this CPU, interrupts off. */
void ppi_enable(void);
void ppi_disable(void);
/* The timer's interrupt on this CPU: its number at the controller; not to come, or to come again. */
u32 ppi_timer_intid(void);
void ppi_timer_hold(bool hold);

#endif
