// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs: creation, reset, and the state that user space reads and writes other
 * than register by register. Called by the door (kvmx/arch.h) and PSCI.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kvmx/arch.h>

#include "enter.h"
#include "ioctls.h"
#include "timer.h"
#include "vgic.h"

#define FEATURES	(BIT(KVMX_ARM_VCPU_POWER_OFF) | BIT(KVMX_ARM_VCPU_PSCI_0_2))

void arm64_vcpu_reset(struct arm64_vcpu *v)
{
	memset(&v->core, 0, sizeof(v->core));
	v->core.regs.pstate = PS_MODE_EL1H | PS_DAIF;
	arm64_sysreg_reset(v);
	timer_reset(v);
	v->wfi = false;
	v->serror = false;
	v->mmio.pending = false;
}

struct kvmx_vcpu *kvmx_arch_vcpu_alloc(struct kvmx_vm *vm, u32 id)
{
	struct arm64_vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return ERR_PTR(-ENOMEM);
	/* Is undone by kvmx_arch_vcpu_free(), however far creation came. */
	timer_vcpu_init(v);
	return &v->vcpu;
}

/* Affinities as the KVM API has them: 16 vCPUs to a cluster, so that SGIs reach all. */
int kvmx_arch_vcpu_init(struct kvmx_vcpu *vcpu)
{
	struct arm64_vcpu *v = to_arm64(vcpu);
	u64 id = vcpu->id;
	int ret;

	v->mpidr = MPIDR_RES1 | (id & 0xf) | (id >> 4 & 0xff) << 8 | (id >> 12 & 0xff) << 16;
	/* The controller has been set up for the vCPUs that were there. */
	if (vgic_ready(v))
		return -EBUSY;
	arm64_vcpu_reset(v);
	ret = arm64_nvhe ? nvhe_share(v, sizeof(*v)) : 0;
	return ret ? ret : vgic_vcpu_init(v);
}

void kvmx_arch_vcpu_posted(struct kvmx_vcpu *vcpu)
{
}

void kvmx_arch_vcpu_free(struct kvmx_vcpu *vcpu)
{
	struct arm64_vcpu *v = to_arm64(vcpu);

	timer_vcpu_free(v);
	vgic_vcpu_free(v);
	kfree(v);
}

static void set_power(struct arm64_vcpu *v, bool on)
{
	struct arm64_vm *vm = arm64_vm_of(v);

	spin_lock(&vm->psci_lock);
	WRITE_ONCE(v->power, on ? A64_ON : A64_OFF);
	spin_unlock(&vm->psci_lock);
}

long arm64_preferred_target(struct kvmx_call *call)
{
	struct kvmx_vcpu_init *init = call->data;

	memset(init, 0, sizeof(*init));
	init->target = KVMX_ARM_TARGET_GENERIC_V8;
	return 0;
}

/* May come again, to reset, but not with another target or other features. */
long arm64_vcpu_init(struct kvmx_call *call)
{
	const struct kvmx_vcpu_init *init = call->data;
	struct arm64_vcpu *v = to_arm64(call->vcpu);
	unsigned int i;

	if (init->target != KVMX_ARM_TARGET_GENERIC_V8)
		return -EINVAL;
	for (i = 1; i < ARRAY_SIZE(init->features); i++)
		if (init->features[i])
			return -ENOENT;
	if (init->features[0] & ~FEATURES)
		return init->features[0] >> 10 ? -ENOENT : -EINVAL;
	if (v->initialized &&
	    ((v->features ^ init->features[0]) & ~BIT(KVMX_ARM_VCPU_POWER_OFF)))
		return -EINVAL;
	v->features = init->features[0];
	v->initialized = true;
	arm64_vcpu_reset(v);
	vgic_vcpu_reset(v);
	set_power(v, !(v->features & BIT(KVMX_ARM_VCPU_POWER_OFF)));
	return 0;
}

long arm64_get_mp_state(struct kvmx_call *call)
{
	struct kvmx_mp_state *mp = call->data;

	mp->mp_state = READ_ONCE(to_arm64(call->vcpu)->power) == A64_OFF ?
		KVMX_MP_STATE_STOPPED : KVMX_MP_STATE_RUNNABLE;
	return 0;
}

long arm64_set_mp_state(struct kvmx_call *call)
{
	const struct kvmx_mp_state *mp = call->data;

	if (mp->mp_state != KVMX_MP_STATE_RUNNABLE && mp->mp_state != KVMX_MP_STATE_STOPPED)
		return -EINVAL;
	set_power(to_arm64(call->vcpu), mp->mp_state == KVMX_MP_STATE_RUNNABLE);
	return 0;
}

long arm64_get_events(struct kvmx_call *call)
{
	struct kvmx_vcpu_events *events = call->data;

	memset(events, 0, sizeof(*events));
	events->exception.serror_pending = to_arm64(call->vcpu)->serror;
	return 0;
}

/* No RAS: an SError has no syndrome of its own. */
long arm64_set_events(struct kvmx_call *call)
{
	const struct kvmx_vcpu_events *events = call->data;
	struct arm64_vcpu *v = to_arm64(call->vcpu);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(events->reserved); i++)
		if (events->reserved[i])
			return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(events->exception.pad); i++)
		if (events->exception.pad[i])
			return -EINVAL;
	if (events->exception.serror_pending > 1 || events->exception.ext_dabt_pending > 1 ||
	    events->exception.serror_has_esr)
		return -EINVAL;
	if (events->exception.ext_dabt_pending)
		arm64_inject_abort(v, false, v->exit.far);
	v->serror = events->exception.serror_pending;
	return 0;
}
