// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The machine that the tests of `kvmx check` run their programs in, and the tests
 * of features, exits and interrupts. Called by cmd_check.c.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "selftest.h"

#define CR0_PE		(1u << 0)
#define CR0_ET		(1u << 4)

int selftest_fail(struct selftest *test, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(test->said, sizeof(test->said), format, ap);
	va_end(ap);
	return -1;
}

void selftest_say(struct selftest *test, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(test->said, sizeof(test->said), format, ap);
	va_end(ap);
}

static void gate(uint8_t *memory, unsigned int vector, const uint8_t *handler)
{
	uint32_t address = GUEST_CODE + (uint32_t)(handler - selftest_code);
	/* Intel SDM 3A, "IDT Descriptors": a 32-bit interrupt gate. */
	const uint32_t words[2] = {
		8u << 16 | (address & 0xffff), (address & 0xffff0000) | 0x8e00,
	};

	memcpy(memory + GUEST_IDT + vector * 8, words, sizeof(words));
}

/* Flat segments, no paging: the state that a boot loader has before it loads. */
static int cpu_set_up(struct kvmx_vcpu *vcpu, const uint8_t *program)
{
	struct kvmx_regs regs = { 0 };
	struct kvmx_sregs sregs;
	struct kvmx_segment flat = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1,
		.db = 1, .s = 1, .g = 1,
	};
	int ret = kvmx_vcpu_get_sregs(vcpu, &sregs);

	if (ret)
		return ret;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat;
	flat.selector = 8;
	flat.type = 11;
	sregs.cs = flat;
	sregs.gdt.base = GUEST_GDT;
	sregs.gdt.limit = 3 * 8 - 1;
	sregs.idt.base = GUEST_IDT;
	sregs.idt.limit = 256 * 8 - 1;
	sregs.cr0 = CR0_PE | CR0_ET;
	ret = kvmx_vcpu_set_sregs(vcpu, &sregs);
	if (ret)
		return ret;
	regs.rflags = 2;
	regs.rsp = GUEST_STACK;
	regs.rip = GUEST_CODE + (uint64_t)(program - selftest_code);
	return kvmx_vcpu_set_regs(vcpu, &regs);
}

static int cpu_create(struct selftest *test, struct selftest_vm *vm,
		      const uint8_t *program)
{
	const struct kvmx_vcpu_config config = { .size = sizeof(config) };
	struct kvmx_cpuid2 *cpuid;
	int ret = kvmx_vcpu_create(vm->vm, &config, &vm->vcpu);

	if (ret)
		return selftest_fail(test, "creating a vCPU: %s", strerror(-ret));
	ret = kvmx_supported_cpuid(test->kvmx, &cpuid);
	if (!ret) {
		ret = kvmx_vcpu_set_cpuid(vm->vcpu, cpuid);
		free(cpuid);
	}
	if (ret)
		return selftest_fail(test, "giving it its CPUID: %s", strerror(-ret));
	ret = cpu_set_up(vm->vcpu, program);
	return ret ? selftest_fail(test, "giving it its registers: %s",
				   strerror(-ret)) : 0;
}

int selftest_vm_create(struct selftest *test, struct selftest_vm *vm,
		       const uint8_t *program, int irqchip)
{
	const struct kvmx_memory_config memory = {
		.size = sizeof(memory), .length = GUEST_MEMORY,
	};
	static const uint64_t gdt[] = {
		0, UINT64_C(0x00cf9b000000ffff), UINT64_C(0x00cf93000000ffff),
	};
	void *host;
	int ret;

	memset(vm, 0, sizeof(*vm));
	ret = kvmx_vm_create(test->kvmx, NULL, &vm->vm);
	if (ret)
		return selftest_fail(test, "creating a VM: %s", strerror(-ret));
	/* VT-x without unrestricted guests needs pages for a CPU without paging. */
	ret = kvmx_vm_set_tss_addr(vm->vm, 0xfffbd000);
	if (!ret)
		ret = kvmx_vm_memory_add(vm->vm, &memory, &host);
	if (!ret && irqchip)
		ret = kvmx_vm_create_irqchip(vm->vm);
	if (ret)
		return selftest_fail(test, "giving it its memory and interrupt controllers: %s",
				     strerror(-ret));
	vm->memory = host;
	memcpy(vm->memory + GUEST_GDT, gdt, sizeof(gdt));
	memcpy(vm->memory + GUEST_CODE, selftest_code,
	       (size_t)(selftest_code_end - selftest_code));
	gate(vm->memory, VECTOR_MSI, selftest_on_msi);
	gate(vm->memory, VECTOR_TIMER, selftest_on_timer);
	gate(vm->memory, VECTOR_LINE, selftest_on_line);
	return cpu_create(test, vm, program);
}

