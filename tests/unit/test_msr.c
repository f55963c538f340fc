// SPDX-License-Identifier: GPL-2.0-only
/* The guest's MSRs: which exist, who may write what, memory types, machine check. */
/* links: src/x86/mtrr.c src/x86/mce.c src/x86/clock.c src/x86/tsc.c src/x86/steal.c */
/* links: src/x86/msr_pv.c src/x86/cpuid.c src/x86/cpuid_host.c src/x86/fpu.c */
#include "x86_world.h"
#include "msr.c"

static struct kvmx_cpuid_entry2 offered[X86_CPUID_ENTRIES];

static void start(enum host_kind kind)
{
	build_host(kind);
	x86_msr_init();
	build_vm(1);
	x86_mce_init(cpu[0]);
	x86_clock_vm_init(vm);
	x86_clock_vcpu_init(cpu[0]);
	x86_msr_reset(cpu[0], false);
	offer_all(cpu[0], offered);
}

/* The guest's CPU without a feature, or with. */
static void guest_feature(enum x86_feature f, bool has)
{
	u32 *word = &cpu[0]->cpuid->word[f / 32];

	*word = has ? *word | BIT(f % 32) : *word & ~BIT(f % 32);
}

static u64 host_get(u32 msr)
{
	u64 val = 0xdeadbeef;

	ck_assert_msg(!x86_msr_get(cpu[0], msr, &val, true), "MSR %#x", msr);
	return val;
}

static u64 guest_get(u32 msr)
{
	u64 val = 0xdeadbeef;

	ck_assert_msg(!x86_msr_get(cpu[0], msr, &val, false), "MSR %#x", msr);
	return val;
}

static bool guest_can_read(u32 msr)
{
	u64 val;

	return !x86_msr_get(cpu[0], msr, &val, false);
}

static bool guest_set(u32 msr, u64 val)
{
	return !x86_msr_set(cpu[0], msr, val, false);
}

static bool host_set(u32 msr, u64 val)
{
	return !x86_msr_set(cpu[0], msr, val, true);
}

START_TEST(table_in_order)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_uint_le(rows[i].first, rows[i].last);
		if (i)
			ck_assert_uint_lt(rows[i - 1].last, rows[i].first);
		/* A row says how it is read, and how it is written; or that it is not. */
		ck_assert_msg(rows[i].get || rows[i].set || rows[i].flags & (ZERO | IGNORE),
			      "%#x", rows[i].first);
		if (rows[i].flags & (LISTED | FEATURE))
			ck_assert_msg(rows[i].get && rows[i].set, "%#x", rows[i].first);
	}
}
END_TEST

/* Each MSR in the list can be read and put back: VMMs do it on the way to the first KVMX_RUN. */
START_TEST(listed_can_be_put_back)
{
	u32 list[256], nr, i, again;

	start(_i);
	nr = x86_msr_list(list, ARRAY_SIZE(list));
	ck_assert_uint_gt(nr, 40);
	ck_assert_uint_lt(nr, ARRAY_SIZE(list));
	for (i = 0; i < nr; i++) {
		u64 val = host_get(list[i]);

		ck_assert_msg(host_set(list[i], val), "MSR %#x = %#llx", list[i],
			      (unsigned long long)val);
		if (list[i] != X86_MSR_TSC)
			ck_assert_uint_eq(host_get(list[i]), val);
		/* QEMU writes 0 at reset to what it knows no value for. */
		if (list[i] != X86_MSR_MISC_ENABLE)
			ck_assert_msg(host_set(list[i], 0), "MSR %#x = 0", list[i]);
		for (again = 0; again < i; again++)
			ck_assert_uint_ne(list[again], list[i]);
	}
	/* A list that does not fit is cut, and says how long it is. */
	memset(list, 0x5a, sizeof(list));
	ck_assert_uint_eq(x86_msr_list(list, 3), nr);
	ck_assert_uint_eq(list[3], 0x5a5a5a5a);
	unit_figure("MSRs in the list", nr);
	end_vm();
}
END_TEST

