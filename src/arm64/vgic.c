// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of a virtual GICv3: which are pending for whom, what goes into a
 * CPU's list registers and what comes back (Arm IHI 0069, "Interrupt handling").
 * Called by lines and registers from any context, and around entries.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "timer.h"
#include "vgic_irq.h"

#define MPIDR_AFFINITY	0xff00ffffffULL

struct vgic_irq *vgic_irq(struct vgic *gic, struct arm64_vcpu *v, u32 intid)
{
	if (intid < VGIC_PRIVATE)
		return v ? &v->gic->priv[array_index_nospec(intid, VGIC_PRIVATE)] : NULL;
	if (intid >= gic->nr_irqs)
		return NULL;
	intid = array_index_nospec(intid, gic->nr_irqs);
	return &gic->spi[intid - VGIC_PRIVATE];
}

bool vgic_irq_deliverable(const struct vgic *gic, const struct vgic_irq *irq)
{
	return irq->enabled && vgic_irq_pending(irq) &&
	       (gic->ctlr & (irq->group1 ? VGIC_CTLR_GROUP1 : VGIC_CTLR_GROUP0));
}

void vgic_look(struct arm64_vcpu *v)
{
	WRITE_ONCE(v->gic->look, true);
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
	kvmx_vcpu_kick(&v->vcpu);
}

static void update_candidate(struct vgic *gic, struct vgic_irq *irq)
{
	bool wanted = irq->active || vgic_irq_deliverable(gic, irq);

	if (irq->intid < VGIC_PRIVATE) {
		u32 *mask = &irq->target->gic->candidates;

		WRITE_ONCE(*mask, (*mask & ~BIT(irq->intid)) | (u32)wanted << irq->intid);
	} else if (vgic_irq_is_lpi(irq)) {
		vgic_lpi_list(container_of(irq, struct vgic_lpi, irq));
	} else if (test_bit(irq->intid, gic->candidates) != wanted) {
		__change_bit(irq->intid, gic->candidates);
		WRITE_ONCE(gic->nr_candidates, gic->nr_candidates + (wanted ? 1 : -1));
	}
}

void vgic_irq_changed(struct vgic *gic, struct vgic_irq *irq)
{
	update_candidate(gic, irq);
	if (irq->target && (irq->in_lr || vgic_irq_deliverable(gic, irq)))
		vgic_look(irq->target);
}

void vgic_all_changed(struct vgic *gic)
{
	u32 nr = kvmx_vm_nr_vcpus(&gic->vm->vm), i, n;

	for (i = 0; i < nr; i++) {
		struct arm64_vcpu *v = to_arm64(gic->vm->vm.vcpus[i]);

		for (n = 0; n < VGIC_PRIVATE; n++)
			vgic_irq_changed(gic, &v->gic->priv[n]);
		/* Of LPIs those that wait are listed whether or not their group is on. */
		if (v->gic->lpis.levels)
			vgic_look(v);
	}
	for (n = VGIC_PRIVATE; n < gic->nr_irqs; n++)
		vgic_irq_changed(gic, &gic->spi[n - VGIC_PRIVATE]);
}

/* Bit 31: any CPU, which is the first one here. */
void vgic_irq_route(struct vgic *gic, struct vgic_irq *irq, u64 router)
{
	struct arm64_vcpu *old = irq->target;
	u32 nr = kvmx_vm_nr_vcpus(&gic->vm->vm), i;

	irq->router = router & (MPIDR_AFFINITY | BIT(31));
	irq->target = NULL;
	for (i = 0; i < nr && !irq->target; i++) {
		struct arm64_vcpu *v = to_arm64(gic->vm->vm.vcpus[i]);

		if ((router & BIT(31)) || (v->mpidr & MPIDR_AFFINITY) == (router & MPIDR_AFFINITY))
			irq->target = v;
	}
	if (old && old != irq->target && irq->in_lr)
		vgic_look(old);
	vgic_irq_changed(gic, irq);
}

static void line_set(struct vgic *gic, struct vgic_irq *irq, int source, bool level)
{
	bool was = irq->line;

	kvmx_irq_level_or(&irq->line, source, level);
	if (irq->edge && !was && irq->line)
		irq->latch = true;
	if (was != !!irq->line)
		vgic_irq_changed(gic, irq);
}

int vgic_set_line(struct arm64_vm *vm, struct arm64_vcpu *v, u32 intid, int source, bool level)
{
	struct vgic *gic = smp_load_acquire(&vm->gic);
	struct vgic_irq *irq;
	unsigned long flags;

	if (!gic || !smp_load_acquire(&gic->ready))
		return -ENXIO;
	raw_spin_lock_irqsave(&gic->lock, flags);
	irq = vgic_irq(gic, v, intid);
	if (irq)
		line_set(gic, irq, source, level);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return irq ? 0 : -EINVAL;
}

/* ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1: an SGI to a list of CPUs, or all others. */
static void sgi_send(struct arm64_vcpu *from, u64 val, bool group1)
{
	struct vgic *gic = arm64_vm_of(from)->gic;
	struct kvmx_vm *vm = from->vcpu.vm;
	u32 nr = kvmx_vm_nr_vcpus(vm), i;
	bool others = val & BIT_ULL(40);
	u64 cluster = (val >> 16 & 0xff) << 8 | (val >> 32 & 0xff) << 16 | (val >> 48 & 0xff) << 32;
	u32 first = (val >> 44 & 0xf) * 16;
	unsigned long flags;

	raw_spin_lock_irqsave(&gic->lock, flags);
	for (i = 0; i < nr; i++) {
		struct arm64_vcpu *v = to_arm64(vm->vcpus[i]);
		struct vgic_irq *irq = &v->gic->priv[val >> 24 & 0xf];
		u32 aff0 = v->mpidr & 0xff;

		if (others ? v == from : (v->mpidr & MPIDR_AFFINITY & ~0xffULL) != cluster ||
		    aff0 < first || aff0 >= first + 16 || !(val >> (aff0 - first) & 1))
			continue;
		if (irq->group1 != group1)
			continue;
		irq->latch = true;
		vgic_irq_changed(gic, irq);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

bool vgic_sysreg(struct arm64_vcpu *v, u32 enc, bool write, u64 *val)
{
	if (!vgic_of(v))
		return false;
	switch (enc) {
	case A64_ICC_SGI1R_EL1:
	case A64_ICC_ASGI1R_EL1:
	case A64_ICC_SGI0R_EL1:
		if (write)
			sgi_send(v, *val, enc != A64_ICC_SGI0R_EL1);
		return write;
	case A64_ICC_SRE_EL1:
		/* System registers are all there is. */
		if (!write)
			*val = 7;
		return true;
	default:
		return false;
	}
}

static bool wakes(struct vgic *gic, struct arm64_vcpu *v)
{
	unsigned long private = v->gic->candidates;
	unsigned int n;

	if (v->gic->lpis.levels && (gic->ctlr & VGIC_CTLR_GROUP1))
		return true;
	for_each_set_bit(n, &private, VGIC_PRIVATE)
		if (vgic_irq_deliverable(gic, &v->gic->priv[n]) && !v->gic->priv[n].active)
			return true;
	if (!gic->nr_candidates)
		return false;
	for_each_set_bit(n, gic->candidates, gic->nr_irqs) {
		const struct vgic_irq *irq = &gic->spi[n - VGIC_PRIVATE];

		if (irq->target == v && vgic_irq_deliverable(gic, irq) && !irq->active)
			return true;
	}
	return false;
}

bool vgic_wakes(struct arm64_vcpu *v)
{
	struct vgic *gic = vgic_of(v);
	unsigned long flags;
	bool ret;

	/* Of one that comes after this look the vCPU is told by a request. */
	if (!gic || (!READ_ONCE(v->gic->candidates) && !READ_ONCE(gic->nr_candidates) &&
		     !READ_ONCE(v->gic->lpis.levels)))
		return false;
	raw_spin_lock_irqsave(&gic->lock, flags);
	ret = wakes(gic, v);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return ret;
}

/* ---- list registers ---- */

/*
 * The virtual timer's interrupt is tied to the CPU's own (HW): its end in the
 * guest ends that one. Such an entry cannot be pending and active at once.
 */
static u64 lr_of(struct arm64_vcpu *v, const struct vgic_irq *irq, bool deliverable)
{
	u64 lr = irq->intid | LR_PRIORITY(irq->priority) | (irq->group1 ? LR_GROUP1 : 0);
	u32 hw = timer_hw_intid(irq->intid);

	if (irq->active)
		lr |= LR_ACTIVE;
	if (hw)
		lr |= LR_HW | LR_PINTID(hw);
	if (deliverable && !(hw && irq->active))
		lr |= LR_PENDING;
	return lr;
}

/* Keeps the best of all: active ones, then those of the highest priority. */
static void lr_offer(struct arm64_vcpu *v, struct vgic *gic, struct vgic_irq *irq,
		     unsigned int nr_lrs)
{
	struct vgic_cpu *c = v->gic;
	bool deliverable = vgic_irq_deliverable(gic, irq);
	u64 lr = lr_of(v, irq, deliverable);
	unsigned int i, worst = 0;

	if (!irq->active && !deliverable)
		return;
	if (c->used < nr_lrs) {
		i = c->used++;
	} else {
		c->overflow = true;
		for (i = 1; i < nr_lrs; i++)
			if ((c->lr[i] >> 48 & 0xff) > (c->lr[worst] >> 48 & 0xff) &&
			    !(c->lr[i] & LR_ACTIVE))
				worst = i;
		i = worst;
		if ((c->lr[i] & LR_ACTIVE) ||
		    (!irq->active && irq->priority >= (c->lr[i] >> 48 & 0xff)))
			return;
		c->lr_irq[i]->in_lr = false;
	}
	c->lr[i] = lr;
	c->lr_irq[i] = irq;
	irq->in_lr = true;
}

/* More than there are list registers need not be looked at: the best come first. */
static void offer_lpis(struct vgic *gic, struct arm64_vcpu *v, unsigned int nr_lrs)
{
	unsigned long levels = v->gic->lpis.levels;
	unsigned int n, offered = 0;
	struct vgic_lpi *lpi;

	for_each_set_bit(n, &levels, VGIC_PRIORITIES) {
		list_for_each_entry(lpi, &v->gic->lpis.pending[n], link) {
			if (offered++ == nr_lrs) {
				v->gic->overflow = true;
				return;
			}
			lr_offer(v, gic, &lpi->irq, nr_lrs);
		}
	}
}

void vgic_fill(struct vgic *gic, struct arm64_vcpu *v, unsigned int nr_lrs)
{
	struct vgic_cpu *c = v->gic;
	unsigned long private;
	unsigned int n, nr;

	raw_spin_lock(&gic->lock);
	WRITE_ONCE(c->look, false);
	c->used = 0;
	c->overflow = false;
	private = c->candidates;
	for_each_set_bit(n, &private, VGIC_PRIVATE)
		lr_offer(v, gic, &c->priv[n], nr_lrs);
	nr = gic->nr_candidates ? gic->nr_irqs : 0;
	for_each_set_bit(n, gic->candidates, nr)
		if (gic->spi[n - VGIC_PRIVATE].target == v)
			lr_offer(v, gic, &gic->spi[n - VGIC_PRIVATE], nr_lrs);
	if (c->lpis.levels)
		offer_lpis(gic, v, nr_lrs);
	/* The latch is in the CPU now: another edge may come meanwhile. */
	for (n = 0; n < c->used; n++) {
		struct vgic_irq *irq = c->lr_irq[n];

		irq->lr_latch = irq->latch && (c->lr[n] & LR_PENDING);
		if (irq->lr_latch)
			irq->latch = false;
	}
	raw_spin_unlock(&gic->lock);
}

/* c->lr[] is as the CPU left it. */
void vgic_take_back(struct vgic *gic, struct arm64_vcpu *v)
{
	struct vgic_cpu *c = v->gic;
	unsigned int i;

	raw_spin_lock(&gic->lock);
	for (i = 0; i < c->used; i++) {
		struct vgic_irq *irq = c->lr_irq[i];

		irq->in_lr = false;
		if (unlikely(irq->gone)) {
			vgic_lpi_end(container_of(irq, struct vgic_lpi, irq));
			continue;
		}
		/* LPIs are over when they are acknowledged, whatever a CPU makes of them. */
		irq->active = (c->lr[i] & LR_ACTIVE) && !vgic_irq_is_lpi(irq);
		if ((c->lr[i] & LR_PENDING) && irq->lr_latch)
			irq->latch = true;
		/* It may have got another target meanwhile, who knows nothing of it yet. */
		if (likely(irq->target == v))
			update_candidate(gic, irq);
		else
			vgic_irq_changed(gic, irq);
	}
	/* What is left goes in again before the next entry. */
	if (c->used && (c->candidates || gic->nr_candidates || c->lpis.levels))
		WRITE_ONCE(c->look, true);
	c->used = 0;
	raw_spin_unlock(&gic->lock);
}

/* ---- creation ---- */

int vgic_vcpu_init(struct arm64_vcpu *v)
{
	const struct vgic *gic = arm64_vm_of(v)->gic;

	v->gic = kzalloc(sizeof(*v->gic), GFP_KERNEL_ACCOUNT);
	if (!v->gic)
		return -ENOMEM;
	return gic && gic->its ? vgic_lpi_cpu_init(&v->gic->lpis) : 0;
}

void vgic_vcpu_free(struct arm64_vcpu *v)
{
	if (v->gic)
		kfree(v->gic->lpis.pending);
	kfree(v->gic);
}

static void reset(struct arm64_vcpu *v)
{
	struct vgic_cpu *c = v->gic;
	unsigned int n;

	memset(c, 0, offsetof(struct vgic_cpu, lpis));
	c->vmcr = BIT(3);	/* FIQ enable: fixed with system registers */
	for (n = 0; n < VGIC_PRIVATE; n++) {
		c->priv[n].intid = n;
		c->priv[n].edge = n < 16;
		c->priv[n].enabled = n < 16;
		c->priv[n].group1 = true;
		c->priv[n].target = v;
	}
}

void vgic_vcpu_reset(struct arm64_vcpu *v)
{
	struct vgic *gic = arm64_vm_of(v)->gic;
	unsigned long flags;

	/* Without a controller nobody looks. */
	if (!gic) {
		reset(v);
		return;
	}
	raw_spin_lock_irqsave(&gic->lock, flags);
	reset(v);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

int vgic_init(struct vgic *gic)
{
	u32 n;

	gic->spi = kvcalloc(gic->nr_irqs - VGIC_PRIVATE, sizeof(*gic->spi), GFP_KERNEL_ACCOUNT);
	if (!gic->spi)
		return -ENOMEM;
	for (n = VGIC_PRIVATE; n < gic->nr_irqs; n++) {
		struct vgic_irq *irq = &gic->spi[n - VGIC_PRIVATE];

		irq->intid = n;
		irq->group1 = true;
		vgic_irq_route(gic, irq, 0);
	}
	return 0;
}
