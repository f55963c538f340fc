// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts between four CPUs that halt and wake all the time: none is lost, none
 * comes twice, whatever else kicks the vCPUs.
 * Intel SDM vol. 3, "Issuing Interprocessor Interrupts".
 */
#include "lib.h"

PROGRAM(.vcpus = 4, .seconds = 60);

#define ROUNDS 100

static volatile u32 got[MAX_CPUS][MAX_CPUS];	/* by receiver and sender */
static volatile u32 ready, done;

static void on_ipi(struct frame *f)
{
	got[this_cpu()][f->vector & 3]++;
	apic_eoi();
}

static u32 taken(unsigned int from)
{
	u32 n = 0;

	for (unsigned int cpu = 0; cpu < header.vcpus; cpu++)
		n += cpu != from ? got[cpu][from] : 0;
	return n;
}

/* Sends one to all others, then halts until all of them have it. */
static void storm(void *unused)
{
	unsigned int self = this_cpu();

	apic_enable();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (ready < header.vcpus)
		pause();
	for (u32 i = 1; i <= ROUNDS; i++) {
		apic_ipi(ICR_OTHERS | ICR_ASSERT | (0x60 + self), 0);
		for (u64 spins = 0; taken(self) < i * (header.vcpus - 1); spins++) {
			if (spins > 100000000)
				fail("CPU %u: round %u: %u of %u taken", self, i, taken(self),
				     i * (header.vcpus - 1));
			sti();
			pause();
			cli();
		}
		CHECK(taken(self) == i * (header.vcpus - 1), "CPU %u: %u taken in round %u", self,
		      taken(self), i);
	}
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
	sti();
	while (done < header.vcpus)
		pause();
}

/* CPU 0 wakes the others one by one out of HLT. */
static volatile u32 woken[MAX_CPUS];
static volatile bool stop;

static void on_wake(struct frame *f)
{
	woken[this_cpu()]++;
	apic_eoi();
}

static void sleeper(void *unused)
{
	while (!stop)
		sti_hlt();
}

int main(void)
{
	for (int i = 0; i < MAX_CPUS; i++)
		set_handler(0x60 + i, on_ipi);
	set_handler(0x70, on_wake);
	apic_enable();
	for (unsigned int cpu = 1; cpu < header.vcpus; cpu++)
		smp_start(cpu);
	host(CALL_KICKS, 700, 0, 0, 0);
	for (unsigned int cpu = 1; cpu < header.vcpus; cpu++)
		run_on(cpu, storm, NULL);
	storm(NULL);
	for (unsigned int cpu = 1; cpu < header.vcpus; cpu++)
		wait_for(cpu);

	for (unsigned int cpu = 1; cpu < header.vcpus; cpu++)
		run_on(cpu, sleeper, NULL);
	for (u32 i = 1; i <= 50; i++)
		for (unsigned int cpu = 1; cpu < header.vcpus; cpu++) {
			apic_ipi(ICR_ASSERT | 0x70, cpu);
			CHECK(WAIT(woken[cpu] == i, 5000), "CPU %u did not wake, round %u", cpu, i);
		}
	host(CALL_KICKS, 0, 0, 0, 0);
	stop = true;
	apic_ipi(ICR_OTHERS | ICR_ASSERT | 0x70, 0);
	for (unsigned int cpu = 1; cpu < header.vcpus; cpu++)
		wait_for(cpu);
	return 0;
}
