/* SPDX-License-Identifier: GPL-2.0-only */
/* Masks are not simulated; pending signals are shim_set_signal_pending(). */
#pragma once

#include <linux/sched.h>
#include <signal.h>
