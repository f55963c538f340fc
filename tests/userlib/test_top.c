// SPDX-License-Identifier: GPL-2.0-only
/* `kvmx top`: what it makes of two looks at the statistics of VMs. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests.h"
#include "top.h"

#define NAME	48u
#define COUNTERS 5

static const char *const names[COUNTERS] = {
	"exits", "user_exits", "exit_cpuid", "exit_io", "exit_interrupt_window",
};

/* A statistics file as the kernel makes it. */
static struct kvmx_stats *stats_of(const char *id, const uint64_t *value)
{
	struct {
		struct kvmx_stats_header header;
		char id[NAME];
		struct {
			struct kvmx_stats_desc desc;
			char name[NAME];
		} desc[COUNTERS];
		uint64_t data[COUNTERS];
	} f = { .header = { .name_size = NAME, .num_desc = COUNTERS } };
	struct kvmx_stats *stats;
	int fd = memfd_create("stats", 0);

	f.header.id_offset = (uint32_t)((char *)f.id - (char *)&f);
	f.header.desc_offset = (uint32_t)((char *)f.desc - (char *)&f);
	f.header.data_offset = (uint32_t)((char *)f.data - (char *)&f);
	strcpy(f.id, id);
	for (unsigned int i = 0; i < COUNTERS; i++) {
		f.desc[i].desc.size = 1;
		f.desc[i].desc.offset = i * sizeof(uint64_t);
		strcpy(f.desc[i].name, names[i]);
		f.data[i] = value[i];
	}
	ck_assert_int_eq(write(fd, &f, sizeof(f)), sizeof(f));
	ck_assert_int_eq(kvmx_stats_open(fd, &stats), 0);
	close(fd);
	return stats;
}

static void add(struct top_sample *s, int pid, const char *command, const char *id,
		uint64_t exits, uint64_t user, uint64_t cpuid, uint64_t io, uint64_t window)
{
	uint64_t value[COUNTERS] = { exits, user, cpuid, io, window };
	struct kvmx_stats *stats = stats_of(id, value);

	ck_assert_str_eq(kvmx_stats_id(stats), id);
	ck_assert_int_eq(top_add(s, pid, command, stats), 0);
	kvmx_stats_close(stats);
}

/* The lines of the table. */
static char text[4096], *line[8];
static unsigned int lines;

static void table(const struct top_sample *before, const struct top_sample *now,
		  unsigned int width, unsigned int max)
{
	FILE *f = fmemopen(text, sizeof(text), "w");
	char *p = text;

	ck_assert_int_eq(top_print(f, before, now, width, max), 0);
	ck_assert_int_eq(fclose(f), 0);
	for (lines = 0; *p && lines < 8; lines++) {
		line[lines] = p;
		p = strchr(p, '\n');
		ck_assert_ptr_nonnull(p);
		*p++ = 0;
	}
}

/* Columns are told apart by blanks. */
static void columns(const char *of, const char *want)
{
	char got[512] = "", copy[512], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", of);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		if (*got)
			strcat(got, " ");
		strcat(got, p);
	}
	ck_assert_str_eq(got, want);
}

