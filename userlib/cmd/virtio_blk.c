// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Serves the requests of a virtio disk from a file, one after another, in the
 * I/O thread. What the guest asks is bounded by the file's size and the chain's
 * length. Called by machine.c. Source: Virtio 1.2, section 5.2 "Block Device".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "virtio_blk.h"

#define SECTOR		512u
#define BLOCK_DEVICE_ID	2u
#define SERVE_LIMIT	QUEUE_SIZE_MAX	/* requests before others get a turn */

#define FEATURE_SEG_MAX		VIRTIO_FEATURE(2)
#define FEATURE_READ_ONLY	VIRTIO_FEATURE(5)
#define FEATURE_FLUSH		VIRTIO_FEATURE(9)

enum { REQUEST_IN = 0, REQUEST_OUT = 1, REQUEST_FLUSH = 4, REQUEST_GET_ID = 8 };
enum { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPP = 2 };

struct request {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

/* Opens the file, so that a mistake shows before the machine is built. */
int virtio_blk_open(const char *path, bool read_only, struct virtio_blk **out)
{
	struct virtio_blk *blk;
	struct stat st;
	uint64_t bytes;
	int fd, ret;

	fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = -EINVAL;
	if (fstat(fd, &st))
		goto close;
	if (S_ISREG(st.st_mode))
		bytes = st.st_size;
	else if (!S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, &bytes))
		goto close;
	if (bytes < SECTOR)
		goto close;
	ret = -ENOMEM;
	blk = calloc(1, sizeof(*blk));
	if (!blk)
		goto close;
	blk->fd = fd;
	blk->read_only = read_only;
	blk->bytes = bytes - bytes % SECTOR;
	*out = blk;
	return 0;

close:
	close(fd);
	return ret;
}

void virtio_blk_close(struct virtio_blk *blk)
{
	if (!blk)
		return;
	close(blk->fd);
	free(blk);
}

/* Before each start of the machine; the file stays open over a reboot. */
void virtio_blk_init(struct virtio_blk *blk, const struct guest_ram *ram,
		     unsigned int number)
{
	uint64_t sectors = blk->bytes / SECTOR;
	/* two of a chain's buffers are the request's head and its status */
	uint32_t segments = CHAIN_MAX - 2;

	virtio_init(&blk->virtio, ram);
	blk->virtio.device_id = BLOCK_DEVICE_ID;
	blk->virtio.offered |= FEATURE_SEG_MAX | FEATURE_FLUSH;
	if (blk->read_only)
		blk->virtio.offered |= FEATURE_READ_ONLY;
	memcpy(blk->virtio.config, &sectors, sizeof(sectors));
	memcpy(blk->virtio.config + 12, &segments, sizeof(segments));
	memset(blk->serial, 0, sizeof(blk->serial));
	snprintf(blk->serial, sizeof(blk->serial), "kvmx-disk-%u", number);
}

/* Takes @bytes off the front of a list of buffers, copying them to @to. */
static bool take_front(struct iovec **iov, unsigned int *count, void *to,
		       size_t bytes)
{
	uint8_t *p = to;

	while (bytes) {
		size_t n;

		if (!*count)
			return false;
		n = (*iov)->iov_len < bytes ? (*iov)->iov_len : bytes;
		memcpy(p, (*iov)->iov_base, n);
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
		p += n;
		bytes -= n;
		if (!(*iov)->iov_len) {
			(*iov)++;
			(*count)--;
		}
	}
	return true;
}

/* The last byte of the buffers the device writes is the status. */
static uint8_t *take_status(struct iovec *iov, unsigned int *count)
{
	while (*count && !iov[*count - 1].iov_len)
		(*count)--;
	if (!*count)
		return NULL;
	iov[*count - 1].iov_len--;
	return (uint8_t *)iov[*count - 1].iov_base + iov[*count - 1].iov_len;
}

static size_t total(const struct iovec *iov, unsigned int count)
{
	size_t sum = 0;

	while (count--)
		sum += iov++->iov_len;
	return sum;
}

