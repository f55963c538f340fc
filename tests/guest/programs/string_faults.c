// SPDX-License-Identifier: GPL-2.0-only
/*
 * Repeated string instructions with devices, whose memory side faults in the middle:
 * the registers tell how far they came, the handler makes the page, and all goes on
 * with nothing lost or done twice. Forward and backward, read-only pages too.
 * AMD APM vol. 3, "Repeat Prefixes".
 */
#include "lib.h"

PROGRAM();

#define ADDRESS 0x40000000000ul	/* two pages */

static u64 cr3, *pte[2];
static u8 *page[2];
static volatile u64 faults, fault_address, fault_error, fault_rcx, fault_rdi, fault_rsi, fault_rip;

static void on_fault(struct frame *f)
{
	fault_address = read_cr2();
	fault_error = f->error;
	fault_rcx = f->rcx;
	fault_rdi = f->rdi;
	fault_rsi = f->rsi;
	fault_rip = f->rip;
	if (++faults > 4)
		fail("page faults without end, at 0x%lx", fault_address);
	*pte[fault_address >> 12 & 1] = (u64)page[fault_address >> 12 & 1] | PTE_P | PTE_W;
	invlpg(fault_address);
}

/* Page 1 (or 0, backward) is missing, or read-only. */
static void prepare(int missing, u64 bits)
{
	for (int i = 0; i < 2; i++) {
		*pte[i] = (u64)page[i] | PTE_P | PTE_W;
		if (i == missing)
			*pte[i] = bits ? (u64)page[i] | bits : 0;
		invlpg(ADDRESS + i * 4096);
		memset(page[i], 0, 4096);
	}
	faults = 0;
}

static u32 *dword(u64 address)
{
	u64 at = address - ADDRESS;

	return (u32 *)(page[at >> 12] + (at & 4095));
}

static void ins(bool backward, u64 bits)
{
	u64 rdi = backward ? ADDRESS + 4096 + 8 : ADDRESS + 4096 - 12, rcx = 8, start = rdi;
	u32 first;

	prepare(!backward, bits);
	first = inl(PORT_COUNTER) + 1;
	if (backward)
		asm volatile("std; rep insl; cld" : "+D"(rdi), "+c"(rcx) : "d"(PORT_COUNTER) : "memory");
	else
		asm volatile("rep insl" : "+D"(rdi), "+c"(rcx) : "d"(PORT_COUNTER) : "memory");
	CHECK_EQ("faults of REP INSL", faults, 1);
	CHECK_EQ("its error code", fault_error, PF_W | (bits ? PF_P : 0));
	CHECK_EQ("RCX at the fault", fault_rcx, 5);
	CHECK_EQ("RDI at the fault", fault_rdi, backward ? start - 12 : start + 12);
	CHECK_EQ("RCX", rcx, 0);
	for (u32 i = 0; i < 8; i++)
		CHECK(*dword(start + (backward ? -4l : 4l) * i) == first + i,
		      "dword %u is %u, not %u", i, *dword(start + (backward ? -4l : 4l) * i), first + i);
}

