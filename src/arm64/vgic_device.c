// SPDX-License-Identifier: GPL-2.0-only
/*
 * The controller as user space sees it: KVMX_CREATE_DEVICE and the device's
 * attributes (the KVM API's "ARM Virtual Generic Interrupt Controller v3"),
 * KVMX_IRQ_LINE, routes and irqfds.
 */
#include <linux/kernel.h>
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <kvmx/arch.h>

#include "vgic_its.h"

#define UNSET	(~0ULL)

bool vgic_ready(struct arm64_vcpu *v)
{
	return vgic_of(v);
}

bool vgic_has_its(struct arm64_vm *vm)
{
	struct vgic *gic = smp_load_acquire(&vm->gic);

	return gic && smp_load_acquire(&gic->its);
}

/* ---- the device's file ---- */

/* The default: GSI n is SPI n, INTID 32 + n. */
static int default_routes(struct vgic *gic)
{
	u32 nr = gic->nr_irqs - VGIC_PRIVATE, i;
	struct kvmx_irq_routing_entry *routes;
	int ret;

	routes = kvcalloc(nr, sizeof(*routes), GFP_KERNEL_ACCOUNT);
	if (!routes)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		routes[i].gsi = i;
		routes[i].type = KVMX_IRQ_ROUTING_IRQCHIP;
		routes[i].u.irqchip.pin = i;
	}
	ret = kvmx_irq_routing_set(&gic->vm->vm, routes, nr, 0);
	kvfree(routes);
	return ret;
}

/* What has an address and is not on the bus yet, once it is known how large it is. Under vm->lock. */
static int map_one(struct vgic *gic, u64 base, u64 size, const struct kvmx_io_ops *ops,
		   struct kvmx_io_device *dev)
{
	int ret;

	if (!gic->ready || base == UNSET || dev->ops)
		return 0;
	dev->ops = ops;
	ret = kvmx_bus_register(&gic->vm->vm, KVMX_BUS_MMIO, base, size, dev);
	if (ret)
		dev->ops = NULL;
	return ret;
}

static int map(struct vgic *gic)
{
	u64 redist_size = kvmx_vm_nr_vcpus(&gic->vm->vm) * (u64)VGIC_REDIST_SIZE;
	int ret;

	ret = map_one(gic, gic->dist_base, VGIC_DIST_SIZE, &vgic_dist_ops, &gic->dist_dev);
	if (!ret)
		ret = map_one(gic, gic->redist_base, redist_size, &vgic_redist_ops,
			      &gic->redist_dev);
	if (!ret && gic->dist_dev.ops && gic->redist_dev.ops)
		smp_store_release(&gic->mapped, true);
	return ret;
}

bool vgic_can_run(struct arm64_vcpu *v)
{
	struct vgic *gic = smp_load_acquire(&arm64_vm_of(v)->gic);

	return !gic || smp_load_acquire(&gic->mapped);
}

/*
 * KVMX_DEV_ARM_VGIC_CTRL_INIT: after the vCPUs. The addresses may be there, or come
 * later. Under vm->lock.
 */
static int device_init(struct vgic *gic)
{
	int ret;

	if (gic->ready)
		return 0;
	if (!kvmx_vm_nr_vcpus(&gic->vm->vm))
		return -ENODEV;
	if (!gic->nr_irqs)
		gic->nr_irqs = 256;
	ret = vgic_init(gic);
	if (ret)
		return ret;
	/* Pairs with vgic_of(). */
	smp_store_release(&gic->ready, true);
	ret = default_routes(gic);
	if (!ret)
		ret = map(gic);
	if (!ret)
		return 0;
	smp_store_release(&gic->ready, false);
	if (gic->dist_dev.ops)
		kvmx_bus_unregister(&gic->vm->vm, KVMX_BUS_MMIO, &gic->dist_dev);
	gic->dist_dev.ops = NULL;
	kvfree(gic->spi);
	gic->spi = NULL;
	return ret;
}

static u64 *address_of(struct vgic *gic, u64 attr)
{
	switch (attr) {
	case KVMX_VGIC_V3_ADDR_TYPE_DIST:
		return &gic->dist_base;
	case KVMX_VGIC_V3_ADDR_TYPE_REDIST:
		return &gic->redist_base;
	default:
		return NULL;
	}
}

