// SPDX-License-Identifier: GPL-2.0-only
/*
 * AMD-V as this computer's CPUs have it: what they can do, switching it on
 * and off, the permission maps that all guests share. Called by the x86 floor
 * through svm.c's table.
 */
#include <linux/kernel.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/special_insns.h>

#include "svm.h"
#include "cpu.h"

#define IOPM_ORDER	2	/* 12 KiB, one bit a port (APM, "I/O Permissions Map") */
#define MSRPM_ORDER	1	/* 8 KiB, two bits an MSR (APM, "MSR Permissions Map") */

DEFINE_PER_CPU(struct svm_cpu, svm_cpu);

static struct page *svm_iopm, *svm_msrpm, *svm_msrpm_all;
u64 svm_iopm_pa, svm_msrpm_pa, svm_msrpm_all_pa;
u32 svm_nr_asids;

/* MSRs whose guest value the VMCB holds: no exit for them. */
const u32 svm_direct_msrs[] = {
	X86_MSR_STAR, X86_MSR_LSTAR, X86_MSR_CSTAR, X86_MSR_SFMASK,
	X86_MSR_FS_BASE, X86_MSR_GS_BASE, X86_MSR_KERNEL_GS_BASE,
	X86_MSR_SYSENTER_CS, X86_MSR_SYSENTER_ESP, X86_MSR_SYSENTER_EIP, 0,
};

/* The map has three ranges of 0x2000 MSRs, 2 KiB each, read bit first. */
static void svm_msrpm_allow(u8 *map, u32 msr)
{
	static const u32 first[] = { 0, 0xc0000000, 0xc0010000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		u32 n = msr - first[i];

		if (n < 0x2000)
			map[i * 0x800 + n / 4] &= ~(3 << (n % 4 * 2));
	}
}

static void svm_free_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		if (sc->save_area)
			__free_page(sc->save_area);
		if (sc->host)
			__free_page(sc->host);
		sc->save_area = NULL;
		sc->host = NULL;
	}
}

static int svm_alloc_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		sc->save_area = alloc_page(GFP_KERNEL | __GFP_ZERO);
		sc->host = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!sc->save_area || !sc->host)
			return -ENOMEM;
		sc->host_pa = page_to_phys(sc->host);
	}
	return 0;
}

static int svm_alloc_maps(void)
{
	unsigned int i;

	svm_iopm = alloc_pages(GFP_KERNEL, IOPM_ORDER);
	svm_msrpm = alloc_pages(GFP_KERNEL, MSRPM_ORDER);
	svm_msrpm_all = alloc_pages(GFP_KERNEL, MSRPM_ORDER);
	if (!svm_iopm || !svm_msrpm || !svm_msrpm_all)
		return -ENOMEM;
	memset(page_address(svm_iopm), 0xff, PAGE_SIZE << IOPM_ORDER);
	memset(page_address(svm_msrpm), 0xff, PAGE_SIZE << MSRPM_ORDER);
	memset(page_address(svm_msrpm_all), 0xff, PAGE_SIZE << MSRPM_ORDER);
	for (i = 0; svm_direct_msrs[i]; i++)
		svm_msrpm_allow(page_address(svm_msrpm), svm_direct_msrs[i]);
	svm_iopm_pa = page_to_phys(svm_iopm);
	svm_msrpm_pa = page_to_phys(svm_msrpm);
	svm_msrpm_all_pa = page_to_phys(svm_msrpm_all);
	return 0;
}

/* Whether the CPU has SVM at all, and its firmware left it usable: one line if not. */
static bool svm_present(void)
{
	struct x86_cpuid_regs r;

	x86_cpuid_native(0x80000000, 0, &r);
	if (r.eax >= 0x8000000a)
		x86_cpuid_native(0x80000001, 0, &r);
	else
		r.ecx = 0;
	if (!(r.ecx & BIT(2))) {
		pr_err("kvmx: this CPU has no AMD-V (SVM), or it is hidden\n");
		return false;
	}
	if (x86_rdmsr(X86_MSR_VM_CR) & SVM_VM_CR_SVMDIS) {
		pr_err("kvmx: AMD-V is disabled by the firmware; enable SVM in its setup\n");
		return false;
	}
	x86_cpuid_native(0x8000000a, 0, &r);
	if (!(r.edx & SVM_CPUID_NP)) {
		pr_err("kvmx: this CPU's AMD-V has no nested paging, which kvmx needs\n");
		return false;
	}
	/* The unit would read control blocks, permission maps and tables as they lie, encrypted. */
	if (sme_me_mask) {
		pr_err("kvmx: the host's memory encryption (mem_encrypt=on) is not supported\n");
		return false;
	}
	return true;
}

