// SPDX-License-Identifier: GPL-2.0-only
/* What KVMX_RUN exchanges with user space, and exits that a VM does without. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "vcpu.h"

GUEST_CODE(count, "1: inc %rbx; out %al, $0xef; jmp 1b");

static void registers_in_the_run_page(void)
{
	struct guest g = guest_make(0);
	struct kvmx_sync_regs *s = &g.run->s.regs;

	LOAD(&g, count);
	check_is(cap(dev, KVMX_CAP_SYNC_REGS), 7, "three sets of registers");
	g.run->kvmx_valid_regs = 8;
	check(ioctl(g.cpu, KVMX_RUN, 0) && errno == EINVAL, "a fourth is refused");
	g.run->kvmx_valid_regs = 0;
	g.run->kvmx_dirty_regs = 8;
	check(ioctl(g.cpu, KVMX_RUN, 0) && errno == EINVAL, "as dirty, too");
	g.run->kvmx_dirty_regs = 0;

	memset(s, 0x5a, sizeof(*s));
	g.run->kvmx_valid_regs = KVMX_SYNC_X86_REGS;
	guest_run(&g);
	check_is(s->regs.rbx, 1, "the general registers are there");
	check_is(s->sregs.cr3, 0x5a5a5a5a5a5a5a5a, "the others are not");
	g.run->kvmx_valid_regs = 7;
	s->regs.rbx = 0x1000;
	guest_run(&g);
	check_is(s->regs.rbx, 2, "what is not dirty does not count");
	check_is(s->sregs.cr3, 0x1000, "CR3 is there");

	s->regs.rbx = 0x1000;
	s->sregs.cr2 = 0x77;
	/* In-tree KVM sets bits there only: no interrupt is waiting. */
	memset(s->sregs.interrupt_bitmap, 0, sizeof(s->sregs.interrupt_bitmap));
	g.run->kvmx_dirty_regs = KVMX_SYNC_X86_REGS | KVMX_SYNC_X86_SREGS;
	check_is(guest_run(&g), KVMX_EXIT_IO, "the guest goes on");
	check_is(s->regs.rbx, 0x1001, "what is dirty does");
	check_is(s->sregs.cr2, 0x77, "as does CR2");
	check_is(g.run->kvmx_dirty_regs, 0, "it is clean now");
	g.run->kvmx_dirty_regs = KVMX_SYNC_X86_SREGS;
	s->sregs.cr4 = 1ull << 40;
	check(ioctl(g.cpu, KVMX_RUN, 0) && errno == EINVAL, "impossible registers are refused");
	guest_end(&g);
}

GUEST_CODE(halt, "mov $0x1234, %ebx; sti; 1: hlt; jmp 1b");

static void on_alarm(int unused)
{
	(void)unused;
}

/* An interrupt of the host ends the halt; RIP is behind it then. */
static void halts_by_itself(void)
{
	struct kvmx_enable_cap c = { .cap = KVMX_CAP_X86_DISABLE_EXITS,
				     .args = { KVMX_X86_DISABLE_EXITS_HLT } };
	struct itimerval soon = { .it_value.tv_usec = 200000 };
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	struct guest g = guest_make(0);
	int known = cap(dev, KVMX_CAP_X86_DISABLE_EXITS);

	check((known & 2) && !(known & ~0x1f), "HLT's exits can be disabled");
	LOAD(&g, halt);
	check_is(guest_run(&g), KVMX_EXIT_HLT, "HLT comes to user space");
	if (!in_tree)
		check(ioctl(g.vm, KVMX_ENABLE_CAP, &c) && errno == EINVAL, "it is too late to change");
	guest_end(&g);

	g = guest_make(WITHOUT_HLT);
	c.args[0] = 1 << 20;
	check(ioctl(g.vm, KVMX_ENABLE_CAP, &c) && errno == EINVAL, "an unknown exit is refused");
	LOAD(&g, halt);
	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	check(guest_run(&g) == ~0u && errno == EINTR, "without its exits the guest halts by itself");
	check_is(guest_regs(&g).rbx, 0x1234, "at HLT");
	sigaction(SIGALRM, &old, NULL);
	alarm(60);
	guest_end(&g);
}

GUEST_CODE(spin, "1: jmp 1b");

/*
 * Gives the parent, which has one thread, work to do before it returns to user space:
 * a session keyring, and the next, for as long as it lives.
 */
static void burden(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	while (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) > 0 &&
	       !syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT))
		;
	_exit(1);
}

static void signals_only(void)
{
	struct itimerval soon = { .it_value.tv_usec = 500000 }, left;
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	struct guest g = guest_make(0);
	long before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	pid_t parent = getpid(), child = fork();
	int status;

	if (!child)
		burden(parent);
	LOAD(&g, spin);
	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	check(guest_run(&g) == ~0u && errno == EINTR, "a signal ends the run");
	getitimer(ITIMER_REAL, &left);
	check(!left.it_value.tv_sec && !left.it_value.tv_usec,
	      "nothing else does, work that the kernel has for the task included");
	check(before != syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0),
	      "and that was done");
	kill(child, SIGKILL);
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "there was more of it");
	sigaction(SIGALRM, &old, NULL);
	alarm(60);
	guest_end(&g);
}

void test_run(void)
{
	signals_only();
	registers_in_the_run_page();
	halts_by_itself();
}
