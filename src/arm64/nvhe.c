// SPDX-License-Identifier: GPL-2.0-only
/*
 * The switch on a host that runs at EL1, below the vectors that the kernel left at
 * EL2 when it booted (the "hyp stub"). One of the stub's calls goes on at EL2 at
 * any address: each entry takes EL2 in this way and each exit gives it back, so
 * there is nothing to give back when a CPU, the module or the kernel goes. Called
 * by enter.c and init.c.
 *
 * At EL2 the code and a page for each CPU are mapped, both where they lie
 * physically, and nothing else.
 */
#include <linux/kernel.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>
#include <asm/virt.h>

#include "enter.h"
#include "frame.h"
#include "timer.h"
#include "vgic.h"

/* world.S */
extern const char arm64_el2[], arm64_el2_end[];
extern const char arm64_nvhe_enter[], arm64_nvhe_flush[], arm64_nvhe_probe[];

/* Translation at EL2 (Arm ARM, "TCR_EL2", E2H being 0): 48 bits by TTBR0, tables in the caches. */
#define EL2_VA_BITS	48
#define EL2_LEVELS	4
#define TCR_EL2_VAL	((64 - EL2_VA_BITS) | 1u << 8 | 1u << 10 | 3u << 12 | BIT(23) | BIT(31))
#define TCR_EL2_PS	16
#define MAIR_EL2_VAL	0xff	/* attribute 0: write-back */
/* SCTLR_EL2: what is fixed to one; translation and caches on, SP aligned. */
#define SCTLR_EL2_VAL	(0x30c50830u | BIT(0) | BIT(2) | BIT(3) | BIT(12))

#define PTE_TABLE	3ULL
#define PTE_PAGE	(3ULL | 1ULL << 6 | 3ULL << 8 | BIT_ULL(10))	/* inner shareable, accessed */
#define PTE_RO		BIT_ULL(7)
#define PTE_NO_EXEC	BIT_ULL(54)
#define PTE_ADDRESS	GENMASK_ULL(47, 12)

#define STUB_NO_CALL	0xffff	/* a call that no stub has */

/* [I] while the unit is taken */
static char *code;
static unsigned int code_order;
static u64 *root;
static u64 tcr;
static DEFINE_MUTEX(map_lock);	/* the tables below root */
static DEFINE_PER_CPU(struct arm64_frame *, frame);

struct arm64_frame *nvhe_frame(void)
{
	return __this_cpu_read(frame);
}

/* Whoever is called at EL2 keeps the registers that a function has to. */
static u64 stub_call(u64 call, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	register u64 x0 asm("x0") = call;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;
	register u64 x4 asm("x4") = a4;
	register u64 x5 asm("x5") = a5;
	register u64 x6 asm("x6") = a6;

	asm volatile("hvc #0"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3), "+r" (x4), "+r" (x5), "+r" (x6)
		     : : "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
		       "cc", "memory");
	return x0;
}

/* Where a place in world.S lies for EL2. */
static u64 at_el2(const char *place)
{
	return virt_to_phys(code) + (place - arm64_el2);
}

/* ---- memory at EL2 ---- */

static u64 *next_table(u64 *entry)
{
	u64 *table;

	if (*entry)
		return phys_to_virt(*entry & PTE_ADDRESS);
	table = (u64 *)get_zeroed_page(GFP_KERNEL);
	if (table)
		*entry = virt_to_phys(table) | PTE_TABLE;
	return table;
}

/* One page, at the address that it has. */
static int map_page(void *page, u64 attributes)
{
	u64 address = virt_to_phys(page), *table = root;
	int level;

	if (address >> EL2_VA_BITS)
		return -ENOMEM;
	for (level = 0; level < EL2_LEVELS - 1 && table; level++)
		table = next_table(&table[address >> (39 - 9 * level) & 511]);
	if (!table)
		return -ENOMEM;
	table[address >> PAGE_SHIFT & 511] = address | PTE_PAGE | attributes;
	return 0;
}

static void free_tables(u64 *table, int level)
{
	int i;

	if (!table)
		return;
	for (i = 0; i < 512 && level < EL2_LEVELS - 1; i++)
		if (table[i])
			free_tables(phys_to_virt(table[i] & PTE_ADDRESS), level + 1);
	free_page((unsigned long)table);
}

static int make_code(void)
{
	size_t size = arm64_el2_end - arm64_el2, at;
	int ret;

	code_order = get_order(size);
	code = (char *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, code_order);
	if (!code)
		return -ENOMEM;
	memcpy(code, arm64_el2, size);
	for (at = 0; at < PAGE_SIZE << code_order; at += PAGE_SIZE) {
		ret = map_page(code + at, PTE_RO);
		if (ret)
			return ret;
	}
	/* It begins with translation, and so perhaps the caches, off. */
	arm64_cache_clean(code, PAGE_SIZE << code_order);
	return 0;
}

static int make_frame(int cpu)
{
	struct arm64_frame *f = (struct arm64_frame *)get_zeroed_page(GFP_KERNEL);

	per_cpu(frame, cpu) = f;
	return f ? map_page(f, PTE_NO_EXEC) : -ENOMEM;
}

