// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctl dispatcher over a table of its own: every wrong scope, size,
 * pointer and count has its errno, reaches no handler and changes nothing.
 */
/* links: src/core/ioctl.c */
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core/door.h"
#include "unit.h"

struct small { u32 a, b; u64 c; };
struct large { u8 bytes[4096]; };
struct counted { u32 nr, pad; };
struct item { u64 x, y; };

#define T_PLAIN		_IO(0xae, 0x01)
#define T_ZERO		_IO(0xae, 0x02)
#define T_IN		_IOW(0xae, 0x10, struct small)
#define T_OUT		_IOR(0xae, 0x10, struct small)	/* the same number, another direction */
#define T_IN_LARGE	_IOW(0xae, 0x10, struct large)	/* and another size */
#define T_INOUT		_IOWR(0xae, 0x11, struct small)
#define T_OUT_LARGE	_IOR(0xae, 0x12, struct large)
#define T_ITEMS_IN	_IOW(0xae, 0x13, struct counted)
#define T_ITEMS_OUT	_IOWR(0xae, 0x14, struct counted)
#define T_ITEMS_BOTH	_IOWR(0xae, 0x15, struct counted)
#define T_COPY_OUT	_IOW(0xae, 0x16, struct small)
#define T_COPY_IN	_IOR(0xae, 0x17, struct small)
#define T_NULL_OK	_IOW(0xae, 0x18, struct small)
#define T_LOCKED	_IOW(0xae, 0x19, struct small)
#define T_NO_MUTEX	_IO(0xae, 0x1a)
#define T_ITEMS_SILENT	_IOWR(0xae, 0x1b, struct counted)
#define T_TWICE		_IO(0xae, 0x1c)
#define T_ANYBODY	_IO(0xae, 0x1d)
#define MAX_ITEMS	100

/* What the last handler saw and what it is to do. */
static struct {
	unsigned int calls;
	struct kvmx_call call;
	u8 data[4096];
	struct item items[MAX_ITEMS];
	bool has_data, has_items, vm_locked, vcpu_locked;
	long result;
	void (*act)(struct kvmx_call *call);
} seen;

static struct kvmx_vm *vm;
static struct kvmx_vcpu vcpu;
static size_t payload_of_test;

static long handle(struct kvmx_call *call)
{
	seen.calls++;
	seen.call = *call;
	seen.has_data = call->data;
	seen.has_items = call->items;
	if (call->data)
		memcpy(seen.data, call->data, payload_of_test);
	if (call->items)
		memcpy(seen.items, call->items, call->nr_items * sizeof(struct item));
	seen.vm_locked = call->vm && lockdep_is_held(&call->vm->lock);
	seen.vcpu_locked = call->vcpu && lockdep_is_held(&call->vcpu->mutex);
	if (seen.act)
		seen.act(call);
	return seen.result;
}

static long handle_other(struct kvmx_call *call)
{
	return 77;
}

#define ITEMS_ROW(cmd, flags) \
	KVMX_ROW_ITEMS(VM, cmd, flags, handle, struct counted, nr, struct item, MAX_ITEMS)

static const struct kvmx_ioctl arch_rows[] = {
	KVMX_ROW(VM, T_TWICE, KVMX_IOC_PLAIN_ARG, handle_other),
};

static const struct kvmx_ioctl rows[] = {
	KVMX_ROW(SYSTEM, T_PLAIN, KVMX_IOC_PLAIN_ARG, handle),
	KVMX_ROW(SYSTEM, T_ZERO, KVMX_IOC_ZERO_ARG, handle),
	KVMX_ROW(VM, T_PLAIN, KVMX_IOC_PLAIN_ARG, handle_other),
	KVMX_ROW(VM, T_IN, 0, handle),
	KVMX_ROW(VM, T_OUT, 0, handle),
	KVMX_ROW(VM, T_IN_LARGE, 0, handle),
	KVMX_ROW(VM, T_INOUT, 0, handle),
	KVMX_ROW(VM, T_OUT_LARGE, 0, handle),
	ITEMS_ROW(T_ITEMS_IN, KVMX_IOC_ITEMS_IN),
	ITEMS_ROW(T_ITEMS_OUT, KVMX_IOC_ITEMS_OUT | KVMX_IOC_OUT_ALWAYS),
	ITEMS_ROW(T_ITEMS_SILENT, KVMX_IOC_ITEMS_OUT),
	ITEMS_ROW(T_ITEMS_BOTH, KVMX_IOC_ITEMS_IN | KVMX_IOC_ITEMS_OUT),
	KVMX_ROW(VM, T_COPY_OUT, KVMX_IOC_COPY_OUT, handle),
	KVMX_ROW(VM, T_COPY_IN, KVMX_IOC_COPY_IN, handle),
	KVMX_ROW(VM, T_NULL_OK, KVMX_IOC_NULL_OK, handle),
	KVMX_ROW(VM, T_LOCKED, KVMX_IOC_VM_LOCK, handle),
	KVMX_ROW(VM, T_TWICE, KVMX_IOC_PLAIN_ARG, handle),
	KVMX_ROW(VM, T_ANYBODY, KVMX_IOC_PLAIN_ARG | KVMX_IOC_ANYBODY, handle),
	KVMX_ROW(VCPU, T_IN, 0, handle),
	KVMX_ROW(VCPU, T_LOCKED, KVMX_IOC_VM_LOCK, handle),
	KVMX_ROW(VCPU, T_NO_MUTEX, KVMX_IOC_PLAIN_ARG | KVMX_IOC_NO_MUTEX, handle),
};

