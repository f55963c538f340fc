// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches as the emulator makes them: what goes to the old TSS and comes from the new
 * one, busy bits, links, and which faults are whose (SDM Vol. 3, "Task Management").
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <kvmx/x86_regs.h>
#include "emulate.h"

#include "unit.h"

/* links: src/x86/decode.c src/x86/emulate.c src/x86/emulate_alu.c src/x86/emulate_flow.c */
/* links: src/x86/emulate_seg.c src/x86/emulate_string.c src/x86/emulate_sys.c */
/* links: src/x86/emulate_task.c */

#define MEMORY	0x10000
#define GDT	0x1000
#define IDT	0x1800
#define OLD	0x2000		/* TSSs */
#define NEW	0x3000
#define STACK	0x6000

enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_OLD = 0x18, SEL_NEW = 0x20, SEL_LDT = 0x28,
       SEL_USER_CODE = 0x30, SEL_USER_DATA = 0x38, SEL_ABSENT = 0x40 };

static u8 mem[MEMORY];
static struct x86_emu emu;
static struct x86_emu_task task;
static u64 new_cr3;
static u32 no_page;		/* a page that faults; 0: none */
static unsigned int lost;	/* cmpxchgs that another CPU wins */
static u32 last_access;

static int reach(struct x86_emu *e, u64 linear, unsigned int len, u32 access)
{
	last_access = access;
	if (linear + len > MEMORY)
		return X86_EMU_UNHANDLED;
	if (no_page && (linear >> 12 == no_page >> 12 || (linear + len - 1) >> 12 == no_page >> 12))
		return x86_emu_raise_page_fault(e, no_page, access & X86_WALK_WRITE ? 2 : 0);
	return X86_EMU_DONE;
}

static int op_read(struct x86_emu *e, u64 linear, void *buf, unsigned int len, u32 access)
{
	int ret = reach(e, linear, len, access);

	ck_assert_uint_le(len, 8);
	if (!ret)
		memcpy(buf, mem + linear, len);
	return ret;
}

static int op_write(struct x86_emu *e, u64 linear, const void *buf, unsigned int len, u32 access)
{
	int ret = reach(e, linear, len, access | X86_WALK_WRITE);

	ck_assert_uint_le(len, 8);
	if (!ret)
		memcpy(mem + linear, buf, len);
	return ret;
}

static int op_cmpxchg(struct x86_emu *e, u64 linear, void *old, const void *new, unsigned int len)
{
	int ret = reach(e, linear, len, X86_WALK_WRITE);

	if (ret)
		return ret;
	if (lost) {
		lost--;
		*(u8 *)old ^= 0x80;
	} else if (!memcmp(mem + linear, old, len)) {
		memcpy(mem + linear, new, len);
	} else {
		memcpy(old, mem + linear, len);
	}
	return X86_EMU_DONE;
}

static int op_probe(struct x86_emu *e, u64 linear, unsigned int len, u32 access)
{
	return reach(e, linear, len, access);
}

static int op_set_cr(struct x86_emu *e, unsigned int reg, u64 val)
{
	if (reg == 3)
		new_cr3 = val;
	else
		e->cr0 = val;
	return X86_EMU_DONE;
}

static const struct x86_emu_ops ops = {
	.read = op_read, .write = op_write, .cmpxchg = op_cmpxchg, .probe = op_probe,
	.set_cr = op_set_cr,
};

static void descriptor(u16 selector, u32 base, u32 limit, u8 type, u8 flags)
{
	u64 d = (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)type << 40 |
		(u64)((limit >> 16 & 15) | flags << 4) << 48 | (u64)(base >> 24) << 56;

	memcpy(mem + GDT + (selector & ~7), &d, 8);
}

static u32 at(u32 where)
{
	u32 val;

	memcpy(&val, mem + where, 4);
	return val;
}

static void put(u32 where, u32 val)
{
	memcpy(mem + where, &val, 4);
}

static void put16(u32 where, u16 val)
{
	memcpy(mem + where, &val, 2);
}

