// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs and vCPUs over a guest floor that does nothing: their ioctls, the order
 * in which their files may go, allocations that fail at every point, the
 * unit's ownership, kicks and halts.
 */
/* links: src/core/vm.c src/core/vcpu.c src/core/halt.c src/core/system.c src/core/unit.c */
/* links: src/core/ioctl.c src/core/stats.c src/core/bus.c src/core/irq_routing.c */
/* links: src/core/irqfd.c src/core/ioeventfd.c src/core/coalesced.c */
#include <linux/cpuhotplug.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include <kvmx/arch.h>
#include <kvmx/host.h>
#include "core/door.h"
#include "unit.h"

/* --- the floors below and above, as far as the door calls them --- */

static struct {
	int vms, vcpus, memories, detached, quiesced, posted;
	int unit_on, unit_refuses;
	unsigned int asked, runnable_at;
	bool asked_while_blocked;
	int run_result;
	unsigned int runs;
	u32 enabled_cap;
	const struct kvmx_host_power *power;
} floor_;

static struct kvmx_vm *last_vm;
static struct kvmx_vcpu *last_vcpu;

const char * const kvmx_arch_vcpu_stat_names[] = { "x" };
const unsigned int kvmx_arch_nr_vcpu_stats = 1;

static int sink_set(struct kvmx_vm *vm, const struct kvmx_irq_route *route, int source, int level)
{
	return 3;
}

static int sink_check(struct kvmx_vm *vm, const struct kvmx_irq_route *route)
{
	return 0;
}

static int allow_error;

static int sink_allow(struct kvmx_vm *vm, enum kvmx_irq_use use)
{
	return allow_error;
}

static const struct kvmx_irq_sink sink = {
	.set = sink_set, .check = sink_check, .allow = sink_allow,
};

struct kvmx_vm *kvmx_arch_vm_alloc(unsigned long type)
{
	struct kvmx_vm *vm;

	if (type)
		return ERR_PTR(-EINVAL);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	floor_.vms++;
	last_vm = vm;
	return vm;
}

int kvmx_arch_vm_init(struct kvmx_vm *vm)
{
	void *p = kmalloc(8, GFP_KERNEL);	/* so that this can fail, too */

	if (!p)
		return -ENOMEM;
	kfree(p);
	kvmx_irqs_init(vm, &sink);
	mutex_init(&vm->memory.slots_lock);
	init_srcu_struct(&vm->memory.srcu);
	floor_.memories++;
	return 0;
}

void kvmx_arch_vm_quiesce(struct kvmx_vm *vm) { floor_.quiesced++; }
void kvmx_memory_detach(struct kvmx_vm *vm) { floor_.detached++; }

void kvmx_memory_destroy(struct kvmx_vm *vm)
{
	cleanup_srcu_struct(&vm->memory.srcu);
	floor_.memories--;
}

void kvmx_arch_vm_free(struct kvmx_vm *vm)
{
	ck_assert_int_eq(floor_.vcpus, 0);
	kfree(vm);
	floor_.vms--;
	last_vm = NULL;
}

struct kvmx_vcpu *kvmx_arch_vcpu_alloc(struct kvmx_vm *vm, u32 id)
{
	struct kvmx_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL);

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	floor_.vcpus++;
	last_vcpu = vcpu;
	return vcpu;
}

int kvmx_arch_vcpu_init(struct kvmx_vcpu *vcpu)
{
	void *p = kmalloc(8, GFP_KERNEL);

	lockdep_assert_held(&vcpu->vm->lock);
	kfree(p);
	return p ? 0 : -ENOMEM;
}

void kvmx_arch_vcpu_posted(struct kvmx_vcpu *vcpu)
{
	ck_assert_ptr_eq(vcpu->vm->vcpus[vcpu->index], vcpu);
	floor_.posted++;
}

void kvmx_arch_vcpu_free(struct kvmx_vcpu *vcpu)
{
	kfree(vcpu);
	floor_.vcpus--;
}

int kvmx_run(struct kvmx_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->mutex);
	floor_.runs++;
	return floor_.run_result;
}

bool kvmx_arch_vcpu_runnable(struct kvmx_vcpu *vcpu)
{
	ck_assert(vcpu->blocked == !srcu_read_lock_held(&vcpu->vm->memory.srcu));
	floor_.asked_while_blocked |= vcpu->blocked;
	shim_clock_advance(1000);
	return floor_.asked++ >= floor_.runnable_at;
}

int kvmx_arch_check_extension(struct kvmx_vm *vm, u32 cap) { return cap == 5555 ? (vm ? 2 : 1) : 0; }

int kvmx_arch_enable_cap(struct kvmx_vm *vm, struct kvmx_vcpu *vcpu,
			 const struct kvmx_enable_cap *cap)
{
	floor_.enabled_cap = cap->cap + (vcpu ? 1000 : 0);
	return cap->cap == 5555 ? 0 : -EINVAL;
}

int kvmx_arch_unit_take(void) { return 0; }
void kvmx_arch_unit_give(void) { }

int kvmx_arch_cpu_enable(void)
{
	ck_assert(irqs_disabled());
	if (!floor_.unit_refuses)
		floor_.unit_on++;
	return floor_.unit_refuses;
}

