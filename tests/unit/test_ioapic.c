// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC and the irqchip around it: edges and levels, remote IRR and EOI, destinations,
 * sources, acknowledge notifiers, creation and its errors, saved state.
 */
/* links: src/x86/pv_eoi.c src/x86/lapic.c src/x86/lapic_timer.c src/x86/lapic_state.c src/x86/lapic_unit.c src/x86/apic_msg.c */
/* links: src/x86/ioapic.c src/x86/pic.c src/x86/pit.c src/x86/irqchip.c src/x86/vapic.c */
/* links: src/core/bus.c src/core/irq_routing.c */
#include "irqchip_world.h"

#define LEVEL		BIT_ULL(15)
#define MASKED		BIT_ULL(16)
#define REMOTE_IRR	BIT_ULL(14)
#define LOGICAL		BIT_ULL(11)
#define DEST(d)		((u64)(d) << 56)

static void window_write(u8 reg, u32 val)
{
	u32 select = reg;

	ck_assert_int_eq(kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00000, 4, &select), 0);
	ck_assert_int_eq(kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00010, 4, &val), 0);
}

static u32 window_read(u8 reg)
{
	u32 val = reg;

	ck_assert_int_eq(kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00000, 4, &val), 0);
	ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00010, 4, &val), 0);
	return val;
}

/* The high half first, so that an unmasked entry is sent where it should. */
static void entry_write(u32 pin, u64 val)
{
	window_write(0x11 + pin * 2, val >> 32);
	window_write(0x10 + pin * 2, val);
}

static u64 entry_read(u32 pin)
{
	return window_read(0x10 + pin * 2) | (u64)window_read(0x11 + pin * 2) << 32;
}

static void eoi(struct x86_vcpu *v)
{
	mmio_write(v, 0xb0, 0);
}

START_TEST(registers)
{
	u32 val, i;
	u64 wide;
	u8 byte = 1;

	world_full(1);
	ck_assert_uint_eq(window_read(0), 0);
	window_write(0, 0xffffffff);
	ck_assert_uint_eq(window_read(0), 0x0f000000);
	ck_assert_uint_eq(window_read(2), 0x0f000000);
	ck_assert_uint_eq(window_read(1), 0x00170011);
	window_write(1, 0);
	ck_assert_uint_eq(window_read(1), 0x00170011);
	for (i = 0; i < 24; i++)
		ck_assert_uint_eq(entry_read(i), MASKED);
	entry_write(3, ~0ull);
	ck_assert_uint_eq(entry_read(3), 0xff0000000001afff);
	ck_assert_uint_eq(window_read(0x40), 0xffffffff);
	window_write(0x40, 5);
	/* Byte and 8-byte accesses; other addresses are nothing. */
	ck_assert_int_eq(kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00000, 1, &byte), 0);
	ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00010, 8, &wide), 0);
	ck_assert_uint_eq(wide, 0x00170011);
	ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00011, 1, &byte), 0);
	ck_assert_uint_eq(byte, 0);
	ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00100, 4, &val), -EOPNOTSUPP);
	world_end();
}
END_TEST

