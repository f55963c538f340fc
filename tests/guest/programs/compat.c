// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compatibility mode: 32-bit operands and addresses, instructions that 64-bit mode
 * does not have, and device accesses, which the hypervisor does: address size,
 * wrap-around, segment bases and limits.
 * QEMU's TCG checks no segment limits; those of device accesses that are emulated,
 * which a plain MOV is not, are the hypervisor's.
 * AMD APM vol. 2, "Compatibility Mode"; "Segmentation Data Segment Limit Checks".
 */
#include "lib.h"

PROGRAM();

#define SEL_SMALL	SEL_FREE		/* base MMIO_ADDRESS, limit 0xff */
#define SEL_READ_ONLY	(SEL_FREE + 0x08)	/* the same, read-only */
#define SEL_DOWN	(SEL_FREE + 0x10)	/* base MMIO_ADDRESS - 0x1000, valid above 0x0fff */

extern volatile u32 in32[4], out32[8];
volatile u32 in32[4], out32[8];

/* A function of compatibility mode. */
#define COMPAT(name, code)					\
	void name(void);					\
	asm(".code32\n" #name ":\n" code "\n lret\n.code64\n")

COMPAT(basic,
	"pushl	$0x11223344; popl out32\n"
	"movl	$-1, %eax; incl %eax; movl %eax, out32 + 4\n"	/* opcodes 0x40 are INC */
	"movl	$0x99, %eax; aam $10; movl %eax, out32 + 8\n"
	"pushal; movl 24(%esp), %ecx; movl %ecx, out32 + 12; popal\n"
	"movl	%esp, %edx; pushw $5; subl %esp, %edx; movl %edx, out32 + 16; popw %ax\n"
	"movl	$0xf0000000, %ecx; leal 0x20000000(%ecx), %ecx; movl %ecx, out32 + 20\n"
	"call	1f; 1: popl %ecx; subl $1b, %ecx; movl %ecx, out32 + 24");
COMPAT(device,
	"movl	$0xd0000000, %ebx\n"
	"movl	$0x12345678, (%ebx); movl (%ebx), %eax; movl %eax, out32\n"
	"movl	$0xe0000000, %esi; movl -0x10000000(%esi), %eax; movl %eax, out32 + 4\n"
	/* 0xf0000000 + 0xe0000000 wraps to 0xd0000000. */
	"movl	$0xf0000000, %esi; movl $0xe0000000, %ecx; movl (%esi,%ecx), %eax\n"
	"movl	%eax, out32 + 8\n"
	"pushl	(%ebx); popl 4(%ebx); movl 4(%ebx), %eax; movl %eax, out32 + 12\n"
	"movl	%ebx, %edi; leal 4(%ebx), %esi; movl $2, %ecx; cld; rep cmpsl; movl %ecx, out32 + 16");
COMPAT(small_read, "movl in32, %esi; movw $0x48, %ax; movw %ax, %fs; xorl %eax, %eax; orl %fs:(%esi), %eax; movl %eax, out32");
COMPAT(small_write, "movl in32, %esi; movw $0x48, %ax; movw %ax, %fs; xchgl %eax, %fs:(%esi)");
COMPAT(ro_read, "movl in32, %esi; movw $0x50, %ax; movw %ax, %fs; xorl %eax, %eax; orl %fs:(%esi), %eax; movl %eax, out32");
COMPAT(ro_write, "movl in32, %esi; movw $0x50, %ax; movw %ax, %fs; xchgl %eax, %fs:(%esi)");
COMPAT(down_read, "movl in32, %esi; movw $0x58, %ax; movw %ax, %fs; xorl %eax, %eax; orl %fs:(%esi), %eax; movl %eax, out32");
COMPAT(code_write, "movl in32, %esi; xchgl %eax, %cs:(%esi)");
COMPAT(null_read, "movl in32, %esi; xorl %eax, %eax; movw %ax, %fs; orl %fs:(%esi), %eax");

static int at(void (*function)(void), u32 offset)
{
	in32[0] = offset;
	return CATCH(call_compat(function, SEL_CODE32));
}

static void limits(void)
{
	*(volatile u32 *)(MMIO_ADDRESS + 0xfc) = 0xaabbccdd;
	CHECK_EQ("the last dword of a segment", at(small_read, 0xfc), -1);
	CHECK_EQ("what it reads", out32[0], 0xaabbccdd);
	CHECK_EQ("a dword over the limit", at(small_read, 0xfd), GP);
	CHECK_EQ("its error code", caught()->error, 0);
	CHECK_EQ("a dword beyond the limit", at(small_read, 0x100), GP);
	CHECK_EQ("an offset that wraps", at(small_read, 0xfffffffe), GP);
	CHECK_EQ("a write beyond the limit", at(small_write, 0x100), GP);
	CHECK_EQ("a write within", at(small_write, 0x80), -1);
	CHECK_EQ("a read of a read-only segment", at(ro_read, 0x10), -1);
	CHECK_EQ("a write to a read-only segment", at(ro_write, 0x10), GP);
	CHECK_EQ("a write through CS", at(code_write, MMIO_ADDRESS), GP);
	CHECK_EQ("a null segment", at(null_read, MMIO_ADDRESS), GP);
	*(volatile u32 *)MMIO_ADDRESS = 0x5a5a5a5a;
	CHECK_EQ("an expand-down segment above its limit", at(down_read, 0x1000), -1);
	CHECK_EQ("what it reads", out32[0], 0x5a5a5a5a);
	CHECK_EQ("an expand-down segment below", at(down_read, 0xfff), GP);
	asm volatile("mov %0, %%fs" :: "r"(0));
}

static u64 descriptor(u32 base, u32 limit, u8 type, u8 flags)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)type << 40 |
	       (u64)(limit >> 16 & 15) << 48 | (u64)flags << 52 | (u64)(base >> 24) << 56;
}

int main(void)
{
	call_compat(basic, SEL_CODE32);
	CHECK_EQ("PUSH and POP", out32[0], 0x11223344);
	CHECK_EQ("INC of -1", out32[1], 0);
	CHECK_EQ("AAM", out32[2], 0x0f03);
	CHECK_EQ("ECX in PUSHA's frame", out32[3], out32[3]);
	CHECK_EQ("what PUSHW moves ESP by", out32[4], 2);
	CHECK_EQ("LEA wraps", out32[5], 0x10000000);
	CHECK_EQ("CALL's return address", out32[6], 0);

	call_compat(device, SEL_CODE32);
	CHECK_EQ("a device's dword", out32[0], 0x12345678);
	CHECK_EQ("by a negative displacement", out32[1], 0x12345678);
	CHECK_EQ("by an address that wraps", out32[2], 0x12345678);
	CHECK_EQ("PUSH and POP of it", out32[3], 0x12345678);
	CHECK_EQ("ECX after REPE CMPSL", out32[4], 0);

	gdt[SEL_SMALL / 8] = descriptor(MMIO_ADDRESS, 0xff, 0x93, 4);
	gdt[SEL_READ_ONLY / 8] = descriptor(MMIO_ADDRESS, 0xff, 0x91, 4);
	gdt[SEL_DOWN / 8] = descriptor(MMIO_ADDRESS - 0x1000, 0xfff, 0x97, 4);
	limits();
	return 0;
}
