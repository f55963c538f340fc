// SPDX-License-Identifier: GPL-2.0-only
/*
 * The controller's state as user space saves and restores it: device attributes by
 * register (the KVM API's "ARM Virtual Generic Interrupt Controller v3"). Called
 * with the device's attributes (vgic_device.c), under vm->lock.
 */
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <kvmx/ioctl.h>

#include "timer.h"
#include "vgic_irq.h"

#define ISPENDR		0x200	/* of distributor, or redistributor's second frame */
#define ICPENDR		0x280
#define PENDR_END	0x300

/* ICH_VMCR_EL2 */
#define VMCR_ENG0	BIT_ULL(0)
#define VMCR_ENG1	BIT_ULL(1)
#define VMCR_CBPR	BIT_ULL(4)
#define VMCR_EOIM	BIT_ULL(9)
#define VMCR_BPR1	GENMASK_ULL(20, 18)
#define VMCR_BPR0	GENMASK_ULL(23, 21)
#define VMCR_PMR	GENMASK_ULL(31, 24)

/* ICC_CTLR_EL1: two bits of the guest's, and what the CPU's interface has. */
#define CTLR_CBPR	BIT_ULL(0)
#define CTLR_EOIMODE	BIT_ULL(1)
#define SRE_ALL		7ULL

/* ---- registers in memory ---- */

/* Only the latch is state: what a line says comes with KVMX_DEV_ARM_VGIC_GRP_LEVEL_INFO. */
static u32 pend_read(struct vgic *gic, struct arm64_vcpu *v, u32 first)
{
	u32 val = 0, i;

	for (i = 0; i < 32; i++) {
		const struct vgic_irq *irq = vgic_reg_irq(gic, v, first + i);

		if (irq && irq->latch)
			val |= BIT(i);
	}
	return val;
}

static void pend_write(struct vgic *gic, struct arm64_vcpu *v, u32 first, u32 val)
{
	u32 i;

	for (i = 0; i < 32; i++) {
		struct vgic_irq *irq = vgic_reg_irq(gic, v, first + i);

		if (!irq)
			continue;
		irq->latch = val >> i & 1;
		vgic_irq_changed(gic, irq);
	}
}

static int reg_access(struct vgic *gic, struct arm64_vcpu *v, u32 offset, bool write, u32 *val)
{
	u32 at = v ? offset - GICR_SGI : offset;
	unsigned long flags;

	if ((!v || offset >= GICR_SGI) && at >= ISPENDR && at < PENDR_END) {
		raw_spin_lock_irqsave(&gic->lock, flags);
		/* Writing to the one sets all of it, and the other has nothing to add. */
		if (at < ICPENDR && write)
			pend_write(gic, v, (at & 0x7c) * 8, *val);
		else if (!write)
			*val = at < ICPENDR ? pend_read(gic, v, (at & 0x7c) * 8) : 0;
		raw_spin_unlock_irqrestore(&gic->lock, flags);
		return 0;
	}
	if (write && !v && offset == GICD_IIDR)
		return *val == vgic_reg_read(gic, v, offset, 4) ? 0 : -EINVAL;
	if (write)
		vgic_reg_write(gic, v, offset, 4, *val);
	else
		*val = vgic_reg_read(gic, v, offset, 4);
	return 0;
}

/* ---- the CPU's interface ---- */

static void vmcr_access(struct arm64_vcpu *v, u64 mask, bool write, u64 *val)
{
	unsigned int shift = __ffs64(mask);

	if (write)
		v->gic->vmcr = (v->gic->vmcr & ~mask) | (*val << shift & mask);
	else
		*val = (v->gic->vmcr & mask) >> shift;
}

static int ctlr_access(struct arm64_vcpu *v, bool write, u64 *val)
{
	u64 fixed = vgic_cpu_ctlr(), vmcr = v->gic->vmcr;

	if (!write) {
		*val = fixed | (vmcr & VMCR_CBPR ? CTLR_CBPR : 0) |
		       (vmcr & VMCR_EOIM ? CTLR_EOIMODE : 0);
		return 0;
	}
	if ((*val & ~(CTLR_CBPR | CTLR_EOIMODE)) != fixed)
		return -EINVAL;
	v->gic->vmcr = (vmcr & ~(VMCR_CBPR | VMCR_EOIM)) | (*val & CTLR_CBPR ? VMCR_CBPR : 0) |
		       (*val & CTLR_EOIMODE ? VMCR_EOIM : 0);
	return 0;
}

