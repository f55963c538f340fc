// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's state through the ioctls: what is set is got, what is refused changes nothing. */
/* links: src/x86/state.c src/x86/state_events.c src/x86/ioctl.c src/x86/caps.c src/x86/msr.c src/x86/msr_pv.c */
/* links: src/x86/mtrr.c src/x86/mce.c src/x86/clock.c src/x86/tsc.c src/x86/guest_debug.c */
/* links: src/x86/steal.c src/x86/msr_filter.c src/x86/run_page.c */
/* links: src/x86/cpuid.c src/x86/cpuid_host.c src/x86/fpu.c */
#include "x86_world.h"
#include <kvmx/arch.h>
#include <kvmx/ioctl.h>
#include "state.h"

static struct kvmx_cpuid_entry2 offered[X86_CPUID_ENTRIES];

/* --- what the floor's other rooms do --- */

static bool init_waits;

bool x86_events_async(struct x86_vcpu *v)
{
	if (init_waits)
		v->mp_state = X86_MP_INIT_RECEIVED;
	init_waits = false;
	return true;
}

int kvmx_call_get(u64 uaddr, void *data, size_t len)
{
	return -EFAULT;
}

int kvmx_call_put(u64 uaddr, const void *data, size_t len)
{
	return -EFAULT;
}

int x86_linear_read(struct x86_linear *l, u64 addr, void *buf, unsigned int len, u32 access)
{
	return -EFAULT;
}

enum run_next x86_emulate_insn(struct x86_vcpu *v, bool atomic)
{
	return RUN_LEAVE;
}

void x86_skip(struct x86_vcpu *v, u8 insn_len)
{
	v->rip += insn_len;
}

void x86_raise_error(struct x86_vcpu *v, u8 vector, u32 error)
{
	raised[vector & 31]++;
}

bool x86_user_may_interrupt(struct x86_vcpu *v)
{
	return true;
}

static int translate_result;

int x86_linear_translate(struct x86_linear *l, u64 addr, u32 access, u64 *gpa)
{
	ck_assert(srcu_read_lock_held(&vm->vm.memory.srcu));
	*gpa = addr + 0x1000;
	return translate_result;
}

int x86_irqchip_split(struct x86_vm *xvm, u64 routes)
{
	return routes > 24 ? -EINVAL : 0;
}

int x86_irqchip_x2apic_api(struct x86_vm *xvm, u64 flags)
{
	return flags & ~3 ? -EINVAL : 0;
}

u64 x86_irqchip_x2apic_api_flags(void)
{
	return 3;
}

/* --- calling --- */

static const struct kvmx_ioctl *row(u8 scope, u32 cmd)
{
	unsigned int i;

	for (i = 0; i < kvmx_arch_nr_ioctls; i++)
		if (kvmx_arch_ioctls[i].scope == scope && kvmx_arch_ioctls[i].cmd == cmd)
			return &kvmx_arch_ioctls[i];
	ck_abort_msg("no row for %#x", cmd);
	return NULL;
}

static long call_scope(u8 scope, u32 cmd, void *data, unsigned long arg)
{
	struct kvmx_call c = { .data = data, .arg = arg };

	if (scope != KVMX_SCOPE_SYSTEM)
		c.vm = &vm->vm;
	if (scope == KVMX_SCOPE_VCPU)
		c.vcpu = &cpu[0]->vcpu;
	return row(scope, cmd)->handle(&c);
}

static long vcpu_call(u32 cmd, void *data)
{
	return call_scope(KVMX_SCOPE_VCPU, cmd, data, 0);
}

/* Everything of the vCPU that a refused set must leave alone. */
static void snapshot(struct x86_vcpu *copy)
{
	x86_state(cpu[0], X86_STATE_ALL);
	*copy = *cpu[0];
}

static bool unchanged(const struct x86_vcpu *copy)
{
	return !memcmp(copy, cpu[0], sizeof(*copy));
}

static void start(enum host_kind kind)
{
	build_host(kind);
	x86_msr_init();
	build_vm(1);
	x86_mce_init(cpu[0]);
	x86_clock_vm_init(vm);
	x86_clock_vcpu_init(cpu[0]);
	x86_msr_reset(cpu[0], false);
	offer_all(cpu[0], offered);
	init_waits = false;
	translate_result = 0;
}

static void fill(void *p, size_t len)
{
	u8 *b = p;

	while (len--)
		*b++ = unit_random();
}

/* --- registers --- */

START_TEST(regs)
{
	struct kvmx_regs in, out;
	int round;

	start(HOST_AMD);
	for (round = 0; round < 100; round++) {
		fill(&in, sizeof(in));
		ck_assert_int_eq(vcpu_call(KVMX_SET_REGS, &in), 0);
		ck_assert_int_eq(vcpu_call(KVMX_GET_REGS, &out), 0);
		in.rflags = (in.rflags & 0x3f7fd5) | 2;
		ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
	}
	in.rsp = 0x1111;
	in.rbx = 0x2222;
	vcpu_call(KVMX_SET_REGS, &in);
	ck_assert_uint_eq(cpu[0]->gpr[X86_RSP], 0x1111);
	ck_assert_uint_eq(cpu[0]->gpr[X86_RBX], 0x2222);
	ck_assert(cpu[0]->vcpu.requests & BIT(KVMX_REQ_EVENT));
	end_vm();
}
END_TEST

static void random_segment(struct kvmx_segment *s)
{
	memset(s, 0, sizeof(*s));
	s->base = unit_random();
	s->limit = unit_random();
	s->selector = unit_random();
	s->type = unit_random_below(16);
	s->s = unit_random_below(2);
	s->dpl = unit_random_below(4);
	s->present = unit_random_below(2);
	s->unusable = !s->present;
	s->avl = unit_random_below(2);
	s->l = unit_random_below(2);
	s->db = unit_random_below(2);
	s->g = unit_random_below(2);
}

/* 64-bit mode. */
static void valid_sregs(struct kvmx_sregs *s)
{
	struct kvmx_segment *segs[] = { &s->cs, &s->ds, &s->es, &s->fs, &s->gs, &s->ss, &s->tr,
					&s->ldt };
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < ARRAY_SIZE(segs); i++)
		random_segment(segs[i]);
	s->gdt.base = unit_random();
	s->gdt.limit = unit_random();
	s->idt.base = unit_random();
	s->idt.limit = unit_random();
	s->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_WP;
	s->cr2 = unit_random();
	s->cr3 = unit_random() & GENMASK_ULL(47, 12);
	s->cr4 = X86_CR4_PAE | X86_CR4_OSXSAVE;
	s->efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NX | X86_EFER_SCE;
	s->cr8 = unit_random_below(16);
	s->apic_base = APIC_BASE_ADDR | APIC_BASE_EN;
}

