// SPDX-License-Identifier: GPL-2.0-only
/* What of libkvmx works without a device: sizes, handles, statistics files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "internal.h"
#include "tests.h"

struct config {
	size_t size;
	uint32_t a, b;
};

START_TEST(config_sizes)
{
	struct { struct config c; uint64_t newer; } in = { { 0 }, 0 };
	struct config out;

	in.c = (struct config){ sizeof(in.c), 1, 2 };
	ck_assert_int_eq(kvmx_config_copy(&out, sizeof(out), &in), 0);
	ck_assert_uint_eq(out.b, 2);
	/* an older caller's structure ends before b */
	in.c.size = offsetof(struct config, b);
	ck_assert_int_eq(kvmx_config_copy(&out, sizeof(out), &in), 0);
	ck_assert_uint_eq(out.a, 1);
	ck_assert_uint_eq(out.b, 0);
	/* a newer caller's asks for nothing we do not know, or for something */
	in.c.size = sizeof(in);
	ck_assert_int_eq(kvmx_config_copy(&out, sizeof(out), &in), 0);
	in.newer = 1;
	ck_assert_int_eq(kvmx_config_copy(&out, sizeof(out), &in), -E2BIG);
	in.c.size = 0;
	ck_assert_int_eq(kvmx_config_copy(&out, sizeof(out), &in), -EINVAL);
	ck_assert_int_eq(kvmx_config_copy(&out, sizeof(out), NULL), -EINVAL);
}
END_TEST

START_TEST(opening)
{
	struct kvmx *kvmx;

	ck_assert_int_eq(kvmx_open("/nonexistent", &kvmx), -ENOENT);
	ck_assert_int_eq(kvmx_open("/dev/null", &kvmx), -ENOTTY);
	ck_assert_int_eq(kvmx_open("/dev/null", NULL), -EINVAL);
}
END_TEST

