// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a person needs to see when a vCPU cannot go on: why, and its registers.
 * Called by cpu.c, in that vCPU's thread.
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include "../cmd.h"
#include "../machine.h"

#define CORE(field)	(KVMX_REG_ARM_CORE | KVMX_REG_ARM_CORE_REG(field))
#define SYSTEM(op0, op1, crn, crm, op2)	ARM64_SYS_REG(op0, op1, crn, crm, op2)

static void dump_reg(struct cpu *cpu, const char *name, uint64_t id, const char *end)
{
	unsigned long long value = 0;
	const struct kvmx_one_reg reg = {
		.id = id | KVMX_REG_ARM64 | KVMX_REG_SIZE_U64,
		.addr = (uintptr_t)&value,
	};

	if (ioctl(kvmx_vcpu_fd(cpu->vcpu), KVMX_GET_ONE_REG, &reg))
		fprintf(stderr, "  %s (cannot be read)%s", name, end);
	else
		fprintf(stderr, "  %s %016llx%s", name, value, end);
}

void dump_exit(struct cpu *cpu, const char *what)
{
	uint32_t reason = kvmx_vcpu_exit_reason(cpu->vcpu);
	char name[8];

	complain("CPU %u: %s (last exit %s, %u)", kvmx_vcpu_id(cpu->vcpu), what,
		 kvmx_exit_name(reason), reason);
	dump_reg(cpu, "pc ", CORE(regs.pc), "");
	dump_reg(cpu, "pstate", CORE(regs.pstate), "");
	dump_reg(cpu, "sp_el1", CORE(sp_el1), "\n");
	for (unsigned int i = 0; i < 31; i++) {
		snprintf(name, sizeof(name), "x%-2u", i);
		dump_reg(cpu, name, CORE(regs.regs[0]) + 2 * i, i % 3 == 2 ? "\n" : "");
	}
	dump_reg(cpu, "elr", CORE(elr_el1), "\n");
	dump_reg(cpu, "sctlr", SYSTEM(3, 0, 1, 0, 0), "");
	dump_reg(cpu, "esr", SYSTEM(3, 0, 5, 2, 0), "");
	dump_reg(cpu, "far", SYSTEM(3, 0, 6, 0, 0), "");
	dump_reg(cpu, "vbar", SYSTEM(3, 0, 12, 0, 0), "\n");
}
