/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkvmx: virtual machines through /dev/kvmx (or any device that speaks the
 * same ABI, such as /dev/kvm).
 *
 * Conventions, for every function here:
 * - A function that can fail returns 0 or a positive result, or a negative
 *   errno value. -EINVAL is also the answer to a null handle or null pointer
 *   where one is required.
 * - Handles are opaque. Whoever created a handle closes it; close functions
 *   accept NULL. A child (VM of a device, vCPU of a VM) is closed before its
 *   parent.
 * - A configuration structure starts with its own size, so that it can grow:
 *   zero it, then set .size = sizeof(it). Fields a caller's older size does not
 *   hold read as zero. A size larger than the library's is accepted as long as
 *   the part the library does not know is zero, else -E2BIG.
 * - Different handles may be used from different threads at once. The functions
 *   on a VM may be called from any thread at any time; so may
 *   kvmx_vcpu_kick(). Every other function on a vCPU belongs to the thread
 *   that runs it.
 * - The library keeps no global state, prints nothing and never ends the
 *   process.
 *
 * "ABI:" names the ioctl that a function rests on, with its structure, in
 * <linux/kvmx.h>; its behaviour is that of the ioctl of the same number in the
 * kernel's Documentation/virt/kvm/api.rst. Errors listed are the common ones;
 * any errno of that ioctl can come back.
 */
#ifndef KVMX_H
#define KVMX_H

#include <stddef.h>
#include <stdint.h>
#include <linux/kvmx.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Device that kvmx_open() takes when it is given no path. */
#define KVMX_DEFAULT_DEVICE "/dev/kvmx"

/** API version that kvmx_open() demands. */
#define KVMX_REQUIRED_API_VERSION 12

struct kvmx;		/* an open device */
struct kvmx_vm;		/* a virtual machine */
struct kvmx_vcpu;	/* one virtual CPU of it */
struct kvmx_stats;	/* a reader of statistics */

/* ---- Device --------------------------------------------------------- */

/**
 * kvmx_open() - open a virtualization device.
 * @path: device node, or NULL for KVMX_DEFAULT_DEVICE.
 * @out:  receives the handle; close it with kvmx_close().
 *
 * Return: 0; -ENOENT (module not loaded), -EACCES (no permission on the node),
 * -ENOTTY (not such a device), -EPROTONOSUPPORT (another API version), -ENOMEM.
 * ABI: KVMX_GET_API_VERSION, KVMX_GET_VCPU_MMAP_SIZE.
 */
int kvmx_open(const char *path, struct kvmx **out);

/** kvmx_close() - close a device. VMs created from it live on. */
void kvmx_close(struct kvmx *kvmx);

/** kvmx_fd() - the device's file descriptor; it stays the library's. */
int kvmx_fd(const struct kvmx *kvmx);

/** kvmx_api_version() - API version, 12. ABI: KVMX_GET_API_VERSION. */
int kvmx_api_version(const struct kvmx *kvmx);

/**
 * kvmx_check_extension() - what the device offers of one KVMX_CAP_*.
 *
 * Return: 0 when it is not offered, else a positive value whose meaning
 * depends on the capability. ABI: KVMX_CHECK_EXTENSION.
 */
int kvmx_check_extension(const struct kvmx *kvmx, unsigned int capability);

#if defined(__x86_64__)
/**
 * kvmx_supported_cpuid() - the CPUID leaves a vCPU can be given.
 * @out: receives a structure with .nent entries; release it with free().
 *
 * Return: 0; -ENOMEM; -E2BIG when the list is unreasonably long.
 * ABI: KVMX_GET_SUPPORTED_CPUID.
 */
int kvmx_supported_cpuid(const struct kvmx *kvmx, struct kvmx_cpuid2 **out);

/**
 * kvmx_msr_index_list() - the MSRs that make up a vCPU's state.
 * @out: receives a structure with .nmsrs indices; release it with free().
 *
 * Return: 0; -ENOMEM; -E2BIG. ABI: KVMX_GET_MSR_INDEX_LIST.
 */
int kvmx_msr_index_list(const struct kvmx *kvmx, struct kvmx_msr_list **out);
#endif

