// SPDX-License-Identifier: GPL-2.0-only
/*
 * The routing table of a VM, from GSI to irqchip pins and MSIs, and the
 * acknowledge notifiers. The door installs tables; the door, irqfds and the
 * guest floor raise interrupts through it from any context, under RCU.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <kvmx/vm.h>

/* Immutable once published. */
struct kvmx_irq_table {
	u32 nr;
	/* The routes of @gsi are route[first[gsi]] up to, not including, route[first[gsi + 1]]. */
	u16 first[KVMX_MAX_IRQ_ROUTES + 1];
	struct kvmx_irq_route route[];
};

int kvmx_irqs_init(struct kvmx_vm *vm, const struct kvmx_irq_sink *sink)
{
	struct kvmx_irqs *irqs = &vm->irqs;

	mutex_init(&irqs->lock);
	spin_lock_init(&irqs->irqfd_lock);
	INIT_HLIST_HEAD(&irqs->acks);
	INIT_LIST_HEAD(&irqs->irqfds);
	INIT_LIST_HEAD(&irqs->resamplers);
	RCU_INIT_POINTER(irqs->table, NULL);
	irqs->sink = sink;
	return 0;
}

void kvmx_irqs_destroy(struct kvmx_vm *vm)
{
	kvfree(rcu_dereference_protected(vm->irqs.table, true));
	RCU_INIT_POINTER(vm->irqs.table, NULL);
	mutex_destroy(&vm->irqs.lock);
}

/* One entry of user space's table, in our terms. */
static int parse_entry(struct kvmx_vm *vm, const struct kvmx_irq_routing_entry *entry,
		       struct kvmx_irq_route *route)
{
	if (entry->gsi >= KVMX_MAX_IRQ_ROUTES)
		return -EINVAL;
	route->gsi = entry->gsi;
	switch (entry->type) {
	case KVMX_IRQ_ROUTING_IRQCHIP:
		if (entry->flags || entry->u.irqchip.irqchip >= KVMX_MAX_IRQCHIPS)
			return -EINVAL;
		route->kind = KVMX_ROUTE_CHIP;
		route->chip.chip = entry->u.irqchip.irqchip;
		route->chip.pin = entry->u.irqchip.pin;
		break;
	case KVMX_IRQ_ROUTING_MSI:
		if (entry->flags & ~KVMX_MSI_VALID_DEVID)
			return -EINVAL;
		route->kind = KVMX_ROUTE_MSI;
		route->msi.addr_lo = entry->u.msi.address_lo;
		route->msi.addr_hi = entry->u.msi.address_hi;
		route->msi.data = entry->u.msi.data;
		route->msi.devid = entry->u.msi.devid;
		route->msi.flags = entry->flags;
		break;
	default:
		return -EINVAL;
	}
	return vm->irqs.sink->check(vm, route) ? -EINVAL : 0;
}

/*
 * A GSI may drive one pin of each irqchip, or be one MSI: the same interrupt
 * reaches whichever chip the guest has set up, and never arrives twice.
 */
static bool routes_of_gsi_agree(const struct kvmx_irq_route *route, u32 nr)
{
	u32 chips = 0, i;

	if (nr == 1)
		return true;
	for (i = 0; i < nr; i++) {
		if (route[i].kind != KVMX_ROUTE_CHIP || (chips & BIT(route[i].chip.chip)))
			return false;
		chips |= BIT(route[i].chip.chip);
	}
	return true;
}

/* A table sorted by GSI, or ERR_PTR. */
static struct kvmx_irq_table *build_table(struct kvmx_vm *vm,
					  const struct kvmx_irq_routing_entry *entries, u32 nr)
{
	struct kvmx_irq_table *table;
	struct kvmx_irq_route route;
	u32 gsi, i;
	int err = -EINVAL;

	table = kvzalloc(struct_size(table, route, nr), GFP_KERNEL_ACCOUNT);
	if (!table)
		return ERR_PTR(-ENOMEM);
	table->nr = nr;

	/* Counting sort: count, turn counts into ends, fill each GSI's part from its end. */
	for (i = 0; i < nr; i++) {
		if (parse_entry(vm, &entries[i], &route))
			goto bad;
		table->first[route.gsi]++;
	}
	for (gsi = 1; gsi <= KVMX_MAX_IRQ_ROUTES; gsi++)
		table->first[gsi] += table->first[gsi - 1];
	for (i = nr; i--; ) {
		err = parse_entry(vm, &entries[i], &route);
		if (err)
			goto bad;
		table->route[--table->first[route.gsi]] = route;
	}

	err = -EINVAL;
	for (gsi = 0; gsi < KVMX_MAX_IRQ_ROUTES; gsi++)
		if (!routes_of_gsi_agree(&table->route[table->first[gsi]],
					 table->first[gsi + 1] - table->first[gsi]))
			goto bad;
	return table;
bad:
	kvfree(table);
	return ERR_PTR(err);
}

static void notify_changed(struct kvmx_vm *vm)
{
	if (vm->irqs.sink->changed)
		vm->irqs.sink->changed(vm);
}