/* In the task of OLD, CPL 0, about to go to that of NEW, whose registers are 0x100 and so on. */
static void begin(u8 source)
{
	static const u16 seg[] = { SEL_DATA, SEL_CODE, SEL_DATA, SEL_DATA, 0, SEL_DATA };
	u8 i;

	memset(mem, 0, sizeof(mem));
	memset(&emu, 0, sizeof(emu));
	memset(&task, 0, sizeof(task));
	no_page = lost = 0;
	new_cr3 = 0;
	descriptor(SEL_CODE, 0, 0xfffff, 0x9b, 0xc);
	descriptor(SEL_DATA, 0, 0xfffff, 0x93, 0xc);
	descriptor(SEL_USER_CODE, 0, 0xfffff, 0xfb, 0xc);
	descriptor(SEL_USER_DATA, 0, 0xfffff, 0xf3, 0xc);
	descriptor(SEL_ABSENT, 0, 0xfffff, 0x13, 0xc);
	descriptor(SEL_OLD, OLD, 103, 0x8b, 0);
	descriptor(SEL_NEW, NEW, 103, source == X86_TASK_IRET ? 0x8b : 0x89, 0);
	descriptor(SEL_LDT, 0x7000, 63, 0x82, 0);
	put(NEW + 28, 0xc000);
	put(NEW + 32, 0x1234);
	put(NEW + 36, X86_EFLAGS_IF | 2);
	for (i = 0; i < 8; i++)
		put(NEW + 40 + 4 * i, i == X86_RSP ? STACK : 0x100 + i);
	for (i = 0; i < 6; i++)
		put(NEW + 72 + 4 * i, 0xabcd0000 | seg[i]);

	emu.ops = &ops;
	emu.cr0 = X86_CR0_PE | X86_CR0_PG;
	emu.rip = 0x4000;
	emu.rflags = X86_EFLAGS_NT | X86_EFLAGS_CF | 2;
	for (i = 0; i < 8; i++)
		emu.gpr[i] = 0x200 + i;
	for (i = 0; i < 6; i++) {
		emu.seg[i].selector = seg[i] | i << 8;
		emu.seg[i].limit = 0xffffffff;
		emu.seg[i].attr = i == X86_SEG_CS ? 0xc9b : 0xc93;
	}
	emu.seg[X86_SEG_TR] = (struct x86_segment) { .base = OLD, .limit = 103,
						     .selector = SEL_OLD, .attr = 0x8b };
	emu.gdt.base = GDT;
	emu.gdt.limit = 0x47;
	emu.idt.base = IDT;
	emu.idt.limit = 0x7f;
	task.selector = SEL_NEW;
	task.source = source;
	task.insn_len = 7;
}

static void fails(u8 vector, u32 error, bool switched, const char *what)
{
	static u8 before[MEMORY];
	struct x86_emu saved = emu;

	memcpy(before, mem, sizeof(mem));
	ck_assert_msg(x86_emu_task_switch(&emu, &task) == X86_EMU_FAULT, "%s: no fault", what);
	ck_assert_msg(emu.exc.vector == vector && emu.exc.error == error &&
		      task.switched == switched, "%s: vector %u, error %#x, switched %u", what,
		      emu.exc.vector, emu.exc.error, task.switched);
	if (switched)
		return;
	ck_assert_msg(!memcmp(mem, before, sizeof(mem)), "%s: memory changed", what);
	ck_assert(!memcmp(emu.gpr, saved.gpr, sizeof(emu.gpr)));
	ck_assert(!memcmp(emu.seg, saved.seg, sizeof(emu.seg)));
	ck_assert_uint_eq(emu.rip, saved.rip);
	ck_assert_uint_eq(emu.rflags, saved.rflags);
	ck_assert_uint_eq(emu.changed, 0);
}

static void check_new_task(void)
{
	unsigned int i;

	ck_assert(task.switched);
	ck_assert_uint_eq(emu.rip, 0x1234);
	for (i = 0; i < 8; i++)
		ck_assert_uint_eq(emu.gpr[i], i == X86_RSP ? STACK : 0x100 + i);
	ck_assert_uint_eq(emu.seg[X86_SEG_CS].selector, SEL_CODE);
	ck_assert_uint_eq(emu.seg[X86_SEG_CS].attr, 0xc9b);
	ck_assert_uint_eq(emu.seg[X86_SEG_SS].selector, SEL_DATA);
	ck_assert_uint_eq(emu.seg[X86_SEG_FS].attr, 0);
	ck_assert_uint_eq(emu.seg[X86_SEG_TR].selector, SEL_NEW);
	ck_assert_uint_eq(emu.seg[X86_SEG_TR].base, NEW);
	ck_assert_uint_eq(emu.seg[X86_SEG_TR].attr & 0xff, 0x8b);
	ck_assert(emu.cr0 & X86_CR0_TS);
	ck_assert_uint_eq(new_cr3, 0xc000);
	ck_assert_uint_eq(emu.changed, X86_EMU_SEGS);
}

