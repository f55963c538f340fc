// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator where the CPU under the test cannot be asked (see test_emulate_native.c): real
 * mode, segments and descriptors, ports, system registers, device memory that user space
 * completes, atomicity, fetch, faults and roll-back, and random instructions on random state.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <kvmx/x86_regs.h>
#include "emulate.h"

#include "unit.h"

/* links: src/x86/decode.c src/x86/emulate.c src/x86/emulate_alu.c src/x86/emulate_flow.c */
/* links: src/x86/emulate_seg.c src/x86/emulate_string.c src/x86/emulate_sys.c */

/* --- a small machine: 64 KiB at 0, the same from MMIO on is a device --- */

#define MEMORY	0x10000
#define MMIO	0x20000		/* reads end in X86_EMU_IO until answered */
#define GDT	0x1000
#define LDT	0x1800
#define TSS	0x2000
#define CODE	0x4000
#define DATA	0x5000
#define STACK	0x6000

static u8 mem[MEMORY];
static struct x86_emu emu;

static struct {
	u8 data[64];		/* what user space has answered so far */
	unsigned int have, used;
	u64 read_addr[8];
	unsigned int reads, writes, ports, probes, fetches;
	u64 write_addr;
	u8 write_data[64];
	unsigned int write_len;
	u32 last_access;
	u16 port;
	unsigned int size, count;
	u8 out[X86_EMU_PIO_MAX];
	unsigned int lost;	/* how many cmpxchg lose against another CPU */
	u8 lost_by;		/* that adds this to the first byte; 0: one */
	int pio_result, result;	/* of a port op, and of every op (0: as it is) */
	u64 cr[9], dr[8], msr_value;
	u32 msr;
	unsigned int calls;
	const char *last;
} dev;

static bool is_memory(u64 linear, unsigned int len)
{
	return linear < MEMORY && linear + len <= MEMORY;
}

static int op_read(struct x86_emu *e, u64 linear, void *buf, unsigned int len, u32 access)
{
	dev.last_access = access;
	if (dev.result)
		return dev.result;
	if (is_memory(linear, len)) {
		memcpy(buf, mem + linear, len);
		return X86_EMU_DONE;
	}
	if (linear < MMIO || linear >= 2 * MMIO)
		return x86_emu_raise_page_fault(e, linear, access & X86_WALK_WRITE ? X86_PF_W : 0);
	if (dev.used + len > dev.have)
		return X86_EMU_IO;
	memcpy(buf, dev.data + dev.used, len);
	dev.used += len;
	dev.reads++;
	return X86_EMU_DONE;
}

static int op_write(struct x86_emu *e, u64 linear, const void *buf, unsigned int len, u32 access)
{
	ck_assert(access & X86_WALK_WRITE);
	if (dev.result)
		return dev.result;
	if (is_memory(linear, len)) {
		memcpy(mem + linear, buf, len);
		return X86_EMU_DONE;
	}
	if (linear < MMIO || linear >= 2 * MMIO)
		return x86_emu_raise_page_fault(e, linear, X86_PF_W);
	dev.writes++;
	dev.write_addr = linear;
	dev.write_len = min(len, 64u);
	memcpy(dev.write_data, buf, dev.write_len);
	return X86_EMU_DONE;
}

static int op_cmpxchg(struct x86_emu *e, u64 linear, void *old, const void *new, unsigned int len)
{
	ck_assert(len == 1 || len == 2 || len == 4 || len == 8 || len == 16);
	if (dev.result)
		return dev.result;
	if (!is_memory(linear, len))
		return op_write(e, linear, new, len, X86_WALK_WRITE);
	if (dev.lost) {
		dev.lost--;
		mem[linear] += dev.lost_by ?: 1;
	}
	if (memcmp(mem + linear, old, len))
		memcpy(old, mem + linear, len);
	else
		memcpy(mem + linear, new, len);
	return X86_EMU_DONE;
}

static int op_fetch(struct x86_emu *e, u64 linear, void *buf, unsigned int len)
{
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le((linear & 0xfff) + len, 0x1000);
	dev.fetches++;
	if (dev.result)
		return dev.result;
	if (!is_memory(linear, len))
		return x86_emu_raise_page_fault(e, linear, X86_PF_I);
	memcpy(buf, mem + linear, len);
	return X86_EMU_DONE;
}

static int op_probe(struct x86_emu *e, u64 linear, unsigned int len, u32 access)
{
	dev.probes++;
	if (dev.result)
		return dev.result;
	if (is_memory(linear, len) || (linear >= MMIO && linear < 2 * MMIO))
		return X86_EMU_DONE;
	return x86_emu_raise_page_fault(e, linear, access & X86_WALK_WRITE ? X86_PF_W : 0);
}

static int op_in(struct x86_emu *e, u16 port, unsigned int size, void *buf, unsigned int count)
{
	unsigned int i;

	ck_assert_uint_le(size * count, X86_EMU_PIO_MAX);
	dev.ports++;
	dev.port = port;
	dev.size = size;
	dev.count = count;
	for (i = 0; i < size * count; i++)
		((u8 *)buf)[i] = 0x10 + i;
	return dev.result ? dev.result : dev.pio_result;
}

static int op_out(struct x86_emu *e, u16 port, unsigned int size, const void *buf, unsigned int count)
{
	ck_assert_uint_le(size * count, X86_EMU_PIO_MAX);
	dev.ports++;
	dev.port = port;
	dev.size = size;
	dev.count = count;
	memcpy(dev.out, buf, size * count);
	return dev.result ? dev.result : dev.pio_result;
}

static int called(const char *name)
{
	dev.calls++;
	dev.last = name;
	return dev.result;
}

static int op_get_cr(struct x86_emu *e, unsigned int reg, u64 *val)
{
	ck_assert_uint_le(reg, 8);
	*val = dev.cr[reg];
	return called("get_cr");
}

static int op_set_cr(struct x86_emu *e, unsigned int reg, u64 val)
{
	ck_assert_uint_le(reg, 8);
	dev.cr[reg] = val;
	return called("set_cr");
}

static int op_get_dr(struct x86_emu *e, unsigned int reg, u64 *val)
{
	ck_assert_uint_le(reg, 7);
	*val = dev.dr[reg];
	return called("get_dr");
}

static int op_set_dr(struct x86_emu *e, unsigned int reg, u64 val)
{
	ck_assert_uint_le(reg, 7);
	dev.dr[reg] = val;
	return called("set_dr");
}

static int op_get_msr(struct x86_emu *e, u32 msr, u64 *val)
{
	dev.msr = msr;
	*val = 0x1122334455667788;
	if (msr == 0xbad)
		return x86_emu_raise_error(e, X86_EXC_GP, 0);
	return called("get_msr");
}

static int op_set_msr(struct x86_emu *e, u32 msr, u64 val)
{
	dev.msr = msr;
	dev.msr_value = val;
	return called("set_msr");
}

static int op_cpuid(struct x86_emu *e, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	*ebx = *eax + 1;
	*edx = *ecx + 2;
	*eax = 3;
	*ecx = 4;
	return called("cpuid");
}

static int op_hlt(struct x86_emu *e)
{
	return called("hlt");
}

static int op_wbinvd(struct x86_emu *e)
{
	return called("wbinvd");
}

static u64 invalidated;

static int op_invlpg(struct x86_emu *e, u64 linear)
{
	invalidated = linear;
	return called("invlpg");
}

static int op_read_xmm(struct x86_emu *e, unsigned int reg, void *buf, unsigned int len)
{
	ck_assert(reg < 16 && (len == 16 || len == 32));
	memset(buf, 0x40 + reg, len);
	return called("read_xmm");
}

static u8 xmm_written[32];

