// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VT-x says of an exit in struct x86_exit's words: each reason with the fields that go
 * with it, from a control structure that the test fills (SDM Vol. 3, "Basic VM-Exit
 * Information", "Information for VM Exits That Occur During Event Delivery").
 */
/* links: src/vmx/exit.c */
#include <linux/kernel.h>
#include <kvmx/host.h>

#include "vmx/vmx.h"
#include "unit.h"

static u64 field[0x8000];
static bool field_set[0x8000];
static struct x86_vcpu vcpu;
const struct x86_backend *x86_unit;	/* not asked: the exit has brought what is looked at */
static struct x86_exit out;
static unsigned int host_nmis, host_machine_checks;

/* A field that goes with another exit has nothing in it that means something. */
u64 vmx_read(unsigned long f)
{
	ck_assert_uint_lt(f, ARRAY_SIZE(field));
	ck_assert_msg(field_set[f], "field %#lx is not one of this exit's", f);
	return field[f];
}

void vmx_write(unsigned long f, u64 val)
{
	ck_assert_uint_eq(f, VMCS_GUEST_PML_INDEX);
	field[f] = val;
}

void kvmx_host_nmi(void)
{
	host_nmis++;
}

void kvmx_host_machine_check(void)
{
	host_machine_checks++;
}

static void set(unsigned long f, u64 val)
{
	field[f] = val;
	field_set[f] = true;
}

static void begin(void)
{
	memset(field_set, 0, sizeof(field_set));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&out, 0xa5, sizeof(out));
	host_nmis = host_machine_checks = 0;
	set(VMCS_VECTORING_EVENT, 0);
}

static void leave(u32 reason)
{
	vmx_decode_exit(&vcpu, reason, &out);
	ck_assert_uint_eq(out.raw, reason & 0xffff);
	ck_assert_uint_eq(out.nr_bytes, 0);
}

START_TEST(plain)
{
	static const struct { u16 reason; u8 kind; } rows[] = {
		{ 10, X86_EXIT_CPUID }, { 12, X86_EXIT_HLT }, { 18, X86_EXIT_HYPERCALL },
		{ 31, X86_EXIT_RDMSR }, { 32, X86_EXIT_WRMSR }, { 16, X86_EXIT_RDTSC },
		{ 51, X86_EXIT_RDTSC }, { 15, X86_EXIT_RDPMC }, { 13, X86_EXIT_CACHE },
		{ 54, X86_EXIT_CACHE }, { 40, X86_EXIT_PAUSE }, { 39, X86_EXIT_MONITOR },
		{ 36, X86_EXIT_MWAIT }, { 55, X86_EXIT_XSETBV },
		/* GETSEC, RSM; VMCLEAR to VMXON; INVEPT, INVVPID, VMFUNC, ENCLS */
		{ 11, X86_EXIT_UNDEFINED }, { 17, X86_EXIT_UNDEFINED }, { 19, X86_EXIT_UNDEFINED },
		{ 20, X86_EXIT_UNDEFINED }, { 21, X86_EXIT_UNDEFINED }, { 22, X86_EXIT_UNDEFINED },
		{ 23, X86_EXIT_UNDEFINED }, { 24, X86_EXIT_UNDEFINED }, { 25, X86_EXIT_UNDEFINED },
		{ 26, X86_EXIT_UNDEFINED }, { 27, X86_EXIT_UNDEFINED }, { 50, X86_EXIT_UNDEFINED },
		{ 53, X86_EXIT_UNDEFINED }, { 59, X86_EXIT_UNDEFINED }, { 60, X86_EXIT_UNDEFINED },
		/* never asked for: virtualized APIC, descriptor tables, misconfigured EPT */
		{ 44, X86_EXIT_UNKNOWN }, { 46, X86_EXIT_UNKNOWN }, { 49, X86_EXIT_UNKNOWN },
		{ 63, X86_EXIT_UNKNOWN }, { 0x7fff, X86_EXIT_UNKNOWN },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		set(VMCS_INSN_LEN, 1 + i % 15);
		if (rows[i].kind == X86_EXIT_HYPERCALL) {
			set(VMCS_GUEST_RIGHTS(X86_SEG_CS), 0xa09b);
			set(VMCS_GUEST_RIGHTS(X86_SEG_SS), 0xc0f3);
			set(VMCS_GUEST_EFER, X86_EFER_LMA);
		}
		/* The upper half has flags: the basic reason alone says which. */
		leave(rows[i].reason | 0x10000);
		ck_assert_msg(out.kind == rows[i].kind, "reason %u is kind %u", rows[i].reason, out.kind);
		ck_assert_uint_eq(out.insn_len, 1 + i % 15);
		ck_assert_uint_eq(out.vectoring.type, X86_EVENT_NONE);
		ck_assert_uint_eq(vcpu.state_valid, rows[i].kind == X86_EXIT_HYPERCALL ?
				  X86_STATE_MODE : 0);
		if (!vcpu.state_valid)
			continue;
		ck_assert(x86_is_64bit(&vcpu));
		ck_assert_uint_eq(x86_cpl(&vcpu), 3);
	}
}
END_TEST

