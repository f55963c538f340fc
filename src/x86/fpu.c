// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FPU state: its area, the swap at the ends of the run window, and
 * its getting and setting by user space and the emulator.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "cpu.h"
#include "cpuid.h"
#include "fpu.h"

/* Offsets in the legacy region and the header (Intel SDM volume 1, "XSAVE Area"). */
#define AREA_FCW	0
#define AREA_FSW	2
#define AREA_FTW	4
#define AREA_FOP	6
#define AREA_FIP	8
#define AREA_FDP	16
#define AREA_MXCSR	24
#define AREA_MXCSR_MASK	28
#define AREA_ST		32
#define AREA_XMM	160
#define AREA_BV		512
#define AREA_XCOMP	520
#define AREA_LEGACY	512
#define AREA_EXTENDED	576	/* behind the header */

#define COMP_AVX	2
#define COMP_ZMM_HI	6	/* upper halves of ZMM0 to ZMM15 */
#define COMPS		8	/* components that we know: x87 to AVX-512 */

#define FCW_INIT	0x37f
#define MXCSR_INIT	0x1f80

/* [I] */
u64 x86_xcr0_supported;
u32 x86_xsave_size;
static u64 host_xcr0, host_xss;
static u32 mxcsr_mask;
static bool has_xss, x87_leaks;
static struct { u32 size, offset; bool aligned; } comp[COMPS];

bool x86_xcr0_valid(u64 xcr0, u64 allowed)
{
	/* Intel SDM, "XSETBV": combinations that fault. */
	if (!(xcr0 & X86_XCR0_X87) || (xcr0 & ~allowed))
		return false;
	if ((xcr0 & X86_XCR0_AVX) && !(xcr0 & X86_XCR0_SSE))
		return false;
	if ((xcr0 & X86_XCR0_AVX512) &&
	    ((xcr0 & X86_XCR0_AVX512) != X86_XCR0_AVX512 || !(xcr0 & X86_XCR0_AVX)))
		return false;
	return true;
}

u32 x86_xsave_bytes(u64 xcr0, bool compacted)
{
	u32 end = AREA_EXTENDED;
	int i;

	for (i = COMP_AVX; i < COMPS; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		if (compacted) {
			if (comp[i].aligned)
				end = ALIGN(end, 64);
			end += comp[i].size;
		} else {
			end = max(end, comp[i].offset + comp[i].size);
		}
	}
	return end;
}

static void find_components(void)
{
	struct x86_cpuid_regs r;
	int i;

	for (i = COMP_AVX; i < COMPS; i++) {
		x86_cpuid_native(0xd, i, &r);
		/* A component that does not fit the interface's 4 KiB is none. */
		if (!r.eax || r.ebx < AREA_EXTENDED || r.eax > 4096 || r.ebx > 4096 - r.eax) {
			x86_xcr0_supported &= ~BIT_ULL(i);
			continue;
		}
		comp[i].size = r.eax;
		comp[i].offset = r.ebx;
		comp[i].aligned = r.ecx & BIT(1);
	}
	if (!(x86_xcr0_supported & X86_XCR0_AVX) ||
	    (x86_xcr0_supported & X86_XCR0_AVX512) != X86_XCR0_AVX512)
		x86_xcr0_supported &= ~X86_XCR0_AVX512;
}

static int find_mxcsr_mask(void)
{
	u8 *area = kzalloc(AREA_LEGACY, GFP_KERNEL);

	if (!area)
		return -ENOMEM;
	x86_fxsave(area);
	memcpy(&mxcsr_mask, area + AREA_MXCSR_MASK, sizeof(mxcsr_mask));
	if (!mxcsr_mask)
		mxcsr_mask = 0xffbf;	/* Intel SDM volume 1, "Guidelines for Writing to the MXCSR Register" */
	kfree_sensitive(area);
	return 0;
}

int x86_fpu_init(void)
{
	struct x86_cpuid_regs vendor, r;

	x86_xcr0_supported = 0;
	host_xcr0 = 0;
	host_xss = 0;
	has_xss = false;

	x86_cpuid_native(0, 0, &vendor);
	x86_cpuid_native(1, 0, &r);
	/* OSXSAVE: the host's kernel uses XSAVE. */
	if (r.ecx & BIT(27) && vendor.eax >= 0xd) {
		host_xcr0 = x86_xgetbv(0);
		x86_xcr0_supported = host_xcr0 & (X86_XCR0_X87 | X86_XCR0_SSE | X86_XCR0_AVX |
						  X86_XCR0_AVX512);
		find_components();
		x86_cpuid_native(0xd, 1, &r);
		has_xss = r.eax & BIT(3);
		if (has_xss)
			host_xss = x86_rdmsr(X86_MSR_XSS);
	}
	x86_xsave_size = x86_xsave_bytes(x86_xcr0_supported, false);

	/*
	 * AMD CPUs without this feature leave the x87 pointers alone unless an
	 * exception is pending (APM volume 2, "FXSAVE and FXRSTOR Instructions").
	 */
	x86_cpuid_native(0x80000000, 0, &r);
	x87_leaks = vendor.ebx == 0x68747541;	/* "Auth" */
	if (x87_leaks && r.eax >= 0x80000008) {
		x86_cpuid_native(0x80000008, 0, &r);
		x87_leaks = !(r.ebx & BIT(2));
	}
	return find_mxcsr_mask();
}

