// SPDX-License-Identifier: GPL-2.0-only
/* The page of stolen time, and the flags that other vCPUs leave in it. */
/* links: src/x86/steal.c src/x86/clock.c src/x86/tsc.c */
/* links: src/x86/cpuid.c src/x86/cpuid_host.c src/x86/fpu.c */
#include "x86_world.h"
#include "steal.h"

#define PAGE	(RAM_AT + 64)

static struct kvmx_steal_time *st = (void *)(ram + 64);
static u64 delay;

u64 kvmx_host_run_delay(void)
{
	return delay;
}

/* Another vCPU asks for a flush between the look and the exchange. */
static void ask_for_flush(u8 *flags)
{
	*flags |= KVMX_VCPU_FLUSH_TLB;
	on_guest_cmpxchg = NULL;
}

static void start(void)
{
	build_host(HOST_AMD);
	build_vm(1);
	delay = 1000;
	paged_out = false;
	unit_flushes = 0;
	on_guest_write = NULL;
}

static u32 last_version;

static void version_order(void)
{
	if (st->version & 1)
		last_version = st->version;
	else
		ck_assert_uint_eq(st->version, last_version + 1);
}

START_TEST(stolen)
{
	struct x86_vcpu *v;

	start();
	v = cpu[0];
	ck_assert(!x86_steal_enabled(v));
	ck_assert_int_eq(x86_steal_set_msr(v, PAGE | 3), -EINVAL);
	ck_assert_int_eq(x86_steal_set_msr(v, PAGE | 0x20), -EINVAL);
	ck_assert_uint_eq(v->steal.msr, 0);
	ck_assert_int_eq(x86_steal_set_msr(v, PAGE | 1), 0);
	ck_assert(x86_steal_enabled(v));

	/* What went before is not the guest's; a version that was odd is no obstacle. */
	st->version = 7;
	st->steal = 5;
	on_guest_write = version_order;
	x86_steal_update(v);
	ck_assert_uint_eq(st->steal, 5);
	ck_assert_uint_eq(st->version & 1, 0);
	x86_steal_update(v);
	delay += 300;
	x86_steal_update(v);
	ck_assert_uint_eq(st->steal, 305);
	delay += 1;
	x86_steal_update(v);
	ck_assert_uint_eq(st->steal, 306);

	/* Memory that is not there. */
	on_guest_write = NULL;
	ck_assert_int_eq(x86_steal_set_msr(v, 0x40000000 | 1), 0);
	x86_steal_update(v);
	x86_steal_preempted(v);
	ck_assert(!v->steal.preempted);
	end_vm();
}
END_TEST

START_TEST(preempted)
{
	struct x86_vcpu *v;

	start();
	v = cpu[0];
	ck_assert_int_eq(x86_steal_set_msr(v, PAGE | 1), 0);
	x86_steal_update(v);
	paged_out = true;
	x86_steal_preempted(v);
	ck_assert(!v->steal.preempted);
	ck_assert_uint_eq(st->preempted, 0);
	paged_out = false;
	x86_steal_preempted(v);
	ck_assert_uint_eq(st->preempted, KVMX_VCPU_PREEMPTED);
	x86_steal_update(v);
	ck_assert_uint_eq(st->preempted, 0);
	ck_assert_uint_eq(unit_flushes, 0);

	/* A request for a flush is served whenever it comes. */
	x86_steal_preempted(v);
	st->preempted |= KVMX_VCPU_FLUSH_TLB;
	x86_steal_preempted(v);
	x86_steal_update(v);
	ck_assert_uint_eq(st->preempted, 0);
	ck_assert_uint_eq(unit_flushes, 1);
	x86_steal_preempted(v);
	on_guest_cmpxchg = ask_for_flush;
	x86_steal_update(v);
	ck_assert_uint_eq(st->preempted, 0);
	ck_assert_uint_eq(unit_flushes, 2);

	/* It may have been asked for in memory that is gone. */
	x86_steal_preempted(v);
	v->steal.msr = 0x40000001;
	x86_steal_update(v);
	ck_assert_uint_eq(unit_flushes, 3);
	ck_assert(!v->steal.preempted);
	end_vm();
}
END_TEST

UNIT_MAIN("steal", UNIT_CASE("steal", stolen, preempted))
