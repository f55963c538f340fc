/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of Intel's virtual machine control structure: field encodings,
 * controls, exit reasons and formats (Intel SDM volume 3, "Virtual Machine
 * Control Structures", appendices A to C). Only src/vmx knows them.
 */
#ifndef VMX_VMCS_H
#define VMX_VMCS_H

#include <linux/bits.h>

/* 16 bits */
#define VMCS_VPID			0x0000
#define VMCS_GUEST_SELECTOR(seg)	(0x0800 + 2 * (seg))	/* enum x86_seg_reg */
#define VMCS_GUEST_INT_STATUS		0x0810
#define VMCS_GUEST_PML_INDEX		0x0812
#define VMCS_HOST_ES			0x0c00
#define VMCS_HOST_CS			0x0c02
#define VMCS_HOST_SS			0x0c04
#define VMCS_HOST_DS			0x0c06
#define VMCS_HOST_FS			0x0c08
#define VMCS_HOST_GS			0x0c0a
#define VMCS_HOST_TR			0x0c0c

/* 64 bits */
#define VMCS_MSR_BITMAP			0x2004
#define VMCS_EXIT_MSR_LOAD_LIST		0x2008
#define VMCS_ENTRY_MSR_LOAD_LIST	0x200a
#define VMCS_PML_ADDRESS		0x200e
#define VMCS_TSC_OFFSET			0x2010
#define VMCS_VIRTUAL_APIC		0x2012
#define VMCS_EPT_POINTER		0x201a
#define VMCS_EOI_EXITS(i)		(0x201c + 2 * (i))
#define VMCS_ENCLS_EXITS		0x202e
#define VMCS_TSC_MULTIPLIER		0x2032
#define VMCS_GUEST_PHYSICAL		0x2400
#define VMCS_LINK_POINTER		0x2800
#define VMCS_GUEST_DEBUGCTL		0x2802
#define VMCS_GUEST_PAT			0x2804
#define VMCS_GUEST_EFER			0x2806
#define VMCS_GUEST_PDPTE(i)		(0x280a + 2 * (i))
#define VMCS_HOST_PAT			0x2c00
#define VMCS_HOST_EFER			0x2c02

/* 32 bits */
#define VMCS_PIN_CONTROLS		0x4000
#define VMCS_CPU_CONTROLS		0x4002
#define VMCS_EXCEPTIONS			0x4004
#define VMCS_PF_MASK			0x4006
#define VMCS_PF_MATCH			0x4008
#define VMCS_CR3_TARGETS		0x400a
#define VMCS_EXIT_CONTROLS		0x400c
#define VMCS_EXIT_MSR_STORES		0x400e
#define VMCS_EXIT_MSR_LOADS		0x4010
#define VMCS_ENTRY_CONTROLS		0x4012
#define VMCS_ENTRY_MSR_LOADS		0x4014
#define VMCS_ENTRY_EVENT		0x4016
#define VMCS_ENTRY_ERROR_CODE		0x4018
#define VMCS_ENTRY_INSN_LEN		0x401a
#define VMCS_TPR_THRESHOLD		0x401c
#define VMCS_CPU2_CONTROLS		0x401e
#define VMCS_PLE_GAP			0x4020
#define VMCS_PLE_WINDOW			0x4022
#define VMCS_INSN_ERROR			0x4400
#define VMCS_EXIT_REASON		0x4402
#define VMCS_EXIT_EVENT			0x4404
#define VMCS_EXIT_ERROR_CODE		0x4406
#define VMCS_VECTORING_EVENT		0x4408
#define VMCS_VECTORING_ERROR_CODE	0x440a
#define VMCS_INSN_LEN			0x440c
#define VMCS_INSN_INFO			0x440e
#define VMCS_GUEST_LIMIT(seg)		(0x4800 + 2 * (seg))
#define VMCS_GUEST_GDTR_LIMIT		0x4810
#define VMCS_GUEST_IDTR_LIMIT		0x4812
#define VMCS_GUEST_RIGHTS(seg)		(0x4814 + 2 * (seg))
#define VMCS_GUEST_INT_STATE		0x4824
#define VMCS_GUEST_ACTIVITY		0x4826
#define VMCS_GUEST_SYSENTER_CS		0x482a
#define VMCS_PREEMPTION_TIMER		0x482e
#define VMCS_HOST_SYSENTER_CS		0x4c00

/* 64 bits, or 32 on processors without long mode */
#define VMCS_CR0_MASK			0x6000
#define VMCS_CR4_MASK			0x6002
#define VMCS_CR0_SHADOW			0x6004
#define VMCS_CR4_SHADOW			0x6006
#define VMCS_QUALIFICATION		0x6400
#define VMCS_GUEST_CR0			0x6800
#define VMCS_GUEST_CR3			0x6802
#define VMCS_GUEST_CR4			0x6804
#define VMCS_GUEST_BASE(seg)		(0x6806 + 2 * (seg))
#define VMCS_GUEST_GDTR_BASE		0x6816
#define VMCS_GUEST_IDTR_BASE		0x6818
#define VMCS_GUEST_DR7			0x681a
#define VMCS_GUEST_RSP			0x681c
#define VMCS_GUEST_RIP			0x681e
#define VMCS_GUEST_RFLAGS		0x6820
#define VMCS_GUEST_PENDING_DEBUG	0x6822
#define VMCS_GUEST_SYSENTER_ESP		0x6824
#define VMCS_GUEST_SYSENTER_EIP		0x6826
#define VMCS_HOST_CR0			0x6c00
#define VMCS_HOST_CR3			0x6c02
#define VMCS_HOST_CR4			0x6c04
#define VMCS_HOST_FS_BASE		0x6c06
#define VMCS_HOST_GS_BASE		0x6c08
#define VMCS_HOST_TR_BASE		0x6c0a
#define VMCS_HOST_GDTR_BASE		0x6c0c
#define VMCS_HOST_IDTR_BASE		0x6c0e
#define VMCS_HOST_SYSENTER_ESP		0x6c10
#define VMCS_HOST_SYSENTER_EIP		0x6c12
#define VMCS_HOST_RSP			0x6c14
#define VMCS_HOST_RIP			0x6c16

/* What follows is for C. */
#ifndef __ASSEMBLY__

/* VMCS_PIN_CONTROLS */
#define PIN_INTERRUPT			BIT(0)
#define PIN_NMI				BIT(3)
#define PIN_VIRTUAL_NMI			BIT(5)
#define PIN_PREEMPTION_TIMER		BIT(6)

/* VMCS_CPU_CONTROLS */
#define CPU_INTR_WINDOW			BIT(2)
#define CPU_TSC_OFFSET			BIT(3)
#define CPU_HLT				BIT(7)
#define CPU_MWAIT			BIT(10)
#define CPU_RDPMC			BIT(11)
#define CPU_CR3_LOAD			BIT(15)
#define CPU_CR3_STORE			BIT(16)
#define CPU_TPR_SHADOW			BIT(21)
#define CPU_NMI_WINDOW			BIT(22)
#define CPU_MOV_DR			BIT(23)
#define CPU_ALL_IO			BIT(24)
#define CPU_MSR_BITMAP			BIT(28)
#define CPU_MONITOR			BIT(29)
#define CPU_SECONDARY			BIT(31)

/* VMCS_CPU2_CONTROLS */
#define CPU2_EPT			BIT(1)
#define CPU2_RDTSCP			BIT(3)
#define CPU2_VIRTUAL_X2APIC		BIT(4)
#define CPU2_VPID			BIT(5)
#define CPU2_WBINVD			BIT(6)
#define CPU2_UNRESTRICTED		BIT(7)
#define CPU2_APIC_REGISTERS		BIT(8)
#define CPU2_VIRTUAL_INTERRUPTS		BIT(9)
#define CPU2_PAUSE_LOOP			BIT(10)
#define CPU2_INVPCID			BIT(12)
#define CPU2_ENCLS			BIT(15)
#define CPU2_PML			BIT(17)
#define CPU2_TSC_SCALING		BIT(25)

/* VMCS_EXIT_CONTROLS */
#define EXIT_SAVE_DEBUG			BIT(2)
#define EXIT_HOST_64			BIT(9)
#define EXIT_LOAD_PAT			BIT(19)
#define EXIT_SAVE_EFER			BIT(20)
#define EXIT_LOAD_EFER			BIT(21)

/* VMCS_ENTRY_CONTROLS */
#define ENTRY_LOAD_DEBUG		BIT(2)
#define ENTRY_GUEST_64			BIT(9)
#define ENTRY_LOAD_PAT			BIT(14)
#define ENTRY_LOAD_EFER			BIT(15)

/* VMCS_ENTRY_EVENT, VMCS_EXIT_EVENT, VMCS_VECTORING_EVENT */
#define EVENT_VECTOR			0xffu
#define EVENT_TYPE			(7u << 8)
#define EVENT_INTR			(0u << 8)
#define EVENT_NMI			(2u << 8)
#define EVENT_EXCEPTION			(3u << 8)
#define EVENT_SOFT_INT			(4u << 8)
#define EVENT_PRIV_EXC			(5u << 8)	/* INT1 */
#define EVENT_SOFT_EXC			(6u << 8)	/* INT3, INTO */
#define EVENT_ERROR			BIT(11)
#define EVENT_NMI_UNBLOCKED		BIT(12)		/* exit: an IRET faulted that opened NMIs */
#define EVENT_VALID			BIT(31)

/* VMCS_GUEST_RIGHTS: bits 0 to 7 as in the descriptor, 12 to 15 its bits 52 to 55 */
#define RIGHTS_UNUSABLE			BIT(16)

/* VMCS_GUEST_INT_STATE */
#define INT_STI				BIT(0)
#define INT_MOV_SS			BIT(1)
#define INT_NMI				BIT(3)

#define PENDING_DEBUG_BS		BIT_ULL(14)

/* VMCS_EXIT_REASON: the basic reason is its low half */
#define EXIT_ENTRY_FAILED		BIT(31)

#define VMX_EXIT_EXCEPTION		0	/* or NMI */
#define VMX_EXIT_INTERRUPT		1
#define VMX_EXIT_TRIPLE_FAULT		2
#define VMX_EXIT_INIT			3
#define VMX_EXIT_INTR_WINDOW		7
#define VMX_EXIT_NMI_WINDOW		8
#define VMX_EXIT_TASK_SWITCH		9
#define VMX_EXIT_CPUID			10
#define VMX_EXIT_GETSEC			11
#define VMX_EXIT_HLT			12
#define VMX_EXIT_INVD			13
#define VMX_EXIT_INVLPG			14
#define VMX_EXIT_RDPMC			15
#define VMX_EXIT_RDTSC			16
#define VMX_EXIT_RSM			17
#define VMX_EXIT_VMCALL			18
#define VMX_EXIT_VMCLEAR		19
#define VMX_EXIT_VMXON			27	/* the VMX instructions from VMCLEAR to this */
#define VMX_EXIT_CR			28
#define VMX_EXIT_DR			29
#define VMX_EXIT_IO			30
#define VMX_EXIT_RDMSR			31
#define VMX_EXIT_WRMSR			32
#define VMX_EXIT_GUEST_STATE		33
#define VMX_EXIT_MSR_LOADING		34
#define VMX_EXIT_MWAIT			36
#define VMX_EXIT_MONITOR		39
#define VMX_EXIT_PAUSE			40
#define VMX_EXIT_MACHINE_CHECK		41	/* while entering */
#define VMX_EXIT_TPR			43
#define VMX_EXIT_EOI			45	/* was virtualized */
#define VMX_EXIT_EPT_VIOLATION		48
#define VMX_EXIT_EPT_MISCONFIG		49
#define VMX_EXIT_INVEPT			50
#define VMX_EXIT_RDTSCP			51
#define VMX_EXIT_PREEMPTION_TIMER	52
#define VMX_EXIT_INVVPID		53
#define VMX_EXIT_WBINVD			54
#define VMX_EXIT_XSETBV			55
#define VMX_EXIT_APIC_WRITE		56
#define VMX_EXIT_VMFUNC			59
#define VMX_EXIT_ENCLS			60
#define VMX_EXIT_PML_FULL		62

/* VMCS_QUALIFICATION of VMX_EXIT_CR: 0 MOV to, 1 MOV from, 2 CLTS, 3 LMSW */
#define QUAL_CR_REG(q)			((q) & 15)
#define QUAL_CR_TYPE(q)			(((q) >> 4) & 3)
#define QUAL_CR_GPR(q)			(((q) >> 8) & 15)
/* of VMX_EXIT_DR */
#define QUAL_DR_REG(q)			((q) & 7)
#define QUAL_DR_READ			BIT(4)
#define QUAL_DR_GPR(q)			(((q) >> 8) & 15)
/* of VMX_EXIT_IO */
#define QUAL_IO_SIZE(q)			(((q) & 7) + 1)
#define QUAL_IO_IN			BIT(3)
#define QUAL_IO_STRING			BIT(4)
#define QUAL_IO_REP			BIT(5)
#define QUAL_IO_PORT(q)			((u16)((q) >> 16))
/* of VMX_EXIT_EPT_VIOLATION */
#define QUAL_EPT_WRITE			BIT(1)
#define QUAL_EPT_FETCH			BIT(2)
#define QUAL_EPT_LINEAR			BIT(7)	/* there is a linear address */
#define QUAL_EPT_FINAL			BIT(8)	/* and the access is to where it leads */
#define QUAL_EPT_NMI_UNBLOCKED		BIT(12)
/* of VMX_EXIT_TASK_SWITCH: 0 CALL, 1 IRET, 2 JMP, 3 task gate */
#define QUAL_TASK_SELECTOR(q)		((u16)(q))
#define QUAL_TASK_SOURCE(q)		(((q) >> 30) & 3)

/* of VMX_EXIT_EOI and VMX_EXIT_APIC_WRITE */
#define QUAL_EOI_VECTOR(q)		((q) & 0xff)
#define QUAL_APIC_OFFSET(q)		((q) & 0xff0)

/* VMCS_GUEST_INT_STATUS: highest vectors of IRR and ISR */
#define INT_STATUS(requested, in_service)	((requested) | (in_service) << 8)

/* VMCS_INSN_INFO of string I/O: 0, 1, 2: 16, 32, 64 bits */
#define INFO_IO_ADDR(info)		(((info) >> 7) & 7)

/* of VMX_EXIT_PML_FULL */
#define QUAL_PML_NMI_UNBLOCKED		BIT(12)

/* The page of VMCS_PML_ADDRESS is filled from its end: the index is that of the next entry. */
#define PML_ENTRIES			512

/* VMCS_EPT_POINTER */
#define EPTP_WB				6
#define EPTP_LEVELS_4			(3 << 3)
#define EPTP_ACCESSED_DIRTY		BIT(6)

/* INVEPT */
#define INVEPT_SINGLE			1

/* IA32_VMX_BASIC */
#define VMX_BASIC_REVISION		GENMASK(30, 0)
#define VMX_BASIC_MEMORY_TYPE(b)	(((b) >> 50) & 15)
#define VMX_BASIC_TRUE_CONTROLS		BIT_ULL(55)

/* IA32_VMX_MISC: the preemption timer counts each time that this bit of the TSC changes */
#define VMX_MISC_TIMER_RATE		GENMASK(4, 0)

/* IA32_VMX_EPT_VPID_CAP */
#define EPT_CAP_LEVELS_4		BIT_ULL(6)
#define EPT_CAP_WB			BIT_ULL(14)
#define EPT_CAP_2M			BIT_ULL(16)
#define EPT_CAP_1G			BIT_ULL(17)
#define EPT_CAP_INVEPT			BIT_ULL(20)
#define EPT_CAP_ACCESSED_DIRTY		BIT_ULL(21)
#define EPT_CAP_INVEPT_SINGLE		BIT_ULL(25)

#define MSR_VMX_BASIC			0x480
#define MSR_VMX_MISC			0x485
#define MSR_VMX_CPU2_CONTROLS		0x48b
#define MSR_VMX_EPT_VPID_CAP		0x48c
#define MSR_VMX_TRUE_PIN		0x48d
#define MSR_VMX_TRUE_CPU		0x48e
#define MSR_VMX_TRUE_EXIT		0x48f
#define MSR_VMX_TRUE_ENTRY		0x490

/* X86_MSR_FEATURE_CONTROL */
#define FEATURE_CONTROL_LOCKED		BIT(0)
#define FEATURE_CONTROL_VMXON		BIT(2)

#endif

/* vmenter.S: @flags of vmx_switch(), as bit numbers */
#define SWITCH_RESUME			0	/* the VMCS was launched: VMRESUME */
#define SWITCH_SPEC_CTRL		1	/* the guest has its own IA32_SPEC_CTRL */
#define SWITCH_VERW			2	/* clear the CPU's buffers */

#endif