static int op_write_xmm(struct x86_emu *e, unsigned int reg, const void *buf, unsigned int len,
			bool zero_upper)
{
	ck_assert(reg < 16 && (len == 16 || len == 32));
	memcpy(xmm_written, buf, len);
	return called("write_xmm");
}

static const struct x86_emu_ops ops = {
	.fetch = op_fetch, .read = op_read, .write = op_write, .cmpxchg = op_cmpxchg,
	.probe = op_probe, .pio_in = op_in, .pio_out = op_out,
	.get_cr = op_get_cr, .set_cr = op_set_cr, .get_dr = op_get_dr, .set_dr = op_set_dr,
	.get_msr = op_get_msr, .set_msr = op_set_msr, .cpuid = op_cpuid, .hlt = op_hlt,
	.wbinvd = op_wbinvd, .invlpg = op_invlpg, .read_xmm = op_read_xmm, .write_xmm = op_write_xmm,
};

/* --- states --- */

#define R(name)	(emu.gpr[X86_##name])

static void machine(void)
{
	int i;

	memset(&emu, 0, sizeof(emu));
	memset(&dev, 0, sizeof(dev));
	memset(mem, 0, sizeof(mem));
	emu.ops = &ops;
	emu.rflags = 0x2;
	emu.cr4 = X86_CR4_OSFXSR;
	for (i = 0; i < X86_GPRS; i++)
		emu.gpr[i] = 0x0101010101010101ull * i;
	emu.rip = CODE;
	R(RSP) = STACK;
	emu.gdt = (struct x86_table){ GDT, 0x7ff };
	emu.idt = (struct x86_table){ 0, 0x3ff };
}

static void real_mode(void)
{
	int i;

	machine();
	for (i = 0; i <= X86_SEG_GS; i++)
		emu.seg[i] = (struct x86_segment){ 0, 0xffff, 0, i == X86_SEG_CS ? 0x9b : 0x93 };
}

static void protected_mode(unsigned int cpl)
{
	int i;

	machine();
	emu.cr0 = X86_CR0_PE | X86_CR0_PG;
	emu.cpl = cpl;
	for (i = 0; i <= X86_SEG_GS; i++)
		emu.seg[i] = (struct x86_segment){ 0, ~0u, 0x10 | cpl, 0xc93 | cpl << 5 };
	emu.seg[X86_SEG_CS].attr = 0xc9b | cpl << 5;
	emu.seg[X86_SEG_CS].selector = 8 | cpl;
	emu.seg[X86_SEG_LDTR] = (struct x86_segment){ LDT, 0xff, 0x20, 0x82 };
	emu.seg[X86_SEG_TR] = (struct x86_segment){ TSS, 0x67 + 0x2000, 0x30, 0x8b };
}

static void long_mode(unsigned int cpl)
{
	protected_mode(cpl);
	emu.efer = X86_EFER_LME | X86_EFER_LMA;
	emu.cr4 |= X86_CR4_PAE;
	emu.seg[X86_SEG_CS].attr = 0xa9b | cpl << 5;
}

/* Puts an instruction at rip and emulates it with nothing prefetched. */
static int run(const char *hex)
{
	u64 at = (emu.efer & X86_EFER_LMA ? 0 : emu.seg[X86_SEG_CS].base) + emu.rip;
	unsigned int i, val;

	for (i = 0; hex[2 * i]; i++) {
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &val), 1);
		mem[at + i] = val;
	}
	emu.nr_bytes = 0;
	return x86_emulate(&emu);
}

static void faults(const char *hex, u8 vector, int error)
{
	struct x86_emu before = emu;

	ck_assert_msg(run(hex) == X86_EMU_FAULT, "%s does not fault", hex);
	ck_assert_msg(emu.exc.vector == vector, "%s: vector %u", hex, emu.exc.vector);
	ck_assert_int_eq(emu.exc.type, X86_EVENT_EXCEPTION);
	ck_assert_int_eq(emu.exc.has_error, error >= 0);
	if (error >= 0)
		ck_assert_uint_eq(emu.exc.error, error);
	ck_assert(!memcmp(before.gpr, emu.gpr, sizeof(emu.gpr)) && before.rip == emu.rip &&
		  before.rflags == emu.rflags && !memcmp(before.seg, emu.seg, sizeof(emu.seg)));
}

static void done(const char *hex)
{
	int ret = run(hex);

	ck_assert_msg(ret == X86_EMU_DONE, "%s: result %d, vector %u", hex, ret, emu.exc.vector);
}

static u64 get(u64 at, unsigned int len)
{
	u64 val = 0;

	memcpy(&val, mem + at, len);
	return val;
}

static void put(u64 at, u64 val, unsigned int len)
{
	memcpy(mem + at, &val, len);
}

/* --- real mode --- */

START_TEST(real_segments)
{
	real_mode();
	R(RAX) = 0x0123;
	done("8ed8");					/* mov ds, ax */
	ck_assert_uint_eq(emu.seg[X86_SEG_DS].base, 0x1230);
	ck_assert_uint_eq(emu.seg[X86_SEG_DS].selector, 0x0123);
	ck_assert_uint_eq(emu.seg[X86_SEG_DS].limit, 0xffff);
	ck_assert(emu.changed == X86_EMU_SEGS && !emu.int_shadow);
	R(RBX) = 0x10;
	done("c7073412");				/* mov word [bx], 0x1234 */
	ck_assert_uint_eq(get(0x1240, 2), 0x1234);
	ck_assert_uint_eq(emu.rip, CODE + 6);
	done("8ed0");					/* mov ss, ax */
	ck_assert(emu.int_shadow);
	done("16");					/* push ss */
	ck_assert_uint_eq(get(0x1230 + STACK - 2, 2), 0x0123);
	done("07");					/* pop es */
	ck_assert_uint_eq(emu.seg[X86_SEG_ES].base, 0x1230);
	ck_assert_uint_eq(R(RSP), STACK);
	put(0x1230 + 0x20, 0x04560789, 4);
	done("c4162000");				/* les dx, [0x20] */
	ck_assert(emu.seg[X86_SEG_ES].base == 0x4560 && (u16)R(RDX) == 0x789);
	put(0x1230 + 0x20, 0x0456789a, 4);
	done("0fb4162000");				/* lfs */
	ck_assert(emu.seg[X86_SEG_FS].base == 0x4560 && (u16)R(RDX) == 0x789a);
	done("8cd9");					/* mov cx, ds */
	ck_assert_uint_eq((u16)R(RCX), 0x123);
	faults("8ec8", X86_EXC_UD, -1);			/* mov cs */
	faults("8ef0", X86_EXC_UD, -1);			/* no sixth */
	/* "Unreal" limits stay; a write at the limit's edge faults without an error code. */
	R(RBX) = 0xffff;
	faults("8907", X86_EXC_GP, -1);
	faults("ff37", X86_EXC_GP, -1);
	R(RBP) = 0xffff;
	faults("894600", X86_EXC_SS, -1);
	emu.seg[X86_SEG_DS].limit = ~0u;
	R(RDI) = 0x2000;
	done("678907");					/* through edi */
}
END_TEST

