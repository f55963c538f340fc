/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86 instruction decoder: prefixes, opcode, ModRM, SIB, displacement and
 * immediates, and from them length, operand and address size. decode.c; called
 * by the emulator, and by the exit code of units that do not report lengths.
 */
#ifndef KVMX_X86_DECODE_H
#define KVMX_X86_DECODE_H

#include <linux/types.h>

#define X86_INSN_MAX	15

enum x86_insn_mode {
	X86_MODE_16,
	X86_MODE_32,
	X86_MODE_64,
};

enum x86_opcode_map { X86_MAP_1, X86_MAP_0F, X86_MAP_0F38, X86_MAP_0F3A };

struct emu;
struct x86_mov;

/* What the emulator does for an opcode: emulate_ops.h. */
typedef int (*emu_fn)(struct emu *c);

struct x86_insn {
	u8 mode;		/* enum x86_insn_mode */
	u8 len;
	u8 map;			/* enum x86_opcode_map */
	u8 opcode;
	bool lock;
	bool opsize_prefix;	/* 66 */
	u8 rep;			/* 0xf2, 0xf3 or 0: the last one */
	u8 rex;			/* 0: none. VEX's R, X, B and W are put here too */
	bool vex;
	u8 vex_l, vex_vvvv;
	u8 seg;			/* segment of the memory operand, override applied */
	bool seg_override;
	u8 opsize, addrsize;	/* bytes: 2, 4, 8 */
	u8 modrm, mod, reg, rm;	/* reg and rm are extended by REX */
	bool mem;		/* ModRM names memory */
	bool rip_relative;
	s8 base, index;		/* register numbers, -1: none */
	u8 scale;		/* shift */
	s64 disp;		/* or the moffs address, or the far selector's offset */
	u64 imm;		/* sign-extended where the instruction does so */
	u16 imm2;		/* ENTER's level, far selector */
	u32 flags;		/* of the opcode table: emulate_ops.h */
	emu_fn fn;		/* NULL: not emulated */
};

enum {
	X86_DECODE_OK,
	X86_DECODE_MORE,	/* the instruction goes on after the last byte */
	X86_DECODE_LONG,	/* more than 15 bytes: #GP(0) */
	X86_DECODE_INVALID,	/* #UD on every CPU in this mode */
	X86_DECODE_UNKNOWN,	/* not an encoding this decoder knows */
};

/* Decodes the instruction in @bytes (@n of them, at most 15 are looked at). X86_DECODE_*. */
int x86_decode(struct x86_insn *insn, const u8 *bytes, unsigned int n, enum x86_insn_mode mode);

/* Whether it moves between a register, or an immediate, and memory, and does nothing else. */
bool x86_decode_mov(const struct x86_insn *insn, struct x86_mov *mov);

/* The address of its memory operand within the segment. */
u64 x86_insn_address(const struct x86_insn *insn, const u64 *gpr, u64 rip);

#endif
