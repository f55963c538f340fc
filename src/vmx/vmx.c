// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VT-x driver's table of operations, which the x86 floor calls. What each
 * does is told in kvmx/x86.h.
 */
#include "vmx.h"

const struct x86_backend vmx_backend = {
	.name		= "VT-x",
	.holder		= "kvm-intel",
	.stage2		= &vmx_ept,
	.direct_msrs	= vmx_direct_msrs,
	.probe		= vmx_probe,
	.remove		= vmx_remove,
	.take		= vmx_take,
	.give		= vmx_give,
	.cpu_enable	= vmx_cpu_enable,
	.cpu_disable	= vmx_cpu_disable,
	.vcpu_create	= vmx_vcpu_create,
	.vcpu_destroy	= vmx_vcpu_destroy,
	.window_open	= vmx_window_open,
	.window_close	= vmx_window_close,
	.enter		= vmx_enter,
	.load_state	= vmx_load_state,
	.inject		= vmx_inject,
	.want_window	= vmx_want_window,
	.flush_tlb	= vmx_flush_tlb,
	.set_tsc	= vmx_set_tsc,
	.set_intercepts	= vmx_set_intercepts,
	.get_msr	= vmx_get_msr,
	.set_msr	= vmx_set_msr,
	.arm_deadline	= vmx_arm_deadline,
	.sync_apic	= vmx_sync_apic,
};
