// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulator: task switches by hardware, which the units leave to us as a whole
 * (Intel SDM volume 3, "Task Switching"; AMD APM volume 2, "Task Management").
 * Called by task_switch.c.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <kvmx/x86_regs.h>
#include "emulate_ops.h"

#define TSS_TYPE_MASK	0x1d		/* of a descriptor's type and S */
#define TSS_TYPE	0x01
#define TSS_BUSY	0x02
#define TSS_32		0x08
#define LDT_TYPE	0x02

/* Flags that a task may have. */
#define TASK_FLAGS_16	0x7fd5u
#define TASK_FLAGS_32	(TASK_FLAGS_16 | 0x3f0000u)

/* Where a TSS has what is switched ("32-Bit Task-State Segment", "16-Bit ..."). */
struct tss_layout {
	u8 size, word;			/* bytes of all of it, and of a register */
	u8 ip, flags, gpr, seg, ldt;
	u8 seg_step, segs;
	u8 save_end;			/* from @ip on, what is written to it */
};

static const struct tss_layout tss16 = {
	.size = 44, .word = 2, .ip = 14, .flags = 16, .gpr = 18, .seg = 34, .ldt = 42,
	.seg_step = 2, .segs = 4, .save_end = 42,
};
static const struct tss_layout tss32 = {
	.size = 104, .word = 4, .ip = 32, .flags = 36, .gpr = 40, .seg = 72, .ldt = 96,
	.seg_step = 4, .segs = 6, .save_end = 96,
};

#define TSS32_CR3	28
#define TSS32_TRAP	100
#define TSS_MAX		104

/* One switch under way. */
struct task {
	struct emu c;
	struct x86_emu_task *t;
	const struct tss_layout *layout, *old_layout;
	struct x86_segment tr;		/* of the new task */
	u64 desc_at, old_desc_at;	/* where the descriptors lie */
	u8 desc_type, old_desc_type;	/* their byte of type and rights */
	u8 image[TSS_MAX];		/* the new TSS */
};

static const struct tss_layout *layout_of(u16 attr)
{
	return attr & TSS_32 ? &tss32 : &tss16;
}

static u32 image_get(const u8 *image, unsigned int at, unsigned int size)
{
	u32 val = 0;

	memcpy(&val, image + at, size);
	return val;
}

static int task_raise(struct task *task, u8 vector, u32 error)
{
	return emu_raise_error(&task->c, vector, error);
}

/* The selector's descriptor has to be a TSS; who comes back finds it busy. */
static int task_find(struct task *task)
{
	const struct x86_emu_task *t = task->t;
	bool back = t->source == X86_TASK_IRET;
	u8 bad = back ? X86_EXC_TS : X86_EXC_GP;
	u32 error = t->selector & ~3;
	u64 desc;
	int ret;

	if (!error || (t->selector & 4))
		return task_raise(task, bad, error);
	ret = emu_read_descriptor(&task->c, t->selector, &desc, &task->desc_at);
	if (ret == X86_EMU_FAULT && task->c.e->exc.vector == X86_EXC_GP)
		return task_raise(task, bad, error);
	if (ret)
		return ret;
	emu_unpack_descriptor(desc, error, &task->tr);
	task->desc_type = desc >> 40;
	if ((task->tr.attr & TSS_TYPE_MASK & ~TSS_32) != TSS_TYPE ||
	    !(task->tr.attr & TSS_BUSY) != !back)
		return task_raise(task, bad, error);
	if (!(task->tr.attr & X86_ATTR_P))
		return task_raise(task, X86_EXC_NP, error);
	task->layout = layout_of(task->tr.attr);
	if (task->tr.limit < task->layout->size - 1)
		return task_raise(task, X86_EXC_TS, error);
	return X86_EMU_DONE;
}

