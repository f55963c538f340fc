/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The x86 guest floor's objects and its contract with the virtualization
 * units: what a vCPU is made of, what a unit can do (struct x86_backend), and
 * what it says when it leaves the guest (struct x86_exit).
 */
#ifndef KVMX_X86_H
#define KVMX_X86_H

#include <kvmx/vm.h>
#include <kvmx/x86_regs.h>

struct x86_vcpu;
struct x86_vm;
struct x86_emu_ctx;
struct x86_fetched;
struct lapic;
struct ioapic;
struct pic;
struct pit;
struct x86_msr_filter;

/* Parts of the state that stay in the unit until somebody asks (x86_state_*()). */
#define X86_STATE_CODE		BIT(0)	/* seg[] of CS and SS: to look at, which common exits do */
#define X86_STATE_DATA		BIT(1)	/* the other six */
#define X86_STATE_SEGS		(X86_STATE_CODE | X86_STATE_DATA)	/* changed as a whole */
#define X86_STATE_TABLES	BIT(2)
#define X86_STATE_CRS		BIT(3)	/* cr0, cr3, cr4, efer */
#define X86_STATE_DRS		BIT(4)	/* dr6, dr7 */
#define X86_STATE_ALL		(BIT(5) - 1)
#define X86_STATE_MODE		BIT(5)	/* of CODE and CRS: attributes of CS and SS, efer */

struct x86_state {
	struct x86_segment seg[X86_SEGS];
	struct x86_table gdt, idt;
	u64 cr0, cr3, cr4, efer;
	u64 dr6, dr7;
};

enum x86_exit_kind {
	X86_EXIT_HOST,		/* host interrupt, NMI or machine check: already served */
	X86_EXIT_CPUID,
	X86_EXIT_RDMSR,
	X86_EXIT_WRMSR,
	X86_EXIT_IO,		/* io */
	X86_EXIT_FAULT,		/* stage-2 fault: fault */
	X86_EXIT_HLT,
	X86_EXIT_HYPERCALL,
	X86_EXIT_EXCEPTION,	/* an intercepted exception: exc */
	X86_EXIT_INTR_WINDOW,	/* the interrupt window that was asked for is open */
	X86_EXIT_NMI_WINDOW,	/* the NMI window that was asked for is open */
	X86_EXIT_TIMER,		/* arm_deadline()'s moment has come, or is nearer */
	X86_EXIT_WRITES,	/* the unit had no more room to note written pages */
	X86_EXIT_EOI,		/* the unit has ended an interrupt that sync_apic() named: eoi */
	X86_EXIT_APIC_WRITE,	/* the unit has stored a register, the rest is to be done: apic */
	X86_EXIT_CR,		/* cr */
	X86_EXIT_DR,		/* dr */
	X86_EXIT_XSETBV,
	X86_EXIT_CACHE,		/* INVD, WBINVD */
	X86_EXIT_INVLPG,	/* invlpg */
	X86_EXIT_RDPMC,
	X86_EXIT_RDTSC,		/* RDTSC, RDTSCP */
	X86_EXIT_PAUSE,
	X86_EXIT_MONITOR,
	X86_EXIT_MWAIT,
	X86_EXIT_TASK_SWITCH,	/* task */
	X86_EXIT_UNDEFINED,	/* an instruction this guest does not have: #UD */
	X86_EXIT_SHUTDOWN,	/* triple fault */
	X86_EXIT_FAIL_ENTRY,	/* the unit refused the state: raw, and instruction not run */
	X86_EXIT_UNKNOWN,	/* raw says which */
	X86_EXIT_KINDS,
};

struct x86_exit {
	u8 kind;		/* enum x86_exit_kind */
	u8 insn_len;		/* length of the instruction that exited; 0: the unit cannot tell */
	u8 nr_bytes;		/* instruction bytes the unit has fetched; 0: none */
	u8 bytes[15];
	u64 raw;		/* the unit's own exit code */
	struct x86_event vectoring;	/* the event whose delivery was cut short */
	union {
		struct { u16 port; u8 size; bool in, string, rep; u8 addr_size; } io;
		struct { u64 gpa; u32 access; bool table_walk; } fault;	/* access: STAGE2_* */
		struct { u8 vector; bool has_error; u32 error; u64 payload; } exc;
		struct { u8 reg; bool write, decoded; u8 gpr; } cr;	/* decoded: gpr is valid */
		struct { u8 reg; bool write, decoded; u8 gpr; } dr;
		struct { bool decoded; u64 addr; } invlpg;
		struct { u8 vector; } eoi;
		struct { u16 offset; } apic;
		struct { u16 selector; u8 reason; bool has_error; u32 error; } task;
	};
};

