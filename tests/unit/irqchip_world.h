/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM for the tests of the interrupt controllers: real buses, real routes and real
 * controllers; vCPUs that only note down what reaches them. Included once by a test.
 */
#ifndef KVMX_IRQCHIP_WORLD_H
#define KVMX_IRQCHIP_WORLD_H

#include <linux/bitmap.h>
#include <linux/slab.h>

#include <kvmx/arch.h>
#include <kvmx/x86.h>
#include "clock.h"
#include "ioapic.h"
#include "irqchip.h"
#include "lapic.h"
#include "lapic_regs.h"
#include "pic.h"
#include "pit.h"
#include "unit.h"

/* What happened to a vCPU; the world's vCPUs in order of creation. */
struct noted {
	unsigned int events, nmis, inits, sipis, kicks;
	u8 sipi;
};

static struct x86_vm *vm;
static struct x86_vcpu *cpu[KVMX_MAX_VCPUS];
static struct noted noted[KVMX_MAX_VCPUS];
static s64 tsc_offset;		/* guest TSC runs at 2 GHz */

static struct noted *note(struct x86_vcpu *v)
{
	return &noted[v->vcpu.index];
}

void x86_event_pending(struct x86_vcpu *v)
{
	__atomic_fetch_add(&note(v)->events, 1, __ATOMIC_RELAXED);	/* by several threads */
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
}

void x86_queue_nmi(struct x86_vcpu *v)
{
	note(v)->nmis++;
}

void x86_queue_init(struct x86_vcpu *v)
{
	note(v)->inits++;
}

void x86_queue_sipi(struct x86_vcpu *v, u8 vector)
{
	note(v)->sipis++;
	note(v)->sipi = vector;
}

void kvmx_vcpu_kick(struct kvmx_vcpu *vcpu)
{
	noted[vcpu->index].kicks++;
}

struct kvmx_vcpu *kvmx_vm_vcpu_by_id(struct kvmx_vm *kvm, u32 id)
{
	u32 i;

	for (i = 0; i < kvmx_vm_nr_vcpus(kvm); i++)
		if (kvm->vcpus[i]->id == id)
			return kvm->vcpus[i];
	return NULL;
}

u64 x86_guest_tsc(struct x86_vcpu *v)
{
	return 2 * ktime_get_ns() + tsc_offset;
}

/* The unit: no more of it than a timer, if it has one. The TSC that it goes by is the guest's. */
static bool unit_has_timer, clock_unstable;
static u64 unit_deadline[KVMX_MAX_VCPUS];

static bool unit_arm_deadline(struct x86_vcpu *v, u64 tsc)
{
	if (tsc && !unit_has_timer)
		return false;
	unit_deadline[v->vcpu.index] = tsc;
	return true;
}

/* What it was told of the local APIC last. */
static struct { bool on; u8 requested, in_service; u64 eoi_exits[4]; } unit_apic;

static void unit_sync_apic(struct x86_vcpu *v, u8 requested, u8 in_service, const u64 *eoi_exits)
{
	unit_apic.on = eoi_exits;
	unit_apic.requested = requested;
	unit_apic.in_service = in_service;
	if (eoi_exits)
		memcpy(unit_apic.eoi_exits, eoi_exits, sizeof(unit_apic.eoi_exits));
}

static const struct x86_backend irqchip_unit = {
	.arm_deadline = unit_arm_deadline, .sync_apic = unit_sync_apic,
};
const struct x86_backend *x86_unit = &irqchip_unit;
struct x86_unit_caps x86_unit_caps;

bool x86_clock_unstable(void)
{
	return clock_unstable;
}

s64 x86_tsc_to_ns(struct x86_vcpu *v, s64 ticks)
{
	return ticks / 2;
}

int kvmx_call_get(u64 uaddr, void *data, size_t len)
{
	if (!uaddr)
		return -EFAULT;
	memcpy(data, (void *)(uintptr_t)uaddr, len);
	return 0;
}

/* All of the guest's memory. */
#define GUEST_BYTES	0x1000ull
static u8 guest_memory[16];

int kvmx_guest_read(struct kvmx_vm *kvm, gpa_t gpa, void *data, size_t len)
{
	if (gpa < GUEST_BYTES || gpa - GUEST_BYTES + len > sizeof(guest_memory))
		return -EFAULT;
	memcpy(data, &guest_memory[gpa - GUEST_BYTES], len);
	return 0;
}

int kvmx_guest_write(struct kvmx_vm *kvm, gpa_t gpa, const void *data, size_t len)
{
	if (gpa < GUEST_BYTES || gpa - GUEST_BYTES + len > sizeof(guest_memory))
		return -EFAULT;
	memcpy(&guest_memory[gpa - GUEST_BYTES], data, len);
	return 0;
}

static bool paged_out;		/* nothing of it can be had without sleeping */

int kvmx_guest_read_atomic(struct kvmx_vm *kvm, gpa_t gpa, void *data, size_t len)
{
	return paged_out ? -EAGAIN : kvmx_guest_read(kvm, gpa, data, len);
}

int kvmx_guest_write_atomic(struct kvmx_vm *kvm, gpa_t gpa, const void *data, size_t len)
{
	return paged_out ? -EAGAIN : kvmx_guest_write(kvm, gpa, data, len);
}

/* --- the world --- */

static struct x86_vcpu *add_vcpu(u32 id)
{
	u32 i = kvmx_vm_nr_vcpus(&vm->vm);
	struct x86_vcpu *v = calloc(1, sizeof(*v));

