// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of creation and of memory: how long VMs and vCPUs take to come and go,
 * with all waits, and how much of the host's memory each holds. Called by
 * main.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define VMS	96	/* for the memory they hold */
#define VCPUS	96

static void poke(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs("3", file) < 0 || fclose(file))
		must(-EIO, path);
}

/* Free pages, and those that CPUs keep at hand. */
static long free_pages(void)
{
	FILE *zones = fopen("/proc/zoneinfo", "r");
	long pages = 0, n;
	char line[256];

	while (zones && fgets(line, sizeof(line), zones))
		if (sscanf(line, " nr_free_pages %ld", &n) == 1 || sscanf(line, " count: %ld", &n) == 1)
			pages += n;
	if (zones)
		fclose(zones);
	must(pages ? 0 : -EIO, "reading /proc/zoneinfo");
	return pages;
}

/*
 * The host's free memory in KiB, with what is cached or on its way to be freed
 * counted as free: the same value three times in a row.
 */
static long free_kib(void)
{
	long last = 0, kib;
	int same = 0;

	while (same < 3) {
		poke("/proc/sys/vm/drop_caches");
		usleep(100000);
		poke("/proc/sys/vm/stat_refresh");
		kib = free_pages() * 4;
		same = kib == last ? same + 1 : 0;
		last = kib;
	}
	return kib;
}

static struct kvmx_vm *vm_with_irqchip(void)
{
	struct kvmx_vm *vm = vm_bare();

	must(kvmx_vm_create_irqchip(vm), "creating the irqchip");
	return vm;
}

static void memory_held(void)
{
	struct kvmx_vcpu_config config = { .size = sizeof(config) };
	struct kvmx_vcpu *vcpu[VCPUS];
	struct kvmx_vm *vm[VMS];
	long before;

	before = free_kib();
	for (int i = 0; i < VMS; i++)
		vm[i] = vm_with_irqchip();
	row("vm_memory", (double)(before - free_kib()) / VMS);
	before = free_kib();
	for (int i = 0; i < VCPUS; i++) {
		config.id = i;
		must(kvmx_vcpu_create(vm[0], &config, &vcpu[i]), "creating a vCPU");
	}
	row("vcpu_memory", (double)(before - free_kib()) / VCPUS);
	for (int i = 0; i < VCPUS; i++)
		kvmx_vcpu_close(vcpu[i]);
	for (int i = 0; i < VMS; i++)
		kvmx_vm_close(vm[i]);
}

static double time_vms(int rounds, bool whole)
{
	uint64_t begin = __rdtsc();
	struct machine m;

	for (int i = 0; i < rounds; i++) {
		if (whole) {
			machine_create(&m, 1);
			machine_start(&m, 0, guest_cpuid_64, 1, 0);
			machine_finish(&m, 0);
			machine_destroy(&m);
		} else {
			kvmx_vm_close(vm_bare());
		}
	}
	return (double)(__rdtsc() - begin) / rounds;
}

static double time_vcpus(int rounds)
{
	struct kvmx_vcpu_config config = { .size = sizeof(config) };
	struct kvmx_vcpu *vcpu[64];
	struct kvmx_vm *vm = vm_with_irqchip();
	uint64_t begin = __rdtsc(), ticks;

	for (int i = 0; i < rounds; i++) {
		config.id = i;
		must(kvmx_vcpu_create(vm, &config, &vcpu[i]), "creating a vCPU");
	}
	ticks = __rdtsc() - begin;
	for (int i = 0; i < rounds; i++)
		kvmx_vcpu_close(vcpu[i]);
	kvmx_vm_close(vm);
	return (double)ticks / rounds;
}

void rows_objects(void)
{
	int rounds = quick ? 4 : 16;

	memory_held();
	time_vms(1, false);
	row("vm_create", time_vms(rounds, false));
	row("vm_whole", time_vms(rounds, true));
	row("vcpu_create", time_vcpus(4 * rounds));
}
