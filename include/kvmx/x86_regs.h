/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Architectural constants of x86 that the guest floor, the units and the
 * emulator share: register numbers, segments and events, exception vectors,
 * MSRs and bits. CR and RFLAGS bits come from the kernel's uapi header.
 */
#ifndef KVMX_X86_REGS_H
#define KVMX_X86_REGS_H

#include <linux/types.h>
#include <linux/bits.h>
#include <asm/processor-flags.h>

#ifndef X86_CR4_LA57
#define X86_CR4_LA57		(1ul << 12)
#endif
#ifndef X86_CR4_PKS
#define X86_CR4_PKS		(1ul << 24)
#endif
#ifndef X86_CR4_CET
#define X86_CR4_CET		(1ul << 23)
#endif

/* General registers in the order of their encoding. */
enum x86_gpr {
	X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
	X86_GPRS,
};

/* Segment registers in the order of their encoding, then the two system ones. */
enum x86_seg_reg {
	X86_SEG_ES, X86_SEG_CS, X86_SEG_SS, X86_SEG_DS, X86_SEG_FS, X86_SEG_GS,
	X86_SEG_LDTR, X86_SEG_TR,
	X86_SEGS,
};

struct x86_segment {
	u64 base;
	u32 limit;		/* in bytes, granularity applied */
	u16 selector;
	u16 attr;		/* X86_ATTR_*: descriptor bits 40-47 and 52-55, packed */
};

struct x86_table {
	u64 base;
	u16 limit;
};

enum x86_event_type {
	X86_EVENT_NONE,
	X86_EVENT_INTR,		/* external interrupt */
	X86_EVENT_NMI,
	X86_EVENT_EXCEPTION,
	X86_EVENT_SOFT_INT,	/* INT n */
	X86_EVENT_SOFT_EXC,	/* INT3, INTO */
};

struct x86_event {
	u8 type;		/* enum x86_event_type */
	u8 vector;
	u8 insn_len;		/* of the INT for the soft types */
	bool has_error;
	u32 error;
};

/* Exception vectors (Intel SDM, "Exceptions and Interrupts"). */
enum {
	X86_EXC_DE = 0, X86_EXC_DB = 1, X86_EXC_NMI = 2, X86_EXC_BP = 3, X86_EXC_OF = 4,
	X86_EXC_BR = 5, X86_EXC_UD = 6, X86_EXC_NM = 7, X86_EXC_DF = 8, X86_EXC_TS = 10,
	X86_EXC_NP = 11, X86_EXC_SS = 12, X86_EXC_GP = 13, X86_EXC_PF = 14, X86_EXC_MF = 16,
	X86_EXC_AC = 17, X86_EXC_MC = 18, X86_EXC_XM = 19, X86_EXC_VE = 20, X86_EXC_CP = 21,
};

/* Page-fault error code. */
#define X86_PF_P		BIT(0)
#define X86_PF_W		BIT(1)
#define X86_PF_U		BIT(2)
#define X86_PF_RSVD		BIT(3)
#define X86_PF_I		BIT(4)
#define X86_PF_PK		BIT(5)

/* struct x86_segment.attr: descriptor bits 40-47, then 52-55. P clear: unusable. */
#define X86_ATTR_TYPE		0x00f
#define X86_ATTR_S		0x010
#define X86_ATTR_DPL(a)		(((a) >> 5) & 3)
#define X86_ATTR_DPL_SHIFT	5
#define X86_ATTR_P		0x080
#define X86_ATTR_AVL		0x100
#define X86_ATTR_L		0x200
#define X86_ATTR_DB		0x400
#define X86_ATTR_G		0x800

#define X86_EFER_SCE		(1ull << 0)
#define X86_EFER_LME		(1ull << 8)
#define X86_EFER_LMA		(1ull << 10)
#define X86_EFER_NX		(1ull << 11)
#define X86_EFER_SVME		(1ull << 12)
#define X86_EFER_LMSLE		(1ull << 13)
#define X86_EFER_FFXSR		(1ull << 14)
#define X86_EFER_TCE		(1ull << 15)
#define X86_EFER_AUTOIBRS	(1ull << 21)

#define X86_XCR0_X87		(1ull << 0)
#define X86_XCR0_SSE		(1ull << 1)
#define X86_XCR0_AVX		(1ull << 2)
#define X86_XCR0_AVX512		(7ull << 5)

#define X86_DR6_FIXED		0xffff0ff0ull	/* bits that read as 1, RTM and BLD included */
#define X86_DR6_STATUS		0xe00full	/* bits that say what happened */
#define X86_DR6_BD		(1ull << 13)
#define X86_DR6_BS		(1ull << 14)
#define X86_DR6_BT		(1ull << 15)
#define X86_DR7_FIXED		0x400ull
#define X86_DR7_WRITABLE	0xffff2fffull
#define X86_DR7_GD		(1ull << 13)

