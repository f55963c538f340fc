// SPDX-License-Identifier: GPL-2.0-only
/* A guest's TSC and kvmclock. */
/* links: src/x86/clock.c src/x86/tsc.c src/x86/cpuid.c src/x86/cpuid_host.c src/x86/fpu.c */
#include "x86_world.h"

typedef struct kvmx_pvclock_vcpu_time_info page_t;

static void start(u32 vcpus)
{
	shim_clock_set(100 * NSEC_PER_SEC);
	shim_clock_set_wall(1700000000ull * NSEC_PER_SEC);
	build_host(HOST_AMD);
	build_vm(0);
	x86_clock_vm_init(vm);
	while (vcpus--)
		x86_clock_vcpu_init(add_vcpu());
}

static page_t *page_of(u32 i)
{
	return (page_t *)(ram + 256 * i);
}

/* Guest @i says where its page is; then the requests are served as the run loop does. */
static void serve(void)
{
	u32 i, again = 1;

	while (again) {
		again = 0;
		for (i = 0; i < kvmx_vm_nr_vcpus(&vm->vm); i++) {
			if (kvmx_vcpu_take(&cpu[i]->vcpu, KVMX_REQ_CLOCK)) {
				x86_clock_update(cpu[i]);
				again = 1;
			}
		}
	}
}

static void enable_pages(void)
{
	u32 i;

	for (i = 0; i < kvmx_vm_nr_vcpus(&vm->vm); i++)
		x86_clock_set_msr(cpu[i], (RAM_AT + 256 * i) | 1);
	serve();
}

/* The reader's side of the protocol, as Documentation/virt/kvm/x86/msr.rst gives it. */
static u64 guest_clock(u32 i)
{
	const page_t *p = page_of(i);
	u64 delta = x86_guest_tsc(cpu[i]) - p->tsc_timestamp;

	ck_assert_uint_eq(p->version & 1, 0);
	delta = p->tsc_shift < 0 ? delta >> -p->tsc_shift : delta << p->tsc_shift;
	return p->system_time + (u64)(((unsigned __int128)delta * p->tsc_to_system_mul) >> 32);
}

static u64 apart(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

/* --- arithmetic --- */

START_TEST(factors)
{
	int i;

	for (i = 0; i < 20000; i++) {
		u32 khz = i < 5000 ? i + 1 : 1 + unit_random_below(0x7fffffff), mul;
		u64 ticks = unit_random() >> 20, ns;
		unsigned __int128 exact = (unsigned __int128)ticks * 1000000 / khz;
		s8 shift;

		x86_clock_factors(khz, &mul, &shift);
		ck_assert_uint_ge(mul, 0x80000000u);
		if (shift > 0 && ticks >> (63 - shift))
			continue;
		ns = x86_clock_scale(ticks, mul, shift);
		/* One part in 2^31, and what shifting right drops. */
		ck_assert_msg(apart(ns, exact) <= (u64)(exact >> 31) + 2, "%u kHz, %llu ticks", khz,
			      (unsigned long long)ticks);
		ck_assert_msg(ns <= (u64)exact, "%u kHz runs fast", khz);
	}
}
END_TEST

START_TEST(ticks_to_ns)
{
	start(1);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], 2000000000), NSEC_PER_SEC);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], -2000000000), -(s64)NSEC_PER_SEC);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], 0), 0);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], S64_MAX), S64_MAX / 2);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], S64_MIN), -(S64_MAX / 2 + 1));
	ck_assert_int_eq(x86_tsc_set_khz(cpu[0], 1000), 0);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], 1000), 1000000);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], S64_MAX), S64_MAX);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], S64_MIN), -S64_MAX);
	end_vm();
}
END_TEST

/* --- TSC --- */

