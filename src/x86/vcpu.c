// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an x86 vCPU is: its creation, its state after power-up and INIT, and
 * its control and debug registers with the checks of the guest's own moves.
 * Called by the door (creation), exits, emulation and state ioctls.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <kvmx/arch.h>

#include "run.h"
#include "clock.h"
#include "cpuid.h"
#include "fpu.h"
#include "irqchip.h"
#include "lapic.h"
#include "msr.h"

#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)

static void x86_segment_reset(struct x86_segment *seg, u16 attr)
{
	seg->selector = 0;
	seg->base = 0;
	seg->limit = 0xffff;
	seg->attr = attr | X86_ATTR_P;
}

/* Intel SDM volume 3, "Processor State After Reset"; INIT keeps what its table keeps. */
void x86_vcpu_reset(struct x86_vcpu *v, bool init)
{
	struct x86_state *s = x86_state_dirty(v, X86_STATE_ALL);
	u64 cr0 = X86_CR0_ET | X86_CR0_NW | X86_CR0_CD;
	int i;

	/* "After INIT the cache controls keep their value." */
	if (init)
		cr0 = X86_CR0_ET | (s->cr0 & (X86_CR0_NW | X86_CR0_CD));
	s->cr0 = cr0;
	s->cr3 = 0;
	s->cr4 = 0;
	s->efer = 0;
	for (i = X86_SEG_ES; i <= X86_SEG_GS; i++)
		x86_segment_reset(&s->seg[i], X86_ATTR_S | 3);
	s->seg[X86_SEG_CS].selector = 0xf000;
	s->seg[X86_SEG_CS].base = 0xffff0000;
	s->seg[X86_SEG_CS].attr = X86_ATTR_P | X86_ATTR_S | 0xb;
	x86_segment_reset(&s->seg[X86_SEG_LDTR], 2);
	x86_segment_reset(&s->seg[X86_SEG_TR], 0xb);
	s->gdt.base = s->idt.base = 0;
	s->gdt.limit = s->idt.limit = 0xffff;
	s->dr6 = X86_DR6_FIXED;
	s->dr7 = X86_DR7_FIXED;
	memset(v->db, 0, sizeof(v->db));

	memset(v->gpr, 0, sizeof(v->gpr));
	v->gpr[X86_RDX] = 0x600;
	v->rip = 0xfff0;
	v->rflags = X86_EFLAGS_FIXED;
	v->cr2 = 0;
	v->cr8 = 0;
	v->int_shadow = false;
	v->nmi_masked = false;
	WRITE_ONCE(v->pv_unhalted, false);
	v->pv_eoi.msr = 0;

	v->ev.exception.type = X86_EVENT_NONE;
	v->ev.exception_injected = false;
	v->ev.has_payload = false;
	v->ev.nmi_injected = false;
	v->ev.irq_injected = -1;
	WRITE_ONCE(v->ev.nmi_pending, 0);
	v->user_irq = -1;

	x86_fpu_reset(v, init);
	x86_msr_reset(v, init);
	if (v->lapic)
		lapic_reset(v, init);
	x86_cpuid_update(v);
	x86_unit->flush_tlb(v);
}

struct kvmx_vcpu *kvmx_arch_vcpu_alloc(struct kvmx_vm *vm, u32 id)
{
	struct x86_vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	return v ? &v->vcpu : ERR_PTR(-ENOMEM);
}

int kvmx_arch_vcpu_init(struct kvmx_vcpu *vcpu)
{
	struct x86_vcpu *v = to_x86(vcpu);
	struct x86_vm *vm = x86_vm_of(v);
	int ret;

	v->ev.irq_injected = -1;
	v->ev.sipi_vector = -1;
	v->user_irq = -1;
	v->exceptions = BIT(X86_EXC_UD);
	v->last_cpu = -1;
	v->apic_base = APIC_BASE_ADDR | (irqchip_in_kernel(vm) ? APIC_BASE_EN : 0);
	if (vcpu->id == vm->boot_cpu_id)
		v->apic_base |= APIC_BASE_BSP;

	ret = x86_emu_alloc(v);
	if (!ret)
		ret = x86_fetch_alloc(v);
	if (!ret)
		ret = x86_cpuid_create(v);
	if (!ret)
		ret = x86_fpu_create(v);
	if (!ret)
		ret = x86_unit->vcpu_create(v);
	if (ret)
		return ret;
	x86_mce_init(v);
	x86_clock_vcpu_init(v);
	if (irqchip_in_kernel(vm)) {
		ret = lapic_create(v);
		if (ret)
			return ret;
	}
	/* A filter that comes before others know of this vCPU. */
	kvmx_vcpu_request(vcpu, KVMX_REQ_MSR_FILTER);
	x86_vcpu_reset(v, false);
	v->mp_state = !v->lapic || (v->apic_base & APIC_BASE_BSP) ? X86_MP_RUNNABLE :
								   X86_MP_UNINITIALIZED;
	return 0;
}

