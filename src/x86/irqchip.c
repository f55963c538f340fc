// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers of a VM together: their creation, full or split,
 * the sink of the interrupt routes (struct kvmx_irq_sink), the next vector for
 * the run loop, and the controllers' ioctls. Called by the door and run.c.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kvmx/arch.h>

#include "ioapic.h"
#include "irqchip.h"
#include "lapic.h"
#include "pic.h"
#include "pit.h"
#include "vapic.h"

#define PIC_LINES	16
#define PIC_CASCADE	2

/*
 * Routes
 */

static int sink_set(struct kvmx_vm *vm, const struct kvmx_irq_route *route, int source, int level)
{
	struct x86_vm *xvm = to_x86_vm(vm);
	struct apic_msg msg;

	if (route->kind == KVMX_ROUTE_MSI) {
		/* A message has no level: it is sent when the line rises. */
		if (!level || !irqchip_in_kernel(xvm))
			return -1;
		apic_msi_to_msg(xvm, route, &msg);
		return apic_deliver(xvm, NULL, &msg);
	}
	if (!READ_ONCE(xvm->irqchip))
		return -1;
	switch (route->chip.chip) {
	case KVMX_IRQCHIP_PIC_MASTER:
		return pic_set_irq(xvm, route->chip.pin, source, level);
	case KVMX_IRQCHIP_PIC_SLAVE:
		return pic_set_irq(xvm, route->chip.pin + 8, source, level);
	case KVMX_IRQCHIP_IOAPIC:
		return ioapic_set_irq(xvm, route->chip.pin, source, level);
	default:
		return -1;
	}
}

