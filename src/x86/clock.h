/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time of a guest: its time stamp counter (tsc.c), and kvmclock, a page that
 * turns TSC values into nanoseconds (clock.c). Called by the run loop, the
 * local APIC's timer, the MSR table and the ioctls.
 */
#ifndef X86_CLOCK_H
#define X86_CLOCK_H

#include <kvmx/x86.h>

void x86_clock_vm_init(struct x86_vm *vm);
/* At vm->vcpus creation, under vm->lock, after the unit's vcpu_create: the VM's TSC so far. */
void x86_clock_vcpu_init(struct x86_vcpu *v);

/* Guest TSC now, and at a host TSC value. Any context. */
u64 x86_guest_tsc(struct x86_vcpu *v);
u64 x86_guest_tsc_at(struct x86_vcpu *v, u64 host_tsc);
/* Nanoseconds of so many guest TSC ticks; saturates. Any context. */
s64 x86_tsc_to_ns(struct x86_vcpu *v, s64 guest_ticks);

/*
 * IA32_TSC and IA32_TSC_ADJUST; vCPU mutex, may be in the window. Values that
 * user space sets on several vCPUs within a second of each other are one TSC.
 */
int x86_tsc_write(struct x86_vcpu *v, u64 val, bool host);
int x86_tsc_adjust_write(struct x86_vcpu *v, u64 val, bool host);
/* KVMX_VCPU_TSC_OFFSET: what is added to the host's TSC after scaling. vCPU mutex. */
void x86_tsc_set_offset(struct x86_vcpu *v, u64 offset);
/* KVMX_SET_TSC_KHZ; 0: the host's. -EINVAL: not possible on this CPU. */
int x86_tsc_set_khz(struct x86_vcpu *v, u32 khz);
bool x86_tsc_khz_valid(u32 khz);	/* whether it is */
u32 x86_host_tsc_khz(void);

/*
 * KVMX_REQ_CLOCK was taken: writes the guest's clock page. Outside of the
 * window, slots' SRCU held. When x86_clock_unstable(), ask for it on each
 * window that opens on another CPU than the last.
 */
void x86_clock_update(struct x86_vcpu *v);
bool x86_clock_unstable(void);
/* KVMX_MSR_SYSTEM_TIME(_NEW) was written; may be in the window. */
void x86_clock_set_msr(struct x86_vcpu *v, u64 val);
/* KVMX_MSR_WALL_CLOCK(_NEW) was written by the guest; may sleep, slots' SRCU held. */
void x86_clock_write_wall(struct x86_vm *vm, u64 gpa);

u64 x86_clock_now(struct x86_vm *vm);	/* guest's kvmclock, in ns */
void x86_clock_get(struct x86_vm *vm, struct kvmx_clock_data *data);
int x86_clock_set(struct x86_vm *vm, const struct kvmx_clock_data *data);
int x86_clock_stopped(struct x86_vcpu *v);	/* KVMX_KVMCLOCK_CTRL: -EINVAL without a clock page */

/* Factors of the clock page: ns = (ticks << shift) * mul >> 32, negative shifts to the right. */
void x86_clock_factors(u32 khz, u32 *mul, s8 *shift);
u64 x86_clock_scale(u64 ticks, u32 mul, s8 shift);

#endif
