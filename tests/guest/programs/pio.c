// SPDX-License-Identifier: GPL-2.0-only
/*
 * IN and OUT of all sizes with a device in user space; INS and OUTS, repeated,
 * forward and backward, over page borders.
 * AMD APM vol. 3, IN, OUT, INS, OUTS.
 */
#include "lib.h"

PROGRAM();

static struct host_call access(u64 index)
{
	return host(CALL_LOG_GET, index, 0, 0, 0);
}

static void expect(u64 index, u64 port, u64 value, u64 flags)
{
	struct host_call c = access(index);

	CHECK(!c.result, "no access number %lu", index);
	CHECK_EQ("the port", c.a, port);
	CHECK_EQ("the value", c.b, value);
	CHECK_EQ("length and direction", c.c, flags | LOG_PORT);
}

static void simple(void)
{
	u64 rax;

	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	outb(PORT_ECHO, 0x12);
	outw(PORT_ECHO + 4, 0x3456);
	outl(PORT_ECHO + 8, 0x789abcde);
	asm volatile("outb %b0, $0x77" :: "a"(0x99));
	CHECK_EQ("INB", inb(PORT_ECHO), 0x12);
	CHECK_EQ("INW", inw(PORT_ECHO + 4), 0x3456);
	CHECK_EQ("INL", inl(PORT_ECHO + 8), 0x789abcde);
	expect(0, PORT_ECHO, 0x12, LOG_WRITE | 1);
	expect(1, PORT_ECHO + 4, 0x3456, LOG_WRITE | 2);
	expect(2, PORT_ECHO + 8, 0x789abcde, LOG_WRITE | 4);
	expect(3, 0x77, 0x99, LOG_WRITE | 1);
	expect(6, PORT_ECHO + 8, 0x789abcde, 4);

	/* What IN leaves of RAX. */
	asm volatile("inb %%dx, %%al" : "=a"(rax) : "a"(0x1122334455667788), "d"(PORT_ECHO));
	CHECK_EQ("RAX after INB", rax, 0x1122334455667712);
	asm volatile("inw %%dx, %%ax" : "=a"(rax) : "a"(0x1122334455667788), "d"(PORT_ECHO + 4));
	CHECK_EQ("RAX after INW", rax, 0x1122334455663456);
	asm volatile("inl %%dx, %%eax" : "=a"(rax) : "a"(0x1122334455667788), "d"(PORT_ECHO + 8));
	CHECK_EQ("RAX after INL", rax, 0x789abcde);
	CHECK_EQ("a port nobody has", inb(0xe000), 0xff);
}

static void strings(void)
{
	u8 *buffer = pages_alloc(4, 4096);
	u64 rcx, rsi, rdi;

	for (int i = 0; i < 16384; i++)
		buffer[i] = i * 7;
	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	rsi = (u64)buffer + 4096 - 10;
	rcx = 20;
	asm volatile("cld; rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(PORT_ECHO) : "memory");
	CHECK_EQ("RSI after REP OUTSB", rsi, (u64)buffer + 4096 + 10);
	CHECK_EQ("RCX", rcx, 0);
	for (u64 i = 0; i < 20; i++)
		expect(i, PORT_ECHO, (u8)((4096 - 10 + i) * 7), LOG_WRITE | 1);

	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	rsi = (u64)buffer + 4096 - 2;	/* the second dword crosses the page's end */
	rcx = 3;
	asm volatile("rep outsl" : "+S"(rsi), "+c"(rcx) : "d"(PORT_ECHO) : "memory");
	for (u64 i = 0; i < 3; i++)
		expect(i, PORT_ECHO, *(u32 *)(buffer + 4094 + i * 4), LOG_WRITE | 4);

	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	rsi = (u64)buffer + 4096 + 8;
	rcx = 8;
	asm volatile("std; rep outsw; cld" : "+S"(rsi), "+c"(rcx) : "d"(PORT_ECHO) : "memory");
	CHECK_EQ("RSI after REP OUTSW backward", rsi, (u64)buffer + 4096 - 8);
	for (u64 i = 0; i < 8; i++)
		expect(i, PORT_ECHO, *(u16 *)(buffer + 4096 + 8 - i * 2), LOG_WRITE | 2);

	/* The counter port gives 0, 1, 2, ... */
	u32 first = inl(PORT_COUNTER) + 1;
	u32 *words = (u32 *)(buffer + 8192 - 40);
	rdi = (u64)words;
	rcx = 20;
	asm volatile("rep insl" : "+D"(rdi), "+c"(rcx) : "d"(PORT_COUNTER) : "memory");
	CHECK_EQ("RDI after REP INSL", rdi, (u64)words + 80);
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ("a word that was read", words[i], first + i);
	first += 20;
	rdi = (u64)words + 76;
	rcx = 20;
	asm volatile("std; rep insl; cld" : "+D"(rdi), "+c"(rcx) : "d"(PORT_COUNTER) : "memory");
	for (u32 i = 0; i < 20; i++)
		CHECK_EQ("a word that was read backward", words[19 - i], first + i);
	first += 20;

	/* A long one. */
	rdi = (u64)buffer + 3;
	rcx = 3000;
	asm volatile("rep insl" : "+D"(rdi), "+c"(rcx) : "d"(PORT_COUNTER) : "memory");
	for (u32 i = 0; i < 3000; i++)
		CHECK(*(u32 *)(buffer + 3 + i * 4) == first + i, "word %u of a long REP INSL", i);

	/* Count 0 does nothing; a count in ECX with a 32-bit address size. */
	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	rcx = 0;
	asm volatile("rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(PORT_ECHO) : "memory");
	CHECK(access(0).result < 0, "REP OUTSB with RCX = 0 wrote");
	rsi = (u64)buffer;
	rcx = 0x100000002;
	asm volatile(".byte 0x67; rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(PORT_ECHO) : "memory");
	expect(1, PORT_ECHO, 7, LOG_WRITE | 1);
	CHECK(access(2).result < 0, "REP OUTSB with ECX = 2 wrote more than two bytes");

	/* A page that is missing in the middle: what was done is done. */
	u64 cr3 = tables_copy(), *pte = pte_get(cr3, (u64)buffer + 4096);
	*pte &= ~PTE_P;
	write_cr3(cr3);
	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	EXPECT(PF, "REP OUTSB into a missing page", asm volatile(
		"rep outsb" :: "S"(buffer + 4096 - 3), "c"(8), "d"(PORT_ECHO) : "memory"));
	CHECK_EQ("CR2", caught()->cr2, (u64)buffer + 4096);
	CHECK(!access(2).result && access(3).result < 0, "not three bytes were written");
}

static u64 user_in(u64 port)
{
	return inb(port);
}

int main(void)
{
	u64 stack = (u64)page_alloc() + 4096;

	simple();
	strings();
	EXPECT(GP, "IN at CPL 3", call_user(user_in, PORT_ECHO, stack));
	CHECK_EQ("its error code", caught()->error, 0);
	return 0;
}
