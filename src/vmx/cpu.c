// SPDX-License-Identifier: GPL-2.0-only
/*
 * VT-x as this computer's CPUs have it: what they can do, switching it on and
 * off, the MSR bitmap that all guests share. Called by the x86 floor through
 * vmx.c's table.
 */
#include <linux/cpu.h>
#include <linux/kernel.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/special_insns.h>

#include <kvmx/host.h>
#include "vmx.h"
#include "cpu.h"

#define CR4_FRED	BIT_ULL(32)

DEFINE_PER_CPU(struct vmx_cpu, vmx_cpu);
struct vmx_config vmx_config;

/* Off: see src/README.md. */
static bool enable_apicv;
module_param(enable_apicv, bool, 0444);
MODULE_PARM_DESC(enable_apicv, "VT-x does a part of a local APIC in x2APIC mode without exits, where it can");

static void *vmx_msr_bitmap, *vmx_msr_bitmap_all, *vmx_msr_bitmap_apic;

/* MSRs that the guest has in the CPU itself: it writes the first few, and only reads the others. */
const u32 vmx_direct_msrs[] = {
	X86_MSR_FS_BASE, X86_MSR_GS_BASE, X86_MSR_KERNEL_GS_BASE,
	X86_MSR_STAR, X86_MSR_LSTAR, X86_MSR_SFMASK,
	X86_MSR_SYSENTER_CS, X86_MSR_SYSENTER_ESP, X86_MSR_SYSENTER_EIP, 0,
};
#define DIRECT_WRITES	3

/* Controls that are needed, with what the refusal says of them, and that are taken if there. */
struct vmx_wish {
	u32 bits;
	const char *name;	/* NULL: optional */
};

static const struct vmx_wish vmx_pin_wishes[] = {
	{ PIN_INTERRUPT | PIN_NMI, "exits on interrupts and NMIs" },
	{ PIN_VIRTUAL_NMI, "virtual NMIs" },
	{ }
};

static const struct vmx_wish vmx_cpu_wishes[] = {
	{ CPU_SECONDARY, "secondary controls" },
	{ CPU_TPR_SHADOW, "a TPR shadow" },
	{ CPU_MSR_BITMAP, "MSR bitmaps" },
	{ CPU_TSC_OFFSET | CPU_HLT | CPU_MWAIT | CPU_RDPMC | CPU_MOV_DR | CPU_ALL_IO |
	  CPU_MONITOR, "exits on privileged instructions" },
	{ }
};

static const struct vmx_wish vmx_cpu2_wishes[] = {
	{ CPU2_EPT, "extended page tables (EPT)" },
	{ CPU2_UNRESTRICTED, "unrestricted guests" },
	{ CPU2_VPID, "virtual processor identifiers (VPID)" },
	{ CPU2_WBINVD, "exits on WBINVD" },
	{ CPU2_RDTSCP }, { CPU2_PAUSE_LOOP }, { CPU2_INVPCID }, { CPU2_ENCLS }, { CPU2_PML },
	{ CPU2_TSC_SCALING },
	{ CPU2_VIRTUAL_X2APIC }, { CPU2_APIC_REGISTERS }, { CPU2_VIRTUAL_INTERRUPTS },
	{ }
};

static const struct vmx_wish vmx_exit_wishes[] = {
	{ EXIT_HOST_64, "64-bit hosts" },
	{ EXIT_SAVE_DEBUG | EXIT_LOAD_PAT | EXIT_SAVE_EFER | EXIT_LOAD_EFER,
	  "PAT and EFER in the control structure" },
	{ }
};

static const struct vmx_wish vmx_entry_wishes[] = {
	{ ENTRY_GUEST_64, "64-bit guests" },
	{ ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
	  "PAT and EFER in the control structure" },
	{ }
};

static void vmx_lacks(const char *what)
{
	pr_err("kvmx: this CPU's VT-x has no %s, which kvmx needs\n", what);
}

/*
 * The low half of a capability MSR has the controls that must be 1, the high
 * half those that may be (SDM, "Reserved Controls and Default Settings").
 */
