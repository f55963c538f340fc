// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions whose access the CPU cannot finish (device memory, string port
 * I/O, undecoded register moves): the emulator's accesses to memory and ports,
 * and the dialogue with user space about them. Called by exit.c.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "emulate_vcpu.h"
#include "lapic.h"
#include "trace.h"

/* Iterations of a REP that are done before requests are looked at again. */
#define X86_EMU_ITERATIONS	1024

/* An error of linear.c or of guest memory, as an emulator's result. */
static int emu_linear_result(struct x86_emu *e, int ret)
{
	struct x86_linear *l = &((struct x86_emu_ctx *)e->ctx)->linear;

	switch (ret) {
	case 0:
		return X86_EMU_DONE;
	case X86_LINEAR_FAULT:
		return x86_emu_raise_page_fault(e, l->fault_addr, l->error);
	case -EAGAIN:
		return X86_EMU_RETRY;
	default:
		return X86_EMU_UNHANDLED;
	}
}

static int emu_translate(struct x86_emu *e, u64 addr, u32 access, u64 *gpa)
{
	struct x86_linear *l = &((struct x86_emu_ctx *)e->ctx)->linear;

	return emu_linear_result(e, x86_linear_translate(l, addr, access, gpa));
}

/* Is there memory at @gpa that the access can be made to as memory? */
static bool emu_is_memory(struct x86_vcpu *v, u64 gpa, bool write)
{
	struct kvmx_memslot *slot;

	if (v->lapic && lapic_mmio_match(v, gpa))
		return false;
	slot = kvmx_memslot_find(v->vcpu.vm, gpa >> PAGE_SHIFT);
	return slot && !(write && (slot->flags & KVMX_MEM_READONLY));
}

/* Answers kept for the case that the instruction is emulated again. */
static bool emu_replay(struct x86_io_state *io, void *buf, unsigned int len)
{
	if (io->used + len > io->nr_read)
		return false;
	memcpy(buf, io->read + io->used, len);
	io->used += len;
	return true;
}

static int emu_record(struct x86_io_state *io, const void *buf, unsigned int len)
{
	if (io->nr_read + len > sizeof(io->read))
		return X86_EMU_UNHANDLED;
	memcpy(io->read + io->nr_read, buf, len);
	io->nr_read += len;
	io->used = io->nr_read;
	return X86_EMU_DONE;
}

static int emu_device_read(struct x86_emu *e, u64 gpa, void *buf, unsigned int len)
{
	struct x86_emu_ctx *ctx = e->ctx;
	struct x86_vcpu *v = emu_vcpu(e);
	struct kvmx_run *run = v->vcpu.run;
	int ret;

	if (emu_replay(&v->io, buf, len))
		return X86_EMU_DONE;
	if (v->lapic && lapic_mmio_match(v, gpa))
		ret = lapic_mmio_read(v, offset_in_page(gpa), len, buf);
	else
		ret = kvmx_bus_read(&v->vcpu, KVMX_BUS_MMIO, gpa, len, buf);
	if (!ret) {
		trace_kvmx_mmio(v, false, gpa, len, buf, false);
		return emu_record(&v->io, buf, len);
	}

	run->exit_reason = KVMX_EXIT_MMIO;
	run->mmio.phys_addr = gpa;
	run->mmio.len = len;
	run->mmio.is_write = 0;
	v->io.asked = len;
	v->io.asked_at = gpa;
	v->io.asked_port = 0;
	ctx->handed_out = true;
	return X86_EMU_IO;
}

/* Writes to devices are made once the instruction is sure to be done. */
static int emu_device_write(struct x86_emu *e, u64 gpa, const void *buf, unsigned int len)
{
	struct x86_io_state *io = &emu_vcpu(e)->io;

	if (io->nr_writes == ARRAY_SIZE(io->write))
		return X86_EMU_UNHANDLED;
	io->write[io->nr_writes].gpa = gpa;
	io->write[io->nr_writes].len = len;
	memcpy(io->write[io->nr_writes].data, buf, len);
	io->nr_writes++;
	return X86_EMU_DONE;
}

/* The longest run at @gpa that a device sees as one access: a power of two, at most 8. */
static unsigned int emu_device_len(unsigned int len)
{
	return len >= 8 ? 8 : len >= 4 ? 4 : len >= 2 ? 2 : 1;
}

