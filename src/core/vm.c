// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM objects: creation, their file and its ioctls, and their end. A VM lives
 * as long as one of its files does (its own, its vCPUs', statistics); the
 * services do the work that the rows here ask for.
 */
#include <linux/kernel.h>
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <kvmx/arch.h>

#include "door.h"

static DEFINE_MUTEX(vm_list_lock);
static LIST_HEAD(vm_list);		/* [vm_list_lock] */
static atomic64_t vms_made;		/* [a] */

void kvmx_vm_get(struct kvmx_vm *vm)
{
	refcount_inc(&vm->refs);
}

/* Every vCPU is out of guest code for good, and no file refers to the VM. */
static void vm_destroy(struct kvmx_vm *vm)
{
	struct mm_struct *mm = vm->mm;
	u32 i;

	mutex_lock(&vm_list_lock);
	list_del(&vm->link);
	mutex_unlock(&vm_list_lock);

	kvmx_irqfd_release(vm);
	kvmx_ioeventfd_release(vm);
	kvmx_arch_vm_quiesce(vm);
	kvmx_memory_detach(vm);
	for (i = 0; i < kvmx_vm_nr_vcpus(vm); i++)
		kvmx_vcpu_destroy(vm->vcpus[i]);
	kvmx_irqs_destroy(vm);
	kvmx_bus_destroy(vm);
	kvmx_coalesced_destroy(vm);
	kvmx_memory_destroy(vm);
	mutex_destroy(&vm->lock);
	kvmx_arch_vm_free(vm);
	mmdrop(mm);
	kvmx_unit_put();
}

void kvmx_vm_put(struct kvmx_vm *vm)
{
	if (refcount_dec_and_test(&vm->refs))
		vm_destroy(vm);
}

void kvmx_vm_kill(struct kvmx_vm *vm)
{
	u32 i;

	WRITE_ONCE(vm->dead, true);
	for (i = 0; i < kvmx_vm_nr_vcpus(vm); i++) {
		kvmx_vcpu_request(vm->vcpus[i], KVMX_REQ_VM_DEAD);
		kvmx_vcpu_kick(vm->vcpus[i]);
	}
}

void kvmx_vm_kill_all(void)
{
	struct kvmx_vm *vm;

	mutex_lock(&vm_list_lock);
	list_for_each_entry(vm, &vm_list, link)
		kvmx_vm_kill(vm);
	mutex_unlock(&vm_list_lock);
}

struct kvmx_vcpu *kvmx_vm_vcpu_by_id(struct kvmx_vm *vm, u32 id)
{
	u32 nr = kvmx_vm_nr_vcpus(vm), i;

	/* As a rule ids are given out in order. */
	if (id < nr) {
		i = array_index_nospec(id, KVMX_MAX_VCPUS);
		if (vm->vcpus[i]->id == id)
			return vm->vcpus[i];
	}
	for (i = 0; i < nr; i++)
		if (vm->vcpus[i]->id == id)
			return vm->vcpus[i];
	return NULL;
}

static long create_vcpu(struct kvmx_call *call)
{
	return kvmx_vcpu_create(call->vm, call->arg);
}

static long set_memory(struct kvmx_call *call)
{
	const struct kvmx_userspace_memory_region *old = call->data;
	struct kvmx_userspace_memory_region2 mem = {
		.slot = old->slot,
		.flags = old->flags,
		.guest_phys_addr = old->guest_phys_addr,
		.memory_size = old->memory_size,
		.userspace_addr = old->userspace_addr,
	};

	return kvmx_memslot_set(call->vm, &mem);
}

static long set_memory2(struct kvmx_call *call)
{
	return kvmx_memslot_set(call->vm, call->data);
}

static long get_dirty_log(struct kvmx_call *call)
{
	const struct kvmx_dirty_log *log = call->data;
	unsigned long *bitmap;
	size_t bytes;
	int err;

	err = kvmx_dirty_log_get(call->vm, log->slot, &bitmap, &bytes);
	if (err)
		return err;
	err = kvmx_call_put(log->padding2, bitmap, bytes);
	if (err)
		kvmx_dirty_log_put_back(call->vm, log->slot, bitmap, bytes);
	kvfree(bitmap);
	return err;
}

static long clear_dirty_log(struct kvmx_call *call)
{
	const struct kvmx_clear_dirty_log *log = call->data;
	size_t bytes = BITS_TO_LONGS(log->num_pages) * sizeof(long);
	unsigned long *bitmap;
	int err;

	/* The slot bounds what is allocated. */
	err = kvmx_dirty_log_clear(call->vm, log->slot, log->first_page, log->num_pages, NULL);
	if (err || !bytes)
		return err;
	bitmap = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!bitmap)
		return -ENOMEM;
	err = kvmx_call_get(log->padding2, bitmap, bytes);
	if (!err)
		err = kvmx_dirty_log_clear(call->vm, log->slot, log->first_page, log->num_pages,
					   bitmap);
	kvfree(bitmap);
	return err;
}

