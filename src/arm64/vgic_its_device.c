// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ITS as user space sees it: creation and the device's attributes (the KVM
 * API's "ARM Virtual Interrupt Translation Service"). Called by vgic_device.c.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "vgic_its.h"

#define UNSET	(~0ULL)

struct vgic_its *vgic_its_alloc(struct vgic *gic)
{
	struct kvmx_vm *vm = &gic->vm->vm;
	u32 nr = kvmx_vm_nr_vcpus(vm), i;
	struct vgic_its *its;

	for (i = 0; i < nr; i++)
		if (vgic_lpi_cpu_init(&to_arm64(vm->vcpus[i])->gic->lpis))
			return NULL;
	its = kvzalloc(sizeof(*its), GFP_KERNEL_ACCOUNT);
	if (!its)
		return NULL;
	mutex_init(&its->lock);
	its->gic = gic;
	its->base = UNSET;
	its->devices = RB_ROOT;
	its->events = RB_ROOT;
	return its;
}

/* The VM's end: there are no vCPUs any more, and no list of theirs. */
void vgic_its_free(struct vgic_its *its)
{
	struct rb_node *node;

	if (!its)
		return;
	while ((node = rb_first(&its->events))) {
		rb_erase(node, &its->events);
		kfree(rb_entry(node, struct vgic_lpi, node));
	}
	its_forget_devices(its);
	kvfree(its);
}

/* On the bus once it is set up and has its address, in whichever order. Under vm->lock. */
static int map(struct vgic_its *its)
{
	int ret;

	if (!its->ready || its->base == UNSET || its->mapped)
		return 0;
	its->dev.ops = &vgic_its_ops;
	ret = kvmx_bus_register(&its->gic->vm->vm, KVMX_BUS_MMIO, its->base, ITS_FRAMES_SIZE,
				&its->dev);
	if (!ret)
		smp_store_release(&its->mapped, true);
	return ret;
}

static int init(struct vgic_its *its)
{
	int ret;

	if (its->ready)
		return 0;
	its->ready = true;
	ret = map(its);
	if (ret)
		its->ready = false;
	return ret;
}

static int set_address(struct vgic_its *its, const struct kvmx_device_attr *attr)
{
	u64 addr;
	int ret;

	if (attr->attr != KVMX_VGIC_ITS_ADDR_TYPE)
		return -ENODEV;
	if (kvmx_call_get(attr->addr, &addr, sizeof(addr)))
		return -EFAULT;
	if (addr & 0xffff)
		return -EINVAL;
	if (addr > BIT_ULL(KVMX_IPA_BITS) - ITS_FRAMES_SIZE)
		return -E2BIG;
	if (its->base != UNSET)
		return -EEXIST;
	its->base = addr;
	ret = map(its);
	if (ret)
		its->base = UNSET;
	return ret;
}

static int do_reset(struct vgic_its *its)
{
	vgic_its_reset(its);
	return 0;
}

/* While no vCPU runs, and with access to guest memory. */
static int stopped(struct vgic_its *its, int (*what)(struct vgic_its *its))
{
	struct kvmx_vm *vm = &its->gic->vm->vm;
	int ret = vgic_lock_vcpus(vm), idx;

	if (ret)
		return ret;
	idx = srcu_read_lock(&vm->memory.srcu);
	mutex_lock(&its->lock);
	ret = what(its);
	mutex_unlock(&its->lock);
	srcu_read_unlock(&vm->memory.srcu, idx);
	vgic_unlock_vcpus(vm);
	return ret;
}

long vgic_its_save_pending(struct vgic_its *its)
{
	return stopped(its, its_save_pending);
}

static int control(struct vgic_its *its, u64 attr)
{
	switch (attr) {
	case KVMX_DEV_ARM_VGIC_CTRL_INIT:
		return init(its);
	case KVMX_DEV_ARM_ITS_CTRL_RESET:
		return stopped(its, do_reset);
	case KVMX_DEV_ARM_ITS_SAVE_TABLES:
		return stopped(its, its_save);
	case KVMX_DEV_ARM_ITS_RESTORE_TABLES:
		return stopped(its, its_restore);
	default:
		return -ENXIO;
	}
}

static int reg_access(struct vgic_its *its, const struct kvmx_device_attr *attr, bool write)
{
	struct kvmx_vm *vm = &its->gic->vm->vm;
	u64 val = 0;
	int ret;

	ret = attr->attr >= ITS_FRAMES_SIZE ? -ENXIO : vgic_its_reg_check(attr->attr);
	if (!ret && write && kvmx_call_get(attr->addr, &val, sizeof(val)))
		ret = -EFAULT;
	if (!ret)
		ret = vgic_lock_vcpus(vm);
	if (ret)
		return ret;
	if (write)
		ret = vgic_its_reg_set(its, attr->attr, val);
	else
		val = vgic_its_reg_read(its, attr->attr, attr->attr < 8 ? 4 : 8);
	vgic_unlock_vcpus(vm);
	return ret || write ? ret : kvmx_call_put(attr->addr, &val, sizeof(val));
}

long vgic_its_set_attr(struct vgic_its *its, const struct kvmx_device_attr *attr)
{
	if (attr->flags)
		return -EINVAL;
	switch (attr->group) {
	case KVMX_DEV_ARM_VGIC_GRP_ADDR:
		return set_address(its, attr);
	case KVMX_DEV_ARM_VGIC_GRP_CTRL:
		return control(its, attr->attr);
	case KVMX_DEV_ARM_VGIC_GRP_ITS_REGS:
		return reg_access(its, attr, true);
	default:
		return -ENXIO;
	}
}

long vgic_its_get_attr(struct vgic_its *its, const struct kvmx_device_attr *attr)
{
	switch (attr->group) {
	case KVMX_DEV_ARM_VGIC_GRP_ADDR:
		if (attr->attr != KVMX_VGIC_ITS_ADDR_TYPE)
			return -ENODEV;
		return kvmx_call_put(attr->addr, &its->base, sizeof(its->base));
	case KVMX_DEV_ARM_VGIC_GRP_ITS_REGS:
		return reg_access(its, attr, false);
	default:
		return -ENXIO;
	}
}

long vgic_its_has_attr(struct vgic_its *its, const struct kvmx_device_attr *attr)
{
	switch (attr->group) {
	case KVMX_DEV_ARM_VGIC_GRP_ADDR:
		return attr->attr == KVMX_VGIC_ITS_ADDR_TYPE ? 0 : -ENXIO;
	case KVMX_DEV_ARM_VGIC_GRP_CTRL:
		return attr->attr == KVMX_DEV_ARM_VGIC_CTRL_INIT ||
		       attr->attr == KVMX_DEV_ARM_ITS_CTRL_RESET ||
		       attr->attr == KVMX_DEV_ARM_ITS_SAVE_TABLES ||
		       attr->attr == KVMX_DEV_ARM_ITS_RESTORE_TABLES ? 0 : -ENXIO;
	case KVMX_DEV_ARM_VGIC_GRP_ITS_REGS:
		return attr->attr >= ITS_FRAMES_SIZE ? -ENXIO : vgic_its_reg_check(attr->attr);
	default:
		return -ENXIO;
	}
}
