// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pair of 8259A interrupt controllers (Intel 8259A data sheet) and the
 * edge/level control registers. Lines come through irqchip.c's sink, the
 * guest's accesses over the port bus; all from any context.
 *
 * The state of a chip is kept in the layout that the KVM API saves it in.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "lapic.h"
#include "pic.h"

#define MASTER			0
#define SLAVE			1
#define CASCADE			2	/* the master's line that the slave drives */
#define MASTER_PORT		0x20
#define SLAVE_PORT		0xa0
#define ELCR_PORT		0x4d0
#define MASTER_ELCR_MASK	0xf8	/* timer, keyboard and cascade are edges */
#define SLAVE_ELCR_MASK		0xde	/* so are the clock and the coprocessor */

/* kvmx_pic_state.init_state: what the next write to the odd port is. */
#define READY			0
#define EXPECT_ICW2		1
#define EXPECT_ICW3		2
#define EXPECT_ICW4		3

struct pic {
	struct kvmx_io_device dev;
	raw_spinlock_t lock;		/* taken on the way into the guest */
	struct kvmx_pic_state chip[2];	/* [lock] */
	unsigned long sources[16];	/* [lock] who drives each line high */
	u16 acked;			/* [lock] lines whose notifiers are to be told */
	bool output;			/* [lock], read without: the master's INT */
};

/*
 * One chip. Priorities run from line priority_add (the highest) upwards, modulo 8.
 */

/* 0 is the highest priority, 8 is that of no line at all. */
static u8 priority(const struct kvmx_pic_state *c, u8 lines)
{
	u8 i;

	for (i = 0; i < 8; i++)
		if (lines & BIT((i + c->priority_add) & 7))
			break;
	return i;
}

/* The line that the chip would give on an acknowledge, or -1. */
static int request(const struct kvmx_pic_state *c, bool master)
{
	u8 wanted = priority(c, c->irr & ~c->imr);
	u8 in_service = c->isr;

	/* Not before its vectors are known. */
	if (wanted == 8 || c->init_state)
		return -1;
	/* "Special mask mode": a masked line in service holds nobody back. */
	if (c->special_mask)
		in_service &= ~c->imr;
	/* "Special fully nested mode": the slave may interrupt its own service. */
	if (master && c->special_fully_nested_mode)
		in_service &= ~BIT(CASCADE);
	return wanted < priority(c, in_service) ? (wanted + c->priority_add) & 7 : -1;
}

/* 0 was pending already, 1 not, -1 masked. Edges stay until acknowledged, levels follow the line. */
static int set_line(struct kvmx_pic_state *c, u8 line, bool level)
{
	u8 bit = BIT(line);
	int result = 1;

	if (c->elcr & bit) {
		if (level) {
			result = !(c->irr & bit);
			c->irr |= bit;
		} else {
			c->irr &= ~bit;
		}
	} else if (level && !(c->last_irr & bit)) {
		result = !(c->irr & bit);
		c->irr |= bit;
	} else if (level) {
		result = 0;
	}
	if (level)
		c->last_irr |= bit;
	else
		c->last_irr &= ~bit;
	return c->imr & bit ? -1 : result;
}

/*
 * The pair
 */

/* [lock] The slave's INT is the master's line 2; the master's is the output. */
static void update(struct pic *pic)
{
	struct kvmx_pic_state *master = &pic->chip[MASTER];

	if (request(&pic->chip[SLAVE], false) >= 0)
		master->irr |= BIT(CASCADE);
	else
		master->irr &= ~BIT(CASCADE);
	WRITE_ONCE(pic->output, request(master, true) >= 0);
}

/*
 * Ends a section that began with the lock: does without it what calls out.
 * @was is the output at its beginning.
 */
