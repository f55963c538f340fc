// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt messages to local APICs: whom a destination means (Intel SDM,
 * "Determining IPI Destination" and "Message Signalled Interrupts") and what
 * arrives there. Called for IPIs, MSIs and the I/O APIC, from any context.
 *
 * There is no lock and no map: the array of vCPUs only grows, an APIC's id is
 * its vCPU's, and the logical ids are read where they stand.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>

#include "irqchip.h"
#include "lapic_regs.h"

#define XAPIC_BROADCAST		0xffu
#define X2APIC_BROADCAST	0xffffffffu

/* Devices name APICs with 8 bits; 0xff means all, in x2APIC mode too unless user space says no. */
static bool is_broadcast(struct x86_vm *vm, struct x86_vcpu *from, struct x86_vcpu *to, u32 dest)
{
	if (dest == X2APIC_BROADCAST)
		return true;
	if (dest != XAPIC_BROADCAST)
		return false;
	if (!lapic_x2apic(to))
		return !from || !lapic_x2apic(from);
	return !from && !(READ_ONCE(vm->x2apic_api) & KVMX_X2APIC_API_DISABLE_BROADCAST_QUIRK);
}

static bool matches_logical(struct x86_vcpu *to, u32 dest)
{
	u32 id = to->vcpu.id, ldr;

	if (lapic_x2apic(to))
		return dest >> 16 == id >> 4 && (dest & BIT(id & 15));
	if (dest > 0xff)
		return false;
	ldr = lapic_reg(to->lapic, LAPIC_LDR) >> 24;
	switch (lapic_reg(to->lapic, LAPIC_DFR) >> 28) {
	case 0xf:	/* flat model */
		return ldr & dest;
	case 0:		/* cluster model */
		return ldr >> 4 == dest >> 4 && (ldr & dest & 0xf);
	default:
		return false;
	}
}

static bool matches(struct x86_vm *vm, struct x86_vcpu *from, struct x86_vcpu *to,
		    const struct apic_msg *msg)
{
	if (!lapic_enabled(to))
		return false;
	switch (msg->shorthand) {
	case APIC_SHORT_SELF:
		return to == from;
	case APIC_SHORT_ALL:
		return true;
	case APIC_SHORT_OTHERS:
		return to != from;
	}
	if (is_broadcast(vm, from, to, msg->dest))
		return true;
	return msg->logical ? matches_logical(to, msg->dest) : msg->dest == to->vcpu.id;
}

static struct x86_vcpu *vcpu_by_id(struct x86_vm *vm, u32 id)
{
	struct kvmx_vcpu *vcpu = kvmx_vm_vcpu_by_id(&vm->vm, id);

	return vcpu ? to_x86(vcpu) : NULL;
}

/* The next vCPU that @msg means, @pos says where the search stands. NULL: no more. */
static struct x86_vcpu *next_target(struct x86_vm *vm, struct x86_vcpu *from,
				    const struct apic_msg *msg, u32 *pos)
{
	bool wide = msg->shorthand == APIC_SHORT_NONE && msg->dest > XAPIC_BROADCAST &&
		    msg->dest != X2APIC_BROADCAST;
	bool one = !msg->logical && (wide || msg->dest < XAPIC_BROADCAST) &&
		   msg->shorthand == APIC_SHORT_NONE;
	u32 nr = kvmx_vm_nr_vcpus(&vm->vm);
	struct x86_vcpu *to;

	if (one) {
		if ((*pos)++)
			return NULL;
		to = vcpu_by_id(vm, msg->dest);
		return to && matches(vm, from, to, msg) ? to : NULL;
	}
	if (wide) {
		/* A logical id that only x2APIC mode has: 16 ids are possible. */
		while (*pos < 16) {
			u32 bit = (*pos)++;

			if (!(msg->dest & BIT(bit)))
				continue;
			to = vcpu_by_id(vm, (msg->dest >> 16) * 16 + bit);
			if (to && matches(vm, from, to, msg))
				return to;
		}
		return NULL;
	}
	while (*pos < nr) {
		to = to_x86(vm->vm.vcpus[array_index_nospec((*pos)++, KVMX_MAX_VCPUS)]);
		if (matches(vm, from, to, msg))
			return to;
	}
	return NULL;
}