/* ---- Virtual machine ------------------------------------------------ */

/** What kvmx_vm_create() is told. */
struct kvmx_vm_config {
	size_t size;
	uint64_t type;		/* machine type, 0 on x86 */
};

/**
 * kvmx_vm_create() - create an empty virtual machine.
 * @config: NULL for the defaults.
 * @out:    receives the handle; close it with kvmx_vm_close().
 *
 * Return: 0; -EBUSY (another hypervisor holds the CPU's virtualization unit),
 * -ENODEV or -EOPNOTSUPP (the CPU has none, or firmware switched it off),
 * -ENOMEM, -E2BIG. ABI: KVMX_CREATE_VM.
 */
int kvmx_vm_create(struct kvmx *kvmx, const struct kvmx_vm_config *config,
		   struct kvmx_vm **out);

/**
 * kvmx_vm_close() - give up a VM and the guest memory the library allocated.
 *
 * Its vCPUs must have been closed.
 */
void kvmx_vm_close(struct kvmx_vm *vm);

/** kvmx_vm_fd() - the VM's file descriptor; it stays the library's. */
int kvmx_vm_fd(const struct kvmx_vm *vm);

/**
 * kvmx_vm_check_extension() - as kvmx_check_extension(), for this VM.
 *
 * Devices without a per-VM answer give the system-wide one.
 * ABI: KVMX_CHECK_EXTENSION on the VM.
 */
int kvmx_vm_check_extension(const struct kvmx_vm *vm, unsigned int capability);

/* ---- Guest memory --------------------------------------------------- */

/** One memory slot. Addresses and sizes in bytes, multiples of the page size. */
struct kvmx_memory_config {
	size_t size;
	uint32_t slot;		/* number; one already in use is -EEXIST */
	uint32_t flags;		/* KVMX_MEM_* */
	uint64_t guest_address;	/* guest-physical */
	uint64_t length;
	void *host;		/* caller's memory, or NULL: the library maps
				 * zeroed anonymous memory and owns it */
};

/**
 * kvmx_vm_memory_add() - give the guest a range of memory.
 * @host: NULL, or receives where the memory lies in this process. Memory the
 *        library mapped is valid until the slot is removed or the VM closed;
 *        a caller's own memory must stay mapped for as long.
 *
 * Return: 0; -EEXIST (slot in use, or guest range overlaps another),
 * -EINVAL (unaligned or empty range, unknown flag), -ENOMEM, -E2BIG.
 * ABI: KVMX_SET_USER_MEMORY_REGION.
 */
int kvmx_vm_memory_add(struct kvmx_vm *vm,
		       const struct kvmx_memory_config *config, void **host);

/**
 * kvmx_vm_memory_remove() - take a slot away from the guest.
 *
 * Return: 0; -ENOENT when the slot was not added through this handle.
 * ABI: KVMX_SET_USER_MEMORY_REGION with size 0.
 */
int kvmx_vm_memory_remove(struct kvmx_vm *vm, uint32_t slot);

/**
 * kvmx_vm_memory_dirty() - pages of a slot written since the last call.
 * @bitmap: one bit per page, lowest address first in bit 0 of the first word.
 * @words:  how many 64-bit words @bitmap holds.
 *
 * The slot needs KVMX_MEM_LOG_DIRTY_PAGES.
 * Return: 0; -ENOENT (no such slot), -ENOSPC (@bitmap too small).
 * ABI: KVMX_GET_DIRTY_LOG.
 */
int kvmx_vm_memory_dirty(struct kvmx_vm *vm, uint32_t slot, uint64_t *bitmap,
			 size_t words);

/* ---- Interrupts ----------------------------------------------------- */

/**
 * kvmx_vm_create_irqchip() - interrupt controllers in the kernel.
 *
 * On x86: PIC, I/O APIC and a local APIC for each vCPU. Comes before the first
 * vCPU. Return: 0; -EEXIST (has one already, or has vCPUs).
 * ABI: KVMX_CREATE_IRQCHIP.
 */
int kvmx_vm_create_irqchip(struct kvmx_vm *vm);

