/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's x87, SSE, AVX and AVX-512 registers: one XSAVE area in standard
 * format per vCPU, loaded and saved as a whole once per run window. fpu.c.
 */
#ifndef X86_FPU_H
#define X86_FPU_H

#include <kvmx/x86.h>

/* [I] after x86_fpu_init(). */
extern u64 x86_xcr0_supported;	/* XCR0 bits a guest may have; 0: no XSAVE here */
extern u32 x86_xsave_size;	/* bytes of a vCPU's area */

/* Module load. 0, or -ENODEV after one line that says why. */
int x86_fpu_init(void);
int x86_fpu_create(struct x86_vcpu *v);		/* -ENOMEM */
void x86_fpu_destroy(struct x86_vcpu *v);
/* Power-up (INIT leaves x87, SSE, AVX and XCR0 alone: Intel SDM, "Processor State After Reset"). */
void x86_fpu_reset(struct x86_vcpu *v, bool init);

/* Run window, between kvmx_host_fpu_begin() and kvmx_host_fpu_end(), preemption off. */
void x86_fpu_load(struct x86_vcpu *v);	/* guest's registers and XCR0 to the CPU */
void x86_fpu_save(struct x86_vcpu *v);	/* and back, host's XCR0 again */
/* XCR0 was written (fpu.xcr0 is the new one): to the CPU, if in the window. */
void x86_fpu_xcr0_changed(struct x86_vcpu *v);
/* In the window: XCR0 is what the CPU has, should the guest have got past the unit. */
void x86_fpu_sync_xcr0(struct x86_vcpu *v);

/* Vector registers of the saved area, outside of the window: @len 16 or 32 bytes, @reg 0 to 15. */
void x86_fpu_get_xmm(struct x86_vcpu *v, int reg, void *buf, unsigned int len);
/* @zero_upper: what lies above @len of the register becomes 0. */
void x86_fpu_set_xmm(struct x86_vcpu *v, int reg, const void *buf, unsigned int len,
		     bool zero_upper);

/* Whether an XCR0 value is consistent and within @allowed (a guest's: xcr0_allowed). */
bool x86_xcr0_valid(u64 xcr0, u64 allowed);
/* Bytes of the area for the components of @xcr0: standard, or compacted (XSAVEC) format. */
u32 x86_xsave_bytes(u64 xcr0, bool compacted);

/* ioctls; @xsave is the user's area of @len bytes. */
void x86_fpu_get(struct x86_vcpu *v, struct kvmx_fpu *fpu);
int x86_fpu_set(struct x86_vcpu *v, const struct kvmx_fpu *fpu);
void x86_xsave_get(struct x86_vcpu *v, void *xsave, u32 len);
int x86_xsave_set(struct x86_vcpu *v, const void *xsave, u32 len);

#endif
