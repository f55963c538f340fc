/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device's side of a split virtqueue. All of it lies in guest memory, so
 * all of it is checked: a queue that lies is broken, and stays so until reset.
 */
#ifndef KVMX_VIRTQUEUE_H
#define KVMX_VIRTQUEUE_H

#include <stdbool.h>
#include <sys/uio.h>
#include "guest_ram.h"

#define QUEUE_SIZE_MAX	256u
#define CHAIN_MAX	130u	/* buffers in one request */

struct virtqueue {
	const struct guest_ram *ram;
	uint32_t size;		/* entries, a power of two */
	bool ready;
	bool broken;
	uint64_t desc_address, avail_address, used_address;
	uint8_t *desc, *avail, *used;	/* the same, once ready */
	uint16_t last_avail, used_index;
};

/* One request: what the device reads, then what it writes. */
struct chain {
	uint16_t head;
	unsigned int out_count, in_count;
	size_t out_bytes, in_bytes;
	struct iovec iov[CHAIN_MAX];	/* out_count, then in_count of them */
};

void virtqueue_reset(struct virtqueue *queue, const struct guest_ram *ram);
bool virtqueue_start(struct virtqueue *queue);
bool virtqueue_pop(struct virtqueue *queue, struct chain *chain);
void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written);
bool virtqueue_wants_interrupt(const struct virtqueue *queue);
void virtqueue_suppress_notify(struct virtqueue *queue, bool suppress);
bool virtqueue_has_more(const struct virtqueue *queue);

#endif
