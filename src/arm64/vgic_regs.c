// SPDX-License-Identifier: GPL-2.0-only
/*
 * The controller's registers in memory: distributor and redistributors, with
 * affinity routing and one security state (Arm IHI 0069, "The GIC Distributor
 * register map" and following). Called by the bus and by user space.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "vgic_irq.h"

#define GICD_CTLR	0x0000
#define GICD_TYPER	0x0004
#define GICD_IROUTER	0x6000
#define GICD_IROUTER_END 0x7fe0
#define GIC_PIDR2	0xffe8
#define GICR_IIDR	0x0004
#define GICR_TYPER	0x0008

#define CTLR_ARE	BIT(4)
#define CTLR_DS		BIT(6)
#define TYPER_ID_BITS(n) (((n) - 1) << 19)
#define TYPER_LPIS	BIT(17)
#define TYPER_NO_1_OF_N	BIT(25)
#define IIDR		0x43b	/* implementer: Arm; the architecture's own registers only */
#define PIDR2_GICV3	0x3b

struct vgic_irq *vgic_reg_irq(struct vgic *gic, struct arm64_vcpu *v, u32 intid)
{
	return (intid < VGIC_PRIVATE) == !!v ? vgic_irq(gic, v, intid) : NULL;
}

/* What has one bit for each interrupt, 32 to a register, by offset / 0x80. */
enum { GROUP = 1, SET_ENABLE, CLEAR_ENABLE, SET_PENDING, CLEAR_PENDING, SET_ACTIVE, CLEAR_ACTIVE };

static bool bit_read(const struct vgic_irq *irq, unsigned int kind)
{
	switch (kind) {
	case GROUP:
		return irq->group1;
	case SET_ENABLE:
	case CLEAR_ENABLE:
		return irq->enabled;
	case SET_PENDING:
	case CLEAR_PENDING:
		return vgic_irq_pending(irq);
	default:
		return irq->active;
	}
}

/* True when something changed. */
static bool bit_write(struct vgic_irq *irq, unsigned int kind, bool bit)
{
	if (kind == GROUP) {
		irq->group1 = bit;
		return true;
	}
	if (!bit)
		return false;
	switch (kind) {
	case SET_ENABLE:
	case CLEAR_ENABLE:
		irq->enabled = kind == SET_ENABLE;
		break;
	case SET_PENDING:
	case CLEAR_PENDING:
		irq->latch = kind == SET_PENDING;
		break;
	default:
		irq->active = kind == SET_ACTIVE;
		break;
	}
	return true;
}

/* 32 bits of the interrupts from @first on. */
static u32 bits_read(struct vgic *gic, struct arm64_vcpu *v, unsigned int kind, u32 first)
{
	struct vgic_irq *irq;
	u32 val = 0, i;

	for (i = 0; i < 32; i++) {
		irq = vgic_reg_irq(gic, v, first + i);
		if (irq && bit_read(irq, kind))
			val |= BIT(i);
	}
	return val;
}

static void bits_write(struct vgic *gic, struct arm64_vcpu *v, unsigned int kind, u32 first,
		       u32 val)
{
	struct vgic_irq *irq;
	u32 i;

	for (i = 0; i < 32; i++) {
		irq = vgic_reg_irq(gic, v, first + i);
		if (irq && bit_write(irq, kind, val >> i & 1))
			vgic_irq_changed(gic, irq);
	}
}

static u32 priority_read(struct vgic *gic, struct arm64_vcpu *v, u32 first, int n)
{
	struct vgic_irq *irq;
	u32 val = 0;
	int i;

	for (i = 0; i < n; i++) {
		irq = vgic_reg_irq(gic, v, first + i);
		if (irq)
			val |= (u32)irq->priority << (8 * i);
	}
	return val;
}

/* Five bits of priority, as the CPU's interface has. */
static void priority_write(struct vgic *gic, struct arm64_vcpu *v, u32 first, int n, u32 val)
{
	struct vgic_irq *irq;
	int i;

	for (i = 0; i < n; i++) {
		irq = vgic_reg_irq(gic, v, first + i);
		if (!irq)
			continue;
		irq->priority = val >> (8 * i) & 0xf8;
		vgic_irq_changed(gic, irq);
	}
}