START_TEST(real_flow)
{
	real_mode();
	done("ea00100002");				/* jmp 0x200:0x1000 */
	ck_assert(emu.rip == 0x1000 && emu.seg[X86_SEG_CS].base == 0x2000);
	ck_assert_uint_eq(emu.seg[X86_SEG_CS].selector, 0x200);
	done("9a00200001");				/* call 0x100:0x2000 */
	ck_assert(emu.rip == 0x2000 && emu.seg[X86_SEG_CS].base == 0x1000 && R(RSP) == STACK - 4);
	ck_assert_uint_eq(get(STACK - 4, 4), 0x02001005);
	done("cb");					/* retf */
	ck_assert(emu.rip == 0x1005 && emu.seg[X86_SEG_CS].base == 0x2000 && R(RSP) == STACK);
	put(STACK, 0x03000100, 4);
	done("ca0400");					/* retf 4 */
	ck_assert(emu.rip == 0x100 && emu.seg[X86_SEG_CS].base == 0x3000 && R(RSP) == STACK + 8);

	real_mode();
	put(0x21 * 4, 0x03001234, 4);
	emu.rflags |= X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_CF;
	done("cd21");					/* int 0x21 */
	ck_assert(emu.rip == 0x1234 && emu.seg[X86_SEG_CS].base == 0x3000);
	ck_assert(emu.rflags == (0x2 | X86_EFLAGS_CF) && emu.single_step);
	ck_assert_uint_eq(get(STACK - 2, 2), 0x303);
	ck_assert_uint_eq(get(STACK - 6, 4), CODE + 2);
	done("cf");					/* iret */
	ck_assert(emu.rip == CODE + 2 && emu.seg[X86_SEG_CS].base == 0 && R(RSP) == STACK);
	ck_assert(emu.rflags == 0x303 && !emu.single_step);
	emu.rflags = 2;
	put(3 * 4, 0x100, 4);
	done("cc");
	ck_assert_uint_eq(emu.rip, 0x100);
	emu.rip = CODE;
	done("ce");					/* into without OF */
	ck_assert_uint_eq(emu.rip, CODE + 1);
	emu.idt.limit = 0x21 * 4;
	faults("cd21", X86_EXC_GP, -1);
	R(RCX) = 0x10001;				/* loop counts in cx */
	emu.rip = CODE;
	done("e2f0");
	ck_assert(emu.rip == CODE + 2 && R(RCX) == 0x10000);
	emu.rip = 0x10;
	done("67e2f0");					/* in ecx: taken, and ip wraps */
	ck_assert_uint_eq(emu.rip, 0x03);
	emu.rip = 0x10;
	done("ebe0");
	ck_assert_uint_eq(emu.rip, 0xfff2);
	/* No descriptor is looked at, and no privilege is missing. */
	done("fa");
	done("fb");
	ck_assert(emu.int_shadow && (emu.rflags & X86_EFLAGS_IF));
	done("fb");
	ck_assert(!emu.int_shadow);
}
END_TEST

START_TEST(to_protected_mode)
{
	real_mode();
	put(0x100, 0x27, 2);
	put(0x102, 0x9a001000, 4);
	done("0f01160001");				/* lgdt: 24 bits of base */
	ck_assert(emu.gdt.base == 0x1000 && emu.gdt.limit == 0x27 && emu.changed == X86_EMU_TABLES);
	done("660f011e0001");				/* lidt: 32 bits */
	ck_assert(emu.idt.base == 0x9a001000 && emu.idt.limit == 0x27);
	done("0f010e0002");				/* sidt */
	ck_assert(get(0x200, 2) == 0x27 && get(0x202, 4) == 0x9a001000 && get(0x206, 2) == 0);
	emu.cr0 = 0x10;
	done("0f01e0");					/* smsw ax */
	ck_assert_uint_eq((u16)R(RAX), 0x10);
	R(RAX) = 0xfff1;
	done("0f01f0");					/* lmsw ax */
	ck_assert_uint_eq(dev.cr[0], 0x11);
	emu.cr0 = 0x1f;
	R(RAX) = 0;
	done("0f01f0");					/* PE stays */
	ck_assert_uint_eq(dev.cr[0], 0x11);
}
END_TEST

/* --- descriptors --- */

static u64 descriptor(u32 base, u32 limit, u16 attr)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(attr & 0xff) << 40 |
	       (u64)(limit >> 16 & 0xf) << 48 | (u64)(attr & 0xf00) << 44 | (u64)(base >> 24) << 56;
}

static void gdt(unsigned int selector, u32 base, u32 limit, u16 attr)
{
	put((selector & 4 ? LDT : GDT) + (selector & ~7u), descriptor(base, limit, attr), 8);
}

START_TEST(load_segments)
{
	protected_mode(0);
	gdt(0x18, 0x12345678, 0xabcde, 0xc92);
	R(RAX) = 0x18;
	done("8ec0");					/* mov es, ax */
	ck_assert_uint_eq(emu.seg[X86_SEG_ES].base, 0x12345678);
	ck_assert_uint_eq(emu.seg[X86_SEG_ES].limit, 0xabcdefff);
	ck_assert_uint_eq(emu.seg[X86_SEG_ES].attr, 0xc93);	/* accessed now */
	ck_assert_uint_eq(mem[GDT + 0x18 + 5], 0x93);
	ck_assert(!emu.int_shadow);
	gdt(0x18, 0, 0, 0xc92);				/* it becomes DPL 3 under our hands */
	dev.lost = 1;
	dev.lost_by = 0x60;
	done("8ec0");
	ck_assert_uint_eq(emu.seg[X86_SEG_ES].attr, 0xcf3);
	gdt(0x18, 0, 0x1234, 0x093);
	done("8ed0");					/* mov ss */
	ck_assert(emu.int_shadow && emu.seg[X86_SEG_SS].limit == 0x1234);
	gdt(0x1c, 0x777, 5, 0x093);
	R(RAX) = 0x1c;
	done("8ee8");					/* mov gs, from the LDT */
	ck_assert(emu.seg[X86_SEG_GS].base == 0x777 && emu.seg[X86_SEG_GS].selector == 0x1c);

	R(RAX) = 2;
	done("8ee0");					/* null is allowed for fs, not for use */
	ck_assert(!(emu.seg[X86_SEG_FS].attr & X86_ATTR_P));
	faults("648b00", X86_EXC_GP, 0);
	faults("8ed0", X86_EXC_GP, 0);			/* and not for ss */

	R(RAX) = 0x800;
	faults("8ec0", X86_EXC_GP, 0x800);		/* beyond the limit */
	emu.gdt.limit = 0x1e;
	R(RAX) = 0x18;
	faults("8ec0", X86_EXC_GP, 0x18);
	emu.gdt.limit = 0x1f;
	done("8ec0");
	emu.seg[X86_SEG_LDTR].attr = 0;
	R(RAX) = 0x1c;
	faults("8ec0", X86_EXC_GP, 0x1c);		/* no LDT */

	protected_mode(0);
	R(RAX) = 0x18;
	gdt(0x18, 0, 0, 0x013);				/* not present */
	faults("8ec0", X86_EXC_NP, 0x18);
	faults("8ed0", X86_EXC_SS, 0x18);
	gdt(0x18, 0, 0, 0x098);				/* execute-only */
	faults("8ec0", X86_EXC_GP, 0x18);
	gdt(0x18, 0, 0, 0x09a);				/* readable code */
	done("8ec0");
	faults("8ed0", X86_EXC_GP, 0x18);
	gdt(0x18, 0, 0, 0x090);				/* read-only data */
	done("8ec0");
	faults("8ed0", X86_EXC_GP, 0x18);
	gdt(0x18, 0, 0, 0x089);				/* a TSS */
	faults("8ec0", X86_EXC_GP, 0x18);
	gdt(0x18, 0, 0, 0x0f3);				/* DPL 3 is no stack of CPL 0 */
	faults("8ed0", X86_EXC_GP, 0x18);
	R(RAX) = 0x1b;
	done("8ec0");
	faults("8ed0", X86_EXC_GP, 0x18);

	protected_mode(3);
	gdt(0x18, 0, 0, 0x093);
	R(RAX) = 0x1b;
	faults("8ec0", X86_EXC_GP, 0x18);		/* DPL 0 from CPL 3 */
	gdt(0x18, 0, 0, 0x09f);
	done("8ec0");					/* but for conforming code */

	protected_mode(0);				/* tables wrap at 4 GiB, but not in long mode */
	emu.gdt = (struct x86_table){ 0xfffff000, 0xffff };
	gdt(0x18, 0x4321, 0, 0x093);
	R(RAX) = 0x2018;
	done("8ec0");
	ck_assert_uint_eq(emu.seg[X86_SEG_ES].base, 0x4321);
	long_mode(0);
	emu.gdt = (struct x86_table){ 0xfffff000, 0xffff };
	R(RAX) = 0x2018;
	faults("8ec0", X86_EXC_PF, 0);
	ck_assert_uint_eq(emu.exc_payload, 0x100001018);

	long_mode(0);
	R(RAX) = 0;
	done("8ed0");					/* null ss in the 64-bit kernel */
	ck_assert_uint_eq(X86_ATTR_DPL(emu.seg[X86_SEG_SS].attr), 0);
	long_mode(3);
	R(RAX) = 3;
	faults("8ed0", X86_EXC_GP, 0);
}
END_TEST

