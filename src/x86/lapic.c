// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC of a vCPU: its registers, in the page and as MSRs, interrupt
 * acceptance, priorities and EOI (Intel SDM, "Advanced Programmable Interrupt
 * Controller"). Called by the run loop, the exit and MSR tables and apic_msg.c.
 */
#include <linux/kernel.h>
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ioapic.h"
#include "lapic_regs.h"
#include "pv_eoi.h"
#include "vapic.h"

/*
 * State that other CPUs look at
 */

bool lapic_enabled(struct x86_vcpu *v)
{
	return v->lapic && (READ_ONCE(v->apic_base) & APIC_BASE_EN);
}

bool lapic_sw_enabled(struct x86_vcpu *v)
{
	return lapic_enabled(v) && (lapic_reg(v->lapic, LAPIC_SVR) & LAPIC_SVR_ENABLE);
}

bool lapic_x2apic(struct x86_vcpu *v)
{
	return lapic_enabled(v) && (READ_ONCE(v->apic_base) & APIC_BASE_EXTD);
}

/* The mask bit and the delivery mode decide, also while the APIC is disabled by software. */
bool lapic_accepts_extint(struct x86_vcpu *v)
{
	u32 lvt0;

	if (!lapic_enabled(v))
		return true;
	lvt0 = lapic_reg(v->lapic, LAPIC_LVT0);
	return !(lvt0 & LAPIC_LVT_MASKED) && ((lvt0 >> 8) & 7) == APIC_DELIVER_EXTINT;
}

/* "Task and Processor Priorities": only the class, bits 4 to 7, is compared. */
static bool beats(int vector, u8 ppr)
{
	return vector >> 4 > ppr >> 4;
}

int lapic_pending(struct x86_vcpu *v)
{
	struct lapic *lapic = v->lapic;
	int vector;

	if (!lapic_enabled(v))
		return -1;
	vector = lapic_requested(lapic);
	return vector >= 0 && beats(vector, lapic_reg(lapic, LAPIC_PPR)) ? vector : -1;
}

bool lapic_any_request(struct x86_vcpu *v)
{
	return READ_ONCE(v->lapic->irr_words);
}

u8 lapic_blocked_class(struct x86_vcpu *v)
{
	struct lapic *lapic = v->lapic;
	int vector, serving;

	if (!lapic_enabled(v))
		return 0;
	vector = lapic_requested(lapic);
	if (vector < 0 || beats(vector, lapic_reg(lapic, LAPIC_PPR)))
		return 0;
	serving = lapic_in_service(lapic);
	return serving < 0 || beats(vector, serving) ? vector >> 4 : 0;
}

bool lapic_has_reason(struct x86_vcpu *v)
{
	u32 lvtt;

	if (!lapic_enabled(v))
		return false;
	if (lapic_pending(v) >= 0)
		return true;
	if (!test_bit(KVMX_REQ_TIMER, &v->vcpu.requests) || !lapic_sw_enabled(v))
		return false;
	lvtt = lapic_reg(v->lapic, LAPIC_LVTT);
	return !(lvtt & LAPIC_LVT_MASKED) && beats(lvtt & 0xff, lapic_reg(v->lapic, LAPIC_PPR));
}

/*
 * Acceptance. Any context.
 */

/* "Error Handling": errors gather until software writes ESR. */
void lapic_error(struct x86_vcpu *v, int error)
{
	/* Once each: an illegal vector in the error entry is an error itself. */
	if (!test_and_set_bit(error, &v->lapic->errors))
		lapic_fire_lvt(v, LAPIC_LVT_ERROR);
}

int lapic_accept_fixed(struct x86_vcpu *v, u8 vector, bool level)
{
	struct lapic *lapic = v->lapic;
	unsigned int bit = lapic_bit(vector);

	if (!lapic_sw_enabled(v))
		return -1;
	if (vector < 16) {
		lapic_error(v, LAPIC_ERR_RECV_VECTOR);
		return -1;
	}
	/* Before the vector can be seen in IRR: its EOI asks TMR. */
	if (level)
		set_bit(bit, lapic_map(lapic, LAPIC_TMR));
	else if (lapic_test(lapic, LAPIC_TMR, vector))
		clear_bit(bit, lapic_map(lapic, LAPIC_TMR));
	if (unlikely(lapic->posting) ? !lapic_post(lapic, vector) :
				       test_and_set_bit(bit, lapic_map(lapic, LAPIC_IRR)))
		return 0;
	if (!test_bit(vector / 32, &lapic->irr_words))
		set_bit(vector / 32, &lapic->irr_words);
	x86_event_pending(v);
	return 1;
}

/* Interrupts that rise in the APIC itself: "Local Vector Table". */
void lapic_fire_lvt(struct x86_vcpu *v, u32 offset)
{
	u32 lvt = lapic_reg(v->lapic, offset);

	if (!lapic_enabled(v) || (lvt & LAPIC_LVT_MASKED))
		return;
	/* The timer's and the error entry have no delivery mode: those bits are 0, Fixed. */
	switch ((lvt >> 8) & 7) {
	case APIC_DELIVER_FIXED:
		lapic_accept_fixed(v, lvt & 0xff, false);
		break;
	case APIC_DELIVER_NMI:
		x86_queue_nmi(v);
		break;
	case APIC_DELIVER_INIT:
		x86_queue_init(v);
		break;
	case APIC_DELIVER_EXTINT:
		x86_event_pending(v);
		break;
	}
}

void lapic_lint0_rise(struct x86_vcpu *v)
{
	if (lapic_enabled(v))
		lapic_fire_lvt(v, LAPIC_LVT0);
	else
		x86_event_pending(v);
}

/*
 * Priorities, acknowledge and EOI. On the vCPU itself, which looks for
 * interrupts again before each entry: nothing has to be announced.
 */

void lapic_update_ppr(struct lapic *lapic)
{
	int in_service = lapic_in_service(lapic);
	u8 tpr = lapic_reg(lapic, LAPIC_TPR);
	u8 isrv = in_service < 0 ? 0 : in_service & 0xf0;

	lapic_reg_set(lapic, LAPIC_PPR, (tpr & 0xf0) >= isrv ? tpr : isrv);
}

void lapic_ack(struct x86_vcpu *v, u8 vector)
{
	struct lapic *lapic = v->lapic;

	if (unlikely(lapic->posting))
		lapic_take_posted(lapic);
	clear_bit(lapic_bit(vector), lapic_map(lapic, LAPIC_IRR));
	if (!lapic_reg(lapic, LAPIC_IRR + vector / 32 * 16))
		lapic_irr_left(lapic, vector / 32);
	__set_bit(lapic_bit(vector), lapic_map(lapic, LAPIC_ISR));
	lapic->isr_words |= BIT(vector / 32);
	lapic_update_ppr(lapic);
}

/* A level-triggered interrupt ended: the I/O APIC, here or in user space, has to know. */
void lapic_broadcast_eoi(struct x86_vcpu *v, u8 vector)
{
	struct x86_vm *vm = x86_vm_of(v);
	struct lapic *lapic = v->lapic;
	bool level = lapic_test(lapic, LAPIC_TMR, vector);

	if (vm->ioapic) {
		/* Edges too: acknowledge notifiers wait for them. */
		if (ioapic_handles(vm->ioapic, vector))
			ioapic_eoi(vm, vector, level);
	} else if (level && !(lapic_reg(lapic, LAPIC_SVR) & LAPIC_SVR_NO_BROADCAST)) {
		__set_bit(vector, lapic->eoi_exit);
		kvmx_vcpu_request(&v->vcpu, KVMX_REQ_IOAPIC_SCAN);
	}
}

void lapic_eoi(struct x86_vcpu *v)
{
	struct lapic *lapic = v->lapic;
	int vector = lapic_in_service(lapic);

	if (vector < 0)
		return;
	__clear_bit(lapic_bit(vector), lapic_map(lapic, LAPIC_ISR));
	if (!lapic_reg(lapic, LAPIC_ISR + vector / 32 * 16))
		lapic->isr_words &= ~BIT(vector / 32);
	lapic_update_ppr(lapic);
	lapic_broadcast_eoi(v, vector);
}

/* No vector waits for it, and no I/O APIC listens. */
bool lapic_eoi_unnoticed(struct x86_vcpu *v)
{
	struct ioapic *ioapic = x86_vm_of(v)->ioapic;
	int vector = lapic_in_service(v->lapic);

	return vector >= 0 && !lapic_any_request(v) && !lapic_test(v->lapic, LAPIC_TMR, vector) &&
	       !(ioapic && ioapic_handles(ioapic, vector));
}

static void write_eoi(struct x86_vcpu *v)
{
	if (unlikely(v->pv_eoi.offered))
		x86_pv_eoi_written(v);
	else
		lapic_eoi(v);
}

int lapic_take_eoi_exit(struct x86_vcpu *v)
{
	u32 vector = v->lapic ? find_last_bit(v->lapic->eoi_exit, LAPIC_VECTORS) : LAPIC_VECTORS;

	if (vector == LAPIC_VECTORS)
		return -1;
	__clear_bit(vector, v->lapic->eoi_exit);
	if (!bitmap_empty(v->lapic->eoi_exit, LAPIC_VECTORS))
		kvmx_vcpu_request(&v->vcpu, KVMX_REQ_IOAPIC_SCAN);
	return vector;
}

void lapic_write_tpr(struct x86_vcpu *v, u8 tpr)
{
	lapic_reg_set(v->lapic, LAPIC_TPR, tpr);
	lapic_update_ppr(v->lapic);
}

void lapic_set_tpr(struct x86_vcpu *v, u8 cr8)
{
	lapic_write_tpr(v, (cr8 & 15) << 4);
}

u8 lapic_get_tpr(struct x86_vcpu *v)
{
	return lapic_reg(v->lapic, LAPIC_TPR) >> 4 & 15;
}

u32 lapic_priorities(struct x86_vcpu *v)
{
	int isr = max(lapic_in_service(v->lapic), 0), irr = max(lapic_requested(v->lapic), 0);

	return lapic_reg(v->lapic, LAPIC_TPR) | (isr & 0xf0) << 8 | (u32)irr << 24;
}

/*
 * Registers
 */

static bool may_suppress_broadcast(struct x86_vcpu *v)
{
	struct x86_vm *vm = x86_vm_of(v);

	return !vm->ioapic && (READ_ONCE(vm->x2apic_api) & KVMX_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST);
}

/* "Logical x2APIC ID": 16 APICs to a cluster. */
static u32 x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 15);
}