void kvmx_arch_cpu_disable(void)
{
	ck_assert(irqs_disabled());
	floor_.unit_on--;
}

const char *kvmx_arch_unit_name(void) { return "somebody"; }

int kvmx_host_power_register(const struct kvmx_host_power *hooks)
{
	void *p = kmalloc(8, GFP_KERNEL);

	kfree(p);
	if (p)
		floor_.power = hooks;
	return p ? 0 : -ENOMEM;
}

void kvmx_host_power_unregister(void) { floor_.power = NULL; }

static struct kvmx_userspace_memory_region2 last_region;

int kvmx_memslot_set(struct kvmx_vm *vm, const struct kvmx_userspace_memory_region2 *mem)
{
	last_region = *mem;
	return 0;
}

int kvmx_dirty_log_get(struct kvmx_vm *vm, u32 id, unsigned long **bitmap, size_t *bytes)
{
	if (id != 6)
		return -ENOENT;
	*bytes = 16;
	*bitmap = kvzalloc(*bytes, GFP_KERNEL);
	if (!*bitmap)
		return -ENOMEM;
	(*bitmap)[1] = 0x55;
	return 0;
}

static struct {
	unsigned int put_back, checked, cleared, resets;
	u64 manual, ring_bytes;
	unsigned long bits[2];
} dirty;

void kvmx_dirty_log_put_back(struct kvmx_vm *vm, u32 id, const unsigned long *bitmap,
			     size_t bytes)
{
	dirty.put_back += id == 6 && bytes == 16 && bitmap[1] == 0x55;
}

int kvmx_dirty_log_clear(struct kvmx_vm *vm, u32 id, u64 first, u32 nr, const unsigned long *bitmap)
{
	if (id != 6)
		return -ENOENT;
	if (!bitmap) {
		dirty.checked++;
		return 0;
	}
	dirty.cleared++;
	memcpy(dirty.bits, bitmap, sizeof(dirty.bits));
	return 0;
}

int kvmx_dirty_manual_set(struct kvmx_vm *vm, u64 flags)
{
	dirty.manual = flags;
	return 0;
}

int kvmx_dirty_rings_enable(struct kvmx_vm *vm, u64 bytes)
{
	dirty.ring_bytes = bytes;
	return 0;
}

long kvmx_dirty_rings_reset(struct kvmx_vm *vm)
{
	return ++dirty.resets;
}

int kvmx_memory_prefault(struct kvmx_vcpu *vcpu, struct kvmx_pre_fault_memory *range)
{
	lockdep_assert_held(&vcpu->mutex);
	range->gpa += PAGE_SIZE;
	range->size -= PAGE_SIZE;
	return range->size == PAGE_SIZE ? 0 : -ENOENT;
}

static void *ring_page;

int kvmx_dirty_ring_init(struct kvmx_vcpu *vcpu) { return 0; }
void kvmx_dirty_ring_destroy(struct kvmx_vcpu *vcpu) { }

struct page *kvmx_dirty_ring_page(struct kvmx_vcpu *vcpu, unsigned long index)
{
	return ring_page && index == 1 ? virt_to_page(ring_page) : NULL;
}

/* --- the tests --- */

static u8 *user;
static int mm_count;

static void setup(void)
{
	const struct kvmx_ioctl_set sets[] = {
		{ kvmx_system_ioctls, kvmx_system_nr_ioctls },
		{ kvmx_vm_ioctls, kvmx_vm_nr_ioctls },
		{ kvmx_vcpu_ioctls, kvmx_vcpu_nr_ioctls },
	};

	memset(&floor_, 0, sizeof(floor_));
	allow_error = 0;
	user = malloc(4096);
	memset(user, 0, 4096);
	shim_user_register(user, 4096);
	mm_count = atomic_read(&shim_mm()->mm_count);
	ck_assert_int_eq(kvmx_ioctl_init(sets, ARRAY_SIZE(sets)), 0);
	ck_assert_int_eq(kvmx_vcpus_init(), 0);
	ck_assert_int_eq(kvmx_eventfd_init(), 0);
}

/* Nothing is left: objects, memory, the unit, the address space. */
static void check_gone(void)
{
	ck_assert_int_eq(floor_.vms, 0);
	ck_assert_int_eq(floor_.vcpus, 0);
	ck_assert_int_eq(floor_.memories, 0);
	ck_assert_int_eq(floor_.unit_on, 0);
	ck_assert_ptr_null(floor_.power);
	ck_assert_int_eq(atomic_read(&shim_mm()->mm_count), mm_count);
}

static void teardown(void)
{
	check_gone();
	kvmx_eventfd_exit();
	kvmx_vcpus_exit();
	kvmx_ioctl_exit();
	shim_rcu_run();
	ck_assert_uint_eq(shim_alloc_live(), 0);
	shim_user_unregister(user);
	free(user);
}

static long ctl(int fd, unsigned int cmd, unsigned long arg)
{
	struct file *file = fget(fd);
	long result = file->f_op->unlocked_ioctl(file, cmd, arg);

	fput(file);
	return result;
}

