/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the AMD-V driver share: a vCPU's control block and what
 * is remembered beside it.
 */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include <linux/percpu.h>

#include <kvmx/x86.h>
#include "vmcb.h"

/* Where a vCPU is in telling the end of an NMI handler without hardware help. */
enum svm_nmi_phase {
	SVM_NMI_NONE,
	SVM_NMI_BEFORE_IRET,	/* IRET is intercepted */
	SVM_NMI_IN_IRET,	/* IRET was let through, at step_rip */
	SVM_NMI_STEPPING,	/* an NMI waits for the end of this instruction: a trap tells */
};

struct svm_vcpu {
	struct vmcb *vmcb;	/* [I] */
	u64 vmcb_pa;		/* [I] */
	int last_cpu;		/* [w] whose ASIDs and cached state apply, -1: none */
	u64 asid_generation;	/* [w] of last_cpu */
	bool flush;		/* [m] drop translations before the next entry */
	bool want_nmi;		/* [m] an NMI waits for the window */
	u8 nmi_phase;		/* [m] enum svm_nmi_phase */
	u64 step_rip;		/* [m] where the IRET is, or the instruction that is stepped */
	bool step_tf;		/* [m] the guest's own TF while stepping */
	u64 host_debugctl;	/* [w] */
	u8 soft_len;		/* [w] RIP was moved over the instruction of an injected trap */
};

static inline struct svm_vcpu *to_svm(struct x86_vcpu *v)
{
	return v->unit;
}

/* vmrun.S: see there. */
void svm_vmrun(u64 *gpr, u64 vmcb_pa, u64 host_pa, u32 spec_ctrl, u32 host_spec_ctrl);

/* cpu.c */
struct svm_cpu {
	struct page *save_area;	/* the CPU's own host state (VM_HSAVE_PA) */
	struct page *host;	/* VMSAVE and VMLOAD state of the host */
	u64 host_pa;
	u64 generation;		/* of ASIDs; vCPUs with an older one take a new ASID */
	u32 next_asid;
	u64 tsc_ratio;		/* what the CPU's TSC ratio MSR holds */
	void *last;		/* compared only: the vCPU whose branch history is there */
	bool enabled;
};

DECLARE_PER_CPU(struct svm_cpu, svm_cpu);

int svm_probe(struct x86_unit_caps *caps);
void svm_remove(void);
int svm_cpu_enable(void);
void svm_cpu_disable(void);
extern u64 svm_iopm_pa, svm_msrpm_pa, svm_msrpm_all_pa;	/* the last: every MSR exits */
extern const u32 svm_direct_msrs[];
extern u32 svm_nr_asids;

/* vcpu.c */
int svm_vcpu_create(struct x86_vcpu *v);
void svm_vcpu_destroy(struct x86_vcpu *v);
void svm_load_state(struct x86_vcpu *v, u32 parts);
void svm_store_state(struct x86_vcpu *v);	/* the dirty parts, to the control block */
int svm_get_msr(struct x86_vcpu *v, u32 msr, u64 *val);
int svm_set_msr(struct x86_vcpu *v, u32 msr, u64 val);
void svm_set_tsc(struct x86_vcpu *v);
void svm_set_intercepts(struct x86_vcpu *v);

/* exit.c */
void svm_decode_exit(struct x86_vcpu *v, struct x86_exit *exit);

/* enter.c */
void svm_window_open(struct x86_vcpu *v);
void svm_window_close(struct x86_vcpu *v);
void svm_enter(struct x86_vcpu *v, struct x86_exit *exit);
void svm_inject(struct x86_vcpu *v, const struct x86_event *event);
void svm_want_window(struct x86_vcpu *v, u8 intr, bool nmi);
void svm_flush_tlb(struct x86_vcpu *v);
void svm_set_nmi_phase(struct x86_vcpu *v, u8 phase);

/* npt.c */
extern struct stage2_format svm_npt;

static inline void svm_unclean(struct svm_vcpu *svm, u32 bits)
{
	svm->vmcb->control.clean &= ~bits;
}

#endif
