/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The x86 part of the kvmx interface: registers, irqchips, CPUID, MSRs, events.
 * Included by <linux/kvmx.h>; semantics as in the KVM API documentation.
 */
#ifndef _UAPI_LINUX_KVMX_X86_H
#define _UAPI_LINUX_KVMX_X86_H

#include <linux/types.h>

#define KVMX_PIO_PAGE_OFFSET		1
#define KVMX_COALESCED_MMIO_PAGE_OFFSET	2
#define KVMX_DIRTY_LOG_PAGE_OFFSET	64
#define KVMX_NR_INTERRUPTS		256

struct kvmx_pic_state {
	__u8 last_irr;
	__u8 irr;
	__u8 imr;
	__u8 isr;
	__u8 priority_add;
	__u8 irq_base;
	__u8 read_reg_select;
	__u8 poll;
	__u8 special_mask;
	__u8 init_state;
	__u8 auto_eoi;
	__u8 rotate_on_auto_eoi;
	__u8 special_fully_nested_mode;
	__u8 init4;
	__u8 elcr;
	__u8 elcr_mask;
};

#define KVMX_IOAPIC_NUM_PINS	24

struct kvmx_ioapic_state {
	__u64 base_address;
	__u32 ioregsel;
	__u32 id;
	__u32 irr;
	__u32 pad;
	union {
		__u64 bits;
		struct {
			__u8 vector;
			__u8 delivery_mode:3;
			__u8 dest_mode:1;
			__u8 delivery_status:1;
			__u8 polarity:1;
			__u8 remote_irr:1;
			__u8 trig_mode:1;
			__u8 mask:1;
			__u8 reserve:7;
			__u8 reserved[4];
			__u8 dest_id;
		} fields;
	} redirtbl[KVMX_IOAPIC_NUM_PINS];
};

#define KVMX_IRQCHIP_PIC_MASTER	0
#define KVMX_IRQCHIP_PIC_SLAVE	1
#define KVMX_IRQCHIP_IOAPIC	2
#define KVMX_NR_IRQCHIPS	3
#define KVMX_RUN_X86_SMM	(1 << 0)
#define KVMX_RUN_X86_BUS_LOCK	(1 << 1)
#define KVMX_RUN_X86_GUEST_MODE	(1 << 2)

struct kvmx_regs {
	__u64 rax, rbx, rcx, rdx;
	__u64 rsi, rdi, rsp, rbp;
	__u64 r8, r9, r10, r11;
	__u64 r12, r13, r14, r15;
	__u64 rip, rflags;
};

#define KVMX_APIC_REG_SIZE	0x400

struct kvmx_lapic_state {
	char regs[KVMX_APIC_REG_SIZE];
};

struct kvmx_segment {
	__u64 base;
	__u32 limit;
	__u16 selector;
	__u8 type;
	__u8 present, dpl, db, s, l, g, avl;
	__u8 unusable;
	__u8 padding;
};

struct kvmx_dtable {
	__u64 base;
	__u16 limit;
	__u16 padding[3];
};

struct kvmx_sregs {
	struct kvmx_segment cs, ds, es, fs, gs, ss;
	struct kvmx_segment tr, ldt;
	struct kvmx_dtable gdt, idt;
	__u64 cr0, cr2, cr3, cr4, cr8;
	__u64 efer;
	__u64 apic_base;
	__u64 interrupt_bitmap[(KVMX_NR_INTERRUPTS + 63) / 64];
};

struct kvmx_sregs2 {
	struct kvmx_segment cs, ds, es, fs, gs, ss;
	struct kvmx_segment tr, ldt;
	struct kvmx_dtable gdt, idt;
	__u64 cr0, cr2, cr3, cr4, cr8;
	__u64 efer;
	__u64 apic_base;
	__u64 flags;
	__u64 pdptrs[4];
};

#define KVMX_SREGS2_FLAGS_PDPTRS_VALID	1

struct kvmx_fpu {
	__u8 fpr[8][16];
	__u16 fcw;
	__u16 fsw;
	__u8 ftwx;
	__u8 pad1;
	__u16 last_opcode;
	__u64 last_ip;
	__u64 last_dp;
	__u8 xmm[16][16];
	__u32 mxcsr;
	__u32 pad2;
};

struct kvmx_msr_entry {
	__u32 index;
	__u32 reserved;
	__u64 data;
};

struct kvmx_msrs {
	__u32 nmsrs;
	__u32 pad;
	struct kvmx_msr_entry entries[];
};

