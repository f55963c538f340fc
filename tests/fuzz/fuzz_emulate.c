// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as an instruction, on any registers, segments, tables and memory: the decoder says
 * the same whatever more bytes there are, and the emulator leaves a state that it had found
 * unless it says that the instruction is done, calls for nothing out of bounds, and does the
 * same again when it is asked again from the same state.
 */
#include <kvmx/x86.h>
#include "decode.h"
#include "emulate.h"
#include "fuzz.h"

#define MEMORY	0x4000		/* at 0; the rest of the address space faults, or is a device */

static u8 mem[MEMORY], before_mem[MEMORY];
static unsigned int calls;	/* of ops */
static u8 chance;		/* of an op to fail */

static int op_result(struct x86_emu *e)
{
	calls++;
	if (!chance || calls % chance)
		return X86_EMU_DONE;
	switch (chance & 3) {
	case 0:	return X86_EMU_IO;
	case 1:	return X86_EMU_RETRY;
	case 2:	return x86_emu_raise_page_fault(e, 0x1234, X86_PF_W);
	default: return X86_EMU_UNHANDLED;
	}
}

static u8 *memory(struct x86_emu *e, u64 linear, unsigned int len)
{
	if (linear < MEMORY && len <= MEMORY - linear)
		return mem + linear;
	x86_emu_raise_page_fault(e, linear, 0);
	return NULL;
}

static int op_read(struct x86_emu *e, u64 linear, void *buf, unsigned int len, u32 access)
{
	u8 *p = memory(e, linear, len);
	int ret = op_result(e);

	fuzz_demand(len && len <= X86_EMU_PIO_MAX);
	if (ret || !p)
		return ret ?: X86_EMU_FAULT;
	memcpy(buf, p, len);
	return X86_EMU_DONE;
}

static int op_write(struct x86_emu *e, u64 linear, const void *buf, unsigned int len, u32 access)
{
	u8 *p = memory(e, linear, len);
	int ret = op_result(e);

	fuzz_demand(len && len <= X86_EMU_PIO_MAX && (access & X86_WALK_WRITE));
	if (ret || !p)
		return ret ?: X86_EMU_FAULT;
	memcpy(p, buf, len);
	return X86_EMU_DONE;
}

static int op_cmpxchg(struct x86_emu *e, u64 linear, void *old, const void *new, unsigned int len)
{
	u8 *p = memory(e, linear, len);
	int ret = op_result(e);

	fuzz_demand(len == 1 || len == 2 || len == 4 || len == 8 || len == 16);
	if (ret || !p)
		return ret ?: X86_EMU_FAULT;
	if (calls & 1)			/* another CPU was faster */
		p[0]++;
	if (memcmp(p, old, len))
		memcpy(old, p, len);
	else
		memcpy(p, new, len);
	return X86_EMU_DONE;
}

static int op_fetch(struct x86_emu *e, u64 linear, void *buf, unsigned int len)
{
	fuzz_demand(len && len <= X86_INSN_MAX && (linear & 0xfff) + len <= 0x1000);
	return op_read(e, linear, buf, len, X86_WALK_EXEC);
}

static int op_probe(struct x86_emu *e, u64 linear, unsigned int len, u32 access)
{
	int ret = op_result(e);

	return ret ?: memory(e, linear, len) ? X86_EMU_DONE : X86_EMU_FAULT;
}

static int op_in(struct x86_emu *e, u16 port, unsigned int size, void *buf, unsigned int count)
{
	fuzz_demand((size == 1 || size == 2 || size == 4) && count && size * count <= X86_EMU_PIO_MAX);
	memset(buf, 0x5a, size * count);
	return op_result(e);
}

static int op_out(struct x86_emu *e, u16 port, unsigned int size, const void *buf, unsigned int count)
{
	static u8 sink[X86_EMU_PIO_MAX];

	fuzz_demand((size == 1 || size == 2 || size == 4) && count && size * count <= X86_EMU_PIO_MAX);
	memcpy(sink, buf, size * count);	/* all of it is there */
	return op_result(e);
}

