/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch between the worlds (enter.c, world.S), on a host at EL2 (vhe.c) and
 * on one at EL1 (nvhe.c), the translation's registers and VM ids (stage2.c): what
 * touches the CPU and is called by the run loop.
 */
#ifndef ARM64_ENTER_H
#define ARM64_ENTER_H

#include <linux/percpu.h>

#include "arm64.h"
#include "spectre.h"

#define read_reg(enc)		read_sysreg_s(enc)
#define write_reg(val, enc)	write_sysreg_s(val, enc)

/*
 * An encoding has its number written out, so registers that are numbered need an
 * instruction each: cases of a switch, of which the first so many are done.
 */
#define EACH_DOWN(what, ...) \
	what(15, ##__VA_ARGS__) what(14, ##__VA_ARGS__) what(13, ##__VA_ARGS__) \
	what(12, ##__VA_ARGS__) what(11, ##__VA_ARGS__) what(10, ##__VA_ARGS__) \
	what(9, ##__VA_ARGS__) what(8, ##__VA_ARGS__) what(7, ##__VA_ARGS__) \
	what(6, ##__VA_ARGS__) what(5, ##__VA_ARGS__) what(4, ##__VA_ARGS__) \
	what(3, ##__VA_ARGS__) what(2, ##__VA_ARGS__) what(1, ##__VA_ARGS__) \
	what(0, ##__VA_ARGS__)

/* 0, or -errno after one line that says why guests cannot run here. */
int arm64_cpu_probe(void);
extern bool arm64_nvhe;		/* the host is at EL1 */
extern bool arm64_has_hcrx;

/* Around the window: what the CPU keeps of the guest between entries. */
void arm64_world_load(struct arm64_vcpu *v);
void arm64_world_save(struct arm64_vcpu *v);
/* One entry, interrupts off; fills v->exit. */
void arm64_world_run(struct arm64_vcpu *v);

/* Their parts that differ; run answers the vector and fills the first words of v->exit. */
void vhe_load(struct arm64_vcpu *v);
void vhe_save(struct arm64_vcpu *v);
unsigned int vhe_run(struct arm64_vcpu *v);
void nvhe_load(struct arm64_vcpu *v);
void nvhe_save(struct arm64_vcpu *v);
unsigned int nvhe_run(struct arm64_vcpu *v);

/* debug.c: around an entry if anybody debugs, the host or the guest; interrupts off. */
void arm64_debug_enter(struct arm64_vcpu *v);
void arm64_debug_leave(struct arm64_vcpu *v);

/*
 * A host at EL1: memory for EL2 is made and freed, and some is shown to it (0 or
 * -ENOMEM); EL2 of this CPU is looked at (-EBUSY: it is not the kernel's own stub that
 * is there), interrupts off. The frame is this CPU's, in a window.
 */
int nvhe_take(void);
void nvhe_give(void);
int nvhe_share(void *at, size_t size);
int nvhe_cpu_enable(void);
void nvhe_flush_all(void);
struct arm64_frame *nvhe_frame(void);

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

/* spectre_cpu.c: what this CPU's vectors have to do; preemption off. */
DECLARE_PER_CPU(struct spectre_choice, spectre_choice);
static inline u64 spectre_harden(void)
{
	return __this_cpu_read(spectre_choice.harden);
}

/* world.S, fp.S */
unsigned int arm64_world_enter(struct user_pt_regs *regs, struct arm64_exit *exit,
			       u64 harden);
void arm64_fp_save(struct user_fpsimd_state *fp);
void arm64_fp_load(const struct user_fpsimd_state *fp);

#endif
