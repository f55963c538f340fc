// SPDX-License-Identifier: GPL-2.0-only
/*
 * Into the guest and out of it: what moves between a vCPU and its control
 * block on each entry and once per run window, event injection, address space
 * identifiers. Called by the x86 floor through svm.c's table.
 */
#include <linux/kernel.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>

#include "svm.h"
#include "cpu.h"
#include "predictors.h"

/*
 * A fresh identifier has no translations. When a CPU has handed out all of
 * them it drops everything it caches and starts a new generation; vCPUs of
 * older generations take a new one when they come.
 */
static void svm_take_asid(struct svm_vcpu *svm, struct svm_cpu *sc)
{
	struct vmcb_control *c = &svm->vmcb->control;

	if (sc->next_asid >= svm_nr_asids) {
		sc->generation++;
		sc->next_asid = 1;
		c->tlb_control = VMCB_TLB_FLUSH_ALL;
	}
	c->asid = sc->next_asid++;
	svm->asid_generation = sc->generation;
	svm_unclean(svm, VMCB_CLEAN_ASID);
}

void svm_window_open(struct x86_vcpu *v)
{
	struct svm_vcpu *svm = to_svm(v);
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	int cpu = smp_processor_id();

	/* A reboot takes the unit away by an interrupt; then VMSAVE faults, and nobody enters. */
	local_irq_disable();
	if (sc->enabled)
		asm volatile("vmsave %%rax" : : "a" (sc->host_pa) : "memory");
	local_irq_enable();

	/* DEBUGCTL is not in the control block: the host's would hold for the guest. */
	svm->host_debugctl = x86_rdmsr(X86_MSR_DEBUGCTL);
	if (unlikely(svm->host_debugctl))
		x86_wrmsr(X86_MSR_DEBUGCTL, 0);

	if (svm->last_cpu != cpu) {
		svm->last_cpu = cpu;
		svm->asid_generation = 0;
		svm->vmcb->control.clean = 0;
	}
	x86_predictors_open(sc->last != v);
	sc->last = v;
	if (x86_unit_caps.tsc_scale) {
		u64 ratio = v->tsc_ratio ?: BIT_ULL(32);

		if (sc->tsc_ratio != ratio) {
			x86_wrmsr(X86_MSR_AMD_TSC_RATIO, ratio);
			sc->tsc_ratio = ratio;
		}
	}
}

/*
 * Another thread may have replaced the process's LDT since the window opened
 * (modify_ldt), and VMLOAD put the old one back, whose memory is free by now.
 * The GDT knows the new one.
 */
void svm_window_close(struct x86_vcpu *v)
{
	struct svm_vcpu *svm = to_svm(v);
	u16 ldt;

	if (unlikely(svm->host_debugctl))
		x86_wrmsr(X86_MSR_DEBUGCTL, svm->host_debugctl);
	asm volatile("sldt %0" : "=r" (ldt));
	if (unlikely(ldt))
		asm volatile("lldt %0" : : "r" (ldt) : "memory");
}

void svm_flush_tlb(struct x86_vcpu *v)
{
	to_svm(v)->flush = true;
}

/* Each phase has its intercepts. */
void svm_set_nmi_phase(struct x86_vcpu *v, u8 phase)
{
	struct svm_vcpu *svm = to_svm(v);
	u32 *intercepts = &svm->vmcb->control.intercept_1;
	bool step = phase == SVM_NMI_STEPPING, stepped = svm->nmi_phase == SVM_NMI_STEPPING;

	svm->nmi_phase = phase;
	if (phase == SVM_NMI_BEFORE_IRET)
		*intercepts |= VMCB_1_IRET;
	else
		*intercepts &= ~VMCB_1_IRET;
	svm_unclean(svm, VMCB_CLEAN_INTERCEPTS);
	if (step != stepped)
		svm_set_intercepts(v);
}

/*
 * AMD-V before virtual NMIs does not tell when the guest's NMI handler ends:
 * IRET is intercepted, let through, and NMIs are open again once it is behind.
 * If one waits, a trap after the IRET says so at once; so it does behind an
 * interrupt shadow, which holds NMIs off too.
 */
