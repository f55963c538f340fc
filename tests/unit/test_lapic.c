// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC: registers in both modes, priorities, nesting and EOI, destinations, the timer
 * in its modes, saved state; and random operations against invariants.
 */
/* links: src/x86/pv_eoi.c src/x86/lapic.c src/x86/lapic_timer.c src/x86/lapic_state.c src/x86/lapic_unit.c src/x86/apic_msg.c */
/* links: src/x86/ioapic.c src/x86/pic.c src/x86/pit.c src/x86/irqchip.c src/x86/vapic.c */
/* links: src/core/bus.c src/core/irq_routing.c */
#include <pthread.h>

#include "irqchip_world.h"
#include "vapic.h"

static void fixed(struct x86_vcpu *v, u8 vector)
{
	struct apic_msg msg = { .dest = v->vcpu.id, .vector = vector, .assert = true };

	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
}

static bool bit_of(struct x86_vcpu *v, u32 base, u8 vector)
{
	return lapic_read_plain(v, base + vector / 32 * 16) >> (vector % 32) & 1;
}

/* --- registers --- */

START_TEST(reset_values)
{
	world_full(2);
	ck_assert_uint_eq(cpu[0]->apic_base, 0xfee00900);
	ck_assert_uint_eq(cpu[1]->apic_base, 0xfee00800);
	lapic_reset(cpu[0], false);
	lapic_reset(cpu[1], false);
	ck_assert_uint_eq(mmio_read(cpu[1], 0x20), 1 << 24);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x30), 0x00050014);
	ck_assert_uint_eq(mmio_read(cpu[0], 0xe0), 0xffffffff);
	ck_assert_uint_eq(mmio_read(cpu[0], 0xf0), 0xff);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x320), 0x10000);
	/* The boot processor takes the PIC's interrupts, the others do not. */
	ck_assert_uint_eq(mmio_read(cpu[0], 0x350), 0x700);
	ck_assert_uint_eq(mmio_read(cpu[1], 0x350), 0x10000);
	ck_assert(lapic_accepts_extint(cpu[0]) && !lapic_accepts_extint(cpu[1]));
	vm->disabled_quirks = KVMX_X86_QUIRK_LINT0_REENABLED;
	lapic_reset(cpu[0], true);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x350), 0x10000);
	ck_assert_uint_eq(cpu[0]->apic_base, 0xfee00900);
	world_end();
}
END_TEST

START_TEST(page_location)
{
	world_full(1);
	ck_assert(lapic_mmio_match(cpu[0], 0xfee00000) && lapic_mmio_match(cpu[0], 0xfee00fff));
	ck_assert(!lapic_mmio_match(cpu[0], 0xfee01000) && !lapic_mmio_match(cpu[0], 0x1fee00000));
	ck_assert_int_eq(lapic_set_base(cpu[0], 0x12345000 | APIC_BASE_EN, false), 0);
	ck_assert(!lapic_mmio_match(cpu[0], 0xfee00000) && lapic_mmio_match(cpu[0], 0x12345020));
	to_x2apic(cpu[0]);
	ck_assert(!lapic_mmio_match(cpu[0], 0x12345020));
	world_end();
}
END_TEST

START_TEST(base_transitions)
{
	struct x86_vcpu *v;
	u64 off = 0xfee00000, x1 = off | APIC_BASE_EN, x2 = x1 | APIC_BASE_EXTD;

	world_full(1);
	v = cpu[0];
	ck_assert_int_eq(lapic_set_base(v, off | APIC_BASE_EXTD, false), -EINVAL);
	ck_assert_int_eq(lapic_set_base(v, x1 | 1, false), -EINVAL);
	ck_assert_int_eq(lapic_set_base(v, x1 | BIT(9), false), -EINVAL);
	ck_assert_int_eq(lapic_set_base(v, x1 | 1ull << 46, false), -EINVAL);
	ck_assert_int_eq(lapic_set_base(v, x1 | 1ull << 45, false), 0);
	ck_assert_int_eq(lapic_set_base(v, x1, false), 0);
	ck_assert_int_eq(lapic_set_base(v, x2, false), 0);
	ck_assert_int_eq(lapic_set_base(v, x2, false), 0);
	ck_assert_int_eq(lapic_set_base(v, x1, false), -EINVAL);
	ck_assert_uint_eq(v->apic_base, x2);
	ck_assert_int_eq(lapic_set_base(v, off, false), 0);
	ck_assert_int_eq(lapic_set_base(v, x2, false), -EINVAL);
	ck_assert_int_eq(lapic_set_base(v, x1, false), 0);
	/* User space may put back anything that makes sense. */
	ck_assert_int_eq(lapic_set_base(v, off, true), 0);
	ck_assert_int_eq(lapic_set_base(v, x2, true), 0);
	ck_assert_int_eq(lapic_set_base(v, x1, true), 0);
	ck_assert_int_eq(lapic_set_base(v, off | APIC_BASE_EXTD, true), -EINVAL);
	/* Without the CPUID bit there is no such mode. */
	v->cpuid->entry[0].ecx = 0;
	ck_assert_int_eq(lapic_set_base(v, x2, false), -EINVAL);
	world_end();
}
END_TEST

START_TEST(disabled_apic)
{
	struct apic_msg msg = { .dest = 0, .vector = 0x40 };
	struct apic_msg nmi = { .dest = 0, .mode = APIC_DELIVER_NMI };

	world_full(1);
	fixed(cpu[0], 0x50);
	mmio_write(cpu[0], 0x380, 1000);
	ck_assert_int_eq(lapic_set_base(cpu[0], 0xfee00000, false), 0);
	ck_assert(!lapic_enabled(cpu[0]) && !lapic_sw_enabled(cpu[0]));
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), -1);
	ck_assert_int_eq(apic_deliver(vm, NULL, &nmi), -1);
	ck_assert_int_eq(lapic_pending(cpu[0]), -1);
	ck_assert(lapic_accepts_extint(cpu[0]));
	shim_clock_advance(10000);
	ck_assert(!lapic_has_reason(cpu[0]));
	/* Enabled again it is as after power-up. */
	ck_assert_int_eq(lapic_set_base(cpu[0], 0xfee00800, false), 0);
	ck_assert_int_eq(lapic_pending(cpu[0]), -1);
	ck_assert_uint_eq(mmio_read(cpu[0], 0xf0), 0xff);
	/* Disabled by software: nothing fixed, but NMIs. */
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), -1);
	ck_assert_int_eq(apic_deliver(vm, NULL, &nmi), 1);
	ck_assert_uint_eq(noted[0].nmis, 1);
	world_end();
}
END_TEST

START_TEST(software_disable_masks)
{
	struct x86_vcpu *v;
	u32 offset;

	world_full(1);
	v = cpu[0];
	for (offset = 0x320; offset <= 0x370; offset += 16)
		mmio_write(v, offset, 0x40);
	fixed(v, 0x60);
	mmio_write(v, 0xf0, 0xff);
	for (offset = 0x320; offset <= 0x370; offset += 16) {
		ck_assert_uint_eq(mmio_read(v, offset), 0x10040);
		mmio_write(v, offset, 0x41);
		ck_assert_uint_eq(mmio_read(v, offset), 0x10041);
	}
	/* What was accepted before is still to be served. */
	ck_assert_int_eq(take(v), 0x60);
	world_end();
}
END_TEST

