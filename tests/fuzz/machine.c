// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processor and the virtualization unit under the module, the VMM's side of its files, and
 * what the kernel would do while a task sleeps. See machine.h.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kvmx_para.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <asm/tsc.h>

#include <kvmx/host.h>
#include "core/door.h"
#include "cpu.h"
#include "decode.h"
#include "fpu.h"
#include "run.h"

#include "machine.h"

u8 machine_ram[MACHINE_PAGES << 12] __aligned(4096);
u8 machine_arg[MACHINE_ARG] __aligned(4096);
unsigned int machine_exits;

static struct fuzz_input *input;
static unsigned long live_before;

/* --- the processor: one that claims everything --- */

static const struct { u32 fn, index; struct x86_cpuid_regs r; } leaves[] = {
	{ 0, 0, { 0x10, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 1, 0, { 0x00a20f10, 0x07100800, ~0u, ~0u } },
	{ 6, 0, { ~0u, ~0u, ~0u, ~0u } }, { 7, 0, { 2, ~0u, ~0u, ~0u } },
	{ 7, 1, { ~0u, ~0u, ~0u, ~0u } }, { 7, 2, { ~0u, ~0u, ~0u, ~0u } },
	{ 0xb, 0, { 1, 2, 0x100, 7 } }, { 0xd, 0, { 0x2e7, 2696, 2696, 0 } },
	{ 0xd, 1, { 0xf, 2696, 0x1900, 0 } }, { 0xd, 2, { 256, 576, 0, 0 } },
	{ 0xd, 5, { 64, 1088, 0, 0 } }, { 0xd, 6, { 512, 1152, 0, 0 } },
	{ 0xd, 7, { 1024, 1664, 0, 0 } }, { 0xd, 9, { 8, 2688, 0, 0 } },
	{ 0x80000000, 0, { 0x80000023, 0x68747541, 0x444d4163, 0x69746e65 } },
	{ 0x80000001, 0, { 0x00a20f10, 0, ~0u, ~0u } },
	{ 0x80000007, 0, { ~0u, ~0u, ~0u, ~0u } }, { 0x80000008, 0, { 0x3030, ~0u, 0x700f, ~0u } },
	{ 0x8000000a, 0, { ~0u, ~0u, ~0u, ~0u } }, { 0x80000021, 0, { ~0u, ~0u, ~0u, ~0u } },
};

static struct { u32 msr; u64 val; } msrs[] = {
	{ X86_MSR_XSS, 0x1800 }, { X86_MSR_UCODE_REV, 0xa201025 }, { X86_MSR_ARCH_CAP, ~0ull },
	{ X86_MSR_AMD_DE_CFG, 2 }, { X86_MSR_TSC_AUX, 0x1003 }, { X86_MSR_PRED_CMD, 0 },
	{ X86_MSR_FLUSH_CMD, 0 },
};

static u64 cpu_xcr0 = 0x2e7;
static u8 cpu_registers[4096] __aligned(64);

int check_tsc_unstable(void)
{
	return 0;
}

void x86_cpuid_native(u32 fn, u32 index, struct x86_cpuid_regs *r)
{
	unsigned int i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaves[i].fn == fn && leaves[i].index == index)
			*r = leaves[i].r;
}

static u64 *cpu_msr(u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].msr == msr)
			return &msrs[i].val;
	return NULL;
}

int x86_rdmsr_safe(u32 msr, u64 *val)
{
	u64 *place = cpu_msr(msr);

	if (!place)
		return -EIO;
	*val = *place;
	return 0;
}

u64 x86_rdmsr(u32 msr)
{
	fuzz_demand(cpu_msr(msr));
	return *cpu_msr(msr);
}

void x86_wrmsr(u32 msr, u64 val)
{
	fuzz_demand(cpu_msr(msr));
	*cpu_msr(msr) = val;
}

u64 x86_xgetbv(u32 reg)
{
	return cpu_xcr0;
}

/* What the processor would fault on is a crash of the host. */
void x86_xsetbv(u32 reg, u64 val)
{
	fuzz_demand(x86_xcr0_valid(val, 0x2e7));
	cpu_xcr0 = val;
}

u64 x86_rdtsc(void)
{
	return rdtsc();
}

