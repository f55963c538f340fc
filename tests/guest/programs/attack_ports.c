// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attack: every port, read or written with 1, 2 or 4 bytes, those of devices in all ways;
 * runs of string I/O over the borders of the devices' port ranges.
 */
#include "lib.h"

PROGRAM(.seconds = 60);

/* The runner's own. */
static bool spared(u32 port)
{
	return (port >= PORT_DEBUG - 3 && port <= PORT_DEBUG) || (port >= PORT_END - 3 && port < PORT_CALL + 4);
}

static void in(u16 port, u32 size)
{
	if (size == 0)
		inb(port);
	else if (size == 1)
		inw(port);
	else
		inl(port);
}

static void out(u16 port, u32 size, u32 value)
{
	if (size == 0)
		outb(port, value);
	else if (size == 1)
		outw(port, value);
	else
		outl(port, value);
}

int main(void)
{
	u8 *buffer = pages_alloc(2, 4096);
	u64 rdi, rcx;

	random_seed();
	for (u32 port = 0; port < 0x10000; port++) {
		bool all = port < 0x70 || (port >= 0xa0 && port < 0xa8) || (port >= 0x4c0 && port < 0x4e0) || port >= 0xfff0;
		u32 size = random_below(3), value = random64();

		if (spared(port))
			continue;
		for (u32 s = all ? 0 : size; s <= (all ? 2 : size); s++) {
			if (all || value & 1)
				in(port, s);
			if (all || !(value & 1))
				out(port, s, value);
		}
		checks++;
	}
	for (u32 i = 0; i < 300; i++) {
		static const u16 at[] = { 0x1e, 0x20, 0x21, 0x3f, 0x40, 0x43, 0x60, 0x61, 0x9f, 0xa0,
					  0xa1, 0x4cf, 0x4d0, 0x4d1, 0xfffd, 0xffff };
		u16 port = at[random_below(ARRAY_SIZE(at))];

		rdi = (u64)buffer + 4096 - random_below(40);
		rcx = random_below(64);
		switch (random_below(6)) {
		case 0: asm volatile("rep insb" : "+D"(rdi), "+c"(rcx) : "d"(port) : "memory"); break;
		case 1: asm volatile("rep insw" : "+D"(rdi), "+c"(rcx) : "d"(port) : "memory"); break;
		case 2: asm volatile("rep insl" : "+D"(rdi), "+c"(rcx) : "d"(port) : "memory"); break;
		case 3: asm volatile("rep outsb" : "+S"(rdi), "+c"(rcx) : "d"(port) : "memory"); break;
		case 4: asm volatile("rep outsw" : "+S"(rdi), "+c"(rcx) : "d"(port) : "memory"); break;
		case 5: asm volatile("rep outsl" : "+S"(rdi), "+c"(rcx) : "d"(port) : "memory"); break;
		}
		CHECK_EQ("RCX after a string", rcx, 0);
	}
	/* The vCPU still works. */
	outb(PORT_ECHO, 0x5a);
	CHECK_EQ("INB", inb(PORT_ECHO), 0x5a);
	return 0;
}