/* Exits between instructions have no length. */
START_TEST(no_instruction)
{
	static const struct { u16 reason; u8 kind; } rows[] = {
		{ 1, X86_EXIT_HOST }, { 3, X86_EXIT_HOST }, { 2, X86_EXIT_SHUTDOWN },
		{ 52, X86_EXIT_TIMER }, { 7, X86_EXIT_INTR_WINDOW }, { 43, X86_EXIT_INTR_WINDOW }, { 8, X86_EXIT_NMI_WINDOW },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		leave(rows[i].reason);
		ck_assert_uint_eq(out.kind, rows[i].kind);
		ck_assert_uint_eq(out.insn_len, 0);
	}
}
END_TEST

START_TEST(io)
{
	begin();
	set(VMCS_INSN_LEN, 2);
	set(VMCS_QUALIFICATION, 0x03f80000 | 1);	/* OUT %ax */
	leave(30);
	ck_assert_uint_eq(out.kind, X86_EXIT_IO);
	ck_assert_uint_eq(out.io.port, 0x3f8);
	ck_assert_uint_eq(out.io.size, 2);
	ck_assert(!out.io.in && !out.io.string && !out.io.rep);
	ck_assert_uint_eq(out.insn_len, 2);

	set(VMCS_QUALIFICATION, 0xffff0000 | BIT(3) | BIT(4) | BIT(5) | 3);	/* REP INSD */
	set(VMCS_INSN_INFO, 1 << 7);
	leave(30);
	ck_assert_uint_eq(out.io.port, 0xffff);
	ck_assert_uint_eq(out.io.size, 4);
	ck_assert(out.io.in && out.io.string && out.io.rep);
	ck_assert_uint_eq(out.io.addr_size, 4);

	set(VMCS_QUALIFICATION, BIT(4));	/* OUTSB, 64-bit addresses */
	set(VMCS_INSN_INFO, 2 << 7);
	leave(30);
	ck_assert_uint_eq(out.io.port, 0);
	ck_assert_uint_eq(out.io.size, 1);
	ck_assert(!out.io.in && out.io.string && !out.io.rep);
	ck_assert_uint_eq(out.io.addr_size, 8);
}
END_TEST

