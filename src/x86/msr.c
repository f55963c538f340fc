// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of the guest's MSRs: which there are, who may read and write them
 * and how. An MSR that is not in it does not exist (#GP). Called by the exit
 * table, the emulator and the ioctls.
 */
#include <linux/kernel.h>
#include <linux/kvmx_para.h>
#include <linux/nospec.h>

#include "clock.h"
#include "cpu.h"
#include "cpuid.h"
#include "lapic.h"
#include "msr.h"

enum {
	LISTED	= BIT(0),	/* part of a vCPU's state: KVMX_GET_MSR_INDEX_LIST */
	FEATURE	= BIT(1),	/* describes the CPU: KVMX_GET_MSR_FEATURE_INDEX_LIST */
	SLEEPS	= BIT(2),	/* WRMSR outside of the run window */
	ZERO	= BIT(3),	/* reads as 0 */
	IGNORE	= BIT(4),	/* writes have no effect */
	ADDRESS	= BIT(5),	/* holds a linear address */
};

struct msr_row {
	u32 first, last;
	u16 flags;
	u16 need;	/* feature without which this CPU has none, 0: always (that bit is no MSR's) */
	int (*get)(struct x86_vcpu *v, u32 msr, u64 *val, bool host);
	int (*set)(struct x86_vcpu *v, u32 msr, u64 val, bool host);
};

#define PRED_IBPB	BIT_ULL(0)
#define PRED_SBPB	BIT_ULL(7)
#define HWCR_TSC_FREQ_SEL	BIT_ULL(24)
/* TlbCacheDis, FFDis, IgnneEm: firmware sets them, nothing here follows them. */
#define HWCR_IGNORED	(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8))
/* Last-branch records and single-step on branches, which guests do not have. */
#define DEBUGCTL_IGNORED	(BIT_ULL(0) | BIT_ULL(1))
/* IA32_MISC_ENABLE: branch trace storage, PEBS unavailable; read only. */
#define MISC_ENABLE_FIXED	(BIT_ULL(11) | BIT_ULL(12))
/* Of a vCPU that was not told another, as KVM has it. */
#define MICROCODE_RESET		(1ull << 32)
#define MICROCODE_RESET_AMD	0x01000065
#define PLATFORM_INFO_CPUID_FAULT	BIT_ULL(31)
#define DE_CFG_LFENCE_SERIALIZE	BIT_ULL(1)
#define PAT_RESET	0x0007040600070406ull
/* IA32_ARCH_CAPABILITIES: what is so for a guest because it is so for the CPU. */
#define ARCH_CAP_PASSED	(GENMASK_ULL(6, 0) | BIT_ULL(8) | GENMASK_ULL(15, 13) | BIT_ULL(17) | \
			 GENMASK_ULL(20, 19) | BIT_ULL(24) | GENMASK_ULL(28, 26) | BIT_ULL(62))

/* [I] */
static u64 host_arch_cap, host_microcode, host_de_cfg, spec_ctrl_bits;

bool x86_msr_canonical(struct x86_vcpu *v, u64 addr)
{
	unsigned int unused = 64 - v->rip_canonical_bits;

	return (u64)((s64)(addr << unused) >> unused) == addr;
}

static bool any_spec_ctrl(struct x86_vcpu *v)
{
	return x86_cpuid_has(v, X86F_SPEC_CTRL) || x86_cpuid_has(v, X86F_INTEL_STIBP) ||
	       x86_cpuid_has(v, X86F_INTEL_SSBD) || x86_cpuid_has(v, X86F_AMD_IBRS) ||
	       x86_cpuid_has(v, X86F_AMD_STIBP) || x86_cpuid_has(v, X86F_AMD_SSBD);
}

/* --- what the unit keeps --- */

static int unit_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	return x86_unit->get_msr(v, msr, val) ? -EINVAL : 0;
}

static int unit_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	return x86_unit->set_msr(v, msr, val) ? -EINVAL : 0;
}

