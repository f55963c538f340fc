// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulator: moves, arithmetic, logic, shifts, bits. The frame in emulate.c
 * loads the operands before and stores the destination after each handler.
 * Flags as in Intel SDM volume 1, appendix A, "EFLAGS Cross-Reference".
 */
#include <linux/kernel.h>
#include <linux/bitops.h>
#include <linux/string.h>
#include <linux/swab.h>

#include <kvmx/x86_regs.h>
#include "emulate_ops.h"

#define ARITH	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
		 X86_EFLAGS_SF | X86_EFLAGS_OF)

static void set_flags(struct emu *c, u64 mask, u64 val)
{
	c->e->rflags = (c->e->rflags & ~mask) | (val & mask);
}

static u64 flag(bool set, u64 bit)
{
	return set ? bit : 0;
}

/* SF, ZF and PF of a result. */
static u64 szp(u64 res, unsigned int size)
{
	u8 low = res;

	low ^= low >> 4;
	low ^= low >> 2;
	low ^= low >> 1;
	return flag(res & emu_sign_bit(size), X86_EFLAGS_SF) |
	       flag(!(res & emu_mask(size)), X86_EFLAGS_ZF) |
	       flag(!(low & 1), X86_EFLAGS_PF);
}

/* CF, AF and OF from the vector of carries (or borrows) out of each bit. */
static u64 carries(u64 carry, unsigned int size)
{
	u64 sign = emu_sign_bit(size);
	bool out = carry & sign, in = carry & (sign >> 1);

	return flag(out, X86_EFLAGS_CF) | flag(carry & 8, X86_EFLAGS_AF) |
	       flag(out != in, X86_EFLAGS_OF);
}

static u64 add(struct emu *c, u64 a, u64 b, bool carry_in, u64 mask)
{
	u64 res = a + b + carry_in;

	set_flags(c, mask, szp(res, c->size) | carries((a & b) | ((a | b) & ~res), c->size));
	return res;
}

static u64 sub(struct emu *c, u64 a, u64 b, bool borrow_in, u64 mask)
{
	u64 res = a - b - borrow_in;

	set_flags(c, mask, szp(res, c->size) | carries((~a & b) | ((~a | b) & res), c->size));
	return res;
}

static int logic(struct emu *c, u64 res)
{
	set_flags(c, ARITH, szp(res, c->size));
	c->dst.val = res;
	return X86_EMU_DONE;
}

static bool carry(const struct emu *c)
{
	return c->e->rflags & X86_EFLAGS_CF;
}

int emu_add(struct emu *c)
{
	c->dst.val = add(c, c->dst.val, c->src.val, false, ARITH);
	return X86_EMU_DONE;
}

int emu_adc(struct emu *c)
{
	c->dst.val = add(c, c->dst.val, c->src.val, carry(c), ARITH);
	return X86_EMU_DONE;
}

/* SUB and CMP. */
int emu_sub(struct emu *c)
{
	c->dst.val = sub(c, c->dst.val, c->src.val, false, ARITH);
	return X86_EMU_DONE;
}

int emu_sbb(struct emu *c)
{
	c->dst.val = sub(c, c->dst.val, c->src.val, carry(c), ARITH);
	return X86_EMU_DONE;
}

/* AND and TEST. */
int emu_and(struct emu *c)
{
	return logic(c, c->dst.val & c->src.val);
}

int emu_or(struct emu *c)
{
	return logic(c, c->dst.val | c->src.val);
}

int emu_xor(struct emu *c)
{
	return logic(c, c->dst.val ^ c->src.val);
}

int emu_inc(struct emu *c)
{
	c->dst.val = add(c, c->dst.val, 1, false, ARITH & ~X86_EFLAGS_CF);
	return X86_EMU_DONE;
}

int emu_dec(struct emu *c)
{
	c->dst.val = sub(c, c->dst.val, 1, false, ARITH & ~X86_EFLAGS_CF);
	return X86_EMU_DONE;
}

