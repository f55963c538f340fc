// SPDX-License-Identifier: GPL-2.0-only
/*
 * The routing table from GSI to pins and MSIs: what is refused, that a refused
 * table changes nothing, sources that add up, acknowledge notifiers.
 */
/* links: src/core/irq_routing.c */
#include <linux/slab.h>

#include <kvmx/vm.h>
#include "unit.h"

static struct kvmx_vm *vm;

/* An irqchip with nothing but lines. */
static struct {
	unsigned long state[KVMX_MAX_IRQCHIPS][KVMX_IRQCHIP_PINS];
	unsigned int sets, msis, changes;
	struct kvmx_irq_route last_msi;
	bool masked;
	int no_msi;
} chip;

static int sink_set(struct kvmx_vm *v, const struct kvmx_irq_route *route, int source, int level)
{
	unsigned long *state;
	bool was;

	ck_assert_ptr_eq(v, vm);
	chip.sets++;
	if (route->kind == KVMX_ROUTE_MSI) {
		if (!level)
			return -1;
		chip.msis++;
		chip.last_msi = *route;
		return 1;
	}
	if (chip.masked)
		return -1;
	state = &chip.state[route->chip.chip][route->chip.pin];
	was = *state;
	return kvmx_irq_level_or(state, source, level) != was;
}

static int sink_check(struct kvmx_vm *v, const struct kvmx_irq_route *route)
{
	if (route->kind == KVMX_ROUTE_MSI)
		return route->msi.addr_hi == 0xbad ? -EINVAL : 0;
	return route->chip.pin < (route->chip.chip == 2 ? 24 : 8) ? 0 : -EINVAL;
}

static int sink_allow(struct kvmx_vm *v, enum kvmx_irq_use use)
{
	return use == KVMX_IRQ_USE_MSI ? chip.no_msi : 0;
}

static void sink_changed(struct kvmx_vm *v)
{
	might_sleep();
	chip.changes++;
}

static const struct kvmx_irq_sink sink = {
	.set = sink_set, .check = sink_check, .allow = sink_allow, .changed = sink_changed,
};

static void setup(void)
{
	vm = calloc(1, sizeof(*vm));
	memset(&chip, 0, sizeof(chip));
	ck_assert_int_eq(kvmx_irqs_init(vm, &sink), 0);
}

static void teardown(void)
{
	kvmx_irqs_destroy(vm);
	shim_rcu_run();
	ck_assert_uint_eq(shim_alloc_live(), 0);
	free(vm);
}

static struct kvmx_irq_routing_entry pin(u32 gsi, u32 irqchip, u32 p)
{
	return (struct kvmx_irq_routing_entry){
		.gsi = gsi, .type = KVMX_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = irqchip, .pin = p },
	};
}

static struct kvmx_irq_routing_entry msi(u32 gsi, u32 data)
{
	return (struct kvmx_irq_routing_entry){
		.gsi = gsi, .type = KVMX_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .address_hi = 1, .data = data, .devid = 9 },
	};
}

#define SET(...) ({								\
	struct kvmx_irq_routing_entry list[] = { __VA_ARGS__ };			\
	kvmx_irq_routing_set(vm, list, ARRAY_SIZE(list), 0); })

static int user_line(u32 gsi, int level)
{
	return kvmx_irq_set(vm, KVMX_IRQ_SOURCE_USER, gsi, level);
}

START_TEST(no_table)
{
	ck_assert_int_eq(user_line(0, 1), -1);
	ck_assert_int_eq(user_line(KVMX_MAX_IRQ_ROUTES, 1), -1);
	ck_assert_int_eq(user_line(~0U, 1), -1);
	kvmx_irq_acked(vm, 0, 0);
	ck_assert(!kvmx_irq_has_ack(vm, 0, 0));
	ck_assert_uint_eq(chip.sets, 0);
}
END_TEST

START_TEST(pins_and_msis)
{
	ck_assert_int_eq(SET(msi(24, 0x41), pin(5, 2, 7), pin(5, 0, 5), pin(4095, 2, 23)), 0);
	ck_assert_uint_eq(chip.changes, 1);
	ck_assert_int_eq(user_line(5, 1), 2);
	ck_assert_uint_eq(chip.state[2][7], 1);
	ck_assert_uint_eq(chip.state[0][5], 1);
	ck_assert_int_eq(user_line(5, 1), 0);		/* coalesced */
	ck_assert_int_eq(user_line(24, 1), 1);
	ck_assert_uint_eq(chip.last_msi.msi.data, 0x41);
	ck_assert_uint_eq(chip.last_msi.msi.addr_lo, 0xfee00000);
	ck_assert_uint_eq(chip.last_msi.msi.addr_hi, 1);
	ck_assert_uint_eq(chip.last_msi.msi.devid, 9);
	ck_assert_int_eq(user_line(4095, 1), 1);
	ck_assert_uint_eq(chip.state[2][23], 1);
	ck_assert_int_eq(user_line(6, 1), -1);
	ck_assert_int_eq(user_line(4096, 1), -1);
	chip.masked = true;
	ck_assert_int_eq(user_line(5, 0), -1);
}
END_TEST