/* AMD CPUs take any value here and use the canonical address that its low bits mean. */
static int sysenter_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	unsigned int unused = 64 - v->rip_canonical_bits;

	if (!x86_msr_canonical(v, val)) {
		if (!x86_guest_amd(v))
			return -EINVAL;
		val = (s64)(val << unused) >> unused;
	}
	return unit_set(v, msr, val, host);
}

static int pat_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->pat;
	return 0;
}

static int pat_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	int ret;

	if (!x86_pat_valid(val))
		return -EINVAL;
	v->pat = val;
	ret = x86_unit->set_msr(v, msr, val);
	return ret == -ENOENT ? 0 : ret;
}

/* --- time --- */

static int tsc_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = x86_guest_tsc(v);
	return 0;
}

static int tsc_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	return x86_tsc_write(v, val, host);
}

static int tsc_adjust_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !x86_cpuid_has(v, X86F_TSC_ADJUST))
		return -EINVAL;
	*val = v->tsc_adjust;
	return 0;
}

static int tsc_adjust_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && !x86_cpuid_has(v, X86F_TSC_ADJUST))
		return -EINVAL;
	return x86_tsc_adjust_write(v, val, host);
}

static bool has_tsc_aux(struct x86_vcpu *v)
{
	return x86_cpuid_has(v, X86F_RDTSCP) || x86_cpuid_has(v, X86F_RDPID);
}

static int tsc_aux_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !has_tsc_aux(v))
		return -EINVAL;
	*val = v->tsc_aux;
	return 0;
}

/* The upper half is reserved on Intel CPUs, ignored on AMD's. */
static int tsc_aux_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && (!has_tsc_aux(v) || (upper_32_bits(val) && !x86_guest_amd(v))))
		return -EINVAL;
	v->tsc_aux = lower_32_bits(val);
	if (v->tsc_aux_loaded)
		x86_wrmsr(X86_MSR_TSC_AUX, v->tsc_aux);
	return 0;
}

static int deadline_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!v->lapic) {
		*val = 0;
		return host ? 0 : -EINVAL;
	}
	*val = lapic_get_deadline(v);
	return 0;
}

static int deadline_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!v->lapic)
		return host && !val ? 0 : -EINVAL;
	if (!host)
		return lapic_set_deadline(v, val);
	lapic_restore_deadline(v, val);
	return 0;
}

/* --- local APIC --- */

static int apic_base_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->apic_base;
	return 0;
}

static int apic_base_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	int ret = lapic_set_base(v, val, host);

	if (!ret)
		x86_cpuid_update(v);
	return ret;
}

static int x2apic_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	return v->lapic ? lapic_msr_read(v, msr, val) : -EINVAL;
}

static int x2apic_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	return v->lapic ? lapic_msr_write(v, msr, val) : -EINVAL;
}

/* --- speculation --- */

static int spec_ctrl_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !any_spec_ctrl(v))
		return -EINVAL;
	*val = v->spec_ctrl;
	return 0;
}

/* The unit loads it with the next entry. */
static int spec_ctrl_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	int ret;

	if ((!host && !any_spec_ctrl(v)) || (val & ~spec_ctrl_bits))
		return -EINVAL;
	v->spec_ctrl = val;
	ret = x86_unit->set_msr(v, msr, val);
	return ret == -ENOENT ? 0 : ret;
}

/* Commands: write only. User space has nothing to put back. */
static int pred_cmd_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	u64 allowed = 0;

	if (x86_supports(X86F_SPEC_CTRL) || x86_supports(X86F_AMD_IBPB))
		if (host || x86_cpuid_has(v, X86F_SPEC_CTRL) || x86_cpuid_has(v, X86F_AMD_IBPB))
			allowed |= PRED_IBPB;
	if (x86_supports(X86F_SBPB) && (host || x86_cpuid_has(v, X86F_SBPB)))
		allowed |= PRED_SBPB;
	if (!allowed || (val & ~allowed))
		return -EINVAL;
	if (val && !host)
		x86_wrmsr(X86_MSR_PRED_CMD, val);
	return 0;
}

