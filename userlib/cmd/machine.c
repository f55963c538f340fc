// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Builds a machine, runs its I/O thread (the one that calls machine_run()), and
 * takes it apart. Called by cmd_run.c; a reboot destroys the machine and
 * builds it anew, so nothing of the old one can survive.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "board.h"
#include "cmd.h"
#include "machine.h"

/* How long typed bytes wait for the guest to make room, in milliseconds. */
#define INPUT_RETRY 10

/* ---- Callbacks of the devices ------------------------------------------ */

/* Ends the machine, from any thread: CPUs stop, the I/O thread wakes. */
void machine_end(struct machine *m, enum machine_end end)
{
	const uint64_t one = 1;
	int running = END_RUNNING;

	if (!atomic_compare_exchange_strong(&m->end, &running, (int)end))
		return;
	for (unsigned int i = 0; i < m->cpus; i++)
		kvmx_vcpu_kick(m->cpu[i].vcpu);
	if (write(m->wake_fd, &one, sizeof(one)) < 0)
		return;		/* full: it is readable already */
}

static void on_transmit(void *opaque, uint8_t byte)
{
	(void)opaque;
	console_put(byte);
}

static void line_set(struct machine *m, uint32_t gsi, int level)
{
	int ret = kvmx_vm_irq_line(m->vm, LINE_OF_GSI(gsi), level);

	if (ret < 0) {
		complain("interrupt %u: %s", gsi, strerror(-ret));
		machine_end(m, END_FAILED);
	}
}

static void on_serial_irq(void *opaque, int level)
{
	line_set(opaque, SERIAL_GSI, level);
}

static void on_disk_irq(void *opaque)
{
	const uint64_t one = 1;
	struct disk *disk = opaque;

	if (disk->irq_fd < 0) {
		line_set(disk->machine, disk->gsi, 1);
		line_set(disk->machine, disk->gsi, 0);
	} else if (write(disk->irq_fd, &one, sizeof(one)) < 0) {
		complain("interrupt %u: %s", disk->gsi, strerror(errno));
		machine_end(disk->machine, END_FAILED);
	}
}

/* ---- Building ------------------------------------------------------------ */

int machine_ram_add(struct machine *m, uint32_t slot, uint64_t base,
		    uint64_t length)
{
	const struct kvmx_memory_config config = {
		.size = sizeof(config),
		.slot = slot,
		.guest_address = base,
		.length = length,
	};
	void *host;
	int ret;

	ret = kvmx_vm_memory_add(m->vm, &config, &host);
	if (ret) {
		complain("cannot give the guest %llu MiB at %#llx: %s",
			 (unsigned long long)length >> 20,
			 (unsigned long long)base, strerror(-ret));
		return ret;
	}
	/* Large pages are a matter of speed: without them it works as well. */
	madvise(host, length, MADV_HUGEPAGE);
	m->ram.range[slot].base = base;
	m->ram.range[slot].length = length;
	m->ram.range[slot].host = host;
	m->ram.count = slot + 1;
	return 0;
}

/*
 * The guest's notification signals an eventfd in the kernel, and so does our
 * interrupt. A device without them gets an exit, and KVMX_IRQ_LINE.
 */
static int disk_wire(struct machine *m, struct disk *d, uint64_t address)
{
	const struct kvmx_ioeventfd_config notify = {
		.size = sizeof(notify),
		.address = address + VIRTIO_QUEUE_NOTIFY,
		.length = 4,
		.fd = d->notify_fd,
		.match = 1,		/* queue 0, the only one */
	};
	int ret = 0;

	if (kvmx_vm_check_extension(m->vm, KVMX_CAP_IOEVENTFD) > 0)
		ret = kvmx_vm_ioeventfd_add(m->vm, &notify);
	if (!ret && kvmx_vm_check_extension(m->vm, KVMX_CAP_IRQFD) > 0) {
		d->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ret = d->irq_fd < 0 ? -errno :
		      kvmx_vm_irqfd_add(m->vm, d->gsi, d->irq_fd, -1);
	}
	return ret;
}

