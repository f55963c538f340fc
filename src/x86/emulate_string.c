// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulator: string instructions and ports. One call does one iteration, INS
 * and OUTS as many as fit a page and X86_EMU_PIO_MAX; X86_EMU_REPEAT says that
 * the instruction goes on. Called through the opcode tables.
 */
#include <linux/kernel.h>

#include <kvmx/x86_regs.h>
#include "emulate_ops.h"

static u64 counter(const struct emu *c)
{
	return c->e->gpr[X86_RCX] & emu_mask(c->in.addrsize);
}

static u64 pointer(const struct emu *c, unsigned int reg)
{
	return c->e->gpr[reg] & emu_mask(c->in.addrsize);
}

static void advance(struct emu *c, unsigned int reg, u64 elements)
{
	u64 step = elements * c->size;

	if (c->e->rflags & X86_EFLAGS_DF)
		step = -step;
	emu_set_addr(c, reg, c->in.addrsize, c->e->gpr[reg] + step);
}

/* No iteration to do: REP with a counter of 0. */
static bool nothing(const struct emu *c)
{
	return c->in.rep && !counter(c);
}

/* @done iterations are over; @stop: the condition of REPE or REPNE ends it. */
static int iterated(struct emu *c, u64 done, bool stop)
{
	u64 left;

	if (!c->in.rep)
		return X86_EMU_DONE;
	left = counter(c) - done;
	emu_set_addr(c, X86_RCX, c->in.addrsize, left);
	c->repeat = left && !stop;
	return X86_EMU_DONE;
}

/* REPE ends with ZF clear, REPNE with ZF set. */
static bool condition_ends(const struct emu *c)
{
	bool zf = c->e->rflags & X86_EFLAGS_ZF;

	return zf == (c->in.rep == 0xf2);
}

int emu_movs(struct emu *c)
{
	u64 val;
	int ret;

	if (nothing(c))
		return X86_EMU_DONE;
	ret = emu_load(c, c->in.seg, pointer(c, X86_RSI), c->size, &val);
	if (!ret)
		ret = emu_write(c, X86_SEG_ES, pointer(c, X86_RDI), &val, c->size);
	if (ret)
		return ret;
	advance(c, X86_RSI, 1);
	advance(c, X86_RDI, 1);
	return iterated(c, 1, false);
}

int emu_stos(struct emu *c)
{
	int ret;

	if (nothing(c))
		return X86_EMU_DONE;
	ret = emu_write(c, X86_SEG_ES, pointer(c, X86_RDI), &c->e->gpr[X86_RAX], c->size);
	if (ret)
		return ret;
	advance(c, X86_RDI, 1);
	return iterated(c, 1, false);
}

int emu_lods(struct emu *c)
{
	u64 val;
	int ret;

	if (nothing(c))
		return X86_EMU_DONE;
	ret = emu_load(c, c->in.seg, pointer(c, X86_RSI), c->size, &val);
	if (ret)
		return ret;
	emu_set_gpr(c, X86_RAX, c->size, val);
	advance(c, X86_RSI, 1);
	return iterated(c, 1, false);
}

int emu_cmps(struct emu *c)
{
	int ret;

	if (nothing(c))
		return X86_EMU_DONE;
	ret = emu_load(c, c->in.seg, pointer(c, X86_RSI), c->size, &c->dst.val);
	if (!ret)
		ret = emu_load(c, X86_SEG_ES, pointer(c, X86_RDI), c->size, &c->src.val);
	if (ret)
		return ret;
	emu_sub(c);
	advance(c, X86_RSI, 1);
	advance(c, X86_RDI, 1);
	return iterated(c, 1, condition_ends(c));
}

int emu_scas(struct emu *c)
{
	int ret;

	if (nothing(c))
		return X86_EMU_DONE;
	ret = emu_load(c, X86_SEG_ES, pointer(c, X86_RDI), c->size, &c->src.val);
	if (ret)
		return ret;
	c->dst.val = emu_gpr(c, X86_RAX, c->size);
	emu_sub(c);
	advance(c, X86_RDI, 1);
	return iterated(c, 1, condition_ends(c));
}

/* Whether the port may be used: by IOPL, or by the TSS (Intel SDM, "I/O Permission Bit Map"). */
static int check_port(struct emu *c, u16 port, unsigned int size)
{
	const struct x86_segment *tr = &c->e->seg[X86_SEG_TR];
	u64 map, mask = BIT_ULL(size) - 1;
	u16 offset, bits;
	int ret;

	if (!(c->e->cr0 & X86_CR0_PE))
		return X86_EMU_DONE;
	if (!(c->e->rflags & X86_EFLAGS_VM) && emu_cpl(c) <= emu_iopl(c))
		return X86_EMU_DONE;
	/* Types 9 and 11: a TSS of 32 or 64 bits. */
	if (!(tr->attr & X86_ATTR_P) || (tr->attr & 0x1d) != 9 || tr->limit < 103)
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (!c->e->ops->read)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->read(c->e, tr->base + 102, &offset, 2, X86_WALK_IMPLICIT);
	if (ret)
		return ret;
	map = offset + port / 8;
	if (map + 1 > tr->limit)
		return emu_raise_error(c, X86_EXC_GP, 0);
	ret = c->e->ops->read(c->e, tr->base + map, &bits, 2, X86_WALK_IMPLICIT);
	if (ret)
		return ret;
	if (bits >> (port & 7) & mask)
		return emu_raise_error(c, X86_EXC_GP, 0);
	return X86_EMU_DONE;
}