static long ctl_data(int fd, unsigned int cmd, const void *data, size_t len)
{
	memcpy(user, data, len);
	return ctl(fd, cmd, (unsigned long)user);
}

static long sys(unsigned int cmd, unsigned long arg)
{
	struct kvmx_call call = { };

	return kvmx_ioctl(KVMX_SCOPE_SYSTEM, &call, cmd, arg);
}

static int new_vm(void)
{
	int fd = sys(KVMX_CREATE_VM, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(system_ioctls)
{
	ck_assert_int_eq(sys(KVMX_GET_API_VERSION, 0), 12);
	ck_assert_int_eq(sys(KVMX_GET_API_VERSION, 1), -EINVAL);
	ck_assert_int_eq(sys(KVMX_GET_VCPU_MMAP_SIZE, 0), 3 * PAGE_SIZE);
	ck_assert_int_eq(sys(KVMX_GET_VCPU_MMAP_SIZE, 9), -EINVAL);
	ck_assert_int_eq(sys(KVMX_CREATE_VM, 99), -EINVAL);
	ck_assert_int_eq(sys(KVMX_CREATE_VCPU, 0), -ENOTTY);
	ck_assert_int_eq(sys(KVMX_RUN, 0), -ENOTTY);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, KVMX_CAP_USER_MEMORY), 1);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, KVMX_CAP_MAX_VCPUS), KVMX_MAX_VCPUS);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, KVMX_CAP_IRQ_ROUTING), 4096);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, KVMX_CAP_KVMX_VERSION), KVMX_ABI_VERSION);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, KVMX_CAP_COALESCED_MMIO), KVMX_COALESCED_MMIO_PAGE_OFFSET);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, KVMX_CAP_ONE_REG), 0);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, 5555), 1);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, 5555 + (1UL << 32)), 0);
	ck_assert_int_eq(sys(KVMX_CHECK_EXTENSION, ~0UL), 0);
}
END_TEST

START_TEST(vcpu_ids)
{
	int vm = new_vm(), fd[KVMX_MAX_VCPUS], i;

	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VCPU, KVMX_MAX_VCPU_ID), -EINVAL);
	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VCPU, ~0UL), -EINVAL);
	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VCPU, 1UL << 32), -EINVAL);
	ck_assert_int_ge(fd[0] = ctl(vm, KVMX_CREATE_VCPU, KVMX_MAX_VCPU_ID - 1), 0);
	ck_assert_int_ge(fd[1] = ctl(vm, KVMX_CREATE_VCPU, 0), 0);
	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VCPU, 0), -EEXIST);
	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VCPU, KVMX_MAX_VCPU_ID - 1), -EEXIST);
	ck_assert_ptr_eq(kvmx_vm_vcpu_by_id(last_vm, 0), last_vcpu);
	ck_assert_ptr_eq(kvmx_vm_vcpu_by_id(last_vm, KVMX_MAX_VCPU_ID - 1), last_vm->vcpus[0]);
	ck_assert_ptr_null(kvmx_vm_vcpu_by_id(last_vm, 1));
	ck_assert_ptr_null(kvmx_vm_vcpu_by_id(last_vm, ~0U));
	shim_fd_close(fd[0]);
	/* Its file is gone, the vCPU is not: the id stays taken. */
	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VCPU, KVMX_MAX_VCPU_ID - 1), -EEXIST);
	for (i = 2; i < KVMX_MAX_VCPUS; i++) {
		fd[i] = ctl(vm, KVMX_CREATE_VCPU, i - 1);
		ck_assert_int_ge(fd[i], 0);
		shim_fd_close(fd[i]);
	}
	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VCPU, KVMX_MAX_VCPUS - 2), -EINVAL);
	shim_fd_close(fd[1]);
	shim_fd_close(vm);
}
END_TEST

/* A VM, two vCPUs, two statistics files: closed in every order. */
START_TEST(files_in_every_order)
{
	enum { FILES = 5 };
	int fd[FILES], order[FILES] = { 0, 1, 2, 3, 4 }, n = 0, i, j, k;
	int turns[FILES] = { 0 };

	for (;;) {
		fd[0] = new_vm();
		fd[1] = ctl(fd[0], KVMX_CREATE_VCPU, 0);
		fd[2] = ctl(fd[0], KVMX_CREATE_VCPU, 1);
		fd[3] = ctl(fd[0], KVMX_GET_STATS_FD, 0);
		fd[4] = ctl(fd[2], KVMX_GET_STATS_FD, 0);
		for (i = 0; i < FILES; i++) {
			ck_assert_int_eq(floor_.vms, 1);
			ck_assert_int_eq(floor_.vcpus, 2);
			ck_assert_int_eq(floor_.unit_on, 1);
			ck_assert_int_ge(fd[order[i]], 0);
			shim_fd_close(fd[order[i]]);
		}
		check_gone();
		n++;
		/* The next permutation: as a mixed-radix counter over swaps. */
		for (k = 1; k < FILES && turns[k] == k; k++)
			turns[k] = 0;
		if (k == FILES)
			break;
		j = k % 2 ? turns[k] : 0;
		swap(order[j], order[k]);
		turns[k]++;
	}
	ck_assert_int_eq(n, 120);
	ck_assert_int_eq(floor_.quiesced, n);
	ck_assert_int_eq(floor_.detached, n);
	unit_figure("orders of closing", n);
}
END_TEST