static int flush_cmd_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!x86_supports(X86F_FLUSH_L1D) || (!host && !x86_cpuid_has(v, X86F_FLUSH_L1D)) ||
	    (val & ~1ull))
		return -EINVAL;
	if (val && !host)
		x86_wrmsr(X86_MSR_FLUSH_CMD, val);
	return 0;
}

static int arch_cap_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !x86_cpuid_has(v, X86F_ARCH_CAP))
		return -EINVAL;
	*val = v->arch_cap;
	return 0;
}

static int arch_cap_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host)
		return -EINVAL;
	v->arch_cap = val;
	return 0;
}

/* --- the rest --- */

static int efer_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = x86_state(v, X86_STATE_CRS)->efer;
	return 0;
}

static int efer_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	return x86_set_efer(v, val, host) ? -EINVAL : 0;
}

static int xss_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && !x86_cpuid_has(v, X86F_XSAVES))
		return -EINVAL;
	*val = v->fpu.xss;
	return 0;
}

/* No supervisor state is offered. */
static int xss_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if ((!host && !x86_cpuid_has(v, X86F_XSAVES)) || val)
		return -EINVAL;
	return 0;
}

static int microcode_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->microcode;
	return 0;
}

/* Software writes 0 before it reads the revision (Intel SDM, "Microcode Update Signature"). */
static int microcode_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (host)
		v->microcode = val;
	return 0;
}

static int misc_enable_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->misc_enable;
	return 0;
}

static int misc_enable_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host && ((val ^ v->misc_enable) & MISC_ENABLE_FIXED))
		return -EINVAL;
	v->misc_enable = val;
	x86_cpuid_update(v);
	return 0;
}

/* User space's to fill in, and to hide. */
static int platform_info_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	if (!host && READ_ONCE(x86_vm_of(v)->hide_platform_info))
		return -EINVAL;
	*val = v->platform_info;
	return 0;
}

/* CPUID faulting is not there to be announced. */
static int platform_info_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (!host || (val & PLATFORM_INFO_CPUID_FAULT))
		return -EINVAL;
	v->platform_info = val;
	return 0;
}

static int debugctl_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	return val & ~DEBUGCTL_IGNORED ? -EINVAL : 0;
}

static int hwcr_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->hwcr;
	return 0;
}

static int hwcr_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	val &= ~HWCR_IGNORED;
	if (val & ~(HWCR_TSC_FREQ_SEL | X86_HWCR_MC_STATUS_WR_EN))
		return -EINVAL;
	v->hwcr = val;
	return 0;
}

static int de_cfg_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = v->de_cfg;
	return 0;
}

/* What the CPU does in any case may be said of the guest's, too. */
static int de_cfg_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	if (val & ~host_de_cfg)
		return -EINVAL;
	v->de_cfg = val;
	return 0;
}

/* SVM is disabled, and locked so (AMD APM volume 2, "Enabling SVM"). */
static int vm_cr_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	*val = BIT(3) | BIT(4);
	return 0;
}

