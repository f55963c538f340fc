// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock: a page of guest memory that says how to make nanoseconds of the
 * guest's TSC, and the ioctls of the VM's clock. On hosts with a stable TSC
 * one pair (host TSC, ns) serves all vCPUs for good, so that they agree.
 */
#include <linux/kernel.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/kvmx_para.h>
#include <asm/tsc.h>

#include "clock.h"
#include "cpu.h"

u64 x86_clock_scale(u64 ticks, u32 mul, s8 shift)
{
	return mul_u64_u32_shr(shift < 0 ? ticks >> -shift : ticks << shift, mul, 32);
}

/* The mantissa @mul gets its 32 bits, which gives the best resolution. */
void x86_clock_factors(u32 khz, u32 *mul, s8 *shift)
{
	u64 ns = 1000000, ticks = khz ?: 1;
	s8 power = 0;

	for (; ns >= ticks; ticks <<= 1)
		power++;
	for (; ns << 1 < ticks; ns <<= 1)
		power--;
	*mul = min_t(u64, div64_u64(ns << 32, ticks), U32_MAX);
	*shift = power;
}

bool x86_clock_unstable(void)
{
	return check_tsc_unstable();
}

/* Host TSC and the host's clocks at one moment. */
struct moment {
	u64 tsc, ns, real_ns;
};

static void take_moment(struct moment *m)
{
	unsigned long flags;

	local_irq_save(flags);
	m->tsc = x86_rdtsc();
	m->ns = ktime_get_raw_ns();
	m->real_ns = ktime_get_real_ns();
	local_irq_restore(flags);
}

/* clock_lock is held. */
static u64 clock_at(struct x86_vm *vm, const struct moment *m)
{
	u32 mul;
	s8 shift;

	if (x86_clock_unstable())
		return m->ns + vm->kvmclock_offset;
	x86_clock_factors(x86_host_tsc_khz(), &mul, &shift);
	return vm->clock.base_ns + x86_clock_scale(m->tsc - vm->clock.base_tsc, mul, shift);
}

/* clock_lock is held. */
static void start_clock(struct x86_vm *vm, const struct moment *m, u64 ns)
{
	vm->clock.base_tsc = m->tsc;
	vm->clock.base_ns = ns;
	vm->kvmclock_offset = ns - m->ns;
}

void x86_clock_vm_init(struct x86_vm *vm)
{
	struct moment m;

	spin_lock_init(&vm->clock_lock);
	memset(&vm->clock, 0, sizeof(vm->clock));
	vm->default_tsc_khz = x86_host_tsc_khz();
	take_moment(&m);
	start_clock(vm, &m, 0);
}

u64 x86_clock_now(struct x86_vm *vm)
{
	struct moment m;
	u64 ns;

	spin_lock(&vm->clock_lock);
	take_moment(&m);
	ns = clock_at(vm, &m);
	spin_unlock(&vm->clock_lock);
	return ns;
}

/* A guest may read the clock of any vCPU with the TSC of any other only if all are the same. */
static bool one_tsc(struct x86_vm *vm)
{
	u32 i, nr = kvmx_vm_nr_vcpus(&vm->vm);
	struct x86_vcpu *first, *v;

	if (x86_clock_unstable())
		return false;
	if (!nr)
		return true;
	first = to_x86(vm->vm.vcpus[0]);
	for (i = 1; i < nr; i++) {
		v = to_x86(vm->vm.vcpus[i]);
		if (READ_ONCE(v->tsc_offset) != READ_ONCE(first->tsc_offset) ||
		    READ_ONCE(v->tsc_ratio) != READ_ONCE(first->tsc_ratio))
			return false;
	}
	return true;
}

/*
 * The page is written as its readers expect: the version is odd while the rest
 * changes. User space may have restored the page with any version in it.
 */
static void write_page(struct kvmx_vm *vm, u64 gpa, struct kvmx_pvclock_vcpu_time_info *info)
{
	struct kvmx_pvclock_vcpu_time_info old;
	const size_t skip = offsetof(struct kvmx_pvclock_vcpu_time_info, pad0);

	if (kvmx_guest_read(vm, gpa, &old, sizeof(old)))
		return;
	info->version = (old.version + 1) | 1;
	info->flags |= old.flags & KVMX_PVCLOCK_GUEST_STOPPED;
	if (kvmx_guest_write(vm, gpa, &info->version, sizeof(info->version)))
		return;
	smp_wmb();
	if (kvmx_guest_write(vm, gpa + skip, &info->pad0, sizeof(*info) - skip))
		return;
	smp_wmb();
	info->version++;
	kvmx_guest_write(vm, gpa, &info->version, sizeof(info->version));
}