START_TEST(to_and_fro)
{
	unsigned int i;

	for (i = X86_TASK_CALL; i <= X86_TASK_GATE; i++) {
		bool nests = i == X86_TASK_CALL || i == X86_TASK_GATE;

		begin(i);
		ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_DONE);
		check_new_task();
		ck_assert(!task.trap);
		/* Of the old task. */
		ck_assert_uint_eq(at(OLD + 32), 0x4007);
		ck_assert_uint_eq(at(OLD + 36), X86_EFLAGS_CF | 2 |
				  (i == X86_TASK_IRET ? 0 : X86_EFLAGS_NT));
		ck_assert_uint_eq(at(OLD + 40 + 4 * X86_RDI), 0x200 + X86_RDI);
		ck_assert_uint_eq(at(OLD + 72 + 4 * X86_SEG_GS), SEL_DATA | X86_SEG_GS << 8);
		ck_assert_uint_eq(at(OLD + 28), 0);
		ck_assert_uint_eq(at(OLD + 96), 0);
		/* Who called, who is busy. */
		ck_assert_uint_eq(mem[GDT + SEL_OLD + 5], nests ? 0x8b : 0x89);
		ck_assert_uint_eq(mem[GDT + SEL_NEW + 5], 0x8b);
		ck_assert_uint_eq(at(NEW) & 0xffff, nests ? SEL_OLD : 0);
		ck_assert_uint_eq(emu.rflags, X86_EFLAGS_IF | 2 | (nests ? X86_EFLAGS_NT : 0));
	}
	/* The trap of a task that is debugged; no paging, no CR3. */
	begin(X86_TASK_JMP);
	mem[NEW + 100] = 1;
	emu.cr0 = X86_CR0_PE;
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_DONE);
	ck_assert(task.trap);
	ck_assert_uint_eq(new_cr3, 0);
}
END_TEST

START_TEST(of_16_bits)
{
	unsigned int i;

	begin(X86_TASK_JMP);
	descriptor(SEL_OLD, OLD, 43, 0x83, 0);
	emu.seg[X86_SEG_TR].attr = 0x83;
	descriptor(SEL_NEW, NEW, 43, 0x81, 0);
	memset(mem + NEW, 0xff, 128);
	put16(NEW + 14, 0x4321);
	put16(NEW + 16, X86_EFLAGS_ZF | 2);
	for (i = 0; i < 8; i++)
		put16(NEW + 18 + 2 * i, 0x8000 + i);
	put16(NEW + 34, SEL_DATA);
	put16(NEW + 36, SEL_CODE);
	put16(NEW + 38, SEL_DATA);
	put16(NEW + 40, 0);
	put16(NEW + 42, 0);
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_DONE);
	ck_assert_uint_eq(emu.rip, 0x4321);
	ck_assert_uint_eq(emu.rflags, X86_EFLAGS_ZF | 2);
	ck_assert_uint_eq(emu.gpr[X86_RDI], 0x8007);
	ck_assert_uint_eq(emu.seg[X86_SEG_GS].attr | emu.seg[X86_SEG_DS].attr, 0);
	ck_assert_uint_eq(new_cr3, 0);
	ck_assert_uint_eq(at(OLD + 14), 0x4007 | (X86_EFLAGS_NT | X86_EFLAGS_CF | 2) << 16);
	ck_assert_uint_eq(at(OLD + 32) & 0xffff, 0x207);
	ck_assert_uint_eq(at(OLD + 38) >> 16, SEL_DATA | X86_SEG_DS << 8);
	ck_assert_uint_eq(at(OLD + 42), 0);
}
END_TEST

