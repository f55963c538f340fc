// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kvmx offers its guests on this CPU: the CPU's own CPUID, leaf by leaf,
 * cut down to what works in a guest, and what kvmx adds. Worked out when the
 * module loads; KVMX_GET_SUPPORTED_CPUID, cpuid.c and the MSR table ask it.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/kvmx_para.h>

#include <kvmx/host.h>
#include <kvmx/stage2.h>

#include "cpu.h"
#include "cpuid.h"
#include "cpuid_words.h"
#include "fpu.h"

/* Leaves above these say nothing that we pass on. */
#define BASIC_MAX	0x1f
#define EXTENDED_MAX	0x80000021

const struct x86_feature_leaf x86_feature_leaf[X86_FEATURE_WORDS] = {
	[X86W_1_EDX]	= { 0x1, 0, X86_CPUID_EDX },
	[X86W_1_ECX]	= { 0x1, 0, X86_CPUID_ECX },
	[X86W_6_EAX]	= { 0x6, 0, X86_CPUID_EAX },
	[X86W_7_EBX]	= { 0x7, 0, X86_CPUID_EBX },
	[X86W_7_ECX]	= { 0x7, 0, X86_CPUID_ECX },
	[X86W_7_EDX]	= { 0x7, 0, X86_CPUID_EDX },
	[X86W_71_EAX]	= { 0x7, 1, X86_CPUID_EAX },
	[X86W_71_EDX]	= { 0x7, 1, X86_CPUID_EDX },
	[X86W_72_EDX]	= { 0x7, 2, X86_CPUID_EDX },
	[X86W_D1_EAX]	= { 0xd, 1, X86_CPUID_EAX },
	[X86W_KVM_EAX]	= { KVMX_CPUID_FEATURES, 0, X86_CPUID_EAX },
	[X86W_E1_ECX]	= { 0x80000001, 0, X86_CPUID_ECX },
	[X86W_E1_EDX]	= { 0x80000001, 0, X86_CPUID_EDX },
	[X86W_E7_EDX]	= { 0x80000007, 0, X86_CPUID_EDX },
	[X86W_E8_EBX]	= { 0x80000008, 0, X86_CPUID_EBX },
	[X86W_E21_EAX]	= { 0x80000021, 0, X86_CPUID_EAX },
	[X86W_E21_ECX]	= { 0x80000021, 0, X86_CPUID_ECX },
};

/*
 * Bits that may pass from the CPU to a guest: instructions that need nothing
 * of us, and what the floor and the units keep apart for each guest. Left out
 * for want of that: performance counters, tracing, resource control, memory
 * encryption, protection keys, CET, MPX, AMX, TSX, SGX, nested virtualization,
 * power management, supervisor components of XSAVES, MONITOR.
 */
