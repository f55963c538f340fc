// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB shootdown: after the other CPUs have answered that they invalidated a page,
 * none of them uses its old translation; global pages, and PCIDs where there are any.
 * AMD APM vol. 2, "Translation-Lookaside Buffer (TLB)"; Intel SDM vol. 3,
 * "Process-Context Identifiers (PCIDs)".
 */
#include "lib.h"

PROGRAM(.vcpus = 3, .seconds = 60);

#define ADDRESS 0x40000000000ul

static u64 cr3;
static volatile u64 answers[MAX_CPUS], stop;
static volatile bool flush_by_cr3;
static volatile u64 loops[MAX_CPUS];

static void on_shootdown(struct frame *f)
{
	if (flush_by_cr3)
		write_cr3(read_cr3());
	else
		invlpg(ADDRESS);
	answers[this_cpu()]++;
	apic_eoi();
}

/* What the page may show is what it showed when the last answer was given, or the next. */
static void reader(void *unused)
{
	unsigned int cpu = this_cpu();

	apic_enable();
	write_cr3(cr3);
	sti();
	while (!stop) {
		u64 before = answers[cpu], v = *(volatile u64 *)ADDRESS;

		CHECK(v >= before, "CPU %u sees page %lu after answer %lu", cpu, v, before);
		loops[cpu]++;
	}
	cli();
}

static void shootdowns(void)
{
	u64 *pte = pte_get(cr3, ADDRESS), *pages[8];

	for (u64 i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = page_alloc();
	*pte = (u64)pages[0] | PTE_P | PTE_W;
	for (unsigned int cpu = 1; cpu < header.vcpus; cpu++) {
		smp_start(cpu);
		run_on(cpu, reader, NULL);
		CHECK(WAIT(loops[cpu], 5000), "CPU %u does not read", cpu);
	}
	for (u64 i = 1; i <= 100; i++) {
		u64 *page = pages[i % ARRAY_SIZE(pages)];

		*page = i;
		flush_by_cr3 = i & 1;
		*(volatile u64 *)pte = (u64)page | PTE_P | PTE_W;
		apic_ipi(ICR_OTHERS | ICR_ASSERT | 0x60, 0);
		CHECK(WAIT(answers[1] == i && answers[2] == i, 5000), "shootdown %lu: answers %lu and %lu",
		      i, answers[1], answers[2]);
	}
	stop = 1;
	wait_for(1);
	wait_for(2);
}

static void pcids(void)
{
	u64 other = tables_copy(), *a = page_alloc(), *b = page_alloc();

	if (!(cpuid(1, 0).ecx >> 17 & 1)) {
		EXPECT(GP, "CR4.PCIDE without PCIDs", write_cr4(read_cr4() | CR4_PCIDE));
		return;
	}
	*a = 0xa;
	*b = 0xb;
	*pte_get(cr3, ADDRESS) = (u64)a | PTE_P | PTE_W;
	*pte_get(other, ADDRESS) = (u64)b | PTE_P | PTE_W;
	write_cr3(cr3);
	write_cr4(read_cr4() | CR4_PCIDE);
	for (int i = 0; i < 50; i++) {
		write_cr3(cr3 | 1 | 1ull << 63);
		CHECK_EQ("the page with PCID 1", *(volatile u64 *)ADDRESS, 0xa);
		write_cr3(other | 2 | 1ull << 63);
		CHECK_EQ("the page with PCID 2", *(volatile u64 *)ADDRESS, 0xb);
	}
	EXPECT(GP, "clearing CR0.PG with PCIDs", write_cr0(read_cr0() & ~(u64)CR0_PG));
	write_cr3(cr3);
	write_cr4(read_cr4() & ~(u64)CR4_PCIDE);
}

int main(void)
{
	set_handler(0x60, on_shootdown);
	apic_enable();
	cr3 = tables_copy();
	write_cr3(cr3);
	shootdowns();
	pcids();
	return 0;
}
