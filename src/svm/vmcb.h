/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layout and numbers of AMD's virtual machine control block (AMD APM volume 2,
 * appendices B "VMCB Layout" and C "SVM Intercept Exit Codes"). Only src/svm
 * knows them.
 */
#ifndef SVM_VMCB_H
#define SVM_VMCB_H

#include <linux/types.h>
#include <linux/build_bug.h>

struct vmcb_segment {
	u16 selector;
	u16 attr;
	u32 limit;
	u64 base;
} __packed;

struct vmcb_control {
	u32 intercept_cr;		/* 0x000: reads 0-15, writes 16-31 */
	u32 intercept_dr;		/* 0x004 */
	u32 intercept_exc;		/* 0x008 */
	u32 intercept_1;		/* 0x00c */
	u32 intercept_2;		/* 0x010 */
	u32 intercept_3;		/* 0x014 */
	u8 reserved_018[0x03c - 0x018];
	u16 pause_threshold;		/* 0x03c */
	u16 pause_count;		/* 0x03e */
	u64 iopm_pa;			/* 0x040 */
	u64 msrpm_pa;			/* 0x048 */
	u64 tsc_offset;			/* 0x050 */
	u32 asid;			/* 0x058 */
	u8 tlb_control;			/* 0x05c */
	u8 reserved_05d[3];
	u8 v_tpr;			/* 0x060 */
	u8 v_irq;			/* 0x061: V_IRQ, VGIF, V_NMI */
	u8 v_prio;			/* 0x062: priority, ignore TPR */
	u8 v_control;			/* 0x063: V_INTR_MASKING, VGIF and V_NMI enable */
	u8 v_vector;			/* 0x064 */
	u8 reserved_065[3];
	u64 int_state;			/* 0x068: bit 0 interrupt shadow */
	u32 exit_code;			/* 0x070 */
	u32 exit_code_high;		/* 0x074 */
	u64 exit_info_1;		/* 0x078 */
	u64 exit_info_2;		/* 0x080 */
	u64 exit_int_info;		/* 0x088 */
	u64 nested_ctl;			/* 0x090: bit 0 nested paging */
	u8 reserved_098[0x0a8 - 0x098];
	u64 event_inj;			/* 0x0a8 */
	u64 nested_cr3;			/* 0x0b0 */
	u64 virt_ext;			/* 0x0b8: LBR virtualization, virtual VMLOAD */
	u32 clean;			/* 0x0c0 */
	u32 reserved_0c4;
	u64 next_rip;			/* 0x0c8 */
	u8 nr_bytes;			/* 0x0d0 */
	u8 bytes[15];			/* 0x0d1 */
	u8 reserved_0e0[0x400 - 0x0e0];
} __packed;

struct vmcb_save {
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;	/* 0x000 */
	u8 reserved_0a0[0x0cb - 0x0a0];
	u8 cpl;				/* 0x0cb */
	u32 reserved_0cc;
	u64 efer;			/* 0x0d0 */
	u8 reserved_0d8[0x148 - 0x0d8];
	u64 cr4;			/* 0x148 */
	u64 cr3;			/* 0x150 */
	u64 cr0;			/* 0x158 */
	u64 dr7;			/* 0x160 */
	u64 dr6;			/* 0x168 */
	u64 rflags;			/* 0x170 */
	u64 rip;			/* 0x178 */
	u8 reserved_180[0x1d8 - 0x180];
	u64 rsp;			/* 0x1d8 */
	u8 reserved_1e0[0x1f8 - 0x1e0];
	u64 rax;			/* 0x1f8 */
	u64 star;			/* 0x200 */
	u64 lstar;			/* 0x208 */
	u64 cstar;			/* 0x210 */
	u64 sfmask;			/* 0x218 */
	u64 kernel_gs_base;		/* 0x220 */
	u64 sysenter_cs;		/* 0x228 */
	u64 sysenter_esp;		/* 0x230 */
	u64 sysenter_eip;		/* 0x238 */
	u64 cr2;			/* 0x240 */
	u8 reserved_248[0x268 - 0x248];
	u64 pat;			/* 0x268 */
	u64 debugctl;			/* 0x270 */
	u8 reserved_278[0xc00 - 0x278];
} __packed;

struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
} __packed;

