/* SPDX-License-Identifier: GPL-2.0-only */
/* do_div: divides in place, gives the remainder. */
#pragma once

#define do_div(n, base) ({				\
	__UINT32_TYPE__ shim_base = (base);		\
	__UINT32_TYPE__ shim_rem = (n) % shim_base;	\
	(n) /= shim_base;				\
	shim_rem; })