static bool vmx_choose(u32 msr, const struct vmx_wish *wish, u32 *controls)
{
	u64 cap = x86_rdmsr(msr);

	*controls = lower_32_bits(cap);
	for (; wish->bits; wish++) {
		u32 have = wish->bits & upper_32_bits(cap);

		if (wish->name && have != wish->bits) {
			vmx_lacks(wish->name);
			return false;
		}
		*controls |= have;
	}
	return true;
}

static bool vmx_choose_controls(void)
{
	struct vmx_config *c = &vmx_config;

	return vmx_choose(MSR_VMX_TRUE_PIN, vmx_pin_wishes, &c->pin) &&
	       vmx_choose(MSR_VMX_TRUE_CPU, vmx_cpu_wishes, &c->cpu) &&
	       vmx_choose(MSR_VMX_CPU2_CONTROLS, vmx_cpu2_wishes, &c->cpu2) &&
	       vmx_choose(MSR_VMX_TRUE_EXIT, vmx_exit_wishes, &c->exit) &&
	       vmx_choose(MSR_VMX_TRUE_ENTRY, vmx_entry_wishes, &c->entry);
}

/*
 * Nehalem's and Westmere's timers count at another rate than they say (the
 * processors' specification updates, "VMX-Preemption Timer Does Not Count Down
 * at the Rate Specified").
 */
static void vmx_choose_timer(void)
{
	static const u8 wrong[] = { 0x1a, 0x1e, 0x1f, 0x25, 0x2c, 0x2e, 0x2f };

	vmx_config.timer = upper_32_bits(x86_rdmsr(MSR_VMX_TRUE_PIN)) & PIN_PREEMPTION_TIMER;
	if (boot_cpu_data.x86 == 6 && memchr(wrong, boot_cpu_data.x86_model, sizeof(wrong)))
		vmx_config.timer = false;
	vmx_config.timer_rate = x86_rdmsr(MSR_VMX_MISC) & VMX_MISC_TIMER_RATE;
}

/* Only together: vmx_sync_apic() switches them on, for a vCPU whose APIC is in x2APIC mode. */
static void vmx_choose_apic(void)
{
	const u32 all = CPU2_VIRTUAL_X2APIC | CPU2_APIC_REGISTERS | CPU2_VIRTUAL_INTERRUPTS;

	vmx_config.apic_controls = enable_apicv && (vmx_config.cpu2 & all) == all ? all : 0;
	vmx_config.cpu2 &= ~all;
}

static bool vmx_choose_ept(void)
{
	const u64 needed = EPT_CAP_LEVELS_4 | EPT_CAP_WB | EPT_CAP_INVEPT |
			   EPT_CAP_INVEPT_SINGLE;
	u64 cap = x86_rdmsr(MSR_VMX_EPT_VPID_CAP);

	if ((cap & needed) != needed) {
		vmx_lacks("write-back EPT of four levels");
		return false;
	}
	vmx_config.eptp = EPTP_WB | EPTP_LEVELS_4;
	if (cap & EPT_CAP_ACCESSED_DIRTY) {
		vmx_config.eptp |= EPTP_ACCESSED_DIRTY;
	} else {
		vmx_ept.accessed = 0;
		vmx_ept.dirty = 0;
		vmx_config.cpu2 &= ~CPU2_PML;
	}
	vmx_ept.logs_writes = vmx_config.cpu2 & CPU2_PML;
	if (!(cap & EPT_CAP_2M))
		vmx_ept.leaf_levels = 1;
	else if (!(cap & EPT_CAP_1G))
		vmx_ept.leaf_levels = 2;
	return true;
}

/* Whether the CPU has VT-x at all, and firmware and host leave it usable: one line if not. */
static bool vmx_present(void)
{
	struct x86_cpuid_regs r;
	u64 val;

	x86_cpuid_native(1, 0, &r);
	if (!(r.ecx & BIT(5))) {
		pr_err("kvmx: this CPU has no VT-x (VMX), or it is hidden\n");
		return false;
	}
	val = x86_rdmsr(X86_MSR_FEATURE_CONTROL);
	if ((val & FEATURE_CONTROL_LOCKED) && !(val & FEATURE_CONTROL_VMXON)) {
		pr_err("kvmx: VT-x is disabled by the firmware; enable it in its setup\n");
		return false;
	}
	/* NMIs that end a guest are passed to the host in a way that FRED does not know. */
	if (native_read_cr4() & CR4_FRED) {
		pr_err("kvmx: VT-x on a host that uses FRED is not supported; boot with fred=off\n");
		return false;
	}
	val = x86_rdmsr(MSR_VMX_BASIC);
	if (!(val & VMX_BASIC_TRUE_CONTROLS) || VMX_BASIC_MEMORY_TYPE(val) != EPTP_WB) {
		vmx_lacks("adjustable default controls");
		return false;
	}
	vmx_config.revision = val & VMX_BASIC_REVISION;
	return true;
}

