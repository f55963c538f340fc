// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The virtual machine and its memory slots. Called by users of libkvmx; the
 * other files reach the VM through its descriptor.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "internal.h"

#define LARGE_PAGE (UINT64_C(2) << 20)

int kvmx_vm_create(struct kvmx *kvmx, const struct kvmx_vm_config *config,
		   struct kvmx_vm **out)
{
	struct kvmx_vm_config c = { 0 };
	struct kvmx_vm *vm;
	int ret;

	if (!kvmx || !out)
		return -EINVAL;
	if (config) {
		ret = kvmx_config_copy(&c, sizeof(c), config);
		if (ret)
			return ret;
	}
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	pthread_mutex_init(&vm->lock, NULL);
	vm->run_size = kvmx->run_size;
	vm->sys_fd = fcntl(kvmx->fd, F_DUPFD_CLOEXEC, 0);
	if (vm->sys_fd < 0) {
		ret = -errno;
		goto free;
	}
	vm->fd = kvmx_ioctl(kvmx->fd, KVMX_CREATE_VM, (void *)(uintptr_t)c.type);
	if (vm->fd < 0) {
		ret = vm->fd;
		goto close;
	}
	vm->check_on_vm = kvmx_check_extension(kvmx,
					KVMX_CAP_CHECK_EXTENSION_VM) > 0;
	*out = vm;
	return 0;

close:
	close(vm->sys_fd);
free:
	pthread_mutex_destroy(&vm->lock);
	free(vm);
	return ret;
}

void kvmx_vm_close(struct kvmx_vm *vm)
{
	if (!vm)
		return;
	close(vm->fd);
	close(vm->sys_fd);
	for (size_t i = 0; i < vm->nslots; i++)
		if (vm->slots[i].owned)
			munmap(vm->slots[i].host, vm->slots[i].length);
	free(vm->slots);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

int kvmx_vm_fd(const struct kvmx_vm *vm)
{
	return vm ? vm->fd : -EINVAL;
}

int kvmx_vm_check_extension(const struct kvmx_vm *vm, unsigned int capability)
{
	if (!vm)
		return -EINVAL;
	return kvmx_ioctl(vm->check_on_vm ? vm->fd : vm->sys_fd,
			  KVMX_CHECK_EXTENSION, (void *)(uintptr_t)capability);
}

static struct kvmx_slot *slot_find(struct kvmx_vm *vm, uint32_t slot)
{
	for (size_t i = 0; i < vm->nslots; i++)
		if (vm->slots[i].slot == slot)
			return &vm->slots[i];
	return NULL;
}

static int slot_set(struct kvmx_vm *vm, const struct kvmx_slot *s, uint32_t flags,
		    uint64_t length)
{
	struct kvmx_userspace_memory_region region = {
		.slot = s->slot,
		.flags = flags,
		.guest_phys_addr = s->guest_address,
		.memory_size = length,
		.userspace_addr = (uintptr_t)s->host,
	};

	return kvmx_ioctl(vm->fd, KVMX_SET_USER_MEMORY_REGION, &region);
}

/*
 * Anonymous memory whose address equals the guest's modulo 2 MiB, so that host
 * and stage 2 can use large pages.
 */
static void *memory_map(uint64_t length, uint64_t guest_address)
{
	uint64_t skip, total = length + LARGE_PAGE;
	uint8_t *p;

	if (total < length || total > SIZE_MAX)
		return NULL;
	p = mmap(NULL, total, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	skip = (guest_address - (uintptr_t)p) % LARGE_PAGE;
	if (skip)
		munmap(p, skip);
	munmap(p + skip + length, LARGE_PAGE - skip);
	return p + skip;
}

static int slot_add(struct kvmx_vm *vm, const struct kvmx_memory_config *c,
		    void **host)
{
	struct kvmx_slot s = {
		.slot = c->slot,
		.guest_address = c->guest_address,
		.length = c->length,
		.host = c->host,
		.owned = !c->host,
	};
	struct kvmx_slot *slots;
	int ret;

	if (slot_find(vm, s.slot))
		return -EEXIST;
	slots = realloc(vm->slots, (vm->nslots + 1) * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	vm->slots = slots;
	if (s.owned) {
		s.host = memory_map(s.length, s.guest_address);
		if (!s.host)
			return -ENOMEM;
	}
	ret = slot_set(vm, &s, c->flags, s.length);
	if (ret) {
		if (s.owned)
			munmap(s.host, s.length);
		return ret;
	}
	vm->slots[vm->nslots++] = s;
	if (host)
		*host = s.host;
	return 0;
}

int kvmx_vm_memory_add(struct kvmx_vm *vm,
		       const struct kvmx_memory_config *config, void **host)
{
	struct kvmx_memory_config c;
	uint64_t page;
	int ret;

	if (!vm)
		return -EINVAL;
	ret = kvmx_config_copy(&c, sizeof(c), config);
	if (ret)
		return ret;
	page = sysconf(_SC_PAGESIZE);
	if (!c.length || (c.length | c.guest_address) % page)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	ret = slot_add(vm, &c, host);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int kvmx_vm_memory_remove(struct kvmx_vm *vm, uint32_t slot)
{
	struct kvmx_slot *s;
	int ret = -ENOENT;

	if (!vm)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	s = slot_find(vm, slot);
	if (s) {
		ret = slot_set(vm, s, 0, 0);
		if (!ret) {
			if (s->owned)
				munmap(s->host, s->length);
			*s = vm->slots[--vm->nslots];
		}
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int kvmx_vm_memory_dirty(struct kvmx_vm *vm, uint32_t slot, uint64_t *bitmap,
			 size_t words)
{
	struct kvmx_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };
	uint64_t page = sysconf(_SC_PAGESIZE);
	struct kvmx_slot *s;
	int ret;

	if (!vm || !bitmap)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	s = slot_find(vm, slot);
	if (!s)
		ret = -ENOENT;
	else if (words < (s->length / page + 63) / 64)
		ret = -ENOSPC;
	else
		ret = kvmx_ioctl(vm->fd, KVMX_GET_DIRTY_LOG, &log);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}
