// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task switch that the guest's CPU would make, and leaves to us: what has
 * brought it about, and what comes of that event. The switch itself is
 * emulate_task.c's. Called by exit.c.
 */
#include <linux/kernel.h>
#include <kvmx/arch.h>

#include "emulate_vcpu.h"

/* The new task is the delivery of what was on its way in. */
static void task_delivered(struct x86_vcpu *v)
{
	switch (v->exit.vectoring.type) {
	case X86_EVENT_NMI:
		v->ev.nmi_injected = false;
		v->nmi_masked = true;
		break;
	case X86_EVENT_INTR:
	case X86_EVENT_SOFT_INT:
		v->ev.irq_injected = -1;
		break;
	case X86_EVENT_EXCEPTION:
	case X86_EVENT_SOFT_EXC:
		v->ev.exception.type = X86_EVENT_NONE;
		v->ev.exception_injected = false;
		break;
	}
}

/* Local breakpoints are the old task's (Intel SDM volume 3, "Debug Control Register (DR7)"). */
static void task_arrived(struct x86_vcpu *v, u8 source)
{
	const u64 local = 0x155;	/* L0 to L3, LE */

	if (x86_state(v, X86_STATE_DRS)->dr7 & local)
		x86_state_dirty(v, X86_STATE_DRS)->dr7 &= ~local;
	/* An NMI's handler may be a task, and this its end. */
	if (source == X86_TASK_IRET)
		v->nmi_masked = false;
}

enum run_next x86_task_switch(struct x86_vcpu *v, u8 insn_len)
{
	const struct x86_exit *exit = &v->exit;
	bool software = exit->vectoring.type == X86_EVENT_SOFT_INT ||
			exit->vectoring.type == X86_EVENT_SOFT_EXC;
	struct x86_emu_task task = {
		.selector = exit->task.selector, .source = exit->task.reason,
		.software = software, .vector = exit->vectoring.vector,
		.has_error = exit->task.has_error, .error = exit->task.error,
		.insn_len = insn_len,
	};
	struct x86_emu_ctx *ctx = v->emu;
	int ret;

	x86_emu_begin(ctx, v, false);
	x86_emu_forget(&v->io);
	ret = x86_emu_task_switch(&ctx->emu, &task);
	/* A TSS in device memory: nobody could answer for it. */
	x86_emu_forget(&v->io);
	if (task.switched) {
		x86_emu_commit(ctx);
		task_delivered(v);
		task_arrived(v, task.source);
	}
	switch (ret) {
	case X86_EMU_DONE:
		if (task.trap)
			x86_raise_debug(v, X86_DR6_BT);
		return RUN_LEAVE;
	case X86_EMU_FAULT:
		x86_emu_deliver(ctx);
		return RUN_LEAVE;
	case X86_EMU_RETRY:
		if (!task.switched)
			return RUN_LEAVE;
		fallthrough;
	default:
		return x86_internal_error(v, KVMX_INTERNAL_ERROR_EMULATION);
	}
}
