// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is done about each kind of exit, whatever unit it came from. A fast
 * handler runs in the window and never sleeps; a slow one runs outside of it.
 * Called by the run loop.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <kvmx/arch.h>

#include "run.h"
#include "cpuid.h"
#include "fpu.h"
#include "lapic.h"
#include "msr.h"
#include "trace.h"

enum run_next x86_internal_error(struct x86_vcpu *v, u32 suberror)
{
	struct kvmx_run *run = v->vcpu.run;
	u64 *data = run->internal.data;

	run->exit_reason = KVMX_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	/* A failed emulation has its flags and the instruction's bytes first. */
	if (suberror == KVMX_INTERNAL_ERROR_EMULATION)
		data += 3;
	memset(run->internal.data, 0, sizeof(run->internal.data));
	data[0] = v->exit.raw;
	data[1] = v->exit.kind;
	data[2] = v->rip;
	data[3] = v->exit.kind == X86_EXIT_FAULT ? v->exit.fault.gpa : 0;
	data[4] = v->last_cpu;
	run->internal.ndata = data + 5 - run->internal.data;
	return RUN_USER;
}

/* The length of the instruction, when the unit has not told it; -EAGAIN goes to the slow path. */
static enum run_next x86_no_length(struct x86_vcpu *v, int len, bool atomic)
{
	if (len == -EAGAIN)
		return atomic ? RUN_SLOW : RUN_LEAVE;
	/* Other code than what exited: a program that rewrites itself must not end its guest. */
	if (x86_cpl(v)) {
		x86_raise(v, X86_EXC_UD);
		return RUN_LEAVE;
	}
	return x86_internal_error(v, KVMX_INTERNAL_ERROR_EMULATION);
}

static enum run_next exit_host(struct x86_vcpu *v)
{
	return RUN_STAY;
}

static enum run_next cpuid_common(struct x86_vcpu *v, bool atomic)
{
	int len = x86_insn_len(v, atomic);
	u32 eax, ebx, ecx, edx;

	if (len < 0)
		return x86_no_length(v, len, atomic);
	eax = v->gpr[X86_RAX];
	ecx = v->gpr[X86_RCX];
	if (eax == 0xd && atomic)
		x86_fpu_sync_xcr0(v);
	x86_cpuid(v, &eax, &ebx, &ecx, &edx);
	v->gpr[X86_RAX] = eax;
	v->gpr[X86_RBX] = ebx;
	v->gpr[X86_RCX] = ecx;
	v->gpr[X86_RDX] = edx;
	x86_skip(v, len);
	return RUN_STAY;
}

static enum run_next exit_cpuid(struct x86_vcpu *v)
{
	return cpuid_common(v, true);
}

static enum run_next exit_cpuid_slow(struct x86_vcpu *v)
{
	return cpuid_common(v, false);
}

static __always_inline enum run_next msr_common(struct x86_vcpu *v, bool write, bool atomic)
{
	u32 msr = v->gpr[X86_RCX];
	u64 val;
	int len, ret;

	if (atomic && write && x86_msr_write_sleeps(msr))
		return RUN_SLOW;
	len = x86_insn_len(v, atomic);
	if (len < 0)
		return x86_no_length(v, len, atomic);
	val = (u32)v->gpr[X86_RAX] | v->gpr[X86_RDX] << 32;
	if (!x86_msr_allowed(v, msr, write))
		ret = -EPERM;
	else if (write)
		ret = x86_msr_set(v, msr, val, false);
	else
		ret = x86_msr_get(v, msr, &val, false);
	if (ret)
		return x86_msr_failed(v, write, msr, val, ret, len);
	trace_kvmx_msr(v, write, msr, &val, 0);
	if (!write) {
		v->gpr[X86_RAX] = (u32)val;
		v->gpr[X86_RDX] = val >> 32;
	}
	x86_skip(v, len);
	return RUN_STAY;
}

