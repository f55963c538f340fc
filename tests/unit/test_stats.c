// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary statistics files: the layout that the KVM API documents, reads at
 * any offset, the reference on the VM.
 */
/* links: src/core/stats.c */
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <kvmx/arch.h>
#include "unit.h"

const char * const kvmx_arch_vcpu_stat_names[] = {
	"cpuid_exits", "io_exits", "a_name_that_is_so_long_that_it_does_not_fit_in_its_place",
};
const unsigned int kvmx_arch_nr_vcpu_stats = 3;

static struct kvmx_vm *vm;
static struct kvmx_vcpu vcpu;
static int refs;
static u8 *user;

#define USER_SIZE	16384

void kvmx_vm_get(struct kvmx_vm *v)
{
	ck_assert_ptr_eq(v, vm);
	refs++;
}

void kvmx_vm_put(struct kvmx_vm *v)
{
	ck_assert_ptr_eq(v, vm);
	refs--;
}

static void setup(void)
{
	int i;

	vm = calloc(1, sizeof(*vm));
	memset(&vcpu, 0, sizeof(vcpu));
	strcpy(vm->name, "kvmx-7-3");
	vcpu.vm = vm;
	vcpu.id = 42;
	for (i = 0; i < KVMX_VM_STATS; i++)
		vm->stat[i] = 1000 + i;
	for (i = 0; i < KVMX_VCPU_STATS; i++)
		vcpu.stat[i] = 2000 + i;
	user = malloc(USER_SIZE);
	shim_user_register(user, USER_SIZE);
	refs = 0;
}

static void teardown(void)
{
	ck_assert_int_eq(refs, 0);
	ck_assert_uint_eq(shim_alloc_live(), 0);
	shim_user_unregister(user);
	free(user);
	free(vm);
}

static ssize_t read_at(int fd, void *to, size_t len, loff_t pos, loff_t *after)
{
	struct file *file = fget(fd);
	ssize_t got = file->f_op->read(file, to, len, &pos);

	if (after)
		*after = pos;
	fput(file);
	return got;
}

/* Reads all of the file and checks each field against what the API says. */
static void check_file(int fd, u32 nr, const char *id, u64 first)
{
	const struct kvmx_stats_header *header = (void *)user;
	size_t desc_size, total;
	ssize_t got;
	u32 i;

	memset(user, 0xcc, USER_SIZE);
	got = read_at(fd, user, USER_SIZE, 0, NULL);
	ck_assert_uint_eq(header->flags, 0);
	ck_assert_uint_eq(header->num_desc, nr);
	ck_assert_uint_ge(header->id_offset, sizeof(*header));
	ck_assert_str_eq((char *)user + header->id_offset, id);
	ck_assert_uint_lt(strnlen((char *)user + header->id_offset, header->name_size),
			  header->name_size);
	desc_size = sizeof(struct kvmx_stats_desc) + header->name_size;
	total = header->data_offset + nr * sizeof(u64);
	ck_assert_int_eq(got, total);
	ck_assert_uint_eq(header->data_offset % 8, 0);
	ck_assert_uint_ge(header->desc_offset, header->id_offset + header->name_size);
	ck_assert_uint_le(header->desc_offset + nr * desc_size, header->data_offset);
	for (i = 0; i < nr; i++) {
		const struct kvmx_stats_desc *desc =
			(void *)(user + header->desc_offset + i * desc_size);
		u64 value;

		ck_assert_uint_eq(desc->size, 1);
		ck_assert_int_eq(desc->exponent, 0);
		ck_assert_uint_eq(desc->flags & KVMX_STATS_UNIT_MASK, KVMX_STATS_UNIT_NONE);
		ck_assert_uint_le(desc->flags & KVMX_STATS_TYPE_MASK, KVMX_STATS_TYPE_INSTANT);
		ck_assert_uint_eq(desc->bucket_size, 0);
		ck_assert_uint_gt(strlen(desc->name), 0);
		ck_assert_uint_lt(strnlen(desc->name, header->name_size), header->name_size);
		memcpy(&value, user + header->data_offset + desc->offset, sizeof(value));
		ck_assert_uint_eq(value, first + i);
	}
}

