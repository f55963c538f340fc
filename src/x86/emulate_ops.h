/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the emulator: the flags of the opcode tables, the state of one
 * instruction under way, what the handlers may call, and their names.
 * Included by decode.c and emulate*.c only.
 */
#ifndef KVMX_X86_EMULATE_OPS_H
#define KVMX_X86_EMULATE_OPS_H

#include "emulate.h"

/* Opcode flags. */
#define F_MODRM		BIT(0)
#define F_BYTE		BIT(1)	/* operands are bytes */
#define F_LOCK		BIT(2)	/* LOCK is allowed when the destination is memory */
#define F_XCHG		BIT(3)	/* locked with memory even without the prefix */
#define F_MOV		BIT(4)	/* the destination is not read */
#define F_NOWRITE	BIT(5)	/* the destination is not written */
#define F_D64		BIT(6)	/* 64-bit mode: operands are 64 bits, or 16 */
#define F_F64		BIT(7)	/* 64-bit mode: operands are 64 bits */
#define F_NO64		BIT(8)	/* #UD in 64-bit mode */
#define F_PRIV		BIT(9)	/* needs CPL 0 */
#define F_GROUP		BIT(10)	/* ModRM.reg selects from a table of 8, flags add up */
#define F_VEX		BIT(11)	/* the handler takes the VEX form too */
#define F_REGS		BIT(12)	/* ModRM.mod is ignored: registers */
#define F_MEM		BIT(13)	/* #UD with a register in ModRM.rm */
#define F_SRC8		BIT(14)	/* size of the source, where it has one of its own */
#define F_SRC16		BIT(15)
#define F_SRC32		BIT(16)
#define F_KNOWN		BIT(17)	/* the length is known, even if there is no handler */

#define D_SHIFT		18
#define D_RM		(1 << D_SHIFT)
#define D_REG		(2 << D_SHIFT)
#define D_ACC		(3 << D_SHIFT)
#define D_OPREG		(4 << D_SHIFT)	/* low bits of the opcode */
#define D_MASK		(7 << D_SHIFT)

#define S_SHIFT		21
#define S_RM		(1 << S_SHIFT)
#define S_REG		(2 << S_SHIFT)
#define S_ACC		(3 << S_SHIFT)
#define S_OPREG		(4 << S_SHIFT)
#define S_IMM		(5 << S_SHIFT)
#define S_ONE		(6 << S_SHIFT)
#define S_CL		(7 << S_SHIFT)
#define S_MASK		(7 << S_SHIFT)

#define I_SHIFT		24
#define I_8		(1 << I_SHIFT)	/* sign-extended */
#define I_Z		(2 << I_SHIFT)	/* 2 or 4 bytes, sign-extended */
#define I_V		(3 << I_SHIFT)	/* 2, 4 or 8 bytes */
#define I_16		(4 << I_SHIFT)
#define I_16_8		(5 << I_SHIFT)
#define I_MOFFS		(6 << I_SHIFT)
#define I_FAR		(7 << I_SHIFT)
#define I_MASK		(7 << I_SHIFT)

/* A handler's result besides enum x86_emu_result: a locked write met another value. */
#define EMU_AGAIN	100

enum emu_operand_kind { OPERAND_NONE, OPERAND_GPR, OPERAND_MEM, OPERAND_VALUE };

struct emu_operand {
	u8 kind;		/* enum emu_operand_kind */
	u8 size;		/* bytes */
	u8 reg;
	u64 addr;		/* effective address, in segment in.seg */
	u64 linear;
	u64 val;		/* zero-extended from size */
	u64 old;		/* of a destination: as it was read */
};

/* One instruction under way. Handlers change e's registers; failure puts them back. */
struct emu {
	struct x86_emu *e;
	struct x86_insn in;
	u8 size;		/* operand size in bytes */
	bool write_src;		/* the source operand is a register and changed too */
	bool skip_write;	/* the destination is to be left alone */
	bool repeat;		/* a REP with iterations to come */
	u64 next;		/* rip when it is done */
	struct emu_operand dst, src;
};

static inline u64 emu_mask(unsigned int size)
{
	return size >= 8 ? ~0ull : BIT_ULL(size * 8) - 1;
}

static inline u64 emu_sign_bit(unsigned int size)
{
	return BIT_ULL(size * 8 - 1);
}

static inline u64 emu_sext(u64 val, unsigned int size)
{
	u64 sign = emu_sign_bit(size);

	return ((val & emu_mask(size)) ^ sign) - sign;
}

/* PE set and not virtual-8086: selectors name descriptors. */
static inline bool emu_protected(const struct emu *c)
{
	return (c->e->cr0 & X86_CR0_PE) && !(c->e->rflags & X86_EFLAGS_VM);
}

static inline unsigned int emu_cpl(const struct emu *c)
{
	if (!(c->e->cr0 & X86_CR0_PE))
		return 0;
	return c->e->rflags & X86_EFLAGS_VM ? 3 : c->e->cpl;
}

