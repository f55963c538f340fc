// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests of a few instructions each on /dev/kvmx, arm64: entry and exit,
 * device accesses, calls, system registers, memory. Ends with `N passed, N failed`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "vm.h"

GUEST(hello);
GUEST(mmio);
GUEST(pairs);
GUEST(hvc);
GUEST(off);
GUEST(sysregs);
GUEST(memory);
GUEST(fp);
GUEST(spin);
GUEST(nowhere);

bool told(const struct story *story, const uint32_t *values, unsigned int n)
{
	unsigned int i;

	if (story->n == n && !memcmp(story->value, values, n * sizeof(*values)))
		return true;
	printf("told:");
	for (i = 0; i < story->n; i++)
		printf(" 0x%x", story->value[i]);
	printf("; exit %u, error %d, done %d\n", story->reason, story->error, story->done);
	return false;
}

static void test_hello(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };

	vm_start(vm, 0, guest_hello, guest_hello_end);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 42), "a guest runs and stores to a device");
	check(reg_get(vm, 0, CORE_REG(regs.regs[0])) == 42, "and its register can be read");
	vm_free(vm);
}

static void test_mmio(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };

	vm_start(vm, 0, guest_mmio, guest_mmio_end);
	vm_run(vm, 0, &story);
	check(story.done && story.stores == 4 && story.stored[0] == 0x78 &&
	      story.stored[1] == 0x5678 && story.stored[2] == 0x12345678 &&
	      story.stored[3] == 0xdef09abc12345678ull, "stores of 1 to 8 bytes");
	check(story.loads == 9 &&
	      TOLD(&story, 0x80, 0, 0xffffff80, 0, 0xffffff80, 0xffffffff, 0x3280, 0, 0x3280, 0,
		   0x76543280, 0, 0x76543280, 0, 0x76543280, 0xfedcba98),
	      "loads of 1 to 8 bytes, with and without sign");
	vm_free(vm);

	vm = vm_make(1, false);
	story = (struct story) { };
	vm_start(vm, 0, guest_pairs, guest_pairs_end);
	vm_run(vm, 0, &story);
	check(story.done && story.stores == 4 && story.stored[0] == 1 && story.stored[1] == 2 &&
	      story.stored[2] == 2 && story.stored[3] == 1 && story.loads == 3 &&
	      TOLD(&story, 0x200, 0x76543290, 0x76543290, 0x76543294, 0x222),
	      "loads and stores of two registers, and that change the base");
	vm_free(vm);
}

static void hvc(uint64_t function, uint64_t argument, uint32_t answer, const char *what)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };

	vm_start(vm, 0, guest_hvc, guest_hvc_end);
	reg_set(vm, 0, CORE_REG(regs.regs[0]), function);
	reg_set(vm, 0, CORE_REG(regs.regs[1]), argument);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, answer, answer, 0xffffffff), what);
	vm_free(vm);
}

static int fw_set(struct vm *vm, uint64_t id, uint64_t val)
{
	struct kvmx_one_reg reg = { .id = id, .addr = (uintptr_t)&val };

	return ioctl(vm->vcpu[0], KVMX_SET_ONE_REG, &reg) ? errno : 0;
}

/* What a guest with its workaround's level at @level, or as it is, hears of it. */
static int workaround(unsigned int n, uint32_t call, int level, bool make)
{
	uint64_t id = KVMX_REG_ARM_FW_REG(n);
	struct vm *vm = vm_make(1, false);
	struct story story = { };

	if (level >= 0 && fw_set(vm, id, level))
		printf("level %d of workaround %u is refused\n", level, n);
	vm_start(vm, 0, guest_hvc, guest_hvc_end);
	reg_set(vm, 0, CORE_REG(regs.regs[0]), make ? call : 0x80000001);
	reg_set(vm, 0, CORE_REG(regs.regs[1]), call);
	vm_run(vm, 0, &story);
	vm_free(vm);
	return story.done && story.n == 3 ? (int)story.value[0] : -100;
}

