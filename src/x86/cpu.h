/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processor's own instructions that the guest floor and the units need:
 * MSRs, CPUID, XCR0, FPU state, the time stamp counter. In a unit test the program
 * provides them (a processor that the test describes).
 */
#ifndef X86_CPU_H
#define X86_CPU_H

#include <linux/types.h>

struct x86_cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

#ifdef __KERNEL__

#include <kvmx/host.h>

/* An MSR that may not exist: 0 or -EIO. */
static inline int x86_rdmsr_safe(u32 msr, u64 *val)
{
	return kvmx_host_rdmsr_safe(msr, val);
}

/* The caller knows that the MSR exists. */
static inline u64 x86_rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
	return (u64)hi << 32 | lo;
}

static inline void x86_wrmsr(u32 msr, u64 val)
{
	asm volatile("wrmsr" : : "c" (msr), "a" (lower_32_bits(val)), "d" (upper_32_bits(val)) : "memory");
}

/* CR4.OSXSAVE must be set. */
static inline u64 x86_xgetbv(u32 reg)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a" (lo), "=d" (hi) : "c" (reg));
	return (u64)hi << 32 | lo;
}

static inline void x86_xsetbv(u32 reg, u64 val)
{
	asm volatile("xsetbv"
		     : : "c" (reg), "a" (lower_32_bits(val)), "d" (upper_32_bits(val))
		     : "memory");
}

static inline void x86_cpuid_native(u32 fn, u32 index, struct x86_cpuid_regs *r)
{
	asm volatile("cpuid" : "=a" (r->eax), "=b" (r->ebx), "=c" (r->ecx), "=d" (r->edx)
		     : "0" (fn), "2" (index));
}

/* Not before earlier loads (Intel SDM, AMD APM: RDTSC is not serializing). */
static inline u64 x86_rdtsc(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc" : "=a" (lo), "=d" (hi) : : "memory");
	return (u64)hi << 32 | lo;
}

/* FPU state; @area is 16-byte aligned for FXSAVE, 64-byte for XSAVE. */
static inline void x86_fxsave(void *area)
{
	asm volatile("fxsaveq (%0)" : : "r" (area) : "memory");
}

static inline void x86_fxrstor(const void *area)
{
	asm volatile("fxrstorq (%0)" : : "r" (area) : "memory");
}

static inline void x86_xsave(void *area, u64 mask)
{
	asm volatile("xsaveq (%0)"
		     : : "r" (area), "a" ((u32)mask), "d" ((u32)(mask >> 32)) : "memory");
}

static inline void x86_xrstor(const void *area, u64 mask)
{
	asm volatile("xrstorq (%0)"
		     : : "r" (area), "a" ((u32)mask), "d" ((u32)(mask >> 32)) : "memory");
}

/* Overwrites the x87 instruction pointers, where FXRSTOR does not do it by itself. */
static inline void x86_x87_forget(const u32 *zero)
{
	asm volatile("fnclex; emms; fildl %0" : : "m" (*zero));
}

#else

int x86_rdmsr_safe(u32 msr, u64 *val);
u64 x86_rdmsr(u32 msr);
void x86_wrmsr(u32 msr, u64 val);
u64 x86_xgetbv(u32 reg);
void x86_xsetbv(u32 reg, u64 val);
void x86_cpuid_native(u32 fn, u32 index, struct x86_cpuid_regs *r);
u64 x86_rdtsc(void);
void x86_fxsave(void *area);
void x86_fxrstor(const void *area);
void x86_xsave(void *area, u64 mask);
void x86_xrstor(const void *area, u64 mask);
void x86_x87_forget(const u32 *zero);

#endif

#endif
