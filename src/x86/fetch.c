// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction that exited, decoded: from bytes that the unit has fetched,
 * or from guest memory by way of the guest's page tables. Remembers where it
 * found the last few. Called by exit.c and mmio.c, in the window or outside.
 */
#include <linux/kernel.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "run.h"
#include "cpuid.h"
#include "decode.h"
#include "walk.h"

#define FETCHED_BITS	3
#define LOOKS		8	/* five levels of tables, 15 bytes in up to three words */

/*
 * A decoded instruction and all that decided about it: registers, and words of
 * guest memory (table entries and the instruction itself). While every one of
 * them is what it was, a walk and a decode would end as they did.
 */
struct x86_fetched {
	u64 rip, cs_base, cr0, cr3, cr4, efer;
	u64 generation;			/* of the slots: the words' user addresses */
	u16 cs_attr;
	u8 nr;				/* words; 0: nothing is remembered, > LOOKS: too many */
	struct kvmx_look look[LOOKS];
	u8 bytes[X86_INSN_MAX];
	struct x86_insn insn;
};

int x86_fetch_alloc(struct x86_vcpu *v)
{
	v->fetched = kcalloc(1 << FETCHED_BITS, sizeof(*v->fetched), GFP_KERNEL_ACCOUNT);
	return v->fetched ? 0 : -ENOMEM;
}

/* @len bytes at @gpa were @val: the aligned words that they are in. */
void x86_fetch_note(struct x86_fetched *f, struct kvmx_vm *vm, u64 gpa, const void *val,
		    unsigned int len)
{
	unsigned long hva;

	while (len && f->nr <= LOOKS) {
		unsigned int at = gpa & 7, n = min(len, 8 - at);
		u64 word = 0;

		if (f->nr == LOOKS || kvmx_guest_hva(vm, gpa, &hva)) {
			f->nr = LOOKS + 1;
			return;
		}
		memcpy((u8 *)&word + at, val, n);
		f->look[f->nr++] = (struct kvmx_look) {
			.at = (const u64 __user *)(hva - at), .val = word,
			.mask = GENMASK_ULL((at + n) * 8 - 1, at * 8),
		};
		gpa += n;
		val += n;
		len -= n;
	}
}

static bool fetched_again(struct x86_vcpu *v, const struct x86_fetched *f,
			  const struct x86_state *s)
{
	const struct x86_segment *cs = &s->seg[X86_SEG_CS];

	return f->rip == v->rip && f->nr && f->cr3 == s->cr3 && f->cr0 == s->cr0 &&
	       f->cr4 == s->cr4 && f->efer == s->efer && f->cs_base == cs->base &&
	       f->cs_attr == cs->attr && f->generation == kvmx_memslots_generation(v->vcpu.vm) &&
	       kvmx_guest_same(f->look, f->nr);
}

static enum x86_insn_mode current_mode(const struct x86_state *s)
{
	u16 attr = s->seg[X86_SEG_CS].attr;

	if ((s->efer & X86_EFER_LMA) && (attr & X86_ATTR_L))
		return X86_MODE_64;
	return (s->cr0 & X86_CR0_PE) && (attr & X86_ATTR_DB) ? X86_MODE_32 : X86_MODE_16;
}

/* Where the next instruction lies. */
static u64 rip_linear(const struct x86_vcpu *v, const struct x86_state *s)
{
	if (current_mode(s) == X86_MODE_64)
		return v->rip;
	return (u32)(v->rip + s->seg[X86_SEG_CS].base);
}

/*
 * The CPU has just fetched the instruction, through a translation that the
 * guest changed since: it has to look again, and will fault by itself.
 */
static int fetch_gone(struct x86_vcpu *v)
{
	x86_unit->flush_tlb(v);
	return -EAGAIN;
}

/*
 * Instruction bytes at RIP, up to the end of the page or, when that is not
 * enough for the decoder, beyond it: then they are not remembered.
 */