/* The same without local APIC in the kernel, and before user space has given a CPU model. */
START_TEST(listed_without_apic_or_model)
{
	u32 list[256], nr, i;

	start(HOST_INTEL);
	cpu[0]->lapic = NULL;
	ck_assert_int_eq(x86_cpuid_set(cpu[0], NULL, 0), 0);
	nr = x86_msr_list(list, ARRAY_SIZE(list));
	for (i = 0; i < nr; i++) {
		u64 val = host_get(list[i]);

		ck_assert_msg(host_set(list[i], val), "MSR %#x", list[i]);
	}
	ck_assert(!host_set(X86_MSR_TSC_DEADLINE, 5));
	ck_assert(!guest_can_read(X86_MSR_TSC_DEADLINE));
	ck_assert(!guest_can_read(X86_MSR_X2APIC + 2));
	end_vm();
}
END_TEST

START_TEST(features)
{
	u32 list[16], nr, i;
	u64 val;

	start(HOST_INTEL);
	nr = x86_msr_feature_list(list, ARRAY_SIZE(list));
	ck_assert_uint_eq(nr, 3);
	for (i = 0; i < nr; i++)
		ck_assert_int_eq(x86_msr_feature(list[i], &val), 0);
	ck_assert_int_eq(x86_msr_feature(X86_MSR_UCODE_REV, &val), 0);
	ck_assert_uint_eq(val, 0xa201025);
	ck_assert_int_eq(x86_msr_feature(X86_MSR_ARCH_CAP, &val), 0);
	ck_assert_uint_eq(val, ARCH_CAP_PASSED);
	ck_assert(!(val & BIT(7)));	/* TSX_CTRL is an MSR that guests do not have */
	ck_assert_int_eq(x86_msr_feature(X86_MSR_TSC, &val), -EINVAL);
	ck_assert_int_eq(x86_msr_feature(0x12345, &val), -EINVAL);
	end_vm();

	/* A CPU without the feature bit has no such MSR, whatever the guest is told. */
	build_host(HOST_AMD);
	host_cpuid(7, 0, 2, ALL, ALL, 0);
	host_cpuid(0x80000008, 0, 0x3030, 0, 0, 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
	x86_msr_init();
	build_vm(1);
	offer_all(cpu[0], offered);
	guest_feature(X86F_ARCH_CAP, true);
	guest_feature(X86F_SPEC_CTRL, true);
	ck_assert_int_eq(x86_msr_feature(X86_MSR_ARCH_CAP, &val), -EINVAL);
	ck_assert(!guest_can_read(X86_MSR_ARCH_CAP));
	ck_assert(!guest_can_read(X86_MSR_SPEC_CTRL));
	ck_assert(!host_set(X86_MSR_SPEC_CTRL, 0));
	ck_assert(!guest_set(X86_MSR_PRED_CMD, 1));
	end_vm();
}
END_TEST

/* Which numbers exist at all, written down once more from the manuals. */
static bool exists(u32 msr)
{
	static const struct { u32 first, last; } known[] = {
		{ 0x0, 0x1 }, { 0x10, 0x12 }, { 0x17, 0x17 }, { 0x1b, 0x1b }, { 0x2a, 0x2a },
		{ 0x3b, 0x3b }, { 0x48, 0x49 }, { 0x79, 0x79 }, { 0x8b, 0x8b }, { 0xc1, 0xc2 },
		{ 0xce, 0xce }, { 0xfe, 0xfe }, { 0x10a, 0x10b }, { 0x174, 0x176 },
		{ 0x179, 0x17b }, { 0x186, 0x187 }, { 0x198, 0x199 }, { 0x1a0, 0x1a0 },
		{ 0x1d9, 0x1d9 }, { 0x1db, 0x1de }, { 0x1fc, 0x1fc }, { 0x200, 0x20f },
		{ 0x250, 0x250 }, { 0x258, 0x259 }, { 0x268, 0x26f }, { 0x277, 0x277 }, { 0x2ff, 0x2ff },
		{ 0x400, 0x47f }, { 0x6e0, 0x6e0 }, { 0x800, 0x8ff }, { 0xda0, 0xda0 },
		{ 0x4b564d00, 0x4b564d01 }, { 0x4b564d03, 0x4b564d05 },
	 { 0xc0000080, 0xc0000084 },
		{ 0xc0000100, 0xc0000103 }, { 0xc0010000, 0xc0010007 },
		{ 0xc0010010, 0xc0010010 }, { 0xc0010015, 0xc0010015 },
		{ 0xc001001f, 0xc0010020 }, { 0xc0010055, 0xc0010055 },
		{ 0xc0010058, 0xc0010058 }, { 0xc0010112, 0xc0010114 },
		{ 0xc0010117, 0xc0010117 }, { 0xc0011022, 0xc0011023 },
		{ 0xc0011029, 0xc001102a }, { 0xc001102c, 0xc001102c },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (msr >= known[i].first && msr <= known[i].last)
			return true;
	return false;
}

static void expect_unknown(u32 msr)
{
	u64 val;

	if (exists(msr))
		return;
	ck_assert_msg(x86_msr_get(cpu[0], msr, &val, false) == -ENOENT, "%#x", msr);
	ck_assert_msg(x86_msr_get(cpu[0], msr, &val, true) == -ENOENT, "%#x", msr);
	ck_assert_msg(x86_msr_set(cpu[0], msr, 0, false) == -ENOENT, "%#x", msr);
	ck_assert_msg(x86_msr_set(cpu[0], msr, 0, true) == -ENOENT, "%#x", msr);
}

START_TEST(unknown_refused)
{
	u32 i;

	start(HOST_AMD);
	for (i = 0; i < 0x10000; i++) {
		expect_unknown(i);
		expect_unknown(0x40000000 + i);
		expect_unknown(0x4b560000 + i);
		expect_unknown(0xc0000000 + i);
		expect_unknown(0xc0010000 + i);
		expect_unknown(unit_random());
	}
	expect_unknown(ALL);
	end_vm();
}
END_TEST

/* No value whatever may bring the host down or be taken where it must not. */
START_TEST(any_write)
{
	u32 i, round;

	start(_i);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 msr;

		for (msr = rows[i].first; msr <= rows[i].last; msr++) {
			for (round = 0; round < 50; round++) {
				u64 val = unit_random_edge(), back;

				if (x86_msr_set(cpu[0], msr, val, round & 1))
					continue;
				if (rows[i].get)
					x86_msr_get(cpu[0], msr, &back, true);
			}
		}
	}
	/* What it became is still all readable, and can be put back. */
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 val;

		if (rows[i].flags & LISTED && row_offered(&rows[i])) {
			val = host_get(rows[i].first);
			ck_assert_msg(host_set(rows[i].first, val), "%#x", rows[i].first);
		}
	}
	end_vm();
}
END_TEST