/* Moves all of the buffers' bytes, however many calls that takes. */
static int transfer(int fd, bool write, struct iovec *iov, unsigned int count,
		    uint64_t offset)
{
	while (count) {
		ssize_t n;

		if (!iov->iov_len) {
			iov++;
			count--;
			continue;
		}
		n = write ? pwritev(fd, iov, count, offset) :
			    preadv(fd, iov, count, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		offset += n;
		while (n) {
			size_t part = (size_t)n < iov->iov_len ? (size_t)n :
								 iov->iov_len;

			iov->iov_base = (uint8_t *)iov->iov_base + part;
			iov->iov_len -= part;
			n -= part;
			if (!iov->iov_len) {
				iov++;
				count--;
			}
		}
	}
	return 0;
}

static uint8_t read_write(struct virtio_blk *blk, const struct request *r,
			  struct iovec *iov, unsigned int count)
{
	uint64_t sectors = blk->bytes / SECTOR;
	size_t bytes = total(iov, count);
	bool write = r->type == REQUEST_OUT;

	if (bytes % SECTOR || r->sector > sectors ||
	    bytes / SECTOR > sectors - r->sector || (write && blk->read_only))
		return STATUS_IOERR;
	if (transfer(blk->fd, write, iov, count, r->sector * SECTOR))
		return STATUS_IOERR;
	return STATUS_OK;
}

static uint8_t get_id(struct virtio_blk *blk, struct iovec *iov,
		      unsigned int count)
{
	const char *from = blk->serial;
	size_t left = sizeof(blk->serial);

	for (; count && left; iov++, count--) {
		size_t n = iov->iov_len < left ? iov->iov_len : left;

		memcpy(iov->iov_base, from, n);
		from += n;
		left -= n;
	}
	return STATUS_OK;
}

/*
 * One request. False when it has no room for a status: such a request cannot be
 * answered at all.
 */
static bool serve(struct virtio_blk *blk, struct chain *chain, uint32_t *written)
{
	struct iovec *out = chain->iov;
	struct iovec *in = chain->iov + chain->out_count;
	unsigned int outs = chain->out_count, ins = chain->in_count;
	struct request r;
	uint8_t *status = take_status(in, &ins);

	*written = 0;
	if (!status)
		return false;
	if (!take_front(&out, &outs, &r, sizeof(r))) {
		*status = STATUS_IOERR;
		*written = 1;
		return true;
	}
	switch (r.type) {
	case REQUEST_IN:
		*status = read_write(blk, &r, in, ins);
		break;
	case REQUEST_OUT:
		*status = read_write(blk, &r, out, outs);
		break;
	case REQUEST_FLUSH:
		*status = fdatasync(blk->fd) ? STATUS_IOERR : STATUS_OK;
		break;
	case REQUEST_GET_ID:
		*status = get_id(blk, in, ins);
		break;
	default:
		*status = STATUS_UNSUPP;
		break;
	}
	/* What a failed read wrote is not defined: claim only what is certain. */
	*written = r.type == REQUEST_OUT || *status != STATUS_OK ? 1 :
		   chain->in_bytes > UINT32_MAX ? UINT32_MAX : chain->in_bytes;
	return true;
}

/*
 * The queue was notified. Notifications are off while it is worked on; what
 * came between the last look and switching them on again is found by one more.
 */
void virtio_blk_serve(struct virtio_blk *blk)
{
	struct virtio_mmio *v = &blk->virtio;
	unsigned int served = 0;
	bool more;

	pthread_mutex_lock(&v->lock);
	if (!virtio_running(v))
		goto out;
	do {
		virtqueue_suppress_notify(&v->queue, true);
		while (served < SERVE_LIMIT &&
		       virtqueue_pop(&v->queue, &blk->chain)) {
			uint32_t written;

			if (!serve(blk, &blk->chain, &written)) {
				v->queue.broken = true;
				break;
			}
			virtqueue_push(&v->queue, blk->chain.head, written);
			served++;
		}
		virtqueue_suppress_notify(&v->queue, false);
		more = virtqueue_has_more(&v->queue);
	} while (more && served < SERVE_LIMIT);
	if (served && virtqueue_wants_interrupt(&v->queue))
		virtio_interrupt(v);
	if (v->queue.broken)
		virtio_break(v);
	if (more) {
		const uint64_t one = 1;

		if (write(v->notify_fd, &one, sizeof(one)) < 0)
			goto out;	/* full: it is readable already */
	}
out:
	pthread_mutex_unlock(&v->lock);
}