static const u32 passed[X86_FEATURE_WORDS] = {
	/* FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 */
	[X86W_1_EDX]	= GENMASK(9, 0) | GENMASK(17, 11) |
			  /* CLFLUSH MMX FXSR SSE SSE2 SS */
			  BIT(19) | GENMASK(27, 23),
	/* SSE3 PCLMULQDQ SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 */
	[X86W_1_ECX]	= BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(17) | BIT(19) |
			  /* SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
			  BIT(20) | BIT(22) | BIT(23) | BIT(25) | BIT(26) | GENMASK(30, 28),
	/* FSGSBASE BMI1 AVX2 FDP_EXCPTN_ONLY SMEP BMI2 ERMS INVPCID ZERO_FCS_FDS */
	[X86W_7_EBX]	= BIT(0) | BIT(3) | GENMASK(10, 5) | BIT(13) |
			  /* AVX512F DQ RDSEED ADX SMAP IFMA CLFLUSHOPT CLWB */
			  GENMASK(21, 16) | BIT(23) | BIT(24) |
			  /* AVX512PF ER CD SHA BW VL */
			  GENMASK(31, 26),
	/* PREFETCHWT1 VBMI UMIP VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ */
	[X86W_7_ECX]	= GENMASK(2, 0) | BIT(6) | GENMASK(12, 8) | BIT(14) |
			  /* LA57 RDPID CLDEMOTE MOVDIRI MOVDIR64B */
			  BIT(16) | BIT(22) | BIT(25) | BIT(27) | BIT(28),
	/* 4VNNIW 4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE AVX512_FP16 */
	[X86W_7_EDX]	= GENMASK(4, 2) | BIT(8) | BIT(10) | BIT(14) | BIT(23) |
			  /* SPEC_CTRL STIBP FLUSH_L1D ARCH_CAPABILITIES SSBD */
			  GENMASK(29, 26) | BIT(31),
	/* SHA512 SM3 SM4 AVX_VNNI AVX512_BF16 CMPCCXADD FZRM FSRS FSRC AVX_IFMA */
	[X86W_71_EAX]	= GENMASK(2, 0) | BIT(4) | BIT(5) | BIT(7) | GENMASK(12, 10) | BIT(23),
	/* AVX_VNNI_INT8 AVX_NE_CONVERT AVX_VNNI_INT16 PREFETCHITI */
	[X86W_71_EDX]	= BIT(4) | BIT(5) | BIT(10) | BIT(14),
	/* PSFD IPRED_CTRL RRSBA_CTRL BHI_CTRL MCDT_NO */
	[X86W_72_EDX]	= GENMASK(2, 0) | BIT(4) | BIT(5),
	/* XSAVEOPT XSAVEC XGETBV1 */
	[X86W_D1_EAX]	= GENMASK(2, 0),
	/* LAHF CMP_LEGACY CR8_LEGACY ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM TOPOEXT */
	[X86W_E1_ECX]	= BIT(0) | BIT(1) | GENMASK(8, 4) | BIT(11) | BIT(16) | BIT(21) | BIT(22),
	/* those of leaf 1, SYSCALL NX MMXEXT MMX FXSR FXSR_OPT GBPAGES RDTSCP LM 3DNOWEXT 3DNOW */
	[X86W_E1_EDX]	= GENMASK(9, 0) | GENMASK(17, 11) | BIT(20) | GENMASK(27, 22) |
			  GENMASK(31, 29),
	/* invariant TSC */
	[X86W_E7_EDX]	= BIT(8),
	/* CLZERO XSAVEERPTR WBNOINVD IBPB IBRS STIBP, their hints, SSBD SSB_NO PSFD */
	[X86W_E8_EBX]	= BIT(0) | BIT(2) | BIT(9) | BIT(12) | GENMASK(17, 14) | BIT(18) |
			  BIT(19) | BIT(24) | BIT(26) | BIT(28),
	/* NO_NESTED_DATA_BP LFENCE_SERIAL VERW_CLEAR NULL_SEL_CLR_BASE AUTOIBRS */
	[X86W_E21_EAX]	= BIT(0) | BIT(2) | BIT(5) | BIT(6) | BIT(8) |
			  /* SBPB IBPB_BRTYPE SRSO_NO */
			  GENMASK(29, 27),
	/* TSA_SQ_NO TSA_L1_NO */
	[X86W_E21_ECX]	= BIT(1) | BIT(2),
};

/* What kvmx provides on any CPU. */
static const enum x86_feature added[] = {
	X86F_MCE, X86F_APIC, X86F_MTRR, X86F_MCA, X86F_X2APIC, X86F_HYPERVISOR,
	X86F_TSC_ADJUST, X86F_ARAT,
	X86F_KVM_CLOCKSOURCE, X86F_KVM_NOP_IO_DELAY, X86F_KVM_CLOCKSOURCE2,
	X86F_KVM_STEAL_TIME, X86F_KVM_PV_EOI, X86F_KVM_PV_UNHALT, X86F_KVM_PV_TLB_FLUSH,
	X86F_KVM_PV_SEND_IPI, X86F_KVM_POLL_CONTROL, X86F_KVM_PV_SCHED_YIELD,
	X86F_KVM_CLOCK_STABLE,
};

/* Useless, and misleading, without the registers they work on. */
static const enum x86_feature need_xsave[] = {
	X86F_XSAVE, X86F_XSAVEOPT, X86F_XSAVEC, X86F_XGETBV1,
};

static const enum x86_feature need_avx[] = {
	X86F_AVX, X86F_FMA, X86F_F16C, X86F_AVX2, X86F_VAES, X86F_VPCLMULQDQ, X86F_XOP,
	X86F_FMA4, X86F_AVX_VNNI, X86F_AVX_IFMA, X86F_AVX_VNNI_INT8, X86F_AVX_NE_CONVERT,
	X86F_AVX_VNNI_INT16, X86F_SHA512, X86F_SM3, X86F_SM4,
};

static const struct { u8 word; u32 bits; } need_avx512[] = {
	{ X86W_7_EBX, BIT(16) | BIT(17) | BIT(21) | GENMASK(28, 26) | BIT(30) | BIT(31) },
	{ X86W_7_ECX, BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14) },
	{ X86W_7_EDX, BIT(2) | BIT(3) | BIT(8) | BIT(23) },
	{ X86W_71_EAX, BIT(5) },
};

