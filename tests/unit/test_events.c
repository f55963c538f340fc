// SPDX-License-Identifier: GPL-2.0-only
/* Which event goes into the guest, what becomes of one whose delivery was cut short. */
/* links: src/x86/events.c */
#include <linux/kernel.h>
#include <kvmx/x86.h>
#include "irqchip.h"
#include "lapic.h"
#include "pv_eoi.h"
#include "run.h"
#include "unit.h"

/* --- the unit and the interrupt controllers --- */

static struct x86_event entered;	/* what the last entry took in */
static u8 window;
static bool nmi_window;

static void fake_load_state(struct x86_vcpu *v, u32 parts)
{
}

static void fake_inject(struct x86_vcpu *v, const struct x86_event *event)
{
	ck_assert_int_eq(entered.type, X86_EVENT_NONE);
	entered = *event;
}

static void fake_want_window(struct x86_vcpu *v, u8 intr, bool nmi)
{
	window = intr;
	nmi_window = nmi;
}

static const struct x86_backend backend = {
	.load_state = fake_load_state, .inject = fake_inject, .want_window = fake_want_window,
};
const struct x86_backend *x86_unit = &backend;

static int controller = -1;	/* its vector */

int x86_interrupt_pending(struct x86_vcpu *v)
{
	return controller;
}

int x86_external_pending(struct x86_vcpu *v)
{
	return controller;
}

bool pic_output(struct pic *pic)
{
	return controller >= 0;
}

bool lapic_any_request(struct x86_vcpu *v)
{
	return controller >= 0;
}

int x86_interrupt_ack(struct x86_vcpu *v)
{
	int vector = controller;

	controller = -1;
	return vector;
}

static unsigned int offers;

void x86_pv_eoi_offer(struct x86_vcpu *v)
{
	offers++;
}

u8 lapic_blocked_class(struct x86_vcpu *v)
{
	return 0;
}

bool lapic_accepts_extint(struct x86_vcpu *v)
{
	return true;
}

void x86_vcpu_reset(struct x86_vcpu *v, bool init)
{
}

void kvmx_vcpu_kick(struct kvmx_vcpu *vcpu)
{
}

/* --- */

static struct x86_vm vm;
static struct x86_vcpu vcpu;
static struct kvmx_run run_page;

static struct x86_vcpu *begin(void)
{
	struct x86_vcpu *v = &vcpu;

	memset(v, 0, sizeof(*v));
	v->vcpu.vm = &vm.vm;
	v->vcpu.run = &run_page;
	v->ev.irq_injected = v->ev.sipi_vector = v->user_irq = -1;
	v->state.cr0 = X86_CR0_PE;
	v->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	controller = -1;
	return v;
}

/* An entry, at whose exit the delivery of @cut had been cut short. */
static void enter(struct x86_vcpu *v, u8 cut_type, u8 cut_vector)
{
	memset(&entered, 0, sizeof(entered));
	x86_events_inject(v);
	memset(&v->exit, 0, sizeof(v->exit));
	v->exit.kind = X86_EXIT_HOST;
	v->exit.vectoring.type = cut_type;
	v->exit.vectoring.vector = cut_vector;
	x86_events_requeue(v);
}

static void expect(u8 type, u8 vector)
{
	ck_assert_int_eq(entered.type, type);
	if (type != X86_EVENT_NONE)
		ck_assert_int_eq(entered.vector, vector);
}

/* Only for an interrupt, and only to who wants it. */
START_TEST(end_is_offered)
{
	struct x86_vcpu *v = begin();

	offers = 0;
	controller = 0x40;
	enter(v, X86_EVENT_NONE, 0);
	ck_assert_uint_eq(offers, 0);
	v->pv_eoi.msr = 0x1001;
	enter(v, X86_EVENT_NONE, 0);
	ck_assert_uint_eq(offers, 0);
	controller = 0x41;
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_INTR, 0x41);
	ck_assert_uint_eq(offers, 1);
}
END_TEST

START_TEST(order)
{
	struct x86_vcpu *v = begin();

	x86_raise(v, X86_EXC_UD);
	x86_queue_nmi(v);
	controller = 0x40;
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_EXCEPTION, X86_EXC_UD);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NMI, X86_EXC_NMI);
	ck_assert(v->nmi_masked);
	ck_assert_int_eq(window, 16);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_INTR, 0x40);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);
	ck_assert_int_eq(window, 0);
}
END_TEST

