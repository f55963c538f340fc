// SPDX-License-Identifier: GPL-2.0-only
/* Ends of interrupts by a bit in guest memory: when it is offered, what becomes of it. */
/* links: src/x86/pv_eoi.c */
/* links: src/x86/lapic.c src/x86/lapic_timer.c src/x86/lapic_state.c src/x86/lapic_unit.c src/x86/apic_msg.c */
/* links: src/x86/ioapic.c src/x86/pic.c src/x86/pit.c src/x86/irqchip.c src/x86/vapic.c */
/* links: src/core/bus.c src/core/irq_routing.c */
#include "irqchip_world.h"
#include "pv_eoi.h"

#define BIT_AT	(GUEST_BYTES + 4)

static u8 *const bits = &guest_memory[4];

static struct x86_vcpu *start(void)
{
	world_full(1);
	paged_out = false;
	memset(guest_memory, 0, sizeof(guest_memory));
	ck_assert_int_eq(x86_pv_eoi_set_msr(cpu[0], BIT_AT | 1), 0);
	return cpu[0];
}

/* An interrupt goes into service, as x86_events_inject() has it. */
static void serve(struct x86_vcpu *v, u8 vector, bool level)
{
	ck_assert_int_eq(lapic_accept_fixed(v, vector, level), 1);
	ck_assert_int_eq(lapic_pending(v), vector);
	lapic_ack(v, vector);
	x86_pv_eoi_offer(v);
}

/* The entry of the I/O APIC's pin 3. */
static void listen_to(u64 entry)
{
	u32 half[] = { 0x10 + 2 * 3, entry, 0x11 + 2 * 3, entry >> 32 }, i;

	for (i = 0; i < ARRAY_SIZE(half); i++)
		ck_assert_int_eq(kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO,
						i % 2 ? 0xfec00010 : 0xfec00000, 4, &half[i]), 0);
}

static bool in_service(struct x86_vcpu *v, u8 vector)
{
	return lapic_test(v->lapic, LAPIC_ISR, vector);
}

START_TEST(the_msr)
{
	struct x86_vcpu *v = start(), *none = calloc(1, sizeof(*none));

	ck_assert_int_eq(x86_pv_eoi_set_msr(v, BIT_AT | 2), -EINVAL);
	ck_assert_int_eq(x86_pv_eoi_set_msr(v, BIT_AT | 3), -EINVAL);
	ck_assert_uint_eq(v->pv_eoi.msr, BIT_AT | 1);
	ck_assert_int_eq(x86_pv_eoi_set_msr(v, 0), 0);
	/* Without a local APIC in the kernel it stays off. */
	ck_assert_int_eq(x86_pv_eoi_set_msr(none, BIT_AT | 1), -EINVAL);
	ck_assert_int_eq(x86_pv_eoi_set_msr(none, 0), 0);
	free(none);
	world_end();
}
END_TEST

START_TEST(ended_by_the_guest)
{
	struct x86_vcpu *v = start();
	u8 ppr;

	serve(v, 0x55, false);
	ck_assert(v->pv_eoi.offered);
	ck_assert_uint_eq(*bits, 1);
	*bits = 0;
	ck_assert(in_service(v, 0x55));
	ck_assert(x86_pv_eoi_collect(v, true));
	ck_assert(!v->pv_eoi.offered && !in_service(v, 0x55));

	/* Found out by a look at the registers, too. */
	serve(v, 0x66, false);
	*bits = 0;
	ppr = mmio_read(v, LAPIC_PPR);
	ck_assert_uint_eq(ppr, 0);
	ck_assert(!v->pv_eoi.offered);
	serve(v, 0x66, false);
	ck_assert_uint_eq(mmio_read(v, LAPIC_ISR + 0x30), 1u << 6);
	ck_assert_uint_eq(*bits, 0);
	world_end();
}
END_TEST

START_TEST(taken_back)
{
	struct x86_vcpu *v = start();

	serve(v, 0x55, false);
	ck_assert(x86_pv_eoi_collect(v, false));
	ck_assert(in_service(v, 0x55) && !v->pv_eoi.offered);
	ck_assert_uint_eq(*bits, 0);
	/* The other bits are the guest's. */
	serve(v, 0x66, false);
	*bits = 0xff;
	ck_assert(x86_pv_eoi_collect(v, true));
	ck_assert_uint_eq(*bits, 0xfe);
	ck_assert(in_service(v, 0x66));
	world_end();
}
END_TEST

START_TEST(written_all_the_same)
{
	struct x86_vcpu *v = start();

	/* By a guest that does not care for the bit. */
	serve(v, 0x55, false);
	mmio_write(v, LAPIC_EOI, 0);
	ck_assert(!in_service(v, 0x55) && !v->pv_eoi.offered);
	ck_assert_uint_eq(*bits, 0);
	/* The inner one by the bit, the outer one by the register. */
	serve(v, 0x55, false);
	ck_assert(x86_pv_eoi_collect(v, true));
	serve(v, 0x66, false);
	*bits = 0;
	mmio_write(v, LAPIC_EOI, 0);
	ck_assert(!in_service(v, 0x55) && !in_service(v, 0x66));
	world_end();
}
END_TEST

