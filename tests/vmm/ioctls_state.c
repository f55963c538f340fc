// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET, SET of the same, GET again: the same bytes, for every part of the state
 * that migration moves, in VMs with the controllers in the kernel, split and
 * in user space. And GET twice: reading changes nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ioctls.h"

#define STATE_MAX	4096

static const char *vm_name;

static const struct part {
	const char *name;
	unsigned long get, set;
	bool of_vm, needs_lapic;
	uint32_t id;			/* the first word, when GET reads one */
	long cap;
} parts[] = {
	{ "REGS", KVMX_GET_REGS, KVMX_SET_REGS, 0, 0, 0, 0 },
	{ "SREGS", KVMX_GET_SREGS, KVMX_SET_SREGS, 0, 0, 0, 0 },
	{ "SREGS2", KVMX_GET_SREGS2, KVMX_SET_SREGS2, 0, 0, 0, KVMX_CAP_SREGS2 },
	{ "FPU", KVMX_GET_FPU, KVMX_SET_FPU, 0, 0, 0, 0 },
	{ "XSAVE", KVMX_GET_XSAVE, KVMX_SET_XSAVE, 0, 0, 0, KVMX_CAP_XSAVE },
	{ "XCRS", KVMX_GET_XCRS, KVMX_SET_XCRS, 0, 0, 0, KVMX_CAP_XCRS },
	{ "DEBUGREGS", KVMX_GET_DEBUGREGS, KVMX_SET_DEBUGREGS, 0, 0, 0, 0 },
	{ "VCPU_EVENTS", KVMX_GET_VCPU_EVENTS, KVMX_SET_VCPU_EVENTS, 0, 0, 0, 0 },
	{ "MP_STATE", KVMX_GET_MP_STATE, KVMX_SET_MP_STATE, 0, 0, 0, 0 },
	{ "LAPIC", KVMX_GET_LAPIC, KVMX_SET_LAPIC, 0, 1, 0, 0 },
	{ "IRQCHIP 0", KVMX_GET_IRQCHIP, KVMX_SET_IRQCHIP, 1, 0, 0, 0 },
	{ "IRQCHIP 1", KVMX_GET_IRQCHIP, KVMX_SET_IRQCHIP, 1, 0, 1, 0 },
	{ "IRQCHIP 2", KVMX_GET_IRQCHIP, KVMX_SET_IRQCHIP, 1, 0, 2, 0 },
	{ "PIT2", KVMX_GET_PIT2, KVMX_SET_PIT2, 1, 0, 0, 0 },
};

/* A counter starts when its count is loaded, which SET does. */
static void ignore_time(const struct part *part, void *data)
{
	struct kvmx_pit_state2 *pit = data;
	int i;

	for (i = 0; part->get == KVMX_GET_PIT2 && i < 3; i++)
		pit->channels[i].count_load_time = 0;
}

static int get(const struct test_vm *t, const struct part *part, void *data)
{
	int result;

	memset(data, 0xa5, STATE_MAX);
	memcpy(data, &part->id, sizeof(part->id));
	result = ioctl(part->of_vm ? t->vm : t->cpu, part->get, data);
	ignore_time(part, data);
	return result;
}

static void same(const char *what, const char *name, const uint8_t *a, const uint8_t *b, size_t size)
{
	size_t i;

	for (i = 0; i < size && a[i] == b[i]; i++)
		;
	check(i == size, "%s: %s: %s", vm_name, name, what);
	if (i < size)
		note("byte %#zx was %#x and is %#x", i, a[i], b[i]);
}

static void round_trip(const struct test_vm *t, const struct part *part)
{
	static uint8_t first[STATE_MAX], second[STATE_MAX], third[STATE_MAX];
	size_t size = _IOC_SIZE(part->get);

	if (get(t, part, first) || get(t, part, second)) {
		check(false, "%s: GET of %s: %s", vm_name, part->name, strerror(errno));
		return;
	}
	same("GET changes nothing", part->name, first, second, size);
	if (ioctl(part->of_vm ? t->vm : t->cpu, part->set, second)) {
		check(false, "%s: SET of %s: %s", vm_name, part->name, strerror(errno));
		return;
	}
	if (get(t, part, third))
		check(false, "%s: GET of %s: %s", vm_name, part->name, strerror(errno));
	same("comes back as it was set", part->name, first, third, size);
}

static void all_parts(const struct test_vm *t, int with)
{
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].cap && cap(dev, parts[i].cap) <= 0)
			continue;
		if (parts[i].of_vm && !(with & WITH_IRQCHIP))
			continue;
		if (parts[i].needs_lapic && !(with & (WITH_IRQCHIP | WITH_SPLIT)))
			continue;
		round_trip(t, &parts[i]);
	}
}

