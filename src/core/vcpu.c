// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPU objects: creation, their file, its mmap area and its generic ioctls,
 * KVMX_RUN above all; how a vCPU is made to notice something (wake, kick,
 * request) and how it halts. Running guest code is the guest floor's.
 */
#include <linux/kernel.h>
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <kvmx/arch.h>
#include <kvmx/host.h>

#include "door.h"

/* Whom kvmx_vm_request_all() waits for; used with preemption off. */
static DEFINE_PER_CPU(cpumask_var_t, wait_mask);

void kvmx_vcpu_wake(struct kvmx_vcpu *vcpu)
{
	/* Either the sleeper sees the reason, or we see the sleeper. */
	smp_mb();
	if (rcuwait_active(&vcpu->wait))
		rcuwait_wake_up(&vcpu->wait);
}

/*
 * The vCPU's own CPU needs no interrupt: what runs there runs because the
 * guest has already left, and requests are looked at before the next entry.
 */
static void kick_cpu(struct kvmx_vcpu *vcpu)
{
	int cpu;

	if (cmpxchg(&vcpu->mode, KVMX_IN_GUEST, KVMX_LEAVING) != KVMX_IN_GUEST)
		return;
	cpu = READ_ONCE(vcpu->cpu);
	if (cpu < 0)
		return;
	if (cpu != get_cpu())
		kvmx_host_kick_cpu(cpu);
	put_cpu();
}

void kvmx_vcpu_kick(struct kvmx_vcpu *vcpu)
{
	kvmx_vcpu_wake(vcpu);
	kick_cpu(vcpu);
}

static void do_nothing(void *unused)
{
}

/*
 * Interrupts every CPU that is in guest code of @vm and waits until they have
 * taken the interrupt. A vCPU that is LEAVING was kicked by somebody else, but
 * may not have left yet.
 */
static void wait_for_exits(struct kvmx_vm *vm, u32 nr)
{
	struct cpumask *mask;
	u32 i;
	int me, cpu;

	me = get_cpu();
	mask = this_cpu_cpumask_var_ptr(wait_mask);
	cpumask_clear(mask);
	for (i = 0; i < nr; i++) {
		struct kvmx_vcpu *vcpu = vm->vcpus[i];

		if (READ_ONCE(vcpu->mode) == KVMX_OUTSIDE)
			continue;
		cmpxchg(&vcpu->mode, KVMX_IN_GUEST, KVMX_LEAVING);
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != me)
			cpumask_set_cpu(cpu, mask);
	}
	if (!cpumask_empty(mask))
		smp_call_function_many(mask, do_nothing, NULL, true);
	put_cpu();
}

void kvmx_vm_request_all(struct kvmx_vm *vm, int req, bool wait)
{
	u32 nr, i;

	/* A vCPU that is created after this sees what the request is about. */
	smp_mb();
	nr = kvmx_vm_nr_vcpus(vm);
	for (i = 0; i < nr; i++)
		kvmx_vcpu_request(vm->vcpus[i], req);
	/* Pairs with the run loop, which sets IN_GUEST before it looks at requests. */
	smp_mb();
	if (wait) {
		wait_for_exits(vm, nr);
		return;
	}
	for (i = 0; i < nr; i++)
		kick_cpu(vm->vcpus[i]);
}

static long run_vcpu(struct kvmx_vcpu *vcpu)
{
	bool again;
	int result;

	if (vcpu->sigset_active) {
		/*
		 * While KVMX_SET_SIGNAL_MASK's mask is in force, the task's own one is
		 * kept in real_blocked, so that a signal which only the latter blocks
		 * stays pending instead of being dropped as ignored.
		 */
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
	}
	WRITE_ONCE(vcpu->runner, current);
	result = kvmx_run(vcpu);
	WRITE_ONCE(vcpu->runner, NULL);
	/*
	 * EINTR is for signals, with the mask still in force, and for who asked for it. Of
	 * work that the kernel has for the task user space is to know nothing.
	 */
	again = result == -EINTR && !signal_pending(current) &&
		!READ_ONCE(vcpu->run->immediate_exit);
	if (vcpu->sigset_active) {
		sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
		sigemptyset(&current->real_blocked);
	}
	vcpu->stat[KVMX_STAT_USER_EXITS]++;
	return again ? kvmx_host_call_again() : result;
}

static long run(struct kvmx_call *call)
{
	return run_vcpu(call->vcpu);
}

/* No argument: the mask that was set no longer counts. */
static long set_signal_mask(struct kvmx_call *call)
{
	const struct kvmx_signal_mask *mask = call->data;
	struct kvmx_vcpu *vcpu = call->vcpu;
	sigset_t set;

	if (!mask) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (mask->len != sizeof(set))
		return -EINVAL;
	if (kvmx_call_get(call->arg + offsetof(struct kvmx_signal_mask, sigset), &set, sizeof(set)))
		return -EFAULT;
	vcpu->sigset = set;
	sigdelset(&vcpu->sigset, SIGKILL);
	sigdelset(&vcpu->sigset, SIGSTOP);
	vcpu->sigset_active = true;
	return 0;
}

static long enable_cap(struct kvmx_call *call)
{
	return kvmx_arch_enable_cap(call->vm, call->vcpu, call->data);
}

static long pre_fault_memory(struct kvmx_call *call)
{
	return kvmx_memory_prefault(call->vcpu, call->data);
}

static long get_stats_fd(struct kvmx_call *call)
{
	return kvmx_stats_fd_vcpu(call->vcpu);
}