START_TEST(edges)
{
	world_full(2);
	ck_assert_int_eq(line(20, 1), -1);		/* masked */
	line(20, 0);
	entry_write(20, DEST(1) | 0x55);
	ck_assert_int_eq(line(20, 1), 1);
	ck_assert_int_eq(line(20, 1), 0);		/* no edge */
	ck_assert_int_eq(take(cpu[1]), 0x55);
	ck_assert_int_eq(line(20, 1), 0);
	line(20, 0);
	ck_assert_int_eq(line(20, 1), 1);		/* pending behind the one in service */
	line(20, 0);
	ck_assert_int_eq(line(20, 1), 0);		/* coalesced in IRR */
	ck_assert_uint_eq(entry_read(20), DEST(1) | 0x55);
	eoi(cpu[1]);
	ck_assert_int_eq(take(cpu[1]), 0x55);
	eoi(cpu[1]);
	ck_assert_int_eq(take(cpu[1]), -1);
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(levels_and_remote_irr)
{
	world_full(1);
	entry_write(17, LEVEL | 0x61);
	ck_assert_int_eq(line(17, 1), 1);
	ck_assert_uint_eq(entry_read(17), LEVEL | REMOTE_IRR | 0x61);
	ck_assert_int_eq(line(17, 1), 0);
	ck_assert_int_eq(take(cpu[0]), 0x61);
	/* Still high at the EOI: once more. */
	eoi(cpu[0]);
	ck_assert_uint_eq(entry_read(17), LEVEL | REMOTE_IRR | 0x61);
	ck_assert_int_eq(take(cpu[0]), 0x61);
	line(17, 0);
	ck_assert_uint_eq(entry_read(17), LEVEL | REMOTE_IRR | 0x61);
	eoi(cpu[0]);
	ck_assert_uint_eq(entry_read(17), LEVEL | 0x61);
	ck_assert_int_eq(take(cpu[0]), -1);
	/* Masked while high: sent when unmasked. */
	entry_write(17, LEVEL | MASKED | 0x61);
	ck_assert_int_eq(line(17, 1), -1);
	ck_assert_int_eq(take(cpu[0]), -1);
	entry_write(17, LEVEL | 0x61);
	ck_assert_int_eq(take(cpu[0]), 0x61);
	/* A guest can neither set nor clear remote IRR, but lose it with the level mode. */
	entry_write(17, LEVEL | MASKED | 0x61);
	ck_assert_uint_eq(entry_read(17), LEVEL | MASKED | REMOTE_IRR | 0x61);
	entry_write(17, MASKED | 0x61);
	ck_assert_uint_eq(entry_read(17), MASKED | 0x61);
	entry_write(18, LEVEL | MASKED | REMOTE_IRR | 0x62);
	ck_assert_uint_eq(entry_read(18), LEVEL | MASKED | 0x62);
	world_end();
}
END_TEST

START_TEST(eoi_of_others)
{
	struct apic_msg msg = { .dest = 1, .vector = 0x61 };

	/* Two pins share a vector, and another CPU has an edge of the same number. */
	world_full(2);
	entry_write(17, LEVEL | 0x61);
	entry_write(18, LEVEL | 0x61);
	ck_assert_int_eq(line(17, 1), 1);
	ck_assert_int_eq(line(18, 1), 0);
	ck_assert_int_eq(take(cpu[0]), 0x61);
	apic_deliver(vm, NULL, &msg);
	ck_assert_int_eq(take(cpu[1]), 0x61);
	eoi(cpu[1]);
	ck_assert(entry_read(17) & entry_read(18) & REMOTE_IRR);
	line(17, 0);
	eoi(cpu[0]);
	ck_assert(!(entry_read(17) & REMOTE_IRR) && (entry_read(18) & REMOTE_IRR));
	ck_assert_int_eq(take(cpu[0]), 0x61);
	line(18, 0);
	eoi(cpu[0]);
	ck_assert(!((entry_read(17) | entry_read(18)) & REMOTE_IRR));
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(destinations_and_modes)
{
	u32 i;

	world_full(3);
	for (i = 0; i < 3; i++)
		mmio_write(cpu[i], 0xd0, BIT(24 + i));
	entry_write(20, DEST(6) | LOGICAL | 0x55);
	ck_assert_int_eq(line(20, 1), 2);
	ck_assert_int_eq(take(cpu[0]), -1);
	ck_assert_int_eq(take(cpu[1]), 0x55);
	ck_assert_int_eq(take(cpu[2]), 0x55);
	line(20, 0);
	entry_write(20, DEST(7) | LOGICAL | 1 << 8 | 0x66);
	ck_assert_int_eq(line(20, 1), 1);
	line(20, 0);
	entry_write(20, DEST(2) | 4 << 8);
	ck_assert_int_eq(line(20, 1), 1);
	ck_assert_uint_eq(noted[2].nmis, 1);
	line(20, 0);
	/* Nobody there: not sent, and no remote IRR that would hang. */
	entry_write(20, DEST(9) | LEVEL | 0x77);
	ck_assert_int_eq(line(20, 1), -1);
	ck_assert_uint_eq(entry_read(20), DEST(9) | LEVEL | 0x77);
	world_end();
}
END_TEST

START_TEST(several_sources)
{
	world_full(1);
	entry_write(20, LEVEL | 0x55);
	kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_USER, 20, 1);
	kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_RESAMPLE, 20, 1);
	ck_assert_int_eq(take(cpu[0]), 0x55);
	kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_USER, 20, 0);
	eoi(cpu[0]);
	ck_assert_int_eq(take(cpu[0]), 0x55);
	kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_RESAMPLE, 20, 0);
	eoi(cpu[0]);
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