static enum run_next exit_rdmsr(struct x86_vcpu *v)
{
	return msr_common(v, false, true);
}

static enum run_next exit_rdmsr_slow(struct x86_vcpu *v)
{
	return msr_common(v, false, false);
}

static enum run_next exit_wrmsr(struct x86_vcpu *v)
{
	return msr_common(v, true, true);
}

static enum run_next exit_wrmsr_slow(struct x86_vcpu *v)
{
	return msr_common(v, true, false);
}

static enum run_next exit_io(struct x86_vcpu *v)
{
	const struct x86_exit *e = &v->exit;

	if (e->io.string)
		return x86_emulate_insn(v, true);
	if (!e->insn_len)
		return RUN_SLOW;
	return x86_pio(v, e->io.port, e->io.size, e->io.in, e->insn_len);
}

static enum run_next exit_io_slow(struct x86_vcpu *v)
{
	int len;

	if (v->exit.io.string)
		return x86_emulate_insn(v, false);
	len = x86_insn_len(v, false);
	if (len < 0)
		return x86_no_length(v, len, false);
	return x86_pio(v, v->exit.io.port, v->exit.io.size, v->exit.io.in, len);
}

/* KVM API, KVM_EXIT_MEMORY_FAULT: the one exit that comes with an error. */
static enum run_next fault_unresolved(struct x86_vcpu *v, int error)
{
	struct kvmx_run *run = v->vcpu.run;

	run->exit_reason = KVMX_EXIT_MEMORY_FAULT;
	run->memory_fault.flags = 0;
	run->memory_fault.gpa = v->exit.fault.gpa & PAGE_MASK;
	run->memory_fault.size = PAGE_SIZE;
	return run_fail(&v->vcpu, error);
}

static enum run_next fault_common(struct x86_vcpu *v, bool atomic)
{
	const struct x86_exit *e = &v->exit;
	enum kvmx_fault_result result;
	enum run_next next;

	result = kvmx_memory_fault(&v->vcpu, e->fault.gpa, e->fault.access, atomic);
	trace_kvmx_fault(v, result);
	switch (result) {
	case KVMX_FAULT_MAPPED:
		v->vcpu.stat[KVMX_STAT_FAULTS]++;
		return RUN_STAY;
	case KVMX_FAULT_MMIO:
		/* An event's stack or tables lie in device memory: nothing can be replayed there. */
		if (e->vectoring.type != X86_EVENT_NONE)
			return x86_internal_error(v, KVMX_INTERNAL_ERROR_DELIVERY_EV);
		if (x86_mmio_mov(v, atomic, &next))
			return next;
		return x86_emulate_insn(v, atomic);
	case KVMX_FAULT_SLOW:
		return RUN_SLOW;
	case KVMX_FAULT_SIGNAL:
		return RUN_LEAVE;
	case KVMX_FAULT_NOMEM:
		return run_fail(&v->vcpu, -ENOMEM);
	case KVMX_FAULT_HWPOISON:
		return fault_unresolved(v, -EHWPOISON);
	case KVMX_FAULT_BAD:
		break;
	}
	return fault_unresolved(v, -EFAULT);
}

static enum run_next exit_fault(struct x86_vcpu *v)
{
	/* An access to the task priority register comes after what the guest wrote to that page. */
	if (unlikely(v->vapic.addr))
		return RUN_SLOW;
	return fault_common(v, true);
}

static enum run_next exit_fault_slow(struct x86_vcpu *v)
{
	return fault_common(v, false);
}

static enum run_next hlt_common(struct x86_vcpu *v, bool atomic)
{
	int len = x86_insn_len(v, atomic);

	if (len < 0)
		return x86_no_length(v, len, atomic);
	x86_skip(v, len);
	if (!v->lapic) {
		v->vcpu.run->exit_reason = KVMX_EXIT_HLT;
		return RUN_USER;
	}
	v->vcpu.stat[KVMX_STAT_HALTS]++;
	v->mp_state = X86_MP_HALTED;
	return RUN_LEAVE;
}

