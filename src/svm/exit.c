// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the guest was left: AMD's exit codes (AMD APM volume 2, appendix C) in
 * the vendor-neutral words of struct x86_exit. Called by svm_enter() only.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <kvmx/host.h>
#include "svm.h"

/* Exits of instructions that need no more than their kind. */
static u8 svm_plain_kind(u64 code)
{
	switch (code) {
	case SVM_EXIT_CPUID: return X86_EXIT_CPUID;
	case SVM_EXIT_HLT: return X86_EXIT_HLT;
	case SVM_EXIT_VMMCALL: return X86_EXIT_HYPERCALL;
	case SVM_EXIT_RDTSC:
	case SVM_EXIT_RDTSCP: return X86_EXIT_RDTSC;
	case SVM_EXIT_RDPMC: return X86_EXIT_RDPMC;
	case SVM_EXIT_INVD:
	case SVM_EXIT_WBINVD: return X86_EXIT_CACHE;
	case SVM_EXIT_PAUSE: return X86_EXIT_PAUSE;
	case SVM_EXIT_MONITOR: return X86_EXIT_MONITOR;
	case SVM_EXIT_MWAIT:
	case SVM_EXIT_MWAIT_ARMED: return X86_EXIT_MWAIT;
	case SVM_EXIT_XSETBV: return X86_EXIT_XSETBV;
	case SVM_EXIT_SHUTDOWN: return X86_EXIT_SHUTDOWN;
	case SVM_EXIT_RSM:
	case SVM_EXIT_INVLPGA:
	case SVM_EXIT_RDPRU:
	case SVM_EXIT_INVLPGB:
	case SVM_EXIT_INVLPGB_ILLEGAL:
	case SVM_EXIT_MCOMMIT:
	case SVM_EXIT_TLBSYNC: return X86_EXIT_UNDEFINED;
	}
	/* VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT: VMMCALL was taken above. */
	if (code >= SVM_EXIT_VMRUN && code <= SVM_EXIT_SKINIT)
		return X86_EXIT_UNDEFINED;
	return X86_EXIT_UNKNOWN;
}

static void svm_decode_io(struct x86_vcpu *v, struct x86_exit *exit, const struct vmcb_control *c)
{
	u64 info = c->exit_info_1;

	exit->kind = X86_EXIT_IO;
	exit->insn_len = c->exit_info_2 - v->rip;
	exit->io.port = SVM_IO_PORT(info);
	exit->io.size = SVM_IO_SIZE(info);
	exit->io.in = info & SVM_IO_IN;
	exit->io.string = info & SVM_IO_STRING;
	exit->io.rep = info & SVM_IO_REP;
	exit->io.addr_size = SVM_IO_ADDR(info) * 2;
}

static void svm_decode_fault(struct x86_exit *exit, const struct vmcb_control *c)
{
	u64 info = c->exit_info_1;

	exit->kind = X86_EXIT_FAULT;
	exit->fault.gpa = c->exit_info_2;
	exit->fault.access = info & SVM_NPF_WRITE ? STAGE2_WRITE :
			     info & SVM_NPF_FETCH ? STAGE2_EXEC : STAGE2_READ;
	exit->fault.table_walk = info & SVM_NPF_TABLE_WALK;
	if (x86_unit_caps.decode_assists && !(info & SVM_NPF_FETCH)) {
		exit->nr_bytes = min_t(u8, c->nr_bytes & 15, sizeof(exit->bytes));
		memcpy(exit->bytes, c->bytes, exit->nr_bytes);
	}
}

static void svm_decode_exception(struct x86_vcpu *v, struct x86_exit *exit,
				 const struct vmcb_control *c)
{
	u8 vector = c->exit_code - SVM_EXIT_EXC;

	if (vector == X86_EXC_MC) {
		kvmx_host_machine_check();
		exit->kind = X86_EXIT_HOST;
		return;
	}
	exit->kind = X86_EXIT_EXCEPTION;
	exit->exc.vector = vector;
	/* Vectors 8, 10 to 14, 17, 21, 29, 30 push an error code (APM, "Error Codes"). */
	exit->exc.has_error = BIT(vector) & 0x60227d00;
	exit->exc.error = c->exit_info_1;
	exit->exc.payload = 0;
	if (vector == X86_EXC_PF)
		exit->exc.payload = c->exit_info_2;
	else if (vector == X86_EXC_DB)
		exit->exc.payload = x86_state(v, X86_STATE_DRS)->dr6;
}

static void svm_decode_task(struct x86_exit *exit, const struct vmcb_control *c)
{
	u64 info = c->exit_info_2;

	exit->kind = X86_EXIT_TASK_SWITCH;
	exit->task.selector = c->exit_info_1;
	exit->task.reason = info & SVM_TASK_IRET ? 1 : info & SVM_TASK_JMP ? 2 :
			    exit->vectoring.type != X86_EVENT_NONE ? 3 : 0;
	exit->task.has_error = info & SVM_TASK_ERROR;
	exit->task.error = info;
}

/* MOV to or from a control or debug register. */
static void svm_decode_mov(struct x86_exit *exit, const struct vmcb_control *c)
{
	u64 code = c->exit_code, info = c->exit_info_1;
	bool decoded = x86_unit_caps.decode_assists && (info & SVM_MOV_DECODED);

	if (code < SVM_EXIT_DR_READ) {
		exit->kind = X86_EXIT_CR;
		exit->cr.reg = code & 15;
		exit->cr.write = code >= SVM_EXIT_CR_WRITE;
		exit->cr.decoded = decoded;
		exit->cr.gpr = SVM_MOV_GPR(info);
	} else {
		exit->kind = X86_EXIT_DR;
		exit->dr.reg = code & 15;
		exit->dr.write = code >= SVM_EXIT_DR_WRITE;
		exit->dr.decoded = x86_unit_caps.decode_assists;
		exit->dr.gpr = SVM_MOV_GPR(info);
	}
}

