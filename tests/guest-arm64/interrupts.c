// SPDX-License-Identifier: GPL-2.0-only
/* Guests with a GICv3: timers, lines, messages between two CPUs. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm.h"

GUEST(timers);
GUEST(lines);
GUEST(two);

static void test_timers(void)
{
	struct vm *vm = vm_make(1, true);
	struct story story = { };

	vm_start(vm, 0, guest_timers, guest_timers_end);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 27, 27, 30),
	      "the virtual timer ends a WFI and a loop, the physical one a WFI");
	vm_free(vm);
}

static void test_lines(void)
{
	struct vm *vm = vm_make(1, true);
	struct story story = { };

	vm_start(vm, 0, guest_lines, guest_lines_end);
	vm_run(vm, 0, &story);
	check(story.done && TOLD(&story, 5, SPI, SPI), "an SGI to itself, and a line twice");
	vm_free(vm);
}

static bool stopped(struct vm *vm)
{
	struct kvmx_mp_state state;

	must(ioctl(vm->vcpu[1], KVMX_GET_MP_STATE, &state), "MP state");
	return state.mp_state == KVMX_MP_STATE_STOPPED;
}

/* The second CPU does not come back once it is off: its thread is ended by a kill of the run. */
static void test_two(void)
{
	struct second other = { .vm = vm_make(2, true) };
	struct vm *vm = other.vm;
	struct story story = { };

	check(stopped(vm), "the second CPU is off at first");
	vm_start(vm, 0, guest_two, guest_two_end);
	second_start(&other);
	vm_run(vm, 0, &story);
	/* The second call finds it on (-4), or not quite there yet (-5). */
	check(story.n > 1 && (story.value[1] == -4u || story.value[1] == -5u),
	      "CPU_ON does not start it twice");
	story.value[1] = 0;
	check(story.done && TOLD(&story, 0, 0, 7, 8), "CPU_ON starts it; SGIs come from it");
	vm->run[1]->immediate_exit = 1;
	pthread_kill(other.thread, SIGUSR1);
	pthread_join(other.thread, NULL);
	check(other.story.error == EINTR && TOLD(&other.story, 0x77, 3),
	      "it has the context, and got an SGI");
	check(stopped(vm), "and is off in the end");
	vm_free(vm);
}

static void test_device(void)
{
	struct vm *vm = vm_make(1, false);
	struct kvmx_create_device create = { .type = KVMX_DEV_TYPE_ARM_VGIC_V3 };
	struct kvmx_device_attr attr = { .group = KVMX_DEV_ARM_VGIC_GRP_CTRL };
	struct kvmx_irq_level line = { .irq = KVMX_ARM_IRQ_TYPE_SPI << 24 | SPI, .level = 1 };
	uint64_t address = GICD + 8;

	check(ioctl(vm->fd, KVMX_IRQ_LINE, &line) == -1 && errno == ENXIO, "no line without a GIC");
	must(ioctl(vm->fd, KVMX_CREATE_DEVICE, &create), "create a GIC");
	check(!ioctl(create.fd, KVMX_SET_DEVICE_ATTR, &attr), "it is set up before it has addresses,");
	check(ioctl(vm->vcpu[0], KVMX_RUN, 0) == -1 && errno == ENXIO, "and no vCPU runs then");
	attr.group = KVMX_DEV_ARM_VGIC_GRP_ADDR;
	attr.attr = KVMX_VGIC_V3_ADDR_TYPE_DIST;
	attr.addr = (uintptr_t)&address;
	check(ioctl(create.fd, KVMX_SET_DEVICE_ATTR, &attr) == -1 && errno == EINVAL,
	      "an address is aligned");
	address = 1ull << 40;
	check(ioctl(create.fd, KVMX_SET_DEVICE_ATTR, &attr) == -1 && errno == E2BIG,
	      "and within the guest's memory");
	close(create.fd);
	check(ioctl(vm->fd, KVMX_CREATE_DEVICE, &create) == -1 && errno == EEXIST, "there is one GIC");
	create.type = KVMX_DEV_TYPE_ARM_VGIC_V2;
	check(ioctl(vm->fd, KVMX_CREATE_DEVICE, &create) == -1 && errno == ENODEV, "and no GICv2");
	vm_free(vm);
}

static int attribute(unsigned long cmd, int gic, uint32_t group, uint64_t attr, uint64_t *val)
{
	struct kvmx_device_attr access = { .group = group, .attr = attr, .addr = (uintptr_t)val };

	return ioctl(gic, cmd, &access) ? errno : 0;
}

/* Whether what is written to an attribute can be read again. */
static bool keeps(int gic, uint32_t group, uint64_t attr, uint64_t val)
{
	uint64_t got = 0;

	return !attribute(KVMX_HAS_DEVICE_ATTR, gic, group, attr, NULL) &&
	       !attribute(KVMX_SET_DEVICE_ATTR, gic, group, attr, &val) &&
	       !attribute(KVMX_GET_DEVICE_ATTR, gic, group, attr, &got) && got == val;
}

