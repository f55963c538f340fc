// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loads kernel, initrd and command line, writes the zero page, and sets the
 * first vCPU up for the 64-bit entry. Called by machine.c. Sources: the
 * kernel's Documentation/arch/x86/boot.rst, "64-bit Boot Protocol", and
 * zero-page.rst; Intel SDM 3A, "Initializing IA-32e Mode".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "boot.h"
#include "bzimage.h"
#include "cmd.h"
#include "layout.h"

#define PAGE		4096u
#define ENTRY_64	0x200u		/* of the 64-bit entry in the payload */
#define LOADER_OTHER	0xffu		/* type_of_loader: no number assigned */
#define E820_USABLE	1u
#define E820_RESERVED	2u

struct file {
	const uint8_t *data;
	size_t size;
};

static int file_map(const char *path, struct file *out)
{
	struct stat st;
	void *p;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		complain("cannot open %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EINVAL;
	}
	if (!S_ISREG(st.st_mode) || !st.st_size) {
		complain("%s is not a file with anything in it", path);
		close(fd);
		return -EINVAL;
	}
	p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED) {
		complain("cannot read %s: %s", path, strerror(errno));
		return -EINVAL;
	}
	out->data = p;
	out->size = st.st_size;
	return 0;
}

static void file_unmap(const struct file *file)
{
	if (file->data)
		munmap((void *)file->data, file->size);
}

static void e820_add(struct boot_params *zero, uint64_t start, uint64_t end,
		     uint32_t type)
{
	struct boot_e820_entry *e = &zero->e820_table[zero->e820_entries];

	if (end <= start)
		return;
	e->addr = start;
	e->size = end - start;
	e->type = type;
	zero->e820_entries++;
}

static void e820_fill(struct boot_params *zero, const struct guest_ram *ram)
{
	uint64_t low = ram->range[0].length;

	e820_add(zero, 0, LOW_RAM_END, E820_USABLE);
	e820_add(zero, LOW_RAM_END, 0xa0000, E820_RESERVED);
	e820_add(zero, ACPI_ADDRESS, HIGH_RAM_START, E820_RESERVED);
	e820_add(zero, HIGH_RAM_START, low, E820_USABLE);
	e820_add(zero, TSS_ADDRESS - PAGE, RAM_GAP_END, E820_RESERVED);
	for (unsigned int i = 1; i < ram->count; i++)
		e820_add(zero, ram->range[i].base,
			 ram->range[i].base + ram->range[i].length, E820_USABLE);
}

/* The initrd goes as high as the kernel can reach, the kernel lies low. */
static int initrd_load(const struct guest_ram *ram, const struct file *initrd,
		       const struct bzimage *image, uint64_t kernel,
		       struct setup_header *h)
{
	uint64_t end = ram->range[0].length;
	uint64_t kernel_end = kernel + image->run_size;
	uint64_t start;

	if (end > image->initrd_max + 1)
		end = image->initrd_max + 1;
	if (initrd->size > end ||
	    (start = (end - initrd->size) & ~(uint64_t)(PAGE - 1)) < kernel_end) {
		complain("kernel and initrd do not fit: give the guest more --memory");
		return -ENOSPC;
	}
	memcpy(guest_ram_pointer(ram, start, initrd->size), initrd->data,
	       initrd->size);
	h->ramdisk_image = start;
	h->ramdisk_size = initrd->size;
	return 0;
}

static int image_load(const struct guest_ram *ram, const struct boot_files *files,
		      const struct file *kernel, const struct file *initrd,
		      uint64_t rsdp, uint64_t *entry)
{
	size_t length = strlen(files->cmdline);
	struct boot_params *zero;
	struct bzimage image;
	uint64_t address;
	const char *why;
	int ret;

	ret = bzimage_parse(kernel->data, kernel->size, &image, &why);
	if (ret) {
		complain("%s: %s", files->kernel, why);
		return ret;
	}
	if (length > image.cmdline_max || length >= CMDLINE_LIMIT) {
		complain("--append is longer than the %u characters this kernel takes",
			 image.cmdline_max);
		return -E2BIG;
	}
	ret = bzimage_place(&image, ram->range[0].length, &address);
	if (ret) {
		complain("%s needs %llu MiB to start: give the guest more --memory",
			 files->kernel,
			 (unsigned long long)(image.run_size >> 20) + 1);
		return ret;
	}
	zero = guest_ram_pointer(ram, ZERO_PAGE_ADDRESS, sizeof(*zero));
	memset(zero, 0, sizeof(*zero));
	zero->hdr = image.header;
	if (initrd->data) {
		ret = initrd_load(ram, initrd, &image, address, &zero->hdr);
		if (ret)
			return ret;
	}
	memcpy(guest_ram_pointer(ram, address, image.payload_size),
	       image.payload, image.payload_size);
	memcpy(guest_ram_pointer(ram, CMDLINE_ADDRESS, length + 1),
	       files->cmdline, length + 1);
	zero->hdr.type_of_loader = LOADER_OTHER;
	zero->hdr.cmd_line_ptr = CMDLINE_ADDRESS;
	zero->hdr.code32_start = address;
	zero->acpi_rsdp_addr = rsdp;
	e820_fill(zero, ram);
	*entry = address + ENTRY_64;
	return 0;
}

