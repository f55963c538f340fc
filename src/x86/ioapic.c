// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC (Intel 82093AA data sheet) at 0xfec00000: 24 pins to messages
 * for local APICs. Lines come through irqchip.c's sink, the guest's accesses
 * over the memory bus, EOIs from lapic.c; all from any context.
 */
#include <linux/kernel.h>
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ioapic.h"
#include "lapic.h"

#define IOAPIC_LEN		0x100
#define IOREGSEL		0x00
#define IOWIN			0x10

#define IOAPIC_VERSION		(0x11 | (IOAPIC_PINS - 1) << 16)

/* Redirection table entries. */
#define ENTRY_VECTOR		0xffull
#define ENTRY_MODE(e)		((e) >> 8 & 7)
#define ENTRY_LOGICAL		BIT_ULL(11)
#define ENTRY_REMOTE_IRR	BIT_ULL(14)
#define ENTRY_LEVEL		BIT_ULL(15)
#define ENTRY_MASKED		BIT_ULL(16)
#define ENTRY_DEST(e)		((e) >> 56)
#define ENTRY_WRITABLE		0xff0000000001afffull
#define ENTRY_VALID		(ENTRY_WRITABLE | ENTRY_REMOTE_IRR)

struct ioapic {
	struct kvmx_io_device dev;
	spinlock_t lock;
	u32 id;					/* [lock] as in its register */
	u8 select;				/* [lock] IOREGSEL */
	u32 lines;				/* [lock] pins whose line is high */
	unsigned long sources[IOAPIC_PINS];	/* [lock] who drives each pin high */
	u64 entry[IOAPIC_PINS];			/* [lock] */
	DECLARE_BITMAP(vectors, 256);		/* [lock], read without: vectors in entries */
};

/* [lock] Sends what pin's entry says. Result as apic_deliver(); -1 when masked. */
static int send(struct x86_vm *vm, struct ioapic *ioapic, u32 pin)
{
	u64 entry = ioapic->entry[pin];
	struct apic_msg msg = {
		.dest = ENTRY_DEST(entry),
		.vector = entry & ENTRY_VECTOR,
		.mode = ENTRY_MODE(entry),
		.logical = entry & ENTRY_LOGICAL,
		.level = entry & ENTRY_LEVEL,
		.assert = true,
	};
	int result;

	if (entry & ENTRY_MASKED)
		return -1;
	if ((entry & ENTRY_LEVEL) && (entry & ENTRY_REMOTE_IRR))
		return 0;
	result = apic_deliver(vm, NULL, &msg);
	/* "Set when local APICs accept the level interrupt", until the EOI. */
	if (result >= 0 && msg.level && msg.mode <= APIC_DELIVER_LOWEST)
		ioapic->entry[pin] |= ENTRY_REMOTE_IRR;
	return result;
}

