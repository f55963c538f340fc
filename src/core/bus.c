// SPDX-License-Identifier: GPL-2.0-only
/*
 * The port and the memory bus of a VM: which in-kernel device answers an
 * access. Devices register from the guest floor and ioeventfd.c; accesses
 * come from the guest floor's exits and read the table under RCU only.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <kvmx/vm.h>

#define MAX_RANGES	1000

static int no_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		   void *val)
{
	return -EOPNOTSUPP;
}

static int no_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		    const void *val)
{
	return -EOPNOTSUPP;
}

/* Takes the place of a device that left when there was no memory for a new table. */
static const struct kvmx_io_ops nobody_ops = { .read = no_read, .write = no_write };
static struct kvmx_io_device nobody = { .ops = &nobody_ops };

int kvmx_bus_init(struct kvmx_vm *vm)
{
	mutex_init(&vm->buses.lock);
	return 0;
}

/* Devices that leave after this find no table, and have nobody to wait for: the lock stays. */
void kvmx_bus_destroy(struct kvmx_vm *vm)
{
	int i;

	for (i = 0; i < KVMX_BUS_COUNT; i++) {
		kfree(rcu_dereference_protected(vm->buses.bus[i], true));
		RCU_INIT_POINTER(vm->buses.bus[i], NULL);
	}
}

static struct kvmx_bus *current_bus(struct kvmx_vm *vm, enum kvmx_bus_id id)
{
	return rcu_dereference_protected(vm->buses.bus[id], lockdep_is_held(&vm->buses.lock));
}

/* Appends a range; the caller does so in the order of addresses. */
static void append(struct kvmx_bus *bus, u64 addr, u64 len, struct kvmx_io_device *dev)
{
	struct kvmx_bus_range *range = &bus->range[bus->nr];
	u64 last = addr + (len ? len - 1 : 0);

	range->addr = addr;
	range->len = len;
	range->dev = dev;
	range->reach = bus->nr ? max(last, range[-1].reach) : last;
	bus->nr++;
}

int kvmx_bus_register(struct kvmx_vm *vm, enum kvmx_bus_id id, u64 addr, u64 len,
		      struct kvmx_io_device *dev)
{
	struct kvmx_bus *old, *bus;
	u32 nr, i;
	int err = 0;

	if (len && len - 1 > U64_MAX - addr)
		return -EINVAL;

	mutex_lock(&vm->buses.lock);
	old = current_bus(vm, id);
	nr = old ? old->nr : 0;
	if (nr >= MAX_RANGES) {
		err = -ENOSPC;
		goto unlock;
	}
	bus = kzalloc(struct_size(bus, range, nr + 1), GFP_KERNEL_ACCOUNT);
	if (!bus) {
		err = -ENOMEM;
		goto unlock;
	}
	for (i = 0; i < nr && old->range[i].addr <= addr; i++)
		append(bus, old->range[i].addr, old->range[i].len, old->range[i].dev);
	append(bus, addr, len, dev);
	for (; i < nr; i++)
		append(bus, old->range[i].addr, old->range[i].len, old->range[i].dev);

	rcu_assign_pointer(vm->buses.bus[id], bus);
	if (old)
		kfree_rcu(old, rcu);
unlock:
	mutex_unlock(&vm->buses.lock);
	return err;
}

void kvmx_bus_unregister(struct kvmx_vm *vm, enum kvmx_bus_id id, struct kvmx_io_device *dev)
{
	struct kvmx_bus *old, *bus;
	u32 i, left = 0;

	mutex_lock(&vm->buses.lock);
	old = current_bus(vm, id);
	for (i = 0; old && i < old->nr; i++)
		left += old->range[i].dev != dev && old->range[i].dev != &nobody;
	if (!old || left == old->nr)
		goto unlock;

	bus = kzalloc(struct_size(bus, range, left), GFP_KERNEL_ACCOUNT);
	for (i = 0; i < old->nr; i++) {
		struct kvmx_bus_range *range = &old->range[i];

		if (range->dev == dev)
			/* Whoever still reads the old table may meet either of the two. */
			WRITE_ONCE(range->dev, &nobody);
		else if (bus && range->dev != &nobody)
			append(bus, range->addr, range->len, range->dev);
	}
	if (bus)
		rcu_assign_pointer(vm->buses.bus[id], bus);
	synchronize_rcu_expedited();
	if (bus)
		kfree(old);
unlock:
	mutex_unlock(&vm->buses.lock);
}

static bool covers(const struct kvmx_bus_range *range, u64 addr, int len)
{
	if (!range->len)
		return range->addr == addr;
	return len <= range->len && addr - range->addr <= range->len - len;
}

/* The number of ranges that start at or below @addr. */
static u32 ranges_up_to(const struct kvmx_bus *bus, u64 addr)
{
	u32 low = 0, high = bus->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (bus->range[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int bus_access(struct kvmx_vcpu *vcpu, enum kvmx_bus_id id, u64 addr, int len,
		      void *in, const void *out)
{
	const struct kvmx_bus_range *range;
	struct kvmx_io_device *dev;
	const struct kvmx_bus *bus;
	int result = -EOPNOTSUPP;
	u32 i;

	/* In the run window preemption is off anyway: this costs next to nothing there. */
	rcu_read_lock_sched();
	bus = rcu_dereference_sched(vcpu->vm->buses.bus[id]);
	for (i = bus ? ranges_up_to(bus, addr) : 0; i && result == -EOPNOTSUPP; i--) {
		range = &bus->range[array_index_nospec(i - 1, bus->nr)];
		if (range->reach < addr)
			break;
		if (!covers(range, addr, len))
			continue;
		dev = READ_ONCE(range->dev);
		if (in)
			result = dev->ops->read(dev, vcpu, addr, len, in);
		else
			result = dev->ops->write(dev, vcpu, addr, len, out);
	}
	rcu_read_unlock_sched();
	return result;
}

int kvmx_bus_read(struct kvmx_vcpu *vcpu, enum kvmx_bus_id id, u64 addr, int len, void *val)
{
	return bus_access(vcpu, id, addr, len, val, NULL);
}

int kvmx_bus_write(struct kvmx_vcpu *vcpu, enum kvmx_bus_id id, u64 addr, int len,
		   const void *val)
{
	return bus_access(vcpu, id, addr, len, NULL, val);
}
