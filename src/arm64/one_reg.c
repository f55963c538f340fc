// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVMX_GET_ONE_REG, KVMX_SET_ONE_REG and KVMX_GET_REG_LIST: every register that
 * a vCPU has, by the ids of the KVM API's "KVM_SET_ONE_REG".
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kvmx/ioctl.h>

#include "firmware.h"
#include "ioctls.h"
#include "timer.h"

#define REG_ID(size, kind)	(KVMX_REG_ARM64 | KVMX_REG_SIZE_##size | (kind))
#define REG_KIND(id)		((id) & KVMX_REG_ARM_COPROC_MASK)
#define CORE(field)		KVMX_REG_ARM_CORE_REG(field)

/* The registers that lie in v->sys[], by encoding. */
static const struct {
	u32 enc;
	u8 sys;
} sys_regs[] = {
	{ A64_SCTLR_EL1, A64_SYS_SCTLR }, { A64_CPACR_EL1, A64_SYS_CPACR },
	{ A64_TTBR0_EL1, A64_SYS_TTBR0 }, { A64_TTBR1_EL1, A64_SYS_TTBR1 },
	{ A64_TCR_EL1, A64_SYS_TCR }, { A64_ESR_EL1, A64_SYS_ESR },
	{ A64_AFSR0_EL1, A64_SYS_AFSR0 }, { A64_AFSR1_EL1, A64_SYS_AFSR1 },
	{ A64_FAR_EL1, A64_SYS_FAR }, { A64_MAIR_EL1, A64_SYS_MAIR },
	{ A64_AMAIR_EL1, A64_SYS_AMAIR }, { A64_VBAR_EL1, A64_SYS_VBAR },
	{ A64_CONTEXTIDR_EL1, A64_SYS_CONTEXTIDR }, { A64_CNTKCTL_EL1, A64_SYS_CNTKCTL },
	{ A64_PAR_EL1, A64_SYS_PAR }, { A64_TPIDR_EL1, A64_SYS_TPIDR },
	{ A64_TPIDR_EL0, A64_SYS_TPIDR_EL0 }, { A64_TPIDRRO_EL0, A64_SYS_TPIDRRO },
	{ A64_CSSELR_EL1, A64_SYS_CSSELR }, { A64_ACTLR_EL1, A64_SYS_ACTLR },
	{ A64_MDSCR_EL1, A64_SYS_MDSCR }, { A64_OSLSR_EL1, A64_SYS_OSLSR },
};

/* An encoding has op0 in bits 19 and up and its lowest field at 5; an id starts at 0. */
static u64 sys_id(u32 enc)
{
	return REG_ID(U64, KVMX_REG_ARM64_SYSREG) | enc >> 5;
}

static u32 id_enc(u64 id)
{
	return (id & 0xffff) << 5;
}

/* Where a core register lies in v->core and its size in bytes; 0: there is none. */
static unsigned int core_size(u64 at)
{
	if (at >= sizeof(struct kvmx_regs) / sizeof(u32))
		return 0;
	if (at < CORE(fp_regs))
		return at & 1 ? 0 : sizeof(u64);
	if (at < CORE(fp_regs.fpsr))
		return (at - CORE(fp_regs)) & 3 ? 0 : sizeof(__uint128_t);
	return at == CORE(fp_regs.fpsr) || at == CORE(fp_regs.fpcr) ? sizeof(u32) : 0;
}

static void *core_reg(struct arm64_vcpu *v, u64 id)
{
	u64 at = id & 0xffff;
	unsigned int size = core_size(at);

	if (!size || size != KVMX_REG_SIZE(id) ||
	    id != (KVMX_REG_ARM64 | (id & KVMX_REG_SIZE_MASK) | KVMX_REG_ARM_CORE | at))
		return NULL;
	at = array_index_nospec(at, sizeof(struct kvmx_regs) / sizeof(u32));
	return (u32 *)&v->core + at;
}

/* A system register that can be read and written as it is, or NULL. */
static u64 *sys_reg_of(struct arm64_vcpu *v, u32 enc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sys_regs); i++)
		if (sys_regs[i].enc == enc)
			return &v->sys[sys_regs[i].sys];
	/* DBGBVR, BCR, WVR, WCR */
	if (A64_OP0(enc) == 2 && !A64_OP1(enc) && !A64_CRN(enc) && A64_OP2(enc) >= 4)
		return &v->dbg[array_index_nospec(A64_OP2(enc) - 4, 4)]
			      [array_index_nospec(A64_CRM(enc), 16)];
	return NULL;
}

static int get_reg(struct arm64_vcpu *v, u64 id, void *out)
{
	u32 enc = id_enc(id);
	u64 val, *sys;
	void *core;
	int idx;

	if (REG_KIND(id) == KVMX_REG_ARM_CORE) {
		core = core_reg(v, id);
		if (!core)
			return -ENOENT;
		memcpy(out, core, KVMX_REG_SIZE(id));
		return 0;
	}
	if (firmware_get_reg(arm64_vm_of(v), id, &val) || timer_get_reg(v, id, &val)) {
		;
	} else if (id == sys_id(enc)) {
		sys = sys_reg_of(v, enc);
		idx = arm64_id_index(enc);
		if (sys)
			val = *sys;
		else if (idx >= 0)
			val = arm64_vm_of(v)->id[array_index_nospec(idx, A64_ID_REGS)];
		else if (enc == A64_MPIDR_EL1)
			val = v->mpidr;
		else
			return -ENOENT;
	} else {
		return -ENOENT;
	}
	memcpy(out, &val, sizeof(val));
	return 0;
}