static long reset_dirty_rings(struct kvmx_call *call)
{
	return kvmx_dirty_rings_reset(call->vm);
}

static long irqfd(struct kvmx_call *call)
{
	return kvmx_irqfd(call->vm, call->data);
}

static long ioeventfd(struct kvmx_call *call)
{
	return kvmx_ioeventfd(call->vm, call->data);
}

static long register_coalesced(struct kvmx_call *call)
{
	return kvmx_coalesced_register(call->vm, call->data);
}

static long unregister_coalesced(struct kvmx_call *call)
{
	return kvmx_coalesced_unregister(call->vm, call->data);
}

static long set_gsi_routing(struct kvmx_call *call)
{
	const struct kvmx_irq_routing *routing = call->data;

	return kvmx_irq_routing_set(call->vm, call->items, call->nr_items, routing->flags);
}

static long signal_msi(struct kvmx_call *call)
{
	return kvmx_irq_msi(call->vm, call->data);
}

static long irq_line(struct kvmx_call *call)
{
	struct kvmx_irq_level *line = call->data;
	const struct kvmx_irq_sink *sink = call->vm->irqs.sink;
	int err;

	err = sink->allow ? sink->allow(call->vm, KVMX_IRQ_USE_LINE) : 0;
	if (err)
		return err;
	/* KVMX_IRQ_LINE_STATUS is told how it went: @status shares its place with @irq. */
	line->status = kvmx_irq_set(call->vm, KVMX_IRQ_SOURCE_USER, line->irq, !!line->level);
	return 0;
}

static long check_extension(struct kvmx_call *call)
{
	return kvmx_check_extension(call->vm, call->arg);
}

static long set_halt_poll(struct kvmx_vm *vm, u64 ns)
{
	if (ns != (u32)ns)
		return -EINVAL;
	WRITE_ONCE(vm->halt_poll_max_ns, ns);
	/* Pairs with the acquire in the polling vCPU: the value is there when this is seen. */
	smp_store_release(&vm->halt_poll_set, true);
	return 0;
}

static long enable_cap(struct kvmx_call *call)
{
	const struct kvmx_enable_cap *cap = call->data;
	struct kvmx_vm *vm = call->vm;

	switch (cap->cap) {
	case KVMX_CAP_HALT_POLL:
		return cap->flags ? -EINVAL : set_halt_poll(vm, cap->args[0]);
	case KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return cap->flags ? -EINVAL : kvmx_dirty_manual_set(vm, cap->args[0]);
	case KVMX_CAP_DIRTY_LOG_RING:
	case KVMX_CAP_DIRTY_LOG_RING_ACQ_REL:
		return cap->flags ? -EINVAL : kvmx_dirty_rings_enable(vm, cap->args[0]);
	default:
		return kvmx_arch_enable_cap(vm, NULL, cap);
	}
}

static long get_stats_fd(struct kvmx_call *call)
{
	return kvmx_stats_fd_vm(call->vm);
}

