// SPDX-License-Identifier: GPL-2.0-only
/*
 * HLT and what ends it; the shadows of STI and MOV SS; HLT with interrupts
 * masked, woken by an NMI.
 * AMD APM vol. 3, HLT, STI, MOV; vol. 2, "Interrupt Shadows".
 */
#include "lib.h"

PROGRAM();

static volatile u64 irqs, nmis, irq_rip;

static void on_irq(struct frame *f)
{
	irqs++;
	irq_rip = f->rip;
	apic_eoi();
}

static void on_nmi(struct frame *f)
{
	nmis++;
	irq_rip = f->rip;
}

int main(void)
{
	u64 after;

	set_handler(0x40, on_irq);
	set_handler(NMI, on_nmi);
	apic_enable();

	/* An interrupt that waits is taken after the instruction behind STI. */
	apic_ipi(ICR_SELF | ICR_ASSERT | 0x40, 0);
	CHECK_EQ("interrupts while IF is clear", irqs, 0);
	asm volatile("lea 1f(%%rip), %0; sti; nop; 1: nop; cli" : "=r"(after) :: "memory");
	CHECK_EQ("interrupts after STI", irqs, 1);
	CHECK_EQ("where it was taken", irq_rip, after);

	/* STI; CLI: never a window. */
	apic_ipi(ICR_SELF | ICR_ASSERT | 0x40, 0);
	asm volatile("sti; cli; nop; nop" ::: "memory");
	CHECK_EQ("interrupts between STI and CLI", irqs, 1);

	/* STI; HLT with an interrupt waiting: HLT does not wait. */
	asm volatile("lea 1f(%%rip), %0; sti; hlt; 1: cli" : "=r"(after) :: "memory");
	CHECK_EQ("interrupts after STI and HLT", irqs, 2);
	CHECK_EQ("where it was taken", irq_rip, after);

	/* HLT, woken later by the timer. Not often: TCG forgets a shadow at VMRUN. */
	for (int i = 0; i < 4; i++) {
		apic_write(APIC_TIMER_DIV, 0xb);
		apic_write(APIC_LVT_TIMER, 0x40);
		apic_write(APIC_TIMER_INIT, 1000000);
		asm volatile("lea 1f(%%rip), %0; sti; hlt; 1: cli" : "=r"(after) :: "memory");
		CHECK_EQ("timer interrupts", irqs, 3 + i);
		CHECK_EQ("where it was taken", irq_rip, after);
	}

	/* STI with IF set already has no shadow; POPF has none. */
	apic_ipi(ICR_SELF | ICR_ASSERT | 0x40, 0);
	asm volatile("lea 1f(%%rip), %0; pushfq; orl $0x200, (%%rsp); popfq; 1: nop; nop; cli"
		     : "=r"(after) :: "memory");
	CHECK_EQ("interrupts after POPF", irqs, 7);
	CHECK_EQ("where it was taken", irq_rip, after);

	/* A masked interrupt does not end HLT, an NMI does. */
	host_later(50, CALL_NMI, 0, 0, 0, 0);
	apic_ipi(ICR_SELF | ICR_ASSERT | 0x40, 0);
	asm volatile("lea 1f(%%rip), %0; cli; hlt; 1:" : "=r"(after) :: "memory");
	CHECK_EQ("NMIs", nmis, 1);
	CHECK_EQ("where it was taken", irq_rip, after);
	CHECK_EQ("interrupts", irqs, 7);
	sti();
	asm volatile("nop");
	cli();
	CHECK_EQ("interrupts at last", irqs, 8);

	/* MOV SS holds interrupts off for one instruction. */
	apic_ipi(ICR_SELF | ICR_ASSERT | 0x40, 0);
	asm volatile("lea 1f(%%rip), %0; mov %%ss, %%ecx; sti; mov %%ecx, %%ss; nop; 1: nop; cli"
		     : "=r"(after) :: "rcx", "memory");
	CHECK_EQ("interrupts after MOV SS", irqs, 9);
	/* A second shadow right behind the first may not count: both places are allowed. */
	CHECK(irq_rip == after || irq_rip == after - 1, "taken at 0x%lx, not 0x%lx", irq_rip, after);
	return 0;
}
