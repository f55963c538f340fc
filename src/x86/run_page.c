// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page that a vCPU shares with user space, as far as it is exchanged at
 * each KVMX_RUN: the interrupt dialogue without controllers in the kernel, and
 * registers (KVMX_CAP_SYNC_REGS). Called by the run loop.
 *
 * User space may write to the page at any time: everything is copied before
 * it is checked.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "lapic.h"
#include "run.h"
#include "state.h"

static int take_sregs(struct x86_vcpu *v)
{
	struct kvmx_sregs sregs;

	memcpy(&sregs, &v->vcpu.run->s.regs.sregs, sizeof(sregs));
	barrier();	/* the copy is what is looked at */
	return x86_sregs_set(v, &sregs);
}

static int take_events(struct x86_vcpu *v)
{
	struct kvmx_vcpu_events events;

	memcpy(&events, &v->vcpu.run->s.regs.events, sizeof(events));
	barrier();
	return x86_vcpu_events_set(v, &events);
}

static noinline int take_regs(struct x86_vcpu *v, u64 dirty)
{
	struct kvmx_run *run = v->vcpu.run;
	int ret;

	if (dirty & KVMX_SYNC_X86_REGS) {
		x86_regs_set(v, &run->s.regs.regs);
		run->kvmx_dirty_regs &= ~KVMX_SYNC_X86_REGS;
	}
	if (dirty & KVMX_SYNC_X86_SREGS) {
		ret = take_sregs(v);
		if (ret)
			return ret;
		run->kvmx_dirty_regs &= ~KVMX_SYNC_X86_SREGS;
	}
	if (dirty & KVMX_SYNC_X86_EVENTS) {
		ret = take_events(v);
		if (ret)
			return ret;
		run->kvmx_dirty_regs &= ~KVMX_SYNC_X86_EVENTS;
	}
	return 0;
}

int x86_run_page_in(struct x86_vcpu *v)
{
	struct kvmx_run *run = v->vcpu.run;
	u64 valid = READ_ONCE(run->kvmx_valid_regs), dirty = READ_ONCE(run->kvmx_dirty_regs);

	if ((valid | dirty) & ~(u64)KVMX_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	v->sync_regs = valid;
	if (unlikely(dirty)) {
		int ret = take_regs(v, dirty);

		if (ret)
			return ret;
	}
	if (!v->lapic && x86_set_cr8(v, READ_ONCE(run->cr8)))
		return -EINVAL;
	return 0;
}

static noinline void give_regs(struct x86_vcpu *v)
{
	struct kvmx_sync_regs *s = &v->vcpu.run->s.regs;

	if (v->sync_regs & KVMX_SYNC_X86_REGS)
		x86_regs_get(v, &s->regs);
	if (v->sync_regs & KVMX_SYNC_X86_SREGS)
		x86_sregs_get(v, &s->sregs);
	if (v->sync_regs & KVMX_SYNC_X86_EVENTS)
		x86_vcpu_events_get(v, &s->events);
}

void x86_run_page_out(struct x86_vcpu *v)
{
	struct kvmx_run *run = v->vcpu.run;

	run->flags = 0;
	run->if_flag = !!(v->rflags & X86_EFLAGS_IF);
	run->cr8 = x86_get_cr8(v);
	run->apic_base = v->apic_base;
	run->ready_for_interrupt_injection =
		READ_ONCE(x86_vm_of(v)->irqchip) || x86_user_may_interrupt(v);
	if (unlikely(v->sync_regs))
		give_regs(v);
}
