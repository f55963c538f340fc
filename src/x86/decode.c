// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86 instruction decoder and the opcode tables of the emulator (Intel SDM
 * volume 2, "Instruction Format" and "Opcode Map"; AMD APM volume 3). Called
 * by emulate.c, and for lengths by units that do not report them.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>

#include <kvmx/x86.h>
#include "emulate_ops.h"

struct x86_opcode {
	u32 flags;
	union {
		emu_fn fn;
		const struct x86_opcode *group;	/* F_GROUP */
	};
};

#define OP(fl, f)	{ .flags = F_KNOWN | (fl), .fn = (f) }
#define LEN(fl)		{ .flags = F_KNOWN | (fl) }
#define GRP(fl, g)	{ .flags = F_KNOWN | F_GROUP | F_MODRM | (fl), .group = (g) }

/* The six forms of the two-operand arithmetic instructions. */
#define ALU6(fl, f)						\
	OP(F_MODRM | F_BYTE | D_RM | S_REG | (fl), f),		\
	OP(F_MODRM | D_RM | S_REG | (fl), f),			\
	OP(F_MODRM | F_BYTE | D_REG | S_RM | ((fl) & ~F_LOCK), f), \
	OP(F_MODRM | D_REG | S_RM | ((fl) & ~F_LOCK), f),	\
	OP(F_BYTE | D_ACC | S_IMM | I_8 | ((fl) & ~F_LOCK), f),	\
	OP(D_ACC | S_IMM | I_Z | ((fl) & ~F_LOCK), f)

/* Members of groups: the parent's flags are added. */
static const struct x86_opcode grp1[8] = {
	OP(F_LOCK, emu_add), OP(F_LOCK, emu_or), OP(F_LOCK, emu_adc), OP(F_LOCK, emu_sbb),
	OP(F_LOCK, emu_and), OP(F_LOCK, emu_sub), OP(F_LOCK, emu_xor), OP(F_NOWRITE, emu_sub),
};

static const struct x86_opcode grp1a[8] = { OP(F_D64, emu_pop_rm) };

static const struct x86_opcode grp2[8] = {
	OP(0, emu_rol), OP(0, emu_ror), OP(0, emu_rcl), OP(0, emu_rcr),
	OP(0, emu_shl), OP(0, emu_shr), OP(0, emu_shl), OP(0, emu_sar),
};

static const struct x86_opcode grp3b[8] = {
	OP(D_RM | S_IMM | I_8 | F_NOWRITE, emu_and), OP(D_RM | S_IMM | I_8 | F_NOWRITE, emu_and),
	OP(D_RM | F_LOCK, emu_not), OP(D_RM | F_LOCK, emu_neg),
	OP(S_RM, emu_mul), OP(S_RM, emu_imul1), OP(S_RM, emu_div), OP(S_RM, emu_idiv),
};

static const struct x86_opcode grp3[8] = {
	OP(D_RM | S_IMM | I_Z | F_NOWRITE, emu_and), OP(D_RM | S_IMM | I_Z | F_NOWRITE, emu_and),
	OP(D_RM | F_LOCK, emu_not), OP(D_RM | F_LOCK, emu_neg),
	OP(S_RM, emu_mul), OP(S_RM, emu_imul1), OP(S_RM, emu_div), OP(S_RM, emu_idiv),
};

static const struct x86_opcode grp4[8] = {
	OP(D_RM | F_LOCK, emu_inc), OP(D_RM | F_LOCK, emu_dec),
};

static const struct x86_opcode grp5[8] = {
	OP(D_RM | F_LOCK, emu_inc), OP(D_RM | F_LOCK, emu_dec),
	OP(S_RM | F_F64, emu_call_rm), OP(F_MEM, emu_far_rm),
	OP(S_RM | F_F64, emu_jmp_rm), OP(F_MEM, emu_far_rm),
	OP(S_RM | F_D64, emu_push_op),
};

static const struct x86_opcode grp6[8] = {
	OP(D_RM | F_MOV, emu_store_sel), OP(D_RM | F_MOV, emu_store_sel),
	LEN(F_PRIV), LEN(F_PRIV), LEN(0), LEN(0),
};

