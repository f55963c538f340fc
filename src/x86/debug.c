// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers in the run window: DR0 to DR3 are the CPU's own and are
 * swapped only when the guest uses them; DR6 and DR7 travel with the unit's
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

/*
 * The host's own breakpoints are off while DR0 to DR3 are the guest's: an
 * address of the guest must not match in the kernel.
 */
static void x86_debug_swap_in(struct x86_vcpu *v)
{
	if (v->host_dr_used)
		asm volatile("mov %0, %%db7" : : "r" (X86_DR7_FIXED));
	x86_write_db(v->db);
	v->dr_loaded = true;
}

static void x86_debug_set_direct(struct x86_vcpu *v, bool direct)
{
	if (v->dr_direct == direct)
		return;
	v->dr_direct = direct;
	x86_unit->set_intercepts(v);
}

void x86_debug_load(struct x86_vcpu *v)
{
	bool armed = x86_state(v, X86_STATE_DRS)->dr7 & DR7_ENABLED;

	v->host_dr_used = this_cpu_read(cpu_dr7) & DR7_ENABLED;
	if (v->host_dr_used)
		x86_read_db(v->host_db);
	if (armed) {
		x86_debug_swap_in(v);
		x86_debug_set_direct(v, true);
	}
}

void x86_debug_grant(struct x86_vcpu *v)
{
	if (!v->dr_loaded)
		x86_debug_swap_in(v);
	x86_debug_set_direct(v, true);
}

/* Leaving the guest clears DR7, so the host's is written back even if DR0 to DR3 were not swapped. */
void x86_debug_save(struct x86_vcpu *v)
{
	if (v->dr_loaded) {
		x86_read_db(v->db);
		v->dr_loaded = false;
		x86_debug_set_direct(v, false);
	}
	if (v->host_dr_used) {
		x86_write_db(v->host_db);
		asm volatile("mov %0, %%db6" : : "r" (X86_DR6_FIXED));
		asm volatile("mov %0, %%db7" : : "r" (this_cpu_read(cpu_dr7)));
	}
}
