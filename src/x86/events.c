// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on their way into the guest: exceptions, NMIs, interrupts, INIT and
 * SIPI; which comes first and what waits for a window. Called by the run loop;
 * raised by exits, emulation and the interrupt controllers.
 */
#include <linux/kernel.h>
#include <linux/kvmx_para.h>

#include "run.h"
#include "irqchip.h"
#include "lapic.h"
#include "pic.h"
#include "pv_eoi.h"
#include "trace.h"

/* Intel SDM volume 3, "Interrupt 8 - Double Fault Exception": classes of exceptions. */
static bool x86_contributory(u8 vector)
{
	return vector == X86_EXC_DE || (vector >= X86_EXC_TS && vector <= X86_EXC_GP) ||
	       vector == X86_EXC_CP;
}

static void x86_queue_exception(struct x86_vcpu *v, u8 vector, bool has_error, u32 error,
				bool has_payload, u64 payload)
{
	struct x86_event *e = &v->ev.exception;

	if (e->type != X86_EVENT_NONE) {
		u8 first = e->vector;

		if (first == X86_EXC_DF) {
			x86_triple_fault(v);
			return;
		}
		if ((x86_contributory(first) && x86_contributory(vector)) ||
		    (first == X86_EXC_PF && (x86_contributory(vector) || vector == X86_EXC_PF))) {
			vector = X86_EXC_DF;
			has_error = true;
			error = 0;
			has_payload = false;
		}
	}
	e->type = X86_EVENT_EXCEPTION;
	e->vector = vector;
	e->insn_len = 0;
	/* Real mode pushes no error codes. */
	e->has_error = has_error && x86_protected_mode(v);
	e->error = error;
	v->ev.exception_injected = false;
	v->ev.has_payload = has_payload;
	v->ev.payload = payload;
}

void x86_raise(struct x86_vcpu *v, u8 vector)
{
	x86_queue_exception(v, vector, false, 0, false, 0);
}

void x86_raise_error(struct x86_vcpu *v, u8 vector, u32 error)
{
	x86_queue_exception(v, vector, true, error, false, 0);
}

void x86_raise_page_fault(struct x86_vcpu *v, u64 addr, u32 error)
{
	x86_queue_exception(v, X86_EXC_PF, true, error, true, addr);
}

void x86_raise_debug(struct x86_vcpu *v, u64 dr6_bits)
{
	x86_queue_exception(v, X86_EXC_DB, false, 0, true, dr6_bits);
}

void x86_triple_fault(struct x86_vcpu *v)
{
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_TRIPLE_FAULT);
}

/* An interrupt, NMI, INIT or SIPI may be deliverable: look again before the next entry. */
void x86_event_pending(struct x86_vcpu *v)
{
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
	kvmx_vcpu_kick(&v->vcpu);
}

/* One is being served and one waits: more than two are one (Intel SDM, "Handling Multiple NMIs"). */
void x86_queue_nmi(struct x86_vcpu *v)
{
	WRITE_ONCE(v->ev.nmi_pending, 1);
	x86_event_pending(v);
}

void x86_queue_init(struct x86_vcpu *v)
{
	WRITE_ONCE(v->ev.sipi_vector, -1);
	smp_store_release(&v->ev.init_pending, true);
	x86_event_pending(v);
}

void x86_queue_sipi(struct x86_vcpu *v, u8 vector)
{
	WRITE_ONCE(v->ev.sipi_vector, vector);
	x86_event_pending(v);
}

/*
 * INIT and SIPI (Intel SDM volume 3, "MP Initialization Protocol"). True when
 * one was served. A boot processor starts at its reset vector after INIT, the
 * others wait for a SIPI; a SIPI that nobody waits for is dropped.
 */
bool x86_events_async(struct x86_vcpu *v)
{
	bool served = false;
	int vector;

	if (smp_load_acquire(&v->ev.init_pending)) {
		v->ev.init_pending = false;
		x86_vcpu_reset(v, true);
		v->mp_state = v->apic_base & APIC_BASE_BSP ? X86_MP_RUNNABLE :
							     X86_MP_INIT_RECEIVED;
		served = true;
	}
	vector = xchg(&v->ev.sipi_vector, -1);
	if (vector >= 0 && v->mp_state == X86_MP_INIT_RECEIVED) {
		struct x86_segment *cs = &x86_state_dirty(v, X86_STATE_SEGS)->seg[X86_SEG_CS];

		cs->selector = vector << 8;
		cs->base = vector << 12;
		v->rip = 0;
		v->mp_state = X86_MP_RUNNABLE;
		served = true;
	}
	return served;
}