START_TEST(allocations_that_fail)
{
	int vm = -1, vcpu = -1, n;

	for (n = 0; vm < 0; n++) {
		shim_fail_alloc_after(n);
		vm = sys(KVMX_CREATE_VM, 0);
		shim_fail_alloc_after(-1);
		if (vm < 0) {
			ck_assert_int_eq(vm, -ENOMEM);
			check_gone();
			shim_rcu_run();
		}
	}
	ck_assert_int_gt(n, 3);
	for (n = 0; vcpu < 0; n++) {
		shim_fail_alloc_after(n);
		vcpu = ctl(vm, KVMX_CREATE_VCPU, 0);
		shim_fail_alloc_after(-1);
		if (vcpu < 0) {
			ck_assert_int_eq(vcpu, -ENOMEM);
			ck_assert_int_eq(floor_.vcpus, 0);
			ck_assert_uint_eq(kvmx_vm_nr_vcpus(last_vm), 0);
		}
	}
	ck_assert_int_gt(n, 4);
	ck_assert_int_eq(floor_.posted, 1);
	shim_fd_close(vm);
	shim_fd_close(vcpu);
}
END_TEST

START_TEST(dirty_ioctls)
{
	struct kvmx_clear_dirty_log clear = { .slot = 6, .num_pages = 128 };
	struct kvmx_enable_cap cap = { .cap = KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 3 } };
	int vm = new_vm();

	/* All is checked before memory is asked for, and all is read before a bit is cleared. */
	((u64 *)(user + 256))[1] = 0x77;
	clear.padding2 = (unsigned long)user + 256;
	ck_assert_int_eq(ctl_data(vm, KVMX_CLEAR_DIRTY_LOG, &clear, sizeof(clear)), 0);
	ck_assert_uint_eq(dirty.checked, 1);
	ck_assert_uint_eq(dirty.cleared, 1);
	ck_assert_uint_eq(dirty.bits[1], 0x77);
	clear.padding2 = 0;
	ck_assert_int_eq(ctl_data(vm, KVMX_CLEAR_DIRTY_LOG, &clear, sizeof(clear)), -EFAULT);
	ck_assert_uint_eq(dirty.cleared, 1);
	clear.num_pages = 0;
	ck_assert_int_eq(ctl_data(vm, KVMX_CLEAR_DIRTY_LOG, &clear, sizeof(clear)), 0);
	clear.slot = 7;
	clear.num_pages = ~0U;
	ck_assert_int_eq(ctl_data(vm, KVMX_CLEAR_DIRTY_LOG, &clear, sizeof(clear)), -ENOENT);
	ck_assert_uint_eq(dirty.cleared, 1);

	ck_assert_int_eq(ctl_data(vm, KVMX_ENABLE_CAP, &cap, sizeof(cap)), 0);
	ck_assert_uint_eq(dirty.manual, 3);
	cap.cap = KVMX_CAP_DIRTY_LOG_RING_ACQ_REL;
	cap.args[0] = 8192;
	ck_assert_int_eq(ctl_data(vm, KVMX_ENABLE_CAP, &cap, sizeof(cap)), 0);
	ck_assert_uint_eq(dirty.ring_bytes, 8192);
	cap.flags = 1;
	ck_assert_int_eq(ctl_data(vm, KVMX_ENABLE_CAP, &cap, sizeof(cap)), -EINVAL);
	ck_assert_int_eq(ctl(vm, KVMX_RESET_DIRTY_RINGS, 0), 1);
	shim_fd_close(vm);
}
END_TEST

START_TEST(prefault_tells_what_is_left)
{
	struct kvmx_pre_fault_memory range = { .gpa = 0x10000, .size = 2 * PAGE_SIZE };
	const struct kvmx_pre_fault_memory *told = (void *)user;
	int vm = new_vm(), fd = ctl(vm, KVMX_CREATE_VCPU, 0);

	ck_assert_int_eq(ctl_data(fd, KVMX_PRE_FAULT_MEMORY, &range, sizeof(range)), 0);
	ck_assert_uint_eq(told->gpa, 0x10000 + PAGE_SIZE);
	ck_assert_uint_eq(told->size, PAGE_SIZE);
	range.size = 8 * PAGE_SIZE;
	ck_assert_int_eq(ctl_data(fd, KVMX_PRE_FAULT_MEMORY, &range, sizeof(range)), -ENOENT);
	ck_assert_uint_eq(told->size, 8 * PAGE_SIZE);
	shim_fd_close(fd);
	shim_fd_close(vm);
}
END_TEST

