// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the CPU is told of a VM's stage 2: VTCR_EL2 and VTTBR_EL2, and the ids
 * that tell the VMs' translations apart in TLBs. Called by the switch.
 */
#include <linux/kernel.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "enter.h"

static u64 vtcr __ro_after_init;
static unsigned int vmid_bits __ro_after_init;

#define VMID_BITS_MAX		16
#define VMID_GENERATION(id)	((id) >> VMID_BITS_MAX)
#define VMID_NUMBER(id)		((id) & (BIT(VMID_BITS_MAX) - 1))

/* An id is good as long as its generation, in the bits above, is the current one. */
static DEFINE_RAW_SPINLOCK(vmid_lock);
static u64 vmid_last = BIT(VMID_BITS_MAX);	/* [vmid_lock] the last one given out */

int arm64_stage2_init(void)
{
	u64 mmfr0 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR0_EL1);
	u64 mmfr1 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1);
	u64 pa_range = min_t(u64, mmfr0 & 0xf, 5), tgran4_2 = mmfr0 >> 40 & 0xf;

	if (tgran4_2 == 1 || (!tgran4_2 && (mmfr0 >> 28 & 0xf) == 0xf)) {
		pr_err("kvmx: this CPU has no stage-2 tables of 4 KiB\n");
		return -ENODEV;
	}
	if (pa_range < 2) {
		pr_err("kvmx: this CPU has less than 40 bits of physical addresses\n");
		return -ENODEV;
	}
	vmid_bits = (mmfr1 >> 4 & 0xf) == 2 ? 16 : 8;
	vtcr = VTCR_T0SZ(KVMX_IPA_BITS) | VTCR_SL0_LEVEL1 | VTCR_IRGN0_WBWA | VTCR_ORGN0_WBWA |
	       VTCR_SH0_INNER | pa_range << VTCR_PS_SHIFT |
	       (vmid_bits == 16 ? VTCR_VS_16BIT : 0) | VTCR_RES1_BIT;
	return 0;
}

u64 arm64_vtcr(void)
{
	return vtcr;
}

bool arm64_vmid_valid(struct arm64_vm *vm)
{
	return VMID_GENERATION(READ_ONCE(vm->vmid)) == VMID_GENERATION(READ_ONCE(vmid_last));
}

static void leave_guest(void *unused)
{
}

/*
 * The numbers are used up: a new generation begins. First every CPU leaves its
 * guest, which sees before it enters again that its id is no longer good; then
 * nothing of the old ids may be left in any TLB.
 */
static void vmid_roll(void)
{
	WRITE_ONCE(vmid_last, (VMID_GENERATION(vmid_last) + 1) << VMID_BITS_MAX);
	smp_call_function(leave_guest, NULL, 1);
	if (arm64_nvhe)
		nvhe_flush_all();
	else
		asm volatile("dsb ishst; tlbi alle1is; dsb ish; isb" : : : "memory");
}

void arm64_vmid_update(struct arm64_vm *vm)
{
	if (arm64_vmid_valid(vm))
		return;
	raw_spin_lock(&vmid_lock);
	if (!arm64_vmid_valid(vm)) {
		if (VMID_NUMBER(vmid_last) + 1 == BIT(vmid_bits))
			vmid_roll();
		WRITE_ONCE(vmid_last, vmid_last + 1);
		WRITE_ONCE(vm->vmid, vmid_last);
	}
	raw_spin_unlock(&vmid_lock);
}

u64 arm64_vttbr(struct arm64_vm *vm)
{
	return VMID_NUMBER(vm->vmid) << 48 | stage2_root(vm->vm.memory.s2);
}