/* GICD_ICFGR: two bits each, the upper one says edge. */
static u32 config_read(struct vgic *gic, struct arm64_vcpu *v, u32 first)
{
	struct vgic_irq *irq;
	u32 val = 0, i;

	for (i = 0; i < 16; i++) {
		irq = vgic_reg_irq(gic, v, first + i);
		if (irq && irq->edge)
			val |= 2u << (2 * i);
	}
	return val;
}

static void config_write(struct vgic *gic, struct arm64_vcpu *v, u32 first, u32 val)
{
	struct vgic_irq *irq;
	u32 i;

	for (i = 0; i < 16; i++) {
		irq = vgic_reg_irq(gic, v, first + i);
		/* SGIs are edges. */
		if (!irq || irq->intid < 16)
			continue;
		irq->edge = val >> (2 * i + 1) & 1;
		vgic_irq_changed(gic, irq);
	}
}

/* They have 32 bits; priorities may also be accessed by bytes. Other accesses do nothing. */
static bool irqs_size(u32 offset, int len)
{
	return len == 4 || (len == 1 && offset >= 0x400 && offset < 0x800);
}

/* Registers that distributor and redistributor have alike; false: another. */
static bool irqs_read(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len, u64 *val)
{
	if (!irqs_size(offset, len))
		return false;
	if (offset >= 0x80 && offset < 0x400)
		*val = bits_read(gic, v, offset >> 7, (offset & 0x7c) * 8);
	else if (offset >= 0x400 && offset < 0x800)
		*val = priority_read(gic, v, offset - 0x400, len);
	else if (offset >= 0xc00 && offset < 0xd00)
		*val = config_read(gic, v, (offset & 0xfc) * 4);
	else
		return false;
	return true;
}

static void irqs_write(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len, u64 val)
{
	if (!irqs_size(offset, len))
		return;
	if (offset >= 0x80 && offset < 0x400)
		bits_write(gic, v, offset >> 7, (offset & 0x7c) * 8, val);
	else if (offset >= 0x400 && offset < 0x800)
		priority_write(gic, v, offset - 0x400, len, val);
	else if (offset >= 0xc00 && offset < 0xd00)
		config_write(gic, v, (offset & 0xfc) * 4, val);
}

static u64 dist_read(struct vgic *gic, u32 offset, int len)
{
	struct vgic_irq *irq;
	u64 val;

	if (offset >= GICD_IROUTER && offset < GICD_IROUTER_END) {
		irq = vgic_reg_irq(gic, NULL, (offset - GICD_IROUTER) / 8);
		val = irq ? irq->router : 0;
		return offset & 4 ? val >> 32 : val;
	}
	if (irqs_read(gic, NULL, offset, len, &val))
		return val;
	switch (offset) {
	case GICD_CTLR:
		return gic->ctlr | CTLR_ARE | CTLR_DS;
	case GICD_TYPER:
		return ((gic->nr_irqs + 31) / 32 - 1) | TYPER_NO_1_OF_N |
		       (gic->its ? TYPER_ID_BITS(VGIC_ID_BITS) | TYPER_LPIS : TYPER_ID_BITS(10));
	case GICD_IIDR:
		return IIDR;
	case GIC_PIDR2:
		return PIDR2_GICV3;
	default:
		return 0;
	}
}

static void dist_write(struct vgic *gic, u32 offset, int len, u64 val)
{
	struct vgic_irq *irq;
	u64 router;

	if (offset >= GICD_IROUTER && offset < GICD_IROUTER_END) {
		irq = vgic_reg_irq(gic, NULL, (offset - GICD_IROUTER) / 8);
		if (!irq)
			return;
		router = irq->router;
		if (len == 8)
			router = val;
		else if (offset & 4)
			router = (router & 0xffffffff) | val << 32;
		else
			router = (router & ~0xffffffffULL) | (u32)val;
		vgic_irq_route(gic, irq, router);
	} else if (offset == GICD_CTLR) {
		gic->ctlr = val & (VGIC_CTLR_GROUP0 | VGIC_CTLR_GROUP1);
		vgic_all_changed(gic);
	} else {
		irqs_write(gic, NULL, offset, len, val);
	}
}