void selftest_vm_close(struct selftest_vm *vm)
{
	kvmx_vcpu_close(vm->vcpu);
	kvmx_vm_close(vm->vm);
	memset(vm, 0, sizeof(*vm));
}

/* Runs the guest until it leaves for this reason; an alarm ends one that does not. */
int selftest_run(struct selftest *test, struct selftest_vm *vm, uint32_t reason)
{
	uint32_t got;
	int ret;

	alarm(PATIENCE);
	ret = kvmx_vcpu_run(vm->vcpu);
	alarm(0);
	if (ret == -EINTR)
		return selftest_fail(test, "the guest did not leave for %s in %d s",
				     kvmx_exit_name(reason), PATIENCE);
	if (ret)
		return selftest_fail(test, "running the guest: %s", strerror(-ret));
	got = kvmx_vcpu_exit_reason(vm->vcpu);
	if (got != reason)
		return selftest_fail(test, "the guest left for %s, and should for %s",
				     kvmx_exit_name(got), kvmx_exit_name(reason));
	return 0;
}

static int port(struct selftest *test, struct selftest_vm *vm, uint16_t number,
		struct kvmx_exit_io *io)
{
	if (selftest_run(test, vm, KVMX_EXIT_IO))
		return -1;
	if (kvmx_vcpu_exit_io(vm->vcpu, io) || io->port != number ||
	    io->is_write != (number == PORT_TELL) || io->item_size != 4 ||
	    io->count != 1)
		return selftest_fail(test, "port %#x: the exit describes another access",
				     number);
	return 0;
}

/* Runs the guest until it tells a value. */
int selftest_told(struct selftest *test, struct selftest_vm *vm, uint32_t *value)
{
	struct kvmx_exit_io io;

	if (port(test, vm, PORT_TELL, &io))
		return -1;
	memcpy(value, io.data, 4);
	return 0;
}

/* Runs the guest until it asks for a value, which its next run gives it. */
int selftest_asked(struct selftest *test, struct selftest_vm *vm, uint32_t answer)
{
	struct kvmx_exit_io io;

	if (port(test, vm, PORT_ASK, &io))
		return -1;
	memcpy(io.data, &answer, 4);
	return 0;
}