/**
 * kvmx_vm_irq_line() - set the level of an interrupt line.
 * @gsi:   line, as the GSI routing numbers it.
 * @level: nonzero for asserted.
 *
 * Return: 0; -ENXIO (no irqchip), -EINVAL. ABI: KVMX_IRQ_LINE.
 */
int kvmx_vm_irq_line(struct kvmx_vm *vm, uint32_t gsi, int level);

/**
 * kvmx_vm_irqfd_add() - let an eventfd raise an interrupt line.
 * @fd:          eventfd; it stays the caller's, and may be closed once the
 *               irqfd was removed.
 * @resample_fd: eventfd signalled when the guest ends a level-triggered
 *               interrupt, or -1 for an edge.
 *
 * Return: 0; -EBUSY (this eventfd is bound already), -EINVAL.
 * ABI: KVMX_IRQFD.
 */
int kvmx_vm_irqfd_add(struct kvmx_vm *vm, uint32_t gsi, int fd,
		      int resample_fd);

/** kvmx_vm_irqfd_remove() - undo kvmx_vm_irqfd_add(). ABI: KVMX_IRQFD. */
int kvmx_vm_irqfd_remove(struct kvmx_vm *vm, uint32_t gsi, int fd);

/** A guest's write that signals an eventfd instead of leaving to user space. */
struct kvmx_ioeventfd_config {
	size_t size;
	uint64_t address;	/* guest-physical, or a port number */
	uint32_t length;	/* bytes written: 0 (any), 1, 2, 4 or 8 */
	int fd;			/* eventfd; stays the caller's */
	int port;		/* nonzero: @address is an I/O port */
	int match;		/* nonzero: only when @value is written */
	uint64_t value;
};

/**
 * kvmx_vm_ioeventfd_add() - bind a guest's write to an eventfd.
 *
 * Return: 0; -EEXIST (such a binding exists), -EINVAL (length, or address
 * that wraps), -ENOSPC, -E2BIG. ABI: KVMX_IOEVENTFD.
 */
int kvmx_vm_ioeventfd_add(struct kvmx_vm *vm,
			  const struct kvmx_ioeventfd_config *config);

/** kvmx_vm_ioeventfd_remove() - undo it; the same @config. ABI: KVMX_IOEVENTFD. */
int kvmx_vm_ioeventfd_remove(struct kvmx_vm *vm,
			     const struct kvmx_ioeventfd_config *config);

/**
 * kvmx_vm_set_gsi_routing() - say where each GSI leads, replacing all routes.
 * @entries: @count routes, copied.
 *
 * Return: 0; -EINVAL; -ENOMEM; -E2BIG beyond KVMX_CAP_IRQ_ROUTING entries.
 * ABI: KVMX_SET_GSI_ROUTING.
 */
int kvmx_vm_set_gsi_routing(struct kvmx_vm *vm,
			    const struct kvmx_irq_routing_entry *entries,
			    uint32_t count);

/**
 * kvmx_vm_signal_msi() - deliver a message-signalled interrupt.
 *
 * Return: positive when a vCPU took it, 0 when the guest blocked it; -EINVAL.
 * ABI: KVMX_SIGNAL_MSI.
 */
int kvmx_vm_signal_msi(struct kvmx_vm *vm, uint64_t address, uint32_t data);

/**
 * kvmx_vm_create_device() - a device inside the kernel (arm64: the GIC).
 * @type: KVMX_DEV_TYPE_*.
 *
 * Return: a file descriptor the caller owns; -ENODEV (unknown type), -EEXIST.
 * ABI: KVMX_CREATE_DEVICE.
 */
int kvmx_vm_create_device(struct kvmx_vm *vm, uint32_t type, uint32_t flags);

#if defined(__x86_64__)
/**
 * kvmx_vm_create_pit() - an i8254 timer and port 0x61 in the kernel.
 * @flags: 0 or KVMX_PIT_SPEAKER_DUMMY (emulate port 0x61 as well).
 *
 * Needs the irqchip. Return: 0; -EEXIST; -ENXIO or -ENOENT (no irqchip).
 * ABI: KVMX_CREATE_PIT2.
 */
int kvmx_vm_create_pit(struct kvmx_vm *vm, uint32_t flags);

