// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A pair: initialization, edges and levels, nesting, the cascade, EOIs and rotation,
 * AEOI, special mask and special fully nested mode, poll, spurious interrupts, saved state.
 */
/* links: src/x86/pv_eoi.c src/x86/lapic.c src/x86/lapic_timer.c src/x86/lapic_state.c src/x86/lapic_unit.c src/x86/apic_msg.c */
/* links: src/x86/ioapic.c src/x86/pic.c src/x86/pit.c src/x86/irqchip.c src/x86/vapic.c */
/* links: src/core/bus.c src/core/irq_routing.c */
#include "irqchip_world.h"

static void init_chip(u16 port, u8 base, u8 icw3, u8 icw4)
{
	port_write(port, 0x11);
	port_write(port + 1, base);
	port_write(port + 1, icw3);
	port_write(port + 1, icw4);
}

static void start(u8 icw4)
{
	world_full(2);
	init_chip(0x20, 0x20, 4, icw4);
	init_chip(0xa0, 0x28, 2, icw4);
}

static void pulse(u32 irq)
{
	pic_set_irq(vm, irq, KVMX_IRQ_SOURCE_USER, 1);
	pic_set_irq(vm, irq, KVMX_IRQ_SOURCE_USER, 0);
}

static u8 isr_of(u16 port)
{
	port_write(port, 0x0b);
	return port_read(port);
}

static u8 irr_of(u16 port)
{
	port_write(port, 0x0a);
	return port_read(port);
}

START_TEST(initialization)
{
	world_full(1);
	port_write(0x20, 0x11);
	pulse(3);
	ck_assert(!pic_output(vm->pic));	/* not before its vectors are known */
	port_write(0x21, 0x47);			/* low bits do not count */
	port_write(0x21, 4);
	ck_assert(!pic_output(vm->pic));
	port_write(0x21, 1);
	ck_assert_int_eq(take(cpu[0]), 0x43);
	/* Without ICW4. */
	port_write(0x20, 0x10);
	ck_assert_uint_eq(isr_of(0x20), 0);
	port_write(0x21, 0x50);
	port_write(0x21, 4);
	port_write(0x21, 0xfe);
	ck_assert_uint_eq(port_read(0x21), 0xfe);
	pulse(0);
	ck_assert_int_eq(take(cpu[0]), 0x50);
	world_end();
}
END_TEST

START_TEST(edges_and_mask)
{
	start(1);
	ck_assert_int_eq(pic_set_irq(vm, 5, 0, 1), 1);
	ck_assert_int_eq(pic_set_irq(vm, 5, 0, 1), 0);
	ck_assert_int_eq(take(cpu[0]), 0x25);
	/* The line stays high: no further interrupt. */
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), -1);
	pic_set_irq(vm, 5, 0, 0);
	port_write(0x21, 0x20);
	ck_assert_int_eq(pic_set_irq(vm, 5, 0, 1), -1);
	ck_assert_int_eq(take(cpu[0]), -1);
	ck_assert_uint_eq(irr_of(0x20), 0x20);
	/* An edge is remembered behind the mask, also when the line falls. */
	pic_set_irq(vm, 5, 0, 0);
	port_write(0x21, 0);
	ck_assert_int_eq(take(cpu[0]), 0x25);
	/* A new edge during service waits for the EOI. */
	ck_assert_int_eq(pic_set_irq(vm, 5, 0, 1), 1);
	pic_set_irq(vm, 5, 0, 0);
	ck_assert_int_eq(pic_set_irq(vm, 5, 0, 1), 0);
	ck_assert_int_eq(take(cpu[0]), -1);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), 0x25);
	/* No line 16, and no pin on line 2. */
	ck_assert_int_eq(pic_set_irq(vm, 2, 0, 1), -1);
	ck_assert_int_eq(pic_set_irq(vm, 16, 0, 1), -1);
	ck_assert_int_eq(pic_set_irq(vm, ~0u, 0, 1), -1);
	world_end();
}
END_TEST

