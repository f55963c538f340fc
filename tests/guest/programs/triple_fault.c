// SPDX-License-Identifier: GPL-2.0-only
/* An exception with an empty interrupt table ends in KVM_EXIT_SHUTDOWN. */
#include "lib.h"

PROGRAM();

#define EXIT_SHUTDOWN 8

int main(void)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) none = { 0, 0 };

	host(CALL_EXPECT, EXIT_SHUTDOWN, EXPECT_PASS, 0, 0);
	asm volatile("lidt %0; ud2" :: "m"(none));
	fail("UD2 went by");
}