START_TEST(canonical)
{
	static const u32 msrs[] = { X86_MSR_LSTAR, X86_MSR_CSTAR, X86_MSR_FS_BASE,
				    X86_MSR_GS_BASE, X86_MSR_KERNEL_GS_BASE };
	unsigned int i;

	start(HOST_INTEL);
	cpu[0]->rip_canonical_bits = 48;
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		ck_assert(guest_set(msrs[i], 0x00007fffffffffffull));
		ck_assert(guest_set(msrs[i], 0xffff800000000000ull));
		ck_assert(!guest_set(msrs[i], 0x0000800000000000ull));
		ck_assert(!guest_set(msrs[i], 0xfffeffffffffffffull));
		ck_assert(!host_set(msrs[i], 0x8000000000000000ull));
		ck_assert_uint_eq(guest_get(msrs[i]), 0xffff800000000000ull);
	}
	cpu[0]->rip_canonical_bits = 57;
	ck_assert(guest_set(X86_MSR_LSTAR, 0x0000800000000000ull));
	ck_assert(guest_set(X86_MSR_LSTAR, 0xff00000000000000ull));
	ck_assert(!guest_set(X86_MSR_LSTAR, 0x0100000000000000ull));

	cpu[0]->rip_canonical_bits = 48;
	ck_assert(!guest_set(X86_MSR_SYSENTER_EIP, 0x0000800000000000ull));
	ck_assert(guest_set(X86_MSR_STAR, ~0ull));
	cpu[0]->cpuid->amd = true;
	ck_assert(guest_set(X86_MSR_SYSENTER_EIP, 0x0000800000000000ull));
	ck_assert_uint_eq(guest_get(X86_MSR_SYSENTER_EIP), 0xffff800000000000ull);
	end_vm();
}
END_TEST

