/* SPDX-License-Identifier: GPL-2.0-only */
/* FIELD_GET and FIELD_PREP. */
#pragma once

#include <linux/bits.h>

#define SHIM_FIELD_SHIFT(mask)	(__builtin_ffsll(mask) - 1)
#define FIELD_PREP(mask, val) \
	((__unqual_scalar_typeof(mask))(((__typeof__(mask))(val) << SHIM_FIELD_SHIFT(mask)) & (mask)))
#define FIELD_GET(mask, reg) \
	((__unqual_scalar_typeof(mask))(((reg) & (mask)) >> SHIM_FIELD_SHIFT(mask)))
#define FIELD_MAX(mask)	((mask) >> SHIM_FIELD_SHIFT(mask))
#define FIELD_FIT(mask, val) \
	(!((((__typeof__(mask))(val)) << SHIM_FIELD_SHIFT(mask)) & ~(mask)))