bool x86_interrupt_open(struct x86_vcpu *v)
{
	return (v->rflags & X86_EFLAGS_IF) && !v->int_shadow;
}

/* Full user-space controllers, or with a split irqchip its PIC, which ExtINT lets through. */
bool x86_user_controller(struct x86_vcpu *v)
{
	return !READ_ONCE(x86_vm_of(v)->irqchip) && (!v->lapic || lapic_accepts_extint(v));
}

bool x86_user_may_interrupt(struct x86_vcpu *v)
{
	return x86_user_controller(v) && x86_interrupt_open(v) && v->user_irq < 0 &&
	       v->ev.irq_injected < 0 && v->ev.exception.type == X86_EVENT_NONE;
}

/* CR2 and DR6 change when the exception is delivered, not when it is raised. */
static void x86_apply_payload(struct x86_vcpu *v)
{
	if (!v->ev.has_payload)
		return;
	v->ev.has_payload = false;
	if (v->ev.exception.vector == X86_EXC_PF) {
		v->cr2 = v->ev.payload;
	} else if (v->ev.exception.vector == X86_EXC_DB) {
		struct x86_state *s = x86_state_dirty(v, X86_STATE_DRS);

		s->dr6 = (s->dr6 & ~15ull) | (v->ev.payload & X86_DR6_STATUS);
		s->dr7 &= ~X86_DR7_GD;
	}
}

static void x86_inject_exception(struct x86_vcpu *v)
{
	struct x86_event *e = &v->ev.exception;

	x86_apply_payload(v);
	/* Traps of one-byte instructions, where RIP still is. */
	if (e->vector == X86_EXC_BP || e->vector == X86_EXC_OF) {
		e->type = X86_EVENT_SOFT_EXC;
		e->insn_len = 1;
	}
	/* Faults other than #DB resume with RF set (Intel SDM, "Instruction-Breakpoint Exception"). */
	if (!v->ev.exception_injected && e->vector != X86_EXC_DB && e->vector != X86_EXC_BP &&
	    e->vector != X86_EXC_OF)
		v->rflags |= X86_EFLAGS_RF;
	v->ev.exception_injected = true;
	v->ev.entered = X86_EVENT_EXCEPTION;
	trace_kvmx_inject(v, e);
	x86_unit->inject(v, e);
}

static void x86_inject_simple(struct x86_vcpu *v, u8 type, u8 vector)
{
	struct x86_event e = { .type = type, .vector = vector };

	v->ev.entered = type;
	trace_kvmx_inject(v, &e);
	x86_unit->inject(v, &e);
}

/*
 * Nothing waits to go in, or for a window: there is nothing to inject. Without a
 * local APIC here the unit has to be asked for the exits that user space's needs.
 */
bool x86_events_none(struct x86_vcpu *v)
{
	struct pic *pic = x86_vm_of(v)->pic;

	/* Each entry asks: bits of arithmetic instead of branches. No vector is -1. */
	if ((v->window_wanted | v->ev.exception.type | v->ev.nmi_injected |
	     READ_ONCE(v->ev.nmi_pending)) || (v->ev.irq_injected & v->user_irq) >= 0)
		return false;
	return !v->vcpu.run->request_interrupt_window && !(pic && pic_output(pic)) &&
	       v->lapic && !lapic_any_request(v);
}

/* Of interrupts that the unit does not deliver by itself. */
static int pending_here(struct x86_vcpu *v)
{
	return v->apic_virtual ? x86_external_pending(v) : x86_interrupt_pending(v);
}

/*
 * One event goes in with this entry: first what was cut short, then a new
 * exception, an NMI, an interrupt. What cannot go in yet gets a window. An
 * interrupt that was cut short by an exception comes when its handler lets it.
 */