int ioapic_set_irq(struct x86_vm *vm, u32 pin, int source, int level)
{
	struct ioapic *ioapic = vm->ioapic;
	unsigned long flags;
	int result = 0;
	bool was_high;

	if (pin >= IOAPIC_PINS)
		return -1;
	pin = array_index_nospec(pin, IOAPIC_PINS);

	spin_lock_irqsave(&ioapic->lock, flags);
	was_high = ioapic->lines & BIT(pin);
	if (!kvmx_irq_level_or(&ioapic->sources[pin], source, level)) {
		ioapic->lines &= ~BIT(pin);
		result = 1;
	} else {
		ioapic->lines |= BIT(pin);
		if ((ioapic->entry[pin] & ENTRY_LEVEL) || !was_high)
			result = send(vm, ioapic, pin);
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return result;
}

bool ioapic_handles(struct ioapic *ioapic, u8 vector)
{
	return test_bit(vector, ioapic->vectors);
}

u64 ioapic_vectors(struct ioapic *ioapic, u32 i)
{
	return READ_ONCE(ioapic->vectors[i]);
}

/* [lock] A level-triggered line that is still, or again, high is sent (anew). */
static void resend(struct x86_vm *vm, struct ioapic *ioapic, u32 pin)
{
	if ((ioapic->entry[pin] & ENTRY_LEVEL) && (ioapic->lines & BIT(pin)))
		send(vm, ioapic, pin);
}

/* [lock] The pins that the EOI concerns. */
static u32 pins_of(struct ioapic *ioapic, u8 vector, bool level)
{
	u32 pin, pins = 0;

	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if ((ioapic->entry[pin] & ENTRY_VECTOR) == vector &&
		    !(ioapic->entry[pin] & ENTRY_LEVEL) == !level)
			pins |= BIT(pin);
	return pins;
}

void ioapic_eoi(struct x86_vm *vm, u8 vector, bool level)
{
	struct ioapic *ioapic = vm->ioapic;
	unsigned long flags;
	u32 pins, pin;

	spin_lock_irqsave(&ioapic->lock, flags);
	pins = pins_of(ioapic, vector, level);
	spin_unlock_irqrestore(&ioapic->lock, flags);

	/* Notifiers come back here to lower their line, so that it is not sent again below. */
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if (pins & BIT(pin))
			kvmx_irq_acked(&vm->vm, KVMX_IRQCHIP_IOAPIC, pin);
	if (!level || !pins)
		return;

	spin_lock_irqsave(&ioapic->lock, flags);
	pins &= pins_of(ioapic, vector, level);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(pins & BIT(pin)))
			continue;
		ioapic->entry[pin] &= ~ENTRY_REMOTE_IRR;
		resend(vm, ioapic, pin);
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* [lock] */
static void update_vectors(struct ioapic *ioapic)
{
	DECLARE_BITMAP(vectors, 256);
	u32 i;

	bitmap_zero(vectors, 256);
	for (i = 0; i < IOAPIC_PINS; i++)
		__set_bit(ioapic->entry[i] & ENTRY_VECTOR, vectors);
	for (i = 0; i < BITS_TO_LONGS(256); i++)
		WRITE_ONCE(ioapic->vectors[i], vectors[i]);
}

/* [lock] */
static void write_entry(struct x86_vm *vm, struct ioapic *ioapic, u32 pin, u64 val)
{
	u64 old = ioapic->entry[pin];

	val = (val & ENTRY_WRITABLE) | (old & ENTRY_REMOTE_IRR);
	/* Edges know no remote IRR; guests go through this to clear a stuck one. */
	if (!(val & ENTRY_LEVEL))
		val &= ~ENTRY_REMOTE_IRR;
	ioapic->entry[pin] = val;
	if ((old ^ val) & ENTRY_VECTOR)
		update_vectors(ioapic);
	resend(vm, ioapic, pin);
}

/* [lock] */
static u32 read_register(struct ioapic *ioapic)
{
	u32 pin;

	switch (ioapic->select) {
	case 0:
	case 2:
		return ioapic->id;	/* and the arbitration id, which follows it */
	case 1:
		return IOAPIC_VERSION;
	case 0x10 ... 0x10 + 2 * IOAPIC_PINS - 1:
		pin = array_index_nospec((ioapic->select - 0x10) / 2, IOAPIC_PINS);
		return ioapic->entry[pin] >> (ioapic->select & 1 ? 32 : 0);
	default:
		return ~0u;
	}
}

/* [lock] */
static void write_register(struct x86_vm *vm, struct ioapic *ioapic, u32 val)
{
	u32 pin;
	u64 entry;

	switch (ioapic->select) {
	case 0:
		ioapic->id = val & 0x0f000000;
		break;
	case 0x10 ... 0x10 + 2 * IOAPIC_PINS - 1:
		pin = array_index_nospec((ioapic->select - 0x10) / 2, IOAPIC_PINS);
		entry = ioapic->entry[pin];
		if (ioapic->select & 1)
			entry = (u32)entry | (u64)val << 32;
		else
			entry = (entry & ~0xffffffffull) | val;
		write_entry(vm, ioapic, pin, entry);
		break;
	}
}

static int ioapic_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		       void *val)
{
	struct ioapic *ioapic = container_of(dev, struct ioapic, dev);
	unsigned long flags;
	u64 data = 0;

	spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr - IOAPIC_ADDR) {
	case IOREGSEL:
		data = ioapic->select;
		break;
	case IOWIN:
		data = read_register(ioapic);
		break;
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
	memcpy(val, &data, clamp(len, 0, 8));
	return 0;
}