START_TEST(vm_file)
{
	int fd = kvmx_stats_fd_vm(vm);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(refs, 1);
	check_file(fd, KVMX_VM_STATS, "kvmx-7-3", 1000);
	shim_fd_close(fd);
}
END_TEST

START_TEST(vcpu_file)
{
	int fd = kvmx_stats_fd_vcpu(&vcpu);

	ck_assert_int_ge(fd, 0);
	check_file(fd, KVMX_STAT_ARCH + 3, "kvmx-7-3/vcpu-42", 2000);
	shim_fd_close(fd);
}
END_TEST

START_TEST(counters_are_live)
{
	int fd = kvmx_stats_fd_vm(vm);
	struct kvmx_stats_header header;
	u64 *value = (void *)user;

	ck_assert_int_eq(read_at(fd, user, sizeof(header), 0, NULL), sizeof(header));
	memcpy(&header, user, sizeof(header));
	vm->stat[0] = 77;
	ck_assert_int_eq(read_at(fd, value, 8, header.data_offset, NULL), 8);
	ck_assert_uint_eq(*value, 77);
	vm->stat[0]++;
	ck_assert_int_eq(read_at(fd, value, 8, header.data_offset, NULL), 8);
	ck_assert_uint_eq(*value, 78);
	shim_fd_close(fd);
}
END_TEST

START_TEST(any_offset_and_length)
{
	int fd = kvmx_stats_fd_vcpu(&vcpu);
	static u8 whole[USER_SIZE];
	ssize_t total, got, want;
	loff_t pos, after;
	size_t len;
	int i;

	total = read_at(fd, user, USER_SIZE, 0, &after);
	ck_assert_int_eq(after, total);
	memcpy(whole, user, total);
	for (i = 0; i < 20000; i++) {
		pos = unit_random_below(total + 16);
		len = unit_random_below(4) ? unit_random_below(64) : unit_random_below(total);
		memset(user, 0xcc, USER_SIZE);
		got = read_at(fd, user, len, pos, &after);
		want = pos < total ? min_t(ssize_t, len, total - pos) : 0;
		ck_assert_int_eq(got, want);
		ck_assert_int_eq(after, pos + want);
		ck_assert(!memcmp(user, whole + pos, want));
		ck_assert_uint_eq(user[want], 0xcc);
	}
	/* In small steps the same comes out. */
	for (pos = 0; pos < total; pos += got) {
		got = read_at(fd, user, 7, pos, NULL);
		ck_assert_int_gt(got, 0);
		ck_assert(!memcmp(user, whole + pos, got));
	}
	shim_fd_close(fd);
}
END_TEST

START_TEST(bad_reads)
{
	int fd = kvmx_stats_fd_vm(vm);

	ck_assert_int_eq(read_at(fd, user, 8, -1, NULL), -EINVAL);
	ck_assert_int_eq(read_at(fd, user, 8, S64_MAX, NULL), 0);
	ck_assert_int_eq(read_at(fd, NULL, 8, 0, NULL), -EFAULT);
	ck_assert_int_eq(read_at(fd, user + USER_SIZE - 4, 100, 0, NULL), -EFAULT);
	ck_assert_int_eq(read_at(fd, user, 0, 0, NULL), 0);
	shim_fd_close(fd);
}
END_TEST

START_TEST(no_memory)
{
	int n, fd = -ENOMEM;

	for (n = 0; fd < 0; n++) {
		ck_assert_int_eq(fd, -ENOMEM);
		ck_assert_int_eq(refs, 0);
		ck_assert_uint_eq(shim_alloc_live(), 0);
		shim_fail_alloc_after(n);
		fd = kvmx_stats_fd_vcpu(&vcpu);
		shim_fail_alloc_after(-1);
	}
	ck_assert_int_gt(n, 1);
	shim_fd_close(fd);
}
END_TEST

static TCase *files(void)
{
	TCase *tc = UNIT_CASE("files", vm_file, vcpu_file, counters_are_live,
			      any_offset_and_length, bad_reads, no_memory);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

UNIT_MAIN("stats", files())