int selftest_check_features(struct selftest *test)
{
	static const struct {
		unsigned int capability;
		const char *name;
	} needed[] = {
		{ KVMX_CAP_USER_MEMORY, "USER_MEMORY" },
		{ KVMX_CAP_SYNC_MMU, "SYNC_MMU" },
		{ KVMX_CAP_EXT_CPUID, "EXT_CPUID" },
		{ KVMX_CAP_IRQCHIP, "IRQCHIP" },
		{ KVMX_CAP_PIT2, "PIT2" },
		{ KVMX_CAP_IRQ_ROUTING, "IRQ_ROUTING" },
		{ KVMX_CAP_SIGNAL_MSI, "SIGNAL_MSI" },
		{ KVMX_CAP_IRQFD, "IRQFD" },
		{ KVMX_CAP_IOEVENTFD, "IOEVENTFD" },
		{ KVMX_CAP_MP_STATE, "MP_STATE" },
		{ KVMX_CAP_VCPU_EVENTS, "VCPU_EVENTS" },
		{ KVMX_CAP_XSAVE, "XSAVE" },
		{ KVMX_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT" },
	};
	struct kvmx_cpuid2 *cpuid;
	struct kvmx_msr_list *msrs;
	int ret;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (kvmx_check_extension(test->kvmx, needed[i].capability) <= 0)
			return selftest_fail(test, "the device does not offer KVM_CAP_%s",
					     needed[i].name);
	ret = kvmx_supported_cpuid(test->kvmx, &cpuid);
	if (ret)
		return selftest_fail(test, "CPUID of guests: %s", strerror(-ret));
	ret = kvmx_msr_index_list(test->kvmx, &msrs);
	if (ret) {
		free(cpuid);
		return selftest_fail(test, "list of MSRs: %s", strerror(-ret));
	}
	selftest_say(test, "%d CPUs, %d memory slots, %u CPUID leaves, %u MSRs for a guest",
		     kvmx_check_extension(test->kvmx, KVMX_CAP_MAX_VCPUS),
		     kvmx_check_extension(test->kvmx, KVMX_CAP_NR_MEMSLOTS),
		     cpuid->nent, msrs->nmsrs);
	free(cpuid);
	free(msrs);
	return 0;
}

/* EBX of CPUID leaf 0, as the guest must see it. */
static uint32_t vendor(struct kvmx_vcpu *vcpu)
{
	struct kvmx_cpuid2 *cpuid;
	uint32_t ebx = 0;

	if (kvmx_vcpu_get_cpuid(vcpu, &cpuid))
		return 0;
	/* The first: in-tree KVM may leave the count at what there was room for. */
	for (uint32_t i = 0; i < cpuid->nent && !ebx; i++)
		if (!cpuid->entries[i].function)
			ebx = cpuid->entries[i].ebx;
	free(cpuid);
	return ebx;
}

static int memory_access(struct selftest *test, struct selftest_vm *vm,
			 uint64_t address, int is_write, uint32_t *value)
{
	struct kvmx_exit_mmio mmio;

	if (selftest_run(test, vm, KVMX_EXIT_MMIO))
		return -1;
	if (kvmx_vcpu_exit_mmio(vm->vcpu, &mmio) || mmio.address != address ||
	    mmio.is_write != is_write || mmio.length != 4)
		return selftest_fail(test, "memory at %#llx: the exit describes another access",
				     (unsigned long long)address);
	if (is_write)
		memcpy(value, mmio.data, 4);
	else
		memcpy(mmio.data, value, 4);
	return 0;
}

static int exits(struct selftest *test, struct selftest_vm *vm)
{
	const uint32_t answer = 0x5a000000, device = 0x12345678;
	uint32_t value;

	if (selftest_asked(test, vm, answer) || selftest_told(test, vm, &value))
		return -1;
	if (value != answer + 0x01020304)
		return selftest_fail(test, "the guest read %#x from a port, was given %#x",
				     value - 0x01020304, answer);
	value = device;
	if (memory_access(test, vm, NO_MEMORY, 0, &value) ||
	    memory_access(test, vm, NO_MEMORY + 8, 1, &value))
		return -1;
	if (value != ~device)
		return selftest_fail(test, "the guest read %#x from a device, was given %#x",
				     ~value, device);
	if (selftest_told(test, vm, &value))
		return -1;
	if (!value || value != vendor(vm->vcpu))
		return selftest_fail(test, "CPUID tells the guest %#x, and should %#x",
				     value, vendor(vm->vcpu));
	if (selftest_run(test, vm, KVMX_EXIT_HLT))
		return -1;
	selftest_say(test, "port read and write, device read and write, CPUID, HLT");
	return 0;
}

int selftest_check_exits(struct selftest *test)
{
	struct selftest_vm vm;
	int ret = selftest_vm_create(test, &vm, selftest_exits, 0);

	if (!ret)
		ret = exits(test, &vm);
	selftest_vm_close(&vm);
	return ret;
}

struct sender {
	struct kvmx_vm *vm;
	uint32_t what;
	int ret;
};

/* From outside, while the guest goes to sleep or sleeps already. */
static void *send(void *opaque)
{
	struct sender *sender = opaque;

	if (sender->what == READY_FOR_MSI) {
		sender->ret = kvmx_vm_signal_msi(sender->vm, 0xfee00000, VECTOR_MSI);
		return NULL;
	}
	sender->ret = kvmx_vm_irq_line(sender->vm, LINE, 1);
	if (!sender->ret)
		sender->ret = kvmx_vm_irq_line(sender->vm, LINE, 0);
	return NULL;
}

/* The guest says that it is ready, gets its interrupt, and tells how many it had. */
static int interrupt(struct selftest *test, struct selftest_vm *vm,
		     const char *what, uint32_t ready, uint32_t count)
{
	struct sender sender = { .vm = vm->vm, .what = ready };
	pthread_t thread;
	uint32_t value;
	int ret;

	if (ready) {
		if (selftest_told(test, vm, &value))
			return -1;
		if (value != ready)
			return selftest_fail(test, "%s: the guest tells %#x", what, value);
		if (pthread_create(&thread, NULL, send, &sender))
			return selftest_fail(test, "no thread");
	}
	ret = selftest_told(test, vm, &value);
	if (ready) {
		pthread_join(thread, NULL);
		if (sender.ret < 0)
			return selftest_fail(test, "%s: %s", what, strerror(-sender.ret));
	}
	if (ret) {
		char why[sizeof(test->said)];

		strcpy(why, test->said);
		return selftest_fail(test, "waiting for an interrupt from the %s: %.*s",
				     what, (int)sizeof(why) / 2, why);
	}
	if (value != count)
		return selftest_fail(test, "%s: the guest counts %#x, and should %#x",
				     what, value, count);
	return 0;
}

int selftest_check_interrupts(struct selftest *test)
{
	struct selftest_vm vm;
	int ret = selftest_vm_create(test, &vm, selftest_interrupts, 1);

	if (!ret && !(ret = interrupt(test, &vm, "message", READY_FOR_MSI, 0x1)) &&
	    !(ret = interrupt(test, &vm, "timer", 0, 0x101)) &&
	    !(ret = interrupt(test, &vm, "line", READY_FOR_LINE, 0x10101)))
		selftest_say(test, "message, local APIC's timer, I/O APIC's line, each to a CPU that sleeps");
	selftest_vm_close(&vm);
	return ret;
}