/* As a resampling irqfd does: lower at the EOI, and raise again if the device says so. */
static struct { struct kvmx_irq_ack ack; unsigned int acks; bool again; } resampler;

static void resample(struct kvmx_irq_ack *ack)
{
	resampler.acks++;
	kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_RESAMPLE, ack->gsi, 0);
	if (resampler.again)
		kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_RESAMPLE, ack->gsi, 1);
}

START_TEST(acknowledge)
{
	world_full(1);
	resampler.acks = 0;
	resampler.again = true;
	resampler.ack = (struct kvmx_irq_ack){ .gsi = 20, .acked = resample };
	kvmx_irq_ack_register(&vm->vm, &resampler.ack);
	entry_write(20, LEVEL | 0x55);
	kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_RESAMPLE, 20, 1);
	ck_assert_int_eq(take(cpu[0]), 0x55);
	eoi(cpu[0]);
	ck_assert_uint_eq(resampler.acks, 1);
	ck_assert_int_eq(take(cpu[0]), 0x55);
	resampler.again = false;
	eoi(cpu[0]);
	ck_assert_uint_eq(resampler.acks, 2);
	ck_assert_int_eq(take(cpu[0]), -1);
	ck_assert_uint_eq(entry_read(20), LEVEL | 0x55);
	/* The same through the PIC: GSI 10 is level-triggered line 10. */
	resampler.acks = 0;
	kvmx_irq_ack_unregister(&vm->vm, &resampler.ack);
	resampler.ack.gsi = 10;
	kvmx_irq_ack_register(&vm->vm, &resampler.ack);
	port_write(0x20, 0x11); port_write(0x21, 0x20); port_write(0x21, 4); port_write(0x21, 1);
	port_write(0xa0, 0x11); port_write(0xa1, 0x28); port_write(0xa1, 2); port_write(0xa1, 1);
	port_write(0x4d1, 0x04);
	kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_RESAMPLE, 10, 1);
	ck_assert_int_eq(take(cpu[0]), 0x2a);
	ck_assert_uint_eq(resampler.acks, 0);
	port_write(0xa0, 0x20);
	port_write(0x20, 0x20);
	ck_assert_uint_eq(resampler.acks, 1);
	ck_assert_int_eq(take(cpu[0]), -1);
	kvmx_irq_ack_unregister(&vm->vm, &resampler.ack);
	world_end();
}
END_TEST