static const struct kvmx_ioctl_set sets[] = {
	{ arch_rows, ARRAY_SIZE(arch_rows) },
	{ rows, ARRAY_SIZE(rows) },
};

/* User memory: the tests write and compare all of it. */
#define USER_SIZE	8192
static u8 *user, before[USER_SIZE];

static void fill_user(void)
{
	size_t i;

	for (i = 0; i < USER_SIZE; i++)
		user[i] = before[i] = unit_random();
}

static bool user_unchanged(void)
{
	return !memcmp(user, before, USER_SIZE);
}

static void setup(void)
{
	memset(&seen, 0, sizeof(seen));
	vm = calloc(1, sizeof(*vm));
	vm->mm = shim_mm();
	mutex_init(&vm->lock);
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.vm = vm;
	mutex_init(&vcpu.mutex);
	user = malloc(USER_SIZE);
	shim_user_register(user, USER_SIZE);
	fill_user();
	ck_assert_int_eq(kvmx_ioctl_init(sets, ARRAY_SIZE(sets)), 0);
}

static void teardown(void)
{
	kvmx_ioctl_exit();
	ck_assert_uint_eq(shim_alloc_live(), 0);
	shim_user_unregister(user);
	free(user);
	free(vm);
}

static long call(enum kvmx_scope scope, unsigned int cmd, void *arg)
{
	struct kvmx_call c = { };

	if (scope == KVMX_SCOPE_VM || scope == KVMX_SCOPE_VCPU)
		c.vm = vm;
	if (scope == KVMX_SCOPE_VCPU)
		c.vcpu = &vcpu;
	payload_of_test = _IOC_SIZE(cmd);
	return kvmx_ioctl(scope, &c, cmd, (unsigned long)arg);
}

static long call_vm(unsigned int cmd, void *arg)
{
	return call(KVMX_SCOPE_VM, cmd, arg);
}

START_TEST(unknown_and_wrong_scope)
{
	static const unsigned int cmds[] = {
		_IO(0xae, 0x55), _IOW(0xae, 0x10, u8), _IOWR(0xae, 0x10, struct small),
		_IOW(0xaf, 0x10, struct small), 0, ~0U,
	};
	int scope, i;

	for (scope = 0; scope <= KVMX_SCOPE_DEVICE; scope++)
		for (i = 0; i < ARRAY_SIZE(cmds); i++)
			ck_assert_int_eq(call(scope, cmds[i], user), -ENOTTY);
	ck_assert_int_eq(call(KVMX_SCOPE_SYSTEM, T_IN, user), -ENOTTY);
	ck_assert_int_eq(call(KVMX_SCOPE_DEVICE, T_IN, user), -ENOTTY);
	ck_assert_int_eq(call(KVMX_SCOPE_VCPU, T_OUT, user), -ENOTTY);
	ck_assert_int_eq(call(KVMX_SCOPE_VM, T_ZERO, NULL), -ENOTTY);
	ck_assert_uint_eq(seen.calls, 0);
	ck_assert(user_unchanged());
}
END_TEST

START_TEST(every_row_is_found)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_int_ne(call(rows[i].scope, rows[i].cmd, NULL), -ENOTTY);
	/* The same number and scope, told apart by the rest of the command. */
	seen.result = 5;
	ck_assert_int_eq(call_vm(T_IN, user), 5);
	ck_assert_int_eq(call_vm(T_OUT, user), 5);
	ck_assert_int_eq(call_vm(T_IN_LARGE, user), 5);
	ck_assert_int_eq(call_vm(T_PLAIN, NULL), 77);
}
END_TEST

