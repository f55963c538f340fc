// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock page: even version, monotonic on two CPUs and between them, at the
 * host's rate; the wall clock; and that 0 switches it off.
 * Documentation/virt/kvm/x86/msr.rst.
 */
#include "lib.h"

PROGRAM(.vcpus = 2, .seconds = 40);

#define MSR_WALL	0x4b564d00
#define MSR_SYSTEM	0x4b564d01

struct page {
	u32 version, pad;
	u64 tsc, ns;
	u32 mul;
	signed char shift;
	u8 flags, pads[2];
} __attribute__((packed));

static volatile struct page *pages[MAX_CPUS];
static volatile u64 last;
static volatile u32 backwards;
static volatile bool stop;

static u64 now(volatile struct page *p)
{
	u32 version, mul;
	u64 delta, ns;
	signed char shift;

	do {
		version = p->version;
		barrier();
		delta = rdtsc() - p->tsc;
		ns = p->ns;
		mul = p->mul;
		shift = p->shift;
		barrier();
	} while (version != p->version || version & 1);
	delta = shift >= 0 ? delta << shift : delta >> -shift;
	return ns + (u64)((unsigned __int128)delta * mul >> 32);
}

/*
 * Time never goes backward on a CPU or between them if the page says that it is
 * stable. Otherwise the host sets it anew now and then, which may be seen.
 */
#define SLACK 1000000
static void compare(volatile struct page *p, u64 t, u64 mine, u64 seen)
{
	u64 slack = p->flags & 1 ? 0 : SLACK;

	if (t + slack < mine)
		backwards |= 1;
	if (t + slack < seen)
		backwards |= 2;
}

static void race(void *unused)
{
	volatile struct page *p = pages[this_cpu()];
	u64 mine = 0, t, seen;

	while (!stop) {
		seen = last;
		barrier();
		t = now(p);
		compare(p, t, mine, seen);
		mine = t;
		barrier();
		if (t > last)
			last = t;
		pause();
	}
}

static void enable(void *unused)
{
	wrmsr(MSR_SYSTEM, (u64)pages[this_cpu()] | 1);
}

int main(void)
{
	struct { u32 version, sec, nsec; } volatile *wall = page_alloc();
	u64 host_a, host_b, a, b;

	if (!(cpuid(0x40000001, 0).eax >> 3 & 1))
		skip("CPUID 0x40000001 offers no clock");
	pages[0] = page_alloc();
	pages[1] = page_alloc() + 64;
	apic_enable();
	smp_start(1);

	enable(NULL);
	CHECK_EQ("the MSR", rdmsr(MSR_SYSTEM), (u64)pages[0] | 1);
	run_on(1, enable, NULL);
	wait_for(1);
	cpuid(0, 0);
	CHECK(pages[0]->version && !(pages[0]->version & 1), "version %u", pages[0]->version);
	CHECK(pages[0]->mul, "the multiplier is 0");
	CHECK(pages[1]->mul, "CPU 1's multiplier is 0");

	run_on(1, race, NULL);
	host_a = host(CALL_NOW, 0, 0, 0, 0).a;
	a = now(pages[0]);
	for (int i = 0; i < 20; i++) {
		u64 end = now(pages[0]) + 10000000, t, mine = 0;

		while ((t = now(pages[0])) < end) {
			compare(pages[0], t, mine, 0);
			mine = t;
			if (t > last)
				last = t;
			pause();
		}
		host(CALL_SLEEP, 2, 0, 0, 0);
	}
	stop = true;
	wait_for(1);
	host_b = host(CALL_NOW, 0, 0, 0, 0).a;
	b = now(pages[0]);
	CHECK_EQ("time went backwards (1: on a CPU, 2: between them)", backwards, 0);
	CHECK((b - a) * 10 > (host_b - host_a) * 9 && (b - a) * 10 < (host_b - host_a) * 11,
	      "%lu ns went by here, %lu at the host", b - a, host_b - host_a);

	wrmsr(MSR_WALL, (u64)wall);
	CHECK(!(wall->version & 1), "the wall clock's version is odd");
	CHECK(wall->sec > 1600000000 && wall->sec < 4000000000, "the wall clock says %u s", wall->sec);
	CHECK(wall->nsec < 1000000000, "the wall clock says %u ns", wall->nsec);

	/* Off: the page is left alone. */
	wrmsr(MSR_SYSTEM, 0);
	memset((void *)pages[0], 0, sizeof(struct page));
	host(CALL_SLEEP, 20, 0, 0, 0);
	cpuid(0, 0);
	CHECK_EQ("the version of a page that is off", pages[0]->version, 0);
	CHECK_EQ("the multiplier of a page that is off", pages[0]->mul, 0);
	return 0;
}