static enum run_next exit_hlt(struct x86_vcpu *v)
{
	return hlt_common(v, true);
}

static enum run_next exit_hlt_slow(struct x86_vcpu *v)
{
	return hlt_common(v, false);
}

static enum run_next hypercall_common(struct x86_vcpu *v, bool atomic)
{
	int len = x86_insn_len(v, atomic);

	return len < 0 ? x86_no_length(v, len, atomic) : x86_hypercall(v, len, atomic);
}

static enum run_next exit_hypercall(struct x86_vcpu *v)
{
	return hypercall_common(v, true);
}

static enum run_next exit_hypercall_slow(struct x86_vcpu *v)
{
	return hypercall_common(v, false);
}

static enum run_next exit_exception(struct x86_vcpu *v)
{
	const struct x86_exit *e = &v->exit;

	switch (e->exc.vector) {
	case X86_EXC_DB:
		return x86_guest_debug_trap(v, e->exc.payload & ~X86_DR6_FIXED);
	case X86_EXC_BP:
		return x86_guest_debug_breakpoint(v);
	case X86_EXC_UD:
		return RUN_SLOW;
	case X86_EXC_PF:
		x86_raise_page_fault(v, e->exc.payload, e->exc.error);
		break;
	default:
		if (e->exc.has_error)
			x86_raise_error(v, e->exc.vector, e->exc.error);
		else
			x86_raise(v, e->exc.vector);
		break;
	}
	return RUN_STAY;
}

/* #UD, which is intercepted for the sake of the other vendor's hypercall. */
static enum run_next exit_exception_slow(struct x86_vcpu *v)
{
	if (!x86_fix_hypercall(v))
		x86_raise(v, X86_EXC_UD);
	return RUN_LEAVE;
}

/* The run loop looks at events before each entry; the exit was all that was wanted. */
static enum run_next exit_window(struct x86_vcpu *v)
{
	struct kvmx_run *run = v->vcpu.run;

	if (run->request_interrupt_window && x86_user_may_interrupt(v)) {
		run->exit_reason = KVMX_EXIT_IRQ_WINDOW_OPEN;
		return RUN_USER;
	}
	return RUN_STAY;
}

/* The unit has watched the local APIC's timer. */
static enum run_next exit_timer(struct x86_vcpu *v)
{
	lapic_timer_expired(v);
	return RUN_STAY;
}

static enum run_next exit_needs_slow(struct x86_vcpu *v)
{
	return RUN_SLOW;
}

static enum run_next exit_cr_slow(struct x86_vcpu *v)
{
	const struct x86_exit *e = &v->exit;
	u64 val;
	int ret, len;

	len = e->cr.decoded && e->cr.write ? x86_insn_len(v, false) : -1;
	if (len < 0)
		return x86_emulate_insn(v, false);

	val = v->gpr[array_index_nospec(e->cr.gpr & 15, X86_GPRS)];
	if (!x86_is_64bit(v))
		val = (u32)val;
	switch (e->cr.reg) {
	case 0: ret = x86_set_cr0(v, val); break;
	case 3: ret = x86_set_cr3(v, val); break;
	case 4: ret = x86_set_cr4(v, val); break;
	case 8: ret = x86_move_to_cr8(v, val); break;
	default: return x86_emulate_insn(v, false);
	}
	if (ret)
		x86_raise_error(v, X86_EXC_GP, 0);
	else
		x86_skip(v, len);
	return RUN_LEAVE;
}

/*
 * The guest uses its debug registers: it has them until the window closes,
 * and does the instruction again.
 */
static enum run_next exit_dr(struct x86_vcpu *v)
{
	if (x86_guest_debug_in_cpu(v))
		return RUN_SLOW;
	x86_debug_grant(v);
	return RUN_STAY;
}

