// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores that an abort's syndrome does not describe: of two general
 * registers, and those of one that change the base (Arm ARM, "Loads and Stores").
 * Called by mmio.c; pure.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>

#include "arm64.h"

#define FIELD(insn, low, width)	((insn) >> (low) & ((1u << (width)) - 1))

/* Of two: STP, LDP, LDPSW, and the hints STNP, LDNP. */
static bool decode_pair(u32 insn, struct arm64_insn *i)
{
	u8 opc = FIELD(insn, 30, 2), how = FIELD(insn, 23, 2);

	i->write = !FIELD(insn, 22, 1);
	i->sign = opc == 1;
	i->wide = opc != 0;
	/* STGP stores tags, and there is no hint of LDPSW. */
	if (opc == 3 || (i->sign && (i->write || !how)))
		return false;
	i->n = 2;
	i->len = opc == 2 ? 8 : 4;
	i->rt[1] = FIELD(insn, 10, 5);
	i->update = how & 1;
	i->post = how == 1;
	i->offset = sign_extend32(FIELD(insn, 15, 7), 6) * i->len;
	/* What a load of a register twice leaves in it is not defined. */
	return i->write || i->rt[0] != i->rt[1];
}

/* Of one, by an address that is written back before or after. */
static bool decode_single(u32 insn, struct arm64_insn *i)
{
	u8 size = FIELD(insn, 30, 2), opc = FIELD(insn, 22, 2);

	i->write = opc == 0;
	i->sign = opc >= 2;
	i->wide = opc == 2 || size == 3;
	if (i->sign && size + opc > 4)
		return false;
	i->n = 1;
	i->len = 1 << size;
	i->update = true;
	i->post = FIELD(insn, 10, 2) == 1;
	i->offset = sign_extend32(FIELD(insn, 12, 9), 8);
	return true;
}

bool arm64_decode(u32 insn, struct arm64_insn *i)
{
	bool known = false;

	*i = (struct arm64_insn) { .rn = FIELD(insn, 5, 5), .rt = { FIELD(insn, 0, 5) } };
	if ((insn & 0x3e000000) == 0x28000000)
		known = decode_pair(insn, i);
	else if ((insn & 0x3f200400) == 0x38000400)
		known = decode_single(insn, i);
	/* Nor what becomes of a base that is loaded or stored as well. */
	if (known && i->update && i->rn != 31 &&
	    (i->rt[0] == i->rn || (i->n == 2 && i->rt[1] == i->rn)))
		known = false;
	return known;
}
