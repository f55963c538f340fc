// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to addresses without memory: a load or store, as the abort's syndrome
 * describes it (Arm ARM, "ISS encoding for an exception from a Data Abort") or
 * else the instruction, is done by a device in the kernel or by user space.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/swab.h>

#include "arm64.h"

u64 arm64_mmio_loaded(const struct arm64_access *a, u64 val)
{
	int bits = 8 * a->len;

	if (bits < 64)
		val &= BIT_ULL(bits) - 1;
	if (a->sign && bits < 64 && (val >> (bits - 1) & 1))
		val |= ~0ULL << bits;
	return a->wide ? val : (u32)val;
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

static void finish_load(struct arm64_vcpu *v, u64 sctlr, u64 val)
{
	const struct arm64_access *a = &v->mmio;

	if (big_endian(v, sctlr))
		val = swab_len(val, a->len);
	arm64_set_reg(v, a->rt[a->done], arm64_mmio_loaded(a, val));
}

static enum run_next ask_user(struct arm64_vcpu *v, gpa_t ipa, u64 val)
{
	struct arm64_access *a = &v->mmio;
	struct kvmx_run *run = v->vcpu.run;

	run->exit_reason = KVMX_EXIT_MMIO;
	run->mmio.phys_addr = ipa;
	run->mmio.len = a->len;
	run->mmio.is_write = a->write;
	val = a->write ? val & GENMASK_ULL(8 * a->len - 1, 0) : 0;
	memcpy(run->mmio.data, &val, sizeof(run->mmio.data));
	a->pending = true;
	return RUN_USER;
}

/* One element after the other. RUN_STAY: all are done. */
static enum run_next go_on(struct arm64_vcpu *v, u64 sctlr)
{
	struct arm64_access *a = &v->mmio;
	u64 val;

	for (; a->done < a->n; a->done++) {
		gpa_t ipa = a->ipa + a->done * a->len;

		val = 0;
		if (a->write) {
			val = arm64_reg(v, a->rt[a->done]);
			if (big_endian(v, sctlr))
				val = swab_len(val, a->len);
			if (kvmx_bus_write(&v->vcpu, KVMX_BUS_MMIO, ipa, a->len, &val))
				return ask_user(v, ipa, val);
		} else {
			if (kvmx_bus_read(&v->vcpu, KVMX_BUS_MMIO, ipa, a->len, &val))
				return ask_user(v, ipa, val);
			finish_load(v, sctlr, val);
		}
	}
	return RUN_STAY;
}

/* User space has done an element. */
enum run_next arm64_mmio_complete(struct arm64_vcpu *v)
{
	struct arm64_access *a = &v->mmio;
	u64 val;

	if (!a->pending)
		return RUN_STAY;
	a->pending = false;
	if (!a->write) {
		/* What is above the element's size falls away below. */
		memcpy(&val, v->vcpu.run->mmio.data, sizeof(val));
		finish_load(v, v->sys[A64_SYS_SCTLR], val);
	}
	a->done++;
	return go_on(v, v->sys[A64_SYS_SCTLR]);
}

static void describe(struct arm64_vcpu *v)
{
	u64 iss = v->exit.esr;

	v->mmio = (struct arm64_access) {
		.n = 1, .len = 1 << ABT_SAS(iss), .rt = { ABT_SRT(iss) },
		.write = iss & ABT_WNR, .sign = iss & ABT_SSE, .wide = iss & ABT_SF,
		.ipa = v->exit.ipa,
	};
}

static u64 *base_of(struct arm64_vcpu *v, u8 n)
{
	struct kvmx_regs *core = &v->core;

	if (n != 31)
		return &core->regs.regs[n];
	return (core->regs.pstate & PS_MODE_MASK) == PS_MODE_EL1H ? &core->sp_el1 : &core->regs.sp;
}

/*
 * The instruction tells what the syndrome does not. Outside of the window; the
 * address of its page was asked for when the guest was left. RUN_LEAVE: its page
 * is not there any more, the guest runs again.
 */
static enum run_next describe_by_insn(struct arm64_vcpu *v)
{
	const struct arm64_exit *exit = &v->exit;
	u64 pc = v->core.regs.pc, at, *base;
	struct arm64_insn i;
	u32 insn;

	/* Of a store to read-only memory the data's address was asked for. */
	if ((v->core.regs.pstate & PS_AARCH32) || ABT_FSC_TYPE(exit->esr) == ABT_FSC_PERMISSION)
		return run_fail(&v->vcpu, -ENOSYS);
	if (exit->par & PAR_FAILED)
		return PAR_FST_TYPE(exit->par) == ABT_FSC_PERMISSION ?
			run_fail(&v->vcpu, -ENOSYS) : RUN_LEAVE;
	at = (exit->par & GENMASK_ULL(47, 12)) | (pc & 0xfff);
	if (kvmx_guest_read(v->vcpu.vm, at, &insn, sizeof(insn)) ||
	    !arm64_decode(le32_to_cpu((__force __le32)insn), &i))
		return run_fail(&v->vcpu, -ENOSYS);

	base = base_of(v, i.rn);
	at = *base + (i.post ? 0 : i.offset);
	/* All of it is where the fault was, whatever tag the address has. */
	if (((at ^ exit->far) & GENMASK_ULL(55, 12)) || (at & 0xfff) + i.n * i.len > 0x1000)
		return run_fail(&v->vcpu, -ENOSYS);
	v->mmio = (struct arm64_access) {
		.n = i.n, .len = i.len, .rt = { i.rt[0], i.rt[1] },
		.write = i.write, .sign = i.sign, .wide = i.wide,
		.ipa = (exit->ipa & ~0xfffULL) | (at & 0xfff),
	};
	if (i.update)
		*base += i.offset;
	return RUN_STAY;
}

enum run_next arm64_mmio(struct arm64_vcpu *v, u64 sctlr, bool atomic)
{
	u64 iss = v->exit.esr;
	enum run_next next = RUN_STAY;

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
	if (iss & ABT_ISV)
		describe(v);
	else
		next = describe_by_insn(v);
	if (next != RUN_STAY)
		return next;
	arm64_skip(v);
	next = go_on(v, sctlr);
	return next == RUN_STAY && !atomic ? RUN_LEAVE : next;
}
