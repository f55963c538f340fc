/* SPDX-License-Identifier: GPL-2.0-only */
/* Handlers of ioctls that lie in other files than the table, ioctl.c. */
#ifndef ARM64_IOCTLS_H
#define ARM64_IOCTLS_H

#include <kvmx/ioctl.h>

#include "arm64.h"

/* vcpu.c */
long arm64_preferred_target(struct kvmx_call *call);
long arm64_vcpu_init(struct kvmx_call *call);
long arm64_get_mp_state(struct kvmx_call *call);
long arm64_set_mp_state(struct kvmx_call *call);
long arm64_get_events(struct kvmx_call *call);
long arm64_set_events(struct kvmx_call *call);

/* debug.c */
long arm64_set_guest_debug(struct kvmx_call *call);

/* one_reg.c */
long arm64_get_one_reg(struct kvmx_call *call);
long arm64_set_one_reg(struct kvmx_call *call);
long arm64_get_reg_list(struct kvmx_call *call);

#endif