START_TEST(order_does_not_matter)
{
	struct kvmx_irq_routing_entry list[64];
	int i, j, round;

	for (i = 0; i < 64; i++)
		list[i] = msi(i * 64, i);
	for (round = 0; round < 50; round++) {
		for (i = 63; i; i--) {
			j = unit_random_below(i + 1);
			swap(list[i], list[j]);
		}
		ck_assert_int_eq(kvmx_irq_routing_set(vm, list, 64, 0), 0);
		for (i = 0; i < 64; i++) {
			ck_assert_int_eq(user_line(i * 64, 1), 1);
			ck_assert_uint_eq(chip.last_msi.msi.data, i);
			ck_assert_uint_eq(chip.last_msi.gsi, i * 64);
			ck_assert_int_eq(user_line(i * 64 + 1, 1), -1);
		}
	}
}
END_TEST

START_TEST(replaced_as_a_whole)
{
	ck_assert_int_eq(SET(pin(1, 2, 1), msi(30, 1)), 0);
	ck_assert_int_eq(SET(msi(31, 2)), 0);
	ck_assert_int_eq(user_line(1, 1), -1);
	ck_assert_int_eq(user_line(30, 1), -1);
	ck_assert_int_eq(user_line(31, 1), 1);
	ck_assert_int_eq(kvmx_irq_routing_set(vm, NULL, 0, 0), 0);
	ck_assert_int_eq(user_line(31, 1), -1);
	ck_assert_uint_eq(chip.changes, 3);
}
END_TEST

START_TEST(full_table)
{
	struct kvmx_irq_routing_entry *list = calloc(KVMX_MAX_IRQ_ROUTES + 1, sizeof(*list));
	u32 i;

	for (i = 0; i <= KVMX_MAX_IRQ_ROUTES; i++)
		list[i] = msi(i % KVMX_MAX_IRQ_ROUTES, i);
	ck_assert_int_eq(kvmx_irq_routing_set(vm, list, KVMX_MAX_IRQ_ROUTES + 1, 0), -EINVAL);
	ck_assert_int_eq(kvmx_irq_routing_set(vm, list, ~0U, 0), -EINVAL);
	ck_assert_int_eq(kvmx_irq_routing_set(vm, list, KVMX_MAX_IRQ_ROUTES, 0), 0);
	for (i = 0; i < KVMX_MAX_IRQ_ROUTES; i++) {
		ck_assert_int_eq(user_line(i, 1), 1);
		ck_assert_uint_eq(chip.last_msi.msi.data, i);
	}
	free(list);
}
END_TEST

START_TEST(bad_entries_change_nothing)
{
	struct kvmx_irq_routing_entry bad[12];
	struct kvmx_irq_routing_entry list[3];
	int n = 0, i, at;

	bad[n++] = pin(4096, 2, 0);
	bad[n++] = pin(~0U, 2, 0);
	bad[n++] = pin(1, 3, 0);
	bad[n++] = pin(1, ~0U, 0);
	bad[n++] = pin(1, 2, 24);
	bad[n++] = pin(1, 0, 8);
	bad[n++] = pin(1, 2, ~0U);
	bad[n] = pin(1, 2, 0);
	bad[n++].flags = 1;
	bad[n] = msi(1, 0);
	bad[n++].flags = 2;
	bad[n] = msi(1, 0);
	bad[n++].u.msi.address_hi = 0xbad;	/* what the chip itself refuses */
	bad[n] = pin(1, 2, 0);
	bad[n++].type = 0;
	bad[n] = pin(1, 2, 0);
	bad[n++].type = 99;

	ck_assert_int_eq(SET(pin(9, 2, 9)), 0);
	for (i = 0; i < n; i++) {
		for (at = 0; at < 3; at++) {
			list[0] = msi(50, 0);
			list[1] = msi(51, 1);
			list[2] = msi(52, 2);
			list[at] = bad[i];
			ck_assert_int_eq(kvmx_irq_routing_set(vm, list, 3, 0), -EINVAL);
		}
	}
	list[0] = msi(50, 0);
	ck_assert_int_eq(kvmx_irq_routing_set(vm, list, 1, 1), -EINVAL);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(kvmx_irq_routing_set(vm, list, 1, 0), -ENOMEM);
	shim_fail_alloc_after(-1);
	ck_assert_int_eq(user_line(50, 1), -1);
	ck_assert_int_eq(user_line(9, 1), 1);
	ck_assert_uint_eq(chip.changes, 1);
	ck_assert_uint_eq(chip.msis, 0);
}
END_TEST

