// SPDX-License-Identifier: GPL-2.0-only
/* What is offered to guests, a vCPU's CPUID table, the guest's CPUID instruction. */
/* links: src/x86/cpuid.c src/x86/cpuid_host.c src/x86/fpu.c */
#include "x86_world.h"

static struct kvmx_cpuid_entry2 offered[X86_CPUID_ENTRIES];
static u32 nr_offered;

static const struct kvmx_cpuid_entry2 *offer(u32 fn, u32 index)
{
	u32 i;

	for (i = 0; i < nr_offered; i++)
		if (offered[i].function == fn && offered[i].index == index)
			return &offered[i];
	return NULL;
}

static void ask(enum host_kind kind)
{
	build_host(kind);
	ck_assert_int_eq(x86_cpuid_supported(offered, &nr_offered, X86_CPUID_ENTRIES), 0);
}

/* A guest's instruction. */
static struct x86_cpuid_regs guest(struct x86_vcpu *v, u32 fn, u32 index)
{
	struct x86_cpuid_regs r = { .eax = fn, .ebx = ALL, .ecx = index, .edx = ALL };

	x86_cpuid(v, &r.eax, &r.ebx, &r.ecx, &r.edx);
	return r;
}

static struct kvmx_cpuid_entry2 entry(u32 fn, u32 index, u32 flags, u32 eax, u32 ebx, u32 ecx,
				      u32 edx)
{
	return (struct kvmx_cpuid_entry2){ .function = fn, .index = index, .flags = flags,
					   .eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx };
}

#define INDEXED	KVMX_CPUID_FLAG_SIGNIFCANT_INDEX

/* --- what is offered --- */

/* A processor that has everything: what must not pass does not. */
START_TEST(nothing_that_we_lack)
{
	static const struct { u32 fn, index; u8 reg; u32 bits; const char *what; } never[] = {
		{ 1, 0, 2, BIT(2), "DTES64" }, { 1, 0, 2, BIT(3), "MONITOR" },
		{ 1, 0, 2, BIT(5), "VMX" }, { 1, 0, 2, BIT(6), "SMX" },
		{ 1, 0, 2, BIT(15), "PDCM" }, { 1, 0, 2, BIT(24), "TSC deadline" },
		{ 1, 0, 2, BIT(27), "OSXSAVE" },
		{ 1, 0, 3, BIT(18) | BIT(21) | BIT(22) | BIT(28) | BIT(29) | BIT(31), "PSN..PBE" },
		{ 7, 0, 1, BIT(2) | BIT(4) | BIT(11) | BIT(12) | BIT(14) | BIT(15) | BIT(25),
		  "SGX TSX RDT MPX PT" },
		{ 7, 0, 2, BIT(3) | BIT(4) | BIT(5) | BIT(7) | BIT(13) | BIT(17) | BIT(23) |
			   BIT(24) | BIT(29) | BIT(30) | BIT(31), "PKU CET WAITPKG TME KL ENQCMD" },
		{ 7, 0, 3, BIT(5) | BIT(15) | BIT(18) | BIT(19) | BIT(20) | BIT(22) | BIT(24) |
			   BIT(25) | BIT(30), "UINTR PCONFIG LBR CET-IBT AMX" },
		{ 7, 1, 0, BIT(17) | BIT(21) | BIT(22) | BIT(26) | BIT(27), "FRED AMX LAM" },
		{ 7, 1, 3, BIT(8) | BIT(18) | BIT(19) | BIT(21), "AMX CET_SSS AVX10 APX" },
		{ 6, 0, 0, ~4u, "power management" },
		{ 0xd, 1, 0, ~7u, "XSAVES and later" },
		{ 0x80000001, 0, 2, BIT(2) | BIT(3) | BIT(9) | BIT(10) | BIT(12) | BIT(15) |
				    BIT(23) | BIT(24) | BIT(28), "SVM EXTAPIC OSVW IBS LWP perf" },
		{ 0x80000007, 0, 3, ~0x100u, "power management" },
		{ 0x80000008, 0, 1, BIT(1) | BIT(3) | BIT(4) | BIT(8) | BIT(13) | BIT(20) | BIT(25),
		  "IRPERF INVLPGB RDPRU MCOMMIT EFER_LMSLE VIRT_SSBD" },
	};
	const u32 empty[] = { 3, 5, 8, 9, 0xa, 0xc, 0xe, 0xf, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
			      0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e };
	unsigned int i;

	ask(HOST_INTEL);
	for (i = 0; i < ARRAY_SIZE(never); i++) {
		const struct kvmx_cpuid_entry2 *e = offer(never[i].fn, never[i].index);
		const u32 reg[] = { e->eax, e->ebx, e->ecx, e->edx };

		ck_assert_msg(!(reg[never[i].reg] & never[i].bits), "%s: %#x", never[i].what,
			      reg[never[i].reg] & never[i].bits);
	}
	for (i = 0; i < ARRAY_SIZE(empty); i++) {
		const struct kvmx_cpuid_entry2 *e = offer(empty[i], 0);

		ck_assert_msg(e && !(e->eax | e->ebx | e->ecx | e->edx), "leaf %#x", empty[i]);
	}
	ask(HOST_AMD);
	for (i = 0x80000009; i <= 0x80000018; i++) {
		const struct kvmx_cpuid_entry2 *e = offer(i, 0);

		ck_assert_msg(e && !(e->eax | e->ebx | e->ecx | e->edx), "leaf %#x", i);
	}
	ck_assert_uint_eq(offer(0x8000001f, 0)->eax, 0);
	ck_assert_ptr_null(offer(0x80000022, 0));
	ck_assert_uint_eq(offer(0x80000000, 0)->eax, 0x80000021);
}
END_TEST