START_TEST(sregs)
{
	struct kvmx_sregs in, out;
	struct kvmx_sregs2 in2, out2;
	int round;

	start(HOST_AMD);
	for (round = 0; round < 100; round++) {
		int vector = unit_random_below(256);

		valid_sregs(&in);
		in.interrupt_bitmap[vector / 64] = BIT_ULL(vector % 64);
		ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS, &in), 0);
		ck_assert_int_eq(vcpu_call(KVMX_GET_SREGS, &out), 0);
		ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
		ck_assert_int_eq(cpu[0]->ev.irq_injected, vector);
		ck_assert_uint_eq(cpu[0]->state_dirty & 7, 7);

		memset(&in2, 0, sizeof(in2));
		valid_sregs((struct kvmx_sregs *)&in2);
		in2.flags = 0;
		memset(in2.pdptrs, 0, sizeof(in2.pdptrs));
		ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS2, &in2), 0);
		ck_assert_int_eq(vcpu_call(KVMX_GET_SREGS2, &out2), 0);
		ck_assert_int_eq(memcmp(&in2, &out2, sizeof(in2)), 0);
	}
	/* OSXSAVE shows in CPUID at once. */
	ck_assert(x86_cpuid_find(cpu[0], 1, 0)->ecx & BIT(27));
	ck_assert_uint_gt(unit_flushes, 0);
	end_vm();
}
END_TEST

#define REFUSE(change) do {							\
	valid_sregs(&s);							\
	change;									\
	snapshot(copy);								\
	ck_assert_msg(vcpu_call(KVMX_SET_SREGS, &s) == -EINVAL, #change);	\
	ck_assert_msg(unchanged(copy), #change);				\
} while (0)

START_TEST(sregs_refused)
{
	struct x86_vcpu *copy = malloc(sizeof(*copy));
	struct kvmx_sregs2 s2 = { 0 };
	struct kvmx_sregs s;
	int bit;

	start(HOST_AMD);
	REFUSE(s.cr0 &= ~(u64)X86_CR0_PE);
	REFUSE(s.cr0 |= BIT_ULL(32));
	REFUSE(s.cr0 |= X86_CR0_NW);
	REFUSE(s.cr4 &= ~(u64)X86_CR4_PAE);
	REFUSE(s.efer &= ~(u64)X86_EFER_LMA);
	REFUSE((s.efer &= ~(u64)X86_EFER_LME, s.cs.l = 0));
	REFUSE((s.cr0 &= ~(u64)X86_CR0_PG, s.cs.l = 0));
	REFUSE((s.efer = 0, s.cs.l = 1));
	REFUSE(s.efer |= X86_EFER_SVME);
	REFUSE(s.cr3 |= BIT_ULL(52));
	REFUSE(s.cr3 |= BIT_ULL(48));
	REFUSE(s.cr8 = 16);
	REFUSE(s.apic_base |= 1);
	REFUSE(s.apic_base = APIC_BASE_ADDR | APIC_BASE_EXTD);
	for (bit = 0; bit < 64; bit++)
		if (!(x86_cr4_supported & BIT_ULL(bit)))
			REFUSE(s.cr4 |= BIT_ULL(bit));
	for (bit = 0; bit < 64; bit++)
		if (!(x86_efer_supported & BIT_ULL(bit)))
			REFUSE(s.efer |= BIT_ULL(bit));

	/* Before the CPU model is known it is the plainest one. */
	ck_assert_int_eq(x86_cpuid_set(cpu[0], NULL, 0), 0);
	REFUSE(s.efer |= X86_EFER_NX);
	valid_sregs(&s);
	s.cr0 = X86_CR0_ET;
	s.efer = X86_EFER_SCE;
	s.cs.l = 0;
	s.cr4 = X86_CR4_PAE;
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS, &s), 0);
	s.cr4 |= X86_CR4_OSXSAVE;
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS, &s), -EINVAL);
	s.cr4 = 0;
	s.efer = X86_EFER_LME;
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS, &s), -EINVAL);

	/* Each supported CR4 bit may stand, paging off. */
	end_vm();
	start(HOST_AMD);
	valid_sregs(&s);
	s.cr0 = X86_CR0_ET;
	s.efer = 0;
	s.cs.l = 0;
	s.cr4 = x86_cr4_supported;
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS, &s), 0);

	/* Page directory pointers only where there are such. */
	memcpy(&s2, &s, offsetof(struct kvmx_sregs, interrupt_bitmap));
	s2.flags = KVMX_SREGS2_FLAGS_PDPTRS_VALID;
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS2, &s2), -EINVAL);
	s2.cr0 |= X86_CR0_PE | X86_CR0_PG;
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS2, &s2), 0);
	s2.flags |= 2;
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS2, &s2), -EINVAL);
	free(copy);
	end_vm();
}
END_TEST

START_TEST(debugregs)
{
	struct x86_vcpu *copy = malloc(sizeof(*copy));
	struct kvmx_debugregs in = { .db = { 1, 2, 3, ~0ull }, .dr6 = 0xffff4ff5,
				     .dr7 = 0x7aa }, out;

	start(HOST_AMD);
	ck_assert_int_eq(vcpu_call(KVMX_SET_DEBUGREGS, &in), 0);
	ck_assert_int_eq(vcpu_call(KVMX_GET_DEBUGREGS, &out), 0);
	in.dr6 |= X86_DR6_FIXED;
	ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
	snapshot(copy);
	in.flags = 1;
	ck_assert_int_eq(vcpu_call(KVMX_SET_DEBUGREGS, &in), -EINVAL);
	in.flags = 0;
	in.dr6 |= BIT_ULL(32);
	in.db[0] = 99;
	ck_assert_int_eq(vcpu_call(KVMX_SET_DEBUGREGS, &in), -EINVAL);
	in.dr6 = 0;
	in.dr7 = BIT_ULL(63);
	ck_assert_int_eq(vcpu_call(KVMX_SET_DEBUGREGS, &in), -EINVAL);
	ck_assert(unchanged(copy));
	free(copy);
	end_vm();
}
END_TEST

/* --- FPU --- */

static void area_put(struct kvmx_xsave *x, u32 at, u64 val, int len)
{
	memcpy((u8 *)x + at, &val, len);
}

static u64 area_get(const struct kvmx_xsave *x, u32 at, int len)
{
	u64 val = 0;

	memcpy(&val, (const u8 *)x + at, len);
	return val;
}

static struct kvmx_xsave *random_area(u64 bv)
{
	struct kvmx_xsave *x = calloc(1, sizeof(*x));

	fill(x, x86_xsave_size);
	area_put(x, 24, 0x1fa0, 4);
	memset((u8 *)x + 512, 0, 64);
	area_put(x, 512, bv, 8);
	return x;
}