static u64 word(const void *area, unsigned int at)
{
	u64 val;

	memcpy(&val, area + at, sizeof(val));
	return val;
}

void x86_fxsave(void *area)
{
	memcpy(area, cpu_registers, 512);
}

void x86_fxrstor(const void *area)
{
	fuzz_demand(!((u32)word(area, 24) & ~0xffffu));
	memcpy(cpu_registers, area, 512);
}

void x86_xsave(void *area, u64 mask)
{
	fuzz_demand(!(mask & ~cpu_xcr0));
	memcpy(area, cpu_registers, x86_xsave_size);
}

void x86_xrstor(const void *area, u64 mask)
{
	int i;

	fuzz_demand(!(mask & ~cpu_xcr0) && !(word(area, 512) & ~mask));
	for (i = 520; i < 576; i += 8)
		fuzz_demand(!word(area, i));
	fuzz_demand(!((u32)word(area, 24) & ~0xffffu));
	memcpy(cpu_registers, area, x86_xsave_size);
}

void x86_x87_forget(const u32 *zero)
{
}

/* debug.c is assembly: the registers stay where they are. */
void x86_debug_open(struct x86_vcpu *v) { }
void x86_debug_close(struct x86_vcpu *v) { }
void x86_debug_grant(struct x86_vcpu *v) { }
void x86_debug_swap_in(struct x86_vcpu *v) { }
void x86_debug_swap_out(struct x86_vcpu *v) { }

/* --- the kernel --- */

static bool signalled;
static unsigned int sleeps;	/* in this ioctl */

static void signal_now(bool on)
{
	signalled = on;
	shim_set_signal_pending(on);
}

bool kvmx_host_user_work_pending(void)
{
	return signalled;
}

bool kvmx_host_must_leave(void)
{
	return signalled;
}

void kvmx_host_rcu_quiescent(void)
{
}

int kvmx_host_power_register(const struct kvmx_host_power *hooks)
{
	return 0;
}

void kvmx_host_power_unregister(void)
{
}

long schedule_timeout_interruptible(long timeout)
{
	might_sleep();
	return 0;
}

/* A task that sleeps is woken by the next timer, or else by a signal. */
void shim_wait_moment(u64 *waited, const char *file, int line)
{
	u64 next;

	might_sleep();
	++*waited;
	if (++sleeps < 32 && shim_timer_next(&next) && next - ktime_get_ns() < 1ull << 40)
		shim_clock_set(max(next, (u64)ktime_get_ns()));
	else
		signal_now(true);
	fuzz_demand(*waited < 1000, ": sleeps for ever");
}

/* --- the unit --- */

static const u32 unit_msrs[] = {
	X86_MSR_STAR, X86_MSR_LSTAR, X86_MSR_CSTAR, X86_MSR_SFMASK, X86_MSR_KERNEL_GS_BASE,
	X86_MSR_FS_BASE, X86_MSR_GS_BASE, X86_MSR_SYSENTER_CS, X86_MSR_SYSENTER_ESP,
	X86_MSR_SYSENTER_EIP, X86_MSR_PAT,
};

struct unit_vcpu {
	struct x86_state state;
	struct x86_event injected;
	bool apic;			/* it has a part of the local APIC */
	u8 requested;
	u64 msr[ARRAY_SIZE(unit_msrs)];
};

static struct unit_vcpu *to_unit(struct x86_vcpu *v)
{
	return v->unit;
}

static int unit_probe(struct x86_unit_caps *caps)
{
	*caps = (struct x86_unit_caps) {
		.asids = 16, .pdptes = true, .tsc_scale = true, .tsc_scale_frac_bits = 32,
		.tsc_scale_max = GENMASK_ULL(39, 0),
	};
	return 0;
}

static int unit_not_here(struct x86_unit_caps *caps)
{
	return -ENOENT;
}

static int unit_cpu_enable(void)
{
	return 0;
}

static void unit_nothing(void)
{
}

static int unit_vcpu_create(struct x86_vcpu *v)
{
	v->unit = kzalloc(sizeof(struct unit_vcpu), GFP_KERNEL_ACCOUNT);
	return v->unit ? 0 : -ENOMEM;
}

static void unit_vcpu_destroy(struct x86_vcpu *v)
{
	kfree(v->unit);
}

static void unit_window(struct x86_vcpu *v)
{
	fuzz_demand(shim_in_atomic());
}

