// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Binary statistics: a header, a block of descriptors and a block of 64-bit
 * values in one file, turned into names with values. Called by users of
 * libkvmx.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

#define DESC_LIMIT 4096u	/* statistics in a file */
#define NAME_LIMIT 256u		/* bytes of a name */
#define DATA_LIMIT (1u << 20)	/* bytes of values */

struct kvmx_stats {
	int fd;
	uint32_t count;
	uint32_t desc_size;	/* of one descriptor with its name */
	uint32_t data_offset;
	uint32_t data_size;	/* bytes of values */
	char *id;
	unsigned char *desc;
	uint64_t *data;
};

static int read_all(int fd, void *buf, size_t len, off_t offset)
{
	unsigned char *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		p += n;
		offset += n;
		len -= n;
	}
	return 0;
}

/* The descriptor's fixed part; names follow it, so it may lie unaligned. */
static void desc_load(const struct kvmx_stats *s, uint32_t i,
		      struct kvmx_stats_desc *desc, const char **name)
{
	const unsigned char *p = s->desc + (size_t)i * s->desc_size;

	memcpy(desc, p, sizeof(*desc));
	*name = (const char *)p + sizeof(*desc);
}

/* Checks all descriptors once, and finds how far the values reach. */
static int desc_check(struct kvmx_stats *s)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		struct kvmx_stats_desc desc;
		const char *name;
		uint64_t last;

		desc_load(s, i, &desc, &name);
		last = desc.offset + (uint64_t)desc.size * sizeof(uint64_t);
		if (desc.offset % sizeof(uint64_t) || last > DATA_LIMIT ||
		    !memchr(name, 0, s->desc_size - sizeof(desc)))
			return -EPROTO;
		if (last > end)
			end = (uint32_t)last;
	}
	s->data_size = end;
	return 0;
}

int kvmx_stats_open(int fd, struct kvmx_stats **out)
{
	struct kvmx_stats_header header;
	struct kvmx_stats *s;
	int ret;

	if (!out || fd < 0)
		return -EINVAL;
	ret = read_all(fd, &header, sizeof(header), 0);
	if (ret)
		return ret;
	if (!header.name_size || header.name_size > NAME_LIMIT ||
	    header.num_desc > DESC_LIMIT)
		return -EPROTO;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->fd = fd;
	s->count = header.num_desc;
	s->desc_size = sizeof(struct kvmx_stats_desc) + header.name_size;
	s->data_offset = header.data_offset;
	ret = -ENOMEM;
	s->desc = calloc(s->count + 1, s->desc_size);
	s->id = calloc(1, header.name_size + 1);
	if (!s->desc || !s->id)
		goto fail;
	ret = read_all(fd, s->id, header.name_size, header.id_offset);
	if (ret)
		goto fail;
	ret = read_all(fd, s->desc, (size_t)s->count * s->desc_size,
		       header.desc_offset);
	if (!ret)
		ret = desc_check(s);
	if (ret)
		goto fail;
	ret = -ENOMEM;
	s->data = calloc(1, s->data_size + sizeof(uint64_t));
	if (!s->data)
		goto fail;
	ret = kvmx_stats_refresh(s);
	if (ret)
		goto fail;
	*out = s;
	return 0;

fail:
	kvmx_stats_close(s);
	return ret;
}

void kvmx_stats_close(struct kvmx_stats *stats)
{
	if (!stats)
		return;
	free(stats->id);
	free(stats->desc);
	free(stats->data);
	free(stats);
}

const char *kvmx_stats_id(const struct kvmx_stats *stats)
{
	return stats ? stats->id : NULL;
}

uint32_t kvmx_stats_count(const struct kvmx_stats *stats)
{
	return stats ? stats->count : 0;
}

int kvmx_stats_refresh(struct kvmx_stats *stats)
{
	if (!stats)
		return -EINVAL;
	return read_all(stats->fd, stats->data, stats->data_size,
			stats->data_offset);
}

int kvmx_stats_get(const struct kvmx_stats *stats, uint32_t index,
		   struct kvmx_stat *out)
{
	struct kvmx_stats_desc desc;

	if (!stats || !out)
		return -EINVAL;
	if (index >= stats->count)
		return -ERANGE;
	desc_load(stats, index, &desc, &out->name);
	out->flags = desc.flags;
	out->exponent = desc.exponent;
	out->count = desc.size;
	out->values = stats->data + desc.offset / sizeof(uint64_t);
	return 0;
}

int kvmx_stats_fd(int fd)
{
	return fd < 0 ? -EINVAL : kvmx_ioctl(fd, KVMX_GET_STATS_FD, NULL);
}

int kvmx_vm_stats_fd(struct kvmx_vm *vm)
{
	return vm ? kvmx_stats_fd(vm->fd) : -EINVAL;
}

int kvmx_vcpu_stats_fd(struct kvmx_vcpu *vcpu)
{
	return vcpu ? kvmx_stats_fd(vcpu->fd) : -EINVAL;
}
