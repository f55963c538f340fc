// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots that come and go while a vCPU uses their addresses: each access
 * sees one of them or nothing (device space), never what was there before.
 * Documentation/virt/kvm/api.rst, KVM_SET_USER_MEMORY_REGION.
 */
#include "lib.h"

PROGRAM(.vcpus = 2, .seconds = 60);

#define SLOT 0x20000000ul
#define PAGES 4

static volatile u64 oldest, newest, reads, nothing;
static volatile bool stop;

/* With interrupts on, for Bochs: see init_sipi.c. */
static void reader(void *unused)
{
	u64 first, v, last;

	sti();
	for (int i = 0; !stop; i++) {
		first = oldest;
		v = *(volatile u64 *)(SLOT + i % PAGES * 4096 + 8);
		last = newest;
		if (v == ~0ull)
			nothing++;
		else
			CHECK(v >= first && v <= last, "read %lu, of slot %lu to %lu", v, first, last);
		reads++;
	}
	cli();
}

int main(void)
{
	u64 *content = pages_alloc(PAGES, 4096);

	apic_enable();
	CHECK_EQ("device space", *(volatile u64 *)SLOT, ~0ull);
	smp_start(1);
	run_on(1, reader, NULL);
	for (u64 i = 1; i <= 30; i++) {
		for (int page = 0; page < PAGES; page++)
			content[page * 512 + 1] = i;
		newest = i;
		CHECK_EQ("making the slot", host(CALL_SLOT, SLOT, PAGES * 4096, 0, (u64)content).result, 0);
		oldest = i;
		for (int page = 0; page < PAGES; page++)
			CHECK_EQ("a word of the new slot", *(volatile u64 *)(SLOT + page * 4096 + 8), i);
		*(volatile u64 *)(SLOT + 16) = i * 3;
		CHECK_EQ("a word that was written", *(volatile u64 *)(SLOT + 16), i * 3);
		WAIT(reads > i * 100, 20);
		CHECK_EQ("taking the slot", host(CALL_TAKE_SLOT, SLOT, 0, 0, 0).result, 0);
		CHECK_EQ("a word of no slot", *(volatile u64 *)(SLOT + 8), ~0ull);
	}
	stop = true;
	wait_for(1);
	CHECK(reads > 100, "the other CPU read %lu times only", reads);

	/* Overlapping ones are refused, adjoining ones work, also for what lies across. */
	CHECK_EQ("a slot", host(CALL_SLOT, SLOT, 8192, 0, 0).result, 0);
	CHECK(host(CALL_SLOT, SLOT + 4096, 8192, 0, 0).result < 0, "an overlapping slot was made");
	CHECK_EQ("an adjoining slot", host(CALL_SLOT, SLOT + 8192, 4096, 0, 0).result, 0);
	*(volatile u64 *)(SLOT + 8192 - 3) = 0x1122334455667788;
	CHECK_EQ("a word across two slots", *(volatile u64 *)(SLOT + 8192 - 3), 0x1122334455667788);
	host(CALL_TAKE_SLOT, SLOT + 8192, 0, 0, 0);
	/* Half memory, half device. */
	CHECK_EQ("a word half in device space", *(volatile u64 *)(SLOT + 8192 - 3) & 0xffffff, 0x667788);
	*(volatile u64 *)(SLOT + 8192 - 3) = 0xaaaaaaaaaa555555;
	CHECK_EQ("the half in memory", *(volatile u64 *)(SLOT + 8192 - 8) >> 40, 0x555555);
	return 0;
}