/* Registers in ModRM.rm make other instructions of most of these: the handlers look. */
static const struct x86_opcode grp7[8] = {
	OP(0, emu_store_table), OP(0, emu_store_table),
	OP(0, emu_load_table), OP(0, emu_load_table),
	OP(D_RM | F_MOV, emu_smsw), LEN(0),
	OP(S_RM | F_SRC16 | F_PRIV, emu_lmsw), OP(0, emu_grp7_7),
};

static const struct x86_opcode grp8[8] = {
	[4] = OP(F_NOWRITE, emu_bt), OP(F_LOCK, emu_bts), OP(F_LOCK, emu_btr),
	OP(F_LOCK, emu_btc),
};

static const struct x86_opcode grp9[8] = {
	[1] = OP(F_MEM | F_LOCK, emu_cmpxchg8b),
	[3] = LEN(0), LEN(0), LEN(0), LEN(0), LEN(0),
};

static const struct x86_opcode grp11[8] = { OP(0, emu_mov) };

static const struct x86_opcode map_1[256] = {
	[0x00] = ALU6(F_LOCK, emu_add), OP(F_NO64, emu_push_seg), OP(F_NO64, emu_pop_seg),
	[0x08] = ALU6(F_LOCK, emu_or), OP(F_NO64, emu_push_seg),
	[0x10] = ALU6(F_LOCK, emu_adc), OP(F_NO64, emu_push_seg), OP(F_NO64, emu_pop_seg),
	[0x18] = ALU6(F_LOCK, emu_sbb), OP(F_NO64, emu_push_seg), OP(F_NO64, emu_pop_seg),
	[0x20] = ALU6(F_LOCK, emu_and), [0x27] = LEN(F_NO64),
	[0x28] = ALU6(F_LOCK, emu_sub), [0x2f] = LEN(F_NO64),
	[0x30] = ALU6(F_LOCK, emu_xor), [0x37] = LEN(F_NO64),
	[0x38] = ALU6(F_NOWRITE, emu_sub), [0x3f] = LEN(F_NO64),
	[0x40 ... 0x47] = OP(F_NO64 | D_OPREG, emu_inc),
	[0x48 ... 0x4f] = OP(F_NO64 | D_OPREG, emu_dec),
	[0x50 ... 0x57] = OP(F_D64 | S_OPREG, emu_push_op),
	[0x58 ... 0x5f] = OP(F_D64 | F_MOV | D_OPREG, emu_pop_op),
	[0x60] = OP(F_NO64, emu_pusha), OP(F_NO64, emu_popa),
	[0x62] = LEN(F_NO64 | F_MODRM | F_MEM),
	[0x63] = OP(F_MODRM | F_MOV | D_REG | S_RM | F_SRC32, emu_movsx),
	[0x68] = OP(F_D64 | S_IMM | I_Z, emu_push_op),
	[0x69] = OP(F_MODRM | F_MOV | D_REG | S_RM | I_Z, emu_imul),
	[0x6a] = OP(F_D64 | S_IMM | I_8, emu_push_op),
	[0x6b] = OP(F_MODRM | F_MOV | D_REG | S_RM | I_8, emu_imul),
	[0x6c] = OP(F_BYTE, emu_ins), OP(0, emu_ins), OP(F_BYTE, emu_outs), OP(0, emu_outs),
	[0x70 ... 0x7f] = OP(F_F64 | I_8, emu_jcc),
	[0x80] = GRP(F_BYTE | D_RM | S_IMM | I_8, grp1), GRP(D_RM | S_IMM | I_Z, grp1),
	[0x82] = GRP(F_NO64 | F_BYTE | D_RM | S_IMM | I_8, grp1), GRP(D_RM | S_IMM | I_8, grp1),
	[0x84] = OP(F_MODRM | F_NOWRITE | F_BYTE | D_RM | S_REG, emu_and),
	[0x85] = OP(F_MODRM | F_NOWRITE | D_RM | S_REG, emu_and),
	[0x86] = OP(F_MODRM | F_LOCK | F_XCHG | F_BYTE | D_RM | S_REG, emu_xchg),
	[0x87] = OP(F_MODRM | F_LOCK | F_XCHG | D_RM | S_REG, emu_xchg),
	[0x88] = OP(F_MODRM | F_MOV | F_BYTE | D_RM | S_REG, emu_mov),
	[0x89] = OP(F_MODRM | F_MOV | D_RM | S_REG, emu_mov),
	[0x8a] = OP(F_MODRM | F_MOV | F_BYTE | D_REG | S_RM, emu_mov),
	[0x8b] = OP(F_MODRM | F_MOV | D_REG | S_RM, emu_mov),
	[0x8c] = OP(F_MODRM | F_MOV | D_RM, emu_mov_from_seg),
	[0x8d] = OP(F_MODRM | F_MEM | F_MOV | D_REG, emu_lea),
	[0x8e] = OP(F_MODRM | S_RM | F_SRC16, emu_mov_to_seg),
	[0x8f] = GRP(0, grp1a),
	[0x90 ... 0x97] = OP(D_ACC | S_OPREG, emu_xchg),
	[0x98] = OP(0, emu_cbw), OP(0, emu_cwd), OP(F_NO64 | I_FAR, emu_far), LEN(0),
	[0x9c] = OP(F_D64, emu_pushf), OP(F_D64, emu_popf), OP(0, emu_sahf), OP(0, emu_lahf),
	[0xa0] = OP(F_MOV | F_BYTE | D_ACC | S_RM | I_MOFFS, emu_mov),
	[0xa1] = OP(F_MOV | D_ACC | S_RM | I_MOFFS, emu_mov),
	[0xa2] = OP(F_MOV | F_BYTE | D_RM | S_ACC | I_MOFFS, emu_mov),
	[0xa3] = OP(F_MOV | D_RM | S_ACC | I_MOFFS, emu_mov),
	[0xa4] = OP(F_BYTE, emu_movs), OP(0, emu_movs), OP(F_BYTE, emu_cmps), OP(0, emu_cmps),
	[0xa8] = OP(F_NOWRITE | F_BYTE | D_ACC | S_IMM | I_8, emu_and),
	[0xa9] = OP(F_NOWRITE | D_ACC | S_IMM | I_Z, emu_and),
	[0xaa] = OP(F_BYTE, emu_stos), OP(0, emu_stos), OP(F_BYTE, emu_lods), OP(0, emu_lods),
	[0xae] = OP(F_BYTE, emu_scas), OP(0, emu_scas),
	[0xb0 ... 0xb7] = OP(F_MOV | F_BYTE | D_OPREG | S_IMM | I_8, emu_mov),
	[0xb8 ... 0xbf] = OP(F_MOV | D_OPREG | S_IMM | I_V, emu_mov),
	[0xc0] = GRP(F_BYTE | D_RM | S_IMM | I_8, grp2), GRP(D_RM | S_IMM | I_8, grp2),
	[0xc2] = OP(F_F64 | I_16, emu_ret), OP(F_F64, emu_ret),
	[0xc4] = OP(F_NO64 | F_MODRM | F_MEM, emu_lds), OP(F_NO64 | F_MODRM | F_MEM, emu_lds),
	[0xc6] = GRP(F_MOV | F_BYTE | D_RM | S_IMM | I_8, grp11),
	[0xc7] = GRP(F_MOV | D_RM | S_IMM | I_Z, grp11),
	[0xc8] = OP(F_D64 | I_16_8, emu_enter), OP(F_D64, emu_leave),
	[0xca] = OP(I_16, emu_retf), OP(0, emu_retf),
	[0xcc] = OP(0, emu_int), OP(I_8, emu_int), OP(F_NO64, emu_int), OP(0, emu_iret),
	[0xd0] = GRP(F_BYTE | D_RM | S_ONE, grp2), GRP(D_RM | S_ONE, grp2),
	[0xd2] = GRP(F_BYTE | D_RM | S_CL, grp2), GRP(D_RM | S_CL, grp2),
	[0xd4] = LEN(F_NO64 | I_8), LEN(F_NO64 | I_8), OP(F_NO64, emu_salc), OP(0, emu_xlat),
	[0xd8 ... 0xdf] = LEN(F_MODRM),
	[0xe0 ... 0xe3] = OP(F_F64 | I_8, emu_loop),
	[0xe4] = OP(F_BYTE | I_8, emu_in), OP(I_8, emu_in),
	[0xe6] = OP(F_BYTE | I_8, emu_out), OP(I_8, emu_out),
	[0xe8] = OP(F_F64 | I_Z, emu_call), OP(F_F64 | I_Z, emu_jmp),
	[0xea] = OP(F_NO64 | I_FAR, emu_far), OP(F_F64 | I_8, emu_jmp),
	[0xec] = OP(F_BYTE, emu_in), OP(0, emu_in), OP(F_BYTE, emu_out), OP(0, emu_out),
	[0xf1] = LEN(0),
	[0xf4] = OP(F_PRIV, emu_hlt), OP(0, emu_flag),
	[0xf6] = GRP(F_BYTE, grp3b), GRP(0, grp3),
	[0xf8] = OP(0, emu_flag), OP(0, emu_flag), OP(0, emu_cli), OP(0, emu_sti),
	[0xfc] = OP(0, emu_flag), OP(0, emu_flag), GRP(F_BYTE, grp4), GRP(0, grp5),
};

