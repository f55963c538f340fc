// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulator: segment registers, descriptors, far transfers that stay at one
 * privilege level, and the descriptor-table registers (Intel SDM volume 3,
 * "Protected-Mode Memory Management"). Called through the opcode tables.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <kvmx/x86_regs.h>
#include "emulate_ops.h"

#define TYPE_ACCESSED	1
#define TYPE_RW		2	/* code: readable, data: writable */
#define TYPE_CONFORM	4
#define TYPE_CODE	8

/* Reads the descriptor that @selector names; *linear is where it lies. */
int emu_read_descriptor(struct emu *c, u16 selector, u64 *desc, u64 *linear)
{
	const struct x86_segment *ldt = &c->e->seg[X86_SEG_LDTR];
	u64 base = c->e->gdt.base;
	u32 limit = c->e->gdt.limit;

	if (selector & 4) {
		if (!(ldt->attr & X86_ATTR_P))
			return emu_raise_error(c, X86_EXC_GP, selector & ~3);
		base = ldt->base;
		limit = ldt->limit;
	}
	if ((selector | 7) > limit)
		return emu_raise_error(c, X86_EXC_GP, selector & ~3);
	if (!c->e->ops->read)
		return X86_EMU_UNHANDLED;
	*linear = base + (selector & ~7);
	if (!(c->e->efer & X86_EFER_LMA))
		*linear = (u32)*linear;
	return c->e->ops->read(c->e, *linear, desc, 8, X86_WALK_IMPLICIT);
}

void emu_unpack_descriptor(u64 desc, u16 selector, struct x86_segment *s)
{
	s->selector = selector;
	s->attr = (desc >> 40 & 0xff) | (desc >> 44 & 0xf00);
	s->base = (desc >> 16 & 0xffffff) | (desc >> 32 & 0xff000000);
	s->limit = (desc & 0xffff) | (desc >> 32 & 0xf0000);
	if (s->attr & X86_ATTR_G)
		s->limit = s->limit << 12 | 0xfff;
}

/* Sets the accessed bit of a descriptor that was loaded. */
static int mark_accessed(struct emu *c, u64 linear, struct x86_segment *s)
{
	u8 old = s->attr, new = old | TYPE_ACCESSED, found = old;
	int ret;

	if (old & TYPE_ACCESSED)
		return X86_EMU_DONE;
	s->attr |= TYPE_ACCESSED;
	if (!c->e->ops->cmpxchg)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->cmpxchg(c->e, linear + 5, &found, &new, 1);
	if (!ret && found != old)
		return EMU_AGAIN;
	return ret;
}

static void load_selector(struct emu *c, unsigned int seg, u16 selector)
{
	struct x86_segment *s = &c->e->seg[seg];

	s->selector = selector;
	s->base = (u32)selector << 4;
	if (c->e->rflags & X86_EFLAGS_VM) {
		s->limit = 0xffff;
		s->attr = 0xf3;
	}
	c->e->changed |= X86_EMU_SEGS;
}

/* Null selectors: nothing for SS, except in the kernel of 64-bit mode. */
static int load_null(struct emu *c, unsigned int seg, u16 selector)
{
	struct x86_segment *s = &c->e->seg[seg];

	if (seg == X86_SEG_CS)
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (seg == X86_SEG_SS && (!emu_64(c) || emu_cpl(c) == 3 || (selector & 3) != emu_cpl(c)))
		return emu_raise_error(c, X86_EXC_GP, 0);
	s->selector = selector;
	s->base = 0;
	s->limit = 0;
	/* SS keeps the privilege level, which some units take from it. */
	s->attr = seg == X86_SEG_SS ? emu_cpl(c) << X86_ATTR_DPL_SHIFT : 0;
	c->e->changed |= X86_EMU_SEGS;
	return X86_EMU_DONE;
}

static bool data_allowed(struct emu *c, unsigned int seg, const struct x86_segment *s)
{
	unsigned int cpl = emu_cpl(c), rpl = s->selector & 3, dpl = X86_ATTR_DPL(s->attr);
	bool code = s->attr & TYPE_CODE;

	if (!(s->attr & X86_ATTR_S))
		return false;
	if (seg == X86_SEG_SS)
		return !code && (s->attr & TYPE_RW) && rpl == cpl && dpl == cpl;
	if (code && !(s->attr & TYPE_RW))
		return false;
	if (code && (s->attr & TYPE_CONFORM))
		return true;
	return dpl >= cpl && dpl >= rpl;
}