START_TEST(vm_ioctls)
{
	struct kvmx_userspace_memory_region region = { 3, 1, 0x1000, 0x2000, 0x7000 };
	struct kvmx_dirty_log log = { .slot = 6 };
	struct kvmx_irq_level level = { .irq = 1, .level = 1 };
	struct {
		struct kvmx_irq_routing head;
		struct kvmx_irq_routing_entry entry;
	} routing = { .entry = { .gsi = 1, .type = KVMX_IRQ_ROUTING_IRQCHIP } };
	struct kvmx_msi msi = { .data = 5 };
	struct kvmx_irqfd irqfd = { .fd = 999 };
	struct kvmx_ioeventfd io = { .len = 3 };
	int vm = new_vm();

	ck_assert_int_eq(ctl(vm, KVMX_CHECK_EXTENSION, 5555), 2);
	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VM, 0), -ENOTTY);
	ck_assert_int_eq(ctl(vm, KVMX_RUN, 0), -ENOTTY);
	ck_assert_int_eq(ctl_data(vm, KVMX_SET_USER_MEMORY_REGION, &region, sizeof(region)), 0);
	ck_assert_uint_eq(last_region.slot, 3);
	ck_assert_uint_eq(last_region.guest_phys_addr, 0x1000);
	ck_assert_uint_eq(last_region.memory_size, 0x2000);
	ck_assert_uint_eq(last_region.userspace_addr, 0x7000);

	log.padding2 = (unsigned long)user + 256;
	ck_assert_int_eq(ctl_data(vm, KVMX_GET_DIRTY_LOG, &log, sizeof(log)), 0);
	ck_assert_uint_eq(((u64 *)(user + 256))[1], 0x55);
	log.padding2 = 0;
	ck_assert_uint_eq(dirty.put_back, 0);
	ck_assert_int_eq(ctl_data(vm, KVMX_GET_DIRTY_LOG, &log, sizeof(log)), -EFAULT);
	ck_assert_uint_eq(dirty.put_back, 1);
	log.slot = 7;
	ck_assert_int_eq(ctl_data(vm, KVMX_GET_DIRTY_LOG, &log, sizeof(log)), -ENOENT);

	ck_assert_int_eq(ctl_data(vm, KVMX_IRQ_LINE_STATUS, &level, sizeof(level)), 0);
	ck_assert_int_eq(((struct kvmx_irq_level *)user)->status, -1);
	routing.head.nr = 1;
	ck_assert_int_eq(ctl_data(vm, KVMX_SET_GSI_ROUTING, &routing, sizeof(routing)), 0);
	ck_assert_int_eq(ctl_data(vm, KVMX_IRQ_LINE_STATUS, &level, sizeof(level)), 0);
	ck_assert_int_eq(((struct kvmx_irq_level *)user)->status, 3);
	ck_assert_int_eq(ctl_data(vm, KVMX_IRQ_LINE, &level, sizeof(level)), 0);
	ck_assert_uint_eq(((struct kvmx_irq_level *)user)->irq, 1);
	routing.head.flags = 1;
	ck_assert_int_eq(ctl_data(vm, KVMX_SET_GSI_ROUTING, &routing, sizeof(routing)), -EINVAL);
	ck_assert_int_eq(ctl_data(vm, KVMX_SIGNAL_MSI, &msi, sizeof(msi)), 3);
	allow_error = -ENXIO;
	ck_assert_int_eq(ctl_data(vm, KVMX_IRQ_LINE, &level, sizeof(level)), -ENXIO);
	ck_assert_int_eq(ctl_data(vm, KVMX_IRQFD, &irqfd, sizeof(irqfd)), -ENXIO);
	allow_error = 0;
	ck_assert_int_eq(ctl_data(vm, KVMX_IRQFD, &irqfd, sizeof(irqfd)), -EBADF);
	ck_assert_int_eq(ctl_data(vm, KVMX_IOEVENTFD, &io, sizeof(io)), -EINVAL);
	shim_fd_close(vm);
}
END_TEST

START_TEST(capabilities_enabled)
{
	struct kvmx_enable_cap cap = { .cap = 5555 };
	int vm = new_vm(), vcpu = ctl(vm, KVMX_CREATE_VCPU, 0);

	ck_assert_int_eq(ctl_data(vm, KVMX_ENABLE_CAP, &cap, sizeof(cap)), 0);
	ck_assert_uint_eq(floor_.enabled_cap, 5555);
	ck_assert_int_eq(ctl_data(vcpu, KVMX_ENABLE_CAP, &cap, sizeof(cap)), 0);
	ck_assert_uint_eq(floor_.enabled_cap, 6555);
	cap.cap = 5556;
	ck_assert_int_eq(ctl_data(vm, KVMX_ENABLE_CAP, &cap, sizeof(cap)), -EINVAL);
	cap.cap = KVMX_CAP_HALT_POLL;
	cap.flags = 1;
	ck_assert_int_eq(ctl_data(vm, KVMX_ENABLE_CAP, &cap, sizeof(cap)), -EINVAL);
	cap.flags = 0;
	cap.args[0] = 1ULL << 32;
	ck_assert_int_eq(ctl_data(vm, KVMX_ENABLE_CAP, &cap, sizeof(cap)), -EINVAL);
	ck_assert(!last_vm->halt_poll_set);
	cap.args[0] = 12345;
	ck_assert_int_eq(ctl_data(vm, KVMX_ENABLE_CAP, &cap, sizeof(cap)), 0);
	ck_assert(last_vm->halt_poll_set);
	ck_assert_uint_eq(last_vm->halt_poll_max_ns, 12345);
	shim_fd_close(vcpu);
	shim_fd_close(vm);
}
END_TEST