START_TEST(writable_bits)
{
	static const struct { u32 offset, after; } all_ones[] = {
		{ 0x20, 0 }, { 0x30, 0x50014 }, { 0x80, 0xff }, { 0xa0, 0xff }, { 0xd0, 0xff000000 },
		{ 0xe0, 0xffffffff }, { 0xf0, 0x3ff }, { 0x310, 0xff000000 },
		{ 0x320, 0x700ff }, { 0x330, 0x107ff }, { 0x340, 0x107ff }, { 0x350, 0x1a7ff },
		{ 0x360, 0x1a7ff }, { 0x370, 0x100ff }, { 0x3e0, 0xb },
	};
	u64 wide = 0;
	u32 i;
	u8 byte;

	world_full(1);
	for (i = 0; i < ARRAY_SIZE(all_ones); i++) {
		mmio_write(cpu[0], all_ones[i].offset, ~0u);
		ck_assert_uint_eq(mmio_read(cpu[0], all_ones[i].offset), all_ones[i].after);
	}
	/* Parts of a register can be read, not written. */
	mmio_write(cpu[0], 0x350, 0x1a745);
	lapic_mmio_read(cpu[0], 0x351, 1, &byte);
	ck_assert_uint_eq(byte, 0xa7);
	byte = 0;
	lapic_mmio_write(cpu[0], 0x350, 1, &byte);
	lapic_mmio_write(cpu[0], 0x354, 4, &wide);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x350), 0x1a745);
	wide = ~0ull;
	lapic_mmio_read(cpu[0], 0x350, 8, &wide);
	ck_assert_uint_eq(wide, 0x1a745);
	lapic_mmio_read(cpu[0], 0x354, 4, &wide);
	ck_assert_uint_eq((u32)wide, 0);
	world_end();
}
END_TEST

START_TEST(errors)
{
	struct apic_msg bad = { .dest = 0, .vector = 15 };

	world_full(1);
	mmio_write(cpu[0], 0x370, 0xf0);
	ck_assert_int_eq(apic_deliver(vm, NULL, &bad), -1);
	ck_assert_int_eq(take(cpu[0]), 0xf0);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x280), 0);
	mmio_write(cpu[0], 0x300, 0x0004000f);		/* to self, vector 15 */
	mmio_read(cpu[0], 0x40);			/* reserved */
	mmio_write(cpu[0], 0x280, 0);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x280), 0xe0);
	mmio_write(cpu[0], 0x280, 0);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x280), 0);
	/* An error entry with an illegal vector must not go round for ever. */
	mmio_write(cpu[0], 0x370, 0x05);
	mmio_write(cpu[0], 0x400, 0);
	mmio_write(cpu[0], 0x280, 0);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x280), 0xc0);
	world_end();
}
END_TEST

/* --- priorities --- */

START_TEST(highest_first_and_nesting)
{
	struct x86_vcpu *v;

	world_full(1);
	v = cpu[0];
	fixed(v, 0x31);
	fixed(v, 0x85);
	ck_assert_int_eq(take(v), 0x85);
	ck_assert(bit_of(v, LAPIC_ISR, 0x85) && !bit_of(v, LAPIC_IRR, 0x85));
	ck_assert_uint_eq(mmio_read(v, 0xa0), 0x80);
	/* Same class waits, a higher one nests. */
	fixed(v, 0x8f);
	ck_assert_int_eq(take(v), -1);
	fixed(v, 0xd1);
	ck_assert_int_eq(take(v), 0xd1);
	ck_assert_uint_eq(mmio_read(v, 0xa0), 0xd0);
	mmio_write(v, 0xb0, 0);
	ck_assert(!bit_of(v, LAPIC_ISR, 0xd1) && bit_of(v, LAPIC_ISR, 0x85));
	ck_assert_int_eq(take(v), -1);
	mmio_write(v, 0xb0, 0);
	ck_assert_int_eq(take(v), 0x8f);
	mmio_write(v, 0xb0, 0);
	ck_assert_int_eq(take(v), 0x31);
	/* The same vector again while in service: once more after the EOI. */
	fixed(v, 0x31);
	ck_assert_int_eq(take(v), -1);
	mmio_write(v, 0xb0, 0);
	ck_assert_int_eq(take(v), 0x31);
	mmio_write(v, 0xb0, 0);
	mmio_write(v, 0xb0, 0);
	ck_assert_int_eq(take(v), -1);
	world_end();
}
END_TEST

START_TEST(task_priority)
{
	struct x86_vcpu *v;

	world_full(1);
	v = cpu[0];
	lapic_set_tpr(v, 5);
	ck_assert_uint_eq(mmio_read(v, 0x80), 0x50);
	ck_assert_uint_eq(mmio_read(v, 0xa0), 0x50);
	fixed(v, 0x5f);
	ck_assert_int_eq(lapic_pending(v), -1);
	ck_assert_uint_eq(lapic_blocked_class(v), 5);
	ck_assert(!lapic_has_reason(v));
	mmio_write(v, 0x80, 0x4f);
	ck_assert_uint_eq(lapic_get_tpr(v), 4);
	ck_assert_uint_eq(mmio_read(v, 0xa0), 0x4f);
	ck_assert_int_eq(lapic_pending(v), 0x5f);
	ck_assert_uint_eq(lapic_blocked_class(v), 0);
	ck_assert(lapic_has_reason(v));
	ck_assert_int_eq(take(v), 0x5f);
	/* In service holds it back, not only the task priority. */
	fixed(v, 0x51);
	ck_assert_uint_eq(lapic_blocked_class(v), 0);
	world_end();
}
END_TEST

START_TEST(coalescing)
{
	struct apic_msg msg = { .dest = 0, .vector = 0x44 };

	world_full(1);
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 0);
	ck_assert_uint_eq(noted[0].events, 1);
	ck_assert_int_eq(take(cpu[0]), 0x44);
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
	world_end();
}
END_TEST

START_TEST(trigger_mode_follows)
{
	struct apic_msg msg = { .dest = 0, .vector = 0x44, .level = true };

	world_full(1);
	apic_deliver(vm, NULL, &msg);
	ck_assert(bit_of(cpu[0], LAPIC_TMR, 0x44));
	take(cpu[0]);
	mmio_write(cpu[0], 0xb0, 0);
	msg.level = false;
	apic_deliver(vm, NULL, &msg);
	ck_assert(!bit_of(cpu[0], LAPIC_TMR, 0x44));
	world_end();
}
END_TEST

/* --- destinations --- */

/* Which of the vCPUs got @vector; and takes it from them. */
static u32 got(u8 vector)
{
	u32 i, who = 0;

	for (i = 0; i < kvmx_vm_nr_vcpus(&vm->vm) && i < 32; i++)
		if (test_and_clear_bit(lapic_bit(vector), lapic_map(cpu[i]->lapic, LAPIC_IRR)))
			who |= BIT(i);
	return who;
}

static u32 ipi(u32 from, u32 icr, u8 dest)
{
	mmio_write(cpu[from], 0x310, (u32)dest << 24);
	mmio_write(cpu[from], 0x300, icr);
	return got(icr & 0xff);
}

START_TEST(physical_and_shorthands)
{
	world_full(4);
	ck_assert_uint_eq(ipi(0, 0x40, 2), BIT(2));
	ck_assert_uint_eq(ipi(0, 0x40, 9), 0);
	ck_assert_uint_eq(ipi(0, 0x40, 0xff), 15);
	ck_assert_uint_eq(ipi(1, 0x40040, 0), BIT(1));
	ck_assert_uint_eq(ipi(1, 0x80040, 0), 15);
	ck_assert_uint_eq(ipi(1, 0xc0040, 0), 15 & ~BIT(1));
	/* The status bit never stays. */
	mmio_write(cpu[0], 0x300, 0x41040);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x300), 0x40040);
	world_end();
}
END_TEST