int emu_load_seg(struct emu *c, unsigned int seg, u16 selector)
{
	struct x86_segment s;
	u64 desc, linear;
	int ret;

	if (!emu_protected(c)) {
		load_selector(c, seg, selector);
		return X86_EMU_DONE;
	}
	if (selector < 4)
		return load_null(c, seg, selector);
	ret = emu_read_descriptor(c, selector, &desc, &linear);
	if (ret)
		return ret;
	emu_unpack_descriptor(desc, selector, &s);
	if (!data_allowed(c, seg, &s))
		return emu_raise_error(c, X86_EXC_GP, selector & ~3);
	if (!(s.attr & X86_ATTR_P))
		return emu_raise_error(c, seg == X86_SEG_SS ? X86_EXC_SS : X86_EXC_NP,
				       selector & ~3);
	ret = mark_accessed(c, linear, &s);
	if (ret)
		return ret;
	c->e->seg[seg] = s;
	c->e->changed |= X86_EMU_SEGS;
	return X86_EMU_DONE;
}

static bool code_allowed(struct emu *c, const struct x86_segment *s)
{
	unsigned int cpl = emu_cpl(c), rpl = s->selector & 3, dpl = X86_ATTR_DPL(s->attr);

	/* L and D together are reserved in long mode. */
	if ((c->e->efer & X86_EFER_LMA) && (s->attr & X86_ATTR_L) && (s->attr & X86_ATTR_DB))
		return false;
	if (s->attr & TYPE_CONFORM)
		return dpl <= cpl;
	return rpl <= cpl && dpl == cpl;
}

/* Jumps to another code segment of the same privilege. Gates and tasks are not done here. */
int emu_far_goto(struct emu *c, u16 selector, u64 target)
{
	struct x86_segment s = c->e->seg[X86_SEG_CS];
	bool to_64;
	u64 desc, linear;
	int ret;

	target &= emu_mask(c->size);
	if (!emu_protected(c)) {
		if (target > s.limit)
			return emu_raise_error(c, X86_EXC_GP, 0);
		load_selector(c, X86_SEG_CS, selector);
		c->next = target;
		return X86_EMU_DONE;
	}
	if (selector < 4)
		return emu_raise_error(c, X86_EXC_GP, 0);
	ret = emu_read_descriptor(c, selector, &desc, &linear);
	if (ret)
		return ret;
	emu_unpack_descriptor(desc, selector, &s);
	if (!(s.attr & X86_ATTR_S))
		return X86_EMU_UNHANDLED;
	if (!(s.attr & TYPE_CODE) || !code_allowed(c, &s))
		return emu_raise_error(c, X86_EXC_GP, selector & ~3);
	if (!(s.attr & X86_ATTR_P))
		return emu_raise_error(c, X86_EXC_NP, selector & ~3);
	to_64 = (c->e->efer & X86_EFER_LMA) && (s.attr & X86_ATTR_L);
	if (to_64 ? !emu_canonical(c, target) : target > s.limit)
		return emu_raise_error(c, X86_EXC_GP, 0);
	ret = mark_accessed(c, linear, &s);
	if (ret)
		return ret;
	s.selector = (selector & ~3) | emu_cpl(c);
	c->e->seg[X86_SEG_CS] = s;
	c->e->changed |= X86_EMU_SEGS;
	c->next = target;
	return X86_EMU_DONE;
}

/* The register that ModRM.reg names, CS included; 6 and 7 are none. */
static bool seg_of_modrm(const struct emu *c, unsigned int *seg)
{
	*seg = c->in.reg & 7;
	return *seg <= X86_SEG_GS;
}

int emu_mov_from_seg(struct emu *c)
{
	unsigned int seg;

	if (!seg_of_modrm(c, &seg))
		return emu_raise(c, X86_EXC_UD);
	if (c->in.mem)
		c->dst.size = 2;
	c->dst.val = c->e->seg[seg].selector;
	return X86_EMU_DONE;
}

static int load_data_seg(struct emu *c, unsigned int seg, u16 selector)
{
	int ret = emu_load_seg(c, seg, selector);

	if (!ret && seg == X86_SEG_SS)
		c->e->int_shadow = true;
	return ret;
}

int emu_mov_to_seg(struct emu *c)
{
	unsigned int seg;

	if (!seg_of_modrm(c, &seg) || seg == X86_SEG_CS)
		return emu_raise(c, X86_EXC_UD);
	return load_data_seg(c, seg, c->src.val);
}

/* PUSH and POP: ES, CS, SS, DS in bits 3-4 of the one-byte opcodes, FS and GS after 0F. */
static unsigned int seg_of_opcode(const struct emu *c)
{
	return c->in.opcode >> 3 & (c->in.map == X86_MAP_1 ? 3 : 7);
}

int emu_push_seg(struct emu *c)
{
	return emu_push(c, c->size, c->e->seg[seg_of_opcode(c)].selector);
}

int emu_pop_seg(struct emu *c)
{
	u64 selector;
	int ret = emu_pop(c, c->size, &selector);

	return ret ? ret : load_data_seg(c, seg_of_opcode(c), selector);
}

/* Offset and selector of a far pointer in memory. */
static int load_far_pointer(struct emu *c, u64 *off, u16 *selector)
{
	u64 addr = emu_ea(c), val;
	int ret = emu_load(c, c->in.seg, addr, c->size, off);

	if (!ret)
		ret = emu_load(c, c->in.seg, (addr + c->size) & emu_mask(c->in.addrsize), 2,
			       &val);
	if (!ret)
		*selector = val;
	return ret;
}