/* By number: the search relies on it. */
static const struct msr_row rows[] = {
	{ X86_MSR_P5_MC_ADDR, X86_MSR_P5_MC_TYPE, ZERO },
	{ X86_MSR_TSC, X86_MSR_TSC, LISTED, 0, tsc_get, tsc_set },
	{ KVMX_MSR_WALL_CLOCK, KVMX_MSR_WALL_CLOCK, LISTED | SLEEPS, 0,
	  x86_pv_msr_get, x86_pv_msr_set },
	{ KVMX_MSR_SYSTEM_TIME, KVMX_MSR_SYSTEM_TIME, LISTED, 0,
	  x86_pv_msr_get, x86_pv_msr_set },
	{ X86_MSR_PLATFORM_ID, X86_MSR_PLATFORM_ID, ZERO },
	{ X86_MSR_APIC_BASE, X86_MSR_APIC_BASE, 0, 0, apic_base_get, apic_base_set },
	{ X86_MSR_EBL_CR_POWERON, X86_MSR_EBL_CR_POWERON, ZERO },
	{ X86_MSR_TSC_ADJUST, X86_MSR_TSC_ADJUST, LISTED, 0, tsc_adjust_get, tsc_adjust_set },
	{ X86_MSR_SPEC_CTRL, X86_MSR_SPEC_CTRL, LISTED, X86F_ANY_SPEC_CTRL,
	  spec_ctrl_get, spec_ctrl_set },
	{ X86_MSR_PRED_CMD, X86_MSR_PRED_CMD, 0, 0, NULL, pred_cmd_set },
	{ X86_MSR_UCODE_WRITE, X86_MSR_UCODE_WRITE, IGNORE },
	{ X86_MSR_UCODE_REV, X86_MSR_UCODE_REV, LISTED | FEATURE, 0,
	  microcode_get, microcode_set },
	{ 0x0c1, 0x0c2, ZERO | IGNORE },	/* IA32_PMC0, 1: there are no counters */
	{ X86_MSR_PLATFORM_INFO, X86_MSR_PLATFORM_INFO, LISTED, 0,
	  platform_info_get, platform_info_set },
	{ X86_MSR_MTRRCAP, X86_MSR_MTRRCAP, 0, 0, x86_mtrr_get, x86_mtrr_set },
	{ X86_MSR_ARCH_CAP, X86_MSR_ARCH_CAP, LISTED | FEATURE, X86F_ARCH_CAP,
	  arch_cap_get, arch_cap_set },
	{ X86_MSR_FLUSH_CMD, X86_MSR_FLUSH_CMD, 0, 0, NULL, flush_cmd_set },
	{ X86_MSR_SYSENTER_CS, X86_MSR_SYSENTER_CS, LISTED, 0, unit_get, unit_set },
	{ X86_MSR_SYSENTER_ESP, X86_MSR_SYSENTER_EIP, LISTED, 0, unit_get, sysenter_set },
	{ X86_MSR_MCG_CAP, X86_MSR_MCG_CAP, 0, 0, x86_mce_get, x86_mce_set },
	{ X86_MSR_MCG_STATUS, X86_MSR_MCG_CTL, LISTED, 0, x86_mce_get, x86_mce_set },
	{ 0x186, 0x187, ZERO | IGNORE },	/* IA32_PERFEVTSEL0, 1 */
	{ 0x198, 0x198, ZERO },			/* IA32_PERF_STATUS */
	{ 0x199, 0x199, ZERO | IGNORE },	/* IA32_PERF_CTL */
	{ X86_MSR_MISC_ENABLE, X86_MSR_MISC_ENABLE, LISTED, 0,
	  misc_enable_get, misc_enable_set },
	{ X86_MSR_DEBUGCTL, X86_MSR_DEBUGCTL, ZERO, 0, NULL, debugctl_set },
	{ X86_MSR_LASTBRANCHFROM, X86_MSR_LASTINTTO, ZERO },
	{ X86_MSR_POWER_CTL, X86_MSR_POWER_CTL, ZERO | IGNORE },	/* the host's business */
	{ X86_MSR_MTRR_PHYSBASE0, X86_MSR_MTRR_PHYSBASE0 + 15, LISTED, 0,
	  x86_mtrr_get, x86_mtrr_set },
	{ X86_MSR_MTRR_FIX64K, X86_MSR_MTRR_FIX64K, LISTED, 0, x86_mtrr_get, x86_mtrr_set },
	{ X86_MSR_MTRR_FIX16K_80, X86_MSR_MTRR_FIX16K_A0, LISTED, 0,
	  x86_mtrr_get, x86_mtrr_set },
	{ X86_MSR_MTRR_FIX4K_C0, X86_MSR_MTRR_FIX4K_F8, LISTED, 0, x86_mtrr_get, x86_mtrr_set },
	{ X86_MSR_PAT, X86_MSR_PAT, LISTED, 0, pat_get, pat_set },
	{ X86_MSR_MTRR_DEFTYPE, X86_MSR_MTRR_DEFTYPE, LISTED, 0, x86_mtrr_get, x86_mtrr_set },
	{ X86_MSR_MC0_CTL, X86_MSR_MC0_CTL + 4 * X86_MCE_BANKS - 1, 0, 0,
	  x86_mce_get, x86_mce_set },
	{ X86_MSR_TSC_DEADLINE, X86_MSR_TSC_DEADLINE, LISTED, 0, deadline_get, deadline_set },
	{ X86_MSR_X2APIC, X86_MSR_X2APIC + 0xff, 0, 0, x2apic_get, x2apic_set },
	{ X86_MSR_XSS, X86_MSR_XSS, 0, 0, xss_get, xss_set },
	{ KVMX_MSR_WALL_CLOCK_NEW, KVMX_MSR_WALL_CLOCK_NEW, LISTED | SLEEPS, 0,
	  x86_pv_msr_get, x86_pv_msr_set },
	{ KVMX_MSR_SYSTEM_TIME_NEW, KVMX_MSR_SYSTEM_TIME_NEW, LISTED, 0,
	  x86_pv_msr_get, x86_pv_msr_set },
	{ KVMX_MSR_STEAL_TIME, KVMX_MSR_STEAL_TIME, LISTED, X86F_KVM_STEAL_TIME,
	  x86_pv_msr_get, x86_pv_msr_set },
	{ KVMX_MSR_PV_EOI_EN, KVMX_MSR_PV_EOI_EN, LISTED | SLEEPS, 0,
	  x86_pv_msr_get, x86_pv_msr_set },
	{ KVMX_MSR_POLL_CONTROL, KVMX_MSR_POLL_CONTROL, LISTED, 0,
	  x86_pv_msr_get, x86_pv_msr_set },
	{ X86_MSR_EFER, X86_MSR_EFER, 0, 0, efer_get, efer_set },
	{ X86_MSR_STAR, X86_MSR_STAR, LISTED, 0, unit_get, unit_set },
	{ X86_MSR_LSTAR, X86_MSR_CSTAR, LISTED | ADDRESS, 0, unit_get, unit_set },
	{ X86_MSR_SFMASK, X86_MSR_SFMASK, LISTED, 0, unit_get, unit_set },
	{ X86_MSR_FS_BASE, X86_MSR_GS_BASE, ADDRESS, 0, unit_get, unit_set },
	{ X86_MSR_KERNEL_GS_BASE, X86_MSR_KERNEL_GS_BASE, LISTED | ADDRESS, 0,
	  unit_get, unit_set },
	{ X86_MSR_TSC_AUX, X86_MSR_TSC_AUX, LISTED, X86F_RDTSCP, tsc_aux_get, tsc_aux_set },
	{ 0xc0010000, 0xc0010007, ZERO | IGNORE },	/* K7 event selects and counters */
	{ X86_MSR_SYSCFG, X86_MSR_SYSCFG, ZERO },
	{ X86_MSR_HWCR, X86_MSR_HWCR, LISTED, 0, hwcr_get, hwcr_set },
	{ X86_MSR_NB_CFG, X86_MSR_NB_CFG, ZERO | IGNORE },
	{ X86_MSR_AMD_PATCH_LOADER, X86_MSR_AMD_PATCH_LOADER, IGNORE },
	{ 0xc0010055, 0xc0010055, ZERO },	/* interrupt pending message */
	{ 0xc0010058, 0xc0010058, ZERO },	/* MMIO configuration base */
	{ 0xc0010112, 0xc0010113, ZERO },	/* SMM TSeg base and mask */
	{ X86_MSR_VM_CR, X86_MSR_VM_CR, 0, 0, vm_cr_get, NULL },
	{ X86_MSR_VM_HSAVE_PA, X86_MSR_VM_HSAVE_PA, ZERO },
	{ 0xc0011022, 0xc0011023, ZERO },	/* DC_CFG, TW_CFG */
	{ X86_MSR_AMD_DE_CFG, X86_MSR_AMD_DE_CFG, LISTED | FEATURE, 0, de_cfg_get, de_cfg_set },
	{ 0xc001102a, 0xc001102a, ZERO },	/* BU_CFG2 */
	{ 0xc001102c, 0xc001102c, ZERO },	/* EX_CFG */
};

