// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `kvmx run`: reads the options, then builds and runs machines until one does
 * not end in a reset. Called by main.c.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "cmd.h"
#include "machine.h"

#define MEMORY_DEFAULT	(UINT64_C(512) << 20)
#define MEMORY_MIN	(UINT64_C(32) << 20)
#define MEMORY_MAX	(UINT64_C(1) << 40)
#define PAGE_MASK	UINT64_C(4095)

static void usage(FILE *to)
{
	fprintf(to,
		"usage: kvmx run --kernel FILE [OPTION]...\n"
		"\n"
		"  --kernel FILE      Linux " KERNEL_FORMAT "\n"
		"  --initrd FILE      initial ramdisk\n"
		"  --append STRING    kernel command line (default: console=ttyS0)\n"
		"  --cpus N           virtual CPUs, 1 to %u (default: 1)\n"
		"  --memory SIZE      guest memory, with K, M or G (default: 512M)\n"
		"  --disk FILE[,ro]   raw disk image or block device, up to %u times\n"
		"  --device PATH      device to run on (default: %s)\n"
		"  --no-reboot        end with code 0 when the guest reboots\n"
		"  --stats            print a table of exits when a machine ends\n"
		"  --help             this text\n"
		"\n"
		"The guest's serial port ttyS0 is the terminal; Ctrl-a x leaves.\n"
		"Exit code: 0 guest powered off, 1 usage or configuration, 2 the VM\n"
		"failed, 3 no device or no permission, 4 left before it powered off.\n",
		MAX_CPUS, MAX_DISKS, KVMX_DEFAULT_DEVICE);
}

static int disk_option(struct run_config *config, const char *text)
{
	size_t length = strlen(text);
	bool read_only = length > 3 && !strcmp(text + length - 3, ",ro");
	char *path;
	int ret;

	if (config->disks == MAX_DISKS) {
		complain("more than %u disks", MAX_DISKS);
		return -EINVAL;
	}
	path = strndup(text, read_only ? length - 3 : length);
	if (!path)
		return -ENOMEM;
	ret = virtio_blk_open(path, read_only, &config->disk[config->disks]);
	if (ret == -EROFS && !read_only) {
		ret = virtio_blk_open(path, true, &config->disk[config->disks]);
		if (!ret)
			complain("--disk %s lies on a read-only file system: the guest cannot write to it",
				 path);
	}
	if (!ret)
		config->disks++;
	else if (ret == -EINVAL)
		complain("--disk %s: not a file or block device of 512 bytes or more",
			 path);
	else
		complain("--disk %s: %s%s", path, strerror(-ret),
			 ret == -EACCES && !read_only ?
			 " (',ro' after the name opens it read-only)" : "");
	free(path);
	return ret;
}

static int memory_option(struct run_config *config, const char *text)
{
	if (parse_size(text, &config->memory) || config->memory < MEMORY_MIN ||
	    config->memory > MEMORY_MAX || (config->memory & PAGE_MASK)) {
		complain("--memory %s: give a size from 32M to 1T, in whole pages",
			 text);
		return -EINVAL;
	}
	return 0;
}

static int cpus_option(struct run_config *config, const char *text)
{
	unsigned long cpus;

	if (parse_number(text, 1, MAX_CPUS, &cpus)) {
		complain("--cpus %s: give a number from 1 to %u", text, MAX_CPUS);
		return -EINVAL;
	}
	config->cpus = cpus;
	return 0;
}