int emu_neg(struct emu *c)
{
	c->dst.val = sub(c, 0, c->dst.val, false, ARITH);
	return X86_EMU_DONE;
}

int emu_not(struct emu *c)
{
	c->dst.val = ~c->dst.val;
	return X86_EMU_DONE;
}

/* MOV and MOVZX: the source is zero-extended from its own size. */
int emu_mov(struct emu *c)
{
	c->dst.val = c->src.val;
	return X86_EMU_DONE;
}

int emu_movnti(struct emu *c)
{
	if (c->in.opsize_prefix || c->in.rep)
		return emu_raise(c, X86_EXC_UD);
	/* There is no 16-bit form, in 16-bit code neither. */
	c->dst.size = max_t(u8, c->size, 4);
	c->dst.val = emu_gpr(c, c->in.reg, c->dst.size);
	return X86_EMU_DONE;
}

int emu_movsx(struct emu *c)
{
	c->dst.val = emu_sext(c->src.val, c->src.size);
	return X86_EMU_DONE;
}

static u64 byteswap(u64 val, unsigned int size)
{
	return swab64(val) >> (64 - 8 * size);
}

int emu_movbe(struct emu *c)
{
	c->dst.val = byteswap(c->src.val, c->size);
	return X86_EMU_DONE;
}

/* Of 16 bits it is undefined; the CPUs at hand clear them. */
int emu_bswap(struct emu *c)
{
	c->dst.val = c->size == 2 ? 0 : byteswap(c->dst.val, c->size);
	return X86_EMU_DONE;
}

int emu_xchg(struct emu *c)
{
	/* NOP, which does not clear the upper half of RAX, and PAUSE, which knows no R8. */
	if (c->in.map == X86_MAP_1 && c->in.opcode == 0x90 &&
	    (!(c->in.rex & 1) || c->in.rep == 0xf3)) {
		c->skip_write = true;
		return X86_EMU_DONE;
	}
	c->dst.val = c->src.val;
	c->src.val = c->dst.old;
	c->write_src = true;
	return X86_EMU_DONE;
}

int emu_xadd(struct emu *c)
{
	c->dst.val = add(c, c->dst.old, c->src.val, false, ARITH);
	c->src.val = c->dst.old;
	c->write_src = true;
	return X86_EMU_DONE;
}

int emu_cmpxchg(struct emu *c)
{
	u64 acc = emu_gpr(c, X86_RAX, c->size);

	sub(c, acc, c->dst.old, false, ARITH);
	if (acc == c->dst.old) {
		c->dst.val = c->src.val;
	} else {
		/* The destination is written with what it holds; a register keeps its upper half. */
		emu_set_gpr(c, X86_RAX, c->size, c->dst.old);
		c->skip_write = c->dst.kind == OPERAND_GPR;
	}
	return X86_EMU_DONE;
}

