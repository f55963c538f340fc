// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attack: execution from where no memory is: devices in user space and in the
 * kernel, beyond memory, the ends of address spaces; stacks, page tables and
 * descriptor tables there.
 */
#include "lib.h"

PROGRAM(.seconds = 60);

#define NOWHERE 0x30000000ul

static u64 cr3;

static void jump(u64 to)
{
	asm volatile("call *%0" :: "r"(to) : "memory");
}

static u64 user_jump(u64 to)
{
	jump(to);
	return 0;
}

/* Anything but running on as if nothing was. */
static void tried(const char *what, u64 end)
{
	CHECK(end != ATTACK_WENT_ON, "%s: nothing happened", what);
}

struct table { u16 limit; u64 base; } __attribute__((packed));

int main(void)
{
	static const u64 places[] = {
		MMIO_ADDRESS, MMIO_ADDRESS + MMIO_SIZE - 1, 0xfee00000, 0xfee00fff, 0xfec00000,
		NOWHERE, NOWHERE + 4095, 0xffffe000, 0xfffffffe, 0x100000000, 1ull << 46,
		0x7fffffffffff, 0x800000000000, 1ull << 63, ~0ull, ~0ull - 4096,
	};
	u64 stack = (u64)page_alloc() + 4096, far;
	u64 wide = 1ull << ((cpuid(0x80000008, 0).eax & 0xff) - 1);

	cr3 = tables_copy();
	/* Mapped, but the physical address is nobody's. */
	far = 0x40000000000ul;
	*pte_get(cr3, far) = wide | PTE_P | PTE_W | PTE_U;
	write_cr3(cr3);
	for (int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
			tried("a jump to nowhere", ATTACK(100, jump(places[i])));
			tried("a jump to nowhere at CPL 3",
			      ATTACK(100, call_user(user_jump, places[i], stack)));
		}
		tried("a jump beyond the physical memory", ATTACK(100, jump(far)));

		/* A stack in a device, an interrupt on it. */
		ATTACK(100, asm volatile("mov %0, %%rsp; int3" :: "r"(MMIO_ADDRESS + 0x800) : "memory"));
		ATTACK(100, asm volatile("mov %0, %%rsp; ud2" :: "r"(0xfee00400ul) : "memory"));
		ATTACK(100, asm volatile("mov %0, %%rsp; push $1; pop %%rax; ud2" :: "r"(NOWHERE) : "memory"));
		ATTACK(100, asm volatile("mov %0, %%rsp; ud2" :: "r"(1ull << 60) : "memory"));

		/* Page tables. */
		ATTACK(100, write_cr3(MMIO_ADDRESS); *(volatile u64 *)0x123000);
		ATTACK(100, write_cr3(NOWHERE); *(volatile u64 *)0x123000);
		ATTACK(100, write_cr3(0xfee00000); *(volatile u64 *)0x123000);
		ATTACK(100, write_cr3(wide); *(volatile u64 *)0x123000);
		checks += 8;

		/* Descriptor tables. */
		static const u64 bases[] = { MMIO_ADDRESS, NOWHERE, 0xfee00000, ~0ull - 0xff, 0xffffffff,
					     0x7ffffffffff8, 1ull << 46, 0xffff800000000000 };
		for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++) {
			struct table t = { 0xffff, bases[i] };

			ATTACK(100, asm volatile("lidt %0; int3" :: "m"(t) : "memory"));
			ATTACK(100, asm volatile("lidt %0; ud2" :: "m"(t) : "memory"));
			ATTACK(100, asm volatile("lgdt %0; mov %1, %%es; mov %1, %%ss; ud2"
						 :: "m"(t), "r"(SEL_DATA) : "memory"));
			t.limit = random_below(32);
			ATTACK(100, asm volatile("lidt %0; int $0x80" :: "m"(t) : "memory"));
			t.limit = 7;
			ATTACK(100, asm volatile("lgdt %0; pushq $8; pushq $0; lretq" :: "m"(t) : "memory"));
			checks += 5;
		}
		/* A task register and an LDT elsewhere. */
		for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++) {
			gdt[SEL_FREE / 8] = 0x67 | (bases[i] & 0xffffff) << 16 | 0x89ull << 40 |
					    (bases[i] >> 24 & 0xff) << 56;
			gdt[SEL_FREE / 8 + 1] = bases[i] >> 32;
			ATTACK(100, asm volatile("ltr %w0" :: "r"(SEL_FREE));
			       call_user(user_jump, 0x1000, stack));
			gdt[SEL_FREE / 8] = 0xffff | (bases[i] & 0xffffff) << 16 | 0x82ull << 40 |
					    (bases[i] >> 24 & 0xff) << 56;
			ATTACK(100, asm volatile("lldt %w0; mov %1, %%fs" :: "r"(SEL_FREE), "r"(0x0c)));
			checks += 2;
		}
	}
	return 0;
}
