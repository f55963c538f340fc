/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The emulator bound to a vCPU: mmio.c, and what task_switch.c uses of it.
 */
#ifndef KVMX_X86_EMULATE_VCPU_H
#define KVMX_X86_EMULATE_VCPU_H

#include "run.h"
#include "emulate.h"

struct x86_emu_ctx {
	struct x86_emu emu;
	struct x86_linear linear;
	bool handed_out;	/* run holds a question to user space */
};

/* The vCPU's state to v->emu, and back. */
void x86_emu_begin(struct x86_emu_ctx *ctx, struct x86_vcpu *v, bool atomic);
void x86_emu_commit(struct x86_emu_ctx *ctx);
/* Raises what an X86_EMU_FAULT left behind. */
void x86_emu_deliver(struct x86_emu_ctx *ctx);
/* Device accesses that were answered, or wait to be made, are none of the next emulation's. */
void x86_emu_forget(struct x86_io_state *io);

#endif