static_assert(offsetof(struct vmcb_control, tlb_control) == 0x05c);
static_assert(offsetof(struct vmcb_control, exit_code) == 0x070);
static_assert(offsetof(struct vmcb_control, event_inj) == 0x0a8);
static_assert(offsetof(struct vmcb_control, bytes) == 0x0d1);
static_assert(offsetof(struct vmcb_save, cpl) == 0x0cb);
static_assert(offsetof(struct vmcb_save, cr4) == 0x148);
static_assert(offsetof(struct vmcb_save, rsp) == 0x1d8);
static_assert(offsetof(struct vmcb_save, cr2) == 0x240);
static_assert(offsetof(struct vmcb_save, pat) == 0x268);
static_assert(offsetof(struct vmcb, save) == 0x400);
static_assert(sizeof(struct vmcb) == 0x1000);

/* intercept_cr: BIT(n) reads of CRn, BIT(16 + n) writes; intercept_dr alike. */
#define VMCB_CR_WRITE(n)	BIT(16 + (n))
#define VMCB_DR_ALL		0xffffffffu

/* intercept_1 */
#define VMCB_1_INTR		BIT(0)
#define VMCB_1_NMI		BIT(1)
#define VMCB_1_SMI		BIT(2)
#define VMCB_1_INIT		BIT(3)
#define VMCB_1_VINTR		BIT(4)
#define VMCB_1_RDTSC		BIT(14)
#define VMCB_1_RDPMC		BIT(15)
#define VMCB_1_CPUID		BIT(18)
#define VMCB_1_RSM		BIT(19)
#define VMCB_1_IRET		BIT(20)
#define VMCB_1_INVD		BIT(22)
#define VMCB_1_PAUSE		BIT(23)
#define VMCB_1_HLT		BIT(24)
#define VMCB_1_INVLPGA		BIT(26)
#define VMCB_1_IO		BIT(27)
#define VMCB_1_MSR		BIT(28)
#define VMCB_1_TASK_SWITCH	BIT(29)
#define VMCB_1_FERR_FREEZE	BIT(30)
#define VMCB_1_SHUTDOWN		BIT(31)

/* intercept_2 */
#define VMCB_2_VMRUN		BIT(0)
#define VMCB_2_VMMCALL		BIT(1)
#define VMCB_2_VMLOAD		BIT(2)
#define VMCB_2_VMSAVE		BIT(3)
#define VMCB_2_STGI		BIT(4)
#define VMCB_2_CLGI		BIT(5)
#define VMCB_2_SKINIT		BIT(6)
#define VMCB_2_WBINVD		BIT(9)
#define VMCB_2_MONITOR		BIT(10)
#define VMCB_2_MWAIT		BIT(11)
#define VMCB_2_XSETBV		BIT(13)
#define VMCB_2_RDPRU		BIT(14)

/* intercept_3 */
#define VMCB_3_INVLPGB		BIT(0)
#define VMCB_3_INVLPGB_ILLEGAL	BIT(1)
#define VMCB_3_MCOMMIT		BIT(3)
#define VMCB_3_TLBSYNC		BIT(4)

#define VMCB_TLB_FLUSH_ALL	1
#define VMCB_TLB_FLUSH_ASID	3

#define VMCB_V_IRQ		BIT(0)	/* v_irq */
#define VMCB_V_IGNORE_TPR	BIT(4)	/* v_prio */
#define VMCB_V_INTR_MASKING	BIT(0)	/* v_control */

#define VMCB_INT_SHADOW		BIT(0)	/* int_state */
#define VMCB_NESTED_PAGING	BIT(0)	/* nested_ctl */

/* Bits of clean: the CPU may use what it has cached of these. */
#define VMCB_CLEAN_INTERCEPTS	BIT(0)	/* also TSC offset, pause filter */
#define VMCB_CLEAN_IOPM		BIT(1)
#define VMCB_CLEAN_ASID		BIT(2)
#define VMCB_CLEAN_TPR		BIT(3)
#define VMCB_CLEAN_NP		BIT(4)	/* nested CR3, PAT */
#define VMCB_CLEAN_CR		BIT(5)
#define VMCB_CLEAN_DR		BIT(6)
#define VMCB_CLEAN_DT		BIT(7)
#define VMCB_CLEAN_SEG		BIT(8)
#define VMCB_CLEAN_CR2		BIT(9)
#define VMCB_CLEAN_ALL		0x3ffu