/* Set, into the processor, changed there by nobody, out again, got: the same. */
START_TEST(xsave_through_the_window)
{
	struct kvmx_xsave *in, *out = calloc(1, sizeof(*out));
	struct x86_vcpu *v;

	start(HOST_INTEL);
	v = cpu[0];
	in = random_area(0xe7);
	ck_assert_int_eq(vcpu_call(KVMX_SET_XSAVE, in), 0);
	v->fpu.xcr0 = 7;
	x86_fpu_load(v);
	ck_assert_uint_eq(cpu_xcr0, 7);
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_XSS), 0);
	v->vcpu.cpu = 0;
	v->fpu.xcr0 = 3;
	x86_fpu_xcr0_changed(v);
	ck_assert_uint_eq(cpu_xcr0, 3);
	v->vcpu.cpu = -1;
	x86_fpu_save(v);
	ck_assert_uint_eq(cpu_xcr0, 0x2e7);
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_XSS), 0x1800);
	/* Outside of the window the CPU's register is the host's. */
	x86_fpu_xcr0_changed(v);
	ck_assert_uint_eq(cpu_xcr0, 0x2e7);
	ck_assert_int_eq(vcpu_call(KVMX_GET_XSAVE, out), 0);
	ck_assert_int_eq(memcmp(in, out, sizeof(*in)), 0);
	memset(out, 0, sizeof(*out));
	ck_assert_int_eq(vcpu_call(KVMX_GET_XSAVE2, out), 0);
	ck_assert_int_eq(memcmp(in, out, sizeof(*in)), 0);
	free(in);
	free(out);
	end_vm();
}
END_TEST

START_TEST(xsave_absent_parts)
{
	struct kvmx_xsave *in, *out = calloc(1, sizeof(*out));
	u8 zero[1024] = { 0 };

	start(HOST_INTEL);
	in = random_area(0);
	ck_assert_int_eq(vcpu_call(KVMX_SET_XSAVE, in), 0);
	ck_assert_int_eq(vcpu_call(KVMX_GET_XSAVE, out), 0);
	ck_assert_uint_eq(area_get(out, 0, 2), 0x37f);
	ck_assert_uint_eq(area_get(out, 24, 4), 0x1fa0);	/* MXCSR is always taken */
	ck_assert_int_eq(memcmp((u8 *)out + 160, zero, 256), 0);
	ck_assert_int_eq(memcmp((u8 *)out + 576, zero, 256), 0);
	ck_assert_int_eq(memcmp((u8 *)out + 1664, zero, 1024), 0);
	free(in);
	in = random_area(2);
	ck_assert_int_eq(vcpu_call(KVMX_SET_XSAVE, in), 0);
	ck_assert_int_eq(vcpu_call(KVMX_GET_XSAVE, out), 0);
	ck_assert_int_eq(memcmp((u8 *)in + 160, (u8 *)out + 160, 256), 0);
	ck_assert_int_eq(memcmp((u8 *)out + 32, zero, 128), 0);
	free(in);
	free(out);
	end_vm();
}
END_TEST

START_TEST(xsave_refused)
{
	struct kvmx_xsave *in, *before = calloc(1, sizeof(*before)),
			  *after = calloc(1, sizeof(*after));
	int bit;

	start(HOST_INTEL);
	in = random_area(0xe7);
	ck_assert_int_eq(vcpu_call(KVMX_SET_XSAVE, in), 0);
	vcpu_call(KVMX_GET_XSAVE, before);
	free(in);
	in = random_area(0xe7);
	for (bit = 0; bit < 64; bit++) {
		if (0xe7ull & BIT_ULL(bit))
			continue;
		area_put(in, 512, BIT_ULL(bit), 8);
		ck_assert_int_eq(vcpu_call(KVMX_SET_XSAVE, in), -EINVAL);
	}
	area_put(in, 512, 7, 8);
	for (bit = 520; bit < 576; bit++) {
		area_put(in, bit, 0x80, 1);
		ck_assert_int_eq(vcpu_call(KVMX_SET_XSAVE, in), -EINVAL);
		area_put(in, bit, 0, 1);
	}
	area_put(in, 24, 0x10000, 4);
	ck_assert_int_eq(vcpu_call(KVMX_SET_XSAVE, in), -EINVAL);
	vcpu_call(KVMX_GET_XSAVE, after);
	ck_assert_int_eq(memcmp(before, after, sizeof(*before)), 0);
	ck_assert_int_eq(x86_xsave_set(cpu[0], in, 100), -EINVAL);
	free(in);
	free(before);
	free(after);
	end_vm();
}
END_TEST

START_TEST(fpu)
{
	struct kvmx_fpu in, out;
	struct kvmx_xsave *x = calloc(1, sizeof(*x));

	start(_i);
	memset(&in, 0, sizeof(in));
	fill(in.fpr, sizeof(in.fpr));
	fill(in.xmm, sizeof(in.xmm));
	in.fcw = 0x27f;
	in.fsw = 0x3800;
	in.ftwx = 0x80;
	in.last_opcode = 0x123;
	in.last_ip = 0x1122334455667788;
	in.last_dp = 0x8877665544332211;
	in.mxcsr = 0x1f80;
	ck_assert_int_eq(vcpu_call(KVMX_SET_FPU, &in), 0);
	ck_assert_int_eq(vcpu_call(KVMX_GET_FPU, &out), 0);
	ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
	x86_fpu_load(cpu[0]);
	x86_fpu_save(cpu[0]);
	ck_assert_int_eq(vcpu_call(KVMX_GET_FPU, &out), 0);
	ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
	in.mxcsr = 0x10000;
	in.fcw = 0;
	ck_assert_int_eq(vcpu_call(KVMX_SET_FPU, &in), -EINVAL);
	ck_assert_int_eq(vcpu_call(KVMX_GET_FPU, &out), 0);
	ck_assert_uint_eq(out.fcw, 0x27f);

	/* The same registers in the other structure. */
	ck_assert_int_eq(vcpu_call(KVMX_GET_XSAVE, x), 0);
	ck_assert_int_eq(memcmp((u8 *)x + 160, out.xmm, 256), 0);
	ck_assert_uint_eq(area_get(x, 512, 8) & 3, 3);
	ck_assert_int_eq(vcpu_call(KVMX_SET_XSAVE, x), 0);

	x86_fpu_reset(cpu[0], true);
	vcpu_call(KVMX_GET_FPU, &out);
	ck_assert_uint_eq(out.fcw, 0x27f);
	x86_fpu_reset(cpu[0], false);
	vcpu_call(KVMX_GET_FPU, &out);
	ck_assert_uint_eq(out.fcw, 0x37f);
	ck_assert_uint_eq(out.mxcsr, 0x1f80);
	free(x);
	end_vm();
}
END_TEST