START_TEST(logical_flat_and_cluster)
{
	u32 i;

	world_full(4);
	for (i = 0; i < 4; i++)
		mmio_write(cpu[i], 0xd0, BIT(24 + i));
	ck_assert_uint_eq(ipi(0, 0x840, 0x5), 5);
	ck_assert_uint_eq(ipi(0, 0x840, 0xf0), 0);
	ck_assert_uint_eq(ipi(0, 0x840, 0xff), 15);
	ck_assert_uint_eq(ipi(0, 0x840, 0), 0);
	/* Cluster 1: APICs 0 and 1, cluster 2: 2 and 3. */
	for (i = 0; i < 4; i++) {
		mmio_write(cpu[i], 0xe0, 0);
		ck_assert_uint_eq(mmio_read(cpu[i], 0xe0), 0x0fffffff);
		mmio_write(cpu[i], 0xd0, (i / 2 + 1) << 28 | BIT(i % 2) << 24);
	}
	ck_assert_uint_eq(ipi(0, 0x840, 0x13), 3);
	ck_assert_uint_eq(ipi(0, 0x840, 0x22), 8);
	ck_assert_uint_eq(ipi(0, 0x840, 0x3f), 0);
	ck_assert_uint_eq(ipi(0, 0x840, 0xff), 15);
	world_end();
}
END_TEST

START_TEST(start_up_messages)
{
	world_full(3);
	ipi(0, 0xc4500, 0);		/* INIT, level, assert, to the others */
	ck_assert_uint_eq(noted[0].inits, 0);
	ck_assert_uint_eq(noted[1].inits, 1);
	ipi(0, 0xc8500, 0);		/* de-assert: nothing */
	ck_assert_uint_eq(noted[1].inits, 1);
	ipi(0, 0x4500, 1);		/* edge */
	ck_assert_uint_eq(noted[1].inits, 2);
	ipi(0, 0x4612, 2);
	ck_assert_uint_eq(noted[2].sipis, 1);
	ck_assert_uint_eq(noted[2].sipi, 0x12);
	ipi(0, 0x4400, 1);
	ck_assert_uint_eq(noted[1].nmis, 1);
	world_end();
}
END_TEST

START_TEST(lowest_priority)
{
	struct apic_msg msg = { .dest = 0xff, .vector = 0x70, .mode = APIC_DELIVER_LOWEST };
	u32 i, who, times[4] = {};

	world_full(4);
	lapic_set_tpr(cpu[0], 9);
	lapic_set_tpr(cpu[1], 3);
	lapic_set_tpr(cpu[2], 2);
	lapic_set_tpr(cpu[3], 9);
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
	ck_assert_uint_eq(got(0x70), BIT(2));
	/* A disabled one is not asked. */
	mmio_write(cpu[2], 0xf0, 0xff);
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
	ck_assert_uint_eq(got(0x70), BIT(1));
	/* In turn among equals; the hint of an MSI means the same. */
	mmio_write(cpu[2], 0xf0, 0x1ff);
	msg.mode = APIC_DELIVER_FIXED;
	msg.lowest_hint = true;
	for (i = 0; i < 4; i++)
		lapic_set_tpr(cpu[i], 0);
	for (i = 0; i < 400; i++) {
		ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 1);
		who = got(0x70);
		ck_assert_uint_eq(hweight32(who), 1);
		times[__ffs(who)]++;
	}
	for (i = 0; i < 4; i++)
		ck_assert_uint_eq(times[i], 100);
	world_end();
}
END_TEST

START_TEST(x2apic_registers)
{
	static const u32 absent[] = { 0x00, 0x90, 0xb0, 0xc0, 0xe0, 0x310, 0x3f0, 0x2f0, 0x400, 0xff0 };
	struct x86_vcpu *v;
	u64 val;
	u32 i;

	world_full(1);
	v = cpu[0];
	ck_assert_int_eq(lapic_msr_read(v, 0x802, &val), -EINVAL);	/* not yet */
	to_x2apic(v);
	ck_assert_uint_eq(msr_read(v, LAPIC_ID), 0);
	ck_assert_uint_eq(msr_read(v, LAPIC_LDR), 1);
	for (i = 0; i < ARRAY_SIZE(absent); i++)
		ck_assert_int_eq(lapic_msr_read(v, 0x800 + absent[i] / 16, &val), -EINVAL);
	ck_assert_int_eq(lapic_msr_read(v, 0x7ff, &val), -EINVAL);
	ck_assert_int_eq(lapic_msr_read(v, 0x900, &val), -EINVAL);
	/* Read-only ones, reserved bits. */
	ck_assert_int_eq(msr_write(v, LAPIC_ID, 0), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_VERSION, 0), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_LDR, 1), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_PPR, 0), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_ISR, 0), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_TMCCT, 0), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_TPR, 0x100), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_TPR, 1ull << 32), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_TPR, 0x30), 0);
	ck_assert_int_eq(msr_write(v, LAPIC_EOI, 1), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_EOI, 0), 0);
	ck_assert_int_eq(msr_write(v, LAPIC_ESR, 1), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_ESR, 0), 0);
	ck_assert_int_eq(msr_write(v, LAPIC_SVR, 0x11ff), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_LVTT, 0x600ff), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_LVTT, 0x410ff), 0);
	ck_assert_uint_eq(msr_read(v, LAPIC_LVTT), 0x400ff);
	ck_assert_int_eq(msr_write(v, LAPIC_ICR, BIT(13)), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_SELF_IPI, 0x141), -EINVAL);
	ck_assert_int_eq(msr_write(v, LAPIC_SELF_IPI, 0x41), 0);
	ck_assert_int_eq(take(v), 0x41);
	ck_assert_int_eq(msr_write(v, LAPIC_ICR, 0x700000052ull | 0x40000), 0);
	ck_assert_uint_eq(msr_read(v, LAPIC_ICR), 0x700040052ull);
	ck_assert_int_eq(take(v), 0x52);
	world_end();
}
END_TEST

START_TEST(x2apic_destinations)
{
	struct apic_msg msg = { .vector = 0x60 };
	struct x86_vcpu *far;
	u32 i, svr = 0x1ff;

	world_split(20);
	far = add_vcpu(1000);
	/* An id that 8 bits cannot say is reached in xAPIC mode too: it has to be started. */
	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, 0), -EINVAL);
	to_x2apic(cpu[0]);
	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, 1000ull << 32 | 0x4500), 0);
	ck_assert_uint_eq(noted[20].inits, 1);
	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, 1000ull << 32 | 0x4611), 0);
	ck_assert_uint_eq(noted[20].sipi, 0x11);
	lapic_mmio_write(far, LAPIC_SVR, 4, &svr);
	for (i = 1; i <= 20; i++)
		to_x2apic(cpu[i]);
	ck_assert_uint_eq(msr_read(far, LAPIC_ID), 1000);
	ck_assert_uint_eq(msr_read(far, LAPIC_LDR), 62 << 16 | BIT(8));

	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, 1000ull << 32 | 0x60), 0);
	ck_assert_uint_eq(got(0x60), BIT(20));
	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, 0xffffffff00000060ull), 0);
	ck_assert_uint_eq(got(0x60), BIT(21) - 1);
	/* For an IPI 0xff is an id like others; from a device it means all, unless told otherwise. */
	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, 0xff00000060ull), 0);
	ck_assert_uint_eq(got(0x60), 0);
	msg.dest = 0xff;
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), 21);
	ck_assert_uint_eq(got(0x60), BIT(21) - 1);
	ck_assert_int_eq(x86_irqchip_x2apic_api(vm, KVMX_X2APIC_API_DISABLE_BROADCAST_QUIRK), 0);
	ck_assert_int_eq(apic_deliver(vm, NULL, &msg), -1);
	/* Logical: cluster and member. */
	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, (0x3e0100ull << 32) | 0x860), 0);
	ck_assert_uint_eq(got(0x60), BIT(20));
	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, (0x1000aull << 32) | 0x860), 0);
	ck_assert_uint_eq(got(0x60), BIT(17) | BIT(19));
	ck_assert_int_eq(msr_write(cpu[0], LAPIC_ICR, (0x8001ull << 32) | 0x860), 0);
	ck_assert_uint_eq(got(0x60), BIT(0) | BIT(15));
	world_end();
}
END_TEST

