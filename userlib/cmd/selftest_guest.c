// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guest programs of `kvmx check`: 32-bit code without paging, copied to
 * GUEST_CODE. Run by selftest.c and selftest_state.c, which play the other part of
 * each dialogue.
 */
#include "selftest.h"

#define TEXT_OF(x)	#x
#define TEXT(x)		TEXT_OF(x)
#define TELL		"mov $" TEXT(PORT_TELL) ", %edx; out %eax, (%dx)\n"
#define ASK		"mov $" TEXT(PORT_ASK) ", %edx; in (%dx), %eax\n"
#define APIC(reg)	"0xfee00" TEXT(reg)

__asm__(".pushsection .rodata\n"
	".code32\n"
	".globl selftest_code, selftest_code_end\n"
	"selftest_code:\n"

	/* A port read and written, memory that is not there, CPUID, HLT. */
	".globl selftest_exits\n"
	"selftest_exits:\n"
	ASK
	"add $0x01020304, %eax\n"
	TELL
	"mov 0xd0000000, %eax\n"
	"not %eax\n"
	"mov %eax, 0xd0000008\n"
	"xor %eax, %eax\n"
	"cpuid\n"
	"mov %ebx, %eax\n"
	TELL
	"hlt\n"

	/* Three sources of interrupts, one after the other; EBX counts. */
	".globl selftest_interrupts\n"
	"selftest_interrupts:\n"
	"mov $0xff, %al\n"			/* the PICs mask all they have */
	"out %al, $0x21\n"
	"out %al, $0xa1\n"
	"movl $0x1ff, " APIC(0f0) "\n"		/* spurious vector; APIC on */
	"xor %ebx, %ebx\n"
	"mov $" TEXT(READY_FOR_MSI) ", %eax\n"
	TELL
	"mov $0x001, %ecx\n"
	"call 1f\n"
	"movl $0xb, " APIC(3e0) "\n"		/* timer: divide by 1, once */
	"movl $" TEXT(VECTOR_TIMER) ", " APIC(320) "\n"
	"movl $1000000, " APIC(380) "\n"
	"mov $0x101, %ecx\n"
	"call 1f\n"
	"movl $0x1b, 0xfec00000\n"		/* pin 5: to APIC 0, by an edge */
	"movl $0, 0xfec00010\n"
	"movl $0x1a, 0xfec00000\n"
	"movl $" TEXT(VECTOR_LINE) ", 0xfec00010\n"
	"mov $" TEXT(READY_FOR_LINE) ", %eax\n"
	TELL
	"mov $0x10101, %ecx\n"
	"call 1f\n"
	"hlt\n"
	/* Sleep until EBX is ECX, and tell it. */
	"1: cli\n"
	"cmp %ecx, %ebx\n"
	"je 2f\n"
	"sti\n"
	"hlt\n"
	"jmp 1b\n"
	"2: mov %ebx, %eax\n"
	TELL
	"ret\n"
	".globl selftest_on_msi, selftest_on_timer, selftest_on_line\n"
	"selftest_on_msi: add $0x1, %ebx\n"
	"jmp 3f\n"
	"selftest_on_timer: add $0x100, %ebx\n"
	"jmp 3f\n"
	"selftest_on_line: add $0x10000, %ebx\n"
	"3: movl $0, " APIC(0b0) "\n"		/* end of interrupt */
	"iret\n"

	/* Write a byte to each address that is answered; none ends a round. */
	".globl selftest_dirty\n"
	"selftest_dirty:\n"
	ASK
	"test %eax, %eax\n"
	"jz 4f\n"
	"incb (%eax)\n"
	"jmp selftest_dirty\n"
	"4: " TELL
	"jmp selftest_dirty\n"

	/* A sequence that depends on registers, x87, an MSR and memory. */
	".globl selftest_state\n"
	"selftest_state:\n"
	"fninit\n"
	"fldz\n"
	"5: fld1\n"
	"faddp\n"
	"fistl " TEXT(GUEST_TABLE) "\n"
	"imul $1664525, %esi\n"
	"add $1013904223, %esi\n"
	"mov $0xc0000102, %ecx\n"		/* KERNEL_GS_BASE */
	"rdmsr\n"
	"add %esi, %eax\n"
	"adc $1, %ebp\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"mov %esi, %edi\n"
	"shr $12, %edi\n"
	"and $0xfff, %edi\n"
	"xor %eax, " TEXT(GUEST_TABLE) "(,%edi,4)\n"
	"mov " TEXT(GUEST_TABLE) "(,%edi,4), %eax\n"
	"add " TEXT(GUEST_TABLE) ", %eax\n"
	"add %ebp, %eax\n"
	TELL
	"jmp 5b\n"

	"selftest_code_end:\n"
	".code64\n"
	".popsection\n");
