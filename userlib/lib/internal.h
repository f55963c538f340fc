/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libkvmx share: the handles' contents, the ioctl wrapper and
 * the copy of a configuration structure whose size the caller states.
 */
#ifndef LIBKVMX_INTERNAL_H
#define LIBKVMX_INTERNAL_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <kvmx.h>

struct kvmx {
	int fd;
	int api_version;
	size_t run_size;	/* of a vCPU's shared pages */
};

struct kvmx_slot {
	uint32_t slot;
	uint64_t guest_address;
	uint64_t length;
	void *host;
	int owned;		/* the library mapped it */
};

struct kvmx_vm {
	int fd;
	int sys_fd;		/* own duplicate: the device may be closed first */
	size_t run_size;
	int check_on_vm;	/* KVMX_CHECK_EXTENSION works on the VM */
	pthread_mutex_t lock;	/* protects the slots */
	struct kvmx_slot *slots;
	size_t nslots;
};

struct kvmx_vcpu {
	int fd;
	uint32_t id;
	int kick_signal;
	struct kvmx_run *run;
	size_t run_size;
	_Atomic pid_t tid;	/* of the thread inside KVMX_RUN, or 0 */
};

/* ioctl() that answers a negative errno instead of setting the variable. */
static inline int kvmx_ioctl(int fd, unsigned long request, const void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int kvmx_config_copy(void *to, size_t to_size, const void *from);

#if defined(__x86_64__)
/* KVMX_GET_SUPPORTED_CPUID or KVMX_GET_CPUID2; the caller frees *@out. 0 or -errno. */
int kvmx_cpuid_list(int fd, unsigned long request, struct kvmx_cpuid2 **out);
#endif

#endif
