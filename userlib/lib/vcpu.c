// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A vCPU: creating, running and kicking it, and reading why it stopped from
 * the pages shared with the kernel. Called by users of libkvmx.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "internal.h"

int kvmx_vcpu_create(struct kvmx_vm *vm, const struct kvmx_vcpu_config *config,
		     struct kvmx_vcpu **out)
{
	struct kvmx_vcpu_config c;
	struct kvmx_vcpu *vcpu;
	int ret;

	if (!vm || !out)
		return -EINVAL;
	ret = kvmx_config_copy(&c, sizeof(c), config);
	if (ret)
		return ret;
	vcpu = calloc(1, sizeof(*vcpu));
	if (!vcpu)
		return -ENOMEM;
	vcpu->id = c.id;
	vcpu->kick_signal = c.kick_signal;
	vcpu->run_size = vm->run_size;
	vcpu->fd = kvmx_ioctl(vm->fd, KVMX_CREATE_VCPU, (void *)(uintptr_t)c.id);
	if (vcpu->fd < 0) {
		ret = vcpu->fd;
		goto free;
	}
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		ret = -errno;
		goto close;
	}
	*out = vcpu;
	return 0;

close:
	close(vcpu->fd);
free:
	free(vcpu);
	return ret;
}

void kvmx_vcpu_close(struct kvmx_vcpu *vcpu)
{
	if (!vcpu)
		return;
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
	free(vcpu);
}

int kvmx_vcpu_fd(const struct kvmx_vcpu *vcpu)
{
	return vcpu ? vcpu->fd : -EINVAL;
}

uint32_t kvmx_vcpu_id(const struct kvmx_vcpu *vcpu)
{
	return vcpu ? vcpu->id : 0;
}

