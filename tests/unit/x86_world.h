/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A processor, a virtualization unit and a VM for the tests of what a guest's CPU looks
 * like: the processor's CPUID, MSRs and XSAVE are what the test puts here, the unit keeps
 * state and nothing else. Included once by a test.
 */
#ifndef KVMX_X86_WORLD_H
#define KVMX_X86_WORLD_H

#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/kvmx_para.h>
#include <asm/tsc.h>

#include <kvmx/x86.h>
#include "clock.h"
#include "cpu.h"
#include "cpuid.h"
#include "fpu.h"
#include "irqchip.h"
#include "lapic.h"
#include "msr.h"
#include "pv_eoi.h"
#include "run.h"
#include "unit.h"

/* --- the processor --- */

static struct { u32 fn, index; struct x86_cpuid_regs r; } host_leaf[96];
static unsigned int nr_host_leaves;
static struct { u32 msr; u64 val; } host_msr[32];
static unsigned int nr_host_msrs;
static u64 cpu_xcr0 = 0xe7;
static u8 cpu_registers[4096] __attribute__((aligned(64)));	/* what XSAVE stores */
static unsigned int x87_forgotten;

static bool tsc_unstable;

int check_tsc_unstable(void)
{
	return tsc_unstable;
}

static void host_cpuid(u32 fn, u32 index, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	unsigned int i;

	for (i = 0; i < nr_host_leaves; i++)
		if (host_leaf[i].fn == fn && host_leaf[i].index == index)
			break;
	ck_assert_uint_lt(i, ARRAY_SIZE(host_leaf));
	if (i == nr_host_leaves)
		nr_host_leaves++;
	host_leaf[i].fn = fn;
	host_leaf[i].index = index;
	host_leaf[i].r = (struct x86_cpuid_regs){ eax, ebx, ecx, edx };
}

void x86_cpuid_native(u32 fn, u32 index, struct x86_cpuid_regs *r)
{
	unsigned int i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < nr_host_leaves; i++)
		if (host_leaf[i].fn == fn && host_leaf[i].index == index)
			*r = host_leaf[i].r;
}

static void host_set_msr(u32 msr, u64 val)
{
	unsigned int i;

	for (i = 0; i < nr_host_msrs && host_msr[i].msr != msr; i++)
		;
	ck_assert_uint_lt(i, ARRAY_SIZE(host_msr));
	if (i == nr_host_msrs)
		nr_host_msrs++;
	host_msr[i].msr = msr;
	host_msr[i].val = val;
}

int x86_rdmsr_safe(u32 msr, u64 *val)
{
	unsigned int i;

	for (i = 0; i < nr_host_msrs; i++) {
		if (host_msr[i].msr == msr) {
			*val = host_msr[i].val;
			return 0;
		}
	}
	return -EIO;
}

/* An MSR that the processor does not have is a crash of the host. */
u64 x86_rdmsr(u32 msr)
{
	u64 val = 0;

	ck_assert_msg(!x86_rdmsr_safe(msr, &val), "RDMSR %#x", msr);
	return val;
}

void x86_wrmsr(u32 msr, u64 val)
{
	u64 old;

	ck_assert_msg(!x86_rdmsr_safe(msr, &old), "WRMSR %#x", msr);
	host_set_msr(msr, val);
}

u64 x86_xgetbv(u32 reg)
{
	ck_assert_uint_eq(reg, 0);
	return cpu_xcr0;
}

void x86_xsetbv(u32 reg, u64 val)
{
	ck_assert_uint_eq(reg, 0);
	ck_assert(x86_xcr0_valid(val, 0x2e7));
	cpu_xcr0 = val;
}

u64 x86_rdtsc(void)
{
	return rdtsc();
}

static void put(void *area, u32 at, u64 val, int len)
{
	memcpy(area + at, &val, len);
}

static u64 get(const void *area, u32 at, int len)
{
	u64 val = 0;

	memcpy(&val, area + at, len);
	return val;
}

void x86_fxsave(void *area)
{
	memcpy(area, cpu_registers, 512);
	put(area, 28, 0xffff, 4);
}