START_TEST(same_gsi_twice)
{
	/* One pin of each chip is fine, in any order. */
	ck_assert_int_eq(SET(pin(3, 2, 3), msi(9, 0), pin(3, 0, 3), pin(3, 1, 3)), 0);
	ck_assert_int_eq(user_line(3, 1), 3);
	/* The same chip twice, or an MSI beside anything, is not. */
	ck_assert_int_eq(SET(pin(3, 2, 3), pin(3, 2, 4)), -EINVAL);
	ck_assert_int_eq(SET(pin(3, 2, 3), pin(3, 0, 3), pin(3, 1, 3), pin(3, 2, 3)), -EINVAL);
	ck_assert_int_eq(SET(msi(3, 0), msi(3, 1)), -EINVAL);
	ck_assert_int_eq(SET(msi(3, 0), pin(3, 2, 3)), -EINVAL);
	ck_assert_int_eq(SET(pin(3, 2, 3), msi(4, 0), msi(3, 0)), -EINVAL);
	ck_assert_int_eq(user_line(3, 0), 3);
	/* Two GSIs may drive one pin. */
	ck_assert_int_eq(SET(pin(3, 2, 3), pin(4, 2, 3)), 0);
}
END_TEST

START_TEST(sources_add_up)
{
	unsigned long *state = &chip.state[2][4];

	ck_assert_int_eq(SET(pin(4, 2, 4)), 0);
	ck_assert_int_eq(kvmx_irq_set(vm, KVMX_IRQ_SOURCE_USER, 4, 1), 1);
	ck_assert_int_eq(kvmx_irq_set(vm, KVMX_IRQ_SOURCE_RESAMPLE, 4, 1), 0);
	ck_assert_int_eq(kvmx_irq_set(vm, KVMX_IRQ_SOURCE_PIT, 4, 1), 0);
	ck_assert_int_eq(kvmx_irq_set(vm, KVMX_IRQ_SOURCE_USER, 4, 0), 0);
	ck_assert_uint_ne(*state, 0);
	ck_assert_int_eq(kvmx_irq_set(vm, KVMX_IRQ_SOURCE_PIT, 4, 0), 0);
	ck_assert_uint_ne(*state, 0);
	ck_assert_int_eq(kvmx_irq_set(vm, KVMX_IRQ_SOURCE_RESAMPLE, 4, 0), 1);
	ck_assert_uint_eq(*state, 0);
}
END_TEST

START_TEST(signal_msi)
{
	struct kvmx_msi m = { .address_lo = 0xfee01000, .data = 0x55 };

	ck_assert_int_eq(kvmx_irq_msi(vm, &m), 1);
	ck_assert_uint_eq(chip.last_msi.msi.addr_lo, 0xfee01000);
	ck_assert_uint_eq(chip.last_msi.msi.data, 0x55);
	m.flags = 2;
	ck_assert_int_eq(kvmx_irq_msi(vm, &m), -EINVAL);
	m.flags = 0;
	m.address_hi = 0xbad;
	ck_assert_int_eq(kvmx_irq_msi(vm, &m), -EINVAL);
	m.address_hi = 0;
	chip.no_msi = -EINVAL;
	ck_assert_int_eq(kvmx_irq_msi(vm, &m), -EINVAL);
	ck_assert_uint_eq(chip.msis, 1);
}
END_TEST

struct notifier {
	struct kvmx_irq_ack ack;
	unsigned int acked;
};

static void on_ack(struct kvmx_irq_ack *ack)
{
	ck_assert(rcu_read_lock_held());
	container_of(ack, struct notifier, ack)->acked++;
}

