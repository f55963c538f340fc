// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the guest was left: Intel's exit reasons (Intel SDM volume 3, appendix C
 * and "Basic VM-Exit Information") in the vendor-neutral words of struct
 * x86_exit. Called by vmx_enter() only.
 */
#include <linux/kernel.h>

#include <kvmx/host.h>
#include "vmx.h"

/*
 * Exits of instructions that need little more than their kind. They are the
 * common ones, and never come during the delivery of an event; 0: others.
 */
static const u8 vmx_plain_kind[] = {
	[VMX_EXIT_CPUID]	= X86_EXIT_CPUID,
	[VMX_EXIT_HLT]		= X86_EXIT_HLT,
	[VMX_EXIT_VMCALL]	= X86_EXIT_HYPERCALL,
	[VMX_EXIT_IO]		= X86_EXIT_IO,
	[VMX_EXIT_RDMSR]	= X86_EXIT_RDMSR,
	[VMX_EXIT_WRMSR]	= X86_EXIT_WRMSR,
	[VMX_EXIT_RDTSC]	= X86_EXIT_RDTSC,
	[VMX_EXIT_RDTSCP]	= X86_EXIT_RDTSC,
	[VMX_EXIT_RDPMC]	= X86_EXIT_RDPMC,
	[VMX_EXIT_INVD]		= X86_EXIT_CACHE,
	[VMX_EXIT_WBINVD]	= X86_EXIT_CACHE,
	[VMX_EXIT_PAUSE]	= X86_EXIT_PAUSE,
	[VMX_EXIT_MONITOR]	= X86_EXIT_MONITOR,
	[VMX_EXIT_MWAIT]	= X86_EXIT_MWAIT,
	[VMX_EXIT_XSETBV]	= X86_EXIT_XSETBV,
	[VMX_EXIT_VMCLEAR ... VMX_EXIT_VMXON] = X86_EXIT_UNDEFINED,
	[VMX_EXIT_GETSEC]	= X86_EXIT_UNDEFINED,
	[VMX_EXIT_RSM]		= X86_EXIT_UNDEFINED,
	[VMX_EXIT_INVEPT]	= X86_EXIT_UNDEFINED,
	[VMX_EXIT_INVVPID]	= X86_EXIT_UNDEFINED,
	[VMX_EXIT_VMFUNC]	= X86_EXIT_UNDEFINED,
	[VMX_EXIT_ENCLS]	= X86_EXIT_UNDEFINED,
};
static_assert(X86_EXIT_HOST == 0);

static void vmx_decode_io(struct x86_exit *exit)
{
	u64 qual = vmx_read(VMCS_QUALIFICATION);

	exit->io.port = QUAL_IO_PORT(qual);
	exit->io.size = QUAL_IO_SIZE(qual);
	exit->io.in = qual & QUAL_IO_IN;
	exit->io.string = qual & QUAL_IO_STRING;
	exit->io.rep = qual & QUAL_IO_REP;
	exit->io.addr_size = 0;
	if (exit->io.string)
		exit->io.addr_size = 2 << INFO_IO_ADDR(vmx_read(VMCS_INSN_INFO));
}

/* The IRET that ends an NMI's handler has opened NMIs, and then faulted: it runs again. */
static void vmx_nmi_unblocked(struct x86_vcpu *v, const struct x86_exit *exit)
{
	if (exit->vectoring.type == X86_EVENT_NONE)
		v->nmi_masked = true;
}

static void vmx_decode_fault(struct x86_vcpu *v, struct x86_exit *exit)
{
	u64 qual = vmx_read(VMCS_QUALIFICATION);

	exit->kind = X86_EXIT_FAULT;
	exit->fault.gpa = vmx_read(VMCS_GUEST_PHYSICAL);
	exit->fault.access = qual & QUAL_EPT_WRITE ? STAGE2_WRITE :
			     qual & QUAL_EPT_FETCH ? STAGE2_EXEC : STAGE2_READ;
	exit->fault.table_walk = (qual & QUAL_EPT_LINEAR) && !(qual & QUAL_EPT_FINAL);
	if (qual & QUAL_EPT_NMI_UNBLOCKED)
		vmx_nmi_unblocked(v, exit);
}