START_TEST(state)
{
	struct kvmx_irqchip before = { .chip_id = KVMX_IRQCHIP_IOAPIC }, after = before, fresh = before;

	world_full(1);
	ck_assert_int_eq(call(KVMX_GET_IRQCHIP, NULL, &fresh, 0), 0);
	entry_write(17, LEVEL | 0x61);
	entry_write(18, LEVEL | MASKED | 0x62);
	entry_write(19, 0x63);
	window_write(0, 0x05000000);
	line(17, 1);
	line(18, 1);
	line(19, 1);
	ck_assert_int_eq(take(cpu[0]), 0x63);
	eoi(cpu[0]);
	ck_assert_int_eq(take(cpu[0]), 0x61);
	ck_assert_int_eq(call(KVMX_GET_IRQCHIP, NULL, &before, 0), 0);
	ck_assert_uint_eq(before.chip.ioapic.irr, 7 << 17);
	ck_assert_uint_eq(before.chip.ioapic.id, 5);
	ck_assert_uint_eq(before.chip.ioapic.redirtbl[17].fields.remote_irr, 1);
	ck_assert_uint_eq(before.chip.ioapic.base_address, 0xfec00000);

	ck_assert_int_eq(call(KVMX_SET_IRQCHIP, NULL, &fresh, 0), 0);
	ck_assert_uint_eq(entry_read(17), MASKED);
	ck_assert_int_eq(call(KVMX_SET_IRQCHIP, NULL, &before, 0), 0);
	ck_assert_int_eq(call(KVMX_GET_IRQCHIP, NULL, &after, 0), 0);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	/* The edge that was served is not there again, and the line has to fall first. */
	ck_assert_int_eq(take(cpu[0]), -1);
	ck_assert_int_eq(line(19, 1), 0);
	line(19, 0);
	ck_assert_int_eq(line(19, 1), 1);
	ck_assert_int_eq(take(cpu[0]), -1);	/* behind 0x61 */
	/* The line that is high still is, until whoever drives it says otherwise. */
	eoi(cpu[0]);
	ck_assert_int_eq(take(cpu[0]), 0x63);
	eoi(cpu[0]);
	ck_assert_int_eq(take(cpu[0]), 0x61);
	line(17, 0);
	eoi(cpu[0]);
	ck_assert_int_eq(take(cpu[0]), -1);
	entry_write(18, LEVEL | 0x62);
	ck_assert_int_eq(take(cpu[0]), 0x62);
	/* A pending level is sent when put back. */
	eoi(cpu[0]);
	ck_assert_int_eq(take(cpu[0]), 0x62);
	line(18, 0);
	eoi(cpu[0]);
	before.chip.ioapic.redirtbl[17].fields.remote_irr = 0;
	ck_assert_int_eq(call(KVMX_SET_IRQCHIP, NULL, &before, 0), 0);
	ck_assert_int_eq(take(cpu[0]), 0x61);
	world_end();
}
END_TEST