static u64 get_bv(const struct x86_vcpu *v)
{
	u64 bv;

	memcpy(&bv, v->fpu.area + AREA_BV, sizeof(bv));
	return bv;
}

static void set_bv(struct x86_vcpu *v, u64 bv)
{
	memcpy(v->fpu.area + AREA_BV, &bv, sizeof(bv));
}

static void put16(void *area, u32 at, u16 val)
{
	memcpy(area + at, &val, sizeof(val));
}

static void put32(void *area, u32 at, u32 val)
{
	memcpy(area + at, &val, sizeof(val));
}

/* Components that @bv does not have get their initial values: the area then says all. */
static void init_absent(void *area, u64 bv)
{
	int i;

	if (!(bv & X86_XCR0_X87)) {
		memset(area, 0, AREA_MXCSR);
		memset(area + AREA_ST, 0, AREA_XMM - AREA_ST);
		put16(area, AREA_FCW, FCW_INIT);
	}
	if (!(bv & X86_XCR0_SSE))
		memset(area + AREA_XMM, 0, 256);
	for (i = COMP_AVX; i < COMPS; i++)
		if ((x86_xcr0_supported & BIT_ULL(i)) && !(bv & BIT_ULL(i)))
			memset(area + comp[i].offset, 0, comp[i].size);
}

int x86_fpu_create(struct x86_vcpu *v)
{
	/* Objects of a power of two are aligned to their size. */
	v->fpu.area = kzalloc(roundup_pow_of_two(x86_xsave_size), GFP_KERNEL_ACCOUNT);
	if (!v->fpu.area)
		return -ENOMEM;
	x86_fpu_reset(v, false);
	return 0;
}

void x86_fpu_destroy(struct x86_vcpu *v)
{
	kfree_sensitive(v->fpu.area);
	v->fpu.area = NULL;
}

/* x87 as after FNINIT, which is what KVM's guests find at power-up. */
void x86_fpu_reset(struct x86_vcpu *v, bool init)
{
	if (init)
		return;
	memset(v->fpu.area, 0, x86_xsave_size);
	put16(v->fpu.area, AREA_FCW, FCW_INIT);
	put32(v->fpu.area, AREA_MXCSR, MXCSR_INIT);
	v->fpu.xcr0 = X86_XCR0_X87;
	v->fpu.xss = 0;
}

void x86_fpu_load(struct x86_vcpu *v)
{
	static const u32 zero;

	if (x87_leaks)
		x86_x87_forget(&zero);
	if (!x86_xcr0_supported) {
		x86_fxrstor(v->fpu.area);
		return;
	}
	x86_xrstor(v->fpu.area, x86_xcr0_supported);
	if (v->fpu.xcr0 != host_xcr0)
		x86_xsetbv(0, v->fpu.xcr0);
	if (has_xss && v->fpu.xss != host_xss)
		x86_wrmsr(X86_MSR_XSS, v->fpu.xss);
}

/*
 * XSETBV exits by the manual, but some emulated CPUs let it through, and what
 * the guest wrote is in the CPU: there it counts if the guest may have it.
 */
void x86_fpu_sync_xcr0(struct x86_vcpu *v)
{
	u64 xcr0;

	if (!x86_xcr0_supported)
		return;
	xcr0 = x86_xgetbv(0);
	if (likely(xcr0 == v->fpu.xcr0))
		return;
	if (x86_xcr0_valid(xcr0, v->xcr0_allowed)) {
		v->fpu.xcr0 = xcr0;
		x86_cpuid_update(v);
	} else {
		x86_xsetbv(0, v->fpu.xcr0);
	}
}

void x86_fpu_save(struct x86_vcpu *v)
{
	if (!x86_xcr0_supported) {
		x86_fxsave(v->fpu.area);
		return;
	}
	if (unlikely(x86_xgetbv(0) != v->fpu.xcr0))
		x86_fpu_sync_xcr0(v);
	if (has_xss && v->fpu.xss != host_xss)
		x86_wrmsr(X86_MSR_XSS, host_xss);
	if (v->fpu.xcr0 != host_xcr0)
		x86_xsetbv(0, host_xcr0);
	x86_xsave(v->fpu.area, x86_xcr0_supported);
}

void x86_fpu_xcr0_changed(struct x86_vcpu *v)
{
	if (x86_xcr0_supported && v->vcpu.cpu >= 0)
		x86_xsetbv(0, v->fpu.xcr0);
}

