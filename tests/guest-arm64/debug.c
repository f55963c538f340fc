// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers: a guest that debugs itself, one that user space debugs, one
 * that writes nonsense; and the breakpoints of the host, which outlive all of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm.h"

GUEST(debugger);
GUEST(debugged);
GUEST(nonsense);

#define DBG_REG(n, op2) \
	(KVMX_REG_ARM64 | KVMX_REG_SIZE_U64 | KVMX_REG_ARM64_SYSREG | 2 << 14 | (n) << 3 | (op2))
#define VBAR_REG \
	(KVMX_REG_ARM64 | KVMX_REG_SIZE_U64 | KVMX_REG_ARM64_SYSREG | 3 << 14 | 12 << 7)

enum { BREAKPOINT = 0x30, STEP = 0x32, WATCHPOINT = 0x34, BRK = 0x3c };

static int debug_set(struct vm *vm, uint32_t control, uint64_t bvr, uint64_t wvr)
{
	struct kvmx_guest_debug debug = { .control = control };

	if (bvr) {
		debug.arch.dbg_bvr[0] = bvr;
		debug.arch.dbg_bcr[0] = 0x1e3;
	}
	if (wvr) {
		debug.arch.dbg_wvr[0] = wvr;
		debug.arch.dbg_wcr[0] = 0x1ffb;
	}
	return ioctl(vm->vcpu[0], KVMX_SET_GUEST_DEBUG, &debug);
}

static uint64_t pc(struct vm *vm)
{
	return reg_get(vm, 0, CORE_REG(regs.pc));
}

static struct vm *debugged(struct story *story, uint32_t control, uint64_t bvr, uint64_t wvr)
{
	struct vm *vm = vm_make(1, false);

	*story = (struct story) { };
	vm_start(vm, 0, guest_debugged, guest_debugged_end);
	reg_set(vm, 0, CORE_REG(regs.regs[4]), 0x100000);
	reg_set(vm, 0, VBAR_REG, 0x800);
	must(debug_set(vm, KVMX_GUESTDBG_ENABLE | control, bvr, wvr), "debug a guest");
	return vm;
}

/* Runs to the next stop: is it of that class, and there? */
static bool stops(struct vm *vm, struct story *story, uint32_t class, uint64_t at)
{
	const struct kvmx_run *run = vm->run[0];

	vm_run(vm, 0, story);
	if (!story->error && story->reason == KVMX_EXIT_DEBUG &&
	    run->debug.arch.hsr >> 26 == class && pc(vm) == at)
		return true;
	printf("exit %u, error %d, done %d, hsr 0x%x at 0x%llx\n", story->reason, story->error,
	       story->done, run->debug.arch.hsr, (unsigned long long)pc(vm));
	return false;
}

static void test_control(void)
{
	struct vm *vm = vm_make(1, false);

	check(ioctl(device, KVMX_CHECK_EXTENSION, KVMX_CAP_SET_GUEST_DEBUG) == 1 &&
	      ioctl(device, KVMX_CHECK_EXTENSION, KVMX_CAP_GUEST_DEBUG_HW_BPS) >= 2 &&
	      ioctl(device, KVMX_CHECK_EXTENSION, KVMX_CAP_GUEST_DEBUG_HW_WPS) >= 2,
	      "guests can be debugged, with breakpoints and watchpoints");
	check(debug_set(vm, KVMX_GUESTDBG_ENABLE | 4, 0, 0) == -1 && errno == EINVAL &&
	      debug_set(vm, 1u << 31, 0, 0) == -1 && errno == EINVAL, "unknown control bits");
	vm_free(vm);
}

