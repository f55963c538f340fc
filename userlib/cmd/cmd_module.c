// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `kvmx load` and `kvmx unload`: put the module into the kernel and take it
 * out again. Called by main.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <unistd.h>
#include <libkmod.h>
#include "cmd.h"

#define MODULE "kvmx"

static int help_asked(int argc, char **argv, const char *text)
{
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(text, stdout);
		return 1;
	}
	if (argc > 1) {
		complain("%s takes no argument '%s'", argv[0], argv[1]);
		return -1;
	}
	return 0;
}

static void complain_missing(void)
{
	struct utsname host;

	uname(&host);
	complain("no module %s for kernel %s: build it (`dkms autoinstall`, with that kernel's headers installed)",
		 MODULE, host.release);
}

/* The version of the module in the kernel; empty if there is none. */
static void version_loaded(char *version, size_t size)
{
	FILE *f = fopen("/sys/module/" MODULE "/version", "re");

	version[0] = 0;
	if (f && fgets(version, (int)size, f))
		version[strcspn(version, "\n")] = 0;
	if (f)
		fclose(f);
}

/* The version of the module's file; empty if it tells none. */
static void version_installed(struct kmod_module *module, char *version, size_t size)
{
	struct kmod_list *info = NULL, *item;

	version[0] = 0;
	if (kmod_module_get_info(module, &info) < 0)
		return;
	kmod_list_foreach(item, info)
		if (!strcmp(kmod_module_info_get_key(item), "version"))
			snprintf(version, size, "%s",
				 kmod_module_info_get_value(item));
	kmod_module_info_free_list(info);
}

/*
 * An upgrade leaves the old module in the kernel while it has virtual machines. Once
 * it has none it makes room for the new one; before, it must not.
 */
static int module_outdated(struct kmod_module *module)
{
	char loaded[64], installed[64];
	int ret;

	version_loaded(loaded, sizeof(loaded));
	version_installed(module, installed, sizeof(installed));
	if (!*loaded || !*installed || !strcmp(loaded, installed))
		return 0;
	ret = kmod_module_remove_module(module, KMOD_REMOVE_NOWAIT);
	if (ret == -EAGAIN || ret == -EBUSY)
		complain("version %s is loaded and in use: `kvmx load` will replace it by %s when the virtual machines on it have ended",
			 loaded, installed);
	else if (ret)
		complain("replacing version %s by %s: %s", loaded, installed,
			 strerror(-ret));
	return ret;
}

static int module_load(struct kmod_ctx *ctx)
{
	struct kmod_list *list = NULL, *item;
	struct kmod_module *first;
	int ret;

	ret = kmod_module_new_from_lookup(ctx, MODULE, &list);
	if (ret < 0 || !list) {
		complain_missing();
		return EXIT_DEVICE;
	}
	first = kmod_module_get_module(list);
	ret = module_outdated(first);
	kmod_module_unref(first);
	if (ret) {
		kmod_module_unref_list(list);
		return EXIT_DEVICE;
	}
	kmod_list_foreach(item, list) {
		struct kmod_module *module = kmod_module_get_module(item);

		ret = kmod_module_probe_insert_module(module,
				KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
		if (ret)
			break;
	}
	kmod_module_unref_list(list);
	if (!ret)
		return 0;
	if (ret == -EKEYREJECTED || ret == -ENOKEY ||
	    (ret == -EPERM && !geteuid() && signed_only()))
		complain_unsigned();
	else if (ret == -EPERM || ret == -EACCES)
		complain("loading %s: not permitted: run it as root", MODULE);
	else if (ret == -ENOENT)
		complain_missing();
	else if (ret == KMOD_PROBE_APPLY_BLACKLIST)
		complain("loading %s: it is blacklisted in modprobe.d", MODULE);
	else
		complain("loading %s: %s; the kernel log says why", MODULE,
			 strerror(-ret));
	return EXIT_DEVICE;
}

static int module_unload(struct kmod_ctx *ctx)
{
	struct kmod_module *module;
	int ret;

	ret = kmod_module_new_from_name(ctx, MODULE, &module);
	if (ret < 0) {
		complain("unloading %s: %s", MODULE, strerror(-ret));
		return EXIT_DEVICE;
	}
	ret = kmod_module_remove_module(module, KMOD_REMOVE_NOWAIT);
	kmod_module_unref(module);
	switch (ret) {
	case 0:
		return 0;
	case -ENOENT:
		complain("%s is not loaded", MODULE);
		break;
	case -EAGAIN:
	case -EBUSY:
		complain("%s is in use: end the virtual machines on it first",
			 MODULE);
		break;
	case -EPERM:
		complain("unloading %s: not permitted: run it as root", MODULE);
		break;
	default:
		complain("unloading %s: %s", MODULE, strerror(-ret));
		break;
	}
	return EXIT_DEVICE;
}

static int with_kmod(int (*action)(struct kmod_ctx *))
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	int ret;

	if (!ctx) {
		complain("cannot read the list of modules");
		return EXIT_DEVICE;
	}
	/* It would print its own messages, in its own words. */
	kmod_set_log_priority(ctx, LOG_EMERG);
	ret = action(ctx);
	kmod_unref(ctx);
	return ret;
}

int cmd_load(int argc, char **argv)
{
	int help = help_asked(argc, argv,
		"usage: kvmx load\n\n"
		"Loads the kvmx module and what it depends on; one of another version that\n"
		"nobody uses is replaced. Needs root. Exit code: 0 loaded (or was so before),\n"
		"1 usage, 3 it could not be loaded.\n");

	if (help)
		return help > 0 ? 0 : EXIT_USAGE;
	return with_kmod(module_load);
}

int cmd_unload(int argc, char **argv)
{
	int help = help_asked(argc, argv,
		"usage: kvmx unload\n\n"
		"Unloads the kvmx module. Needs root, and no virtual machine on it.\n"
		"Exit code: 0 unloaded, 1 usage, 3 it could not be unloaded.\n");

	if (help)
		return help > 0 ? 0 : EXIT_USAGE;
	return with_kmod(module_unload);
}