START_TEST(far_transfers)
{
	protected_mode(0);
	gdt(0x18, 0x100, 0xffff, 0x49a);
	done("ea005000001800");				/* jmp 0x18:0x5000 */
	ck_assert(emu.rip == 0x5000 && emu.seg[X86_SEG_CS].base == 0x100);
	ck_assert_uint_eq(mem[GDT + 0x18 + 5], 0x9b);
	done("9a004000001800");				/* call 0x18:0x4000 */
	ck_assert(emu.rip == 0x4000 && R(RSP) == STACK - 8);
	ck_assert(get(STACK - 8, 4) == 0x5007 && get(STACK - 4, 4) == 0x18);
	done("cb");
	ck_assert(emu.rip == 0x5007 && R(RSP) == STACK);
	R(RBX) = DATA;
	put(DATA, 0x1234, 4);
	put(DATA + 4, 0x18, 2);
	done("ff2b");					/* jmp far [ebx] */
	ck_assert_uint_eq(emu.rip, 0x1234);
	put(DATA, 0x10000, 4);
	faults("ff2b", X86_EXC_GP, 0);			/* beyond its limit */

	protected_mode(0);
	gdt(0x18, 0, 0xfffff, 0xc93);
	faults("ea000000001800", X86_EXC_GP, 0x18);	/* data */
	gdt(0x18, 0, 0xfffff, 0xcfb);
	faults("ea000000001800", X86_EXC_GP, 0x18);	/* outer privilege */
	gdt(0x18, 0, 0xfffff, 0xc1b);
	faults("ea000000001800", X86_EXC_NP, 0x18);
	faults("ea000000000000", X86_EXC_GP, 0);
	gdt(0x18, 0, 0, 0x08c);				/* call gate */
	ck_assert_int_eq(run("ea000000001800"), X86_EMU_UNHANDLED);
	put(STACK + 4, 0x1b, 4);
	ck_assert_int_eq(run("cb"), X86_EMU_UNHANDLED);	/* return to CPL 3 */
	protected_mode(3);
	gdt(0x18, 0, 0xfffff, 0xc9f);
	done("ea000100001800");				/* conforming: CPL stays */
	ck_assert_uint_eq(emu.seg[X86_SEG_CS].selector, 0x1b);
	gdt(0x18, 0, 0xfffff, 0xcff);
	done("ea000100001800");				/* of the same privilege */
	ck_assert_int_eq(run("cf"), X86_EMU_UNHANDLED);
	ck_assert_int_eq(run("cd80"), X86_EMU_UNHANDLED);

	long_mode(0);					/* from compatibility mode into 64-bit code */
	emu.seg[X86_SEG_CS].attr = 0xc9b;
	gdt(0x18, 0, 0xfffff, 0xa9b);
	done("ea785600001800");
	ck_assert(emu.rip == 0x5678 && x86_emu_mode(&emu) == X86_MODE_64);
	gdt(0x18, 0, 0xfffff, 0xe9b);			/* L and D */
	emu.seg[X86_SEG_CS].attr = 0xc9b;
	faults("ea785600001800", X86_EXC_GP, 0x18);
}
END_TEST

START_TEST(segment_checks)
{
	protected_mode(0);
	R(RBX) = DATA;
	emu.seg[X86_SEG_DS].limit = DATA + 2;
	faults("8b03", X86_EXC_GP, 0);
	done("8a4302");					/* the last byte */
	done("0fae7b02");				/* clflush: as far as a byte may be read */
	faults("0fae7b03", X86_EXC_GP, 0);
	done("368b03");
	emu.seg[X86_SEG_DS].limit = ~0u;
	emu.seg[X86_SEG_DS].attr = 0xc91;		/* read-only */
	faults("8903", X86_EXC_GP, 0);
	faults("0103", X86_EXC_GP, 0);
	done("3903");					/* cmp only reads */
	done("8b03");
	emu.seg[X86_SEG_DS].attr = 0xc99;		/* execute-only */
	faults("8b03", X86_EXC_GP, 0);
	emu.seg[X86_SEG_DS].attr = 0xc13;		/* not present */
	faults("8b03", X86_EXC_GP, 0);
	faults("2e8903", X86_EXC_GP, 0);		/* code is not written */
	done("2e8b03");
	emu.seg[X86_SEG_DS] = (struct x86_segment){ 0, DATA, 0x10, 0xc97 };	/* expand-down */
	faults("8b03", X86_EXC_GP, 0);
	done("8b4301");
	emu.seg[X86_SEG_DS].attr = 0x097;		/* to 64 KiB only */
	R(RBX) = 0xfffd;
	faults("8b03", X86_EXC_GP, 0);
	done("668b03");
	emu.seg[X86_SEG_SS].limit = STACK - 5;
	faults("50", X86_EXC_SS, 0);
	R(RBP) = STACK;
	faults("894500", X86_EXC_SS, 0);
	emu.seg[X86_SEG_DS] = (struct x86_segment){ 0xfffffff0, ~0u, 0x10, 0xc93 };
	R(RBX) = DATA + 0x10;				/* base and offset wrap at 4 GiB */
	put(DATA, 0xcafe, 4);
	done("8b03");
	ck_assert_uint_eq(R(RAX), 0xcafe);

	long_mode(0);
	R(RBX) = 0x0000800000000000;
	faults("8b03", X86_EXC_GP, 0);
	R(RBX) = 0x00007ffffffffffe;			/* its end is not canonical */
	faults("8b03", X86_EXC_GP, 0);
	R(RBP) = 1ull << 63;
	faults("894500", X86_EXC_SS, 0);
	R(RSP) = 1ull << 63;
	faults("50", X86_EXC_SS, 0);
	R(RAX) = 1ull << 60;
	faults("ffe0", X86_EXC_GP, 0);
	emu.cr4 |= X86_CR4_LA57;
	R(RBX) = 0x0000800000000000;
	faults("8b03", X86_EXC_PF, 0);
	ck_assert_uint_eq(emu.exc_payload, 0x0000800000000000);
	emu.seg[X86_SEG_FS].base = DATA;		/* bases and limits of the others do not count */
	emu.seg[X86_SEG_DS].base = 0x123;
	emu.seg[X86_SEG_DS].limit = 0;
	R(RBX) = 8;
	put(DATA + 8, 0x1111, 8);
	done("64488b03");
	ck_assert_uint_eq(R(RAX), 0x1111);

	R(RAX) = 1;
	emu.gpr[8] = 2;
	done("f34190");					/* pause has no register to exchange */
	ck_assert(R(RAX) == 1 && emu.gpr[8] == 2);
	done("4190");
	ck_assert(R(RAX) == 2 && emu.gpr[8] == 1);

	long_mode(3);					/* alignment check */
	emu.cr0 |= X86_CR0_AM;
	emu.rflags |= X86_EFLAGS_AC;
	R(RBX) = DATA + 2;
	faults("8b03", X86_EXC_AC, 0);
	done("668b03");
}
END_TEST

