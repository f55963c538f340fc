// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which errno each refusal comes with, after "The Definitive KVM API
 * Documentation"; and that a vCPU whose ioctl was refused is as it was.
 * KVMX_ONLY: the document leaves it open, or in-tree
 * KVM of some versions does not do what it says.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ioctls.h"

static const char *name_of(int err)
{
	return err ? strerrorname_np(err) : "success";
}

/* @result was an ioctl's, whose errno is still there. */
static void want(const char *what, int result, int err)
{
	int got = result < 0 ? errno : 0;

	check(got == err, "%s: %s", what, name_of(err));
	if (got != err)
		note("it is %s", name_of(got));
}

static void want_any(const char *what, int result, int err, int other)
{
	int got = result < 0 ? errno : 0;

	check(got == err || got == other, "%s: %s or %s", what, name_of(err), name_of(other));
	if (got != err && got != other)
		note("it is %s", name_of(got));
}

/* What in-tree KVM may take, or takes in some versions: it is not even asked. */
#define KVMX_ONLY(what, ask, err)			\
	do {						\
		if (!in_tree)				\
			want(what, ask, err);		\
	} while (0)

/* ---- the device and creation ---- */

static void device(void)
{
	struct { struct kvmx_cpuid2 head; struct kvmx_cpuid_entry2 e[256]; } *cpuid =
		calloc(1, sizeof(*cpuid));
	struct { struct kvmx_msr_list head; uint32_t e[4]; } list = { .head.nmsrs = 0 };
	struct { struct kvmx_msrs head; struct kvmx_msr_entry e[256]; } *msrs = calloc(1, sizeof(*msrs));

	check(ioctl(dev, KVMX_GET_API_VERSION, 0) == 12, "the API version is 12");
	want("GET_API_VERSION with an argument", ioctl(dev, KVMX_GET_API_VERSION, 1), EINVAL);
	want("GET_VCPU_MMAP_SIZE with an argument", ioctl(dev, KVMX_GET_VCPU_MMAP_SIZE, 1), EINVAL);
	want("CREATE_VM, no such type", ioctl(dev, KVMX_CREATE_VM, 0x1234), EINVAL);
	want("CREATE_VM, type -1", ioctl(dev, KVMX_CREATE_VM, -1l), EINVAL);
	check(ioctl(dev, KVMX_CHECK_EXTENSION, 0x7fffffff) == 0, "an unknown capability is 0");
	KVMX_ONLY("a capability beyond 32 bits", ioctl(dev, KVMX_CHECK_EXTENSION, 0x100000003ul), 0);

	cpuid->head.nent = 1;
	want("GET_SUPPORTED_CPUID, no room", ioctl(dev, KVMX_GET_SUPPORTED_CPUID, cpuid), E2BIG);
	cpuid->head.nent = 0;
	want("GET_SUPPORTED_CPUID, no room at all", ioctl(dev, KVMX_GET_SUPPORTED_CPUID, cpuid), E2BIG);
	want("GET_MSR_INDEX_LIST, no room", ioctl(dev, KVMX_GET_MSR_INDEX_LIST, &list), E2BIG);
	check(list.head.nmsrs > 20, "but the number is told");
	msrs->head.nmsrs = 1;
	msrs->e[0].index = 0x12345678;
	check(ioctl(dev, KVMX_GET_MSRS, msrs) == 0, "an unknown feature MSR: none is read");
	msrs->head.nmsrs = 256;
	want("GET_MSRS, too many", ioctl(dev, KVMX_GET_MSRS, msrs), E2BIG);
	free(cpuid);
	free(msrs);
}

static int enable(int fd, uint32_t number, uint32_t flags, uint64_t arg)
{
	struct kvmx_enable_cap c = { .cap = number, .flags = flags, .args = { arg } };

	return ioctl(fd, KVMX_ENABLE_CAP, &c);
}

static void creation(void)
{
	struct test_vm t = test_vm_make(0);
	struct kvmx_pit_config pit = { 0 };
	uint64_t address = 0xfffbc000;
	int second;

	KVMX_ONLY("CREATE_PIT2 without an irqchip", ioctl(t.vm, KVMX_CREATE_PIT2, &pit), ENOENT);
	want("CREATE_VCPU, id too large", ioctl(t.vm, KVMX_CREATE_VCPU,
						cap(dev, KVMX_CAP_MAX_VCPU_ID)), EINVAL);
	want("CREATE_VCPU, id -1", ioctl(t.vm, KVMX_CREATE_VCPU, -1l), EINVAL);
	want("SET_TSS_ADDR, too high", ioctl(t.vm, KVMX_SET_TSS_ADDR, 0xffffe000ul), EINVAL);
	want("CREATE_IRQCHIP", ioctl(t.vm, KVMX_CREATE_IRQCHIP, 0), 0);
	want("CREATE_IRQCHIP again", ioctl(t.vm, KVMX_CREATE_IRQCHIP, 0), EEXIST);
	want("split irqchip after CREATE_IRQCHIP", enable(t.vm, KVMX_CAP_SPLIT_IRQCHIP, 0, 24), EEXIST);
	pit.flags = ~KVMX_PIT_SPEAKER_DUMMY;
	KVMX_ONLY("CREATE_PIT2, unknown flags", ioctl(t.vm, KVMX_CREATE_PIT2, &pit), EINVAL);
	pit.flags = 0;
	want("CREATE_PIT2", ioctl(t.vm, KVMX_CREATE_PIT2, &pit), 0);
	want("CREATE_PIT2 again", ioctl(t.vm, KVMX_CREATE_PIT2, &pit), EEXIST);
	t.cpu = ioctl(t.vm, KVMX_CREATE_VCPU, 0);
	want("CREATE_VCPU", t.cpu, 0);
	want("CREATE_VCPU, the same id", ioctl(t.vm, KVMX_CREATE_VCPU, 0), EEXIST);
	second = ioctl(t.vm, KVMX_CREATE_VCPU, 1);
	want("CREATE_VCPU, another id", second, 0);
	close(second);
	want("CREATE_VCPU, the id of one whose file is closed", ioctl(t.vm, KVMX_CREATE_VCPU, 1), EEXIST);
	want("SET_IDENTITY_MAP_ADDR after a vCPU", ioctl(t.vm, KVMX_SET_IDENTITY_MAP_ADDR, &address),
	     EINVAL);
	want("SET_BOOT_CPU_ID after a vCPU", ioctl(t.vm, KVMX_SET_BOOT_CPU_ID, 0), EBUSY);
	want("ENABLE_CAP, unknown", enable(t.vm, 0x7fffffff, 0, 0), EINVAL);
	want("ENABLE_CAP, flags", enable(t.vm, KVMX_CAP_SPLIT_IRQCHIP, 1, 24), EINVAL);
	want("ENABLE_CAP of a vCPU, unknown", enable(t.cpu, 0x7fffffff, 0, 0), EINVAL);
	want("X2APIC_API, unknown flags", enable(t.vm, KVMX_CAP_X2APIC_API, 0, ~0ull), EINVAL);
	want("DISABLE_QUIRKS2, unknown quirk", enable(t.vm, KVMX_CAP_DISABLE_QUIRKS2, 0, 1ull << 63),
	     EINVAL);
	test_vm_end(&t);

	t = test_vm_make(WITH_CPU);
	want("CREATE_IRQCHIP after a vCPU", ioctl(t.vm, KVMX_CREATE_IRQCHIP, 0), EINVAL);
	want_any("split irqchip after a vCPU", enable(t.vm, KVMX_CAP_SPLIT_IRQCHIP, 0, 24), EINVAL,
		 EEXIST);
	test_vm_end(&t);
	t = test_vm_make(0);
	want("split irqchip, too many routes", enable(t.vm, KVMX_CAP_SPLIT_IRQCHIP, 0, 1 << 20), EINVAL);
	test_vm_end(&t);
}