static int op_get(struct x86_emu *e, unsigned int reg, u64 *val)
{
	fuzz_demand(reg <= 8);
	*val = 0x1122334455667788;
	return op_result(e);
}

static int op_set(struct x86_emu *e, unsigned int reg, u64 val)
{
	fuzz_demand(reg <= 8);
	return op_result(e);
}

static int op_get_msr(struct x86_emu *e, u32 msr, u64 *val)
{
	*val = msr;
	return op_result(e);
}

static int op_set_msr(struct x86_emu *e, u32 msr, u64 val)
{
	return op_result(e);
}

static int op_cpuid(struct x86_emu *e, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	*ebx = *edx = *eax;
	return op_result(e);
}

static int op_plain(struct x86_emu *e)
{
	return op_result(e);
}

static int op_invlpg(struct x86_emu *e, u64 linear)
{
	return op_result(e);
}

static u8 xmm[16][32];

static int op_read_xmm(struct x86_emu *e, unsigned int reg, void *buf, unsigned int len)
{
	fuzz_demand(reg < 16 && (len == 16 || len == 32));
	memcpy(buf, xmm[reg], len);
	return op_result(e);
}

static int op_write_xmm(struct x86_emu *e, unsigned int reg, const void *buf, unsigned int len,
			bool zero_upper)
{
	fuzz_demand(reg < 16 && (len == 16 || len == 32));
	return op_result(e);
}

static const struct x86_emu_ops ops = {
	.fetch = op_fetch, .read = op_read, .write = op_write, .cmpxchg = op_cmpxchg,
	.probe = op_probe, .pio_in = op_in, .pio_out = op_out, .get_cr = op_get, .set_cr = op_set,
	.get_dr = op_get, .set_dr = op_set, .get_msr = op_get_msr, .set_msr = op_set_msr,
	.cpuid = op_cpuid, .hlt = op_plain, .wbinvd = op_plain, .invlpg = op_invlpg,
	.read_xmm = op_read_xmm, .write_xmm = op_write_xmm,
};

/* The length does not depend on what follows, and less than it is not enough. */
static void decode_alone(const u8 *bytes, enum x86_insn_mode mode)
{
	struct x86_insn insn, again;
	unsigned int n;
	int ret = x86_decode(&insn, bytes, X86_INSN_MAX, mode);
	struct x86_mov mov;

	fuzz_demand(ret != X86_DECODE_MORE);
	fuzz_demand(insn.len <= X86_INSN_MAX);
	if (ret != X86_DECODE_OK)
		return;
	fuzz_demand(insn.len > 0);
	for (n = 0; n < insn.len; n++)
		fuzz_demand(x86_decode(&again, bytes, n, mode) == X86_DECODE_MORE);
	fuzz_demand(x86_decode(&again, bytes, insn.len, mode) == X86_DECODE_OK);
	fuzz_demand(again.len == insn.len && again.fn == insn.fn && again.imm == insn.imm);
	if (x86_decode_mov(&insn, &mov))
		fuzz_demand(mov.reg < 16 && mov.size <= 8 && mov.mem_size <= mov.size);
}

static u64 address(struct fuzz_input *in)
{
	return fuzz_u8(in) & 3 ? fuzz_u16(in) % MEMORY : fuzz_edge(in);
}

