// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an ITS knows, and what is pending, written to the guest's own tables and read
 * back, for user space to save and restore (the KVM API's "ITS Table ABI REV0").
 * Called with the devices' attributes, while no vCPU runs.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <asm/byteorder.h>

#include "vgic_its.h"

/* An entry of the devices' table: the distance to the next one, 0: there is none. */
#define DTE_NEXT(n)	((u64)min_t(u32, (n), 0x3fff) << 49)
#define DTE_NEXT_OF(e)	((e) >> 49 & 0x3fff)
#define DTE_ITT		GENMASK_ULL(48, 5)	/* bits 51 to 8 of the address */
#define DTE_ITT_SHIFT	3
#define DTE_SIZE	GENMASK(4, 0)

/* Of a device's events. */
#define ITE_NEXT(n)	((u64)min_t(u32, (n), 0xffff) << 48)
#define ITE_NEXT_OF(e)	((e) >> 48)
#define ITE_INTID_SHIFT	16

/* Of collections, in any order, up to the first that is not valid. */
#define CTE_CPU_SHIFT	16

static int entry_write(struct vgic_its *its, gpa_t at, u64 entry)
{
	__le64 word = cpu_to_le64(entry);

	return kvmx_guest_write(&its->gic->vm->vm, at, &word, sizeof(word));
}

static int entry_read(struct vgic_its *its, gpa_t at, u64 *entry)
{
	__le64 word;
	int ret = kvmx_guest_read(&its->gic->vm->vm, at, &word, sizeof(word));

	*entry = ret ? 0 : le64_to_cpu(word);
	return ret;
}

/* Tables are as large as the guest says. */
static int may_go_on(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* ---- what has ended must not be there when the tables are read ---- */

void its_entry_forget_device(struct vgic_its *its, u32 id)
{
	gpa_t at;

	if (!its_entry_at(its, ITS_BASER_DEVICES, id, &at))
		entry_write(its, at, 0);
}

void its_entry_forget_event(struct vgic_its *its, const struct its_device *device, u32 event)
{
	entry_write(its, device->itt + (u64)event * ITS_ENTRY_SIZE, 0);
}

/* ---- save ---- */

static int save_collections(struct vgic_its *its)
{
	u32 icid, n = 0;
	gpa_t at;
	int ret;

	for (icid = 0; icid < ITS_COLLECTIONS; icid++) {
		const struct arm64_vcpu *v = its->collection[icid];

		if (!v)
			continue;
		ret = its_entry_at(its, ITS_BASER_COLLECTIONS, n++, &at);
		if (!ret)
			ret = entry_write(its, at, ITS_VALID | (u64)v->vcpu.index << CTE_CPU_SHIFT | icid);
		if (ret)
			return ret;
	}
	if (!its_entry_at(its, ITS_BASER_COLLECTIONS, n, &at))
		return entry_write(its, at, 0);
	return 0;
}

static int save_events(struct vgic_its *its, const struct its_device *device)
{
	struct vgic_lpi *lpi = its_event_from(its, vgic_lpi_key(device->id, 0)), *next;
	int ret;

	for (; lpi && lpi->key >> 32 == device->id; lpi = next) {
		u32 event = lpi->key;
		u64 entry = (u64)lpi->irq.intid << ITE_INTID_SHIFT | lpi->icid;

		next = its_event_from(its, lpi->key + 1);
		if (next && next->key >> 32 == device->id)
			entry |= ITE_NEXT((u32)next->key - event);
		ret = entry_write(its, device->itt + (u64)event * ITS_ENTRY_SIZE, entry);
		if (!ret)
			ret = may_go_on();
		if (ret)
			return ret;
	}
	return 0;
}

static int save_devices(struct vgic_its *its)
{
	struct rb_node *node, *next;
	gpa_t at;
	int ret;

	for (node = rb_first(&its->devices); node; node = next) {
		const struct its_device *device = rb_entry(node, struct its_device, node);
		u64 entry = ITS_VALID | (device->itt >> DTE_ITT_SHIFT & DTE_ITT) |
			    (device->event_bits - 1);

		next = rb_next(node);
		if (next)
			entry |= DTE_NEXT(rb_entry(next, struct its_device, node)->id - device->id);
		ret = its_entry_at(its, ITS_BASER_DEVICES, device->id, &at);
		if (!ret)
			ret = entry_write(its, at, entry);
		if (!ret)
			ret = save_events(its, device);
		if (ret)
			return ret;
	}
	return 0;
}

int its_save(struct vgic_its *its)
{
	int ret = save_collections(its);

	return ret ? ret : save_devices(its);
}

/* By the collection: that is where it will be looked for. */
int its_save_pending(struct vgic_its *its)
{
	struct vgic_lpi *lpi;
	int ret = 0;

	for (lpi = its_event_from(its, 0); lpi && !ret; lpi = its_event_from(its, lpi->key + 1)) {
		const struct arm64_vcpu *v = its->collection[lpi->icid];

		if (v && v->gic->lpis.enabled)
			ret = vgic_lpi_write_pending(its->gic, lpi, v->gic->lpis.pendbaser);
		if (!ret)
			ret = may_go_on();
	}
	return ret;
}

/* ---- restore ---- */

static int restore_collections(struct vgic_its *its)
{
	struct kvmx_vm *vm = &its->gic->vm->vm;
	u64 entry, cpu;
	gpa_t at;
	u32 n;

	for (n = 0; !its_entry_at(its, ITS_BASER_COLLECTIONS, n, &at); n++) {
		if (entry_read(its, at, &entry))
			return -EFAULT;
		if (!(entry & ITS_VALID))
			break;
		cpu = (entry & GENMASK_ULL(51, 16)) >> CTE_CPU_SHIFT;
		if (cpu >= kvmx_vm_nr_vcpus(vm) || (entry & 0xffff) >= ITS_COLLECTIONS)
			return -EINVAL;
		cpu = array_index_nospec(cpu, KVMX_MAX_VCPUS);
		its_collection_map(its, entry & 0xffff, to_arm64(vm->vcpus[cpu]));
		if (may_go_on())
			return -EINTR;
	}
	return 0;
}

static int restore_events(struct vgic_its *its, const struct its_device *device)
{
	u32 event = 0;
	u64 entry;
	int ret;

	while (event < 1u << device->event_bits) {
		if (entry_read(its, device->itt + (u64)event * ITS_ENTRY_SIZE, &entry))
			return -EFAULT;
		if (may_go_on())
			return -EINTR;
		if (!(u32)(entry >> ITE_INTID_SHIFT)) {
			event++;
			continue;
		}
		ret = its_event_map(its, device->id, event, entry >> ITE_INTID_SHIFT, entry & 0xffff);
		if (ret)
			return ret == -ENOMEM ? ret : -EINVAL;
		if (!ITE_NEXT_OF(entry))
			break;
		event += ITE_NEXT_OF(entry);
	}
	return 0;
}

static int restore_devices(struct vgic_its *its)
{
	u32 id = 0;
	u64 entry;
	gpa_t at;
	int ret;

	while (id < 1u << ITS_ID_BITS) {
		if (may_go_on())
			return -EINTR;
		if (its_entry_at(its, ITS_BASER_DEVICES, id, &at)) {
			/* Beyond the table, or a part of it that is not there. */
			id = (id | (ITS_TABLE_PART - 1)) + 1;
			continue;
		}
		if (entry_read(its, at, &entry))
			return -EFAULT;
		if (!(entry & ITS_VALID)) {
			id++;
			continue;
		}
		ret = its_device_map(its, id, (entry & DTE_SIZE) + 1, (entry & DTE_ITT) << DTE_ITT_SHIFT);
		if (!ret)
			ret = restore_events(its, its_device_find(its, id));
		if (ret)
			return ret;
		if (!DTE_NEXT_OF(entry))
			break;
		id += DTE_NEXT_OF(entry);
	}
	return 0;
}

/* After an error there is nothing. */
int its_restore(struct vgic_its *its)
{
	int ret;

	its_forget(its);
	ret = restore_collections(its);
	if (!ret)
		ret = restore_devices(its);
	if (ret)
		its_forget(its);
	return ret;
}