static const struct x86_opcode map_0f[256] = {
	[0x00] = GRP(0, grp6), GRP(0, grp7),
	[0x02] = LEN(F_MODRM), LEN(F_MODRM), [0x05] = LEN(0),
	[0x06] = OP(F_PRIV, emu_clts), LEN(F_PRIV),
	[0x08] = OP(F_PRIV, emu_wbinvd), OP(F_PRIV, emu_wbinvd), [0x0b] = OP(0, emu_ud),
	[0x0d] = OP(F_MODRM, emu_nop), LEN(0), LEN(F_MODRM | I_8),
	[0x10 ... 0x13] = OP(F_MODRM | F_VEX, emu_movv), LEN(F_MODRM), LEN(F_MODRM),
	[0x16 ... 0x17] = OP(F_MODRM, emu_movv),
	[0x18 ... 0x1f] = OP(F_MODRM, emu_nop),
	[0x20] = OP(F_MODRM | F_REGS | F_F64, emu_mov_cr),
	[0x21] = OP(F_MODRM | F_REGS | F_F64, emu_mov_dr),
	[0x22] = OP(F_MODRM | F_REGS | F_F64, emu_mov_cr),
	[0x23] = OP(F_MODRM | F_REGS | F_F64, emu_mov_dr),
	[0x28 ... 0x29] = OP(F_MODRM | F_VEX, emu_movv), LEN(F_MODRM),
	[0x2b] = OP(F_MODRM | F_MEM | F_VEX, emu_movv), [0x2c ... 0x2f] = LEN(F_MODRM),
	[0x30] = OP(F_PRIV, emu_wrmsr), OP(0, emu_rdtsc), OP(F_PRIV, emu_rdmsr),
	[0x33 ... 0x35] = LEN(0), [0x37] = LEN(0),
	[0x40 ... 0x4f] = OP(F_MODRM | D_REG | S_RM, emu_cmovcc),
	[0x50 ... 0x6d] = LEN(F_MODRM),
	[0x6e ... 0x6f] = OP(F_MODRM | F_VEX, emu_movv),
	[0x70 ... 0x73] = LEN(F_MODRM | I_8), [0x74 ... 0x76] = LEN(F_MODRM), LEN(0),
	[0x78 ... 0x7d] = LEN(F_MODRM),
	[0x7e ... 0x7f] = OP(F_MODRM | F_VEX, emu_movv),
	[0x80 ... 0x8f] = OP(F_F64 | I_Z, emu_jcc),
	[0x90 ... 0x9f] = OP(F_MODRM | F_MOV | F_BYTE | D_RM, emu_setcc),
	[0xa0] = OP(F_D64, emu_push_seg), OP(F_D64, emu_pop_seg), OP(0, emu_cpuid),
	[0xa3] = OP(F_MODRM | F_NOWRITE | D_RM | S_REG, emu_bt),
	[0xa4] = OP(F_MODRM | D_RM | S_REG | I_8, emu_shld),
	[0xa5] = OP(F_MODRM | D_RM | S_REG, emu_shld),
	[0xa8] = OP(F_D64, emu_push_seg), OP(F_D64, emu_pop_seg), LEN(0),
	[0xab] = OP(F_MODRM | F_LOCK | D_RM | S_REG, emu_bts),
	[0xac] = OP(F_MODRM | D_RM | S_REG | I_8, emu_shrd),
	[0xad] = OP(F_MODRM | D_RM | S_REG, emu_shrd),
	[0xae] = OP(F_MODRM, emu_fence),
	[0xaf] = OP(F_MODRM | D_REG | S_RM, emu_imul),
	[0xb0] = OP(F_MODRM | F_LOCK | F_BYTE | D_RM | S_REG, emu_cmpxchg),
	[0xb1] = OP(F_MODRM | F_LOCK | D_RM | S_REG, emu_cmpxchg),
	[0xb2] = OP(F_MODRM | F_MEM, emu_lds),
	[0xb3] = OP(F_MODRM | F_LOCK | D_RM | S_REG, emu_btr),
	[0xb4] = OP(F_MODRM | F_MEM, emu_lds), OP(F_MODRM | F_MEM, emu_lds),
	[0xb6] = OP(F_MODRM | F_MOV | D_REG | S_RM | F_SRC8, emu_mov),
	[0xb7] = OP(F_MODRM | F_MOV | D_REG | S_RM | F_SRC16, emu_mov),
	[0xb8] = OP(F_MODRM | F_MOV | D_REG | S_RM, emu_popcnt),
	[0xb9] = OP(F_MODRM, emu_ud),
	[0xba] = GRP(D_RM | S_IMM | I_8, grp8),
	[0xbb] = OP(F_MODRM | F_LOCK | D_RM | S_REG, emu_btc),
	[0xbc] = OP(F_MODRM | D_REG | S_RM, emu_bsf),
	[0xbd] = OP(F_MODRM | D_REG | S_RM, emu_bsr),
	[0xbe] = OP(F_MODRM | F_MOV | D_REG | S_RM | F_SRC8, emu_movsx),
	[0xbf] = OP(F_MODRM | F_MOV | D_REG | S_RM | F_SRC16, emu_movsx),
	[0xc0] = OP(F_MODRM | F_LOCK | F_BYTE | D_RM | S_REG, emu_xadd),
	[0xc1] = OP(F_MODRM | F_LOCK | D_RM | S_REG, emu_xadd),
	[0xc2] = LEN(F_MODRM | I_8),
	[0xc3] = OP(F_MODRM | F_MEM | F_MOV | D_RM | S_REG, emu_movnti),
	[0xc4 ... 0xc6] = LEN(F_MODRM | I_8),
	[0xc7] = GRP(0, grp9),
	[0xc8 ... 0xcf] = OP(D_OPREG, emu_bswap),
	[0xd0 ... 0xd5] = LEN(F_MODRM),
	[0xd6] = OP(F_MODRM | F_VEX, emu_movv),
	[0xd7 ... 0xe6] = LEN(F_MODRM),
	[0xe7] = OP(F_MODRM | F_MEM | F_VEX, emu_movv),
	[0xe8 ... 0xef] = LEN(F_MODRM),
	[0xf0] = OP(F_MODRM | F_MEM | F_VEX, emu_movv),
	[0xf1 ... 0xfe] = LEN(F_MODRM), OP(F_MODRM, emu_ud),
};