static void vmx_decode_exception(struct x86_vcpu *v, struct x86_exit *exit)
{
	u32 event = vmx_read(VMCS_EXIT_EVENT);
	u8 vector = event & EVENT_VECTOR;

	exit->kind = X86_EXIT_HOST;
	if ((event & EVENT_TYPE) == EVENT_NMI) {
		kvmx_host_nmi();
		return;
	}
	if (vector == X86_EXC_MC) {
		kvmx_host_machine_check();
		return;
	}
	if ((event & EVENT_NMI_UNBLOCKED) && vector != X86_EXC_DF)
		vmx_nmi_unblocked(v, exit);
	exit->kind = X86_EXIT_EXCEPTION;
	exit->exc.vector = vector;
	exit->exc.has_error = event & EVENT_ERROR;
	exit->exc.error = exit->exc.has_error ? vmx_read(VMCS_EXIT_ERROR_CODE) : 0;
	exit->exc.payload = 0;
	if (vector == X86_EXC_PF)
		exit->exc.payload = vmx_read(VMCS_QUALIFICATION);
	else if (vector == X86_EXC_DB)
		exit->exc.payload = vmx_read(VMCS_QUALIFICATION) | X86_DR6_FIXED;
	/* INT3 and INTO have a length, faults have none. */
	if ((event & EVENT_TYPE) == EVENT_SOFT_EXC)
		exit->insn_len = vmx_read(VMCS_INSN_LEN);
}

static void vmx_decode_task(struct x86_exit *exit)
{
	u64 qual = vmx_read(VMCS_QUALIFICATION);

	exit->kind = X86_EXIT_TASK_SWITCH;
	exit->task.selector = QUAL_TASK_SELECTOR(qual);
	exit->task.reason = QUAL_TASK_SOURCE(qual);
	exit->task.has_error = exit->vectoring.type != X86_EVENT_NONE && exit->vectoring.has_error;
	exit->task.error = exit->vectoring.error;
	/* Of CALL, JMP and IRET; of INT n and the like it is the event's. */
	exit->insn_len = exit->vectoring.type == X86_EVENT_NONE ? vmx_read(VMCS_INSN_LEN) :
								 exit->vectoring.insn_len;
}

/* MOV to or from a control or debug register; CLTS and LMSW are for the emulator. */
static void vmx_decode_mov(u16 reason, struct x86_exit *exit)
{
	u64 qual = vmx_read(VMCS_QUALIFICATION);

	if (reason == VMX_EXIT_CR) {
		exit->kind = X86_EXIT_CR;
		exit->cr.reg = QUAL_CR_REG(qual);
		exit->cr.write = QUAL_CR_TYPE(qual) != 1;
		exit->cr.decoded = QUAL_CR_TYPE(qual) < 2;
		exit->cr.gpr = QUAL_CR_GPR(qual);
	} else {
		exit->kind = X86_EXIT_DR;
		exit->dr.reg = QUAL_DR_REG(qual);
		exit->dr.write = !(qual & QUAL_DR_READ);
		exit->dr.decoded = true;
		exit->dr.gpr = QUAL_DR_GPR(qual);
	}
}

