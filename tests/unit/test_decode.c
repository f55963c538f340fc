// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction decoder: lengths of a list made by hand from the manuals' encodings, what it
 * finds in prefixes, ModRM and immediates, and that no prefix of an instruction has a length.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <kvmx/x86.h>
#include "decode.h"

#include "unit.h"

/* links: src/x86/decode.c src/x86/emulate.c src/x86/emulate_alu.c src/x86/emulate_flow.c */
/* links: src/x86/emulate_seg.c src/x86/emulate_string.c src/x86/emulate_sys.c */

/* Length of the instruction in @bytes, or -1. */
static int insn_length(const u8 *bytes, unsigned int n, enum x86_insn_mode mode)
{
	struct x86_insn insn;

	return x86_decode(&insn, bytes, n, mode) ? -1 : insn.len;
}

struct sample {
	const char *hex;	/* exactly the instruction */
	u8 modes;		/* in which it is one: bits of enum x86_insn_mode */
};

#define IN16	1
#define IN32	2
#define IN64	4
#define ANY	7

/* What units intercept and do not always measure, then one of each kind of operand. */
static const struct sample samples[] = {
	{ "0fa2", ANY },			/* cpuid */
	{ "660fa2", ANY }, { "f30fa2", ANY }, { "480fa2", IN64 }, { "2e660fa2", ANY },
	{ "f4", ANY }, { "66f4", ANY }, { "66666666666666666666666666f4", ANY },	/* hlt */
	{ "0f32", ANY }, { "0f30", ANY }, { "480f30", IN64 },	/* rdmsr, wrmsr */
	{ "0f31", ANY }, { "0f01f9", ANY }, { "0f33", ANY },	/* rdtsc, rdtscp, rdpmc */
	{ "0f01d9", ANY }, { "0f01c1", ANY },	/* vmmcall, vmcall */
	{ "0f01d8", ANY }, { "0f01da", ANY }, { "0f01db", ANY },	/* vmrun, vmload, vmsave */
	{ "0f01dc", ANY }, { "0f01dd", ANY }, { "0f01de", ANY },	/* stgi, clgi, skinit */
	{ "0f08", ANY }, { "0f09", ANY }, { "f30f09", ANY },	/* invd, wbinvd, wbnoinvd */
	{ "0f0138", IN32 | IN64 },		/* invlpg (eax) */
	{ "0f013d00000000", IN32 | IN64 },	/* invlpg disp32, or by rip */
	{ "0f013c2500000000", IN32 | IN64 },	/* invlpg by sib */
	{ "670f0138", IN32 | IN64 }, { "410f0138", IN64 }, { "0f017c2410", IN32 | IN64 },
	{ "0f013e3412", IN16 },			/* invlpg 0x1234 */
	{ "0f01bc3412", IN16 }, { "0f01bc2434120000", IN32 | IN64 },
	{ "0f01df", ANY },			/* invlpga */
	{ "0f20c0", ANY }, { "0f22c0", ANY }, { "0f2000", ANY },	/* mov cr; mod is ignored */
	{ "440f20c0", IN64 }, { "f00f20c0", ANY }, { "0f2284", ANY }, { "0f21f8", ANY }, { "0f23f8", ANY },
	{ "660f20c0", ANY }, { "66450f22c7", IN64 },
	{ "e460", ANY }, { "e560", ANY }, { "e660", ANY }, { "e760", ANY },
	{ "ec", ANY }, { "66ed", ANY }, { "ee", ANY }, { "66ef", ANY },
	{ "6c", ANY }, { "f36d", ANY }, { "f3676e", ANY }, { "f3266f", ANY }, { "66f36d", ANY },
	{ "f390", ANY }, { "90", ANY },		/* pause, nop */
	{ "0f01d1", ANY }, { "0f01d0", ANY },	/* xsetbv, xgetbv */
	{ "0f01c8", ANY }, { "0f01c9", ANY }, { "670f01c8", ANY },	/* monitor, mwait */
	{ "0f01fa", ANY }, { "0f01fb", ANY },	/* monitorx, mwaitx */
	{ "0f06", ANY }, { "0f01f0", ANY }, { "0f01e0", ANY },	/* clts, lmsw, smsw */
	{ "0f0130", IN32 | IN64 }, { "0f0120", IN32 | IN64 }, { "0f01363412", IN16 },
	{ "cd80", ANY }, { "cc", ANY }, { "ce", IN16 | IN32 }, { "f1", ANY },	/* int n, int3, into, int1 */
	{ "cf", ANY }, { "48cf", IN64 }, { "66cf", ANY },	/* iret */
	{ "0faa", ANY },			/* rsm */
	{ "0f0110", IN32 | IN64 }, { "0f0118", IN32 | IN64 }, { "0f0100", IN32 | IN64 },
	{ "0f00d8", ANY }, { "0f00d0", ANY }, { "0f00c8", ANY }, { "0f0108", IN32 | IN64 },
	{ "0f01f8", ANY }, { "0fc7f0", ANY }, { "0fc7f8", ANY }, { "f30fc7f8", ANY },
	{ "660f388200", IN32 | IN64 },		/* invpcid */
	{ "9c", ANY }, { "9d", ANY }, { "0f05", ANY }, { "0f34", ANY },

	{ "0000", IN32 | IN64 }, { "0440", ANY }, { "0534120000", IN32 | IN64 }, { "053412", IN16 },
	{ "660534120000", IN16 }, { "66053412", IN32 | IN64 }, { "480534120000", IN64 },
	{ "0006", IN32 | IN64 }, { "00063412", IN16 }, { "004010", ANY }, { "00803412", IN16 },
	{ "008034120000", IN32 | IN64 }, { "67008034120000", IN16 }, { "67008034120000", IN64 },
	{ "6700803412", IN32 }, { "000424", IN32 | IN64 }, { "000425341200" "00", IN32 | IN64 },
	{ "00442510", IN32 | IN64 }, { "0004ad34120000", IN32 | IN64 },
	{ "8b0534120000", IN32 | IN64 }, { "67" "8b0534120000", IN64 }, { "8b0d00000000", IN32 | IN64 },
	{ "9a341200005678", IN32 }, { "9a34125678", IN16 }, { "66ea341200005678", IN16 },
	{ "a034120000", IN32 }, { "a03412", IN16 }, { "67a034120000", IN16 }, { "67a03412", IN32 },
	{ "48a10011223344556677", IN64 }, { "a20011223344556677", IN64 }, { "67a200112233", IN64 },
	{ "48b80011223344556677", IN64 }, { "b800112233", IN32 | IN64 }, { "66b80011", IN32 | IN64 },
	{ "c8000001", ANY }, { "c20800", ANY }, { "ca0800", ANY }, { "6810000000", IN32 | IN64 },
	{ "66681000", IN32 | IN64 }, { "6a10", ANY }, { "6bc010", ANY }, { "69c010000000", IN32 | IN64 },
	{ "f6c001", ANY }, { "f6d0", ANY }, { "f7c001000000", IN32 | IN64 }, { "f7d8", ANY },
	{ "66f7c00100", IN32 | IN64 }, { "48f7c001000000", IN64 }, { "f7c00100", IN16 },
	{ "c70010000000", IN32 | IN64 }, { "c7441008" "10000000", IN32 | IN64 }, { "c60010", ANY },
	{ "0f84341200" "00", IN32 | IN64 }, { "0f843412", IN16 }, { "7410", ANY }, { "e8341200" "00", IN32 | IN64 },
	{ "0fba2010", ANY }, { "0fa4c010", ANY }, { "0fa5c0", ANY },
	{ "0fc708", ANY }, { "f00fc708", ANY }, { "480fc708", IN64 }, { "0f38f000", ANY }, { "0f38f100", ANY },
	{ "f20f38f1c0", ANY }, { "0f1f4000", ANY }, { "660f1f840000000000", IN32 | IN64 },
	{ "0fc2c001", ANY }, { "0fc4c001", ANY }, { "0fc5c001", ANY }, { "0fc6c001", ANY }, { "0f71d001", ANY },
	{ "0f50c0", ANY }, { "0f60c0", ANY }, { "0f74c0", ANY }, { "0fd0c0", ANY }, { "0fe8c0", ANY },
	{ "0ff1c0", ANY }, { "0f02c0", ANY }, { "0f0d00", ANY }, { "0f0e", ANY }, { "0f1400", ANY },
	{ "0f2ac0", ANY }, { "0f5800", ANY }, { "0fae00", ANY }, { "f30faec0", ANY }, { "0faee8", ANY },
	{ "0f7dc0", ANY }, { "0fff00", ANY }, { "0fb9c0", ANY }, { "0f37", ANY }, { "f30fb8c0", ANY },
	{ "f30f1efa", ANY }, { "0f70c010", ANY }, { "660f3a0fc010", ANY }, { "0f0fc0bf", ANY }, { "0f77", ANY },
	{ "c5f877", IN32 | IN64 }, { "c5fa6f00", IN32 | IN64 }, { "c4e17a6f00", IN32 | IN64 },
	{ "c4c17a6f0424", IN64 }, { "c4e37d19c001", IN32 | IN64 }, { "c57e7f4010", IN64 },
	{ "d9c0", ANY }, { "dd04" "24", IN32 | IN64 }, { "d8063412", IN16 }, { "9b", ANY },
	{ "c400", IN16 | IN32 }, { "c500", IN16 | IN32 }, { "0fb200", ANY }, { "6210", IN16 | IN32 },
	{ "06", IN16 | IN32 }, { "60", IN16 | IN32 }, { "d40a", IN16 | IN32 }, { "27", IN16 | IN32 },
	{ "6300", ANY }, { "40", IN16 | IN32 }, { "8f00", ANY }, { "8ed0", ANY }, { "8cd0", ANY },
	{ "48" "8b04" "25" "00000000", IN64 }, { "4866" "8bc0", IN64 },
};

