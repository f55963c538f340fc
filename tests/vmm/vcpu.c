// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMM can ask of one vCPU: the parts are in vcpu_*.c, the guest that
 * they share is here. Started by tests/vmm/vcpu; argument: the device.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vcpu.h"

#define PML4	0x1000ul
#define PDPT	0x2000ul
#define PD	0x3000ul
#define GDT	0x4000ul
#define IDT	0x5000ul

int dev;
bool in_tree, on_tcg;

void check_is(uint64_t value, uint64_t wanted, const char *what)
{
	check(value == wanted, "%s", what);
	if (value != wanted)
		note("it is %#llx, not %#llx", (unsigned long long)value,
		     (unsigned long long)wanted);
}

int cap(int fd, long number)
{
	return ioctl(fd, KVMX_CHECK_EXTENSION, number);
}

static void long_mode(struct guest *g)
{
	struct kvmx_sregs s;
	uint64_t *table = (uint64_t *)(g->ram + PML4);
	uint64_t *gdt = (uint64_t *)(g->ram + GDT);
	unsigned int i;

	table[0] = PDPT | 7;
	table = (uint64_t *)(g->ram + PDPT);
	for (i = 0; i < 2; i++)
		table[i] = (PD + i * 0x10000) | 7;
	for (i = 0; i < 1024; i++)	/* 2 GiB in pages of 2 MiB; the second table lies apart */
		((uint64_t *)(g->ram + PD + i / 512 * 0x10000))[i % 512] = i * 0x200000ul | 0x87;
	gdt[1] = 0x00af9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;

	must("GET_SREGS", ioctl(g->cpu, KVMX_GET_SREGS, &s));
	s.cr0 = 0x80000033;
	s.cr3 = PML4;
	s.cr4 = 0x20;
	s.efer = 0x500;
	s.cs = (struct kvmx_segment){
		.limit = ~0u, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1,
	};
	s.ds = (struct kvmx_segment){
		.limit = ~0u, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1,
	};
	s.es = s.ss = s.fs = s.gs = s.ds;
	s.gdt.base = GDT;
	s.gdt.limit = 23;
	s.idt.base = IDT;
	s.idt.limit = 256 * 16 - 1;
	must("SET_SREGS", ioctl(g->cpu, KVMX_SET_SREGS, &s));
}

static void give_cpuid(int cpu)
{
	struct kvmx_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	cpuid->nent = 256;
	must("GET_SUPPORTED_CPUID", ioctl(dev, KVMX_GET_SUPPORTED_CPUID, cpuid));
	must("SET_CPUID2", ioctl(cpu, KVMX_SET_CPUID2, cpuid));
	free(cpuid);
}

struct guest guest_make(int with)
{
	struct guest g = { .vm = must("CREATE_VM", ioctl(dev, KVMX_CREATE_VM, 0)) };
	struct kvmx_userspace_memory_region region = { .memory_size = RAM_SIZE };
	struct kvmx_enable_cap c = { .cap = KVMX_CAP_X86_DISABLE_EXITS,
				     .args = { KVMX_X86_DISABLE_EXITS_HLT } };

	g.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("memory", g.ram == MAP_FAILED ? -1 : 0);
	region.userspace_addr = (uintptr_t)g.ram;
	must("memory", ioctl(g.vm, KVMX_SET_USER_MEMORY_REGION, &region));
	if (with & WITH_IRQCHIP)
		must("CREATE_IRQCHIP", ioctl(g.vm, KVMX_CREATE_IRQCHIP, 0));
	if (with & WITHOUT_HLT)
		must("DISABLE_EXITS", ioctl(g.vm, KVMX_ENABLE_CAP, &c));
	g.cpu = must("CREATE_VCPU", ioctl(g.vm, KVMX_CREATE_VCPU, 0));
	g.run = mmap(NULL, must("mmap size", ioctl(dev, KVMX_GET_VCPU_MMAP_SIZE, 0)),
		     PROT_READ | PROT_WRITE, MAP_SHARED, g.cpu, 0);
	must("mmap of a vCPU", g.run == MAP_FAILED ? -1 : 0);
	give_cpuid(g.cpu);
	long_mode(&g);
	return g;
}

void guest_end(struct guest *g)
{
	munmap(g->run, ioctl(dev, KVMX_GET_VCPU_MMAP_SIZE, 0));
	close(g->cpu);
	close(g->vm);
	munmap(g->ram, RAM_SIZE);
}

void guest_load(struct guest *g, const void *code, unsigned long size)
{
	struct kvmx_regs regs = { .rip = CODE, .rsp = STACK, .rflags = 2 };

	memcpy(g->ram + CODE, code, size);
	guest_set_regs(g, &regs);
}

void guest_handler(struct guest *g, uint8_t vector, bool error)
{
	/* add $8, %rsp; mov $vector, %al; out %al, $0xee; iretq */
	uint8_t code[] = { 0x48, 0x83, 0xc4, error ? 8 : 0, 0xb0, vector, 0xe6, 0xee, 0x48, 0xcf };
	uint64_t at = HANDLERS + 16 * vector;
	uint64_t *gate = (uint64_t *)(g->ram + IDT + 16 * vector);

	memcpy(g->ram + at, code, sizeof(code));
	gate[0] = (at & 0xffff) | 8 << 16 | 0x8eull << 40 | (at >> 16 & 0xffff) << 48;
	gate[1] = 0;
}

void guest_map(struct guest *g, uint64_t at, uint64_t gpa)
{
	uint64_t n = at / 0x200000;

	((uint64_t *)(g->ram + PD + n / 512 * 0x10000))[n % 512] = gpa | 0x87;
}

uint32_t guest_run(struct guest *g)
{
	return ioctl(g->cpu, KVMX_RUN, 0) ? ~0u : g->run->exit_reason;
}

struct kvmx_regs guest_regs(struct guest *g)
{
	struct kvmx_regs regs;

	must("GET_REGS", ioctl(g->cpu, KVMX_GET_REGS, &regs));
	return regs;
}

void guest_set_regs(struct guest *g, const struct kvmx_regs *regs)
{
	must("SET_REGS", ioctl(g->cpu, KVMX_SET_REGS, regs));
}

uint64_t guest_stack(struct guest *g, unsigned int slot)
{
	uint64_t at = guest_regs(g).rsp + 8 * slot, value = ~0ull;

	if (at <= RAM_SIZE - 8)
		memcpy(&value, g->ram + at, 8);
	return value;
}

static bool is_tcg(void)
{
	char name[13] = "";
	unsigned int eax;

	__cpuid(0x40000000, eax, *(unsigned int *)name, *(unsigned int *)(name + 4),
		*(unsigned int *)(name + 8));
	return !strcmp(name, "TCGTCGTCGTCG");
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/kvmx";

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Not watch(): the process has one thread, or it gets no keyring from its child. */
	alarm(60);
	dev = must(path, open(path, O_RDWR | O_CLOEXEC));
	in_tree = !cap(dev, KVMX_CAP_KVMX_VERSION);
	on_tcg = is_tcg();
	note("%s is %s", path, in_tree ? "the kernel's own KVM" : "kvmx");

	test_debug();
	test_msr();
	test_run();
	test_tpr();
	test_caps();
	return verdict();
}