static inline unsigned int emu_iopl(const struct emu *c)
{
	return (c->e->rflags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;
}

static inline bool emu_64(const struct emu *c)
{
	return c->in.mode == X86_MODE_64;
}

/* emulate.c */
u64 emu_gpr(const struct emu *c, unsigned int reg, unsigned int size);
void emu_set_gpr(struct emu *c, unsigned int reg, unsigned int size, u64 val);
/* Like emu_set_gpr() for pointers and counters of @size 2, 4 or 8; never a byte register. */
void emu_set_addr(struct emu *c, unsigned int reg, unsigned int size, u64 val);
u64 emu_ea(const struct emu *c);	/* effective address of ModRM */
bool emu_canonical(const struct emu *c, u64 addr);
/* Segment and canonical checks of an access by segment @seg; X86_EMU_DONE and the address. */
int emu_linear(struct emu *c, unsigned int seg, u64 off, unsigned int len, u32 access,
	       u64 *linear);
int emu_read(struct emu *c, unsigned int seg, u64 off, void *buf, unsigned int len);
int emu_write(struct emu *c, unsigned int seg, u64 off, const void *buf, unsigned int len);
int emu_load(struct emu *c, unsigned int seg, u64 off, unsigned int size, u64 *val);
int emu_raise(struct emu *c, u8 vector);
int emu_raise_error(struct emu *c, u8 vector, u32 error);
bool emu_cond(u64 rflags, unsigned int cc);

/* emulate_flow.c: the stack, and jumps within the code segment. */
int emu_push(struct emu *c, unsigned int size, u64 val);
int emu_pop(struct emu *c, unsigned int size, u64 *val);
int emu_goto(struct emu *c, u64 target);

/*
 * emulate_seg.c. The descriptor that @selector names, *linear is where it lies; #GP
 * if it names none.
 */
int emu_read_descriptor(struct emu *c, u16 selector, u64 *desc, u64 *linear);
void emu_unpack_descriptor(u64 desc, u16 selector, struct x86_segment *s);
int emu_load_seg(struct emu *c, unsigned int seg, u16 selector);
int emu_far_goto(struct emu *c, u16 selector, u64 target);

/* Handlers: emulate_alu.c */
int emu_add(struct emu *c), emu_or(struct emu *c), emu_adc(struct emu *c),
    emu_sbb(struct emu *c), emu_and(struct emu *c), emu_sub(struct emu *c),
    emu_xor(struct emu *c), emu_inc(struct emu *c), emu_dec(struct emu *c),
    emu_neg(struct emu *c), emu_not(struct emu *c), emu_mov(struct emu *c),
    emu_movnti(struct emu *c), emu_movsx(struct emu *c), emu_movbe(struct emu *c),
    emu_xchg(struct emu *c), emu_xadd(struct emu *c), emu_cmpxchg(struct emu *c),
    emu_cmpxchg8b(struct emu *c), emu_rol(struct emu *c), emu_ror(struct emu *c),
    emu_rcl(struct emu *c), emu_rcr(struct emu *c), emu_shl(struct emu *c),
    emu_shr(struct emu *c), emu_sar(struct emu *c), emu_shld(struct emu *c),
    emu_shrd(struct emu *c),
    emu_bt(struct emu *c), emu_bts(struct emu *c), emu_btr(struct emu *c),
    emu_btc(struct emu *c), emu_bsf(struct emu *c), emu_bsr(struct emu *c),
    emu_popcnt(struct emu *c), emu_bswap(struct emu *c), emu_mul(struct emu *c),
    emu_imul1(struct emu *c), emu_imul(struct emu *c), emu_div(struct emu *c),
    emu_idiv(struct emu *c), emu_lea(struct emu *c), emu_cbw(struct emu *c),
    emu_cwd(struct emu *c), emu_setcc(struct emu *c), emu_cmovcc(struct emu *c),
    emu_xlat(struct emu *c), emu_lahf(struct emu *c), emu_sahf(struct emu *c),
    emu_flag(struct emu *c), emu_salc(struct emu *c), emu_nop(struct emu *c);
/* emulate_flow.c */
int emu_push_op(struct emu *c), emu_pop_op(struct emu *c), emu_pop_rm(struct emu *c),
    emu_pusha(struct emu *c), emu_popa(struct emu *c), emu_pushf(struct emu *c),
    emu_popf(struct emu *c), emu_enter(struct emu *c), emu_leave(struct emu *c),
    emu_call(struct emu *c), emu_call_rm(struct emu *c), emu_jmp(struct emu *c),
    emu_jmp_rm(struct emu *c), emu_jcc(struct emu *c), emu_loop(struct emu *c),
    emu_ret(struct emu *c), emu_cli(struct emu *c), emu_sti(struct emu *c),
    emu_int(struct emu *c), emu_iret(struct emu *c);
/* emulate_seg.c */
int emu_mov_from_seg(struct emu *c), emu_mov_to_seg(struct emu *c),
    emu_push_seg(struct emu *c), emu_pop_seg(struct emu *c), emu_lds(struct emu *c),
    emu_far(struct emu *c), emu_far_rm(struct emu *c), emu_retf(struct emu *c),
    emu_store_table(struct emu *c), emu_load_table(struct emu *c),
    emu_store_sel(struct emu *c);
/* emulate_string.c */
int emu_movs(struct emu *c), emu_stos(struct emu *c), emu_lods(struct emu *c),
    emu_cmps(struct emu *c), emu_scas(struct emu *c), emu_ins(struct emu *c),
    emu_outs(struct emu *c), emu_in(struct emu *c), emu_out(struct emu *c);
/* emulate_sys.c */
int emu_mov_cr(struct emu *c), emu_mov_dr(struct emu *c), emu_smsw(struct emu *c),
    emu_lmsw(struct emu *c), emu_clts(struct emu *c), emu_rdmsr(struct emu *c),
    emu_wrmsr(struct emu *c), emu_rdtsc(struct emu *c), emu_cpuid(struct emu *c),
    emu_hlt(struct emu *c), emu_wbinvd(struct emu *c), emu_grp7_7(struct emu *c),
    emu_ud(struct emu *c), emu_fence(struct emu *c), emu_movv(struct emu *c);

#endif