static void test_workarounds(void)
{
	static const uint32_t calls[] = { 0x80008000, 0x80007fff, 0x80003fff };
	static const int answers[] = { -1, 0, 1 };	/* by level, of the first and third */
	struct vm *vm = vm_make(1, false);
	unsigned int i, bad = 0;

	for (i = 0; i < 3; i++) {
		uint64_t id = KVMX_REG_ARM_FW_REG(i + 1), level = reg_get(vm, 0, id);
		int none = level == 3 ? -2 : -1;
		int says = workaround(i + 1, calls[i], -1, false);

		printf("workaround %u: level %llu, answer %d\n", i + 1, (long long)level, says);
		bad += says != (i == 1 ? none : level < 3 ? answers[level] : -100);
		if (i != 1)
			bad += workaround(i + 1, calls[i], -1, true) != (level ? 0 : -1);
		bad += workaround(i + 1, calls[i], 0, false) != -1;
		bad += fw_set(vm, id, level + 1) != EINVAL || fw_set(vm, id, level) ||
		       reg_get(vm, 0, id) != level;
		bad += fw_set(vm, id, 0) || reg_get(vm, 0, id);
	}
	check(!bad, "workarounds: guests hear what the registers say, which can be lowered only");
	check(fw_set(vm, KVMX_REG_ARM_STD_BMAP, 1) == EINVAL &&
	      fw_set(vm, KVMX_REG_ARM_VENDOR_HYP_BMAP, 0) == 0 &&
	      fw_set(vm, KVMX_REG_ARM_PSCI_VERSION, 0x20000) == EINVAL &&
	      fw_set(vm, KVMX_REG_ARM_PSCI_VERSION, 0x10000) == 0 &&
	      reg_get(vm, 0, KVMX_REG_ARM_PSCI_VERSION) == 0x10000,
	      "no services that are not there; an older PSCI");
	vm_free(vm);
}

static void test_psci(void)
{
	struct vm *vm;
	struct story story = { };

	hvc(0x84000000, 0, 0x10001, "PSCI version 1.1, by HVC and SMC");
	hvc(0x80000000, 0, 0x10001, "SMCCC version 1.1");
	hvc(0x8400000a, 0x84000008, 0, "PSCI has SYSTEM_OFF");
	hvc(0x8400000a, 0x84001234, -1, "and not what it has not");
	hvc(0x86001234, 0, -1, "an unknown call");
	hvc(0xc4000004, 5, -2, "AFFINITY_INFO of a CPU that is not there");
	hvc(0x80000001, 0x80000002, -1, "no SOC_ID");
	test_workarounds();

	vm = vm_make(1, false);
	vm_start(vm, 0, guest_off, guest_off_end);
	vm_run(vm, 0, &story);
	check(!story.done && !story.n && story.reason == KVMX_EXIT_SYSTEM_EVENT &&
	      vm->run[0]->system_event.type == KVMX_SYSTEM_EVENT_SHUTDOWN, "SYSTEM_OFF");
	vm_free(vm);
}

static void test_sysregs(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };

	vm_start(vm, 0, guest_sysregs, guest_sysregs_end);
	vm_run(vm, 0, &story);
	check(story.done && story.n == 11, "system registers do not end the guest");
	check((story.value[0] & 0xffff) == 0x0011 && !(story.value[1] & 0xf),
	      "EL1 and EL0 in AArch64 only, no SVE");
	check(story.value[2] == 0x80000000, "MPIDR of vCPU 0");
	check((story.value[3] & 0xf) == 6 && !(story.value[3] & 0xf00), "debug, no PMU");
	check(story.value[4] == 0x55, "MDSCR keeps what is written");
	check(story.value[5] == 0xa, "the OS lock locks");
	check(story.value[6] == 0, "a reserved identification register reads as zero");
	check(story.value[7] == 0x100 && story.value[8] == 0x100 && story.value[9] == 0x100,
	      "PMU, RAS, MPAM are undefined");
	check(story.value[10] == 0x100, "keys of pointer authentication are undefined");
	vm_free(vm);
}