struct kvmx_msr_list {
	__u32 nmsrs;
	__u32 indices[];
};

#define KVMX_MSR_FILTER_MAX_BITMAP_SIZE	0x600
#define KVMX_MSR_FILTER_READ		(1 << 0)
#define KVMX_MSR_FILTER_WRITE		(1 << 1)
#define KVMX_MSR_FILTER_RANGE_VALID_MASK \
	(KVMX_MSR_FILTER_READ | KVMX_MSR_FILTER_WRITE)

struct kvmx_msr_filter_range {
	__u32 flags;
	__u32 nmsrs;
	__u32 base;
	__u8 *bitmap;
};

#define KVMX_MSR_FILTER_MAX_RANGES	16
#define KVMX_MSR_FILTER_DEFAULT_ALLOW	(0 << 0)
#define KVMX_MSR_FILTER_DEFAULT_DENY	(1 << 0)
#define KVMX_MSR_FILTER_VALID_MASK	KVMX_MSR_FILTER_DEFAULT_DENY

struct kvmx_msr_filter {
	__u32 flags;
	struct kvmx_msr_filter_range ranges[KVMX_MSR_FILTER_MAX_RANGES];
};

struct kvmx_cpuid_entry {
	__u32 function;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 padding;
};

struct kvmx_cpuid {
	__u32 nent;
	__u32 padding;
	struct kvmx_cpuid_entry entries[];
};

struct kvmx_cpuid_entry2 {
	__u32 function;
	__u32 index;
	__u32 flags;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 padding[3];
};

#define KVMX_CPUID_FLAG_SIGNIFCANT_INDEX	(1 << 0)
#define KVMX_CPUID_FLAG_STATEFUL_FUNC		(1 << 1)
#define KVMX_CPUID_FLAG_STATE_READ_NEXT		(1 << 2)

struct kvmx_cpuid2 {
	__u32 nent;
	__u32 padding;
	struct kvmx_cpuid_entry2 entries[];
};

struct kvmx_pit_channel_state {
	__u32 count;
	__u16 latched_count;
	__u8 count_latched;
	__u8 status_latched;
	__u8 status;
	__u8 read_state;
	__u8 write_state;
	__u8 write_latch;
	__u8 rw_mode;
	__u8 mode;
	__u8 bcd;
	__u8 gate;
	__s64 count_load_time;
};

struct kvmx_debug_exit_arch {
	__u32 exception;
	__u32 pad;
	__u64 pc;
	__u64 dr6;
	__u64 dr7;
};

#define KVMX_GUESTDBG_USE_SW_BP	0x00010000
#define KVMX_GUESTDBG_USE_HW_BP	0x00020000
#define KVMX_GUESTDBG_INJECT_DB	0x00040000
#define KVMX_GUESTDBG_INJECT_BP	0x00080000
#define KVMX_GUESTDBG_BLOCKIRQ	0x00100000

struct kvmx_guest_debug_arch {
	__u64 debugreg[8];
};

struct kvmx_pit_state {
	struct kvmx_pit_channel_state channels[3];
};

#define KVMX_PIT_FLAGS_HPET_LEGACY	0x00000001
#define KVMX_PIT_FLAGS_SPEAKER_DATA_ON	0x00000002

struct kvmx_pit_state2 {
	struct kvmx_pit_channel_state channels[3];
	__u32 flags;
	__u32 reserved[9];
};

struct kvmx_reinject_control {
	__u8 pit_reinject;
	__u8 reserved[31];
};

#define KVMX_VCPUEVENT_VALID_NMI_PENDING	0x00000001
#define KVMX_VCPUEVENT_VALID_SIPI_VECTOR	0x00000002
#define KVMX_VCPUEVENT_VALID_SHADOW		0x00000004
#define KVMX_VCPUEVENT_VALID_SMM		0x00000008
#define KVMX_VCPUEVENT_VALID_PAYLOAD		0x00000010
#define KVMX_VCPUEVENT_VALID_TRIPLE_FAULT	0x00000020
#define KVMX_X86_SHADOW_INT_MOV_SS		0x01
#define KVMX_X86_SHADOW_INT_STI			0x02

