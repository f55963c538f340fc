// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest's firmware offers, as user space reads and restricts it: the KVM API's
 * "ARM firmware pseudo-registers". Called by one_reg.c; psci.c answers by what is here.
 */
#include <linux/kernel.h>

#include "arm64.h"
#include "firmware.h"

const u64 firmware_regs[] = {
	KVMX_REG_ARM_PSCI_VERSION, KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1,
	KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_2, KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_3,
	KVMX_REG_ARM_STD_BMAP, KVMX_REG_ARM_STD_HYP_BMAP, KVMX_REG_ARM_VENDOR_HYP_BMAP,
};
const unsigned int firmware_nr_regs = ARRAY_SIZE(firmware_regs);

/* The place of a workaround's level, or NULL. */
static u8 *level_of(struct arm64_vm *vm, u64 id)
{
	switch (id) {
	case KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1:
		return &vm->workaround[0];
	case KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_2:
		return &vm->workaround[1];
	case KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		return &vm->workaround[2];
	default:
		return NULL;
	}
}

bool firmware_get_reg(struct arm64_vm *vm, u64 id, u64 *val)
{
	const u8 *level = level_of(vm, id);

	if (level) {
		*val = READ_ONCE(*level);
		return true;
	}
	switch (id) {
	case KVMX_REG_ARM_PSCI_VERSION:
		*val = READ_ONCE(vm->psci_version);
		return true;
	case KVMX_REG_ARM_STD_BMAP:
	case KVMX_REG_ARM_STD_HYP_BMAP:
	case KVMX_REG_ARM_VENDOR_HYP_BMAP:
		*val = 0;
		return true;
	default:
		return false;
	}
}

/* Weaker is allowed, and then holds: a guest that came from elsewhere sees what it saw there. */
int firmware_set_reg(struct arm64_vm *vm, u64 id, u64 val)
{
	u8 *level = level_of(vm, id);

	if (level) {
		/* A second workaround that can be called is none of ours. */
		if (val > READ_ONCE(*level) ||
		    (id == KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_2 &&
		     val == KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_2_AVAIL))
			return -EINVAL;
		WRITE_ONCE(*level, val);
		return 0;
	}
	if (id != KVMX_REG_ARM_PSCI_VERSION)
		return val ? -EINVAL : 0;
	if (val != PSCI_0_2 && val != PSCI_1_0 && val != PSCI_1_1)
		return -EINVAL;
	WRITE_ONCE(vm->psci_version, val);
	return 0;
}