START_TEST(memory_types)
{
	u64 before;
	u32 msr;

	start(HOST_INTEL);
	ck_assert_uint_eq(guest_get(X86_MSR_PAT), 0x0007040600070406ull);
	ck_assert_uint_eq(*unit_place(X86_MSR_PAT), 0x0007040600070406ull);
	ck_assert(guest_set(X86_MSR_PAT, 0x0706050401000007ull));
	ck_assert_uint_eq(*unit_place(X86_MSR_PAT), 0x0706050401000007ull);
	ck_assert(!guest_set(X86_MSR_PAT, 0x02));
	ck_assert(!guest_set(X86_MSR_PAT, 0x0300000000000000ull));
	ck_assert(!guest_set(X86_MSR_PAT, 0x0800));
	ck_assert(!host_set(X86_MSR_PAT, 0xff));
	ck_assert_uint_eq(guest_get(X86_MSR_PAT), 0x0706050401000007ull);

	ck_assert_uint_eq(guest_get(X86_MSR_MTRRCAP), 0x508);
	ck_assert(!guest_set(X86_MSR_MTRRCAP, 0x508));
	ck_assert(guest_set(X86_MSR_MTRR_DEFTYPE, 0xc06));
	ck_assert(!guest_set(X86_MSR_MTRR_DEFTYPE, 0xc07));	/* UC- is the PAT's only */
	ck_assert(!guest_set(X86_MSR_MTRR_DEFTYPE, 0x1c06));
	ck_assert(!guest_set(X86_MSR_MTRR_DEFTYPE, 0x106));
	ck_assert_uint_eq(guest_get(X86_MSR_MTRR_DEFTYPE), 0xc06);

	before = guest_get(X86_MSR_MTRR_FIX64K);
	for (msr = X86_MSR_MTRR_FIX4K_C0; msr <= X86_MSR_MTRR_FIX4K_F8; msr++)
		ck_assert(guest_set(msr, 0x0606060606060600ull + (msr & 1)));
	ck_assert(guest_set(X86_MSR_MTRR_FIX16K_A0, 0x0101010101010101ull));
	ck_assert(!guest_set(X86_MSR_MTRR_FIX16K_A0, 0x1e1e1e1e1e1e1e1eull));
	for (msr = X86_MSR_MTRR_FIX4K_C0; msr <= X86_MSR_MTRR_FIX4K_F8; msr++)
		ck_assert_uint_eq(guest_get(msr), 0x0606060606060600ull + (msr & 1));
	ck_assert_uint_eq(guest_get(X86_MSR_MTRR_FIX64K), before);
	ck_assert_uint_eq(guest_get(X86_MSR_MTRR_FIX16K_80), 0);

	cpu[0]->maxphyaddr = 40;
	ck_assert(guest_set(0x200, 0xff00000006ull));
	ck_assert(!guest_set(0x200, 0x10000000006ull));
	ck_assert(!guest_set(0x200, 0x106));
	ck_assert(guest_set(0x201, 0xffc0000800ull));
	ck_assert(!guest_set(0x201, 0xffc0000801ull));
	ck_assert(!guest_set(0x20f, 0x400));
	/* User space, before it has said how wide addresses are. */
	ck_assert(host_set(0x20e, 0xfff0000000006ull));
	ck_assert(!host_set(0x20e, 0x10000000000006ull));
	ck_assert_uint_eq(guest_get(0x200), 0xff00000006ull);
	ck_assert_uint_eq(guest_get(0x201), 0xffc0000800ull);
	end_vm();
}
END_TEST