void x86_fpu_get_xmm(struct x86_vcpu *v, int reg, void *buf, unsigned int len)
{
	reg &= 15;
	memcpy(buf, v->fpu.area + AREA_XMM + 16 * reg, 16);
	if (len <= 16)
		return;
	if (x86_xcr0_supported & X86_XCR0_AVX)
		memcpy(buf + 16, v->fpu.area + comp[COMP_AVX].offset + 16 * reg, 16);
	else
		memset(buf + 16, 0, 16);
}

void x86_fpu_set_xmm(struct x86_vcpu *v, int reg, const void *buf, unsigned int len,
		     bool zero_upper)
{
	u64 bv = get_bv(v) | X86_XCR0_SSE;

	reg &= 15;
	memcpy(v->fpu.area + AREA_XMM + 16 * reg, buf, 16);
	if (x86_xcr0_supported & X86_XCR0_AVX) {
		void *upper = v->fpu.area + comp[COMP_AVX].offset + 16 * reg;

		if (len > 16) {
			memcpy(upper, buf + 16, 16);
			bv |= X86_XCR0_AVX;
		} else if (zero_upper) {
			memset(upper, 0, 16);
		}
	}
	if (zero_upper && (x86_xcr0_supported & X86_XCR0_AVX512))
		memset(v->fpu.area + comp[COMP_ZMM_HI].offset + 32 * reg, 0, 32);
	set_bv(v, bv);
}

void x86_fpu_get(struct x86_vcpu *v, struct kvmx_fpu *fpu)
{
	const void *area = v->fpu.area;

	memset(fpu, 0, sizeof(*fpu));
	memcpy(fpu->fpr, area + AREA_ST, sizeof(fpu->fpr));
	memcpy(&fpu->fcw, area + AREA_FCW, 2);
	memcpy(&fpu->fsw, area + AREA_FSW, 2);
	memcpy(&fpu->ftwx, area + AREA_FTW, 1);
	memcpy(&fpu->last_opcode, area + AREA_FOP, 2);
	memcpy(&fpu->last_ip, area + AREA_FIP, 8);
	memcpy(&fpu->last_dp, area + AREA_FDP, 8);
	memcpy(fpu->xmm, area + AREA_XMM, sizeof(fpu->xmm));
	memcpy(&fpu->mxcsr, area + AREA_MXCSR, 4);
}

int x86_fpu_set(struct x86_vcpu *v, const struct kvmx_fpu *fpu)
{
	void *area = v->fpu.area;

	if (fpu->mxcsr & ~mxcsr_mask)
		return -EINVAL;
	memcpy(area + AREA_ST, fpu->fpr, sizeof(fpu->fpr));
	put16(area, AREA_FCW, fpu->fcw);
	put16(area, AREA_FSW, fpu->fsw);
	put16(area, AREA_FTW, fpu->ftwx);
	put16(area, AREA_FOP, fpu->last_opcode);
	memcpy(area + AREA_FIP, &fpu->last_ip, 8);
	memcpy(area + AREA_FDP, &fpu->last_dp, 8);
	memcpy(area + AREA_XMM, fpu->xmm, sizeof(fpu->xmm));
	put32(area, AREA_MXCSR, fpu->mxcsr);
	set_bv(v, get_bv(v) | X86_XCR0_X87 | X86_XCR0_SSE);
	return 0;
}

/* Without XSAVE the interface is the same: a legacy region, and both of its parts are there. */
void x86_xsave_get(struct x86_vcpu *v, void *xsave, u32 len)
{
	const u64 legacy = X86_XCR0_X87 | X86_XCR0_SSE;

	memset(xsave, 0, len);
	memcpy(xsave, v->fpu.area, min(len, x86_xsave_size));
	if (!x86_xcr0_supported)
		memcpy(xsave + AREA_BV, &legacy, sizeof(legacy));
}

int x86_xsave_set(struct x86_vcpu *v, const void *xsave, u32 len)
{
	u64 known = x86_xcr0_supported ?: X86_XCR0_X87 | X86_XCR0_SSE;
	u64 bv, rest[7];
	u32 mxcsr;
	int i;

	if (len < x86_xsave_size)
		return -EINVAL;
	memcpy(&bv, xsave + AREA_BV, sizeof(bv));
	memcpy(rest, xsave + AREA_XCOMP, sizeof(rest));
	memcpy(&mxcsr, xsave + AREA_MXCSR, sizeof(mxcsr));
	/* XRSTOR faults on these: standard format, known components, no reserved bits. */
	if ((bv & ~known) || (mxcsr & ~mxcsr_mask))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(rest); i++)
		if (rest[i])
			return -EINVAL;

	memcpy(v->fpu.area, xsave, x86_xsave_size);
	init_absent(v->fpu.area, bv);
	return 0;
}