/* CMPXCHG8B and CMPXCHG16B: half is the size of each of the two registers. */
int emu_cmpxchg8b(struct emu *c)
{
	unsigned int half = c->in.opsize == 8 ? 8 : 4, len = 2 * half;
	u64 old[2] = {}, new[2] = {}, found[2], linear;
	u8 buf[16], bufnew[16];
	bool equal;
	int ret;

	ret = emu_linear(c, c->in.seg, emu_ea(c), len, X86_WALK_WRITE, &linear);
	if (ret)
		return ret;
	if (half == 8 && (linear & 15))
		return emu_raise_error(c, X86_EXC_GP, 0);
	if (!c->e->ops->read || !c->e->ops->write || !c->e->ops->cmpxchg)
		return X86_EMU_UNHANDLED;
	ret = c->e->ops->read(c->e, linear, buf, len, X86_WALK_WRITE);
	if (ret)
		return ret;
	memcpy(&old[0], buf, half);
	memcpy(&old[1], buf + half, half);
	equal = old[0] == emu_gpr(c, X86_RAX, half) && old[1] == emu_gpr(c, X86_RDX, half);
	new[0] = equal ? emu_gpr(c, X86_RBX, half) : old[0];
	new[1] = equal ? emu_gpr(c, X86_RCX, half) : old[1];
	memcpy(bufnew, &new[0], half);
	memcpy(bufnew + half, &new[1], half);
	if (c->in.lock) {
		memcpy(found, buf, len);
		ret = c->e->ops->cmpxchg(c->e, linear, found, bufnew, len);
		if (!ret && memcmp(found, buf, len))
			return EMU_AGAIN;
	} else {
		ret = c->e->ops->write(c->e, linear, bufnew, len, X86_WALK_WRITE);
	}
	if (ret)
		return ret;
	set_flags(c, X86_EFLAGS_ZF, flag(equal, X86_EFLAGS_ZF));
	if (!equal) {
		emu_set_gpr(c, X86_RAX, half, old[0]);
		emu_set_gpr(c, X86_RDX, half, old[1]);
	}
	return X86_EMU_DONE;
}

/* Rotates and shifts. The count is masked first; zero leaves the flags alone. */
static unsigned int shift_count(const struct emu *c, u64 count)
{
	return count & (c->size == 8 ? 63 : 31);
}

static bool top_bit(const struct emu *c, u64 val)
{
	return val & emu_sign_bit(c->size);
}

static int rotated(struct emu *c, u64 res, bool cf, bool of)
{
	set_flags(c, X86_EFLAGS_CF | X86_EFLAGS_OF,
		  flag(cf, X86_EFLAGS_CF) | flag(of, X86_EFLAGS_OF));
	c->dst.val = res;
	return X86_EMU_DONE;
}

int emu_rol(struct emu *c)
{
	unsigned int bits = c->size * 8, n = shift_count(c, c->src.val);
	u64 val = c->dst.val;

	if (!n)
		return X86_EMU_DONE;
	n %= bits;
	if (n)
		val = val << n | val >> (bits - n);
	return rotated(c, val, val & 1, (val & 1) != top_bit(c, val));
}

int emu_ror(struct emu *c)
{
	unsigned int bits = c->size * 8, n = shift_count(c, c->src.val);
	u64 val = c->dst.val;

	if (!n)
		return X86_EMU_DONE;
	n %= bits;
	if (n)
		val = val >> n | val << (bits - n);
	return rotated(c, val, top_bit(c, val), top_bit(c, val) != top_bit(c, val << 1));
}

/* Through carry, a bit at a time: the value is one bit wider than the operand. */
int emu_rcl(struct emu *c)
{
	unsigned int n = shift_count(c, c->src.val) % (c->size * 8 + 1);
	u64 val = c->dst.val;
	bool cf = carry(c);

	if (!shift_count(c, c->src.val))
		return X86_EMU_DONE;
	while (n--) {
		bool out = top_bit(c, val);

		val = val << 1 | cf;
		cf = out;
	}
	return rotated(c, val, cf, cf != top_bit(c, val));
}

int emu_rcr(struct emu *c)
{
	unsigned int n = shift_count(c, c->src.val) % (c->size * 8 + 1);
	u64 val = c->dst.val;
	bool cf = carry(c);

	if (!shift_count(c, c->src.val))
		return X86_EMU_DONE;
	while (n--) {
		bool out = val & 1;

		val = (val & emu_mask(c->size)) >> 1 | flag(cf, emu_sign_bit(c->size));
		cf = out;
	}
	return rotated(c, val, cf, top_bit(c, val) != top_bit(c, val << 1));
}

static int shifted(struct emu *c, u64 res, bool cf, bool of)
{
	set_flags(c, ARITH, szp(res, c->size) | flag(cf, X86_EFLAGS_CF) |
		  flag(of, X86_EFLAGS_OF));
	c->dst.val = res;
	return X86_EMU_DONE;
}

