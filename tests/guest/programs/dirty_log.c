// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log names each page that was written since it was read last, by
 * whatever way, and no page that was only read.
 * Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG.
 */
#include "lib.h"

PROGRAM(.flags = PROGRAM_DIRTY_LOG, .vcpus = 2, .seconds = 60);

static u8 *pages;	/* 64, which the log is asked for together */

static u64 dirty(void)
{
	struct host_call c = host(CALL_DIRTY, (u64)pages, 0, 0, 0);

	CHECK(c.result >= 0, "reading the dirty log: %d", c.result);
	return c.b;
}

static volatile u8 *page(u32 n)
{
	return pages + n * 4096;
}

static void writer(void *unused)
{
	for (u32 i = 0; i < 64; i += 2)
		page(i)[i] = i;
}

static void on_int(struct frame *f)
{
}

static volatile u64 stop, laps;

/* With interrupts on, for Bochs: see init_sipi.c. */
static void endless(void *unused)
{
	sti();
	for (u32 i = 0; !stop; i++, laps++)
		page(i % 8)[100] = i;
	cli();
}

int main(void)
{
	u64 sum = 0, rcx, rsi, rdi, r;
	u64 cr3 = tables_copy();

	set_handler(0x20, on_int);
	pages = pages_alloc(64, 64 * 4096);
	dirty();
	CHECK_EQ("dirty after nothing", dirty(), 0);
	for (u32 i = 0; i < 64; i++)
		sum += *page(i);
	CHECK_EQ("dirty after reads", dirty(), 0);
	*page(3) = 1;
	page(63)[4095] = 1;
	CHECK_EQ("dirty after two writes", dirty(), 1ull << 3 | 1ull << 63);
	CHECK_EQ("dirty after it was read", dirty(), 0);
	*page(3) = 2;
	CHECK_EQ("dirty after one more write", dirty(), 1ull << 3);
	*(volatile u64 *)(page(5) + 4092) = 5;
	CHECK_EQ("dirty after a write over a page's end", dirty(), 1ull << 5 | 1ull << 6);
	__atomic_fetch_add(page(7), 0, __ATOMIC_SEQ_CST);
	CHECK_EQ("dirty after a locked addition of 0", dirty(), 1ull << 7);

	/* By the hypervisor: string input, moves from a device, a stack it pushes to. */
	rdi = (u64)page(10) + 4094;
	rcx = 4;
	asm volatile("rep insb" : "+D"(rdi), "+c"(rcx) : "d"(PORT_ECHO) : "memory");
	CHECK_EQ("dirty after REP INSB", dirty(), 1ull << 10 | 1ull << 11);
	rdi = (u64)page(12) + 4096 - 8;
	rsi = MMIO_ADDRESS;
	rcx = 4;
	asm volatile("rep movsl" : "+D"(rdi), "+S"(rsi), "+c"(rcx) :: "memory");
	CHECK_EQ("dirty after REP MOVSL from a device", dirty(), 1ull << 12 | 1ull << 13);
	asm volatile("mov %%rsp, %%rbx; mov %1, %%rsp; pushq (%2); mov %%rbx, %%rsp"
		     : "=&r"(r) : "r"(page(15)), "r"(MMIO_ADDRESS) : "rbx", "memory");
	CHECK_EQ("dirty after PUSH from a device", dirty(), 1ull << 14);

	/* An exception's frame. */
	asm volatile("push %%rbx; mov %%rsp, %%rbx; mov %0, %%rsp; int $0x20; mov %%rbx, %%rsp; pop %%rbx"
		     :: "r"(page(18)) : "memory");
	r = dirty();
	CHECK_EQ("dirty after an interrupt's frame", r, 1ull << 17);

	/* Page tables: the CPU's own A and D bits. */
	*pte_get(cr3, 0x40000000000ul) = (u64)page(21) | PTE_P | PTE_W;
	u64 *pt = pte_get(cr3, 0x40000000000ul);
	memcpy((void *)page(20), (void *)((u64)pt & ~4095ull), 4096);
	u64 *pde = (u64 *)(*(u64 *)((((u64 *)cr3)[0x40000000000ul >> 39]) & PTE_ADDRESS) & PTE_ADDRESS);
	pde[0] = (u64)page(20) | 7;
	write_cr3(cr3);
	dirty();
	r = *(volatile u64 *)0x40000000000ul;
	CHECK_EQ("dirty after A was set in a table", dirty(), 1ull << 20);
	*(volatile u64 *)0x40000000000ul = r;
	CHECK_EQ("dirty after D was set, and the page", dirty(), 1ull << 20 | 1ull << 21);

	/* By another CPU. */
	apic_enable();
	smp_start(1);
	run_on(1, writer, NULL);
	wait_for(1);
	CHECK_EQ("dirty after CPU 1 wrote every other page", dirty(), 0x5555555555555555);

	/* While it is read all the time, none is forgotten. */
	u64 all = 0;
	run_on(1, endless, NULL);
	CHECK(WAIT(laps >= 8, 10000), "CPU 1 does not write");
	for (int i = 0; i < 100; i++)
		all |= dirty();
	stop = 1;
	wait_for(1);
	all |= dirty();
	CHECK_EQ("dirty while CPU 1 wrote", all, 0xff);
	CHECK_EQ("dirty when it had ended", dirty(), 0);

	/* More pages than a CPU notes by itself before it has to tell (512). */
	u8 *many = pages_alloc(1200, 4096);
	for (int round = 0; round < 2; round++) {
		for (u32 i = 0; i < 1200; i++)
			many[i * 4096 + round] = i;
		pages = many + (round ? 1200 - 64 : 0) * 4096;
		CHECK_EQ("dirty after many were written", dirty(), ~0ull);
		CHECK_EQ("dirty after it was read", dirty(), 0);
	}
	(void)sum;
	return 0;
}
