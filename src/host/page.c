// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a VMM's address space for stage-2 faults: which page lies at a
 * user address, whether it may be written, and how large the host maps it.
 * Declared in kvmx/host.h; called by src/core/memory.c.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/pgtable.h>
#include <kvmx/host.h>

#include "kvmx-facts.h"

#if KVMX_HAVE_FOLL_INTERRUPTIBLE
#define FOLL_SLOW	(FOLL_HWPOISON | FOLL_INTERRUPTIBLE)
#else
#define FOLL_SLOW	FOLL_HWPOISON
#endif

static int page_found(struct page *page, bool writable, struct kvmx_host_page *out)
{
	out->page = page;
	out->pfn = page_to_pfn(page);
	out->writable = writable;
	out->device = false;
	return 0;
}

/*
 * Memory that a driver mapped without giving away references to its pages.
 * No reference is taken here either: the mmu notifier tells when it goes. On
 * kernels that have neither look-up such memory cannot be given to guests.
 */
#if KVMX_HAVE_FOLLOW_PFNMAP
static int pfnmap_look(struct vm_area_struct *vma, unsigned long hva, u64 *pfn, bool *writable)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = hva };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
	return 0;
}
#elif KVMX_HAVE_FOLLOW_PTE_MM
static int pfnmap_look(struct vm_area_struct *vma, unsigned long hva, u64 *pfn, bool *writable)
{
	spinlock_t *lock;
	pte_t *ptep, pte;
	int ret = follow_pte(vma->vm_mm, hva, &ptep, &lock);

	if (ret)
		return ret;
	__acquire(*lock);	/* for sparse, which cannot see that follow_pte() took it */
	pte = *ptep;
	*pfn = pte_pfn(pte);
	*writable = pte_write(pte);
	pte_unmap_unlock(ptep, lock);
	return 0;
}
#else
static int pfnmap_look(struct vm_area_struct *vma, unsigned long hva, u64 *pfn, bool *writable)
{
	return -EFAULT;
}
#endif

static int pfnmap_get(struct mm_struct *mm, unsigned long hva, bool write,
		      struct kvmx_host_page *out)
{
	struct vm_area_struct *vma;
	bool unlocked = false;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	vma = find_vma_intersection(mm, hva, hva + 1);
	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)) ||
	    !(vma->vm_flags & (write ? VM_WRITE : VM_READ)))
		goto out;
	ret = pfnmap_look(vma, hva, &out->pfn, &out->writable);
	if (ret || (write && !out->writable)) {
		ret = fixup_user_fault(mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
		/* The caller looks again; the vma may be another by now. */
		if (!ret)
			ret = -EAGAIN;
		goto out;
	}
	out->page = NULL;
	out->device = !pfn_valid(out->pfn);
out:
	mmap_read_unlock(mm);
	return ret;
}

/* Faults the page in. A page that came for reading may turn out to be writable. */
static int page_get_slow(struct mm_struct *mm, unsigned long hva, bool write,
			 struct kvmx_host_page *out)
{
	struct page *page, *again;
	long n;

	n = get_user_pages_unlocked(hva, 1, &page, FOLL_SLOW | (write ? FOLL_WRITE : 0));
	if (n == -EFAULT)
		return pfnmap_get(mm, hva, write, out);
	if (n != 1)
		return n < 0 ? n : -EFAULT;
	if (write || get_user_pages_fast_only(hva, 1, FOLL_WRITE, &again) != 1)
		return page_found(page, write, out);
	put_page(page);
	return page_found(again, true, out);
}

int kvmx_host_get_page(struct mm_struct *mm, unsigned long hva, bool write, bool atomic,
		       struct kvmx_host_page *out)
{
	struct page *page;

	/* The look-ups below know no other address space. */
	if (mm != current->mm)
		return -EFAULT;
	/* Succeeds only where the page table allows writing already: breaks no COW. */
	if (get_user_pages_fast_only(hva, 1, FOLL_WRITE, &page) == 1)
		return page_found(page, true, out);
	if (!write && get_user_pages_fast_only(hva, 1, 0, &page) == 1)
		return page_found(page, false, out);
	if (atomic)
		return -EAGAIN;
	return page_get_slow(mm, hva, write, out);
}

/*
 * The flag alone, without the file system: a page cache page that may be
 * written was announced to it when the host made it writable, and is still
 * mapped when this is called under the lock that the mmu notifier takes.
 */
void kvmx_host_put_page(struct kvmx_host_page *page, bool dirtied)
{
	if (!page->page)
		return;
	if (dirtied && !PageReserved(page->page))
		SetPageDirty(page->page);
	put_page(page->page);
	page->page = NULL;
}

/*
 * Interrupts off keep the tables from being freed, as for the kernel's own
 * lockless walk of user page tables (mm/gup.c).
 */
u8 kvmx_host_mapping_level(struct mm_struct *mm, unsigned long hva)
{
	unsigned long flags;
	u8 level = 1;
	pgd_t *pgdp, pgd;
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t *pmdp, pmd;

	local_irq_save(flags);
	pgdp = pgd_offset(mm, hva);
	pgd = READ_ONCE(*pgdp);
	if (pgd_none(pgd))
		goto out;
	p4dp = p4d_offset_lockless(pgdp, pgd, hva);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pudp = pud_offset_lockless(p4dp, p4d, hva);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		level = 3;
		goto out;
	}
	pmdp = pmd_offset_lockless(pudp, pud, hva);
	pmd = READ_ONCE(*pmdp);
	if (!pmd_none(pmd) && pmd_present(pmd) && pmd_leaf(pmd))
		level = 2;
out:
	local_irq_restore(flags);
	return level;
}
