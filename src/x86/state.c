// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of a vCPU to and from user space: general, segment, control,
 * debug, extended control. Called by the ioctls (ioctl.c).
 */
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "cpuid.h"
#include "fpu.h"
#include "irqchip.h"
#include "lapic.h"
#include "state.h"

#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)
/* Intel SDM volume 1, "EFLAGS Register": bits that are not reserved. */
#define RFLAGS_DEFINED	0x3f7fd7ull

void x86_regs_get(struct x86_vcpu *v, struct kvmx_regs *regs)
{
	*regs = (struct kvmx_regs){
		.rax = v->gpr[X86_RAX], .rbx = v->gpr[X86_RBX],
		.rcx = v->gpr[X86_RCX], .rdx = v->gpr[X86_RDX],
		.rsi = v->gpr[X86_RSI], .rdi = v->gpr[X86_RDI],
		.rsp = v->gpr[X86_RSP], .rbp = v->gpr[X86_RBP],
		.r8 = v->gpr[X86_R8], .r9 = v->gpr[X86_R9],
		.r10 = v->gpr[X86_R10], .r11 = v->gpr[X86_R11],
		.r12 = v->gpr[X86_R12], .r13 = v->gpr[X86_R13],
		.r14 = v->gpr[X86_R14], .r15 = v->gpr[X86_R15],
		.rip = v->rip, .rflags = v->rflags,
	};
}

void x86_regs_set(struct x86_vcpu *v, const struct kvmx_regs *regs)
{
	const u64 gpr[X86_GPRS] = {
		regs->rax, regs->rcx, regs->rdx, regs->rbx,
		regs->rsp, regs->rbp, regs->rsi, regs->rdi,
		regs->r8, regs->r9, regs->r10, regs->r11,
		regs->r12, regs->r13, regs->r14, regs->r15,
	};

	memcpy(v->gpr, gpr, sizeof(gpr));
	v->rip = regs->rip;
	v->rflags = (regs->rflags & RFLAGS_DEFINED) | X86_EFLAGS_FIXED;
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
}

static void segment_get(const struct x86_segment *seg, struct kvmx_segment *out)
{
	u16 attr = seg->attr;

	*out = (struct kvmx_segment){
		.base = seg->base,
		.limit = seg->limit,
		.selector = seg->selector,
		.type = attr & X86_ATTR_TYPE,
		.s = !!(attr & X86_ATTR_S),
		.dpl = X86_ATTR_DPL(attr),
		.present = !!(attr & X86_ATTR_P),
		.avl = !!(attr & X86_ATTR_AVL),
		.l = !!(attr & X86_ATTR_L),
		.db = !!(attr & X86_ATTR_DB),
		.g = !!(attr & X86_ATTR_G),
		.unusable = !(attr & X86_ATTR_P),
	};
}

static void segment_set(struct x86_segment *seg, const struct kvmx_segment *in)
{
	u16 attr = in->type & X86_ATTR_TYPE;

	attr |= (in->dpl & 3) << X86_ATTR_DPL_SHIFT;
	attr |= in->s & 1 ? X86_ATTR_S : 0;
	attr |= in->present & 1 && !in->unusable ? X86_ATTR_P : 0;
	attr |= in->avl & 1 ? X86_ATTR_AVL : 0;
	attr |= in->l & 1 ? X86_ATTR_L : 0;
	attr |= in->db & 1 ? X86_ATTR_DB : 0;
	attr |= in->g & 1 ? X86_ATTR_G : 0;
	seg->base = in->base;
	seg->limit = in->limit;
	seg->selector = in->selector;
	seg->attr = attr;
}

u64 x86_visible_cr2(struct x86_vcpu *v)
{
	if (v->ev.exception.type != X86_EVENT_NONE && v->ev.has_payload &&
	    v->ev.exception.vector == X86_EXC_PF && !x86_vm_of(v)->exception_payload)
		return v->ev.payload;
	return v->cr2;
}

