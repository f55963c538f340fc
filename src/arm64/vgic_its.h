/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt translation service (ITS), which makes LPIs of devices' messages:
 * vgic_its.c (objects, messages), vgic_its_commands.c, vgic_its_regs.c (registers),
 * vgic_its_device.c (user space), vgic_its_tables.c (what it knows, in guest memory).
 */
#ifndef ARM64_VGIC_ITS_H
#define ARM64_VGIC_ITS_H

#include <kvmx/ioctl.h>

#include "vgic_irq.h"

#define ITS_FRAMES_SIZE		0x20000
#define ITS_TRANSLATER		0x10040	/* in the second frame: where messages go */
#define ITS_ID_BITS		16	/* of devices, and of a device's events */
#define ITS_COLLECTIONS		1024
#define ITS_NR_LPIS		((1u << VGIC_ID_BITS) - VGIC_LPI_FIRST)
#define ITS_ENTRY_SIZE		8	/* of all tables */
#define ITS_TABLE_PART		512	/* entries in the smallest part of a table of two levels */

enum { ITS_BASER_DEVICES, ITS_BASER_COLLECTIONS, ITS_BASERS };

/* A device that the guest has mapped. Under vgic_its.lock. */
struct its_device {
	struct rb_node node;
	u32 id;
	u8 event_bits;
	u64 itt;		/* the guest's address of its events' table */
};

/*
 * At most 65,536 devices and as many events as there are LPIs, since each has one of its
 * own: memory is bounded. [L]: lock; [lock]: vgic.lock, inside of it. What is under both
 * changes under both, and is read under either.
 */
struct vgic_its {
	struct mutex lock;		/* one command at a time; guest memory is accessed under it */
	struct vgic *gic;		/* [I] */
	bool ready;			/* [l] */
	u64 base;			/* [l] until mapped, then [I]; ~0: not set */
	bool mapped;			/* [l] published with release */
	struct kvmx_io_device dev;

	bool enabled, busy;		/* [lock] busy: carries out commands */
	bool forget_devices;		/* [lock] their table has gone, */
	bool forget_collections;	/* [lock] or that of collections: to be done */
	u64 cbaser, creadr, cwriter;	/* [lock] */
	u64 baser[ITS_BASERS];		/* [lock] */

	struct rb_root devices;		/* [L] */
	struct rb_root events;		/* [L] and [lock]: struct vgic_lpi by key */
	struct arm64_vcpu *collection[ITS_COLLECTIONS];	/* [L] NULL: not mapped */
	DECLARE_BITMAP(used, ITS_NR_LPIS);		/* [L] LPIs that an event has */
};

#define ITS_VALID		BIT_ULL(63)
#define ITS_BASER_INDIRECT	BIT_ULL(62)

static inline u64 vgic_lpi_key(u32 device, u32 event)
{
	return (u64)device << 32 | event;
}

/* vgic_its.c, under its->lock. */
struct its_device *its_device_find(struct vgic_its *its, u32 id);
/* 0, -EINVAL or -ENOMEM; one of that number, and its events, are forgotten first. */
int its_device_map(struct vgic_its *its, u32 id, u8 event_bits, u64 itt);
void its_device_unmap(struct vgic_its *its, struct its_device *device);
void its_forget_devices(struct vgic_its *its);
void its_forget_collections(struct vgic_its *its);
/* All that it knows. */
void its_forget(struct vgic_its *its);
struct vgic_lpi *its_event_find(struct vgic_its *its, u32 device, u32 event);
/* 0, -EEXIST, -EINVAL or -ENOMEM. */
int its_event_map(struct vgic_its *its, u32 device, u32 event, u32 intid, u32 icid);
void its_event_unmap(struct vgic_its *its, struct vgic_lpi *lpi);
/* The events in order: the first with @key or a larger one, or NULL. */
struct vgic_lpi *its_event_from(struct vgic_its *its, u64 key);
void its_collection_map(struct vgic_its *its, u32 icid, struct arm64_vcpu *v);
/* Of a device or collection: where its entry is in the guest's table. 0 or -EINVAL. */
int its_entry_at(struct vgic_its *its, unsigned int table, u32 id, gpa_t *at);

/* vgic_its_tables.c, under its->lock, where guest memory can be accessed; 0 or -errno. */
int its_save(struct vgic_its *its);
int its_restore(struct vgic_its *its);
int its_save_pending(struct vgic_its *its);
/* A device or an event has ended: its entry, should there be one, does so, too. */
void its_entry_forget_device(struct vgic_its *its, u32 id);
void its_entry_forget_event(struct vgic_its *its, const struct its_device *device, u32 event);

/* vgic_its_commands.c: true when there are more of them. Under its->lock. */
bool its_commands(struct vgic_its *its);

/* vgic_its_regs.c */
extern const struct kvmx_io_ops vgic_its_ops;
u64 vgic_its_reg_read(struct vgic_its *its, u32 offset, int len);
/* True: there is something for vgic_its_work() to do. */
bool vgic_its_reg_write(struct vgic_its *its, u32 offset, int len, u64 val);
void vgic_its_reset(struct vgic_its *its);
/* KVMX_DEV_ARM_VGIC_GRP_ITS_REGS: 0 or -errno. The first says whether there is such a register. */
int vgic_its_reg_check(u32 offset);
int vgic_its_reg_set(struct vgic_its *its, u32 offset, u64 val);

/*
 * KVMX_IRQ_ROUTING_MSI, KVMX_SIGNAL_MSI. Any context. 1; 0: the guest has not mapped
 * it; -EINVAL: not to the ITS, or not by a device.
 */
int vgic_its_msi(struct vgic *gic, const struct kvmx_irq_route *route);

/* vgic_its_device.c: not yet published, or NULL; at the VM's end; the device's attributes. */
struct vgic_its *vgic_its_alloc(struct vgic *gic);
void vgic_its_free(struct vgic_its *its);
long vgic_its_set_attr(struct vgic_its *its, const struct kvmx_device_attr *attr);
long vgic_its_get_attr(struct vgic_its *its, const struct kvmx_device_attr *attr);
long vgic_its_has_attr(struct vgic_its *its, const struct kvmx_device_attr *attr);
/* KVMX_DEV_ARM_VGIC_SAVE_PENDING_TABLES, of the controller that the ITS belongs to. */
long vgic_its_save_pending(struct vgic_its *its);

#endif
