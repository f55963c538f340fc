// SPDX-License-Identifier: GPL-2.0-only
/* MSR accesses that user space denies, and those it answers. */
/* links: src/x86/msr_filter.c src/x86/clock.c src/x86/tsc.c */
/* links: src/x86/cpuid.c src/x86/cpuid_host.c src/x86/fpu.c */
#include "x86_world.h"
#include <kvmx/ioctl.h>

#define READ	KVMX_MSR_FILTER_READ
#define WRITE	KVMX_MSR_FILTER_WRITE

static u8 some[0x600], none[0x600];
static struct kvmx_msr_filter filter;
static unsigned int skipped;

int kvmx_call_get(u64 uaddr, void *data, size_t len)
{
	if (!uaddr)
		return -EFAULT;
	memcpy(data, (void *)(unsigned long)uaddr, len);
	return 0;
}

void x86_raise_error(struct x86_vcpu *v, u8 vector, u32 error)
{
	raised[vector & 31]++;
}

void x86_skip(struct x86_vcpu *v, u8 insn_len)
{
	skipped = insn_len;
}

static void start(void)
{
	build_host(HOST_AMD);
	build_vm(2);
	mutex_init(&vm->vm.lock);
	memset(&filter, 0, sizeof(filter));
	memset(some, 0, sizeof(some));
	some[0] = 0x05;		/* the first and the third */
	skipped = 0;
}

static void end(void)
{
	x86_msr_filter_destroy(vm);
	end_vm();
}

static int set(void)
{
	int ret;

	mutex_lock(&vm->vm.lock);
	ret = x86_msr_filter_set(vm, &filter);
	mutex_unlock(&vm->vm.lock);
	return ret;
}

static void range(unsigned int i, u32 flags, u32 base, u32 nr, u8 *bits)
{
	filter.ranges[i] = (struct kvmx_msr_filter_range){ flags, nr, base, bits };
}

static bool may(u32 msr, bool write)
{
	return x86_msr_allowed(cpu[0], msr, write);
}

START_TEST(ranges)
{
	start();
	ck_assert(may(0x10, true));
	range(3, READ, 0x100, 4, some);
	range(5, READ | WRITE, 0x102, 2, none);
	ck_assert_int_eq(set(), 0);
	ck_assert(kvmx_vcpu_take(&cpu[1]->vcpu, KVMX_REQ_MSR_FILTER));
	ck_assert(may(0x100, false));
	ck_assert(!may(0x101, false));
	ck_assert(may(0x102, false));	/* the first range that has it decides */
	ck_assert(!may(0x103, false));
	ck_assert(may(0x104, false));
	ck_assert(may(0xff, false));
	ck_assert(may(0x101, true));
	ck_assert(!may(0x102, true));

	filter.flags = KVMX_MSR_FILTER_DEFAULT_DENY;
	ck_assert_int_eq(set(), 0);
	ck_assert(may(0x100, false));
	ck_assert(!may(0x104, false));
	ck_assert(!may(0x100, true));
	ck_assert(!may(0x7ff, true));
	ck_assert(may(0x800, true));	/* x2APIC */
	ck_assert(may(0x8ff, false));
	ck_assert(!may(0x900, false));

	/* No ranges: no filter. */
	memset(&filter, 0, sizeof(filter));
	ck_assert_int_eq(set(), 0);
	ck_assert(may(0x101, false));
	end();
}
END_TEST

/* The numbers of a range may wrap around. */
START_TEST(edges)
{
	start();
	range(0, READ, 0xfffffffe, 8, some);
	ck_assert_int_eq(set(), 0);
	ck_assert(may(0xfffffffe, false));
	ck_assert(!may(0xffffffff, false));
	range(0, READ, 0x1000, sizeof(some) * 8, some);
	ck_assert_int_eq(set(), 0);
	ck_assert(!may(0x1000 + sizeof(some) * 8 - 1, false));
	ck_assert(may(0x1000 + sizeof(some) * 8, false));
	end();
}
END_TEST

