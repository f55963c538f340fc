// SPDX-License-Identifier: GPL-2.0-only
/*
 * Into the guest and out of it: what moves between a vCPU and its VMCS on
 * each entry and once per run window, event injection, invalidation of
 * translations. Called by the x86 floor through vmx.c's table.
 */
#include <linux/kernel.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>
#include <asm/special_insns.h>

#include "vmx.h"
#include "cpu.h"
#include "predictors.h"

/* The host keeps IBRS on in the kernel, on CPUs that have no enhanced one. */
#ifdef X86_FEATURE_KERNEL_IBRS
#define VMX_KERNEL_IBRS	cpu_feature_enabled(X86_FEATURE_KERNEL_IBRS)
#else
#define VMX_KERNEL_IBRS	false
#endif

/* Of the virtual APIC page; bits 7:4 are CR8. */
#define APIC_TPR	0x80

void vmx_window_open(struct x86_vcpu *v)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);
	unsigned long flags;
	u64 before;

	if (vmx->vmcs_cpu != smp_processor_id())
		vmx_vmcs_leave(vmx);
	/* A reboot takes the unit away by an interrupt; then nobody enters. */
	local_irq_save(flags);
	if (!vmx_vmcs_take(vmx, &before))
		goto out;
	vmx->open = true;
	vmx_host_open(vmx);
	if (!vmx->filled)
		vmx_vmcs_setup(v);
	/*
	 * Nobody has kept the translations of a CPU that it was not on up to date; and
	 * one that was away, or asleep, may have come back with other host state.
	 */
	if (!vmx->launched) {
		vmx->todo |= VMX_FLUSH;
		vmx_host_setup(vmx);
	}
	vmx_write(VMCS_HOST_FS_BASE, vmx->host.fs_base);
	vmx_vmcs_done(before);
	x86_predictors_open(vc->last != v);
	vc->last = v;
	if (vmx_config.flush_l1d)
		vmx->around |= VMX_AROUND_L1D;
out:
	local_irq_restore(flags);
}

/* The VMCS stays where it is: vmcs.c. */
void vmx_window_close(struct x86_vcpu *v)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	unsigned long flags;

	local_irq_save(flags);
	if (vmx->open) {
		vmx->msr[VMX_KERNEL_GS_BASE] = x86_rdmsr(X86_MSR_KERNEL_GS_BASE);
		vmx->open = false;
		vmx_host_close(vmx);
	}
	local_irq_restore(flags);
}

void vmx_flush_tlb(struct x86_vcpu *v)
{
	to_vmx(v)->todo |= VMX_FLUSH;
}

/*
 * With EPT all translations are tagged with the EPT pointer, those of the
 * guest's own tables too (SDM, "Invalidating Cached Translation Information").
 */
static void vmx_invalidate(const struct vmx_vcpu *vmx)
{
	const struct { u64 eptp, zero; } what = { vmx->eptp, 0 };

	asm volatile("invept %0, %1" : : "m" (what), "r" ((u64)INVEPT_SINGLE) : "cc", "memory");
}

static void vmx_update32(unsigned long field, u32 *written, u32 val)
{
	if (*written == val)
		return;
	*written = val;
	vmx_write(field, val);
}

static void vmx_update64(unsigned long field, u64 *written, u64 val)
{
	if (*written == val)
		return;
	*written = val;
	vmx_write(field, val);
}

/*
 * Which of the two shadows it is does not matter to anybody, but one by STI
 * cannot be where interrupts are off, and a trap by TF has to be pending in
 * either (SDM, "Checks on Guest Non-Register State"). The CPU blocks NMIs
 * itself when it injects one.
 */