/**
 * kvmx_vm_set_tss_addr() - three guest-physical pages, below 4 GiB and not
 * memory, that Intel CPUs may need for real mode. Before the first vCPU.
 *
 * Return: 0; -EINVAL. ABI: KVMX_SET_TSS_ADDR.
 */
int kvmx_vm_set_tss_addr(struct kvmx_vm *vm, uint64_t address);

/**
 * kvmx_vm_set_identity_map_addr() - one more such page, for the identity map.
 *
 * Return: 0; -EINVAL (a vCPU exists). ABI: KVMX_SET_IDENTITY_MAP_ADDR.
 */
int kvmx_vm_set_identity_map_addr(struct kvmx_vm *vm, uint64_t address);
#endif

/* ---- vCPU ----------------------------------------------------------- */

/** What kvmx_vcpu_create() is told. */
struct kvmx_vcpu_config {
	size_t size;
	uint32_t id;		/* on x86 also its APIC id */
	int kick_signal;	/* signal kvmx_vcpu_kick() sends, or 0: none is
				 * sent, and a kick is seen at the next exit */
};

/**
 * kvmx_vcpu_create() - add a CPU to a VM.
 *
 * With a @kick_signal the caller installs a handler for it (an empty one will
 * do, without SA_RESTART) and leaves it unblocked in the thread that runs the
 * vCPU. Return: 0; -EEXIST (id in use), -EINVAL (id too large), -ENOMEM,
 * -E2BIG. ABI: KVMX_CREATE_VCPU.
 */
int kvmx_vcpu_create(struct kvmx_vm *vm, const struct kvmx_vcpu_config *config,
		     struct kvmx_vcpu **out);

/** kvmx_vcpu_close() - remove the handle; it must not be running. */
void kvmx_vcpu_close(struct kvmx_vcpu *vcpu);

/** kvmx_vcpu_fd() - the vCPU's file descriptor; it stays the library's. */
int kvmx_vcpu_fd(const struct kvmx_vcpu *vcpu);

/** kvmx_vcpu_id() - the id it was created with. */
uint32_t kvmx_vcpu_id(const struct kvmx_vcpu *vcpu);

/**
 * kvmx_vcpu_run() - run the guest until something needs user space.
 *
 * First finishes the last exit (a read's data are taken from the run page).
 * Return: 0, and the exit can be read with the functions below; -EINTR when a
 * signal or kvmx_vcpu_kick() ended it (each kick ends at least one call);
 * -EAGAIN (an application processor was not started yet: call again);
 * -EFAULT (guest memory is not accessible), -EBADF.
 * ABI: KVMX_RUN.
 */
int kvmx_vcpu_run(struct kvmx_vcpu *vcpu);

/**
 * kvmx_vcpu_kick() - make kvmx_vcpu_run() return -EINTR, soon.
 *
 * Any thread may call it, and it is async-signal-safe. A kick that arrives
 * while the vCPU does not run ends its next run at once.
 * Return: 0. ABI: kvmx_run.immediate_exit.
 */
int kvmx_vcpu_kick(struct kvmx_vcpu *vcpu);

/**
 * kvmx_vcpu_run_page() - the page shared with the kernel.
 *
 * Valid until the vCPU is closed. The functions below read it; it is here for
 * exits they do not cover. ABI: struct kvmx_run.
 */
struct kvmx_run *kvmx_vcpu_run_page(struct kvmx_vcpu *vcpu);

/** kvmx_vcpu_exit_reason() - KVMX_EXIT_* of the last run. */
uint32_t kvmx_vcpu_exit_reason(const struct kvmx_vcpu *vcpu);

/** kvmx_exit_name() - "IO" for KVMX_EXIT_IO, ...; never NULL. */
const char *kvmx_exit_name(uint32_t reason);

/** A port access: @count items of @item_size bytes, at @data one after another. */
struct kvmx_exit_io {
	uint16_t port;
	uint8_t is_write;
	uint8_t item_size;	/* 1, 2 or 4 */
	uint32_t count;
	void *data;		/* in the run page; fill it in for a read */
};

/**
 * kvmx_vcpu_exit_io() - decode KVMX_EXIT_IO.
 *
 * Return: 0; -ENODATA (the last exit was another), -EPROTO (the run page says
 * something impossible).
 */
