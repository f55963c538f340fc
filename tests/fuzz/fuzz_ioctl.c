// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctl table is the grammar: an input is a sequence of calls of its rows on a VM and its
 * vCPUs, with payloads that are what a GET said, changed in places; between them guests run,
 * time goes by, memory runs out. A GET changes nothing, a call that is refused changes nothing,
 * and what was got can be put back.
 */
#include <linux/mm.h>
#include <linux/file.h>
#include <linux/ioctl.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/door.h"
#include "machine.h"
#include "shapes.h"

#define VCPUS	3
#define EVENTS	2
#define STEPS	48

static int vm, vcpu[VCPUS], event[EVENTS];

/* --- the state, as user space can see it --- */

struct pair { u32 get, set; u8 scope; };

static const struct pair pairs[] = {
	/* First, since it has the vCPU take an INIT or a SIPI that it was sent. */
	{ KVMX_GET_MP_STATE, KVMX_SET_MP_STATE, KVMX_SCOPE_VCPU },
	{ KVMX_GET_REGS, KVMX_SET_REGS, KVMX_SCOPE_VCPU },
	{ KVMX_GET_SREGS, KVMX_SET_SREGS, KVMX_SCOPE_VCPU },
	{ KVMX_GET_SREGS2, KVMX_SET_SREGS2, KVMX_SCOPE_VCPU },
	{ KVMX_GET_DEBUGREGS, KVMX_SET_DEBUGREGS, KVMX_SCOPE_VCPU },
	{ KVMX_GET_FPU, KVMX_SET_FPU, KVMX_SCOPE_VCPU },
	{ KVMX_GET_XSAVE, KVMX_SET_XSAVE, KVMX_SCOPE_VCPU },
	{ KVMX_GET_XCRS, KVMX_SET_XCRS, KVMX_SCOPE_VCPU },
	{ KVMX_GET_VCPU_EVENTS, KVMX_SET_VCPU_EVENTS, KVMX_SCOPE_VCPU },
	{ KVMX_GET_LAPIC, KVMX_SET_LAPIC, KVMX_SCOPE_VCPU },
	{ KVMX_GET_CPUID2, KVMX_SET_CPUID2, KVMX_SCOPE_VCPU },
	{ KVMX_GET_MSRS, KVMX_SET_MSRS, KVMX_SCOPE_VCPU },
	{ KVMX_GET_PIT2, KVMX_SET_PIT2, KVMX_SCOPE_VM },
	{ KVMX_GET_IRQCHIP, KVMX_SET_IRQCHIP, KVMX_SCOPE_VM },
	{ KVMX_GET_CLOCK, KVMX_SET_CLOCK, KVMX_SCOPE_VM },
};

static u32 msr_list[256], nr_msrs;

static void find_msrs(void)
{
	struct kvmx_msr_list *list = (void *)machine_arg;

	list->nmsrs = ARRAY_SIZE(msr_list);
	fuzz_demand(!machine_call(MACHINE_SYSTEM, KVMX_GET_MSR_INDEX_LIST));
	nr_msrs = list->nmsrs;
	memcpy(msr_list, list->indices, nr_msrs * sizeof(msr_list[0]));
}

/* What a GET needs in its argument; gives how long the answer may be. */
static size_t prepare_get(u32 get, unsigned int n)
{
	struct kvmx_msrs *msrs = (void *)machine_arg;
	struct kvmx_cpuid2 *cpuid = (void *)machine_arg;
	size_t size = _IOC_SIZE(get);
	unsigned int i;

	memset(machine_arg, 0, size);
	if (get == KVMX_GET_MSRS) {
		msrs->nmsrs = min(nr_msrs, 255u);
		size += msrs->nmsrs * sizeof(msrs->entries[0]);
		memset(machine_arg + sizeof(*msrs), 0, size - sizeof(*msrs));
		for (i = 0; i < msrs->nmsrs; i++)
			msrs->entries[i].index = msr_list[i];
	} else if (get == KVMX_GET_CPUID2) {
		cpuid->nent = 100;
		size += 100 * sizeof(cpuid->entries[0]);
		memset(machine_arg + sizeof(*cpuid), 0, size - sizeof(*cpuid));
	} else if (get == KVMX_GET_IRQCHIP) {
		machine_arg[0] = n;
	}
	return size;
}

static long get(int fd, u32 cmd, unsigned int n, size_t *size)
{
	*size = prepare_get(cmd, n);
	return machine_call(fd, cmd);
}

static int object(u8 scope, unsigned int which)
{
	if (scope == KVMX_SCOPE_SYSTEM)
		return MACHINE_SYSTEM;
	return scope == KVMX_SCOPE_VM ? vm : vcpu[which % VCPUS];
}