START_TEST(acknowledged)
{
	struct notifier a = { { .gsi = 4, .acked = on_ack } };
	struct notifier b = { { .gsi = 5, .acked = on_ack } };
	struct notifier odd = { { .gsi = ~0U, .acked = on_ack } };

	kvmx_irq_ack_register(vm, &a.ack);
	kvmx_irq_ack_register(vm, &b.ack);
	kvmx_irq_ack_register(vm, &odd.ack);
	ck_assert_uint_eq(chip.changes, 3);
	/* Which pins that means, the table says, now and after each change. */
	kvmx_irq_acked(vm, 2, 4);
	ck_assert_uint_eq(a.acked, 0);
	ck_assert_int_eq(SET(pin(4, 2, 4), pin(4, 0, 4), pin(5, 2, 4), msi(6, 0)), 0);
	ck_assert(kvmx_irq_has_ack(vm, 2, 4));
	ck_assert(kvmx_irq_has_ack(vm, 0, 4));
	ck_assert(!kvmx_irq_has_ack(vm, 1, 4));
	ck_assert(!kvmx_irq_has_ack(vm, 2, 5));
	kvmx_irq_acked(vm, 2, 4);
	ck_assert_uint_eq(a.acked, 1);
	ck_assert_uint_eq(b.acked, 1);
	kvmx_irq_acked(vm, 0, 4);
	ck_assert_uint_eq(a.acked, 2);
	ck_assert_uint_eq(b.acked, 1);
	kvmx_irq_ack_unregister(vm, &a.ack);
	kvmx_irq_acked(vm, 2, 4);
	ck_assert_uint_eq(a.acked, 2);
	ck_assert_uint_eq(b.acked, 2);
	kvmx_irq_ack_unregister(vm, &b.ack);
	kvmx_irq_ack_unregister(vm, &odd.ack);
	ck_assert(!kvmx_irq_has_ack(vm, 2, 4));
}
END_TEST

static void count_route(const struct kvmx_irq_route *route, void *arg)
{
	ck_assert(rcu_read_lock_held());
	((unsigned int *)arg)[route->kind]++;
}

START_TEST(every_route)
{
	unsigned int counts[2] = { 0, 0 };

	kvmx_irq_for_each_route(vm, count_route, counts);
	ck_assert_uint_eq(counts[0] + counts[1], 0);
	ck_assert_int_eq(SET(pin(4, 2, 4), pin(4, 0, 4), msi(6, 0)), 0);
	kvmx_irq_for_each_route(vm, count_route, counts);
	ck_assert_uint_eq(counts[KVMX_ROUTE_CHIP], 2);
	ck_assert_uint_eq(counts[KVMX_ROUTE_MSI], 1);
}
END_TEST

/* Random tables against a model: a refused one leaves the model as it is. */
START_TEST(random_tables)
{
	enum { GSIS = 12, ENTRIES = 8 };
	struct { int msi; int pin[3]; } model[GSIS], next[GSIS];
	struct kvmx_irq_routing_entry list[ENTRIES];
	unsigned long accepted = 0, refused = 0;
	int round, i, nr, gsi, c, result;
	bool ok;

	memset(model, -1, sizeof(model));
	for (round = 0; round < 40000; round++) {
		nr = unit_random_below(ENTRIES + 1);
		memset(next, -1, sizeof(next));
		ok = true;
		for (i = 0; i < nr; i++) {
			gsi = unit_random_below(GSIS);
			c = unit_random_below(3);
			if (unit_random_below(3)) {
				list[i] = pin(gsi, c, unit_random_below(c == 2 ? 24 : 8));
				ok &= next[gsi].msi < 0 && next[gsi].pin[c] < 0;
				next[gsi].pin[c] = list[i].u.irqchip.pin;
			} else {
				list[i] = msi(gsi, unit_random_below(256));
				ok &= next[gsi].msi < 0 && next[gsi].pin[0] < 0 &&
				      next[gsi].pin[1] < 0 && next[gsi].pin[2] < 0;
				next[gsi].msi = list[i].u.msi.data;
			}
		}
		result = kvmx_irq_routing_set(vm, list, nr, 0);
		ck_assert_int_eq(result, ok ? 0 : -EINVAL);
		if (ok)
			memcpy(model, next, sizeof(model));
		accepted += ok;
		refused += !ok;

		gsi = unit_random_below(GSIS);
		memset(chip.state, 0, sizeof(chip.state));
		chip.msis = 0;
		user_line(gsi, 1);
		ck_assert_uint_eq(chip.msis, model[gsi].msi >= 0);
		if (chip.msis)
			ck_assert_int_eq(chip.last_msi.msi.data, model[gsi].msi);
		for (c = 0; c < 3; c++)
			for (i = 0; i < KVMX_IRQCHIP_PINS; i++)
				ck_assert_uint_eq(chip.state[c][i], i == model[gsi].pin[c]);
	}
	ck_assert_uint_gt(accepted, 1000);
	ck_assert_uint_gt(refused, 1000);
	unit_figure("random routing tables", accepted + refused);
}
END_TEST

static TCase *routing(void)
{
	TCase *tc = UNIT_CASE("routing", no_table, pins_and_msis, order_does_not_matter,
			      replaced_as_a_whole, full_table, bad_entries_change_nothing,
			      same_gsi_twice, sources_add_up, signal_msi, acknowledged, every_route,
			      random_tables);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("irq_routing", routing())
