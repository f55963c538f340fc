/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The user interface of kvmx: /dev/kvmx speaks the KVM ABI, API version 12.
 * Numbers and layouts are those of the KVM API, under kvmx_ names, complete
 * for x86 and arm64 and the same whatever kernel runs; what kvmx adds stands
 * at the end. Semantics: the kernel's "The Definitive KVM API Documentation".
 */
#ifndef _UAPI_LINUX_KVMX_H
#define _UAPI_LINUX_KVMX_H

#include <linux/types.h>
#include <linux/ioctl.h>

#if defined(__x86_64__) || defined(__i386__)
#include <linux/kvmx_x86.h>
#elif defined(__aarch64__)
#include <linux/kvmx_arm64.h>
#else
#error "kvmx runs on x86 and arm64"
#endif

#define KVMX_API_VERSION	12
#define KVMXIO			0xAE

/* ---- Memory slots ---- */

#define KVMX_MEM_LOG_DIRTY_PAGES		(1UL << 0)
#define KVMX_MEM_READONLY			(1UL << 1)
#define KVMX_MEM_GUEST_MEMFD			(1UL << 2)
#define KVMX_COALESCED_MMIO_MAX \
	((PAGE_SIZE - sizeof(struct kvmx_coalesced_mmio_ring)) / sizeof(struct kvmx_coalesced_mmio))
#define KVMX_DIRTY_LOG_MANUAL_PROTECT_ENABLE	(1 << 0)
#define KVMX_DIRTY_LOG_INITIALLY_SET		(1 << 1)
#define KVMX_DIRTY_GFN_F_DIRTY			(1UL << 0)
#define KVMX_DIRTY_GFN_F_RESET			(1UL << 1)
#define KVMX_DIRTY_GFN_F_MASK			0x3
#define KVMX_MEMORY_ATTRIBUTE_PRIVATE		(1ULL << 3)
#define KVMX_GUEST_MEMFD_FLAG_MMAP		(1ULL << 0)
#define KVMX_GUEST_MEMFD_FLAG_INIT_SHARED	(1ULL << 1)

struct kvmx_userspace_memory_region {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
};

struct kvmx_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};

struct kvmx_memory_attributes {
	__u64 address;
	__u64 size;
	__u64 attributes;
	__u64 flags;
};

struct kvmx_create_guest_memfd {
	__u64 size;
	__u64 flags;
	__u64 reserved[6];
};

struct kvmx_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};

struct kvmx_dirty_log {
	__u32 slot;
	__u32 padding1;
	union {
		void *dirty_bitmap;
		__u64 padding2;
	};
};

struct kvmx_clear_dirty_log {
	__u32 slot;
	__u32 num_pages;
	__u64 first_page;
	union {
		void *dirty_bitmap;
		__u64 padding2;
	};
};

struct kvmx_dirty_gfn {
	__u32 flags;
	__u32 slot;
	__u64 offset;
};

struct kvmx_coalesced_mmio_zone {
	__u64 addr;
	__u32 size;
	union {
		__u32 pad;
		__u32 pio;
	};
};

struct kvmx_coalesced_mmio {
	__u64 phys_addr;
	__u32 len;
	union {
		__u32 pad;
		__u32 pio;
	};
	__u8 data[8];
};

struct kvmx_coalesced_mmio_ring {
	__u32 first, last;
	struct kvmx_coalesced_mmio coalesced_mmio[];
};

/* ---- Interrupt lines, routing, eventfds ---- */

#define KVMX_PIT_SPEAKER_DUMMY			1
#define KVMX_IOEVENTFD_FLAG_DATAMATCH		(1 << kvmx_ioeventfd_flag_nr_datamatch)
#define KVMX_IOEVENTFD_FLAG_PIO			(1 << kvmx_ioeventfd_flag_nr_pio)
#define KVMX_IOEVENTFD_FLAG_DEASSIGN		(1 << kvmx_ioeventfd_flag_nr_deassign)
#define KVMX_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY	(1 << kvmx_ioeventfd_flag_nr_virtio_ccw_notify)
#define KVMX_IOEVENTFD_VALID_FLAG_MASK		((1 << kvmx_ioeventfd_flag_nr_max) - 1)
#define KVMX_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL	((__u32)(-1))
#define KVMX_IRQ_ROUTING_IRQCHIP		1
#define KVMX_IRQ_ROUTING_MSI			2
#define KVMX_IRQ_ROUTING_HV_SINT		4
#define KVMX_IRQ_ROUTING_XEN_EVTCHN		5
#define KVMX_IRQFD_FLAG_DEASSIGN		(1 << 0)
#define KVMX_IRQFD_FLAG_RESAMPLE		(1 << 1)
#define KVMX_MSI_VALID_DEVID			(1U << 0)

enum {
	kvmx_ioeventfd_flag_nr_datamatch,
	kvmx_ioeventfd_flag_nr_pio,
	kvmx_ioeventfd_flag_nr_deassign,
	kvmx_ioeventfd_flag_nr_virtio_ccw_notify,
	kvmx_ioeventfd_flag_nr_fast_mmio,
	kvmx_ioeventfd_flag_nr_max,
};

struct kvmx_irq_level {
	union {
		__u32 irq;
		__s32 status;
	};
	__u32 level;
};

struct kvmx_irqchip {
	__u32 chip_id;
	__u32 pad;
	union {
		char dummy[512];
#if defined(__x86_64__) || defined(__i386__)
		struct kvmx_pic_state pic;
		struct kvmx_ioapic_state ioapic;
#endif
	} chip;
};

struct kvmx_pit_config {
	__u32 flags;
	__u32 pad[15];
};

struct kvmx_irq_routing_irqchip {
	__u32 irqchip;
	__u32 pin;
};

struct kvmx_irq_routing_msi {
	__u32 address_lo;
	__u32 address_hi;
	__u32 data;
	union {
		__u32 pad;
		__u32 devid;
	};
};

struct kvmx_irq_routing_hv_sint {
	__u32 vcpu;
	__u32 sint;
};

struct kvmx_irq_routing_xen_evtchn {
	__u32 port;
	__u32 vcpu;
	__u32 priority;
};

struct kvmx_irq_routing_entry {
	__u32 gsi;
	__u32 type;
	__u32 flags;
	__u32 pad;
	union {
		struct kvmx_irq_routing_irqchip irqchip;
		struct kvmx_irq_routing_msi msi;
		struct kvmx_irq_routing_hv_sint hv_sint;
		struct kvmx_irq_routing_xen_evtchn xen_evtchn;
		__u32 pad[8];
	} u;
};

struct kvmx_irq_routing {
	__u32 nr;
	__u32 flags;
	struct kvmx_irq_routing_entry entries[];
};

struct kvmx_irqfd {
	__u32 fd;
	__u32 gsi;
	__u32 flags;
	__u32 resamplefd;
	__u8 pad[16];
};

struct kvmx_ioeventfd {
	__u64 datamatch;
	__u64 addr;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u8 pad[36];
};

