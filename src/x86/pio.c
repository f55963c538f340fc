// SPDX-License-Identifier: GPL-2.0-only
/*
 * IN and OUT of one register: to a device in the kernel, or to user space
 * through the port I/O page. Called by exit.c; string forms go to mmio.c.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "run.h"
#include "trace.h"

/* IN writes AL, AX or EAX; a 32-bit result clears the upper half of RAX. */
static void x86_pio_in_done(struct x86_vcpu *v, const void *data, u8 size)
{
	u64 *rax = &v->gpr[X86_RAX];

	if (size == 4)
		*rax = 0;
	memcpy(rax, data, size);
}

static int x86_pio_complete(struct x86_vcpu *v)
{
	if (x86_user_moved(v))
		return 0;
	if (v->io.asked) {
		trace_kvmx_pio(v, false, v->io.asked_at, v->io.asked, 1, v->vcpu.pio_page, true);
		x86_pio_in_done(v, v->vcpu.pio_page, v->io.asked);
	}
	x86_skip(v, v->io.insn_len);
	return 0;
}

enum run_next x86_pio(struct x86_vcpu *v, u16 port, u8 size, bool in, u8 insn_len)
{
	struct kvmx_run *run = v->vcpu.run;
	u32 val = v->gpr[X86_RAX];
	int ret;

	if (in)
		ret = kvmx_bus_read(&v->vcpu, KVMX_BUS_PIO, port, size, &val);
	else
		ret = kvmx_bus_write(&v->vcpu, KVMX_BUS_PIO, port, size, &val);
	if (!ret) {
		trace_kvmx_pio(v, !in, port, size, 1, &val, false);
		if (in)
			x86_pio_in_done(v, &val, size);
		x86_skip(v, insn_len);
		return RUN_STAY;
	}

	/* All four bytes: behind those that are meant is room. */
	if (!in) {
		trace_kvmx_pio(v, true, port, size, 1, &val, true);
		*(u32 *)v->vcpu.pio_page = val;
	}
	run->exit_reason = KVMX_EXIT_IO;
	run->io.direction = in ? KVMX_EXIT_IO_IN : KVMX_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = 1;
	run->io.data_offset = KVMX_PIO_PAGE_OFFSET * PAGE_SIZE;
	v->io.asked_at = port;
	return x86_ask_user(v, insn_len, in ? size : 0, x86_pio_complete);
}