/* --- ports --- */

START_TEST(ports)
{
	unsigned int i;

	long_mode(0);
	done("e460");
	ck_assert(dev.port == 0x60 && dev.size == 1 && (u8)R(RAX) == 0x10);
	R(RDX) = 0x12345678;
	R(RAX) = ~0ull;
	done("ed");					/* in eax: the upper half goes */
	ck_assert(dev.port == 0x5678 && dev.size == 4 && R(RAX) == 0x13121110);
	done("66ed");
	ck_assert(dev.size == 2 && R(RAX) == 0x13121110);
	done("48ed");
	ck_assert_uint_eq(dev.size, 4);
	R(RAX) = 0xa1b2c3d4;
	done("66e780");
	ck_assert(dev.port == 0x80 && dev.size == 2 && dev.out[0] == 0xd4 && dev.out[1] == 0xc3);
	done("ee");
	ck_assert(dev.port == 0x5678 && dev.size == 1);

	/* REP OUTS: up to the page's end, then the rest. */
	for (i = 0; i < 0x1000; i++)
		mem[DATA + i] = i * 7;
	R(RSI) = DATA + 0xff0;
	R(RCX) = 10;
	ck_assert_int_eq(run("f36f"), X86_EMU_REPEAT);
	ck_assert(dev.count == 4 && dev.size == 4 && R(RCX) == 6 && R(RSI) == DATA + 0x1000);
	ck_assert(!memcmp(dev.out, mem + DATA + 0xff0, 16) && emu.rip == CODE + 11);
	done("f36f");
	ck_assert(dev.count == 6 && R(RCX) == 0 && emu.rip == CODE + 13);
	dev.ports = 0;
	done("f36f");					/* rcx is 0 */
	ck_assert_uint_eq(dev.ports, 0);
	R(RCX) = 100000;
	R(RSI) = DATA;
	ck_assert_int_eq(run("f36e"), X86_EMU_REPEAT);
	ck_assert(dev.count == X86_EMU_PIO_MAX && R(RCX) == 100000 - X86_EMU_PIO_MAX);
	/* Downwards one at a time; without REP one. */
	emu.rflags |= X86_EFLAGS_DF;
	R(RDI) = DATA + 8;
	ck_assert_int_eq(run("f36d"), X86_EMU_REPEAT);
	ck_assert(dev.count == 1 && R(RDI) == DATA + 4 && get(DATA + 8, 4) == 0x13121110);
	emu.rflags &= ~X86_EFLAGS_DF;
	done("6d");
	ck_assert(dev.count == 1 && R(RDI) == DATA + 8);
	/* INS asks for the data only when the destination can take it. */
	dev.ports = 0;
	R(RDI) = 0x18000;
	faults("6d", X86_EXC_PF, X86_PF_W);
	ck_assert_uint_eq(dev.ports, 0);
	R(RDI) = DATA;
	R(RCX) = 3;
	dev.pio_result = X86_EMU_IO;
	put(DATA, 0, 4);
	ck_assert_int_eq(run("f36c"), X86_EMU_IO);
	ck_assert(R(RCX) == 3 && R(RDI) == DATA && get(DATA, 4) == 0 && dev.count == 3);
	dev.pio_result = 0;
	done("f36c");
	ck_assert(R(RCX) == 0 && get(DATA, 4) == 0x121110);
}
END_TEST

START_TEST(port_limits)
{
	/* 16-bit addresses do not run over the end of the segment. */
	real_mode();
	R(RCX) = 20;
	R(RSI) = 0xfffe;
	ck_assert_int_eq(run("f36e"), X86_EMU_REPEAT);
	ck_assert_uint_eq(dev.count, 1);
	ck_assert_int_eq(run("f36e"), X86_EMU_REPEAT);
	ck_assert(dev.count == 1 && (u16)R(RSI) == 0);
	emu.seg[X86_SEG_DS].limit = 0x801;
	R(RSI) = 0x800;
	R(RCX) = 9;
	ck_assert_int_eq(run("f36e"), X86_EMU_REPEAT);
	ck_assert_int_eq(run("f36e"), X86_EMU_REPEAT);
	faults("f36e", X86_EXC_GP, -1);
	emu.seg[X86_SEG_ES].limit = 0x801;
	R(RDI) = 0x801;
	ck_assert_int_eq(run("f36c"), X86_EMU_REPEAT);
	faults("f36c", X86_EXC_GP, -1);
}
END_TEST

START_TEST(port_permission)
{
	protected_mode(3);
	put(TSS + 102, 0x68, 2);
	memset(mem + TSS + 0x68, 0xff, 0x2000);
	faults("e460", X86_EXC_GP, 0);
	mem[TSS + 0x68 + 0x60 / 8] = 0xfe;
	done("e460");
	ck_assert_uint_eq(dev.last_access, X86_WALK_IMPLICIT);
	faults("e560", X86_EXC_GP, 0);			/* four ports */
	mem[TSS + 0x68 + 0x60 / 8] = 0xf0;
	done("e560");
	faults("e464", X86_EXC_GP, 0);
}
END_TEST

START_TEST(port_permission_edges)
{
	protected_mode(3);
	put(TSS + 102, 0x68, 2);
	R(RDX) = 0x3ff;					/* the bits lie in two bytes */
	mem[TSS + 0x68 + 0x80] = 1;
	done("ec");
	faults("66ed", X86_EXC_GP, 0);
	emu.seg[X86_SEG_TR].limit = 0x68 + 0x7f;	/* both bytes must be within the limit */
	faults("ec", X86_EXC_GP, 0);
	emu.seg[X86_SEG_TR].limit = 0x68 + 0x80;
	done("ec");
	emu.seg[X86_SEG_TR].limit = 0x66;
	faults("ec", X86_EXC_GP, 0);
	emu.seg[X86_SEG_TR].limit = 0x2068;
	emu.seg[X86_SEG_TR].attr = 0x83;		/* a 16-bit TSS has no map */
	faults("ec", X86_EXC_GP, 0);
	emu.seg[X86_SEG_TR].attr = 0;
	faults("ec", X86_EXC_GP, 0);
	emu.rflags |= X86_EFLAGS_IOPL;
	done("ec");
	emu.rflags |= X86_EFLAGS_VM;			/* there IOPL does not count */
	faults("ec", X86_EXC_GP, 0);
	protected_mode(2);
	emu.rflags |= 2 << 12;
	done("ec");
}
END_TEST

/* --- device memory --- */

static void answer(const void *data, unsigned int len)
{
	memcpy(dev.data + dev.have, data, len);
	dev.have += len;
	dev.used = 0;
}

/* The first run wants data and changes nothing; with it the second is done. */
static void wants(const char *hex, u64 data, unsigned int len)
{
	struct x86_emu before = emu;
	u64 both[2] = { data, 0 };

	ck_assert_msg(run(hex) == X86_EMU_IO, "%s", hex);
	ck_assert(!memcmp(before.gpr, emu.gpr, sizeof(emu.gpr)) && before.rip == emu.rip &&
		  before.rflags == emu.rflags);
	ck_assert_uint_eq(dev.writes, 0);
	answer(both, len);
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_DONE);
	ck_assert_uint_eq(dev.used, dev.have);
	dev.have = dev.used = 0;
}

static void wrote(u64 addr, u64 val, unsigned int len)
{
	u64 data = 0;

	memcpy(&data, dev.write_data, min(dev.write_len, 8u));
	ck_assert_uint_eq(dev.writes, 1);
	ck_assert_uint_eq(dev.write_addr, addr);
	ck_assert_uint_eq(dev.write_len, len);
	ck_assert_uint_eq(data, val);
	dev.writes = 0;
}