/* The guest may have ended an interrupt; if its memory is gone right now, it is not known yet. */
static void settle(struct x86_vcpu *v)
{
	if (unlikely(v->pv_eoi.offered))
		x86_pv_eoi_collect(v, true);
}

/* Registers that a read finds as they are, or that follow from other state. */
u32 lapic_read_plain(struct x86_vcpu *v, u32 offset)
{
	struct lapic *lapic = v->lapic;
	u32 id = v->vcpu.id;

	switch (offset) {
	case LAPIC_ID:
		return lapic_x2apic(v) ? id : id << 24;
	case LAPIC_VERSION:
		return LAPIC_VERSION_VALUE | (may_suppress_broadcast(v) ? LAPIC_VERSION_DIRECTED : 0);
	case LAPIC_PPR:
	case LAPIC_ISR ... LAPIC_ISR + 0x70:
		settle(v);
		return lapic_reg(lapic, offset);
	case LAPIC_IRR ... LAPIC_IRR + 0x70:
		if (lapic->posting)
			lapic_take_posted(lapic);
		return lapic_reg(lapic, offset);
	case LAPIC_LDR:
		return lapic_x2apic(v) ? x2apic_ldr(id) : lapic_reg(lapic, LAPIC_LDR);
	case LAPIC_TMCCT:
		return lapic_timer_count(lapic);
	default:
		return lapic_reg(lapic, offset);
	}
}