START_TEST(levels)
{
	start(1);
	port_write(0x4d0, 0xff);
	port_write(0x4d1, 0xff);
	ck_assert_uint_eq(port_read(0x4d0), 0xf8);
	ck_assert_uint_eq(port_read(0x4d1), 0xde);
	pic_set_irq(vm, 5, KVMX_IRQ_SOURCE_USER, 1);
	pic_set_irq(vm, 5, KVMX_IRQ_SOURCE_RESAMPLE, 1);
	ck_assert_int_eq(take(cpu[0]), 0x25);
	ck_assert_uint_eq(irr_of(0x20), 0x20);
	pic_set_irq(vm, 5, KVMX_IRQ_SOURCE_USER, 0);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), 0x25);
	pic_set_irq(vm, 5, KVMX_IRQ_SOURCE_RESAMPLE, 0);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), -1);
	/* A level that goes before it is acknowledged leaves nothing. */
	pic_set_irq(vm, 12, 0, 1);
	ck_assert(pic_output(vm->pic));
	pic_set_irq(vm, 12, 0, 0);
	ck_assert(!pic_output(vm->pic));
	/* Initialization forgets edges, not levels. */
	pulse(0);
	pic_set_irq(vm, 6, 0, 1);
	init_chip(0x20, 0x20, 4, 1);
	ck_assert_int_eq(take(cpu[0]), 0x26);
	port_write(0x20, 0x20);
	pic_set_irq(vm, 6, 0, 0);
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(nesting_and_cascade)
{
	start(1);
	pulse(6);
	ck_assert_int_eq(take(cpu[0]), 0x26);
	pulse(7);
	ck_assert_int_eq(take(cpu[0]), -1);
	pulse(9);
	ck_assert_int_eq(take(cpu[0]), 0x29);
	ck_assert_uint_eq(isr_of(0x20), 0x44);
	ck_assert_uint_eq(isr_of(0xa0), 0x02);
	/* A higher one of the slave does not get through the master's line 2 in service. */
	pulse(8);
	ck_assert_int_eq(take(cpu[0]), -1);
	pulse(0);
	ck_assert_int_eq(take(cpu[0]), 0x20);
	port_write(0x20, 0x20);
	port_write(0xa0, 0x20);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), 0x28);
	port_write(0xa0, 0x60);			/* specific */
	port_write(0x20, 0x62);
	ck_assert_uint_eq(isr_of(0x20), 0x40);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), 0x27);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(special_fully_nested)
{
	start(1);
	init_chip(0x20, 0x20, 4, 0x11);
	pulse(12);
	ck_assert_int_eq(take(cpu[0]), 0x2c);
	pulse(9);
	ck_assert_int_eq(take(cpu[0]), 0x29);
	pulse(14);
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(automatic_eoi)
{
	start(3);
	pulse(4);
	ck_assert_int_eq(take(cpu[0]), 0x24);
	ck_assert_uint_eq(isr_of(0x20), 0);
	pulse(5);
	ck_assert_int_eq(take(cpu[0]), 0x25);
	/* Rotating: the one just served becomes the lowest. */
	port_write(0x20, 0x80);
	pulse(3);
	ck_assert_int_eq(take(cpu[0]), 0x23);
	pulse(3);
	pulse(4);
	ck_assert_int_eq(take(cpu[0]), 0x24);
	port_write(0x20, 0x00);
	ck_assert_int_eq(take(cpu[0]), 0x23);
	world_end();
}
END_TEST

START_TEST(rotation)
{
	start(1);
	pulse(0);
	pulse(1);
	ck_assert_int_eq(take(cpu[0]), 0x20);
	port_write(0x20, 0xa0);			/* rotate on non-specific EOI: 1 is the highest */
	pulse(0);
	ck_assert_int_eq(take(cpu[0]), 0x21);
	ck_assert_int_eq(take(cpu[0]), -1);
	port_write(0x20, 0xe4);			/* on specific EOI of 4: not in service, 5 highest */
	port_write(0x20, 0x61);
	ck_assert_int_eq(take(cpu[0]), 0x20);
	pulse(5);
	ck_assert_int_eq(take(cpu[0]), 0x25);
	port_write(0x20, 0x20);			/* the highest in service is 5 */
	ck_assert_uint_eq(isr_of(0x20), 1);
	port_write(0x20, 0x20);
	port_write(0x20, 0xc6);			/* set priority: 6 is the lowest, 7 the highest */
	pulse(6);
	pulse(7);
	ck_assert_int_eq(take(cpu[0]), 0x27);
	port_write(0x20, 0x40);			/* no operation */
	ck_assert_uint_eq(isr_of(0x20), 0x80);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), 0x26);
	world_end();
}
END_TEST