/* Most exits are for low numbers: rows by them, one more than the index; 0: none. */
static u8 low_rows[0x1000];		/* [I] */
static_assert(ARRAY_SIZE(rows) < U8_MAX);

static const struct msr_row *find_row(u32 msr)
{
	unsigned int low = 0, high = ARRAY_SIZE(rows);

	if (msr < ARRAY_SIZE(low_rows)) {
		low = low_rows[array_index_nospec(msr, ARRAY_SIZE(low_rows))];
		return low ? &rows[low - 1] : NULL;
	}
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (msr > rows[mid].last)
			low = mid + 1;
		else if (msr < rows[mid].first)
			high = mid;
		else
			return &rows[mid];
	}
	return NULL;
}

/* Whether this CPU has what the row needs. */
static bool needs_offered(const struct msr_row *row)
{
	if (row->need == X86F_ANY_SPEC_CTRL)
		return spec_ctrl_bits;
	if (row->need == X86F_RDTSCP && x86_supports(X86F_RDPID))
		return true;
	return x86_supports(row->need);
}

static inline bool row_offered(const struct msr_row *row)
{
	return !row->need || needs_offered(row);
}

int x86_msr_get(struct x86_vcpu *v, u32 msr, u64 *val, bool host)
{
	const struct msr_row *row = find_row(msr);

	if (!row || !row_offered(row))
		return -ENOENT;
	if (row->get)
		return row->get(v, msr, val, host);
	*val = 0;
	return row->flags & ZERO ? 0 : -EINVAL;
}

