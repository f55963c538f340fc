// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ITS's registers in memory (Arm IHI 0069, "The ITS register map"). Called by
 * the bus and by user space. What takes time they leave to vgic_its_work().
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "vgic_its.h"

#define GITS_CTLR	0x0000
#define GITS_IIDR	0x0004
#define GITS_TYPER	0x0008
#define GITS_CBASER	0x0080
#define GITS_CWRITER	0x0088
#define GITS_CREADR	0x0090
#define GITS_BASER	0x0100
#define GIC_PIDR2	0xffe8

#define CTLR_ENABLED	BIT(0)
#define CTLR_QUIESCENT	BIT(31)
#define IIDR		0x43b
#define PIDR2_GICV3	0x3b

/* Physical LPIs; sizes of an event's entry, of event and device numbers, of collections' numbers. */
#define TYPER		(BIT_ULL(0) | (ITS_ENTRY_SIZE - 1) << 4 | (ITS_ID_BITS - 1) << 8 | \
			 (ITS_ID_BITS - 1) << 13 | (u64)(ilog2(ITS_COLLECTIONS) - 1) << 32 | BIT_ULL(36))

#define CBASER_BITS	(ITS_VALID | GENMASK_ULL(61, 59) | GENMASK_ULL(55, 53) | \
			 GENMASK_ULL(51, 12) | GENMASK_ULL(11, 10) | GENMASK_ULL(7, 0))
#define BASER_BITS	(ITS_VALID | GENMASK_ULL(61, 59) | GENMASK_ULL(55, 53) | \
			 GENMASK_ULL(47, 12) | GENMASK_ULL(11, 0))
#define BASER_FIXED(type) ((u64)(type) << 56 | (u64)(ITS_ENTRY_SIZE - 1) << 48)
#define OFFSET_BITS	GENMASK_ULL(19, 5)

/* What of GITS_BASER<n> is not the guest's: type and size of an entry. */
static const u64 baser_fixed[ITS_BASERS] = {
	[ITS_BASER_DEVICES] = BASER_FIXED(1), [ITS_BASER_COLLECTIONS] = BASER_FIXED(4),
};

/* A register of 64 bits as a whole. Under gic->lock. */
static u64 reg64(const struct vgic_its *its, u32 offset)
{
	switch (offset) {
	case GITS_CTLR:
		return (its->enabled ? CTLR_ENABLED : 0) |
		       (its->enabled || its->busy ? 0 : CTLR_QUIESCENT) | (u64)IIDR << 32;
	case GITS_TYPER:
		return TYPER;
	case GITS_CBASER:
		return its->cbaser;
	case GITS_CWRITER:
		return its->cwriter;
	case GITS_CREADR:
		return its->creadr;
	case GITS_BASER:
	case GITS_BASER + 8:
		return its->baser[offset == GITS_BASER ? 0 : 1] |
		       baser_fixed[offset == GITS_BASER ? 0 : 1];
	case GIC_PIDR2:
		return PIDR2_GICV3;
	default:
		return 0;
	}
}

u64 vgic_its_reg_read(struct vgic_its *its, u32 offset, int len)
{
	unsigned long flags;
	u64 val;

	if (len < 4 || (offset & (len - 1)))
		return 0;
	raw_spin_lock_irqsave(&its->gic->lock, flags);
	val = reg64(its, offset & ~7u);
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
	val >>= 8 * (offset & 7);
	return len == 8 ? val : (u32)val;
}

static bool write_baser(struct vgic_its *its, unsigned int n, u64 val)
{
	bool was = its->baser[n] & ITS_VALID;

	if (its->enabled)
		return false;
	its->baser[n] = val & (BASER_BITS | (n == ITS_BASER_DEVICES ? ITS_BASER_INDIRECT : 0));
	if (!was || (val & ITS_VALID))
		return false;
	if (n == ITS_BASER_DEVICES)
		its->forget_devices = true;
	else
		its->forget_collections = true;
	return true;
}