/* What the CPU's unit has; filled by probe, read by everyone. */
struct x86_unit_caps {
	bool next_rip, decode_assists, flush_by_asid, vgif, clean_bits, vnmi, tsc_scale;
	bool pause_filter;
	bool pdptes;			/* wants the pointers of PAE paging (v->pdpte) */
	bool virtual_apic;		/* has sync_apic() */
	u32 asids;
	u8 tsc_scale_frac_bits;
	u64 tsc_scale_max;
};

/*
 * A unit's driver, with no policy: chosen when the module loads. "window"
 * means inside the run window (preemption off); ops without a word are called
 * with the vCPU mutex held, in or out of the window.
 */
struct x86_backend {
	const char *name;			/* "AMD-V", "VT-x" */
	const char *holder;			/* who may hold the unit besides us: "kvm-amd" */
	const struct stage2_format *stage2;
	const u32 *direct_msrs;			/* those it holds: no exits; ends with 0 */

	/* 0; -ENOENT: not this vendor's CPU; -ENODEV, after one line that says why. */
	int (*probe)(struct x86_unit_caps *caps);
	void (*remove)(void);
	/* Optional; first VM, and after the last: may sleep. -errno after one line. */
	int (*take)(void);
	void (*give)(void);
	int (*cpu_enable)(void);		/* on this CPU, interrupts off: 0, -EBUSY, -EIO */
	void (*cpu_disable)(void);
	int (*vcpu_create)(struct x86_vcpu *v);	/* sets v->unit */
	void (*vcpu_destroy)(struct x86_vcpu *v);
	void (*window_open)(struct x86_vcpu *v);	/* window: this CPU gets the vCPU */
	void (*window_close)(struct x86_vcpu *v);
	/*
	 * window, interrupts off, returns with them off: runs the guest until it leaves.
	 * Without v->lapic it does so, too, when it lowers CR8.
	 */
	void (*enter)(struct x86_vcpu *v, struct x86_exit *exit);
	void (*load_state)(struct x86_vcpu *v, u32 parts);	/* unit to v->state */
	/* For the next entry. One of them at a time; a new call replaces it. */
	void (*inject)(struct x86_vcpu *v, const struct x86_event *event);
	/*
	 * Leave the guest when it could take an interrupt (@intr: 0 not wanted, 16
	 * whatever the task priority is, 1 to 15 at the latest when the priority falls
	 * below it), or an NMI.
	 */
	void (*want_window)(struct x86_vcpu *v, u8 intr, bool nmi);
	void (*flush_tlb)(struct x86_vcpu *v);	/* guest and stage-2 translations, before next entry */
	void (*set_tsc)(struct x86_vcpu *v);	/* v->tsc_offset, v->tsc_ratio changed */
	void (*set_intercepts)(struct x86_vcpu *v);	/* exceptions, MSR and DR passing changed */
	int (*get_msr)(struct x86_vcpu *v, u32 msr, u64 *val);	/* -ENOENT: not one it keeps */
	int (*set_msr)(struct x86_vcpu *v, u32 msr, u64 val);	/* value was checked */
	/*
	 * Optional: leave the guest when the host's TSC is @tsc or later, maybe before,
	 * until told otherwise; 0: not any more. False: not possible for this vCPU.
	 */
	bool (*arm_deadline)(struct x86_vcpu *v, u64 tsc);
	/*
	 * If caps.virtual_apic. window, before an entry: from now on the unit works on the
	 * registers of the local APIC, v->apic_page, in x2APIC mode. It takes interrupts from
	 * IRR to ISR and delivers them, reads registers, does TPR, EOI and self IPI; behind
	 * each entry it has to be told anew. Highest vectors of IRR and ISR, 0: none; of
	 * which vectors it leaves the guest behind the EOI. NULL: it does none of that.
	 */
	void (*sync_apic)(struct x86_vcpu *v, u8 requested, u8 in_service, const u64 *eoi_exits);
};

extern const struct x86_backend svm_backend, vmx_backend;

/* Chosen at load; NULL in a kernel without any. */
extern const struct x86_backend *x86_unit;
extern struct x86_unit_caps x86_unit_caps;