START_TEST(earlier_set_wins)
{
	ck_assert_int_eq(call_vm(T_TWICE, NULL), 77);
	ck_assert_uint_eq(seen.calls, 0);
}
END_TEST

START_TEST(bad_tables_are_refused)
{
	static const struct kvmx_ioctl bad[] = {
		KVMX_ROW(VM, T_PLAIN, 0, NULL),
		KVMX_ROW(VM, T_IN, KVMX_IOC_PLAIN_ARG, handle),
		KVMX_ROW(VM, T_IN, KVMX_IOC_ZERO_ARG, handle),
		KVMX_ROW(VM, T_ITEMS_IN, KVMX_IOC_ITEMS_IN, handle),	/* no item size */
		{ .cmd = T_ITEMS_IN, .scope = KVMX_SCOPE_VM, .flags = KVMX_IOC_ITEMS_IN,
		  .item_size = 8, .max_items = 8, .count_at = 5, .handle = handle, .name = "" },
		{ .cmd = T_PLAIN, .scope = 9, .handle = handle, .name = "" },
	};
	static const struct kvmx_ioctl twice[] = {
		KVMX_ROW(VM, T_PLAIN, 0, handle), KVMX_ROW(VM, T_PLAIN, 0, handle_other),
	};
	struct kvmx_ioctl_set set = { .nr = 1 };
	int i;

	kvmx_ioctl_exit();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		set.rows = &bad[i];
		ck_assert_int_eq(kvmx_ioctl_init(&set, 1), -EINVAL);
	}
	set.rows = twice;
	set.nr = 2;
	ck_assert_int_eq(kvmx_ioctl_init(&set, 1), -EINVAL);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(kvmx_ioctl_init(sets, ARRAY_SIZE(sets)), -ENOMEM);
	shim_fail_alloc_after(-1);
	ck_assert_uint_eq(shim_alloc_live(), 0);
	/* Without a table every command is unknown. */
	ck_assert_int_eq(call_vm(T_IN, user), -ENOTTY);
}
END_TEST

START_TEST(other_address_space_and_dead_vm)
{
	static struct mm_struct other;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].scope == KVMX_SCOPE_SYSTEM || (rows[i].flags & KVMX_IOC_ANYBODY))
			continue;
		vm->mm = &other;
		ck_assert_int_eq(call(rows[i].scope, rows[i].cmd, user), -EIO);
		vm->mm = shim_mm();
		vm->dead = true;
		ck_assert_int_eq(call(rows[i].scope, rows[i].cmd, user), -EIO);
		vm->dead = false;
	}
	ck_assert_uint_eq(seen.calls, 0);
	ck_assert(user_unchanged());
	/* Also of an ioctl that is not there; but not of one that is anybody's. */
	vm->mm = &other;
	vm->dead = true;
	ck_assert_int_eq(call_vm(T_ANYBODY, NULL), 0);
	ck_assert_uint_eq(seen.calls, 1);
	vm->dead = false;
	ck_assert_int_eq(call_vm(T_NO_MUTEX, user), -EIO);
	vm->mm = shim_mm();
	ck_assert_int_eq(call_vm(T_NO_MUTEX, user), -ENOTTY);
}
END_TEST

START_TEST(arguments_that_are_numbers)
{
	seen.result = 12;
	ck_assert_int_eq(call(KVMX_SCOPE_SYSTEM, T_PLAIN, (void *)0x1234567890UL), 12);
	ck_assert_uint_eq(seen.call.arg, 0x1234567890UL);
	ck_assert(!seen.has_data && !seen.call.user);
	ck_assert_int_eq(call(KVMX_SCOPE_SYSTEM, T_ZERO, NULL), 12);
	ck_assert_uint_eq(seen.calls, 2);
	ck_assert_int_eq(call(KVMX_SCOPE_SYSTEM, T_ZERO, user), -EINVAL);
	ck_assert_int_eq(call(KVMX_SCOPE_SYSTEM, T_ZERO, (void *)1), -EINVAL);
	ck_assert_uint_eq(seen.calls, 2);
}
END_TEST

static void write_payload(struct kvmx_call *call)
{
	memset(call->data, 0xa5, payload_of_test);
}