static int emu_read_page(struct x86_emu *e, u64 gpa, void *buf, unsigned int len)
{
	struct x86_vcpu *v = emu_vcpu(e);
	struct kvmx_vm *vm = v->vcpu.vm;
	int ret;

	if (emu_is_memory(v, gpa, false)) {
		ret = emu_atomic(e) ? kvmx_guest_read_atomic(vm, gpa, buf, len) :
				      kvmx_guest_read(vm, gpa, buf, len);
		return emu_linear_result(e, ret);
	}
	while (len) {
		unsigned int part = emu_device_len(len);

		ret = emu_device_read(e, gpa, buf, part);
		if (ret != X86_EMU_DONE)
			return ret;
		gpa += part;
		buf += part;
		len -= part;
	}
	return X86_EMU_DONE;
}

static int emu_write_page(struct x86_emu *e, u64 gpa, const void *buf, unsigned int len)
{
	struct x86_vcpu *v = emu_vcpu(e);
	struct kvmx_vm *vm = v->vcpu.vm;
	int ret;

	if (emu_is_memory(v, gpa, true)) {
		ret = emu_atomic(e) ? kvmx_guest_write_atomic(vm, gpa, buf, len) :
				      kvmx_guest_write(vm, gpa, buf, len);
		return emu_linear_result(e, ret);
	}
	while (len) {
		unsigned int part = emu_device_len(len);

		ret = emu_device_write(e, gpa, buf, part);
		if (ret != X86_EMU_DONE)
			return ret;
		gpa += part;
		buf += part;
		len -= part;
	}
	return X86_EMU_DONE;
}

/* Up to the end of the page; the rest, if any, lies in the next. */
static unsigned int emu_first_part(u64 addr, unsigned int len)
{
	return min_t(unsigned int, len, PAGE_SIZE - offset_in_page(addr));
}

int x86_emu_fetch(struct x86_emu *e, u64 addr, void *buf, unsigned int len)
{
	struct x86_linear *l = &((struct x86_emu_ctx *)e->ctx)->linear;

	return emu_linear_result(e, x86_linear_read(l, addr, buf, len, X86_WALK_EXEC));
}

int x86_emu_read(struct x86_emu *e, u64 addr, void *buf, unsigned int len, u32 access)
{
	unsigned int first = emu_first_part(addr, len);
	u64 gpa[2];
	int ret;

	ret = emu_translate(e, addr, access, &gpa[0]);
	if (ret == X86_EMU_DONE && first < len)
		ret = emu_translate(e, addr + first, access, &gpa[1]);
	if (ret == X86_EMU_DONE)
		ret = emu_read_page(e, gpa[0], buf, first);
	if (ret == X86_EMU_DONE && first < len)
		ret = emu_read_page(e, gpa[1], buf + first, len - first);
	return ret;
}

int x86_emu_write(struct x86_emu *e, u64 addr, const void *buf, unsigned int len, u32 access)
{
	unsigned int first = emu_first_part(addr, len);
	u64 gpa[2];
	int ret;

	access |= X86_WALK_WRITE;
	ret = emu_translate(e, addr, access, &gpa[0]);
	if (ret == X86_EMU_DONE && first < len)
		ret = emu_translate(e, addr + first, access, &gpa[1]);
	if (ret == X86_EMU_DONE)
		ret = emu_write_page(e, gpa[0], buf, first);
	if (ret == X86_EMU_DONE && first < len)
		ret = emu_write_page(e, gpa[1], buf + first, len - first);
	return ret;
}

int x86_emu_probe(struct x86_emu *e, u64 addr, unsigned int len, u32 access)
{
	unsigned int first = emu_first_part(addr, len);
	u64 gpa;
	int ret;

	ret = emu_translate(e, addr, access, &gpa);
	if (ret == X86_EMU_DONE && first < len)
		ret = emu_translate(e, addr + first, access, &gpa);
	return ret;
}

/*
 * Locked accesses are atomic on aligned memory. On a device, or across a
 * boundary, nothing can lock: the new value is written, since the emulator has
 * just read the old one.
 */