void x86_fxrstor(const void *area)
{
	ck_assert_uint_eq(get(area, 24, 4) & ~0xffffull, 0);
	memcpy(cpu_registers, area, 512);
}

void x86_xsave(void *area, u64 mask)
{
	ck_assert_uint_eq(mask & ~cpu_xcr0, 0);
	memcpy(area, cpu_registers, x86_xsave_size);
}

/* Faults as the processor's own. */
void x86_xrstor(const void *area, u64 mask)
{
	u64 bv = get(area, 512, 8);
	int i;

	ck_assert_uint_eq(mask & ~cpu_xcr0, 0);
	ck_assert_uint_eq(bv & ~mask, 0);
	for (i = 520; i < 576; i += 8)
		ck_assert_uint_eq(get(area, i, 8), 0);
	ck_assert_uint_eq(get(area, 24, 4) & ~0xffffull, 0);
	memcpy(cpu_registers, area, x86_xsave_size);
}

void x86_x87_forget(const u32 *zero)
{
	x87_forgotten++;
}

/* --- the unit --- */

static struct { u32 msr; u64 val; } unit_msr[16];
static const u32 unit_msrs[] = {
	X86_MSR_STAR, X86_MSR_LSTAR, X86_MSR_CSTAR, X86_MSR_SFMASK, X86_MSR_KERNEL_GS_BASE,
	X86_MSR_FS_BASE, X86_MSR_GS_BASE, X86_MSR_SYSENTER_CS, X86_MSR_SYSENTER_ESP,
	X86_MSR_SYSENTER_EIP, X86_MSR_PAT,
};
static struct x86_state unit_state;
static unsigned int unit_flushes, unit_tsc_changes, unit_intercept_changes;

static u64 *unit_place(u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unit_msrs); i++)
		if (unit_msrs[i] == msr)
			return &unit_msr[i].val;
	return NULL;
}

static int fake_get_msr(struct x86_vcpu *v, u32 msr, u64 *val)
{
	u64 *place = unit_place(msr);

	if (!place)
		return -ENOENT;
	*val = *place;
	return 0;
}

static int fake_set_msr(struct x86_vcpu *v, u32 msr, u64 val)
{
	u64 *place = unit_place(msr);

	if (!place)
		return -ENOENT;
	*place = val;
	return 0;
}

static void fake_load_state(struct x86_vcpu *v, u32 parts)
{
	if (parts & X86_STATE_MODE)
		parts |= X86_STATE_CODE | X86_STATE_CRS;
	if (parts & X86_STATE_SEGS)
		memcpy(v->state.seg, unit_state.seg, sizeof(unit_state.seg));
	if (parts & X86_STATE_TABLES) {
		v->state.gdt = unit_state.gdt;
		v->state.idt = unit_state.idt;
	}
	if (parts & X86_STATE_CRS) {
		v->state.cr0 = unit_state.cr0;
		v->state.cr3 = unit_state.cr3;
		v->state.cr4 = unit_state.cr4;
		v->state.efer = unit_state.efer;
	}
	if (parts & X86_STATE_DRS) {
		v->state.dr6 = unit_state.dr6;
		v->state.dr7 = unit_state.dr7;
	}
}

static void fake_flush_tlb(struct x86_vcpu *v)
{
	unit_flushes++;
}

static void fake_set_tsc(struct x86_vcpu *v)
{
	unit_tsc_changes++;
}

static void fake_set_intercepts(struct x86_vcpu *v)
{
	unit_intercept_changes++;
}

static const struct stage2_format fake_stage2 = { .levels = 4 };
static u32 fake_direct_msrs[4];	/* ends with 0 */
static const struct x86_backend fake_unit = {
	.direct_msrs = fake_direct_msrs,
	.name = "fake", .stage2 = &fake_stage2, .get_msr = fake_get_msr, .set_msr = fake_set_msr,
	.load_state = fake_load_state, .flush_tlb = fake_flush_tlb, .set_tsc = fake_set_tsc,
	.set_intercepts = fake_set_intercepts,
};
const struct x86_backend *x86_unit = &fake_unit;
struct x86_unit_caps x86_unit_caps;