/* Requests of the x86 floor. */
enum {
	KVMX_REQ_CLOCK = KVMX_REQ_ARCH,	/* write the guest's kvmclock page */
	KVMX_REQ_IOAPIC_SCAN,		/* lapic_take_eoi_exit() has a vector for user space */
	KVMX_REQ_TRIPLE_FAULT,
	KVMX_REQ_PDPTES,		/* control registers changed: x86_pdptes_load() */
	KVMX_REQ_PIC,			/* pic_settle() */
	KVMX_REQ_TIMER,			/* the local APIC timer went off: lapic_timer_expired() */
	KVMX_REQ_MSR_FILTER,		/* user space's filter changed: x86_msr_filter_apply() */
	KVMX_REQ_STEPPED,		/* a single step ended with an emulated instruction */
	KVMX_REQ_TPR_ACCESS,		/* user space wants to know: x86_vapic_tell() */
	KVMX_REQ_SET_TPR,		/* the guest lowered CR8, and user space has its local APIC */
};

/* Who in the guest is asked to be told of an interrupt of which kind: ICR, I/O APIC and MSI alike. */
struct apic_msg {
	u32 dest;
	u8 vector;
	u8 mode;		/* APIC_DELIVER_* delivery mode */
	u8 shorthand;		/* APIC_SHORT_* */
	bool logical;		/* destination mode */
	bool level;		/* trigger mode level */
	bool assert;
	bool lowest_hint;	/* MSI redirection hint */
};

/* Replaced as a whole by KVMX_SET_CPUID2; what a test of a feature needs is worked out then. */
struct x86_cpuid {
	struct rcu_head rcu;
	u32 nr;
	bool amd;		/* vendor AMD or Hygon */
	u16 dynamic[4];		/* positions of leaves 1, 0xd.0, 0xd.1, 0x40000001; 0xffff: none */
	u32 word[24];		/* enum x86_feature_word */
	u16 head[128], next[256];	/* positions, by hash of the leaf */
	struct kvmx_cpuid_entry2 entry[];
};

/* Guest FPU and extended state, XSAVE standard format; saved and restored as a whole. */
struct x86_fpu {
	void *area;		/* [I] 64-byte aligned, x86_xsave_size bytes */
	u64 xcr0;		/* [m] guest's */
	u64 xss;		/* [m] guest's */
};

struct x86_clock_vcpu {
	u64 system_time_msr;	/* [m] KVMX_MSR_SYSTEM_TIME(_NEW) value */
	u32 mul;		/* [m] guest TSC to ns, with shift */
	s8 shift;
	bool stopped;		/* [m] tell the guest that it did not run (KVMX_KVMCLOCK_CTRL) */
};

/* The VM's time; see clock.c. */
struct x86_clock_vm {
	u64 base_tsc, base_ns;	/* [clock_lock] kvmclock was base_ns at host TSC base_tsc */
	u64 tsc_offset, tsc_ratio;	/* [clock_lock] of the vCPU whose TSC was set last */
	u32 tsc_khz;		/* [clock_lock] of the same */
	bool tsc_set;		/* [clock_lock] the three above are valid */
	bool tsc_by_user;	/* [clock_lock] user space gave the value */
	bool stable;		/* [a] all vCPUs have one TSC: the clock pages say so */
};

struct x86_mce {
	u64 mcg_cap, mcg_status, mcg_ctl;
	u64 bank[32 * 4];
};

/* A MOV between a register, or an immediate, and memory. */
struct x86_mov {
	bool store;		/* to memory */
	bool imm;		/* of @val */
	bool high;		/* of bits 8 to 15 of the register */
	u8 reg, size;		/* the register, and its bytes that are meant */
	u8 mem_size;		/* bytes in memory; a load extends them by zeros */
	u64 val;
};

/*
 * An instruction that user space completes: mmio.c, mmio_mov.c, pio.c,
 * msr_filter.c and hypercall.c. While one is emulated all its device reads are
 * kept, so that it can be emulated again from its start once user space has
 * answered one of them.
 */
struct x86_io_state {
	/* What to do when KVMX_RUN comes back, or NULL. 0; 1: user space is asked again; -errno. */
	int (*complete)(struct x86_vcpu *v);
	u8 nr_read;		/* bytes of @read that are answered */
	u8 used;		/* bytes of them that this emulation has consumed */
	u8 read[64];
	u64 rip;		/* of the instruction: an answer is for it, and no other */
	u8 insn_len;		/* of one that is not emulated */
	struct x86_mov mov;	/* mmio_mov.c: what it does */
	u64 asked_at;		/* the address, or port, that user space is to answer for */
	u16 asked;		/* bytes of the answer */
	u8 asked_port;		/* size of the port: the answer is in its page; 0: in run->mmio */
	u16 pio_ready;		/* bytes in the port I/O page that INS may consume */
	struct {
		u64 gpa;
		u8 len;
		u8 data[8];
	} write[16];		/* to be handed out, in order */
	u8 nr_writes, next_write;
};

