// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a person needs to see when a vCPU cannot go on: why, and its registers.
 * Called by cpu.c, in that vCPU's thread.
 */
#include <stdio.h>
#include "cmd.h"
#include "machine.h"

static const char *suberror_name(uint64_t code)
{
	switch (code) {
	case KVMX_INTERNAL_ERROR_EMULATION:
		return "emulation of an instruction failed";
	case KVMX_INTERNAL_ERROR_SIMUL_EX:
		return "simultaneous exceptions";
	case KVMX_INTERNAL_ERROR_DELIVERY_EV:
		return "exit while an event was delivered";
	case KVMX_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "unexpected exit reason";
	default:
		return "unknown kind";
	}
}

static void dump_error(struct cpu *cpu)
{
	uint32_t reason = kvmx_vcpu_exit_reason(cpu->vcpu);
	struct kvmx_exit_error e;

	if (kvmx_vcpu_exit_error(cpu->vcpu, &e))
		return;
	if (reason == KVMX_EXIT_FAIL_ENTRY)
		fprintf(stderr, "  entry failure reason %#llx on host CPU %llu\n",
			(unsigned long long)e.code,
			(unsigned long long)e.data[0]);
	else
		fprintf(stderr, "  suberror %llu: %s\n",
			(unsigned long long)e.code, suberror_name(e.code));
	for (uint32_t i = 0; reason != KVMX_EXIT_FAIL_ENTRY && i < e.ndata; i++)
		fprintf(stderr, "  data[%u] %#018llx\n", i,
			(unsigned long long)e.data[i]);
}

static void dump_segment(const char *name, const struct kvmx_segment *s)
{
	fprintf(stderr,
		"  %s %04x base %016llx limit %08x type %x s %u dpl %u p %u l %u db %u g %u\n",
		name, s->selector, (unsigned long long)s->base, s->limit, s->type,
		s->s, s->dpl, s->present, s->l, s->db, s->g);
}

static void dump_regs(struct cpu *cpu)
{
	struct kvmx_regs r;

	if (kvmx_vcpu_get_regs(cpu->vcpu, &r)) {
		fprintf(stderr, "  (registers cannot be read)\n");
		return;
	}
	const struct {
		const char *name;
		unsigned long long value;
	} all[] = {
		{ "rip", r.rip }, { "flg", r.rflags }, { "rsp", r.rsp },
		{ "rbp", r.rbp }, { "rax", r.rax }, { "rbx", r.rbx },
		{ "rcx", r.rcx }, { "rdx", r.rdx }, { "rsi", r.rsi },
		{ "rdi", r.rdi }, { "r8 ", r.r8 }, { "r9 ", r.r9 },
		{ "r10", r.r10 }, { "r11", r.r11 }, { "r12", r.r12 },
		{ "r13", r.r13 }, { "r14", r.r14 }, { "r15", r.r15 },
	};

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		fprintf(stderr, "  %s %016llx%s", all[i].name, all[i].value,
			i % 3 == 2 ? "\n" : "");
}

static void dump_sregs(struct cpu *cpu)
{
	struct kvmx_sregs s;

	if (kvmx_vcpu_get_sregs(cpu->vcpu, &s))
		return;
	fprintf(stderr, "  cr0 %016llx  cr2 %016llx  cr3 %016llx\n",
		(unsigned long long)s.cr0, (unsigned long long)s.cr2,
		(unsigned long long)s.cr3);
	fprintf(stderr, "  cr4 %016llx  cr8 %016llx  efer %016llx\n",
		(unsigned long long)s.cr4, (unsigned long long)s.cr8,
		(unsigned long long)s.efer);
	dump_segment("cs ", &s.cs);
	dump_segment("ss ", &s.ss);
	dump_segment("ds ", &s.ds);
	dump_segment("es ", &s.es);
	dump_segment("fs ", &s.fs);
	dump_segment("gs ", &s.gs);
	dump_segment("tr ", &s.tr);
	dump_segment("ldt", &s.ldt);
	fprintf(stderr, "  gdt %016llx limit %04x  idt %016llx limit %04x\n",
		(unsigned long long)s.gdt.base, s.gdt.limit,
		(unsigned long long)s.idt.base, s.idt.limit);
}

void dump_exit(struct cpu *cpu, const char *what)
{
	uint32_t reason = kvmx_vcpu_exit_reason(cpu->vcpu);

	complain("CPU %u: %s (last exit %s, %u)", kvmx_vcpu_id(cpu->vcpu), what,
		 kvmx_exit_name(reason), reason);
	dump_error(cpu);
	dump_regs(cpu);
	dump_sregs(cpu);
}
