// SPDX-License-Identifier: GPL-2.0-only
/*
 * LPIs: interrupts that messages raise, with their configuration and what is
 * pending at first in the guest's memory (Arm IHI 0069, "LPIs"). Called by the
 * ITS, which maps them, by vgic.c and for the redistributor's registers.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "vgic_its.h"
#include "vgic_irq.h"

#define GICR_CTLR	0x0000
#define GICR_PROPBASER	0x0070
#define GICR_PENDBASER	0x0078

#define CTLR_ENABLE_LPIS	BIT(0)
#define CTLR_CES		BIT(1)	/* EnableLPIs can be cleared */

/* Cacheability, shareability and address; of PROPBASER also the number of bits. */
#define PROPBASER_BITS	(GENMASK_ULL(58, 56) | GENMASK_ULL(51, 12) | GENMASK_ULL(11, 7) | \
			 GENMASK_ULL(4, 0))
#define PENDBASER_BITS	(GENMASK_ULL(58, 56) | GENMASK_ULL(51, 16) | GENMASK_ULL(11, 7))

#define CONFIG_ENABLE	BIT(0)
#define CONFIG_PRIORITY	0xf8

int vgic_lpi_cpu_init(struct vgic_lpi_cpu *lpis)
{
	unsigned int n;

	if (lpis->pending)
		return 0;
	lpis->pending = kmalloc_array(VGIC_PRIORITIES, sizeof(*lpis->pending), GFP_KERNEL_ACCOUNT);
	if (!lpis->pending)
		return -ENOMEM;
	for (n = 0; n < VGIC_PRIORITIES; n++)
		INIT_LIST_HEAD(&lpis->pending[n]);
	return 0;
}

/* ---- what is pending ---- */

static void unlist(struct vgic_lpi *lpi)
{
	struct vgic_lpi_cpu *at = lpi->listed;

	list_del(&lpi->link);
	if (list_empty(&at->pending[lpi->level]))
		WRITE_ONCE(at->levels, at->levels & ~BIT(lpi->level));
	lpi->listed = NULL;
}

void vgic_lpi_list(struct vgic_lpi *lpi)
{
	const struct vgic_irq *irq = &lpi->irq;
	struct vgic_lpi_cpu *at = irq->enabled && irq->latch ? &irq->target->gic->lpis : NULL;
	u8 level = irq->priority >> 3;

	if (lpi->listed && (lpi->listed != at || lpi->level != level))
		unlist(lpi);
	if (!at || lpi->listed)
		return;
	lpi->listed = at;
	lpi->level = level;
	list_add_tail(&lpi->link, &at->pending[level]);
	WRITE_ONCE(at->levels, at->levels | BIT(level));
}

/* One without a target is not enabled: its latch waits for one. */
void vgic_lpi_refresh(struct vgic *gic, struct vgic_lpi *lpi)
{
	struct vgic_irq *irq = &lpi->irq;

	irq->priority = lpi->config & CONFIG_PRIORITY;
	irq->enabled = (lpi->config & CONFIG_ENABLE) && irq->target &&
		       irq->target->gic->lpis.enabled;
	vgic_irq_changed(gic, irq);
}

void vgic_lpi_set_target(struct vgic *gic, struct vgic_lpi *lpi, struct arm64_vcpu *v)
{
	struct arm64_vcpu *old = lpi->irq.target;

	lpi->irq.target = v;
	if (old && old != v && lpi->irq.in_lr)
		vgic_look(old);
	vgic_lpi_refresh(gic, lpi);
}

void vgic_lpi_raise(struct vgic *gic, struct vgic_lpi *lpi)
{
	lpi->irq.latch = true;
	vgic_irq_changed(gic, &lpi->irq);
}

void vgic_lpi_end(struct vgic_lpi *lpi)
{
	struct vgic_irq *irq = &lpi->irq;

	if (lpi->listed)
		unlist(lpi);
	if (!irq->in_lr) {
		kfree_rcu(lpi, rcu);
		return;
	}
	/* Whoever takes it back from the list register comes here again. */
	irq->gone = true;
	irq->enabled = false;
	if (irq->target)
		vgic_look(irq->target);
}

/* ---- the guest's tables ---- */

u64 vgic_reg64(struct vgic *gic, const u64 *reg)
{
	unsigned long flags;
	u64 val;

	raw_spin_lock_irqsave(&gic->lock, flags);
	val = *reg;
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return val;
}

static u32 table_limit(u64 propbaser)
{
	return 1u << min_t(u32, (propbaser & GENMASK(4, 0)) + 1, VGIC_ID_BITS);
}

u32 vgic_lpi_limit(struct vgic *gic)
{
	return table_limit(vgic_reg64(gic, &gic->propbaser));
}

