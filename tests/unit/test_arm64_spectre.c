// SPDX-License-Identifier: GPL-2.0-only
/* arm64: what an exit does about the branch predictors, by CPU and firmware; firmware registers. */
/* links: src/arm64/spectre.c src/arm64/firmware.c */
#include "arm64/firmware.h"
#include "arm64/spectre.h"
#include "unit.h"

#define A53	0x410fd034ULL
#define A57	0x411fd070ULL
#define A72	0x410fd083ULL
#define A73	0x410fd090ULL
#define A76	0x413fd0b1ULL
#define N1	0x413fd0c1ULL
#define V2	0x410fd4f0ULL
#define A720	0x410fd811ULL
#define UNKNOWN	0x510f1234ULL
#define CSV2(n)	((u64)(n) << 56)

enum { NONE, CALL, SAFE };	/* levels */

static struct spectre_choice choose(u64 midr, u64 pfr0, s32 workaround_1, s32 workaround_3)
{
	struct spectre_cpu cpu = {
		.midr = midr, .pfr0 = pfr0, .v2 = true, .bhb = true,
		.workaround_1 = workaround_1, .workaround_3 = workaround_3,
	};

	return spectre_choose(&cpu);
}

#define EXPECT(choice, how, of_v2, of_bhb) \
	do { \
		struct spectre_choice c = choice; \
		ck_assert_uint_eq(c.harden, how); \
		ck_assert_uint_eq(c.v2, of_v2); \
		ck_assert_uint_eq(c.bhb, of_bhb); \
	} while (0)
#define LOOPS(n)	(HARDEN_LOOP | (n) << HARDEN_KIND_BITS)

START_TEST(firmware)
{
	EXPECT(choose(A57, 0, 0, 0), HARDEN_WORKAROUND_3, CALL, CALL);
	EXPECT(choose(A57, 0, 0, -1), HARDEN_WORKAROUND_1, CALL, CALL);
	EXPECT(choose(A72, 0, 0, -1), HARDEN_WORKAROUND_1, CALL, CALL);
	/* None: no number of branches helps the one, the other has a history to fill. */
	EXPECT(choose(A73, 0, -1, -1), HARDEN_NONE, NONE, NONE);
	EXPECT(choose(A57, 0, -1, -1), LOOPS(8), NONE, CALL);
	EXPECT(choose(A72, 0, -1, -1), LOOPS(8), NONE, CALL);
	/* The firmware knows better about this CPU. */
	EXPECT(choose(UNKNOWN, 0, 1, 1), HARDEN_NONE, SAFE, SAFE);
	EXPECT(choose(UNKNOWN, 0, 1, 0), HARDEN_WORKAROUND_3, SAFE, CALL);
}
END_TEST

START_TEST(history)
{
	struct spectre_cpu cpu = { .midr = A76, .pfr0 = CSV2(1), .bhb = true, .v2 = true,
				   .isar2 = 1ULL << 28, .workaround_1 = -1, .workaround_3 = -1 };

	EXPECT(choose(A76, CSV2(1), -1, -1), LOOPS(24), SAFE, CALL);
	EXPECT(choose(N1, CSV2(1), 1, 1), LOOPS(24), SAFE, CALL);
	EXPECT(choose(A720, CSV2(2), -1, -1), LOOPS(38), SAFE, CALL);
	EXPECT(choose(V2, CSV2(2), -1, -1), LOOPS(132), SAFE, CALL);
	EXPECT(choose(UNKNOWN, CSV2(2), -1, -1), HARDEN_NONE, SAFE, NONE);
	EXPECT(choose(A76, CSV2(3), -1, -1), HARDEN_NONE, SAFE, SAFE);
	EXPECT(choose(A53, CSV2(1), -1, -1), HARDEN_NONE, SAFE, SAFE);
	EXPECT(spectre_choose(&cpu), HARDEN_CLRBHB, SAFE, CALL);
}
END_TEST

/* The kernel says that nobody is affected, or was told not to care. */
START_TEST(kernel)
{
	struct spectre_cpu cpu = { .midr = A72 };

	EXPECT(spectre_choose(&cpu), HARDEN_NONE, SAFE, SAFE);
	cpu.v2 = cpu.bhb = cpu.off = true;
	EXPECT(spectre_choose(&cpu), HARDEN_NONE, NONE, NONE);
}
END_TEST

START_TEST(registers)
{
	static struct arm64_vm vm = { .psci_version = PSCI_1_1, .workaround = { 1, 3, 2 } };
	const u64 w1 = KVMX_REG_ARM_SMCCC_ARCH_WORKAROUND_1, w2 = w1 + 1, w3 = w1 + 2;
	u64 val;

	ck_assert(!firmware_get_reg(&vm, w3 + 1, &val));
	ck_assert(firmware_get_reg(&vm, w1, &val));
	ck_assert_uint_eq(val, 1);
	ck_assert_int_eq(firmware_set_reg(&vm, w1, 2), -EINVAL);
	ck_assert_int_eq(firmware_set_reg(&vm, w1, 1ULL << 32), -EINVAL);
	ck_assert_int_eq(firmware_set_reg(&vm, w1, 0), 0);
	ck_assert_int_eq(firmware_set_reg(&vm, w1, 1), -EINVAL);
	ck_assert_int_eq(firmware_set_reg(&vm, w2, 2), -EINVAL);
	ck_assert_int_eq(firmware_set_reg(&vm, w2, 3 | 16), -EINVAL);
	ck_assert_int_eq(firmware_set_reg(&vm, w2, 3), 0);
	ck_assert_int_eq(firmware_set_reg(&vm, w3, 1), 0);
	ck_assert_uint_eq(vm.workaround[2], 1);
	ck_assert_int_eq(firmware_set_reg(&vm, KVMX_REG_ARM_PSCI_VERSION, 0x10002), -EINVAL);
	ck_assert_int_eq(firmware_set_reg(&vm, KVMX_REG_ARM_PSCI_VERSION, PSCI_0_2), 0);
	ck_assert_int_eq(firmware_set_reg(&vm, KVMX_REG_ARM_STD_HYP_BMAP, 1), -EINVAL);
	ck_assert_int_eq(firmware_set_reg(&vm, KVMX_REG_ARM_STD_HYP_BMAP, 0), 0);
}
END_TEST

UNIT_MAIN("arm64_spectre", UNIT_CASE("spectre", firmware, history, kernel, registers))
