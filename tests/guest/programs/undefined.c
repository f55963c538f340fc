// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that this guest does not have raise #UD: those of SVM and VMX, and
 * what CPUID does not offer; others only need their CR4 bit or CPL 0.
 * AMD APM vol. 3, each instruction.
 */
#include "lib.h"

PROGRAM();

#define SVM(name, bytes)	{ name, bytes, sizeof(bytes) - 1 }

static const struct { const char *name; const char *code; u32 length; } svm[] = {
	SVM("VMRUN", "\x0f\x01\xd8"), SVM("VMLOAD", "\x0f\x01\xda"), SVM("VMSAVE", "\x0f\x01\xdb"),
	SVM("STGI", "\x0f\x01\xdc"), SVM("CLGI", "\x0f\x01\xdd"), SVM("SKINIT", "\x0f\x01\xde"),
	SVM("INVLPGA", "\x0f\x01\xdf"),
	SVM("VMLAUNCH", "\x0f\x01\xc2"), SVM("VMRESUME", "\x0f\x01\xc3"), SVM("VMXOFF", "\x0f\x01\xc4"),
	SVM("VMXON", "\xf3\x0f\xc7\x30"), SVM("VMREAD", "\x0f\x78\xc0"), SVM("VMWRITE", "\x0f\x79\xc0"),
	SVM("INVEPT", "\x66\x0f\x38\x80\x00"), SVM("INVVPID", "\x66\x0f\x38\x81\x00"),
	SVM("RSM", "\x0f\xaa"), SVM("UD1", "\x0f\xb9\xc0"), SVM("UD0", "\x0f\xff\xc0"),
	SVM("ENCLS", "\x0f\x01\xcf"), SVM("PUSH ES", "\x06"), SVM("DAA", "\x27"),
};

static u8 *code;

static u64 user_code(u64 unused)
{
	asm volatile("push %%rbx; call *%0; pop %%rbx" :: "r"(code), "a"(0x1000) : "rcx", "rdx", "memory");
	return 0;
}

static int run(const char *bytes, u32 length, u64 stack)
{
	memcpy(code, bytes, length);
	code[length] = 0xc3;
	return stack ? CATCH(call_user(user_code, 0, stack)) : CATCH(user_code(0));
}

int main(void)
{
	u64 stack = (u64)page_alloc() + 4096;
	bool monitor = cpuid(1, 0).ecx >> 3 & 1, rdpid = cpuid(7, 0).ecx >> 22 & 1;
	int vector;

	code = page_alloc();
	CHECK_EQ("CPUID's SVM", cpuid(0x80000001, 0).ecx >> 2 & 1, 0);
	CHECK_EQ("CPUID's VMX", cpuid(1, 0).ecx >> 5 & 1, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(svm); i++) {
		vector = run(svm[i].code, svm[i].length, 0);
		CHECK(vector == UD, "%s: vector %d", svm[i].name, vector);
		CHECK(caught()->rip == (u64)code, "%s: RIP is 0x%lx", svm[i].name, caught()->rip);
		vector = run(svm[i].code, svm[i].length, stack);
		/* Some check the privilege first. */
		CHECK(vector == UD || vector == GP, "%s at CPL 3: vector %d", svm[i].name, vector);
	}

	/* Without OSXSAVE. */
	write_cr4(read_cr4() & ~(u64)CR4_OSXSAVE);
	CHECK_EQ("XGETBV without CR4.OSXSAVE", run("\x0f\x01\xd0", 3, 0), UD);
	CHECK_EQ("XSETBV without CR4.OSXSAVE", run("\x0f\x01\xd1", 3, 0), UD);
	/* KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS, which nobody has disabled: they do nothing. */
	if (!monitor) {
		CHECK_EQ("MONITOR", run("\x0f\x01\xc8", 3, 0), -1);
		CHECK_EQ("MWAIT", run("\x0f\x01\xc9", 3, 0), -1);
	}
	if (!rdpid)
		CHECK_EQ("RDPID", run("\xf3\x0f\xc7\xf8", 4, 0), UD);
	/* No counters: RDPMC of a number that is none. */
	vector = CATCH(asm volatile("rdpmc" :: "c"(0x12345) : "rax", "rdx"));
	CHECK_EQ("RDPMC of nothing", vector, GP);
	/* INVD and WBINVD do nothing that could be seen. */
	EXPECT(-1, "WBINVD", asm volatile("wbinvd" ::: "memory"));
	/* A prefix too many. */
	CHECK_EQ("an instruction of 16 bytes",
		 run("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16, 0), GP);
	return 0;
}
