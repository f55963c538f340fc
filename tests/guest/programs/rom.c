// SPDX-License-Identifier: GPL-2.0-only
/*
 * A read-only slot: it is read and executed as memory; writes go to user space
 * and change nothing.
 * Documentation/virt/kvm/api.rst, KVM_MEM_READONLY.
 */
#include "lib.h"

PROGRAM();

#define ROM 0x10000000ul
#define READONLY 2

static void expect_write(u64 index, u64 address, u64 value, u64 length)
{
	struct host_call c = host(CALL_LOG_GET, index, 0, 0, 0);

	CHECK(!c.result, "no access number %lu", index);
	CHECK_EQ("the address", c.a, address);
	CHECK_EQ("the value", c.b, value);
	CHECK_EQ("length and direction", c.c, LOG_WRITE | length);
}

int main(void)
{
	u8 *content = pages_alloc(4, 4096);
	volatile u64 *rom = (volatile u64 *)ROM;
	u64 sum = 0, rcx, rsi, rdi;

	for (int i = 0; i < 16384; i++)
		content[i] = i * 11;
	/* A function: MOV EAX, 0x600d; RET */
	memcpy(content + 0x1ffd, "\xb8\x0d\x60\x00\x00\xc3", 6);
	CHECK_EQ("making the slot", host(CALL_SLOT, ROM, 16384, READONLY, (u64)content).result, 0);

	for (int i = 0; i < 2048; i++)
		CHECK(rom[i] == ((u64 *)content)[i], "qword %d reads 0x%lx", i, rom[i]);
	CHECK_EQ("code in it, over a page's end", ((u32 (*)(void))(ROM + 0x1ffd))(), 0x600d);

	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	rom[2] = 0x1122334455667788;
	*(volatile u8 *)(ROM + 0x1003) = 0x99;
	expect_write(0, ROM + 16, 0x1122334455667788, 8);
	expect_write(1, ROM + 0x1003, 0x99, 1);
	CHECK_EQ("what was written to", rom[2], ((u64 *)content)[2]);
	CHECK_EQ("a byte written to", *(volatile u8 *)(ROM + 0x1003), content[0x1003]);

	/* Read-modify-write: reads memory, writes to user space. */
	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	asm volatile("addl $1, %0" : "+m"(*(volatile u32 *)(ROM + 32)));
	expect_write(0, ROM + 32, *(u32 *)(content + 32) + 1, 4);
	CHECK_EQ("the memory", *(volatile u32 *)(ROM + 32), *(u32 *)(content + 32));

	/* Strings from it and to it. */
	u8 *copy = page_alloc();
	rsi = ROM + 0xf00;
	rdi = (u64)copy;
	rcx = 0x200;
	asm volatile("rep movsb" : "+S"(rsi), "+D"(rdi), "+c"(rcx) :: "memory");
	CHECK(!memcmp(copy, content + 0xf00, 0x200), "REP MOVSB from it");
	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	rdi = ROM + 0x40;
	rcx = 4;
	asm volatile("rep stosl" : "+D"(rdi), "+c"(rcx) : "a"(0x55aa55aa) : "memory");
	CHECK_EQ("RDI", rdi, ROM + 0x50);
	expect_write(3, ROM + 0x4c, 0x55aa55aa, 4);
	for (int i = 0; i < 2048; i++)
		sum += rom[i] != ((u64 *)content)[i];
	CHECK_EQ("changed qwords", sum, 0);

	/* Taken away, it is device space. */
	CHECK_EQ("taking the slot", host(CALL_TAKE_SLOT, ROM, 0, 0, 0).result, 0);
	CHECK_EQ("a read from nowhere", rom[0], ~0ull);
	return 0;
}