START_TEST(run)
{
	static struct mm_struct other;
	int vm = new_vm(), vcpu = ctl(vm, KVMX_CREATE_VCPU, 0);

	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 1), -EINVAL);
	last_vm->mm = &other;
	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 0), -EIO);
	last_vm->mm = shim_mm();
	shim_set_signal_pending(true);
	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 0), -EINTR);
	shim_set_signal_pending(false);
	ck_assert_uint_eq(floor_.runs, 0);

	last_vcpu->run->exit_reason = 77;
	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 0), 0);
	ck_assert_uint_eq(last_vcpu->run->exit_reason, 77);
	/* The reason is the floor's to say: nothing happened that another could be left for. */
	floor_.run_result = -EINTR;
	last_vcpu->run->immediate_exit = 1;
	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 0), -EINTR);
	ck_assert_uint_eq(last_vcpu->run->exit_reason, 77);
	ck_assert_uint_eq(floor_.runs, 2);
	ck_assert_uint_eq(last_vcpu->stat[KVMX_STAT_USER_EXITS], 2);
	/* Neither user space's wish nor a signal: work of the kernel. */
	last_vcpu->run->immediate_exit = 0;
	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 0), -ERESTARTNOHAND);

	kvmx_vm_kill(last_vm);
	ck_assert(test_bit(KVMX_REQ_VM_DEAD, &last_vcpu->requests));
	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 0), -EIO);
	ck_assert_int_eq(ctl(vm, KVMX_CHECK_EXTENSION, 0), -EIO);
	ck_assert_int_eq(ctl(vm, KVMX_CREATE_VCPU, 1), -EIO);
	ck_assert_uint_eq(floor_.runs, 3);
	shim_fd_close(vcpu);
	shim_fd_close(vm);
}
END_TEST

START_TEST(signal_mask)
{
	struct { struct kvmx_signal_mask head; u8 set[sizeof(sigset_t)]; } arg;
	sigset_t was = { }, now = { };
	int vm = new_vm(), vcpu = ctl(vm, KVMX_CREATE_VCPU, 0);

	sigprocmask(SIG_SETMASK, NULL, &was);
	memset(arg.set, 0xff, sizeof(arg.set));
	arg.head.len = sizeof(sigset_t) - 1;
	ck_assert_int_eq(ctl_data(vcpu, KVMX_SET_SIGNAL_MASK, &arg, sizeof(arg)), -EINVAL);
	arg.head.len = 0;
	ck_assert_int_eq(ctl_data(vcpu, KVMX_SET_SIGNAL_MASK, &arg, sizeof(arg)), -EINVAL);
	ck_assert(!last_vcpu->sigset_active);
	arg.head.len = sizeof(sigset_t);
	ck_assert_int_eq(ctl_data(vcpu, KVMX_SET_SIGNAL_MASK, &arg, sizeof(arg)), 0);
	ck_assert(last_vcpu->sigset_active);
	ck_assert(!sigismember(&last_vcpu->sigset, SIGKILL));
	ck_assert(!sigismember(&last_vcpu->sigset, SIGSTOP));
	ck_assert(sigismember(&last_vcpu->sigset, SIGUSR1));
	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 0), 0);
	sigprocmask(SIG_SETMASK, NULL, &now);
	ck_assert(!memcmp(&was, &now, sizeof(was)));
	ck_assert_int_eq(ctl(vcpu, KVMX_SET_SIGNAL_MASK, 0), 0);
	ck_assert(!last_vcpu->sigset_active);
	shim_fd_close(vcpu);
	shim_fd_close(vm);
}
END_TEST

START_TEST(mmap_area)
{
	struct vm_area_struct vma = { .vm_end = PAGE_SIZE };
	struct vm_fault vmf = { .vma = &vma };
	int vm = new_vm(), fd = ctl(vm, KVMX_CREATE_VCPU, 0);
	struct file *file = fget(fd);

	ck_assert_int_eq(file->f_op->mmap(file, &vma), 0);
	vma.vm_file = file;
	ck_assert_int_eq(vma.vm_ops->fault(&vmf), 0);
	ck_assert_ptr_eq(page_address(vmf.page), last_vcpu->run);
	put_page(vmf.page);
	vmf.pgoff = 1;
	ck_assert_int_eq(vma.vm_ops->fault(&vmf), 0);
	ck_assert_ptr_eq(page_address(vmf.page), last_vcpu->pio_page);
	put_page(vmf.page);
	vmf.pgoff = 2;
	ck_assert_int_eq(vma.vm_ops->fault(&vmf), 0);
	ck_assert_ptr_eq(page_address(vmf.page), last_vm->coalesced.ring);
	put_page(vmf.page);
	for (vmf.pgoff = 4; vmf.pgoff; vmf.pgoff <<= 1)
		ck_assert_uint_eq(vma.vm_ops->fault(&vmf), VM_FAULT_SIGBUS);
	/* The dirty ring, which has to be shared, and is no code. */
	ring_page = (void *)get_zeroed_page(GFP_KERNEL);
	vmf.pgoff = KVMX_DIRTY_LOG_PAGE_OFFSET + 1;
	ck_assert_int_eq(vma.vm_ops->fault(&vmf), 0);
	ck_assert_ptr_eq(page_address(vmf.page), ring_page);
	put_page(vmf.page);
	free_page((unsigned long)ring_page);
	ring_page = NULL;
	vma.vm_end = (KVMX_DIRTY_LOG_PAGE_OFFSET + 1) * PAGE_SIZE;
	ck_assert_int_eq(file->f_op->mmap(file, &vma), -EINVAL);
	vma.vm_flags = VM_SHARED | VM_EXEC;
	ck_assert_int_eq(file->f_op->mmap(file, &vma), -EINVAL);
	vma.vm_flags = VM_SHARED;
	ck_assert_int_eq(file->f_op->mmap(file, &vma), 0);
	fput(file);
	shim_fd_close(fd);
	shim_fd_close(vm);
}
END_TEST