static void unit_load_state(struct x86_vcpu *v, u32 parts)
{
	const struct x86_state *s = &to_unit(v)->state;
	unsigned int i;

	if (parts & X86_STATE_MODE) {
		fuzz_demand(!(v->state_valid & (X86_STATE_CODE | X86_STATE_CRS)));
		parts |= X86_STATE_CODE | X86_STATE_CRS;
	}
	for (i = 0; i < X86_SEGS; i++)
		if (parts & (i == X86_SEG_CS || i == X86_SEG_SS ? X86_STATE_CODE : X86_STATE_DATA))
			v->state.seg[i] = s->seg[i];
	if (parts & X86_STATE_TABLES) {
		v->state.gdt = s->gdt;
		v->state.idt = s->idt;
	}
	if (parts & X86_STATE_CRS) {
		v->state.cr0 = s->cr0;
		v->state.cr3 = s->cr3;
		v->state.cr4 = s->cr4;
		v->state.efer = s->efer;
	}
	if (parts & X86_STATE_DRS) {
		v->state.dr6 = s->dr6;
		v->state.dr7 = s->dr7;
	}
}

static void unit_store_state(struct x86_vcpu *v)
{
	struct x86_state *s = &to_unit(v)->state;
	u32 parts = v->state_dirty;

	fuzz_demand(!(parts & ~v->state_valid));
	if (parts & X86_STATE_SEGS)
		memcpy(s->seg, v->state.seg, sizeof(s->seg));
	if (parts & X86_STATE_TABLES) {
		s->gdt = v->state.gdt;
		s->idt = v->state.idt;
	}
	if (parts & X86_STATE_CRS) {
		s->cr0 = v->state.cr0;
		s->cr3 = v->state.cr3;
		s->cr4 = v->state.cr4;
		s->efer = v->state.efer;
	}
	if (parts & X86_STATE_DRS) {
		s->dr6 = v->state.dr6;
		s->dr7 = v->state.dr7;
	}
	v->state_dirty = 0;
	v->state_valid = 0;
}

/* What a unit does to a local APIC's page: takes an interrupt, sends one, ends one, TPR. */
static void unit_apic_runs(struct x86_vcpu *v, u8 what)
{
	u8 vector = what & 1 ? to_unit(v)->requested : fuzz_u8(input);
	unsigned int at = (vector & ~31u) * 4 + (vector & 31);

	fuzz_demand(v->apic_page);
	if (what & 1) {
		clear_bit(at, v->apic_page + 0x200);
		set_bit(at, v->apic_page + 0x100);
	}
	if (what & 2)
		set_bit(at, v->apic_page + 0x200);
	if (what & 4)
		clear_bit(at, v->apic_page + 0x100);
	if (what & 8)
		*(u32 *)(v->apic_page + 0x80) = fuzz_u8(input);
	if (what & 16)
		*(u32 *)(v->apic_page + 0x3f0) = fuzz_u8(input);
}

/* Registers that a guest changes without leaving. */
static void unit_guest_runs(struct x86_vcpu *v)
{
	struct x86_state *s = &to_unit(v)->state;
	u8 what = fuzz_u8(input);

	if (what & 1)
		v->gpr[fuzz_u8(input) & 15] = fuzz_edge(input);
	if (what & 2)
		v->gpr[fuzz_u8(input) & 15] = fuzz_edge(input);
	if (what & 4)
		v->rip = (s64)(fuzz_edge(input) << 16) >> 16;
	if (what & 8)
		v->rflags = (fuzz_u32(input) & 0x3f7fd5) | X86_EFLAGS_FIXED;
	if (what & 16)
		s->cr3 = fuzz_edge(input) & GENMASK_ULL(v->maxphyaddr - 1, 0);
	if (what & 32) {
		unsigned int which = fuzz_below(input, X86_SEGS);
		struct x86_segment *seg = &s->seg[which];

		/* Four have no more than 32 bits of base, the others a canonical one. */
		seg->base = which <= X86_SEG_DS ? (u32)fuzz_edge(input) :
						  (u64)((s64)(fuzz_edge(input) << 16) >> 16);
		seg->limit = fuzz_edge(input);
		seg->attr = fuzz_u16(input) & 0xf0ff;
		seg->attr = (seg->attr & 0xff) | (seg->attr >> 4 & 0xf00);
		seg->selector = fuzz_u16(input);
	}
	if (what & 64)
		v->cr8 = fuzz_u8(input) & 15;
	if (what & 128)
		machine_poke(input);
	if (to_unit(v)->apic)
		unit_apic_runs(v, fuzz_u8(input));
}

