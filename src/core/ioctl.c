// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctl dispatcher: finds the row of a command and does all that the row
 * says, checks, copies and locks, so that handlers only see kernel memory.
 * Called by the file operations of the device, VMs, vCPUs and devices.
 */
#include <linux/kernel.h>
#include <linux/ioctl.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "door.h"

#define PAYLOAD_ON_STACK	256	/* bytes; more comes from the heap */

struct ioctl_entry {
	u64 key;
	const struct kvmx_ioctl *row;
};

/* [I] Every row, sorted by key. */
static struct ioctl_entry *ioctl_table;
static unsigned int ioctl_table_nr;

static u64 ioctl_key(u8 scope, u32 cmd)
{
	return (u64)scope << 32 | cmd;
}

static int compare_entries(const void *a, const void *b)
{
	const struct ioctl_entry *x = a, *y = b;

	if (x->key == y->key)
		return 0;
	return x->key < y->key ? -1 : 1;
}

static const struct kvmx_ioctl *find_row(u8 scope, u32 cmd)
{
	u64 key = ioctl_key(scope, cmd);
	unsigned int low = 0, high = ioctl_table_nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (ioctl_table[mid].key == key)
			return ioctl_table[mid].row;
		if (ioctl_table[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Whether the row makes sense; the rest of this file relies on it. */
static bool row_is_valid(const struct kvmx_ioctl *row)
{
	size_t size = _IOC_SIZE(row->cmd);

	if (!row->handle || row->scope > KVMX_SCOPE_DEVICE)
		return false;
	if ((row->flags & (KVMX_IOC_PLAIN_ARG | KVMX_IOC_ZERO_ARG)) && size)
		return false;
	if (row->flags & (KVMX_IOC_ITEMS_IN | KVMX_IOC_ITEMS_OUT))
		return row->item_size && row->max_items && row->count_at + sizeof(u32) <= size;
	return true;
}

int kvmx_ioctl_init(const struct kvmx_ioctl_set *sets, unsigned int nr)
{
	unsigned int total = 0, found = 0, earlier, set, i, j;
	struct ioctl_entry *table;

	for (set = 0; set < nr; set++)
		total += sets[set].nr;
	table = kvcalloc(total, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;

	for (set = 0; set < nr; set++) {
		earlier = found;
		for (i = 0; i < sets[set].nr; i++) {
			const struct kvmx_ioctl *row = &sets[set].rows[i];
			u64 key = ioctl_key(row->scope, row->cmd);

			for (j = 0; j < found && table[j].key != key; j++)
				;
			if (j < earlier)
				continue;
			if (j < found || !row_is_valid(row)) {
				pr_err("kvmx: bad row in the ioctl table: %s\n", row->name);
				kvfree(table);
				return -EINVAL;
			}
			table[found].key = key;
			table[found++].row = row;
		}
	}
	sort(table, found, sizeof(*table), compare_entries, NULL);
	ioctl_table = table;
	ioctl_table_nr = found;
	return 0;
}

void kvmx_ioctl_exit(void)
{
	kvfree(ioctl_table);
	ioctl_table = NULL;
	ioctl_table_nr = 0;
}

static u32 payload_count(const struct kvmx_ioctl *row, const struct kvmx_call *call)
{
	u32 count;

	memcpy(&count, call->data + row->count_at, sizeof(count));
	return count;
}

static size_t items_len(const struct kvmx_ioctl *row, u32 nr)
{
	return array_size(nr, row->item_size);
}

/* The array behind the payload: room for it, and what user space put there. */
static int take_items(const struct kvmx_ioctl *row, struct kvmx_call *call, size_t size)
{
	u32 nr = payload_count(row, call);

	if (nr > row->max_items) {
		if (row->flags & KVMX_IOC_ITEMS_IN)
			return -E2BIG;
		nr = row->max_items;
	}
	call->nr_items = nr;
	if (!nr)
		return 0;
	call->items = kvcalloc(nr, row->item_size, GFP_KERNEL_ACCOUNT);
	if (!call->items)
		return -ENOMEM;
	if ((row->flags & KVMX_IOC_ITEMS_IN) &&
	    copy_from_user(call->items, call->user + size, items_len(row, nr)))
		return -EFAULT;
	return 0;
}

/* Fills call->data and call->items from user space. */
static int copy_in(const struct kvmx_ioctl *row, struct kvmx_call *call, size_t size)
{
	bool has_items = row->flags & (KVMX_IOC_ITEMS_IN | KVMX_IOC_ITEMS_OUT);

	if ((_IOC_DIR(row->cmd) & _IOC_WRITE) || (row->flags & KVMX_IOC_COPY_IN) || has_items) {
		if (copy_from_user(call->data, call->user, size))
			return -EFAULT;
	} else {
		memset(call->data, 0, size);
	}
	return has_items ? take_items(row, call, size) : 0;
}

static int copy_out(const struct kvmx_ioctl *row, struct kvmx_call *call, size_t size, long result)
{
	bool out = (row->flags & KVMX_IOC_COPY_OUT) ||
		   ((_IOC_DIR(row->cmd) & _IOC_READ) && !(row->flags & KVMX_IOC_COPY_IN));
	u32 nr;

	if (result < 0 && !(result == -E2BIG && (row->flags & KVMX_IOC_OUT_ALWAYS)))
		return 0;
	if (out && copy_to_user(call->user, call->data, size))
		return -EFAULT;
	if (result < 0 || !(row->flags & KVMX_IOC_ITEMS_OUT))
		return 0;
	nr = min(payload_count(row, call), call->nr_items);
	if (nr && copy_to_user(call->user + size, call->items, items_len(row, nr)))
		return -EFAULT;
	return 0;
}

/* Locks in the order of kvmx/vm.h. A signal that kills ends the wait. */
static long call_locked(const struct kvmx_ioctl *row, struct kvmx_call *call)
{
	bool vcpu_lock = row->scope == KVMX_SCOPE_VCPU && !(row->flags & KVMX_IOC_NO_MUTEX);
	bool vm_lock = row->flags & KVMX_IOC_VM_LOCK;
	long result = -EINTR;

	if (vm_lock && mutex_lock_killable(&call->vm->lock))
		return -EINTR;
	if (vcpu_lock && mutex_lock_killable(&call->vcpu->mutex))
		goto unlock_vm;
	result = row->handle(call);
	if (vcpu_lock)
		mutex_unlock(&call->vcpu->mutex);
unlock_vm:
	if (vm_lock)
		mutex_unlock(&call->vm->lock);
	return result;
}

static long call_with_payload(const struct kvmx_ioctl *row, struct kvmx_call *call)
{
	u64 small[PAYLOAD_ON_STACK / sizeof(u64)];
	size_t size = _IOC_SIZE(row->cmd);
	long result;
	int err;

	call->data = small;
	if (size > sizeof(small)) {
		call->data = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!call->data)
			return -ENOMEM;
	}
	result = copy_in(row, call, size);
	if (!result) {
		result = call_locked(row, call);
		err = copy_out(row, call, size, result);
		if (err)
			result = err;
	}
	kvfree(call->items);
	if (call->data != small)
		kvfree(call->data);
	return result;
}

long kvmx_ioctl(enum kvmx_scope scope, struct kvmx_call *call, unsigned int cmd,
		unsigned long arg)
{
	const struct kvmx_ioctl *row;
	int err;

	row = find_row(scope, cmd);
	if (call->vm && !(row && (row->flags & KVMX_IOC_ANYBODY))) {
		err = kvmx_ioctl_check_vm(call->vm);
		if (err)
			return err;
	}
	if (!row)
		return -ENOTTY;
	if ((row->flags & KVMX_IOC_ZERO_ARG) && arg)
		return -EINVAL;

	call->arg = arg;
	call->data = NULL;
	call->items = NULL;
	call->nr_items = 0;
	call->user = NULL;
	if (!_IOC_SIZE(cmd))
		return call_locked(row, call);
	if (!arg && (row->flags & KVMX_IOC_NULL_OK))
		return call_locked(row, call);
	call->user = (void __user *)arg;
	return call_with_payload(row, call);
}

int kvmx_call_put(u64 uaddr, const void *data, size_t len)
{
	if (uaddr != (unsigned long)uaddr)
		return -EFAULT;
	return copy_to_user((void __user *)(unsigned long)uaddr, data, len) ? -EFAULT : 0;
}

int kvmx_call_get(u64 uaddr, void *data, size_t len)
{
	if (uaddr != (unsigned long)uaddr)
		return -EFAULT;
	return copy_from_user(data, (const void __user *)(unsigned long)uaddr, len) ? -EFAULT : 0;
}