/* Faults of the old task: nothing has happened. */
START_TEST(refused)
{
	begin(X86_TASK_JMP);
	task.selector = 0;
	fails(X86_EXC_GP, 0, false, "null");
	task.selector = SEL_NEW | 4;
	fails(X86_EXC_GP, SEL_NEW | 4, false, "of the LDT");
	task.selector = 0x48;
	fails(X86_EXC_GP, 0x48, false, "beyond the GDT");
	task.selector = SEL_DATA;
	fails(X86_EXC_GP, SEL_DATA, false, "no TSS");
	task.selector = SEL_LDT;
	fails(X86_EXC_GP, SEL_LDT, false, "no TSS");
	task.selector = SEL_OLD | 3;
	fails(X86_EXC_GP, SEL_OLD, false, "busy");
	begin(X86_TASK_IRET);
	descriptor(SEL_NEW, NEW, 103, 0x89, 0);
	fails(X86_EXC_TS, SEL_NEW, false, "back to what is not busy");
	task.selector = 0x48;
	fails(X86_EXC_TS, 0x48, false, "back beyond the GDT");
	begin(X86_TASK_CALL);
	descriptor(SEL_NEW, NEW, 103, 0x09, 0);
	fails(X86_EXC_NP, SEL_NEW, false, "absent");
	descriptor(SEL_NEW, NEW, 102, 0x89, 0);
	fails(X86_EXC_TS, SEL_NEW, false, "too short");
	descriptor(SEL_NEW, NEW, 42, 0x81, 0);
	fails(X86_EXC_TS, SEL_NEW, false, "too short");
	begin(X86_TASK_CALL);
	no_page = NEW;
	fails(X86_EXC_PF, 2, false, "the new TSS is not there");
	no_page = OLD;
	fails(X86_EXC_PF, 2, false, "the old TSS is not there");
	/* An event's error codes say so; those of INT n do not. */
	begin(X86_TASK_GATE);
	task.selector = SEL_OLD;
	fails(X86_EXC_GP, SEL_OLD | 1, false, "busy, by an interrupt");
	task.software = true;
	task.vector = 3;
	fails(X86_EXC_GP, SEL_OLD, false, "busy, by INT3");
	emu.cpl = 3;
	fails(X86_EXC_GP, 3 * 8 + 2, false, "a gate that is too privileged");
	task.vector = 16;
	fails(X86_EXC_GP, 16 * 8 + 2, false, "beyond the IDT");
	/* Long mode has none; another CPU may win. */
	begin(X86_TASK_CALL);
	emu.efer = X86_EFER_LMA;
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_UNHANDLED);
	emu.efer = 0;
	lost = 1;
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_RETRY);
	ck_assert(!task.switched);
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_DONE);
}
END_TEST

static void bad_segment(unsigned int seg, u16 selector, u8 vector, u32 error)
{
	char what[64];

	begin(X86_TASK_CALL);
	put(NEW + 72 + 4 * seg, selector);
	snprintf(what, sizeof(what), "segment %u = %#x", seg, selector);
	fails(vector, error, true, what);
	ck_assert_uint_eq(emu.seg[seg].selector, selector);
	ck_assert_uint_eq(emu.seg[X86_SEG_TR].selector, SEL_NEW);
	/* What a unit looks at: CS and SS agree in their level. */
	ck_assert_uint_eq(X86_ATTR_DPL(emu.seg[X86_SEG_CS].attr),
			  X86_ATTR_DPL(emu.seg[X86_SEG_SS].attr));
}

/* Faults of the new task, which is there already. */
START_TEST(arrived_badly)
{
	bad_segment(X86_SEG_CS, 0, X86_EXC_TS, 0);
	bad_segment(X86_SEG_CS, SEL_DATA, X86_EXC_TS, SEL_DATA);
	bad_segment(X86_SEG_CS, SEL_NEW, X86_EXC_TS, SEL_NEW);
	bad_segment(X86_SEG_CS, SEL_CODE | 3, X86_EXC_TS, SEL_CODE);
	bad_segment(X86_SEG_CS, SEL_USER_CODE, X86_EXC_TS, SEL_USER_CODE);
	bad_segment(X86_SEG_CS, 0x48, X86_EXC_TS, 0x48);
	/* SS has to go with the new level. */
	bad_segment(X86_SEG_CS, SEL_USER_CODE | 3, X86_EXC_TS, SEL_DATA);
	bad_segment(X86_SEG_SS, 0, X86_EXC_TS, 0);
	bad_segment(X86_SEG_SS, SEL_USER_DATA | 3, X86_EXC_TS, SEL_USER_DATA);
	bad_segment(X86_SEG_SS, SEL_ABSENT, X86_EXC_SS, SEL_ABSENT);
	bad_segment(X86_SEG_DS, SEL_ABSENT, X86_EXC_NP, SEL_ABSENT);
	bad_segment(X86_SEG_GS, SEL_OLD, X86_EXC_TS, SEL_OLD);
	bad_segment(X86_SEG_ES, SEL_CODE | 4, X86_EXC_TS, SEL_CODE | 4);

	begin(X86_TASK_CALL);
	put(NEW + 96, SEL_DATA);
	fails(X86_EXC_TS, SEL_DATA, true, "an LDT that is none");
	put(NEW + 96, SEL_LDT | 4);
	begin(X86_TASK_CALL);
	put(NEW + 96, SEL_LDT);
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_DONE);
	ck_assert_uint_eq(emu.seg[X86_SEG_LDTR].base, 0x7000);

	begin(X86_TASK_JMP);
	descriptor(SEL_CODE, 0, 0x1233, 0x9b, 4);
	fails(X86_EXC_GP, 0, true, "EIP beyond CS");
	begin(X86_TASK_GATE);
	put(NEW + 72 + 4 * X86_SEG_DS, SEL_ABSENT);
	fails(X86_EXC_NP, SEL_ABSENT | 1, true, "by an interrupt");
}
END_TEST

