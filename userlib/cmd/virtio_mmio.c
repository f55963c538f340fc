// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Registers of a virtio device in memory: negotiation, queue set-up and
 * interrupt status. Called by vCPU threads through the bus, and by the device
 * that it carries. Source: Virtio 1.2, section 4.2 "Virtio Over MMIO", and 2.1
 * "Device Status Field".
 */
#include <string.h>
#include <unistd.h>
#include "virtio_mmio.h"

enum {
	MAGIC = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	VENDOR_ID = 0x00c,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = VIRTIO_QUEUE_NOTIFY,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	STATUS = 0x070,
	QUEUE_DESC_LOW = 0x080,
	QUEUE_DESC_HIGH = 0x084,
	QUEUE_AVAIL_LOW = 0x090,
	QUEUE_AVAIL_HIGH = 0x094,
	QUEUE_USED_LOW = 0x0a0,
	QUEUE_USED_HIGH = 0x0a4,
	SHM_LEN_LOW = 0x0b0,
	SHM_LEN_HIGH = 0x0b4,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = 0x100,
};

#define MAGIC_VALUE	0x74726976u	/* "virt" */
#define VENDOR_VALUE	0x584d564bu	/* "KVMX" */
#define NO_SHM		0xffffffffu

#define INTERRUPT_QUEUE		1u
#define INTERRUPT_CONFIG	2u

#define STATUS_DRIVER_OK	0x04u
#define STATUS_FEATURES_OK	0x08u
#define STATUS_NEEDS_RESET	0x40u

void virtio_init(struct virtio_mmio *v, const struct guest_ram *ram)
{
	memset(v, 0, sizeof(*v));
	pthread_mutex_init(&v->lock, NULL);
	v->ram = ram;
	v->notify_fd = -1;
	v->offered = VIRTIO_VERSION_1 | VIRTIO_INDIRECT_DESC;
	virtqueue_reset(&v->queue, ram);
}

void virtio_destroy(struct virtio_mmio *v)
{
	pthread_mutex_destroy(&v->lock);
}

/* Whether the driver may expect its requests to be served. Locked. */
bool virtio_running(const struct virtio_mmio *v)
{
	return (v->status & STATUS_DRIVER_OK) &&
	       !(v->status & STATUS_NEEDS_RESET);
}

static void raise_interrupt(struct virtio_mmio *v, uint32_t cause)
{
	atomic_fetch_or(&v->interrupt_status, cause);
	v->interrupt(v->opaque);
}

void virtio_interrupt(struct virtio_mmio *v)
{
	raise_interrupt(v, INTERRUPT_QUEUE);
}

/* The driver broke the rules: nothing happens any more until it resets. */
void virtio_break(struct virtio_mmio *v)
{
	if (v->status & STATUS_NEEDS_RESET)
		return;
	v->status |= STATUS_NEEDS_RESET;
	raise_interrupt(v, INTERRUPT_CONFIG);
}

static uint64_t config_read(const struct virtio_mmio *v, uint64_t offset,
			    unsigned int length)
{
	uint64_t value = 0;

	if (offset < VIRTIO_CONFIG_SIZE && length <= VIRTIO_CONFIG_SIZE - offset)
		memcpy(&value, v->config + offset, length);
	return value;
}

static uint32_t half(uint64_t value, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(value >> (32 * select));
}

static uint32_t register_read(const struct virtio_mmio *v, uint64_t offset)
{
	switch (offset) {
	case MAGIC:
		return MAGIC_VALUE;
	case VERSION:
		return 2;
	case DEVICE_ID:
		return v->device_id;
	case VENDOR_ID:
		return VENDOR_VALUE;
	case DEVICE_FEATURES:
		return half(v->offered, v->offered_select);
	case QUEUE_NUM_MAX:
		return v->queue_select ? 0 : QUEUE_SIZE_MAX;
	case QUEUE_READY:
		return v->queue_select ? 0 : v->queue.ready;
	case STATUS:
		return v->status;
	case SHM_LEN_LOW:
	case SHM_LEN_HIGH:
		return NO_SHM;
	case CONFIG_GENERATION:
	default:
		return 0;
	}
}