START_TEST(speculation)
{
	u64 val;

	start(HOST_INTEL);
	ck_assert(guest_set(X86_MSR_SPEC_CTRL, 0x4ff));
	ck_assert(!guest_set(X86_MSR_SPEC_CTRL, 0x500));
	ck_assert(!guest_set(X86_MSR_SPEC_CTRL, 1ull << 32));
	ck_assert_uint_eq(cpu[0]->spec_ctrl, 0x4ff);

	ck_assert(!guest_can_read(X86_MSR_PRED_CMD));
	ck_assert_int_eq(x86_msr_get(cpu[0], X86_MSR_PRED_CMD, &val, true), -EINVAL);
	ck_assert(guest_set(X86_MSR_PRED_CMD, 0));
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_PRED_CMD), 0);
	ck_assert(guest_set(X86_MSR_PRED_CMD, 1));
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_PRED_CMD), 1);
	ck_assert(!guest_set(X86_MSR_PRED_CMD, 2));
	ck_assert(guest_set(X86_MSR_FLUSH_CMD, 1));
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_FLUSH_CMD), 1);
	ck_assert(!guest_set(X86_MSR_FLUSH_CMD, 3));

	/* A guest that was not told. */
	guest_feature(X86F_SPEC_CTRL, false);
	guest_feature(X86F_INTEL_STIBP, false);
	guest_feature(X86F_INTEL_SSBD, false);
	guest_feature(X86F_AMD_IBRS, false);
	guest_feature(X86F_AMD_STIBP, false);
	ck_assert(guest_can_read(X86_MSR_SPEC_CTRL));
	guest_feature(X86F_AMD_SSBD, false);
	ck_assert(!guest_can_read(X86_MSR_SPEC_CTRL));
	ck_assert(!guest_set(X86_MSR_SPEC_CTRL, 0));
	ck_assert(host_set(X86_MSR_SPEC_CTRL, 1));
	guest_feature(X86F_AMD_IBPB, false);
	guest_feature(X86F_SBPB, false);
	ck_assert(!guest_set(X86_MSR_PRED_CMD, 1));
	guest_feature(X86F_FLUSH_L1D, false);
	ck_assert(!guest_set(X86_MSR_FLUSH_CMD, 1));

	ck_assert(guest_can_read(X86_MSR_ARCH_CAP));
	ck_assert(!guest_set(X86_MSR_ARCH_CAP, 0));
	ck_assert(host_set(X86_MSR_ARCH_CAP, 0x21));
	ck_assert_uint_eq(guest_get(X86_MSR_ARCH_CAP), 0x21);
	guest_feature(X86F_ARCH_CAP, false);
	ck_assert(!guest_can_read(X86_MSR_ARCH_CAP));
	end_vm();
}
END_TEST

