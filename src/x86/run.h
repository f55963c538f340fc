/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the run loop share: run.c (the window), exit.c (the table
 * of exits), events.c, mmio*.c and pio.c (emulated accesses), fetch.c,
 * linear.c.
 */
#ifndef X86_RUN_H
#define X86_RUN_H

#include <kvmx/run.h>
#include <kvmx/x86.h>

/* exit.c. In the window, interrupts on; then, for RUN_SLOW, outside of it. */
enum run_next x86_exit_fast(struct x86_vcpu *v);
enum run_next x86_exit_slow(struct x86_vcpu *v);
enum run_next x86_internal_error(struct x86_vcpu *v, u32 suberror);

/* events.c */
bool x86_events_none(struct x86_vcpu *v);	/* before entry, interrupts off: else */
void x86_events_inject(struct x86_vcpu *v);
void x86_events_requeue_some(struct x86_vcpu *v);
static inline void x86_events_requeue(struct x86_vcpu *v)	/* after exit: deliveries cut short */
{
	if (unlikely(v->ev.entered | v->exit.vectoring.type))
		x86_events_requeue_some(v);
}
bool x86_events_async(struct x86_vcpu *v);	/* INIT, SIPI; outside of the window */
bool x86_interrupt_open(struct x86_vcpu *v);	/* the guest would take one now */
bool x86_user_controller(struct x86_vcpu *v);	/* interrupts come by KVMX_INTERRUPT */
bool x86_user_may_interrupt(struct x86_vcpu *v);	/* and one would be taken now */

/* hypercall.c */
enum run_next x86_hypercall(struct x86_vcpu *v, u8 insn_len, bool atomic);

/* run_page.c: what KVMX_RUN exchanges. 0 or -EINVAL. */
int x86_run_page_in(struct x86_vcpu *v);
void x86_run_page_out(struct x86_vcpu *v);

/*
 * msr_filter.c. x86_msr_failed(): RDMSR or WRMSR of @msr ended with @error
 * (-EPERM: denied, -ENOENT: no such MSR, -EINVAL); #GP, or user space answers.
 */
enum run_next x86_msr_failed(struct x86_vcpu *v, bool write, u32 msr, u64 val, int error,
			     u8 insn_len);

/* debug.c: DR0 to DR3. The first three in the window, the swaps with interrupts off. */
void x86_debug_open(struct x86_vcpu *v);
void x86_debug_close(struct x86_vcpu *v);
void x86_debug_grant(struct x86_vcpu *v);	/* the guest uses them: no exits for the rest of the window */
void x86_debug_swap_in(struct x86_vcpu *v);	/* around an entry, if they are live or the host's */
void x86_debug_swap_out(struct x86_vcpu *v);

/* guest_debug.c: KVMX_SET_GUEST_DEBUG. */
#define X86_GUESTDBG_SUPPORTED \
	(KVMX_GUESTDBG_ENABLE | KVMX_GUESTDBG_SINGLESTEP | KVMX_GUESTDBG_USE_SW_BP | \
	 KVMX_GUESTDBG_USE_HW_BP | KVMX_GUESTDBG_INJECT_DB | KVMX_GUESTDBG_INJECT_BP | \
	 KVMX_GUESTDBG_BLOCKIRQ)
int x86_guest_debug_set(struct x86_vcpu *v, const struct kvmx_guest_debug *dbg);
enum run_next x86_guest_debug_step(struct x86_vcpu *v);	/* outside of the window */
void x86_guest_debug_enter(struct x86_vcpu *v);	/* around an entry, interrupts off */
void x86_guest_debug_leave(struct x86_vcpu *v);
enum run_next x86_guest_debug_trap(struct x86_vcpu *v, u64 dr6_bits);	/* #DB was intercepted */
enum run_next x86_guest_debug_breakpoint(struct x86_vcpu *v);		/* #BP was */
bool x86_guest_debug_guards(struct x86_vcpu *v);
enum run_next x86_guest_debug_guarded(struct x86_vcpu *v);
void x86_guest_debug_skipped(struct x86_vcpu *v);
enum run_next x86_guest_debug_stepped(struct x86_vcpu *v);	/* KVMX_REQ_STEPPED */

