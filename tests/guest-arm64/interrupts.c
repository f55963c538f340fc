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

struct second {
	struct vm *vm;
	struct story story;
};

static void *second(void *opaque)
{
	struct second *s = opaque;

	vm_run(s->vm, 1, &s->story);
	return NULL;
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
	pthread_t thread;

	check(stopped(vm), "the second CPU is off at first");
	vm_start(vm, 0, guest_two, guest_two_end);
	must(-pthread_create(&thread, NULL, second, &other), "a thread");
	vm_run(vm, 0, &story);
	/* The second call finds it on (-4), or not quite there yet (-5). */
	check(story.n > 1 && (story.value[1] == -4u || story.value[1] == -5u),
	      "CPU_ON does not start it twice");
	story.value[1] = 0;
	check(story.done && TOLD(&story, 0, 0, 7, 8), "CPU_ON starts it; SGIs come from it");
	vm->run[1]->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
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
	check(ioctl(create.fd, KVMX_SET_DEVICE_ATTR, &attr) == -1 && errno == ENXIO,
	      "no GIC without addresses");
	check(ioctl(vm->vcpu[0], KVMX_RUN, 0) == -1 && errno == ENXIO, "and no run then");
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

static void ignored(int signal)
{
}

void test_interrupts(void)
{
	struct sigaction action = { .sa_handler = ignored };

	sigaction(SIGUSR1, &action, NULL);
	test_device();
	test_lines();
	test_timers();
	test_two();
}
