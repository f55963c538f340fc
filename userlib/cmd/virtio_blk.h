/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A virtio disk on a raw file or block device.
 */
#ifndef KVMX_VIRTIO_BLK_H
#define KVMX_VIRTIO_BLK_H

#include "virtio_mmio.h"

struct virtio_blk {
	struct virtio_mmio virtio;
	int fd;
	bool read_only;
	uint64_t bytes;		/* a multiple of the sector size */
	char serial[20];
	struct chain chain;	/* I/O thread only */
};

int virtio_blk_open(const char *path, bool read_only, struct virtio_blk **out);
void virtio_blk_init(struct virtio_blk *blk, const struct guest_ram *ram,
		     unsigned int number);
void virtio_blk_close(struct virtio_blk *blk);
void virtio_blk_serve(struct virtio_blk *blk);

#endif