static void random_state(struct fuzz_input *in, struct x86_emu *e)
{
	static const u64 efer[4] = { 0, 0, 0x500, 0xd01 };
	u8 mode = fuzz_u8(in), flags = fuzz_u8(in);
	unsigned int i;

	memset(e, 0, sizeof(*e));
	e->ops = &ops;
	e->efer = efer[mode & 3];
	e->cr0 = mode & 2 ? 0x80050033 : mode & 4 ? 0x33 : 0x32;
	e->cr4 = fuzz_u32(in);
	e->cpl = mode >> 3 & 3;
	e->rflags = X86_EFLAGS_FIXED | (fuzz_u16(in) & 0x7fd5);
	if (flags & 1)
		e->rflags |= X86_EFLAGS_AC;
	if ((flags & 2) && (e->cr0 & 1) && !(e->efer & X86_EFER_LMA))
		e->rflags |= X86_EFLAGS_VM;
	e->rip = address(in);
	for (i = 0; i < X86_GPRS; i++)
		e->gpr[i] = flags & 4 ? address(in) : 0x40 * i;
	for (i = 0; i < X86_SEGS; i++) {
		e->seg[i] = (struct x86_segment){ 0, 0xffffffff, i * 8, i == X86_SEG_CS ? 0xc9b : 0xc93 };
		if (!(flags & 8))
			continue;
		e->seg[i].base = address(in);
		e->seg[i].limit = fuzz_edge(in);
		e->seg[i].attr = fuzz_u16(in) & 0xfff;
		e->seg[i].selector = fuzz_u16(in);
	}
	if (mode & 0x20)
		e->seg[X86_SEG_CS].attr = (e->seg[X86_SEG_CS].attr & ~X86_ATTR_DB) | X86_ATTR_L;
	e->gdt = (struct x86_table){ address(in), fuzz_u16(in) };
	e->idt = (struct x86_table){ 0, 0x3ff };
	chance = mode & 0x40 ? fuzz_u8(in) : 0;
}

static bool same_state(const struct x86_emu *a, const struct x86_emu *b)
{
	return !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) && a->rip == b->rip &&
	       a->rflags == b->rflags && !memcmp(a->seg, b->seg, sizeof(a->seg)) &&
	       !memcmp(&a->gdt, &b->gdt, sizeof(a->gdt)) && !memcmp(&a->idt, &b->idt, sizeof(a->idt));
}

static void check_end(const struct x86_emu *e, const struct x86_emu *before, int ret)
{
	switch (ret) {
	case X86_EMU_DONE:
	case X86_EMU_REPEAT:
		fuzz_demand(e->rflags & X86_EFLAGS_FIXED);
		fuzz_demand(e->insn_len && e->insn_len <= X86_INSN_MAX);
		break;
	case X86_EMU_FAULT:
		fuzz_demand(e->exc.type == X86_EVENT_EXCEPTION && e->exc.vector < 32);
		fallthrough;
	case X86_EMU_IO:
	case X86_EMU_RETRY:
	case X86_EMU_UNHANDLED:
		fuzz_demand(same_state(e, before));
		fuzz_demand(!e->changed && !e->int_shadow && !e->single_step);
		break;
	default:
		shim_bug("x86_emulate() said %d", ret);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct x86_emu e, before, first;
	u8 bytes[X86_INSN_MAX];
	int steps, ret, again;

	fuzz_bytes(&in, bytes, sizeof(bytes));
	decode_alone(bytes, X86_MODE_16);
	decode_alone(bytes, X86_MODE_32);
	decode_alone(bytes, X86_MODE_64);

	random_state(&in, &e);
	memset(mem, 0, sizeof(mem));
	fuzz_bytes(&in, mem, min_t(size_t, in.left, sizeof(mem)));
	memcpy(e.bytes, bytes, sizeof(bytes));
	e.nr_bytes = bytes[X86_INSN_MAX - 1] & 15;
	for (steps = 0; steps < 8; steps++) {
		before = e;
		memcpy(before_mem, mem, sizeof(mem));
		calls = 0;
		ret = x86_emulate(&e);
		check_end(&e, &before, ret);
		first = e;

		/* The same from the same state. */
		e = before;
		memcpy(mem, before_mem, sizeof(mem));
		calls = 0;
		again = x86_emulate(&e);
		fuzz_demand(again == ret && same_state(&e, &first) && !memcmp(&e.exc, &first.exc, sizeof(e.exc)));
		if (ret != X86_EMU_DONE && ret != X86_EMU_REPEAT)
			break;
		if (ret == X86_EMU_DONE)
			e.nr_bytes = 0;
	}
	return 0;
}
