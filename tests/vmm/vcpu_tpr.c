// SPDX-License-Identifier: GPL-2.0-only
/*
 * The task priority register where user space takes part: its own local APIC
 * and CR8, reports of accesses, and the copy in guest memory (KVMX_SET_VAPIC_ADDR).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vcpu.h"

#define LAPIC_PAGE	0xfee00000ul
#define TPR		0x80
#define SVR		0xf0
#define IRR		0x200

static void runs_to(struct guest *g, uint16_t port, const char *what)
{
	uint32_t reason = guest_run(g);
	bool good = reason == KVMX_EXIT_IO && g->run->io.port == port;

	check(good, "%s", what);
	if (!good)
		note("exit %u, rip %#llx", reason, guest_regs(g).rip);
}

GUEST_CODE(cr8, "mov $5, %eax; mov %rax, %cr8; mov $7, %al; mov %rax, %cr8; out %al, $0x10\n"
	   "mov $2, %al; mov %rax, %cr8; mov %cr8, %rbx; mov %rax, %cr8; out %al, $0x11\n"
	   "mov %cr8, %rcx; out %al, $0x12");

static void user_apic(void)
{
	struct guest g = guest_make(0);

	LOAD(&g, cr8);
	runs_to(&g, 0x10, "raising CR8 is the guest's own business");
	check_is(g.run->cr8, 7, "and user space sees the value");
	check_is(guest_run(&g), KVMX_EXIT_SET_TPR, "lowering CR8 is told");
	check_is(g.run->cr8, 2, "with the value");
	runs_to(&g, 0x11, "and done; the same again is not told");
	check_is(guest_regs(&g).rbx, 2, "the guest reads it back");
	g.run->cr8 = 9;
	runs_to(&g, 0x12, "user space gives a value");
	check_is(guest_regs(&g).rcx, 9, "and the guest has it");
	guest_end(&g);
}

GUEST_CODE(report, "mov $0x40000080, %esi\nmovl $0x20, (%rsi)\nmov (%rsi), %ebx\n"
	   "out %al, $0x10");

static void reported(struct guest *g, uint64_t at, uint32_t is_write, const char *what)
{
	uint32_t reason = guest_run(g);
	bool good = reason == KVMX_EXIT_TPR_ACCESS && g->run->tpr_access.rip == at &&
		    g->run->tpr_access.is_write == is_write;

	check(good, "%s", what);
	if (!good)
		note("exit %u, rip %#llx, write %u", reason, g->run->tpr_access.rip,
		     g->run->tpr_access.is_write);
}

static void reports(void)
{
	struct guest g = guest_make(WITH_IRQCHIP);
	struct kvmx_tpr_access_ctl ctl = { .enabled = 1 };

	guest_map(&g, DEVICE, LAPIC_PAGE);
	LOAD(&g, report);
	check(!ioctl(g.cpu, KVMX_TPR_ACCESS_REPORTING, &ctl), "reports of the task priority");
	reported(&g, CODE + 5, 1, "a write");
	reported(&g, CODE + 11, 0, "a read");
	runs_to(&g, 0x10, "and the guest goes on");
	check_is(guest_regs(&g).rbx, 0x20, "with the value");

	LOAD(&g, report);
	ctl.enabled = 0;
	check(!ioctl(g.cpu, KVMX_TPR_ACCESS_REPORTING, &ctl), "no reports any more");
	runs_to(&g, 0x10, "nothing is told");
	ctl.flags = 1;
	check(ioctl(g.cpu, KVMX_TPR_ACCESS_REPORTING, &ctl) && errno == EINVAL, "unknown flags");
	guest_end(&g);
}

GUEST_CODE(vapic, "mov $0x30000, %esi; mov $0x40000080, %edi; mov (%rsi), %ebx; out %al, $0x10\n"
	   "movb $0x45, (%rsi); mov (%rdi), %ecx; out %al, $0x11; mov (%rsi), %edx; out %al, $0x12\n"
	   "movb $0x55, (%rsi); movl $0x66, (%rdi); mov (%rsi), %ebx; out %al, $0x13");

static uint32_t lapic(struct guest *g, unsigned int reg, const uint32_t *set)
{
	struct kvmx_lapic_state s;
	uint32_t value;

	ioctl(g->cpu, KVMX_GET_LAPIC, &s);
	memcpy(&value, &s.regs[reg], sizeof(value));
	if (set) {
		memcpy(&s.regs[reg], set, sizeof(*set));
		ioctl(g->cpu, KVMX_SET_LAPIC, &s);
	}
	return value;
}

static void in_guest_memory(void)
{
	struct guest g = guest_make(WITH_IRQCHIP);
	struct kvmx_vapic_addr addr = { .vapic_addr = DATA };
	uint32_t tpr = 0x33, vector_0x61 = 2, enabled = 0x1ff;

	guest_map(&g, DEVICE, LAPIC_PAGE);
	LOAD(&g, vapic);
	lapic(&g, SVR, &enabled);
	lapic(&g, TPR, &tpr);
	check(!ioctl(g.cpu, KVMX_SET_VAPIC_ADDR, &addr), "the task priority in guest memory");
	runs_to(&g, 0x10, "the guest reads it there");
	check_is(guest_regs(&g).rbx, 0x33, "with its value");
	runs_to(&g, 0x11, "and writes it there");
	check_is(guest_regs(&g).rcx, 0x45, "the register follows");
	check_is(lapic(&g, TPR, NULL), 0x45, "for user space, too");
	tpr = 0x10;
	lapic(&g, TPR, &tpr);
	lapic(&g, IRR + 0x30, &vector_0x61);
	runs_to(&g, 0x12, "user space changes it, and an interrupt waits");
	check_is(guest_regs(&g).rdx, 0x61000010, "the guest reads both");
	runs_to(&g, 0x13, "written in both places");
	if (!in_tree)		/* there the copy wins, whenever it was written */
		check_is(guest_regs(&g).rbx, 0x61000066, "the later one counts");

	addr.vapic_addr = RAM_SIZE;
	check(ioctl(g.cpu, KVMX_SET_VAPIC_ADDR, &addr) && errno == EINVAL, "where there is no memory");
	addr.vapic_addr = 0;
	check(!ioctl(g.cpu, KVMX_SET_VAPIC_ADDR, &addr), "not any more");
	memset(g.ram + DATA, 0xee, 4);
	LOAD(&g, vapic);
	runs_to(&g, 0x10, "the guest runs without it");
	check_is(guest_regs(&g).rbx, 0xeeeeeeee, "and its memory is its own");
	guest_end(&g);
}

void test_tpr(void)
{
	user_apic();
	reports();
	in_guest_memory();
}
