// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends of interrupts without an exit (MSR_KVM_EOI_EN in the kernel's
 * "KVM-specific MSRs"): a bit in guest memory says that the guest may end the
 * interrupt in service by clearing it. Called by the run loop and the local APIC.
 *
 * The bit is set only while nothing depends on the EOI, and is looked at as
 * soon as something does: an interrupt comes, the guest looks at its APIC, the
 * run window closes. So outside of the window the APIC's state is complete.
 */
#include <linux/kernel.h>
#include <linux/kvmx_para.h>

#include "lapic.h"
#include "pv_eoi.h"

static u64 bit_gpa(struct x86_vcpu *v)
{
	return v->pv_eoi.msr & ~3ull;
}

/* Bit 1 is reserved. Who has no local APIC here cannot be helped with it. */
int x86_pv_eoi_set_msr(struct x86_vcpu *v, u64 val)
{
	if ((val & BIT(1)) || ((val & KVMX_PV_EOI_ENABLED) && !v->lapic))
		return -EINVAL;
	v->pv_eoi.msr = val;
	return 0;
}

/* Memory that is not there now: the guest finds no offer and ends its interrupt as ever. */
void x86_pv_eoi_offer(struct x86_vcpu *v)
{
	static const u8 offer = KVMX_PV_EOI_MASK;

	/* A unit that ends interrupts itself does not look there. */
	if (!v->apic_virtual && lapic_eoi_unnoticed(v))
		v->pv_eoi.offered = !kvmx_guest_write_atomic(v->vcpu.vm, bit_gpa(v), &offer,
							     sizeof(offer));
}

/* The guest does not run, so nothing comes between the look and the write. */
static int take_bit(struct x86_vcpu *v, bool atomic, u8 *bits)
{
	struct kvmx_vm *vm = v->vcpu.vm;
	u64 gpa = bit_gpa(v);
	u8 none;
	int ret;

	ret = atomic ? kvmx_guest_read_atomic(vm, gpa, bits, sizeof(*bits)) :
		       kvmx_guest_read(vm, gpa, bits, sizeof(*bits));
	if (ret || !(*bits & KVMX_PV_EOI_MASK))
		return ret;
	none = *bits & ~KVMX_PV_EOI_MASK;
	return atomic ? kvmx_guest_write_atomic(vm, gpa, &none, sizeof(none)) :
			kvmx_guest_write(vm, gpa, &none, sizeof(none));
}

bool x86_pv_eoi_collect(struct x86_vcpu *v, bool atomic)
{
	u8 bits = 0;
	int ret = take_bit(v, atomic, &bits);

	if (ret == -EAGAIN)
		return false;
	v->pv_eoi.offered = false;
	/* Of memory that the guest has lost nobody knows what it said: the EOI is still to come. */
	if (!ret && !(bits & KVMX_PV_EOI_MASK))
		lapic_eoi(v);
	for (; v->pv_eoi.late; v->pv_eoi.late--)
		lapic_eoi(v);
	return true;
}

/* The guest's own EOI comes after the one that its bit may have told. */
void x86_pv_eoi_written(struct x86_vcpu *v)
{
	if (x86_pv_eoi_collect(v, true)) {
		lapic_eoi(v);
		return;
	}
	if (v->pv_eoi.late < U8_MAX)
		v->pv_eoi.late++;
	/* Not into the guest before it is done: x86_window_requests(). */
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_EVENT);
}
