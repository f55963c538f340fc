// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's frame: fetch, operands, segment checks, write-back, and the
 * roll-back of an instruction that does not end. The handlers are in
 * emulate_<group>.c, the opcode tables in decode.c. Called by mmio.c.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <kvmx/x86_regs.h>
#include "emulate_ops.h"

#define AGAIN_MAX	8

/* What an instruction that does not end gives back. */
struct emu_saved {
	u64 gpr[X86_GPRS];
	u64 rip, rflags;
	struct x86_segment seg[X86_SEGS];
	struct x86_table gdt, idt;
};

static void emu_save(struct emu_saved *s, const struct x86_emu *e)
{
	memcpy(s->gpr, e->gpr, sizeof(s->gpr));
	memcpy(s->seg, e->seg, sizeof(s->seg));
	s->rip = e->rip;
	s->rflags = e->rflags;
	s->gdt = e->gdt;
	s->idt = e->idt;
}

static void emu_restore(const struct emu_saved *s, struct x86_emu *e)
{
	memcpy(e->gpr, s->gpr, sizeof(s->gpr));
	memcpy(e->seg, s->seg, sizeof(s->seg));
	e->rip = s->rip;
	e->rflags = s->rflags;
	e->gdt = s->gdt;
	e->idt = s->idt;
	e->changed = 0;
	e->int_shadow = false;
}

int x86_emu_raise(struct x86_emu *e, u8 vector)
{
	e->exc = (struct x86_event) { .type = X86_EVENT_EXCEPTION, .vector = vector };
	return X86_EMU_FAULT;
}

int x86_emu_raise_error(struct x86_emu *e, u8 vector, u32 error)
{
	x86_emu_raise(e, vector);
	/* Exceptions of real mode carry no error code. */
	e->exc.has_error = e->cr0 & X86_CR0_PE;
	e->exc.error = e->exc.has_error ? error : 0;
	return X86_EMU_FAULT;
}

int x86_emu_raise_page_fault(struct x86_emu *e, u64 linear, u32 error)
{
	e->exc_payload = linear;
	return x86_emu_raise_error(e, X86_EXC_PF, error);
}

int emu_raise(struct emu *c, u8 vector)
{
	return x86_emu_raise(c->e, vector);
}

int emu_raise_error(struct emu *c, u8 vector, u32 error)
{
	return x86_emu_raise_error(c->e, vector, error);
}

enum x86_insn_mode x86_emu_mode(const struct x86_emu *e)
{
	u16 attr = e->seg[X86_SEG_CS].attr;