static void test_memory(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };
	unsigned int i;
	bool ok = true;

	vm_start(vm, 0, guest_memory, guest_memory_end);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 1024 * 1025 / 2), "memory keeps what is written");
	for (i = 0; i < 1024; i++)
		ok &= *(uint64_t *)(vm->memory + 0x100000 + i * 4096) == 1024 - i;
	check(ok, "and it is the VMM's");
	/* Taken away from under the guest: it finds zeros. */
	must(madvise(vm->memory + 0x100000, 4 << 20, MADV_DONTNEED), "madvise");
	*(uint64_t *)(vm->memory + 0x100000) = 7;
	memset(&story, 0, sizeof(story));
	vm_start(vm, 0, guest_memory, guest_memory_end);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 1024 * 1025 / 2), "and after the host took it away");
	vm_free(vm);
}

static void test_dirty(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };
	static uint64_t bitmap[MEMORY / 4096 / 64];
	struct kvmx_dirty_log log = { .dirty_bitmap = bitmap };
	struct kvmx_userspace_memory_region region = {
		.memory_size = MEMORY, .userspace_addr = (uintptr_t)vm->memory,
		.flags = KVMX_MEM_LOG_DIRTY_PAGES,
	};
	unsigned int i, n = 0;

	must(ioctl(vm->fd, KVMX_SET_USER_MEMORY_REGION, &region), "log");
	vm_start(vm, 0, guest_memory, guest_memory_end);
	vm_run(vm, 0, &story);
	must(ioctl(vm->fd, KVMX_GET_DIRTY_LOG, &log), "get the log");
	for (i = 0; i < MEMORY / 4096; i++)
		n += bitmap[i / 64] >> (i % 64) & 1;
	check(story.done && n == 1024 && bitmap[256 / 64] == ~0ull,
	      "the dirty log has the pages that were written to, and no others");
	memset(&story, 0, sizeof(story));
	vm_start(vm, 0, guest_hello, guest_hello_end);
	vm_run(vm, 0, &story);
	must(ioctl(vm->fd, KVMX_GET_DIRTY_LOG, &log), "get the log");
	for (i = 0, n = 0; i < MEMORY / 4096; i++)
		n += bitmap[i / 64] >> (i % 64) & 1;
	check(story.done && TOLD(&story, 42) && n == 0, "and none when none was");
	vm_free(vm);
}

static void test_fp(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };

	vm_start(vm, 0, guest_fp, guest_fp_end);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 0, 0x1111, 0x3131), "floating-point registers stay");
	vm_free(vm);
}

static void test_nowhere(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };

	vm_start(vm, 0, guest_nowhere, guest_nowhere_end);
	vm_run(vm, 0, &story);
	check(story.done && story.n == 1 && story.value[0] >> 26 == 0x21 &&
	      (story.value[0] & 0x3f) == 0x10, "code where no memory is: an external abort");
	vm_free(vm);
}

static struct kvmx_run *to_stop;

/* The signal may come right before the run begins. */
static void alarmed(int signal)
{
	to_stop->immediate_exit = 1;
}

static void test_signal(void)
{
	struct vm *vm = vm_make(1, false);
	struct story story = { };
	struct sigaction action = { .sa_handler = alarmed };
	struct itimerval soon = { .it_value.tv_usec = 100000 };
	uint64_t count;

	to_stop = vm->run[0];
	sigaction(SIGALRM, &action, NULL);
	vm_start(vm, 0, guest_spin, guest_spin_end);
	setitimer(ITIMER_REAL, &soon, NULL);
	vm_run(vm, 0, &story);
	count = reg_get(vm, 0, CORE_REG(regs.regs[1]));
	check(story.error == EINTR && count > 1000, "a signal ends a guest that loops");
	check(ioctl(vm->vcpu[0], KVMX_RUN, 0) == -1 && errno == EINTR &&
	      reg_get(vm, 0, CORE_REG(regs.regs[1])) == count, "immediate_exit runs nothing");
	vm_free(vm);
}

