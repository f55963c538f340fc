/* SPDX-License-Identifier: GPL-2.0-only */
/* The interrupt flag of the one simulated CPU, kept per thread. */
#pragma once

#include <linux/types.h>

bool shim_irqs_off(void);
bool shim_irqs_set_off(bool off);	/* gives the state before */

#define local_irq_disable()	((void)shim_irqs_set_off(true))
#define local_irq_enable()	((void)shim_irqs_set_off(false))
#define local_irq_save(flags)	((void)((flags) = shim_irqs_set_off(true)))
#define local_irq_restore(flags)	((void)shim_irqs_set_off(flags))
#define local_save_flags(flags)	((void)((flags) = shim_irqs_off()))
#define irqs_disabled()		shim_irqs_off()
#define irqs_disabled_flags(flags)	((bool)(flags))