static void outs(void)
{
	u64 rsi = ADDRESS + 4096 - 3, rcx = 7;

	prepare(1, 0);
	for (int i = 0; i < 3; i++)
		page[0][4093 + i] = i + 1;
	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	asm volatile("rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(PORT_ECHO) : "memory");
	CHECK_EQ("faults of REP OUTSB", faults, 1);
	CHECK_EQ("RCX at the fault", fault_rcx, 4);
	CHECK_EQ("RSI at the fault", fault_rsi, ADDRESS + 4096);
	for (u64 i = 0; i < 7; i++) {
		struct host_call c = host(CALL_LOG_GET, i, 0, 0, 0);

		CHECK(!c.result && c.b == (i < 3 ? i + 1 : 0), "byte %lu is 0x%lx", i, (u64)c.b);
	}
	CHECK(host(CALL_LOG_GET, 7, 0, 0, 0).result < 0, "more than 7 bytes were written");
}

static void movs(void)
{
	u64 rdi = ADDRESS + 4096 - 12, rsi = MMIO_ADDRESS + 0x40, rcx = 6;

	for (u32 i = 0; i < 6; i++)
		*(volatile u32 *)(MMIO_ADDRESS + 0x40 + i * 4) = 0x100 + i;
	prepare(1, 0);
	asm volatile("rep movsl" : "+D"(rdi), "+S"(rsi), "+c"(rcx) :: "memory");
	CHECK_EQ("faults of REP MOVSL from a device", faults, 1);
	CHECK_EQ("RCX at the fault", fault_rcx, 3);
	CHECK_EQ("RSI at the fault", fault_rsi, MMIO_ADDRESS + 0x4c);
	for (u32 i = 0; i < 6; i++)
		CHECK_EQ("a dword moved", *dword(ADDRESS + 4096 - 12 + i * 4), 0x100 + i);

	/* To a device, from a page that is missing. */
	prepare(1, 0);
	*dword(ADDRESS + 4088) = 0x51;
	*dword(ADDRESS + 4092) = 0x52;
	rsi = ADDRESS + 4088;
	rdi = MMIO_ADDRESS + 0x80;
	rcx = 4;
	asm volatile("rep movsl" : "+D"(rdi), "+S"(rsi), "+c"(rcx) :: "memory");
	CHECK_EQ("faults of REP MOVSL to a device", faults, 1);
	CHECK_EQ("RDI at the fault", fault_rdi, MMIO_ADDRESS + 0x88);
	CHECK_EQ("a dword there", *(volatile u32 *)(MMIO_ADDRESS + 0x84), 0x52);
	CHECK_EQ("another", *(volatile u32 *)(MMIO_ADDRESS + 0x88), 0);

	/* One element over the border, to a read-only page. */
	prepare(1, PTE_P);
	*(volatile u64 *)(MMIO_ADDRESS + 0x100) = 0x1122334455667788;
	rdi = ADDRESS + 4096 - 5;
	rsi = MMIO_ADDRESS + 0x100;
	asm volatile("movsq" : "+D"(rdi), "+S"(rsi) :: "memory");
	CHECK_EQ("faults of MOVSQ over the border", faults, 1);
	CHECK_EQ("its address", fault_address, ADDRESS + 4096);
	CHECK_EQ("its error code", fault_error, PF_P | PF_W);
	CHECK_EQ("RDI", rdi, ADDRESS + 4096 + 3);
	CHECK_EQ("what was moved", *(volatile u64 *)(ADDRESS + 4096 - 5), 0x1122334455667788);
}

static void compare(void)
{
	u64 rdi = ADDRESS + 4096 - 4, rsi = MMIO_ADDRESS + 0x200, rcx = 20;
	bool equal;

	for (u32 i = 0; i < 20; i++)
		*(volatile u8 *)(MMIO_ADDRESS + 0x200 + i) = i == 8 ? 7 : 0;
	prepare(1, 0);
	asm volatile("repe cmpsb" : "+D"(rdi), "+S"(rsi), "+c"(rcx), "=@ccz"(equal) :: "memory");
	CHECK_EQ("faults of REPE CMPSB", faults, 1);
	CHECK_EQ("RCX at the fault", fault_rcx, 16);
	CHECK(!equal, "REPE CMPSB found no difference");
	CHECK_EQ("RCX after the difference", rcx, 11);
	CHECK_EQ("RDI", rdi, ADDRESS + 4096 + 5);
}

int main(void)
{
	cr3 = tables_copy();
	for (int i = 0; i < 2; i++) {
		page[i] = page_alloc();
		pte[i] = pte_get(cr3, ADDRESS + i * 4096);
	}
	write_cr3(cr3);
	set_handler(PF, on_fault);
	for (int i = 0; i < 3; i++) {
		/* In-tree KVM forgets how far INS came. */
		if (!header.in_tree) {
			ins(false, 0);
			ins(true, 0);
			ins(false, PTE_P);
		}
		outs();
		movs();
		compare();
	}
	return 0;
}