	if (e->rflags & X86_EFLAGS_VM)
		return X86_MODE_16;
	if ((e->efer & X86_EFER_LMA) && (attr & X86_ATTR_L))
		return X86_MODE_64;
	return attr & X86_ATTR_DB ? X86_MODE_32 : X86_MODE_16;
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
static bool emu_high_byte(const struct emu *c, unsigned int reg, unsigned int size)
{
	return size == 1 && !c->in.rex && reg >= 4 && reg < 8;
}

u64 emu_gpr(const struct emu *c, unsigned int reg, unsigned int size)
{
	if (emu_high_byte(c, reg, size))
		return c->e->gpr[reg - 4] >> 8 & 0xff;
	return c->e->gpr[reg] & emu_mask(size);
}

void emu_set_addr(struct emu *c, unsigned int reg, unsigned int size, u64 val)
{
	u64 *gpr = &c->e->gpr[reg];

	if (size >= 4)
		*gpr = val & emu_mask(size);
	else
		*gpr = (*gpr & ~emu_mask(size)) | (val & emu_mask(size));
}

void emu_set_gpr(struct emu *c, unsigned int reg, unsigned int size, u64 val)
{
	if (emu_high_byte(c, reg, size)) {
		u64 *gpr = &c->e->gpr[reg - 4];

		*gpr = (*gpr & ~0xff00ull) | (val & 0xff) << 8;
	} else {
		emu_set_addr(c, reg, size, val);
	}
}

u64 emu_ea(const struct emu *c)
{
	return x86_insn_address(&c->in, c->e->gpr, c->e->rip);
}

bool emu_canonical(const struct emu *c, u64 addr)
{
	unsigned int shift = c->e->cr4 & X86_CR4_LA57 ? 7 : 16;

	return (u64)((s64)(addr << shift) >> shift) == addr;
}

/* Limit and type of a legacy segment (Intel SDM, "Limit Checking", "Type Checking"). */
static bool emu_segment_allows(const struct emu *c, unsigned int seg, u64 off, unsigned int len,
			       u32 access)
{
	const struct x86_segment *s = &c->e->seg[seg];
	bool code = s->attr & 8, rw = s->attr & 2;
	bool down = (s->attr & 0xc) == 4 && !(access & X86_WALK_EXEC);
	u64 last = off + len - 1;

	if (emu_protected(c)) {
		if (!(s->attr & X86_ATTR_P))
			return false;
		if ((access & X86_WALK_WRITE) && (code || !rw))
			return false;
		if (!(access & (X86_WALK_WRITE | X86_WALK_EXEC)) && code && !rw)
			return false;
	}
	if (down)
		return off > s->limit && last <= (s->attr & X86_ATTR_DB ? U32_MAX : 0xffff);
	return last <= s->limit;
}

int emu_linear(struct emu *c, unsigned int seg, u64 off, unsigned int len, u32 access,
	       u64 *linear)
{
	const struct x86_segment *s = &c->e->seg[seg];
	u8 vector = seg == X86_SEG_SS ? X86_EXC_SS : X86_EXC_GP;

	if (emu_64(c)) {
		*linear = off;
		if (seg == X86_SEG_FS || seg == X86_SEG_GS)
			*linear += s->base;
		if (!emu_canonical(c, *linear) || !emu_canonical(c, *linear + len - 1))
			return emu_raise_error(c, vector, 0);
	} else {
		if (!emu_segment_allows(c, seg, off, len, access))
			return emu_raise_error(c, vector, 0);
		*linear = (u32)(s->base + off);
	}
	if ((c->e->rflags & X86_EFLAGS_AC) && (c->e->cr0 & X86_CR0_AM) && emu_cpl(c) == 3 &&
	    len <= 8 && (*linear & (len - 1)) && !(len & (len - 1)))
		return emu_raise_error(c, X86_EXC_AC, 0);
	return X86_EMU_DONE;
}

static int emu_read_linear(struct emu *c, u64 linear, void *buf, unsigned int len, u32 access)
{
	if (!c->e->ops->read)
		return X86_EMU_UNHANDLED;
	return c->e->ops->read(c->e, linear, buf, len, access);
}

int emu_read(struct emu *c, unsigned int seg, u64 off, void *buf, unsigned int len)
{
	u64 linear;
	int ret = emu_linear(c, seg, off, len, X86_WALK_READ, &linear);

	return ret ? ret : emu_read_linear(c, linear, buf, len, X86_WALK_READ);
}

int emu_write(struct emu *c, unsigned int seg, u64 off, const void *buf, unsigned int len)
{
	u64 linear;
	int ret = emu_linear(c, seg, off, len, X86_WALK_WRITE, &linear);

	if (ret)
		return ret;
	if (!c->e->ops->write)
		return X86_EMU_UNHANDLED;
	return c->e->ops->write(c->e, linear, buf, len, X86_WALK_WRITE);
}

int emu_load(struct emu *c, unsigned int seg, u64 off, unsigned int size, u64 *val)
{
	*val = 0;
	return emu_read(c, seg, off, val, size);
}

bool emu_cond(u64 rflags, unsigned int cc)
{
	bool cf = rflags & X86_EFLAGS_CF, zf = rflags & X86_EFLAGS_ZF;
	bool sf = rflags & X86_EFLAGS_SF, of = rflags & X86_EFLAGS_OF;
	bool hit = false;

	switch (cc >> 1 & 7) {
	case 0:
		hit = of;
		break;
	case 1:
		hit = cf;
		break;
	case 2:
		hit = zf;
		break;
	case 3:
		hit = cf || zf;
		break;
	case 4:
		hit = sf;
		break;
	case 5:
		hit = rflags & X86_EFLAGS_PF;
		break;
	case 6:
		hit = sf != of;
		break;
	case 7:
		hit = zf || sf != of;
		break;
	}
	return hit != (cc & 1);
}

static void emu_operand_reg(struct emu_operand *o, unsigned int reg)
{
	o->kind = OPERAND_GPR;
	o->reg = reg;
}

static void emu_operand_rm(struct emu *c, struct emu_operand *o)
{
	if (c->in.mem) {
		o->kind = OPERAND_MEM;
		o->addr = emu_ea(c);
	} else {
		emu_operand_reg(o, c->in.rm);
	}
}

static unsigned int emu_opcode_reg(const struct emu *c)
{
	return (c->in.opcode & 7) | (c->in.rex << 3 & 8);
}

static void emu_setup_operands(struct emu *c)
{
	u32 flags = c->in.flags;

	c->size = flags & F_BYTE ? 1 : c->in.opsize;
	c->dst = (struct emu_operand) { .size = c->size };
	c->src = (struct emu_operand) { .size = c->size };

	switch (flags & D_MASK) {
	case D_RM:
		emu_operand_rm(c, &c->dst);
		break;
	case D_REG:
		emu_operand_reg(&c->dst, c->in.reg);
		break;
	case D_ACC:
		emu_operand_reg(&c->dst, X86_RAX);
		break;
	case D_OPREG:
		emu_operand_reg(&c->dst, emu_opcode_reg(c));
		break;
	}

	if (flags & (F_SRC8 | F_SRC16 | F_SRC32))
		c->src.size = flags & F_SRC8 ? 1 : flags & F_SRC16 ? 2 : 4;
	switch (flags & S_MASK) {
	case S_RM:
		emu_operand_rm(c, &c->src);
		break;
	case S_REG:
		emu_operand_reg(&c->src, c->in.reg);
		break;
	case S_ACC:
		emu_operand_reg(&c->src, X86_RAX);
		break;
	case S_OPREG:
		emu_operand_reg(&c->src, emu_opcode_reg(c));
		break;
	case S_IMM:
		c->src.kind = OPERAND_VALUE;
		c->src.val = c->in.imm & emu_mask(c->size);
		break;
	case S_ONE:
		c->src.kind = OPERAND_VALUE;
		c->src.val = 1;
		break;
	case S_CL:
		c->src.kind = OPERAND_VALUE;
		c->src.val = c->e->gpr[X86_RCX] & 0xff;
		break;
	}
}

/* BT and its kin with a register: the bit may lie anywhere around the operand. */
static void emu_bit_address(struct emu *c)
{
	s64 bit = emu_sext(c->src.val, c->size);

	if (c->in.map != X86_MAP_0F || (c->in.opcode & 0xe7) != 0xa3 ||
	    c->dst.kind != OPERAND_MEM)
		return;
	c->dst.addr += (bit >> (c->size == 2 ? 4 : c->size == 4 ? 5 : 6)) * c->size;
	c->dst.addr &= emu_mask(c->in.addrsize);
}

static int emu_load_operand(struct emu *c, struct emu_operand *o, u32 access)
{
	int ret;

	if (o->kind == OPERAND_GPR) {
		o->val = emu_gpr(c, o->reg, o->size);
	} else if (o->kind == OPERAND_MEM) {
		ret = emu_linear(c, c->in.seg, o->addr, o->size, access, &o->linear);
		if (ret)
			return ret;
		ret = emu_read_linear(c, o->linear, &o->val, o->size, access);
		if (ret)
			return ret;
	}
	o->old = o->val;
	return X86_EMU_DONE;
}

static int emu_store_dst(struct emu *c)
{
	struct emu_operand *d = &c->dst;
	int ret;

	d->val &= emu_mask(d->size);
	if (d->kind == OPERAND_GPR) {
		emu_set_gpr(c, d->reg, d->size, d->val);
		return X86_EMU_DONE;
	}
	if (d->kind != OPERAND_MEM)
		return X86_EMU_DONE;
	if (c->in.flags & F_MOV)
		return emu_write(c, c->in.seg, d->addr, &d->val, d->size);
	if (c->in.lock || (c->in.flags & F_XCHG)) {
		u64 found = d->old;

		if (!c->e->ops->cmpxchg)
			return X86_EMU_UNHANDLED;
		ret = c->e->ops->cmpxchg(c->e, d->linear, &found, &d->val, d->size);
		if (ret)
			return ret;
		return found == d->old ? X86_EMU_DONE : EMU_AGAIN;
	}
	if (!c->e->ops->write)
		return X86_EMU_UNHANDLED;
	return c->e->ops->write(c->e, d->linear, &d->val, d->size, X86_WALK_WRITE);
}

static int emu_execute(struct emu *c)
{
	u32 flags = c->in.flags;
	int ret;

	c->write_src = c->skip_write = c->repeat = false;
	c->next = c->e->rip + c->in.len;
	if (!emu_64(c))
		c->next = (u32)c->next;
	emu_setup_operands(c);

	ret = emu_load_operand(c, &c->src, X86_WALK_READ);
	if (ret)
		return ret;
	emu_bit_address(c);
	if (!(flags & F_MOV)) {
		ret = emu_load_operand(c, &c->dst,
				       flags & F_NOWRITE ? X86_WALK_READ : X86_WALK_WRITE);
		if (ret)
			return ret;
	}

	ret = c->in.fn(c);
	if (ret)
		return ret;

	if (c->write_src)
		emu_set_gpr(c, c->src.reg, c->src.size, c->src.val);
	if (!(flags & F_NOWRITE) && !c->skip_write)
		return emu_store_dst(c);
	return X86_EMU_DONE;
}

/* Gets more of the instruction: up to the end of a page, and of what CS allows. */
static int emu_fetch(struct emu *c)
{
	struct x86_emu *e = c->e;
	u64 ip = e->rip + e->nr_bytes, linear = ip;
	u64 n = X86_INSN_MAX - e->nr_bytes;
	int ret;

	if (!e->ops->fetch)
		return X86_EMU_UNHANDLED;
	if (emu_64(c)) {
		if (!emu_canonical(c, ip))
			return emu_raise_error(c, X86_EXC_GP, 0);
	} else {
		ip = (u32)ip;
		if (!emu_segment_allows(c, X86_SEG_CS, ip, 1, X86_WALK_EXEC))
			return emu_raise_error(c, X86_EXC_GP, 0);
		n = min(n, e->seg[X86_SEG_CS].limit - ip + 1);
		linear = (u32)(e->seg[X86_SEG_CS].base + ip);
	}
	n = min_t(u64, n, 0x1000 - (linear & 0xfff));
	ret = e->ops->fetch(e, linear, e->bytes + e->nr_bytes, n);
	if (!ret)
		e->nr_bytes += n;
	return ret;
}

static int emu_decode(struct emu *c)
{
	struct x86_emu *e = c->e;
	enum x86_insn_mode mode = x86_emu_mode(e);
	int ret;

	e->nr_bytes = min_t(u8, e->nr_bytes, X86_INSN_MAX);
	c->in.mode = mode;
	for (;;) {
		ret = x86_decode(&c->in, e->bytes, e->nr_bytes, mode);
		if (ret != X86_DECODE_MORE)
			break;
		ret = emu_fetch(c);
		if (ret)
			return ret;
	}
	e->insn_len = c->in.len;
	switch (ret) {
	case X86_DECODE_OK:
		break;
	case X86_DECODE_LONG:
		return emu_raise_error(c, X86_EXC_GP, 0);
	case X86_DECODE_INVALID:
		return emu_raise(c, X86_EXC_UD);
	default:
		return X86_EMU_UNHANDLED;
	}
	if (mode != X86_MODE_64 &&
	    !emu_segment_allows(c, X86_SEG_CS, (u32)e->rip, c->in.len, X86_WALK_EXEC))
		return emu_raise_error(c, X86_EXC_GP, 0);
	return X86_EMU_DONE;
}

static int emu_check(struct emu *c)
{
	u32 flags = c->in.flags;

	if (!c->in.fn)
		return X86_EMU_UNHANDLED;
	if (c->in.lock && (!(flags & F_LOCK) || !c->in.mem))
		return emu_raise(c, X86_EXC_UD);
	if ((flags & F_PRIV) && emu_cpl(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	return X86_EMU_DONE;
}

/* What to say when nothing was done: REPEAT is not for ops to say. */
static int emu_unfinished(int ret)
{
	return ret == EMU_AGAIN || ret == X86_EMU_REPEAT ? X86_EMU_RETRY : ret;
}

int x86_emulate(struct x86_emu *e)
{
	bool tf = e->rflags & X86_EFLAGS_TF;
	struct emu c = { .e = e };
	struct emu_saved saved;
	int ret, tries = 0;

	e->insn_len = 0;
	e->changed = 0;
	e->int_shadow = e->single_step = false;
	e->exc = (struct x86_event) { .type = X86_EVENT_NONE };

	ret = emu_decode(&c);
	if (!ret)
		ret = emu_check(&c);
	if (ret)
		return emu_unfinished(ret);

	emu_save(&saved, e);
	for (;;) {
		ret = emu_execute(&c);
		if (!ret)
			break;
		emu_restore(&saved, e);
		if (ret != EMU_AGAIN || ++tries == AGAIN_MAX)
			return emu_unfinished(ret);
	}
	/* No single-step trap in the shadow of a load of SS. */
	e->single_step = tf && !(e->int_shadow && (e->changed & X86_EMU_SEGS));
	if (c.repeat)
		return X86_EMU_REPEAT;
	e->rip = c.next;
	e->rflags &= ~X86_EFLAGS_RF;
	return X86_EMU_DONE;
}
