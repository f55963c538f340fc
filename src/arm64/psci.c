// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls by HVC and SMC: the SMC Calling Convention's own (Arm DEN 0028) and
 * the power state of CPUs (Arm DEN 0022, PSCI 1.1). Outside of the window.
 */
#include <linux/kernel.h>
#include <linux/sched.h>

#include "arm64.h"
#include "firmware.h"
#include "spectre.h"

#define SMCCC_VERSION		0x80000000
#define SMCCC_ARCH_FEATURES	0x80000001
#define PSCI_GET_VERSION	0x84000000
#define PSCI_CPU_SUSPEND32	0x84000001
#define PSCI_CPU_SUSPEND64	0xc4000001
#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON32		0x84000003
#define PSCI_CPU_ON64		0xc4000003
#define PSCI_AFFINITY_INFO32	0x84000004
#define PSCI_AFFINITY_INFO64	0xc4000004
#define PSCI_MIGRATE_INFO_TYPE	0x84000006
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009
#define PSCI_FEATURES		0x8400000a

enum {
	PSCI_SUCCESS = 0, PSCI_NOT_SUPPORTED = -1, PSCI_INVALID_PARAMETERS = -2,
	PSCI_ALREADY_ON = -4, PSCI_ON_PENDING = -5,
	PSCI_INTERNAL_FAILURE = -6,
};

#define SMCCC_NOT_REQUIRED	-2

#define MPIDR_AFFINITY	0xff00ffffffULL

static struct arm64_vcpu *by_mpidr(struct kvmx_vm *vm, u64 mpidr)
{
	u32 nr = kvmx_vm_nr_vcpus(vm), i;

	for (i = 0; i < nr; i++) {
		struct arm64_vcpu *v = to_arm64(vm->vcpus[i]);

		if ((v->mpidr & MPIDR_AFFINITY) == (mpidr & MPIDR_AFFINITY))
			return v;
	}
	return NULL;
}

static s64 cpu_on(struct arm64_vcpu *v, u64 mpidr, u64 pc, u64 context)
{
	struct arm64_vm *vm = arm64_vm_of(v);
	struct arm64_vcpu *target;
	s64 result = PSCI_SUCCESS;

	if (mpidr & ~MPIDR_AFFINITY)
		return PSCI_INVALID_PARAMETERS;
	target = by_mpidr(&vm->vm, mpidr);
	if (!target)
		return PSCI_INVALID_PARAMETERS;
	spin_lock(&vm->psci_lock);
	if (target->power == A64_ON) {
		result = PSCI_ALREADY_ON;
	} else if (target->power == A64_ON_PENDING) {
		result = PSCI_ON_PENDING;
	} else {
		target->on.pc = pc;
		target->on.x0 = context;
		target->on.be = v->sys[A64_SYS_SCTLR] & BIT_ULL(25);
		WRITE_ONCE(target->power, A64_ON_PENDING);
		kvmx_vcpu_request(&target->vcpu, KVMX_REQ_POWER);
	}
	spin_unlock(&vm->psci_lock);
	if (result == PSCI_SUCCESS)
		kvmx_vcpu_wake(&target->vcpu);
	return result;
}

/* By the vCPU itself. It may have been switched off by user space in between. */
void arm64_psci_start(struct arm64_vcpu *v)
{
	struct arm64_vm *vm = arm64_vm_of(v);

	spin_lock(&vm->psci_lock);
	if (v->power == A64_ON_PENDING) {
		arm64_vcpu_reset(v);
		v->core.regs.pc = v->on.pc;
		v->core.regs.regs[0] = v->on.x0;
		if (v->on.be)
			v->sys[A64_SYS_SCTLR] |= BIT_ULL(25);
		WRITE_ONCE(v->power, A64_ON);
	}
	spin_unlock(&vm->psci_lock);
}

static s64 affinity_info(struct arm64_vcpu *v, u64 mpidr, u64 level)
{
	struct arm64_vcpu *target = level ? NULL : by_mpidr(v->vcpu.vm, mpidr);

	if (!target)
		return PSCI_INVALID_PARAMETERS;
	switch (READ_ONCE(target->power)) {
	case A64_ON:
		return 0;
	case A64_OFF:
		return 1;
	default:
		return 2;
	}
}

static enum run_next cpu_off(struct arm64_vcpu *v)
{
	struct arm64_vm *vm = arm64_vm_of(v);

	spin_lock(&vm->psci_lock);
	WRITE_ONCE(v->power, A64_OFF);
	spin_unlock(&vm->psci_lock);
	return RUN_LEAVE;
}

static enum run_next system_event(struct arm64_vcpu *v, u32 type)
{
	struct arm64_vm *vm = arm64_vm_of(v);
	struct kvmx_run *run = v->vcpu.run;
	u32 i, nr = kvmx_vm_nr_vcpus(&vm->vm);

