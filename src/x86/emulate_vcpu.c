// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator bound to a vCPU: its state, and what instructions do to registers
 * other than the general ones. Called by mmio.c and task_switch.c, and by the
 * emulator through the table of operations.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "emulate_vcpu.h"
#include "cpuid.h"
#include "fpu.h"
#include "lapic.h"
#include "msr.h"
#include "trace.h"

/* The registers that the emulator changed through an op are also its own inputs. */
static void emu_reload(struct x86_emu *e)
{
	const struct x86_state *s = x86_state(emu_vcpu(e), X86_STATE_CRS);

	e->cr0 = s->cr0;
	e->cr4 = s->cr4;
	e->efer = s->efer;
}

static int emu_get_cr(struct x86_emu *e, unsigned int reg, u64 *val)
{
	struct x86_vcpu *v = emu_vcpu(e);
	const struct x86_state *s = x86_state(v, X86_STATE_CRS);

	switch (reg) {
	case 0: *val = s->cr0; break;
	case 2: *val = v->cr2; break;
	case 3: *val = s->cr3; break;
	case 4: *val = s->cr4; break;
	case 8: *val = x86_get_cr8(v); break;
	default: return x86_emu_raise(e, X86_EXC_UD);
	}
	return X86_EMU_DONE;
}

static int emu_set_cr(struct x86_emu *e, unsigned int reg, u64 val)
{
	struct x86_vcpu *v = emu_vcpu(e);
	int ret;

	if (emu_atomic(e))
		return X86_EMU_RETRY;
	switch (reg) {
	case 0: ret = x86_set_cr0(v, val); break;
	case 2: v->cr2 = val; ret = 0; break;
	case 3: ret = x86_set_cr3(v, val); break;
	case 4: ret = x86_set_cr4(v, val); break;
	case 8: ret = x86_move_to_cr8(v, val); break;
	default: return x86_emu_raise(e, X86_EXC_UD);
	}
	if (ret)
		return x86_emu_raise_error(e, X86_EXC_GP, 0);
	emu_reload(e);
	return X86_EMU_DONE;
}

/* DR4 and DR5 are DR6 and DR7, unless CR4.DE makes them undefined (APM volume 2, "DR4 and DR5"). */
static int emu_check_dr(struct x86_emu *e, unsigned int reg)
{
	if (emu_atomic(e))
		return X86_EMU_RETRY;
	if ((reg == 4 || reg == 5) && (e->cr4 & X86_CR4_DE))
		return x86_emu_raise(e, X86_EXC_UD);
	if (x86_get_dr(emu_vcpu(e), 7) & X86_DR7_GD) {
		e->exc_payload = X86_DR6_BD;
		return x86_emu_raise(e, X86_EXC_DB);
	}
	return X86_EMU_DONE;
}

static int emu_get_dr(struct x86_emu *e, unsigned int reg, u64 *val)
{
	int ret = emu_check_dr(e, reg);

	if (ret == X86_EMU_DONE)
		*val = x86_get_dr(emu_vcpu(e), reg);
	return ret;
}

static int emu_set_dr(struct x86_emu *e, unsigned int reg, u64 val)
{
	int ret = emu_check_dr(e, reg);

	if (ret != X86_EMU_DONE)
		return ret;
	if (x86_set_dr(emu_vcpu(e), reg, val))
		return x86_emu_raise_error(e, X86_EXC_GP, 0);
	return X86_EMU_DONE;
}

static int emu_get_msr(struct x86_emu *e, u32 msr, u64 *val)
{
	struct x86_vcpu *v = emu_vcpu(e);
	int ret;

	if (emu_atomic(e))
		return X86_EMU_RETRY;
	ret = x86_msr_allowed(v, msr, false) ? x86_msr_get(v, msr, val, false) : -EPERM;
	trace_kvmx_msr(v, false, msr, val, ret);
	return ret ? x86_emu_raise_error(e, X86_EXC_GP, 0) : X86_EMU_DONE;
}

static int emu_set_msr(struct x86_emu *e, u32 msr, u64 val)
{
	struct x86_vcpu *v = emu_vcpu(e);
	int ret;

	if (emu_atomic(e))
		return X86_EMU_RETRY;
	ret = x86_msr_allowed(v, msr, true) ? x86_msr_set(v, msr, val, false) : -EPERM;
	trace_kvmx_msr(v, true, msr, &val, ret);
	if (ret)
		return x86_emu_raise_error(e, X86_EXC_GP, 0);
	emu_reload(e);
	return X86_EMU_DONE;
}

static int emu_cpuid(struct x86_emu *e, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	x86_cpuid(emu_vcpu(e), eax, ebx, ecx, edx);
	return X86_EMU_DONE;
}

