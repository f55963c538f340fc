// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports at CPL 3: IOPL, and the permission bits in the TSS, also for the string
 * instructions, which the hypervisor does, over the ends of a map and of pages.
 * AMD APM vol. 2, "I/O-Permission Bitmap".
 */
#include "lib.h"

PROGRAM();

static u8 *tss, *map;
static u64 stack;
static u8 *buffer;

struct ask { u16 port; u8 size; bool in, string, iopl3; };

static u64 user_io(u64 argument)
{
	struct ask a = *(struct ask *)argument;
	u64 rdi = (u64)buffer, rcx = 2;

	if (a.string && a.in && a.size == 1)
		asm volatile("rep insb" : "+D"(rdi), "+c"(rcx) : "d"(a.port) : "memory");
	else if (a.string && a.in)
		asm volatile("rep insl" : "+D"(rdi), "+c"(rcx) : "d"(a.port) : "memory");
	else if (a.string && a.size == 1)
		asm volatile("rep outsb" : "+S"(rdi), "+c"(rcx) : "d"(a.port) : "memory");
	else if (a.string)
		asm volatile("rep outsl" : "+S"(rdi), "+c"(rcx) : "d"(a.port) : "memory");
	else if (a.in)
		return a.size == 1 ? inb(a.port) : a.size == 2 ? inw(a.port) : inl(a.port);
	else if (a.size == 1)
		outb(a.port, 1);
	else if (a.size == 2)
		outw(a.port, 1);
	else
		outl(a.port, 1);
	return 0;
}

static void try(u16 port, u8 size, int wanted)
{
	for (int i = 0; i < 4; i++) {
		struct ask a = { port, size, i & 1, i >> 1 & 1, false };
		int vector;

		if (a.string && size == 2)
			continue;
		vector = CATCH(call_user(user_io, (u64)&a, stack));
		CHECK(vector == wanted, "%s%s, %u bytes, port 0x%x: vector %d, not %d", a.in ? "IN" : "OUT",
		      a.string ? "S" : "", size, port, vector, wanted);
		if (wanted == GP)
			CHECK_EQ("its error code", caught()->error, 0);
	}
}

static void allow(u16 port, bool yes)
{
	if (yes)
		map[port / 8] &= ~(1 << port % 8);
	else
		map[port / 8] |= 1 << port % 8;
}

static void tss_set(u32 limit)
{
	u64 base = (u64)tss;

	gdt[SEL_TSS / 8] = (limit & 0xffff) | (base & 0xffffff) << 16 | 0x89ull << 40 |
			   (base >> 24 & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = base >> 32;
	asm volatile("ltr %w0" :: "r"(SEL_TSS));
}

int main(void)
{
	u64 old;

	stack = (u64)page_alloc() + 4096;
	buffer = page_alloc();
	tss = pages_alloc(4, 4096);
	/* The library's, with room for a map behind it. */
	old = (gdt[SEL_TSS / 8] >> 16 & 0xffffff) | gdt[SEL_TSS / 8] >> 56 << 24;
	memcpy(tss, (void *)old, 104);

	/* Without a map. */
	tss_set(103);
	try(PORT_ECHO, 1, GP);
	/* The map begins so that the byte of PORT_ECHO is the last of a page. */
	map = tss + 4095 - PORT_ECHO / 8;
	*(u16 *)(tss + 102) = map - tss;
	memset(map, 0xff, 0x2001);
	tss_set(map - tss + 0x2000);
	try(PORT_ECHO, 1, GP);
	for (int i = 0; i < 16; i++)
		allow(PORT_ECHO + i, true);
	for (int i = 0; i < 8; i++) {
		try(PORT_ECHO + i, 1, -1);
		try(PORT_ECHO + i, 2, -1);
		try(PORT_ECHO + i, 4, -1);
	}
	/* All of a wide access's ports are asked. */
	allow(PORT_ECHO + 6, false);
	try(PORT_ECHO + 6, 1, GP);
	try(PORT_ECHO + 5, 1, -1);
	try(PORT_ECHO + 5, 2, GP);
	try(PORT_ECHO + 3, 4, GP);
	try(PORT_ECHO + 2, 4, -1);
	allow(PORT_ECHO + 6, true);
	/* Bits beyond the limit are as if set. */
	tss_set(map - tss + PORT_ECHO / 8);
	try(PORT_ECHO + 7, 1, GP);
	tss_set(map - tss + PORT_ECHO / 8 + 1);
	try(PORT_ECHO + 7, 1, -1);
	/* A port of the kernel's. */
	tss_set(map - tss + 0x2000);
	allow(0x43, true);
	try(0x43, 1, -1);
	try(0x42, 1, GP);
	return 0;
}
