// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory by linear address: the walker bound to a vCPU, and the bytes
 * and the length of the instruction that exited. Called by exit.c and mmio.c,
 * in the run window or outside of it.
 */
#include <linux/kernel.h>
#include <linux/mm.h>

#include "run.h"
#include "decode.h"
#include "walk.h"

static int x86_linear_read_gpa(void *ctx, u64 gpa, void *buf, unsigned int len)
{
	struct x86_linear *l = ctx;
	struct kvmx_vm *vm = l->v->vcpu.vm;

	return l->atomic ? kvmx_guest_read_atomic(vm, gpa, buf, len) :
			   kvmx_guest_read(vm, gpa, buf, len);
}

static int x86_linear_cmpxchg_gpa(void *ctx, u64 gpa, unsigned int size, u64 *old, u64 new)
{
	struct x86_linear *l = ctx;

	return kvmx_guest_cmpxchg(l->v->vcpu.vm, gpa, size, old, new, l->atomic);
}

int x86_linear_translate(struct x86_linear *l, u64 addr, u32 access, u64 *gpa)
{
	struct x86_vcpu *v = l->v;
	const struct x86_state *s = x86_state(v, X86_STATE_CRS | X86_STATE_SEGS);
	struct x86_walk w = {
		.cr0 = s->cr0, .cr3 = s->cr3, .cr4 = s->cr4, .efer = s->efer,
		.cpl = x86_cpl(v), .ac = v->rflags & X86_EFLAGS_AC,
		.maxphyaddr = v->maxphyaddr,
		.read = x86_linear_read_gpa, .cmpxchg = x86_linear_cmpxchg_gpa, .ctx = l,
	};
	struct x86_walk_result res;
	int ret;

	if (!(s->cr0 & X86_CR0_PG)) {
		*gpa = (u32)addr;
		return 0;
	}
	ret = x86_walk(&w, addr, access, &res);
	if (ret == X86_WALK_FAULT) {
		l->error = res.error;
		l->fault_addr = addr;
		return X86_LINEAR_FAULT;
	}
	if (!ret)
		*gpa = res.gpa;
	return ret;
}

int x86_linear_read(struct x86_linear *l, u64 addr, void *buf, unsigned int len, u32 access)
{
	while (len) {
		unsigned int part = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(addr));
		u64 gpa;
		int ret;

		ret = x86_linear_translate(l, addr, access, &gpa);
		if (!ret)
			ret = x86_linear_read_gpa(l, gpa, buf, part);
		if (ret)
			return ret;
		addr += part;
		buf += part;
		len -= part;
	}
	return 0;
}

static enum x86_insn_mode x86_current_mode(struct x86_vcpu *v)
{
	const struct x86_segment *cs = &x86_state(v, X86_STATE_SEGS)->seg[X86_SEG_CS];

	if (x86_is_64bit(v))
		return X86_MODE_64;
	return x86_protected_mode(v) && (cs->attr & X86_ATTR_DB) ? X86_MODE_32 : X86_MODE_16;
}

/*
 * The CPU has just fetched the instruction, through a translation that the
 * guest changed since: it has to look again, and will fault by itself.
 */
static int x86_insn_gone(struct x86_vcpu *v)
{
	x86_unit->flush_tlb(v);
	return -EAGAIN;
}

/*
 * Instruction bytes at RIP, up to the end of the page or, when that is not
 * enough to know the length, beyond it.
 */
int x86_insn_len(struct x86_vcpu *v, bool atomic)
{
	struct x86_linear l = { .v = v, .atomic = atomic };
	enum x86_insn_mode mode;
	u8 bytes[X86_INSN_MAX];
	unsigned int have;
	u64 addr;
	int len, ret;

	if (v->exit.insn_len)
		return v->exit.insn_len;

	mode = x86_current_mode(v);
	addr = v->rip;
	if (mode != X86_MODE_64)
		addr = (u32)(addr + x86_state(v, X86_STATE_SEGS)->seg[X86_SEG_CS].base);
	have = min_t(unsigned int, sizeof(bytes), PAGE_SIZE - offset_in_page(addr));
	ret = x86_linear_read(&l, addr, bytes, have, X86_WALK_EXEC | X86_WALK_NO_AD);
	if (ret)
		return ret == X86_LINEAR_FAULT ? x86_insn_gone(v) : ret;
	len = x86_insn_length(bytes, have, mode);
	if (len < 0 && have < sizeof(bytes)) {
		ret = x86_linear_read(&l, addr + have, bytes + have, sizeof(bytes) - have,
				      X86_WALK_EXEC | X86_WALK_NO_AD);
		if (ret)
			return ret == X86_LINEAR_FAULT ? x86_insn_gone(v) : ret;
		len = x86_insn_length(bytes, sizeof(bytes), mode);
	}
	if (len < 0)
		return -EFAULT;
	v->exit.insn_len = len;
	return len;
}