static u64 redist_typer(struct vgic *gic, struct arm64_vcpu *v)
{
	u64 aff = (v->mpidr & 0xffffff) | (v->mpidr >> 32 & 0xff) << 24;
	bool last = v->vcpu.index + 1 == kvmx_vm_nr_vcpus(v->vcpu.vm);

	/* Bit 0: physical LPIs. */
	return aff << 32 | (u64)v->vcpu.index << 8 | (last ? BIT(4) : 0) |
	       (gic->its ? BIT(0) : 0);
}

static u64 redist_read(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len)
{
	u64 val = 0;

	if (offset >= GICR_SGI) {
		/* Those of the 32 private ones: the first register of each kind, or two. */
		irqs_read(gic, v, offset - GICR_SGI, len, &val);
		return val;
	}
	if (vgic_lpi_reg_read(gic, v, offset, &val))
		return val;
	switch (offset) {
	case GICR_TYPER:
		return redist_typer(gic, v);
	case GICR_TYPER + 4:
		return redist_typer(gic, v) >> 32;
	case GICR_IIDR:
		return IIDR;
	case GIC_PIDR2:
		return PIDR2_GICV3;
	default:
		return 0;
	}
}

static bool aligned(u32 offset, int len)
{
	return !(offset & (len - 1));
}

u64 vgic_reg_read(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len)
{
	unsigned long flags;
	u64 val;

	if (!aligned(offset, len))
		return 0;
	raw_spin_lock_irqsave(&gic->lock, flags);
	val = v ? redist_read(gic, v, offset, len) : dist_read(gic, offset, len);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return val;
}

void vgic_reg_write(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len, u64 val)
{
	unsigned long flags;

	if (!aligned(offset, len))
		return;
	raw_spin_lock_irqsave(&gic->lock, flags);
	if (!v)
		dist_write(gic, offset, len, val);
	else if (offset >= GICR_SGI)
		irqs_write(gic, v, offset - GICR_SGI, len, val);
	else
		vgic_lpi_reg_write(gic, v, offset, len, val);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

/* ---- on the bus ---- */

static int dist_bus_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
			 void *val)
{
	struct vgic *gic = container_of(dev, struct vgic, dist_dev);
	u64 reg = vgic_reg_read(gic, NULL, addr - gic->dist_base, len);

	memcpy(val, &reg, len);
	return 0;
}

static int dist_bus_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
			  const void *val)
{
	struct vgic *gic = container_of(dev, struct vgic, dist_dev);
	u64 reg = 0;

	memcpy(&reg, val, len);
	vgic_reg_write(gic, NULL, addr - gic->dist_base, len, reg);
	return 0;
}

static struct arm64_vcpu *redist_of(struct vgic *gic, u64 addr)
{
	u64 index = (addr - gic->redist_base) / VGIC_REDIST_SIZE;

	if (index >= kvmx_vm_nr_vcpus(&gic->vm->vm))
		return NULL;
	return to_arm64(gic->vm->vm.vcpus[array_index_nospec(index, KVMX_MAX_VCPUS)]);
}

static int redist_bus_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
			   void *val)
{
	struct vgic *gic = container_of(dev, struct vgic, redist_dev);
	struct arm64_vcpu *v = redist_of(gic, addr);
	u64 reg;

	if (!v)
		return -EOPNOTSUPP;
	reg = vgic_reg_read(gic, v, (addr - gic->redist_base) % VGIC_REDIST_SIZE, len);
	memcpy(val, &reg, len);
	return 0;
}

static int redist_bus_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
			    const void *val)
{
	struct vgic *gic = container_of(dev, struct vgic, redist_dev);
	struct arm64_vcpu *v = redist_of(gic, addr);
	u64 reg = 0;

	if (!v)
		return -EOPNOTSUPP;
	memcpy(&reg, val, len);
	vgic_reg_write(gic, v, (addr - gic->redist_base) % VGIC_REDIST_SIZE, len, reg);
	return 0;
}

const struct kvmx_io_ops vgic_dist_ops = { .read = dist_bus_read, .write = dist_bus_write };
const struct kvmx_io_ops vgic_redist_ops = { .read = redist_bus_read, .write = redist_bus_write };
