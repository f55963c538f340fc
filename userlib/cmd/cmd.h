/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the sub-commands of `kvmx` share: exit codes, messages, and the parsing
 * of sizes and of options.
 */
#ifndef KVMX_CMD_H
#define KVMX_CMD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	EXIT_POWEROFF = 0,	/* done; for run: the guest powered off */
	EXIT_USAGE = 1,		/* usage or configuration */
	EXIT_VM = 2,		/* the VM failed */
	EXIT_DEVICE = 3,	/* no device, no permission, no virtualization */
	EXIT_LEFT = 4,		/* run: left before the guest powered off */
};

int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_unload(int argc, char **argv);

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
int signed_only(void);
void complain_unsigned(void);
void complain_open(const char *device, int error);

int parse_size(const char *text, uint64_t *out);
int parse_number(const char *text, unsigned long min, unsigned long max,
		 unsigned long *out);
/* --device and --help, which are all there is. False: *@code is the exit code. */
bool parse_device(int argc, char **argv, const char *usage, const char **device, int *code);

#endif
