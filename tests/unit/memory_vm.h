/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM with nothing but memory, for the tests of slots, faults and notifier: one vCPU, a piece
 * of user memory, and TLB flushes that are counted. Includes the formats.
 */
#ifndef MEMORY_VM_H
#define MEMORY_VM_H

#include <kvmx/vm.h>
#include <kvmx/host.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <string.h>
#include <sys/mman.h>

#include "stage2_formats.h"

#define PAGE		4096ULL
#define MB		(1ULL << 20)
#define GB		(1ULL << 30)
#define USER_SIZE	(64 * MB)
#define USER_AREA	(GB + USER_SIZE)
#define RWX		(STAGE2_READ | STAGE2_WRITE | STAGE2_EXEC)

static struct kvmx_vm vm;
static struct kvmx_vcpu vcpu;
static char *user;			/* USER_SIZE, from a multiple of 1 GiB on */
static void *user_area;			/* what it was cut from */
static unsigned long flushes, knocks;
static void (*on_flush)(void);		/* what leaving the guest brings about, or NULL */

void kvmx_vm_request_all(struct kvmx_vm *of, int req, bool wait)
{
	if (of != &vm || req != (wait ? KVMX_REQ_TLB_FLUSH : KVMX_REQ_SLOTS) || irqs_disabled())
		abort();
	/* Without waiting it is no flush, only a knock. */
	__atomic_add_fetch(wait ? &flushes : &knocks, 1, __ATOMIC_RELAXED);
	if (wait && on_flush)
		on_flush();
}

static void vm_begin_format(const struct stage2_format *format)
{
	memset(&vm, 0, sizeof(vm));
	memset(&vcpu, 0, sizeof(vcpu));
	flushes = 0;
	knocks = 0;
	vm.mm = shim_mm();
	vcpu.vm = &vm;
	user_area = mmap(NULL, USER_AREA, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert(user_area != MAP_FAILED);
	user = (char *)ALIGN((unsigned long)user_area, GB);
	shim_user_register(user, USER_SIZE);
	ck_assert_int_eq(kvmx_memory_init(&vm, format), 0);
}

static inline void vm_begin(void)
{
	vm_begin_format(&format_npt);
}

static void vm_end(void)
{
	kvmx_memory_destroy(&vm);
	shim_rcu_run();
	shim_user_unregister(user);
	munmap(user_area, USER_AREA);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_4K], 0);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_2M], 0);
	ck_assert_uint_eq(vm.stat[KVMX_STAT_PAGES_1G], 0);
	ck_assert_uint_eq(shim_alloc_live(), 0);
}

static int slot_set(u32 id, u32 flags, u64 gpa, u64 size, unsigned long hva)
{
	struct kvmx_userspace_memory_region2 mem = {
		.slot = id, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = hva,
	};

	return kvmx_memslot_set(&vm, &mem);
}

static enum kvmx_fault_result fault_at(u64 gpa, u32 access, bool atomic)
{
	int idx = srcu_read_lock(&vm.memory.srcu);
	enum kvmx_fault_result result = kvmx_memory_fault(&vcpu, gpa, access, atomic);

	srcu_read_unlock(&vm.memory.srcu, idx);
	return result;
}

/* Whether the guest could reach @gpa so without a fault. */
static inline bool guest_reaches(u64 gpa, u32 access)
{
	struct unit_walk walk;

	return unit_walk(vm.memory.s2, gpa >> 12, &walk) && !(access & ~walk.access);
}

#endif