static int emu_hlt(struct x86_emu *e)
{
	struct x86_vcpu *v = emu_vcpu(e);

	if (!v->lapic)
		return X86_EMU_UNHANDLED;
	v->vcpu.stat[KVMX_STAT_HALTS]++;
	v->mp_state = X86_MP_HALTED;
	return X86_EMU_DONE;
}

static int emu_nothing(struct x86_emu *e)
{
	return X86_EMU_DONE;
}

static int emu_invlpg(struct x86_emu *e, u64 addr)
{
	x86_unit->flush_tlb(emu_vcpu(e));
	return X86_EMU_DONE;
}

/* The vector registers are in their area only outside of the window. */
static int emu_read_xmm(struct x86_emu *e, unsigned int reg, void *buf, unsigned int len)
{
	if (emu_atomic(e))
		return X86_EMU_RETRY;
	x86_fpu_get_xmm(emu_vcpu(e), reg, buf, len);
	return X86_EMU_DONE;
}

static int emu_write_xmm(struct x86_emu *e, unsigned int reg, const void *buf, unsigned int len,
			 bool zero_upper)
{
	if (emu_atomic(e))
		return X86_EMU_RETRY;
	x86_fpu_set_xmm(emu_vcpu(e), reg, buf, len, zero_upper);
	return X86_EMU_DONE;
}

static const struct x86_emu_ops emu_ops = {
	.fetch = x86_emu_fetch, .read = x86_emu_read, .write = x86_emu_write, .cmpxchg = x86_emu_cmpxchg,
	.probe = x86_emu_probe, .pio_in = x86_emu_pio_in, .pio_out = x86_emu_pio_out,
	.get_cr = emu_get_cr, .set_cr = emu_set_cr, .get_dr = emu_get_dr, .set_dr = emu_set_dr,
	.get_msr = emu_get_msr, .set_msr = emu_set_msr, .cpuid = emu_cpuid,
	.hlt = emu_hlt, .wbinvd = emu_nothing, .invlpg = emu_invlpg,
	.read_xmm = emu_read_xmm, .write_xmm = emu_write_xmm,
};

void x86_emu_begin(struct x86_emu_ctx *ctx, struct x86_vcpu *v, bool atomic)
{
	const struct x86_state *s = x86_state(v, X86_STATE_CRS | X86_STATE_SEGS |
					      X86_STATE_TABLES);
	struct x86_emu *e = &ctx->emu;

	memset(ctx, 0, sizeof(*ctx));
	ctx->linear.v = v;
	ctx->linear.atomic = atomic;
	e->ops = &emu_ops;
	e->ctx = ctx;
	memcpy(e->gpr, v->gpr, sizeof(e->gpr));
	e->rip = v->rip;
	e->rflags = v->rflags;
	memcpy(e->seg, s->seg, sizeof(e->seg));
	e->gdt = s->gdt;
	e->idt = s->idt;
	e->cr0 = s->cr0;
	e->cr4 = s->cr4;
	e->efer = s->efer;
	e->cpl = x86_cpl(v);
	e->nr_bytes = min_t(u8, v->exit.nr_bytes, sizeof(e->bytes));
	memcpy(e->bytes, v->exit.bytes, e->nr_bytes);
}

void x86_emu_commit(struct x86_emu_ctx *ctx)
{
	struct x86_vcpu *v = ctx->linear.v;
	struct x86_emu *e = &ctx->emu;

	memcpy(v->gpr, e->gpr, sizeof(v->gpr));
	v->rip = e->rip;
	v->rflags = e->rflags;
	if (e->changed & X86_EMU_SEGS)
		memcpy(x86_state_dirty(v, X86_STATE_SEGS)->seg, e->seg, sizeof(e->seg));
	if (e->changed & X86_EMU_TABLES) {
		struct x86_state *s = x86_state_dirty(v, X86_STATE_TABLES);

		s->gdt = e->gdt;
		s->idt = e->idt;
	}
	e->changed = 0;
	v->int_shadow = e->int_shadow;
}

void x86_emu_deliver(struct x86_emu_ctx *ctx)
{
	const struct x86_emu *e = &ctx->emu;
	struct x86_vcpu *v = ctx->linear.v;

	if (e->exc.vector == X86_EXC_PF)
		x86_raise_page_fault(v, e->exc_payload, e->exc.error);
	else if (e->exc.vector == X86_EXC_DB)
		x86_raise_debug(v, e->exc_payload);
	else if (e->exc.has_error)
		x86_raise_error(v, e->exc.vector, e->exc.error);
	else
		x86_raise(v, e->exc.vector);
}
