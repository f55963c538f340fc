// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulator: the stack, jumps and calls within a code segment, interrupts of
 * real mode, and the flags that depend on privilege. Far transfers are in
 * emulate_seg.c. Called through the opcode tables.
 */
#include <linux/kernel.h>

#include <kvmx/x86_regs.h>
#include "emulate_ops.h"

/* Width of the stack pointer. */
static unsigned int stack_size(const struct emu *c)
{
	if (emu_64(c))
		return 8;
	if (c->e->rflags & X86_EFLAGS_VM)
		return 2;
	return c->e->seg[X86_SEG_SS].attr & X86_ATTR_DB ? 4 : 2;
}

int emu_push(struct emu *c, unsigned int size, u64 val)
{
	unsigned int width = stack_size(c);
	u64 sp = (c->e->gpr[X86_RSP] - size) & emu_mask(width);
	int ret = emu_write(c, X86_SEG_SS, sp, &val, size);

	if (!ret)
		emu_set_addr(c, X86_RSP, width, sp);
	return ret;
}

int emu_pop(struct emu *c, unsigned int size, u64 *val)
{
	unsigned int width = stack_size(c);
	u64 sp = c->e->gpr[X86_RSP] & emu_mask(width);
	int ret = emu_load(c, X86_SEG_SS, sp, size, val);

	if (!ret)
		emu_set_addr(c, X86_RSP, width, sp + size);
	return ret;
}

int emu_push_op(struct emu *c)
{
	return emu_push(c, c->size, c->src.val);
}

/* The frame writes the destination after us: POP RSP ends with the popped value. */
int emu_pop_op(struct emu *c)
{
	return emu_pop(c, c->size, &c->dst.val);
}

/* An address by RSP uses the value after the pop. */
int emu_pop_rm(struct emu *c)
{
	u64 val;
	int ret = emu_pop(c, c->size, &val);

	if (ret)
		return ret;
	if (c->in.mem)
		return emu_write(c, c->in.seg, emu_ea(c), &val, c->size);
	emu_set_gpr(c, c->in.rm, c->size, val);
	return X86_EMU_DONE;
}

int emu_pusha(struct emu *c)
{
	u64 sp = c->e->gpr[X86_RSP];
	int reg, ret;

	for (reg = X86_RAX; reg <= X86_RDI; reg++) {
		ret = emu_push(c, c->size, reg == X86_RSP ? sp : c->e->gpr[reg]);
		if (ret)
			return ret;
	}
	return X86_EMU_DONE;
}

int emu_popa(struct emu *c)
{
	int reg, ret;
	u64 val;

	for (reg = X86_RDI; reg >= X86_RAX; reg--) {
		ret = emu_pop(c, c->size, &val);
		if (ret)
			return ret;
		if (reg != X86_RSP)
			emu_set_addr(c, reg, c->size, val);
	}
	return X86_EMU_DONE;
}

/* PUSHF, POPF, INT and IRET of virtual-8086 code without IOPL 3: VME is not emulated. */
static int check_vm86(struct emu *c)
{
	if (!(c->e->rflags & X86_EFLAGS_VM) || emu_iopl(c) == 3)
		return X86_EMU_DONE;
	if (c->e->cr4 & X86_CR4_VME)
		return X86_EMU_UNHANDLED;
	return emu_raise_error(c, X86_EXC_GP, 0);
}

int emu_pushf(struct emu *c)
{
	int ret = check_vm86(c);

	if (ret)
		return ret;
	return emu_push(c, c->size, c->e->rflags & ~(X86_EFLAGS_VM | X86_EFLAGS_RF));
}

static void set_rflags(struct emu *c, unsigned int size, u64 val)
{
	u64 mask = X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
		   X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF |
		   X86_EFLAGS_NT | X86_EFLAGS_AC | X86_EFLAGS_ID;

	if (emu_cpl(c) == 0)
		mask |= X86_EFLAGS_IOPL;
	if (emu_cpl(c) <= emu_iopl(c))
		mask |= X86_EFLAGS_IF;
	mask &= emu_mask(size);
	c->e->rflags = (c->e->rflags & ~mask) | (val & mask);
}

int emu_popf(struct emu *c)
{
	int ret = check_vm86(c);
	u64 val;

	if (!ret)
		ret = emu_pop(c, c->size, &val);
	if (!ret)
		set_rflags(c, c->size, val);
	return ret;
}

int emu_enter(struct emu *c)
{
	unsigned int level = c->in.imm2 & 31, i, width = stack_size(c);
	u64 rbp = c->e->gpr[X86_RBP], frame, val;
	int ret = emu_push(c, c->size, rbp);

	if (ret)
		return ret;
	frame = c->e->gpr[X86_RSP];
	for (i = 1; i < level; i++) {
		rbp -= c->size;
		ret = emu_load(c, X86_SEG_SS, rbp & emu_mask(width), c->size, &val);
		if (!ret)
			ret = emu_push(c, c->size, val);
		if (ret)
			return ret;
	}
	if (level) {
		ret = emu_push(c, c->size, frame);
		if (ret)
			return ret;
	}
	emu_set_addr(c, X86_RBP, c->size, frame);
	emu_set_addr(c, X86_RSP, width, c->e->gpr[X86_RSP] - c->in.imm);
	/* The new top of the stack must be writable, though nothing is written there. */
	ret = emu_linear(c, X86_SEG_SS, c->e->gpr[X86_RSP] & emu_mask(width), c->size,
			 X86_WALK_WRITE, &val);
	if (!ret && c->e->ops->probe)
		ret = c->e->ops->probe(c->e, val, c->size, X86_WALK_WRITE);
	return ret;
}

