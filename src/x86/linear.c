// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory by linear address: the walker bound to a vCPU. Called by
 * fetch.c and mmio.c, in the run window or outside of it.
 */
#include <linux/kernel.h>
#include <linux/mm.h>

#include "run.h"
#include "walk.h"

int x86_linear_read_gpa(void *ctx, u64 gpa, void *buf, unsigned int len)
{
	struct x86_linear *l = ctx;
	struct kvmx_vm *vm = l->v->vcpu.vm;
	int ret;

	ret = l->atomic ? kvmx_guest_read_atomic(vm, gpa, buf, len) :
			  kvmx_guest_read(vm, gpa, buf, len);
	if (!ret && l->fetched)
		x86_fetch_note(l->fetched, vm, gpa, buf, len);
	return ret;
}

static int x86_linear_cmpxchg_gpa(void *ctx, u64 gpa, unsigned int size, u64 *old, u64 new)
{
	struct x86_linear *l = ctx;
	struct kvmx_vm *vm = l->v->vcpu.vm;
	struct kvmx_memslot *slot = kvmx_memslot_find(vm, gpa >> PAGE_SHIFT);

	/* Firmware's tables in a read-only slot: their bits stay as they are. */
	if (slot && (slot->flags & KVMX_MEM_READONLY))
		return 0;
	return kvmx_guest_cmpxchg(vm, gpa, size, old, new, l->atomic);
}

int x86_linear_translate(struct x86_linear *l, u64 addr, u32 access, u64 *gpa)
{
	struct x86_vcpu *v = l->v;
	const struct x86_state *s = x86_state(v, X86_STATE_CRS | X86_STATE_CODE);
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