	v->cpuid = calloc(1, sizeof(*v->cpuid) + sizeof(v->cpuid->entry[0]));
	v->cpuid->nr = 1;
	v->cpuid->entry[0].function = 1;
	v->cpuid->entry[0].ecx = BIT(21);
	v->maxphyaddr = 46;
	v->vcpu.vm = &vm->vm;
	v->vcpu.id = id;
	v->vcpu.index = i;
	v->vcpu.cpu = -1;
	v->user_irq = -1;
	memset(&noted[i], 0, sizeof(noted[i]));
	if (irqchip_in_kernel(vm))
		ck_assert_int_eq(lapic_create(v), 0);
	lapic_reset(v, false);
	cpu[i] = v;
	vm->vm.vcpus[i] = &v->vcpu;
	atomic_inc(&vm->vm.nr_vcpus);
	return v;
}

static void world_vm(void)
{
	vm = calloc(1, sizeof(*vm));
	ck_assert_int_eq(init_srcu_struct(&vm->vm.memory.srcu), 0);
	vm->apic_bus_ns = 1;
	ck_assert_int_eq(kvmx_bus_init(&vm->vm), 0);
	ck_assert_int_eq(kvmx_irqs_init(&vm->vm, &x86_irq_sink), 0);
	tsc_offset = 0;
	unit_has_timer = false;
	clock_unstable = false;
	memset(unit_deadline, 0, sizeof(unit_deadline));
}

/* With all local APICs enabled by software. */
static void world_cpus(u32 nr)
{
	u32 i, svr = 0x1ff;

	for (i = 0; i < nr; i++) {
		add_vcpu(i);
		if (cpu[i]->lapic)
			lapic_mmio_write(cpu[i], LAPIC_SVR, 4, &svr);
	}
}

static inline void world_full(u32 nr)
{
	world_vm();
	ck_assert_int_eq(x86_irqchip_create(vm), 0);
	world_cpus(nr);
}

static inline void world_split(u32 nr)
{
	world_vm();
	ck_assert_int_eq(x86_irqchip_split(vm, 24), 0);
	world_cpus(nr);
}

static void world_end(void)
{
	u32 i;

	x86_irqchip_quiesce(vm);
	for (i = 0; i < kvmx_vm_nr_vcpus(&vm->vm); i++) {
		lapic_destroy(cpu[i]);
		free(cpu[i]->cpuid);
		free(cpu[i]);
	}
	x86_irqchip_destroy(vm);
	kvmx_irqs_destroy(&vm->vm);
	kvmx_bus_destroy(&vm->vm);
	shim_rcu_run();
	cleanup_srcu_struct(&vm->vm.memory.srcu);
	free(vm);
	shim_assert_idle();
	ck_assert_uint_eq(shim_alloc_live(), 0);
}

/* --- accesses --- */

static inline u32 mmio_read(struct x86_vcpu *v, u32 offset)
{
	u32 val = 0xdeadbeef;

	ck_assert_int_eq(lapic_mmio_read(v, offset, 4, &val), 0);
	return val;
}

static inline void mmio_write(struct x86_vcpu *v, u32 offset, u32 val)
{
	ck_assert_int_eq(lapic_mmio_write(v, offset, 4, &val), 0);
}

static inline u64 msr_read(struct x86_vcpu *v, u32 offset)
{
	u64 val = 0xdeadbeefdeadbeef;

	ck_assert_int_eq(lapic_msr_read(v, 0x800 + offset / 16, &val), 0);
	return val;
}

static inline int msr_write(struct x86_vcpu *v, u32 offset, u64 val)
{
	return lapic_msr_write(v, 0x800 + offset / 16, val);
}

static inline u8 port_read(u16 port)
{
	u8 val = 0x5a;

	ck_assert_int_eq(kvmx_bus_read(&cpu[0]->vcpu, KVMX_BUS_PIO, port, 1, &val), 0);
	return val;
}

static inline void port_write(u16 port, u8 val)
{
	ck_assert_int_eq(kvmx_bus_write(&cpu[0]->vcpu, KVMX_BUS_PIO, port, 1, &val), 0);
}

static inline int line(u32 gsi, int level)
{
	return kvmx_irq_set(&vm->vm, KVMX_IRQ_SOURCE_USER, gsi, level);
}

static inline void to_x2apic(struct x86_vcpu *v)
{
	ck_assert_int_eq(lapic_set_base(v, v->apic_base | APIC_BASE_EXTD, false), 0);
}

/* The vCPU as far as the run loop serves it: due timer, then the next interrupt into service. */
static inline void serve_timer(struct x86_vcpu *v)
{
	u64 deadline = unit_deadline[v->vcpu.index];

	if (kvmx_vcpu_take(&v->vcpu, KVMX_REQ_TIMER))
		lapic_timer_expired(v);
	/* The guest is entered, and left at once. */
	if (deadline && x86_guest_tsc(v) >= deadline)
		lapic_timer_expired(v);
}

static inline int take(struct x86_vcpu *v)
{
	int pending;

	serve_timer(v);
	pending = x86_interrupt_pending(v);
	if (pending >= 0)
		ck_assert_int_eq(x86_interrupt_ack(v), pending);
	else
		ck_assert_int_eq(x86_interrupt_ack(v), -1);
	return pending;
}

/* Calls a handler of the ioctl table. */
static inline long call(u32 cmd, struct x86_vcpu *v, void *data, unsigned long arg)
{
	struct kvmx_call c = {
		.vm = &vm->vm, .vcpu = v ? &v->vcpu : NULL, .data = data, .arg = arg,
	};
	unsigned int i;

	for (i = 0; i < kvmx_arch_nr_irq_ioctls; i++)
		if (kvmx_arch_irq_ioctls[i].cmd == cmd)
			return kvmx_arch_irq_ioctls[i].handle(&c);
	ck_abort_msg("no row for %#x", cmd);
	return 0;
}

#endif