static void svm_watch_nmi(struct x86_vcpu *v, struct svm_vcpu *svm)
{
	if (v->nmi_masked && svm->nmi_phase == SVM_NMI_NONE)
		svm_set_nmi_phase(v, SVM_NMI_BEFORE_IRET);
	else if (!v->nmi_masked && svm->nmi_phase != SVM_NMI_NONE)
		svm_set_nmi_phase(v, SVM_NMI_NONE);
	/* Another event goes in first: the instruction is still to come. */
	if (svm->vmcb->control.event_inj & VMCB_EVENT_VALID) {
		if (svm->nmi_phase > SVM_NMI_BEFORE_IRET)
			svm_set_nmi_phase(v, SVM_NMI_BEFORE_IRET);
		return;
	}
	if (svm->want_nmi && (v->nmi_masked ? svm->nmi_phase == SVM_NMI_IN_IRET : v->int_shadow)) {
		svm_set_nmi_phase(v, SVM_NMI_STEPPING);
		svm->step_rip = v->rip;
	}
	if (svm->nmi_phase == SVM_NMI_STEPPING) {
		svm->step_tf = v->rflags & X86_EFLAGS_TF;
		v->rflags |= X86_EFLAGS_TF;
	}
}

/* SPEC_CTRL has 32 bits; the world switch moves it when guest and host differ. */
static void svm_run(struct x86_vcpu *v, struct svm_vcpu *svm, struct svm_cpu *sc)
{
	u32 host = 0, guest = 0;

	if (boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL)) {
		host = this_cpu_read(x86_spec_ctrl_current);
		guest = v->spec_ctrl;
	}
	svm_vmrun(v->gpr, svm->vmcb_pa, sc->host_pa, guest, host);
}

/*
 * A refused entry leaves the guest as it was. Nothing says what it has cached or
 * flushed: all of it again. Nor does every CPU leave the interrupt control alone:
 * QEMU's writes that of the last guest it entered, without V_INTR_MASKING if
 * there was none, and the next entry would then keep the host's interrupts out.
 */
static void svm_refused(struct x86_vcpu *v, struct svm_cpu *sc, u8 v_irq, u8 v_prio)
{
	struct svm_vcpu *svm = to_svm(v);
	struct vmcb_control *c = &svm->vmcb->control;

	v->rip -= svm->soft_len;
	c->v_irq = v_irq;
	c->v_prio = v_prio;
	c->v_control = VMCB_V_INTR_MASKING;
	c->clean = 0;
	svm->asid_generation = 0;
	sc->next_asid = svm_nr_asids;
}

/* What each exit brings; the rest of the state is read when it is asked for. */
static void svm_read_back(struct x86_vcpu *v, struct svm_vcpu *svm)
{
	struct vmcb_control *c = &svm->vmcb->control;
	struct vmcb_save *s = &svm->vmcb->save;

	v->gpr[X86_RAX] = s->rax;
	v->gpr[X86_RSP] = s->rsp;
	v->rip = s->rip;
	v->rflags = s->rflags;
	v->cr2 = s->cr2;
	v->cr8 = c->v_tpr & 15;
	v->int_shadow = c->int_state & VMCB_INT_SHADOW;
	/* What was not delivered is still before its instruction. */
	if (unlikely(svm->soft_len) && (c->exit_int_info & VMCB_EVENT_VALID) &&
	    v->rip == c->next_rip)
		v->rip -= svm->soft_len;
	c->clean = x86_unit_caps.clean_bits ? VMCB_CLEAN_ALL : 0;
}

