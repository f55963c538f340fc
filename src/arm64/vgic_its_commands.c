// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands to the ITS, from a ring in guest memory (Arm IHI 0069, "ITS commands").
 * One that makes no sense is skipped, as the architecture allows. Carried out by
 * the vCPU that said there are some, outside of its run window.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <asm/byteorder.h>

#include "vgic_its.h"

enum {
	CMD_MOVI = 0x01, CMD_INT = 0x03, CMD_CLEAR = 0x04, CMD_SYNC = 0x05, CMD_MAPD = 0x08,
	CMD_MAPC = 0x09, CMD_MAPTI = 0x0a, CMD_MAPI = 0x0b, CMD_INV = 0x0c, CMD_INVALL = 0x0d,
	CMD_MOVALL = 0x0e, CMD_DISCARD = 0x0f,
};

#define COMMAND_SIZE	32
/* What is done before the vCPU looks at its other requests: commands that touch many LPIs are dear. */
#define BUDGET		256
#define DEAR		64

struct command {
	u64 word[4];
};

static u32 cmd_device(const struct command *c)
{
	return c->word[0] >> 32;
}

static u32 cmd_event(const struct command *c)
{
	return c->word[1];
}

static u32 cmd_icid(const struct command *c)
{
	return c->word[2] & 0xffff;
}

static bool cmd_valid(const struct command *c)
{
	return c->word[2] & ITS_VALID;
}

/* A target is a CPU's number: GITS_TYPER.PTA is 0. NULL: there is no such CPU. */
static struct arm64_vcpu *cmd_target(struct vgic_its *its, u64 word)
{
	struct kvmx_vm *vm = &its->gic->vm->vm;
	u64 index = (word & GENMASK_ULL(50, 16)) >> 16;

	if (index >= kvmx_vm_nr_vcpus(vm))
		return NULL;
	return to_arm64(vm->vcpus[array_index_nospec(index, KVMX_MAX_VCPUS)]);
}

static void mapd(struct vgic_its *its, const struct command *c)
{
	struct its_device *device;

	if (cmd_valid(c)) {
		its_device_map(its, cmd_device(c), (c->word[1] & 0x1f) + 1,
			       c->word[2] & GENMASK_ULL(51, 8));
		return;
	}
	device = its_device_find(its, cmd_device(c));
	if (!device)
		return;
	its_entry_forget_device(its, device->id);
	its_device_unmap(its, device);
}

static void mapc(struct vgic_its *its, const struct command *c)
{
	struct arm64_vcpu *v = cmd_valid(c) ? cmd_target(its, c->word[2]) : NULL;
	gpa_t at;

	if (cmd_icid(c) >= ITS_COLLECTIONS || !v != !cmd_valid(c) ||
	    its_entry_at(its, ITS_BASER_COLLECTIONS, cmd_icid(c), &at))
		return;
	its_collection_map(its, cmd_icid(c), v);
}

static void movi(struct vgic_its *its, const struct command *c)
{
	struct vgic_lpi *lpi = its_event_find(its, cmd_device(c), cmd_event(c));
	u32 icid = cmd_icid(c);
	unsigned long flags;

	if (!lpi || icid >= ITS_COLLECTIONS)
		return;
	icid = array_index_nospec(icid, ITS_COLLECTIONS);
	if (!its->collection[icid])
		return;
	raw_spin_lock_irqsave(&its->gic->lock, flags);
	lpi->icid = icid;
	vgic_lpi_set_target(its->gic, lpi, its->collection[icid]);
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
}

/* INT and CLEAR, which also takes it out of the CPU that has it. */
static void set_pending(struct vgic_its *its, const struct command *c, bool pending)
{
	struct vgic_lpi *lpi = its_event_find(its, cmd_device(c), cmd_event(c));
	unsigned long flags;

	if (!lpi)
		return;
	raw_spin_lock_irqsave(&its->gic->lock, flags);
	lpi->irq.latch = pending;
	if (!pending)
		lpi->irq.lr_latch = false;
	vgic_irq_changed(its->gic, &lpi->irq);
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
}