/* A processor that has nothing beyond the basics: only what we make ourselves is added. */
START_TEST(nothing_that_the_cpu_lacks)
{
	unsigned int i, bit, extra = 0;
	static const enum x86_feature made[] = {
		X86F_MCE, X86F_APIC, X86F_MTRR, X86F_MCA, X86F_X2APIC, X86F_HYPERVISOR,
		X86F_TSC_ADJUST, X86F_ARAT, X86F_KVM_CLOCKSOURCE, X86F_KVM_NOP_IO_DELAY,
		X86F_KVM_CLOCKSOURCE2, X86F_KVM_STEAL_TIME, X86F_KVM_PV_EOI, X86F_KVM_PV_UNHALT,
		X86F_KVM_PV_TLB_FLUSH, X86F_KVM_PV_SEND_IPI, X86F_KVM_POLL_CONTROL,
		X86F_KVM_PV_SCHED_YIELD, X86F_KVM_CLOCK_STABLE, X86F_LM, X86F_PAT, X86F_FXSR,
	};

	build_host(HOST_AMD);
	host_cpuid(1, 0, 0, 0, 0, BIT(16) | BIT(24));
	host_cpuid(7, 0, 2, 0, 0, 0);
	host_cpuid(7, 1, 0, 0, 0, 0);
	host_cpuid(7, 2, 0, 0, 0, 0);
	host_cpuid(0xd, 1, 0, 0, 0, 0);
	host_cpuid(0x80000001, 0, 0, 0, 0, BIT(29));
	host_cpuid(0x80000007, 0, 0, 0, 0, 0);
	host_cpuid(0x80000008, 0, 0x3028, 0, 0, 0);
	host_cpuid(0x80000021, 0, 0, 0, 0, 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
	for (i = 0; i < X86_FEATURE_WORDS; i++) {
		for (bit = 0; bit < 32; bit++) {
			unsigned int j;

			if (!(x86_supported[i] & BIT(bit)))
				continue;
			for (j = 0; j < ARRAY_SIZE(made) && made[j] != i * 32 + bit; j++)
				;
			ck_assert_msg(j < ARRAY_SIZE(made), "word %u bit %u", i, bit);
			extra++;
		}
	}
	ck_assert_uint_eq(extra, ARRAY_SIZE(made));
	ck_assert_uint_eq(x86_cr4_supported & (X86_CR4_SMEP | X86_CR4_OSXSAVE | X86_CR4_PCIDE), 0);
	ck_assert_uint_eq(x86_host_maxphyaddr, 40);

	/* Without long mode there is no guest. */
	host_cpuid(0x80000001, 0, 0, 0, 0, 0);
	ck_assert_int_eq(x86_cpuid_init(), -ENODEV);
}
END_TEST

START_TEST(offered_amd)
{
	const struct kvmx_cpuid_entry2 *e;

	ask(HOST_AMD);
	ck_assert(x86_host_amd);
	e = offer(0, 0);
	ck_assert_uint_eq(e->eax, 0x10);
	ck_assert_uint_eq(e->ebx, 0x68747541);
	e = offer(1, 0);
	ck_assert_uint_eq(e->eax, 0x00a20f10);
	ck_assert_uint_eq(e->ebx, 0x00100800);
	ck_assert(e->ecx & BIT(21));
	ck_assert(e->ecx & BIT(31));
	ck_assert_uint_eq(offer(6, 0)->eax, 4);
	e = offer(KVMX_CPUID_SIGNATURE, 0);
	ck_assert_uint_eq(e->eax, KVMX_CPUID_FEATURES);
	ck_assert_int_eq(memcmp(&e->ebx, "KVMKVMKVM\0\0\0", 12), 0);
	ck_assert_uint_eq(offer(KVMX_CPUID_FEATURES, 0)->eax, BIT(0) | BIT(1) | BIT(3) |
			  BIT(5) | BIT(6) | BIT(7) | BIT(9) | BIT(11) | BIT(12) | BIT(13) | BIT(24));
	ck_assert_uint_eq(offer(0x80000002, 0)->ebx, 0x22220002);
	ck_assert_uint_eq(offer(0x80000007, 0)->edx, BIT(8));
	ck_assert_uint_eq(offer(0x80000008, 0)->eax, 0x3030);
	ck_assert_uint_eq(offer(0x8000001d, 0)->eax, 0x121);
	ck_assert_uint_eq(offer(0x8000001d, 1)->eax, 0);
	ck_assert_uint_eq(offer(0x8000001e, 0)->eax, 0);
	ck_assert(x86_efer_supported & X86_EFER_AUTOIBRS);
	ck_assert(!(x86_efer_supported & X86_EFER_SVME));
	ck_assert(!(x86_cr4_supported & (X86_CR4_PKE | X86_CR4_VMXE | X86_CR4_SMXE | X86_CR4_CET)));
}
END_TEST

/* XCR0 stops at AVX-512 though the CPU's goes on, and the sizes follow. */
START_TEST(offered_xsave)
{
	const struct kvmx_cpuid_entry2 *e;

	ask(HOST_INTEL);
	e = offer(0xd, 0);
	ck_assert_uint_eq(e->eax, 0xe7);
	ck_assert_uint_eq(e->edx, 0);
	ck_assert_uint_eq(e->ebx, 2688);
	ck_assert_uint_eq(e->ecx, 2688);
	e = offer(0xd, 1);
	ck_assert_uint_eq(e->eax, 7);
	ck_assert_uint_eq(e->ebx, 576 + 256 + 64 + 512 + 1024);
	ck_assert_uint_eq(e->ecx, 0);
	ck_assert_uint_eq(offer(0xd, 2)->ebx, 576);
	ck_assert_uint_eq(offer(0xd, 7)->eax, 1024);
	ck_assert_ptr_null(offer(0xd, 9));
	ck_assert(offer(0xd, 2)->flags & INDEXED);

	/* The kernel uses AVX only. */
	cpu_xcr0 = 7;
	ck_assert_int_eq(x86_fpu_init(), 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
	ck_assert(!(x86_supported[X86W_7_EBX] & BIT(16)));
	ck_assert(x86_supports(X86F_AVX2));
	/* SSE only. */
	cpu_xcr0 = 3;
	ck_assert_int_eq(x86_fpu_init(), 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
	ck_assert(!x86_supports(X86F_AVX) && !x86_supports(X86F_FMA) && !x86_supports(X86F_VAES));
	ck_assert(x86_supports(X86F_XSAVE));

	ask(HOST_OLD);
	ck_assert(!x86_supports(X86F_XSAVE) && !x86_supports(X86F_AVX));
	ck_assert(!(x86_cr4_supported & X86_CR4_OSXSAVE));
	ck_assert_uint_eq(x86_xcr0_supported, 0);
}
END_TEST

START_TEST(offered_room)
{
	struct kvmx_cpuid_entry2 few[5];
	u32 nr, room;

	ask(HOST_INTEL);
	ck_assert_uint_gt(nr_offered, 60);
	ck_assert_uint_lt(nr_offered, 120);
	for (room = 0; room <= 5; room++) {
		memset(few, 0x5a, sizeof(few));
		ck_assert_int_eq(x86_cpuid_supported(few, &nr, room), -E2BIG);
		ck_assert_uint_eq(nr, nr_offered);
		ck_assert_int_eq(memcmp(few, offered, room * sizeof(few[0])), 0);
	}
	ck_assert_int_eq(x86_cpuid_supported(offered, &nr, nr_offered), 0);
	unit_figure("entries offered by a CPU with everything", nr);
}
END_TEST

/* Addresses that stage 2 cannot map are not offered. */
START_TEST(offered_address_width)
{
	build_host(HOST_AMD);
	host_cpuid(0x80000008, 0, 0x3934, 0, 0, 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
	ck_assert_uint_eq(x86_host_maxphyaddr, 48);
	host_cpuid(0x80000008, 0, 0x30ff, 0, 0, 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
	ck_assert_uint_eq(x86_host_maxphyaddr, 48);
	host_cpuid(0x80000000, 0, 0x80000004, 0, 0, 0);
	ck_assert_int_eq(x86_cpuid_init(), 0);
	ck_assert_uint_eq(x86_host_maxphyaddr, 36);
}
END_TEST

/* --- a vCPU's table --- */

START_TEST(set_refused)
{
	struct kvmx_cpuid_entry2 *e = calloc(300, sizeof(*e));
	struct x86_cpuid *before;
	struct x86_vcpu *v;
	u32 i;

	build_host(HOST_AMD);
	build_vm(1);
	v = cpu[0];
	offer_all(v, offered);
	before = v->cpuid;
	for (i = 0; i < 300; i++)
		e[i].function = i;
	ck_assert_int_eq(x86_cpuid_set(v, e, 257), -E2BIG);
	e[0] = entry(0x80000008, 0, 0, 0x3130, 0, 0, 0);
	ck_assert_int_eq(x86_cpuid_set(v, e, 1), -EINVAL);
	e[0].eax = 0x3930;
	shim_fail_alloc_after(0);
	ck_assert_int_eq(x86_cpuid_set(v, e, 1), -ENOMEM);
	shim_fail_alloc_after(-1);
	ck_assert_ptr_eq(v->cpuid, before);
	ck_assert_int_eq(x86_cpuid_set(v, e, 1), 0);
	ck_assert_int_eq(x86_cpuid_set(v, e, 256), 0);
	ck_assert_uint_eq(v->cpuid->nr, 256);
	ck_assert_int_eq(x86_cpuid_set(v, e, 0), 0);
	ck_assert_uint_eq(v->cpuid->nr, 0);
	free(e);
	end_vm();
}
END_TEST

/* Against the plain reading of the API: the first entry in order that fits. */
/* Once guest code has run the model stays, but for the bits that follow its state. */
START_TEST(set_after_run)
{
	struct kvmx_cpuid_entry2 e[2] = {
		{ .function = 1, .ecx = BIT(26), .edx = BIT(9) },
		{ .function = 0xd, .flags = KVMX_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 3 },
	};
	struct x86_vcpu *v;

	build_host(HOST_AMD);
	build_vm(1);
	v = cpu[0];
	ck_assert_int_eq(x86_cpuid_set(v, e, 2), 0);
	v->ran = true;
	ck_assert_int_eq(x86_cpuid_set(v, e, 2), 0);
	x86_state_dirty(v, X86_STATE_CRS)->cr4 |= X86_CR4_OSXSAVE;
	x86_cpuid_update(v);
	ck_assert_int_eq(x86_cpuid_set(v, e, 2), 0);
	ck_assert(x86_cpuid_find(v, 1, 0)->ecx & BIT(27));
	ck_assert_int_eq(x86_cpuid_set(v, e, 1), -EINVAL);
	e[0].ebx = 1;
	ck_assert_int_eq(x86_cpuid_set(v, e, 2), -EINVAL);
	ck_assert_uint_eq(x86_cpuid_find(v, 1, 0)->ebx, 0);
	end_vm();
}
END_TEST

START_TEST(search)
{
	static const u32 leaves[] = { 0, 1, 4, 7, 0xb, 0xd, 0x1f, 0x3f, 0x40, 0x41, 0x40000000,
				      0x40000001, 0x80000000, 0x80000001, 0x8000001d, 0xc0000000,
				      0x80000041, ALL };
	struct kvmx_cpuid_entry2 e[X86_CPUID_ENTRIES];
	unsigned int round, i, found = 0;
	struct x86_vcpu *v;

	build_host(HOST_AMD);
	build_vm(1);
	v = cpu[0];
	for (round = 0; round < 200; round++) {
		u32 nr = unit_random_below(X86_CPUID_ENTRIES + 1);

		for (i = 0; i < nr; i++)
			e[i] = entry(leaves[unit_random_below(ARRAY_SIZE(leaves))],
				     unit_random_below(4), unit_random_below(2),
				     unit_random(), i, 0, 0);
		for (i = 0; i < nr; i++)
			if (e[i].function == 0x80000008)
				e[i].eax = 0;
		ck_assert_int_eq(x86_cpuid_set(v, e, nr), 0);
		for (i = 0; i < 300; i++) {
			u32 fn = leaves[unit_random_below(ARRAY_SIZE(leaves))];
			u32 index = unit_random_below(5), j;
			const struct kvmx_cpuid_entry2 *got = x86_cpuid_find(v, fn, index);

			for (j = 0; j < nr; j++)
				if (e[j].function == fn &&
				    (!(e[j].flags & INDEXED) || e[j].index == index))
					break;
			if (j == nr) {
				ck_assert_ptr_null(got);
			} else {
				ck_assert_ptr_eq(got, &v->cpuid->entry[j]);
				found++;
			}
		}
		shim_rcu_run();
	}
	ck_assert_uint_gt(found, 10000);
	end_vm();
}
END_TEST

/* Intel SDM, "CPUID": beyond the last leaf of a range comes the last basic one; AMD says 0. */
START_TEST(beyond_the_last_leaf)
{
	struct kvmx_cpuid_entry2 e[] = {
		entry(0, 0, 0, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69),
		entry(1, 0, 0, 11, 12, 13, 14),
		entry(0xd, 0, INDEXED, 21, 22, 23, 24),
		entry(0xd, 1, INDEXED, 31, 32, 33, 34),
		entry(0x40000000, 0, 0, 0x40000001, 1, 2, 3),
		entry(0x40000001, 0, 0, 41, 42, 43, 44),
		entry(0x80000000, 0, 0, 0x80000008, 1, 2, 3),
		entry(0x80000001, 0, 0, 51, 52, 53, 54),
	};
	struct x86_vcpu *v;

	build_host(HOST_INTEL);
	build_vm(1);
	v = cpu[0];
	ck_assert_int_eq(x86_cpuid_set(v, e, ARRAY_SIZE(e)), 0);
	ck_assert(!x86_guest_amd(v));
	ck_assert_uint_eq(guest(v, 1, 7).eax, 11);
	ck_assert_uint_eq(guest(v, 2, 0).eax, 0);		/* inside, absent */
	ck_assert_uint_eq(guest(v, 2, 0).edx, 0);
	ck_assert_uint_eq(guest(v, 0xe, 0).eax, 21);
	ck_assert_uint_eq(guest(v, 0xe, 1).eax, 31);		/* with the subleaf asked for */
	ck_assert_uint_eq(guest(v, 0xe, 2).eax, 0);
	ck_assert_uint_eq(guest(v, 0x40000001, 0).eax, 41);
	ck_assert_uint_eq(guest(v, 0x40000002, 0).eax, 21);
	ck_assert_uint_eq(guest(v, 0x40000100, 0).eax, 21);	/* no such hypervisor */
	ck_assert_uint_eq(guest(v, 0x80000007, 0).eax, 0);
	ck_assert_uint_eq(guest(v, 0x80000009, 0).edx, 24);
	ck_assert_uint_eq(guest(v, 0xc0000000, 1).eax, 31);
	ck_assert_uint_eq(guest(v, ALL, 0).eax, 21);

	e[0] = entry(0, 0, 0, 0xd, 0x68747541, 0x444d4163, 0x69746e65);
	ck_assert_int_eq(x86_cpuid_set(v, e, ARRAY_SIZE(e)), 0);
	ck_assert(x86_guest_amd(v));
	ck_assert_uint_eq(guest(v, 0xe, 0).eax, 0);
	ck_assert_uint_eq(guest(v, 0x40000002, 0).eax, 0);
	ck_assert_uint_eq(guest(v, 0x80000009, 0).ebx, 0);
	e[0] = entry(0, 0, 0, 0xd, 0x6f677948, 0x656e6975, 0x6e65476e);
	ck_assert_int_eq(x86_cpuid_set(v, e, ARRAY_SIZE(e)), 0);
	ck_assert(x86_guest_amd(v));

	/* No table: zeros, and no crash. */
	ck_assert_int_eq(x86_cpuid_set(v, e, 0), 0);
	ck_assert_uint_eq(guest(v, 0, 0).eax, 0);
	ck_assert_uint_eq(guest(v, 0x80000000, 0).ebx, 0);
	end_vm();
}
END_TEST

START_TEST(topology_levels)
{
	struct kvmx_cpuid_entry2 e[] = {
		entry(0, 0, 0, 0xb, 0x756e6547, 0x6c65746e, 0x49656e69),
		entry(0xb, 0, INDEXED, 1, 2, 0x100, 77),
		entry(0xb, 1, INDEXED, 4, 16, 0x201, 77),
	};
	struct x86_cpuid_regs r;

	build_host(HOST_INTEL);
	build_vm(1);
	ck_assert_int_eq(x86_cpuid_set(cpu[0], e, ARRAY_SIZE(e)), 0);
	r = guest(cpu[0], 0xb, 1);
	ck_assert_uint_eq(r.ecx, 0x201);
	r = guest(cpu[0], 0xb, 0x1205);
	ck_assert_uint_eq(r.eax | r.ebx, 0);
	ck_assert_uint_eq(r.ecx, 5);
	ck_assert_uint_eq(r.edx, 77);
	end_vm();
}
END_TEST

/* Bits that follow the vCPU's state, and only when the guest has the feature. */
START_TEST(dynamic_bits)
{
	struct x86_vcpu *v;
	u32 nr, i;

	build_host(HOST_INTEL);
	build_vm(1);
	v = cpu[0];
	nr = offer_all(v, offered);

	ck_assert(!(guest(v, 1, 0).ecx & BIT(27)));
	x86_state_dirty(v, X86_STATE_CRS)->cr4 |= X86_CR4_OSXSAVE;
	x86_cpuid_update(v);
	ck_assert(guest(v, 1, 0).ecx & BIT(27));
	v->state.cr4 &= ~X86_CR4_OSXSAVE;
	x86_cpuid_update(v);
	ck_assert(!(guest(v, 1, 0).ecx & BIT(27)));

	ck_assert(guest(v, 1, 0).edx & BIT(9));
	v->apic_base &= ~(u64)APIC_BASE_EN;
	x86_cpuid_update(v);
	ck_assert(!(guest(v, 1, 0).edx & BIT(9)));
	ck_assert(x86_cpuid_has(v, X86F_APIC));
	v->apic_base |= APIC_BASE_EN;
	x86_cpuid_update(v);
	ck_assert(guest(v, 1, 0).edx & BIT(9));

	ck_assert_uint_eq(guest(v, 0xd, 0).ebx, 576);
	v->fpu.xcr0 = 7;
	x86_cpuid_update(v);
	ck_assert_uint_eq(guest(v, 0xd, 0).ebx, 832);
	ck_assert_uint_eq(guest(v, 0xd, 0).ecx, 2688);
	ck_assert_uint_eq(guest(v, 0xd, 1).ebx, 832);
	v->fpu.xcr0 = 0xe7;
	x86_cpuid_update(v);
	ck_assert_uint_eq(guest(v, 0xd, 0).ebx, 2688);

	/* MONITOR follows IA32_MISC_ENABLE only when KVM's habit is switched off. */
	for (i = 0; i < nr; i++)
		if (offered[i].function == 1)
			offered[i].ecx |= BIT(3);
	ck_assert_int_eq(x86_cpuid_set(v, offered, nr), 0);
	ck_assert(guest(v, 1, 0).ecx & BIT(3));
	vm->disabled_quirks = KVMX_X86_QUIRK_MISC_ENABLE_NO_MWAIT;
	x86_cpuid_update(v);
	ck_assert(!(guest(v, 1, 0).ecx & BIT(3)));
	v->misc_enable = BIT(18);
	x86_cpuid_update(v);
	ck_assert(guest(v, 1, 0).ecx & BIT(3));

	/* A guest without XSAVE has no OSXSAVE, one without APIC no APIC. */
	for (i = 0; i < nr; i++)
		if (offered[i].function == 1) {
			offered[i].ecx &= ~BIT(26);
			offered[i].edx &= ~BIT(9);
		}
	ck_assert_int_eq(x86_cpuid_set(v, offered, nr), 0);
	v->state.cr4 |= X86_CR4_OSXSAVE;
	x86_cpuid_update(v);
	ck_assert(!(guest(v, 1, 0).ecx & BIT(27)));
	ck_assert(!(guest(v, 1, 0).edx & BIT(9)));
	end_vm();
}
END_TEST

/* What the rest of the vCPU takes from the table. */
START_TEST(derived)
{
	struct kvmx_cpuid_entry2 e[] = {
		entry(0, 0, 0, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69),
		entry(1, 0, 0, 0, 0, BIT(26), 0),
		entry(7, 0, INDEXED, 0, BIT(7), BIT(3), 0),	/* SMEP, PKU (not ours to give) */
		entry(0xd, 0, INDEXED, 0x2ff, 0, 0, 0),
		entry(0x80000000, 0, 0, 0x80000008, 0, 0, 0),
		entry(0x80000001, 0, 0, 0, 0, BIT(2), BIT(20) | BIT(29)),	/* SVM, NX, LM */
		entry(0x80000008, 0, 0, 0x3928, 0, 0, 0),
	};
	struct x86_vcpu *v;

	build_host(HOST_INTEL);
	build_vm(1);
	v = cpu[0];
	/* No model yet: the plainest one. */
	ck_assert_uint_eq(v->cr4_guest_bits, 0x7ff & ~(X86_CR4_PKE | X86_CR4_SMEP));
	ck_assert_uint_eq(v->efer_bits, X86_EFER_SCE);
	ck_assert_uint_eq(v->xcr0_allowed, 0);
	ck_assert_uint_eq(v->maxphyaddr, 36);
	ck_assert_uint_eq(v->rip_canonical_bits, 48);

	ck_assert_int_eq(x86_cpuid_set(v, e, ARRAY_SIZE(e)), 0);
	ck_assert(v->cr4_guest_bits & X86_CR4_SMEP);
	ck_assert(v->cr4_guest_bits & X86_CR4_OSXSAVE);
	ck_assert(!(v->cr4_guest_bits & (X86_CR4_PKE | X86_CR4_SMAP | X86_CR4_LA57)));
	ck_assert_uint_eq(v->efer_bits, X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NX);
	ck_assert_uint_eq(v->xcr0_allowed, 0xe7);
	ck_assert_uint_eq(v->maxphyaddr, 40);
	ck_assert_uint_eq(v->rip_canonical_bits, 48);

	e[1].ecx = 0;
	e[2].ecx = BIT(16);
	e[6].eax = 0xff;
	ck_assert_int_eq(x86_cpuid_set(v, e, ARRAY_SIZE(e)), 0);
	ck_assert_uint_eq(v->xcr0_allowed, 0);
	ck_assert_uint_eq(v->maxphyaddr, 52);
	ck_assert_uint_eq(v->rip_canonical_bits, 57);
	e[4].eax = 0x80000004;
	ck_assert_int_eq(x86_cpuid_set(v, e, ARRAY_SIZE(e)), 0);
	ck_assert_uint_eq(v->maxphyaddr, 36);
	end_vm();
}
END_TEST

UNIT_MAIN("cpuid",
	  UNIT_CASE("offered", nothing_that_we_lack, nothing_that_the_cpu_lacks, offered_amd,
		    offered_xsave, offered_room, offered_address_width),
	  UNIT_CASE("table", set_refused, set_after_run, search, beyond_the_last_leaf, topology_levels,
		    dynamic_bits, derived))
