/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits and numbers of the processor, and of the programs' own tables. */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "../protocol.h"

#define MAX_CPUS	4
#define CPU_STACK	8192
#define REAL_STACK	0x7000

#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define SEL_CODE16	0x20
#define SEL_DATA16	0x28
#define SEL_USER_CODE32	0x30
#define SEL_USER_DATA	0x38
#define SEL_USER_CODE64	0x40
#define SEL_FREE	0x48	/* up to SEL_TSS: for programs */
#define SEL_TSS		0xc0	/* 16 bytes for each CPU */

#define VECTOR_USER_EXIT	0x80

/* #DF #TS #NP #SS #GP #PF #AC */
#define ERROR_CODE_VECTORS	0x27d00

#define DE	0
#define DB	1
#define NMI	2
#define BP	3
#define OF	4
#define BR	5
#define UD	6
#define NM	7
#define DF	8
#define TS	10
#define NP	11
#define SS	12
#define GP	13
#define PF	14
#define MF	16
#define AC	17
#define XM	19

#define CR0_PE	(1 << 0)
#define CR0_MP	(1 << 1)
#define CR0_EM	(1 << 2)
#define CR0_TS	(1 << 3)
#define CR0_NE	(1 << 5)
#define CR0_WP	(1 << 16)
#define CR0_AM	(1 << 18)
#define CR0_NW	(1 << 29)
#define CR0_CD	(1 << 30)
#define CR0_PG	0x80000000

#define CR4_TSD		(1 << 2)
#define CR4_DE		(1 << 3)
#define CR4_PSE		(1 << 4)
#define CR4_PAE		(1 << 5)
#define CR4_PGE		(1 << 7)
#define CR4_PCE		(1 << 8)
#define CR4_OSFXSR	(1 << 9)
#define CR4_OSXMMEXCPT	(1 << 10)
#define CR4_UMIP	(1 << 11)
#define CR4_LA57	(1 << 12)
#define CR4_FSGSBASE	(1 << 16)
#define CR4_PCIDE	(1 << 17)
#define CR4_OSXSAVE	(1 << 18)
#define CR4_SMEP	(1 << 20)
#define CR4_SMAP	(1 << 21)

#define EFER_SCE	(1 << 0)
#define EFER_LME	(1 << 8)
#define EFER_LMA	(1 << 10)
#define EFER_NXE	(1 << 11)
#define EFER_SVME	(1 << 12)

#define RFLAGS_CF	(1 << 0)
#define RFLAGS_ZF	(1 << 6)
#define RFLAGS_TF	(1 << 8)
#define RFLAGS_IF	(1 << 9)
#define RFLAGS_DF	(1 << 10)
#define RFLAGS_RF	(1 << 16)
#define RFLAGS_AC	(1 << 18)
#define RFLAGS_ID	(1 << 21)

#define PTE_P		(1ull << 0)
#define PTE_W		(1ull << 1)
#define PTE_U		(1ull << 2)
#define PTE_A		(1ull << 5)
#define PTE_D		(1ull << 6)
#define PTE_PS		(1ull << 7)
#define PTE_G		(1ull << 8)
#define PTE_NX		(1ull << 63)
#define PTE_ADDRESS	0x000ffffffffff000ull

#define PF_P	1
#define PF_W	2
#define PF_U	4
#define PF_RSVD	8
#define PF_I	16

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_TSC_ADJUST		0x3b
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_PAT			0x277
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC		0x800
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SFMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103

#endif