static int ioapic_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
			const void *val)
{
	struct ioapic *ioapic = container_of(dev, struct ioapic, dev);
	unsigned long flags;
	u32 data = 0;

	memcpy(&data, val, clamp(len, 0, 4));
	spin_lock_irqsave(&ioapic->lock, flags);
	switch (addr - IOAPIC_ADDR) {
	case IOREGSEL:
		ioapic->select = data;
		break;
	case IOWIN:
		write_register(to_x86_vm(vcpu->vm), ioapic, data);
		break;
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return 0;
}

static const struct kvmx_io_ops ioapic_ops = { .read = ioapic_read, .write = ioapic_write };

/*
 * State. Lines are saved as levels without their sources: a line that was put
 * back high falls when any source of the pin next reports it low.
 */

void ioapic_get_state(struct ioapic *ioapic, struct kvmx_ioapic_state *s)
{
	unsigned long flags;
	u32 i;

	memset(s, 0, sizeof(*s));
	spin_lock_irqsave(&ioapic->lock, flags);
	s->base_address = IOAPIC_ADDR;
	s->ioregsel = ioapic->select;
	s->id = ioapic->id >> 24;
	s->irr = ioapic->lines;
	for (i = 0; i < IOAPIC_PINS; i++)
		s->redirtbl[i].bits = ioapic->entry[i];
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

void ioapic_set_state(struct x86_vm *vm, const struct kvmx_ioapic_state *s)
{
	struct ioapic *ioapic = vm->ioapic;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->select = s->ioregsel;
	ioapic->id = (s->id & 15) << 24;
	ioapic->lines = s->irr & (BIT(IOAPIC_PINS) - 1);
	memset(ioapic->sources, 0, sizeof(ioapic->sources));
	for (i = 0; i < IOAPIC_PINS; i++) {
		ioapic->entry[i] = s->redirtbl[i].bits & ENTRY_VALID;
		if (!(ioapic->entry[i] & ENTRY_LEVEL))
			ioapic->entry[i] &= ~ENTRY_REMOTE_IRR;
	}
	update_vectors(ioapic);
	for (i = 0; i < IOAPIC_PINS; i++)
		resend(vm, ioapic, i);
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

int ioapic_create(struct x86_vm *vm)
{
	struct ioapic *ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	u32 i;
	int err;

	if (!ioapic)
		return -ENOMEM;
	ioapic->dev.ops = &ioapic_ops;
	spin_lock_init(&ioapic->lock);
	for (i = 0; i < IOAPIC_PINS; i++)
		ioapic->entry[i] = ENTRY_MASKED;
	update_vectors(ioapic);
	err = kvmx_bus_register(&vm->vm, KVMX_BUS_MMIO, IOAPIC_ADDR, IOAPIC_LEN, &ioapic->dev);
	if (err) {
		kfree(ioapic);
		return err;
	}
	smp_store_release(&vm->ioapic, ioapic);
	return 0;
}

void ioapic_destroy(struct x86_vm *vm)
{
	struct ioapic *ioapic = vm->ioapic;

	if (!ioapic)
		return;
	kvmx_bus_unregister(&vm->vm, KVMX_BUS_MMIO, &ioapic->dev);
	vm->ioapic = NULL;
	kfree(ioapic);
}