/* LES, LDS; LSS, LFS, LGS after 0F. */
int emu_lds(struct emu *c)
{
	unsigned int seg = c->in.map == X86_MAP_0F ? c->in.opcode & 7 :
			   c->in.opcode == 0xc4 ? X86_SEG_ES : X86_SEG_DS;
	u16 selector;
	u64 off;
	int ret = load_far_pointer(c, &off, &selector);

	if (!ret)
		ret = emu_load_seg(c, seg, selector);
	if (!ret)
		emu_set_gpr(c, c->in.reg, c->size, off);
	return ret;
}

static int far_transfer(struct emu *c, bool call, u16 selector, u64 target)
{
	u64 back = c->next, cs = c->e->seg[X86_SEG_CS].selector;
	enum x86_insn_mode mode = c->in.mode;
	int ret = emu_far_goto(c, selector, target);

	/* A call between 64-bit and compatibility mode is rare enough to be left out. */
	if (!ret && call && x86_emu_mode(c->e) != mode)
		return X86_EMU_UNHANDLED;
	if (!ret && call)
		ret = emu_push(c, c->size, cs);
	if (!ret && call)
		ret = emu_push(c, c->size, back);
	return ret;
}

/* CALLF, JMPF with an immediate. */
int emu_far(struct emu *c)
{
	return far_transfer(c, c->in.opcode == 0x9a, c->in.imm2, c->in.imm);
}

/* The same with memory. AMD has no 64-bit form, Intel has. */
int emu_far_rm(struct emu *c)
{
	u16 selector;
	u64 target;
	int ret;

	if (c->size == 8)
		return X86_EMU_UNHANDLED;
	ret = load_far_pointer(c, &target, &selector);
	return ret ? ret : far_transfer(c, (c->in.reg & 7) == 3, selector, target);
}

int emu_retf(struct emu *c)
{
	unsigned int width;
	u64 target, cs;
	int ret = emu_pop(c, c->size, &target);

	if (!ret)
		ret = emu_pop(c, c->size, &cs);
	if (ret)
		return ret;
	/* A return to outer privilege pops a stack too. */
	if (emu_protected(c) && (cs & 3) != emu_cpl(c))
		return X86_EMU_UNHANDLED;
	width = emu_64(c) ? 8 : c->e->seg[X86_SEG_SS].attr & X86_ATTR_DB ? 4 : 2;
	emu_set_addr(c, X86_RSP, width, c->e->gpr[X86_RSP] + c->in.imm);
	return emu_far_goto(c, cs, target);
}

/* CR4.UMIP: SGDT, SIDT, SLDT, STR and SMSW are for the kernel. */
static bool umip(const struct emu *c)
{
	return (c->e->cr4 & X86_CR4_UMIP) && emu_cpl(c);
}

/* SGDT, SIDT. With a register it is one of the many others of 0F 01. */
int emu_store_table(struct emu *c)
{
	const struct x86_table *t = c->in.reg & 7 ? &c->e->idt : &c->e->gdt;
	u8 buf[10];
	int ret;

	if (!c->in.mem)
		return X86_EMU_UNHANDLED;
	if (umip(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	memcpy(buf, &t->limit, 2);
	memcpy(buf + 2, &t->base, 8);
	ret = emu_write(c, c->in.seg, emu_ea(c), buf, emu_64(c) ? 10 : 6);
	return ret;
}

/* LGDT, LIDT. 16-bit operands give 24 bits of base. */
int emu_load_table(struct emu *c)
{
	struct x86_table *t = (c->in.reg & 7) == 3 ? &c->e->idt : &c->e->gdt;
	u64 base = 0;
	u8 buf[10];
	int ret;

	if (!c->in.mem)
		return X86_EMU_UNHANDLED;
	if (emu_cpl(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	ret = emu_read(c, c->in.seg, emu_ea(c), buf, emu_64(c) ? 10 : 6);
	if (ret)
		return ret;
	memcpy(&base, buf + 2, emu_64(c) ? 8 : c->size == 2 ? 3 : 4);
	if (emu_64(c) && !emu_canonical(c, base))
		return emu_raise_error(c, X86_EXC_GP, 0);
	memcpy(&t->limit, buf, 2);
	t->base = base;
	c->e->changed |= X86_EMU_TABLES;
	return X86_EMU_DONE;
}

/* SLDT, STR */
int emu_store_sel(struct emu *c)
{
	if (!emu_protected(c))
		return emu_raise(c, X86_EXC_UD);
	if (umip(c))
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (c->in.mem)
		c->dst.size = 2;
	c->dst.val = c->e->seg[c->in.reg & 7 ? X86_SEG_TR : X86_SEG_LDTR].selector;
	return X86_EMU_DONE;
}