int emu_shl(struct emu *c)
{
	unsigned int n = shift_count(c, c->src.val);
	u64 val = c->dst.val;
	bool cf;

	if (!n)
		return X86_EMU_DONE;
	cf = top_bit(c, val << (n - 1));
	val <<= n;
	return shifted(c, val, cf, cf != top_bit(c, val));
}

int emu_shr(struct emu *c)
{
	unsigned int n = shift_count(c, c->src.val);
	u64 val = c->dst.val;

	if (!n)
		return X86_EMU_DONE;
	return shifted(c, val >> n, val >> (n - 1) & 1, top_bit(c, val));
}

int emu_sar(struct emu *c)
{
	unsigned int n = shift_count(c, c->src.val);
	s64 val = emu_sext(c->dst.val, c->size);

	if (!n)
		return X86_EMU_DONE;
	return shifted(c, val >> n, val >> (n - 1) & 1, false);
}

static unsigned int double_shift_count(const struct emu *c)
{
	u64 count = c->in.opcode & 1 ? c->e->gpr[X86_RCX] : c->in.imm;

	return shift_count(c, count);
}

/* 16-bit operands with a count above 16 are undefined: the source comes round again. */
int emu_shld(struct emu *c)
{
	unsigned int bits = c->size * 8, n = double_shift_count(c);
	u64 val = c->dst.val, src = c->src.val, res;
	bool cf;

	if (!n)
		return X86_EMU_DONE;
	if (n <= bits) {
		cf = val >> (bits - n) & 1;
		res = n == bits ? src : val << n | src >> (bits - n);
	} else {
		n -= bits;
		cf = src >> (bits - n) & 1;
		res = src << n | val >> (bits - n);
	}
	return shifted(c, res, cf, top_bit(c, res ^ val));
}

int emu_shrd(struct emu *c)
{
	unsigned int bits = c->size * 8, n = double_shift_count(c);
	u64 val = c->dst.val, src = c->src.val, res;
	bool cf;

	if (!n)
		return X86_EMU_DONE;
	if (n <= bits) {
		cf = val >> (n - 1) & 1;
		res = n == bits ? src : val >> n | src << (bits - n);
	} else {
		n -= bits;
		cf = src >> (n - 1) & 1;
		res = src >> n | val << (bits - n);
	}
	return shifted(c, res, cf, top_bit(c, res ^ val));
}

/* The bit that BT and its kin mean; CF becomes it. */
static u64 bit(struct emu *c)
{
	u64 mask = BIT_ULL(c->src.val & (c->size * 8 - 1));

	set_flags(c, X86_EFLAGS_CF, flag(c->dst.val & mask, X86_EFLAGS_CF));
	return mask;
}

int emu_bt(struct emu *c)
{
	bit(c);
	return X86_EMU_DONE;
}

int emu_bts(struct emu *c)
{
	c->dst.val |= bit(c);
	return X86_EMU_DONE;
}

int emu_btr(struct emu *c)
{
	c->dst.val &= ~bit(c);
	return X86_EMU_DONE;
}

int emu_btc(struct emu *c)
{
	c->dst.val ^= bit(c);
	return X86_EMU_DONE;
}

/* TZCNT and LZCNT: flags CF for a zero source, ZF for a zero result. */
static int counted(struct emu *c, u64 res)
{
	set_flags(c, X86_EFLAGS_CF | X86_EFLAGS_ZF, flag(!c->src.val, X86_EFLAGS_CF) |
		  flag(!res, X86_EFLAGS_ZF));
	c->dst.val = res;
	return X86_EMU_DONE;
}

/* BSF and BSR: a zero source leaves the destination as it was. */
static int scanned(struct emu *c, u64 res)
{
	set_flags(c, X86_EFLAGS_ZF, flag(!c->src.val, X86_EFLAGS_ZF));
	c->skip_write = !c->src.val;
	c->dst.val = res;
	return X86_EMU_DONE;
}

