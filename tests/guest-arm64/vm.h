/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arm64 tests' VM: memory from address 0, one device, vCPUs; and counting
 * of what passed. In vm.c.
 */
#ifndef GUEST_ARM64_VM_H
#define GUEST_ARM64_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvmx.h>

#define MEMORY		(16 << 20)
#define DEVICE		0x20000000
#define GICD		0x08000000
#define ITS		0x08080000
#define GICR		0x080a0000
#define SPI		40
#define REPORTS		64
#define LOAD_ANSWER	0xfedcba9876543280ull

struct vm {
	int fd;
	int gic;			/* -1: none */
	uint8_t *memory;
	int vcpu[2];
	struct kvmx_run *run[2];
	void (*call)(struct vm *vm, uint32_t value);	/* for a store at 0x308 */
};

/* What the guest told by stores to its device. */
struct story {
	unsigned int n;
	uint32_t value[REPORTS];
	unsigned int stores, loads;	/* at 0x200 */
	uint64_t stored[8];
	bool done;
	uint32_t reason;		/* the last exit */
	int error;			/* of KVMX_RUN, or 0 */
};

extern int device;
extern int passed, failed;

bool told(const struct story *story, const uint32_t *values, unsigned int n);
#define TOLD(story, ...) \
	told(story, (const uint32_t[]){ __VA_ARGS__ }, \
	     sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/* interrupts.c */
void test_interrupts(void);
/* debug.c */
void test_debug(void);
/* its.c */
void test_its(void);

void check(bool ok, const char *what);
int must(int result, const char *what);

struct vm *vm_make(unsigned int vcpus, bool gic);
void vm_line(struct vm *vm, uint32_t spi, int level);
void vm_free(struct vm *vm);
void vm_start(struct vm *vm, unsigned int vcpu, const void *code, const void *end);
void vm_run(struct vm *vm, unsigned int vcpu, struct story *story);

/* vCPU 1 of @vm, run by a thread of its own. */
struct second {
	struct vm *vm;
	struct story story;
	pthread_t thread;
};

void second_start(struct second *s);
uint64_t reg_get(struct vm *vm, unsigned int vcpu, uint64_t id);
void reg_set(struct vm *vm, unsigned int vcpu, uint64_t id, uint64_t val);

#define CORE_REG(field) \
	(KVMX_REG_ARM64 | KVMX_REG_SIZE_U64 | KVMX_REG_ARM_CORE | KVMX_REG_ARM_CORE_REG(field))

#define GUEST(name) extern const char guest_##name[], guest_##name##_end[]

#endif
