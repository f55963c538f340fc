// SPDX-License-Identifier: GPL-2.0-only
/*
 * From long mode to 32-bit protected mode and to real mode, and back, many
 * times; what EFER.LMA and CR0 say on each stage.
 * AMD APM vol. 2, "Leaving Long Mode".
 */
#include "lib.h"

PROGRAM(.seconds = 60);

extern volatile u32 m_efer, m_cr0;

asm(
"	.section .text16, \"ax\"\n"
"	.code16\n"
"real_look:\n"
"	movl	%cr0, %eax\n"
"	movl	%eax, m_cr0\n"
"	movl	$0xc0000080, %ecx\n"
"	rdmsr\n"
"	movl	%eax, m_efer\n"
"	incl	m_count\n"
"	movl	m_count, %eax\n"
"	ret\n"
"	.balign 4\n"
"	.globl m_efer, m_cr0, real_look, protected_look\n"
"m_efer:	.long 0\n"
"m_cr0:		.long 0\n"
"m_count:	.long 0\n"
"	.text\n"
"	.code32\n"
"protected_look:\n"
"	movl	%cr0, %eax\n"
"	movl	%eax, m_cr0\n"
"	movl	$0xc0000080, %ecx\n"
"	rdmsr\n"
"	movl	%eax, m_efer\n"
"	incl	m_count\n"
"	movl	m_count, %eax\n"
"	ret\n"
"	.code64\n");

void real_look(void);
void protected_look(void);

int main(void)
{
	for (int i = 0; i < 200; i += 2) {
		CHECK_EQ("calls so far", call_real(real_look), i + 1);
		CHECK_EQ("CR0.PE and PG in real mode", m_cr0 & (CR0_PE | CR0_PG), 0);
		CHECK_EQ("EFER.LMA in real mode", m_efer & EFER_LMA, 0);
		CHECK_EQ("calls so far", call_protected(protected_look), i + 2);
		CHECK_EQ("CR0 in protected mode", m_cr0 & (CR0_PE | CR0_PG), CR0_PE);
		CHECK_EQ("EFER.LMA in protected mode", m_efer & EFER_LMA, 0);
		CHECK_EQ("EFER.LMA in long mode", rdmsr(MSR_EFER) & EFER_LMA, EFER_LMA);
	}
	/*
	 * What long mode does not allow. Not looked at: CR0, of which QEMU's
	 * TCG takes any value (PG without PE too) where the hypervisor does not
	 * intercept the write; the upper half of CR4, which in-tree KVM's emulator
	 * ignores.
	 */
	EXPECT(GP, "clearing CR4.PAE in long mode", write_cr4(read_cr4() & ~(u64)CR4_PAE));
	EXPECT(GP, "clearing EFER.LME with paging on",
	       wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(u64)EFER_LME));
	EXPECT(GP, "CR4 bit 29, reserved", write_cr4(read_cr4() | 1ull << 29));
	EXPECT(-1, "CR0 reserved low bits are ignored", write_cr0(read_cr0() | 1 << 6));
	return 0;
}
