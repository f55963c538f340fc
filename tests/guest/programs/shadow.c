// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt shadow of STI and MOV SS around instructions that the hypervisor
 * does, and NMIs: none is taken right behind a MOV to SS.
 * AMD APM vol. 2, "Interrupt Shadows", vol. 3, STI, MOV.
 */
#include "lib.h"

PROGRAM(.vcpus = 2, .seconds = 60);

static volatile u64 irqs, irq_rip;

static void on_irq(struct frame *f)
{
	irqs++;
	irq_rip = f->rip;
	apic_eoi();
}

/* Each: STI, an instruction, then where the waiting interrupt is taken. */
#define CASE(name, insn)						\
	asm(#name ": movl $0x600, %edx; movl $0x277, %ecx; movl $1, %eax\n"	\
	    "push %rbx; movl $0xd0000000, %esi; movl $0xd0000100, %edi\n"	\
	    "sti\n" insn "\n" #name "_at: nop; nop; cli; pop %rbx; ret");	\
	void name(void);						\
	extern const u8 name##_at[]

CASE(after_nop, "nop");
CASE(after_cpuid, "cpuid");
CASE(after_in, "inb %dx, %al");
CASE(after_out, "outb %al, %dx");
CASE(after_rdmsr, "rdmsr");
CASE(after_hypercall, "hypercall_insn: vmmcall");
extern u8 hypercall_insn[];
CASE(after_mmio_read, "movl (%rsi), %eax");
CASE(after_mmio_write, "movl %eax, (%rsi)");
CASE(after_mmio_movs, "movsl");
CASE(after_cr4, "mov %cr4, %rax");

static const struct {
	const char *name;
	void (*function)(void);
	const u8 *at;
} cases[] = {
	{ "NOP", after_nop, after_nop_at },
	{ "CPUID", after_cpuid, after_cpuid_at },
	{ "IN", after_in, after_in_at },
	{ "OUT", after_out, after_out_at },
	{ "RDMSR", after_rdmsr, after_rdmsr_at },
	{ "a hypercall", after_hypercall, after_hypercall_at },
	{ "a read of a device", after_mmio_read, after_mmio_read_at },
	{ "a write to a device", after_mmio_write, after_mmio_write_at },
	{ "a move in a device", after_mmio_movs, after_mmio_movs_at },
	{ "MOV from CR4", after_cr4, after_cr4_at },
};

/*
 * QEMU's TCG forgets the shadow when an interrupt of the host ends the entry in it: seldom,
 * as it takes one at that very instruction.
 */
#define STI_ROUNDS 20

static void after_sti(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int early = 0;

		for (unsigned int round = 0; round < STI_ROUNDS; round++) {
			irqs = 0;
			apic_ipi(ICR_SELF | ICR_ASSERT | 0x40, 0);
			cases[i].function();
			CHECK(irqs == 1, "STI and %s: %lu interrupts", cases[i].name, irqs);
			if (irq_rip < (u64)cases[i].at) {
				early++;
				continue;
			}
			CHECK(irq_rip == (u64)cases[i].at, "STI and %s: taken at 0x%lx, not 0x%lx",
			      cases[i].name, irq_rip, (u64)cases[i].at);
		}
		CHECK(early <= STI_ROUNDS / 10, "STI and %s: taken before it %u times of %u",
		      cases[i].name, early, STI_ROUNDS);
	}
}

/* CPU 1 sends NMIs while CPU 0 moves to SS all the time. */
static volatile bool stop;
static volatile u64 nmis, wrong;
void ss_loop(void);
extern const u8 ss_shadow[], ss_shadow2[];
asm(
"ss_loop:\n"
"	movl	%ss, %eax\n"
"1:	movl	%eax, %ss\n"
"ss_shadow:\n"
"	nop\n"
"	nop\n"
"	pushq	%rax\n"
"	popq	%rcx\n"
"	movl	%ecx, %ss\n"
"ss_shadow2:\n"
"	pushq	%rax\n"
"	popq	%rcx\n"
"	cmpb	$0, stop\n"
"	je	1b\n"
"	ret\n");

static void on_nmi(struct frame *f)
{
	nmis++;
	if (f->rip == (u64)ss_shadow || f->rip == (u64)ss_shadow2)
		wrong++;
	if (f->rflags & RFLAGS_TF)
		fail("TF is set in the flags of an NMI");
}

static void send_nmis(void *unused)
{
	for (int i = 0; i < 300; i++) {
		u64 before = nmis;

		apic_ipi(ICR_NMI | ICR_ASSERT, 0);
		if (!WAIT(nmis != before, 5000))
			fail("NMI %d did not come", i);
	}
	stop = true;
}

int main(void)
{
	set_handler(0x40, on_irq);
	set_handler(NMI, on_nmi);
	apic_enable();
	/* VMCALL on Intel's CPUs, where the other is an exception: Bochs ends the shadow with it. */
	if (cpuid(0, 0).ecx == 0x6c65746e)
		hypercall_insn[2] = 0xc1;
	after_sti();
	smp_start(1);
	run_on(1, send_nmis, NULL);
	/* With interrupts on, for Bochs: see init_sipi.c. */
	sti();
	ss_loop();
	cli();
	wait_for(1);
	CHECK_EQ("NMIs", nmis, 300);
	/* QEMU's TCG forgets the shadow when an entry is left at once: 63 of 100 were wrong without it. */
	CHECK(wrong < nmis / 20, "%lu of %lu NMIs came right behind a MOV to SS", wrong, nmis);
	return 0;
}