static void vmx_decode_vectoring(struct x86_exit *exit)
{
	u32 event = vmx_read(VMCS_VECTORING_EVENT);

	exit->vectoring.type = X86_EVENT_NONE;
	if (likely(!(event & EVENT_VALID)))
		return;
	exit->vectoring.vector = event & EVENT_VECTOR;
	exit->vectoring.has_error = event & EVENT_ERROR;
	exit->vectoring.error = event & EVENT_ERROR ? vmx_read(VMCS_VECTORING_ERROR_CODE) : 0;
	exit->vectoring.insn_len = 0;
	switch (event & EVENT_TYPE) {
	case EVENT_INTR:
		exit->vectoring.type = X86_EVENT_INTR;
		break;
	case EVENT_NMI:
		exit->vectoring.type = X86_EVENT_NMI;
		break;
	case EVENT_SOFT_INT:
		exit->vectoring.type = X86_EVENT_SOFT_INT;
		exit->vectoring.insn_len = vmx_read(VMCS_INSN_LEN);
		break;
	case EVENT_PRIV_EXC:
	case EVENT_SOFT_EXC:
		exit->vectoring.type = X86_EVENT_SOFT_EXC;
		exit->vectoring.insn_len = vmx_read(VMCS_INSN_LEN);
		break;
	default:
		exit->vectoring.type = X86_EVENT_EXCEPTION;
		break;
	}
}

/* The log is full: it has been taken out, and the write is made again. */
static void vmx_decode_log_full(struct x86_vcpu *v, struct x86_exit *exit)
{
	exit->kind = X86_EXIT_WRITES;
	if (vmx_read(VMCS_QUALIFICATION) & QUAL_PML_NMI_UNBLOCKED)
		vmx_nmi_unblocked(v, exit);
}

/*
 * The index goes down from the last entry to that of the next one, and below 0
 * when the page is full (SDM, "Page-Modification Logging").
 */
void vmx_decode_writes(struct x86_vcpu *v)
{
	u16 next = vmx_read(VMCS_GUEST_PML_INDEX), first = next + 1;

	if (likely(next == PML_ENTRIES - 1) || first >= PML_ENTRIES)
		return;
	v->written = to_vmx(v)->pml + first;
	v->nr_written = PML_ENTRIES - first;
	vmx_write(VMCS_GUEST_PML_INDEX, PML_ENTRIES - 1);
}

static void vmx_decode_other(struct x86_vcpu *v, u32 reason, struct x86_exit *exit)
{
	vmx_decode_vectoring(exit);

	switch (reason) {
	case VMX_EXIT_INTERRUPT:
	case VMX_EXIT_INIT:
		exit->kind = X86_EXIT_HOST;
		return;
	case VMX_EXIT_EPT_VIOLATION:
		vmx_decode_fault(v, exit);
		return;
	case VMX_EXIT_EXCEPTION:
		vmx_decode_exception(v, exit);
		return;
	case VMX_EXIT_INTR_WINDOW:
	case VMX_EXIT_TPR:
		exit->kind = X86_EXIT_INTR_WINDOW;
		return;
	case VMX_EXIT_NMI_WINDOW:
		exit->kind = X86_EXIT_NMI_WINDOW;
		return;
	case VMX_EXIT_PREEMPTION_TIMER:
		exit->kind = X86_EXIT_TIMER;
		return;
	case VMX_EXIT_EOI:
		exit->kind = X86_EXIT_EOI;
		exit->eoi.vector = QUAL_EOI_VECTOR(vmx_read(VMCS_QUALIFICATION));
		return;
	case VMX_EXIT_APIC_WRITE:
		exit->kind = X86_EXIT_APIC_WRITE;
		exit->apic.offset = QUAL_APIC_OFFSET(vmx_read(VMCS_QUALIFICATION));
		return;
	case VMX_EXIT_PML_FULL:
		vmx_decode_log_full(v, exit);
		return;
	case VMX_EXIT_TRIPLE_FAULT:
		exit->kind = X86_EXIT_SHUTDOWN;
		return;
	case VMX_EXIT_TASK_SWITCH:
		vmx_decode_task(exit);
		return;
	case VMX_EXIT_INVLPG:
		exit->kind = X86_EXIT_INVLPG;
		exit->invlpg.decoded = true;
		exit->invlpg.addr = vmx_read(VMCS_QUALIFICATION);
		break;
	case VMX_EXIT_CR:
	case VMX_EXIT_DR:
		vmx_decode_mov(reason, exit);
		break;
	default:
		exit->kind = X86_EXIT_UNKNOWN;
		break;
	}
	exit->insn_len = vmx_read(VMCS_INSN_LEN);
}