START_TEST(tsc_starts_at_0_for_all)
{
	start(1);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), 0);
	shim_clock_advance(5 * NSEC_PER_SEC);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), 10000000000);
	x86_clock_vcpu_init(add_vcpu());
	ck_assert_uint_eq(x86_guest_tsc(cpu[1]), 10000000000);
	ck_assert_uint_eq(x86_guest_tsc_at(cpu[1], x86_rdtsc() + 7), 10000000007);
	ck_assert_uint_gt(unit_tsc_changes, 0);
	end_vm();
}
END_TEST

/* A VMM restores vCPU after vCPU, each with the value it had at its own time. */
START_TEST(tsc_restored_one_by_one)
{
	u64 saved = 0x123456789abc;
	u32 i;

	start(4);
	for (i = 0; i < 4; i++) {
		/* A little off, early and late. */
		ck_assert_int_eq(x86_tsc_write(cpu[i], saved + i * 300000000 - i * i * 50000000, true), 0);
		shim_clock_advance(NSEC_PER_SEC / 10);
	}
	for (i = 1; i < 4; i++)
		ck_assert_uint_eq(x86_guest_tsc(cpu[i]), x86_guest_tsc(cpu[0]));
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), saved + 800000000);
	/* More than a second off is another TSC. */
	x86_tsc_write(cpu[1], x86_guest_tsc(cpu[0]) + 2100000000, true);
	ck_assert_uint_eq(x86_guest_tsc(cpu[1]), x86_guest_tsc(cpu[0]) + 2100000000);
	/* The value at power-up joins the one set last. */
	x86_tsc_write(cpu[2], 0, true);
	ck_assert_uint_eq(x86_guest_tsc(cpu[2]), x86_guest_tsc(cpu[1]));
	end_vm();
}
END_TEST

/* The first value by user space counts, however near it is to what the TSC has been since creation. */
START_TEST(tsc_restored_early)
{
	start(2);
	shim_clock_advance(1000000);
	x86_tsc_write(cpu[0], 700000000, true);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), 700000000);
	shim_clock_advance(1000000);
	x86_tsc_write(cpu[1], 700000123, true);
	ck_assert_uint_eq(x86_guest_tsc(cpu[1]), x86_guest_tsc(cpu[0]));
	end_vm();
}
END_TEST

START_TEST(tsc_by_its_offset)
{
	u64 tsc;

	start(2);
	tsc = x86_guest_tsc(cpu[0]);
	x86_tsc_set_offset(cpu[0], cpu[0]->tsc_offset + 5000);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), tsc + 5000);
	/* A new vCPU, or one that is set to 0, joins it; and it can be given exactly. */
	x86_tsc_write(cpu[1], 0, true);
	ck_assert_uint_eq(cpu[1]->tsc_offset, cpu[0]->tsc_offset);
	x86_tsc_set_offset(cpu[1], 77);
	ck_assert_uint_eq(cpu[1]->tsc_offset, 77);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), tsc + 5000);
	end_vm();
}
END_TEST

START_TEST(tsc_by_the_guest)
{
	start(2);
	cpu[0]->vcpu.requests = 0;
	apic_tsc_changes = 0;
	ck_assert_int_eq(x86_tsc_write(cpu[0], 5000, false), 0);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), 5000);
	ck_assert_uint_eq(cpu[0]->tsc_adjust, 5000);
	ck_assert(cpu[0]->vcpu.requests & BIT(KVMX_REQ_CLOCK));
	ck_assert_uint_eq(apic_tsc_changes, 1);
	ck_assert_uint_eq(x86_guest_tsc(cpu[1]), 0);
	ck_assert_int_eq(x86_tsc_adjust_write(cpu[0], 1000, false), 0);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), 1000);
	/* User space puts the register back; the TSC itself came by IA32_TSC. */
	ck_assert_int_eq(x86_tsc_adjust_write(cpu[0], 77, true), 0);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), 1000);
	ck_assert_uint_eq(cpu[0]->tsc_adjust, 77);
	end_vm();
}
END_TEST

