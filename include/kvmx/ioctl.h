/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctl table: one row for each ioctl, which says all that the dispatcher
 * (src/core/ioctl.c) checks and copies. Handlers get kernel memory and never
 * touch a user pointer. The rows are also the fuzzers' input grammar.
 */
#ifndef KVMX_IOCTL_H
#define KVMX_IOCTL_H

#include <kvmx/vm.h>

enum kvmx_scope { KVMX_SCOPE_SYSTEM, KVMX_SCOPE_VM, KVMX_SCOPE_VCPU, KVMX_SCOPE_DEVICE };

/* What one call of a handler gets. */
struct kvmx_call {
	struct kvmx_vm *vm;		/* VM and vCPU scope */
	struct kvmx_vcpu *vcpu;		/* vCPU scope; its mutex is held (unless NO_MUTEX) */
	void *object;			/* device scope: what the device file belongs to */
	unsigned long arg;		/* ioctls whose argument is a plain number (payload 0) */
	void *data;			/* payload, copied in; copied out when the row says so */
	void *items;			/* array behind the payload, or NULL */
	u32 nr_items;			/* elements of it that user space gave (or has room for) */
	void __user *user;		/* only for kvmx_call_put(), kvmx_call_get() */
};

enum {
	KVMX_IOC_NO_MUTEX	= BIT(0),	/* vCPU scope, without the vCPU mutex */
	KVMX_IOC_PLAIN_ARG	= BIT(1),	/* argument must be a number, not a pointer */
	KVMX_IOC_ZERO_ARG	= BIT(2),	/* argument must be 0, else -EINVAL */
	KVMX_IOC_VM_LOCK	= BIT(3),	/* call under vm->lock */
	/* Arrays: a u32 count at @count_at in the payload, elements right behind the payload. */
	KVMX_IOC_ITEMS_IN	= BIT(4),	/* count elements are copied in */
	KVMX_IOC_ITEMS_OUT	= BIT(5),	/* the handler's count elements are copied out */
	/* On success the payload is copied out even though _IOC_READ is not in the number. */
	KVMX_IOC_COPY_OUT	= BIT(6),
	/* A positive or -E2BIG result still copies the payload (the count) out. */
	KVMX_IOC_OUT_ALWAYS	= BIT(7),
	/* A NULL pointer is a valid argument: data is NULL then. */
	KVMX_IOC_NULL_OK	= BIT(8),
	/* The payload is input though the number says _IOC_READ only; it is not copied out. */
	KVMX_IOC_COPY_IN	= BIT(9),
	/* Whoever holds the file may call it: from another address space, of a dead VM. */
	KVMX_IOC_ANYBODY	= BIT(10),
};

struct kvmx_ioctl {
	u32 cmd;			/* the whole command, e.g. KVMX_SET_REGS */
	u8 scope;
	u16 flags;
	u16 count_at;			/* offset of the element count in the payload */
	u16 item_size;
	u32 max_items;			/* more in: -E2BIG; room for more out: cut to this */
	/* 0 or positive: result of the ioctl; negative: errno. Payload copied out when >= 0. */
	long (*handle)(struct kvmx_call *call);
	const char *name;
};

#define KVMX_ROW(_scope, _cmd, _flags, _fn) \
	{ .cmd = (_cmd), .scope = KVMX_SCOPE_##_scope, .flags = (_flags), .handle = (_fn), \
	  .name = #_cmd }
#define KVMX_ROW_ITEMS(_scope, _cmd, _flags, _fn, _payload, _count, _item, _max) \
	{ .cmd = (_cmd), .scope = KVMX_SCOPE_##_scope, .flags = (_flags), .handle = (_fn), \
	  .name = #_cmd, .count_at = offsetof(_payload, _count), .item_size = sizeof(_item), \
	  .max_items = (_max) }

/*
 * The dispatcher, for the door and for device files: finds the row of @cmd in
 * @scope (-ENOTTY), checks that the caller's address space is the VM's and the
 * VM is alive (-EIO, unless ANYBODY), copies, locks, calls. The caller fills vm,
 * vcpu, object.
 */
long kvmx_ioctl(enum kvmx_scope scope, struct kvmx_call *call, unsigned int cmd,
		unsigned long arg);

/* The few embedded user pointers: copies to or from @uaddr. 0 or -EFAULT. */
int kvmx_call_put(u64 uaddr, const void *data, size_t len);
int kvmx_call_get(u64 uaddr, void *data, size_t len);

#endif