#define ICC(crn, crm, op2)	(3 << 14 | (crn) << 7 | (crm) << 3 | (op2))

/* The state that is saved and restored, as far as it is read as it was written. */
static void test_state(void)
{
	struct vm *vm = vm_make(1, false);
	struct kvmx_create_device create = { .type = KVMX_DEV_TYPE_ARM_VGIC_V3 };
	uint64_t val = 0, other = 1ull << 32;
	const uint32_t dist = KVMX_DEV_ARM_VGIC_GRP_DIST_REGS, cpu = KVMX_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
		       redist = KVMX_DEV_ARM_VGIC_GRP_REDIST_REGS,
		       level = KVMX_DEV_ARM_VGIC_GRP_LEVEL_INFO;
	int gic;

	must(ioctl(vm->fd, KVMX_CREATE_DEVICE, &create), "create a GIC");
	gic = create.fd;
	check(attribute(KVMX_GET_DEVICE_ATTR, gic, dist, 0, &val) == EBUSY, "no state before the init");
	must(-attribute(KVMX_SET_DEVICE_ATTR, gic, KVMX_DEV_ARM_VGIC_GRP_CTRL,
			KVMX_DEV_ARM_VGIC_CTRL_INIT, NULL), "init the GIC");
	check(keeps(gic, dist, 0, 0x52) && keeps(gic, dist, 0x104, 0x100) &&
	      keeps(gic, dist, 0x428, 0xa0b0c0d0) && keeps(gic, dist, 0x6140, 0) &&
	      keeps(gic, dist, 0x304, 0x100), "registers of the distributor");
	check(keeps(gic, redist, 0x10080, 0xffff0000) && keeps(gic, redist, 0x10100, 0x0800ffff) &&
	      keeps(gic, redist, 0x10418, 0x18000000), "and of a redistributor");
	check(keeps(gic, level, 32, 0x100) && keeps(gic, dist, 0x204, 0) &&
	      keeps(gic, dist, 0x204, 0x200), "a line, and what is pending without one");
	val = ~0u;
	check(!attribute(KVMX_SET_DEVICE_ATTR, gic, dist, 0x284, &val) &&
	      !attribute(KVMX_GET_DEVICE_ATTR, gic, dist, 0x204, &val) && (uint32_t)val == 0x200,
	      "which clearing does not touch");
	check(keeps(gic, cpu, ICC(4, 6, 0), 0xf0) && keeps(gic, cpu, ICC(12, 12, 7), 1) &&
	      keeps(gic, cpu, ICC(12, 12, 3), 3) && keeps(gic, cpu, ICC(12, 9, 0), 0x80000001) &&
	      keeps(gic, cpu, ICC(12, 12, 5), 7), "registers of the CPU's interface");
	must(-attribute(KVMX_GET_DEVICE_ATTR, gic, cpu, ICC(12, 12, 4), &val), "ICC_CTLR_EL1");
	check(keeps(gic, cpu, ICC(12, 12, 4), val ^ 2), "ICC_CTLR_EL1 has a bit to set,");
	val ^= 1 << 8;
	check(attribute(KVMX_SET_DEVICE_ATTR, gic, cpu, ICC(12, 12, 4), &val) == EINVAL,
	      "and some that are the CPU's");
	check(attribute(KVMX_GET_DEVICE_ATTR, gic, dist, 0x10000, &val) == ENXIO &&
	      attribute(KVMX_GET_DEVICE_ATTR, gic, redist, 0x20000, &val) == ENXIO &&
	      attribute(KVMX_GET_DEVICE_ATTR, gic, cpu, ICC(12, 12, 2), &val) == ENXIO &&
	      attribute(KVMX_GET_DEVICE_ATTR, gic, cpu, ICC(12, 9, 3), &val) == ENXIO,
	      "registers that are not there");
	check(attribute(KVMX_GET_DEVICE_ATTR, gic, dist, 2, &val) == EINVAL &&
	      attribute(KVMX_GET_DEVICE_ATTR, gic, redist, other, &val) == EINVAL &&
	      attribute(KVMX_GET_DEVICE_ATTR, gic, cpu, other | ICC(4, 6, 0), &val) == EINVAL &&
	      attribute(KVMX_GET_DEVICE_ATTR, gic, level, 33, &val) == EINVAL &&
	      attribute(KVMX_GET_DEVICE_ATTR, gic, level, 1 << 10 | 32, &val) == EINVAL,
	      "halves of registers, CPUs that are not there");
	check(attribute(KVMX_SET_DEVICE_ATTR, gic, dist, 0x104, (void *)8) == EFAULT,
	      "a value that cannot be read");
	close(gic);
	vm_free(vm);
}

static void ignored(int signal)
{
}

void test_interrupts(void)
{
	struct sigaction action = { .sa_handler = ignored };

	sigaction(SIGUSR1, &action, NULL);
	test_device();
	test_state();
	test_lines();
	test_timers();
	test_two();
}