START_TEST(unit_is_held_elsewhere)
{
	int vm, error[] = { -EBUSY, -EIO }, i;

	for (i = 0; i < 2; i++) {
		floor_.unit_refuses = error[i];
		ck_assert_int_eq(sys(KVMX_CREATE_VM, 0), error[i]);
		check_gone();
		ck_assert(!!strstr(shim_printk_last(), "somebody") == !i);
	}
	floor_.unit_refuses = 0;
	vm = new_vm();
	ck_assert_int_eq(floor_.unit_on, 1);
	shim_fd_close(vm);
}
END_TEST

START_TEST(unit_follows_the_machine)
{
	int vm = new_vm(), second = new_vm(), vcpu;
	unsigned long flags;

	ck_assert_int_eq(floor_.unit_on, 1);
	ck_assert(kvmx_unit_ready());
	/* The CPU goes and comes. */
	shim_cpuhp_offline(0);
	ck_assert_int_eq(floor_.unit_on, 0);
	ck_assert(!kvmx_unit_ready());
	ck_assert_int_eq(shim_cpuhp_online(0), 0);
	ck_assert_int_eq(floor_.unit_on, 1);

	local_irq_save(flags);
	floor_.power->suspend();
	ck_assert_int_eq(floor_.unit_on, 0);
	floor_.power->resume();
	ck_assert_int_eq(floor_.unit_on, 1);
	local_irq_restore(flags);
	shim_fd_close(second);
	ck_assert_int_eq(floor_.unit_on, 1);

	vcpu = ctl(vm, KVMX_CREATE_VCPU, 0);
	floor_.power->shutdown();
	ck_assert_int_eq(floor_.unit_on, 0);
	ck_assert(!kvmx_unit_ready());
	ck_assert_int_eq(ctl(vcpu, KVMX_RUN, 0), -EIO);
	ck_assert_int_eq(sys(KVMX_CREATE_VM, 0), -ESHUTDOWN);
	ck_assert_int_eq(shim_cpuhp_online(0), 0);
	ck_assert_int_eq(floor_.unit_on, 0);
	shim_fd_close(vm);
	shim_fd_close(vcpu);
}
END_TEST

START_TEST(kicks_and_requests)
{
	int vm = new_vm(), fd[3], i, kicks;
	struct kvmx_vcpu *v[3];

	for (i = 0; i < 3; i++) {
		fd[i] = ctl(vm, KVMX_CREATE_VCPU, i);
		v[i] = last_vcpu;
	}
	kicks = shim_host_kicks();
	kvmx_vcpu_kick(v[0]);			/* outside: it will see requests by itself */
	ck_assert_int_eq(shim_host_kicks(), kicks);
	v[0]->mode = KVMX_IN_GUEST;
	v[0]->cpu = 5;
	kvmx_vcpu_kick(v[0]);
	ck_assert_int_eq(shim_host_kicks(), kicks + 1);
	ck_assert_int_eq(v[0]->mode, KVMX_LEAVING);
	kvmx_vcpu_kick(v[0]);			/* once is enough */
	ck_assert_int_eq(shim_host_kicks(), kicks + 1);
	v[1]->mode = KVMX_IN_GUEST;		/* on this very CPU: it has left already */
	v[1]->cpu = 0;
	kvmx_vcpu_kick(v[1]);
	ck_assert_int_eq(shim_host_kicks(), kicks + 1);
	ck_assert_int_eq(v[1]->mode, KVMX_LEAVING);

	/* Waiting for all: also for the one that somebody else has kicked. */
	v[1]->mode = KVMX_IN_GUEST;
	v[1]->cpu = 7;
	cpumask_clear(&shim_called_cpus);
	kvmx_vm_request_all(last_vm, KVMX_REQ_TLB_FLUSH, true);
	for (i = 0; i < 3; i++)
		ck_assert(test_bit(KVMX_REQ_TLB_FLUSH, &v[i]->requests));
	ck_assert_uint_eq(shim_called_cpus.bits[0], BIT(5) | BIT(7));
	ck_assert_int_eq(v[1]->mode, KVMX_LEAVING);
	ck_assert_int_eq(shim_host_kicks(), kicks + 1);

	v[2]->mode = KVMX_IN_GUEST;
	v[2]->cpu = 9;
	kvmx_vm_request_all(last_vm, KVMX_REQ_EVENT, false);
	ck_assert_int_eq(shim_host_kicks(), kicks + 2);
	ck_assert(kvmx_vcpu_take(v[2], KVMX_REQ_EVENT));
	ck_assert(!kvmx_vcpu_take(v[2], KVMX_REQ_EVENT));
	for (i = 0; i < 3; i++)
		shim_fd_close(fd[i]);
	shim_fd_close(vm);
}
END_TEST

