/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU's generic timers: the virtual one, which the CPU has, and the physical
 * one, which is emulated.
 */
#ifndef ARM64_TIMER_H
#define ARM64_TIMER_H

#include "arm64.h"

/* CNTV_CTL_EL0 and CNTP_CTL_EL0 */
#define TIMER_CTL_ENABLE	BIT_ULL(0)
#define TIMER_CTL_IMASK		BIT_ULL(1)
#define TIMER_CTL_ISTATUS	BIT_ULL(2)

void timer_vcpu_init(struct arm64_vcpu *v);
void timer_vcpu_free(struct arm64_vcpu *v);
void timer_reset(struct arm64_vcpu *v);
u64 timer_counter(void);	/* the host's */

/* Whether the virtual timer has expired: the controller is told. Interrupts off, not IN_GUEST yet. */
void timer_look(struct arm64_vcpu *v);
/* Before an entry, and when the window closes: the virtual timer's interrupt on this CPU. */
void timer_enter(struct arm64_vcpu *v);
void timer_close(struct arm64_vcpu *v);
/* The guest has ended its interrupt, and by that the host's. */
static inline void timer_ended(struct arm64_vcpu *v)
{
	v->vtimer_held = false;
}
/* The host's interrupt that the guest's @intid ends, 0: none. */
u32 timer_hw_intid(u32 intid);

/* User space has set the lines of its interrupts: they are looked at anew. */
void timer_lines_restored(struct arm64_vcpu *v);

/* Around a wait: the virtual timer ends it. */
void timer_block(struct arm64_vcpu *v);
void timer_unblock(struct arm64_vcpu *v);

/* A trapped access; false: none of its registers. */
bool timer_sysreg(struct arm64_vcpu *v, u32 enc, bool write, u64 *val);

/* The ids of its registers for KVMX_GET_REG_LIST, and their values; false: none of them. */
extern const u64 timer_regs[];
extern const unsigned int timer_nr_regs;
bool timer_get_reg(struct arm64_vcpu *v, u64 id, u64 *val);
bool timer_set_reg(struct arm64_vcpu *v, u64 id, u64 val);

#endif
