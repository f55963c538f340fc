// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding in-tree KVM, so that it keeps the virtualization unit enabled for
 * as long as guests of ours run in it. Declared in kvmx/host.h; called when
 * the first VM is created and after the last.
 */
#include <linux/kernel.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/syscalls.h>
#include <linux/workqueue.h>
#include <linux/kvmx.h>

#include <kvmx/host.h>

#include "kvmx-facts.h"

/* Set while KVM is held: the file of a VM that nobody uses. */
static struct file *held;

struct opening {
	struct work_struct work;
	struct file *file;
};

static void close_descriptor(int fd)
{
#if KVMX_HAVE_CLOSE_FD
	close_fd(fd);
#else
	ksys_close(fd);
#endif
}

/* In a kernel thread: what a VMM may open, and where its root is, does not matter. */
static void open_kvm(struct work_struct *work)
{
	struct opening *opening = container_of(work, struct opening, work);

	opening->file = filp_open("/dev/kvm", O_RDWR, 0);
}

static struct file *kvm_device(void)
{
	struct opening opening;

	INIT_WORK_ONSTACK(&opening.work, open_kvm);
	schedule_work(&opening.work);
	flush_work(&opening.work);
	destroy_work_on_stack(&opening.work);
	if (!IS_ERR(opening.file) &&
	    file_inode(opening.file)->i_rdev != MKDEV(MISC_MAJOR, KVM_MINOR)) {
		fput(opening.file);
		return ERR_PTR(-ENODEV);
	}
	return opening.file;
}

/*
 * KVM may enable the unit for its VMs only, so it has to have one. The call
 * gives a descriptor to this process, which is taken back: the file stays.
 */
int kvmx_host_kvm_hold(void)
{
	struct file *device = kvm_device();
	long fd;

	if (IS_ERR(device))
		return PTR_ERR(device);
	fd = device->f_op->unlocked_ioctl(device, KVMX_CREATE_VM, 0);
	fput(device);
	if (fd < 0)
		return fd;
	held = fget(fd);
	close_descriptor(fd);
	return held ? 0 : -EBADF;
}

void kvmx_host_kvm_release(void)
{
	if (held)
		fput(held);
	held = NULL;
}
