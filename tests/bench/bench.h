/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark's files share: the places and numbers that the guest's
 * loops (guest.S) and the VMM (machine.c) agree on, and the VMM's functions.
 */
#ifndef BENCH_H
#define BENCH_H

#define GUEST_CODE	0x1000
#define GUEST_GDT	0x3000
#define GUEST_IDT	0x4000
#define GUEST_TABLES	0x8000		/* PML4, PDPT, four page directories */
#define GUEST_STACK	0x20000		/* of vCPU 0, the next above it */
#define GUEST_LOW	0x200000	/* bytes of the slot that holds all of these */
#define GUEST_MEMORY	0x10000000	/* where the memory to touch begins */
#define GUEST_MMIO	0xd0000000	/* nothing is there */

#define PORT_PIC_MASK	0x21
#define PORT_USER	0xe0
#define PORT_DONE	0xe8
#define HYPERCALL_NONE	0x7fff
#define VECTOR		0x40

#define MSR_APIC_BASE		0x1b
#define MSR_MCG_STATUS		0x17a
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC_EOI		0x80b
#define MSR_X2APIC_SPIV		0x80f
#define MSR_X2APIC_ICR		0x830
#define MSR_X2APIC_LVTT		0x832
#define APIC_TSC_DEADLINE	0x40000

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>
#include <x86intrin.h>
#include <kvmx.h>

/* The loops, in this program's own memory. */
#define BOTH_MODES(name) extern const char guest_##name##_16[], guest_##name##_64[]
BOTH_MODES(cpuid);
BOTH_MODES(vmmcall);
BOTH_MODES(vmcall);
BOTH_MODES(rdmsr);
BOTH_MODES(wrmsr);
BOTH_MODES(pic);
BOTH_MODES(port_out);
BOTH_MODES(port_in);
BOTH_MODES(mmio_write);
BOTH_MODES(mmio_read);
BOTH_MODES(touch_4k);
BOTH_MODES(touch_2m);
extern const char guest_begin[], guest_end[], guest_handler[];
extern const char guest_timer[], guest_ipi_self[], guest_ipi_send[];
extern const char guest_ipi_ask[], guest_ipi_answer[], guest_spin[];

#define MACHINE_CPUS 2

struct machine {
	struct kvmx_vm *vm;
	struct kvmx_vcpu *vcpu[MACHINE_CPUS];
	char *low;		/* the slot at 0 */
	char *memory;		/* the slot at GUEST_MEMORY, or NULL */
	uint64_t length;	/* of it */
};

enum memory_kind { SMALL_PAGES, HUGE_PAGES, UNTOUCHED };

/* main.c: ends the program when a negative errno comes back. */
int must(int result, const char *what);
extern struct kvmx *device;
extern bool quick;
void row(const char *name, double value);

/* machine.c */
struct kvmx_vm *vm_bare(void);
void machine_create(struct machine *m, int cpus);
void machine_memory(struct machine *m, uint64_t length, enum memory_kind kind, uint32_t flags);
void machine_destroy(struct machine *m);
/* Gives a vCPU the state to start @code in 64-bit or real mode. */
void machine_start(struct machine *m, int cpu, const char *code, uint64_t rounds, uint64_t addr);
/* Runs it until its loop is done: the guest's own count of ticks. */
uint64_t machine_finish(struct machine *m, int cpu);
/* Runs it until kvmx_vcpu_kick(). */
void machine_serve(struct machine *m, int cpu);

/* exits.c, ipi.c, objects.c: the rows. */
void rows_exits(void);
void rows_memory(void);
void rows_ipi(void);
void rows_objects(void);

#define SLOT_LOW	0
#define SLOT_MEMORY	1
#endif
#endif
