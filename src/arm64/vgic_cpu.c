// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU's virtual interrupt interface (Arm IHI 0069, "Virtual interrupt
 * handling"): what it holds while a guest runs. Called around the window and
 * around entries (enter.c).
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/barrier.h>
#include <asm/sysreg.h>

#include "enter.h"
#include "frame.h"
#include "timer.h"
#include "vgic_irq.h"

#define A64_ICH_HCR_EN		BIT(0)
#define A64_ICH_HCR_UIE		BIT(1)	/* an interrupt when one list register or none is in use */
#define A64_ICH_HCR_TC		BIT(10)	/* accesses to ICC registers trap: those of both groups, */
#define A64_ICH_HCR_TALL0	BIT(11)	/* of group 0, */
#define A64_ICH_HCR_TALL1	BIT(12)	/* of group 1 */

static unsigned int nr_lrs, nr_aprs;
static u64 icc_ctlr;

/* ICH_VTR_EL2: list registers less one, bits of preemption less one. */
void vgic_cpu_init(u64 vtr)
{
	nr_lrs = min_t(unsigned int, (vtr & 0x1f) + 1, VGIC_MAX_LRS);
	nr_aprs = 1u << clamp_t(int, (int)(vtr >> 26 & 7) + 1 - 5, 0, 2);
	/* Bits of priority and of interrupt numbers, SEIs, Aff3. */
	icc_ctlr = (vtr >> 29 & 7) << 8 | (vtr >> 23 & 7) << 11 | (vtr >> 22 & 1) << 14 |
		   (vtr >> 21 & 1) << 15;
}

u64 vgic_cpu_ctlr(void)
{
	return icc_ctlr;
}

unsigned int vgic_cpu_nr_aprs(void)
{
	return nr_aprs;
}

/* The first so many list registers. */
static void lrs_write(const u64 *lr, unsigned int nr)
{
	switch (nr) {
#define WRITE_LR(n) case n + 1: write_sysreg_s(lr[n], A64_ICH_LR(n)); fallthrough;
	EACH_DOWN(WRITE_LR)
#undef WRITE_LR
	default:
		break;
	}
}

static void lrs_clear(unsigned int nr)
{
	switch (nr) {
#define CLEAR_LR(n) case n + 1: write_sysreg_s(0, A64_ICH_LR(n)); fallthrough;
	EACH_DOWN(CLEAR_LR)
#undef CLEAR_LR
	default:
		break;
	}
}

static void lrs_read(u64 *lr, unsigned int nr)
{
	switch (nr) {
#define READ_LR(n) case n + 1: lr[n] = read_sysreg_s(A64_ICH_LR(n)); fallthrough;
	EACH_DOWN(READ_LR)
#undef READ_LR
	default:
		break;
	}
}

static void apr_write(u64 apr[2][4])
{
	switch (nr_aprs) {
	case 4:
		write_sysreg_s(apr[0][3], A64_ICH_AP0R(3));
		write_sysreg_s(apr[0][2], A64_ICH_AP0R(2));
		write_sysreg_s(apr[1][3], A64_ICH_AP1R(3));
		write_sysreg_s(apr[1][2], A64_ICH_AP1R(2));
		fallthrough;
	case 2:
		write_sysreg_s(apr[0][1], A64_ICH_AP0R(1));
		write_sysreg_s(apr[1][1], A64_ICH_AP1R(1));
		fallthrough;
	default:
		write_sysreg_s(apr[0][0], A64_ICH_AP0R(0));
		write_sysreg_s(apr[1][0], A64_ICH_AP1R(0));
	}
}