/* TF or the debug registers in the CPU are user space's: the guest's MOV DR are emulated. */
static inline bool x86_guest_debug_in_cpu(struct x86_vcpu *v)
{
	return v->guest_debug & (KVMX_GUESTDBG_SINGLESTEP | KVMX_GUESTDBG_USE_HW_BP);
}

/*
 * User space gets the instruction at RIP, which stays there: it may look at the
 * state as it is, or change it. @asked bytes are its answer; then @complete.
 */
static inline enum run_next x86_ask_user(struct x86_vcpu *v, u8 insn_len, u16 asked,
					 int (*complete)(struct x86_vcpu *v))
{
	v->io.rip = v->rip;
	v->io.insn_len = insn_len;
	v->io.asked = asked;
	v->io.complete = complete;
	return RUN_USER;
}

/* In @complete: user space has moved the vCPU elsewhere, its answer is for nothing. */
static inline bool x86_user_moved(struct x86_vcpu *v)
{
	return v->rip != v->io.rip;
}

/*
 * mmio.c: emulates the instruction at RIP. @atomic: in the window; RUN_SLOW
 * when it has to be done again outside of it.
 */
enum run_next x86_emulate_insn(struct x86_vcpu *v, bool atomic);
int x86_emu_alloc(struct x86_vcpu *v);	/* sets v->emu: kfree() it */

/* task_switch.c: outside of the window; @insn_len of what asked for it, 0: no instruction did. */
enum run_next x86_task_switch(struct x86_vcpu *v, u8 insn_len);

/* mmio_mov.c: the same for a plain MOV; false when it is none, and nothing was done. */
bool x86_mmio_mov(struct x86_vcpu *v, bool atomic, enum run_next *next);

/* pio.c */
enum run_next x86_pio(struct x86_vcpu *v, u16 port, u8 size, bool in, u8 insn_len);

/*
 * linear.c: guest memory by linear address. 0, X86_LINEAR_FAULT with *error
 * (page-fault error code) and *fault_addr, -EAGAIN (@atomic and it would
 * sleep), -EFAULT (no memory there).
 */
#define X86_LINEAR_FAULT 1
struct x86_linear {
	struct x86_vcpu *v;
	bool atomic;
	struct x86_fetched *fetched;	/* fetch.c: takes note of what the walk reads, or NULL */
	u32 error;
	u64 fault_addr;
};
int x86_linear_translate(struct x86_linear *l, u64 addr, u32 access, u64 *gpa);
int x86_linear_read(struct x86_linear *l, u64 addr, void *buf, unsigned int len, u32 access);

int x86_linear_read_gpa(void *linear, u64 gpa, void *buf, unsigned int len);

/* fetch.c */
struct x86_insn;
int x86_fetch_alloc(struct x86_vcpu *v);	/* sets v->fetched: kfree() it */
void x86_fetch_note(struct x86_fetched *f, struct kvmx_vm *vm, u64 gpa, const void *val,
		    unsigned int len);
/*
 * The instruction that exited, decoded, in *insn; its bytes and its length also
 * go to v->exit. 0, or as x86_insn_len().
 */
int x86_fetch(struct x86_vcpu *v, bool atomic, const struct x86_insn **insn);
/*
 * Length of the instruction that exited: what the unit said, or measured.
 * Positive, or -EAGAIN (@atomic and it would sleep, or the instruction is not
 * there any more: run the guest again), -EFAULT.
 */
int x86_insn_measure(struct x86_vcpu *v, bool atomic);
static inline int x86_insn_len(struct x86_vcpu *v, bool atomic)
{
	return v->exit.insn_len ? v->exit.insn_len : x86_insn_measure(v, atomic);
}
/* Outside of the window: the instruction was the other vendor's hypercall, and is ours now. */
bool x86_fix_hypercall(struct x86_vcpu *v);

#endif
