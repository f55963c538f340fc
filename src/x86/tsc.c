// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's time stamp counter: the host's, times a ratio, plus an offset,
 * both applied by the unit. Keeps the TSCs of a VM's vCPUs the same where
 * software means them to be. Called by the MSR table, the ioctls, the timer.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <asm/tsc.h>

#include "clock.h"
#include "cpu.h"
#include "lapic.h"

/* A guest frequency this close to the host's needs no scaling: crystals are no better. */
#define TOLERANCE_PPM	250

u32 x86_host_tsc_khz(void)
{
	return tsc_khz;
}

static u64 scale(u64 host_tsc, u64 ratio)
{
	return ratio ? mul_u64_u64_shr(host_tsc, ratio, x86_unit_caps.tsc_scale_frac_bits) :
		       host_tsc;
}

u64 x86_guest_tsc_at(struct x86_vcpu *v, u64 host_tsc)
{
	return scale(host_tsc, READ_ONCE(v->tsc_ratio)) + READ_ONCE(v->tsc_offset);
}

u64 x86_guest_tsc(struct x86_vcpu *v)
{
	return x86_guest_tsc_at(v, x86_rdtsc());
}

s64 x86_tsc_to_ns(struct x86_vcpu *v, s64 guest_ticks)
{
	u64 ticks = guest_ticks < 0 ? -(u64)guest_ticks : guest_ticks;
	s8 shift = v->clock.shift;
	u64 ns = S64_MAX;

	if (shift <= 0 || !(ticks >> (63 - shift)))
		ns = min_t(u64, x86_clock_scale(ticks, v->clock.mul, shift), S64_MAX);
	return guest_ticks < 0 ? -(s64)ns : (s64)ns;
}

/* The guest sees another TSC from here on: the unit, the timer and the clock page follow. */
static void set_offset(struct x86_vcpu *v, u64 offset)
{
	WRITE_ONCE(v->tsc_offset, offset);
	x86_unit->set_tsc(v);
	if (v->lapic)
		lapic_tsc_changed(v);
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_CLOCK);
}

/* What vCPUs that come later join. */
static void remember(struct x86_clock_vm *c, const struct x86_vcpu *v, u64 offset, bool by_user)
{
	c->tsc_set = true;
	c->tsc_by_user = by_user;
	c->tsc_khz = v->tsc_khz;
	c->tsc_ratio = v->tsc_ratio;
	c->tsc_offset = offset;
}

/* Why a TSC gets its value. */
enum tsc_why { TSC_CREATED, TSC_RATE, TSC_USER };

/*
 * User space sets the vCPUs' TSCs one after the other, each to a value that
 * was read at its own time. Values that are what the TSC set last has become
 * meanwhile, within a second, mean that same TSC; so does 0, the value at
 * power-up. The API has no better way to say it. A vCPU that is new, or new at
 * this frequency, joins the TSC that the VM has.
 */
static void synchronize(struct x86_vcpu *v, u64 val, enum tsc_why why)
{
	struct x86_clock_vm *c = &x86_vm_of(v)->clock;
	bool same_rate, join = false;
	u64 offset;

	spin_lock(&x86_vm_of(v)->clock_lock);
	offset = val - scale(x86_rdtsc(), v->tsc_ratio);
	same_rate = c->tsc_set && c->tsc_khz == v->tsc_khz && c->tsc_ratio == v->tsc_ratio;
	if (same_rate) {
		s64 apart = offset - c->tsc_offset;
		s64 second = v->tsc_khz * 1000ll;

		join = why != TSC_USER || !val ||
		       (c->tsc_by_user && apart > -second && apart < second);
		if (join)
			offset = c->tsc_offset;
	}
	if (!c->tsc_set || why == TSC_USER || (why == TSC_RATE && !same_rate))
		remember(c, v, offset, why == TSC_USER);
	spin_unlock(&x86_vm_of(v)->clock_lock);
	set_offset(v, offset);
}

/* The one way to give several vCPUs exactly the same TSC. */
void x86_tsc_set_offset(struct x86_vcpu *v, u64 offset)
{
	spin_lock(&x86_vm_of(v)->clock_lock);
	remember(&x86_vm_of(v)->clock, v, offset, true);
	spin_unlock(&x86_vm_of(v)->clock_lock);
	set_offset(v, offset);
}

/* Intel SDM volume 3, "IA32_TSC_ADJUST Register Support": a guest's write moves both. */
int x86_tsc_write(struct x86_vcpu *v, u64 val, bool host)
{
	u64 delta;

	if (host) {
		synchronize(v, val, TSC_USER);
		return 0;
	}
	delta = val - x86_guest_tsc(v);
	v->tsc_adjust += delta;
	set_offset(v, v->tsc_offset + delta);
	return 0;
}

int x86_tsc_adjust_write(struct x86_vcpu *v, u64 val, bool host)
{
	u64 delta = val - v->tsc_adjust;

	v->tsc_adjust = val;
	if (!host && delta)
		set_offset(v, v->tsc_offset + delta);
	return 0;
}

static bool close_to_host(u32 khz)
{
	u64 host = x86_host_tsc_khz();
	u64 slack = host * TOLERANCE_PPM / 1000000;

	return khz >= host - slack && khz <= host + slack;
}

static u64 ratio_of(u32 khz)
{
	return mul_u64_u32_div(BIT_ULL(x86_unit_caps.tsc_scale_frac_bits), khz,
			       x86_host_tsc_khz());
}

bool x86_tsc_khz_valid(u32 khz)
{
	u64 ratio;

	if (!khz || close_to_host(khz))
		return true;
	if (!x86_unit_caps.tsc_scale || !x86_host_tsc_khz() || khz > INT_MAX)
		return false;
	ratio = ratio_of(khz);
	return ratio && ratio <= x86_unit_caps.tsc_scale_max;
}

static void set_frequency(struct x86_vcpu *v, u32 khz)
{
	bool scaled;

	if (!khz)
		khz = x86_host_tsc_khz();
	scaled = !close_to_host(khz);
	v->tsc_khz = khz;
	WRITE_ONCE(v->tsc_ratio, scaled ? ratio_of(khz) : 0);
	/* Without scaling the TSC runs at the host's frequency, whatever name it got. */
	x86_clock_factors(scaled ? khz : x86_host_tsc_khz(), &v->clock.mul, &v->clock.shift);
}

int x86_tsc_set_khz(struct x86_vcpu *v, u32 khz)
{
	u64 now;

	if (!x86_tsc_khz_valid(khz))
		return -EINVAL;
	if ((khz ?: x86_host_tsc_khz()) == v->tsc_khz)
		return 0;
	now = x86_guest_tsc(v);
	set_frequency(v, khz);
	synchronize(v, now, TSC_RATE);
	return 0;
}

void x86_clock_vcpu_init(struct x86_vcpu *v)
{
	set_frequency(v, x86_vm_of(v)->default_tsc_khz);
	synchronize(v, 0, TSC_CREATED);
}