/* Whether software may read it. APR and RRD are gone since the Pentium 4; they read 0. */
static bool is_readable(struct x86_vcpu *v, u32 offset)
{
	bool x2apic = lapic_x2apic(v);

	switch (offset) {
	case LAPIC_APR:
	case LAPIC_EOI:
	case LAPIC_RRD:
	case LAPIC_DFR:
	case LAPIC_ICR2:
		return !x2apic;
	case LAPIC_ID:
	case LAPIC_VERSION:
	case LAPIC_TPR:
	case LAPIC_PPR:
	case LAPIC_LDR:
	case LAPIC_SVR ... LAPIC_ESR:
	case LAPIC_ICR:
	case LAPIC_LVTT ... LAPIC_TMCCT:
	case LAPIC_TDCR:
		return true;
	default:
		return false;
	}
}

u32 lapic_write_mask(struct x86_vcpu *v, u32 offset)
{
	bool x2apic = lapic_x2apic(v);

	switch (offset) {
	case LAPIC_TPR:
		return 0xff;
	case LAPIC_LDR:
		return x2apic ? 0 : 0xff000000;
	case LAPIC_DFR:
		return x2apic ? 0 : 0xf0000000;
	case LAPIC_SVR:
		return 0x3ff | (may_suppress_broadcast(v) ? LAPIC_SVR_NO_BROADCAST : 0);
	case LAPIC_ICR:		/* reserved bits are kept, where they are no fault */
		return (u32)~LAPIC_ICR_STATUS;
	case LAPIC_ICR2:
		return x2apic ? ~0u : 0xff000000;
	case LAPIC_LVTT:
		return 0x000700ff;
	case LAPIC_LVT_THERMAL:
	case LAPIC_LVT_PERF:
		return 0x000107ff;
	case LAPIC_LVT0:
	case LAPIC_LVT1:
		return 0x0001a7ff;
	case LAPIC_LVT_ERROR:
		return 0x000100ff;
	case LAPIC_TMICT:
		return ~0u;
	case LAPIC_TDCR:
		return 0x0000000b;
	default:
		return 0;
	}
}