enum x86_mp_state { X86_MP_RUNNABLE, X86_MP_UNINITIALIZED, X86_MP_INIT_RECEIVED, X86_MP_HALTED };

struct x86_vcpu {
	struct kvmx_vcpu vcpu;
	void *unit;			/* [I] backend's: struct svm_vcpu or vmx_vcpu */

	/* Synced by enter() on each exit and taken from here on each entry. */
	u64 gpr[X86_GPRS];		/* [m] */
	u64 rip, rflags;		/* [m] */
	u64 cr2;			/* [m] */
	u8 cr8;				/* [m] task priority, when no local APIC is in the kernel */
	bool int_shadow;		/* [m] STI or MOV SS shadow */
	bool nmi_masked;		/* [m] between NMI and IRET */

	struct x86_state state;		/* [m] through x86_state() and x86_state_dirty() */
	u32 state_valid, state_dirty;	/* [m] X86_STATE_* */

	u64 db[4];			/* [m] DR0 to DR3 */
	u64 pdpte[4];			/* [m] as they were when a control register was written */
	bool pdptes_new;		/* [m] the unit does not have them yet */
	u32 guest_debug;		/* [m] KVMX_GUESTDBG_* */
	struct {
		u64 db[4], dr7;		/* user space's breakpoints */
		bool stepping;		/* RFLAGS.TF is set for user space */
		bool own_tf;		/* while it is: the guest's own */
		u64 own_dr6, own_dr7;	/* [w] the guest's, during an entry */
	} debug;			/* [m] guest_debug.c */

	/* Events on their way into the guest: events.c. */
	struct {
		struct x86_event exception;	/* raised by emulation, or cut short */
		bool has_payload;
		u64 payload;			/* CR2 or DR6 bits of a pending exception */
		bool exception_injected;	/* was cut short: inject again as it is */
		u8 nmi_pending;			/* 0 to 2 */
		bool nmi_injected;
		int irq_injected;		/* vector accepted but not delivered yet, -1 */
		bool irq_soft;
		u8 entered;			/* X86_EVENT_*: which of them went in last */
		bool init_pending;
		int sipi_vector;		/* -1: none */
	} ev;
	int user_irq;			/* [m] KVMX_INTERRUPT's vector, -1: none */
	u8 mp_state;			/* [m] enum x86_mp_state */

	struct lapic *lapic;		/* [I] NULL without an in-kernel one */
	void *apic_page;		/* [I] its registers; NULL the same */
	bool apic_virtual;		/* [w] the unit has a part of it, this entry */
	u64 apic_base;			/* [m] IA32_APIC_BASE */
	struct {
		u64 addr;		/* of the guest's four bytes, 0: none */
		u8 tpr;			/* what they were told last */
		bool report;		/* each access to the register */
		bool write;		/* the last one, at @rip */
		u64 rip;
	} vapic;			/* [m] vapic.c */
	struct x86_fpu fpu;
	bool ran;			/* [m] guest code has run: the CPU model stays */
	struct x86_cpuid *cpuid;	/* [m] never NULL after vcpu_init */
	u64 cr4_guest_bits, efer_bits, xcr0_allowed, rip_canonical_bits;	/* [m] from CPUID */
	u8 maxphyaddr;			/* [m] from CPUID */

	/* MSRs kept by the floor (the rest: backend get_msr/set_msr). */
	u64 pat, misc_enable, tsc_aux, spec_ctrl, virt_ssbd, tsc_adjust, microcode, arch_cap;
	u64 platform_info, de_cfg;
	u64 hwcr;
	u64 host_tsc_aux;		/* [w] */
	bool tsc_aux_loaded;		/* [w] the CPU's is the guest's */
	u64 mtrr[64];			/* x86/mtrr.c: default type, fixed, variable */
	bool pv_enforced;		/* [m] KVMX_CAP_ENFORCE_PV_FEATURE_CPUID */
	bool pv_unhalted;		/* [a] another vCPU has kicked it out of HLT */
	struct {
		u64 msr;		/* MSR_KVM_STEAL_TIME */
		u64 last;		/* waiting time of @task that the guest knows */
		const void *task;	/* compared only */
		bool preempted;		/* the page says so */
	} steal;			/* [m] steal.c */
	struct {
		u64 msr;		/* [m] MSR_KVM_EOI_EN */
		bool offered;		/* [w] the guest may end its interrupt by the bit */
		u8 late;		/* [w] EOIs written while the bit could not be read */
	} pv_eoi;			/* pv_eoi.c */
	struct x86_mce mce;