struct kvmx_msi {
	__u32 address_lo;
	__u32 address_hi;
	__u32 data;
	__u32 flags;
	__u32 devid;
	__u8 pad[12];
};

/* ---- vCPU state that every architecture has ---- */

#define KVMX_MP_STATE_RUNNABLE		0
#define KVMX_MP_STATE_UNINITIALIZED	1
#define KVMX_MP_STATE_INIT_RECEIVED	2
#define KVMX_MP_STATE_HALTED		3
#define KVMX_MP_STATE_SIPI_RECEIVED	4
#define KVMX_MP_STATE_STOPPED		5
#define KVMX_MP_STATE_CHECK_STOP	6
#define KVMX_MP_STATE_OPERATING		7
#define KVMX_MP_STATE_LOAD		8
#define KVMX_MP_STATE_AP_RESET_HOLD	9
#define KVMX_MP_STATE_SUSPENDED		10
#define KVMX_GUESTDBG_ENABLE		0x00000001
#define KVMX_GUESTDBG_SINGLESTEP	0x00000002
#define KVMX_REG_ARCH_MASK		0xff00000000000000ULL
#define KVMX_REG_GENERIC		0x0000000000000000ULL
#define KVMX_REG_X86			0x2000000000000000ULL
#define KVMX_REG_ARM			0x4000000000000000ULL
#define KVMX_REG_ARM64			0x6000000000000000ULL
#define KVMX_REG_SIZE_SHIFT		52
#define KVMX_REG_SIZE_MASK		0x00f0000000000000ULL
#define KVMX_REG_SIZE(id)		(1U << (((id) & KVMX_REG_SIZE_MASK) >> KVMX_REG_SIZE_SHIFT))
#define KVMX_REG_SIZE_U8		0x0000000000000000ULL
#define KVMX_REG_SIZE_U16		0x0010000000000000ULL
#define KVMX_REG_SIZE_U32		0x0020000000000000ULL
#define KVMX_REG_SIZE_U64		0x0030000000000000ULL
#define KVMX_REG_SIZE_U128		0x0040000000000000ULL
#define KVMX_REG_SIZE_U256		0x0050000000000000ULL
#define KVMX_REG_SIZE_U512		0x0060000000000000ULL
#define KVMX_REG_SIZE_U1024		0x0070000000000000ULL
#define KVMX_REG_SIZE_U2048		0x0080000000000000ULL

struct kvmx_mp_state {
	__u32 mp_state;
};

struct kvmx_guest_debug {
	__u32 control;
	__u32 pad;
	struct kvmx_guest_debug_arch arch;
};

struct kvmx_signal_mask {
	__u32 len;
	__u8 sigset[];
};

struct kvmx_translation {
	__u64 linear_address;
	__u64 physical_address;
	__u8 valid;
	__u8 writeable;
	__u8 usermode;
	__u8 pad[5];
};

struct kvmx_interrupt {
	__u32 irq;
};

struct kvmx_tpr_access_ctl {
	__u32 enabled;
	__u32 flags;
	__u32 reserved[8];
};

struct kvmx_vapic_addr {
	__u64 vapic_addr;
};

struct kvmx_reg_list {
	__u64 n;
	__u64 reg[];
};

struct kvmx_one_reg {
	__u64 id;
	__u64 addr;
};

/* ---- VM-wide settings and devices ---- */

#define KVMX_VM_TYPE_ARM_IPA_SIZE_MASK	0xffULL
#define KVMX_VM_TYPE_ARM_IPA_SIZE(x)	((x) & KVMX_VM_TYPE_ARM_IPA_SIZE_MASK)
#define KVMX_VM_TYPE_ARM_PROTECTED	(1UL << 31)
#define KVMX_VM_TYPE_ARM_MASK \
	(KVMX_VM_TYPE_ARM_IPA_SIZE_MASK | KVMX_VM_TYPE_ARM_PROTECTED)
#define KVMX_CLOCK_TSC_STABLE		2
#define KVMX_CLOCK_REALTIME		(1 << 2)
#define KVMX_CLOCK_HOST_TSC		(1 << 3)
#define KVMX_CREATE_DEVICE_TEST		1
#define KVMX_DEV_VFIO_FILE		1
#define KVMX_DEV_VFIO_FILE_ADD		1
#define KVMX_DEV_VFIO_FILE_DEL		2
#define KVMX_DEV_VFIO_GROUP		KVMX_DEV_VFIO_FILE
#define KVMX_DEV_VFIO_GROUP_ADD		KVMX_DEV_VFIO_FILE_ADD
#define KVMX_DEV_VFIO_GROUP_DEL		KVMX_DEV_VFIO_FILE_DEL

struct kvmx_enable_cap {
	__u32 cap;
	__u32 flags;
	__u64 args[4];
	__u8 pad[64];
};

struct kvmx_clock_data {
	__u64 clock;
	__u32 flags;
	__u32 pad0;
	__u64 realtime;
	__u64 host_tsc;
	__u32 pad[4];
};

struct kvmx_create_device {
	__u32 type;
	__u32 fd;
	__u32 flags;
};

struct kvmx_device_attr {
	__u32 flags;
	__u32 group;
	__u64 attr;
	__u64 addr;
};

enum kvmx_device_type {
	KVMX_DEV_TYPE_FSL_MPIC_20 = 1,
	KVMX_DEV_TYPE_FSL_MPIC_42,
	KVMX_DEV_TYPE_XICS,
	KVMX_DEV_TYPE_VFIO,
	KVMX_DEV_TYPE_ARM_VGIC_V2,
	KVMX_DEV_TYPE_FLIC,
	KVMX_DEV_TYPE_ARM_VGIC_V3,
	KVMX_DEV_TYPE_ARM_VGIC_ITS,
	KVMX_DEV_TYPE_XIVE,
	KVMX_DEV_TYPE_ARM_PV_TIME,
	KVMX_DEV_TYPE_RISCV_AIA,
	KVMX_DEV_TYPE_LOONGARCH_IPI,
	KVMX_DEV_TYPE_LOONGARCH_EIOINTC,
	KVMX_DEV_TYPE_LOONGARCH_PCHPIC,
	KVMX_DEV_TYPE_LOONGARCH_DMSINTC,
	KVMX_DEV_TYPE_ARM_VGIC_V5,
	KVMX_DEV_TYPE_MAX,
};

struct kvmx_arm_device_addr {
	__u64 id;
	__u64 addr;
};

/* ---- Statistics files ---- */