static const struct x86_opcode op_movbe_load =
	OP(F_MODRM | F_MEM | F_MOV | D_REG | S_RM, emu_movbe);
static const struct x86_opcode op_movbe_store =
	OP(F_MODRM | F_MEM | F_MOV | D_RM | S_REG, emu_movbe);
static const struct x86_opcode op_movntdqa = OP(F_MODRM | F_MEM | F_VEX, emu_movv);
static const struct x86_opcode op_0f38 = LEN(F_MODRM);
static const struct x86_opcode op_0f3a = LEN(F_MODRM | I_8);

/* The bytes not consumed yet. */
struct stream {
	const u8 *bytes;
	unsigned int pos, len;
};

/* Takes @n bytes, little endian. False when there are not so many. */
static bool take(struct stream *s, unsigned int n, u64 *val)
{
	unsigned int i;

	if (s->len - s->pos < n)
		return false;
	*val = 0;
	for (i = 0; i < n; i++)
		*val |= (u64)s->bytes[s->pos++] << (8 * i);
	return true;
}

/* Legacy and REX prefixes; leaves the stream at the opcode. */
static bool decode_prefixes(struct x86_insn *in, struct stream *s, bool *addr_prefix)
{
	u64 b;

	for (;;) {
		if (!take(s, 1, &b))
			return false;
		if (in->mode == X86_MODE_64 && (b & 0xf0) == 0x40) {
			in->rex = b;
			continue;
		}
		switch (b) {
		case 0x66:
			in->opsize_prefix = true;
			break;
		case 0x67:
			*addr_prefix = true;
			break;
		case 0xf0:
			in->lock = true;
			break;
		case 0xf2: case 0xf3:
			in->rep = b;
			break;
		case 0x26: case 0x2e: case 0x36: case 0x3e:
			if (in->mode != X86_MODE_64) {
				in->seg = X86_SEG_ES + ((b >> 3) & 3);
				in->seg_override = true;
			}
			break;
		case 0x64: case 0x65:
			in->seg = b == 0x64 ? X86_SEG_FS : X86_SEG_GS;
			in->seg_override = true;
			break;
		default:
			s->pos--;
			return true;
		}
		in->rex = 0;	/* REX counts only as the last prefix */
	}
}

