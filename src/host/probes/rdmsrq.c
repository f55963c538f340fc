/* KVMX_HAVE_RDMSRQ: the MSR helpers are named for a quadword; 6.16 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/types.h>
#include <asm/msr.h>
int probe(u32 msr, u64 *val);
int probe(u32 msr, u64 *val)
{
	return rdmsrq_safe(msr, val);
}