START_TEST(refused)
{
	start();
	range(0, READ, 0x100, 4, some);
	ck_assert_int_eq(set(), 0);

	filter.flags = 2;
	ck_assert_int_eq(set(), -EINVAL);
	filter.flags = 0;
	range(1, 4, 0, 4, some);
	ck_assert_int_eq(set(), -EINVAL);
	range(1, 0, 0, 4, some);
	ck_assert_int_eq(set(), -EINVAL);
	range(1, READ, 0, sizeof(some) * 8 + 1, some);
	ck_assert_int_eq(set(), -EINVAL);
	range(1, READ, 0, 0xffffffff, some);
	ck_assert_int_eq(set(), -EINVAL);
	range(1, READ, 0, 4, NULL);
	ck_assert_int_eq(set(), -EFAULT);
	memset(&filter, 0, sizeof(filter));
	filter.flags = KVMX_MSR_FILTER_DEFAULT_DENY;
	ck_assert_int_eq(set(), -EINVAL);
	ck_assert(!may(0x101, false));	/* the first is still there */
	end();
}
END_TEST

START_TEST(msrs_of_the_unit)
{
	start();
	fake_direct_msrs[0] = X86_MSR_LSTAR;
	fake_direct_msrs[1] = X86_MSR_FS_BASE;
	x86_msr_filter_apply(cpu[0]);
	ck_assert(!cpu[0]->msr_exits);
	range(0, WRITE, X86_MSR_FS_BASE, 1, none);
	ck_assert_int_eq(set(), 0);
	x86_msr_filter_apply(cpu[0]);
	ck_assert(cpu[0]->msr_exits);
	ck_assert_uint_eq(unit_intercept_changes, 1);
	range(0, WRITE, 0x10, 1, none);
	ck_assert_int_eq(set(), 0);
	x86_msr_filter_apply(cpu[0]);
	ck_assert(!cpu[0]->msr_exits);
	ck_assert_uint_eq(unit_intercept_changes, 2);
	fake_direct_msrs[0] = 0;
	end();
}
END_TEST

START_TEST(answered_by_user_space)
{
	struct kvmx_run *run;
	struct x86_vcpu *v;

	start();
	v = cpu[0];
	run = v->vcpu.run;
	v->rip = 0x1000;
	ck_assert_int_eq(x86_msr_failed(v, false, 0x99, 0, -ENOENT, 2), RUN_STAY);
	ck_assert_uint_eq(raised[X86_EXC_GP], 1);

	vm->msr_exit_reasons = KVMX_MSR_EXIT_REASON_UNKNOWN;
	ck_assert_int_eq(x86_msr_failed(v, false, 0x99, 0, -EPERM, 2), RUN_STAY);
	ck_assert_int_eq(x86_msr_failed(v, false, 0x99, 0, -EINVAL, 2), RUN_STAY);
	ck_assert_uint_eq(raised[X86_EXC_GP], 3);
	ck_assert_int_eq(x86_msr_failed(v, false, 0x99, 77, -ENOENT, 2), RUN_USER);
	ck_assert_uint_eq(run->exit_reason, KVMX_EXIT_X86_RDMSR);
	ck_assert_uint_eq(run->msr.index, 0x99);
	ck_assert_uint_eq(run->msr.reason, KVMX_MSR_EXIT_REASON_UNKNOWN);
	ck_assert_uint_eq(run->msr.data, 0);
	run->msr.data = 0x1234567890abcdef;
	ck_assert_int_eq(v->io.complete(v), 0);
	ck_assert_uint_eq(v->gpr[X86_RAX], 0x90abcdef);
	ck_assert_uint_eq(v->gpr[X86_RDX], 0x12345678);
	ck_assert_uint_eq(skipped, 2);

	/* An error, and a vCPU that was moved elsewhere. */
	skipped = 0;
	vm->msr_exit_reasons = KVMX_MSR_EXIT_REASON_VALID_MASK;
	ck_assert_int_eq(x86_msr_failed(v, true, 0x99, 77, -EPERM, 2), RUN_USER);
	ck_assert_uint_eq(run->exit_reason, KVMX_EXIT_X86_WRMSR);
	ck_assert_uint_eq(run->msr.reason, KVMX_MSR_EXIT_REASON_FILTER);
	ck_assert_uint_eq(run->msr.data, 77);
	run->msr.error = 1;
	ck_assert_int_eq(v->io.complete(v), 0);
	ck_assert_uint_eq(raised[X86_EXC_GP], 4);
	v->rip = 0x2000;
	ck_assert_int_eq(v->io.complete(v), 0);
	ck_assert_uint_eq(raised[X86_EXC_GP], 4);
	ck_assert_uint_eq(skipped, 0);
	end();
}
END_TEST

UNIT_MAIN("msr_filter",
	  UNIT_CASE("msr_filter", ranges, edges, refused, msrs_of_the_unit, answered_by_user_space))
