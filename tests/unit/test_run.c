// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVMX_RUN's loop over a guest floor that follows a script: the order of its
 * parts, and what makes it return.
 */
/* links: src/core/run.c */
#include <linux/sched.h>
#include <linux/srcu.h>

#include <kvmx/arch.h>
#include <kvmx/host.h>
#include "unit.h"

static struct kvmx_vm vm;
static struct kvmx_vcpu vcpu;
static struct kvmx_run run_page;

/* One letter for each part that was called. */
static char called[64];
static unsigned int nr_called;

static struct {
	int begin;
	enum run_next complete, requests, guest[4];
	unsigned int guests, waits_in_vain, user_work_after;
	bool ring_full;
} script;

static void note(char part)
{
	ck_assert_uint_lt(nr_called, sizeof(called) - 1);
	called[nr_called++] = part;
	called[nr_called] = 0;
}

/* All parts but the first and the last may touch the slots. */
static void note_inside(char part)
{
	ck_assert(srcu_read_lock_held(&vm.memory.srcu));
	note(part);
}

int kvmx_arch_run_begin(struct kvmx_vcpu *v)
{
	ck_assert(!srcu_read_lock_held(&vm.memory.srcu));
	note('b');
	return script.begin;
}

enum run_next kvmx_arch_run_complete(struct kvmx_vcpu *v)
{
	note_inside('c');
	return script.complete == RUN_ERROR ? run_fail(v, -EFAULT) : script.complete;
}

enum run_next kvmx_arch_run_requests(struct kvmx_vcpu *v)
{
	note_inside('r');
	v->requests = 0;
	return script.requests;
}

bool kvmx_arch_run_wait(struct kvmx_vcpu *v)
{
	note_inside('w');
	return !script.waits_in_vain || script.waits_in_vain-- == 0;
}

enum run_next kvmx_arch_run_guest(struct kvmx_vcpu *v)
{
	enum run_next next;

	note_inside('g');
	ck_assert_uint_lt(script.guests, ARRAY_SIZE(script.guest));
	next = script.guest[script.guests++];
	return next == RUN_ERROR ? run_fail(v, -EIO) : next;
}

void kvmx_arch_run_end(struct kvmx_vcpu *v)
{
	ck_assert(!srcu_read_lock_held(&vm.memory.srcu));
	note('e');
}

bool kvmx_host_user_work_pending(void)
{
	note_inside('s');
	return script.user_work_after && --script.user_work_after == 0;
}

void kvmx_memslots_let_go(struct kvmx_vcpu *v)
{
	note_inside('l');
}

bool kvmx_dirty_ring_full(const struct kvmx_vcpu *v)
{
	return script.ring_full;
}

static int go(void)
{
	nr_called = 0;
	script.guests = 0;
	return kvmx_run(&vcpu);
}

static void start(void)
{
	memset(&script, 0, sizeof(script));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&run_page, 0, sizeof(run_page));
	ck_assert_int_eq(init_srcu_struct(&vm.memory.srcu), 0);
	vcpu.vm = &vm;
	vcpu.run = &run_page;
	run_page.exit_reason = 1234;
}

static void end(void)
{
	cleanup_srcu_struct(&vm.memory.srcu);
}

START_TEST(until_user_space_is_asked)
{
	script.guest[0] = RUN_LEAVE;
	script.guest[1] = RUN_STAY;
	script.guest[2] = RUN_USER;
	ck_assert_int_eq(go(), 0);
	/* A signal is looked for between windows, not before the first one. */
	ck_assert_str_eq(called, "bcwgswgswge");
	ck_assert_uint_eq(run_page.exit_reason, 1234);
}
END_TEST

START_TEST(cannot_begin)
{
	script.begin = -ENOEXEC;
	ck_assert_int_eq(go(), -ENOEXEC);
	ck_assert_str_eq(called, "b");
}
END_TEST

START_TEST(errors)
{
	script.guest[0] = RUN_ERROR;
	ck_assert_int_eq(go(), -EIO);
	ck_assert_str_eq(called, "bcwge");
	script.complete = RUN_ERROR;
	ck_assert_int_eq(go(), -EFAULT);
	ck_assert_str_eq(called, "bce");
	/* The next one of an access that user space serves in parts. */
	script.complete = RUN_USER;
	ck_assert_int_eq(go(), 0);
	ck_assert_str_eq(called, "bce");
}
END_TEST

START_TEST(immediate_exit)
{
	run_page.immediate_exit = 1;
	ck_assert_int_eq(go(), -EINTR);
	ck_assert_str_eq(called, "bce");
	ck_assert_uint_eq(run_page.exit_reason, 1234);
	/* What is not complete comes first. */
	script.complete = RUN_USER;
	ck_assert_int_eq(go(), 0);
}
END_TEST

START_TEST(signals)
{
	script.guest[0] = script.guest[1] = RUN_LEAVE;
	script.user_work_after = 2;
	ck_assert_int_eq(go(), -EINTR);
	ck_assert_str_eq(called, "bcwgswgse");
	ck_assert_uint_eq(run_page.exit_reason, KVMX_EXIT_INTR);
	/* So does one that ends a halt. */
	script.waits_in_vain = 1;
	script.user_work_after = 1;
	ck_assert_int_eq(go(), -EINTR);
	ck_assert_str_eq(called, "bcwse");
}
END_TEST

START_TEST(requests)
{
	script.guest[0] = RUN_USER;
	kvmx_vcpu_request(&vcpu, KVMX_REQ_SLOTS);
	ck_assert_int_eq(go(), 0);
	ck_assert_str_eq(called, "bclrwge");
	kvmx_vcpu_request(&vcpu, KVMX_REQ_ARCH);
	script.requests = RUN_USER;
	ck_assert_int_eq(go(), 0);
	ck_assert_str_eq(called, "bcre");
	kvmx_vcpu_request(&vcpu, KVMX_REQ_VM_DEAD);
	ck_assert_int_eq(go(), -EIO);
	ck_assert_str_eq(called, "bce");
}
END_TEST

START_TEST(dirty_ring)
{
	script.guest[0] = RUN_USER;
	script.ring_full = true;
	kvmx_vcpu_request(&vcpu, KVMX_REQ_DIRTY_RING);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(go(), 0);
		ck_assert_str_eq(called, "bce");
		ck_assert_uint_eq(run_page.exit_reason, KVMX_EXIT_DIRTY_RING_FULL);
	}
	script.ring_full = false;
	ck_assert_int_eq(go(), 0);
	ck_assert_str_eq(called, "bcrwge");
}
END_TEST

static TCase *loop(void)
{
	TCase *tc = UNIT_CASE("loop", until_user_space_is_asked, cannot_begin, errors, immediate_exit,
			      signals, requests, dirty_ring);

	tcase_add_checked_fixture(tc, start, end);
	return tc;
}

UNIT_MAIN("run", loop())