START_TEST(single_ones)
{
	struct x86_vcpu *v;

	start(HOST_INTEL);
	v = cpu[0];
	/* XSS: nothing to switch on. */
	ck_assert(!guest_can_read(X86_MSR_XSS));
	guest_feature(X86F_XSAVES, true);
	ck_assert_uint_eq(guest_get(X86_MSR_XSS), 0);
	ck_assert(guest_set(X86_MSR_XSS, 0));
	ck_assert(!guest_set(X86_MSR_XSS, BIT(11)));
	ck_assert(!host_set(X86_MSR_XSS, BIT(8)));

	/* TSC_AUX: reserved half by vendor; the CPU's own while the window is open. */
	ck_assert(guest_set(X86_MSR_TSC_AUX, 0x77));
	ck_assert(!guest_set(X86_MSR_TSC_AUX, 0x100000077ull));
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_TSC_AUX), 0x1003);
	x86_msr_load(v);
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_TSC_AUX), 0x77);
	ck_assert(guest_set(X86_MSR_TSC_AUX, 0x78));
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_TSC_AUX), 0x78);
	x86_msr_save(v);
	ck_assert_uint_eq(x86_rdmsr(X86_MSR_TSC_AUX), 0x1003);
	v->cpuid->amd = true;
	ck_assert(guest_set(X86_MSR_TSC_AUX, 0x100000079ull));
	ck_assert_uint_eq(guest_get(X86_MSR_TSC_AUX), 0x79);
	guest_feature(X86F_RDTSCP, false);
	guest_feature(X86F_RDPID, false);
	ck_assert(!guest_can_read(X86_MSR_TSC_AUX));
	ck_assert(host_set(X86_MSR_TSC_AUX, 1));

	/* Microcode: a guest's write has no effect, user space's has. */
	ck_assert_uint_eq(guest_get(X86_MSR_UCODE_REV), BIT_ULL(32));
	ck_assert(guest_set(X86_MSR_UCODE_REV, 0));
	ck_assert_uint_eq(guest_get(X86_MSR_UCODE_REV), BIT_ULL(32));
	ck_assert(host_set(X86_MSR_UCODE_REV, 0x1000065));
	ck_assert_uint_eq(guest_get(X86_MSR_UCODE_REV), 0x1000065);
	ck_assert(guest_set(X86_MSR_UCODE_WRITE, 0x1234));
	ck_assert(!guest_can_read(X86_MSR_UCODE_WRITE));

	/* MISC_ENABLE: two bits are fixed for the guest. */
	ck_assert_uint_eq(guest_get(X86_MSR_MISC_ENABLE), 0x1800);
	ck_assert(!guest_set(X86_MSR_MISC_ENABLE, BIT(18)));
	ck_assert(guest_set(X86_MSR_MISC_ENABLE, 0x1800 | BIT(18)));
	ck_assert_uint_eq(guest_get(X86_MSR_MISC_ENABLE), 0x1800 | BIT(18));
	ck_assert(host_set(X86_MSR_MISC_ENABLE, 1));
	ck_assert_uint_eq(guest_get(X86_MSR_MISC_ENABLE), 1);

	ck_assert_uint_eq(guest_get(X86_MSR_DEBUGCTL), 0);
	ck_assert(guest_set(X86_MSR_DEBUGCTL, 3));
	ck_assert_uint_eq(guest_get(X86_MSR_DEBUGCTL), 0);
	ck_assert(!guest_set(X86_MSR_DEBUGCTL, 4));

	ck_assert_uint_eq(guest_get(X86_MSR_HWCR), 0);
	ck_assert(guest_set(X86_MSR_HWCR, BIT(24) | BIT(3) | BIT(6) | BIT(18)));
	ck_assert_uint_eq(guest_get(X86_MSR_HWCR), BIT(24) | BIT(18));
	ck_assert(!guest_set(X86_MSR_HWCR, BIT(0)));

	ck_assert_uint_eq(guest_get(X86_MSR_AMD_DE_CFG), 0);
	ck_assert(guest_set(X86_MSR_AMD_DE_CFG, 2));
	ck_assert_uint_eq(guest_get(X86_MSR_AMD_DE_CFG), 2);
	ck_assert(host_set(X86_MSR_AMD_DE_CFG, 0));

	/* What the platform is: user space's to say, and to hide. */
	ck_assert_uint_eq(guest_get(X86_MSR_PLATFORM_INFO), 0);
	ck_assert(!guest_set(X86_MSR_PLATFORM_INFO, 0xff00));
	ck_assert(!host_set(X86_MSR_PLATFORM_INFO, BIT(31)));
	ck_assert(host_set(X86_MSR_PLATFORM_INFO, 0xff00));
	ck_assert_uint_eq(guest_get(X86_MSR_PLATFORM_INFO), 0xff00);
	vm->hide_platform_info = true;
	ck_assert(!guest_can_read(X86_MSR_PLATFORM_INFO));
	ck_assert_uint_eq(host_get(X86_MSR_PLATFORM_INFO), 0xff00);
	vm->hide_platform_info = false;
	ck_assert(!guest_set(X86_MSR_AMD_DE_CFG, BIT(9)));

	/* SVM is locked away; what reads 0 takes nothing else from anybody. */
	ck_assert_uint_eq(guest_get(X86_MSR_VM_CR), 0x18);
	ck_assert(!guest_set(X86_MSR_VM_CR, 0));
	ck_assert_uint_eq(guest_get(X86_MSR_SYSCFG), 0);
	ck_assert(!guest_set(X86_MSR_SYSCFG, 0x80000));
	ck_assert(host_set(X86_MSR_SYSCFG, 0));
	ck_assert(!host_set(X86_MSR_SYSCFG, 1));
	ck_assert(guest_set(0xc0010000, 0x530076));
	ck_assert_uint_eq(guest_get(0xc0010000), 0);

	/* Local APIC. */
	ck_assert(!guest_set(X86_MSR_APIC_BASE, 1));
	ck_assert(guest_set(X86_MSR_APIC_BASE, APIC_BASE_ADDR | BIT(8)));
	ck_assert(!(x86_cpuid_find(v, 1, 0)->edx & BIT(9)));
	ck_assert(guest_set(0x80b, 0));
	ck_assert(guest_set(X86_MSR_TSC_DEADLINE, 1234));
	ck_assert_uint_eq(host_get(X86_MSR_TSC_DEADLINE), 1234);

	ck_assert(guest_set(X86_MSR_EFER, X86_EFER_SCE));
	ck_assert(!guest_set(X86_MSR_EFER, X86_EFER_SVME));

	ck_assert(x86_msr_write_sleeps(KVMX_MSR_WALL_CLOCK_NEW));
	ck_assert(x86_msr_write_sleeps(KVMX_MSR_WALL_CLOCK));
	ck_assert(!x86_msr_write_sleeps(X86_MSR_TSC_DEADLINE));
	ck_assert(!x86_msr_write_sleeps(0x80b));
	ck_assert(!x86_msr_write_sleeps(0x12345678));
	end_vm();

	/* A CPU without TSC_AUX is not asked for it, whatever the guest's CPUID says. */
	start(HOST_OLD);
	host_cpuid(0x80000001, 0, 0, 0, 0, BIT(29));
	host_cpuid(7, 0, 0, 0, 0, 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
	nr_host_msrs = 0;
	guest_feature(X86F_RDTSCP, true);
	x86_msr_load(cpu[0]);
	x86_msr_save(cpu[0]);
	ck_assert(!guest_set(X86_MSR_TSC_AUX, 1));
	end_vm();
}
END_TEST

