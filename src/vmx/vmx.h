/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the VT-x driver share: a vCPU's control structure (VMCS)
 * and what is remembered beside it. The VMCS is touched in the run window
 * only; everything else works on what struct vmx_vcpu remembers.
 */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include <linux/list.h>
#include <linux/percpu.h>

#include <kvmx/x86.h>
#include "vmcs.h"

/* MSRs that instructions of the guest use; loaded into the CPU for the window. */
enum vmx_msr {
	VMX_STAR, VMX_LSTAR, VMX_SFMASK, VMX_KERNEL_GS_BASE,
	VMX_MSRS,
};

/* What the host had on this CPU when the window opened and VM exits do not bring back. */
struct vmx_host {
	u64 msr[VMX_MSRS];
	u64 fs_base;
	u64 debugctl;
	struct { u16 limit; u64 base; } __packed gdt, idt;
	u16 ldt, ds, es, fs, gs;
};

/* What has changed that seldom does, and waits for the next entry. */
#define VMX_NEW_TSC		BIT(0)	/* offset and ratio */
#define VMX_NEW_MSRS		BIT(1)	/* those in the VMCS */
#define VMX_NEW_CONTROLS	BIT(2)	/* what exits */
#define VMX_FLUSH		BIT(3)	/* translations are to be dropped */
#define VMX_NEW_PIN		BIT(4)	/* whether the preemption timer runs */
#define VMX_NEW_EOI_EXITS	BIT(5)
#define VMX_NEW_INT_STATUS	BIT(6)

/* What most vCPUs have nothing of to do right before and after an entry. */
#define VMX_AROUND_DR		BIT(0)	/* the guest has the debug registers */
#define VMX_AROUND_L1D		BIT(1)	/* the first-level cache's lines are to be dropped before it */
#define VMX_AROUND_DEBUGCTL	BIT(2)	/* the host has something there */

/* What the VMCS holds now: fields that differ are written before an entry. */
struct vmx_written {
	u64 rip, rsp, rflags;
	u64 host_cr3, host_cr4;
	u32 int_state;
	u32 tpr_threshold;
	u32 msr_loads;			/* entries of both lists in struct vmx_pebs */
	bool halted;			/* the activity state is HLT */
};

/* MSRs that entries and exits load: Intel SDM volume 3, "VM-Entry Controls for MSRs". */
struct vmx_msr_load {
	u32 msr, reserved;
	u64 val;
};

struct vmx_pebs {
	struct vmx_msr_load entry, exit;
} __aligned(16);

/* [h]: changed by the CPU that has the VMCS, interrupts off; the window's, when none has. */
struct vmx_vcpu {
	void *vmcs;			/* [I] its region, which only the CPU reads */
	void *apic_page;		/* [I] of which only the task priority is used, */
	void *virtual_apic;		/* [w] it, or the local APIC's that the CPU may work on */
	u64 *pml;			/* [w] pages written to, page-modification logging; or NULL [I] */
	struct vmx_pebs *pebs;		/* [I] NULL: the CPU has none */
	u64 vmcs_pa, eptp;		/* [I] */
	int vmcs_cpu;			/* [h] that may keep the VMCS in itself, -1: none */
	struct list_head held;		/* [h] in that CPU's list */
	struct x86_state parked;	/* [h] the registers, as the last CPU left them with its unit */
	bool open;			/* [w] the window is */
	bool filled;			/* [w] the VMCS has the fields that stay */
	bool launched;			/* [w] since it came to that CPU */
	u64 host_rsp;			/* [w] in the VMCS; written by vmenter.S */
	struct vmx_written written;	/* [w] */
	struct vmx_host host;		/* [w] */