static int set_address(struct vgic *gic, const struct kvmx_device_attr *attr)
{
	u64 *base = address_of(gic, attr->attr), addr;
	int ret;

	if (!base)
		return -ENXIO;
	if (kvmx_call_get(attr->addr, &addr, sizeof(addr)))
		return -EFAULT;
	if (addr & 0xffff)
		return -EINVAL;
	if (addr >= BIT_ULL(KVMX_IPA_BITS) - KVMX_MAX_VCPUS * (u64)VGIC_REDIST_SIZE)
		return -E2BIG;
	if (*base != UNSET)
		return -EEXIST;
	*base = addr;
	ret = map(gic);
	if (ret)
		*base = UNSET;
	return ret;
}

static int set_nr_irqs(struct vgic *gic, const struct kvmx_device_attr *attr)
{
	u32 nr;

	if (kvmx_call_get(attr->addr, &nr, sizeof(nr)))
		return -EFAULT;
	if (nr < 64 || nr > 1024 || nr % 32)
		return -EINVAL;
	if (gic->ready || gic->nr_irqs)
		return -EBUSY;
	gic->nr_irqs = min_t(u32, nr, VGIC_MAX_IRQS);
	return 0;
}

/* The device that a file belongs to is the controller, or its ITS. */
static bool is_its(const struct kvmx_call *call)
{
	return call->object == to_arm64_vm(call->vm)->gic->its;
}

static long control(struct vgic *gic, u64 attr)
{
	switch (attr) {
	case KVMX_DEV_ARM_VGIC_CTRL_INIT:
		return device_init(gic);
	case KVMX_DEV_ARM_VGIC_SAVE_PENDING_TABLES:
		/* Without an ITS nothing of the kind is pending. */
		return !gic->ready ? -EBUSY : gic->its ? vgic_its_save_pending(gic->its) : 0;
	default:
		return -ENXIO;
	}
}

static long set_attr(struct kvmx_call *call)
{
	const struct kvmx_device_attr *attr = call->data;
	struct vgic *gic = call->object;

	if (is_its(call))
		return vgic_its_set_attr(call->object, attr);
	if (attr->flags)
		return -EINVAL;
	switch (attr->group) {
	case KVMX_DEV_ARM_VGIC_GRP_ADDR:
		return set_address(gic, attr);
	case KVMX_DEV_ARM_VGIC_GRP_NR_IRQS:
		return set_nr_irqs(gic, attr);
	case KVMX_DEV_ARM_VGIC_GRP_CTRL:
		return control(gic, attr->attr);
	default:
		return vgic_state_access(gic, attr, true);
	}
}

static long get_attr(struct kvmx_call *call)
{
	const struct kvmx_device_attr *attr = call->data;
	struct vgic *gic = call->object;
	u64 *base;

	if (is_its(call))
		return vgic_its_get_attr(call->object, attr);
	switch (attr->group) {
	case KVMX_DEV_ARM_VGIC_GRP_ADDR:
		base = address_of(gic, attr->attr);
		return base ? kvmx_call_put(attr->addr, base, sizeof(*base)) : -ENXIO;
	case KVMX_DEV_ARM_VGIC_GRP_NR_IRQS:
		return kvmx_call_put(attr->addr, &gic->nr_irqs, sizeof(gic->nr_irqs));
	default:
		return vgic_state_access(gic, attr, false);
	}
}

static long has_attr(struct kvmx_call *call)
{
	const struct kvmx_device_attr *attr = call->data;

	if (is_its(call))
		return vgic_its_has_attr(call->object, attr);
	switch (attr->group) {
	case KVMX_DEV_ARM_VGIC_GRP_ADDR:
		return address_of(call->object, attr->attr) ? 0 : -ENXIO;
	case KVMX_DEV_ARM_VGIC_GRP_NR_IRQS:
		return 0;
	case KVMX_DEV_ARM_VGIC_GRP_CTRL:
		return attr->attr == KVMX_DEV_ARM_VGIC_CTRL_INIT ||
		       attr->attr == KVMX_DEV_ARM_VGIC_SAVE_PENDING_TABLES ? 0 : -ENXIO;
	default:
		return vgic_state_has(call->object, attr);
	}
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct arm64_vm *vm = file->private_data;
	struct kvmx_call call = { .vm = &vm->vm, .object = vm->gic };

	return kvmx_ioctl(KVMX_SCOPE_DEVICE, &call, cmd, arg);
}