START_TEST(vector_registers)
{
	struct kvmx_xsave *x = calloc(1, sizeof(*x));
	u8 in[32], out[32], zero[32] = { 0 };
	int reg;

	start(HOST_INTEL);
	for (reg = 0; reg < 16; reg++) {
		fill(in, sizeof(in));
		x86_fpu_set_xmm(cpu[0], reg, in, 32, true);
		x86_fpu_get_xmm(cpu[0], reg, out, 32);
		ck_assert_int_eq(memcmp(in, out, 32), 0);
		/* The old instructions leave the upper half alone, the new ones clear it. */
		x86_fpu_set_xmm(cpu[0], reg, zero, 16, false);
		x86_fpu_get_xmm(cpu[0], reg, out, 32);
		ck_assert_int_eq(memcmp(out, zero, 16), 0);
		ck_assert_int_eq(memcmp(in + 16, out + 16, 16), 0);
		vcpu_call(KVMX_GET_XSAVE, x);
		ck_assert_int_eq(memcmp((u8 *)x + 576 + 16 * reg, in + 16, 16), 0);
		ck_assert_uint_eq(area_get(x, 512, 8) & 6, 6);
		x86_fpu_set_xmm(cpu[0], reg, in, 16, true);
		x86_fpu_get_xmm(cpu[0], reg, out, 32);
		ck_assert_int_eq(memcmp(out, in, 16), 0);
		ck_assert_int_eq(memcmp(out + 16, zero, 16), 0);
	}
	end_vm();
	start(HOST_OLD);
	x86_fpu_set_xmm(cpu[0], 3, in, 32, true);
	x86_fpu_get_xmm(cpu[0], 3, out, 32);
	ck_assert_int_eq(memcmp(out, in, 16), 0);
	ck_assert_int_eq(memcmp(out + 16, zero, 16), 0);
	free(x);
	end_vm();
}
END_TEST

START_TEST(xcrs)
{
	static const u64 bad[] = { 0, 2, 5, 0x23, 0x27, 0x67, 0xc7, 0x207, 0x1f, BIT_ULL(63) | 7 };
	struct kvmx_xcrs in = { .nr_xcrs = 1, .xcrs = { { 0, 0, 0xe7 } } }, out;
	unsigned int i;

	start(HOST_INTEL);
	ck_assert_int_eq(vcpu_call(KVMX_SET_XCRS, &in), 0);
	ck_assert_int_eq(vcpu_call(KVMX_GET_XCRS, &out), 0);
	ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
	ck_assert_uint_eq(x86_cpuid_find(cpu[0], 0xd, 0)->ebx, 2688);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		in.xcrs[0].value = bad[i];
		ck_assert_msg(vcpu_call(KVMX_SET_XCRS, &in) == -EINVAL, "%#llx",
			      (unsigned long long)bad[i]);
	}
	in.xcrs[0].value = 7;
	in.flags = 1;
	ck_assert_int_eq(vcpu_call(KVMX_SET_XCRS, &in), -EINVAL);
	in.flags = 0;
	in.nr_xcrs = KVMX_MAX_XCRS + 1;
	ck_assert_int_eq(vcpu_call(KVMX_SET_XCRS, &in), -EINVAL);
	ck_assert_uint_eq(cpu[0]->fpu.xcr0, 0xe7);
	in.nr_xcrs = 2;
	in.xcrs[0].xcr = 1;
	in.xcrs[1].value = 3;
	ck_assert_int_eq(vcpu_call(KVMX_SET_XCRS, &in), 0);
	ck_assert_uint_eq(cpu[0]->fpu.xcr0, 3);
	end_vm();

	start(HOST_OLD);
	ck_assert_int_eq(vcpu_call(KVMX_GET_XCRS, &out), -EINVAL);
	ck_assert_int_eq(vcpu_call(KVMX_SET_XCRS, &in), -EINVAL);
	ck_assert_int_eq(kvmx_arch_check_extension(NULL, KVMX_CAP_XCRS), 0);
	end_vm();
}
END_TEST

/* --- events --- */

START_TEST(events_round_trip)
{
	struct kvmx_vcpu_events in, out;
	int round;

	start(HOST_AMD);
	vm->exception_payload = true;
	vm->triple_fault_event = true;
	for (round = 0; round < 200; round++) {
		memset(&in, 0, sizeof(in));
		switch (unit_random_below(3)) {
		case 0:
			in.exception.pending = 1;
			in.exception_has_payload = unit_random_below(2);
			in.exception_payload = in.exception_has_payload ? unit_random() : 0;
			break;
		case 1:
			in.exception.injected = 1;
			break;
		}
		if (in.exception.pending || in.exception.injected) {
			in.exception.nr = 14;
			in.exception.has_error_code = unit_random_below(2);
			in.exception.error_code = in.exception.has_error_code ? unit_random() : 0;
		}
		in.interrupt.injected = unit_random_below(2);
		in.interrupt.nr = in.interrupt.injected ? unit_random() : 0;
		in.interrupt.soft = in.interrupt.injected && unit_random_below(2);
		in.interrupt.shadow = unit_random_below(2) * 3;
		in.nmi.injected = unit_random_below(2);
		in.nmi.pending = unit_random_below(2);
		in.nmi.masked = unit_random_below(2);
		in.triple_fault.pending = unit_random_below(2);
		in.flags = KVMX_VCPUEVENT_VALID_NMI_PENDING | KVMX_VCPUEVENT_VALID_SHADOW |
			   KVMX_VCPUEVENT_VALID_PAYLOAD | KVMX_VCPUEVENT_VALID_TRIPLE_FAULT;
		if (unit_random_below(2) || cpu[0]->ev.sipi_vector >= 0) {
			in.flags |= KVMX_VCPUEVENT_VALID_SIPI_VECTOR;
			in.sipi_vector = unit_random_below(256);
		}
		ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &in), 0);
		ck_assert_int_eq(vcpu_call(KVMX_GET_VCPU_EVENTS, &out), 0);
		ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
		/* Once more: getting has changed nothing. */
		ck_assert_int_eq(vcpu_call(KVMX_GET_VCPU_EVENTS, &out), 0);
		ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
	}
	end_vm();
}
END_TEST

START_TEST(events_refused)
{
	struct x86_vcpu *copy = malloc(sizeof(*copy));
	struct kvmx_vcpu_events e = { 0 };

	start(HOST_AMD);
	snapshot(copy);
	e.flags = 0x40;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), -EINVAL);
	e.flags = KVMX_VCPUEVENT_VALID_PAYLOAD;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), -EINVAL);
	e.flags = KVMX_VCPUEVENT_VALID_TRIPLE_FAULT;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), -EINVAL);
	e.flags = KVMX_VCPUEVENT_VALID_SIPI_VECTOR;
	e.sipi_vector = 256;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), -EINVAL);
	e.flags = KVMX_VCPUEVENT_VALID_SMM;
	e.smi.smm = 1;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), -EINVAL);
	e.smi.smm = 0;
	e.exception.injected = 1;
	e.exception.nr = 32;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), -EINVAL);
	e.exception.nr = 2;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), -EINVAL);
	ck_assert(unchanged(copy));
	e.exception.nr = 14;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), 0);
	ck_assert(cpu[0]->ev.exception_injected);
	free(copy);
	end_vm();
}
END_TEST

/*
 * User space that knows no payloads: a pending page fault looks delivered, CR2 included,
 * though nothing has changed; once it sets what it saw, that is how it is.
 */
