/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory-mapped virtio transport, for a device with one queue.
 */
#ifndef KVMX_VIRTIO_MMIO_H
#define KVMX_VIRTIO_MMIO_H

#include <pthread.h>
#include <stdatomic.h>
#include "bus.h"
#include "virtqueue.h"

#define VIRTIO_CONFIG_SIZE	64u
#define VIRTIO_QUEUE_NOTIFY	0x050u

#define VIRTIO_FEATURE(bit)	(UINT64_C(1) << (bit))
#define VIRTIO_INDIRECT_DESC	VIRTIO_FEATURE(28)
#define VIRTIO_VERSION_1	VIRTIO_FEATURE(32)

struct virtio_mmio {
	/* set before the machine runs, then only read */
	const struct guest_ram *ram;
	uint32_t device_id;
	uint64_t offered;	/* features */
	uint8_t config[VIRTIO_CONFIG_SIZE];
	int notify_fd;		/* eventfd that says: look at the queue */
	void (*interrupt)(void *opaque);
	void *opaque;

	_Atomic uint32_t interrupt_status;	/* without the lock */

	pthread_mutex_t lock;	/* for what follows */
	uint64_t accepted;
	uint32_t offered_select, accepted_select, queue_select;
	uint32_t status;
	struct virtqueue queue;
};

extern const struct bus_device virtio_mmio_device;

void virtio_init(struct virtio_mmio *v, const struct guest_ram *ram);
void virtio_destroy(struct virtio_mmio *v);
bool virtio_running(const struct virtio_mmio *v);
void virtio_interrupt(struct virtio_mmio *v);
void virtio_break(struct virtio_mmio *v);

#endif
