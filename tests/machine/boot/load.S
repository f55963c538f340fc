/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot sector of the VT-x machine's disk: reads command line, kernel and initramfs
 * to where they belong and enters the kernel by Linux's 32-bit boot protocol
 * (Documentation/arch/x86/boot.rst). A general boot loader copies each byte several times,
 * which takes an interpreting emulator seconds. Put together by lib/bochs.sh, which
 * defines the *_SECTORS, KERNEL_AT (where the image's setup header lands) and INITRD_SIZE.
 */
#define PARAMS		0x9000
#define E820_COUNT	(PARAMS + 0x1e8)
#define HEADER		0x1f1		/* offsets in the image's head and in boot_params */
#define LOADER_TYPE	0x210
#define RAMDISK_IMAGE	0x218
#define RAMDISK_SIZE	0x21c
#define CMDLINE_POINTER	0x228
#define HEADER_END	0x290
#define E820_TABLE	(PARAMS + 0x2d0)
#define E820_MAX	128

#define CMDLINE_AT	0x20000
#define INITRD_AT	0x6000000

	.code16
	.globl	_start
_start:
	ljmp	$0, $1f
1:	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movw	$PARAMS, %di
	movw	$4096, %cx
	rep stosb

	/* The memory map: INT 15h, E820h. */
	movw	$E820_TABLE, %di
	xorl	%ebx, %ebx
1:	movl	$0xe820, %eax
	movl	$0x534d4150, %edx	/* SMAP */
	movl	$20, %ecx
	int	$0x15
	jc	2f
	addw	$20, %di
	incb	E820_COUNT
	testl	%ebx, %ebx
	jz	2f
	cmpb	$E820_MAX, E820_COUNT
	jb	1b

2:	inb	$0x92, %al		/* A20 */
	orb	$2, %al
	outb	%al, $0x92
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$0x10, $protected

	.code32
protected:
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$0x7c00, %esp
	movb	$2, %al			/* no interrupts from the disk */
	movw	$0x3f6, %dx
	outb	%al, %dx

	movl	$1, %ebx		/* the sector that comes next */
	movl	$CMDLINE_AT, %edi
	movl	$CMDLINE_SECTORS, %ebp
	call	read
	movl	$KERNEL_AT, %edi
	movl	$KERNEL_SECTORS, %ebp
	call	read
	movl	$INITRD_AT, %edi
	movl	$INITRD_SECTORS, %ebp
	call	read

	movl	$(KERNEL_AT + HEADER), %esi
	movl	$(PARAMS + HEADER), %edi
	movl	$(HEADER_END - HEADER), %ecx
	rep movsb
	movl	$PARAMS, %esi
	movb	$0xff, LOADER_TYPE(%esi)
	movl	$INITRD_AT, RAMDISK_IMAGE(%esi)
	movl	$INITRD_SIZE, RAMDISK_SIZE(%esi)
	movl	$CMDLINE_AT, CMDLINE_POINTER(%esi)
	movzbl	KERNEL_AT + HEADER, %eax	/* setup_sects */
	incl	%eax
	shll	$9, %eax
	addl	$KERNEL_AT, %eax
	xorl	%ebx, %ebx
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	jmp	*%eax

	/* %ebp sectors from sector %ebx to %edi, by programmed I/O of the first ATA disk. */
read:
	movl	%ebp, %ecx
	cmpl	$256, %ecx
	jbe	1f
	movl	$256, %ecx
1:	subl	%ecx, %ebp
	movw	$0x1f2, %dx
	movb	%cl, %al		/* 0 stands for 256 */
	outb	%al, %dx
	movl	%ebx, %eax
	orl	$0xe0000000, %eax	/* LBA */
	movl	$4, %esi
1:	incl	%edx
	outb	%al, %dx
	shrl	$8, %eax
	decl	%esi
	jnz	1b
	incl	%edx
	movb	$0x20, %al		/* READ SECTORS */
	outb	%al, %dx
	addl	%ecx, %ebx
2:	movw	$0x1f7, %dx
3:	inb	%dx, %al
	andb	$0x88, %al		/* BSY, DRQ */
	cmpb	$8, %al
	jne	3b
	pushl	%ecx
	movw	$0x1f0, %dx
	movl	$128, %ecx
	rep insl
	popl	%ecx
	loop	2b
	testl	%ebp, %ebp
	jnz	read
	ret

	.balign	8
gdt:
	.quad	0, 0
	.quad	0x00cf9b000000ffff	/* 0x10: code */
	.quad	0x00cf93000000ffff	/* 0x18: data */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	.org	510
	.word	0xaa55
	.section .note.GNU-stack, "", @progbits
