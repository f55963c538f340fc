/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a vCPU and interrupt messages between APICs: what the run
 * loop, the MSR and exit tables and the other interrupt controllers call.
 * Bodies in lapic.c, lapic_timer.c, lapic_state.c, lapic_unit.c and apic_msg.c.
 */
#ifndef X86_LAPIC_H
#define X86_LAPIC_H

#include <kvmx/x86.h>

#define APIC_BASE_BSP		BIT(8)
#define APIC_BASE_EXTD		BIT(10)	/* x2APIC mode */
#define APIC_BASE_EN		BIT(11)
#define APIC_BASE_ADDR		0xfee00000ull	/* after reset */

/*
 * Unless a line says otherwise the functions want the vCPU's mutex, may be
 * called inside the run window, and @v has a local APIC.
 */
int lapic_create(struct x86_vcpu *v);		/* sets v->lapic; 0 or -ENOMEM; resets it */
void lapic_destroy(struct x86_vcpu *v);		/* @v may have none; may sleep */
void lapic_quiesce(struct x86_vcpu *v);		/* stops the timer for good; may sleep */
void lapic_reset(struct x86_vcpu *v, bool init);	/* INIT keeps the APIC id and base */

/* Any context: IA32_APIC_BASE says enabled. */
bool lapic_enabled(struct x86_vcpu *v);
/* Any context: that, and the spurious vector register says enabled. */
bool lapic_sw_enabled(struct x86_vcpu *v);
bool lapic_x2apic(struct x86_vcpu *v);		/* any context */

bool lapic_any_request(struct x86_vcpu *v);	/* any context: a vector in IRR, deliverable or not */
int lapic_pending(struct x86_vcpu *v);		/* any context: deliverable vector, or -1 */
/* Priority class of a pending vector that only the task priority holds back; 0: none. */
u8 lapic_blocked_class(struct x86_vcpu *v);
void lapic_ack(struct x86_vcpu *v, u8 vector);	/* @vector goes from IRR to ISR */
void lapic_eoi(struct x86_vcpu *v);
bool lapic_eoi_unnoticed(struct x86_vcpu *v);	/* of what is in service: it can come later */
bool lapic_has_reason(struct x86_vcpu *v);	/* any context: would it wake a HLT */
bool lapic_accepts_extint(struct x86_vcpu *v);	/* any context: the PIC's INTR reaches @v */
/*
 * Split irqchip: vector whose EOI user space has to be told of, or -1. Taken
 * once; KVMX_REQ_IOAPIC_SCAN says that there is one.
 */
int lapic_take_eoi_exit(struct x86_vcpu *v);

/*
 * IA32_APIC_BASE, which is read in @v->apic_base. Also for a @v without local APIC. @host:
 * by user space, any consistent value and no side effect on registers. -EINVAL: #GP.
 */
int lapic_set_base(struct x86_vcpu *v, u64 val, bool host);

/* MSRs 0x800 to 0x8ff. -EINVAL: #GP (also when not in x2APIC mode). */
int lapic_msr_read(struct x86_vcpu *v, u32 msr, u64 *val);
int lapic_msr_write(struct x86_vcpu *v, u32 msr, u64 val);

/* Whether @gpa is in the register page of @v now. Then @offset is @gpa & 0xfff. */
bool lapic_mmio_match(struct x86_vcpu *v, u64 gpa);
/* @len 1, 2, 4 or 8. Always 0: what the manual leaves undefined reads 0 and ignores writes. */
int lapic_mmio_read(struct x86_vcpu *v, u32 offset, int len, void *val);
int lapic_mmio_write(struct x86_vcpu *v, u32 offset, int len, const void *val);

void lapic_set_tpr(struct x86_vcpu *v, u8 cr8);	/* CR8: 4 bits */
u8 lapic_get_tpr(struct x86_vcpu *v);
/* CR8, also of a @v without local APIC. */
static inline u64 x86_get_cr8(struct x86_vcpu *v)
{
	return v->lapic ? lapic_get_tpr(v) : v->cr8;
}
void lapic_write_tpr(struct x86_vcpu *v, u8 tpr);	/* all of the register */
/* For vapic.c: TPR, highest vectors in service and requested (0: none) in bytes 0, 1 and 3. */
u32 lapic_priorities(struct x86_vcpu *v);

/* Timer (lapic_timer.c). */
extern unsigned int x86_min_timer_period_us;	/* module parameter; the PIT obeys it too */
void lapic_timer_expired(struct x86_vcpu *v);	/* KVMX_REQ_TIMER was taken */
void lapic_timer_halt(struct x86_vcpu *v);	/* @v may have no APIC; its thread goes to sleep */
u64 lapic_get_deadline(struct x86_vcpu *v);	/* IA32_TSC_DEADLINE; 0 when not in that mode */
int lapic_set_deadline(struct x86_vcpu *v, u64 val);	/* by the guest; always 0 */
void lapic_restore_deadline(struct x86_vcpu *v, u64 val);	/* by user space, in any order with SET_LAPIC */
void lapic_tsc_changed(struct x86_vcpu *v);	/* guest TSC was moved: the deadline is elsewhere now */

/*
 * A unit that does a part of it (lapic_unit.c), caps.virtual_apic: around an entry. First
 * v->apic_virtual is chosen; then, with all else for the entry done, the unit is told.
 */
void lapic_unit_choose(struct x86_vcpu *v);	/* before something is injected */
bool lapic_unit_enter(struct x86_vcpu *v);	/* v->apic_virtual: lapic_unit_leave() is to follow */
void lapic_unit_leave(struct x86_vcpu *v);
void lapic_unit_eoi(struct x86_vcpu *v, u8 vector);	/* X86_EXIT_EOI */
void lapic_unit_write(struct x86_vcpu *v, u16 offset);	/* X86_EXIT_APIC_WRITE */

/* KVMX_GET_LAPIC, KVMX_SET_LAPIC (lapic_state.c). */
void lapic_get_state(struct x86_vcpu *v, struct kvmx_lapic_state *s);
int lapic_set_state(struct x86_vcpu *v, const struct kvmx_lapic_state *s);

/* Any context. The PIC's INTR line rose: what LINT0 of @v makes of it. */
void lapic_lint0_rise(struct x86_vcpu *v);

/*
 * Messages (apic_msg.c), any context. @from: sender of an IPI, NULL for a
 * device. Number of APICs that took it; 0: all had the vector pending already
 * (coalesced); -1: nobody was addressed, or nobody accepts.
 */
int apic_deliver(struct x86_vm *vm, struct x86_vcpu *from, const struct apic_msg *msg);
/* The same to one APIC, whatever @msg says of its destination: how many took it, 0 or 1. */
int apic_deliver_to_id(struct x86_vm *vm, u32 id, const struct apic_msg *msg);
void apic_msi_to_msg(struct x86_vm *vm, const struct kvmx_irq_route *route, struct apic_msg *msg);

#endif
