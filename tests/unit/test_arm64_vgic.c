// SPDX-License-Identifier: GPL-2.0-only
/* The virtual GICv3: registers in memory, and what goes into list registers and comes back. */
/* links: src/arm64/vgic.c src/arm64/vgic_regs.c src/arm64/vgic_lpi.c */
#include <linux/slab.h>

#include "arm64/timer.h"
#include "arm64/vgic_irq.h"
#include "unit.h"
#include "vgic_world.h"

#define SPI		40
#define VTIMER		27
#define NR_IRQS		96
#define ENABLE(n)	(0x100 + (n) / 32 * 4)
#define BIT32(n)	(1u << ((n) % 32))

static unsigned int kicks;

/* ---- what the sources call elsewhere ---- */

bool vgic_ready(struct arm64_vcpu *vcpu)
{
	return gic->ready;
}

u32 timer_hw_intid(u32 intid)
{
	return intid == VTIMER ? VTIMER : 0;
}

void kvmx_vcpu_kick(struct kvmx_vcpu *vcpu)
{
	kicks++;
}

/* No LPIs here. */
int kvmx_guest_read(struct kvmx_vm *guest, gpa_t gpa, void *data, size_t len)
{
	ck_abort();
}

int kvmx_guest_write(struct kvmx_vm *guest, gpa_t gpa, const void *data, size_t len)
{
	ck_abort();
}

/* ---- the world ---- */

static void setup(void)
{
	vgic_world_make(NR_IRQS);
	kicks = 0;
}

static void teardown(void)
{
	vgic_world_free();
}

static void spi_on(u32 n, bool edge)
{
	vgic_reg_write(gic, NULL, 0xc00 + n / 16 * 4, 4, edge ? 2u << (n % 16 * 2) : 0);
	vgic_reg_write(gic, NULL, ENABLE(n), 4, BIT32(n));
}

static void line(u32 n, bool level)
{
	ck_assert_int_eq(vgic_set_line(vm, n < 32 ? v[0] : NULL, n, KVMX_IRQ_SOURCE_USER, level), 0);
}

/* The state bits that vCPU @i gets of @n, as list register @*at; -1: it is in none. */
static int filled(unsigned int i, u32 n, unsigned int *at)
{
	for (*at = 0; *at < v[i]->gic->used; ++*at)
		if ((v[i]->gic->lr[*at] & 0xffffffff) == n)
			return v[i]->gic->lr[*at] >> 62;
	return -1;
}

enum { INACTIVE, PENDING, ACTIVE, BOTH };

/* An entry of vCPU @i in which it leaves @n as @after; answers how it found it. */
static int entry(unsigned int i, u32 n, int after)
{
	unsigned int at;
	int found;

	local_irq_disable();
	vgic_fill(gic, v[i], 4);
	found = filled(i, n, &at);
	if (found >= 0)
		v[i]->gic->lr[at] = (v[i]->gic->lr[at] & ~(3ULL << 62)) | (u64)after << 62;
	vgic_take_back(gic, v[i]);
	local_irq_enable();
	return found;
}

START_TEST(edge)
{
	spi_on(SPI, true);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), -1);
	line(SPI, true);
	ck_assert_uint_gt(kicks, 0);
	ck_assert(vgic_wakes(v[0]));
	ck_assert(!vgic_wakes(v[1]));
	/* Taken, then ended. The line stays up, which is no other edge. */
	ck_assert_int_eq(entry(0, SPI, ACTIVE), PENDING);
	ck_assert(!vgic_wakes(v[0]));
	ck_assert_int_eq(entry(0, SPI, INACTIVE), ACTIVE);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), -1);
	/* One that comes while the last is active waits for its end. */
	line(SPI, false);
	line(SPI, true);
	ck_assert_int_eq(entry(0, SPI, ACTIVE), PENDING);
	line(SPI, false);
	line(SPI, true);
	ck_assert_int_eq(entry(0, SPI, PENDING), BOTH);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), PENDING);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), -1);
}
END_TEST