/* Bits that ignore what is written to them: delivery status and, for LINT0 and 1, remote IRR. */
static u32 read_only_bits(u32 offset)
{
	switch (offset) {
	case LAPIC_LVTT ... LAPIC_LVT_PERF:
	case LAPIC_LVT_ERROR:
		return BIT(12);
	case LAPIC_LVT0:
	case LAPIC_LVT1:
		return BIT(12) | BIT(14);
	default:
		return 0;
	}
}

/* "When the APIC is software disabled, the mask bits of all LVT entries are set." */
static void write_svr(struct x86_vcpu *v, u32 val)
{
	struct lapic *lapic = v->lapic;
	u32 offset;

	lapic_reg_set(lapic, LAPIC_SVR, val);
	if (val & LAPIC_SVR_ENABLE)
		return;
	for (offset = LAPIC_LVTT; offset <= LAPIC_LVT_ERROR; offset += 16)
		lapic_reg_set(lapic, offset, lapic_reg(lapic, offset) | LAPIC_LVT_MASKED);
}

static void write_lvt(struct x86_vcpu *v, u32 offset, u32 val)
{
	if (!(lapic_reg(v->lapic, LAPIC_SVR) & LAPIC_SVR_ENABLE))
		val |= LAPIC_LVT_MASKED;
	if (offset == LAPIC_LVTT)
		lapic_timer_write(v->lapic, offset, val);
	else
		lapic_reg_set(v->lapic, offset, val);
}

/* "Interrupt Command Register". What it sends is an edge, except an INIT's. */
static void send_ipi(struct x86_vcpu *v, u32 icr, u32 dest)
{
	struct apic_msg msg = {
		.dest = dest,
		.vector = icr & 0xff,
		.mode = (icr >> 8) & 7,
		.shorthand = (icr >> 18) & 3,
		.logical = icr & LAPIC_ICR_LOGICAL,
		.assert = icr & LAPIC_ICR_ASSERT,
	};

	msg.level = msg.mode == APIC_DELIVER_INIT && (icr & LAPIC_ICR_LEVEL);
	if (msg.vector < 16 && (msg.mode == APIC_DELIVER_FIXED || msg.mode == APIC_DELIVER_LOWEST)) {
		lapic_error(v, LAPIC_ERR_SEND_VECTOR);
		return;
	}
	apic_deliver(x86_vm_of(v), v, &msg);
}

static void write_esr(struct lapic *lapic)
{
	lapic_reg_set(lapic, LAPIC_ESR, xchg(&lapic->errors, 0));
}

/* @val has writable bits only. */
static void write_plain(struct x86_vcpu *v, u32 offset, u32 val)
{
	struct lapic *lapic = v->lapic;

	switch (offset) {
	case LAPIC_TPR:
		lapic_write_tpr(v, val);
		break;
	case LAPIC_DFR:
		lapic_reg_set(lapic, LAPIC_DFR, val | LAPIC_DFR_RESERVED);
		break;
	case LAPIC_SVR:
		write_svr(v, val);
		break;
	case LAPIC_ICR:
		lapic_reg_set(lapic, LAPIC_ICR, val);
		send_ipi(v, val, lapic_reg(lapic, LAPIC_ICR2) >> 24);
		break;
	case LAPIC_LVTT ... LAPIC_LVT_ERROR:
		write_lvt(v, offset, val);
		break;
	case LAPIC_TMICT:
	case LAPIC_TDCR:
		lapic_timer_write(lapic, offset, val);
		break;
	default:
		lapic_reg_set(lapic, offset, val);
	}
}