void svm_enter(struct x86_vcpu *v, struct x86_exit *exit)
{
	struct svm_vcpu *svm = to_svm(v);
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	struct vmcb_control *c = &svm->vmcb->control;
	struct vmcb_save *s = &svm->vmcb->save;
	const u8 v_irq = c->v_irq, v_prio = c->v_prio;

	if (v->state_dirty)
		svm_store_state(v);
	if (v->nmi_masked || svm->nmi_phase != SVM_NMI_NONE || svm->want_nmi)
		svm_watch_nmi(v, svm);

	if (svm->asid_generation != sc->generation ||
	    (svm->flush && !x86_unit_caps.flush_by_asid))
		svm_take_asid(svm, sc);
	else if (svm->flush)
		c->tlb_control = VMCB_TLB_FLUSH_ASID;
	svm->flush = false;

	s->rax = v->gpr[X86_RAX];
	s->rsp = v->gpr[X86_RSP];
	s->rip = v->rip;
	s->rflags = v->rflags;
	if (s->cr2 != v->cr2) {
		s->cr2 = v->cr2;
		svm_unclean(svm, VMCB_CLEAN_CR2);
	}
	if (c->v_tpr != v->cr8) {
		c->v_tpr = v->cr8;
		svm_unclean(svm, VMCB_CLEAN_TPR);
	}
	c->int_state = v->int_shadow ? VMCB_INT_SHADOW : 0;

	svm_run(v, svm, sc);

	v->state_valid = 0;
	c->tlb_control = 0;
	c->event_inj = 0;
	if (unlikely(c->exit_code == SVM_EXIT_INVALID))
		svm_refused(v, sc, v_irq, v_prio);
	else
		svm_read_back(v, svm);
	svm->soft_len = 0;

	svm_decode_exit(v, exit);
}

void svm_inject(struct x86_vcpu *v, const struct x86_event *event)
{
	struct svm_vcpu *svm = to_svm(v);
	struct vmcb_control *c = &svm->vmcb->control;
	u64 inj = event->vector | VMCB_EVENT_VALID;

	switch (event->type) {
	case X86_EVENT_INTR:
		inj |= VMCB_EVENT_INTR;
		break;
	case X86_EVENT_NMI:
		inj |= VMCB_EVENT_NMI;
		break;
	case X86_EVENT_SOFT_INT:
		inj |= VMCB_EVENT_SOFT;
		break;
	default:
		inj |= VMCB_EVENT_EXC;
		break;
	}
	if (event->has_error)
		inj |= VMCB_EVENT_ERROR | (u64)event->error << 32;
	c->event_inj = event->type == X86_EVENT_NONE ? 0 : inj;
	c->next_rip = v->rip;
	/* INT3 and INTO: a CPU without that field takes the address behind them from RIP. */
	if (event->type == X86_EVENT_SOFT_EXC) {
		c->next_rip += event->insn_len;
		if (!x86_unit_caps.next_rip) {
			v->rip = c->next_rip;
			svm->soft_len = event->insn_len;
		}
	}
}

/*
 * A virtual interrupt that would be taken exits instead. One that the task
 * priority holds back can get through only after the guest has written CR8;
 * which is watched whatever holds the interrupt back, since QEMU's TCG dies of an
 * assertion when CR8 is written while a virtual interrupt waits.
 */
void svm_want_window(struct x86_vcpu *v, u8 intr, bool nmi)
{
	struct svm_vcpu *svm = to_svm(v);
	struct vmcb_control *c = &svm->vmcb->control;
	bool open = intr >= 16, cr8 = intr || !v->lapic;

	svm->want_nmi = nmi;
	if (!!(c->v_irq & VMCB_V_IRQ) == open && !!(c->intercept_cr & VMCB_CR_WRITE(8)) == cr8)
		return;
	if (open) {
		c->v_irq |= VMCB_V_IRQ;
		c->v_prio = VMCB_V_IGNORE_TPR;
		c->intercept_1 |= VMCB_1_VINTR;
	} else {
		c->v_irq &= ~VMCB_V_IRQ;
		c->intercept_1 &= ~VMCB_1_VINTR;
	}
	if (cr8)
		c->intercept_cr |= VMCB_CR_WRITE(8);
	else
		c->intercept_cr &= ~VMCB_CR_WRITE(8);
	svm_unclean(svm, VMCB_CLEAN_TPR | VMCB_CLEAN_INTERCEPTS);
}
