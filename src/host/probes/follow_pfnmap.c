/* KVMX_HAVE_FOLLOW_PFNMAP: follow_pfnmap_start() looks up VM_PFNMAP memory; 6.12 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/mm.h>
int probe(struct follow_pfnmap_args *args);
int probe(struct follow_pfnmap_args *args)
{
	int ret = follow_pfnmap_start(args);

	if (!ret && args->pfn && args->writable)
		follow_pfnmap_end(args);
	return ret;
}
