// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfds: a guest's write to a port or a physical address signals an
 * eventfd instead of leaving to user space. Bound and unbound by the door;
 * they are devices on the VM's buses.
 */
#include <linux/kernel.h>
#include <linux/eventfd.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kvmx/vm.h>
#include <kvmx/host.h>

struct ioeventfd {
	struct kvmx_io_device dev;
	struct list_head link;		/* in vm->ioeventfds */
	struct eventfd_ctx *eventfd;	/* [I] */
	enum kvmx_bus_id bus;		/* [I] */
	u64 addr;			/* [I] */
	u32 len;			/* [I] 0: a write of any length */
	bool any_data;			/* [I] */
	u64 data;			/* [I] the value that counts, unless any_data */
};

static bool wants(const struct ioeventfd *io, u64 addr, int len, const void *val)
{
	u64 data = 0;

	if (addr != io->addr || (io->len && io->len != len))
		return false;
	if (io->any_data)
		return true;
	switch (len) {
	case 1:
		data = *(const u8 *)val;
		break;
	case 2: {
		u16 word;

		memcpy(&word, val, sizeof(word));
		data = word;
		break;
	}
	case 4: {
		u32 word;

		memcpy(&word, val, sizeof(word));
		data = word;
		break;
	}
	case 8:
		memcpy(&data, val, sizeof(data));
		break;
	default:
		return false;
	}
	return data == io->data;
}

static int ioeventfd_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
			   const void *val)
{
	struct ioeventfd *io = container_of(dev, struct ioeventfd, dev);

	if (!wants(io, addr, len, val))
		return -EOPNOTSUPP;
	kvmx_host_eventfd_signal(io->eventfd);
	return 0;
}

static int ioeventfd_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
			  void *val)
{
	return -EOPNOTSUPP;
}

static const struct kvmx_io_ops ioeventfd_ops = {
	.read = ioeventfd_read,
	.write = ioeventfd_write,
};

/* Whether some write would signal both. */
static bool collide(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->bus == b->bus && a->addr == b->addr &&
	       (!a->len || !b->len || a->len == b->len) &&
	       (a->any_data || b->any_data || a->data == b->data);
}

static bool collides(struct kvmx_vm *vm, const struct ioeventfd *io)
{
	struct ioeventfd *other;

	list_for_each_entry(other, &vm->ioeventfds, link)
		if (collide(other, io))
			return true;
	return false;
}

static void ioeventfd_free(struct ioeventfd *io)
{
	eventfd_ctx_put(io->eventfd);
	kfree(io);
}

/* What the arguments describe, holding the eventfd. ERR_PTR on failure. */
static struct ioeventfd *ioeventfd_from(const struct kvmx_ioeventfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);
	struct ioeventfd *io;

	if (IS_ERR(eventfd))
		return ERR_CAST(eventfd);
	io = kzalloc(sizeof(*io), GFP_KERNEL_ACCOUNT);
	if (!io) {
		eventfd_ctx_put(eventfd);
		return ERR_PTR(-ENOMEM);
	}
	io->dev.ops = &ioeventfd_ops;
	io->eventfd = eventfd;
	io->bus = args->flags & KVMX_IOEVENTFD_FLAG_PIO ? KVMX_BUS_PIO : KVMX_BUS_MMIO;
	io->addr = args->addr;
	io->len = args->len;
	io->any_data = !(args->flags & KVMX_IOEVENTFD_FLAG_DATAMATCH);
	if (!io->any_data)
		io->data = args->datamatch;
	return io;
}

static int ioeventfd_bind(struct kvmx_vm *vm, const struct kvmx_ioeventfd *args)
{
	struct ioeventfd *io = ioeventfd_from(args);
	int err;

	if (IS_ERR(io))
		return PTR_ERR(io);
	mutex_lock(&vm->memory.slots_lock);
	err = collides(vm, io) ? -EEXIST : kvmx_bus_register(vm, io->bus, io->addr, io->len, &io->dev);
	if (!err)
		list_add_tail(&io->link, &vm->ioeventfds);
	mutex_unlock(&vm->memory.slots_lock);
	if (err)
		ioeventfd_free(io);
	return err;
}

static bool same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->eventfd == b->eventfd && a->bus == b->bus && a->addr == b->addr &&
	       a->len == b->len && a->any_data == b->any_data && a->data == b->data;
}

static int ioeventfd_unbind(struct kvmx_vm *vm, const struct kvmx_ioeventfd *args)
{
	struct ioeventfd *wanted = ioeventfd_from(args);
	struct ioeventfd *io;
	int err = -ENOENT;

	if (IS_ERR(wanted))
		return PTR_ERR(wanted);
	mutex_lock(&vm->memory.slots_lock);
	list_for_each_entry(io, &vm->ioeventfds, link) {
		if (!same(io, wanted))
			continue;
		list_del(&io->link);
		kvmx_bus_unregister(vm, io->bus, &io->dev);
		ioeventfd_free(io);
		err = 0;
		break;
	}
	mutex_unlock(&vm->memory.slots_lock);
	ioeventfd_free(wanted);
	return err;
}

int kvmx_ioeventfd(struct kvmx_vm *vm, const struct kvmx_ioeventfd *args)
{
	const u32 known = KVMX_IOEVENTFD_FLAG_DATAMATCH | KVMX_IOEVENTFD_FLAG_PIO |
			  KVMX_IOEVENTFD_FLAG_DEASSIGN;

	if (args->flags & ~known)
		return -EINVAL;
	if (args->len > 8 || (args->len & (args->len - 1)))
		return -EINVAL;
	if (args->len && args->len - 1 > U64_MAX - args->addr)
		return -EINVAL;
	/* Without a length there is no telling which bytes would have to match. */
	if (!args->len && (args->flags & KVMX_IOEVENTFD_FLAG_DATAMATCH))
		return -EINVAL;
	if (args->flags & KVMX_IOEVENTFD_FLAG_DEASSIGN)
		return ioeventfd_unbind(vm, args);
	return ioeventfd_bind(vm, args);
}

void kvmx_ioeventfd_release(struct kvmx_vm *vm)
{
	struct ioeventfd *io, *next;

	mutex_lock(&vm->memory.slots_lock);
	list_for_each_entry_safe(io, next, &vm->ioeventfds, link) {
		list_del(&io->link);
		kvmx_bus_unregister(vm, io->bus, &io->dev);
		ioeventfd_free(io);
	}
	mutex_unlock(&vm->memory.slots_lock);
}