/* An edge while the interrupt is in the CPU, which ends the one before. */
START_TEST(edge_meanwhile)
{
	spi_on(SPI, true);
	line(SPI, true);
	local_irq_disable();
	vgic_fill(gic, v[0], 4);
	local_irq_enable();
	line(SPI, false);
	line(SPI, true);
	v[0]->gic->lr[0] &= ~(3ULL << 62);
	local_irq_disable();
	vgic_take_back(gic, v[0]);
	local_irq_enable();
	ck_assert(vgic_wakes(v[0]));
	ck_assert_int_eq(entry(0, SPI, INACTIVE), PENDING);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), -1);
}
END_TEST

/* Another CPU becomes its target while it is in the first one's, which does not take it. */
START_TEST(routed_meanwhile)
{
	spi_on(SPI, true);
	line(SPI, true);
	local_irq_disable();
	vgic_fill(gic, v[0], 4);
	vgic_reg_write(gic, NULL, 0x6000 + 8 * SPI, 8, 1);
	/* The new one looks at once, and finds nothing. */
	vgic_fill(gic, v[1], 4);
	ck_assert_uint_eq(v[1]->gic->used, 0);
	vgic_take_back(gic, v[1]);
	v[1]->vcpu.requests = 0;
	vgic_take_back(gic, v[0]);
	local_irq_enable();
	ck_assert_uint_eq(v[1]->vcpu.requests, BIT(KVMX_REQ_EVENT));
	ck_assert(v[1]->gic->look);
	ck_assert(!vgic_wakes(v[0]));
	ck_assert(vgic_wakes(v[1]));
	ck_assert_int_eq(entry(0, SPI, INACTIVE), -1);
	ck_assert_int_eq(entry(1, SPI, INACTIVE), PENDING);
	ck_assert_int_eq(entry(1, SPI, INACTIVE), -1);
}
END_TEST

START_TEST(level)
{
	spi_on(SPI, false);
	line(SPI, true);
	ck_assert_int_eq(entry(0, SPI, ACTIVE), PENDING);
	/* Still up: it comes again after its end. */
	ck_assert_int_eq(entry(0, SPI, PENDING), BOTH);
	ck_assert_int_eq(entry(0, SPI, ACTIVE), PENDING);
	line(SPI, false);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), ACTIVE);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), -1);
	/* Lowered before it was taken: it was nothing. */
	line(SPI, true);
	ck_assert_int_eq(entry(0, SPI, PENDING), PENDING);
	line(SPI, false);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), -1);
}
END_TEST

START_TEST(set_pending)
{
	spi_on(SPI, false);
	vgic_reg_write(gic, NULL, 0x200 + SPI / 32 * 4, 4, BIT32(SPI));
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 0x200 + SPI / 32 * 4, 4), BIT32(SPI));
	ck_assert_int_eq(entry(0, SPI, PENDING), PENDING);
	vgic_reg_write(gic, NULL, 0x280 + SPI / 32 * 4, 4, BIT32(SPI));
	ck_assert_int_eq(entry(0, SPI, PENDING), -1);
	vgic_reg_write(gic, NULL, 0x200 + SPI / 32 * 4, 4, BIT32(SPI));
	ck_assert_int_eq(entry(0, SPI, INACTIVE), PENDING);
	ck_assert_int_eq(entry(0, SPI, INACTIVE), -1);
}
END_TEST

