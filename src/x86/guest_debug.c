// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest under user space's debugger (KVMX_SET_GUEST_DEBUG): single steps,
 * breakpoints in code and in the debug registers, beside the guest's own use
 * of RFLAGS.TF and the debug registers. Called by the ioctls, the run loop
 * around each entry, and the exit table.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "run.h"
#include "walk.h"

#define CONTROL_KEPT	(KVMX_GUESTDBG_ENABLE | KVMX_GUESTDBG_SINGLESTEP | \
			 KVMX_GUESTDBG_USE_SW_BP | KVMX_GUESTDBG_USE_HW_BP | \
			 KVMX_GUESTDBG_BLOCKIRQ)
#define CONTROL_INJECT	(KVMX_GUESTDBG_INJECT_DB | KVMX_GUESTDBG_INJECT_BP)
#define DR6_HITS	15ull		/* B0 to B3 */

int x86_guest_debug_set(struct x86_vcpu *v, const struct kvmx_guest_debug *dbg)
{
	u32 control = dbg->control;

	if (control & ~(u32)X86_GUESTDBG_SUPPORTED)
		return -EINVAL;
	if (control & CONTROL_INJECT) {
		if (v->ev.exception.type != X86_EVENT_NONE)
			return -EBUSY;
		x86_raise(v, control & KVMX_GUESTDBG_INJECT_DB ? X86_EXC_DB : X86_EXC_BP);
	}

	v->guest_debug = control & KVMX_GUESTDBG_ENABLE ? control & CONTROL_KEPT : 0;
	v->debug.stepping = v->guest_debug & KVMX_GUESTDBG_SINGLESTEP;
	kvmx_vcpu_take(&v->vcpu, KVMX_REQ_STEPPED);
	memcpy(v->debug.db, dbg->arch.debugreg, sizeof(v->debug.db));
	/* Reserved bits would make the unit refuse the entry. */
	v->debug.dr7 = (dbg->arch.debugreg[7] & X86_DR7_WRITABLE) | X86_DR7_FIXED;

	v->exceptions &= ~BIT(X86_EXC_BP);
	if (v->guest_debug & KVMX_GUESTDBG_USE_SW_BP)
		v->exceptions |= BIT(X86_EXC_BP);
	x86_unit->set_intercepts(v);
	return 0;
}

/*
 * Interrupts off, before the entry: what the debugger wants in the CPU takes
 * the place of what the guest has there. DR6 starts empty, so that it tells
 * what this entry has met, and not what the guest has left in it.
 */
void x86_guest_debug_enter(struct x86_vcpu *v)
{
	struct x86_state *s;

	if (!x86_guest_debug_in_cpu(v))
		return;
	s = x86_state_dirty(v, X86_STATE_DRS);
	v->debug.own_dr6 = s->dr6;
	v->debug.own_dr7 = s->dr7;
	s->dr6 = X86_DR6_FIXED;
	if (v->guest_debug & KVMX_GUESTDBG_USE_HW_BP)
		s->dr7 = v->debug.dr7;
	if (v->debug.stepping) {
		v->debug.own_tf = v->rflags & X86_EFLAGS_TF;
		v->rflags |= X86_EFLAGS_TF;
	}
}

/*
 * And behind it. When the CPU has cleared TF it has taken an event: the flag is
 * in the frame on the guest's stack and comes back with IRET. Handlers are
 * stepped over in this way.
 */
void x86_guest_debug_leave(struct x86_vcpu *v)
{
	struct x86_state *s;

	if (!x86_guest_debug_in_cpu(v))
		return;
	s = x86_state_dirty(v, X86_STATE_DRS);
	s->dr6 = v->debug.own_dr6;
	s->dr7 = v->debug.own_dr7;
	if (!(v->guest_debug & KVMX_GUESTDBG_SINGLESTEP))
		return;
	v->debug.stepping = v->rflags & X86_EFLAGS_TF;
	if (v->debug.stepping && !v->debug.own_tf)
		v->rflags &= ~X86_EFLAGS_TF;
}

