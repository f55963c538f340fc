// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time stamp counter: monotonic, set by its MSR and by IA32_TSC_ADJUST, the
 * same on all CPUs; RDTSCP and TSC_AUX; CR4.TSD.
 * Intel SDM vol. 3, "Time-Stamp Counter"; AMD APM vol. 3, RDTSCP.
 */
#include "lib.h"

PROGRAM(.vcpus = 2);

static u64 rdtscp(u32 *aux)
{
	u32 low, high;

	asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(*aux) :: "memory");
	return low | (u64)high << 32;
}

static u64 user_rdtsc(u64 unused)
{
	return rdtsc();
}

static u64 user_rdtscp(u64 unused)
{
	u32 aux;

	return rdtscp(&aux);
}

static volatile u64 other_tsc, other_aux;

static void look(void *unused)
{
	u32 aux;

	wrmsr(MSR_TSC_AUX, 0xbbbb);
	other_tsc = rdtsc();
	inb(PORT_ECHO);
	rdtscp(&aux);
	other_aux = aux;
}

/* About as much as it should be: nothing is lost, and it did not take seconds. */
static bool near(u64 v, u64 wanted)
{
	return v - wanted < 5000ull * header.tsc_khz;
}

static void monotonic(void)
{
	u64 last = rdtsc(), now;

	for (int i = 0; i < 2000; i++) {
		if (i % 3 == 0)
			inb(PORT_ECHO);
		else if (i % 3 == 1)
			cpuid(0, 0);
		now = i & 1 ? rdtsc() : rdmsr(MSR_TSC);
		CHECK(now >= last, "the TSC went from %lu to %lu", last, now);
		last = now;
	}
}

static void adjust(void)
{
	u64 before, now;

	CHECK_EQ("IA32_TSC_ADJUST at reset", rdmsr(MSR_TSC_ADJUST), 0);
	before = rdtsc();
	wrmsr(MSR_TSC_ADJUST, 1ull << 40);
	now = rdtsc();
	CHECK(near(now, before + (1ull << 40)), "the TSC moved by 0x%lx", now - before);
	CHECK_EQ("IA32_TSC_ADJUST", rdmsr(MSR_TSC_ADJUST), 1ull << 40);
	/* A write of the TSC is seen in the adjustment. */
	before = rdtsc();
	wrmsr(MSR_TSC, before + (1ull << 42));
	now = rdmsr(MSR_TSC_ADJUST);
	CHECK(now > (1ull << 42) && now <= (1ull << 40) + (1ull << 42), "IA32_TSC_ADJUST is 0x%lx", now);
	wrmsr(MSR_TSC_ADJUST, 0);
	CHECK(near(rdtsc(), before - (1ull << 40)), "the TSC did not come back");
}

int main(void)
{
	u64 stack = (u64)page_alloc() + 4096, before;
	u32 aux;

	monotonic();
	if (cpuid(7, 0).ebx >> 1 & 1)
		adjust();
	before = rdtsc();
	wrmsr(MSR_TSC, 0x1000);
	CHECK(near(rdtsc(), 0x1000), "after it was set to 0x1000 the TSC is 0x%lx", rdtsc());
	wrmsr(MSR_TSC, before);

	CHECK(near(call_user(user_rdtsc, 0, stack), before), "RDTSC at CPL 3");
	write_cr4(read_cr4() | CR4_TSD);
	EXPECT(GP, "RDTSC at CPL 3 with CR4.TSD", call_user(user_rdtsc, 0, stack));
	EXPECT(-1, "RDTSC at CPL 0 with CR4.TSD", rdtsc());
	if (cpuid(0x80000001, 0).edx >> 27 & 1)
		EXPECT(GP, "RDTSCP at CPL 3 with CR4.TSD", call_user(user_rdtscp, 0, stack));
	write_cr4(read_cr4() & ~(u64)CR4_TSD);

	if (cpuid(0x80000001, 0).edx >> 27 & 1) {
		apic_enable();
		wrmsr(MSR_TSC_AUX, 0xaaaa5555);
		smp_start(1);
		run_on(1, look, NULL);
		wait_for(1);
		rdtscp(&aux);
		CHECK_EQ("TSC_AUX by RDTSCP", aux, 0xaaaa5555);
		CHECK_EQ("TSC_AUX", rdmsr(MSR_TSC_AUX), 0xaaaa5555);
		CHECK_EQ("the other CPU's", other_aux, 0xbbbb);
		for (u32 i = 0; i < 20; i++) {
			wrmsr(MSR_TSC_AUX, i);
			host(CALL_SLEEP, 0, 0, 0, 0);
			rdtscp(&aux);
			CHECK_EQ("TSC_AUX after an exit", aux, i);
		}
	}
	return 0;
}