/* What cannot be read is not enabled. */
void vgic_lpi_read_config(struct vgic *gic, struct vgic_lpi *lpi)
{
	u64 table = vgic_reg64(gic, &gic->propbaser);
	u32 intid = lpi->irq.intid;
	unsigned long flags;
	u8 config = 0;

	if (intid >= table_limit(table) ||
	    kvmx_guest_read(&gic->vm->vm, (table & GENMASK_ULL(51, 12)) + intid - VGIC_LPI_FIRST,
			    &config, sizeof(config)))
		config = 0;
	raw_spin_lock_irqsave(&gic->lock, flags);
	lpi->config = config;
	vgic_lpi_refresh(gic, lpi);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

static gpa_t pending_at(u64 pendbaser, u32 intid)
{
	return (pendbaser & GENMASK_ULL(51, 16)) + intid / 8;
}

int vgic_lpi_write_pending(struct vgic *gic, const struct vgic_lpi *lpi, u64 pendbaser)
{
	gpa_t at = pending_at(pendbaser, lpi->irq.intid);
	u8 bits, bit = BIT(lpi->irq.intid % 8);

	if (kvmx_guest_read(&gic->vm->vm, at, &bits, sizeof(bits)))
		return -EFAULT;
	if (!(bits & bit) == !lpi->irq.latch)
		return 0;
	bits ^= bit;
	return kvmx_guest_write(&gic->vm->vm, at, &bits, sizeof(bits));
}

/* What was pending there is pending here from now on. */
void vgic_lpi_read_pending(struct vgic *gic, struct vgic_lpi *lpi)
{
	struct arm64_vcpu *v = lpi->irq.target;
	u32 intid = lpi->irq.intid;
	u8 bits, bit = BIT(intid % 8);
	unsigned long flags;
	gpa_t at;

	if (!v || !READ_ONCE(v->gic->lpis.enabled) || intid >= vgic_lpi_limit(gic))
		return;
	at = pending_at(vgic_reg64(gic, &v->gic->lpis.pendbaser), intid);
	if (kvmx_guest_read(&gic->vm->vm, at, &bits, sizeof(bits)) || !(bits & bit))
		return;
	bits &= ~bit;
	if (kvmx_guest_write(&gic->vm->vm, at, &bits, sizeof(bits)))
		return;
	raw_spin_lock_irqsave(&gic->lock, flags);
	vgic_lpi_raise(gic, lpi);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

/* ---- registers ---- */

u64 vgic_reg64_merge(u64 old, u32 offset, int len, u64 val)
{
	unsigned int shift = 8 * (offset & 7);
	u64 mask = len == 8 ? ~0ULL : (BIT_ULL(8 * len) - 1) << shift;

	return (old & ~mask) | (val << shift & mask);
}

bool vgic_lpi_reg_read(struct vgic *gic, struct arm64_vcpu *v, u32 offset, u64 *val)
{
	const struct vgic_lpi_cpu *lpis = &v->gic->lpis;

	if (!gic->its)
		return false;
	switch (offset & ~7u) {
	case GICR_CTLR:
		if (offset != GICR_CTLR)
			return false;
		*val = CTLR_CES | (lpis->enabled ? CTLR_ENABLE_LPIS : 0);
		return true;
	case GICR_PROPBASER:
		*val = gic->propbaser >> (8 * (offset & 7));
		return true;
	case GICR_PENDBASER:
		*val = lpis->pendbaser >> (8 * (offset & 7));
		return true;
	default:
		return false;
	}
}

static bool any_enabled(struct vgic *gic)
{
	u32 nr = kvmx_vm_nr_vcpus(&gic->vm->vm), i;

	for (i = 0; i < nr; i++)
		if (to_arm64(gic->vm->vm.vcpus[i])->gic->lpis.enabled)
			return true;
	return false;
}

/* The tables stay where they are while LPIs are enabled. */
void vgic_lpi_reg_write(struct vgic *gic, struct arm64_vcpu *v, u32 offset, int len, u64 val)
{
	struct vgic_lpi_cpu *lpis = &v->gic->lpis;

	if (!gic->its || (len != 4 && len != 8))
		return;
	if (offset == GICR_CTLR && lpis->enabled != !!(val & CTLR_ENABLE_LPIS)) {
		lpis->enabled = val & CTLR_ENABLE_LPIS;
		lpis->changed = true;
		kvmx_vcpu_request(&v->vcpu, KVMX_REQ_ITS);
		kvmx_vcpu_kick(&v->vcpu);
	} else if ((offset & ~7u) == GICR_PROPBASER && !any_enabled(gic)) {
		gic->propbaser = vgic_reg64_merge(gic->propbaser, offset, len, val) &
				 PROPBASER_BITS;
	} else if ((offset & ~7u) == GICR_PENDBASER && !lpis->enabled) {
		lpis->pendbaser = vgic_reg64_merge(lpis->pendbaser, offset, len, val) &
				  PENDBASER_BITS;
	}
}