static unsigned int unhex(const char *hex, u8 *bytes)
{
	unsigned int n = strlen(hex) / 2, i, val;

	for (i = 0; i < n; i++) {
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &val), 1);
		bytes[i] = val;
	}
	return n;
}

START_TEST(lengths)
{
	unsigned int s, mode, n, have, checked = 0;

	for (s = 0; s < ARRAY_SIZE(samples); s++) {
		u8 bytes[32] = {};

		n = unhex(samples[s].hex, bytes);
		for (mode = X86_MODE_16; mode <= X86_MODE_64; mode++) {
			if (!(samples[s].modes >> mode & 1))
				continue;
			ck_assert_msg(insn_length(bytes, n, mode) == n, "%s in mode %u: %d",
				      samples[s].hex, mode, insn_length(bytes, n, mode));
			/* More bytes change nothing; fewer are never enough. */
			ck_assert_int_eq(insn_length(bytes, 15, mode), n);
			for (have = 0; have < n; have++)
				ck_assert_msg(insn_length(bytes, have, mode) == -1,
					      "%s cut to %u", samples[s].hex, have);
			checked++;
		}
	}
	ck_assert_uint_gt(checked, 400);
	unit_figure("instruction lengths", checked);
}
END_TEST

START_TEST(refused)
{
	static const struct { const char *hex; u8 mode; int ret; } bad[] = {
		{ "6666666666666666666666666666" "0fa2", X86_MODE_64, X86_DECODE_LONG },
		{ "666666666666666666666666666666", X86_MODE_32, X86_DECODE_LONG },
		{ "06", X86_MODE_64, X86_DECODE_INVALID }, { "60", X86_MODE_64, X86_DECODE_INVALID },
		{ "ea341200005678", X86_MODE_64, X86_DECODE_INVALID },
		{ "ce", X86_MODE_64, X86_DECODE_INVALID }, { "8dc0", X86_MODE_64, X86_DECODE_INVALID },
		{ "feff", X86_MODE_64, X86_DECODE_INVALID }, { "fff8", X86_MODE_32, X86_DECODE_INVALID },
		{ "0fb2c0", X86_MODE_32, X86_DECODE_INVALID }, { "0fc7c8", X86_MODE_32, X86_DECODE_INVALID },
		{ "66c5f877", X86_MODE_64, X86_DECODE_INVALID }, { "48c5f877", X86_MODE_64, X86_DECODE_INVALID },
		{ "0f04", X86_MODE_64, X86_DECODE_UNKNOWN }, { "62f17c48", X86_MODE_64, X86_DECODE_UNKNOWN },
		{ "8fe8", X86_MODE_64, X86_DECODE_UNKNOWN }, { "66e9341200" "00", X86_MODE_64, X86_DECODE_UNKNOWN },
		{ "c4e07a6f00", X86_MODE_64, X86_DECODE_UNKNOWN }, { "0f24c0", X86_MODE_32, X86_DECODE_UNKNOWN },
	};
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct x86_insn insn;
		u8 bytes[32];

		n = unhex(bad[i].hex, bytes);
		ck_assert_msg(x86_decode(&insn, bytes, n, bad[i].mode) == bad[i].ret, "%s", bad[i].hex);
		ck_assert_int_eq(insn_length(bytes, n, bad[i].mode), -1);
	}
}
END_TEST

