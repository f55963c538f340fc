/* SPDX-License-Identifier: GPL-2.0-only */
/* Trace points have no bodies here: linux/tracepoint.h. */