/* 0 to go on, 1 when --help was served, negative after a message. */
static int options_parse(int argc, char **argv, struct run_config *config)
{
	static const struct option options[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "initrd", required_argument, NULL, 'i' },
		{ "append", required_argument, NULL, 'a' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "memory", required_argument, NULL, 'm' },
		{ "disk", required_argument, NULL, 'd' },
		{ "device", required_argument, NULL, 'D' },
		{ "no-reboot", no_argument, NULL, 'r' },
		{ "stats", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			config->kernel = optarg;
			break;
		case 'i':
			config->initrd = optarg;
			break;
		case 'a':
			config->append = optarg;
			break;
		case 'c':
			ret = cpus_option(config, optarg);
			break;
		case 'm':
			ret = memory_option(config, optarg);
			break;
		case 'd':
			ret = disk_option(config, optarg);
			break;
		case 'D':
			config->device = optarg;
			break;
		case 'r':
			config->reboot = false;
			break;
		case 's':
			config->stats = true;
			break;
		case 'h':
			usage(stdout);
			return 1;
		default:
			fprintf(stderr, "`kvmx run --help` lists the options\n");
			return -EINVAL;
		}
	}
	if (ret)
		return ret;
	if (optind < argc) {
		complain("'%s' belongs to no option", argv[optind]);
		return -EINVAL;
	}
	if (!config->kernel) {
		complain("--kernel is missing; `kvmx run --help` lists the options");
		return -EINVAL;
	}
	return 0;
}

static void on_kick(int signal)
{
	(void)signal;	/* it only has to interrupt the run */
}

/*
 * Signals that end the program come through a descriptor, in the I/O thread.
 * The kick signal gets an empty handler.
 */
static int signals_open(void)
{
	struct sigaction kick = { .sa_handler = on_kick };
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGQUIT);
	sigemptyset(&kick.sa_mask);
	signal(SIGPIPE, SIG_IGN);
	if (sigaction(SIGRTMIN, &kick, NULL) ||
	    pthread_sigmask(SIG_BLOCK, &ends, NULL))
		return -errno;
	return signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What the reference machine cannot do without. */
static int capabilities_check(const struct kvmx *kvmx, const char *device)
{
	static const struct {
		unsigned int capability;
		const char *name;
	} needed[] = {
		{ KVMX_CAP_USER_MEMORY, "USER_MEMORY" },
		{ KVMX_CAP_IRQCHIP, "IRQCHIP" },
		BOARD_CAPABILITIES
		{ KVMX_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT" },
	};

	for (unsigned int i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (kvmx_check_extension(kvmx, needed[i].capability) <= 0) {
			complain("%s does not offer the capability %s",
				 device, needed[i].name);
			return EXIT_DEVICE;
		}
	return 0;
}

static int machines_run(struct kvmx *kvmx, const struct run_config *config,
			int signal_fd)
{
	struct console console;
	enum machine_end end;
	int ret;

	console_open(&console);
	do {
		struct machine *m = calloc(1, sizeof(*m));

		end = END_FAILED;
		ret = EXIT_VM;
		if (!m)
			break;
		m->console = &console;
		m->signal_fd = signal_fd;
		ret = machine_build(m, kvmx, config);
		if (!ret) {
			end = machine_run(m);
			if (config->stats)
				report_print(m, end);
		}
		machine_destroy(m);
		free(m);
	} while (!ret && end == END_RESET && config->reboot);
	console_close(&console);
	if (ret)
		return ret;
	if (end == END_POWEROFF || end == END_RESET)
		return EXIT_POWEROFF;
	return end == END_LEFT ? EXIT_LEFT : EXIT_VM;
}

int cmd_run(int argc, char **argv)
{
	struct run_config config = {
		.device = KVMX_DEFAULT_DEVICE,
		.append = "console=ttyS0",
		.cpus = 1,
		.memory = MEMORY_DEFAULT,
		.reboot = true,
	};
	struct kvmx *kvmx = NULL;
	int signal_fd = -1;
	int ret;

	ret = options_parse(argc, argv, &config);
	if (ret) {
		ret = ret > 0 ? 0 : EXIT_USAGE;
		goto out;
	}
	ret = kvmx_open(config.device, &kvmx);
	if (ret) {
		complain_open(config.device, ret);
		ret = EXIT_DEVICE;
		goto out;
	}
	ret = capabilities_check(kvmx, config.device);
	if (ret)
		goto out;
	signal_fd = signals_open();
	if (signal_fd < 0) {
		complain("signals: %s", strerror(errno));
		ret = EXIT_VM;
		goto out;
	}
	ret = machines_run(kvmx, &config, signal_fd);
out:
	if (signal_fd >= 0)
		close(signal_fd);
	kvmx_close(kvmx);
	for (unsigned int i = 0; i < config.disks; i++)
		virtio_blk_close(config.disk[i]);
	return ret;
}