/* --- the VM --- */

static struct x86_vm *vm;
static struct x86_vcpu *cpu[4];
static u8 ram[8192];		/* guest physical 0x10000 */
#define RAM_AT	0x10000

int kvmx_guest_read(struct kvmx_vm *kvm, gpa_t gpa, void *data, size_t len)
{
	if (gpa < RAM_AT || gpa - RAM_AT > sizeof(ram) - len)
		return -EFAULT;
	memcpy(data, ram + (gpa - RAM_AT), len);
	return 0;
}

/* What a reader on another vCPU could see at the time of each write. */
static void (*on_guest_write)(void);

int kvmx_guest_write(struct kvmx_vm *kvm, gpa_t gpa, const void *data, size_t len)
{
	if (gpa < RAM_AT || gpa - RAM_AT > sizeof(ram) - len)
		return -EFAULT;
	memcpy(ram + (gpa - RAM_AT), data, len);
	if (on_guest_write)
		on_guest_write();
	return 0;
}

static bool paged_out;		/* nothing of it can be had without sleeping */

int kvmx_guest_write_atomic(struct kvmx_vm *kvm, gpa_t gpa, const void *data, size_t len)
{
	return paged_out ? -EAGAIN : kvmx_guest_write(kvm, gpa, data, len);
}

/* What another vCPU does just before. */
static void (*on_guest_cmpxchg)(u8 *at);

int kvmx_guest_cmpxchg(struct kvmx_vm *kvm, gpa_t gpa, unsigned int size, u64 *old, u64 new,
		       bool atomic)
{
	u8 *at = ram + (gpa - RAM_AT), seen;

	ck_assert_uint_eq(size, 1);
	if (gpa < RAM_AT || gpa - RAM_AT >= sizeof(ram))
		return -EFAULT;
	if (on_guest_cmpxchg)
		on_guest_cmpxchg(at);
	seen = *at;
	if (seen == *old)
		*at = new;
	*old = seen;
	return 0;
}

void kvmx_vm_request_all(struct kvmx_vm *kvm, int req, bool wait)
{
	u32 i;

	for (i = 0; i < kvmx_vm_nr_vcpus(kvm); i++)
		kvmx_vcpu_request(kvm->vcpus[i], req);
}

/* A local APIC that keeps its base, its task priority and its deadline. */
static u64 apic_deadline, apic_tpr;
static u64 x2apic_reg[256];
static unsigned int apic_tsc_changes;

int lapic_set_base(struct x86_vcpu *v, u64 val, bool host)
{
	if ((val & 0x2ff) || (val & (APIC_BASE_EN | APIC_BASE_EXTD)) == APIC_BASE_EXTD)
		return -EINVAL;
	v->apic_base = val;
	return 0;
}

int lapic_msr_read(struct x86_vcpu *v, u32 msr, u64 *val)
{
	*val = x2apic_reg[msr & 255];
	return 0;
}

int lapic_msr_write(struct x86_vcpu *v, u32 msr, u64 val)
{
	x2apic_reg[msr & 255] = val;
	return 0;
}

u64 lapic_get_deadline(struct x86_vcpu *v)
{
	return apic_deadline;
}

int lapic_set_deadline(struct x86_vcpu *v, u64 val)
{
	apic_deadline = val;
	return 0;
}

void lapic_restore_deadline(struct x86_vcpu *v, u64 val)
{
	apic_deadline = val;
}

int x86_pv_eoi_set_msr(struct x86_vcpu *v, u64 val)
{
	v->pv_eoi.msr = val;
	return val & 2 ? -EINVAL : 0;
}

void lapic_tsc_changed(struct x86_vcpu *v)
{
	apic_tsc_changes++;
}

int x86_set_cr8(struct x86_vcpu *v, u64 val)
{
	v->cr8 = apic_tpr = val;
	return val > 15 ? -EINVAL : 0;
}

u8 lapic_get_tpr(struct x86_vcpu *v)
{
	return apic_tpr;
}

