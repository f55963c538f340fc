/* SPDX-License-Identifier: GPL-2.0-only */
/* One CPU, online: a state's callback runs for it at once. */
#pragma once

#include <linux/stddef.h>

enum cpuhp_state { CPUHP_AP_ONLINE_DYN = 200 };

extern int (*shim_cpuhp_online)(unsigned int cpu), (*shim_cpuhp_offline)(unsigned int cpu);

/* Gives the state's number, or what @online refused with. */
static inline int cpuhp_setup_state(int state, const char *name, int (*online)(unsigned int cpu),
				    int (*offline)(unsigned int cpu))
{
	int err = online(0);

	if (err)
		return err;
	shim_cpuhp_online = online;
	shim_cpuhp_offline = offline;
	return state;
}

static inline void cpuhp_remove_state(int state)
{
	shim_cpuhp_offline(0);
	shim_cpuhp_online = shim_cpuhp_offline = NULL;
}
