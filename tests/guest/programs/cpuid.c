// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: limits, identity, and the bits that follow the vCPU's state.
 * AMD APM vol. 3, appendix E; Documentation/virt/kvm/x86/cpuid.rst.
 */
#include "lib.h"

PROGRAM(.vcpus = 2);

static volatile u32 other_id;

static void other(void *unused)
{
	other_id = cpuid(1, 0).ebx >> 24;
}

int main(void)
{
	struct cpuid basic = cpuid(0, 0), c, d;
	u32 extended = cpuid(0x80000000, 0).eax, hypervisor;
	char signature[13] = "";

	CHECK(basic.eax >= 1 && basic.eax < 0x100, "the highest leaf is 0x%x", basic.eax);
	CHECK(extended >= 0x80000008, "the highest extended leaf is 0x%x", extended);
	c = cpuid(0x80000000, 0);
	CHECK(c.ebx == basic.ebx || c.ebx == 0, "leaf 0x80000000 has another vendor");

	/* Upper halves are cleared, whatever was there. */
	u64 rax = 0xffffffff00000000, rbx = ~0ull, rcx = 0xffffffff00000000, rdx = ~0ull;
	asm volatile("cpuid" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx));
	CHECK_EQ("RAX", rax, basic.eax);
	CHECK_EQ("RBX", rbx, basic.ebx);
	CHECK_EQ("RCX", rcx, basic.ecx);
	CHECK_EQ("RDX", rdx, basic.edx);

	/* The hypervisor. */
	CHECK(cpuid(1, 0).ecx >> 31, "leaf 1 hides the hypervisor");
	c = cpuid(0x40000000, 0);
	hypervisor = c.eax;
	memcpy(signature, &c.ebx, 4);
	memcpy(signature + 4, &c.ecx, 4);
	memcpy(signature + 8, &c.edx, 4);
	CHECK(!memcmp(signature, "KVMKVMKVM\0\0\0", 12), "the signature is %s", signature);
	CHECK(hypervisor == 0 || hypervisor >= 0x40000001, "the highest leaf there is 0x%x",
	      hypervisor);

	/* APIC ids. */
	CHECK_EQ("APIC id of CPU 0", cpuid(1, 0).ebx >> 24, 0);
	apic_enable();
	smp_start(1);
	run_on(1, other, NULL);
	wait_for(1);
	CHECK_EQ("APIC id of CPU 1", other_id, 1);

	/* Long mode, NX and the address sizes. */
	c = cpuid(0x80000001, 0);
	CHECK(c.edx >> 29 & 1, "no long mode");
	CHECK(c.edx >> 20 & 1, "no NX");
	c = cpuid(0x80000008, 0);
	CHECK((c.eax & 0xff) >= 36 && (c.eax & 0xff) <= 52, "%u physical address bits", c.eax & 0xff);
	CHECK((c.eax >> 8 & 0xff) == 48 || (c.eax >> 8 & 0xff) == 57, "%u virtual address bits",
	      c.eax >> 8 & 0xff);

	/* OSXSAVE follows CR4; leaf 0xd follows XCR0. */
	c = cpuid(1, 0);
	CHECK_EQ("OSXSAVE before", c.ecx >> 27 & 1, 0);
	if (c.ecx >> 26 & 1) {
		write_cr4(read_cr4() | CR4_OSXSAVE);
		CHECK_EQ("OSXSAVE after", cpuid(1, 0).ecx >> 27 & 1, 1);
		CHECK(cpuid(0xd, 0).eax & 1, "XCR0 cannot hold x87");
		set_xcr0(1);
		c = cpuid(0xd, 0);
		CHECK_EQ("XSAVE size with x87 alone", c.ebx, 576);
		CHECK(c.ecx >= c.ebx, "the largest XSAVE size is smaller than the current");
		if (c.eax & 4) {
			set_xcr0(7);
			d = cpuid(0xd, 2);
			CHECK_EQ("XSAVE size with AVX", cpuid(0xd, 0).ebx, d.eax + d.ebx);
			CHECK_EQ("the AVX part", d.eax, 256);
		}
		write_cr4(read_cr4() & ~(u64)CR4_OSXSAVE);
		CHECK_EQ("OSXSAVE at last", cpuid(1, 0).ecx >> 27 & 1, 0);
	}

	/* The APIC bit follows the APIC's enable bit. */
	CHECK_EQ("APIC bit", cpuid(1, 0).edx >> 9 & 1, 1);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~0x800ull);
	CHECK_EQ("APIC bit of a disabled APIC", cpuid(1, 0).edx >> 9 & 1, 0);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x800);
	CHECK_EQ("APIC bit", cpuid(1, 0).edx >> 9 & 1, 1);

	/* No nested guests were offered. */
	CHECK_EQ("SVM bit", cpuid(0x80000001, 0).ecx >> 2 & 1, 0);
	/* Unknown leaves answer, and answer the same each time. */
	for (u32 i = 0; i < 64; i++) {
		c = cpuid(0x50000000 + i * 0x01000001, i);
		d = cpuid(0x50000000 + i * 0x01000001, i);
		CHECK(!memcmp(&c, &d, sizeof(c)), "leaf 0x%x changes", 0x50000000 + i * 0x01000001);
	}
	return 0;
}