static long its_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct arm64_vm *vm = file->private_data;
	struct kvmx_call call = { .vm = &vm->vm, .object = vm->gic->its };

	return kvmx_ioctl(KVMX_SCOPE_DEVICE, &call, cmd, arg);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct arm64_vm *vm = file->private_data;

	kvmx_vm_put(&vm->vm);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.release = device_release,
	.llseek = noop_llseek,
};

static const struct file_operations its_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = its_ioctl,
	.release = device_release,
	.llseek = noop_llseek,
};

/* A file for a device, with the number that fd_install() gives it, or ERR_PTR. */
static struct file *device_file(struct arm64_vm *vm, const char *name,
				const struct file_operations *fops, int *fd)
{
	struct file *file;

	*fd = get_unused_fd_flags(O_CLOEXEC);
	if (*fd < 0)
		return ERR_PTR(*fd);
	file = anon_inode_getfile(name, fops, vm, O_RDWR);
	if (IS_ERR(file))
		put_unused_fd(*fd);
	else
		kvmx_vm_get(&vm->vm);
	return file;
}

static long create_gic(struct arm64_vm *vm, struct kvmx_create_device *create)
{
	struct vgic *gic;
	struct file *file;
	int fd;

	if (vm->gic)
		return -EEXIST;
	gic = kvzalloc(sizeof(*gic), GFP_KERNEL_ACCOUNT);
	if (!gic)
		return -ENOMEM;
	raw_spin_lock_init(&gic->lock);
	gic->vm = vm;
	gic->dist_base = UNSET;
	gic->redist_base = UNSET;
	file = device_file(vm, "kvmx-vgic", &device_fops, &fd);
	if (IS_ERR(file)) {
		kvfree(gic);
		return PTR_ERR(file);
	}
	smp_store_release(&vm->gic, gic);
	fd_install(fd, file);
	create->fd = fd;
	return 0;
}

/* One, of a controller that is there. */
static long create_its(struct arm64_vm *vm, struct kvmx_create_device *create)
{
	struct vgic_its *its;
	struct file *file;
	int fd;

	if (!vm->gic)
		return -ENODEV;
	if (vm->gic->its)
		return -EEXIST;
	its = vgic_its_alloc(vm->gic);
	if (!its)
		return -ENOMEM;
	file = device_file(vm, "kvmx-its", &its_fops, &fd);
	if (IS_ERR(file)) {
		vgic_its_free(its);
		return PTR_ERR(file);
	}
	smp_store_release(&vm->gic->its, its);
	fd_install(fd, file);
	create->fd = fd;
	return 0;
}

/* Under vm->lock. */
static long create_device(struct kvmx_call *call)
{
	struct kvmx_create_device *create = call->data;
	bool its = create->type == KVMX_DEV_TYPE_ARM_VGIC_ITS;

	if (!its && create->type != KVMX_DEV_TYPE_ARM_VGIC_V3)
		return -ENODEV;
	if (create->flags & ~KVMX_CREATE_DEVICE_TEST)
		return -EINVAL;
	if (create->flags & KVMX_CREATE_DEVICE_TEST)
		return 0;
	return its ? create_its(to_arm64_vm(call->vm), create) :
		     create_gic(to_arm64_vm(call->vm), create);
}

void vgic_destroy(struct arm64_vm *vm)
{
	if (!vm->gic)
		return;
	vgic_its_free(vm->gic->its);
	kvfree(vm->gic->spi);
	kvfree(vm->gic);
}

/* ---- lines ---- */

