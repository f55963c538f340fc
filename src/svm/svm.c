// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AMD-V driver's table of operations, which the x86 floor calls. What each
 * does is told in kvmx/x86.h.
 */
#include "svm.h"

const struct x86_backend svm_backend = {
	.name		= "AMD-V",
	.holder		= "kvm-amd",
	.stage2		= &svm_npt,
	.direct_msrs	= svm_direct_msrs,
	.probe		= svm_probe,
	.remove		= svm_remove,
	.cpu_enable	= svm_cpu_enable,
	.cpu_disable	= svm_cpu_disable,
	.vcpu_create	= svm_vcpu_create,
	.vcpu_destroy	= svm_vcpu_destroy,
	.window_open	= svm_window_open,
	.window_close	= svm_window_close,
	.enter		= svm_enter,
	.load_state	= svm_load_state,
	.inject		= svm_inject,
	.want_window	= svm_want_window,
	.flush_tlb	= svm_flush_tlb,
	.set_tsc	= svm_set_tsc,
	.set_intercepts	= svm_set_intercepts,
	.get_msr	= svm_get_msr,
	.set_msr	= svm_set_msr,
};