void kvmx_arch_vcpu_posted(struct kvmx_vcpu *vcpu)
{
}

void kvmx_arch_vcpu_free(struct kvmx_vcpu *vcpu)
{
	struct x86_vcpu *v = to_x86(vcpu);

	lapic_destroy(v);
	x86_unit->vcpu_destroy(v);
	x86_fpu_destroy(v);
	x86_cpuid_destroy(v);
	kfree(v->fetched);
	kfree(v->emu);
	kfree(v);
}

/* The parts of x86_skip() that few instructions need: @wraps, RIP has crossed 4 GiB. */
static noinline void skip_rarely(struct x86_vcpu *v, bool wraps)
{
	if (wraps && !x86_is_64bit(v))
		v->rip = (u32)v->rip;
	if (v->rflags & X86_EFLAGS_TF)
		x86_raise_debug(v, X86_DR6_BS);
	if (v->guest_debug)
		x86_guest_debug_skipped(v);
}

void x86_skip(struct x86_vcpu *v, u8 insn_len)
{
	u64 rip = v->rip + insn_len;
	bool wraps = upper_32_bits(rip ^ v->rip);

	v->rip = rip;
	v->int_shadow = false;
	v->rflags &= ~X86_EFLAGS_RF;
	/* Whether RIP wraps matters at 4 GiB only; the mode may be dear to find out. */
	if (unlikely(wraps || (v->rflags & X86_EFLAGS_TF) || v->guest_debug))
		skip_rarely(v, wraps);
}

/*
 * Intel SDM volume 3, "PDPTE Registers". There MOV faults on reserved bits;
 * here, as with AMD's walk of the table, it is an access that does.
 */
void x86_pdptes_load(struct x86_vcpu *v)
{
	const struct x86_state *s = x86_state(v, X86_STATE_CRS);
	u64 reserved = GENMASK_ULL(63, v->maxphyaddr) | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1);
	int i;

	if (!(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE) || (s->efer & X86_EFER_LMA))
		return;
	if (kvmx_guest_read(v->vcpu.vm, (u32)s->cr3 & ~31u, v->pdpte, sizeof(v->pdpte)))
		memset(v->pdpte, 0, sizeof(v->pdpte));
	for (i = 0; i < ARRAY_SIZE(v->pdpte); i++)
		if (v->pdpte[i] & reserved)
			v->pdpte[i] = 0;
	v->pdptes_new = true;
}

/* Intel SDM volume 3, "Control Registers", and AMD APM volume 2, "CR0 Register". */
int x86_set_cr0(struct x86_vcpu *v, u64 val)
{
	struct x86_state *s = x86_state(v, X86_STATE_CRS | X86_STATE_CODE);
	u64 efer = s->efer;
	bool paging = val & X86_CR0_PG;

	val |= X86_CR0_ET;
	if (val >> 32 || (paging && !(val & X86_CR0_PE)) ||
	    ((val & X86_CR0_NW) && !(val & X86_CR0_CD)))
		return -EINVAL;
	val &= CR0_DEFINED;
	if (paging && !(s->cr0 & X86_CR0_PG) && (efer & X86_EFER_LME)) {
		if (!(s->cr4 & X86_CR4_PAE) || (s->seg[X86_SEG_CS].attr & X86_ATTR_L))
			return -EINVAL;
		efer |= X86_EFER_LMA;
	}
	if (!paging && (s->cr0 & X86_CR0_PG)) {
		if (s->cr4 & X86_CR4_PCIDE || x86_is_64bit(v))
			return -EINVAL;
		efer &= ~X86_EFER_LMA;
	}
	if ((val ^ s->cr0) & (X86_CR0_PG | X86_CR0_WP | X86_CR0_PE))
		x86_unit->flush_tlb(v);
	x86_state_dirty(v, X86_STATE_CRS);
	s->cr0 = val;
	s->efer = efer;
	x86_pdptes_changed(v);
	return 0;
}

