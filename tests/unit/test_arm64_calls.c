// SPDX-License-Identifier: GPL-2.0-only
/* arm64: device accesses by the syndrome, calls of PSCI, identification registers. */
/* links: src/arm64/mmio.c src/arm64/decode.c src/arm64/psci.c src/arm64/idregs.c */
#include <linux/slab.h>

#include "arm64/arm64.h"
#include "arm64/firmware.h"
#include "unit.h"

#define DEVICE		0x9000000

static struct arm64_vm *vm;
static struct arm64_vcpu *v[2];
static struct kvmx_run run;
static u64 *x;				/* of vCPU 0 */
static unsigned int resets, wakes, aborts;
static bool on_bus;
static u64 bus_value;

/* ---- what the sources call elsewhere ---- */

void arm64_vcpu_reset(struct arm64_vcpu *vcpu)
{
	memset(&vcpu->core, 0, sizeof(vcpu->core));
	resets++;
}

void arm64_inject_abort(struct arm64_vcpu *vcpu, bool insn, u64 far)
{
	aborts++;
}

void kvmx_vm_request_all(struct kvmx_vm *kvm, int req, bool wait)
{
	u32 i;

	for (i = 0; i < kvmx_vm_nr_vcpus(kvm); i++)
		kvmx_vcpu_request(kvm->vcpus[i], req);
}

void kvmx_vcpu_wake(struct kvmx_vcpu *vcpu)
{
	wakes++;
}

int kvmx_bus_read(struct kvmx_vcpu *vcpu, enum kvmx_bus_id bus, u64 addr, int len, void *val)
{
	if (on_bus)
		memcpy(val, &bus_value, len);
	return on_bus ? 0 : -EOPNOTSUPP;
}

int kvmx_bus_write(struct kvmx_vcpu *vcpu, enum kvmx_bus_id bus, u64 addr, int len,
		   const void *val)
{
	if (on_bus)
		memcpy(&bus_value, val, len);
	return on_bus ? 0 : -EOPNOTSUPP;
}

static u32 insn;

int kvmx_guest_read(struct kvmx_vm *kvm, gpa_t gpa, void *data, size_t len)
{
	ck_assert_uint_eq(gpa, 0x7000);
	ck_assert_uint_eq(len, sizeof(insn));
	memcpy(data, &insn, len);
	return 0;
}

static u64 host_id;

u64 kvmx_host_id_reg(u32 encoding)
{
	return host_id;
}

static void setup(void)
{
	unsigned int i;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	spin_lock_init(&vm->psci_lock);
	vm->psci_version = PSCI_1_1;
	for (i = 0; i < 2; i++) {
		v[i] = kzalloc(sizeof(*v[i]), GFP_KERNEL);
		v[i]->vcpu.vm = &vm->vm;
		v[i]->vcpu.run = &run;
		v[i]->mpidr = MPIDR_RES1 | i;
		v[i]->power = i ? A64_OFF : A64_ON;
		vm->vm.vcpus[i] = &v[i]->vcpu;
	}
	atomic_set(&vm->vm.nr_vcpus, 2);
	x = v[0]->core.regs.regs;
	resets = wakes = aborts = 0;
	on_bus = false;
	bus_value = 0;
}

static void teardown(void)
{
	kfree(v[0]);
	kfree(v[1]);
	kfree(vm);
}

/* ---- device accesses ---- */

static u64 iss(unsigned int size, unsigned int reg, bool write)
{
	return ESR_EC_OF(EC_DABT_LOWER) | ESR_IL_BIT | ABT_ISV | (u64)size << 22 |
	       (u64)reg << 16 | (write ? ABT_WNR : 0);
}

static enum run_next touch(u64 esr)
{
	v[0]->exit.esr = esr;
	v[0]->exit.ipa = DEVICE;
	v[0]->core.regs.pc = 0x1000;
	return arm64_mmio(v[0], v[0]->sys[A64_SYS_SCTLR], false);
}