static enum run_next exit_dr_slow(struct x86_vcpu *v)
{
	if (x86_guest_debug_guards(v))
		return x86_guest_debug_guarded(v);
	return x86_emulate_insn(v, false);
}

static enum run_next exit_emulate_slow(struct x86_vcpu *v)
{
	return x86_emulate_insn(v, false);
}

static enum run_next exit_xsetbv_slow(struct x86_vcpu *v)
{
	u64 val = (u32)v->gpr[X86_RAX] | v->gpr[X86_RDX] << 32;
	int len = x86_insn_len(v, false);

	if (len < 0)
		return x86_no_length(v, len, false);
	if (!(x86_state(v, X86_STATE_CRS)->cr4 & X86_CR4_OSXSAVE))
		x86_raise(v, X86_EXC_UD);
	else if (x86_cpl(v) || (u32)v->gpr[X86_RCX] != 0 || x86_set_xcr0(v, val))
		x86_raise_error(v, X86_EXC_GP, 0);
	else
		x86_skip(v, len);
	return RUN_LEAVE;
}

/* Guest memory is cached coherently and no device of ours looks behind the caches. */
static enum run_next exit_skip_slow(struct x86_vcpu *v)
{
	int len = x86_insn_len(v, false);

	if (len < 0)
		return x86_no_length(v, len, false);
	x86_skip(v, len);
	return RUN_LEAVE;
}

/* No performance counters: every index is out of range. */
static enum run_next exit_rdpmc(struct x86_vcpu *v)
{
	x86_raise_error(v, X86_EXC_GP, 0);
	return RUN_STAY;
}

static enum run_next exit_undefined(struct x86_vcpu *v)
{
	x86_raise(v, X86_EXC_UD);
	return RUN_STAY;
}

static enum run_next exit_monitor(struct x86_vcpu *v)
{
	/* KVM's guests may execute them whatever CPUID says, unless it is told otherwise. */
	if (x86_cpuid_has(v, X86F_MONITOR) ||
	    !(x86_vm_of(v)->disabled_quirks & KVMX_X86_QUIRK_MWAIT_NEVER_UD_FAULTS))
		return RUN_SLOW;
	return exit_undefined(v);
}

/* A spinning guest: let somebody else have the CPU. */
static enum run_next exit_pause(struct x86_vcpu *v)
{
	return RUN_SLOW;
}

static enum run_next exit_pause_slow(struct x86_vcpu *v)
{
	yield();
	return RUN_LEAVE;
}

/* An event's gate is left behind as it is, unless the event was an instruction. */
static enum run_next exit_task_switch_slow(struct x86_vcpu *v)
{
	const struct x86_exit *e = &v->exit;
	int len = 0;

	if (e->vectoring.type == X86_EVENT_NONE || e->vectoring.type == X86_EVENT_SOFT_INT ||
	    e->vectoring.type == X86_EVENT_SOFT_EXC) {
		len = x86_insn_len(v, false);
		if (len < 0)
			return x86_no_length(v, len, false);
	}
	return x86_task_switch(v, len);
}

static enum run_next exit_shutdown_slow(struct x86_vcpu *v)
{
	/* The unit leaves the state undefined; user space finds that of an INIT. */
	x86_vcpu_reset(v, true);
	v->vcpu.run->exit_reason = KVMX_EXIT_SHUTDOWN;
	return RUN_USER;
}

static enum run_next exit_fail_entry(struct x86_vcpu *v)
{
	struct kvmx_run *run = v->vcpu.run;

	run->exit_reason = KVMX_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = v->exit.raw;
	run->fail_entry.cpu = v->last_cpu;
	return RUN_USER;
}

static enum run_next exit_unknown(struct x86_vcpu *v)
{
	return x86_internal_error(v, KVMX_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON);
}