/* INT n, INT3 and INTO need a gate that they may use. */
static int task_check_gate(struct task *task)
{
	const struct x86_emu_task *t = task->t;
	struct x86_emu *e = task->c.e;
	u64 gate;
	int ret;

	if (t->source != X86_TASK_GATE || !t->software)
		return X86_EMU_DONE;
	if (t->vector * 8 + 7 > e->idt.limit)
		return task_raise(task, X86_EXC_GP, t->vector * 8 + 2);
	ret = e->ops->read(e, (u32)(e->idt.base + t->vector * 8), &gate, 8, X86_WALK_IMPLICIT);
	if (ret)
		return ret;
	if (emu_cpl(&task->c) > (gate >> 45 & 3))
		return task_raise(task, X86_EXC_GP, t->vector * 8 + 2);
	return X86_EMU_DONE;
}

/* Eight bytes at a time, by which device memory is not confused. */
static int task_read_image(struct task *task)
{
	struct x86_emu *e = task->c.e;
	unsigned int at, len, size = task->layout->size;
	int ret = X86_EMU_DONE;

	for (at = 0; at < size && !ret; at += len) {
		len = min(size - at, 8u);
		ret = e->ops->read(e, (u32)(task->tr.base + at), task->image + at, len,
				   X86_WALK_IMPLICIT);
	}
	return ret;
}

/* All that is going to be written can be: from there on only the new task faults. */
static int task_probe(struct task *task)
{
	const u32 write = X86_WALK_WRITE | X86_WALK_IMPLICIT;
	struct x86_emu *e = task->c.e;
	const struct x86_segment *old = &e->seg[X86_SEG_TR];
	const struct tss_layout *l = task->old_layout;
	u64 desc;
	int ret;

	ret = emu_read_descriptor(&task->c, old->selector, &desc, &task->old_desc_at);
	task->old_desc_type = desc >> 40;
	if (!ret)
		ret = e->ops->probe(e, task->old_desc_at, 8, write);
	if (!ret)
		ret = e->ops->probe(e, task->desc_at, 8, write);
	if (!ret)
		ret = e->ops->probe(e, (u32)(old->base + l->ip), l->save_end - l->ip, write);
	if (!ret)
		ret = e->ops->probe(e, (u32)task->tr.base, task->layout->size, write);
	return ret;
}

static int task_save_old(struct task *task)
{
	struct x86_emu *e = task->c.e;
	const struct tss_layout *l = task->old_layout;
	u64 base = e->seg[X86_SEG_TR].base, flags = e->rflags;
	u8 image[TSS_MAX] = {};
	unsigned int i, at, len;
	u64 ip = e->rip + task->t->insn_len;
	int ret = X86_EMU_DONE;

	if (task->t->source == X86_TASK_IRET)
		flags &= ~(u64)X86_EFLAGS_NT;
	memcpy(image + l->ip, &ip, l->word);
	memcpy(image + l->flags, &flags, l->word);
	for (i = 0; i < 8; i++)
		memcpy(image + l->gpr + i * l->word, &e->gpr[i], l->word);
	for (i = 0; i < l->segs; i++)
		memcpy(image + l->seg + i * l->seg_step, &e->seg[i].selector, 2);
	for (at = l->ip; at < l->save_end && !ret; at += len) {
		len = min(l->save_end - at, 8u);
		ret = e->ops->write(e, (u32)(base + at), image + at, len, X86_WALK_IMPLICIT);
	}
	return ret;
}

/* Sets or clears the busy bit of the descriptor at @at; another CPU may do so as well. */
static int task_set_busy(struct task *task, u64 at, u8 type, bool busy)
{
	struct x86_emu *e = task->c.e;
	u8 found = type, new = busy ? type | TSS_BUSY : type & ~TSS_BUSY;
	int ret;

	if (new == type)
		return X86_EMU_DONE;
	ret = e->ops->cmpxchg(e, at + 5, &found, &new, 1);
	return !ret && found != type ? X86_EMU_RETRY : ret;
}

