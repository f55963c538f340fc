// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attack: random values in the registers of the local APIC (xAPIC and x2APIC), the I/O
 * APIC, the PICs and the PIT, with their lines moving and all of their interrupts taken.
 */
#include "lib.h"

PROGRAM(.seconds = 60);

/* INIT ends an attack; it must not come later, from an entry that is left behind. */
static u64 no_init(u64 value)
{
	return (value & 0x700) == 0x500 ? value & ~0x100ull : value;
}

static volatile u64 taken;

static void take(struct frame *f)
{
	/* From an APIC these come without the error code that some of them have: no way back. */
	if (f->vector < 32 && f->vector != 2)
		outb(PORT_PEACE, f->vector);
	taken++;
	apic_eoi();
	outb(0x20, 0x20);
	outb(0xa0, 0x20);
}

static void attack_apic(void)
{
	u32 reg = random_below(random_below(4) ? 0x40 : 0x100) << 4;
	u64 value = random_below(2) ? random64() : random_below(0x10000);
	volatile u32 *at = (u32 *)(0xfee00000ul + reg + (random_below(16) ? 0 : random_below(16)));

	switch (random_below(4)) {
	case 0: *at; break;
	case 1: *(volatile u8 *)at = value; break;
	case 2: *(volatile u64 *)((u64)at & ~7ul) = no_init(value); break;
	case 3: *at = reg == APIC_ICR ? value : no_init(value); break;
	}
	/* Most of the time it is on. */
	if (random_below(4) == 0)
		apic_write(APIC_SVR, 0x1ff);
}

static void attack_ioapic(void)
{
	u64 entry = no_init(random64());

	if (random_below(2))
		entry &= ~(1ull << 16);
	if (random_below(4))
		ioapic_route(random_below(24), entry);
	else
		ioapic_write(random_below(0x100), no_init(random64()));
	ioapic_read(random_below(0x100));
	if (random_below(8) == 0)
		*(volatile u8 *)(0xfec00000ul + random_below(0x10)) = random64();
}

static void attack_ports(void)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61 };
	u16 port = ports[random_below(ARRAY_SIZE(ports))];

	if (random_below(3))
		outb(port, random64());
	else
		inb(port);
}

/* From outside, while the attack runs: a call that it cuts short would hold its lock. */
static void move_lines(void)
{
	for (int i = 0; i < 4; i++)
		host_later(random_below(20), CALL_IRQ_LINE, random_below(24), random_below(2), 0, 0);
	host_later(random_below(20), CALL_MSI, 0xfee00000 | (random64() & 0xfffff),
		   no_init(random64() & 0xffff), 0, 0);
	host_later(random_below(20), CALL_NMI, 0, 0, 0, 0);
}

static void attack(void (*const *what)(void), unsigned int count)
{
	sti();
	for (int i = 0; i < 60; i++)
		what[random_below(count)]();
	cli();
}

static void attack_x2apic(void)
{
	u32 msr = 0x800 + random_below(random_below(4) ? 0x40 : 0x100);

	if (random_below(3))
		CATCH(wrmsr(msr, no_init(random_below(2) ? random64() : random_below(0x10000))));
	else
		CATCH(rdmsr(msr));
}

static void check_works(const char *when)
{
	u64 before;

	for (unsigned int pin = 0; pin < 24; pin++) {
		ioapic_route(pin, 1 << 16);
		host(CALL_IRQ_LINE, pin, 0, 0, 0);
	}
	pic_init(0x20);
	outb(0x43, 0x30);	/* the PIT counts once */
	outb(0x40, 0xff);
	outb(0x40, 0xff);
	apic_enable();
	apic_write(APIC_TPR, 0x1f);	/* see take() */
	for (u32 lvt = APIC_LVT_TIMER; lvt <= APIC_LVT_ERROR; lvt += 0x10)
		apic_write(lvt, 1 << 16);
	apic_write(APIC_TIMER_INIT, 0);
	sti();
	/* Whatever was in service or pending. */
	for (int i = 0; i < 256; i++)
		apic_eoi();
	before = taken;
	apic_ipi(ICR_SELF | 0x55, 0);
	CHECK(WAIT(taken != before, 1000), "%s, an interrupt to itself does not come", when);
	cli();
}

int main(void)
{
	static void (*const all[])(void) = { attack_apic, attack_apic, attack_ioapic, attack_ports };

	random_seed();
	for (unsigned int vector = 16; vector < 256; vector++)
		set_handler(vector, take);
	set_handler(2, take);
	apic_enable();
	for (int round = 0; round < 150; round++) {
		move_lines();
		ATTACK(30, attack(all, ARRAY_SIZE(all)));
		checks++;
		if (round % 10 == 9)
			check_works("after an attack");
	}
	apic_x2();
	for (int round = 0; round < 50; round++) {
		static void (*const some[])(void) = { attack_x2apic, attack_ioapic };

		move_lines();
		ATTACK(30, attack(some, ARRAY_SIZE(some)));
		checks++;
	}
	check_works("in x2APIC mode");
	return 0;
}