START_TEST(mmio)
{
	long_mode(0);
	R(RBX) = MMIO;
	R(RAX) = 0x1122334455667788;
	wants("8b03", 0xdeadbeef, 4);
	ck_assert_uint_eq(R(RAX), 0xdeadbeef);
	wants("480fb603", 0x80, 1);
	ck_assert_uint_eq(R(RAX), 0x80);
	wants("480fbe03", 0x80, 1);
	ck_assert_uint_eq(R(RAX), 0xffffffffffffff80);
	R(RAX) = 0x0102030405060708;
	done("488903");
	wrote(MMIO, 0x0102030405060708, 8);
	done("c743107f000000");
	wrote(MMIO + 0x10, 0x7f, 4);
	done("480fc303");
	wrote(MMIO, 0x0102030405060708, 8);
	wants("0103", 0x10, 4);				/* add [rbx], eax */
	wrote(MMIO, 0x05060718, 4);
	wants("f00103", 0x20, 4);			/* the same locked */
	wrote(MMIO, 0x05060728, 4);
	wants("8703", 0x55, 4);				/* xchg */
	ck_assert_uint_eq(R(RAX), 0x55);
	wrote(MMIO, 0x05060708, 4);
	wants("0fab03", 0, 4);				/* bts [rbx], eax: bit 0x55 is 8 bytes on */
	wrote(MMIO + 8, 1 << 21, 4);
	wants("ff33", 0x77, 8);				/* push [rbx] */
	ck_assert_uint_eq(get(STACK - 8, 8), 0x77);
	done("8f03");					/* pop [rbx] */
	wrote(MMIO, 0x77, 8);
	R(RAX) = 5;
	wants("0fb10b", 5, 4);				/* cmpxchg, equal */
	ck_assert(emu.rflags & X86_EFLAGS_ZF);
	wrote(MMIO, (u32)R(RCX), 4);
	wants("8503", 0xff, 4);				/* test */
	R(RSI) = MMIO;
	R(RDI) = DATA;
	wants("a5", 0x31323334, 4);			/* movs to memory */
	ck_assert(get(DATA, 4) == 0x31323334 && R(RSI) == MMIO + 4 && R(RDI) == DATA + 4);
	R(RDI) = MMIO + 0x100;
	R(RCX) = 2;
	R(RAX) = 0x42;
	ck_assert_int_eq(run("f3aa"), X86_EMU_REPEAT);	/* stos to the device */
	wrote(MMIO + 0x100, 0x42, 1);
	done("f3aa");
	wrote(MMIO + 0x101, 0x42, 1);
	wants("0f1003", 0x1234, 16);			/* movups */
	ck_assert_uint_eq(xmm_written[1], 0x12);
	done("660f7f0b");				/* movdqa, xmm1 */
	ck_assert(dev.write_len == 16 && dev.write_data[15] == 0x41);
	dev.writes = 0;
	R(RBX) = MMIO + 8;
	faults("660f7f0b", X86_EXC_GP, 0);
	done("f30f7f0b");				/* movdqu need not be aligned */
	ck_assert_uint_eq(dev.writes, 1);
	done("0faee8");					/* lfence */
	dev.probes = 0;
	done("0fae3b");					/* clflush reads nothing */
	ck_assert_uint_eq(dev.probes, 1);
}
END_TEST

/* Two reads: each in its turn, the first replayed. */
START_TEST(mmio_two_reads)
{
	long_mode(0);
	R(RSI) = MMIO;
	R(RDI) = MMIO + 0x10;
	ck_assert_int_eq(run("a7"), X86_EMU_IO);	/* cmps */
	answer("\x05\0\0\0", 4);
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_IO);
	answer("\x05\0\0\0", 4);
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_DONE);
	ck_assert(emu.rflags & X86_EFLAGS_ZF);
	ck_assert(R(RSI) == MMIO + 4 && R(RDI) == MMIO + 0x14);

	/* A fault after the read leaves nothing behind. */
	R(RSI) = MMIO;
	R(RDI) = 0x18000;
	dev.used = 0;
	dev.have = 4;
	faults("a5", X86_EXC_PF, X86_PF_W);
}
END_TEST

/* --- atomicity --- */

START_TEST(locked)
{
	long_mode(0);
	R(RBX) = DATA;
	R(RAX) = 0x100;
	mem[DATA] = 1;
	dev.lost = 3;
	done("f00103");					/* lock add */
	ck_assert_uint_eq(get(DATA, 4), 0x104);
	ck_assert_uint_eq(dev.last_access, X86_WALK_WRITE);
	dev.lost = 2;
	done("8703");					/* xchg needs no prefix */
	ck_assert(get(DATA, 4) == 0x100 && R(RAX) == 0x106);
	mem[DATA] = 0;
	put(DATA, 7, 8);
	dev.lost = 1;
	R(RCX) = 10;
	done("f0480fc10b");				/* xadd */
	ck_assert(get(DATA, 8) == 18 && R(RCX) == 8);
	put(DATA, 0x0000000200000001, 8);
	R(RAX) = 1;
	R(RDX) = 2;
	R(RBX) = DATA;
	R(RCX) = 9;
	dev.lost = 1;					/* cmpxchg8b loses: it then sees the new value */
	done("f00fc70b");
	ck_assert(!(emu.rflags & X86_EFLAGS_ZF) && R(RAX) == 2 && R(RDX) == 2);
	done("f00fc70b");
	ck_assert((emu.rflags & X86_EFLAGS_ZF) && get(DATA, 8) == (9ull << 32 | DATA));
	faults("f0480fc70c25" "08500000", X86_EXC_GP, 0);	/* 16 bytes, misaligned */

	/* Always too late: nothing has happened, try again later. */
	dev.lost = 1000;
	put(DATA, 0, 4);
	R(RAX) = 0x100;
	R(RBX) = DATA;
	ck_assert_int_eq(run("f00103"), X86_EMU_RETRY);
	ck_assert(R(RAX) == 0x100 && get(DATA, 4) < 0x100);
	ck_assert_int_eq(run("f00fc70b"), X86_EMU_RETRY);
	dev.lost = 0;
	faults("f001c3", X86_EXC_UD, -1);		/* register */
	faults("f03903", X86_EXC_UD, -1);		/* cmp */
	faults("f08903", X86_EXC_UD, -1);
	faults("f00303", X86_EXC_UD, -1);
	faults("f090", X86_EXC_UD, -1);
	faults("f00fa303", X86_EXC_UD, -1);
	faults("f0f7e3", X86_EXC_UD, -1);
}
END_TEST

/* --- system instructions --- */

static void calls(const char *hex, const char *name)
{
	dev.last = "nothing";
	done(hex);
	ck_assert_msg(!strcmp(dev.last, name), "%s called %s", hex, dev.last);
}