/* Ports have no 64-bit operands. */
static void port_size(struct emu *c)
{
	if (c->size == 8)
		c->size = 4;
}

/*
 * How many elements of a REP INS or OUTS one call moves: upwards, within the page of
 * @addr, one if a trap comes after each.
 */
static unsigned int batch(const struct emu *c, u64 addr, u64 segment_base)
{
	u64 page = 0x1000 - ((segment_base + addr) & 0xfff);
	u64 n = min_t(u64, page, X86_EMU_PIO_MAX) / c->size;
	u64 room = (emu_mask(c->in.addrsize) - addr) / c->size;

	if (!c->in.rep || (c->e->rflags & (X86_EFLAGS_DF | X86_EFLAGS_TF)))
		return 1;
	return max_t(u64, 1, min3(n, room, counter(c)));
}

int emu_ins(struct emu *c)
{
	u64 addr = pointer(c, X86_RDI), linear;
	u16 port = c->e->gpr[X86_RDX];
	u8 buf[X86_EMU_PIO_MAX];
	unsigned int n;
	int ret;

	port_size(c);
	ret = check_port(c, port, c->size);
	if (ret || nothing(c))
		return ret;
	n = batch(c, addr, emu_64(c) ? 0 : c->e->seg[X86_SEG_ES].base);
	ret = emu_linear(c, X86_SEG_ES, addr, n * c->size, X86_WALK_WRITE, &linear);
	if (ret && n > 1) {
		/* The limit may cut the batch: element by element to where it does. */
		n = 1;
		ret = emu_linear(c, X86_SEG_ES, addr, c->size, X86_WALK_WRITE, &linear);
	}
	if (!ret && c->e->ops->probe)
		ret = c->e->ops->probe(c->e, linear, n * c->size, X86_WALK_WRITE);
	if (ret)
		return ret;
	if (!c->e->ops->pio_in || !c->e->ops->write)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->pio_in(c->e, port, c->size, buf, n);
	if (!ret)
		ret = c->e->ops->write(c->e, linear, buf, n * c->size, X86_WALK_WRITE);
	if (ret)
		return ret;
	advance(c, X86_RDI, n);
	return iterated(c, n, false);
}

int emu_outs(struct emu *c)
{
	const struct x86_segment *s = &c->e->seg[c->in.seg];
	bool flat = emu_64(c) && c->in.seg < X86_SEG_FS;
	u64 addr = pointer(c, X86_RSI);
	u16 port = c->e->gpr[X86_RDX];
	u8 buf[X86_EMU_PIO_MAX];
	unsigned int n;
	int ret;

	port_size(c);
	ret = check_port(c, port, c->size);
	if (ret || nothing(c))
		return ret;
	n = batch(c, addr, flat ? 0 : s->base);
	ret = emu_read(c, c->in.seg, addr, buf, n * c->size);
	if (ret == X86_EMU_FAULT && n > 1) {
		n = 1;
		ret = emu_read(c, c->in.seg, addr, buf, c->size);
	}
	if (ret)
		return ret;
	if (!c->e->ops->pio_out)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->pio_out(c->e, port, c->size, buf, n);
	if (ret)
		return ret;
	advance(c, X86_RSI, n);
	return iterated(c, n, false);
}

/* The port: an immediate byte, or DX (opcode bit 3). */
static u16 port_of(const struct emu *c)
{
	return c->in.opcode & 8 ? c->e->gpr[X86_RDX] : c->in.imm & 0xff;
}

int emu_in(struct emu *c)
{
	u32 val = 0;
	int ret;

	port_size(c);
	ret = check_port(c, port_of(c), c->size);
	if (ret)
		return ret;
	if (!c->e->ops->pio_in)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->pio_in(c->e, port_of(c), c->size, &val, 1);
	if (!ret)
		emu_set_gpr(c, X86_RAX, c->size, val);
	return ret;
}

int emu_out(struct emu *c)
{
	u32 val = c->e->gpr[X86_RAX];
	int ret;

	port_size(c);
	ret = check_port(c, port_of(c), c->size);
	if (ret)
		return ret;
	if (!c->e->ops->pio_out)
		return X86_EMU_UNHANDLED;
	return c->e->ops->pio_out(c->e, port_of(c), c->size, &val, 1);
}