void x86_events_inject(struct x86_vcpu *v)
{
	bool block = v->guest_debug & KVMX_GUESTDBG_BLOCKIRQ;
	bool busy = true, nmi_waits;
	u8 window = 0;
	int vector;

	v->ev.entered = X86_EVENT_NONE;
	if (v->ev.exception.type != X86_EVENT_NONE) {
		x86_inject_exception(v);
	} else if (v->ev.nmi_injected) {
		x86_inject_simple(v, X86_EVENT_NMI, X86_EXC_NMI);
	} else if (v->ev.irq_injected >= 0 && (v->ev.irq_soft || (v->rflags & X86_EFLAGS_IF))) {
		x86_inject_simple(v, v->ev.irq_soft ? X86_EVENT_SOFT_INT : X86_EVENT_INTR,
				  v->ev.irq_injected);
	} else if (READ_ONCE(v->ev.nmi_pending) && !v->nmi_masked && !v->int_shadow && !block) {
		WRITE_ONCE(v->ev.nmi_pending, 0);
		v->ev.nmi_injected = true;
		v->nmi_masked = true;
		x86_inject_simple(v, X86_EVENT_NMI, X86_EXC_NMI);
	} else {
		busy = v->ev.irq_injected >= 0;
	}
	if (unlikely(block)) {
		x86_unit->want_window(v, 0, false);
		v->window_wanted = false;
		return;
	}

	vector = pending_here(v);
	if (vector >= 0) {
		if (!busy && x86_interrupt_open(v)) {
			vector = x86_interrupt_ack(v);
			if (vector >= 0) {
				v->ev.irq_injected = vector;
				v->ev.irq_soft = false;
				v->vcpu.stat[KVMX_STAT_INTERRUPTS]++;
				x86_inject_simple(v, X86_EVENT_INTR, vector);
				if (unlikely(v->pv_eoi.msr & KVMX_PV_EOI_ENABLED))
					x86_pv_eoi_offer(v);
				vector = pending_here(v);
			}
		}
		if (vector >= 0)
			window = 16;
	} else if (v->lapic && !v->apic_virtual) {
		window = lapic_blocked_class(v);
	}
	if ((v->vcpu.run->request_interrupt_window && x86_user_controller(v)) ||
	    (v->ev.irq_injected >= 0 && v->ev.entered != X86_EVENT_INTR &&
	     v->ev.entered != X86_EVENT_SOFT_INT))
		window = 16;
	nmi_waits = READ_ONCE(v->ev.nmi_pending);
	x86_unit->want_window(v, window, nmi_waits);
	v->window_wanted = window || nmi_waits;
}

/*
 * What was injected is in the guest, unless the unit says that its delivery
 * was cut short. The guest's own software interrupts are not queued: RIP is still
 * at the instruction, which makes them anew.
 */
void x86_events_requeue_some(struct x86_vcpu *v)
{
	const struct x86_event *e = &v->exit.vectoring;
	u8 entered = v->ev.entered;
	bool again = false;

	/* The entry did not take place: all of it still has to go in. */
	if (unlikely(v->exit.kind == X86_EXIT_FAIL_ENTRY))
		return;

	/* With nothing to inject the next entry does not go through x86_events_inject(). */
	v->ev.entered = X86_EVENT_NONE;
	switch (entered) {
	case X86_EVENT_EXCEPTION:
		again = e->type == X86_EVENT_SOFT_EXC && e->vector == v->ev.exception.vector;
		v->ev.exception.type = X86_EVENT_NONE;
		v->ev.exception_injected = false;
		break;
	case X86_EVENT_NMI:
		v->ev.nmi_injected = false;
		break;
	case X86_EVENT_INTR:
	case X86_EVENT_SOFT_INT:
		again = e->type == X86_EVENT_SOFT_INT && e->vector == v->ev.irq_injected;
		v->ev.irq_injected = -1;
		break;
	}

	switch (e->type) {
	case X86_EVENT_NMI:
		v->ev.nmi_injected = true;
		break;
	case X86_EVENT_SOFT_INT:
		if (!again)
			break;
		fallthrough;
	case X86_EVENT_INTR:
		v->ev.irq_injected = e->vector;
		v->ev.irq_soft = again;
		break;
	case X86_EVENT_SOFT_EXC:
		if (!again)
			break;
		fallthrough;
	case X86_EVENT_EXCEPTION:
		v->ev.exception = *e;
		v->ev.exception.type = X86_EVENT_EXCEPTION;
		v->ev.exception_injected = true;
		v->ev.has_payload = false;
		break;
	}
}