/* Who leaves for good is no longer busy; who is called remembers the caller. */
static int task_link(struct task *task)
{
	struct x86_emu *e = task->c.e;
	u8 source = task->t->source;
	bool nests = source == X86_TASK_CALL || source == X86_TASK_GATE;
	int ret = X86_EMU_DONE;

	if (nests)
		ret = e->ops->write(e, (u32)task->tr.base, &e->seg[X86_SEG_TR].selector, 2,
				    X86_WALK_IMPLICIT);
	else
		ret = task_set_busy(task, task->old_desc_at, task->old_desc_type, false);
	/* Last, since a busy task cannot be switched to once more. */
	if (!ret && source != X86_TASK_IRET)
		ret = task_set_busy(task, task->desc_at, task->desc_type, true);
	return ret;
}

/*
 * The registers of the new task. Of the segments only CS and SS keep what they
 * were, so that a fault meanwhile finds a state that can be entered with.
 */
static int task_load_registers(struct task *task)
{
	const struct tss_layout *l = task->layout;
	struct x86_emu *e = task->c.e;
	bool wide = l == &tss32;
	u8 source = task->t->source;
	unsigned int i;
	int ret = X86_EMU_DONE;

	e->rip = image_get(task->image, l->ip, l->word);
	e->rflags = (image_get(task->image, l->flags, l->word) &
		     (wide ? TASK_FLAGS_32 : TASK_FLAGS_16)) | X86_EFLAGS_FIXED;
	if (source == X86_TASK_CALL || source == X86_TASK_GATE)
		e->rflags |= X86_EFLAGS_NT;
	for (i = 0; i < 8; i++)
		e->gpr[i] = image_get(task->image, l->gpr + i * l->word, l->word);
	for (i = 0; i <= X86_SEG_GS; i++) {
		e->seg[i].selector = i < l->segs ?
			image_get(task->image, l->seg + i * l->seg_step, 2) : 0;
		if (i != X86_SEG_CS && i != X86_SEG_SS)
			e->seg[i].attr = 0;
	}
	memset(&e->seg[X86_SEG_LDTR], 0, sizeof(e->seg[X86_SEG_LDTR]));
	e->seg[X86_SEG_LDTR].selector = image_get(task->image, l->ldt, 2);
	e->seg[X86_SEG_TR] = task->tr;
	e->seg[X86_SEG_TR].attr |= TSS_BUSY;
	e->changed |= X86_EMU_SEGS;

	/* The old task's registers of the FPU are still there: using them faults. */
	ret = e->ops->set_cr(e, 0, e->cr0 | X86_CR0_TS);
	if (!ret && wide && (e->cr0 & X86_CR0_PG))
		ret = e->ops->set_cr(e, 3, image_get(task->image, TSS32_CR3, 4));
	return ret;
}

/* What a MOV to a segment register would answer with #GP is #TS here. */
static int task_segment_result(struct task *task, int ret, u16 selector)
{
	if (ret == X86_EMU_UNHANDLED ||
	    (ret == X86_EMU_FAULT && task->c.e->exc.vector == X86_EXC_GP))
		return task_raise(task, X86_EXC_TS, selector & ~3);
	return ret == EMU_AGAIN ? X86_EMU_RETRY : ret;
}

static int task_load_ldt(struct task *task)
{
	struct x86_segment *ldt = &task->c.e->seg[X86_SEG_LDTR], s;
	u16 selector = ldt->selector;
	u64 desc, at;
	int ret;

	if (selector < 4)
		return X86_EMU_DONE;
	if (selector & 4)
		return task_raise(task, X86_EXC_TS, selector & ~3);
	ret = emu_read_descriptor(&task->c, selector, &desc, &at);
	if (ret)
		return task_segment_result(task, ret, selector);
	emu_unpack_descriptor(desc, selector, &s);
	if ((s.attr & (X86_ATTR_S | X86_ATTR_TYPE)) != LDT_TYPE || !(s.attr & X86_ATTR_P))
		return task_raise(task, X86_EXC_TS, selector & ~3);
	*ldt = s;
	return X86_EMU_DONE;
}

