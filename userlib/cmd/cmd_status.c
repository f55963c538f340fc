// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `kvmx status`: everything between a user and a virtual machine, one line
 * each, and what to do about the first thing that is in the way. Called by
 * main.c.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kvmx.h>
#include "cmd.h"

#define LABEL "%-22s"

/* The first line of a file, without its newline. */
static int read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	if (!fgets(line, (int)size, f))
		line[0] = 0;
	fclose(f);
	line[strcspn(line, "\n")] = 0;
	return 0;
}

static void status_module(const char *name)
{
	char path[PATH_MAX], value[128];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (access(path, F_OK)) {
		printf(LABEL "not loaded\n", name);
		return;
	}
	printf(LABEL "loaded", name);
	snprintf(path, sizeof(path), "/sys/module/%s/version", name);
	if (!read_line(path, value, sizeof(value)))
		printf(", version %s", value);
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	if (!read_line(path, value, sizeof(value)))
		printf(", %s in use", value);
	printf("\n");
}

#if defined(__x86_64__)
static void status_unit(void)
{
	const char *unit = "none: not in this CPU, or hidden by a hypervisor";
	char line[8192];
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "flags", 5))
			continue;
		line[strcspn(line, "\n")] = ' ';
		if (strstr(line, " vmx "))
			unit = "Intel VT-x";
		else if (strstr(line, " svm "))
			unit = "AMD-V (SVM)";
		break;
	}
	if (f)
		fclose(f);
	printf(LABEL "%s\n", "virtualization unit", unit);
}
#else
static void status_unit(void)
{
	printf(LABEL "EL2, if the kernel started there; see the kernel log\n",
	       "virtualization unit");
}
#endif

/* Whether one of a process's descriptors is a VM of in-tree KVM. */
static int holds_kvm(const char *pid)
{
	char path[PATH_MAX], target[64];
	struct dirent *entry;
	int found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target,
				       sizeof(target) - 1);

		if (n > 0) {
			target[n] = 0;
			found = !strcmp(target, "anon_inode:kvm-vm");
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Processes with a VM of in-tree KVM; those of others only root can see. */
static void status_holders(void)
{
	struct dirent *entry;
	int count = 0;
	DIR *dir = opendir("/proc");

	printf(LABEL, "VMs of in-tree KVM");
	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX], name[64];

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !holds_kvm(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (read_line(path, name, sizeof(name)))
			strcpy(name, "?");
		printf("%s%s (process %s)", count++ ? ", " : "", name,
		       entry->d_name);
	}
	if (dir)
		closedir(dir);
	printf("%s%s\n", count ? "" : "none",
	       geteuid() ? " that this user can see" : "");
}

static int status_device(const char *device)
{
	struct kvmx *kvmx;
	struct kvmx_vm *vm;
	struct stat st;
	int ret;

	printf(LABEL, "device");
	if (!stat(device, &st))
		printf("%s, mode %04o, owner %u, group %u\n", device,
		       st.st_mode & 07777, st.st_uid, st.st_gid);
	else
		printf("%s: %s\n", device, strerror(errno));
	ret = kvmx_open(device, &kvmx);
	printf(LABEL "%s\n", "opens", ret ? "no" : "yes");
	fflush(stdout);
	if (ret) {
		complain_open(device, ret);
		if (ret == -ENOENT && signed_only())
			complain_unsigned();
		return EXIT_DEVICE;
	}
	printf(LABEL "%d\n", "API version", kvmx_api_version(kvmx));
	ret = kvmx_vm_create(kvmx, NULL, &vm);
	printf(LABEL "%s\n", "can create a VM", ret ? "no" : "yes");
	fflush(stdout);
	if (ret)
		complain_open(device, ret);
	else
		kvmx_vm_close(vm);
	kvmx_close(kvmx);
	return ret ? EXIT_DEVICE : 0;
}

int cmd_status(int argc, char **argv)
{
	static const char usage[] =
		"usage: kvmx status [--device PATH]\n\n"
		"Says whether virtual machines can run here, and if not, why. To know\n"
		"it, creates an empty VM and gives it up at once. Exit code: 0 yes,\n"
		"1 usage, 3 no.\n";
	const char *device = KVMX_DEFAULT_DEVICE;
	int code;

	if (!parse_device(argc, argv, usage, &device, &code))
		return code;
	printf(LABEL "%s\n", "command", KVMX_VERSION);
	status_module("kvmx");
	printf(LABEL "%s\n", "signed modules only", signed_only() ? "yes" : "no");
	status_unit();
	status_module("kvm_intel");
	status_module("kvm_amd");
	status_holders();
	return status_device(device);
}
