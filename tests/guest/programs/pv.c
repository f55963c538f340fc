// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM offers a guest that knows of it: hypercalls for interrupts and for
 * waking a halted CPU, steal time, control of polling. The kernel's "Linux KVM
 * Hypercall" and "KVM-specific MSRs".
 */
#include "lib.h"

PROGRAM(.vcpus = 3, .seconds = 60);

#define FEATURE_STEAL_TIME	(1 << 5)
#define FEATURE_UNHALT		(1 << 7)
#define FEATURE_SEND_IPI	(1 << 11)
#define FEATURE_POLL_CONTROL	(1 << 12)
#define MSR_STEAL_TIME		0x4b564d03
#define MSR_POLL_CONTROL	0x4b564d05
#define HC_KICK_CPU		5
#define HC_SEND_IPI		10
#define VECTOR			0x55

struct steal_time {
	u64 steal;
	u32 version, flags;
	u8 preempted, pad[47];
};

static volatile u32 got[MAX_CPUS], nmis[MAX_CPUS];
static volatile bool halting, woken;

static void on_irq(struct frame *f)
{
	__atomic_fetch_add(&got[this_cpu()], 1, __ATOMIC_SEQ_CST);
	apic_eoi();
}

static void on_nmi(struct frame *f)
{
	__atomic_fetch_add(&nmis[this_cpu()], 1, __ATOMIC_SEQ_CST);
}

static s64 hypercall(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
	s64 ret;

	asm volatile("vmmcall" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
	return ret;
}

static u64 user_hypercall(u64 nr)
{
	return hypercall(nr, 0, 0, 0, 0);
}

static void ready(void *unused)
{
	apic_enable();
	sti();
}

/* Nothing but the hypercall ends this halt. */
static void halt(void *unused)
{
	cli();
	halting = true;
	asm volatile("hlt");
	woken = true;
	sti();
}

static void interrupts(void)
{
	CHECK_EQ("IPI to CPUs 1 and 2", hypercall(HC_SEND_IPI, 6, 0, 0, VECTOR), 2);
	CHECK(WAIT(got[1] == 1 && got[2] == 1, 5000), "they did not get it");
	CHECK_EQ("IPI to CPU 2, by its distance", hypercall(HC_SEND_IPI, 2, 0, 1, VECTOR), 1);
	CHECK(WAIT(got[2] == 2, 5000), "it did not get it");
	CHECK_EQ("CPU 1 got", got[1], 1);
	CHECK_EQ("NMI to CPU 1", hypercall(HC_SEND_IPI, 2, 0, 0, ICR_NMI), 1);
	CHECK(WAIT(nmis[1] == 1, 5000), "it did not get it");
	CHECK_EQ("IPI to nobody", hypercall(HC_SEND_IPI, 0, 0, 0, VECTOR), 0);
	CHECK_EQ("IPI to CPUs that are not there", hypercall(HC_SEND_IPI, 0, ~0ull, 0, VECTOR), 0);
	CHECK_EQ("IPI to a logical destination",
		 hypercall(HC_SEND_IPI, 2, 0, 0, VECTOR | ICR_LOGICAL), -22);
}

static void kick(void)
{
	run_on(1, halt, NULL);
	CHECK(WAIT(halting, 5000), "CPU 1 does not halt");
	sleep_ms(20);
	CHECK(!woken, "it does not stay there");
	CHECK_EQ("kick of CPU 1", hypercall(HC_KICK_CPU, 0, 1, 0, 0), 0);
	CHECK(WAIT(woken, 5000), "it is still halted");
	wait_for(1);
}

static void steal_time(void)
{
	volatile struct steal_time *st = page_alloc();
	u64 before;

	EXPECT(GP, "reserved bits of the steal time MSR", wrmsr(MSR_STEAL_TIME, (u64)st | 3));
	wrmsr(MSR_STEAL_TIME, (u64)st | 1);
	CHECK_EQ("the MSR", rdmsr(MSR_STEAL_TIME), (u64)st | 1);
	CHECK(WAIT(st->version, 1000) && !(st->version & 1), "version is %u", st->version);
	CHECK_EQ("flags", st->flags, 0);
	CHECK_EQ("preempted", st->preempted, 0);
	before = st->steal;
	for (int i = 0; i < 20; i++) {
		sleep_ms(5);
		outb(PORT_ECHO, i);
		CHECK(st->steal >= before, "steal time goes back");
		before = st->steal;
		CHECK_EQ("preempted, by itself,", st->preempted & 1, 0);
	}
	wrmsr(MSR_STEAL_TIME, 0);
}

int main(void)
{
	u8 *stack = (u8 *)page_alloc() + 4096;
	u32 features = cpuid(0x40000001, 0).eax;

	CHECK_EQ("an unknown hypercall", hypercall(1234, 0, 0, 0, 0), -1000);
	CHECK_EQ("a hypercall of a user", call_user(user_hypercall, HC_KICK_CPU, (u64)stack), -1);
	set_handler(VECTOR, on_irq);
	set_handler(2, on_nmi);
	apic_enable();
	for (int i = 1; i < 3; i++) {
		smp_start(i);
		run_on(i, ready, NULL);
		wait_for(i);
	}
	CHECK(features & FEATURE_SEND_IPI, "no IPIs");
	interrupts();
	CHECK(features & FEATURE_UNHALT, "no kicks");
	kick();
	CHECK(features & FEATURE_STEAL_TIME, "no steal time");
	steal_time();
	CHECK(features & FEATURE_POLL_CONTROL, "no control of polling");
	CHECK_EQ("polling", rdmsr(MSR_POLL_CONTROL), 1);
	wrmsr(MSR_POLL_CONTROL, 0);
	CHECK_EQ("polling", rdmsr(MSR_POLL_CONTROL), 0);
	EXPECT(GP, "reserved bits of polling", wrmsr(MSR_POLL_CONTROL, 2));
	return 0;
}