static void discard(struct vgic_its *its, struct vgic_lpi *lpi)
{
	its_entry_forget_event(its, its_device_find(its, lpi->key >> 32), lpi->key);
	its_event_unmap(its, lpi);
}

static void invall(struct vgic_its *its, u32 icid)
{
	struct vgic_lpi *lpi;

	for (lpi = its_event_from(its, 0); lpi; lpi = its_event_from(its, lpi->key + 1)) {
		if (lpi->icid == icid)
			vgic_lpi_read_config(its->gic, lpi);
		cond_resched();
	}
}

/* Until the guest maps the collections anew, which it has to. */
static void movall(struct vgic_its *its, const struct command *c)
{
	struct arm64_vcpu *from = cmd_target(its, c->word[2]), *to = cmd_target(its, c->word[3]);
	struct vgic_lpi *lpi;
	unsigned long flags;

	if (!from || !to)
		return;
	for (lpi = its_event_from(its, 0); lpi; lpi = its_event_from(its, lpi->key + 1)) {
		raw_spin_lock_irqsave(&its->gic->lock, flags);
		if (lpi->irq.target == from)
			vgic_lpi_set_target(its->gic, lpi, to);
		raw_spin_unlock_irqrestore(&its->gic->lock, flags);
		cond_resched();
	}
}

/* What it costs of the budget. */
static int run(struct vgic_its *its, const struct command *c)
{
	struct vgic_lpi *lpi;

	switch (c->word[0] & 0xff) {
	case CMD_MAPD:
		mapd(its, c);
		return DEAR;
	case CMD_MAPC:
		mapc(its, c);
		return DEAR;
	case CMD_MAPTI:
		its_event_map(its, cmd_device(c), cmd_event(c), c->word[1] >> 32, cmd_icid(c));
		return 1;
	case CMD_MAPI:
		its_event_map(its, cmd_device(c), cmd_event(c), cmd_event(c), cmd_icid(c));
		return 1;
	case CMD_MOVI:
		movi(its, c);
		return 1;
	case CMD_INT:
	case CMD_CLEAR:
		set_pending(its, c, (c->word[0] & 0xff) == CMD_INT);
		return 1;
	case CMD_DISCARD:
	case CMD_INV:
		lpi = its_event_find(its, cmd_device(c), cmd_event(c));
		if (lpi && (c->word[0] & 0xff) == CMD_INV)
			vgic_lpi_read_config(its->gic, lpi);
		else if (lpi)
			discard(its, lpi);
		return 1;
	case CMD_INVALL:
		invall(its, cmd_icid(c));
		return DEAR;
	case CMD_MOVALL:
		movall(its, c);
		return DEAR;
	default:
		/* SYNC: whatever was said before is done. */
		return 1;
	}
}

/* Where the next one is, at offset *@offset of the ring; false: there is none. */
static bool next(struct vgic_its *its, gpa_t *at, u64 *offset)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&its->gic->lock, flags);
	its->busy = its->enabled && (its->cbaser & ITS_VALID) && its->creadr != its->cwriter;
	*offset = its->creadr;
	*at = (its->cbaser & GENMASK_ULL(51, 12)) + its->creadr;
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
	return its->busy;
}

static void advance(struct vgic_its *its, u64 offset)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&its->gic->lock, flags);
	/* The guest may have made another ring meanwhile, which it must not. */
	if (its->creadr == offset && its->creadr != its->cwriter)
		its->creadr = (offset + COMMAND_SIZE) % (((its->cbaser & 0xff) + 1) << 12);
	raw_spin_unlock_irqrestore(&its->gic->lock, flags);
}

bool its_commands(struct vgic_its *its)
{
	int budget = BUDGET, i;
	struct command c;
	u64 offset;
	gpa_t at;

	while (next(its, &at, &offset)) {
		if (budget <= 0)
			return true;
		budget--;
		if (!kvmx_guest_read(&its->gic->vm->vm, at, &c, sizeof(c))) {
			for (i = 0; i < 4; i++)
				c.word[i] = le64_to_cpu((__force __le64)c.word[i]);
			budget -= run(its, &c);
		}
		advance(its, offset);
	}
	return false;
}