int x86_set_efer(struct x86_vcpu *v, u64 val, bool host)
{
	if (val & ~(v->efer_bits | X86_EFER_LMA))
		return -EINVAL;
	x86_state_dirty(v, X86_STATE_CRS)->efer = val;
	return 0;
}

static unsigned int raised[32], triple_faults, nmis;
static u64 raised_dr6;

void x86_raise(struct x86_vcpu *v, u8 vector)
{
	raised[vector & 31]++;
}

void x86_raise_debug(struct x86_vcpu *v, u64 dr6_bits)
{
	raised[X86_EXC_DB]++;
	raised_dr6 = dr6_bits;
}

void x86_triple_fault(struct x86_vcpu *v)
{
	triple_faults++;
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_TRIPLE_FAULT);
}

void x86_queue_nmi(struct x86_vcpu *v)
{
	nmis++;
}

/* --- building it --- */

enum host_kind { HOST_AMD, HOST_INTEL, HOST_OLD };

#define ALL	0xffffffff

/* A processor that claims everything, or (OLD) one without XSAVE. */
static void build_host(enum host_kind kind)
{
	u32 all = kind == HOST_OLD ? 0x1783fbff : ALL;
	u32 ecx1 = kind == HOST_OLD ? ALL & ~(BIT(26) | BIT(27)) : ALL;
	u32 i;

	nr_host_leaves = 0;
	nr_host_msrs = 0;
	cpu_xcr0 = 0x2e7;	/* with protection keys */
	if (kind == HOST_INTEL)
		host_cpuid(0, 0, 0x20, 0x756e6547, 0x6c65746e, 0x49656e69);
	else
		host_cpuid(0, 0, kind == HOST_OLD ? 7 : 0x10, 0x68747541, 0x444d4163, 0x69746e65);
	host_cpuid(1, 0, 0x00a20f10, 0x07100800, ecx1, all);
	host_cpuid(2, 0, 0x00feff01, 0xf0, 0, 0);
	host_cpuid(4, 0, 0x1c000121, 0x01c0003f, 0x3f, 0);
	host_cpuid(4, 1, 0x1c000122, 0x01c0003f, 0x3f, 0);
	host_cpuid(6, 0, ALL, ALL, ALL, ALL);
	host_cpuid(7, 0, 2, ALL, ALL, ALL);
	host_cpuid(7, 1, ALL, ALL, ALL, ALL);
	host_cpuid(7, 2, ALL, ALL, ALL, ALL);
	host_cpuid(0xa, 0, ALL, ALL, ALL, ALL);
	host_cpuid(0xb, 0, 1, 2, 0x100, 7);
	host_cpuid(0xd, 0, 0x2e7, 2696, 2696, 0);
	host_cpuid(0xd, 1, 0xf, 2696, 0x1900, 0);
	host_cpuid(0xd, 2, 256, 576, 0, 0);
	host_cpuid(0xd, 5, 64, 1088, 0, 0);
	host_cpuid(0xd, 6, 512, 1152, 0, 0);
	host_cpuid(0xd, 7, 1024, 1664, 0, 0);
	host_cpuid(0xd, 9, 8, 2688, 0, 0);
	host_cpuid(0x80000000, 0, 0x80000023, 0x68747541, 0x444d4163, 0x69746e65);
	host_cpuid(0x80000001, 0, 0x00a20f10, 0, ALL, ALL);
	for (i = 2; i <= 6; i++)
		host_cpuid(0x80000000 + i, 0, 0x11110000 + i, 0x22220000 + i, 0x33330000 + i, i);
	host_cpuid(0x80000007, 0, ALL, ALL, ALL, ALL);
	host_cpuid(0x80000008, 0, 0x3030, ALL, 0x700f, ALL);
	host_cpuid(0x8000000a, 0, ALL, ALL, ALL, ALL);
	host_cpuid(0x8000001d, 0, 0x121, 0x3f, 0x3f, 0);
	host_cpuid(0x8000001e, 0, 1, 2, 3, 4);
	host_cpuid(0x8000001f, 0, ALL, ALL, ALL, ALL);
	host_cpuid(0x80000021, 0, ALL, ALL, ALL, ALL);
	host_cpuid(0x80000022, 0, ALL, ALL, ALL, ALL);

	host_set_msr(X86_MSR_XSS, 0x1800);
	host_set_msr(X86_MSR_UCODE_REV, 0xa201025);
	host_set_msr(X86_MSR_ARCH_CAP, ~0ull);
	host_set_msr(X86_MSR_AMD_DE_CFG, 2);
	host_set_msr(X86_MSR_TSC_AUX, 0x1003);
	host_set_msr(X86_MSR_PRED_CMD, 0);
	host_set_msr(X86_MSR_FLUSH_CMD, 0);
	put(cpu_registers, 24, 0x1f80, 4);

	x86_unit_caps.tsc_scale = true;
	x86_unit_caps.tsc_scale_frac_bits = 32;
	x86_unit_caps.tsc_scale_max = GENMASK_ULL(39, 0);
	tsc_unstable = false;
	tsc_khz = 2000000;

	ck_assert_int_eq(x86_fpu_init(), 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
}

static struct x86_vcpu *add_vcpu(void)
{
	struct x86_vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL);
	u32 i = kvmx_vm_nr_vcpus(&vm->vm);

	v->vcpu.vm = &vm->vm;
	v->vcpu.id = i;
	v->vcpu.index = i;
	v->vcpu.cpu = -1;
	v->vcpu.run = kzalloc(PAGE_SIZE, GFP_KERNEL);
	v->ev.irq_injected = -1;
	v->ev.sipi_vector = -1;
	v->user_irq = -1;
	v->apic_base = APIC_BASE_ADDR | APIC_BASE_EN | (i ? 0 : APIC_BASE_BSP);
	if (irqchip_in_kernel(vm))
		v->lapic = (void *)0x1000;	/* never looked into */
	ck_assert_int_eq(x86_cpuid_create(v), 0);
	ck_assert_int_eq(x86_fpu_create(v), 0);
	cpu[i] = v;
	vm->vm.vcpus[i] = &v->vcpu;
	atomic_inc(&vm->vm.nr_vcpus);
	return v;
}

