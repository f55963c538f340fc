// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The device: opening it, what it offers, and the lists it hands out before a
 * VM exists. Called by users of libkvmx.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

/* Longest list of CPUID leaves or MSRs the library asks for. */
#define LIST_LIMIT 4096u

/*
 * Copies a configuration structure that starts with its size. A caller built
 * against an older header has a shorter one, against a newer one a longer one.
 */
int kvmx_config_copy(void *to, size_t to_size, const void *from)
{
	size_t size;

	if (!from)
		return -EINVAL;
	memcpy(&size, from, sizeof(size));
	if (size < sizeof(size))
		return -EINVAL;
	for (size_t i = to_size; i < size; i++)
		if (((const unsigned char *)from)[i])
			return -E2BIG;
	memset(to, 0, to_size);
	memcpy(to, from, size < to_size ? size : to_size);
	return 0;
}

int kvmx_open(const char *path, struct kvmx **out)
{
	struct kvmx *kvmx;
	int ret;

	if (!out)
		return -EINVAL;
	kvmx = calloc(1, sizeof(*kvmx));
	if (!kvmx)
		return -ENOMEM;
	kvmx->fd = open(path ? path : KVMX_DEFAULT_DEVICE, O_RDWR | O_CLOEXEC);
	if (kvmx->fd < 0) {
		ret = -errno;
		goto free;
	}
	ret = kvmx_ioctl(kvmx->fd, KVMX_GET_API_VERSION, NULL);
	if (ret < 0)
		goto close;
	kvmx->api_version = ret;
	if (ret != KVMX_REQUIRED_API_VERSION) {
		ret = -EPROTONOSUPPORT;
		goto close;
	}
	ret = kvmx_ioctl(kvmx->fd, KVMX_GET_VCPU_MMAP_SIZE, NULL);
	if (ret < 0)
		goto close;
	if ((size_t)ret < sizeof(struct kvmx_run)) {
		ret = -EPROTONOSUPPORT;
		goto close;
	}
	kvmx->run_size = ret;
	*out = kvmx;
	return 0;

close:
	close(kvmx->fd);
free:
	free(kvmx);
	return ret;
}

void kvmx_close(struct kvmx *kvmx)
{
	if (!kvmx)
		return;
	close(kvmx->fd);
	free(kvmx);
}

int kvmx_fd(const struct kvmx *kvmx)
{
	return kvmx ? kvmx->fd : -EINVAL;
}

int kvmx_api_version(const struct kvmx *kvmx)
{
	return kvmx ? kvmx->api_version : -EINVAL;
}

int kvmx_check_extension(const struct kvmx *kvmx, unsigned int capability)
{
	if (!kvmx)
		return -EINVAL;
	return kvmx_ioctl(kvmx->fd, KVMX_CHECK_EXTENSION,
			  (void *)(uintptr_t)capability);
}

#if defined(__x86_64__)
int kvmx_cpuid_list(int fd, unsigned long request, struct kvmx_cpuid2 **out)
{
	for (uint32_t nent = 128; nent <= LIST_LIMIT; nent *= 2) {
		struct kvmx_cpuid2 *cpuid;
		int ret;

		cpuid = calloc(1, sizeof(*cpuid) + nent * sizeof(cpuid->entries[0]));
		if (!cpuid)
			return -ENOMEM;
		cpuid->nent = nent;
		ret = kvmx_ioctl(fd, request, cpuid);
		if (!ret && cpuid->nent <= nent) {
			*out = cpuid;
			return 0;
		}
		free(cpuid);
		if (ret != -E2BIG)
			return ret ? ret : -EPROTO;
	}
	return -E2BIG;
}

int kvmx_supported_cpuid(const struct kvmx *kvmx, struct kvmx_cpuid2 **out)
{
	if (!kvmx || !out)
		return -EINVAL;
	return kvmx_cpuid_list(kvmx->fd, KVMX_GET_SUPPORTED_CPUID, out);
}

int kvmx_msr_index_list(const struct kvmx *kvmx, struct kvmx_msr_list **out)
{
	struct kvmx_msr_list probe = { .nmsrs = 0 };
	struct kvmx_msr_list *list;
	uint32_t n;
	int ret;

	if (!kvmx || !out)
		return -EINVAL;
	/* With no room the kernel answers E2BIG and the number it has. */
	ret = kvmx_ioctl(kvmx->fd, KVMX_GET_MSR_INDEX_LIST, &probe);
	if (ret && ret != -E2BIG)
		return ret;
	n = probe.nmsrs;
	if (n > LIST_LIMIT)
		return -E2BIG;
	list = calloc(1, sizeof(*list) + n * sizeof(list->indices[0]));
	if (!list)
		return -ENOMEM;
	list->nmsrs = n;
	ret = kvmx_ioctl(kvmx->fd, KVMX_GET_MSR_INDEX_LIST, list);
	if (ret || list->nmsrs > n) {
		free(list);
		return ret ? ret : -EPROTO;
	}
	*out = list;
	return 0;
}
#endif