const struct kvmx_ioctl kvmx_vcpu_ioctls[] = {
	KVMX_ROW(VCPU, KVMX_RUN, KVMX_IOC_ZERO_ARG, run),
	KVMX_ROW(VCPU, KVMX_SET_SIGNAL_MASK, KVMX_IOC_NULL_OK, set_signal_mask),
	KVMX_ROW(VCPU, KVMX_ENABLE_CAP, 0, enable_cap),
	KVMX_ROW(VCPU, KVMX_PRE_FAULT_MEMORY, 0, pre_fault_memory),
	KVMX_ROW(VCPU, KVMX_GET_STATS_FD,
		 KVMX_IOC_PLAIN_ARG | KVMX_IOC_NO_MUTEX | KVMX_IOC_ANYBODY, get_stats_fd),
};
const unsigned int kvmx_vcpu_nr_ioctls = ARRAY_SIZE(kvmx_vcpu_ioctls);

static noinline long ioctl_other(struct kvmx_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	struct kvmx_call call = { .vm = vcpu->vm, .vcpu = vcpu };

	return kvmx_ioctl(KVMX_SCOPE_VCPU, &call, cmd, arg);
}

/* What the row of KVMX_RUN says, without looking for it. */
static long ioctl_run(struct kvmx_vcpu *vcpu, unsigned long arg)
{
	long result = kvmx_ioctl_check_vm(vcpu->vm);

	if (result)
		return result;
	if (arg)
		return -EINVAL;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	result = run_vcpu(vcpu);
	mutex_unlock(&vcpu->mutex);
	return result;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kvmx_vcpu *vcpu = file->private_data;

	if (likely(cmd == KVMX_RUN))
		return ioctl_run(vcpu, arg);
	return ioctl_other(vcpu, cmd, arg);
}

#ifdef CONFIG_COMPAT
static long vcpu_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vcpu_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
}
#endif

static bool in_dirty_ring(unsigned long pgoff)
{
	return pgoff >= KVMX_DIRTY_LOG_PAGE_OFFSET;
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct kvmx_vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page;

	if (vmf->pgoff == 0)
		page = virt_to_page(vcpu->run);
	else if (vmf->pgoff < KVMX_COALESCED_MMIO_PAGE_OFFSET)
		page = virt_to_page(vcpu->pio_page);
	else if (vmf->pgoff == KVMX_COALESCED_MMIO_PAGE_OFFSET)
		page = virt_to_page(vcpu->vm->coalesced.ring);
	else
		page = in_dirty_ring(vmf->pgoff) ?
			kvmx_dirty_ring_page(vcpu, vmf->pgoff - KVMX_DIRTY_LOG_PAGE_OFFSET) : NULL;
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

/* The dirty ring is of use only when it is shared. */
static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (in_dirty_ring(vma->vm_pgoff + vma_pages(vma) - 1) &&
	    ((vma->vm_flags & VM_EXEC) || !(vma->vm_flags & VM_SHARED)))
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct kvmx_vcpu *vcpu = file->private_data;

	kvmx_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = vcpu_compat_ioctl,
#endif
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

void kvmx_vcpu_destroy(struct kvmx_vcpu *vcpu)
{
	unsigned long run = (unsigned long)vcpu->run;
	unsigned long pio_page = (unsigned long)vcpu->pio_page;

	mutex_destroy(&vcpu->mutex);
	kvmx_dirty_ring_destroy(vcpu);
	kvmx_arch_vcpu_free(vcpu);
	free_page(run);
	free_page(pio_page);
}

/* A vCPU that nobody knows yet, or ERR_PTR. */
static struct kvmx_vcpu *vcpu_alloc(struct kvmx_vm *vm, u32 id)
{
	struct kvmx_vcpu *vcpu;
	int err;

	vcpu = kvmx_arch_vcpu_alloc(vm, id);
	if (IS_ERR(vcpu))
		return vcpu;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->index = kvmx_vm_nr_vcpus(vm);
	vcpu->cpu = -1;
	vcpu->mode = KVMX_OUTSIDE;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);

	err = kvmx_dirty_ring_init(vcpu);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (KVMX_HAS_PIO_PAGE)
		vcpu->pio_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run || (KVMX_HAS_PIO_PAGE && !vcpu->pio_page))
		err = -ENOMEM;
	if (!err)
		err = kvmx_arch_vcpu_init(vcpu);
	if (!err)
		return vcpu;
	kvmx_vcpu_destroy(vcpu);
	return ERR_PTR(err);
}

static int vcpu_publish(struct kvmx_vcpu *vcpu)
{
	struct kvmx_vm *vm = vcpu->vm;
	struct file *file;
	char name[32];
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "kvmx-vcpu:%u", vcpu->id);
	file = anon_inode_getfile(name, &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	kvmx_vm_get(vm);
	vm->vcpus[vcpu->index] = vcpu;
	/* Pairs with kvmx_vm_nr_vcpus(). */
	atomic_set_release(&vm->nr_vcpus, vcpu->index + 1);
	kvmx_arch_vcpu_posted(vcpu);
	fd_install(fd, file);
	return fd;
}

int kvmx_vcpu_create(struct kvmx_vm *vm, unsigned long id)
{
	struct kvmx_vcpu *vcpu;
	int fd;

	if (id >= vm->max_vcpu_id || kvmx_vm_nr_vcpus(vm) >= KVMX_MAX_VCPUS)
		return -EINVAL;
	if (kvmx_vm_vcpu_by_id(vm, id))
		return -EEXIST;
	vcpu = vcpu_alloc(vm, id);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	fd = vcpu_publish(vcpu);
	if (fd < 0)
		kvmx_vcpu_destroy(vcpu);
	return fd;
}

int kvmx_vcpus_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var(per_cpu_ptr(&wait_mask, cpu), GFP_KERNEL)) {
			kvmx_vcpus_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void kvmx_vcpus_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(wait_mask, cpu));
}