int kvmx_vcpu_exit_io(struct kvmx_vcpu *vcpu, struct kvmx_exit_io *out);

/** A memory access that hit no slot. */
struct kvmx_exit_mmio {
	uint64_t address;	/* guest-physical */
	uint8_t is_write;
	uint8_t length;		/* 1 to 8 bytes */
	void *data;		/* in the run page; fill it in for a read */
};

/** kvmx_vcpu_exit_mmio() - decode KVMX_EXIT_MMIO; errors as above. */
int kvmx_vcpu_exit_mmio(struct kvmx_vcpu *vcpu, struct kvmx_exit_mmio *out);

/** The guest asked for something about the whole machine. */
struct kvmx_exit_system_event {
	uint32_t type;		/* KVMX_SYSTEM_EVENT_* */
	uint32_t ndata;		/* valid entries of @data */
	uint64_t data[16];
};

/** kvmx_vcpu_exit_system_event() - decode KVMX_EXIT_SYSTEM_EVENT. */
int kvmx_vcpu_exit_system_event(struct kvmx_vcpu *vcpu,
				struct kvmx_exit_system_event *out);

/** The kernel could not go on, or the CPU refused to enter the guest. */
struct kvmx_exit_error {
	uint64_t code;		/* suberror, or the CPU's entry failure reason */
	uint32_t ndata;		/* valid entries of @data */
	uint64_t data[16];
};

/** kvmx_vcpu_exit_error() - decode KVMX_EXIT_INTERNAL_ERROR or _FAIL_ENTRY. */
int kvmx_vcpu_exit_error(struct kvmx_vcpu *vcpu, struct kvmx_exit_error *out);

/* ---- vCPU state ----------------------------------------------------- */

/*
 * Each pair reads or writes one group of registers; the structure belongs to
 * the caller and is copied. Return: 0; -EINVAL (a value the CPU cannot hold).
 */

/** ABI: KVMX_GET_MP_STATE, KVMX_SET_MP_STATE. */
int kvmx_vcpu_get_mp_state(struct kvmx_vcpu *vcpu, struct kvmx_mp_state *state);
int kvmx_vcpu_set_mp_state(struct kvmx_vcpu *vcpu,
			   const struct kvmx_mp_state *state);

/**
 * One register by its KVMX_REG_* id; @value points at as many bytes as the id
 * says. -ENOENT: no such register. ABI: KVMX_GET_ONE_REG, KVMX_SET_ONE_REG.
 */
int kvmx_vcpu_get_one_reg(struct kvmx_vcpu *vcpu, uint64_t id, void *value);
int kvmx_vcpu_set_one_reg(struct kvmx_vcpu *vcpu, uint64_t id,
			  const void *value);

#if defined(__x86_64__)
/** ABI: KVMX_GET_REGS, KVMX_SET_REGS. */
int kvmx_vcpu_get_regs(struct kvmx_vcpu *vcpu, struct kvmx_regs *regs);
int kvmx_vcpu_set_regs(struct kvmx_vcpu *vcpu, const struct kvmx_regs *regs);

/** ABI: KVMX_GET_SREGS, KVMX_SET_SREGS. */
int kvmx_vcpu_get_sregs(struct kvmx_vcpu *vcpu, struct kvmx_sregs *sregs);
int kvmx_vcpu_set_sregs(struct kvmx_vcpu *vcpu, const struct kvmx_sregs *sregs);

/** ABI: KVMX_GET_FPU, KVMX_SET_FPU. */
int kvmx_vcpu_get_fpu(struct kvmx_vcpu *vcpu, struct kvmx_fpu *fpu);
int kvmx_vcpu_set_fpu(struct kvmx_vcpu *vcpu, const struct kvmx_fpu *fpu);

/** ABI: KVMX_GET_LAPIC, KVMX_SET_LAPIC. */
int kvmx_vcpu_get_lapic(struct kvmx_vcpu *vcpu, struct kvmx_lapic_state *lapic);
int kvmx_vcpu_set_lapic(struct kvmx_vcpu *vcpu,
			const struct kvmx_lapic_state *lapic);

