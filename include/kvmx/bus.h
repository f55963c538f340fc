/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-kernel devices on the port and the memory bus of a VM: which device
 * answers an access. src/core/bus.c; devices register from the guest floor,
 * ioeventfds and coalesced zones, accesses come from the guest floor's exits.
 */
#ifndef KVMX_BUS_H
#define KVMX_BUS_H

#include <linux/types.h>
#include <linux/list.h>
#include <linux/spinlock.h>

struct kvmx_vm;
struct kvmx_vcpu;
struct kvmx_io_device;

enum kvmx_bus_id { KVMX_BUS_MMIO, KVMX_BUS_PIO, KVMX_BUS_COUNT };

/*
 * Called inside or outside the run window, preemption possibly off,
 * interrupts on, under rcu_read_lock(): must not sleep. @addr is the full
 * address, @len 1, 2, 4 or 8. 0 when handled, -EOPNOTSUPP to let the next
 * device, or user space, have it.
 */
struct kvmx_io_ops {
	int (*read)(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		    void *val);
	int (*write)(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		     const void *val);
};

struct kvmx_io_device {
	const struct kvmx_io_ops *ops;
};

struct kvmx_bus_range {
	u64 addr;
	u64 len;			/* 0: any access that starts at addr (ioeventfd wildcards) */
	u64 reach;			/* last address that this range or one before it covers */
	struct kvmx_io_device *dev;
};

struct kvmx_bus {
	struct rcu_head rcu;
	u32 nr;
	struct kvmx_bus_range range[];	/* sorted by addr */
};

struct kvmx_buses {
	struct mutex lock;
	struct kvmx_bus __rcu *bus[KVMX_BUS_COUNT];	/* [r] */
};

int kvmx_bus_init(struct kvmx_vm *vm);
void kvmx_bus_destroy(struct kvmx_vm *vm);
/*
 * Ranges may overlap: the one that starts last is asked first, and the first
 * that handles the access wins. -EINVAL when the range wraps, -ENOSPC past 1000.
 */
int kvmx_bus_register(struct kvmx_vm *vm, enum kvmx_bus_id bus, u64 addr, u64 len,
		      struct kvmx_io_device *dev);
/* After it returns no access is inside @dev. May sleep. */
void kvmx_bus_unregister(struct kvmx_vm *vm, enum kvmx_bus_id bus, struct kvmx_io_device *dev);
/* 0 handled, -EOPNOTSUPP nobody did. Do not sleep. */
int kvmx_bus_read(struct kvmx_vcpu *vcpu, enum kvmx_bus_id bus, u64 addr, int len, void *val);
int kvmx_bus_write(struct kvmx_vcpu *vcpu, enum kvmx_bus_id bus, u64 addr, int len,
		   const void *val);

/* ---- coalesced writes: src/core/coalesced.c ---- */

struct kvmx_coalesced {
	struct list_head zones;		/* [s] */
	spinlock_t lock;		/* one writer of the ring at a time */
	struct kvmx_coalesced_mmio_ring *ring;	/* [I] one page; the VMM may write anything to it */
};

int kvmx_coalesced_init(struct kvmx_vm *vm);
/* After the last vCPU; the buses need not know. */
void kvmx_coalesced_destroy(struct kvmx_vm *vm);
/* 0, -EINVAL (neither memory nor ports, range wraps), -ENOSPC, -ENOMEM. Zones may overlap. */
int kvmx_coalesced_register(struct kvmx_vm *vm, const struct kvmx_coalesced_mmio_zone *zone);
/* Every zone that contains @zone goes; 0 also when there is none. */
int kvmx_coalesced_unregister(struct kvmx_vm *vm, const struct kvmx_coalesced_mmio_zone *zone);

#endif