/* KVMX_IRQ_LINE: the interrupt's type, vCPU and number in one word. */
static long irq_line(struct kvmx_call *call)
{
	const struct kvmx_irq_level *line = call->data;
	struct arm64_vm *vm = to_arm64_vm(call->vm);
	u32 type = line->irq >> KVMX_ARM_IRQ_TYPE_SHIFT & KVMX_ARM_IRQ_TYPE_MASK;
	u32 number = line->irq & KVMX_ARM_IRQ_NUM_MASK;
	u32 index = (line->irq >> KVMX_ARM_IRQ_VCPU_SHIFT & KVMX_ARM_IRQ_VCPU_MASK) |
		    (line->irq >> KVMX_ARM_IRQ_VCPU2_SHIFT & KVMX_ARM_IRQ_VCPU2_MASK) << 8;
	struct kvmx_vcpu *vcpu;

	switch (type) {
	case KVMX_ARM_IRQ_TYPE_SPI:
		if (number < VGIC_PRIVATE)
			return -EINVAL;
		return vgic_set_line(vm, NULL, number, KVMX_IRQ_SOURCE_USER, line->level);
	case KVMX_ARM_IRQ_TYPE_PPI:
		vcpu = kvmx_vm_vcpu_by_id(&vm->vm, index);
		if (!vcpu || number < 16 || number >= VGIC_PRIVATE)
			return -EINVAL;
		return vgic_set_line(vm, to_arm64(vcpu), number, KVMX_IRQ_SOURCE_USER, line->level);
	default:
		return -ENXIO;
	}
}

static int sink_set(struct kvmx_vm *vm, const struct kvmx_irq_route *route, int source, int level)
{
	struct vgic *gic = smp_load_acquire(&to_arm64_vm(vm)->gic);

	/* A message has no level: it is sent when the line rises. */
	if (route->kind == KVMX_ROUTE_MSI)
		return gic && level ? vgic_its_msi(gic, route) : -1;
	return vgic_set_line(to_arm64_vm(vm), NULL, VGIC_PRIVATE + route->chip.pin, source, level) ?
		-1 : 1;
}

/* An ITS asks whose message it is. */
static int sink_check(struct kvmx_vm *vm, const struct kvmx_irq_route *route)
{
	const struct vgic *gic = to_arm64_vm(vm)->gic;

	if (route->kind == KVMX_ROUTE_MSI)
		return route->msi.flags & KVMX_MSI_VALID_DEVID ? 0 : -EINVAL;
	if (route->chip.chip || !gic || route->chip.pin >= VGIC_MAX_IRQS - VGIC_PRIVATE ||
	    VGIC_PRIVATE + route->chip.pin >= gic->nr_irqs)
		return -EINVAL;
	return 0;
}

/* Nobody tells when the guest has ended an interrupt: no irqfds that resample. */
static int sink_allow(struct kvmx_vm *vm, enum kvmx_irq_use use)
{
	const struct vgic *gic = to_arm64_vm(vm)->gic;

	if (use == KVMX_IRQ_USE_LINE)
		return gic ? 0 : -ENXIO;
	if (use == KVMX_IRQ_USE_MSI)
		return vgic_has_its(to_arm64_vm(vm)) ? 0 : -ENODEV;
	return use == KVMX_IRQ_USE_IRQFD && gic ? 0 : -EINVAL;
}

const struct kvmx_irq_sink vgic_irq_sink = {
	.set = sink_set, .check = sink_check, .allow = sink_allow,
};

const struct kvmx_ioctl kvmx_arch_irq_ioctls[] = {
	KVMX_ROW(VM, KVMX_CREATE_DEVICE, KVMX_IOC_VM_LOCK, create_device),
	KVMX_ROW(VM, KVMX_IRQ_LINE, 0, irq_line),
	KVMX_ROW(VM, KVMX_IRQ_LINE_STATUS, 0, irq_line),
	KVMX_ROW(DEVICE, KVMX_SET_DEVICE_ATTR, KVMX_IOC_VM_LOCK, set_attr),
	KVMX_ROW(DEVICE, KVMX_GET_DEVICE_ATTR, KVMX_IOC_VM_LOCK, get_attr),
	KVMX_ROW(DEVICE, KVMX_HAS_DEVICE_ATTR, 0, has_attr),
};
const unsigned int kvmx_arch_nr_irq_ioctls = ARRAY_SIZE(kvmx_arch_irq_ioctls);