/* Whether exactly the @n bytes at @at hold @byte and the rest is as it was. */
static bool only_changed(size_t at, size_t n, u8 byte)
{
	size_t i;

	for (i = 0; i < USER_SIZE; i++)
		if (user[i] != (i >= at && i < at + n ? byte : before[i]))
			return false;
	return true;
}

START_TEST(payload_in_and_out)
{
	static const struct { unsigned int cmd; bool in, out; } t[] = {
		{ T_IN, true, false }, { T_OUT, false, true }, { T_INOUT, true, true },
		{ T_IN_LARGE, true, false }, { T_OUT_LARGE, false, true },
		{ T_COPY_OUT, true, true }, { T_COPY_IN, true, false }, { T_NULL_OK, true, false },
	};
	static const u8 zero[4096];
	size_t size;
	int i;

	seen.act = write_payload;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		size = _IOC_SIZE(t[i].cmd);
		fill_user();
		seen.result = 3;
		ck_assert_int_eq(call_vm(t[i].cmd, user + 100), 3);
		ck_assert(!memcmp(seen.data, t[i].in ? before + 100 : zero, size));
		ck_assert(only_changed(100, t[i].out ? size : 0, 0xa5));
		/* A failed handler's payload stays in the kernel. */
		fill_user();
		seen.result = -EDOM;
		ck_assert_int_eq(call_vm(t[i].cmd, user + 100), -EDOM);
		ck_assert(user_unchanged());
	}
	seen.result = -E2BIG;
	ck_assert_int_eq(call_vm(T_INOUT, user), -E2BIG);
	ck_assert(user_unchanged());
}
END_TEST

START_TEST(null_where_it_is_an_argument)
{
	ck_assert_int_eq(call_vm(T_NULL_OK, NULL), 0);
	ck_assert(!seen.has_data);
	ck_assert_uint_eq(seen.calls, 1);
	ck_assert_int_eq(call_vm(T_IN, NULL), -EFAULT);
	ck_assert_int_eq(call_vm(T_NULL_OK, (void *)8), -EFAULT);
	ck_assert_uint_eq(seen.calls, 1);
}
END_TEST

START_TEST(bad_pointers)
{
	static const unsigned int in[] = { T_IN, T_INOUT, T_IN_LARGE, T_COPY_OUT, T_COPY_IN,
					   T_ITEMS_IN, T_ITEMS_OUT, T_ITEMS_BOTH };
	static const unsigned int out[] = { T_OUT, T_OUT_LARGE };
	u8 *bad[] = { NULL, (u8 *)8, user + USER_SIZE, user + USER_SIZE - 4, user - 4,
		      (u8 *)-1L, (u8 *)0xffff800000000000UL };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(in); i++)
		for (j = 0; j < ARRAY_SIZE(bad); j++)
			ck_assert_int_eq(call_vm(in[i], bad[j]), -EFAULT);
	ck_assert_uint_eq(seen.calls, 0);
	for (i = 0; i < ARRAY_SIZE(out); i++)
		for (j = 0; j < ARRAY_SIZE(bad); j++)
			ck_assert_int_eq(call_vm(out[i], bad[j]), -EFAULT);
	/* Nowhere to write to what could be read. */
	fill_user();
	shim_user_unregister(user);
	shim_user_register_ro(user, USER_SIZE);
	ck_assert_int_eq(call_vm(T_INOUT, user), -EFAULT);
	ck_assert_int_eq(call_vm(T_IN, user), 0);
	ck_assert_int_eq(call_vm(T_COPY_IN, user), 0);
	ck_assert(user_unchanged());
}
END_TEST

static u32 claim;

static void give_items(struct kvmx_call *call)
{
	struct counted *head = call->data;

	if (!head)
		return;
	head->nr = claim;
	head->pad = 0x5a5a5a5a;
	if (call->items)
		memset(call->items, 0x5a, call->nr_items * sizeof(struct item));
}