#define KVMX_STATS_TYPE_SHIFT		0
#define KVMX_STATS_TYPE_MASK		(0xF << KVMX_STATS_TYPE_SHIFT)
#define KVMX_STATS_TYPE_CUMULATIVE	(0x0 << KVMX_STATS_TYPE_SHIFT)
#define KVMX_STATS_TYPE_INSTANT		(0x1 << KVMX_STATS_TYPE_SHIFT)
#define KVMX_STATS_TYPE_PEAK		(0x2 << KVMX_STATS_TYPE_SHIFT)
#define KVMX_STATS_TYPE_LINEAR_HIST	(0x3 << KVMX_STATS_TYPE_SHIFT)
#define KVMX_STATS_TYPE_LOG_HIST	(0x4 << KVMX_STATS_TYPE_SHIFT)
#define KVMX_STATS_TYPE_MAX		KVMX_STATS_TYPE_LOG_HIST
#define KVMX_STATS_UNIT_SHIFT		4
#define KVMX_STATS_UNIT_MASK		(0xF << KVMX_STATS_UNIT_SHIFT)
#define KVMX_STATS_UNIT_NONE		(0x0 << KVMX_STATS_UNIT_SHIFT)
#define KVMX_STATS_UNIT_BYTES		(0x1 << KVMX_STATS_UNIT_SHIFT)
#define KVMX_STATS_UNIT_SECONDS		(0x2 << KVMX_STATS_UNIT_SHIFT)
#define KVMX_STATS_UNIT_CYCLES		(0x3 << KVMX_STATS_UNIT_SHIFT)
#define KVMX_STATS_UNIT_BOOLEAN		(0x4 << KVMX_STATS_UNIT_SHIFT)
#define KVMX_STATS_UNIT_MAX		KVMX_STATS_UNIT_BOOLEAN
#define KVMX_STATS_BASE_SHIFT		8
#define KVMX_STATS_BASE_MASK		(0xF << KVMX_STATS_BASE_SHIFT)
#define KVMX_STATS_BASE_POW10		(0x0 << KVMX_STATS_BASE_SHIFT)
#define KVMX_STATS_BASE_POW2		(0x1 << KVMX_STATS_BASE_SHIFT)
#define KVMX_STATS_BASE_MAX		KVMX_STATS_BASE_POW2

struct kvmx_stats_header {
	__u32 flags;
	__u32 name_size;
	__u32 num_desc;
	__u32 id_offset;
	__u32 desc_offset;
	__u32 data_offset;
};

struct kvmx_stats_desc {
	__u32 flags;
	__s16 exponent;
	__u16 size;
	__u32 offset;
	__u32 bucket_size;
	char name[];
};

/* ---- KVMX_RUN: why it returned, and the shared page that says more ---- */

#define KVMX_EXIT_UNKNOWN		0
#define KVMX_EXIT_EXCEPTION		1
#define KVMX_EXIT_IO			2
#define KVMX_EXIT_HYPERCALL		3
#define KVMX_EXIT_DEBUG			4
#define KVMX_EXIT_HLT			5
#define KVMX_EXIT_MMIO			6
#define KVMX_EXIT_IRQ_WINDOW_OPEN	7
#define KVMX_EXIT_SHUTDOWN		8
#define KVMX_EXIT_FAIL_ENTRY		9
#define KVMX_EXIT_INTR			10
#define KVMX_EXIT_SET_TPR		11
#define KVMX_EXIT_TPR_ACCESS		12
#define KVMX_EXIT_S390_SIEIC		13
#define KVMX_EXIT_S390_RESET		14
#define KVMX_EXIT_DCR			15
#define KVMX_EXIT_NMI			16
#define KVMX_EXIT_INTERNAL_ERROR	17
#define KVMX_EXIT_OSI			18
#define KVMX_EXIT_PAPR_HCALL		19
#define KVMX_EXIT_S390_UCONTROL		20
#define KVMX_EXIT_WATCHDOG		21
#define KVMX_EXIT_S390_TSCH		22
#define KVMX_EXIT_EPR			23
#define KVMX_EXIT_SYSTEM_EVENT		24
#define KVMX_EXIT_S390_STSI		25
#define KVMX_EXIT_IOAPIC_EOI		26
#define KVMX_EXIT_HYPERV		27
#define KVMX_EXIT_ARM_NISV		28
#define KVMX_EXIT_X86_RDMSR		29
#define KVMX_EXIT_X86_WRMSR		30
#define KVMX_EXIT_DIRTY_RING_FULL	31
#define KVMX_EXIT_AP_RESET_HOLD		32
#define KVMX_EXIT_X86_BUS_LOCK		33
#define KVMX_EXIT_XEN			34
#define KVMX_EXIT_RISCV_SBI		35
#define KVMX_EXIT_RISCV_CSR		36
#define KVMX_EXIT_NOTIFY		37
#define KVMX_EXIT_LOONGARCH_IOCSR	38
#define KVMX_EXIT_MEMORY_FAULT		39
#define KVMX_EXIT_TDX			40
#define KVMX_EXIT_ARM_SEA		41
#define KVMX_EXIT_ARM_LDST64B		42
#define KVMX_EXIT_SNP_REQ_CERTS		43

#define KVMX_EXIT_IO_IN			0
#define KVMX_EXIT_IO_OUT		1
#define KVMX_SYSTEM_EVENT_SHUTDOWN	1
#define KVMX_SYSTEM_EVENT_RESET		2
#define KVMX_SYSTEM_EVENT_CRASH		3
#define KVMX_SYSTEM_EVENT_WAKEUP	4
#define KVMX_SYSTEM_EVENT_SUSPEND	5
#define KVMX_SYSTEM_EVENT_SEV_TERM	6
#define KVMX_SYSTEM_EVENT_TDX_FATAL	7
#define KVMX_MSR_EXIT_REASON_INVAL	(1 << 0)
#define KVMX_MSR_EXIT_REASON_UNKNOWN	(1 << 1)
#define KVMX_MSR_EXIT_REASON_FILTER	(1 << 2)
#define KVMX_MSR_EXIT_REASON_VALID_MASK \
	(KVMX_MSR_EXIT_REASON_INVAL | KVMX_MSR_EXIT_REASON_UNKNOWN | KVMX_MSR_EXIT_REASON_FILTER)
#define KVMX_MEMORY_EXIT_FLAG_PRIVATE	(1ULL << 3)
#define KVMX_EXIT_ARM_SEA_FLAG_GPA_VALID	(1ULL << 0)
#define KVMX_NOTIFY_CONTEXT_INVALID	(1 << 0)

#define KVMX_INTERNAL_ERROR_EMULATION			1
#define KVMX_INTERNAL_ERROR_SIMUL_EX			2
#define KVMX_INTERNAL_ERROR_DELIVERY_EV			3
#define KVMX_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON	4
#define KVMX_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES	(1ULL << 0)
#define KVMX_BUS_LOCK_DETECTION_OFF			(1 << 0)
#define KVMX_BUS_LOCK_DETECTION_EXIT			(1 << 1)
#define KVMX_X86_NOTIFY_VMEXIT_ENABLED			(1ULL << 0)
#define KVMX_X86_NOTIFY_VMEXIT_USER			(1ULL << 1)