START_TEST(payload_unknown_to_user_space)
{
	struct kvmx_vcpu_events e;
	struct kvmx_debugregs d;
	struct kvmx_sregs s;
	struct x86_vcpu *v;

	start(HOST_AMD);
	v = cpu[0];
	v->cr2 = 0x1111;
	v->ev.exception = (struct x86_event){ .type = X86_EVENT_EXCEPTION, .vector = 14,
					      .has_error = true, .error = 6 };
	v->ev.has_payload = true;
	v->ev.payload = 0x2222;
	vcpu_call(KVMX_GET_VCPU_EVENTS, &e);
	ck_assert(e.exception.injected && !e.exception.pending && !e.exception_has_payload);
	vcpu_call(KVMX_GET_SREGS, &s);
	ck_assert_uint_eq(s.cr2, 0x2222);
	ck_assert_uint_eq(v->cr2, 0x1111);
	ck_assert(!v->ev.exception_injected);
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), 0);
	ck_assert_uint_eq(v->cr2, 0x2222);
	ck_assert(v->ev.exception_injected && !v->ev.has_payload);

	v->ev.exception = (struct x86_event){ .type = X86_EVENT_EXCEPTION, .vector = 1 };
	v->ev.exception_injected = false;
	v->ev.has_payload = true;
	v->ev.payload = X86_DR6_BS;
	vcpu_call(KVMX_GET_DEBUGREGS, &d);
	ck_assert_uint_eq(d.dr6, X86_DR6_FIXED | X86_DR6_BS);
	ck_assert_uint_eq(x86_state(v, X86_STATE_DRS)->dr6, X86_DR6_FIXED);
	vcpu_call(KVMX_GET_VCPU_EVENTS, &e);
	vcpu_call(KVMX_SET_VCPU_EVENTS, &e);
	ck_assert_uint_eq(x86_state(v, X86_STATE_DRS)->dr6, X86_DR6_FIXED | X86_DR6_BS);

	/* A payload of any bits does not become a DR6 that cannot be set. */
	v->ev.exception = (struct x86_event){ .type = X86_EVENT_EXCEPTION, .vector = 1 };
	v->ev.exception_injected = false;
	v->ev.has_payload = true;
	v->ev.payload = ~0ull;
	vcpu_call(KVMX_GET_DEBUGREGS, &d);
	ck_assert_uint_eq(d.dr6, X86_DR6_FIXED | X86_DR6_STATUS);
	ck_assert_int_eq(vcpu_call(KVMX_SET_DEBUGREGS, &d), 0);
	v->ev.has_payload = false;
	/* Nor an L that a guest in legacy mode has loaded a state that is refused. */
	x86_state_dirty(v, X86_STATE_SEGS)->seg[X86_SEG_CS].attr |= X86_ATTR_L;
	vcpu_call(KVMX_GET_SREGS, &s);
	ck_assert(!s.cs.l);
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS, &s), 0);

	/* With payloads both stay apart. */
	v->cr2 = 0x2222;
	vm->exception_payload = true;
	v->ev.exception = (struct x86_event){ .type = X86_EVENT_EXCEPTION, .vector = 14 };
	v->ev.exception_injected = false;
	v->ev.has_payload = true;
	v->ev.payload = 0x3333;
	vcpu_call(KVMX_GET_VCPU_EVENTS, &e);
	ck_assert(e.exception.pending && e.exception_has_payload);
	vcpu_call(KVMX_GET_SREGS, &s);
	ck_assert_uint_eq(s.cr2, 0x2222);
	vcpu_call(KVMX_SET_VCPU_EVENTS, &e);
	ck_assert_uint_eq(v->cr2, 0x2222);
	ck_assert_uint_eq(v->ev.payload, 0x3333);
	end_vm();
}
END_TEST

START_TEST(interrupts_by_user_space)
{
	struct kvmx_interrupt irq = { .irq = 0x31 };
	struct kvmx_vcpu_events e;
	struct kvmx_sregs s;

	/* PIC in the kernel. */
	start(HOST_AMD);
	ck_assert_int_eq(vcpu_call(KVMX_INTERRUPT, &irq), -ENXIO);
	/* Split: one at a time. */
	vm->irqchip = false;
	vm->split_irqchip = true;
	ck_assert_int_eq(vcpu_call(KVMX_INTERRUPT, &irq), 0);
	ck_assert_int_eq(cpu[0]->user_irq, 0x31);
	ck_assert_int_eq(vcpu_call(KVMX_INTERRUPT, &irq), -EEXIST);
	irq.irq = 256;
	ck_assert_int_eq(vcpu_call(KVMX_INTERRUPT, &irq), -EINVAL);
	ck_assert_int_eq(cpu[0]->user_irq, 0x31);

	/* No irqchip: it is part of the state, and comes back where it is checked again. */
	vm->split_irqchip = false;
	cpu[0]->lapic = NULL;
	vcpu_call(KVMX_GET_VCPU_EVENTS, &e);
	ck_assert(e.interrupt.injected && e.interrupt.nr == 0x31);
	vcpu_call(KVMX_GET_SREGS, &s);
	ck_assert_uint_eq(s.interrupt_bitmap[0], BIT_ULL(0x31));
	cpu[0]->user_irq = -1;
	ck_assert_int_eq(vcpu_call(KVMX_SET_SREGS, &s), 0);
	ck_assert_int_eq(cpu[0]->user_irq, 0x31);
	ck_assert_int_eq(cpu[0]->ev.irq_injected, -1);
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), 0);
	ck_assert_int_eq(cpu[0]->user_irq, 0x31);
	ck_assert_int_eq(cpu[0]->ev.irq_injected, -1);
	e.interrupt.injected = 0;
	ck_assert_int_eq(vcpu_call(KVMX_SET_VCPU_EVENTS, &e), 0);
	ck_assert_int_eq(cpu[0]->user_irq, -1);

	nmis = 0;
	ck_assert_int_eq(vcpu_call(KVMX_NMI, NULL), 0);
	ck_assert_uint_eq(nmis, 1);
	end_vm();
}
END_TEST

