// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of one vCPU: what an exit of each kind costs, and a first touch of
 * memory, in the guest's own ticks per round. Called by main.c.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"

struct exit_row {
	const char *name;
	const char *real, *wide;	/* the loop in real and in 64-bit mode */
	uint64_t addr;
};

static bool host_is_amd(void)
{
	uint32_t a = 0, b, c, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	return b != 0x756e6547;	/* "Genu" */
}

static double measure(struct machine *m, const char *code, uint64_t rounds, uint64_t addr)
{
	machine_start(m, 0, code, rounds / 10, addr);
	machine_finish(m, 0);
	machine_start(m, 0, code, rounds, addr);
	return (double)machine_finish(m, 0) / rounds;
}

#define MODES(loop) guest_##loop##_16, guest_##loop##_64

void rows_exits(void)
{
	const struct exit_row rows[] = {
		{ "cpuid", MODES(cpuid) },
		{ "hypercall", host_is_amd() ? guest_vmmcall_16 : guest_vmcall_16,
		  host_is_amd() ? guest_vmmcall_64 : guest_vmcall_64 },
		{ "rdmsr", MODES(rdmsr) },
		{ "wrmsr", MODES(wrmsr) },
		{ "port_kernel", MODES(pic) },
		{ "port_out", MODES(port_out) },
		{ "port_in", MODES(port_in) },
		{ "mmio_write", MODES(mmio_write), GUEST_MMIO },
		{ "mmio_read", MODES(mmio_read), GUEST_MMIO },
		{ "timer", NULL, guest_timer },
		{ "ipi_self", NULL, guest_ipi_self },
	};
	uint64_t rounds = quick ? 1000 : 10000;
	struct machine m;
	char name[64];

	machine_create(&m, 1);
	for (unsigned int wide = 0; wide < 2; wide++) {
		for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const char *code = wide ? rows[i].wide : rows[i].real;

			if (!code)
				continue;
			snprintf(name, sizeof(name), "%s%s", rows[i].name, wide ? "" : "_real");
			row(name, measure(&m, code, rounds, rows[i].addr));
		}
	}
	machine_destroy(&m);
}

/* How much of [@at, @at + @length) the host maps by huge pages, in bytes. */
static uint64_t huge_bytes(const char *at)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kib = 0;
	bool inside = false;
	char line[512];

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start <= (uintptr_t)at && (uintptr_t)at < end;
		else if (inside && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			break;
	}
	if (smaps)
		fclose(smaps);
	return (uint64_t)kib << 10;
}

/* @pages of @size bytes, the first eighth of them to warm up. */
static void touch(const char *name, const char *code, enum memory_kind kind, uint64_t pages,
		  uint64_t size)
{
	uint64_t warm = pages / 8, length = pages * size;
	struct machine m;

	machine_create(&m, 1);
	machine_memory(&m, length, kind, 0);
	if (kind == HUGE_PAGES && huge_bytes(m.memory) < length) {
		fprintf(stderr, "bench: the host has no huge pages for %s\n", name);
	} else {
		machine_start(&m, 0, code, warm, GUEST_MEMORY);
		machine_finish(&m, 0);
		machine_start(&m, 0, code, pages - warm, GUEST_MEMORY + warm * size);
		row(name, (double)machine_finish(&m, 0) / (pages - warm));
	}
	machine_destroy(&m);
}

#define GIB		(1ull << 30)
static uint64_t bitmap[GIB / 4096 / 64];

/* The log of 1 GiB of which nothing was written; often enough that a tick of the host is lost in it. */
static void dirty_clean(void)
{
	const unsigned int rounds = 256;
	struct machine m;
	uint64_t begin;
	unsigned int i;

	machine_create(&m, 1);
	machine_memory(&m, GIB, UNTOUCHED, KVMX_MEM_LOG_DIRTY_PAGES);
	must(kvmx_vm_memory_dirty(m.vm, SLOT_MEMORY, bitmap, GIB / 4096 / 64), "dirty log");
	begin = __rdtsc();
	for (i = 0; i < rounds; i++)
		must(kvmx_vm_memory_dirty(m.vm, SLOT_MEMORY, bitmap, GIB / 4096 / 64), "dirty log");
	row("dirty_get_clean", (double)(__rdtsc() - begin) / rounds);
	machine_destroy(&m);
}

/*
 * A dirty log of 4 KiB pages that were all written: what it costs to write
 * each of them again, and to fetch the log.
 */
static void dirty_log(uint64_t length)
{
	uint64_t pages = length / 4096, begin;
	struct machine m;
	unsigned int i;

	machine_create(&m, 1);
	machine_memory(&m, length, SMALL_PAGES, KVMX_MEM_LOG_DIRTY_PAGES);
	for (i = 0; i < 2; i++) {
		machine_start(&m, 0, guest_touch_4k_64, pages, GUEST_MEMORY);
		begin = machine_finish(&m, 0);
		if (i)
			row("dirty_write", (double)begin / pages);
		begin = __rdtsc();
		must(kvmx_vm_memory_dirty(m.vm, SLOT_MEMORY, bitmap, pages / 64), "dirty log");
		if (i)
			row("dirty_get", (double)(__rdtsc() - begin) / pages);
		for (uint64_t word = 0; word < pages / 64; word++)
			if (bitmap[word] != ~0ull)
				must(-1, "finding every page in the dirty log");
	}
	machine_destroy(&m);
}

void rows_memory(void)
{
	unsigned int scale = quick ? 1 : 4;

	touch("touch_real", guest_touch_4k_16, SMALL_PAGES, 1024 * scale, 4096);
	touch("touch", guest_touch_4k_64, SMALL_PAGES, 1024 * scale, 4096);
	touch("fresh", guest_touch_4k_64, UNTOUCHED, 1024 * scale, 4096);
	touch("touch_2m", guest_touch_2m_64, HUGE_PAGES, 32 * scale, 2 << 20);
	dirty_log((uint64_t)scale << 25);
	dirty_clean();
}
