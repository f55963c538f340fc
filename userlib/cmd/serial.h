/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A 16550A serial port.
 */
#ifndef KVMX_SERIAL_H
#define KVMX_SERIAL_H

#include <pthread.h>
#include "bus.h"

#define SERIAL_PORTS	8u
#define SERIAL_QUEUE	1024u	/* power of two */

struct serial {
	pthread_mutex_t lock;
	void (*transmit)(void *opaque, uint8_t byte);
	void (*irq)(void *opaque, int level);
	void *opaque;
	int level;		/* of the interrupt line */
	int empty_pending;	/* "transmitter empty" not yet seen by the guest */
	uint8_t ier, fcr, lcr, mcr, scratch, dll, dlm;
	uint8_t queue[SERIAL_QUEUE];	/* received */
	unsigned int head, tail;	/* read at head, written at tail */
};

extern const struct bus_device serial_device;

void serial_init(struct serial *serial, void (*transmit)(void *, uint8_t),
		 void (*irq)(void *, int), void *opaque);
void serial_destroy(struct serial *serial);
unsigned int serial_room(struct serial *serial);
void serial_receive(struct serial *serial, const uint8_t *bytes,
		    unsigned int count);

#endif
