/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The emulator bound to a vCPU: emulate_vcpu.c, and mmio.c's part of it.
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

static inline struct x86_vcpu *emu_vcpu(struct x86_emu *e)
{
	return ((struct x86_emu_ctx *)e->ctx)->linear.v;
}

static inline bool emu_atomic(struct x86_emu *e)
{
	return ((struct x86_emu_ctx *)e->ctx)->linear.atomic;
}

/* The vCPU's state to v->emu, and back. */
void x86_emu_begin(struct x86_emu_ctx *ctx, struct x86_vcpu *v, bool atomic);
void x86_emu_commit(struct x86_emu_ctx *ctx);
/* Raises what an X86_EMU_FAULT left behind. */
void x86_emu_deliver(struct x86_emu_ctx *ctx);
/* Device accesses that were answered, or wait to be made, are none of the next emulation's. */
void x86_emu_forget(struct x86_io_state *io);

/* mmio.c: operations of struct x86_emu_ops. */
int x86_emu_fetch(struct x86_emu *e, u64 addr, void *buf, unsigned int len);
int x86_emu_read(struct x86_emu *e, u64 addr, void *buf, unsigned int len, u32 access);
int x86_emu_write(struct x86_emu *e, u64 addr, const void *buf, unsigned int len, u32 access);
int x86_emu_cmpxchg(struct x86_emu *e, u64 addr, void *old, const void *new, unsigned int len);
int x86_emu_probe(struct x86_emu *e, u64 addr, unsigned int len, u32 access);
int x86_emu_pio_in(struct x86_emu *e, u16 port, unsigned int size, void *buf, unsigned int count);
int x86_emu_pio_out(struct x86_emu *e, u16 port, unsigned int size, const void *buf,
		    unsigned int count);

#endif