/* The VEX prefix after its first byte ("The VEX Prefix"). */
static int decode_vex(struct x86_insn *in, struct stream *s, bool three)
{
	u64 b1, b2;

	if (in->rex || in->lock || in->rep || in->opsize_prefix)
		return X86_DECODE_INVALID;
	if (!take(s, 1, &b1))
		return X86_DECODE_MORE;
	in->map = X86_MAP_0F;
	in->rex = 0x40 | (~b1 >> 5 & 4);
	b2 = b1;
	if (three) {
		if (!take(s, 1, &b2))
			return X86_DECODE_MORE;
		if ((b1 & 0x1f) < X86_MAP_0F || (b1 & 0x1f) > X86_MAP_0F3A)
			return X86_DECODE_UNKNOWN;
		in->map = b1 & 0x1f;
		in->rex |= (~b1 >> 5 & 3) | (b2 >> 4 & 8);
	}
	/* Outside of 64-bit mode only eight registers can be named. */
	if (in->mode != X86_MODE_64)
		in->rex &= ~7;
	in->vex = true;
	in->vex_l = b2 >> 2 & 1;
	in->vex_vvvv = ~b2 >> 3 & 15;
	in->opsize_prefix = (b2 & 3) == 1;
	in->rep = (b2 & 3) == 2 ? 0xf3 : (b2 & 3) == 3 ? 0xf2 : 0;
	return X86_DECODE_OK;
}