START_TEST(null_handles)
{
	struct kvmx_exit_io io;

	kvmx_close(NULL);
	kvmx_vm_close(NULL);
	kvmx_vcpu_close(NULL);
	kvmx_stats_close(NULL);
	ck_assert_int_eq(kvmx_check_extension(NULL, 0), -EINVAL);
	ck_assert_int_eq(kvmx_vm_create(NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(kvmx_vm_memory_add(NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(kvmx_vm_irq_line(NULL, 0, 0), -EINVAL);
	ck_assert_int_eq(kvmx_vcpu_run(NULL), -EINVAL);
	ck_assert_int_eq(kvmx_vcpu_kick(NULL), -EINVAL);
	ck_assert_int_eq(kvmx_vcpu_exit_io(NULL, &io), -EINVAL);
	ck_assert_int_eq(kvmx_vcpu_get_regs(NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(exit_names)
{
	ck_assert_str_eq(kvmx_exit_name(KVMX_EXIT_IO), "IO");
	ck_assert_str_eq(kvmx_exit_name(KVMX_EXIT_DCR), "(other)");
	ck_assert_str_eq(kvmx_exit_name(UINT32_MAX), "(other)");
}
END_TEST

/* A vCPU whose run page the test writes, as a kernel would, or a bad one. */
static struct kvmx_vcpu fake_vcpu(void)
{
	struct kvmx_vcpu vcpu = { .fd = -1, .run_size = 3 * 4096 };

	vcpu.run = aligned_alloc(4096, vcpu.run_size);
	memset(vcpu.run, 0, vcpu.run_size);
	return vcpu;
}

START_TEST(port_exits)
{
	struct kvmx_vcpu vcpu = fake_vcpu();
	struct kvmx_exit_io io;

	vcpu.run->exit_reason = KVMX_EXIT_IO;
	vcpu.run->io.direction = KVMX_EXIT_IO_OUT;
	vcpu.run->io.size = 4;
	vcpu.run->io.port = 0x3f8;
	vcpu.run->io.count = 1024;
	vcpu.run->io.data_offset = 4096;
	ck_assert_int_eq(kvmx_vcpu_exit_io(&vcpu, &io), 0);
	ck_assert_uint_eq(io.is_write, 1);
	ck_assert_ptr_eq(io.data, (uint8_t *)vcpu.run + 4096);
	vcpu.run->io.count = 2049;
	ck_assert_int_eq(kvmx_vcpu_exit_io(&vcpu, &io), -EPROTO);
	vcpu.run->io.count = 0xffffffff;
	ck_assert_int_eq(kvmx_vcpu_exit_io(&vcpu, &io), -EPROTO);
	vcpu.run->io.count = 1;
	vcpu.run->io.data_offset = UINT64_MAX;
	ck_assert_int_eq(kvmx_vcpu_exit_io(&vcpu, &io), -EPROTO);
	vcpu.run->io.data_offset = 4096;
	vcpu.run->io.size = 8;
	ck_assert_int_eq(kvmx_vcpu_exit_io(&vcpu, &io), -EPROTO);
	vcpu.run->exit_reason = KVMX_EXIT_HLT;
	ck_assert_int_eq(kvmx_vcpu_exit_io(&vcpu, &io), -ENODATA);
	free(vcpu.run);
}
END_TEST

START_TEST(other_exits)
{
	struct kvmx_vcpu vcpu = fake_vcpu();
	struct kvmx_exit_system_event event;
	struct kvmx_exit_error error;
	struct kvmx_exit_mmio mmio;

	vcpu.run->exit_reason = KVMX_EXIT_MMIO;
	vcpu.run->mmio.len = 8;
	vcpu.run->mmio.phys_addr = 0xd0000000;
	ck_assert_int_eq(kvmx_vcpu_exit_mmio(&vcpu, &mmio), 0);
	ck_assert_uint_eq(mmio.address, 0xd0000000);
	vcpu.run->mmio.len = 9;
	ck_assert_int_eq(kvmx_vcpu_exit_mmio(&vcpu, &mmio), -EPROTO);
	vcpu.run->mmio.len = 0;
	ck_assert_int_eq(kvmx_vcpu_exit_mmio(&vcpu, &mmio), -EPROTO);
	ck_assert_int_eq(kvmx_vcpu_exit_error(&vcpu, &error), -ENODATA);

	vcpu.run->exit_reason = KVMX_EXIT_SYSTEM_EVENT;
	vcpu.run->system_event.type = KVMX_SYSTEM_EVENT_RESET;
	vcpu.run->system_event.ndata = 1;
	vcpu.run->system_event.data[0] = 5;
	ck_assert_int_eq(kvmx_vcpu_exit_system_event(&vcpu, &event), 0);
	ck_assert_uint_eq(event.type, KVMX_SYSTEM_EVENT_RESET);
	ck_assert_uint_eq(event.data[0], 5);
	vcpu.run->system_event.ndata = 17;
	ck_assert_int_eq(kvmx_vcpu_exit_system_event(&vcpu, &event), -EPROTO);

	vcpu.run->exit_reason = KVMX_EXIT_INTERNAL_ERROR;
	vcpu.run->internal.suberror = KVMX_INTERNAL_ERROR_EMULATION;
	vcpu.run->internal.ndata = 0xffffffff;
	ck_assert_int_eq(kvmx_vcpu_exit_error(&vcpu, &error), -EPROTO);
	vcpu.run->internal.ndata = 16;
	ck_assert_int_eq(kvmx_vcpu_exit_error(&vcpu, &error), 0);
	ck_assert_uint_eq(error.code, KVMX_INTERNAL_ERROR_EMULATION);
	free(vcpu.run);
}
END_TEST

/* ---- Statistics files -------------------------------------------------- */

#define NAME	16u

struct stats_file {
	struct kvmx_stats_header header;
	char id[NAME];
	struct {
		struct kvmx_stats_desc desc;
		char name[NAME];
	} desc[2];
	uint64_t data[4];
};

static struct stats_file good_file(void)
{
	struct stats_file f = {
		.header = {
			.name_size = NAME,
			.num_desc = 2,
			.id_offset = offsetof(struct stats_file, id),
			.desc_offset = offsetof(struct stats_file, desc),
			.data_offset = offsetof(struct stats_file, data),
		},
		.id = "kvmx-1",
		.desc = {
			{ { .size = 1, .offset = 0 }, "exits" },
			{ { .size = 3, .offset = 8, .exponent = -9,
			    .flags = KVMX_STATS_UNIT_SECONDS }, "wait" },
		},
		.data = { 10, 20, 30, 40 },
	};

	return f;
}

static int file_open(const struct stats_file *f, size_t size, int *fd)
{
	*fd = memfd_create("stats", 0);
	ck_assert_int_ge(*fd, 0);
	ck_assert_int_eq(write(*fd, f, size), (ssize_t)size);
	return 0;
}

static int stats_open(const struct stats_file *f, size_t size)
{
	struct kvmx_stats *stats;
	int fd, ret;

	file_open(f, size, &fd);
	ret = kvmx_stats_open(fd, &stats);
	if (!ret)
		kvmx_stats_close(stats);
	close(fd);
	return ret;
}

START_TEST(statistics)
{
	struct stats_file f = good_file();
	struct kvmx_stats *stats;
	struct kvmx_stat stat;
	uint64_t now = 11;
	int fd;

	file_open(&f, sizeof(f), &fd);
	ck_assert_int_eq(kvmx_stats_open(fd, &stats), 0);
	ck_assert_uint_eq(kvmx_stats_count(stats), 2);
	ck_assert_str_eq(kvmx_stats_id(stats), "kvmx-1");
	ck_assert_int_eq(kvmx_stats_get(stats, 0, &stat), 0);
	ck_assert_str_eq(stat.name, "exits");
	ck_assert_uint_eq(stat.values[0], 10);
	ck_assert_int_eq(pwrite(fd, &now, 8, f.header.data_offset), 8);
	ck_assert_int_eq(kvmx_stats_refresh(stats), 0);
	ck_assert_uint_eq(stat.values[0], 11);
	ck_assert_int_eq(kvmx_stats_get(stats, 1, &stat), 0);
	ck_assert_uint_eq(stat.count, 3);
	ck_assert_int_eq(stat.exponent, -9);
	ck_assert_uint_eq(stat.values[2], 40);
	ck_assert_int_eq(kvmx_stats_get(stats, 2, &stat), -ERANGE);
	kvmx_stats_close(stats);
	close(fd);
}
END_TEST

START_TEST(statistics_refused)
{
	struct stats_file f = good_file();

	for (size_t size = 0; size < sizeof(f); size++)
		ck_assert_int_eq(stats_open(&f, size), -EIO);
	f.header.name_size = 0;
	ck_assert_int_eq(stats_open(&f, sizeof(f)), -EPROTO);
	f.header.name_size = 0xffffffff;
	ck_assert_int_eq(stats_open(&f, sizeof(f)), -EPROTO);
	f = good_file();
	f.header.num_desc = 0xffffffff;
	ck_assert_int_eq(stats_open(&f, sizeof(f)), -EPROTO);
	f = good_file();
	f.desc[1].desc.offset = 4;
	ck_assert_int_eq(stats_open(&f, sizeof(f)), -EPROTO);
	f.desc[1].desc.offset = 0xfffffff8;
	ck_assert_int_eq(stats_open(&f, sizeof(f)), -EPROTO);
	f = good_file();
	f.desc[1].desc.size = 4;
	ck_assert_int_eq(stats_open(&f, sizeof(f)), -EIO);
	f = good_file();
	memset(f.desc[1].name, 'x', NAME);
	ck_assert_int_eq(stats_open(&f, sizeof(f)), -EPROTO);
}
END_TEST

TCase *library_tests(void)
{
	TCase *tc = tcase_create("library");

	tcase_add_test(tc, config_sizes);
	tcase_add_test(tc, opening);
	tcase_add_test(tc, null_handles);
	tcase_add_test(tc, exit_names);
	tcase_add_test(tc, port_exits);
	tcase_add_test(tc, other_exits);
	tcase_add_test(tc, statistics);
	tcase_add_test(tc, statistics_refused);
	return tc;
}