void x86_clock_update(struct x86_vcpu *v)
{
	struct kvmx_pvclock_vcpu_time_info info = { 0 };
	struct x86_vm *vm = x86_vm_of(v);
	bool stable = one_tsc(vm);
	u64 tsc, ns;

	/* It came, or went: the pages of the other vCPUs must say so too. */
	if (xchg(&vm->clock.stable, stable) != stable) {
		kvmx_vm_request_all(&vm->vm, KVMX_REQ_CLOCK, false);
		clear_bit(KVMX_REQ_CLOCK, &v->vcpu.requests);
	}
	if (!(v->clock.system_time_msr & KVMX_MSR_ENABLED))
		return;

	spin_lock(&vm->clock_lock);
	if (x86_clock_unstable()) {
		struct moment m;

		take_moment(&m);
		tsc = m.tsc;
		ns = clock_at(vm, &m);
	} else {
		tsc = vm->clock.base_tsc;
		ns = vm->clock.base_ns;
	}
	spin_unlock(&vm->clock_lock);

	info.tsc_timestamp = x86_guest_tsc_at(v, tsc);
	info.system_time = ns;
	info.tsc_to_system_mul = v->clock.mul;
	info.tsc_shift = v->clock.shift;
	if (stable)
		info.flags |= KVMX_PVCLOCK_TSC_STABLE;
	if (v->clock.stopped)
		info.flags |= KVMX_PVCLOCK_GUEST_STOPPED;
	v->clock.stopped = false;
	write_page(&vm->vm, v->clock.system_time_msr & ~(u64)KVMX_MSR_ENABLED, &info);
}

void x86_clock_set_msr(struct x86_vcpu *v, u64 val)
{
	v->clock.system_time_msr = val;
	if (val & KVMX_MSR_ENABLED)
		kvmx_vcpu_request(&v->vcpu, KVMX_REQ_CLOCK);
}

/* What the guest adds kvmclock to, to get the time of day: when the VM's clock was 0. */
void x86_clock_write_wall(struct x86_vm *vm, u64 gpa)
{
	struct kvmx_pvclock_wall_clock wall;
	struct moment m;
	u64 start;
	u32 nsec;

	spin_lock(&vm->clock_lock);
	take_moment(&m);
	start = m.real_ns - clock_at(vm, &m);
	spin_unlock(&vm->clock_lock);

	if (kvmx_guest_read(&vm->vm, gpa, &wall.version, sizeof(wall.version)))
		return;
	wall.version = (wall.version + 1) | 1;
	wall.sec = div_u64_rem(start, NSEC_PER_SEC, &nsec);
	wall.nsec = nsec;
	if (kvmx_guest_write(&vm->vm, gpa, &wall, sizeof(wall)))
		return;
	smp_wmb();
	wall.version++;
	kvmx_guest_write(&vm->vm, gpa, &wall.version, sizeof(wall.version));
}

void x86_clock_get(struct x86_vm *vm, struct kvmx_clock_data *data)
{
	struct moment m;

	memset(data, 0, sizeof(*data));
	spin_lock(&vm->clock_lock);
	take_moment(&m);
	data->clock = clock_at(vm, &m);
	spin_unlock(&vm->clock_lock);
	data->realtime = m.real_ns;
	data->host_tsc = m.tsc;
	data->flags = KVMX_CLOCK_REALTIME | KVMX_CLOCK_HOST_TSC;
	if (one_tsc(vm))
		data->flags |= KVMX_CLOCK_TSC_STABLE;
}

int x86_clock_set(struct x86_vm *vm, const struct kvmx_clock_data *data)
{
	u64 ns = data->clock;
	struct moment m;

	if (data->flags & ~(KVMX_CLOCK_TSC_STABLE | KVMX_CLOCK_REALTIME | KVMX_CLOCK_HOST_TSC))
		return -EINVAL;

	spin_lock(&vm->clock_lock);
	take_moment(&m);
	/* The clock went on while the VM was on its way, unless the host's is behind. */
	if ((data->flags & KVMX_CLOCK_REALTIME) && m.real_ns > data->realtime)
		ns += m.real_ns - data->realtime;
	start_clock(vm, &m, ns);
	spin_unlock(&vm->clock_lock);
	kvmx_vm_request_all(&vm->vm, KVMX_REQ_CLOCK, false);
	return 0;
}

int x86_clock_stopped(struct x86_vcpu *v)
{
	if (!(v->clock.system_time_msr & KVMX_MSR_ENABLED))
		return -EINVAL;
	v->clock.stopped = true;
	kvmx_vcpu_request(&v->vcpu, KVMX_REQ_CLOCK);
	return 0;
}
