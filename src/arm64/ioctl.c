// SPDX-License-Identifier: GPL-2.0-only
/*
 * The room's rows of the ioctl table and its answers to KVMX_CHECK_EXTENSION.
 */
#include <linux/kernel.h>
#include <kvmx/arch.h>
#include <kvmx/host.h>

#include "ioctls.h"
#include "vgic.h"

/* As each guest sees it. */
static u64 dfr0(void)
{
	return arm64_id_sanitize(A64_ID_AA64DFR0_EL1, kvmx_host_id_reg(A64_ID_AA64DFR0_EL1));
}

int kvmx_arch_check_extension(struct kvmx_vm *vm, u32 cap)
{
	switch (cap) {
	case KVMX_CAP_ARM_PSCI:
	case KVMX_CAP_ARM_PSCI_0_2:
	case KVMX_CAP_MP_STATE:
	case KVMX_CAP_ONE_REG:
	case KVMX_CAP_VCPU_EVENTS:
	case KVMX_CAP_ARM_INJECT_EXT_DABT:
	case KVMX_CAP_IRQCHIP:
	case KVMX_CAP_DEVICE_CTRL:
	case KVMX_CAP_ARM_IRQ_LINE_LAYOUT_2:
	case KVMX_CAP_SIGNAL_MSI:
	case KVMX_CAP_SET_GUEST_DEBUG:
		return 1;
	case KVMX_CAP_GUEST_DEBUG_HW_BPS:
		return A64_DFR0_BPS(dfr0());
	case KVMX_CAP_GUEST_DEBUG_HW_WPS:
		return A64_DFR0_WPS(dfr0());
	case KVMX_CAP_MSI_DEVID:
		return vm && vgic_has_its(to_arm64_vm(vm));
	case KVMX_CAP_ARM_VM_IPA_SIZE:
		return KVMX_IPA_BITS;
	default:
		return 0;
	}
}

int kvmx_arch_enable_cap(struct kvmx_vm *vm, struct kvmx_vcpu *vcpu,
			 const struct kvmx_enable_cap *cap)
{
	return -EINVAL;
}

const struct kvmx_ioctl kvmx_arch_ioctls[] = {
	KVMX_ROW(VM, KVMX_ARM_PREFERRED_TARGET, 0, arm64_preferred_target),
	KVMX_ROW(VCPU, KVMX_ARM_VCPU_INIT, 0, arm64_vcpu_init),
	KVMX_ROW(VCPU, KVMX_GET_ONE_REG, 0, arm64_get_one_reg),
	KVMX_ROW(VCPU, KVMX_SET_ONE_REG, 0, arm64_set_one_reg),
	KVMX_ROW(VCPU, KVMX_GET_REG_LIST, KVMX_IOC_OUT_ALWAYS, arm64_get_reg_list),
	KVMX_ROW(VCPU, KVMX_GET_MP_STATE, 0, arm64_get_mp_state),
	KVMX_ROW(VCPU, KVMX_SET_MP_STATE, 0, arm64_set_mp_state),
	KVMX_ROW(VCPU, KVMX_SET_GUEST_DEBUG, 0, arm64_set_guest_debug),
	KVMX_ROW(VCPU, KVMX_GET_VCPU_EVENTS, 0, arm64_get_events),
	KVMX_ROW(VCPU, KVMX_SET_VCPU_EVENTS, 0, arm64_set_events),
};
const unsigned int kvmx_arch_nr_ioctls = ARRAY_SIZE(kvmx_arch_ioctls);
