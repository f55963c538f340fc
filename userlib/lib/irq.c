// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Interrupt controllers, lines, eventfds and in-kernel devices of a VM: one
 * ioctl each. Called by users of libkvmx.
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

/* The kernel's own limit is KVMX_CAP_IRQ_ROUTING; this bounds the copy. */
#define ROUTES_LIMIT 65536u

int kvmx_vm_create_irqchip(struct kvmx_vm *vm)
{
	return vm ? kvmx_ioctl(vm->fd, KVMX_CREATE_IRQCHIP, NULL) : -EINVAL;
}

int kvmx_vm_irq_line(struct kvmx_vm *vm, uint32_t gsi, int level)
{
	struct kvmx_irq_level line = { .irq = gsi, .level = !!level };

	return vm ? kvmx_ioctl(vm->fd, KVMX_IRQ_LINE, &line) : -EINVAL;
}

int kvmx_vm_irqfd_add(struct kvmx_vm *vm, uint32_t gsi, int fd, int resample_fd)
{
	struct kvmx_irqfd irqfd = { .fd = fd, .gsi = gsi };

	if (!vm || fd < 0)
		return -EINVAL;
	if (resample_fd >= 0) {
		irqfd.flags = KVMX_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = resample_fd;
	}
	return kvmx_ioctl(vm->fd, KVMX_IRQFD, &irqfd);
}

int kvmx_vm_irqfd_remove(struct kvmx_vm *vm, uint32_t gsi, int fd)
{
	struct kvmx_irqfd irqfd = {
		.fd = fd,
		.gsi = gsi,
		.flags = KVMX_IRQFD_FLAG_DEASSIGN,
	};

	if (!vm || fd < 0)
		return -EINVAL;
	return kvmx_ioctl(vm->fd, KVMX_IRQFD, &irqfd);
}

static int ioeventfd(struct kvmx_vm *vm,
		     const struct kvmx_ioeventfd_config *config, uint32_t flags)
{
	struct kvmx_ioeventfd_config c;
	struct kvmx_ioeventfd io = { 0 };
	int ret;

	if (!vm)
		return -EINVAL;
	ret = kvmx_config_copy(&c, sizeof(c), config);
	if (ret)
		return ret;
	io.datamatch = c.value;
	io.addr = c.address;
	io.len = c.length;
	io.fd = c.fd;
	io.flags = flags;
	if (c.port)
		io.flags |= KVMX_IOEVENTFD_FLAG_PIO;
	if (c.match)
		io.flags |= KVMX_IOEVENTFD_FLAG_DATAMATCH;
	return kvmx_ioctl(vm->fd, KVMX_IOEVENTFD, &io);
}

int kvmx_vm_ioeventfd_add(struct kvmx_vm *vm,
			  const struct kvmx_ioeventfd_config *config)
{
	return ioeventfd(vm, config, 0);
}

int kvmx_vm_ioeventfd_remove(struct kvmx_vm *vm,
			     const struct kvmx_ioeventfd_config *config)
{
	return ioeventfd(vm, config, KVMX_IOEVENTFD_FLAG_DEASSIGN);
}

int kvmx_vm_set_gsi_routing(struct kvmx_vm *vm,
			    const struct kvmx_irq_routing_entry *entries,
			    uint32_t count)
{
	struct kvmx_irq_routing *routing;
	int ret;

	if (!vm || (count && !entries))
		return -EINVAL;
	if (count > ROUTES_LIMIT)
		return -E2BIG;
	routing = calloc(1, sizeof(*routing) + count * sizeof(*entries));
	if (!routing)
		return -ENOMEM;
	routing->nr = count;
	if (count)
		memcpy(routing->entries, entries, count * sizeof(*entries));
	ret = kvmx_ioctl(vm->fd, KVMX_SET_GSI_ROUTING, routing);
	free(routing);
	return ret;
}

int kvmx_vm_signal_msi(struct kvmx_vm *vm, uint64_t address, uint32_t data)
{
	struct kvmx_msi msi = {
		.address_lo = (uint32_t)address,
		.address_hi = (uint32_t)(address >> 32),
		.data = data,
	};

	return vm ? kvmx_ioctl(vm->fd, KVMX_SIGNAL_MSI, &msi) : -EINVAL;
}

int kvmx_vm_create_device(struct kvmx_vm *vm, uint32_t type, uint32_t flags)
{
	struct kvmx_create_device device = { .type = type, .flags = flags };
	int ret;

	if (!vm)
		return -EINVAL;
	ret = kvmx_ioctl(vm->fd, KVMX_CREATE_DEVICE, &device);
	return ret < 0 ? ret : (int)device.fd;
}

#if defined(__x86_64__)
int kvmx_vm_create_pit(struct kvmx_vm *vm, uint32_t flags)
{
	struct kvmx_pit_config config = { .flags = flags };

	return vm ? kvmx_ioctl(vm->fd, KVMX_CREATE_PIT2, &config) : -EINVAL;
}

int kvmx_vm_set_tss_addr(struct kvmx_vm *vm, uint64_t address)
{
	if (!vm)
		return -EINVAL;
	return kvmx_ioctl(vm->fd, KVMX_SET_TSS_ADDR, (void *)(uintptr_t)address);
}

int kvmx_vm_set_identity_map_addr(struct kvmx_vm *vm, uint64_t address)
{
	__u64 value = address;

	return vm ? kvmx_ioctl(vm->fd, KVMX_SET_IDENTITY_MAP_ADDR, &value) :
		    -EINVAL;
}
#endif