START_TEST(tsc_frequency)
{
	u64 before;

	start(3);
	shim_clock_advance(NSEC_PER_SEC);
	before = x86_guest_tsc(cpu[0]);
	ck_assert_int_eq(x86_tsc_set_khz(cpu[0], 3000000), 0);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), before);
	ck_assert_uint_eq(cpu[0]->tsc_ratio, 3ull << 31);
	shim_clock_advance(NSEC_PER_SEC);
	ck_assert_uint_eq(x86_guest_tsc(cpu[0]), before + 3000000000);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], 3000000000), NSEC_PER_SEC - 1);
	/* The others join the first, whenever they come. */
	ck_assert_int_eq(x86_tsc_set_khz(cpu[1], 3000000), 0);
	ck_assert_uint_eq(x86_guest_tsc(cpu[1]), x86_guest_tsc(cpu[0]));
	/* One restored, the next gets its frequency after that. */
	x86_tsc_write(cpu[0], 1ull << 40, true);
	shim_clock_advance(1000);
	x86_tsc_write(cpu[1], 1ull << 40, true);
	ck_assert_int_eq(x86_tsc_set_khz(cpu[2], 3000000), 0);
	x86_tsc_write(cpu[2], 1ull << 40, true);
	ck_assert_uint_eq(x86_guest_tsc(cpu[1]), x86_guest_tsc(cpu[0]));
	ck_assert_uint_eq(x86_guest_tsc(cpu[2]), x86_guest_tsc(cpu[0]));
	/* A new vCPU of the default frequency does not disturb that. */
	x86_clock_vcpu_init(add_vcpu());
	ck_assert_int_eq(x86_tsc_set_khz(cpu[3], 3000000), 0);
	ck_assert_uint_eq(x86_guest_tsc(cpu[3]), x86_guest_tsc(cpu[0]));

	/* Near enough to the host's: no scaling, as it is called. */
	ck_assert_int_eq(x86_tsc_set_khz(cpu[0], 2000499), 0);
	ck_assert_uint_eq(cpu[0]->tsc_ratio, 0);
	ck_assert_uint_eq(cpu[0]->tsc_khz, 2000499);
	ck_assert_int_eq(x86_tsc_to_ns(cpu[0], 2000000000), NSEC_PER_SEC);
	ck_assert_int_eq(x86_tsc_set_khz(cpu[0], 0), 0);
	ck_assert_uint_eq(cpu[0]->tsc_khz, 2000000);

	ck_assert(x86_tsc_khz_valid(0));
	ck_assert(x86_tsc_khz_valid(500000000));
	ck_assert(!x86_tsc_khz_valid(520000000));
	ck_assert(!x86_tsc_khz_valid(U32_MAX));
	x86_unit_caps.tsc_scale_max = 1ull << 33;
	ck_assert(x86_tsc_khz_valid(4000000));
	ck_assert(!x86_tsc_khz_valid(4100000));
	x86_unit_caps.tsc_scale = false;
	ck_assert_int_eq(x86_tsc_set_khz(cpu[1], 1000000), -EINVAL);
	ck_assert_uint_eq(cpu[1]->tsc_khz, 3000000);
	ck_assert(x86_tsc_khz_valid(2000100));
	end_vm();
}
END_TEST

/* --- kvmclock --- */

START_TEST(clock_page)
{
	u64 first;
	int i;

	start(2);
	enable_pages();
	first = guest_clock(0);
	ck_assert_uint_lt(first, 1000);
	for (i = 0; i < 50; i++) {
		shim_clock_advance(unit_random_below(1ull << 40));
		ck_assert_uint_le(apart(guest_clock(0), x86_clock_now(vm)), 1);
		ck_assert_uint_eq(guest_clock(0), guest_clock(1));
		/* It is the same clock after the page was written anew. */
		first = guest_clock(0);
		kvmx_vm_request_all(&vm->vm, KVMX_REQ_CLOCK, false);
		serve();
		ck_assert_uint_eq(guest_clock(0), first);
	}
	ck_assert(page_of(0)->flags == KVMX_PVCLOCK_TSC_STABLE);
	ck_assert_uint_le(apart(x86_clock_now(vm), shim_clock() - 100 * NSEC_PER_SEC),
			  shim_clock() >> 31);
	/* An address outside of memory does no harm. */
	x86_clock_set_msr(cpu[0], 1);
	serve();
	x86_clock_set_msr(cpu[0], ~0ull);
	serve();
	end_vm();
}
END_TEST

