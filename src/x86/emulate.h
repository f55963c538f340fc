/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interpreter for one x86 instruction over a state that holds nothing of
 * kvmx's objects: memory, ports and system registers are reached through ops.
 * emulate*.c, decode.c; called by mmio.c for exits that the unit does not decode.
 */
#ifndef KVMX_X86_EMULATE_H
#define KVMX_X86_EMULATE_H

#include <kvmx/x86_regs.h>
#include "decode.h"
#include "walk.h"

struct x86_emu;

/*
 * What x86_emulate() says, and what each op says to it. An op that answers
 * anything but DONE ends the instruction with that result and no change of state.
 */
enum x86_emu_result {
	X86_EMU_DONE,		/* state is that after the instruction */
	X86_EMU_FAULT,		/* state unchanged, e->exc is to be injected (ops: they filled it) */
	X86_EMU_IO,		/* user space must provide the data; then emulate the same again */
	X86_EMU_REPEAT,		/* iterations of a REP are done, more to come; not for ops */
	X86_EMU_RETRY,		/* state unchanged: an op would have to sleep, or lost a race */
	X86_EMU_UNHANDLED,	/* not an instruction or a case that we emulate */
};

/*
 * A NULL op makes the instruction that needs it UNHANDLED. Linear addresses
 * are checked for segment limits and canonicality; ranges may cross a page
 * except in fetch. @access is X86_WALK_* of walk.h.
 *
 * Instructions are re-executed from the start after X86_EMU_IO: an op sees the
 * same calls in the same order, and answers those that it had answered before
 * with the same data. A write or an output that user space has to complete is
 * noted by the op and answered DONE; the caller hands it out when the
 * instruction is DONE or REPEAT, and forgets it on any other result.
 */
struct x86_emu_ops {
	/* Instruction bytes: @len of them, never across a page. */
	int (*fetch)(struct x86_emu *e, u64 linear, void *buf, unsigned int len);
	/* @len up to 32, for OUTS up to X86_EMU_PIO_MAX. With X86_WALK_WRITE it will be written too. */
	int (*read)(struct x86_emu *e, u64 linear, void *buf, unsigned int len, u32 access);
	int (*write)(struct x86_emu *e, u64 linear, const void *buf, unsigned int len,
		     u32 access);
	/*
	 * Atomic on memory: @len 1, 2, 4, 8 or 16. @old becomes what was found;
	 * the emulator compares, and goes round again. On MMIO a plain write of
	 * @new that leaves @old: the device was read just before.
	 */
	int (*cmpxchg)(struct x86_emu *e, u64 linear, void *old, const void *new,
		       unsigned int len);
	/* Optional: whether the range may be accessed, without doing it. For INS, ENTER, CLFLUSH. */
	int (*probe)(struct x86_emu *e, u64 linear, unsigned int len, u32 access);

	/* @count elements of @size (1, 2, 4), at most X86_EMU_PIO_MAX bytes. Permission was checked. */
	int (*pio_in)(struct x86_emu *e, u16 port, unsigned int size, void *buf,
		      unsigned int count);
	int (*pio_out)(struct x86_emu *e, u16 port, unsigned int size, const void *buf,
		       unsigned int count);

	/*
	 * System registers. The privilege was checked; a set op checks the value
	 * and raises #GP by x86_emu_raise_error(). set_cr also updates e->cr0, cr4, efer.
	 */
	int (*get_cr)(struct x86_emu *e, unsigned int reg, u64 *val);
	int (*set_cr)(struct x86_emu *e, unsigned int reg, u64 val);
	int (*get_dr)(struct x86_emu *e, unsigned int reg, u64 *val);
	int (*set_dr)(struct x86_emu *e, unsigned int reg, u64 val);
	int (*get_msr)(struct x86_emu *e, u32 msr, u64 *val);	/* also for RDTSC, SWAPGS */
	int (*set_msr)(struct x86_emu *e, u32 msr, u64 val);
	int (*cpuid)(struct x86_emu *e, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
	int (*hlt)(struct x86_emu *e);
	int (*wbinvd)(struct x86_emu *e);			/* also INVD */
	int (*invlpg)(struct x86_emu *e, u64 linear);

	/* Vector registers, 16 or 32 bytes of them. @zero_upper: clear what lies above. */
	int (*read_xmm)(struct x86_emu *e, unsigned int reg, void *buf, unsigned int len);
	int (*write_xmm)(struct x86_emu *e, unsigned int reg, const void *buf, unsigned int len,
			 bool zero_upper);
};

#define X86_EMU_PIO_MAX		512	/* bytes that one INS or OUTS step moves */

#define X86_EMU_SEGS		BIT(0)	/* x86_emu.changed: seg[] */
#define X86_EMU_TABLES		BIT(1)	/* gdt, idt */

struct x86_emu {
	const struct x86_emu_ops *ops;
	void *ctx;			/* the caller's */

	/* In, and out when DONE or REPEAT. */
	u64 gpr[X86_GPRS];
	u64 rip, rflags;
	struct x86_segment seg[X86_SEGS];
	struct x86_table gdt, idt;

	/* In. */
	u64 cr0, cr4, efer;
	u8 cpl;
	u8 nr_bytes;			/* instruction bytes known; the rest by ops->fetch */
	u8 bytes[X86_INSN_MAX];		/* kept for the re-execution, 0 for a new instruction */

	/* Out. */
	u8 insn_len;			/* 0: not decoded */
	u8 changed;			/* X86_EMU_SEGS, X86_EMU_TABLES */
	bool int_shadow;		/* DONE: STI, MOV SS, POP SS hold interrupts for one instruction */
	bool single_step;		/* DONE, REPEAT: RFLAGS.TF was set, raise #DB with BS */
	struct x86_event exc;		/* FAULT */
	u64 exc_payload;		/* FAULT with #PF: CR2; with #DB: bits of DR6 */
};

int x86_emulate(struct x86_emu *e);

enum x86_task_source { X86_TASK_CALL, X86_TASK_IRET, X86_TASK_JMP, X86_TASK_GATE };

/* A task switch; GATE is one of the IDT. */
struct x86_emu_task {
	u16 selector;			/* of the new TSS */
	u8 source;			/* enum x86_task_source */
	bool software;			/* GATE: by INT n, INT3, INTO */
	u8 vector;			/* GATE: with software */
	u8 insn_len;			/* what the old task's RIP goes on by */
	bool has_error;			/* GATE: the exception's error code */
	u32 error;

	bool switched;			/* out: a FAULT is the new task's, and the state is its */
	bool trap;			/* out, with DONE: the TSS asks for a #DB with BT */
};

/*
 * emulate_task.c: DONE, FAULT, or another result than which nothing was changed.
 * State is that of the new task as soon as it is @switched.
 */
int x86_emu_task_switch(struct x86_emu *e, struct x86_emu_task *t);

/* For ops: fill e->exc and return X86_EMU_FAULT. */
int x86_emu_raise(struct x86_emu *e, u8 vector);
int x86_emu_raise_error(struct x86_emu *e, u8 vector, u32 error);
int x86_emu_raise_page_fault(struct x86_emu *e, u64 linear, u32 error);

/* Mode of the code that CS, RFLAGS and EFER describe. */
enum x86_insn_mode x86_emu_mode(const struct x86_emu *e);

#endif