static void unlock(struct x86_vm *vm, struct pic *pic, unsigned long flags, bool was)
	__releases(&pic->lock)
{
	u16 acked = pic->acked;
	bool rose;
	u32 nr, i;

	update(pic);
	rose = pic->output && !was;
	pic->acked = 0;
	raw_spin_unlock_irqrestore(&pic->lock, flags);

	for (i = 0; acked; i++, acked >>= 1)
		if (acked & 1)
			kvmx_irq_acked(&vm->vm, i < 8 ? KVMX_IRQCHIP_PIC_MASTER :
				       KVMX_IRQCHIP_PIC_SLAVE, i & 7);
	if (!rose)
		return;
	nr = kvmx_vm_nr_vcpus(&vm->vm);
	for (i = 0; i < nr; i++) {
		struct x86_vcpu *v = to_x86(vm->vm.vcpus[i]);

		if (v->lapic)
			lapic_lint0_rise(v);
	}
}

int pic_set_irq(struct x86_vm *vm, u32 line, int source, int level)
{
	struct pic *pic = vm->pic;
	unsigned long flags;
	bool was, high;
	int result;

	/* The cascade has no pin. */
	if (line >= 16 || line == CASCADE)
		return -1;
	line = array_index_nospec(line, 16);
	raw_spin_lock_irqsave(&pic->lock, flags);
	was = pic->output;
	high = kvmx_irq_level_or(&pic->sources[line], source, level);
	result = set_line(&pic->chip[line >> 3], line & 7, high);
	unlock(vm, pic, flags, was);
	return result;
}

bool pic_output(struct pic *pic)
{
	return READ_ONCE(pic->output);
}

/* [lock] End of interrupt of one chip's line. */
static void end(struct pic *pic, int slave, u8 line)
{
	pic->chip[slave].isr &= ~BIT(line);
	pic->acked |= BIT(slave * 8 + line);
}

/* [lock] "Interrupt Sequence": the line goes from request to service. */
static void acknowledge(struct pic *pic, int slave, u8 line)
{
	struct kvmx_pic_state *c = &pic->chip[slave];

	if (!(c->elcr & BIT(line)))
		c->irr &= ~BIT(line);
	c->isr |= BIT(line);
	if (c->auto_eoi) {
		end(pic, slave, line);
		if (c->rotate_on_auto_eoi)
			c->priority_add = (line + 1) & 7;
	}
}

/* [lock] The vector of the next acknowledge. Nobody there (any more): line 7, "spurious". */
static u8 vector_of(struct pic *pic, int *master_line, int *slave_line)
{
	*master_line = request(&pic->chip[MASTER], true);
	*slave_line = -1;
	if (*master_line < 0)
		return pic->chip[MASTER].irq_base + 7;
	if (*master_line != CASCADE)
		return pic->chip[MASTER].irq_base + *master_line;
	*slave_line = request(&pic->chip[SLAVE], false);
	return pic->chip[SLAVE].irq_base + (*slave_line < 0 ? 7 : *slave_line);
}

int pic_peek(struct pic *pic)
{
	int master_line, slave_line, vector = -1;
	unsigned long flags;

	if (!pic_output(pic))
		return -1;
	raw_spin_lock_irqsave(&pic->lock, flags);
	if (pic->output)
		vector = vector_of(pic, &master_line, &slave_line);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	return vector;
}

int pic_ack(struct x86_vm *vm)
{
	struct pic *pic = vm->pic;
	int master_line, slave_line;
	unsigned long flags;
	bool was;
	u8 vector;

	raw_spin_lock_irqsave(&pic->lock, flags);
	was = pic->output;
	vector = vector_of(pic, &master_line, &slave_line);
	if (slave_line >= 0)
		acknowledge(pic, SLAVE, slave_line);
	if (master_line >= 0)
		acknowledge(pic, MASTER, master_line);
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		update(pic);
		raw_spin_unlock_irqrestore(&pic->lock, flags);
	} else {
		unlock(vm, pic, flags, was);
	}
	return vector;
}

bool pic_owes(struct pic *pic)
{
	return READ_ONCE(pic->acked);
}

void pic_settle(struct x86_vm *vm)
{
	struct pic *pic = vm->pic;
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	unlock(vm, pic, flags, pic->output);
}