void vmx_decode_exit(struct x86_vcpu *v, u32 reason, struct x86_exit *exit)
{
	u8 kind;

	reason &= 0xffff;
	kind = reason < ARRAY_SIZE(vmx_plain_kind) ? vmx_plain_kind[reason] : 0;
	exit->raw = reason;
	exit->insn_len = 0;
	exit->nr_bytes = 0;
	if (!kind) {
		vmx_decode_other(v, reason, exit);
		return;
	}
	exit->kind = kind;
	exit->vectoring.type = X86_EVENT_NONE;
	exit->insn_len = vmx_read(VMCS_INSN_LEN);
	if (kind == X86_EXIT_IO) {
		vmx_decode_io(exit);
	} else if (kind == X86_EXIT_HYPERCALL) {
		/* Every hypercall asks for it, and here the VMCS is at hand. */
		vmx_read_mode(&v->state);
		v->state_valid |= X86_STATE_MODE;
	}
}

static const struct { const char *name; u32 field; } vmx_fields[] = {
	{ "cr0", VMCS_GUEST_CR0 }, { "cr3", VMCS_GUEST_CR3 }, { "cr4", VMCS_GUEST_CR4 },
	{ "efer", VMCS_GUEST_EFER }, { "rip", VMCS_GUEST_RIP }, { "rflags", VMCS_GUEST_RFLAGS },
	{ "cs", VMCS_GUEST_SELECTOR(X86_SEG_CS) }, { "cs base", VMCS_GUEST_BASE(X86_SEG_CS) },
	{ "cs limit", VMCS_GUEST_LIMIT(X86_SEG_CS) }, { "cs rights", VMCS_GUEST_RIGHTS(X86_SEG_CS) },
	{ "ss rights", VMCS_GUEST_RIGHTS(X86_SEG_SS) }, { "ds rights", VMCS_GUEST_RIGHTS(X86_SEG_DS) },
	{ "es rights", VMCS_GUEST_RIGHTS(X86_SEG_ES) }, { "fs rights", VMCS_GUEST_RIGHTS(X86_SEG_FS) },
	{ "gs rights", VMCS_GUEST_RIGHTS(X86_SEG_GS) }, { "tr rights", VMCS_GUEST_RIGHTS(X86_SEG_TR) },
	{ "ldtr rights", VMCS_GUEST_RIGHTS(X86_SEG_LDTR) },
	{ "interruptibility", VMCS_GUEST_INT_STATE }, { "entry controls", VMCS_ENTRY_CONTROLS },
	{ "event", VMCS_ENTRY_EVENT },
};

/* Not entered: the state the VMM has made is one that no CPU can be in. */
void vmx_decode_failure(struct x86_vcpu *v, bool refused, struct x86_exit *exit)
{
	unsigned int i;

	exit->kind = X86_EXIT_FAIL_ENTRY;
	exit->raw = vmx_read(refused ? VMCS_INSN_ERROR : VMCS_EXIT_REASON);
	exit->vectoring.type = X86_EVENT_NONE;
	pr_debug("kvmx: vCPU %u: %s %#llx, qualification %#llx\n", v->vcpu.id,
		 refused ? "VM instruction error" : "exit reason", exit->raw,
		 vmx_read(VMCS_QUALIFICATION));
	for (i = 0; i < ARRAY_SIZE(vmx_fields); i++)
		pr_debug("kvmx: %s %#llx\n", vmx_fields[i].name, vmx_read(vmx_fields[i].field));
	if (!refused && (u16)exit->raw == VMX_EXIT_MACHINE_CHECK)
		kvmx_host_machine_check();
}