START_TEST(init_keeps_them)
{
	start(HOST_AMD);
	ck_assert(guest_set(X86_MSR_LSTAR, 0x1000));
	ck_assert(guest_set(X86_MSR_MTRR_DEFTYPE, 0xc06));
	ck_assert(guest_set(X86_MSR_PAT, 0));
	x86_msr_reset(cpu[0], true);
	ck_assert_uint_eq(guest_get(X86_MSR_LSTAR), 0x1000);
	ck_assert_uint_eq(guest_get(X86_MSR_MTRR_DEFTYPE), 0xc06);
	ck_assert_uint_eq(guest_get(X86_MSR_PAT), 0);
	x86_msr_reset(cpu[0], false);
	ck_assert_uint_eq(guest_get(X86_MSR_LSTAR), 0);
	ck_assert_uint_eq(guest_get(X86_MSR_MTRR_DEFTYPE), 0);
	ck_assert_uint_eq(guest_get(X86_MSR_PAT), 0x0007040600070406ull);
	end_vm();
}
END_TEST

/* --- machine check --- */

#define VAL	BIT_ULL(63)
#define OVER	BIT_ULL(62)
#define UC	BIT_ULL(61)
#define STATUS(bank)	(X86_MSR_MC0_CTL + 4 * (bank) + 1)

static int inject(u8 bank, u64 status, u64 addr)
{
	struct kvmx_x86_mce mce = { .bank = bank, .status = status, .addr = addr, .misc = 7,
				    .mcg_status = 5 };

	return x86_mce_inject(cpu[0], &mce);
}

START_TEST(mce_setup)
{
	start(HOST_AMD);
	ck_assert_uint_eq(guest_get(X86_MSR_MCG_CAP), 32);
	ck_assert(!guest_can_read(X86_MSR_MCG_CTL));
	ck_assert(host_set(X86_MSR_MCG_CTL, 0));
	ck_assert_int_eq(x86_mce_setup(cpu[0], 0), -EINVAL);
	ck_assert_int_eq(x86_mce_setup(cpu[0], 33), -EINVAL);
	ck_assert_int_eq(x86_mce_setup(cpu[0], 10 | BIT(10)), -EINVAL);
	ck_assert_uint_eq(guest_get(X86_MSR_MCG_CAP), 32);
	ck_assert_int_eq(x86_mce_setup(cpu[0], 10 | X86_MCG_CAP_SUPPORTED), 0);
	ck_assert_uint_eq(guest_get(X86_MSR_MCG_CTL), ~0ull);
	ck_assert_uint_eq(guest_get(X86_MSR_MC0_CTL + 36), ~0ull);
	ck_assert(!guest_can_read(X86_MSR_MC0_CTL + 40));
	ck_assert(!host_set(X86_MSR_MC0_CTL + 127, 0));
	ck_assert(guest_set(X86_MSR_MCG_CTL, 0));
	ck_assert(!guest_set(X86_MSR_MCG_CTL, 1));
	ck_assert(!guest_set(X86_MSR_MCG_CAP, 32));
	end_vm();
}
END_TEST