START_TEST(messages_from_msi)
{
	struct kvmx_irq_route route = {
		.kind = KVMX_ROUTE_MSI,
		.msi = { .addr_lo = 0xfee05000 | BIT(2) | BIT(3), .addr_hi = 0x300, .data = 0xc171 },
	};
	struct apic_msg msg;

	world_split(1);
	apic_msi_to_msg(vm, &route, &msg);
	ck_assert(msg.dest == 5 && msg.vector == 0x71 && msg.mode == 1 && msg.logical &&
		  msg.lowest_hint && msg.level && msg.assert);
	ck_assert_int_eq(x86_irq_sink.check(&vm->vm, &route), 0);
	ck_assert_int_eq(x86_irqchip_x2apic_api(vm, KVMX_X2APIC_API_USE_32BIT_IDS), 0);
	apic_msi_to_msg(vm, &route, &msg);
	ck_assert_uint_eq(msg.dest, 0x305);
	route.msi.addr_hi = 0x301;
	ck_assert_int_eq(x86_irq_sink.check(&vm->vm, &route), -EINVAL);
	world_end();
}
END_TEST

/* --- EOI --- */

START_TEST(split_eoi_exits)
{
	struct apic_msg msg = { .dest = 0, .vector = 0x31, .level = true };

	world_split(1);
	ck_assert_int_eq(lapic_take_eoi_exit(cpu[0]), -1);
	apic_deliver(vm, NULL, &msg);
	msg.vector = 0x41;
	apic_deliver(vm, NULL, &msg);
	msg.vector = 0x51;
	msg.level = false;
	apic_deliver(vm, NULL, &msg);
	ck_assert_int_eq(take(cpu[0]), 0x51);
	mmio_write(cpu[0], 0xb0, 0);	/* an edge */
	ck_assert(!kvmx_vcpu_take(&cpu[0]->vcpu, KVMX_REQ_IOAPIC_SCAN));
	ck_assert_int_eq(take(cpu[0]), 0x41);
	mmio_write(cpu[0], 0xb0, 0);
	ck_assert_int_eq(take(cpu[0]), 0x31);
	mmio_write(cpu[0], 0xb0, 0);
	ck_assert(kvmx_vcpu_take(&cpu[0]->vcpu, KVMX_REQ_IOAPIC_SCAN));
	ck_assert_int_eq(lapic_take_eoi_exit(cpu[0]), 0x41);
	ck_assert(kvmx_vcpu_take(&cpu[0]->vcpu, KVMX_REQ_IOAPIC_SCAN));
	ck_assert_int_eq(lapic_take_eoi_exit(cpu[0]), 0x31);
	ck_assert(!kvmx_vcpu_take(&cpu[0]->vcpu, KVMX_REQ_IOAPIC_SCAN));
	ck_assert_int_eq(lapic_take_eoi_exit(cpu[0]), -1);
	world_end();
}
END_TEST

START_TEST(suppressed_broadcast)
{
	struct apic_msg msg = { .dest = 0, .vector = 0x31, .level = true };

	world_split(1);
	mmio_write(cpu[0], 0xf0, 0x11ff);
	ck_assert_uint_eq(mmio_read(cpu[0], 0xf0), 0x1ff);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x30), 0x50014);
	ck_assert_int_eq(x86_irqchip_x2apic_api(vm, BIT(4)), -EINVAL);
	ck_assert_int_eq(x86_irqchip_x2apic_api(vm, 12), -EINVAL);
	ck_assert_int_eq(x86_irqchip_x2apic_api(vm, KVMX_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST), 0);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x30), 0x1050014);
	mmio_write(cpu[0], 0xf0, 0x11ff);
	ck_assert_uint_eq(mmio_read(cpu[0], 0xf0), 0x11ff);
	apic_deliver(vm, NULL, &msg);
	ck_assert_int_eq(take(cpu[0]), 0x31);
	mmio_write(cpu[0], 0xb0, 0);
	ck_assert_int_eq(lapic_take_eoi_exit(cpu[0]), -1);
	world_end();
	world_full(1);
	ck_assert_int_eq(x86_irqchip_x2apic_api(vm, KVMX_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST), -EINVAL);
	world_end();
}
END_TEST

START_TEST(split_extint)
{
	world_split(2);
	cpu[0]->user_irq = 0x20;
	cpu[1]->user_irq = 0x21;
	fixed(cpu[0], 0x80);
	fixed(cpu[1], 0x80);
	/* LINT0 of the boot processor lets it in, ahead of the APIC's own. */
	ck_assert_int_eq(take(cpu[0]), 0x20);
	ck_assert_int_eq(cpu[0]->user_irq, -1);
	ck_assert_int_eq(take(cpu[0]), 0x80);
	ck_assert_int_eq(take(cpu[1]), 0x80);
	ck_assert_int_eq(cpu[1]->user_irq, 0x21);
	world_end();
	world_vm();
	world_cpus(1);
	ck_assert_ptr_null(cpu[0]->lapic);
	ck_assert_int_eq(take(cpu[0]), -1);
	cpu[0]->user_irq = 0x99;
	ck_assert_int_eq(take(cpu[0]), 0x99);
	ck_assert_int_eq(take(cpu[0]), -1);
	world_end();
}
END_TEST

/* --- help with the task priority --- */

START_TEST(tpr_reports)
{
	struct kvmx_tpr_access_ctl ctl = { .enabled = 1 };
	struct x86_vcpu *v;

	world_full(1);
	v = cpu[0];
	v->vcpu.run = calloc(1, sizeof(*v->vcpu.run));
	mmio_write(v, LAPIC_TPR, 0x20);
	ck_assert(!kvmx_vcpu_take(&v->vcpu, KVMX_REQ_TPR_ACCESS));
	ctl.flags = 1;
	ck_assert_int_eq(call(KVMX_TPR_ACCESS_REPORTING, v, &ctl, 0), -EINVAL);
	ctl.flags = 0;
	ck_assert_int_eq(call(KVMX_TPR_ACCESS_REPORTING, v, &ctl, 0), 0);
	mmio_write(v, LAPIC_SVR, 0x1ff);
	ck_assert(!kvmx_vcpu_take(&v->vcpu, KVMX_REQ_TPR_ACCESS));
	v->io.rip = 0x80001234;
	mmio_write(v, LAPIC_TPR, 0x30);
	ck_assert(kvmx_vcpu_take(&v->vcpu, KVMX_REQ_TPR_ACCESS));
	v->io.rip = 0x80001238;
	x86_vapic_tell(v);
	ck_assert_uint_eq(v->vcpu.run->exit_reason, KVMX_EXIT_TPR_ACCESS);
	ck_assert_uint_eq(v->vcpu.run->tpr_access.rip, 0x80001234);
	ck_assert_uint_eq(v->vcpu.run->tpr_access.is_write, 1);
	ck_assert_uint_eq(mmio_read(v, LAPIC_TPR), 0x30);
	ck_assert(kvmx_vcpu_take(&v->vcpu, KVMX_REQ_TPR_ACCESS));
	x86_vapic_tell(v);
	ck_assert_uint_eq(v->vcpu.run->tpr_access.is_write, 0);
	ctl.enabled = 0;
	ck_assert_int_eq(call(KVMX_TPR_ACCESS_REPORTING, v, &ctl, 0), 0);
	mmio_read(v, LAPIC_TPR);
	ck_assert(!kvmx_vcpu_take(&v->vcpu, KVMX_REQ_TPR_ACCESS));
	free(v->vcpu.run);
	world_end();
}
END_TEST