/* PSTATE: a mode that guests have. */
static bool pstate_ok(u64 ps)
{
	switch (ps & (PS_MODE_MASK)) {
	case PS_MODE_EL0:
	case PS_MODE_EL1T:
	case PS_MODE_EL1H:
		return true;
	default:
		return false;
	}
}

static int set_reg(struct arm64_vcpu *v, u64 id, const void *in)
{
	u64 val, old, *sys = NULL;
	void *core;
	int ret;

	if (REG_KIND(id) == KVMX_REG_ARM_CORE) {
		core = core_reg(v, id);
		if (!core)
			return -ENOENT;
		memcpy(&val, in, min_t(size_t, sizeof(val), KVMX_REG_SIZE(id)));
		if (core == &v->core.regs.pstate && !pstate_ok(val))
			return -EINVAL;
		memcpy(core, in, KVMX_REG_SIZE(id));
		return 0;
	}
	memcpy(&val, in, sizeof(val));
	if (timer_set_reg(v, id, val))
		return 0;
	if (firmware_get_reg(arm64_vm_of(v), id, &old))
		return firmware_set_reg(arm64_vm_of(v), id, val);
	if (id == sys_id(id_enc(id)))
		sys = sys_reg_of(v, id_enc(id));
	if (sys) {
		*sys = val;
		arm64_debug_update(v);
		return 0;
	}
	/* What identifies the CPU is as it is. */
	ret = get_reg(v, id, &old);
	if (ret)
		return ret;
	return val == old ? 0 : -EINVAL;
}

static bool size_ok(u64 id)
{
	u64 size = id & KVMX_REG_SIZE_MASK;

	if (size == KVMX_REG_SIZE_U64)
		return true;
	return REG_KIND(id) == KVMX_REG_ARM_CORE &&
	       (size == KVMX_REG_SIZE_U32 || size == KVMX_REG_SIZE_U128);
}

long arm64_get_one_reg(struct kvmx_call *call)
{
	const struct kvmx_one_reg *reg = call->data;
	struct arm64_vcpu *v = to_arm64(call->vcpu);
	u64 val[2];
	int ret;

	if (!v->initialized)
		return -ENOEXEC;
	if ((reg->id & ~KVMX_REG_SIZE_MASK) >> 56 != KVMX_REG_ARM64 >> 56 || !size_ok(reg->id))
		return -ENOENT;
	ret = get_reg(v, reg->id, val);
	return ret ? ret : kvmx_call_put(reg->addr, val, KVMX_REG_SIZE(reg->id));
}

long arm64_set_one_reg(struct kvmx_call *call)
{
	const struct kvmx_one_reg *reg = call->data;
	struct arm64_vcpu *v = to_arm64(call->vcpu);
	u64 val[2];

	if (!v->initialized)
		return -ENOEXEC;
	if ((reg->id & ~KVMX_REG_SIZE_MASK) >> 56 != KVMX_REG_ARM64 >> 56 || !size_ok(reg->id))
		return -ENOENT;
	if (kvmx_call_get(reg->addr, val, KVMX_REG_SIZE(reg->id)))
		return -EFAULT;
	return set_reg(v, reg->id, val);
}

/* Every id, one after the other, as far as there is room; answers how many there are. */
static u64 list(u64 *ids, u64 room)
{
	u64 n = 0, at;
	unsigned int i;

#define ADD(id) \
	do { \
		if (n < room) \
			ids[n] = (id); \
		n++; \
	} while (0)
	for (at = 0; at < sizeof(struct kvmx_regs) / sizeof(u32); at++) {
		u64 kind = KVMX_REG_ARM_CORE | at;

		switch (core_size(at)) {
		case sizeof(u32):
			ADD(REG_ID(U32, kind));
			break;
		case sizeof(u64):
			ADD(REG_ID(U64, kind));
			break;
		case sizeof(__uint128_t):
			ADD(REG_ID(U128, kind));
			break;
		}
	}
	for (i = 0; i < ARRAY_SIZE(sys_regs); i++)
		ADD(sys_id(sys_regs[i].enc));
	for (i = 0; i < 64; i++)
		ADD(sys_id(A64_REG(2, 0, 0, i / 4, 4 + i % 4)));
	for (i = 0; i < A64_ID_REGS; i++)
		ADD(sys_id(A64_REG(3, 0, 0, 1 + i / 8, i % 8)));
	ADD(sys_id(A64_MPIDR_EL1));
	for (i = 0; i < firmware_nr_regs; i++)
		ADD(firmware_regs[i]);
	for (i = 0; i < timer_nr_regs; i++)
		ADD(timer_regs[i]);
#undef ADD
	return n;
}

/* The count in struct kvmx_reg_list has 64 bits, so the ids are copied out here. */
long arm64_get_reg_list(struct kvmx_call *call)
{
	struct kvmx_reg_list *given = call->data;
	u64 n = list(NULL, 0), room = given->n, *ids;
	int ret;

	if (!to_arm64(call->vcpu)->initialized)
		return -ENOEXEC;
	given->n = n;
	if (room < n)
		return -E2BIG;
	ids = kmalloc_array(n, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids)
		return -ENOMEM;
	list(ids, n);
	ret = kvmx_call_put(call->arg + offsetof(struct kvmx_reg_list, reg), ids, n * sizeof(*ids));
	kfree(ids);
	return ret;
}
