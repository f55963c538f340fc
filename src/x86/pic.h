/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair of 8259A interrupt controllers of a PC, with the edge/level
 * control registers at 0x4d0. pic.c; called by irqchip.c.
 */
#ifndef X86_PIC_H
#define X86_PIC_H

#include <kvmx/x86.h>

int pic_create(struct x86_vm *vm);	/* sets vm->pic and registers the ports; may sleep */
void pic_destroy(struct x86_vm *vm);	/* may sleep */

/* Any context. Line 0 to 15. > 0 raised, 0 was pending already, -1 masked. */
int pic_set_irq(struct x86_vm *vm, u32 line, int source, int level);
bool pic_output(struct pic *pic);	/* any context, no lock: level of the master's INT pin */
int pic_peek(struct pic *pic);		/* any context: what pic_ack() would return, or -1 */
/*
 * INTA: vector of the highest request, that is in service from now on. Where locks
 * sleep (PREEMPT_RT), those who wait for an automatic EOI are left to pic_settle().
 */
int pic_ack(struct x86_vm *vm);
bool pic_owes(struct pic *pic);
void pic_settle(struct x86_vm *vm);

/* @slave 0 or 1. */
void pic_get_state(struct pic *pic, int slave, struct kvmx_pic_state *s);
void pic_set_state(struct x86_vm *vm, int slave, const struct kvmx_pic_state *s);

#endif
