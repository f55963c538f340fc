/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt lines of a VM: the routing table from GSI to irqchip pins and
 * MSIs, irqfds that raise them from eventfds, acknowledge notifiers.
 * src/core/irq_routing.c, irqfd.c; called by the door and the guest floor.
 */
#ifndef KVMX_IRQ_H
#define KVMX_IRQ_H

#include <linux/types.h>
#include <linux/list.h>
#include <linux/bits.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#define KVMX_MAX_IRQ_ROUTES	4096	/* GSIs run from 0 to this - 1 */
#define KVMX_MAX_IRQCHIPS	3	/* x86: PIC master, PIC slave, I/O APIC */
#define KVMX_IRQCHIP_PINS	24

struct kvmx_vm;

enum kvmx_route_kind { KVMX_ROUTE_CHIP, KVMX_ROUTE_MSI };

struct kvmx_irq_route {
	u32 gsi;
	enum kvmx_route_kind kind;
	union {
		struct { u32 chip, pin; } chip;
		struct { u32 addr_lo, addr_hi, data, devid; u32 flags; } msi;
	};
};

/* Sources that drive a line; its level is the OR of them. */
enum {
	KVMX_IRQ_SOURCE_USER,		/* KVMX_IRQ_LINE */
	KVMX_IRQ_SOURCE_RESAMPLE,	/* irqfds with a resample eventfd */
	KVMX_IRQ_SOURCE_PIT,
};

/* Ways in that need an irqchip in the kernel, for kvmx_irq_sink.allow. */
enum kvmx_irq_use {
	KVMX_IRQ_USE_LINE,
	KVMX_IRQ_USE_MSI,
	KVMX_IRQ_USE_IRQFD,
	KVMX_IRQ_USE_RESAMPLE,
};

/*
 * Keeps one source's level in the state of a pin and gives the OR of all: a
 * pin may be driven by several GSIs, so the chip that owns it adds up, under
 * its lock.
 */
static inline bool kvmx_irq_level_or(unsigned long *state, int source, int level)
{
	if (level)
		*state |= BIT(source);
	else
		*state &= ~BIT(source);
	return *state;
}

/*
 * What the guest floor does with a route. Callable from any context,
 * interrupts off included: must not sleep. Returns > 0 delivered (count),
 * 0 coalesced, < 0 masked or not deliverable.
 */
struct kvmx_irq_sink {
	int (*set)(struct kvmx_vm *vm, const struct kvmx_irq_route *route, int source, int level);
	/* 0 when user space may install this route, else -EINVAL. */
	int (*check)(struct kvmx_vm *vm, const struct kvmx_irq_route *route);
	/*
	 * 0 when the VM's irqchip allows this use, else the errno of the ioctl:
	 * -ENXIO for a LINE without irqchip, -EINVAL else. May be NULL: all allowed.
	 */
	int (*allow)(struct kvmx_vm *vm, enum kvmx_irq_use use);
	/*
	 * After the table or the acks changed; may sleep, must not change them.
	 * The guest floor rescans who wants EOIs. May be NULL.
	 */
	void (*changed)(struct kvmx_vm *vm);
};

/* Told when the guest acknowledges (EOIs) an interrupt of a chip's pin. */
struct kvmx_irq_ack {
	struct hlist_node link;
	u32 gsi;
	void (*acked)(struct kvmx_irq_ack *ack);	/* any context, must not sleep */
};

struct kvmx_irq_table;

struct kvmx_irqs {
	struct mutex lock;			/* table updates, irqfd list */
	const struct kvmx_irq_sink *sink;	/* [I] */
	struct kvmx_irq_table __rcu *table;	/* [r] */
	struct hlist_head acks;			/* [r] changed under irqfd_lock */
	spinlock_t irqfd_lock;
	struct list_head irqfds;		/* [irqfd_lock] */
	struct list_head resamplers;		/* [lock] */
};

int kvmx_irqs_init(struct kvmx_vm *vm, const struct kvmx_irq_sink *sink);
void kvmx_irqs_destroy(struct kvmx_vm *vm);

/* Replaces the whole table. -EINVAL, -ENOMEM; nothing changed then. May sleep. */
int kvmx_irq_routing_set(struct kvmx_vm *vm, const struct kvmx_irq_routing_entry *entries,
			 u32 nr, u32 flags);
/* Sets @gsi's line from @source. Result as sink->set, -1 when @gsi has no route. */
int kvmx_irq_set(struct kvmx_vm *vm, int source, u32 gsi, int level);
/* KVMX_SIGNAL_MSI: result of the sink. */
int kvmx_irq_msi(struct kvmx_vm *vm, const struct kvmx_msi *msi);
/*
 * The guest has acknowledged @pin of @chip: runs the acks of every GSI routed
 * there. They lower the line through sink->set: call it without the chip's lock.
 */
void kvmx_irq_acked(struct kvmx_vm *vm, u32 chip, u32 pin);
bool kvmx_irq_has_ack(struct kvmx_vm *vm, u32 chip, u32 pin);
void kvmx_irq_ack_register(struct kvmx_vm *vm, struct kvmx_irq_ack *ack);
void kvmx_irq_ack_unregister(struct kvmx_vm *vm, struct kvmx_irq_ack *ack);
/* Calls @fn for each route of the table, under rcu. */
void kvmx_irq_for_each_route(struct kvmx_vm *vm,
			     void (*fn)(const struct kvmx_irq_route *route, void *arg), void *arg);

/* Eventfds (src/core/irqfd.c, ioeventfd.c). */
int kvmx_irqfd(struct kvmx_vm *vm, const struct kvmx_irqfd *args);
void kvmx_irqfd_release(struct kvmx_vm *vm);
int kvmx_ioeventfd(struct kvmx_vm *vm, const struct kvmx_ioeventfd *args);
void kvmx_ioeventfd_release(struct kvmx_vm *vm);
int kvmx_eventfd_init(void);	/* module load: the clean-up workqueue */
void kvmx_eventfd_exit(void);

#endif