int x86_emu_cmpxchg(struct x86_emu *e, u64 addr, void *old, const void *new, unsigned int len)
{
	struct x86_vcpu *v = emu_vcpu(e);
	u64 gpa, o = 0, n = 0;
	int ret;

	ret = emu_translate(e, addr, X86_WALK_WRITE, &gpa);
	if (ret != X86_EMU_DONE)
		return ret;
	if (len > 8 || (addr & (len - 1)) || !emu_is_memory(v, gpa, true))
		return x86_emu_write(e, addr, new, len, 0);
	memcpy(&o, old, len);
	memcpy(&n, new, len);
	ret = kvmx_guest_cmpxchg(v->vcpu.vm, gpa, len, &o, n, emu_atomic(e));
	memcpy(old, &o, len);
	return emu_linear_result(e, ret);
}

int x86_emu_pio_in(struct x86_emu *e, u16 port, unsigned int size, void *buf,
		   unsigned int count)
{
	struct x86_emu_ctx *ctx = e->ctx;
	struct x86_vcpu *v = emu_vcpu(e);
	struct kvmx_run *run = v->vcpu.run;
	unsigned int i, len = size * count;

	if (v->io.pio_ready == len) {
		memcpy(buf, v->vcpu.pio_page, len);
		return X86_EMU_DONE;
	}
	/* A device in the kernel answers all of it, or user space does. */
	for (i = 0; i < count; i++) {
		if (kvmx_bus_read(&v->vcpu, KVMX_BUS_PIO, port, size, buf + i * size))
			break;
	}
	if (i == count) {
		trace_kvmx_pio(v, false, port, size, count, buf, false);
		memcpy(v->vcpu.pio_page, buf, len);
		v->io.pio_ready = len;
		return X86_EMU_DONE;
	}
	run->exit_reason = KVMX_EXIT_IO;
	run->io.direction = KVMX_EXIT_IO_IN;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	v->io.asked = len;
	v->io.asked_at = port;
	v->io.asked_port = size;
	run->io.data_offset = KVMX_PIO_PAGE_OFFSET * PAGE_SIZE;
	ctx->handed_out = true;
	return X86_EMU_IO;
}

int x86_emu_pio_out(struct x86_emu *e, u16 port, unsigned int size, const void *buf,
		    unsigned int count)
{
	struct x86_emu_ctx *ctx = e->ctx;
	struct x86_vcpu *v = emu_vcpu(e);
	struct kvmx_run *run = v->vcpu.run;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (kvmx_bus_write(&v->vcpu, KVMX_BUS_PIO, port, size, buf + i * size))
			break;
	}
	if (i)
		trace_kvmx_pio(v, true, port, size, i, buf, false);
	if (i == count)
		return X86_EMU_DONE;
	trace_kvmx_pio(v, true, port, size, count - i, buf + i * size, true);
	memcpy(v->vcpu.pio_page, buf + i * size, (count - i) * size);
	run->exit_reason = KVMX_EXIT_IO;
	run->io.direction = KVMX_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count - i;
	run->io.data_offset = KVMX_PIO_PAGE_OFFSET * PAGE_SIZE;
	ctx->handed_out = true;
	return X86_EMU_DONE;
}

void x86_emu_forget(struct x86_io_state *io)
{
	io->nr_read = 0;
	io->used = 0;
	io->pio_ready = 0;
	io->nr_writes = 0;
	io->next_write = 0;
}

static int emu_write_complete(struct x86_vcpu *v);

/* Makes the device writes of a finished instruction, up to one that user space has to make. */
static bool emu_hand_out_writes(struct x86_vcpu *v)
{
	struct x86_io_state *io = &v->io;
	struct kvmx_run *run = v->vcpu.run;

	while (io->next_write < io->nr_writes) {
		u8 n = io->next_write++;
		u64 gpa = io->write[n].gpa;
		u8 len = io->write[n].len;
		int ret;

		if (v->lapic && lapic_mmio_match(v, gpa))
			ret = lapic_mmio_write(v, offset_in_page(gpa), len, io->write[n].data);
		else
			ret = kvmx_bus_write(&v->vcpu, KVMX_BUS_MMIO, gpa, len,
					     io->write[n].data);
		trace_kvmx_mmio(v, true, gpa, len, io->write[n].data, ret);
		if (!ret)
			continue;
		run->exit_reason = KVMX_EXIT_MMIO;
		run->mmio.phys_addr = gpa;
		run->mmio.len = len;
		run->mmio.is_write = 1;
		memcpy(run->mmio.data, io->write[n].data, len);
		io->complete = emu_write_complete;
		return true;
	}
	x86_emu_forget(io);
	return false;
}

