/* KVMX_HAVE_HRTIMER_SETUP: hrtimer_setup() sets function and clock at once; 6.13 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/hrtimer.h>
void probe(struct hrtimer *timer, enum hrtimer_restart (*fn)(struct hrtimer *));
void probe(struct hrtimer *timer, enum hrtimer_restart (*fn)(struct hrtimer *))
{
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
}