static void block(struct kvmx_vcpu *vcpu)
{
	struct srcu_struct *srcu = &vcpu->vm->memory.srcu;

	floor_.asked = 0;
	floor_.asked_while_blocked = false;
	vcpu->srcu_idx = srcu_read_lock(srcu);
	kvmx_vcpu_block(vcpu);
	ck_assert(!vcpu->blocked);
	srcu_read_unlock(srcu, vcpu->srcu_idx);
}

START_TEST(halts)
{
	int vm = new_vm(), fd = ctl(vm, KVMX_CREATE_VCPU, 0);
	struct kvmx_vcpu *vcpu = last_vcpu;

	/* No poll time yet: sleeps, and learns that a short poll would have done. */
	floor_.runnable_at = 3;
	block(vcpu);
	ck_assert(floor_.asked_while_blocked);
	ck_assert_uint_eq(vcpu->stat[KVMX_STAT_HALT_SLEPT], 1);
	ck_assert_uint_eq(vcpu->halt_poll_ns, 10000);
	block(vcpu);
	ck_assert(!floor_.asked_while_blocked);
	ck_assert_uint_eq(vcpu->stat[KVMX_STAT_HALT_POLLED], 1);
	ck_assert_uint_eq(vcpu->halt_poll_ns, 10000);
	/* A longer one makes it grow, up to the limit ... */
	floor_.runnable_at = 150;
	block(vcpu);
	ck_assert_uint_eq(vcpu->halt_poll_ns, 20000);
	block(vcpu);
	block(vcpu);
	block(vcpu);
	ck_assert_uint_eq(vcpu->halt_poll_ns, 160000);
	block(vcpu);
	ck_assert(!floor_.asked_while_blocked);
	/* ... and one that no poll would have caught ends it. */
	floor_.runnable_at = 1000;
	block(vcpu);
	ck_assert_uint_eq(vcpu->halt_poll_ns, 0);
	/* The VM's own limit. */
	last_vm->halt_poll_max_ns = 5000;
	last_vm->halt_poll_set = true;
	floor_.runnable_at = 3;
	block(vcpu);
	ck_assert_uint_eq(vcpu->halt_poll_ns, 5000);
	last_vm->halt_poll_max_ns = 0;
	block(vcpu);
	ck_assert(floor_.asked_while_blocked);
	ck_assert_uint_eq(vcpu->halt_poll_ns, 0);

	/* Other reasons than an interrupt. */
	floor_.runnable_at = ~0U;
	shim_set_signal_pending(true);
	block(vcpu);
	shim_set_signal_pending(false);
	kvmx_vcpu_request(vcpu, KVMX_REQ_UNBLOCK);
	block(vcpu);
	ck_assert(!test_bit(KVMX_REQ_UNBLOCK, &vcpu->requests));
	kvmx_vcpu_request(vcpu, KVMX_REQ_VM_DEAD);
	block(vcpu);
	ck_assert(test_bit(KVMX_REQ_VM_DEAD, &vcpu->requests));
	ck_assert_uint_gt(vcpu->stat[KVMX_STAT_HALT_POLLED], 0);
	ck_assert_uint_gt(vcpu->stat[KVMX_STAT_HALT_SLEPT], 0);
	shim_fd_close(fd);
	shim_fd_close(vm);
}
END_TEST

/* Need-resched ends the poll, and irqfds end with the VM's file though vCPU files go on. */
START_TEST(yields_and_eventfds_end)
{
	struct kvmx_irqfd args = { .gsi = 1 };
	int vm = new_vm(), fd = ctl(vm, KVMX_CREATE_VCPU, 0), event = shim_eventfd_new();

	last_vcpu->halt_poll_ns = 100000;
	floor_.runnable_at = 2;
	shim_set_need_resched(true);
	block(last_vcpu);
	shim_set_need_resched(false);
	ck_assert(floor_.asked_while_blocked);

	args.fd = event;
	ck_assert_int_eq(ctl_data(vm, KVMX_IRQFD, &args, sizeof(args)), 0);
	ck_assert(!list_empty(&last_vm->irqs.irqfds));
	shim_fd_close(vm);
	ck_assert(list_empty(&last_vm->irqs.irqfds));
	ck_assert_int_eq(ctl(fd, KVMX_RUN, 0), 0);
	shim_fd_close(fd);
	shim_fd_close(event);
}
END_TEST

static TCase *objects(void)
{
	TCase *tc = UNIT_CASE("objects", system_ioctls, vcpu_ids, files_in_every_order,
			      allocations_that_fail, vm_ioctls, dirty_ioctls,
			      prefault_tells_what_is_left, capabilities_enabled, run,
			      signal_mask, mmap_area, unit_is_held_elsewhere,
			      unit_follows_the_machine, kicks_and_requests, halts,
			      yields_and_eventfds_end);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("vm", objects())