/* Only a unit that was told to do a part of the local APIC has ended something. */
static enum run_next exit_eoi(struct x86_vcpu *v)
{
	if (!v->apic_virtual)
		return exit_unknown(v);
	lapic_unit_eoi(v, v->exit.eoi.vector);
	return RUN_STAY;
}

static enum run_next exit_apic_write(struct x86_vcpu *v)
{
	if (!v->apic_virtual)
		return exit_unknown(v);
	lapic_unit_write(v, v->exit.apic.offset);
	return RUN_STAY;
}

typedef enum run_next (*x86_exit_fn)(struct x86_vcpu *v);

static const x86_exit_fn x86_fast[X86_EXIT_KINDS] = {
	[X86_EXIT_HOST]		= exit_host,
	[X86_EXIT_CPUID]	= exit_cpuid,
	[X86_EXIT_RDMSR]	= exit_rdmsr,
	[X86_EXIT_WRMSR]	= exit_wrmsr,
	[X86_EXIT_IO]		= exit_io,
	[X86_EXIT_FAULT]	= exit_fault,
	[X86_EXIT_HLT]		= exit_hlt,
	[X86_EXIT_HYPERCALL]	= exit_hypercall,
	[X86_EXIT_EXCEPTION]	= exit_exception,
	[X86_EXIT_INTR_WINDOW]	= exit_window,
	[X86_EXIT_NMI_WINDOW]	= exit_window,
	[X86_EXIT_TIMER]	= exit_timer,
	[X86_EXIT_WRITES]	= exit_host,
	[X86_EXIT_EOI]		= exit_eoi,
	[X86_EXIT_APIC_WRITE]	= exit_apic_write,
	[X86_EXIT_CR]		= exit_needs_slow,
	[X86_EXIT_DR]		= exit_dr,
	[X86_EXIT_XSETBV]	= exit_needs_slow,
	[X86_EXIT_CACHE]	= exit_needs_slow,
	[X86_EXIT_INVLPG]	= exit_needs_slow,
	[X86_EXIT_RDPMC]	= exit_rdpmc,
	[X86_EXIT_RDTSC]	= exit_needs_slow,
	[X86_EXIT_PAUSE]	= exit_pause,
	[X86_EXIT_MONITOR]	= exit_monitor,
	[X86_EXIT_MWAIT]	= exit_monitor,
	[X86_EXIT_TASK_SWITCH]	= exit_needs_slow,
	[X86_EXIT_UNDEFINED]	= exit_undefined,
	[X86_EXIT_SHUTDOWN]	= exit_needs_slow,
	[X86_EXIT_FAIL_ENTRY]	= exit_fail_entry,
	[X86_EXIT_UNKNOWN]	= exit_unknown,
};

static const x86_exit_fn x86_slow[X86_EXIT_KINDS] = {
	[X86_EXIT_CPUID]	= exit_cpuid_slow,
	[X86_EXIT_RDMSR]	= exit_rdmsr_slow,
	[X86_EXIT_WRMSR]	= exit_wrmsr_slow,
	[X86_EXIT_IO]		= exit_io_slow,
	[X86_EXIT_FAULT]	= exit_fault_slow,
	[X86_EXIT_HLT]		= exit_hlt_slow,
	[X86_EXIT_HYPERCALL]	= exit_hypercall_slow,
	[X86_EXIT_EXCEPTION]	= exit_exception_slow,
	[X86_EXIT_EOI]		= exit_eoi,
	[X86_EXIT_APIC_WRITE]	= exit_apic_write,
	[X86_EXIT_CR]		= exit_cr_slow,
	[X86_EXIT_DR]		= exit_dr_slow,
	[X86_EXIT_XSETBV]	= exit_xsetbv_slow,
	[X86_EXIT_CACHE]	= exit_skip_slow,
	[X86_EXIT_INVLPG]	= exit_emulate_slow,
	[X86_EXIT_RDTSC]	= exit_emulate_slow,
	[X86_EXIT_PAUSE]	= exit_pause_slow,
	[X86_EXIT_MONITOR]	= exit_skip_slow,
	[X86_EXIT_MWAIT]	= exit_skip_slow,
	[X86_EXIT_TASK_SWITCH]	= exit_task_switch_slow,
	[X86_EXIT_SHUTDOWN]	= exit_shutdown_slow,
};

