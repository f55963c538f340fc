// SPDX-License-Identifier: GPL-2.0-only
/*
 * Help for guests that access the task priority register all the time, as
 * 32-bit Windows does: user space is told of each access, and can patch the
 * instruction to use four bytes of guest memory that are kept up to date here.
 * Called by the run loop, the local APIC and the ioctl table.
 */
#include <linux/kernel.h>
#include <linux/srcu.h>

#include <kvmx/ioctl.h>
#include <kvmx/memory.h>

#include "lapic.h"
#include "vapic.h"

void x86_vapic_report(struct x86_vcpu *v, bool write)
{
	if (!v->vapic.report)
		return;
	v->vapic.rip = v->io.rip;
	v->vapic.write = write;
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_TPR_ACCESS);
}

void x86_vapic_tell(struct x86_vcpu *v)
{
	struct kvmx_run *run = v->vcpu.run;

	run->exit_reason = KVMX_EXIT_TPR_ACCESS;
	run->tpr_access.rip = v->vapic.rip;
	run->tpr_access.is_write = v->vapic.write;
}

/*
 * The guest may have moved or unmapped the bytes: then they are not written,
 * and the register stays what it was.
 */
void x86_vapic_publish(struct x86_vcpu *v)
{
	u32 data = lapic_priorities(v);

	v->vapic.tpr = data;
	kvmx_guest_write(v->vcpu.vm, v->vapic.addr, &data, sizeof(data));
}

void x86_vapic_collect(struct x86_vcpu *v)
{
	u8 tpr;

	if (!kvmx_guest_read(v->vcpu.vm, v->vapic.addr, &tpr, sizeof(tpr)) && tpr != v->vapic.tpr)
		lapic_write_tpr(v, tpr);
}

long x86_vapic_reporting_ioctl(struct kvmx_call *call)
{
	const struct kvmx_tpr_access_ctl *ctl = call->data;
	struct x86_vcpu *v = to_x86(call->vcpu);

	if (ctl->flags || !v->lapic)
		return -EINVAL;
	v->vapic.report = ctl->enabled;
	return 0;
}

/* An address of 0 ends it. */
long x86_vapic_addr_ioctl(struct kvmx_call *call)
{
	const struct kvmx_vapic_addr *data = call->data;
	struct x86_vcpu *v = to_x86(call->vcpu);
	struct kvmx_memory *memory = &call->vm->memory;
	int idx, err = 0;
	u32 old;

	if (!v->lapic)
		return -EINVAL;
	if (data->vapic_addr) {
		idx = srcu_read_lock(&memory->srcu);
		err = kvmx_guest_read(call->vm, data->vapic_addr, &old, sizeof(old));
		srcu_read_unlock(&memory->srcu, idx);
	}
	if (!err)
		v->vapic.addr = data->vapic_addr;
	return err ? -EINVAL : 0;
}