START_TEST(error_code)
{
	begin(X86_TASK_GATE);
	task.has_error = true;
	task.error = 0x12345678;
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_DONE);
	ck_assert_uint_eq(emu.gpr[X86_RSP], STACK - 4);
	ck_assert_uint_eq(at(STACK - 4), 0x12345678);
	ck_assert_uint_eq(last_access & X86_WALK_IMPLICIT, X86_WALK_IMPLICIT);

	/* To a user's task: with the user's rights. */
	begin(X86_TASK_GATE);
	put(NEW + 72 + 4 * X86_SEG_CS, SEL_USER_CODE | 3);
	put(NEW + 72 + 4 * X86_SEG_SS, SEL_USER_DATA | 3);
	put(NEW + 72 + 4 * X86_SEG_DS, SEL_USER_DATA | 3);
	put(NEW + 72 + 4 * X86_SEG_ES, 0);
	put(NEW + 72 + 4 * X86_SEG_GS, 0);
	task.has_error = true;
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_DONE);
	ck_assert_uint_eq(emu.cpl, 3);
	ck_assert_uint_eq(last_access & X86_WALK_USER, X86_WALK_USER);

	begin(X86_TASK_GATE);
	task.has_error = true;
	no_page = STACK - 4;
	fails(X86_EXC_PF, 2, true, "no stack");
}
END_TEST

/* A virtual-8086 task: its segments are no descriptors. */
START_TEST(virtual_8086)
{
	begin(X86_TASK_IRET);
	put(NEW + 36, X86_EFLAGS_VM | X86_EFLAGS_IF | 2);
	put(NEW + 72 + 4 * X86_SEG_CS, 0x1000);
	ck_assert_int_eq(x86_emu_task_switch(&emu, &task), X86_EMU_DONE);
	ck_assert(emu.rflags & X86_EFLAGS_VM);
	ck_assert_uint_eq(emu.seg[X86_SEG_CS].base, 0x10000);
	ck_assert_uint_eq(emu.seg[X86_SEG_CS].attr, 0xf3);
	ck_assert_uint_eq(emu.seg[X86_SEG_SS].attr, 0xf3);
	ck_assert_uint_eq(emu.seg[X86_SEG_SS].base, SEL_DATA << 4);
}
END_TEST

/* Whatever lies in the tables: no more than a fault comes of it. */
START_TEST(any)
{
	unsigned int i, j, done = 0;

	for (i = 0; i < 100000; i++) {
		begin(unit_random_below(4));
		for (j = unit_random_below(6); j; j--)
			mem[(unit_random_below(2) ? GDT + unit_random_below(0x48) :
			     NEW + unit_random_below(104))] ^= 1 << unit_random_below(8);
		task.selector = unit_random_below(4) ? SEL_NEW : unit_random_below(0x10000);
		task.has_error = unit_random_below(2);
		task.software = unit_random_below(2);
		task.vector = unit_random_below(256);
		emu.cpl = unit_random_below(4);
		switch (x86_emu_task_switch(&emu, &task)) {
		case X86_EMU_DONE:
			done++;
			ck_assert(task.switched);
			break;
		case X86_EMU_FAULT:
			ck_assert_uint_lt(emu.exc.vector, 32);
			break;
		case X86_EMU_UNHANDLED:
			break;
		default:
			ck_abort_msg("another result");
		}
	}
	ck_assert_uint_gt(done, i / 50);
	unit_figure("random task switches", i);
}
END_TEST

UNIT_MAIN("task_switch",
	  UNIT_CASE("tasks", to_and_fro, of_16_bits, refused, arrived_badly, error_code,
		    virtual_8086, any))
