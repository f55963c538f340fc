// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the guest's MSR accesses user space denies (KVMX_X86_SET_MSR_FILTER)
 * and which of the failing ones it answers itself (KVMX_CAP_X86_USER_SPACE_MSR).
 * Called by the exit table, the emulator, the run loop and the ioctls.
 */
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kvmx/ioctl.h>

#include "msr.h"
#include "run.h"
#include "trace.h"

struct msr_range {
	u32 base, nr, flags;
	const u8 *bits;		/* 1: allowed */
};

/* Replaced as a whole. */
struct x86_msr_filter {
	struct rcu_head rcu;
	bool deny;		/* what no range covers */
	u32 nr;
	struct msr_range range[KVMX_MSR_FILTER_MAX_RANGES];
	u8 bits[];
};

static size_t range_bytes(u32 nr)
{
	return DIV_ROUND_UP(nr, BITS_PER_LONG) * sizeof(long);
}

static bool allowed_by(const struct x86_msr_filter *f, u32 msr, u32 access)
{
	u32 i, at;

	for (i = 0; i < f->nr; i++) {
		const struct msr_range *r = &f->range[i];

		at = msr - r->base;
		if (at < r->nr && (r->flags & access))
			return r->bits[at / 8] & BIT(at % 8);
	}
	return !f->deny;
}

/* "x2APIC MSRs are always allowed." */
bool x86_msr_allowed_by_filter(struct x86_vcpu *v, u32 msr, bool write)
{
	const struct x86_msr_filter *f;
	bool allowed = true;

	if (msr >= X86_MSR_X2APIC && msr <= X86_MSR_X2APIC + 0xff)
		return true;
	rcu_read_lock();
	f = rcu_dereference(x86_vm_of(v)->msr_filter);
	if (f)
		allowed = allowed_by(f, msr, write ? KVMX_MSR_FILTER_WRITE : KVMX_MSR_FILTER_READ);
	rcu_read_unlock();
	return allowed;
}

/* The unit holds some MSRs, which the guest then uses without exits: unless one of them is denied. */
void x86_msr_filter_apply(struct x86_vcpu *v)
{
	const u32 *msr;
	bool exits = false;

	for (msr = x86_unit->direct_msrs; msr && *msr && !exits; msr++)
		exits = !x86_msr_allowed(v, *msr, false) || !x86_msr_allowed(v, *msr, true);
	if (v->msr_exits == exits)
		return;
	v->msr_exits = exits;
	x86_unit->set_intercepts(v);
}

static int check_ranges(const struct kvmx_msr_filter *in, size_t *bytes)
{
	unsigned int i;

	*bytes = 0;
	if (in->flags & ~KVMX_MSR_FILTER_VALID_MASK)
		return -EINVAL;
	for (i = 0; i < KVMX_MSR_FILTER_MAX_RANGES; i++) {
		const struct kvmx_msr_filter_range *r = &in->ranges[i];

		if (!r->nmsrs)
			continue;
		if (!r->flags || (r->flags & ~KVMX_MSR_FILTER_RANGE_VALID_MASK) ||
		    r->nmsrs > KVMX_MSR_FILTER_MAX_BITMAP_SIZE * 8)
			return -EINVAL;
		*bytes += range_bytes(r->nmsrs);
	}
	/* Nothing at all cannot be meant. */
	return !*bytes && (in->flags & KVMX_MSR_FILTER_DEFAULT_DENY) ? -EINVAL : 0;
}

static struct x86_msr_filter *make_filter(const struct kvmx_msr_filter *in, size_t bytes)
{
	struct x86_msr_filter *f = kzalloc(sizeof(*f) + bytes, GFP_KERNEL_ACCOUNT);
	unsigned int i;
	u8 *bits;

	if (!f)
		return ERR_PTR(-ENOMEM);
	f->deny = in->flags & KVMX_MSR_FILTER_DEFAULT_DENY;
	bits = f->bits;
	for (i = 0; i < KVMX_MSR_FILTER_MAX_RANGES; i++) {
		const struct kvmx_msr_filter_range *r = &in->ranges[i];

		if (!r->nmsrs)
			continue;
		if (kvmx_call_get((unsigned long)r->bitmap, bits, range_bytes(r->nmsrs))) {
			kfree(f);
			return ERR_PTR(-EFAULT);
		}
		f->range[f->nr++] = (struct msr_range){
			.base = r->base, .nr = r->nmsrs, .flags = r->flags, .bits = bits,
		};
		bits += range_bytes(r->nmsrs);
	}
	return f;
}

int x86_msr_filter_set(struct x86_vm *vm, const struct kvmx_msr_filter *in)
{
	struct x86_msr_filter *f = NULL, *old;
	size_t bytes;
	int ret;

	ret = check_ranges(in, &bytes);
	if (ret)
		return ret;
	if (bytes) {
		f = make_filter(in, bytes);
		if (IS_ERR(f))
			return PTR_ERR(f);
	}
	old = rcu_replace_pointer(vm->msr_filter, f, lockdep_is_held(&vm->vm.lock));
	kvmx_vm_request_all(&vm->vm, KVMX_REQ_MSR_FILTER, true);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/* The VM is gone. */
void x86_msr_filter_destroy(struct x86_vm *vm)
{
	kfree(rcu_dereference_protected(vm->msr_filter, true));
}

static int msr_complete(struct x86_vcpu *v)
{
	struct kvmx_run *run = v->vcpu.run;
	u64 val = READ_ONCE(run->msr.data);

	if (x86_user_moved(v))
		return 0;
	if (READ_ONCE(run->msr.error)) {
		x86_raise_error(v, X86_EXC_GP, 0);
		return 0;
	}
	if (v->io.asked) {
		v->gpr[X86_RAX] = (u32)val;
		v->gpr[X86_RDX] = val >> 32;
	}
	x86_skip(v, v->io.insn_len);
	return 0;
}

enum run_next x86_msr_failed(struct x86_vcpu *v, bool write, u32 msr, u64 val, int error,
			     u8 insn_len)
{
	struct kvmx_run *run = v->vcpu.run;
	u32 reason = error == -EPERM ? KVMX_MSR_EXIT_REASON_FILTER :
		     error == -ENOENT ? KVMX_MSR_EXIT_REASON_UNKNOWN : KVMX_MSR_EXIT_REASON_INVAL;

	trace_kvmx_msr(v, write, msr, &val, error);
	if (!(READ_ONCE(x86_vm_of(v)->msr_exit_reasons) & reason)) {
		x86_raise_error(v, X86_EXC_GP, 0);
		return RUN_STAY;
	}
	memset(&run->msr, 0, sizeof(run->msr));
	run->exit_reason = write ? KVMX_EXIT_X86_WRMSR : KVMX_EXIT_X86_RDMSR;
	run->msr.reason = reason;
	run->msr.index = msr;
	run->msr.data = write ? val : 0;
	return x86_ask_user(v, insn_len, write ? 0 : sizeof(run->msr.data), msr_complete);
}