static int apr_access(struct arm64_vcpu *v, unsigned int group, unsigned int n, bool write, u64 *val)
{
	u64 *apr;

	if (n >= vgic_cpu_nr_aprs())
		return -ENXIO;
	apr = &v->gic->apr[group][array_index_nospec(n, 4)];
	if (write)
		*apr = (u32)*val;
	else
		*val = *apr;
	return 0;
}

static int sysreg_access(struct arm64_vcpu *v, u32 enc, bool write, u64 *val)
{
	switch (enc) {
	case A64_ICC_PMR_EL1:
		vmcr_access(v, VMCR_PMR, write, val);
		return 0;
	case A64_ICC_BPR0_EL1:
		vmcr_access(v, VMCR_BPR0, write, val);
		return 0;
	case A64_ICC_BPR1_EL1:
		vmcr_access(v, VMCR_BPR1, write, val);
		return 0;
	case A64_ICC_IGRPEN0_EL1:
		vmcr_access(v, VMCR_ENG0, write, val);
		return 0;
	case A64_ICC_IGRPEN1_EL1:
		vmcr_access(v, VMCR_ENG1, write, val);
		return 0;
	case A64_ICC_CTLR_EL1:
		return ctlr_access(v, write, val);
	case A64_ICC_SRE_EL1:
		if (write)
			return *val == SRE_ALL ? 0 : -EINVAL;
		*val = SRE_ALL;
		return 0;
	case A64_ICC_AP0R_EL1(0):
	case A64_ICC_AP0R_EL1(1):
	case A64_ICC_AP0R_EL1(2):
	case A64_ICC_AP0R_EL1(3):
		return apr_access(v, 0, A64_OP2(enc) & 3, write, val);
	case A64_ICC_AP1R_EL1(0):
	case A64_ICC_AP1R_EL1(1):
	case A64_ICC_AP1R_EL1(2):
	case A64_ICC_AP1R_EL1(3):
		return apr_access(v, 1, A64_OP2(enc) & 3, write, val);
	default:
		return -ENXIO;
	}
}

/* ---- lines ---- */