START_TEST(not_offered)
{
	struct x86_vcpu *v = start();

	/* What ends it is of interest: the I/O APIC of a level, */
	serve(v, 0x55, true);
	ck_assert(!v->pv_eoi.offered);
	lapic_eoi(v);
	/* whoever listens to the vector, */
	listen_to(0x55);
	serve(v, 0x55, false);
	ck_assert(!v->pv_eoi.offered);
	lapic_eoi(v);
	listen_to(BIT(16) | 0x44);
	/* an interrupt that waits for it; */
	ck_assert_int_eq(lapic_accept_fixed(v, 0x51, false), 1);
	serve(v, 0x55, false);
	ck_assert(!v->pv_eoi.offered);
	ck_assert_uint_eq(*bits, 0);
	lapic_eoi(v);
	ck_assert_int_eq(lapic_pending(v), 0x51);
	lapic_ack(v, 0x51);
	lapic_eoi(v);
	/* nothing is in service; the memory is not there. */
	x86_pv_eoi_offer(v);
	ck_assert(!v->pv_eoi.offered);
	paged_out = true;
	serve(v, 0x55, false);
	ck_assert(!v->pv_eoi.offered);
	paged_out = false;
	ck_assert_int_eq(x86_pv_eoi_set_msr(v, 0x123450001), 0);
	x86_pv_eoi_offer(v);
	ck_assert(!v->pv_eoi.offered);
	world_end();
}
END_TEST

START_TEST(memory_that_went_away)
{
	struct x86_vcpu *v = start();

	serve(v, 0x55, false);
	*bits = 0;
	paged_out = true;
	ck_assert(!x86_pv_eoi_collect(v, true));
	ck_assert(v->pv_eoi.offered && in_service(v, 0x55));
	ck_assert(x86_pv_eoi_collect(v, false));
	ck_assert(!in_service(v, 0x55));

	/* An EOI that is written meanwhile comes after the other, and before the next entry. */
	paged_out = false;
	serve(v, 0x33, false);
	ck_assert(x86_pv_eoi_collect(v, true));
	serve(v, 0x55, false);
	*bits = 0;
	paged_out = true;
	v->vcpu.requests = 0;
	mmio_write(v, LAPIC_EOI, 0);
	ck_assert(in_service(v, 0x55) && in_service(v, 0x33));
	ck_assert(test_bit(KVMX_REQ_EVENT, &v->vcpu.requests));
	ck_assert(x86_pv_eoi_collect(v, false));
	ck_assert(!in_service(v, 0x55) && !in_service(v, 0x33));
	ck_assert_uint_eq(v->pv_eoi.late, 0);

	/* Lost for good: what it said is not known, and the interrupt stays in service. */
	paged_out = false;
	serve(v, 0x55, false);
	v->pv_eoi.msr = 0x123450001;
	ck_assert(x86_pv_eoi_collect(v, true));
	ck_assert(!v->pv_eoi.offered && in_service(v, 0x55));
	world_end();
}
END_TEST

/* Against a model: interrupts end in order, however the guest ends them. */
START_TEST(random_ends)
{
	struct x86_vcpu *v = start();
	u8 stack[16];
	int depth = 0, i, by_bit = 0;

	for (i = 0; i < 100000; i++) {
		u8 vector = ((depth + 2) << 4) | unit_random_below(16);

		paged_out = !unit_random_below(8);
		if (depth < 13 && unit_random_below(2)) {
			/* A request comes with it, which settles the last one. */
			if (v->pv_eoi.offered)
				x86_pv_eoi_collect(v, !paged_out);
			serve(v, vector, !unit_random_below(4));
			stack[depth++] = vector;
		} else if (depth && (*bits & 1) && unit_random_below(4)) {
			*bits &= ~1;
			by_bit++;
			depth--;
		} else if (depth && !v->pv_eoi.late) {
			mmio_write(v, LAPIC_EOI, 0);
			depth--;
		}
		if (!unit_random_below(4) && v->pv_eoi.offered)
			ck_assert(x86_pv_eoi_collect(v, !paged_out));
		if (!v->pv_eoi.offered) {
			ck_assert_int_eq(lapic_in_service(v->lapic), depth ? stack[depth - 1] : -1);
			ck_assert_uint_eq(*bits, 0);
		}
	}
	ck_assert_int_gt(by_bit, 1000);
	unit_figure("ends of interrupts by the bit", by_bit);
	world_end();
}
END_TEST

UNIT_MAIN("pv_eoi",
	  UNIT_CASE("pv_eoi", the_msr, ended_by_the_guest, taken_back, written_all_the_same,
		    not_offered, memory_that_went_away, random_ends))
