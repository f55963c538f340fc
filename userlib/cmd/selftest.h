/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tests of `kvmx check` and what they share: a small machine with one of
 * the programs of selftest_guest.c in it, and the reason why a test failed.
 */
#ifndef KVMX_SELFTEST_H
#define KVMX_SELFTEST_H

#include <stdint.h>
#include <kvmx.h>

/* Guest-physical addresses: all below 2 MiB is memory, the second slot is logged. */
#define GUEST_GDT	0x1000u
#define GUEST_IDT	0x2000u
#define GUEST_STACK	0x8000u
#define GUEST_CODE	0x8000u
#define GUEST_TABLE	0x100000u
#define GUEST_MEMORY	0x200000u
#define LOGGED_START	0x40000000u
#define LOGGED_PAGES	1024u
#define NO_MEMORY	0xd0000000u

/* Ports of four bytes, by which a program tells something and asks for something. */
#define PORT_TELL	0x510
#define PORT_ASK	0x514

/* Vectors of its interrupts, and the I/O APIC's pin of the last. */
#define VECTOR_MSI	0x40
#define VECTOR_TIMER	0x41
#define VECTOR_LINE	0x42
#define LINE		5

/* What a program does next, when it waits for an interrupt from outside. */
#define READY_FOR_MSI	0x1001
#define READY_FOR_LINE	0x1003

/* A guest takes this long, in seconds, if it hangs. */
#define PATIENCE	30

/* The programs, and where their handlers of interrupts lie. */
extern const uint8_t selftest_code[], selftest_code_end[];
extern const uint8_t selftest_exits[], selftest_interrupts[], selftest_dirty[],
	selftest_state[];
extern const uint8_t selftest_on_msi[], selftest_on_timer[], selftest_on_line[];

/* What a test is given, and leaves. */
struct selftest {
	struct kvmx *kvmx;
	char said[160];		/* what was found, or what was wrong */
};

struct selftest_vm {
	struct kvmx_vm *vm;
	struct kvmx_vcpu *vcpu;
	uint8_t *memory;
};

int selftest_fail(struct selftest *test, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void selftest_say(struct selftest *test, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

int selftest_vm_create(struct selftest *test, struct selftest_vm *vm,
		       const uint8_t *program, int irqchip);
void selftest_vm_close(struct selftest_vm *vm);
int selftest_run(struct selftest *test, struct selftest_vm *vm, uint32_t reason);
int selftest_told(struct selftest *test, struct selftest_vm *vm, uint32_t *value);
int selftest_asked(struct selftest *test, struct selftest_vm *vm, uint32_t answer);

/* The tests: 0, or -1 with the reason in test->said. */
int selftest_check_features(struct selftest *test);
int selftest_check_exits(struct selftest *test);
int selftest_check_interrupts(struct selftest *test);
int selftest_check_dirty(struct selftest *test);
int selftest_check_state(struct selftest *test);

#endif