START_TEST(mp_state)
{
	static const u32 good[] = { KVMX_MP_STATE_RUNNABLE, KVMX_MP_STATE_UNINITIALIZED,
				    KVMX_MP_STATE_INIT_RECEIVED, KVMX_MP_STATE_HALTED };
	struct kvmx_mp_state mp;
	unsigned int i;

	start(HOST_AMD);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		mp.mp_state = good[i];
		ck_assert_int_eq(vcpu_call(KVMX_SET_MP_STATE, &mp), 0);
		mp.mp_state = 99;
		ck_assert_int_eq(vcpu_call(KVMX_GET_MP_STATE, &mp), 0);
		ck_assert_uint_eq(mp.mp_state, good[i]);
	}
	for (i = KVMX_MP_STATE_STOPPED; i < 20; i++) {
		mp.mp_state = i;
		ck_assert_int_eq(vcpu_call(KVMX_SET_MP_STATE, &mp), -EINVAL);
	}
	ck_assert_uint_eq(cpu[0]->mp_state, X86_MP_HALTED);
	mp.mp_state = KVMX_MP_STATE_SIPI_RECEIVED;
	ck_assert_int_eq(vcpu_call(KVMX_SET_MP_STATE, &mp), 0);
	ck_assert_uint_eq(cpu[0]->mp_state, X86_MP_INIT_RECEIVED);
	ck_assert_int_eq(cpu[0]->ev.sipi_vector, 0);

	/* An INIT that has arrived is served before the answer. */
	cpu[0]->mp_state = X86_MP_RUNNABLE;
	init_waits = true;
	ck_assert_int_eq(vcpu_call(KVMX_GET_MP_STATE, &mp), 0);
	ck_assert_uint_eq(mp.mp_state, KVMX_MP_STATE_INIT_RECEIVED);

	cpu[0]->lapic = NULL;
	mp.mp_state = KVMX_MP_STATE_HALTED;
	ck_assert_int_eq(vcpu_call(KVMX_SET_MP_STATE, &mp), -EINVAL);
	mp.mp_state = KVMX_MP_STATE_RUNNABLE;
	ck_assert_int_eq(vcpu_call(KVMX_SET_MP_STATE, &mp), 0);
	end_vm();
}
END_TEST

/* --- lists, CPUID, MSRs through the rows --- */

START_TEST(arrays)
{
	struct { u32 nr, pad; } head;
	struct kvmx_cpuid_entry2 *e = calloc(256, sizeof(*e));
	struct kvmx_msr_entry msrs[4] = { { X86_MSR_STAR, 0, 5 }, { X86_MSR_PAT, 0, 6 },
					  { X86_MSR_PAT, 0, 2 }, { X86_MSR_STAR, 0, 9 } };
	u32 list[256];
	struct kvmx_call c = { .vm = NULL };
	u32 nr;

	start(HOST_AMD);
	c.data = &head;
	c.items = e;
	c.nr_items = 256;
	ck_assert_int_eq(row(KVMX_SCOPE_SYSTEM, KVMX_GET_SUPPORTED_CPUID)->handle(&c), 0);
	nr = head.nr;
	c.nr_items = nr - 1;
	ck_assert_int_eq(row(KVMX_SCOPE_SYSTEM, KVMX_GET_SUPPORTED_CPUID)->handle(&c), -E2BIG);
	ck_assert_uint_eq(head.nr, nr);

	c.items = list;
	c.nr_items = 0;
	ck_assert_int_eq(row(KVMX_SCOPE_SYSTEM, KVMX_GET_MSR_INDEX_LIST)->handle(&c), -E2BIG);
	c.nr_items = head.nr;
	ck_assert_int_eq(row(KVMX_SCOPE_SYSTEM, KVMX_GET_MSR_INDEX_LIST)->handle(&c), 0);
	c.nr_items = 256;
	ck_assert_int_eq(row(KVMX_SCOPE_SYSTEM, KVMX_GET_MSR_FEATURE_INDEX_LIST)->handle(&c), 0);
	ck_assert_uint_eq(head.nr, 3);

	/* Feature MSRs stop at the first that is none. */
	c.items = msrs;
	msrs[0].index = X86_MSR_UCODE_REV;
	c.nr_items = 4;
	ck_assert_int_eq(row(KVMX_SCOPE_SYSTEM, KVMX_GET_MSRS)->handle(&c), 1);
	ck_assert_uint_eq(msrs[0].data, 0xa201025);
	msrs[0].index = X86_MSR_STAR;
	msrs[0].data = 5;

	/* vCPU: as many as worked. */
	c.vm = &vm->vm;
	c.vcpu = &cpu[0]->vcpu;
	ck_assert_int_eq(row(KVMX_SCOPE_VCPU, KVMX_SET_MSRS)->handle(&c), 2);
	msrs[1].data = 0;
	msrs[2].index = 0x9999;
	ck_assert_int_eq(row(KVMX_SCOPE_VCPU, KVMX_GET_MSRS)->handle(&c), 2);
	ck_assert_uint_eq(msrs[0].data, 5);
	ck_assert_uint_eq(msrs[1].data, 6);

	c.items = e;
	c.nr_items = 256;
	ck_assert_int_eq(row(KVMX_SCOPE_VCPU, KVMX_GET_CPUID2)->handle(&c), 0);
	ck_assert_uint_eq(head.nr, nr);
	ck_assert_int_eq(memcmp(e, cpu[0]->cpuid->entry, nr * sizeof(*e)), 0);
	c.nr_items = nr;
	ck_assert_int_eq(row(KVMX_SCOPE_VCPU, KVMX_SET_CPUID2)->handle(&c), 0);
	c.nr_items = nr - 1;
	ck_assert_int_eq(row(KVMX_SCOPE_VCPU, KVMX_GET_CPUID2)->handle(&c), -E2BIG);
	ck_assert_uint_eq(head.nr, nr);
	c.items = &(struct kvmx_cpuid_entry){ 1, 11, 12, 13, 14, 0 };
	c.nr_items = 1;
	ck_assert_int_eq(row(KVMX_SCOPE_VCPU, KVMX_SET_CPUID)->handle(&c), 0);
	ck_assert_uint_eq(x86_cpuid_find(cpu[0], 1, 5)->eax, 11);
	c.items = NULL;
	c.nr_items = 0;
	ck_assert_int_eq(row(KVMX_SCOPE_VCPU, KVMX_SET_CPUID)->handle(&c), 0);
	free(e);
	end_vm();
}
END_TEST

