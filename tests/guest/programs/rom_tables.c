// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables, GDT and IDT in a read-only slot: firmware begins like that. An AMD
 * CPU means to write whatever table it walks ("Nested Paging"), so that all of this is
 * done by the hypervisor; in-tree KVM then takes the table's address for a device's.
 * Documentation/virt/kvm/api.rst, KVM_MEM_READONLY.
 */
#include "lib.h"

PROGRAM();

#define ROM 0x10000000ul
#define READONLY 2
#define AD (PTE_A | PTE_D)

static volatile u32 ints;

static void on_int(struct frame *f)
{
	ints++;
}

int main(void)
{
	u64 *content = pages_alloc(8, 4096), own = read_cr3();
	struct { u16 limit; u64 base; } __attribute__((packed)) table;
	extern u64 idt[512];

	set_handler(0x20, on_int);
	/* PML4, PDPT, four page directories, GDT, IDT. */
	content[0] = (ROM + 0x1000) | 7 | AD;
	for (u64 i = 0; i < 4; i++)
		content[512 + i] = (ROM + 0x2000 + i * 4096) | 7 | AD;
	for (u64 i = 0; i < 2048; i++)
		content[1024 + i] = i << 21 | 0x87 | AD;
	/* One that the CPU cannot mark as used: the hypervisor does the access. */
	content[1024 + 12] &= ~AD;
	*(volatile u64 *)0x1800000 = 0x1800;
	asm volatile("sgdt %0" : "=m"(table));
	memcpy(content + 6 * 512, (void *)table.base, table.limit + 1);
	/* Accessed bits of descriptors are set. */
	memcpy(content + 7 * 512, idt, 4096);
	CHECK_EQ("making the slot", host(CALL_SLOT, ROM, 8 * 4096, READONLY, (u64)content).result, 0);

	for (int round = 0; round < 20; round++) {
		struct { u16 limit; u64 base; } __attribute__((packed)) rom_gdt, rom_idt, old_idt;

		write_cr3(ROM);
		CHECK_EQ("memory through tables in it", *(volatile u64 *)ROM, content[0]);
		if (!header.in_tree) {
			*(volatile u64 *)MMIO_ADDRESS = round;
			CHECK_EQ("a device through tables in it", *(volatile u64 *)MMIO_ADDRESS, round);
		}
		write_cr3(own);
		rom_gdt.limit = table.limit;
		rom_gdt.base = ROM + 0x6000;
		asm volatile("sidt %0" : "=m"(old_idt));
		rom_idt.limit = 4095;
		rom_idt.base = ROM + 0x7000;
		asm volatile("lgdt %0; lidt %1" :: "m"(rom_gdt), "m"(rom_idt));
		asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss" :: "r"(SEL_DATA));
		asm volatile("int $0x20");
		asm volatile("lgdt %0; lidt %1" :: "m"(table), "m"(old_idt));
		inb(PORT_ECHO);
	}
	CHECK_EQ("interrupts", ints, 20);
	if (header.in_tree)
		return 0;
	write_cr3(ROM);
	CHECK_EQ("memory through an entry without A", *(volatile u64 *)0x1800000, 0x1800);
	*(volatile u64 *)0x1800008 = 0x77;
	CHECK_EQ("a write through an entry without D", *(volatile u64 *)0x1800008, 0x77);
	write_cr3(own);
	return 0;
}