/* [I] */
u32 x86_supported[X86_FEATURE_WORDS];
u64 x86_cr4_supported, x86_efer_supported;
bool x86_host_amd;
u8 x86_host_maxphyaddr;
static u32 basic_max, extended_max, subleaf7_max;

bool x86_vendor_amd(u32 ebx, u32 ecx, u32 edx)
{
	/* "AuthenticAMD", "HygonGenuine" */
	return (ebx == 0x68747541 && edx == 0x69746e65 && ecx == 0x444d4163) ||
	       (ebx == 0x6f677948 && edx == 0x6e65476e && ecx == 0x656e6975);
}

u32 x86_feature_reg(const struct x86_feature_leaf *leaf, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	const u32 regs[] = { eax, ebx, ecx, edx };

	return regs[leaf->reg & 3];
}

static u32 host_word(unsigned int word)
{
	const struct x86_feature_leaf *leaf = &x86_feature_leaf[word];
	struct x86_cpuid_regs r;

	if (leaf->fn == KVMX_CPUID_FEATURES)
		return 0;
	if (leaf->fn > (leaf->fn & 0x80000000 ? extended_max : basic_max))
		return 0;
	if (leaf->fn == 7 && leaf->index > subleaf7_max)
		return 0;
	x86_cpuid_native(leaf->fn, leaf->index, &r);
	return x86_feature_reg(leaf, r.eax, r.ebx, r.ecx, r.edx);
}

static void hide(enum x86_feature f)
{
	x86_supported[f / 32] &= ~BIT(f % 32);
}

static void hide_without_registers(void)
{
	unsigned int i;

	if (!x86_xcr0_supported)
		for (i = 0; i < ARRAY_SIZE(need_xsave); i++)
			hide(need_xsave[i]);
	if (!(x86_xcr0_supported & X86_XCR0_AVX))
		for (i = 0; i < ARRAY_SIZE(need_avx); i++)
			hide(need_avx[i]);
	if (!(x86_xcr0_supported & X86_XCR0_AVX512))
		for (i = 0; i < ARRAY_SIZE(need_avx512); i++)
			x86_supported[need_avx512[i].word] &= ~need_avx512[i].bits;
}

/* CR4 bits that a CPU with these features has. */
u64 x86_cr4_of(const u32 *words)
{
	static const struct { u16 feature; u64 cr4; } by_feature[] = {
		{ X86F_UMIP, X86_CR4_UMIP },
		{ X86F_LA57, X86_CR4_LA57 },
		{ X86F_FSGSBASE, X86_CR4_FSGSBASE },
		{ X86F_PCID, X86_CR4_PCIDE },
		{ X86F_XSAVE, X86_CR4_OSXSAVE },
		{ X86F_SMEP, X86_CR4_SMEP },
		{ X86F_SMAP, X86_CR4_SMAP },
	};
	u64 cr4 = X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE |
		  X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR |
		  X86_CR4_OSXMMEXCPT;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(by_feature); i++)
		if (words[by_feature[i].feature / 32] & BIT(by_feature[i].feature % 32))
			cr4 |= by_feature[i].cr4;
	return cr4;
}

u64 x86_efer_of(const u32 *words)
{
	static const struct { u16 feature; u64 efer; } by_feature[] = {
		{ X86F_SYSCALL, X86_EFER_SCE },
		{ X86F_LM, X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA },
		{ X86F_NX, X86_EFER_NX },
		{ X86F_FXSR_OPT, X86_EFER_FFXSR },
		{ X86F_AUTOIBRS, X86_EFER_AUTOIBRS },
	};
	u64 efer = X86_EFER_SCE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(by_feature); i++)
		if (words[by_feature[i].feature / 32] & BIT(by_feature[i].feature % 32))
			efer |= by_feature[i].efer;
	return efer;
}