int emu_bsf(struct emu *c)
{
	if (c->in.rep == 0xf3)
		return counted(c, c->src.val ? __ffs64(c->src.val) : c->size * 8);
	return scanned(c, c->src.val ? __ffs64(c->src.val) : 0);
}

int emu_bsr(struct emu *c)
{
	if (c->in.rep == 0xf3)
		return counted(c, c->size * 8 - fls64(c->src.val));
	return scanned(c, c->src.val ? fls64(c->src.val) - 1 : 0);
}

int emu_popcnt(struct emu *c)
{
	if (c->in.rep != 0xf3)
		return X86_EMU_UNHANDLED;
	set_flags(c, ARITH, flag(!c->src.val, X86_EFLAGS_ZF));
	c->dst.val = hweight64(c->src.val);
	return X86_EMU_DONE;
}

/* The double-width register pair of MUL and DIV: AX, or rDX:rAX. */
static void set_pair(struct emu *c, u64 low, u64 high)
{
	if (c->size == 1) {
		emu_set_gpr(c, X86_RAX, 2, (low & 0xff) | high << 8);
	} else {
		emu_set_gpr(c, X86_RAX, c->size, low);
		emu_set_gpr(c, X86_RDX, c->size, high);
	}
}

/* Multiplications set CF and OF when the upper half says something; the rest is undefined. */
static void set_mul_flags(struct emu *c, bool wide)
{
	set_flags(c, X86_EFLAGS_CF | X86_EFLAGS_OF,
		  flag(wide, X86_EFLAGS_CF | X86_EFLAGS_OF));
}

int emu_mul(struct emu *c)
{
	unsigned __int128 res = (unsigned __int128)emu_gpr(c, X86_RAX, c->size) * c->src.val;
	u64 high = res >> (c->size * 8);

	set_pair(c, res, high);
	set_mul_flags(c, high & emu_mask(c->size));
	return X86_EMU_DONE;
}

static __int128 signed_mul(struct emu *c, u64 a, u64 b)
{
	__int128 res = (__int128)(s64)emu_sext(a, c->size) * (s64)emu_sext(b, c->size);

	set_mul_flags(c, res != (s64)emu_sext(res, c->size));
	return res;
}

int emu_imul1(struct emu *c)
{
	__int128 res = signed_mul(c, emu_gpr(c, X86_RAX, c->size), c->src.val);

	set_pair(c, res, res >> (c->size * 8));
	return X86_EMU_DONE;
}

/* Two operands, or three with an immediate (one-byte map). */
int emu_imul(struct emu *c)
{
	c->dst.val = signed_mul(c, c->in.map == X86_MAP_1 ? c->in.imm : c->dst.val, c->src.val);
	return X86_EMU_DONE;
}

/* Long division, since the kernel has no 128-bit one. False: the quotient does not fit. */
static bool divide(u64 high, u64 low, u64 by, u64 *quot, u64 *rem)
{
	int i;

	if (high >= by)
		return false;
	for (i = 0; i < 64; i++) {
		bool out = high >> 63;

		high = high << 1 | low >> 63;
		low <<= 1;
		if (out || high >= by) {
			high -= by;
			low |= 1;
		}
	}
	*quot = low;
	*rem = high;
	return true;
}

static unsigned __int128 dividend(const struct emu *c)
{
	if (c->size == 1)
		return emu_gpr(c, X86_RAX, 2);
	return (unsigned __int128)emu_gpr(c, X86_RDX, c->size) << (c->size * 8) |
	       emu_gpr(c, X86_RAX, c->size);
}