START_TEST(loads)
{
	const u64 val = 0x8899aabbccddeeffULL;
	unsigned int size;

	for (size = 0; size < 4; size++) {
		unsigned int bits = 8u << size;
		u64 low = bits < 64 ? val & (BIT_ULL(bits) - 1) : val;
		u64 wide = bits < 64 ? low | ~0ULL << bits : val;
		struct arm64_access a = { .len = 1 << size, .wide = true };

		ck_assert_uint_eq(arm64_mmio_loaded(&a, val), low);
		a.sign = true;
		ck_assert_uint_eq(arm64_mmio_loaded(&a, val), wide);
		a.wide = false;
		ck_assert_uint_eq(arm64_mmio_loaded(&a, val), (u32)wide);
	}
}
END_TEST

START_TEST(user_space)
{
	x[3] = 0x1122334455667788ULL;
	ck_assert_int_eq(touch(iss(1, 3, true)), RUN_USER);
	ck_assert_uint_eq(run.exit_reason, KVMX_EXIT_MMIO);
	ck_assert_uint_eq(run.mmio.phys_addr, DEVICE);
	ck_assert_uint_eq(run.mmio.len, 2);
	ck_assert(run.mmio.is_write);
	ck_assert_int_eq(memcmp(run.mmio.data, "\x88\x77\0\0\0\0\0\0", 8), 0);
	ck_assert_uint_eq(v[0]->core.regs.pc, 0x1004);
	arm64_mmio_complete(v[0]);
	ck_assert_uint_eq(x[3], 0x1122334455667788ULL);

	ck_assert_int_eq(touch(iss(2, 4, false) | ABT_SSE | ABT_SF), RUN_USER);
	memcpy(run.mmio.data, "\x01\x02\x03\x84\x05\x06\x07\x08", 8);
	arm64_mmio_complete(v[0]);
	ck_assert_uint_eq(x[4], 0xffffffff84030201ULL);
	/* Only once. */
	x[4] = 0;
	arm64_mmio_complete(v[0]);
	ck_assert_uint_eq(x[4], 0);
	/* The zero register. */
	ck_assert_int_eq(touch(iss(3, 31, false) | ABT_SF), RUN_USER);
	arm64_mmio_complete(v[0]);
	ck_assert_int_eq(touch(iss(3, 31, true)), RUN_USER);
	ck_assert_int_eq(memcmp(run.mmio.data, "\0\0\0\0\0\0\0\0", 8), 0);
}
END_TEST

START_TEST(in_the_kernel)
{
	on_bus = true;
	x[1] = 0xabcd;
	ck_assert_int_eq(touch(iss(2, 1, true)), RUN_LEAVE);
	ck_assert_uint_eq(bus_value, 0xabcd);
	ck_assert_int_eq(touch(iss(0, 2, false)), RUN_LEAVE);
	ck_assert_uint_eq(x[2], 0xcd);
	/* The other byte order, at EL1. */
	v[0]->core.regs.pstate = PS_MODE_EL1H;
	v[0]->sys[A64_SYS_SCTLR] = BIT_ULL(25);
	x[1] = 0x11223344;
	ck_assert_int_eq(touch(iss(2, 1, true)), RUN_LEAVE);
	ck_assert_uint_eq(bus_value, 0x44332211);
	ck_assert_int_eq(touch(iss(2, 2, false)), RUN_LEAVE);
	ck_assert_uint_eq(x[2], 0x11223344);
}
END_TEST

/* The instruction, at 0x1000 which is 0x7000, at the device's @offset by the register @base. */
static enum run_next touch_by(u32 which, unsigned int base, u64 offset)
{
	insn = which;
	if (base < 31)
		x[base] = 0xa0000 + offset;
	else
		v[0]->core.sp_el1 = 0xa0000 + offset;
	v[0]->exit.esr = iss(0, 0, false) & ~ABT_ISV;
	v[0]->exit.esr |= ABT_FSC_TRANSLATION;
	v[0]->exit.far = 0xa0000 + offset;
	v[0]->exit.ipa = DEVICE + offset;
	v[0]->exit.par = 0x7000;
	v[0]->core.regs.pc = 0x1000;
	v[0]->core.regs.pstate = PS_MODE_EL1H;
	return arm64_mmio(v[0], 0, false);
}