	u64 tsc_offset;			/* [m] guest TSC = host TSC * ratio + offset */
	u64 tsc_ratio;			/* [m] fixed point, caps.tsc_scale_frac_bits; 0: 1.0 */
	u32 tsc_khz;			/* [m] of the guest */
	struct x86_clock_vcpu clock;
	int last_cpu;			/* [w] of the last window, -1: none */

	u32 exceptions;			/* [m] bitmap of intercepted exceptions */
	bool msr_exits;			/* [m] the MSRs that the unit holds exit, too */
	bool dr_direct;			/* [w] the guest's MOV DR does not exit in this window */
	bool dr_live;			/* [w] entries need DR0 to DR3 in the CPU */
	bool dr_idle;			/* [m] DR7 enables nothing, since it was looked at last */
	u64 host_db[4];			/* [w] the host's, during an entry */
	u64 sync_regs;			/* [m] KVMX_SYNC_X86_* that user space wants */
	struct x86_io_state io;		/* [m] */
	struct x86_emu_ctx *emu;	/* [I] room for an emulation: mmio.c */
	struct x86_fetched *fetched;	/* [m] instructions that exited before: fetch.c */
	bool window_wanted;		/* [m] what the unit was told last by want_window() */
	struct x86_exit exit;		/* [w] the last one */
	/*
	 * Pages that the guest has written to, as the unit noted them (a stage-2
	 * format that logs_writes): gpas, until the next entry. Set by enter().
	 */
	const u64 *written;		/* [w] */
	u16 nr_written;			/* [w] */
};

struct x86_vm {
	struct kvmx_vm vm;
	struct pic *pic;		/* [l] published once: in-kernel irqchip */
	struct ioapic *ioapic;
	struct pit *pit;
	bool split_irqchip;		/* [l] local APICs only */
	bool irqchip;			/* [l] full irqchip; local APICs are created with vCPUs */
	u32 split_routes;		/* [l] GSIs kept for user space's I/O APICs */
	u64 x2apic_api;			/* [l] KVMX_X2APIC_API_* */
	atomic_t apic_rotor;		/* [a] whose turn it is among equals of lowest priority */

	u64 tss_addr, identity_addr;	/* [l] accepted, not needed by unrestricted guests */
	spinlock_t clock_lock;
	struct x86_clock_vm clock;
	s64 kvmclock_offset;		/* [clock_lock] on hosts with an unstable TSC */
	u64 wall_clock_msr;
	u64 boot_cpu_id;
	u32 default_tsc_khz;
	u64 disabled_exits;		/* [I] KVMX_X86_DISABLE_EXITS_*, set before any vCPU */
	struct x86_msr_filter __rcu *msr_filter;	/* [r] msr_filter.c; NULL: none */
	u32 msr_exit_reasons;		/* [l] KVMX_MSR_EXIT_REASON_* */
	u32 hypercall_exits;		/* [l] KVMX_CAP_EXIT_HYPERCALL: bits of KVMX_HC_* */
	u64 disabled_quirks;
	u32 apic_bus_ns;		/* [l] of one undivided tick of the APIC timers */
	bool hide_platform_info;	/* [l] MSR_PLATFORM_INFO does not exist for guests */
	bool exit_on_emulation_failure;	/* [l] whatever the guest's privilege */
	bool exception_payload;		/* [l] KVMX_CAP_EXCEPTION_PAYLOAD was enabled */
	bool triple_fault_event;	/* [l] KVMX_CAP_X86_TRIPLE_FAULT_EVENT was enabled */
};

static inline struct x86_vcpu *to_x86(struct kvmx_vcpu *vcpu)
{
	return container_of(vcpu, struct x86_vcpu, vcpu);
}

static inline struct x86_vm *to_x86_vm(struct kvmx_vm *vm)
{
	return container_of(vm, struct x86_vm, vm);
}