static unsigned int writes;
static u32 last_version;

/* What another vCPU may see between two writes: an odd version while the rest is unfinished. */
static void watch(void)
{
	const page_t *p = page_of(0);

	writes++;
	if (writes % 3 == 0)
		ck_assert_uint_eq(p->version & 1, 0);
	else
		ck_assert_uint_eq(p->version & 1, 1);
	ck_assert_uint_ge(p->version, last_version);
	last_version = p->version;
}

START_TEST(page_protocol)
{
	static const u32 versions[] = { 0, 1, 2, 0x7ffffffe, 0x7fffffff };
	unsigned int i;

	start(1);
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		page_of(0)->version = versions[i];
		last_version = versions[i];
		writes = 0;
		on_guest_write = watch;
		enable_pages();
		on_guest_write = NULL;
		ck_assert_uint_eq(writes, 3);
		ck_assert_uint_gt(page_of(0)->version, versions[i]);
	}
	end_vm();
}
END_TEST

START_TEST(stable_only_together)
{
	start(3);
	enable_pages();
	ck_assert(page_of(0)->flags & page_of(1)->flags & page_of(2)->flags &
		  KVMX_PVCLOCK_TSC_STABLE);
	shim_clock_advance(NSEC_PER_SEC);
	/* One guest CPU moves its TSC: no page promises anything any more, each is still right. */
	x86_tsc_write(cpu[1], 12345, false);
	serve();
	ck_assert(!((page_of(0)->flags | page_of(1)->flags | page_of(2)->flags) &
		    KVMX_PVCLOCK_TSC_STABLE));
	ck_assert_uint_le(apart(guest_clock(1), guest_clock(0)), 1);
	x86_tsc_write(cpu[1], x86_guest_tsc(cpu[0]), false);
	serve();
	ck_assert(page_of(0)->flags & page_of(1)->flags & page_of(2)->flags &
		  KVMX_PVCLOCK_TSC_STABLE);
	end_vm();
}
END_TEST

START_TEST(stopped)
{
	start(1);
	ck_assert_int_eq(x86_clock_stopped(cpu[0]), -EINVAL);
	enable_pages();
	ck_assert_int_eq(x86_clock_stopped(cpu[0]), 0);
	serve();
	ck_assert(page_of(0)->flags & KVMX_PVCLOCK_GUEST_STOPPED);
	/* It stays until the guest has seen it. */
	kvmx_vcpu_request(&cpu[0]->vcpu, KVMX_REQ_CLOCK);
	serve();
	ck_assert(page_of(0)->flags & KVMX_PVCLOCK_GUEST_STOPPED);
	page_of(0)->flags &= ~KVMX_PVCLOCK_GUEST_STOPPED;
	kvmx_vcpu_request(&cpu[0]->vcpu, KVMX_REQ_CLOCK);
	serve();
	ck_assert(!(page_of(0)->flags & KVMX_PVCLOCK_GUEST_STOPPED));
	end_vm();
}
END_TEST

