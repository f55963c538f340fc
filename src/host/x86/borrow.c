// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding in-tree KVM, so that it keeps the virtualization unit enabled for
 * as long as guests of ours run in it. Declared in kvmx/host.h; called when
 * the first VM is created and after the last.
 */
#include <linux/kernel.h>
#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/string.h>
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

static struct file *open_below(struct vfsmount *mnt, const char *name)
{
#if KVMX_HAVE_FILE_OPEN_ROOT_PATH
	const struct path root = { .mnt = mnt, .dentry = mnt->mnt_root };

	return file_open_root(&root, name, O_RDWR, 0);
#else
	return file_open_root(mnt->mnt_root, mnt, name, O_RDWR, 0);
#endif
}

/*
 * In a kernel thread, and where the kernel itself keeps its devices: what a VMM
 * may open, where its root is, and what it has mounted over /dev/kvm does not
 * matter. Kernel threads have no root that leads to /dev.
 */
static void open_kvm(struct work_struct *work)
{
	struct opening *opening = container_of(work, struct opening, work);
	struct file_system_type *type = get_fs_type("devtmpfs");
	struct vfsmount *mnt;

	opening->file = ERR_PTR(-ENODEV);
	if (!type)
		return;
	mnt = kern_mount(type);
	if (IS_ERR(mnt)) {
		opening->file = ERR_CAST(mnt);
		return;
	}
	opening->file = open_below(mnt, "kvm");
	/* The file keeps it for as long as it is open. */
	kern_unmount(mnt);
}

/* Which may be ours: the module's claim_dev_kvm=1. */
static struct file *kvm_device(void)
{
	struct opening opening;

	INIT_WORK_ONSTACK(&opening.work, open_kvm);
	schedule_work(&opening.work);
	flush_work(&opening.work);
	destroy_work_on_stack(&opening.work);
	if (!IS_ERR(opening.file) &&
	    (file_inode(opening.file)->i_rdev != MKDEV(MISC_MAJOR, KVM_MINOR) ||
	     opening.file->f_op->owner == THIS_MODULE)) {
		fput(opening.file);
		return ERR_PTR(-ENODEV);
	}
	return opening.file;
}

/*
 * Other files of KVM than its device belong to a VM, which they keep. Where
 * the VM itself keeps the module (6.1), its file has no owner, but the name.
 */
static bool keeps_a_vm(const struct file *file, const struct file *device)
{
	if (file->f_op == device->f_op)
		return false;
	if (file->f_op->owner)
		return file->f_op->owner == device->f_op->owner;
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(file->f_path.dentry->d_name.name, "kvm-vm");
}

/*
 * KVM may enable the unit for its VMs only, so it has to have one. The call
 * gives a descriptor to this process, which is taken back: the file stays.
 * Another thread may have put another file in its place.
 */
int kvmx_host_kvm_hold(void)
{
	struct file *device = kvm_device();
	long fd;

	if (IS_ERR(device))
		return PTR_ERR(device);
	fd = device->f_op->unlocked_ioctl(device, KVMX_CREATE_VM, 0);
	if (fd >= 0) {
		held = fget(fd);
		close_descriptor(fd);
		if (held && !keeps_a_vm(held, device)) {
			fput(held);
			held = NULL;
		}
	}
	fput(device);
	if (fd < 0)
		return fd;
	return held ? 0 : -EBADF;
}

void kvmx_host_kvm_release(void)
{
	if (held)
		fput(held);
	held = NULL;
}