/**
 * kvmx_vcpu_get_msrs(), kvmx_vcpu_set_msrs() - model-specific registers.
 * @entries: @count of them; .index says which.
 *
 * Return: how many were read or written, fewer than @count when one was
 * refused; -ENOMEM, -E2BIG (more than 1024). ABI: KVMX_GET_MSRS, KVMX_SET_MSRS.
 */
int kvmx_vcpu_get_msrs(struct kvmx_vcpu *vcpu, struct kvmx_msr_entry *entries,
		       uint32_t count);
int kvmx_vcpu_set_msrs(struct kvmx_vcpu *vcpu,
		       const struct kvmx_msr_entry *entries, uint32_t count);

/**
 * kvmx_vcpu_set_cpuid() - what the guest's CPUID instruction answers.
 * @cpuid: as kvmx_supported_cpuid() gave it, perhaps changed; copied.
 *
 * Before the first run. Return: 0; -E2BIG; -EINVAL. ABI: KVMX_SET_CPUID2.
 */
int kvmx_vcpu_set_cpuid(struct kvmx_vcpu *vcpu, const struct kvmx_cpuid2 *cpuid);

/**
 * kvmx_vcpu_get_cpuid() - what it answers now.
 * @out: receives a structure; release it with free(). ABI: KVMX_GET_CPUID2.
 */
int kvmx_vcpu_get_cpuid(struct kvmx_vcpu *vcpu, struct kvmx_cpuid2 **out);
#endif

/* ---- Statistics ----------------------------------------------------- */

/**
 * kvmx_vm_stats_fd(), kvmx_vcpu_stats_fd() - the binary statistics file.
 * kvmx_stats_fd() - the same, of a VM or vCPU whose descriptor is @fd.
 *
 * kvmx shows statistics to whoever holds the descriptor, also in a process other
 * than the VM's; in-tree KVM answers -EIO there.
 *
 * Return: a file descriptor the caller owns; -ENOTTY when the device has no
 * statistics. ABI: KVMX_GET_STATS_FD.
 */
int kvmx_vm_stats_fd(struct kvmx_vm *vm);
int kvmx_vcpu_stats_fd(struct kvmx_vcpu *vcpu);
int kvmx_stats_fd(int fd);

/**
 * kvmx_stats_open() - read the description of a statistics file.
 * @fd:  as above; it stays the caller's and open until kvmx_stats_close().
 * @out: receives the reader; close it with kvmx_stats_close().
 *
 * Return: 0; -EPROTO (not a statistics file), -ENOMEM, -EIO.
 * ABI: struct kvmx_stats_header, struct kvmx_stats_desc.
 */
int kvmx_stats_open(int fd, struct kvmx_stats **out);

/** kvmx_stats_close() - release a reader. */
void kvmx_stats_close(struct kvmx_stats *stats);

/**
 * kvmx_stats_id() - whose statistics they are.
 *
 * Return: the file's id string, valid until the reader is closed. Of kvmx:
 * "kvmx-PID-NUMBER" for a VM, the same with "/vcpu-ID" for a vCPU; no two VMs
 * have the same while the module is loaded.
 */
const char *kvmx_stats_id(const struct kvmx_stats *stats);

/** kvmx_stats_count() - how many statistics there are. */
uint32_t kvmx_stats_count(const struct kvmx_stats *stats);

/** kvmx_stats_refresh() - read all values anew. Return: 0; -EIO. */
int kvmx_stats_refresh(struct kvmx_stats *stats);

/** One statistic. Pointers are valid until the reader is closed. */
struct kvmx_stat {
	const char *name;
	uint32_t flags;		/* KVMX_STATS_TYPE_*, _UNIT_*, _BASE_* */
	int16_t exponent;	/* of the base: value * base^exponent units */
	uint16_t count;		/* values; above 1 for a histogram */
	const uint64_t *values;	/* as of the last kvmx_stats_refresh() */
};

/** kvmx_stats_get() - the @index-th statistic. Return: 0; -ERANGE. */
int kvmx_stats_get(const struct kvmx_stats *stats, uint32_t index,
		   struct kvmx_stat *out);

#ifdef __cplusplus
}
#endif

#endif /* KVMX_H */
