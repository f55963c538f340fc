// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `kvmx exec`: runs a program that knows only /dev/kvm on another device, in a
 * mount namespace of its own where that device lies at /dev/kvm. Called by
 * main.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kvmx.h>
#include "cmd.h"

#define TARGET "/dev/kvm"

/* As env(1), nohup(1) and shells have them. */
enum { EXIT_CANNOT_EXEC = 126, EXIT_NOT_FOUND = 127 };

static void usage(FILE *to)
{
	fprintf(to,
		"usage: kvmx exec [--device PATH] -- PROGRAM [ARGUMENT]...\n"
		"\n"
		"Runs PROGRAM in a mount namespace of its own, in which %s is PATH\n"
		"(default: %s). For programs that open %s and take no other path.\n"
		"Without root it takes a user namespace, too, where the system allows those.\n"
		"Exit code: PROGRAM's own; or 1 usage, 3 no device or no permission,\n"
		"126 PROGRAM cannot be executed, 127 PROGRAM not found.\n",
		TARGET, KVMX_DEFAULT_DEVICE, TARGET);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* In a user namespace of its own a process may mount; user and group stay what they are. */
static int namespace_of_user(void)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[64];
	int ret;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	ret = write_file("/proc/self/setgroups", "deny");
	if (ret)
		return ret;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	ret = write_file("/proc/self/uid_map", map);
	if (ret)
		return ret;
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return write_file("/proc/self/gid_map", map);
}

static int namespace_enter(void)
{
	int ret = unshare(CLONE_NEWNS) ? -errno : 0;

	if (ret == -EPERM)
		ret = namespace_of_user();
	if (ret) {
		complain("no mount namespace of its own for the program: %s: run it as root, or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)",
			 strerror(-ret));
		return ret;
	}
	/* What is mounted here stays here; what the system mounts later is seen. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL)) {
		ret = -errno;
		complain("cannot keep the program's mounts from the system's: %s", strerror(-ret));
	}
	return ret;
}

/* One thing of the old /dev, at its place in the new one. */
static int dev_entry(int old, int new, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	if (fstatat(old, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;	/* gone in the meantime */
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(old, name, to, sizeof(to) - 1);
		if (n < 0)
			return -errno;
		to[n] = 0;
		return symlinkat(to, new, name) ? -errno : 0;
	}
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(new, name, 0755))
			return -errno;
	} else {
		fd = openat(new, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", old, name);
	snprintf(to, sizeof(to), "/dev/%s", name);
	return mount(from, to, NULL, MS_BIND | MS_REC, NULL) ? -errno : 0;
}

/*
 * There is no /dev/kvm to bind to. A node made in /dev would be there for all
 * processes, so the program gets a /dev of its own, with all that is in the
 * system's now and a file /dev/kvm.
 */
static int dev_copy(void)
{
	int old = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC), new = -1, ret = 0;
	DIR *dir = old < 0 ? NULL : fdopendir(old);
	struct dirent *entry;

	if (!dir || mount("kvmx", "/dev", "tmpfs", MS_NOSUID, "mode=755"))
		goto failed;
	new = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (new < 0)
		goto failed;
	while (!ret && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			ret = dev_entry(old, new, entry->d_name);
	if (!ret && mknodat(new, "kvm", S_IFREG | 0600, 0))
		ret = -errno;
	goto out;
failed:
	ret = -errno;
out:
	if (new >= 0)
		close(new);
	if (dir)
		closedir(dir);
	else if (old >= 0)
		close(old);
	return ret;
}

/*
 * The device is held by a descriptor, since a new /dev may hide its path; one
 * from before the namespace would not do, it leads to the system's mounts.
 */
static int device_place(const char *device)
{
	int fd = open(device, O_PATH | O_CLOEXEC), ret = 0;
	char from[64];
	struct stat st;

	if (fd < 0) {
		ret = -errno;
		complain_open(device, ret);
		return ret;
	}
	if (stat(TARGET, &st)) {
		ret = errno == ENOENT ? dev_copy() : -errno;
		if (ret)
			complain("cannot give the program a /dev with a %s in it: %s", TARGET,
				 strerror(-ret));
	}
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	if (!ret && mount(from, TARGET, NULL, MS_BIND, NULL)) {
		ret = -errno;
		complain("cannot put %s over %s: %s", device, TARGET, strerror(-ret));
	}
	close(fd);
	return ret;
}

static int program_exec(char **argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	complain("cannot run %s: %s", argv[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;
}

int cmd_exec(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *device = KVMX_DEFAULT_DEVICE;
	struct kvmx *kvmx;
	int c, ret;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (c) {
		case 'D':
			device = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		complain("no program to run: kvmx exec [--device PATH] -- PROGRAM [ARGUMENT]...");
		return EXIT_USAGE;
	}

	/* What is wrong with the device is better said here than by the program. */
	ret = kvmx_open(device, &kvmx);
	if (ret) {
		complain_open(device, ret);
		return EXIT_DEVICE;
	}
	kvmx_close(kvmx);
	if (namespace_enter() || device_place(device))
		return EXIT_DEVICE;
	return program_exec(argv + optind);
}
