/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID: what this CPU and kvmx can offer, a vCPU's own table, the guest's
 * CPUID instruction and the question "does the guest have this feature".
 * cpuid.c and, for what is offered, cpuid_host.c; called all over the floor.
 */
#ifndef X86_CPUID_H
#define X86_CPUID_H

#include <kvmx/x86.h>

#define X86_CPUID_ENTRIES	256	/* of one vCPU's table */

/* Words of feature bits that a vCPU's table is boiled down to, for x86_cpuid_has(). */
enum x86_feature_word {
	X86W_1_EDX, X86W_1_ECX, X86W_6_EAX, X86W_7_EBX, X86W_7_ECX, X86W_7_EDX,
	X86W_71_EAX, X86W_71_EDX, X86W_72_EDX, X86W_D1_EAX, X86W_KVM_EAX,
	X86W_E1_ECX, X86W_E1_EDX, X86W_E7_EDX, X86W_E8_EBX, X86W_E21_EAX, X86W_E21_ECX,
	X86_FEATURE_WORDS,
};

#define X86F(word, bit)		(X86W_##word * 32 + (bit))

/* Names as the manuals have them (Intel SDM, "CPUID"; AMD APM volume 3, appendix E). */
enum x86_feature {
	X86F_VME = X86F(1_EDX, 1), X86F_DE = X86F(1_EDX, 2), X86F_PSE = X86F(1_EDX, 3),
	X86F_TSC = X86F(1_EDX, 4), X86F_PAE = X86F(1_EDX, 6), X86F_MCE = X86F(1_EDX, 7),
	X86F_APIC = X86F(1_EDX, 9), X86F_SEP = X86F(1_EDX, 11), X86F_MTRR = X86F(1_EDX, 12),
	X86F_PGE = X86F(1_EDX, 13), X86F_MCA = X86F(1_EDX, 14), X86F_PAT = X86F(1_EDX, 16),
	X86F_FXSR = X86F(1_EDX, 24), X86F_SSE = X86F(1_EDX, 25), X86F_SSE2 = X86F(1_EDX, 26),

	X86F_MONITOR = X86F(1_ECX, 3), X86F_VMX = X86F(1_ECX, 5), X86F_FMA = X86F(1_ECX, 12),
	X86F_PCID = X86F(1_ECX, 17), X86F_X2APIC = X86F(1_ECX, 21), X86F_MOVBE = X86F(1_ECX, 22),
	X86F_TSC_DEADLINE = X86F(1_ECX, 24), X86F_XSAVE = X86F(1_ECX, 26),
	X86F_OSXSAVE = X86F(1_ECX, 27), X86F_AVX = X86F(1_ECX, 28),
	X86F_F16C = X86F(1_ECX, 29), X86F_HYPERVISOR = X86F(1_ECX, 31),

	X86F_ARAT = X86F(6_EAX, 2),
	X86F_FSGSBASE = X86F(7_EBX, 0), X86F_TSC_ADJUST = X86F(7_EBX, 1),
	X86F_AVX2 = X86F(7_EBX, 5), X86F_SMEP = X86F(7_EBX, 7), X86F_INVPCID = X86F(7_EBX, 10),
	X86F_SMAP = X86F(7_EBX, 20),
	X86F_UMIP = X86F(7_ECX, 2), X86F_PKU = X86F(7_ECX, 3), X86F_OSPKE = X86F(7_ECX, 4),
	X86F_VAES = X86F(7_ECX, 9), X86F_VPCLMULQDQ = X86F(7_ECX, 10),
	X86F_LA57 = X86F(7_ECX, 16), X86F_RDPID = X86F(7_ECX, 22),
	X86F_SPEC_CTRL = X86F(7_EDX, 26), X86F_INTEL_STIBP = X86F(7_EDX, 27),
	X86F_FLUSH_L1D = X86F(7_EDX, 28), X86F_ARCH_CAP = X86F(7_EDX, 29),
	X86F_INTEL_SSBD = X86F(7_EDX, 31),

	X86F_SHA512 = X86F(71_EAX, 0), X86F_SM3 = X86F(71_EAX, 1), X86F_SM4 = X86F(71_EAX, 2),
	X86F_AVX_VNNI = X86F(71_EAX, 4), X86F_AVX_IFMA = X86F(71_EAX, 23),
	X86F_AVX_VNNI_INT8 = X86F(71_EDX, 4), X86F_AVX_NE_CONVERT = X86F(71_EDX, 5),
	X86F_AVX_VNNI_INT16 = X86F(71_EDX, 10),
	X86F_INTEL_PSFD = X86F(72_EDX, 0), X86F_IPRED_CTRL = X86F(72_EDX, 1),
	X86F_RRSBA_CTRL = X86F(72_EDX, 2), X86F_BHI_CTRL = X86F(72_EDX, 4),

	X86F_XSAVEOPT = X86F(D1_EAX, 0), X86F_XSAVEC = X86F(D1_EAX, 1),
	X86F_XGETBV1 = X86F(D1_EAX, 2), X86F_XSAVES = X86F(D1_EAX, 3),