struct kvmx_vcpu_events {
	struct {
		__u8 injected;
		__u8 nr;
		__u8 has_error_code;
		__u8 pending;
		__u32 error_code;
	} exception;
	struct {
		__u8 injected;
		__u8 nr;
		__u8 soft;
		__u8 shadow;
	} interrupt;
	struct {
		__u8 injected;
		__u8 pending;
		__u8 masked;
		__u8 pad;
	} nmi;
	__u32 sipi_vector;
	__u32 flags;
	struct {
		__u8 smm;
		__u8 pending;
		__u8 smm_inside_nmi;
		__u8 latched_init;
	} smi;
	struct {
		__u8 pending;
	} triple_fault;
	__u8 reserved[26];
	__u8 exception_has_payload;
	__u64 exception_payload;
};

struct kvmx_debugregs {
	__u64 db[4];
	__u64 dr6;
	__u64 dr7;
	__u64 flags;
	__u64 reserved[9];
};

struct kvmx_xsave {
	__u32 region[1024];
	__u32 extra[];
};

#define KVMX_MAX_XCRS	16

struct kvmx_xcr {
	__u32 xcr;
	__u32 reserved;
	__u64 value;
};

struct kvmx_xcrs {
	__u32 nr_xcrs;
	__u32 flags;
	struct kvmx_xcr xcrs[KVMX_MAX_XCRS];
	__u64 padding[16];
};

#define KVMX_X86_REG_TYPE_MSR			2
#define KVMX_X86_REG_TYPE_KVM			3
#define KVMX_X86_KVM_REG_SIZE(reg) \
	({ reg == KVMX_REG_GUEST_SSP ? KVMX_REG_SIZE_U64 : 0; })
#define KVMX_X86_REG_TYPE_SIZE(type, reg) \
	({ __u64 type_size = (__u64)type << 32; type_size |= type == KVMX_X86_REG_TYPE_MSR ? KVMX_REG_SIZE_U64 : type == KVMX_X86_REG_TYPE_KVM ? KVMX_X86_KVM_REG_SIZE(reg) : 0; type_size; })
#define KVMX_X86_REG_ID(type, index) \
	(KVMX_REG_X86 | KVMX_X86_REG_TYPE_SIZE(type, index) | index)
#define KVMX_X86_REG_MSR(index)			KVMX_X86_REG_ID(KVMX_X86_REG_TYPE_MSR, index)
#define KVMX_X86_REG_KVM(index)			KVMX_X86_REG_ID(KVMX_X86_REG_TYPE_KVM, index)
#define KVMX_REG_GUEST_SSP			0
#define KVMX_SYNC_X86_REGS			(1UL << 0)
#define KVMX_SYNC_X86_SREGS			(1UL << 1)
#define KVMX_SYNC_X86_EVENTS			(1UL << 2)
#define KVMX_SYNC_X86_VALID_FIELDS \
	(KVMX_SYNC_X86_REGS| KVMX_SYNC_X86_SREGS| KVMX_SYNC_X86_EVENTS)

struct kvmx_sync_regs {
	struct kvmx_regs regs;
	struct kvmx_sregs sregs;
	struct kvmx_vcpu_events events;
};

#define KVMX_X86_QUIRK_LINT0_REENABLED			(1 << 0)
#define KVMX_X86_QUIRK_CD_NW_CLEARED			(1 << 1)
#define KVMX_X86_QUIRK_LAPIC_MMIO_HOLE			(1 << 2)
#define KVMX_X86_QUIRK_OUT_7E_INC_RIP			(1 << 3)
#define KVMX_X86_QUIRK_MISC_ENABLE_NO_MWAIT		(1 << 4)
#define KVMX_X86_QUIRK_FIX_HYPERCALL_INSN		(1 << 5)
#define KVMX_X86_QUIRK_MWAIT_NEVER_UD_FAULTS		(1 << 6)
#define KVMX_X86_QUIRK_SLOT_ZAP_ALL			(1 << 7)
#define KVMX_X86_QUIRK_STUFF_FEATURE_MSRS		(1 << 8)
#define KVMX_X86_QUIRK_IGNORE_GUEST_PAT			(1 << 9)
#define KVMX_X86_QUIRK_VMCS12_ALLOW_FREEZE_IN_SMM	(1 << 10)
#define KVMX_X86_QUIRK_NESTED_SVM_SHARED_PAT		(1 << 11)
#define KVMX_STATE_NESTED_FORMAT_VMX			0
#define KVMX_STATE_NESTED_FORMAT_SVM			1
#define KVMX_STATE_NESTED_GUEST_MODE			0x00000001
#define KVMX_STATE_NESTED_RUN_PENDING			0x00000002
#define KVMX_STATE_NESTED_EVMCS				0x00000004
#define KVMX_STATE_NESTED_MTF_PENDING			0x00000008
#define KVMX_STATE_NESTED_GIF_SET			0x00000100
#define KVMX_STATE_NESTED_SMM_GUEST_MODE		0x00000001
#define KVMX_STATE_NESTED_SMM_VMXON			0x00000002
#define KVMX_STATE_NESTED_VMX_VMCS_SIZE			0x1000
#define KVMX_STATE_NESTED_SVM_VMCB_SIZE			0x1000
#define KVMX_STATE_VMX_PREEMPTION_TIMER_DEADLINE	0x00000001
#define KVMX_X86_GRP_SYSTEM				0
#define KVMX_X86_XCOMP_GUEST_SUPP			0

