// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual machine that is measured: built through libkvmx, started at one
 * of the guest's loops without any boot, served with nothing but returning to
 * the guest. Called by the files that own rows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define SIZE_2M		(2ull << 20)
#define EFER_LONG	0x500		/* LME, LMA */
#define APIC_X2		0xfee00c00
#define APIC_BSP	0x100

struct kvmx_vm *vm_bare(void)
{
	struct kvmx_vm *vm;

	must(kvmx_vm_create(device, NULL, &vm), "creating a VM");
	return vm;
}

static char *slot_add(struct machine *m, uint32_t slot, uint64_t at, uint64_t length, char *host,
		      uint32_t flags)
{
	struct kvmx_memory_config config = {
		.size = sizeof(config), .slot = slot, .flags = flags,
		.guest_address = at, .length = length, .host = host,
	};
	void *out;

	must(kvmx_vm_memory_add(m->vm, &config, &out), "adding memory");
	return out;
}

/* Host memory of the given kind, aligned to 2 MiB. */
static char *host_memory(uint64_t length, enum memory_kind kind)
{
	char *all = mmap(NULL, length + SIZE_2M, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at = (char *)(((uintptr_t)all + SIZE_2M - 1) & ~(SIZE_2M - 1));

	must(all == MAP_FAILED ? -errno : 0, "mapping memory");
	munmap(all, at - all);
	munmap(at + length, all + SIZE_2M - at);
	must(madvise(at, length, kind == HUGE_PAGES ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) ?
	     -errno : 0, "choosing the page size");
	if (kind != UNTOUCHED)
		for (uint64_t i = 0; i < length; i += 4096)
			*(volatile char *)(at + i) = 1;
	return at;
}

void machine_memory(struct machine *m, uint64_t length, enum memory_kind kind, uint32_t flags)
{
	m->length = length;
	m->memory = host_memory(length, kind);
	slot_add(m, SLOT_MEMORY, GUEST_MEMORY, length, m->memory, flags);
}

/* All leaves that the device offers, with this vCPU's APIC id. */
static void give_cpuid(struct machine *m, int cpu)
{
	struct kvmx_cpuid2 *cpuid;

	must(kvmx_supported_cpuid(device, &cpuid), "reading CPUID");
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvmx_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 1) {
			e->ebx = (e->ebx & 0xffffff) | (uint32_t)cpu << 24;
			if (kvmx_check_extension(device, KVMX_CAP_TSC_DEADLINE_TIMER) > 0)
				e->ecx |= 1u << 24;
		} else if (e->function == 0xb) {
			e->edx = cpu;
		}
	}
	must(kvmx_vcpu_set_cpuid(m->vcpu[cpu], cpuid), "setting CPUID");
	free(cpuid);
}

static void put64(struct machine *m, uint64_t at, uint64_t val)
{
	memcpy(m->low + at, &val, sizeof(val));
}

static uint64_t guest_address(const char *code)
{
	return GUEST_CODE + (code - guest_begin);
}

/* The loops; page tables that map 4 GiB to itself, used and dirty; a GDT and an IDT. */
static void fill_low(struct machine *m)
{
	uint64_t handler = guest_address(guest_handler);

	memcpy(m->low + GUEST_CODE, guest_begin, guest_end - guest_begin);
	put64(m, GUEST_TABLES, (GUEST_TABLES + 0x1000) | 0x27);
	for (uint64_t i = 0; i < 4; i++)
		put64(m, GUEST_TABLES + 0x1000 + i * 8, (GUEST_TABLES + 0x2000 + i * 0x1000) | 0x27);
	for (uint64_t i = 0; i < 2048; i++)
		put64(m, GUEST_TABLES + 0x2000 + i * 8, i * SIZE_2M | 0xe7);
	put64(m, GUEST_GDT + 8, 0x00af9b000000ffffull);		/* 64-bit code */
	put64(m, GUEST_GDT + 16, 0x00cf93000000ffffull);	/* data */
	put64(m, GUEST_IDT + VECTOR * 16, (handler & 0xffff) | 8ull << 16 | 0x8eull << 40 |
	      (handler >> 16 & 0xffff) << 48);
}

void machine_create(struct machine *m, int cpus)
{
	struct kvmx_vcpu_config config = { .size = sizeof(config) };

	memset(m, 0, sizeof(*m));
	m->vm = vm_bare();
	must(kvmx_vm_create_irqchip(m->vm), "creating the irqchip");
	must(kvmx_vm_create_pit(m->vm, 0), "creating the PIT");
	m->low = slot_add(m, SLOT_LOW, 0, GUEST_LOW, NULL, 0);
	madvise(m->low, GUEST_LOW, MADV_NOHUGEPAGE);
	fill_low(m);
	for (int i = 0; i < cpus; i++) {
		config.id = i;
		must(kvmx_vcpu_create(m->vm, &config, &m->vcpu[i]), "creating a vCPU");
		give_cpuid(m, i);
	}
}