START_TEST(rates)
{
	struct top_sample before = { .seconds = 10 }, now = { .seconds = 12 };

	add(&before, 7, "vmm", "kvmx-7-1/vcpu-0", 100, 10, 50, 50, 0);
	add(&before, 7, "vmm", "kvmx-7-1", 0, 0, 0, 0, 0);
	add(&before, 7, "vmm", "kvmx-7-1/vcpu-1", 1000, 0, 1000, 0, 0);
	add(&before, 9, "idle", "kvmx-9-2/vcpu-0", 5, 5, 0, 5, 0);
	add(&now, 7, "vmm", "kvmx-7-1/vcpu-0", 300, 30, 210, 90, 0);
	add(&now, 7, "vmm", "kvmx-7-1/vcpu-1", 1400, 0, 1400, 0, 0);
	/* Of another process, too: the same once more. */
	add(&now, 8, "child", "kvmx-7-1/vcpu-1", 1400, 0, 1400, 0, 0);
	add(&now, 9, "idle", "kvmx-9-2/vcpu-0", 5, 5, 0, 5, 0);
	/* Came since: has counted from 0. */
	add(&now, 11, "new one", "kvmx-11-3", 0, 0, 0, 0, 0);
	add(&now, 11, "new one", "kvmx-11-3/vcpu-0", 2000, 0, 0, 1900, 100);
	table(&before, &now, 0, 0);
	ck_assert_uint_eq(lines, 5);
	ck_assert_str_eq(line[0], "kvmx: 3 VMs, 4 CPUs, 1300 exits/s");
	columns(line[1], "PID COMMAND VM CPUS EXITS/s USER/s INTR/s io cpuid interrupt_window");
	columns(line[2], "11 new one 3 1 1000 0 0 950 0 50");
	columns(line[3], "7 vmm 1 2 300 10 0 20 280 0");
	columns(line[4], "9 idle 2 1 0 0 0 0 0 0");
	for (unsigned int i = 2; i < 5; i++)
		ck_assert_uint_eq(strlen(line[i]), strlen(line[1]));
	top_free(&before);
	top_free(&now);
}
END_TEST

START_TEST(little_room)
{
	struct top_sample before = { .seconds = 0 }, now = { .seconds = 1 };

	add(&now, 1, "a name that is longer than its column", "kvmx-1-1/vcpu-0", 111, 1, 100, 10, 1);
	add(&now, 2, "b", "kvmx-2-2/vcpu-0", 7, 0, 7, 0, 0);
	for (unsigned int width = 73; width < 120; width++) {
		table(&before, &now, width, 0);
		for (unsigned int i = 1; i < lines; i++)
			ck_assert_uint_le(strlen(line[i]), width);
	}
	table(&before, &now, 85, 0);
	columns(line[1], "PID COMMAND VM CPUS EXITS/s USER/s INTR/s cpuid other");
	columns(line[2], "1 a name that is 1 1 111 1 0 100 11");
	table(&before, &now, 0, 3);
	ck_assert_uint_eq(lines, 3);
	table(&before, &now, 0, 1);
	ck_assert_uint_eq(lines, 1);
	top_free(&now);
}
END_TEST

START_TEST(what_is_not_there)
{
	struct top_sample before = { .seconds = 0 }, now = { .seconds = 1, .hidden = 3 };

	table(&before, &now, 80, 24);
	ck_assert_uint_eq(lines, 1);
	ck_assert_str_eq(line[0], "kvmx: 0 VMs, 0 CPUs, 0 exits/s; not permitted to look at 3 more");

	/* A CPU has gone, and its counts with it: not a negative rate. */
	add(&before, 1, "x", "kvmx-1-1/vcpu-0", 100, 0, 100, 0, 0);
	add(&before, 1, "x", "kvmx-1-1/vcpu-1", 100, 0, 100, 0, 0);
	add(&now, 1, "x", "kvmx-1-1/vcpu-0", 150, 0, 150, 0, 0);
	table(&before, &now, 80, 24);
	columns(line[2], "1 x 1 1 0 0 0");
	/* An id that is the beginning of another one's is another VM. */
	top_free(&now);
	now.seconds = 1;
	add(&now, 1, "x", "kvmx-1-11/vcpu-0", 10, 0, 10, 0, 0);
	add(&now, 1, "x", "kvmx-1-1/vcpu-0", 300, 0, 300, 0, 0);
	table(&before, &now, 0, 0);
	columns(line[2], "1 x 1 1 100 0 0 100");
	columns(line[3], "1 x 11 1 10 0 0 10");
	top_free(&before);
	top_free(&now);
}
END_TEST

TCase *top_tests(void)
{
	TCase *tc = tcase_create("top");

	tcase_add_test(tc, rates);
	tcase_add_test(tc, little_room);
	tcase_add_test(tc, what_is_not_there);
	return tc;
}