int kvmx_irq_routing_set(struct kvmx_vm *vm, const struct kvmx_irq_routing_entry *entries,
			 u32 nr, u32 flags)
{
	struct kvmx_irqs *irqs = &vm->irqs;
	struct kvmx_irq_table *old, *table;

	if (flags || nr > KVMX_MAX_IRQ_ROUTES)
		return -EINVAL;

	mutex_lock(&irqs->lock);
	table = build_table(vm, entries, nr);
	if (IS_ERR(table)) {
		mutex_unlock(&irqs->lock);
		return PTR_ERR(table);
	}
	old = rcu_dereference_protected(irqs->table, lockdep_is_held(&irqs->lock));
	rcu_assign_pointer(irqs->table, table);
	/* After this, no interrupt takes a route that user space has just replaced. */
	synchronize_rcu_expedited();
	kvfree(old);
	mutex_unlock(&irqs->lock);
	notify_changed(vm);
	return 0;
}

/* The routes of @gsi and in @nr their number. Under RCU. */
static const struct kvmx_irq_route *gsi_routes(struct kvmx_vm *vm, u32 gsi, u32 *nr)
{
	const struct kvmx_irq_table *table = rcu_dereference(vm->irqs.table);

	*nr = 0;
	if (!table || gsi >= KVMX_MAX_IRQ_ROUTES)
		return NULL;
	gsi = array_index_nospec(gsi, KVMX_MAX_IRQ_ROUTES);
	*nr = table->first[gsi + 1] - table->first[gsi];
	return &table->route[table->first[gsi]];
}

int kvmx_irq_set(struct kvmx_vm *vm, int source, u32 gsi, int level)
{
	const struct kvmx_irq_route *route;
	int result = -1, got;
	u32 nr, i;

	rcu_read_lock();
	route = gsi_routes(vm, gsi, &nr);
	for (i = 0; i < nr; i++) {
		got = vm->irqs.sink->set(vm, &route[i], source, level);
		if (got >= 0)
			result = max(result, 0) + got;
	}
	rcu_read_unlock();
	return result;
}

int kvmx_irq_msi(struct kvmx_vm *vm, const struct kvmx_msi *msi)
{
	const struct kvmx_irq_sink *sink = vm->irqs.sink;
	struct kvmx_irq_route route = {
		.kind = KVMX_ROUTE_MSI,
		.msi = {
			.addr_lo = msi->address_lo,
			.addr_hi = msi->address_hi,
			.data = msi->data,
			.devid = msi->devid,
			.flags = msi->flags,
		},
	};
	int err;

	if (msi->flags & ~KVMX_MSI_VALID_DEVID)
		return -EINVAL;
	err = sink->allow ? sink->allow(vm, KVMX_IRQ_USE_MSI) : 0;
	if (err)
		return err;
	if (sink->check(vm, &route))
		return -EINVAL;
	return sink->set(vm, &route, KVMX_IRQ_SOURCE_USER, 1);
}

/* Whether @gsi is routed to @pin of @chip. Under RCU. */
static bool gsi_drives_pin(struct kvmx_vm *vm, u32 gsi, u32 chip, u32 pin)
{
	const struct kvmx_irq_route *route;
	u32 nr, i;

	route = gsi_routes(vm, gsi, &nr);
	for (i = 0; i < nr; i++)
		if (route[i].kind == KVMX_ROUTE_CHIP && route[i].chip.chip == chip &&
		    route[i].chip.pin == pin)
			return true;
	return false;
}

void kvmx_irq_acked(struct kvmx_vm *vm, u32 chip, u32 pin)
{
	struct kvmx_irq_ack *ack;

	rcu_read_lock();
	hlist_for_each_entry_rcu(ack, &vm->irqs.acks, link)
		if (gsi_drives_pin(vm, ack->gsi, chip, pin))
			ack->acked(ack);
	rcu_read_unlock();
}

bool kvmx_irq_has_ack(struct kvmx_vm *vm, u32 chip, u32 pin)
{
	struct kvmx_irq_ack *ack;
	bool found = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(ack, &vm->irqs.acks, link) {
		found = gsi_drives_pin(vm, ack->gsi, chip, pin);
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

void kvmx_irq_ack_register(struct kvmx_vm *vm, struct kvmx_irq_ack *ack)
{
	spin_lock_irq(&vm->irqs.irqfd_lock);
	hlist_add_head_rcu(&ack->link, &vm->irqs.acks);
	spin_unlock_irq(&vm->irqs.irqfd_lock);
	notify_changed(vm);
}

void kvmx_irq_ack_unregister(struct kvmx_vm *vm, struct kvmx_irq_ack *ack)
{
	spin_lock_irq(&vm->irqs.irqfd_lock);
	hlist_del_rcu(&ack->link);
	spin_unlock_irq(&vm->irqs.irqfd_lock);
	synchronize_rcu_expedited();
	notify_changed(vm);
}

void kvmx_irq_for_each_route(struct kvmx_vm *vm,
			     void (*fn)(const struct kvmx_irq_route *route, void *arg), void *arg)
{
	const struct kvmx_irq_table *table;
	u32 i;

	rcu_read_lock();
	table = rcu_dereference(vm->irqs.table);
	for (i = 0; table && i < table->nr; i++)
		fn(&table->route[i], arg);
	rcu_read_unlock();
}