static struct x86_insn decoded(const char *hex, enum x86_insn_mode mode)
{
	struct x86_insn insn;
	u8 bytes[32];
	unsigned int n = unhex(hex, bytes);

	ck_assert_int_eq(x86_decode(&insn, bytes, n, mode), X86_DECODE_OK);
	return insn;
}

START_TEST(fields)
{
	struct x86_insn i;

	i = decoded("654a8b849580ffffff", X86_MODE_64);	/* mov rax, gs:[rbp + r10*4 - 128] */
	ck_assert(i.mem && i.seg == X86_SEG_GS && i.seg_override && i.rex == 0x4a);
	ck_assert(i.base == X86_RBP && i.index == X86_R10 && i.scale == 2 && i.disp == -128);
	ck_assert(i.opsize == 8 && i.addrsize == 8 && i.reg == X86_RAX);

	i = decoded("8b4424fc", X86_MODE_64);		/* mov eax, [rsp - 4] */
	ck_assert(i.base == X86_RSP && i.index == -1 && i.disp == -4 && i.seg == X86_SEG_SS);

	i = decoded("438b0424", X86_MODE_64);		/* mov eax, [r12 + r12] */
	ck_assert(i.base == X86_R12 && i.index == X86_R12 && i.seg == X86_SEG_DS);

	i = decoded("488b0578563412", X86_MODE_64);	/* by rip */
	ck_assert(i.rip_relative && i.base == -1 && i.disp == 0x12345678);
	i = decoded("8b0578563412", X86_MODE_32);
	ck_assert(!i.rip_relative && i.base == -1 && i.disp == 0x12345678);

	i = decoded("8b42fe", X86_MODE_16);		/* mov ax, [bp + si - 2] */
	ck_assert(i.base == X86_RBP && i.index == X86_RSI && i.disp == -2 && i.seg == X86_SEG_SS);
	ck_assert(i.opsize == 2 && i.addrsize == 2);
	i = decoded("268b42fe", X86_MODE_16);
	ck_assert(i.seg == X86_SEG_ES && i.seg_override);
	i = decoded("266548658b00", X86_MODE_64);	/* es is ignored, REX is not the last prefix */
	ck_assert(i.seg == X86_SEG_GS && i.rex == 0 && i.opsize == 4);

	i = decoded("f0f366678300ff", X86_MODE_32);
	ck_assert(i.lock && i.rep == 0xf3 && i.opsize == 2 && i.addrsize == 2);
	ck_assert(i.imm == ~0ull && i.base == X86_RBX && i.index == X86_RSI);

	i = decoded("c8341205", X86_MODE_64);
	ck_assert(i.imm == 0x1234 && i.imm2 == 5 && i.opsize == 8);
	i = decoded("ea785634123412", X86_MODE_32);
	ck_assert(i.imm == 0x12345678 && i.imm2 == 0x1234);
	i = decoded("49ba8877665544332211", X86_MODE_64);
	ck_assert(i.imm == 0x1122334455667788 && i.opcode == 0xba && i.rex == 0x49);
	i = decoded("a38877665544332211", X86_MODE_64);
	ck_assert(i.mem && (u64)i.disp == 0x1122334455667788 && i.base == -1);
	i = decoded("440f20c2", X86_MODE_64);		/* mov rdx, cr8 */
	ck_assert(i.reg == 8 && i.rm == X86_RDX && i.opsize == 8 && !i.mem);

	i = decoded("c4417d7f5310", X86_MODE_64);	/* vmovdqa [r11 + 16], ymm10 */
	ck_assert(i.vex && i.vex_l == 1 && i.vex_vvvv == 0 && i.opsize_prefix);
	ck_assert(i.map == X86_MAP_0F && i.opcode == 0x7f && i.reg == 10 && i.base == X86_R11);
}
END_TEST

