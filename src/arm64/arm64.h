/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arm64 room's own objects: a VM and a vCPU as far as they are not generic,
 * and what its files offer each other. Letters as in kvmx/vm.h.
 */
#ifndef ARM64_H
#define ARM64_H

#include <linux/hrtimer.h>
#include <kvmx/run.h>
#include <kvmx/vm.h>

#include "regs.h"
#include "world_regs.h"

/* A guest's system registers that the CPU has loaded while it runs: sysreg.c has the table. */
#define A64_SYS_NAME(name, reg) A64_SYS_##name,
enum arm64_sys {
	ARM64_EACH_EL12_REG(A64_SYS_NAME)
	ARM64_EACH_EL1_REG(A64_SYS_NAME)
	A64_SYS_SWITCHED,	/* those above change as world_regs.h says */
	A64_SYS_TPIDR_EL0 = A64_SYS_SWITCHED, A64_SYS_TPIDRRO,
	/* Kept here only: the guest's accesses trap. */
	A64_SYS_ACTLR, A64_SYS_MDSCR, A64_SYS_OSLSR,
	A64_SYS_REGS,
};
#undef A64_SYS_NAME

#define KVMX_IPA_BITS	40	/* of guest physical addresses */

/* A guest's identification registers, op0 3, op1 0, CRn 0, CRm 1 to 7. */
#define A64_ID_REGS	56

enum {
	KVMX_REQ_POWER = KVMX_REQ_ARCH,	/* PSCI: look at v->power, start as v->on says */
	KVMX_REQ_ITS,			/* vgic_its_work() */
};

/* PSCI's view of a vCPU, changed under a64_vm.psci_lock. */
enum arm64_power { A64_ON, A64_OFF, A64_ON_PENDING };

/* How the guest was left: enter.c. */
struct arm64_exit {
	u64 esr, far, hpfar, par;	/* world.S; PAR_EL1 of what it asks for */
	enum { A64_EXIT_SYNC, A64_EXIT_IRQ, A64_EXIT_FIQ, A64_EXIT_SERROR } vector;
	gpa_t ipa;		/* of stage-2 aborts */
	bool stale;		/* the translation went before it could be read: run again */
};

/* A load or store where no memory is, of one register or two: mmio.c. */
struct arm64_access {
	u8 n, done;		/* elements, and how many of them are */
	u8 len;			/* of one, in bytes */
	u8 rt[2];
	bool write;
	bool sign, wide;	/* loads: sign-extended; to 64 bits */
	bool pending;		/* user space owes the answer to one */
	gpa_t ipa;
};

struct arm64_vcpu {
	struct kvmx_vcpu vcpu;
	struct kvmx_regs core;		/* [m] general and floating-point registers; in the CPU [w] */
	u64 sys[A64_SYS_REGS];		/* [m] in the CPU [w] */
	struct vgic_cpu *gic;		/* [I] */
	bool initialized;		/* [m] KVMX_ARM_VCPU_INIT was called */
	u32 features;			/* [m] its bits */
	u64 mpidr;			/* [I] */
	u64 dbg[A64_DBG_KINDS][A64_DBG_REGS];		/* [m] DBGBVR, BCR, WVR, WCR */
	u64 user_dbg[A64_DBG_KINDS][A64_DBG_REGS];	/* [m] those of user space's debugger */
	u32 guest_debug;		/* [m] KVMX_GUESTDBG_*, 0: not debugged */
	bool step;			/* [m] the debugger's next step is still to be made */
	bool debugging;			/* [m] arm64_debug_update() */
	u64 mdcr;			/* [m] MDCR_EL2, but for what is the host's: the same */

	int power;			/* [psci_lock] enum arm64_power */
	struct { u64 pc, x0; bool be; } on;	/* [psci_lock] */
	struct {
		u64 ctl, cval;
	} vtimer, ptimer;		/* [m]; the virtual one in the CPU during an entry */
	bool vtimer_level;		/* [m] as the controller knows it */
	bool vtimer_held;		/* [w] the host's interrupt is kept from coming */
	struct hrtimer vtimer_wake, ptimer_tick;

	bool wfi;			/* [m] waits for an interrupt */
	bool serror;			/* [m] a virtual SError waits */

	struct arm64_access mmio;	/* [m] the device access that is under way */
	struct arm64_exit exit;		/* [w] */
	u64 host_cnthctl;		/* [w] */
	bool flush;			/* [w] stage-2 translations before the next entry */
};

