// SPDX-License-Identifier: GPL-2.0-only
/*
 * MOV between a register and device memory, which nearly all drivers use: done
 * without the emulator, at the address that the unit reports. Anything that is
 * not plain is left to mmio.c. Called by exit.c for stage-2 faults.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "run.h"
#include "decode.h"
#include "lapic.h"
#include "trace.h"

/*
 * Is what faulted the instruction's own operand, whole? Then its linear address
 * ends like the guest-physical one. Of an operand across two pages, the unit
 * reports the second if only that is missing.
 */
static bool mov_is_there(struct x86_vcpu *v, const struct x86_insn *in, const struct x86_mov *mov)
{
	u64 gpa = v->exit.fault.gpa;
	u64 linear = x86_insn_address(in, v->gpr, v->rip);

	if (in->mode != X86_MODE_64)
		linear += x86_state(v, X86_STATE_SEGS)->seg[in->seg].base;
	else if (in->seg == X86_SEG_FS || in->seg == X86_SEG_GS)
		linear += x86_state(v, X86_STATE_DATA)->seg[in->seg].base;
	return offset_in_page(linear) == offset_in_page(gpa) &&
	       offset_in_page(gpa) + mov->mem_size <= PAGE_SIZE;
}

static u64 mov_get(struct x86_vcpu *v, const struct x86_mov *mov)
{
	u64 val = mov->imm ? mov->val : v->gpr[mov->reg];

	return mov->high ? val >> 8 : val;
}

static void mov_put(struct x86_vcpu *v, const struct x86_mov *mov, const void *data)
{
	u64 *gpr = &v->gpr[mov->reg];
	u64 val = 0;

	memcpy(&val, data, mov->mem_size);
	if (mov->high)
		*gpr = (*gpr & ~0xff00ull) | (val & 0xff) << 8;
	else if (mov->size < 4)
		memcpy(gpr, &val, mov->size);
	else
		*gpr = val;
}

static int mov_complete(struct x86_vcpu *v)
{
	if (x86_user_moved(v))
		return 0;
	trace_kvmx_mmio(v, false, v->io.asked_at, v->io.asked, v->vcpu.run->mmio.data, true);
	mov_put(v, &v->io.mov, v->vcpu.run->mmio.data);
	x86_skip(v, v->io.insn_len);
	return 0;
}

static enum run_next mov_to_user(struct x86_vcpu *v, u64 gpa, const struct x86_mov *mov,
				 const void *data, u8 insn_len)
{
	struct kvmx_run *run = v->vcpu.run;

	run->exit_reason = KVMX_EXIT_MMIO;
	run->mmio.phys_addr = gpa;
	run->mmio.len = mov->mem_size;
	run->mmio.is_write = mov->store;
	if (mov->store) {
		trace_kvmx_mmio(v, true, gpa, mov->mem_size, data, true);
		memcpy(run->mmio.data, data, mov->mem_size);
		x86_skip(v, insn_len);
		return RUN_USER;
	}
	v->io.asked_at = gpa;
	v->io.mov = *mov;
	return x86_ask_user(v, insn_len, mov->mem_size, mov_complete);
}

static int mov_device(struct x86_vcpu *v, u64 gpa, const struct x86_mov *mov, void *data)
{
	if (v->lapic && lapic_mmio_match(v, gpa))
		return mov->store ?
		       lapic_mmio_write(v, offset_in_page(gpa), mov->mem_size, data) :
		       lapic_mmio_read(v, offset_in_page(gpa), mov->mem_size, data);
	return mov->store ? kvmx_bus_write(&v->vcpu, KVMX_BUS_MMIO, gpa, mov->mem_size, data) :
			    kvmx_bus_read(&v->vcpu, KVMX_BUS_MMIO, gpa, mov->mem_size, data);
}

bool x86_mmio_mov(struct x86_vcpu *v, bool atomic, enum run_next *next)
{
	const struct x86_exit *e = &v->exit;
	const struct x86_insn *insn;
	struct x86_mov mov;
	u64 data;

	/* Alignment checks are the emulator's. */
	if (e->fault.table_walk || (v->rflags & X86_EFLAGS_AC))
		return false;
	if (x86_fetch(v, atomic, &insn) || !x86_decode_mov(insn, &mov))
		return false;
	if (e->fault.access != (mov.store ? STAGE2_WRITE : STAGE2_READ) ||
	    !mov_is_there(v, insn, &mov))
		return false;

	v->io.rip = v->rip;
	data = mov.store ? mov_get(v, &mov) : 0;
	if (mov_device(v, e->fault.gpa, &mov, &data)) {
		*next = mov_to_user(v, e->fault.gpa, &mov, &data, insn->len);
		return true;
	}
	trace_kvmx_mmio(v, mov.store, e->fault.gpa, mov.mem_size, &data, false);
	if (!mov.store)
		mov_put(v, &mov, &data);
	x86_skip(v, insn->len);
	*next = RUN_STAY;
	return true;
}