/* What the host does against its own CPU's flaws is done around guests, too. */
static void vmx_choose_mitigations(void)
{
	if (cpu_mitigations_off())
		return;
	vmx_config.flush_l1d = boot_cpu_has_bug(X86_BUG_L1TF) &&
			       boot_cpu_has(X86_FEATURE_FLUSH_L1D);
	if (boot_cpu_has(X86_FEATURE_MD_CLEAR))
		vmx_config.switch_flags = BIT(SWITCH_VERW);
	/*
	 * A guest stops these CPUs with a machine check by code on a page whose size it has
	 * changed, while instruction TLBs hold both ("Machine Check Error on Page Size Change").
	 */
	if (boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT))
		vmx_ept.exec_levels = 1;
}

static void vmx_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *vc = per_cpu_ptr(&vmx_cpu, cpu);

		free_page((unsigned long)vc->region);
		vc->region = NULL;
	}
	free_page((unsigned long)vmx_msr_bitmap);
	free_page((unsigned long)vmx_msr_bitmap_all);
	free_page((unsigned long)vmx_msr_bitmap_apic);
	vmx_msr_bitmap_apic = NULL;
	vmx_msr_bitmap = NULL;
	vmx_msr_bitmap_all = NULL;
}

/* Four KiB: reads and writes of MSRs from 0 and from 0xc0000000, a bit that is set exits. */
static void vmx_bitmap_allow(u8 *map, u32 msr, bool write)
{
	u32 n = msr & 0x1fff, at = (msr & BIT(31) ? 0x400 : 0) + (write ? 0x800 : 0);

	map[at + n / 8] &= ~BIT(n % 8);
}

/*
 * Registers that are in the page as the guest is to read them, and those that the
 * CPU writes with all that belongs to it (SDM, "Virtualizing MSR-Based APIC Accesses").
 */
static void vmx_bitmap_apic(u8 *map)
{
	static const u8 read[] = { 0x08, 0x0a, 0x0f, 0x28, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37,
				   0x38, 0x3e };
	static const u8 written[] = { 0x08, 0x0b, 0x3f };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(read); i++)
		vmx_bitmap_allow(map, X86_MSR_X2APIC + read[i], false);
	/* ISR, TMR, IRR */
	for (i = 0x10; i < 0x28; i++)
		vmx_bitmap_allow(map, X86_MSR_X2APIC + i, false);
	for (i = 0; i < ARRAY_SIZE(written); i++)
		vmx_bitmap_allow(map, X86_MSR_X2APIC + written[i], true);
}

static int vmx_alloc(void)
{
	unsigned int i;
	int cpu;

	vmx_msr_bitmap = (void *)__get_free_page(GFP_KERNEL);
	vmx_msr_bitmap_all = (void *)__get_free_page(GFP_KERNEL);
	vmx_msr_bitmap_apic = (void *)__get_free_page(GFP_KERNEL);
	if (!vmx_msr_bitmap || !vmx_msr_bitmap_all || !vmx_msr_bitmap_apic)
		return -ENOMEM;
	memset(vmx_msr_bitmap, 0xff, PAGE_SIZE);
	memset(vmx_msr_bitmap_all, 0xff, PAGE_SIZE);
	for (i = 0; vmx_direct_msrs[i]; i++) {
		vmx_bitmap_allow(vmx_msr_bitmap, vmx_direct_msrs[i], false);
		if (i < DIRECT_WRITES)
			vmx_bitmap_allow(vmx_msr_bitmap, vmx_direct_msrs[i], true);
	}
	memcpy(vmx_msr_bitmap_apic, vmx_msr_bitmap, PAGE_SIZE);
	vmx_bitmap_apic(vmx_msr_bitmap_apic);
	vmx_config.msr_bitmap_apic_pa = virt_to_phys(vmx_msr_bitmap_apic);
	vmx_config.msr_bitmap_pa = virt_to_phys(vmx_msr_bitmap);
	vmx_config.msr_bitmap_all_pa = virt_to_phys(vmx_msr_bitmap_all);

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *vc = per_cpu_ptr(&vmx_cpu, cpu);

		vc->region = (void *)get_zeroed_page(GFP_KERNEL);
		if (!vc->region)
			return -ENOMEM;
		*(u32 *)vc->region = vmx_config.revision;
		INIT_LIST_HEAD(&vc->held);
		vc->region_pa = virt_to_phys(vc->region);
	}
	return 0;
}

