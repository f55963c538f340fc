// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to addresses without memory: a load or store of one register, as
 * the abort's syndrome describes it (Arm ARM, "ISS encoding for an exception
 * from a Data Abort"), is done by a device in the kernel or by user space.
 * Accesses that the syndrome does not describe are not emulated.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/swab.h>

#include "arm64.h"

int arm64_mmio_len(u64 iss)
{
	return 1 << ABT_SAS(iss);
}

u64 arm64_mmio_loaded(u64 iss, u64 val)
{
	int bits = 8 * arm64_mmio_len(iss);

	if (bits < 64)
		val &= BIT_ULL(bits) - 1;
	if ((iss & ABT_SSE) && bits < 64 && (val >> (bits - 1) & 1))
		val |= ~0ULL << bits;
	return iss & ABT_SF ? val : (u32)val;
}

/* SCTLR_EL1.EE and E0E: data in the other byte order. */
static bool big_endian(const struct arm64_vcpu *v, u64 sctlr)
{
	bool el0 = (v->core.regs.pstate & PS_MODE_MASK) == PS_MODE_EL0;

	return sctlr & (el0 ? BIT_ULL(24) : BIT_ULL(25));
}

static u64 swab_len(u64 val, int len)
{
	return swab64(val) >> (64 - 8 * len);
}

static void finish_load(struct arm64_vcpu *v, u64 sctlr, u64 iss, u64 val)
{
	if (big_endian(v, sctlr))
		val = swab_len(val, arm64_mmio_len(iss));
	arm64_set_reg(v, ABT_SRT(iss), arm64_mmio_loaded(iss, val));
}

/* User space has answered a load; the instruction is done. */
void arm64_mmio_complete(struct arm64_vcpu *v)
{
	u64 val = 0;

	if (!v->mmio.pending)
		return;
	v->mmio.pending = false;
	if (!v->mmio.write) {
		memcpy(&val, v->vcpu.run->mmio.data, v->mmio.len);
		finish_load(v, v->sys[A64_SYS_SCTLR], v->mmio.iss, val);
	}
}

static enum run_next ask_user(struct arm64_vcpu *v, bool write, int len, u64 val)
{
	struct kvmx_run *run = v->vcpu.run;

	run->exit_reason = KVMX_EXIT_MMIO;
	run->mmio.phys_addr = v->exit.ipa;
	run->mmio.len = len;
	run->mmio.is_write = write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (write)
		memcpy(run->mmio.data, &val, len);
	v->mmio.pending = true;
	v->mmio.write = write;
	v->mmio.len = len;
	v->mmio.iss = v->exit.esr;
	return RUN_USER;
}

enum run_next arm64_mmio(struct arm64_vcpu *v, u64 sctlr, bool atomic)
{
	u64 iss = v->exit.esr, val;
	int len = arm64_mmio_len(iss);
	bool write = iss & ABT_WNR;

	if (atomic && ((iss & (ABT_S1PTW | ABT_CM)) || !(iss & ABT_ISV)))
		return RUN_SLOW;
	if (iss & (ABT_S1PTW | ABT_CM)) {
		/* Tables where no memory is; cache maintenance there has nothing to do. */
		if (iss & ABT_CM)
			arm64_skip(v);
		else
			arm64_inject_abort(v, false, v->exit.far);
		return RUN_LEAVE;
	}
	if (!(iss & ABT_ISV))
		return run_fail(&v->vcpu, -ENOSYS);

	arm64_skip(v);
	if (write) {
		val = arm64_reg(v, ABT_SRT(iss));
		if (big_endian(v, sctlr))
			val = swab_len(val, len);
		if (kvmx_bus_write(&v->vcpu, KVMX_BUS_MMIO, v->exit.ipa, len, &val))
			return ask_user(v, true, len, val);
	} else {
		val = 0;
		if (kvmx_bus_read(&v->vcpu, KVMX_BUS_MMIO, v->exit.ipa, len, &val))
			return ask_user(v, false, len, 0);
		finish_load(v, sctlr, iss, val);
	}
	return atomic ? RUN_STAY : RUN_LEAVE;
}