static void vmx_store_int_state(struct x86_vcpu *v, struct vmx_vcpu *vmx)
{
	u32 state = 0;
	u64 pending;

	if (unlikely(v->int_shadow)) {
		state = vmx->written.int_state & (INT_STI | INT_MOV_SS);
		if (!state || (state == INT_STI && !(v->rflags & X86_EFLAGS_IF)))
			state = v->rflags & X86_EFLAGS_IF ? INT_STI : INT_MOV_SS;
		pending = vmx_read(VMCS_GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_BS;
		if (v->rflags & X86_EFLAGS_TF)
			pending |= PENDING_DEBUG_BS;
		vmx_write(VMCS_GUEST_PENDING_DEBUG, pending);
	}
	if (v->nmi_masked && (vmx->event & EVENT_TYPE) != EVENT_NMI)
		state |= INT_NMI;
	vmx_update32(VMCS_GUEST_INT_STATE, &vmx->written.int_state, state);
}

static noinline void vmx_store_rarely(struct x86_vcpu *v, struct vmx_vcpu *vmx)
{
	u8 todo = vmx->todo;
	int i;

	vmx->todo = 0;
	if (todo & VMX_NEW_TSC) {
		vmx_write(VMCS_TSC_OFFSET, v->tsc_offset);
		if (x86_unit_caps.tsc_scale)
			vmx_write(VMCS_TSC_MULTIPLIER, v->tsc_ratio ?: BIT_ULL(48));
	}
	if (todo & VMX_NEW_MSRS) {
		vmx_write(VMCS_GUEST_PAT, v->pat);
		vmx_write(VMCS_GUEST_SYSENTER_CS, vmx->sysenter_cs);
		vmx_write(VMCS_GUEST_SYSENTER_ESP, vmx->sysenter_esp);
		vmx_write(VMCS_GUEST_SYSENTER_EIP, vmx->sysenter_eip);
	}
	/* From there on the guest's own MOVs to control registers load them. */
	if (v->pdptes_new) {
		v->pdptes_new = false;
		for (i = 0; i < ARRAY_SIZE(v->pdpte); i++)
			vmx_write(VMCS_GUEST_PDPTE(i), v->pdpte[i]);
	}
	if (todo & VMX_NEW_CONTROLS) {
		vmx_write(VMCS_CPU_CONTROLS, vmx->cpu_controls);
		vmx_write(VMCS_CPU2_CONTROLS, vmx->cpu2_controls | vmx->apic_controls);
		vmx_write(VMCS_EXCEPTIONS, vmx->exceptions);
		vmx_write(VMCS_MSR_BITMAP, vmx->msr_bitmap_pa);
	}
	for (i = 0; (todo & VMX_NEW_EOI_EXITS) && i < ARRAY_SIZE(vmx->eoi_exits); i++)
		vmx_write(VMCS_EOI_EXITS(i), vmx->eoi_exits[i]);
	if (todo & VMX_NEW_INT_STATUS)
		vmx_write(VMCS_GUEST_INT_STATUS, vmx->int_status);
	if (todo & VMX_NEW_PIN)
		vmx_write(VMCS_PIN_CONTROLS,
			  vmx_config.pin | (vmx->deadline ? PIN_PREEMPTION_TIMER : 0));
	if (todo & VMX_FLUSH)
		vmx_invalidate(vmx);
}

/* Ticks of the preemption timer, rounded up; a deadline that is too far for it exits early. */
static u32 vmx_timer_ticks(u64 deadline)
{
	s64 left = deadline - x86_rdtsc();

	return left <= 0 ? 0 : min_t(u64, (left >> vmx_config.timer_rate) + 1, U32_MAX);
}

static void vmx_store(struct x86_vcpu *v, struct vmx_vcpu *vmx)
{
	struct vmx_written *w = &vmx->written;

	/* A vCPU whose HLT does not exit: what is new to it ends its halt. */
	if (unlikely(w->halted) && (vmx->event || v->state_dirty || w->rip != v->rip)) {
		w->halted = false;
		vmx_write(VMCS_GUEST_ACTIVITY, 0);
	}
	if (v->state_dirty)
		vmx_store_state(v);
	if (unlikely(vmx->todo | v->pdptes_new))
		vmx_store_rarely(v, vmx);
	/* The exit says what they have become. */
	if (w->rip != v->rip)
		vmx_write(VMCS_GUEST_RIP, v->rip);
	if (w->rsp != v->gpr[X86_RSP])
		vmx_write(VMCS_GUEST_RSP, v->gpr[X86_RSP]);
	if (w->rflags != v->rflags)
		vmx_write(VMCS_GUEST_RFLAGS, v->rflags);
	if (v->int_shadow || v->nmi_masked || w->int_state)
		vmx_store_int_state(v, vmx);
	/* The threshold must not be above the priority that the entry begins with. */
	((u8 *)vmx->apic_page)[APIC_TPR] = v->cr8 << 4;
	vmx_update32(VMCS_TPR_THRESHOLD, &w->tpr_threshold,
		     v->lapic ? min(vmx->intr_below, v->cr8) : v->cr8);
	if (vmx->event) {
		vmx_write(VMCS_ENTRY_EVENT, vmx->event);
		if (vmx->event & EVENT_ERROR)
			vmx_write(VMCS_ENTRY_ERROR_CODE, vmx->event_error);
		vmx_write(VMCS_ENTRY_INSN_LEN, vmx->event_len);
	}
	if (vmx->deadline)
		vmx_write(VMCS_PREEMPTION_TIMER, vmx_timer_ticks(vmx->deadline));
	/* Both change with the task, and by interrupts that the window lets in. */
	vmx_update64(VMCS_HOST_CR3, &w->host_cr3, __native_read_cr3());
	vmx_update64(VMCS_HOST_CR4, &w->host_cr4, native_read_cr4());
}

static noinline void vmx_before(struct vmx_vcpu *vmx)
{
	if (vmx->around & VMX_AROUND_DR)
		asm volatile("mov %0, %%db6" : : "r" (vmx->dr6));
	if (vmx->around & VMX_AROUND_L1D) {
		vmx->around &= ~VMX_AROUND_L1D;
		x86_wrmsr(X86_MSR_FLUSH_CMD, 1);
	}
}

static noinline void vmx_after(struct vmx_vcpu *vmx)
{
	if (vmx->around & VMX_AROUND_DR) {
		asm volatile("mov %%db6, %0" : "=r" (vmx->dr6));
		asm volatile("mov %0, %%db6" : : "r" (X86_DR6_FIXED));
	}
	if (vmx->around & VMX_AROUND_DEBUGCTL)
		x86_wrmsr(X86_MSR_DEBUGCTL, vmx->host.debugctl);
}

/* What the VMCS does not hold. True when the CPU refused to enter. */
static bool vmx_run(struct x86_vcpu *v, struct vmx_vcpu *vmx)
{
	u64 host_spec_ctrl = this_cpu_read(x86_spec_ctrl_current);
	u64 flags = vmx_config.switch_flags | vmx->launched << SWITCH_RESUME;
	bool refused;

	if (cpu_feature_enabled(X86_FEATURE_MSR_SPEC_CTRL)) {
		if (v->spec_ctrl != host_spec_ctrl) {
			flags |= BIT(SWITCH_SPEC_CTRL);
			x86_wrmsr(X86_MSR_SPEC_CTRL, v->spec_ctrl);
		} else if (VMX_KERNEL_IBRS) {
			/* Of use only when written again, whatever it was in the guest. */
			flags |= BIT(SWITCH_SPEC_CTRL);
		}
	}
	if (native_read_cr2() != v->cr2)
		native_write_cr2(v->cr2);
	if (unlikely(vmx->around))
		vmx_before(vmx);
	if (vmx->pebs) {
		u64 enabled = x86_rdmsr(X86_MSR_PEBS_ENABLE);

		if (unlikely(enabled | vmx->written.msr_loads))
			vmx_pebs_stop(vmx, enabled);
	}

	refused = vmx_switch(v->gpr, &vmx->host_rsp, flags, host_spec_ctrl);

	v->cr2 = native_read_cr2();
	if (unlikely(vmx->around))
		vmx_after(vmx);
	return refused;
}

void vmx_enter(struct x86_vcpu *v, struct x86_exit *exit)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	struct vmx_written *w = &vmx->written;
	bool refused;
	u32 reason, int_state;
	u64 before;

	/* The CPU did not take the VMCS, which it has no reason for. */
	if (unlikely(!vmx->open)) {
		exit->kind = X86_EXIT_FAIL_ENTRY;
		exit->vectoring.type = X86_EVENT_NONE;
		exit->raw = 0;
		return;
	}
	before = vmx_vmcs_use(vmx);
	vmx_store(v, vmx);

	refused = vmx_run(v, vmx);

	v->state_valid = 0;
	v->rip = w->rip = vmx_read(VMCS_GUEST_RIP);
	v->gpr[X86_RSP] = w->rsp = vmx_read(VMCS_GUEST_RSP);
	v->rflags = w->rflags = vmx_read(VMCS_GUEST_RFLAGS);
	v->cr8 = ((u8 *)vmx->virtual_apic)[APIC_TPR] >> 4;
	w->int_state = int_state = vmx_read(VMCS_GUEST_INT_STATE);
	v->int_shadow = int_state & (INT_STI | INT_MOV_SS);
	v->nmi_masked = int_state & INT_NMI;
	if (!(vmx->cpu_controls & CPU_HLT))
		w->halted = vmx_read(VMCS_GUEST_ACTIVITY) != 0;

	if (vmx->pml)
		vmx_decode_writes(v);
	reason = vmx_read(VMCS_EXIT_REASON);
	if (unlikely(refused || (reason & EXIT_ENTRY_FAILED))) {
		if (refused && vmx->pebs)
			vmx_pebs_go_on(vmx);
		vmx_decode_failure(v, refused, exit);
		/* The CPU takes an event out of the VMCS only when it has entered. */
		vmx_write(VMCS_ENTRY_EVENT, 0);
		if ((vmx->event & EVENT_TYPE) == EVENT_NMI)
			v->nmi_masked = true;
	} else {
		vmx->launched = true;
		vmx_decode_exit(v, reason, exit);
	}
	vmx_vmcs_done(before);
	vmx->event = 0;
	/* The handler of an interrupt leaves its data in the cache. */
	if (exit->kind == X86_EXIT_HOST && vmx_config.flush_l1d)
		vmx->around |= VMX_AROUND_L1D;
}

