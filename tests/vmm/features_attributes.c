// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of the device and of a vCPU, and devices that can be created:
 * what there is, and the errno of what there is not.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

#include "features.h"

static int attribute(int fd, unsigned long cmd, uint32_t group, uint64_t number, void *at)
{
	struct kvmx_device_attr a = { .group = group, .attr = number, .addr = (uintptr_t)at };

	return ioctl(fd, cmd, &a) ? errno : 0;
}

static uint64_t guest_tsc(int cpu)
{
	struct { struct kvmx_msrs head; struct kvmx_msr_entry e; } m = {
		.head.nmsrs = 1, .e.index = 0x10,
	};

	must("TSC", ioctl(cpu, KVMX_GET_MSRS, &m) == 1 ? 0 : -1);
	return m.e.data;
}

static void of_the_device(void)
{
	uint64_t xcr0 = 0;

	check(cap(dev, KVMX_CAP_SYS_ATTRIBUTES) == 1, "the device has attributes");
	check(!attribute(dev, KVMX_HAS_DEVICE_ATTR, 0, KVMX_X86_XCOMP_GUEST_SUPP, NULL),
	      "XCR0 for guests is one");
	check(!attribute(dev, KVMX_GET_DEVICE_ATTR, 0, KVMX_X86_XCOMP_GUEST_SUPP, &xcr0) &&
	      (xcr0 & 3) == 3, "it has x87 and SSE (%#llx)", (unsigned long long)xcr0);
	check(attribute(dev, KVMX_HAS_DEVICE_ATTR, 0, 99, NULL) == ENXIO, "another: ENXIO");
	check(attribute(dev, KVMX_GET_DEVICE_ATTR, 0, 99, &xcr0) == ENXIO, "read: ENXIO");
	check(attribute(dev, KVMX_GET_DEVICE_ATTR, 77, 0, &xcr0) == ENXIO, "another group: ENXIO");
	check(attribute(dev, KVMX_GET_DEVICE_ATTR, 0, 0, (void *)8) == EFAULT, "to nowhere: EFAULT");
	check(is_unknown(attribute(dev, KVMX_SET_DEVICE_ATTR, 0, 0, &xcr0)), "set: ENOTTY");
}

/* In-tree KVM moves it when the vCPU changes CPUs whose TSCs it does not trust. */
static bool is_same(uint64_t now, uint64_t wanted)
{
	return now == wanted || (in_tree && now - wanted + (1ull << 45) < 1ull << 46);
}

static void of_a_vcpu(int cpu)
{
	const uint32_t group = KVMX_VCPU_TSC_CTRL, offset = KVMX_VCPU_TSC_OFFSET;
	uint64_t was = 0, now = 0, wanted, before, tsc;

	check(!attribute(cpu, KVMX_HAS_DEVICE_ATTR, group, offset, NULL), "a TSC's offset is one");
	check(!attribute(cpu, KVMX_GET_DEVICE_ATTR, group, offset, &was), "it is read");
	wanted = was + (1ull << 50);
	before = guest_tsc(cpu);
	check(!attribute(cpu, KVMX_SET_DEVICE_ATTR, group, offset, &wanted), "and set");
	tsc = guest_tsc(cpu) - before;
	check(tsc >= 1ull << 50 && tsc < (1ull << 50) + (1ull << 40), "the guest's TSC follows");
	check(!attribute(cpu, KVMX_GET_DEVICE_ATTR, group, offset, &now) && is_same(now, wanted),
	      "it is what was set");
	check(attribute(cpu, KVMX_HAS_DEVICE_ATTR, group, 5, NULL) == ENXIO, "another: ENXIO");
	check(attribute(cpu, KVMX_SET_DEVICE_ATTR, 5, offset, &now) == ENXIO, "another group: ENXIO");
	check(attribute(cpu, KVMX_GET_DEVICE_ATTR, group, offset, (void *)8) == EFAULT,
	      "to nowhere: EFAULT");
	check(attribute(cpu, KVMX_SET_DEVICE_ATTR, group, offset, (void *)-4096l) == EFAULT,
	      "from nowhere: EFAULT");
	check(!attribute(cpu, KVMX_GET_DEVICE_ATTR, group, offset, &now) && is_same(now, wanted),
	      "nothing of that changed it");
}

void test_attributes(void)
{
	struct kvmx_create_device device = { .type = 0x7777 };
	struct guest g = guest_make(1, NULL);
	int err;

	of_the_device();
	check(cap(g.vm, KVMX_CAP_VCPU_ATTRIBUTES) == 1, "a vCPU has attributes");
	of_a_vcpu(g.cpu[0]);
	check(attribute(g.vm, KVMX_HAS_DEVICE_ATTR, 0, 0, NULL), "a VM has none");
	err = ioctl(g.vm, KVMX_CREATE_DEVICE, &device) ? errno : 0;
	/* In-tree KVM has devices, though not every release says so on x86. */
	check(err == (in_tree || cap(g.vm, KVMX_CAP_DEVICE_CTRL) > 0 ? ENODEV : ENOTTY),
	      "no such device (errno %d)", err);
	guest_end(&g);
}