/*
 * Programming: "Initialization Command Words", "Operation Command Words"
 */

static void icw1(struct kvmx_pic_state *c, u8 val)
{
	u8 elcr = c->elcr, elcr_mask = c->elcr_mask, last = c->last_irr;

	/* Edges have to come anew; lines that are levels and high still request. */
	memset(c, 0, sizeof(*c));
	c->elcr = elcr;
	c->elcr_mask = elcr_mask;
	c->last_irr = last;
	c->irr = last & elcr;
	c->init_state = EXPECT_ICW2;
	c->init4 = val & 1;
	/* Bit 1, a single chip without ICW3, and bit 3 do not exist in a PC. */
}

static void ocw2(struct pic *pic, int slave, u8 val)
{
	struct kvmx_pic_state *c = &pic->chip[slave];
	u8 line = val & 7, in_service = c->isr;
	bool rotate = val & 0x80, specific = val & 0x40, eoi = val & 0x20;

	if (!eoi) {
		if (specific && rotate)
			c->priority_add = (line + 1) & 7;
		else if (!specific)
			c->rotate_on_auto_eoi = rotate;
		return;
	}
	if (!specific) {
		/* "An IS bit that is masked will not be cleared by a non-specific EOI." */
		if (c->special_mask)
			in_service &= ~c->imr;
		if (!in_service)
			return;
		line = (priority(c, in_service) + c->priority_add) & 7;
	}
	end(pic, slave, line);
	if (rotate)
		c->priority_add = (line + 1) & 7;
}

static void ocw3(struct kvmx_pic_state *c, u8 val)
{
	c->poll = !!(val & 4);
	if (val & 2)
		c->read_reg_select = val & 1;
	if (val & 0x40)
		c->special_mask = !!(val & 0x20);
}

static void write_odd(struct kvmx_pic_state *c, u8 val)
{
	switch (c->init_state) {
	case EXPECT_ICW2:
		c->irq_base = val & 0xf8;
		c->init_state = EXPECT_ICW3;
		break;
	case EXPECT_ICW3:
		/* The cascade is wired, not programmed. */
		c->init_state = c->init4 ? EXPECT_ICW4 : READY;
		break;
	case EXPECT_ICW4:
		c->special_fully_nested_mode = !!(val & 0x10);
		c->auto_eoi = !!(val & 2);
		c->init_state = READY;
		break;
	default:
		c->imr = val;
	}
}

static void write_chip(struct pic *pic, int slave, bool odd, u8 val)
{
	if (odd)
		write_odd(&pic->chip[slave], val);
	else if (val & 0x10)
		icw1(&pic->chip[slave], val);
	else if (val & 8)
		ocw3(&pic->chip[slave], val);
	else
		ocw2(pic, slave, val);
}

/* "Poll Command": the next read is an acknowledge. */
static u8 read_poll(struct pic *pic, int slave)
{
	int line = request(&pic->chip[slave], slave == MASTER);

	pic->chip[slave].poll = 0;
	if (line < 0)
		return 0;
	acknowledge(pic, slave, line);
	return 0x80 | line;
}

static u8 read_chip(struct pic *pic, int slave, bool odd)
{
	struct kvmx_pic_state *c = &pic->chip[slave];

	if (c->poll)
		return read_poll(pic, slave);
	if (odd)
		return c->imr;
	return c->read_reg_select ? c->isr : c->irr;
}

static void write_elcr(struct kvmx_pic_state *c, u8 val)
{
	c->elcr = val & c->elcr_mask;
	/* A level requests while its line is high, and only then. */
	c->irr = (c->irr & ~c->elcr) | (c->last_irr & c->elcr);
}

