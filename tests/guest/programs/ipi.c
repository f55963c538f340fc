// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts between CPUs: fixed, NMI, broadcast, logical (flat and cluster),
 * lowest priority, self; delivery status and masks.
 * Intel SDM vol. 3, "Issuing Interprocessor Interrupts".
 */
#include "lib.h"

PROGRAM(.vcpus = 4, .seconds = 60);

static volatile u32 got[MAX_CPUS], nmis[MAX_CPUS];

static void on_irq(struct frame *f)
{
	__atomic_fetch_add(&got[this_cpu()], 1, __ATOMIC_SEQ_CST);
	apic_eoi();
}

static void on_nmi(struct frame *f)
{
	__atomic_fetch_add(&nmis[this_cpu()], 1, __ATOMIC_SEQ_CST);
}

static void ready(void *unused)
{
	apic_enable();
	sti();
}

static void ready_logical(void *id)
{
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_LDR, (u64)id << 24);
}

static void ready_cluster(void *id)
{
	apic_write(APIC_DFR, 0x0fffffff);
	apic_write(APIC_LDR, (u64)id << 24);
}

static volatile bool resting;

static void rest(void *unused)
{
	cli();
	resting = true;
	sti_hlt();
	resting = false;
}

static u32 total(void)
{
	return got[0] + got[1] + got[2] + got[3];
}

/* Sends, and checks who got how many: a nibble for each CPU. */
static void send(const char *name, u32 icr, u32 destination, u32 wanted)
{
	for (int i = 0; i < MAX_CPUS; i++)
		got[i] = 0;
	apic_ipi(icr | ICR_ASSERT | 0x50, destination);
	for (int i = 0; i < MAX_CPUS; i++) {
		u32 n = wanted >> i * 4 & 15;

		if (!WAIT(got[i] >= n, 3000))
			fail("%s: CPU %d got %u, not %u", name, i, got[i], n);
	}
	sleep_ms(2);
	for (int i = 0; i < MAX_CPUS; i++)
		CHECK(got[i] == (wanted >> i * 4 & 15), "%s: CPU %d got %u", name, i, got[i]);
	CHECK(!(apic_read(APIC_ICR) & 1 << 12), "%s: delivery is still pending", name);
}

static void on_all(void (*function)(void *), const u8 *argument)
{
	for (int i = 1; i < MAX_CPUS; i++)
		run_on(i, function, (void *)(u64)argument[i]);
	function((void *)(u64)argument[0]);
	for (int i = 1; i < MAX_CPUS; i++)
		wait_for(i);
}

int main(void)
{
	static const u8 none[4], flat[4] = { 1, 2, 4, 8 }, cluster[4] = { 0x11, 0x12, 0x21, 0x22 };

	set_handler(0x50, on_irq);
	set_handler(NMI, on_nmi);
	for (int i = 1; i < MAX_CPUS; i++)
		smp_start(i);
	on_all(ready, none);

	for (int round = 0; round < 20; round++) {
		send("to CPU 1", 0, 1, 0x0010);
		send("to CPU 3", 0, 3, 0x1000);
		send("to CPU 0, itself", 0, 0, 0x0001);
	}
	send("to nobody", 0, 9, 0);
	send("self", ICR_SELF, 0, 0x0001);
	send("all", ICR_ALL, 0, 0x1111);
	send("others", ICR_OTHERS, 0, 0x1110);
	send("broadcast id", 0, 0xff, 0x1111);
	on_all(ready_logical, flat);
	send("flat, CPU 1", ICR_LOGICAL, 2, 0x0010);
	send("flat, CPUs 0, 2 and 3", ICR_LOGICAL, 0xd, 0x1101);
	send("flat, nobody", ICR_LOGICAL, 0xf0, 0);
	on_all(ready_cluster, cluster);
	send("cluster 1, both", ICR_LOGICAL, 0x13, 0x0011);
	send("cluster 2, second", ICR_LOGICAL, 0x22, 0x1000);
	send("cluster 3", ICR_LOGICAL, 0x3f, 0);
	on_all(ready_logical, flat);

	for (int i = 0; i < MAX_CPUS; i++)
		got[i] = 0;
	for (u32 i = 1; i <= 20; i++) {
		apic_ipi(ICR_LOGICAL | ICR_LOWEST | ICR_ASSERT | 0x50, 0xf);
		CHECK(WAIT(total() >= i, 3000), "lowest priority: none got it");
	}
	sleep_ms(2);
	CHECK_EQ("lowest priority interrupts", total(), 20);

	/*
	 * NMIs, and a CPU in HLT. Bochs 2.7 has a CPU inherit the blocking of NMIs of
	 * another one that left the guest in its handler. An interrupt finds the
	 * previous one out of its handler (which runs with IF = 0), and the IRET of
	 * this one's ends what it inherited.
	 */
	for (u32 i = 1; i < MAX_CPUS; i++) {
		send("before an NMI", ICR_LOGICAL, 1 << (i - 1), 1 << (i - 1) * 4);
		send("before an NMI", ICR_LOGICAL, 1 << i, 1 << i * 4);
		apic_ipi(ICR_NMI | ICR_ASSERT, i);
		CHECK(WAIT(nmis[i] == 1, 3000), "CPU %u got %u NMIs", i, nmis[i]);
	}
	for (int i = 0; i < 50; i++) {
		run_on(2, rest, NULL);
		CHECK(WAIT(resting, 3000), "CPU 2 does not rest");
		apic_ipi(ICR_ASSERT | 0x50, 2);
		wait_for(2);
	}
	/* An NMI that comes before HLT does not end it, the next one does. */
	run_on(1, rest, NULL);
	for (int i = 0; i < 100; i++) {
		WAIT(resting, 3000);
		sleep_ms(5);
		apic_ipi(ICR_NMI | ICR_ASSERT, 1);
		if (WAIT(!resting, 100))
			break;
	}
	CHECK(!resting, "NMIs do not end HLT");
	wait_for(1);

	/* A vector below 16 is an error, not an interrupt. */
	apic_write(APIC_ESR, 0);
	apic_ipi(ICR_ASSERT | 8, 1);
	sleep_ms(2);
	return 0;
}