struct kvmx_vmx_nested_state_data {
	__u8 vmcs12[KVMX_STATE_NESTED_VMX_VMCS_SIZE];
	__u8 shadow_vmcs12[KVMX_STATE_NESTED_VMX_VMCS_SIZE];
};

struct kvmx_vmx_nested_state_hdr {
	__u64 vmxon_pa;
	__u64 vmcs12_pa;
	struct {
		__u16 flags;
	} smm;
	__u16 pad;
	__u32 flags;
	__u64 preemption_timer_deadline;
};

struct kvmx_svm_nested_state_data {
	__u8 vmcb12[KVMX_STATE_NESTED_SVM_VMCB_SIZE];
};

struct kvmx_svm_nested_state_hdr {
	__u64 vmcb_pa;
	__u64 gpat;
};

struct kvmx_nested_state {
	__u16 flags;
	__u16 format;
	__u32 size;
	union {
		struct kvmx_vmx_nested_state_hdr vmx;
		struct kvmx_svm_nested_state_hdr svm;
		__u8 pad[120];
	} hdr;
	union {
		struct kvmx_vmx_nested_state_data vmx[0];
		struct kvmx_svm_nested_state_data svm[0];
	} data;
};

struct kvmx_pmu_event_filter {
	__u32 action;
	__u32 nevents;
	__u32 fixed_counter_bitmap;
	__u32 flags;
	__u32 pad[4];
	__u64 events[];
};

#define KVMX_PMU_EVENT_ALLOW			0
#define KVMX_PMU_EVENT_DENY			1
#define KVMX_PMU_EVENT_FLAG_MASKED_EVENTS	(1UL << 0)
#define KVMX_PMU_EVENT_FLAGS_VALID_MASK		(KVMX_PMU_EVENT_FLAG_MASKED_EVENTS)

struct kvmx_x86_mce {
	__u64 status;
	__u64 addr;
	__u64 misc;
	__u64 mcg_status;
	__u8 bank;
	__u8 pad1[7];
	__u64 pad2[3];
};

#define KVMX_X2APIC_API_USE_32BIT_IDS			(1ULL << 0)
#define KVMX_X2APIC_API_DISABLE_BROADCAST_QUIRK		(1ULL << 1)
#define KVMX_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST	(1ULL << 2)
#define KVMX_X2APIC_DISABLE_SUPPRESS_EOI_BROADCAST	(1ULL << 3)
#define KVMX_PMU_ENCODE_MASKED_ENTRY(event_select, mask, match, exclude) \
	(((event_select) & 0xFFULL) | (((event_select) & 0XF00ULL) << 24) | (((mask) & 0xFFULL) << 56) | (((match) & 0xFFULL) << 8) | ((__u64)(!!(exclude)) << 55))
#define KVMX_PMU_MASKED_ENTRY_EVENT_SELECT \
	(0xffULL | 0xfULL << 32)
#define KVMX_PMU_MASKED_ENTRY_UMASK_MASK		(0xffULL << 56)
#define KVMX_PMU_MASKED_ENTRY_UMASK_MATCH		(0xffULL << 8)
#define KVMX_PMU_MASKED_ENTRY_EXCLUDE			(1ULL << 55)
#define KVMX_PMU_MASKED_ENTRY_UMASK_MASK_SHIFT		(56)
#define KVMX_VCPU_TSC_CTRL				0
#define KVMX_VCPU_TSC_OFFSET				0
#define KVMX_EXIT_HYPERCALL_LONG_MODE			(1ULL << 0)
#define KVMX_X86_DEFAULT_VM				0
#define KVMX_X86_SW_PROTECTED_VM			1

#endif
