// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers: DR0 to DR3 are the CPU's own and are swapped around an
 * entry when guest or host uses them; DR6 and DR7 travel with the unit's
 * state. Called by the run loop and by exit.c.
 */
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/debugreg.h>

#include "run.h"

#define DR7_ENABLED	0xffull		/* L0 to G3 */

static void x86_write_db(const u64 *db)
{
	asm volatile("mov %0, %%db0" : : "r" (db[0]));
	asm volatile("mov %0, %%db1" : : "r" (db[1]));
	asm volatile("mov %0, %%db2" : : "r" (db[2]));
	asm volatile("mov %0, %%db3" : : "r" (db[3]));
}

static void x86_read_db(u64 *db)
{
	asm volatile("mov %%db0, %0" : "=r" (db[0]));
	asm volatile("mov %%db1, %0" : "=r" (db[1]));
	asm volatile("mov %%db2, %0" : "=r" (db[2]));
	asm volatile("mov %%db3, %0" : "=r" (db[3]));
}

static void x86_debug_set_direct(struct x86_vcpu *v, bool direct)
{
	if (v->dr_direct == direct)
		return;
	v->dr_direct = direct;
	x86_unit->set_intercepts(v);
}

/* Under a debugger the registers are its own, or the guest's trap has to be told apart. */
void x86_debug_open(struct x86_vcpu *v)
{
	bool by_user = v->guest_debug & KVMX_GUESTDBG_USE_HW_BP;
	u64 dr7;

	if (v->dr_idle && !v->guest_debug)
		return;
	dr7 = by_user ? v->debug.dr7 : x86_state(v, X86_STATE_DRS)->dr7;
	v->dr_live = dr7 & DR7_ENABLED;
	v->dr_idle = !v->dr_live && !v->guest_debug;
	if (v->dr_live && !x86_guest_debug_in_cpu(v))
		x86_debug_set_direct(v, true);
}

void x86_debug_close(struct x86_vcpu *v)
{
	v->dr_live = false;
	x86_debug_set_direct(v, false);
}

void x86_debug_grant(struct x86_vcpu *v)
{
	v->dr_live = true;
	v->dr_idle = false;
	x86_debug_set_direct(v, true);
}

/*
 * The host may set breakpoints on this CPU by an interrupt whenever they are
 * on, so its registers are in the CPU whenever they are. An address of the
 * guest must not match in the kernel: the host's DR7 is off meanwhile.
 */
void x86_debug_swap_in(struct x86_vcpu *v)
{
	if (hw_breakpoint_active()) {
		x86_read_db(v->host_db);
		asm volatile("mov %0, %%db7" : : "r" (X86_DR7_FIXED));
	}
	if (v->dr_live)
		x86_write_db(v->guest_debug & KVMX_GUESTDBG_USE_HW_BP ? v->debug.db : v->db);
}

/* Leaving the guest has cleared DR7. */
void x86_debug_swap_out(struct x86_vcpu *v)
{
	if (v->dr_direct)
		x86_read_db(v->db);
	if (hw_breakpoint_active()) {
		x86_write_db(v->host_db);
		asm volatile("mov %0, %%db6" : : "r" (X86_DR6_FIXED));
		asm volatile("mov %0, %%db7" : : "r" (this_cpu_read(cpu_dr7)));
	}
}