static int get_msr(int cpu, uint32_t index, uint64_t *value)
{
	struct { struct kvmx_msrs head; struct kvmx_msr_entry e; } m = {
		.head.nmsrs = 1, .e.index = index,
	};
	int result = ioctl(cpu, KVMX_GET_MSRS, &m);

	*value = m.e.data;
	return result;
}

static int set_msr(int cpu, uint32_t index, uint64_t value)
{
	struct { struct kvmx_msrs head; struct kvmx_msr_entry e; } m = {
		.head.nmsrs = 1, .e = { .index = index, .data = value },
	};

	return ioctl(cpu, KVMX_SET_MSRS, &m);
}

/* They count, or are made of what counts. */
static bool msr_counts(uint32_t index)
{
	return index == 0x10 || index == 0xe7 || index == 0xe8 || index == 0x40000020 ||
	       index == 0x3b;
}

static struct kvmx_msr_list *msr_list(void)
{
	struct kvmx_msr_list *list = calloc(1, sizeof(*list) + 1024 * sizeof(uint32_t));

	list->nmsrs = 1024;
	check(!ioctl(dev, KVMX_GET_MSR_INDEX_LIST, list) && list->nmsrs > 20,
	      "the list of MSRs has %u", list->nmsrs);
	return list;
}

/* The vCPU has the CPU's features: an MSR that needs one is there. */
static void give_cpuid(int cpu)
{
	struct kvmx_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	cpuid->nent = 256;
	check(!ioctl(dev, KVMX_GET_SUPPORTED_CPUID, cpuid) && cpuid->nent > 10 &&
	      !ioctl(cpu, KVMX_SET_CPUID2, cpuid), "%s: CPUID as supported", vm_name);
	free(cpuid);
}

/* In-tree KVM has its asynchronous page faults' interrupt only with a local APIC, yet reads it. */
static bool msr_needs_lapic(uint32_t index)
{
	return in_tree && (index == 0x4b564d06 || index == 0x4b564d07);
}

static void all_msrs(const struct test_vm *t, int with)
{
	bool lapic = with & (WITH_IRQCHIP | WITH_SPLIT);
	struct kvmx_msr_list *list = msr_list();
	unsigned int wrong = 0, unreadable = 0, i;
	uint64_t a, b, c;

	for (i = 0; i < list->nmsrs; i++) {
		uint32_t index = list->indices[i];

		if (msr_needs_lapic(index) && !lapic)
			continue;
		if (get_msr(t->cpu, index, &a) != 1) {
			note("MSR %#x of the list cannot be read", index);
			unreadable++;
			continue;
		}
		get_msr(t->cpu, index, &b);
		if (set_msr(t->cpu, index, a) != 1) {
			note("MSR %#x cannot be set to its value %#llx", index, (unsigned long long)a);
			wrong++;
			continue;
		}
		if (get_msr(t->cpu, index, &c) != 1 || (!msr_counts(index) && (a != b || b != c))) {
			note("MSR %#x was %#llx, is %#llx", index, (unsigned long long)a,
			     (unsigned long long)c);
			wrong++;
		}
	}
	check(!wrong, "%s: MSRs come back as they were set", vm_name);
	/* In-tree KVM lists some that only other CPU models have. */
	check(!unreadable || in_tree, "%s: every MSR of the list can be read", vm_name);
	free(list);
}

static void clock_round_trip(const struct test_vm *t)
{
	struct kvmx_clock_data a = { 0 }, b = { 0 };
	bool good = !ioctl(t->vm, KVMX_GET_CLOCK, &a);

	a.flags = 0;
	a.clock += 1000000000000ull;
	good = good && !ioctl(t->vm, KVMX_SET_CLOCK, &a) && !ioctl(t->vm, KVMX_GET_CLOCK, &b);
	check(good && b.clock >= a.clock && b.clock - a.clock < 5000000000ull,
	      "%s: CLOCK goes on from where it was set", vm_name);
}

static void scramble(void *data, size_t size, unsigned int seed)
{
	uint8_t *byte = data;

	while (size--)
		*byte++ = (seed = seed * 1103515245 + 12345) >> 16;
}