START_TEST(special_mask)
{
	start(1);
	pulse(3);
	ck_assert_int_eq(take(cpu[0]), 0x23);
	pulse(5);
	ck_assert_int_eq(take(cpu[0]), -1);
	port_write(0x21, 0x08);
	ck_assert_int_eq(take(cpu[0]), -1);
	port_write(0x20, 0x68);
	ck_assert_int_eq(take(cpu[0]), 0x25);
	/* A non-specific EOI does not see the masked one. */
	port_write(0x20, 0x20);
	ck_assert_uint_eq(isr_of(0x20), 0x08);
	port_write(0x20, 0x20);
	ck_assert_uint_eq(isr_of(0x20), 0x08);
	port_write(0x20, 0x48);
	port_write(0x20, 0x20);
	ck_assert_uint_eq(isr_of(0x20), 0);
	world_end();
}
END_TEST

START_TEST(poll)
{
	start(1);
	port_write(0x20, 0x0c);
	ck_assert_uint_eq(port_read(0x20), 0);
	pulse(4);
	pulse(10);
	port_write(0xa0, 0x0c);
	ck_assert_uint_eq(port_read(0xa0), 0x82);
	ck_assert_uint_eq(isr_of(0xa0), 0x04);
	/* Served there, so that the master's line 2 is quiet. */
	ck_assert_int_eq(take(cpu[0]), 0x24);
	port_write(0x20, 0x20);
	port_write(0xa0, 0x20);
	pulse(6);
	/* A poll through the odd port. */
	port_write(0x20, 0x0c);
	ck_assert_uint_eq(port_read(0x21), 0x86);
	ck_assert_uint_eq(port_read(0x21), 0);
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(spurious)
{
	start(1);
	ck_assert_int_eq(pic_peek(vm->pic), -1);
	ck_assert_int_eq(pic_ack(vm), 0x27);
	ck_assert_uint_eq(isr_of(0x20), 0);
	/* The slave's line goes while the master's is being acknowledged: line 15. */
	port_write(0x4d1, 0x04);
	pic_set_irq(vm, 10, 0, 1);
	ck_assert_int_eq(pic_peek(vm->pic), 0x2a);
	pic_set_irq(vm, 10, 0, 0);
	ck_assert_int_eq(pic_peek(vm->pic), -1);
	ck_assert_int_eq(x86_interrupt_ack(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(who_is_interrupted)
{
	start(1);
	noted[0].events = noted[1].events = 0;
	pulse(1);
	ck_assert_uint_eq(noted[0].events, 1);
	ck_assert_uint_eq(noted[1].events, 0);
	ck_assert_int_eq(take(cpu[1]), -1);
	/* LINT0 of the other CPU too, as an NMI: the line has to rise for it. */
	mmio_write(cpu[1], 0x350, 0x400);
	pulse(0);
	ck_assert_uint_eq(noted[1].nmis, 0);
	ck_assert_int_eq(take(cpu[0]), 0x20);
	port_write(0x20, 0x20);
	ck_assert_uint_eq(noted[1].nmis, 1);
	ck_assert_int_eq(take(cpu[0]), 0x21);
	port_write(0x20, 0x20);
	pulse(0);
	ck_assert_uint_eq(noted[1].nmis, 2);
	/* Masked: nobody takes it. */
	mmio_write(cpu[0], 0x350, 0x10700);
	ck_assert_int_eq(take(cpu[0]), -1);
	mmio_write(cpu[0], 0x350, 0x700);
	ck_assert_int_eq(take(cpu[0]), 0x20);
	port_write(0x20, 0x20);
	/* Fixed: through the local APIC, at its priority. */
	mmio_write(cpu[0], 0x350, 0x0a5);
	pulse(0);
	ck_assert_int_eq(take(cpu[0]), 0xa5);
	world_end();
}
END_TEST

START_TEST(state)
{
	struct kvmx_irqchip before[2] = {}, after[2] = {};
	u32 i;

	start(1);
	port_write(0x4d1, 0x04);
	port_write(0x21, 0x80);
	pic_set_irq(vm, 10, 0, 1);
	pic_set_irq(vm, 3, 0, 1);
	pulse(12);
	ck_assert_int_eq(take(cpu[0]), 0x2a);
	port_write(0xa0, 0x0b);
	for (i = 0; i < 2; i++) {
		before[i].chip_id = after[i].chip_id = i;
		ck_assert_int_eq(call(KVMX_GET_IRQCHIP, NULL, &before[i], 0), 0);
	}
	world_end();

	world_full(1);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(call(KVMX_SET_IRQCHIP, NULL, &before[i], 0), 0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(call(KVMX_GET_IRQCHIP, NULL, &after[i], 0), 0);
	ck_assert_mem_eq(before, after, sizeof(before));
	ck_assert_uint_eq(port_read(0xa0), 0x04);
	port_write(0xa0, 0x20);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), 0x2a);	/* still high */
	pic_set_irq(vm, 10, 0, 0);
	port_write(0xa0, 0x20);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), 0x2c);
	port_write(0xa0, 0x20);
	port_write(0x20, 0x20);
	ck_assert_int_eq(take(cpu[0]), 0x23);
	port_write(0x20, 0x20);
	ck_assert_int_eq(pic_set_irq(vm, 3, 0, 1), 0);	/* its line was high: no edge */
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(wide_accesses)
{
	u16 both = 0x9011;
	u8 byte;

	start(1);
	/* ICW1 to the even port, 0x90 to the odd one. */
	ck_assert_int_eq(kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_PIO, 0x20, 2, &both), 0);
	port_write(0x21, 4);
	port_write(0x21, 1);
	port_write(0x21, 0xf0);
	pulse(1);
	ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_PIO, 0x20, 2, &both), 0);
	ck_assert_uint_eq(both, 0xf002);
	ck_assert_int_eq(take(cpu[0]), 0x91);
	ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_PIO, 0x21, 2, &both), -EOPNOTSUPP);
	ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_PIO, 0x22, 1, &byte), -EOPNOTSUPP);
	world_end();
}
END_TEST

