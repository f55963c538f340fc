/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of one vCPU in 64-bit mode, for the parts of the test of what a VMM
 * asks of a vCPU (vcpu.c). Guest code is written in assembler in the tests,
 * between code_NAME and end_NAME, and copied to CODE.
 */
#ifndef TESTS_VMM_VCPU_H
#define TESTS_VMM_VCPU_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvmx.h>

#include "check.h"

#define RAM_SIZE	0x200000ul
#define CODE		0x10000ul
#define HANDLERS	0x20000ul	/* vector n comes to HANDLERS + 16 * n */
#define DATA		0x30000ul
#define STACK		0x50000ul
#define DEVICE		0x40000000ul	/* mapped, no memory there */

#define WITH_IRQCHIP	1
#define WITHOUT_HLT	2	/* its exits are disabled */

struct guest {
	int vm, cpu;
	struct kvmx_run *run;
	uint8_t *ram;
};

extern int dev;
extern bool in_tree;			/* the device is the kernel's own KVM */
extern bool on_tcg;			/* this computer is emulated by QEMU's TCG */

/*
 * GUEST_CODE(name, "...") makes code_name, copied by LOAD(guest, name). PORT_*
 * in it end the guest with an exit.
 */
#define GUEST_CODE(name, text)						\
	extern const uint8_t code_##name[], end_##name[];		\
	asm(".pushsection .rodata\n.global code_" #name ", end_" #name "\n"	\
	    "code_" #name ":\n" text "\nend_" #name ":\n.popsection\n")
#define LOAD(g, name)	guest_load(g, code_##name, end_##name - code_##name)

/* @value is @wanted, or it is said what it is. */
void check_is(uint64_t value, uint64_t wanted, const char *what);

struct guest guest_make(int with);
void guest_end(struct guest *g);
void guest_load(struct guest *g, const void *code, unsigned long size);	/* and RIP there */
/* The handler of @vector: OUTs the vector to port 0xee, with the frame on its stack. */
void guest_handler(struct guest *g, uint8_t vector, bool error);
uint32_t guest_run(struct guest *g);		/* exit reason, or ~0 with errno */
struct kvmx_regs guest_regs(struct guest *g);
void guest_set_regs(struct guest *g, const struct kvmx_regs *regs);
uint64_t guest_stack(struct guest *g, unsigned int slot);	/* 64-bit words at RSP */
void guest_map(struct guest *g, uint64_t at, uint64_t gpa);	/* 2 MiB, below 2 GiB */
int cap(int fd, long number);

void test_caps(void);
void test_debug(void);
void test_msr(void);
void test_run(void);
void test_tpr(void);

#endif
