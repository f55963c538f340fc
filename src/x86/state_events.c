// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is on its way into a vCPU, and whether it runs, to and from user space:
 * KVMX_GET/SET_VCPU_EVENTS, MP_STATE, KVMX_INTERRUPT. Called by the ioctls.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "irqchip.h"
#include "run.h"
#include "state.h"

#define SHADOW_BOTH	(KVMX_X86_SHADOW_INT_MOV_SS | KVMX_X86_SHADOW_INT_STI)

void x86_vcpu_events_get(struct x86_vcpu *v, struct kvmx_vcpu_events *events)
{
	const struct x86_event *e = &v->ev.exception;
	struct x86_vm *vm = x86_vm_of(v);
	int sipi = READ_ONCE(v->ev.sipi_vector);

	memset(events, 0, sizeof(*events));
	if (e->type != X86_EVENT_NONE) {
		/* User space that does not know of payloads sees the exception as delivered. */
		bool pending = vm->exception_payload && !v->ev.exception_injected;

		events->exception.injected = !pending;
		events->exception.pending = pending;
		events->exception.nr = e->vector;
		events->exception.has_error_code = e->has_error;
		events->exception.error_code = e->has_error ? e->error : 0;
		if (pending && v->ev.has_payload) {
			events->exception_has_payload = 1;
			events->exception_payload = v->ev.payload;
		}
	}

	if (v->ev.irq_injected >= 0) {
		events->interrupt.injected = 1;
		events->interrupt.nr = v->ev.irq_injected;
		events->interrupt.soft = v->ev.irq_soft;
	} else if (v->user_irq >= 0 && !irqchip_in_kernel(vm)) {
		events->interrupt.injected = 1;
		events->interrupt.nr = v->user_irq;
	}
	events->interrupt.shadow = v->int_shadow ? SHADOW_BOTH : 0;

	events->nmi.injected = v->ev.nmi_injected;
	events->nmi.pending = !!READ_ONCE(v->ev.nmi_pending);
	events->nmi.masked = v->nmi_masked;

	events->flags = KVMX_VCPUEVENT_VALID_NMI_PENDING | KVMX_VCPUEVENT_VALID_SHADOW;
	if (sipi >= 0) {
		events->sipi_vector = sipi;
		events->flags |= KVMX_VCPUEVENT_VALID_SIPI_VECTOR;
	}
	if (vm->exception_payload)
		events->flags |= KVMX_VCPUEVENT_VALID_PAYLOAD;
	if (vm->triple_fault_event) {
		events->triple_fault.pending = test_bit(KVMX_REQ_TRIPLE_FAULT, &v->vcpu.requests);
		events->flags |= KVMX_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

static bool events_valid(struct x86_vcpu *v, const struct kvmx_vcpu_events *events)
{
	u32 known = KVMX_VCPUEVENT_VALID_NMI_PENDING | KVMX_VCPUEVENT_VALID_SIPI_VECTOR |
		    KVMX_VCPUEVENT_VALID_SHADOW | KVMX_VCPUEVENT_VALID_SMM;
	struct x86_vm *vm = x86_vm_of(v);

	if (vm->exception_payload)
		known |= KVMX_VCPUEVENT_VALID_PAYLOAD;
	if (vm->triple_fault_event)
		known |= KVMX_VCPUEVENT_VALID_TRIPLE_FAULT;
	if (events->flags & ~known)
		return false;
	if ((events->exception.injected || events->exception.pending) &&
	    (events->exception.nr > 31 || events->exception.nr == X86_EXC_NMI))
		return false;
	if ((events->flags & KVMX_VCPUEVENT_VALID_SIPI_VECTOR) && events->sipi_vector > 255)
		return false;
	/* There is no system management mode. */
	return !(events->flags & KVMX_VCPUEVENT_VALID_SMM) ||
	       !(events->smi.smm || events->smi.pending || events->smi.smm_inside_nmi ||
		 events->smi.latched_init);
}

/*
 * User space without payloads has seen CR2 or DR6 as if the pending exception
 * were delivered; from here on that is how it is.
 */
static void settle_payload(struct x86_vcpu *v)
{
	if (x86_vm_of(v)->exception_payload || v->ev.exception.type == X86_EVENT_NONE)
		return;
	v->cr2 = x86_visible_cr2(v);
	if (v->ev.has_payload && v->ev.exception.vector == X86_EXC_DB) {
		u64 dr6 = x86_visible_dr6(v);
		struct x86_state *s = x86_state_dirty(v, X86_STATE_DRS);

		s->dr6 = dr6;
		s->dr7 &= ~X86_DR7_GD;
	}
}

static void set_exception(struct x86_vcpu *v, const struct kvmx_vcpu_events *events)
{
	bool payloads = events->flags & KVMX_VCPUEVENT_VALID_PAYLOAD;
	bool pending = payloads && events->exception.pending;

	settle_payload(v);
	memset(&v->ev.exception, 0, sizeof(v->ev.exception));
	v->ev.exception_injected = false;
	v->ev.has_payload = false;
	if (!pending && !events->exception.injected)
		return;
	v->ev.exception.type = X86_EVENT_EXCEPTION;
	v->ev.exception.vector = events->exception.nr;
	v->ev.exception.has_error = events->exception.has_error_code;
	v->ev.exception.error = events->exception.error_code;
	v->ev.exception_injected = !pending;
	v->ev.has_payload = pending && events->exception_has_payload;
	v->ev.payload = events->exception_payload;
}

/*
 * An interrupt that its controller has handed out already. With controllers
 * in user space the vCPU still asks whether the guest can take it.
 */
void x86_accept_interrupt(struct x86_vcpu *v, int vector, bool soft)
{
	v->ev.irq_injected = -1;
	v->ev.irq_soft = soft;
	if (irqchip_in_kernel(x86_vm_of(v)) || soft)
		v->ev.irq_injected = vector;
	else
		v->user_irq = vector;
}

int x86_vcpu_events_set(struct x86_vcpu *v, const struct kvmx_vcpu_events *events)
{
	if (!events_valid(v, events))
		return -EINVAL;

	set_exception(v, events);
	if (!irqchip_in_kernel(x86_vm_of(v)))
		v->user_irq = -1;
	x86_accept_interrupt(v, events->interrupt.injected ? events->interrupt.nr : -1,
			     events->interrupt.injected && events->interrupt.soft);
	if (events->flags & KVMX_VCPUEVENT_VALID_SHADOW)
		v->int_shadow = events->interrupt.shadow & SHADOW_BOTH;

	v->ev.nmi_injected = events->nmi.injected;
	if (events->flags & KVMX_VCPUEVENT_VALID_NMI_PENDING)
		WRITE_ONCE(v->ev.nmi_pending, !!events->nmi.pending);
	v->nmi_masked = events->nmi.masked;

	if (events->flags & KVMX_VCPUEVENT_VALID_SIPI_VECTOR)
		WRITE_ONCE(v->ev.sipi_vector, events->sipi_vector);
	if (events->flags & KVMX_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (events->triple_fault.pending)
			x86_triple_fault(v);
		else
			clear_bit(KVMX_REQ_TRIPLE_FAULT, &v->vcpu.requests);
	}
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
	return 0;
}

void x86_mp_state_get(struct x86_vcpu *v, struct kvmx_mp_state *mp)
{
	x86_events_async(v);
	switch (v->mp_state) {
	case X86_MP_UNINITIALIZED:
		mp->mp_state = KVMX_MP_STATE_UNINITIALIZED;
		break;
	case X86_MP_INIT_RECEIVED:
		mp->mp_state = KVMX_MP_STATE_INIT_RECEIVED;
		break;
	case X86_MP_HALTED:
		mp->mp_state = READ_ONCE(v->pv_unhalted) ? KVMX_MP_STATE_RUNNABLE :
							   KVMX_MP_STATE_HALTED;
		break;
	default:
		mp->mp_state = KVMX_MP_STATE_RUNNABLE;
		break;
	}
}

/* Without a local APIC in the kernel a vCPU does not wait here. */
int x86_mp_state_set(struct x86_vcpu *v, const struct kvmx_mp_state *mp)
{
	u8 state;

	if (!v->lapic && mp->mp_state != KVMX_MP_STATE_RUNNABLE)
		return -EINVAL;
	switch (mp->mp_state) {
	case KVMX_MP_STATE_RUNNABLE:
		state = X86_MP_RUNNABLE;
		break;
	case KVMX_MP_STATE_UNINITIALIZED:
		state = X86_MP_UNINITIALIZED;
		break;
	case KVMX_MP_STATE_INIT_RECEIVED:
	case KVMX_MP_STATE_SIPI_RECEIVED:
		state = X86_MP_INIT_RECEIVED;
		break;
	case KVMX_MP_STATE_HALTED:
		state = X86_MP_HALTED;
		break;
	default:
		return -EINVAL;
	}
	WRITE_ONCE(v->mp_state, state);
	WRITE_ONCE(v->pv_unhalted, false);
	/* Its vector came, or comes, with KVMX_SET_VCPU_EVENTS; that of a SIPI without one is 0. */
	if (mp->mp_state == KVMX_MP_STATE_SIPI_RECEIVED && READ_ONCE(v->ev.sipi_vector) < 0)
		WRITE_ONCE(v->ev.sipi_vector, 0);
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
	return 0;
}

int x86_user_interrupt(struct x86_vcpu *v, u32 vector)
{
	struct x86_vm *vm = x86_vm_of(v);

	if (vector > 255)
		return -EINVAL;
	if (READ_ONCE(vm->irqchip))
		return -ENXIO;
	if (READ_ONCE(vm->split_irqchip) && v->user_irq >= 0)
		return -EEXIST;
	v->user_irq = vector;
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
	return 0;
}
