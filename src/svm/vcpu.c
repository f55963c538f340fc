// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's control block: its creation, the guest state in it, the MSRs that
 * it holds, what is intercepted. Called by the x86 floor through svm.c's
 * table, svm_store_state() by svm_enter().
 */
#include <linux/kernel.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/io.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>

#include "svm.h"

/*
 * What an instruction may raise, #DF apart: seen first while it is stepped for an
 * NMI window, or the trap flag would get to the guest's stack.
 */
#define SVM_STEP_FAULTS	(BIT(X86_EXC_DE) | BIT(X86_EXC_BR) | BIT(X86_EXC_UD) | BIT(X86_EXC_NM) | \
			 GENMASK(X86_EXC_PF, X86_EXC_TS) | BIT(X86_EXC_MF) | BIT(X86_EXC_XM))

/* EFER.SVME must be set whenever VMRUN runs, though the guest does not have it. */
#define SVM_EFER_HIDDEN	X86_EFER_SVME

/* Instructions that user space lets the guest run by itself (KVMX_CAP_X86_DISABLE_EXITS). */
static void svm_disable_exits(struct vmcb_control *c, u64 disabled)
{
	if (disabled & KVMX_X86_DISABLE_EXITS_HLT)
		c->intercept_1 &= ~VMCB_1_HLT;
	if (disabled & KVMX_X86_DISABLE_EXITS_MWAIT)
		c->intercept_2 &= ~(VMCB_2_MONITOR | VMCB_2_MWAIT);
	if (x86_unit_caps.pause_filter && !(disabled & KVMX_X86_DISABLE_EXITS_PAUSE)) {
		c->intercept_1 |= VMCB_1_PAUSE;
		c->pause_count = 3000;
	}
}

int svm_vcpu_create(struct x86_vcpu *v)
{
	struct svm_vcpu *svm = kzalloc(sizeof(*svm), GFP_KERNEL_ACCOUNT);
	struct vmcb_control *c;

	if (!svm)
		return -ENOMEM;
	svm->vmcb = (struct vmcb *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb) {
		kfree(svm);
		return -ENOMEM;
	}
	svm->vmcb_pa = virt_to_phys(svm->vmcb);
	svm->last_cpu = -1;
	v->unit = svm;

	c = &svm->vmcb->control;
	c->intercept_cr = VMCB_CR_WRITE(4);
	c->intercept_dr = VMCB_DR_ALL;
	c->intercept_1 = VMCB_1_INTR | VMCB_1_NMI | VMCB_1_SMI | VMCB_1_INIT |
			 VMCB_1_RDPMC | VMCB_1_CPUID | VMCB_1_RSM | VMCB_1_INVD | VMCB_1_HLT |
			 VMCB_1_INVLPGA | VMCB_1_IO | VMCB_1_MSR | VMCB_1_TASK_SWITCH |
			 VMCB_1_SHUTDOWN;
	c->intercept_2 = VMCB_2_VMRUN | VMCB_2_VMMCALL | VMCB_2_VMLOAD | VMCB_2_VMSAVE |
			 VMCB_2_STGI | VMCB_2_CLGI | VMCB_2_SKINIT | VMCB_2_WBINVD |
			 VMCB_2_MONITOR | VMCB_2_MWAIT | VMCB_2_XSETBV | VMCB_2_RDPRU;
	c->intercept_3 = VMCB_3_INVLPGB | VMCB_3_INVLPGB_ILLEGAL | VMCB_3_MCOMMIT |
			 VMCB_3_TLBSYNC;
	svm_disable_exits(c, x86_vm_of(v)->disabled_exits);
	c->iopm_pa = svm_iopm_pa;
	c->v_control = VMCB_V_INTR_MASKING;
	c->nested_ctl = VMCB_NESTED_PAGING;
	c->nested_cr3 = stage2_root(v->vcpu.vm->memory.s2);
	svm->vmcb->save.pat = v->pat;
	svm_set_intercepts(v);
	return 0;
}