static u64 hash(u64 h, const void *data, size_t len)
{
	const u8 *p = data;
	u64 word;

	for (; len; len -= min_t(size_t, len, 8), p += 8) {
		word = 0;
		memcpy(&word, p, min_t(size_t, len, 8));
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return h;
}

/* A number for each part of the state, now and before. */
static u64 part[ARRAY_SIZE(pairs)][VCPUS], part_before[ARRAY_SIZE(pairs)][VCPUS];
static bool verbose;

/* With FUZZ_VERBOSE in the environment, to find what has changed. */
static void tell(u32 get, unsigned int which, long ret, size_t size)
{
	size_t i;

	printf("get %x of %u: %ld", get, which, ret);
	for (i = 0; ret >= 0 && i < size; i++)
		printf("%s%02x", i % 32 ? "" : "\n  ", machine_arg[i]);
	printf("\n");
}

static void look(void)
{
	unsigned int i, which;
	size_t size;
	long ret;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		for (which = 0; which < VCPUS; which++) {
			int fd = object(pairs[i].scope, which);

			part[i][which] = 0;
			if (fd < 0)
				continue;
			ret = get(fd, pairs[i].get, which, &size);
			if (ret >= 0)
				part[i][which] = hash(ret + 1, machine_arg, size);
			if (verbose)
				tell(pairs[i].get, which, ret, size);
		}
	}
}

static void demand_same(const struct kvmx_ioctl *row, long ret)
{
	unsigned int i, which;

	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		for (which = 0; which < VCPUS; which++)
			if (part[i][which] != part_before[i][which])
				shim_bug("%s answered %ld and changed what %x says of %u",
					 row ? row->name : "looking", ret, pairs[i].get, which);
}

/* Two looks see the same. */
static void look_twice(void)
{
	look();
	memcpy(part_before, part, sizeof(part));
	look();
	demand_same(NULL, 0);
}

static const struct kvmx_ioctl *row_of(u32 cmd, u8 scope)
{
	unsigned int i;

	for (i = 0; i < machine_nr_rows; i++)
		if (machine_row(i)->cmd == cmd && machine_row(i)->scope == scope)
			return machine_row(i);
	shim_bug("no row of %x", cmd);
}

/* What was got can be put back, and is what was there. */
static void put_back(void)
{
	static u8 first[MACHINE_ARG];
	unsigned int i, which;
	size_t size, at;
	long ret;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		for (which = 0; which < VCPUS; which++) {
			int fd = object(pairs[i].scope, which);

			if (fd < 0 || get(fd, pairs[i].get, which, &size) < 0)
				continue;
			memcpy(first, machine_arg, size);
			ret = machine_call(fd, pairs[i].set);
			if (pairs[i].get == KVMX_GET_CLOCK)
				continue;
			/* Some MSRs can only be read. */
			if (pairs[i].set == KVMX_SET_MSRS)
				continue;
			if (ret)
				shim_bug("%s refuses with %ld what it was told itself",
					 row_of(pairs[i].set, pairs[i].scope)->name, ret);
			fuzz_demand(get(fd, pairs[i].get, which, &size) >= 0);
			for (at = 0; at < size; at++)
				if (first[at] != machine_arg[at])
					shim_bug("%x said %#x at %zu, was given to %x, and says %#x now",
						 pairs[i].get, first[at], at, pairs[i].set,
						 machine_arg[at]);
		}
	}
}

/* --- steps --- */

/* Changes the argument in places. */
static void patch(struct fuzz_input *in, size_t size)
{
	unsigned int n = fuzz_u8(in) & 15, at;
	u64 val;

	while (n-- && size) {
		u8 how = fuzz_u8(in);

		at = fuzz_u16(in) % size;
		switch (how & 7) {
		case 0:
			val = (unsigned long)machine_ram + (fuzz_u8(in) % MACHINE_PAGES << 12);
			break;
		case 1:
			val = (unsigned long)machine_arg + 4096 * (fuzz_u8(in) & 15);
			break;
		case 2:
			val = event[fuzz_u8(in) % EVENTS];
			break;
		default:
			val = fuzz_edge(in);
			break;
		}
		/* Most fields are aligned. */
		if (how & 8)
			at &= ~7;
		memcpy(machine_arg + at, &val, min_t(size_t, size - at, how & 16 ? 8 : how & 32 ? 4 : 1));
	}
}