static void answer(u64 address, u64 val)
{
	ck_assert_uint_eq(run.exit_reason, KVMX_EXIT_MMIO);
	ck_assert(!run.mmio.is_write);
	ck_assert_uint_eq(run.mmio.phys_addr, address);
	memcpy(run.mmio.data, &val, 8);
}

static void stored(u64 address, u64 val, unsigned int len)
{
	u64 have;

	ck_assert(run.mmio.is_write);
	ck_assert_uint_eq(run.mmio.phys_addr, address);
	ck_assert_uint_eq(run.mmio.len, len);
	memcpy(&have, run.mmio.data, 8);
	ck_assert_uint_eq(have, val);
}

START_TEST(by_instruction)
{
	/* ldr w1, [x2], #-4 */
	ck_assert_int_eq(touch_by(0xb85fc441, 2, 0x10), RUN_USER);
	answer(DEVICE + 0x10, 0xffffffff89abcdefULL);
	ck_assert_int_eq(arm64_mmio_complete(v[0]), RUN_STAY);
	ck_assert_uint_eq(x[1], 0x89abcdef);
	ck_assert_uint_eq(x[2], 0xa000c);
	ck_assert_uint_eq(v[0]->core.regs.pc, 0x1004);
	/* ldrsb x3, [sp, #8]! */
	ck_assert_int_eq(touch_by(0x38808fe3, 31, 0x10), RUN_USER);
	answer(DEVICE + 0x18, 0x80);
	ck_assert_int_eq(arm64_mmio_complete(v[0]), RUN_STAY);
	ck_assert_uint_eq(x[3], 0xffffffffffffff80ULL);
	ck_assert_uint_eq(v[0]->core.sp_el1, 0xa0018);
	/* stp x4, x5, [x6, #16] */
	x[4] = 0x1111222233334444ULL;
	x[5] = 0x5555666677778888ULL;
	ck_assert_int_eq(touch_by(0xa90114c4, 6, 0x100), RUN_USER);
	stored(DEVICE + 0x110, x[4], 8);
	ck_assert_int_eq(arm64_mmio_complete(v[0]), RUN_USER);
	stored(DEVICE + 0x118, x[5], 8);
	ck_assert_int_eq(arm64_mmio_complete(v[0]), RUN_STAY);
	ck_assert_int_eq(arm64_mmio_complete(v[0]), RUN_STAY);
	ck_assert_uint_eq(x[6], 0xa0100);
	/* ldpsw x7, x6, [x6]: the base is loaded last. */
	ck_assert_int_eq(touch_by(0x694018c7, 6, 0x20), RUN_USER);
	answer(DEVICE + 0x20, 0x80000000);
	ck_assert_int_eq(arm64_mmio_complete(v[0]), RUN_USER);
	answer(DEVICE + 0x24, 5);
	ck_assert_int_eq(arm64_mmio_complete(v[0]), RUN_STAY);
	ck_assert_uint_eq(x[7], 0xffffffff80000000ULL);
	ck_assert_uint_eq(x[6], 5);
	/* In the kernel. */
	on_bus = true;
	bus_value = 0x99;
	ck_assert_int_eq(touch_by(0xa8c10440, 2, 0), RUN_LEAVE);	/* ldp x0, x1, [x2], #16 */
	ck_assert_uint_eq(x[0], 0x99);
	ck_assert_uint_eq(x[1], 0x99);
	ck_assert_uint_eq(x[2], 0xa0010);
}
END_TEST