static int fetch_anew(struct x86_vcpu *v, bool atomic, struct x86_fetched *f,
		      const struct x86_state *s)
{
	struct x86_linear l = { .v = v, .atomic = atomic, .fetched = f };
	enum x86_insn_mode mode = current_mode(s);
	u64 addr = rip_linear(v, s), gpa;
	unsigned int have;
	int ret;

	f->nr = 0;
	ret = x86_linear_translate(&l, addr, X86_WALK_EXEC | X86_WALK_NO_AD, &gpa);
	have = min_t(unsigned int, X86_INSN_MAX, PAGE_SIZE - offset_in_page(addr));
	l.fetched = NULL;
	if (!ret)
		ret = x86_linear_read_gpa(&l, gpa, f->bytes, have);
	if (!ret && x86_decode(&f->insn, f->bytes, have, mode) == X86_DECODE_OK) {
		x86_fetch_note(f, v->vcpu.vm, gpa, f->bytes, f->insn.len);
		if (f->nr > LOOKS)
			f->nr = 0;
		return 0;
	}
	f->nr = 0;
	if (!ret && have < X86_INSN_MAX)
		ret = x86_linear_read(&l, addr + have, f->bytes + have, X86_INSN_MAX - have,
				      X86_WALK_EXEC | X86_WALK_NO_AD);
	if (ret)
		return ret == X86_LINEAR_FAULT ? fetch_gone(v) : ret;
	return x86_decode(&f->insn, f->bytes, X86_INSN_MAX, mode) ? -EFAULT : 0;
}

int x86_fetch(struct x86_vcpu *v, bool atomic, const struct x86_insn **insn)
{
	const struct x86_state *s = x86_state(v, X86_STATE_CRS | X86_STATE_CODE);
	struct x86_fetched *f = &v->fetched[hash_64(v->rip, FETCHED_BITS)];
	int ret;

	*insn = &f->insn;
	if (v->exit.nr_bytes) {
		f->nr = 0;
		ret = x86_decode(&f->insn, v->exit.bytes, v->exit.nr_bytes, current_mode(s));
		if (!ret)
			return 0;
	}
	if (!fetched_again(v, f, s)) {
		ret = fetch_anew(v, atomic, f, s);
		if (ret)
			return ret;
		f->rip = v->rip;
		f->cr0 = s->cr0;
		f->cr3 = s->cr3;
		f->cr4 = s->cr4;
		f->efer = s->efer;
		f->cs_base = s->seg[X86_SEG_CS].base;
		f->cs_attr = s->seg[X86_SEG_CS].attr;
		f->generation = kvmx_memslots_generation(v->vcpu.vm);
	}
	v->exit.insn_len = f->insn.len;
	v->exit.nr_bytes = f->insn.len;
	memcpy(v->exit.bytes, f->bytes, sizeof(f->bytes));
	return 0;
}

int x86_insn_measure(struct x86_vcpu *v, bool atomic)
{
	const struct x86_insn *insn;
	int ret = x86_fetch(v, atomic, &insn);

	return ret ? ret : v->exit.insn_len;
}

/*
 * VMCALL and VMMCALL differ in their last byte. A guest that was built for, or
 * comes from, the other vendor's CPUs has the wrong one: KVM puts the right one
 * in its place, as far as the guest itself could write there.
 */
bool x86_fix_hypercall(struct x86_vcpu *v)
{
	static const u8 amd = 0xd9, intel = 0xc1;
	struct x86_linear l = { .v = v };
	u64 addr = rip_linear(v, x86_state(v, X86_STATE_CRS | X86_STATE_CODE)), gpa;
	u8 insn[3];

	if (x86_vm_of(v)->disabled_quirks & KVMX_X86_QUIRK_FIX_HYPERCALL_INSN)
		return false;
	if (x86_linear_read(&l, addr, insn, sizeof(insn), X86_WALK_EXEC))
		return false;
	if (insn[0] != 0x0f || insn[1] != 0x01 || insn[2] != (x86_host_amd ? intel : amd))
		return false;
	if (x86_linear_translate(&l, addr + 2, X86_WALK_WRITE, &gpa))
		return false;
	return !kvmx_guest_write(v->vcpu.vm, gpa, x86_host_amd ? &amd : &intel, 1);
}
