// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's segment, table, control and debug registers: from the VMCS to
 * the floor's words for them, and back. Called by vmcs.c and vmx_enter().
 */
#include <linux/kernel.h>

#include "vmx.h"

/*
 * Bits of CR0 that the guest changes by itself. The others are what VT-x
 * wants (NE) or what would slow all of its memory down (CD, NW), and it sees
 * what it wrote in the shadow.
 */
#define CR0_GUEST	((u64)(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_WP | \
			       X86_CR0_AM | X86_CR0_PG))
/* Bits of CR4 that nothing above the unit wants to follow. */
#define CR4_GUEST	((u64)(X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PCE | \
			       X86_CR4_PGE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT))

static u32 vmx_rights(u16 attr)
{
	u32 rights = (attr & 0xff) | (attr & 0xf00) << 4;

	if (!(attr & X86_ATTR_P))
		return rights | RIGHTS_UNUSABLE;
	/* A descriptor that is in use was accessed; not every VMM says so. */
	return attr & X86_ATTR_S ? rights | 1 : rights;
}

static void vmx_load_segment(struct x86_state *state, int reg)
{
	struct x86_segment *seg = &state->seg[reg];

	seg->base = vmx_read(VMCS_GUEST_BASE(reg));
	seg->limit = vmx_read(VMCS_GUEST_LIMIT(reg));
	seg->selector = vmx_read(VMCS_GUEST_SELECTOR(reg));
	seg->attr = vmx_attr(vmx_read(VMCS_GUEST_RIGHTS(reg)));
}

static void vmx_load_crs(struct vmx_vcpu *vmx, struct x86_state *state)
{
	state->cr0 = (vmx_read(VMCS_GUEST_CR0) & CR0_GUEST) |
		     (vmx_read(VMCS_CR0_SHADOW) & ~CR0_GUEST);
	state->cr3 = vmx_read(VMCS_GUEST_CR3);
	state->cr4 = (vmx_read(VMCS_GUEST_CR4) & ~vmx->cr4_mask) |
		     (vmx_read(VMCS_CR4_SHADOW) & vmx->cr4_mask);
	state->efer = vmx_read(VMCS_GUEST_EFER);
}

/* With the VMCS current. */
void vmx_read_state(struct vmx_vcpu *vmx, struct x86_state *state, u32 parts)
{
	int i;

	if (parts & X86_STATE_MODE)
		vmx_read_mode(state);
	if (parts & X86_STATE_CODE) {
		vmx_load_segment(state, X86_SEG_CS);
		vmx_load_segment(state, X86_SEG_SS);
	}
	if (parts & X86_STATE_DATA) {
		for (i = 0; i < X86_SEGS; i++)
			if (i != X86_SEG_CS && i != X86_SEG_SS)
				vmx_load_segment(state, i);
	}
	if (parts & X86_STATE_TABLES) {
		state->gdt.base = vmx_read(VMCS_GUEST_GDTR_BASE);
		state->gdt.limit = vmx_read(VMCS_GUEST_GDTR_LIMIT);
		state->idt.base = vmx_read(VMCS_GUEST_IDTR_BASE);
		state->idt.limit = vmx_read(VMCS_GUEST_IDTR_LIMIT);
	}
	if (parts & X86_STATE_CRS)
		vmx_load_crs(vmx, state);
	if (parts & X86_STATE_DRS) {
		state->dr6 = vmx->dr6;
		state->dr7 = vmx_read(VMCS_GUEST_DR7);
	}
}

/* Of what was read. */
void vmx_copy_state(struct x86_state *to, const struct x86_state *from, u32 parts)
{
	int i;

	if (parts & X86_STATE_MODE)
		parts |= X86_STATE_CODE | X86_STATE_CRS;
	for (i = 0; i < X86_SEGS; i++)
		if (parts & (i == X86_SEG_CS || i == X86_SEG_SS ? X86_STATE_CODE : X86_STATE_DATA))
			to->seg[i] = from->seg[i];
	if (parts & X86_STATE_TABLES) {
		to->gdt = from->gdt;
		to->idt = from->idt;
	}
	if (parts & X86_STATE_CRS) {
		to->cr0 = from->cr0;
		to->cr3 = from->cr3;
		to->cr4 = from->cr4;
		to->efer = from->efer;
	}
	if (parts & X86_STATE_DRS) {
		to->dr6 = from->dr6;
		to->dr7 = from->dr7;
	}
}

static void vmx_store_crs(struct x86_vcpu *v, struct vmx_vcpu *vmx)
{
	const struct x86_state *state = &v->state;
	u64 cr0, cr4, host_cr4 = native_read_cr4();

	cr0 = (state->cr0 & CR0_GUEST) | X86_CR0_ET | X86_CR0_NE;
	vmx_write(VMCS_GUEST_CR0, cr0);
	vmx_write(VMCS_CR0_SHADOW, state->cr0);
	vmx_write(VMCS_CR0_MASK, ~CR0_GUEST);
	vmx_write(VMCS_GUEST_CR3, state->cr3);

	/* A machine check while a guest has them off would shut the computer down. */
	cr4 = state->cr4 | X86_CR4_VMXE | (host_cr4 & X86_CR4_MCE);
	vmx->cr4_mask = ~(CR4_GUEST & v->cr4_guest_bits);
	vmx_write(VMCS_GUEST_CR4, cr4);
	vmx_write(VMCS_CR4_SHADOW, state->cr4);
	vmx_write(VMCS_CR4_MASK, vmx->cr4_mask);

	vmx_write(VMCS_GUEST_EFER, state->efer);
	vmx_write(VMCS_ENTRY_CONTROLS,
		  vmx_config.entry | (state->efer & X86_EFER_LMA ? ENTRY_GUEST_64 : 0));
}

void vmx_store_state(struct x86_vcpu *v)
{
	struct vmx_vcpu *vmx = to_vmx(v);
	const struct x86_state *state = &v->state;
	u32 parts = v->state_dirty;
	int i;

	if (parts & X86_STATE_SEGS) {
		for (i = 0; i < X86_SEGS; i++) {
			vmx_write(VMCS_GUEST_BASE(i), state->seg[i].base);
			vmx_write(VMCS_GUEST_LIMIT(i), state->seg[i].limit);
			vmx_write(VMCS_GUEST_SELECTOR(i), state->seg[i].selector);
			vmx_write(VMCS_GUEST_RIGHTS(i), vmx_rights(state->seg[i].attr));
		}
	}
	if (parts & X86_STATE_TABLES) {
		vmx_write(VMCS_GUEST_GDTR_BASE, state->gdt.base);
		vmx_write(VMCS_GUEST_GDTR_LIMIT, state->gdt.limit);
		vmx_write(VMCS_GUEST_IDTR_BASE, state->idt.base);
		vmx_write(VMCS_GUEST_IDTR_LIMIT, state->idt.limit);
	}
	if (parts & X86_STATE_CRS)
		vmx_store_crs(v, vmx);
	/* A vCPU that starts anew has no trap pending from before. */
	if (parts == X86_STATE_ALL)
		vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
	if (parts & X86_STATE_DRS) {
		vmx->dr6 = state->dr6;
		vmx_write(VMCS_GUEST_DR7, state->dr7);
	}
	v->state_dirty = 0;
}