START_TEST(enables_and_groups)
{
	line(SPI, true);
	ck_assert_int_eq(entry(0, SPI, PENDING), -1);
	spi_on(SPI, false);
	vgic_reg_write(gic, NULL, 0, 4, VGIC_CTLR_GROUP0);
	ck_assert_int_eq(entry(0, SPI, PENDING), -1);
	vgic_reg_write(gic, NULL, 0, 4, VGIC_CTLR_GROUP0 | VGIC_CTLR_GROUP1);
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 0, 4), 0x53);
	ck_assert_int_eq(entry(0, SPI, PENDING), PENDING);
	/* To the other CPU. */
	vgic_reg_write(gic, NULL, 0x6000 + 8 * SPI, 8, 1);
	ck_assert_int_eq(entry(0, SPI, PENDING), -1);
	ck_assert_int_eq(entry(1, SPI, PENDING), PENDING);
	/* To one that is not there. */
	vgic_reg_write(gic, NULL, 0x6000 + 8 * SPI, 8, 7);
	ck_assert_int_eq(entry(1, SPI, PENDING), -1);
	vgic_reg_write(gic, NULL, 0x6000 + 8 * SPI, 8, 0);
	vgic_reg_write(gic, NULL, 0x180 + SPI / 32 * 4, 4, BIT32(SPI));
	ck_assert_int_eq(entry(0, SPI, PENDING), -1);
}
END_TEST

START_TEST(more_than_fit)
{
	u32 n;

	for (n = 32; n < 38; n++) {
		spi_on(n, false);
		vgic_reg_write(gic, NULL, 0x400 + n, 1, 0xf8 - 8 * (n - 32));
		line(n, true);
	}
	local_irq_disable();
	vgic_fill(gic, v[0], 2);
	local_irq_enable();
	ck_assert_uint_eq(v[0]->gic->used, 2);
	ck_assert(v[0]->gic->overflow);
	/* The two of the highest priority, which is the lowest number. */
	ck_assert_uint_eq((v[0]->gic->lr_irq[0]->intid == 36) + (v[0]->gic->lr_irq[1]->intid == 36), 1);
	ck_assert_uint_eq((v[0]->gic->lr_irq[0]->intid == 37) + (v[0]->gic->lr_irq[1]->intid == 37), 1);
}
END_TEST

/* Tied to the host's interrupt: never pending and active at once. */
START_TEST(timer)
{
	unsigned int at;

	vgic_reg_write(gic, v[0], 0x10100, 4, BIT(VTIMER));
	line(VTIMER, true);
	local_irq_disable();
	vgic_fill(gic, v[0], 4);
	local_irq_enable();
	ck_assert_int_eq(filled(0, VTIMER, &at), PENDING);
	ck_assert(v[0]->gic->lr[at] & LR_HW);
	ck_assert_uint_eq(v[0]->gic->lr[at] >> 32 & 0x1fff, VTIMER);
	v[0]->gic->lr[at] = (v[0]->gic->lr[at] & ~(3ULL << 62)) | LR_ACTIVE;
	local_irq_disable();
	vgic_take_back(gic, v[0]);
	local_irq_enable();
	ck_assert_int_eq(entry(0, VTIMER, INACTIVE), ACTIVE);
	ck_assert_int_eq(entry(0, VTIMER, INACTIVE), PENDING);
}
END_TEST

START_TEST(messages)
{
	u64 others = BIT_ULL(40) | 3 << 24, self = 5 << 24 | 1, both = 6 << 24 | 3;

	ck_assert(vgic_sysreg(v[0], A64_ICC_SGI1R_EL1, true, &others));
	ck_assert_int_eq(entry(0, 3, INACTIVE), -1);
	ck_assert_int_eq(entry(1, 3, INACTIVE), PENDING);
	ck_assert(vgic_sysreg(v[0], A64_ICC_SGI1R_EL1, true, &self));
	ck_assert_int_eq(entry(1, 5, INACTIVE), -1);
	ck_assert_int_eq(entry(0, 5, INACTIVE), PENDING);
	ck_assert(vgic_sysreg(v[1], A64_ICC_SGI1R_EL1, true, &both));
	ck_assert_int_eq(entry(0, 6, INACTIVE), PENDING);
	ck_assert_int_eq(entry(1, 6, INACTIVE), PENDING);
	/* Another cluster, another group. */
	both |= 1 << 16;
	ck_assert(vgic_sysreg(v[1], A64_ICC_SGI1R_EL1, true, &both));
	ck_assert_int_eq(entry(0, 6, INACTIVE), -1);
	ck_assert(vgic_sysreg(v[0], A64_ICC_SGI0R_EL1, true, &self));
	ck_assert_int_eq(entry(0, 5, INACTIVE), -1);
	ck_assert(!vgic_sysreg(v[0], A64_ICC_SGI1R_EL1, false, &self));
	ck_assert(!vgic_sysreg(v[0], A64_SCTLR_EL1, false, &self));
}
END_TEST