/* Opcode bytes. *op becomes the entry before groups are resolved. */
static int decode_opcode(struct x86_insn *in, struct stream *s, const struct x86_opcode **op)
{
	u64 b;
	int ret;

	if (!take(s, 1, &b))
		return X86_DECODE_MORE;
	in->map = X86_MAP_1;
	if (b == 0xc4 || b == 0xc5 || b == 0x62 || b == 0x8f) {
		if (s->pos == s->len)
			return X86_DECODE_MORE;
		if (b == 0x8f) {
			if (s->bytes[s->pos] & 0x38)	/* XOP */
				return X86_DECODE_UNKNOWN;
		} else if (in->mode == X86_MODE_64 || s->bytes[s->pos] >= 0xc0) {
			if (b == 0x62)			/* EVEX */
				return X86_DECODE_UNKNOWN;
			ret = decode_vex(in, s, b == 0xc4);
			if (ret)
				return ret;
			if (!take(s, 1, &b))
				return X86_DECODE_MORE;
		}
	} else if (b == 0x0f) {
		in->map = X86_MAP_0F;
		if (!take(s, 1, &b))
			return X86_DECODE_MORE;
		if (b == 0x38 || b == 0x3a) {
			in->map = b == 0x38 ? X86_MAP_0F38 : X86_MAP_0F3A;
			if (!take(s, 1, &b))
				return X86_DECODE_MORE;
		}
	}

	in->opcode = b;
	b = array_index_nospec(b, 256);
	switch (in->map) {
	case X86_MAP_1:
		*op = &map_1[b];
		break;
	case X86_MAP_0F:
		*op = &map_0f[b];
		break;
	case X86_MAP_0F38:
		*op = &op_0f38;
		if ((b & 0xfe) == 0xf0 && in->rep != 0xf2 && !in->vex)
			*op = b & 1 ? &op_movbe_store : &op_movbe_load;
		else if (b == 0x2a && in->opsize_prefix)
			*op = &op_movntdqa;
		break;
	default:
		*op = &op_0f3a;
		break;
	}
	return X86_DECODE_OK;
}