static void immediate_exit_set(struct kvmx_vcpu *vcpu, uint8_t value)
{
	__atomic_store_n(&vcpu->run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

/*
 * The flag is lowered when a run was interrupted, never before one: a kick that
 * comes between two runs is thus not lost.
 */
int kvmx_vcpu_run(struct kvmx_vcpu *vcpu)
{
	int ret;

	if (!vcpu)
		return -EINVAL;
	/* Only a kick by signal has to know. */
	if (vcpu->kick_signal)
		atomic_store(&vcpu->tid, (pid_t)syscall(SYS_gettid));
	ret = kvmx_ioctl(vcpu->fd, KVMX_RUN, NULL);
	if (vcpu->kick_signal)
		atomic_store(&vcpu->tid, 0);
	if (ret == -EINTR)
		immediate_exit_set(vcpu, 0);
	return ret < 0 ? ret : 0;
}

int kvmx_vcpu_kick(struct kvmx_vcpu *vcpu)
{
	pid_t tid;

	if (!vcpu)
		return -EINVAL;
	immediate_exit_set(vcpu, 1);
	tid = atomic_load(&vcpu->tid);
	if (tid && vcpu->kick_signal) {
		int saved = errno;

		/* The thread may have left and ended meanwhile: no error. */
		syscall(SYS_tgkill, getpid(), tid, vcpu->kick_signal);
		errno = saved;
	}
	return 0;
}

struct kvmx_run *kvmx_vcpu_run_page(struct kvmx_vcpu *vcpu)
{
	return vcpu ? vcpu->run : NULL;
}

uint32_t kvmx_vcpu_exit_reason(const struct kvmx_vcpu *vcpu)
{
	return vcpu ? vcpu->run->exit_reason : KVMX_EXIT_UNKNOWN;
}

const char *kvmx_exit_name(uint32_t reason)
{
	static const char *const names[] = {
		[KVMX_EXIT_UNKNOWN] = "UNKNOWN",
		[KVMX_EXIT_EXCEPTION] = "EXCEPTION",
		[KVMX_EXIT_IO] = "IO",
		[KVMX_EXIT_HYPERCALL] = "HYPERCALL",
		[KVMX_EXIT_DEBUG] = "DEBUG",
		[KVMX_EXIT_HLT] = "HLT",
		[KVMX_EXIT_MMIO] = "MMIO",
		[KVMX_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVMX_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVMX_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVMX_EXIT_INTR] = "INTR",
		[KVMX_EXIT_SET_TPR] = "SET_TPR",
		[KVMX_EXIT_TPR_ACCESS] = "TPR_ACCESS",
		[KVMX_EXIT_NMI] = "NMI",
		[KVMX_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVMX_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[KVMX_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
		[KVMX_EXIT_HYPERV] = "HYPERV",
		[KVMX_EXIT_ARM_NISV] = "ARM_NISV",
		[KVMX_EXIT_X86_RDMSR] = "X86_RDMSR",
		[KVMX_EXIT_X86_WRMSR] = "X86_WRMSR",
		[KVMX_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
		[KVMX_EXIT_AP_RESET_HOLD] = "AP_RESET_HOLD",
		[KVMX_EXIT_X86_BUS_LOCK] = "X86_BUS_LOCK",
		[KVMX_EXIT_XEN] = "XEN",
		[KVMX_EXIT_NOTIFY] = "NOTIFY",
		[KVMX_EXIT_MEMORY_FAULT] = "MEMORY_FAULT",
	};

	if (reason >= sizeof(names) / sizeof(names[0]) || !names[reason])
		return "(other)";
	return names[reason];
}

int kvmx_vcpu_exit_io(struct kvmx_vcpu *vcpu, struct kvmx_exit_io *out)
{
	struct kvmx_run *run;
	uint64_t offset, bytes;

	if (!vcpu || !out)
		return -EINVAL;
	run = vcpu->run;
	if (run->exit_reason != KVMX_EXIT_IO)
		return -ENODATA;
	offset = run->io.data_offset;
	bytes = (uint64_t)run->io.size * run->io.count;
	if ((run->io.size != 1 && run->io.size != 2 && run->io.size != 4) ||
	    offset > vcpu->run_size || bytes > vcpu->run_size - offset)
		return -EPROTO;
	out->port = run->io.port;
	out->is_write = run->io.direction == KVMX_EXIT_IO_OUT;
	out->item_size = run->io.size;
	out->count = run->io.count;
	out->data = (uint8_t *)run + offset;
	return 0;
}

int kvmx_vcpu_exit_mmio(struct kvmx_vcpu *vcpu, struct kvmx_exit_mmio *out)
{
	struct kvmx_run *run;

	if (!vcpu || !out)
		return -EINVAL;
	run = vcpu->run;
	if (run->exit_reason != KVMX_EXIT_MMIO)
		return -ENODATA;
	if (!run->mmio.len || run->mmio.len > sizeof(run->mmio.data))
		return -EPROTO;
	out->address = run->mmio.phys_addr;
	out->is_write = run->mmio.is_write;
	out->length = run->mmio.len;
	out->data = run->mmio.data;
	return 0;
}

int kvmx_vcpu_exit_system_event(struct kvmx_vcpu *vcpu,
				struct kvmx_exit_system_event *out)
{
	struct kvmx_run *run;

	if (!vcpu || !out)
		return -EINVAL;
	run = vcpu->run;
	if (run->exit_reason != KVMX_EXIT_SYSTEM_EVENT)
		return -ENODATA;
	memset(out, 0, sizeof(*out));
	out->type = run->system_event.type;
	out->ndata = run->system_event.ndata;
	if (out->ndata > 16)
		return -EPROTO;
	for (uint32_t i = 0; i < out->ndata; i++)
		out->data[i] = run->system_event.data[i];
	return 0;
}

int kvmx_vcpu_exit_error(struct kvmx_vcpu *vcpu, struct kvmx_exit_error *out)
{
	struct kvmx_run *run;

	if (!vcpu || !out)
		return -EINVAL;
	run = vcpu->run;
	memset(out, 0, sizeof(*out));
	if (run->exit_reason == KVMX_EXIT_FAIL_ENTRY) {
		out->code = run->fail_entry.hardware_entry_failure_reason;
		out->ndata = 1;
		out->data[0] = run->fail_entry.cpu;
		return 0;
	}
	if (run->exit_reason != KVMX_EXIT_INTERNAL_ERROR)
		return -ENODATA;
	out->code = run->internal.suberror;
	out->ndata = run->internal.ndata;
	if (out->ndata > 16)
		return -EPROTO;
	for (uint32_t i = 0; i < out->ndata; i++)
		out->data[i] = run->internal.data[i];
	return 0;
}