struct kvmx_hyperv_exit {
	__u32 type;
	__u32 pad1;
	union {
		struct {
			__u32 msr;
			__u32 pad2;
			__u64 control;
			__u64 evt_page;
			__u64 msg_page;
		} synic;
		struct {
			__u64 input;
			__u64 result;
			__u64 params[2];
		} hcall;
		struct {
			__u32 msr;
			__u32 pad2;
			__u64 control;
			__u64 status;
			__u64 send_page;
			__u64 recv_page;
			__u64 pending_page;
		} syndbg;
	} u;
};

struct kvmx_xen_exit {
	__u32 type;
	union {
		struct {
			__u32 longmode;
			__u32 cpl;
			__u64 input;
			__u64 result;
			__u64 params[6];
		} hcall;
	} u;
};

struct kvmx_run {
	__u8 request_interrupt_window;
	__u8 immediate_exit;
	__u8 padding1[6];
	__u32 exit_reason;
	__u8 ready_for_interrupt_injection;
	__u8 if_flag;
	__u16 flags;
	__u64 cr8;
	__u64 apic_base;
	union {
		struct {
			__u64 hardware_exit_reason;
		} hw;
		struct {
			__u64 hardware_entry_failure_reason;
			__u32 cpu;
		} fail_entry;
		struct {
			__u32 exception;
			__u32 error_code;
		} ex;
		struct {
			__u8 direction;
			__u8 size;
			__u16 port;
			__u32 count;
			__u64 data_offset;
		} io;
		struct {
			struct kvmx_debug_exit_arch arch;
		} debug;
		struct {
			__u64 phys_addr;
			__u8 data[8];
			__u32 len;
			__u8 is_write;
		} mmio;
		struct {
			__u64 phys_addr;
			__u8 data[8];
			__u32 len;
			__u8 is_write;
		} iocsr_io;
		struct {
			__u64 nr;
			__u64 args[6];
			__u64 ret;
			union {
				__u32 longmode;
				__u64 flags;
			};
		} hypercall;
		struct {
			__u64 rip;
			__u32 is_write;
			__u32 pad;
		} tpr_access;
		struct {
			__u8 icptcode;
			__u16 ipa;
			__u32 ipb;
		} s390_sieic;
		__u64 s390_reset_flags;
		struct {
			__u64 trans_exc_code;
			__u32 pgm_code;
		} s390_ucontrol;
		struct {
			__u32 dcrn;
			__u32 data;
			__u8 is_write;
		} dcr;
		struct {
			__u32 suberror;
			__u32 ndata;
			__u64 data[16];
		} internal;
		struct {
			__u32 suberror;
			__u32 ndata;
			__u64 flags;
			union {
				struct {
					__u8 insn_size;
					__u8 insn_bytes[15];
				};
			};
		} emulation_failure;
		struct {
			__u64 gprs[32];
		} osi;
		struct {
			__u64 nr;
			__u64 ret;
			__u64 args[9];
		} papr_hcall;
		struct {
			__u16 subchannel_id;
			__u16 subchannel_nr;
			__u32 io_int_parm;
			__u32 io_int_word;
			__u32 ipb;
			__u8 dequeued;
		} s390_tsch;
		struct {
			__u32 epr;
		} epr;
		struct {
			__u32 type;
			__u32 ndata;
			union {
				__u64 flags;
				__u64 data[16];
			};
		} system_event;
		struct {
			__u64 addr;
			__u8 ar;
			__u8 reserved;
			__u8 fc;
			__u8 sel1;
			__u16 sel2;
		} s390_stsi;
		struct {
			__u8 vector;
		} eoi;
		struct kvmx_hyperv_exit hyperv;
		struct {
			__u64 esr_iss;
			__u64 fault_ipa;
		} arm_nisv;
		struct {
			__u8 error;
			__u8 pad[7];
			__u32 reason;
			__u32 index;
			__u64 data;
		} msr;
		struct kvmx_xen_exit xen;
		struct {
			unsigned long extension_id;
			unsigned long function_id;
			unsigned long args[6];
			unsigned long ret[2];
		} riscv_sbi;
		struct {
			unsigned long csr_num;
			unsigned long new_value;
			unsigned long write_mask;
			unsigned long ret_value;
		} riscv_csr;
		struct {
			__u32 flags;
		} notify;
		struct {
			__u64 flags;
			__u64 gpa;
			__u64 size;
		} memory_fault;
		struct {
			__u64 flags;
			__u64 nr;
			union {
				struct {
					__u64 ret;
					__u64 data[5];
				} unknown;
				struct {
					__u64 ret;
					__u64 gpa;
					__u64 size;
				} get_quote;
				struct {
					__u64 ret;
					__u64 leaf;
					__u64 r11, r12, r13, r14;
				} get_tdvmcall_info;
				struct {
					__u64 ret;
					__u64 vector;
				} setup_event_notify;
			};
		} tdx;
		struct {
			__u64 flags;
			__u64 esr;
			__u64 gva;
			__u64 gpa;
		} arm_sea;
		char padding[256];
	};
	__u64 kvmx_valid_regs;
	__u64 kvmx_dirty_regs;
	union {
		struct kvmx_sync_regs regs;
		char padding[2048];
	} s;
};

/* ---- Flags of single capabilities ---- */

#define KVMX_X86_DISABLE_EXITS_MWAIT		(1 << 0)
#define KVMX_X86_DISABLE_EXITS_HLT		(1 << 1)
#define KVMX_X86_DISABLE_EXITS_PAUSE		(1 << 2)
#define KVMX_X86_DISABLE_EXITS_CSTATE		(1 << 3)
#define KVMX_X86_DISABLE_EXITS_APERFMPERF	(1 << 4)
#define KVMX_MMU_FSL_BOOKE_NOHV			0
#define KVMX_MMU_FSL_BOOKE_HV			1
#define KVMX_PMU_CAP_DISABLE			(1 << 0)

/* ---- Capabilities (KVMX_CHECK_EXTENSION) ---- */