START_TEST(creation)
{
	struct kvmx_pit_config config = {}, bad = { .flags = 2 };
	struct kvmx_irqchip chip = { .chip_id = KVMX_IRQCHIP_PIC_MASTER };
	struct kvmx_pit_state2 pit;
	struct kvmx_reinject_control reinject = {};
	struct kvmx_irq_route route = { .kind = KVMX_ROUTE_CHIP };
	unsigned long n;

	world_vm();
	ck_assert_int_eq(call(KVMX_GET_IRQCHIP, NULL, &chip, 0), -ENXIO);
	ck_assert_int_eq(call(KVMX_SET_IRQCHIP, NULL, &chip, 0), -ENXIO);
	ck_assert_int_eq(call(KVMX_CREATE_PIT2, NULL, &config, 0), -ENOENT);
	ck_assert_int_eq(call(KVMX_GET_PIT2, NULL, &pit, 0), -ENXIO);
	ck_assert_int_eq(call(KVMX_SET_PIT2, NULL, &pit, 0), -ENXIO);
	ck_assert_int_eq(call(KVMX_REINJECT_CONTROL, NULL, NULL, (uintptr_t)&reinject), -ENXIO);
	ck_assert_int_eq(call(KVMX_REINJECT_CONTROL, NULL, NULL, 0), -EFAULT);
	ck_assert_int_eq(x86_irq_sink.check(&vm->vm, &route), -EINVAL);
	ck_assert_int_eq(x86_irq_sink.allow(&vm->vm, KVMX_IRQ_USE_LINE), -ENXIO);
	ck_assert_int_eq(x86_irq_sink.allow(&vm->vm, KVMX_IRQ_USE_IRQFD), -EINVAL);
	ck_assert_int_eq(line(0, 1), -1);
	/* No memory: nothing is left behind, and the next try works. */
	for (n = 0; n < 40; n++) {
		long err;

		shim_fail_alloc_after(n);
		err = call(KVMX_CREATE_IRQCHIP, NULL, NULL, 0);
		shim_fail_alloc_after(-1);
		if (!err)
			break;
		ck_assert_int_eq(err, -ENOMEM);
		ck_assert(!vm->irqchip && !vm->pic && !vm->ioapic);
	}
	ck_assert(n > 5 && n < 40);
	ck_assert_int_eq(call(KVMX_CREATE_IRQCHIP, NULL, NULL, 0), -EEXIST);
	ck_assert_int_eq(x86_irqchip_split(vm, 24), -EEXIST);
	ck_assert_int_eq(call(KVMX_CREATE_PIT2, NULL, &bad, 0), -EINVAL);
	for (n = 0; n < 10; n++) {
		shim_fail_alloc_after(n);
		if (!call(KVMX_CREATE_PIT2, NULL, &config, 0))
			break;
		shim_fail_alloc_after(-1);
		ck_assert_ptr_null(vm->pit);
	}
	shim_fail_alloc_after(-1);
	ck_assert(n > 0 && n < 10);
	ck_assert_int_eq(call(KVMX_CREATE_PIT2, NULL, &config, 0), -EEXIST);
	ck_assert_int_eq(call(KVMX_REINJECT_CONTROL, NULL, NULL, (uintptr_t)&reinject), 0);
	chip.chip_id = 3;
	ck_assert_int_eq(call(KVMX_GET_IRQCHIP, NULL, &chip, 0), -EINVAL);
	ck_assert_int_eq(call(KVMX_SET_IRQCHIP, NULL, &chip, 0), -EINVAL);
	/* Pins that exist, and those that do not. */
	for (route.chip.chip = 0; route.chip.chip < 4; route.chip.chip++) {
		static const u32 pins[4] = { 8, 8, 24, 0 };

		for (route.chip.pin = 0; route.chip.pin < 30; route.chip.pin++) {
			bool exists = route.chip.pin < pins[route.chip.chip];

			ck_assert_int_eq(x86_irq_sink.check(&vm->vm, &route), exists ? 0 : -EINVAL);
			x86_irq_sink.set(&vm->vm, &route, KVMX_IRQ_SOURCE_USER, 1);
		}
	}
	world_end();

	world_vm();
	ck_assert_int_eq(x86_irqchip_split(vm, 5000), -EINVAL);
	ck_assert_int_eq(x86_irqchip_split(vm, 24), 0);
	ck_assert_int_eq(x86_irqchip_split(vm, 24), -EEXIST);
	ck_assert_int_eq(call(KVMX_CREATE_IRQCHIP, NULL, NULL, 0), -EEXIST);
	ck_assert_int_eq(call(KVMX_CREATE_PIT2, NULL, &config, 0), -ENOENT);
	ck_assert_int_eq(x86_irq_sink.allow(&vm->vm, KVMX_IRQ_USE_RESAMPLE), -EINVAL);
	ck_assert_int_eq(x86_irq_sink.allow(&vm->vm, KVMX_IRQ_USE_IRQFD), 0);
	route.chip.chip = 2;
	route.chip.pin = 0;
	ck_assert_int_eq(x86_irq_sink.check(&vm->vm, &route), -EINVAL);
	world_end();

	world_vm();
	world_cpus(1);
	ck_assert_int_eq(call(KVMX_CREATE_IRQCHIP, NULL, NULL, 0), -EINVAL);
	ck_assert_int_eq(x86_irqchip_split(vm, 24), -EINVAL);
	world_end();
}
END_TEST

START_TEST(default_routes)
{
	u32 gsi;

	world_full(1);
	port_write(0x20, 0x11); port_write(0x21, 0x20); port_write(0x21, 4); port_write(0x21, 1);
	port_write(0xa0, 0x11); port_write(0xa1, 0x28); port_write(0xa1, 2); port_write(0xa1, 1);
	for (gsi = 0; gsi < 24; gsi++) {
		int pic = gsi < 16 && gsi != 2;

		entry_write(gsi, 0x80 + gsi);
		ck_assert_int_eq(line(gsi, 1), 1 + pic);
		if (pic) {
			ck_assert_int_eq(take(cpu[0]), 0x20 + gsi);
			if (gsi >= 8)
				port_write(0xa0, 0x20);
			port_write(0x20, 0x20);
		}
		ck_assert_int_eq(take(cpu[0]), 0x80 + gsi);
		eoi(cpu[0]);
	}
	ck_assert_int_eq(line(24, 1), -1);
	world_end();
}
END_TEST