static void fill(struct fuzz_input *in, const struct kvmx_ioctl *row)
{
	size_t size = _IOC_SIZE(row->cmd);
	u32 count = fuzz_u8(in);

	memset(machine_arg, 0, min_t(size_t, size, MACHINE_ARG));
	fuzz_bytes(in, machine_arg, min_t(size_t, fuzz_u8(in), size));
	if (row->item_size) {
		if (count == 255)
			count = fuzz_u32(in);
		memcpy(machine_arg + row->count_at, &count, sizeof(count));
		count = min_t(u32, count, (MACHINE_ARG - size) / row->item_size);
		memset(machine_arg + size, 0, count * row->item_size);
		fuzz_bytes(in, machine_arg + size, min_t(size_t, fuzz_u8(in), count * row->item_size));
		size += count * row->item_size;
	}
	patch(in, size);
}

static bool careful;		/* looks before and after each call */
static bool looked;		/* and has done so since the last change */
static int fail_after;		/* memory runs out during the next call, after so many allocations */

static void call(struct fuzz_input *in, const struct kvmx_ioctl *row, int fd, unsigned long arg)
{
	bool check = careful && row->cmd != KVMX_RUN;
	static u8 saved[MACHINE_ARG];
	long ret;

	if (check && !looked) {
		memcpy(saved, machine_arg, sizeof(saved));
		look_twice();
		looked = true;
		memcpy(machine_arg, saved, sizeof(saved));
	}
	machine_exits = row->cmd == KVMX_RUN ? 1 + (fuzz_u8(in) & 31) : 0;
	shim_fail_alloc_after(fail_after);
	ret = machine_ioctl(fd, row->cmd, arg);
	shim_fail_alloc_after(-1);
	fail_after = -1;
	if (ret >= 0 && row->cmd == KVMX_CREATE_VCPU) {
		unsigned int i;

		for (i = 0; i < VCPUS && vcpu[i] >= 0; i++)
			;
		if (i < VCPUS)
			vcpu[i] = ret;
		else
			machine_close(ret);
	} else if (ret >= 0 && (row->cmd == KVMX_CREATE_VM || row->cmd == KVMX_GET_STATS_FD)) {
		machine_close(ret);
	}
	if (check && ret < 0) {
		look();
		demand_same(row, ret);
	} else {
		looked = false;
	}
}

/* A row by its number in the table, mostly on what it is for. */
static void step_row(struct fuzz_input *in)
{
	const struct kvmx_ioctl *row = machine_row(fuzz_below(in, machine_nr_rows));
	u8 how = fuzz_u8(in);
	int fd = object(how & 64 ? how & 3 : row->scope, how >> 4 & 3);
	unsigned long arg = (unsigned long)machine_arg;

	if (fd == -2)
		return;
	if (!_IOC_SIZE(row->cmd))
		arg = row->flags & KVMX_IOC_ZERO_ARG && !(how & 8) ? 0 : fuzz_edge(in);
	else
		fill(in, row);
	if (_IOC_SIZE(row->cmd) && how >= 250)
		arg = fuzz_edge(in);
	call(in, row, fd, arg);
}

/* What a GET says, changed, is set. */
static void step_set(struct fuzz_input *in)
{
	const struct pair *p = &pairs[fuzz_below(in, ARRAY_SIZE(pairs))];
	unsigned int which = fuzz_u8(in);
	int fd = object(p->scope, which);
	size_t size;

	if (fd < 0 || get(fd, p->get, which % VCPUS, &size) < 0)
		return;
	if (p->get == KVMX_GET_CPUID2)
		size = sizeof(struct kvmx_cpuid2) +
		       ((struct kvmx_cpuid2 *)machine_arg)->nent * sizeof(struct kvmx_cpuid_entry2);
	patch(in, size);
	call(in, row_of(p->set, p->scope), fd, (unsigned long)machine_arg);
}

/* What a VMM would ask for. */
static void step_shape(struct fuzz_input *in)
{
	unsigned int which = fuzz_u8(in);
	u8 scope = KVMX_SCOPE_VCPU;
	int fd = vcpu[which % VCPUS];
	size_t size;
	u32 cmd;

	switch (which >> 6) {
	case 0:
		if (fd < 0)
			return;
		cmd = shape_msrs(in, msr_list, nr_msrs);
		break;
	case 1:
		if (fd < 0 || get(fd, KVMX_GET_SREGS, 0, &size))
			return;
		shape_mode(in, (void *)machine_arg);
		cmd = KVMX_SET_SREGS;
		break;
	default:
		cmd = shape_argument(in, event, EVENTS, &scope);
		break;
	}
	fd = object(scope, which);
	if (fd >= 0)
		call(in, row_of(cmd, scope), fd, (unsigned long)machine_arg);
}