START_TEST(identification)
{
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 4, 4) & 0x1f, NR_IRQS / 32 - 1);
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 0xffe8, 4) & 0xf0, 0x30);
	ck_assert_uint_eq(vgic_reg_read(gic, v[0], 0xffe8, 4) & 0xf0, 0x30);
	ck_assert_uint_eq(vgic_reg_read(gic, v[0], 8, 8), 0);
	ck_assert_uint_eq(vgic_reg_read(gic, v[1], 8, 8), 1ULL << 32 | 1 << 8 | BIT(4));
	ck_assert_uint_eq(vgic_reg_read(gic, v[1], 12, 4), 1);
	/* Private interrupts are the redistributor's, the others the distributor's. */
	vgic_reg_write(gic, NULL, 0x100, 4, ~0u);
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 0x100, 4), 0);
	ck_assert_uint_eq(vgic_reg_read(gic, v[0], 0x10100, 4), 0xffff);
	vgic_reg_write(gic, v[0], 0x10104, 4, ~0u);
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 0x104, 4), 0);
	/* Five bits of priority. */
	vgic_reg_write(gic, NULL, 0x400 + SPI, 4, 0xffffffff);
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 0x400 + SPI, 4), 0xf8f8f8f8);
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 0x400 + SPI + 1, 1), 0xf8);
	ck_assert_int_eq(vgic_set_line(vm, NULL, NR_IRQS, 0, true), -EINVAL);
	ck_assert_int_eq(vgic_set_line(vm, NULL, 20, 0, true), -EINVAL);
}
END_TEST

/* Anything at any offset, between entries that do what a CPU may: for the sanitizers. */
START_TEST(random_accesses)
{
	unsigned int n, i, k;

	for (n = 0; n < 300000; n++) {
		struct arm64_vcpu *at = unit_random_below(2) ? v[unit_random_below(2)] : NULL;
		u32 offset = unit_random_below(at ? VGIC_REDIST_SIZE : VGIC_DIST_SIZE);
		int len = 1 << unit_random_below(4);
		u64 val = unit_random_edge();

		switch (unit_random_below(4)) {
		case 0:
			vgic_reg_read(gic, at, offset, len);
			break;
		case 1:
			vgic_reg_write(gic, at, offset, len, val);
			break;
		case 2:
			vgic_set_line(vm, v[val & 1], unit_random_below(1024), 0, val & 2);
			break;
		default:
			i = unit_random_below(2);
			local_irq_disable();
			vgic_fill(gic, v[i], 4);
			ck_assert_uint_le(v[i]->gic->used, 4);
			for (k = 0; k < v[i]->gic->used; k++)
				v[i]->gic->lr[k] ^= unit_random_below(4) << 62;
			vgic_take_back(gic, v[i]);
			local_irq_enable();
			break;
		}
	}
	unit_figure("random accesses to the vGIC", n);
}
END_TEST

static TCase *vgic(void)
{
	TCase *tc = UNIT_CASE("vgic", edge, edge_meanwhile, routed_meanwhile, level, set_pending,
			      enables_and_groups, more_than_fit, timer, messages, identification,
			      random_accesses);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("arm64_vgic", vgic())
