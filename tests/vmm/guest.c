// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small VMM for tests: guests whose vCPUs do one loop at a time. Used by the
 * test of features and by the one that kills VMMs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define MEMORY_SIZE	(8ul << 20)
#define CODE		0x1000		/* of the first task; 64 bytes each */
#define STACK		0x3000

int dev;
bool in_tree;
size_t mmap_size;

static const struct { const char *code; size_t size; } tasks[] = {
#define TASK(bytes) { bytes, sizeof(bytes) - 1 }
	/* 1: mov %eax,(%edi); add %ebx,%edi; dec %ecx; jnz 1b; hlt; jmp . */
	[DO_WRITE] = TASK("\x89\x07\x01\xdf\x49\x75\xf9\xf4\xeb\xfe"),
	/* 1: mov (%edi),%eax; ... */
	[DO_READ] = TASK("\x8b\x07\x01\xdf\x49\x75\xf9\xf4\xeb\xfe"),
	/* 1: out %al,(%dx); dec %ecx; jnz 1b; hlt; jmp . */
	[DO_OUT] = TASK("\xee\x49\x75\xfc\xf4\xeb\xfe"),
	/* rep outsb; hlt; jmp . */
	[DO_OUTS] = TASK("\xf3\x6e\xf4\xeb\xfe"),
	/* jmp *%edi: what is there is the rest */
	[DO_FETCH] = TASK("\xff\xe7"),
	/* 1: lock add %eax,(%edi); add %ebx,%edi; dec %ecx; jnz 1b; hlt; jmp . */
	[DO_LOCKED] = TASK("\xf0\x01\x07\x01\xdf\x49\x75\xf8\xf4\xeb\xfe"),
};

void device_open(const char *path)
{
	dev = must(path, open(path, O_RDWR | O_CLOEXEC));
	in_tree = !cap(dev, KVMX_CAP_KVMX_VERSION);
	mmap_size = must("GET_VCPU_MMAP_SIZE", ioctl(dev, KVMX_GET_VCPU_MMAP_SIZE, 0));
}

int cap(int fd, long number)
{
	return ioctl(fd, KVMX_CHECK_EXTENSION, number);
}

int guest_slot(struct guest *g, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
	       void *at)
{
	struct kvmx_userspace_memory_region r = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)at,
	};

	return ioctl(g->vm, KVMX_SET_USER_MEMORY_REGION, &r);
}

static void add_cpu(struct guest *g, int i)
{
	struct kvmx_segment flat = {
		.limit = ~0u, .selector = 8, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1,
	};
	struct kvmx_sregs s;

	g->cpu[i] = must("CREATE_VCPU", ioctl(g->vm, KVMX_CREATE_VCPU, i));
	g->run[i] = mmap(NULL, mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, g->cpu[i], 0);
	must("mmap of a vCPU", g->run[i] == MAP_FAILED ? -1 : 0);
	must("GET_SREGS", ioctl(g->cpu[i], KVMX_GET_SREGS, &s));
	s.cr0 |= 1;
	s.ds = s.es = s.fs = s.gs = s.ss = flat;
	flat.type = 11;
	s.cs = flat;
	must("SET_SREGS", ioctl(g->cpu[i], KVMX_SET_SREGS, &s));
}

struct guest guest_make(unsigned int cpus, int (*before)(struct guest *g))
{
	struct guest g = { .size = MEMORY_SIZE };
	unsigned int i;

	do
		g.vm = ioctl(dev, KVMX_CREATE_VM, 0);
	while (g.vm < 0 && errno == EINTR);
	must("CREATE_VM", g.vm);
	g.memory = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("memory", g.memory == MAP_FAILED ? -1 : 0);
	for (i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		memcpy(g.memory + CODE + i * 64, tasks[i].code, tasks[i].size);
	if (before)
		must("what comes before vCPUs", before(&g));
	must("slot 0", guest_slot(&g, 0, 0, 0, g.size, g.memory));
	for (i = 0; i < CPUS_MAX; i++)
		g.cpu[i] = -1;
	for (i = 0; i < cpus; i++)
		add_cpu(&g, i);
	return g;
}

void guest_end(struct guest *g)
{
	int i;

	for (i = 0; i < CPUS_MAX && g->cpu[i] >= 0; i++) {
		munmap(g->run[i], mmap_size);
		close(g->cpu[i]);
	}
	close(g->vm);
	munmap(g->memory, g->size);
}

void guest_task(struct guest *g, int cpu, int what, uint32_t address, uint32_t step,
		uint32_t count, uint32_t value)
{
	struct kvmx_regs r = {
		.rip = CODE + what * 64, .rsp = STACK, .rflags = 2,
		.rdi = address, .rsi = CODE, .rdx = address, .rbx = step, .rcx = count,
		.rax = value,
	};

	must("SET_REGS", ioctl(g->cpu[cpu], KVMX_SET_REGS, &r));
}

int guest_run(struct guest *g, int cpu)
{
	return ioctl(g->cpu[cpu], KVMX_RUN, 0) < 0 ? -errno : (int)g->run[cpu]->exit_reason;
}