static void apr_read(u64 apr[2][4])
{
	switch (nr_aprs) {
	case 4:
		apr[0][3] = read_sysreg_s(A64_ICH_AP0R(3));
		apr[0][2] = read_sysreg_s(A64_ICH_AP0R(2));
		apr[1][3] = read_sysreg_s(A64_ICH_AP1R(3));
		apr[1][2] = read_sysreg_s(A64_ICH_AP1R(2));
		fallthrough;
	case 2:
		apr[0][1] = read_sysreg_s(A64_ICH_AP0R(1));
		apr[1][1] = read_sysreg_s(A64_ICH_AP1R(1));
		fallthrough;
	default:
		apr[0][0] = read_sysreg_s(A64_ICH_AP0R(0));
		apr[1][0] = read_sysreg_s(A64_ICH_AP1R(0));
	}
}

void vgic_load(struct arm64_vcpu *v)
{
	struct arm64_frame *f = arm64_nvhe ? nvhe_frame() : NULL;

	v->gic->on = vgic_ready(v);
	if (f) {
		f->nr_lrs = nr_lrs;
		f->nr_aprs = nr_aprs;
		f->guest.ich_vmcr = v->gic->vmcr;
		memcpy(f->apr, v->gic->apr, sizeof(f->apr));
		return;
	}
	if (!v->gic->on)
		return;
	write_sysreg_s(v->gic->vmcr, A64_ICH_VMCR_EL2);
	apr_write(v->gic->apr);
	/* Whatever another guest left there. */
	lrs_clear(nr_lrs);
}

void vgic_save(struct arm64_vcpu *v)
{
	if (!v->gic->on)
		return;
	if (arm64_nvhe) {
		v->gic->vmcr = nvhe_frame()->guest.ich_vmcr;
		memcpy(v->gic->apr, nvhe_frame()->apr, sizeof(v->gic->apr));
		return;
	}
	v->gic->vmcr = read_sysreg_s(A64_ICH_VMCR_EL2);
	apr_read(v->gic->apr);
}

/* What is to be in the list registers; ICH_HCR_EL2. */
static void interface_set(struct arm64_vcpu *v, unsigned int used, u64 hcr)
{
	struct arm64_frame *f = arm64_nvhe ? nvhe_frame() : NULL;
	unsigned int n;

	if (f) {
		f->used = used;
		for (n = 0; n < used; n++)
			f->lr[n] = v->gic->lr[n];
		f->guest.ich_hcr = hcr;
		return;
	}
	lrs_write(v->gic->lr, used);
	write_sysreg_s(hcr, A64_ICH_HCR_EL2);
}

/* Without a controller a guest has no interface to one. */
void vgic_enter(struct arm64_vcpu *v)
{
	struct vgic_cpu *c = v->gic;

	if (!c->on) {
		interface_set(v, 0, A64_ICH_HCR_TC | A64_ICH_HCR_TALL0 | A64_ICH_HCR_TALL1);
		return;
	}
	if (READ_ONCE(c->look))
		vgic_fill(arm64_vm_of(v)->gic, v, nr_lrs);
	interface_set(v, c->used, A64_ICH_HCR_EN | (c->overflow ? A64_ICH_HCR_UIE : 0));
}

/* What the CPU made of them; they are no longer in it afterwards. */
static const u64 *interface_take(struct vgic_cpu *c)
{
	if (arm64_nvhe)
		return nvhe_frame()->lr;
	isb();
	lrs_read(c->back, c->used);
	lrs_clear(c->used);
	return c->back;
}

void vgic_leave(struct arm64_vcpu *v)
{
	struct vgic_cpu *c = v->gic;
	unsigned int n;
	const u64 *lr;

	if (!arm64_nvhe)
		write_sysreg_s(0, A64_ICH_HCR_EL2);
	if (!c->used)
		return;
	lr = interface_take(c);
	for (n = 0; n < c->used; n++) {
		if (c->lr[n] & ~lr[n] & LR_PENDING)
			v->vcpu.stat[KVMX_STAT_INTERRUPTS]++;	/* taken */
		/* The timer's is the only one of hardware. */
		if ((lr[n] & (LR_HW | LR_PENDING | LR_ACTIVE)) == LR_HW)
			timer_ended(v);
		c->lr[n] = lr[n];
	}
	vgic_take_back(arm64_vm_of(v)->gic, v);
}