static int sink_check(struct kvmx_vm *vm, const struct kvmx_irq_route *route)
{
	struct x86_vm *xvm = to_x86_vm(vm);
	bool wide = READ_ONCE(xvm->x2apic_api) & KVMX_X2APIC_API_USE_32BIT_IDS;

	if (route->kind == KVMX_ROUTE_MSI) {
		if (!irqchip_in_kernel(xvm) || (wide && (route->msi.addr_hi & 0xff)))
			return -EINVAL;
		return 0;
	}
	if (!READ_ONCE(xvm->irqchip))
		return -EINVAL;
	switch (route->chip.chip) {
	case KVMX_IRQCHIP_PIC_MASTER:
	case KVMX_IRQCHIP_PIC_SLAVE:
		return route->chip.pin < 8 ? 0 : -EINVAL;
	case KVMX_IRQCHIP_IOAPIC:
		return route->chip.pin < IOAPIC_PINS ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int sink_allow(struct kvmx_vm *vm, enum kvmx_irq_use use)
{
	struct x86_vm *xvm = to_x86_vm(vm);

	switch (use) {
	case KVMX_IRQ_USE_LINE:
		return irqchip_in_kernel(xvm) ? 0 : -ENXIO;
	case KVMX_IRQ_USE_RESAMPLE:
		/* With a split irqchip user space sees the EOIs itself. */
		return READ_ONCE(xvm->irqchip) ? 0 : -EINVAL;
	default:
		return irqchip_in_kernel(xvm) ? 0 : -EINVAL;
	}
}

const struct kvmx_irq_sink x86_irq_sink = {
	.set = sink_set,
	.check = sink_check,
	.allow = sink_allow,
};

/*
 * The next vector. Before the local APIC's own interrupts come those on its
 * LINT0 pin in ExtINT mode, whose priority the APIC does not know.
 */

int x86_external_pending(struct x86_vcpu *v)
{
	struct pic *pic = x86_vm_of(v)->pic;

	if (v->lapic && !lapic_accepts_extint(v))
		return -1;
	/* A split irqchip's PIC is in user space and comes through KVMX_INTERRUPT. */
	return v->lapic && pic ? pic_peek(pic) : READ_ONCE(v->user_irq);
}

int x86_interrupt_pending(struct x86_vcpu *v)
{
	int vector = x86_external_pending(v);

	return vector < 0 && v->lapic ? lapic_pending(v) : vector;
}

int x86_interrupt_ack(struct x86_vcpu *v)
{
	struct x86_vm *vm = x86_vm_of(v);
	int vector;

	if (!v->lapic || (!vm->pic && lapic_accepts_extint(v))) {
		vector = v->user_irq;
		v->user_irq = -1;
		if (vector >= 0 || !v->lapic)
			return vector;
	} else if (vm->pic && lapic_accepts_extint(v) && pic_output(vm->pic)) {
		vector = pic_ack(vm);
		if (IS_ENABLED(CONFIG_PREEMPT_RT) && pic_owes(vm->pic))
			kvmx_vcpu_request(&v->vcpu, KVMX_REQ_PIC);
		return vector;
	}
	vector = lapic_pending(v);
	if (vector >= 0)
		lapic_ack(v, vector);
	return vector;
}

/*
 * Creation
 */

/* GSIs 0 to 15 go to PIC and I/O APIC alike, the I/O APIC's others to it alone. */
static int set_default_routes(struct x86_vm *vm)
{
	struct kvmx_irq_routing_entry *entry, *e;
	u32 gsi;
	int err;

	entry = kcalloc(PIC_LINES + IOAPIC_PINS, sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	e = entry;
	for (gsi = 0; gsi < IOAPIC_PINS; gsi++) {
		e->gsi = gsi;
		e->type = KVMX_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVMX_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = gsi;
		e++;
		if (gsi >= PIC_LINES || gsi == PIC_CASCADE)
			continue;
		e->gsi = gsi;
		e->type = KVMX_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = gsi < 8 ? KVMX_IRQCHIP_PIC_MASTER : KVMX_IRQCHIP_PIC_SLAVE;
		e->u.irqchip.pin = gsi & 7;
		e++;
	}
	err = kvmx_irq_routing_set(&vm->vm, entry, e - entry, 0);
	kfree(entry);
	return err;
}

static int may_create(struct x86_vm *vm)
{
	if (irqchip_in_kernel(vm))
		return -EEXIST;
	return kvmx_vm_nr_vcpus(&vm->vm) ? -EINVAL : 0;
}

int x86_irqchip_create(struct x86_vm *vm)
{
	int err = may_create(vm);

	if (!err)
		err = pic_create(vm);
	if (err)
		return err;
	err = ioapic_create(vm);
	if (err)
		goto no_ioapic;
	/* The routes are checked against it. */
	smp_store_release(&vm->irqchip, true);
	err = set_default_routes(vm);
	if (!err)
		return 0;

	vm->irqchip = false;
	ioapic_destroy(vm);
no_ioapic:
	pic_destroy(vm);
	return err;
}

int x86_irqchip_split(struct x86_vm *vm, u64 routes)
{
	int err;

	if (routes > KVMX_MAX_IRQ_ROUTES)
		return -EINVAL;
	err = may_create(vm);
	if (err)
		return err;
	vm->split_routes = routes;
	smp_store_release(&vm->split_irqchip, true);
	return 0;
}

u64 x86_irqchip_x2apic_api_flags(void)
{
	return KVMX_X2APIC_API_USE_32BIT_IDS | KVMX_X2APIC_API_DISABLE_BROADCAST_QUIRK |
	       KVMX_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST |
	       KVMX_X2APIC_DISABLE_SUPPRESS_EOI_BROADCAST;
}

int x86_irqchip_x2apic_api(struct x86_vm *vm, u64 flags)
{
	u64 on = KVMX_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST;
	u64 off = KVMX_X2APIC_DISABLE_SUPPRESS_EOI_BROADCAST;

	if (flags & ~x86_irqchip_x2apic_api_flags())
		return -EINVAL;
	/* Our own I/O APIC has no EOI register to go with it; what is off needs no doing. */
	if ((flags & on) && ((flags & off) || !vm->split_irqchip))
		return -EINVAL;
	WRITE_ONCE(vm->x2apic_api, vm->x2apic_api | flags);
	return 0;
}

void x86_irqchip_quiesce(struct x86_vm *vm)
{
	u32 nr = kvmx_vm_nr_vcpus(&vm->vm), i;

	pit_quiesce(vm);
	for (i = 0; i < nr; i++)
		lapic_quiesce(to_x86(vm->vm.vcpus[i]));
}

void x86_irqchip_destroy(struct x86_vm *vm)
{
	pit_destroy(vm);
	ioapic_destroy(vm);
	pic_destroy(vm);
}

/*
 * Ioctls
 */

static long create_irqchip(struct kvmx_call *call)
{
	return x86_irqchip_create(to_x86_vm(call->vm));
}

static long get_irqchip(struct kvmx_call *call)
{
	struct x86_vm *vm = to_x86_vm(call->vm);
	struct kvmx_irqchip *chip = call->data;

	if (!vm->irqchip)
		return -ENXIO;
	switch (chip->chip_id) {
	case KVMX_IRQCHIP_PIC_MASTER:
	case KVMX_IRQCHIP_PIC_SLAVE:
		memset(&chip->chip, 0, sizeof(chip->chip));
		pic_get_state(vm->pic, chip->chip_id == KVMX_IRQCHIP_PIC_SLAVE, &chip->chip.pic);
		return 0;
	case KVMX_IRQCHIP_IOAPIC:
		memset(&chip->chip, 0, sizeof(chip->chip));
		ioapic_get_state(vm->ioapic, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

static long set_irqchip(struct kvmx_call *call)
{
	struct x86_vm *vm = to_x86_vm(call->vm);
	const struct kvmx_irqchip *chip = call->data;

	if (!vm->irqchip)
		return -ENXIO;
	switch (chip->chip_id) {
	case KVMX_IRQCHIP_PIC_MASTER:
	case KVMX_IRQCHIP_PIC_SLAVE:
		pic_set_state(vm, chip->chip_id == KVMX_IRQCHIP_PIC_SLAVE, &chip->chip.pic);
		return 0;
	case KVMX_IRQCHIP_IOAPIC:
		ioapic_set_state(vm, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

static long create_pit(struct kvmx_call *call)
{
	struct x86_vm *vm = to_x86_vm(call->vm);
	const struct kvmx_pit_config *config = call->data;

	if (vm->pit)
		return -EEXIST;
	if (!vm->irqchip)
		return -ENOENT;
	if (config->flags & ~KVMX_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	return pit_create(vm, config->flags);
}

static long get_pit(struct kvmx_call *call)
{
	struct x86_vm *vm = to_x86_vm(call->vm);

	if (!vm->pit)
		return -ENXIO;
	pit_get_state(vm->pit, call->data);
	return 0;
}

static long set_pit(struct kvmx_call *call)
{
	struct x86_vm *vm = to_x86_vm(call->vm);

	return vm->pit ? pit_set_state(vm->pit, call->data) : -ENXIO;
}

/* Its number says that it takes no pointer, but it does. */
static long reinject_control(struct kvmx_call *call)
{
	struct x86_vm *vm = to_x86_vm(call->vm);
	struct kvmx_reinject_control control;

	if (kvmx_call_get(call->arg, &control, sizeof(control)))
		return -EFAULT;
	if (!vm->pit)
		return -ENXIO;
	pit_set_reinject(vm->pit, control.pit_reinject);
	return 0;
}

static long get_lapic(struct kvmx_call *call)
{
	struct x86_vcpu *v = to_x86(call->vcpu);

	if (!v->lapic)
		return -EINVAL;
	lapic_get_state(v, call->data);
	return 0;
}

static long set_lapic(struct kvmx_call *call)
{
	struct x86_vcpu *v = to_x86(call->vcpu);

	return v->lapic ? lapic_set_state(v, call->data) : -EINVAL;
}

const struct kvmx_ioctl kvmx_arch_irq_ioctls[] = {
	KVMX_ROW(VM, KVMX_CREATE_IRQCHIP, KVMX_IOC_VM_LOCK, create_irqchip),
	KVMX_ROW(VM, KVMX_GET_IRQCHIP, KVMX_IOC_VM_LOCK, get_irqchip),
	KVMX_ROW(VM, KVMX_SET_IRQCHIP, KVMX_IOC_VM_LOCK | KVMX_IOC_COPY_IN, set_irqchip),
	KVMX_ROW(VM, KVMX_CREATE_PIT2, KVMX_IOC_VM_LOCK, create_pit),
	KVMX_ROW(VM, KVMX_GET_PIT2, KVMX_IOC_VM_LOCK, get_pit),
	KVMX_ROW(VM, KVMX_SET_PIT2, KVMX_IOC_VM_LOCK, set_pit),
	KVMX_ROW(VM, KVMX_REINJECT_CONTROL, KVMX_IOC_VM_LOCK, reinject_control),
	KVMX_ROW(VCPU, KVMX_GET_LAPIC, 0, get_lapic),
	KVMX_ROW(VCPU, KVMX_SET_LAPIC, 0, set_lapic),
	KVMX_ROW(VCPU, KVMX_TPR_ACCESS_REPORTING, 0, x86_vapic_reporting_ioctl),
	KVMX_ROW(VCPU, KVMX_SET_VAPIC_ADDR, 0, x86_vapic_addr_ioctl),
};
const unsigned int kvmx_arch_nr_irq_ioctls = ARRAY_SIZE(kvmx_arch_irq_ioctls);