/* A wide access is that many byte accesses to adjoining ports; the bus keeps it in our range. */
static int pic_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		    void *val)
{
	struct pic *pic = container_of(dev, struct pic, dev);
	unsigned long flags;
	u8 *byte = val;
	bool was, poll;
	int i;

	raw_spin_lock_irqsave(&pic->lock, flags);
	was = pic->output;
	poll = pic->chip[MASTER].poll || pic->chip[SLAVE].poll;
	for (i = 0; i < len; i++, addr++) {
		if (addr >> 1 == ELCR_PORT >> 1)
			byte[i] = pic->chip[addr & 1].elcr;
		else
			byte[i] = read_chip(pic, addr >> 1 == SLAVE_PORT >> 1, addr & 1);
		if (poll)
			update(pic);
	}
	/* Any other read changes nothing. */
	if (poll)
		unlock(to_x86_vm(vcpu->vm), pic, flags, was);
	else
		raw_spin_unlock_irqrestore(&pic->lock, flags);
	return 0;
}

static int pic_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		     const void *val)
{
	struct pic *pic = container_of(dev, struct pic, dev);
	unsigned long flags;
	const u8 *byte = val;
	bool was;
	int i;

	raw_spin_lock_irqsave(&pic->lock, flags);
	was = pic->output;
	for (i = 0; i < len; i++, addr++) {
		if (addr >> 1 == ELCR_PORT >> 1)
			write_elcr(&pic->chip[addr & 1], byte[i]);
		else
			write_chip(pic, addr >> 1 == SLAVE_PORT >> 1, addr & 1, byte[i]);
		update(pic);
	}
	unlock(to_x86_vm(vcpu->vm), pic, flags, was);
	return 0;
}

static const struct kvmx_io_ops pic_ops = { .read = pic_read, .write = pic_write };

/*
 * State
 */

void pic_get_state(struct pic *pic, int slave, struct kvmx_pic_state *s)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	*s = pic->chip[!!slave];
	raw_spin_unlock_irqrestore(&pic->lock, flags);
}

/* Lines come back without their sources: one falls when any of its sources next reports it low. */
void pic_set_state(struct x86_vm *vm, int slave, const struct kvmx_pic_state *s)
{
	struct pic *pic = vm->pic;
	struct kvmx_pic_state *c = &pic->chip[!!slave];
	u8 elcr_mask = c->elcr_mask;
	unsigned long flags;
	bool was;

	raw_spin_lock_irqsave(&pic->lock, flags);
	was = pic->output;
	*c = *s;
	c->elcr_mask = elcr_mask;
	c->elcr &= elcr_mask;
	c->priority_add &= 7;
	c->irq_base &= 0xf8;
	c->init_state &= 3;
	memset(&pic->sources[slave ? 8 : 0], 0, 8 * sizeof(pic->sources[0]));
	unlock(vm, pic, flags, was);
}

int pic_create(struct x86_vm *vm)
{
	static const struct { u16 port, len; } range[] = {
		{ MASTER_PORT, 2 }, { SLAVE_PORT, 2 }, { ELCR_PORT, 2 },
	};
	struct pic *pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	u32 i;
	int err;

	if (!pic)
		return -ENOMEM;
	pic->dev.ops = &pic_ops;
	raw_spin_lock_init(&pic->lock);
	pic->chip[MASTER].elcr_mask = MASTER_ELCR_MASK;
	pic->chip[SLAVE].elcr_mask = SLAVE_ELCR_MASK;
	for (i = 0; i < ARRAY_SIZE(range); i++) {
		err = kvmx_bus_register(&vm->vm, KVMX_BUS_PIO, range[i].port, range[i].len,
					&pic->dev);
		if (err) {
			kvmx_bus_unregister(&vm->vm, KVMX_BUS_PIO, &pic->dev);
			kfree(pic);
			return err;
		}
	}
	smp_store_release(&vm->pic, pic);
	return 0;
}

void pic_destroy(struct x86_vm *vm)
{
	struct pic *pic = vm->pic;

	if (!pic)
		return;
	kvmx_bus_unregister(&vm->vm, KVMX_BUS_PIO, &pic->dev);
	vm->pic = NULL;
	kfree(pic);
}