START_TEST(mce_records)
{
	start(HOST_AMD);
	ck_assert_int_eq(x86_mce_setup(cpu[0], 10 | X86_MCG_CAP_SUPPORTED), 0);
	ck_assert_int_eq(inject(10, VAL, 0), -EINVAL);
	ck_assert_int_eq(inject(0, UC, 0), -EINVAL);

	/* Corrected: a record, no exception; the second says that the first is lost. */
	ck_assert_int_eq(inject(3, VAL | 1, 0x1000), 0);
	ck_assert_uint_eq(guest_get(STATUS(3)), VAL | 1);
	ck_assert_uint_eq(guest_get(STATUS(3) + 1), 0x1000);
	ck_assert_uint_eq(guest_get(STATUS(3) + 2), 7);
	ck_assert_int_eq(inject(3, VAL | 2, 0x2000), 0);
	ck_assert_uint_eq(guest_get(STATUS(3)), VAL | OVER | 2);
	ck_assert_uint_eq(raised[X86_EXC_MC], 0);

	/* Uncorrected with CR4.MCE clear: shutdown. */
	ck_assert_int_eq(inject(4, VAL | UC, 0x3000), 0);
	ck_assert_uint_eq(triple_faults, 1);
	ck_assert_uint_eq(guest_get(STATUS(4)), 0);
	x86_state_dirty(cpu[0], X86_STATE_CRS)->cr4 |= X86_CR4_MCE;
	ck_assert_int_eq(inject(4, VAL | UC, 0x3000), 0);
	ck_assert_uint_eq(raised[X86_EXC_MC], 1);
	ck_assert_uint_eq(guest_get(X86_MSR_MCG_STATUS), 5);
	/* A corrected one does not displace it. */
	ck_assert_int_eq(inject(4, VAL | 9, 0x4000), 0);
	ck_assert_uint_eq(guest_get(STATUS(4)), VAL | UC | OVER);
	ck_assert_uint_eq(guest_get(STATUS(4) + 1), 0x3000);
	/* Another while the first is served: shutdown. */
	cpu[0]->mce.mcg_status = 4;
	ck_assert_int_eq(inject(5, VAL | UC, 0), 0);
	ck_assert_uint_eq(triple_faults, 2);
	cpu[0]->mce.mcg_status = 0;
	/* Switched off. */
	ck_assert(guest_set(X86_MSR_MC0_CTL + 4 * 6, 0));
	ck_assert_int_eq(inject(6, VAL | UC, 0), 0);
	ck_assert_uint_eq(guest_get(STATUS(6)), 0);
	ck_assert(guest_set(X86_MSR_MCG_CTL, 0));
	ck_assert_int_eq(inject(7, VAL | UC, 0), 0);
	ck_assert_uint_eq(raised[X86_EXC_MC], 1);

	/* The guest clears records; it writes others only on AMD, told by HWCR. */
	ck_assert(!guest_set(STATUS(4), VAL));
	ck_assert(guest_set(STATUS(4), 0));
	ck_assert(guest_set(X86_MSR_HWCR, BIT(18)));
	ck_assert(guest_set(STATUS(4), VAL));
	cpu[0]->cpuid->amd = false;
	ck_assert(!guest_set(STATUS(4), VAL));
	ck_assert(host_set(STATUS(4), VAL));
	end_vm();
}
END_TEST

static TCase *lists(void)
{
	TCase *tc = UNIT_CASE("lists", table_in_order, listed_without_apic_or_model, features,
			      unknown_refused);

	tcase_add_loop_test(tc, listed_can_be_put_back, HOST_AMD, HOST_OLD + 1);
	tcase_add_loop_test(tc, any_write, HOST_AMD, HOST_OLD + 1);
	return tc;
}

UNIT_MAIN("msr", lists(),
	  UNIT_CASE("values", canonical, memory_types, speculation, single_ones, init_keeps_them),
	  UNIT_CASE("machine check", mce_setup, mce_records))