/* "16-Bit Addressing Forms with the ModR/M Byte" */
static unsigned int decode_address16(struct x86_insn *in)
{
	static const s8 base[8] = {
		X86_RBX, X86_RBX, X86_RBP, X86_RBP, X86_RSI, X86_RDI, X86_RBP, X86_RBX,
	};
	static const s8 index[8] = { X86_RSI, X86_RDI, X86_RSI, X86_RDI, -1, -1, -1, -1 };
	unsigned int rm = in->modrm & 7;

	if (in->mod == 0 && rm == 6)
		return 2;
	in->base = base[rm];
	in->index = index[rm];
	return in->mod;
}

/* 32 and 64 bits: SIB. Returns the size of the displacement, or -1. */
static int decode_address(struct x86_insn *in, struct stream *s)
{
	unsigned int rm = in->modrm & 7;
	u64 sib;

	if (rm == 4) {
		if (!take(s, 1, &sib))
			return -1;
		in->scale = sib >> 6;
		in->index = (sib >> 3 & 7) | (in->rex << 2 & 8);
		if (in->index == X86_RSP)
			in->index = -1;
		if ((sib & 7) == 5 && in->mod == 0)
			return 4;
		in->base = (sib & 7) | (in->rex << 3 & 8);
	} else if (rm == 5 && in->mod == 0) {
		in->rip_relative = in->mode == X86_MODE_64;
		return 4;
	} else {
		in->base = rm | (in->rex << 3 & 8);
	}
	return in->mod == 2 ? 4 : in->mod;
}

static bool decode_modrm(struct x86_insn *in, struct stream *s, bool regs)
{
	u64 disp;
	int size;

	in->mod = in->modrm >> 6;
	in->reg = (in->modrm >> 3 & 7) | (in->rex << 1 & 8);
	in->rm = (in->modrm & 7) | (in->rex << 3 & 8);
	if (in->mod == 3 || regs)
		return true;
	in->mem = true;
	size = in->addrsize == 2 ? (int)decode_address16(in) : decode_address(in, s);
	if (size < 0)
		return false;
	if (!in->seg_override && (in->base == X86_RSP || in->base == X86_RBP))
		in->seg = X86_SEG_SS;
	if (size) {
		if (!take(s, size, &disp))
			return false;
		in->disp = emu_sext(disp, size);
	}
	return true;
}

static bool decode_immediate(struct x86_insn *in, struct stream *s)
{
	unsigned int z = in->opsize == 2 ? 2 : 4;
	u64 val;

	switch (in->flags & I_MASK) {
	case I_8:
		if (!take(s, 1, &val))
			return false;
		in->imm = emu_sext(val, 1);
		break;
	case I_Z:
		if (!take(s, z, &val))
			return false;
		in->imm = emu_sext(val, z);
		break;
	case I_V:
		return take(s, in->opsize, &in->imm);
	case I_16:
		return take(s, 2, &in->imm);
	case I_16_8:
		if (!take(s, 2, &in->imm) || !take(s, 1, &val))
			return false;
		in->imm2 = val;
		break;
	case I_MOFFS:
		if (!take(s, in->addrsize, &val))
			return false;
		in->mem = true;
		in->disp = val;
		break;
	case I_FAR:
		if (!take(s, z, &in->imm) || !take(s, 2, &val))
			return false;
		in->imm2 = val;
		break;
	}
	return true;
}

static void decode_opsize(struct x86_insn *in)
{
	if (in->mode != X86_MODE_64)
		in->opsize = (in->mode == X86_MODE_32) != in->opsize_prefix ? 4 : 2;
	else if ((in->rex & 8) || (in->flags & F_F64))
		in->opsize = 8;
	else if (in->opsize_prefix)
		in->opsize = 2;
	else
		in->opsize = in->flags & F_D64 ? 8 : 4;
}

