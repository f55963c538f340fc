// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC of which the unit does a part: what it is told, what becomes of what it
 * has done, when it has no part, saved state, and interrupts from other CPUs meanwhile.
 */
/* links: src/x86/pv_eoi.c src/x86/lapic.c src/x86/lapic_timer.c src/x86/lapic_state.c src/x86/lapic_unit.c src/x86/apic_msg.c */
/* links: src/x86/ioapic.c src/x86/pic.c src/x86/pit.c src/x86/irqchip.c src/x86/vapic.c */
/* links: src/core/bus.c src/core/irq_routing.c */
#include <pthread.h>

#include "irqchip_world.h"

static void enter(struct x86_vcpu *v)
{
	ck_assert(lapic_unit_enter(v) == unit_apic.on);
}

/* Enters again, after nothing has happened in the guest. */
static void reenter(struct x86_vcpu *v)
{
	lapic_unit_leave(v);
	enter(v);
}

/* The guest runs, and takes what the unit was told is requested. */
static void unit_delivers(struct x86_vcpu *v)
{
	u8 vector = unit_apic.requested;

	clear_bit(lapic_bit(vector), lapic_map(v->lapic, LAPIC_IRR));
	__set_bit(lapic_bit(vector), lapic_map(v->lapic, LAPIC_ISR));
}

static void unit_ends(struct x86_vcpu *v, u8 vector)
{
	clear_bit(lapic_bit(vector), lapic_map(v->lapic, LAPIC_ISR));
}

static struct x86_vcpu *unit_world(void)
{
	x86_unit_caps.virtual_apic = true;
	world_split(1);
	unit_apic.on = false;
	mmio_write(cpu[0], LAPIC_SVR, 0x1ff);
	to_x2apic(cpu[0]);
	return cpu[0];
}

static void unit_world_end(void)
{
	world_end();
	x86_unit_caps.virtual_apic = false;
}

START_TEST(unit_takes_part)
{
	struct apic_msg msg = { .vector = 0x71, .level = true };
	struct x86_vcpu *v = unit_world();

	enter(v);
	ck_assert(unit_apic.on && !unit_apic.requested && !unit_apic.in_service);

	/* What comes while the guest runs is not in the page before the next entry. */
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 0);
	ck_assert(!lapic_test(v->lapic, LAPIC_IRR, 0x71));
	ck_assert(lapic_any_request(v));
	ck_assert_int_eq(lapic_pending(v), 0x71);
	reenter(v);
	ck_assert_uint_eq(unit_apic.requested, 0x71);
	ck_assert(unit_apic.eoi_exits[1] & BIT(0x71 - 64));
	unit_delivers(v);
	lapic_unit_leave(v);
	ck_assert_int_eq(lapic_pending(v), -1);
	ck_assert(!lapic_any_request(v));
	ck_assert_uint_eq(lapic_reg(v->lapic, LAPIC_PPR), 0x70);

	/* Comes between two entries. */
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
	enter(v);
	ck_assert_uint_eq(unit_apic.requested, 0x71);
	ck_assert_uint_eq(unit_apic.in_service, 0x71);

	/* The unit ends one, and delivers the other. */
	unit_ends(v, 0x71);
	lapic_unit_leave(v);
	lapic_unit_eoi(v, 0x71);
	ck_assert_int_eq(lapic_take_eoi_exit(v), 0x71);
	ck_assert_int_eq(lapic_take_eoi_exit(v), -1);
	enter(v);
	ck_assert_uint_eq(unit_apic.requested, 0x71);
	ck_assert_uint_eq(unit_apic.in_service, 0);
	unit_delivers(v);
	unit_ends(v, 0x71);
	lapic_unit_leave(v);
	ck_assert(!lapic_any_request(v) && lapic_pending(v) == -1);
	ck_assert_uint_eq(lapic_reg(v->lapic, LAPIC_PPR), 0);

	/* An edge of the same vector needs no exit. */
	msg.level = false;
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
	enter(v);
	ck_assert(!(unit_apic.eoi_exits[1] & BIT(0x71 - 64)));
	unit_world_end();
}
END_TEST

/* Self IPIs: of one the unit has set the bit, of the other only the register. */
START_TEST(unit_self_ipi)
{
	struct x86_vcpu *v = unit_world();

	enter(v);
	set_bit(lapic_bit(0x31), lapic_map(v->lapic, LAPIC_IRR));
	lapic_unit_leave(v);
	ck_assert(lapic_any_request(v));
	ck_assert_int_eq(lapic_pending(v), 0x31);
	enter(v);
	ck_assert_uint_eq(unit_apic.requested, 0x31);
	lapic_reg_set(v->lapic, LAPIC_SELF_IPI, 3);
	lapic_unit_leave(v);
	lapic_unit_write(v, LAPIC_SELF_IPI);
	ck_assert_int_eq(lapic_msr_write(v, 0x828, 0), 0);
	ck_assert_uint_eq(lapic_reg(v->lapic, LAPIC_ESR), BIT(LAPIC_ERR_SEND_VECTOR));
	unit_world_end();
}
END_TEST