START_TEST(small_ones)
{
	struct kvmx_translation t = { .linear_address = 0x5000 };
	struct kvmx_x86_mce mce = { .bank = 40, .status = BIT_ULL(63) };
	u64 val = 0;

	start(HOST_AMD);
	ck_assert_int_eq(vcpu_call(KVMX_TRANSLATE, &t), 0);
	ck_assert(t.valid && t.physical_address == 0x6000);
	translate_result = X86_LINEAR_FAULT;
	ck_assert_int_eq(vcpu_call(KVMX_TRANSLATE, &t), 0);
	ck_assert(!t.valid && t.physical_address == ~0ull);
	translate_result = 0;
	t.linear_address = BIT_ULL(63);
	ck_assert_int_eq(vcpu_call(KVMX_TRANSLATE, &t), 0);
	ck_assert(!t.valid);

	ck_assert_int_eq(call_scope(KVMX_SCOPE_SYSTEM, KVMX_X86_GET_MCE_CAP_SUPPORTED, &val, 0), 0);
	ck_assert_uint_eq(val, BIT(8) | BIT(24));
	val |= 10;
	ck_assert_int_eq(vcpu_call(KVMX_X86_SETUP_MCE, &val), 0);
	ck_assert_int_eq(vcpu_call(KVMX_X86_SET_MCE, &mce), -EINVAL);

	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_TSS_ADDR, NULL, 0xfffbd000), 0);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_TSS_ADDR, NULL, 0xffffe000), -EINVAL);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_TSS_ADDR, NULL, BIT_ULL(32)), -EINVAL);
	val = 0xfffbc000;
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_IDENTITY_MAP_ADDR, &val, 0), -EINVAL);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_BOOT_CPU_ID, NULL, 1), -EBUSY);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_TSC_KHZ, NULL, 1000000), -EINVAL);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_GET_TSC_KHZ, NULL, 0), 2000000);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VCPU, KVMX_SET_TSC_KHZ, NULL, 1000000), 0);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VCPU, KVMX_GET_TSC_KHZ, NULL, 0), 1000000);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VCPU, KVMX_SET_TSC_KHZ, NULL, BIT_ULL(40)), -EINVAL);
	ck_assert_int_eq(vcpu_call(KVMX_KVMCLOCK_CTRL, NULL), -EINVAL);
	end_vm();

	build_host(HOST_AMD);
	build_vm(0);
	x86_clock_vm_init(vm);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_IDENTITY_MAP_ADDR, &val, 0), 0);
	ck_assert_uint_eq(vm->identity_addr, 0xfffbc000);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_BOOT_CPU_ID, NULL, KVMX_MAX_VCPU_ID),
			 -EINVAL);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_BOOT_CPU_ID, NULL, BIT_ULL(32)),
			 -EINVAL);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_BOOT_CPU_ID, NULL, 1), 0);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_SET_TSC_KHZ, NULL, 1000000), 0);
	ck_assert_int_eq(call_scope(KVMX_SCOPE_VM, KVMX_GET_TSC_KHZ, NULL, 0), 1000000);
	end_vm();
}
END_TEST

/* What VMMs want before they start (QEMU, kvmtool, Firecracker, cloud-hypervisor); the rest is core's. */
START_TEST(capabilities)
{
	static const u32 gates[] = {
		KVMX_CAP_SET_TSS_ADDR, KVMX_CAP_EXT_CPUID, KVMX_CAP_MP_STATE, KVMX_CAP_DEBUGREGS,
		KVMX_CAP_XSAVE, KVMX_CAP_VCPU_EVENTS,
		KVMX_CAP_MCE, KVMX_CAP_ADJUST_CLOCK, KVMX_CAP_SET_IDENTITY_MAP_ADDR,
		KVMX_CAP_IRQCHIP, KVMX_CAP_PIT2, KVMX_CAP_HLT, KVMX_CAP_IRQ_INJECT_STATUS,
		KVMX_CAP_PIT_STATE2, KVMX_CAP_XCRS, KVMX_CAP_GET_TSC_KHZ, KVMX_CAP_SPLIT_IRQCHIP,
		KVMX_CAP_TSC_DEADLINE_TIMER, KVMX_CAP_USER_NMI, KVMX_CAP_SET_GUEST_DEBUG,
		KVMX_CAP_X86_ROBUST_SINGLESTEP, KVMX_CAP_X86_MSR_FILTER,
		KVMX_CAP_X86_USER_SPACE_MSR, KVMX_CAP_SYNC_REGS, KVMX_CAP_X86_DISABLE_EXITS,
	};
	static const u32 absent[] = {
		KVMX_CAP_X86_SMM, KVMX_CAP_NESTED_STATE, KVMX_CAP_HYPERV, KVMX_CAP_XEN_HVM,
		KVMX_CAP_PMU_EVENT_FILTER, KVMX_CAP_EXT_EMUL_CPUID, KVMX_CAP_ASYNC_PF,
		KVMX_CAP_PV_MMU, 100000,
	};
	struct kvmx_enable_cap cap = { .cap = KVMX_CAP_EXCEPTION_PAYLOAD, .args = { 1 } };
	unsigned int i;

	start(HOST_AMD);
	for (i = 0; i < ARRAY_SIZE(gates); i++)
		ck_assert_msg(kvmx_arch_check_extension(&vm->vm, gates[i]) > 0, "%u", gates[i]);
	for (i = 0; i < ARRAY_SIZE(absent); i++)
		ck_assert_msg(!kvmx_arch_check_extension(&vm->vm, absent[i]), "%u", absent[i]);
	ck_assert_int_eq(kvmx_arch_check_extension(NULL, KVMX_CAP_XSAVE2), 4096);
	ck_assert_int_eq(kvmx_arch_check_extension(NULL, KVMX_CAP_MCE), 32);
	ck_assert_int_eq(kvmx_arch_check_extension(NULL, KVMX_CAP_ADJUST_CLOCK), 14);
	ck_assert_int_eq(kvmx_arch_check_extension(NULL, KVMX_CAP_TSC_CONTROL), 1);
	x86_unit_caps.tsc_scale = false;
	ck_assert_int_eq(kvmx_arch_check_extension(NULL, KVMX_CAP_TSC_CONTROL), 0);

	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), 0);
	ck_assert(vm->exception_payload);
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, &cpu[0]->vcpu, &cap), -EINVAL);
	cap.flags = 1;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	cap.flags = 0;
	cap.cap = KVMX_CAP_DISABLE_QUIRKS2;
	cap.args[0] = KVMX_X86_QUIRK_MISC_ENABLE_NO_MWAIT;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), 0);
	cap.args[0] = KVMX_X86_QUIRK_SLOT_ZAP_ALL;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	ck_assert_uint_eq(vm->disabled_quirks, KVMX_X86_QUIRK_MISC_ENABLE_NO_MWAIT);
	cap.cap = KVMX_CAP_X86_USER_SPACE_MSR;
	cap.args[0] = KVMX_MSR_EXIT_REASON_VALID_MASK + 1;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	ck_assert_uint_eq(vm->msr_exit_reasons, 0);
	cap.args[0] = KVMX_MSR_EXIT_REASON_FILTER;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), 0);
	ck_assert_uint_eq(vm->msr_exit_reasons, KVMX_MSR_EXIT_REASON_FILTER);
	cap.cap = KVMX_CAP_X86_DISABLE_EXITS;	/* too late: it has a vCPU */
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	cap.cap = KVMX_CAP_EXIT_HYPERCALL;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	cap.args[0] = BIT(KVMX_HC_MAP_GPA_RANGE);
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), 0);
	ck_assert_uint_eq(vm->hypercall_exits, BIT(KVMX_HC_MAP_GPA_RANGE));
	cap.cap = KVMX_CAP_EXIT_ON_EMULATION_FAILURE;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	cap.cap = KVMX_CAP_ENFORCE_PV_FEATURE_CPUID;	/* a vCPU's */
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, &cpu[0]->vcpu, &cap), 0);
	ck_assert(cpu[0]->pv_enforced);
	cap.cap = KVMX_CAP_SPLIT_IRQCHIP;
	cap.args[0] = 25;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	/* These come before vCPUs. */
	cap.cap = KVMX_CAP_MAX_VCPU_ID;
	cap.args[0] = 4;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	cap.cap = KVMX_CAP_X86_APIC_BUS_CYCLES_NS;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	cap.cap = KVMX_CAP_HLT;
	ck_assert_int_eq(kvmx_arch_enable_cap(&vm->vm, NULL, &cap), -EINVAL);
	end_vm();
}
END_TEST