START_TEST(tpr_in_guest_memory)
{
	struct kvmx_vapic_addr addr = { .vapic_addr = GUEST_BYTES + 4 };
	struct kvmx_tpr_access_ctl ctl = { };
	struct x86_vcpu *v;
	u8 *page = guest_memory + 4;

	world_full(1);
	v = cpu[0];
	ck_assert_int_eq(call(KVMX_SET_VAPIC_ADDR, v, &addr, 0), 0);
	fixed(v, 0x61);
	ck_assert_int_eq(take(v), 0x61);
	fixed(v, 0x45);
	mmio_write(v, LAPIC_TPR, 0x23);
	memset(guest_memory, 0xee, sizeof(guest_memory));
	x86_vapic_publish(v);
	ck_assert_mem_eq(guest_memory, "\xee\xee\xee\xee\x23\x60\x00\x45\xee", 9);
	/* Not touched by the guest: what the register was given in the meantime stands. */
	mmio_write(v, LAPIC_TPR, 0x33);
	x86_vapic_collect(v);
	ck_assert_uint_eq(mmio_read(v, LAPIC_TPR), 0x33);
	/* The guest raises its priority, then lowers it: the waiting interrupt comes. */
	x86_vapic_publish(v);
	page[0] = 0x50;
	x86_vapic_collect(v);
	mmio_write(v, LAPIC_EOI, 0);
	ck_assert_int_eq(take(v), -1);
	x86_vapic_publish(v);
	ck_assert_mem_eq(page, "\x50\x00\x00\x45", 4);
	page[0] = 0x30;
	x86_vapic_collect(v);
	ck_assert_int_eq(take(v), 0x45);
	/* Where there is no memory; and the address stays what it was. */
	addr.vapic_addr = GUEST_BYTES + 13;
	ck_assert_int_eq(call(KVMX_SET_VAPIC_ADDR, v, &addr, 0), -EINVAL);
	ck_assert_uint_eq(v->vapic.addr, GUEST_BYTES + 4);
	addr.vapic_addr = 0;
	ck_assert_int_eq(call(KVMX_SET_VAPIC_ADDR, v, &addr, 0), 0);
	ck_assert_uint_eq(v->vapic.addr, 0);
	world_end();
	/* No local APIC in the kernel. */
	world_vm();
	world_cpus(1);
	ck_assert_int_eq(call(KVMX_SET_VAPIC_ADDR, cpu[0], &addr, 0), -EINVAL);
	ck_assert_int_eq(call(KVMX_TPR_ACCESS_REPORTING, cpu[0], &ctl, 0), -EINVAL);
	world_end();
}
END_TEST

/* --- timer --- */

START_TEST(timer_one_shot)
{
	struct x86_vcpu *v;

	world_full(1);
	v = cpu[0];
	mmio_write(v, 0x320, 0x60);
	mmio_write(v, 0x3e0, 0xb);		/* divide by 1 */
	mmio_write(v, 0x380, 1000);
	ck_assert_uint_eq(mmio_read(v, 0x390), 1000);
	shim_clock_advance(400);
	ck_assert_uint_eq(mmio_read(v, 0x390), 600);
	ck_assert(!lapic_has_reason(v));
	shim_clock_advance(599);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(1);
	ck_assert(lapic_has_reason(v));
	ck_assert_uint_eq(noted[0].kicks, 1);
	ck_assert_uint_eq(mmio_read(v, 0x390), 0);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	shim_clock_advance(1000000);
	ck_assert_int_eq(take(v), -1);
	/* A count of 0 stops it. */
	mmio_write(v, 0x380, 1000);
	mmio_write(v, 0x380, 0);
	shim_clock_advance(1000000);
	ck_assert_int_eq(take(v), -1);
	ck_assert_uint_eq(mmio_read(v, 0x390), 0);
	world_end();
}
END_TEST

/* A callback that ran while the vCPU stopped or moved its timer: the request is void. */
START_TEST(timer_stale_request)
{
	struct x86_vcpu *v;

	world_full(1);
	v = cpu[0];
	lapic_timer_expired(v);
	mmio_write(v, 0x320, 0x60);
	mmio_write(v, 0x3e0, 0xb);
	lapic_timer_expired(v);
	ck_assert_int_eq(take(v), -1);
	mmio_write(v, 0x380, 1000);
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_TIMER);
	ck_assert_int_eq(take(v), -1);
	ck_assert_uint_eq(mmio_read(v, 0x390), 1000);
	shim_clock_advance(1000);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	mmio_write(v, 0x320, 0x40060);
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_TIMER);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(1001);
	ck_assert_int_eq(take(v), 0x60);
	world_end();
}
END_TEST

START_TEST(timer_divider)
{
	static const struct { u32 tdcr, divide; } t[] = {
		{ 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 }, { 10, 128 }, { 11, 1 },
	};
	u32 i;

	world_full(1);
	mmio_write(cpu[0], 0x320, 0x60);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		mmio_write(cpu[0], 0x3e0, t[i].tdcr);
		mmio_write(cpu[0], 0x380, 100);
		shim_clock_advance(t[i].divide * 30);
		ck_assert_uint_eq(mmio_read(cpu[0], 0x390), 70);
		shim_clock_advance(t[i].divide * 70 - 1);
		ck_assert_int_eq(take(cpu[0]), -1);
		shim_clock_advance(1);
		ck_assert_int_eq(take(cpu[0]), 0x60);
		mmio_write(cpu[0], 0xb0, 0);
	}
	/* The VM's own bus clock. */
	vm->apic_bus_ns = 40;
	mmio_write(cpu[0], 0x380, 100);
	shim_clock_advance(30 * 40);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x390), 70);
	mmio_write(cpu[0], 0x380, 0);
	vm->apic_bus_ns = 1;
	/* Changed on the way: what is left goes on at the new speed. */
	mmio_write(cpu[0], 0x3e0, 11);
	mmio_write(cpu[0], 0x380, 100);
	shim_clock_advance(40);
	mmio_write(cpu[0], 0x3e0, 10);
	ck_assert_uint_eq(mmio_read(cpu[0], 0x390), 60);
	shim_clock_advance(60 * 128 - 1);
	ck_assert_int_eq(take(cpu[0]), -1);
	shim_clock_advance(1);
	ck_assert_int_eq(take(cpu[0]), 0x60);
	world_end();
}
END_TEST

START_TEST(timer_periodic)
{
	struct x86_vcpu *v;
	u64 next;
	u32 i;

	world_full(1);
	v = cpu[0];
	mmio_write(v, 0x320, 0x20060);
	mmio_write(v, 0x3e0, 0xb);
	mmio_write(v, 0x380, 1000000);
	for (i = 0; i < 10; i++) {
		shim_clock_advance(1000000);
		ck_assert_int_eq(take(v), 0x60);
		mmio_write(v, 0xb0, 0);
	}
	/* The vCPU does not run for a while: one tick, and the phase stays. */
	shim_clock_advance(7300000);
	ck_assert_uint_eq(mmio_read(v, 0x390), 700000);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(699999);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(1);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	/* Masked, it counts on without interrupts. */
	mmio_write(v, 0x320, 0x30060);
	shim_clock_advance(1000000);
	ck_assert(!lapic_has_reason(v));
	ck_assert_int_eq(take(v), -1);
	ck_assert(shim_timer_next(&next));
	ck_assert_uint_eq(next, ktime_get_ns() + 1000000);
	mmio_write(v, 0x320, 0x20060);
	shim_clock_advance(1000000);
	ck_assert_int_eq(take(v), 0x60);
	world_end();
}
END_TEST

