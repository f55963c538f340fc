// SPDX-License-Identifier: GPL-2.0-only
/*
 * A split irqchip, whose I/O APIC and PIC are user space's: that is told the end of each
 * level-triggered interrupt and of no edge, also when the state was read and written
 * meanwhile; its PIC's interrupts come through LINT0, beside the APIC's own.
 * The KVM API's "KVM_CAP_SPLIT_IRQCHIP".
 */
#include "lib.h"

PROGRAM(.flags = PROGRAM_SPLIT);

#define EXIT_IOAPIC_EOI	26
#define LEVEL	0x61
#define EDGE	0x75
#define PIC	0x45

static volatile u32 order[16], count;
static volatile bool round_trip, nest;

static u64 told(void)
{
	return host(CALL_EXITS, EXIT_IOAPIC_EOI, 0, 0, 0).a;
}

static void send(u32 vector, u32 how)
{
	CHECK_EQ("the runner's KVMX_SIGNAL_MSI", host(CALL_MSI, 0xfee00000, how | vector, 0, 0).result, 1);
}

static void send_level(void)
{
	send(LEVEL, 1 << 15 | 1 << 14);
}

static void on_apic(struct frame *f)
{
	u32 at = count++;

	order[at % 16] = f->vector;
	if (round_trip)
		CHECK_EQ("reading and writing the state", host(CALL_ROUND_TRIP, 0, 0, 0, 0).result, 0);
	if (nest && f->vector == LEVEL) {
		apic_ipi(ICR_SELF | ICR_ASSERT | EDGE, 0);
		sti();
		CHECK(WAIT(count == at + 2, 1000), "nothing nests");
		cli();
	}
	CHECK(apic_bit(APIC_ISR, f->vector), "0x%lx is not in service", (u64)f->vector);
	apic_eoi();
}

static void on_pic(struct frame *f)
{
	order[count++ % 16] = f->vector;
}

/* @n interrupts have come, and @ends were told since there were @before. */
static void settled(u32 n, u64 before, u32 ends, const char *what)
{
	CHECK(WAIT(count == n, 1000), "%s: %u interrupts, not %u", what, count, n);
	CHECK_EQ(what, told() - before, ends);
	for (u32 i = 0; i < 8; i++)
		CHECK_EQ("ISR", apic_read(APIC_ISR + i * 16), 0);
	CHECK_EQ("PPR", apic_read(APIC_PPR), 0);
	count = 0;
}

static void waiting(void)
{
	u64 before = told();

	write_cr8(15);
	send_level();
	apic_ipi(ICR_SELF | ICR_ASSERT | EDGE, 0);
	CHECK(WAIT(apic_bit(APIC_IRR, LEVEL) && apic_bit(APIC_IRR, EDGE), 1000), "they do not wait");
	CHECK(apic_bit(APIC_TMR, LEVEL) && !apic_bit(APIC_TMR, EDGE), "which is the level?");
	host(CALL_ROUND_TRIP, 0, 0, 0, 0);
	CHECK(apic_bit(APIC_IRR, LEVEL) && apic_bit(APIC_IRR, EDGE), "they do not wait any more");
	CHECK_EQ("interrupts held by CR8", count, 0);
	write_cr8(6);
	CHECK(WAIT(count == 1, 1000) && order[0] == EDGE, "the higher one does not come");
	write_cr8(0);
	settled(2, before, 1, "ends told of two that waited");
	CHECK_EQ("which came at last", order[1], LEVEL);
}

static void halted(void)
{
	u64 before = told();

	for (u32 i = 1; i <= 5; i++) {
		cli();
		host_later(5, CALL_MSI, 0xfee00000, 1 << 15 | 1 << 14 | LEVEL, 0, 0);
		while (count < i)
			asm volatile("sti; hlt; cli" ::: "memory");
		sti();
	}
	settled(5, before, 5, "ends told of what ended halts");
}

/* The PIC's comes first, whatever the APIC holds; both wait for the same window. */
static void from_pic(void)
{
	u64 before = told();

	apic_write(APIC_LVT_LINT0, 7 << 8);
	host(CALL_INTERRUPT, PIC, 0, 0, 0);
	CHECK(WAIT(count == 1, 1000) && order[0] == PIC, "the PIC's interrupt does not come");
	CHECK(!apic_bit(APIC_ISR, PIC), "it is in service in the APIC");
	cli();
	host(CALL_INTERRUPT, PIC, 0, 0, 0);
	send_level();
	sleep_ms(1);
	CHECK_EQ("interrupts while they are off", count, 1);
	sti();
	settled(3, before, 1, "ends told beside the PIC's");
	apic_write(APIC_LVT_LINT0, 1 << 16);
}

static void all(void)
{
	u64 before = told();

	for (u32 i = 1; i <= 10; i++) {
		send_level();
		CHECK(WAIT(count == i, 1000), "level %u does not come", i);
		CHECK_EQ("ends told of levels", told() - before, i);
	}
	settled(10, before, 10, "ends told of ten levels");
	before = told();
	for (u32 i = 1; i <= 10; i++) {
		send(EDGE, 0);
		CHECK(WAIT(count == i, 1000), "edge %u does not come", i);
	}
	/* The same vector, now as an edge. */
	send(LEVEL, 0);
	settled(11, before, 0, "ends told of edges");
	round_trip = true;
	send_level();
	settled(1, before, 1, "ends told of one whose state was read and written");
	round_trip = false;
	before = told();
	nest = true;
	send_level();
	settled(2, before, 1, "ends told of one in which another came");
	nest = false;
	waiting();
	halted();
	from_pic();
}

int main(void)
{
	if (header.in_tree)
		skip("in-tree KVM tells only of vectors that have a route");
	set_handler(LEVEL, on_apic);
	set_handler(EDGE, on_apic);
	set_handler(PIC, on_pic);
	host(CALL_EXPECT, EXIT_IOAPIC_EOI, EXPECT_GO_ON, 0, 0);
	apic_enable();
	apic_write(APIC_LVT_LINT0, 1 << 16);
	sti();
	all();
	apic_x2();
	all();
	return 0;
}