/*
 * xAPIC mode: the register page
 */

bool lapic_mmio_match(struct x86_vcpu *v, u64 gpa)
{
	return lapic_enabled(v) && !lapic_x2apic(v) &&
	       gpa >> 12 == (v->apic_base & GENMASK_ULL(51, 12)) >> 12;
}

/* A register fills four of its 16 bytes; the manual leaves the others undefined. */
int lapic_mmio_read(struct x86_vcpu *v, u32 offset, int len, void *val)
{
	u32 reg = offset & 0xff0, byte = offset & 0xf;
	u64 data = 0;

	if (byte < 4 && lapic_enabled(v)) {
		if (reg == LAPIC_TPR)
			x86_vapic_report(v, false);
		if (is_readable(v, reg))
			data = lapic_read_plain(v, reg) >> (8 * byte);
		else
			lapic_error(v, LAPIC_ERR_REGISTER);
	}
	memcpy(val, &data, clamp(len, 0, 8));
	return 0;
}

int lapic_mmio_write(struct x86_vcpu *v, u32 offset, int len, const void *val)
{
	u32 reg = offset & 0xff0, mask, data;

	/* "All accesses must use 32-bit loads and stores, aligned on 128-bit boundaries." */
	if (len < 4 || (offset & 0xf) || !lapic_enabled(v))
		return 0;
	memcpy(&data, val, sizeof(data));
	mask = lapic_write_mask(v, reg);
	if (reg == LAPIC_TPR)
		x86_vapic_report(v, true);
	if (reg == LAPIC_EOI)
		write_eoi(v);
	else if (reg == LAPIC_ESR)
		write_esr(v->lapic);
	else if (mask)
		write_plain(v, reg, data & mask);
	else if (!is_readable(v, reg))
		lapic_error(v, LAPIC_ERR_REGISTER);
	return 0;
}

/*
 * x2APIC mode: MSRs ("x2APIC Register Address Space")
 */

int lapic_msr_read(struct x86_vcpu *v, u32 msr, u64 *val)
{
	u32 offset = (msr - X86_MSR_X2APIC) * 16;

	if (msr - X86_MSR_X2APIC > 0xff || !lapic_x2apic(v) || !is_readable(v, offset))
		return -EINVAL;
	*val = lapic_read_plain(v, offset);
	if (offset == LAPIC_ICR)
		*val |= (u64)lapic_reg(v->lapic, LAPIC_ICR2) << 32;
	return 0;
}

static int write_x2apic_icr(struct x86_vcpu *v, u64 val)
{
	u32 icr = val & ~LAPIC_ICR_STATUS, dest = val >> 32;

	if (val & LAPIC_ICR_RESERVED)
		return -EINVAL;
	lapic_reg_set(v->lapic, LAPIC_ICR2, dest);
	lapic_reg_set(v->lapic, LAPIC_ICR, icr);
	send_ipi(v, icr, dest);
	return 0;
}

static int write_self_ipi(struct x86_vcpu *v, u64 val)
{
	if (val & ~0xffull)
		return -EINVAL;
	if (val < 16)
		lapic_error(v, LAPIC_ERR_SEND_VECTOR);
	else
		lapic_accept_fixed(v, val, false);
	return 0;
}

int lapic_msr_write(struct x86_vcpu *v, u32 msr, u64 val)
{
	u32 offset = (msr - X86_MSR_X2APIC) * 16, mask;

	if (msr - X86_MSR_X2APIC > 0xff || !lapic_x2apic(v))
		return -EINVAL;
	switch (offset) {
	case LAPIC_ICR:
		return write_x2apic_icr(v, val);
	case LAPIC_SELF_IPI:
		return write_self_ipi(v, val);
	case LAPIC_EOI:
		if (val)
			return -EINVAL;
		write_eoi(v);
		return 0;
	case LAPIC_ESR:
		if (val)
			return -EINVAL;
		write_esr(v->lapic);
		return 0;
	case LAPIC_ICR2:
		return -EINVAL;
	}
	mask = lapic_write_mask(v, offset);
	if (!mask || (val & ~(u64)(mask | read_only_bits(offset))))
		return -EINVAL;
	/* Both timer mode bits: reserved. */
	if (offset == LAPIC_LVTT && ((val >> 17) & 3) == 3)
		return -EINVAL;
	write_plain(v, offset, val & mask);
	return 0;
}

