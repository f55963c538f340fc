/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest code of the arm64 tests: position-independent pieces between GUEST and
 * END, which vm_start() copies to guest memory at address 0 and starts there. x19 is
 * the address of a device, where a store of 32 bits at 0 reports a value and one
 * at 0x100 ends the program.
 */
	.macro	GUEST name
	.balign	4096
	.globl	\name
\name:
	.endm

	.macro	END name
	.globl	\name\()_end
\name\()_end:
	.endm

	.macro	REPORT reg
	str	\reg, [x19]
	.endm

	.macro	DONE
	str	wzr, [x19, #0x100]
1:	b	1b
	.endm