/* MSR numbers (Intel SDM volume 4; AMD APM volume 2, "Model-Specific Registers"). */
#define X86_MSR_P5_MC_ADDR	0x00000000
#define X86_MSR_P5_MC_TYPE	0x00000001
#define X86_MSR_TSC		0x00000010
#define X86_MSR_PLATFORM_ID	0x00000017
#define X86_MSR_APIC_BASE	0x0000001b
#define X86_MSR_EBL_CR_POWERON	0x0000002a
#define X86_MSR_FEATURE_CONTROL	0x0000003a
#define X86_MSR_TSC_ADJUST	0x0000003b
#define X86_MSR_SPEC_CTRL	0x00000048
#define X86_MSR_PRED_CMD	0x00000049
#define X86_MSR_UCODE_WRITE	0x00000079
#define X86_MSR_UCODE_REV	0x0000008b
#define X86_MSR_PLATFORM_INFO	0x000000ce
#define X86_MSR_MTRRCAP		0x000000fe
#define X86_MSR_ARCH_CAP	0x0000010a
#define X86_MSR_FLUSH_CMD	0x0000010b
#define X86_MSR_SYSENTER_CS	0x00000174
#define X86_MSR_SYSENTER_ESP	0x00000175
#define X86_MSR_SYSENTER_EIP	0x00000176
#define X86_MSR_MCG_CAP		0x00000179
#define X86_MSR_MCG_STATUS	0x0000017a
#define X86_MSR_MCG_CTL		0x0000017b
#define X86_MSR_MISC_ENABLE	0x000001a0
#define X86_MSR_DEBUGCTL	0x000001d9
#define X86_MSR_LASTBRANCHFROM	0x000001db
#define X86_MSR_LASTBRANCHTO	0x000001dc
#define X86_MSR_LASTINTFROM	0x000001dd
#define X86_MSR_LASTINTTO	0x000001de
#define X86_MSR_POWER_CTL	0x000001fc
#define X86_MSR_MTRR_PHYSBASE0	0x00000200
#define X86_MSR_MTRR_FIX64K	0x00000250
#define X86_MSR_MTRR_FIX16K_80	0x00000258
#define X86_MSR_MTRR_FIX16K_A0	0x00000259
#define X86_MSR_MTRR_FIX4K_C0	0x00000268
#define X86_MSR_MTRR_FIX4K_F8	0x0000026f
#define X86_MSR_PAT		0x00000277
#define X86_MSR_MTRR_DEFTYPE	0x000002ff
#define X86_MSR_PEBS_ENABLE	0x000003f1
#define X86_MSR_MC0_CTL		0x00000400
#define X86_MSR_TSC_DEADLINE	0x000006e0
#define X86_MSR_X2APIC		0x00000800	/* to 0x8ff */
#define X86_MSR_XSS		0x00000da0
#define X86_MSR_EFER		0xc0000080
#define X86_MSR_STAR		0xc0000081
#define X86_MSR_LSTAR		0xc0000082
#define X86_MSR_CSTAR		0xc0000083
#define X86_MSR_SFMASK		0xc0000084
#define X86_MSR_FS_BASE		0xc0000100
#define X86_MSR_GS_BASE		0xc0000101
#define X86_MSR_KERNEL_GS_BASE	0xc0000102
#define X86_MSR_TSC_AUX		0xc0000103
#define X86_MSR_AMD_TSC_RATIO	0xc0000104
#define X86_MSR_SYSCFG		0xc0010010
#define X86_MSR_HWCR		0xc0010015
#define X86_MSR_NB_CFG		0xc001001f
#define X86_MSR_AMD_PATCH_LEVEL	0x0000008b
#define X86_MSR_AMD_PATCH_LOADER 0xc0010020
#define X86_MSR_VM_CR		0xc0010114
#define X86_MSR_VM_HSAVE_PA	0xc0010117
#define X86_MSR_VIRT_SSBD	0xc001011f
#define X86_MSR_AMD_LS_CFG	0xc0011020
#define X86_MSR_AMD_DE_CFG	0xc0011029

/* Local APIC delivery modes and shorthands (Intel SDM, "Interrupt Command Register"). */
#define APIC_DELIVER_FIXED		0
#define APIC_DELIVER_LOWEST	1
#define APIC_DELIVER_SMI		2
#define APIC_DELIVER_REMOTE_READ	3
#define APIC_DELIVER_NMI		4
#define APIC_DELIVER_INIT		5
#define APIC_DELIVER_STARTUP	6
#define APIC_DELIVER_EXTINT	7
#define APIC_SHORT_NONE		0
#define APIC_SHORT_SELF		1
#define APIC_SHORT_ALL		2
#define APIC_SHORT_OTHERS	3

#endif
