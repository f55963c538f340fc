// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest registers to VT-x's control structure and back: what goes in comes out, the CPU gets
 * what VMX operation wants of CR0 and CR4, and the guest sees what it wrote (SDM Vol. 3,
 * "Guest/Host Masks and Read Shadows", "Format of Access Rights").
 */
/* links: src/vmx/state.c */
#include <linux/irqflags.h>
#include <linux/kernel.h>

#include "vmx/vmx.h"
#include "unit.h"

static u64 field[0x8000];
static struct x86_vcpu vcpu;
static struct vmx_vcpu vmx;

struct vmx_config vmx_config = { .entry = ENTRY_LOAD_PAT | ENTRY_LOAD_EFER };
const struct x86_backend *x86_unit;

u64 vmx_read(unsigned long f)
{
	return field[f];
}

/* The guest has one size of each field; what does not fit is lost. */
void vmx_write(unsigned long f, u64 val)
{
	static const u64 mask[] = { 0xffff, ~0ull, 0xffffffff, ~0ull };

	field[f] = val & mask[f >> 13 & 3];
}

unsigned long native_read_cr4(void)
{
	return X86_CR4_MCE | X86_CR4_VMXE | X86_CR4_PAE;
}

static void begin(void)
{
	memset(field, 0, sizeof(field));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&vmx, 0, sizeof(vmx));
	vcpu.unit = &vmx;
	vcpu.cr4_guest_bits = ~(u64)(X86_CR4_VMXE | X86_CR4_SMXE);
}

static void random_state(struct x86_state *s)
{
	int i;

	for (i = 0; i < X86_SEGS; i++) {
		s->seg[i].base = unit_random();
		s->seg[i].limit = unit_random();
		s->seg[i].selector = unit_random();
		s->seg[i].attr = unit_random() & 0xfff;
	}
	s->gdt.base = unit_random();
	s->gdt.limit = unit_random();
	s->idt.base = unit_random();
	s->idt.limit = unit_random();
	s->cr0 = (unit_random() & 0xe005003f) | X86_CR0_ET;
	s->cr3 = unit_random();
	s->cr4 = unit_random() & vcpu.cr4_guest_bits & 0x1fffffff;
	s->efer = unit_random() & 0xd01;
	s->dr6 = unit_random() & 0xffffffff;
	s->dr7 = unit_random() & 0xffffffff;
}

static void store(u32 parts)
{
	vcpu.state_dirty = parts;
	vmx_store_state(&vcpu);
	ck_assert_uint_eq(vcpu.state_dirty, 0);
}

START_TEST(round_trip)
{
	unsigned int n;
	int i;

	for (n = 0; n < 20000; n++) {
		struct x86_state was;

		begin();
		random_state(&vcpu.state);
		was = vcpu.state;
		store(X86_STATE_ALL);
		memset(&vcpu.state, 0x5a, sizeof(vcpu.state));
		vmx_read_state(&vmx, &vcpu.state, X86_STATE_ALL);
		for (i = 0; i < X86_SEGS; i++) {
			u16 attr = was.seg[i].attr;

			/* Code and data segments that are in use were accessed. */
			if ((attr & X86_ATTR_P) && (attr & X86_ATTR_S))
				attr |= 1;
			ck_assert_uint_eq(vcpu.state.seg[i].base, was.seg[i].base);
			ck_assert_uint_eq(vcpu.state.seg[i].limit, was.seg[i].limit);
			ck_assert_uint_eq(vcpu.state.seg[i].selector, was.seg[i].selector);
			ck_assert_uint_eq(vcpu.state.seg[i].attr, attr);
		}
		ck_assert_uint_eq(vcpu.state.gdt.base, was.gdt.base);
		ck_assert_uint_eq(vcpu.state.gdt.limit, was.gdt.limit);
		ck_assert_uint_eq(vcpu.state.idt.base, was.idt.base);
		ck_assert_uint_eq(vcpu.state.idt.limit, was.idt.limit);
		ck_assert_uint_eq(vcpu.state.cr0, was.cr0);
		ck_assert_uint_eq(vcpu.state.cr3, was.cr3);
		ck_assert_uint_eq(vcpu.state.cr4, was.cr4);
		ck_assert_uint_eq(vcpu.state.efer, was.efer);
		ck_assert_uint_eq(vcpu.state.dr6, was.dr6);
		ck_assert_uint_eq(vcpu.state.dr7, was.dr7);
	}
	unit_figure("states stored and loaded", n);
}
END_TEST

