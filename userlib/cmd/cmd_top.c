// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `kvmx top`: which VMs run, and what they leave their guests for. Nobody's
 * help is needed: the descriptors of VMs and CPUs are found in /proc, borrowed
 * by pidfd_getfd(2), asked for their statistics and closed again, so that
 * between two looks nothing of a VM is held. Called by main.c.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "cmd.h"
#include "top.h"

/* In headers since glibc 2.36; the numbers are the same on every architecture. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd	438
#endif

struct options {
	unsigned long tables;		/* 0: for ever */
	bool batch;
	double interval;
};

/* A process's descriptor @number. -EPERM, -ESRCH or -EBADF: it is not to be had. */
static int borrow(int pid, int number)
{
	int fd, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (fd < 0)
		fd = -errno;
	close(pidfd);
	return fd;
}

/* What is gone meanwhile, or has become something else, is not there. */
static int look(struct top_sample *sample, int pid, const char *command, int number)
{
	struct kvmx_stats *stats;
	int fd = borrow(pid, number), stats_fd, ret = 0;

	if (fd == -EPERM || fd == -EACCES) {
		sample->hidden++;
		return 0;
	}
	if (fd < 0)
		return fd == -ENOSYS ? -ENOSYS : 0;
	stats_fd = kvmx_stats_fd(fd);
	close(fd);
	if (stats_fd < 0)
		return 0;
	if (!kvmx_stats_open(stats_fd, &stats)) {
		ret = top_add(sample, pid, command, stats);
		kvmx_stats_close(stats);
	}
	close(stats_fd);
	return ret;
}

static void read_command(const char *pid, char *command, size_t size)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(command, (int)size, f))
		snprintf(command, size, "?");
	if (f)
		fclose(f);
	/* It goes to a terminal: what could be understood as more than text is not shown. */
	for (char *c = command; *c; c++)
		if (*c == '\n')
			*c = 0;
		else if (!isprint((unsigned char)*c))
			*c = '?';
}

static bool is_ours(const char *link)
{
	return !strcmp(link, "anon_inode:kvmx-vm") ||
	       !strncmp(link, "anon_inode:kvmx-vcpu:", strlen("anon_inode:kvmx-vcpu:"));
}

static int look_at_process(struct top_sample *sample, const char *pid)
{
	char path[PATH_MAX], command[32], link[64];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	read_command(pid, command, sizeof(command));
	while (dir && !ret && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = 0;
		if (is_ours(link))
			ret = look(sample, atoi(pid), command, atoi(entry->d_name));
	}
	if (dir)
		closedir(dir);
	return ret;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int take_sample(struct top_sample *sample)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int ret = dir ? 0 : -errno;

	memset(sample, 0, sizeof(*sample));
	sample->seconds = now();
	while (!ret && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			ret = look_at_process(sample, entry->d_name);
	if (dir)
		closedir(dir);
	if (ret)
		top_free(sample);
	return ret;
}

static void wait_until(double when)
{
	double left = when - now();
	struct timespec t = { .tv_sec = (time_t)left };

	if (left <= 0)
		return;
	t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static int show(const struct options *o, const struct top_sample *before,
		const struct top_sample *after)
{
	struct winsize size = { .ws_row = 0 };
	int ret;

	if (o->batch) {
		ret = top_print(stdout, before, after, 0, 0);
	} else {
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
		fputs("\033[H\033[J", stdout);
		/* The cursor stands below the last line. */
		ret = top_print(stdout, before, after, size.ws_col,
				size.ws_row > 2 ? size.ws_row - 1u : 0);
	}
	if (!ret && fflush(stdout))
		ret = -errno;
	return ret;
}

static int watch(const struct options *o)
{
	struct top_sample before, after;
	unsigned long n;
	int ret = take_sample(&before);

	if (ret)
		return ret;
	for (n = 0; !ret && (!o->tables || n < o->tables); n++) {
		wait_until(before.seconds + o->interval);
		ret = take_sample(&after);
		if (ret)
			break;
		if (o->batch && n)
			putchar('\n');
		ret = show(o, &before, &after);
		top_free(&before);
		before = after;
	}
	top_free(&before);
	return ret;
}

static void help(void)
{
	printf("usage: kvmx top [--interval SECONDS] [--once | --batch N]\n\n"
	       "Shows the VMs on kvmx and what their guests' exits are, per second and summed\n"
	       "over their CPUs: those of this user, or all of them for root.\n\n"
	       "  --interval SECONDS  from one table to the next, 0.1 to 3600 (default 1)\n"
	       "  --once              one table, as plain text\n"
	       "  --batch N           N tables, as plain text\n\n"
	       "Without --once or --batch until Ctrl-c. Exit code: 0, 1 usage or an error,\n"
	       "3 no module kvmx, or no pidfd_getfd(2) in the kernel.\n");
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "once", no_argument, NULL, '1' },
		{ "batch", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			o->interval = strtod(optarg, &end);
			/* Whatever is no number is not in the range either. */
			if (end == optarg || *end || !(o->interval >= 0.1 && o->interval <= 3600)) {
				complain("--interval takes 0.1 to 3600 seconds, not '%s'", optarg);
				return EXIT_USAGE;
			}
			break;
		case '1':
			o->batch = true;
			o->tables = 1;
			break;
		case 'b':
			o->batch = true;
			if (parse_number(optarg, 1, 1000000, &o->tables)) {
				complain("--batch takes 1 to 1000000 tables, not '%s'", optarg);
				return EXIT_USAGE;
			}
			break;
		case 'h':
			help();
			exit(0);
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		complain("'%s' belongs to no option", argv[optind]);
		return EXIT_USAGE;
	}
	return 0;
}

int cmd_top(int argc, char **argv)
{
	struct options o = { .interval = 1 };
	int ret = parse(argc, argv, &o);

	if (ret)
		return ret;
	if (access("/sys/module/kvmx", F_OK)) {
		complain("the module kvmx is not loaded (`kvmx load`, as root)");
		return EXIT_DEVICE;
	}
	if (!isatty(STDOUT_FILENO))
		o.batch = true;
	ret = watch(&o);
	if (ret == -ENOSYS) {
		complain("this kernel cannot hand out descriptors (pidfd_getfd)");
		return EXIT_DEVICE;
	}
	if (ret)
		complain("%s", strerror(-ret));
	return ret ? EXIT_USAGE : 0;
}