START_TEST(messages)
{
	struct kvmx_msi msi = { .address_lo = 0xfee01000, .data = 0x77 };
	struct kvmx_irq_routing_entry entry[] = {
		{ .gsi = 40, .type = KVMX_IRQ_ROUTING_MSI, .u.msi = { .address_lo = 0xfee00000, .data = 0x66 } },
		{ .gsi = 4, .type = KVMX_IRQ_ROUTING_IRQCHIP, .u.irqchip = { KVMX_IRQCHIP_IOAPIC, 4 } },
	};

	world_full(2);
	ck_assert_int_eq(kvmx_irq_msi(&vm->vm, &msi), 1);
	ck_assert_int_eq(kvmx_irq_msi(&vm->vm, &msi), 0);
	ck_assert_int_eq(take(cpu[1]), 0x77);
	ck_assert_int_eq(kvmx_irq_routing_set(&vm->vm, entry, 2, 0), 0);
	ck_assert_int_eq(line(40, 1), 1);
	ck_assert_int_eq(line(40, 0), -1);	/* a message only rises */
	ck_assert_int_eq(take(cpu[0]), 0x66);
	eoi(cpu[0]);
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();

	world_split(1);
	ck_assert_int_eq(kvmx_irq_routing_set(&vm->vm, entry, 2, 0), -EINVAL);
	ck_assert_int_eq(kvmx_irq_routing_set(&vm->vm, entry, 1, 0), 0);
	ck_assert_int_eq(line(40, 1), 1);
	ck_assert_int_eq(take(cpu[0]), 0x66);
	world_end();

	world_vm();
	world_cpus(1);
	ck_assert_int_eq(kvmx_irq_msi(&vm->vm, &msi), -EINVAL);
	ck_assert_int_eq(kvmx_irq_routing_set(&vm->vm, entry, 1, 0), -EINVAL);
	world_end();
}
END_TEST

START_TEST(random_operations)
{
	static const int lens[] = { 1, 2, 4, 8 };
	struct kvmx_ioapic_state s, t;
	u32 i, c, pin;
	u64 val;

	world_full(3);
	for (i = 0; i < 100000; i++) {
		struct x86_vcpu *v = cpu[unit_random_below(3)];

		switch (unit_random_below(8)) {
		case 0:
			val = unit_random_edge();
			kvmx_bus_write(&v->vcpu, KVMX_BUS_MMIO, 0xfec00000 + unit_random_below(0x100),
				       lens[unit_random_below(4)], &val);
			kvmx_bus_read(&v->vcpu, KVMX_BUS_MMIO, 0xfec00000 + unit_random_below(0x100),
				      lens[unit_random_below(4)], &val);
			break;
		case 1:
			window_write(0x10 + unit_random_below(48), unit_random() & 0x1ffff);
			break;
		case 2: case 3:
			kvmx_irq_set(&vm->vm, unit_random_below(3), unit_random_below(26), unit_random() & 1);
			break;
		case 4: case 5:
			take(v);
			break;
		case 6:
			lapic_eoi(v);
			break;
		case 7:
			if (unit_random_below(20))
				break;
			for (c = 0; c < sizeof(s); c++)
				((u8 *)&s)[c] = unit_random();
			ioapic_set_state(vm, &s);
			ioapic_get_state(vm->ioapic, &s);
			ioapic_set_state(vm, &s);
			ioapic_get_state(vm->ioapic, &t);
			ck_assert_mem_eq(&s, &t, sizeof(s));
			break;
		}
		ioapic_get_state(vm->ioapic, &s);
		for (pin = 0; pin < 24; pin++) {
			u64 e = s.redirtbl[pin].bits;

			ck_assert((e & LEVEL) || !(e & REMOTE_IRR));
			ck_assert(!(e & 0x00fffffffffe1000ull));
			ck_assert(ioapic_handles(vm->ioapic, e & 0xff));
		}
	}
	unit_figure("random operations", i);
	world_end();
}
END_TEST

UNIT_MAIN("ioapic",
	UNIT_CASE("pins", registers, edges, levels_and_remote_irr, eoi_of_others,
		  destinations_and_modes, several_sources, acknowledge),
	UNIT_CASE("irqchip", state, creation, default_routes, messages),
	UNIT_CASE("bad input", random_operations), NULL)