int svm_probe(struct x86_unit_caps *caps)
{
	struct x86_cpuid_regs r;
	int ret;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_AMD &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_HYGON)
		return -ENOENT;
	if (!svm_present())
		return -ENODEV;

	x86_cpuid_native(0x8000000a, 0, &r);
	caps->next_rip = r.edx & SVM_CPUID_NRIPS;
	caps->decode_assists = r.edx & SVM_CPUID_DECODE;
	caps->flush_by_asid = r.edx & SVM_CPUID_FLUSH_ASID;
	caps->vgif = r.edx & SVM_CPUID_VGIF;
	caps->clean_bits = r.edx & SVM_CPUID_CLEAN;
	caps->pause_filter = r.edx & SVM_CPUID_PAUSE_FILTER;
	caps->tsc_scale = r.edx & SVM_CPUID_TSC_SCALE;
	caps->tsc_scale_frac_bits = 32;
	caps->tsc_scale_max = GENMASK_ULL(39, 0);
	caps->asids = r.ebx;
	if (caps->asids < 2) {
		pr_err("kvmx: this CPU's AMD-V has no address space identifiers for guests\n");
		return -ENODEV;
	}
	svm_nr_asids = caps->asids;
	/* Nested tables have as many levels as the host's own (APM volume 2, "Nested Paging"). */
	if (native_read_cr4() & X86_CR4_LA57)
		svm_npt.levels = 5;

	ret = svm_alloc_maps();
	if (!ret)
		ret = svm_alloc_cpus();
	if (ret)
		svm_remove();
	return ret;
}

void svm_remove(void)
{
	svm_free_cpus();
	if (svm_iopm)
		__free_pages(svm_iopm, IOPM_ORDER);
	if (svm_msrpm)
		__free_pages(svm_msrpm, MSRPM_ORDER);
	if (svm_msrpm_all)
		__free_pages(svm_msrpm_all, MSRPM_ORDER);
	svm_iopm = NULL;
	svm_msrpm = NULL;
	svm_msrpm_all = NULL;
}

int svm_cpu_enable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer = x86_rdmsr(X86_MSR_EFER);

	if (efer & X86_EFER_SVME)
		return -EBUSY;
	if (x86_rdmsr(X86_MSR_VM_CR) & SVM_VM_CR_SVMDIS)
		return -EIO;

	x86_wrmsr(X86_MSR_EFER, efer | X86_EFER_SVME);
	x86_wrmsr(X86_MSR_VM_HSAVE_PA, page_to_phys(sc->save_area));
	if (x86_unit_caps.tsc_scale)
		x86_wrmsr(X86_MSR_AMD_TSC_RATIO, BIT_ULL(32));
	sc->tsc_ratio = BIT_ULL(32);
	/* Generation 0 is nobody's: every vCPU takes an ASID, the first flushes all. */
	sc->generation++;
	sc->next_asid = svm_nr_asids;
	sc->last = NULL;
	sc->enabled = true;
	return 0;
}

void svm_cpu_disable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);

	if (!sc->enabled)
		return;
	sc->enabled = false;
	if (x86_unit_caps.tsc_scale)
		x86_wrmsr(X86_MSR_AMD_TSC_RATIO, BIT_ULL(32));
	x86_wrmsr(X86_MSR_VM_HSAVE_PA, 0);
	x86_wrmsr(X86_MSR_EFER, x86_rdmsr(X86_MSR_EFER) & ~X86_EFER_SVME);
}