/*
 * What is mapped stays so until the unit is given back, though it is freed earlier: EL2
 * goes only where it is told to.
 */
int nvhe_share(void *at, size_t size)
{
	char *page = (char *)((unsigned long)at & PAGE_MASK);
	int ret = 0;

	mutex_lock(&map_lock);
	for (; page < (char *)at + size && !ret; page += PAGE_SIZE)
		ret = map_page(page, PTE_NO_EXEC);
	/* Its walks see them. */
	dsb(ishst);
	mutex_unlock(&map_lock);
	return ret;
}

int nvhe_take(void)
{
	u64 pa_range = read_sanitised_ftr_reg(SYS_ID_AA64MMFR0_EL1) & 0xf;
	int cpu, ret;

	BUILD_BUG_ON(PAGE_SIZE != FRAME_END || sizeof(struct arm64_frame) != PAGE_SIZE);
	tcr = TCR_EL2_VAL | min_t(u64, pa_range, 5) << TCR_EL2_PS;
	root = (u64 *)get_zeroed_page(GFP_KERNEL);
	ret = root ? make_code() : -ENOMEM;
	for_each_possible_cpu(cpu)
		if (!ret)
			ret = make_frame(cpu);
	if (ret)
		nvhe_give();
	dsb(ishst);
	return ret;
}

void nvhe_give(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		free_page((unsigned long)per_cpu(frame, cpu));
		per_cpu(frame, cpu) = NULL;
	}
	free_pages((unsigned long)code, code_order);
	code = NULL;
	free_tables(root, 0);
	root = NULL;
}

/* ---- at EL2 ---- */

int nvhe_cpu_enable(void)
{
	u64 vtr;

	if (stub_call(STUB_NO_CALL, 0, 0, 0, 0, 0, 0) != HVC_STUB_ERR)
		return -EBUSY;
	vtr = stub_call(HVC_SOFT_RESTART, at_el2(arm64_nvhe_probe), 0, 0, 0, 0, 0);
	vgic_cpu_init(vtr);
	return 0;
}

void nvhe_flush_all(void)
{
	stub_call(HVC_SOFT_RESTART, at_el2(arm64_nvhe_flush), 0, 0, 0, 0, 0);
}

void nvhe_load(struct arm64_vcpu *v)
{
	struct arm64_vm *vm = arm64_vm_of(v);
	struct arm64_frame *f = nvhe_frame();
	struct arm64_world *guest = &f->guest;

	f->regs = virt_to_phys(&v->core.regs);
	f->exit = virt_to_phys(&v->exit);
	f->hcrx = arm64_has_hcrx;
	f->harden = spectre_harden();
	memcpy(guest->sys, v->sys, sizeof(guest->sys));
	guest->sp = v->core.sp_el1;
	guest->elr = v->core.elr_el1;
	guest->spsr = v->core.spsr[KVMX_SPSR_EL1];
	guest->vtcr = vm->vtcr;
	guest->vttbr = arm64_vttbr(vm);
	guest->vpidr = read_sysreg(midr_el1);
	guest->vmpidr = v->mpidr;
	guest->cptr = CPTR_NVHE_TRAPS | CPTR_TAM;
	guest->mdcr = v->mdcr;
	guest->cnthctl = CNTHCTL_NVHE_EL1PCTEN;
	guest->cntvoff = READ_ONCE(vm->counter_offset);
	/*
	 * What the host has in its registers, but its stack pointer, is read once: until
	 * the window closes, no other thread runs here that could have others. What the CPU
	 * has between guests is loaded once, too: it may have slept so deep that it forgot.
	 */
	f->fresh = true;
}

void nvhe_save(struct arm64_vcpu *v)
{
	const struct arm64_world *guest = &nvhe_frame()->guest;

	memcpy(v->sys, guest->sys, sizeof(guest->sys));
	v->core.sp_el1 = guest->sp;
	v->core.elr_el1 = guest->elr;
	v->core.spsr[KVMX_SPSR_EL1] = guest->spsr;
}

unsigned int nvhe_run(struct arm64_vcpu *v)
{
	struct arm64_frame *f = nvhe_frame();
	unsigned int vector;

	f->guest.hcr = GUEST_HCR | (v->serror ? HCR_VSE_BIT : 0);
	f->guest.cntv_cval = v->vtimer.cval;
	f->guest.cntv_ctl = v->vtimer.ctl;
	f->flush = v->flush;

	vector = stub_call(HVC_SOFT_RESTART, at_el2(arm64_nvhe_enter), virt_to_phys(f),
			   virt_to_phys(root), tcr, MAIR_EL2_VAL, SCTLR_EL2_VAL);

	/* The bit is gone once the guest has taken it. */
	v->serror = f->guest.hcr & HCR_VSE_BIT;
	v->vtimer.cval = f->guest.cntv_cval;
	v->vtimer.ctl = f->guest.cntv_ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK);
	return vector;
}