START_TEST(registers)
{
	begin();
	set(VMCS_INSN_LEN, 3);
	set(VMCS_QUALIFICATION, 4 | 11 << 8);		/* MOV %r11, %cr4 */
	leave(28);
	ck_assert_uint_eq(out.kind, X86_EXIT_CR);
	ck_assert(out.cr.write && out.cr.decoded);
	ck_assert_uint_eq(out.cr.reg, 4);
	ck_assert_uint_eq(out.cr.gpr, 11);
	ck_assert_uint_eq(out.insn_len, 3);
	set(VMCS_QUALIFICATION, 8 | 1 << 4 | 15 << 8);	/* MOV %cr8, %r15 */
	leave(28);
	ck_assert(!out.cr.write && out.cr.decoded);
	ck_assert_uint_eq(out.cr.reg, 8);
	ck_assert_uint_eq(out.cr.gpr, 15);
	set(VMCS_QUALIFICATION, 2 << 4);		/* CLTS */
	leave(28);
	ck_assert(!out.cr.decoded);
	set(VMCS_QUALIFICATION, 3 << 4 | 0xabcd0000);	/* LMSW */
	leave(28);
	ck_assert(!out.cr.decoded);

	set(VMCS_QUALIFICATION, 7 | 9 << 8);		/* MOV %r9, %db7 */
	leave(29);
	ck_assert_uint_eq(out.kind, X86_EXIT_DR);
	ck_assert(out.dr.write && out.dr.decoded);
	ck_assert_uint_eq(out.dr.reg, 7);
	ck_assert_uint_eq(out.dr.gpr, 9);
	set(VMCS_QUALIFICATION, 6 | BIT(4));		/* MOV %db6, %rax */
	leave(29);
	ck_assert(!out.dr.write);
	ck_assert_uint_eq(out.dr.reg, 6);
	ck_assert_uint_eq(out.dr.gpr, 0);

	set(VMCS_QUALIFICATION, 0xffff800012345678);
	leave(14);
	ck_assert_uint_eq(out.kind, X86_EXIT_INVLPG);
	ck_assert(out.invlpg.decoded);
	ck_assert_uint_eq(out.invlpg.addr, 0xffff800012345678);
}
END_TEST

START_TEST(faults)
{
	begin();
	set(VMCS_GUEST_PHYSICAL, 0xfee000b0);
	set(VMCS_QUALIFICATION, BIT(0) | BIT(7) | BIT(8));
	leave(48);
	ck_assert_uint_eq(out.kind, X86_EXIT_FAULT);
	ck_assert_uint_eq(out.fault.gpa, 0xfee000b0);
	ck_assert_uint_eq(out.fault.access, STAGE2_READ);
	ck_assert(!out.fault.table_walk);
	ck_assert_uint_eq(out.insn_len, 0);
	/* A page-table walk that sets accessed bits reads and writes: it has to be writable. */
	set(VMCS_QUALIFICATION, BIT(0) | BIT(1) | BIT(7));
	leave(48);
	ck_assert_uint_eq(out.fault.access, STAGE2_WRITE);
	ck_assert(out.fault.table_walk);
	set(VMCS_QUALIFICATION, BIT(2) | BIT(7) | BIT(8));
	leave(48);
	ck_assert_uint_eq(out.fault.access, STAGE2_EXEC);
	/* No linear address: the four PAE pointers were being loaded. */
	set(VMCS_QUALIFICATION, BIT(0));
	leave(48);
	ck_assert(!out.fault.table_walk);
	ck_assert(!vcpu.nmi_masked);

	/* The fault was in an IRET that had opened NMIs already; not if it was in a delivery. */
	set(VMCS_QUALIFICATION, BIT(0) | BIT(7) | BIT(8) | BIT(12));
	leave(48);
	ck_assert(vcpu.nmi_masked);
	vcpu.nmi_masked = false;
	set(VMCS_VECTORING_EVENT, BIT(31) | 0x31);
	leave(48);
	ck_assert(!vcpu.nmi_masked);
	ck_assert_uint_eq(out.vectoring.type, X86_EVENT_INTR);
	ck_assert_uint_eq(out.vectoring.vector, 0x31);
}
END_TEST

