// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an ITS knows: devices, their events, collections of events with one target
 * (Arm IHI 0069, "The Interrupt Translation Service"). Commands change it, messages
 * look events up from any context.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/byteorder.h>

#include "vgic_its.h"

/* ---- the guest's tables ---- */

static u64 table_page(u64 baser)
{
	static const u32 size[] = { 0x1000, 0x4000, 0x10000, 0x10000 };

	return size[baser >> 8 & 3];
}

int its_entry_at(struct vgic_its *its, unsigned int table, u32 id, gpa_t *at)
{
	struct vgic *gic = its->gic;
	u64 baser = vgic_reg64(gic, &its->baser[table]), page, base, size, entry = 0;
	u32 index;

	page = table_page(baser);
	base = baser & GENMASK_ULL(47, 12) & ~(page - 1);
	size = ((baser & 0xff) + 1) * page;
	if (!(baser & ITS_VALID))
		return -EINVAL;
	if (baser & ITS_BASER_INDIRECT) {
		/* A table of pages of entries. */
		index = id / (page / ITS_ENTRY_SIZE);
		id %= page / ITS_ENTRY_SIZE;
		if ((u64)index * sizeof(entry) >= size ||
		    kvmx_guest_read(&gic->vm->vm, base + index * sizeof(entry), &entry,
				    sizeof(entry)))
			return -EINVAL;
		entry = le64_to_cpu((__force __le64)entry);
		if (!(entry & ITS_VALID))
			return -EINVAL;
		base = entry & GENMASK_ULL(51, 12) & ~(page - 1);
		size = page;
	}
	if ((u64)id * ITS_ENTRY_SIZE >= size)
		return -EINVAL;
	*at = base + (u64)id * ITS_ENTRY_SIZE;
	/* There has to be memory. */
	return kvmx_guest_read(&gic->vm->vm, *at, &entry, sizeof(entry)) ? -EINVAL : 0;
}

/* ---- events ---- */

static struct vgic_lpi *find(struct vgic_its *its, u64 key)
{
	struct rb_node *node = its->events.rb_node;

	while (node) {
		struct vgic_lpi *lpi = rb_entry(node, struct vgic_lpi, node);

		if (lpi->key == key)
			return lpi;
		node = key < lpi->key ? node->rb_left : node->rb_right;
	}
	return NULL;
}

struct vgic_lpi *its_event_find(struct vgic_its *its, u32 device, u32 event)
{
	return find(its, vgic_lpi_key(device, event));
}

struct vgic_lpi *its_event_from(struct vgic_its *its, u64 key)
{
	struct rb_node *node = its->events.rb_node;
	struct vgic_lpi *best = NULL;

	while (node) {
		struct vgic_lpi *lpi = rb_entry(node, struct vgic_lpi, node);

		if (lpi->key < key) {
			node = node->rb_right;
		} else {
			best = lpi;
			node = node->rb_left;
		}
	}
	return best;
}

static void insert(struct vgic_its *its, struct vgic_lpi *new)
{
	struct rb_node **link = &its->events.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = new->key < rb_entry(parent, struct vgic_lpi, node)->key ?
			&parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&new->node, parent, link);
	rb_insert_color(&new->node, &its->events);
}

int its_event_map(struct vgic_its *its, u32 device, u32 event, u32 intid, u32 icid)
{
	const struct its_device *dev = its_device_find(its, device);
	struct vgic *gic = its->gic;
	struct vgic_lpi *lpi;
	unsigned long flags;
	u32 index;
	gpa_t at;

	if (!dev || event >= 1u << dev->event_bits || icid >= ITS_COLLECTIONS ||
	    intid < VGIC_LPI_FIRST || intid >= vgic_lpi_limit(gic) ||
	    its_entry_at(its, ITS_BASER_COLLECTIONS, icid, &at))
		return -EINVAL;
	index = array_index_nospec(intid - VGIC_LPI_FIRST, ITS_NR_LPIS);
	if (its_event_find(its, device, event) || test_bit(index, its->used))
		return -EEXIST;
	lpi = kzalloc(sizeof(*lpi), GFP_KERNEL_ACCOUNT);
	if (!lpi)
		return -ENOMEM;
	lpi->key = vgic_lpi_key(device, event);
	lpi->icid = icid;
	lpi->irq.intid = intid;
	lpi->irq.edge = true;
	lpi->irq.group1 = true;
	lpi->irq.target = its->collection[array_index_nospec(icid, ITS_COLLECTIONS)];
	__set_bit(index, its->used);
	raw_spin_lock_irqsave(&gic->lock, flags);
	insert(its, lpi);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	vgic_lpi_read_config(gic, lpi);
	vgic_lpi_read_pending(gic, lpi);
	return 0;
}

void its_event_unmap(struct vgic_its *its, struct vgic_lpi *lpi)
{
	unsigned long flags;

	__clear_bit(lpi->irq.intid - VGIC_LPI_FIRST, its->used);
	raw_spin_lock_irqsave(&its->gic->lock, flags);
	rb_erase(&lpi->node, &its->events);
	vgic_lpi_end(lpi);
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
}

/* ---- devices ---- */

struct its_device *its_device_find(struct vgic_its *its, u32 id)
{
	struct rb_node *node = its->devices.rb_node;

	while (node) {
		struct its_device *device = rb_entry(node, struct its_device, node);

		if (device->id == id)
			return device;
		node = id < device->id ? node->rb_left : node->rb_right;
	}
	return NULL;
}

