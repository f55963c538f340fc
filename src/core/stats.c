// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary statistics files of VMs and vCPUs, in the format that the KVM API
 * documents under KVM_GET_STATS_FD: a header, an id string, descriptors, data.
 * Made by the door; a file holds a reference on its VM.
 */
#include <linux/kernel.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <kvmx/arch.h>

#define NAME_SIZE	48	/* of the id and of each counter's name */

struct stat_name {
	const char *name;
	u32 type;
};

static const struct stat_name vm_stats[KVMX_VM_STATS] = {
	[KVMX_STAT_TLB_FLUSHES] = { "remote_tlb_flush", KVMX_STATS_TYPE_CUMULATIVE },
	[KVMX_STAT_PAGES_4K] = { "pages_4k", KVMX_STATS_TYPE_INSTANT },
	[KVMX_STAT_PAGES_2M] = { "pages_2m", KVMX_STATS_TYPE_INSTANT },
	[KVMX_STAT_PAGES_1G] = { "pages_1g", KVMX_STATS_TYPE_INSTANT },
	[KVMX_STAT_INVALIDATIONS] = { "invalidations", KVMX_STATS_TYPE_CUMULATIVE },
};

static const char * const vcpu_stats[KVMX_STAT_ARCH] = {
	[KVMX_STAT_EXITS] = "exits",
	[KVMX_STAT_USER_EXITS] = "user_exits",
	[KVMX_STAT_WINDOWS] = "windows",
	[KVMX_STAT_HALTS] = "halt_exits",
	[KVMX_STAT_HALT_POLLED] = "halt_successful_poll",
	[KVMX_STAT_HALT_SLEPT] = "halt_slept",
	[KVMX_STAT_INTERRUPTS] = "irq_injections",
	[KVMX_STAT_FAULTS] = "stage2_faults",
};

/* struct kvmx_stats_desc with its name. */
struct stat_desc {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[NAME_SIZE];
};
static_assert(offsetof(struct stat_desc, name) == sizeof(struct kvmx_stats_desc));

/* One file: everything but the data is put together when it is opened. */
struct stats_file {
	struct kvmx_vm *vm;		/* [I] holds a reference */
	const u64 *data;		/* [I] the counters themselves */
	u32 nr;				/* [I] */
	struct {
		struct kvmx_stats_header header;
		char id[NAME_SIZE];
		struct stat_desc desc[];
	} fixed;			/* [I] what stands before the data */
};

static size_t fixed_size(u32 nr)
{
	return offsetof(struct stats_file, fixed.desc) - offsetof(struct stats_file, fixed) +
	       nr * sizeof(struct stat_desc);
}

/* Copies [*pos, *pos + len) of a part that stands at @start of the file, as far as it reaches. */
static ssize_t read_part(char __user **buf, size_t *len, loff_t *pos, u64 start,
			 const void *part, size_t size)
{
	size_t skip = *pos - start, n;

	if (*pos < start || skip >= size || !*len)
		return 0;
	n = min(size - skip, *len);
	if (copy_to_user(*buf, part + skip, n))
		return -EFAULT;
	*buf += n;
	*len -= n;
	*pos += n;
	return n;
}

static ssize_t stats_read(struct file *file, char __user *buf, size_t len, loff_t *ppos)
{
	struct stats_file *stats = file->private_data;
	size_t fixed = fixed_size(stats->nr);
	loff_t pos = *ppos;
	ssize_t done;
	u32 i;

	if (pos < 0)
		return -EINVAL;
	done = read_part(&buf, &len, &pos, 0, &stats->fixed, fixed);
	for (i = 0; i < stats->nr && done >= 0 && len; i++) {
		u64 value = READ_ONCE(stats->data[i]);
		ssize_t n = read_part(&buf, &len, &pos, fixed + i * sizeof(value), &value,
				      sizeof(value));

		done = n < 0 ? n : done + n;
	}
	if (done > 0)
		*ppos = pos;
	return done;
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct stats_file *stats = file->private_data;

	kvmx_vm_put(stats->vm);
	kfree(stats);
	return 0;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.read = stats_read,
	.release = stats_release,
	.llseek = noop_llseek,
};

static struct stats_file *stats_alloc(struct kvmx_vm *vm, const u64 *data, u32 nr)
{
	struct stats_file *stats;

	stats = kzalloc(offsetof(struct stats_file, fixed) + fixed_size(nr), GFP_KERNEL_ACCOUNT);
	if (!stats)
		return NULL;
	stats->vm = vm;
	stats->data = data;
	stats->nr = nr;
	stats->fixed.header.name_size = NAME_SIZE;
	stats->fixed.header.num_desc = nr;
	stats->fixed.header.id_offset = sizeof(stats->fixed.header);
	stats->fixed.header.desc_offset = stats->fixed.header.id_offset + NAME_SIZE;
	stats->fixed.header.data_offset = fixed_size(nr);
	return stats;
}

static void stats_describe(struct stats_file *stats, u32 i, const char *name, u32 type)
{
	struct stat_desc *desc = &stats->fixed.desc[i];

	desc->flags = type | KVMX_STATS_UNIT_NONE | KVMX_STATS_BASE_POW10;
	desc->size = 1;
	desc->offset = i * sizeof(u64);
	strscpy(desc->name, name, sizeof(desc->name));
}

/* Makes the descriptor; takes over @stats. */
static int stats_install(struct stats_file *stats, const char *name)
{
	struct file *file;
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto free;
	}
	file = anon_inode_getfile(name, &stats_fops, stats, O_RDONLY);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_fd;
	}
	kvmx_vm_get(stats->vm);
	file->f_mode |= FMODE_PREAD;
	fd_install(fd, file);
	return fd;
put_fd:
	put_unused_fd(fd);
free:
	kfree(stats);
	return err;
}

int kvmx_stats_fd_vm(struct kvmx_vm *vm)
{
	struct stats_file *stats = stats_alloc(vm, vm->stat, KVMX_VM_STATS);
	u32 i;

	if (!stats)
		return -ENOMEM;
	strscpy(stats->fixed.id, vm->name, NAME_SIZE);
	for (i = 0; i < KVMX_VM_STATS; i++)
		stats_describe(stats, i, vm_stats[i].name, vm_stats[i].type);
	return stats_install(stats, "kvmx-vm-stats");
}

int kvmx_stats_fd_vcpu(struct kvmx_vcpu *vcpu)
{
	u32 arch = min_t(u32, kvmx_arch_nr_vcpu_stats, KVMX_VCPU_STATS - KVMX_STAT_ARCH);
	struct stats_file *stats = stats_alloc(vcpu->vm, vcpu->stat, KVMX_STAT_ARCH + arch);
	u32 i;

	if (!stats)
		return -ENOMEM;
	snprintf(stats->fixed.id, NAME_SIZE, "%s/vcpu-%u", vcpu->vm->name, vcpu->id);
	for (i = 0; i < KVMX_STAT_ARCH; i++)
		stats_describe(stats, i, vcpu_stats[i], KVMX_STATS_TYPE_CUMULATIVE);
	for (i = 0; i < arch; i++)
		stats_describe(stats, KVMX_STAT_ARCH + i, kvmx_arch_vcpu_stat_names[i],
			       KVMX_STATS_TYPE_CUMULATIVE);
	return stats_install(stats, "kvmx-vcpu-stats");
}