/* A guest cannot make the host's timer fire faster than the bound. */
START_TEST(timer_periodic_bound)
{
	u64 start, next;
	u32 fired = 0;

	world_full(1);
	mmio_write(cpu[0], 0x320, 0x20060);
	mmio_write(cpu[0], 0x3e0, 0xb);
	mmio_write(cpu[0], 0x380, 1);
	ck_assert(shim_timer_next(&next));
	ck_assert_uint_eq(next - ktime_get_ns(), 200000);
	for (start = ktime_get_ns(); ktime_get_ns() < start + 10000000; ) {
		fired += shim_clock_advance(1000);
		serve_timer(cpu[0]);
		ck_assert_uint_le(mmio_read(cpu[0], 0x390), 1);
	}
	ck_assert_uint_eq(fired, 50);
	world_end();
}
END_TEST

START_TEST(timer_deadline)
{
	struct x86_vcpu *v;

	world_full(1);
	v = cpu[0];
	/* Not in deadline mode: no effect. */
	ck_assert_int_eq(lapic_set_deadline(v, 1), 0);
	ck_assert_uint_eq(lapic_get_deadline(v), 0);
	mmio_write(v, 0x320, 0x40060);
	mmio_write(v, 0x380, 5);
	ck_assert_uint_eq(mmio_read(v, 0x380), 0);
	ck_assert_int_eq(lapic_set_deadline(v, x86_guest_tsc(v) + 2000), 0);
	ck_assert_uint_ne(lapic_get_deadline(v), 0);
	shim_clock_advance(999);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(2);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	ck_assert_uint_eq(lapic_get_deadline(v), 0);
	/* In the past: at once. */
	ck_assert_int_eq(lapic_set_deadline(v, 5), 0);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	/* Cancelled; and cancelled by a change of mode. */
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	lapic_set_deadline(v, 0);
	shim_clock_advance(5000);
	ck_assert_int_eq(take(v), -1);
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	mmio_write(v, 0x320, 0x60);
	shim_clock_advance(5000);
	ck_assert_int_eq(take(v), -1);
	/* Far away: in steps, never too early. */
	mmio_write(v, 0x320, 0x40060);
	lapic_set_deadline(v, x86_guest_tsc(v) + (1ull << 42));
	while (x86_guest_tsc(v) < lapic_get_deadline(v)) {
		u64 next;

		ck_assert_int_eq(take(v), -1);
		ck_assert(shim_timer_next(&next));
		shim_clock_set(next);
	}
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	lapic_set_deadline(v, ~0ull);
	ck_assert_int_eq(take(v), -1);
	/* The TSC moves: so does the moment. */
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000000);
	tsc_offset += 1000000;
	lapic_tsc_changed(v);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(500001);
	ck_assert_int_eq(take(v), 0x60);
	world_end();
}
END_TEST

/* The unit watches the deadline; a vCPU that sleeps has the hrtimer. No tick is lost between them. */
START_TEST(timer_in_unit)
{
	struct x86_vcpu *v;
	u64 next, deadline;

	world_full(1);
	v = cpu[0];
	unit_has_timer = true;
	mmio_write(v, 0x320, 0x40060);
	deadline = x86_guest_tsc(v) + 2000;
	lapic_set_deadline(v, deadline);
	ck_assert_uint_eq(unit_deadline[0], deadline);
	ck_assert(!shim_timer_next(&next));
	/* Left too early: the deadline stays. */
	shim_clock_advance(500);
	lapic_timer_expired(v);
	ck_assert_uint_eq(unit_deadline[0], deadline);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(500);
	ck_assert_int_eq(take(v), 0x60);
	ck_assert_uint_eq(unit_deadline[0], 0);
	ck_assert_uint_eq(lapic_get_deadline(v), 0);
	mmio_write(v, 0xb0, 0);

	/* Asleep before it, and after it has passed. */
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	lapic_timer_halt(v);
	ck_assert_uint_eq(unit_deadline[0], 0);
	shim_clock_advance(999);
	ck_assert(!test_bit(KVMX_REQ_TIMER, &v->vcpu.requests));
	shim_clock_advance(2);
	ck_assert(test_bit(KVMX_REQ_TIMER, &v->vcpu.requests));
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	shim_clock_advance(3000);
	lapic_timer_halt(v);
	shim_clock_advance(1);
	ck_assert(test_bit(KVMX_REQ_TIMER, &v->vcpu.requests));
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	lapic_timer_halt(v);
	ck_assert(!shim_timer_next(&next));

	/* Woken by something else: the next deadline is the unit's again, the old one is void. */
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	lapic_timer_halt(v);
	lapic_set_deadline(v, x86_guest_tsc(v) + 8000);
	ck_assert(!shim_timer_next(&next));
	shim_clock_advance(2000);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(2000);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);

	/* Cancelled; and cancelled by a change of mode, whose timer is the hrtimer. */
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	lapic_set_deadline(v, 0);
	ck_assert_uint_eq(unit_deadline[0], 0);
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	mmio_write(v, 0x320, 0x60);
	ck_assert_uint_eq(unit_deadline[0], 0);
	mmio_write(v, 0x380, 1000);
	ck_assert_uint_eq(unit_deadline[0], 0);
	ck_assert(shim_timer_next(&next));
	world_end();
}
END_TEST

/* When it is not left to the unit, or no longer. */
START_TEST(timer_not_in_unit)
{
	struct x86_vcpu *v;
	u64 next;

	world_full(1);
	v = cpu[0];
	mmio_write(v, 0x320, 0x40060);
	unit_has_timer = true;
	/* Farther than one step. */
	lapic_set_deadline(v, ~0ull);
	ck_assert_uint_eq(unit_deadline[0], x86_guest_tsc(v) + (1ull << 40));
	shim_clock_advance(1ull << 39);
	ck_assert_int_eq(take(v), -1);
	ck_assert_uint_eq(unit_deadline[0], x86_guest_tsc(v) + (1ull << 40));
	/* The TSC moves, and the moment with it. */
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000000);
	tsc_offset += 1000000;
	lapic_tsc_changed(v);
	ck_assert_int_eq(take(v), -1);
	ck_assert_uint_eq(unit_deadline[0], lapic_get_deadline(v));
	/* It is scaled now. */
	v->tsc_ratio = 3;
	lapic_tsc_changed(v);
	ck_assert_int_eq(take(v), -1);
	ck_assert_uint_eq(unit_deadline[0], 0);
	ck_assert(shim_timer_next(&next));
	shim_clock_advance(500001);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	v->tsc_ratio = 0;
	/* Each CPU has its own; and the unit cannot. */
	clock_unstable = true;
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	ck_assert_uint_eq(unit_deadline[0], 0);
	clock_unstable = false;
	unit_has_timer = false;
	lapic_set_deadline(v, x86_guest_tsc(v) + 2000);
	ck_assert_uint_eq(unit_deadline[0], 0);
	shim_clock_advance(1001);
	ck_assert_int_eq(take(v), 0x60);
	world_end();
}
END_TEST

/* --- state --- */

static void round_trip(struct x86_vcpu *v)
{
	struct kvmx_lapic_state before, after;

	ck_assert_int_eq(call(KVMX_GET_LAPIC, v, &before, 0), 0);
	lapic_reset(v, true);
	ck_assert_int_eq(call(KVMX_SET_LAPIC, v, &before, 0), 0);
	ck_assert_int_eq(call(KVMX_GET_LAPIC, v, &after, 0), 0);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}

static u32 state_reg(const struct kvmx_lapic_state *s, u32 offset)
{
	u32 val;

	memcpy(&val, s->regs + offset, 4);
	return val;
}