/* A guest that sleeps in the CPU may take it to where the timer does not count. */
bool vmx_arm_deadline(struct x86_vcpu *v, u64 tsc)
{
	const u32 sleeps = CPU_HLT | CPU_MWAIT;
	struct vmx_vcpu *vmx = to_vmx(v);

	if (tsc && (!vmx_config.timer || (vmx->cpu_controls & sleeps) != sleeps))
		return false;
	if (!tsc != !vmx->deadline)
		vmx->todo |= VMX_NEW_PIN;
	vmx->deadline = tsc;
	return true;
}

/* SDM, "Virtual-Interrupt Delivery" and "Virtualizing MSR-Based APIC Accesses". */
void vmx_sync_apic(struct x86_vcpu *v, u8 requested, u8 in_service, const u64 *eoi_exits)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	u32 controls = eoi_exits ? vmx_config.apic_controls : 0;

	if (vmx->apic_controls != controls) {
		vmx->apic_controls = controls;
		vmx_set_intercepts(v);
	}
	if (!controls)
		return;
	vmx->int_status = INT_STATUS(requested, in_service);
	vmx->todo |= VMX_NEW_INT_STATUS;
	if (memcmp(vmx->eoi_exits, eoi_exits, sizeof(vmx->eoi_exits))) {
		memcpy(vmx->eoi_exits, eoi_exits, sizeof(vmx->eoi_exits));
		vmx->todo |= VMX_NEW_EOI_EXITS;
	}
}

