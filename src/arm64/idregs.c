// SPDX-License-Identifier: GPL-2.0-only
/*
 * The identification registers as a guest sees them: of the host's values what
 * works in a guest, and nothing that is not listed here (Arm ARM, "Accessing
 * the identification registers"). Read by trapped accesses and KVMX_GET_ONE_REG.
 */
#include <linux/kernel.h>

#include <kvmx/host.h>

#include "arm64.h"

/* A field of four bits, by its lowest. */
#define FIELD(low)	(0xfULL << (low))

struct id_rule {
	u32 enc;
	u64 keep;		/* fields that are as on the host */
	u64 set;		/* bits that are fixed */
};

static const struct id_rule rules[] = {
	/* EL0 and EL1 in AArch64 only; FP, AdvSIMD, DIT, CSV2 (below), CSV3. */
	{ A64_ID_AA64PFR0_EL1, FIELD(16) | FIELD(20) | FIELD(48) | FIELD(56) | FIELD(60), 0x11 },
	{ A64_ID_AA64PFR1_EL1, FIELD(0) | FIELD(4) },			/* BTI, SSBS */
	/* Armv8 debug, no OS double lock; counts of breakpoints and watchpoints. */
	{ A64_ID_AA64DFR0_EL1, FIELD(12) | FIELD(20) | FIELD(28), 0x6 | FIELD(36) },
	{ A64_ID_AA64ISAR0_EL1, ~FIELD(24) },				/* not: TME */
	/* DPB, JSCVT, FCMA, LRCPC, FRINTTS, SB, SPECRES, BF16, DGH, I8MM: no pointer authentication */
	{ A64_ID_AA64ISAR1_EL1, FIELD(0) | FIELD(12) | FIELD(16) | FIELD(20) | FIELD(32) |
				FIELD(36) | FIELD(40) | FIELD(44) | FIELD(48) | FIELD(52) },
	{ A64_ID_AA64ISAR2_EL1, FIELD(4) | FIELD(28) },			/* RPRES, CLRBHB */
	/* Address size (below), ASID size, endianness, granules, ExS. */
	{ A64_ID_AA64MMFR0_EL1, FIELD(0) | FIELD(4) | FIELD(8) | FIELD(16) | FIELD(20) |
				FIELD(24) | FIELD(28) | FIELD(44) },
	{ A64_ID_AA64MMFR1_EL1, FIELD(0) | FIELD(12) | FIELD(20) | FIELD(36) },	/* HAFDBS, HPDS, PAN, ETS */
	/* CnP, UAO, VARange, CCIDX, ST, AT, TTL, BBM, E0PD */
	{ A64_ID_AA64MMFR2_EL1, FIELD(0) | FIELD(4) | FIELD(16) | FIELD(20) | FIELD(28) |
				FIELD(32) | FIELD(48) | FIELD(52) | FIELD(60) },
};

u64 arm64_id_sanitize(u32 enc, u64 host)
{
	u64 val = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].enc == enc)
			val = (host & rules[i].keep) | rules[i].set;
	if (enc == A64_ID_AA64MMFR0_EL1)
		val = (val & ~0xfULL) | min_t(u64, val & 0xf, 2);	/* 40 bits */
	/* More of CSV2 is SCXTNUM_ELx, too. */
	if (enc == A64_ID_AA64PFR0_EL1)
		val = (val & ~FIELD(56)) | min_t(u64, val >> 56 & 0xf, 1) << 56;
	return val;
}

void arm64_id_init(struct arm64_vm *vm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		vm->id[arm64_id_index(rules[i].enc)] =
			arm64_id_sanitize(rules[i].enc, kvmx_host_id_reg(rules[i].enc));
}