static int task_load_segments(struct task *task)
{
	static const u8 data[] = { X86_SEG_SS, X86_SEG_DS, X86_SEG_ES, X86_SEG_FS, X86_SEG_GS };
	struct x86_emu *e = task->c.e;
	struct x86_segment *ss = &e->seg[X86_SEG_SS];
	u16 selector = e->seg[X86_SEG_CS].selector;
	unsigned int i;
	int ret;

	ret = task_load_ldt(task);
	if (ret)
		return ret;
	e->cpl = selector & 3;
	ret = task_segment_result(task, emu_far_goto(&task->c, selector, 0), selector);
	if (ret)
		return ret;
	/* Until it is loaded: units want it to agree with the level. */
	ss->attr = (ss->attr & ~(3 << X86_ATTR_DPL_SHIFT)) | emu_cpl(&task->c) << X86_ATTR_DPL_SHIFT;
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		selector = e->seg[data[i]].selector;
		ret = task_segment_result(task, emu_load_seg(&task->c, data[i], selector),
					  selector);
		if (ret)
			return ret;
	}
	return X86_EMU_DONE;
}

/* On the new task's stack, as the gate of an exception would push it. */
static int task_push_error(struct task *task)
{
	unsigned int size = task->layout->word, width;
	struct x86_emu *e = task->c.e;
	u32 access = emu_cpl(&task->c) == 3 ? X86_WALK_USER : X86_WALK_IMPLICIT;
	u64 sp, linear;
	int ret;

	width = e->seg[X86_SEG_SS].attr & X86_ATTR_DB ? 4 : 2;
	sp = (e->gpr[X86_RSP] - size) & emu_mask(width);
	ret = emu_linear(&task->c, X86_SEG_SS, sp, size, X86_WALK_WRITE, &linear);
	if (!ret)
		ret = e->ops->write(e, linear, &task->t->error, size, access);
	if (!ret)
		emu_set_addr(&task->c, X86_RSP, width, sp);
	return ret;
}

static int task_arrive(struct task *task)
{
	struct x86_emu *e = task->c.e;
	int ret;

	ret = task_load_registers(task);
	if (!ret)
		ret = task_load_segments(task);
	if (!ret && task->t->has_error)
		ret = task_push_error(task);
	if (!ret && e->rip > e->seg[X86_SEG_CS].limit)
		ret = task_raise(task, X86_EXC_GP, 0);
	task->t->trap = !ret && task->layout == &tss32 && (task->image[TSS32_TRAP] & 1);
	return ret;
}

int x86_emu_task_switch(struct x86_emu *e, struct x86_emu_task *t)
{
	struct task task = {
		.c = { .e = e, .size = 4, .in = { .mode = X86_MODE_32 } },
		.t = t,
		.old_layout = layout_of(e->seg[X86_SEG_TR].attr),
	};
	int ret;

	e->changed = 0;
	e->int_shadow = e->single_step = false;
	e->exc = (struct x86_event) { .type = X86_EVENT_NONE };
	t->switched = t->trap = false;
	if (!(e->cr0 & X86_CR0_PE) || (e->efer & X86_EFER_LMA) || !e->ops->read ||
	    !e->ops->write || !e->ops->cmpxchg || !e->ops->probe || !e->ops->set_cr)
		return X86_EMU_UNHANDLED;

	ret = task_check_gate(&task);
	if (!ret)
		ret = task_find(&task);
	if (!ret)
		ret = task_probe(&task);
	if (!ret)
		ret = task_read_image(&task);
	if (!ret)
		ret = task_save_old(&task);
	if (!ret)
		ret = task_link(&task);
	if (!ret) {
		t->switched = true;
		ret = task_arrive(&task);
	}
	/* Bit 0 of error codes: no instruction of the program's asked for it ("Error Code"). */
	if (ret == X86_EMU_FAULT && t->source == X86_TASK_GATE && !t->software &&
	    e->exc.has_error && e->exc.vector != X86_EXC_PF)
		e->exc.error |= 1;
	return ret;
}