int x86_msr_set(struct x86_vcpu *v, u32 msr, u64 val, bool host)
{
	const struct msr_row *row = find_row(msr);

	if (!row || !row_offered(row))
		return -ENOENT;
	if ((row->flags & ADDRESS) && !x86_msr_canonical(v, val))
		return -EINVAL;
	if (row->set)
		return row->set(v, msr, val, host);
	/* What reads 0 for ever may be put back. */
	if ((row->flags & IGNORE) || (host && (row->flags & ZERO) && !val))
		return 0;
	return -EINVAL;
}

bool x86_msr_write_sleeps(u32 msr)
{
	const struct msr_row *row = find_row(msr);

	return row && (row->flags & SLEEPS);
}

/* A guest can read it whatever its CPUID says: the host's value is not for it. */
void x86_msr_load(struct x86_vcpu *v)
{
	if (!x86_supports(X86F_RDTSCP) && !x86_supports(X86F_RDPID))
		return;
	v->host_tsc_aux = x86_rdmsr(X86_MSR_TSC_AUX);
	if (v->tsc_aux != v->host_tsc_aux)
		x86_wrmsr(X86_MSR_TSC_AUX, v->tsc_aux);
	v->tsc_aux_loaded = true;
}

void x86_msr_save(struct x86_vcpu *v)
{
	if (!v->tsc_aux_loaded)
		return;
	v->tsc_aux_loaded = false;
	if (v->tsc_aux != v->host_tsc_aux)
		x86_wrmsr(X86_MSR_TSC_AUX, v->host_tsc_aux);
}

/* INIT leaves most of them alone (Intel SDM volume 3, "Processor State After Reset"). */
void x86_msr_reset(struct x86_vcpu *v, bool init)
{
	static const u32 zero[] = {
		X86_MSR_SYSENTER_CS, X86_MSR_SYSENTER_ESP, X86_MSR_SYSENTER_EIP, X86_MSR_STAR,
		X86_MSR_LSTAR, X86_MSR_CSTAR, X86_MSR_SFMASK, X86_MSR_KERNEL_GS_BASE,
	};
	unsigned int i;

	if (init)
		return;
	for (i = 0; i < ARRAY_SIZE(zero); i++)
		x86_unit->set_msr(v, zero[i], 0);
	pat_set(v, X86_MSR_PAT, PAT_RESET, true);
	v->misc_enable = MISC_ENABLE_FIXED;
	v->tsc_aux = 0;
	v->tsc_adjust = 0;
	v->spec_ctrl = 0;
	v->hwcr = 0;
	v->microcode = x86_host_amd ? MICROCODE_RESET_AMD : MICROCODE_RESET;
	v->platform_info = 0;
	v->de_cfg = 0;
	v->arch_cap = host_arch_cap;
	memset(v->mtrr, 0, sizeof(v->mtrr));
}