static void test_own(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };

	vm_start(vm, 0, guest_debugger, guest_debugger_end);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 0x3c, 0x31, 0, 1, 0x35, 0x100000, 5,
				 0x33, 4, 3, 0x33, 8, 0x33, 12, 0x33, 16),
	      "a guest's own BRK, breakpoint, OS lock, watchpoint, single steps");
	check(reg_get(vm, 0, DBG_REG(0, 6)) == 0x100000 && !reg_get(vm, 0, DBG_REG(0, 7)),
	      "its registers can be read");
	vm_free(vm);
}

static void test_user(void)
{
	struct story story;
	struct vm *vm = debugged(&story, KVMX_GUESTDBG_USE_SW_BP, 0, 0);

	check(stops(vm, &story, BRK, 8) && (vm->run[0]->debug.arch.hsr & 0xffff) == 5,
	      "user space sees a guest's BRK");
	reg_set(vm, 0, CORE_REG(regs.pc), 12);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 3), "and lets it go on");
	vm_free(vm);

	vm = debugged(&story, KVMX_GUESTDBG_USE_HW, 12, 0);
	reg_set(vm, 0, DBG_REG(0, 4), 0x1234560);
	check(stops(vm, &story, BREAKPOINT, 12) &&
	      reg_get(vm, 0, CORE_REG(regs.regs[20])) >> 26 == BRK,
	      "user space's breakpoint; BRK is the guest's when nobody asks for it");
	check(reg_get(vm, 0, DBG_REG(0, 4)) == 0x1234560 && !reg_get(vm, 0, DBG_REG(0, 5)),
	      "the guest's registers are not user space's");
	must(debug_set(vm, 0, 12, 0), "debug no more");
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 3), "and it goes on when debugging ends");
	vm_free(vm);

	vm = debugged(&story, KVMX_GUESTDBG_USE_HW, 0, 0x100000);
	check(stops(vm, &story, WATCHPOINT, 16) && vm->run[0]->debug.arch.far == 0x100000,
	      "user space's watchpoint");
	vm_free(vm);

	vm = debugged(&story, KVMX_GUESTDBG_SINGLESTEP | KVMX_GUESTDBG_USE_SW_BP, 0, 0);
	check(stops(vm, &story, STEP, 4) && stops(vm, &story, STEP, 8) &&
	      stops(vm, &story, BRK, 8), "user space steps up to a BRK");
	reg_set(vm, 0, CORE_REG(regs.pc), 12);
	check(stops(vm, &story, STEP, 16) && stops(vm, &story, STEP, 20) &&
	      stops(vm, &story, STEP, 24) && TOLD(&story, 3) && stops(vm, &story, STEP, 28),
	      "and over an access to a device");
	must(debug_set(vm, 0, 0, 0), "debug no more");
	vm_run(vm, 0, &story);
	check(story.done && story.n == 1, "and stops no more when debugging ends");
	vm_free(vm);
}

static volatile uint64_t watched;

/* The host's own watchpoint, in this thread, which runs the guest. */
static int watch(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)&watched, .bp_len = HW_BREAKPOINT_LEN_8,
		.exclude_kernel = 1, .exclude_hv = 1,
	};

	return must(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0), "watch a variable");
}

static void test_nonsense(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };
	uint32_t there = 2 * (ioctl(device, KVMX_CHECK_EXTENSION, KVMX_CAP_GUEST_DEBUG_HW_BPS) +
			      ioctl(device, KVMX_CHECK_EXTENSION, KVMX_CAP_GUEST_DEBUG_HW_WPS));
	uint64_t count = 0;
	int event = watch();

	watched = 1;
	vm_start(vm, 0, guest_nonsense, guest_nonsense_end);
	vm_run(vm, 0, &story);
	watched = 2;
	check(story.done && TOLD(&story, 64 - there, 0),
	      "nonsense in all debug registers; those that are not there are undefined");
	must(read(event, &count, sizeof(count)), "read a counter");
	check(count == 2, "and the host's own watchpoint outlives it");
	close(event);
	vm_free(vm);
}

void test_debug(void)
{
	test_control();
	test_own();
	test_user();
	test_nonsense();
}