int x86_cpuid_init(void)
{
	struct x86_cpuid_regs r;
	unsigned int i;
	u8 reach;

	x86_cpuid_native(0, 0, &r);
	basic_max = r.eax;
	x86_host_amd = x86_vendor_amd(r.ebx, r.ecx, r.edx);
	x86_cpuid_native(0x80000000, 0, &r);
	extended_max = r.eax >= 0x80000000 && r.eax < 0x80010000 ? r.eax : 0x80000000;
	subleaf7_max = 0;
	if (basic_max >= 7) {
		x86_cpuid_native(7, 0, &r);
		subleaf7_max = r.eax;
	}

	for (i = 0; i < X86_FEATURE_WORDS; i++)
		x86_supported[i] = host_word(i) & passed[i];
	for (i = 0; i < ARRAY_SIZE(added); i++)
		x86_supported[added[i] / 32] |= BIT(added[i] % 32);
	hide_without_registers();
	if (!kvmx_host_has_run_delay()) {
		hide(X86F_KVM_STEAL_TIME);
		hide(X86F_KVM_PV_TLB_FLUSH);	/* works through its page */
	}

	x86_cr4_supported = x86_cr4_of(x86_supported);
	x86_efer_supported = x86_efer_of(x86_supported);

	x86_host_maxphyaddr = 36;
	if (extended_max >= 0x80000008) {
		x86_cpuid_native(0x80000008, 0, &r);
		x86_host_maxphyaddr = r.eax & 0xff;
	}
	reach = 12 + 9 * x86_unit->stage2->levels;
	x86_host_maxphyaddr = clamp_t(u8, x86_host_maxphyaddr, 32, min_t(u8, reach, 52));

	if (!x86_supports(X86F_LM) || !x86_supports(X86F_PAT) || !x86_supports(X86F_FXSR)) {
		pr_err("kvmx: this CPU lacks long mode, PAT or FXSAVE\n");
		return -ENODEV;
	}
	return 0;
}

/* Entries on their way to user space. */
struct listing {
	struct kvmx_cpuid_entry2 *entries;
	u32 nr, room;
};

static void list(struct listing *l, u32 fn, u32 index, bool indexed,
		 const struct x86_cpuid_regs *r)
{
	struct kvmx_cpuid_entry2 *e;

	if (l->nr++ >= l->room)
		return;
	e = &l->entries[l->nr - 1];
	memset(e, 0, sizeof(*e));
	e->function = fn;
	e->index = index;
	e->flags = indexed ? KVMX_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
	e->eax = r->eax;
	e->ebx = r->ebx;
	e->ecx = r->ecx;
	e->edx = r->edx;
}

/* Cache descriptions (leaves 4, 0x8000001d): one subleaf for each, until the type is 0. */
static void list_caches(struct listing *l, u32 fn)
{
	struct x86_cpuid_regs r;
	u32 i;

	for (i = 0; i < 16; i++) {
		x86_cpuid_native(fn, i, &r);
		list(l, fn, i, true, &r);
		if (!(r.eax & 0x1f))
			break;
	}
}

static void list_features7(struct listing *l)
{
	u32 subleaves = min_t(u32, subleaf7_max, 2);
	struct x86_cpuid_regs r = {
		.eax = subleaves,
		.ebx = x86_supported[X86W_7_EBX],
		.ecx = x86_supported[X86W_7_ECX],
		.edx = x86_supported[X86W_7_EDX],
	};

	list(l, 7, 0, true, &r);
	if (subleaves >= 1) {
		r = (struct x86_cpuid_regs){
			.eax = x86_supported[X86W_71_EAX],
			.edx = x86_supported[X86W_71_EDX],
		};
		list(l, 7, 1, true, &r);
	}
	if (subleaves >= 2) {
		r = (struct x86_cpuid_regs){ .edx = x86_supported[X86W_72_EDX] };
		list(l, 7, 2, true, &r);
	}
}

/* Intel SDM volume 1, "Enumeration of CPU Support for XSAVE". */
static void list_xsave(struct listing *l)
{
	struct x86_cpuid_regs r = {
		.eax = x86_xcr0_supported,
		.ebx = x86_xsave_bytes(x86_xcr0_supported, false),
		.ecx = x86_xsave_bytes(x86_xcr0_supported, false),
	};
	u32 i;

	if (!x86_xcr0_supported) {
		memset(&r, 0, sizeof(r));
		list(l, 0xd, 0, true, &r);
		return;
	}
	list(l, 0xd, 0, true, &r);
	r = (struct x86_cpuid_regs){ .eax = x86_supported[X86W_D1_EAX] };
	if (x86_supports(X86F_XSAVEC))
		r.ebx = x86_xsave_bytes(x86_xcr0_supported, true);
	list(l, 0xd, 1, true, &r);
	for (i = 2; i < 32; i++) {
		if (!(x86_xcr0_supported & BIT_ULL(i)))
			continue;
		x86_cpuid_native(0xd, i, &r);
		r.ecx &= BIT(1);	/* aligned in the compacted format; never a supervisor's */
		r.edx = 0;
		list(l, 0xd, i, true, &r);
	}
}