/* The part that both structures share. */
static void common_get(struct x86_vcpu *v, struct kvmx_sregs2 *s)
{
	const struct x86_state *state = x86_state(v, X86_STATE_SEGS | X86_STATE_TABLES |
						  X86_STATE_CRS);

	segment_get(&state->seg[X86_SEG_CS], &s->cs);
	/* Outside of long mode a guest may load any L: it means nothing, and cannot be set. */
	if (!(state->efer & X86_EFER_LMA))
		s->cs.l = 0;
	segment_get(&state->seg[X86_SEG_DS], &s->ds);
	segment_get(&state->seg[X86_SEG_ES], &s->es);
	segment_get(&state->seg[X86_SEG_FS], &s->fs);
	segment_get(&state->seg[X86_SEG_GS], &s->gs);
	segment_get(&state->seg[X86_SEG_SS], &s->ss);
	segment_get(&state->seg[X86_SEG_TR], &s->tr);
	segment_get(&state->seg[X86_SEG_LDTR], &s->ldt);
	s->gdt.base = state->gdt.base;
	s->gdt.limit = state->gdt.limit;
	s->idt.base = state->idt.base;
	s->idt.limit = state->idt.limit;
	s->cr0 = state->cr0;
	s->cr2 = x86_visible_cr2(v);
	s->cr3 = state->cr3;
	s->cr4 = state->cr4;
	s->cr8 = x86_get_cr8(v);
	s->efer = state->efer;
	s->apic_base = v->apic_base;
}

/*
 * What no CPU can be in (Intel SDM volume 3, "Control Registers", "IA-32e Mode
 * Operation"), and what the guest's cannot: its model comes before its state.
 */
static bool common_valid(struct x86_vcpu *v, const struct kvmx_sregs2 *s)
{
	if ((s->cr0 >> 32) || ((s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE)) ||
	    ((s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD)))
		return false;
	if ((s->cr4 & ~v->cr4_guest_bits) || (s->efer & ~v->efer_bits) || s->cr8 > 15)
		return false;
	if ((s->efer & X86_EFER_LME) && (s->cr0 & X86_CR0_PG))
		return (s->cr4 & X86_CR4_PAE) && (s->efer & X86_EFER_LMA) &&
		       !(s->cr3 >> v->maxphyaddr);
	return !(s->efer & X86_EFER_LMA) && !s->cs.l;
}

static int common_set(struct x86_vcpu *v, const struct kvmx_sregs2 *s)
{
	struct x86_state *state;
	int ret;

	if (!common_valid(v, s))
		return -EINVAL;
	ret = lapic_set_base(v, s->apic_base, true);
	if (ret)
		return ret;

	state = x86_state_dirty(v, X86_STATE_SEGS | X86_STATE_TABLES | X86_STATE_CRS);
	segment_set(&state->seg[X86_SEG_CS], &s->cs);
	segment_set(&state->seg[X86_SEG_DS], &s->ds);
	segment_set(&state->seg[X86_SEG_ES], &s->es);
	segment_set(&state->seg[X86_SEG_FS], &s->fs);
	segment_set(&state->seg[X86_SEG_GS], &s->gs);
	segment_set(&state->seg[X86_SEG_SS], &s->ss);
	segment_set(&state->seg[X86_SEG_TR], &s->tr);
	segment_set(&state->seg[X86_SEG_LDTR], &s->ldt);
	state->gdt.base = s->gdt.base;
	state->gdt.limit = s->gdt.limit;
	state->idt.base = s->idt.base;
	state->idt.limit = s->idt.limit;
	state->cr0 = (s->cr0 & CR0_DEFINED) | X86_CR0_ET;
	state->cr3 = s->cr3;
	state->cr4 = s->cr4;
	state->efer = s->efer;
	x86_pdptes_changed(v);
	v->cr2 = s->cr2;
	x86_set_cr8(v, s->cr8);

	x86_cpuid_update(v);
	x86_unit->flush_tlb(v);
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
	return 0;
}

/* An interrupt that was taken from its controller and is not delivered yet, or -1. */
static int accepted_interrupt(struct x86_vcpu *v)
{
	if (v->ev.irq_injected >= 0 && !v->ev.irq_soft)
		return v->ev.irq_injected;
	return irqchip_in_kernel(x86_vm_of(v)) ? -1 : v->user_irq;
}

void x86_sregs_get(struct x86_vcpu *v, struct kvmx_sregs *sregs)
{
	struct kvmx_sregs2 s = { 0 };
	int vector = accepted_interrupt(v);

	common_get(v, &s);
	memset(sregs, 0, sizeof(*sregs));
	memcpy(sregs, &s, offsetof(struct kvmx_sregs, interrupt_bitmap));
	if (vector >= 0)
		sregs->interrupt_bitmap[(vector & 255) / 64] = BIT_ULL(vector % 64);
}