static uint64_t virtio_read(void *opaque, uint64_t offset, unsigned int length)
{
	struct virtio_mmio *v = opaque;
	uint32_t value;

	if (offset >= CONFIG)
		return config_read(v, offset - CONFIG, length);
	if (length != 4)
		return 0;
	if (offset == INTERRUPT_STATUS)
		return atomic_load(&v->interrupt_status);
	pthread_mutex_lock(&v->lock);
	value = register_read(v, offset);
	pthread_mutex_unlock(&v->lock);
	return value;
}

static void address_write(uint64_t *address, bool high, uint32_t value)
{
	unsigned int shift = high ? 32 : 0;

	*address &= ~(UINT64_C(0xffffffff) << shift);
	*address |= (uint64_t)value << shift;
}

static void queue_write(struct virtio_mmio *v, uint64_t offset, uint32_t value)
{
	struct virtqueue *q = &v->queue;

	if (v->queue_select)
		return;
	if (offset == QUEUE_READY) {
		if (!value)
			virtqueue_reset(q, v->ram);
		else if (!q->ready && !virtqueue_start(q))
			virtio_break(v);
		return;
	}
	if (q->ready)
		return;
	switch (offset) {
	case QUEUE_NUM:
		q->size = value;
		break;
	case QUEUE_DESC_LOW:
	case QUEUE_DESC_HIGH:
		address_write(&q->desc_address, offset == QUEUE_DESC_HIGH, value);
		break;
	case QUEUE_AVAIL_LOW:
	case QUEUE_AVAIL_HIGH:
		address_write(&q->avail_address, offset == QUEUE_AVAIL_HIGH, value);
		break;
	case QUEUE_USED_LOW:
	case QUEUE_USED_HIGH:
		address_write(&q->used_address, offset == QUEUE_USED_HIGH, value);
		break;
	default:
		break;
	}
}

static void status_write(struct virtio_mmio *v, uint32_t value)
{
	if (!value) {
		v->status = 0;
		v->accepted = 0;
		v->queue_select = 0;
		atomic_store(&v->interrupt_status, 0);
		virtqueue_reset(&v->queue, v->ram);
		return;
	}
	/* Refusing FEATURES_OK is how a device refuses what was negotiated. */
	if ((value & STATUS_FEATURES_OK) && !(v->status & STATUS_FEATURES_OK) &&
	    ((v->accepted & ~v->offered) || !(v->accepted & VIRTIO_VERSION_1)))
		value &= ~STATUS_FEATURES_OK;
	v->status = (value & 0xff & ~STATUS_NEEDS_RESET) |
		    (v->status & STATUS_NEEDS_RESET);
}

static void register_write(struct virtio_mmio *v, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case DEVICE_FEATURES_SEL:
		v->offered_select = value;
		break;
	case DRIVER_FEATURES_SEL:
		v->accepted_select = value;
		break;
	case DRIVER_FEATURES:
		if (v->accepted_select <= 1 && !(v->status & STATUS_FEATURES_OK))
			address_write(&v->accepted, v->accepted_select, value);
		break;
	case QUEUE_SEL:
		v->queue_select = value;
		break;
	case STATUS:
		status_write(v, value);
		break;
	default:
		queue_write(v, offset, value);
		break;
	}
}

static void virtio_write(void *opaque, uint64_t offset, unsigned int length,
			 uint64_t value)
{
	struct virtio_mmio *v = opaque;

	/* No device here has a writable configuration field. */
	if (offset >= CONFIG || length != 4)
		return;
	if (offset == INTERRUPT_ACK) {
		atomic_fetch_and(&v->interrupt_status, ~(uint32_t)value);
		return;
	}
	if (offset == QUEUE_NOTIFY) {
		/* Only comes here where the device has no ioeventfd. */
		const uint64_t one = 1;

		if (write(v->notify_fd, &one, sizeof(one)) < 0)
			return;	/* full: it is readable already */
		return;
	}
	pthread_mutex_lock(&v->lock);
	register_write(v, offset, value);
	pthread_mutex_unlock(&v->lock);
}

const struct bus_device virtio_mmio_device = { virtio_read, virtio_write };
