// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's CPUID table as user space gave it: what follows from it, the bits
 * in it that follow the vCPU's state, and the guest's CPUID instruction.
 * Called by the ioctls, the exit table and whoever asks for a feature.
 */
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/kvmx_para.h>

#include "cpuid.h"
#include "cpuid_words.h"
#include "fpu.h"
#include "lapic.h"

#define NOWHERE		((u16)-1)

/* Leaves whose bits follow the vCPU's state: x86_cpuid.dynamic. */
enum { LEAF_1, LEAF_D0, LEAF_D1, LEAF_KVM };

static unsigned int hash(u32 fn)
{
	return (fn & 0x3f) | fn >> 31 << 6;
}

static struct kvmx_cpuid_entry2 *find(struct x86_cpuid *c, u32 fn, u32 index)
{
	u16 i;

	for (i = c->head[hash(fn)]; i != NOWHERE; i = c->next[i]) {
		struct kvmx_cpuid_entry2 *e = &c->entry[i];

		if (e->function == fn && (e->index == index ||
					  !(e->flags & KVMX_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return e;
	}
	return NULL;
}

const struct kvmx_cpuid_entry2 *x86_cpuid_find(struct x86_vcpu *v, u32 fn, u32 index)
{
	return find(v->cpuid, fn, index);
}

static void keep_place(struct x86_cpuid *c, unsigned int which, u32 fn, u32 index)
{
	struct kvmx_cpuid_entry2 *e = find(c, fn, index);

	c->dynamic[which] = e ? e - c->entry : NOWHERE;
}

static bool says_kvm(const struct kvmx_cpuid_entry2 *e)
{
	u32 words[3];

	memcpy(words, KVMX_SIGNATURE, sizeof(words));
	return e->ebx == words[0] && e->ecx == words[1] && e->edx == words[2];
}

/* Index, vendor and feature words of a table whose entries are in place. */
static void digest(struct x86_cpuid *c)
{
	struct kvmx_cpuid_entry2 *e;
	unsigned int i, h;

	memset(c->head, 0xff, sizeof(c->head));
	for (i = c->nr; i-- > 0;) {
		h = hash(c->entry[i].function);
		c->next[i] = c->head[h];
		c->head[h] = i;
	}
	for (i = 0; i < X86_FEATURE_WORDS; i++) {
		const struct x86_feature_leaf *leaf = &x86_feature_leaf[i];

		e = find(c, leaf->fn, leaf->index);
		c->word[i] = e ? x86_feature_reg(leaf, e->eax, e->ebx, e->ecx, e->edx) : 0;
	}
	e = find(c, 0, 0);
	c->amd = e ? x86_vendor_amd(e->ebx, e->ecx, e->edx) : x86_host_amd;
	keep_place(c, LEAF_1, 0x1, 0);
	keep_place(c, LEAF_D0, 0xd, 0);
	keep_place(c, LEAF_D1, 0xd, 1);
	/* Bits under another's signature are not ours. */
	e = find(c, KVMX_CPUID_SIGNATURE, 0);
	if (e && says_kvm(e))
		keep_place(c, LEAF_KVM, KVMX_CPUID_FEATURES, 0);
	else
		c->dynamic[LEAF_KVM] = NOWHERE;
}

static u8 max_phy_addr(struct x86_cpuid *c)
{
	struct kvmx_cpuid_entry2 *max = find(c, 0x80000000, 0);
	struct kvmx_cpuid_entry2 *e = find(c, 0x80000008, 0);

	if (!e || !max || max->eax < 0x80000008 || !(e->eax & 0xff))
		return 36;	/* Intel SDM, "Physical Address Width" without the leaf */
	return clamp_t(u8, e->eax & 0xff, 32, 52);
}

static bool has(const struct x86_cpuid *c, enum x86_feature f)
{
	return c->word[f / 32] & BIT(f % 32);
}

static u64 guest_xcr0(struct x86_cpuid *c)
{
	struct kvmx_cpuid_entry2 *e = find(c, 0xd, 0);

	if (!e || !has(c, X86F_XSAVE))
		return 0;
	return (e->eax | (u64)e->edx << 32) & x86_xcr0_supported;
}

/* What else of the vCPU follows from the table. */
static void derive(struct x86_vcpu *v)
{
	struct x86_cpuid *c = v->cpuid;

	v->cr4_guest_bits = x86_cr4_of(c->word) & x86_cr4_supported;
	v->efer_bits = x86_efer_of(c->word) & x86_efer_supported;
	v->xcr0_allowed = guest_xcr0(c);
	v->maxphyaddr = max_phy_addr(c);
	v->rip_canonical_bits = x86_supports(X86F_LA57) && has(c, X86F_LA57) ? 57 : 48;
}

static struct x86_cpuid *new_table(const struct kvmx_cpuid_entry2 *e, u32 nr)
{
	struct x86_cpuid *c = kzalloc(struct_size(c, entry, nr), GFP_KERNEL_ACCOUNT);

	if (!c)
		return NULL;
	c->nr = nr;
	if (nr)
		memcpy(c->entry, e, nr * sizeof(*e));
	digest(c);
	return c;
}

int x86_cpuid_create(struct x86_vcpu *v)
{
	v->cpuid = new_table(NULL, 0);
	if (!v->cpuid)
		return -ENOMEM;
	derive(v);
	return 0;
}

void x86_cpuid_destroy(struct x86_vcpu *v)
{
	kfree(v->cpuid);
	v->cpuid = NULL;
}

static void set_bit_if(u32 *reg, enum x86_feature f, bool set)
{
	if (set)
		*reg |= BIT(f % 32);
	else
		*reg &= ~BIT(f % 32);
}

/* Interrupts need a local APIC here, and who halts by itself cannot be told to go on. */
static u32 pv_missing(struct x86_vcpu *v)
{
	if (!v->lapic)
		return BIT(KVMX_FEATURE_PV_SEND_IPI) | BIT(KVMX_FEATURE_PV_UNHALT) |
		       BIT(KVMX_FEATURE_PV_EOI);
	return x86_vm_of(v)->disabled_exits & KVMX_X86_DISABLE_EXITS_HLT ?
	       BIT(KVMX_FEATURE_PV_UNHALT) : 0;
}

/* The bits of a table that follow the vCPU's state. */
static void update(struct x86_vcpu *v, struct x86_cpuid *c)
{
	struct kvmx_cpuid_entry2 *e;

	if (c->dynamic[LEAF_1] != NOWHERE) {
		e = &c->entry[c->dynamic[LEAF_1]];
		set_bit_if(&e->ecx, X86F_OSXSAVE, has(c, X86F_XSAVE) &&
			   x86_state(v, X86_STATE_CRS)->cr4 & X86_CR4_OSXSAVE);
		set_bit_if(&e->edx, X86F_APIC,
			   has(c, X86F_APIC) && v->apic_base & APIC_BASE_EN);
		/* IA32_MISC_ENABLE, "Enable Monitor FSM"; KVM's guests have it apart unless told. */
		if (x86_vm_of(v)->disabled_quirks & KVMX_X86_QUIRK_MISC_ENABLE_NO_MWAIT) {
			bool monitor = v->misc_enable & BIT(18);

			set_bit_if(&e->ecx, X86F_MONITOR, monitor);
			set_bit_if(&c->word[X86F_MONITOR / 32], X86F_MONITOR, monitor);
		}
	}
	if (c->dynamic[LEAF_D0] != NOWHERE)
		c->entry[c->dynamic[LEAF_D0]].ebx = x86_xsave_bytes(v->fpu.xcr0, false);
	if (c->dynamic[LEAF_D1] != NOWHERE && (has(c, X86F_XSAVEC) || has(c, X86F_XSAVES)))
		c->entry[c->dynamic[LEAF_D1]].ebx =
			x86_xsave_bytes(v->fpu.xcr0 | v->fpu.xss, true);
	if (c->dynamic[LEAF_KVM] != NOWHERE) {
		u32 missing = pv_missing(v);

		c->entry[c->dynamic[LEAF_KVM]].eax &= ~missing;
		c->word[X86F_KVM_PV_UNHALT / 32] &= ~missing;
	}
}

void x86_cpuid_update(struct x86_vcpu *v)
{
	update(v, v->cpuid);
}

/* The padding of an entry is user space's. */
static bool same_table(const struct x86_cpuid *a, const struct x86_cpuid *b)
{
	u32 i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (memcmp(&a->entry[i], &b->entry[i],
			   offsetof(struct kvmx_cpuid_entry2, padding)))
			return false;
	return true;
}

int x86_cpuid_set(struct x86_vcpu *v, const struct kvmx_cpuid_entry2 *e, u32 nr)
{
	struct x86_cpuid *c, *old = v->cpuid;
	const struct kvmx_cpuid_entry2 *width;

	if (nr > X86_CPUID_ENTRIES)
		return -E2BIG;
	c = new_table(e, nr);
	if (!c)
		return -ENOMEM;

	/* Linear address width: there are no others than these. */
	width = find(c, 0x80000008, 0);
	if (width) {
		u8 bits = width->eax >> 8;

		if (bits != 0 && bits != 48 && bits != 57) {
			kfree(c);
			return -EINVAL;
		}
	}

	update(v, c);
	if (v->ran) {
		/* A CPU does not change under its software; a VMM may say the same again. */
		bool same = same_table(c, old);

		kfree(c);
		return same ? 0 : -EINVAL;
	}
	v->cpuid = c;
	derive(v);
	/* Interrupt delivery on other CPUs may be reading it. */
	kfree_rcu(old, rcu);
	return 0;
}

/*
 * What an Intel CPU says of a leaf beyond the last one of its range: the last
 * basic leaf (Intel SDM, "CPUID - CPU Identification"). AMD: zeros.
 */
static struct kvmx_cpuid_entry2 *beyond(struct x86_cpuid *c, u32 fn, u32 index)
{
	struct kvmx_cpuid_entry2 *first;

	if (c->amd)
		return NULL;
	if (fn >= 0x40000000 && fn < 0x50000000)
		first = find(c, fn & 0xffffff00, 0);
	else if (fn >= 0xc0000000)
		first = find(c, 0xc0000000, 0);
	else
		first = find(c, fn & 0x80000000, 0);
	if (first && fn <= first->eax)
		return NULL;
	first = find(c, 0, 0);
	return first ? find(c, first->eax, index) : NULL;
}

void x86_cpuid(struct x86_vcpu *v, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	u32 fn = *eax, index = *ecx;
	struct kvmx_cpuid_entry2 *e = find(v->cpuid, fn, index);

	if (!e && (fn == 0xb || fn == 0x1f)) {
		/* No such level; the number asked for and the APIC id all the same. */
		e = find(v->cpuid, fn, 0);
		*eax = 0;
		*ebx = 0;
		*ecx = e ? index & 0xff : 0;
		*edx = e ? e->edx : 0;
		if (e)
			return;
	}
	if (!e)
		e = beyond(v->cpuid, fn, index);
	*eax = e ? e->eax : 0;
	*ebx = e ? e->ebx : 0;
	*ecx = e ? e->ecx : 0;
	*edx = e ? e->edx : 0;
}