START_TEST(registers_in_the_run_page)
{
	struct x86_vcpu *v, before;
	struct kvmx_run *run;

	start(HOST_AMD);
	v = cpu[0];
	run = v->vcpu.run;
	run->kvmx_valid_regs = KVMX_SYNC_X86_VALID_FIELDS + 1;
	ck_assert_int_eq(x86_run_page_in(v), -EINVAL);
	run->kvmx_valid_regs = 0;
	run->kvmx_dirty_regs = 1ull << 63;
	ck_assert_int_eq(x86_run_page_in(v), -EINVAL);

	/* Only what is asked for. */
	run->kvmx_dirty_regs = 0;
	run->kvmx_valid_regs = KVMX_SYNC_X86_REGS;
	v->gpr[X86_RBX] = 0x1234;
	run->s.regs.sregs.cr2 = 0x77;
	ck_assert_int_eq(x86_run_page_in(v), 0);
	x86_run_page_out(v);
	ck_assert_uint_eq(run->s.regs.regs.rbx, 0x1234);
	ck_assert_uint_eq(run->s.regs.sregs.cr2, 0x77);

	/* What user space says while the guest runs does not count. */
	run->kvmx_valid_regs = KVMX_SYNC_X86_VALID_FIELDS;
	x86_run_page_out(v);
	ck_assert_uint_eq(run->s.regs.sregs.cr2, 0x77);
	ck_assert_int_eq(x86_run_page_in(v), 0);
	x86_run_page_out(v);
	ck_assert_uint_eq(run->s.regs.sregs.cr2, v->cr2);

	run->kvmx_dirty_regs = KVMX_SYNC_X86_VALID_FIELDS;
	run->s.regs.regs.rbx = 0x4321;
	run->s.regs.sregs.cr2 = 0x88;
	run->s.regs.events.nmi.masked = 1;
	ck_assert_int_eq(x86_run_page_in(v), 0);
	ck_assert_uint_eq(run->kvmx_dirty_regs, 0);
	ck_assert_uint_eq(v->gpr[X86_RBX], 0x4321);
	ck_assert_uint_eq(v->cr2, 0x88);
	ck_assert(v->nmi_masked);

	run->kvmx_dirty_regs = KVMX_SYNC_X86_SREGS;
	run->s.regs.sregs.cr4 = 1ull << 40;
	snapshot(&before);
	ck_assert_int_eq(x86_run_page_in(v), -EINVAL);
	ck_assert(unchanged(&before));
	run->kvmx_dirty_regs = KVMX_SYNC_X86_EVENTS;
	run->s.regs.events.flags = ~0u;
	ck_assert_int_eq(x86_run_page_in(v), -EINVAL);
	ck_assert(unchanged(&before));
	end_vm();
}
END_TEST

static int enable(u32 cap, u64 arg)
{
	struct kvmx_enable_cap c = { .cap = cap, .args = { arg } };

	return kvmx_arch_enable_cap(&vm->vm, NULL, &c);
}

START_TEST(capabilities_before_vcpus)
{
	build_host(HOST_AMD);
	build_vm(0);
	ck_assert_int_eq(enable(KVMX_CAP_MAX_VCPU_ID, KVMX_MAX_VCPU_ID + 1), -EINVAL);
	vm->boot_cpu_id = 3;
	ck_assert_int_eq(enable(KVMX_CAP_MAX_VCPU_ID, 2), -EINVAL);
	ck_assert_uint_eq(vm->vm.max_vcpu_id, KVMX_MAX_VCPU_ID);
	ck_assert_int_eq(enable(KVMX_CAP_MAX_VCPU_ID, 0), -EINVAL);
	ck_assert_int_eq(enable(KVMX_CAP_MAX_VCPU_ID, 4), 0);
	ck_assert_int_eq(enable(KVMX_CAP_MAX_VCPU_ID, 4), 0);
	ck_assert_int_eq(enable(KVMX_CAP_MAX_VCPU_ID, 5), -EINVAL);
	ck_assert_uint_eq(vm->vm.max_vcpu_id, 4);

	ck_assert_int_eq(enable(KVMX_CAP_X86_APIC_BUS_CYCLES_NS, 0), -EINVAL);
	ck_assert_int_eq(enable(KVMX_CAP_X86_APIC_BUS_CYCLES_NS, BIT(22) + 1), -EINVAL);
	ck_assert_int_eq(enable(KVMX_CAP_X86_APIC_BUS_CYCLES_NS, 40), 0);
	ck_assert_int_eq(kvmx_arch_check_extension(&vm->vm, KVMX_CAP_X86_APIC_BUS_CYCLES_NS), 40);
	ck_assert_int_eq(kvmx_arch_check_extension(NULL, KVMX_CAP_X86_APIC_BUS_CYCLES_NS), 1);
	vm->irqchip = false;
	ck_assert_int_eq(enable(KVMX_CAP_X86_APIC_BUS_CYCLES_NS, 40), -ENXIO);
	ck_assert_int_eq(enable(KVMX_CAP_EXIT_ON_EMULATION_FAILURE, 2), -EINVAL);
	ck_assert_int_eq(enable(KVMX_CAP_EXIT_ON_EMULATION_FAILURE, 1), 0);

	ck_assert_int_eq(enable(KVMX_CAP_X86_DISABLE_EXITS, KVMX_X86_DISABLE_EXITS_CSTATE),
			 -EINVAL);
	ck_assert_uint_eq(vm->disabled_exits, 0);
	ck_assert_int_eq(enable(KVMX_CAP_X86_DISABLE_EXITS, KVMX_X86_DISABLE_EXITS_HLT), 0);
	ck_assert_uint_eq(vm->disabled_exits, KVMX_X86_DISABLE_EXITS_HLT);
	end_vm();
}
END_TEST

static TCase *fpu_case(void)
{
	TCase *tc = UNIT_CASE("fpu", xsave_through_the_window, xsave_absent_parts, xsave_refused,
			      vector_registers, xcrs);

	tcase_add_loop_test(tc, fpu, HOST_AMD, HOST_OLD + 1);
	return tc;
}

UNIT_MAIN("state",
	  UNIT_CASE("registers", regs, sregs, sregs_refused, debugregs),
	  fpu_case(),
	  UNIT_CASE("events", events_round_trip, events_refused, payload_unknown_to_user_space,
		    interrupts_by_user_space, mp_state),
	  UNIT_CASE("ioctls", arrays, small_ones, capabilities, capabilities_before_vcpus,
		    registers_in_the_run_page))
