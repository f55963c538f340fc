/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What a guest finds of the hypervisor: CPUID leaves, feature bits, MSRs,
 * shared structures and hypercalls of the KVM paravirtual interface.
 */
#ifndef _UAPI_LINUX_KVMX_PARA_H
#define _UAPI_LINUX_KVMX_PARA_H

#include <linux/types.h>

#define KVMX_ENOSYS				1000	/* a hypercall that is not there */
#define KVMX_EOPNOTSUPP				95

#define KVMX_CPUID_SIGNATURE			0x40000000
#define KVMX_CPUID_FEATURES			0x40000001
#define KVMX_FEATURE_CLOCKSOURCE		0
#define KVMX_FEATURE_NOP_IO_DELAY		1
#define KVMX_FEATURE_CLOCKSOURCE2		3
#define KVMX_FEATURE_ASYNC_PF			4
#define KVMX_FEATURE_STEAL_TIME			5
#define KVMX_FEATURE_PV_EOI			6
#define KVMX_FEATURE_PV_UNHALT			7
#define KVMX_FEATURE_PV_TLB_FLUSH		9
#define KVMX_FEATURE_ASYNC_PF_VMEXIT		10
#define KVMX_FEATURE_PV_SEND_IPI		11
#define KVMX_FEATURE_POLL_CONTROL		12
#define KVMX_FEATURE_PV_SCHED_YIELD		13
#define KVMX_FEATURE_ASYNC_PF_INT		14
#define KVMX_FEATURE_MSI_EXT_DEST_ID		15
#define KVMX_FEATURE_HC_MAP_GPA_RANGE		16
#define KVMX_FEATURE_MIGRATION_CONTROL		17
#define KVMX_HINTS_REALTIME			0
#define KVMX_FEATURE_CLOCKSOURCE_STABLE_BIT	24
#define KVMX_MSR_WALL_CLOCK			0x11
#define KVMX_MSR_SYSTEM_TIME			0x12
#define KVMX_MSR_ENABLED			1
#define KVMX_MSR_WALL_CLOCK_NEW			0x4b564d00
#define KVMX_MSR_SYSTEM_TIME_NEW		0x4b564d01
#define KVMX_MSR_ASYNC_PF_EN			0x4b564d02
#define KVMX_MSR_STEAL_TIME			0x4b564d03
#define KVMX_MSR_PV_EOI_EN			0x4b564d04
#define KVMX_MSR_POLL_CONTROL			0x4b564d05
#define KVMX_MSR_ASYNC_PF_INT			0x4b564d06
#define KVMX_MSR_ASYNC_PF_ACK			0x4b564d07
#define KVMX_MSR_MIGRATION_CONTROL		0x4b564d08
#define KVMX_VCPU_PREEMPTED			(1 << 0)
#define KVMX_VCPU_FLUSH_TLB			(1 << 1)
#define KVMX_CLOCK_PAIRING_WALLCLOCK		0
#define KVMX_STEAL_ALIGNMENT_BITS		5
#define KVMX_STEAL_VALID_BITS			((-1ULL << (KVMX_STEAL_ALIGNMENT_BITS + 1)))
#define KVMX_STEAL_RESERVED_MASK		(((1 << KVMX_STEAL_ALIGNMENT_BITS) - 1 ) << 1)
#define KVMX_ASYNC_PF_ENABLED			(1 << 0)
#define KVMX_ASYNC_PF_SEND_ALWAYS		(1 << 1)
#define KVMX_ASYNC_PF_DELIVERY_AS_PF_VMEXIT	(1 << 2)
#define KVMX_ASYNC_PF_DELIVERY_AS_INT		(1 << 3)
#define KVMX_ASYNC_PF_VEC_MASK			0xffUL
#define KVMX_MIGRATION_READY			(1 << 0)
#define KVMX_MAP_GPA_RANGE_PAGE_SZ_4K		0
#define KVMX_MAP_GPA_RANGE_PAGE_SZ_2M		(1 << 0)
#define KVMX_MAP_GPA_RANGE_PAGE_SZ_1G		(1 << 1)
#define KVMX_MAP_GPA_RANGE_ENC_STAT(n)		(n << 4)
#define KVMX_MAP_GPA_RANGE_ENCRYPTED		KVMX_MAP_GPA_RANGE_ENC_STAT(1)
#define KVMX_MAP_GPA_RANGE_DECRYPTED		KVMX_MAP_GPA_RANGE_ENC_STAT(0)
#define KVMX_PV_REASON_PAGE_NOT_PRESENT		1
#define KVMX_PV_REASON_PAGE_READY		2
#define KVMX_PV_EOI_BIT				0
#define KVMX_PV_EOI_MASK			(0x1 << KVMX_PV_EOI_BIT)
#define KVMX_PV_EOI_ENABLED			KVMX_PV_EOI_MASK
#define KVMX_PV_EOI_DISABLED			0x0
#define KVMX_HC_VAPIC_POLL_IRQ			1
#define KVMX_HC_FEATURES			3
#define KVMX_HC_KICK_CPU			5
#define KVMX_HC_CLOCK_PAIRING			9
#define KVMX_HC_SEND_IPI			10
#define KVMX_HC_SCHED_YIELD			11
#define KVMX_HC_MAP_GPA_RANGE			12

#define KVMX_SIGNATURE		"KVMKVMKVM\0\0\0"

struct kvmx_steal_time {
	__u64 steal;
	__u32 version;
	__u32 flags;
	__u8 preempted;
	__u8 u8_pad[3];
	__u32 pad[11];
};

struct kvmx_clock_pairing {
	__s64 sec;
	__s64 nsec;
	__u64 tsc;
	__u32 flags;
	__u32 pad[9];
};

struct kvmx_vcpu_pv_apf_data {
	__u32 flags;
	__u32 token;
	__u8 pad[56];
};

/* The clock pages (KVMX_MSR_SYSTEM_TIME, KVMX_MSR_WALL_CLOCK). */
struct kvmx_pvclock_vcpu_time_info {
	__u32 version;		/* odd while it is being written */
	__u32 pad0;
	__u64 tsc_timestamp;
	__u64 system_time;
	__u32 tsc_to_system_mul;
	__s8 tsc_shift;
	__u8 flags;		/* KVMX_PVCLOCK_ */
	__u8 pad[2];
} __attribute__((__packed__));

#define KVMX_PVCLOCK_TSC_STABLE		(1 << 0)
#define KVMX_PVCLOCK_GUEST_STOPPED	(1 << 1)

struct kvmx_pvclock_wall_clock {
	__u32 version;
	__u32 sec;
	__u32 nsec;
} __attribute__((__packed__));

#endif