START_TEST(cut_short)
{
	struct x86_vcpu *v = begin();
	int i;

	controller = 0x40;
	for (i = 0; i < 3; i++) {
		enter(v, X86_EVENT_INTR, 0x40);
		expect(X86_EVENT_INTR, 0x40);
	}
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_INTR, 0x40);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);

	x86_queue_nmi(v);
	for (i = 0; i < 3; i++) {
		enter(v, i < 2 ? X86_EVENT_NMI : X86_EVENT_NONE, X86_EXC_NMI);
		expect(X86_EVENT_NMI, X86_EXC_NMI);
	}
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);
}
END_TEST

/* An exception comes up while an interrupt or an NMI is delivered: none of the two is lost. */
START_TEST(exception_and_interrupt)
{
	struct x86_vcpu *v = begin();

	controller = 0x40;
	enter(v, X86_EVENT_INTR, 0x40);
	x86_raise_page_fault(v, 0x1000, 0);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_EXCEPTION, X86_EXC_PF);
	ck_assert_uint_eq(v->cr2, 0x1000);
	/* The handler runs with interrupts off. */
	v->rflags &= ~X86_EFLAGS_IF;
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);
	ck_assert_int_eq(window, 16);
	/* An NMI does not wait for that, nor does it take the interrupt's place. */
	x86_queue_nmi(v);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NMI, X86_EXC_NMI);
	v->rflags |= X86_EFLAGS_IF;
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_INTR, 0x40);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);

	v->nmi_masked = false;
	x86_queue_nmi(v);
	enter(v, X86_EVENT_NMI, X86_EXC_NMI);
	x86_raise(v, X86_EXC_UD);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_EXCEPTION, X86_EXC_UD);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NMI, X86_EXC_NMI);
}
END_TEST

/* The guest's own INT3 is made anew by its instruction, one of user space is not. */
START_TEST(software)
{
	struct x86_vcpu *v = begin();

	enter(v, X86_EVENT_SOFT_EXC, X86_EXC_BP);
	enter(v, X86_EVENT_SOFT_INT, 0x80);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);

	v->ev.exception = (struct x86_event){ .type = X86_EVENT_EXCEPTION, .vector = X86_EXC_BP };
	v->ev.exception_injected = true;
	enter(v, X86_EVENT_SOFT_EXC, X86_EXC_BP);
	expect(X86_EVENT_SOFT_EXC, X86_EXC_BP);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_SOFT_EXC, X86_EXC_BP);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);

	v->ev.irq_injected = 0x80;
	v->ev.irq_soft = true;
	v->rflags &= ~X86_EFLAGS_IF;
	enter(v, X86_EVENT_SOFT_INT, 0x80);
	expect(X86_EVENT_SOFT_INT, 0x80);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_SOFT_INT, 0x80);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);
}
END_TEST

START_TEST(shadow)
{
	struct x86_vcpu *v = begin();

	v->int_shadow = true;
	x86_queue_nmi(v);
	controller = 0x40;
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NONE, 0);
	ck_assert(nmi_window);
	ck_assert_int_eq(window, 16);
	v->int_shadow = false;
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_NMI, X86_EXC_NMI);
	/* The next waits for IRET. */
	x86_queue_nmi(v);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_INTR, 0x40);
	ck_assert(nmi_window);
}
END_TEST

START_TEST(refused_entry)
{
	struct x86_vcpu *v = begin();

	controller = 0x40;
	memset(&entered, 0, sizeof(entered));
	x86_events_inject(v);
	v->exit.kind = X86_EXIT_FAIL_ENTRY;
	x86_events_requeue(v);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_INTR, 0x40);
}
END_TEST

START_TEST(double_fault)
{
	struct x86_vcpu *v = begin();

	x86_raise_page_fault(v, 0x1000, 0);
	x86_raise_error(v, X86_EXC_GP, 8);
	enter(v, X86_EVENT_NONE, 0);
	expect(X86_EVENT_EXCEPTION, X86_EXC_DF);
	ck_assert(entered.has_error);
	ck_assert_uint_eq(entered.error, 0);

	x86_raise_error(v, X86_EXC_DF, 0);
	x86_raise(v, X86_EXC_UD);
	ck_assert(test_bit(KVMX_REQ_TRIPLE_FAULT, &v->vcpu.requests));
}
END_TEST

UNIT_MAIN("events", UNIT_CASE("events", order, end_is_offered, cut_short, exception_and_interrupt, software, shadow,
			      refused_entry, double_fault))
