// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds: an eventfd that raises a GSI when it is signalled, with a second
 * eventfd (resample) for level-triggered lines. Bound and unbound by the door;
 * signalled from any context through the eventfd's wait queue.
 */
#include <linux/kernel.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <kvmx/vm.h>
#include <kvmx/host.h>

/*
 * The level-triggered line of one GSI and the irqfds that share it: any of
 * them raises it; the guest's EOI lowers it and signals all their resample
 * eventfds, so that each device whose interrupt is still due raises it again.
 */
struct resampler {
	struct kvmx_vm *vm;
	struct kvmx_irq_ack ack;
	struct list_head irqfds;	/* [r] changed under irqs.lock */
	struct list_head link;		/* [irqs.lock] in irqs.resamplers */
};

/*
 * Whoever takes an irqfd off irqs.irqfds owns it and queues its shutdown: the
 * unbinding ioctl, the VM's release or the eventfd's last close (EPOLLHUP),
 * which arrives under the wait queue's lock and so cannot free by itself.
 */
struct irqfd {
	struct kvmx_vm *vm;		/* [I] */
	u32 gsi;			/* [I] */
	struct eventfd_ctx *eventfd;	/* [I] */
	struct eventfd_ctx *resample;	/* [I] or NULL */
	struct resampler *resampler;	/* [I] or NULL */
	struct list_head resampler_link;
	struct list_head link;		/* [irqs.irqfd_lock] */
	wait_queue_entry_t wait;
	struct work_struct shutdown;
};

static struct workqueue_struct *irqfd_workqueue;

static void trigger(struct irqfd *irqfd)
{
	if (irqfd->resampler) {
		kvmx_irq_set(irqfd->vm, KVMX_IRQ_SOURCE_RESAMPLE, irqfd->gsi, 1);
	} else {
		kvmx_irq_set(irqfd->vm, KVMX_IRQ_SOURCE_USER, irqfd->gsi, 1);
		kvmx_irq_set(irqfd->vm, KVMX_IRQ_SOURCE_USER, irqfd->gsi, 0);
	}
}

static void resampler_acked(struct kvmx_irq_ack *ack)
{
	struct resampler *resampler = container_of(ack, struct resampler, ack);
	struct irqfd *irqfd;

	kvmx_irq_set(resampler->vm, KVMX_IRQ_SOURCE_RESAMPLE, ack->gsi, 0);
	list_for_each_entry_rcu(irqfd, &resampler->irqfds, resampler_link)
		kvmx_host_eventfd_signal(irqfd->resample);
}

/* Finds or makes the resampler of the irqfd's GSI and joins it. Under irqs.lock. */
static int resampler_join(struct irqfd *irqfd)
{
	struct kvmx_irqs *irqs = &irqfd->vm->irqs;
	struct resampler *resampler;

	list_for_each_entry(resampler, &irqs->resamplers, link)
		if (resampler->ack.gsi == irqfd->gsi)
			goto join;

	resampler = kzalloc(sizeof(*resampler), GFP_KERNEL_ACCOUNT);
	if (!resampler)
		return -ENOMEM;
	resampler->vm = irqfd->vm;
	resampler->ack.gsi = irqfd->gsi;
	resampler->ack.acked = resampler_acked;
	INIT_LIST_HEAD(&resampler->irqfds);
	list_add(&resampler->link, &irqs->resamplers);
	kvmx_irq_ack_register(irqfd->vm, &resampler->ack);
join:
	list_add_rcu(&irqfd->resampler_link, &resampler->irqfds);
	irqfd->resampler = resampler;
	return 0;
}

/* Under irqs.lock. */
static void resampler_leave(struct irqfd *irqfd)
{
	struct resampler *resampler = irqfd->resampler;
	struct kvmx_vm *vm = irqfd->vm;

	list_del_rcu(&irqfd->resampler_link);
	if (list_empty(&resampler->irqfds)) {
		list_del(&resampler->link);
		kvmx_irq_ack_unregister(vm, &resampler->ack);	/* a grace period passes in it */
		kvmx_irq_set(vm, KVMX_IRQ_SOURCE_RESAMPLE, irqfd->gsi, 0);
		kfree(resampler);
	} else {
		synchronize_rcu_expedited();
	}
}