struct arm64_vm {
	struct kvmx_vm vm;
	spinlock_t psci_lock;
	u64 id[A64_ID_REGS];		/* [I] */
	u64 vtcr;			/* [I] */
	u64 counter_offset;		/* [a] the virtual counter is the host's less this */
	u64 vmid;			/* [vmid_lock] with its generation above */
	int __percpu *last_vcpu;	/* [w] index of the vCPU that ran on a CPU last */
	struct vgic *gic;		/* [l] published once */
	u32 psci_version;		/* [a] firmware.c */
	u8 workaround[3];		/* [a] levels of the SMCCC's workarounds 1 to 3 */
};

static inline struct arm64_vcpu *to_arm64(struct kvmx_vcpu *vcpu)
{
	return container_of(vcpu, struct arm64_vcpu, vcpu);
}

static inline struct arm64_vm *to_arm64_vm(struct kvmx_vm *vm)
{
	return container_of(vm, struct arm64_vm, vm);
}

static inline struct arm64_vm *arm64_vm_of(struct arm64_vcpu *v)
{
	return to_arm64_vm(v->vcpu.vm);
}

/* A general register by its number in an instruction: 31 is the zero register. */
static inline u64 arm64_reg(const struct arm64_vcpu *v, u8 n)
{
	return n < 31 ? v->core.regs.regs[n] : 0;
}

static inline void arm64_set_reg(struct arm64_vcpu *v, u8 n, u64 val)
{
	if (n < 31)
		v->core.regs.regs[n] = val;
}

/* vcpu.c: the state after reset; the caller holds the mutex. */
void arm64_vcpu_reset(struct arm64_vcpu *v);

/* exit.c: in the window, interrupts on; then, for RUN_SLOW, outside of it. */
enum run_next arm64_exit_fast(struct arm64_vcpu *v);
enum run_next arm64_exit_slow(struct arm64_vcpu *v);
/* An instruction that was emulated was stepped over, too (Arm ARM, "SSAdvance"). */
static inline void arm64_skip(struct arm64_vcpu *v)
{
	v->core.regs.pstate &= ~PS_SS;
	v->core.regs.pc += v->exit.esr & ESR_IL_BIT ? 4 : 2;
}

/* inject.c: exceptions into EL1, outside of the window. */
void arm64_inject_undef(struct arm64_vcpu *v);
void arm64_inject_sync(struct arm64_vcpu *v, u64 esr);
void arm64_inject_abort(struct arm64_vcpu *v, bool insn, u64 far);

/* enter.c: SCTLR_EL1 while it is in the CPU, in the window. */
u64 arm64_world_sctlr(void);

/* mmio.c: @sctlr is SCTLR_EL1; @atomic: in the window. */
enum run_next arm64_mmio(struct arm64_vcpu *v, u64 sctlr, bool atomic);
enum run_next arm64_mmio_complete(struct arm64_vcpu *v);
/* What a load brings into its register. */
u64 arm64_mmio_loaded(const struct arm64_access *a, u64 val);

/* decode.c: false when it is another instruction, or what it does is not defined. */
struct arm64_insn {
	u8 n, len, rt[2], rn;
	bool write, sign, wide;
	bool update, post;	/* the base gets the offset added; but after the access */
	s16 offset;
};
bool arm64_decode(u32 insn, struct arm64_insn *i);

/* psci.c: in the window, false when it is no call for that; and outside of it. */
bool arm64_smccc_fast(struct arm64_vcpu *v);
enum run_next arm64_smccc(struct arm64_vcpu *v);
void arm64_psci_start(struct arm64_vcpu *v);	/* serves KVMX_REQ_POWER */

/* idregs.c */
void arm64_id_init(struct arm64_vm *vm);
static inline int arm64_id_index(u32 enc)
{
	return A64_OP0(enc) == 3 && !A64_OP1(enc) && !A64_CRN(enc) &&
	       A64_CRM(enc) >= 1 && A64_CRM(enc) <= 7 ?
	       (A64_CRM(enc) - 1) * 8 + A64_OP2(enc) : -1;
}
/* What a guest may see of a host's value of one of these registers: pure. */
u64 arm64_id_sanitize(u32 enc, u64 host);

/* debug.c: after a change of what it looks at. */
void arm64_debug_update(struct arm64_vcpu *v);
enum run_next arm64_debug_exit(struct arm64_vcpu *v);	/* outside of the window */
static inline u64 arm64_dfr0(struct arm64_vcpu *v)
{
	return arm64_vm_of(v)->id[arm64_id_index(A64_ID_AA64DFR0_EL1)];
}

/* sysreg.c: a trapped MRS or MSR. False: there is no such register. */
bool arm64_sysreg_access(struct arm64_vcpu *v, u32 enc, bool write, u64 *val);
void arm64_sysreg_reset(struct arm64_vcpu *v);

#endif
