// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of /dev/kvmx itself and the answers to KVMX_CHECK_EXTENSION that
 * are the same on every CPU; what is not is the guest floor's to answer.
 */
#include <linux/kernel.h>
#include <linux/cpumask.h>
#include <linux/mm.h>

#include <kvmx/arch.h>

#include "door.h"

static long get_api_version(struct kvmx_call *call)
{
	return KVMX_API_VERSION;
}

static long create_vm(struct kvmx_call *call)
{
	return kvmx_vm_create(call->arg);
}

static long get_vcpu_mmap_size(struct kvmx_call *call)
{
	return KVMX_VCPU_MMAP_PAGES * PAGE_SIZE;
}

long kvmx_check_extension(struct kvmx_vm *vm, unsigned long cap)
{
	switch (cap) {
	case KVMX_CAP_USER_MEMORY:
	case KVMX_CAP_USER_MEMORY2:
	case KVMX_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVMX_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVMX_CAP_SYNC_MMU:
	case KVMX_CAP_READONLY_MEM:
	case KVMX_CAP_INTERNAL_ERROR_DATA:
	case KVMX_CAP_IMMEDIATE_EXIT:
	case KVMX_CAP_IRQFD:
	case KVMX_CAP_IOEVENTFD:
	case KVMX_CAP_IOEVENTFD_ANY_LENGTH:
	case KVMX_CAP_IOEVENTFD_NO_LENGTH:
	case KVMX_CAP_PRE_FAULT_MEMORY:
	case KVMX_CAP_CHECK_EXTENSION_VM:
	case KVMX_CAP_ENABLE_CAP_VM:
	case KVMX_CAP_HALT_POLL:
	case KVMX_CAP_BINARY_STATS_FD:
		return 1;
	case KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return KVMX_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVMX_DIRTY_LOG_INITIALLY_SET;
	case KVMX_CAP_DIRTY_LOG_RING_ACQ_REL:
		return KVMX_DIRTY_RING_BYTES_MAX;
	case KVMX_CAP_COALESCED_MMIO:
		return KVMX_COALESCED_MMIO_PAGE_OFFSET;
	case KVMX_CAP_IRQ_ROUTING:
		return KVMX_MAX_IRQ_ROUTES;
	case KVMX_CAP_NR_MEMSLOTS:
		return KVMX_MAX_SLOTS;
	case KVMX_CAP_NR_VCPUS:
		return min_t(unsigned int, num_online_cpus(), KVMX_MAX_VCPUS);
	case KVMX_CAP_MAX_VCPUS:
		return KVMX_MAX_VCPUS;
	case KVMX_CAP_MAX_VCPU_ID:
		return KVMX_MAX_VCPU_ID;
	case KVMX_CAP_KVMX_VERSION:
		return KVMX_ABI_VERSION;
	default:
		return cap == (u32)cap ? kvmx_arch_check_extension(vm, cap) : 0;
	}
}

static long check_extension(struct kvmx_call *call)
{
	return kvmx_check_extension(NULL, call->arg);
}

const struct kvmx_ioctl kvmx_system_ioctls[] = {
	KVMX_ROW(SYSTEM, KVMX_GET_API_VERSION, KVMX_IOC_ZERO_ARG, get_api_version),
	KVMX_ROW(SYSTEM, KVMX_CREATE_VM, KVMX_IOC_PLAIN_ARG, create_vm),
	KVMX_ROW(SYSTEM, KVMX_CHECK_EXTENSION, KVMX_IOC_PLAIN_ARG, check_extension),
	KVMX_ROW(SYSTEM, KVMX_GET_VCPU_MMAP_SIZE, KVMX_IOC_ZERO_ARG, get_vcpu_mmap_size),
};
const unsigned int kvmx_system_nr_ioctls = ARRAY_SIZE(kvmx_system_ioctls);