START_TEST(by_no_instruction)
{
	/* Beyond the page that faulted: stp x4, x5, [x6, #16]. */
	ck_assert_int_eq(touch_by(0xa90114c4, 6, 0xfe0), RUN_USER);
	ck_assert_int_eq(touch_by(0xa90114c4, 6, 0xfe8), RUN_ERROR);
	ck_assert_int_eq(touch_by(0xa90114c4, 6, 0xff8), RUN_ERROR);
	ck_assert_uint_eq(v[0]->core.regs.pc, 0x1000);
	/* ldp x4, x4; ldr x2, [x2], #8; stp x2, x3, [x2, #16]!; stgp; ldr q0; prfm */
	ck_assert_int_eq(touch_by(0xa94110c4, 6, 0), RUN_ERROR);
	ck_assert_int_eq(touch_by(0xf8408442, 2, 0), RUN_ERROR);
	ck_assert_int_eq(touch_by(0xa9810c42, 2, 0), RUN_ERROR);
	ck_assert_int_eq(touch_by(0x69000c42, 2, 0), RUN_ERROR);
	ck_assert_int_eq(touch_by(0x3cc10440, 2, 0), RUN_ERROR);
	ck_assert_int_eq(touch_by(0xf8808440, 2, 0), RUN_ERROR);
	/* Its page is gone; it may be executed, not read; it is in AArch32; the memory is read-only. */
	touch_by(0xb85fc441, 2, 0x10);
	v[0]->exit.par = PAR_FAILED | 0x07 << 1;
	ck_assert_int_eq(arm64_mmio(v[0], 0, false), RUN_LEAVE);
	v[0]->exit.par = PAR_FAILED | 0x0f << 1;
	ck_assert_int_eq(arm64_mmio(v[0], 0, false), RUN_ERROR);
	v[0]->exit.par = 0x7000;
	v[0]->core.regs.pstate |= PS_AARCH32;
	ck_assert_int_eq(arm64_mmio(v[0], 0, false), RUN_ERROR);
	v[0]->core.regs.pstate = PS_MODE_EL1H;
	v[0]->exit.esr |= ABT_FSC_PERMISSION;
	ck_assert_int_eq(arm64_mmio(v[0], 0, false), RUN_ERROR);
}
END_TEST

/* In the window: what is described is done there, whatever is not is left as it was. */
START_TEST(at_once)
{
	v[0]->exit.esr = iss(2, 1, true);
	v[0]->exit.ipa = DEVICE;
	v[0]->core.regs.pc = 0x1000;
	on_bus = true;
	x[1] = 0xabcd;
	ck_assert_int_eq(arm64_mmio(v[0], 0, true), RUN_STAY);
	ck_assert_uint_eq(bus_value, 0xabcd);
	ck_assert_uint_eq(v[0]->core.regs.pc, 0x1004);
	v[0]->exit.esr = iss(2, 1, true) & ~ABT_ISV;
	ck_assert_int_eq(arm64_mmio(v[0], 0, true), RUN_SLOW);
	v[0]->exit.esr |= ABT_CM;
	ck_assert_int_eq(arm64_mmio(v[0], 0, true), RUN_SLOW);
	ck_assert_uint_eq(v[0]->core.regs.pc, 0x1004);
	ck_assert_uint_eq(aborts, 0);
	x[0] = 0x84000000;
	ck_assert(arm64_smccc_fast(v[0]));
	ck_assert_uint_eq(x[0], 0x10001);
	x[0] = 0x84000002;
	ck_assert(!arm64_smccc_fast(v[0]));
	ck_assert_uint_eq(x[0], 0x84000002);
	ck_assert_int_eq(v[0]->power, A64_ON);
}
END_TEST

START_TEST(not_described)
{
	insn = 0x9ac12041;			/* lsl x1, x2, x1 */
	v[0]->exit.par = 0x7000;
	ck_assert_int_eq(touch(iss(2, 1, true) & ~ABT_ISV), RUN_ERROR);
	ck_assert_int_eq(v[0]->vcpu.run_error, -ENOSYS);
	ck_assert_uint_eq(v[0]->core.regs.pc, 0x1000);
	ck_assert_int_eq(touch((iss(2, 1, false) & ~ABT_ISV) | ABT_S1PTW), RUN_LEAVE);
	ck_assert_uint_eq(aborts, 1);
	ck_assert_int_eq(touch((iss(2, 1, true) & ~ABT_ISV) | ABT_CM), RUN_LEAVE);
	ck_assert_uint_eq(v[0]->core.regs.pc, 0x1004);
}
END_TEST

/* ---- calls ---- */

static s64 call(u64 function, u64 a, u64 b, u64 c)
{
	x[0] = function;
	x[1] = a;
	x[2] = b;
	x[3] = c;
	ck_assert_int_eq(arm64_smccc(v[0]), RUN_LEAVE);
	return x[0];
}