static void svm_decode_vectoring(struct x86_exit *exit, const struct vmcb_control *c)
{
	u64 info = c->exit_int_info;

	exit->vectoring.type = X86_EVENT_NONE;
	if (!(info & VMCB_EVENT_VALID))
		return;
	exit->vectoring.vector = info & VMCB_EVENT_VECTOR;
	exit->vectoring.has_error = info & VMCB_EVENT_ERROR;
	exit->vectoring.error = info >> 32;
	exit->vectoring.insn_len = 0;
	switch (info & VMCB_EVENT_TYPE) {
	case VMCB_EVENT_INTR:
		exit->vectoring.type = X86_EVENT_INTR;
		break;
	case VMCB_EVENT_NMI:
		exit->vectoring.type = X86_EVENT_NMI;
		break;
	case VMCB_EVENT_SOFT:
		exit->vectoring.type = X86_EVENT_SOFT_INT;
		break;
	default:
		exit->vectoring.type = exit->vectoring.vector == X86_EXC_BP ||
				       exit->vectoring.vector == X86_EXC_OF ?
				       X86_EVENT_SOFT_EXC : X86_EVENT_EXCEPTION;
		break;
	}
}

/* The instruction is behind: NMIs are open again. */
static void svm_nmi_done(struct x86_vcpu *v)
{
	svm_set_nmi_phase(v, SVM_NMI_NONE);
	v->nmi_masked = false;
}

/* True when the exit was only the trap that svm_watch_nmi() asked for. */
static bool svm_stepped(struct x86_vcpu *v, struct svm_vcpu *svm, struct x86_exit *exit)
{
	struct vmcb *vmcb = svm->vmcb;
	bool trap = vmcb->control.exit_code == SVM_EXIT_EXC + X86_EXC_DB;
	bool iret = v->nmi_masked;

	/* IRET has loaded the guest's own flags. */
	if (!svm->step_tf && (!iret || (!trap && v->rip == svm->step_rip)))
		v->rflags &= ~X86_EFLAGS_TF;
	if (!trap) {
		if (v->rip != svm->step_rip)
			svm_nmi_done(v);
		return false;
	}
	svm_nmi_done(v);
	if (svm->step_tf || (vmcb->save.dr6 & 15))
		return false;
	vmcb->save.dr6 &= ~X86_DR6_BS;
	svm_unclean(svm, VMCB_CLEAN_DR);
	exit->kind = X86_EXIT_NMI_WINDOW;
	return true;
}

/*
 * The phases of svm_watch_nmi() at an exit. True when the exit was only theirs
 * and *exit is complete.
 */
static bool svm_nmi_exit(struct x86_vcpu *v, struct svm_vcpu *svm, struct x86_exit *exit)
{
	switch (svm->nmi_phase) {
	case SVM_NMI_BEFORE_IRET:
		if (svm->vmcb->control.exit_code != SVM_EXIT_IRET)
			return false;
		svm_set_nmi_phase(v, SVM_NMI_IN_IRET);
		svm->step_rip = v->rip;
		exit->kind = X86_EXIT_HOST;
		return true;
	case SVM_NMI_IN_IRET:
		if (v->rip != svm->step_rip)
			svm_nmi_done(v);
		return false;
	case SVM_NMI_STEPPING:
		return svm_stepped(v, svm, exit);
	}
	return false;
}

void svm_decode_exit(struct x86_vcpu *v, struct x86_exit *exit)
{
	struct svm_vcpu *svm = to_svm(v);
	struct vmcb_control *c = &svm->vmcb->control;
	u32 code = c->exit_code;

	exit->raw = code;
	exit->insn_len = 0;
	exit->nr_bytes = 0;
	svm_decode_vectoring(exit, c);

	if (unlikely(svm->nmi_phase != SVM_NMI_NONE) && svm_nmi_exit(v, svm, exit))
		return;

	switch (code) {
	case SVM_EXIT_INTR:
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		exit->kind = X86_EXIT_HOST;
		return;
	case SVM_EXIT_NPF:
		svm_decode_fault(exit, c);
		return;
	case SVM_EXIT_IO:
		svm_decode_io(v, exit, c);
		return;
	case SVM_EXIT_VINTR:
		exit->kind = X86_EXIT_INTR_WINDOW;
		return;
	case SVM_EXIT_TASK_SWITCH:
		svm_decode_task(exit, c);
		return;
	case SVM_EXIT_INVALID:
		exit->kind = X86_EXIT_FAIL_ENTRY;
		return;
	case SVM_EXIT_MSR:
		exit->kind = c->exit_info_1 ? X86_EXIT_WRMSR : X86_EXIT_RDMSR;
		break;
	case SVM_EXIT_CR_READ ... SVM_EXIT_DR_WRITE + 15:
		svm_decode_mov(exit, c);
		break;
	case SVM_EXIT_EXC ... SVM_EXIT_EXC + 31:
		svm_decode_exception(v, exit, c);
		return;
	default:
		exit->kind = svm_plain_kind(code);
		break;
	}
	if (x86_unit_caps.next_rip && c->next_rip)
		exit->insn_len = c->next_rip - v->rip;
}