/* What the exit says of itself, within what a unit may say. */
static void unit_operands(struct x86_vcpu *v, struct x86_exit *e)
{
	switch (e->kind) {
	case X86_EXIT_IO:
		e->io.port = fuzz_u16(input);
		e->io.size = 1 << fuzz_below(input, 3);
		e->io.in = fuzz_u8(input) & 1;
		e->io.string = fuzz_u8(input) & 1;
		e->io.rep = fuzz_u8(input) & 1;
		e->io.addr_size = 2 << fuzz_below(input, 3);
		break;
	case X86_EXIT_FAULT:
		e->fault.gpa = fuzz_edge(input) & GENMASK_ULL(47, 0);
		e->fault.access = 1 << fuzz_below(input, 3);
		e->fault.table_walk = fuzz_u8(input) & 1;
		/* Most instructions know the address that they fault at. */
		if (e->nr_bytes && !(e->fault.access & STAGE2_EXEC)) {
			v->gpr[X86_RBX] = v->gpr[X86_RSI] = e->fault.gpa;
			v->gpr[X86_RDI] = e->fault.gpa + (e->raw & 1);
		}
		break;
	case X86_EXIT_EXCEPTION:
		e->exc.vector = fuzz_u8(input) & 31;
		if (e->exc.vector == X86_EXC_NMI)	/* the host's */
			e->exc.vector = X86_EXC_UD;
		e->exc.has_error = fuzz_u8(input) & 1;
		e->exc.error = fuzz_u32(input);
		e->exc.payload = fuzz_edge(input);
		break;
	case X86_EXIT_CR:
	case X86_EXIT_DR:
		e->cr.reg = fuzz_u8(input) & 15;
		e->cr.write = fuzz_u8(input) & 1;
		e->cr.decoded = fuzz_u8(input) & 1;
		e->cr.gpr = fuzz_u8(input) & 15;
		break;
	case X86_EXIT_INVLPG:
		e->invlpg.decoded = fuzz_u8(input) & 1;
		e->invlpg.addr = fuzz_edge(input);
		break;
	case X86_EXIT_EOI:
		e->eoi.vector = fuzz_u8(input);
		break;
	case X86_EXIT_APIC_WRITE:
		e->apic.offset = fuzz_u8(input) << 4;
		break;
	case X86_EXIT_TASK_SWITCH:
		e->task.selector = fuzz_u16(input);
		e->task.reason = fuzz_u8(input) & 3;
		break;
	}
}

/* Moves to and from [rbx], string and port instructions, and a few of the kernel's. */
static const u8 usual[][4] = {
	{ 0x89, 0x03 }, { 0x8b, 0x03 }, { 0x88, 0x23 }, { 0x8a, 0x23 }, { 0x48, 0x89, 0x03 },
	{ 0xc7, 0x03, 1, 2 }, { 0x0f, 0xb6, 0x03 }, { 0x66, 0x8b, 0x0b }, { 0x87, 0x03 },
	{ 0xf3, 0xa4 }, { 0xf3, 0x48, 0xa5 }, { 0xaa }, { 0xac }, { 0xf3, 0x6c }, { 0xf3, 0x6e },
	{ 0xf0, 0x01, 0x03 }, { 0x0f, 0x22, 0xc0 }, { 0x0f, 0x20, 0xc0 }, { 0x0f, 0x01, 0xd9 },
	{ 0x0f, 0x01, 0xc1 }, { 0x0f, 0x30 }, { 0x0f, 0x32 }, { 0xf4 }, { 0xa4 },
	{ 0x0f, 0x29, 0x03 }, { 0x0f, 0x28, 0x0b }, { 0x0f, 0xb1, 0x0b }, { 0xff, 0x33 },
};