static void irqfd_shutdown(struct work_struct *work)
{
	struct irqfd *irqfd = container_of(work, struct irqfd, shutdown);
	u64 count;

	/* Takes the wait queue's lock: no wake-up runs after it. */
	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	if (irqfd->resampler) {
		mutex_lock(&irqfd->vm->irqs.lock);
		resampler_leave(irqfd);
		mutex_unlock(&irqfd->vm->irqs.lock);
		eventfd_ctx_put(irqfd->resample);
	}
	eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

/* Takes the irqfd off its VM. Under irqfd_lock, once. */
static void deactivate(struct irqfd *irqfd)
{
	list_del_init(&irqfd->link);
	queue_work(irqfd_workqueue, &irqfd->shutdown);
}

/* Called with the eventfd's wait queue locked, interrupts off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	struct kvmx_irqs *irqs = &irqfd->vm->irqs;
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	int consumed = 0;

	if (events & EPOLLIN) {
		kvmx_host_eventfd_drain(irqfd->eventfd);
		trigger(irqfd);
		consumed = 1;
	}
	if (events & EPOLLHUP) {
		spin_lock_irqsave(&irqs->irqfd_lock, flags);
		if (!list_empty(&irqfd->link))
			deactivate(irqfd);
		spin_unlock_irqrestore(&irqs->irqfd_lock, flags);
	}
	return consumed;
}

struct irqfd_poll {
	poll_table table;
	struct irqfd *irqfd;
	bool queued;
};

static void irqfd_queue(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct irqfd_poll *poll = container_of(table, struct irqfd_poll, table);

	poll->queued = kvmx_host_wait_first(head, &poll->irqfd->wait);
}

/*
 * Makes the irqfd live. @file is held, so that the eventfd cannot be closed,
 * and EPOLLHUP cannot come, before the irqfd is on the list. An eventfd raises one
 * line of one VM: it has one value to be consumed. Under irqs.lock.
 */
static int activate(struct irqfd *irqfd, struct file *file)
{
	struct kvmx_irqs *irqs = &irqfd->vm->irqs;
	struct irqfd_poll poll = { .irqfd = irqfd };
	__poll_t events;
	int err;

	if (irqfd->resample) {
		err = resampler_join(irqfd);
		if (err)
			return err;
	}
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&poll.table, irqfd_queue);
	events = vfs_poll(file, &poll.table);
	if (!poll.queued) {
		if (irqfd->resampler)
			resampler_leave(irqfd);
		return -EBUSY;
	}
	if (events & EPOLLIN)
		trigger(irqfd);		/* it was signalled before it was bound */

	spin_lock_irq(&irqs->irqfd_lock);
	list_add_tail(&irqfd->link, &irqs->irqfds);
	spin_unlock_irq(&irqs->irqfd_lock);
	return 0;
}

static int irqfd_bind(struct kvmx_vm *vm, const struct kvmx_irqfd *args)
{
	struct irqfd *irqfd;
	struct file *file;
	int err;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->vm = vm;
	irqfd->gsi = args->gsi;
	INIT_LIST_HEAD(&irqfd->link);
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown);

	file = eventfd_fget(args->fd);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto free;
	}
	irqfd->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->eventfd)) {
		err = PTR_ERR(irqfd->eventfd);
		goto put_file;
	}
	if (args->flags & KVMX_IRQFD_FLAG_RESAMPLE) {
		irqfd->resample = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(irqfd->resample)) {
			err = PTR_ERR(irqfd->resample);
			goto put_eventfd;
		}
	}

	mutex_lock(&vm->irqs.lock);
	err = activate(irqfd, file);
	mutex_unlock(&vm->irqs.lock);
	if (!err) {
		fput(file);
		return 0;
	}
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
put_eventfd:
	eventfd_ctx_put(irqfd->eventfd);
put_file:
	fput(file);
free:
	kfree(irqfd);
	return err;
}

static int irqfd_unbind(struct kvmx_vm *vm, const struct kvmx_irqfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);
	struct irqfd *irqfd, *next;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	spin_lock_irq(&vm->irqs.irqfd_lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqs.irqfds, link)
		if (irqfd->eventfd == eventfd && irqfd->gsi == args->gsi)
			deactivate(irqfd);
	spin_unlock_irq(&vm->irqs.irqfd_lock);
	eventfd_ctx_put(eventfd);
	/* Once the ioctl returns, the eventfd raises nothing any more. */
	flush_workqueue(irqfd_workqueue);
	return 0;
}

int kvmx_irqfd(struct kvmx_vm *vm, const struct kvmx_irqfd *args)
{
	const struct kvmx_irq_sink *sink = vm->irqs.sink;
	bool resample = args->flags & KVMX_IRQFD_FLAG_RESAMPLE;
	int err;

	if (args->flags & ~(KVMX_IRQFD_FLAG_DEASSIGN | KVMX_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->gsi >= KVMX_MAX_IRQ_ROUTES)
		return -EINVAL;
	if (args->flags & KVMX_IRQFD_FLAG_DEASSIGN)
		return irqfd_unbind(vm, args);
	if (sink->allow) {
		err = sink->allow(vm, resample ? KVMX_IRQ_USE_RESAMPLE : KVMX_IRQ_USE_IRQFD);
		if (err)
			return err;
	}
	return irqfd_bind(vm, args);
}

void kvmx_irqfd_release(struct kvmx_vm *vm)
{
	struct irqfd *irqfd, *next;

	spin_lock_irq(&vm->irqs.irqfd_lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqs.irqfds, link)
		deactivate(irqfd);
	spin_unlock_irq(&vm->irqs.irqfd_lock);
	/* Also waits for those that an EPOLLHUP has taken off before. */
	flush_workqueue(irqfd_workqueue);
}

int kvmx_eventfd_init(void)
{
	irqfd_workqueue = alloc_workqueue("kvmx-irqfd", WQ_UNBOUND, 0);
	return irqfd_workqueue ? 0 : -ENOMEM;
}

void kvmx_eventfd_exit(void)
{
	destroy_workqueue(irqfd_workqueue);
}