void its_device_unmap(struct vgic_its *its, struct its_device *device)
{
	struct vgic_lpi *lpi;

	while ((lpi = its_event_from(its, vgic_lpi_key(device->id, 0))) &&
	       lpi->key >> 32 == device->id) {
		its_event_unmap(its, lpi);
		cond_resched();
	}
	rb_erase(&device->node, &its->devices);
	kfree(device);
}

int its_device_map(struct vgic_its *its, u32 id, u8 event_bits, u64 itt)
{
	struct rb_node **link, *parent = NULL;
	struct its_device *device;
	gpa_t at;

	if (id >= 1u << ITS_ID_BITS || event_bits > ITS_ID_BITS ||
	    its_entry_at(its, ITS_BASER_DEVICES, id, &at))
		return -EINVAL;
	device = its_device_find(its, id);
	if (device)
		its_device_unmap(its, device);
	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return -ENOMEM;
	device->id = id;
	device->event_bits = event_bits;
	device->itt = itt;
	link = &its->devices.rb_node;
	while (*link) {
		parent = *link;
		link = id < rb_entry(parent, struct its_device, node)->id ?
			&parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&device->node, parent, link);
	rb_insert_color(&device->node, &its->devices);
	return 0;
}

void its_forget_devices(struct vgic_its *its)
{
	struct rb_node *node;

	while ((node = rb_first(&its->devices)))
		its_device_unmap(its, rb_entry(node, struct its_device, node));
}

/* ---- collections ---- */

void its_collection_map(struct vgic_its *its, u32 icid, struct arm64_vcpu *v)
{
	struct vgic *gic = its->gic;
	struct vgic_lpi *lpi;
	unsigned long flags;

	its->collection[array_index_nospec(icid, ITS_COLLECTIONS)] = v;
	for (lpi = its_event_from(its, 0); lpi; lpi = its_event_from(its, lpi->key + 1)) {
		if (lpi->icid != icid)
			continue;
		raw_spin_lock_irqsave(&gic->lock, flags);
		vgic_lpi_set_target(gic, lpi, v);
		raw_spin_unlock_irqrestore(&gic->lock, flags);
		cond_resched();
	}
}

void its_forget_collections(struct vgic_its *its)
{
	u32 icid;

	for (icid = 0; icid < ITS_COLLECTIONS; icid++)
		if (its->collection[icid])
			its_collection_map(its, icid, NULL);
}

void its_forget(struct vgic_its *its)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&its->gic->lock, flags);
	its->forget_devices = false;
	its->forget_collections = false;
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
	its_forget_devices(its);
	its_forget_collections(its);
}

/* ---- messages ---- */

int vgic_its_msi(struct vgic *gic, const struct kvmx_irq_route *route)
{
	struct vgic_its *its = smp_load_acquire(&gic->its);
	u64 address = (u64)route->msi.addr_hi << 32 | route->msi.addr_lo;
	struct vgic_lpi *lpi = NULL;
	unsigned long flags;

	if (!its || !smp_load_acquire(&its->mapped) || address != its->base + ITS_TRANSLATER ||
	    !(route->msi.flags & KVMX_MSI_VALID_DEVID))
		return -EINVAL;
	raw_spin_lock_irqsave(&gic->lock, flags);
	if (its->enabled)
		lpi = its_event_find(its, route->msi.devid, route->msi.data);
	if (lpi)
		vgic_lpi_raise(gic, lpi);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return !!lpi;
}

/* ---- outside of the window ---- */

/* GICR_CTLR.EnableLPIs of @v was changed. What was pending without it is lost. */
static void tell_lpis(struct vgic_its *its, struct arm64_vcpu *v)
{
	struct vgic *gic = its->gic;
	struct vgic_lpi *lpi;
	unsigned long flags;
	bool enabled;

	raw_spin_lock_irqsave(&gic->lock, flags);
	v->gic->lpis.changed = false;
	enabled = v->gic->lpis.enabled;
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	for (lpi = its_event_from(its, 0); lpi; lpi = its_event_from(its, lpi->key + 1)) {
		if (lpi->irq.target != v)
			continue;
		if (enabled) {
			vgic_lpi_read_config(gic, lpi);
			vgic_lpi_read_pending(gic, lpi);
		} else {
			raw_spin_lock_irqsave(&gic->lock, flags);
			lpi->irq.latch = false;
			lpi->irq.lr_latch = false;
			vgic_lpi_refresh(gic, lpi);
			raw_spin_unlock_irqrestore(&gic->lock, flags);
		}
		cond_resched();
	}
}

static bool take_flag(struct vgic *gic, bool *flag)
{
	unsigned long flags;
	bool was;

	raw_spin_lock_irqsave(&gic->lock, flags);
	was = *flag;
	*flag = false;
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return was;
}

/*
 * Commands, and what the LPIs of the redistributor of @v have to be told. Asks again
 * when not all was done.
 */
void vgic_its_work(struct arm64_vcpu *v)
{
	struct vgic *gic = arm64_vm_of(v)->gic;
	struct vgic_its *its = gic ? smp_load_acquire(&gic->its) : NULL;
	bool more;

	if (!its)
		return;
	mutex_lock(&its->lock);
	if (READ_ONCE(v->gic->lpis.changed))
		tell_lpis(its, v);
	if (take_flag(gic, &its->forget_devices))
		its_forget_devices(its);
	if (take_flag(gic, &its->forget_collections))
		its_forget_collections(its);
	more = its_commands(its);
	mutex_unlock(&its->lock);
	if (more)
		kvmx_vcpu_request(&v->vcpu, KVMX_REQ_ITS);
}