static void unit_enter(struct x86_vcpu *v, struct x86_exit *e)
{
	struct unit_vcpu *u = to_unit(v);
	u8 how;

	fuzz_demand(irqs_disabled());
	fuzz_demand(v->rflags & X86_EFLAGS_FIXED);
	unit_store_state(v);
	memset(e, 0, sizeof(*e));
	if (!machine_exits || !input->left) {
		e->vectoring = u->injected;
		u->injected = (struct x86_event) { };
		e->kind = X86_EXIT_HOST;
		signal_now(true);
		return;
	}
	machine_exits--;
	unit_guest_runs(v);
	e->kind = fuzz_below(input, X86_EXIT_KINDS);
	e->raw = e->kind;
	how = fuzz_u8(input);
	if (how & 1)
		e->insn_len = 1 + (how >> 4) % X86_INSN_MAX;
	if (how & 2) {
		e->nr_bytes = how >> 4;
		fuzz_bytes(input, e->bytes, e->nr_bytes);
		if (e->nr_bytes == 15)
			memcpy(e->bytes, usual[e->bytes[0] % ARRAY_SIZE(usual)], 4);
	}
	if (how & 4)
		e->vectoring = u->injected;
	else
		v->int_shadow = v->int_shadow && (how & 8);
	u->injected = (struct x86_event) { };
	unit_operands(v, e);
}

static void unit_inject(struct x86_vcpu *v, const struct x86_event *event)
{
	to_unit(v)->injected = *event;
}

static void unit_want_window(struct x86_vcpu *v, u8 intr, bool nmi)
{
	fuzz_demand(intr <= 16);
}

static void unit_note(struct x86_vcpu *v)
{
}

static void unit_sync_apic(struct x86_vcpu *v, u8 requested, u8 in_service, const u64 *eoi_exits)
{
	fuzz_demand(eoi_exits || (!requested && !in_service));
	to_unit(v)->apic = eoi_exits;
	to_unit(v)->requested = requested;
}

static u64 *unit_msr(struct x86_vcpu *v, u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unit_msrs); i++)
		if (unit_msrs[i] == msr)
			return &to_unit(v)->msr[i];
	return NULL;
}

static int unit_get_msr(struct x86_vcpu *v, u32 msr, u64 *val)
{
	u64 *place = unit_msr(v, msr);

	if (!place)
		return -ENOENT;
	*val = *place;
	return 0;
}

static int unit_set_msr(struct x86_vcpu *v, u32 msr, u64 val)
{
	u64 *place = unit_msr(v, msr);

	if (!place)
		return -ENOENT;
	*place = val;
	return 0;
}

/* Shaped as AMD's nested page tables. */
static const struct stage2_format unit_stage2 = {
	.name = "fuzz", .levels = 4, .leaf_levels = 3, .addr_mask = GENMASK_ULL(51, 12),
	.present = BIT_ULL(0), .table = BIT_ULL(0) | BIT_ULL(1) | BIT_ULL(2),
	.leaf_mask = { [2] = BIT_ULL(7), [3] = BIT_ULL(7) },
	.leaf_value = { [2] = BIT_ULL(7), [3] = BIT_ULL(7) },
	.leaf = {
		[1] = BIT_ULL(0) | BIT_ULL(2), [2] = BIT_ULL(0) | BIT_ULL(2) | BIT_ULL(7),
		[3] = BIT_ULL(0) | BIT_ULL(2) | BIT_ULL(7),
	},
	.allow_write = BIT_ULL(1), .deny_exec = BIT_ULL(63), .accessed = BIT_ULL(5),
	.dirty = BIT_ULL(6), .software = BIT_ULL(52),
};

static const u32 unit_direct_msrs[] = { X86_MSR_STAR, X86_MSR_LSTAR, X86_MSR_KERNEL_GS_BASE, 0 };

const struct x86_backend svm_backend = {
	.name = "fuzz", .holder = "nobody", .stage2 = &unit_stage2,
	.direct_msrs = unit_direct_msrs, .probe = unit_probe, .remove = unit_nothing,
	.cpu_enable = unit_cpu_enable, .cpu_disable = unit_nothing,
	.vcpu_create = unit_vcpu_create, .vcpu_destroy = unit_vcpu_destroy,
	.window_open = unit_window, .window_close = unit_window, .enter = unit_enter,
	.load_state = unit_load_state, .inject = unit_inject, .want_window = unit_want_window,
	.flush_tlb = unit_note, .set_tsc = unit_note, .set_intercepts = unit_note,
	.get_msr = unit_get_msr, .set_msr = unit_set_msr, .sync_apic = unit_sync_apic,
};

