// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `kvmx check`: tests what this very computer's virtualization unit, kernel and
 * module do with guests, and prints a report that a bug can carry. Called by main.c;
 * the tests are in selftest.c and selftest_state.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "cmd.h"
#include "selftest.h"

#define LABEL "%-12s"

static const struct {
	const char *name;
	int (*check)(struct selftest *test);
} tests[] = {
	{ "features", selftest_check_features },
	{ "exits", selftest_check_exits },
	{ "interrupts", selftest_check_interrupts },
	{ "dirty log", selftest_check_dirty },
	{ "state", selftest_check_state },
};

#define TESTS (sizeof(tests) / sizeof(tests[0]))

/* The value of the first line "KEY : VALUE" of /proc/cpuinfo. */
static void cpu_line(const char *key)
{
	char line[4096];
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) || !colon)
			continue;
		printf(LABEL "%s", key, colon[1] == ' ' ? colon + 2 : colon + 1);
		break;
	}
	if (f)
		fclose(f);
}

static void module_line(const char *name)
{
	char path[64], version[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (access(path, F_OK))
		return;
	snprintf(path, sizeof(path), "/sys/module/%s/version", name);
	f = fopen(path, "re");
	if (f && fgets(version, sizeof(version), f))
		version[strcspn(version, "\n")] = 0;
	if (f)
		fclose(f);
	printf(LABEL "%s%s%s\n", "module", name, *version ? " " : "", version);
}

/* What the module said to the kernel's log, as far as this user may read it. */
static void log_lines(void)
{
	char record[8192];
	ssize_t n;
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		printf(LABEL "cannot be read: %s\n", "kernel log", strerror(errno));
		return;
	}
	/* Each read gives one record; EPIPE: some were overwritten meanwhile. */
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		char *text;

		if (n < 0)
			continue;
		record[n] = 0;
		text = strchr(record, ';');
		if (!text || strncmp(text + 1, "kvmx", 4))
			continue;
		text[1 + strcspn(text + 1, "\n")] = 0;
		printf(LABEL "%s\n", "kernel log", text + 1);
	}
	close(fd);
}

static void report_computer(const char *device)
{
	struct utsname host;

	uname(&host);
	printf(LABEL "%s\n", "command", KVMX_VERSION);
	printf(LABEL "%s\n", "device", device);
	module_line("kvmx");
	module_line("kvm");
	module_line("kvm_amd");
	module_line("kvm_intel");
	printf(LABEL "%s %s\n", "kernel", host.release, host.version);
	cpu_line("model name");
	cpu_line("microcode");
}

static void wake(int signal)
{
	(void)signal;
}

static int check(const char *device)
{
	struct selftest test;
	unsigned int failed = 0;
	int ret = kvmx_open(device, &test.kvmx);

	if (ret) {
		complain_open(device, ret);
		return EXIT_DEVICE;
	}
	report_computer(device);
	for (size_t i = 0; i < TESTS; i++) {
		test.said[0] = 0;
		ret = tests[i].check(&test);
		failed += !!ret;
		printf("%s %s: %s\n", ret ? "NOT ok" : "ok", tests[i].name, test.said);
		fflush(stdout);
	}
	log_lines();
	printf("%zu passed, %u failed\n", TESTS - failed, failed);
	kvmx_close(test.kvmx);
	return failed ? EXIT_VM : 0;
}

int cmd_check(int argc, char **argv)
{
	static const char usage[] =
		"usage: kvmx check [--device PATH]\n\n"
		"Tests on this computer, with small guests, what virtual machines need: exits,\n"
		"interrupts, the log of written pages, moving state. Prints a report to attach\n"
		"to a bug. Exit code: 0 all passed, 1 usage, 2 some failed, 3 no device.\n";
	/* Without SA_RESTART: it is to end a guest's run. */
	const struct sigaction action = { .sa_handler = wake };
	const char *device = KVMX_DEFAULT_DEVICE;
	int code;

	if (!parse_device(argc, argv, usage, &device, &code))
		return code;
	sigaction(SIGALRM, &action, NULL);
	return check(device);
}
