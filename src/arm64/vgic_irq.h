/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The controller's own state: interrupts, distributor, what belongs to a vCPU.
 * vgic.c (interrupts), vgic_lpi.c (those that messages raise), vgic_regs.c
 * (registers in memory), vgic_device.c (user space), vgic_cpu.c (the CPU's interface).
 */
#ifndef ARM64_VGIC_IRQ_H
#define ARM64_VGIC_IRQ_H

#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>

#include "vgic.h"

#define VGIC_PRIVATE	32	/* SGIs 0 to 15, PPIs 16 to 31 */
#define VGIC_MAX_IRQS	1020	/* INTIDs below are SGIs, PPIs, SPIs */
#define VGIC_MAX_LRS	16
#define VGIC_NONE	1023
#define VGIC_ID_BITS	16
#define VGIC_LPI_FIRST	8192	/* and up: LPIs */
#define VGIC_PRIORITIES	32	/* five bits of them, as the CPU's interface has */

#define VGIC_DIST_SIZE		0x10000
#define VGIC_REDIST_SIZE	0x20000

/* All under vgic.lock. */
struct vgic_irq {
	u16 intid;
	u8 priority;
	bool enabled;
	bool group1;
	bool edge;
	bool latch;		/* pending: an edge came, or software said so */
	bool active;
	bool in_lr;		/* the CPU has it, */
	bool lr_latch;		/* and the latch's content with it */
	bool gone;		/* an LPI that is not mapped any more: ends with in_lr */
	unsigned long line;	/* level, by source */
	u64 router;		/* GICD_IROUTER */
	struct arm64_vcpu *target;	/* NULL: a CPU that is not there */
};

/*
 * An LPI, which is the event of a device that the guest has mapped. All under
 * vgic.lock; what says "its" changes under vgic_its.lock, too, and is read under either.
 */
struct vgic_lpi {
	struct vgic_irq irq;
	struct rb_node node;		/* its */
	u64 key;			/* its: vgic_lpi_key() */
	u16 icid;			/* its: the collection */
	u8 config;			/* its entry in the guest's table, as last read */
	struct vgic_lpi_cpu *listed;	/* whose pending[] it is in, or NULL; */
	u8 level;			/* and in which */
	struct list_head link;
	struct rcu_head rcu;		/* its end, under a raw lock */
};

/* The LPIs' part of a redistributor. */
struct vgic_lpi_cpu {
	bool enabled;			/* [lock] GICR_CTLR.EnableLPIs */
	bool changed;			/* [lock] which its LPIs do not know yet */
	u64 pendbaser;			/* [lock] */
	u32 levels;			/* [lock] those of pending[] that are not empty */
	struct list_head *pending;		/* [lock] to be delivered, by priority; NULL: no ITS */
};

struct vgic {
	raw_spinlock_t lock;	/* taken with interrupts off, and in the run window */
	struct arm64_vm *vm;	/* [I] */
	u32 nr_irqs;		/* [I] once ready; private ones included */
	struct vgic_irq *spi;	/* [I] once ready: INTID 32 and up */
	bool ready;		/* [l] initialized: published with release */
	bool mapped;		/* [l] has its addresses, too: published with release */
	u64 dist_base, redist_base;	/* [l] until mapped, then [I]; ~0: not set */
	u32 ctlr;		/* [lock] enabled groups */
	struct kvmx_io_device dist_dev, redist_dev;
	DECLARE_BITMAP(candidates, VGIC_MAX_IRQS);	/* [lock] SPIs that a vCPU has to look at, */
	u32 nr_candidates;				/* [lock] and how many these are */
	u64 propbaser;		/* [lock] GICR_PROPBASER, the same in all redistributors */
	struct vgic_its *its;	/* [l] published once */
};

struct vgic_cpu {
	struct vgic_irq priv[VGIC_PRIVATE];	/* [lock] */
	u32 candidates;				/* [lock] */
	bool on;				/* [w] there is a controller */
	bool look;				/* [a] the list registers are not as they should be */
	u64 lr[VGIC_MAX_LRS];			/* [w] */
	u64 back[VGIC_MAX_LRS];			/* [w] as they come out of the CPU */
	struct vgic_irq *lr_irq[VGIC_MAX_LRS];	/* [w] */
	u8 used;				/* [w] list registers */
	bool overflow;				/* [w] more than there are list registers */
	u64 vmcr;				/* [m] in the CPU [w] */
	u64 apr[2][4];				/* [m] in the CPU [w] */
	struct vgic_lpi_cpu lpis;		/* last: outlasts KVMX_ARM_VCPU_INIT */
};

#define VGIC_CTLR_GROUP0	BIT(0)
#define VGIC_CTLR_GROUP1	BIT(1)

/* NULL: the VM has none that is set up. */
static inline struct vgic *vgic_of(struct arm64_vcpu *v)
{
	struct vgic *gic = smp_load_acquire(&arm64_vm_of(v)->gic);

	return gic && smp_load_acquire(&gic->ready) ? gic : NULL;
}

/* Under gic->lock. NULL: no such interrupt. */
struct vgic_irq *vgic_irq(struct vgic *gic, struct arm64_vcpu *v, u32 intid);
static inline bool vgic_irq_pending(const struct vgic_irq *irq)
{
	return irq->latch || (!irq->edge && irq->line);
}
bool vgic_irq_deliverable(const struct vgic *gic, const struct vgic_irq *irq);
static inline bool vgic_irq_is_lpi(const struct vgic_irq *irq)
{
	return irq->intid >= VGIC_LPI_FIRST;
}
/* After any change of @irq: who has to look at it is told. */
void vgic_irq_changed(struct vgic *gic, struct vgic_irq *irq);
/* The list registers of @v are not as they should be. */
void vgic_look(struct arm64_vcpu *v);
/* After the distributor was switched on or off. */
void vgic_all_changed(struct vgic *gic);
void vgic_irq_route(struct vgic *gic, struct vgic_irq *irq, u64 router);

/* Chooses what goes into the list registers, and takes back what came out of them. */
void vgic_fill(struct vgic *gic, struct arm64_vcpu *v, unsigned int nr_lrs);
void vgic_take_back(struct vgic *gic, struct arm64_vcpu *v);

/* Bits of a list register (GIC architecture, "ICH_LR<n>_EL2"). */
#define LR_PENDING	BIT_ULL(62)
#define LR_ACTIVE	BIT_ULL(63)
#define LR_HW		BIT_ULL(61)
#define LR_GROUP1	BIT_ULL(60)
#define LR_PRIORITY(p)	((u64)(p) << 48)
#define LR_PINTID(n)	((u64)(n) << 32)

#define GICD_IIDR	0x0008
#define GICR_SGI	0x10000	/* the second frame: the private interrupts */

/* vgic_regs.c: a redistributor has the private interrupts, the distributor the others. */
struct vgic_irq *vgic_reg_irq(struct vgic *gic, struct arm64_vcpu *v, u32 intid);
/* What is at an offset; @v the redistributor's, NULL: the distributor. */
u64 vgic_reg_read(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len);
void vgic_reg_write(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len, u64 val);
extern const struct kvmx_io_ops vgic_dist_ops, vgic_redist_ops;

/* vgic_lpi.c: for each vCPU once there is an ITS, under vm->lock. 0 or -ENOMEM. */
int vgic_lpi_cpu_init(struct vgic_lpi_cpu *lpis);
/* Under gic->lock: */
/* Puts it into the list where it belongs, or takes it off. */
void vgic_lpi_list(struct vgic_lpi *lpi);
/* Config, target or GICR_CTLR.EnableLPIs may have changed. */
void vgic_lpi_refresh(struct vgic *gic, struct vgic_lpi *lpi);
void vgic_lpi_set_target(struct vgic *gic, struct vgic_lpi *lpi, struct arm64_vcpu *v);
/* A message came. */
void vgic_lpi_raise(struct vgic *gic, struct vgic_lpi *lpi);
/* Ends it, once no list register has it. */
void vgic_lpi_end(struct vgic_lpi *lpi);
/* The redistributor's registers of LPIs; false: another register. */
bool vgic_lpi_reg_read(struct vgic *gic, struct arm64_vcpu *v, u32 offset, u64 *val);
void vgic_lpi_reg_write(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len, u64 val);
/* vgic_lpi.c, where guest memory can be accessed, without the lock: what the guest's tables say. */
void vgic_lpi_read_config(struct vgic *gic, struct vgic_lpi *lpi);
void vgic_lpi_read_pending(struct vgic *gic, struct vgic_lpi *lpi);
/* And whether it is pending, into the table at @pendbaser: 0 or -EFAULT. */
int vgic_lpi_write_pending(struct vgic *gic, const struct vgic_lpi *lpi, u64 pendbaser);
/* How many interrupt numbers the guest's table of configurations is for. */
u32 vgic_lpi_limit(struct vgic *gic);
/* A register that changes under the lock, which the caller does not have. */
u64 vgic_reg64(struct vgic *gic, const u64 *reg);
/* @len bytes of @val into the register of 64 bits at @old, from @offset on. */
u64 vgic_reg64_merge(u64 old, u32 offset, int len, u64 val);

/* vgic_cpu.c: the fixed part of ICC_CTLR_EL1, and how many ICC_AP<0|1>R<n>_EL1 there are. */
u64 vgic_cpu_ctlr(void);
unsigned int vgic_cpu_nr_aprs(void);

/* vgic_state.c: attributes by which state is saved and restored; 0 or -errno. */
int vgic_state_has(struct vgic *gic, const struct kvmx_device_attr *attr);
int vgic_state_access(struct vgic *gic, const struct kvmx_device_attr *attr, bool write);
/* No vCPU runs in between: what one that does has is in part in the CPU. 0 or -EBUSY. */
int vgic_lock_vcpus(struct kvmx_vm *vm);
void vgic_unlock_vcpus(struct kvmx_vm *vm);

/* vgic.c: the state at power-on. */
int vgic_init(struct vgic *gic);

#endif