const struct x86_backend vmx_backend = { .name = "none", .probe = unit_not_here };

/* --- the VMM --- */

static struct kvmx_ioctl_set sets[5];
unsigned int machine_nr_rows;

const struct kvmx_ioctl *machine_row(unsigned int i)
{
	unsigned int set;

	for (set = 0; i >= sets[set].nr; set++)
		i -= sets[set].nr;
	return &sets[set].rows[i];
}

void machine_load(void)
{
	static const u32 mxcsr = 0x1f80;
	unsigned int i;

	sets[0] = (struct kvmx_ioctl_set){ kvmx_arch_ioctls, kvmx_arch_nr_ioctls };
	sets[1] = (struct kvmx_ioctl_set){ kvmx_arch_irq_ioctls, kvmx_arch_nr_irq_ioctls };
	sets[2] = (struct kvmx_ioctl_set){ kvmx_system_ioctls, kvmx_system_nr_ioctls };
	sets[3] = (struct kvmx_ioctl_set){ kvmx_vm_ioctls, kvmx_vm_nr_ioctls };
	sets[4] = (struct kvmx_ioctl_set){ kvmx_vcpu_ioctls, kvmx_vcpu_nr_ioctls };
	for (i = 0; i < ARRAY_SIZE(sets); i++)
		machine_nr_rows += sets[i].nr;
	tsc_khz = 2000000;
	memcpy(cpu_registers + 24, &mxcsr, sizeof(mxcsr));
	fuzz_demand(!kvmx_vcpus_init());
	fuzz_demand(!kvmx_eventfd_init());
	fuzz_demand(!kvmx_arch_init());
	fuzz_demand(!kvmx_ioctl_init(sets, ARRAY_SIZE(sets)));
	shim_user_register(machine_ram, sizeof(machine_ram));
	shim_user_register(machine_arg, sizeof(machine_arg));
	/* Without it a halted vCPU polls until the clock moves, which nobody would move. */
	shim_set_need_resched(true);
}

void machine_begin(struct fuzz_input *in)
{
	input = in;
	memset(machine_ram, 0, sizeof(machine_ram));
	memset(machine_arg, 0, sizeof(machine_arg));
	/* A unit of each kind. */
	x86_unit_caps.virtual_apic = in->left & 1;
	signal_now(false);
	live_before = shim_alloc_live();
}

void machine_end(void)
{
	shim_fail_alloc_after(-1);
	shim_assert_idle();
	shim_rcu_run();
	shim_works_run();
	shim_rcu_run();
	fuzz_demand(shim_alloc_live() == live_before, ": memory is left");
	fuzz_demand(atomic_read(&shim_mm()->mm_count) == 1, ": the address space is held");
	input = NULL;
}

long machine_ioctl(int fd, u32 cmd, unsigned long arg)
{
	struct kvmx_call call = { };
	struct file *file;
	long ret;

	signal_now(false);
	sleeps = 0;
	if (fd == MACHINE_SYSTEM) {
		ret = kvmx_ioctl(KVMX_SCOPE_SYSTEM, &call, cmd, arg);
	} else {
		file = fget(fd);
		if (!file)
			return -EBADF;
		ret = file->f_op->unlocked_ioctl ? file->f_op->unlocked_ioctl(file, cmd, arg) : -ENOTTY;
		fput(file);
	}
	signal_now(false);
	shim_assert_idle();
	fuzz_demand(ret >= -4095);
	return ret;
}

void machine_close(int fd)
{
	shim_fd_close(fd);
}

void machine_poke(struct fuzz_input *in)
{
	u32 at = fuzz_u32(in) % sizeof(machine_ram);
	u32 len = min_t(u32, fuzz_u8(in) & 31, sizeof(machine_ram) - at);

	fuzz_bytes(in, machine_ram + at, len);
}

long machine_add_ram(int vm)
{
	struct kvmx_userspace_memory_region region = {
		.memory_size = sizeof(machine_ram), .userspace_addr = (unsigned long)machine_ram,
	};

	memcpy(machine_arg, &region, sizeof(region));
	return machine_call(vm, KVMX_SET_USER_MEMORY_REGION);
}