START_TEST(get_and_set)
{
	struct kvmx_clock_data data, back;

	start(2);
	enable_pages();
	shim_clock_advance(3 * NSEC_PER_SEC);
	x86_clock_get(vm, &data);
	ck_assert_uint_eq(data.clock, guest_clock(0));
	ck_assert_uint_eq(data.flags, KVMX_CLOCK_TSC_STABLE | KVMX_CLOCK_REALTIME |
				      KVMX_CLOCK_HOST_TSC);
	ck_assert_uint_eq(data.realtime, shim_clock_wall());
	ck_assert_uint_eq(data.host_tsc, x86_rdtsc());

	/* Stopped for an hour, and on from there. */
	shim_clock_advance(3600 * NSEC_PER_SEC);
	back = (struct kvmx_clock_data){ .clock = data.clock };
	ck_assert_int_eq(x86_clock_set(vm, &back), 0);
	serve();
	ck_assert_uint_eq(guest_clock(0), data.clock);
	ck_assert_uint_eq(guest_clock(1), data.clock);
	shim_clock_advance(NSEC_PER_SEC);
	ck_assert_uint_le(apart(guest_clock(1), data.clock + NSEC_PER_SEC), 1);

	/* Or as if it had gone on: the wall clock knows how long. */
	back.flags = KVMX_CLOCK_REALTIME;
	back.realtime = data.realtime;
	ck_assert_int_eq(x86_clock_set(vm, &back), 0);
	serve();
	ck_assert_uint_eq(guest_clock(0), data.clock + 3601 * NSEC_PER_SEC);
	/* A wall clock from the future moves nothing. */
	back.realtime = shim_clock_wall() + 5;
	ck_assert_int_eq(x86_clock_set(vm, &back), 0);
	serve();
	ck_assert_uint_eq(guest_clock(0), data.clock);

	back.flags = 1;
	back.clock = 5;
	ck_assert_int_eq(x86_clock_set(vm, &back), -EINVAL);
	back.flags = 0x10;
	ck_assert_int_eq(x86_clock_set(vm, &back), -EINVAL);
	ck_assert_uint_eq(x86_clock_now(vm), data.clock);
	end_vm();
}
END_TEST

START_TEST(wall_clock)
{
	struct kvmx_pvclock_wall_clock *wall = (void *)(ram + 2048);
	u64 start_ns;

	start(1);
	enable_pages();
	shim_clock_advance(12345678901);
	wall->version = 7;
	x86_clock_write_wall(vm, RAM_AT + 2048);
	ck_assert_uint_eq(wall->version & 1, 0);
	ck_assert_uint_gt(wall->version, 7);
	ck_assert_uint_lt(wall->nsec, NSEC_PER_SEC);
	start_ns = wall->sec * NSEC_PER_SEC + wall->nsec;
	ck_assert_uint_le(apart(start_ns + guest_clock(0), shim_clock_wall()), 1);
	x86_clock_write_wall(vm, 0);
	end_vm();
}
END_TEST

/* A host whose TSCs differ: no promise, and a fresh pair each time. */
START_TEST(unstable_host)
{
	struct kvmx_clock_data data;

	start(2);
	tsc_unstable = true;
	ck_assert(x86_clock_unstable());
	enable_pages();
	shim_clock_advance(NSEC_PER_SEC);
	kvmx_vm_request_all(&vm->vm, KVMX_REQ_CLOCK, false);
	serve();
	ck_assert_uint_eq(page_of(0)->flags, 0);
	ck_assert_uint_eq(page_of(0)->system_time, x86_clock_now(vm));
	ck_assert_uint_eq(page_of(0)->system_time, shim_clock() - 100 * NSEC_PER_SEC);
	x86_clock_get(vm, &data);
	ck_assert(!(data.flags & KVMX_CLOCK_TSC_STABLE));
	data.clock = 5;
	data.flags = 0;
	ck_assert_int_eq(x86_clock_set(vm, &data), 0);
	ck_assert_uint_eq(x86_clock_now(vm), 5);
	end_vm();
}
END_TEST

UNIT_MAIN("clock",
	  UNIT_CASE("arithmetic", factors, ticks_to_ns),
	  UNIT_CASE("tsc", tsc_starts_at_0_for_all, tsc_restored_one_by_one, tsc_restored_early,
		    tsc_by_its_offset, tsc_by_the_guest, tsc_frequency),
	  UNIT_CASE("kvmclock", clock_page, page_protocol, stable_only_together, stopped,
		    get_and_set, wall_clock, unstable_host))
