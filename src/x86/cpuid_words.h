/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What cpuid_host.c and cpuid.c share: where the feature words lie in CPUID,
 * and what follows from them.
 */
#ifndef X86_CPUID_WORDS_H
#define X86_CPUID_WORDS_H

#include "cpuid.h"

enum { X86_CPUID_EAX, X86_CPUID_EBX, X86_CPUID_ECX, X86_CPUID_EDX };

struct x86_feature_leaf {
	u32 fn, index;
	u8 reg;
};

extern const struct x86_feature_leaf x86_feature_leaf[X86_FEATURE_WORDS];

u32 x86_feature_reg(const struct x86_feature_leaf *leaf, u32 eax, u32 ebx, u32 ecx, u32 edx);
bool x86_vendor_amd(u32 ebx, u32 ecx, u32 edx);
/* CR4 and EFER bits that a CPU with these feature words has, of those that we know. */
u64 x86_cr4_of(const u32 *words);
u64 x86_efer_of(const u32 *words);

#endif