void svm_vcpu_destroy(struct x86_vcpu *v)
{
	struct svm_vcpu *svm = to_svm(v);
	int cpu;

	if (!svm)
		return;
	/* A later vCPU at the same address is another guest. */
	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu_ptr(&svm_cpu, cpu)->last, (void *)v, NULL);
	free_page((unsigned long)svm->vmcb);
	kfree(svm);
	v->unit = NULL;
}

static struct vmcb_segment *svm_segment(struct vmcb_save *s, int reg)
{
	switch (reg) {
	case X86_SEG_ES: return &s->es;
	case X86_SEG_CS: return &s->cs;
	case X86_SEG_SS: return &s->ss;
	case X86_SEG_DS: return &s->ds;
	case X86_SEG_FS: return &s->fs;
	case X86_SEG_GS: return &s->gs;
	case X86_SEG_LDTR: return &s->ldtr;
	default: return &s->tr;
	}
}

static void svm_load_segment(struct x86_state *state, const struct vmcb_save *s, int reg)
{
	const struct vmcb_segment *from = svm_segment((struct vmcb_save *)s, reg);
	struct x86_segment *to = &state->seg[reg];

	to->base = from->base;
	to->limit = from->limit;
	to->selector = from->selector;
	to->attr = from->attr;
}

static void svm_load_code(struct x86_state *state, const struct vmcb_save *s)
{
	svm_load_segment(state, s, X86_SEG_CS);
	svm_load_segment(state, s, X86_SEG_SS);
	/* The CPL stands apart in the VMCB; for everyone above us it is SS.DPL. */
	state->seg[X86_SEG_SS].attr &= ~(3 << X86_ATTR_DPL_SHIFT);
	state->seg[X86_SEG_SS].attr |= s->cpl << X86_ATTR_DPL_SHIFT;
}

static void svm_load_data(struct x86_state *state, const struct vmcb_save *s)
{
	int i;

	for (i = 0; i < X86_SEGS; i++)
		if (i != X86_SEG_CS && i != X86_SEG_SS)
			svm_load_segment(state, s, i);
}

void svm_load_state(struct x86_vcpu *v, u32 parts)
{
	struct vmcb_save *s = &to_svm(v)->vmcb->save;
	struct x86_state *state = &v->state;

	/* The mode is asked for when neither of its parts is there: they come as a whole. */
	if (parts & X86_STATE_MODE)
		parts |= X86_STATE_CODE | X86_STATE_CRS;
	if (parts & X86_STATE_CODE)
		svm_load_code(state, s);
	if (parts & X86_STATE_DATA)
		svm_load_data(state, s);
	if (parts & X86_STATE_TABLES) {
		state->gdt.base = s->gdtr.base;
		state->gdt.limit = s->gdtr.limit;
		state->idt.base = s->idtr.base;
		state->idt.limit = s->idtr.limit;
	}
	if (parts & X86_STATE_CRS) {
		state->cr0 = s->cr0;
		state->cr3 = s->cr3;
		state->cr4 = s->cr4;
		state->efer = s->efer & ~SVM_EFER_HIDDEN;
	}
	if (parts & X86_STATE_DRS) {
		state->dr6 = s->dr6;
		state->dr7 = s->dr7;
	}
}

void svm_store_state(struct x86_vcpu *v)
{
	struct svm_vcpu *svm = to_svm(v);
	struct vmcb_save *s = &svm->vmcb->save;
	const struct x86_state *state = &v->state;
	u32 parts = v->state_dirty;
	int i;

	if (parts & X86_STATE_SEGS) {
		for (i = 0; i < X86_SEGS; i++) {
			const struct x86_segment *from = &state->seg[i];
			struct vmcb_segment *to = svm_segment(s, i);

			to->base = from->base;
			to->limit = from->limit;
			to->selector = from->selector;
			to->attr = from->attr & 0xfff;
		}
		s->cpl = X86_ATTR_DPL(state->seg[X86_SEG_SS].attr);
		svm_unclean(svm, VMCB_CLEAN_SEG);
	}
	if (parts & X86_STATE_TABLES) {
		s->gdtr.base = state->gdt.base;
		s->gdtr.limit = state->gdt.limit;
		s->idtr.base = state->idt.base;
		s->idtr.limit = state->idt.limit;
		svm_unclean(svm, VMCB_CLEAN_DT);
	}
	if (parts & X86_STATE_CRS) {
		s->cr0 = state->cr0;
		s->cr3 = state->cr3;
		s->cr4 = state->cr4;
		s->efer = state->efer | SVM_EFER_HIDDEN;
		svm_unclean(svm, VMCB_CLEAN_CR);
	}
	if (parts & X86_STATE_DRS) {
		s->dr6 = state->dr6;
		s->dr7 = state->dr7;
		svm_unclean(svm, VMCB_CLEAN_DR);
	}
	v->state_dirty = 0;
}