const struct kvmx_ioctl kvmx_vm_ioctls[] = {
	KVMX_ROW(VM, KVMX_CREATE_VCPU, KVMX_IOC_PLAIN_ARG | KVMX_IOC_VM_LOCK, create_vcpu),
	KVMX_ROW(VM, KVMX_SET_USER_MEMORY_REGION, 0, set_memory),
	KVMX_ROW(VM, KVMX_SET_USER_MEMORY_REGION2, 0, set_memory2),
	KVMX_ROW(VM, KVMX_GET_DIRTY_LOG, 0, get_dirty_log),
	KVMX_ROW(VM, KVMX_CLEAR_DIRTY_LOG, KVMX_IOC_COPY_IN, clear_dirty_log),
	KVMX_ROW(VM, KVMX_RESET_DIRTY_RINGS, KVMX_IOC_PLAIN_ARG, reset_dirty_rings),
	KVMX_ROW(VM, KVMX_IRQFD, 0, irqfd),
	KVMX_ROW(VM, KVMX_IOEVENTFD, 0, ioeventfd),
	KVMX_ROW(VM, KVMX_REGISTER_COALESCED_MMIO, 0, register_coalesced),
	KVMX_ROW(VM, KVMX_UNREGISTER_COALESCED_MMIO, 0, unregister_coalesced),
	KVMX_ROW_ITEMS(VM, KVMX_SET_GSI_ROUTING, KVMX_IOC_ITEMS_IN, set_gsi_routing,
		       struct kvmx_irq_routing, nr, struct kvmx_irq_routing_entry,
		       KVMX_MAX_IRQ_ROUTES),
	KVMX_ROW(VM, KVMX_SIGNAL_MSI, 0, signal_msi),
	KVMX_ROW(VM, KVMX_IRQ_LINE, 0, irq_line),
	KVMX_ROW(VM, KVMX_IRQ_LINE_STATUS, 0, irq_line),
	KVMX_ROW(VM, KVMX_CHECK_EXTENSION, KVMX_IOC_PLAIN_ARG, check_extension),
	KVMX_ROW(VM, KVMX_ENABLE_CAP, KVMX_IOC_VM_LOCK, enable_cap),
	KVMX_ROW(VM, KVMX_GET_STATS_FD, KVMX_IOC_PLAIN_ARG | KVMX_IOC_ANYBODY, get_stats_fd),
};
const unsigned int kvmx_vm_nr_ioctls = ARRAY_SIZE(kvmx_vm_ioctls);

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kvmx_call call = { .vm = file->private_data };

	return kvmx_ioctl(KVMX_SCOPE_VM, &call, cmd, arg);
}

#ifdef CONFIG_COMPAT
static long vm_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vm_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
}
#endif

/* vCPU files may outlive this one, but nothing can bind or unbind eventfds any more. */
static int vm_release(struct inode *inode, struct file *file)
{
	struct kvmx_vm *vm = file->private_data;

	kvmx_irqfd_release(vm);
	kvmx_ioeventfd_release(vm);
	kvmx_vm_put(vm);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = vm_compat_ioctl,
#endif
	.release = vm_release,
	.llseek = noop_llseek,
};

/* A VM with one reference, or ERR_PTR. The unit is taken. */
static struct kvmx_vm *vm_alloc(unsigned long type)
{
	struct kvmx_vm *vm;
	int err;

	vm = kvmx_arch_vm_alloc(type);
	if (IS_ERR(vm))
		return vm;
	refcount_set(&vm->refs, 1);
	snprintf(vm->name, sizeof(vm->name), "kvmx-%d-%lld", task_tgid_vnr(current),
		 (long long)atomic64_inc_return(&vms_made));
	vm->mm = current->mm;
	mmgrab(vm->mm);
	mutex_init(&vm->lock);
	INIT_LIST_HEAD(&vm->ioeventfds);
	atomic_set(&vm->nr_vcpus, 0);
	vm->max_vcpu_id = KVMX_MAX_VCPU_ID;

	err = kvmx_bus_init(vm);
	if (err)
		goto free;
	err = kvmx_coalesced_init(vm);
	if (err)
		goto bus;
	err = kvmx_arch_vm_init(vm);
	if (err)
		goto coalesced;
	mutex_lock(&vm_list_lock);
	list_add(&vm->link, &vm_list);
	mutex_unlock(&vm_list_lock);
	/* Either kvmx_vm_kill_all() has found it on the list, or it is seen here. */
	if (kvmx_unit_is_down())
		kvmx_vm_kill(vm);
	return vm;
coalesced:
	kvmx_coalesced_destroy(vm);
bus:
	kvmx_bus_destroy(vm);
free:
	mutex_destroy(&vm->lock);
	kvmx_arch_vm_free(vm);
	mmdrop(current->mm);
	return ERR_PTR(err);
}

int kvmx_vm_create(unsigned long type)
{
	struct kvmx_vm *vm;
	int fd, err;

	err = kvmx_unit_get();
	if (err)
		return err;
	vm = vm_alloc(type);
	if (IS_ERR(vm)) {
		kvmx_unit_put();
		return PTR_ERR(vm);
	}
	fd = anon_inode_getfd("kvmx-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		kvmx_vm_put(vm);
	return fd;
}