#define KVMX_CAP_IRQCHIP			0
#define KVMX_CAP_HLT				1
#define KVMX_CAP_MMU_SHADOW_CACHE_CONTROL	2
#define KVMX_CAP_USER_MEMORY			3
#define KVMX_CAP_SET_TSS_ADDR			4
#define KVMX_CAP_VAPIC				6
#define KVMX_CAP_EXT_CPUID			7
#define KVMX_CAP_CLOCKSOURCE			8
#define KVMX_CAP_NR_VCPUS			9
#define KVMX_CAP_NR_MEMSLOTS			10
#define KVMX_CAP_PIT				11
#define KVMX_CAP_NOP_IO_DELAY			12
#define KVMX_CAP_PV_MMU				13
#define KVMX_CAP_MP_STATE			14
#define KVMX_CAP_COALESCED_MMIO			15
#define KVMX_CAP_SYNC_MMU			16
#define KVMX_CAP_IOMMU				18
#define KVMX_CAP_DESTROY_MEMORY_REGION_WORKS	21
#define KVMX_CAP_USER_NMI			22
#define KVMX_CAP_SET_GUEST_DEBUG		23
#define KVMX_CAP_REINJECT_CONTROL		24
#define KVMX_CAP_IRQ_ROUTING			25
#define KVMX_CAP_IRQ_INJECT_STATUS		26
#define KVMX_CAP_ASSIGN_DEV_IRQ			29
#define KVMX_CAP_JOIN_MEMORY_REGIONS_WORKS	30
#define KVMX_CAP_MCE				31
#define KVMX_CAP_IRQFD				32
#define KVMX_CAP_PIT2				33
#define KVMX_CAP_SET_BOOT_CPU_ID		34
#define KVMX_CAP_PIT_STATE2			35
#define KVMX_CAP_IOEVENTFD			36
#define KVMX_CAP_SET_IDENTITY_MAP_ADDR		37
#define KVMX_CAP_XEN_HVM			38
#define KVMX_CAP_ADJUST_CLOCK			39
#define KVMX_CAP_INTERNAL_ERROR_DATA		40
#define KVMX_CAP_VCPU_EVENTS			41
#define KVMX_CAP_S390_PSW			42
#define KVMX_CAP_PPC_SEGSTATE			43
#define KVMX_CAP_HYPERV				44
#define KVMX_CAP_HYPERV_VAPIC			45
#define KVMX_CAP_HYPERV_SPIN			46
#define KVMX_CAP_PCI_SEGMENT			47
#define KVMX_CAP_PPC_PAIRED_SINGLES		48
#define KVMX_CAP_INTR_SHADOW			49
#define KVMX_CAP_DEBUGREGS			50
#define KVMX_CAP_X86_ROBUST_SINGLESTEP		51
#define KVMX_CAP_PPC_OSI			52
#define KVMX_CAP_PPC_UNSET_IRQ			53
#define KVMX_CAP_ENABLE_CAP			54
#define KVMX_CAP_XSAVE				55
#define KVMX_CAP_XCRS				56
#define KVMX_CAP_PPC_GET_PVINFO			57
#define KVMX_CAP_PPC_IRQ_LEVEL			58
#define KVMX_CAP_ASYNC_PF			59
#define KVMX_CAP_TSC_CONTROL			60
#define KVMX_CAP_GET_TSC_KHZ			61
#define KVMX_CAP_PPC_BOOKE_SREGS		62
#define KVMX_CAP_SPAPR_TCE			63
#define KVMX_CAP_PPC_SMT			64
#define KVMX_CAP_PPC_RMA			65
#define KVMX_CAP_MAX_VCPUS			66
#define KVMX_CAP_PPC_HIOR			67
#define KVMX_CAP_PPC_PAPR			68
#define KVMX_CAP_SW_TLB				69
#define KVMX_CAP_ONE_REG			70
#define KVMX_CAP_S390_GMAP			71
#define KVMX_CAP_TSC_DEADLINE_TIMER		72
#define KVMX_CAP_S390_UCONTROL			73
#define KVMX_CAP_SYNC_REGS			74
#define KVMX_CAP_PCI_2_3			75
#define KVMX_CAP_KVMCLOCK_CTRL			76
#define KVMX_CAP_SIGNAL_MSI			77
#define KVMX_CAP_PPC_GET_SMMU_INFO		78
#define KVMX_CAP_S390_COW			79
#define KVMX_CAP_PPC_ALLOC_HTAB			80
#define KVMX_CAP_READONLY_MEM			81
#define KVMX_CAP_IRQFD_RESAMPLE			82
#define KVMX_CAP_PPC_BOOKE_WATCHDOG		83
#define KVMX_CAP_PPC_HTAB_FD			84
#define KVMX_CAP_S390_CSS_SUPPORT		85
#define KVMX_CAP_PPC_EPR			86
#define KVMX_CAP_ARM_PSCI			87
#define KVMX_CAP_ARM_SET_DEVICE_ADDR		88
#define KVMX_CAP_DEVICE_CTRL			89
#define KVMX_CAP_IRQ_MPIC			90
#define KVMX_CAP_PPC_RTAS			91
#define KVMX_CAP_IRQ_XICS			92
#define KVMX_CAP_ARM_EL1_32BIT			93
#define KVMX_CAP_SPAPR_MULTITCE			94
#define KVMX_CAP_EXT_EMUL_CPUID			95
#define KVMX_CAP_HYPERV_TIME			96
#define KVMX_CAP_IOAPIC_POLARITY_IGNORED	97
#define KVMX_CAP_ENABLE_CAP_VM			98
#define KVMX_CAP_S390_IRQCHIP			99
#define KVMX_CAP_IOEVENTFD_NO_LENGTH		100
#define KVMX_CAP_VM_ATTRIBUTES			101
#define KVMX_CAP_ARM_PSCI_0_2			102
#define KVMX_CAP_PPC_FIXUP_HCALL		103
#define KVMX_CAP_PPC_ENABLE_HCALL		104
#define KVMX_CAP_CHECK_EXTENSION_VM		105
#define KVMX_CAP_S390_USER_SIGP			106
#define KVMX_CAP_S390_VECTOR_REGISTERS		107
#define KVMX_CAP_S390_MEM_OP			108
#define KVMX_CAP_S390_USER_STSI			109
#define KVMX_CAP_S390_SKEYS			110
#define KVMX_CAP_MIPS_FPU			111
#define KVMX_CAP_MIPS_MSA			112
#define KVMX_CAP_S390_INJECT_IRQ		113
#define KVMX_CAP_S390_IRQ_STATE			114
#define KVMX_CAP_PPC_HWRNG			115
#define KVMX_CAP_DISABLE_QUIRKS			116
#define KVMX_CAP_X86_SMM			117
#define KVMX_CAP_MULTI_ADDRESS_SPACE		118
#define KVMX_CAP_GUEST_DEBUG_HW_BPS		119
#define KVMX_CAP_GUEST_DEBUG_HW_WPS		120
#define KVMX_CAP_SPLIT_IRQCHIP			121
#define KVMX_CAP_IOEVENTFD_ANY_LENGTH		122
#define KVMX_CAP_HYPERV_SYNIC			123
#define KVMX_CAP_S390_RI			124
#define KVMX_CAP_SPAPR_TCE_64			125
#define KVMX_CAP_ARM_PMU_V3			126
#define KVMX_CAP_VCPU_ATTRIBUTES		127
#define KVMX_CAP_MAX_VCPU_ID			128
#define KVMX_CAP_X2APIC_API			129
#define KVMX_CAP_S390_USER_INSTR0		130
#define KVMX_CAP_MSI_DEVID			131
#define KVMX_CAP_PPC_HTM			132
#define KVMX_CAP_SPAPR_RESIZE_HPT		133
#define KVMX_CAP_PPC_MMU_RADIX			134
#define KVMX_CAP_PPC_MMU_HASH_V3		135
#define KVMX_CAP_IMMEDIATE_EXIT			136
#define KVMX_CAP_MIPS_VZ			137
#define KVMX_CAP_MIPS_TE			138
#define KVMX_CAP_MIPS_64BIT			139
#define KVMX_CAP_S390_GS			140
#define KVMX_CAP_S390_AIS			141
#define KVMX_CAP_SPAPR_TCE_VFIO			142
#define KVMX_CAP_X86_DISABLE_EXITS		143
#define KVMX_CAP_ARM_USER_IRQ			144
#define KVMX_CAP_S390_CMMA_MIGRATION		145
#define KVMX_CAP_PPC_FWNMI			146
#define KVMX_CAP_PPC_SMT_POSSIBLE		147
#define KVMX_CAP_HYPERV_SYNIC2			148
#define KVMX_CAP_HYPERV_VP_INDEX		149
#define KVMX_CAP_S390_AIS_MIGRATION		150
#define KVMX_CAP_PPC_GET_CPU_CHAR		151
#define KVMX_CAP_S390_BPB			152
#define KVMX_CAP_GET_MSR_FEATURES		153
#define KVMX_CAP_HYPERV_EVENTFD			154
#define KVMX_CAP_HYPERV_TLBFLUSH		155
#define KVMX_CAP_S390_HPAGE_1M			156
#define KVMX_CAP_NESTED_STATE			157
#define KVMX_CAP_ARM_INJECT_SERROR_ESR		158
#define KVMX_CAP_MSR_PLATFORM_INFO		159
#define KVMX_CAP_PPC_NESTED_HV			160
#define KVMX_CAP_HYPERV_SEND_IPI		161
#define KVMX_CAP_COALESCED_PIO			162
#define KVMX_CAP_HYPERV_ENLIGHTENED_VMCS	163
#define KVMX_CAP_EXCEPTION_PAYLOAD		164
#define KVMX_CAP_ARM_VM_IPA_SIZE		165
#define KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT	166
#define KVMX_CAP_HYPERV_CPUID			167
#define KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2	168
#define KVMX_CAP_PPC_IRQ_XIVE			169
#define KVMX_CAP_ARM_SVE			170
#define KVMX_CAP_ARM_PTRAUTH_ADDRESS		171
#define KVMX_CAP_ARM_PTRAUTH_GENERIC		172
#define KVMX_CAP_PMU_EVENT_FILTER		173
#define KVMX_CAP_ARM_IRQ_LINE_LAYOUT_2		174
#define KVMX_CAP_HYPERV_DIRECT_TLBFLUSH		175
#define KVMX_CAP_PPC_GUEST_DEBUG_SSTEP		176
#define KVMX_CAP_ARM_NISV_TO_USER		177
#define KVMX_CAP_ARM_INJECT_EXT_DABT		178
#define KVMX_CAP_S390_VCPU_RESETS		179
#define KVMX_CAP_S390_PROTECTED			180
#define KVMX_CAP_PPC_SECURE_GUEST		181
#define KVMX_CAP_HALT_POLL			182
#define KVMX_CAP_ASYNC_PF_INT			183
#define KVMX_CAP_LAST_CPU			184
#define KVMX_CAP_SMALLER_MAXPHYADDR		185
#define KVMX_CAP_S390_DIAG318			186
#define KVMX_CAP_STEAL_TIME			187
#define KVMX_CAP_X86_USER_SPACE_MSR		188
#define KVMX_CAP_X86_MSR_FILTER			189
#define KVMX_CAP_ENFORCE_PV_FEATURE_CPUID	190
#define KVMX_CAP_SYS_HYPERV_CPUID		191
#define KVMX_CAP_DIRTY_LOG_RING			192
#define KVMX_CAP_X86_BUS_LOCK_EXIT		193
#define KVMX_CAP_PPC_DAWR1			194
#define KVMX_CAP_SET_GUEST_DEBUG2		195
#define KVMX_CAP_SGX_ATTRIBUTE			196
#define KVMX_CAP_VM_COPY_ENC_CONTEXT_FROM	197
#define KVMX_CAP_PTP_KVM			198
#define KVMX_CAP_HYPERV_ENFORCE_CPUID		199
#define KVMX_CAP_SREGS2				200
#define KVMX_CAP_EXIT_HYPERCALL			201
#define KVMX_CAP_PPC_RPT_INVALIDATE		202
#define KVMX_CAP_BINARY_STATS_FD		203
#define KVMX_CAP_EXIT_ON_EMULATION_FAILURE	204
#define KVMX_CAP_ARM_MTE			205
#define KVMX_CAP_VM_MOVE_ENC_CONTEXT_FROM	206
#define KVMX_CAP_VM_GPA_BITS			207
#define KVMX_CAP_XSAVE2				208
#define KVMX_CAP_SYS_ATTRIBUTES			209
#define KVMX_CAP_PPC_AIL_MODE_3			210
#define KVMX_CAP_S390_MEM_OP_EXTENSION		211
#define KVMX_CAP_PMU_CAPABILITY			212
#define KVMX_CAP_DISABLE_QUIRKS2		213
#define KVMX_CAP_VM_TSC_CONTROL			214
#define KVMX_CAP_SYSTEM_EVENT_DATA		215
#define KVMX_CAP_ARM_SYSTEM_SUSPEND		216
#define KVMX_CAP_S390_PROTECTED_DUMP		217
#define KVMX_CAP_X86_TRIPLE_FAULT_EVENT		218
#define KVMX_CAP_X86_NOTIFY_VMEXIT		219
#define KVMX_CAP_VM_DISABLE_NX_HUGE_PAGES	220
#define KVMX_CAP_S390_ZPCI_OP			221
#define KVMX_CAP_S390_CPU_TOPOLOGY		222
#define KVMX_CAP_DIRTY_LOG_RING_ACQ_REL		223
#define KVMX_CAP_S390_PROTECTED_ASYNC_DISABLE	224
#define KVMX_CAP_DIRTY_LOG_RING_WITH_BITMAP	225
#define KVMX_CAP_PMU_EVENT_MASKED_EVENTS	226
#define KVMX_CAP_COUNTER_OFFSET			227
#define KVMX_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE	228
#define KVMX_CAP_ARM_SUPPORTED_BLOCK_SIZES	229
#define KVMX_CAP_ARM_SUPPORTED_REG_MASK_RANGES	230
#define KVMX_CAP_USER_MEMORY2			231
#define KVMX_CAP_MEMORY_FAULT_INFO		232
#define KVMX_CAP_MEMORY_ATTRIBUTES		233
#define KVMX_CAP_GUEST_MEMFD			234
#define KVMX_CAP_VM_TYPES			235
#define KVMX_CAP_PRE_FAULT_MEMORY		236
#define KVMX_CAP_X86_APIC_BUS_CYCLES_NS		237
#define KVMX_CAP_X86_GUEST_MODE			238
#define KVMX_CAP_ARM_WRITABLE_IMP_ID_REGS	239
#define KVMX_CAP_ARM_EL2			240
#define KVMX_CAP_ARM_EL2_E2H0			241
#define KVMX_CAP_RISCV_MP_STATE_RESET		242
#define KVMX_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED	243
#define KVMX_CAP_GUEST_MEMFD_FLAGS		244
#define KVMX_CAP_ARM_SEA_TO_USER		245
#define KVMX_CAP_S390_USER_OPEREXEC		246
#define KVMX_CAP_S390_KEYOP			247
#define KVMX_CAP_S390_VSIE_ESAMODE		248
#define KVMX_CAP_S390_HPAGE_2G			249
#define KVMX_CAP_PPC_COMPAT_CAPS		250
#define KVMX_CAP_ARM_PMU_V3_STRICT		251