int x86_sregs_set(struct x86_vcpu *v, const struct kvmx_sregs *sregs)
{
	struct kvmx_sregs2 s = { 0 };
	unsigned int i;
	int ret;

	BUILD_BUG_ON(offsetof(struct kvmx_sregs, interrupt_bitmap) !=
		     offsetof(struct kvmx_sregs2, flags));
	memcpy(&s, sregs, offsetof(struct kvmx_sregs, interrupt_bitmap));
	ret = common_set(v, &s);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(sregs->interrupt_bitmap); i++) {
		if (!sregs->interrupt_bitmap[i])
			continue;
		x86_accept_interrupt(v, 64 * i + __ffs64(sregs->interrupt_bitmap[i]), false);
		break;
	}
	return 0;
}

void x86_sregs2_get(struct x86_vcpu *v, struct kvmx_sregs2 *sregs)
{
	memset(sregs, 0, sizeof(*sregs));
	common_get(v, sregs);
}

/*
 * The four page-directory pointers of PAE paging are no state of their own
 * here: they are read from memory, by AMD's walks (AMD APM volume 2, "PAE
 * Paging Legacy Mode" under nested paging) or by us. A value that is given is
 * that of memory.
 */
int x86_sregs2_set(struct x86_vcpu *v, const struct kvmx_sregs2 *sregs)
{
	bool pae = (sregs->cr0 & X86_CR0_PG) && (sregs->cr4 & X86_CR4_PAE) &&
		   !(sregs->efer & X86_EFER_LMA);

	if ((sregs->flags & ~(u64)KVMX_SREGS2_FLAGS_PDPTRS_VALID) || (sregs->flags && !pae))
		return -EINVAL;
	return common_set(v, sregs);
}

u64 x86_visible_dr6(struct x86_vcpu *v)
{
	u64 dr6 = x86_state(v, X86_STATE_DRS)->dr6;

	if (v->ev.exception.type != X86_EVENT_NONE && v->ev.has_payload &&
	    v->ev.exception.vector == X86_EXC_DB && !x86_vm_of(v)->exception_payload)
		dr6 = (dr6 & ~15ull) | (v->ev.payload & X86_DR6_STATUS);
	return dr6;
}

void x86_debugregs_get(struct x86_vcpu *v, struct kvmx_debugregs *regs)
{
	memset(regs, 0, sizeof(*regs));
	memcpy(regs->db, v->db, sizeof(regs->db));
	regs->dr6 = x86_visible_dr6(v);
	regs->dr7 = x86_state(v, X86_STATE_DRS)->dr7;
}

int x86_debugregs_set(struct x86_vcpu *v, const struct kvmx_debugregs *regs)
{
	struct x86_state *state;

	if (regs->flags || (regs->dr6 >> 32) || (regs->dr7 >> 32))
		return -EINVAL;
	memcpy(v->db, regs->db, sizeof(regs->db));
	state = x86_state_dirty(v, X86_STATE_DRS);
	state->dr6 = regs->dr6 | X86_DR6_FIXED;
	state->dr7 = (regs->dr7 & X86_DR7_WRITABLE) | X86_DR7_FIXED;
	return 0;
}

void x86_xcrs_get(struct x86_vcpu *v, struct kvmx_xcrs *xcrs)
{
	memset(xcrs, 0, sizeof(*xcrs));
	if (!x86_xcr0_supported)
		return;
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].value = v->fpu.xcr0;
}

int x86_xcrs_set(struct x86_vcpu *v, const struct kvmx_xcrs *xcrs)
{
	u64 xcr0 = v->fpu.xcr0;
	u32 i;

	if (!x86_xcr0_supported || xcrs->nr_xcrs > KVMX_MAX_XCRS || xcrs->flags)
		return -EINVAL;
	/* Others than XCR0 do not exist; the API has them passed over. */
	for (i = 0; i < xcrs->nr_xcrs; i++) {
		if (xcrs->xcrs[i].xcr)
			continue;
		xcr0 = xcrs->xcrs[i].value;
		break;
	}
	if (!x86_xcr0_valid(xcr0, x86_xcr0_supported))
		return -EINVAL;
	v->fpu.xcr0 = xcr0;
	x86_cpuid_update(v);
	return 0;
}