/* What the opcode and ModRM say together is not an instruction. */
static int decode_check(const struct x86_insn *in)
{
	if (in->mode == X86_MODE_64 && (in->flags & F_NO64))
		return X86_DECODE_INVALID;
	if ((in->flags & F_MEM) && !in->mem)
		return X86_DECODE_INVALID;
	/* AMD and Intel disagree on near branches with an operand-size prefix. */
	if (in->mode == X86_MODE_64 && (in->flags & F_F64) && !(in->flags & F_REGS) &&
	    in->opsize_prefix && !(in->rex & 8))
		return X86_DECODE_UNKNOWN;
	return X86_DECODE_OK;
}

static int decode(struct x86_insn *in, struct stream *s)
{
	const struct x86_opcode *op;
	bool addr_prefix = false;
	u64 b;
	int ret;

	if (!decode_prefixes(in, s, &addr_prefix))
		return X86_DECODE_MORE;
	if (in->mode == X86_MODE_64)
		in->addrsize = addr_prefix ? 4 : 8;
	else
		in->addrsize = (in->mode == X86_MODE_32) != addr_prefix ? 4 : 2;
	ret = decode_opcode(in, s, &op);
	if (ret)
		return ret;
	in->flags = op->flags;
	if (!(op->flags & F_KNOWN))
		return X86_DECODE_UNKNOWN;
	/* With VEX the same numbers mean other things, but for the moves; all have ModRM. */
	if (in->vex && !(op->flags & F_MODRM) && in->opcode != 0x77)
		return X86_DECODE_UNKNOWN;

	if (op->flags & F_MODRM) {
		if (!take(s, 1, &b))
			return X86_DECODE_MORE;
		in->modrm = b;
		if (op->flags & F_GROUP) {
			b = array_index_nospec(b >> 3 & 7, 8);
			in->flags |= op->group[b].flags;
			op = &op->group[b];
			if (!(op->flags & F_KNOWN))
				return X86_DECODE_INVALID;
		}
		if (!decode_modrm(in, s, in->flags & F_REGS))
			return X86_DECODE_MORE;
	}
	in->fn = op->fn;
	if (in->vex && !(in->flags & F_VEX))
		in->fn = NULL;
	/* ARPL */
	if (in->map == X86_MAP_1 && in->opcode == 0x63 && in->mode != X86_MODE_64)
		in->fn = NULL;
	decode_opsize(in);
	if (!decode_immediate(in, s))
		return X86_DECODE_MORE;
	return decode_check(in);
}

int x86_decode(struct x86_insn *insn, const u8 *bytes, unsigned int n, enum x86_insn_mode mode)
{
	struct stream s = { .bytes = bytes, .len = min_t(unsigned int, n, X86_INSN_MAX) };
	int ret;

	*insn = (struct x86_insn) {
		.mode = mode, .seg = X86_SEG_DS, .base = -1, .index = -1,
	};
	ret = decode(insn, &s);
	if (ret == X86_DECODE_MORE && n >= X86_INSN_MAX)
		return X86_DECODE_LONG;
	insn->len = s.pos;
	return ret;
}

bool x86_decode_mov(const struct x86_insn *in, struct x86_mov *mov)
{
	u32 flags = in->flags;

	if (!in->mem || in->fn != emu_mov || in->lock || in->rep)
		return false;
	*mov = (struct x86_mov) {
		.store = (flags & D_MASK) == D_RM,
		.imm = (flags & S_MASK) == S_IMM,
		.reg = flags & F_MODRM ? in->reg : X86_RAX,
		.size = flags & F_BYTE ? 1 : in->opsize,
		.val = in->imm,
	};
	mov->mem_size = flags & F_SRC8 ? 1 : flags & F_SRC16 ? 2 : mov->size;
	/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
	if (mov->size == 1 && !mov->imm && !in->rex && mov->reg >= 4) {
		mov->reg -= 4;
		mov->high = true;
	}
	return true;
}

u64 x86_insn_address(const struct x86_insn *in, const u64 *gpr, u64 rip)
{
	u64 addr = in->disp;

	if (in->base >= 0)
		addr += gpr[in->base];
	if (in->index >= 0)
		addr += gpr[in->index] << in->scale;
	if (in->rip_relative)
		addr += rip + in->len;
	return addr & emu_mask(in->addrsize);
}
