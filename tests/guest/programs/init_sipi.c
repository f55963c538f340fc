// SPDX-License-Identifier: GPL-2.0-only
/*
 * INIT stops a CPU wherever it is, SIPI starts it again; SIPI without INIT and
 * a second SIPI do nothing.
 * Intel SDM vol. 3, "Multiple-Processor (MP) Initialization".
 */
#include "lib.h"

PROGRAM(.vcpus = 2, .seconds = 40);

static volatile u64 beat;

/*
 * Without an exit, and with interrupts on: under Bochs a guest that spins with interrupts
 * off takes the host's CPU for ever (tests/machine/README.md).
 */
static void run(void *unused)
{
	sti();
	for (;;)
		beat++;
}

static void halt(void *unused)
{
	for (;;)
		asm volatile("cli; hlt");
}

static void exits(void *unused)
{
	for (;;) {
		cpuid(0, 0);
		inb(PORT_ECHO);
		beat++;
	}
}

static void nmi_blocked(void *unused)
{
	asm volatile("int $2");
	for (;;)
		asm volatile("hlt");
}

static void on_nmi(struct frame *f)
{
	sti();
	for (;;)
		beat++;
}

int main(void)
{
	static void (*const where[])(void *) = { run, halt, exits, nmi_blocked };
	u64 before;

	set_handler(NMI, on_nmi);
	apic_enable();
	smp_start(1);
	for (int i = 0; i < 40; i++) {
		run_on(1, where[i % 4], NULL);
		sleep_ms(5);
		cpu_online[1] = 0;
		apic_ipi(ICR_INIT | ICR_ASSERT, 1);
		/* It may take a moment, for its host CPU is busy elsewhere. */
		CHECK(WAIT(({ before = beat; sleep_ms(3); beat == before; }), 2000),
		      "the CPU runs after INIT");
		CHECK_EQ("the CPU started without SIPI", cpu_online[1], 0);
		smp_start(1);
		checks++;
	}
	/* SIPI to a running CPU */
	cpu_online[1] = 0;
	apic_ipi(ICR_SIPI | ICR_ASSERT | IMAGE_ADDRESS >> 12, 1);
	sleep_ms(10);
	CHECK_EQ("a running CPU started anew", cpu_online[1], 0);
	/* INIT level de-assert does nothing. */
	apic_ipi(ICR_INIT | 1 << 15, 1);
	run_on(1, exits, NULL);
	before = beat;
	CHECK(WAIT(beat > before, 1000), "the CPU stands still");
	return 0;
}
