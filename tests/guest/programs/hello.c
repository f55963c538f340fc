// SPDX-License-Identifier: GPL-2.0-only
/* From the reset vector to 64-bit mode, and the first words to the host. */
#include "lib.h"

PROGRAM();

int main(void)
{
	CHECK_EQ("EFER", rdmsr(MSR_EFER) & (EFER_LME | EFER_LMA), EFER_LME | EFER_LMA);
	CHECK_EQ("CPU", this_cpu(), 0);
	CHECK(header.tsc_khz > 1000, "the runner told no TSC frequency");
	EXPECT(UD, "ud2", asm volatile("ud2"));
	EXPECT(-1, "nop", asm volatile("nop"));
	return 0;
}
