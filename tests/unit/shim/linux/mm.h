/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages. Physical addresses are the addresses of this program, so every mapping is real. */
#pragma once

#include <linux/align.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm_types.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define PAGE_SHIFT	12
#ifndef PAGE_SIZE
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#endif
#define PMD_SHIFT	21
#define PUD_SHIFT	30
#define PMD_SIZE	(1UL << PMD_SHIFT)
#define PUD_SIZE	(1UL << PUD_SHIFT)
#define PMD_MASK	(~(PMD_SIZE - 1))
#define PUD_MASK	(~(PUD_SIZE - 1))
#define HPAGE_PMD_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define TASK_SIZE_MAX	((1UL << 47) - PAGE_SIZE)
#define TASK_SIZE	TASK_SIZE_MAX
#define PAGE_ALIGN(x)	ALIGN(x, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(x)	ALIGN_DOWN(x, PAGE_SIZE)
#define PAGE_ALIGNED(x)	IS_ALIGNED((unsigned long)(x), PAGE_SIZE)
#define offset_in_page(p)	((unsigned long)(p) & ~PAGE_MASK)
#define NUMA_NO_NODE	(-1)

/* One struct page for every page of the address space; untouched ones cost nothing. */
extern struct page *shim_pages;
#define pfn_to_page(pfn)	(&shim_pages[pfn])
#define page_to_pfn(page)	((unsigned long)((page) - shim_pages))
#define page_to_phys(page)	((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)
#define phys_to_page(phys)	pfn_to_page((phys) >> PAGE_SHIFT)
#define page_address(page)	((void *)(page_to_pfn(page) << PAGE_SHIFT))
#define page_to_virt		page_address
#define virt_to_page(p)		pfn_to_page((unsigned long)(p) >> PAGE_SHIFT)
#define virt_to_phys(p)		((phys_addr_t)(unsigned long)(p))
#define phys_to_virt(phys)	((void *)(unsigned long)(phys))
#define __pa			virt_to_phys
#define __va			phys_to_virt
#define PHYS_PFN(x)		((unsigned long)((x) >> PAGE_SHIFT))
#define PFN_PHYS(x)		((phys_addr_t)(x) << PAGE_SHIFT)
#define PFN_DOWN(x)		((x) >> PAGE_SHIFT)
#define PFN_UP(x)		(((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PTRS_PER_PTE		512

bool pfn_valid(unsigned long pfn);
void get_page(struct page *page);
void put_page(struct page *page);
static inline int page_count(const struct page *page) { return atomic_read(&page->shim_refs); }
#define SetPageReserved(page)	((void)(page))
#define set_page_dirty(page)	((void)(page))
#define set_page_dirty_lock(page)	((void)(page))
#define mark_page_accessed(page)	((void)(page))
#define clear_page(p)		memset(p, 0, PAGE_SIZE)
#define copy_page(to, from)	memcpy(to, from, PAGE_SIZE)

#define FOLL_WRITE	0x1U
#define FOLL_LONGTERM	0x2U
#define FOLL_NOWAIT	0x4U
#define FOLL_HWPOISON	0x8U
#define FOLL_GET	0x10U
/* Pages of registered user ranges only; what kernels offer beyond these is src/host's. */
long shim_get_user_pages(unsigned long start, long n, unsigned int flags, struct page **pages);
void unpin_user_page(struct page *page);
void unpin_user_pages(struct page **pages, unsigned long n);
#define get_user_pages_fast(start, n, flags, pages)	((int)shim_get_user_pages(start, n, flags, pages))
#define pin_user_pages_fast	get_user_pages_fast
#define get_user_pages_unlocked(start, n, pages, flags)	shim_get_user_pages(start, n, flags, pages)

#define mmap_read_lock(mm)	down_read(&(mm)->mmap_lock)
#define mmap_read_trylock(mm)	down_read_trylock(&(mm)->mmap_lock)
#define mmap_read_unlock(mm)	up_read(&(mm)->mmap_lock)
#define mmap_write_lock(mm)	down_write(&(mm)->mmap_lock)
#define mmap_write_unlock(mm)	up_write(&(mm)->mmap_lock)
#define mmap_assert_locked(mm)	lockdep_assert_held(&(mm)->mmap_lock)

#define VM_READ		0x1UL
#define VM_WRITE	0x2UL
#define VM_EXEC		0x4UL
#define VM_SHARED	0x8UL
#define VM_PFNMAP	0x400UL
#define vma_pages(vma)	(((vma)->vm_end - (vma)->vm_start) >> PAGE_SHIFT)
#define VM_IO		0x4000UL
typedef unsigned int vm_fault_t;
#define VM_FAULT_SIGBUS	0x2U
struct vm_fault {
	struct vm_area_struct *vma;
	pgoff_t pgoff;
	unsigned long address;
	struct page *page;
};
struct vm_operations_struct { vm_fault_t (*fault)(struct vm_fault *vmf); };
#include <string.h>