static u32 list_rows(u16 flag, u32 *list, u32 room)
{
	u32 nr = 0, msr;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(rows[i].flags & flag) || !row_offered(&rows[i]))
			continue;
		for (msr = rows[i].first; msr <= rows[i].last; msr++, nr++)
			if (nr < room)
				list[nr] = msr;
	}
	return nr;
}

u32 x86_msr_list(u32 *list, u32 room)
{
	return list_rows(LISTED, list, room);
}

u32 x86_msr_feature_list(u32 *list, u32 room)
{
	return list_rows(FEATURE, list, room);
}

int x86_msr_feature(u32 msr, u64 *val)
{
	const struct msr_row *row = find_row(msr);

	if (!row || !(row->flags & FEATURE) || !row_offered(row))
		return -EINVAL;
	switch (msr) {
	case X86_MSR_UCODE_REV:
		*val = host_microcode;
		return 0;
	case X86_MSR_ARCH_CAP:
		*val = host_arch_cap;
		return 0;
	case X86_MSR_AMD_DE_CFG:
		*val = host_de_cfg;
		return 0;
	}
	return -EINVAL;
}

/* Bits of IA32_SPEC_CTRL that this CPU has. */
static u64 find_spec_ctrl(void)
{
	u64 bits = 0;

	if (x86_supports(X86F_SPEC_CTRL) || x86_supports(X86F_AMD_IBRS))
		bits |= BIT_ULL(0);
	if (x86_supports(X86F_INTEL_STIBP) || x86_supports(X86F_AMD_STIBP))
		bits |= BIT_ULL(1);
	if (x86_supports(X86F_INTEL_SSBD) || x86_supports(X86F_AMD_SSBD))
		bits |= BIT_ULL(2);
	if (!bits)
		return 0;	/* there is no such MSR */
	if (x86_supports(X86F_IPRED_CTRL))
		bits |= BIT_ULL(3) | BIT_ULL(4);
	if (x86_supports(X86F_RRSBA_CTRL))
		bits |= BIT_ULL(5) | BIT_ULL(6);
	if (x86_supports(X86F_INTEL_PSFD) || x86_supports(X86F_AMD_PSFD))
		bits |= BIT_ULL(7);
	if (x86_supports(X86F_BHI_CTRL))
		bits |= BIT_ULL(10);
	return bits;
}

void x86_msr_init(void)
{
	unsigned int i;
	u32 msr;
	u64 val;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (msr = rows[i].first; msr <= rows[i].last && msr < ARRAY_SIZE(low_rows); msr++)
			low_rows[msr] = i + 1;
	spec_ctrl_bits = find_spec_ctrl();
	host_microcode = x86_rdmsr_safe(X86_MSR_UCODE_REV, &val) ? 0 : val;
	host_arch_cap = 0;
	if (x86_supports(X86F_ARCH_CAP) && !x86_rdmsr_safe(X86_MSR_ARCH_CAP, &val))
		host_arch_cap = val & ARCH_CAP_PASSED;
	host_de_cfg = 0;
	if (x86_supports(X86F_LFENCE_SERIAL) ||
	    (x86_host_amd && !x86_rdmsr_safe(X86_MSR_AMD_DE_CFG, &val) &&
	     (val & DE_CFG_LFENCE_SERIALIZE)))
		host_de_cfg = DE_CFG_LFENCE_SERIALIZE;
}