START_TEST(random_operations)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	struct kvmx_pic_state s[2];
	unsigned long taken = 0;
	u32 i, c;

	start(1);
	for (i = 0; i < 300000; i++) {
		u16 port = ports[unit_random_below(6)];
		int peek, got;

		switch (unit_random_below(8)) {
		case 0: case 1:
			pic_set_irq(vm, unit_random_below(17), unit_random_below(3), unit_random() & 1);
			break;
		case 2:
			if (unit_random_below(30))
				port_write(port & ~1, unit_random() & ~0x10);
			else
				port_write(port, unit_random());
			break;
		case 3:
			port_read(port);
			break;
		case 4: case 5:
			taken += take(cpu[0]) >= 0;
			break;
		case 6:
			port_write(unit_random() & 1 ? 0x20 : 0xa0, 0x20);
			break;
		case 7:
			if (!unit_random_below(100)) {
				for (c = 0; c < sizeof(s); c++)
					((u8 *)s)[c] = unit_random();
				pic_set_state(vm, unit_random() & 1, s);
			} else if (!unit_random_below(20)) {
				init_chip(0x20, 0x20, 4, unit_random() & 0x13);
				init_chip(0xa0, 0x28, 2, unit_random() & 0x13);
			}
			break;
		}
		peek = pic_peek(vm->pic);
		ck_assert_int_eq(peek >= 0, pic_output(vm->pic));
		for (c = 0; c < 2; c++) {
			pic_get_state(vm->pic, c, &s[c]);
			ck_assert(!(s[c].elcr & ~s[c].elcr_mask) && s[c].priority_add < 8);
			ck_assert(!(s[c].irq_base & 7));
		}
		got = peek < 0 ? -1 : peek & ~7;
		ck_assert(got < 0 || got == s[0].irq_base || got == s[1].irq_base);
		ck_assert(peek < 0 || (s[0].irr & ~s[0].imr));
	}
	ck_assert_uint_gt(taken, 1000);
	unit_figure("random operations", i);
	world_end();
}
END_TEST

UNIT_MAIN("pic",
	UNIT_CASE("chip", initialization, edges_and_mask, levels, nesting_and_cascade,
		  special_fully_nested, automatic_eoi, rotation, special_mask, poll, spurious),
	UNIT_CASE("machine", who_is_interrupted, state, wide_accesses),
	UNIT_CASE("bad input", random_operations), NULL)