/* Under gic->lock. */
static bool write64(struct vgic_its *its, u32 offset, u64 val)
{
	switch (offset) {
	case GITS_CTLR:
		its->enabled = val & CTLR_ENABLED;
		return its->enabled;
	case GITS_CBASER:
		if (its->enabled)
			return false;
		its->cbaser = val & CBASER_BITS;
		its->creadr = 0;
		its->cwriter = 0;
		return false;
	case GITS_CWRITER:
		if ((val & OFFSET_BITS) < ((its->cbaser & 0xff) + 1) << 12)
			its->cwriter = val & OFFSET_BITS;
		return its->enabled && its->cwriter != its->creadr;
	case GITS_BASER:
	case GITS_BASER + 8:
		return write_baser(its, offset == GITS_BASER ? 0 : 1, val);
	default:
		return false;
	}
}

bool vgic_its_reg_write(struct vgic_its *its, u32 offset, int len, u64 val)
{
	unsigned long flags;
	bool work = false;

	/* The upper half of the first word is another register, which is read only. */
	if (len < 4 || (offset & (len - 1)) || offset == GITS_IIDR)
		return false;
	raw_spin_lock_irqsave(&its->gic->lock, flags);
	work = write64(its, offset & ~7u,
		       vgic_reg64_merge(reg64(its, offset & ~7u), offset, len, val));
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
	return work;
}

/* As at power-on. Under its->lock. */
void vgic_its_reset(struct vgic_its *its)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&its->gic->lock, flags);
	its->enabled = false;
	its->busy = false;
	its->cbaser = 0;
	its->creadr = 0;
	its->cwriter = 0;
	memset(its->baser, 0, sizeof(its->baser));
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
	its_forget(its);
}

/* ---- for user space ---- */

int vgic_its_reg_check(u32 offset)
{
	switch (offset) {
	case GITS_CTLR:
	case GITS_IIDR:
	case GITS_TYPER:
	case GITS_CBASER:
	case GITS_CWRITER:
	case GITS_CREADR:
		return 0;
	default:
		if (offset < GITS_BASER || offset >= GITS_BASER + 8 * 8)
			return -ENXIO;
		return offset & 7 ? -EINVAL : 0;
	}
}

/* Unlike a guest, user space may say how far the commands are, and has to say which format it has. */
int vgic_its_reg_set(struct vgic_its *its, u32 offset, u64 val)
{
	unsigned long flags;
	int ret = 0;

	if (offset == GITS_IIDR)
		return val == IIDR ? 0 : -EINVAL;
	if (offset == GITS_CREADR) {
		raw_spin_lock_irqsave(&its->gic->lock, flags);
		if (its->enabled)
			ret = -EBUSY;
		else if ((val & OFFSET_BITS) >= ((its->cbaser & 0xff) + 1) << 12)
			ret = -EINVAL;
		else
			its->creadr = val & OFFSET_BITS;
		raw_spin_unlock_irqrestore(&its->gic->lock, flags);
		return ret;
	}
	/* The first vCPU does what there is to do, once it runs. */
	if (vgic_its_reg_write(its, offset, offset == GITS_CTLR ? 4 : 8, val) &&
	    kvmx_vm_nr_vcpus(&its->gic->vm->vm))
		kvmx_vcpu_request(its->gic->vm->vm.vcpus[0], KVMX_REQ_ITS);
	return 0;
}

/* ---- on the bus ---- */

static int bus_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		    void *val)
{
	struct vgic_its *its = container_of(dev, struct vgic_its, dev);
	u64 reg = vgic_its_reg_read(its, addr - its->base, len);

	memcpy(val, &reg, len);
	return 0;
}

/* A CPU's own write to GITS_TRANSLATER comes from no device, and does nothing. */
static int bus_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		     const void *val)
{
	struct vgic_its *its = container_of(dev, struct vgic_its, dev);
	u64 reg = 0;

	memcpy(&reg, val, len);
	if (vgic_its_reg_write(its, addr - its->base, len, reg))
		kvmx_vcpu_request(vcpu, KVMX_REQ_ITS);
	return 0;
}

const struct kvmx_io_ops vgic_its_ops = { .read = bus_read, .write = bus_write };
