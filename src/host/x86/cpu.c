// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only an x86 kernel has or does in its own way: kicks, the FPU section,
 * MSRs, CR4.VMXE, NMIs and machine checks. Declared in kvmx/host.h.
 */
#include <linux/kernel.h>
#include <linux/smp.h>
#include <asm/smp.h>
#include <asm/mce.h>
#include <asm/ptrace.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/tlbflush.h>
#include <kvmx/host.h>

#include "kvmx-facts.h"

/*
 * The reschedule interrupt does nothing but interrupt, which is all that is
 * wanted. In brackets: newer kernels have a macro of that name.
 */
void kvmx_host_kick_cpu(int cpu)
{
	(smp_ops.smp_send_reschedule)(cpu);
}

/*
 * Mask 0: the user's registers are saved, none is initialised. Newer kernels
 * keep bottom halves off until the end, hence softirqs in kvmx_host_must_leave().
 */
void kvmx_host_fpu_begin(void)
{
	kernel_fpu_begin_mask(0);
}

void kvmx_host_fpu_end(void)
{
	kernel_fpu_end();
}

/* The handler wants the interrupted registers: those of a user, interrupts on. */
void kvmx_host_machine_check(void)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
}

int kvmx_host_rdmsr_safe(u32 msr, u64 *val)
{
#if KVMX_HAVE_RDMSRQ
	return rdmsrq_safe(msr, val);
#else
	return rdmsrl_safe(msr, val);
#endif
}

#if KVMX_HAVE_CR4_UPDATE
bool kvmx_host_vmx_available(void)
{
	return true;
}

/* Intel's processor trace would fault VMXON on some CPUs; its driver steps aside. */
void kvmx_host_vmx_begin(void)
{
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
}

void kvmx_host_vmx_end(void)
{
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}
#else
bool kvmx_host_vmx_available(void)
{
	return false;
}

void kvmx_host_vmx_begin(void)
{
}

void kvmx_host_vmx_end(void)
{
}
#endif

/* The gate and the stack are those of an NMI, and its IRET opens NMIs. Not with FRED. */
void kvmx_host_nmi(void)
{
	asm volatile("int $2");
}
