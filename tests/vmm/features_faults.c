// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory that the VMM has not mapped: what KVMX_RUN says of it; memory
 * mapped ahead of the guest by KVMX_PRE_FAULT_MEMORY; and slots made by
 * KVMX_SET_USER_MEMORY_REGION2.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "features.h"

#define GPA	0x2000000u
#define PAGES	64u
#define SIZE	(PAGES * PAGE_SIZE)

static char *map(int rights)
{
	char *p = mmap(NULL, SIZE, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must("memory", p == MAP_FAILED ? -1 : 0);
	return p;
}

/* RUN fails with EFAULT and says which page of the guest it is about. */
static bool faults_at(struct guest *g, uint64_t gpa)
{
	struct kvmx_run *run = g->run[0];

	memset(&run->memory_fault, 0xa5, sizeof(run->memory_fault));
	if (guest_run(g, 0) != -EFAULT)
		return false;
	if (cap(g->vm, KVMX_CAP_MEMORY_FAULT_INFO) != 1)
		return in_tree;
	return run->exit_reason == KVMX_EXIT_MEMORY_FAULT && run->memory_fault.gpa == gpa &&
	       run->memory_fault.size == PAGE_SIZE && !run->memory_fault.flags;
}

static void memory_faults(struct guest *g)
{
	char *area = map(PROT_NONE);

	must("slot 1", guest_slot(g, 1, 0, GPA, SIZE, area));
	guest_task(g, 0, DO_READ, GPA + 5 * PAGE_SIZE + 8, PAGE_SIZE, 3, 0);
	check(faults_at(g, GPA + 5 * PAGE_SIZE), "a read of what is not mapped");
	check(faults_at(g, GPA + 5 * PAGE_SIZE), "and again");
	mprotect(area + 5 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
	check(faults_at(g, GPA + 6 * PAGE_SIZE), "once it is mapped the guest goes on to the next");
	mprotect(area, SIZE, PROT_READ);
	check(guest_run(g, 0) == KVMX_EXIT_HLT, "and with that to its end");
	guest_task(g, 0, DO_WRITE, GPA, 0, 1, 0x1234);
	check(faults_at(g, GPA), "a write to what may only be read");
	mprotect(area, SIZE, PROT_READ | PROT_WRITE);
	check(guest_run(g, 0) == KVMX_EXIT_HLT && *(uint32_t *)area == 0x1234, "is made later");
	munmap(area, SIZE);
	guest_task(g, 0, DO_FETCH, GPA + PAGE_SIZE, 0, 0, 0);
	check(faults_at(g, GPA + PAGE_SIZE), "code where nothing is any more");
	must("slot 1 goes", guest_slot(g, 1, 0, GPA, 0, area));
}

static int prefault(struct guest *g, struct kvmx_pre_fault_memory *range)
{
	return ioctl(g->cpu[0], KVMX_PRE_FAULT_MEMORY, range);
}

static unsigned int resident(char *area)
{
	unsigned char in[PAGES];
	unsigned int i, n = 0;

	must("mincore", mincore(area, SIZE, in));
	for (i = 0; i < PAGES; i++)
		n += in[i] & 1;
	return n;
}

static void prefaults(struct guest *g)
{
	struct kvmx_pre_fault_memory range = { .gpa = GPA + PAGE_SIZE, .size = SIZE - 2 * PAGE_SIZE };
	char *area = map(PROT_READ | PROT_WRITE);

	if (cap(dev, KVMX_CAP_PRE_FAULT_MEMORY) != 1) {
		note("no KVM_PRE_FAULT_MEMORY in this kernel");
		check(in_tree && prefault(g, &range) && is_unknown(errno), "then it is ENOTTY");
		munmap(area, SIZE);
		return;
	}
	must("slot 1", guest_slot(g, 1, 0, GPA, SIZE, area));
	check(!prefault(g, &range) && range.gpa == GPA + SIZE - PAGE_SIZE && !range.size,
	      "memory is mapped ahead");
	check(resident(area) >= PAGES - 2, "the host has it, too");
	range.size = 2 * PAGE_SIZE;
	check(!prefault(g, &range) && range.gpa == GPA + SIZE && range.size == PAGE_SIZE,
	      "up to the end of the slot");
	check(prefault(g, &range) && errno == ENOENT && range.size == PAGE_SIZE, "beyond: ENOENT");
	range = (struct kvmx_pre_fault_memory){ .gpa = GPA, .size = 0 };
	check(prefault(g, &range) && errno == EINVAL, "nothing: EINVAL");
	range.size = PAGE_SIZE / 2;
	check(prefault(g, &range) && errno == EINVAL, "half a page: EINVAL");
	range.size = PAGE_SIZE;
	range.gpa++;
	check(prefault(g, &range) && errno == EINVAL, "not aligned: EINVAL");
	range.gpa = -PAGE_SIZE;
	range.size = 2 * PAGE_SIZE;
	check(prefault(g, &range) && errno == EINVAL, "wraps: EINVAL");
	range = (struct kvmx_pre_fault_memory){ .gpa = GPA, .size = PAGE_SIZE, .flags = 1 };
	check(prefault(g, &range) && errno == EINVAL, "flags: EINVAL");
	range.flags = 0;
	mprotect(area, PAGE_SIZE, PROT_NONE);
	check(prefault(g, &range) && errno == EFAULT && range.size == PAGE_SIZE,
	      "memory that the VMM may not read: EFAULT");
	must("slot 1 goes", guest_slot(g, 1, 0, GPA, 0, area));
	munmap(area, SIZE);
}

static void regions(struct guest *g)
{
	char *area = map(PROT_READ | PROT_WRITE);
	struct kvmx_userspace_memory_region2 r = {
		.slot = 1, .guest_phys_addr = GPA, .memory_size = SIZE,
		.userspace_addr = (uintptr_t)area,
	};

	if (cap(dev, KVMX_CAP_USER_MEMORY2) != 1) {
		note("no KVM_SET_USER_MEMORY_REGION2 in this kernel");
		check(in_tree && ioctl(g->vm, KVMX_SET_USER_MEMORY_REGION2, &r) && errno == ENOTTY,
		      "then it is ENOTTY");
		munmap(area, SIZE);
		return;
	}
	check(!ioctl(g->vm, KVMX_SET_USER_MEMORY_REGION2, &r), "a slot of the second form");
	guest_task(g, 0, DO_WRITE, GPA, 0, 1, 0x4711);
	check(guest_run(g, 0) == KVMX_EXIT_HLT && *(uint32_t *)area == 0x4711, "is memory");
	r.slot = 2;
	r.guest_phys_addr += SIZE;
	r.flags = KVMX_MEM_GUEST_MEMFD;
	r.guest_memfd = -1;
	check(ioctl(g->vm, KVMX_SET_USER_MEMORY_REGION2, &r) &&
	      (errno == EINVAL || (in_tree && errno == EBADF)), "guest_memfd that is none: EINVAL");
	r.flags = 1u << 31;
	check(ioctl(g->vm, KVMX_SET_USER_MEMORY_REGION2, &r) && errno == EINVAL, "flags: EINVAL");
	r.slot = 1;
	r.flags = 0;
	r.memory_size = 0;
	check(!ioctl(g->vm, KVMX_SET_USER_MEMORY_REGION2, &r), "it goes");
	munmap(area, SIZE);
}

void test_faults(void)
{
	struct guest g = guest_make(1, NULL);

	memory_faults(&g);
	prefaults(&g);
	regions(&g);
	guest_end(&g);
}
