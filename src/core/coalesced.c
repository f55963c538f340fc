// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced I/O: writes to registers whose effect can wait are put into a ring
 * that the VMM reads at its next exit. Zones come from the door and are
 * devices on the VM's buses; the ring is a page of every vCPU's mapping.
 */
#include <linux/kernel.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <kvmx/vm.h>

struct coalesced_zone {
	struct kvmx_io_device dev;
	struct list_head link;		/* in vm->coalesced.zones */
	struct kvmx_vm *vm;		/* [I] */
	enum kvmx_bus_id bus;		/* [I] */
	u64 addr;			/* [I] */
	u32 size;			/* [I] */
};

static bool contains(const struct coalesced_zone *zone, u64 addr, u64 len)
{
	return len <= zone->size && addr >= zone->addr &&
	       addr - zone->addr <= zone->size - len;
}

/* The ring is full, or the VMM has spoilt it: then user space makes the write itself. */
static int zone_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		      const void *val)
{
	struct coalesced_zone *zone = container_of(dev, struct coalesced_zone, dev);
	struct kvmx_coalesced *c = &zone->vm->coalesced;
	struct kvmx_coalesced_mmio_ring *ring = c->ring;
	struct kvmx_coalesced_mmio *entry;
	int result = -EOPNOTSUPP;
	u32 last, next;

	/* One of size 0 is asked for whatever begins at its address. */
	if (!contains(zone, addr, len))
		return result;
	spin_lock(&c->lock);
	last = READ_ONCE(ring->last);
	next = (last + 1) % KVMX_COALESCED_MMIO_MAX;
	/* Pairs with the VMM, which has read an entry before it moves first on. */
	if (last < KVMX_COALESCED_MMIO_MAX && next != smp_load_acquire(&ring->first)) {
		entry = &ring->coalesced_mmio[array_index_nospec(last, KVMX_COALESCED_MMIO_MAX)];
		entry->phys_addr = addr;
		entry->len = len;
		entry->pio = zone->bus == KVMX_BUS_PIO;
		memcpy(entry->data, val, len);
		smp_store_release(&ring->last, next);
		result = 0;
	}
	spin_unlock(&c->lock);
	return result;
}

static int zone_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		     void *val)
{
	return -EOPNOTSUPP;
}

static const struct kvmx_io_ops zone_ops = { .read = zone_read, .write = zone_write };

int kvmx_coalesced_register(struct kvmx_vm *vm, const struct kvmx_coalesced_mmio_zone *args)
{
	struct coalesced_zone *zone;
	int err;

	if (args->pio > 1)
		return -EINVAL;
	zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->dev.ops = &zone_ops;
	zone->vm = vm;
	zone->bus = args->pio ? KVMX_BUS_PIO : KVMX_BUS_MMIO;
	zone->addr = args->addr;
	zone->size = args->size;

	mutex_lock(&vm->memory.slots_lock);
	err = kvmx_bus_register(vm, zone->bus, zone->addr, zone->size, &zone->dev);
	if (!err)
		list_add_tail(&zone->link, &vm->coalesced.zones);
	mutex_unlock(&vm->memory.slots_lock);
	if (err)
		kfree(zone);
	return err;
}

int kvmx_coalesced_unregister(struct kvmx_vm *vm, const struct kvmx_coalesced_mmio_zone *args)
{
	enum kvmx_bus_id bus = args->pio ? KVMX_BUS_PIO : KVMX_BUS_MMIO;
	struct coalesced_zone *zone, *next;

	if (args->pio > 1)
		return -EINVAL;
	mutex_lock(&vm->memory.slots_lock);
	list_for_each_entry_safe(zone, next, &vm->coalesced.zones, link) {
		if (zone->bus != bus || !contains(zone, args->addr, args->size))
			continue;
		list_del(&zone->link);
		kvmx_bus_unregister(vm, bus, &zone->dev);
		kfree(zone);
	}
	mutex_unlock(&vm->memory.slots_lock);
	return 0;
}

int kvmx_coalesced_init(struct kvmx_vm *vm)
{
	struct kvmx_coalesced *c = &vm->coalesced;

	spin_lock_init(&c->lock);
	INIT_LIST_HEAD(&c->zones);
	c->ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return c->ring ? 0 : -ENOMEM;
}

void kvmx_coalesced_destroy(struct kvmx_vm *vm)
{
	struct kvmx_coalesced *c = &vm->coalesced;
	struct coalesced_zone *zone, *next;

	list_for_each_entry_safe(zone, next, &c->zones, link)
		kfree(zone);
	free_page((unsigned long)c->ring);
}
