/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the door (module, ioctl table, VM and vCPU objects, unit,
 * statistics) know of each other and nobody else needs.
 */
#ifndef KVMX_DOOR_H
#define KVMX_DOOR_H

#include <kvmx/ioctl.h>

/* One room's rows. */
struct kvmx_ioctl_set {
	const struct kvmx_ioctl *rows;
	unsigned int nr;
};

/* Merges the sets; a row of an earlier set wins over its like in a later one. */
int kvmx_ioctl_init(const struct kvmx_ioctl_set *sets, unsigned int nr);
void kvmx_ioctl_exit(void);
/* -EIO unless the caller lives in the VM's address space and the VM is alive. */
static inline int kvmx_ioctl_check_vm(const struct kvmx_vm *vm)
{
	return current->mm == vm->mm && !READ_ONCE(vm->dead) ? 0 : -EIO;
}

extern const struct kvmx_ioctl kvmx_system_ioctls[];
extern const unsigned int kvmx_system_nr_ioctls;
extern const struct kvmx_ioctl kvmx_vm_ioctls[];
extern const unsigned int kvmx_vm_nr_ioctls;
extern const struct kvmx_ioctl kvmx_vcpu_ioctls[];
extern const unsigned int kvmx_vcpu_nr_ioctls;

/* system.c */
long kvmx_check_extension(struct kvmx_vm *vm, unsigned long cap);

/* vm.c: a new VM's file descriptor, or -errno. */
int kvmx_vm_create(unsigned long type);
/* The machine goes down: every VM refuses to run. */
void kvmx_vm_kill_all(void);

/* vcpu.c */
/* struct kvmx_run, port I/O data where the CPU has ports, coalesced writes */
#define KVMX_VCPU_MMAP_PAGES	(KVMX_COALESCED_MMIO_PAGE_OFFSET + 1)
#define KVMX_HAS_PIO_PAGE	(KVMX_COALESCED_MMIO_PAGE_OFFSET > 1)

int kvmx_vcpus_init(void);
void kvmx_vcpus_exit(void);
/* A new vCPU's file descriptor, or -errno; under vm->lock. */
int kvmx_vcpu_create(struct kvmx_vm *vm, unsigned long id);
void kvmx_vcpu_destroy(struct kvmx_vcpu *vcpu);

/* unit.c: the first get enables every CPU's virtualization unit, the last put gives it back. */
int kvmx_unit_get(void);
bool kvmx_unit_is_down(void);	/* the machine goes down: a VM that is made now must not run */
void kvmx_unit_put(void);

#endif