/* ---- ioctls of /dev/kvmx ---- */

#define KVMX_GET_API_VERSION		_IO(KVMXIO, 0x00)
#define KVMX_CREATE_VM			_IO(KVMXIO, 0x01)
#define KVMX_GET_MSR_INDEX_LIST		_IOWR(KVMXIO, 0x02, struct kvmx_msr_list)
#define KVMX_CHECK_EXTENSION		_IO(KVMXIO, 0x03)
#define KVMX_GET_VCPU_MMAP_SIZE		_IO(KVMXIO, 0x04)
#define KVMX_GET_SUPPORTED_CPUID	_IOWR(KVMXIO, 0x05, struct kvmx_cpuid2)
#define KVMX_GET_EMULATED_CPUID		_IOWR(KVMXIO, 0x09, struct kvmx_cpuid2)
#define KVMX_GET_MSR_FEATURE_INDEX_LIST	_IOWR(KVMXIO, 0x0a, struct kvmx_msr_list)

/* ---- ioctls of a VM ---- */

#define KVMX_CREATE_VCPU		_IO(KVMXIO, 0x41)
#define KVMX_GET_DIRTY_LOG		_IOW(KVMXIO, 0x42, struct kvmx_dirty_log)
#define KVMX_SET_NR_MMU_PAGES		_IO(KVMXIO, 0x44)
#define KVMX_GET_NR_MMU_PAGES		_IO(KVMXIO, 0x45)
#define KVMX_SET_USER_MEMORY_REGION	_IOW(KVMXIO, 0x46, struct kvmx_userspace_memory_region)
#define KVMX_SET_TSS_ADDR		_IO(KVMXIO, 0x47)
#define KVMX_SET_IDENTITY_MAP_ADDR	_IOW(KVMXIO, 0x48, __u64)
#define KVMX_SET_USER_MEMORY_REGION2	_IOW(KVMXIO, 0x49, struct kvmx_userspace_memory_region2)
#define KVMX_CREATE_IRQCHIP		_IO(KVMXIO, 0x60)
#define KVMX_IRQ_LINE			_IOW(KVMXIO, 0x61, struct kvmx_irq_level)
#define KVMX_GET_IRQCHIP		_IOWR(KVMXIO, 0x62, struct kvmx_irqchip)
#define KVMX_SET_IRQCHIP		_IOR(KVMXIO, 0x63, struct kvmx_irqchip)
#define KVMX_CREATE_PIT			_IO(KVMXIO, 0x64)
#define KVMX_GET_PIT			_IOWR(KVMXIO, 0x65, struct kvmx_pit_state)
#define KVMX_SET_PIT			_IOR(KVMXIO, 0x66, struct kvmx_pit_state)
#define KVMX_IRQ_LINE_STATUS		_IOWR(KVMXIO, 0x67, struct kvmx_irq_level)
#define KVMX_REGISTER_COALESCED_MMIO	_IOW(KVMXIO, 0x67, struct kvmx_coalesced_mmio_zone)
#define KVMX_UNREGISTER_COALESCED_MMIO	_IOW(KVMXIO, 0x68, struct kvmx_coalesced_mmio_zone)
#define KVMX_SET_GSI_ROUTING		_IOW(KVMXIO, 0x6a, struct kvmx_irq_routing)
#define KVMX_REINJECT_CONTROL		_IO(KVMXIO, 0x71)
#define KVMX_IRQFD			_IOW(KVMXIO, 0x76, struct kvmx_irqfd)
#define KVMX_CREATE_PIT2		_IOW(KVMXIO, 0x77, struct kvmx_pit_config)
#define KVMX_SET_BOOT_CPU_ID		_IO(KVMXIO, 0x78)
#define KVMX_IOEVENTFD			_IOW(KVMXIO, 0x79, struct kvmx_ioeventfd)
#define KVMX_SET_CLOCK			_IOW(KVMXIO, 0x7b, struct kvmx_clock_data)
#define KVMX_GET_CLOCK			_IOR(KVMXIO, 0x7c, struct kvmx_clock_data)