/*
 * Life
 */

static void reset_registers(struct x86_vcpu *v)
{
	struct x86_vm *vm = x86_vm_of(v);
	struct lapic *lapic = v->lapic;
	u32 offset;

	lapic_timer_stop(lapic);
	lapic->deadline = 0;
	bitmap_zero(lapic->eoi_exit, LAPIC_VECTORS);
	lapic->errors = 0;
	/* First: of what arrives right now and stays, it has to be said. */
	WRITE_ONCE(lapic->irr_words, 0);
	smp_wmb();
	memset(lapic->page, 0, PAGE_SIZE);
	memset(lapic->posted, 0, sizeof(lapic->posted));
	lapic->isr_words = 0;
	lapic_reg_set(lapic, LAPIC_DFR, ~0u);
	lapic_reg_set(lapic, LAPIC_SVR, 0xff);
	for (offset = LAPIC_LVTT; offset <= LAPIC_LVT_ERROR; offset += 16)
		lapic_reg_set(lapic, offset, LAPIC_LVT_MASKED);
	/* As firmware leaves it, so that a guest without one gets the PIC's interrupts. */
	if (v->vcpu.id == vm->boot_cpu_id && !(vm->disabled_quirks & KVMX_X86_QUIRK_LINT0_REENABLED))
		lapic_reg_set(lapic, LAPIC_LVT0, APIC_DELIVER_EXTINT << 8);
	lapic_update_ppr(lapic);
}

void lapic_reset(struct x86_vcpu *v, bool init)
{
	if (!init)
		WRITE_ONCE(v->apic_base, APIC_BASE_ADDR | APIC_BASE_EN |
			   (v->vcpu.id == x86_vm_of(v)->boot_cpu_id ? APIC_BASE_BSP : 0));
	if (v->lapic)
		reset_registers(v);
}

int lapic_create(struct x86_vcpu *v)
{
	struct lapic *lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);

	if (!lapic)
		return -ENOMEM;
	lapic->page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!lapic->page) {
		kfree(lapic);
		return -ENOMEM;
	}
	lapic->vcpu = v;
	lapic->posting = x86_unit_caps.virtual_apic;
	v->apic_page = lapic->page;
	lapic_timer_init(lapic);
	v->lapic = lapic;
	lapic_reset(v, false);
	return 0;
}

void lapic_quiesce(struct x86_vcpu *v)
{
	if (!v->lapic)
		return;
	v->lapic->timer_armed = false;
	hrtimer_cancel(&v->lapic->timer);
}

void lapic_destroy(struct x86_vcpu *v)
{
	lapic_quiesce(v);
	if (v->lapic)
		free_page((unsigned long)v->lapic->page);
	kfree(v->lapic);
	v->lapic = NULL;
}

/*
 * IA32_APIC_BASE ("Local APIC Status and Location", "x2APIC State Transitions")
 */

/* CPUID.1:ECX.X2APIC */
static bool cpuid_has_x2apic(struct x86_vcpu *v)
{
	u32 i;

	for (i = 0; v->cpuid && i < v->cpuid->nr; i++)
		if (v->cpuid->entry[i].function == 1)
			return v->cpuid->entry[i].ecx & BIT(21);
	return false;
}

int lapic_set_base(struct x86_vcpu *v, u64 val, bool host)
{
	u64 old = v->apic_base, modes = APIC_BASE_EN | APIC_BASE_EXTD;
	u64 reserved = 0xff | BIT(9) | ~GENMASK_ULL(v->maxphyaddr ? v->maxphyaddr - 1 : 35, 0);

	if ((val & reserved) || (val & modes) == APIC_BASE_EXTD)
		return -EINVAL;
	if (!host && (val & APIC_BASE_EXTD)) {
		/* Into x2APIC mode only from xAPIC mode. */
		if (!cpuid_has_x2apic(v) || !(old & APIC_BASE_EN))
			return -EINVAL;
	}
	/* Out of x2APIC mode only to disabled. */
	if (!host && (old & APIC_BASE_EXTD) && (val & modes) == APIC_BASE_EN)
		return -EINVAL;
	WRITE_ONCE(v->apic_base, val);
	/* Disabled and enabled again, it starts as after power-up. */
	if (!host && v->lapic && (old & APIC_BASE_EN) && !(val & APIC_BASE_EN))
		reset_registers(v);
	return 0;
}