START_TEST(system_registers)
{
	long_mode(0);
	dev.cr[3] = 0xabcd;
	calls("410f20db", "get_cr");			/* mov r11, cr3 */
	ck_assert_uint_eq(R(R11), 0xabcd);
	R(RBX) = 0x8005003b;
	calls("0f22c3", "set_cr");
	ck_assert_uint_eq(dev.cr[0], 0x8005003b);
	calls("440f22c3", "set_cr");
	ck_assert_uint_eq(dev.cr[8], 0x8005003b);
	faults("0f20c8", X86_EXC_UD, -1);		/* cr1 */
	faults("440f20c8", X86_EXC_UD, -1);		/* cr9 */
	calls("0f23fb", "set_dr");
	ck_assert_uint_eq(dev.dr[7], 0x8005003b);
	dev.dr[6] = 0xffff0ff0;
	calls("0f21f1", "get_dr");
	ck_assert_uint_eq(R(RCX), 0xffff0ff0);
	faults("440f21f1", X86_EXC_UD, -1);
	R(RCX) = 0xfff0000000000174;
	calls("0f32", "get_msr");
	ck_assert(dev.msr == 0x174 && R(RAX) == 0x55667788 && R(RDX) == 0x11223344);
	R(RAX) = 0xffffffff00000001;
	R(RDX) = 0xffffffff00000002;
	calls("0f30", "set_msr");
	ck_assert(dev.msr == 0x174 && dev.msr_value == 0x200000001);
	R(RCX) = 0xbad;
	faults("0f32", X86_EXC_GP, 0);
	calls("0f31", "get_msr");
	ck_assert_uint_eq(dev.msr, X86_MSR_TSC);
	calls("0f01f9", "get_msr");
	ck_assert(dev.msr == X86_MSR_TSC_AUX && R(RCX) == 0x55667788);
	R(RAX) = 0xffffffff00000007;
	R(RCX) = 1;
	calls("0fa2", "cpuid");
	ck_assert(R(RAX) == 3 && R(RBX) == 8 && R(RCX) == 4 && R(RDX) == 3);
	calls("f4", "hlt");
	calls("0f09", "wbinvd");
	calls("0f08", "wbinvd");
	emu.seg[X86_SEG_FS].base = 0x1000;
	R(RAX) = 0x7000;
	calls("640f0138", "invlpg");
	ck_assert_uint_eq(invalidated, 0x8000);
	emu.cr0 = 0x8000000b;
	calls("0f06", "set_cr");
	ck_assert_uint_eq(dev.cr[0], 0x80000003);
	emu.seg[X86_SEG_GS].base = 0x4444;
	calls("0f01f8", "set_msr");			/* swapgs */
	ck_assert(emu.seg[X86_SEG_GS].base == 0x1122334455667788 && dev.msr_value == 0x4444);
	ck_assert(dev.msr == X86_MSR_KERNEL_GS_BASE && emu.changed == X86_EMU_SEGS);
	put(DATA, 0x1fff, 2);
	put(DATA + 2, 0xffff800000001000, 8);
	R(RAX) = DATA;
	done("0f0110");
	ck_assert(emu.gdt.base == 0xffff800000001000 && emu.gdt.limit == 0x1fff);
	done("0f014010");
	ck_assert(get(DATA + 0x10, 2) == 0x1fff && get(DATA + 0x12, 8) == 0xffff800000001000);
	put(DATA + 2, 1ull << 63, 8);
	faults("0f0110", X86_EXC_GP, 0);
	done("0f00c0");					/* sldt, str */
	ck_assert_uint_eq(R(RAX), 0x20);
	done("0f00c9");
	ck_assert_uint_eq(R(RCX), 0x30);
}
END_TEST

START_TEST(privilege)
{
	static const char *const kernel[] = {
		"0f20c0", "0f22c0", "0f21c0", "0f23c0", "0f30", "0f32", "f4", "0f09", "0f08", "0f06",
		"0f0138", "0f01f8", "0f0110", "0f0118", "0f01f0", "fa", "fb", "0f00d0",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kernel); i++) {
		long_mode(3);
		R(RAX) = DATA;
		if (!strcmp(kernel[i], "0f00d0"))	/* lldt: known, not emulated */
			ck_assert_int_eq(run(kernel[i]), X86_EMU_UNHANDLED);
		else
			faults(kernel[i], X86_EXC_GP, 0);
	}
	faults("0f20e8", X86_EXC_UD, -1);		/* cr5, dr9: there is none to be forbidden */
	faults("440f21c8", X86_EXC_UD, -1);
	long_mode(3);
	R(RAX) = DATA;
	done("0f0100");					/* sgdt, smsw: allowed */
	done("0f01e0");
	done("0f31");
	emu.cr4 |= X86_CR4_UMIP | X86_CR4_TSD;
	faults("0f0100", X86_EXC_GP, 0);
	faults("0f01e0", X86_EXC_GP, 0);
	faults("0f00c0", X86_EXC_GP, 0);
	faults("0f31", X86_EXC_GP, 0);
	emu.rflags |= X86_EFLAGS_IOPL;
	done("fa");
	/* POPF at CPL 3 keeps IOPL, and IF below it. */
	emu.rflags = 0x202;
	put(STACK, 0x7cd7, 8);
	done("9d");
	ck_assert_uint_eq(emu.rflags, 0x4ed7);
	long_mode(0);
	put(STACK, 0x33002, 8);				/* VM and RF cannot be set, IOPL can */
	done("9d");
	ck_assert_uint_eq(emu.rflags, 0x3002);
	/* Virtual-8086 code is at CPL 3 whatever the caller says. */
	protected_mode(0);
	emu.rflags |= X86_EFLAGS_VM;
	emu.seg[X86_SEG_CS].limit = 0xffff;
	faults("f4", X86_EXC_GP, 0);
	faults("9c", X86_EXC_GP, 0);
	faults("9d", X86_EXC_GP, 0);
	emu.cr4 |= X86_CR4_VME;
	ck_assert_int_eq(run("9c"), X86_EMU_UNHANDLED);
	R(RAX) = 0x321;
	done("8ed8");
	ck_assert(emu.seg[X86_SEG_DS].base == 0x3210 && emu.seg[X86_SEG_DS].attr == 0xf3);
}
END_TEST

START_TEST(vector_state)
{
	long_mode(0);
	R(RBX) = DATA;
	emu.cr0 |= X86_CR0_TS;
	faults("0f1003", X86_EXC_NM, -1);
	emu.cr0 |= X86_CR0_EM;
	faults("0f1003", X86_EXC_UD, -1);
	emu.cr0 &= ~(X86_CR0_TS | X86_CR0_EM);
	emu.cr4 &= ~X86_CR4_OSFXSR;
	faults("0f1003", X86_EXC_UD, -1);
	faults("c5f81003", X86_EXC_UD, -1);		/* vmovups without OSXSAVE */
	emu.cr4 |= X86_CR4_OSXSAVE;
	done("c5f81003");
	faults("c5f01003", X86_EXC_UD, -1);		/* vvvv must be unused */
}
END_TEST

/* --- the frame --- */

START_TEST(trap_flags)
{
	long_mode(0);
	emu.rflags |= X86_EFLAGS_TF | X86_EFLAGS_RF;
	done("90");
	ck_assert(emu.single_step && !(emu.rflags & X86_EFLAGS_RF) && emu.insn_len == 1);
	R(RAX) = 0;
	done("8ed0");
	ck_assert(emu.int_shadow && !emu.single_step);
	emu.rflags &= ~X86_EFLAGS_TF;
	put(STACK, X86_EFLAGS_TF, 8);
	done("9d");					/* sets TF: it counts from the next one on */
	ck_assert(!emu.single_step && (emu.rflags & X86_EFLAGS_TF));
	done("fb");
	ck_assert(emu.single_step && emu.int_shadow);
	R(RCX) = 2;
	R(RDI) = DATA;
	ck_assert_int_eq(run("f3aa"), X86_EMU_REPEAT);
	ck_assert(emu.single_step);
	done("f3aa");
}
END_TEST

START_TEST(fetches)
{
	long_mode(0);
	emu.rip = 0xffff;				/* the last byte of memory */
	emu.nr_bytes = 0;
	mem[0xffff] = 0x90;
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_DONE);
	ck_assert_uint_eq(dev.fetches, 1);
	emu.rip = 0xffff;
	emu.nr_bytes = 0;
	mem[0xffff] = 0x48;				/* goes on where there is nothing */
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_FAULT);
	ck_assert(emu.exc.vector == X86_EXC_PF && emu.exc_payload == 0x10000);
	emu.rip = 0x4ffe;				/* over a page boundary */
	dev.fetches = 0;
	done("48b81122334455667788");
	ck_assert(R(RAX) == 0x8877665544332211 && dev.fetches == 2 && emu.insn_len == 10);
	memcpy(emu.bytes, "\x48\xff", 2);		/* some bytes are known already */
	emu.nr_bytes = 2;
	mem[emu.rip + 2] = 0xc0;
	R(RAX) = 1;
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_DONE);
	ck_assert_uint_eq(R(RAX), 2);
	memcpy(emu.bytes, "\x90", 1);			/* enough: nothing is fetched */
	emu.nr_bytes = 1;
	dev.fetches = 0;
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_DONE);
	ck_assert_uint_eq(dev.fetches, 0);
	done("666666666666666666666666666690");	/* 15 bytes */
}
END_TEST