	u8 todo;			/* [m] VMX_NEW_*, VMX_FLUSH: before the next entry */
	u8 around;			/* [m] VMX_AROUND_* */
	u32 cpu_controls, exceptions;	/* [m] wanted */
	u64 msr_bitmap_pa;		/* [m] wanted */
	u32 cpu2_controls;		/* [I] */
	u32 apic_controls;		/* [w] wanted beside those */
	u16 int_status;			/* [w] */
	u64 eoi_exits[4];		/* [w] wanted */
	u64 deadline;			/* [m] leave at this host TSC, 0: not */
	u8 intr_below;			/* [m] leave when the task priority is below, 0: not */
	u32 event, event_error;		/* [m] to inject, in the VMCS's format */
	u8 event_len;			/* [m] */
	u64 cr4_mask;			/* [m] bits that the guest cannot change by itself */
	u64 dr6;			/* [m] */
	u64 msr[VMX_MSRS];		/* [m] the guest's */
	u64 sysenter_cs, sysenter_esp, sysenter_eip, cstar;	/* [m] */
};

static inline struct vmx_vcpu *to_vmx(struct x86_vcpu *v)
{
	return v->unit;
}

#ifdef __KERNEL__

/* The VMCS of the open window. Only fields that this CPU has are named. */
static inline u64 vmx_read(unsigned long field)
{
	u64 val;

	asm volatile("vmread %1, %0" : "=r" (val) : "r" (field) : "cc");
	return val;
}

static inline void vmx_write(unsigned long field, u64 val)
{
	asm volatile("vmwrite %1, %0" : : "r" (field), "rm" (val) : "cc", "memory");
}

#else

/* A unit test's VMCS, and its host. */
u64 vmx_read(unsigned long field);
void vmx_write(unsigned long field, u64 val);
unsigned long native_read_cr4(void);

#endif

/* An unusable segment is one that is not present. */
static inline u16 vmx_attr(u32 rights)
{
	u16 attr = (rights & 0xff) | ((rights >> 4) & 0xf00);

	return rights & RIGHTS_UNUSABLE ? attr & ~X86_ATTR_P : attr;
}

/*
 * X86_STATE_MODE, with the VMCS current. Neither CODE nor CRS is in @state,
 * or a change of them would be lost.
 */
static inline void vmx_read_mode(struct x86_state *state)
{
	state->seg[X86_SEG_CS].attr = vmx_attr(vmx_read(VMCS_GUEST_RIGHTS(X86_SEG_CS)));
	state->seg[X86_SEG_SS].attr = vmx_attr(vmx_read(VMCS_GUEST_RIGHTS(X86_SEG_SS)));
	state->efer = vmx_read(VMCS_GUEST_EFER);
}

/* vmenter.S: see there. */
bool vmx_switch(u64 *gpr, u64 *host_rsp, u64 flags, u64 host_spec_ctrl);
void vmx_switch_exit(void);	/* where VM exits arrive */

/* cpu.c */
struct vmx_cpu {
	void *region;		/* VMXON region */
	u64 region_pa;
	void *last;		/* compared only: the vCPU whose branch history is there */
	struct list_head held;	/* vCPUs whose VMCS it has; interrupts off */
	bool enabled;
};

/* What all VMCSs have, chosen by probe from what the CPU allows. */
struct vmx_config {
	u32 revision;
	u32 pin, cpu, cpu2, exit, entry;	/* controls */
	u64 eptp;		/* its format bits */
	u32 apic_controls;	/* of cpu2, those for local APICs: all that is needed, or 0 */
	u64 msr_bitmap_pa, msr_bitmap_all_pa;	/* the latter: every MSR exits */
	u64 msr_bitmap_apic_pa;	/* with CPU2_VIRTUAL_X2APIC */
	bool timer;		/* the CPU has a preemption timer that can be relied on */
	u8 timer_rate;		/* it counts 2^this TSC ticks as one */
	u8 switch_flags;	/* of each entry: SWITCH_VERW, if the host has that on */
	bool flush_l1d;		/* a mitigation, the same */
	bool borrowed;		/* in-tree KVM has enabled VMX, and its guests run as well */
};