static void test_registers(void)
{
	static union { struct kvmx_reg_list list; uint64_t room[1024]; } all;
	struct vm *vm = vm_make(1, false);
	__uint128_t val, again;
	struct kvmx_one_reg reg = { .addr = (uintptr_t)&val };
	unsigned int i, bad = 0;

	all.list.n = 1;
	check(ioctl(vm->vcpu[0], KVMX_GET_REG_LIST, &all) == -1 && errno == E2BIG &&
	      all.list.n > 100, "the register list says how long it is");
	all.list.n = 1023;
	must(ioctl(vm->vcpu[0], KVMX_GET_REG_LIST, &all), "register list");
	for (i = 0; i < all.list.n; i++) {
		reg.id = all.list.reg[i];
		val = again = 0;
		reg.addr = (uintptr_t)&val;
		if (ioctl(vm->vcpu[0], KVMX_GET_ONE_REG, &reg) ||
		    ioctl(vm->vcpu[0], KVMX_SET_ONE_REG, &reg)) {
			printf("register 0x%llx: %s\n", reg.id, strerror(errno));
			bad++;
			continue;
		}
		reg.addr = (uintptr_t)&again;
		/* The counter runs on. */
		if (ioctl(vm->vcpu[0], KVMX_GET_ONE_REG, &reg) ||
		    (reg.id != KVMX_REG_ARM_TIMER_CNT && memcmp(&val, &again, 16)))
			bad++;
	}
	check(!bad, "every listed register can be read and put back");
	reg.id = CORE_REG(regs.pc) + 1;
	check(ioctl(vm->vcpu[0], KVMX_GET_ONE_REG, &reg) == -1 && errno == ENOENT,
	      "half a register is none");
	reg.id = KVMX_REG_ARM64 | KVMX_REG_SIZE_U64 | KVMX_REG_ARM_CORE | 0xffff;
	check(ioctl(vm->vcpu[0], KVMX_GET_ONE_REG, &reg) == -1 && errno == ENOENT,
	      "nor what lies behind the last");
	vm_free(vm);
}

static void test_init(void)
{
	struct kvmx_vcpu_init init = { .target = KVMX_ARM_TARGET_GENERIC_V8 };
	int vm = must(ioctl(device, KVMX_CREATE_VM, 0), "create a VM");
	int vcpu = must(ioctl(vm, KVMX_CREATE_VCPU, 0), "create a vCPU");

	check(ioctl(vcpu, KVMX_RUN, 0) == -1 && errno == ENOEXEC, "no run before the init");
	init.features[0] = 1 << KVMX_ARM_VCPU_SVE;
	check(ioctl(vcpu, KVMX_ARM_VCPU_INIT, &init) == -1 && errno == EINVAL, "no SVE");
	init.features[0] = 0;
	init.target = 77;
	check(ioctl(vcpu, KVMX_ARM_VCPU_INIT, &init) == -1 && errno == EINVAL, "no such target");
	check(ioctl(vm, KVMX_CREATE_IRQCHIP, 0) == -1 && errno == ENOTTY,
	      "an ioctl of x86 does not exist");
	check(ioctl(device, KVMX_CREATE_VM, 48) == -1 && errno == EINVAL, "no 48 bits of addresses");
	close(vcpu);
	close(vm);
}

int main(int argc, char **argv)
{
	device = must(open(argc > 1 ? argv[1] : "/dev/kvmx", O_RDWR | O_CLOEXEC), "open the device");
	test_init();
	test_hello();
	test_mmio();
	test_psci();
	test_sysregs();
	test_memory();
	test_dirty();
	test_fp();
	test_nowhere();
	test_signal();
	test_registers();
	test_interrupts();
	test_its();
	test_debug();
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