START_TEST(exceptions)
{
	begin();
	set(VMCS_EXIT_EVENT, BIT(31) | 3 << 8 | BIT(11) | X86_EXC_PF);
	set(VMCS_EXIT_ERROR_CODE, 6);
	set(VMCS_QUALIFICATION, 0xdeadb000);
	leave(0);
	ck_assert_uint_eq(out.kind, X86_EXIT_EXCEPTION);
	ck_assert_uint_eq(out.exc.vector, X86_EXC_PF);
	ck_assert(out.exc.has_error);
	ck_assert_uint_eq(out.exc.error, 6);
	ck_assert_uint_eq(out.exc.payload, 0xdeadb000);
	ck_assert_uint_eq(out.insn_len, 0);

	begin();
	set(VMCS_EXIT_EVENT, BIT(31) | 3 << 8 | X86_EXC_DB);
	set(VMCS_QUALIFICATION, X86_DR6_BS | 2);
	leave(0);
	ck_assert_uint_eq(out.exc.vector, X86_EXC_DB);
	ck_assert(!out.exc.has_error);
	ck_assert_uint_eq(out.exc.payload, X86_DR6_FIXED | X86_DR6_BS | 2);

	begin();
	set(VMCS_EXIT_EVENT, BIT(31) | 6 << 8 | X86_EXC_BP);
	set(VMCS_INSN_LEN, 1);
	leave(0);
	ck_assert_uint_eq(out.exc.vector, X86_EXC_BP);
	ck_assert_uint_eq(out.insn_len, 1);

	/* An IRET opened NMIs and faulted; for #DF the bit means nothing. */
	begin();
	set(VMCS_EXIT_EVENT, BIT(31) | 3 << 8 | BIT(11) | BIT(12) | X86_EXC_AC);
	set(VMCS_EXIT_ERROR_CODE, 0);
	leave(0);
	ck_assert(vcpu.nmi_masked);
	begin();
	set(VMCS_EXIT_EVENT, BIT(31) | 3 << 8 | BIT(11) | BIT(12) | X86_EXC_DF);
	set(VMCS_EXIT_ERROR_CODE, 0);
	leave(0);
	ck_assert(!vcpu.nmi_masked);
}
END_TEST

START_TEST(for_the_host)
{
	begin();
	set(VMCS_EXIT_EVENT, BIT(31) | 2 << 8 | X86_EXC_NMI);
	leave(0);
	ck_assert_uint_eq(out.kind, X86_EXIT_HOST);
	ck_assert_uint_eq(host_nmis, 1);
	begin();
	set(VMCS_EXIT_EVENT, BIT(31) | 3 << 8 | X86_EXC_MC);
	leave(0);
	ck_assert_uint_eq(out.kind, X86_EXIT_HOST);
	ck_assert_uint_eq(host_nmis, 0);
	ck_assert_uint_eq(host_machine_checks, 1);
}
END_TEST