START_TEST(state_of_registers)
{
	struct apic_msg level = { .dest = 1, .vector = 0x71, .level = true };
	struct kvmx_lapic_state s;
	struct x86_vcpu *v;

	world_full(2);
	v = cpu[1];
	mmio_write(v, 0xd0, 0x02000000);
	mmio_write(v, 0x350, 0x8745);
	mmio_write(v, 0x80, 0x23);
	mmio_write(v, 0x310, 0x07000000);
	mmio_write(v, 0x300, 0x40041);
	mmio_read(v, 0x40);
	fixed(v, 0xa1);
	ck_assert_int_eq(take(v), 0xa1);
	apic_deliver(vm, NULL, &level);
	round_trip(v);
	lapic_get_state(v, &s);
	ck_assert_uint_eq(state_reg(&s, 0x20), 1 << 24);
	ck_assert_uint_eq(state_reg(&s, 0xa0), 0xa0);
	ck_assert_uint_eq(state_reg(&s, 0x150), 2);
	ck_assert_int_eq(take(v), -1);
	mmio_write(v, 0xb0, 0);
	ck_assert_int_eq(take(v), 0x71);
	ck_assert(lapic_test(v->lapic, LAPIC_TMR, 0x71));
	/* The error that no write to ESR had shown yet is still there. */
	mmio_write(v, 0x280, 0);
	ck_assert_uint_eq(mmio_read(v, 0x280), 0x80);
	world_end();
}
END_TEST

START_TEST(state_of_ids)
{
	struct kvmx_lapic_state s;
	struct x86_vcpu *v;

	world_split(1);
	v = add_vcpu(300);
	to_x2apic(v);
	lapic_get_state(v, &s);
	ck_assert_uint_eq(state_reg(&s, 0x20), 300u << 24);
	ck_assert_int_eq(x86_irqchip_x2apic_api(vm, KVMX_X2APIC_API_USE_32BIT_IDS), 0);
	lapic_get_state(v, &s);
	ck_assert_uint_eq(state_reg(&s, 0x20), 300);
	ck_assert_uint_eq(state_reg(&s, 0xd0), 18 << 16 | BIT(12));
	msr_write(v, LAPIC_ICR, 0x1234567800004041ull);
	round_trip(v);
	ck_assert_uint_eq(msr_read(v, LAPIC_ICR), 0x1234567800004041ull);
	world_end();
}
END_TEST

START_TEST(state_of_timer)
{
	struct kvmx_lapic_state s;
	struct x86_vcpu *v;

	world_full(1);
	v = cpu[0];
	/* One-shot under way. */
	mmio_write(v, 0x320, 0x60);
	mmio_write(v, 0x3e0, 0);
	mmio_write(v, 0x380, 1000000);
	shim_clock_advance(600000);
	round_trip(v);
	ck_assert_uint_eq(mmio_read(v, 0x390), 700000);
	shim_clock_advance(1399999);
	ck_assert_int_eq(take(v), -1);
	/* Expired, not served: it is owed. */
	shim_clock_advance(1);
	round_trip(v);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	/* Served: not again, */
	round_trip(v);
	ck_assert_int_eq(take(v), -1);
	/* unless somebody else's state does not say so. */
	lapic_get_state(v, &s);
	memset(s.regs + 0x394, 0, 4);
	lapic_set_state(v, &s);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	/* Periodic: phase and an owed tick. */
	mmio_write(v, 0x320, 0x20060);
	mmio_write(v, 0x380, 500000);
	shim_clock_advance(300000);
	round_trip(v);
	shim_clock_advance(699999);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(200001);
	round_trip(v);
	ck_assert_int_eq(take(v), 0x60);
	mmio_write(v, 0xb0, 0);
	ck_assert_uint_eq(mmio_read(v, 0x390), 400000);
	ck_assert_int_eq(take(v), -1);
	shim_clock_advance(800000);
	ck_assert_int_eq(take(v), 0x60);
	world_end();
}
END_TEST

/* Deadline, mode and TSC are put back in any order. */
START_TEST(state_of_deadline)
{
	struct kvmx_lapic_state s;
	struct x86_vcpu *v;
	u64 deadline;
	u32 order;

	for (order = 0; order < 6; order++) {
		static const u8 steps[6][3] = {
			{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
		};
		u32 i;

		world_full(1);
		v = cpu[0];
		mmio_write(v, 0x320, 0x40060);
		tsc_offset = -1000000;
		deadline = x86_guest_tsc(v) + 20000;
		lapic_set_deadline(v, deadline);
		lapic_get_state(v, &s);
		ck_assert_uint_eq(lapic_get_deadline(v), deadline);
		world_end();

		world_full(1);
		v = cpu[0];
		for (i = 0; i < 3; i++) {
			if (steps[order][i] == 0)
				lapic_set_state(v, &s);
			else if (steps[order][i] == 1)
				lapic_restore_deadline(v, deadline);
			else
				tsc_offset = -1000000;
		}
		ck_assert_int_eq(take(v), -1);
		ck_assert_uint_eq(lapic_get_deadline(v), deadline);
		shim_clock_advance(9998);
		ck_assert_int_eq(take(v), -1);
		shim_clock_advance(4);
		ck_assert_int_eq(take(v), 0x60);
		world_end();
	}
}
END_TEST

START_TEST(state_bad)
{
	struct kvmx_lapic_state s;
	u32 i, round;

	world_full(1);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < sizeof(s.regs); i++)
			s.regs[i] = unit_random();
		lapic_set_state(cpu[0], &s);
		/* What was loaded within the bits that exist comes back. */
		round_trip(cpu[0]);
		/* Vectors that no interrupt has may be loaded, but are never taken. */
		for (i = 16; i < LAPIC_VECTORS; i++)
			clear_bit(lapic_bit(i), lapic_map(cpu[0]->lapic, LAPIC_IRR));
		ck_assert_int_eq(take(cpu[0]), -1);
		shim_clock_advance(unit_random_below(1000000));
		serve_timer(cpu[0]);
	}
	ck_assert_int_eq(call(KVMX_GET_LAPIC, cpu[0], &s, 0), 0);
	world_end();
	world_vm();
	world_cpus(1);
	ck_assert_int_eq(call(KVMX_GET_LAPIC, cpu[0], &s, 0), -EINVAL);
	ck_assert_int_eq(call(KVMX_SET_LAPIC, cpu[0], &s, 0), -EINVAL);
	world_end();
}
END_TEST

/* --- bad input --- */

START_TEST(every_offset_and_size)
{
	static const int lens[] = { 1, 2, 4, 8 };
	u32 offset, i, mode;
	u64 val;

	world_full(2);
	for (mode = 0; mode < 2; mode++) {
		for (offset = 0; offset < 0x1000; offset++)
			for (i = 0; i < 4; i++) {
				val = unit_random_edge();
				ck_assert_int_eq(lapic_mmio_write(cpu[0], offset, lens[i], &val), 0);
				ck_assert_int_eq(lapic_mmio_read(cpu[0], offset, lens[i], &val), 0);
			}
		for (i = 0x7f0; i < 0x910; i++) {
			val = unit_random_edge();
			lapic_msr_write(cpu[0], i, val);
			lapic_msr_read(cpu[0], i, &val);
		}
		if (!mode)
			to_x2apic(cpu[0]);
	}
	world_end();
}
END_TEST