/* Long mode, odd values everywhere, events under way. */
static void busy_state(const struct test_vm *t, int with)
{
	struct kvmx_vcpu_events events;
	struct kvmx_debugregs debug;
	struct kvmx_sregs sregs;
	struct kvmx_regs regs, back;
	struct kvmx_fpu fpu;
	struct kvmx_xcrs xcrs;
	bool good;

	scramble(&regs, sizeof(regs), 1);
	regs.rip &= 0x7fffffffffff;
	regs.rflags = 0x40ed7;
	good = !ioctl(t->cpu, KVMX_SET_REGS, &regs) && !ioctl(t->cpu, KVMX_GET_REGS, &back);
	check(good && !memcmp(&regs, &back, sizeof(regs)), "%s: REGS are what was set", vm_name);

	good = !ioctl(t->cpu, KVMX_GET_SREGS, &sregs);
	sregs.cr0 = 0x80050033;
	sregs.cr2 = 0x123456789abcdef0;
	sregs.cr3 = 0x10000;
	sregs.cr4 = 0x6a0;
	sregs.cr8 = 3;
	sregs.efer = 0xd01;
	sregs.cs.l = 1;
	sregs.cs.db = 0;
	sregs.cs.g = 1;
	sregs.cs.type = 11;
	sregs.cs.selector = 0x10;
	sregs.fs.base = 0xffff888012345678;
	sregs.gdt.base = 0x2000;
	sregs.gdt.limit = 0x7f;
	sregs.tr.type = 11;
	sregs.ldt.unusable = 1;
	sregs.ldt.present = 0;
	check(good && !ioctl(t->cpu, KVMX_SET_SREGS, &sregs), "%s: long mode", vm_name);

	good = !ioctl(t->cpu, KVMX_GET_FPU, &fpu);
	scramble(fpu.fpr, sizeof(fpu.fpr), 2);
	scramble(fpu.xmm, sizeof(fpu.xmm), 3);
	fpu.fcw = 0x27f;
	fpu.fsw = 0x3800;
	fpu.ftwx = 0x81;
	fpu.last_opcode = 0x123;
	fpu.last_ip = 0x1234567;
	fpu.last_dp = 0x7654321;
	fpu.mxcsr = 0x1fa0;
	check(good && !ioctl(t->cpu, KVMX_SET_FPU, &fpu), "%s: FPU", vm_name);

	if (cap(dev, KVMX_CAP_XCRS) > 0) {
		good = !ioctl(t->cpu, KVMX_GET_XCRS, &xcrs);
		xcrs.xcrs[0].value = 7;
		check(good && !ioctl(t->cpu, KVMX_SET_XCRS, &xcrs), "%s: XCR0", vm_name);
	}

	good = !ioctl(t->cpu, KVMX_GET_DEBUGREGS, &debug);
	scramble(debug.db, sizeof(debug.db), 4);
	debug.dr6 = 0xffff4ff5;
	debug.dr7 = 0x401;
	check(good && !ioctl(t->cpu, KVMX_SET_DEBUGREGS, &debug), "%s: DEBUGREGS", vm_name);

	good = !ioctl(t->cpu, KVMX_GET_VCPU_EVENTS, &events);
	events.exception.injected = 1;
	events.exception.nr = 13;
	events.exception.has_error_code = 1;
	events.exception.error_code = 0x18;
	events.nmi.pending = 1;
	events.nmi.masked = 1;
	events.flags |= KVMX_VCPUEVENT_VALID_NMI_PENDING;
	check(good && !ioctl(t->cpu, KVMX_SET_VCPU_EVENTS, &events), "%s: events", vm_name);

	if (with & (WITH_IRQCHIP | WITH_SPLIT)) {
		struct kvmx_mp_state halted = { KVMX_MP_STATE_HALTED };
		struct kvmx_lapic_state lapic;
		uint32_t svr = 0x1ff, irr = 0x10;

		good = !ioctl(t->cpu, KVMX_GET_LAPIC, &lapic);
		memcpy(&lapic.regs[0xf0], &svr, 4);
		memcpy(&lapic.regs[0x220], &irr, 4);
		check(good && !ioctl(t->cpu, KVMX_SET_LAPIC, &lapic) &&
		      !ioctl(t->cpu, KVMX_SET_MP_STATE, &halted), "%s: local APIC, halted", vm_name);
	}
}

void test_round_trips(void)
{
	static const struct { const char *name; int with; } kinds[] = {
		{ "irqchip in the kernel", WITH_ALL },
		{ "split irqchip", WITH_SPLIT | WITH_CPU | WITH_MEMORY },
		{ "irqchip in user space", WITH_CPU | WITH_MEMORY },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct test_vm t = test_vm_make(kinds[i].with);
		char busy[64];

		vm_name = kinds[i].name;
		all_parts(&t, kinds[i].with);
		give_cpuid(t.cpu);
		all_msrs(&t, kinds[i].with);
		clock_round_trip(&t);
		snprintf(busy, sizeof(busy), "%s, busy", kinds[i].name);
		vm_name = busy;
		busy_state(&t, kinds[i].with);
		all_parts(&t, kinds[i].with);
		all_msrs(&t, kinds[i].with);
		test_vm_end(&t);
	}
}