/* It has no part of it in other modes, nor where all has to be noticed. */
START_TEST(unit_off_and_on)
{
	struct x86_vcpu *v = unit_world();

	enter(v);
	ck_assert(unit_apic.on);
	v->guest_debug = KVMX_GUESTDBG_BLOCKIRQ;
	reenter(v);
	ck_assert(!unit_apic.on);
	v->guest_debug = 0;
	reenter(v);
	ck_assert(unit_apic.on);
	v->pv_eoi.offered = true;
	reenter(v);
	ck_assert(!unit_apic.on);
	v->pv_eoi.offered = false;

	/* What has been taken by the unit is ended by software, which takes the next one. */
	lapic_msr_write(v, 0x83f, 0x41);
	lapic_msr_write(v, 0x83f, 0x61);
	reenter(v);
	ck_assert_uint_eq(unit_apic.requested, 0x61);
	unit_delivers(v);
	lapic_unit_leave(v);
	v->vapic.report = true;
	enter(v);
	ck_assert(!unit_apic.on);
	ck_assert_int_eq(lapic_pending(v), -1);
	ck_assert_int_eq(lapic_msr_write(v, 0x80b, 0), 0);
	ck_assert_int_eq(take(v), 0x41);
	v->vapic.report = false;
	reenter(v);
	ck_assert(unit_apic.on && !unit_apic.requested);
	ck_assert_uint_eq(unit_apic.in_service, 0x41);

	/* Switched off by the guest, it begins anew; in xAPIC mode accesses are to memory. */
	lapic_unit_leave(v);
	lapic_set_base(v, APIC_BASE_ADDR | APIC_BASE_BSP, false);
	enter(v);
	ck_assert(!unit_apic.on);
	lapic_set_base(v, APIC_BASE_ADDR | APIC_BASE_BSP | APIC_BASE_EN, false);
	reenter(v);
	ck_assert(!unit_apic.on);
	lapic_set_base(v, APIC_BASE_ADDR | APIC_BASE_BSP | APIC_BASE_EN | APIC_BASE_EXTD, false);
	reenter(v);
	ck_assert(unit_apic.on && !unit_apic.requested && !unit_apic.in_service);
	unit_world_end();
}
END_TEST

/* Read out, what is on its way is in IRR; put back, it is the same, in any order. */
START_TEST(unit_saved)
{
	struct apic_msg msg = { .vector = 0x52, .level = true };
	struct kvmx_lapic_state saved, again;
	struct x86_vcpu *v = unit_world();

	enter(v);
	apic_deliver(vm, NULL, &msg);
	reenter(v);
	unit_delivers(v);
	lapic_unit_leave(v);
	msg.vector = 0x93;
	apic_deliver(vm, NULL, &msg);
	lapic_get_state(v, &saved);
	ck_assert_uint_eq(saved.regs[LAPIC_IRR + 0x42], BIT(0x93 - 0x90));
	ck_assert_uint_eq(saved.regs[LAPIC_ISR + 0x22], BIT(0x52 - 0x50));
	lapic_get_state(v, &again);
	ck_assert_mem_eq(&saved, &again, sizeof(saved));
	unit_world_end();

	v = unit_world();
	msg.vector = 0xa0;
	apic_deliver(vm, NULL, &msg);
	lapic_set_state(v, &saved);
	enter(v);
	ck_assert_uint_eq(unit_apic.requested, 0x93);
	ck_assert_uint_eq(unit_apic.in_service, 0x52);
	ck_assert(unit_apic.eoi_exits[1] & BIT(0x52 - 64));
	ck_assert(unit_apic.eoi_exits[2] & BIT(0x93 - 128));
	lapic_unit_leave(v);
	lapic_get_state(v, &again);
	ck_assert_mem_eq(&saved, &again, sizeof(saved));
	unit_world_end();
}
END_TEST

#define UNIT_MESSAGES 20000

static void *unit_sender(void *data)
{
	struct apic_msg msg = { .vector = 0x31 };
	u32 i, *sent = data;

	for (i = 0; i < UNIT_MESSAGES; i++)
		*sent += apic_deliver(vm, NULL, &msg) > 0;
	return NULL;
}

/* Another CPU sends while this one enters and leaves: each that was taken is delivered. */
START_TEST(unit_race)
{
	struct x86_vcpu *v = unit_world();
	u32 sent = 0, got = 0;
	pthread_t thread;
	bool more;

	ck_assert_int_eq(pthread_create(&thread, NULL, unit_sender, &sent), 0);
	do {
		more = pthread_tryjoin_np(thread, NULL);
		enter(v);
		if (unit_apic.requested) {
			unit_delivers(v);
			unit_ends(v, 0x31);
			got++;
		}
		lapic_unit_leave(v);
	} while (more || lapic_any_request(v));
	ck_assert_uint_eq(got, sent);
	unit_world_end();
}
END_TEST

UNIT_MAIN("lapic_unit",
	  UNIT_CASE("unit", unit_takes_part, unit_self_ipi, unit_off_and_on, unit_saved),
	  UNIT_CASE("race", unit_race), NULL)