/* ---- memory ---- */

static int slot(const struct test_vm *t, uint32_t id, uint32_t flags, uint64_t gpa, uint64_t size,
		const void *hva)
{
	struct kvmx_userspace_memory_region r = {
		.slot = id, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return ioctl(t->vm, KVMX_SET_USER_MEMORY_REGION, &r);
}

static int msr_filter(int vm, uint32_t flags, uint32_t access, uint32_t nr, const void *bits)
{
	struct kvmx_msr_filter f = {
		.flags = flags, .ranges[3] = { access, nr, 0x10, (void *)bits },
	};

	return ioctl(vm, KVMX_X86_SET_MSR_FILTER, &f);
}

/* What a VM is told before, or whenever, its vCPUs run. */
static void switches(void)
{
	struct test_vm t = test_vm_make(WITH_CPU | WITH_MEMORY);
	struct test_vm early = test_vm_make(0);

	want("MSR filter, unknown flag", msr_filter(t.vm, 2, 1, 8, memory), EINVAL);
	want("MSR filter, unknown access", msr_filter(t.vm, 0, 4, 8, memory), EINVAL);
	want("MSR filter, too many", msr_filter(t.vm, 0, 1, 0x3001, memory), EINVAL);
	want("MSR filter, no bitmap there", msr_filter(t.vm, 0, 1, 8, hole), EFAULT);
	want("MSR filter, all denied", msr_filter(t.vm, 1, 1, 0, memory), EINVAL);
	want("MSR filter", msr_filter(t.vm, 0, 3, 0x3000, memory), 0);
	want("USER_SPACE_MSR, unknown reason", enable(t.vm, KVMX_CAP_X86_USER_SPACE_MSR, 0, 8),
	     EINVAL);
	want("DISABLE_EXITS, unknown exit", enable(early.vm, KVMX_CAP_X86_DISABLE_EXITS, 0, 1 << 20),
	     EINVAL);
	KVMX_ONLY("DISABLE_EXITS after a vCPU", enable(t.vm, KVMX_CAP_X86_DISABLE_EXITS, 0, 2),
		  EINVAL);
	want("EXIT_HYPERCALL, unknown call", enable(t.vm, KVMX_CAP_EXIT_HYPERCALL, 0, 1), EINVAL);
	want("EXIT_ON_EMULATION_FAILURE, no bool",
	     enable(t.vm, KVMX_CAP_EXIT_ON_EMULATION_FAILURE, 0, 2), EINVAL);
	want("MAX_VCPU_ID, too large", enable(early.vm, KVMX_CAP_MAX_VCPU_ID, 0, 1 << 20), EINVAL);
	want("MAX_VCPU_ID", enable(early.vm, KVMX_CAP_MAX_VCPU_ID, 0, 3), 0);
	want("MAX_VCPU_ID, another", enable(early.vm, KVMX_CAP_MAX_VCPU_ID, 0, 4), EINVAL);
	want("a vCPU beyond it", ioctl(early.vm, KVMX_CREATE_VCPU, 3), EINVAL);
	KVMX_ONLY("APIC_BUS_CYCLES_NS without APICs",
		  enable(early.vm, KVMX_CAP_X86_APIC_BUS_CYCLES_NS, 0, 10), ENXIO);
	test_vm_end(&early);
	test_vm_end(&t);
}

static void memory_slots(void)
{
	struct test_vm t = test_vm_make(0);
	struct kvmx_dirty_log log = { 0 };
	const uint64_t M = 1 << 20, high = 1ull << 60;
	const uint32_t ro = KVMX_MEM_READONLY;
	char bitmap[64];

	want("a slot", slot(&t, 0, 0, M, M, memory), 0);
	want("the same slot again", slot(&t, 0, 0, M, M, memory), 0);
	want("slot: address not aligned", slot(&t, 1, 0, 4 * M + 1, M, memory), EINVAL);
	want("slot: size not aligned", slot(&t, 1, 0, 4 * M, M + 1, memory), EINVAL);
	want("slot: user address not aligned", slot(&t, 1, 0, 4 * M, M, memory + 1), EINVAL);
	want("slot: unknown flag", slot(&t, 1, 1 << 31, 4 * M, M, memory), EINVAL);
	want("slot: address wraps", slot(&t, 1, 0, -M, 2 * M, memory), EINVAL);
	want("slot: address ends at 2^64", slot(&t, 1, 0, -M, M, memory), EINVAL);
	want("slot: beyond physical addresses", slot(&t, 1, 0, high, M, memory), EINVAL);
	want("slot: user address wraps", slot(&t, 1, 0, 4 * M, M, (void *)-4096l), EINVAL);
	want("slot: kernel address", slot(&t, 1, 0, 4 * M, M, (void *)0xffff888000000000), EINVAL);
	want("slot: too large", slot(&t, 1, 0, 4 * M, 1ull << 43, memory), EINVAL);
	want("slot: size 2^63", slot(&t, 1, 0, 4 * M, 1ull << 63, memory), EINVAL);
	want("slot: no such number", slot(&t, cap(t.vm, KVMX_CAP_NR_MEMSLOTS), 0, 4 * M, M, memory),
	     EINVAL);
	want("slot: number -1", slot(&t, -1u, 0, 4 * M, M, memory), EINVAL);
	if (cap(t.vm, KVMX_CAP_MULTI_ADDRESS_SPACE) <= 1)
		want("slot: another address space", slot(&t, 1 << 16, 0, 4 * M, M, memory), EINVAL);
	want("slot: overlaps", slot(&t, 1, 0, M, M, memory), EEXIST);
	want("slot: overlaps in its last page", slot(&t, 1, 0, 2 * M - 4096, M, memory), EEXIST);
	want("slot: contains another", slot(&t, 1, 0, 0, 4 * M, memory), EEXIST);
	want("slot: next to another", slot(&t, 1, 0, 2 * M, M, memory + M), 0);
	want("slot: moves over another", slot(&t, 1, 0, M, M, memory + M), EEXIST);
	want("slot: moves over itself", slot(&t, 1, 0, 2 * M + M / 2, M, memory + M), 0);
	want("slot: deleting what is not there", slot(&t, 7, 0, 0, 0, memory), EINVAL);
	want("slot: another size", slot(&t, 0, 0, M, 2 * M, memory), EINVAL);
	want("slot: another user address", slot(&t, 0, 0, M, M, memory + M), EINVAL);
	want("slot: made read-only", slot(&t, 0, ro, M, M, memory), EINVAL);
	/* All of these left both slots as they were. */
	want("the same slot once more", slot(&t, 0, 0, M, M, memory), 0);
	want("slot: first page is free", slot(&t, 2, 0, 0, M, memory), 0);

	log.dirty_bitmap = bitmap;
	want("GET_DIRTY_LOG without a log", ioctl(t.vm, KVMX_GET_DIRTY_LOG, &log), ENOENT);
	log.slot = 9;
	want("GET_DIRTY_LOG without a slot", ioctl(t.vm, KVMX_GET_DIRTY_LOG, &log), ENOENT);
	log.slot = -1;
	want("GET_DIRTY_LOG, no such number", ioctl(t.vm, KVMX_GET_DIRTY_LOG, &log), EINVAL);
	want("slot: logged from now on", slot(&t, 0, KVMX_MEM_LOG_DIRTY_PAGES, M, M, memory), 0);
	log.slot = 0;
	want("GET_DIRTY_LOG", ioctl(t.vm, KVMX_GET_DIRTY_LOG, &log), 0);
	log.dirty_bitmap = hole;
	want("GET_DIRTY_LOG to nowhere", ioctl(t.vm, KVMX_GET_DIRTY_LOG, &log), EFAULT);
	want("slot: deleted", slot(&t, 0, 0, 0, 0, NULL), 0);
	want("slot: deleted again", slot(&t, 0, 0, 0, 0, NULL), EINVAL);
	test_vm_end(&t);
}

static int clear_log(int vm, uint32_t slot, uint64_t first, uint32_t nr, void *bitmap)
{
	struct kvmx_clear_dirty_log log = {
		.slot = slot, .first_page = first, .num_pages = nr, .dirty_bitmap = bitmap,
	};

	return ioctl(vm, KVMX_CLEAR_DIRTY_LOG, &log);
}

/* A slot of 100 pages: its last word is not whole. */
static void dirty_logs(void)
{
	const uint32_t manual = KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2;
	struct test_vm t = test_vm_make(0);
	uint64_t bitmap[4] = { 0 };

	want("manual clearing: unknown flag", enable(t.vm, manual, 0, 4), EINVAL);
	want("manual clearing: all set alone", enable(t.vm, manual, 0, 2), EINVAL);
	want("manual clearing: flags", enable(t.vm, manual, 1, 1), EINVAL);
	want("manual clearing", enable(t.vm, manual, 0, 3), 0);
	want("a slot, logged", slot(&t, 0, KVMX_MEM_LOG_DIRTY_PAGES, 0, 100 * 4096, memory), 0);
	want("a slot, not logged", slot(&t, 1, 0, 1 << 20, 100 * 4096, memory), 0);
	want("CLEAR_DIRTY_LOG", clear_log(t.vm, 0, 0, 100, bitmap), 0);
	want("CLEAR_DIRTY_LOG of whole words", clear_log(t.vm, 0, 0, 64, bitmap), 0);
	want("CLEAR_DIRTY_LOG of the end", clear_log(t.vm, 0, 64, 36, bitmap), 0);
	want("CLEAR_DIRTY_LOG of nothing", clear_log(t.vm, 0, 64, 0, bitmap), 0);
	want("CLEAR_DIRTY_LOG: first is odd", clear_log(t.vm, 0, 32, 64, bitmap), EINVAL);
	want("CLEAR_DIRTY_LOG: number is odd", clear_log(t.vm, 0, 0, 99, bitmap), EINVAL);
	want("CLEAR_DIRTY_LOG: beyond the slot", clear_log(t.vm, 0, 64, 64, bitmap), EINVAL);
	want("CLEAR_DIRTY_LOG: begins beyond", clear_log(t.vm, 0, 128, 64, bitmap), EINVAL);
	want("CLEAR_DIRTY_LOG: -1 pages", clear_log(t.vm, 0, 0, -1, bitmap), EINVAL);
	want("CLEAR_DIRTY_LOG: wraps", clear_log(t.vm, 0, -64ull, 128, bitmap), EINVAL);
	want("CLEAR_DIRTY_LOG without a log", clear_log(t.vm, 1, 0, 64, bitmap), ENOENT);
	want("CLEAR_DIRTY_LOG without a slot", clear_log(t.vm, 9, 0, 64, bitmap), ENOENT);
	want("CLEAR_DIRTY_LOG, no such number", clear_log(t.vm, -1, 0, 64, bitmap), EINVAL);
	want("CLEAR_DIRTY_LOG from nowhere", clear_log(t.vm, 0, 0, 64, hole), EFAULT);
	want("CLEAR_DIRTY_LOG from NULL", clear_log(t.vm, 0, 0, 64, NULL), EFAULT);
	want("CLEAR_DIRTY_LOG from what cannot be written", clear_log(t.vm, 0, 0, 64, readonly), 0);
	want("RESET_DIRTY_RINGS without rings", ioctl(t.vm, KVMX_RESET_DIRTY_RINGS, 0), EINVAL);
	test_vm_end(&t);
}

static void dirty_rings(void)
{
	const uint32_t ring = KVMX_CAP_DIRTY_LOG_RING;
	struct test_vm t = test_vm_make(0);
	struct kvmx_dirty_log log = { .dirty_bitmap = memory };
	uint64_t most = cap(dev, ring);

	want("rings of nothing", enable(t.vm, ring, 0, 0), EINVAL);
	want("rings: no power of two", enable(t.vm, ring, 0, 3 * 4096), EINVAL);
	want("rings: too small", enable(t.vm, ring, 0, 2048), EINVAL);
	want("rings: too large", enable(t.vm, ring, 0, 2 * most), E2BIG);
	want("rings of 2^63 bytes", enable(t.vm, ring, 0, 1ull << 63), in_tree ? EINVAL : E2BIG);
	KVMX_ONLY("rings: flags", enable(t.vm, ring, 1, 4096), EINVAL);
	want("rings", enable(t.vm, ring, 0, most), 0);
	want("rings again", enable(t.vm, ring, 0, most), EINVAL);
	want("a slot, logged", slot(&t, 0, KVMX_MEM_LOG_DIRTY_PAGES, 0, 1 << 20, memory), 0);
	want("GET_DIRTY_LOG with rings", ioctl(t.vm, KVMX_GET_DIRTY_LOG, &log), ENXIO);
	want("CLEAR_DIRTY_LOG with rings", clear_log(t.vm, 0, 0, 64, memory), ENXIO);
	want("RESET_DIRTY_RINGS before vCPUs", ioctl(t.vm, KVMX_RESET_DIRTY_RINGS, 0), 0);
	t.cpu = ioctl(t.vm, KVMX_CREATE_VCPU, 0);
	want("a vCPU with a ring", t.cpu, 0);
	want("RESET_DIRTY_RINGS", ioctl(t.vm, KVMX_RESET_DIRTY_RINGS, 0), 0);
	test_vm_end(&t);

	t = test_vm_make(WITH_CPU);
	want("rings after a vCPU", enable(t.vm, ring, 0, 4096), EINVAL);
	test_vm_end(&t);
}

/* ---- interrupts and eventfds ---- */

static int route(int vm, uint32_t gsi, uint32_t type, uint32_t flags, uint32_t chip, uint32_t pin)
{
	struct { struct kvmx_irq_routing head; struct kvmx_irq_routing_entry e; } r = {
		.head.nr = 1,
		.e = { .gsi = gsi, .type = type, .flags = flags, .u.irqchip = { chip, pin } },
	};

	return ioctl(vm, KVMX_SET_GSI_ROUTING, &r);
}

static void routing(int vm)
{
	struct { struct kvmx_irq_routing head; struct kvmx_irq_routing_entry e[2]; } r = {
		.head = { .nr = 2 },
		.e = { { .gsi = 5, .type = KVMX_IRQ_ROUTING_IRQCHIP, .u.irqchip = { 2, 5 } },
		       { .gsi = 5, .type = KVMX_IRQ_ROUTING_MSI } },
	};
	struct kvmx_irq_routing many = { .nr = 4097 };

	want("routes: a pin", route(vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 0, 2, 3), 0);
	want("routes: no such type", route(vm, 3, 99, 0, 2, 3), EINVAL);
	want("routes: no such chip", route(vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 0, 3, 3), EINVAL);
	want("routes: chip -1", route(vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 0, -1, 3), EINVAL);
	want("routes: no such pin", route(vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 0, 2, 24), EINVAL);
	want("routes: no such pin of a PIC", route(vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 0, 0, 8), EINVAL);
	want("routes: pin -1", route(vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 0, 1, -1), EINVAL);
	want("routes: GSI too large", route(vm, 4096, KVMX_IRQ_ROUTING_IRQCHIP, 0, 2, 3), EINVAL);
	want("routes: GSI -1", route(vm, -1, KVMX_IRQ_ROUTING_IRQCHIP, 0, 2, 3), EINVAL);
	want("routes: flags of an entry", route(vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 2, 2, 3), EINVAL);
	want("routes: MSI and pin of one GSI", ioctl(vm, KVMX_SET_GSI_ROUTING, &r), EINVAL);
	r.e[1] = r.e[0];
	want("routes: one pin twice", ioctl(vm, KVMX_SET_GSI_ROUTING, &r), EINVAL);
	r.head.flags = 1;
	want("routes: flags", ioctl(vm, KVMX_SET_GSI_ROUTING, &r), EINVAL);
	want_any("routes: too many", ioctl(vm, KVMX_SET_GSI_ROUTING, &many), EINVAL, E2BIG);
}

static int irqfd(int vm, int fd, uint32_t gsi, uint32_t flags, int resample)
{
	struct kvmx_irqfd a = { .fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample };

	return ioctl(vm, KVMX_IRQFD, &a);
}

static void irqfds(int vm)
{
	int event = eventfd(0, 0), other = eventfd(0, 0), null = open("/dev/null", O_RDWR);

	want("irqfd: no file", irqfd(vm, -1, 5, 0, 0), EBADF);
	want("irqfd: no eventfd", irqfd(vm, null, 5, 0, 0), EINVAL);
	want("irqfd: unknown flag", irqfd(vm, event, 5, 1 << 5, 0), EINVAL);
	KVMX_ONLY("irqfd: GSI too large", irqfd(vm, event, 1 << 20, 0, 0), EINVAL);
	want("irqfd: resample without a file", irqfd(vm, event, 5, KVMX_IRQFD_FLAG_RESAMPLE, -1), EBADF);
	want("irqfd: resample without an eventfd",
	     irqfd(vm, event, 5, KVMX_IRQFD_FLAG_RESAMPLE, null), EINVAL);
	want("irqfd: bound", irqfd(vm, event, 5, 0, 0), 0);
	want("irqfd: bound again", irqfd(vm, event, 6, 0, 0), EBUSY);
	want("irqfd: unbound, no file", irqfd(vm, -1, 5, KVMX_IRQFD_FLAG_DEASSIGN, 0), EBADF);
	want("irqfd: unbound, not bound", irqfd(vm, other, 5, KVMX_IRQFD_FLAG_DEASSIGN, 0), 0);
	want("irqfd: unbound", irqfd(vm, event, 5, KVMX_IRQFD_FLAG_DEASSIGN, 0), 0);
	want("irqfd: free again", irqfd(vm, event, 6, 0, 0), 0);
	close(event);
	close(other);
	close(null);
}

static int ioevent(int vm, int fd, uint64_t addr, uint32_t len, uint32_t flags, uint64_t match)
{
	struct kvmx_ioeventfd a = {
		.fd = fd, .addr = addr, .len = len, .flags = flags, .datamatch = match,
	};

	return ioctl(vm, KVMX_IOEVENTFD, &a);
}

static void ioeventfds(int vm)
{
	const uint32_t data = KVMX_IOEVENTFD_FLAG_DATAMATCH, off = KVMX_IOEVENTFD_FLAG_DEASSIGN,
		       pio = KVMX_IOEVENTFD_FLAG_PIO;
	int event = eventfd(0, 0), null = open("/dev/null", O_RDWR);

	want("ioeventfd: no file", ioevent(vm, -1, 0x1000, 4, 0, 0), EBADF);
	want("ioeventfd: no eventfd", ioevent(vm, null, 0x1000, 4, 0, 0), EINVAL);
	want("ioeventfd: length 3", ioevent(vm, event, 0x1000, 3, 0, 0), EINVAL);
	want("ioeventfd: length 16", ioevent(vm, event, 0x1000, 16, 0, 0), EINVAL);
	want("ioeventfd: unknown flag", ioevent(vm, event, 0x1000, 4, 1 << 12, 0), EINVAL);
	want("ioeventfd: address wraps", ioevent(vm, event, ~1ull, 4, 0, 0), EINVAL);
	want("ioeventfd: data of no length", ioevent(vm, event, 0x1000, 0, data, 1), EINVAL);
	want("ioeventfd: bound", ioevent(vm, event, 0x1000, 4, 0, 0), 0);
	want("ioeventfd: bound again", ioevent(vm, event, 0x1000, 4, 0, 0), EEXIST);
	want("ioeventfd: any data and some data", ioevent(vm, event, 0x1000, 4, data, 1), EEXIST);
	want("ioeventfd: another bus", ioevent(vm, event, 0x1000, 4, pio, 0), 0);
	want("ioeventfd: unbound, another address", ioevent(vm, event, 0x2000, 4, off, 0), ENOENT);
	want("ioeventfd: unbound, another length", ioevent(vm, event, 0x1000, 2, off, 0), ENOENT);
	want("ioeventfd: unbound, with data", ioevent(vm, event, 0x1000, 4, off | data, 0), ENOENT);
	want("ioeventfd: unbound, no file", ioevent(vm, -1, 0x1000, 4, off, 0), EBADF);
	want("ioeventfd: unbound", ioevent(vm, event, 0x1000, 4, off, 0), 0);
	want("ioeventfd: unbound again", ioevent(vm, event, 0x1000, 4, off, 0), ENOENT);
	close(event);
	close(null);
}

static int zone(int vm, unsigned long cmd, uint64_t addr, uint32_t size, uint32_t pio)
{
	struct kvmx_coalesced_mmio_zone z = { .addr = addr, .size = size, .pio = pio };

	return ioctl(vm, cmd, &z);
}

static void coalesced_zones(int vm)
{
	const unsigned long on = KVMX_REGISTER_COALESCED_MMIO, off = KVMX_UNREGISTER_COALESCED_MMIO;
	int i, result = 0;

	want("coalesced: neither memory nor ports", zone(vm, on, 0x1000, 4, 2), EINVAL);
	want("coalesced: gone, neither memory nor ports", zone(vm, off, 0x1000, 4, 2), EINVAL);
	KVMX_ONLY("coalesced: address wraps", zone(vm, on, ~1ull, 4, 0), EINVAL);
	want("coalesced: nothing", zone(vm, on, 0x1000, 0, 0), 0);
	want("coalesced: the last byte", zone(vm, on, ~0ull, 1, 0), 0);
	want("coalesced: twice", zone(vm, on, ~0ull, 1, 0), 0);
	want("coalesced: gone", zone(vm, off, ~0ull, 1, 0), 0);
	want("coalesced: gone again", zone(vm, off, ~0ull, 1, 0), 0);
	for (i = 0; i < 2000 && !result; i++)
		result = zone(vm, on, 0x100000 + i * 8, 8, 1);
	want("coalesced: too many", result, ENOSPC);
}

static void interrupts(void)
{
	struct test_vm t = test_vm_make(WITH_CPU);
	struct kvmx_reinject_control reinject = { 0 };
	struct kvmx_irq_level line = { .irq = 3, .level = 1 };
	struct kvmx_irqchip chip = { .chip_id = 2 };
	struct kvmx_interrupt vector = { .irq = 256 };
	struct kvmx_pit_state2 pit = { 0 };
	struct kvmx_msi msi = { 0 };
	int event = eventfd(0, 0);

	want("IRQ_LINE without an irqchip", ioctl(t.vm, KVMX_IRQ_LINE, &line), ENXIO);
	want("IRQ_LINE_STATUS without an irqchip", ioctl(t.vm, KVMX_IRQ_LINE_STATUS, &line), ENXIO);
	want("GET_IRQCHIP without an irqchip", ioctl(t.vm, KVMX_GET_IRQCHIP, &chip), ENXIO);
	want("SET_IRQCHIP without an irqchip", ioctl(t.vm, KVMX_SET_IRQCHIP, &chip), ENXIO);
	want("GET_PIT2 without a PIT", ioctl(t.vm, KVMX_GET_PIT2, &pit), ENXIO);
	want("SET_PIT2 without a PIT", ioctl(t.vm, KVMX_SET_PIT2, &pit), ENXIO);
	want("REINJECT_CONTROL without a PIT", ioctl(t.vm, KVMX_REINJECT_CONTROL, &reinject), ENXIO);
	want("SIGNAL_MSI without an irqchip", ioctl(t.vm, KVMX_SIGNAL_MSI, &msi), EINVAL);
	want("irqfd without an irqchip", irqfd(t.vm, event, 5, 0, 0), EINVAL);
	want("routes without an irqchip", route(t.vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 0, 2, 3), EINVAL);
	want("INTERRUPT, no such vector", ioctl(t.cpu, KVMX_INTERRUPT, &vector), EINVAL);
	test_vm_end(&t);

	t = test_vm_make(WITH_ALL);
	chip.chip_id = 3;
	want("GET_IRQCHIP, no such chip", ioctl(t.vm, KVMX_GET_IRQCHIP, &chip), EINVAL);
	want("SET_IRQCHIP, no such chip", ioctl(t.vm, KVMX_SET_IRQCHIP, &chip), EINVAL);
	msi.flags = ~KVMX_MSI_VALID_DEVID;
	want("SIGNAL_MSI, unknown flags", ioctl(t.vm, KVMX_SIGNAL_MSI, &msi), EINVAL);
	vector.irq = 32;
	want("INTERRUPT with an irqchip", ioctl(t.cpu, KVMX_INTERRUPT, &vector), ENXIO);
	want("ioctls of lines that do not exist", (line.irq = 4095, ioctl(t.vm, KVMX_IRQ_LINE, &line)), 0);
	want("and of GSI -1", (line.irq = -1, ioctl(t.vm, KVMX_IRQ_LINE, &line)), 0);
	routing(t.vm);
	irqfds(t.vm);
	ioeventfds(t.vm);
	coalesced_zones(t.vm);
	test_vm_end(&t);

	t = test_vm_make(WITH_SPLIT | WITH_CPU);
	want("GET_IRQCHIP, split", ioctl(t.vm, KVMX_GET_IRQCHIP, &chip), ENXIO);
	want("routes to a pin, split", route(t.vm, 3, KVMX_IRQ_ROUTING_IRQCHIP, 0, 2, 3), EINVAL);
	want("resampling irqfd, split",
	     irqfd(t.vm, event, 5, KVMX_IRQFD_FLAG_RESAMPLE, event), EINVAL);
	test_vm_end(&t);
	close(event);
}

/* ---- a vCPU ---- */

struct picture {
	struct kvmx_regs regs;
	struct kvmx_sregs sregs;
	struct kvmx_xcrs xcrs;
	struct kvmx_vcpu_events events;
	struct kvmx_lapic_state lapic;
	struct kvmx_debugregs debug;
	struct kvmx_mp_state mp;
	struct kvmx_xsave xsave;
};

static void take(int cpu, struct picture *p)
{
	memset(p, 0, sizeof(*p));
	if (ioctl(cpu, KVMX_GET_REGS, &p->regs) || ioctl(cpu, KVMX_GET_SREGS, &p->sregs) ||
	    ioctl(cpu, KVMX_GET_VCPU_EVENTS, &p->events) ||
	    ioctl(cpu, KVMX_GET_DEBUGREGS, &p->debug) || ioctl(cpu, KVMX_GET_MP_STATE, &p->mp) ||
	    ioctl(cpu, KVMX_GET_XSAVE, &p->xsave) || ioctl(cpu, KVMX_GET_XCRS, &p->xcrs))
		check(false, "GET of a vCPU's state: %s", strerror(errno));
	ioctl(cpu, KVMX_GET_LAPIC, &p->lapic);	/* not there without an irqchip */
}

static struct picture before, after;

/* An ioctl that is refused with @err and leaves the vCPU as it is. */
static void refused(const char *what, int cpu, unsigned long cmd, const void *arg, int err)
{
	int result;

	take(cpu, &before);
	result = ioctl(cpu, cmd, arg);
	want(what, result, err);
	take(cpu, &after);
	check(!memcmp(&before, &after, sizeof(before)), "%s: changes nothing", what);
}

static void kvmx_refuses(const char *what, int cpu, unsigned long cmd, const void *arg)
{
	if (!in_tree)
		refused(what, cpu, cmd, arg, EINVAL);
}

static void special_registers(int cpu)
{
	struct kvmx_sregs now, s;
	struct kvmx_sregs2 s2;

	ioctl(cpu, KVMX_GET_SREGS, &now);
	/* Anything that were taken over from a refused structure would be seen. */
	now.cr2 = 0x1234567;
	now.ds.base = 0x55000;
	now.gdt.base = 0x66000;
#define BAD(what, ...) do { s = now; __VA_ARGS__; refused(what, cpu, KVMX_SET_SREGS, &s, EINVAL); } while (0)
#define BAD_KVMX(what, ...) do { s = now; __VA_ARGS__; kvmx_refuses(what, cpu, KVMX_SET_SREGS, &s); } while (0)
	BAD("SET_SREGS: long mode without PAE", s.efer = 0xd00; s.cr0 = 0x80000011; s.cr4 = 0);
	BAD("SET_SREGS: LME and PG without LMA", s.efer = 0x100; s.cr0 = 0x80000011; s.cr4 = 0x20);
	BAD("SET_SREGS: LMA without paging", s.efer = 0x500; s.cr0 = 0x11);
	BAD("SET_SREGS: CS.L outside of long mode", s.cs.l = 1);
	BAD("SET_SREGS: reserved bits of CR4", s.cr4 = 1ull << 31);
	BAD("SET_SREGS: CR4 beyond 32 bits", s.cr4 = 1ull << 40);
	BAD("SET_SREGS: CR3 beyond physical addresses", s.cr0 = 0x80000011; s.cr4 = 0x20;
	    s.efer = 0x500; s.cr3 = 1ull << 60);
	BAD("SET_SREGS: reserved bits of the APIC base", s.apic_base |= 1ull << 60);
	BAD_KVMX("SET_SREGS: paging without protection", s.cr0 = 0x80000010);
	BAD_KVMX("SET_SREGS: NW without CD", s.cr0 = 0x20000010);
	BAD_KVMX("SET_SREGS: CR0 beyond 32 bits", s.cr0 |= 1ull << 32);
	BAD_KVMX("SET_SREGS: reserved bits of EFER", s.efer = 1ull << 40);
	BAD_KVMX("SET_SREGS: CR8 above 15", s.cr8 = 16);
#undef BAD
#undef BAD_KVMX
	if (cap(dev, KVMX_CAP_SREGS2) <= 0)
		return;
	ioctl(cpu, KVMX_GET_SREGS2, &s2);
	s2.cr2 = 0x1234567;
	s2.flags = 2;
	refused("SET_SREGS2: unknown flag", cpu, KVMX_SET_SREGS2, &s2, EINVAL);
	s2.flags = KVMX_SREGS2_FLAGS_PDPTRS_VALID;
	refused("SET_SREGS2: PDPTRs without PAE paging", cpu, KVMX_SET_SREGS2, &s2, EINVAL);
}

static void other_registers(int cpu)
{
	struct kvmx_debugregs debug;
	struct kvmx_xsave xsave;
	struct kvmx_xcrs now, x;
	struct kvmx_fpu fpu;

	ioctl(cpu, KVMX_GET_XCRS, &now);
#define BAD(what, ...) do { x = now; __VA_ARGS__; refused(what, cpu, KVMX_SET_XCRS, &x, EINVAL); } while (0)
	BAD("SET_XCRS: too many", x.nr_xcrs = KVMX_MAX_XCRS + 1);
	BAD("SET_XCRS: -1 of them", x.nr_xcrs = -1);
	BAD("SET_XCRS: flags", x.flags = 1);
	BAD("SET_XCRS: XCR0 without x87", x.xcrs[0].value = 2);
	BAD("SET_XCRS: AVX without SSE", x.xcrs[0].value = 5);
	BAD("SET_XCRS: unknown components", x.xcrs[0].value = 3 | 1ull << 62);
#undef BAD
	ioctl(cpu, KVMX_GET_DEBUGREGS, &debug);
	debug.db[0] = 0x4321;
	debug.flags = 1;
	refused("SET_DEBUGREGS: flags", cpu, KVMX_SET_DEBUGREGS, &debug, EINVAL);
	debug.flags = 0;
	debug.dr6 |= 1ull << 32;
	refused("SET_DEBUGREGS: DR6 beyond 32 bits", cpu, KVMX_SET_DEBUGREGS, &debug, EINVAL);
	debug.dr6 = 0xffff0ff0;
	debug.dr7 |= 1ull << 63;
	refused("SET_DEBUGREGS: DR7 beyond 32 bits", cpu, KVMX_SET_DEBUGREGS, &debug, EINVAL);

	ioctl(cpu, KVMX_GET_XSAVE, &xsave);
	xsave.region[40] = 0x1111;	/* xmm0 */
	xsave.region[128] |= 3;
	xsave.region[129] = 1 << 30;
	refused("SET_XSAVE: unknown components", cpu, KVMX_SET_XSAVE, &xsave, EINVAL);
	xsave.region[129] = 0;
	xsave.region[131] = 1 << 31;
	refused("SET_XSAVE: compacted", cpu, KVMX_SET_XSAVE, &xsave, EINVAL);
	xsave.region[131] = 0;
	xsave.region[140] = 1;
	refused("SET_XSAVE: reserved part of the header", cpu, KVMX_SET_XSAVE, &xsave, EINVAL);
	xsave.region[140] = 0;
	xsave.region[6] = 1 << 31;
	refused("SET_XSAVE: reserved bits of MXCSR", cpu, KVMX_SET_XSAVE, &xsave, EINVAL);
	ioctl(cpu, KVMX_GET_FPU, &fpu);
	fpu.mxcsr = 1u << 31;
	fpu.fcw = 0x123;
	kvmx_refuses("SET_FPU: reserved bits of MXCSR", cpu, KVMX_SET_FPU, &fpu);
}

static void guest_debug(int cpu)
{
	struct kvmx_guest_debug d = { .control = 1 << 2 };

	kvmx_refuses("SET_GUEST_DEBUG: unknown flag", cpu, KVMX_SET_GUEST_DEBUG, &d);
	d.control = KVMX_GUESTDBG_INJECT_DB;
	want("SET_GUEST_DEBUG: a #DB", ioctl(cpu, KVMX_SET_GUEST_DEBUG, &d), 0);
	refused("SET_GUEST_DEBUG: a second one", cpu, KVMX_SET_GUEST_DEBUG, &d, EBUSY);
}

static void events(int cpu)
{
	struct kvmx_mp_state mp = { 77 };
	struct kvmx_vcpu_events now, e;

	ioctl(cpu, KVMX_GET_VCPU_EVENTS, &now);
	now.nmi.masked = 1;
#define BAD(what, ...) do { e = now; __VA_ARGS__; refused(what, cpu, KVMX_SET_VCPU_EVENTS, &e, EINVAL); } while (0)
	BAD("SET_VCPU_EVENTS: unknown flag", e.flags |= 1u << 31);
	BAD("SET_VCPU_EVENTS: exception 32", e.exception.injected = 1; e.exception.nr = 32);
	BAD("SET_VCPU_EVENTS: exception 2", e.exception.injected = 1; e.exception.nr = 2);
	BAD("SET_VCPU_EVENTS: payload without the capability", e.flags |= KVMX_VCPUEVENT_VALID_PAYLOAD);
	if (!in_tree) {
		BAD("SET_VCPU_EVENTS: SIPI vector 256",
		    e.flags |= KVMX_VCPUEVENT_VALID_SIPI_VECTOR; e.sipi_vector = 256);
		BAD("SET_VCPU_EVENTS: system management mode",
		    e.flags |= KVMX_VCPUEVENT_VALID_SMM; e.smi.smm = 1);
	}
#undef BAD
	refused("SET_MP_STATE: no such state", cpu, KVMX_SET_MP_STATE, &mp, EINVAL);
	mp.mp_state = -1;
	refused("SET_MP_STATE: -1", cpu, KVMX_SET_MP_STATE, &mp, EINVAL);
}

static void cpuid_and_msrs(int cpu)
{
	struct { struct kvmx_cpuid2 head; struct kvmx_cpuid_entry2 e[300]; } *cpuid =
		calloc(1, sizeof(*cpuid));
	struct { struct kvmx_msrs head; struct kvmx_msr_entry e[256]; } *msrs = calloc(1, sizeof(*msrs));

	cpuid->head.nent = 257;
	refused("SET_CPUID2: too many", cpu, KVMX_SET_CPUID2, cpuid, E2BIG);
	refused("SET_CPUID: too many", cpu, KVMX_SET_CPUID, cpuid, E2BIG);
	cpuid->head.nent = 1;
	cpuid->e[0].function = 0x80000008;
	cpuid->e[0].eax = 33 << 8 | 40;
	refused("SET_CPUID2: no such address width", cpu, KVMX_SET_CPUID2, cpuid, EINVAL);
	cpuid->e[0].eax = 48 << 8 | 40;
	want("SET_CPUID2", ioctl(cpu, KVMX_SET_CPUID2, cpuid), 0);
	cpuid->head.nent = 0;
	want("GET_CPUID2, no room", ioctl(cpu, KVMX_GET_CPUID2, cpuid), E2BIG);
	cpuid->head.nent = 256;
	check(!ioctl(dev, KVMX_GET_SUPPORTED_CPUID, cpuid) && !ioctl(cpu, KVMX_SET_CPUID2, cpuid),
	      "SET_CPUID2 of what is supported");

	msrs->head.nmsrs = 256;
	refused("SET_MSRS: too many", cpu, KVMX_SET_MSRS, msrs, E2BIG);
	refused("GET_MSRS: too many", cpu, KVMX_GET_MSRS, msrs, E2BIG);
	msrs->head.nmsrs = 3;
	msrs->e[0].index = 0xc0000081;		/* STAR */
	msrs->e[0].data = 0x1122334455667788;
	msrs->e[1].index = 0x12345678;
	msrs->e[2].index = 0xc0000084;		/* SFMASK */
	msrs->e[2].data = 0x4711;
	check(ioctl(cpu, KVMX_SET_MSRS, msrs) == 1, "SET_MSRS stops at the one it does not know");
	msrs->e[0].data = 0;
	check(ioctl(cpu, KVMX_GET_MSRS, msrs) == 1 && msrs->e[0].data == 0x1122334455667788,
	      "GET_MSRS stops there, too, and tells those before");
	msrs->e[1] = msrs->e[2];
	check(ioctl(cpu, KVMX_GET_MSRS, msrs) >= 2 && !msrs->e[1].data, "those after were not set");

	msrs->head.nmsrs = 1;
	msrs->e[0].index = 0xc0000080;
	msrs->e[0].data = 1ull << 60;
	check(ioctl(cpu, KVMX_SET_MSRS, msrs) == 0, "SET_MSRS: reserved bits of EFER");
	msrs->e[0].index = 0xc0000082;
	msrs->e[0].data = 1ull << 60;
	check(ioctl(cpu, KVMX_SET_MSRS, msrs) == 0, "SET_MSRS: LSTAR that is not canonical");
	msrs->e[0].index = 0x277;
	msrs->e[0].data = 0x0202020202020202;
	check(ioctl(cpu, KVMX_SET_MSRS, msrs) == 0, "SET_MSRS: PAT of no type");
	msrs->e[0].index = 0x1b;
	msrs->e[0].data = 1ull << 60;
	check(ioctl(cpu, KVMX_SET_MSRS, msrs) == 0, "SET_MSRS: reserved bits of the APIC base");
	free(cpuid);
	free(msrs);
}

static void vcpu(void)
{
	struct test_vm t = test_vm_make(WITH_ALL);
	struct kvmx_clock_data clock = { .flags = 1u << 30 };
	struct { struct kvmx_signal_mask head; uint8_t set[8]; } mask = { .head.len = 4 };
	struct kvmx_x86_mce mce = { .bank = 255, .status = 1ull << 63 };
	struct kvmx_lapic_state lapic = { 0 };
	struct kvmx_mp_state mp = { KVMX_MP_STATE_HALTED };
	uint64_t banks = 0xff;

	special_registers(t.cpu);
	other_registers(t.cpu);
	guest_debug(t.cpu);
	events(t.cpu);
	cpuid_and_msrs(t.cpu);
	want("SET_CLOCK, unknown flag", ioctl(t.vm, KVMX_SET_CLOCK, &clock), EINVAL);
	refused("X86_SETUP_MCE: too many banks", t.cpu, KVMX_X86_SETUP_MCE, &banks, EINVAL);
	refused("X86_SET_MCE: no such bank", t.cpu, KVMX_X86_SET_MCE, &mce, EINVAL);
	refused("KVMCLOCK_CTRL without a clock", t.cpu, KVMX_KVMCLOCK_CTRL, NULL, EINVAL);
	refused("SET_SIGNAL_MASK: of another size", t.cpu, KVMX_SET_SIGNAL_MASK, &mask, EINVAL);
	mask.head.len = 1 << 20;
	refused("SET_SIGNAL_MASK: huge", t.cpu, KVMX_SET_SIGNAL_MASK, &mask, EINVAL);
	refused("RUN with an argument", t.cpu, KVMX_RUN, &mask, EINVAL);
	t.run->immediate_exit = 1;
	if (in_tree)
		want("RUN with immediate_exit", ioctl(t.cpu, KVMX_RUN, 0), EINTR);
	else
		refused("RUN with immediate_exit", t.cpu, KVMX_RUN, NULL, EINTR);
	t.run->kvmx_dirty_regs = ~0ull;
	refused("RUN with unknown registers to take over", t.cpu, KVMX_RUN, NULL, EINVAL);
	t.run->kvmx_dirty_regs = 0;
	t.run->kvmx_valid_regs = ~0ull;
	refused("RUN with unknown registers to tell", t.cpu, KVMX_RUN, NULL, EINVAL);
	test_vm_end(&t);

	t = test_vm_make(WITH_CPU);
	want("GET_LAPIC without one", ioctl(t.cpu, KVMX_GET_LAPIC, &lapic), EINVAL);
	refused("SET_LAPIC without one", t.cpu, KVMX_SET_LAPIC, &lapic, EINVAL);
	refused("SET_MP_STATE: halted, without an APIC", t.cpu, KVMX_SET_MP_STATE, &mp, EINVAL);
	test_vm_end(&t);
}

void test_errnos(void)
{
	device();
	creation();
	switches();
	memory_slots();
	dirty_logs();
	dirty_rings();
	interrupts();
	vcpu();
}