int vmx_probe(struct x86_unit_caps *caps)
{
	int ret;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_CENTAUR &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_ZHAOXIN)
		return -ENOENT;
	if (!vmx_present() || !vmx_choose_controls() || !vmx_choose_ept())
		return -ENODEV;
	/* Exits that the true controls let us do without. */
	vmx_config.cpu &= ~(CPU_CR3_LOAD | CPU_CR3_STORE);
	vmx_config.entry &= ~ENTRY_GUEST_64;
	vmx_choose_timer();
	vmx_choose_apic();
	vmx_choose_mitigations();

	caps->next_rip = true;
	caps->decode_assists = true;
	caps->vnmi = true;
	caps->pdptes = true;
	caps->virtual_apic = vmx_config.apic_controls;
	caps->pause_filter = vmx_config.cpu2 & CPU2_PAUSE_LOOP;
	caps->tsc_scale = vmx_config.cpu2 & CPU2_TSC_SCALING;
	caps->tsc_scale_frac_bits = 48;
	caps->tsc_scale_max = U64_MAX;
	caps->asids = 1 << 16;

	ret = vmx_alloc();
	if (ret)
		vmx_remove();
	return ret;
}

void vmx_remove(void)
{
	vmx_free();
}

static int vmx_on(u64 pa)
{
	asm goto("1: vmxon %[pa]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [pa] "m" (pa) : "cc", "memory" : failed);
	return 0;
failed:
	return -EIO;
}

/*
 * VMX is ours if the kernel lets us have it and nobody else does. Otherwise
 * it is borrowed from in-tree KVM: its guests and ours share the CPUs.
 */
int vmx_take(void)
{
	int err;

	vmx_config.borrowed = !kvmx_host_vmx_available() || (native_read_cr4() & X86_CR4_VMXE);
	if (!vmx_config.borrowed)
		return 0;
	err = kvmx_host_kvm_hold();
	if (err)
		pr_err_ratelimited("kvmx: cannot create a VM: VT-x has to be borrowed from kvm-intel here, which is not there (%d); modprobe kvm_intel\n",
				   err);
	/* Not the errno of a file that the caller has not asked for. */
	return err ? -ENODEV : 0;
}

void vmx_give(void)
{
	if (vmx_config.borrowed)
		kvmx_host_kvm_release();
}

static int vmx_cpu_on(const struct vmx_cpu *vc)
{
	u64 feature = x86_rdmsr(X86_MSR_FEATURE_CONTROL);
	int err;

	if (!(feature & FEATURE_CONTROL_LOCKED))
		x86_wrmsr(X86_MSR_FEATURE_CONTROL,
			  feature | FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMXON);
	kvmx_host_vmx_begin();
	err = vmx_on(vc->region_pa);
	if (err)
		kvmx_host_vmx_end();
	return err;
}

int vmx_cpu_enable(void)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);
	bool on = native_read_cr4() & X86_CR4_VMXE;
	int err = 0;

	if (on != vmx_config.borrowed)
		return on ? -EBUSY : -EIO;
	if (!on)
		err = vmx_cpu_on(vc);
	if (err)
		return err;
	vc->last = NULL;
	vc->enabled = true;
	return 0;
}

void vmx_cpu_disable(void)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);

	if (!vc->enabled)
		return;
	vmx_vmcs_drop_all();
	vc->enabled = false;
	if (vmx_config.borrowed)
		return;
	asm volatile("vmxoff" : : : "cc", "memory");
	kvmx_host_vmx_end();
}