/* event_inj and exit_int_info */
#define VMCB_EVENT_VECTOR	0xff
#define VMCB_EVENT_TYPE		(7u << 8)
#define VMCB_EVENT_INTR		(0u << 8)
#define VMCB_EVENT_NMI		(2u << 8)
#define VMCB_EVENT_EXC		(3u << 8)
#define VMCB_EVENT_SOFT		(4u << 8)
#define VMCB_EVENT_ERROR	BIT(11)
#define VMCB_EVENT_VALID	BIT(31)

/* exit_code */
#define SVM_EXIT_CR_READ	0x000
#define SVM_EXIT_CR_WRITE	0x010
#define SVM_EXIT_DR_READ	0x020
#define SVM_EXIT_DR_WRITE	0x030
#define SVM_EXIT_EXC		0x040
#define SVM_EXIT_INTR		0x060
#define SVM_EXIT_NMI		0x061
#define SVM_EXIT_SMI		0x062
#define SVM_EXIT_INIT		0x063
#define SVM_EXIT_VINTR		0x064
#define SVM_EXIT_RDTSC		0x06e
#define SVM_EXIT_RDPMC		0x06f
#define SVM_EXIT_CPUID		0x072
#define SVM_EXIT_RSM		0x073
#define SVM_EXIT_IRET		0x074
#define SVM_EXIT_INVD		0x076
#define SVM_EXIT_PAUSE		0x077
#define SVM_EXIT_HLT		0x078
#define SVM_EXIT_INVLPG		0x079
#define SVM_EXIT_INVLPGA	0x07a
#define SVM_EXIT_IO		0x07b
#define SVM_EXIT_MSR		0x07c
#define SVM_EXIT_TASK_SWITCH	0x07d
#define SVM_EXIT_FERR_FREEZE	0x07e
#define SVM_EXIT_SHUTDOWN	0x07f
#define SVM_EXIT_VMRUN		0x080
#define SVM_EXIT_VMMCALL	0x081
#define SVM_EXIT_SKINIT		0x086
#define SVM_EXIT_RDTSCP		0x087
#define SVM_EXIT_WBINVD		0x089
#define SVM_EXIT_MONITOR	0x08a
#define SVM_EXIT_MWAIT		0x08b
#define SVM_EXIT_MWAIT_ARMED	0x08c
#define SVM_EXIT_XSETBV		0x08d
#define SVM_EXIT_RDPRU		0x08e
#define SVM_EXIT_INVLPGB	0x0a0
#define SVM_EXIT_INVLPGB_ILLEGAL 0x0a1
#define SVM_EXIT_MCOMMIT	0x0a3
#define SVM_EXIT_TLBSYNC	0x0a4
#define SVM_EXIT_NPF		0x400
#define SVM_EXIT_INVALID	0xffffffff	/* and so the other half, but for QEMU */

/* exit_info_1 of SVM_EXIT_IO */
#define SVM_IO_IN		BIT(0)
#define SVM_IO_STRING		BIT(2)
#define SVM_IO_REP		BIT(3)
#define SVM_IO_SIZE(info)	(((info) >> 4) & 7)
#define SVM_IO_ADDR(info)	(((info) >> 7) & 7)	/* 1, 2, 4: 16, 32, 64 bits */
#define SVM_IO_PORT(info)	((u16)((info) >> 16))

/* exit_info_1 of SVM_EXIT_NPF: the page-fault error code, and where it came from */
#define SVM_NPF_WRITE		BIT(1)
#define SVM_NPF_FETCH		BIT(4)
#define SVM_NPF_TABLE_WALK	BIT_ULL(33)

/* exit_info_1 of CR and DR exits with decode assists */
#define SVM_MOV_DECODED		BIT_ULL(63)
#define SVM_MOV_GPR(info)	((info) & 15)

/* exit_info_2 of SVM_EXIT_TASK_SWITCH */
#define SVM_TASK_IRET		BIT_ULL(36)
#define SVM_TASK_JMP		BIT_ULL(38)
#define SVM_TASK_ERROR		BIT_ULL(44)

/* CPUID 0x8000000a, edx */
#define SVM_CPUID_NP		BIT(0)
#define SVM_CPUID_NRIPS		BIT(3)
#define SVM_CPUID_TSC_SCALE	BIT(4)
#define SVM_CPUID_CLEAN		BIT(5)
#define SVM_CPUID_FLUSH_ASID	BIT(6)
#define SVM_CPUID_DECODE	BIT(7)
#define SVM_CPUID_PAUSE_FILTER	BIT(10)
#define SVM_CPUID_VGIF		BIT(16)

#define SVM_VM_CR_SVMDIS	BIT(4)	/* X86_MSR_VM_CR */

#endif
