/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 8254 interval timer of a PC and port 0x61. pit.c; called by irqchip.c.
 * Channel 0 drives GSI 0.
 */
#ifndef X86_PIT_H
#define X86_PIT_H

#include <kvmx/x86.h>

/* @flags: KVMX_PIT_SPEAKER_DUMMY answers port 0x61. Sets vm->pit; may sleep. */
int pit_create(struct x86_vm *vm, u32 flags);
void pit_destroy(struct x86_vm *vm);	/* @vm may have none; may sleep */
void pit_quiesce(struct x86_vm *vm);	/* stops the timer for good; may sleep */

void pit_get_state(struct pit *pit, struct kvmx_pit_state2 *s);
int pit_set_state(struct pit *pit, const struct kvmx_pit_state2 *s);	/* -EINVAL: nothing changed */
void pit_set_reinject(struct pit *pit, bool reinject);

#endif