int x86_set_cr3(struct x86_vcpu *v, u64 val)
{
	struct x86_state *s = x86_state(v, X86_STATE_CRS);
	bool keep = false;

	if (s->efer & X86_EFER_LMA) {
		keep = (s->cr4 & X86_CR4_PCIDE) && (val & BIT_ULL(63));
		if (s->cr4 & X86_CR4_PCIDE)
			val &= ~BIT_ULL(63);
		if (val >> v->maxphyaddr)
			return -EINVAL;
	}
	x86_state_dirty(v, X86_STATE_CRS)->cr3 = val;
	x86_pdptes_changed(v);
	if (!keep)
		x86_unit->flush_tlb(v);
	return 0;
}

int x86_set_cr4(struct x86_vcpu *v, u64 val)
{
	struct x86_state *s = x86_state(v, X86_STATE_CRS);
	u64 old = s->cr4;

	if (val & ~v->cr4_guest_bits)
		return -EINVAL;
	if (s->efer & X86_EFER_LMA) {
		if (!(val & X86_CR4_PAE) || ((val ^ old) & X86_CR4_LA57))
			return -EINVAL;
	}
	if ((val & X86_CR4_PCIDE) && !(old & X86_CR4_PCIDE) &&
	    (!(s->efer & X86_EFER_LMA) || (s->cr3 & 0xfff)))
		return -EINVAL;
	x86_state_dirty(v, X86_STATE_CRS)->cr4 = val;
	x86_pdptes_changed(v);
	if ((val ^ old) & (X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PCIDE |
			   X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_LA57))
		x86_unit->flush_tlb(v);
	if ((val ^ old) & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		x86_cpuid_update(v);
	return 0;
}

int x86_set_cr8(struct x86_vcpu *v, u64 val)
{
	if (val > 15)
		return -EINVAL;
	v->cr8 = val;
	if (v->lapic)
		lapic_set_tpr(v, val);
	return 0;
}

/* An interrupt that user space's local APIC holds back may go in at a lower priority. */
int x86_move_to_cr8(struct x86_vcpu *v, u64 val)
{
	u8 old = v->cr8;
	int ret = x86_set_cr8(v, val);

	if (!v->lapic && v->cr8 < old)
		kvmx_vcpu_request(&v->vcpu, KVMX_REQ_SET_TPR);
	return ret;
}

/* AMD APM volume 2, "Extended Feature Enable Register". @host: LMA may be given. */
int x86_set_efer(struct x86_vcpu *v, u64 val, bool host)
{
	struct x86_state *s = x86_state(v, X86_STATE_CRS);

	if (val & ~(v->efer_bits | X86_EFER_LMA))
		return -EINVAL;
	if (!host) {
		if ((s->cr0 & X86_CR0_PG) && ((val ^ s->efer) & X86_EFER_LME))
			return -EINVAL;
		val = (val & ~X86_EFER_LMA) | (s->efer & X86_EFER_LMA);
	}
	if ((val ^ s->efer) & X86_EFER_NX)
		x86_unit->flush_tlb(v);
	x86_state_dirty(v, X86_STATE_CRS)->efer = val;
	return 0;
}

/* Intel SDM volume 1, "XSETBV": x87 always, AVX needs SSE, AVX-512 all or nothing. */
int x86_set_xcr0(struct x86_vcpu *v, u64 val)
{
	if (!x86_xcr0_valid(val, v->xcr0_allowed))
		return -EINVAL;
	v->fpu.xcr0 = val;
	x86_fpu_xcr0_changed(v);
	x86_cpuid_update(v);
	return 0;
}

/* DR4 and DR5 are DR6 and DR7, unless CR4.DE makes them undefined: the emulator's check. */
int x86_set_dr(struct x86_vcpu *v, int reg, u64 val)
{
	struct x86_state *s;

	if (reg < 4) {
		v->db[reg] = val;
		return 0;
	}
	if (val >> 32)
		return -EINVAL;
	s = x86_state_dirty(v, X86_STATE_DRS);
	if (reg == 4 || reg == 6)
		s->dr6 = (val & ~X86_DR6_FIXED & 0x1efff) | X86_DR6_FIXED;
	else
		s->dr7 = (val & X86_DR7_WRITABLE) | X86_DR7_FIXED;
	return 0;
}

u64 x86_get_dr(struct x86_vcpu *v, int reg)
{
	if (reg < 4)
		return v->db[reg];
	if (reg == 4 || reg == 6)
		return x86_state(v, X86_STATE_DRS)->dr6;
	return x86_state(v, X86_STATE_DRS)->dr7;
}