START_TEST(cpu_on)
{
	ck_assert_int_eq(call(0xc4000004, 0, 0, 0), 0);
	ck_assert_int_eq(call(0xc4000004, 1, 0, 0), 1);
	ck_assert_int_eq(call(0xc4000004, 2, 0, 0), -2);
	ck_assert_int_eq(call(0xc4000004, 1, 1, 0), -2);
	ck_assert_int_eq(call(0xc4000003, 9, 0, 0), -2);
	ck_assert_int_eq(call(0xc4000003, MPIDR_RES1 | 1, 0, 0), -2);
	ck_assert_int_eq(call(0xc4000003, 0, 0, 0), -4);
	v[0]->sys[A64_SYS_SCTLR] = BIT_ULL(25);
	ck_assert_int_eq(call(0xc4000003, 1, 0x80000, 77), 0);
	ck_assert_uint_eq(wakes, 1);
	ck_assert(kvmx_vcpu_take(&v[1]->vcpu, KVMX_REQ_POWER));
	ck_assert_int_eq(call(0xc4000004, 1, 0, 0), 2);
	ck_assert_int_eq(call(0xc4000003, 1, 0, 0), -5);
	arm64_psci_start(v[1]);
	ck_assert_uint_eq(resets, 1);
	ck_assert_uint_eq(v[1]->core.regs.pc, 0x80000);
	ck_assert_uint_eq(v[1]->core.regs.regs[0], 77);
	ck_assert_uint_eq(v[1]->sys[A64_SYS_SCTLR], BIT_ULL(25));
	ck_assert_int_eq(v[1]->power, A64_ON);
	ck_assert_int_eq(call(0xc4000003, 1, 0, 0), -4);
	/* A late request changes nothing. */
	arm64_psci_start(v[1]);
	ck_assert_uint_eq(resets, 1);
	x[0] = 0x84000002;
	ck_assert_int_eq(arm64_smccc(v[0]), RUN_LEAVE);
	ck_assert_int_eq(v[0]->power, A64_OFF);
}
END_TEST

/* Of 32 bits: what is above them does not count. */
START_TEST(calls_of_32_bits)
{
	ck_assert_int_eq(call(0xdead00000000ULL | 0x84000003, 0xdead00000000ULL | 1,
			      0xdead00000000ULL | 0x4000, 0xdead00000000ULL | 5), 0);
	arm64_psci_start(v[1]);
	ck_assert_uint_eq(v[1]->core.regs.pc, 0x4000);
	ck_assert_uint_eq(v[1]->core.regs.regs[0], 5);
}
END_TEST

START_TEST(system_events)
{
	x[0] = 0x84000009;
	ck_assert_int_eq(arm64_smccc(v[0]), RUN_USER);
	ck_assert_uint_eq(run.exit_reason, KVMX_EXIT_SYSTEM_EVENT);
	ck_assert_uint_eq(run.system_event.type, KVMX_SYSTEM_EVENT_RESET);
	ck_assert_int_eq(v[0]->power, A64_OFF);
	ck_assert_int_eq((s64)x[0], -6);
	x[0] = 0x84000008;
	ck_assert_int_eq(arm64_smccc(v[0]), RUN_USER);
	ck_assert_uint_eq(run.system_event.type, KVMX_SYSTEM_EVENT_SHUTDOWN);
}
END_TEST

START_TEST(other_calls)
{
	ck_assert_int_eq(call(0x84000000, 0, 0, 0), 0x10001);
	ck_assert_int_eq(call(0x80000000, 0, 0, 0), 0x10001);
	ck_assert_int_eq(call(0x80000001, 0x80008000, 0, 0), -1);
	ck_assert_int_eq(call(0x8400000a, 0xc4000003, 0, 0), 0);
	ck_assert_int_eq(call(0x8400000a, 0xc400000e, 0, 0), -1);
	ck_assert_int_eq(call(0x86000001, 0, 0, 0), -1);
	ck_assert_int_eq(call(0xffffffff, 0, 0, 0), -1);
	ck_assert_int_eq(call(0xc4000001, 0, 0, 0), 0);
	ck_assert(v[0]->wfi);
}
END_TEST