/* ---- ioctls of a vCPU, and later ones of a VM ---- */

#define KVMX_RUN				_IO(KVMXIO, 0x80)
#define KVMX_GET_REGS				_IOR(KVMXIO, 0x81, struct kvmx_regs)
#define KVMX_SET_REGS				_IOW(KVMXIO, 0x82, struct kvmx_regs)
#define KVMX_GET_SREGS				_IOR(KVMXIO, 0x83, struct kvmx_sregs)
#define KVMX_SET_SREGS				_IOW(KVMXIO, 0x84, struct kvmx_sregs)
#define KVMX_TRANSLATE				_IOWR(KVMXIO, 0x85, struct kvmx_translation)
#define KVMX_INTERRUPT				_IOW(KVMXIO, 0x86, struct kvmx_interrupt)
#define KVMX_GET_MSRS				_IOWR(KVMXIO, 0x88, struct kvmx_msrs)
#define KVMX_SET_MSRS				_IOW(KVMXIO, 0x89, struct kvmx_msrs)
#define KVMX_SET_CPUID				_IOW(KVMXIO, 0x8a, struct kvmx_cpuid)
#define KVMX_SET_SIGNAL_MASK			_IOW(KVMXIO, 0x8b, struct kvmx_signal_mask)
#define KVMX_GET_FPU				_IOR(KVMXIO, 0x8c, struct kvmx_fpu)
#define KVMX_SET_FPU				_IOW(KVMXIO, 0x8d, struct kvmx_fpu)
#define KVMX_GET_LAPIC				_IOR(KVMXIO, 0x8e, struct kvmx_lapic_state)
#define KVMX_SET_LAPIC				_IOW(KVMXIO, 0x8f, struct kvmx_lapic_state)
#define KVMX_SET_CPUID2				_IOW(KVMXIO, 0x90, struct kvmx_cpuid2)
#define KVMX_GET_CPUID2				_IOWR(KVMXIO, 0x91, struct kvmx_cpuid2)
#define KVMX_TPR_ACCESS_REPORTING		_IOWR(KVMXIO, 0x92, struct kvmx_tpr_access_ctl)
#define KVMX_SET_VAPIC_ADDR			_IOW(KVMXIO, 0x93, struct kvmx_vapic_addr)
#define KVMX_GET_MP_STATE			_IOR(KVMXIO, 0x98, struct kvmx_mp_state)
#define KVMX_SET_MP_STATE			_IOW(KVMXIO, 0x99, struct kvmx_mp_state)
#define KVMX_NMI				_IO(KVMXIO, 0x9a)
#define KVMX_SET_GUEST_DEBUG			_IOW(KVMXIO, 0x9b, struct kvmx_guest_debug)
#define KVMX_X86_SETUP_MCE			_IOW(KVMXIO, 0x9c, __u64)
#define KVMX_X86_GET_MCE_CAP_SUPPORTED		_IOR(KVMXIO, 0x9d, __u64)
#define KVMX_X86_SET_MCE			_IOW(KVMXIO, 0x9e, struct kvmx_x86_mce)
#define KVMX_GET_PIT2				_IOR(KVMXIO, 0x9f, struct kvmx_pit_state2)
#define KVMX_GET_VCPU_EVENTS			_IOR(KVMXIO, 0x9f, struct kvmx_vcpu_events)
#define KVMX_SET_PIT2				_IOW(KVMXIO, 0xa0, struct kvmx_pit_state2)
#define KVMX_SET_VCPU_EVENTS			_IOW(KVMXIO, 0xa0, struct kvmx_vcpu_events)
#define KVMX_GET_DEBUGREGS			_IOR(KVMXIO, 0xa1, struct kvmx_debugregs)
#define KVMX_SET_TSC_KHZ			_IO(KVMXIO, 0xa2)
#define KVMX_SET_DEBUGREGS			_IOW(KVMXIO, 0xa2, struct kvmx_debugregs)
#define KVMX_GET_TSC_KHZ			_IO(KVMXIO, 0xa3)
#define KVMX_ENABLE_CAP				_IOW(KVMXIO, 0xa3, struct kvmx_enable_cap)
#define KVMX_GET_XSAVE				_IOR(KVMXIO, 0xa4, struct kvmx_xsave)
#define KVMX_SIGNAL_MSI				_IOW(KVMXIO, 0xa5, struct kvmx_msi)
#define KVMX_SET_XSAVE				_IOW(KVMXIO, 0xa5, struct kvmx_xsave)
#define KVMX_GET_XCRS				_IOR(KVMXIO, 0xa6, struct kvmx_xcrs)
#define KVMX_SET_XCRS				_IOW(KVMXIO, 0xa7, struct kvmx_xcrs)
#define KVMX_ALLOCATE_RMA			_IOR(KVMXIO, 0xa9, struct kvmx_allocate_rma)
#define KVMX_ARM_SET_DEVICE_ADDR		_IOW(KVMXIO, 0xab, struct kvmx_arm_device_addr)
#define KVMX_GET_ONE_REG			_IOW(KVMXIO, 0xab, struct kvmx_one_reg)
#define KVMX_SET_ONE_REG			_IOW(KVMXIO, 0xac, struct kvmx_one_reg)
#define KVMX_KVMCLOCK_CTRL			_IO(KVMXIO, 0xad)
#define KVMX_ARM_VCPU_INIT			_IOW(KVMXIO, 0xae, struct kvmx_vcpu_init)
#define KVMX_ARM_PREFERRED_TARGET		_IOR(KVMXIO, 0xaf, struct kvmx_vcpu_init)
#define KVMX_GET_REG_LIST			_IOWR(KVMXIO, 0xb0, struct kvmx_reg_list)
#define KVMX_SET_PMU_EVENT_FILTER		_IOW(KVMXIO, 0xb2, struct kvmx_pmu_event_filter)
#define KVMX_ARM_MTE_COPY_TAGS			_IOR(KVMXIO, 0xb4, struct kvmx_arm_copy_mte_tags)
#define KVMX_ARM_SET_COUNTER_OFFSET		_IOW(KVMXIO, 0xb5, struct kvmx_arm_counter_offset)
#define KVMX_ARM_GET_REG_WRITABLE_MASKS		_IOR(KVMXIO, 0xb6, struct kvmx_reg_mask_range)
#define KVMX_SMI				_IO(KVMXIO, 0xb7)
#define KVMX_MEMORY_ENCRYPT_OP			_IOWR(KVMXIO, 0xba, unsigned long)
#define KVMX_GET_NESTED_STATE			_IOWR(KVMXIO, 0xbe, struct kvmx_nested_state)
#define KVMX_SET_NESTED_STATE			_IOW(KVMXIO, 0xbf, struct kvmx_nested_state)
#define KVMX_CLEAR_DIRTY_LOG			_IOWR(KVMXIO, 0xc0, struct kvmx_clear_dirty_log)
#define KVMX_GET_SUPPORTED_HV_CPUID		_IOWR(KVMXIO, 0xc1, struct kvmx_cpuid2)
#define KVMX_ARM_VCPU_FINALIZE			_IOW(KVMXIO, 0xc2, int)
#define KVMX_X86_SET_MSR_FILTER			_IOW(KVMXIO, 0xc6, struct kvmx_msr_filter)
#define KVMX_RESET_DIRTY_RINGS			_IO(KVMXIO, 0xc7)
#define KVMX_GET_SREGS2				_IOR(KVMXIO, 0xcc, struct kvmx_sregs2)
#define KVMX_SET_SREGS2				_IOW(KVMXIO, 0xcd, struct kvmx_sregs2)
#define KVMX_GET_STATS_FD			_IO(KVMXIO, 0xce)
#define KVMX_GET_XSAVE2				_IOR(KVMXIO, 0xcf, struct kvmx_xsave)
#define KVMX_SET_MEMORY_ATTRIBUTES		_IOW(KVMXIO, 0xd2, struct kvmx_memory_attributes)
#define KVMX_CREATE_GUEST_MEMFD			_IOWR(KVMXIO, 0xd4, struct kvmx_create_guest_memfd)
#define KVMX_PRE_FAULT_MEMORY			_IOWR(KVMXIO, 0xd5, struct kvmx_pre_fault_memory)

/* ---- ioctls of a device ---- */

#define KVMX_CREATE_DEVICE	_IOWR(KVMXIO, 0xe0, struct kvmx_create_device)
#define KVMX_SET_DEVICE_ATTR	_IOW(KVMXIO, 0xe1, struct kvmx_device_attr)
#define KVMX_GET_DEVICE_ATTR	_IOW(KVMXIO, 0xe2, struct kvmx_device_attr)
#define KVMX_HAS_DEVICE_ATTR	_IOW(KVMXIO, 0xe3, struct kvmx_device_attr)

/* ---- What kvmx adds: capabilities from KVMX_CAP_KVMX_BASE, ioctls from 0xf0 ---- */

#define KVMX_ABI_VERSION		1
#define KVMX_CAP_KVMX_BASE		0x4b560000
#define KVMX_CAP_KVMX_VERSION		(KVMX_CAP_KVMX_BASE + 0)	/* KVMX_ABI_VERSION */

#endif /* _UAPI_LINUX_KVMX_H */
