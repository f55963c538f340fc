// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulator: control and debug registers, MSRs, CPUID and other instructions
 * of the kernel, fences, and the vector moves that meet device memory. The
 * registers themselves are the ops'. Called through the opcode tables.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include <kvmx/x86_regs.h>
#include "emulate_ops.h"

/* MOV CR: 0F 20 reads, 0F 22 writes. A register that there is not is #UD to user code too. */
int emu_mov_cr(struct emu *c)
{
	unsigned int reg = c->in.reg, size = emu_64(c) ? 8 : 4;
	u64 val;
	int ret;

	if (reg != 0 && reg != 2 && reg != 3 && reg != 4 && reg != 8)
		return emu_raise(c, X86_EXC_UD);
	if (emu_cpl(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (c->in.opcode & 2) {
		if (!c->e->ops->set_cr)
			return X86_EMU_UNHANDLED;
		return c->e->ops->set_cr(c->e, reg, emu_gpr(c, c->in.rm, size));
	}
	if (!c->e->ops->get_cr)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->get_cr(c->e, reg, &val);
	if (!ret)
		emu_set_gpr(c, c->in.rm, size, val);
	return ret;
}

/* MOV DR: 0F 21 reads, 0F 23 writes. DR4 and DR5, and DR7.GD, are the ops' matter. */
int emu_mov_dr(struct emu *c)
{
	unsigned int reg = c->in.reg, size = emu_64(c) ? 8 : 4;
	u64 val;
	int ret;

	if (reg > 7)
		return emu_raise(c, X86_EXC_UD);
	if (emu_cpl(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (c->in.opcode & 2) {
		if (!c->e->ops->set_dr)
			return X86_EMU_UNHANDLED;
		return c->e->ops->set_dr(c->e, reg, emu_gpr(c, c->in.rm, size));
	}
	if (!c->e->ops->get_dr)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->get_dr(c->e, reg, &val);
	if (!ret)
		emu_set_gpr(c, c->in.rm, size, val);
	return ret;
}

int emu_smsw(struct emu *c)
{
	if ((c->e->cr4 & X86_CR4_UMIP) && emu_cpl(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (c->in.mem)
		c->dst.size = 2;
	c->dst.val = c->e->cr0;
	return X86_EMU_DONE;
}

/* LMSW sets PE but does not clear it. */
int emu_lmsw(struct emu *c)
{
	u64 low = c->src.val & 0xf;

	if (!c->e->ops->set_cr)
		return X86_EMU_UNHANDLED;
	return c->e->ops->set_cr(c->e, 0, (c->e->cr0 & ~0xeull) | low);
}

int emu_clts(struct emu *c)
{
	if (!c->e->ops->set_cr)
		return X86_EMU_UNHANDLED;
	return c->e->ops->set_cr(c->e, 0, c->e->cr0 & ~X86_CR0_TS);
}

static void set_edx_eax(struct emu *c, u64 val)
{
	c->e->gpr[X86_RAX] = (u32)val;
	c->e->gpr[X86_RDX] = val >> 32;
}

int emu_rdmsr(struct emu *c)
{
	u64 val;
	int ret;

	if (!c->e->ops->get_msr)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->get_msr(c->e, c->e->gpr[X86_RCX], &val);
	if (!ret)
		set_edx_eax(c, val);
	return ret;
}

int emu_wrmsr(struct emu *c)
{
	u64 val = (u32)c->e->gpr[X86_RAX] | c->e->gpr[X86_RDX] << 32;

	if (!c->e->ops->set_msr)
		return X86_EMU_UNHANDLED;
	return c->e->ops->set_msr(c->e, c->e->gpr[X86_RCX], val);
}

/* RDTSC, and RDTSCP, which comes here from group 7. */
int emu_rdtsc(struct emu *c)
{
	u64 tsc, aux = 0;
	int ret;

	if ((c->e->cr4 & X86_CR4_TSD) && emu_cpl(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (!c->e->ops->get_msr)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->get_msr(c->e, X86_MSR_TSC, &tsc);
	if (!ret && c->in.opcode == 0x01)
		ret = c->e->ops->get_msr(c->e, X86_MSR_TSC_AUX, &aux);
	if (ret)
		return ret;
	set_edx_eax(c, tsc);
	if (c->in.opcode == 0x01)
		c->e->gpr[X86_RCX] = (u32)aux;
	return X86_EMU_DONE;
}

int emu_cpuid(struct emu *c)
{
	u32 eax = c->e->gpr[X86_RAX], ecx = c->e->gpr[X86_RCX], ebx = 0, edx = 0;
	int ret;

	if (!c->e->ops->cpuid)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->cpuid(c->e, &eax, &ebx, &ecx, &edx);
	if (ret)
		return ret;
	c->e->gpr[X86_RAX] = eax;
	c->e->gpr[X86_RBX] = ebx;
	c->e->gpr[X86_RCX] = ecx;
	c->e->gpr[X86_RDX] = edx;
	return X86_EMU_DONE;
}

int emu_hlt(struct emu *c)
{
	return c->e->ops->hlt ? c->e->ops->hlt(c->e) : X86_EMU_UNHANDLED;
}

int emu_wbinvd(struct emu *c)
{
	return c->e->ops->wbinvd ? c->e->ops->wbinvd(c->e) : X86_EMU_UNHANDLED;
}

static int swapgs(struct emu *c)
{
	struct x86_segment *gs = &c->e->seg[X86_SEG_GS];
	u64 other;
	int ret;

	if (!emu_64(c))
		return emu_raise(c, X86_EXC_UD);
	if (emu_cpl(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (!c->e->ops->get_msr || !c->e->ops->set_msr)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->get_msr(c->e, X86_MSR_KERNEL_GS_BASE, &other);
	if (!ret)
		ret = c->e->ops->set_msr(c->e, X86_MSR_KERNEL_GS_BASE, gs->base);
	if (ret)
		return ret;
	gs->base = other;
	c->e->changed |= X86_EMU_SEGS;
	return X86_EMU_DONE;
}

/* 0F 01 /7: INVLPG with memory; SWAPGS, RDTSCP and more with a register. */
int emu_grp7_7(struct emu *c)
{
	u64 linear = emu_ea(c);

	if (!c->in.mem) {
		if (c->in.modrm == 0xf8)
			return swapgs(c);
		return c->in.modrm == 0xf9 ? emu_rdtsc(c) : X86_EMU_UNHANDLED;
	}
	if (emu_cpl(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (!c->e->ops->invlpg)
		return X86_EMU_UNHANDLED;
	/* No limit is checked: the address only names a translation. */
	if (!emu_64(c))
		linear = (u32)(linear + c->e->seg[c->in.seg].base);
	else if (c->in.seg >= X86_SEG_FS)
		linear += c->e->seg[c->in.seg].base;
	return c->e->ops->invlpg(c->e, linear);
}

int emu_ud(struct emu *c)
{
	return emu_raise(c, X86_EXC_UD);
}

/* 0F AE: LFENCE, MFENCE, SFENCE; CLFLUSH, CLFLUSHOPT and CLWB, which have nothing to write back. */
int emu_fence(struct emu *c)
{
	unsigned int reg = c->in.reg & 7;
	bool flush = c->in.mem && !c->in.rep &&
		     (reg == 7 || (reg == 6 && c->in.opsize_prefix));
	bool fence = !c->in.mem && reg >= 5 && !c->in.rep && !c->in.opsize_prefix;
	u64 linear;
	int ret;

	if (flush) {
		/* The checks of a load of one byte, but no load. */
		ret = emu_linear(c, c->in.seg, emu_ea(c), 1, X86_WALK_READ, &linear);
		if (!ret && c->e->ops->probe)
			ret = c->e->ops->probe(c->e, linear, 1, X86_WALK_READ);
		return ret;
	}
	if (!fence)
		return X86_EMU_UNHANDLED;
	smp_mb();
	return X86_EMU_DONE;
}

/* A vector move: what lies between memory (or a general register) and the vector register. */
struct move {
	u8 len;			/* bytes moved; 0: not a form we know */
	bool store, aligned;
	bool high;		/* to or from bits 64-127, the rest is kept */
	bool keep;		/* a load that keeps the rest of the register */
	bool gpr;		/* the other side may be a general register */
	bool reg;		/* the other side may be a vector register */
};

/* Mandatory prefix: 0 none, 1 66, 2 F3, 3 F2. */
static unsigned int prefix(const struct x86_insn *in)
{
	if (in->rep)
		return in->rep == 0xf3 ? 2 : 3;
	return in->opsize_prefix;
}

/* "MOVUPS", "MOVDQA" and the others of Intel SDM volume 2, by opcode and prefix. */
static struct move classify(const struct x86_insn *in)
{
	unsigned int p = prefix(in), full = in->vex && in->vex_l ? 32 : 16;
	struct move m = { .store = in->opcode & 1 };

	switch (in->opcode) {
	case 0x10: case 0x11:
		m.len = p < 2 ? full : p == 2 ? 4 : 8;
		m.reg = p < 2;
		break;
	case 0x12: case 0x13: case 0x16: case 0x17:
		m.len = p < 2 && !in->vex ? 8 : 0;
		m.high = in->opcode & 4;
		m.keep = true;
		break;
	case 0x28: case 0x29:
		m.len = p < 2 ? full : 0;
		m.aligned = m.reg = true;
		break;
	case 0x2b:
		m.len = p < 2 ? full : 0;
		m.aligned = true;
		break;
	case 0x2a:		/* MOVNTDQA, 0F 38 */
		m.len = p == 1 ? full : 0;
		m.aligned = true;
		break;
	case 0x6f: case 0x7f:
		m.store = in->opcode == 0x7f;
		m.len = p == 1 || p == 2 ? full : 0;
		m.aligned = p == 1;
		m.reg = true;
		break;
	case 0x6e:
		m.len = p == 1 ? (in->mode == X86_MODE_64 && (in->rex & 8) ? 8 : 4) : 0;
		m.gpr = true;
		break;
	case 0x7e:
		m.store = p == 1;
		m.gpr = m.store;
		m.reg = !m.store;
		if (p == 1 || p == 2)
			m.len = p == 2 || (in->mode == X86_MODE_64 && (in->rex & 8)) ? 8 : 4;
		break;
	case 0xd6:
		m.store = m.reg = true;
		m.len = p == 1 ? 8 : 0;
		break;
	case 0xe7:
		m.store = m.aligned = true;
		m.len = p == 1 ? full : 0;
		break;
	case 0xf0:		/* LDDQU */
		m.len = p == 3 ? full : 0;
		break;
	}
	if (in->vex && in->vex_l && m.len < 16)
		m.len = 0;
	if (!in->mem && !m.gpr && !m.reg)
		m.len = 0;
	return m;
}

static int vector_available(struct emu *c)
{
	if (!c->in.vex && ((c->e->cr0 & X86_CR0_EM) || !(c->e->cr4 & X86_CR4_OSFXSR)))
		return emu_raise(c, X86_EXC_UD);
	if (c->in.vex && (!emu_protected(c) || !(c->e->cr4 & X86_CR4_OSXSAVE) || c->in.vex_vvvv))
		return emu_raise(c, X86_EXC_UD);
	if (c->e->cr0 & X86_CR0_TS)
		return emu_raise(c, X86_EXC_NM);
	if (!c->e->ops->read_xmm || !c->e->ops->write_xmm)
		return X86_EMU_UNHANDLED;
	return X86_EMU_DONE;
}

static int move_load(struct emu *c, const struct move *m)
{
	unsigned int len = max_t(unsigned int, m->len, 16);
	u8 buf[32] = {};
	int ret;

	if (m->keep) {
		ret = c->e->ops->read_xmm(c->e, c->in.reg, buf, 16);
		if (ret)
			return ret;
	}
	if (c->in.mem) {
		ret = emu_read(c, c->in.seg, emu_ea(c), buf + (m->high ? 8 : 0), m->len);
	} else if (m->gpr) {
		memcpy(buf, &c->e->gpr[c->in.rm], m->len);
		ret = X86_EMU_DONE;
	} else {
		ret = c->e->ops->read_xmm(c->e, c->in.rm, buf, len);
		if (m->len < 16)
			memset(buf + m->len, 0, 16 - m->len);
	}
	if (ret)
		return ret;
	return c->e->ops->write_xmm(c->e, c->in.reg, buf, len, c->in.vex);
}

static int move_store(struct emu *c, const struct move *m)
{
	unsigned int len = max_t(unsigned int, m->len, 16);
	u8 buf[32];
	u64 val = 0;
	int ret;

	ret = c->e->ops->read_xmm(c->e, c->in.reg, buf, len);
	if (ret)
		return ret;
	if (c->in.mem)
		return emu_write(c, c->in.seg, emu_ea(c), buf + (m->high ? 8 : 0), m->len);
	if (m->gpr) {
		memcpy(&val, buf, m->len);
		emu_set_gpr(c, c->in.rm, m->len, val);
		return X86_EMU_DONE;
	}
	if (m->len < 16)
		memset(buf + m->len, 0, 16 - m->len);
	return c->e->ops->write_xmm(c->e, c->in.rm, buf, len, c->in.vex);
}

int emu_movv(struct emu *c)
{
	struct move m = classify(&c->in);
	u64 linear;
	int ret;

	if (!m.len)
		return X86_EMU_UNHANDLED;
	ret = vector_available(c);
	if (ret)
		return ret;
	if (c->in.mem && m.aligned) {
		ret = emu_linear(c, c->in.seg, emu_ea(c), m.len,
				 m.store ? X86_WALK_WRITE : X86_WALK_READ, &linear);
		if (ret)
			return ret;
		if (linear & (m.len - 1))
			return emu_raise_error(c, X86_EXC_GP, 0);
	}
	return m.store ? move_store(c, &m) : move_load(c, &m);
}