/* PUSHF and POPF, of any operand size. */
static bool moves_flags(const u8 *op, bool wide)
{
	if (op[0] == 0x66 || (wide && (op[0] & 0xf0) == 0x40))
		op++;
	return op[0] == 0x9c || op[0] == 0x9d;
}

/*
 * Before an entry. PUSHF would show the guest the debugger's TF, and the
 * guest's own that POPF loads could not be told from it: the two are emulated.
 */
enum run_next x86_guest_debug_step(struct x86_vcpu *v)
{
	const struct x86_state *s = x86_state(v, X86_STATE_SEGS);
	bool wide = x86_is_64bit(v);
	u64 at = s->seg[X86_SEG_CS].base + v->rip;
	struct x86_linear l = { .v = v };
	u8 op[2];

	/* What is to be delivered comes first; in virtual-8086 mode there is more to them. */
	if (!v->debug.stepping || v->ev.exception.type != X86_EVENT_NONE ||
	    v->ev.nmi_injected || v->ev.irq_injected >= 0 || (v->rflags & X86_EFLAGS_VM))
		return RUN_STAY;
	if (x86_linear_read(&l, wide ? at : (u32)at, op, sizeof(op), X86_WALK_EXEC) ||
	    !moves_flags(op, wide))
		return RUN_STAY;
	v->exit.nr_bytes = 0;
	return x86_emulate_insn(v, false);
}

static enum run_next debug_exit(struct x86_vcpu *v, u8 exception, u64 dr6_bits)
{
	struct kvmx_debug_exit_arch *arch = &v->vcpu.run->debug.arch;
	const struct x86_state *s = x86_state(v, X86_STATE_SEGS | X86_STATE_DRS);
	bool hw_bp = v->guest_debug & KVMX_GUESTDBG_USE_HW_BP;

	v->vcpu.run->exit_reason = KVMX_EXIT_DEBUG;
	memset(arch, 0, sizeof(*arch));
	arch->exception = exception;
	arch->pc = s->seg[X86_SEG_CS].base + v->rip;
	arch->dr6 = X86_DR6_FIXED | dr6_bits;
	arch->dr7 = hw_bp ? v->debug.dr7 : s->dr7;
	return RUN_USER;
}

/* One #DB may be the debugger's and the guest's at once: the guest's goes in with the next entry. */
enum run_next x86_guest_debug_trap(struct x86_vcpu *v, u64 dr6_bits)
{
	u64 user = 0, guest;

	if (v->guest_debug & KVMX_GUESTDBG_SINGLESTEP) {
		user |= X86_DR6_BS;
		v->debug.stepping = true;
	}
	if (v->guest_debug & KVMX_GUESTDBG_USE_HW_BP)
		user |= DR6_HITS | X86_DR6_BD;
	user &= dr6_bits;
	guest = dr6_bits & ~user;
	if ((user & X86_DR6_BS) && v->debug.own_tf)
		guest |= X86_DR6_BS;
	if (guest || !user)
		x86_raise_debug(v, guest);
	return user ? debug_exit(v, X86_EXC_DB, user) : RUN_STAY;
}

enum run_next x86_guest_debug_breakpoint(struct x86_vcpu *v)
{
	return debug_exit(v, X86_EXC_BP, 0);
}

/* The guest moves to or from a debug register, which the debugger has protected (DR7.GD). */
bool x86_guest_debug_guards(struct x86_vcpu *v)
{
	return (v->guest_debug & KVMX_GUESTDBG_USE_HW_BP) && (v->debug.dr7 & X86_DR7_GD);
}

enum run_next x86_guest_debug_guarded(struct x86_vcpu *v)
{
	return debug_exit(v, X86_EXC_DB, X86_DR6_BD);
}

/* An instruction was emulated where the CPU would have trapped behind it. */
void x86_guest_debug_skipped(struct x86_vcpu *v)
{
	if (v->debug.stepping)
		kvmx_vcpu_request(&v->vcpu, KVMX_REQ_STEPPED);
}

enum run_next x86_guest_debug_stepped(struct x86_vcpu *v)
{
	return debug_exit(v, X86_EXC_DB, X86_DR6_BS);
}