int emu_leave(struct emu *c)
{
	unsigned int width = stack_size(c);
	u64 val;
	int ret;

	emu_set_addr(c, X86_RSP, width, c->e->gpr[X86_RBP]);
	ret = emu_pop(c, c->size, &val);
	if (!ret)
		emu_set_addr(c, X86_RBP, c->size, val);
	return ret;
}

int emu_goto(struct emu *c, u64 target)
{
	target &= emu_mask(c->size);
	if (emu_64(c) ? !emu_canonical(c, target) : target > c->e->seg[X86_SEG_CS].limit)
		return emu_raise_error(c, X86_EXC_GP, 0);
	c->next = target;
	return X86_EMU_DONE;
}

int emu_jmp(struct emu *c)
{
	return emu_goto(c, c->next + c->in.imm);
}

int emu_jmp_rm(struct emu *c)
{
	return emu_goto(c, c->src.val);
}

static int call(struct emu *c, u64 target)
{
	u64 back = c->next;
	int ret = emu_goto(c, target);

	return ret ? ret : emu_push(c, c->size, back);
}

int emu_call(struct emu *c)
{
	return call(c, c->next + c->in.imm);
}

int emu_call_rm(struct emu *c)
{
	return call(c, c->src.val);
}

int emu_ret(struct emu *c)
{
	u64 target;
	int ret = emu_pop(c, c->size, &target);

	if (ret)
		return ret;
	emu_set_addr(c, X86_RSP, stack_size(c), c->e->gpr[X86_RSP] + c->in.imm);
	return emu_goto(c, target);
}

int emu_jcc(struct emu *c)
{
	return emu_cond(c->e->rflags, c->in.opcode) ? emu_jmp(c) : X86_EMU_DONE;
}

/* LOOPNE, LOOPE, LOOP, JCXZ: the counter has the address size. */
int emu_loop(struct emu *c)
{
	unsigned int size = c->in.addrsize;
	u64 count = c->e->gpr[X86_RCX] & emu_mask(size);
	bool zf = c->e->rflags & X86_EFLAGS_ZF;

	if (c->in.opcode == 0xe3)
		return count ? X86_EMU_DONE : emu_jmp(c);
	count = (count - 1) & emu_mask(size);
	emu_set_addr(c, X86_RCX, size, count);
	if (!count || (c->in.opcode == 0xe0 && zf) || (c->in.opcode == 0xe1 && !zf))
		return X86_EMU_DONE;
	return emu_jmp(c);
}

/* PVI and VME give user code a virtual interrupt flag, which is not emulated. */
static int check_iopl(struct emu *c)
{
	if (emu_cpl(c) <= emu_iopl(c))
		return X86_EMU_DONE;
	if (emu_cpl(c) == 3 && (c->e->cr4 & (X86_CR4_PVI | X86_CR4_VME)))
		return X86_EMU_UNHANDLED;
	return emu_raise_error(c, X86_EXC_GP, 0);
}

int emu_cli(struct emu *c)
{
	int ret = check_iopl(c);

	if (!ret)
		c->e->rflags &= ~X86_EFLAGS_IF;
	return ret;
}

int emu_sti(struct emu *c)
{
	int ret = check_iopl(c);

	if (ret)
		return ret;
	c->e->int_shadow = !(c->e->rflags & X86_EFLAGS_IF);
	c->e->rflags |= X86_EFLAGS_IF;
	return X86_EMU_DONE;
}

/* INT3, INT n, INTO in real mode, through the vector table of 4-byte entries. */
int emu_int(struct emu *c)
{
	unsigned int vector = c->in.opcode == 0xcc ? X86_EXC_BP :
			      c->in.opcode == 0xce ? X86_EXC_OF : c->in.imm & 0xff;
	u64 flags = c->e->rflags, back = c->next;
	u16 entry[2];
	int ret;

	if (c->in.opcode == 0xce && !(flags & X86_EFLAGS_OF))
		return X86_EMU_DONE;
	if ((c->e->cr0 & X86_CR0_PE) || !c->e->ops->read)
		return X86_EMU_UNHANDLED;
	if (vector * 4 + 3 > c->e->idt.limit)
		return emu_raise(c, X86_EXC_GP);
	ret = c->e->ops->read(c->e, (u32)(c->e->idt.base + vector * 4), entry, 4,
			      X86_WALK_IMPLICIT);
	if (!ret)
		ret = emu_push(c, 2, flags);
	if (!ret)
		ret = emu_push(c, 2, c->e->seg[X86_SEG_CS].selector);
	if (!ret)
		ret = emu_push(c, 2, back);
	if (ret)
		return ret;
	c->e->rflags &= ~(X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_AC | X86_EFLAGS_RF);
	return emu_far_goto(c, entry[1], entry[0]);
}

/* Of real mode only: elsewhere it may change tasks, stacks and privilege. */
int emu_iret(struct emu *c)
{
	u64 ip, cs, flags;
	int ret;

	if (c->e->cr0 & X86_CR0_PE)
		return X86_EMU_UNHANDLED;
	ret = emu_pop(c, c->size, &ip);
	if (!ret)
		ret = emu_pop(c, c->size, &cs);
	if (!ret)
		ret = emu_pop(c, c->size, &flags);
	if (!ret)
		ret = emu_far_goto(c, cs, ip);
	if (!ret)
		set_rflags(c, c->size, flags);
	return ret;
}