/* The VMM answers, and runs the guest on. */
static void step_run(struct fuzz_input *in)
{
	unsigned int which = fuzz_u8(in) % VCPUS;
	struct kvmx_vcpu *v;
	struct file *file;
	u8 how = fuzz_u8(in);

	if (vcpu[which] < 0)
		return;
	file = fget(vcpu[which]);
	v = file->private_data;
	fput(file);
	if (how & 1) {
		u16 at = fuzz_u16(in) % (PAGE_SIZE - 8);
		u64 val = fuzz_edge(in);

		memcpy((void *)v->run + at, &val, sizeof(val));
	}
	if (how & 2)
		fuzz_bytes(in, v->run->mmio.data, sizeof(v->run->mmio.data));
	if (how & 4)
		fuzz_bytes(in, v->pio_page, fuzz_u8(in));
	if (how & 32)
		v->run->kvmx_valid_regs = fuzz_u8(in) & 7;
	if (how & 64)
		v->run->kvmx_dirty_regs = fuzz_u8(in) & 7;
	v->run->immediate_exit = (how & 24) == 24;
	call(in, row_of(KVMX_RUN, KVMX_SCOPE_VCPU), vcpu[which], 0);
}

static void step_world(struct fuzz_input *in)
{
	unsigned long at;
	u8 how = fuzz_u8(in);

	looked = false;
	switch (how & 7) {
	case 0:
		shim_clock_advance(fuzz_u32(in));
		break;
	case 1:
		shim_eventfd_write(event[how >> 4 & 1], 1 + (how >> 5));
		break;
	case 2:
		at = (unsigned long)machine_ram + (fuzz_u8(in) % MACHINE_PAGES << 12);
		shim_mmu_invalidate_start(shim_mm(), at, at + ((how >> 3) << 12), true);
		shim_mmu_invalidate_end(shim_mm(), at, at + ((how >> 3) << 12));
		break;
	case 3:
	case 4:
		fail_after = how >> 3;
		break;
	case 5:
		shim_works_run();
		shim_rcu_run();
		break;
	case 6:
		if (how >> 3 < EVENTS) {
			shim_fd_close(event[how >> 3]);
			event[how >> 3] = shim_eventfd_new();
		}
		break;
	default:
		machine_poke(in);
		break;
	}
}

static void create(struct fuzz_input *in)
{
	u8 how = fuzz_u8(in);
	unsigned int i;

	careful = how & 1;
	fail_after = -1;
	looked = false;
	vm = machine_ioctl(MACHINE_SYSTEM, KVMX_CREATE_VM, 0);
	fuzz_demand(vm >= 0);
	for (i = 0; i < VCPUS; i++)
		vcpu[i] = -2;
	for (i = 0; i < EVENTS; i++)
		event[i] = shim_eventfd_new();
	if (how & 2)
		machine_ioctl(vm, KVMX_CREATE_IRQCHIP, 0);
	if (how & 4) {
		memset(machine_arg, 0, 64);
		machine_call(vm, KVMX_CREATE_PIT2);
	}
	if (how & 8)
		machine_add_ram(vm);
	for (i = 0; i < (how >> 4 & 3) && i < VCPUS; i++)
		vcpu[i] = machine_ioctl(vm, KVMX_CREATE_VCPU, i);
	if ((how & 0x40) && vcpu[0] >= 0) {
		struct kvmx_cpuid2 *cpuid = (void *)machine_arg;

		cpuid->nent = 100;
		fuzz_demand(!machine_call(MACHINE_SYSTEM, KVMX_GET_SUPPORTED_CPUID));
		fuzz_demand(!machine_call(vcpu[0], KVMX_SET_CPUID2));
	}
}

static void destroy(void)
{
	unsigned int i;

	for (i = 0; i < EVENTS; i++)
		shim_fd_close(event[i]);
	machine_close(vm);
	for (i = 0; i < VCPUS; i++)
		if (vcpu[i] >= 0)
			machine_close(vcpu[i]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	machine_load();
	find_msrs();
	verbose = getenv("FUZZ_VERBOSE");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int steps;

	machine_begin(&in);
	create(&in);
	for (steps = 0; in.left && steps < STEPS; steps++) {
		u8 what = fuzz_u8(&in);

		switch (what & 7) {
		case 0: case 1: case 2:
			what & 0x80 ? step_shape(&in) : step_row(&in);
			break;
		case 3: case 4:
			step_set(&in);
			break;
		case 5: case 6:
			step_run(&in);
			break;
		default:
			step_world(&in);
			break;
		}
	}
	if (careful) {
		look_twice();
		put_back();
	}
	destroy();
	machine_end();
	return 0;
}