static int disk_build(struct machine *m, unsigned int i)
{
	uint64_t address = VIRTIO_ADDRESS + i * VIRTIO_STRIDE;
	struct disk *d = &m->disk[i];
	int ret;

	d->machine = m;
	d->blk = m->config->disk[i];
	d->gsi = VIRTIO_GSI + i;
	d->irq_fd = -1;
	d->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	virtio_blk_init(d->blk, &m->ram, i);
	d->blk->virtio.notify_fd = d->notify_fd;
	d->blk->virtio.interrupt = on_disk_irq;
	d->blk->virtio.opaque = d;
	m->disks = i + 1;
	ret = d->notify_fd < 0 ? -errno : disk_wire(m, d, address);
	if (!ret)
		ret = bus_add(&m->memory, address, VIRTIO_STRIDE,
			      &virtio_mmio_device, &d->blk->virtio);
	if (ret)
		complain("disk %u: %s", i, strerror(-ret));
	return ret;
}

static int devices_build(struct machine *m)
{
	int ret;

	serial_init(&m->serial, on_transmit, on_serial_irq, m);
	ret = board_devices(m);
	for (unsigned int i = 0; !ret && i < m->config->disks; i++)
		ret = disk_build(m, i);
	return ret;
}

/*
 * 0, or an exit code after a message. Either way machine_destroy() follows.
 * @m->console and @m->signal_fd are the caller's, the rest is zero.
 */
int machine_build(struct machine *m, struct kvmx *kvmx,
		  const struct run_config *config)
{
	int ret;

	m->config = config;
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->wake_fd < 0) {
		complain("eventfd: %s", strerror(errno));
		return EXIT_VM;
	}
	ret = kvmx_vm_create(kvmx, NULL, &m->vm);
	if (ret) {
		complain_open(config->device, ret);
		return EXIT_DEVICE;
	}
	if (board_memory(m))
		return EXIT_USAGE;
	if (board_chips(m) || devices_build(m) || cpus_create(m, kvmx))
		return EXIT_VM;
	return board_boot(m);
}

void machine_destroy(struct machine *m)
{
	cpus_destroy(m);
	for (unsigned int i = 0; i < m->disks; i++) {
		struct disk *d = &m->disk[i];

		virtio_destroy(&d->blk->virtio);
		if (d->notify_fd >= 0)
			close(d->notify_fd);
		if (d->irq_fd >= 0)
			close(d->irq_fd);
	}
	if (m->serial.transmit)
		serial_destroy(&m->serial);
	board_destroy(m);
	kvmx_vm_close(m->vm);
	if (m->wake_fd >= 0)
		close(m->wake_fd);
}

/* ---- The I/O thread ------------------------------------------------------ */

static void input_read(struct machine *m)
{
	uint8_t bytes[256];
	unsigned int room = serial_room(&m->serial);
	bool leave = false;
	int n;

	n = console_read(m->console, bytes,
			 room < sizeof(bytes) ? room : sizeof(bytes), &leave);
	serial_receive(&m->serial, bytes, n);
	if (leave)
		machine_end(m, END_LEFT);
}

static void eventfd_clear(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return;		/* nothing in it: a spurious wake-up */
}

static void io_loop(struct machine *m)
{
	enum { WAKE, SIGNAL, INPUT, DISK };
	struct pollfd fd[DISK + MAX_DISKS];

	memset(fd, 0, sizeof(fd));
	for (unsigned int i = 0; i < DISK + m->disks; i++)
		fd[i].events = POLLIN;
	fd[WAKE].fd = m->wake_fd;
	fd[SIGNAL].fd = m->signal_fd;
	for (unsigned int i = 0; i < m->disks; i++)
		fd[DISK + i].fd = m->disk[i].notify_fd;

	while (atomic_load(&m->end) == END_RUNNING) {
		bool full = !serial_room(&m->serial);

		fd[INPUT].fd = full || m->console->ended ? -1 : STDIN_FILENO;
		if (poll(fd, DISK + m->disks, full ? INPUT_RETRY : -1) < 0) {
			if (errno == EINTR)
				continue;
			complain("poll: %s", strerror(errno));
			machine_end(m, END_FAILED);
			break;
		}
		/* A pending signal stays in its descriptor: it is the end. */
		if (fd[SIGNAL].revents)
			machine_end(m, END_LEFT);
		if (fd[INPUT].revents)
			input_read(m);
		for (unsigned int i = 0; i < m->disks; i++)
			if (fd[DISK + i].revents) {
				eventfd_clear(m->disk[i].notify_fd);
				virtio_blk_serve(m->disk[i].blk);
			}
	}
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

enum machine_end machine_run(struct machine *m)
{
	double start = seconds_now();

	if (cpus_start(m))
		machine_end(m, END_FAILED);
	else
		io_loop(m);
	cpus_join(m);
	m->seconds = seconds_now() - start;
	return atomic_load(&m->end);
}
