// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced writes to device memory and ports: they are in the ring in their
 * order, a full ring and any other access leave to the VMM.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "features.h"

#define DEVICE	0x10000000u
#define ZONE	0x100u
#define PORT	0x300u

static struct kvmx_coalesced_mmio_ring *ring_of(struct guest *g, int cpu)
{
	return (void *)((char *)g->run[cpu] + cap(dev, KVMX_CAP_COALESCED_MMIO) * PAGE_SIZE);
}

static int zone(struct guest *g, unsigned long cmd, uint64_t addr, uint32_t size, uint32_t pio)
{
	struct kvmx_coalesced_mmio_zone z = { .addr = addr, .size = size, .pio = pio };

	return ioctl(g->vm, cmd, &z);
}

static uint32_t waiting(const struct kvmx_coalesced_mmio_ring *ring)
{
	return (ring->last + KVMX_COALESCED_MMIO_MAX - ring->first) % KVMX_COALESCED_MMIO_MAX;
}

/* In-tree KVM before 6.11 counts wrong when the indices wrap and leaves early. */
static bool is_full(const struct kvmx_coalesced_mmio_ring *ring)
{
	return waiting(ring) == KVMX_COALESCED_MMIO_MAX - 1 || (in_tree && waiting(ring));
}

static bool is_next(struct kvmx_coalesced_mmio_ring *ring, uint64_t addr, uint32_t len,
		    uint32_t pio, const void *data)
{
	const struct kvmx_coalesced_mmio *e = &ring->coalesced_mmio[ring->first];
	bool good = ring->first != ring->last && e->phys_addr == addr && e->len == len &&
		    e->pio == pio && !memcmp(e->data, data, len);

	ring->first = (ring->first + 1) % KVMX_COALESCED_MMIO_MAX;
	return good;
}

static void memory_writes(struct guest *g)
{
	struct kvmx_coalesced_mmio_ring *ring = ring_of(g, 0);
	uint32_t value = 0x44332211, i, good = 0;

	check(!zone(g, KVMX_REGISTER_COALESCED_MMIO, DEVICE, ZONE, 0), "a zone of memory");
	guest_task(g, 0, DO_WRITE, DEVICE, 4, 10, value);
	check(guest_run(g, 0) == KVMX_EXIT_HLT, "ten writes leave nothing to the VMM");
	check(waiting(ring) == 10, "they are in the ring");
	for (i = 0; i < 10; i++)
		good += is_next(ring, DEVICE + 4 * i, 4, 0, &value);
	check(good == 10, "in their order, as they were");

	guest_task(g, 0, DO_WRITE, DEVICE, 0, 1000, value);
	check(guest_run(g, 0) == KVMX_EXIT_MMIO && g->run[0]->mmio.is_write &&
	      g->run[0]->mmio.phys_addr == DEVICE && g->run[0]->mmio.len == 4 &&
	      !memcmp(g->run[0]->mmio.data, &value, 4), "what no longer fits leaves to the VMM");
	check(is_full(ring), "when the ring is full");
	ring->first = ring->last;
	/* One that is not in the ring is the VMM's; the next are in it again. */
	check(guest_run(g, 0) == KVMX_EXIT_MMIO && is_full(ring), "and goes on when it was read");
	ring->first = ring->last;

	guest_task(g, 0, DO_WRITE, DEVICE + ZONE - 2, 0, 1, value);
	check(guest_run(g, 0) == KVMX_EXIT_MMIO, "a write over the zone's end leaves");
	guest_task(g, 0, DO_READ, DEVICE, 0, 1, 0);
	check(guest_run(g, 0) == KVMX_EXIT_MMIO && !g->run[0]->mmio.is_write, "a read leaves");
	check(guest_run(g, 0) == KVMX_EXIT_HLT && !waiting(ring), "and is not in the ring");

	/* A ring that the VMM has spoilt is one without room. */
	ring->last = 0xffffff00;
	guest_task(g, 0, DO_WRITE, DEVICE, 0, 1, value);
	check(guest_run(g, 0) == KVMX_EXIT_MMIO && ring->last == 0xffffff00, "a spoilt ring is full");
	ring->first = ring->last = 0;

	check(!zone(g, KVMX_UNREGISTER_COALESCED_MMIO, DEVICE, ZONE, 0), "the zone goes");
	guest_task(g, 0, DO_WRITE, DEVICE, 4, 1, value);
	check(guest_run(g, 0) == KVMX_EXIT_MMIO && !waiting(ring), "then writes leave");
	check(!zone(g, KVMX_UNREGISTER_COALESCED_MMIO, DEVICE, ZONE, 0), "going twice is no error");
}

static void port_writes(struct guest *g)
{
	struct kvmx_coalesced_mmio_ring *ring = ring_of(g, 0);
	uint8_t value = 0x5a;
	uint32_t i, good = 0;

	check(cap(dev, KVMX_CAP_COALESCED_PIO) == 1, "ports, too");
	check(!zone(g, KVMX_REGISTER_COALESCED_MMIO, PORT, 4, 1), "a zone of ports");
	guest_task(g, 0, DO_OUT, PORT + 1, 0, 3, value);
	check(guest_run(g, 0) == KVMX_EXIT_HLT, "OUTs leave nothing to the VMM");
	for (i = 0; i < 3; i++)
		good += is_next(ring, PORT + 1, 1, 1, &value);
	check(good == 3 && !waiting(ring), "they are in the ring as ports");
	guest_task(g, 0, DO_OUT, PORT + 4, 0, 1, value);
	check(guest_run(g, 0) == KVMX_EXIT_IO, "another port leaves");
	guest_task(g, 0, DO_WRITE, DEVICE, 4, 1, value);
	check(guest_run(g, 0) == KVMX_EXIT_MMIO, "and so does memory");
	check(!zone(g, KVMX_UNREGISTER_COALESCED_MMIO, PORT, 4, 0), "memory of the zone's address goes");
	guest_task(g, 0, DO_OUT, PORT, 0, 1, value);
	check(guest_run(g, 0) == KVMX_EXIT_HLT && waiting(ring) == 1, "the ports stay");
	ring->first = ring->last;
}

static void shared(struct guest *g)
{
	struct kvmx_coalesced_mmio_ring *ring = ring_of(g, 0);
	uint8_t one = 1, two = 2;

	check(!zone(g, KVMX_REGISTER_COALESCED_MMIO, PORT, 4, 1), "the zone once more");
	guest_task(g, 0, DO_OUT, PORT, 0, 1, one);
	guest_task(g, 1, DO_OUT, PORT, 0, 1, two);
	check(guest_run(g, 0) == KVMX_EXIT_HLT && guest_run(g, 1) == KVMX_EXIT_HLT, "two vCPUs write");
	check(ring_of(g, 1)->first == ring->first && ring_of(g, 1)->last == ring->last &&
	      is_next(ring, PORT, 1, 1, &one) && is_next(ring_of(g, 1), PORT, 1, 1, &two),
	      "they have one ring");
}

void test_coalesced(void)
{
	struct guest g = guest_make(2, NULL);

	check(cap(dev, KVMX_CAP_COALESCED_MMIO) == KVMX_COALESCED_MMIO_PAGE_OFFSET &&
	      mmap_size > KVMX_COALESCED_MMIO_PAGE_OFFSET * PAGE_SIZE, "the ring has its page");
	memory_writes(&g);
	port_writes(&g);
	shared(&g);
	guest_end(&g);
}
