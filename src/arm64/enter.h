/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch between the worlds (enter.c, world.S), the translation's registers
 * and VM ids (stage2.c): what touches the CPU and is called by the run loop.
 */
#ifndef ARM64_ENTER_H
#define ARM64_ENTER_H

#include "arm64.h"

/* 0, or -errno after one line that says why guests cannot run here. */
int arm64_cpu_probe(void);

/* Around the window: what the CPU keeps of the guest between entries. */
void arm64_world_load(struct arm64_vcpu *v);
void arm64_world_save(struct arm64_vcpu *v);
/* One entry, interrupts off; fills v->exit. */
void arm64_world_run(struct arm64_vcpu *v);

/* Cleans and invalidates @size bytes at @at in the data caches, all in the instruction caches. */
void arm64_cache_clean(const void *at, size_t size);

/* stage2_format.c, stage2.c */
extern struct stage2_format arm64_stage2;
int arm64_stage2_init(void);
u64 arm64_vtcr(void);
/* Gives the VM an id if the one it has is of an old generation; preemption off. */
void arm64_vmid_update(struct arm64_vm *vm);
/* Whether it has a valid one; interrupts off, the vCPU says that it is in the guest. */
bool arm64_vmid_valid(struct arm64_vm *vm);
u64 arm64_vttbr(struct arm64_vm *vm);

/* world.S */
unsigned int arm64_world_enter(struct user_pt_regs *regs, const void *vectors);
extern const char arm64_vectors[];
void arm64_fp_save(struct user_fpsimd_state *fp);
void arm64_fp_load(const struct user_fpsimd_state *fp);

#endif
