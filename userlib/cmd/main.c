// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `kvmx`: finds the sub-command and runs it; and the messages they share.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cmd.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "run", cmd_run, "run a Linux kernel in a virtual machine" },
#if defined(__x86_64__)
	{ "check", cmd_check, "test virtual machines on this computer" },
#endif
	{ "exec", cmd_exec, "run a program that knows only /dev/kvm" },
	{ "status", cmd_status, "say whether virtual machines can run here" },
	{ "top", cmd_top, "show running virtual machines and their exits" },
#ifndef KVMX_NO_KMOD
	{ "load", cmd_load, "load the kvmx module" },
	{ "unload", cmd_unload, "unload the kvmx module" },
#endif
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	fprintf(to, "usage: kvmx COMMAND [OPTION]...\n\ncommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(to, "\n`kvmx COMMAND --help` explains one; see also kvmx(1).\n");
}

void complain(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("kvmx: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/*
 * Whether the kernel takes signed modules only: it was told so, or Secure Boot has
 * locked it down. Without securityfs only the former can be seen.
 */
int signed_only(void)
{
	char line[64] = "";
	FILE *f = fopen("/sys/module/module/parameters/sig_enforce", "re");
	int only = f && fgetc(f) == 'Y';

	if (f)
		fclose(f);
	f = fopen("/sys/kernel/security/lockdown", "re");
	if (f && fgets(line, sizeof(line), f))
		only |= *line && !strstr(line, "[none]");
	if (f)
		fclose(f);
	return only;
}

void complain_unsigned(void)
{
	complain("the kernel takes signed modules only, and knows no key that signed this one: `mokutil --import /var/lib/dkms/mok.pub`, restart, enroll the key, `kvmx load` (README, \"Secure Boot\")");
}

/* Why the device or its first VM could not be had, and what to do about it. */
void complain_open(const char *device, int error)
{
	switch (error) {
	case -ENOENT:
		complain("%s does not exist: load the module (`kvmx load`, as root)",
			 device);
		break;
	case -EACCES:
	case -EPERM:
		complain("no permission to open %s: become a member of the group that owns it, or root",
			 device);
		break;
	case -ENOTTY:
		complain("%s is not a virtualization device", device);
		break;
	case -EPROTONOSUPPORT:
		complain("%s speaks another API version: module and command must be of one release",
			 device);
		break;
	case -EBUSY:
		complain("%s: another hypervisor holds the CPU's virtualization unit: stop its VMs or unload it (`kvmx status` names it)",
			 device);
		break;
	case -ENODEV:
	case -EOPNOTSUPP:
		complain("%s: no virtualization unit: switch on VT-x or AMD-V in the firmware, see also the kernel log",
			 device);
		break;
	default:
		complain("%s: %s; see also the kernel log", device,
			 strerror(-error));
		break;
	}
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("kvmx " KVMX_VERSION);
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	complain("no command '%s'; `kvmx --help` lists them", argv[1]);
	return EXIT_USAGE;
}