/* Power-up state of a unit that has run the vCPU: everything is still in it. */
static void build_vm(u32 vcpus)
{
	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	vm->irqchip = true;
	vm->vm.max_vcpu_id = KVMX_MAX_VCPU_ID;
	ck_assert_int_eq(init_srcu_struct(&vm->vm.memory.srcu), 0);
	memset(&unit_state, 0, sizeof(unit_state));
	unit_state.cr0 = X86_CR0_ET;
	unit_state.dr6 = X86_DR6_FIXED;
	unit_state.dr7 = X86_DR7_FIXED;
	memset(unit_msr, 0, sizeof(unit_msr));
	apic_deadline = 0;
	apic_tpr = 0;
	triple_faults = 0;
	memset(raised, 0, sizeof(raised));
	memset(ram, 0, sizeof(ram));
	while (vcpus--)
		add_vcpu();
}

static void end_vm(void)
{
	u32 i;

	for (i = 0; i < kvmx_vm_nr_vcpus(&vm->vm); i++) {
		x86_cpuid_destroy(cpu[i]);
		x86_fpu_destroy(cpu[i]);
		kfree(cpu[i]->vcpu.run);
		kfree(cpu[i]);
	}
	cleanup_srcu_struct(&vm->vm.memory.srcu);
	kfree(vm);
	shim_rcu_run();
	shim_assert_idle();
	ck_assert_uint_eq(shim_alloc_live(), 0);
}

/* Gives the vCPU all that is offered, as most VMMs do. */
static inline u32 offer_all(struct x86_vcpu *v, struct kvmx_cpuid_entry2 *e)
{
	u32 nr;

	ck_assert_int_eq(x86_cpuid_supported(e, &nr, X86_CPUID_ENTRIES), 0);
	ck_assert_int_eq(x86_cpuid_set(v, e, nr), 0);
	return nr;
}

#endif