	X86F_KVM_CLOCKSOURCE = X86F(KVM_EAX, 0), X86F_KVM_NOP_IO_DELAY = X86F(KVM_EAX, 1),
	X86F_KVM_CLOCKSOURCE2 = X86F(KVM_EAX, 3), X86F_KVM_STEAL_TIME = X86F(KVM_EAX, 5),
	X86F_KVM_PV_EOI = X86F(KVM_EAX, 6),
	X86F_KVM_PV_UNHALT = X86F(KVM_EAX, 7), X86F_KVM_PV_TLB_FLUSH = X86F(KVM_EAX, 9),
	X86F_KVM_PV_SEND_IPI = X86F(KVM_EAX, 11), X86F_KVM_POLL_CONTROL = X86F(KVM_EAX, 12),
	X86F_KVM_PV_SCHED_YIELD = X86F(KVM_EAX, 13), X86F_KVM_HC_MAP_GPA_RANGE = X86F(KVM_EAX, 16),
	X86F_KVM_CLOCK_STABLE = X86F(KVM_EAX, 24),

	X86F_SVM = X86F(E1_ECX, 2), X86F_XOP = X86F(E1_ECX, 11),
	X86F_FMA4 = X86F(E1_ECX, 16), X86F_TOPOEXT = X86F(E1_ECX, 22),
	X86F_SYSCALL = X86F(E1_EDX, 11), X86F_NX = X86F(E1_EDX, 20),
	X86F_FXSR_OPT = X86F(E1_EDX, 25), X86F_GBPAGES = X86F(E1_EDX, 26),
	X86F_RDTSCP = X86F(E1_EDX, 27), X86F_LM = X86F(E1_EDX, 29),
	X86F_INVTSC = X86F(E7_EDX, 8),

	X86F_CLZERO = X86F(E8_EBX, 0), X86F_XSAVEERPTR = X86F(E8_EBX, 2),
	X86F_AMD_IBPB = X86F(E8_EBX, 12), X86F_AMD_IBRS = X86F(E8_EBX, 14),
	X86F_AMD_STIBP = X86F(E8_EBX, 15), X86F_AMD_SSBD = X86F(E8_EBX, 24),
	X86F_AMD_PSFD = X86F(E8_EBX, 28),
	X86F_AUTOIBRS = X86F(E21_EAX, 8), X86F_LFENCE_SERIAL = X86F(E21_EAX, 2),
	X86F_SBPB = X86F(E21_EAX, 27),

	X86F_ANY_SPEC_CTRL = X86_FEATURE_WORDS * 32,	/* no bit: any of those with IA32_SPEC_CTRL */
};

/* Module load, after the unit's probe and x86_fpu_init(): what we offer. 0 or -ENODEV. */
int x86_cpuid_init(void);

/* What is offered on this CPU. [I] after x86_cpuid_init(). */
extern u32 x86_supported[X86_FEATURE_WORDS];
extern u64 x86_cr4_supported, x86_efer_supported;
extern bool x86_host_amd;		/* vendor of this CPU: AMD or Hygon */
extern u8 x86_host_maxphyaddr;		/* physical address bits a guest can have */

static inline bool x86_supports(enum x86_feature f)
{
	return x86_supported[f / 32] & BIT(f % 32);
}

/*
 * KVMX_GET_SUPPORTED_CPUID: fills @entries, which have @room, and sets *@nr
 * to how many there are. -E2BIG when that is more than @room.
 */
long x86_cpuid_supported(struct kvmx_cpuid_entry2 *entries, u32 *nr, u32 room);

/* A vCPU's first, empty table: no CPU model yet. */
int x86_cpuid_create(struct x86_vcpu *v);
void x86_cpuid_destroy(struct x86_vcpu *v);
/*
 * Replaces the table: 0, -E2BIG, -EINVAL, -ENOMEM; nothing changed then. Once
 * the vCPU has run only the same table is taken.
 */
int x86_cpuid_set(struct x86_vcpu *v, const struct kvmx_cpuid_entry2 *e, u32 nr);
/*
 * Bits of the table that follow the vCPU's state; call after CR4.OSXSAVE,
 * CR4.PKE, XCR0, XSS, IA32_APIC_BASE or IA32_MISC_ENABLE changed. Cheap.
 */
void x86_cpuid_update(struct x86_vcpu *v);

/* The entry of a leaf, by itself (no rules for leaves that are not there), or NULL. */
const struct kvmx_cpuid_entry2 *x86_cpuid_find(struct x86_vcpu *v, u32 fn, u32 index);
/* The guest's instruction: EAX and ECX in, all four out. */
void x86_cpuid(struct x86_vcpu *v, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);

static inline bool x86_cpuid_has(struct x86_vcpu *v, enum x86_feature f)
{
	return v->cpuid->word[f / 32] & BIT(f % 32);
}

/* A service of ours, which a guest may use unless user space holds it to its CPUID. */
static inline bool x86_pv_has(struct x86_vcpu *v, enum x86_feature f)
{
	return !v->pv_enforced || x86_cpuid_has(v, f);
}

/* The guest's vendor is AMD or Hygon, by its own CPUID. */
static inline bool x86_guest_amd(struct x86_vcpu *v)
{
	return v->cpuid->amd;
}

#endif
