// SPDX-License-Identifier: GPL-2.0-only
/*
 * An interrupt that is delivered to a stack which is not in the second level of page tables
 * yet: its delivery is cut short by an exit, and it still comes, once.
 * Intel SDM vol. 3, "Information for VM Exits During Event Delivery".
 */
#include "lib.h"

PROGRAM(.memory_mb = 32);

#define VECTOR	0x61
#define FRESH	(18ul << 20)
#define STEP	(2ul << 20)
#define STACKS	6

static volatile u32 count;

static void on_irq(struct frame *f)
{
	count++;
	apic_eoi();
}

/* A self IPI in x2APIC mode, with the stack at @top. */
static void on_stack(u64 top)
{
	asm volatile("mov %%rsp, %%rbx; mov %0, %%rsp; sti; wrmsr; nop; nop; cli; mov %%rbx, %%rsp"
		     : : "r" (top), "c" (0x83f), "a" (VECTOR), "d" (0) : "rbx", "memory");
}

int main(void)
{
	set_handler(VECTOR, on_irq);
	apic_x2();
	apic_enable();
	for (u32 i = 0; i < STACKS; i++) {
		on_stack(FRESH + i * STEP + STEP / 2);
		CHECK_EQ("interrupts", count, i + 1);
		CHECK(!apic_bit(APIC_ISR, VECTOR), "it is still in service");
	}
	return 0;
}