void vmx_inject(struct x86_vcpu *v, const struct x86_event *event)
{
	struct vmx_vcpu *vmx = to_vmx(v);

	vmx->event = event->vector | EVENT_VALID;
	vmx->event_len = event->insn_len;
	switch (event->type) {
	case X86_EVENT_NONE:
		vmx->event = 0;
		return;
	case X86_EVENT_INTR:
		vmx->event |= EVENT_INTR;
		break;
	case X86_EVENT_NMI:
		vmx->event |= EVENT_NMI;
		break;
	case X86_EVENT_SOFT_INT:
		vmx->event |= EVENT_SOFT_INT;
		break;
	case X86_EVENT_SOFT_EXC:
		vmx->event |= EVENT_SOFT_EXC;
		break;
	default:
		vmx->event |= EVENT_EXCEPTION;
		break;
	}
	if (event->has_error) {
		vmx->event |= EVENT_ERROR;
		vmx->event_error = event->error;
	}
}

/*
 * The task priority exits when it falls below a threshold; whether interrupts
 * are on is seen then. An STI holds off NMIs for us, but not on every CPU also
 * the exit of their window: behind it that of interrupts is open.
 */
void vmx_want_window(struct x86_vcpu *v, u8 intr, bool nmi)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	u32 controls = vmx->cpu_controls & ~(CPU_INTR_WINDOW | CPU_NMI_WINDOW);

	if (intr >= 16)
		controls |= CPU_INTR_WINDOW;
	if (nmi)
		controls |= v->int_shadow && (v->rflags & X86_EFLAGS_IF) ? CPU_INTR_WINDOW :
									   CPU_NMI_WINDOW;
	if (vmx->cpu_controls != controls) {
		vmx->cpu_controls = controls;
		vmx->todo |= VMX_NEW_CONTROLS;
	}
	vmx->intr_below = intr < 16 ? intr : 0;
}