/* Of 32 interrupts from @first on, those of @v below 32. */
static void levels_access(struct vgic *gic, struct arm64_vcpu *v, u32 first, bool write, u32 *val)
{
	unsigned long flags;
	u32 i, got = 0;

	raw_spin_lock_irqsave(&gic->lock, flags);
	for (i = 0; i < 32; i++) {
		struct vgic_irq *irq = vgic_irq(gic, v, first + i);

		if (!irq)
			continue;
		if (irq->line)
			got |= BIT(i);
		if (!write)
			continue;
		/* No edge comes of it: that has been told already, or is among the pending. */
		kvmx_irq_level_or(&irq->line, KVMX_IRQ_SOURCE_USER, *val >> i & 1);
		vgic_irq_changed(gic, irq);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	if (!write)
		*val = got;
	else if (first < VGIC_PRIVATE)
		timer_lines_restored(v);
}

/* ---- attributes ---- */

/* The vCPU that an attribute names by its affinities: Aff3 to Aff0, a byte each. */
static struct arm64_vcpu *named(struct vgic *gic, u64 attr)
{
	u32 affinity = attr >> KVMX_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
	u32 nr = kvmx_vm_nr_vcpus(&gic->vm->vm), i;

	for (i = 0; i < nr; i++) {
		struct arm64_vcpu *v = to_arm64(gic->vm->vm.vcpus[i]);

		if (((v->mpidr & 0xffffff) | (v->mpidr >> 32 & 0xff) << 24) == affinity)
			return v;
	}
	return NULL;
}

static u32 sysreg_of(u64 attr)
{
	return (attr & KVMX_DEV_ARM_VGIC_SYSREG_INSTR_MASK) << 5;
}

/* -ENXIO: not an attribute of these groups; -EINVAL: one that cannot be. */
static int check(struct vgic *gic, const struct kvmx_device_attr *attr)
{
	u32 offset = attr->attr & KVMX_DEV_ARM_VGIC_OFFSET_MASK;
	u64 unused;

	switch (attr->group) {
	case KVMX_DEV_ARM_VGIC_GRP_DIST_REGS:
		return offset >= VGIC_DIST_SIZE ? -ENXIO : offset & 3 ? -EINVAL : 0;
	case KVMX_DEV_ARM_VGIC_GRP_REDIST_REGS:
		if (!named(gic, attr->attr))
			return -EINVAL;
		return offset >= VGIC_REDIST_SIZE ? -ENXIO : offset & 3 ? -EINVAL : 0;
	case KVMX_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
		if (!named(gic, attr->attr))
			return -EINVAL;
		return sysreg_access(named(gic, attr->attr), sysreg_of(attr->attr), false, &unused);
	case KVMX_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		if ((offset & KVMX_DEV_ARM_VGIC_LINE_LEVEL_INFO_MASK) >>
		    KVMX_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT != VGIC_LEVEL_INFO_LINE_LEVEL)
			return -EINVAL;
		if (offset & 31 || !named(gic, attr->attr))
			return -EINVAL;
		return 0;
	default:
		return -ENXIO;
	}
}

int vgic_state_has(struct vgic *gic, const struct kvmx_device_attr *attr)
{
	return check(gic, attr);
}

static int access_small(struct vgic *gic, const struct kvmx_device_attr *attr, bool write)
{
	u32 offset = attr->attr & KVMX_DEV_ARM_VGIC_OFFSET_MASK, val = 0;
	int ret = 0;

	if (write && kvmx_call_get(attr->addr, &val, sizeof(val)))
		return -EFAULT;
	if (attr->group == KVMX_DEV_ARM_VGIC_GRP_DIST_REGS)
		ret = reg_access(gic, NULL, offset, write, &val);
	else if (attr->group == KVMX_DEV_ARM_VGIC_GRP_REDIST_REGS)
		ret = reg_access(gic, named(gic, attr->attr), offset, write, &val);
	else
		levels_access(gic, named(gic, attr->attr),
			      offset & KVMX_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK, write, &val);
	return ret || write ? ret : kvmx_call_put(attr->addr, &val, sizeof(val));
}

static int access_sysreg(struct vgic *gic, const struct kvmx_device_attr *attr, bool write)
{
	u64 val = 0;
	int ret;

	if (write && kvmx_call_get(attr->addr, &val, sizeof(val)))
		return -EFAULT;
	ret = sysreg_access(named(gic, attr->attr), sysreg_of(attr->attr), write, &val);
	return ret || write ? ret : kvmx_call_put(attr->addr, &val, sizeof(val));
}

/* Those from 0 to @nr have been locked. */
static void unlock_first(struct kvmx_vm *vm, u32 nr)
{
	while (nr)
		mutex_unlock(&vm->vcpus[--nr]->mutex);
}

int vgic_lock_vcpus(struct kvmx_vm *vm)
{
	u32 nr = kvmx_vm_nr_vcpus(vm), i;

	for (i = 0; i < nr; i++) {
		if (!mutex_trylock(&vm->vcpus[i]->mutex)) {
			unlock_first(vm, i);
			return -EBUSY;
		}
	}
	return 0;
}

void vgic_unlock_vcpus(struct kvmx_vm *vm)
{
	unlock_first(vm, kvmx_vm_nr_vcpus(vm));
}

int vgic_state_access(struct vgic *gic, const struct kvmx_device_attr *attr, bool write)
{
	struct kvmx_vm *vm = &gic->vm->vm;
	int ret = check(gic, attr);

	if (ret)
		return ret;
	if (!gic->ready)
		return -EBUSY;
	ret = vgic_lock_vcpus(vm);
	if (ret)
		return ret;
	ret = attr->group == KVMX_DEV_ARM_VGIC_GRP_CPU_SYSREGS ? access_sysreg(gic, attr, write) :
								   access_small(gic, attr, write);
	vgic_unlock_vcpus(vm);
	return ret;
}