START_TEST(workarounds)
{
	const u64 features = 0x80000001, w1 = 0x80008000, w2 = 0x80007fff, w3 = 0x80003fff;

	ck_assert_int_eq(call(features, w1, 0, 0), -1);
	ck_assert_int_eq(call(w1, 0, 0, 0), -1);
	vm->workaround[0] = 1;
	vm->workaround[2] = 2;
	ck_assert_int_eq(call(features, w1, 0, 0), 0);
	ck_assert_int_eq(call(features, w3, 0, 0), 1);
	ck_assert_int_eq(call(w1, 0, 0, 0), 0);
	ck_assert_int_eq(call(w3, 0, 0, 0), 0);
	ck_assert_int_eq(call(features, w2, 0, 0), -1);
	vm->workaround[1] = 3;
	ck_assert_int_eq(call(features, w2, 0, 0), -2);
	ck_assert_int_eq(call(w2, 0, 0, 0), -1);
	ck_assert_int_eq(call(features, 0x80000002, 0, 0), -1);
	/* PSCI before it had features. */
	vm->psci_version = PSCI_0_2;
	ck_assert_int_eq(call(0x84000000, 0, 0, 0), 2);
	ck_assert_int_eq(call(0x8400000a, 0xc4000003, 0, 0), -1);
}
END_TEST

/* ---- identification ---- */

START_TEST(identification)
{
	/* A host that has everything. */
	u64 all = 0x1111111111111111ULL;

	ck_assert_uint_eq(arm64_id_sanitize(A64_ID_AA64PFR0_EL1, all) & 0xffff, 0x11);
	ck_assert_uint_eq(arm64_id_sanitize(A64_ID_AA64PFR0_EL1, all) >> 28 & 0xff, 0);
	ck_assert_uint_eq(arm64_id_sanitize(A64_ID_AA64ISAR1_EL1, all) >> 24 & 0xff, 0);
	ck_assert_uint_eq(arm64_id_sanitize(A64_ID_AA64ISAR1_EL1, all) >> 4 & 0xff, 0);
	ck_assert_uint_eq(arm64_id_sanitize(A64_ID_AA64DFR0_EL1, all) >> 8 & 0xf, 0);
	/* No more than 40 bits of addresses, whatever the host has. */
	ck_assert_uint_eq(arm64_id_sanitize(A64_ID_AA64MMFR0_EL1, 6) & 0xf, 2);
	ck_assert_uint_eq(arm64_id_sanitize(A64_ID_AA64MMFR0_EL1, 1) & 0xf, 1);
	/* No SCXTNUM_ELx. */
	ck_assert_uint_eq(arm64_id_sanitize(A64_ID_AA64PFR0_EL1, 3ULL << 56) >> 56, 1);
	/* What no rule names is zero. */
	ck_assert_uint_eq(arm64_id_sanitize(A64_REG(3, 0, 0, 4, 4), all), 0);

	ck_assert_int_eq(arm64_id_index(A64_REG(3, 0, 0, 1, 0)), 0);
	ck_assert_int_eq(arm64_id_index(A64_REG(3, 0, 0, 7, 7)), A64_ID_REGS - 1);
	ck_assert_int_eq(arm64_id_index(A64_REG(3, 0, 0, 0, 5)), -1);
	ck_assert_int_eq(arm64_id_index(A64_REG(3, 0, 0, 8, 0)), -1);
	ck_assert_int_eq(arm64_id_index(A64_REG(3, 3, 0, 1, 0)), -1);
	host_id = all;
	arm64_id_init(vm);
	ck_assert_uint_eq(vm->id[arm64_id_index(A64_ID_AA64PFR1_EL1)], 0x11);
	ck_assert_uint_eq(vm->id[0], 0);
}
END_TEST

static TCase *calls(void)
{
	TCase *tc = UNIT_CASE("calls", loads, user_space, in_the_kernel, by_instruction,
			      by_no_instruction, at_once, not_described, cpu_on, calls_of_32_bits, system_events, other_calls, workarounds,
			      identification);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("arm64_calls", calls())