static void list_basic(struct listing *l, u32 fn)
{
	struct x86_cpuid_regs r = { 0 }, zero = { 0 };

	switch (fn) {
	case 0x0:
		x86_cpuid_native(fn, 0, &r);
		r.eax = min_t(u32, basic_max, BASIC_MAX);
		list(l, fn, 0, false, &r);
		break;
	case 0x1:
		x86_cpuid_native(fn, 0, &r);
		r.ebx &= 0x00ffff00;	/* the APIC id is this CPU's */
		r.ecx = x86_supported[X86W_1_ECX];
		r.edx = x86_supported[X86W_1_EDX];
		list(l, fn, 0, false, &r);
		break;
	case 0x2:
		x86_cpuid_native(fn, 0, &r);
		list(l, fn, 0, false, &r);
		break;
	case 0x4:
		list_caches(l, fn);
		break;
	case 0x6:
		r.eax = x86_supported[X86W_6_EAX];
		list(l, fn, 0, false, &r);
		break;
	case 0x7:
		list_features7(l);
		break;
	/* The topology is the VMM's to make. */
	case 0xb:
	case 0x1f:
		list(l, fn, 0, true, &zero);
		break;
	case 0xd:
		list_xsave(l);
		break;
	default:
		list(l, fn, 0, false, &zero);
		break;
	}
}

static void list_extended(struct listing *l, u32 fn)
{
	struct x86_cpuid_regs r, zero = { 0 };

	x86_cpuid_native(fn, 0, &r);
	switch (fn) {
	case 0x80000000:
		r.eax = min_t(u32, extended_max, EXTENDED_MAX);
		break;
	case 0x80000001:
		r.ecx = x86_supported[X86W_E1_ECX];
		r.edx = x86_supported[X86W_E1_EDX];
		break;
	case 0x80000002:	/* name, caches and TLBs */
	case 0x80000003:
	case 0x80000004:
	case 0x80000005:
	case 0x80000006:
		break;
	case 0x80000007:
		r = zero;
		r.edx = x86_supported[X86W_E7_EDX];
		break;
	case 0x80000008:
		r.eax = x86_host_maxphyaddr | (r.eax & 0xff00);
		r.ebx = x86_supported[X86W_E8_EBX];
		r.edx = 0;
		break;
	case 0x80000019:	/* TLBs for 1 GiB pages */
		r.ecx = 0;
		r.edx = 0;
		break;
	case 0x8000001a:	/* width of the vector units */
		r.eax &= 7;
		r.ebx = 0;
		r.ecx = 0;
		r.edx = 0;
		break;
	case 0x8000001d:
		if (x86_supports(X86F_TOPOEXT)) {
			list_caches(l, fn);
			return;
		}
		r = zero;
		break;
	case 0x80000021:
		r = zero;
		r.eax = x86_supported[X86W_E21_EAX];
		r.ecx = x86_supported[X86W_E21_ECX];
		break;
	default:
		r = zero;
		break;
	}
	list(l, fn, 0, fn == 0x8000001d, &r);
}

static void list_hypervisor(struct listing *l)
{
	struct x86_cpuid_regs r = { .eax = KVMX_CPUID_FEATURES };
	static const char signature[12] = "KVMKVMKVM\0\0";

	memcpy(&r.ebx, signature, 4);
	memcpy(&r.ecx, signature + 4, 4);
	memcpy(&r.edx, signature + 8, 4);
	list(l, KVMX_CPUID_SIGNATURE, 0, false, &r);
	r = (struct x86_cpuid_regs){ .eax = x86_supported[X86W_KVM_EAX] };
	list(l, KVMX_CPUID_FEATURES, 0, false, &r);
}

long x86_cpuid_supported(struct kvmx_cpuid_entry2 *entries, u32 *nr, u32 room)
{
	struct listing l = { .entries = entries, .room = room };
	u32 fn;

	for (fn = 0; fn <= min_t(u32, basic_max, BASIC_MAX); fn++)
		list_basic(&l, fn);
	list_hypervisor(&l);
	for (fn = 0x80000000; fn <= min_t(u32, extended_max, EXTENDED_MAX); fn++)
		list_extended(&l, fn);
	*nr = l.nr;
	return l.nr > room ? -E2BIG : 0;
}