int emu_div(struct emu *c)
{
	unsigned __int128 val = dividend(c);
	u64 quot, rem;

	if (!divide(val >> 64, val, c->src.val, &quot, &rem) || quot > emu_mask(c->size))
		return emu_raise(c, X86_EXC_DE);
	set_pair(c, quot, rem);
	return X86_EMU_DONE;
}

int emu_idiv(struct emu *c)
{
	unsigned int spare = 128 - c->size * 16;
	__int128 val = (__int128)(dividend(c) << spare) >> spare;
	s64 by = emu_sext(c->src.val, c->size);
	bool neg = val < 0, neg_by = by < 0;
	unsigned __int128 abs = neg ? -(unsigned __int128)val : (unsigned __int128)val;
	u64 quot, rem;

	if (!divide(abs >> 64, abs, neg_by ? -(u64)by : (u64)by, &quot, &rem))
		return emu_raise(c, X86_EXC_DE);
	/* The most negative quotient has no positive counterpart. */
	if (quot > emu_sign_bit(c->size) - (neg == neg_by))
		return emu_raise(c, X86_EXC_DE);
	set_pair(c, neg == neg_by ? quot : -quot, neg ? -rem : rem);
	return X86_EMU_DONE;
}

int emu_lea(struct emu *c)
{
	c->dst.val = emu_ea(c);
	return X86_EMU_DONE;
}

/* CBW, CWDE, CDQE */
int emu_cbw(struct emu *c)
{
	emu_set_addr(c, X86_RAX, c->size, emu_sext(c->e->gpr[X86_RAX], c->size / 2));
	return X86_EMU_DONE;
}

/* CWD, CDQ, CQO */
int emu_cwd(struct emu *c)
{
	emu_set_addr(c, X86_RDX, c->size, top_bit(c, c->e->gpr[X86_RAX]) ? ~0ull : 0);
	return X86_EMU_DONE;
}

int emu_setcc(struct emu *c)
{
	c->dst.val = emu_cond(c->e->rflags, c->in.opcode);
	return X86_EMU_DONE;
}

/* A false condition still clears the upper half of a 64-bit register. */
int emu_cmovcc(struct emu *c)
{
	if (emu_cond(c->e->rflags, c->in.opcode))
		c->dst.val = c->src.val;
	return X86_EMU_DONE;
}

int emu_xlat(struct emu *c)
{
	u64 addr = c->e->gpr[X86_RBX] + (c->e->gpr[X86_RAX] & 0xff);
	u64 val;
	int ret = emu_load(c, c->in.seg, addr & emu_mask(c->in.addrsize), 1, &val);

	if (!ret)
		emu_set_gpr(c, X86_RAX, 1, val);
	return ret;
}

#define AH_FLAGS (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF)

int emu_lahf(struct emu *c)
{
	u64 ah = (c->e->rflags & AH_FLAGS) | X86_EFLAGS_FIXED;

	c->e->gpr[X86_RAX] = (c->e->gpr[X86_RAX] & ~0xff00ull) | ah << 8;
	return X86_EMU_DONE;
}

int emu_sahf(struct emu *c)
{
	set_flags(c, AH_FLAGS, c->e->gpr[X86_RAX] >> 8);
	return X86_EMU_DONE;
}

/* CMC, CLC, STC, CLD, STD */
int emu_flag(struct emu *c)
{
	if (c->in.opcode == 0xf5)
		c->e->rflags ^= X86_EFLAGS_CF;
	else
		set_flags(c, c->in.opcode < 0xfa ? X86_EFLAGS_CF : X86_EFLAGS_DF,
			  c->in.opcode & 1 ? ~0ull : 0);
	return X86_EMU_DONE;
}

int emu_salc(struct emu *c)
{
	emu_set_gpr(c, X86_RAX, 1, carry(c) ? 0xff : 0);
	return X86_EMU_DONE;
}

/* NOP with ModRM, prefetches, ENDBR: what memory they name is not accessed. */
int emu_nop(struct emu *c)
{
	return X86_EMU_DONE;
}