	/* As the KVM API has it: no vCPU runs on when user space comes back without a reset. */
	spin_lock(&vm->psci_lock);
	for (i = 0; i < nr; i++)
		WRITE_ONCE(to_arm64(vm->vm.vcpus[i])->power, A64_OFF);
	spin_unlock(&vm->psci_lock);
	kvmx_vm_request_all(&vm->vm, KVMX_REQ_POWER, false);
	v->core.regs.regs[0] = (u64)PSCI_INTERNAL_FAILURE;
	run->exit_reason = KVMX_EXIT_SYSTEM_EVENT;
	memset(&run->system_event, 0, sizeof(run->system_event));
	run->system_event.type = type;
	return RUN_USER;
}

static s64 features(const struct arm64_vm *vm, u32 function)
{
	/* It came with version 1.0, as the call that asks for it. */
	if (READ_ONCE(vm->psci_version) < PSCI_1_0)
		return PSCI_NOT_SUPPORTED;
	switch (function) {
	case SMCCC_VERSION:
	case PSCI_GET_VERSION:
	case PSCI_CPU_SUSPEND32:
	case PSCI_CPU_SUSPEND64:
	case PSCI_CPU_OFF:
	case PSCI_CPU_ON32:
	case PSCI_CPU_ON64:
	case PSCI_AFFINITY_INFO32:
	case PSCI_AFFINITY_INFO64:
	case PSCI_MIGRATE_INFO_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_FEATURES:
		return PSCI_SUCCESS;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

/* A workaround by its level: to be called, not needed on this CPU, or not to be had. */
static s64 workaround(u8 level)
{
	switch (level) {
	case KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED:
		return 1;
	case KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1_AVAIL:
		return PSCI_SUCCESS;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

static s64 arch_features(const struct arm64_vm *vm, u32 function)
{
	switch (function) {
	case SMCCC_VERSION:
	case SMCCC_ARCH_FEATURES:
		return PSCI_SUCCESS;
	case SMCCC_WORKAROUND_1:
		return workaround(READ_ONCE(vm->workaround[0]));
	case SMCCC_WORKAROUND_2:
		return READ_ONCE(vm->workaround[1]) ==
		       KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_REQUIRED ?
		       SMCCC_NOT_REQUIRED : PSCI_NOT_SUPPORTED;
	case SMCCC_WORKAROUND_3:
		return workaround(READ_ONCE(vm->workaround[2]));
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

/* Calls whose answer needs nothing but the arguments, in @x; false: another call. */
static bool at_once(const struct arm64_vm *vm, u64 *x)
{
	switch ((u32)x[0]) {
	case SMCCC_VERSION:
		x[0] = 0x10001;
		return true;
	case PSCI_GET_VERSION:
		x[0] = READ_ONCE(vm->psci_version);
		return true;
	case SMCCC_ARCH_FEATURES:
		x[0] = arch_features(vm, x[1]);
		return true;
	case SMCCC_WORKAROUND_1:
	case SMCCC_WORKAROUND_3:
		/* The exit that brought the call here has done what it asks for. */
		x[0] = arch_features(vm, x[0]) < 0 ? (u64)PSCI_NOT_SUPPORTED : PSCI_SUCCESS;
		return true;
	case PSCI_FEATURES:
		x[0] = features(vm, x[1]);
		return true;
	case PSCI_MIGRATE_INFO_TYPE:
		x[0] = 2;		/* no trusted OS */
		return true;
	default:
		return false;
	}
}

bool arm64_smccc_fast(struct arm64_vcpu *v)
{
	return at_once(arm64_vm_of(v), v->core.regs.regs);
}

enum run_next arm64_smccc(struct arm64_vcpu *v)
{
	u64 *x = v->core.regs.regs;
	u32 function = x[0];
	u64 mask = function & BIT(30) ? ~0ULL : (u32)~0;

	if (at_once(arm64_vm_of(v), x))
		return RUN_LEAVE;
	switch (function) {
	case PSCI_CPU_SUSPEND32:
	case PSCI_CPU_SUSPEND64:
		/* One state, and one that is allowed to be no deeper than WFI. */
		x[0] = PSCI_SUCCESS;
		v->wfi = true;
		break;
	case PSCI_CPU_OFF:
		return cpu_off(v);
	case PSCI_CPU_ON32:
	case PSCI_CPU_ON64:
		x[0] = cpu_on(v, x[1] & mask, x[2] & mask, x[3] & mask);
		break;
	case PSCI_AFFINITY_INFO32:
	case PSCI_AFFINITY_INFO64:
		x[0] = affinity_info(v, x[1] & mask, x[2] & mask);
		break;
	case PSCI_SYSTEM_OFF:
		return system_event(v, KVMX_SYSTEM_EVENT_SHUTDOWN);
	case PSCI_SYSTEM_RESET:
		return system_event(v, KVMX_SYSTEM_EVENT_RESET);
	default:
		x[0] = (u64)PSCI_NOT_SUPPORTED;
		break;
	}
	return RUN_LEAVE;
}