static int emu_write_complete(struct x86_vcpu *v)
{
	return emu_hand_out_writes(v) ? 1 : 0;
}

/* User space has answered a read: the instruction starts over with what is known. */
static int emu_read_complete(struct x86_vcpu *v)
{
	struct x86_io_state *io = &v->io;

	/* Unless it moved the vCPU elsewhere: the answer was for another instruction. */
	if (x86_user_moved(v)) {
		x86_emu_forget(io);
		return 0;
	}
	if (io->asked_port) {
		trace_kvmx_pio(v, false, io->asked_at, io->asked_port, io->asked / io->asked_port,
			       v->vcpu.pio_page, true);
		io->pio_ready = io->asked;
	} else {
		trace_kvmx_mmio(v, false, io->asked_at, io->asked, v->vcpu.run->mmio.data, true);
		if (emu_record(io, v->vcpu.run->mmio.data, io->asked) != X86_EMU_DONE)
			return -EFAULT;
	}
	switch (x86_emulate_insn(v, false)) {
	case RUN_USER:
		return 1;
	case RUN_ERROR:
		return v->vcpu.run_error;
	default:
		return 0;
	}
}

static enum run_next emu_failed(struct x86_emu_ctx *ctx)
{
	struct x86_vcpu *v = ctx->linear.v;
	struct kvmx_run *run = v->vcpu.run;

	x86_emu_forget(&v->io);
	if (x86_cpl(v) && !READ_ONCE(x86_vm_of(v)->exit_on_emulation_failure)) {
		x86_raise(v, X86_EXC_UD);
		return RUN_LEAVE;
	}
	x86_internal_error(v, KVMX_INTERNAL_ERROR_EMULATION);
	if (ctx->emu.nr_bytes) {
		run->emulation_failure.flags =
			KVMX_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		run->emulation_failure.insn_size = ctx->emu.nr_bytes;
		memcpy(run->emulation_failure.insn_bytes, ctx->emu.bytes, ctx->emu.nr_bytes);
	}
	return RUN_USER;
}

static enum run_next emu_done(struct x86_emu_ctx *ctx)
{
	struct x86_vcpu *v = ctx->linear.v;

	x86_emu_commit(ctx);
	if (ctx->emu.single_step)
		x86_raise_debug(v, X86_DR6_BS);
	if (v->guest_debug)
		x86_guest_debug_skipped(v);
	if (emu_hand_out_writes(v) || ctx->handed_out)
		return RUN_USER;
	return v->mp_state == X86_MP_RUNNABLE ? RUN_STAY : RUN_LEAVE;
}

enum run_next x86_emulate_insn(struct x86_vcpu *v, bool atomic)
{
	struct x86_emu_ctx *ctx = v->emu;
	struct x86_io_state *io = &v->io;
	unsigned int n;
	int ret;

	x86_emu_begin(ctx, v, atomic);
	io->rip = v->rip;
	for (n = 0; n < X86_EMU_ITERATIONS; n++) {
		io->used = 0;
		io->nr_writes = 0;
		io->next_write = 0;
		ctx->emu.int_shadow = false;
		ret = x86_emulate(&ctx->emu);
		switch (ret) {
		case X86_EMU_DONE:
			return emu_done(ctx);
		case X86_EMU_REPEAT:
			ret = emu_done(ctx);
			/* A trap after an iteration comes before the next. */
			if (ret != RUN_STAY || v->ev.exception.type != X86_EVENT_NONE)
				return ret;
			break;
		case X86_EMU_FAULT:
			x86_emu_forget(io);
			x86_emu_deliver(ctx);
			return RUN_STAY;
		case X86_EMU_IO:
			io->complete = emu_read_complete;
			return RUN_USER;
		case X86_EMU_RETRY:
			if (atomic)
				return RUN_SLOW;
			x86_emu_forget(io);
			return RUN_LEAVE;
		default:
			return emu_failed(ctx);
		}
		if (v->vcpu.requests || need_resched())
			break;
	}
	return RUN_LEAVE;
}

int x86_emu_alloc(struct x86_vcpu *v)
{
	v->emu = kzalloc(sizeof(struct x86_emu_ctx), GFP_KERNEL_ACCOUNT);
	return v->emu ? 0 : -ENOMEM;
}