/* Random bytes: a length is within what was given, and the same from any longer buffer. */
START_TEST(random_bytes)
{
	unsigned int n, i, known = 0, total = 300000;

	for (n = 0; n < total; n++) {
		enum x86_insn_mode mode = unit_random_below(3);
		struct x86_insn insn;
		u8 *bytes = malloc(15);
		u64 r[2] = { unit_random(), unit_random() };
		int len;

		memcpy(bytes, r, 15);
		if (n & 1)
			bytes[0] = 0x0f;
		len = insn_length(bytes, 15, mode);
		ck_assert_int_le(len, 15);
		ck_assert_int_ne(len, 0);
		if (len > 0) {
			u8 *exact = malloc(len);	/* ASan guards its end */

			memcpy(exact, bytes, len);
			ck_assert_int_eq(insn_length(exact, len, mode), len);
			for (i = 0; i < len; i++)
				ck_assert_int_eq(x86_decode(&insn, exact, i, mode),
						 X86_DECODE_MORE);
			free(exact);
			known++;
		}
		free(bytes);
	}
	ck_assert_uint_gt(known, total / 2);
}
END_TEST

/* What mmio_mov.c does without the emulator. */
START_TEST(moves)
{
	static const struct {
		const char *hex;
		u8 mode;
		bool is;
		struct x86_mov mov;
	} list[] = {
		{ "8906", X86_MODE_64, true, { .store = true, .reg = X86_RAX, .size = 4, .mem_size = 4 } },
		{ "668b1e", X86_MODE_32, true, { .reg = X86_RBX, .size = 2, .mem_size = 2 } },
		{ "4c8916", X86_MODE_64, true, { .store = true, .reg = X86_R10, .size = 8, .mem_size = 8 } },
		{ "8a26", X86_MODE_64, true, { .high = true, .reg = X86_RAX, .size = 1, .mem_size = 1 } },
		{ "408a26", X86_MODE_64, true, { .reg = X86_RSP, .size = 1, .mem_size = 1 } },
		{ "448a26", X86_MODE_64, true, { .reg = 12, .size = 1, .mem_size = 1 } },
		{ "c606fe", X86_MODE_32, true, { .store = true, .imm = true, .size = 1, .mem_size = 1,
						 .val = -2ull } },
		{ "48c706feffffff", X86_MODE_64, true, { .store = true, .imm = true, .size = 8,
							 .mem_size = 8, .val = -2ull } },
		{ "0fb60e", X86_MODE_64, true, { .reg = X86_RCX, .size = 4, .mem_size = 1 } },
		{ "480fb70e", X86_MODE_64, true, { .reg = X86_RCX, .size = 8, .mem_size = 2 } },
		{ "0fb626", X86_MODE_64, true, { .reg = X86_RSP, .size = 4, .mem_size = 1 } },
		{ "a178563412", X86_MODE_32, true, { .reg = X86_RAX, .size = 4, .mem_size = 4 } },
		{ "a23412", X86_MODE_16, true, { .store = true, .reg = X86_RAX, .size = 1, .mem_size = 1 } },
		/* Registers only, sign extension, more than a move, other prefixes. */
		{ "89c8", X86_MODE_64 }, { "b801000000", X86_MODE_64 }, { "480fbe0e", X86_MODE_64 },
		{ "0106", X86_MODE_64 }, { "8706", X86_MODE_64 }, { "a4", X86_MODE_64 },
		{ "8c06", X86_MODE_64 }, { "ff36", X86_MODE_64 }, { "0fc306", X86_MODE_64 },
		{ "f08906", X86_MODE_64 }, { "f38906", X86_MODE_64 }, { "c5f87f06", X86_MODE_64 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		struct x86_insn insn = decoded(list[i].hex, list[i].mode);
		struct x86_mov mov = { 0 };

		ck_assert_msg(x86_decode_mov(&insn, &mov) == list[i].is, "%s", list[i].hex);
		if (!list[i].is)
			continue;
		ck_assert_msg(mov.store == list[i].mov.store && mov.imm == list[i].mov.imm &&
			      mov.high == list[i].mov.high && mov.size == list[i].mov.size &&
			      mov.mem_size == list[i].mov.mem_size, "%s", list[i].hex);
		if (mov.imm)
			ck_assert_uint_eq(mov.val, list[i].mov.val);
		else
			ck_assert_uint_eq(mov.reg, list[i].mov.reg);
	}
}
END_TEST

START_TEST(addresses)
{
	u64 gpr[X86_GPRS] = { [X86_RBX] = 0x1000, [X86_RBP] = 0xffff, [X86_R10] = 3 };
	struct x86_insn i;

	i = decoded("8b03", X86_MODE_64);
	ck_assert_uint_eq(x86_insn_address(&i, gpr, 0), 0x1000);
	i = decoded("654a8b849580ffffff", X86_MODE_64);	/* gs:[rbp + r10*4 - 128] */
	ck_assert_uint_eq(x86_insn_address(&i, gpr, 0), 0xffff + 12 - 128);
	i = decoded("488b0578563412", X86_MODE_64);
	ck_assert_uint_eq(x86_insn_address(&i, gpr, 0x100), 0x107 + 0x12345678);
	i = decoded("8b4602", X86_MODE_16);		/* [bp + 2] wraps */
	ck_assert_uint_eq(x86_insn_address(&i, gpr, 0), 1);
	i = decoded("a178563412", X86_MODE_32);
	ck_assert_uint_eq(x86_insn_address(&i, gpr, 0), 0x12345678);
}
END_TEST

UNIT_MAIN("decode",
	  UNIT_CASE("decode", lengths, refused, fields, random_bytes, moves, addresses))