/*
 * Lowest priority delivery: to the APIC with the lowest processor priority,
 * in turn among equals. The priorities may change meanwhile; then any will do.
 */
static struct x86_vcpu *lowest_priority(struct x86_vm *vm, struct x86_vcpu *from,
					const struct apic_msg *msg)
{
	struct x86_vcpu *to, *best = NULL;
	u32 pos, lowest = 16, equals = 0, turn;

	for (pos = 0; (to = next_target(vm, from, msg, &pos)); ) {
		u32 class = lapic_reg(to->lapic, LAPIC_PPR) >> 4;

		if (!lapic_sw_enabled(to) || class > lowest)
			continue;
		if (class < lowest)
			equals = 0;
		equals++;
		lowest = class;
		best = to;
	}
	if (equals < 2)
		return best;
	turn = (u32)atomic_inc_return(&vm->apic_rotor) % equals;
	for (pos = 0; (to = next_target(vm, from, msg, &pos)); ) {
		if (!lapic_sw_enabled(to) || lapic_reg(to->lapic, LAPIC_PPR) >> 4 != lowest)
			continue;
		best = to;
		if (!turn--)
			break;
	}
	return best;
}

/* 1 taken, 0 coalesced, -1 refused. */
static int deliver_to(struct x86_vcpu *to, const struct apic_msg *msg)
{
	switch (msg->mode) {
	case APIC_DELIVER_FIXED:
	case APIC_DELIVER_LOWEST:
		return lapic_accept_fixed(to, msg->vector, msg->level);
	case APIC_DELIVER_NMI:
		x86_queue_nmi(to);
		return 1;
	case APIC_DELIVER_INIT:
		/* "INIT Level De-assert" only synchronized arbitration ids. */
		if (!msg->level || msg->assert)
			x86_queue_init(to);
		return 1;
	case APIC_DELIVER_STARTUP:
		x86_queue_sipi(to, msg->vector);
		return 1;
	default:
		/* No SMM here, remote read is reserved, ExtINT has its own wire. */
		return -1;
	}
}

int apic_deliver(struct x86_vm *vm, struct x86_vcpu *from, const struct apic_msg *msg)
{
	bool lowest = msg->mode == APIC_DELIVER_LOWEST ||
		      (msg->lowest_hint && msg->mode == APIC_DELIVER_FIXED);
	struct x86_vcpu *to;
	int result = -1, got;
	u32 pos = 0;

	if (msg->shorthand == APIC_SHORT_SELF)
		return from && lapic_enabled(from) ? deliver_to(from, msg) : -1;
	if (lowest) {
		to = lowest_priority(vm, from, msg);
		return to ? deliver_to(to, msg) : -1;
	}
	while ((to = next_target(vm, from, msg, &pos))) {
		got = deliver_to(to, msg);
		if (got >= 0)
			result = max(result, 0) + got;
	}
	return result;
}

int apic_deliver_to_id(struct x86_vm *vm, u32 id, const struct apic_msg *msg)
{
	struct x86_vcpu *to = vcpu_by_id(vm, id);

	return to && lapic_enabled(to) ? max(deliver_to(to, msg), 0) : 0;
}

/* "Message Address Register Format", "Message Data Register Format". */
void apic_msi_to_msg(struct x86_vm *vm, const struct kvmx_irq_route *route, struct apic_msg *msg)
{
	u32 addr = route->msi.addr_lo, data = route->msi.data;

	*msg = (struct apic_msg){
		.dest = (addr >> 12) & 0xff,
		.vector = data & 0xff,
		.mode = (data >> 8) & 7,
		.logical = addr & BIT(2),
		.lowest_hint = addr & BIT(3),
		.level = data & BIT(15),
		.assert = data & BIT(14),
	};
	if (READ_ONCE(vm->x2apic_api) & KVMX_X2APIC_API_USE_32BIT_IDS)
		msg->dest |= route->msi.addr_hi & 0xffffff00;
}