/* Where the VMCB keeps an MSR, or NULL. */
static u64 *svm_msr(struct vmcb_save *s, u32 msr)
{
	switch (msr) {
	case X86_MSR_STAR: return &s->star;
	case X86_MSR_LSTAR: return &s->lstar;
	case X86_MSR_CSTAR: return &s->cstar;
	case X86_MSR_SFMASK: return &s->sfmask;
	case X86_MSR_KERNEL_GS_BASE: return &s->kernel_gs_base;
	case X86_MSR_SYSENTER_CS: return &s->sysenter_cs;
	case X86_MSR_SYSENTER_ESP: return &s->sysenter_esp;
	case X86_MSR_SYSENTER_EIP: return &s->sysenter_eip;
	case X86_MSR_PAT: return &s->pat;
	case X86_MSR_DEBUGCTL: return &s->debugctl;
	default: return NULL;
	}
}

int svm_get_msr(struct x86_vcpu *v, u32 msr, u64 *val)
{
	u64 *place;

	switch (msr) {
	case X86_MSR_FS_BASE:
		*val = x86_state(v, X86_STATE_DATA)->seg[X86_SEG_FS].base;
		return 0;
	case X86_MSR_GS_BASE:
		*val = x86_state(v, X86_STATE_DATA)->seg[X86_SEG_GS].base;
		return 0;
	}
	place = svm_msr(&to_svm(v)->vmcb->save, msr);
	if (!place)
		return -ENOENT;
	*val = *place;
	return 0;
}

int svm_set_msr(struct x86_vcpu *v, u32 msr, u64 val)
{
	struct svm_vcpu *svm = to_svm(v);
	u64 *place;

	switch (msr) {
	case X86_MSR_FS_BASE:
		x86_state_dirty(v, X86_STATE_SEGS)->seg[X86_SEG_FS].base = val;
		return 0;
	case X86_MSR_GS_BASE:
		x86_state_dirty(v, X86_STATE_SEGS)->seg[X86_SEG_GS].base = val;
		return 0;
	}
	place = svm_msr(&svm->vmcb->save, msr);
	if (!place)
		return -ENOENT;
	*place = val;
	if (msr == X86_MSR_PAT)
		svm_unclean(svm, VMCB_CLEAN_NP);
	return 0;
}

void svm_set_tsc(struct x86_vcpu *v)
{
	struct svm_vcpu *svm = to_svm(v);

	svm->vmcb->control.tsc_offset = v->tsc_offset;
	svm_unclean(svm, VMCB_CLEAN_INTERCEPTS);
}

void svm_set_intercepts(struct x86_vcpu *v)
{
	struct svm_vcpu *svm = to_svm(v);
	struct vmcb_control *c = &svm->vmcb->control;
	u32 exceptions = v->exceptions | BIT(X86_EXC_MC);

	/*
	 * A guest can keep the CPU in the delivery of #DB or #AC for ever, where
	 * not even an interrupt is taken; both are intercepted always.
	 */
	exceptions |= BIT(X86_EXC_DB) | BIT(X86_EXC_AC);
	if (svm->nmi_phase == SVM_NMI_STEPPING)
		exceptions |= SVM_STEP_FAULTS;
	c->intercept_exc = exceptions;
	c->intercept_dr = v->dr_direct ? 0 : VMCB_DR_ALL;
	c->msrpm_pa = v->msr_exits ? svm_msrpm_all_pa : svm_msrpm_pa;
	svm_unclean(svm, VMCB_CLEAN_INTERCEPTS | VMCB_CLEAN_IOPM);
}