static void check_invariants(struct x86_vcpu *v)
{
	struct lapic *l = v->lapic;
	int isr = lapic_highest(l, LAPIC_ISR, 0xff), pending = lapic_pending(v);
	u8 tpr = lapic_reg(l, LAPIC_TPR), blocked = lapic_blocked_class(v);
	u32 i, ppr = lapic_reg(l, LAPIC_PPR), irr = 0, in_service = 0;
	u64 next;

	ck_assert_uint_eq(ppr, (tpr & 0xf0) >= (isr < 0 ? 0 : isr & 0xf0) ? tpr : isr & 0xf0);
	ck_assert(!(lapic_reg(l, LAPIC_IRR) & 0xffff) && !(lapic_reg(l, LAPIC_ISR) & 0xffff));
	for (i = 0; i < 8; i++) {
		irr |= lapic_reg(l, LAPIC_IRR + i * 16) ? BIT(i) : 0;
		in_service |= lapic_reg(l, LAPIC_ISR + i * 16) ? BIT(i) : 0;
	}
	ck_assert(l->irr_words == irr && l->isr_words == in_service);
	ck_assert(pending < 0 || (lapic_test(l, LAPIC_IRR, pending) && pending >> 4 > ppr >> 4));
	ck_assert(pending < 0 || !blocked);
	ck_assert(!blocked || blocked <= tpr >> 4);
	if (!(lapic_reg(l, LAPIC_SVR) & 0x100))
		ck_assert(lapic_reg(l, LAPIC_LVTT) & 0x10000);
	if (l->timer_armed)
		ck_assert(test_bit(KVMX_REQ_TIMER, &v->vcpu.requests) ||
			  hrtimer_is_queued(&l->timer) || l->timer_in_unit);
	ck_assert(!!unit_deadline[v->vcpu.index] == l->timer_in_unit);
	if (l->timer_in_unit)
		ck_assert(l->timer_armed && l->deadline);
	if (shim_timer_next(&next))
		ck_assert_uint_ge(next + 1, ktime_get_ns());
}

START_TEST(random_operations)
{
	static const u32 regs[] = {
		0x80, 0xb0, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x310, 0x320, 0x330, 0x340, 0x350, 0x360,
		0x370, 0x380, 0x3e0, 0x3f0,
	};
	unsigned long taken = 0;
	u32 i, c;

	world_full(5);
	for (i = 0; i < 200000; i++) {
		struct x86_vcpu *v = cpu[unit_random_below(5)];
		u32 reg = regs[unit_random_below(ARRAY_SIZE(regs))];
		u64 val = unit_random_below(4) ? unit_random() & 0x7ffff : unit_random_edge();

		switch (unit_random_below(12)) {
		case 0 ... 2:
			if (reg == 0xf0)
				val |= unit_random_below(8) ? 0x100 : 0;
			if (reg == 0x380)
				val &= 0xfffff;
			if (lapic_x2apic(v))
				msr_write(v, reg, val);
			else
				mmio_write(v, reg, val);
			break;
		case 3: case 4:
			lapic_eoi(v);
			break;
		case 5: case 6:
			taken += take(v) >= 0;
			break;
		case 7: {
			struct apic_msg msg = {
				.dest = unit_random_below(2) ? unit_random_below(6) : unit_random(),
				.vector = unit_random(), .mode = unit_random() & 7,
				.logical = unit_random() & 1, .level = unit_random() & 1,
				.shorthand = unit_random() & 3, .lowest_hint = unit_random() & 1,
			};

			apic_deliver(vm, unit_random() & 1 ? v : NULL, &msg);
			break;
		}
		case 8:
			shim_clock_advance(unit_random_below(300000));
			unit_has_timer = unit_random() & 1;
			if (unit_random() & 1)
				lapic_timer_halt(v);
			break;
		case 9:
			if (!unit_random_below(50))
				lapic_set_base(v, (unit_random() & 0xc00) | 0xfee00000, unit_random() & 1);
			else
				lapic_set_base(v, 0xfee00800 | (unit_random() & 0x400), true);
			break;
		case 10:
			if (unit_random() & 1)
				lapic_set_deadline(v, x86_guest_tsc(v) + unit_random_below(400000));
			else
				lapic_set_tpr(v, unit_random());
			break;
		case 11:
			if (!unit_random_below(100))
				lapic_reset(v, unit_random() & 1);
			else if (lapic_enabled(v) && !unit_random_below(10))
				round_trip(v);
			break;
		}
		for (c = 0; c < 5; c++)
			check_invariants(cpu[c]);
	}
	ck_assert_uint_gt(taken, 1000);
	unit_figure("random operations", i);
	world_end();
}
END_TEST

/* --- senders on other CPUs --- */

#define SENDERS		3
#define MESSAGES	20000

static int senders;	/* that are not done yet */

static void *send_many(void *arg)
{
	u32 which = (uintptr_t)arg, i;
	unsigned long accepted = 0;
	struct apic_msg msg = { .dest = 0, .vector = 0x40 + 0x10 * which, .level = which == 1 };

	for (i = 0; i < MESSAGES; i++) {
		accepted += apic_deliver(vm, cpu[which + 1], &msg) > 0;
		if (which == 2) {
			/* And a line that goes up and down. */
			line(17, 1);
			line(17, 0);
		}
		if (i % 64 == 0)
			sched_yield();
	}
	__atomic_fetch_sub(&senders, 1, __ATOMIC_RELEASE);
	return (void *)accepted;
}

/* Whatever was accepted is served once, and nothing else is. */
START_TEST(concurrent_senders)
{
	u32 select = 0x10 + 17 * 2, entry = 0x80a0;
	unsigned long served[256] = {};
	pthread_t thread[SENDERS];
	void *accepted[SENDERS];
	int vector = -1;
	uintptr_t i;

	world_full(SENDERS + 1);
	kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00000, 4, &select);
	kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_MMIO, 0xfec00010, 4, &entry);
	senders = SENDERS;
	for (i = 0; i < SENDERS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, send_many, (void *)i), 0);
	while (__atomic_load_n(&senders, __ATOMIC_ACQUIRE) || vector >= 0) {
		/* A higher one may come between looking and taking. */
		vector = x86_interrupt_ack(cpu[0]);
		if (vector < 0) {
			sched_yield();
			continue;
		}
		served[vector]++;
		mmio_write(cpu[0], 0xb0, 0);
	}
	for (i = 0; i < SENDERS; i++)
		pthread_join(thread[i], &accepted[i]);
	while ((vector = take(cpu[0])) >= 0) {
		served[vector]++;
		mmio_write(cpu[0], 0xb0, 0);
	}
	for (i = 0; i < SENDERS; i++)
		ck_assert_uint_eq(served[0x40 + 0x10 * i], (uintptr_t)accepted[i]);
	ck_assert_uint_gt(served[0xa0], 0);
	for (i = 0; i < 256; i++)
		ck_assert(!served[i] || i == 0x40 || i == 0x50 || i == 0x60 || i == 0xa0);
	unit_figure("messages sent", SENDERS * MESSAGES);
	world_end();
}
END_TEST

UNIT_MAIN("lapic",
	UNIT_CASE("registers", reset_values, page_location, base_transitions, disabled_apic,
		  software_disable_masks, writable_bits, errors),
	UNIT_CASE("priorities", highest_first_and_nesting, task_priority, coalescing,
		  trigger_mode_follows),
	UNIT_CASE("destinations", physical_and_shorthands, logical_flat_and_cluster,
		  start_up_messages, lowest_priority, x2apic_registers, x2apic_destinations,
		  messages_from_msi),
	UNIT_CASE("eoi", split_eoi_exits, suppressed_broadcast, split_extint),
	UNIT_CASE("vapic", tpr_reports, tpr_in_guest_memory),
	UNIT_CASE("timer", timer_one_shot, timer_stale_request, timer_divider, timer_periodic,
		  timer_periodic_bound, timer_deadline, timer_in_unit, timer_not_in_unit),
	UNIT_CASE("state", state_of_registers, state_of_ids, state_of_timer, state_of_deadline,
		  state_bad),
	UNIT_CASE("threads", concurrent_senders),
	UNIT_CASE("bad input", every_offset_and_size, random_operations), NULL)