START_TEST(items_in)
{
	struct counted *head = (void *)user;
	u32 nr;

	for (nr = 0; nr <= MAX_ITEMS; nr += 25) {
		head->nr = nr;
		memcpy(before, user, USER_SIZE);
		ck_assert_int_eq(call_vm(T_ITEMS_IN, user), 0);
		ck_assert_uint_eq(seen.call.nr_items, nr);
		ck_assert(seen.has_items == (nr != 0));
		ck_assert(!memcmp(seen.items, user + sizeof(*head), nr * sizeof(struct item)));
		ck_assert(user_unchanged());
	}
	seen.calls = 0;
	for (nr = MAX_ITEMS + 1; nr; nr <<= 1) {
		head->nr = nr;
		ck_assert_int_eq(call_vm(T_ITEMS_IN, user), -E2BIG);
		ck_assert_int_eq(call_vm(T_ITEMS_BOTH, user), -E2BIG);
	}
	head->nr = ~0U;
	ck_assert_int_eq(call_vm(T_ITEMS_IN, user), -E2BIG);
	/* The header is readable, the array is not all. */
	head = (void *)(user + USER_SIZE - sizeof(*head) - 3 * sizeof(struct item));
	head->nr = 4;
	ck_assert_int_eq(call_vm(T_ITEMS_IN, head), -EFAULT);
	ck_assert_uint_eq(seen.calls, 0);
	head->nr = 3;
	ck_assert_int_eq(call_vm(T_ITEMS_IN, head), 0);
}
END_TEST

START_TEST(items_out)
{
	struct counted *head = (void *)(user + 64);
	u32 room[] = { 0, 1, 10, MAX_ITEMS, MAX_ITEMS + 1, ~0U };
	u32 claims[] = { 0, 1, 7, MAX_ITEMS, ~0U };
	u32 n, i, j;

	seen.act = give_items;
	for (i = 0; i < ARRAY_SIZE(room); i++) {
		for (j = 0; j < ARRAY_SIZE(claims); j++) {
			fill_user();
			head->nr = room[i];
			head->pad = 0;
			memcpy(before, user, USER_SIZE);
			claim = claims[j];
			ck_assert_int_eq(call_vm(T_ITEMS_OUT, head), 0);
			/* More room than there can be is cut; a handler cannot overrun it. */
			ck_assert_uint_eq(seen.call.nr_items, min_t(u32, room[i], MAX_ITEMS));
			n = min_t(u32, claim, seen.call.nr_items);
			ck_assert_uint_eq(head->nr, claim);
			head->nr = room[i];
			head->pad = 0;
			ck_assert(only_changed(64 + sizeof(*head), n * sizeof(struct item), 0x5a));
		}
	}
}
END_TEST

START_TEST(items_out_too_many)
{
	struct counted *head = (void *)user;

	seen.act = give_items;
	seen.result = -E2BIG;
	claim = 50;
	head->nr = 2;
	memcpy(before, user, USER_SIZE);
	ck_assert_int_eq(call_vm(T_ITEMS_SILENT, user), -E2BIG);
	ck_assert(user_unchanged());
	/* With OUT_ALWAYS the count comes out, the array does not. */
	ck_assert_int_eq(call_vm(T_ITEMS_OUT, user), -E2BIG);
	ck_assert_uint_eq(head->nr, 50);
	memcpy(before, user, sizeof(*head));
	ck_assert(user_unchanged());
	/* Other failures leave everything. */
	seen.result = -EINVAL;
	claim = 51;
	ck_assert_int_eq(call_vm(T_ITEMS_OUT, user), -EINVAL);
	ck_assert(user_unchanged());
}
END_TEST

START_TEST(items_both_ways)
{
	struct counted *head = (void *)user;
	int i;

	seen.act = give_items;
	claim = 5;
	head->nr = 5;
	memcpy(before, user, USER_SIZE);
	ck_assert_int_eq(call_vm(T_ITEMS_BOTH, user), 0);
	ck_assert(!memcmp(seen.items, before + sizeof(*head), 5 * sizeof(struct item)));
	for (i = 0; i < 5 * sizeof(struct item); i++)
		ck_assert_uint_eq(user[sizeof(*head) + i], 0x5a);
}
END_TEST

START_TEST(no_memory)
{
	struct counted *head = (void *)user;
	unsigned int calls = 0;

	head->nr = 10;
	memcpy(before, user, USER_SIZE);
	shim_fail_alloc_after(0);
	ck_assert_int_eq(call_vm(T_IN_LARGE, user), -ENOMEM);
	ck_assert_int_eq(call_vm(T_OUT_LARGE, user), -ENOMEM);
	ck_assert_int_eq(call_vm(T_ITEMS_IN, user), -ENOMEM);
	ck_assert_int_eq(call_vm(T_ITEMS_OUT, user), -ENOMEM);
	ck_assert_uint_eq(seen.calls, calls);
	/* A small payload needs none. */
	ck_assert_int_eq(call_vm(T_IN, user), 0);
	shim_fail_alloc_after(-1);
	ck_assert(user_unchanged());
}
END_TEST