DECLARE_PER_CPU(struct vmx_cpu, vmx_cpu);
extern struct vmx_config vmx_config;
extern const u32 vmx_direct_msrs[];

int vmx_probe(struct x86_unit_caps *caps);
void vmx_remove(void);
int vmx_take(void);
void vmx_give(void);
int vmx_cpu_enable(void);
void vmx_cpu_disable(void);

/* vcpu.c */
int vmx_vcpu_create(struct x86_vcpu *v);
void vmx_vcpu_destroy(struct x86_vcpu *v);
void vmx_vmcs_setup(struct x86_vcpu *v);	/* the fields that stay; window */
int vmx_get_msr(struct x86_vcpu *v, u32 msr, u64 *val);
int vmx_set_msr(struct x86_vcpu *v, u32 msr, u64 val);
void vmx_set_tsc(struct x86_vcpu *v);
void vmx_set_intercepts(struct x86_vcpu *v);
extern const u32 vmx_msr_number[VMX_MSRS];

/* vmcs.c. All but the last two with interrupts off, in the window or on the CPU that has it. */
bool vmx_vmcs_take(struct vmx_vcpu *vmx, u64 *before);	/* the window opens */
u64 vmx_vmcs_swap(struct vmx_vcpu *vmx);
void vmx_vmcs_swap_back(u64 before);
void vmx_vmcs_drop_all(void);
void vmx_vmcs_leave(struct vmx_vcpu *vmx);	/* no CPU has it any more */
void vmx_load_state(struct x86_vcpu *v, u32 parts);

/*
 * Around uses of the window's VMCS, interrupts off all the time. It is current
 * anyway, unless the unit is borrowed: then in-tree KVM relies on its own.
 */
static inline u64 vmx_vmcs_use(struct vmx_vcpu *vmx)
{
	return unlikely(vmx_config.borrowed) ? vmx_vmcs_swap(vmx) : 0;
}

static inline void vmx_vmcs_done(u64 before)
{
	if (unlikely(vmx_config.borrowed))
		vmx_vmcs_swap_back(before);
}

/* state.c */
void vmx_read_state(struct vmx_vcpu *vmx, struct x86_state *state, u32 parts);
void vmx_copy_state(struct x86_state *to, const struct x86_state *from, u32 parts);
void vmx_store_state(struct x86_vcpu *v);	/* the dirty parts, to the VMCS */

/* host.c: what of the host the window and each entry take care of. */
void vmx_host_open(struct vmx_vcpu *vmx);
void vmx_host_close(struct vmx_vcpu *vmx);
void vmx_host_setup(struct vmx_vcpu *vmx);	/* the VMCS came to this CPU */
/* Before an entry, interrupts off: these are enabled, or were before the last one; */
void vmx_pebs_stop(struct vmx_vcpu *vmx, u64 enabled);
void vmx_pebs_go_on(struct vmx_vcpu *vmx);	/* after one that the CPU refused */

/* exit.c */
void vmx_decode_writes(struct x86_vcpu *v);	/* with page-modification logging, each exit */
void vmx_decode_exit(struct x86_vcpu *v, u32 reason, struct x86_exit *exit);
void vmx_decode_failure(struct x86_vcpu *v, bool refused, struct x86_exit *exit);

/* enter.c */
void vmx_window_open(struct x86_vcpu *v);
void vmx_window_close(struct x86_vcpu *v);
void vmx_enter(struct x86_vcpu *v, struct x86_exit *exit);
void vmx_inject(struct x86_vcpu *v, const struct x86_event *event);
void vmx_want_window(struct x86_vcpu *v, u8 intr, bool nmi);
void vmx_flush_tlb(struct x86_vcpu *v);
bool vmx_arm_deadline(struct x86_vcpu *v, u64 tsc);
void vmx_sync_apic(struct x86_vcpu *v, u8 requested, u8 in_service, const u64 *eoi_exits);

/* ept.c */
extern struct stage2_format vmx_ept;

#endif
