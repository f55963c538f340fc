// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Walks the rings and descriptor chains that a guest's driver writes. Every
 * value is read once, checked, then used. Called by virtio devices in the I/O
 * thread, with the device locked. Source: Virtio 1.2, section 2.7 "Split
 * Virtqueues".
 */
#include <string.h>
#include "virtqueue.h"

#define DESC_BYTES	16u
#define DESC_NEXT	1u
#define DESC_WRITE	2u
#define DESC_INDIRECT	4u

#define AVAIL_NO_INTERRUPT	1u
#define USED_NO_NOTIFY		1u

struct desc {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

void virtqueue_reset(struct virtqueue *queue, const struct guest_ram *ram)
{
	memset(queue, 0, sizeof(*queue));
	queue->ram = ram;
}

/* Checks what the driver set up; the rings never move while it is ready. */
bool virtqueue_start(struct virtqueue *q)
{
	uint32_t n = q->size;

	q->ready = false;
	if (!n || n > QUEUE_SIZE_MAX || (n & (n - 1)) ||
	    q->desc_address % 16 || q->avail_address % 2 || q->used_address % 4)
		return false;
	q->desc = guest_ram_pointer(q->ram, q->desc_address, DESC_BYTES * n);
	q->avail = guest_ram_pointer(q->ram, q->avail_address, 6 + 2 * n);
	q->used = guest_ram_pointer(q->ram, q->used_address, 6 + 8 * n);
	q->ready = q->desc && q->avail && q->used;
	return q->ready;
}

/* The guest writes these at the same time: each is one atomic access. */
static uint16_t load16(const uint8_t *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
}

static void store16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, v, __ATOMIC_RELEASE);
}

/* A private copy: the guest cannot change it between check and use. */
static struct desc desc_load(const uint8_t *table, uint32_t index)
{
	struct desc d;

	memcpy(&d, table + DESC_BYTES * (size_t)index, sizeof(d));
	return d;
}

static bool chain_add(const struct virtqueue *q, struct chain *chain,
		      const struct desc *d)
{
	unsigned int n = chain->out_count + chain->in_count;
	bool in = d->flags & DESC_WRITE;
	void *p;

	/* Device-readable buffers come first. */
	if (n == CHAIN_MAX || (!in && chain->in_count))
		return false;
	p = guest_ram_pointer(q->ram, d->address, d->length);
	if (!p)
		return false;
	chain->iov[n].iov_base = p;
	chain->iov[n].iov_len = d->length;
	if (in) {
		chain->in_count++;
		chain->in_bytes += d->length;
	} else {
		chain->out_count++;
		chain->out_bytes += d->length;
	}
	return true;
}

/* A chain in a table of @count; no more steps than entries, so loops end. */
static bool table_walk(const struct virtqueue *q, struct chain *chain,
		       const uint8_t *table, uint32_t count, uint32_t index)
{
	for (uint32_t steps = 0; steps < count; steps++) {
		struct desc d;

		if (index >= count)
			return false;
		d = desc_load(table, index);
		if ((d.flags & DESC_INDIRECT) || !chain_add(q, chain, &d))
			return false;
		if (!(d.flags & DESC_NEXT))
			return true;
		index = d.next;
	}
	return false;
}

static bool chain_walk(const struct virtqueue *q, struct chain *chain)
{
	const uint8_t *table;
	struct desc d;

	if (chain->head >= q->size)
		return false;
	d = desc_load(q->desc, chain->head);
	if (!(d.flags & DESC_INDIRECT))
		return table_walk(q, chain, q->desc, q->size, chain->head);
	/* The table stands for the whole chain: nothing may follow it. */
	if ((d.flags & DESC_NEXT) || !d.length || d.length % DESC_BYTES ||
	    d.length / DESC_BYTES > QUEUE_SIZE_MAX)
		return false;
	table = guest_ram_pointer(q->ram, d.address, d.length);
	return table && table_walk(q, chain, table, d.length / DESC_BYTES, 0);
}

/* The next request; false when there is none, or the queue is broken. */
bool virtqueue_pop(struct virtqueue *q, struct chain *chain)
{
	uint16_t waiting;

	if (!q->ready || q->broken)
		return false;
	waiting = load16(q->avail + 2) - q->last_avail;
	if (!waiting)
		return false;
	memset(chain, 0, offsetof(struct chain, iov));
	chain->head = load16(q->avail + 4 + 2 * (q->last_avail & (q->size - 1)));
	if (waiting > q->size || !chain_walk(q, chain)) {
		q->broken = true;
		return false;
	}
	q->last_avail++;
	return true;
}

void virtqueue_push(struct virtqueue *q, uint16_t head, uint32_t written)
{
	uint8_t *entry = q->used + 4 + 8 * (q->used_index & (q->size - 1));
	uint32_t id = head;

	memcpy(entry, &id, sizeof(id));
	memcpy(entry + 4, &written, sizeof(written));
	q->used_index++;
	store16(q->used + 2, q->used_index);
}

bool virtqueue_wants_interrupt(const struct virtqueue *q)
{
	/* The used index must be visible before the flags are looked at. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return q->ready && !(load16(q->avail) & AVAIL_NO_INTERRUPT);
}

void virtqueue_suppress_notify(struct virtqueue *q, bool suppress)
{
	if (!q->ready)
		return;
	store16(q->used, suppress ? USED_NO_NOTIFY : 0);
	/* And the flags before the avail index is looked at again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool virtqueue_has_more(const struct virtqueue *q)
{
	return q->ready && !q->broken && load16(q->avail + 2) != q->last_avail;
}