/* What the CPU itself gets. */
START_TEST(in_the_cpu)
{
	begin();
	vcpu.state.cr0 = X86_CR0_CD | X86_CR0_NW | X86_CR0_ET;
	vcpu.state.cr4 = 0;
	vcpu.state.seg[X86_SEG_CS].attr = X86_ATTR_P | X86_ATTR_S | 0xb | X86_ATTR_L | X86_ATTR_G;
	store(X86_STATE_ALL);
	ck_assert_uint_eq(field[VMCS_GUEST_CR0], X86_CR0_NE | X86_CR0_ET);
	ck_assert_uint_eq(field[VMCS_GUEST_CR4], X86_CR4_VMXE | X86_CR4_MCE);
	ck_assert_uint_eq(field[VMCS_GUEST_RIGHTS(X86_SEG_CS)], 0x9b | BIT(13) | BIT(15));
	ck_assert_uint_eq(field[VMCS_GUEST_RIGHTS(X86_SEG_LDTR)], BIT(16));
	ck_assert_uint_eq(field[VMCS_ENTRY_CONTROLS], vmx_config.entry);
	vcpu.state.efer = X86_EFER_LME | X86_EFER_LMA;
	store(X86_STATE_CRS);
	ck_assert_uint_eq(field[VMCS_ENTRY_CONTROLS], vmx_config.entry | ENTRY_GUEST_64);
}
END_TEST

/* The guest changes by itself the bits that are its own, and sees the shadow in the others. */
START_TEST(owned_bits)
{
	u64 cr0_own, cr4_own;

	begin();
	vcpu.state.cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_CD;
	vcpu.state.cr4 = X86_CR4_PAE;
	store(X86_STATE_ALL);
	cr0_own = ~field[VMCS_CR0_MASK];
	cr4_own = ~field[VMCS_CR4_MASK];
	/* NE is fixed in VMX operation, CD would be the host's to suffer. */
	ck_assert(!(cr0_own & (X86_CR0_NE | X86_CR0_CD | X86_CR0_NW)));
	ck_assert(cr0_own & X86_CR0_PG);
	ck_assert(!(cr4_own & (X86_CR4_VMXE | X86_CR4_MCE | X86_CR4_PAE | X86_CR4_OSXSAVE)));
	field[VMCS_GUEST_CR0] ^= cr0_own;
	field[VMCS_GUEST_CR4] ^= cr4_own;
	vmx_read_state(&vmx, &vcpu.state, X86_STATE_CRS);
	ck_assert_uint_eq(vcpu.state.cr0, (X86_CR0_PE | X86_CR0_ET | X86_CR0_CD) ^ cr0_own);
	ck_assert_uint_eq(vcpu.state.cr4, X86_CR4_PAE ^ cr4_own);

	/* What its CPUID does not have, it does not own. */
	vcpu.cr4_guest_bits = X86_CR4_PAE | X86_CR4_PGE;
	store(X86_STATE_CRS);
	ck_assert_uint_eq(~field[VMCS_CR4_MASK], X86_CR4_PGE);
}
END_TEST

/* Unusable segments are absent ones, and SS keeps the privilege level even then. */
START_TEST(unusable)
{
	begin();
	field[VMCS_GUEST_RIGHTS(X86_SEG_SS)] = BIT(16) | X86_ATTR_P | 3 << X86_ATTR_DPL_SHIFT;
	vmx_read_state(&vmx, &vcpu.state, X86_STATE_SEGS);
	ck_assert(!(vcpu.state.seg[X86_SEG_SS].attr & X86_ATTR_P));
	vcpu.state_valid = X86_STATE_ALL;
	ck_assert_uint_eq(x86_cpl(&vcpu), 3);
}
END_TEST

/* Each part is copied whole and alone. */
START_TEST(parts)
{
	u32 part;

	for (part = 1; part & X86_STATE_ALL; part <<= 1) {
		struct x86_state read, copied, from;

		begin();
		memset(&from, 0x5a, sizeof(from));
		random_state(&from);
		vcpu.state = from;
		store(X86_STATE_ALL);
		memset(&read, 0x5a, sizeof(read));
		memset(&copied, 0x5a, sizeof(copied));
		vmx_read_state(&vmx, &from, X86_STATE_ALL);
		vmx_read_state(&vmx, &read, part);
		vmx_copy_state(&copied, &from, part);
		ck_assert(!memcmp(&read, &copied, sizeof(read)));
	}
}
END_TEST

static TCase *states(void)
{
	return UNIT_CASE("states", round_trip, in_the_cpu, owned_bits, unusable, parts);
}

UNIT_MAIN("vmx_state", states())