START_TEST(fetch_limits)
{
	long_mode(0);
	faults("66666666666666666666666666666690", X86_EXC_GP, 0);	/* 16 bytes */
	emu.rip = 1ull << 60;
	emu.nr_bytes = 0;
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_FAULT);
	ck_assert_uint_eq(emu.exc.vector, X86_EXC_GP);
	protected_mode(0);
	emu.seg[X86_SEG_CS].limit = CODE + 1;
	done("6690");
	emu.rip = CODE;
	faults("668bc0", X86_EXC_GP, 0);
	emu.rip = CODE + 2;
	faults("90", X86_EXC_GP, 0);
	emu.rip = CODE;					/* known bytes do not help */
	memcpy(emu.bytes, "\x66\x8b\xc0", 3);
	emu.nr_bytes = 3;
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_FAULT);
	real_mode();
	emu.rip = 0xffff;
	mem[0xffff] = 0x90;
	emu.nr_bytes = 0;
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_DONE);
	ck_assert_uint_eq(emu.rip, 0x10000);		/* the next fetch faults */
	emu.nr_bytes = 0;
	ck_assert_int_eq(x86_emulate(&emu), X86_EMU_FAULT);
	ck_assert(emu.exc.vector == X86_EXC_GP && !emu.exc.has_error);
}
END_TEST

/* Every instruction that needs an op says so when there is none. */
START_TEST(without_ops)
{
	static const char *const need[] = {
		"8b03", "8903", "0103", "f00103", "8703", "50", "58", "c3", "c8000000", "9c", "a4", "aa",
		"ac", "a6", "ae", "ec", "ee", "6c", "6e", "0f20c0", "0f22c0", "0f21c0", "0f23c0", "0f32",
		"0f30", "0f31", "0f01f9", "0f01f8", "0fa2", "f4", "0f09", "0f0138", "0f06", "0f01f0",
		"0f1003", "0f1103", "0f0110", "0f0100", "0fc70b", "f00fc70b", "d7", "8e03", "e800000000",
		/* known to the decoder only */
		"d8c0", "0f05", "0f77", "0f58c0", "660f3800c0", "660f3a0fc000", "0f01c1", "0f01d9", "0faa",
		"0fae00", "f30faec0", "0faec0", "0f03c0", "0fb8c0", "c5f858c0", "9b", "f1",
	};
	static const struct x86_emu_ops none;
	unsigned int i, j, val;

	for (i = 0; i < ARRAY_SIZE(need); i++) {
		long_mode(0);
		emu.ops = &none;
		memset(emu.gpr, 0, sizeof(emu.gpr));
		for (j = 0; need[i][2 * j]; j++) {
			sscanf(need[i] + 2 * j, "%2x", &val);
			emu.bytes[j] = val;
		}
		emu.nr_bytes = j;
		ck_assert_msg(x86_emulate(&emu) == X86_EMU_UNHANDLED, "%s", need[i]);
		emu.nr_bytes = 0;
		ck_assert_int_eq(x86_emulate(&emu), X86_EMU_UNHANDLED);
	}
}
END_TEST

/* --- random instructions on random state --- */

static void random_state(void)
{
	int i;

	switch (unit_random_below(4)) {
	case 0:
		real_mode();
		break;
	case 1:
		protected_mode(unit_random_below(4));
		break;
	default:
		long_mode(unit_random() & 1 ? 0 : 3);
		break;
	}
	for (i = 0; i < X86_GPRS; i++)
		emu.gpr[i] = unit_random() & 1 ? unit_random_below(MEMORY) : unit_random_edge();
	for (i = 0; i < X86_SEGS; i++) {
		if (unit_random_below(8))
			continue;
		emu.seg[i] = (struct x86_segment){ unit_random_edge(), unit_random_edge(),
						   unit_random(), unit_random() & 0xfff };
	}
	if (unit_random_below(8) == 0)
		emu.rflags = unit_random();
	if (unit_random_below(8) == 0)
		emu.cr4 = unit_random();
	dev.lost = unit_random_below(3);
	dev.have = unit_random_below(32);
	/* Now and then every op says the same. */
	if (unit_random_below(8) == 0)
		dev.result = 1 + unit_random_below(5);
	dev.pio_result = unit_random_below(4) ? 0 : X86_EMU_IO;
}

static unsigned long random_results[X86_EMU_UNHANDLED + 1];

static void random_once(void)
{
	struct x86_emu before;
	u64 r[2] = { unit_random(), unit_random() };
	int ret;

	random_state();
	memcpy(emu.bytes, r, 15);
	if (unit_random_below(3) == 0)
		emu.bytes[0] = 0x0f;
	if (unit_random_below(4) == 0)
		emu.bytes[0] = 0x48;
	emu.nr_bytes = unit_random_below(4) ? 15 : unit_random_below(16);
	emu.rip = unit_random_below(4) ? CODE : unit_random_edge();
	emu.exc_payload = 0;
	before = emu;

	ret = x86_emulate(&emu);
	ck_assert(ret >= 0 && ret <= X86_EMU_UNHANDLED);
	random_results[ret]++;
	ck_assert(emu.nr_bytes <= 15 && emu.insn_len <= 15 && emu.ctx == before.ctx);
	if (ret == X86_EMU_DONE || ret == X86_EMU_REPEAT) {
		ck_assert(ret == X86_EMU_DONE || (emu.rip == before.rip && !dev.result));
		return;
	}
	ck_assert(!memcmp(before.gpr, emu.gpr, sizeof(emu.gpr)) && before.rip == emu.rip &&
		  before.rflags == emu.rflags && !memcmp(before.seg, emu.seg, sizeof(emu.seg)) &&
		  !memcmp(&before.gdt, &emu.gdt, sizeof(emu.gdt)) &&
		  !memcmp(&before.idt, &emu.idt, sizeof(emu.idt)));
	ck_assert(!emu.changed && !emu.int_shadow && !emu.single_step);
	if (ret == X86_EMU_RETRY)
		ck_assert(dev.lost || dev.result == X86_EMU_RETRY || dev.result == X86_EMU_REPEAT);
	if (ret == X86_EMU_FAULT && !dev.result)
		ck_assert(emu.exc.type == X86_EVENT_EXCEPTION && emu.exc.vector < 32);
}

START_TEST(random_instructions)
{
	unsigned int i, n = 300000;

	for (i = 0; i < n; i++)
		random_once();
	for (i = 0; i <= X86_EMU_UNHANDLED; i++)
		ck_assert_msg(random_results[i] > n / 10000, "result %u only %lu times", i,
			      random_results[i]);
	unit_figure("emulator random instructions", n);
}
END_TEST

UNIT_MAIN("emulate",
	  UNIT_CASE("real mode", real_segments, real_flow, to_protected_mode),
	  UNIT_CASE("segments", load_segments, far_transfers, segment_checks),
	  UNIT_CASE("ports", ports, port_limits, port_permission, port_permission_edges),
	  UNIT_CASE("device memory", mmio, mmio_two_reads, locked),
	  UNIT_CASE("system", system_registers, privilege, vector_state),
	  UNIT_CASE("frame", trap_flags, fetches, fetch_limits, without_ops, random_instructions))