void machine_destroy(struct machine *m)
{
	for (int i = 0; i < MACHINE_CPUS; i++)
		kvmx_vcpu_close(m->vcpu[i]);
	kvmx_vm_close(m->vm);
	if (m->memory)
		munmap(m->memory, m->length);
}

static void flat(struct kvmx_segment *s, uint16_t selector, uint8_t type)
{
	*s = (struct kvmx_segment){ .limit = 0xffffffff, .selector = selector, .type = type,
				    .present = 1, .s = 1, .g = 1 };
}

static void long_mode(struct kvmx_sregs *s, int cpu)
{
	flat(&s->cs, 8, 0xb);
	s->cs.l = 1;
	flat(&s->ds, 16, 3);
	s->ds.db = 1;
	s->es = s->fs = s->gs = s->ss = s->ds;
	s->tr = (struct kvmx_segment){ .limit = 0x67, .type = 0xb, .present = 1 };
	s->ldt = (struct kvmx_segment){ .unusable = 1 };
	s->gdt.base = GUEST_GDT;
	s->gdt.limit = 23;
	s->idt.base = GUEST_IDT;
	s->idt.limit = 0xfff;
	s->cr0 = 0x80010031;	/* PG, WP, NE, ET, PE */
	s->cr3 = GUEST_TABLES;
	s->cr4 = 0x20;		/* PAE */
	s->efer = EFER_LONG;
	s->apic_base = APIC_X2 | (cpu ? 0 : APIC_BSP);
}

/* Real mode as after reset, but for segments of 4 GiB at 0. */
static void real_mode(struct kvmx_sregs *s)
{
	s->cs.base = 0;
	s->cs.selector = 0;
	s->ds.limit = 0xffffffff;
	s->ds.g = 1;
}

void machine_start(struct machine *m, int cpu, const char *code, uint64_t rounds, uint64_t addr)
{
	bool real = code < guest_cpuid_64;
	struct kvmx_mp_state running = { .mp_state = KVMX_MP_STATE_RUNNABLE };
	struct kvmx_vcpu *vcpu = m->vcpu[cpu];
	struct kvmx_sregs sregs;
	struct kvmx_regs regs = {
		.rip = guest_address(code), .rflags = 2, .rbp = rounds, .rsi = addr,
		.rsp = GUEST_STACK + (cpu + 1) * 0x10000,
	};

	must(kvmx_vcpu_get_sregs(vcpu, &sregs), "reading registers");
	if (!real)
		long_mode(&sregs, cpu);
	else if (!(sregs.cr0 & 1))
		real_mode(&sregs);
	else
		must(-EBUSY, "going back to real mode");
	must(kvmx_vcpu_set_sregs(vcpu, &sregs), "setting registers");
	must(kvmx_vcpu_set_regs(vcpu, &regs), "setting registers");
	must(kvmx_vcpu_set_mp_state(vcpu, &running), "starting the vCPU");
}

static void unexpected(struct kvmx_vcpu *vcpu)
{
	struct kvmx_regs regs = { 0 };

	kvmx_vcpu_get_regs(vcpu, &regs);
	fprintf(stderr, "bench: unexpected exit %s at rip 0x%llx\n",
		kvmx_exit_name(kvmx_vcpu_exit_reason(vcpu)), (unsigned long long)regs.rip);
	exit(1);
}

uint64_t machine_finish(struct machine *m, int cpu)
{
	struct kvmx_vcpu *vcpu = m->vcpu[cpu];
	struct kvmx_run *run = kvmx_vcpu_run_page(vcpu);
	struct kvmx_exit_io io;

	for (;;) {
		must(kvmx_vcpu_run(vcpu), "running");
		if (run->exit_reason == KVMX_EXIT_MMIO && run->mmio.phys_addr == GUEST_MMIO)
			continue;
		if (run->exit_reason != KVMX_EXIT_IO)
			unexpected(vcpu);
		if (run->io.port == PORT_USER)
			continue;
		if (run->io.port != PORT_DONE)
			unexpected(vcpu);
		must(kvmx_vcpu_exit_io(vcpu, &io), "reading the result");
		return *(uint32_t *)io.data;
	}
}

void machine_serve(struct machine *m, int cpu)
{
	int ret;

	do {
		ret = kvmx_vcpu_run(m->vcpu[cpu]);
	} while (ret == -EAGAIN);
	if (ret != -EINTR)
		unexpected(m->vcpu[cpu]);
}