START_TEST(cut_short)
{
	static const struct { u32 type; u8 event; bool len; } rows[] = {
		{ 0, X86_EVENT_INTR }, { 2, X86_EVENT_NMI }, { 3, X86_EVENT_EXCEPTION },
		{ 4, X86_EVENT_SOFT_INT, true }, { 5, X86_EVENT_SOFT_EXC, true },
		{ 6, X86_EVENT_SOFT_EXC, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		set(VMCS_VECTORING_EVENT, BIT(31) | rows[i].type << 8 | (0x80 + i));
		if (rows[i].len)
			set(VMCS_INSN_LEN, 2);
		leave(1);
		ck_assert_uint_eq(out.vectoring.type, rows[i].event);
		ck_assert_uint_eq(out.vectoring.vector, 0x80 + i);
		ck_assert(!out.vectoring.has_error);
		ck_assert_uint_eq(out.vectoring.insn_len, rows[i].len ? 2 : 0);
	}
	begin();
	set(VMCS_VECTORING_EVENT, BIT(31) | 3 << 8 | BIT(11) | X86_EXC_GP);
	set(VMCS_VECTORING_ERROR_CODE, 0x18);
	leave(2);
	ck_assert_uint_eq(out.kind, X86_EXIT_SHUTDOWN);
	ck_assert_uint_eq(out.vectoring.vector, X86_EXC_GP);
	ck_assert(out.vectoring.has_error);
	ck_assert_uint_eq(out.vectoring.error, 0x18);

	/* A task gate in the IDT: the error code is the exception's. */
	set(VMCS_QUALIFICATION, 0x28 | 3u << 30);
	leave(9);
	ck_assert_uint_eq(out.kind, X86_EXIT_TASK_SWITCH);
	ck_assert_uint_eq(out.task.selector, 0x28);
	ck_assert_uint_eq(out.task.reason, 3);
	ck_assert(out.task.has_error);
	ck_assert_uint_eq(out.task.error, 0x18);
	ck_assert_uint_eq(out.insn_len, 0);
	begin();
	set(VMCS_QUALIFICATION, 0x30 | 1u << 30);
	set(VMCS_INSN_LEN, 3);
	leave(9);
	ck_assert_uint_eq(out.task.reason, 1);
	ck_assert_uint_eq(out.insn_len, 3);
	ck_assert(!out.task.has_error);
}
END_TEST

/* SDM, "Page-Modification Logging": from entry 511 down, and to 0xffff when full. */
START_TEST(written_pages)
{
	static const struct { u16 index, first, nr; } rows[] = {
		{ 510, 511, 1 }, { 100, 101, 411 }, { 0, 1, 511 }, { 0xffff, 0, 512 },
		{ 511, 0, 0 }, { 512, 0, 0 }, { 0x8000, 0, 0 },
	};
	static u64 log[PML_ENTRIES];
	struct vmx_vcpu vmx = { .pml = log };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		vcpu.unit = &vmx;
		set(VMCS_GUEST_PML_INDEX, rows[i].index);
		vmx_decode_writes(&vcpu);
		ck_assert_uint_eq(vcpu.nr_written, rows[i].nr);
		if (!rows[i].nr)
			continue;
		ck_assert_ptr_eq(vcpu.written, log + rows[i].first);
		ck_assert_uint_eq(field[VMCS_GUEST_PML_INDEX], 511);
	}
	begin();
	set(VMCS_QUALIFICATION, 0);
	leave(62);
	ck_assert_uint_eq(out.kind, X86_EXIT_WRITES);
	ck_assert(!vcpu.nmi_masked);
	set(VMCS_QUALIFICATION, BIT(12));
	leave(62);
	ck_assert(vcpu.nmi_masked);
}
END_TEST

/* Whatever the CPU says, the kind is one that there is, and operands are in range. */
START_TEST(any)
{
	unsigned int i, f;

	for (i = 0; i < 200000; i++) {
		begin();
		for (f = 0; f < ARRAY_SIZE(field); f += 2)
			if (!(f & 0x1c0))
				set(f, unit_random_edge());
		leave(unit_random_below(80) | unit_random_edge() << 16);
		ck_assert_uint_lt(out.kind, X86_EXIT_KINDS);
		if (out.kind == X86_EXIT_CR)
			ck_assert_uint_lt(out.cr.gpr, X86_GPRS);
		if (out.kind == X86_EXIT_DR)
			ck_assert(out.dr.gpr < X86_GPRS && out.dr.reg < 8);
		if (out.kind == X86_EXIT_FAULT)
			ck_assert(out.fault.access && !(out.fault.access & ~7));
	}
	unit_figure("random VM exits", i);
}
END_TEST

START_TEST(not_entered)
{
	unsigned int f;

	begin();
	for (f = 0; f < ARRAY_SIZE(field); f += 2)
		set(f, 0);
	set(VMCS_EXIT_REASON, BIT(31) | 33);
	vmx_decode_failure(&vcpu, false, &out);
	ck_assert_uint_eq(out.kind, X86_EXIT_FAIL_ENTRY);
	ck_assert_uint_eq(out.raw, BIT(31) | 33);
	ck_assert_uint_eq(out.vectoring.type, X86_EVENT_NONE);
	set(VMCS_INSN_ERROR, 7);
	vmx_decode_failure(&vcpu, true, &out);
	ck_assert_uint_eq(out.raw, 7);
	ck_assert_uint_eq(host_machine_checks, 0);
	set(VMCS_EXIT_REASON, BIT(31) | 41);
	vmx_decode_failure(&vcpu, false, &out);
	ck_assert_uint_eq(host_machine_checks, 1);
}
END_TEST

static TCase *exits(void)
{
	return UNIT_CASE("exits", plain, no_instruction, io, registers, faults, exceptions,
			 for_the_host, cut_short, written_pages, any, not_entered);
}

UNIT_MAIN("vmx_exit", exits())
