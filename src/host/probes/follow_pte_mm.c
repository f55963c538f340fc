/* KVMX_HAVE_FOLLOW_PTE_MM: follow_pte() takes an mm, an address and two results; until 6.9 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/mm.h>
int probe(struct mm_struct *mm, unsigned long address, pte_t **pte, spinlock_t **lock);
int probe(struct mm_struct *mm, unsigned long address, pte_t **pte, spinlock_t **lock)
{
	return follow_pte(mm, address, pte, lock);
}