const char * const kvmx_arch_vcpu_stat_names[] = {
	[X86_EXIT_HOST]		= "exit_host",
	[X86_EXIT_CPUID]	= "exit_cpuid",
	[X86_EXIT_RDMSR]	= "exit_rdmsr",
	[X86_EXIT_WRMSR]	= "exit_wrmsr",
	[X86_EXIT_IO]		= "exit_io",
	[X86_EXIT_FAULT]	= "exit_fault",
	[X86_EXIT_HLT]		= "exit_hlt",
	[X86_EXIT_HYPERCALL]	= "exit_hypercall",
	[X86_EXIT_EXCEPTION]	= "exit_exception",
	[X86_EXIT_INTR_WINDOW]	= "exit_interrupt_window",
	[X86_EXIT_NMI_WINDOW]	= "exit_nmi_window",
	[X86_EXIT_TIMER]	= "exit_timer",
	[X86_EXIT_WRITES]	= "exit_writes",
	[X86_EXIT_EOI]		= "exit_eoi",
	[X86_EXIT_APIC_WRITE]	= "exit_apic_write",
	[X86_EXIT_CR]		= "exit_cr",
	[X86_EXIT_DR]		= "exit_dr",
	[X86_EXIT_XSETBV]	= "exit_xsetbv",
	[X86_EXIT_CACHE]	= "exit_cache",
	[X86_EXIT_INVLPG]	= "exit_invlpg",
	[X86_EXIT_RDPMC]	= "exit_rdpmc",
	[X86_EXIT_RDTSC]	= "exit_rdtsc",
	[X86_EXIT_PAUSE]	= "exit_pause",
	[X86_EXIT_MONITOR]	= "exit_monitor",
	[X86_EXIT_MWAIT]	= "exit_mwait",
	[X86_EXIT_TASK_SWITCH]	= "exit_task_switch",
	[X86_EXIT_UNDEFINED]	= "exit_undefined",
	[X86_EXIT_SHUTDOWN]	= "exit_shutdown",
	[X86_EXIT_FAIL_ENTRY]	= "exit_fail_entry",
	[X86_EXIT_UNKNOWN]	= "exit_unknown",
};
const unsigned int kvmx_arch_nr_vcpu_stats = ARRAY_SIZE(kvmx_arch_vcpu_stat_names);
static_assert(X86_EXIT_KINDS <= KVMX_VCPU_STATS - KVMX_STAT_ARCH);

/*
 * The locks of devices, of the clock and of guest memory's tables sleep on
 * PREEMPT_RT, and eventfds have such locks: what may need one leaves the window.
 */
#define X86_EXITS_LOCKING	(BIT(X86_EXIT_RDMSR) | BIT(X86_EXIT_WRMSR) | BIT(X86_EXIT_IO) | \
				 BIT(X86_EXIT_FAULT) | BIT(X86_EXIT_HYPERCALL) | \
				 BIT(X86_EXIT_EOI) | BIT(X86_EXIT_APIC_WRITE))

enum run_next x86_exit_fast(struct x86_vcpu *v)
{
	u8 kind = array_index_nospec(v->exit.kind, X86_EXIT_KINDS);

	v->vcpu.stat[KVMX_STAT_ARCH + kind]++;
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && (BIT(kind) & X86_EXITS_LOCKING))
		return RUN_SLOW;
	return x86_fast[kind](v);
}

enum run_next x86_exit_slow(struct x86_vcpu *v)
{
	u8 kind = array_index_nospec(v->exit.kind, X86_EXIT_KINDS);

	return x86_slow[kind](v);
}