static inline struct x86_vm *x86_vm_of(struct x86_vcpu *v)
{
	return to_x86_vm(v->vcpu.vm);
}

/* The state parts, loaded from the unit when they are not here yet. */
static inline struct x86_state *x86_state(struct x86_vcpu *v, u32 parts)
{
	u32 missing = parts & ~v->state_valid;

	if (missing) {
		x86_unit->load_state(v, missing);
		v->state_valid |= missing;
	}
	return &v->state;
}

/* The same for changing them: enter() writes the parts to the unit. */
static inline struct x86_state *x86_state_dirty(struct x86_vcpu *v, u32 parts)
{
	x86_state(v, parts);
	v->state_dirty |= parts;
	if (parts & X86_STATE_DRS)
		v->dr_idle = false;
	return &v->state;
}

static inline bool x86_long_mode(struct x86_vcpu *v)
{
	return x86_state(v, X86_STATE_CRS)->efer & X86_EFER_LMA;
}

/*
 * What mode and privilege the guest is in. What is here already may have been
 * changed, so that the unit is asked for MODE only if neither of its parts is.
 */
static inline struct x86_state *x86_mode(struct x86_vcpu *v)
{
	const u32 whole = X86_STATE_CODE | X86_STATE_CRS;

	if (likely(v->state_valid & X86_STATE_MODE))
		return &v->state;
	return x86_state(v, v->state_valid & whole ? whole : X86_STATE_MODE);
}

static inline bool x86_is_64bit(struct x86_vcpu *v)
{
	const struct x86_state *s = x86_mode(v);

	return (s->efer & X86_EFER_LMA) && (s->seg[X86_SEG_CS].attr & X86_ATTR_L);
}

static inline bool x86_protected_mode(struct x86_vcpu *v)
{
	return x86_state(v, X86_STATE_CRS)->cr0 & X86_CR0_PE;
}

/* Current privilege level: SS.DPL (Intel SDM, "Guest Register State"; AMD APM keeps CPL apart but equal). */
static inline u8 x86_cpl(struct x86_vcpu *v)
{
	return X86_ATTR_DPL(x86_mode(v)->seg[X86_SEG_SS].attr);
}

/* src/x86/events.c: things that happen to a vCPU. Exceptions: vCPU mutex held. */
void x86_raise(struct x86_vcpu *v, u8 vector);
void x86_raise_error(struct x86_vcpu *v, u8 vector, u32 error);
void x86_raise_page_fault(struct x86_vcpu *v, u64 addr, u32 error);
void x86_raise_debug(struct x86_vcpu *v, u64 dr6_bits);
void x86_triple_fault(struct x86_vcpu *v);
/* From any context. */
void x86_queue_nmi(struct x86_vcpu *v);
void x86_queue_init(struct x86_vcpu *v);
void x86_queue_sipi(struct x86_vcpu *v, u8 vector);
void x86_event_pending(struct x86_vcpu *v);	/* request EVENT and kick: an interrupt may be deliverable */

/* src/x86/vcpu.c: INIT or power-up state (Intel SDM, "Processor State After Reset"). */
void x86_vcpu_reset(struct x86_vcpu *v, bool init);
/* PAE paging may use other pointers now: they are read before the guest runs again. */
static inline void x86_pdptes_changed(struct x86_vcpu *v)
{
	if (x86_unit_caps.pdptes)
		kvmx_vcpu_request(&v->vcpu, KVMX_REQ_PDPTES);
}
void x86_pdptes_load(struct x86_vcpu *v);
/* Control registers with the checks of a guest's own MOV: 0, or -EINVAL (#GP). */
int x86_set_cr0(struct x86_vcpu *v, u64 val);
int x86_set_cr3(struct x86_vcpu *v, u64 val);
int x86_set_cr4(struct x86_vcpu *v, u64 val);
int x86_set_cr8(struct x86_vcpu *v, u64 val);
int x86_move_to_cr8(struct x86_vcpu *v, u64 val);	/* the same, and user space may want to know */
int x86_set_efer(struct x86_vcpu *v, u64 val, bool host);
int x86_set_xcr0(struct x86_vcpu *v, u64 val);
int x86_set_dr(struct x86_vcpu *v, int reg, u64 val);	/* -EINVAL: #GP, -EPERM: #UD */
u64 x86_get_dr(struct x86_vcpu *v, int reg);

/* Moves RIP over the instruction that exited and ends the interrupt shadow. */
void x86_skip(struct x86_vcpu *v, u8 insn_len);

#endif