int boot_load(const struct guest_ram *ram, const struct boot_files *files,
	      uint64_t rsdp, uint64_t *entry)
{
	struct file kernel = { 0 }, initrd = { 0 };
	int ret;

	ret = file_map(files->kernel, &kernel);
	if (!ret && files->initrd)
		ret = file_map(files->initrd, &initrd);
	if (!ret)
		ret = image_load(ram, files, &kernel, &initrd, rsdp, entry);
	file_unmap(&kernel);
	file_unmap(&initrd);
	return ret;
}

/* ---- The first vCPU -------------------------------------------------- */

#define CS_SELECTOR	0x10u
#define DS_SELECTOR	0x18u

#define CR0_PE		(1u << 0)
#define CR0_ET		(1u << 4)
#define CR0_NE		(1u << 5)
#define CR0_PG		(1u << 31)
#define CR4_PAE		(1u << 5)
#define EFER_LME	(1u << 8)
#define EFER_LMA	(1u << 10)

#define PTE_PRESENT	(1u << 0)
#define PTE_WRITE	(1u << 1)
#define PTE_LARGE	(1u << 7)

/* The first 4 GiB mapped to themselves, in 2 MiB pages. */
static void page_tables_write(const struct guest_ram *ram)
{
	const uint64_t table = PTE_PRESENT | PTE_WRITE;
	uint64_t *pml4 = guest_ram_pointer(ram, PAGE_TABLES_ADDRESS, 6 * PAGE);
	uint64_t *pdpt = pml4 + 512;
	uint64_t *pd = pdpt + 512;

	memset(pml4, 0, 2 * PAGE);
	pml4[0] = (PAGE_TABLES_ADDRESS + PAGE) | table;
	for (unsigned int i = 0; i < 4; i++)
		pdpt[i] = (PAGE_TABLES_ADDRESS + (2 + i) * PAGE) | table;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = (i << 21) | PTE_LARGE | table;
}

static struct kvmx_segment segment(uint16_t selector, uint8_t type, uint8_t l)
{
	struct kvmx_segment s = {
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = l,
		.db = !l,
	};

	return s;
}

/* The descriptors that match what sregs_set() puts into the registers. */
static void gdt_write(const struct guest_ram *ram)
{
	static const uint64_t gdt[4] = {
		[CS_SELECTOR / 8] = UINT64_C(0x00af9b000000ffff),
		[DS_SELECTOR / 8] = UINT64_C(0x00cf93000000ffff),
	};

	memcpy(guest_ram_pointer(ram, GDT_ADDRESS, sizeof(gdt)), gdt, sizeof(gdt));
}

static int sregs_set(struct kvmx_vcpu *vcpu)
{
	struct kvmx_sregs sregs;
	int ret = kvmx_vcpu_get_sregs(vcpu, &sregs);

	if (ret)
		return ret;
	sregs.cs = segment(CS_SELECTOR, 0xb, 1);
	sregs.ds = segment(DS_SELECTOR, 0x3, 0);
	sregs.es = sregs.ds;
	sregs.fs = sregs.ds;
	sregs.gs = sregs.ds;
	sregs.ss = sregs.ds;
	sregs.gdt.base = GDT_ADDRESS;
	sregs.gdt.limit = 4 * 8 - 1;
	sregs.idt.base = 0;
	sregs.idt.limit = 0;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs.cr3 = PAGE_TABLES_ADDRESS;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	return kvmx_vcpu_set_sregs(vcpu, &sregs);
}

int boot_vcpu(const struct guest_ram *ram, struct kvmx_vcpu *vcpu, uint64_t entry)
{
	const struct kvmx_regs regs = {
		.rip = entry,
		.rsi = ZERO_PAGE_ADDRESS,
		.rsp = BOOT_STACK,
		.rbp = BOOT_STACK,
		.rflags = 2,
	};
	int ret;

	page_tables_write(ram);
	gdt_write(ram);
	ret = sregs_set(vcpu);
	if (ret)
		return ret;
	return kvmx_vcpu_set_regs(vcpu, &regs);
}