START_TEST(locks)
{
	ck_assert_int_eq(call_vm(T_IN, user), 0);
	ck_assert(!seen.vm_locked && !seen.vcpu_locked);
	ck_assert_int_eq(call_vm(T_LOCKED, user), 0);
	ck_assert(seen.vm_locked && !seen.vcpu_locked);
	ck_assert_int_eq(call(KVMX_SCOPE_VCPU, T_IN, user), 0);
	ck_assert(!seen.vm_locked && seen.vcpu_locked);
	ck_assert_int_eq(call(KVMX_SCOPE_VCPU, T_LOCKED, user), 0);
	ck_assert(seen.vm_locked && seen.vcpu_locked);
	ck_assert_int_eq(call(KVMX_SCOPE_VCPU, T_NO_MUTEX, NULL), 0);
	ck_assert(!seen.vm_locked && !seen.vcpu_locked);
	shim_assert_idle();

	seen.calls = 0;
	shim_set_signal_pending(true);
	ck_assert_int_eq(call(KVMX_SCOPE_VCPU, T_IN, user), -EINTR);
	ck_assert_int_eq(call_vm(T_LOCKED, user), -EINTR);
	ck_assert_int_eq(call(KVMX_SCOPE_VCPU, T_LOCKED, user), -EINTR);
	ck_assert_uint_eq(seen.calls, 0);
	ck_assert_int_eq(call(KVMX_SCOPE_VCPU, T_NO_MUTEX, NULL), 0);
	shim_set_signal_pending(false);
	shim_assert_idle();
}
END_TEST

START_TEST(embedded_pointers)
{
	u64 word = 0x1122334455667788ULL, got = 0;

	ck_assert_int_eq(kvmx_call_put((u64)(unsigned long)user + 8, &word, 8), 0);
	ck_assert(!memcmp(user + 8, &word, 8));
	ck_assert_int_eq(kvmx_call_get((u64)(unsigned long)user + 8, &got, 8), 0);
	ck_assert_uint_eq(got, word);
	memcpy(before, user, USER_SIZE);
	ck_assert_int_eq(kvmx_call_put(0, &word, 8), -EFAULT);
	ck_assert_int_eq(kvmx_call_put((u64)(unsigned long)user + USER_SIZE - 4, &word, 8), -EFAULT);
	ck_assert_int_eq(kvmx_call_get(~0ULL, &got, 8), -EFAULT);
	ck_assert_int_eq(kvmx_call_get(0xffff888000000000ULL, &got, 8), -EFAULT);
}
END_TEST

/* Random commands at random addresses: only documented errors, nothing left behind. */
START_TEST(random_calls)
{
	unsigned long n, errors = 0;
	long result;

	seen.act = give_items;
	for (n = 0; n < 200000; n++) {
		const struct kvmx_ioctl *row = &rows[unit_random_below(ARRAY_SIZE(rows))];
		u32 cmd = unit_random_below(8) ? row->cmd : row->cmd ^ BIT(unit_random_below(32));
		u32 count = unit_random_below(2) ? unit_random_below(2 * MAX_ITEMS) : unit_random_edge();
		u8 *arg = unit_random_below(4) ? user + unit_random_below(USER_SIZE) :
						 (u8 *)unit_random_edge();
		int scope = unit_random_below(8) ? row->scope : unit_random_below(4);

		if (arg >= user && arg <= user + USER_SIZE - 4)
			memcpy(arg, &count, 4);
		claim = unit_random_edge();
		seen.result = unit_random_below(3) ? (long)unit_random_below(3) : -E2BIG;
		result = call(scope, cmd, arg);
		switch (result) {
		case 0 ... 2:
		case 77:
			break;
		case -ENOTTY:
		case -EFAULT:
		case -EINVAL:
		case -E2BIG:
			errors++;
			break;
		default:
			ck_abort_msg("cmd %#x gave %ld", cmd, result);
		}
		shim_assert_idle();
	}
	ck_assert_uint_gt(errors, 1000);
	ck_assert_uint_gt(seen.calls, 1000);
	unit_figure("random ioctls", n);
}
END_TEST

static TCase *dispatcher(void)
{
	TCase *tc = UNIT_CASE("dispatcher", unknown_and_wrong_scope, every_row_is_found,
			      earlier_set_wins, bad_tables_are_refused,
			      other_address_space_and_dead_vm, arguments_that_are_numbers,
			      payload_in_and_out, null_where_it_is_an_argument, bad_pointers,
			      items_in, items_out, items_out_too_many, items_both_ways, no_memory,
			      locks, embedded_pointers, random_calls);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("ioctl", dispatcher())
